//! The notation itself: `XdY`, `XdY!`, `XdY+Z`, `XdY-Z` and sums of such terms.

use std::fmt;
use std::str::FromStr;

/// Most dice in one expression. Ours: it bounds the cost of a request.
pub const MAX_DICE: u32 = 100;
/// Most sides of a die. Ours.
pub const MAX_SIDES: u32 = 1000;
/// Largest constant that may be added or subtracted. Ours.
pub const MAX_CONSTANT: u32 = 1_000_000;
/// Most terms in one expression. Ours.
pub const MAX_TERMS: usize = 20;
/// Longest text that is read, in characters. Ours.
pub const MAX_TEXT: usize = 200;

/// A roll: dice to throw and a constant to add.
///
/// [`Display`](fmt::Display) writes the canonical form, which reads back as the same notation: dice in the order
/// given with their count, then the sum of all constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notation {
    terms: Vec<DiceTerm>,
    modifier: i64,
}

/// Dice of one kind within a notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiceTerm {
    /// Whether the dice are taken off the sum instead of added to it.
    pub subtracted: bool,
    /// How many, 1 to [`MAX_DICE`].
    pub count: u32,
    /// Sides of each, 1 to [`MAX_SIDES`].
    pub sides: u32,
    /// Whether a die that shows its highest face is thrown again and added (`!`).
    pub exploding: bool,
}

impl Notation {
    /// Reads a notation. Spaces between its parts and the case of `d` do not matter; `d6` is `1d6`.
    ///
    /// # Errors
    ///
    /// [`NotationError`], with the place in the text and the reason.
    pub fn parse(text: &str) -> Result<Self, NotationError> {
        Parser::new(text)?.notation()
    }

    /// The dice, in the order given; at least one term.
    pub fn terms(&self) -> &[DiceTerm] {
        &self.terms
    }

    /// The sum of all constants.
    pub fn modifier(&self) -> i64 {
        self.modifier
    }

    /// How many dice are thrown before any explodes.
    pub fn dice_count(&self) -> u32 {
        self.terms.iter().map(|term| term.count).sum()
    }

    /// Whether any of the dice explode.
    pub fn exploding(&self) -> bool {
        self.terms.iter().any(|term| term.exploding)
    }

    /// The same dice, none of which explodes; initiative is rolled so.
    #[must_use]
    pub fn without_explosions(mut self) -> Self {
        for term in &mut self.terms {
            term.exploding = false;
        }
        self
    }
}

impl FromStr for Notation {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        Self::parse(text)
    }
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let sign = match (term.subtracted, index) {
                (true, _) => "-",
                (false, 0) => "",
                (false, _) => "+",
            };
            write!(f, "{sign}{term}")?;
        }
        if self.modifier != 0 {
            write!(f, "{:+}", self.modifier)?;
        }
        Ok(())
    }
}

impl fmt::Display for DiceTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let explosion = if self.exploding { "!" } else { "" };
        write!(f, "{}d{}{explosion}", self.count, self.sides)
    }
}

/// A text that is no roll: what is wrong, and where.
///
/// Its message shows the text with the place in brackets: `cannot read "2d⟨0⟩": a die has 1 to 1000 sides`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {}: {kind}", self.marked())]
pub struct NotationError {
    /// The text as given, cut to [`MAX_TEXT`] characters.
    pub text: String,
    /// First character that is wrong, counted from 0.
    pub start: usize,
    /// One past the last character that is wrong; equal to `start` where something is missing.
    pub end: usize,
    /// What is wrong.
    pub kind: NotationErrorKind,
}

impl NotationError {
    /// The text in quotes, the wrong part of it in brackets.
    pub fn marked(&self) -> String {
        let part = |from: usize, to: usize| self.text.chars().skip(from).take(to - from).collect::<String>();
        let length = self.text.chars().count();
        let (before, wrong, after) = (part(0, self.start), part(self.start, self.end), part(self.end, length));
        format!("\"{before}⟨{wrong}⟩{after}\"")
    }
}

