//! A session that is held in memory: its one writer, its subscribers, and the turns that wait for the game master.
//!
//! What is logged is in the log before anybody is told. The narration of a step is told as it comes, under a sequence
//! number of its own, and logged piece by piece, a moment later: a *passage*. A passage ends with its step, and also when
//! anything else is logged, so that for every reader (sequence number, offset) only rises. After a crash the number of a
//! passage of which the log has nothing yet is not given away again: `State::may_have_told` keeps its place.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use proto::{
    frame,
    orchestrator::v1::{
        SessionEvent,
        session_event::{Body, Narrative},
    },
};
use service_kit::{
    clock,
    db::{DbError, Statement},
    status::{self, ErrorCode},
};
use tokio::sync::{Mutex, MutexGuard, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    events,
    follow::Relay,
    llm::chain::Link,
    models::Choice,
    prompts::Prompt,
    seats::{Kind, Seat, Seats},
    state::State,
    store::{Position, SessionRow, Store},
};

/// How long told text may wait for the log.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_millis(250);
/// What those are told who listened to a session that another replica has taken.
pub(crate) const MOVED: &str = "the session has moved to another server; connect again";
/// Subscribers of one session.
const MAX_SUBSCRIBERS: usize = 1000;

/// A session in memory.
pub(crate) struct Session {
    pub id: String,
    store: Store,
    inner: Mutex<Inner>,
    /// Set once nothing more is written by this process.
    closed: CancellationToken,
    lost: Arc<AtomicBool>,
}

/// What only the holder of the lock sees.
pub(crate) struct Inner {
    pub state: State,
    /// Turns that were accepted and have not begun.
    pub queue: VecDeque<QueuedTurn>,
    /// Whether somebody plays the turns of the queue.
    pub is_busy: bool,
    /// Ends the turn that runs.
    pub running: Option<CancellationToken>,
    pub seats: Seats,
    /// The model that the table has chosen, and who is asked in which order if it has; none: the server's own.
    pub model: Choice,
    pub chain: Option<Arc<[Link]>>,
    /// Ends the watch over the board game that the table is linked to.
    pub watching: Option<CancellationToken>,
    /// Up to where the last snapshot reaches.
    pub snapshot_seq: u64,
    /// Calls that wait for the game master's seat to allow them.
    pub approvals: HashMap<String, oneshot::Sender<Decision>>,
    passage: Option<Passage>,
    subscribers: Vec<Subscriber>,
    /// Events that may wait for a subscriber; one that is further behind is let go.
    queue_length: usize,
    /// To those who follow it on other replicas.
    relay: Relay,
    /// Somebody else writes this session now, or it could not be written: what stands here is stale.
    lost: Arc<AtomicBool>,
    is_closed: bool,
}

/// A turn that waits for the game master.
#[derive(Debug, Clone)]
pub(crate) struct QueuedTurn {
    pub turn_id: String,
    /// The trace of the chat, as a UUID.
    pub trace_id: String,
    /// The chat's span, which the turn continues.
    pub traceparent: Option<String>,
    /// Ends it, when it runs.
    pub cancel: CancellationToken,
    /// The prompt with which its beginning was logged, if it was.
    pub begun: Option<Prompt>,
}

/// To which turn and trace an event belongs, and whose doing it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub turn_id: String,
    pub trace_id: String,
    pub connection_id: String,
    /// The call of the turn, where it is one's doing.
    pub call_id: String,
    /// Those who may see it; empty: everybody.
    pub visible_to: Vec<String>,
}

/// What the game master's seat says about a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    pub allow: bool,
    pub by: String,
    pub reason: String,
}

/// The text of a step that is being told.
struct Passage {
    seq: u64,
    origin: Origin,
    /// Characters that are in the log, and those that were told.
    logged: u64,
    told: u64,
    /// What follows them.
    unlogged: String,
}

