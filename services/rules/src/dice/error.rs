//! Why a text is no roll: what is wrong, where, and what would do.

use std::fmt;

use super::limits::{
    MAX_COMPARED, MAX_CONSTANT, MAX_DEPTH, MAX_DICE, MAX_PARTS, MAX_REPEATS, MAX_SIDES, MAX_TEXT, MAX_THROWS,
};
use crate::shadowrun2::{MAX_POOL, MAX_TARGET_NUMBER};

/// A text that is no roll.
///
/// Its message shows the text with the place in brackets: `cannot read "2d⟨0⟩": a die has 1 to 1000 sides`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {}: {kind}{}", self.marked(), Suggestion(self.suggestion.as_deref()))]
pub struct NotationError {
    /// The text as given, cut to [`MAX_TEXT`] characters.
    pub text: String,
    /// First character that is wrong, counted from 0.
    pub start: usize,
    /// One past the last character that is wrong; equal to `start` where something is missing.
    pub end: usize,
    /// What is wrong.
    pub kind: NotationErrorKind,
    /// A spelling that would be read, if one is near.
    pub suggestion: Option<String>,
}

impl NotationError {
    /// The text in quotes, the wrong part of it in brackets.
    pub fn marked(&self) -> String {
        let part =
            |from: usize, to: usize| self.text.chars().skip(from).take(to.saturating_sub(from)).collect::<String>();
        let length = self.text.chars().count();
        let (before, wrong, after) = (part(0, self.start), part(self.start, self.end), part(self.end, length));
        format!("\"{before}⟨{wrong}⟩{after}\"")
    }
}

struct Suggestion<'a>(Option<&'a str>);

impl fmt::Display for Suggestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(suggestion) => write!(f, "; try {suggestion}"),
            None => Ok(()),
        }
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
    /// An expression should begin here.
    #[error("dice or a number are expected here, such as 2d6 or 3")]
    TermExpected,
    /// The first term has a sign.
    #[error("a roll begins with its dice, not with a sign")]
    LeadingSign,
    /// Something that is neither an operator nor the end follows an expression.
    #[error("only an operator such as + or -, a modifier or the end may follow here")]
    OperatorExpected,
    /// No sides after the `d`.
    #[error("the number of sides is missing after d")]
    SidesMissing,
    /// A bracket is not closed.
    #[error("the bracket that was opened is not closed here with {0:?}")]
    Unclosed(char),
    /// No dice, or too many in one term.
    #[error("1 to {MAX_DICE} dice can be rolled")]
    Count,
    /// No dice to keep or drop, or too many.
    #[error("1 to {MAX_DICE} dice can be kept or dropped")]
    Selected,
    /// No sides, or too many.
    #[error("a die has 1 to {MAX_SIDES} sides")]
    Sides,
    /// A number of dice or sides that may be a fraction.
    #[error("the number of dice and of sides must be whole")]
    NotWhole,
    /// Dice that would explode for ever.
    #[error("a die that explodes needs at least 2 sides, or it would never stop")]
    NeverStops,
    /// Every face would bring another die.
    #[error("every face would explode, and it would never stop")]
    ExplodesForEver,
    /// Every face would be rolled again.
    #[error("every face would be rolled again, and it would never stop")]
    RerollsForEver,
    /// More dice than faces, all of which must differ.
    #[error("there are more dice than faces, so they cannot all differ")]
    NeverUnique,
    /// A number beyond [`MAX_CONSTANT`].
    #[error("a number in a roll, and what it may come to, is at most {MAX_CONSTANT}")]
    Constant,
    /// A number to compare dice with beyond [`MAX_COMPARED`].
    #[error("a number that dice are compared with is at most {MAX_COMPARED}")]
    Compared,
    /// Fractions too fine to be computed.
    #[error("the fractions in it are too fine; round them, as in floor(1d20/3)")]
    Fraction,
    /// The divisor may be 0.
    #[error("the divisor may be 0")]
    DivisionByZero,
    /// A remainder where a side is or may be below zero.
    #[error("% is read in different ways where a side may be below zero or is 0")]
    Remainder,
    /// An exponent that is no small constant.
    #[error("an exponent is a whole number from 0 to 10")]
    Exponent,
    /// The terms together have too many dice.
    #[error("at most {MAX_DICE} dice can be rolled together")]
    TooManyDice,
    /// Explosions and repeats included, too many throws.
    #[error("with all that may be thrown again it could take more than {MAX_THROWS} throws")]
    TooManyThrows,
    /// More than [`MAX_PARTS`] parts.
    #[error("a roll has at most {MAX_PARTS} parts")]
    TooManyParts,
    /// Within the limits as written, but not in the canonical form.
    #[error(
        "written out in full this roll has more than {MAX_TEXT} characters or {MAX_PARTS} parts, or brackets nested more \
         than {MAX_DEPTH} deep"
    )]
    WrittenOut,
    /// Brackets deeper than [`MAX_DEPTH`].
    #[error("brackets are nested at most {MAX_DEPTH} deep")]
    TooDeep,
    /// Constants only.
    #[error("there are no dice in it")]
    NoDice,
    /// A modifier without the number it needs.
    #[error("a number is expected here")]
    NumberExpected,
    /// A comparison is expected, such as `>=5`.
    #[error("a comparison is expected here, such as >=5")]
    ComparisonExpected,
    /// An unknown word.
    #[error("this word is unknown; functions are floor, ceil, round, abs, min and max")]
    UnknownWord,
    /// A function with a wrong number of arguments.
    #[error("floor, ceil, round and abs take one expression, min and max at least two")]
    Arguments,
    /// No die would be left.
    #[error("no die would be left")]
    NothingLeft,
    /// Foundry's limit on the rerolls of all dice together.
    #[error("how often all the dice together are rolled again cannot be limited")]
    RerollLimit,
    /// A group of one, whose total Foundry does not take apart.
    #[error("a group of one has one total, which can only be kept; without the braces its dice are meant")]
    GroupOfOne,
    /// A modifier of dice at a group.
    #[error("a group can be kept, dropped, counted and sorted, nothing else")]
    GroupModifier,
    /// A failure count without a success count.
    #[error("failures are taken off successes; say first what a success is")]
    FailureWithoutSuccess,
    /// More than one count.
    #[error("dice are counted once")]
    AfterCount,
    /// A second explosion behind one on the highest face.
    #[error("dice that explode on their highest face explode once; write !! for dice that add up")]
    AfterExplosion,
    /// A Shadowrun test of other dice.
    #[error("a success test is of 1 to {MAX_POOL} plain six-sided dice, such as 8d6 tn5")]
    Test,
    /// A target number that is too high.
    #[error("a target number is at most {MAX_TARGET_NUMBER}")]
    TargetNumber,
    /// An opposed test of which one side is no test.
    #[error("both sides of an opposed test are tests, such as 8d6 tn5 vs 6d6 tn4")]
    Opposed,
    /// A comparison of totals inside an expression.
    #[error("a total can be compared only at the end of a roll")]
    CheckInside,
    /// A comparison after a total, where the dialect compares dice only.
    #[error("a comparison stands right after dice and counts them; a total is held against its target with vs")]
    CompareTotal,
    /// More than [`MAX_REPEATS`] repeats.
    #[error("a roll is repeated 1 to {MAX_REPEATS} times")]
    Repeats,
    /// `//`, which is a comment to some and a division to others.
    #[error("// is a comment to some and a division to others")]
    DoubleSlash,
    /// A block comment without its end.
    #[error("the comment is not closed with */")]
    UnclosedComment,
    /// A multiplication without its sign.
    #[error("an operator is missing here")]
    OperatorMissing,
}
