//! The audit log: who did what through which door, and whether he was let. Written behind the answers, in groups; what is
//! older than it is to be kept is deleted.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::{
    clock,
    db::{Db, DbError, Statement},
};

/// Entries that may wait; beyond it they are told to the log alone, for no caller may be held up by it.
const QUEUE: usize = 4096;
/// Entries that are written together at the most.
const GROUP: usize = 256;

/// Time between two looks for what has grown old.
const TIDY: Duration = Duration::from_secs(60 * 60);
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

const INSERT: &str = "INSERT INTO audit (id, at, name, role, door, action, target, outcome, trace_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const OF: &str = "SELECT at, name, role, door, action, target, outcome, trace_id FROM audit
    WHERE name = $1 ORDER BY at, id";
const ERASE_AUDIT: &str = "UPDATE audit SET name = $2 WHERE name = $1";
const ERASE_TOKENS: &str = "UPDATE tokens SET name = $2, characters = '[]', revoked_at = COALESCE(revoked_at, $3),
    changed_at = $3 WHERE name = $1";
const ERASE_OWNERS: &str = "DELETE FROM owners WHERE name = $1";
const TOKENS_OF: &str = "SELECT id, role, session_id, seat, characters, created_at, expires_at, revoked_at FROM tokens
    WHERE name = $1 ORDER BY created_at";
const OWNED_BY: &str = "SELECT character FROM owners WHERE name = $1 ORDER BY character";

const DELETE_OLD: &str = "DELETE FROM audit WHERE at < $1";
const DELETE_OLD_TOKENS: &str = "DELETE FROM tokens WHERE expires_at < $1 OR revoked_at < $1";

/// The name that stands where a person's was.
pub const ERASED: &str = "(erased)";

/// Where entries are handed in.
#[derive(Clone)]
pub struct Audit {
    queue: mpsc::Sender<Entry>,
}

/// Something that somebody did or was refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Who.
    pub name: String,
    /// In which role.
    pub role: String,
    /// Through which door: rest, mcp, socket, grpc, line or token.
    pub door: String,
    /// The tool or frame.
    pub action: String,
    /// The session or character it was about, or empty.
    pub target: String,
    /// ok, or the name of the error.
    pub outcome: String,
    /// The trace it is part of.
    pub trace_id: String,
}

impl Audit {
    /// Begins to write into a database, and to delete what is older than so many days; 0 keeps everything.
    pub fn start(db: Db, keep_days: u32) -> Audit {
        let (queue, mut entries) = mpsc::channel::<Entry>(QUEUE);
        if 0 < keep_days {
            tokio::spawn(tidy(db.clone(), keep_days, queue.downgrade()));
        }
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP);
            while 0 < entries.recv_many(&mut group, GROUP).await {
                let statements = group.drain(..).map(|entry| insert(entry, clock::now_ms())).collect();
                if let Err(error) = db.write(statements).await {
                    tracing::error!(%error, "entries of the audit log are lost");
                }
            }
        });
        Audit { queue }
    }

    /// Hands an entry in.
    pub fn note(&self, entry: Entry) {
        if let Err(mpsc::error::TrySendError::Full(entry)) = self.queue.try_send(entry) {
            tracing::error!(?entry, "the audit log is full");
        }
    }
}

/// Deletes what is too old, now and every hour, as long as anybody hands entries in.
async fn tidy(db: Db, keep_days: u32, queue: mpsc::WeakSender<Entry>) {
    let mut hours = tokio::time::interval(TIDY);
    while queue.upgrade().is_some() {
        hours.tick().await;
        let oldest = clock::now_ms().saturating_sub(i64::from(keep_days) * DAY_MS);
        let deletes = [DELETE_OLD, DELETE_OLD_TOKENS].map(|sql| Statement::new(sql, vec![oldest.into()]));
        if let Err(error) = db.write(deletes.into()).await {
            tracing::error!(%error, "old entries of the audit log cannot be deleted; it will be tried again");
        }
    }
}

fn insert(entry: Entry, at_ms: i64) -> Statement {
    let Entry { name, role, door, action, target, outcome, trace_id } = entry;
    let id = uuid::Uuid::now_v7().to_string();
    let mut args = vec![id.into(), at_ms.into()];
    args.extend([name, role, door, action, target, outcome, trace_id].map(Into::into));
    Statement::new(INSERT, args)
}

