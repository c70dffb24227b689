//! Games and their logs in the database.

use std::{collections::HashSet, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_kit::db::{DatabaseConfig, Db, DbError, Row, Schema, Statement};

use crate::{
    board::Figures,
    machine::{Event, Game, Memory, Move, Output, Reaction, Rolled, Variables},
};

/// The tables, for backups.
pub const SCHEMA: Schema = Schema { service: "fsm", migrations: MIGRATIONS };

const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/fsm/0001_games.sql"),
    include_str!("../../../migrations/fsm/0002_keyed_entries.sql"),
    include_str!("../../../migrations/fsm/0003_memory.sql"),
    include_str!("../../../migrations/fsm/0004_branches.sql"),
    include_str!("../../../migrations/fsm/0005_replicas.sql"),
    include_str!("../../../migrations/fsm/0006_boards.sql"),
];

const INSERT_GAME: &str =
    "INSERT INTO games (game_key, game_id, machine, archived_from, created_at, idempotency_key, request, snapshot, board_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const INSERT_ENTRY: &str =
    "INSERT INTO entries (game_key, sequence, created_at, state, variables, entry, idempotency_key, request, memory)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const ARCHIVE: &str = "UPDATE games SET game_id = $1, archived_from = $2 WHERE game_key = $3 AND game_id = $2";
const COUNT_ARCHIVED: &str = "SELECT COUNT(*) FROM games WHERE archived_from = $1";
const FIND: &str = "SELECT g.game_key, g.game_id, g.machine, g.archived_from, g.created_at,
     e.sequence, e.created_at, e.state, b.variables, e.variables, e.memory, g.snapshot, g.board_id
     FROM games g JOIN entries e ON e.game_key = g.game_key
     JOIN entries b ON b.game_key = g.game_key AND b.sequence = 0
     WHERE g.game_id = $1 ORDER BY e.sequence DESC LIMIT 1";
const AT: &str = "SELECT e.state, b.variables, e.variables, e.memory
     FROM entries e JOIN entries b ON b.game_key = e.game_key AND b.sequence = 0
     WHERE e.game_key = $1 AND e.sequence = $2";
const LIST: &str = "SELECT g.game_key, g.game_id, g.machine, g.archived_from, g.created_at,
     e.sequence, e.created_at, e.state, b.variables, e.variables, e.memory, g.snapshot, g.board_id
     FROM games g JOIN entries e ON e.game_key = g.game_key
     JOIN entries b ON b.game_key = g.game_key AND b.sequence = 0
     WHERE e.sequence = (SELECT MAX(sequence) FROM entries WHERE game_key = g.game_key)
     ORDER BY e.created_at DESC, g.game_key DESC LIMIT $1";
const HOLDER: &str = "SELECT game_key, holder FROM games WHERE game_id = $1";
const CLAIM: &str = "UPDATE games SET holder = $3 WHERE game_key = $1 AND holder = $2";
const HELD: &str = "SELECT game_key FROM games WHERE holder = $1";
const BUSY: &str = "SELECT g.game_id, g.holder FROM games g JOIN entries e ON e.game_key = g.game_key
     WHERE (e.memory LIKE '%timers%' OR e.memory LIKE '%deciders%') AND e.sequence = (SELECT MAX(sequence) FROM entries WHERE game_key = g.game_key)
     ORDER BY e.created_at DESC LIMIT $1";
const HISTORY: &str = "SELECT sequence, created_at, state, entry FROM entries
     WHERE game_key = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
const ENTRY_BY_KEY: &str = "SELECT sequence, created_at, state, entry, request FROM entries WHERE idempotency_key = $1";
const GAME_BY_KEY: &str = "SELECT game_id, request FROM games WHERE idempotency_key = $1";
const INSERT_DEFINITION: &str =
    "INSERT INTO definitions (machine, source) VALUES ($1, $2) ON CONFLICT (machine) DO NOTHING";
