//! Characters, sessions and tools as JSON.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use proto::{
    catalogue::Role,
    frame::to_frame,
    orchestrator::v1::{CreateSessionRequest, ListEventsRequest, ListSessionsRequest, Session, SessionEvent},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service_kit::auth::Caller;
use tonic::{Request, metadata::MetadataMap};

use crate::{
    Gateway, Shares,
    answer::Problem,
    desk::{Call, Door},
    door::Who,
    extract::{self, Fields, Metadata, Path, Query, text_header},
};

/// Most events in one answer; the orchestrator's limit.
const MAX_EVENTS: u32 = 10_000;

type Answer = Result<Json<Value>, Problem>;
/// What a tool answers.
type ToolAnswer = Result<JsonText, Problem>;

/// JSON that is written already.
pub(crate) struct JsonText(String);

impl IntoResponse for JsonText {
    fn into_response(self) -> Response {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        ([(CONTENT_TYPE, JSON)], self.0).into_response()
    }
}

// Characters.

pub(crate) async fn list_characters(State(gateway): Shares, Who(caller): Who) -> ToolAnswer {
    call(&gateway, &caller, "list_characters", Map::new(), MetadataMap::new()).await
}

pub(crate) async fn get_sustained_spells(
    State(gateway): Shares,
    Who(caller): Who,
    Path(name): Path<String>,
) -> ToolAnswer {
    call(&gateway, &caller, "get_sustained_spells", named(name), MetadataMap::new()).await
}

pub(crate) async fn cast_spell(
    State(gateway): Shares,
    Who(caller): Who,
    Metadata(metadata): Metadata,
    Fields(arguments): Fields,
) -> ToolAnswer {
    call(&gateway, &caller, "cast_spell", arguments, metadata).await
}

pub(crate) async fn drop_spell(
    State(gateway): Shares,
    Who(caller): Who,
    Metadata(metadata): Metadata,
    Fields(arguments): Fields,
) -> ToolAnswer {
    call(&gateway, &caller, "drop_spell", arguments, metadata).await
}

fn named(name: String) -> Map<String, Value> {
    Map::from_iter([("character_name".to_owned(), name.into())])
}

async fn call(
    gateway: &Gateway,
    caller: &Caller,
    name: &str,
    arguments: Map<String, Value>,
    metadata: MetadataMap,
) -> ToolAnswer {
    let call = Call { door: Door::Rest, caller, name, arguments, metadata, session_id: None };
    Ok(JsonText(gateway.call_tool_for_text(call).await?))
}

// Tools.

pub(crate) async fn list_tools(State(gateway): Shares) -> Json<Value> {
    let tools: Vec<_> = gateway.toolbox.catalogue().iter().map(proto::catalogue::Tool::to_json).collect();
    Json(json!({"tools": tools}))
}

#[derive(Deserialize)]
pub(crate) struct ToolQuery {
    session_id: Option<String>,
}

/// A call that names a session, in the query or the header `X-Session-ID`, is made at that table and stands in its log.
pub(crate) async fn call_tool(
    State(gateway): Shares,
    Path(name): Path<String>,
    Query(query): Query<ToolQuery>,
    headers: HeaderMap,
    Who(caller): Who,
    Metadata(metadata): Metadata,
    Fields(arguments): Fields,
) -> ToolAnswer {
    let session_id = query.session_id.or_else(|| text_header(&headers, "x-session-id").map(str::to_owned));
    if let Some(session_id) = &session_id {
        extract::session_id(session_id)?;
    }
    let call = Call { door: Door::Rest, caller: &caller, name: &name, arguments, metadata, session_id };
    Ok(JsonText(gateway.call_tool_for_text(call).await?))
}

// Sessions.

#[derive(Deserialize)]
pub(crate) struct SessionsQuery {
    /// Whether those that were put away are among them.
    #[serde(default)]
    archived: bool,
}

pub(crate) async fn list_sessions(
    State(gateway): Shares,
    Who(caller): Who,
    Query(query): Query<SessionsQuery>,
) -> Answer {
    let request = ListSessionsRequest { include_archived: Some(query.archived) };
    let answer = gateway.peers.orchestrator().list_sessions(request).await?.into_inner();
    let sessions: Vec<_> = answer
        .sessions
        .into_iter()
        .filter(|session| caller.may_enter(&session.session_id).is_ok())
        .map(|Session { session_id, characters, message_count, created_at, title, archived, .. }| {
            json!({
                "session_id": session_id, "characters": characters, "message_count": message_count,
                "created_at": created_at, "title": title, "archived": archived,
            })
        })
        .collect();
    Ok(Json(json!({"sessions": sessions})))
}

pub(crate) async fn create_session(
    State(gateway): Shares,
    Who(caller): Who,
    Metadata(metadata): Metadata,
    body: Fields,
) -> Answer {
    let session_id = body.optional_text("session_id")?.or_else(|| caller.session_id.clone());
    if let Some(session_id) = &session_id {
        extract::session_id(session_id)?;
        caller.may_enter(session_id)?;
    }
    let request = Request::from_parts(metadata, tonic::Extensions::default(), CreateSessionRequest { session_id });
    let session = gateway.peers.orchestrator().create_session(request).await?.into_inner();
    Ok(Json(json!({"session_id": session.session_id, "created_at": session.created_at})))
}

#[derive(Deserialize)]
pub(crate) struct EventsQuery {
    #[serde(default)]
    after_seq: u64,
    #[serde(default)]
    limit: u32,
}

pub(crate) async fn list_events(
    State(gateway): Shares,
    Who(caller): Who,
    Path(session_id): Path<String>,
    Query(EventsQuery { after_seq, limit }): Query<EventsQuery>,
) -> Answer {
    extract::session_id(&session_id)?;
    caller.may_enter(&session_id)?;
    if MAX_EVENTS < limit {
        return Err(Problem::invalid(format!("`limit` is at most {MAX_EVENTS}")));
    }
    let request = ListEventsRequest { session_id, after_seq: Some(after_seq), limit: Some(limit) };
    let answer = gateway.peers.orchestrator().list_events(request).await?.into_inner();
    Ok(Json(json!({"events": frames_for(&caller, &answer.events), "last_seq": answer.last_seq})))
}

/// Events as frames: those that a caller may see. A whisper is for two, and for game masters.
pub(crate) fn frames_for(caller: &Caller, events: &[SessionEvent]) -> Vec<Value> {
    let may_see = |event: &&SessionEvent| {
        event.visible_to.is_empty() || Role::Gm <= caller.role || event.visible_to.contains(&caller.name)
    };
    events.iter().filter(may_see).map(to_frame).collect()
}