struct Subscriber {
    /// Of pointers, for it takes the room of many events as soon as there is one.
    events: mpsc::Sender<Arc<SessionEvent>>,
    connection_id: String,
    /// Whether it has asked for the log, and so knows how to take text back.
    knows_log: bool,
    /// Why it was let go.
    reason: Arc<OnceLock<Status>>,
}

/// What a new subscriber has to read, and from where it is told live.
pub(crate) struct Registration {
    pub live: mpsc::Receiver<Arc<SessionEvent>>,
    pub reason: Arc<OnceLock<Status>>,
    pub epoch: u64,
    pub last_seq: u64,
    /// Up to here the log holds everything that was told before.
    pub until: Position,
    /// Told text that is not in the log yet; follows `until`.
    pub unlogged: Option<SessionEvent>,
    /// Whether the turn that runs was broken off by a restart.
    pub is_retold: bool,
}

impl Session {
    /// A session of whose events `queue_length` may wait for each reader.
    pub fn new(state: State, store: Store, queue_length: u32, relay: Relay) -> Session {
        let lost = Arc::new(AtomicBool::new(false));
        let inner = Inner {
            state,
            queue: VecDeque::new(),
            is_busy: false,
            running: None,
            seats: Seats::default(),
            model: Choice::default(),
            chain: None,
            watching: None,
            snapshot_seq: 0,
            approvals: HashMap::new(),
            passage: None,
            subscribers: Vec::new(),
            queue_length: usize::try_from(queue_length).unwrap_or(usize::MAX),
            relay,
            lost: lost.clone(),
            is_closed: false,
        };
        let id = inner.state.row.session_id.clone();
        Session { id, store, inner: Mutex::new(inner), closed: CancellationToken::new(), lost }
    }

