//! The sessions in memory: each is read from its log when it is first asked for, and forgotten when nobody needs it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use proto::orchestrator::v1::session_event::Body;
use service_kit::{clock, db::DbError};
use tokio::sync::OnceCell;

use crate::{
    engine::Engine,
    events,
    seats::{Kind, Seat},
    session::{Origin, Session},
    state::State,
    store::{Position, Store},
    turn,
};

/// Sessions kept in memory while nobody is connected and no turn runs; beyond, idle ones are forgotten.
const KEPT: usize = 500;
/// Events read at once.
const PAGE: u64 = 500;

type Slot = Arc<OnceCell<Arc<Session>>>;

/// The sessions in memory.
pub(crate) struct Sessions {
    store: Store,
    engine: Arc<Engine>,
    slots: Mutex<HashMap<String, Slot>>,
}

impl Sessions {
    pub fn new(store: Store, engine: Arc<Engine>) -> Sessions {
        Sessions { store, engine, slots: Mutex::default() }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The session of that id, made if it is not there.
    pub async fn get_or_create(&self, session_id: &str) -> Result<Arc<Session>, DbError> {
        match self.find(session_id).await? {
            Some(session) => Ok(session),
            None => {
                self.store.create(session_id, clock::now_ms()).await?;
                self.find(session_id).await?.ok_or(DbError::Conflict)
            }
        }
    }

    /// The session of that id, if there is one.
    pub async fn find(&self, session_id: &str) -> Result<Option<Arc<Session>>, DbError> {
        let slot = self.slot(session_id);
        let loaded = slot.get_or_try_init(|| async {
            match load(&self.store, session_id).await {
                Ok(Some(session)) => {
                    let session = Arc::new(session);
                    turn::play_waiting(&session, &self.engine).await;
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

    /// Takes up the turns that the last process left without an end, session by session.
    pub async fn take_up(&self) {
        let unfinished = match self.store.unfinished().await {
            Ok(unfinished) => unfinished,
            Err(error) => return tracing::error!(%error, "the turns that a restart broke off cannot be found"),
        };
        for session_id in unfinished {
            tracing::info!(session_id, "a turn that a restart broke off is taken up");
            if let Err(error) = self.find(&session_id).await {
                tracing::error!(%error, session_id, "its turns are taken up when somebody asks for it");
            }
        }
    }

    /// Every session in memory.
    pub fn in_memory(&self) -> Vec<Arc<Session>> {
        self.lock().values().filter_map(|slot| slot.get().cloned()).collect()
    }

    fn slot(&self, session_id: &str) -> Slot {
        let mut slots = self.lock();
        if let Some(slot) = slots.get(session_id) {
            if !slot.get().is_some_and(|session| session.is_lost()) {
                return slot.clone();
            }
            slots.remove(session_id);
        }
        if KEPT <= slots.len() {
            // Who holds no reference cannot write, and gets one only under this lock.
            let is_used = |slot: &Slot| {
                1 < Arc::strong_count(slot) || slot.get().is_none_or(|session| 1 < Arc::strong_count(session))
            };
            slots.retain(|_, slot| is_used(slot));
        }
        slots.entry(session_id.to_owned()).or_default().clone()
    }

    /// A slot that stayed empty is not kept: anybody may ask for names that do not exist.
    fn forget_empty(&self, session_id: &str, slot: &Slot) {
        let mut slots = self.lock();
        // The map and this caller; another caller may still be filling it.
        let is_ours_alone = Arc::strong_count(slot) == 2 && slot.get().is_none();
        if is_ours_alone && slots.get(session_id).is_some_and(|kept| Arc::ptr_eq(kept, slot)) {
            slots.remove(session_id);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Slot>> {
        // Nothing in here can panic half-way.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a session over: folds its log. Nobody sits there until he joins again; the turns that a crash left without an end wait to be played.
async fn load(store: &Store, session_id: &str) -> Result<Option<Session>, DbError> {
    let Some(row) = store.take_over(session_id).await? else { return Ok(None) };
    let mut state = State::new(row);
    let mut from = Some(Position::after(0));
    while let Some(position) = from {
        let page = store.events(session_id, position, Position::END, PAGE).await?;
        page.events.iter().for_each(|event| state.apply(event));
        from = page.next;
    }
    let mut gone: Vec<Body> = Vec::new();
    for (name, kind) in state.present() {
        let seat = Seat { name: name.clone(), kind: Kind::from_text(Some(kind)), character: None };
        gone.push(events::presence(&seat, false, "server restarted"));
    }
    gone.extend(state.narrator().map(|name| events::taken_over(name, false)));
    let session = Session::new(state, store.clone());
    if !gone.is_empty() {
        session.append(&Origin::default(), gone).await?;
    }
    Ok(Some(session))
}
