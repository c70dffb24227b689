//! Tokens of our own: made once, shown once, kept as a hash; known in memory, and told anew every second, so that
//! whoever revokes one in another process is heard here; one who can wake us, at once.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use ring::{
    digest::{SHA256, digest},
    rand::SecureRandom,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{Caller, Role, parse_role, unauthenticated};
use crate::{
    clock,
    db::{Db, DbError, Row, Statement},
    status,
    wake::Wakes,
};

/// What every token begins with, so that a scanner for lost secrets knows it.
const PREFIX: &str = "dt_";
/// Random bytes of a token.
const SECRET_BYTES: usize = 32;
/// How often what other processes have changed is read.
const REFRESH: Duration = Duration::from_secs(1);
/// How far back a refresh looks, in milliseconds: clocks of several machines differ a little.
const OVERLAP_MS: i64 = 10_000;

const CHANGED: &str = "SELECT id, hash, name, role, session_id, seat, characters, created_at, expires_at, revoked_at
    FROM tokens WHERE $1 <= changed_at";
const BY_HASH: &str = "SELECT id, hash, name, role, session_id, seat, characters, created_at, expires_at, revoked_at
    FROM tokens WHERE hash = $1";
const ALL: &str = "SELECT id, hash, name, role, session_id, seat, characters, created_at, expires_at, revoked_at
    FROM tokens ORDER BY created_at, id";
const INSERT: &str = "INSERT INTO tokens
    (id, hash, name, role, session_id, seat, characters, created_at, expires_at, revoked_at, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $8)";
const REVOKE: &str = "UPDATE tokens SET revoked_at = $2, changed_at = $2 WHERE id = $1 AND revoked_at IS NULL";

/// The tokens.
#[derive(Clone)]
pub struct Tokens {
    db: Db,
    known: Arc<RwLock<HashMap<String, Caller>>>,
    wakes: Wakes,
}

/// What wakes are about that tell of a changed token.
const TOKENS: &str = "tokens";

/// What a new token allows.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who holds it, 1 to 40 characters.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// The only session it opens.
    pub session_id: Option<String>,
    /// The only seat it may take.
    pub seat: Option<String>,
    /// Characters that he may change.
    pub characters: Vec<String>,
    /// How long it is good; none means until it is revoked.
    pub lifetime: Option<Duration>,
}

/// A token as a list shows it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// By which it is revoked.
    pub id: String,
    /// What it allows.
    pub caller: Caller,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
}

/// A token that cannot be made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The name is no name.
    #[error("a name has 1 to {MAX_NAME} characters, none of them a control character")]
    Name,
    /// There is no such token that is still good.
    #[error("no token that is still good has the id {0:?}; `dicetower token list` shows them")]
    Unknown(String),
    /// The operating system gives no entropy.
    #[error("the operating system gives no entropy")]
    Entropy,
    /// The database fails.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Longest name of a token's holder, in characters.
const MAX_NAME: usize = 40;

impl Tokens {
    /// The tokens of a database, without watching it.
    pub fn new(db: Db) -> Tokens {
        Tokens { db, known: Arc::default(), wakes: Wakes::default() }
    }

    /// The tokens of a database, kept up to date until `shutdown`.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn start(db: Db, wakes: Wakes, shutdown: CancellationToken) -> anyhow::Result<Tokens> {
        let mut words = wakes.listen(TOKENS).await;
        let tokens = Tokens { wakes, ..Tokens::new(db) };
        tokens.refresh(0).await?;
        let watching = tokens.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(REFRESH);
            let mut since = clock::now_ms();
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    _ = words.next() => {}
                    () = shutdown.cancelled() => return,
                }
                let now = clock::now_ms();
                match watching.refresh(since - OVERLAP_MS).await {
                    Ok(()) => since = now,
                    Err(error) => tracing::warn!(%error, "tokens cannot be read; those known stay"),
                }
            }
        });
        Ok(tokens)
    }

    async fn refresh(&self, since: i64) -> Result<(), DbError> {
        // Not in the trace of whoever came first.
        let rows = self.db.fetch(CHANGED, vec![since.into()]).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for row in &rows {
            learn(&mut known, row);
        }
        Ok(())
    }

    /// Makes a token; its text is answered this once.
    ///
    /// # Errors
    ///
    /// The name is none, or the database fails.
    pub async fn make(&self, grant: Grant) -> Result<(String, String), TokenError> {
        let name = grant.name.trim().to_owned();
        if name.is_empty() || MAX_NAME < name.chars().count() || name.chars().any(char::is_control) {
            return Err(TokenError::Name);
        }
        let token = format!("{PREFIX}{}", HEXLOWER.encode(&secret()?));
        let id = uuid::Uuid::now_v7().to_string();
        let now = clock::now_ms();
        let lifetime = grant.lifetime.map(|lifetime| i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
        let characters = serde_json::json!(grant.characters).to_string();
        let insert = Statement::new(
            INSERT,
            vec![
                id.clone().into(),
                hash(&token).into(),
                name.into(),
                grant.role.as_str().into(),
                grant.session_id.into(),
                grant.seat.into(),
                characters.into(),
                now.into(),
                lifetime.map(|lifetime| now.saturating_add(lifetime)).into(),
            ],
        );
        self.db.write(vec![insert]).await?;
        self.wakes.wake(TOKENS, Bytes::new());
        Ok((id, token))
    }

    /// Revokes a token. Lines that are open with it end within about a second, in every process.
    ///
    /// # Errors
    ///
    /// There is none of that id, or it is revoked already.
    pub async fn revoke(&self, id: &str) -> Result<(), TokenError> {
        let revoke = Statement::new(REVOKE, vec![id.into(), clock::now_ms().into()]).affecting(1);
        match self.db.write(vec![revoke]).await {
            Err(DbError::Conflict) => Err(TokenError::Unknown(id.chars().take(64).collect())),
            done => {
                done?;
                self.wakes.wake(TOKENS, Bytes::new());
                Ok(self.refresh(clock::now_ms() - OVERLAP_MS).await?)
            }
        }
    }

    /// All tokens, the oldest first.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn list(&self) -> Result<Vec<Listed>, DbError> {
        let rows = self.db.fetch(ALL, Vec::new()).await?;
        Ok(rows.iter().filter_map(listed).collect())
    }

    /// Lets in whoever shows a good token.
    pub(super) async fn admit(&self, token: &str) -> Result<Caller, Status> {
        let hash = hash(token);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        let caller = match known {
            Some(caller) => caller,
            // What does not look like one is not looked for.
            None if !token.starts_with(PREFIX) => return Err(unknown()),
            None => {
                let rows = self.db.fetch(BY_HASH, vec![hash.clone().into()]).await;
                let rows = rows.map_err(|error| status::database(&error))?;
                let row = rows.first().ok_or_else(unknown)?;
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                learn(&mut known, row);
                known.get(&hash).cloned().ok_or_else(unknown)?
            }
        };
        caller.check()?;
        Ok(caller)
    }
}

