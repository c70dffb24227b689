//! The orchestrator: sessions, turns, the language model and its tools.
//!
//! A session is a table. `store` keeps its log, `state` folds it, `session` is its one writer and tells what happens,
//! `subscription` is how others read it. `turn` is the loop in which a game master speaks and calls tools; the game
//! masters are in `llm`, the people in `seats`. `budget` bounds what models may write in a day, `claims` checks what they
//! tell. `service` answers gRPC.

mod budget;
mod claims;
mod config;
mod engine;
mod events;
mod llm;
mod scene;
mod seats;
mod service;
mod session;
mod sessions;
mod state;
mod store;
mod story;
mod subscription;
mod turn;

use std::sync::Arc;

use anyhow::Context as _;
use proto::orchestrator::v1::orchestrator_service_server::OrchestratorServiceServer;
use service_kit::{Peers, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::Config;

use crate::{
    budget::Budget,
    engine::{Engine, Limits},
    service::Orchestrator,
    sessions::Sessions,
    store::Store,
};

/// The system context unless `--context` names another.
const GAME_MASTER: &str = include_str!("../prompts/game-master.txt");
/// Largest system context, in bytes.
const MAX_CONTEXT: u64 = 256 * 1024;

/// Starts the service: opens the session log, seats the game master, and takes up the turns that the last process left
/// without an end. When `shutdown` comes, turns are ended and
/// subscribers are let go.
///
/// # Errors
///
/// The database or the system context cannot be read, or the model's address makes no sense.
pub async fn start(
    config: Config,
    database: &DatabaseConfig,
    peers: Peers,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let instructions = instructions(&config).await?;
    let providers = llm::connect(&config)?;
    let limits = Limits {
        turn: config.turn_timeout,
        tool: config.tool_timeout,
        steps: config.steps_per_turn,
        tokens: config.tokens_per_turn,
        restarts: config.llm_restarts,
    };
    let engine = Arc::new(Engine::new(providers, instructions, limits, Budget::new(&config), peers, shutdown.clone()));
    let sessions = Arc::new(Sessions::new(Store::open(database).await?, engine.clone()));
    tokio::spawn({
        let sessions = sessions.clone();
        async move { sessions.take_up().await }
    });
    tokio::spawn({
        let sessions = sessions.clone();
        async move {
            shutdown.cancelled().await;
            for session in sessions.in_memory() {
                session.close().await;
            }
        }
    });
    let orchestrator = OrchestratorServiceServer::new(Orchestrator::new(sessions, engine));
    Ok(service_kit::Server::new("orchestrator").add_service(orchestrator).routes())
}

async fn instructions(config: &Config) -> anyhow::Result<Arc<str>> {
    let Some(path) = &config.context else { return Ok(GAME_MASTER.into()) };
    let shown = path.display();
    let size = tokio::fs::metadata(path).await.with_context(|| format!("read the system context {shown}"))?.len();
    anyhow::ensure!(
        size <= MAX_CONTEXT,
        "the system context {shown} has {size} bytes; at most {MAX_CONTEXT} are allowed"
    );
    let text = tokio::fs::read_to_string(path).await.with_context(|| format!("read the system context {shown}"))?;
    Ok(text.into())
}
