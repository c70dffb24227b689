//! The `buf.validate` rules of a field, enforced once for gRPC, REST and the model.
//!
//! Only the subset that maps to JSON Schema is known: bounds, lengths, pattern, `in`, item counts.

use std::{collections::HashMap, sync::LazyLock};

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};
use regex::Regex;

use crate::{
    POOL,
    json::{Wire, next},
};

/// Messages within messages that are looked into.
const MAX_DEPTH: u32 = 8;

/// What one field must satisfy.
#[derive(Debug, Default, Clone)]
pub struct Rules {
    /// Smallest number allowed.
    pub at_least: Option<f64>,
    /// Largest number allowed.
    pub at_most: Option<f64>,
    /// Fewest characters of a string.
    pub min_len: Option<u64>,
    /// Most characters of a string.
    pub max_len: Option<u64>,
    /// What a string must match.
    pub pattern: Option<Regex>,
    /// The only strings allowed; empty: any.
    pub allowed: Vec<String>,
    /// Fewest items of a list.
    pub min_items: Option<u64>,
    /// Most items of a list.
    pub max_items: Option<u64>,
    /// What each item of a list must satisfy.
    pub items: Option<Box<Rules>>,
    /// Whether a message must be there.
    pub required: bool,
}

/// A field that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {message}")]
pub struct Violation {
    /// The field, with its path where it is nested: `characters[2].name`.
    pub field: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// A field that has rules or leads to one that has.
struct Ruled {
    field: FieldDescriptor,
    rules: Rules,
    /// Whether it may be left out of the bytes.
    is_optional: bool,
}

impl Ruled {
    fn new(field: FieldDescriptor) -> Ruled {
        let rules = rules_of(&field);
        let is_optional = match field.supports_presence() {
            true => !rules.required,
            false => check_value("", &field.default_value(), &rules).is_ok(),
        };
        Ruled { field, rules, is_optional }
    }

    /// Whether a value surely keeps the rules.
    #[expect(clippy::cast_possible_truncation, reason = "as the encoding defines them")]
    fn surely_allows(&self, wire: &Wire<'_>, depth: u32) -> bool {
        let within = |number: f64| is_within(number, &self.rules);
        match (self.field.kind(), wire) {
            _ if self.field.is_list() || self.field.is_map() => false,
            (Kind::Int32, Wire::Varint(value)) => within(f64::from(*value as i32)),
            (Kind::Uint32, Wire::Varint(value)) => within(f64::from(*value as u32)),
            (Kind::Int64, Wire::Varint(value)) => within((*value).cast_signed() as f64),
            (Kind::Uint64, Wire::Varint(value)) => within(*value as f64),
            (Kind::Double, Wire::Fixed64(value)) => within(f64::from_bits(*value)),
            (Kind::String, Wire::Bytes(value)) => {
                std::str::from_utf8(value).is_ok_and(|text| check_text("", text, &self.rules).is_ok())
            }
            (Kind::Message(message), Wire::Bytes(value)) => surely_passes(message.full_name(), value, depth + 1),
            _ => false,
        }
    }
}

/// Every field of every message that has rules or leads to one that has.
static FIELDS: LazyLock<HashMap<String, Vec<Ruled>>> = LazyLock::new(|| {
    let messages = POOL.all_messages().filter(|message| message.package_name().starts_with("dicetower."));
    messages
        .map(|message| {
            let fields = message.fields().filter(|field| has_rules(field, 0));
            (message.full_name().to_owned(), fields.map(Ruled::new).collect())
        })
        .collect()
});

/// Whether anything in this message has a rule, so that it must be looked into.
pub fn is_ruled(message: &MessageDescriptor) -> bool {
    FIELDS.get(message.full_name()).is_some_and(|fields| !fields.is_empty())
}

/// Checks an encoded message against its rules; bytes that are not one are left to who decodes them.
///
/// # Errors
///
/// The first field that breaks one, with what is allowed.
pub fn check_bytes(message: &MessageDescriptor, bytes: &[u8]) -> Result<(), Violation> {
    // Nearly every request keeps the rules, which its bytes tell sooner than a message made of them.
    if surely_passes(message.full_name(), bytes, 0) {
        return Ok(());
    }
    DynamicMessage::decode(message.clone(), bytes).map_or(Ok(()), |message| check(&message))
}

/// Whether an encoded message surely keeps its rules. What is seldom seen, as lists or a field that comes twice, is not
/// looked into.
fn surely_passes(message: &str, mut bytes: &[u8], depth: u32) -> bool {
    let Some(fields) = FIELDS.get(message) else { return true };
    if depth == MAX_DEPTH || fields.len() > u64::BITS as usize {
        return false;
    }
    let mut seen = 0_u64;
    while !bytes.is_empty() {
        let Some((number, wire)) = next(&mut bytes) else { return false };
        let Some(at) = fields.iter().position(|ruled| ruled.field.number() == number) else { continue };
        if seen & (1 << at) != 0 || !fields[at].surely_allows(&wire, depth) {
            return false;
        }
        seen |= 1 << at;
    }
    fields.iter().enumerate().all(|(at, ruled)| ruled.is_optional || seen & (1 << at) != 0)
}

/// Checks a message against its rules.
///
/// # Errors
///
/// The first field that breaks one, with what is allowed.
pub fn check(message: &DynamicMessage) -> Result<(), Violation> {
    let Some(fields) = FIELDS.get(message.descriptor().full_name()) else { return Ok(()) };
    for Ruled { field, rules, .. } in fields {
        if field.supports_presence() && !message.has_field(field) {
            if rules.required {
                return Err(violation(field.name(), "is missing"));
            }
            continue;
        }
        check_value(field.name(), message.get_field(field).as_ref(), rules)?;
    }
    Ok(())
}

/// The rules of a field of this contract, read once; `None` if it has none.
pub(crate) fn known_rules(field: &FieldDescriptor) -> Option<&'static Rules> {
    let ruled = FIELDS.get(field.parent_message().full_name())?.iter().find(|ruled| ruled.field == *field)?;
    Some(&ruled.rules)
}

