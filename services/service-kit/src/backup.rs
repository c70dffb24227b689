//! A backup: every table of every service as of one moment, in one file that proves itself.
//!
//! The file is text, a JSON value a line: a head; for each table its name and columns, then its rows; last the number of
//! rows and the SHA-256 of all lines before. It is the same whichever database it comes from, so that what SQLite held
//! can be restored into PostgreSQL and the other way round.
//!
//! It may be taken while everything runs. With PostgreSQL all tables are read in one transaction. With SQLite each
//! service has a file of its own: writers are held back for the moment in which a view of every file is taken, callers
//! before those they call, so that what a caller knows to be done is there.

mod connection;
mod file;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;

use self::{
    connection::Connection,
    file::{Line, Reader, Table, Writer},
};
use crate::{
    clock,
    db::{DatabaseConfig, Db, Schema},
};

/// How long one file's writer is waited for while those of others are held back: with five files, less than a second in
/// all.
const BARRIER: Duration = Duration::from_millis(150);
/// Tries to hold all writers back at once.
const ATTEMPTS: u32 = 50;
/// The version of the file's form. A file of another version is refused.
const FORMAT: u64 = 1;
/// Files that lie beside the databases in a data folder and belong to the data: the keys that sign the roll log.
const FILES: [&str; 1] = ["dice-signing.keys"];

/// What a backup holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// When it was taken, RFC 3339.
    pub taken_at: String,
    /// The schema version of each service.
    pub schemas: BTreeMap<String, usize>,
    /// Each table, as `service.table`.
    pub tables: BTreeMap<String, Sum>,
    /// Files that lay beside the databases.
    pub files: Vec<String>,
}

/// How many rows a table has, and a sum over them that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rows.
    pub rows: u64,
    /// The sum of the first and of the second halves of the rows' SHA-256.
    digest: [u128; 2],
}

impl Contents {
    /// All rows.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|sum| sum.rows).sum()
    }
}

/// Writes a backup of `database` to `path`. `schemas` are those of the services, callers before those they call.
///
/// # Errors
///
/// The file is there already or cannot be written; there is no data; the data is of a later version than this program.
pub async fn write(database: &DatabaseConfig, schemas: &[Schema], path: &Path) -> anyhow::Result<Contents> {
    anyhow::ensure!(!path.exists(), "{} is there already; a backup does not overwrite", path.display());
    let mut sources = open_at_one_moment(database, schemas).await?;
    anyhow::ensure!(!sources.is_empty(), "there is no data to back up: {}", place(database));
    let mut contents = Contents { taken_at: clock::now(), ..Contents::default() };
    for (schema, source) in &mut sources {
        let version = source.version(schema.service).await?;
        refuse_unknown(schema, version)?;
        contents.schemas.insert(schema.service.to_owned(), version);
    }

    let part = path.with_added_extension("part");
    let mut writer = Writer::create(&part).with_context(|| format!("write {}", part.display()))?;
    writer.line(&Line::head(FORMAT, &contents))?;
    for (schema, source) in &mut sources {
        for table in source.tables(schema.service).await? {
            writer.line(&Line::Table(table.clone()))?;
            let mut sum = Sum::default();
            source
                .rows(schema.service, &table, |row| {
                    sum.add(&row);
                    Ok(writer.row(&row)?)
                })
                .await?;
            contents.tables.insert(table.name, sum);
        }
    }
    if let DatabaseConfig::Folder { path: folder, .. } = database {
        for name in FILES {
            let Ok(text) = std::fs::read_to_string(folder.join(name)) else { continue };
            writer.line(&Line::File { name: name.to_owned(), text })?;
            contents.files.push(name.to_owned());
        }
    }
    writer.finish(contents.rows())?;
    std::fs::rename(&part, path).with_context(|| format!("name the backup {}", path.display()))?;
    Ok(contents)
}

/// Reads a whole backup and answers with what it holds.
///
/// # Errors
///
/// It is damaged or cut short, or of a later version than this program.
pub fn check(path: &Path, schemas: &[Schema]) -> anyhow::Result<Contents> {
    let mut reader = Reader::open(path)?;
    let mut contents = reader.head()?;
    let mut table = None;
    while let Some(line) = reader.next()? {
        match line {
            Line::Table(next) => {
                contents.tables.insert(next.name.clone(), Sum::default());
                table = Some(next.name);
            }
            Line::Row(row) => {
                let sum = table.as_ref().and_then(|table| contents.tables.get_mut(table));
                sum.context("the backup is damaged: a row belongs to no table")?.add(&row);
            }
            Line::File { name, .. } => contents.files.push(name),
            Line::Head { .. } | Line::End { .. } => anyhow::bail!("the backup is damaged: it begins twice"),
        }
    }
    for (service, version) in &contents.schemas {
        let schema = schemas.iter().find(|schema| schema.service == service);
        let schema =
            schema.with_context(|| format!("the backup holds data of {service}, which this program does not know"))?;
        refuse_unknown(schema, *version)?;
    }
    Ok(contents)
}

