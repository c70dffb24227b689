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
};

/// Entries in one answer, if no other number is asked for.
const PAGE: u32 = 100;
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
        let chain = match (self.log.chain(&name, *rotation).await?, rotation) {
            (Some(chain), _) => chain,
            (None, None) => self.log.begin(&name).await?,
            (None, Some(rotation)) => {
                let message = format!("the session {name:?} has no seed {rotation}");
                return Err(status::error(ErrorCode::NotFound, message));
            }
        };
        self.signed(&name, &chain).await
    }

    /// A chain with its signed head. The seed is told only if a later one has taken its place.
    async fn signed(&self, name: &str, chain: &Chain) -> Result<GetCommitmentResponse, Status> {
        let revealed = self.log.chain(name, Some(chain.rotation + 1)).await?.is_some();
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
            server_seed: (revealed && !chain.seed().is_empty()).then(|| chain.seed().to_owned()),
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
        let cause = Cause::of("AddClientSeed", request, None)?;
        let (name, change) = (scope.chain.clone(), Change::AddSeed(seed.clone()));
        let make = move |_: &str, chain: &Chain, _: &mut crate::ledger::Face<'_>| {
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
        let cause = Cause::of("RevealSeed", request, reason)?;
        let name = scope.chain.clone();
        let make = {
            let name = name.clone();
            move |_: &str, chain: &Chain, _: &mut crate::ledger::Face<'_>| {
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

    pub(super) async fn verified(&self, entry: Entry) -> Result<VerifyRollResponse, Status> {
        if entry.chain.is_empty() {
            let message = "the roll is from before rolls were provable";
            return Err(status::error(ErrorCode::InvalidInput, message));
        }
        let chain = self.log.chain(&entry.chain, Some(entry.rotation)).await?;
        let chain = chain.ok_or_else(|| status::error(ErrorCode::NotFound, "the roll's chain is gone"))?;
        let signed = self.signed(&entry.chain, &chain).await?;
        let before = match entry.nonce.checked_sub(1) {
            None => Some(signed.genesis.clone()),
            Some(nonce) => self.log.at(&entry.chain, entry.rotation, nonce).await?.map(|before| before.hash),
        };
        let head = proof::head_text(&entry.chain, chain.rotation, chain.length, &chain.head, &chain.commitment);
        let verifies = Keys::verifies(&signed.public_key, &head, &signed.signature);
        let mut checks = vec![
            check("hash", entry.hash() == entry.hash, "the hash is that of what the entry says"),
            check("link", before.as_ref() == Some(&entry.previous_hash), "it follows on the entry before it"),
            check("signature", verifies, "the head of the chain is signed"),
        ];
        let faces_verified = match &signed.server_seed {
            Some(seed) => {
                let seed = proof::from_hex(seed).unwrap_or_default();
                let committed = proof::sha256(&seed) == chain.commitment;
                let faces = proof::faces_of(&entry, &seed) == proof::numbers(&entry.faces);
                checks.push(check("commitment", committed, "the seed is the one that was committed to"));
                checks.push(check("faces", faces, "the seed gives these faces"));
                committed && faces
            }
            None => {
                let detail = if chain.commitment.is_empty() {
                    "rolls are not provable here: they come from a generator without a commitment"
                } else {
                    "the seed is secret until it is revealed"
                };
                for name in ["commitment", "faces"] {
                    checks.push(ProofCheck { name: name.into(), outcome: "pending".into(), detail: detail.into() });
                }
                false
            }
        };
        let verified = checks.iter().all(|check| check.outcome != "failed");
        let summary = match (verified, faces_verified) {
            (false, _) => "The roll is not what the chain says.",
            (true, true) => "The roll is in the chain, and its faces follow from the seed that was committed to.",
            (true, false) => "The roll is in the chain; its faces can be checked once the seed is revealed.",
        };
        Ok(VerifyRollResponse {
            verified,
            faces_verified,
            checks,
            roll: Some(to_proto(&entry)),
            chain: Some(signed),
            summary: summary.to_owned(),
        })
    }

    /// Notes the public keys of this process.
    pub async fn keep_keys(&self) -> Result<(), Status> {
        let mut keys = self.keys.earlier().to_vec();
        keys.push(self.keys.public_key());
        self.log.keep_keys(&keys, clock::now_ms()).await
    }
}

fn check(name: &str, passed: bool, detail: &str) -> ProofCheck {
    let outcome = if passed { "passed" } else { "failed" };
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
