//! The gRPC face of the service: takes requests apart, has them done, puts answers together.

use std::sync::Arc;

use futures_util::stream;
use proto::fsm::v1::{
    AnswerDecisionRequest, AnswerDecisionResponse, ArchiveGameRequest, ArchiveGameResponse, AttachRequest,
    AttachedEvent, BranchGameRequest, BranchGameResponse, CreateGameRequest, CreateGameResponse, DrawGameRequest,
    DrawGameResponse, GameUpdate, GetGameRequest, GetGameResponse, ListDecisionsRequest, ListDecisionsResponse,
    ListGameHistoryRequest, ListGameHistoryResponse, ListGamesRequest, ListGamesResponse, Reaction, SendEventRequest,
    SendEventResponse, SendEventsRequest, SendEventsResponse, SetDeciderRequest, SetDeciderResponse, UndoGameRequest,
    UndoGameResponse, WatchRequest, fsm_service_server::FsmService,
};
use service_kit::{
    forward,
    status::{self, ErrorCode},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, codegen::BoxStream};

use crate::{
    convert, draw,
    games::{Bare, DEFAULT_GAME, DecisionAnswer, Error, Games, Incoming, Undone},
    store::Idempotency,
    watch::Watch,
};

const DEFAULT_LIST: u32 = 50;
const DEFAULT_HISTORY: u32 = 100;
/// Longest idempotency key, in characters.
const MAX_KEY: usize = 200;

/// The service.
pub struct Fsm {
    games: Arc<Games>,
    shutdown: CancellationToken,
}

impl Fsm {
    /// The service of these games; its streams end with the shutdown.
    pub fn new(games: Arc<Games>, shutdown: CancellationToken) -> Fsm {
        Fsm { games, shutdown }
    }
}

#[tonic::async_trait]
impl FsmService for Fsm {
    async fn list_games(&self, request: Request<ListGamesRequest>) -> Result<Response<ListGamesResponse>, Status> {
        let ListGamesRequest { limit } = request.into_inner();
        let games = self.games.list(limit.unwrap_or(DEFAULT_LIST)).await?;
        Ok(Response::new(ListGamesResponse { games: games.into_iter().map(convert::game).collect() }))
    }

    async fn create_game(&self, request: Request<CreateGameRequest>) -> Result<Response<CreateGameResponse>, Status> {
        let idempotency = idempotency(&request)?;
        let CreateGameRequest { game_id, machine } = request.into_inner();
        let game = self.games.create(game_id, machine, idempotency).await?;
        Ok(Response::new(CreateGameResponse { game: Some(convert::game(game)) }))
    }

    async fn get_game(&self, request: Request<GetGameRequest>) -> Result<Response<GetGameResponse>, Status> {
        let GetGameRequest { game_id } = request.into_inner();
        let game = self.games.show(&or_default(game_id)).await?;
        Ok(Response::new(GetGameResponse { game: Some(convert::game(game)) }))
    }

    async fn list_game_history(
        &self,
        request: Request<ListGameHistoryRequest>,
    ) -> Result<Response<ListGameHistoryResponse>, Status> {
        let ListGameHistoryRequest { game_id, after_sequence, limit } = request.into_inner();
        let game_id = or_default(game_id);
        let (entries, more) = self.games.history(&game_id, after_sequence, limit.unwrap_or(DEFAULT_HISTORY)).await?;
        let entries = entries.iter().map(|entry| convert::reaction(&game_id, entry, None)).collect();
        Ok(Response::new(ListGameHistoryResponse { entries, more }))
    }

    async fn send_event(&self, request: Request<SendEventRequest>) -> Result<Response<SendEventResponse>, Status> {
        let mut idempotency = idempotency(&request)?;
        if let Some(idempotency) = &mut idempotency {
            // Whoever comes back with a request that he is not sure of has another attachment.
            let same = SendEventRequest { attachment_id: None, ..request.get_ref().clone() };
            idempotency.request = format!("{same:?}");
        }
        let SendEventRequest { game_id, event, data, data_json, attachment_id, role, cause, expected_sequence } =
            request.into_inner();
        let answer = self.games.send(Incoming {
            game_id: or_default(game_id),
            event,
            data: convert::data(data, data_json.as_deref()),
            attachment_id,
            is_host: role.is_none_or(|role| role == "host"),
            cause,
            idempotency,
            expected_sequence,
            ..Incoming::default()
        });
        Ok(Response::new(convert::answer(answer.await?)))
    }

