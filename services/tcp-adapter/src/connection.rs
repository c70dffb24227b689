//! One connection: what its client sends, one line after the other, and what its game tells it, in order.
//!
//! A single task does it all, so that an idle connection costs little. It handles a line only when the answer to the
//! one before has left, and it never waits for its reader: what the reader leaves lying is kept up to a limit.

use std::{collections::VecDeque, future::pending, io, pin::pin, time::Duration};

use futures_util::future::BoxFuture;
use proto::fsm::v1::{Output, SendEventRequest, SendEventResponse, game_update::Update, output::Kind};
use service_kit::trace;
use tokio::{
    io::Interest,
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::{
    attachment::{Attachment, Fsm, Greeted, Progress, attach, attach_again, attach_patiently},
    command::Command,
    guard::{self, Line},
    lines::{Lines, Received},
};

/// Bytes taken from a socket at once.
const READ: usize = 8 * 1024;
/// Bytes that a reader may leave lying before its connection is closed.
const UNREAD_LIMIT: usize = 1024 * 1024;
/// Time in which an event is answered, else the game counts as busy.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time in which a reader may take what is left when the connection ends.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longest event name that is looked up; no machine has a longer one.
const MAX_EVENT_NAME: usize = 200;

const CONNECTED: &str = "<game> Connected to FSM server";
const BUSY: &str = "ERROR: Busy";
const NOT_A_COMMAND: &str = "ERROR: Not a command";
const LINE_TOO_LONG: &str = "ERROR: Line too long";

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    #[error("the client has gone")]
    Gone,
    #[error("the server is stopping")]
    Stopping,
    #[error("the reader fell behind by {0} bytes")]
    FellBehind(usize),
    #[error("{0}")]
    Socket(#[from] io::Error),
}

/// A client's connection.
pub struct Connection {
    socket: TcpStream,
    fsm: Fsm,
    /// The game the client asked for; none is the default game.
    game: Option<String>,
    lines: Lines,
    unread: Unread,
    link: Link,
    /// The way to another game, if it is on it. Meanwhile lines wait, and the game it is leaving is not heard.
    switching: Option<Switch>,
    /// How far it had come in its game when it lost it last.
    lost: Option<Progress>,
    /// The event that is being answered.
    sending: Option<BoxFuture<'static, Result<Response<SendEventResponse>, Status>>>,
    /// Number of the update after which the next line may be handled.
    awaited: u64,
    /// Whether the client has said its last.
    ended: bool,
}

/// The connection's hold on its game.
enum Link {
    Attached(Box<Attachment>),
    /// The first attempt, or the first after a loss: lines wait for it.
    Attaching(BoxFuture<'static, Result<Greeted, Status>>),
    /// The game cannot be reached; lines are answered without it.
    Lost(BoxFuture<'static, Greeted>),
}

/// A connection on its way to another game.
struct Switch {
    to: String,
    attempt: BoxFuture<'static, Result<Greeted, Status>>,
}

/// What a link has to say.
#[expect(clippy::large_enum_variant, reason = "one at a time, and it is taken apart at once")]
enum News {
    Update(Result<Update, Status>),
    Attached(Result<Greeted, Status>),
    Switched(Result<Greeted, Status>),
}

impl Connection {
    /// A connection that is about to attach to `game`, or to the default game.
    pub fn new(socket: TcpStream, fsm: Fsm, game: Option<String>) -> Connection {
        let attempt = Box::pin(attach(fsm.clone(), game.clone(), None));
        Connection {
            socket,
            fsm,
            game,
            lines: Lines::default(),
            unread: Unread::default(),
            link: Link::Attaching(attempt),
            switching: None,
            lost: None,
            sending: None,
            awaited: 0,
            ended: false,
        }
    }

    /// Runs it to its end, and tells why it ended.
    pub async fn run(mut self, shutdown: CancellationToken) -> Closed {
        let reason = match self.exchange(shutdown).await {
            Ok(reason) => reason,
            Err(reason) => return reason,
        };
        let until = Instant::now() + FAREWELL;
        while !self.unread.is_empty() {
            if !matches!(timeout_at(until, self.socket.writable()).await, Ok(Ok(()))) {
                break;
            }
            if let Err(error) = self.unread.write(&self.socket) {
                return error;
            }
        }
        reason
    }

    /// Until the client or the server ends it; what is still unread may then be written.
    async fn exchange(&mut self, shutdown: CancellationToken) -> Result<Closed, Closed> {
        let mut stopping = pin!(shutdown.cancelled());
        loop {
            self.handle_lines()?;
            if self.is_finished() {
                return Ok(Closed::Gone);
            }
            let interest = self.interest();
            let Connection { socket, link, switching, sending, .. } = self;
            let news = async {
                match (switching, link) {
                    (Some(switch), _) => News::Switched((&mut switch.attempt).await),
                    (None, Link::Attached(attachment)) => News::Update(attachment.next().await),
                    (None, Link::Attaching(attempt)) => News::Attached(attempt.await),
                    (None, Link::Lost(attempt)) => News::Attached(Ok(attempt.await)),
                }
            };
            let answered = async {
                match sending {
                    Some(answer) => answer.await,
                    None => pending().await,
                }
            };
            let ready = async {
                match interest {
                    Some(interest) => socket.ready(interest).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = &mut stopping => return Ok(Closed::Stopping),
                news = news => self.take_news(news),
                answer = answered => self.take_answer(answer),
                ready = ready => {
                    if ready?.is_readable() {
                        self.receive()?;
                    }
                }
            }
            self.unread.write(&self.socket)?;
        }
    }

    /// What to wait for on the socket. Nothing more is read before the lines that are there are handled.
    fn interest(&self) -> Option<Interest> {
        let read = (!self.ended && self.may_handle()).then_some(Interest::READABLE);
        let write = (!self.unread.is_empty()).then_some(Interest::WRITABLE);
        match (read, write) {
            (Some(read), Some(write)) => Some(read | write),
            (read, write) => read.or(write),
        }
    }

    /// Whether the line before has been answered, so that the next may be handled.
    fn may_handle(&self) -> bool {
        let told = match &self.link {
            Link::Attached(attachment) => self.awaited <= attachment.number,
            Link::Lost(_) => true,
            Link::Attaching(_) => false,
        };
        told && self.sending.is_none() && self.switching.is_none()
    }

    /// Whether the client has gone and all that it sent is answered.
    fn is_finished(&self) -> bool {
        self.ended && self.may_handle()
    }

    /// Takes what has come in.
    fn receive(&mut self) -> Result<(), Closed> {
        let mut bytes = [0; READ];
        match self.socket.try_read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(count) => self.lines.push(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Handles the lines that are there, up to one that must be waited for.
    fn handle_lines(&mut self) -> Result<(), Closed> {
        while self.may_handle() {
            match self.lines.next() {
                Some(Received::Line(line)) => self.handle(Command::read(&line)),
                Some(Received::TooLong) => self.tell(LINE_TOO_LONG),
                None => break,
            }
            self.unread.write(&self.socket)?;
        }
        Ok(())
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Blank => {}
            Command::Unknown => self.tell(NOT_A_COMMAND),
            Command::Event { name, .. } if name.is_empty() || name.chars().nth(MAX_EVENT_NAME).is_some() => {
                let name: String = name.chars().take(MAX_EVENT_NAME).collect();
                self.tell(&format!("ERROR: Unknown event '{name}'"));
            }
            Command::Event { name, data } => match &self.link {
                Link::Attached(attachment) => {
                    let send = send_event(self.fsm.clone(), attachment, name, data);
                    self.sending = Some(Box::pin(send));
                }
                _ => self.tell(BUSY),
            },
            Command::Game(to) => self.switch(to),
        }
    }

    fn switch(&mut self, to: String) {
        match &self.link {
            Link::Attached(from) => {
                let attempt = Box::pin(attach(self.fsm.clone(), Some(to.clone()), Some(from.id.clone())));
                self.switching = Some(Switch { to, attempt });
            }
            _ => self.tell(BUSY),
        }
    }

    fn take_answer(&mut self, answer: Result<Response<SendEventResponse>, Status>) {
        self.sending = None;
        match answer {
            // What it brought about, or why it was refused, comes as an update.
            Ok(answer) => self.awaited = answer.into_inner().update_number,
            Err(status) => {
                tracing::warn!(%status, "an event could not be sent");
                self.tell(BUSY);
            }
        }
    }

    fn take_news(&mut self, news: News) {
        match news {
            News::Update(Ok(Update::Greeting(greeting))) => self.tell_outputs(greeting.outputs),
            News::Update(Ok(Update::Reaction(reaction))) => self.tell_outputs(reaction.outputs),
            News::Update(Ok(Update::RoleChange(change))) => self.tell_outputs(change.outputs),
            News::Update(Ok(Update::Refusal(refusal))) => self.tell(&format!("ERROR: {}", refusal.message)),
            News::Update(Err(status)) => self.lose(&status),
            News::Attached(Ok(greeted)) => self.greet(greeted, self.lost.is_none()),
            News::Attached(Err(status)) => {
                tracing::warn!(%status, "a game could not be attached to");
                let attempt = attach_patiently(self.fsm.clone(), self.game.clone(), self.lost.clone());
                self.link = Link::Lost(Box::pin(attempt));
            }
            News::Switched(greeted) => self.arrive(greeted),
        }
    }

    /// The stream of the game has ended: the first attempt to find it again is worth waiting for.
    fn lose(&mut self, status: &Status) {
        tracing::warn!(%status, "a connection lost its game");
        if let Link::Attached(attachment) = &self.link {
            self.lost = Some(attachment.progress());
        }
        let attempt = attach_again(self.fsm.clone(), self.game.clone(), self.lost.clone());
        self.link = Link::Attaching(Box::pin(attempt));
    }

    /// The way to another game has ended, there or where it began.
    fn arrive(&mut self, greeted: Result<Greeted, Status>) {
        let Some(Switch { to, .. }) = self.switching.take() else { return };
        match greeted {
            Ok(greeted) => {
                self.game = Some(to);
                self.greet(greeted, true);
            }
            Err(status) => {
                tracing::warn!(%status, "another game could not be attached to");
                self.tell(BUSY);
            }
        }
    }

    fn greet(&mut self, greeted: Greeted, is_new: bool) {
        self.link = Link::Attached(greeted.attachment);
        self.awaited = 0;
        if is_new {
            self.tell(CONNECTED);
        }
        self.tell_outputs(greeted.outputs);
    }

    fn tell(&mut self, line: &str) {
        self.unread.push(Line::Told, line);
    }

    fn tell_outputs(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output.kind {
                Some(Kind::State(state)) => self.tell(&format!("<state> {state}")),
                Some(Kind::Text(text)) => self.tell(&tagged("<auto>", &text)),
                Some(Kind::Shown(text)) => self.tell(&tagged("<fsm>", &text)),
                Some(Kind::Command(command)) => self.tell(&command),
                Some(Kind::Record(record)) => self.unread.push(Line::Record, &record),
                Some(Kind::ValidEvents(valid)) => self.tell(&tagged("<valid_events>", &valid.events.join(","))),
                None => {}
            }
        }
    }
}

fn tagged(tag: &str, text: &str) -> String {
    if text.is_empty() { tag.to_owned() } else { format!("{tag} {text}") }
}

/// Sends an event under a trace of its own, the one that its data names if it does.
fn send_event(
    fsm: Fsm,
    attachment: &Attachment,
    event: String,
    data: Option<String>,
) -> impl Future<Output = Result<Response<SendEventResponse>, Status>> + Send + 'static {
    let (span, _) = trace::begin("tcp-adapter", &format!("EVENT {event}"), data.as_deref().and_then(trace_id), None);
    let mut request = Request::new(SendEventRequest {
        game_id: Some(attachment.game_id.clone()),
        event,
        data: None,
        data_json: data,
        attachment_id: Some(attachment.id.clone()),
        role: None,
        cause: None,
    });
    request.set_timeout(EVENT_TIMEOUT);
    async move { fsm.client().send_event(request).await }.instrument(span)
}

/// The trace that an event's data names.
fn trace_id(data: &str) -> Option<uuid::Uuid> {
    const FIELD: &str = "trace_id";
    // Most data names none, and need not be read twice.
    let data: serde_json::Value = data.contains(FIELD).then(|| serde_json::from_str(data).ok())??;
    trace::parse_trace_id(data.get(FIELD)?.as_str()?)
}

/// What is to be written and the reader has not taken yet.
#[derive(Default)]
struct Unread(VecDeque<u8>);

impl Unread {
    /// Adds a line, as far as the guard admits it.
    fn push(&mut self, kind: Line, line: &str) {
        match guard::admit(kind, line) {
            Some(line) => {
                self.0.extend(line.as_bytes());
                self.0.push_back(b'\n');
            }
            None => tracing::warn!(line, "a line was withheld: the Java client could not bear it"),
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes as much as the socket takes.
    fn write(&mut self, socket: &TcpStream) -> Result<(), Closed> {
        while !self.0.is_empty() {
            match socket.try_write(self.0.make_contiguous()) {
                Ok(count) => drop(self.0.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        if self.0.is_empty() {
            // An idle connection holds no buffer.
            self.0 = VecDeque::new();
        }
        if UNREAD_LIMIT < self.0.len() { Err(Closed::FellBehind(self.0.len())) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_that_data_names_is_any_uuid() {
        let id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
        assert_eq!(trace_id(&format!("{{\"trace_id\":\"{id}\"}}")).unwrap().to_string(), id);
        for other in ["", "trace_id", "{\"trace_id\":7}", "{\"trace_id\":\"x\"}", "[\"trace_id\"]"] {
            assert_eq!(trace_id(other), None, "{other}");
        }
    }
}
