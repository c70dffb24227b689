//! One connection to either database, for statements whose text is made at run time: a backup does not know the tables.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::TryStreamExt;
use secrecy::ExposeSecret;
use serde_json::Value as Json;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor, PgConnection, Row as _, SqliteConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};

use super::file::{Column, Kind, Table};
use crate::db::{BUSY_TIMEOUT, DatabaseConfig, Row, Value, in_a_line};

/// Where the versions of a schema are kept, which a backup tells in its head.
const VERSIONS: &str = "_sqlx_migrations";

/// A connection.
pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    /// Connects to the file of `service`, or to PostgreSQL, where all services are.
    pub async fn open(database: &DatabaseConfig, service: &str) -> anyhow::Result<Connection> {
        Connection::open_impatiently(database, service, BUSY_TIMEOUT).await
    }

    /// The same; a statement waits no longer for another process that writes to a file.
    pub async fn open_impatiently(
        database: &DatabaseConfig,
        service: &str,
        patience: Duration,
    ) -> anyhow::Result<Connection> {
        match database {
            DatabaseConfig::Folder { path, .. } => {
                let file = path.join(format!("{service}.db"));
                let options = SqliteConnectOptions::new().filename(&file).busy_timeout(patience);
                let connection = SqliteConnection::connect_with(&options).await;
                Ok(Connection::Sqlite(connection.with_context(|| format!("open the database {}", file.display()))?))
            }
            DatabaseConfig::Postgres(url) => {
                let options = url.expose_secret().parse::<PgConnectOptions>();
                let options = options.map_err(|error| anyhow::Error::msg(error.to_string()))?;
                let connection = PgConnection::connect_with(&options).await.map_err(in_a_line);
                let connection = connection.context("open the PostgreSQL database")?;
                Ok(Connection::Postgres(connection))
            }
        }
    }

    pub async fn close(self) -> anyhow::Result<()> {
        match self {
            Connection::Sqlite(connection) => connection.close().await?,
            Connection::Postgres(connection) => connection.close().await?,
        }
        Ok(())
    }

    /// Runs a statement; `each` gets every row of its answer.
    async fn run(
        &mut self,
        sql: String,
        args: Vec<Value>,
        each: &mut dyn FnMut(Row) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let sql = AssertSqlSafe(sql);
        match self {
            Connection::Sqlite(connection) => {
                let query = args.into_iter().fold(sqlx::query(sql), |query, arg| match arg {
                    Value::Text(text) => query.bind(text),
                    Value::Integer(number) => query.bind(number),
                });
                let mut rows = query.fetch(connection);
                while let Some(row) = rows.try_next().await? {
                    let columns = (0..row.len()).map(|index| match row.try_get::<Option<i64>, _>(index) {
                        Ok(number) => Ok(Value::Integer(number)),
                        Err(_) => row.try_get::<Option<String>, _>(index).map(Value::Text),
                    });
                    each(Row::of(columns.collect::<Result<_, _>>()?))?;
                }
            }
            Connection::Postgres(connection) => {
                let query = args.into_iter().fold(sqlx::query(sql), |query, arg| match arg {
                    Value::Text(text) => query.bind(text),
                    Value::Integer(number) => query.bind(number),
                });
                let mut rows = query.fetch(connection);
                while let Some(row) = rows.try_next().await? {
                    let columns = (0..row.len()).map(|index| match row.try_get::<Option<i64>, _>(index) {
                        Ok(number) => Ok(Value::Integer(number)),
                        Err(_) => row.try_get::<Option<String>, _>(index).map(Value::Text),
                    });
                    each(Row::of(columns.collect::<Result<_, _>>()?))?;
                }
            }
        }
        Ok(())
    }

    /// A statement that has no parameters and whose answer nobody needs.
    pub async fn execute(&mut self, sql: &str) -> anyhow::Result<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Connection::Sqlite(connection) => {
                connection.execute(sql).await?;
            }
            Connection::Postgres(connection) => {
                connection.execute(sql).await?;
            }
        }
        Ok(())
    }

    /// The one text that a statement answers.
    pub async fn text(&mut self, sql: &str) -> anyhow::Result<String> {
        let mut text = String::new();
        let mut keep = |row: Row| {
            text = row.text(0);
            Ok(())
        };
        self.run(sql.to_owned(), Vec::new(), &mut keep).await?;
        Ok(text)
    }

    /// Whether the service has tables here.
    pub async fn has_data(&mut self, service: &str) -> anyhow::Result<bool> {
        Ok(!self.names(service).await?.is_empty())
    }

    /// The version of the service's schema: how many migrations it has seen.
    pub async fn version(&mut self, service: &str) -> anyhow::Result<usize> {
        let versions = self.qualified(service, VERSIONS);
        let text = self.text(&format!("SELECT CAST(MAX(version) AS TEXT) FROM {versions}")).await?;
        text.parse().with_context(|| format!("the data of {service} does not tell its version"))
    }

    /// The service's tables, by name.
    pub async fn tables(&mut self, service: &str) -> anyhow::Result<Vec<Table>> {
        let mut tables = Vec::new();
        for name in self.names(service).await? {
            if name != VERSIONS {
                let columns = self.columns(service, &name).await?;
                tables.push(Table { name: format!("{service}.{name}"), columns });
            }
        }
        Ok(tables)
    }

    async fn names(&mut self, service: &str) -> anyhow::Result<Vec<String>> {
        let (sql, args) = match self {
            Connection::Sqlite(_) => {
                let sql =
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
                (sql, Vec::new())
            }
            Connection::Postgres(_) => {
                let sql = "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1";
                (sql, vec![Value::from(service)])
            }
        };
        let mut names = Vec::new();
        let mut keep = |row: Row| {
            names.push(row.text(0));
            Ok(())
        };
        self.run(sql.to_owned(), args, &mut keep).await?;
        Ok(names)
    }

    async fn columns(&mut self, service: &str, table: &str) -> anyhow::Result<Vec<Column>> {
        let (sql, args) = match self {
            Connection::Sqlite(_) => {
                ("SELECT name, lower(type) FROM pragma_table_info($1) ORDER BY cid", vec![Value::from(table)])
            }
            Connection::Postgres(_) => (
                "SELECT column_name::TEXT, data_type::TEXT FROM information_schema.columns \
                 WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position",
                vec![Value::from(service), Value::from(table)],
            ),
        };
        let mut columns = Vec::new();
        let mut keep = |row: Row| {
            let kind = match row.text(1).as_str() {
                "text" => Kind::Text,
                "bigint" => Kind::Integer,
                other => anyhow::bail!("{service}.{table} has a column of type {other}, which no service makes"),
            };
            columns.push(Column { name: row.text(0), kind });
            Ok(())
        };
        self.run(sql.to_owned(), args, &mut keep).await?;
        Ok(columns)
    }

    /// Reads all rows of a table.
    pub async fn rows(
        &mut self,
        service: &str,
        table: &Table,
        mut each: impl FnMut(Vec<Json>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let sql = format!("SELECT {} FROM {}", names(table), self.qualified(service, table.table()));
        let mut pass = |row: Row| {
            let columns = table.columns.iter().enumerate();
            each(columns.map(|(index, column)| to_json(&row, index, column.kind)).collect())
        };
        self.run(sql, Vec::new(), &mut pass).await.with_context(|| format!("read the table {}", table.name))
    }

    /// Inserts a row.
    pub async fn insert(&mut self, table: &Table, row: Vec<Json>) -> anyhow::Result<()> {
        anyhow::ensure!(
            row.len() == table.columns.len(),
            "the backup is damaged: a row of {} is too short",
            table.name
        );
        let places: Vec<_> = (1..=row.len()).map(|number| format!("${number}")).collect();
        let into = self.qualified(table.service(), table.table());
        let sql = format!("INSERT INTO {into} ({}) VALUES ({})", names(table), places.join(", "));
        let args = row.into_iter().zip(&table.columns).map(|(value, column)| from_json(value, column.kind));
        let args = args.collect::<Option<Vec<_>>>();
        let args = args
            .with_context(|| format!("the backup is damaged: a row of {} has a value of another kind", table.name))?;
        self.run(sql, args, &mut |_| Ok(())).await.with_context(|| format!("write the table {}", table.name))
    }

    fn qualified(&self, service: &str, table: &str) -> String {
        match self {
            Connection::Sqlite(_) => quoted(table),
            Connection::Postgres(_) => format!("{}.{}", quoted(service), quoted(table)),
        }
    }
}

fn names(table: &Table) -> String {
    let names: Vec<_> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    names.join(", ")
}

/// A name as SQL has it whatever is in it; a backup may come from anywhere.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn to_json(row: &Row, index: usize, kind: Kind) -> Json {
    match kind {
        Kind::Text => row.optional_text(index).into(),
        Kind::Integer => row.optional_integer(index).into(),
    }
}

fn from_json(value: Json, kind: Kind) -> Option<Value> {
    match (value, kind) {
        (Json::Null, Kind::Text) => Some(Value::Text(None)),
        (Json::Null, Kind::Integer) => Some(Value::Integer(None)),
        (Json::String(text), Kind::Text) => Some(Value::Text(Some(text))),
        (Json::Number(number), Kind::Integer) => Some(Value::Integer(Some(number.as_i64()?))),
        _ => None,
    }
}
