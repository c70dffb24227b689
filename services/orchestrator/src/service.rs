//! The gRPC face of the orchestrator: translate, decide, translate back.

use std::sync::Arc;

use proto::{
    catalogue::Tool,
    orchestrator::v1::{
        AddCharacterRequest, ApproveRequest, ApproveResponse, ArchiveSessionRequest, BranchSessionRequest,
        CallToolRequest, CallToolResponse, CancelTurnRequest, CancelTurnResponse, ChatRequest, ChatResponse,
        CreateSessionRequest, DeleteLoreRequest, DeleteLoreResponse, DeleteSessionRequest, DeleteSessionResponse,
        ExportTranscriptRequest, ExportTranscriptResponse, FindLoreRequest, FindToolRequest, FindToolResponse,
        ForgetFactRequest, FoundTool, GetMemoryRequest, GetSceneRequest, GetSessionRequest, GetTableRequest,
        GetUsageRequest, GetUsageResponse, JoinRequest, JoinResponse, LinkGameRequest, ListEventsRequest,
        ListEventsResponse, ListLoreRequest, ListLoreResponse, ListModelsRequest, ListModelsResponse,
        ListSessionsRequest, ListSessionsResponse, LoreEntry, Memory, OverrideRequest, OverrideResponse,
        PauseTableRequest, PinFactRequest, RemoveCharacterRequest, RemoveCharacterResponse, RenameSessionRequest,
        SessionEvent, SetLoreRequest, SetModelRequest, SetTableRequest, SubscribeRequest, Table, TakeBackRequest,
        TakeBackResponse, TakeOverRequest, TakeOverResponse, TestModelRequest, TestModelResponse, UpdateSceneRequest,
        UpdateSceneResponse, WhisperRequest, WhisperResponse, orchestrator_service_server::OrchestratorService,
        session_event::PlayerMessage,
    },
    structs,
};
use serde_json::{Map, Value};
use service_kit::{
    clock,
    db::DbError,
    forward::{self, Others},
    status::{self, ErrorCode, Failure},
    trace,
};
use tonic::{Request, Response, Status, codegen::BoxStream, metadata::MetadataMap};

use crate::{
    engine::{Caller, Engine},
    events, follow, game,
    models::Choice,
    scene,
    seats::{Kind, Seat},
    session::{Decision, Inner, Origin, Session},
    sessions::{Sessions, Unavailable},
    state::State,
    store::{Position, SessionRow},
    story, subscription, turn,
};

/// Longest session id.
const MAX_SESSION_ID: usize = 128;
/// Chats of one session that may wait for their turn.
const MAX_QUEUE: usize = 20;
/// Characters of one session.
const MAX_CHARACTERS: usize = 50;
/// Sessions in a list.
const MAX_SESSIONS: u64 = 1000;
/// Pieces in which the log may hold one narration; the limits of a turn keep it far below.
const MAX_PIECES: u64 = 100_000;
/// Events in an answer unless the caller says otherwise.
const DEFAULT_EVENTS: u64 = 1000;

/// The orchestrator.
pub(crate) struct Orchestrator {
    sessions: Arc<Sessions>,
    engine: Arc<Engine>,
    /// The ways to the holders of sessions.
    others: Others,
}

impl Orchestrator {
    pub fn new(sessions: Arc<Sessions>, engine: Arc<Engine>, others: Others) -> Orchestrator {
        Orchestrator { sessions, engine, others }
    }

    /// The session of that id, made if it is not there.
    async fn table_of(&self, session_id: &str) -> Result<Arc<Session>, Status> {
        Ok(self.seek(session_id).await??)
    }

    /// The street name of a character, whatever he is called by.
    async fn street_name(&self, character: &str) -> Result<String, Status> {
        let sheet = self.engine.sheet(character).await?;
        let named = ["character", "street_name", "name"].iter().find_map(|key| sheet[*key].as_str());
        Ok(named.unwrap_or(character.trim()).to_owned())
    }

    /// The same, or why it cannot be had here.
    async fn seek(&self, session_id: &str) -> Result<Result<Arc<Session>, Unavailable>, Status> {
        check_session_id(session_id)?;
        if self.engine.shutdown.is_cancelled() {
            return Err(status::error(ErrorCode::ApiError, "the server is shutting down; try again in a moment"));
        }
        Ok(self.sessions.get_or_create(session_id).await)
    }

