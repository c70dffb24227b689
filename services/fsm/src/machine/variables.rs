//! A machine's variables: those with which a game began, shared by all that it comes to, and those that differ by now.
//!
//! An event changes few of them, and each event makes a game anew: only what differs is copied, and the log keeps just
//! that.

use std::{ops::Index, sync::Arc};

use serde_json::{Map, Value};

/// Variables by name.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    beginning: Arc<Map<String, Value>>,
    /// Those that are not as they were in the beginning.
    changed: Map<String, Value>,
}

impl Variables {
    /// As they are in the beginning.
    pub fn new(beginning: Arc<Map<String, Value>>) -> Variables {
        Variables { beginning, changed: Map::new() }
    }

    /// The same, as those with which a game begins.
    pub fn as_beginning(&self) -> Variables {
        let all = self.iter().map(|(name, value)| (name.clone(), value.clone()));
        Variables::new(Arc::new(all.collect()))
    }

    /// Those with which the game began.
    pub fn beginning(&self) -> &Map<String, Value> {
        &self.beginning
    }

    /// Those that differ from the beginning.
    pub fn changed(&self) -> &Map<String, Value> {
        &self.changed
    }

    /// The variable of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.changed.get(name).or_else(|| self.beginning.get(name))
    }

    /// Sets a variable.
    pub fn insert(&mut self, name: String, value: Value) {
        if self.beginning.get(&name) == Some(&value) {
            self.changed.remove(&name);
        } else {
            self.changed.insert(name, value);
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        let kept = self.beginning.iter().filter(|(name, _)| !self.changed.contains_key(*name));
        kept.chain(&self.changed)
    }
}

impl Extend<(String, Value)> for Variables {
    fn extend<T: IntoIterator<Item = (String, Value)>>(&mut self, variables: T) {
        variables.into_iter().for_each(|(name, value)| self.insert(name, value));
    }
}

/// The variables are alike, wherever they began.
impl PartialEq for Variables {
    fn eq(&self, other: &Variables) -> bool {
        self.iter().count() == other.iter().count() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Index<&str> for Variables {
    type Output = Value;

    /// The variable of that name, or null.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_from_the_beginning_is_kept() {
        let beginning = json!({"TURN": 1, "GUIDE": "Gandalf", "LOME": false}).as_object().unwrap().clone();
        let mut variables = Variables::new(Arc::new(beginning));
        variables.extend([
            ("TURN".to_owned(), json!(2)),
            ("LOME".to_owned(), json!(true)),
            ("NEW".to_owned(), json!([])),
        ]);
        variables.insert("LOME".to_owned(), json!(false));

        assert_eq!(Value::from(variables.changed().clone()), json!({"TURN": 2, "NEW": []}));
        assert_eq!(
            (&variables["TURN"], &variables["LOME"], &variables["NONE"]),
            (&json!(2), &json!(false), &Value::Null)
        );
        assert_eq!(variables.iter().count(), 4);
        let anew = variables.as_beginning();
        assert!(anew.changed().is_empty() && anew == variables);
        assert_eq!(anew.beginning().len(), 4);
    }
}
