//! Messages as JSON, straight from their bytes: snake_case names, numbers as numbers, nothing left out.
//!
//! Every answer to a tool, every event of the log and every frame goes this way, so it takes no detour through a
//! dynamic message. What a message may hold is laid out once as a [`Shape`]; kinds of fields that only contracts of
//! others use are left to `prost-reflect`.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock},
};

use prost::bytes::Buf;
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MessageDescriptor, SerializeOptions};
use serde_json::ser::{CompactFormatter, Formatter};

use crate::POOL;

/// Messages within messages, as many as prost reads.
const MAX_DEPTH: u32 = 100;

/// The same rules for what `prost-reflect` writes.
pub(crate) fn options() -> SerializeOptions {
    SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false).skip_default_fields(false)
}

/// How the messages of one type, and of all that they hold, are written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shape {
    layouts: Arc<[Layout]>,
}

#[derive(Debug)]
enum Layout {
    Fields(Box<[Field]>),
    Struct,
    List,
    Value,
    /// One that holds what our contract does not use: maps, groups, bytes, floats, the other well-known types.
    Other(MessageDescriptor),
}

#[derive(Debug)]
struct Field {
    number: u32,
    /// `"name":`
    key: Box<str>,
    form: Form,
    is_list: bool,
    /// Whether it is left out when it is not set.
    has_presence: bool,
    /// The `oneof` that it is an alternative of: the last one set counts.
    oneof: Option<usize>,
}

#[derive(Debug)]
enum Form {
    Bool,
    Int,
    Uint,
    ZigZag,
    Fixed32,
    SignedFixed32,
    Fixed64,
    SignedFixed64,
    Double,
    Text,
    Enum(EnumDescriptor),
    /// The layout at this place.
    Message(usize),
}

/// The shapes of our own messages, by full name.
static SHAPES: LazyLock<RwLock<HashMap<String, Shape>>> = LazyLock::new(RwLock::default);

impl Shape {
    /// The shape of a message of our contract; `None` if it has none of that name.
    pub fn of(full_name: &str) -> Option<Shape> {
        if let Some(shape) = SHAPES.read().unwrap_or_else(PoisonError::into_inner).get(full_name) {
            return Some(shape.clone());
        }
        let shape = Shape::new(&POOL.get_message_by_name(full_name)?);
        SHAPES.write().unwrap_or_else(PoisonError::into_inner).insert(full_name.to_owned(), shape.clone());
        Some(shape)
    }

    /// The shape of the messages of this type.
    pub fn new(message: &MessageDescriptor) -> Shape {
        let mut layouts = Vec::new();
        lay_out(message, &mut layouts, &mut HashMap::new());
        let layouts = layouts.into_iter().map(|layout: OnceLock<Layout>| layout.into_inner().unwrap_or(Layout::Struct));
        Shape { layouts: layouts.collect() }
    }

    /// The JSON text of an encoded message, fields in the order of their numbers; `None` if the bytes are not one.
    pub fn text(&self, bytes: &[u8]) -> Option<String> {
        let mut text = Vec::with_capacity(512);
        self.write(0, bytes, 0, &mut text)?;
        String::from_utf8(text).ok()
    }

    /// What is set in an encoded message: the name and the JSON text of each field, in the order of their numbers. `None`
    /// if the bytes are no such message.
    pub(crate) fn fields(&self, bytes: &[u8]) -> Option<Vec<(&str, String)>> {
        let Some(Layout::Fields(fields)) = self.layouts.first() else { return None };
        let mut told = Vec::with_capacity(fields.len());
        for set in find(fields, bytes)?.chunk_by(|(one, _), (other, _)| one == other) {
            let field = &fields[set.first()?.0];
            let mut text = Vec::with_capacity(512);
            self.write_field(field, set, 0, &mut text)?;
            told.push((field.key.trim_matches(['"', ':']), String::from_utf8(text).ok()?));
        }
        Some(told)
    }