const DEFINITION: &str = "SELECT source FROM definitions WHERE machine = $1";

/// The service's database.
pub struct Store {
    db: Db,
}

/// A game as the database has it.
#[derive(Debug, Clone)]
pub struct StoredGame {
    /// The key its log goes by, for ever.
    pub key: String,
    /// What people call it.
    pub id: String,
    /// The machine it runs.
    pub machine: String,
    /// What it was called when it began, which is how its board is called for ever.
    pub board_id: String,
    /// What it was called before it was archived.
    pub archived_from: Option<String>,
    /// When it was created, Unix milliseconds.
    pub created_at: i64,
    /// Sequence number of its last entry.
    pub sequence: u64,
    /// When that was written, Unix milliseconds.
    pub updated_at: i64,
    /// The game as it stood then.
    pub game: Game,
    /// The figures of its board for ever, if it was branched from another game.
    pub snapshot: Option<Arc<Figures>>,
}

/// An entry of a game's log.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEntry {
    /// Its number in the log.
    pub sequence: u64,
    /// When it was written, Unix milliseconds.
    pub created_at: i64,
    /// The state the game rested in afterwards.
    pub state: String,
    /// What happened.
    pub entry: Entry,
}

/// What happened: all that a replay needs, and all that was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The event and its circumstances.
    pub event: Event,
    /// The event it stood for, if it was an alias.
    pub alias_of: String,
    /// Where it came from: client, page, tool, opponent.
    pub cause: String,
    /// Trace of the request, 32 hexadecimal digits.
    pub trace_id: String,
    /// The transitions taken.
    pub moves: Vec<Move>,
    /// The facts read from the event and the board.
    pub facts: Map<String, Value>,
    /// The rolls used.
    pub rolls: Vec<Rolled>,
    /// What was told.
    pub outputs: Vec<Output>,
}

/// A caller's key and his request, under which the same answer is given again.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// The key.
    pub key: String,
    /// The request as text.
    pub request: String,
}

impl Entry {
    /// The entry of a reaction, and the game after it.
    pub fn new(event: Event, cause: String, trace_id: String, rolls: Vec<Rolled>, reaction: Reaction) -> (Entry, Game) {
        let Reaction { alias_of, moves, outputs, facts, roll_ids: _, game } = reaction;
        (Entry { event, alias_of, cause, trace_id, moves, facts, rolls, outputs }, game)
    }
}

impl Store {
    /// Opens the database.
    ///
    /// # Errors
    ///
    /// It cannot be opened or migrated.
    pub async fn open(database: &DatabaseConfig) -> anyhow::Result<Store> {
        Ok(Store { db: Db::open(database, "fsm", MIGRATIONS).await? })
    }

    /// The game of this id.
    pub async fn find(&self, game_id: &str) -> Result<Option<StoredGame>, DbError> {
        let rows = self.db.fetch(FIND, vec![game_id.into()]).await?;
        Ok(rows.first().map(game_of))
    }

    /// The games, the latest changed first.
    pub async fn list(&self, limit: i64) -> Result<Vec<StoredGame>, DbError> {
        let rows = self.db.fetch(LIST, vec![limit.into()]).await?;
        Ok(rows.iter().map(game_of).collect())
    }

    /// The games that go on by themselves, by a timer or somebody who decides, and who holds them, the latest changed
    /// first.
    pub async fn busy(&self, limit: i64) -> Result<Vec<(String, String)>, DbError> {
        let rows = self.db.fetch(BUSY, vec![limit.into()]).await?;
        Ok(rows.iter().map(|row| (row.text(0), row.text(1))).collect())
    }

    /// The database, for those who count replicas in it.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The key of the game of this id, and the replica that holds it.
    pub async fn holder(&self, game_id: &str) -> Result<Option<(String, String)>, DbError> {
        let rows = self.db.fetch(HOLDER, vec![game_id.into()]).await?;
        Ok(rows.first().map(|row| (row.text(0), row.text(1))))
    }

