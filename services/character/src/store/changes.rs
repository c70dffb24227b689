//! The audit log and the ledger: what a change was, made from the sheet before and after it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};
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
    pub fn first(call: &Call, subject: Subject, whole: &str, revision: u64) -> Vec<Statement> {
        let summary = format!("{} is there", subject.name);
        Change::statements(call, subject, &Difference::of("{}", whole), revision, &summary)
    }

    /// The entry of a change and its bookings.
    pub fn statements(
        call: &Call,
        subject: Subject,
        difference: &Difference,
        revision: u64,
        summary: &str,
    ) -> Vec<Statement> {
        let now = clock::now_ms();
        let text = |parts: &Map<String, Value>| serde_json::to_string(parts).expect("JSON is text");
        let mut statements = Vec::new();
        if subject.kind == "character" {
            for account in Account::ALL {
                let amount =
                    |parts: &Map<String, Value>| parts.get(account.key()).and_then(Value::as_i64).unwrap_or_default();
                let (had, has) = (amount(&difference.old), amount(&difference.new));
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
            text(&difference.old).into(),
            text(&difference.new).into(),
            trace::current_id_text().into(),
            now.into(),
        ];
        statements.push(Statement::new(NOTE, args));
        statements
    }
}

/// The parts of two objects that are different.
pub struct Difference {
    /// As they were.
    pub old: Map<String, Value>,
    /// As they are; what is gone is null.
    pub new: Map<String, Value>,
}

impl Difference {
    /// What is different between two objects, written in the same way. Only that is read whole: a sheet is large, and a
    /// change is small.
    pub fn of(before: &str, after: &str) -> Difference {
        let (mut before, after) = (parts(before), parts(after));
        let value = |part: &RawValue| serde_json::from_str(part.get()).expect("a part of JSON is JSON");
        let mut difference = Difference { old: Map::new(), new: Map::new() };
        for (key, part) in after {
            let was = before.remove(&key);
            if was.is_none_or(|was| was.get() != part.get()) {
                difference.old.extend(was.map(|was| (key.clone(), value(was))));
                difference.new.insert(key, value(part));
            }
        }
        for (key, was) in before {
            difference.old.insert(key.clone(), value(was));
            difference.new.insert(key, Value::Null);
        }
        difference
    }
}

fn parts(object: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(object).expect("what was written as an object is one")
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_told_by_the_parts_that_differ() {
        let Difference { old, new } = Difference::of(r#"{"a":1,"b":[1],"c":2}"#, r#"{"a":1,"b":[1,2],"d":3}"#);
        assert_eq!(Value::from(old), json!({"b": [1], "c": 2}));
        assert_eq!(Value::from(new), json!({"b": [1, 2], "c": null, "d": 3}));
    }
}
