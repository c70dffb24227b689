//! The session log in the database: sessions, their events, and which turn answers which message.

use std::collections::HashSet;

use proto::{
    frame,
    orchestrator::v1::{SessionEvent, session_event::Body},
};
use serde_json::{Map, Value};
use service_kit::{
    clock,
    db::{DatabaseConfig, Db, DbError, Row, Schema, Statement},
};

/// The tables, for backups.
pub const SCHEMA: Schema = Schema { service: "orchestrator", migrations: MIGRATIONS };

const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/orchestrator/0001_sessions.sql"),
    include_str!("../../../migrations/orchestrator/0002_open_turns.sql"),
    include_str!("../../../migrations/orchestrator/0003_usage.sql"),
    include_str!("../../../migrations/orchestrator/0004_titles.sql"),
    include_str!("../../../migrations/orchestrator/0005_tables.sql"),
];

/// Events read at once.
const PAGE: u64 = 500;
const EVENT: &str = "dicetower.orchestrator.v1.SessionEvent";

const INSERT_SESSION: &str = "INSERT INTO sessions (session_id, created_at, epoch, last_seq, message_count, characters, scene) \
     VALUES ($1, $2, 0, 0, 0, '[]', '{}') ON CONFLICT (session_id) DO NOTHING";
const SELECT_SESSION: &str = "SELECT session_id, created_at, epoch, last_seq, message_count, characters, scene, title, archived, holder \
     FROM sessions WHERE session_id = $1";
const SELECT_SESSIONS: &str = "SELECT session_id, created_at, epoch, last_seq, message_count, characters, scene, title, archived, holder \
     FROM sessions WHERE archived <= $2 ORDER BY created_at DESC, session_id LIMIT $1";
const TAKE_OVER: &str = "UPDATE sessions SET epoch = $3, holder = $4 WHERE session_id = $1 AND epoch = $2";
const UPDATE_SESSION: &str = "UPDATE sessions SET last_seq = $3, message_count = $4, characters = $5, scene = $6, \
     open_turns = $7, touched_at = $8 WHERE session_id = $1 AND epoch = $2";
const SELECT_UNFINISHED: &str = "SELECT session_id, holder FROM sessions WHERE open_turns > 0 ORDER BY created_at";
const SELECT_HELD: &str = "SELECT session_id FROM sessions WHERE holder = $1";
const SELECT_UNTOUCHED: &str = "SELECT session_id FROM sessions \
     WHERE touched_at < $1 AND created_at < $1 ORDER BY touched_at LIMIT 200";
const INSERT_EVENT: &str = "INSERT INTO events (session_id, seq, text_offset, event) VALUES ($1, $2, $3, $4)";
const INSERT_MESSAGE: &str = "INSERT INTO messages (session_id, message_id, turn_id) VALUES ($1, $2, $3)";
const SELECT_MESSAGE: &str = "SELECT turn_id FROM messages WHERE session_id = $1 AND message_id = $2";
const NAME: &str = "UPDATE sessions SET title = $2, archived = $3 WHERE session_id = $1";
const COPY_SESSION: &str = "INSERT INTO sessions (session_id, created_at, epoch, last_seq, message_count, characters, scene, title) \
     VALUES ($1, $2, 0, $3, $4, $5, $6, $7)";
const DELETE_EVENTS: &str = "DELETE FROM events WHERE session_id = $1";
const DELETE_MESSAGES: &str = "DELETE FROM messages WHERE session_id = $1";
const DELETE_MODEL: &str = "DELETE FROM models WHERE session_id = $1";
const DELETE_SNAPSHOT: &str = "DELETE FROM snapshots WHERE session_id = $1";
const DELETE_SESSION: &str = "DELETE FROM sessions WHERE session_id = $1";
const SELECT_ROLL: &str = "SELECT seq FROM events WHERE session_id = $1 AND event LIKE $2 LIMIT 1";
const SELECT_EVENTS: &str = "SELECT event, seq, text_offset FROM events WHERE session_id = $1 \
     AND (seq > $2 OR (seq = $2 AND text_offset >= $3)) AND (seq < $4 OR (seq = $4 AND text_offset < $5)) \
     ORDER BY seq, text_offset LIMIT $6";

/// The database of the orchestrator.
#[derive(Clone)]
pub(crate) struct Store {
    db: Db,
}

/// A session's row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SessionRow {
    pub session_id: String,
    /// Unix milliseconds.
    pub created_at: i64,
    pub epoch: u64,
    pub last_seq: u64,
    pub message_count: u64,
    pub characters: Vec<String>,
    pub scene: Map<String, Value>,
    /// Turns without an end.
    pub open_turns: u64,
    pub title: String,
    pub archived: bool,
    /// The replica that writes it, or wrote it last; empty: none did yet.
    pub holder: String,
}

