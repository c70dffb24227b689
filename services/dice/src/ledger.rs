//! The roll log's writer: draws every roll at its place in a chain and keeps it before anybody is told.
//!
//! One writer rolls and writes for all callers. It takes what is waiting, gives each roll the next nonce of its chain, and
//! inserts all of them with one statement. The key (chain, rotation, nonce) fences: should another replica have taken a
//! nonce, the whole statement fails, the chains are read again, and the rolls are drawn anew under their new nonces;
//! nobody has seen the faces they would have had. So nonces have no gaps, and no roll is drawn twice.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::ChaCha12Rng};
use ring::hmac;
use service_kit::{
    clock,
    db::{Db, DbError, Statement, Value},
    status::{self, ErrorCode},
};
use tokio::sync::{Mutex, mpsc, watch};
use tonic::Status;
use tracing::Span;
use uuid::Uuid;

use crate::{
    keys,
    log::Cause,
    proof::{self, Entry, MAX_CLIENT_SEEDS, SEED_BYTES, Stream},
};

/// Rolls that may wait; more wait for a place.
const QUEUE: usize = 1024;
/// Rolls that are written together at the most.
const GROUP: usize = 64;
/// How often others have their turn before a group is written.
const TURNS: usize = 4;
/// Dice of most rolls.
const DICE: usize = 16;
/// Chains that are kept in memory; past them all are read again.
const MAX_CHAINS: usize = 10_000;
/// How often a roll is drawn anew because another replica took its nonce.
const MAX_ATTEMPTS: usize = 50;

const COLUMNS: usize = 17;
const CHAIN: &str =
    "SELECT rotation, server_seed, commitment, previous_head FROM chains WHERE id = $1 ORDER BY rotation DESC LIMIT 1";
const NEW_CHAIN: &str = "INSERT INTO chains (id, rotation, server_seed, commitment, previous_head, at)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id, rotation) DO NOTHING";
const NEXT_CHAIN: &str = "INSERT INTO chains (id, rotation, server_seed, commitment, previous_head, at)
     VALUES ($1, $2, $3, $4, $5, $6)";
const LAST: &str = "SELECT nonce, hash, client_seeds FROM rolls WHERE chain = $1 AND rotation = $2
     ORDER BY nonce DESC LIMIT 1";
const BY_KEY: &str = "SELECT id FROM rolls WHERE idempotency_key = $1";

/// The statement that inserts so many rolls.
static INSERTS: LazyLock<Vec<&'static str>> = LazyLock::new(|| (0..=GROUP).map(|rows| &*insert(rows).leak()).collect());

fn insert(rows: usize) -> String {
    let row = |row: usize| {
        let columns: Vec<String> = (1..=COLUMNS).map(|column| format!("${}", row * COLUMNS + column)).collect();
        format!("({})", columns.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO rolls (id, at, kind, cause, trace_id, faces, request, answer, idempotency_key, chain, rotation, \
         nonce, player, client_seeds, sides, previous_hash, hash) VALUES {}",
        rows.join(", ")
    )
}

/// How faces are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    /// A seed for repeatable rolls.
    pub seed: Option<u64>,
    /// Whether faces come from ChaCha without a commitment.
    pub plain: bool,
}

impl Chance {
    /// A chain with a new seed. A fixed seed gives every chain and rotation one of its own.
    fn chain(&self, name: &str, rotation: u64, previous_head: String) -> Result<Chain, Status> {
        let seed = match (self.plain, self.seed) {
            (true, _) => Vec::new(),
            (false, None) => keys::fresh_secret().map_err(|error| status::internal(error.as_ref()))?,
            (false, Some(seed)) => derived(seed, &format!("{name}:{rotation}")),
        };
        let commitment = if seed.is_empty() { String::new() } else { proof::sha256(&seed) };
        Ok(Chain::begin(name, rotation, &seed, commitment, previous_head))
    }

