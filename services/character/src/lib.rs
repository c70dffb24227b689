//! The character service: sheets, and what a character can do.
//!
//! `service` answers gRPC, a file for each part of a sheet and each kind of test; `sheet` is what is stored of a character and the figures that
//! follow from it, `shapes` the JSON that clients know; `store` keeps it all, `privacy` takes a person out of it. The rules are in the `rules` crate, the dice
//! in the dice service.

mod conditions;
mod names;
mod privacy;
mod samples;
mod service;
mod shapes;
mod sheet;
mod store;
mod summaries;

use anyhow::Context as _;
use proto::character::v1::{
    battle_service_server::BattleServiceServer, campaign_service_server::CampaignServiceServer,
    character_service_server::CharacterServiceServer, combat_service_server::CombatServiceServer,
    conjuring_service_server::ConjuringServiceServer, gear_service_server::GearServiceServer,
    lookup_service_server::LookupServiceServer, machine_service_server::MachineServiceServer,
    magic_service_server::MagicServiceServer, sheet_service_server::SheetServiceServer,
};
use service_kit::{Peers, compressed, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use privacy::{erase_person, export_person};
pub use store::SCHEMA;

/// How the character service is set up.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)] // In the one binary several of these stand side by side.
pub struct Config {
    /// Start without the sample characters.
    #[arg(long = "no-samples", env = "CHARACTER_NO_SAMPLES")]
    pub no_samples: bool,
    /// Days for which an idempotency key answers the same again; 1 to 3650.
    #[arg(long, env = "DICETOWER_KEEP_KEYS_DAYS", value_name = "DAYS", default_value_t = KEEP_KEYS_DAYS,
        value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub keep_keys_days: u32,
}

const KEEP_KEYS_DAYS: u32 = 7;

impl Default for Config {
    fn default() -> Config {
        Config { no_samples: false, keep_keys_days: KEEP_KEYS_DAYS }
    }
}

/// Starts the service: opens its store, puts the sample characters into an empty one, and answers with its routes. It
/// rolls through the dice service.
///
/// # Errors
///
/// The database cannot be opened.
pub async fn start(
    config: Config,
    database: &DatabaseConfig,
    peers: Peers,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let store = store::Store::open(database, config.keep_keys_days).await?;
    if !config.no_samples {
        store.seed(&samples::sheets()?).await.context("keep the sample characters")?;
    }
    let server = service_kit::Server::new("character").on(store.db()).until(shutdown);
    let characters = service::Characters::new(store, peers);
    Ok(server
        .add_service(compressed!(CharacterServiceServer::new(characters.clone())))
        .add_service(compressed!(SheetServiceServer::new(characters.clone())))
        .add_service(compressed!(GearServiceServer::new(characters.clone())))
        .add_service(compressed!(MagicServiceServer::new(characters.clone())))
        .add_service(compressed!(CombatServiceServer::new(characters.clone())))
        .add_service(compressed!(BattleServiceServer::new(characters.clone())))
        .add_service(compressed!(ConjuringServiceServer::new(characters.clone())))
        .add_service(compressed!(MachineServiceServer::new(characters.clone())))
        .add_service(compressed!(CampaignServiceServer::new(characters.clone())))
        .add_service(compressed!(LookupServiceServer::new(characters)))
        .routes())
}
