//! The proof of a roll: faces from a committed seed, entries that are chained, heads that are signed.
//!
//! The texts that are hashed here are described in `deploy/verify/README.md`; whoever changes one changes all verifiers.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::{digest, hmac};
use service_kit::{
    auth::audit::ERASED,
    status::{self, ErrorCode},
};
use tonic::Status;

/// Bytes of a server's seed.
pub const SEED_BYTES: usize = 32;
/// Most players' seeds in a chain. Ours; it bounds what is hashed for each roll.
pub const MAX_CLIENT_SEEDS: usize = 20;

/// SHA-256, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    to_hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Bytes in lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// The bytes that hexadecimal digits of either case stand for; `None` if they are none.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}

/// Faces of one roll: HMAC-SHA256 under the server's seed, read as numbers of 32 bits.
pub struct Stream<'a> {
    key: &'a hmac::Key,
    /// `client seeds:nonce`.
    message: String,
    block: [u8; 32],
    blocks: u64,
    used: usize,
}

impl<'a> Stream<'a> {
    /// The faces of the roll with this nonce.
    pub fn new(key: &'a hmac::Key, client_seeds: &str, nonce: u64) -> Stream<'a> {
        Stream { key, message: format!("{client_seeds}:{nonce}"), block: [0; 32], blocks: 0, used: 32 }
    }

    /// The next face of a die with so many sides. A number from the incomplete last range is passed over, so that every
    /// face is as likely as any other.
    pub fn face(&mut self, sides: u32) -> u32 {
        let sides = u64::from(sides.max(1));
        let fair = (1u64 << 32) / sides * sides;
        loop {
            let number = u64::from(self.number());
            if number < fair {
                // Below `sides`, which is 32 bits.
                return (number % sides) as u32 + 1;
            }
        }
    }

    fn number(&mut self) -> u32 {
        if self.used == self.block.len() {
            self.next_block();
        }
        let bytes = &self.block[self.used..self.used + 4];
        self.used += 4;
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    fn next_block(&mut self) {
        let mut context = hmac::Context::with_key(self.key);
        context.update(self.message.as_bytes());
        if self.blocks > 0 {
            context.update(format!(":{}", self.blocks).as_bytes());
        }
        self.block.copy_from_slice(context.sign().as_ref());
        self.blocks += 1;
        self.used = 0;
    }
}

/// An entry of the log as it is hashed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    /// Unix milliseconds.
    pub at: i64,
    pub kind: String,
    pub cause: String,
    pub trace_id: String,
    pub chain: String,
    pub rotation: u64,
    pub nonce: u64,
    pub player: String,
    pub client_seeds: String,
    /// JSON lists of numbers without spaces.
    pub sides: String,
    pub faces: String,
    /// Protobuf in hexadecimal.
    pub request: String,
    pub answer: String,
    pub previous_hash: String,
    pub hash: String,
}

impl Entry {
    /// The hash of all that the entry says; the trace is not part of it. Of an entry that was erased, the one it had.
    pub fn hash(&self) -> String {
        let computed = self.computed_hash();
        // In the making it has none yet, whatever somebody calls himself.
        if computed != self.hash && !self.hash.is_empty() && self.is_erased() { self.hash.clone() } else { computed }
    }

    /// Whether a person was taken out of it, so that its hash cannot be computed anew.
    pub fn is_erased(&self) -> bool {
        (self.player == ERASED || self.cause.contains(ERASED)) && self.computed_hash() != self.hash
    }

    fn computed_hash(&self) -> String {
        let Entry { id, at, kind, cause, chain, rotation, nonce, player, client_seeds, sides, faces, .. } = self;
        let (request, answer) = (sha256(self.request.as_bytes()), sha256(self.answer.as_bytes()));
        let cause = sha256(cause.as_bytes());
        let (rotation, nonce, at) = (rotation.to_string(), nonce.to_string(), at.to_string());
        let lines: [&str; 15] = [
            "dicetower-roll-1",
            chain,
            &rotation,
            &nonce,
            &self.previous_hash,
            id,
            &at,
            kind,
            player,
            client_seeds,
            sides,
            faces,
            &cause,
            &request,
            &answer,
        ];
        sha256(lines.join("\n").as_bytes())
    }
}

/// The hash before the first entry under a seed.
pub fn genesis(chain: &str, rotation: u64, commitment: &str, previous_head: &str) -> String {
    sha256(format!("dicetower-chain-1\n{chain}\n{rotation}\n{commitment}\n{previous_head}").as_bytes())
}

/// What is signed of a head.
pub fn head_text(chain: &str, rotation: u64, length: u64, head: &str, commitment: &str) -> String {
    format!("dicetower-head-1\n{chain}\n{rotation}\n{length}\n{head}\n{commitment}")
}

/// The faces that the seed gives for an entry, in the order of its sides.
pub fn faces_of(entry: &Entry, server_seed: &[u8]) -> Vec<u32> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, server_seed);
    let mut stream = Stream::new(&key, &entry.client_seeds, entry.nonce);
    numbers(&entry.sides).into_iter().map(|sides| stream.face(sides)).collect()
}

/// The numbers of a JSON list of numbers; what is none is left out.
pub fn numbers(list: &str) -> Vec<u32> {
    let inner = list.trim_start_matches('[').trim_end_matches(']');
    inner.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

/// A JSON list of numbers without spaces.
pub fn list(numbers: &[u32]) -> String {
    let mut text = String::with_capacity(numbers.len() * 2 + 2);
    let mut digits = itoa::Buffer::new();
    text.push('[');
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(digits.format(*number));
    }
    text.push(']');
    text
}

