//! A table's WebSocket: what a player sends goes to the orchestrator, what happens at the table comes back as frames.
//!
//! One task serves a connection, so that frames leave in order and a reader who does not read holds up nobody but
//! himself. `request` reads what clients send.

mod request;

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{
    extract::{
        ConnectInfo, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use futures_util::{SinkExt, StreamExt};
use proto::{
    frame::to_frame,
    orchestrator::v1::{
        AddCharacterRequest, CancelTurnRequest, ChatRequest, CreateSessionRequest, GetSessionRequest,
        RemoveCharacterRequest, Session, SessionEvent, SubscribeRequest,
        orchestrator_service_client::OrchestratorServiceClient,
        session_event::{Body, Error, SessionInfo, System, Telemetry},
    },
    structs,
};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::{Transport, status::Failure, trace};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};
use tracing::{Instrument, Span};
use uuid::Uuid;

use self::request::{Position, Request};
use crate::{
    Shares,
    answer::{self, Problem},
    extract::{self, Path, Query},
    streams::OpenStream,
};

/// Longest message taken off the wire, in bytes. What is longer than a frame may be is answered; only beyond this the
/// line is cut.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// The socket's buffers, in bytes; idle tables should cost little.
const BUFFER: usize = 8 * 1024;
/// Time in which a reader must take a frame.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// Time in which a line that is being closed may say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a line is asked for a sign of life, and after how long a silence it is given up.
const PING_EVERY: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(65);
/// Time in which a turn may end after a shutdown has begun.
const DRAIN: Duration = Duration::from_secs(8);
/// How long an answer waits for the log to show what it speaks of.
const CATCH_UP: Duration = Duration::from_millis(500);
/// The types that the seed documents; `?telemetry=0` leaves only these.
const DOCUMENTED: [&str; 8] =
    ["system", "processing", "narrative", "tool_execution", "tool_result", "complete", "error", "session_info"];

type Client = OrchestratorServiceClient<Transport>;

#[derive(Deserialize)]
pub(crate) struct SocketQuery {
    after_seq: Option<u64>,
    after_offset: Option<u64>,
    telemetry: Option<String>,
}

/// Opens the socket of a session, which is created if there is none of that id.
pub(crate) async fn upgrade(
    State(gateway): Shares,
    Path(session_id): Path<String>,
    Query(query): Query<SocketQuery>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| Problem::from_http(rejection.status(), &rejection.body_text()))?;
    extract::session_id(&session_id)?;
    let open = gateway.streams.open(address.ip())?;
    let line = Line {
        client: gateway.peers.orchestrator(),
        session_id,
        connection_id: Uuid::now_v7().to_string(),
        documented_only: matches!(query.telemetry.as_deref(), Some("0" | "false" | "off")),
        shutdown: gateway.shutdown.clone(),
        _open: open,
    };
    let after = query.after_seq.map(|seq| Position { seq, offset: query.after_offset });
    let span = Span::current();
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let sockets = gateway.sockets.clone();
    Ok(upgrade.on_upgrade(move |socket| sockets.track_future(line.serve(socket, after, span))))
}

/// What a connection is, apart from its socket.
struct Line {
    client: Client,
    session_id: String,
    /// Tells the orchestrator whose doing an event is.
    connection_id: String,
    documented_only: bool,
    shutdown: CancellationToken,
    _open: OpenStream,
}

/// A connection in use.
struct Connection {
    line: Line,
    socket: WebSocket,
    events: Streaming<SessionEvent>,
    /// Everything up to this sequence number has been sent, or was before this connection.
    shown: u64,
    /// Whether a turn is being told.
    in_turn: bool,
}

/// Why a connection ends.
enum End {
    /// The client has gone.
    Gone,
    /// We close it, and say why.
    Close(u16, String),
}

impl End {
    fn away() -> End {
        End::Close(close_code::AWAY, "the server is shutting down".into())
    }
}

impl Line {
    async fn serve(self, mut socket: WebSocket, after: Option<Position>, span: Span) {
        let session_id = self.session_id.clone();
        let begun = self.begin(&mut socket, after).instrument(span).await;
        let end = match begun {
            Err(end) => end,
            Ok((events, shown)) => {
                let mut connection = Connection { line: self, socket, events, shown, in_turn: false };
                let end = connection.run().await;
                socket = connection.socket;
                end
            }
        };
        match end {
            End::Gone => {
                let _ = timeout(FAREWELL, socket.close()).await;
            }
            End::Close(code, reason) => {
                tracing::info!(session_id, code, reason, "socket closed");
                let _ = timeout(FAREWELL, say_goodbye(&mut socket, code, reason)).await;
            }
        }
    }

