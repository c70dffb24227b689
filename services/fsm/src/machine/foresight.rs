//! What the client was told to do on its board and has not done yet: a game knows its own records, so that no guard holds and
//! no menu tells a figure that is about to be another.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Stop, run::Run};
use crate::board;

/// Milliseconds after which what the board shows counts again, though it has not changed: its client does not obey.
const PATIENCE: i64 = 60_000;

/// A figure that the board is to show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Foreseen {
    /// What it shows so far.
    shown: Value,
    /// What counts while it does.
    value: Value,
    /// Until when, Unix milliseconds.
    until: i64,
}

impl Run<'_> {
    /// Sets a variable. If the client was told to move pieces for it, it counts above the board until that changes.
    pub(super) fn foresee(&mut self, name: &str, value: Value) -> Result<(), Stop> {
        if self.tells_moves && board::FIGURES.contains(&name) {
            let board = self.board.ok_or(Stop::Board)?;
            if let Some(shown) = board.values.get(name) {
                // Whoever replays the game needs it.
                self.read.insert(name.to_owned(), shown.clone());
                let foreseen = Foreseen { shown: shown.clone(), value: value.clone(), until: self.event.at + PATIENCE };
                self.memory.foreseen.insert(name.to_owned(), foreseen);
            }
        }
        self.set(name.to_owned(), value);
        Ok(())
    }

    /// What counts where the board shows `shown`.
    pub(super) fn foreseen<'v>(&'v self, name: &str, shown: &'v Value) -> &'v Value {
        let foreseen = self.memory.foreseen.get(name).filter(|foreseen| foreseen.shown == *shown);
        foreseen.map_or(shown, |foreseen| &foreseen.value)
    }

    /// Forgets what the board shows by now, or shows no sign of.
    pub(super) fn forget_foreseen(&mut self) {
        let now = self.event.at;
        let mut foreseen = std::mem::take(&mut self.memory.foreseen);
        foreseen.retain(|name, foreseen| {
            // A board that nobody has looked at tells nothing.
            let shown = self.board.and_then(|board| board.values.get(name));
            self.read.extend(shown.map(|shown| (name.clone(), shown.clone())));
            now < foreseen.until && shown.is_none_or(|shown| *shown == foreseen.shown)
        });
        self.memory.foreseen = foreseen;
        self.computed.clear();
    }
}
