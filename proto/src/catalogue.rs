//! The catalogue of tools, read from the descriptors: an RPC with the tool option is a tool.
//!
//! Name, description and JSON Schema are not written anywhere else; the model, MCP, REST and OpenAPI all read them here.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, json};

use crate::{
    json::{self, Shape},
    reading,
    validate::{self, Rules, Violation},
};

/// Nesting to which a schema is written out; deeper messages are plain objects.
const MAX_DEPTH: u32 = 6;

/// Unknown parameters that are named in an error.
const MAX_UNKNOWN: usize = 10;

/// Characters of what was given that an error shows again.
const MAX_SHOWN: usize = 60;

/// Which connection it is that calls is known to the door it came through, and nobody else is asked.
const CONNECTION: &str = "connection_id";

/// Every tool, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    tools: BTreeMap<String, Tool>,
}

/// An operation that programs, people and the model may call.
#[derive(Debug, Clone)]
pub struct Tool {
    /// `[a-z0-9_]{1,64}`.
    pub name: String,
    /// The comment of the RPC.
    pub description: String,
    /// JSON Schema of the request.
    pub parameters: serde_json::Value,
    /// Which tools belong together.
    pub group: String,
    /// Who may call it, at the least.
    pub role: Role,
    /// Whether it changes something.
    pub effect: bool,
    /// Whether a person must agree first.
    pub confirm: bool,
    /// The gRPC path: `/package.Service/Method`.
    pub path: String,
    method: MethodDescriptor,
    required: Vec<FieldDescriptor>,
    /// Made with the first answer.
    answer: Arc<OnceLock<Shape>>,
}

/// Who may call a tool, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Anybody at the table.
    Player,
    /// The game master, a person or the model.
    Gm,
    /// Who runs the server.
    Operator,
}

/// Two tools that cannot stand in one catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Two RPCs have the same tool name.
    #[error("two tools are named {0:?}")]
    Duplicate(String),
    /// A name outside `[a-z0-9_]{1,64}`.
    #[error("{0:?} is not a tool's name: 1 to 64 characters of a-z, 0-9 and _ are allowed")]
    Name(String),
}

/// Arguments that do not fit a tool.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentError {
    /// A required parameter is not there.
    #[error(
        "missing parameter `{field}`; {tool} needs {required}{unknown}",
        required = required.join(", "),
        unknown = if unknown.is_empty() { String::new() } else { format!(" and knows no {}", unknown.join(", ")) }
    )]
    Missing {
        /// The tool.
        tool: String,
        /// The parameter.
        field: String,
        /// All that are required.
        required: Vec<String>,
        /// What was given and no parameter is named.
        unknown: Vec<String>,
    },
    /// A parameter that the tool does not have, or one of another type.
    #[error("invalid arguments for {tool}: {reason}; its parameters are {parameters}", parameters = parameters.join(", "))]
    Shape {
        /// The tool.
        tool: String,
        /// What is wrong.
        reason: String,
        /// All parameters.
        parameters: Vec<String>,
    },
    /// A parameter outside its bounds.
    #[error(transparent)]
    Rule(#[from] Violation),
}

impl Catalogue {
    /// Reads all tools of a descriptor pool.
    ///
    /// # Errors
    ///
    /// Two tools are alike in name, or a name is not allowed.
    pub fn from_pool(pool: &DescriptorPool) -> Result<Catalogue, CatalogueError> {
        let mut tools = Catalogue::default();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            if let Some(tool) = tool(pool, &method) {
                tools.insert(tool)?;
            }
        }
        Ok(tools)
    }

    /// The tools of somebody else's services: every unary RPC of the packages that are `wanted`. They have the role that
    /// is granted, belong together under `group`, and change something unless their option says otherwise.
    ///
    /// # Errors
    ///
    /// Two tools are alike in name, or a name is not allowed.
    pub fn granted(
        pool: &DescriptorPool,
        group: &str,
        role: Role,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Catalogue, CatalogueError> {
        let mut tools = Catalogue::default();
        for service in pool.services().filter(|service| wanted(service.full_name())) {
            for method in
                service.methods().filter(|method| !method.is_client_streaming() && !method.is_server_streaming())
            {
                let declared = tool(pool, &method);
                let effect = declared.as_ref().is_none_or(|declared| declared.effect);
                let tool = declared.unwrap_or_else(|| undeclared(&method));
                tools.insert(Tool { role, effect, group: group.to_owned(), ..tool })?;
            }
        }
        Ok(tools)
    }

    /// These tools and others.
    ///
    /// # Errors
    ///
    /// Two of them have the same name.
    pub fn with(mut self, others: Catalogue) -> Result<Catalogue, CatalogueError> {
        for tool in others.tools.into_values() {
            self.insert(tool)?;
        }
        Ok(self)
    }

    fn insert(&mut self, tool: Tool) -> Result<(), CatalogueError> {
        let is_name = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
        if tool.name.is_empty() || 64 < tool.name.len() || !tool.name.chars().all(is_name) {
            return Err(CatalogueError::Name(tool.name));
        }
        match self.tools.insert(tool.name.clone(), tool) {
            Some(other) => Err(CatalogueError::Duplicate(other.name)),
            None => Ok(()),
        }
    }

    /// The catalogue of this contract.
    pub fn ours() -> Catalogue {
        Catalogue::from_pool(&crate::POOL).expect("a test reads the contract's tools")
    }

    /// The tool of that name.
    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name)
    }

    /// All tools, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Tool> {
        self.tools.values()
    }

    /// The names of all tools.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }
}

