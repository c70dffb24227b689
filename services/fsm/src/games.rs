//! The games that are under way: who is attached, what happens next, and what everybody is told.
//!
//! A game is behind one lock, held from reading the event to telling the attachments, so its log is serial and all are
//! told in the same order. An entry is in the database before anybody is told.

mod clock_work;
mod decide;
mod retrace;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use proto::dice::v1::dice_service_client::DiceServiceClient;
use serde_json::{Map, Value};
use service_kit::{Transport, clock, db::DbError, trace};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::{
    board::{Figures, Source},
    chance,
    database::ClientDatabases,
    definition::Machine,
    machine::{self, Audience, Decider, Event, Game, Order, Output, OutputKind, Refusal, Rolled, Stop, View},
    machines::Machines,
    store::{Entry, Idempotency, Store, StoredEntry, StoredGame},
};

pub use decide::DecisionAnswer;
pub use retrace::Undone;

/// The game that everybody is in who names none.
pub const DEFAULT_GAME: &str = "default";

/// Updates an attachment may leave unread before it is dropped.
const QUEUE: usize = 256;
/// Most attachments of one game.
const MAX_ATTACHMENTS: usize = 16_384;
/// Games kept in memory; those without attachments make room for others.
const MAX_LIVE: usize = 1_000;
/// How often a game is looked for again that was archived under our hands.
const MAX_LOCKS: usize = 3;
/// Most rolls for one event; a turn has three and a round of battle two.
const MAX_ROLLS: usize = 40;

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refuses or cannot be reached.
    #[error(transparent)]
    Database(#[from] DbError),
    /// No game has this id.
    #[error("there is no game {0:?}")]
    NoGame(String),
    /// No attachment has this id.
    #[error("there is no attachment {0:?}; it may have ended")]
    NoAttachment(String),
    /// No machine has this name.
    #[error("there is no machine {0:?}")]
    NoMachine(String),
    /// The game's machine is gone, or no longer has the game's state.
    #[error("game {0:?} runs a machine that is not there any more")]
    Unusable(String),
    /// The id belongs to a game.
    #[error("there is a game {0:?} already")]
    Taken(String),
    /// The idempotency key belongs to another request.
    #[error("the idempotency key was used for another request")]
    KeyUsed,
    /// Too many are attached.
    #[error("game {0:?} has {MAX_ATTACHMENTS} attachments, more are not allowed")]
    Full(String),
    /// Another process has written to the game.
    #[error("game {0:?} has been changed elsewhere; try again")]
    Elsewhere(String),
    /// The dice service failed.
    #[error("the dice service does not answer as it should")]
    Dice(#[source] Box<Status>),
    /// The game is not where the caller thinks it is.
    #[error("the game's last entry is {sequence}, not {expected} as expected")]
    MovedOn {
        /// What the caller expects.
        expected: u64,
        /// What it is.
        sequence: u64,
    },
    /// There is nothing to take back, or no such entry.
    #[error("{0}")]
    NoWayBack(String),
    /// The decision was taken, or its game has moved on, or it never was.
    #[error("the decision {0:?} is not open: it was taken, or the game has moved on")]
    NotOpen(String),
    /// The decision has no such choice now.
    #[error("{0:?} is no choice now; there are: {1}")]
    NoChoice(String, String),
    /// The machine has no such side.
    #[error("{0:?} is no side of this game; there are: {1}")]
    NoSide(String, String),
    /// The machine wants more rolls than anyone may.
    #[error("the machine wants more than {MAX_ROLLS} rolls for one event")]
    TooManyRolls,
}

/// What somebody attached is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The first player; his database is read, and some events are his alone.
    Host,
    /// Any other player.
    Client,
    /// One who looks on.
    Observer,
}

impl Role {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Host => "host",
            Role::Client => "client",
            Role::Observer => "observer",
        }
    }

    /// Whether an output is for this role.
    pub fn hears(self, audience: Audience) -> bool {
        match audience {
            Audience::Everyone => true,
            Audience::Host => self == Role::Host,
            Audience::Clients => self != Role::Host,
        }
    }
}

/// One thing an attachment is told.
#[derive(Debug, Clone)]
pub struct Update {
    /// From 1.
    pub number: u64,
    /// The role that it is told to.
    pub role: Role,
    /// What it is told; boxed, so that an idle attachment's queue costs little.
    pub kind: Box<UpdateKind>,
}