/// The ways a text fails to be a roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotationErrorKind {
    /// Nothing but spaces.
    #[error("a roll is expected, such as 2d6, 3d6! or 1d20+5")]
    Empty,
    /// Longer than [`MAX_TEXT`].
    #[error("a roll has at most {MAX_TEXT} characters")]
    TooLong,
    /// A term should begin here.
    #[error("dice or a number are expected here, such as 2d6 or 3")]
    TermExpected,
    /// The first term has a sign.
    #[error("a roll begins with its dice, not with a sign")]
    LeadingSign,
    /// Something that is neither a sign nor the end follows a term.
    #[error("only + or - and a further term may follow here")]
    SignExpected,
    /// No sides after the `d`.
    #[error("the number of sides is missing after d")]
    SidesMissing,
    /// No dice, or too many in one term.
    #[error("1 to {MAX_DICE} dice can be rolled")]
    Count,
    /// No sides, or too many.
    #[error("a die has 1 to {MAX_SIDES} sides")]
    Sides,
    /// A die with one side would explode for ever.
    #[error("a die that explodes needs at least 2 sides, or it would never stop")]
    NeverStops,
    /// A constant beyond [`MAX_CONSTANT`], or all of them together.
    #[error("what is added or taken off may be at most {MAX_CONSTANT}")]
    Constant,
    /// The terms together have too many dice.
    #[error("at most {MAX_DICE} dice can be rolled together")]
    TooManyDice,
    /// More than [`MAX_TERMS`] terms.
    #[error("a roll has at most {MAX_TERMS} terms")]
    TooManyTerms,
    /// Constants only.
    #[error("there are no dice in it")]
    NoDice,
    /// Every die in it is subtracted.
    #[error("dice are only taken off in it; there must be some to take them off from")]
    OnlySubtracted,
}

/// One pass over the characters; `position` is the next one.
struct Parser {
    text: Vec<char>,
    position: usize,
}

enum Term {
    Dice(DiceTerm),
    Constant(i64),
}

impl Parser {
    fn new(text: &str) -> Result<Self, NotationError> {
        let characters: Vec<char> = text.chars().take(MAX_TEXT + 1).collect();
        let mut parser = Self { text: characters, position: 0 };
        if parser.text.len() > MAX_TEXT {
            parser.text.truncate(MAX_TEXT);
            return Err(parser.error(MAX_TEXT, MAX_TEXT, NotationErrorKind::TooLong));
        }
        Ok(parser)
    }

    fn notation(mut self) -> Result<Notation, NotationError> {
        let mut notation = Notation { terms: Vec::new(), modifier: 0 };
        self.skip_spaces();
        match self.peek() {
            None => return Err(self.error_here(NotationErrorKind::Empty)),
            Some('+' | '-') => return Err(self.error_here(NotationErrorKind::LeadingSign)),
            Some(_) => {}
        }
        let mut subtracted = false;
        for _ in 0..MAX_TERMS {
            let start = self.position;
            match self.term(subtracted)? {
                Term::Constant(constant) => notation.modifier += constant,
                Term::Dice(dice) => notation.terms.push(dice),
            }
            if notation.dice_count() > MAX_DICE {
                return Err(self.error(start, self.position, NotationErrorKind::TooManyDice));
            }
            self.skip_spaces();
            subtracted = match self.peek() {
                None => return self.finished(notation),
                Some('+') => false,
                Some('-') => true,
                Some(_) => return Err(self.error_here(NotationErrorKind::SignExpected)),
            };
            self.position += 1;
            self.skip_spaces();
        }
        Err(self.error_here(NotationErrorKind::TooManyTerms))
    }

    /// Checks the notation as a whole, and puts added dice first, so that its canonical form reads back.
    fn finished(&self, mut notation: Notation) -> Result<Notation, NotationError> {
        let refused = |kind| Err(self.error(0, self.text.len(), kind));
        if notation.terms.is_empty() {
            return refused(NotationErrorKind::NoDice);
        }
        if notation.terms.iter().all(|term| term.subtracted) {
            return refused(NotationErrorKind::OnlySubtracted);
        }
        if notation.modifier.unsigned_abs() > u64::from(MAX_CONSTANT) {
            return refused(NotationErrorKind::Constant);
        }
        if notation.terms[0].subtracted {
            notation.terms.sort_by_key(|term| term.subtracted);
        }
        Ok(notation)
    }

    fn term(&mut self, subtracted: bool) -> Result<Term, NotationError> {
        let start = self.position;
        let number = self.number();
        if !self.take('d') && !self.take('D') {
            let Some(number) = number else {
                return Err(self.error_here(NotationErrorKind::TermExpected));
            };
            if number > MAX_CONSTANT {
                return Err(self.error(start, self.position, NotationErrorKind::Constant));
            }
            let constant = i64::from(number);
            return Ok(Term::Constant(if subtracted { -constant } else { constant }));
        }
        let count_end = self.position - 1;
        let count = number.unwrap_or(1);
        if !(1..=MAX_DICE).contains(&count) {
            return Err(self.error(start, count_end, NotationErrorKind::Count));
        }
        let sides_start = self.position;
        let Some(sides) = self.number() else {
            return Err(self.error_here(NotationErrorKind::SidesMissing));
        };
        if !(1..=MAX_SIDES).contains(&sides) {
            return Err(self.error(sides_start, self.position, NotationErrorKind::Sides));
        }
        let exploding = self.take('!');
        if exploding && sides == 1 {
            return Err(self.error(start, self.position, NotationErrorKind::NeverStops));
        }
        Ok(Term::Dice(DiceTerm { subtracted, count, sides, exploding }))
    }