#[expect(clippy::disallowed_methods, reason = "a token is a secret, and no die")]
fn secret() -> Result<[u8; SECRET_BYTES], TokenError> {
    let mut secret = [0; SECRET_BYTES];
    ring::rand::SystemRandom::new().fill(&mut secret).map_err(|_| TokenError::Entropy)?;
    Ok(secret)
}

fn unknown() -> Status {
    unauthenticated("the token is not known")
}

fn hash(token: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, token.as_bytes()).as_ref())
}

/// Keeps a row; what somebody already holds of it hears of a revocation.
fn learn(known: &mut HashMap<String, Caller>, row: &Row) {
    let Some(Listed { caller, revoked_at, .. }) = listed(row) else { return };
    match known.get(&row.text(1)).and_then(|caller| caller.revoked.as_ref()) {
        Some(revoked) if revoked_at.is_some() => revoked.cancel(),
        Some(_) => {}
        None => drop(known.insert(row.text(1), caller)),
    }
}

fn listed(row: &Row) -> Option<Listed> {
    let revoked_at = row.optional_integer(9);
    let expires_at = row.optional_integer(8);
    let revoked = CancellationToken::new();
    if revoked_at.is_some() {
        revoked.cancel();
    }
    let caller = Caller {
        name: row.text(2),
        // A role of a later version is not guessed.
        role: parse_role(&row.text(3)).ok()?,
        session_id: row.optional_text(4),
        seat: row.optional_text(5),
        characters: serde_json::from_str(&row.text(6)).unwrap_or_default(),
        address: None,
        expires_at,
        revoked: Some(revoked),
    };
    Some(Listed { id: row.text(0), caller, created_at: row.integer(7), expires_at, revoked_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::open, testing::TestDatabase};

    fn grant(name: &str) -> Grant {
        Grant {
            name: name.into(),
            role: Role::Player,
            session_id: None,
            seat: None,
            characters: vec!["Platinum".into()],
            lifetime: None,
        }
    }

    #[tokio::test]
    async fn a_token_is_good_until_it_is_revoked_in_whatever_process() {
        for database in TestDatabase::each().await {
            let shutdown = CancellationToken::new();
            let _stop = shutdown.clone().drop_guard();
            let here = Tokens::start(open(&database.config).await.unwrap(), Wakes::default(), shutdown).await.unwrap();
            let elsewhere = Tokens::new(open(&database.config).await.unwrap());
            let (id, token) = elsewhere.make(grant("Anna")).await.unwrap();

            let caller = here.admit(&token).await.unwrap();
            assert_eq!((caller.name.as_str(), caller.role), ("Anna", Role::Player));
            assert!(caller.check().is_ok());

            elsewhere.revoke(&id).await.unwrap();
            here.refresh(0).await.unwrap();
            assert_eq!(caller.check().unwrap_err().message(), "the token has been revoked");
            assert_eq!(here.admit(&token).await.unwrap_err().code(), tonic::Code::Unauthenticated);
            assert!(matches!(elsewhere.revoke(&id).await, Err(TokenError::Unknown(_))));
        }
    }

    #[tokio::test]
    async fn an_expired_token_is_not_good() {
        let database = TestDatabase::sqlite();
        let tokens = Tokens::new(open(&database.config).await.unwrap());
        let (_, token) = tokens.make(Grant { lifetime: Some(Duration::ZERO), ..grant("Anna") }).await.unwrap();

        assert_eq!(tokens.admit(&token).await.unwrap_err().message(), "the token has expired");
    }

    #[tokio::test]
    async fn a_token_is_kept_as_a_hash_only() {
        let database = TestDatabase::sqlite();
        let db = open(&database.config).await.unwrap();
        let tokens = Tokens::new(db.clone());
        let (_, token) = tokens.make(grant("Anna")).await.unwrap();

        let rows = db.fetch(ALL, vec![]).await.unwrap();
        let everything = format!("{rows:?}");
        assert!(!everything.contains(token.trim_start_matches(PREFIX)), "{everything}");
        assert!(everything.contains(&hash(&token)));
    }
}