/// What an attachment is told.
#[derive(Debug, Clone)]
pub enum UpdateKind {
    /// The beginning.
    Greeting { attachment_id: String, game_id: String, sequence: u64, outputs: Vec<Output> },
    /// An entry of the game's log.
    Reaction { game_id: String, entry: Arc<StoredEntry> },
    /// Its own event was refused.
    Refusal { refusal: Refusal, message: String, event: String, trace_id: String },
    /// It is the host now.
    RoleChange { outputs: Vec<Output> },
}

/// A stream of updates; dropping it detaches.
pub struct Updates {
    receiver: mpsc::Receiver<Update>,
    lagged: Arc<AtomicBool>,
    _detach: Detach,
}

impl Updates {
    /// The next update; `None` at the end.
    pub async fn next(&mut self) -> Option<Update> {
        self.receiver.recv().await
    }

    /// Whether it ended because too many updates were left unread.
    pub fn has_lagged(&self) -> bool {
        self.lagged.load(Ordering::Acquire)
    }
}

struct Detach {
    games: Arc<Games>,
    attachment_id: String,
    runtime: tokio::runtime::Handle,
}

impl Drop for Detach {
    fn drop(&mut self) {
        let games = self.games.clone();
        let attachment_id = std::mem::take(&mut self.attachment_id);
        self.runtime.spawn(async move { games.detach(&attachment_id, true).await });
    }
}

/// An event as it comes in.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// The game.
    pub game_id: String,
    /// The event.
    pub event: String,
    /// What it tells; `None` if that cannot be read.
    pub data: Option<Map<String, Value>>,
    /// Who sends it, if he is attached.
    pub attachment_id: Option<String>,
    /// Whether one who is not attached has the rights of the host.
    pub is_host: bool,
    /// Where it comes from, if the sender says so.
    pub cause: Option<String>,
    /// The caller's key and request.
    pub idempotency: Option<Idempotency>,
    /// What the table is told about it first.
    pub remarks: Vec<String>,
    /// What the service itself brings about.
    pub order: Option<Order>,
    /// The number that the game's last entry must have.
    pub expected_sequence: Option<u64>,
}

/// What became of an event.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The game.
    pub game_id: String,
    /// The entry, or why there is none.
    pub outcome: Result<Arc<StoredEntry>, Refusal>,
    /// Why it was refused, for people; empty if it was not.
    pub message: String,
    /// The state the game rests in.
    pub state: String,
    /// The events that the host may send now.
    pub valid_events: Vec<String>,
    /// Number of the last update sent to the sender; 0 if he is not attached.
    pub update_number: u64,
}

/// A game as it is shown.
pub struct Shown {
    /// The game.
    pub stored: StoredGame,
    /// Its machine; `None` if that is gone.
    pub machine: Option<Arc<Machine>>,
    /// What it says now, if it was asked.
    pub view: Option<View>,
    /// Where the figures come from.
    pub source: Source,
    /// Open attachments.
    pub attached: usize,
}

type Cell = Arc<AsyncMutex<Live>>;

/// A game in memory.
struct Live {
    stored: StoredGame,
    machine: Arc<Machine>,
    attachments: Vec<Attachment>,
    /// Changes whenever somebody attaches or the grace starts again, so that an old timer does nothing.
    watch: u64,
    /// Whether the grace runs.
    is_waiting: bool,
    /// The built-in opponent, where it has something to do.
    opponent: decide::Opponent,
    /// The timer that is waited for, with its due time.
    clock: Option<(u64, i64)>,
}

struct Attachment {
    id: String,
    role: Role,
    number: u64,
    sender: mpsc::Sender<Update>,
    lagged: Arc<AtomicBool>,
}

