//! The bytes of a text: looking at the next ones and taking them.

use super::{Kind, Parser, Read};
use crate::dice::ast::Comparator;

impl Parser<'_> {
    /// A comparator, read as the dialect reads it elsewhere.
    pub(super) fn comparator(&mut self) -> Option<Comparator> {
        const SIGNS: [(&str, Comparator); 9] = [
            (">=", Comparator::AtLeast),
            ("=>", Comparator::AtLeast),
            ("<=", Comparator::AtMost),
            ("<>", Comparator::NotEqual),
            ("!=", Comparator::NotEqual),
            ("==", Comparator::Equal),
            ("=", Comparator::Equal),
            (">", Comparator::Above),
            ("<", Comparator::Below),
        ];
        let (sign, comparator) = SIGNS.iter().find(|(sign, _)| self.rest().starts_with(sign))?;
        self.position += sign.len();
        Some(match comparator {
            Comparator::Above if self.dialect.above_includes() => Comparator::AtLeast,
            Comparator::Below if self.dialect.above_includes() => Comparator::AtMost,
            comparator => *comparator,
        })
    }

    pub(super) fn close(&mut self, bracket: u8) -> Read<()> {
        if self.take(bracket) {
            return Ok(());
        }
        if self.peek().is_none() {
            return Err(self.here(Kind::Unclosed(char::from(bracket))));
        }
        Err(self.unexpected())
    }

    /// A run of digits; `u64::MAX` stands for any number too large to hold, which every limit refuses.
    pub(super) fn digits(&mut self) -> Option<u64> {
        let mut number: Option<u64> = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit - b'0')));
            self.position += 1;
        }
        number
    }

    pub(super) fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + offset).copied()
    }

    pub(super) fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.position += usize::from(found);
        found
    }

    /// Takes a word, whatever its case.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.rest().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if found {
            self.position += word.len();
        }
        found
    }

    /// Passes over spaces, and over block comments, which are kept.
    pub(super) fn skip_spaces(&mut self) {
        while let Some(byte) = self.peek() {
            if byte.is_ascii_whitespace() {
                self.position += 1;
            } else if byte == b'/'
                && let Some((words, _)) = self.rest().strip_prefix("/*").and_then(|rest| rest.split_once("*/"))
            {
                let (start, length, words) = (self.position, words.len() + 4, words.trim().to_owned());
                self.comments.insert(start, words);
                self.position += length;
            } else if byte < 0x80 {
                return;
            } else if let Some(space) = self.rest().chars().next().filter(|c| c.is_whitespace()) {
                self.position += space.len_utf8();
            } else {
                return;
            }
        }
    }
}
