//! What every request goes through: traces, errors, origins, limits, the page.

use gateway::Config;
use serde_json::{Value, json};
use service_kit::Peers;

use crate::support::{Gateway, database, dice, header, json};

const TRACE_ID: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";

async fn start() -> Gateway {
    start_with(Config::default()).await
}

async fn start_with(config: Config) -> Gateway {
    let (folder, database) = database();
    Gateway::serve(config, dice(&database).await, folder).await
}

fn roll() -> Value {
    json!({"pool": 8, "target_number": 5})
}

#[tokio::test]
async fn a_tool_is_called_with_json_and_answers_json() {
    let gateway = start().await;

    let answer = json(gateway.post("/api/tools/roll_dice", &roll()), 200).await;

    assert_eq!(answer["rolls"].as_array().unwrap().len(), 8);
    assert!(answer["successes"].is_u64(), "{answer}");
    assert!(!answer["roll_id"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn the_same_idempotency_key_answers_the_same_roll() {
    let gateway = start().await;
    let call = || gateway.post("/api/tools/roll_dice", &roll()).header("Idempotency-Key", "one");

    let (first, second) = (json(call(), 200).await, json(call(), 200).await);

    assert_eq!(first["roll_id"], second["roll_id"]);
    let other = gateway.post("/api/tools/roll_dice", &json!({"notation": "2d6"})).header("Idempotency-Key", "one");
    assert_eq!(json(other, 409).await["code"], 6004);
}

#[tokio::test]
async fn the_list_of_tools_has_a_schema_for_each() {
    let gateway = start().await;

    let tools = json(gateway.get("/api/tools"), 200).await;

    let tools = tools["tools"].as_array().unwrap();
    let roll = tools.iter().find(|tool| tool["name"] == "roll_dice").unwrap();
    assert_eq!(roll["parameters"]["properties"]["pool"]["maximum"], 100);
    assert_eq!((&roll["group"], &roll["role"], &roll["effect"]), (&json!("core"), &json!("player"), &json!(true)));
}

#[tokio::test]
async fn the_trace_id_of_a_request_is_answered() {
    let gateway = start().await;

    let response = gateway.get("/api/tools").header("X-Trace-ID", TRACE_ID).send().await.unwrap();

    assert_eq!(header(&response, "x-trace-id"), TRACE_ID);
}

#[tokio::test]
async fn without_a_usable_trace_id_a_new_one_is_made() {
    let gateway = start().await;
    for given in ["", "not-a-uuid", "00000000-0000-0000-0000-000000000000", "\u{e9}"] {
        let response = gateway.get("/api/tools").header("X-Trace-ID", given).send().await.unwrap();

        let made: uuid::Uuid = header(&response, "x-trace-id").parse().unwrap();
        assert!(!made.is_nil() && made.to_string() != given);
    }
}

#[tokio::test]
async fn a_traceparent_is_continued_unless_a_trace_id_is_given() {
    let gateway = start().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    let response = gateway.get("/api/tools").header("traceparent", parent).send().await.unwrap();
    assert_eq!(header(&response, "x-trace-id"), "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");

    let request = gateway.get("/api/tools").header("traceparent", parent).header("X-Trace-ID", TRACE_ID);
    assert_eq!(header(&request.send().await.unwrap(), "x-trace-id"), TRACE_ID);
}

#[tokio::test]
async fn one_trace_runs_from_the_header_to_the_last_service() {
    let _telemetry = service_kit::telemetry::init(&Default::default(), "test").unwrap();
    let gateway = start().await;
    let response = gateway.post("/api/tools/roll_dice", &roll()).header("X-Trace-ID", TRACE_ID).send().await.unwrap();
    assert_eq!(response.status(), 200);

    let trace = json(gateway.get(&format!("/traces/{TRACE_ID}")).header("Accept", "application/json"), 200).await;

    let spans = trace["spans"].as_array().unwrap();
    let root = spans.iter().find(|span| span["parent_id"].is_null()).unwrap();
    assert_eq!(root["name"], "POST /api/tools/{name}");
    assert_eq!(root["attributes"]["http.response.status_code"], 200);
    assert_eq!(root["attributes"]["url.path"], "/api/tools/roll_dice");
    let dice = spans.iter().find(|span| span["service"] == "dice").unwrap();
    assert_eq!(dice["parent_id"], root["span_id"]);
    let statements: Vec<_> = dice["events"].as_array().unwrap().iter().map(|event| &event["attributes"]).collect();
    assert!(statements.iter().any(|event| event["statement"].as_str().unwrap().starts_with("INSERT")), "{dice}");
    assert!(statements.iter().all(|event| event["target"] == "sql"), "{dice}");
    let digits = TRACE_ID.replace('-', "");
    let same = json(gateway.get(&format!("/traces/{digits}")).header("Accept", "application/json"), 200).await;
    assert_eq!(same["trace_id"], trace["trace_id"]);
    let list = json(gateway.get("/traces").header("Accept", "application/json"), 200).await;
    assert_eq!(list["traces"].as_array().unwrap().len(), 1, "{list}");
    for accept in ["application/json", "text/html"] {
        let answer = gateway.get(&format!("/traces/{TRACE_ID}")).header("Accept", accept).send().await.unwrap();
        assert_eq!(header(&answer, "vary"), "accept", "{accept}");
    }
}

#[tokio::test]
async fn a_trace_that_is_not_kept_is_not_found() {
    let gateway = start().await;
    let get = |path: &str| gateway.get(path).header("Accept", "application/json");

    assert_eq!(json(get(&format!("/traces/{TRACE_ID}")), 404).await["code"], 6006);
    assert_eq!(json(get("/traces/x"), 400).await["code"], 2004);
}

#[track_caller]
fn check_envelope(body: &Value, code: u32, kind: &str, text: &str) {
    let error = &body["error"];
    assert_eq!((&error["code"], &error["type"]), (&json!(code), &json!(kind)), "{body}");
    assert!(error["message"].as_str().unwrap().contains(text), "{body}");
    assert!(error["trace_id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok(), "{body}");
    let timestamp = error["timestamp"].as_str().unwrap();
    assert!(timestamp.contains('T') && timestamp.ends_with("+00:00"), "{body}");
    assert!(error["details"].is_object(), "{body}");
    for copy in ["code", "type", "message"] {
        assert_eq!(body[copy], error[copy], "{body}");
    }
}

#[tokio::test]
async fn every_failure_has_the_same_envelope() {
    let gateway = start().await;
    let tool = "/api/tools/roll_dice";

    check_envelope(&json(gateway.get("/nowhere"), 404).await, 6006, "NOT_FOUND", "/nowhere");
    check_envelope(&json(gateway.request("DELETE", "/api/tools"), 405).await, 2004, "INVALID_REQUEST", "DELETE");
    let body = json(gateway.post("/api/tools/roll_dices", &json!({})), 404).await;
    check_envelope(&body, 3004, "TOOL_NOT_FOUND", "roll_dices");
    assert!(body["error"]["details"]["similar_tools"].as_array().unwrap().contains(&json!("roll_dice")), "{body}");
    let body = json(gateway.post(tool, &json!({"pool": 0, "target_number": 4})), 400).await;
    check_envelope(&body, 3003, "INVALID_TOOL_PARAMS", "`pool` must be 1 to 100, not 0");
    let body = json(gateway.post("/api/tools/roll_initiative", &json!({})), 400).await;
    check_envelope(&body, 5003, "MISSING_REQUIRED_FIELD", "notation");
    check_envelope(&json(gateway.post(tool, &json!([])), 400).await, 2004, "INVALID_REQUEST", "JSON object");
    let broken = gateway.request("POST", tool).body("{\"pool\":");
    check_envelope(&json(broken, 400).await, 2004, "INVALID_REQUEST", "not JSON");
    let deep = gateway.request("POST", tool).body("[".repeat(100_000));
    check_envelope(&json(deep, 400).await, 2004, "INVALID_REQUEST", "not JSON");
    check_envelope(&json(gateway.get("/game/one"), 400).await, 2004, "INVALID_REQUEST", "");
    let latin = gateway.get("/api/character/%E9");
    check_envelope(&json(latin, 400).await, 2004, "INVALID_REQUEST", "UTF-8");
}

#[tokio::test]
async fn the_envelope_names_the_trace_of_its_header() {
    let gateway = start().await;
    for path in ["/nowhere", "/api/cast_spell", "/ui/none.js"] {
        let response = gateway.get(path).header("X-Trace-ID", TRACE_ID).send().await.unwrap();

        assert_eq!(header(&response, "x-trace-id"), TRACE_ID);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["trace_id"], TRACE_ID, "{body}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_too_large() {
    let gateway = start_with(Config { body_limit: 1000, ..Config::default() }).await;

    let body = json(gateway.request("POST", "/api/tools/roll_dice").body(" ".repeat(1001)), 413).await;

    check_envelope(&body, 6005, "TOO_LARGE", "too large");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_said_so() {
    let (folder, _) = database();
    let gateway = Gateway::serve(Config::default(), Peers::none(), folder).await;

    let body = json(gateway.get("/api/sessions"), 502).await;

    check_envelope(&body, 2006, "API_ERROR", "cannot be reached");
}

#[tokio::test]
async fn the_page_and_its_files_are_served_under_a_strict_policy() {
    let gateway = start().await;
    for (path, kind) in
        [("/", "text/html"), ("/ui/app.js", "text/javascript"), ("/ui/style.css", "text/css"), ("/traces", "text/html")]
    {
        let response = gateway.get(path).send().await.unwrap();

        assert_eq!(response.status(), 200, "{path}");
        assert!(header(&response, "content-type").starts_with(kind), "{path}");
        let policy = header(&response, "content-security-policy");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert!(!header(&response, "x-trace-id").is_empty());
    }
}

#[tokio::test]
async fn another_page_is_served_in_place_of_ours() {
    let page = tempfile::tempdir().unwrap();
    std::fs::write(page.path().join("index.html"), "<p>theirs</p>").unwrap();
    std::fs::write(page.path().join("app.js"), "1").unwrap();
    let gateway = start_with(Config { www: Some(page.path().into()), ..Config::default() }).await;

    for path in ["/", "/app.js", "/static/app.js"] {
        let response = gateway.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(!header(&response, "content-security-policy").contains("default-src"), "{path}");
        assert!(header(&response, "content-type").ends_with("; charset=utf-8"), "{path}");
    }
    assert_eq!(gateway.get("/").send().await.unwrap().text().await.unwrap(), "<p>theirs</p>");
    check_envelope(&json(gateway.get("/nowhere"), 404).await, 6006, "NOT_FOUND", "");
    check_envelope(&json(gateway.get("/..%2f..%2fetc/passwd"), 404).await, 6006, "NOT_FOUND", "");
    assert!(json(gateway.get("/api/tools"), 200).await["tools"].is_array());
}

#[tokio::test]
async fn foreign_pages_are_refused_and_loopback_ones_are_not() {
    let gateway = start().await;

    let body = json(gateway.get("/api/tools").header("Origin", "https://elsewhere.example"), 403).await;
    check_envelope(&body, 6002, "FORBIDDEN", "--allow-origin");
    assert_eq!(gateway.socket_refused("one", Some("https://elsewhere.example")).await, 403);
    let response = gateway.get("/api/tools").header("Origin", "http://localhost:3000").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "access-control-allow-origin"), "http://localhost:3000");
    assert!(header(&response, "access-control-expose-headers").contains("x-trace-id"));
}

#[tokio::test]
async fn a_foreign_host_name_is_refused_on_loopback() {
    let gateway = start().await;

    let body = json(gateway.get("/api/tools").header("Host", "elsewhere.example"), 403).await;

    check_envelope(&body, 6002, "FORBIDDEN", "not known as elsewhere.example");
}

#[tokio::test]
async fn a_preflight_of_an_allowed_page_is_answered() {
    let allow_origins = vec!["https://table.example".parse().unwrap()];
    let gateway = start_with(Config { allow_origins, ..Config::default() }).await;

    let preflight = gateway
        .request("OPTIONS", "/api/tools/roll_dice")
        .header("Origin", "https://table.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type,x-trace-id");
    let response = preflight.send().await.unwrap();

    assert_eq!(response.status(), 204);
    assert_eq!(header(&response, "access-control-allow-origin"), "https://table.example");
    assert!(header(&response, "access-control-allow-methods").contains("POST"));
    assert!(header(&response, "access-control-allow-headers").contains("x-trace-id"));
}

#[tokio::test]
async fn it_lives_at_once_and_is_ready_when_its_services_are() {
    let gateway = start().await;

    assert_eq!(json(gateway.get("/health/live"), 200).await["status"], "ok");
    let ready = json(gateway.get("/health/ready"), 200).await;
    assert_eq!(ready, json!({"status": "ok", "services": {"dice": "ok"}}));
}

#[tokio::test]
async fn it_is_not_ready_while_a_service_is_away() {
    let (folder, database) = database();
    let away = service_kit::client::connect("http://127.0.0.1:9").unwrap();
    let gateway = Gateway::serve(Config::default(), dice(&database).await.with_fsm(away), folder).await;

    let ready = json(gateway.get("/health/ready"), 503).await;

    assert_eq!(ready["services"], json!({"dice": "ok", "fsm": "unavailable"}));
}

#[tokio::test]
async fn a_call_is_counted_and_timed_under_its_route_and_its_tool() {
    let gateway = start().await;
    json(gateway.post("/api/tools/roll_dice", &roll()), 200).await;

    let answer = gateway.get("/metrics").send().await.unwrap();

    assert!(header(&answer, "content-type").starts_with("application/openmetrics-text"));
    let text = answer.text().await.unwrap();
    for expected in [
        "dicetower_http_duration_seconds_count{route=\"POST /api/tools/{name}\"} ",
        "dicetower_http_answers_total{status=\"200\"} ",
        "dicetower_rpc_duration_seconds_count{service=\"dice\",rpc=\"RollDice\",tool=\"roll_dice\"} ",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_reader_of_the_older_text_gets_metrics_without_examples() {
    let gateway = start().await;

    let answer = gateway.get("/metrics").header("Accept", "text/plain").send().await.unwrap();

    assert!(header(&answer, "content-type").starts_with("text/plain"));
    assert!(!answer.text().await.unwrap().contains("# EOF"));
}
