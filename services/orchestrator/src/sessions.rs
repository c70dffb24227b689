//! The sessions in memory: each is read from its log when it is first asked for, and forgotten when nobody needs it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use proto::orchestrator::v1::session_event::{Body, Narrative};
use service_kit::{
    clock,
    db::DbError,
    forward,
    replicas::{Holder, Replicas},
    status::{self, ErrorCode},
};
use tokio::sync::OnceCell;
use tonic::Status;

use crate::{
    engine::Engine,
    events,
    follow::Relay,
    game,
    metrics::SESSIONS_IN_MEMORY,
    models::Choice,
    seats::{Kind, Seat},
    session::{MOVED, Origin, Session},
    snapshot,
    store::{Position, SessionRow, Store},
    turn,
};

/// Sessions kept in memory while nobody is connected and no turn runs; beyond, idle ones are forgotten at once.
const KEPT: usize = 500;
/// Events read at once.
const PAGE: u64 = 500;

type Slot = Arc<OnceCell<Arc<Session>>>;

/// A session's place in memory, and when it was last asked for.
struct Kept {
    slot: Slot,
    asked: Instant,
}

/// The sessions in memory.
pub(crate) struct Sessions {
    store: Store,
    engine: Arc<Engine>,
    replicas: Arc<Replicas>,
    slots: Mutex<HashMap<String, Kept>>,
}

/// Why a session cannot be had.
#[derive(Debug)]
pub(crate) enum Unavailable {
    Store(DbError),
    /// Another replica writes it, at this address if it has told one.
    Elsewhere(Option<String>),
}

impl From<DbError> for Unavailable {
    fn from(error: DbError) -> Unavailable {
        Unavailable::Store(error)
    }
}

impl From<Unavailable> for Status {
    fn from(unavailable: Unavailable) -> Status {
        let refusal = || {
            let text = "another server holds this session; ask there, or again in a moment";
            status::error(ErrorCode::ApiError, text)
        };
        match unavailable {
            Unavailable::Store(error) => status::database(&error),
            Unavailable::Elsewhere(None) => refusal(),
            Unavailable::Elsewhere(Some(address)) => forward::elsewhere(refusal(), &address),
        }
    }
}

