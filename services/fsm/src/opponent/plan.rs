//! A plan: what may be done, what it is worth, and by which moves the client carries it out.

use serde_json::{Map, Value, json};

/// So many of something, in words.
pub fn counted(number: impl std::fmt::Display, one: &str, many: &str) -> String {
    let number = number.to_string();
    let word = if number == "1" { one } else { many };
    format!("{number} {word}")
}

/// Something that can be done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What it is worth: 1 is a point of victory for the Shadow, or a tenth of the game for either side.
    pub worth: f64,
    /// Why.
    pub why: String,
    moves: Vec<Value>,
}

impl Plan {
    /// A plan without moves.
    pub fn new(worth: f64, why: impl Into<String>) -> Plan {
        Plan { worth, why: why.into(), ..Plan::default() }
    }

    /// Pieces go from an area to another.
    #[must_use]
    pub fn moving(mut self, pieces: &[i64], from: i64, to: i64) -> Plan {
        if !pieces.is_empty() && from != to {
            self.moves.push(json!({"pieces": pieces, "from": from, "to": to}));
        }
        self
    }

    /// What the event tells beside its choice.
    pub fn into_data(self) -> Map<String, Value> {
        let mut data = Map::new();
        if !self.moves.is_empty() {
            data.insert("moves".to_owned(), Value::from(self.moves));
        }
        data
    }

    /// The better of two.
    #[must_use]
    pub fn or(self, other: Plan) -> Plan {
        if self.worth < other.worth { other } else { self }
    }
}
