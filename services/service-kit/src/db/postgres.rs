//! PostgreSQL: a pool for reads, and one connection that commits writes in groups.

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Acquire, Connection, Executor, PgPool, Postgres, Row as _,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

use super::{DbError, GROUP, Row, Statement, Value, Write, said};

/// Connections of a service.
const CONNECTIONS: u32 = 8;
/// Time in which a connection must be there.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The schema of a service.
pub(super) struct Server {
    pool: PgPool,
    /// Opened with the first write, and anew when it has failed.
    connection: Mutex<Option<PoolConnection<Postgres>>>,
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

    async fn commit_and_tell(&self, connection: &mut Option<PoolConnection<Postgres>>, group: &mut Vec<Write>) {
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
        connection: &mut Option<PoolConnection<Postgres>>,
        group: &[Write],
    ) -> Result<Vec<Result<(), DbError>>, sqlx::Error> {
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(self.pool.acquire().await?),
        };
        if let [write] = group
            && let [Statement { sql, args, affecting: None }] = write.statements.as_slice()
        {
            let result = bind(sql, args).execute(&mut **connection).await;
            return Ok(vec![result.map(|_| ()).map_err(DbError::from)]);
        }
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
        transaction.commit().await?;
        Ok(answers)
    }
}

/// The error without its cause, which its text tells already.
fn in_a_line(error: sqlx::Error) -> anyhow::Error {
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