    async fn send_events(&self, request: Request<SendEventsRequest>) -> Result<Response<SendEventsResponse>, Status> {
        let SendEventsRequest { attachment_id, events, game_id } = request.into_inner();
        let bare = |AttachedEvent { event, data_json }| Bare { event, data: convert::data(None, data_json.as_deref()) };
        let told =
            self.games.send_all(&attachment_id, &or_default(game_id), events.into_iter().map(bare).collect()).await?;
        let handled = u32::try_from(told.handled).unwrap_or(u32::MAX);
        Ok(Response::new(SendEventsResponse { handled, failed: told.failed, update_number: told.update_number }))
    }

    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        let ListDecisionsRequest { game_id } = request.into_inner();
        let decisions = self.games.decisions(&or_default(game_id)).await?;
        Ok(Response::new(ListDecisionsResponse { decisions: decisions.into_iter().map(convert::decision).collect() }))
    }

    async fn answer_decision(
        &self,
        request: Request<AnswerDecisionRequest>,
    ) -> Result<Response<AnswerDecisionResponse>, Status> {
        let idempotency = idempotency(&request)?;
        let AnswerDecisionRequest { game_id, decision_id, choice_id, data, reason, cause } = request.into_inner();
        let answer = self.games.answer(DecisionAnswer {
            game_id: or_default(game_id),
            decision_id,
            choice_id,
            data: data.map(convert::from_struct).unwrap_or_default(),
            reason,
            cause,
            idempotency,
        });
        let SendEventResponse { outcome, message, reaction, state, .. } = convert::answer(answer.await?);
        Ok(Response::new(AnswerDecisionResponse { outcome, message, reaction, state }))
    }

    async fn set_decider(&self, request: Request<SetDeciderRequest>) -> Result<Response<SetDeciderResponse>, Status> {
        let SetDeciderRequest { game_id, decider } = request.into_inner();
        let (side, decider) = convert::from_decider(decider.unwrap_or_default());
        let game_id = or_default(game_id);
        self.games.set_decider(&game_id, side, decider).await?;
        let shown = self.games.show(&game_id).await?;
        Ok(Response::new(SetDeciderResponse { deciders: convert::game(shown).deciders }))
    }

    async fn undo_game(&self, request: Request<UndoGameRequest>) -> Result<Response<UndoGameResponse>, Status> {
        let idempotency = idempotency(&request)?;
        let UndoGameRequest { game_id, to_sequence, expected_sequence } = request.into_inner();
        let game_id = or_default(game_id);
        let undone = self.games.undo(&game_id, to_sequence, expected_sequence, idempotency).await?;
        let Undone { to, events, misfits } = undone;
        let game = convert::game(self.games.show(&game_id).await?);
        Ok(Response::new(UndoGameResponse { game: Some(game), to_sequence: to, events, misfits }))
    }

    async fn branch_game(&self, request: Request<BranchGameRequest>) -> Result<Response<BranchGameResponse>, Status> {
        let idempotency = idempotency(&request)?;
        let BranchGameRequest { game_id, at_sequence, new_game_id } = request.into_inner();
        let game = self.games.branch(&or_default(game_id), at_sequence, new_game_id, idempotency).await?;
        Ok(Response::new(BranchGameResponse { game: Some(convert::game(game)) }))
    }

    async fn archive_game(
        &self,
        request: Request<ArchiveGameRequest>,
    ) -> Result<Response<ArchiveGameResponse>, Status> {
        let ArchiveGameRequest { game_id } = request.into_inner();
        let game = self.games.put_away(&game_id).await?;
        Ok(Response::new(ArchiveGameResponse { game: Some(convert::game(game)) }))
    }

    async fn draw_game(&self, request: Request<DrawGameRequest>) -> Result<Response<DrawGameResponse>, Status> {
        let DrawGameRequest { game_id, format } = request.into_inner();
        let shown = self.games.show(&or_default(game_id)).await?;
        let state = shown.stored.game.state;
        let machine = shown.machine.ok_or_else(|| Error::Unusable(shown.stored.id.clone()))?;
        let drawing = match format.as_deref() {
            Some("svg") => draw::svg(&machine, Some(&state)),
            _ => draw::mermaid(&machine, Some(&state)),
        };
        Ok(Response::new(DrawGameResponse { drawing, state }))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<BoxStream<Reaction>>, Status> {
        let WatchRequest { game_id, after_sequence } = request.into_inner();
        let game_id = or_default(game_id);
        // What happens from now on waits in the attachment while the log is read.
        let updates = self.games.attach(&game_id, false, true, None).await?;
        let watch = Watch::new(self.games.clone(), game_id, after_sequence, updates);
        let shutdown = self.shutdown.clone();
        let reactions = stream::unfold(Some(watch), move |watch| {
            let shutdown = shutdown.clone();
            async move {
                let mut watch = watch?;
                let next = tokio::select! {
                    next = watch.next() => next,
                    () = shutdown.cancelled() => return None,
                };
                match next {
                    Some(Ok(reaction)) => Some((Ok(reaction), Some(watch))),
                    Some(Err(status)) => Some((Err(status), None)),
                    None => None,
                }
            }
        });
        Ok(Response::new(Box::pin(reactions)))
    }

    async fn attach(&self, request: Request<AttachRequest>) -> Result<Response<BoxStream<GameUpdate>>, Status> {
        let AttachRequest { game_id, create, observe, leaves } = request.into_inner();
        let updates = self.games.attach(&or_default(game_id), create, observe, leaves).await?;
        let shutdown = self.shutdown.clone();
        let updates = stream::unfold(Some(updates), move |updates| {
            let shutdown = shutdown.clone();
            async move {
                let mut updates = updates?;
                let next = tokio::select! {
                    next = updates.next() => next,
                    () = shutdown.cancelled() => return None,
                };
                match next {
                    Some(update) => Some((Ok(convert::update(update)), Some(updates))),
                    None if updates.has_lagged() => {
                        let status = status::error(ErrorCode::RateLimited, "too many updates were left unread");
                        Some((Err(status), None))
                    }
                    None => None,
                }
            }
        });
        Ok(Response::new(Box::pin(updates)))
    }
}

