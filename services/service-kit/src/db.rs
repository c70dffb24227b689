//! The database: SQLite by default, PostgreSQL in deployment, one SQL text for both.
//!
//! Columns are `TEXT` and `BIGINT` only, so a statement and its arguments mean the same on either. All writes of a database
//! go through one connection, which commits in groups what comes together. A write is acknowledged after its commit.

mod postgres;
mod sqlite;

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context as _;
use secrecy::SecretString;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use tokio::sync::{mpsc, oneshot};

pub(crate) use postgres::in_a_line;
pub(crate) use sqlite::BUSY_TIMEOUT;

/// Writes that may wait for the writer; more wait for a place.
const QUEUE: usize = 1024;
/// Writes that share one commit at the most.
const GROUP: usize = 64;

/// Where a service keeps its data.
#[derive(Clone, Debug)]
pub enum DatabaseConfig {
    /// One SQLite file per service in this folder.
    Folder {
        /// The folder; made if it is not there.
        path: PathBuf,
        /// Whether a commit also survives a power cut.
        fsync: bool,
    },
    /// One schema per service in this PostgreSQL database.
    Postgres(SecretString),
}

/// The tables of a service.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The service, whose name its file or its PostgreSQL schema has.
    pub service: &'static str,
    /// SQL texts in their order, to which new ones are only ever appended. Their number is the schema's version.
    pub migrations: &'static [&'static str],
}

/// A service's database.
#[derive(Clone)]
pub struct Db {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Sqlite>, sqlite::Queues),
    Postgres(Arc<postgres::Server>, mpsc::Sender<Write>),
}

/// An argument of a statement. Its type stands even where the value is missing, as PostgreSQL wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// For a `TEXT` column.
    Text(Option<String>),
    /// For a `BIGINT` column.
    Integer(Option<i64>),
}

/// One SQL statement with its arguments, `$1` being the first.
#[derive(Clone, Debug)]
pub struct Statement {
    sql: &'static str,
    args: Vec<Value>,
    affecting: Option<u64>,
}

/// A moment of a database that nobody but this process writes: what was read after it is right until the next commit.
#[derive(Clone, Debug)]
pub struct AsOf {
    commits: Arc<AtomicU64>,
    seen: u64,
}

impl AsOf {
    /// Whether nothing has been committed since.
    pub fn is_now(&self) -> bool {
        self.commits.load(Ordering::Acquire) == self.seen
    }
}

/// One row of an answer; columns by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(Vec<Value>);

/// A failed read or write.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DbError {
    /// A unique key is taken.
    #[error("the key is taken")]
    Unique,
    /// A statement did not affect as many rows as it had to: somebody else was faster.
    #[error("the row has changed meanwhile")]
    Conflict,
    /// The database is shutting down.
    #[error("the database is closed")]
    Closed,
    /// Anything else the database says.
    #[error("database: {0}")]
    Database(Arc<dyn std::error::Error + Send + Sync>),
}

struct Write {
    statements: Vec<Statement>,
    done: oneshot::Sender<Result<(), DbError>>,
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Value {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Integer(Some(number))
    }
}