/// A name of a chain or a player: it stands alone on a line of what is hashed.
///
/// # Errors
///
/// It is empty, too long or has control characters.
pub fn checked_name(what: &str, name: &str, most: usize) -> Result<String, Status> {
    let count = name.chars().count();
    if count == 0 || count > most || name.chars().any(char::is_control) {
        let message = format!("a {what} has 1 to {most} characters, none of which is a control character");
        return Err(status::error(ErrorCode::InvalidInput, message));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_follow_from_seed_client_seeds_and_nonce_alone() {
        let entry = Entry { client_seeds: "alice,bob".into(), nonce: 3, sides: list(&[6; 20]), ..Entry::default() };
        let faces = faces_of(&entry, &[7; SEED_BYTES]);
        assert_eq!(faces, faces_of(&entry, &[7; SEED_BYTES]));
        assert_ne!(faces, faces_of(&Entry { nonce: 4, ..entry.clone() }, &[7; SEED_BYTES]));
        assert_ne!(faces, faces_of(&Entry { client_seeds: "alice".into(), ..entry }, &[7; SEED_BYTES]));
        assert!(faces.iter().all(|face| (1..=6).contains(face)));
    }

    /// Fair dice pass these limits in all but about one of a million runs; the seed is fixed, so every run is the same.
    #[test]
    fn ten_million_dice_are_fair_and_do_not_depend_on_each_other() {
        const DICE: u32 = 10_000_000;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; SEED_BYTES]);
        let (mut counts, mut pairs) = ([0u32; 6], [[0u32; 6]; 6]);
        let (mut runs, mut high, mut last) = (1u32, 0u32, None::<usize>);
        for nonce in 0..u64::from(DICE / 1000) {
            let mut stream = Stream::new(&key, "", nonce);
            for _ in 0..1000 {
                let face = stream.face(6) as usize - 1;
                counts[face] += 1;
                high += u32::from(face >= 3);
                if let Some(last) = last {
                    pairs[last][face] += 1;
                    runs += u32::from((last >= 3) != (face >= 3));
                }
                last = Some(face);
            }
        }
        let chi_square = |counts: &mut dyn Iterator<Item = u32>, expected: f64| -> f64 {
            counts.map(|count| (f64::from(count) - expected).powi(2) / expected).sum()
        };
        let faces = chi_square(&mut counts.into_iter(), f64::from(DICE) / 6.0);
        assert!(faces < 35.9, "5 degrees of freedom: {faces}");
        let followed = chi_square(&mut pairs.into_iter().flatten(), f64::from(DICE) / 36.0);
        assert!(followed < 93.0, "35 degrees of freedom: {followed}");
        let (high, low, dice) = (f64::from(high), f64::from(DICE - high), f64::from(DICE));
        let expected = 1.0 + 2.0 * high * low / dice;
        let deviation = ((expected - 1.0) * (expected - 2.0) / (dice - 1.0)).sqrt();
        let z = (f64::from(runs) - expected) / deviation;
        assert!(z.abs() < 4.9, "runs of high and low faces: {z}");
    }

    #[test]
    fn the_examples_of_the_description_hold() {
        let seed = [7; SEED_BYTES];
        let mut sides = vec![6; 10];
        sides.extend([20, 1000]);
        let drawn = Entry { client_seeds: "alice,bob".into(), nonce: 3, sides: list(&sides), ..Entry::default() };
        assert_eq!(faces_of(&drawn, &seed), [4, 5, 3, 5, 4, 2, 5, 4, 5, 5, 11, 971]);
        let genesis = genesis("s", 0, &sha256(&seed), "");
        assert_eq!(genesis, "72c81de9c0723ecc5883ba55ce2254ee4c36b93714ea7bf0ba89937b41350c0d");
        let entry = Entry {
            id: "r".into(),
            at: 1_700_000_000_000,
            kind: "RollDice".into(),
            chain: "s".into(),
            player: "Zoë".into(),
            sides: "[6,6]".into(),
            faces: "[5,5]".into(),
            request: "0808".into(),
            answer: "0a01".into(),
            previous_hash: genesis,
            ..Entry::default()
        };
        assert_eq!(faces_of(&entry, &seed), [5, 5]);
        assert_eq!(entry.hash(), "d825d2fe7df934ae2fc773b14ba98ebded3785cfb46e1630de8c571bd6badb85");
    }

    #[test]
    fn a_changed_entry_has_another_hash() {
        let entry = Entry { faces: "[6]".into(), ..Entry::default() };
        assert_ne!(entry.hash(), Entry { faces: "[1]".into(), ..entry.clone() }.hash());
        assert_ne!(entry.hash(), Entry { cause: "another".into(), ..entry.clone() }.hash());
    }

    #[test]
    fn an_entry_that_was_erased_keeps_its_hash_and_no_other_does() {
        let mut entry = Entry { player: "Ann".into(), faces: "[6]".into(), ..Entry::default() };
        entry.hash = entry.hash();

        let erased = Entry { player: ERASED.into(), ..entry.clone() };
        assert!(erased.is_erased() && erased.hash() == entry.hash);
        let changed = Entry { player: "Bert".into(), ..entry };
        assert!(!changed.is_erased() && changed.hash() != changed.hash);
        let called_so = Entry { player: ERASED.into(), ..Entry::default() };
        let hash = called_so.hash();
        assert!(!hash.is_empty() && !Entry { hash, ..called_so }.is_erased());
    }

    #[test]
    fn hexadecimal_reads_back() {
        assert_eq!(from_hex(&to_hex(&[0, 15, 255])), Some(vec![0, 15, 255]));
        assert_eq!((from_hex("0"), from_hex("zz"), from_hex("é")), (None, None, None));
    }
}
