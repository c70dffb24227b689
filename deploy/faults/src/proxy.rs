//! A TCP proxy whose connections can be cut, stalled, slowed and made lossy; before several replicas it spreads them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::plan::Numbers;

/// How late a lost packet comes: the least time after which Linux sends again.
const SENT_AGAIN: Duration = Duration::from_millis(200);

/// How the connections are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As they should be.
    Open,
    /// All are ended, and new ones are ended at once.
    Cut,
    /// Nothing gets through, and nobody is told.
    Stalled,
    /// Each piece waits so long before it goes on.
    Slow(Duration),
    /// So many pieces of a hundred come as late as a lost packet does.
    Lossy(u64),
}

/// A running proxy.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    /// Starts a proxy to replicas, which take connections in turn; one that does not listen is left out.
    pub async fn start(upstreams: Vec<SocketAddr>) -> anyhow::Result<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (mode, modes) = watch::channel(Mode::Open);
        let upstreams: Arc<[SocketAddr]> = upstreams.into();
        tokio::spawn(async move {
            for turn in 0.. {
                let Ok((client, _)) = listener.accept().await else { return };
                if *modes.borrow() != Mode::Cut {
                    tokio::spawn(connection(client, upstreams.clone(), turn, modes.clone()));
                }
            }
        });
        Ok(Proxy { address, mode })
    }

    /// Changes how the connections are.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// Carries one connection until either end closes it or it is cut.
async fn connection(client: TcpStream, upstreams: Arc<[SocketAddr]>, turn: usize, mut modes: watch::Receiver<Mode>) {
    let mut server = None;
    for number in 0..upstreams.len() {
        server = TcpStream::connect(upstreams[(turn + number) % upstreams.len()]).await.ok();
        if server.is_some() {
            break;
        }
    }
    let Some(server) = server else { return };
    // What is small goes at once, as it does without us.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (up, down) = (modes.clone(), modes.clone());
    let seed = turn as u64;
    tokio::select! {
        _ = carry(&mut from_client, &mut to_server, up, Numbers(2 * seed)) => {}
        _ = carry(&mut from_server, &mut to_client, down, Numbers(2 * seed + 1)) => {}
        _ = modes.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut modes: watch::Receiver<Mode>,
    mut numbers: Numbers,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let mode = modes.wait_for(|mode| *mode != Mode::Stalled).await.map(|mode| *mode);
        match mode {
            Ok(Mode::Slow(delay)) => tokio::time::sleep(delay).await,
            Ok(Mode::Lossy(percent)) if numbers.below(100) < percent => tokio::time::sleep(SENT_AGAIN).await,
            _ => {}
        }
        to.write_all(&buffer[..length]).await?;
    }
}
