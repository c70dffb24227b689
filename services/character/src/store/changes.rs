//! The audit log and the ledger: what a change was, made from the sheet before and after it.

use serde_json::{Map, Value, json};
use service_kit::{
    clock,
    db::{Row, Statement},
    trace,
};
use tonic::Status;

use super::{Call, Store};
use crate::sheet::Sheet;

const NOTE: &str =
    "INSERT INTO changes (subject_id, revision, kind, subject, operation, actor, session_id, reason, summary,
     before_parts, after_parts, trace_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const BOOK: &str = "INSERT INTO ledger (character_id, account, revision, amount, balance, at)
     VALUES ($1, $2, $3, $4, $5, $6)";

const LATEST: &str = "SELECT at, kind, subject, subject_id, revision, operation, actor, session_id, reason, summary,
     before_parts, after_parts, trace_id FROM changes ORDER BY at DESC, subject_id, revision DESC LIMIT $1";
const LATEST_OF: &str = "SELECT at, kind, subject, subject_id, revision, operation, actor, session_id, reason, summary,
     before_parts, after_parts, trace_id FROM changes
     WHERE subject_id = $1 AND revision < $3 ORDER BY revision DESC LIMIT $2";
const AFTER: &str = "SELECT at, kind, subject, subject_id, revision, operation, actor, session_id, reason, summary,
     before_parts, after_parts, trace_id FROM changes
     WHERE subject_id = $1 AND revision > $3 ORDER BY revision LIMIT $2";
const BOOKINGS: &str = "SELECT ledger.at, amount, balance, operation, reason, ledger.revision FROM ledger
     JOIN changes ON changes.subject_id = ledger.character_id AND changes.revision = ledger.revision
     WHERE character_id = $1 AND account = $2 ORDER BY ledger.revision DESC LIMIT $3";
const SUM: &str =
    "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM ledger WHERE character_id = $1 AND account = $2";

/// What changes: a character, a campaign, …
pub struct Subject {
    pub kind: &'static str,
    pub id: String,
    pub name: String,
}

impl Subject {
    /// A character.
    pub fn character(sheet: &Sheet) -> Subject {
        Subject { kind: "character", id: sheet.id.clone(), name: sheet.street_name.clone() }
    }
}

/// An account of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    Nuyen,
    KarmaAvailable,
    KarmaTotal,
    KarmaPool,
}

impl Account {
    /// All accounts.
    pub const ALL: [Account; 4] = [Account::Nuyen, Account::KarmaAvailable, Account::KarmaTotal, Account::KarmaPool];

    /// The part of the sheet that holds its balance.
    pub fn key(self) -> &'static str {
        match self {
            Account::Nuyen => "nuyen",
            Account::KarmaAvailable => "karma_available",
            Account::KarmaTotal => "karma_total",
            Account::KarmaPool => "karma_pool",
        }
    }

    /// The account of this name.
    pub fn parse(name: &str) -> Option<Account> {
        Account::ALL.into_iter().find(|account| account.key() == name)
    }
}

/// One entry of the audit log.
pub struct Entry {
    /// Unix milliseconds.
    pub at: i64,
    pub kind: String,
    pub subject: String,
    pub subject_id: String,
    pub revision: u64,
    pub operation: String,
    pub actor: String,
    pub session_id: String,
    pub reason: String,
    pub summary: String,
    pub before: Value,
    pub after: Value,
    pub trace_id: String,
}

/// One booking.
pub struct Booking {
    /// Unix milliseconds.
    pub at: i64,
    pub amount: i64,
    pub balance: i64,
    pub operation: String,
    pub reason: String,
    pub revision: u64,
}

/// A change, ready to be noted.
pub struct Change;

impl Change {
    /// The entry of something that was not there before, or was not recorded: all of it, and what it has.
    pub fn first(call: &Call, subject: Subject, whole: &Value, revision: u64) -> Vec<Statement> {
        let summary = format!("{} is there", subject.name);
        Change::statements(call, subject, &json!({}), whole, revision, &summary)
    }

