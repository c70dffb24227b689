//! Back and aside: a game taken back to an earlier entry of its log, branched for a "what if", put away.

use std::sync::Arc;

use serde_json::{Map, Value};
use service_kit::clock;
use uuid::Uuid;

use super::{Error, Games, Incoming, Live, Shown, events::trace_id};
use crate::{
    board,
    machine::{self, Order},
    store::{Entry, Idempotency, StoredEntry, StoredGame},
};

/// Entries read of a log at a time.
const PAGE: i64 = 500;

/// A game that was taken back.
pub struct Undone {
    /// The entry that it is again as after.
    pub to: u64,
    /// The events taken back, the last first.
    pub events: Vec<String>,
    /// Facts of the board that no longer fit, each as a sentence.
    pub misfits: Vec<String>,
}

impl Games {
    /// Takes a game back to where an earlier entry left it; `None`: by the last event that counts. The board is the
    /// client's, and stays as it is: what no longer fits is told, and a board that contradicts the earlier state refuses it.
    pub async fn undo(
        self: &Arc<Self>,
        game_id: &str,
        to: Option<u64>,
        expected_sequence: Option<u64>,
        idempotency: Option<Idempotency>,
    ) -> Result<Undone, Error> {
        let (cell, mut live) = self.lock(game_id).await?;
        if let Some(idempotency) = &idempotency
            && let Some(answer) = self.answered_before(idempotency, &live).await?
        {
            let to = match answer.outcome.as_ref().ok().and_then(|entry| entry.entry.event.order.clone()) {
                Some(Order::Undo { to }) => to,
                _ => 0,
            };
            return Ok(Undone { to, events: Vec::new(), misfits: Vec::new() });
        }
        if let Some(expected) = expected_sequence.filter(|expected| *expected != live.stored.sequence) {
            return Err(Error::MovedOn { expected, sequence: live.stored.sequence });
        }
        let log = self.whole_log(&live).await?;
        let counting = counting(&log);
        let to = match to {
            Some(to) if to == 0 || counting.contains(&to) => to,
            Some(to) => return Err(Error::NoWayBack(format!("entry {to} is not there, or was itself taken back"))),
            None => match counting.as_slice() {
                [] => return Err(Error::NoWayBack("nothing has happened that could be taken back".to_owned())),
                [_] => 0,
                [.., before, _] => *before,
            },
        };
        let taken_back: Vec<&StoredEntry> =
            log.iter().filter(|entry| to < entry.sequence && counting.contains(&entry.sequence)).collect();
        if taken_back.is_empty() {
            return Err(Error::NoWayBack(format!("the game is where entry {to} left it")));
        }
        let events: Vec<String> = taken_back.iter().rev().map(|entry| entry.entry.event.name.clone()).collect();
        let earlier = self.store.game_at(&live.stored.key, to).await?;
        let earlier = earlier.ok_or_else(|| Error::NoWayBack(format!("entry {to} is not there")))?;
        let board = self.board(&live.stored).await;
        if let Some(reason) = machine::contradiction(&live.machine, &earlier, &board, self.settings.assist) {
            return Err(Error::NoWayBack(reason));
        }
        let misfits = misfits(&taken_back, &board.values);
        let mut event = self.event(
            &live,
            &Incoming {
                event: "UNDO".to_owned(),
                data: Some(Map::from_iter([("to".to_owned(), Value::from(to))])),
                is_host: true,
                order: Some(Order::Undo { to }),
                ..Incoming::default()
            },
        )?;
        event.remarks.push(format!("↩️ Taken back: {}", events.join(", ")));
        event.remarks.extend(misfits.iter().map(|misfit| format!("⚠️ {misfit}")));
        let reaction = machine::restore(&live.machine, &live.stored.game, earlier, &event, &board);
        let reaction = reaction.map_err(|_| Error::Unusable(game_id.to_owned()))?;
        let trace_id = trace_id(None);
        let (entry, game) = Entry::new(event, "tool".to_owned(), trace_id, Vec::new(), reaction);
        let entry = StoredEntry {
            sequence: live.stored.sequence + 1,
            created_at: entry.event.at,
            state: game.state.clone(),
            entry,
        };
        self.append(&mut live, Arc::new(entry), game, idempotency, None, &cell).await?;
        Ok(Undone { to, events, misfits })
    }