    /// Makes sure of the session, greets, and listens to it. Answers the events, and what was in the log before them.
    async fn begin(
        &self,
        socket: &mut WebSocket,
        after: Option<Position>,
    ) -> Result<(Streaming<SessionEvent>, u64), End> {
        let mut client = self.client.clone();
        let begun = async {
            let session_id = self.session_id.clone();
            client.create_session(CreateSessionRequest { session_id: Some(session_id) }).await?;
            write(socket, system(format!("Connected to session {}", self.session_id), "")).await?;
            let events = self.subscribe(after).await?;
            // Asked for after the subscription, so that whatever has a higher number comes through it.
            let shown = match after {
                Some(after) => after.seq,
                None => self.session().await?.last_seq,
            };
            Ok((events, shown))
        };
        match begun.await {
            Ok(begun) => Ok(begun),
            Err(Refusal::End(end)) => Err(end),
            Err(Refusal::Status(status)) => {
                let failure = Failure::from(&status);
                let reason = failure.message.clone();
                write(socket, error(&failure, &trace::current_id_text())).await?;
                Err(End::Close(close_code::AGAIN, shortened(reason)))
            }
        }
    }

    async fn subscribe(&self, after: Option<Position>) -> Result<Streaming<SessionEvent>, Status> {
        let request = SubscribeRequest {
            session_id: self.session_id.clone(),
            after_seq: after.map(|after| after.seq),
            after_offset: after.and_then(|after| after.offset),
            connection_id: Some(self.connection_id.clone()),
        };
        Ok(self.client.clone().subscribe(request).await?.into_inner())
    }

    async fn session(&self) -> Result<Session, Status> {
        let request = GetSessionRequest { session_id: self.session_id.clone() };
        Ok(self.client.clone().get_session(request).await?.into_inner())
    }
}

