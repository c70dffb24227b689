//! Characters of which a server sends one half in one chunk and the other half in the next: JSON may write an emoji as two
//! escapes, and whoever cuts an answer by its tokens may cut between them. Alone neither half is a character, and a chunk
//! with one is no JSON that could be read.

use std::borrow::Cow;

/// A half stands for the character at this place of the last private plane, which has no other meaning.
const STAND_INS: u32 = 0x10_F800;
const FIRST: u32 = 0xD800;
/// From here on it is the second half.
const SECOND: u32 = 0xDC00;
const LAST: u32 = 0xDFFF;

/// JSON in which a character stands in for each half without its other one.
pub(super) fn with_stand_ins(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        let escape = &rest[at..];
        let length = match (half_at(escape), escape.get(6..).and_then(half_at)) {
            (Some(first), Some(second)) if is_pair(first, second) => 12,
            (Some(half), _) => {
                mended.extend(char::from_u32(STAND_INS + u32::from(half) - FIRST));
                rest = &escape[6..];
                continue;
            }
            (None, _) => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    mended.push_str(rest);
    mended
}

/// The half whose escape a text begins with.
fn half_at(text: &str) -> Option<u16> {
    let code = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (FIRST..=LAST).contains(&code.into()).then_some(code)
}

fn is_pair(first: u16, second: u16) -> bool {
    char::decode_utf16([first, second]).all(|char| char.is_ok())
}

/// Joins the halves in the pieces of one text. One that stays alone becomes U+FFFD.
#[derive(Debug, Default)]
pub(super) struct Halves {
    /// The half that the last piece ended with.
    held: Option<u16>,
}

impl Halves {
    /// The next piece of the text with whole characters only.
    pub fn join<'p>(&mut self, piece: &'p str) -> Cow<'p, str> {
        // All stand-ins begin with this byte, and next to nothing else does.
        if piece.is_empty() || self.held.is_none() && !piece.as_bytes().contains(&0xF4) {
            return piece.into();
        }
        let mut text = String::with_capacity(piece.len());
        for char in piece.chars() {
            let held = self.held.take();
            let half = u32::from(char).checked_sub(STAND_INS).and_then(|half| u16::try_from(FIRST + half).ok());
            match (held, half) {
                (Some(first), Some(second)) if is_pair(first, second) => {
                    text.extend(char::decode_utf16([first, second]).flatten());
                }
                (_, half) => {
                    text.extend(held.map(|_| char::REPLACEMENT_CHARACTER));
                    match half {
                        None => text.push(char),
                        Some(half) if u32::from(half) < SECOND => self.held = Some(half),
                        Some(_) => text.push(char::REPLACEMENT_CHARACTER),
                    }
                }
            }
        }
        text.into()
    }

    /// What is left when nothing more comes.
    pub fn rest(&mut self) -> &'static str {
        self.held.take().map_or("", |_| "\u{FFFD}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], expected: &str) {
        let mut halves = Halves::default();
        let mut text = String::new();
        for piece in pieces {
            let piece: String = serde_json::from_str(&with_stand_ins(&format!("\"{piece}\""))).unwrap();
            text.push_str(&halves.join(&piece));
        }
        text.push_str(halves.rest());
        assert_eq!(text, expected, "{pieces:?}");
    }

    #[test]
    fn halves_in_pieces_one_after_another_are_joined() {
        check(&[r"Hi \ud83d", r"\ude00 there"], "Hi \u{1F600} there");
        check(&[r"\uD83D", "", r"\uDE00\ud83d", r"\ude00"], "\u{1F600}\u{1F600}");
        check(&[r"\ud83d\ude00 \u00e9 \\ud83d \n"], "\u{1F600} \u{e9} \\ud83d \n");
    }

    #[test]
    fn a_half_without_the_other_is_replaced_and_nothing_else_lost() {
        check(&[r"a\ud83d", "b"], "a\u{FFFD}b");
        check(&[r"a\ude00b", r"\ud83d\ud83d", r"\ude00", r"c\ud83d"], "a\u{FFFD}b\u{FFFD}\u{1F600}c\u{FFFD}");
    }
}
