//! The log and its proofs on the wire: entries, commitments, reveals, verification.

use proto::dice::v1::{
    AddClientSeedRequest, AddClientSeedResponse, GetCommitmentRequest, GetCommitmentResponse, ListRollsRequest,
    ListRollsResponse, LoggedRoll, ProofCheck, RevealSeedRequest, RevealSeedResponse, StreamRollsRequest,
    StreamRollsResponse, VerifyRollResponse,
};
use service_kit::{
    clock,
    status::{self, ErrorCode},
};
use tokio_stream::Stream;
use tonic::{Request, Status};

use super::Dice;
use crate::{
    keys::Keys,
    ledger::{Chain, Change, Scope},
    log::{Cause, Wanted, response_name},
    proof::{self, Entry},
    walk::{ADDS, Broken, REVEALS, Walk},
};

/// Entries in one answer, if no other number is asked for.
const PAGE: u32 = 100;
/// Most entries that are gone through to verify one. Ours; it bounds what a call costs.
const MAX_WALKED: u64 = 20_000;
const BROKEN_BEFORE: &str = "the chain breaks before it, so its seeds of players are unknown";
/// How long a stream waits before it looks whether another replica has rolled.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

impl Dice {
    /// The entry with this id.
    pub(super) async fn entry(&self, id: &str) -> Result<Entry, Status> {
        let entry = self.log.find(id).await?;
        entry.ok_or_else(|| status::error(ErrorCode::NotFound, format!("no roll has the id {id:?}")))
    }

    pub(super) async fn listed(&self, request: ListRollsRequest) -> Result<ListRollsResponse, Status> {
        let ListRollsRequest { session, rotation, cause, player, from_ms, to_ms, after, limit } = request;
        let limit = limit.unwrap_or(PAGE);
        let wanted = Wanted {
            chain: session.unwrap_or_default(),
            rotation,
            cause: cause.unwrap_or_default(),
            player: player.unwrap_or_default(),
            from_ms,
            to_ms,
            after: after.unwrap_or_default(),
            limit: limit + 1,
        };
        let mut entries = self.log.list(&wanted).await?;
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        Ok(ListRollsResponse { rolls: entries.iter().map(to_proto).collect(), more })
    }

