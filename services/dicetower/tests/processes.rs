//! Every service in a process of its own, on PostgreSQL, as compose runs them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use service_kit::testing::TestDatabase;
use support::{Line, PATIENCE, http, signal, start_service};
use tempfile::{TempDir, tempdir};
use tokio::{process::Child, time::timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// Six processes and the database they share.
struct Deployment {
    http: String,
    tcp: String,
    processes: Vec<Child>,
    url: String,
}

async fn deploy(folder: &TempDir, url: &str) -> Deployment {
    let mut processes = Vec::new();
    let mut environment = vec![("DATABASE_URL".to_owned(), url.to_owned())];
    for service in ["dice", "character", "fsm", "orchestrator"] {
        let pairs: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (child, address) = start_service(folder, &[service, "--listen", "127.0.0.1:0"], &pairs).await;
        environment.push((format!("DICETOWER_{}_URL", service.to_uppercase()), format!("http://{address}")));
        processes.push(child);
    }
    let pairs: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (gateway, http) = start_service(folder, &["gateway", "--http", "127.0.0.1:0"], &pairs).await;
    let adapter = ["tcp-adapter", "--tcp", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
    let (adapter, tcp) = start_service(folder, &adapter, &pairs).await;
    processes.extend([gateway, adapter]);
    Deployment { http: format!("http://{http}"), tcp, processes, url: url.to_owned() }
}

impl Deployment {
    async fn get(&self, path: &str) -> Value {
        let answer =
            http().get(format!("{}{path}", self.http)).header("accept", "application/json").send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Says something at a table and answers with the frames of the turn.
    async fn chat(&self, session: &str, message: &str, trace_id: &str) -> Vec<Value> {
        let url = format!("{}/game/{session}", self.http.replace("http://", "ws://"));
        let (mut socket, _) = connect_async(url).await.unwrap();
        let add = json!({"type": "add_character", "character": "Platinum"});
        let chat = json!({"type": "chat", "message": message, "trace_id": trace_id});
        socket.send(Message::text(add.to_string())).await.unwrap();
        socket.send(Message::text(chat.to_string())).await.unwrap();
        let mut frames = Vec::new();
        while frames.last().is_none_or(|frame: &Value| frame["type"] != "complete") {
            let frame = timeout(PATIENCE, socket.next()).await.expect("the turn ends").unwrap().unwrap();
            if let Message::Text(text) = frame {
                frames.push(serde_json::from_str(&text).unwrap());
            }
        }
        frames
    }

    async fn stop(mut self) {
        for process in &self.processes {
            signal(process, "TERM").await;
        }
        for process in &mut self.processes {
            let code = timeout(PATIENCE, process.wait()).await.expect("it ends").unwrap().code();
            assert_eq!(code, Some(0));
        }
    }
}

#[tokio::test]
async fn a_turn_and_a_game_run_through_six_processes_and_survive_a_restart() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let url = database.url().unwrap().to_owned();
    let folder = tempdir().unwrap();
    let deployment = deploy(&folder, &url).await;
    assert_eq!(deployment.get("/api/characters").await["characters"].as_array().unwrap().len(), 5);

    let trace_id = "0198c0de-0000-7000-8000-00000000d1ce";
    let message = "I shoot the ganger with my Ares Predator at 15 metres";
    let frames = deployment.chat("evening", message, trace_id).await;
    let kinds: BTreeSet<&str> = frames.iter().filter_map(|frame| frame["type"].as_str()).collect();
    assert!(kinds.is_superset(&BTreeSet::from(["narrative", "tool_call", "tool_result", "complete"])), "{kinds:?}");
    let shot = |frame: &&Value| frame["type"] == "tool_result" && frame["tool"] == "calculate_ranged_attack";
    let result = frames.iter().find(shot).unwrap();
    assert_eq!(result["trace_id"], trace_id);
    assert!(result["result"]["final_tn"].is_u64(), "{result}");
    let trace = deployment.get(&format!("/traces/{trace_id}")).await;
    assert_eq!(trace["trace_id"], trace_id, "the gateway's part of the trace");

    let mut line = Line::connect(&deployment.tcp).await;
    line.until("<valid_events>").await;
    line.send("EVENT:GAME_OPTIONS_CONFIRMED").await;
    let states = line.until("<valid_events>").await;
    assert!(states.iter().any(|line| line.starts_with("<state> PHASE_")), "{states:#?}");

    let log = deployment.get("/api/sessions/evening/events").await;
    let state = deployment.get("/api/games").await;
    let url = deployment.url.clone();
    deployment.stop().await;
    let again = deploy(&folder, &url).await;
    assert_eq!(again.get("/api/sessions/evening/events").await, log);
    let (before, after) = (&state["games"][0], &again.get("/api/games").await["games"][0]);
    assert_eq!((&before["game_id"], &before["state"]), (&after["game_id"], &after["state"]));
    again.stop().await;
}
