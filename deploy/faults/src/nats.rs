//! A NATS server of the run's own, so that it can be killed.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use anyhow::Context as _;
use tokio::{net::TcpStream, process::Child};

use crate::hosts::Hosts;

/// Time in which it must listen.
const START: Duration = Duration::from_secs(20);

/// The server.
pub struct Nats {
    hosts: Hosts,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Nats {
    /// Starts it at a place that is free.
    pub async fn start(hosts: Hosts, address: SocketAddr) -> anyhow::Result<Nats> {
        Ok(Nats { hosts, address, child: spawn(hosts, address).await? })
    }

    /// Ends it as a crash does.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Starts it again.
    pub async fn go_on(&mut self) -> anyhow::Result<()> {
        self.child = spawn(self.hosts, self.address).await?;
        Ok(())
    }
}

async fn spawn(hosts: Hosts, address: SocketAddr) -> anyhow::Result<Child> {
    let mut command = hosts.command("nats", Path::new("nats-server"));
    command.args(["-a", &address.ip().to_string(), "-p", &address.port().to_string()]).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().context("install NATS: `nats-server` cannot be started")?;
    let listening = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(START, listening).await.context("nats-server does not listen")?;
    Ok(child)
}
