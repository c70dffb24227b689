//! The OpenAPI document, made from the catalogue of tools and the table of routes: nothing in it is written twice.
//!
//! `routes` is the table of what is no tool, `examples` fills a schema with values that make sense.

mod examples;
mod routes;

use proto::catalogue::{Catalogue, Tool};
use serde_json::{Map, Value, json};
use service_kit::status::ErrorCode;

use self::routes::Route;

/// A trace id for examples.
const TRACE_ID: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";

/// The document.
pub(crate) fn document(catalogue: &Catalogue) -> Value {
    let mut paths = Map::new();
    for route in routes::all(catalogue) {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method] = operation_of_route(&route);
    }
    for tool in catalogue.iter() {
        paths.insert(format!("/api/tools/{}", tool.name), json!({"post": operation_of_tool(tool)}));
    }
    let mut groups: Vec<_> = catalogue.iter().map(|tool| format!("tools: {}", tool.group)).collect();
    groups.sort();
    groups.dedup();
    let tags: Vec<_> = routes::TAGS
        .iter()
        .map(|(name, text)| json!({"name": name, "description": text}))
        .chain(groups.iter().map(|name| json!({"name": name})))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Dicetower",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A tabletop-game backend: dice, sheets, sessions, board games.",
            "description": "Every tool is a POST with JSON. A failure has one form everywhere, with a code of the list \
                below. `X-Trace-ID` (a UUID) names a trace in a request and is in every answer. The WebSocket of a \
                session is described in /asyncapi.json, the same tools are at /mcp for models.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        // Where nobody is asked who he is, no token is needed.
        "security": [{}, {"token": []}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": error_schema()},
            "parameters": {
                "TraceId": {
                    "name": "X-Trace-ID", "in": "header", "required": false, "schema": {"type": "string"},
                    "description": "A UUID, which becomes the trace id; anything else is ignored.", "example": TRACE_ID,
                },
                "IdempotencyKey": {
                    "name": "Idempotency-Key", "in": "header", "required": false,
                    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
                    "description": "The same key answers the same, without doing it again.",
                },
            },
            "headers": {
                "TraceId": {
                    "schema": {"type": "string", "format": "uuid"}, "description": "The trace of this request.",
                },
            },
            "responses": errors(),
        },
    })
}

fn operation_of_tool(tool: &Tool) -> Value {
    let mut parameters = vec![json!({"$ref": "#/components/parameters/TraceId"})];
    if tool.effect {
        parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
    }
    parameters.push(json!({
        "name": "X-Session-ID", "in": "header", "required": false,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
        "description": "The session at whose table the call is made; it then stands in its log.",
    }));
    let summary: String = tool.description.split_inclusive(['.', ';']).next().unwrap_or_default().to_owned();
    json!({
        "operationId": tool.name,
        "summary": summary.trim_end_matches([';', '.']),
        "description": tool.description,
        "tags": [format!("tools: {}", tool.group)],
        "parameters": parameters,
        "requestBody": {
            // No body is as good as an empty object.
            "required": tool.parameters["required"].as_array().is_some_and(|fields| !fields.is_empty()),
            "content": {"application/json": {
                "schema": nullable(tool.parameters.clone()), "example": examples::of(&tool.name, &tool.parameters),
            }},
        },
        "responses": responses(&tool.result(), &Value::Null),
        "x-role": tool.role.as_str(), "x-effect": tool.effect, "x-confirm": tool.confirm,
    })
}

/// The schema of a request in which what may be left out may be null as well.
fn nullable(mut schema: Value) -> Value {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            *property = nullable(property.take());
            if required.iter().any(|required| required == name) {
                continue;
            }
            if let Some(kind) = property.get_mut("type").filter(|kind| kind.is_string()) {
                *kind = json!([kind.take(), "null"]);
            }
            if let Some(values) = property.get_mut("enum").and_then(Value::as_array_mut) {
                values.push(Value::Null);
            }
        }
    }
    if let Some(items) = schema.get_mut("items") {
        *items = nullable(items.take());
    }
    schema
}

fn operation_of_route(route: &Route) -> Value {
    let mut parameters = vec![json!({"$ref": "#/components/parameters/TraceId"})];
    parameters.extend(route.parameters.iter().cloned());
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": parameters,
        "responses": match route.media {
            "application/json" => responses(&route.answer, &route.example),
            media => other_responses(media),
        },
    });
    if !route.other_media.is_empty() {
        operation["responses"]["200"]["content"][route.other_media] = text();
    }
    if !route.body.is_null() {
        operation["requestBody"] = json!({
            "required": false,
            "content": {"application/json": {"schema": route.body, "example": examples::of("", &route.body)}},
        });
    }
    if route.is_public {
        operation["security"] = json!([]);
    }
    operation
}

fn responses(schema: &Value, example: &Value) -> Value {
    let mut media = json!({"schema": schema});
    if !example.is_null() {
        media["example"] = example.clone();
    }
    with_errors(json!({"application/json": media}))
}