/// A place in the log: before the text at `offset` of `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub seq: u64,
    /// In characters; 0 for all but narrations.
    pub offset: u64,
}

/// A part of the log.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub events: Vec<SessionEvent>,
    /// Where to read on, if there may be more.
    pub next: Option<Position>,
}

impl Position {
    /// After everything.
    pub const END: Position = Position { seq: i64::MAX as u64, offset: 0 };

    /// Before everything that follows `seq`.
    pub fn after(seq: u64) -> Position {
        Position { seq: seq.saturating_add(1), offset: 0 }
    }

    /// The place of an event.
    pub fn of(event: &SessionEvent) -> Position {
        let offset = match &event.body {
            Some(Body::Narrative(narrative)) => narrative.offset,
            _ => 0,
        };
        Position { seq: event.seq, offset }
    }
}

impl Store {
    pub async fn open(database: &DatabaseConfig) -> anyhow::Result<Store> {
        Ok(Store { db: Db::open(database, "orchestrator", MIGRATIONS).await? })
    }

    /// Creates a session unless it is there.
    pub async fn create(&self, session_id: &str, created_at: i64) -> Result<(), DbError> {
        self.db.write(vec![Statement::new(INSERT_SESSION, vec![session_id.into(), created_at.into()])]).await
    }

    pub async fn find(&self, session_id: &str) -> Result<Option<SessionRow>, DbError> {
        let rows = self.db.fetch(SELECT_SESSION, vec![session_id.into()]).await?;
        Ok(rows.first().map(to_session))
    }

    /// The newest sessions, newest first; those that were put away only if they are asked for.
    pub async fn list(&self, limit: u64, with_archived: bool) -> Result<Vec<SessionRow>, DbError> {
        let rows = self.db.fetch(SELECT_SESSIONS, vec![limit.into(), with_archived.into()]).await?;
        Ok(rows.iter().map(to_session).collect())
    }

    /// The database, for the parts of the store that stand in files of their own.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The sessions that have turns without an end and who holds them, the oldest first.
    pub async fn unfinished(&self) -> Result<Vec<(String, String)>, DbError> {
        let rows = self.db.fetch(SELECT_UNFINISHED, Vec::new()).await?;
        Ok(rows.iter().map(|row| (row.text(0), row.text(1))).collect())
    }

    /// The sessions that a replica holds.
    pub async fn held_by(&self, holder: &str) -> Result<HashSet<String>, DbError> {
        let rows = self.db.fetch(SELECT_HELD, vec![holder.into()]).await?;
        Ok(rows.iter().map(|row| row.text(0)).collect())
    }

    /// Sessions in whose logs nothing was written since a time in Unix milliseconds, the oldest first; at most 200.
    pub async fn untouched_since(&self, before: i64) -> Result<Vec<String>, DbError> {
        let rows = self.db.fetch(SELECT_UNTOUCHED, vec![before.into()]).await?;
        Ok(rows.iter().map(|row| row.text(0)).collect())
    }

    /// Makes `holder` the one writer of a session: raises its epoch and answers the row.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] if somebody else took it since `row` was read.
    pub async fn take_over(&self, row: SessionRow, holder: &str) -> Result<SessionRow, DbError> {
        let epoch = row.epoch + 1;
        let args = vec![row.session_id.as_str().into(), row.epoch.into(), epoch.into(), holder.into()];
        self.db.write(vec![Statement::new(TAKE_OVER, args).affecting(1)]).await?;
        Ok(SessionRow { epoch, holder: holder.to_owned(), ..row })
    }

    /// Appends events and what they make of the session, in one transaction with `also`, under the epoch of `row`.
    ///
    /// # Errors
    ///
    /// [`DbError::Conflict`] or [`DbError::Unique`] if somebody else writes this session now.
    pub async fn append(
        &self,
        row: &SessionRow,
        events: &[SessionEvent],
        message: Option<(&str, &str)>,
        also: Vec<Statement>,
    ) -> Result<(), DbError> {
        let session_id = row.session_id.as_str();
        let mut statements = also;
        statements.reserve(events.len() + 2);
        statements.extend(events.iter().map(|event| insert(session_id, event)));
        if let Some((message_id, turn_id)) = message {
            let args = vec![session_id.into(), message_id.into(), turn_id.into()];
            statements.push(Statement::new(INSERT_MESSAGE, args));
        }
        let characters = Value::from(row.characters.clone()).to_string();
        let scene = serde_json::to_string(&row.scene).unwrap_or_else(|_| "{}".into());
        let args = vec![
            session_id.into(),
            row.epoch.into(),
            row.last_seq.into(),
            row.message_count.into(),
            characters.into(),
            scene.into(),
            row.open_turns.into(),
            clock::now_ms().into(),
        ];
        statements.push(Statement::new(UPDATE_SESSION, args).affecting(1));
        self.db.write(statements).await
    }