fn or_default(game_id: Option<String>) -> String {
    game_id.unwrap_or_else(|| DEFAULT_GAME.to_owned())
}

/// The caller's idempotency key, with the request it is for.
fn idempotency<T: std::fmt::Debug>(request: &Request<T>) -> Result<Option<Idempotency>, Status> {
    let Some(key) = request.metadata().get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_KEY => {
            Ok(Some(Idempotency { key: key.to_owned(), request: format!("{:?}", request.get_ref()) }))
        }
        _ => Err(status::error(
            ErrorCode::InvalidInput,
            format!("an idempotency key has 1 to {MAX_KEY} ASCII characters"),
        )),
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        let message = error.to_string();
        match error {
            Error::Database(error) => status::database(&error),
            Error::NoGame(_) | Error::NoAttachment(_) | Error::NoMachine(_) => {
                status::error(ErrorCode::NotFound, message)
            }
            Error::Taken(_) | Error::KeyUsed | Error::NotOpen(_) | Error::NoWayBack(_) | Error::MovedOn { .. } => {
                status::error(ErrorCode::Conflict, message)
            }
            Error::NoChoice(..) | Error::NoSide(..) => status::error(ErrorCode::InvalidInput, message),
            Error::Full(_) => status::error(ErrorCode::RateLimited, message),
            Error::Unusable(_) => Status::failed_precondition(message),
            Error::Elsewhere(_) => Status::aborted(message),
            Error::Held(_, address) => {
                let refusal = status::error(ErrorCode::ApiError, message);
                address.map_or(refusal.clone(), |address| forward::elsewhere(refusal, &address))
            }
            Error::Dice(status) => {
                tracing::error!(%status, "a roll could not be made");
                status::error(ErrorCode::ApiError, message)
            }
            Error::TooManyRolls => status::internal(&error),
        }
    }
}