impl Role {
    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Player => "player",
            Role::Gm => "gm",
            Role::Operator => "operator",
        }
    }
}

impl Tool {
    /// The tool as `GET /api/tools` lists it.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "name": self.name, "description": self.description, "parameters": self.parameters, "group": self.group,
            "role": self.role.as_str(), "effect": self.effect, "confirm": self.confirm,
        })
    }

    /// JSON Schema of the answer. It is large and asked for by documents alone, so it is made anew each time.
    pub fn result(&self) -> serde_json::Value {
        message_schema(&self.method.output(), Side::Response, 0)
    }

    /// The service that owns it, `package.Service`.
    pub fn service(&self) -> String {
        self.method.parent_service().full_name().to_owned()
    }

    /// The descriptors that it comes from.
    pub fn pool(&self) -> &DescriptorPool {
        self.method.parent_pool()
    }

    /// Whether the request has a field of that name.
    pub fn has_parameter(&self, name: &str) -> bool {
        self.method.input().get_field_by_name(name).is_some()
    }

    /// Arguments under the names that the contract has, each read as what it surely means, such as a number that came as
    /// text. Whoever looks into arguments before they are encoded must look into these.
    pub fn read(&self, arguments: Map<String, serde_json::Value>) -> Map<String, serde_json::Value> {
        reading::arguments(&self.method.input(), arguments)
    }

    /// The encoded request of JSON arguments, which are [read](Self::read). `null` counts as left out.
    ///
    /// # Errors
    ///
    /// A required parameter is missing, one is unknown or of another type, or one breaks its rule.
    pub fn encode_request(&self, arguments: serde_json::Value) -> Result<Vec<u8>, ArgumentError> {
        let input = self.method.input();
        let serde_json::Value::Object(arguments) = arguments else {
            return Err(self.shape_error("the arguments must be a JSON object".into()));
        };
        let arguments = self.read(arguments);
        if let Some(field) = self.required.iter().find(|field| !arguments.contains_key(field.name())) {
            let is_unknown = |name: &&String| input.get_field_by_name(name).is_none();
            let shown = |name: &String| format!("`{}`", name.chars().take(MAX_SHOWN).collect::<String>());
            return Err(ArgumentError::Missing {
                tool: self.name.clone(),
                field: field.name().to_owned(),
                required: self.required.iter().map(|field| field.name().to_owned()).collect(),
                unknown: arguments.keys().filter(is_unknown).take(MAX_UNKNOWN).map(shown).collect(),
            });
        }
        let message = DynamicMessage::deserialize(input.clone(), serde_json::Value::Object(arguments.clone()))
            .map_err(|error| self.shape_error(misfit(&input, &arguments).unwrap_or_else(|| error.to_string())))?;
        validate::check(&message)?;
        Ok(message.encode_to_vec())
    }

    /// The JSON text of an encoded answer; `None` if the bytes are not one.
    pub fn response_text(&self, bytes: &[u8]) -> Option<String> {
        self.answer.get_or_init(|| Shape::new(&self.method.output())).text(bytes)
    }

    /// The JSON arguments of an encoded request; `None` if the bytes are not one. What a client did not set is left out.
    pub fn decode_request(&self, bytes: &[u8]) -> Option<Map<String, serde_json::Value>> {
        let message = DynamicMessage::decode(self.method.input(), bytes).ok()?;
        let options = json::options().skip_default_fields(true);
        let json = message.serialize_with_options(serde_json::value::Serializer, &options).ok()?;
        let serde_json::Value::Object(mut arguments) = json else { return None };
        // A field that must be there is there, even if it says 0 or nothing.
        for field in &self.required {
            if !arguments.contains_key(field.name()) && !field.supports_presence() {
                let value = message.get_field(field).into_owned();
                if let Some(value) = plain(&value) {
                    arguments.insert(field.name().to_owned(), value);
                }
            }
        }
        Some(arguments)
    }

    /// The encoded answer of its JSON; `None` if it is not one.
    pub fn encode_response(&self, answer: serde_json::Value) -> Option<Vec<u8>> {
        Some(DynamicMessage::deserialize(self.method.output(), answer).ok()?.encode_to_vec())
    }

    /// The JSON of an encoded answer; `None` if the bytes are not one.
    pub fn decode_response(&self, bytes: &[u8]) -> Option<serde_json::Value> {
        serde_json::from_str(&self.response_text(bytes)?).ok()
    }

    fn shape_error(&self, reason: String) -> ArgumentError {
        let parameters = self.method.input().fields().map(|field| field.name().to_owned()).collect();
        ArgumentError::Shape { tool: self.name.clone(), reason, parameters }
    }
}

