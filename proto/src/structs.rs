//! `google.protobuf.Struct` to and from JSON, for the free-form parts of messages.

use prost_types::{ListValue, Struct, Value, value::Kind};

/// The largest whole number that an `f64`, and so a protobuf number, holds exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The struct of a JSON object; anything but an object gives an empty one.
pub fn from_json(json: serde_json::Value) -> Struct {
    match json {
        serde_json::Value::Object(map) => {
            Struct { fields: map.into_iter().map(|(key, value)| (key, value_from_json(value))).collect() }
        }
        _ => Struct::default(),
    }
}

/// The JSON object of a struct; whole numbers are printed without a fraction.
pub fn to_json(message: Struct) -> serde_json::Value {
    message.fields.into_iter().map(|(key, value)| (key, value_to_json(value))).collect::<serde_json::Map<_, _>>().into()
}

/// The protobuf value of any JSON value.
pub fn value_from_json(json: serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(value) => Kind::BoolValue(value),
        serde_json::Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        serde_json::Value::String(value) => Kind::StringValue(value),
        serde_json::Value::Array(values) => Kind::ListValue(list_from_json(values)),
        object @ serde_json::Value::Object(_) => Kind::StructValue(from_json(object)),
    };
    Value { kind: Some(kind) }
}

/// The list of numbers.
pub fn list(numbers: impl Iterator<Item = f64>) -> ListValue {
    ListValue { values: numbers.map(|number| Value { kind: Some(Kind::NumberValue(number)) }).collect() }
}

/// The list of JSON values.
fn list_from_json(values: Vec<serde_json::Value>) -> ListValue {
    ListValue { values: values.into_iter().map(value_from_json).collect() }
}

/// The JSON value of any protobuf value.
pub fn value_to_json(value: Value) -> serde_json::Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(value)) => value.into(),
        Some(Kind::NumberValue(value)) => number_to_json(value),
        Some(Kind::StringValue(value)) => value.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(value_to_json).collect(),
        Some(Kind::StructValue(message)) => to_json(message),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number within range")]
fn number_to_json(value: f64) -> serde_json::Value {
    if value.fract() == 0.0 && value.abs() <= MAX_EXACT { (value as i64).into() } else { value.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_survives_the_way_through_a_struct() {
        let json = json!({"text": "a", "whole": 3, "part": 2.55, "list": [1, null, {"deep": true}], "negative": -2});

        assert_eq!(to_json(from_json(json.clone())), json);
    }

    #[test]
    fn whole_numbers_print_without_a_fraction() {
        assert_eq!(to_json(from_json(json!({"tn": 4.0}))).to_string(), r#"{"tn":4}"#);
    }
}
