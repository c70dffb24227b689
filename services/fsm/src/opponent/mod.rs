//! The built-in opponent: what it is asked, and what it answers. It reads no clock and draws no chance of its own: the
//! same question has the same answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{board::Tables, machine::Decision};

/// How well it plays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// The rules' own advice, taken carelessly.
    Easy,
    /// The rules' own advice.
    #[default]
    Middle,
    /// With a search over what may come of it.
    Hard,
}

/// What it is asked.
#[expect(dead_code, reason = "the policy that takes the first choice looks at nothing else")]
#[derive(Debug, Clone)]
pub struct Question {
    /// The decision, with its legal choices.
    pub decision: Decision,
    /// The state the game rests in.
    pub state: String,
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
}

/// One that decides.
pub trait Policy: Send + Sync {
    /// The choices, the best first; empty only if the decision has none. Takes at most 50 ms.
    fn weigh(&self, question: &Question) -> Vec<Weighed>;
}

/// The policy of a strength.
pub fn policy(_strength: Strength) -> Arc<dyn Policy> {
    Arc::new(FirstChoice)
}

/// Takes whatever is offered first.
struct FirstChoice;

impl Policy for FirstChoice {
    fn weigh(&self, question: &Question) -> Vec<Weighed> {
        let choices = question.decision.choices.iter().enumerate();
        choices
            .map(|(choice, _)| Weighed {
                choice,
                data: Map::new(),
                score: -f64::from(u32::try_from(choice).unwrap_or(u32::MAX)),
                why: "it is offered first".to_owned(),
            })
            .collect()
    }
}