    /// Changes how lists show a session.
    async fn name(
        &self,
        session_id: &str,
        change: impl FnOnce(&mut SessionRow) + Send,
    ) -> Result<Response<proto::orchestrator::v1::Session>, Status> {
        let session = self.find(session_id).await?;
        let mut inner = session.lock().await;
        let mut row = inner.state.row.clone();
        change(&mut row);
        let written = session.store().name(&session.id, &row.title, row.archived).await;
        written.map_err(|error| status::database(&error))?;
        inner.state.row = row;
        Ok(Response::new(to_session(&inner.state.row)))
    }

    /// A session as lists show it; where its holder cannot be called, as the database has it.
    async fn shown(
        &self,
        found: Result<Option<Arc<Session>>, Unavailable>,
        session_id: &str,
        is_sent_on: bool,
    ) -> Result<proto::orchestrator::v1::Session, Status> {
        let row = match found {
            Ok(Some(session)) => return Ok(to_session(&session.lock().await.state.row)),
            Ok(None) => None,
            Err(Unavailable::Elsewhere(address)) if address.is_none() || is_sent_on => {
                self.sessions.store().find(session_id).await.map_err(|error| status::database(&error))?
            }
            Err(unavailable) => return Err(unavailable.into()),
        };
        row.as_ref().map(to_session).ok_or_else(|| missing(session_id))
    }

    /// The session of that id, which must be there.
    async fn find(&self, session_id: &str) -> Result<Arc<Session>, Status> {
        check_session_id(session_id)?;
        let session = self.sessions.find(session_id).await?;
        session.ok_or_else(|| missing(session_id))
    }

    /// The table of a call: named in the request, or by whoever calls at a table.
    async fn table(&self, named: Option<&str>, metadata: &MetadataMap) -> Result<Arc<Session>, Status> {
        let at_table = metadata.get("session-id").and_then(|id| id.to_str().ok());
        let Some(session_id) = at_table.or(named) else {
            return Err(status::error(ErrorCode::MissingRequiredField, "`session_id` is missing: which table?"));
        };
        self.find(session_id).await
    }
}

#[tonic::async_trait]
impl OrchestratorService for Orchestrator {
    async fn create_session(
        &self,
        request: Request<CreateSessionRequest>,
    ) -> Result<Response<proto::orchestrator::v1::Session>, Status> {
        let is_sent_on = forward::was_sent_on(request.metadata());
        let CreateSessionRequest { session_id } = request.into_inner();
        let session_id = session_id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let found = self.seek(&session_id).await?.map(Some);
        Ok(Response::new(self.shown(found, &session_id, is_sent_on).await?))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let with_archived = request.into_inner().include_archived.unwrap_or_default();
        let rows =
            self.sessions.store().list(MAX_SESSIONS, with_archived).await.map_err(|error| status::database(&error))?;
        Ok(Response::new(ListSessionsResponse { sessions: rows.iter().map(to_session).collect() }))
    }

    async fn get_session(
        &self,
        request: Request<GetSessionRequest>,
    ) -> Result<Response<proto::orchestrator::v1::Session>, Status> {
        let is_sent_on = forward::was_sent_on(request.metadata());
        let GetSessionRequest { session_id } = request.into_inner();
        check_session_id(&session_id)?;
        let found = self.sessions.find(&session_id).await;
        Ok(Response::new(self.shown(found, &session_id, is_sent_on).await?))
    }

