//! One service in this process, its peers across the network.

use clap::Args;
use service_kit::{Peers, auth::Gate, client::connect, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::{cli::Command, database::FolderLock, listen};

/// Where the other services are. In one process nobody asks; the defaults fit compose.
#[derive(Args, Clone, Debug)]
pub struct PeerArgs {
    /// Address of the dice service.
    #[arg(long, env = "DICETOWER_DICE_URL", default_value = "http://dice:50051", global = true)]
    pub dice_url: String,
    /// Address of the character service.
    #[arg(long, env = "DICETOWER_CHARACTER_URL", default_value = "http://character:50052", global = true)]
    pub character_url: String,
    /// Address of the orchestrator.
    #[arg(long, env = "DICETOWER_ORCHESTRATOR_URL", default_value = "http://orchestrator:50053", global = true)]
    pub orchestrator_url: String,
    /// Address of the state machine service.
    #[arg(long, env = "DICETOWER_FSM_URL", default_value = "http://fsm:50054", global = true)]
    pub fsm_url: String,
}

impl PeerArgs {
    fn dice(&self) -> anyhow::Result<Peers> {
        Ok(Peers::none().with_dice(connect(&self.dice_url)?))
    }

    fn orchestrator(&self) -> anyhow::Result<Peers> {
        Ok(self.dice()?.with_character(connect(&self.character_url)?).with_fsm(connect(&self.fsm_url)?))
    }

    fn gateway(&self) -> anyhow::Result<Peers> {
        Ok(self.orchestrator()?.with_orchestrator(connect(&self.orchestrator_url)?))
    }

    fn tcp_adapter(&self) -> anyhow::Result<Peers> {
        Ok(Peers::none().with_fsm(connect(&self.fsm_url)?))
    }
}

/// Runs one service until `shutdown`.
pub async fn run(
    command: Command,
    database: &DatabaseConfig,
    peers: &PeerArgs,
    allow_open: bool,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let name = command.name();
    match command {
        Command::Dice(role) => {
            let _lock = FolderLock::take(database, &[name])?;
            let routes = dice::start(role.config, database, Peers::none(), shutdown.clone()).await?;
            serve(name, routes, &role.listen, allow_open, shutdown).await
        }
        Command::Character(role) => {
            let _lock = FolderLock::take(database, &[name])?;
            let routes = character::start(role.config, database, peers.dice()?, shutdown.clone()).await?;
            serve(name, routes, &role.listen, allow_open, shutdown).await
        }
        Command::Orchestrator(role) => {
            let _lock = FolderLock::take(database, &[name])?;
            let routes = orchestrator::start(role.config, database, peers.orchestrator()?, shutdown.clone()).await?;
            serve(name, routes, &role.listen, allow_open, shutdown).await
        }
        Command::Fsm(role) => {
            let _lock = FolderLock::take(database, &[name])?;
            let routes = fsm::start(role.config, database, peers.dice()?, shutdown.clone()).await?;
            serve(name, routes, &role.listen, allow_open, shutdown).await
        }
        Command::Gateway(config) => {
            let listener = listen(&config.http, "--http", allow_open).await?;
            tracing::info!(service = name, address = %listener.local_addr()?, "serving");
            gateway::serve(config, listener, peers.gateway()?, shutdown).await
        }
        Command::TcpAdapter(role) => {
            let listener = listen(&role.config.tcp, "--tcp", allow_open).await?;
            tracing::info!(service = name, address = %listener.local_addr()?, "serving");
            let lines = tcp_adapter::serve(role.config, listener, peers.tcp_adapter()?, Gate::open(), shutdown.clone());
            tokio::try_join!(lines, serve(name, Routes::default(), &role.listen, allow_open, shutdown))?;
            Ok(())
        }
        Command::Health { .. } | Command::Machine(_) => Ok(()),
    }
}

async fn serve(
    name: &'static str,
    routes: Routes,
    address: &str,
    allow_open: bool,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listen(address, "--listen", allow_open).await?;
    tracing::info!(service = name, address = %listener.local_addr()?, "serving");
    service_kit::serve(routes, listener, shutdown).await
}
