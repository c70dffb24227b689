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
    orchestrator::v1::{CallToolRequest, CreateSessionRequest, ListEventsRequest, ListSessionsRequest, Session},
    structs,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service_kit::status::ErrorCode;
use tonic::{Request, metadata::MetadataMap};

use crate::{
    Gateway, Shares,
    answer::Problem,
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

pub(crate) async fn list_characters(State(gateway): Shares) -> ToolAnswer {
    call(&gateway, "list_characters", Map::new(), MetadataMap::new()).await
}

pub(crate) async fn get_character(State(gateway): Shares, Path(name): Path<String>) -> ToolAnswer {
    call(&gateway, "get_character", named(name), MetadataMap::new()).await
}

pub(crate) async fn get_sustained_spells(State(gateway): Shares, Path(name): Path<String>) -> ToolAnswer {
    call(&gateway, "get_sustained_spells", named(name), MetadataMap::new()).await
}

pub(crate) async fn cast_spell(
    State(gateway): Shares,
    Metadata(metadata): Metadata,
    Fields(arguments): Fields,
) -> ToolAnswer {
    call(&gateway, "cast_spell", arguments, metadata).await
}

pub(crate) async fn drop_spell(
    State(gateway): Shares,
    Metadata(metadata): Metadata,
    Fields(arguments): Fields,
) -> ToolAnswer {
    call(&gateway, "drop_spell", arguments, metadata).await
}

fn named(name: String) -> Map<String, Value> {
    Map::from_iter([("character_name".to_owned(), name.into())])
}

async fn call(gateway: &Gateway, tool: &str, arguments: Map<String, Value>, metadata: MetadataMap) -> ToolAnswer {
    Ok(JsonText(gateway.toolbox.call_for_text(tool, arguments.into(), metadata).await?))
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
    Metadata(metadata): Metadata,
    Fields(arguments): Fields,
) -> ToolAnswer {
    let tool = gateway.toolbox.find(&name)?;
    if tool.role == Role::Operator && !gateway.access.is_operator() {
        let message = format!("{name} is for the operator of this server, on its own machine");
        return Err(Problem::new(ErrorCode::Forbidden, message));
    }
    let session_id = query.session_id.or_else(|| text_header(&headers, "x-session-id").map(str::to_owned));
    let Some(session_id) = session_id else { return call(&gateway, &name, arguments, metadata).await };

    extract::session_id(&session_id)?;
    let arguments = Some(structs::from_json(arguments.into()));
    let request = CallToolRequest { session_id, name, arguments };
    let request = Request::from_parts(metadata, tonic::Extensions::default(), request);
    let answer = gateway.peers.orchestrator().call_tool(request).await?.into_inner();
    Ok(JsonText(structs::to_json(answer.result.unwrap_or_default()).to_string()))
}

// Sessions.

#[derive(Deserialize)]
pub(crate) struct SessionsQuery {
    /// Whether those that were put away are among them.
    #[serde(default)]
    archived: bool,
}

pub(crate) async fn list_sessions(State(gateway): Shares, Query(query): Query<SessionsQuery>) -> Answer {
    let request = ListSessionsRequest { include_archived: Some(query.archived) };
    let answer = gateway.peers.orchestrator().list_sessions(request).await?.into_inner();
    let sessions: Vec<_> = answer
        .sessions
        .into_iter()
        .map(|Session { session_id, characters, message_count, created_at, title, archived, .. }| {
            json!({
                "session_id": session_id, "characters": characters, "message_count": message_count,
                "created_at": created_at, "title": title, "archived": archived,
            })
        })
        .collect();
    Ok(Json(json!({"sessions": sessions})))
}

pub(crate) async fn create_session(State(gateway): Shares, Metadata(metadata): Metadata, body: Fields) -> Answer {
    let session_id = body.optional_text("session_id")?;
    if let Some(session_id) = &session_id {
        extract::session_id(session_id)?;
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
    Path(session_id): Path<String>,
    Query(EventsQuery { after_seq, limit }): Query<EventsQuery>,
) -> Answer {
    extract::session_id(&session_id)?;
    if MAX_EVENTS < limit {
        return Err(Problem::invalid(format!("`limit` is at most {MAX_EVENTS}")));
    }
    let request = ListEventsRequest { session_id, after_seq, limit };
    let answer = gateway.peers.orchestrator().list_events(request).await?.into_inner();
    let events: Vec<_> = answer.events.iter().map(to_frame).collect();
    Ok(Json(json!({"events": events, "last_seq": answer.last_seq})))
}
