//! The roll log: every roll with its faces, its cause, its trace and its place in a chain, kept before anybody is told.

use percent_encoding::percent_decode_str;
use prost::Message;
use service_kit::{
    db::{DatabaseConfig, Db, DbError, Row, Schema, Value},
    status::{self, ErrorCode},
    trace,
};
use tokio::sync::oneshot;
use tonic::{Request, Status};

use crate::{
    ledger::{Chain, Chance, Change, Draft, Face, Ledger, Scope},
    proof::{self, Entry},
};

/// The tables, for backups.
pub const SCHEMA: Schema = Schema { service: "dice", migrations: MIGRATIONS };

pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/dice/0001_rolls.sql"),
    include_str!("../../../migrations/dice/0002_proofs.sql"),
    include_str!("../../../migrations/dice/0003_fewer_indexes.sql"),
    include_str!("../../../migrations/dice/0004_signing_secrets.sql"),
];
const BY_KEY: &str = "SELECT kind, request, answer FROM rolls WHERE idempotency_key = $1";

/// The columns of an entry, for a `SELECT`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, at, kind, cause, trace_id, chain, rotation, nonce, player, client_seeds, sides, faces, request,
             answer, previous_hash, hash FROM rolls ",
            $rest
        )
    };
}
const BY_ID: &str = select!("WHERE id = $1");
const BY_NONCE: &str = select!("WHERE chain = $1 AND rotation = $2 AND nonce = $3");
const LISTED: &str = select!(
    "WHERE id > $1 AND ($2 = '' OR chain = $2) AND ($3 < 0 OR rotation = $3) AND ($4 = '' OR cause LIKE $4 ESCAPE '\\')
     AND ($5 = '' OR player = $5) AND at >= $6 AND at < $7 ORDER BY id LIMIT $8"
);
const IN_CHAIN: &str = select!(
    "WHERE chain = $1 AND (rotation > $2 OR (rotation = $2 AND nonce >= $3)) ORDER BY rotation, nonce LIMIT 200"
);
const NAMING: &str = select!(
    "WHERE player = $1 OR cause LIKE $2 ESCAPE '\\' OR request LIKE $2 ESCAPE '\\' OR answer LIKE $2 ESCAPE '\\'
     OR request LIKE $3 OR answer LIKE $3 ORDER BY id"
);
const LATEST: &str =
    "SELECT sides, faces FROM rolls WHERE ($1 = '' OR player = $1) AND ($2 = '' OR chain = $2) AND sides IS NOT NULL
     ORDER BY id DESC LIMIT 10000";
const KEEP_KEY: &str =
    "INSERT INTO signing_keys (public_key, since) VALUES ($1, $2) ON CONFLICT (public_key) DO NOTHING";
const KNOWN_KEYS: &str = "SELECT public_key FROM signing_keys ORDER BY since";

/// Longest idempotency key, in characters.
const MAX_KEY: usize = 200;
/// Longest name of a session, in characters.
const MAX_SESSION: usize = 200;
/// Longest name of a player, in characters.
const MAX_PLAYER: usize = 100;
/// The chain of rolls that belong to no session.
pub const NO_SESSION: &str = "table";

/// The log in the service's database.
pub struct RollLog {
    db: Db,
    chance: Chance,
    ledger: Ledger,
}

/// What a roll is, and what it was asked for.
pub struct Cause {
    /// The RPC, such as `RollDice`.
    pub kind: &'static str,
    /// Why the dice are rolled, or empty.
    pub reason: String,
    /// The request as protobuf, in hexadecimal.
    pub request: String,
    /// The caller's key, under which the same roll is answered again.
    pub key: Option<String>,
}

/// Which rolls are listed; what is empty or `None` does not matter.
#[derive(Default)]
pub struct Wanted {
    pub chain: String,
    pub rotation: Option<u64>,
    pub cause: String,
    pub player: String,
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
    pub after: String,
    pub limit: u32,
}

impl Cause {
    /// The cause of a request to the RPC `kind`.
    ///
    /// # Errors
    ///
    /// The idempotency key is not one.
    pub fn of<M: Message>(kind: &'static str, request: &Request<M>, reason: Option<String>) -> Result<Cause, Status> {
        let key = match request.metadata().get("idempotency-key") {
            None => None,
            Some(key) => {
                Some(key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY).ok_or_else(|| {
                    status::error(
                        ErrorCode::InvalidInput,
                        format!("an idempotency key has 1 to {MAX_KEY} ASCII characters"),
                    )
                })?)
            }
        };
        Ok(Cause {
            kind,
            reason: reason.unwrap_or_default(),
            request: proof::to_hex(&request.get_ref().encode_to_vec()),
            key: key.map(str::to_owned),
        })
    }
}