impl From<u64> for Value {
    /// Numbers above `i64::MAX` do not occur: sequence numbers and times are far below it.
    fn from(number: u64) -> Value {
        Value::Integer(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Value {
        Value::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Value {
        Value::Integer(Some(i64::from(yes)))
    }
}

impl Statement {
    /// A statement that may affect any number of rows.
    pub fn new(sql: &'static str, args: Vec<Value>) -> Statement {
        Statement { sql, args, affecting: None }
    }

    /// Demands that exactly `rows` rows are affected; otherwise the whole write fails with [`DbError::Conflict`].
    #[must_use]
    pub fn affecting(self, rows: u64) -> Statement {
        Statement { affecting: Some(rows), ..self }
    }
}

impl Row {
    /// A row of these columns.
    pub(crate) fn of(columns: Vec<Value>) -> Row {
        Row(columns)
    }

    /// The text of a column; empty if it is missing or no text.
    pub fn text(&self, column: usize) -> String {
        self.optional_text(column).unwrap_or_default()
    }

    /// The text of a column that may be missing.
    pub fn optional_text(&self, column: usize) -> Option<String> {
        match self.0.get(column) {
            Some(Value::Text(text)) => text.clone(),
            _ => None,
        }
    }

    /// The number of a column; 0 if it is missing or no number.
    pub fn integer(&self, column: usize) -> i64 {
        self.optional_integer(column).unwrap_or_default()
    }

    /// The number of a column that may be missing.
    pub fn optional_integer(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => *number,
            _ => None,
        }
    }

    /// The number of a column that counts something; 0 if it is missing or negative.
    pub fn unsigned(&self, column: usize) -> u64 {
        u64::try_from(self.integer(column)).unwrap_or_default()
    }
}

impl Db {
    /// Opens the database of `service` and brings its tables up to date: `migrations` are SQL texts in their order, to
    /// which new ones are only ever appended.
    ///
    /// # Errors
    ///
    /// The folder or file cannot be opened, the server cannot be reached, a migration fails, or the data is of a later
    /// version than this program.
    pub async fn open(
        config: &DatabaseConfig,
        service: &'static str,
        migrations: &[&'static str],
    ) -> anyhow::Result<Db> {
        let migrator = migrator(migrations);
        let backend = match config {
            DatabaseConfig::Folder { path, fsync } => {
                make_folder(path)?;
                let sqlite = sqlite::Sqlite::open(path.join(format!("{service}.db")), *fsync, &migrator).await?;
                let sqlite = Arc::new(sqlite);
                let queues = sqlite.clone().start(service)?;
                Backend::Sqlite(sqlite, queues)
            }
            DatabaseConfig::Postgres(url) => {
                let server = postgres::Server::open(url, service, &migrator).await?;
                let (server, (queue, writes)) = (Arc::new(server), mpsc::channel(QUEUE));
                let writer = server.clone();
                tokio::spawn(async move { writer.work(writes).await });
                Backend::Postgres(server, queue)
            }
        };
        Ok(Db { backend })
    }

    /// Reads rows. The statement is noted as an event of the current span.
    ///
    /// # Errors
    ///
    /// The database refuses or cannot be reached.
    pub async fn fetch(&self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>, DbError> {
        tracing::debug!(target: "sql", statement = sql, "read");
        match &self.backend {
            Backend::Sqlite(sqlite, _) => {
                // A task that only reads gives others their turn.
                tokio::task::consume_budget().await;
                sqlite.fetch(sql, &args)
            }
            // In a box, as below: it is large, and would make every call large that reads or writes.
            Backend::Postgres(server, _) => Box::pin(server.fetch(sql, &args)).await,
        }
    }

    /// Executes all statements in one transaction, or none of them. Answers after the commit.
    ///
    /// # Errors
    ///
    /// [`DbError::Unique`], [`DbError::Conflict`], or what else the database says; nothing has changed then.
    pub async fn write(&self, statements: Vec<Statement>) -> Result<(), DbError> {
        for statement in &statements {
            tracing::debug!(target: "sql", statement = statement.sql, "write");
        }
        let (done, answer) = oneshot::channel();
        // If nobody else is writing: at once, without a detour over the writer.
        match &self.backend {
            Backend::Sqlite(sqlite, queues) => {
                tokio::task::consume_budget().await;
                if let Some(answer) = sqlite.write_now(&statements, queues) {
                    return answer;
                }
                queues.writes.send(Write { statements, done }).await.map_err(|_| DbError::Closed)?;
            }
            Backend::Postgres(server, queue) => {
                if let Some(write) = Box::pin(server.write_now(Write { statements, done })).await {
                    queue.send(write).await.map_err(|_| DbError::Closed)?;
                }
            }
        }
        answer.await.map_err(|_| DbError::Closed)?
    }

    /// This moment, for what will be read from now on; `None` where others write, too.
    pub fn as_of(&self) -> Option<AsOf> {
        match &self.backend {
            Backend::Sqlite(sqlite, _) => Some(sqlite.as_of()),
            Backend::Postgres(..) => None,
        }
    }

    /// Lets go of the database, once the writes that were begun have ended.
    pub async fn close(self) {
        match self.backend {
            Backend::Sqlite(sqlite, queues) => {
                drop(queues);
                sqlite.ended().await;
            }
            Backend::Postgres(server, _) => server.close().await,
        }
    }

    /// What says whether the database answers, and does not keep it open.
    pub fn pulse(&self) -> Pulse {
        Pulse(match &self.backend {
            Backend::Sqlite(sqlite, _) => Heart::Sqlite(Arc::downgrade(sqlite)),
            Backend::Postgres(server, _) => Heart::Postgres(Arc::downgrade(server)),
        })
    }
}

/// What says whether a database answers.
#[derive(Clone)]
pub struct Pulse(Heart);

#[derive(Clone)]
enum Heart {
    Sqlite(Weak<sqlite::Sqlite>),
    Postgres(Weak<postgres::Server>),
}

impl Pulse {
    /// Whether the database answers; `None` once nobody has it open.
    pub async fn ping(&self) -> Option<Result<(), DbError>> {
        let answer = match &self.0 {
            // Its file is looked into.
            Heart::Sqlite(sqlite) => sqlite.upgrade()?.fetch("SELECT name FROM sqlite_schema LIMIT 1", &[]),
            Heart::Postgres(server) => server.upgrade()?.fetch("SELECT 1::BIGINT", &[]).await,
        };
        Some(answer.map(|_| ()))
    }
}

/// Makes the data folder if it is not there. What lies in it is for nobody else to read: seeds that are not revealed yet,
/// and people's words.
///
/// # Errors
///
/// It cannot be made.
pub fn make_folder(path: &Path) -> anyhow::Result<()> {
    let mut folder = DirBuilder::new();
    folder
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("create the data folder {}", path.display()))
}

/// Says of data that a later version of this program has made what is wrong with it.
fn said(error: MigrateError, migrator: &Migrator) -> anyhow::Error {
    match error {
        MigrateError::VersionMissing(version) => {
            let known = migrator.iter().count();
            anyhow::anyhow!(
                "the data is of version {version}, and this program knows no later one than {known}; use a newer one"
            )
        }
        MigrateError::VersionMismatch(version) => {
            anyhow::anyhow!("version {version} of the data was made by another program than this")
        }
        // Its text tells its cause already.
        error => anyhow::Error::msg(error.to_string()),
    }
}

fn migrator(migrations: &[&'static str]) -> Migrator {
    let numbered = (1i64..).zip(migrations).map(|(version, sql)| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(version, "".into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(numbered.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDatabase;

    const MIGRATIONS: &[&str] = &["CREATE TABLE things (id TEXT NOT NULL PRIMARY KEY, size BIGINT, note TEXT);"];
    const INSERT: &str = "INSERT INTO things (id, size, note) VALUES ($1, $2, $3)";
    const RESIZE: &str = "UPDATE things SET size = $2 WHERE id = $1";

    async fn open(config: &DatabaseConfig) -> Db {
        Db::open(config, "kit_test", MIGRATIONS).await.unwrap()
    }

    fn insert(id: &str, size: i64) -> Statement {
        Statement::new(INSERT, vec![id.into(), size.into(), Value::Text(None)])
    }

    #[tokio::test]
    async fn every_store_keeps_the_same_contract() {
        keep_the_contract().await;
    }

    /// Where one worker may wait for the disk, and others write at the same time.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_store_keeps_it_with_several_workers() {
        keep_the_contract().await;
    }

    async fn keep_the_contract() {
        let mut databases = TestDatabase::each().await;
        databases.push(TestDatabase::durable_sqlite());
        for database in databases {
            let db = open(&database.config).await;
            what_is_written_is_read(&db).await;
            a_failed_write_changes_nothing(&db).await;
            a_group_fails_only_where_it_must(&db).await;
        }
    }

    /// Ends every connection to a database as a server does that is started again.
    async fn end_connections(database: &TestDatabase) {
        use sqlx::{Connection as _, Executor as _};
        let mut operator = sqlx::PgConnection::connect(database.url().unwrap()).await.unwrap();
        let end_others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        operator.execute(end_others).await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_was_lost_while_nobody_wrote_fails_no_write() {
        let Some(database) = TestDatabase::postgres().await else { return };
        let db = open(&database.config).await;
        db.write(vec![insert("a", 1)]).await.unwrap();

        end_connections(&database).await;
        db.write(vec![insert("b", 2)]).await.unwrap();
        end_connections(&database).await;
        db.write(vec![insert("c", 3), insert("d", 4)]).await.unwrap();

        let rows = db.fetch("SELECT COUNT(*) FROM things", vec![]).await.unwrap();
        assert_eq!(rows[0].integer(0), 4);
    }

    #[tokio::test]
    async fn a_write_whose_connection_is_lost_before_its_commit_is_begun_anew_and_written_once() {
        let Some(database) = TestDatabase::postgres().await else { return };
        let db = open(&database.config).await;
        db.write(vec![insert("a", 1)]).await.unwrap();
        const ENDS_ITSELF: &str = "UPDATE things SET size = size + 1 WHERE id = 'a'
            AND (size > 1 OR pg_terminate_backend(pg_backend_pid()))";
        const ONCE: &str = "INSERT INTO tried (id) VALUES (nextval('tries'))";
        // A sequence does not roll back: it knows how often the write was tried.
        let Backend::Postgres(server, _) = &db.backend else { unreachable!("it is PostgreSQL") };
        server.run("CREATE SEQUENCE tries; CREATE TABLE tried (id BIGINT NOT NULL)").await;

        let lost = db.write(vec![Statement::new(ONCE, vec![]), Statement::new(ENDS_ITSELF, vec![])]).await;

        // It ends its connection each time: it is tried twice, and no more.
        assert!(matches!(lost, Err(DbError::Database(_))), "{lost:?}");
        let rows = db.fetch("SELECT last_value, (SELECT COUNT(*) FROM tried) FROM tries", vec![]).await.unwrap();
        assert_eq!((rows[0].integer(0), rows[0].integer(1)), (2, 0));
        db.write(vec![insert("b", 2)]).await.unwrap();
    }

    async fn what_is_written_is_read(db: &Db) {
        db.write(vec![insert("a", 1), insert("b", 2)]).await.unwrap();

        let rows = db.fetch("SELECT id, size, note FROM things ORDER BY id", vec![]).await.unwrap();
        assert_eq!((rows[0].text(0), rows[0].integer(1), rows[0].optional_text(2)), ("a".into(), 1, None));
        let rows = db.fetch("SELECT COUNT(*) FROM things WHERE size = $1", vec![2i64.into()]).await.unwrap();
        assert_eq!(rows[0].integer(0), 1);
    }

    async fn a_failed_write_changes_nothing(db: &Db) {
        let taken = db.write(vec![insert("c", 3), insert("a", 9)]).await;
        assert!(matches!(taken, Err(DbError::Unique)), "{taken:?}");
        let gone = db
            .write(vec![insert("c", 3), Statement::new(RESIZE, vec!["nobody".into(), 1i64.into()]).affecting(1)])
            .await;
        assert!(matches!(gone, Err(DbError::Conflict)), "{gone:?}");

        assert!(db.fetch("SELECT id FROM things WHERE id = $1", vec!["c".into()]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_moment_has_passed_when_a_commit_is_acknowledged() {
        for database in [TestDatabase::sqlite(), TestDatabase::durable_sqlite()] {
            let db = open(&database.config).await;
            let before = db.as_of().unwrap();
            assert!(before.is_now());

            db.write(vec![insert("a", 1)]).await.unwrap();
            assert!(!before.is_now());
            let after = db.as_of().unwrap();
            db.fetch("SELECT id FROM things", vec![]).await.unwrap();
            assert!(after.is_now(), "reading changes nothing");
        }
    }

    async fn a_group_fails_only_where_it_must(db: &Db) {
        let writes = (0..200).map(|n| {
            let db = db.clone();
            // Every tenth one collides with a key that is there.
            let id = if n % 10 == 0 { "a".to_owned() } else { format!("n{n}") };
            tokio::spawn(async move { db.write(vec![insert(&id, n)]).await.is_ok() })
        });
        let mut kept = 0;
        for write in writes.collect::<Vec<_>>() {
            kept += usize::from(write.await.unwrap());
        }

        assert_eq!(kept, 180);
        let rows = db.fetch("SELECT COUNT(*) FROM things WHERE id LIKE 'n%'", vec![]).await.unwrap();
        assert_eq!(rows[0].integer(0), 180);
    }
}