impl Attachment {
    /// Tells it something. `false`: it has gone, or left too much unread.
    fn tell(&mut self, kind: UpdateKind) -> bool {
        self.number += 1;
        let update = Update { number: self.number, role: self.role, kind: Box::new(kind) };
        match self.sender.try_send(update) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                tracing::warn!(attachment_id = self.id, "an attachment fell behind by {QUEUE} updates and is dropped");
                self.lagged.store(true, Ordering::Release);
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}

/// How games are played.
pub struct Settings {
    /// Whether the server rolls dice and helps the Java client.
    pub assist: bool,
    /// Who decides in a new game, by side.
    pub deciders: BTreeMap<String, Decider>,
    /// Seed of the built-in opponent; without one each game has its own.
    pub opponent_seed: Option<u64>,
}

/// All games.
pub struct Games {
    store: Store,
    machines: Machines,
    databases: ClientDatabases,
    dice: DiceServiceClient<Transport>,
    /// The machine of games that name none.
    machine: Arc<Machine>,
    settings: Settings,
    live: Mutex<HashMap<String, Cell>>,
    attachments: Mutex<HashMap<String, Cell>>,
    shutdown: CancellationToken,
}

impl Games {
    /// Opens the games. The default game is there afterwards: the one that was there if the machine is still the same, else
    /// a new one.
    ///
    /// # Errors
    ///
    /// The database cannot be read or written.
    pub async fn open(
        store: Store,
        machines: Machines,
        machine: Arc<Machine>,
        databases: ClientDatabases,
        dice: DiceServiceClient<Transport>,
        settings: Settings,
        shutdown: CancellationToken,
    ) -> Result<Arc<Games>, Error> {
        let (live, attachments) = (Mutex::default(), Mutex::default());
        let games = Games { store, machines, databases, dice, machine, settings, live, attachments, shutdown };
        match games.store.find(DEFAULT_GAME).await? {
            Some(old) if old.machine != games.machine.name || games.machine.state_index(&old.game.state).is_none() => {
                tracing::info!(machine = games.machine.name, "the default game ran another machine and is archived");
                games.archive(&old).await?;
            }
            Some(_) => {}
            None => {
                let new = games.new_game(DEFAULT_GAME, &games.machine).await?;
                games.store.create(&new, None).await?;
            }
        }
        let games = Arc::new(games);
        games.resume().await?;
        Ok(games)
    }

    /// The games, the latest changed first.
    pub async fn list(&self, limit: u32) -> Result<Vec<Shown>, Error> {
        let mut shown = Vec::new();
        for stored in self.store.list(i64::from(limit)).await? {
            let machine = self.machines.get(&stored.machine, &self.store).await?;
            let cell = self.live.lock().expect("no holder panics").get(&stored.id).cloned();
            let attached = match cell {
                Some(cell) => cell.lock().await.attachments.len(),
                None => 0,
            };
            shown.push(Shown { stored, machine, view: None, source: Source::Machine, attached });
        }
        Ok(shown)
    }

    /// A game as it stands, with its figures.
    pub async fn show(&self, game_id: &str) -> Result<Shown, Error> {
        let (_, live) = self.lock(game_id).await?;
        let (view, source) = self.view(&live).await?;
        let (stored, machine) = (live.stored.clone(), Some(live.machine.clone()));
        Ok(Shown { stored, machine, view: Some(view), source, attached: live.attachments.len() })
    }

    /// Creates a game.
    pub async fn create(
        &self,
        game_id: Option<String>,
        machine: Option<String>,
        idempotency: Option<Idempotency>,
    ) -> Result<Shown, Error> {
        if let Some(Idempotency { key, request }) = &idempotency
            && let Some((created, first)) = self.store.game_by_key(key).await?
        {
            return if first == *request { self.show(&created).await } else { Err(Error::KeyUsed) };
        }
        let machine = match machine {
            Some(name) => self.machines.get(&name, &self.store).await?.ok_or(Error::NoMachine(name))?,
            None => self.machine.clone(),
        };
        let game_id = game_id.unwrap_or_else(|| Uuid::now_v7().to_string());
        let new = self.new_game(&game_id, &machine).await?;
        match self.store.create(&new, idempotency).await {
            Ok(()) => self.show(&game_id).await,
            Err(DbError::Unique) => Err(Error::Taken(game_id)),
            Err(error) => Err(error.into()),
        }
    }