/// The rules written beside a field.
pub fn rules_of(field: &FieldDescriptor) -> Rules {
    let Some(extension) = POOL.get_extension_by_name("buf.validate.field") else { return Rules::default() };
    let options = field.options();
    if !options.has_extension(&extension) {
        return Rules::default();
    }
    match options.get_extension(&extension).as_message() {
        Some(rules) => parse(rules),
        None => Rules::default(),
    }
}

fn has_rules(field: &FieldDescriptor, depth: u32) -> bool {
    let ruled = POOL
        .get_extension_by_name("buf.validate.field")
        .is_some_and(|extension| field.options().has_extension(&extension));
    let nested = match field.kind() {
        Kind::Message(message) if depth < 8 => message.fields().any(|inner| has_rules(&inner, depth + 1)),
        _ => false,
    };
    ruled || nested
}

fn parse(field_rules: &DynamicMessage) -> Rules {
    let mut rules = Rules::default();
    for (field, value) in field_rules.fields() {
        match (field.name(), value) {
            ("required", Value::Bool(required)) => rules.required = *required,
            (_, Value::Message(typed)) => parse_typed(typed, &mut rules),
            _ => {}
        }
    }
    rules
}

fn parse_typed(typed: &DynamicMessage, rules: &mut Rules) {
    for (field, value) in typed.fields() {
        match (field.name(), value) {
            ("gte", number) => rules.at_least = to_f64(number),
            ("lte", number) => rules.at_most = to_f64(number),
            ("min_len", Value::U64(length)) => rules.min_len = Some(*length),
            ("max_len", Value::U64(length)) => rules.max_len = Some(*length),
            ("min_items", Value::U64(count)) => rules.min_items = Some(*count),
            ("max_items", Value::U64(count)) => rules.max_items = Some(*count),
            ("pattern", Value::String(pattern)) => {
                rules.pattern = Some(Regex::new(pattern).expect("a pattern of the contract is a regular expression"));
            }
            ("in", Value::List(values)) => {
                rules.allowed = values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
            }
            ("items", Value::Message(items)) => rules.items = Some(Box::new(parse(items))),
            _ => {}
        }
    }
}

fn check_value(name: &str, value: &Value, rules: &Rules) -> Result<(), Violation> {
    match value {
        Value::String(text) => check_text(name, text, rules),
        Value::List(items) => {
            let count = items.len() as u64;
            if rules.min_items.is_some_and(|least| count < least) || rules.max_items.is_some_and(|most| most < count) {
                let allowed = span(rules.min_items.map(|least| least as f64), rules.max_items.map(|most| most as f64));
                return Err(violation(name, format!("must have {allowed} items, not {count}")));
            }
            let each = rules.items.as_deref().cloned().unwrap_or_default();
            items.iter().enumerate().try_for_each(|(index, item)| check_value(&format!("{name}[{index}]"), item, &each))
        }
        Value::Message(message) => check(message)
            .map_err(|inner| Violation { field: format!("{name}.{}", inner.field), message: inner.message }),
        number => match to_f64(number) {
            Some(number) if !is_within(number, rules) => {
                Err(violation(name, format!("must be {}, not {number}", span(rules.at_least, rules.at_most))))
            }
            _ => Ok(()),
        },
    }
}

fn is_within(number: f64, rules: &Rules) -> bool {
    let too_small = rules.at_least.is_some_and(|least| number < least);
    !too_small && rules.at_most.is_none_or(|most| number <= most)
}

