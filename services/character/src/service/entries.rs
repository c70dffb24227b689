//! Entries of a sheet's lists: found by their exact name, new ones under a name of their own, changed part by part.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use service_kit::status::ErrorCode;
use tonic::Status;

use super::{refuse, unknown};
use crate::names;

/// Longest text of an update, in characters.
const MAX_TEXT: usize = 20_000;
/// Characters of a wrong value that are shown again.
const MAX_SHOWN: usize = 60;
/// Deepest nesting of free-form parts.
const MAX_DEPTH: u32 = 8;
/// Most values in free-form parts.
const MAX_VALUES: u32 = 2_000;

/// Where the entry of this name stands; names are the same whatever their case and spaces.
///
/// # Errors
///
/// `INVALID_INPUT` with the nearest names; or if several have the name.
pub fn find<T>(list: &[T], kind: &str, name: &str, whose: &str, of: impl Fn(&T) -> &str) -> Result<usize, Status> {
    let wanted = names::folded(name);
    let mut found = list.iter().enumerate().filter(|(_, entry)| names::folded(of(entry)) == wanted);
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(refuse(format!("{whose} has several of the name '{}'", names::shown(name)))),
        (None, _) => {
            let all: Vec<String> = list.iter().map(|entry| of(entry).to_owned()).collect();
            Err(unknown(kind, name, &all, &format!("{whose} has")))
        }
    }
}

/// Refuses a new name that is blank, has control characters, or is taken.
pub fn check_new<'a>(
    kind: &str,
    name: &str,
    whose: &str,
    taken: impl IntoIterator<Item = &'a str>,
) -> Result<(), Status> {
    check_text(kind, name)?;
    let key = names::folded(name);
    if taken.into_iter().any(|taken| names::folded(taken) == key) {
        let message = format!("{whose} has a {kind} named '{}' already", names::shown(name));
        return Err(service_kit::status::error(ErrorCode::Conflict, message));
    }
    Ok(())
}

/// Refuses a name that is blank or has control characters.
pub fn check_text(kind: &str, name: &str) -> Result<(), Status> {
    if name.trim().is_empty() {
        return Err(refuse(format!("a {kind}'s name must not be empty")));
    }
    if name.chars().any(char::is_control) {
        return Err(refuse(format!("a {kind}'s name must not contain control characters")));
    }
    Ok(())
}

/// The updates a caller sent, each of them to something that may be changed.
///
/// # Errors
///
/// `INVALID_INPUT` for none at all, for one that is not among `allowed`, and for one that is too long or deep.
pub fn updates(updates: Option<prost_types::Struct>, allowed: &[&str]) -> Result<Map<String, Value>, Status> {
    let updates = object(updates)?;
    if updates.is_empty() {
        return Err(refuse(format!("`updates` is empty; it may have {}", allowed.join(", "))));
    }
    let spelled = |(key, value): (String, Value)| match allowed.iter().find(|known| names::is_same(known, &key)) {
        Some(known) => Ok(((*known).to_owned(), value)),
        None => {
            let all: Vec<String> = allowed.iter().map(|&key| key.to_owned()).collect();
            Err(unknown("update", &key, &all, "what can be updated"))
        }
    };
    updates.into_iter().map(spelled).collect()
}

/// A whole number, also one that came as text.
pub fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A number, also one that came as text.
pub fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The same value written otherwise: a number as text, a text as the number or the yes or no that it holds.
fn otherwise(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        Value::String(text) => serde_json::from_str(text.trim()).ok().filter(|value: &Value| !value.is_string()),
        _ => None,
    }
}

/// A free-form part as a JSON object.
///
/// # Errors
///
/// `INVALID_INPUT` for one that is too large or deep.
pub fn object(sent: Option<prost_types::Struct>) -> Result<Map<String, Value>, Status> {
    let Some(sent) = sent else { return Ok(Map::new()) };
    let Value::Object(map) = proto::structs::to_json(sent) else { return Ok(Map::new()) };
    let mut values = 0;
    for value in map.values() {
        check_value(value, 0, &mut values)?;
    }
    Ok(map)
}

fn check_value(value: &Value, depth: u32, values: &mut u32) -> Result<(), Status> {
    *values += 1;
    if depth > MAX_DEPTH || *values > MAX_VALUES {
        return Err(refuse(format!("free-form parts have at most {MAX_VALUES} values, {MAX_DEPTH} deep")));
    }
    match value {
        Value::String(text) if text.chars().count() > MAX_TEXT => {
            Err(refuse(format!("a text has at most {MAX_TEXT} characters, not {}", text.chars().count())))
        }
        Value::Number(number) if number.as_f64().is_none_or(|number| !number.is_finite()) => {
            Err(refuse("a number must be finite"))
        }
        Value::Array(list) => list.iter().try_for_each(|value| check_value(value, depth + 1, values)),
        Value::Object(map) => map.values().try_for_each(|value| check_value(value, depth + 1, values)),
        _ => Ok(()),
    }
}

/// An entry with updates of some of its parts.
///
/// # Errors
///
/// `INVALID_INPUT` if a part cannot have such a value.
pub fn merged<T: Serialize + DeserializeOwned>(entry: &T, updates: Map<String, Value>) -> Result<T, Status> {
    let whole = serde_json::to_value(entry).map_err(|error| service_kit::status::internal(&error))?;
    let mut parts = map(whole);
    let read = |parts: &Map<String, Value>| serde_json::from_value::<T>(Value::Object(parts.clone()));
    for (key, value) in updates {
        let other = otherwise(&value);
        let shown: String = value.to_string().chars().take(MAX_SHOWN).collect();
        parts.insert(key.clone(), value);
        let Err(error) = read(&parts) else { continue };
        let refused = || refuse(format!("`{key}` cannot be {shown}: {error}"));
        parts.insert(key.clone(), other.ok_or_else(refused)?);
        read(&parts).map_err(|_| refused())?;
    }
    read(&parts).map_err(|error| refuse(format!("`updates` cannot be made: {error}")))
}

/// A JSON object that was written as one.
pub fn map(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A text of a free-form entry.
pub fn text<'a>(entry: &'a Map<String, Value>, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Entries as the contract has them.
pub fn structs(list: impl IntoIterator<Item = Value>) -> Vec<prost_types::Struct> {
    list.into_iter().map(proto::structs::from_json).collect()
}