impl Connection {
    /// Serves the connection until it ends.
    async fn run(&mut self) -> End {
        let shutdown = self.line.shutdown.clone();
        // The turn that runs is told to its end, if that comes soon enough.
        let mut drained = pin!(async {
            shutdown.cancelled().await;
            sleep(DRAIN).await;
        });
        let mut heard = Instant::now();
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        loop {
            let done = tokio::select! {
                event = self.events.next() => self.event(event).await,
                message = self.socket.recv() => {
                    heard = Instant::now();
                    self.message(message).await
                }
                _ = pings.tick() => match heard.elapsed() {
                    silence if SILENCE < silence => Err(End::Close(close_code::POLICY, "no sign of life".into())),
                    _ => write_message(&mut self.socket, Message::Ping(Default::default())).await,
                },
                () = shutdown.cancelled(), if !self.in_turn => Err(End::away()),
                () = &mut drained => Err(End::away()),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Passes an event of the session on.
    async fn event(&mut self, event: Option<Result<SessionEvent, Status>>) -> Result<(), End> {
        match event {
            Some(Ok(event)) => {
                self.shown = self.shown.max(event.seq);
                match event.body {
                    Some(Body::Processing(_)) => self.in_turn = true,
                    Some(Body::Complete(_)) => self.in_turn = false,
                    _ => {}
                }
                let frame = to_frame(&event);
                let kind = frame["type"].as_str().unwrap_or_default();
                if kind.is_empty() || self.line.documented_only && !DOCUMENTED.contains(&kind) {
                    return Ok(());
                }
                write(&mut self.socket, frame).await
            }
            _ if self.line.shutdown.is_cancelled() => Err(End::away()),
            Some(Err(status)) if status.code() == Code::ResourceExhausted => {
                Err(End::Close(close_code::POLICY, "frames were not read in time; connect again with after_seq".into()))
            }
            Some(Err(_)) | None => {
                Err(End::Close(close_code::RESTART, "the session is being moved; connect again with after_seq".into()))
            }
        }
    }

    /// Does what the client has sent.
    async fn message(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(_))) => return self.refuse(&request::not_text(), None).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(error)) => return Err(End::Close(close_code::PROTOCOL, shortened(error.to_string()))),
        };
        let request::Frame { trace_id, request } = match request::parse(&text) {
            Ok(frame) => frame,
            Err(failure) => return self.refuse(&failure, None).await,
        };
        let name = match &request {
            Request::Ping => return write(&mut self.socket, json!({"type": "pong"})).await,
            Request::Chat { .. } => "ws chat",
            Request::AddCharacter { .. } => "ws add_character",
            Request::RemoveCharacter { .. } => "ws remove_character",
            Request::GetSessionInfo => "ws get_session_info",
            Request::Cancel => "ws cancel",
            Request::Resume { .. } => "ws resume",
        };
        let (span, trace_id) = trace::begin("gateway", name, trace_id, None);
        self.perform(request, trace_id).instrument(span).await
    }

    async fn perform(&mut self, request: Request, trace_id: Uuid) -> Result<(), End> {
        let trace = trace_id.to_string();
        let session_id = self.line.session_id.clone();
        let mut client = self.line.client.clone();
        let refused = match request {
            Request::Chat { message, message_id } => {
                let connection_id = Some(self.line.connection_id.clone());
                let request = ChatRequest { session_id, message, message_id, connection_id, ..Default::default() };
                match client.chat(request).await {
                    Err(status) => status,
                    Ok(answer) => {
                        let answer = answer.into_inner();
                        let note = match answer.queued {
                            _ if answer.repeated => "This message has been received already".to_owned(),
                            0 => return Ok(()),
                            1 => "Queued: 1 turn before yours".to_owned(),
                            turns => format!("Queued: {turns} turns before yours"),
                        };
                        let event = SessionEvent { turn_id: answer.turn_id, ..system_event(note, &trace) };
                        return write(&mut self.socket, to_frame(&event)).await;
                    }
                }
            }
            Request::AddCharacter { character } => {
                let request = AddCharacterRequest { session_id, character: character.clone() };
                match client.add_character(request).await {
                    Ok(session) => {
                        let session = session.into_inner();
                        if !self.catch_up(session.last_seq).await? {
                            // Who sits there already is not added again, but whoever asked is answered the same.
                            let added = format!("Added {} to session", as_seated(&session, &character));
                            write(&mut self.socket, system(added, &trace)).await?;
                        }
                        return self.changed(&session, "add_character", &character).await;
                    }
                    Err(status) => {
                        self.refuse(&Failure::from(&status), Some(&trace)).await?;
                        match self.line.session().await {
                            Ok(session) => return self.session_info(&session).await,
                            Err(status) => status,
                        }
                    }
                }
            }
            Request::RemoveCharacter { character } => {
                let request = RemoveCharacterRequest { session_id, character: character.clone() };
                match client.remove_character(request).await {
                    Err(status) => status,
                    Ok(answer) => {
                        let answer = answer.into_inner();
                        let session = answer.session.unwrap_or_default();
                        if !answer.changed {
                            return self.session_info(&session).await;
                        }
                        self.catch_up(session.last_seq).await?;
                        return self.changed(&session, "remove_character", &character).await;
                    }
                }
            }
            Request::GetSessionInfo => match self.line.session().await {
                Ok(session) => return self.session_info(&session).await,
                Err(status) => status,
            },
            Request::Cancel => match client.cancel_turn(CancelTurnRequest { session_id }).await {
                Ok(answer) if answer.get_ref().cancelled => return Ok(()),
                Ok(_) => return write(&mut self.socket, system("Nothing to cancel".into(), &trace)).await,
                Err(status) => status,
            },
            Request::Resume { after } => match self.line.subscribe(Some(after)).await {
                Ok(events) => {
                    self.events = events;
                    self.shown = self.shown.min(after.seq);
                    return Ok(());
                }
                Err(status) => status,
            },
            Request::Ping => return Ok(()),
        };
        self.refuse(&Failure::from(&refused), Some(&trace)).await
    }

    /// Passes on what the log holds up to `last_seq`, and answers whether a change of the party was among it.
    async fn catch_up(&mut self, last_seq: u64) -> Result<bool, End> {
        let deadline = Instant::now() + CATCH_UP;
        let mut has_changed = false;
        while self.shown < last_seq {
            let Ok(event) = timeout_at(deadline, self.events.next()).await else { break };
            has_changed |= matches!(&event, Some(Ok(event)) if is_change_of_party(event));
            self.event(event).await?;
        }
        Ok(has_changed)
    }

    /// Tells who sits at the table now.
    async fn changed(&mut self, session: &Session, action: &str, character: &str) -> Result<(), End> {
        self.session_info(session).await?;
        if self.line.documented_only {
            return Ok(());
        }
        let data = json!({
            "action": action, "component": "character_list", "character": character,
            "total_characters": session.characters.len(),
        });
        let (event, level, timestamp) = ("ui_interaction".into(), "info".into(), answer::now());
        let body = Telemetry { event, data: Some(structs::from_json(data)), timestamp, level };
        let event = SessionEvent { body: Some(Body::Telemetry(body)), ..Default::default() };
        write(&mut self.socket, to_frame(&event)).await
    }

    async fn session_info(&mut self, session: &Session) -> Result<(), End> {
        let Session { session_id, characters, message_count, .. } = session.clone();
        let body = SessionInfo { session_id, characters, message_count };
        let event = SessionEvent { body: Some(Body::SessionInfo(body)), ..Default::default() };
        write(&mut self.socket, to_frame(&event)).await
    }

    /// Tells the client what was wrong; the socket stays open.
    async fn refuse(&mut self, failure: &Failure, trace_id: Option<&str>) -> Result<(), End> {
        let made = match trace_id {
            Some(_) => String::new(),
            None => {
                let (span, trace_id) = trace::begin("gateway", "ws bad frame", None, None);
                span.in_scope(|| {
                    tracing::info!(target: "request", code = failure.code.number(), reason = failure.message, "frame refused")
                });
                trace_id.to_string()
            }
        };
        write(&mut self.socket, error(failure, trace_id.unwrap_or(&made))).await
    }
}

