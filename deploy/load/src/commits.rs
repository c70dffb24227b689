//! What a commit that survives a power cut costs by itself, without a server: a row written to SQLite.

use std::time::{Duration, Instant};

use crate::stats::median;

/// The p50 of so many commits, one after the other.
pub async fn bare(commits: usize) -> anyhow::Result<Duration> {
    tokio::task::spawn_blocking(move || measure(commits)).await?
}

fn measure(commits: usize) -> anyhow::Result<Duration> {
    let folder = tempfile::tempdir()?;
    let connection = rusqlite::Connection::open(folder.path().join("bare.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE entries (number INTEGER PRIMARY KEY, text TEXT NOT NULL)")?;
    let mut insert = connection.prepare("INSERT INTO entries (text) VALUES (?1)")?;
    // About as much as an entry of a game's log.
    let entry = "x".repeat(500);
    let mut times = Vec::with_capacity(commits);
    for _ in 0..commits {
        let begun = Instant::now();
        insert.execute([&entry])?;
        times.push(begun.elapsed());
    }
    Ok(median(times))
}