    /// The generator of a roll that is not provable: never the same for two rolls, also after a restart.
    fn generator(&self, name: &str, chain: &Chain) -> Result<ChaCha12Rng, Status> {
        let seed = match self.seed {
            Some(seed) => derived(seed, &format!("{name}:{}:{}", chain.rotation, chain.length)),
            None => keys::fresh_secret().map_err(|error| status::internal(error.as_ref()))?,
        };
        let seed: [u8; SEED_BYTES] = seed.try_into().unwrap_or([0; SEED_BYTES]);
        Ok(ChaCha12Rng::from_seed(seed))
    }
}

/// Whose roll it is.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The session or game.
    pub chain: String,
    /// The player, or empty.
    pub player: String,
}

/// The chain as it stands.
#[derive(Clone)]
pub struct Chain {
    pub rotation: u64,
    pub commitment: String,
    pub previous_head: String,
    pub client_seeds: String,
    /// The nonce of the next entry.
    pub length: u64,
    pub head: String,
    key: Option<hmac::Key>,
    seed: String,
}

/// Draws faces: given the sides, answers a face.
pub type Face<'a> = dyn FnMut(u32) -> u32 + 'a;

/// An entry in the making.
pub trait Draft: Send {
    /// Makes the entry's answer; called again should it have to be drawn anew. Answers protobuf in hexadecimal.
    ///
    /// # Errors
    ///
    /// What is refused; nothing is kept then.
    fn make(&mut self, id: &str, chain: &Chain, face: &mut Face<'_>) -> Result<String, Status>;

    /// What it changes in its chain.
    fn change(&self) -> Change {
        Change::None
    }

    /// Tells the caller whether it is kept; if not, another call under the same key was faster.
    fn done(self: Box<Self>, is_kept: Result<bool, Status>);
}

/// What an entry does to its chain.
#[derive(Clone)]
pub enum Change {
    /// It is a roll.
    None,
    /// A player's seed is added.
    AddSeed(String),
    /// The server's seed is revealed and followed by another.
    Reveal,
}

struct Job {
    scope: Scope,
    cause: Cause,
    trace_id: String,
    /// The caller's, in which the statement is noted: the writer works for many at once and has none.
    span: Span,
    draft: Box<dyn Draft>,
}

/// The writer's address.
#[derive(Clone)]
pub struct Ledger {
    writer: Arc<Mutex<Writer>>,
    jobs: mpsc::Sender<Job>,
    kept: watch::Receiver<u64>,
    pace: Arc<Pace>,
}

/// How fast entries come. One caller after the other is served at once; where many call, waiting a moment lets one
/// statement keep the entries of all.
struct Pace {
    began: Instant,
    /// Of the last entry, in nanoseconds after the beginning.
    last: AtomicU64,
    /// Entries in a row that came soon after the one before.
    in_a_row: AtomicU32,
}

impl Pace {
    /// Ours: a caller who waits for each answer takes longer.
    const SOON: Duration = Duration::from_micros(100);
    /// Ours: so many may be chance.
    const CROWD: u32 = 4;

    fn new() -> Pace {
        Pace { began: Instant::now(), last: AtomicU64::new(0), in_a_row: AtomicU32::new(0) }
    }

    /// Whether many are calling, now that an entry comes `at` this time after the beginning.
    fn is_crowded(&self, at: Duration) -> bool {
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let last = self.last.swap(at, Relaxed);
        if u128::from(at.saturating_sub(last)) < Pace::SOON.as_nanos() {
            Pace::CROWD <= self.in_a_row.fetch_add(1, Relaxed)
        } else {
            self.in_a_row.store(0, Relaxed);
            false
        }
    }
}

impl Ledger {
    /// Starts the writer.
    pub fn start(db: Db, chance: Chance) -> Ledger {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let (count, kept) = watch::channel(0);
        let writer = Arc::new(Mutex::new(Writer { db, chance, chains: HashMap::new(), count }));
        tokio::spawn(work(writer.clone(), waiting));
        Ledger { writer, jobs, kept, pace: Arc::new(Pace::new()) }
    }