    /// The entries of a chain from a place on, and then each as it is made.
    pub(super) async fn streamed(
        &self,
        request: &Request<StreamRollsRequest>,
    ) -> Result<impl Stream<Item = Result<StreamRollsResponse, Status>> + use<>, Status> {
        let StreamRollsRequest { session, rotation, nonce } = request.get_ref();
        let chain = Scope::of(request, session.as_deref())?.chain;
        let place = match (rotation, nonce) {
            (None, None) => self.log.chain(&chain, None).await?.map_or((0, 0), |chain| (chain.rotation, chain.length)),
            (rotation, nonce) => (rotation.unwrap_or(0), nonce.unwrap_or(0)),
        };
        let log = self.log.clone();
        let (wakes, mut elsewhere) = (self.others.wakes.clone(), self.others.elsewhere.clone());
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            let (mut rotation, mut nonce) = place;
            let mut kept = log.kept();
            elsewhere.mark_unchanged();
            while !sender.is_closed() {
                kept.mark_unchanged();
                let entries = match log.from(&chain, rotation, nonce).await {
                    Ok(entries) => entries,
                    Err(error) => {
                        let _ = sender.send(Err(error)).await;
                        return;
                    }
                };
                let found = !entries.is_empty();
                for entry in entries {
                    (rotation, nonce) = (entry.rotation, entry.nonce + 1);
                    if sender.send(Ok(StreamRollsResponse { roll: Some(to_proto(&entry)) })).await.is_err() {
                        return;
                    }
                }
                if !found {
                    // What this process keeps is seen at once, and what another keeps if it wakes us.
                    tokio::select! {
                        _ = tokio::time::timeout(wakes.pause(LOOK_AGAIN), kept.changed()) => {}
                        Ok(()) = elsewhere.changed() => {}
                        () = sender.closed() => return,
                    }
                }
            }
        });
        Ok(tokio_stream::wrappers::ReceiverStream::new(receiver))
    }

    pub(super) async fn commitment(
        &self,
        request: &Request<GetCommitmentRequest>,
    ) -> Result<GetCommitmentResponse, Status> {
        let GetCommitmentRequest { session, rotation } = request.get_ref();
        let name = Scope::of(request, session.as_deref())?.chain;
        // Whether it is revealed comes first: what is read after that has the entry which reveals it.
        let is_revealed = match rotation {
            Some(rotation) => self.log.chain(&name, Some(rotation.saturating_add(1))).await?.is_some(),
            None => false,
        };
        let chain = match (self.log.chain(&name, *rotation).await?, rotation) {
            (Some(chain), _) => chain,
            (None, None) => self.log.begin(&name).await?,
            (None, Some(rotation)) => {
                let message = format!("the session {name:?} has no seed {rotation}");
                return Err(status::error(ErrorCode::NotFound, message));
            }
        };
        self.signed(&name, &chain, is_revealed).await
    }

    /// A chain with its signed head, and its seed once it is revealed.
    async fn signed(&self, name: &str, chain: &Chain, is_revealed: bool) -> Result<GetCommitmentResponse, Status> {
        let public_key = self.keys.public_key();
        let mut earlier_keys = self.log.known_keys().await?;
        earlier_keys.retain(|key| *key != public_key);
        let head = proof::head_text(name, chain.rotation, chain.length, &chain.head, &chain.commitment);
        Ok(GetCommitmentResponse {
            session: name.to_owned(),
            rotation: chain.rotation,
            commitment: chain.commitment.clone(),
            client_seeds: chain.client_seeds.clone(),
            length: chain.length,
            head: chain.head.clone(),
            genesis: proof::genesis(name, chain.rotation, &chain.commitment, &chain.previous_head),
            previous_head: chain.previous_head.clone(),
            server_seed: (is_revealed && !chain.seed().is_empty()).then(|| chain.seed().to_owned()),
            signature: self.keys.sign(&head),
            public_key,
            earlier_keys,
        })
    }

    pub(super) async fn added_seed(
        &self,
        request: &Request<AddClientSeedRequest>,
    ) -> Result<AddClientSeedResponse, Status> {
        let AddClientSeedRequest { session, seed, player } = request.get_ref().clone();
        let mut scope = Scope::of(request, session.as_deref())?;
        if let Some(player) = player {
            scope.player = proof::checked_name("player", &player, 100)?;
        }
        let cause = Cause::of(ADDS, request, None)?;
        let (name, change) = (scope.chain.clone(), Change::AddSeed(seed.clone()));
        let make = move |_: &str, chain: &Chain, _: &mut crate::ledger::Face<'_>| {
            provable(chain)?;
            let client_seeds = match chain.client_seeds.as_str() {
                "" => seed.clone(),
                seeds => format!("{seeds},{seed}"),
            };
            Ok(AddClientSeedResponse {
                session: name.clone(),
                rotation: chain.rotation,
                client_seeds,
                from_nonce: chain.length + 1,
                commitment: chain.commitment.clone(),
            })
        };
        self.log.keep(scope, cause, change, make).await
    }

    pub(super) async fn revealed(&self, request: &Request<RevealSeedRequest>) -> Result<RevealSeedResponse, Status> {
        let RevealSeedRequest { session, reason } = request.get_ref().clone();
        let scope = Scope::of(request, session.as_deref())?;
        let cause = Cause::of(REVEALS, request, reason)?;
        let name = scope.chain.clone();
        let make = {
            let name = name.clone();
            move |_: &str, chain: &Chain, _: &mut crate::ledger::Face<'_>| {
                provable(chain)?;
                Ok(RevealSeedResponse {
                    session: name.clone(),
                    rotation: chain.rotation,
                    server_seed: chain.seed().to_owned(),
                    commitment: chain.commitment.clone(),
                    length: chain.length + 1,
                    next_commitment: String::new(),
                })
            }
        };
        let answer = self.log.keep(scope, cause, Change::Reveal, make).await?;
        // The next seed is drawn after the entry is made, since its chain begins with the entry's hash.
        let next = self.log.chain(&name, Some(answer.rotation + 1)).await?;
        Ok(RevealSeedResponse { next_commitment: next.map(|chain| chain.commitment).unwrap_or_default(), ..answer })
    }

    /// Verifies an entry, and goes through so many of its chain.
    pub(super) async fn verified(&self, entry: Entry, around: Option<u32>) -> Result<VerifyRollResponse, Status> {
        if entry.chain.is_empty() {
            let message = "the roll is from before rolls were provable";
            return Err(status::error(ErrorCode::InvalidInput, message));
        }
        // The seed after it comes first, as in `commitment`.
        let next = self.log.chain(&entry.chain, Some(entry.rotation.saturating_add(1))).await?;
        let chain = self.log.chain(&entry.chain, Some(entry.rotation)).await?;
        let chain = chain.ok_or_else(|| status::error(ErrorCode::NotFound, "the roll's chain is gone"))?;
        let signed = self.signed(&entry.chain, &chain, next.is_some()).await?;
        let head = proof::head_text(&entry.chain, chain.rotation, chain.length, &chain.head, &chain.commitment);
        let is_signed = Keys::verifies(&signed.public_key, &head, &signed.signature);
        let mut checks = vec![check(
            "hash",
            entry.hash() == entry.hash,
            "the hash is that of what the entry says",
            "the entry was changed: its hash is not that of what it says",
        )];
        checks.extend(
            self.walked(&entry, &chain, &signed.genesis, next.as_ref(), around.map_or(MAX_WALKED, u64::from)).await?,
        );
        checks.push(check(
            "signature",
            is_signed,
            "the head of the chain is signed",
            "the head of the chain is not signed",
        ));
        checks.extend(seed_checks(&entry, &chain, signed.server_seed.as_deref()));

        let is = |name: &str, outcome: &str| checks.iter().any(|check| check.name == name && check.outcome == outcome);
        let verified = checks.iter().all(|check| check.outcome != "failed");
        let faces_verified = is("commitment", "passed") && is("faces", "passed");
        let summary = match (verified, faces_verified) {
            (false, _) => "The roll is not what the chain says.",
            (true, true) => "The roll is in the chain, and its faces follow from the seed that was committed to.",
            (true, false) if !chain.is_provable() => {
                "The roll is in the chain, but its faces cannot be proved: nothing was committed to when it was made."
            }
            (true, false) => "The roll is in the chain; its faces can be checked once the seed is revealed.",
        };
        if entry.is_erased() {
            say_erased(&mut checks);
        }
        Ok(VerifyRollResponse {
            verified,
            faces_verified,
            checks,
            roll: Some(to_proto(&entry)),
            chain: Some(signed),
            summary: summary.to_owned(),
        })
    }

    /// Goes through the entries under the seed of `entry`, from the first to the head, or through as many around `entry`
    /// as may be: whether they follow on each other without a gap, and on the seeds of players.
    async fn walked(
        &self,
        entry: &Entry,
        chain: &Chain,
        genesis: &str,
        next: Option<&Chain>,
        around: u64,
    ) -> Result<[ProofCheck; 2], Status> {
        let (name, rotation) = (&entry.chain, entry.rotation);
        let first = (entry.nonce + 1).saturating_sub(around);
        let mut walk = match first.checked_sub(1) {
            None => Walk::from_genesis(genesis.to_owned()),
            Some(nonce) => match self.log.at(name, rotation, nonce).await? {
                Some(before) => Walk::after(&before),
                None => {
                    let missing = Broken::Missing(nonce).to_string();
                    return Ok([failed("link", &missing), failed("client_seeds", BROKEN_BEFORE)]);
                }
            },
        };
        let end = chain.length.min(first + around);
        let (mut broken, chosen) = self.walk(&mut walk, name, rotation, end).await?;
        if broken.is_none() && end == chain.length {
            let is_last = |next: &Chain| walk.is_revealed() && next.previous_head == chain.head;
            let is_end = walk.head() == chain.head && next.is_none_or(is_last);
            broken = (!is_end).then_some(Broken::Missing(end));
        }
        let previous = self.head_before(name, rotation).await?;
        let told = if first == 0 && end == chain.length {
            "it follows on the entry before it, and so do all from the first to the head".to_owned()
        } else {
            let last = end.saturating_sub(1);
            format!("it follows on the entry before it; checked were the nonces {first} to {last} of {}", chain.length)
        };
        let link = match &broken {
            _ if previous.as_ref() != Some(&chain.previous_head) => {
                failed("link", "the chain does not go on from the seed before it")
            }
            None => check("link", true, &told, ""),
            Some(broken) => failed("link", &broken.to_string()),
        };
        let client_seeds = match &chosen {
            Some(chosen) => failed("client_seeds", &chosen.to_string()),
            None if walk.nonce() <= entry.nonce => failed("client_seeds", BROKEN_BEFORE),
            None => check("client_seeds", true, "it depends on those seeds of players that were added before it", ""),
        };
        Ok([link, client_seeds])
    }

    /// Walks on up to a nonce, page by page. Answers what ends the walk before, and the first entry that depends on seeds
    /// of players which nobody added.
    async fn walk(
        &self,
        walk: &mut Walk,
        name: &str,
        rotation: u64,
        end: u64,
    ) -> Result<(Option<Broken>, Option<Broken>), Status> {
        let mut chosen = None;
        while walk.nonce() < end {
            let mut entries = match end - walk.nonce() {
                1 => self.log.at(name, rotation, walk.nonce()).await?.into_iter().collect(),
                _ => self.log.from(name, rotation, walk.nonce()).await?,
            };
            entries.retain(|entry| entry.rotation == rotation && entry.nonce < end);
            if entries.is_empty() {
                return Ok((Some(Broken::Missing(walk.nonce())), chosen));
            }
            for entry in &entries {
                match walk.step(entry) {
                    Ok(()) => {}
                    Err(broken @ Broken::ClientSeeds(_)) => chosen = chosen.or(Some(broken)),
                    Err(broken) => return Ok((Some(broken), chosen)),
                }
            }
        }
        Ok((None, chosen))
    }

    /// The head under the seed before; empty for the first, `None` if that seed is gone.
    async fn head_before(&self, name: &str, rotation: u64) -> Result<Option<String>, Status> {
        let Some(before) = rotation.checked_sub(1) else { return Ok(Some(String::new())) };
        Ok(self.log.chain(name, Some(before)).await?.map(|chain| chain.head))
    }

    /// Notes the public keys of this process.
    pub async fn keep_keys(&self) -> Result<(), Status> {
        let mut keys = self.keys.earlier().to_vec();
        keys.push(self.keys.public_key());
        self.log.keep_keys(&keys, clock::now_ms()).await
    }
}

