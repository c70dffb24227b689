//! The Java client's line protocol: each connection is an attachment to a game of the fsm service.
//!
//! Nothing here outlives a connection: games, roles and the grace after the last connection belong to fsm. From the
//! socket inwards: `socket` with or without TLS, `lines` cuts the bytes into lines, `command` reads a line, `admission`
//! asks who comes, `events` sends them on, `connection` runs one connection, `attachment` is its hold on a game, `resume` tells what it missed,
//! and `guard` sees every line before it leaves.

mod admission;
mod attachment;
mod command;
mod connection;
mod doorkeeper;
mod events;
mod guard;
mod lines;
mod resume;
mod socket;
mod unread;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use service_kit::{Peers, auth::Gate, eager::Eager};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    attachment::Fsm,
    connection::Connection,
    doorkeeper::{Doorkeeper, Place},
    socket::Socket,
};

/// Idle time after which a silent peer is asked whether it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Time between the questions.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Questions without an answer after which the connection is closed.
const KEEP_ALIVE_RETRIES: u32 = 4;
/// Time after which data that the peer does not acknowledge closes the connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);
/// Pause after a connection could not be accepted, for want of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time in which connections may end after a shutdown has begun.
const DRAIN: Duration = Duration::from_secs(5);

/// How the Java line is served.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)] // In the one binary several of these stand side by side.
pub struct Config {
    /// Address of the Java line.
    #[arg(long, env = "DICETOWER_TCP", default_value = "127.0.0.1:8080")]
    pub tcp: String,
    /// Game in which a connection is at first; unset, the default game of the fsm service.
    #[arg(long, env = "DICETOWER_TCP_GAME", value_parser = game_id)]
    pub tcp_game: Option<String>,
    /// Connections that may be open at once; one more is told `ERROR: Busy` and closed.
    #[arg(long, env = "DICETOWER_TCP_CONNECTIONS", default_value_t = 16_384,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub tcp_connections: u32,
    /// Connections that may be open at once from one address.
    #[arg(long, env = "DICETOWER_TCP_CONNECTIONS_PER_ADDRESS", default_value_t = 12_288,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub tcp_connections_per_address: u32,
    /// Certificate chain as a PEM file; with it the line is spoken over TLS alone.
    #[arg(long, env = "DICETOWER_TCP_TLS_CERT", requires = "tcp_tls_key")]
    pub tcp_tls_cert: Option<PathBuf>,
    /// Key of the certificate as a PEM file.
    #[arg(long, env = "DICETOWER_TCP_TLS_KEY", requires = "tcp_tls_cert")]
    pub tcp_tls_key: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            tcp: "127.0.0.1:8080".to_owned(),
            tcp_game: None,
            tcp_connections: 16_384,
            tcp_connections_per_address: 12_288,
            tcp_tls_cert: None,
            tcp_tls_key: None,
        }
    }
}

fn game_id(text: &str) -> Result<String, String> {
    let allowed = "a game's id has 1 to 64 letters, digits, \"-\" and \"_\"";
    if command::is_game_id(text) { Ok(text.to_owned()) } else { Err(allowed.to_owned()) }
}

/// Serves the Java line on a port until `shutdown`. Where the gate asks, a connection shows a token first.
///
/// # Errors
///
/// The fsm service is not among the peers, or the certificate cannot be used. A connection that cannot be accepted is
/// only logged.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    peers: Peers,
    gate: Gate,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let fsm = Fsm::of(&peers).context("the Java line needs the address of the fsm service")?;
    let tls = tls(&config)?;
    raise_limit_of_files(config.tcp_connections);
    let connections = TaskTracker::new();
    let doorkeeper = Doorkeeper::new(config.tcp_connections, config.tcp_connections_per_address);
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (tcp, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = Place::take(&doorkeeper, address.ip()) else {
            tracing::warn!(%address, "connection refused: too many are open");
            // Best effort: the peer is as well told by the close that follows.
            let _ = tcp.try_write(b"ERROR: Busy\n");
            continue;
        };
        if let Err(error) = tune(&tcp) {
            tracing::debug!(%address, %error, "socket options were refused");
        }
        let socket = match Socket::new(tcp, tls.clone()) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%address, %error, "a TLS session could not be begun");
                continue;
            }
        };
        let connection = Connection::new(socket, fsm.clone(), config.tcp_game.clone(), gate.clone());
        let shutdown = shutdown.clone();
        connections.spawn(async move {
            // It hears of its own events in the task in which it sends them, and so wakes itself.
            let reason = Eager::new(Box::pin(connection.run(shutdown))).await;
            tracing::info!(%address, %reason, "connection closed");
            drop(place);
        });
    }
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("connections that would not end were cut off");
    }
    Ok(())
}

/// Whether the line can be served as it is set up, before anybody is told that it is.
///
/// # Errors
///
/// The certificate cannot be used.
pub fn check(config: &Config) -> anyhow::Result<()> {
    tls(config).map(|_| ())
}

fn tls(config: &Config) -> anyhow::Result<Option<Arc<rustls::ServerConfig>>> {
    let files = config.tcp_tls_cert.as_deref().zip(config.tcp_tls_key.as_deref());
    files.map(|(certificates, key)| socket::tls_config(certificates, key)).transpose()
}

/// A connection is an open file, and many systems allow a process only a thousand unless it asks for more.
fn raise_limit_of_files(connections: u32) {
    /// Files beside the connections: databases, other ports, other services.
    const OTHERS: u64 = 1024;
    let wanted = u64::from(connections) + OTHERS;
    match rlimit::Resource::NOFILE.get_soft() {
        Ok(limit) if limit < wanted => match rlimit::increase_nofile_limit(wanted) {
            Ok(limit) if limit < wanted => {
                tracing::info!(limit, connections, "fewer files may be open than connections are allowed");
            }
            Ok(_) => {}
            Err(error) => tracing::info!(%error, "the limit of open files could not be raised"),
        },
        _ => {}
    }
}

/// Small answers at once; peers that have vanished are noticed.
fn tune(socket: &TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let keep_alive = socket2::TcpKeepalive::new()
        .with_time(KEEP_ALIVE)
        .with_interval(KEEP_ALIVE_INTERVAL)
        .with_retries(KEEP_ALIVE_RETRIES);
    let socket = socket2::SockRef::from(socket);
    socket.set_tcp_keepalive(&keep_alive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_peer_that_has_vanished_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (socket, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), async { listener.accept().await });
        let _peer = socket.unwrap();
        let (socket, _) = accepted.unwrap();

        tune(&socket).unwrap();

        let options = socket2::SockRef::from(&socket);
        assert!(socket.nodelay().unwrap());
        assert!(options.keepalive().unwrap());
        assert_eq!(options.tcp_keepalive_time().unwrap(), KEEP_ALIVE);
        assert_eq!(options.tcp_keepalive_interval().unwrap(), KEEP_ALIVE_INTERVAL);
        assert_eq!(options.tcp_keepalive_retries().unwrap(), KEEP_ALIVE_RETRIES);
        #[cfg(target_os = "linux")]
        assert_eq!(options.tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED));
    }
}