    /// Hands over an entry to be drawn and kept.
    pub async fn submit(
        &self,
        scope: Scope,
        cause: Cause,
        trace_id: String,
        draft: Box<dyn Draft>,
    ) -> Result<(), Status> {
        let job = Job { scope, cause, trace_id, span: Span::current(), draft };
        // Nobody else rolls: at once, without a detour over the queue.
        if !self.pace.is_crowded(self.pace.began.elapsed())
            && let Ok(mut writer) = self.writer.try_lock()
        {
            Box::pin(writer.keep(vec![job])).await;
            return Ok(());
        }
        self.jobs.send(job).await.map_err(|_| status::database(&DbError::Closed))
    }

    /// Changes with every group of entries that is kept.
    pub fn kept(&self) -> watch::Receiver<u64> {
        self.kept.clone()
    }
}

/// Keeps what is waiting, group by group.
async fn work(writer: Arc<Mutex<Writer>>, mut waiting: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut jobs, 1).await > 0 {
        // Those who are about to call come first, as long as there are any.
        for _ in 0..TURNS {
            let before = waiting.len();
            tokio::task::yield_now().await;
            if waiting.len() == before || GROUP <= before {
                break;
            }
        }
        let mut writer = writer.lock().await;
        // While the writer was busy, others have come.
        while jobs.len() < GROUP
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        writer.keep(std::mem::take(&mut jobs)).await;
    }
}

struct Writer {
    db: Db,
    chance: Chance,
    chains: HashMap<String, Chain>,
    count: watch::Sender<u64>,
}

impl Writer {
    /// Draws and writes a group, and tells everyone.
    async fn keep(&mut self, mut group: Vec<Job>) {
        for _ in 0..MAX_ATTEMPTS {
            group = self.write(group).await;
            if group.is_empty() {
                return;
            }
        }
        for job in group {
            let message = "other replicas roll in this session all the time; try again";
            job.draft.done(Err(status::error(ErrorCode::Conflict, message)));
        }
    }

    /// Draws and writes a group; answers what has to be drawn anew.
    async fn write(&mut self, group: Vec<Job>) -> Vec<Job> {
        let mut later = Vec::new();
        let mut keys = HashSet::new();
        let mut drawn: Vec<Job> = Vec::with_capacity(group.len());
        let mut values = Vec::with_capacity(group.len() * COLUMNS);
        let mut further = Vec::new();
        // As the chains will stand if all is written.
        let mut chains: HashMap<String, Chain> = HashMap::new();
        for mut job in group {
            if job.cause.key.as_ref().is_some_and(|key| !keys.insert(key.clone())) {
                later.push(job);
                continue;
            }
            let name = job.scope.chain.clone();
            let mut chain = match chains.remove(&name) {
                Some(chain) => chain,
                None => match self.chain(&name).await {
                    Ok(chain) => chain,
                    Err(refusal) => {
                        job.draft.done(Err(refusal));
                        continue;
                    }
                },
            };
            let next = self.draw(&mut job, &mut chain, &mut further);
            chains.insert(name, chain);
            match next {
                Ok(entry) => {
                    values.extend(columns(entry, job.cause.key.clone()));
                    drawn.push(job);
                }
                Err(refusal) => job.draft.done(Err(refusal)),
            }
        }
        if drawn.is_empty() {
            return later;
        }
        let mut statements = vec![Statement::new(INSERTS[drawn.len()], values)];
        statements.append(&mut further);
        match self.db.write(statements).await {
            Ok(()) => {
                if self.chains.len() + chains.len() > MAX_CHAINS {
                    self.chains.clear();
                }
                self.chains.extend(chains);
                self.count.send_modify(|count| *count = count.wrapping_add(1));
                for job in drawn {
                    job.span.in_scope(|| tracing::debug!(target: "sql", statement = INSERTS[1], "write"));
                    job.draft.done(Ok(true));
                }
            }
            Err(error) => {
                // What stands in the chains is no longer known.
                chains.keys().for_each(|name| {
                    self.chains.remove(name);
                });
                let may_be_drawn_anew = matches!(error, DbError::Unique | DbError::Conflict);
                for job in drawn {
                    match self.is_answered(job.cause.key.clone()).await {
                        Ok(true) => job.draft.done(Ok(false)),
                        Ok(false) if may_be_drawn_anew => later.push(job),
                        Ok(false) => job.draft.done(Err(status::database(&error))),
                        Err(error) => job.draft.done(Err(status::database(&error))),
                    }
                }
            }
        }
        later
    }