/// What keeps JSON from being a message, with the name of the field whose fault it is; deeper fields are named by their
/// path, such as `objectives[1].order`.
fn misfit(message: &MessageDescriptor, fields: &Map<String, serde_json::Value>) -> Option<String> {
    fields.iter().find_map(|(name, value)| {
        let alone = serde_json::Value::Object(Map::from_iter([(name.clone(), value.clone())]));
        let error = DynamicMessage::deserialize(message.clone(), alone).err()?;
        let Some(field) = message.get_field_by_name(name) else { return Some(error.to_string()) };
        let inner = match (field.kind(), value) {
            (Kind::Message(inner), serde_json::Value::Object(fields)) if !field.is_map() => {
                misfit(&inner, fields).map(|reason| below(name, &reason))
            }
            (Kind::Message(inner), serde_json::Value::Array(items)) => {
                items.iter().enumerate().find_map(|(at, item)| {
                    misfit(&inner, item.as_object()?).map(|reason| below(&format!("{name}[{at}]"), &reason))
                })
            }
            _ => None,
        };
        Some(inner.unwrap_or_else(|| {
            let given: String = value.to_string().chars().take(MAX_SHOWN).collect();
            match expected(&field) {
                Some(expected) => format!("`{name}` must be {expected}, not {given}"),
                None => format!("`{name}`: {error}"),
            }
        }))
    })
}

/// What the value of a field must be; `None` where only who decodes it knows.
fn expected(field: &FieldDescriptor) -> Option<String> {
    let rules = validate::known_rules(field);
    let (rules, each) = match field.is_list() {
        true => (rules.and_then(|rules| rules.items.as_deref()), "a list, each item "),
        false => (rules, ""),
    };
    let of_kind = match field.kind() {
        _ if field.is_map() => "an object".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "a text".to_owned(),
        Kind::Double | Kind::Float => "a number".to_owned(),
        Kind::Message(message) if message.full_name() == "google.protobuf.Struct" => "an object".to_owned(),
        Kind::Message(message) if !message.full_name().starts_with("google.protobuf.") => {
            let names: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
            format!("an object with {}", names.join(", "))
        }
        kind => {
            let (low, high) = range_of(&kind)?;
            let low = rules.and_then(|rules| rules.at_least).map_or_else(|| low.to_string(), |low| low.to_string());
            let high = rules.and_then(|rules| rules.at_most).map_or_else(|| high.to_string(), |high| high.to_string());
            format!("a whole number from {low} to {high}")
        }
    };
    Some(format!("{each}{of_kind}"))
}

/// What an integer of this kind can hold.
fn range_of(kind: &Kind) -> Option<(i64, u64)> {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Some((i32::MIN.into(), i32::MAX.unsigned_abs().into())),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Some((i64::MIN, i64::MAX.unsigned_abs())),
        Kind::Uint32 | Kind::Fixed32 => Some((0, u32::MAX.into())),
        Kind::Uint64 | Kind::Fixed64 => Some((0, u64::MAX)),
        _ => None,
    }
}

/// A reason with the path of its field led by the field above.
fn below(above: &str, reason: &str) -> String {
    match reason.strip_prefix('`') {
        Some(rest) => format!("`{above}.{rest}"),
        None => format!("`{above}`: {reason}"),
    }
}

