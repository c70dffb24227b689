//! The sessions in memory: each is read from its log when it is first asked for, and forgotten when nobody needs it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use proto::orchestrator::v1::session_event::Body;
use service_kit::{clock, db::DbError};
use tokio::sync::OnceCell;

use crate::{
    events,
    session::{Origin, Session},
    state::State,
    store::{Position, Store},
};

/// Sessions kept in memory while nobody is connected and no turn runs; beyond, idle ones are forgotten.
const KEPT: usize = 500;
/// Events read at once.
const PAGE: u64 = 500;

type Slot = Arc<OnceCell<Arc<Session>>>;

/// The sessions in memory.
pub(crate) struct Sessions {
    store: Store,
    slots: Mutex<HashMap<String, Slot>>,
}

impl Sessions {
    pub fn new(store: Store) -> Sessions {
        Sessions { store, slots: Mutex::default() }
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
                Ok(Some(session)) => Ok(Arc::new(session)),
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

/// Takes a session over: folds its log, and ends the turns that a crash left without an end.
async fn load(store: &Store, session_id: &str) -> Result<Option<Session>, DbError> {
    let Some(row) = store.take_over(session_id).await? else { return Ok(None) };
    let mut state = State::new(row);
    let mut from = Some(Position::after(0));
    while let Some(position) = from {
        let page = store.events(session_id, position, Position::END, PAGE).await?;
        page.events.iter().for_each(|event| state.apply(event));
        from = page.next;
    }
    let interrupted = state.open_turns();
    let session = Session::new(state, store.clone());
    for (turn_id, trace_id) in interrupted {
        let origin = Origin { turn_id, trace_id, ..Origin::default() };
        session.append(&origin, interrupted_turn()).await?;
    }
    Ok(Some(session))
}

fn interrupted_turn() -> Vec<Body> {
    vec![events::interrupted(), events::complete("Response complete")]
}