fn check_text(name: &str, text: &str, rules: &Rules) -> Result<(), Violation> {
    let length = text.chars().count() as u64;
    if rules.min_len.is_some_and(|least| length < least) || rules.max_len.is_some_and(|most| most < length) {
        if length == 0 {
            return Err(violation(name, "must not be empty"));
        }
        let allowed = span(rules.min_len.map(|least| least as f64), rules.max_len.map(|most| most as f64));
        return Err(violation(name, format!("must have {allowed} characters, not {length}")));
    }
    if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
        return Err(violation(name, format!("must match {pattern}")));
    }
    if !rules.allowed.is_empty() && !rules.allowed.iter().any(|allowed| allowed == text) {
        let given: String = text.chars().take(40).collect();
        return Err(violation(name, format!("must be one of {}, not {given:?}", rules.allowed.join(", "))));
    }
    Ok(())
}

fn span(least: Option<f64>, most: Option<f64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "anything".into(),
    }
}

fn to_f64(value: &Value) -> Option<f64> {
    match value {
        Value::I32(number) => Some(f64::from(*number)),
        Value::U32(number) => Some(f64::from(*number)),
        Value::I64(number) => Some(*number as f64),
        Value::U64(number) => Some(*number as f64),
        Value::F64(number) => Some(*number),
        Value::F32(number) => Some(f64::from(*number)),
        _ => None,
    }
}

fn violation(field: &str, message: impl Into<String>) -> Violation {
    Violation { field: field.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::dice::v1::RollDiceRequest;

    #[track_caller]
    fn check_roll(request: RollDiceRequest, expected: Result<(), &str>) {
        let descriptor = POOL.get_message_by_name("dicetower.dice.v1.RollDiceRequest").unwrap();
        let bytes = request.encode_to_vec();
        let message = DynamicMessage::decode(descriptor.clone(), bytes.as_slice()).unwrap();
        let expected = expected.map_err(str::to_owned);
        assert_eq!(check(&message).map_err(|violation| violation.to_string()), expected);
        assert_eq!(check_bytes(&descriptor, &bytes).map_err(|violation| violation.to_string()), expected);
    }

    #[test]
    fn bytes_that_surely_pass_break_no_rule_and_most_that_pass_surely_do() {
        let descriptor = POOL.get_message_by_name("dicetower.dice.v1.RollDiceRequest").unwrap();
        for pool in [0, 1, 100, 101, u32::MAX] {
            for notation in [None, Some(""), Some("1d20"), Some("\u{e9}")] {
                let notation = notation.map(str::to_owned);
                let bytes = RollDiceRequest { pool: Some(pool), notation, ..Default::default() }.encode_to_vec();
                let message = DynamicMessage::decode(descriptor.clone(), bytes.as_slice()).unwrap();
                assert_eq!(surely_passes(descriptor.full_name(), &bytes, 0), check(&message).is_ok(), "{message}");
            }
        }
    }

    #[test]
    fn a_field_that_must_be_there_and_is_not_does_not_surely_pass() {
        for (message, fields) in FIELDS.iter() {
            let descriptor = POOL.get_message_by_name(message).unwrap();
            let is_empty_allowed = check(&DynamicMessage::new(descriptor)).is_ok();
            assert_eq!(surely_passes(message, &[], 0), is_empty_allowed || fields.is_empty(), "{message}");
        }
    }

    #[test]
    fn a_field_that_comes_twice_is_looked_at_with_care() {
        let descriptor = POOL.get_message_by_name("dicetower.dice.v1.RollDiceRequest").unwrap();
        let one = |pool| RollDiceRequest { pool: Some(pool), ..Default::default() }.encode_to_vec();

        assert!(check_bytes(&descriptor, &[one(0), one(5)].concat()).is_ok());
        assert!(check_bytes(&descriptor, &[one(5), one(0)].concat()).is_err());
    }

    #[test]
    fn a_field_in_range_passes_and_an_absent_one_too() {
        check_roll(RollDiceRequest { pool: Some(100), ..Default::default() }, Ok(()));
        check_roll(RollDiceRequest::default(), Ok(()));
    }

    #[test]
    fn a_number_out_of_range_is_told_the_range() {
        check_roll(RollDiceRequest { pool: Some(0), ..Default::default() }, Err("`pool` must be 1 to 100, not 0"));
    }

    #[test]
    fn an_empty_text_is_refused_where_one_is_needed() {
        check_roll(
            RollDiceRequest { notation: Some(String::new()), ..Default::default() },
            Err("`notation` must not be empty"),
        );
    }

    #[test]
    fn a_length_is_counted_in_characters() {
        let request = RollDiceRequest { notation: Some("é".repeat(401)), ..Default::default() };
        check_roll(request, Err("`notation` must have 1 to 400 characters, not 401"));
    }
}
