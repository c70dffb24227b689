//! How a person is taken out of a text: his name wherever it stands as a word, and his own words wherever they are repeated.

use serde_json::Value;

use super::audit::ERASED;

/// Words of fewer characters may be anybody's: "yes" and "attack" are no secret, and stand in much that is not his.
const LEAST: usize = 8;

/// Somebody who is to be taken out, or looked for.
#[derive(Clone, Debug)]
pub struct Person {
    name: String,
    /// What he said, its spaces single.
    words: Vec<String>,
}

impl Person {
    /// A person of this name, who said this.
    pub fn new(name: &str, words: impl IntoIterator<Item = String>) -> Person {
        let words = words.into_iter().map(|words| single_spaced(&words));
        Person { name: name.to_owned(), words: words.filter(|words| LEAST <= words.chars().count()).collect() }
    }

    /// His name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes him out of all texts of a value. Ids stay, since they hold a log together; a text that is JSON itself, as a
    /// model writes its arguments, stays JSON.
    pub fn erase(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(erased) = self.erased(text) {
                    *text = erased;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.erase(item)),
            Value::Object(fields) => {
                for (field, value) in fields {
                    if !is_id(field) {
                        self.erase(value);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text without him; `None` if there is nothing of him in it.
    pub fn erased(&self, text: &str) -> Option<String> {
        if text.starts_with('{')
            && let Ok(before) = serde_json::from_str::<Value>(text)
        {
            let mut value = before.clone();
            self.erase(&mut value);
            return (value != before).then(|| value.to_string());
        }
        let spaced = single_spaced(text);
        // A reason has only so much room: the beginning of his words is his, too.
        let is_his = LEAST <= spaced.chars().count() && self.words.iter().any(|words| words.starts_with(&spaced));
        if is_his {
            return Some(ERASED.to_owned());
        }
        let quoted = self.words.iter().filter(|words| spaced.contains(words.as_str()));
        let without_words = quoted.fold(None, |erased: Option<String>, words| {
            Some(erased.unwrap_or_else(|| spaced.clone()).replace(words.as_str(), ERASED))
        });
        let without_name = self.without_name(without_words.as_deref().unwrap_or(text));
        without_name.or(without_words)
    }

    /// The text with his name replaced where it is a word of its own.
    fn without_name(&self, text: &str) -> Option<String> {
        let (mut erased, mut rest, mut before) = (String::new(), text, None);
        let mut has_found = false;
        while let Some(at) = rest.find(&self.name).filter(|_| !self.name.is_empty()) {
            let (left, right) = (&rest[..at], &rest[at + self.name.len()..]);
            let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
            let is_word = !is_letter(left.chars().next_back().or(before)) && !is_letter(right.chars().next());
            erased.push_str(left);
            erased.push_str(if is_word { ERASED } else { &self.name });
            has_found |= is_word;
            before = self.name.chars().next_back();
            rest = right;
        }
        erased.push_str(rest);
        has_found.then_some(erased)
    }
}

fn is_id(field: &str) -> bool {
    field == "id" || field == "tool" || field == "origin" || field.ends_with("_id")
}

fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let person = Person::new("Ann", ["I open  the\nred door".to_owned(), "yes".to_owned()]);
        assert_eq!(person.erased(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn his_name_goes_where_it_is_a_word() {
        check("Ann", Some("(erased)"));
        check("Ann's turn, Ann!", Some("(erased)'s turn, (erased)!"));
        check("Anna and Joann, AnnAnn", None);
    }

    #[test]
    fn his_words_go_whole_cut_or_quoted_and_what_is_short_stays() {
        check("I open the red door", Some("(erased)"));
        check("I open the r", Some("(erased)"));
        check("He says: I open the red door.", Some("He says: (erased)."));
        check("I open", None);
        check("yes", None);
    }

    #[test]
    fn a_text_that_is_json_stays_json() {
        check(r#"{"call_id":"Ann","reason":"for Ann"}"#, Some(r#"{"call_id":"Ann","reason":"for (erased)"}"#));
        check(r#"{"reason":"for \"Bert\""}"#, None);
    }
}
