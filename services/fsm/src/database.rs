//! The client's database: read-only, opened when it appears, read again when it has changed.
//!
//! The client commits with a rollback journal and waits three seconds at the most, so every statement here is short, and
//! nothing is read while nothing has changed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use tokio::sync::Mutex;

use crate::board::{self, Figures, GameRow, Piece, PieceId, Tables};

/// How long a statement waits for the client's commit.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);
/// Most rows read of a table; the largest game has fewer than a thousand pieces.
const MAX_ROWS: i64 = 5_000;

/// The current game is the row inserted last: times have steps of a second, and ids are random.
const GAME: &str =
    "SELECT game_id, turn_number, victory_points_fp, victory_points_shadow FROM game_state ORDER BY rowid DESC LIMIT 1";
const PIECES: &str = "SELECT piece_id, piece_type, area_id, state_data FROM game_pieces WHERE game_id = $1 LIMIT $2";
const SETUP: &str = "SELECT piece_id, initial_area_id FROM scenario_setup WHERE scenario_id = 'base' LIMIT $1";

/// What pieces are called; the cards' part of it counts.
const NAMES: &str =
    "SELECT piece_id, card_name FROM scenario_setup WHERE scenario_id = 'base' AND card_name <> '' LIMIT $1";
/// Longest name of a card that is shown, in characters.
const MAX_NAME: usize = 60;

/// The databases of all games.
pub struct ClientDatabases {
    /// The file, or a pattern with `{game}`.
    pattern: String,
    open: std::sync::Mutex<BTreeMap<PathBuf, Arc<Mutex<Reader>>>>,
}

impl ClientDatabases {
    /// The databases at a path; `{game}` in it stands for the game's id.
    pub fn new(pattern: &Path) -> ClientDatabases {
        ClientDatabases { pattern: pattern.to_string_lossy().into_owned(), open: std::sync::Mutex::default() }
    }

    /// The figures of a game's board; those of no database where there is none, or where it cannot be read.
    pub async fn figures(&self, game_id: &str) -> Arc<Figures> {
        let (path, reader) = self.reader(game_id);
        let mut reader = reader.lock().await;
        match reader.figures(&path).await {
            Ok(figures) => figures,
            Err(error) => {
                // What was read last is better than nothing while the client holds its lock.
                tracing::warn!(path = %path.display(), %error, "the client's database cannot be read");
                reader.last.clone().unwrap_or_else(|| Arc::new(Figures::none()))
            }
        }
    }
}

impl ClientDatabases {
    /// The pieces of a game's board as they are now; `None` where there is no database that can be read.
    pub async fn tables(&self, game_id: &str) -> Option<Arc<Tables>> {
        self.figures(game_id).await;
        let (_, reader) = self.reader(game_id);
        let reader = reader.lock().await;
        reader.tables.clone()
    }

    fn reader(&self, game_id: &str) -> (PathBuf, Arc<Mutex<Reader>>) {
        let path = PathBuf::from(self.pattern.replace("{game}", game_id));
        let mut open = self.open.lock().expect("no holder panics");
        let reader = open.entry(path.clone()).or_default().clone();
        (path, reader)
    }
}

/// One database file.
#[derive(Default)]
struct Reader {
    connection: Option<SqliteConnection>,
    /// Tells the file from another one of the same name.
    file: Option<(u64, u64)>,
    version: Option<i64>,
    last: Option<Arc<Figures>>,
    tables: Option<Arc<Tables>>,
}

impl Reader {
    async fn figures(&mut self, path: &Path) -> Result<Arc<Figures>, sqlx::Error> {
        let file = identity(path);
        if file != self.file {
            *self = Reader { file, ..Reader::default() };
        }
        if file.is_none() {
            return Ok(Arc::new(Figures::none()));
        }
        let result = self.read(path).await;
        if result.is_err() {
            self.connection = None;
            self.version = None;
        }
        result
    }