    pub async fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().await
    }

    /// Whether somebody else has taken the session over, or it could not be written: it is to be read anew.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Logs events in one transaction, then tells them.
    ///
    /// # Errors
    ///
    /// Nothing was logged or told: the database fails, or somebody else writes this session now.
    pub async fn append(&self, origin: &Origin, bodies: Vec<Body>) -> Result<(), DbError> {
        let mut inner = self.lock().await;
        self.append_locked(&mut inner, origin, bodies, None).await
    }

    /// The same for one who holds the lock; `message` is the client's id of the player's message and its turn.
    pub async fn append_locked(
        &self,
        inner: &mut Inner,
        origin: &Origin,
        bodies: Vec<Body>,
        message: Option<(&str, &str)>,
    ) -> Result<(), DbError> {
        self.append_with(inner, origin, bodies, message, Vec::new()).await
    }

    /// The same, with what else is to be written if and only if the events are.
    pub async fn append_with(
        &self,
        inner: &mut Inner,
        origin: &Origin,
        bodies: Vec<Body>,
        message: Option<(&str, &str)>,
        also: Vec<Statement>,
    ) -> Result<(), DbError> {
        let all = bodies.into_iter().map(|body| (origin, body)).collect();
        self.append_each(inner, all, message, also).await
    }

    /// The same for events of several origins. Telemetry among them is told in its place, and not logged.
    pub async fn append_each(
        &self,
        inner: &mut Inner,
        bodies: Vec<(&Origin, Body)>,
        message: Option<(&str, &str)>,
        also: Vec<Statement>,
    ) -> Result<(), DbError> {
        let mut state = inner.state.clone();
        let at = clock::now();
        let mut told = Vec::with_capacity(bodies.len());
        for (origin, body) in bodies {
            let is_logged = !matches!(body, Body::Telemetry(_));
            let event = event(if is_logged { state.row.last_seq + 1 } else { 0 }, &at, origin, body);
            if is_logged {
                state.apply(&event);
            }
            told.push(event);
        }
        let rest = inner.passage.as_ref().and_then(|passage| passage.unlogged_event(&at));
        let logged = told.iter().filter(|event| 0 < event.seq).cloned();
        let logged: Vec<SessionEvent> = rest.into_iter().chain(logged).collect();
        self.write(&state.row, &logged, message, also).await.inspect_err(|error| inner.note(error))?;
        inner.state = state;
        inner.passage = None;
        told.into_iter().for_each(|event| inner.publish(event));
        Ok(())
    }

    /// Tells the next piece of a narration at once. Its text is logged by [`Session::log_narration`], or with whatever
    /// is logged next.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] if somebody else writes this session now.
    pub async fn narrate(&self, origin: &Origin, text: &str) -> Result<(), DbError> {
        let mut inner = self.lock().await;
        if self.is_lost() {
            return Err(DbError::Conflict);
        }
        let seq = inner.state.row.last_seq + 1;
        let passage = inner.passage.get_or_insert_with(|| Passage {
            seq,
            origin: origin.clone(),
            logged: 0,
            told: 0,
            unlogged: String::new(),
        });
        let offset = passage.told;
        passage.told += text.chars().count() as u64;
        passage.unlogged.push_str(text);
        let body = Body::Narrative(Narrative { content: text.to_owned(), offset });
        let piece = event(passage.seq, &clock::now(), origin, body);
        inner.state.apply(&piece);
        inner.publish(piece);
        Ok(())
    }

    /// Logs what was told since the last time.
    ///
    /// # Errors
    ///
    /// The database fails, or somebody else writes this session now.
    pub async fn log_narration(&self) -> Result<(), DbError> {
        let mut inner = self.lock().await;
        self.flush(&mut inner).await
    }

    async fn flush(&self, inner: &mut Inner) -> Result<(), DbError> {
        let at = clock::now();
        let Some(event) = inner.passage.as_ref().and_then(|passage| passage.unlogged_event(&at)) else { return Ok(()) };
        let written = self.write(&inner.state.row, &[event], None, Vec::new()).await;
        written.inspect_err(|error| inner.note(error))?;
        if let Some(passage) = &mut inner.passage {
            passage.logged = passage.told;
            passage.unlogged.clear();
        }
        Ok(())
    }

    /// Writes to the log, as long as this is its writer.
    async fn write(
        &self,
        row: &SessionRow,
        events: &[SessionEvent],
        message: Option<(&str, &str)>,
        also: Vec<Statement>,
    ) -> Result<(), DbError> {
        if self.is_lost() {
            return Err(DbError::Conflict);
        }
        self.store.append(row, events, message, also).await
    }

    /// Tells something that is not logged.
    pub async fn tell(&self, origin: &Origin, body: Body) {
        self.lock().await.tell(origin, body);
    }

    /// Takes in a subscriber. Everything before is in the log and in `unlogged`, everything after comes live.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED` if there are too many, `API_ERROR` if the server shuts down or the session was lost.
    pub async fn register(&self, connection_id: String, knows_log: bool) -> Result<Registration, Status> {
        let mut inner = self.lock().await;
        if self.is_lost() {
            // Between finding it and listening: nobody would ever tell him anything.
            return Err(status::error(ErrorCode::ApiError, MOVED));
        }
        if inner.is_closed {
            return Err(status::error(ErrorCode::ApiError, "the server is shutting down; connect again in a moment"));
        }
        inner.subscribers.retain(|subscriber| !subscriber.events.is_closed());
        if MAX_SUBSCRIBERS <= inner.subscribers.len() {
            let text = format!("at most {MAX_SUBSCRIBERS} connections may listen to one session");
            return Err(status::error(ErrorCode::RateLimited, text));
        }
        let (events, live) = mpsc::channel(inner.queue_length);
        let reason = Arc::new(OnceLock::new());
        inner.subscribers.push(Subscriber { events, connection_id, knows_log, reason: reason.clone() });
        let last_seq = inner.state.row.last_seq;
        let (until, unlogged) = match &inner.passage {
            Some(passage) => {
                let until = Position { seq: passage.seq, offset: passage.logged };
                (until, passage.unlogged_event(&clock::now()))
            }
            None => (Position::after(last_seq), None),
        };
        let is_retold = inner.state.is_retold();
        Ok(Registration { live, reason, epoch: inner.state.row.epoch, last_seq, until, unlogged, is_retold })
    }

    /// Seats a connection, and tells the table who has come or changed.
    ///
    /// # Errors
    ///
    /// The seat is somebody else's, or the database fails.
    pub async fn join(&self, connection_id: &str, mut seat: Seat, trace_id: String) -> Result<(), Status> {
        let mut inner = self.lock().await;
        if let Some(known) = inner.seats.other_of(connection_id, &seat.name) {
            // One name is one person, however he spells it and wherever he sits down a second time.
            seat.name.clone_from(&known.name);
            seat.character = seat.character.or_else(|| known.character.clone());
        }
        inner.seats.check(connection_id, &seat)?;
        let before = inner.seats.get(connection_id).cloned();
        if before.as_ref() == Some(&seat) {
            return Ok(());
        }
        let is_known = inner.seats.find_name(&seat.name).is_some();
        let was_there = before.is_some();
        let gone = inner.seats.leave(connection_id).filter(|gone| gone.name != seat.name);
        let reason = if is_known || was_there && gone.is_none() { "changed seat" } else { "joined" };
        let told = gone.iter().map(|gone| events::presence(gone, false, "left"));
        let told = told.chain([events::presence(&seat, true, reason)]).collect();
        inner.seats.take(connection_id, seat);
        let origin = Origin { trace_id, ..Origin::default() };
        let appended = self.append_locked(&mut inner, &origin, told, None).await;
        appended.map_err(|error| status::database(&error))
    }

    /// Gives up the seat of a connection that listens no more.
    pub async fn leave(&self, connection_id: &str) {
        let mut inner = self.lock().await;
        // A client that resumes has listened anew before it let go.
        let still_listens =
            |subscriber: &Subscriber| subscriber.connection_id == connection_id && !subscriber.events.is_closed();
        if self.is_lost() || inner.subscribers.iter().any(still_listens) {
            return;
        }
        let Some(gone) = inner.seats.leave(connection_id) else { return };
        let mut told = vec![events::presence(&gone, false, "left")];
        if gone.kind == Kind::GameMaster {
            // Nobody is left to allow anything, or to narrate.
            inner.approvals.clear();
            told.extend(inner.state.narrator().map(|name| events::taken_over(name, false)));
        }
        if let Err(error) = self.append_locked(&mut inner, &Origin::default(), told, None).await {
            tracing::warn!(%error, session_id = self.id, "that somebody left could not be logged");
        }
    }

    /// Lets all subscribers go, and takes no more. A turn that runs does it at its end.
    pub async fn close(&self) {
        let mut inner = self.lock().await;
        if !inner.is_busy {
            inner.close();
            self.closed.cancel();
        }
    }

    /// Waits until the last turn has ended after a shutdown.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

