//! What the logs of sessions hold of one person: to take along, or to take away. Only while no orchestrator runs on the
//! database, since a session in memory knows what it has read.
//!
//! His name and his words stand not only where he speaks: a model repeats them in the calls of a turn, as the reason of a
//! roll. What the game master narrated stays as it was told.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};
use service_kit::{
    auth::{audit::ERASED, erasing::Person},
    db::{DatabaseConfig, Db, Statement},
    replicas,
};

use crate::store::Store;

/// Rows that are written together.
const GROUP: usize = 200;
/// What the game master told: the story of all who played.
const TOLD: [&str; 2] = ["narrative", "complete"];

const SESSIONS: &str = "SELECT DISTINCT session_id FROM events WHERE event LIKE $1 ESCAPE '\\' ORDER BY session_id";
const OF_SESSION: &str = "SELECT seq, text_offset, event FROM events WHERE session_id = $1 ORDER BY seq, text_offset";
/// A snapshot repeats what the log said; without it the log is read anew.
const FORGET: &str = "DELETE FROM snapshots WHERE session_id = $1";
const REPLACE: &str = "UPDATE events SET event = $4 WHERE session_id = $1 AND seq = $2 AND text_offset = $3";
const USED: &str = "SELECT day, tokens FROM usage WHERE scope = $1 ORDER BY day";
const FORGET_USE: &str = "DELETE FROM usage WHERE scope = $1";

/// The events in which a person speaks, is spoken to, is named or quoted, and what models have written for him.
///
/// # Errors
///
/// An orchestrator runs on the database, or it cannot be opened or fails.
pub async fn export_person(database: &DatabaseConfig, name: &str, lease: Duration) -> anyhow::Result<Value> {
    let store = open_alone(database, lease).await?;
    let mut events = Vec::new();
    for found in found(store.db(), name).await? {
        let Found { session_id, seq, event, .. } = found;
        events.push(json!({"session_id": session_id, "seq": seq, "event": event}));
    }
    let used = store.db().fetch(USED, vec![scope(name).into()]).await?;
    let used: Vec<_> = used.iter().map(|row| json!({"day": row.text(0), "tokens": row.integer(1)})).collect();
    Ok(json!({"events": events, "usage": used}))
}

/// Takes a person's name and words out of every log, and answers how many entries that were.
///
/// # Errors
///
/// An orchestrator runs on the database, or it cannot be opened or fails.
pub async fn erase_person(database: &DatabaseConfig, name: &str, lease: Duration) -> anyhow::Result<usize> {
    let store = open_alone(database, lease).await?;
    let found = found(store.db(), name).await?;
    let used = store.db().fetch(USED, vec![scope(name).into()]).await?.len();
    let count = found.len() + used;
    let sessions: BTreeSet<String> = found.iter().map(|found| found.session_id.clone()).collect();
    let replaced = found.into_iter().map(|Found { session_id, seq, offset, erased, .. }| {
        Statement::new(REPLACE, vec![session_id.into(), seq.into(), offset.into(), erased.to_string().into()])
    });
    let forgotten = sessions.into_iter().map(|session_id| Statement::new(FORGET, vec![session_id.into()]));
    let mut statements: Vec<_> = replaced.chain(forgotten).collect();
    statements.push(Statement::new(FORGET_USE, vec![scope(name).into()]));
    for group in statements.chunks(GROUP) {
        store.db().write(group.to_vec()).await?;
    }
    Ok(count)
}

/// Under which name of his what models write is counted.
fn scope(name: &str) -> String {
    format!("player/{}", name.to_lowercase())
}

/// Opens the logs, if no orchestrator is at work on them. Of a folder of files its lock tells.
async fn open_alone(database: &DatabaseConfig, lease: Duration) -> anyhow::Result<Store> {
    let store = Store::open(database).await?;
    if let DatabaseConfig::Postgres(_) = database {
        let alive = replicas::alive(store.db(), lease).await.context("look for orchestrators")?;
        anyhow::ensure!(
            alive.is_none(),
            "an orchestrator ({}) is at work on this database and would go on with what it has in memory; end it first",
            alive.unwrap_or_default()
        );
    }
    Ok(store)
}

/// An event in which there is something of a person.
struct Found {
    session_id: String,
    seq: i64,
    offset: i64,
    event: Value,
    /// The same without him.
    erased: Value,
}