    async fn read(&mut self, path: &Path) -> Result<Arc<Figures>, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_TIMEOUT);
                none.insert(options.disable_statement_logging().connect().await?)
            }
        };
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await?;
        if let Some(last) = &self.last
            && self.version == Some(version)
        {
            return Ok(last.clone());
        }
        let mut snapshot = connection.begin().await?;
        let tables = read_tables(&mut snapshot).await?;
        let figures = tables.as_ref().map_or_else(Figures::none, board::figures);
        snapshot.rollback().await?;
        let figures = Arc::new(figures);
        self.version = Some(version);
        self.tables = tables.map(Arc::new);
        self.last = Some(figures.clone());
        Ok(figures)
    }
}

/// The tables, or `None` if no game is in them yet.
async fn read_tables(connection: &mut SqliteConnection) -> Result<Option<Tables>, sqlx::Error> {
    if !has_table(connection, "game_state").await? || !has_table(connection, "game_pieces").await? {
        return Ok(None);
    }
    let Some(game) = sqlx::query(GAME).fetch_optional(&mut *connection).await? else { return Ok(None) };
    let game_id = text(&game, 0);
    let row = GameRow { turn: integer(&game, 1), free_peoples_vp: integer(&game, 2), shadow_vp: integer(&game, 3) };
    let pieces = sqlx::query(PIECES).bind(game_id).bind(MAX_ROWS).fetch_all(&mut *connection).await?;
    let setup = if has_table(connection, "scenario_setup").await? {
        sqlx::query(SETUP).bind(MAX_ROWS).fetch_all(&mut *connection).await?
    } else {
        Vec::new()
    };
    let setup = setup.iter().map(|row| (integer(row, 0), integer(row, 1))).collect();
    let card_names = card_names(connection).await?;
    Ok(Some(Tables { game: row, setup, card_names, pieces: pieces.iter().map(piece).collect() }))
}

/// What cards are called; older clients have no column for it.
async fn card_names(connection: &mut SqliteConnection) -> Result<BTreeMap<i64, String>, sqlx::Error> {
    let column = sqlx::query("SELECT 1 FROM pragma_table_info('scenario_setup') WHERE name = 'card_name'");
    if column.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(NAMES).bind(MAX_ROWS).fetch_all(&mut *connection).await?;
    Ok(rows.iter().map(|row| (integer(row, 0), text(row, 1).chars().take(MAX_NAME).collect())).collect())
}

async fn has_table(connection: &mut SqliteConnection, name: &str) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1").bind(name);
    Ok(found.fetch_optional(connection).await?.is_some())
}

fn piece(row: &SqliteRow) -> Piece {
    // The column prefers integers, but some ids are names.
    let id = match row.try_get_unchecked::<i64, _>(0) {
        Ok(number) if text(row, 0) == number.to_string() => PieceId::Number(number),
        _ => PieceId::Name(text(row, 0)),
    };
    Piece { id, kind: text(row, 1), area: integer(row, 2), state: board::parse_state(&text(row, 3)) }
}

/// The column as text, whatever SQLite stored there; empty if nothing.
fn text(row: &SqliteRow, index: usize) -> String {
    row.try_get_unchecked::<Option<String>, _>(index).ok().flatten().unwrap_or_default()
}

/// The column as a whole number, whatever SQLite stored there; 0 if nothing.
fn integer(row: &SqliteRow, index: usize) -> i64 {
    row.try_get_unchecked::<Option<i64>, _>(index).ok().flatten().unwrap_or_default()
}

/// Device and number of the file, so that one that was replaced is opened anew; `None` if there is none. What is no
/// plain file is none: a pipe would be waited for.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| (file.dev(), file.ino()))
}

/// The time of creation, where files have no numbers.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    let created = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.created().ok()?;
    let age = created.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((age.as_secs(), u64::from(age.subsec_nanos())))
}