    /// Entries of a game's log after a sequence number, and whether there are more.
    pub async fn history(&self, game_id: &str, after: u64, limit: u32) -> Result<(Vec<StoredEntry>, bool), Error> {
        let game = self.store.find(game_id).await?.ok_or_else(|| Error::NoGame(game_id.to_owned()))?;
        let mut entries = self.store.history(&game.key, after, i64::from(limit) + 1).await?;
        let more = limit < u32::try_from(entries.len()).unwrap_or(u32::MAX);
        entries.truncate(limit as usize);
        Ok((entries, more))
    }

    /// Attaches to a game. `leaves` is an attachment that is given up without starting its game's grace.
    pub async fn attach(
        self: &Arc<Self>,
        game_id: &str,
        create: bool,
        observe: bool,
        leaves: Option<String>,
    ) -> Result<Updates, Error> {
        let (cell, mut live) = match self.lock(game_id).await {
            Err(Error::NoGame(_)) if create => {
                match self.create(Some(game_id.to_owned()), None, None).await {
                    // Somebody else was faster; it is there in any case.
                    Ok(_) | Err(Error::Taken(_)) => self.lock(game_id).await?,
                    Err(error) => return Err(error),
                }
            }
            locked => locked?,
        };
        if MAX_ATTACHMENTS <= live.attachments.len() {
            return Err(Error::Full(game_id.to_owned()));
        }
        let (view, _) = self.view(&live).await?;
        let role = match live.attachments.iter().any(|attachment| attachment.role == Role::Host) {
            _ if observe => Role::Observer,
            true => Role::Client,
            false => Role::Host,
        };
        let (sender, receiver) = mpsc::channel(QUEUE);
        let lagged = Arc::new(AtomicBool::new(false));
        let id = Uuid::now_v7().to_string();
        let mut attachment = Attachment { id: id.clone(), role, number: 0, sender, lagged: lagged.clone() };
        attachment.tell(UpdateKind::Greeting {
            attachment_id: id.clone(),
            game_id: live.stored.id.clone(),
            sequence: live.stored.sequence,
            outputs: greeting(&live.stored.game.state, view),
        });
        live.attachments.push(attachment);
        live.watch += 1;
        live.is_waiting = false;
        live.opponent.somebody_came();
        self.call_opponent(&mut live, "opponent", &cell);
        drop(live);
        self.attachments.lock().expect("no holder panics").insert(id.clone(), cell);
        tracing::info!(game_id, attachment_id = id, role = role.word(), "attached");
        if let Some(leaves) = leaves {
            self.detach(&leaves, false).await;
        }
        let runtime = tokio::runtime::Handle::current();
        Ok(Updates { receiver, lagged, _detach: Detach { games: self.clone(), attachment_id: id, runtime } })
    }

    /// Sends an event. Whatever comes of it, nobody has been told before it was in the log.
    pub async fn send(self: &Arc<Self>, mut incoming: Incoming) -> Result<Answer, Error> {
        let (cell, mut live) = match &incoming.attachment_id {
            Some(id) => {
                let cell = self.attachments.lock().expect("no holder panics").get(id).cloned();
                let cell = cell.ok_or_else(|| Error::NoAttachment(id.clone()))?;
                let live = cell.clone().lock_owned().await;
                (cell, live)
            }
            None => self.lock(&incoming.game_id).await?,
        };
        if let (Some(idempotency), Some(_)) = (&mut incoming.idempotency, &incoming.attachment_id) {
            // What a player calls his events is his own affair in each game.
            idempotency.key = format!("{}/{}", live.stored.key, idempotency.key);
        }
        self.send_locked(&mut live, &cell, incoming).await
    }

    /// Sends an event to a game that is locked.
    async fn send_locked(self: &Arc<Self>, live: &mut Live, cell: &Cell, incoming: Incoming) -> Result<Answer, Error> {
        if let Some(idempotency) = &incoming.idempotency
            && let Some(answer) = self.answered_before(idempotency, live).await?
        {
            return Ok(answer);
        }
        if let Some(expected) = incoming.expected_sequence.filter(|expected| *expected != live.stored.sequence) {
            return Err(Error::MovedOn { expected, sequence: live.stored.sequence });
        }
        let trace_id = trace_id(incoming.data.as_ref());
        let mut rolls = Vec::new();
        let event = self.event(live, &incoming)?;
        match self.react(live, &event, incoming.idempotency.as_ref(), &mut rolls).await? {
            Ok(reaction) => {
                let cause = incoming
                    .cause
                    .unwrap_or_else(|| (if incoming.attachment_id.is_some() { "client" } else { "tool" }).to_owned());
                let (entry, game) = Entry::new(event, cause, trace_id, rolls, reaction);
                let entry = StoredEntry {
                    sequence: live.stored.sequence + 1,
                    created_at: entry.event.at,
                    state: game.state.clone(),
                    entry,
                };
                self.append(live, entry, game, incoming.idempotency, incoming.attachment_id.as_deref(), cell).await
            }
            Err(refusal) => self.refuse(live, refusal, &incoming, trace_id, cell).await,
        }
    }