    fn write(&self, layout: usize, bytes: &[u8], depth: u32, text: &mut Vec<u8>) -> Option<()> {
        if depth == MAX_DEPTH {
            return None;
        }
        match &self.layouts[layout] {
            Layout::Fields(fields) => self.write_fields(fields, bytes, depth, text),
            Layout::Struct => write_struct(bytes, depth, text),
            Layout::List => write_list(bytes, depth, text),
            Layout::Value => write_value(bytes, depth, text),
            Layout::Other(message) => {
                let message = DynamicMessage::decode(message.clone(), bytes).ok()?;
                let mut json = serde_json::Serializer::with_formatter(text, Tidy);
                message.serialize_with_options(&mut json, &options()).ok()
            }
        }
    }

    fn write_fields(&self, fields: &[Field], bytes: &[u8], depth: u32, text: &mut Vec<u8>) -> Option<()> {
        let found = find(fields, bytes)?;
        let mut rest = found.as_slice();
        text.push(b'{');
        let begin = text.len();
        for (at, field) in fields.iter().enumerate() {
            let (mine, others) = rest.split_at(rest.iter().take_while(|(of, _)| *of == at).count());
            rest = others;
            if mine.is_empty() && field.has_presence {
                continue;
            }
            if begin < text.len() {
                text.push(b',');
            }
            text.extend_from_slice(field.key.as_bytes());
            self.write_field(field, mine, depth, text)?;
        }
        text.push(b'}');
        Some(())
    }

