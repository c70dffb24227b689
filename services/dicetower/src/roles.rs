//! One service in this process, its peers across the network.

use clap::Args;
use service_kit::{
    Gate, Peers, Server, Wakes,
    auth::{AuthConfig, Credentials},
    client::connect_with,
    db::DatabaseConfig,
    foreign::{self, ForeignService},
};
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
    /// A gRPC service of your own, whose operations become tools: name=url[,descriptors=FILE][,role=player|gm|operator].
    /// Without a file it is asked by reflection; without a role its tools are the game master's. May be given several
    /// times.
    #[arg(long = "service", value_name = "NAME=URL", global = true)]
    pub services: Vec<ForeignService>,
}

impl PeerArgs {
    fn dice(&self, credentials: &Credentials) -> anyhow::Result<Peers> {
        Ok(Peers::none().with_dice(connect_with(&self.dice_url, credentials)?))
    }

    fn orchestrator(&self, credentials: &Credentials) -> anyhow::Result<Peers> {
        let peers = self.dice(credentials)?.with_character(connect_with(&self.character_url, credentials)?);
        Ok(peers.with_fsm(connect_with(&self.fsm_url, credentials)?))
    }

    fn gateway(&self, credentials: &Credentials) -> anyhow::Result<Peers> {
        Ok(self.orchestrator(credentials)?.with_orchestrator(connect_with(&self.orchestrator_url, credentials)?))
    }

    fn tcp_adapter(&self, credentials: &Credentials) -> anyhow::Result<Peers> {
        Ok(Peers::none().with_fsm(connect_with(&self.fsm_url, credentials)?))
    }
}

/// Who may come in, and who is woken.
pub struct Doors<'a> {
    /// Who callers are.
    pub auth: &'a AuthConfig,
    /// Whether others may reach us although nobody is asked.
    pub allow_open: bool,
    /// The way to other replicas.
    pub wakes: Wakes,
}

/// Runs one service until `shutdown`.
pub async fn run(
    command: Command,
    database: &DatabaseConfig,
    peers: &PeerArgs,
    Doors { auth, allow_open, wakes }: Doors<'_>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let name = command.name();
    let credentials = &auth.credentials()?;
    let door = Door { credentials, may_be_open: allow_open || credentials.are_asked_for() };
    match command {
        Command::Dice(role) => {
            let _lock = FolderLock::take(database, &[name])?;
            let routes = dice::start(role.config, database, Peers::none().with_wakes(wakes), shutdown.clone()).await?;
            serve(name, routes, &role.listen, door, shutdown).await
        }
        Command::Character(role) => {
            let _lock = FolderLock::take(database, &[name])?;
            let peers = peers.dice(credentials)?;
            let routes = character::start(role.config, database, peers.with_wakes(wakes), shutdown.clone()).await?;
            serve(name, routes, &role.listen, door, shutdown).await
        }
        Command::Orchestrator(role) => {
            let _lock = FolderLock::take(database, &[name])?;
            let ours = peers.orchestrator(credentials)?.with_credentials(credentials.clone()).with_wakes(wakes);
            let with_services = foreign::add(ours, &peers.services).await?;
            let routes = orchestrator::start(role.config, database, with_services, shutdown.clone()).await?;
            serve(name, routes, &role.listen, door, shutdown).await
        }
        Command::Fsm(role) => {
            let _lock = FolderLock::take(database, &[name])?;
            let peers = peers.dice(credentials)?.with_credentials(credentials.clone()).with_wakes(wakes);
            let routes = fsm::start(role.config, database, peers, shutdown.clone()).await?;
            serve(name, routes, &role.listen, door, shutdown).await
        }
        Command::Gateway(config) => {
            let listener = listen(&config.http, "--http", allow_open || auth.is_required()).await?;
            let gate = Gate::start(auth, database, &wakes, shutdown.clone()).await?;
            tracing::info!(service = name, address = %listener.local_addr()?, "serving");
            let ours = peers.gateway(credentials)?.with_gate(gate).with_wakes(wakes);
            let peers = foreign::add(ours, &peers.services).await?;
            gateway::serve(config, listener, peers, shutdown).await
        }
        Command::TcpAdapter(role) => {
            let listener = listen(&role.config.tcp, "--tcp", allow_open || auth.is_required()).await?;
            let gate = Gate::start(auth, database, &wakes, shutdown.clone()).await?;
            let peers = peers.tcp_adapter(credentials)?.with_gate(gate);
            tracing::info!(service = name, address = %listener.local_addr()?, "serving");
            let gate = peers.gate().clone();
            let database_of_gate = gate.database().cloned();
            let lines = tcp_adapter::serve(role.config, listener, peers, gate, shutdown.clone());
            let server = Server::new(name).until(shutdown.clone());
            let routes = database_of_gate.iter().fold(server, Server::on).routes();
            tokio::try_join!(lines, serve(name, routes, &role.listen, door, shutdown))?;
            Ok(())
        }
        Command::Health { .. }
        | Command::Machine(_)
        | Command::Eval(_)
        | Command::Mcp { .. }
        | Command::Export { .. }
        | Command::Erase { .. }
        | Command::Token(_)
        | Command::Backup { .. }
        | Command::Restore { .. }
        | Command::Import { .. } => Ok(()),
    }
}

/// Who may come in at a service's gRPC port.
#[derive(Clone, Copy)]
struct Door<'a> {
    credentials: &'a Credentials,
    may_be_open: bool,
}

async fn serve(
    name: &'static str,
    routes: Routes,
    address: &str,
    door: Door<'_>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listen(address, "--listen", door.may_be_open).await?;
    tracing::info!(service = name, address = %listener.local_addr()?, "serving");
    service_kit::server::serve_with(routes, listener, door.credentials, shutdown).await
}