    /// The event with what the game's table adds to it. Data that cannot be read stands for itself: it is refused where an
    /// unknown event is not refused before.
    fn event(&self, live: &Live, incoming: &Incoming) -> Result<Event, Error> {
        let attached = match &incoming.attachment_id {
            Some(id) => {
                let attachment = live.attachments.iter().find(|attachment| attachment.id == *id);
                Some(attachment.ok_or_else(|| Error::NoAttachment(id.clone()))?)
            }
            None => None,
        };
        let players = live.attachments.iter().filter(|attachment| attachment.role != Role::Observer);
        Ok(Event {
            name: incoming.event.clone(),
            data: incoming.data.clone().unwrap_or_else(|| Map::from_iter([("facts".to_owned(), Value::Null)])),
            sender: attached.map_or_else(|| "controller".to_owned(), |attachment| attachment.id.clone()),
            is_host: attached.map_or(incoming.is_host, |attachment| attachment.role == Role::Host),
            players: players.map(|attachment| attachment.id.clone()).collect(),
            assist: self.settings.assist,
            at: clock::now_ms(),
            remarks: incoming.remarks.clone(),
            order: incoming.order.clone(),
        })
    }

    /// What the event brings about, with the board and the rolls it takes.
    async fn react(
        &self,
        live: &Live,
        event: &Event,
        idempotency: Option<&Idempotency>,
        rolls: &mut Vec<Rolled>,
    ) -> Result<Result<machine::Reaction, Refusal>, Error> {
        let mut board: Option<Arc<Figures>> = None;
        loop {
            match machine::react(&live.machine, &live.stored.game, event, board.as_deref(), rolls) {
                Ok(reaction) => return Ok(Ok(reaction)),
                Err(Stop::Refused(refusal)) => return Ok(Err(refusal)),
                Err(Stop::Board) => board = Some(self.board(&live.stored).await),
                Err(Stop::Roll(_)) if rolls.len() == MAX_ROLLS => return Err(Error::TooManyRolls),
                Err(Stop::Roll(roll)) => {
                    let key = idempotency.map(|idempotency| format!("{}/{}", idempotency.key, rolls.len() + 1));
                    let rolled = chance::roll(self.dice.clone(), roll, &live.stored.id, key).await;
                    rolls.push(rolled.map_err(|status| Error::Dice(Box::new(status)))?);
                }
            }
        }
    }

    async fn append(
        self: &Arc<Self>,
        live: &mut Live,
        entry: StoredEntry,
        game: Game,
        idempotency: Option<Idempotency>,
        sender: Option<&str>,
        cell: &Cell,
    ) -> Result<Answer, Error> {
        match self.store.append(&live.stored, &entry, &game, idempotency).await {
            Ok(()) => {}
            Err(DbError::Unique) => {
                // Another process holds the game, or used the key: what is in memory is out of date.
                if let Some(stored) = self.store.find(&live.stored.id).await? {
                    live.stored = stored;
                }
                return Err(Error::Elsewhere(live.stored.id.clone()));
            }
            Err(error) => return Err(error.into()),
        }
        live.stored.sequence = entry.sequence;
        live.stored.updated_at = entry.created_at;
        live.stored.game = game;
        let Entry { event, cause, .. } = &entry.entry;
        tracing::debug!(
            game_id = live.stored.id,
            sequence = entry.sequence,
            event = event.name,
            state = entry.state,
            cause,
            "accepted"
        );

        self.expect_moves(live, &entry.entry.outputs).await;
        self.call_opponent(live, &entry.entry.cause, cell);
        self.set_clock(live, cell);
        let entry = Arc::new(entry);
        let kind = UpdateKind::Reaction { game_id: live.stored.id.clone(), entry: entry.clone() };
        self.tell(live, |_| Some(kind.clone()), cell);
        if live.is_waiting && sender.is_none() {
            // Somebody plays on without being attached: that is a sign of life.
            self.wait(live, cell);
        }
        Ok(Answer {
            game_id: live.stored.id.clone(),
            message: String::new(),
            state: entry.state.clone(),
            valid_events: valid_events_of(&entry.entry.outputs),
            update_number: number_of(live, sender),
            outcome: Ok(entry),
        })
    }

