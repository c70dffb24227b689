//! PostgreSQL: a pool for reads, and one connection that commits writes in groups.

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Acquire, Connection, Executor, PgPool, Postgres, Row as _,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};

use super::{DbError, GROUP, Row, Statement, Value, Write, said};

/// Connections of a service.
const CONNECTIONS: u32 = 8;
/// Time in which a connection must be there.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was used so short a time ago is there; another is asked before it is written on.
const SURELY_THERE: Duration = Duration::from_millis(10);

/// The schema of a service.
pub(super) struct Server {
    pool: PgPool,
    /// Opened with the first write, and anew when it has failed.
    connection: Mutex<Option<Writing>>,
}

/// The connection that writes.
struct Writing {
    connection: PoolConnection<Postgres>,
    /// When the server answered last on it.
    answered: Instant,
}

/// A group of which nothing is known to be committed.
enum Failure {
    /// The commit was not asked for: nothing of it is, nor ever will be.
    Before(sqlx::Error),
    /// It may be.
    Unknown(sqlx::Error),
}

impl Server {
    /// Opens the schema of `service` and brings its tables up to date.
    pub(super) async fn open(url: &SecretString, service: &'static str, migrator: &Migrator) -> anyhow::Result<Server> {
        let options = url.expose_secret().parse::<PgConnectOptions>().map_err(in_a_line);
        let options = options.context("read the address of the PostgreSQL database")?;
        let place = format!("{}@{}:{}", options.get_username(), options.get_host(), options.get_port());
        let pool = open_pool(options, service).await.map_err(in_a_line);
        let pool = pool.with_context(|| format!("open the PostgreSQL database of {place}"))?;
        migrator
            .run(&pool)
            .await
            .map_err(|error| said(error, migrator))
            .with_context(|| format!("migrate the PostgreSQL schema {service}"))?;
        Ok(Server { pool, connection: Mutex::default() })
    }

    pub(super) async fn close(&self) {
        *self.connection.lock().await = None;
        self.pool.close().await;
    }

