//! The Java client's line protocol: each connection is an attachment to a game of the fsm service.
//!
//! Nothing here outlives a connection: games, roles and the grace after the last connection belong to fsm. From the
//! socket inwards: `lines` cuts the bytes into lines, `command` reads a line, `connection` runs one connection,
//! `attachment` is its hold on a game, and `guard` sees every line before it leaves.

mod attachment;
mod command;
mod connection;
mod guard;
mod lines;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use service_kit::Peers;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{attachment::Fsm, connection::Connection};

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
    #[arg(long, env = "DICETOWER_TCP_CONNECTIONS", default_value_t = 8192)]
    pub tcp_connections: usize,
    /// Connections that may be open at once from one address.
    #[arg(long, env = "DICETOWER_TCP_CONNECTIONS_PER_ADDRESS", default_value_t = 2048)]
    pub tcp_connections_per_address: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            tcp: "127.0.0.1:8080".to_owned(),
            tcp_game: None,
            tcp_connections: 8192,
            tcp_connections_per_address: 2048,
        }
    }
}

fn game_id(text: &str) -> Result<String, String> {
    let allowed = "a game's id has 1 to 64 letters, digits, \"-\" and \"_\"";
    if command::is_game_id(text) { Ok(text.to_owned()) } else { Err(allowed.to_owned()) }
}

/// Serves the Java line on a port until `shutdown`.
///
/// # Errors
///
/// The fsm service is not among the peers. A connection that cannot be accepted is only logged.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    peers: Peers,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let fsm = Fsm::of(&peers).context("the Java line needs the address of the fsm service")?;
    let connections = TaskTracker::new();
    let doorkeeper = Arc::new(Doorkeeper {
        total: config.tcp_connections,
        per_address: config.tcp_connections_per_address,
        open: Mutex::default(),
    });
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (socket, address) = match accepted {
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
            let _ = socket.try_write(b"ERROR: Busy\n");
            continue;
        };
        if let Err(error) = tune(&socket) {
            tracing::debug!(%address, %error, "socket options were refused");
        }
        let connection = Connection::new(socket, fsm.clone(), config.tcp_game.clone());
        let shutdown = shutdown.clone();
        connections.spawn(async move {
            let reason = connection.run(shutdown).await;
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

/// Counts the open connections by address.
struct Doorkeeper {
    total: usize,
    per_address: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place among the open ones, given back when dropped.
struct Place {
    doorkeeper: Arc<Doorkeeper>,
    address: IpAddr,
}

impl Place {
    fn take(doorkeeper: &Arc<Doorkeeper>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut open = doorkeeper.open.lock().unwrap_or_else(PoisonError::into_inner);
        let from_address = open.get(&address).copied().unwrap_or(0);
        if doorkeeper.per_address <= from_address || doorkeeper.total <= open.values().sum() {
            return None;
        }
        open.insert(address, from_address + 1);
        Some(Place { doorkeeper: doorkeeper.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.doorkeeper.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doorkeeper(total: usize, per_address: usize) -> Arc<Doorkeeper> {
        Arc::new(Doorkeeper { total, per_address, open: Mutex::default() })
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let doorkeeper = doorkeeper(10, 2);
        let here = IpAddr::from([127, 0, 0, 1]);
        let first = Place::take(&doorkeeper, here).unwrap();
        let _second = Place::take(&doorkeeper, here).unwrap();
        assert!(Place::take(&doorkeeper, here).is_none());
        assert!(Place::take(&doorkeeper, IpAddr::from([127, 0, 0, 2])).is_some());
        drop(first);
        assert!(Place::take(&doorkeeper, here).is_some());
    }

    #[test]
    fn all_addresses_together_have_a_limit() {
        let doorkeeper = doorkeeper(2, 2);
        let places: Vec<_> = (1..=3).map(|n| Place::take(&doorkeeper, IpAddr::from([10, 0, 0, n]))).collect();
        assert_eq!(places.iter().flatten().count(), 2);
    }

    #[test]
    fn an_address_is_the_same_in_both_versions_of_the_protocol() {
        let doorkeeper = doorkeeper(10, 1);
        let _v4 = Place::take(&doorkeeper, "10.0.0.1".parse().unwrap()).unwrap();
        assert!(Place::take(&doorkeeper, "::ffff:10.0.0.1".parse().unwrap()).is_none());
    }
}
