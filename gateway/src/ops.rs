//! What an operator sees and may do without other programs: the page `/ops`, and the calls behind its buttons.
//!
//! Rates and latencies are worked out by the page from `/metrics`. Everything here is for the operator alone, and what he
//! does is written down.

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use proto::{
    frame::to_frame,
    fsm::v1::{GetGameRequest, ListGameHistoryRequest, ListGamesRequest},
    orchestrator::v1::{
        ArchiveSessionRequest, CancelTurnRequest, ExportTranscriptRequest, GetSessionRequest, ListEventsRequest,
        ListSessionsRequest,
    },
};
use serde_json::{Value, json};
use service_kit::{
    auth::{Caller, Role},
    status::{self, ErrorCode},
};
use tonic::Status;

use crate::{
    Gateway, Shares,
    answer::Problem,
    door::Who,
    extract::{self, Path, wants_json},
    games::entry_json,
    health, page,
};

/// Sessions, and games, in one list.
const LISTED: u32 = 500;
/// Events, or entries, asked for at once.
const EVENTS: u32 = 2000;
const ENTRIES: u32 = 500;
/// Most events, or entries, of one export or replay; what is longer is for a backup.
const MOST: usize = 200_000;

type Answer = Result<Json<Value>, Problem>;

/// The page, or as JSON the health of every service, the open sockets, the sessions and the games.
pub(crate) async fn overview(
    State(gateway): Shares,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const VARY: (HeaderName, HeaderValue) = (header::VARY, HeaderValue::from_static("accept"));
    if !wants_json(&headers) {
        return Ok(([VARY], page::ops()).into_response());
    }
    for_operators(caller.as_deref())?;
    let (services, sessions, games) = tokio::join!(health::services(&gateway), sessions(&gateway), games(&gateway));
    let mut services = services;
    services.extend(health::wakes(&gateway));
    let sockets = gateway.sockets.len();
    let body = json!({
        "services": services, "sockets": sockets, "sessions": told(sessions), "games": told(games),
    });
    Ok(([VARY], Json(body)).into_response())
}

/// A list, or why there is none: when one service is away, the page still tells of the others.
fn told(list: Result<Vec<Value>, Problem>) -> Value {
    list.map_or_else(|problem| json!({"unavailable": problem.code().name()}), Value::from)
}

async fn sessions(gateway: &Gateway) -> Result<Vec<Value>, Problem> {
    let request = ListSessionsRequest { include_archived: Some(true) };
    let sessions = gateway.peers.orchestrator().list_sessions(request).await?.into_inner().sessions;
    let sessions = sessions.into_iter().take(LISTED as usize).map(|session| {
        json!({
            "session_id": session.session_id, "title": session.title, "characters": session.characters,
            "message_count": session.message_count, "created_at": session.created_at, "last_seq": session.last_seq,
            "closed": session.archived,
        })
    });
    Ok(sessions.collect())
}

async fn games(gateway: &Gateway) -> Result<Vec<Value>, Problem> {
    let request = ListGamesRequest { limit: Some(LISTED) };
    let games = gateway.peers.fsm().list_games(request).await?.into_inner().games;
    let games = games.into_iter().map(|game| {
        json!({
            "game_id": game.game_id, "machine": game.machine, "state": game.state, "turn": game.turn,
            "sequence": game.sequence, "attached": game.attached, "updated_at": game.updated_at,
        })
    });
    Ok(games.collect())
}

/// Cancels the running turn of a session.
pub(crate) async fn cancel(State(gateway): Shares, Who(caller): Who, Path(session_id): Path<String>) -> Answer {
    let answer = act(&gateway, &caller, "cancel_turn", &session_id, cancel_turn(&gateway, &session_id)).await;
    Ok(Json(json!({"session_id": session_id, "cancelled": answer?})))
}

async fn cancel_turn(gateway: &Gateway, session_id: &str) -> Result<bool, Status> {
    extract::session_id(session_id)?;
    let request = CancelTurnRequest { session_id: session_id.to_owned(), connection_id: None };
    Ok(gateway.peers.orchestrator().cancel_turn(request).await?.into_inner().cancelled)
}

/// Closes a session: its turn is cancelled, and lists leave it out. Its log stays.
pub(crate) async fn close(State(gateway): Shares, Who(caller): Who, Path(session_id): Path<String>) -> Answer {
    let closed = async {
        cancel_turn(&gateway, &session_id).await?;
        let request = ArchiveSessionRequest { session_id: session_id.clone(), archived: true };
        gateway.peers.orchestrator().archive_session(request).await
    };
    let session = act(&gateway, &caller, "close_session", &session_id, closed).await?.into_inner();
    Ok(Json(json!({"session_id": session_id, "closed": session.archived})))
}

/// A session whole, as a file: its events as the socket shows them, and its story as text.
pub(crate) async fn export(
    State(gateway): Shares,
    Who(caller): Who,
    Path(session_id): Path<String>,
) -> Result<Response, Problem> {
    let exported = async {
        let log = session_log(&gateway, &session_id).await?;
        let request = ExportTranscriptRequest { session_id: session_id.clone() };
        let transcript = gateway.peers.orchestrator().export_transcript(request).await?.into_inner().text;
        Ok((log, transcript))
    };
    let (log, transcript) = act(&gateway, &caller, "export_session", &session_id, exported).await?;
    Ok(file(&session_id, &json!({"session_id": session_id, "transcript": transcript, "events": log.entries})))
}

