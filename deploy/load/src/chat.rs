//! A table under load: what a step costs beside a bare streaming proxy, a thousand stories at once, and a sentence that
//! four others hear.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::{Router, body::Body, extract::State, response::Response, routing::post, serve::ListenerExt};
use bytes::Bytes;
use fake_model::{FakeModel, Reply};
use futures_util::{SinkExt, StreamExt, future::try_join_all};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{process, stats::median, target::Target};

/// Players who ask at the same time where steps are counted.
const PLAYERS: usize = 8;
/// Pieces of text in an answer.
const PIECES: usize = 20;
/// Those who hear what a fifth says.
const LISTENERS: usize = 4;
/// Longest wait for a frame.
const PATIENCE: Duration = Duration::from_secs(20);

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A model that answers at once, in pieces that tell their place. It reads nothing, so that no figure has its reading in
/// it.
pub async fn quick_model() -> anyhow::Result<FakeModel> {
    let story = (0..PIECES).fold(Reply::new(), |reply, piece| reply.text(&word(piece))).end("stop");
    Ok(process::threads()?.spawn(FakeModel::unheeding(story)).await?)
}

fn word(piece: usize) -> String {
    format!("word{piece} ")
}

fn whole_story() -> String {
    (0..PIECES).map(word).collect()
}

/// What steps take: the p50s of one stream, to the first piece and to the end, and how many are made in a second by
/// several.
pub struct Steps {
    pub first: Duration,
    pub one: Duration,
    pub per_second: f64,
}

/// The times of one stream's steps.
#[derive(Default)]
struct Times {
    first: Vec<Duration>,
    whole: Vec<Duration>,
}

impl Times {
    fn steps(self, made: usize, took: Duration) -> Steps {
        Steps { first: median(self.first), one: median(self.whole), per_second: made as f64 / took.as_secs_f64() }
    }
}