    /// Draws an entry at the end of its chain, which then has it.
    fn draw(&self, job: &mut Job, chain: &mut Chain, further: &mut Vec<Statement>) -> Result<Entry, Status> {
        let change = job.draft.change();
        let client_seeds = match &change {
            Change::AddSeed(seed) => with_seed(&chain.client_seeds, seed)?,
            Change::None | Change::Reveal => chain.client_seeds.clone(),
        };
        let id = Uuid::now_v7().to_string();
        let (mut sides_drawn, mut faces) = (Vec::with_capacity(DICE), Vec::with_capacity(DICE));
        let mut faces_of: Box<Face<'_>> = match &chain.key {
            Some(key) => {
                let mut stream = Stream::new(key, &client_seeds, chain.length);
                Box::new(move |sides| stream.face(sides))
            }
            None => {
                let mut rng = self.chance.generator(&job.scope.chain, chain)?;
                Box::new(move |sides| rng.random_range(1..=sides.max(1)))
            }
        };
        let answer = job.draft.make(&id, chain, &mut |sides| {
            let face = faces_of(sides);
            sides_drawn.push(sides);
            faces.push(face);
            face
        })?;
        drop(faces_of);
        let mut entry = Entry {
            id,
            at: clock::now_ms(),
            kind: job.cause.kind.to_owned(),
            cause: job.cause.reason.clone(),
            trace_id: job.trace_id.clone(),
            chain: job.scope.chain.clone(),
            rotation: chain.rotation,
            nonce: chain.length,
            player: job.scope.player.clone(),
            client_seeds: client_seeds.clone(),
            sides: proof::list(&sides_drawn),
            faces: proof::list(&faces),
            request: job.cause.request.clone(),
            answer,
            previous_hash: chain.head.clone(),
            hash: String::new(),
        };
        entry.hash = entry.hash();
        if matches!(change, Change::Reveal) {
            let next = self.chance.chain(&job.scope.chain, chain.rotation + 1, entry.hash.clone())?;
            further.push(insert_chain(NEXT_CHAIN, &job.scope.chain, &next));
            *chain = next;
        } else {
            chain.client_seeds = client_seeds;
            chain.length += 1;
            chain.head = entry.hash.clone();
        }
        Ok(entry)
    }

    /// A chain as it stands, begun if there is none.
    async fn chain(&mut self, name: &str) -> Result<Chain, Status> {
        if let Some(chain) = self.chains.get(name) {
            return Ok(chain.clone());
        }
        // Once for each chain; in a box, so that every roll need not carry it.
        let read_or_begin = async {
            match read_chain(&self.db, name, None).await? {
                Some(chain) => Ok(chain),
                None => begin(&self.db, self.chance, name).await,
            }
        };
        Box::pin(read_or_begin).await
    }

    /// Whether a roll stands under a key.
    async fn is_answered(&self, key: Option<String>) -> Result<bool, DbError> {
        let Some(key) = key else { return Ok(false) };
        Ok(!self.db.fetch(BY_KEY, vec![key.into()]).await?.is_empty())
    }
}

/// 32 bytes from a fixed seed and a name.
fn derived(seed: u64, name: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &seed.to_be_bytes());
    hmac::sign(&key, name.as_bytes()).as_ref().to_vec()
}

/// The players' seeds with one more.
fn with_seed(seeds: &str, seed: &str) -> Result<String, Status> {
    let count = if seeds.is_empty() { 0 } else { seeds.split(',').count() };
    if count >= MAX_CLIENT_SEEDS {
        let message = format!("a chain takes at most {MAX_CLIENT_SEEDS} seeds of players; reveal it to begin another");
        return Err(status::error(ErrorCode::InvalidInput, message));
    }
    Ok(if seeds.is_empty() { seed.to_owned() } else { format!("{seeds},{seed}") })
}