    /// A run of digits; `u32::MAX` stands for any number too large to hold, which every limit refuses.
    fn number(&mut self) -> Option<u32> {
        let mut number: Option<u32> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            self.position += 1;
        }
        number
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.position).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.position += usize::from(found);
        found
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.position += 1;
        }
    }

    /// An error at the next character, or at the end where something is missing.
    fn error_here(&self, kind: NotationErrorKind) -> NotationError {
        self.error(self.position, (self.position + 1).min(self.text.len()), kind)
    }

    fn error(&self, start: usize, end: usize, kind: NotationErrorKind) -> NotationError {
        NotationError { text: self.text.iter().collect(), start, end, kind }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, canonical: &str) {
        let notation = Notation::parse(text).unwrap();
        assert_eq!(notation.to_string(), canonical, "{text}");
        assert_eq!(Notation::parse(canonical).unwrap(), notation, "{canonical} reads back");
    }

    fn refuse(text: &str, message: &str) {
        let error = Notation::parse(text).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read {message}"), "{text}");
    }

    #[test]
    fn every_plain_form_has_its_canonical_form() {
        check("2d6", "2d6");
        check("3d6!", "3d6!");
        check("1d20+5", "1d20+5");
        check("1d20-5", "1d20-5");
        check("4d6!+2", "4d6!+2");
        check("2d6+1d4+2", "2d6+1d4+2");
        check("D6", "1d6");
        check(" 2D6 + 3 - 1 + 1d8 ", "2d6+1d8+2");
        check("5+2d6", "2d6+5");
        check("1d6+0", "1d6");
        check("1d1", "1d1");
        check("1d20-1d4", "1d20-1d4");
        check("1-1d4+1d20", "1d20-1d4+1");
    }

    #[test]
    fn nonsense_is_refused_with_its_place_and_reason() {
        refuse("0d6", "\"⟨0⟩d6\": 1 to 100 dice can be rolled");
        refuse("101d6", "\"⟨101⟩d6\": 1 to 100 dice can be rolled");
        refuse("99999999999d6", "\"⟨99999999999⟩d6\": 1 to 100 dice can be rolled");
        refuse("2d0", "\"2d⟨0⟩\": a die has 1 to 1000 sides");
        refuse("2d1001", "\"2d⟨1001⟩\": a die has 1 to 1000 sides");
        refuse("-2d6", "\"⟨-⟩2d6\": a roll begins with its dice, not with a sign");
        refuse("1d1!", "\"⟨1d1!⟩\": a die that explodes needs at least 2 sides, or it would never stop");
        refuse("2d", "\"2d⟨⟩\": the number of sides is missing after d");
        refuse("2d6+", "\"2d6+⟨⟩\": dice or a number are expected here, such as 2d6 or 3");
        refuse("2d6 x", "\"2d6 ⟨x⟩\": only + or - and a further term may follow here");
        refuse("hello", "\"⟨h⟩ello\": dice or a number are expected here, such as 2d6 or 3");
        refuse("7", "\"⟨7⟩\": there are no dice in it");
        refuse("5-2d6", "\"⟨5-2d6⟩\": dice are only taken off in it; there must be some to take them off from");
        refuse("60d6+60d6", "\"60d6+⟨60d6⟩\": at most 100 dice can be rolled together");
        refuse("1d6+1000001", "\"1d6+⟨1000001⟩\": what is added or taken off may be at most 1000000");
        refuse("", "\"⟨⟩\": a roll is expected, such as 2d6, 3d6! or 1d20+5");
    }

    #[test]
    fn long_texts_are_refused() {
        let many_terms = ["1d6"; 21].join("+");
        assert_eq!(Notation::parse(&many_terms).unwrap_err().kind, NotationErrorKind::TooManyTerms);
        let long = " ".repeat(MAX_TEXT + 1);
        assert_eq!(Notation::parse(&long).unwrap_err().kind, NotationErrorKind::TooLong);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            if let Err(error) = Notation::parse(&text) {
                prop_assert!(!error.to_string().is_empty());
            }
        }

        #[test]
        fn the_canonical_form_reads_back_as_the_same(text in "[1-9]?d[1-9][0-9]?!?([+-]([1-9]d)?[1-9]){0,5}") {
            if let Ok(notation) = Notation::parse(&text) {
                prop_assert_eq!(Notation::parse(&notation.to_string()), Ok(notation));
            }
        }
    }
}
