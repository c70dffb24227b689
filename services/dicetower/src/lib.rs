//! Puts the services together: all of them in one process on SQLite, or one of them behind a port.
//!
//! `cli` is what can be said on the command line, `database` where the data lies, `backup` how it is kept elsewhere,
//! `tower` the one process. The load program and the tests start services through here, as `main` does.

mod backup;
mod cli;
mod database;
mod eval;
mod health;
mod machine;
mod mcp;
mod person;
mod replay;
mod roles;
mod secrets;
mod token;
mod tower;

use std::io::Write as _;

use anyhow::Context as _;
use service_kit::Wakes;
use tokio::{net::TcpListener, signal::unix::SignalKind};
use tokio_util::sync::CancellationToken;

pub use cli::{Cli, Command, TowerConfig};
pub use tower::Tower;

/// Reads `.env` from the working folder, if there is one, and secrets from the files that `NAME_FILE` names. What the
/// environment already says, stands.
///
/// # Errors
///
/// A file cannot be read or a line of `.env` makes no sense.
pub fn read_dotenv() -> anyhow::Result<()> {
    match dotenvy::dotenv() {
        Ok(_) => {}
        Err(error) if error.not_found() => {}
        Err(error) => return Err(error).context("read .env"),
    }
    dotenvy::from_read(secrets::from_files()?.as_bytes()).context("read the secrets that files hold")
}

/// A token that is cancelled by SIGTERM or Ctrl-C.
///
/// # Errors
///
/// The operating system refuses to tell of signals.
pub fn shutdown_signal() -> anyhow::Result<CancellationToken> {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(shutdown)
}

/// Does what the command line says, until `shutdown`.
///
/// # Errors
///
/// A port is in use, a database cannot be opened, a definition cannot be read: whatever keeps it from its work.
pub async fn run(cli: Cli, shutdown: CancellationToken) -> anyhow::Result<()> {
    match &cli.command {
        Some(Command::Machine(command)) => return machine::run(command),
        Some(Command::Health { url, live }) => return health::check(url, *live, &cli.auth.credentials()?).await,
        Some(Command::Export { name }) => {
            return person::export(name, &cli.database.config()?, cli.tower.orchestrator.lease).await;
        }
        Some(Command::Erase { name }) => {
            return person::erase(name, &cli.database.config()?, cli.tower.orchestrator.lease).await;
        }
        Some(Command::Token(command)) => return token::run(command, &cli.database.config()?).await,
        Some(Command::Eval(args)) => return eval::run((**args).clone()).await,
        Some(Command::Backup { file }) => return backup::write(&cli.database.config()?, file).await,
        Some(Command::Restore { file }) => return backup::restore(&cli.database.config()?, file).await,
        Some(Command::Import { folder }) => return backup::import(&cli.database.config()?, folder).await,
        _ => {}
    }
    let name = cli.command.as_ref().map_or("dicetower", Command::name);
    let _telemetry = service_kit::telemetry::init(&cli.telemetry, name)?;
    tokio::spawn(service_kit::call::heartbeat());
    if let Some(address) = &cli.telemetry.metrics {
        // Naming the address says that it may be open; what is counted names nobody.
        let listener = listen(address, "--metrics", true).await?;
        tokio::spawn(service_kit::server::serve_metrics(listener, shutdown.clone()));
    }
    let database = cli.database.config()?;
    match cli.command {
        Some(Command::Mcp { session }) => {
            tower::serve_mcp(cli.tower, &database, &cli.peers.services, session, shutdown).await
        }
        Some(command) => {
            let wakes = Wakes::start(&cli.tower.wakes, name, shutdown.clone()).await?;
            let doors = roles::Doors { auth: &cli.auth, allow_open: cli.allow_open, wakes };
            roles::run(command, &database, &cli.peers, doors, shutdown).await
        }
        None => {
            let tower =
                Tower::start(cli.tower, &database, &cli.auth, &cli.peers.services, cli.allow_open, shutdown).await?;
            tell(&tower.describe())?;
            tower.join().await
        }
    }
}

/// Writes to standard output.
pub(crate) fn tell(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("write to standard output")
}

/// Binds an address, which must be loopback unless whoever comes is asked who he is, or the operator has said that it may
/// be open.
pub(crate) async fn listen(address: &str, flag: &str, may_be_open: bool) -> anyhow::Result<TcpListener> {
    let addresses: Vec<_> = tokio::net::lookup_host(address)
        .await
        .with_context(|| format!("{address:?} ({flag}) is not an address such as 127.0.0.1:8001"))?
        .collect();
    let open = addresses.iter().any(|address| !address.ip().is_loopback());
    anyhow::ensure!(
        !open || may_be_open,
        "{address} ({flag}) can be reached from other machines, and authentication is missing: nobody is asked who he is. \
         Use 127.0.0.1, set up --auth token or --auth oidc, or add --allow-open if the network is private"
    );
    TcpListener::bind(addresses.as_slice()).await.with_context(|| format!("listen on {address} ({flag})"))
}