    async fn chat(&self, request: Request<ChatRequest>) -> Result<Response<ChatResponse>, Status> {
        let ChatRequest { session_id, message, message_id, name, character, connection_id } = request.into_inner();
        check_words(&message)?;
        let session = self.table_of(&session_id).await?;
        let mut inner = session.lock().await;
        let seat = inner.seats.get(connection_id.as_deref().unwrap_or_default()).cloned();
        check_is_no_spectator(&inner, connection_id.as_deref())?;
        let (name, character) = match &seat {
            Some(seat) => (Some(seat.name.clone()), character.or_else(|| seat.character.clone())),
            None => (name, character),
        };
        if let Some(message_id) = &message_id {
            let turn = session.store().turn_of_message(&session.id, message_id).await;
            if let Some(turn_id) = turn.map_err(|error| status::database(&error))? {
                return Ok(Response::new(ChatResponse { turn_id, queued: 0, repeated: true }));
            }
        }
        if inner.state.paused.is_some() {
            let text = "the pause card lies on the table; the story goes on when it is taken away";
            return Err(status::error(ErrorCode::Conflict, text));
        }
        if MAX_QUEUE <= inner.queue.len() {
            let text = format!("{MAX_QUEUE} messages are waiting for the game master already; try again in a moment");
            return Err(status::error(ErrorCode::RateLimited, text));
        }

        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let asked = PlayerMessage { name: said(name), character: said(character), message };
        let is_narrator = seat.as_ref().is_some_and(|seat| inner.state.narrator() == Some(seat.name.as_str()));
        if is_narrator {
            let turn_id = narrate(&session, &mut inner, asked.message, message_id.as_deref()).await?;
            return Ok(Response::new(ChatResponse { turn_id, queued: 0, repeated: false }));
        }
        let connection_id = connection_id.unwrap_or_default();
        let (turn_id, queued) =
            turn::accept(&session, &mut inner, &self.engine, asked, connection_id, message_id.as_deref()).await?;
        Ok(Response::new(ChatResponse { turn_id, queued, repeated: false }))
    }

