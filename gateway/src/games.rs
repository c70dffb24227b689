//! Board games as JSON: the page is a second controller for any of them.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use proto::{
    fsm::v1::{
        AttachRequest, CreateGameRequest, Game, GameUpdate, GetGameRequest, ListGameHistoryRequest, ListGamesRequest,
        Outcome, Reaction, SendEventRequest, fsm_service_client::FsmServiceClient, output,
    },
    structs,
};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::{Transport, status::ErrorCode, trace};
use tonic::{Request, Status, Streaming};

use crate::{
    Shares,
    answer::Problem,
    extract::{Fields, Metadata, Path, Query},
    streams::OpenStream,
};

/// Games in one list.
const MAX_GAMES: u32 = 500;
/// Entries in one answer.
const MAX_ENTRIES: u32 = 100;
/// How often a quiet stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Client = FsmServiceClient<Transport>;
type Answer = Result<Json<Value>, Problem>;

pub(crate) async fn list(State(gateway): Shares) -> Answer {
    let request = ListGamesRequest { limit: Some(MAX_GAMES) };
    let games = gateway.peers.fsm().list_games(request).await?.into_inner().games;
    let games: Vec<_> = games.into_iter().map(game_json).collect();
    Ok(Json(json!({"games": games})))
}

pub(crate) async fn create(State(gateway): Shares, Metadata(metadata): Metadata, body: Fields) -> Answer {
    let request =
        CreateGameRequest { game_id: body.optional_text("game_id")?, machine: body.optional_text("machine")? };
    let request = Request::from_parts(metadata, tonic::Extensions::default(), request);
    let game = gateway.peers.fsm().create_game(request).await?.into_inner().game.unwrap_or_default();
    Ok(Json(game_json(game)))
}

pub(crate) async fn get(State(gateway): Shares, Path(game_id): Path<String>) -> Answer {
    Ok(Json(game_json(game(&mut gateway.peers.fsm(), &game_id).await?)))
}

/// An accepted event answers the game as it then stands; a refused one says why in the words of the line protocol.
pub(crate) async fn send_event(
    State(gateway): Shares,
    Path(game_id): Path<String>,
    Metadata(metadata): Metadata,
    mut body: Fields,
) -> Answer {
    let request = SendEventRequest {
        game_id: Some(game_id.clone()),
        event: body.text("event")?,
        data: body.optional_object("data")?.map(structs::from_json),
        cause: Some("page".into()),
        ..Default::default()
    };
    let mut client = gateway.peers.fsm();
    let request = Request::from_parts(metadata, tonic::Extensions::default(), request);
    let answer = client.send_event(request).await?.into_inner();
    let refusal = match answer.outcome() {
        Outcome::Accepted | Outcome::Ignored => return Ok(Json(game_json(game(&mut client, &game_id).await?))),
        Outcome::UnknownEvent | Outcome::MalformedData | Outcome::Unspecified => ErrorCode::InvalidRequest,
        Outcome::InvalidTransition => ErrorCode::Conflict,
        Outcome::HostOnly => ErrorCode::Forbidden,
    };
    Err(Problem::new(refusal, answer.message))
}

#[derive(Deserialize)]
pub(crate) struct HistoryQuery {
    #[serde(default)]
    after_seq: u64,
}

pub(crate) async fn history(
    State(gateway): Shares,
    Path(game_id): Path<String>,
    Query(HistoryQuery { after_seq }): Query<HistoryQuery>,
) -> Answer {
    let mut client = gateway.peers.fsm();
    let request =
        ListGameHistoryRequest { game_id: Some(game_id.clone()), after_sequence: after_seq, limit: Some(MAX_ENTRIES) };
    let answer = client.list_game_history(request).await?.into_inner();
    let last_seq = match answer.entries.last() {
        Some(last) if !answer.more => last.sequence,
        _ => game(&mut client, &game_id).await?.sequence,
    };
    let history: Vec<_> = answer.entries.iter().map(entry_json).collect();
    Ok(Json(json!({"history": history, "last_seq": last_seq})))
}

/// The game on every change as server-sent events, at once for the first time.
pub(crate) async fn watch(
    State(gateway): Shares,
    Path(game_id): Path<String>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
) -> Result<Response, Problem> {
    let open = gateway.streams.open(address.ip())?;
    let mut client = gateway.peers.fsm();
    let request = AttachRequest { game_id: Some(game_id.clone()), observe: true, ..Default::default() };
    let updates = client.attach(request).await?.into_inner();
    let watch = Watch { client, game_id, updates, _open: open };
    let events = watch.events().take_until(gateway.shutdown.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// A page that looks on. It keeps the game alive.
struct Watch {
    client: Client,
    game_id: String,
    updates: Streaming<GameUpdate>,
    _open: OpenStream,
}

impl Watch {
    /// Ends when the game's stream does; a browser then comes back by itself.
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut watch| async move {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        self.updates.next().await?.ok()?;
        // Of several changes only the last is worth showing.
        while let Some(Some(Ok(_))) = self.updates.next().now_or_never() {}
        let game = game(&mut self.client, &self.game_id).await.ok()?;
        Some(Event::default().data(game_json(game).to_string()))
    }
}

async fn game(client: &mut Client, game_id: &str) -> Result<Game, Status> {
    let request = GetGameRequest { game_id: Some(game_id.to_owned()) };
    Ok(client.get_game(request).await?.into_inner().game.unwrap_or_default())
}

fn text(output: &proto::fsm::v1::Output) -> Option<&str> {
    match &output.kind {
        Some(output::Kind::Text(text)) => Some(text),
        _ => None,
    }
}

fn game_json(game: Game) -> Value {
    let mut variables = structs::to_json(game.variables.unwrap_or_default());
    if let (Value::Object(variables), Value::Object(figures)) =
        (&mut variables, structs::to_json(game.figures.unwrap_or_default()))
    {
        // A figure of the board is truer than the machine's own.
        variables.extend(figures);
    }
    json!({
        "game_id": game.game_id, "machine": game.machine, "state": game.state, "label": game.label,
        "description": game.description, "final": game.finished, "turn": game.turn, "phase": game.phase, "variables": variables,
        "figures_from": game.figures_from, "valid_events": game.valid_events, "menu": game.menu, "prompt": game.prompt,
        "watchers": game.attached, "sequence": game.sequence, "archived_from": game.archived_from,
        "created_at": game.created_at, "updated_at": game.updated_at,
    })
}

pub(crate) fn entry_json(entry: &Reaction) -> Value {
    let from = entry.transitions.first().map_or(entry.state.as_str(), |transition| &transition.from);
    let trace_id = trace::parse_trace_id(&entry.trace_id).map(|id| id.to_string()).unwrap_or_default();
    let lines: Vec<_> = entry.outputs.iter().filter_map(text).collect();
    json!({
        "seq": entry.sequence, "at": entry.timestamp, "event": entry.event, "alias_of": entry.alias_of,
        "cause": entry.cause, "from": from, "to": entry.state, "trace_id": trace_id, "lines": lines,
        "roll_ids": entry.roll_ids,
    })
}