    async fn refuse(
        self: &Arc<Self>,
        live: &mut Live,
        refusal: Refusal,
        incoming: &Incoming,
        trace_id: String,
        cell: &Cell,
    ) -> Result<Answer, Error> {
        let message = refusal.message(&incoming.event, &live.stored.game.state);
        let sender = incoming.attachment_id.as_deref();
        if refusal == Refusal::Ignored {
            // The board has changed: what the opponent waits for may be there, or something that it may choose.
            self.call_opponent(live, "opponent", cell);
        } else {
            tracing::debug!(game_id = live.stored.id, message, "refused");
            let kind =
                UpdateKind::Refusal { refusal, message: message.clone(), event: incoming.event.clone(), trace_id };
            self.tell(live, |attachment| (Some(attachment.id.as_str()) == sender).then(|| kind.clone()), cell);
        }
        // An attachment hears its refusal on its stream, and need not be told what else would be valid.
        let valid_events = if sender.is_some() { Vec::new() } else { self.view(live).await?.0.valid_events.host };
        Ok(Answer {
            game_id: live.stored.id.clone(),
            outcome: Err(refusal),
            message,
            state: live.stored.game.state.clone(),
            valid_events,
            update_number: number_of(live, sender),
        })
    }

    async fn answered_before(&self, idempotency: &Idempotency, live: &Live) -> Result<Option<Answer>, Error> {
        let Some((entry, request)) = self.store.entry_by_key(&idempotency.key).await? else { return Ok(None) };
        if request != idempotency.request {
            return Err(Error::KeyUsed);
        }
        Ok(Some(Answer {
            game_id: live.stored.id.clone(),
            message: String::new(),
            state: entry.state.clone(),
            valid_events: valid_events_of(&entry.entry.outputs),
            update_number: 0,
            outcome: Ok(Arc::new(entry)),
        }))
    }

    /// Tells every attachment what is for it, and drops those that do not keep up.
    fn tell(self: &Arc<Self>, live: &mut Live, kind: impl Fn(&Attachment) -> Option<UpdateKind>, cell: &Cell) {
        let mut gone = Vec::new();
        for attachment in &mut live.attachments {
            if let Some(kind) = kind(attachment)
                && !attachment.tell(kind)
            {
                gone.push(attachment.id.clone());
            }
        }
        if gone.is_empty() {
            return;
        }
        live.attachments.retain(|attachment| !gone.contains(&attachment.id));
        let mut attachments = self.attachments.lock().expect("no holder panics");
        gone.iter().for_each(|id| drop(attachments.remove(id)));
        drop(attachments);
        // Its successor learns of it when it has time; this game is in the middle of telling.
        let (games, cell) = (self.clone(), cell.clone());
        tokio::spawn(async move {
            let mut live = cell.lock().await;
            games.after_leaving(&mut live, true, &cell).await;
        });
    }

    /// Ends an attachment.
    async fn detach(self: &Arc<Self>, attachment_id: &str, starts_grace: bool) {
        let cell = self.attachments.lock().expect("no holder panics").remove(attachment_id);
        let Some(cell) = cell else { return };
        let mut live = cell.lock().await;
        live.attachments.retain(|attachment| attachment.id != attachment_id);
        tracing::info!(game_id = live.stored.id, attachment_id, "detached");
        self.after_leaving(&mut live, starts_grace, &cell).await;
    }

