//! Who else writes in a service's database: each replica counts its beats there, and is gone when its count stands still.
//!
//! A thing that has one writer, such as a session or a game, names its holder; whoever wants it asks here whether that
//! holder lives. Nobody trusts another's clock: an observer measures on his own how long a count has stood still. A replica
//! that was taken for gone by mistake does no harm, since every write is fenced: by an epoch, or by the number it takes in
//! a log. The database has a table `replicas`; a replica that comes or goes wakes the others, who look at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use crate::{
    db::{Db, DbError, Statement},
    wake::Wakes,
};

const INSERT: &str = "INSERT INTO replicas (replica_id, address, beat) VALUES ($1, $2, 0)";
const BEAT: &str = "UPDATE replicas SET beat = beat + 1 WHERE replica_id = $1";
const SELECT: &str = "SELECT replica_id, address, beat FROM replicas";
const DELETE: &str = "DELETE FROM replicas WHERE replica_id = $1";
const DELETE_ALL: &str = "DELETE FROM replicas";
const DELETE_AT: &str = "DELETE FROM replicas WHERE address = $1";
/// Beats in the time of a lease.
const BEATS: u32 = 4;
/// After so many leases without a beat the row of a replica is removed.
const FORGET: u32 = 50;

/// A replica that is at work on a database, by its address, or its id if it has told none. One that has ended well stands
/// there no more; whoever does is watched for the time of a lease.
///
/// # Errors
///
/// The database fails.
pub async fn alive(db: &Db, lease: Duration) -> Result<Option<String>, DbError> {
    let beats = async || {
        let rows = db.fetch(SELECT, Vec::new()).await?;
        Ok::<HashMap<_, _>, DbError>(rows.iter().map(|row| (row.text(0), (row.text(1), row.integer(2)))).collect())
    };
    let first = beats().await?;
    if first.is_empty() {
        return Ok(None);
    }
    let end = Instant::now() + lease;
    loop {
        tokio::time::sleep(lease / BEATS).await;
        let moved = beats().await?.into_iter().find(|(id, now)| first.get(id) != Some(now));
        if let Some((id, (address, _))) = moved {
            return Ok(Some(if address.is_empty() { id } else { address }));
        }
        if end <= Instant::now() {
            return Ok(None);
        }
    }
}

/// This replica, and what it has seen of the others.
pub struct Replicas {
    /// This replica's id, new with each start.
    id: Mutex<String>,
    address: String,
    db: Db,
    lease: Duration,
    wakes: Wakes,
    /// What the wakes of this service's replicas are about.
    subject: String,
    seen: Mutex<HashMap<String, Seen>>,
    /// How many were seen to go.
    gone: watch::Sender<u64>,
}

/// How a replica takes part.
pub struct Settings {
    /// The service.
    pub service: &'static str,
    /// Whether nobody else can use its database, so that whoever stands in it is gone.
    pub is_alone: bool,
    /// Where others reach this replica.
    pub address: Option<String>,
    /// Time without a beat after which a replica is gone.
    pub lease: Duration,
    /// The way to the others.
    pub wakes: Wakes,
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
#[derive(Debug, PartialEq, Eq)]
pub enum Holder {
    /// This replica, or one that is gone: it may be taken.
    Free,
    /// One that lives, with its address if it has told one.
    Lives(Option<String>),
    /// One that has not been watched long enough.
    Unknown,
}

impl Replicas {
    /// Enters this replica. Whoever was at its address before is gone, so that nobody waits for his lease to lapse.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn start(db: Db, settings: Settings) -> Result<Arc<Replicas>, DbError> {
        let Settings { service, is_alone, address, lease, wakes } = settings;
        let replicas = Replicas {
            id: Mutex::new(uuid::Uuid::now_v7().to_string()),
            address: address.unwrap_or_default(),
            db,
            lease,
            wakes,
            subject: format!("{service}.replicas"),
            seen: Mutex::default(),
            gone: watch::channel(0).0,
        };
        if is_alone {
            replicas.db.write(vec![Statement::new(DELETE_ALL, Vec::new())]).await?;
        } else if !replicas.address.is_empty() {
            let before = Statement::new(DELETE_AT, vec![replicas.address.as_str().into()]);
            replicas.db.write(vec![before]).await?;
        }
        replicas.insert().await?;
        replicas.look().await?;
        Ok(Arc::new(replicas))
    }

