//! The limits of an expression. All are ours: they bound what a stranger's text can cost.

/// Most dice in one expression, repeats not counted.
pub const MAX_DICE: u32 = 1000;
/// Most sides of a die.
pub const MAX_SIDES: u32 = 1000;
/// Largest number that may be written, and largest amount an expression may come to at its worst.
pub const MAX_CONSTANT: i64 = 1_000_000_000;
/// Largest denominator that a total may have at its worst.
pub const MAX_DENOMINATOR: i64 = 1_000_000;
/// Largest number that dice are compared with, and that bounds them, above or below zero.
pub const MAX_COMPARED: i32 = 1_000_000;
/// Most numbers, dice, operators and modifiers in one expression, also in its canonical form.
pub const MAX_PARTS: u32 = 100;
/// Deepest nesting of brackets, also in the canonical form.
pub const MAX_DEPTH: u32 = 16;
/// Longest text that is read, in characters; a canonical form is no longer.
pub const MAX_TEXT: usize = 400;
/// Most times a roll is repeated.
pub const MAX_REPEATS: u32 = 100;
/// Most throws of a die at the worst, explosions, rerolls and repeats included. Kept with all that is noted of them,
/// they take less than 1 MiB.
pub const MAX_THROWS: u64 = 20_000;
/// Most further dice that one die brings by exploding, and most times it is thrown again.
pub const MAX_EXPLOSIONS: u32 = 100;

/// How often a die with `matching` of `faces` faces is thrown again at most: until going on has a chance below 2^-64,
/// and never more than [`MAX_EXPLOSIONS`]. Then it counts as it lies.
pub(super) fn chain_limit(matching: u32, faces: u32) -> u32 {
    if matching == 0 || faces == 0 {
        return 0;
    }
    if matching >= faces {
        return MAX_EXPLOSIONS;
    }
    let halvings = (f64::from(faces) / f64::from(matching)).log2();
    ((64.0 / halvings).ceil() as u32).min(MAX_EXPLOSIONS)
}
