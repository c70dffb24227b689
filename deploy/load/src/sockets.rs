//! WebSockets at the gateway: what a frame costs beside a bare axum echo, what checking its sender costs, what an open
//! socket weighs, and whether one client who sends as fast as he can is noticed by others.
//!
//! Every server is a process of its own, whose processor time is counted, so that the figures hold on a busy machine too.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{WebSocketUpgrade, ws},
    routing::any,
};
use futures_util::{SinkExt, StreamExt};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    process::Command,
    task::JoinSet,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

use crate::{
    process::{self, Process, address_in, memory, processor_time},
    stats::{Bytes, median},
};

/// Sockets over which frames go at once, and frames of each that wait for their answer.
const SENDERS: usize = 16;
const IN_FLIGHT: usize = 32;
/// Frames of one client whose times are taken, while another one sends as fast as he can and while none does.
const TIMED: usize = 2000;
/// Sockets of one session: the most that may listen to one.
const PER_SESSION: usize = 900;
/// Sockets of one address, all of them on loopback: there are not many more ports.
const PER_ADDRESS: usize = 5000;
/// The frame that is answered by the gateway itself.
const PING: &str = r#"{"type": "ping"}"#;
const PONG: &str = r#"{"type":"pong"}"#;

type Socket = WebSocketStream<TcpStream>;

/// Processor time of the server for one frame and its answer, in microseconds.
pub struct Cost {
    /// A bare axum server that answers the same frame.
    pub bare: f64,
    /// The gateway, where nobody is asked who he is.
    pub open: f64,
    /// The gateway with tokens and limits.
    pub guarded: f64,
}

/// Times of a quiet client's frames: alone, and beside one who sends as fast as he can.
pub struct Noise {
    pub alone: Duration,
    pub beside: Duration,
}

/// Measures what a frame costs.
pub async fn cost(binary: &Path, frames: usize) -> anyhow::Result<Cost> {
    let bare = Server::bare().await?.cost_of(frames).await?;
    let open = Server::gateway(binary, &[]).await?.cost_of(frames).await?;
    let guarded = Server::gateway(binary, GUARDED).await?.cost_of(frames).await?;
    Ok(Cost { bare, open, guarded })
}

/// With tokens, and limits that are looked at and never reached.
const GUARDED: &[&str] =
    &["--auth", "token", "--rate-frames", "100000000", "--rate-requests", "100000000", "--rate-turns", "100000000"];

/// The memory that one idle authenticated socket takes in the gateway's process.
pub async fn weight(binary: &Path, count: usize) -> anyhow::Result<Bytes> {
    let server = Server::gateway(binary, GUARDED).await?;
    let mut sockets = server.open_many(PER_SESSION.min(count)).await?; // Until all is warm.
    let (before, held) = (memory(server.id()?)?, sockets.len());
    while sockets.len() < count + held {
        let more = (count + held - sockets.len()).min(PER_SESSION);
        sockets.extend(server.open_many_from(sockets.len(), more).await?);
    }
    Ok(Bytes(memory(server.id()?)?.less(before).0 / count as u64))
}

/// Measures how much a client who sends as fast as he can disturbs another one, with the limits as they are by default.
pub async fn noise(binary: &Path) -> anyhow::Result<Noise> {
    let server = Arc::new(Server::gateway(binary, &["--auth", "token"]).await?);
    let alone = server.quiet().await?;
    let flood = process::threads()?.spawn(flood(server.clone()));
    let beside = server.quiet().await;
    flood.abort();
    Ok(Noise { alone, beside: beside? })
}

/// Sends without a pause; when he is shown the door he comes again.
async fn flood(server: Arc<Server>) {
    loop {
        let Ok(socket) = server.open_by(1, "flood", Ipv4Addr::new(127, 0, 0, 9)).await else { continue };
        let (mut send, mut receive) = socket.split();
        let sending = async { while send.feed(Message::text(PING)).await.is_ok() {} };
        let reading = async { while let Some(Ok(_)) = receive.next().await {} };
        tokio::select! {
            () = sending => {}
            () = reading => {}
        }
    }
}

/// The bare server: tells its address, and answers every frame until it is ended.
pub async fn serve_echo() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    process::tell(listener.local_addr()?)?;
    let answer = any(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            while let Some(Ok(message)) = socket.recv().await {
                if matches!(message, ws::Message::Text(_)) && socket.send(ws::Message::text(PONG)).await.is_err() {
                    break;
                }
            }
        })
    });
    axum::serve(listener, Router::new().route("/game/{session_id}", answer)).await.context("serve the echo")
}

/// A server in a process of its own.
struct Server {
    process: Process,
    /// What else runs for it.
    _others: Vec<Process>,
    address: SocketAddr,
    /// Of the client who is measured, and of one who disturbs him; none where nobody is asked.
    tokens: Option<[String; 2]>,
}

impl Server {
    async fn bare() -> anyhow::Result<Server> {
        let (process, address) = process::bare("--echo-frames".as_ref()).await?;
        Ok(Server { process, _others: Vec::new(), address: address.parse()?, tokens: None })
    }

