//! What the roll log holds of one person: to take along, or to take away.
//!
//! A chain covers what its entries say by their hashes, the player and the reason too. An entry that is erased keeps its
//! hash, so that the chain holds; but nobody can compute that hash anew, and it says so where it is verified
//! ([`Entry::is_erased`]). Faces are proved as before: they follow from seeds and the nonce alone, so players' seeds stay.

use anyhow::Context as _;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage, Value as Field};
use serde_json::{Value, json};
use service_kit::{
    auth::{audit::ERASED, erasing::Person},
    clock,
    db::{DatabaseConfig, Db, Statement},
};

use crate::{
    log::{self, MIGRATIONS},
    proof::{self, Entry},
};

/// Rows that are written together.
const GROUP: usize = 200;
/// Fields in which no name is looked for: the proof rests on them, or another service's log.
const KEPT: [&str; 6] = ["seed", "client_seeds", "server_seed", "session", "id", "notation"];

const REPLACE: &str = "UPDATE rolls SET player = $2, cause = $3, request = $4, answer = $5 WHERE id = $1";

/// The rolls that a person made, or in whose reason he is named.
///
/// # Errors
///
/// The database cannot be opened or fails.
pub async fn export_person(database: &DatabaseConfig, name: &str) -> anyhow::Result<Value> {
    let db = Db::open(database, "dice", MIGRATIONS).await?;
    let rolls: Vec<_> = found(&db, name)
        .await?
        .iter()
        .map(|(entry, _)| {
            json!({
                "id": entry.id, "at": clock::rfc3339(entry.at), "kind": entry.kind, "reason": entry.cause,
                "session": entry.chain, "rotation": entry.rotation, "nonce": entry.nonce, "player": entry.player,
                "faces": proof::numbers(&entry.faces),
            })
        })
        .collect();
    Ok(Value::Array(rolls))
}

/// Takes a person's name and the reasons of his rolls out of the log, and answers how many rolls that were.
///
/// # Errors
///
/// The database cannot be opened or fails.
pub async fn erase_person(database: &DatabaseConfig, name: &str) -> anyhow::Result<usize> {
    let db = Db::open(database, "dice", MIGRATIONS).await?;
    let found = found(&db, name).await?;
    let statements: Vec<_> = found
        .iter()
        .map(|(_, Entry { id, player, cause, request, answer, .. })| {
            Statement::new(REPLACE, [id, player, cause, request, answer].map(|text| text.as_str().into()).into())
        })
        .collect();
    for group in statements.chunks(GROUP) {
        db.write(group.to_vec()).await.context("erase rolls")?;
    }
    Ok(found.len())
}

/// The entries in which there is something of a person, and the same without him.
async fn found(db: &Db, name: &str) -> anyhow::Result<Vec<(Entry, Entry)>> {
    let in_hexadecimal = format!("%{}%", proof::to_hex(name.as_bytes()));
    let entries = log::naming(db, name, &log::like(name), &in_hexadecimal).await?;
    let both = entries.into_iter().map(|entry| (without(&entry, name), entry)).map(|(erased, entry)| (entry, erased));
    Ok(both.filter(|(entry, erased)| entry != erased).collect())
}

/// An entry without a person. Of his own rolls the reason goes, whatever it says.
fn without(entry: &Entry, name: &str) -> Entry {
    let is_his = entry.player == name;
    let person = Person::new(name, is_his.then(|| entry.cause.clone()));
    let mut erased = entry.clone();
    if is_his {
        erased.player = ERASED.to_owned();
    }
    if is_his && !entry.cause.is_empty() {
        erased.cause = ERASED.to_owned();
    } else if let Some(cause) = person.erased(&entry.cause) {
        erased.cause = cause;
    }
    let reason = is_his.then_some(entry.cause.as_str()).filter(|cause| !cause.is_empty());
    let (request, answer) = messages(&entry.kind).unzip();
    erased.request = without_in(&entry.request, request, &person, reason).unwrap_or(erased.request);
    erased.answer = without_in(&entry.answer, answer, &person, reason).unwrap_or(erased.answer);
    if erased != *entry && !erased.hash.is_empty() && !erased.is_erased() {
        // Only the messages named him; that the hash does not cover them any more is to be seen.
        erased.cause = format!("{} {ERASED}", erased.cause).trim_start().to_owned();
    }
    erased
}

/// The request and the answer of an RPC.
fn messages(kind: &str) -> Option<(MessageDescriptor, MessageDescriptor)> {
    let service = proto::POOL.get_service_by_name("dicetower.dice.v1.DiceService")?;
    let method = service.methods().find(|method| method.name() == kind)?;
    Some((method.input(), method.output()))
}

/// A message, protobuf in hexadecimal or JSON, without a person and a reason; `None` if there is nothing of either in it.
fn without_in(
    message: &str,
    descriptor: Option<MessageDescriptor>,
    person: &Person,
    reason: Option<&str>,
) -> Option<String> {
    if message.starts_with('{') {
        let is_reason = |text: &Value| text.as_str().is_some() && text.as_str() == reason;
        let mut value: Value = serde_json::from_str(message).ok()?;
        if let Some(fields) = value.as_object_mut() {
            fields.values_mut().filter(|field| is_reason(field)).for_each(|field| *field = ERASED.into());
        }
        person.erase(&mut value);
        return Some(value.to_string());
    }
    let bytes = proof::from_hex(message)?;
    let mut message = DynamicMessage::decode(descriptor?, bytes.as_slice()).ok()?;
    let has_changed = erase_fields(&mut message, person, reason);
    has_changed.then(|| proof::to_hex(&message.encode_to_vec()))
}

fn erase_fields(message: &mut DynamicMessage, person: &Person, reason: Option<&str>) -> bool {
    let fields: Vec<_> = message.descriptor().fields().filter(|field| message.has_field(field)).collect();
    let mut has_changed = false;
    for field in fields.into_iter().filter(|field| !KEPT.contains(&field.name())) {
        has_changed |= erase_field(message.get_field_mut(&field), person, reason);
    }
    has_changed
}

fn erase_field(field: &mut Field, person: &Person, reason: Option<&str>) -> bool {
    match field {
        Field::String(text) => {
            let erased = if reason == Some(text.as_str()) { Some(ERASED.to_owned()) } else { person.erased(text) };
            let has_changed = erased.is_some();
            if let Some(erased) = erased {
                *text = erased;
            }
            has_changed
        }
        Field::Message(message) => erase_fields(message, person, reason),
        // Each of them, also after one that has changed.
        Field::List(items) => items.iter_mut().map(|item| erase_field(item, person, reason)).fold(false, |a, b| a | b),
        Field::Map(items) => items.values_mut().map(|item| erase_field(item, person, reason)).fold(false, |a, b| a | b),
        _ => false,
    }
}