    /// Beats for as long as anybody else holds the replica, or until `stopped`; then it gives its sessions free.
    pub async fn live(self: Arc<Replicas>, stopped: CancellationToken) {
        let pause = self.pause();
        let mut others = self.wakes.listen(&self.subject).await;
        // Of what came to pass before somebody listened, nobody will tell him.
        if let Err(error) = self.look().await {
            tracing::warn!(%error, "the other replicas cannot be seen");
        }
        let replicas = Arc::downgrade(&self);
        drop(self);
        let mut beats = tokio::time::interval(pause);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beats.tick().await;
        loop {
            let is_beat = tokio::select! {
                () = stopped.cancelled() => break,
                _ = beats.tick() => true,
                _ = others.next() => false,
            };
            let Some(replicas) = replicas.upgrade() else { return };
            let done = if is_beat { replicas.beat().await } else { replicas.look().await };
            if let Err(error) = done {
                tracing::warn!(%error, "this replica cannot say that it lives");
            }
        }
        if let Some(replicas) = replicas.upgrade() {
            let gone = Statement::new(DELETE, vec![replicas.id().into()]);
            if let Err(error) = replicas.db.write(vec![gone]).await {
                tracing::warn!(%error, "this replica cannot say that it ends; others wait for its lease to lapse");
            }
            replicas.wakes.wake(&replicas.subject, Bytes::new());
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

    /// The same of the replica that something names as its holder; whom nobody has watched long enough is watched for so
    /// long, so that the answer is never [`Holder::Unknown`].
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn settled(&self, id: &str) -> Result<Holder, DbError> {
        let mut has_looked = false;
        let mut gone = self.gone();
        loop {
            match self.holder(id) {
                Holder::Lives(address) => return Ok(Holder::Lives(address)),
                Holder::Free if has_looked || id.is_empty() || id == self.id() => return Ok(Holder::Free),
                // It may have come since the last look.
                Holder::Free => {}
                Holder::Unknown => {
                    tokio::select! {
                        () = tokio::time::sleep(self.pause()) => {}
                        Ok(()) = gone.changed() => {}
                    }
                }
            }
            self.look().await?;
            has_looked = true;
        }
    }

    /// Changes whenever a replica was seen to go.
    pub fn gone(&self) -> watch::Receiver<u64> {
        self.gone.subscribe()
    }

    /// The way to the others.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// Looks at the others now: one may have come since the last beat.
    ///
    /// # Errors
    ///
    /// The database fails.
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
            if !before.is_empty() {
                self.gone.send_modify(|gone| *gone += 1);
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
        self.db.write(vec![Statement::new(INSERT, args)]).await?;
        self.wakes.wake(&self.subject, Bytes::new());
        Ok(())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDatabase;

    const MIGRATIONS: &[&str] =
        &["CREATE TABLE replicas (replica_id TEXT NOT NULL PRIMARY KEY, address TEXT NOT NULL, beat BIGINT NOT NULL);"];

    async fn start(db: &Db, address: &str) -> Arc<Replicas> {
        let settings = Settings {
            service: "test",
            is_alone: false,
            address: Some(address.to_owned()),
            // Longer than the test may take: nobody is gone because time has passed.
            lease: Duration::from_secs(600),
            wakes: Wakes::default(),
        };
        Replicas::start(db.clone(), settings).await.unwrap()
    }

    #[tokio::test]
    async fn who_beats_is_alive_and_who_was_killed_is_not() {
        for database in TestDatabase::each().await {
            let db = Db::open(&database.config, "kit_test", MIGRATIONS).await.unwrap();
            let lease = Duration::from_millis(200);
            assert_eq!(alive(&db, lease).await.unwrap(), None);

            let replica = start(&db, "http://there:1").await;
            assert_eq!(alive(&db, lease).await.unwrap(), None, "it has not beaten");
            let beating = async {
                loop {
                    replica.beat().await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            let found = tokio::select! {
                found = alive(&db, Duration::from_secs(2)) => found.unwrap(),
                () = beating => None,
            };
            assert_eq!(found.as_deref(), Some("http://there:1"));
        }
    }

    #[tokio::test]
    async fn whoever_starts_where_another_was_says_that_it_is_gone() {
        for database in TestDatabase::each().await {
            let db = Db::open(&database.config, "kit_test", MIGRATIONS).await.unwrap();
            let killed = start(&db, "http://there:1").await;
            let observer = start(&db, "http://here:1").await;
            killed.beat().await.unwrap();
            observer.look().await.unwrap();
            assert_eq!(observer.holder(&killed.id()), Holder::Lives(Some("http://there:1".to_owned())));

            let next = start(&db, "http://there:1").await;
            observer.look().await.unwrap();

            assert_eq!(observer.holder(&killed.id()), Holder::Free);
            assert_eq!(observer.holder(&next.id()), Holder::Unknown);
        }
    }
}
