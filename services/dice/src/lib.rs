//! The dice service: the only place random numbers are drawn.
//!
//! `service` answers gRPC, `chance` draws the faces, `log` keeps every roll before it is told; the rules themselves are
//! in the `rules` crate.

mod chance;
mod log;
mod service;

use proto::dice::v1::dice_service_server::DiceServiceServer;
use service_kit::{Peers, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// How the dice service is set up.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)] // In the one binary several of these stand side by side.
pub struct Config {
    /// Seed for repeatable rolls in tests; unset, the dice come from the operating system's entropy.
    #[arg(long = "dice-seed", env = "DICE_SEED")]
    pub seed: Option<u64>,
}

/// Starts the service: opens its roll log and answers with its routes. It calls nobody and needs no shutdown.
///
/// # Errors
///
/// The database cannot be opened.
pub async fn start(
    config: Config,
    database: &DatabaseConfig,
    _peers: Peers,
    _shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let log = log::RollLog::open(database).await?;
    let dice = service::Dice::new(chance::Chance::new(config.seed), log);
    Ok(service_kit::Server::new("dice").add_service(DiceServiceServer::new(dice)).routes())
}
