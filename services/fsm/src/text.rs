//! Text with tokens: prompts, menus, commands and game records are templates over facts.
//!
//! A token is a fact's name, in small letters or large; behind a dot, a field of it: `{{item.pieces}}`.

use serde_json::{Map, Value};

/// A text with `{{token}}`s; a token is a fact's name, in small letters or large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Token { fact: String, field: Option<String> },
}

/// A line between the parts of a menu, as the Java client's chat shows it.
pub fn ruler() -> String {
    "\u{2550}".repeat(35)
}

impl Template {
    /// Takes the text apart. A `{{` that is not closed stands for itself.
    pub fn parse(text: &str) -> Template {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{")
            && let Some((token, tail)) = after.split_once("}}")
        {
            parts.push(Part::Text(before.to_owned()));
            let token = token.trim();
            let (fact, field) = token.split_once('.').map_or((token, None), |(fact, field)| (fact, Some(field)));
            parts.push(Part::Token { fact: fact.to_ascii_uppercase(), field: field.map(str::to_owned) });
            rest = tail;
        }
        parts.push(Part::Text(rest.to_owned()));
        Template(parts)
    }

    /// The facts its tokens name.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Token { fact, .. } => Some(fact.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with every token filled in; a fact that is not known is a dash. Line breaks become blanks: a template is
    /// one line whatever a fact holds.
    pub fn render(&self, facts: &Map<String, Value>) -> String {
        let mut line = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Token { fact, field } => {
                    let value = facts.get(fact);
                    let value = field.as_ref().map_or(value, |field| value.and_then(|value| value.get(field)));
                    line.push_str(&to_text(value.unwrap_or(&Value::Null)));
                }
            }
        }
        if line.contains(char::is_control) {
            line = line.replace(char::is_control, " ");
        }
        line
    }
}

/// A value as a line shows it: lists with blanks between, what is not there as a dash.
fn to_text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "–".to_owned(),
        Value::Array(items) => items.iter().map(to_text).collect::<Vec<_>>().join(" "),
        Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(template: &str, facts: Value, expected: &str) {
        assert_eq!(Template::parse(template).render(facts.as_object().unwrap()), expected);
    }

    #[test]
    fn tokens_are_filled_in() {
        check("Turn {{turn}}, {{ hunt_dice }} dice", json!({"TURN": 3, "HUNT_DICE": 2}), "Turn 3, 2 dice");
        check(
            "$FSM rolls {{DICE}} as {{FACES}} ",
            json!({"DICE": [210, 211], "FACES": [0, 3]}),
            "$FSM rolls 210 211 as 0 3 ",
        );
    }

    #[test]
    fn a_field_is_named_behind_a_dot() {
        check("{{item.pieces}} to {{item.to}}", json!({"ITEM": {"pieces": [1, 2]}}), "1 2 to –");
    }

    #[test]
    fn a_token_is_never_shown_raw() {
        check("at {{location}}", json!({}), "at –");
        check("at {{location}}", json!({"LOCATION": ""}), "at –");
    }

    #[test]
    fn a_fact_cannot_break_the_line() {
        check("at {{location}}", json!({"LOCATION": "Bree\nERROR: x"}), "at Bree ERROR: x");
    }

    #[test]
    fn braces_that_are_not_closed_stand_for_themselves() {
        check("a {{ b", json!({}), "a {{ b");
    }

    #[test]
    fn a_ruler_is_35_wide() {
        assert_eq!(ruler().chars().count(), 35);
    }
}