    /// Changes what a migration would.
    #[cfg(test)]
    pub(super) async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.pool).await.expect("the test's database takes it");
    }

    pub(super) async fn fetch(&self, sql: &'static str, args: &[Value]) -> Result<Vec<Row>, DbError> {
        let rows = bind(sql, args).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(row_of).collect::<Result<_, _>>()?)
    }

    /// Writes if the connection is free; otherwise gives the write back.
    pub(super) async fn write_now(&self, write: Write) -> Option<Write> {
        let Ok(mut connection) = self.connection.try_lock() else { return Some(write) };
        self.commit_and_tell(&mut connection, &mut vec![write]).await;
        None
    }

    /// Takes what is waiting, commits it together, then tells everyone.
    pub(super) async fn work(&self, mut writes: mpsc::Receiver<Write>) {
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

    async fn commit_and_tell(&self, connection: &mut Option<Writing>, group: &mut Vec<Write>) {
        match self.commit_once(connection, group).await {
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

    /// Commits a group; on another connection if this one is lost before it was asked to commit.
    async fn commit_once(
        &self,
        connection: &mut Option<Writing>,
        group: &[Write],
    ) -> Result<Vec<Result<(), DbError>>, sqlx::Error> {
        forget_lost(connection).await;
        let was_there = connection.is_some();
        match self.commit(connection, group).await {
            Err(Failure::Before(error)) if was_there => {
                tracing::warn!(%error, "a connection to PostgreSQL was lost; the write is begun anew on another");
                *connection = None;
            }
            Err(Failure::Before(error) | Failure::Unknown(error)) => return Err(error),
            Ok(answers) => return Ok(answers),
        }
        self.commit(connection, group).await.map_err(|failure| match failure {
            Failure::Before(error) | Failure::Unknown(error) => error,
        })
    }

    /// Commits a group. Each write is a savepoint of its own, so that one that fails takes no other with it.
    async fn commit(
        &self,
        connection: &mut Option<Writing>,
        group: &[Write],
    ) -> Result<Vec<Result<(), DbError>>, Failure> {
        let Writing { connection, answered } = match connection {
            Some(writing) => writing,
            none => {
                let connection = self.pool.acquire().await.map_err(Failure::Before)?;
                none.insert(Writing { connection, answered: Instant::now() })
            }
        };
        if let [write] = group
            && let [Statement { sql, args, affecting: None }] = write.statements.as_slice()
        {
            // It commits itself.
            let result = bind(sql, args).execute(&mut **connection).await;
            *answered = Instant::now();
            return Ok(vec![result.map(|_| ()).map_err(DbError::from)]);
        }
        let (transaction, answers) = begin(connection, group).await.map_err(Failure::Before)?;
        transaction.commit().await.map_err(Failure::Unknown)?;
        *answered = Instant::now();
        Ok(answers)
    }
}

/// Lets go of a connection that is lost: the server was started again, or a firewall has forgotten it.
async fn forget_lost(connection: &mut Option<Writing>) {
    let Some(writing) = connection else { return };
    if writing.answered.elapsed() < SURELY_THERE {
        return;
    }
    let answer = tokio::time::timeout(ACQUIRE_TIMEOUT, writing.connection.ping()).await;
    if matches!(answer, Ok(Ok(()))) {
        writing.answered = Instant::now();
    } else if let Some(lost) = connection.take() {
        tracing::info!("a connection to PostgreSQL was lost while nobody wrote; another is opened");
        // The pool would ask it once more.
        drop(lost.connection.detach());
    }
}

/// Executes a group up to its commit.
async fn begin<'a>(
    connection: &'a mut PoolConnection<Postgres>,
    group: &[Write],
) -> Result<(sqlx::Transaction<'a, Postgres>, Vec<Result<(), DbError>>), sqlx::Error> {
    let mut answers = Vec::with_capacity(group.len());
    let mut transaction = connection.begin().await?;
    for write in group {
        let mut savepoint = transaction.begin().await?;
        let answer = execute(&mut savepoint, &write.statements).await;
        match &answer {
            Ok(()) => savepoint.commit().await?,
            Err(_) => savepoint.rollback().await?,
        }
        answers.push(answer);
    }
    Ok((transaction, answers))
}

/// The error without its cause, which its text tells already.
pub(crate) fn in_a_line(error: sqlx::Error) -> anyhow::Error {
    anyhow::Error::msg(error.to_string())
}

/// Opens a pool whose connections live in the schema of `service`, and creates that schema.
async fn open_pool(options: PgConnectOptions, service: &'static str) -> Result<PgPool, sqlx::Error> {
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
    PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT).connect_with(options).await
}

async fn execute(transaction: &mut sqlx::Transaction<'_, Postgres>, statements: &[Statement]) -> Result<(), DbError> {
    for statement in statements {
        let done = bind(statement.sql, &statement.args).execute(&mut **transaction).await?;
        if statement.affecting.is_some_and(|rows| rows != done.rows_affected()) {
            return Err(DbError::Conflict);
        }
    }
    Ok(())
}

type Query = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

fn bind(sql: &'static str, args: &[Value]) -> Query {
    args.iter().fold(sqlx::query(sql), |query, arg| match arg {
        Value::Text(text) => query.bind(text.clone()),
        Value::Integer(number) => query.bind(*number),
    })
}

fn row_of(row: &PgRow) -> Result<Row, sqlx::Error> {
    let column = |index: usize| -> Result<Value, sqlx::Error> {
        if let Ok(number) = row.try_get::<Option<i64>, _>(index) {
            return Ok(Value::Integer(number));
        }
        row.try_get::<Option<String>, _>(index).map(Value::Text)
    };
    (0..row.len()).map(column).collect::<Result<_, _>>().map(Row)
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> DbError {
        if error.as_database_error().is_some_and(|error| error.is_unique_violation()) {
            return DbError::Unique;
        }
        DbError::Database(std::sync::Arc::new(error))
    }
}