    /// Writes down what people call a session, and whether it is put away.
    pub async fn name(&self, session_id: &str, title: &str, archived: bool) -> Result<(), DbError> {
        let args = vec![session_id.into(), title.into(), archived.into()];
        self.db.write(vec![Statement::new(NAME, args)]).await
    }

    /// Begins a session with a log, and what it makes of the session.
    ///
    /// # Errors
    ///
    /// [`DbError::Unique`] if there is one of that id.
    pub async fn create_with(&self, row: &SessionRow, events: &[SessionEvent]) -> Result<(), DbError> {
        let characters = Value::from(row.characters.clone()).to_string();
        let scene = serde_json::to_string(&row.scene).unwrap_or_else(|_| "{}".into());
        let args = vec![
            row.session_id.as_str().into(),
            row.created_at.into(),
            row.last_seq.into(),
            row.message_count.into(),
            characters.into(),
            scene.into(),
            row.title.as_str().into(),
        ];
        let mut statements = vec![Statement::new(COPY_SESSION, args)];
        statements.extend(events.iter().map(|event| insert(&row.session_id, event)));
        self.db.write(statements).await
    }

    /// Deletes a session with all that belongs to it.
    pub async fn delete(&self, session_id: &str) -> Result<(), DbError> {
        let delete = |sql| Statement::new(sql, vec![session_id.into()]);
        let all = [DELETE_EVENTS, DELETE_MESSAGES, DELETE_MODEL, DELETE_SNAPSHOT, DELETE_SESSION];
        self.db.write(all.map(delete).to_vec()).await
    }

    /// The whole log. An event that this version cannot read is skipped.
    pub async fn all_events(&self, session_id: &str) -> Result<Vec<SessionEvent>, DbError> {
        let mut events = Vec::new();
        let mut from = Some(Position::after(0));
        while let Some(position) = from {
            let page = self.events(session_id, position, Position::END, PAGE).await?;
            events.extend(page.events);
            from = page.next;
        }
        Ok(events)
    }

    /// Whether a roll of this id stands in the session's log. The id is one of the letters that ids are made of.
    pub async fn has_roll(&self, session_id: &str, roll_id: &str) -> Result<bool, DbError> {
        let pattern = format!("%\"roll_id\":\"{}\"%", roll_id.replace('_', ""));
        let rows = self.db.fetch(SELECT_ROLL, vec![session_id.into(), pattern.into()]).await?;
        Ok(!rows.is_empty())
    }

    /// The turn that answers the message of this id.
    pub async fn turn_of_message(&self, session_id: &str, message_id: &str) -> Result<Option<String>, DbError> {
        let rows = self.db.fetch(SELECT_MESSAGE, vec![session_id.into(), message_id.into()]).await?;
        Ok(rows.first().map(|row| row.text(0)))
    }

    /// The log from one place to another, at most `limit` rows. An event that this version cannot read is skipped.
    pub async fn events(&self, session_id: &str, from: Position, until: Position, limit: u64) -> Result<Page, DbError> {
        let args = vec![
            session_id.into(),
            from.seq.into(),
            from.offset.into(),
            until.seq.into(),
            until.offset.into(),
            limit.into(),
        ];
        let rows = self.db.fetch(SELECT_EVENTS, args).await?;
        let read = |row: &Row| {
            frame::event_from_json(&row.text(0))
                .inspect_err(|error| tracing::error!(%error, session_id, "an event of the log cannot be read"))
                .ok()
        };
        let is_full = rows.len() as u64 == limit;
        let next =
            rows.last().filter(|_| is_full).map(|row| Position { seq: row.unsigned(1), offset: row.unsigned(2) + 1 });
        Ok(Page { events: rows.iter().filter_map(read).collect(), next })
    }
}

fn insert(session_id: &str, event: &SessionEvent) -> Statement {
    let Position { seq, offset } = Position::of(event);
    let text = frame::to_text(EVENT, event);
    Statement::new(INSERT_EVENT, vec![session_id.into(), seq.into(), offset.into(), text.into()])
}

fn to_session(row: &Row) -> SessionRow {
    SessionRow {
        session_id: row.text(0),
        created_at: row.integer(1),
        epoch: row.unsigned(2),
        last_seq: row.unsigned(3),
        message_count: row.unsigned(4),
        characters: serde_json::from_str(&row.text(5)).unwrap_or_default(),
        scene: serde_json::from_str(&row.text(6)).unwrap_or_default(),
        // Only a fold of the log knows it.
        open_turns: 0,
        title: row.text(7),
        archived: row.integer(8) != 0,
        holder: row.text(9),
    }
}