    /// Makes a replica the holder of a game. [`DbError::Conflict`] if it has another holder than `before` meanwhile.
    pub async fn claim(&self, game_key: &str, before: &str, holder: &str) -> Result<(), DbError> {
        let args = vec![game_key.into(), before.into(), holder.into()];
        self.db.write(vec![Statement::new(CLAIM, args).affecting(1)]).await
    }

    /// The keys of the games that a replica holds.
    pub async fn held_by(&self, holder: &str) -> Result<HashSet<String>, DbError> {
        let rows = self.db.fetch(HELD, vec![holder.into()]).await?;
        Ok(rows.iter().map(|row| row.text(0)).collect())
    }

    /// Writes a new game and its beginning. [`DbError::Unique`] if the id or the idempotency key is taken.
    pub async fn create(&self, game: &StoredGame, idempotency: Option<Idempotency>) -> Result<(), DbError> {
        self.db.write(creation(game, idempotency)).await
    }

    /// The game as an entry of its log left it; 0 is its beginning.
    pub async fn game_at(&self, game_key: &str, sequence: u64) -> Result<Option<Game>, DbError> {
        let rows = self.db.fetch(AT, vec![game_key.into(), sequence.into()]).await?;
        Ok(rows.first().map(|row| game_in(row, [0, 1, 2, 3])))
    }

    /// Gives the game another id, and the id to a new game if there is one.
    pub async fn archive(&self, old: &StoredGame, archived_id: &str, new: Option<&StoredGame>) -> Result<(), DbError> {
        let args = vec![archived_id.into(), old.id.as_str().into(), old.key.as_str().into()];
        let mut statements = vec![Statement::new(ARCHIVE, args).affecting(1)];
        statements.extend(new.into_iter().flat_map(|new| creation(new, None)));
        self.db.write(statements).await
    }

    /// How many games were archived under this id.
    pub async fn count_archived(&self, game_id: &str) -> Result<i64, DbError> {
        let rows = self.db.fetch(COUNT_ARCHIVED, vec![game_id.into()]).await?;
        Ok(rows.first().map_or(0, |row| row.integer(0)))
    }

    /// The statement that writes an entry down, in the log of the game with this key, which it leaves as `game`.
    pub fn entry(game_key: &str, stored: &StoredEntry, game: &Game, idempotency: Option<Idempotency>) -> Statement {
        let (key, request) = parts(idempotency);
        let args = vec![
            game_key.into(),
            stored.sequence.into(),
            stored.created_at.into(),
            stored.state.as_str().into(),
            to_text(game.variables.changed()).into(),
            to_text(&stored.entry).into(),
            key.into(),
            request.into(),
            memory_text(&game.memory).into(),
        ];
        Statement::new(INSERT_ENTRY, args)
    }

    /// Writes entries down in one commit, or none of them. [`DbError::Unique`] if the number of one or its idempotency key
    /// is taken.
    pub async fn append(&self, entries: Vec<Statement>) -> Result<(), DbError> {
        self.db.write(entries).await
    }

    /// Entries after a sequence number, oldest first.
    pub async fn history(&self, game_key: &str, after: u64, limit: i64) -> Result<Vec<StoredEntry>, DbError> {
        let rows = self.db.fetch(HISTORY, vec![game_key.into(), after.into(), limit.into()]).await?;
        Ok(rows.iter().filter_map(entry_of).collect())
    }

    /// The entry that was written under an idempotency key, with its request.
    pub async fn entry_by_key(&self, key: &str) -> Result<Option<(StoredEntry, String)>, DbError> {
        let rows = self.db.fetch(ENTRY_BY_KEY, vec![key.into()]).await?;
        Ok(rows.first().and_then(|row| Some((entry_of(row)?, row.optional_text(4).unwrap_or_default()))))
    }