async fn found(db: &Db, name: &str) -> anyhow::Result<Vec<Found>> {
    let quoted = json!(name).to_string();
    let pattern: String = quoted
        .chars()
        .flat_map(|char| {
            let escape = matches!(char, '\\' | '%' | '_').then_some('\\');
            escape.into_iter().chain([char])
        })
        .collect();
    let mut found = Vec::new();
    for session in db.fetch(SESSIONS, vec![format!("%{pattern}%").into()]).await? {
        let session_id = session.text(0);
        let rows = db.fetch(OF_SESSION, vec![session_id.as_str().into()]).await?;
        let events: Vec<(i64, i64, Value)> = rows
            .iter()
            .filter_map(|row| Some((row.integer(0), row.integer(1), serde_json::from_str(&row.text(2)).ok()?)))
            .collect();
        let words = events.iter().flat_map(|(.., event)| said(event, name));
        let person = Person::new(name, words);
        for (seq, offset, event) in events {
            let mut erased = event.clone();
            erase(&mut erased, &person);
            if erased != event {
                found.push(Found { session_id: session_id.clone(), seq, offset, event, erased });
            }
        }
    }
    Ok(found)
}

/// What a person says in an event.
fn said(event: &Value, name: &str) -> Vec<String> {
    let bodies = event.as_object().into_iter().flat_map(|fields| fields.values());
    let his = bodies.filter(|body| is_author(body, name));
    his.filter_map(|body| body["message"].as_str().map(str::to_owned)).collect()
}

fn is_author(body: &Value, name: &str) -> bool {
    ["name", "from"].iter().any(|field| body.get(field).and_then(Value::as_str) == Some(name))
}

fn erase(event: &mut Value, person: &Person) {
    let Some(fields) = event.as_object_mut() else { return };
    let told: Vec<_> = TOLD.into_iter().filter_map(|field| fields.remove_entry(field)).collect();
    for body in fields.values_mut().filter(|body| is_author(body, person.name())) {
        if let Some(message) = body.get_mut("message") {
            *message = ERASED.into();
        }
    }
    person.erase(event);
    if let Some(fields) = event.as_object_mut() {
        fields.extend(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erase_one(event: &mut Value, name: &str) {
        let person = Person::new(name, said(event, name));
        erase(event, &person);
    }

    #[test]
    fn a_persons_words_go_with_his_name_and_others_stay() {
        let mut event = json!({
            "visible_to": ["Anna", "Bert"],
            "whisper": {"from": "Anna", "to": "Bert", "message": "the vault"},
        });

        erase_one(&mut event, "Ann");
        assert_eq!(event["whisper"]["message"], "the vault", "Ann is another");
        erase_one(&mut event, "Bert");
        assert_eq!(event["whisper"], json!({"from": "Anna", "to": ERASED, "message": "the vault"}));
        erase_one(&mut event, "Anna");
        assert_eq!(event["whisper"], json!({"from": ERASED, "to": ERASED, "message": ERASED}));
        assert_eq!(event["visible_to"], json!([ERASED, ERASED]));
    }

    #[test]
    fn the_calls_of_a_turn_do_not_repeat_them() {
        let words = "I, Quentin, look around the warehouse";
        let call = json!({"pool": 6, "reason": words});
        let message = json!({"seq": 1, "player_message": {"name": "Quentin", "message": words}});
        let planned = json!({"tool_execution": {"tools": ["roll_dice"], "calls": [
            {"call_id": "c-1", "tool": "roll_dice", "arguments": call.to_string()}]}});
        let made = json!({"tool_call": {"tool": "roll_dice", "call_id": "c-1", "arguments": call}});
        let told = json!({"narrative": {"content": "Quentin looks around.", "offset": 0}});
        let person = Person::new("Quentin", said(&message, "Quentin"));
        let erased = |event: &Value| {
            let mut event = event.clone();
            erase(&mut event, &person);
            event
        };

        let calls = &erased(&planned)["tool_execution"]["calls"][0];
        let arguments: Value = serde_json::from_str(calls["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(arguments, json!({"pool": 6, "reason": ERASED}));
        assert_eq!(erased(&made)["tool_call"]["arguments"], arguments);
        assert_eq!(erased(&message)["player_message"], json!({"name": ERASED, "message": ERASED}));
        assert_eq!(erased(&told), told, "the story stays");
    }
}
