//! The other doors: MCP, and pages of other sites.

use gateway::Config;
use serde_json::{Value, json};
use service_kit::auth::{Grant, Role};

use super::{roll, status, with};
use crate::{
    guarded::{Guarded, grant, guarded},
    support::{header, table},
};

async fn mcp(guarded: &Guarded, token: &str, method: &str, params: Value) -> (u16, String) {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut params = params;
    params["_meta"] = meta;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut request = guarded
        .gateway
        .post("/mcp", &body)
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", method);
    if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
        request = request.header("Mcp-Name", name);
    }
    let response = with(request, token).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_model_does_not_see_or_call_tools_above_its_role() {
    let guarded = guarded().await;
    let (_, listed) = mcp(&guarded, &guarded.player, "tools/list", json!({})).await;
    assert!(listed.contains("roll_dice") && !listed.contains("add_karma"), "{listed}");
    let call = json!({"name": "add_karma", "arguments": {"character_name": "Platinum", "amount": 9, "reason": "x"}});
    let (_, answer) = mcp(&guarded, &guarded.player, "tools/call", call).await;
    assert!(answer.contains("FORBIDDEN"), "{answer}");
}

#[tokio::test]
async fn a_model_without_a_token_is_refused() {
    let guarded = guarded().await;
    assert_eq!(mcp(&guarded, "dt_0", "tools/list", json!({})).await.0, 401);
}

#[tokio::test]
async fn a_model_does_not_read_what_is_no_resource_of_ours() {
    let guarded = guarded().await;
    for uri in ["file:///etc/passwd", "dicetower://../../etc/passwd", "http://127.0.0.1/", "dicetower://characters/%00"]
    {
        let (_, answer) = mcp(&guarded, &guarded.gm, "resources/read", json!({"uri": uri})).await;
        assert!(answer.contains("no such resource"), "{uri}: {answer}");
    }
}

#[tokio::test]
async fn a_model_bound_to_one_session_reads_no_other() {
    let guarded = guarded().await;
    let token = guarded.token(Grant { session_id: Some("ours".into()), ..grant("Ben", Role::Gm) }).await;
    for uri in ["dicetower://sessions/theirs", "dicetower://rolls/theirs"] {
        let (_, answer) = mcp(&guarded, &token, "resources/read", json!({"uri": uri})).await;
        assert!(answer.contains("for the session ours only"), "{uri}: {answer}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_socket() {
    let gateway = table(Config::default()).await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://", "http://evil@127.0.0.1"]
    {
        assert_eq!(gateway.socket_refused("evening", Some(origin)).await, 403, "{origin}");
    }
    assert_eq!(gateway.socket_refused("evening", Some(&format!("http://{}", gateway.address))).await, 101);
}

#[tokio::test]
async fn a_page_of_another_site_calls_no_tool() {
    let gateway = table(Config::default()).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json"] {
        let request = gateway.post("/api/tools/roll_dice", &roll()).header("Origin", "https://evil.example");
        assert_eq!(status(request.header("Content-Type", kind)).await, 403, "{kind}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_speaks_no_mcp() {
    let gateway = table(Config::default()).await;
    let request = gateway.post("/mcp", &json!({})).header("Origin", "https://evil.example");
    assert_eq!(status(request).await, 403);
}

#[tokio::test]
async fn a_name_that_was_made_to_point_here_reaches_nothing() {
    let gateway = table(Config::default()).await;
    for host in ["evil.example", "evil.example:8001", "127.0.0.1.evil.example"] {
        assert_eq!(status(gateway.get("/api/sessions").header("Host", host)).await, 403, "{host}");
    }
}

#[tokio::test]
async fn every_answer_forbids_sniffing_framing_and_foreign_scripts() {
    let gateway = table(Config::default()).await;
    for path in ["/", "/docs", "/api/tools", "/nothing", "/openapi.json"] {
        let response = gateway.get(path).send().await.unwrap();
        let policy = header(&response, "content-security-policy");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap_or(policy);
        assert!(!scripts.contains("unsafe"), "{path}: {policy}");
    }
}