    /// Passes the host's role on, and starts the grace when the last one has gone.
    async fn after_leaving(self: &Arc<Self>, live: &mut Live, starts_grace: bool, cell: &Cell) {
        if !live.attachments.iter().any(|attachment| attachment.role == Role::Host)
            && live.attachments.iter().any(|attachment| attachment.role == Role::Client)
        {
            let outputs = match self.view(live).await {
                Ok((view, _)) => {
                    vec![Output { audience: Audience::Host, kind: OutputKind::ValidEvents(view.valid_events.host) }]
                }
                Err(_) => Vec::new(),
            };
            // The oldest comes first.
            if let Some(heir) = live.attachments.iter_mut().find(|attachment| attachment.role == Role::Client) {
                heir.role = Role::Host;
                tracing::info!(game_id = live.stored.id, attachment_id = heir.id, "the next in line is the host");
                heir.tell(UpdateKind::RoleChange { outputs });
            }
        }
        if live.attachments.is_empty() && starts_grace {
            self.wait(live, cell);
        }
    }

    /// Starts the grace of the default game, anew if it runs.
    fn wait(self: &Arc<Self>, live: &mut Live, cell: &Cell) {
        let Some(grace) = live.machine.grace.filter(|_| live.stored.id == DEFAULT_GAME) else { return };
        live.watch += 1;
        live.is_waiting = true;
        let (games, cell, watch) = (self.clone(), Arc::downgrade(cell), live.watch);
        tokio::spawn(async move {
            tokio::select! {
                () = games.shutdown.cancelled() => {}
                () = tokio::time::sleep(grace) => {
                    if let Some(cell) = cell.upgrade() {
                        games.expire(&cell, watch).await;
                    }
                }
            }
        });
    }

    /// The grace is over: the default game starts anew, the old one is archived.
    async fn expire(&self, cell: &Cell, watch: u64) {
        let mut live = cell.lock().await;
        if live.watch != watch || !live.attachments.is_empty() || live.stored.id != DEFAULT_GAME {
            return;
        }
        live.is_waiting = false;
        if live.stored.sequence == 0 {
            return;
        }
        match self.archive(&live.stored).await {
            Ok(archived_id) => {
                tracing::info!(archived_id, "nobody came back: the default game starts anew");
                live.stored.archived_from = Some(DEFAULT_GAME.to_owned());
                live.stored.id.clone_from(&archived_id);
                let mut games = self.live.lock().expect("no holder panics");
                games.remove(DEFAULT_GAME);
                games.insert(archived_id, cell.clone());
            }
            Err(error) => tracing::error!(%error, "the default game could not be archived"),
        }
    }

