//! A table for tests: the real orchestrator, characters and dice in one process, and a fake model in the chair.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use fake_model::FakeModel;
use orchestrator::Config;
use proto::{
    frame,
    orchestrator::v1::{
        AddCharacterRequest, CallToolRequest, CallToolResponse, ChatRequest, ChatResponse, GetSessionRequest,
        ListEventsRequest, Session, SessionEvent, SubscribeRequest,
        orchestrator_service_client::OrchestratorServiceClient,
    },
    structs,
};
use serde_json::Value;
use service_kit::{Peers, Transport, client::in_process, testing::TestDatabase};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

/// The migrations of the orchestrator's database, for tests that look into it.
pub const MIGRATIONS: &[&str] = &[
    include_str!("../../../../migrations/orchestrator/0001_sessions.sql"),
    include_str!("../../../../migrations/orchestrator/0002_open_turns.sql"),
    include_str!("../../../../migrations/orchestrator/0003_usage.sql"),
    include_str!("../../../../migrations/orchestrator/0004_titles.sql"),
    include_str!("../../../../migrations/orchestrator/0005_tables.sql"),
];
/// Longest time that a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Table {
    pub client: OrchestratorServiceClient<Transport>,
    pub database: TestDatabase,
    pub shutdown: CancellationToken,
    pub config: Config,
}

/// Waits until something is so that comes by itself.
pub async fn until(is_so: impl AsyncFn() -> bool) {
    let asked = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("it is so within the time");
}

/// The frames of a subscription.
pub struct Frames(Streaming<SessionEvent>);

impl Table {
    /// A table with this model in the chair.
    pub async fn with(model: &FakeModel) -> Table {
        Table::set_up(config(model)).await
    }

    pub async fn set_up(config: Config) -> Table {
        Table::on(TestDatabase::sqlite(), config).await
    }

    pub async fn on(database: TestDatabase, config: Config) -> Table {
        let peers = peers(&database).await;
        Table::among(peers, database, config).await
    }

    pub async fn among(peers: Peers, database: TestDatabase, config: Config) -> Table {
        let shutdown = CancellationToken::new();
        let routes = orchestrator::start(config.clone(), &database.config, peers, shutdown.clone()).await.unwrap();
        let client = OrchestratorServiceClient::new(in_process(routes));
        Table { client, database, shutdown, config }
    }

    /// The same table after a restart, with the same data.
    pub async fn restarted(self, config: Config) -> Table {
        let Table { client, database, .. } = self;
        // With its last caller the old one ends.
        drop(client);
        Table::on(database, config).await
    }

    pub async fn chat(&self, message: &str) -> ChatResponse {
        self.say(ChatRequest { message: message.into(), ..said() }).await.unwrap()
    }

    pub async fn say(&self, request: ChatRequest) -> Result<ChatResponse, Status> {
        Ok(self.client.clone().chat(request).await?.into_inner())
    }

    /// Everything from now on.
    pub async fn listen(&self) -> Frames {
        self.subscribe(SubscribeRequest { session_id: "s".into(), ..Default::default() }).await
    }

    /// Everything after a place in the log, without the `resumed` in front.
    pub async fn resume(&self, after_seq: u64, after_offset: Option<u64>) -> Frames {
        let request =
            SubscribeRequest { session_id: "s".into(), after_seq: Some(after_seq), after_offset, connection_id: None };
        let mut frames = self.subscribe(request).await;
        assert_eq!(frames.next().await["type"], "resumed");
        frames
    }

    pub async fn subscribe(&self, request: SubscribeRequest) -> Frames {
        Frames(self.client.clone().subscribe(request).await.unwrap().into_inner())
    }

    /// Plays one turn; its frames from `player_message` to `complete`, without telemetry.
    pub async fn play(&self, message: &str) -> Vec<Value> {
        let mut frames = self.listen().await;
        self.chat(message).await;
        frames.until("complete").await
    }

    /// The whole log as frames.
    pub async fn log(&self) -> Vec<Value> {
        self.log_or_none().await.unwrap()
    }