    async fn cancel_turn(&self, request: Request<CancelTurnRequest>) -> Result<Response<CancelTurnResponse>, Status> {
        let CancelTurnRequest { session_id, connection_id } = request.into_inner();
        let session = self.find(&session_id).await?;
        let inner = session.lock().await;
        check_is_no_spectator(&inner, connection_id.as_deref())?;
        let cancelled = match (&inner.running, inner.queue.front()) {
            (Some(running), _) => {
                running.cancel();
                true
            }
            // Accepted, and about to begin.
            (None, Some(next)) => {
                next.cancel.cancel();
                true
            }
            (None, None) => false,
        };
        Ok(Response::new(CancelTurnResponse { cancelled }))
    }

    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinResponse>, Status> {
        let JoinRequest { session_id, connection_id, name, seat, character } = request.into_inner();
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(status::error(ErrorCode::InvalidInput, "`name` has 1 to 40 characters, and not blanks only"));
        }
        let session = self.table_of(&session_id).await?;
        let character = match character.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(character) => Some(self.street_name(character).await?),
            None => None,
        };
        let seat = Seat { name, kind: Kind::from_text(seat.as_deref()), character };
        session.join(&connection_id, seat, trace::current_id_text()).await?;
        let inner = session.lock().await;
        let last_seq = inner.state.row.last_seq;
        Ok(Response::new(JoinResponse { session: Some(to_session(&inner.state.row)), last_seq }))
    }

    async fn whisper(&self, request: Request<WhisperRequest>) -> Result<Response<WhisperResponse>, Status> {
        let WhisperRequest { session_id, connection_id, to, message } = request.into_inner();
        check_words(&message)?;
        let session = self.find(&session_id).await?;
        let mut inner = session.lock().await;
        let Some(from) = inner.seats.get(&connection_id).map(|seat| seat.name.clone()) else {
            return Err(status::error(ErrorCode::Forbidden, "join with a name before you whisper"));
        };
        let Some(to) = inner.seats.find_name(&to).map(str::to_owned) else {
            let text = format!("{to:?} is not at the table; there are {}", inner.seats.names().join(", "));
            return Err(status::error(ErrorCode::NotFound, text));
        };
        let origin = Origin { visible_to: vec![from.clone(), to.clone()], ..here() };
        let told = vec![events::whisper(&from, &to, message)];
        let appended = session.append_locked(&mut inner, &origin, told, None).await;
        appended.map_err(|error| status::database(&error))?;
        Ok(Response::new(WhisperResponse {}))
    }

    async fn approve(&self, request: Request<ApproveRequest>) -> Result<Response<ApproveResponse>, Status> {
        let ApproveRequest { session_id, connection_id, call_id, allow, reason } = request.into_inner();
        let session = self.find(&session_id).await?;
        let mut inner = session.lock().await;
        let by = game_master(&inner, &connection_id)?;
        let Some(waiting) = inner.approvals.remove(&call_id) else {
            return Err(status::error(ErrorCode::NotFound, format!("no call {call_id:?} waits for an answer")));
        };
        let decision = Decision { allow, by, reason: reason.unwrap_or_default() };
        let turn_id = inner.state.open_turns().first().map(|(turn_id, _)| turn_id.clone()).unwrap_or_default();
        let told = vec![events::approval(&call_id, &decision)];
        let appended = session.append_locked(&mut inner, &Origin { turn_id, ..here() }, told, None).await;
        appended.map_err(|error| status::database(&error))?;
        // A turn that has ended meanwhile waits no more.
        let _ = waiting.send(decision);
        Ok(Response::new(ApproveResponse {}))
    }

    async fn r#override(&self, request: Request<OverrideRequest>) -> Result<Response<OverrideResponse>, Status> {
        let OverrideRequest { session_id, connection_id, roll_id, result, reason } = request.into_inner();
        let session = self.find(&session_id).await?;
        let mut inner = session.lock().await;
        let by = game_master(&inner, &connection_id)?;
        let is_known = session.store().has_roll(&session.id, &roll_id).await;
        if !is_known.map_err(|error| status::database(&error))? {
            let text = format!("no roll {roll_id:?} stands in the log of this table");
            return Err(status::error(ErrorCode::NotFound, text));
        }
        let told = vec![events::roll_overridden(roll_id, result, reason, by)];
        let appended = session.append_locked(&mut inner, &here(), told, None).await;
        appended.map_err(|error| status::database(&error))?;
        Ok(Response::new(OverrideResponse {}))
    }

    async fn take_over(&self, request: Request<TakeOverRequest>) -> Result<Response<TakeOverResponse>, Status> {
        let TakeOverRequest { session_id, connection_id, on } = request.into_inner();
        let session = self.find(&session_id).await?;
        let mut inner = session.lock().await;
        let by = game_master(&inner, &connection_id)?;
        if inner.state.narrator().is_some() != on {
            let told = vec![events::taken_over(&by, on)];
            let appended = session.append_locked(&mut inner, &here(), told, None).await;
            appended.map_err(|error| status::database(&error))?;
        }
        Ok(Response::new(TakeOverResponse {}))
    }

    async fn add_character(
        &self,
        request: Request<AddCharacterRequest>,
    ) -> Result<Response<proto::orchestrator::v1::Session>, Status> {
        let AddCharacterRequest { session_id, character, connection_id } = request.into_inner();
        let session = self.table_of(&session_id).await?;
        let name = self.street_name(&character).await?;
        let mut inner = session.lock().await;
        check_is_no_spectator(&inner, connection_id.as_deref())?;
        if !is_member(&inner.state, &name) {
            if MAX_CHARACTERS <= inner.state.row.characters.len() {
                let text = format!("a session has room for {MAX_CHARACTERS} characters");
                return Err(status::error(ErrorCode::InvalidInput, text));
            }
            let appended = session.append_locked(&mut inner, &here(), vec![events::character_added(&name)], None).await;
            appended.map_err(|error| status::database(&error))?;
        }
        Ok(Response::new(to_session(&inner.state.row)))
    }

    async fn remove_character(
        &self,
        request: Request<RemoveCharacterRequest>,
    ) -> Result<Response<RemoveCharacterResponse>, Status> {
        let RemoveCharacterRequest { session_id, character, connection_id } = request.into_inner();
        let session = self.table_of(&session_id).await?;
        let is_seated = find_member(&session.lock().await.state, &character).is_some();
        // He may be called by another of his names; who exists no more is known by the one that stands here.
        let character = if is_seated { character } else { self.street_name(&character).await.unwrap_or(character) };
        let mut inner = session.lock().await;
        check_is_no_spectator(&inner, connection_id.as_deref())?;
        let member = find_member(&inner.state, &character).cloned();
        if let Some(name) = &member {
            let appended =
                session.append_locked(&mut inner, &here(), vec![events::character_removed(name)], None).await;
            appended.map_err(|error| status::database(&error))?;
        }
        let session = Some(to_session(&inner.state.row));
        Ok(Response::new(RemoveCharacterResponse { changed: member.is_some(), session }))
    }

    async fn list_events(&self, request: Request<ListEventsRequest>) -> Result<Response<ListEventsResponse>, Status> {
        let request = request.into_inner();
        let (after_seq, limit) = (request.after_seq(), request.limit());
        let session_id = request.session_id;
        let session = self.find(&session_id).await?;
        let last_seq = session.lock().await.last_whole_seq();
        let limit = if limit == 0 { DEFAULT_EVENTS } else { u64::from(limit) };
        let read = async |from: Position, until: Position, limit: u64| {
            let page = session.store().events(&session.id, from, until, limit).await;
            page.map_err(|error| status::database(&error))
        };
        let page = read(Position::after(after_seq), Position::after(last_seq), limit).await?;
        let mut events = page.events;
        if let Some(next) = page.next {
            // Who asks for what follows names a sequence number, and nothing of it must be left behind.
            events.extend(read(next, Position::after(next.seq), MAX_PIECES).await?.events);
        }
        // Whoever asks has no seat.
        events.retain(|event| event.visible_to.is_empty());
        Ok(Response::new(ListEventsResponse { events, last_seq }))
    }

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<BoxStream<SessionEvent>>, Status> {
        let is_sent_on = forward::was_sent_on(request.metadata());
        let request = request.into_inner();
        match self.seek(&request.session_id).await? {
            Ok(session) => Ok(Response::new(Box::pin(subscription::subscribe(session, &request).await?))),
            // Its holder cannot be called: what happens there is read in the log, and heard.
            Err(Unavailable::Elsewhere(address)) if address.is_none() || is_sent_on => {
                let (store, replicas) = (self.sessions.store().clone(), self.sessions.replicas().clone());
                let (others, shutdown) = (self.others.clone(), self.engine.shutdown.clone());
                Ok(Response::new(Box::pin(follow::follow(store, replicas, others, request, shutdown).await?)))
            }
            Err(unavailable) => Err(unavailable.into()),
        }
    }

    async fn call_tool(&self, request: Request<CallToolRequest>) -> Result<Response<CallToolResponse>, Status> {
        let (metadata, _, CallToolRequest { session_id, name, arguments }) = request.into_parts();
        let session = self.table_of(&session_id).await?;
        let arguments = match structs::to_json(arguments.unwrap_or_default()) {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        let mut forwarded = MetadataMap::new();
        if let Some(key) = metadata.get("idempotency-key") {
            forwarded.insert("idempotency-key", key.clone());
        }
        let called = self.engine.call(&session, &here(), Caller::Person, &name, arguments, forwarded).await;
        let result = called.map_err(|Failure { code, message, details }| status::error_with(code, message, details))?;
        Ok(Response::new(CallToolResponse { result: Some(structs::from_json(result)) }))
    }

    async fn take_back(&self, request: Request<TakeBackRequest>) -> Result<Response<TakeBackResponse>, Status> {
        let TakeBackRequest { session_id, again } = request.into_inner();
        let session = self.find(&session_id).await?;
        let turn = {
            let inner = session.lock().await;
            check_is_idle(&inner)?;
            let turn = inner.state.last_ended();
            turn.ok_or_else(|| status::error(ErrorCode::NotFound, "no turn of this session can be taken back"))?
        };
        // By keys of their own: who asks again after a failure undoes nothing twice.
        let mut not_undone = Vec::new();
        for (index, undoing) in story::undo(&turn, |tool| self.engine.has_effect(tool)).into_iter().enumerate() {
            let Some(tool) = undoing.tool else {
                not_undone.push(undoing.of);
                continue;
            };
            let mut metadata = MetadataMap::new();
            if let Ok(key) = format!("{}/back/{index}", turn.turn_id).parse() {
                metadata.insert("idempotency-key", key);
            }
            let undone = self.engine.call(&session, &here(), Caller::Person, tool, undoing.arguments, metadata).await;
            if let Err(failure) = undone {
                tracing::warn!(tool, reason = failure.message, "an effect could not be undone");
                not_undone.push(undoing.of);
            }
        }
        not_undone.sort_unstable();
        not_undone.dedup();

        let mut inner = session.lock().await;
        check_is_idle(&inner)?;
        if inner.state.last_ended().is_none_or(|last| last.turn_id != turn.turn_id) {
            return Err(status::error(ErrorCode::Conflict, "the table has gone on meanwhile"));
        }
        let mut told = Vec::new();
        if inner.state.row.scene != turn.scene_before {
            told.push(events::scene(turn.scene_before.clone(), None));
        }
        told.push(events::turn_taken_back(&turn.turn_id, not_undone.clone()));
        let appended = session.append_locked(&mut inner, &here(), told, None).await;
        appended.map_err(|error| status::database(&error))?;

        let asked = turn.asked.clone().filter(|_| again.unwrap_or_default());
        let turn_id = match asked {
            Some(asked) => Some(turn::accept(&session, &mut inner, &self.engine, asked, String::new(), None).await?.0),
            None => None,
        };
        Ok(Response::new(TakeBackResponse { taken_turn_id: turn.turn_id.clone(), turn_id, not_undone }))
    }

    async fn branch_session(
        &self,
        request: Request<BranchSessionRequest>,
    ) -> Result<Response<proto::orchestrator::v1::Session>, Status> {
        let BranchSessionRequest { session_id, turn_id, new_session_id } = request.into_inner();
        let session = self.find(&session_id).await?;
        let new_session_id = new_session_id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let events = session.store().all_events(&session.id).await.map_err(|error| status::database(&error))?;
        let Some(events) = story::branch(events, turn_id.as_deref()) else {
            return Err(status::error(ErrorCode::NotFound, "this session has no such turn that has ended"));
        };
        let row = SessionRow {
            session_id: new_session_id.clone(),
            created_at: clock::now_ms(),
            epoch: 0,
            archived: false,
            holder: String::new(),
            ..session.lock().await.state.row.clone()
        };
        let mut state = State::new(row);
        events.iter().for_each(|event| state.apply(event));
        match session.store().create_with(&state.row, &events).await {
            Ok(()) => {}
            Err(DbError::Unique) => {
                let text = format!("there is a session {new_session_id:?} already");
                return Err(status::error(ErrorCode::Conflict, text));
            }
            Err(error) => return Err(status::database(&error)),
        }
        let branch = self.find(&new_session_id).await?;
        let inner = branch.lock().await;
        Ok(Response::new(to_session(&inner.state.row)))
    }

    async fn export_transcript(
        &self,
        request: Request<ExportTranscriptRequest>,
    ) -> Result<Response<ExportTranscriptResponse>, Status> {
        let session = self.find(&request.into_inner().session_id).await?;
        let events = session.store().all_events(&session.id).await.map_err(|error| status::database(&error))?;
        Ok(Response::new(ExportTranscriptResponse { text: story::transcript(&events) }))
    }

    async fn rename_session(
        &self,
        request: Request<RenameSessionRequest>,
    ) -> Result<Response<proto::orchestrator::v1::Session>, Status> {
        let RenameSessionRequest { session_id, title } = request.into_inner();
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        self.name(&session_id, |row| row.title = title).await
    }

    async fn archive_session(
        &self,
        request: Request<ArchiveSessionRequest>,
    ) -> Result<Response<proto::orchestrator::v1::Session>, Status> {
        let ArchiveSessionRequest { session_id, archived } = request.into_inner();
        self.name(&session_id, |row| row.archived = archived).await
    }

    async fn delete_session(
        &self,
        request: Request<DeleteSessionRequest>,
    ) -> Result<Response<DeleteSessionResponse>, Status> {
        let session = self.find(&request.into_inner().session_id).await?;
        let mut inner = session.lock().await;
        check_is_idle(&inner)?;
        session.store().delete(&session.id).await.map_err(|error| status::database(&error))?;
        inner.delete();
        Ok(Response::new(DeleteSessionResponse {}))
    }

    async fn update_scene(
        &self,
        request: Request<UpdateSceneRequest>,
    ) -> Result<Response<UpdateSceneResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let session = self.table(request.session_id.as_deref(), &metadata).await?;
        let scene = scene::update(&session, &here(), request).await?;
        Ok(Response::new(to_scene(scene)))
    }

    async fn get_table(&self, request: Request<GetTableRequest>) -> Result<Response<Table>, Status> {
        let session = self.find(&request.into_inner().session_id).await?;
        let inner = session.lock().await;
        Ok(Response::new(self.engine.to_table(&inner)))
    }

    async fn set_table(&self, request: Request<SetTableRequest>) -> Result<Response<Table>, Status> {
        let request = request.into_inner();
        let session = self.table_of(&request.session_id).await?;
        Ok(Response::new(self.engine.set_table(&session, &here(), request).await?))
    }

    async fn pause_table(&self, request: Request<PauseTableRequest>) -> Result<Response<Table>, Status> {
        let request = request.into_inner();
        let session = self.table_of(&request.session_id).await?;
        let mut inner = session.lock().await;
        let table = self.engine.pause_table(&session, &mut inner, &here(), request).await?;
        turn::begin(&session, &mut inner, &self.engine);
        Ok(Response::new(table))
    }

    async fn link_game(&self, request: Request<LinkGameRequest>) -> Result<Response<Table>, Status> {
        let request = request.into_inner();
        let session = self.table_of(&request.session_id).await?;
        let table = self.engine.link_game(&session, &here(), request).await?;
        game::watch(&self.engine, &session, &mut *session.lock().await);
        Ok(Response::new(table))
    }

    async fn get_memory(&self, request: Request<GetMemoryRequest>) -> Result<Response<Memory>, Status> {
        let session = self.find(&request.into_inner().session_id).await?;
        let inner = session.lock().await;
        Ok(Response::new(self.engine.to_memory(&inner)))
    }

    async fn pin_fact(&self, request: Request<PinFactRequest>) -> Result<Response<Memory>, Status> {
        let (metadata, _, request) = request.into_parts();
        let session = self.table(request.session_id.as_deref(), &metadata).await?;
        Ok(Response::new(self.engine.pin_fact(&session, &here(), request).await?))
    }

    async fn forget_fact(&self, request: Request<ForgetFactRequest>) -> Result<Response<Memory>, Status> {
        let request = request.into_inner();
        let session = self.find(&request.session_id).await?;
        Ok(Response::new(self.engine.forget_fact(&session, &here(), request).await?))
    }

    async fn list_lore(&self, request: Request<ListLoreRequest>) -> Result<Response<ListLoreResponse>, Status> {
        Ok(Response::new(self.engine.list_lore(request.into_inner()).await?))
    }

    async fn set_lore(&self, request: Request<SetLoreRequest>) -> Result<Response<LoreEntry>, Status> {
        Ok(Response::new(self.engine.set_lore(request.into_inner()).await?))
    }

    async fn delete_lore(&self, request: Request<DeleteLoreRequest>) -> Result<Response<DeleteLoreResponse>, Status> {
        Ok(Response::new(self.engine.delete_lore(request.into_inner()).await?))
    }

    async fn find_lore(&self, request: Request<FindLoreRequest>) -> Result<Response<ListLoreResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let session = self.table(request.session_id.as_deref(), &metadata).await?;
        Ok(Response::new(self.engine.find_lore(&session, request).await?))
    }

    async fn list_models(&self, _: Request<ListModelsRequest>) -> Result<Response<ListModelsResponse>, Status> {
        Ok(Response::new(self.engine.list_models()))
    }

    async fn set_model(&self, request: Request<SetModelRequest>) -> Result<Response<Table>, Status> {
        let request = request.into_inner();
        let session = self.table_of(&request.session_id).await?;
        Ok(Response::new(self.engine.set_model(&session, &here(), request).await?))
    }

    async fn test_model(&self, request: Request<TestModelRequest>) -> Result<Response<TestModelResponse>, Status> {
        let request = request.into_inner();
        let now = match &request.session_id {
            Some(session_id) => self.find(session_id).await?.lock().await.model.clone(),
            None => Choice::default(),
        };
        Ok(Response::new(self.engine.test_model(request, &now).await?))
    }

    async fn get_usage(&self, request: Request<GetUsageRequest>) -> Result<Response<GetUsageResponse>, Status> {
        let GetUsageRequest { session_id } = request.into_inner();
        if let Some(session_id) = &session_id {
            self.find(session_id).await?;
        }
        let report = self.engine.budget.report(self.sessions.store(), session_id.as_deref()).await;
        Ok(Response::new(report.map_err(|error| status::database(&error))?))
    }

    async fn find_tool(&self, request: Request<FindToolRequest>) -> Result<Response<FindToolResponse>, Status> {
        let FindToolRequest { query } = request.into_inner();
        let to_proto = |tool: &Tool| FoundTool {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: Some(structs::from_json(tool.parameters.clone())),
            group: tool.group.clone(),
            effect: tool.effect,
        };
        let tools = self.engine.find_tools(&query, Caller::Person).into_iter().map(to_proto).collect();
        Ok(Response::new(FindToolResponse { tools }))
    }

    async fn get_scene(&self, request: Request<GetSceneRequest>) -> Result<Response<UpdateSceneResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let session = self.table(request.session_id.as_deref(), &metadata).await?;
        let scene = session.lock().await.state.row.scene.clone();
        Ok(Response::new(to_scene(scene)))
    }
}

