//! Every service in one process: their routes handed to each other, two ports to the outside.

use std::net::SocketAddr;

use service_kit::{
    Gate, Peers, Wakes,
    auth::AuthConfig,
    client::in_process,
    db::DatabaseConfig,
    foreign::{self, ForeignService},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{cli::TowerConfig, database::FolderLock, listen, mcp};

/// The services that keep data.
pub(crate) const KEEPERS: [&str; 4] = ["dice", "character", "orchestrator", "fsm"];

/// The running process.
pub struct Tower {
    /// Where the page, REST and the WebSocket are.
    pub http: SocketAddr,
    /// Where the Java line is.
    pub tcp: SocketAddr,
    game_master: String,
    data: String,
    tasks: JoinSet<anyhow::Result<()>>,
    _lock: FolderLock,
}

impl Tower {
    /// Starts every service. Both ports are bound first, so that a port in use is told before anything is touched.
    ///
    /// # Errors
    ///
    /// A port is in use, the data folder is taken, a database cannot be opened, a definition cannot be read.
    pub async fn start(
        config: TowerConfig,
        database: &DatabaseConfig,
        auth: &AuthConfig,
        services: &[ForeignService],
        allow_open: bool,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Tower> {
        tcp_adapter::check(&config.tcp_adapter)?;
        let may_be_open = allow_open || auth.is_required();
        let http_listener = listen(&config.gateway.http, "--http", may_be_open).await?;
        let tcp_listener = listen(&config.tcp_adapter.tcp, "--tcp", may_be_open).await?;
        let (http, tcp) = (http_listener.local_addr()?, tcp_listener.local_addr()?);
        let lock = FolderLock::take(database, &KEEPERS)?;
        let game_master = config.orchestrator.describe();
        let data = match database {
            DatabaseConfig::Folder { path, .. } => format!("{} (SQLite)", path.display()),
            DatabaseConfig::Postgres(_) => "PostgreSQL".to_owned(),
        };

        let wakes = Wakes::start(&config.wakes, "dicetower", shutdown.clone()).await?;
        let gate = Gate::start(auth, database, &wakes, shutdown.clone()).await?;
        let (gateway, tcp_adapter) = (config.gateway.clone(), config.tcp_adapter.clone());
        let peers = start_services(config, database, services, wakes, &shutdown).await?.with_gate(gate);

        let mut tasks = JoinSet::new();
        let gate = peers.gate().clone();
        tasks.spawn(gateway::serve(gateway, http_listener, peers.clone(), shutdown.clone()));
        tasks.spawn(tcp_adapter::serve(tcp_adapter, tcp_listener, peers, gate, shutdown));
        Ok(Tower { http, tcp, game_master, data, tasks, _lock: lock })
    }

    /// Where everything is, for a person at a terminal.
    pub fn describe(&self) -> String {
        let Tower { http, tcp, game_master, data, .. } = self;
        format!(
            "Dicetower is ready.\n\n  Play      http://{http}\n  Traces    http://{http}/traces\n  Java line {tcp}   \
             (try: telnet {ip} {port})\n  Data      {data}\n\n{game_master}",
            ip = tcp.ip(),
            port = tcp.port(),
        )
    }

    /// Waits until everything has ended.
    ///
    /// # Errors
    ///
    /// The first failure of a service.
    pub async fn join(mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Every service but the doors, handed to each other.
async fn start_services(
    config: TowerConfig,
    database: &DatabaseConfig,
    services: &[ForeignService],
    wakes: Wakes,
    shutdown: &CancellationToken,
) -> anyhow::Result<Peers> {
    let peers = Peers::none().with_wakes(wakes);
    let dice = dice::start(config.dice, database, peers.clone(), shutdown.clone()).await?;
    let peers = peers.with_dice(in_process(dice));
    let character = character::start(config.character, database, peers.clone(), shutdown.clone()).await?;
    let fsm = fsm::start(config.fsm, database, peers.clone(), shutdown.clone()).await?;
    let peers = peers.with_character(in_process(character)).with_fsm(in_process(fsm));
    let peers = foreign::add(peers, services).await?;
    let orchestrator = orchestrator::start(config.orchestrator, database, peers.clone(), shutdown.clone()).await?;
    Ok(peers.with_orchestrator(in_process(orchestrator)))
}

/// Every service for one client on standard input and output, until it closes them.
///
/// # Errors
///
/// The data folder is taken, a database cannot be opened, or the client does not speak the protocol.
pub async fn serve_mcp(
    config: TowerConfig,
    database: &DatabaseConfig,
    services: &[ForeignService],
    session_id: Option<String>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let _lock = FolderLock::take(database, &KEEPERS)?;
    let gateway = config.gateway.clone();
    let wakes = Wakes::start(&config.wakes, "mcp", shutdown.clone()).await?;
    let peers = start_services(config, database, services, wakes, &shutdown).await?;
    gateway::serve_mcp(&gateway, peers, session_id, mcp::pipes()?, shutdown).await
}