    /// Creates a game that begins where another one stood, on the board as it is now.
    pub async fn branch(
        self: &Arc<Self>,
        game_id: &str,
        at: Option<u64>,
        new_id: Option<String>,
        idempotency: Option<Idempotency>,
    ) -> Result<Shown, Error> {
        if let Some(Idempotency { key, request }) = &idempotency
            && let Some((created, first)) = self.store.game_by_key(key).await?
        {
            return if first == *request { self.show(&created).await } else { Err(Error::KeyUsed) };
        }
        let new = {
            let (_, live) = self.lock(game_id).await?;
            let at = at.unwrap_or(live.stored.sequence);
            let mut game = match at == live.stored.sequence {
                true => live.stored.game.clone(),
                false => {
                    let earlier = self.store.game_at(&live.stored.key, at).await?;
                    earlier.ok_or_else(|| Error::NoWayBack(format!("game {game_id:?} has no entry {at}")))?
                }
            };
            // Nobody plays in a "what if" unless he is asked to, and no clock runs in it.
            game.memory.deciders.clear();
            game.variables = game.variables.as_beginning();
            game.memory.timers.clear();
            let created_at = clock::now_ms();
            StoredGame {
                key: Uuid::now_v7().to_string(),
                board_id: live.stored.board_id.clone(),
                id: new_id.unwrap_or_else(|| Uuid::now_v7().to_string()),
                machine: live.stored.machine.clone(),
                archived_from: None,
                created_at,
                sequence: 0,
                updated_at: created_at,
                game,
                snapshot: Some(self.board(&live.stored).await),
            }
        };
        match self.store.create(&new, idempotency).await {
            Ok(()) => self.show(&new.id).await,
            Err(service_kit::db::DbError::Unique) => Err(Error::Taken(new.id)),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a game away under another id; the default game starts anew.
    pub async fn put_away(self: &Arc<Self>, game_id: &str) -> Result<Shown, Error> {
        let (cell, mut live) = self.lock(game_id).await?;
        let archived_id = self.archive(&live.stored).await?;
        live.stored.archived_from = Some(game_id.to_owned());
        live.stored.id.clone_from(&archived_id);
        {
            let mut games = self.live.lock().expect("no holder panics");
            games.remove(game_id);
            games.insert(archived_id, cell.clone());
        }
        let (view, source) = self.view(&live).await?;
        let (stored, machine) = (live.stored.clone(), Some(live.machine.clone()));
        Ok(Shown { stored, machine, view: Some(view), source, attached: live.attachments.len() })
    }

    async fn whole_log(&self, live: &Live) -> Result<Vec<StoredEntry>, Error> {
        let mut log: Vec<StoredEntry> = Vec::new();
        loop {
            let after = log.last().map_or(0, |entry| entry.sequence);
            let page = self.store.history(&live.stored.key, after, PAGE).await?;
            if page.is_empty() {
                return Ok(log);
            }
            log.extend(page);
        }
    }
}

/// Sequence numbers of the entries that count: those that were not taken back, and that are no taking back themselves.
fn counting(log: &[StoredEntry]) -> Vec<u64> {
    let mut counting: Vec<u64> = Vec::new();
    for entry in log {
        match entry.entry.event.order {
            Some(Order::Undo { to }) => counting.retain(|sequence| *sequence <= to),
            _ => counting.push(entry.sequence),
        }
    }
    counting
}

/// Figures of the board that were read by what is taken back, and are not any more as they were at its beginning.
fn misfits(taken_back: &[&StoredEntry], now: &Map<String, Value>) -> Vec<String> {
    let mut seen = Map::new();
    for entry in taken_back {
        for (name, value) in &entry.entry.facts {
            if board::FIGURES.contains(&name.as_str()) && !seen.contains_key(name) {
                seen.insert(name.clone(), value.clone());
            }
        }
    }
    let differs = seen.iter().filter_map(|(name, then)| Some((name, then, now.get(name)?)));
    differs
        .filter(|(_, then, now)| then != now)
        .map(|(name, then, now)| format!("{name} was {then}, and the board shows {now}"))
        .collect()
}
