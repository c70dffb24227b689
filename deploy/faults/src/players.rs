//! People at the WebSocket: each says one thing after another, says it again until it is answered, and writes down all
//! that he sees.

use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, task::JoinHandle};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

use crate::check::{Connection, Record, Seen};

/// Time without an answer after which somebody says it again, whatever else he hears.
const UNANSWERED: Duration = Duration::from_secs(1);
/// Time between two tries to connect, and before what was refused is said again.
const PAUSE: Duration = Duration::from_millis(50);
/// Time in which a connection must come about.
const CONNECT: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A person who plays until he is stopped.
pub struct Player {
    pub name: String,
    progress: watch::Receiver<Progress>,
    task: JoinHandle<(Record, Diary)>,
}

/// Everything that came to somebody, in lines: for whoever looks for a cause.
pub type Diary = String;

/// How far he is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// When the last turn began that came to its end.
    pub last_turn_began: Option<Instant>,
    /// What he has said last, and what has come of it.
    pub doing: String,
}

impl Player {
    /// Starts one at either of two gateways. Two share a table, one at each.
    pub fn start(number: usize, seed: u64, doors: [SocketAddr; 2], stop: &CancellationToken) -> Player {
        let name = format!("player-{number}");
        let (tell, progress) = watch::channel(Progress::default());
        let seat = Seat {
            record: Record { name: name.clone(), session: format!("table-{}", number / 2), ..Record::default() },
            number,
            seed,
            door: number,
            said: 0,
            tell,
            diary: Diary::new(),
        };
        let task = tokio::spawn(seat.play(doors, stop.clone()));
        Player { name, progress, task }
    }

    /// How far he is, from now on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// What he has said last, and what has come of it.
    pub fn doing(&self) -> String {
        self.progress.borrow().doing.clone()
    }

    /// What he has seen, once he has stopped, and his diary.
    pub async fn finish(self) -> anyhow::Result<(Record, Diary)> {
        Ok(self.task.await?)
    }
}

/// What tells a frame from any other, on the wire and in the log alike.
pub fn what(frame: &Value) -> String {
    let text = |key: &str| frame[key].as_str().unwrap_or_default();
    let roll = frame["result"]["roll_id"].as_str().unwrap_or_default();
    format!("{} {} {} {roll}", text("type"), text("turn_id"), text("call_id"))
}

/// What a frame says to somebody who waits for an answer.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// He has his seat.
    Seat,
    /// What he sent was not taken in.
    Refusal,
    /// A turn goes wrong; its end follows.
    Failure,
    /// A turn has ended.
    End,
    /// Anything else.
    Else,
}

impl Told {
    fn by(frame: &Value) -> Told {
        match frame["type"].as_str() {
            Some("session_info") => Told::Seat,
            // What goes wrong in a turn is of that turn; a refusal is of none.
            Some("error") if frame["turn_id"].as_str().unwrap_or_default().is_empty() => Told::Refusal,
            Some("error") => Told::Failure,
            Some("complete") => Told::End,
            _ => Told::Else,
        }
    }
}

struct Seat {
    record: Record,
    number: usize,
    seed: u64,
    /// Which gateway he is at; the other one after a loss.
    door: usize,
    said: u64,
    tell: watch::Sender<Progress>,
    diary: Diary,
}

/// What he has said and is not yet answered.
struct Open {
    text: String,
    message_id: String,
    trace_id: String,
    began: Instant,
}