/// All that is kept of a person here: his tokens without their secrets, his characters, what he did.
///
/// # Errors
///
/// The database fails.
pub async fn export(db: &Db, name: &str) -> Result<serde_json::Value, DbError> {
    let time = |ms: Option<i64>| ms.map(clock::rfc3339);
    let tokens = db.fetch(TOKENS_OF, vec![name.into()]).await?;
    let tokens: Vec<_> = tokens
        .iter()
        .map(|row| {
            serde_json::json!({
                "id": row.text(0), "role": row.text(1), "session_id": row.optional_text(2), "seat": row.optional_text(3),
                "characters": serde_json::from_str::<serde_json::Value>(&row.text(4)).unwrap_or_default(),
                "created_at": time(row.optional_integer(5)), "expires_at": time(row.optional_integer(6)),
                "revoked_at": time(row.optional_integer(7)),
            })
        })
        .collect();
    let characters = db.fetch(OWNED_BY, vec![name.into()]).await?;
    let characters: Vec<_> = characters.iter().map(|row| row.text(0)).collect();
    let entries = db.fetch(OF, vec![name.into()]).await?;
    let entries: Vec<_> = entries
        .iter()
        .map(|row| {
            serde_json::json!({
                "at": time(row.optional_integer(0)), "role": row.text(2), "door": row.text(3), "action": row.text(4),
                "target": row.text(5), "outcome": row.text(6), "trace_id": row.text(7),
            })
        })
        .collect();
    Ok(serde_json::json!({"tokens": tokens, "characters": characters, "audit": entries}))
}

/// Takes a person's name out: his tokens are revoked, his characters belong to nobody, and the log keeps what was done
/// but not by whom. Answers how many entries named him.
///
/// # Errors
///
/// The database fails.
pub async fn erase(db: &Db, name: &str) -> Result<usize, DbError> {
    let kept = export(db, name).await?;
    let count =
        kept.as_object().into_iter().flat_map(|kinds| kinds.values()).filter_map(|kept| Some(kept.as_array()?.len()));
    let count = count.sum();
    db.write(vec![
        Statement::new(ERASE_TOKENS, vec![name.into(), ERASED.into(), clock::now_ms().into()]),
        Statement::new(ERASE_OWNERS, vec![name.into()]),
        Statement::new(ERASE_AUDIT, vec![name.into(), ERASED.into()]),
    ])
    .await?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{Grant, Role, Tokens, open},
        testing::TestDatabase,
    };

    #[tokio::test]
    async fn what_is_kept_of_a_person_can_be_taken_along_and_taken_away() {
        for database in TestDatabase::each().await {
            let db = open(&database.config).await.unwrap();
            let tokens = Tokens::new(db.clone());
            let grant = Grant {
                name: "Anna".into(),
                role: Role::Player,
                session_id: Some("evening".into()),
                seat: None,
                characters: vec!["Platinum".into()],
                lifetime: None,
            };
            let (_, token) = tokens.make(grant).await.unwrap();
            let entry = Entry { name: "Anna".into(), action: "roll_dice".into(), ..Entry::default() };
            db.write(vec![insert(entry, clock::now_ms())]).await.unwrap();

            let kept = export(&db, "Anna").await.unwrap();
            assert_eq!(kept["tokens"][0]["session_id"], "evening");
            assert_eq!(kept["audit"][0]["action"], "roll_dice");

            assert_eq!(erase(&db, "Nobody").await.unwrap(), 0);
            assert_eq!(erase(&db, "Anna").await.unwrap(), 2);
            let kept = export(&db, "Anna").await.unwrap();
            assert_eq!((kept["tokens"].as_array().unwrap().len(), kept["audit"].as_array().unwrap().len()), (0, 0));
            let fresh = Tokens::new(db);
            assert_eq!(fresh.admit(&token).await.unwrap_err().message(), "the token has been revoked");
        }
    }

    #[tokio::test]
    async fn what_is_older_than_it_is_kept_is_deleted() {
        for database in TestDatabase::each().await {
            let db = open(&database.config).await.unwrap();
            let aged = |days: i64| {
                let entry = Entry { name: format!("{days} days"), ..Entry::default() };
                insert(entry, clock::now_ms() - days * DAY_MS)
            };
            db.write(vec![aged(29), aged(31)]).await.unwrap();

            let _audit = Audit::start(db.clone(), 30);

            let one_is_left = async {
                while export(&db, "31 days").await.unwrap()["audit"] != serde_json::json!([]) {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(10), one_is_left).await.expect("it is deleted");
            assert_eq!(export(&db, "29 days").await.unwrap()["audit"].as_array().unwrap().len(), 1);
        }
    }
}
