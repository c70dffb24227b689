//! A TCP proxy whose connections can be cut, stalled, slowed and made lossy; before several replicas it spreads them.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

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

/// How the connections are now, and how often they have been cut: whoever looks late must not miss it.
#[derive(Clone, Copy)]
struct State {
    mode: Mode,
    cuts: u64,
}

/// A running proxy.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    state: watch::Sender<State>,
}

impl Proxy {
    /// Starts a proxy to replicas, which take connections in turn; one that does not listen is left out.
    pub async fn start(here: IpAddr, upstreams: Vec<SocketAddr>) -> anyhow::Result<Proxy> {
        let listener = TcpListener::bind((here, 0)).await?;
        let address = listener.local_addr()?;
        let (state, states) = watch::channel(State { mode: Mode::Open, cuts: 0 });
        let upstreams: Arc<[SocketAddr]> = upstreams.into();
        tokio::spawn(async move {
            for turn in 0.. {
                let Ok((client, _)) = listener.accept().await else { return };
                let State { mode, cuts } = *states.borrow();
                if mode != Mode::Cut {
                    let (upstreams, states) = (upstreams.clone(), states.clone());
                    tokio::spawn(async move {
                        let mut cut = states.clone();
                        tokio::select! {
                            () = connection(client, upstreams, turn, states) => {}
                            _ = cut.wait_for(|state| state.cuts != cuts) => {}
                        }
                    });
                }
            }
        });
        Ok(Proxy { address, state })
    }

    /// Changes how the connections are.
    pub fn set(&self, mode: Mode) {
        self.state.send_modify(|state| {
            state.mode = mode;
            state.cuts += u64::from(mode == Mode::Cut);
        });
    }
}

/// Carries one connection until either end closes it.
async fn connection(client: TcpStream, upstreams: Arc<[SocketAddr]>, turn: usize, states: watch::Receiver<State>) {
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
    let seed = turn as u64;
    tokio::select! {
        _ = carry(&mut from_client, &mut to_server, states.clone(), Numbers(2 * seed)) => {}
        _ = carry(&mut from_server, &mut to_client, states, Numbers(2 * seed + 1)) => {}
    }
}

async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut states: watch::Receiver<State>,
    mut numbers: Numbers,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let mode = states.wait_for(|state| state.mode != Mode::Stalled).await.map(|state| state.mode);
        match mode {
            Ok(Mode::Slow(delay)) => tokio::time::sleep(delay).await,
            Ok(Mode::Lossy(percent)) if numbers.below(100) < percent => tokio::time::sleep(SENT_AGAIN).await,
            _ => {}
        }
        to.write_all(&buffer[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longest time that a test waits for what must come.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_cut_that_is_over_at_once_ends_every_connection_all_the_same() {
        let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start([127, 0, 0, 1].into(), vec![upstream.local_addr().unwrap()]).await.unwrap();
        let mut client = TcpStream::connect(proxy.address).await.unwrap();
        let _server = upstream.accept().await.unwrap();

        // Nobody else is polled between the two.
        proxy.set(Mode::Cut);
        proxy.set(Mode::Open);

        let ended = tokio::time::timeout(PATIENCE, client.read(&mut [0])).await.expect("it is cut");
        assert!(ended.is_err() || ended.is_ok_and(|length| length == 0));
        let mut another = TcpStream::connect(proxy.address).await.unwrap();
        let (mut server, _) = upstream.accept().await.unwrap();
        another.write_all(b"!").await.unwrap();
        assert_eq!(server.read(&mut [0]).await.unwrap(), 1);
    }
}
