//! The mixed load: people who talk, who roll through REST, who only look on, and clients of the Java line.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use faults::deployment::Deployment;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

/// Time in which something must be answered.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two sentences, two rolls and two events of somebody.
const THINK: Duration = Duration::from_millis(400);
/// Sentences after which somebody begins a new table, so that the length of a table is not what is measured.
const SENTENCES: u64 = 40;
const GATEWAYS: [&str; 2] = ["gateway-a", "gateway-b"];

/// What is being played.
pub struct Load {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    told: Arc<Told>,
}

/// What the players tell.
#[derive(Default)]
struct Told {
    /// By kind, the times since the last reading.
    times: Mutex<Vec<(&'static str, Duration)>>,
    done: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl Load {
    /// Starts playing.
    pub fn start(deployment: &Deployment, players: usize, lines: usize, watchers: usize) -> Load {
        let mut load = Load { tasks: JoinSet::new(), stop: CancellationToken::new(), told: Arc::default() };
        let door = |number: usize| deployment.door(GATEWAYS[number % 2]);
        for number in 0..players {
            load.play(talk(number, door(number), load.told.clone(), load.stop.clone()));
            load.play(roll(door(number), load.told.clone(), load.stop.clone()));
        }
        for number in 0..lines {
            load.play(line(number, deployment.door("tcp-adapter"), load.told.clone(), load.stop.clone()));
        }
        for number in 0..watchers {
            load.play(watch(number, door(number), load.stop.clone()));
        }
        load
    }

    fn play(&mut self, game: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let told = self.told.clone();
        self.tasks.spawn(async move {
            if let Err(error) = game.await {
                lock(&told.failures).push(format!("{error:#}"));
            }
        });
    }

    /// The p95 of each kind of answer since the last reading, in milliseconds.
    pub fn latencies(&self) -> Vec<(&'static str, f64)> {
        let mut times = std::mem::take(&mut *lock(&self.told.times));
        times.sort_unstable();
        times
            .chunk_by(|(one, _), (other, _)| one == other)
            .map(|chunk| {
                let (kind, time) = chunk[(chunk.len() * 95 / 100).min(chunk.len() - 1)];
                (kind, time.as_secs_f64() * 1000.0)
            })
            .collect()
    }

    /// Ends it; how much was answered, and what failed.
    pub async fn stop(mut self) -> (u64, Vec<String>) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        let failures = std::mem::take(&mut *lock(&self.told.failures));
        (self.told.done.load(Ordering::Relaxed), failures)
    }
}

impl Told {
    fn took(&self, kind: &'static str, since: Instant) {
        lock(&self.times).push((kind, since.elapsed()));
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether it goes on after a pause.
async fn goes_on(stop: &CancellationToken) -> bool {
    tokio::time::timeout(THINK, stop.cancelled()).await.is_err()
}

/// Talks at one table after another.
async fn talk(number: usize, door: SocketAddr, told: Arc<Told>, stop: CancellationToken) -> anyhow::Result<()> {
    for table in 0.. {
        let url = format!("ws://{door}/game/soak-{number}-{table}");
        let (mut socket, _) = connect_async(url).await.context("take a seat")?;
        socket.send(Message::text(json!({"type": "join", "name": format!("player-{number}")}).to_string())).await?;
        for sentence in 0..SENTENCES {
            if !goes_on(&stop).await {
                return Ok(());
            }
            let since = Instant::now();
            let message = format!("Roll 6 dice against target number 4, the {sentence}th time");
            socket.send(Message::text(json!({"type": "chat", "message": message}).to_string())).await?;
            let answered = async {
                while let Some(frame) = socket.next().await {
                    let Message::Text(text) = frame? else { continue };
                    let frame: Value = serde_json::from_str(&text)?;
                    anyhow::ensure!(frame["type"] != "error", "a turn failed: {frame}");
                    if frame["type"] == "complete" {
                        return Ok(());
                    }
                }
                anyhow::bail!("a socket was closed")
            };
            tokio::time::timeout(PATIENCE, answered).await.context("a turn does not end")??;
            told.took("a turn", since);
        }
    }
    Ok(())
}

/// Rolls through REST.
async fn roll(door: SocketAddr, told: Arc<Told>, stop: CancellationToken) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().tls_certs_only(std::iter::empty()).timeout(PATIENCE).build()?;
    while goes_on(&stop).await {
        let since = Instant::now();
        let body = json!({"pool": 8, "target_number": 5});
        let answer = client.post(format!("http://{door}/api/tools/roll_dice")).json(&body).send().await?;
        anyhow::ensure!(answer.status().is_success(), "a roll failed: {}", answer.text().await?);
        answer.bytes().await?;
        told.took("a roll through REST", since);
    }
    Ok(())
}

/// Sends events to a game of its own.
async fn line(number: usize, door: SocketAddr, told: Arc<Told>, stop: CancellationToken) -> anyhow::Result<()> {
    let (reader, mut writer) = TcpStream::connect(door).await?.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut menu = async || -> anyhow::Result<()> {
        loop {
            let next =
                tokio::time::timeout(PATIENCE, lines.next_line()).await.context("an event is not answered")??;
            let line = next.context("a line was closed")?;
            anyhow::ensure!(!line.starts_with("ERROR"), "{line}");
            if line.starts_with("<valid_events>") {
                return Ok(());
            }
        }
    };
    menu().await?;
    writer.write_all(format!("GAME soak-{number}\n").as_bytes()).await?;
    menu().await?;
    while goes_on(&stop).await {
        let since = Instant::now();
        writer.write_all(b"EVENT:TOGGLE_LOME\n").await?;
        menu().await?;
        told.took("an event of the Java line", since);
    }
    Ok(())
}

/// Looks on at a table where nothing is said.
async fn watch(number: usize, door: SocketAddr, stop: CancellationToken) -> anyhow::Result<()> {
    let (mut socket, _) = connect_async(format!("ws://{door}/game/soak-quiet-{number}")).await.context("look on")?;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            frame = socket.next() => {
                frame.context("a watcher's socket was closed")??;
            }
        }
    }
}