impl Scope {
    /// Whose roll a request is: the session named in it or in the metadata `session-id`, the player in `player`, in which
    /// what is no ASCII is percent-encoded.
    ///
    /// # Errors
    ///
    /// A name that none can have.
    pub fn of<M>(request: &Request<M>, session: Option<&str>) -> Result<Scope, Status> {
        let metadata = |name: &str| request.metadata().get(name).and_then(|value| value.to_str().ok());
        let chain = session.or_else(|| metadata("session-id")).unwrap_or(NO_SESSION);
        let player = metadata("player").map(|player| percent_decode_str(player).decode_utf8_lossy());
        let player = player.map(|player| proof::checked_name("player", &player, MAX_PLAYER)).transpose()?;
        Ok(Scope { chain: proof::checked_name("session", chain, MAX_SESSION)?, player: player.unwrap_or_default() })
    }
}

impl RollLog {
    /// Opens the log and starts its writer.
    pub async fn open(database: &DatabaseConfig, chance: Chance) -> anyhow::Result<RollLog> {
        let db = Db::open(database, "dice", MIGRATIONS).await?;
        Ok(RollLog { ledger: Ledger::start(db.clone(), chance), chance, db })
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Draws an entry and keeps it; or answers what was answered before under the cause's key.
    ///
    /// # Errors
    ///
    /// What `make` refuses; `CONFLICT` if the key belongs to another request; a failing database.
    pub async fn keep<A: Message + Default + 'static>(
        &self,
        scope: Scope,
        cause: Cause,
        change: Change,
        make: impl FnMut(&str, &Chain, &mut Face<'_>) -> Result<A, Status> + Send + 'static,
    ) -> Result<A, Status> {
        let asked = cause.key.clone().map(|key| Asked { kind: cause.kind, request: cause.request.clone(), key });
        if let Some(answer) = self.answered(asked.as_ref()).await? {
            return Ok(answer);
        }
        let (done, answer) = oneshot::channel();
        let draft = Call { make, change, answer: None, done };
        self.ledger.submit(scope, cause, trace::current_id_text(), Box::new(draft)).await?;
        let closed = |_| status::error(ErrorCode::DatabaseError, "the dice service is shutting down");
        match answer.await.map_err(closed)?? {
            Some(answer) => Ok(answer),
            None => {
                let faster = self.answered(asked.as_ref()).await?;
                faster.ok_or_else(|| status::error(ErrorCode::Conflict, "the roll's key is taken"))
            }
        }
    }

    /// The answer that was given before under a key.
    async fn answered<A: Message + Default>(&self, asked: Option<&Asked>) -> Result<Option<A>, Status> {
        let Some(Asked { kind, request, key }) = asked else { return Ok(None) };
        let rows = self.fetch(BY_KEY, vec![key.as_str().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let answer = row.text(2);
        // Rolls from before there were chains were kept as JSON, their requests too.
        let is_json = answer.starts_with('{');
        if row.text(0) != *kind || (!is_json && row.text(1) != *request) {
            let message = format!("the idempotency key {key:?} belongs to another request");
            return Err(status::error(ErrorCode::Conflict, message));
        }
        if is_json {
            let answer = proto::frame::from_json(&response_name(kind), &answer);
            return answer.map(Some).map_err(|error| status::internal(&error));
        }
        let bytes = proof::from_hex(&answer).unwrap_or_default();
        A::decode(bytes.as_slice()).map(Some).map_err(|error| status::internal(&error))
    }

    /// An entry by its id.
    pub async fn find(&self, id: &str) -> Result<Option<Entry>, Status> {
        Ok(self.fetch(BY_ID, vec![id.into()]).await?.first().map(entry))
    }

    /// An entry by its place.
    pub async fn at(&self, chain: &str, rotation: u64, nonce: u64) -> Result<Option<Entry>, Status> {
        let rows = self.fetch(BY_NONCE, vec![chain.into(), rotation.into(), nonce.into()]).await?;
        Ok(rows.first().map(entry))
    }

    /// Entries in the order they were made, at most `limit` of them.
    pub async fn list(&self, wanted: &Wanted) -> Result<Vec<Entry>, Status> {
        let rotation = wanted.rotation.map_or(-1, |rotation| i64::try_from(rotation).unwrap_or(i64::MAX));
        let cause = if wanted.cause.is_empty() { String::new() } else { like(&wanted.cause) };
        let values = vec![
            wanted.after.as_str().into(),
            wanted.chain.as_str().into(),
            rotation.into(),
            cause.into(),
            wanted.player.as_str().into(),
            wanted.from_ms.unwrap_or(0).into(),
            wanted.to_ms.unwrap_or(i64::MAX).into(),
            i64::from(wanted.limit).into(),
        ];
        Ok(self.fetch(LISTED, values).await?.iter().map(entry).collect())
    }

    /// Entries of a chain from a place on, at most 200.
    pub async fn from(&self, chain: &str, rotation: u64, nonce: u64) -> Result<Vec<Entry>, Status> {
        let values = vec![chain.into(), rotation.into(), nonce.into()];
        Ok(self.fetch(IN_CHAIN, values).await?.iter().map(entry).collect())
    }

    /// Sides and faces of the latest rolls of a player, a chain or all.
    pub async fn faces(&self, player: &str, chain: &str) -> Result<Vec<(Vec<u32>, Vec<u32>)>, Status> {
        let rows = self.fetch(LATEST, vec![player.into(), chain.into()]).await?;
        Ok(rows.iter().map(|row| (proof::numbers(&row.text(0)), proof::numbers(&row.text(1)))).collect())
    }

    /// A chain, with the present seed or an earlier one.
    pub async fn chain(&self, name: &str, rotation: Option<u64>) -> Result<Option<Chain>, Status> {
        crate::ledger::read_chain(&self.db, name, rotation).await
    }

    /// A chain that is begun now, or that another caller has just begun.
    pub async fn begin(&self, name: &str) -> Result<Chain, Status> {
        crate::ledger::begin(&self.db, self.chance, name).await
    }

    /// Notes public keys.
    pub async fn keep_keys(&self, keys: &[String], now_ms: i64) -> Result<(), Status> {
        let insert = |key: &String| service_kit::db::Statement::new(KEEP_KEY, vec![key.as_str().into(), now_ms.into()]);
        self.db.write(keys.iter().map(insert).collect()).await.map_err(|error| status::database(&error))
    }

    /// Every public key that has signed.
    pub async fn known_keys(&self) -> Result<Vec<String>, Status> {
        Ok(self.fetch(KNOWN_KEYS, Vec::new()).await?.iter().map(|row| row.text(0)).collect())
    }

    /// Changes with every group of entries that this process keeps.
    pub fn kept(&self) -> tokio::sync::watch::Receiver<u64> {
        self.ledger.kept()
    }

    async fn fetch(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Status> {
        self.db.fetch(sql, values).await.map_err(|error| status::database(&error))
    }
}

/// What a call asks for under a key, to compare with what was asked before.
struct Asked {
    kind: &'static str,
    request: String,
    key: String,
}

/// A call that waits for its entry.
struct Call<A, F> {
    make: F,
    change: Change,
    answer: Option<A>,
    done: oneshot::Sender<Result<Option<A>, Status>>,
}

impl<A, F> Draft for Call<A, F>
where
    A: Message + Default + 'static,
    F: FnMut(&str, &Chain, &mut Face<'_>) -> Result<A, Status> + Send,
{
    fn make(&mut self, id: &str, chain: &Chain, face: &mut Face<'_>) -> Result<String, Status> {
        let answer = (self.make)(id, chain, face)?;
        let text = proof::to_hex(&answer.encode_to_vec());
        self.answer = Some(answer);
        Ok(text)
    }

    fn change(&self) -> Change {
        self.change.clone()
    }

    fn done(self: Box<Self>, is_kept: Result<bool, Status>) {
        let Call { answer, done, .. } = *self;
        // Nobody may be waiting any more; what is kept stays.
        let _ = done.send(is_kept.map(|is_kept| answer.filter(|_| is_kept)));
    }
}

/// The entries of a player, and those in whose words one of two patterns is found.
pub async fn naming(db: &Db, player: &str, pattern: &str, in_hexadecimal: &str) -> Result<Vec<Entry>, DbError> {
    let rows = db.fetch(NAMING, vec![player.into(), pattern.into(), in_hexadecimal.into()]).await?;
    Ok(rows.iter().map(entry).collect())
}

/// A pattern for a part of a text.
pub fn like(part: &str) -> String {
    let mut pattern = String::from("%");
    for character in part.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn entry(row: &Row) -> Entry {
    Entry {
        id: row.text(0),
        at: row.integer(1),
        kind: row.text(2),
        cause: row.text(3),
        trace_id: row.text(4),
        chain: row.text(5),
        rotation: row.unsigned(6),
        nonce: row.unsigned(7),
        player: row.text(8),
        client_seeds: row.text(9),
        sides: row.text(10),
        faces: row.text(11),
        request: row.text(12),
        answer: row.text(13),
        previous_hash: row.text(14),
        hash: row.text(15),
    }
}

/// The full name of the answer to an RPC.
pub fn response_name(kind: &str) -> String {
    let message = match kind {
        "Roll" | "RollPool" => "RollDice",
        "RollWithAdvantage" | "RollWithDisadvantage" => "RollTwice",
        kind => kind,
    };
    format!("dicetower.dice.v1.{message}Response")
}