    /// The entry of a change and its bookings: the parts that are different, before and after.
    pub fn statements(
        call: &Call,
        subject: Subject,
        before: &Value,
        after: &Value,
        revision: u64,
        summary: &str,
    ) -> Vec<Statement> {
        let now = clock::now_ms();
        let (old, new) = difference(before, after);
        let mut statements = Vec::new();
        if subject.kind == "character" {
            for account in Account::ALL {
                let amount = |parts: &Value| parts.get(account.key()).and_then(Value::as_i64).unwrap_or_default();
                let (had, has) = (amount(before), amount(after));
                if had != has {
                    let args = vec![
                        subject.id.as_str().into(),
                        account.key().into(),
                        revision.into(),
                        (has - had).into(),
                        has.into(),
                        now.into(),
                    ];
                    statements.push(Statement::new(BOOK, args));
                }
            }
        }
        let args = vec![
            subject.id.into(),
            revision.into(),
            subject.kind.into(),
            subject.name.into(),
            call.operation().into(),
            call.actor.as_str().into(),
            call.session_id.as_str().into(),
            call.reason.as_str().into(),
            summary.into(),
            old.to_string().into(),
            new.to_string().into(),
            trace::current_id_text().into(),
            now.into(),
        ];
        statements.push(Statement::new(NOTE, args));
        statements
    }
}

/// The entries of two objects that are different: as they were, and as they are. What is gone is null.
fn difference(before: &Value, after: &Value) -> (Value, Value) {
    let (mut old, mut new) = (Map::new(), Map::new());
    let empty = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    for (key, value) in after {
        let was = before.get(key);
        if was != Some(value) {
            new.insert(key.clone(), value.clone());
            old.extend(was.map(|was| (key.clone(), was.clone())));
        }
    }
    for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        old.insert(key.clone(), value.clone());
        new.insert(key.clone(), Value::Null);
    }
    (old.into(), new.into())
}

impl Store {
    /// The latest changes, of one subject before a revision or of all, newest first.
    pub async fn changes(&self, of: Option<(&str, u64)>, limit: u32) -> Result<Vec<Entry>, Status> {
        let limit = i64::from(limit).into();
        let rows = match of {
            Some((id, before)) => self.fetch(LATEST_OF, vec![id.into(), limit, before.into()]).await?,
            None => self.fetch(LATEST, vec![limit]).await?,
        };
        Ok(rows.iter().map(entry).collect())
    }

    /// The changes of one subject after a revision, oldest first.
    pub async fn changes_after(&self, id: &str, revision: u64, limit: u32) -> Result<Vec<Entry>, Status> {
        let rows = self.fetch(AFTER, vec![id.into(), i64::from(limit).into(), revision.into()]).await?;
        Ok(rows.iter().map(entry).collect())
    }

    /// The latest bookings of an account, newest first, and the sum of all.
    pub async fn bookings(&self, id: &str, account: Account, limit: u32) -> Result<(Vec<Booking>, i64), Status> {
        let sum = self.fetch(SUM, vec![id.into(), account.key().into()]).await?;
        let args = vec![id.into(), account.key().into(), i64::from(limit).into()];
        let booking = |row: &Row| Booking {
            at: row.integer(0),
            amount: row.integer(1),
            balance: row.integer(2),
            operation: row.text(3),
            reason: row.text(4),
            revision: row.unsigned(5),
        };
        let bookings = self.fetch(BOOKINGS, args).await?.iter().map(booking).collect();
        Ok((bookings, sum.first().map(|row| row.integer(0)).unwrap_or_default()))
    }
}

fn entry(row: &Row) -> Entry {
    let parts = |column: usize| serde_json::from_str(&row.text(column)).unwrap_or_default();
    Entry {
        at: row.integer(0),
        kind: row.text(1),
        subject: row.text(2),
        subject_id: row.text(3),
        revision: row.unsigned(4),
        operation: row.text(5),
        actor: row.text(6),
        session_id: row.text(7),
        reason: row.text(8),
        summary: row.text(9),
        before: parts(10),
        after: parts(11),
        trace_id: row.text(12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_by_the_parts_that_differ() {
        let (old, new) = difference(&json!({"a": 1, "b": [1], "c": 2}), &json!({"a": 1, "b": [1, 2], "d": 3}));
        assert_eq!(old, json!({"b": [1], "c": 2}));
        assert_eq!(new, json!({"b": [1, 2], "c": null, "d": 3}));
    }
}