impl Inner {
    /// Whether somebody listens, or a turn is played.
    pub fn is_used(&self) -> bool {
        self.is_busy || self.subscribers.iter().any(|subscriber| !subscriber.events.is_closed())
    }

    /// The session is no more: nobody writes it again, and whoever listens is told so.
    pub fn delete(&mut self) {
        self.is_closed = true;
        self.let_go(&status::error(ErrorCode::NotFound, "the session was deleted"));
    }

    /// Lets all subscribers go; each is told first what was published before.
    pub fn close(&mut self) {
        self.is_closed = true;
        self.subscribers.clear();
    }

    /// The last sequence number of which everything has been told.
    pub fn last_whole_seq(&self) -> u64 {
        self.passage.as_ref().map_or(self.state.row.last_seq, |passage| passage.seq - 1)
    }

    /// Tells something that is not logged.
    pub fn tell(&mut self, origin: &Origin, body: Body) {
        self.publish(event(0, &clock::now(), origin, body));
    }

    /// Tells an event to every subscriber; the one whose message it is knows it.
    pub fn publish(&mut self, event: SessionEvent) {
        self.relay.tell(&event);
        let is_retraction = matches!(event.body, Some(Body::Retract(_)));
        if self.subscribers.is_empty() {
            return;
        }
        // One for all, however many they are.
        let event = Arc::new(SessionEvent { frame: frame::to_frame_text(&event), ..event });
        let told_again = is_retraction.then(|| {
            let body = Some(events::told_again());
            Arc::new(SessionEvent { seq: 0, body, frame: String::new(), ..event.as_ref().clone() })
        });
        self.subscribers.retain(|subscriber| {
            let event = told_again.as_ref().filter(|_| !subscriber.knows_log).unwrap_or(&event);
            let is_authors = !event.origin.is_empty() && event.origin == subscriber.connection_id;
            if is_authors || !self.seats.may_see(&subscriber.connection_id, &event.visible_to) {
                return true;
            }
            match subscriber.events.try_send(event.clone()) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Closed(_)) => false,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    let text =
                        format!("{} events were waiting to be read; resume after the last one", self.queue_length);
                    // It is set once: a subscriber that is let go is gone.
                    let _ = subscriber.reason.set(status::error(ErrorCode::RateLimited, text));
                    false
                }
            }
        });
    }

    fn note(&mut self, error: &DbError) {
        if matches!(error, DbError::Conflict | DbError::Unique) {
            self.lose(MOVED);
        }
    }

    /// What stands here is no longer what the log says: whoever asks for the session next has it read anew, and those who
    /// listen are told to.
    pub fn lose(&mut self, text: &str) {
        self.let_go(&status::error(ErrorCode::ApiError, text));
    }

    fn let_go(&mut self, reason: &Status) {
        self.lost.store(true, Ordering::Release);
        if let Some(watching) = self.watching.take() {
            watching.cancel();
        }
        for subscriber in self.subscribers.drain(..) {
            // It is set once: a subscriber that is let go is gone.
            let _ = subscriber.reason.set(reason.clone());
        }
    }
}

