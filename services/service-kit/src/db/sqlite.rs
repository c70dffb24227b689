//! SQLite: statements run in the thread that asks, for they take microseconds, and a change of threads takes more.
//!
//! Only what may wait long goes to threads: to one a write while another is at it, or while another that has to reach the
//! disk is on its way there; to the other the moving of the log into the file.

use std::{
    collections::HashMap,
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock, TryLockError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context as _;
use rusqlite::{
    CachedStatement, Connection, OpenFlags, ToSql, ffi,
    types::{ToSqlOutput, ValueRef},
};
use sqlx::{
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{runtime::Handle, sync::mpsc};

use super::{AsOf, DbError, GROUP, QUEUE, Row, Statement, Value, Write, said};

/// How long a statement waits for another process that writes.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections for reads that are kept open.
const READERS: usize = 4;
/// Statements that a connection keeps prepared.
const PREPARED: usize = 128;
/// Commits after which the log is moved into the file. A commit logs a few pages of 4 KiB.
const COMMITS_PER_CHECKPOINT: u32 = 1000;

/// The database file of a service.
pub(super) struct Sqlite {
    file: PathBuf,
    fsync: bool,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    /// Since the log was last moved into the file.
    unmoved: AtomicU32,
    /// Of this process, which is the only one that writes.
    commits: Arc<AtomicU64>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What is left to threads.
#[derive(Clone)]
pub(super) struct Queues {
    /// Writes that do not go at once.
    pub(super) writes: mpsc::Sender<Write>,
    /// That the log is to be moved.
    log: SyncSender<()>,
}

impl Sqlite {
    /// Opens the file and brings its tables up to date.
    pub(super) async fn open(file: PathBuf, fsync: bool, migrator: &Migrator) -> anyhow::Result<Sqlite> {
        migrate(&file, migrator).await?;
        let name = || format!("open the database {}", file.display());
        let writer = connect(&file, fsync, OpenFlags::SQLITE_OPEN_READ_WRITE).with_context(name)?;
        // A thread does it, so that no caller waits for the disk.
        writer.pragma_update(None, "wal_autocheckpoint", 0).with_context(name)?;
        let (writer, readers) = (Mutex::new(writer), Mutex::default());
        Ok(Sqlite {
            file,
            fsync,
            writer,
            readers,
            unmoved: AtomicU32::new(0),
            commits: Arc::default(),
            threads: Mutex::default(),
        })
    }

    /// Starts the threads for what does not go at once; they end when all copies of the queues are gone.
    pub(super) fn start(self: Arc<Self>, service: &'static str) -> anyhow::Result<Queues> {
        let (writes, waiting) = mpsc::channel(QUEUE);
        let (log, due) = sync_channel(1);
        let connection = connect(&self.file, self.fsync, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let (writer, mover, told) = (self.clone(), self.clone(), log.clone());
        let threads = [
            thread(format!("{service}.db"), move || writer.work(waiting, &told))?,
            thread(format!("{service}.log"), move || mover.move_log(&connection, &due))?,
        ];
        lock(&self.threads).extend(threads);
        Ok(Queues { writes, log })
    }

    /// Waits until the threads have ended.
    pub(super) async fn ended(&self) {
        let threads = std::mem::take(&mut *lock(&self.threads));
        // A thread that has panicked has ended, too.
        let _ = tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join()))).await;
    }

    pub(super) fn fetch(&self, sql: &'static str, args: &[Value]) -> Result<Vec<Row>, DbError> {
        let waiting = lock(&self.readers).pop();
        let connection = match waiting {
            Some(connection) => connection,
            None => connect(&self.file, self.fsync, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let rows = read(&connection, sql, args)?;
        let mut readers = lock(&self.readers);
        if readers.len() < READERS {
            readers.push(connection);
        }
        Ok(rows)
    }

    pub(super) fn as_of(&self) -> AsOf {
        AsOf { seen: self.commits.load(Ordering::Acquire), commits: self.commits.clone() }
    }

    /// Writes if that is a matter of microseconds, or if a worker may wait for the disk.
    pub(super) fn write_now(&self, statements: &[Statement], queues: &Queues) -> Option<Result<(), DbError>> {
        let is_first = queues.writes.capacity() == queues.writes.max_capacity();
        let _wait = match self.fsync {
            true if is_first => Some(DiskWait::begin()?),
            true => return None,
            false => None,
        };
        let connection = match self.writer.try_lock() {
            Ok(connection) => connection,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let answer = commit_one(&connection, statements);
        drop(connection);
        self.count(&queues.log);
        Some(answer)
    }

    /// Takes what is waiting, commits it together, then tells everyone.
    fn work(&self, mut waiting: mpsc::Receiver<Write>, log: &SyncSender<()>) {
        let mut group = Vec::with_capacity(GROUP);
        while 0 < waiting.blocking_recv_many(&mut group, GROUP) {
            let connection = lock(&self.writer);
            // While the connection was busy, others have come.
            while group.len() < GROUP
                && let Ok(write) = waiting.try_recv()
            {
                group.push(write);
            }
            let answers = commit(&connection, &group);
            drop(connection);
            self.count(log);
            for (write, answer) in group.drain(..).zip(answers) {
                // Nobody may be waiting any more; what is committed stays.
                let _ = write.done.send(answer);
            }
        }
    }

    /// Counts a commit, before anybody is told of it; after so many the log is moved.
    fn count(&self, log: &SyncSender<()>) {
        self.commits.fetch_add(1, Ordering::Release);
        if self.unmoved.fetch_add(1, Ordering::Relaxed) + 1 == COMMITS_PER_CHECKPOINT {
            self.unmoved.store(0, Ordering::Relaxed);
            // If one is waiting already, it will take these along.
            let _ = log.try_send(());
        }
    }

    /// Moves the log into the file: most of it while others write, then what they have written meanwhile, and the rest
    /// while nobody writes, who does not wait long for it. Only a log that was moved to its end begins anew.
    fn move_log(&self, connection: &Connection, due: &Receiver<()>) {
        while due.recv().is_ok() {
            checkpoint(connection);
            checkpoint(connection);
            checkpoint(&lock(&self.writer));
        }
    }
}

fn thread(name: String, run: impl FnOnce() + Send + 'static) -> anyhow::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(run).context("start a thread of the database")
}

/// The wait of a worker of the runtime for the disk. Two changes of threads would take as long as a good disk; a bad one
/// keeps one worker of several.
struct DiskWait;

static IS_WAITED_FOR_DISK: AtomicBool = AtomicBool::new(false);

impl DiskWait {
    /// Begins it, if no worker waits already and there are others for what else is to be done.
    fn begin() -> Option<DiskWait> {
        let has_others = Handle::try_current().is_ok_and(|runtime| 1 < runtime.metrics().num_workers());
        (has_others && !IS_WAITED_FOR_DISK.swap(true, Ordering::Acquire)).then_some(DiskWait)
    }
}

impl Drop for DiskWait {
    fn drop(&mut self) {
        IS_WAITED_FOR_DISK.store(false, Ordering::Release);
    }
}

/// A lock that a panic cannot spoil: a connection that was left in a transaction rolls it back before the next.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the file if it is not there, for its owner alone; what SQLite makes beside it is as private.
fn make(file: &Path) -> anyhow::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("make the database {}", file.display()))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn migrate(file: &Path, migrator: &Migrator) -> anyhow::Result<()> {
    make(file)?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let pool = pool.with_context(|| format!("open the database {}", file.display()))?;
    migrator
        .run(&pool)
        .await
        .map_err(|error| said(error, migrator))
        .with_context(|| format!("migrate the database {}", file.display()))?;
    pool.close().await;
    Ok(())
}

fn connect(file: &Path, fsync: bool, access: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", if fsync { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

/// The texts of statements as SQLite counts their arguments, by where the text stands in memory and its length. To SQLite `$2` is a
/// name, which counts by where it first stands in the text, and is looked for among all; `?2` is the second argument.
static NUMBERED: LazyLock<RwLock<HashMap<(usize, usize), &'static str>>> = LazyLock::new(RwLock::default);

/// The statement with `?2` in place of `$2`; made once for each text of the program.
fn numbered(sql: &'static str) -> &'static str {
    let place = (sql.as_ptr().addr(), sql.len());
    if let Some(known) = NUMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&place) {
        return known;
    }
    let numbered: &'static str = sql.replace('$', "?").leak();
    NUMBERED.write().unwrap_or_else(PoisonError::into_inner).insert(place, numbered);
    numbered
}

/// A statement with its arguments.
fn prepare<'a>(
    connection: &'a Connection,
    sql: &'static str,
    args: &[Value],
) -> Result<CachedStatement<'a>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(numbered(sql))?;
    let count = statement.parameter_count();
    let args = args.get(..count).ok_or(rusqlite::Error::InvalidParameterCount(args.len(), count))?;
    for (index, arg) in args.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, arg)?;
    }
    Ok(statement)
}