impl Sessions {
    pub fn new(store: Store, engine: Arc<Engine>, replicas: Arc<Replicas>) -> Sessions {
        Sessions { store, engine, replicas, slots: Mutex::default() }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn replicas(&self) -> &Arc<Replicas> {
        &self.replicas
    }

    /// The session of that id, made if it is not there.
    pub async fn get_or_create(&self, session_id: &str) -> Result<Arc<Session>, Unavailable> {
        match self.find(session_id).await? {
            Some(session) => Ok(session),
            None => {
                self.store.create(session_id, clock::now_ms()).await?;
                Ok(self.find(session_id).await?.ok_or(DbError::Conflict)?)
            }
        }
    }

    /// The session of that id, if there is one.
    pub async fn find(&self, session_id: &str) -> Result<Option<Arc<Session>>, Unavailable> {
        let slot = self.slot(session_id);
        let loaded = slot.get_or_try_init(|| async {
            match load(&self.store, &self.replicas, session_id, self.engine.limits.reader_queue).await {
                Ok(Some(session)) => {
                    let session = Arc::new(session);
                    self.seat_model(&session).await.map_err(|error| Some(error.into()))?;
                    turn::play_waiting(&session, &self.engine).await;
                    game::watch(&self.engine, &session, &mut *session.lock().await);
                    Ok(session)
                }
                Ok(None) => Err(None),
                Err(error) => Err(Some(error)),
            }
        });
        match loaded.await {
            Ok(session) => Ok(Some(session.clone())),
            Err(error) => {
                self.forget_empty(session_id, &slot);
                error.map_or(Ok(None), Err)
            }
        }
    }

    /// Takes up the turns that a process which is gone left without an end, session by session.
    pub async fn take_up(&self) {
        let unfinished = match self.store.unfinished().await {
            Ok(unfinished) => unfinished,
            Err(error) => return tracing::error!(%error, "the turns that a crash broke off cannot be found"),
        };
        for (session_id, holder) in unfinished {
            let is_here =
                self.lock().get(&session_id).is_some_and(|kept| kept.slot.get().is_some_and(|held| !held.is_lost()));
            if is_here || self.replicas.holder(&holder) != Holder::Free {
                continue;
            }
            tracing::info!(session_id, "a turn that a crash broke off is taken up");
            if let Err(error) = self.find(&session_id).await {
                tracing::error!(?error, session_id, "its turns are taken up when somebody asks for it");
            }
        }
    }

    /// Lets go the sessions in memory that another replica has taken, which has held this one for dead: whoever listens here
    /// would hear nothing more.
    pub async fn let_go(&self) {
        let in_memory = self.in_memory();
        if in_memory.is_empty() {
            return;
        }
        // Whatever is in memory was taken before this is read.
        let held = match self.store.held_by(&self.replicas.id()).await {
            Ok(held) => held,
            Err(error) => return tracing::warn!(%error, "who holds which session could not be looked at"),
        };
        for session in in_memory.iter().filter(|session| !held.contains(&session.id)) {
            session.lock().await.lose(MOVED);
        }
    }

    /// Deletes the sessions in which nothing was said for so many days. One in which somebody sits is kept. Answers
    /// whether each could be looked at.
    pub async fn expire(&self, days: u32) -> bool {
        let before = clock::now_ms() - i64::from(days) * 24 * 3600 * 1000;
        let stale = match self.store.untouched_since(before).await {
            Ok(stale) => stale,
            Err(error) => {
                tracing::warn!(%error, "sessions that are kept no longer cannot be found");
                return false;
            }
        };
        let mut is_complete = true;
        for session_id in stale {
            let session = match self.find(&session_id).await {
                Ok(Some(session)) => session,
                Ok(None) => continue,
                Err(_) => {
                    is_complete = false;
                    continue;
                }
            };
            let mut inner = session.lock().await;
            if inner.is_used() {
                continue;
            }
            match self.store.delete(&session_id).await {
                Ok(()) => {
                    inner.delete();
                    tracing::info!(session_id, days, "a session is kept no longer");
                }
                Err(error) => tracing::warn!(%error, session_id, "a session could not be deleted"),
            }
        }
        is_complete
    }

    /// Gives a session the model that its table has chosen.
    async fn seat_model(&self, session: &Session) -> Result<(), DbError> {
        let choice = self.store.model(&session.id).await?;
        if matches!(choice, Choice::Server) {
            return Ok(());
        }
        let mut inner = session.lock().await;
        match self.engine.models.chain(&choice) {
            Ok(chain) => {
                inner.chain = Some(chain);
                inner.model = choice;
            }
            Err(status) => {
                let (session_id, reason) = (&session.id, status.message());
                tracing::warn!(session_id, reason, "a table's model cannot be had; it has the server's");
            }
        }
        Ok(())
    }

    /// Every session in memory.
    pub fn in_memory(&self) -> Vec<Arc<Session>> {
        self.lock().values().filter_map(|kept| kept.slot.get().cloned()).collect()
    }

    /// Forgets the sessions that nobody needs and nobody has asked for that long.
    pub fn forget_idle(&self, idle: Duration) {
        self.forget(&mut self.lock(), idle);
    }

    fn forget(&self, slots: &mut HashMap<String, Kept>, idle: Duration) {
        // Who holds no reference cannot write, and gets one only under this lock.
        let is_used =
            |slot: &Slot| 1 < Arc::strong_count(slot) || slot.get().is_none_or(|held| 1 < Arc::strong_count(held));
        slots.retain(|_, kept| kept.asked.elapsed() < idle || is_used(&kept.slot));
        SESSIONS_IN_MEMORY.set(i64::try_from(slots.len()).unwrap_or(i64::MAX));
    }

    fn slot(&self, session_id: &str) -> Slot {
        let mut slots = self.lock();
        let asked = Instant::now();
        if let Some(kept) = slots.get_mut(session_id) {
            if !kept.slot.get().is_some_and(|session| session.is_lost()) {
                kept.asked = asked;
                return kept.slot.clone();
            }
            slots.remove(session_id);
        }
        if KEPT <= slots.len() {
            self.forget(&mut slots, Duration::ZERO);
        }
        let slot = Slot::default();
        slots.insert(session_id.to_owned(), Kept { slot: slot.clone(), asked });
        SESSIONS_IN_MEMORY.set(i64::try_from(slots.len()).unwrap_or(i64::MAX));
        slot
    }

    /// A slot that stayed empty is not kept: anybody may ask for names that do not exist.
    fn forget_empty(&self, session_id: &str, slot: &Slot) {
        let mut slots = self.lock();
        // The map and this caller; another caller may still be filling it.
        let is_ours_alone = Arc::strong_count(slot) == 2 && slot.get().is_none();
        if is_ours_alone && slots.get(session_id).is_some_and(|kept| Arc::ptr_eq(&kept.slot, slot)) {
            slots.remove(session_id);
            SESSIONS_IN_MEMORY.dec();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        // Nothing in here can panic half-way.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes this replica the writer of a session, if nobody who lives is it.
async fn take_over(store: &Store, replicas: &Replicas, session_id: &str) -> Result<Option<SessionRow>, Unavailable> {
    loop {
        let Some(row) = store.find(session_id).await? else { return Ok(None) };
        if let Holder::Lives(address) = replicas.settled(&row.holder).await? {
            return Err(Unavailable::Elsewhere(address));
        }
        match store.take_over(row, &replicas.id()).await {
            Ok(row) => return Ok(Some(row)),
            // Somebody else took it in between.
            Err(DbError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes a session over: folds its log. Nobody sits there until he joins again; the turns that a crash left without an end wait to be played.
async fn load(
    store: &Store,
    replicas: &Replicas,
    session_id: &str,
    reader_queue: u32,
) -> Result<Option<Session>, Unavailable> {
    let Some(row) = take_over(store, replicas, session_id).await? else { return Ok(None) };
    let (mut state, snapshot_seq) = snapshot::load(store, row).await?;
    let mut from = Some(Position::after(snapshot_seq));
    while let Some(position) = from {
        let page = store.events(session_id, position, Position::END, PAGE).await?;
        page.events.iter().for_each(|event| state.apply(event));
        from = page.next;
    }
    let nobody = Origin::default();
    let mut broken_off = Vec::new();
    let teller = state.may_have_told().map(|(turn_id, trace_id)| Origin {
        turn_id: turn_id.to_owned(),
        trace_id: trace_id.to_owned(),
        ..Origin::default()
    });
    broken_off.extend(teller.as_ref().map(|teller| (teller, Body::Narrative(Narrative::default()))));
    for (name, kind) in state.present() {
        let seat = Seat { name: name.clone(), kind: Kind::from_text(Some(kind)), character: None };
        broken_off.push((&nobody, events::presence(&seat, false, "server restarted")));
    }
    broken_off.extend(state.narrator().map(|name| (&nobody, events::taken_over(name, false))));
    let relay = Relay::new(replicas.wakes().clone(), session_id);
    let session = Session::new(state, store.clone(), reader_queue, relay);
    let mut inner = session.lock().await;
    inner.snapshot_seq = snapshot_seq;
    if !broken_off.is_empty() {
        session.append_each(&mut inner, broken_off, None, Vec::new()).await?;
    }
    drop(inner);
    Ok(Some(session))
}