fn other_responses(media: &str) -> Value {
    // A stream of events has no schema as a whole.
    let content = if media == "text/event-stream" { json!({}) } else { text() };
    with_errors(json!({media: content}))
}

fn text() -> Value {
    json!({"schema": {"type": "string"}})
}

fn with_errors(content: Value) -> Value {
    let trace = json!({"X-Trace-ID": {"$ref": "#/components/headers/TraceId"}});
    let mut all = json!({"200": {"description": "It is done.", "headers": trace, "content": content}});
    for status in statuses() {
        all[status.to_string()] = json!({"$ref": format!("#/components/responses/{status}")});
    }
    all
}

/// Every HTTP status of the table of errors, and 405, which has the code of a request that is not understood.
fn statuses() -> Vec<u16> {
    let mut statuses: Vec<_> = ErrorCode::ALL.iter().map(|code| code.http_status()).chain([405]).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// A response for each status, with an example of each of its codes.
fn errors() -> Value {
    let mut errors = Map::new();
    for status in statuses() {
        let wanted = if status == 405 { 400 } else { status };
        let codes: Vec<_> = ErrorCode::ALL.iter().filter(|code| code.http_status() == wanted).collect();
        let codes = if status == 405 { vec![&ErrorCode::InvalidRequest] } else { codes };
        let names: Vec<_> = codes.iter().map(|code| format!("{} {}", code.number(), code.name())).collect();
        let examples: Map<_, _> =
            codes.iter().map(|code| (code.name().to_owned(), json!({"value": envelope(**code)}))).collect();
        errors.insert(
            status.to_string(),
            json!({
                "description": names.join(", "),
                "headers": {"X-Trace-ID": {"$ref": "#/components/headers/TraceId"}},
                "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Error"}, "examples": examples,
                }},
            }),
        );
    }
    Value::Object(errors)
}

fn envelope(code: ErrorCode) -> Value {
    let (number, name, message) = (code.number(), code.name(), "what is wrong, and what is allowed");
    json!({
        "error": {
            "code": number, "type": name, "message": message, "trace_id": TRACE_ID,
            "timestamp": "2050-01-01T00:00:00.000+00:00", "details": {},
        },
        "code": number, "type": name, "message": message,
    })
}

fn error_schema() -> Value {
    let numbers: Vec<_> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
    let names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
    let code = json!({"type": "integer", "enum": numbers});
    let kind = json!({"type": "string", "enum": names});
    let message = json!({"type": "string", "description": "What is wrong, and what is allowed; for people."});
    json!({
        "type": "object",
        "required": ["error", "code", "type", "message"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "type", "message", "trace_id", "timestamp", "details"],
                "properties": {
                    "code": code, "type": kind, "message": message,
                    "trace_id": {"type": "string", "format": "uuid"},
                    "timestamp": {"type": "string", "format": "date-time"},
                    "details": {"type": "object", "description": "Further facts, such as names that are like the one given."},
                },
            },
            "code": code, "type": kind, "message": message,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let source = include_str!("lib.rs");
        let mut routed = BTreeSet::new();
        let mut rest = source;
        while let Some((_, after)) = rest.split_once(".route(\"") {
            let (path, after) = after.split_once('"').unwrap();
            let (call, _) = after.split_once('\n').unwrap();
            for method in ["get(", "post(", "put(", "delete(", "any("] {
                if call.contains(method) {
                    routed.insert(format!("{} {path}", method.trim_end_matches('(')));
                }
            }
            rest = after;
        }
        // Files, the generic form of what is listed tool by tool, and what other documents describe.
        for other in ["get /ui/{*path}", "get /docs/{*path}", "post /api/tools/{name}", "any /game/{session_id}"] {
            assert!(routed.remove(other), "{other} is gone");
        }
        let described: BTreeSet<_> =
            routes::all(&Catalogue::ours()).iter().map(|route| format!("{} {}", route.method, route.path)).collect();

        assert_eq!(described, routed, "openapi/routes.rs describes what lib.rs routes");
    }

    #[test]
    fn every_tool_has_an_example_that_it_takes() {
        let catalogue = Catalogue::ours();
        for tool in catalogue.iter() {
            let mut example = examples::of(&tool.name, &tool.parameters);
            if tool.has_parameter(crate::seat::CONNECTION) {
                example[crate::seat::CONNECTION] = json!("filled in at the desk");
            }
            tool.encode_request(example.clone()).map_err(|error| format!("{}: {error}: {example}", tool.name)).unwrap();
        }
    }

    #[test]
    fn every_error_of_the_table_is_in_the_document() {
        let document = document(&Catalogue::ours());
        let text = document["components"]["responses"].to_string();
        for code in ErrorCode::ALL {
            assert!(text.contains(code.name()), "{}", code.name());
        }
    }
}
