//! The state machine service: definitions as data, games as logs.
//!
//! The core does no I/O: `definition` reads a machine, `expression` computes over facts, `board` makes figures of pieces,
//! `machine` says what an event brings about, `opponent` what the built-in opponent would choose; `draw` and
//! `simulate` are for people who write machines. Around it, `database` reads the client's board, `chance` has dice rolled,
//! `store` keeps the logs, `games` has the locks, the attachments, the clocks and who decides, `watch` reads along,
//! `service` answers gRPC.

mod board;
mod catalogue;
mod chance;
mod convert;
mod database;
mod definition;
mod draw;
mod expression;
mod games;
mod machine;
mod machines;
mod opponent;
mod service;
mod simulate;
mod store;
mod text;
mod watch;

use std::path::PathBuf;

use proto::fsm::v1::fsm_service_server::FsmServiceServer;
use service_kit::{Peers, compressed, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use draw::{Drawing, Report, machine_check, machine_check_text, machine_draw};
pub use simulate::machine_run;

/// How the state machine service is set up.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)] // In the one binary several of these stand side by side.
pub struct Config {
    /// The Java client's database, read only, opened when it appears; `{game}` in the path stands for the game's id.
    #[arg(long, env = "WOTR_DB", default_value = "wotr_game.db")]
    pub wotr_db: PathBuf,
    /// The machine of games that name none: war-of-the-ring, document, or a file in either format.
    #[arg(long, env = "DICETOWER_MACHINE", default_value = "war-of-the-ring")]
    pub machine: String,
    /// Speak as documented and no more: roll no dice, show nothing twice, take the client's faces.
    #[arg(long, env = "DICETOWER_STRICT")]
    pub strict: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { wotr_db: "wotr_game.db".into(), machine: "war-of-the-ring".to_owned(), strict: false }
    }
}

/// Starts the service: loads the machine, opens the games and answers with the routes. It calls `dice`.
///
/// # Errors
///
/// The machine cannot run, or the database cannot be opened.
pub async fn start(
    config: Config,
    database: &DatabaseConfig,
    peers: Peers,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let store = store::Store::open(database).await?;
    let machines = machines::Machines::default();
    let machine = machines.configured(&config.machine, &store).await?;
    let databases = database::ClientDatabases::new(&config.wotr_db);
    let assist = !config.strict;
    let games = games::Games::open(store, machines, machine, databases, peers.dice(), assist, shutdown.clone()).await?;
    let service = service::Fsm::new(games, shutdown);
    Ok(service_kit::Server::new("fsm").add_service(compressed!(FsmServiceServer::new(service))).routes())
}

#[cfg(test)]
mod tests;