/// Restores a backup into an empty database, brings it to the version of this program, and compares what is there with
/// what the file holds. Until that has been done, nothing is where a service would find it.
///
/// # Errors
///
/// What [`check`] refuses; there is data already; what was written is not what is read.
pub async fn restore(path: &Path, database: &DatabaseConfig, schemas: &[Schema]) -> anyhow::Result<Contents> {
    let contents = check(path, schemas)?;
    let known: Vec<Schema> =
        schemas.iter().filter(|schema| contents.schemas.contains_key(schema.service)).copied().collect();
    for schema in schemas {
        let is_there = match database {
            DatabaseConfig::Folder { path, .. } => path.join(format!("{}.db", schema.service)).exists(),
            DatabaseConfig::Postgres(_) => {
                Connection::open(database, schema.service).await?.has_data(schema.service).await?
            }
        };
        anyhow::ensure!(
            !is_there,
            "{} holds data of {} already; restore into an empty place, or move that away first",
            place(database),
            schema.service
        );
    }
    match database {
        DatabaseConfig::Postgres(_) => fill(path, database, &known, &contents).await?,
        DatabaseConfig::Folder { path: folder, fsync } => {
            let part = folder.join("restoring");
            if part.exists() {
                std::fs::remove_dir_all(&part).with_context(|| format!("clear {}", part.display()))?;
            }
            fill(path, &DatabaseConfig::Folder { path: part.clone(), fsync: *fsync }, &known, &contents).await?;
            move_up(&part, folder)?;
        }
    }
    Ok(contents)
}

/// Moves what was restored to where services look for it.
fn move_up(part: &Path, folder: &Path) -> anyhow::Result<()> {
    let moved = || -> std::io::Result<()> {
        for entry in std::fs::read_dir(part)? {
            let entry = entry?;
            std::fs::rename(entry.path(), folder.join(entry.file_name()))?;
        }
        std::fs::remove_dir(part)
    };
    moved().with_context(|| format!("move what was restored from {} to {}", part.display(), folder.display()))
}

async fn fill(path: &Path, database: &DatabaseConfig, schemas: &[Schema], contents: &Contents) -> anyhow::Result<()> {
    for schema in schemas {
        let version = contents.schemas[schema.service];
        Db::open(database, schema.service, &schema.migrations[..version]).await?.close().await;
    }
    let mut targets = Targets::open(database, schemas).await?;
    let mut reader = Reader::open(path)?;
    reader.head()?;
    let mut table: Option<Table> = None;
    while let Some(line) = reader.next()? {
        match line {
            Line::Table(next) => table = Some(next),
            Line::Row(row) => {
                let table = table.as_ref().context("the backup is damaged: a row belongs to no table")?;
                targets.of(table)?.insert(table, row).await?;
            }
            Line::File { name, text } => keep_file(database, &name, &text)?,
            Line::Head { .. } | Line::End { .. } => {}
        }
    }
    targets.commit().await?;
    compare(database, schemas, path, contents).await?;
    for schema in schemas {
        Db::open(database, schema.service, schema.migrations).await?.close().await;
    }
    Ok(())
}

/// Reads everything again and compares.
async fn compare(
    database: &DatabaseConfig,
    schemas: &[Schema],
    path: &Path,
    contents: &Contents,
) -> anyhow::Result<()> {
    let mut targets = Targets::open(database, schemas).await?;
    let mut reader = Reader::open(path)?;
    reader.head()?;
    while let Some(line) = reader.next()? {
        let Line::Table(table) = line else { continue };
        let mut sum = Sum::default();
        let service = table.service().to_owned();
        targets
            .of(&table)?
            .rows(&service, &table, |row| {
                sum.add(&row);
                Ok(())
            })
            .await?;
        anyhow::ensure!(
            contents.tables.get(&table.name) == Some(&sum),
            "the table {} has not come back as it was; the database is not what was backed up",
            table.name
        );
    }
    targets.commit().await
}

/// The connections into which, or from which, tables go: one a file of SQLite, one for all of PostgreSQL.
struct Targets {
    connections: BTreeMap<String, Connection>,
    shared: Option<Connection>,
}

impl Targets {
    async fn open(database: &DatabaseConfig, schemas: &[Schema]) -> anyhow::Result<Targets> {
        let mut targets = Targets { connections: BTreeMap::new(), shared: None };
        match database {
            DatabaseConfig::Postgres(_) => {
                let mut connection = Connection::open(database, "").await?;
                connection.execute("BEGIN").await?;
                targets.shared = Some(connection);
            }
            DatabaseConfig::Folder { .. } => {
                for schema in schemas {
                    let mut connection = Connection::open(database, schema.service).await?;
                    connection.execute("BEGIN").await?;
                    targets.connections.insert(schema.service.to_owned(), connection);
                }
            }
        }
        Ok(targets)
    }