    /// Archives a game in the database; the default game's place goes to a new one. Answers the archived game's id.
    async fn archive(&self, old: &StoredGame) -> Result<String, Error> {
        let new = match old.id == DEFAULT_GAME {
            true => Some(self.new_game(&old.id, &self.machine).await?),
            false => None,
        };
        let mut number = self.store.count_archived(&old.id).await? + 1;
        loop {
            let archived_id = format!("{}-{number}", old.id);
            match self.store.archive(old, &archived_id, new.as_ref()).await {
                Ok(()) => return Ok(archived_id),
                // Somebody has called a game of his own like that.
                Err(DbError::Unique) => number += 1,
                Err(DbError::Conflict) => return Err(Error::Elsewhere(old.id.clone())),
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn new_game(&self, game_id: &str, machine: &Machine) -> Result<StoredGame, Error> {
        let (key, created_at) = (Uuid::now_v7().to_string(), clock::now_ms());
        let mut board: Option<Arc<Figures>> = None;
        let mut rolls = Vec::new();
        let mut game = loop {
            match machine::begin(machine, board.as_deref(), &rolls, self.settings.assist, created_at) {
                Ok(game) => break game,
                Err(Stop::Board) => board = Some(self.databases.figures(game_id).await),
                Err(Stop::Roll(_)) if rolls.len() == MAX_ROLLS => return Err(Error::TooManyRolls),
                Err(Stop::Roll(roll)) => {
                    let rolled = chance::roll(self.dice.clone(), roll, game_id, None).await;
                    rolls.push(rolled.map_err(|status| Error::Dice(Box::new(status)))?);
                }
                Err(Stop::Refused(_)) => return Err(Error::Unusable(game_id.to_owned())),
            }
        };
        let deciders = self.settings.deciders.iter().filter(|(side, _)| machine.sides.contains(side));
        game.memory.deciders = deciders.map(|(side, decider)| (side.clone(), *decider)).collect();
        game.variables = game.variables.as_beginning();
        Ok(StoredGame {
            key,
            id: game_id.to_owned(),
            machine: machine.name.clone(),
            archived_from: None,
            created_at,
            sequence: 0,
            updated_at: created_at,
            snapshot: None,
            game,
        })
    }

    /// The figures of a game's board: those of the client's database, or those with which the game was branched.
    async fn board(&self, stored: &StoredGame) -> Arc<Figures> {
        match &stored.snapshot {
            Some(snapshot) => snapshot.clone(),
            None => self.databases.figures(&stored.id).await,
        }
    }

    async fn view(&self, live: &Live) -> Result<(View, Source), Error> {
        let players: Vec<String> = live.attachments.iter().map(|attachment| attachment.id.clone()).collect();
        let board = self.board(&live.stored).await;
        match machine::view(&live.machine, &live.stored.game, &players, Some(&board), self.settings.assist) {
            Ok(view) => Ok((view, board.source)),
            Err(_) => Err(Error::Unusable(live.stored.id.clone())),
        }
    }

    /// The game in memory, read from the database if it is not.
    async fn cell(&self, game_id: &str) -> Result<Cell, Error> {
        let known = self.live.lock().expect("no holder panics").get(game_id).cloned();
        if let Some(cell) = known {
            return Ok(cell);
        }
        let stored = self.store.find(game_id).await?.ok_or_else(|| Error::NoGame(game_id.to_owned()))?;
        let machine = self.machines.get(&stored.machine, &self.store).await?;
        let machine = machine.filter(|machine| machine.state_index(&stored.game.state).is_some());
        let machine = machine.ok_or_else(|| Error::Unusable(game_id.to_owned()))?;
        let cell = Live {
            stored,
            machine,
            attachments: Vec::new(),
            watch: 0,
            is_waiting: false,
            clock: None,
            opponent: decide::Opponent::default(),
        };
        let mut live = self.live.lock().expect("no holder panics");
        if MAX_LIVE <= live.len() {
            // Whoever is attached, waiting or at work holds the cell too.
            live.retain(|_, cell| 1 < Arc::strong_count(cell) || cell.try_lock().map_or(true, |live| live.is_waiting));
        }
        Ok(live.entry(game_id.to_owned()).or_insert_with(|| Arc::new(AsyncMutex::new(cell))).clone())
    }

    /// Locks a game. One that is archived while we wait for its lock leaves its id to another.
    async fn lock(&self, game_id: &str) -> Result<(Cell, OwnedMutexGuard<Live>), Error> {
        for _ in 0..MAX_LOCKS {
            let cell = self.cell(game_id).await?;
            let live = cell.clone().lock_owned().await;
            if live.stored.id == game_id {
                return Ok((cell, live));
            }
        }
        Err(Error::Elsewhere(game_id.to_owned()))
    }
}

/// What an attachment hears first.
fn greeting(state: &str, view: View) -> Vec<Output> {
    let everyone = |kind| Output { audience: Audience::Everyone, kind };
    let mut outputs = vec![everyone(OutputKind::State(state.to_owned()))];
    outputs.extend(view.prompt.into_iter().map(|line| everyone(OutputKind::Text(line))));
    outputs.extend(view.valid_events.outputs());
    outputs
}

/// The last valid events that an entry told the host.
fn valid_events_of(outputs: &[Output]) -> Vec<String> {
    let mut events = outputs.iter().rev().filter(|output| Role::Host.hears(output.audience)).filter_map(|output| {
        match &output.kind {
            OutputKind::ValidEvents(events) => Some(events.clone()),
            _ => None,
        }
    });
    events.next().unwrap_or_default()
}

fn number_of(live: &Live, sender: Option<&str>) -> u64 {
    let attachment = live.attachments.iter().find(|attachment| Some(attachment.id.as_str()) == sender);
    attachment.map_or(0, |attachment| attachment.number)
}

/// The trace that the data names, else the one under way.
fn trace_id(data: Option<&Map<String, Value>>) -> String {
    let named = data.and_then(|data| data.get("trace_id")).and_then(Value::as_str).and_then(trace::parse_trace_id);
    named.or_else(trace::current_id).map(|id| id.simple().to_string()).unwrap_or_default()
}
