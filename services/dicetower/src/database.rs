//! Where the data lies: a folder of SQLite files, or PostgreSQL under the names that the first orchestrator knew.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use service_kit::db::{self, DatabaseConfig};

/// Flags and variables about the database.
#[derive(Args, Clone, Default)]
pub struct DatabaseArgs {
    /// Folder for the data (SQLite).
    #[arg(long, env = "DICETOWER_DATA", default_value = "data", global = true)]
    pub data: PathBuf,
    /// Let a commit survive a power cut too, not only a killed process.
    #[arg(long, env = "DICETOWER_FSYNC", global = true)]
    pub fsync: bool,
    /// PostgreSQL instead of SQLite: postgres://user:password@host:port/database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// PostgreSQL instead of SQLite, in parts: the host.
    #[arg(long, env = "POSTGRES_HOST", global = true)]
    pub postgres_host: Option<String>,
    /// The port.
    #[arg(long, env = "POSTGRES_PORT", default_value_t = 5434, global = true)]
    pub postgres_port: u16,
    /// The user.
    #[arg(long, env = "POSTGRES_USER", default_value = "postgres", global = true)]
    pub postgres_user: String,
    /// The password; given alone, it means PostgreSQL at 127.0.0.1.
    #[arg(long, env = "POSTGRES_PASSWORD", hide_env_values = true, global = true)]
    pub postgres_password: Option<String>,
    /// The database.
    #[arg(long, env = "POSTGRES_DB", default_value = "postgres", global = true)]
    pub postgres_db: String,
}

impl std::fmt::Debug for DatabaseArgs {
    /// Shows where the data lies, and no secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DatabaseArgs").field("data", &self.data).finish_non_exhaustive()
    }
}

impl DatabaseArgs {
    /// The database that is meant.
    ///
    /// # Errors
    ///
    /// The URL is not one of PostgreSQL.
    pub fn config(&self) -> anyhow::Result<DatabaseConfig> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(url) = given(&self.database_url) {
            anyhow::ensure!(
                url.starts_with("postgres://") || url.starts_with("postgresql://"),
                "DATABASE_URL must begin with postgres://; for SQLite leave it out and name a folder with --data"
            );
            return Ok(DatabaseConfig::Postgres(url.into()));
        }
        let (host, password) = (given(&self.postgres_host), given(&self.postgres_password));
        if host.is_none() && password.is_none() {
            return Ok(DatabaseConfig::Folder { path: self.data.clone(), fsync: self.fsync });
        }
        let user = percent_encode(&self.postgres_user);
        let password = password.map(|password| format!(":{}", percent_encode(&password))).unwrap_or_default();
        let host = host.unwrap_or_else(|| "127.0.0.1".to_owned());
        let (port, database) = (self.postgres_port, percent_encode(&self.postgres_db));
        Ok(DatabaseConfig::Postgres(format!("postgres://{user}{password}@{host}:{port}/{database}").into()))
    }
}

/// Holds a data folder for the services of this process, as long as it lives.
pub struct FolderLock {
    _files: Vec<File>,
}

impl FolderLock {
    /// Takes the folder for these services. With PostgreSQL there is nothing to take.
    ///
    /// # Errors
    ///
    /// Another process has it, or it cannot be written.
    pub fn take(database: &DatabaseConfig, services: &[&str]) -> anyhow::Result<FolderLock> {
        if let DatabaseConfig::Folder { path, .. } = database {
            db::make_folder(path)?;
        }
        FolderLock::take_existing(database, services)
    }

    /// The same of a folder that is there: who only looks for data makes none.
    ///
    /// # Errors
    ///
    /// There is none, another process has it, or it cannot be written.
    pub fn take_existing(database: &DatabaseConfig, services: &[&str]) -> anyhow::Result<FolderLock> {
        let DatabaseConfig::Folder { path, .. } = database else { return Ok(FolderLock { _files: Vec::new() }) };
        anyhow::ensure!(path.is_dir(), "there is no data folder {}; name it with --data", path.display());
        let files = services.iter().map(|service| lock(path, service)).collect::<Result<_, _>>()?;
        Ok(FolderLock { _files: files })
    }
}

fn lock(folder: &Path, service: &str) -> anyhow::Result<File> {
    let path = folder.join(format!("{service}.lock"));
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "another dicetower is at work in the data folder {}; end it, or name another folder with --data",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
    }
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        database: DatabaseArgs,
    }

    #[track_caller]
    fn check(flags: &[&str], expected: &str) {
        use secrecy::ExposeSecret as _;
        let args = Flags::parse_from(["test"].iter().chain(flags)).database;
        let config = match args.config().unwrap() {
            DatabaseConfig::Folder { path, .. } => path.display().to_string(),
            DatabaseConfig::Postgres(url) => url.expose_secret().to_owned(),
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn without_a_word_the_data_lies_in_a_folder() {
        check(&[], "data");
        check(&["--data", "elsewhere"], "elsewhere");
    }

    #[test]
    fn host_or_password_alone_mean_postgresql() {
        check(&["--postgres-password", "p@ss/word"], "postgres://postgres:p%40ss%2Fword@127.0.0.1:5434/postgres");
        check(&["--postgres-host", "db", "--postgres-port", "5432"], "postgres://postgres@db:5432/postgres");
    }

    #[test]
    fn a_url_wins() {
        check(&["--database-url", "postgres://a@b/c", "--postgres-host", "db"], "postgres://a@b/c");
    }

    #[test]
    fn a_folder_serves_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let database = DatabaseConfig::Folder { path: folder.path().into(), fsync: false };
        let first = FolderLock::take(&database, &["dice"]).unwrap();

        assert!(FolderLock::take(&database, &["dice"]).is_err());
        drop(first);
        assert!(FolderLock::take(&database, &["dice"]).is_ok());
    }
}