    fn of(&mut self, table: &Table) -> anyhow::Result<&mut Connection> {
        let own = self.connections.get_mut(table.service());
        own.or(self.shared.as_mut())
            .with_context(|| format!("the backup is damaged: {} belongs to no service", table.name))
    }

    async fn commit(self) -> anyhow::Result<()> {
        for mut connection in self.connections.into_values().chain(self.shared) {
            connection.execute("COMMIT").await?;
            connection.close().await?;
        }
        Ok(())
    }
}

/// A view of each service's tables, all of one moment. Services without data are left out.
async fn open_at_one_moment(
    database: &DatabaseConfig,
    schemas: &[Schema],
) -> anyhow::Result<Vec<(Schema, Connection)>> {
    let mut sources = Vec::new();
    match database {
        DatabaseConfig::Postgres(_) => {
            // One transaction's view, lent to a connection for each service.
            let mut first = Connection::open(database, "").await?;
            first.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            let snapshot = first.text("SELECT pg_export_snapshot()").await?;
            for schema in schemas {
                let mut connection = Connection::open(database, "").await?;
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                connection.execute(&format!("SET TRANSACTION SNAPSHOT '{snapshot}'")).await?;
                if connection.has_data(schema.service).await? {
                    sources.push((*schema, connection));
                }
            }
        }
        DatabaseConfig::Folder { path, .. } => {
            let there = schemas.iter().filter(|schema| path.join(format!("{}.db", schema.service)).exists());
            let mut writers = Vec::new();
            for schema in there {
                writers.push(Connection::open_impatiently(database, schema.service, BARRIER).await?);
                sources.push((*schema, Connection::open(database, schema.service).await?));
            }
            let mut attempts = 0;
            while let Err(error) = view_at_once(&mut writers, &mut sources).await {
                attempts += 1;
                if attempts == ATTEMPTS {
                    return Err(error.context("hold back the writers"));
                }
            }
            for writer in writers {
                writer.close().await?;
            }
        }
    }
    Ok(sources)
}

/// Takes a view of every file while nobody writes to any; if a writer does not make way at once, all go on.
async fn view_at_once(writers: &mut [Connection], sources: &mut [(Schema, Connection)]) -> anyhow::Result<()> {
    let mut held = 0;
    let mut viewed = Ok(());
    for writer in writers.iter_mut() {
        viewed = writer.execute("BEGIN IMMEDIATE").await;
        if viewed.is_err() {
            break;
        }
        held += 1;
    }
    if viewed.is_ok() {
        for (_, source) in sources {
            source.execute("BEGIN").await?;
            // The view is that of the first read.
            source.text("SELECT CAST(COUNT(*) AS TEXT) FROM sqlite_master").await?;
        }
    }
    for writer in &mut writers[..held] {
        writer.execute("ROLLBACK").await?;
    }
    viewed
}

fn refuse_unknown(schema: &Schema, version: usize) -> anyhow::Result<()> {
    let (service, known) = (schema.service, schema.migrations.len());
    anyhow::ensure!(
        version <= known,
        "the data of {service} is of version {version}, and this program knows no later one than {known}; use a newer one"
    );
    Ok(())
}

fn keep_file(database: &DatabaseConfig, name: &str, text: &str) -> anyhow::Result<()> {
    let DatabaseConfig::Folder { path, .. } = database else { return Ok(()) };
    anyhow::ensure!(FILES.contains(&name), "the backup holds a file {name:?}, which this program does not know");
    let path: PathBuf = path.join(name);
    file::write_private(&path, text).with_context(|| format!("write {}", path.display()))
}

fn place(database: &DatabaseConfig) -> String {
    match database {
        DatabaseConfig::Folder { path, .. } => format!("the folder {}", path.display()),
        DatabaseConfig::Postgres(_) => "the PostgreSQL database".to_owned(),
    }
}

/// Writes a file that a backup holds beside its tables to `target`, for whoever restores into PostgreSQL, which has no
/// place for it.
///
/// # Errors
///
/// The backup cannot be read or holds no such file; `target` is there already or cannot be written.
pub fn extract(path: &Path, name: &str, target: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(!target.exists(), "{} is there already", target.display());
    let mut reader = Reader::open(path)?;
    reader.head()?;
    while let Some(line) = reader.next()? {
        if let Line::File { name: found, text } = line
            && found == name
        {
            return file::write_private(target, &text).with_context(|| format!("write {}", target.display()));
        }
    }
    anyhow::bail!("the backup holds no file {name:?}")
}

#[cfg(test)]
mod tests;