    /// The id of the game that was created under an idempotency key, with its request.
    pub async fn game_by_key(&self, key: &str) -> Result<Option<(String, String)>, DbError> {
        let rows = self.db.fetch(GAME_BY_KEY, vec![key.into()]).await?;
        Ok(rows.first().map(|row| (row.text(0), row.optional_text(1).unwrap_or_default())))
    }

    /// Keeps a definition that came from a file.
    pub async fn keep_definition(&self, machine: &str, source: &str) -> Result<(), DbError> {
        self.db.write(vec![Statement::new(INSERT_DEFINITION, vec![machine.into(), source.into()])]).await
    }

    /// A definition that came from a file.
    pub async fn definition(&self, machine: &str) -> Result<Option<String>, DbError> {
        let rows = self.db.fetch(DEFINITION, vec![machine.into()]).await?;
        Ok(rows.first().map(|row| row.text(0)))
    }
}

fn creation(game: &StoredGame, idempotency: Option<Idempotency>) -> Vec<Statement> {
    debug_assert!(game.game.variables.changed().is_empty(), "a log begins with the variables of its game");
    let (key, request) = parts(idempotency);
    let row = vec![
        game.key.as_str().into(),
        game.id.as_str().into(),
        game.machine.as_str().into(),
        game.archived_from.clone().into(),
        game.created_at.into(),
        key.into(),
        request.into(),
        game.snapshot.as_ref().map(|snapshot| to_text(&**snapshot)).into(),
        game.board_id.as_str().into(),
    ];
    let beginning = vec![
        game.key.as_str().into(),
        0i64.into(),
        game.created_at.into(),
        game.game.state.as_str().into(),
        to_text(game.game.variables.beginning()).into(),
        "".into(),
        None::<String>.into(),
        None::<String>.into(),
        memory_text(&game.game.memory).into(),
    ];
    vec![Statement::new(INSERT_GAME, row), Statement::new(INSERT_ENTRY, beginning)]
}

fn parts(idempotency: Option<Idempotency>) -> (Option<String>, Option<String>) {
    idempotency.map(|idempotency| (idempotency.key, idempotency.request)).unzip()
}

fn memory_text(memory: &Memory) -> String {
    if memory.is_empty() { String::new() } else { to_text(memory) }
}

fn to_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("maps have text keys, and nothing here fails to serialise")
}

fn game_of(row: &Row) -> StoredGame {
    StoredGame {
        key: row.text(0),
        id: row.text(1),
        board_id: row.optional_text(12).unwrap_or_else(|| row.text(1)),
        machine: row.text(2),
        archived_from: row.optional_text(3),
        created_at: row.integer(4),
        sequence: to_sequence(row.integer(5)),
        updated_at: row.integer(6),
        game: game_in(row, [7, 8, 9, 10]),
        snapshot: row.optional_text(11).and_then(|text| serde_json::from_str(&text).ok()).map(Arc::new),
    }
}

/// A game from columns: its state, the variables it began with, those that have changed, its memory.
fn game_in(row: &Row, [state, opening, changed, memory]: [usize; 4]) -> Game {
    let mut variables = Variables::new(Arc::new(map_in(row, opening)));
    variables.extend(map_in(row, changed));
    let memory = serde_json::from_str(&row.text(memory)).unwrap_or_default();
    Game { state: row.text(state), variables, memory }
}

fn map_in(row: &Row, column: usize) -> Map<String, Value> {
    serde_json::from_str(&row.text(column)).unwrap_or_default()
}

/// `None` for the beginning, and for an entry that nobody can read, which is logged.
fn entry_of(row: &Row) -> Option<StoredEntry> {
    let text = row.text(3);
    if text.is_empty() {
        return None;
    }
    match serde_json::from_str(&text) {
        Ok(entry) => Some(StoredEntry {
            sequence: to_sequence(row.integer(0)),
            created_at: row.integer(1),
            state: row.text(2),
            entry,
        }),
        Err(error) => {
            tracing::error!(sequence = row.integer(0), %error, "an entry of a game's log cannot be read");
            None
        }
    }
}

fn to_sequence(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