    /// The whole log as frames, if this server may read it.
    pub async fn log_or_none(&self) -> Result<Vec<Value>, Status> {
        let mut log: Vec<Value> = Vec::new();
        loop {
            let after_seq = log.last().map_or(0, |frame| frame["seq"].as_u64().unwrap());
            let request = ListEventsRequest { session_id: "s".into(), after_seq: Some(after_seq), limit: None };
            let page = self.client.clone().list_events(request).await?.into_inner();
            if page.events.is_empty() {
                return Ok(log);
            }
            log.extend(page.events.iter().map(frame::to_frame));
        }
    }

    pub async fn session(&self) -> Session {
        let request = GetSessionRequest { session_id: "s".into() };
        self.client.clone().get_session(request).await.unwrap().into_inner()
    }

    pub async fn add_character(&self, character: &str) -> Result<Session, Status> {
        let request = AddCharacterRequest { session_id: "s".into(), character: character.into(), connection_id: None };
        Ok(self.client.clone().add_character(request).await?.into_inner())
    }

    pub async fn call_tool(&self, name: &str, arguments: Value) -> Result<Value, Status> {
        let arguments = Some(structs::from_json(arguments));
        let request = CallToolRequest { session_id: "s".into(), name: name.into(), arguments };
        let CallToolResponse { result } = self.client.clone().call_tool(request).await?.into_inner();
        Ok(structs::to_json(result.unwrap_or_default()))
    }
}

impl Frames {
    pub async fn next(&mut self) -> Value {
        tokio::time::timeout(PATIENCE, self.next_unhurried()).await.expect("a frame within the time")
    }

    async fn next_unhurried(&mut self) -> Value {
        frame::to_frame(&self.0.message().await.unwrap().expect("the stream goes on"))
    }

    /// What ends the stream: an error, or nothing.
    pub async fn end(&mut self) -> Option<Status> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.message()).await.expect("an end within the time") {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(status) => return Some(status),
            }
        }
    }

    /// The frames up to and with the first of a type, without telemetry.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut frames = self.all_until(kind).await;
        frames.retain(|frame| frame["type"] != "telemetry");
        frames
    }

    pub async fn all_until(&mut self, kind: &str) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            let Ok(frame) = tokio::time::timeout(PATIENCE, self.next_unhurried()).await else {
                panic!("no {kind} within the time, after {:?}", types(&frames));
            };
            let is_last = frame["type"] == kind;
            frames.push(frame);
            if is_last {
                return frames;
            }
        }
    }
}

pub fn config(model: &FakeModel) -> Config {
    // A script says what is answered to each question: none is asked twice unless a test is about it.
    let (llm_url, llm_model) = (Some(model.url.clone()), Some("fake".into()));
    let grace = Duration::from_millis(1);
    Config { llm_url, llm_model, llm_restarts: 0, grace, ..Config::default() }
}

pub fn said() -> ChatRequest {
    ChatRequest { session_id: "s".into(), message: "Hello".into(), ..Default::default() }
}

pub async fn peers(database: &TestDatabase) -> Peers {
    peers_by(database, |dice| dice).await
}

/// The same, with the way to the dice led through something else.
pub async fn peers_by(database: &TestDatabase, lead: impl FnOnce(Transport) -> Transport) -> Peers {
    let shutdown = CancellationToken::new();
    let dice_config = dice::Config { seed: Some(7), ..dice::Config::default() };
    let dice = dice::start(dice_config, &database.config, Peers::none(), shutdown.clone()).await.unwrap();
    let peers = Peers::none().with_dice(lead(in_process(dice)));
    let characters = character::Config::default();
    let character = character::start(characters, &database.config, peers.clone(), shutdown.clone()).await.unwrap();
    peers.with_character(in_process(character))
}

/// The types of frames, those of text taken together.
pub fn types(frames: &[Value]) -> Vec<&str> {
    let mut types: Vec<&str> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    types.dedup_by(|next, last| next == last && *next == "narrative");
    types
}

/// The narration of frames, in one text.
pub fn told(frames: &[Value]) -> String {
    let pieces = frames.iter().filter(|frame| frame["type"] == "narrative");
    pieces.map(|frame| frame["content"].as_str().unwrap()).collect()
}

/// The frames of a type.
pub fn of<'a>(frames: &'a [Value], kind: &str) -> Vec<&'a Value> {
    frames.iter().filter(|frame| frame["type"] == kind).collect()
}
