//! `dicetower export` and `dicetower erase`: what is kept of one person, to take along or to take away.

use service_kit::{
    auth::{self, audit},
    db::DatabaseConfig,
};

use crate::database::FolderLock;

/// Writes all that is kept of a person as JSON: tokens without their secrets, characters, audit log, words at tables.
///
/// # Errors
///
/// A server is at work on the data, or a database cannot be opened.
pub async fn export(name: &str, database: &DatabaseConfig) -> anyhow::Result<()> {
    let _lock = FolderLock::take(database, &["orchestrator"])?;
    let mut kept = audit::export(&auth::open(database).await?, name).await?;
    kept["name"] = name.into();
    kept["events"] = orchestrator::export_person(database, name).await?;
    crate::tell(&serde_json::to_string_pretty(&kept)?)
}

/// Revokes a person's tokens, frees his characters, and takes his name and words out of logs. It cannot be undone.
///
/// # Errors
///
/// A server is at work on the data, or a database cannot be opened.
pub async fn erase(name: &str, database: &DatabaseConfig) -> anyhow::Result<()> {
    let _lock = FolderLock::take(database, &["orchestrator"])?;
    audit::erase(&auth::open(database).await?, name).await?;
    let events = orchestrator::erase_person(database, name).await?;
    crate::tell(&format!("{name} is erased from the tokens, the audit log and {events} events of sessions"))
}