fn tool(pool: &DescriptorPool, method: &MethodDescriptor) -> Option<Tool> {
    let extension = pool.get_extension_by_name("dicetower.tool.v1.tool")?;
    let options = method.options();
    if !options.has_extension(&extension) || method.is_client_streaming() || method.is_server_streaming() {
        return None;
    }
    let option = options.get_extension(&extension);
    let option = option.as_message()?;
    let text = |name: &str| option.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned));
    let flag = |name: &str| option.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or_default();
    let role = option.get_field_by_name("role").and_then(|value| value.as_enum_number()).unwrap_or_default();

    let comment = comment(method.parent_file().file_descriptor_proto(), method.path());
    let name = text("name").filter(|name| !name.is_empty()).unwrap_or_else(|| to_snake_case(method.name()));
    Some(Tool {
        name,
        description: if comment.is_empty() { text("description").unwrap_or_default() } else { comment },
        parameters: message_schema(&method.input(), Side::Request, 0),
        group: text("group").filter(|group| !group.is_empty()).unwrap_or_else(|| "core".into()),
        role: match role {
            3 => Role::Operator,
            2 => Role::Gm,
            _ => Role::Player,
        },
        effect: flag("effect"),
        confirm: flag("confirm"),
        path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
        method: method.clone(),
        required: method.input().fields().filter(is_required).collect(),
        answer: Arc::default(),
    })
}

/// A value of a plain field that a message does not carry because it is the default.
fn plain(value: &prost_reflect::Value) -> Option<serde_json::Value> {
    use prost_reflect::Value;
    match value {
        Value::Bool(yes) => Some(json!(yes)),
        Value::I32(number) => Some(json!(number)),
        Value::I64(number) => Some(json!(number)),
        Value::U32(number) => Some(json!(number)),
        Value::U64(number) => Some(json!(number)),
        Value::F32(number) => Some(json!(number)),
        Value::F64(number) => Some(json!(number)),
        Value::String(text) => Some(json!(text)),
        _ => None,
    }
}

/// A tool that carries no option of ours: named by its RPC, described by its comment.
fn undeclared(method: &MethodDescriptor) -> Tool {
    let comment = comment(method.parent_file().file_descriptor_proto(), method.path());
    let service = method.parent_service().full_name().to_owned();
    Tool {
        name: to_snake_case(method.name()),
        description: if comment.is_empty() { format!("{} of {service}.", method.name()) } else { comment },
        parameters: message_schema(&method.input(), Side::Request, 0),
        group: String::new(),
        role: Role::Operator,
        effect: true,
        confirm: false,
        path: format!("/{service}/{}", method.name()),
        method: method.clone(),
        required: method.input().fields().filter(is_required).collect(),
        answer: Arc::default(),
    }
}

/// Which way a message goes: what must be sent, or what is always there.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Request,
    Response,
}