/// What the narrator says is the story; his own page must see it as well. Answers its turn.
async fn narrate(
    session: &Session,
    inner: &mut Inner,
    message: String,
    message_id: Option<&str>,
) -> Result<String, Status> {
    let turn_id = uuid::Uuid::now_v7().to_string();
    let origin = Origin { turn_id: turn_id.clone(), ..here() };
    let told = vec![events::person_begins(), events::narrative(message), events::complete("Response complete")];
    let key = message_id.map(|message_id| (message_id, turn_id.as_str()));
    session.append_locked(inner, &origin, told, key).await.map_err(|error| status::database(&error))?;
    Ok(turn_id)
}

/// Refuses what a connection asks for that sits there as a spectator.
fn check_is_no_spectator(inner: &Inner, connection_id: Option<&str>) -> Result<(), Status> {
    match inner.seats.get(connection_id.unwrap_or_default()) {
        Some(seat) if seat.kind == Kind::Spectator => {
            Err(status::error(ErrorCode::Forbidden, "spectators listen; join with the seat `player` to speak"))
        }
        _ => Ok(()),
    }
}

fn check_is_idle(inner: &Inner) -> Result<(), Status> {
    if inner.running.is_some() || !inner.queue.is_empty() {
        return Err(status::error(ErrorCode::Conflict, "a turn is being told; wait for its end, or cancel it"));
    }
    Ok(())
}

