//! The built-in opponent: what it is asked, and what it answers. It reads no clock and draws no chance of its own: the
//! same question has the same answer.
//!
//! `policy` knows the kinds of decisions; `ring` weighs what concerns the Fellowship, `war` the Armies. Both begin with
//! the advice that the rules give, and try out what may come of a choice: `race` the way to the Cracks of Doom against
//! the Shadow's points, `battle` a battle. `position` is the game as they see it.

mod autopilot;
mod battle;
#[cfg(any(test, feature = "bench"))]
pub mod fixture;
pub mod noise;
mod plan;
mod policy;
mod position;
mod race;
mod ring;
mod war;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    board::Tables,
    machine::{Decider, DeciderKind, Decision},
};

pub use self::{
    autopilot::may_confirm,
    position::{moved, recovered},
};

/// Longest time to wait for a model or a person, in seconds: a day.
const MAX_SECONDS: u32 = 86_400;

/// How well it plays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// The rules' own advice, taken carelessly.
    Easy,
    /// The rules' own advice, and a short search over what may come of it.
    #[default]
    Middle,
    /// The same with a long search.
    Hard,
}

impl Strength {
    /// How often what may come of a choice is tried out.
    fn trials(self) -> u32 {
        match self {
            Strength::Easy => 8,
            Strength::Middle => 200,
            Strength::Hard => 1_500,
        }
    }

    /// By how much a judgement may be off, in points.
    fn carelessness(self) -> f64 {
        match self {
            Strength::Easy => 2.0,
            Strength::Middle => 0.2,
            Strength::Hard => 0.0,
        }
    }
}

/// What it is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The decision, with its legal choices.
    pub decision: Decision,
    /// All facts of the game by name: variables, figures of the board, computed facts.
    pub facts: Map<String, Value>,
    /// The pieces, where there is a client's database.
    pub tables: Option<Arc<Tables>>,
    /// For whatever is to look random: another one for each decision, the same when it is asked again.
    pub seed: u64,
}

/// A choice with what speaks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// Index of the choice in the decision.
    pub choice: usize,
    /// What the choice leaves open; added to what its event tells. `moves` is a list of `{pieces, from, to}`, by which
    /// the Java client is told to carry the action out.
    pub data: Map<String, Value>,
    /// The higher, the better.
    pub score: f64,
    /// Why, in a few words for the table.
    pub why: String,
    /// Whether the event tells nothing at all, since the person has done on the board what there is to do.
    pub is_bare: bool,
}

/// One that decides.
pub trait Policy: Send + Sync {
    /// The choices, the best first; empty only if the decision has none. Takes at most 50 ms.
    fn weigh(&self, question: &Question) -> Vec<Weighed>;
}

/// The policy of a strength.
pub fn policy(strength: Strength) -> Arc<dyn Policy> {
    Arc::new(policy::BuiltIn(strength))
}

/// The policy that takes a person's silence for consent.
pub fn autopilot() -> Arc<dyn Policy> {
    Arc::new(autopilot::Autopilot)
}

/// Who decides for a side, as the command line names him.
#[derive(Debug, Clone)]
pub struct SideDecider {
    pub(crate) side: String,
    pub(crate) decider: Decider,
}

/// Reads `SIDE=WHO` or `SIDE=WHO:SECONDS`.
///
/// # Errors
///
/// What is allowed.
pub fn parse_decider(text: &str) -> Result<SideDecider, String> {
    let allowed =
        "a side, =, and person, easy, middle, hard, model or autopilot, these two perhaps with :SECONDS, 1 to 86400";
    let (side, who) = text.split_once('=').ok_or(allowed)?;
    let (who, seconds) = match who.split_once(':') {
        Some((who @ ("model" | "autopilot"), seconds)) => {
            let seconds = seconds.parse::<u32>().ok().filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
            (who, Some(seconds.ok_or(allowed)?))
        }
        Some(_) => return Err(allowed.to_owned()),
        None => (who, None),
    };
    let (kind, strength) = match who {
        "person" => (DeciderKind::Person, Strength::Middle),
        "easy" => (DeciderKind::Policy, Strength::Easy),
        "middle" => (DeciderKind::Policy, Strength::Middle),
        "hard" => (DeciderKind::Policy, Strength::Hard),
        "model" => (DeciderKind::Model, Strength::Middle),
        "autopilot" => (DeciderKind::Autopilot, Strength::Middle),
        _ => return Err(allowed.to_owned()),
    };
    if !side.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') || side.is_empty() {
        return Err(allowed.to_owned());
    }
    let timeout_seconds = seconds.unwrap_or(kind.default_timeout_seconds());
    Ok(SideDecider { side: side.to_owned(), decider: Decider { kind, strength, timeout_seconds } })
}

#[cfg(test)]
mod tests;