fn message_schema(message: &MessageDescriptor, side: Side, depth: u32) -> serde_json::Value {
    match message.full_name() {
        "google.protobuf.Struct" => return json!({"type": "object"}),
        "google.protobuf.Value" => return json!({}),
        "google.protobuf.ListValue" => return json!({"type": "array"}),
        _ if depth == MAX_DEPTH => return json!({"type": "object"}),
        _ => {}
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in message.fields().filter(|field| field.name() != CONNECTION) {
        properties.insert(field.name().to_owned(), field_schema(&field, side, depth));
        let always_there = !field.supports_presence() && field.containing_oneof().is_none();
        if is_required(&field) || side == Side::Response && always_there {
            required.push(field.name().to_owned());
        }
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if side == Side::Request {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

fn field_schema(field: &FieldDescriptor, side: Side, depth: u32) -> serde_json::Value {
    let rules = validate::rules_of(field);
    let mut schema = if field.is_map() {
        json!({"type": "object"})
    } else if field.is_list() {
        let each = rules.items.as_deref().cloned().unwrap_or_default();
        let mut list = json!({"type": "array", "items": kind_schema(field, &each, side, depth)});
        put(&mut list, "minItems", rules.min_items);
        put(&mut list, "maxItems", rules.max_items);
        list
    } else {
        kind_schema(field, &rules, side, depth)
    };
    let comment = comment(field.parent_file().file_descriptor_proto(), field.path());
    if !comment.is_empty() {
        schema["description"] = comment.into();
    }
    schema
}

fn kind_schema(field: &FieldDescriptor, rules: &Rules, side: Side, depth: u32) -> serde_json::Value {
    let mut schema = match field.kind() {
        Kind::Message(message) => return message_schema(&message, side, depth + 1),
        Kind::Enum(values) => {
            let names: Vec<_> = values.values().map(|value| value.name().to_owned()).collect();
            return json!({"type": "string", "enum": names});
        }
        Kind::Bool => json!({"type": "boolean"}),
        Kind::String | Kind::Bytes => json!({"type": "string"}),
        Kind::Double | Kind::Float => json!({"type": "number"}),
        Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => json!({"type": "integer", "minimum": 0}),
        _ => json!({"type": "integer"}),
    };
    put(&mut schema, "minimum", rules.at_least.map(to_number));
    put(&mut schema, "maximum", rules.at_most.map(to_number));
    put(&mut schema, "minLength", rules.min_len);
    put(&mut schema, "maxLength", rules.max_len);
    put(&mut schema, "pattern", rules.pattern.as_ref().map(|pattern| pattern.as_str()));
    if !rules.allowed.is_empty() {
        schema["enum"] = json!(rules.allowed);
    }
    schema
}

fn put(schema: &mut serde_json::Value, key: &str, value: Option<impl Into<serde_json::Value>>) {
    if let Some(value) = value {
        schema[key] = value.into();
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number within range")]
fn to_number(value: f64) -> serde_json::Value {
    if value.fract() == 0.0 && value.abs() < 9.0e15 { json!(value as i64) } else { json!(value) }
}

/// A field without `optional` must be sent; lists may be left out unless they need an item.
fn is_required(field: &FieldDescriptor) -> bool {
    let rules = validate::rules_of(field);
    if field.is_list() || field.is_map() {
        return rules.min_items.is_some_and(|least| 0 < least);
    }
    rules.required || !field.supports_presence()
}

/// The comment above an element, its lines joined as prose.
fn comment(file: &prost_types::FileDescriptorProto, path: &[i32]) -> String {
    let locations = file.source_code_info.as_ref().map(|info| info.location.as_slice()).unwrap_or_default();
    let Some(location) = locations.iter().find(|location| location.path == path) else { return String::new() };
    let lines = location.leading_comments().lines().map(str::trim);
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn to_snake_case(name: &str) -> String {
    let mut snake = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_takes_its_name_and_description_from_the_rpc() {
        let catalogue = Catalogue::from_pool(&crate::POOL).unwrap();

        let tool = catalogue.get("roll_dice").unwrap();

        assert_eq!(tool.path, "/dicetower.dice.v1.DiceService/RollDice");
        assert!(tool.description.starts_with("Rolls dice. Give exactly one form"), "{}", tool.description);
        assert_eq!(tool.role, Role::Player);
        assert!(tool.effect);
    }

    #[test]
    fn a_schema_carries_bounds_comments_and_what_is_required() {
        let catalogue = Catalogue::ours();

        let pool = &catalogue.get("roll_dice").unwrap().parameters["properties"]["pool"];
        assert_eq!(
            pool,
            &json!({"type": "integer", "minimum": 1, "maximum": 100, "description": "Number of six-sided dice of a success test."})
        );
        assert_eq!(catalogue.get("roll_initiative").unwrap().parameters["required"], json!(["notation"]));
    }

    #[track_caller]
    fn refused(tool: &str, arguments: serde_json::Value, expected: &str) {
        let error = Catalogue::ours().get(tool).unwrap().encode_request(arguments).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn bad_arguments_are_told_what_is_allowed() {
        refused("roll_dice", json!({"pool": 0, "target_number": 4}), "`pool` must be 1 to 100, not 0");
        let whole = "`pool` must be a whole number from 1 to 100, not -1";
        refused("roll_dice", json!({"pool": -1, "target_number": 4}), whole);
        refused("roll_dice", json!({"dice": 3}), "its parameters are pool, target_number, notation, reason");
        refused("roll_dice", json!([1]), "must be a JSON object");
        refused("roll_initiative", json!({}), "missing parameter `notation`");
        refused("roll_dice", json!({"pool": "many"}), "`pool` must be a whole number from 1 to 100, not \"many\"");
        refused("roll_dice", json!({"target_number": 4, "pool": [3]}), "`pool` must be a whole number from 1 to 100");
        let objectives = json!([{"objective": "in"}, {"objective": "out", "order": "last"}]);
        refused(
            "update_campaign_state",
            json!({"campaign_id": "a", "objectives": objectives}),
            "`objectives[1].order` must be a whole number from -2147483648 to 1000",
        );
    }

    #[test]
    fn a_null_counts_as_left_out() {
        let catalogue = Catalogue::ours();
        let tool = catalogue.get("roll_dice").unwrap();

        let bytes = tool.encode_request(json!({"pool": 3, "target_number": 4, "notation": null})).unwrap();

        let request = crate::dice::v1::RollDiceRequest::decode(bytes.as_slice()).unwrap();
        assert_eq!((request.pool, request.target_number, request.notation), (Some(3), Some(4), None));
    }
}
