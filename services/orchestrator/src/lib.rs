//! The orchestrator: sessions, turns, the language model and its tools.
//!
//! A session is a table. `store` keeps its log, `state` folds it, `snapshot` spares reading all of it, `session` is its
//! one writer and tells what happens, `subscription` is how others read it. `turn` is the loop in which a game master
//! speaks and calls tools; the game masters are in `llm`, the people in `seats`. `table` is what was agreed, `game` the
//! board game it is linked to, `briefing` what a turn is told of all that, from `prompts`, `lore` and `memory`; `models`
//! knows which table has which model. `budget` bounds what models may write in a day, `claims` and `integrity` check what
//! they tell, and `rights` for whom they may act. `follow` reads along where another replica writes. `service` answers gRPC.

mod briefing;
mod budget;
mod claims;
mod config;
mod engine;
mod events;
mod follow;
mod game;
mod integrity;
mod llm;
mod lore;
mod memory;
mod metrics;
mod models;
mod privacy;
mod prompts;
mod remember;
mod rights;
mod scene;
mod seats;
mod service;
mod session;
mod sessions;
mod snapshot;
mod state;
mod store;
mod story;
mod subscription;
mod table;
mod turn;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use proto::orchestrator::v1::orchestrator_service_server::OrchestratorServiceServer;
use service_kit::{
    Peers, compressed,
    db::DatabaseConfig,
    forward::{Forward, Others},
    replicas::{self, Replicas},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use config::{Config, ModelPrice};
pub use privacy::{erase_person, export_person};
pub use store::SCHEMA;

use crate::{
    budget::Budget,
    engine::{Engine, Limits},
    models::Models,
    prompts::Prompts,
    service::Orchestrator,
    sessions::Sessions,
    store::Store,
};

/// How often is looked for sessions that are kept no longer.
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);

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
    if config.names_no_model() {
        tracing::warn!(
            "LLM_MODEL and LLM_API_KEY only count together with LLM_URL: the built-in game master is at the table"
        );
    }
    let prompts = Prompts::read(&config).await?;
    let models = Models::new(&config)?;
    metrics::begin(&models.server().iter().map(|link| link.provider.model()).collect::<Vec<_>>());
    let store = Store::open(database).await?;
    let limits = Limits {
        turn: config.turn_timeout,
        tool: config.tool_timeout,
        steps: config.steps_per_turn,
        tokens: config.tokens_per_turn,
        restarts: config.llm_restarts,
        lore_tokens: config.lore_tokens as usize,
        memory_tokens: config.memory_tokens as usize,
        snapshot_events: config.snapshot_events,
        reader_queue: config.reader_queue,
    };
    let others = Others::new(peers.credentials(), shutdown.clone());
    let wakes = peers.wakes().clone();
    let engine =
        Arc::new(Engine::new(models, prompts, store.clone(), limits, Budget::new(&config), peers, shutdown.clone()));
    // A folder of files is used by one process alone; its lock is taken by whoever starts it.
    let is_alone = matches!(database, DatabaseConfig::Folder { .. });
    let settings = replicas::Settings {
        service: "orchestrator",
        is_alone,
        address: config.advertise.clone(),
        lease: config.lease,
        wakes,
    };
    let replicas = Replicas::start(store.db().clone(), settings).await?;
    let server = service_kit::Server::new("orchestrator").on(store.db()).until(shutdown.clone());
    let sessions = Arc::new(Sessions::new(store, engine.clone(), replicas.clone()));
    let stopped = CancellationToken::new();
    tokio::spawn(stop(engine.stopping.clone(), config.grace, shutdown.clone()));
    if let Some(days) = config.keep_sessions_days {
        tokio::spawn(expire(Arc::downgrade(&sessions), days, config.lease, shutdown.clone()));
    }
    tokio::spawn(take_up(Arc::downgrade(&sessions), replicas.gone(), config.lease, shutdown.clone()));
    tokio::spawn(forget(Arc::downgrade(&sessions), config.forget_after, shutdown.clone()));
    tokio::spawn(close(Arc::downgrade(&sessions), shutdown, stopped.clone()));
    tokio::spawn(replicas.live(stopped));
    let orchestrator = Orchestrator::new(sessions, engine, others.clone());
    let orchestrator = compressed!(OrchestratorServiceServer::new(orchestrator));
    Ok(server.add_service(Forward::new(orchestrator, others)).routes())
}

/// Ends the turns that run some time after the server has begun to shut down.
async fn stop(stopping: CancellationToken, grace: Duration, shutdown: CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(grace).await;
    stopping.cancel();
}

/// Lets go what another has taken, and takes up what a process that is gone has left behind: at once, and again and again, since others may go later.
async fn take_up(
    sessions: Weak<Sessions>,
    mut gone: watch::Receiver<u64>,
    pause: Duration,
    shutdown: CancellationToken,
) {
    while let Some(sessions) = sessions.upgrade() {
        gone.mark_unchanged();
        sessions.let_go().await;
        sessions.take_up().await;
        drop(sessions);
        tokio::select! {
            () = shutdown.cancelled() => return,
            // Its last owner is gone, too, when the sessions are.
            Ok(()) = gone.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Deletes what nobody has played for so many days: at once, and every hour; what another replica seems to hold is looked
/// at again after a lease.
async fn expire(sessions: Weak<Sessions>, days: u32, lease: Duration, shutdown: CancellationToken) {
    while let Some(sessions) = sessions.upgrade() {
        let pause = if sessions.expire(days).await { EXPIRE_EVERY } else { lease };
        drop(sessions);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Forgets the sessions that nobody needs: an evening's talk fills memory for as long as it is kept.
async fn forget(sessions: Weak<Sessions>, idle: Duration, shutdown: CancellationToken) {
    let mut looks = tokio::time::interval(idle / 4);
    while shutdown.run_until_cancelled(looks.tick()).await.is_some() {
        let Some(sessions) = sessions.upgrade() else { return };
        sessions.forget_idle(idle);
    }
}

/// Lets whoever listens go when the server shuts down, and says when the last turn has ended.
async fn close(sessions: Weak<Sessions>, shutdown: CancellationToken, stopped: CancellationToken) {
    shutdown.cancelled().await;
    let Some(sessions) = sessions.upgrade() else { return };
    for session in sessions.in_memory() {
        session.close().await;
    }
    for session in sessions.in_memory() {
        session.closed().await;
    }
    stopped.cancel();
}
