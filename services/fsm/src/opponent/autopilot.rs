//! For a person at a client without buttons: what he moves on the board is his answer, and when he is quiet for a while the
//! game goes on as if he had said so. It never chooses in his place what he could still do himself.

use serde_json::Map;

use super::{Policy, Question, Weighed};
use crate::machine::{Choice, Decision};

/// The policy of silence.
pub struct Autopilot;

/// Whether silence is an answer to a decision: a die is only chosen by the person, unless none is left, and a hand above its
/// limit is seen by itself.
pub fn may_confirm(decision: &Decision) -> bool {
    match decision.kind.as_str() {
        "die" => decision.choices.iter().all(|choice| choice.id == "pass"),
        "discard" => false,
        _ => true,
    }
}

impl Policy for Autopilot {
    fn weigh(&self, question: &Question) -> Vec<Weighed> {
        let decision = &question.decision;
        let silent = |choice: &Choice| match decision.kind.as_str() {
            // "Throw it away" is said of a die whose use the board shows.
            "action" => choice.id == "skip",
            "casualties" => choice.id == "taken",
            // What concerns the person alone comes first in each list.
            _ => true,
        };
        let Some(choice) = decision.choices.iter().position(silent) else { return Vec::new() };
        // Dice that were dragged into the Hunt Box are there, as is corruption on its track: they need not be named.
        let is_bare = matches!(decision.kind.as_str(), "hunt_allocation" | "damage");
        vec![Weighed { choice, data: Map::new(), score: 0.0, why: "nothing else was said".to_owned(), is_bare }]
    }
}