/// Either way a beginning may fail.
enum Refusal {
    Status(Status),
    End(End),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Refusal {
        Refusal::Status(status)
    }
}

impl From<End> for Refusal {
    fn from(end: End) -> Refusal {
        Refusal::End(end)
    }
}

fn is_change_of_party(event: &SessionEvent) -> bool {
    let Some(Body::System(System { character_added, character_removed, .. })) = &event.body else { return false };
    character_added.is_some() || character_removed.is_some()
}

/// A character's name in the spelling of the table.
fn as_seated<'a>(session: &'a Session, character: &'a str) -> &'a str {
    let character = character.trim();
    session
        .characters
        .iter()
        .find(|name| name.to_lowercase() == character.to_lowercase())
        .map_or(character, String::as_str)
}

async fn write(socket: &mut WebSocket, frame: Value) -> Result<(), End> {
    write_message(socket, Message::Text(frame.to_string().into())).await
}

/// Writes a message in one piece.
async fn write_message(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(WRITE_DEADLINE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Close(close_code::POLICY, "frames were not read in time".into())),
    }
}

/// Closes the line, and waits until the client has closed it too.
async fn say_goodbye(socket: &mut WebSocket, code: u16, reason: String) {
    let farewell = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    if socket.send(farewell).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

/// A reason for closing has at most 123 bytes.
fn shortened(reason: String) -> String {
    reason
        .chars()
        .take_while({
            let mut bytes = 0;
            move |char| {
                bytes += char.len_utf8();
                bytes <= 120
            }
        })
        .collect()
}

fn system(content: String, trace_id: &str) -> Value {
    to_frame(&system_event(content, trace_id))
}

fn system_event(content: String, trace_id: &str) -> SessionEvent {
    let body = Some(Body::System(System { content, ..Default::default() }));
    SessionEvent { trace_id: trace_id.to_owned(), body, ..Default::default() }
}

fn error(failure: &Failure, trace_id: &str) -> Value {
    let Failure { code, message, details } = failure;
    let mut content = message.clone();
    if let Some(Value::Array(names)) = details.get("available_characters") {
        let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
        content = format!("{content}; there are {}", names.join(", "));
    }
    let body = Error { content, code: code.number(), error_type: code.name().into() };
    let event = SessionEvent { trace_id: trace_id.to_owned(), body: Some(Body::Error(body)), ..Default::default() };
    let mut frame = to_frame(&event);
    if !details.is_empty() {
        frame["details"] = details.clone().into();
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_a_close_frame_and_is_not_cut_within_a_character() {
        assert_eq!(shortened("\u{1F3B2}".repeat(100)).len(), 120);
        assert_eq!(shortened("short".into()), "short");
    }
}
