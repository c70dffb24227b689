//! Databases for tests: the same facts on SQLite, and on PostgreSQL where the test run offers one.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, Executor};
use tempfile::TempDir;

use crate::db::DatabaseConfig;

/// Where a test run names its PostgreSQL server: `postgres://user@host:port/postgres`.
pub const POSTGRES: &str = "DICETOWER_TEST_POSTGRES";

/// An empty database of a test's own.
pub struct TestDatabase {
    /// How a service opens it; opening it again finds what was written.
    pub config: DatabaseConfig,
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// A folder of SQLite files, gone with the value.
    ///
    /// # Panics
    ///
    /// There is no place for temporary files.
    pub fn sqlite() -> TestDatabase {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = DatabaseConfig::Folder { path: folder.path().into(), fsync: false };
        TestDatabase { config, _folder: Some(folder) }
    }

    /// The same, whose commits reach the disk before they are told.
    ///
    /// # Panics
    ///
    /// There is no place for temporary files.
    pub fn durable_sqlite() -> TestDatabase {
        let TestDatabase { config, _folder } = TestDatabase::sqlite();
        let DatabaseConfig::Folder { path, .. } = config else { unreachable!("SQLite is a folder") };
        TestDatabase { config: DatabaseConfig::Folder { path, fsync: true }, _folder }
    }

    /// A database on the run's PostgreSQL server, or `None` where it offers none.
    ///
    /// # Panics
    ///
    /// The server refuses, or there is none although `CI` is set: there, nothing may pass without having run.
    pub async fn postgres() -> Option<TestDatabase> {
        let Ok(server) = std::env::var(POSTGRES) else {
            assert!(std::env::var_os("CI").is_none(), "the CI must offer PostgreSQL in {POSTGRES}");
            return None;
        };
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let mut connection = sqlx::PgConnection::connect(&server).await.expect("the run's PostgreSQL answers");
        let create = format!("CREATE DATABASE {name}");
        connection.execute(sqlx::AssertSqlSafe(create)).await.expect("a database of the test's own");
        let (host, _) = server.rsplit_once('/').expect("a URL with a database");
        let config = DatabaseConfig::Postgres(format!("{host}/{name}").into());
        Some(TestDatabase { config, _folder: None })
    }

    /// Every kind of database there is here: whoever stores something is tried on each.
    pub async fn each() -> Vec<TestDatabase> {
        [Some(TestDatabase::sqlite()), TestDatabase::postgres().await].into_iter().flatten().collect()
    }

    /// The address of a PostgreSQL database.
    pub fn url(&self) -> Option<&str> {
        match &self.config {
            DatabaseConfig::Folder { .. } => None,
            DatabaseConfig::Postgres(url) => Some(SecretString::expose_secret(url)),
        }
    }
}