/// Steps of a turn each, over WebSockets, and the same through a proxy that only passes bytes on: one of these, one of
/// those, so that whatever else the machine does weighs on both alike. The proxy is asked with the very request that the
/// game master makes of a turn.
pub async fn steps(target: &Target, model: &FakeModel, count: usize) -> anyhow::Result<(Steps, Steps)> {
    let mut socket = open(target, "steps-one").await?;
    turn(&mut socket).await?;
    let proxy = Proxy::start(model).await?;
    let (mut ours, mut bare) = (Times::default(), Times::default());
    for _ in 0..count {
        let begun = Instant::now();
        let told = turn(&mut socket).await?;
        ours.first.push(told.first.context("a story")?.duration_since(begun));
        ours.whole.push(begun.elapsed());
        let begun = Instant::now();
        bare.first.push(proxy.ask().await?.duration_since(begun));
        bare.whole.push(begun.elapsed());
    }
    let begun = Instant::now();
    let players = (0..PLAYERS).map(|player| async move {
        let mut socket = open(target, &format!("steps-{player}")).await?;
        for _ in 0..count / PLAYERS {
            turn(&mut socket).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(players).await?;
    let ours = ours.steps(count / PLAYERS * PLAYERS, begun.elapsed());
    let begun = Instant::now();
    let players = (0..PLAYERS).map(|_| async {
        for _ in 0..count / PLAYERS {
            proxy.ask().await?;
        }
        anyhow::Ok(())
    });
    try_join_all(players).await?;
    Ok((ours, bare.steps(count / PLAYERS * PLAYERS, begun.elapsed())))
}

/// The proxy, and who asks through it.
struct Proxy {
    client: reqwest::Client,
    url: String,
    body: Bytes,
    server: JoinHandle<std::io::Result<()>>,
}

impl Proxy {
    async fn start(model: &FakeModel) -> anyhow::Result<Proxy> {
        let client = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build()?;
        // Its connections are looked after by its own threads.
        let upstream = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build()?;
        let upstream: Arc<(reqwest::Client, String)> = Arc::new((upstream, model.url.clone()));
        let router = Router::new().route("/chat/completions", post(pass_on)).with_state(upstream);
        let (listener, address) = process::listen().await?;
        let url = format!("http://{address}/chat/completions");
        // As our own servers do it: a small piece must not wait for the acknowledgement of the one before it.
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
        let server = process::threads()?.spawn(async move { axum::serve(listener, router).await });
        Ok(Proxy { client, url, body: model.last_body(), server })
    }

    /// A step. Answers when its first piece was here.
    async fn ask(&self) -> anyhow::Result<Instant> {
        let request = self.client.post(&self.url).header("content-type", "application/json").body(self.body.clone());
        let mut answer = request.send().await?.bytes_stream();
        let mut first = None;
        while let Some(piece) = answer.next().await {
            piece?;
            first.get_or_insert_with(Instant::now);
        }
        first.context("a first piece")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass_on(State(upstream): State<Arc<(reqwest::Client, String)>>, body: Bytes) -> Response {
    let request = upstream.0.post(format!("{}/chat/completions", upstream.1));
    match request.header("content-type", "application/json").body(body).send().await {
        Ok(answer) => Response::new(Body::from_stream(answer.bytes_stream())),
        Err(_) => Response::new(Body::from("the model is gone")),
    }
}

/// So many sessions with a story each at the same time. Answers how many were told whole and in order.
pub async fn stories(target: &Target, count: usize) -> anyhow::Result<Stories> {
    let mut sockets = Vec::with_capacity(count);
    for session in 0..count {
        sockets.push(open(target, &format!("story-{session}")).await?);
    }
    let sessions = target.memory()?;
    let begun = Instant::now();
    let told = sockets.iter_mut().map(|socket| async move {
        let told = turn(socket).await?;
        anyhow::Ok(usize::from(told.story == whole_story()))
    });
    let whole: usize = try_join_all(told).await?.into_iter().sum();
    Ok(Stories { whole, of: count, took: begun.elapsed(), sessions })
}

/// What became of many stories at once.
pub struct Stories {
    pub whole: usize,
    pub of: usize,
    pub took: Duration,
    /// The memory with all sessions open, before anybody spoke.
    pub sessions: crate::stats::Bytes,
}

/// The p50 of the time from a sentence until four others have it.
pub async fn heard(target: &Target, count: usize) -> anyhow::Result<Duration> {
    let mut speaker = open(target, "heard").await?;
    let mut listeners = Vec::with_capacity(LISTENERS);
    for _ in 0..LISTENERS {
        // What others say is among the frames that a client without telemetry does not get.
        listeners.push(open_at(target, "heard").await?);
    }
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        speaker.send(sentence()).await?;
        let hear = listeners.iter_mut().map(|socket| async move { until(socket, "player_message").await });
        try_join_all(hear).await?;
        times.push(begun.elapsed());
        let end =
            listeners.iter_mut().chain([&mut speaker]).map(|socket| async move { until(socket, "complete").await });
        try_join_all(end).await?;
    }
    Ok(median(times))
}

pub async fn open(target: &Target, session: &str) -> anyhow::Result<Socket> {
    open_at(target, &format!("{session}?telemetry=0")).await
}

async fn open_at(target: &Target, place: &str) -> anyhow::Result<Socket> {
    let (mut socket, _) = connect_async(format!("ws://{}/game/{place}", target.http)).await?;
    socket.send(Message::text(json!({"type": "get_session_info"}).to_string())).await?;
    until(&mut socket, "session_info").await?;
    Ok(socket)
}

fn sentence() -> Message {
    Message::text(json!({"type": "chat", "message": "I wait."}).to_string())
}

/// What was told in a turn, and when the first piece of it was here.
pub struct Told {
    story: String,
    first: Option<Instant>,
}

/// A turn from the sentence to its end. It fails where a piece is not where it belongs, or a frame of the log is lost.
pub async fn turn(socket: &mut Socket) -> anyhow::Result<Told> {
    socket.send(sentence()).await?;
    let mut story = String::new();
    let mut first = None;
    let mut last_seq = None;
    loop {
        let frame = next(socket).await?;
        if let Some(seq) = frame["seq"].as_u64().filter(|seq| 0 < *seq) {
            let is_next = last_seq.is_none_or(|last| seq == last || seq == last + 1);
            anyhow::ensure!(is_next, "a frame is lost or out of order, after {last_seq:?}: {frame}");
            last_seq = Some(seq);
        }
        match frame["type"].as_str() {
            Some("narrative") => {
                first.get_or_insert_with(Instant::now);
                let offset = frame["offset"].as_u64().unwrap_or(0);
                anyhow::ensure!(offset == story.len() as u64, "a piece is lost or out of order: {frame}");
                story.push_str(frame["content"].as_str().unwrap_or_default());
            }
            Some("error") => anyhow::bail!("{frame}"),
            Some("complete") => return Ok(Told { story, first }),
            _ => {}
        }
    }
}

async fn until(socket: &mut Socket, kind: &str) -> anyhow::Result<()> {
    loop {
        let frame = next(socket).await?;
        anyhow::ensure!(frame["type"] != "error", "{frame}");
        if frame["type"] == kind {
            return Ok(());
        }
    }
}

async fn next(socket: &mut Socket) -> anyhow::Result<Value> {
    loop {
        let frame = tokio::time::timeout(PATIENCE, socket.next()).await.context("no frame came")?;
        let frame = frame.context("the socket was closed")??;
        if let Message::Text(text) = frame {
            return Ok(serde_json::from_str(&text)?);
        }
    }
}
