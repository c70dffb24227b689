//! A table's WebSocket: what a player sends goes to the orchestrator, what happens at the table comes back as frames.
//!
//! One task serves a connection, so that frames leave in order and a reader who does not read holds up nobody but
//! himself. `request` reads what clients send, `person` knows what its author may, `frame` makes what the gateway says
//! itself.

mod frame;
mod person;
mod request;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    pin::pin,
    time::Duration,
};

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
        AddCharacterRequest, ApproveRequest, CancelTurnRequest, ChatRequest, CreateSessionRequest, GetSessionRequest,
        JoinRequest, OverrideRequest, RemoveCharacterRequest, Session, SessionEvent, SubscribeRequest, TakeOverRequest,
        WhisperRequest,
        orchestrator_service_client::OrchestratorServiceClient,
        session_event::{Body, System},
    },
};
use serde::Deserialize;
use serde_json::Value;
use service_kit::{Transport, status::Failure, trace};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};
use tracing::{Instrument, Span};
use uuid::Uuid;

#[cfg(test)]
pub(crate) use self::request::TYPES as CLIENT_TYPES;
use self::{
    person::Person,
    request::{Position, Request},
};
use crate::{
    Shares,
    answer::Problem,
    door::{self, Who},
    extract::{self, Path, Query},
    limits::LIMITED,
    streams::OpenStream,
};

/// Longest message taken off the wire, in bytes. What is longer than a frame may be is answered; only beyond this the
/// line is cut.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// The socket's buffers, in bytes; idle tables should cost little.
const BUFFER: usize = 4 * 1024;
/// Milliseconds over which those who must come back are spread: a gateway takes thousands of connections in a second.
const SPREAD_MS: u64 = 1000;
/// Time in which a line that is being closed may say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a line is asked for a sign of life, and after how long a silence it is given up.
const PING_EVERY: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(65);
/// Time in which a turn may end after a shutdown has begun.
const DRAIN: Duration = Duration::from_secs(8);
/// Who has fallen behind and is told how things stand must keep up for so long, or is shown the door.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
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
    Who(caller): Who,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| Problem::from_http(rejection.status(), &rejection.body_text()))?;
    extract::session_id(&session_id)?;
    caller.may_enter(&session_id)?;
    let open = gateway.streams.open(address.ip())?;
    let connection_id = Uuid::now_v7().to_string();
    let line = Line {
        client: gateway.peers.orchestrator(),
        person: Person::new(gateway.clone(), caller, &session_id, &connection_id),
        session_id,
        connection_id,
        documented_only: matches!(query.telemetry.as_deref(), Some("0" | "false" | "off")),
        write_timeout: gateway.write_timeout,
        shutdown: gateway.shutdown.clone(),
        _open: open,
    };
    let after = query.after_seq.map(|seq| Position { seq, offset: query.after_offset });
    let span = Span::current();
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .protocols([door::SUB_PROTOCOL]);
    let sockets = gateway.sockets.clone();
    Ok(upgrade.on_upgrade(move |socket| sockets.track_future(line.serve(socket, after, span))))
}

/// What a connection is, apart from its socket.
struct Line {
    client: Client,
    person: Person,
    session_id: String,
    /// Tells the orchestrator whose doing an event is.
    connection_id: String,
    documented_only: bool,
    write_timeout: Duration,
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
    /// When it last fell behind what happened.
    fell_behind: Option<Instant>,
    /// How this client spells the names of characters, by the table's spelling: it looks for its own words.
    spellings: HashMap<String, String>,
}

/// Why a connection ends.
enum End {
    /// The client has gone.
    Gone,
    /// We close it, and say why.
    Close(u16, String),
}

impl Line {
    /// The end when this process ends, with the time after which to come back: another for each connection, so that not
    /// all come at once.
    fn away(&self) -> End {
        let mut hasher = DefaultHasher::new();
        self.connection_id.hash(&mut hasher);
        let pause = hasher.finish() % SPREAD_MS;
        End::Close(close_code::AWAY, format!("the server is shutting down; connect again in {pause} ms"))
    }

