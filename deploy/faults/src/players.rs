//! People at the WebSocket: each says one thing after another, says it again until it is answered, and writes down all
//! that he sees.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, task::JoinHandle};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

use crate::{
    check::{Connection, Record, Seen},
    deployment::Deployment,
};

/// Time without a frame after which somebody says it again.
const SILENCE: Duration = Duration::from_secs(2);
/// Time between two tries to connect.
const PAUSE: Duration = Duration::from_millis(50);
/// Time in which a connection must come about.
const CONNECT: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A person who plays until he is stopped.
pub struct Player {
    pub name: String,
    progress: watch::Receiver<Progress>,
    task: JoinHandle<Record>,
}

/// How far he is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// When the last turn began that came to its end.
    pub last_turn_began: Option<Instant>,
}

impl Player {
    /// Starts one. Two share a table; one of them is at either gateway.
    pub fn start(number: usize, seed: u64, deployment: &Deployment, stop: &CancellationToken) -> Player {
        let doors = [deployment.door("gateway-a"), deployment.door("gateway-b")];
        let name = format!("player-{number}");
        let (tell, progress) = watch::channel(Progress::default());
        let seat = Seat {
            record: Record { name: name.clone(), session: format!("table-{}", number / 2), ..Record::default() },
            number,
            seed,
            door: number,
            said: 0,
            tell,
        };
        let task = tokio::spawn(seat.play(doors, stop.clone()));
        Player { name, progress, task }
    }

    /// How far he is, from now on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// What he has seen, once he has stopped.
    pub async fn finish(self) -> anyhow::Result<Record> {
        Ok(self.task.await?)
    }
}

/// What tells a frame from any other, on the wire and in the log alike.
pub fn what(frame: &Value) -> String {
    let text = |key: &str| frame[key].as_str().unwrap_or_default();
    let roll = frame["result"]["roll_id"].as_str().unwrap_or_default();
    format!("{} {} {} {roll}", text("type"), text("turn_id"), text("call_id"))
}

struct Seat {
    record: Record,
    number: usize,
    seed: u64,
    /// Which gateway he is at; the other one after a loss.
    door: usize,
    said: u64,
    tell: watch::Sender<Progress>,
}

/// What he has said and is not yet answered.
struct Open {
    text: String,
    message_id: String,
    trace_id: String,
    began: Instant,
}

impl Seat {
    async fn play(mut self, doors: [SocketAddr; 2], stop: CancellationToken) -> Record {
        let mut open = self.next_words();
        while !stop.is_cancelled() {
            let after = self.last_seq();
            let url = format!("ws://{}/game/{}?after_seq={after}", doors[self.door % 2], self.record.session);
            match tokio::time::timeout(CONNECT, connect_async(url)).await {
                Ok(Ok((socket, _))) => {
                    self.record.connections.push(Connection { after, seen: Vec::new() });
                    // A lost connection is what this is about: he comes back.
                    let _ = self.talk(socket, &mut open, &stop).await;
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
            self.door += 1;
        }
        self.record
    }

    /// Where he goes on: before what he has seen last, if that is a narration of which more may come.
    fn last_seq(&self) -> u64 {
        let seen = self.record.connections.iter().flat_map(|connection| &connection.seen);
        let last = seen.max_by_key(|seen| seen.seq);
        last.map_or(0, |last| if last.what.starts_with("narrative ") { last.seq - 1 } else { last.seq })
    }

    fn next_words(&mut self) -> Open {
        self.said += 1;
        let (seed, number, said) = (self.seed, self.number, self.said);
        Open {
            text: format!("Roll 6 dice against target number 4 for {}, the {said}th time", self.record.name),
            message_id: format!("{}-{said}", self.record.name),
            trace_id: format!("{seed:08x}-0000-4000-8000-{number:04x}{said:08x}"),
            began: Instant::now(),
        }
    }

    async fn talk(&mut self, mut socket: Socket, open: &mut Open, stop: &CancellationToken) -> anyhow::Result<()> {
        send(&mut socket, &json!({"type": "join", "name": self.record.name})).await?;
        self.say(&mut socket, open).await?;
        let mut failed = false;
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(SILENCE, socket.next()) => next,
                () = stop.cancelled() => return Ok(()),
            };
            let frame: Value = match next {
                Err(_) => {
                    self.say(&mut socket, open).await?;
                    continue;
                }
                Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str(&text)?,
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
                Ok(_) => return Ok(()),
            };
            self.write_down(&frame);
            let is_mine = frame["trace_id"] == open.trace_id.as_str();
            match frame["type"].as_str() {
                // A turn that failed has its end, too, but it is no answer.
                Some("error") if is_mine => failed = true,
                Some("complete") if is_mine => {
                    self.record.acknowledged.insert(open.text.clone());
                    if !failed {
                        self.tell.send_replace(Progress { last_turn_began: Some(open.began) });
                    }
                    failed = false;
                    *open = self.next_words();
                    self.say(&mut socket, open).await?;
                }
                Some("error") => {
                    tokio::time::sleep(PAUSE).await;
                    self.say(&mut socket, open).await?;
                }
                _ => {}
            }
        }
    }

    async fn say(&mut self, socket: &mut Socket, open: &Open) -> anyhow::Result<()> {
        self.record.sent.insert(open.text.clone());
        let frame = json!({
            "type": "chat", "message": open.text, "message_id": open.message_id, "trace_id": open.trace_id,
        });
        send(socket, &frame).await
    }

    fn write_down(&mut self, frame: &Value) {
        let Some(seq) = frame["seq"].as_u64() else { return };
        let seen = Seen { seq, offset: frame["offset"].as_u64().unwrap_or_default(), what: what(frame) };
        if let Some(connection) = self.record.connections.last_mut() {
            connection.seen.push(seen);
        }
    }
}

async fn send(socket: &mut Socket, frame: &Value) -> anyhow::Result<()> {
    Ok(socket.send(Message::text(frame.to_string())).await?)
}
