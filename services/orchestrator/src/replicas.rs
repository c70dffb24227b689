//! Who else writes sessions: each replica counts its beats in the database, and is gone when its count stands still.
//!
//! Nobody trusts another's clock: an observer measures on his own how long a count has stood still. A replica that was
//! taken for gone by mistake does no harm, since every write carries the session's epoch.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use service_kit::db::{Db, DbError, Statement};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const INSERT: &str = "INSERT INTO replicas (replica_id, address, beat) VALUES ($1, $2, 0)";
const BEAT: &str = "UPDATE replicas SET beat = beat + 1 WHERE replica_id = $1";
const SELECT: &str = "SELECT replica_id, address, beat FROM replicas";
const DELETE: &str = "DELETE FROM replicas WHERE replica_id = $1";
const DELETE_ALL: &str = "DELETE FROM replicas";
/// Beats in the time of a lease.
const BEATS: u32 = 4;
/// After so many leases without a beat the row of a replica is removed.
const FORGET: u32 = 50;

/// This replica, and what it has seen of the others.
pub(crate) struct Replicas {
    /// This replica's id, new with each start.
    id: Mutex<String>,
    address: String,
    db: Db,
    lease: Duration,
    seen: Mutex<HashMap<String, Seen>>,
}

struct Seen {
    beat: i64,
    /// When the beat was first seen.
    since: Instant,
    /// Whether it was seen to rise.
    has_moved: bool,
    address: String,
}

/// What is known of the holder of a session.
#[derive(Debug, PartialEq)]
pub(crate) enum Holder {
    /// This replica, or one that is gone: it may be taken.
    Free,
    /// One that lives, with its address if it has told one.
    Lives(Option<String>),
    /// One that has not been watched long enough.
    Unknown,
}

impl Replicas {
    /// Enters this replica, which others may reach at `address`. `is_alone`: nobody else can use this database, so
    /// whoever stands in it is gone.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn start(
        db: Db,
        is_alone: bool,
        address: Option<String>,
        lease: Duration,
    ) -> Result<Arc<Replicas>, DbError> {
        let id = uuid::Uuid::now_v7().to_string();
        let address = address.unwrap_or_default();
        let replicas = Replicas { id: Mutex::new(id), address, db, lease, seen: Mutex::default() };
        if is_alone {
            replicas.db.write(vec![Statement::new(DELETE_ALL, Vec::new())]).await?;
        }
        replicas.insert().await?;
        replicas.look().await?;
        Ok(Arc::new(replicas))
    }

    /// Beats for as long as anybody else holds the replica, or until `stopped`; then it gives its sessions free.
    pub async fn live(self: Arc<Replicas>, stopped: CancellationToken) {
        let pause = self.pause();
        let replicas = Arc::downgrade(&self);
        drop(self);
        loop {
            tokio::select! {
                () = stopped.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            let Some(replicas) = replicas.upgrade() else { return };
            if let Err(error) = replicas.beat().await {
                tracing::warn!(%error, "this replica cannot say that it lives");
            }
        }
        if let Some(replicas) = replicas.upgrade() {
            let gone = Statement::new(DELETE, vec![replicas.id().into()]);
            if let Err(error) = replicas.db.write(vec![gone]).await {
                tracing::warn!(%error, "this replica cannot say that it ends; others wait for its lease to lapse");
            }
        }
    }

    /// This replica's id.
    pub fn id(&self) -> String {
        self.id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time between two beats.
    pub fn pause(&self) -> Duration {
        self.lease / BEATS
    }

    /// What is known of the replica of that id.
    pub fn holder(&self, id: &str) -> Holder {
        if id.is_empty() || id == self.id() {
            return Holder::Free;
        }
        match self.seen().get(id) {
            None => Holder::Free,
            Some(seen) if self.lease <= seen.since.elapsed() => Holder::Free,
            Some(seen) if !seen.has_moved => Holder::Unknown,
            Some(seen) => Holder::Lives(Some(seen.address.clone()).filter(|address| !address.is_empty())),
        }
    }

    /// Looks at the others now: one may have come since the last beat.
    pub async fn look(&self) -> Result<(), DbError> {
        let rows = self.db.fetch(SELECT, Vec::new()).await?;
        let mut dead = Vec::new();
        {
            let mut seen = self.seen();
            let now = Instant::now();
            let mut before = std::mem::take(&mut *seen);
            for row in &rows {
                let (id, beat) = (row.text(0), row.integer(2));
                let next = match before.remove(&id) {
                    Some(known) if known.beat == beat => known,
                    known => Seen { beat, since: now, has_moved: known.is_some(), address: row.text(1) },
                };
                if self.lease * FORGET <= next.since.elapsed() {
                    dead.push(Statement::new(DELETE, vec![id.as_str().into()]));
                }
                seen.insert(id, next);
            }
        }
        if dead.is_empty() { Ok(()) } else { self.db.write(dead).await }
    }

    async fn beat(&self) -> Result<(), DbError> {
        match self.db.write(vec![Statement::new(BEAT, vec![self.id().into()]).affecting(1)]).await {
            Ok(()) => {}
            // Somebody took it for dead, and removed the row: what it held before may be somebody else's.
            Err(DbError::Conflict) => {
                *self.id.lock().unwrap_or_else(PoisonError::into_inner) = uuid::Uuid::now_v7().to_string();
                self.insert().await?;
            }
            Err(error) => return Err(error),
        }
        self.look().await
    }

    async fn insert(&self) -> Result<(), DbError> {
        let args = vec![self.id().into(), self.address.as_str().into()];
        self.db.write(vec![Statement::new(INSERT, args)]).await
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
