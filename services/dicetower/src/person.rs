//! `dicetower export` and `dicetower erase`: what is kept of one person, to take along or to take away.

use std::time::Duration;

use service_kit::{
    auth::{self, audit},
    db::DatabaseConfig,
};

use crate::database::FolderLock;

/// Whose data must stand still: a server would go on with what it has in memory.
const AT_REST: [&str; 3] = ["orchestrator", "dice", "character"];

/// Writes all that is kept of a person as JSON: tokens without their secrets, characters, audit log, words at tables, rolls.
///
/// # Errors
///
/// A server is at work on the data, there is none, or a database cannot be opened.
pub async fn export(name: &str, database: &DatabaseConfig, lease: Duration) -> anyhow::Result<()> {
    let _lock = FolderLock::take_existing(database, &AT_REST)?;
    let at_tables = orchestrator::export_person(database, name, lease).await?;
    let mut kept = audit::export(&auth::open(database).await?, name).await?;
    kept["name"] = name.into();
    kept["changes"] = character::export_person(database, name).await?;
    kept["rolls"] = dice::export_person(database, name).await?;
    if let (Some(kept), Some(at_tables)) = (kept.as_object_mut(), at_tables.as_object()) {
        kept.extend(at_tables.clone());
    }
    crate::tell(&serde_json::to_string_pretty(&kept)?)
}

/// Revokes a person's tokens, frees his characters, and takes his name and words out of logs. It cannot be undone.
///
/// # Errors
///
/// A server is at work on the data, there is none, a database cannot be opened, or nothing is kept of that name.
pub async fn erase(name: &str, database: &DatabaseConfig, lease: Duration) -> anyhow::Result<()> {
    anyhow::ensure!(!name.trim().is_empty(), "whom? A name has at least one character");
    anyhow::ensure!(name != audit::ERASED, "{name} is what stands in place of those who were erased");
    let _lock = FolderLock::take_existing(database, &AT_REST)?;
    // First what may be refused because somebody is at work.
    let events = orchestrator::erase_person(database, name, lease).await?;
    let rolls = dice::erase_person(database, name).await?;
    let changes = character::erase_person(database, name).await?;
    let entries = audit::erase(&auth::open(database).await?, name).await?;
    anyhow::ensure!(
        0 < events + rolls + changes + entries,
        "nothing is kept of anybody named {name:?}, so nothing was erased; a name is written as tokens and tables have it"
    );
    crate::tell(&format!(
        "{name} is erased from {entries} tokens, characters and entries of the audit log, {events} events of sessions, \
         {rolls} rolls and {changes} changes of sheets"
    ))
}
