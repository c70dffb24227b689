//! Who holds a game: one replica writes it and has its attachments, and the others send calls for it there.
//!
//! The log fences by itself whoever has lost a game, since a number is given once. What is watched here is that nobody
//! stays attached to a replica that no longer writes.

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::Duration,
};

use service_kit::{db::DbError, replicas::Holder};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Cell, Error, Games, Live};
use crate::store::StoredGame;

/// Takes up what a replica that is gone has left behind, and lets go what another has taken: again and again, and whenever
/// one was seen to go.
pub async fn hold(games: Weak<Games>, mut gone: watch::Receiver<u64>, pause: Duration, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Ok(()) = gone.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
        gone.mark_unchanged();
        let Some(games) = games.upgrade() else { return };
        for done in [games.let_go().await, games.resume().await] {
            if let Err(error) = done {
                tracing::warn!(%error, "who holds which game could not be looked at");
            }
        }
    }
}

impl Games {
    /// Makes this replica the holder of a game, unless another one lives that is.
    pub(super) async fn claim(&self, game_id: &str) -> Result<(), Error> {
        loop {
            let found = self.store.holder(game_id).await?;
            let (key, holder) = found.ok_or_else(|| Error::NoGame(game_id.to_owned()))?;
            let ours = self.replicas.id();
            if holder == ours {
                return Ok(());
            }
            if let Holder::Lives(address) = self.replicas.settled(&holder).await? {
                return Err(Error::Held(game_id.to_owned(), address));
            }
            match self.store.claim(&key, &holder, &ours).await {
                // Somebody else took it in between.
                Err(DbError::Conflict) => {}
                done => return Ok(done?),
            }
        }
    }

    /// Whether no replica that lives holds a game.
    pub(super) async fn is_free(&self, game_id: &str) -> Result<bool, Error> {
        let holder = self.store.holder(game_id).await?.map(|(_, holder)| holder).unwrap_or_default();
        Ok(self.replicas.settled(&holder).await? == Holder::Free)
    }

    /// Whether this replica is still the holder of a game.
    pub(super) async fn still_holds(&self, stored: &StoredGame) -> Result<bool, Error> {
        Ok(self.store.held_by(&self.replicas.id()).await?.contains(&stored.key))
    }

    /// Another replica writes the game now: whoever is attached here finds it there.
    pub(super) fn lose(&self, live: &mut Live) {
        tracing::info!(game_id = live.stored.id, "the game has moved to another server");
        // Nothing that was waited for is done here.
        live.is_lost = true;
        live.clock = None;
        live.watch += 1;
        let ids: Vec<String> = live.attachments.drain(..).map(|attachment| attachment.id).collect();
        let mut attachments = self.attachments.lock().expect("no holder panics");
        ids.iter().for_each(|id| drop(attachments.remove(id)));
        drop(attachments);
        let mut games = self.live.lock().expect("no holder panics");
        games.remove(&live.stored.id);
        super::count(&games);
    }

    /// Lets go the games in memory that another replica has taken: it may have held this one for dead.
    async fn let_go(&self) -> Result<(), Error> {
        let cells: Vec<Cell> = self.live.lock().expect("no holder panics").values().cloned().collect();
        if cells.is_empty() {
            return Ok(());
        }
        let held: HashSet<String> = self.store.held_by(&self.replicas.id()).await?;
        for cell in cells {
            // One that is at work finds out by itself.
            if let Ok(mut live) = cell.try_lock()
                && !held.contains(&live.stored.key)
                && !self.still_holds(&live.stored).await?
            {
                self.lose(&mut live);
            }
        }
        Ok(())
    }

    /// Takes up again what goes on by itself, and was under way when its holder ended.
    pub(super) async fn resume(self: &Arc<Self>) -> Result<(), Error> {
        for (game_id, holder) in self.store.busy(super::decide::MAX_RESUMED).await? {
            let is_here = self.live.lock().expect("no holder panics").contains_key(&game_id);
            if is_here || self.replicas.holder(&holder) != Holder::Free {
                continue;
            }
            match self.lock(&game_id).await {
                Ok((cell, mut live)) => {
                    self.call_opponent(&mut live, "", &cell);
                    self.set_clock(&mut live, &cell);
                }
                Err(Error::Held(..)) => {}
                Err(error) => tracing::warn!(game_id, %error, "a game cannot be taken up again"),
            }
        }
        Ok(())
    }
}
