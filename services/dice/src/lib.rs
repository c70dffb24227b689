//! The dice service: the only place random numbers are drawn.
//!
//! `service` answers gRPC; `ledger` draws every roll at its place in a chain and keeps it before it is told; `log` reads
//! it again, `proof` says how it is proved, `keys` signs, `privacy` takes a person out of it. The rules themselves are in the `rules` crate.

mod chances;
mod keys;
mod ledger;
mod log;
mod luck;
mod privacy;
pub mod proof;
mod service;
mod walk;

use std::path::PathBuf;

use proto::dice::v1::dice_service_server::DiceServiceServer;
use service_kit::{Peers, compressed, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use log::SCHEMA;
pub use privacy::{erase_person, export_person};

/// How the dice service is set up.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)] // In the one binary several of these stand side by side.
pub struct Config {
    /// Seed for repeatable rolls in tests; unset, the dice come from the operating system's entropy.
    #[arg(long = "dice-seed", env = "DICE_SEED")]
    pub seed: Option<u64>,
    /// Draw from a fast generator without a commitment, so that rolls cannot be proved: for simulations.
    #[arg(long = "dice-plain", env = "DICE_PLAIN")]
    pub plain: bool,
    /// File of keys that sign the roll log, one a line in hexadecimal, the last signs; unset, one is made in the data
    /// folder, or in PostgreSQL, where all replicas share it.
    #[arg(long = "dice-signing-keys", env = "DICE_SIGNING_KEYS")]
    pub signing_keys: Option<PathBuf>,
}

/// Starts the service: opens its roll log and answers with its routes. It calls nobody, and wakes its other
/// replicas.
///
/// # Errors
///
/// The database cannot be opened, or the signing keys cannot be read.
pub async fn start(
    config: Config,
    database: &DatabaseConfig,
    peers: Peers,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let chance = ledger::Chance { seed: config.seed, plain: config.plain };
    let log = log::RollLog::open(database, chance).await?;
    let server = service_kit::Server::new("dice").on(log.db()).until(shutdown);
    let keys = keys::Keys::open(config.signing_keys.as_deref(), database, log.db()).await?;
    let wakes = peers.wakes().clone();
    let elsewhere = wakes.share("dice.rolls", log.kept()).await;
    let dice = service::Dice::new(log, keys, service::Others { wakes, elsewhere });
    dice.keep_keys().await.map_err(|status| anyhow::anyhow!("note the signing keys: {}", status.message()))?;
    Ok(server.add_service(compressed!(DiceServiceServer::new(dice))).routes())
}