    /// A field of which these are the parts on the wire.
    fn write_field(&self, field: &Field, mine: &[(usize, Wire<'_>)], depth: u32, text: &mut Vec<u8>) -> Option<()> {
        if field.is_list {
            text.push(b'[');
            let begin = text.len();
            for (_, wire) in mine {
                self.write_items(&field.form, wire, depth, begin, text)?;
            }
            text.push(b']');
            return Some(());
        }
        match (&field.form, mine) {
            // The parts of one message add up to it.
            (Form::Message(layout), [_, _, ..]) => {
                let parts: Option<Vec<&[u8]>> = mine.iter().map(|(_, wire)| wire.bytes()).collect();
                self.write(*layout, &parts?.concat(), depth + 1, text)
            }
            (form, [.., (_, wire)]) => self.write_one(form, wire, depth, text),
            (form, []) => {
                write_default(form, text);
                Some(())
            }
        }
    }

    /// One item of a list, or several numbers packed together.
    fn write_items(&self, form: &Form, wire: &Wire<'_>, depth: u32, begin: usize, text: &mut Vec<u8>) -> Option<()> {
        let mut packed = match (form, wire) {
            (Form::Text | Form::Message(_), _) | (_, Wire::Varint(_) | Wire::Fixed32(_) | Wire::Fixed64(_)) => {
                separate(begin, text);
                return self.write_one(form, wire, depth, text);
            }
            (_, Wire::Bytes(packed)) => *packed,
        };
        while !packed.is_empty() {
            let wire = match form {
                Form::Fixed32 | Form::SignedFixed32 => Wire::Fixed32(packed.try_get_u32_le().ok()?),
                Form::Fixed64 | Form::SignedFixed64 | Form::Double => Wire::Fixed64(packed.try_get_u64_le().ok()?),
                _ => Wire::Varint(varint(&mut packed)?),
            };
            separate(begin, text);
            self.write_one(form, &wire, depth, text)?;
        }
        Some(())
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "as the encoding defines them")]
    fn write_one(&self, form: &Form, wire: &Wire<'_>, depth: u32, text: &mut Vec<u8>) -> Option<()> {
        match (form, wire) {
            (Form::Bool, Wire::Varint(value)) => text.extend_from_slice(if *value == 0 { b"false" } else { b"true" }),
            // A negative number of 32 bits is written with 64.
            (Form::Int, Wire::Varint(value)) => write_i64(*value as i64, text),
            (Form::Uint, Wire::Varint(value)) => write_u64(*value, text),
            (Form::ZigZag, Wire::Varint(value)) => write_i64((value >> 1) as i64 ^ -((value & 1) as i64), text),
            (Form::Fixed32, Wire::Fixed32(value)) => write_u64(u64::from(*value), text),
            (Form::SignedFixed32, Wire::Fixed32(value)) => write_i64(i64::from(*value as i32), text),
            (Form::Fixed64, Wire::Fixed64(value)) => write_u64(*value, text),
            (Form::SignedFixed64, Wire::Fixed64(value)) => write_i64(*value as i64, text),
            (Form::Double, Wire::Fixed64(value)) => write_double(f64::from_bits(*value), text),
            (Form::Text, Wire::Bytes(value)) => write_text(value, text)?,
            (Form::Enum(names), Wire::Varint(value)) => write_enum(names, *value as i32, text),
            (Form::Message(layout), Wire::Bytes(value)) => self.write(*layout, value, depth + 1, text)?,
            _ => return None,
        }
        Some(())
    }
}

/// Adds the layout of a message and of all that it holds; returns its place.
fn lay_out(
    message: &MessageDescriptor,
    layouts: &mut Vec<OnceLock<Layout>>,
    known: &mut HashMap<String, usize>,
) -> usize {
    if let Some(place) = known.get(message.full_name()) {
        return *place;
    }
    let place = layouts.len();
    known.insert(message.full_name().to_owned(), place);
    // The place is taken first: a message may hold its like.
    layouts.push(OnceLock::new());
    let layout = match message.full_name() {
        "google.protobuf.Struct" => Layout::Struct,
        "google.protobuf.ListValue" => Layout::List,
        "google.protobuf.Value" => Layout::Value,
        name if name.starts_with("google.protobuf.") => Layout::Other(message.clone()),
        _ => {
            let fields: Option<Vec<Field>> = message
                .fields()
                .map(|field| {
                    let form = match field.kind() {
                        _ if field.is_map() || field.is_group() => return None,
                        Kind::Float | Kind::Bytes => return None,
                        Kind::Bool => Form::Bool,
                        Kind::Int32 | Kind::Int64 => Form::Int,
                        Kind::Uint32 | Kind::Uint64 => Form::Uint,
                        Kind::Sint32 | Kind::Sint64 => Form::ZigZag,
                        Kind::Fixed32 => Form::Fixed32,
                        Kind::Sfixed32 => Form::SignedFixed32,
                        Kind::Fixed64 => Form::Fixed64,
                        Kind::Sfixed64 => Form::SignedFixed64,
                        Kind::Double => Form::Double,
                        Kind::String => Form::Text,
                        Kind::Enum(names) if names.full_name() == "google.protobuf.NullValue" => return None,
                        Kind::Enum(names) => Form::Enum(names),
                        Kind::Message(inner) => Form::Message(lay_out(&inner, layouts, known)),
                    };
                    let oneof = field.containing_oneof().filter(|oneof| 1 < oneof.fields().len());
                    let oneof = oneof.map(|oneof| message.oneofs().take_while(|other| *other != oneof).count());
                    Some(Field {
                        number: field.number(),
                        key: format!("\"{}\":", field.name()).into(),
                        form,
                        is_list: field.is_list(),
                        has_presence: field.supports_presence(),
                        oneof,
                    })
                })
                .collect();
            fields.map_or_else(|| Layout::Other(message.clone()), |fields| Layout::Fields(fields.into()))
        }
    };
    let _ = layouts[place].set(layout);
    place
}

/// The value of a field as it was encoded.
#[derive(Clone, Copy)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Wire::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The number of the next field and its value.
pub(crate) fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Wire<'a>)> {
    let tag = u32::try_from(varint(bytes)?).ok()?;
    let wire = match tag & 7 {
        0 => Wire::Varint(varint(bytes)?),
        1 => Wire::Fixed64(bytes.try_get_u64_le().ok()?),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (value, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Wire::Bytes(value)
        }
        5 => Wire::Fixed32(bytes.try_get_u32_le().ok()?),
        _ => return None,
    };
    Some((tag >> 3, wire))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    prost::encoding::decode_varint(bytes).ok()
}

