//! A table's WebSocket: what a player sends goes to the orchestrator, what happens at the table comes back as frames.
//!
//! One task serves a connection, so that frames leave in order and a reader who does not read holds up nobody but
//! himself. `line` is how it begins, `farewell` how it ends, `request` reads what clients send, `person` knows what its
//! author may, `frame` makes what the gateway says itself.

mod farewell;
mod frame;
mod line;
mod person;
mod request;

use std::{collections::HashMap, net::SocketAddr, pin::pin, sync::LazyLock, time::Duration};

use axum::{
    extract::{
        ConnectInfo, State, WebSocketUpgrade,
        ws::{Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use proto::{
    frame::{kind_of, to_frame_text},
    orchestrator::v1::{
        AddCharacterRequest, ApproveRequest, CancelTurnRequest, ChatRequest, JoinRequest, OverrideRequest,
        RemoveCharacterRequest, Session, SessionEvent, TakeOverRequest, WhisperRequest,
        orchestrator_service_client::OrchestratorServiceClient,
        session_event::{Body, System},
    },
};
use serde::Deserialize;
use serde_json::Value;
use service_kit::{
    Transport, clock,
    metrics::{self, Counted, Gauge, Latency},
    status::Failure,
    trace::{self, Trace},
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout, timeout_at};
use tonic::{Code, Status, Streaming};
use tracing::Instrument;
use uuid::Uuid;

#[cfg(test)]
pub(crate) use self::request::TYPES as CLIENT_TYPES;
use self::{
    farewell::shortened,
    line::Line,
    person::Person,
    request::{Position, Request},
};
use crate::{
    Shares,
    answer::Problem,
    door::{self, Who},
    extract::{self, Path, Query},
    limits::LIMITED,
};

/// Longest message taken off the wire, in bytes. What is longer than a frame may be is answered; only beyond this the
/// line is cut.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// The socket's buffers, in bytes; idle tables should cost little.
const BUFFER: usize = 4 * 1024;
/// Events, or frames of the client, that are taken in a row if they are there; then the others have their turn.
const IN_A_ROW: usize = 32;
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

static SOCKETS_OPEN: LazyLock<Gauge> =
    LazyLock::new(|| metrics::gauge("sockets_open", "WebSockets that are open, each a player at a table"));
/// By the clocks of two machines, where the orchestrator is on another one. The pieces of a narration are too many to be
/// looked at.
static EVENT_LAG: LazyLock<Latency> = LazyLock::new(|| {
    metrics::latency("event_lag", "From what happens at a table until a WebSocket of somebody there is handed it")
});

/// Begins what is counted here with 0.
pub(crate) fn begin() {
    LazyLock::force(&SOCKETS_OPEN);
    LazyLock::force(&EVENT_LAG);
}

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
    let line = Box::new(Line {
        client: gateway.peers.orchestrator(),
        person: Person::new(gateway.clone(), caller, &session_id, &connection_id),
        session_id,
        connection_id,
        documented_only: matches!(query.telemetry.as_deref(), Some("0" | "false" | "off")),
        write_timeout: gateway.write_timeout,
        shutdown: gateway.shutdown.clone(),
        _open: open,
        _counted: Counted::one(&SOCKETS_OPEN),
    });
    let after = query.after_seq.map(|seq| Position { seq, offset: query.after_offset });
    let trace = Trace::current();
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .protocols([door::SUB_PROTOCOL]);
    let sockets = gateway.sockets.clone();
    Ok(upgrade.on_upgrade(move |socket| sockets.track_future(line.serve(Box::new(socket), after, trace))))
}

/// A connection in use.
struct Connection {
    /// In boxes, since a task keeps the place of what was moved within it.
    line: Box<Line>,
    socket: Box<WebSocket>,
    events: Streaming<SessionEvent>,
    /// Everything up to this sequence number has been sent, or was before this connection.
    shown: u64,
    /// Whether all that was written has left.
    is_flushed: bool,
    /// Whether a turn is being told.
    in_turn: bool,
    /// Until when nothing is read: who sends too much waits with what is on its way, and costs nobody anything.
    unread_until: Option<Instant>,
    /// When it last fell behind what happened.
    fell_behind: Option<Instant>,
    /// Whether the client has resumed or joined, as none of the old server could.
    asks_for_more: bool,
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

impl Connection {
    /// Serves the connection until it ends.
    async fn run(&mut self) -> End {
        let shutdown = self.line.shutdown.clone();
        let mut closing = pin!(shutdown.cancelled());
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
            let caller = self.line.person.caller().clone();
            let shown = self.line.person.shown();
            let mut dismissed = pin!(caller.ended());
            while self.line.person.shown() == shown {
                let done = tokio::select! {
                    status = &mut dismissed => Box::pin(self.dismiss(&status)).await,
                    event = self.events.next() => Box::pin(self.events(event)).await,
                    message = self.socket.recv(), if self.unread_until.is_none() => {
                        heard = Instant::now();
                        Box::pin(self.messages(message)).await
                    }
                    () = sleep_until(self.unread_until.unwrap_or(heard)), if self.unread_until.is_some() => {
                        self.unread_until = None;
                        Ok(())
                    }
                    _ = pings.tick() => match heard.elapsed() {
                        silence if SILENCE < silence => Err(End::Close(close_code::POLICY, "no sign of life".into())),
                        _ => self.feed(Message::Ping(Default::default())).await,
                    },
                    () = &mut closing, if !self.in_turn => Err(self.line.away()),
                    () = &mut drained => Err(self.line.away()),
                };
                let flushed = match done {
                    Ok(()) => self.flush().await,
                    Err(end) => Err(end),
                };
                if let Err(end) = flushed {
                    return end;
                }
            }
        }
    }

    /// Passes on an event, and those that are here already.
    async fn events(&mut self, event: Option<Result<SessionEvent, Status>>) -> Result<(), End> {
        self.event(event).await?;
        for _ in 1..IN_A_ROW {
            let Some(event) = self.events.next().now_or_never() else { break };
            self.event(event).await?;
        }
        Ok(())
    }

    /// Does what the client has sent, and what else of it is here already.
    async fn messages(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let shown = self.line.person.shown();
        self.message(message).await?;
        for _ in 1..IN_A_ROW {
            if self.unread_until.is_some() || self.line.person.shown() != shown {
                break;
            }
            let Some(message) = self.socket.recv().now_or_never() else { break };
            self.message(message).await?;
        }
        Ok(())
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
                // It was written once for all who hear it, but for what comes from the log.
                let is_live = !event.frame.is_empty();
                if is_live
                    && !matches!(event.body, Some(Body::Narrative(_)))
                    && let Some(lag) = clock::since(&event.at)
                {
                    EVENT_LAG.observe(lag);
                }
                let frame = if event.frame.is_empty() { to_frame_text(&event) } else { event.frame };
                let kind = kind_of(&frame);
                if kind.is_empty() || self.line.documented_only && !self.is_documented(kind) {
                    return Ok(());
                }
                self.feed(Message::Text(frame.into())).await
            }
            _ if self.line.shutdown.is_cancelled() => Err(self.line.away()),
            Some(Err(status)) if status.code() == Code::ResourceExhausted => Box::pin(self.catch_breath()).await,
            // Whoever came back would make it anew.
            Some(Err(status)) if status.code() == Code::NotFound => {
                Err(End::Close(close_code::NORMAL, shortened(Failure::from(&status).message)))
            }
            Some(Err(_)) | None => Err(self.line.moved()),
        }
    }

    /// Whether a frame is for somebody who wants the documented ones: those of the old server, and for whoever has asked for
    /// more than that server knew all but telemetry.
    fn is_documented(&self, kind: &str) -> bool {
        DOCUMENTED.contains(&kind) || self.asks_for_more && kind != "telemetry"
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
        self.events = self.line.subscribe(None).await.map_err(|_| self.line.moved())?;
        // Asked for after the subscription, so that whatever has a higher number comes through it.
        let session = self.line.session().await.map_err(|_| self.line.moved())?;
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
        let message = match message {
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                return Err(End::Close(farewell::code_of(&error), shortened(error.to_string())));
            }
        };
        if let Err(status) = self.line.person.count_frame() {
            let failure = Failure::from(&status);
            let wait = failure.details.get("retry_after_ms").and_then(Value::as_u64);
            self.unread_until = wait.map(|ms| Instant::now() + Duration::from_millis(ms));
            return self.refuse(&failure, "").await;
        }
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return self.refuse_frame(&request::not_text()).await,
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
        };
        let request::Frame { trace_id, request } = match request::parse(&text) {
            Ok(frame) => frame,
            Err(failure) => return self.refuse_frame(&failure).await,
        };
        if request == Request::Ping {
            return self.feed(Message::Text(frame::PONG.into())).await;
        }
        // What comes now may take a while.
        self.flush().await?;
        Box::pin(self.act(request, trace_id)).await
    }

    /// Does what the client wants, if he may.
    async fn act(&mut self, request: Request, trace_id: Option<Uuid>) -> Result<(), End> {
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
                self.asks_for_more = true;
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
                let request = AddCharacterRequest {
                    session_id,
                    character: character.clone(),
                    connection_id: Some(connection_id),
                };
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
                let request = RemoveCharacterRequest {
                    session_id,
                    character: seated.unwrap_or(&character).to_owned(),
                    connection_id: Some(connection_id),
                };
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
                let answer = client
                    .cancel_turn(CancelTurnRequest { session_id, connection_id: Some(connection_id) })
                    .await?
                    .into_inner();
                if !answer.cancelled {
                    self.write(frame::system("Nothing to cancel", "", trace_id)).await?;
                }
            }
            Request::Resume { after } => {
                self.asks_for_more = true;
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
            self.flush().await?;
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
        self.feed(Message::Text(frame.to_string().into())).await
    }

    /// Writes a message that leaves with the next flush, or when the buffer is full.
    async fn feed(&mut self, message: Message) -> Result<(), End> {
        self.is_flushed = false;
        in_time(self.line.write_timeout, self.socket.feed(message)).await
    }

    /// Sends what is written.
    async fn flush(&mut self) -> Result<(), End> {
        if std::mem::replace(&mut self.is_flushed, true) {
            return Ok(());
        }
        in_time(self.line.write_timeout, self.socket.flush()).await
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
    in_time(patience, socket.send(Message::Text(frame.to_string().into()))).await
}

/// Writes, if the client reads in time.
async fn in_time(patience: Duration, writing: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
    match timeout(patience, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => {
            LIMITED.with("slow readers").inc();
            Err(End::Close(close_code::POLICY, "frames were not read in time; connect again with after_seq".into()))
        }
    }
}