/// Reads a session's log again from its beginning, and tells whether anything is missing in it.
pub(crate) async fn replay(State(gateway): Shares, Who(caller): Who, Path(session_id): Path<String>) -> Answer {
    let log = act(&gateway, &caller, "replay_session", &session_id, session_log(&gateway, &session_id)).await?;
    Ok(Json(json!({"session_id": session_id, "events": log.entries.len(), "last_seq": log.last, "gaps": log.gaps})))
}

/// A game whole, as a file: how it stands, and its log.
pub(crate) async fn export_game(
    State(gateway): Shares,
    Who(caller): Who,
    Path(game_id): Path<String>,
) -> Result<Response, Problem> {
    let log = act(&gateway, &caller, "export_game", &game_id, game_log(&gateway, &game_id)).await?;
    Ok(file(&game_id, &json!({"game_id": game_id, "state": log.state, "entries": log.entries})))
}

/// Reads a game's log again from its beginning, and tells whether anything is missing in it, and whether it ends in the
/// state that the game is in.
pub(crate) async fn replay_game(State(gateway): Shares, Who(caller): Who, Path(game_id): Path<String>) -> Answer {
    let log = act(&gateway, &caller, "replay_game", &game_id, game_log(&gateway, &game_id)).await?;
    let ends_in = log.entries.last().map(|entry| entry["to"].clone());
    let agrees = ends_in.as_ref().is_none_or(|state| *state == log.state);
    Ok(Json(json!({
        "game_id": game_id, "entries": log.entries.len(), "last_seq": log.last, "gaps": log.gaps, "state": log.state,
        "agrees": agrees,
    })))
}

/// Does something for an operator, and writes down that he did, or why not.
async fn act<T>(
    gateway: &Gateway,
    caller: &Caller,
    action: &str,
    target: &str,
    does: impl Future<Output = Result<T, Status>>,
) -> Result<T, Problem> {
    let done = match for_operators(Some(caller)) {
        Ok(()) => does.await,
        Err(refusal) => Err(refusal),
    };
    gateway.note("rest", caller, action, target.chars().take(128).collect(), done.as_ref().err());
    Ok(done?)
}

fn for_operators(caller: Option<&Caller>) -> Result<(), Status> {
    let caller = caller.ok_or_else(|| status::error(ErrorCode::Unauthenticated, "nobody has been let in here"))?;
    caller.must_be(Role::Operator, "operating this server")
}

/// A log from its beginning.
struct Log {
    entries: Vec<Value>,
    last: u64,
    /// Sequence numbers that are missing.
    gaps: Vec<u64>,
    /// The state a game is in.
    state: Value,
}

impl Log {
    fn new(state: Value) -> Log {
        Log { entries: Vec::new(), last: 0, gaps: Vec::new(), state }
    }

    /// Adds an entry; the parts of one narration share their number.
    fn push(&mut self, sequence: u64, entry: Value) -> Result<(), Status> {
        if self.entries.len() == MOST {
            let message = format!("the log has more than {MOST} entries: use `dicetower backup`");
            return Err(status::error(ErrorCode::TooLarge, message));
        }
        // A number far ahead is told once, not each that is missing.
        self.gaps.extend((self.last + 1..sequence).take(100));
        self.last = sequence;
        self.entries.push(entry);
        Ok(())
    }
}

async fn session_log(gateway: &Gateway, session_id: &str) -> Result<Log, Status> {
    extract::session_id(session_id)?;
    let mut orchestrator = gateway.peers.orchestrator();
    orchestrator.get_session(GetSessionRequest { session_id: session_id.to_owned() }).await?;
    let mut log = Log::new(Value::Null);
    loop {
        let request =
            ListEventsRequest { session_id: session_id.to_owned(), after_seq: Some(log.last), limit: Some(EVENTS) };
        let page = orchestrator.list_events(request).await?.into_inner();
        for event in &page.events {
            log.push(event.seq, to_frame(event))?;
        }
        if page.events.is_empty() || page.last_seq <= log.last {
            return Ok(log);
        }
    }
}

async fn game_log(gateway: &Gateway, game_id: &str) -> Result<Log, Status> {
    let mut fsm = gateway.peers.fsm();
    let game = fsm.get_game(GetGameRequest { game_id: Some(game_id.to_owned()) }).await?.into_inner().game;
    let mut log = Log::new(game.unwrap_or_default().state.into());
    loop {
        let request = ListGameHistoryRequest {
            game_id: Some(game_id.to_owned()),
            after_sequence: log.last,
            limit: Some(ENTRIES),
        };
        let page = fsm.list_game_history(request).await?.into_inner();
        for entry in &page.entries {
            log.push(entry.sequence, entry_json(entry))?;
        }
        if page.entries.is_empty() || !page.more {
            return Ok(log);
        }
    }
}

/// An answer that a browser keeps as a file.
fn file(name: &str, body: &Value) -> Response {
    // Names have been checked where sessions are made; what is left of others is harmless in a header.
    let name: String =
        name.chars().filter(|character| character.is_ascii_alphanumeric() || "-_.".contains(*character)).collect();
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}.json\"")).expect("visible ASCII");
    ([(header::CONTENT_DISPOSITION, disposition)], Json(body)).into_response()
}
