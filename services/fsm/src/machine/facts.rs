//! What a machine knows: facts from the event, the board, computed ones, its own variables.

use serde_json::{Map, Value};

use super::{MAX_DEPTH, MAX_FACTS, Refusal, Stop, is_small, run::Run};
use crate::{
    board::{self, Source},
    catalogue::PIECE_MOVED,
    definition::SESSION_FACTS,
    expression::{
        Expression,
        quick::{self, Condition, Operand},
    },
    text::Template,
};

impl Run<'_> {
    /// Takes over the facts that the event brings. They are what the machine remembers from now on.
    pub(super) fn take_facts(&mut self) -> Result<(), Stop> {
        let malformed = Stop::Refused(Refusal::Malformed);
        for key in ["piece_id", "from", "to"] {
            if self.data.get(key).is_some_and(|value| self.event.name == PIECE_MOVED && !value.is_i64()) {
                return Err(malformed);
            }
        }
        if self.data.get("trace_id").is_some_and(|value| !value.is_string()) {
            return Err(malformed);
        }
        let Some(facts) = self.data.get("facts") else { return Ok(()) };
        let Some(facts) = facts.as_object().filter(|facts| facts.len() <= MAX_FACTS) else { return Err(malformed) };
        for (name, value) in facts {
            let name = name.to_ascii_uppercase();
            let known = self.machine.variables.get(&name);
            let alike = known.is_none_or(|known| std::mem::discriminant(known) == std::mem::discriminant(value));
            if SESSION_FACTS.contains(&name.as_str()) || !alike || !is_small(value) {
                return Err(malformed);
            }
            self.event_facts.insert(name, value.clone());
        }
        self.computed.clear();
        for (name, value) in self.event_facts.clone() {
            if self.variables.get(&name).is_some() {
                self.set(name, value);
            }
        }
        Ok(())
    }

    pub(super) fn list(&mut self, expression: &Expression) -> Result<Vec<Value>, Stop> {
        let value = self.evaluate(expression)?;
        Ok(value.and_then(|value| value.as_array().cloned()).unwrap_or_default())
    }

    pub(super) fn number(&mut self, expression: &Expression, highest: u32) -> Result<u32, Stop> {
        let value = self.evaluate(expression)?.and_then(|value| value.as_i64()).unwrap_or(0);
        Ok(u32::try_from(value.max(0)).unwrap_or(highest).min(highest))
    }

    pub(super) fn render(&mut self, template: &Template) -> Result<String, Stop> {
        let facts = self.facts(template.facts(), 0)?;
        Ok(template.render(&facts))
    }

    pub(super) fn holds(&mut self, expression: &Expression) -> Result<bool, Stop> {
        Ok(self.evaluate(expression)? == Some(Value::Bool(true)))
    }

    /// The value, or `None` where the facts do not fit: a guard is false then, and nothing is set.
    pub(super) fn evaluate(&mut self, expression: &Expression) -> Result<Option<Value>, Stop> {
        self.evaluate_at(expression, 0)
    }

    fn evaluate_at(&mut self, expression: &Expression, depth: usize) -> Result<Option<Value>, Stop> {
        // The short way computes no fact that does not count any more.
        if let Some(condition) = expression.condition()
            && let Some(value) = self.value_of(condition, depth)?
        {
            return Ok(Some(value));
        }
        let facts = self.facts(expression.facts().iter().map(String::as_str), depth)?;
        match expression.evaluate(&facts) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                tracing::debug!(machine = self.machine.name, %error, "an expression has no value");
                Ok(None)
            }
        }
    }

    /// The value of a condition; `None` where the whole expression has to say.
    fn value_of(&mut self, condition: &Condition, depth: usize) -> Result<Option<Value>, Stop> {
        match condition {
            Condition::Fact(operand) => self.operand(operand, depth),
            condition => Ok(self.condition(condition, depth)?.map(Value::Bool)),
        }
    }

    fn condition(&mut self, condition: &Condition, depth: usize) -> Result<Option<bool>, Stop> {
        Ok(match condition {
            Condition::Fact(operand) => self.operand(operand, depth)?.and_then(|value| value.as_bool()),
            Condition::Compare(left, comparison, right) => {
                match (self.operand(left, depth)?, self.operand(right, depth)?) {
                    (Some(left), Some(right)) => comparison.holds(&left, &right),
                    _ => None,
                }
            }
            Condition::Has(fact, field) if fact == "EVENT" => Some(self.data.contains_key(field)),
            Condition::Has(fact, field) => {
                self.fact(fact, depth)?.and_then(|value| Some(value.as_object()?.contains_key(field)))
            }
            Condition::Not(condition) => self.condition(condition, depth)?.map(|holds| !holds),
            Condition::And(left, right) => match self.condition(left, depth)? {
                Some(true) => self.condition(right, depth)?,
                other => other,
            },
            Condition::Or(left, right) => match self.condition(left, depth)? {
                Some(false) => self.condition(right, depth)?,
                other => other,
            },
        })
    }

    fn operand(&mut self, operand: &Operand, depth: usize) -> Result<Option<Value>, Stop> {
        Ok(match operand {
            Operand::Literal(value) => Some(value.clone()),
            Operand::Fact(fact) => self.fact(fact, depth)?,
            Operand::Field(fact, field) => self.part(fact, field, depth)?,
            Operand::Entry(fact, key) => match self.operand(key, depth)?.as_ref().and_then(quick::key_text) {
                Some(key) => self.part(fact, &key, depth)?,
                None => None,
            },
        })
    }

    /// What a fact has under a name, without a copy of all of it where that can be.
    fn part(&mut self, fact: &str, name: &str, depth: usize) -> Result<Option<Value>, Stop> {
        let whole = match self.machine.constants.get(fact) {
            _ if fact == "EVENT" => return Ok(self.data.get(name).cloned()),
            _ if self.locals.contains_key(fact) => self.locals.get(fact),
            Some(constant) if !self.event_facts.contains_key(fact) && self.variables.get(fact).is_none() => {
                Some(constant)
            }
            _ => return Ok(self.fact(fact, depth)?.and_then(|value| value.get(name).cloned())),
        };
        Ok(whole.and_then(|value| value.get(name)).cloned())
    }

    pub(super) fn facts<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str>,
        depth: usize,
    ) -> Result<Map<String, Value>, Stop> {
        let mut facts = Map::new();
        for name in names {
            if let Some(value) = self.fact(name, depth)? {
                facts.insert(name.to_owned(), value);
            }
        }
        Ok(facts)
    }

    /// A fact: from the event, else from the board, else computed, else the machine's own variable or constant.
    pub(super) fn fact(&mut self, name: &str, depth: usize) -> Result<Option<Value>, Stop> {
        if let Some(value) = self.locals.get(name) {
            return Ok(Some(value.clone()));
        }
        if let Some(value) = self.session_fact(name)? {
            return Ok(Some(value));
        }
        if let Some(value) = self.event_facts.get(name) {
            let value = value.clone();
            self.read.insert(name.to_owned(), value.clone());
            return Ok(Some(value));
        }
        if board::FIGURES.contains(&name) {
            let board = self.board.ok_or(Stop::Board)?;
            if let Some(value) = board.values.get(name) {
                self.read.insert(name.to_owned(), value.clone());
                return Ok(Some(self.foreseen(name, value).clone()));
            }
        }
        let machine = self.machine;
        if let Some((name, expression)) = machine.computed.get_key_value(name) {
            if let Some(known) = self.computed.get(name.as_str()) {
                return Ok(known.clone());
            }
            if depth == MAX_DEPTH {
                return Ok(None);
            }
            let value = self.evaluate_at(expression, depth + 1)?;
            // Far down something may have been cut off.
            if machine.steady.contains(name) && depth < MAX_DEPTH / 2 {
                self.computed.insert(name, value.clone());
            }
            return Ok(value);
        }
        Ok(self.variables.get(name).or_else(|| self.machine.constants.get(name)).cloned())
    }

    fn session_fact(&mut self, name: &str) -> Result<Option<Value>, Stop> {
        Ok(Some(match name {
            "ASSIST" => Value::from(self.event.assist),
            "EVENT" => Value::Object(self.data.clone()),
            "EVENT_NAME" => Value::from(self.event.name.as_str()),
            "HAS_DATABASE" => {
                let there = self.board.ok_or(Stop::Board)?.source != Source::Machine;
                self.read.insert(name.to_owned(), Value::from(there));
                Value::from(there)
            }
            "PLAYERS" => Value::from(self.event.players.clone()),
            "PROMPT" => Value::from(self.prompt_line()?.unwrap_or_default()),
            "ROLE" => Value::from(if self.event.is_host { "host" } else { "client" }),
            "SENDER" => Value::from(self.event.sender.as_str()),
            "STATE" => Value::from(self.state().id.as_str()),
            "VALID_EVENTS" => Value::from(self.state().valid_events.clone()),
            _ => return Ok(None),
        }))
    }
}
