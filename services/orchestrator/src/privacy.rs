//! What the logs of sessions hold of one person: to take along, or to take away. Only while no orchestrator runs on the
//! database, since a session in memory knows what it has read.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use service_kit::db::{DatabaseConfig, Db, Statement};

use crate::store::Store;

/// What stands in place of a person's name and words.
const ERASED: &str = "(erased)";
/// Rows that are written together.
const GROUP: usize = 200;

const OF: &str = "SELECT session_id, seq, text_offset, event FROM events WHERE event LIKE $1 ESCAPE '\\'
    ORDER BY session_id, seq, text_offset";
/// A snapshot repeats what the log said; without it the log is read anew.
const FORGET: &str = "DELETE FROM snapshots WHERE session_id = $1";
const REPLACE: &str = "UPDATE events SET event = $4 WHERE session_id = $1 AND seq = $2 AND text_offset = $3";

/// The events in which a person speaks, is spoken to, or is named as present.
///
/// # Errors
///
/// The database cannot be opened or fails.
pub async fn export_person(database: &DatabaseConfig, name: &str) -> anyhow::Result<Value> {
    let events: Vec<_> = events_of(Store::open(database).await?.db(), name)
        .await?
        .into_iter()
        .map(|(session_id, seq, _, event)| json!({"session_id": session_id, "seq": seq, "event": event}))
        .collect();
    Ok(Value::Array(events))
}

/// Takes a person's name and words out of every log, and answers how many events that were. The story the game master
/// told stays.
///
/// # Errors
///
/// The database cannot be opened or fails.
pub async fn erase_person(database: &DatabaseConfig, name: &str) -> anyhow::Result<usize> {
    let store = Store::open(database).await?;
    let events = events_of(store.db(), name).await?;
    let sessions: BTreeSet<String> = events.iter().map(|(session_id, ..)| session_id.clone()).collect();
    let statements: Vec<_> = events
        .into_iter()
        .map(|(session_id, seq, offset, mut event)| {
            erase(&mut event, name);
            Statement::new(REPLACE, vec![session_id.into(), seq.into(), offset.into(), event.to_string().into()])
        })
        .collect();
    let count = statements.len();
    for group in statements.chunks(GROUP) {
        store.db().write(group.to_vec()).await?;
    }
    let snapshots: Vec<_> =
        sessions.into_iter().map(|session_id| Statement::new(FORGET, vec![session_id.into()])).collect();
    for group in snapshots.chunks(GROUP) {
        store.db().write(group.to_vec()).await?;
    }
    Ok(count)
}

type Found = (String, i64, i64, Value);

async fn events_of(db: &Db, name: &str) -> anyhow::Result<Vec<Found>> {
    let quoted = json!(name).to_string();
    let pattern: String = quoted
        .chars()
        .flat_map(|char| {
            let escape = matches!(char, '\\' | '%' | '_').then_some('\\');
            escape.into_iter().chain([char])
        })
        .collect();
    let rows = db.fetch(OF, vec![format!("%{pattern}%").into()]).await?;
    let read = rows.iter().filter_map(|row| {
        let event: Value = serde_json::from_str(&row.text(3)).ok()?;
        Some((row.text(0), row.integer(1), row.integer(2), event))
    });
    Ok(read.filter(|(_, _, _, event)| names(event, name)).collect())
}

/// Whether a text of an event is the name.
fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(fields) => fields.values().any(|field| names(field, name)),
        _ => false,
    }
}

fn erase(value: &mut Value, name: &str) {
    match value {
        Value::String(text) if text == name => *text = ERASED.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| erase(item, name)),
        Value::Object(fields) => {
            let is_author =
                ["name", "from"].iter().any(|field| fields.get(*field).and_then(Value::as_str) == Some(name));
            if is_author && let Some(message) = fields.get_mut("message") {
                *message = ERASED.into();
            }
            fields.values_mut().for_each(|field| erase(field, name));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_words_go_with_his_name_and_others_stay() {
        let mut event = json!({
            "visible_to": ["Anna", "Bert"],
            "whisper": {"from": "Anna", "to": "Bert", "message": "the vault"},
        });
        assert!(names(&event, "Anna") && !names(&event, "Ann"));

        erase(&mut event, "Bert");
        assert_eq!(event["whisper"], json!({"from": "Anna", "to": ERASED, "message": "the vault"}));
        erase(&mut event, "Anna");
        assert_eq!(event["whisper"], json!({"from": ERASED, "to": ERASED, "message": ERASED}));
        assert_eq!(event["visible_to"], json!([ERASED, ERASED]));
    }
}
