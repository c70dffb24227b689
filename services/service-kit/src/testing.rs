//! What tests stand on: databases, the same facts on SQLite and on PostgreSQL where the test run offers one; a NATS
//! server; what this process counts.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, Executor};
use tempfile::TempDir;

use crate::{
    db::DatabaseConfig,
    metrics,
    wake::{WakeConfig, Wakes},
};

/// Where a test run names its PostgreSQL server: `postgres://user@host:port/postgres`.
pub const POSTGRES: &str = "DICETOWER_TEST_POSTGRES";

/// What `/metrics` of this process says of a metric, which is named with its labels if it has any.
pub fn metric(name: &str) -> Option<f64> {
    let page = metrics::text(false).ok()?;
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

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

    /// The same database for another process of the test, which leaves it to whoever made it.
    pub fn again(config: DatabaseConfig) -> TestDatabase {
        TestDatabase { config, _folder: None }
    }

    /// The address of a PostgreSQL database.
    pub fn url(&self) -> Option<&str> {
        match &self.config {
            DatabaseConfig::Folder { .. } => None,
            DatabaseConfig::Postgres(url) => Some(SecretString::expose_secret(url)),
        }
    }
}

/// A NATS server of a test's own, which can be lost.
pub struct TestNats {
    port: u16,
    running: Option<Child>,
}

/// Time in which NATS must listen, and a client must notice.
const PATIENCE: Duration = Duration::from_secs(20);

impl TestNats {
    /// Starts a server, or `None` where the program is not installed.
    ///
    /// # Panics
    ///
    /// It does not come up, or it is not installed although `CI` is set: there, nothing may pass without having run.
    pub fn start() -> Option<TestNats> {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its number").port();
        let mut nats = TestNats { port, running: None };
        if !nats.go_on() {
            assert!(std::env::var_os("CI").is_none(), "the CI must have nats-server");
            return None;
        }
        Some(nats)
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    ///
    /// It does not come up.
    pub fn go_on(&mut self) -> bool {
        let port = self.port.to_string();
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &port]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else { return false };
        self.running = Some(child);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "nats-server does not listen");
            std::thread::yield_now();
        }
        true
    }

    /// Ends it as a crash does.
    pub fn lose(&mut self) {
        if let Some(mut running) = self.running.take() {
            // One that has ended is lost, too.
            let _ = (running.kill(), running.wait());
        }
    }

    /// The way over this server to other replicas, once it is there.
    ///
    /// # Panics
    ///
    /// It does not come about.
    pub async fn wakes(&self) -> Wakes {
        let nats = Some(format!("nats://127.0.0.1:{}", self.port).into());
        let config = WakeConfig { nats, nats_prefix: "test".to_owned() };
        let wakes = Wakes::start(&config, "test", tokio_util::sync::CancellationToken::new()).await;
        let wakes = wakes.expect("an address of NATS");
        TestNats::until(&wakes, true).await;
        wakes
    }

    /// Waits until somebody knows that NATS is there, or lost.
    ///
    /// # Panics
    ///
    /// He does not notice.
    pub async fn until(wakes: &Wakes, is_connected: bool) {
        let noticed = async {
            while wakes.is_connected() != Some(is_connected) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, noticed).await.expect("it is noticed");
    }
}

impl Drop for TestNats {
    fn drop(&mut self) {
        self.lose();
    }
}