/// Says of the hash of an entry that was erased that it stands for words which are gone.
fn say_erased(checks: &mut [ProofCheck]) {
    for check in checks.iter_mut().filter(|check| check.name == "hash") {
        check.outcome = "pending".to_owned();
        check.detail =
            "a person was erased from the entry: its hash is the one it had, and cannot be computed anew".to_owned();
    }
}

/// Refuses what has a meaning only where rolls follow from a seed.
fn provable(chain: &Chain) -> Result<(), Status> {
    if chain.is_provable() {
        return Ok(());
    }
    let message = "rolls are not provable here: they come from a generator without a commitment, so there are no seeds";
    Err(status::error(ErrorCode::InvalidInput, message))
}

/// Whether the seed is the one that was committed to, and gives the entry's faces.
fn seed_checks(entry: &Entry, chain: &Chain, server_seed: Option<&str>) -> [ProofCheck; 2] {
    if !chain.is_provable() {
        let detail = "rolls are not provable here: they come from a generator without a commitment";
        return ["commitment", "faces"].map(|name| outcome(name, "pending", detail));
    }
    let secret = "the seed is secret until it is revealed";
    let kept = chain.keeps_its_commitment();
    let commitment = match server_seed {
        None if kept => outcome("commitment", "pending", secret),
        _ => check(
            "commitment",
            kept,
            "the seed is the one that was committed to",
            "the seed is not the one that was committed to",
        ),
    };
    let faces = match server_seed {
        None => outcome("faces", "pending", secret),
        Some(seed) => {
            let faces = proof::faces_of(entry, &proof::from_hex(seed).unwrap_or_default());
            let are_those = faces == proof::numbers(&entry.faces);
            check("faces", are_those, "the seed gives these faces", "the seed gives other faces")
        }
    };
    [commitment, faces]
}

