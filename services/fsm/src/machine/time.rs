//! What happens later: delayed events, time-outs of states, pauses. Each has its due time in the game's memory, so a
//! restart changes nothing about it; who keeps the clock sends [`super::Order::Timer`] when the time has come.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Game, Stop, run::Run};
use crate::expression::Expression;

/// Most timers of a game at a time.
const MAX_TIMERS: usize = 100;
/// Shortest time a timer runs, in milliseconds: one that starts itself anew must not fill the log.
const MIN_TIME_MS: f64 = 100.0;
/// Longest time a timer may run, in milliseconds: a year.
const MAX_TIME_MS: f64 = 366.0 * 24.0 * 3_600.0 * 1_000.0;

/// Something that is to happen later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// Counts the game's timers, from 1.
    pub number: u64,
    /// The event; empty for the end of a pause.
    pub event: String,
    /// By which it is cancelled; empty if by nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The state with which it ends; empty if with none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// When, Unix milliseconds.
    pub due: i64,
}

impl Game {
    /// The timer that is due first.
    pub fn next_timer(&self) -> Option<&Timer> {
        self.memory.timers.iter().min_by_key(|timer| (timer.due, timer.number))
    }
}

impl Run<'_> {
    /// Arranges for an event; without a name, for the end of a pause.
    pub(super) fn arrange(&mut self, event: &str, id: &str, after_ms: i64, state: String) {
        if MAX_TIMERS <= self.memory.timers.len() {
            tracing::warn!(machine = self.machine.name, event, "a game has {MAX_TIMERS} timers: no more are kept");
            return;
        }
        self.memory.timer_count += 1;
        let (number, due) = (self.memory.timer_count, self.event.at + after_ms);
        self.memory.timers.push(Timer { number, event: event.to_owned(), id: id.to_owned(), state, due });
    }

    /// Whether automatic moves stand still.
    pub(super) fn is_pausing(&self) -> bool {
        self.memory.timers.iter().any(|timer| timer.event.is_empty())
    }

    /// Ends what ends with a state, and a pause in any case.
    pub(super) fn end_timers_of(&mut self, state: &str) {
        self.memory.timers.retain(|timer| timer.state != state && !timer.event.is_empty());
    }

    /// Takes a timer whose time has come; `None` if it was cancelled.
    pub(super) fn take_timer(&mut self, number: u64) -> Option<Timer> {
        let index = self.memory.timers.iter().position(|timer| timer.number == number)?;
        Some(self.memory.timers.remove(index))
    }

    /// A time in seconds, as milliseconds; the shortest where it is no number.
    pub(super) fn milliseconds(&mut self, seconds: &Expression) -> Result<i64, Stop> {
        let seconds = self.evaluate(seconds)?.as_ref().and_then(Value::as_f64).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within a year")]
        Ok((seconds * 1_000.0).round().clamp(MIN_TIME_MS, MAX_TIME_MS) as i64)
    }
}