fn read(connection: &Connection, sql: &'static str, args: &[Value]) -> Result<Vec<Row>, DbError> {
    let mut statement = prepare(connection, sql, args)?;
    let columns = statement.column_count();
    let mut found = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let value = |column| match row.get_ref(column)? {
            ValueRef::Null => Ok(Value::Integer(None)),
            ValueRef::Integer(number) => Ok(Value::Integer(Some(number))),
            other => Ok(Value::Text(Some(other.as_str()?.to_owned()))),
        };
        rows.push(Row((0..columns).map(value).collect::<Result<_, rusqlite::Error>>()?));
    }
    Ok(rows)
}

/// Commits writes together. Each is a savepoint of its own, so that one that fails takes no other with it.
fn commit(connection: &Connection, group: &[Write]) -> Vec<Result<(), DbError>> {
    if let [write] = group {
        return vec![commit_one(connection, &write.statements)];
    }
    let all = |connection: &Connection| {
        begin(connection)?;
        let mut answers = Vec::with_capacity(group.len());
        for write in group {
            run(connection, "SAVEPOINT one")?;
            let answer = execute(connection, &write.statements);
            if answer.is_err() {
                run(connection, "ROLLBACK TO one")?;
            }
            run(connection, "RELEASE one")?;
            answers.push(answer);
        }
        run(connection, "COMMIT")?;
        Ok(answers)
    };
    all(connection).unwrap_or_else(|error: DbError| group.iter().map(|_| Err(error.clone())).collect())
}