/// What is set in a message, in the order of the fields. What the contract does not know is passed over.
fn find<'a>(fields: &[Field], mut bytes: &'a [u8]) -> Option<Vec<(usize, Wire<'a>)>> {
    let mut found: Vec<(usize, Wire<'_>)> = Vec::with_capacity(fields.len());
    let mut is_sorted = true;
    while !bytes.is_empty() {
        let (number, wire) = next(&mut bytes)?;
        let Ok(at) = fields.binary_search_by_key(&number, |field| field.number) else { continue };
        if let Some(oneof) = fields[at].oneof {
            found.retain(|(other, _)| *other == at || fields[*other].oneof != Some(oneof));
        }
        is_sorted &= found.last().is_none_or(|(last, _)| *last <= at);
        found.push((at, wire));
    }
    if !is_sorted {
        found.sort_by_key(|(at, _)| *at);
    }
    Some(found)
}

fn write_struct(mut bytes: &[u8], depth: u32, text: &mut Vec<u8>) -> Option<()> {
    // Of a key that comes twice the last counts.
    let mut entries = BTreeMap::new();
    while !bytes.is_empty() {
        let (1, Wire::Bytes(mut entry)) = next(&mut bytes)? else { continue };
        let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
        while !entry.is_empty() {
            match next(&mut entry)? {
                (1, Wire::Bytes(bytes)) => key = bytes,
                (2, Wire::Bytes(bytes)) => value = bytes,
                _ => {}
            }
        }
        entries.insert(key, value);
    }
    text.push(b'{');
    let begin = text.len();
    for (key, value) in entries {
        separate(begin, text);
        write_text(key, text)?;
        text.push(b':');
        write_value(value, depth + 1, text)?;
    }
    text.push(b'}');
    Some(())
}

fn write_list(mut bytes: &[u8], depth: u32, text: &mut Vec<u8>) -> Option<()> {
    text.push(b'[');
    let begin = text.len();
    while !bytes.is_empty() {
        if let (1, Wire::Bytes(value)) = next(&mut bytes)? {
            separate(begin, text);
            write_value(value, depth + 1, text)?;
        }
    }
    text.push(b']');
    Some(())
}

fn write_value(mut bytes: &[u8], depth: u32, text: &mut Vec<u8>) -> Option<()> {
    if MAX_DEPTH <= depth {
        return None;
    }
    let mut last = (1, Wire::Varint(0));
    while !bytes.is_empty() {
        last = next(&mut bytes)?;
    }
    match last {
        (1, Wire::Varint(_)) => text.extend_from_slice(b"null"),
        (2, Wire::Fixed64(bits)) => write_double(Some(f64::from_bits(bits)).filter(|number| number.is_finite())?, text),
        (3, Wire::Bytes(value)) => write_text(value, text)?,
        (4, Wire::Varint(value)) => text.extend_from_slice(if value == 0 { b"false" } else { b"true" }),
        (5, Wire::Bytes(value)) => write_struct(value, depth + 1, text)?,
        (6, Wire::Bytes(value)) => write_list(value, depth + 1, text)?,
        _ => return None,
    }
    Some(())
}

/// A comma, unless nothing was written since `begin`.
fn separate(begin: usize, text: &mut Vec<u8>) {
    if begin < text.len() {
        text.push(b',');
    }
}

fn write_default(form: &Form, text: &mut Vec<u8>) {
    match form {
        Form::Bool => text.extend_from_slice(b"false"),
        Form::Text => text.extend_from_slice(b"\"\""),
        Form::Enum(names) => write_enum(names, names.default_value().number(), text),
        Form::Message(_) => text.extend_from_slice(b"{}"),
        _ => text.push(b'0'),
    }
}

fn write_enum(names: &EnumDescriptor, number: i32, text: &mut Vec<u8>) {
    match names.get_value(number) {
        Some(value) => {
            text.push(b'"');
            text.extend_from_slice(value.name().as_bytes());
            text.push(b'"');
        }
        None => write_i64(i64::from(number), text),
    }
}

fn write_text(value: &[u8], text: &mut Vec<u8>) -> Option<()> {
    let value = std::str::from_utf8(value).ok()?;
    serde_json::to_writer(text, value).ok()
}

fn write_i64(value: i64, text: &mut Vec<u8>) {
    CompactFormatter.write_i64(text, value).expect("memory takes all");
}

fn write_u64(value: u64, text: &mut Vec<u8>) {
    CompactFormatter.write_u64(text, value).expect("memory takes all");
}

fn write_double(value: f64, text: &mut Vec<u8>) {
    if value.is_finite() {
        Tidy.write_f64(text, value).expect("memory takes all");
    } else {
        let name = if value.is_nan() {
            "\"NaN\""
        } else if value < 0.0 {
            "\"-Infinity\""
        } else {
            "\"Infinity\""
        };
        text.extend_from_slice(name.as_bytes());
    }
}

/// Compact JSON in which whole numbers have no fraction.
struct Tidy;

impl Formatter for Tidy {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number within range")]
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value.fract() == 0.0 && value.abs() < 9.0e15 {
            CompactFormatter.write_i64(writer, value as i64)
        } else {
            CompactFormatter.write_f64(writer, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_reflect::{DescriptorPool, Value};
    use serde_json::json;

    use super::*;
    use crate::structs;

    /// What `prost-reflect` makes of a message.
    fn reflected(message: &MessageDescriptor, bytes: &[u8]) -> serde_json::Value {
        let message = DynamicMessage::decode(message.clone(), bytes).unwrap();
        let mut text = Vec::new();
        let mut json = serde_json::Serializer::with_formatter(&mut text, Tidy);
        message.serialize_with_options(&mut json, &options()).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn written(message: &MessageDescriptor, bytes: &[u8]) -> serde_json::Value {
        serde_json::from_str(&Shape::new(message).text(bytes).unwrap()).unwrap()
    }

    /// A value of each kind; lists have two items.
    fn filled(message: &MessageDescriptor, depth: u32) -> DynamicMessage {
        let mut whole = DynamicMessage::new(message.clone());
        for field in message.fields() {
            let one = match field.kind() {
                Kind::Double => Value::F64(-2.5),
                Kind::Float => Value::F32(0.25),
                Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(-7),
                Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(i64::MIN),
                Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::MAX),
                Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX),
                Kind::Bool => Value::Bool(true),
                Kind::String => Value::String("\"\u{1f3b2}\n".into()),
                Kind::Bytes => Value::Bytes(vec![1, 2].into()),
                Kind::Enum(names) => Value::EnumNumber(names.values().last().unwrap().number()),
                Kind::Message(inner) if inner.full_name() == "google.protobuf.Struct" => {
                    let json = json!({"a": [1, -2.5, null, true, {"b": "c"}], "d": {}});
                    let mut inner = DynamicMessage::new(inner);
                    inner.merge(structs::from_json(json).encode_to_vec().as_slice()).unwrap();
                    Value::Message(inner)
                }
                Kind::Message(_) if field.is_map() || 4 < depth => continue,
                Kind::Message(inner) => Value::Message(filled(&inner, depth + 1)),
            };
            whole.set_field(&field, if field.is_list() { Value::List(vec![one.clone(), one]) } else { one });
        }
        whole
    }

    #[test]
    fn every_message_of_the_contract_is_written_as_reflection_writes_it() {
        for message in POOL.all_messages().filter(|message| message.package_name().starts_with("dicetower.")) {
            let bytes = filled(&message, 0).encode_to_vec();
            assert_eq!(written(&message, &bytes), reflected(&message, &bytes), "{}", message.full_name());
            assert_eq!(written(&message, &[]), reflected(&message, &[]), "{}", message.full_name());
        }
    }

    /// A contract of others, with what ours does not use.
    fn theirs() -> MessageDescriptor {
        use prost_types::{
            DescriptorProto, FieldDescriptorProto, FileDescriptorProto, OneofDescriptorProto,
            field_descriptor_proto::{Label, Type},
        };
        let field = |name: &str, number, kind: Type, label: Label| FieldDescriptorProto {
            name: Some(name.into()),
            number: Some(number),
            r#type: Some(kind.into()),
            label: Some(label.into()),
            ..Default::default()
        };
        let in_oneof = |field| FieldDescriptorProto { oneof_index: Some(0), ..field };
        let numbers = DescriptorProto {
            name: Some("Numbers".into()),
            field: vec![
                field("zigzag", 9, Type::Sint64, Label::Optional),
                field("fixed", 2, Type::Fixed64, Label::Repeated),
                field("signed", 3, Type::Sfixed32, Label::Optional),
                in_oneof(field("number", 4, Type::Int32, Label::Optional)),
                in_oneof(field("text", 5, Type::String, Label::Optional)),
                field("truth", 6, Type::Bool, Label::Repeated),
                field("half", 7, Type::Double, Label::Repeated),
                FieldDescriptorProto {
                    type_name: Some(".Numbers".into()),
                    ..field("inner", 8, Type::Message, Label::Optional)
                },
            ],
            oneof_decl: vec![OneofDescriptorProto { name: Some("either".into()), ..Default::default() }],
            ..Default::default()
        };
        let file = FileDescriptorProto {
            name: Some("theirs.proto".into()),
            syntax: Some("proto3".into()),
            message_type: vec![numbers],
            ..Default::default()
        };
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_proto(file).unwrap();
        pool.get_message_by_name("Numbers").unwrap()
    }

    #[test]
    fn fields_in_any_order_parts_and_alternatives_add_up() {
        let message = theirs();
        // number, then text of the same oneof; inner in two parts; lists packed and not; zigzag before all; an unknown 15.
        let bytes = [
            &[0x48, 0x05][..],
            &[0x20, 0x07, 0x2a, 0x01, b'x'],
            &[0x42, 0x02, 0x20, 0x01, 0x78, 0x01, 0x42, 0x02, 0x48, 0x02],
            &[0x32, 0x02, 0x00, 0x01, 0x30, 0x01],
            &[0x11, 1, 0, 0, 0, 0, 0, 0, 0],
            &[0x39, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f],
        ]
        .concat();

        assert_eq!(written(&message, &bytes), reflected(&message, &bytes));
        assert_eq!(
            Shape::new(&message).text(&bytes).unwrap(),
            concat!(
                r#"{"fixed":[1],"signed":0,"text":"x","truth":[false,true,true],"half":["Infinity"],"#,
                r#""inner":{"fixed":[],"signed":0,"number":1,"truth":[],"half":[],"zigzag":1},"zigzag":-3}"#
            )
        );
    }

    #[test]
    fn bytes_that_are_no_message_have_no_text() {
        let message = theirs();
        let nested = (0..200_u32).fold(Vec::new(), |inner: Vec<u8>, _| {
            let mut outer = vec![0x42];
            prost::encoding::encode_varint(inner.len() as u64, &mut outer);
            [outer, inner].concat()
        });
        let wrong: [&[u8]; 6] =
            [&[0x08], &[0x2a, 0x05, b'x'], &[0x2a, 0x01, 0xff], &[0x2d, 1, 2, 3, 4], &[0x4b], &nested];
        for bytes in wrong {
            assert_eq!(Shape::new(&message).text(bytes), None, "{bytes:?}");
        }
    }
}