    async fn serve(self, mut socket: WebSocket, after: Option<Position>, span: Span) {
        let (session_id, patience) = (self.session_id.clone(), self.write_timeout);
        let begun = self.begin(&mut socket, after).instrument(span.clone()).await;
        let end = match begun {
            Err(Refusal::End(end)) => end,
            Err(Refusal::Status(status)) => {
                let failure = Failure::from(&status);
                let trace_id = span.in_scope(trace::current_id_text);
                match write(&mut socket, frame::error(&failure, &trace_id), patience).await {
                    Ok(()) => End::Close(close_code::AGAIN, shortened(failure.message)),
                    Err(end) => end,
                }
            }
            Ok((events, shown)) => {
                drop(span);
                let mut connection = Connection {
                    line: self,
                    socket,
                    events,
                    shown,
                    in_turn: false,
                    fell_behind: None,
                    spellings: HashMap::new(),
                };
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
                // Who has not read for a while has much to read before he comes to our word.
                let patience = if code == close_code::POLICY { patience } else { FAREWELL };
                let _ = timeout(patience, say_goodbye(&mut socket, code, reason)).await;
            }
        }
    }

    /// Makes sure of the session, greets, and listens to it. Answers the events, and what was in the log before them.
    async fn begin(
        &self,
        socket: &mut WebSocket,
        after: Option<Position>,
    ) -> Result<(Streaming<SessionEvent>, u64), Refusal> {
        let session_id = self.session_id.clone();
        self.client.clone().create_session(CreateSessionRequest { session_id: Some(session_id) }).await?;
        let greeting = format!("Connected to session {}", self.session_id);
        write(socket, frame::system(greeting, "", ""), self.write_timeout).await?;
        let events = self.subscribe(after).await?;
        if let Some(seat) = self.person.fixed_seat() {
            // Whoever may take one seat only has it from the beginning.
            let (session_id, connection_id) = (self.session_id.clone(), self.connection_id.clone());
            let (name, seat) = (self.person.name().unwrap_or_default(), Some(seat));
            let join = JoinRequest { session_id, connection_id, name, seat, character: None };
            self.client.clone().join(join).await?;
        }
        // Asked for after the subscription, so that whatever has a higher number comes through it.
        let last_seq = self.session().await?.last_seq;
        Ok((events, after.map_or(last_seq, |after| after.seq.min(last_seq))))
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
        let mut caller = self.line.person.caller().clone();
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
                status = caller.ended() => self.dismiss(&status).await,
                event = self.events.next() => self.event(event).await,
                message = self.socket.recv() => {
                    heard = Instant::now();
                    let done = self.message(message).await;
                    if self.line.person.has_changed(&caller) {
                        caller = self.line.person.caller().clone();
                    }
                    done
                }
                _ = pings.tick() => match heard.elapsed() {
                    silence if SILENCE < silence => Err(End::Close(close_code::POLICY, "no sign of life".into())),
                    _ => self.write_message(Message::Ping(Default::default())).await,
                },
                () = shutdown.cancelled(), if !self.in_turn => Err(self.line.away()),
                () = &mut drained => Err(self.line.away()),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Tells somebody whose token is no longer good so, and ends his line.
    async fn dismiss(&mut self, status: &Status) -> Result<(), End> {
        let failure = Failure::from(status);
        self.refuse(&failure, "").await?;
        Err(End::Close(close_code::POLICY, shortened(failure.message)))
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
                if !event.frame.is_empty() && !self.line.documented_only {
                    // It was written once for all who hear it.
                    return self.write_message(Message::Text(event.frame.into())).await;
                }
                let frame = to_frame(&event);
                let kind = frame["type"].as_str().unwrap_or_default();
                if kind.is_empty() || self.line.documented_only && !DOCUMENTED.contains(&kind) {
                    return Ok(());
                }
                self.write(frame).await
            }
            _ if self.line.shutdown.is_cancelled() => Err(self.line.away()),
            Some(Err(status)) if status.code() == Code::ResourceExhausted => self.catch_breath().await,
            Some(Err(_)) | None => {
                Err(End::Close(close_code::RESTART, "the session is being moved; connect again with after_seq".into()))
            }
        }
    }

    /// Tells a reader who has fallen behind how things stand, in place of what he has missed, and goes on from there. The
    /// next time, unless he has kept up for a while, he is shown the door. His table waits for him in neither case.
    async fn catch_breath(&mut self) -> Result<(), End> {
        if self.fell_behind.is_some_and(|when| when.elapsed() < FORGIVEN_AFTER) {
            LIMITED.with("slow readers").inc();
            let reason = "frames were not read in time; connect again with after_seq";
            return Err(End::Close(close_code::POLICY, reason.into()));
        }
        self.fell_behind = Some(Instant::now());
        let gone =
            |_| End::Close(close_code::RESTART, "the session is being moved; connect again with after_seq".into());
        self.events = self.line.subscribe(None).await.map_err(gone)?;
        // Asked for after the subscription, so that whatever has a higher number comes through it.
        let session = self.line.session().await.map_err(gone)?;
        let missed_after = std::mem::replace(&mut self.shown, session.last_seq);
        if self.line.documented_only {
            let told = frame::system("You are reading too slowly; some of what happened was left out", "", "");
            self.write(told).await?;
            return self.tell_session(&session).await;
        }
        self.write(frame::snapshot(self.in_own_words(&session), missed_after)).await
    }

    /// Does what the client has sent.
    async fn message(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(_))) => return self.refuse_frame(&request::not_text()).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(error)) => return Err(End::Close(close_code::PROTOCOL, shortened(error.to_string()))),
        };
        if let Err(status) = self.line.person.count_frame() {
            self.refuse(&Failure::from(&status), "").await?;
            if self.line.person.is_unheeding() {
                return Err(End::Close(close_code::POLICY, "too many frames".into()));
            }
            return Ok(());
        }
        let request::Frame { trace_id, request } = match request::parse(&text) {
            Ok(frame) => frame,
            Err(failure) => return self.refuse_frame(&failure).await,
        };
        if request == Request::Ping {
            return self.write(frame::pong()).await;
        }
        let name = format!("ws {}", request.name());
        let (span, trace_id) = trace::begin("gateway", &name, trace_id, None);
        let trace_id = trace_id.to_string();
        let allowed = self.line.person.allow(request).instrument(span.clone()).await;
        let done = match allowed {
            Ok(request) => self.perform(request, &trace_id).instrument(span).await,
            Err(status) => Err(Refusal::Status(status)),
        };
        match done {
            Ok(()) => Ok(()),
            Err(Refusal::End(end)) => Err(end),
            Err(Refusal::Status(status)) => self.refuse(&Failure::from(&status), &trace_id).await,
        }
    }

    async fn perform(&mut self, request: Request, trace_id: &str) -> Result<(), Refusal> {
        let (session_id, connection_id) = (self.line.session_id.clone(), self.line.connection_id.clone());
        let mut client = self.line.client.clone();
        match request {
            Request::Chat { message, message_id } => {
                let (connection_id, name) = (Some(connection_id), self.line.person.name());
                let request =
                    ChatRequest { session_id, message, message_id, connection_id, name, ..Default::default() };
                let answer = client.chat(request).await?.into_inner();
                let note = match answer.queued {
                    _ if answer.repeated => "This message has been received already".to_owned(),
                    0 => return Ok(()),
                    1 => "Queued: 1 turn before yours".to_owned(),
                    turns => format!("Queued: {turns} turns before yours"),
                };
                self.write(frame::system(note, &answer.turn_id, trace_id)).await?;
            }
            Request::Join { name, seat, character, .. } => {
                let request = JoinRequest { session_id, connection_id, name, seat, character };
                let answer = client.join(request).await?.into_inner();
                self.catch_up(answer.last_seq).await?;
                self.session_info().await?;
            }
            Request::Whisper { to, message } => {
                client.whisper(WhisperRequest { session_id, connection_id, to, message }).await?;
            }
            Request::Approve { call_id, allow, reason } => {
                client.approve(ApproveRequest { session_id, connection_id, call_id, allow, reason }).await?;
            }
            Request::Override { roll_id, result, reason } => {
                let request = OverrideRequest { session_id, connection_id, roll_id, result, reason };
                client.r#override(request).await?;
            }
            Request::TakeOver { on } => {
                client.take_over(TakeOverRequest { session_id, connection_id, on }).await?;
            }
            Request::AddCharacter { character } => {
                let request = AddCharacterRequest { session_id, character: character.clone() };
                match client.add_character(request).await {
                    Ok(session) => self.added(&session.into_inner(), &character, trace_id).await?,
                    Err(status) => {
                        self.refuse(&Failure::from(&status), trace_id).await?;
                        self.session_info().await?;
                    }
                }
            }
            Request::RemoveCharacter { character } => {
                let is_meant = |spelled: &&String| spelled.to_lowercase() == character.trim().to_lowercase();
                let seated = self.spellings.iter().find(|(_, spelled)| is_meant(spelled)).map(|(seated, _)| seated);
                let request = RemoveCharacterRequest { session_id, character: seated.unwrap_or(&character).to_owned() };
                let answer = client.remove_character(request).await?.into_inner();
                let session = answer.session.unwrap_or_default();
                if answer.changed {
                    self.catch_up(session.last_seq).await?;
                    self.changed(&session, "remove_character", &character).await?;
                } else {
                    self.tell_session(&session).await?;
                }
            }
            Request::GetSessionInfo => self.session_info().await?,
            Request::Cancel => {
                let answer = client.cancel_turn(CancelTurnRequest { session_id }).await?.into_inner();
                if !answer.cancelled {
                    self.write(frame::system("Nothing to cancel", "", trace_id)).await?;
                }
            }
            Request::Resume { after } => {
                self.events = self.line.subscribe(Some(after)).await?;
                self.shown = self.shown.min(after.seq);
            }
            Request::Ping => {}
        }
        Ok(())
    }

    async fn added(&mut self, session: &Session, character: &str, trace_id: &str) -> Result<(), End> {
        let seated = match self.catch_up(session.last_seq).await? {
            Some(seated) => seated,
            None => {
                // Who sits there already is not added again, but whoever asked is answered the same.
                let seated = as_seated(session, character).to_owned();
                self.write(frame::system(format!("Added {seated} to session"), "", trace_id)).await?;
                seated
            }
        };
        if session.characters.contains(&seated) {
            self.spellings.insert(seated, character.to_owned());
        }
        self.changed(session, "add_character", character).await
    }

    /// Passes on what the log holds up to `last_seq`, and answers who joined or left the party last, if anybody did.
    async fn catch_up(&mut self, last_seq: u64) -> Result<Option<String>, End> {
        let deadline = Instant::now() + CATCH_UP;
        let mut changed = None;
        while self.shown < last_seq {
            let Ok(event) = timeout_at(deadline, self.events.next()).await else { break };
            if let Some(Ok(event)) = &event {
                changed = changed_member(event).or(changed);
            }
            self.event(event).await?;
        }
        Ok(changed)
    }

    /// Tells who sits at the table now.
    async fn changed(&mut self, session: &Session, action: &str, character: &str) -> Result<(), End> {
        self.tell_session(session).await?;
        if self.line.documented_only {
            return Ok(());
        }
        self.write(frame::ui_interaction(action, character, session.characters.len())).await
    }

    async fn session_info(&mut self) -> Result<(), Refusal> {
        let session = self.line.session().await?;
        Ok(self.tell_session(&session).await?)
    }

    /// Tells who sits at the table, in this client's spelling.
    async fn tell_session(&mut self, session: &Session) -> Result<(), End> {
        self.write(frame::session_info(self.in_own_words(session))).await
    }

    /// A session with names in this client's spelling.
    fn in_own_words(&self, session: &Session) -> Session {
        let mut session = session.clone();
        for name in &mut session.characters {
            if let Some(spelled) = self.spellings.get(name) {
                name.clone_from(spelled);
            }
        }
        session
    }

    async fn write(&mut self, frame: Value) -> Result<(), End> {
        self.write_message(Message::Text(frame.to_string().into())).await
    }

    async fn write_message(&mut self, message: Message) -> Result<(), End> {
        write_message(&mut self.socket, message, self.line.write_timeout).await
    }

    /// Tells the client what was wrong with a frame that could not be read.
    async fn refuse_frame(&mut self, failure: &Failure) -> Result<(), End> {
        let (span, trace_id) = trace::begin("gateway", "ws bad frame", None, None);
        span.in_scope(|| {
            let (code, reason) = (failure.code.number(), &failure.message);
            tracing::info!(target: "request", code, reason, "frame refused");
        });
        self.refuse(failure, &trace_id.to_string()).await
    }

    /// Tells the client what was wrong; the socket stays open.
    async fn refuse(&mut self, failure: &Failure, trace_id: &str) -> Result<(), End> {
        self.write(frame::error(failure, trace_id)).await
    }
}

/// Why something could not be done.
enum Refusal {
    /// The orchestrator says no; the client is told.
    Status(Status),
    /// The connection ends.
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

/// Who joined or left the party with this event.
fn changed_member(event: &SessionEvent) -> Option<String> {
    let Some(Body::System(System { character_added, character_removed, .. })) = &event.body else { return None };
    character_added.clone().or_else(|| character_removed.clone())
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

async fn write(socket: &mut WebSocket, frame: Value, patience: Duration) -> Result<(), End> {
    write_message(socket, Message::Text(frame.to_string().into()), patience).await
}

/// Writes a message in one piece.
async fn write_message(socket: &mut WebSocket, message: Message, patience: Duration) -> Result<(), End> {
    match timeout(patience, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => {
            LIMITED.with("slow readers").inc();
            Err(End::Close(close_code::POLICY, "frames were not read in time; connect again with after_seq".into()))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_a_close_frame_and_is_not_cut_within_a_character() {
        assert_eq!(shortened("\u{1F3B2}".repeat(100)).len(), 120);
        assert_eq!(shortened("short".into()), "short");
    }
}
