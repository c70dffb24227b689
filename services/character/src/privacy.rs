//! What the character service keeps of one person, beside his sheets: what he changed and why, and answers that are kept
//! for a call that is made again.

use serde_json::{Value, json};
use service_kit::{
    auth::{audit::ERASED, erasing::Person},
    clock,
    db::{DatabaseConfig, Db, Row, Statement},
};

use crate::store::MIGRATIONS;

/// Rows that are written together.
const GROUP: usize = 200;

const CHANGES: &str = "SELECT subject_id, revision, subject, operation, actor, reason, summary, at FROM changes
    WHERE actor = $1 OR reason LIKE $2 ESCAPE '\\' OR summary LIKE $2 ESCAPE '\\' ORDER BY at, subject_id, revision";
const REPLACE: &str =
    "UPDATE changes SET actor = $3, reason = $4, summary = $5 WHERE subject_id = $1 AND revision = $2";
const FORGET: &str = "DELETE FROM answers WHERE request LIKE $1 ESCAPE '\\' OR answer LIKE $1 ESCAPE '\\'";

/// The changes that a person made, or in whose reason he is named.
///
/// # Errors
///
/// The database cannot be opened or fails.
pub async fn export_person(database: &DatabaseConfig, name: &str) -> anyhow::Result<Value> {
    let db = Db::open(database, "character", MIGRATIONS).await?;
    let changes = changes(&db, name).await?;
    let changes = changes.iter().filter(|row| erased(row, name).is_some()).map(|row| {
        json!({
            "subject": row.text(2), "operation": row.text(3), "actor": row.text(4), "reason": row.text(5),
            "summary": row.text(6), "at": clock::rfc3339(row.integer(7)),
        })
    });
    Ok(changes.collect())
}

/// Takes a person's name and reasons out of the log of changes, forgets the kept answers that name him, and answers how
/// many changes those were.
///
/// # Errors
///
/// The database cannot be opened or fails.
pub async fn erase_person(database: &DatabaseConfig, name: &str) -> anyhow::Result<usize> {
    let db = Db::open(database, "character", MIGRATIONS).await?;
    let changes = changes(&db, name).await?;
    let statements: Vec<_> = changes
        .iter()
        .filter_map(|row| {
            let [actor, reason, summary] = erased(row, name)?.map(Into::into);
            Some(Statement::new(REPLACE, vec![row.text(0).into(), row.integer(1).into(), actor, reason, summary]))
        })
        .collect();
    for group in statements.chunks(GROUP) {
        db.write(group.to_vec()).await?;
    }
    db.write(vec![Statement::new(FORGET, vec![pattern(name).into()])]).await?;
    Ok(statements.len())
}

async fn changes(db: &Db, name: &str) -> anyhow::Result<Vec<Row>> {
    Ok(db.fetch(CHANGES, vec![name.into(), pattern(name).into()]).await?)
}

/// Actor, reason and summary of a change without a person; `None` if there is nothing of him in them.
fn erased(row: &Row, name: &str) -> Option<[String; 3]> {
    let before = [row.text(4), row.text(5), row.text(6)];
    let person = Person::new(name, None);
    let mut after = before.clone().map(|text| person.erased(&text).unwrap_or(text));
    if before[0] == name && !before[1].is_empty() {
        after[1] = ERASED.to_owned();
    }
    (after != before).then_some(after)
}

/// A pattern for texts that hold the name.
fn pattern(name: &str) -> String {
    let escaped = name.chars().flat_map(|char| {
        let escape = matches!(char, '\\' | '%' | '_').then_some('\\');
        escape.into_iter().chain([char])
    });
    format!("%{}%", escaped.collect::<String>())
}