fn commit_one(connection: &Connection, statements: &[Statement]) -> Result<(), DbError> {
    if let [Statement { affecting: None, .. }] = statements {
        return execute(connection, statements);
    }
    begin(connection)?;
    execute(connection, statements).and_then(|()| run(connection, "COMMIT")).inspect_err(|_| roll_back(connection))
}

/// Begins a transaction; one that a failure has left open ends first.
fn begin(connection: &Connection) -> Result<(), DbError> {
    roll_back(connection);
    run(connection, "BEGIN IMMEDIATE")
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = run(connection, "ROLLBACK")
    {
        tracing::error!(%error, "a transaction cannot be rolled back");
    }
}

fn execute(connection: &Connection, statements: &[Statement]) -> Result<(), DbError> {
    for statement in statements {
        let rows = prepare(connection, statement.sql, &statement.args)?.raw_execute()?;
        if statement.affecting.is_some_and(|wanted| usize::try_from(wanted) != Ok(rows)) {
            return Err(DbError::Conflict);
        }
    }
    Ok(())
}

fn run(connection: &Connection, sql: &'static str) -> Result<(), DbError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Moves the log into the file, as far as no reader needs it any more.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the log cannot be moved into the database; it will be tried again");
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Value::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Value::Integer(Some(number)) => ValueRef::Integer(*number),
            Value::Text(None) | Value::Integer(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> DbError {
        const TAKEN: [i32; 3] =
            [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_ROWID];
        match error.sqlite_error() {
            Some(cause) if TAKEN.contains(&cause.extended_code) => DbError::Unique,
            _ => DbError::Database(Arc::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSERT: &str = "INSERT INTO things (id) VALUES ($1)";

    #[tokio::test]
    async fn a_log_that_was_moved_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kit.db");
        let migrator = super::super::migrator(&["CREATE TABLE things (id BIGINT NOT NULL PRIMARY KEY);"]);
        let sqlite = Sqlite::open(file.clone(), false, &migrator).await.unwrap();
        let insert = |ids: std::ops::Range<i64>| {
            for id in ids {
                commit_one(&lock(&sqlite.writer), &[Statement::new(INSERT, vec![id.into()])]).unwrap();
            }
        };
        let log = || std::fs::metadata(file.with_extension("db-wal")).unwrap().len();
        insert(0..100);
        let size = log();

        let (sender, due) = sync_channel(1);
        sender.send(()).unwrap();
        drop(sender);
        sqlite.move_log(&connect(&file, false, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap(), &due);

        insert(100..200);
        assert_eq!(log(), size, "the log goes on where it was");
        let rows = sqlite.fetch("SELECT COUNT(*) FROM things", &[]).unwrap();
        assert_eq!(rows[0].integer(0), 200);
    }
}