impl Seat {
    async fn play(mut self, doors: [SocketAddr; 2], stop: CancellationToken) -> (Record, Diary) {
        let mut open = self.next_words();
        while !stop.is_cancelled() {
            let after = self.last_seq();
            let url = format!("ws://{}/game/{}?after_seq={after}", doors[self.door % 2], self.record.session);
            match tokio::time::timeout(CONNECT, connect_async(url)).await {
                Ok(Ok((socket, _))) => {
                    self.record.connections.push(Connection { after, seen: Vec::new() });
                    // A lost connection is what this is about: he comes back.
                    self.note("he is connected".to_owned());
                    let ended = self.talk(socket, &mut open, &stop).await;
                    self.note(format!("his connection ended: {ended:?}"));
                }
                tried => {
                    self.note(format!("no connection: {:?}", tried.map(|tried| tried.map(|_| ()))));
                    tokio::time::sleep(PAUSE).await;
                }
            }
            self.door += 1;
        }
        (self.record, self.diary)
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
        let mut is_seated = false;
        let mut has_failed = false;
        let mut say_at = Instant::now();
        loop {
            if say_at <= Instant::now() {
                if !is_seated {
                    send(&mut socket, &json!({"type": "join", "name": self.record.name})).await?;
                }
                self.note(format!("he says {:?}", open.text));
                self.say(&mut socket, open).await?;
                say_at = Instant::now() + UNANSWERED;
            }
            let next = tokio::select! {
                next = tokio::time::timeout_at(say_at.into(), socket.next()) => next,
                () = stop.cancelled() => return Ok(()),
            };
            let frame: Value = match next {
                Err(_) => continue,
                Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str(&text)?,
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
                Ok(ended) => anyhow::bail!("{ended:?}"),
            };
            self.note(format!("he has said {:?} and is told {frame}", open.text));
            self.write_down(&frame);
            let is_mine = frame["trace_id"] == open.trace_id.as_str();
            match Told::by(&frame) {
                Told::Seat => is_seated = true,
                // Nothing comes of it, however much else goes on at the table.
                Told::Refusal => say_at = say_at.min(Instant::now() + PAUSE),
                Told::Failure if is_mine => has_failed = true,
                Told::End if is_mine => {
                    self.record.acknowledged.insert(open.text.clone());
                    // A turn that failed has its end, too, but it is no answer.
                    if !std::mem::take(&mut has_failed) {
                        self.tell.send_modify(|progress| progress.last_turn_began = Some(open.began));
                    }
                    *open = self.next_words();
                    say_at = Instant::now();
                }
                Told::Failure | Told::End | Told::Else => {}
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

    /// Notes what has come of what he says, and at which gateway.
    fn note(&mut self, what: String) {
        let gateway = ["a", "b"][self.door % 2];
        let doing = format!("at gateway-{gateway}, {what}");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.diary.push_str(&format!("{}.{:03} {doing}\n", now.as_secs(), now.subsec_millis()));
        self.tell.send_modify(|progress| progress.doing = doing);
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    /// Longest time that a test waits for what must come.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn a_refusal_is_of_no_turn() {
        assert_eq!(Told::by(&json!({"type": "error", "trace_id": "his own"})), Told::Refusal);
        assert_eq!(Told::by(&json!({"type": "error", "trace_id": "his own", "turn_id": "one"})), Told::Failure);
        assert_eq!(Told::by(&json!({"type": "complete", "turn_id": "one"})), Told::End);
    }

    #[tokio::test]
    async fn who_is_refused_says_it_again_although_others_play_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (door, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let player = Player::start(0, 7, [door, door], &stop);
        let heard = async {
            let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
            let first = next_chat(&mut socket).await;
            send_to(&mut socket, &json!({"type": "error", "trace_id": first["trace_id"]})).await;
            // The others at his table are never silent.
            let again = loop {
                tokio::select! {
                    chat = next_chat(&mut socket) => break chat,
                    () = tokio::task::yield_now() => {}
                }
                send_to(&mut socket, &json!({"type": "processing", "turn_id": "another's", "seq": 1})).await;
            };
            (first, again)
        };

        let (first, again) = tokio::time::timeout(PATIENCE, heard).await.expect("he says it again");

        assert_eq!(first["message_id"], again["message_id"]);
        stop.cancel();
        assert!(player.finish().await.unwrap().0.acknowledged.is_empty());
    }

    async fn next_chat(socket: &mut WebSocketStream<TcpStream>) -> Value {
        loop {
            let message = socket.next().await.unwrap().unwrap();
            let frame: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            if frame["type"] == "chat" {
                return frame;
            }
        }
    }

    async fn send_to(socket: &mut WebSocketStream<TcpStream>, frame: &Value) {
        socket.send(Message::text(frame.to_string())).await.unwrap();
    }
}