    /// A gateway, with the services behind it in processes of their own.
    async fn gateway(binary: &Path, flags: &[&str]) -> anyhow::Result<Server> {
        let folder = tempfile::tempdir()?;
        let mut urls: Vec<String> = Vec::new();
        let mut others = Vec::new();
        for service in ["dice", "character", "fsm", "orchestrator"] {
            let mut command = command(binary, &folder);
            command.args([service, "--listen", "127.0.0.1:0", "--data", service]).args(&urls);
            let (process, address) = served(command, None).await.context(service)?;
            urls.extend([format!("--{service}-url"), format!("http://{address}")]);
            others.push(process);
        }
        let tokens = match flags.contains(&"--auth") {
            true => Some([made(binary, &folder, "Quiet").await?, made(binary, &folder, "Loud").await?]),
            false => None,
        };
        let mut command = command(binary, &folder);
        command.args(["gateway", "--http", "127.0.0.1:0", "--data", "gateway"]).args(&urls).args(flags);
        command.args(["--streams-per-address", "1000000", "--connections-per-address", "1000000"]);
        let (process, address) = served(command, Some(folder)).await.context("gateway")?;
        Ok(Server { process, _others: others, address: address.parse()?, tokens })
    }

    /// Opens a socket from an address of this machine, after its greeting.
    async fn open(&self, session: &str, from: Ipv4Addr) -> anyhow::Result<Socket> {
        self.open_by(0, session, from).await
    }

    /// The same for the client with this one of the tokens.
    async fn open_by(&self, client: usize, session: &str, from: Ipv4Addr) -> anyhow::Result<Socket> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{}/game/{session}", self.address).into_client_request()?;
        if let Some(tokens) = &self.tokens {
            let token = &tokens[client];
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
        }
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(4096);
        let (mut socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        socket.send(Message::text(PING)).await?;
        await_pong(&mut socket).await?;
        Ok(socket)
    }

    async fn open_many(&self, count: usize) -> anyhow::Result<Vec<Socket>> {
        self.open_many_from(0, count).await
    }

    /// Opens idle sockets, each session's at a table of its own.
    async fn open_many_from(&self, first: usize, count: usize) -> anyhow::Result<Vec<Socket>> {
        let mut sockets = Vec::with_capacity(count);
        for number in first..first + count {
            let last = u8::try_from(1 + number / PER_ADDRESS % 250)?;
            let session = format!("weight-{}", number / PER_SESSION);
            sockets.push(self.open(&session, Ipv4Addr::new(127, 0, 0, last)).await?);
        }
        Ok(sockets)
    }

    /// Processor time for a frame and its answer, in microseconds.
    async fn cost_of(&self, frames: usize) -> anyhow::Result<f64> {
        let each = (frames / SENDERS).max(IN_FLIGHT);
        self.exchange(each.div_ceil(10)).await?; // Until all is warm.
        let before = processor_time(self.id()?)?.as_secs_f64();
        self.exchange(each).await?;
        Ok((processor_time(self.id()?)?.as_secs_f64() - before) * 1e6 / (each * SENDERS) as f64)
    }

    /// Sends frames over several sockets at once, and reads the answers.
    async fn exchange(&self, each: usize) -> anyhow::Result<()> {
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            let mut socket = self.open(&format!("frames-{sender}"), Ipv4Addr::LOCALHOST).await?;
            senders.spawn(async move {
                let mut left = each;
                while 0 < left {
                    let now = left.min(IN_FLIGHT);
                    for _ in 0..now {
                        socket.feed(Message::text(PING)).await?;
                    }
                    socket.flush().await?;
                    for _ in 0..now {
                        await_pong(&mut socket).await?;
                    }
                    left -= now;
                }
                anyhow::Ok(())
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        Ok(())
    }

    /// The p50 of a client who sends a frame every now and then.
    async fn quiet(&self) -> anyhow::Result<Duration> {
        let mut socket = self.open("quiet", Ipv4Addr::LOCALHOST).await?;
        let mut times = Vec::with_capacity(TIMED / 10);
        for _ in 0..TIMED / 10 {
            tokio::time::sleep(Duration::from_millis(25)).await; // Within the limits.
            let begun = Instant::now();
            socket.send(Message::text(PING)).await?;
            await_pong(&mut socket).await?;
            times.push(begun.elapsed());
        }
        Ok(median(times))
    }

    fn id(&self) -> anyhow::Result<u32> {
        self.process.child.id().context("the server has ended")
    }
}

/// Makes a token.
async fn made(binary: &Path, folder: &TempDir, name: &str) -> anyhow::Result<String> {
    let mut command = command(binary, folder);
    let made = command.args(["--data", "gateway", "token", "make", "--name", name]).output().await?;
    let text = String::from_utf8(made.stdout)?;
    let token = text.split_whitespace().find(|word| word.starts_with("dt_")).map(str::to_owned);
    token.with_context(|| format!("no token was made: {text}{}", String::from_utf8_lossy(&made.stderr)))
}

fn command(binary: &Path, folder: &TempDir) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(folder.path()).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts a server, and tells the address that its log names.
async fn served(command: Command, folder: Option<TempDir>) -> anyhow::Result<(Process, String)> {
    let mut process = Process::start(command, folder)?;
    let log = process.child.stderr.take().context("its log")?;
    let address = address_in(log, "address=").await?;
    Ok((process, address))
}

async fn await_pong(socket: &mut Socket) -> anyhow::Result<()> {
    loop {
        match socket.next().await.context("the line has ended")?? {
            Message::Text(text) if text.as_str() == PONG => return Ok(()),
            Message::Text(text) if text.contains(r#""type":"error""#) => anyhow::bail!("a frame was refused: {text}"),
            Message::Close(frame) => anyhow::bail!("the line was closed: {frame:?}"),
            _ => {}
        }
    }
}