impl Chain {
    fn begin(name: &str, rotation: u64, seed: &[u8], commitment: String, previous_head: String) -> Chain {
        Chain {
            rotation,
            head: proof::genesis(name, rotation, &commitment, &previous_head),
            commitment,
            previous_head,
            client_seeds: String::new(),
            length: 0,
            key: (!seed.is_empty()).then(|| hmac::Key::new(hmac::HMAC_SHA256, seed)),
            seed: proof::to_hex(seed),
        }
    }

    /// The server's seed, hexadecimal; a secret until it is revealed. Empty if rolls are not provable.
    pub fn seed(&self) -> &str {
        &self.seed
    }

    /// Whether rolls follow from a seed that was committed to.
    pub fn is_provable(&self) -> bool {
        !(self.seed.is_empty() && self.commitment.is_empty())
    }

    /// Whether the seed is the one that was committed to.
    pub fn keeps_its_commitment(&self) -> bool {
        proof::from_hex(&self.seed).is_some_and(|seed| proof::sha256(&seed) == self.commitment)
    }
}

/// Begins a chain.
pub async fn begin(db: &Db, chance: Chance, name: &str) -> Result<Chain, Status> {
    let first = chance.chain(name, 0, String::new())?;
    db.write(vec![insert_chain(NEW_CHAIN, name, &first)]).await.map_err(|error| status::database(&error))?;
    // Another replica may have been faster; then its seed stands.
    let chain = read_chain(db, name, None).await?;
    chain.ok_or_else(|| status::internal(&DbError::Closed))
}

/// Reads a chain, the present seed or an earlier one.
pub async fn read_chain(db: &Db, name: &str, rotation: Option<u64>) -> Result<Option<Chain>, Status> {
    const OF_ROTATION: &str =
        "SELECT rotation, server_seed, commitment, previous_head FROM chains WHERE id = $1 AND rotation = $2";
    let database = |error: DbError| status::database(&error);
    let rows = match rotation {
        None => db.fetch(CHAIN, vec![name.into()]).await,
        Some(rotation) => db.fetch(OF_ROTATION, vec![name.into(), rotation.into()]).await,
    };
    let rows = rows.map_err(database)?;
    let Some(row) = rows.first() else { return Ok(None) };
    let seed = proof::from_hex(&row.text(1)).unwrap_or_default();
    // The commitment as it was given, not as the seed would have it now.
    let mut chain = Chain::begin(name, row.unsigned(0), &seed, row.text(2), row.text(3));
    let last = db.fetch(LAST, vec![name.into(), chain.rotation.into()]).await.map_err(database)?;
    if let Some(last) = last.first() {
        chain.length = last.unsigned(0) + 1;
        chain.head = last.text(1);
        chain.client_seeds = last.text(2);
    }
    Ok(Some(chain))
}

fn insert_chain(sql: &'static str, name: &str, chain: &Chain) -> Statement {
    let values = vec![
        name.into(),
        chain.rotation.into(),
        chain.seed.as_str().into(),
        chain.commitment.as_str().into(),
        chain.previous_head.as_str().into(),
        clock::now_ms().into(),
    ];
    Statement::new(sql, values)
}

fn columns(entry: Entry, key: Option<String>) -> [Value; COLUMNS] {
    [
        entry.id.into(),
        entry.at.into(),
        entry.kind.into(),
        entry.cause.into(),
        entry.trace_id.into(),
        entry.faces.into(),
        entry.request.into(),
        entry.answer.into(),
        key.into(),
        entry.chain.into(),
        entry.rotation.into(),
        entry.nonce.into(),
        entry.player.into(),
        entry.client_seeds.into(),
        entry.sides.into(),
        entry.previous_hash.into(),
        entry.hash.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_come_close_behind_each_other_come_from_many() {
        let pace = Pace::new();
        let crowded: Vec<bool> = (1..=8).map(|at| pace.is_crowded(Duration::from_micros(at * 50))).collect();
        assert_eq!(crowded, [false, false, false, false, true, true, true, true]);
        assert!(!pace.is_crowded(Duration::from_micros(600)), "the crowd is gone");
    }

    #[test]
    fn one_caller_after_the_other_is_no_crowd() {
        let pace = Pace::new();
        assert!((1..=1000).all(|at| !pace.is_crowded(Duration::from_micros(at * 150))));
    }
}
