//! Reads the input of an area: keys of the right kind, within bounds, or a refusal that says what is allowed.

use serde_json::{Map, Value};

use super::RuleError;
use crate::UnknownName;
use crate::names::same_name;
use crate::shadowrun2::condition::Level;

/// Largest count that is read. Ours; the largest figure of the rules is far below it.
pub(super) const MAX_COUNT: u32 = 1_000_000;
/// Most elements of a list. Ours.
pub(super) const MAX_LIST: usize = 200;
/// Characters of a wrong value that are shown again.
const MAX_SHOWN: usize = 64;

/// An object of which every key is known.
pub(super) struct Input<'a> {
    /// The area, and the way to this object within its input.
    place: String,
    keys: &'static [&'static str],
    map: &'a Map<String, Value>,
}

impl<'a> Input<'a> {
    pub(super) fn new(
        place: impl Into<String>,
        keys: &'static [&'static str],
        value: &'a Value,
    ) -> Result<Self, RuleError> {
        let place = place.into();
        let Value::Object(map) = value else {
            return Err(RuleError::NotAnObject { place, keys });
        };
        let is_known = |key: &&String| keys.iter().any(|known| same_name(known, key));
        if let Some(key) = map.keys().find(|key| !is_known(key)) {
            return Err(RuleError::UnknownKey { place, key: shown(key), keys });
        }
        Ok(Self { place, keys, map })
    }

    /// Whether the key is there and not null.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// A part of the object under a key, whatever else that has.
    pub(super) fn part(&self, key: &'static str, part: &str) -> Option<&'a Value> {
        let parts = self.get(key)?.as_object()?;
        parts.iter().find(|(given, _)| same_name(given, part)).map(|(_, value)| value)
    }

    /// The object under a key; an empty one if the key is missing.
    pub(super) fn object(&self, key: &'static str, keys: &'static [&'static str]) -> Result<Input<'a>, RuleError> {
        static EMPTY: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::Object(Map::new()));
        Input::new(format!("{} {key}", self.place), keys, self.get(key).unwrap_or(&EMPTY))
    }

    /// A whole number from 0 to [`MAX_COUNT`].
    pub(super) fn count(&self, key: &'static str) -> Result<u32, RuleError> {
        self.count_up_to(key, MAX_COUNT)
    }

    /// A whole number from 1 to [`MAX_COUNT`].
    pub(super) fn at_least_one(&self, key: &'static str) -> Result<u32, RuleError> {
        match self.count(key)? {
            0 => Err(self.wrong(key, format!("a whole number from 1 to {MAX_COUNT}"))),
            count => Ok(count),
        }
    }

    /// A whole number from 0 to `most`.
    pub(super) fn count_up_to(&self, key: &'static str, most: u32) -> Result<u32, RuleError> {
        let expected = format!("a whole number from 0 to {most}");
        self.required(key, &expected, |value| as_integer(value).and_then(|number| number.try_into().ok()))
            .and_then(|number: u32| if number <= most { Ok(number) } else { Err(self.wrong(key, expected)) })
    }

    /// A whole number from 0 to [`MAX_COUNT`]; 0 if the key is missing.
    pub(super) fn count_or_none(&self, key: &'static str) -> Result<u32, RuleError> {
        if self.has(key) { self.count(key) } else { Ok(0) }
    }

    /// A whole number between -[`MAX_COUNT`] and [`MAX_COUNT`].
    pub(super) fn integer(&self, key: &'static str) -> Result<i32, RuleError> {
        let expected = format!("a whole number from -{MAX_COUNT} to {MAX_COUNT}");
        self.required(key, &expected, as_small_integer)
    }

    /// A number from 0 to `most`, whole or not.
    pub(super) fn number(&self, key: &'static str, most: f64) -> Result<f64, RuleError> {
        let expected = format!("a number from 0 to {most}");
        self.required(key, &expected, |value| as_number(value).filter(|number| (0.0..=most).contains(number)))
    }

    /// A list of whole numbers between -[`MAX_COUNT`] and [`MAX_COUNT`]; empty if the key is missing.
    pub(super) fn integers(&self, key: &'static str) -> Result<Vec<i32>, RuleError> {
        if !self.has(key) {
            return Ok(Vec::new());
        }
        let expected = format!("a list of at most {MAX_LIST} whole numbers");
        self.required(key, &expected, |value| short_list(value)?.iter().map(as_small_integer).collect())
    }

    /// A list of faces of a six-sided die.
    pub(super) fn faces(&self, key: &'static str) -> Result<Vec<u32>, RuleError> {
        let expected = format!("a list of at most {MAX_LIST} faces, 1 to 6");
        self.required(key, &expected, as_faces)
    }

    /// A list of lists of faces of a six-sided die.
    pub(super) fn faces_by_die(&self, key: &'static str) -> Result<Vec<Vec<u32>>, RuleError> {
        let expected = format!("a list of at most {MAX_LIST} lists of faces, 1 to 6");
        self.required(key, &expected, |value| short_list(value)?.iter().map(as_faces).collect())
    }

    /// A list of words.
    pub(super) fn texts(&self, key: &'static str) -> Result<Vec<&'a str>, RuleError> {
        let expected = format!("a list of at most {MAX_LIST} words");
        self.required(key, &expected, |value| short_list(value)?.iter().map(Value::as_str).collect())
    }

    /// `true` or `false`; false if the key is missing.
    pub(super) fn flag(&self, key: &'static str) -> Result<bool, RuleError> {
        if self.has(key) { self.required(key, "true or false", as_flag) } else { Ok(false) }
    }

    /// A text.
    pub(super) fn text(&self, key: &'static str) -> Result<&'a str, RuleError> {
        self.required(key, "a text", Value::as_str)
    }

    /// A text; `None` if the key is missing.
    pub(super) fn optional_text(&self, key: &'static str) -> Result<Option<&'a str>, RuleError> {
        if self.has(key) { self.text(key).map(Some) } else { Ok(None) }
    }

    /// A word that `parse` knows.
    pub(super) fn word<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, UnknownName>,
    ) -> Result<T, RuleError> {
        let text = self.text(key)?;
        parse(text).map_err(|unknown| self.unknown_word(key, unknown))
    }

    /// A word that `parse` knows; `None` if the key is missing.
    pub(super) fn optional_word<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, UnknownName>,
    ) -> Result<Option<T>, RuleError> {
        if self.has(key) { self.word(key, parse).map(Some) } else { Ok(None) }
    }

    /// One of these words, for what it stands for. Case, spaces and punctuation do not matter.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Result<T, RuleError> {
        self.word(key, |word| {
            let found = choices.iter().find(|(name, _)| same_name(name, word));
            let names = || UnknownName::new("word", word, choices.iter().map(|(name, _)| *name));
            found.map(|(_, meaning)| *meaning).ok_or_else(names)
        })
    }

    /// A wound level.
    pub(super) fn level(&self, key: &'static str) -> Result<Level, RuleError> {
        self.word(key, Level::parse)
    }

    /// A wound level; `None` for `none` and for a missing key.
    pub(super) fn wound(&self, key: &'static str) -> Result<Option<Level>, RuleError> {
        match self.optional_text(key)? {
            None => Ok(None),
            Some(word) if word.eq_ignore_ascii_case("none") => Ok(None),
            Some(_) => self.level(key).map(Some),
        }
    }

    /// A text that reads as something, such as a damage code.
    pub(super) fn parsed<T: std::str::FromStr>(&self, key: &'static str) -> Result<T, RuleError>
    where
        T::Err: std::fmt::Display,
    {
        self.text(key)?.parse().map_err(|error: T::Err| self.refused(error))
    }

    /// The refusal of a rule.
    pub(super) fn refused(&self, reason: impl std::fmt::Display) -> RuleError {
        RuleError::Refused { place: self.place.clone(), reason: reason.to_string() }
    }

    /// A refusal because a word is not known.
    pub(super) fn unknown_word(&self, key: &'static str, unknown: UnknownName) -> RuleError {
        RuleError::UnknownWord { place: self.place.clone(), key, unknown: Box::new(unknown) }
    }

    /// A refusal because a value is not what it must be.
    pub(super) fn wrong(&self, key: &'static str, expected: impl Into<String>) -> RuleError {
        let found = self.get(key).map_or_else(|| "nothing".to_owned(), |value| shown(&value.to_string()));
        RuleError::Wrong { place: self.place.clone(), key, expected: expected.into(), found }
    }

    fn required<T>(
        &self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, RuleError> {
        let missing = || RuleError::Missing { place: self.place.clone(), key, expected: expected.to_owned() };
        let value = self.get(key).ok_or_else(missing)?;
        read(value).ok_or_else(|| self.wrong(key, expected))
    }

    fn get(&self, key: &'static str) -> Option<&'a Value> {
        debug_assert!(self.keys.contains(&key), "{} does not list its key {key}", self.place);
        let spelled = || self.map.iter().find(|(given, _)| same_name(given, key)).map(|(_, value)| value);
        self.map.get(key).or_else(spelled).filter(|value| !value.is_null())
    }
}

/// A number, also one that came as text.
fn as_number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A yes or no, also one that came as text.
fn as_flag(value: &Value) -> Option<bool> {
    match value.as_str().map(str::trim) {
        Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => value.as_bool(),
    }
}

/// A whole number, also one that came as a float or as text.
fn as_integer(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() <= EXACT;
    value.as_i64().or_else(|| as_number(value).filter(whole).map(|number| number as i64))
}

fn as_small_integer(value: &Value) -> Option<i32> {
    let number = as_integer(value).and_then(|number| i32::try_from(number).ok());
    number.filter(|number| number.unsigned_abs() <= MAX_COUNT)
}

fn as_faces(value: &Value) -> Option<Vec<u32>> {
    let face = |value| as_integer(value).filter(|face| (1..=6).contains(face)).map(|face| face as u32);
    short_list(value)?.iter().map(face).collect()
}

fn short_list(value: &Value) -> Option<&Vec<Value>> {
    value.as_array().filter(|list| list.len() <= MAX_LIST)
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}
