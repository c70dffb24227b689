//! One connection: what its client sends, one line after the other, and what its game tells it, in order.
//!
//! A single task does it all, so that an idle connection costs little. It handles a line only when the answer to the
//! one before has left; events that came together are one request, and each is answered in its turn. It never waits for
//! its reader: what the reader leaves lying is kept up to a limit.

mod news;

use std::{collections::VecDeque, future::pending, io, pin::pin, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use proto::fsm::v1::{Output, Reaction, SendEventResponse, SendEventsResponse, game_update::Update, output::Kind};
use service_kit::auth::{Caller, Gate};
use tokio::{
    io::Interest,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use crate::{
    admission::Admission,
    attachment::{Attachment, Fsm, Greeted, Progress, attach, lines_of},
    command::{Command, Position},
    events::{self, send_event, send_events},
    guard::Line,
    lines::{Lines, Received},
    resume::Replay,
    socket::Socket,
    unread::Unread,
};

/// Bytes taken from a socket at once.
const READ: usize = 8 * 1024;
/// Time in which a reader may take what is left when the connection ends.
const FAREWELL: Duration = Duration::from_secs(2);
/// Updates taken one after the other before what they tell is written.
const MAX_AT_ONCE: usize = 64;

const CONNECTED: &str = "<game> Connected to FSM server";
const BUSY: &str = "ERROR: Busy";
const NOT_A_COMMAND: &str = "ERROR: Not a command";
const NOT_AUTHORISED: &str = "ERROR: Not authorised";
const LINE_TOO_LONG: &str = "ERROR: Line too long";
const MALFORMED_RESUME: &str = "ERROR: Malformed data for event 'RESUME'";

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    #[error("the client has gone")]
    Gone,
    #[error("the server is stopping")]
    Stopping,
    #[error("the reader fell behind by {0} bytes")]
    FellBehind(usize),
    #[error("it was not let in, or may not stay")]
    NotLetIn,
    #[error("{0}")]
    Socket(#[from] io::Error),
}

/// A client's connection.
pub struct Connection {
    socket: Socket,
    fsm: Fsm,
    gate: Gate,
    /// Who has shown a token, where one is asked for.
    caller: Option<Box<Caller>>,
    /// The game the client asked for; none is the default game.
    game: Option<String>,
    lines: Lines,
    /// What was read ahead, or has to be said before the next line.
    waiting: VecDeque<Command>,
    unread: Unread,
    link: Link,
    errand: Option<Errand>,
    /// How far it had come in its game when it lost it last.
    lost: Option<Progress>,
    /// Number of the update after which the next line may be handled.
    awaited: u64,
    /// Since the client has said HELLO 2: the numbers of its lines.
    numbering: Option<Box<Numbering>>,
    /// Whether the client has said its last.
    ended: bool,
}

/// What a client knows that has said HELLO 2.
struct Numbering {
    /// The client's name, which its ids are its own by.
    client: Option<String>,
    /// Number of the last line.
    position: Position,
    /// The id of the event that is being answered.
    id: Option<String>,
}

/// The connection's hold on its game.
enum Link {
    /// It is not in yet.
    Outside(Box<Admission>),
    Attached(Box<Attachment>),
    /// The first attempt, or the first after a loss: lines wait for it.
    Attaching(BoxFuture<'static, Result<Greeted, Status>>),
    /// The game cannot be reached; lines are answered without it.
    Lost(BoxFuture<'static, Greeted>),
}

/// What has been begun for a line. The next one waits for its end.
enum Errand {
    /// A token is looked at.
    Admit(BoxFuture<'static, Result<Caller, Status>>),
    /// An event is on its way to the game.
    Send { event: String, answer: BoxFuture<'static, Result<Response<SendEventResponse>, Status>> },
    /// Events that came together are on their way.
    SendAll {
        events: Vec<(String, Option<String>)>,
        answer: BoxFuture<'static, Result<Response<SendEventsResponse>, Status>>,
    },
    /// To another game; meanwhile the one that is being left is not heard.
    Switch { to: String, attempt: BoxFuture<'static, Result<Greeted, Status>> },
    /// How many lines the last entry had is being looked up, for the numbers of those to come.
    Number { then: Numbered, lines: BoxFuture<'static, Result<u32, Status>> },
    /// What was missed is being told.
    Replay(Box<Replay>),
}

/// What follows when the number of the last line is known.
enum Numbered {
    /// The client has said HELLO 2.
    Hello(Option<String>),
    /// The game greets.
    Greeting { outputs: Vec<Output>, is_new: bool },
}

/// An errand's end, or a step of it.
#[expect(clippy::large_enum_variant, reason = "one at a time, and it is taken apart at once")]
enum Progressed {
    Admitted(Result<Caller, Status>),
    Sent(Result<Response<SendEventResponse>, Status>),
    SentAll(Result<Response<SendEventsResponse>, Status>),
    Switched(Result<Greeted, Status>),
    Numbered(Result<u32, Status>),
    Page(Result<Vec<Reaction>, Status>),
}

/// What a link has to say.
#[expect(clippy::large_enum_variant, reason = "one at a time, and it is taken apart at once")]
enum News {
    Update(Result<Update, Status>),
    Attached(Result<Greeted, Status>),
    TooLate,
}

impl Errand {
    /// Until it has an end, or a step of it.
    async fn run(&mut self) -> Progressed {
        match self {
            Errand::Admit(answer) => Progressed::Admitted(answer.await),
            Errand::Send { answer, .. } => Progressed::Sent(answer.await),
            Errand::SendAll { answer, .. } => Progressed::SentAll(answer.await),
            Errand::Switch { attempt, .. } => Progressed::Switched(attempt.await),
            Errand::Number { lines, .. } => Progressed::Numbered(lines.await),
            Errand::Replay(replay) => Progressed::Page(replay.page().await),
        }
    }
}

impl Link {
    /// Until it has something to say.
    async fn news(&mut self) -> News {
        match self {
            Link::Outside(admission) => {
                admission.over().await;
                News::TooLate
            }
            Link::Attached(attachment) => News::Update(attachment.next().await),
            Link::Attaching(attempt) => News::Attached(attempt.await),
            Link::Lost(attempt) => News::Attached(Ok(attempt.await)),
        }
    }
}

impl Connection {
    /// A connection that attaches to `game`, or to the default game, as soon as it is in.
    pub fn new(socket: Socket, fsm: Fsm, game: Option<String>, gate: Gate) -> Connection {
        let link = if gate.is_required() || socket.is_handshaking() {
            Link::Outside(Box::new(Admission::begin()))
        } else {
            Link::Attaching(Box::pin(attach(fsm.clone(), game.clone(), None)))
        };
        Connection {
            socket,
            fsm,
            gate,
            caller: None,
            game,
            lines: Lines::default(),
            waiting: VecDeque::new(),
            unread: Unread::default(),
            link,
            errand: None,
            lost: None,
            awaited: 0,
            numbering: None,
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
        while !self.unread.is_empty() || self.socket.wants_write() {
            if !matches!(timeout_at(until, self.socket.ready(Interest::WRITABLE)).await, Ok(Ok(_))) {
                break;
            }
            if let Err(error) = self.write() {
                return error;
            }
        }
        reason
    }

    /// Until the client or the server ends it; what is still unread may then be written.
    async fn exchange(&mut self, shutdown: CancellationToken) -> Result<Closed, Closed> {
        let mut stopping = pin!(shutdown.cancelled());
        loop {
            let may_stay = self.caller.as_ref().is_none_or(|caller| caller.check().is_ok());
            if !may_stay {
                // The token was revoked or has expired.
                self.tell(NOT_AUTHORISED);
            }
            if !may_stay || matches!(&self.link, Link::Outside(admission) if admission.is_hopeless()) {
                return Ok(Closed::NotLetIn);
            }
            self.handle_lines()?;
            if self.is_finished() {
                return Ok(Closed::Gone);
            }
            self.proceed();
            let interest = self.interest();
            let Connection { socket, link, errand, .. } = self;
            // What a game tells belongs after what an errand has to tell first.
            let listens = matches!(errand, None | Some(Errand::Send { .. } | Errand::SendAll { .. }));
            let progressed = async {
                match errand {
                    Some(errand) => errand.run().await,
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
                news = link.news(), if listens => {
                    self.take_news(news)?;
                    self.take_more_news()?;
                }
                progressed = progressed => self.take_progress(progressed),
                ready = ready => {
                    if ready?.is_readable() {
                        self.receive()?;
                    }
                }
            }
            if self.may_handle() {
                self.acknowledge();
            }
            self.write()?;
        }
    }

    /// What to wait for on the socket. Nothing more is read before the lines that are there are handled.
    fn interest(&self) -> Option<Interest> {
        let read = (!self.ended && self.may_handle()).then_some(Interest::READABLE);
        let write = (!self.unread.is_empty() || self.socket.wants_write()).then_some(Interest::WRITABLE);
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
            Link::Outside(admission) => !admission.is_hopeless(),
            Link::Attaching(_) => false,
        };
        told && self.errand.is_none()
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
        if matches!(self.link, Link::Outside(_)) && !self.gate.is_required() && !self.socket.is_handshaking() {
            self.enter();
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), Closed> {
        self.unread.write(&mut self.socket)?;
        match self.socket.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The connection is in: its game may greet it.
    fn enter(&mut self) {
        self.link = Link::Attaching(Box::pin(attach(self.fsm.clone(), self.game.clone(), None)));
    }

    /// Goes on with what was missed once the reader has taken the page before.
    fn proceed(&mut self) {
        if let (Some(Errand::Replay(replay)), Link::Attached(attachment)) = (&mut self.errand, &self.link)
            && self.unread.is_empty()
        {
            replay.proceed(&self.fsm, attachment);
        }
    }

    /// Handles the lines that are there, up to one that must be waited for.
    fn handle_lines(&mut self) -> Result<(), Closed> {
        while self.may_handle() {
            match self.next_command() {
                Some(command) => self.handle(command),
                None => break,
            }
            self.write()?;
        }
        Ok(())
    }

    fn next_command(&mut self) -> Option<Command> {
        if let Some(command) = self.waiting.pop_front() {
            return Some(command);
        }
        Some(match self.lines.next()? {
            Received::Line(line) => Command::read(&line, self.numbering.is_some()),
            Received::TooLong => Command::TooLong,
        })
    }

    /// What the game has told already, so that it is written at once.
    fn take_more_news(&mut self) -> Result<(), Closed> {
        for _ in 0..MAX_AT_ONCE {
            let Link::Attached(attachment) = &mut self.link else { break };
            let Some(update) = attachment.next().now_or_never() else { break };
            self.take_news(News::Update(update))?;
        }
        Ok(())
    }

    fn handle(&mut self, command: Command) {
        if matches!(self.link, Link::Outside(_)) {
            match command {
                Command::Blank => {}
                Command::TooLong => self.tell(LINE_TOO_LONG),
                Command::Auth(token) => {
                    let gate = self.gate.clone();
                    self.errand = Some(Errand::Admit(Box::pin(async move { gate.admit(Some(&token)).await })));
                }
                _ => self.tell(NOT_AUTHORISED),
            }
            return;
        }
        match command {
            // Whoever is in need not show who he is.
            Command::Blank | Command::Auth(_) => {}
            Command::Unknown => self.tell(NOT_A_COMMAND),
            Command::TooLong => self.tell(LINE_TOO_LONG),
            Command::Failed => self.refuse("Busy"),
            Command::Event { name, data, id } => self.send(name, data, id),
            Command::Game(to) => self.switch(to),
            Command::Hello(client) => match &self.link {
                Link::Attached(attachment) => {
                    let lines = lines_of(self.fsm.clone(), attachment.game_id.clone(), attachment.sequence);
                    self.errand = Some(Errand::Number { then: Numbered::Hello(client), lines: Box::pin(lines) });
                }
                _ => self.tell(BUSY),
            },
            Command::Resume(after) => self.resume(after),
        }
    }

    fn send(&mut self, name: String, data: Option<String>, id: Option<String>) {
        if let Some(numbering) = &mut self.numbering {
            numbering.id = id;
        }
        if !events::is_name(&name) {
            let name: String = name.chars().take(events::MAX_NAME).collect();
            return self.refuse(&format!("Unknown event '{name}'"));
        }
        if self.numbering.is_none() && events::may_go_with_others(&name, data.as_deref()) {
            let together = self.those_with((name, data));
            return self.send_together(together);
        }
        self.send_alone(name, data);
    }

    /// The events that came with one, up to the first line that is something else.
    fn those_with(&mut self, first: (String, Option<String>)) -> Vec<(String, Option<String>)> {
        let mut together = vec![first];
        while together.len() < events::MAX_TOGETHER {
            match self.next_command() {
                Some(Command::Event { name, data, id: None }) if events::may_go_with_others(&name, data.as_deref()) => {
                    together.push((name, data));
                }
                Some(Command::Blank) => {}
                Some(other) => {
                    self.waiting.push_front(other);
                    break;
                }
                None => break,
            }
        }
        together
    }

    fn send_together(&mut self, mut events: Vec<(String, Option<String>)>) {
        match &self.link {
            Link::Attached(attachment) if 1 < events.len() => {
                let answer = Box::pin(send_events(self.fsm.clone(), attachment, &events));
                self.errand = Some(Errand::SendAll { events, answer });
            }
            _ => {
                let (name, data) = events.remove(0);
                self.go_back(events);
                self.send_alone(name, data);
            }
        }
    }

    /// Events that have to come again stand before all other lines.
    fn go_back(&mut self, events: Vec<(String, Option<String>)>) {
        for (name, data) in events.into_iter().rev() {
            self.waiting.push_front(Command::Event { name, data, id: None });
        }
    }

    fn send_alone(&mut self, name: String, data: Option<String>) {
        match &self.link {
            Link::Attached(attachment) => {
                let key = self.numbering.as_deref().and_then(Numbering::key);
                let answer = Box::pin(send_event(self.fsm.clone(), attachment, name.clone(), data, key));
                self.errand = Some(Errand::Send { event: name, answer });
            }
            _ => self.refuse("Busy"),
        }
    }

    fn switch(&mut self, to: String) {
        match &self.link {
            Link::Attached(from) => {
                let attempt = Box::pin(attach(self.fsm.clone(), Some(to.clone()), Some(from.id.clone())));
                self.errand = Some(Errand::Switch { to, attempt });
            }
            _ => self.tell(BUSY),
        }
    }

    fn resume(&mut self, after: Option<Position>) {
        match (&self.link, after) {
            // A place that the game has not come to is a place in another game.
            (Link::Attached(attachment), Some(after)) if after.event <= attachment.sequence => {
                self.errand = Some(Errand::Replay(Box::new(Replay::new(after, attachment))));
            }
            (Link::Attached(_), _) => self.tell(MALFORMED_RESUME),
            _ => self.tell(BUSY),
        }
    }

    /// Answers the event whose id is waiting, since all that it brought about has been told.
    fn acknowledge(&mut self) {
        if let Some(id) = self.numbering.as_mut().and_then(|numbering| numbering.id.take()) {
            self.tell(&format!("OK @{id}"));
        }
    }

    /// Tells why an event is refused, under its id if it has one.
    fn refuse(&mut self, message: &str) {
        let line = match self.numbering.as_mut().and_then(|numbering| numbering.id.take()) {
            Some(id) => format!("ERROR: {message} @{id}"),
            None => format!("ERROR: {message}"),
        };
        self.tell(&line);
    }

    fn tell(&mut self, line: &str) {
        self.push(Line::Told, line);
    }

    /// A line that is no part of the game's log has the number after the last.
    fn push(&mut self, kind: Line, line: &str) {
        let number = self.numbering.as_mut().map(|numbering| {
            numbering.position.line += 1;
            numbering.position
        });
        self.unread.push(kind, line, number);
    }

    /// Tells what an entry of the game's log has to tell; 0 is none.
    fn tell_outputs(&mut self, sequence: u64, outputs: Vec<Output>) {
        for output in outputs {
            if let Some(numbering) = &mut self.numbering
                && 0 < output.line
            {
                // One is added to it with the line.
                numbering.position = Position { event: sequence, line: output.line - 1 };
            }
            match output.kind {
                Some(Kind::State(state)) => self.tell(&format!("<state> {state}")),
                Some(Kind::Text(text)) => self.tell(&tagged("<auto>", &text)),
                Some(Kind::Shown(text)) => self.tell(&tagged("<fsm>", &text)),
                Some(Kind::Command(command)) => self.tell(&command),
                Some(Kind::Record(record)) => self.push(Line::Record, &record),
                Some(Kind::ValidEvents(valid)) => self.tell(&tagged("<valid_events>", &valid.events.join(","))),
                None => {}
            }
        }
    }
}

impl Numbering {
    /// Under which key an event with this id is written down, so that it counts once however often it is sent.
    fn key(&self) -> Option<String> {
        let id = self.id.as_ref()?;
        Some(format!("line/{}/{id}", self.client.as_deref().unwrap_or_default()))
    }
}

fn tagged(tag: &str, text: &str) -> String {
    if text.is_empty() { tag.to_owned() } else { format!("{tag} {text}") }
}
