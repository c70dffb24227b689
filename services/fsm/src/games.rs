//! The games that are under way: who is attached, what happens next, and what everybody is told.
//!
//! A game is behind one lock, held from reading the event to telling the attachments, so its log is serial and all are
//! told in the same order. An entry is in the database before anybody is told.

mod attachments;
mod clock_work;
mod decide;
mod error;
mod events;
mod lease;
mod retrace;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock, Mutex},
};

use proto::dice::v1::dice_service_client::DiceServiceClient;
use service_kit::{
    Transport, clock,
    db::DbError,
    metrics::{self, Gauge},
    replicas::Replicas,
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    board::{Figures, Source},
    chance,
    database::ClientDatabases,
    definition::Machine,
    machine::{self, Decider, Stop, View},
    machines::Machines,
    store::{Idempotency, Store, StoredEntry, StoredGame},
};
use attachments::Attachment;

pub use attachments::{Role, Update, UpdateKind, Updates};
pub use decide::DecisionAnswer;
pub use error::Error;
pub use events::{Answer, Bare, Incoming};
pub use lease::hold;
pub use retrace::Undone;

/// The game that everybody is in who names none.
pub const DEFAULT_GAME: &str = "default";

/// Games kept in memory; those without attachments make room for others.
const MAX_LIVE: usize = 1_000;
/// How often a game is looked for again that was archived under our hands.
const MAX_LOCKS: usize = 3;
/// Most rolls for one event; a turn has three and a round of battle two.
const MAX_ROLLS: usize = 40;

static GAMES_IN_MEMORY: LazyLock<Gauge> =
    LazyLock::new(|| metrics::gauge("games_in_memory", "Games in memory, with and without somebody in them"));

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
    /// Another replica holds it now.
    is_lost: bool,
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
    replicas: Arc<Replicas>,
    shutdown: CancellationToken,
}

/// What games are made of, and where they are kept.
pub struct Sources {
    /// Their logs.
    pub store: Store,
    /// The machines that they run.
    pub machines: Machines,
    /// The machine of games that name none.
    pub machine: Arc<Machine>,
    /// The clients' boards.
    pub databases: ClientDatabases,
    /// Who rolls.
    pub dice: DiceServiceClient<Transport>,
    /// Who else holds games.
    pub replicas: Arc<Replicas>,
}

/// Tells how many games are in memory; those that are put away only change their id.
fn count(live: &HashMap<String, Cell>) {
    GAMES_IN_MEMORY.set(i64::try_from(live.len()).unwrap_or(i64::MAX));
}

impl Games {
    /// Opens the games. The default game is there afterwards: the one that was there if the machine is still the same, else
    /// a new one.
    ///
    /// # Errors
    ///
    /// The database cannot be read or written.
    pub async fn open(sources: Sources, settings: Settings, shutdown: CancellationToken) -> Result<Arc<Games>, Error> {
        let Sources { store, machines, machine, databases, dice, replicas } = sources;
        LazyLock::force(&GAMES_IN_MEMORY);
        let (live, attachments) = (Mutex::default(), Mutex::default());
        let games =
            Games { store, machines, databases, dice, machine, settings, live, attachments, replicas, shutdown };
        match games.store.find(DEFAULT_GAME).await? {
            Some(old) if old.machine != games.machine.name || games.machine.state_index(&old.game.state).is_none() => {
                if games.is_free(DEFAULT_GAME).await? {
                    tracing::info!(
                        machine = games.machine.name,
                        "the default game ran another machine and is archived"
                    );
                    games.archive(&old).await?;
                } else {
                    tracing::info!(old.machine, "another server plays the default game on another machine");
                }
            }
            Some(_) => {}
            None => {
                let new = games.new_game(DEFAULT_GAME, &games.machine).await?;
                match games.store.create(&new, None).await {
                    // Another replica that starts was faster.
                    Ok(()) | Err(DbError::Unique) => {}
                    Err(error) => return Err(error.into()),
                }
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
            board_id: game_id.to_owned(),
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
            None => self.databases.figures(&stored.board_id).await,
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
        self.claim(game_id).await?;
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
            is_lost: false,
        };
        let mut live = self.live.lock().expect("no holder panics");
        if MAX_LIVE <= live.len() {
            // Whoever is attached, waiting or at work holds the cell too.
            live.retain(|_, cell| 1 < Arc::strong_count(cell) || cell.try_lock().map_or(true, |live| live.is_waiting));
        }
        let cell = live.entry(game_id.to_owned()).or_insert_with(|| Arc::new(AsyncMutex::new(cell))).clone();
        count(&live);
        Ok(cell)
    }

    /// Locks a game. One that is archived while we wait for its lock leaves its id to another.
    async fn lock(&self, game_id: &str) -> Result<(Cell, OwnedMutexGuard<Live>), Error> {
        for _ in 0..MAX_LOCKS {
            let cell = self.cell(game_id).await?;
            let live = cell.clone().lock_owned().await;
            if live.stored.id == game_id && !live.is_lost {
                return Ok((cell, live));
            }
        }
        Err(Error::Elsewhere(game_id.to_owned()))
    }
}
