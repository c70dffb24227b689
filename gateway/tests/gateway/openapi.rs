//! What the server answers is what its OpenAPI document says it answers.

use gateway::Config;
use serde_json::{Value, json};

use crate::{
    guarded::guarded,
    support::{header, json, table},
};

/// Tools whose examples need what another call does before them.
const LATER: [&str; 4] = ["restore_character", "take_delayed_action", "update_effect_duration", "update_modifier"];

/// Whether a value is what a schema allows, as far as the document uses schemas; else what is wrong.
fn check(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(schema) = schema.as_object() else { return Ok(()) };
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    };
    let fits = match schema.get("type") {
        Some(Value::String(kind)) => is(kind),
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| is(kind.as_str().unwrap())),
        _ => true,
    };
    if !fits {
        return Err(format!("{at}: {value} is not of the type {}", schema["type"]));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        return Err(format!("{at}: {value} is none of {allowed:?}"));
    }
    if let (Some(least), Some(number)) = (schema.get("minimum").and_then(Value::as_f64), value.as_f64())
        && number < least
    {
        return Err(format!("{at}: {number} is below {least}"));
    }
    for field in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if value.get(field.as_str().unwrap()).is_none() {
            return Err(format!("{at}: {field} is missing"));
        }
    }
    if let (Some(properties), Some(fields)) = (schema.get("properties").and_then(Value::as_object), value.as_object()) {
        for (name, field) in fields {
            match properties.get(name) {
                Some(schema) => check(schema, field, &format!("{at}.{name}"))?,
                None if schema.get("additionalProperties") == Some(&json!(false)) => {
                    return Err(format!("{at}.{name} is not in the schema"));
                }
                None => {}
            }
        }
    }
    if let (Some(each), Some(items)) = (schema.get("items"), value.as_array()) {
        for (index, item) in items.iter().enumerate() {
            check(each, item, &format!("{at}[{index}]"))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_tool_answers_its_example_as_the_document_says() {
    let guarded = guarded().await;
    let document = json(guarded.gateway.get("/openapi.json"), 200).await;
    let error = &document["components"]["schemas"]["Error"];
    let (mut answered, mut refused) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        // What deletes would leave the others nothing to ask for.
        let Some(tool) = path.strip_prefix("/api/tools/").filter(|tool| !tool.starts_with("delete_")) else { continue };
        let operation = &item["post"];
        let body = &operation["requestBody"]["content"]["application/json"];
        check(&body["schema"], &body["example"], tool).unwrap();

        let request = guarded.gateway.post(path, &body["example"]).bearer_auth(&guarded.operator);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert!(operation["responses"].get(status.to_string()).is_some(), "{tool}: {status}");
        assert_ne!(status, 500, "{tool}");
        assert_eq!(header(&response, "content-type"), "application/json", "{tool}");
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        let schema = match status {
            200 => &operation["responses"]["200"]["content"]["application/json"]["schema"],
            _ => error,
        };
        check(schema, &answer, tool).unwrap();
        answered += u32::from(status == 200);
        // What is not there, or not as it would have to be, is no fault of an example.
        let is_refused = status == 400 && !LATER.contains(&tool);
        refused.extend(is_refused.then(|| format!("{tool}: {}", answer["error"]["message"])));
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(100 < answered, "{answered} tools took their examples");
}

#[tokio::test]
async fn every_route_answers_as_the_document_says() {
    let gateway = table(Config::default()).await;
    json(gateway.post("/api/sessions", &json!({"session_id": "evening"})), 200).await;
    let document = json(gateway.get("/openapi.json"), 200).await;
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = &item["get"];
        let media = operation["responses"]["200"]["content"].as_object();
        let Some(media) = media.filter(|media| media.contains_key("application/json")) else { continue };
        let mut filled = path.clone();
        for parameter in operation["parameters"].as_array().unwrap() {
            if let Some(name) = parameter["name"].as_str().filter(|_| parameter["in"] == "path") {
                filled = filled.replace(&format!("{{{name}}}"), parameter["example"].as_str().unwrap());
            }
        }
        let response = gateway.get(&filled).header("Accept", "application/json").send().await.unwrap();
        let status = response.status().as_u16();
        assert!(operation["responses"].get(status.to_string()).is_some(), "{path}: {status}");
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        let schema = match status {
            200 => &media["application/json"]["schema"],
            503 if path == "/health/ready" => continue,
            _ => &document["components"]["schemas"]["Error"],
        };
        check(schema, &answer, path).unwrap();
    }
}
