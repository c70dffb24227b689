//! Watching a game: its log from an entry on, then what happens, without a gap and nothing twice.

use std::{collections::VecDeque, sync::Arc};

use proto::fsm::v1::Reaction;
use service_kit::status::{self, ErrorCode};
use tonic::Status;

use crate::{
    convert,
    games::{Error, Games, UpdateKind, Updates},
};

/// Entries read of the log at a time.
const PAGE: u32 = 200;

/// A watcher.
pub struct Watch {
    /// The games.
    games: Arc<Games>,
    /// The game.
    game_id: String,
    /// The last entry that was told.
    after: u64,
    /// The last entry that is known to be there.
    known: u64,
    /// Entries that were read and not told yet.
    unread: VecDeque<Reaction>,
    /// What happens from now on.
    updates: Updates,
}

impl Watch {
    /// One who knows the log up to an entry, and is told these updates.
    pub fn new(games: Arc<Games>, game_id: String, after: u64, updates: Updates) -> Watch {
        Watch { games, game_id, after, known: 0, unread: VecDeque::new(), updates }
    }

    /// The next entry; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Reaction, Status>> {
        loop {
            if let Some(reaction) = self.unread.pop_front() {
                self.after = reaction.sequence;
                return Some(Ok(reaction));
            }
            if self.after < self.known {
                if let Err(error) = self.read().await {
                    return Some(Err(error.into()));
                }
                if self.unread.is_empty() {
                    self.known = self.after;
                }
                continue;
            }
            let Some(update) = self.updates.next().await else {
                let lagged = self.updates.has_lagged();
                return lagged.then(|| Err(status::error(ErrorCode::RateLimited, "too many entries were left unread")));
            };
            match *update.kind {
                UpdateKind::Greeting { sequence, .. } => self.known = sequence,
                UpdateKind::Reaction { game_id, entry } if entry.sequence == self.after + 1 => {
                    self.known = entry.sequence;
                    self.unread.push_back(convert::reaction(&game_id, &entry, None));
                }
                // What was told while the log was read is in the log too.
                UpdateKind::Reaction { entry, .. } => self.known = self.known.max(entry.sequence),
                UpdateKind::Refusal { .. } | UpdateKind::RoleChange { .. } => {}
            }
        }
    }

    async fn read(&mut self) -> Result<(), Error> {
        let (entries, _) = self.games.history(&self.game_id, self.after, PAGE).await?;
        self.unread.extend(entries.iter().map(|entry| convert::reaction(&self.game_id, entry, None)));
        Ok(())
    }
}