impl Passage {
    fn unlogged_event(&self, at: &str) -> Option<SessionEvent> {
        if self.unlogged.is_empty() {
            return None;
        }
        let narrative = Narrative { content: self.unlogged.clone(), offset: self.logged };
        Some(event(self.seq, at, &self.origin, Body::Narrative(narrative)))
    }
}

fn event(seq: u64, at: &str, origin: &Origin, body: Body) -> SessionEvent {
    SessionEvent {
        seq,
        at: at.to_owned(),
        turn_id: origin.turn_id.clone(),
        trace_id: origin.trace_id.clone(),
        origin: origin.connection_id.clone(),
        visible_to: origin.visible_to.clone(),
        frame: String::new(),
        body: Some(body),
    }
}

#[cfg(test)]
mod tests {
    use service_kit::{testing::TestDatabase, wake::Wakes};

    use super::*;

    #[tokio::test]
    async fn who_comes_to_a_session_that_was_lost_meanwhile_is_sent_away_at_once() {
        let database = TestDatabase::sqlite();
        let store = Store::open(&database.config).await.unwrap();
        store.create("evening", 0).await.unwrap();
        let row = store.find("evening").await.unwrap().unwrap();
        let row = store.take_over(row, "holder").await.unwrap();
        let session = Session::new(State::new(row), store, 10, Relay::new(Wakes::default(), "evening"));
        let mut before = session.register("before".into(), false).await.unwrap();

        session.lock().await.lose("the game could not be written down");

        assert!(before.live.recv().await.is_none() && before.reason.get().is_some());
        let after = session.register("after".into(), false).await.err().unwrap();
        assert_eq!((after.code(), after.message()), (tonic::Code::Unavailable, MOVED));
        // The epoch is still its own, so that the log would take it.
        let written = session.append(&Origin::default(), vec![events::system("late")]).await;
        assert!(matches!(written, Err(DbError::Conflict)), "{written:?}");
    }
}
