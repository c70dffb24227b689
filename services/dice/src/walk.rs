//! Going through the entries under one seed: whether each follows on the one before, and depends on those seeds of
//! players alone that were added before it.
//!
//! The verifiers in `deploy/verify` check the same, in the same order.

use prost::Message;
use proto::dice::v1::AddClientSeedRequest;

use crate::proof::{self, Entry};

/// What adds a player's seed, and what reveals the server's.
pub const ADDS: &str = "AddClientSeed";
pub const REVEALS: &str = "RevealSeed";

/// What breaks a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A nonce has no entry, or the next one stands elsewhere.
    #[error("the entry with the nonce {0} is missing")]
    Missing(u64),
    /// It names another hash than that of the entry before, or of the beginning.
    #[error("the entry with the nonce {0} does not follow on what stands before it")]
    Link(u64),
    /// Its hash is not that of what it says.
    #[error("the entry with the nonce {0} was changed")]
    Changed(u64),
    /// The seed was known when it was made.
    #[error("the entry with the nonce {0} was made after the seed was revealed")]
    AfterReveal(u64),
    /// There is nobody who added what it depends on.
    #[error("the entry with the nonce {0} depends on other seeds of players than were added before it")]
    ClientSeeds(u64),
}

/// A walk over the entries under one seed, in the order of their nonces.
pub struct Walk {
    /// The next nonce.
    nonce: u64,
    /// The hash of the entry before it.
    head: String,
    client_seeds: String,
    is_revealed: bool,
}

impl Walk {
    /// From the first entry on.
    pub fn from_genesis(genesis: String) -> Walk {
        Walk { nonce: 0, head: genesis, client_seeds: String::new(), is_revealed: false }
    }

    /// From an entry on that is taken as it stands.
    pub fn after(entry: &Entry) -> Walk {
        Walk {
            nonce: entry.nonce + 1,
            head: entry.hash.clone(),
            client_seeds: entry.client_seeds.clone(),
            is_revealed: entry.kind == REVEALS,
        }
    }

    /// The next nonce.
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// The hash of the last entry.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Whether the last entry reveals the server's seed.
    pub fn is_revealed(&self) -> bool {
        self.is_revealed
    }

    /// Goes on to the next entry.
    ///
    /// # Errors
    ///
    /// What is broken there. After other seeds of players than were added, one can go on; after anything else not.
    pub fn step(&mut self, entry: &Entry) -> Result<(), Broken> {
        let nonce = self.nonce;
        if entry.nonce != nonce {
            return Err(Broken::Missing(nonce));
        }
        if entry.previous_hash != self.head {
            return Err(Broken::Link(nonce));
        }
        if entry.hash() != entry.hash {
            return Err(Broken::Changed(nonce));
        }
        if self.is_revealed {
            return Err(Broken::AfterReveal(nonce));
        }
        if entry.kind == ADDS {
            if !self.client_seeds.is_empty() {
                self.client_seeds.push(',');
            }
            self.client_seeds.push_str(&added_seed(entry));
        }
        self.nonce += 1;
        self.head.clone_from(&entry.hash);
        self.is_revealed = entry.kind == REVEALS;
        if entry.client_seeds == self.client_seeds { Ok(()) } else { Err(Broken::ClientSeeds(nonce)) }
    }
}

/// The seed that a player asked to add; empty if the request is none.
fn added_seed(entry: &Entry) -> String {
    let request = proof::from_hex(&entry.request).unwrap_or_default();
    AddClientSeedRequest::decode(request.as_slice()).map(|request| request.seed).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of these kinds, `AddClientSeed` with its seed behind it, and the client seeds they say they depend on.
    fn chain(entries: &[(&str, &str)]) -> Vec<Entry> {
        let mut head = "genesis".to_owned();
        let mut chain = Vec::new();
        for (nonce, (kind, client_seeds)) in (0..).zip(entries) {
            let (kind, seed) = kind.split_once(' ').unwrap_or((kind, ""));
            let request = AddClientSeedRequest { session: None, seed: seed.into(), player: Some("Ann".into()) };
            let mut entry = Entry {
                nonce,
                kind: kind.into(),
                client_seeds: (*client_seeds).into(),
                request: proof::to_hex(&request.encode_to_vec()),
                previous_hash: head,
                ..Entry::default()
            };
            entry.hash = entry.hash();
            head = entry.hash.clone();
            chain.push(entry);
        }
        chain
    }

    fn walked(entries: &[Entry]) -> Result<(), Broken> {
        let mut walk = Walk::from_genesis("genesis".into());
        entries.iter().try_for_each(|entry| walk.step(entry))
    }

    #[test]
    fn entries_depend_on_the_seeds_that_were_added_before_them() {
        let check = |entries: &[(&str, &str)], expected| assert_eq!(walked(&chain(entries)), expected, "{entries:?}");
        check(&[("RollDice", ""), ("AddClientSeed a", "a"), ("AddClientSeed b", "a,b"), ("RollDice", "a,b")], Ok(()));
        check(&[("RollDice", "gN")], Err(Broken::ClientSeeds(0)));
        check(&[("AddClientSeed a", "a"), ("RollDice", "")], Err(Broken::ClientSeeds(1)));
        check(&[("AddClientSeed a", "a"), ("RollDice", "mallory")], Err(Broken::ClientSeeds(1)));
        check(&[("AddClientSeed a", "mallory"), ("RollDice", "mallory")], Err(Broken::ClientSeeds(0)));
        check(&[("AddClientSeed a", "a"), ("AddClientSeed b", "b,a")], Err(Broken::ClientSeeds(1)));
    }

    #[test]
    fn behind_seeds_that_nobody_added_the_walk_goes_on_with_those_that_were() {
        let entries = chain(&[("AddClientSeed a", "a"), ("RollDice", "b"), ("RollDice", "a"), ("RollDice", "b")]);
        let mut walk = Walk::from_genesis("genesis".into());
        let steps: Vec<Result<(), Broken>> = entries.iter().map(|entry| walk.step(entry)).collect();
        assert_eq!(steps, [Ok(()), Err(Broken::ClientSeeds(1)), Ok(()), Err(Broken::ClientSeeds(3))]);
    }

    #[test]
    fn nothing_follows_a_reveal() {
        let entries = chain(&[("RollDice", ""), ("RevealSeed", ""), ("RollDice", "")]);
        assert_eq!((walked(&entries[..2]), walked(&entries)), (Ok(()), Err(Broken::AfterReveal(2))));
    }

    #[test]
    fn a_gap_a_change_and_a_wrong_link_show() {
        let entries = chain(&[("RollDice", ""); 4]);
        let without_one = [&entries[..1], &entries[2..]].concat();
        let mut changed = entries.clone();
        changed[1].faces = "[6]".into();
        let mut other = entries.clone();
        other[2].previous_hash = "another".into();
        other[2].hash = other[2].hash();
        let found = [walked(&entries), walked(&without_one), walked(&changed), walked(&other)];
        assert_eq!(found, [Ok(()), Err(Broken::Missing(1)), Err(Broken::Changed(1)), Err(Broken::Link(2))]);
    }
}
