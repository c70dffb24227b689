//! Rolling a notation: faces in, every face and every sum out.

use serde::Serialize;

use super::notation::{DiceTerm, Notation};

/// Most explosions in one roll. Ours: beyond it a die that shows its highest face counts as it lies.
pub const MAX_EXPLOSIONS: u32 = 100;

/// One die: every face it showed, and their sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Die {
    /// Faces in the order thrown; more than one if it exploded or the Rule of Six applied.
    pub faces: Vec<u32>,
    /// Their sum.
    pub total: u32,
}

/// The dice of one term, rolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledTerm {
    /// What was rolled.
    pub term: DiceTerm,
    /// Every die of it, in order.
    pub dice: Vec<Die>,
}

/// A notation, rolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// Each term with its dice.
    pub terms: Vec<RolledTerm>,
    /// Sum of the dice alone; dice of a subtracted term count against it.
    pub sum: i64,
    /// The notation's constant.
    pub modifier: i64,
    /// `sum + modifier`.
    pub total: i64,
}

impl Roll {
    /// The total of each die, in order over all terms.
    pub fn rolls(&self) -> Vec<u32> {
        self.dice().map(|die| die.total).collect()
    }

    /// The faces of each die, in order over all terms.
    pub fn faces(&self) -> Vec<Vec<u32>> {
        self.dice().map(|die| die.faces.clone()).collect()
    }

    /// Every die, in order over all terms.
    pub fn dice(&self) -> impl Iterator<Item = &Die> {
        self.terms.iter().flat_map(|term| &term.dice)
    }
}

/// Rolls a notation. `face` yields one face, 1 to the given number of sides, per call.
///
/// At most [`MAX_EXPLOSIONS`] further throws come from exploding dice, whatever `face` yields.
pub fn roll(notation: &Notation, mut face: impl FnMut(u32) -> u32) -> Roll {
    let mut explosions_left = MAX_EXPLOSIONS;
    let mut throw = |term: &DiceTerm| -> Die {
        let mut faces = vec![face(term.sides)];
        while term.exploding && faces.last() == Some(&term.sides) && explosions_left > 0 {
            explosions_left -= 1;
            faces.push(face(term.sides));
        }
        Die { total: faces.iter().sum(), faces }
    };

    let mut terms = Vec::new();
    let mut sum = 0;
    for term in notation.terms() {
        let dice: Vec<Die> = (0..term.count).map(|_| throw(term)).collect();
        let term_sum: i64 = dice.iter().map(|die| i64::from(die.total)).sum();
        sum += if term.subtracted { -term_sum } else { term_sum };
        terms.push(RolledTerm { term: *term, dice });
    }
    let modifier = notation.modifier();
    Roll { terms, sum, modifier, total: sum + modifier }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(notation: &str, faces: &[u32], rolls: &[u32], total: i64) {
        let notation = Notation::parse(notation).unwrap();
        let mut faces = faces.iter().copied();
        let roll = roll(&notation, |_| faces.next().unwrap());
        assert_eq!(roll.rolls(), rolls, "{notation}");
        assert_eq!(roll.total, total, "{notation}");
        assert_eq!(faces.next(), None, "{notation}: a face was not used");
    }

    #[test]
    fn the_total_is_the_dice_and_the_modifier() {
        check("2d6+3", &[4, 5], &[4, 5], 12);
        check("1d20-5", &[2], &[2], -3);
        check("2d6+1d4-1d8", &[1, 2, 3, 8], &[1, 2, 3, 8], -2);
    }

    #[test]
    fn only_dice_that_explode_are_thrown_again() {
        check("2d6!", &[6, 6, 1, 5], &[13, 5], 18);
        check("2d6", &[6, 5], &[6, 5], 11);
    }

    #[test]
    fn explosions_are_bounded_even_if_every_face_is_the_highest() {
        let notation = Notation::parse("100d2!").unwrap();
        let mut throws = 0;
        roll(&notation, |sides| {
            throws += 1;
            sides
        });
        assert_eq!(throws, 200);
    }

    #[test]
    fn initiative_dice_do_not_explode() {
        let notation = Notation::parse("2d6!+5").unwrap().without_explosions();
        assert_eq!(notation.to_string(), "2d6+5");
    }
}