fn check(name: &str, passed: bool, holds: &str, fails: &str) -> ProofCheck {
    if passed { outcome(name, "passed", holds) } else { outcome(name, "failed", fails) }
}

fn failed(name: &str, detail: &str) -> ProofCheck {
    outcome(name, "failed", detail)
}

fn outcome(name: &str, outcome: &str, detail: &str) -> ProofCheck {
    ProofCheck { name: name.to_owned(), outcome: outcome.to_owned(), detail: detail.to_owned() }
}

/// An entry on the wire, with its answer as it was given.
pub fn to_proto(entry: &Entry) -> LoggedRoll {
    LoggedRoll {
        roll_id: entry.id.clone(),
        timestamp: clock::rfc3339(entry.at),
        at_ms: entry.at,
        kind: entry.kind.clone(),
        cause: entry.cause.clone(),
        player: entry.player.clone(),
        trace_id: entry.trace_id.clone(),
        session: entry.chain.clone(),
        rotation: entry.rotation,
        nonce: entry.nonce,
        client_seeds: entry.client_seeds.clone(),
        sides: proof::numbers(&entry.sides),
        faces: proof::numbers(&entry.faces),
        request: entry.request.clone(),
        answer: entry.answer.clone(),
        previous_hash: entry.previous_hash.clone(),
        hash: entry.hash.clone(),
        result: result(entry).map(proto::structs::from_json),
    }
}

/// The answer as JSON.
fn result(entry: &Entry) -> Option<serde_json::Value> {
    if entry.answer.starts_with('{') {
        return serde_json::from_str(&entry.answer).ok();
    }
    let bytes = proof::from_hex(&entry.answer)?;
    let text = proto::json::Shape::of(&response_name(&entry.kind))?.text(&bytes)?;
    serde_json::from_str(&text).ok()
}