/// The name of who sits in the game master's seat, if this connection does.
fn game_master(inner: &Inner, connection_id: &str) -> Result<String, Status> {
    let seat = inner.seats.get(connection_id).filter(|seat| seat.kind == Kind::GameMaster);
    let refusal = || status::error(ErrorCode::Forbidden, "only the game master's seat may do that; join with it first");
    seat.map(|seat| seat.name.clone()).ok_or_else(refusal)
}

fn check_words(message: &str) -> Result<(), Status> {
    if message.trim().is_empty() {
        return Err(status::error(ErrorCode::InvalidInput, "`message` must not be blank"));
    }
    Ok(())
}

/// The origin of what happens outside a turn.
fn here() -> Origin {
    Origin { trace_id: trace::current_id_text(), ..Origin::default() }
}

fn missing(session_id: &str) -> Status {
    status::error(ErrorCode::NotFound, format!("no session has the id {session_id:?}"))
}

fn check_session_id(session_id: &str) -> Result<(), Status> {
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || "._:-".contains(char);
    if !(1..=MAX_SESSION_ID).contains(&session_id.len()) || !session_id.chars().all(is_allowed) {
        let text = format!("a session's id has 1 to {MAX_SESSION_ID} characters of A-Z a-z 0-9 . _ : -");
        return Err(status::error(ErrorCode::InvalidInput, text));
    }
    Ok(())
}

fn find_member<'a>(state: &'a State, name: &str) -> Option<&'a String> {
    let wanted = name.trim().to_lowercase();
    state.row.characters.iter().find(|member| member.to_lowercase() == wanted)
}

fn is_member(state: &State, name: &str) -> bool {
    find_member(state, name).is_some()
}

fn to_session(row: &SessionRow) -> proto::orchestrator::v1::Session {
    proto::orchestrator::v1::Session {
        session_id: row.session_id.clone(),
        characters: row.characters.clone(),
        message_count: u32::try_from(row.message_count).unwrap_or(u32::MAX),
        created_at: clock::rfc3339(row.created_at),
        last_seq: row.last_seq,
        scene: Some(structs::from_json(Value::Object(row.scene.clone()))),
        title: row.title.clone(),
        archived: row.archived,
    }
}

fn to_scene(scene: Map<String, Value>) -> UpdateSceneResponse {
    UpdateSceneResponse { scene: Some(structs::from_json(Value::Object(scene))) }
}
