//! Two gateways, each with an orchestrator of its own, as processes on one database, and no NATS: one table for all.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use service_kit::testing::TestDatabase;
use support::{PATIENCE, start_service};
use tempfile::{TempDir, tempdir};
use tokio::{
    net::{TcpListener, TcpStream},
    process::Child,
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// The processes, which end with it.
struct Deployment {
    folder: TempDir,
    environment: Vec<(String, String)>,
    /// Who serves whom: dice and character.
    _services: Vec<Child>,
    orchestrators: Vec<(Child, String)>,
    gateways: Vec<(Child, String)>,
}

impl Deployment {
    /// Starts all; an orchestrator that is not heard of for so many seconds is taken for gone.
    async fn start(database: &TestDatabase, lease: u32) -> Deployment {
        let mut deployment = Deployment {
            folder: tempdir().unwrap(),
            environment: vec![
                ("DATABASE_URL".to_owned(), database.url().unwrap().to_owned()),
                ("DICETOWER_LEASE".to_owned(), lease.to_string()),
            ],
            _services: Vec::new(),
            orchestrators: Vec::new(),
            gateways: Vec::new(),
        };
        for service in ["dice", "character"] {
            let (child, address) = deployment.spawn(&[service, "--listen", "127.0.0.1:0"]).await;
            deployment
                .environment
                .push((format!("DICETOWER_{}_URL", service.to_uppercase()), format!("http://{address}")));
            deployment._services.push(child);
        }
        for _ in 0..2 {
            let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
            let child = deployment.orchestrator(&address).await;
            let url = format!("http://{address}");
            let gateway = deployment.spawn(&["gateway", "--http", "127.0.0.1:0", "--orchestrator-url", &url]).await;
            deployment.orchestrators.push((child, address));
            deployment.gateways.push(gateway);
        }
        deployment
    }

    async fn orchestrator(&self, address: &str) -> Child {
        self.spawn(&["orchestrator", "--listen", address, "--advertise", &format!("http://{address}")]).await.0
    }

    async fn spawn(&self, args: &[&str]) -> (Child, String) {
        let pairs = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        start_service(&self.folder, args, &pairs.collect::<Vec<_>>()).await
    }

    /// Somebody sits down at one of the gateways.
    async fn person(&self, name: &str, gateway: usize, after_seq: Option<u64>) -> Person {
        let after = after_seq.map(|seq| format!("?after_seq={seq}")).unwrap_or_default();
        let url = format!("ws://{}/game/evening{after}", self.gateways[gateway].1);
        let (socket, _) = connect_async(url).await.unwrap();
        let mut person = Person { name: name.to_owned(), socket, last_seq: after_seq.unwrap_or_default() };
        person.send(&json!({"type": "join", "name": name})).await;
        person.until(|frame| frame["type"] == "session_info").await;
        person
    }
}

/// Somebody at the table.
struct Person {
    name: String,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_seq: u64,
}

impl Person {
    async fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn say(&mut self, message: &str) {
        self.send(&json!({"type": "chat", "message": message})).await;
    }

    /// All frames up to the first that is meant.
    async fn until(&mut self, is_meant: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut frames: Vec<Value> = Vec::new();
        while !frames.last().is_some_and(&is_meant) {
            let next = timeout(PATIENCE, self.socket.next()).await;
            let next = next.unwrap_or_else(|_| panic!("{} waits in vain after {frames:?}", self.name));
            if let Message::Text(text) = next.expect("the line is open").unwrap() {
                let frame: Value = serde_json::from_str(&text).unwrap();
                self.last_seq = self.last_seq.max(frame["seq"].as_u64().unwrap_or_default());
                frames.push(frame);
            }
        }
        frames
    }

    /// What the dice show in the turn that is told next, to its end.
    async fn turn(&mut self) -> Value {
        let frames = self.until(|frame| frame["type"] == "complete").await;
        let result = frames.iter().find(|frame| frame["type"] == "tool_result");
        result.unwrap_or_else(|| panic!("{frames:?}"))["result"]["dice"].clone()
    }

    async fn is_cut_off(&mut self) {
        while let Ok(Some(Ok(_))) = timeout(PATIENCE, self.socket.next()).await {}
    }
}

#[tokio::test]
async fn players_at_two_gateways_see_one_table_and_go_on_when_a_gateway_is_killed() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let mut deployment = Deployment::start(&database, 16).await;
    let mut anna = deployment.person("Anna", 0, None).await;
    let mut bert = deployment.person("Bert", 1, None).await;
    anna.until(|frame| frame["type"] == "presence" && frame["name"] == "Bert").await;

    anna.say("I roll 6 dice against 4").await;
    assert_eq!(anna.turn().await, bert.turn().await);
    bert.say("I roll 8 dice against 4").await;
    let dice = bert.turn().await;
    assert_eq!(anna.turn().await, dice);
    assert_eq!(dice.as_array().map(Vec::len), Some(8));
    // What is meant for a turn reaches its holder, too.
    bert.send(&json!({"type": "cancel"})).await;
    bert.until(|frame| frame["content"] == "Nothing to cancel").await;

    deployment.gateways[0].0.kill().await.unwrap();
    anna.is_cut_off().await;
    let mut anna = deployment.person("Anna", 1, Some(anna.last_seq)).await;
    anna.say("I roll 5 dice against 4").await;
    let dice = anna.turn().await;
    assert_eq!(bert.turn().await, dice);
    assert_eq!(dice.as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn a_call_for_a_holder_that_is_missing_is_refused_until_it_starts_again() {
    let Some(database) = TestDatabase::postgres().await else { return };
    // It does not lapse while somebody is refused.
    let mut deployment = Deployment::start(&database, 40).await;
    let mut anna = deployment.person("Anna", 0, None).await;
    let mut bert = deployment.person("Bert", 1, None).await;
    anna.say("I roll 6 dice against 4").await;
    assert_eq!(anna.turn().await, bert.turn().await);

    deployment.orchestrators[0].0.kill().await.unwrap();
    bert.is_cut_off().await;
    let (socket, _) =
        connect_async(format!("ws://{}/game/evening?after_seq=0", deployment.gateways[1].1)).await.unwrap();
    let mut bert = Person { socket, ..bert };
    // What the log has he may read all the same.
    bert.until(|frame| frame["type"] == "complete").await;
    bert.say("I roll 7 dice against 4").await;
    let frames = bert.until(|frame| frame["type"] == "error").await;
    let refusal = frames.last().unwrap()["content"].as_str().unwrap();
    assert!(refusal.contains("another server holds this session"), "{refusal}");

    let address = deployment.orchestrators[0].1.clone();
    deployment.orchestrators[0].0 = deployment.orchestrator(&address).await;
    bert.is_cut_off().await;
    let mut bert = deployment.person("Bert", 1, Some(bert.last_seq)).await;
    bert.say("I roll 7 dice against 4").await;
    assert_eq!(bert.turn().await.as_array().map(Vec::len), Some(7));
}
