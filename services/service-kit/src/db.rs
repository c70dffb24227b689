//! The database: SQLite by default, PostgreSQL in deployment, one SQL text for both.
//!
//! Columns are `TEXT` and `BIGINT` only, so a statement and its arguments mean the same on either. Reads go to the pool;
//! all writes of a database go through one writer that commits them in groups. A write is acknowledged after its commit.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Acquire, Connection, Database, Executor, PgPool, Postgres, Row as _, Sqlite, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{Mutex, mpsc, oneshot};

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

/// A service's database.
#[derive(Clone)]
pub struct Db {
    backend: Backend,
    queue: mpsc::Sender<Write>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<Writer<Sqlite>>),
    Postgres(Arc<Writer<Postgres>>),
}

/// The pool for reads, and the one connection that writes.
struct Writer<D: Database> {
    pool: sqlx::Pool<D>,
    /// Opened with the first write, and anew when it has failed.
    connection: Mutex<Option<PoolConnection<D>>>,
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
    Database(Arc<sqlx::Error>),
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

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> DbError {
        if error.as_database_error().is_some_and(|error| error.is_unique_violation()) {
            return DbError::Unique;
        }
        DbError::Database(Arc::new(error))
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
    /// The folder or file cannot be opened, the server cannot be reached, or a migration fails.
    pub async fn open(
        config: &DatabaseConfig,
        service: &'static str,
        migrations: &[&'static str],
    ) -> anyhow::Result<Db> {
        let migrator = migrator(migrations);
        let backend = match config {
            DatabaseConfig::Folder { path, fsync } => {
                tokio::fs::create_dir_all(path)
                    .await
                    .with_context(|| format!("create the data folder {}", path.display()))?;
                let file = path.join(format!("{service}.db"));
                let pool = open_sqlite(&file, *fsync)
                    .await
                    .with_context(|| format!("open the database {}", file.display()))?;
                migrator.run(&pool).await.with_context(|| format!("migrate the database {}", file.display()))?;
                Backend::Sqlite(Arc::new(Writer { pool, connection: Mutex::default() }))
            }
            DatabaseConfig::Postgres(url) => {
                let options = url.expose_secret().parse::<PgConnectOptions>().map_err(in_a_line);
                let options = options.context("read the address of the PostgreSQL database")?;
                let place = format!("{}@{}:{}", options.get_username(), options.get_host(), options.get_port());
                let pool = open_postgres(options, service).await.map_err(in_a_line);
                let pool = pool.with_context(|| format!("open the PostgreSQL database of {place}"))?;
                migrator.run(&pool).await.with_context(|| format!("migrate the PostgreSQL schema {service}"))?;
                Backend::Postgres(Arc::new(Writer { pool, connection: Mutex::default() }))
            }
        };
        let (queue, writes) = mpsc::channel(QUEUE);
        match backend.clone() {
            Backend::Sqlite(writer) => tokio::spawn(async move { writer.work(writes).await }),
            Backend::Postgres(writer) => tokio::spawn(async move { writer.work(writes).await }),
        };
        Ok(Db { backend, queue })
    }

    /// Reads rows. The statement is noted as an event of the current span.
    ///
    /// # Errors
    ///
    /// The database refuses or cannot be reached.
    pub async fn fetch(&self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>, DbError> {
        tracing::debug!(target: "sql", statement = sql, "read");
        Ok(match &self.backend {
            Backend::Sqlite(writer) => {
                let rows = bind_sqlite(sql, args).fetch_all(&writer.pool).await?;
                rows.iter().map(row_of_sqlite).collect::<Result<_, _>>()?
            }
            Backend::Postgres(writer) => {
                let rows = bind_postgres(sql, args).fetch_all(&writer.pool).await?;
                rows.iter().map(row_of_postgres).collect::<Result<_, _>>()?
            }
        })
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
        let write = Write { statements, done };
        // Nobody else is writing: at once, without a detour over the writer's task.
        let waiting = match &self.backend {
            Backend::Sqlite(writer) => writer.write_now(write).await,
            Backend::Postgres(writer) => writer.write_now(write).await,
        };
        if let Some(write) = waiting {
            self.queue.send(write).await.map_err(|_| DbError::Closed)?;
        }
        answer.await.map_err(|_| DbError::Closed)?
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// It does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.fetch("SELECT 1", Vec::new()).await.map(|_| ())
    }
}

fn migrator(migrations: &[&'static str]) -> Migrator {
    let numbered = (1i64..).zip(migrations).map(|(version, sql)| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(version, "".into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(numbered.collect())
}

async fn open_sqlite(file: &std::path::Path, fsync: bool) -> Result<SqlitePool, sqlx::Error> {
    let synchronous = if fsync { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(5));
    SqlitePoolOptions::new().max_connections(4).connect_with(options).await
}

/// The error without its cause, which its text tells already.
fn in_a_line(error: sqlx::Error) -> anyhow::Error {
    anyhow::Error::msg(error.to_string())
}

/// Opens a pool whose connections live in the schema of `service`, and creates that schema.
async fn open_postgres(options: PgConnectOptions, service: &'static str) -> Result<PgPool, sqlx::Error> {
    let mut connection = sqlx::PgConnection::connect_with(&options).await?;
    let schema = service.replace('-', "_");
    let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
    // Two replicas that start at once may both find it missing; the loser's error says that it is there.
    let created = connection.execute(sqlx::AssertSqlSafe(create)).await;
    if let Err(error) = created
        && !error.as_database_error().is_some_and(|error| error.is_unique_violation())
    {
        return Err(error);
    }
    connection.close().await?;
    let options = options.options([("search_path", schema)]);
    PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(5)).connect_with(options).await
}

type SqliteQuery = sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments>;
type PostgresQuery = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

/// The few lines that differ by type but not by text, written once for both databases.
macro_rules! backend {
    ($database:ty, $bind:ident, $query:ty, $row_of:ident, $row:ty) => {
        fn $bind(sql: &'static str, args: Vec<Value>) -> $query {
            args.into_iter().fold(sqlx::query(sql), |query, arg| match arg {
                Value::Text(text) => query.bind(text),
                Value::Integer(number) => query.bind(number),
            })
        }

        fn $row_of(row: &$row) -> Result<Row, sqlx::Error> {
            let column = |index: usize| -> Result<Value, sqlx::Error> {
                if let Ok(number) = row.try_get::<Option<i64>, _>(index) {
                    return Ok(Value::Integer(number));
                }
                row.try_get::<Option<String>, _>(index).map(Value::Text)
            };
            (0..row.len()).map(column).collect::<Result<_, _>>().map(Row)
        }

        impl Writer<$database> {
            /// Writes if the connection is free; otherwise gives the write back.
            async fn write_now(&self, write: Write) -> Option<Write> {
                let Ok(mut connection) = self.connection.try_lock() else { return Some(write) };
                self.commit_and_tell(&mut connection, &mut vec![write]).await;
                None
            }

            /// Takes what is waiting, commits it together, then tells everyone.
            async fn work(&self, mut writes: mpsc::Receiver<Write>) {
                let mut group = Vec::with_capacity(GROUP);
                while 0 < writes.recv_many(&mut group, 1).await {
                    let mut connection = self.connection.lock().await;
                    // While the connection was busy, others have come.
                    while group.len() < GROUP
                        && let Ok(write) = writes.try_recv()
                    {
                        group.push(write);
                    }
                    self.commit_and_tell(&mut connection, &mut group).await;
                }
            }

            async fn commit_and_tell(
                &self,
                connection: &mut Option<PoolConnection<$database>>,
                group: &mut Vec<Write>,
            ) {
                let result = self.commit(connection, group).await;
                match result {
                    Ok(answers) => {
                        // The fault may be the connection's, and a new one costs little.
                        if answers.iter().any(|answer| matches!(answer, Err(DbError::Database(_)))) {
                            *connection = None;
                        }
                        for (write, answer) in group.drain(..).zip(answers) {
                            // Nobody may be waiting any more; what is committed stays.
                            let _ = write.done.send(answer);
                        }
                    }
                    Err(error) => {
                        *connection = None;
                        let error = DbError::from(error);
                        for write in group.drain(..) {
                            let _ = write.done.send(Err(error.clone()));
                        }
                    }
                }
            }

            /// Commits a group. Each write is a savepoint of its own, so that one that fails takes no other with it.
            async fn commit(
                &self,
                connection: &mut Option<PoolConnection<$database>>,
                group: &[Write],
            ) -> Result<Vec<Result<(), DbError>>, sqlx::Error> {
                let connection = match connection {
                    Some(connection) => connection,
                    none => none.insert(self.pool.acquire().await?),
                };
                if let [write] = group
                    && let [statement] = write.statements.as_slice()
                    && statement.affecting.is_none()
                {
                    let result = $bind(statement.sql, statement.args.clone()).execute(&mut **connection).await;
                    return Ok(vec![result.map(|_| ()).map_err(DbError::from)]);
                }
                let mut answers = Vec::with_capacity(group.len());
                let mut transaction = connection.begin().await?;
                for write in group {
                    let mut savepoint = transaction.begin().await?;
                    let answer = Self::execute(&mut savepoint, &write.statements).await;
                    match &answer {
                        Ok(()) => savepoint.commit().await?,
                        Err(_) => savepoint.rollback().await?,
                    }
                    answers.push(answer);
                }
                transaction.commit().await?;
                Ok(answers)
            }

            async fn execute(
                transaction: &mut sqlx::Transaction<'_, $database>,
                statements: &[Statement],
            ) -> Result<(), DbError> {
                for statement in statements {
                    let done = $bind(statement.sql, statement.args.clone()).execute(&mut **transaction).await?;
                    if statement.affecting.is_some_and(|rows| rows != done.rows_affected()) {
                        return Err(DbError::Conflict);
                    }
                }
                Ok(())
            }
        }
    };
}

backend!(Sqlite, bind_sqlite, SqliteQuery, row_of_sqlite, sqlx::sqlite::SqliteRow);
backend!(Postgres, bind_postgres, PostgresQuery, row_of_postgres, sqlx::postgres::PgRow);

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
        for database in TestDatabase::each().await {
            let db = open(&database.config).await;
            what_is_written_is_read(&db).await;
            a_failed_write_changes_nothing(&db).await;
            a_group_fails_only_where_it_must(&db).await;
        }
    }

    #[tokio::test]
    async fn a_lost_connection_fails_one_write() {
        let Some(database) = TestDatabase::postgres().await else { return };
        let db = open(&database.config).await;
        db.write(vec![insert("a", 1)]).await.unwrap();
        let mut operator = sqlx::PgConnection::connect(database.url().unwrap()).await.unwrap();
        let end_others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        operator.execute(end_others).await.unwrap();

        let lost = db.write(vec![insert("b", 2)]).await;
        assert!(matches!(lost, Err(DbError::Database(_))), "{lost:?}");
        db.write(vec![insert("c", 3)]).await.unwrap();
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
