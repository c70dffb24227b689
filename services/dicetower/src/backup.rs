//! `dicetower backup`, `restore` and `import`: all data into one file, out of it, and from SQLite into PostgreSQL.

use std::path::Path;

use anyhow::Context as _;
use service_kit::{
    backup::{self, Contents},
    db::{DatabaseConfig, Schema},
};

use crate::{database::FolderLock, replay, tell, tower::KEEPERS};

/// The data of every service, callers before those they call.
pub(crate) const SCHEMAS: [Schema; 5] =
    [service_kit::auth::SCHEMA, orchestrator::SCHEMA, fsm::SCHEMA, character::SCHEMA, dice::SCHEMA];
/// The file of keys that a data folder holds.
const KEYS: &str = "dice-signing.keys";

/// Backs up the database to a file, and proves that what is in the file can be played again.
pub(crate) async fn write(database: &DatabaseConfig, file: &Path) -> anyhow::Result<()> {
    let contents = backup::write(database, &SCHEMAS, file).await?;
    let replayed = replay::replay(file).await.with_context(|| {
        format!("{} was written, but what is in it does not hold together; keep it and the data", file.display())
    })?;
    tell(&format!("{} holds {}.\n{replayed}", file.display(), counted(&contents)))
}

/// Restores a file into an empty database.
pub(crate) async fn restore(database: &DatabaseConfig, file: &Path) -> anyhow::Result<()> {
    // A file that is of no use leaves nothing behind.
    backup::check(file, &SCHEMAS)?;
    let replayed = replay::replay(file).await.context("what is in the backup does not hold together")?;
    let _lock = FolderLock::take(database, &KEEPERS)?;
    let contents = backup::restore(file, database, &SCHEMAS).await?;
    tell(&format!("Restored {} of {}.\n{replayed}", counted(&contents), contents.taken_at))?;
    keep_keys(database, file, &contents)
}

/// Copies a folder of SQLite files into the PostgreSQL database.
pub(crate) async fn import(database: &DatabaseConfig, folder: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        matches!(database, DatabaseConfig::Postgres(_)),
        "name the PostgreSQL database that is to hold the data with --database-url"
    );
    let source = DatabaseConfig::Folder { path: folder.to_owned(), fsync: false };
    // Nobody may go on in the folder what has moved to PostgreSQL.
    anyhow::ensure!(
        SCHEMAS.iter().any(|schema| folder.join(format!("{}.db", schema.service)).exists()),
        "there is no data in the folder {}",
        folder.display()
    );
    let _lock = FolderLock::take(&source, &KEEPERS)?;
    let scratch = tempfile::tempdir().context("make a temporary folder")?;
    let file = scratch.path().join("import");
    backup::write(&source, &SCHEMAS, &file).await?;
    let replayed = replay::replay(&file).await.context("the data does not hold together")?;
    let contents = backup::restore(&file, database, &SCHEMAS).await?;
    tell(&format!("{} are in PostgreSQL now.\n{replayed}", counted(&contents)))?;
    let keys = folder.join(KEYS);
    if keys.exists() {
        tell(&format!(
            "The keys that sign the roll log stay in {}: give them to the dice service with --dice-signing-keys.",
            keys.display()
        ))?;
    }
    Ok(())
}

/// PostgreSQL has no place for the keys that sign the roll log, so they lie beside the backup.
fn keep_keys(database: &DatabaseConfig, file: &Path, contents: &Contents) -> anyhow::Result<()> {
    let is_postgres = matches!(database, DatabaseConfig::Postgres(_));
    if !is_postgres || !contents.files.iter().any(|name| name == KEYS) {
        return Ok(());
    }
    let keys = file.with_file_name(KEYS);
    backup::extract(file, KEYS, &keys)?;
    let keys = keys.display();
    tell(&format!(
        "The keys that sign the roll log are in {keys}: give them to the dice service with --dice-signing-keys."
    ))
}

fn counted(contents: &Contents) -> String {
    let (rows, tables) = (contents.rows(), contents.tables.len());
    format!("{rows} rows of {tables} tables, taken at {}", contents.taken_at)
}
