//! Armor: what is worn, which rating counts, and the test that resists damage.
//!
//! Source: *Shadowrun, Second Edition*, "Armor", "Damage Resistance".

use serde::Serialize;

use super::damage::{Armor, DamageCode, resistance_target_number};
use super::modifier::{DicePool, Modifier, TargetNumber};
use crate::UnknownName;
use crate::names::same_name;

/// How a piece counts beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Only the highest rating of these counts.
    Body,
    /// The same, and a ballistic rating above Quickness costs Combat Pool.
    HeavyBody,
    /// Adds to whatever is worn: helmets, shields, guards.
    Added,
}

/// A piece of armor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ArmorPiece {
    /// Its name.
    pub name: &'static str,
    /// Against firearms.
    pub ballistic: u32,
    /// Against melee, blasts and what is thrown.
    pub impact: u32,
    /// How it counts.
    pub layer: Layer,
}

const fn piece(name: &'static str, ballistic: u32, impact: u32, layer: Layer) -> ArmorPiece {
    ArmorPiece { name, ballistic, impact, layer }
}

/// Every piece.
pub const ARMOR: &[ArmorPiece] = &[
    piece("Armor Vest", 2, 1, Layer::Body),
    piece("Armor Clothing", 3, 0, Layer::Body),
    piece("Lined Coat", 4, 2, Layer::Body),
    piece("Armor Jacket", 5, 3, Layer::Body),
    piece("Partial Heavy Armor", 6, 4, Layer::HeavyBody),
    piece("Full Heavy Armor", 8, 6, Layer::HeavyBody),
    piece("Form-Fitting Body Armor 1", 2, 0, Layer::Body),
    piece("Form-Fitting Body Armor 2", 3, 1, Layer::Body),
    piece("Form-Fitting Body Armor 3", 4, 1, Layer::Body),
    piece("Helmet", 1, 1, Layer::Added),
    piece("Forearm Guards", 0, 1, Layer::Added),
    piece("Large Riot Shield", 2, 0, Layer::Added),
];

/// The piece of this name.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find_armor(name: &str) -> Result<&'static ArmorPiece, UnknownName> {
    ARMOR
        .iter()
        .find(|piece| same_name(piece.name, name))
        .ok_or_else(|| UnknownName::new("armor", name, ARMOR.iter().map(|piece| piece.name)))
}

/// The ratings of all that is worn: the highest of what covers the body, and what is added.
pub fn worn(pieces: impl IntoIterator<Item = ArmorPiece>) -> Armor {
    let mut body = Armor::default();
    let mut added = Armor::default();
    for piece in pieces {
        match piece.layer {
            Layer::Body | Layer::HeavyBody => {
                body.ballistic = body.ballistic.max(piece.ballistic);
                body.impact = body.impact.max(piece.impact);
            }
            Layer::Added => {
                added.ballistic = added.ballistic.saturating_add(piece.ballistic);
                added.impact = added.impact.saturating_add(piece.impact);
            }
        }
    }
    Armor {
        ballistic: body.ballistic.saturating_add(added.ballistic),
        impact: body.impact.saturating_add(added.impact),
    }
}

/// What resists damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Defender {
    /// Body.
    pub body: u32,
    /// Body dice of dermal armor.
    pub dermal: u32,
    /// Combat Pool dice used.
    pub combat_pool: u32,
}

/// A damage resistance test, before it is rolled. Wounds and sustained spells do not count in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResistanceTest {
    /// The dice.
    pub dice: DicePool,
    /// Power less the armor that counts.
    pub target: TargetNumber,
}

/// The test of someone who is hit, against the one armor rating that counts.
pub fn resistance_test(damage: DamageCode, armor: u32, defender: Defender) -> ResistanceTest {
    let dice = |rating: u32| i32::try_from(rating).unwrap_or(i32::MAX);
    let dice = DicePool::new([
        ("Body", dice(defender.body)),
        ("dermal armor", dice(defender.dermal)),
        ("Combat Pool", dice(defender.combat_pool)),
    ]);
    let mut modifiers = Vec::new();
    if armor > 0 {
        let value = i32::try_from(armor).unwrap_or(i32::MAX).saturating_neg();
        modifiers.push(Modifier::new("armor", value, format!("armor {armor}")));
    }
    let target = TargetNumber::new(damage.power, format!("Power of {damage}"), modifiers);
    debug_assert_eq!(target.target_number, resistance_target_number(damage.power, armor));
    ResistanceTest { dice, target }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_highest_rating_counts_and_helmets_add() {
        let pieces = ["Armor Jacket", "Lined Coat", "Helmet", "Forearm Guards"].map(|name| *find_armor(name).unwrap());
        assert_eq!(worn(pieces), Armor { ballistic: 6, impact: 5 });
        assert_eq!(worn([]), Armor::default());
    }

    #[test]
    fn the_books_defender_resists_a_heavy_pistol_against_four() {
        let defender = Defender { body: 5, dermal: 1, combat_pool: 3 };
        let test = resistance_test("9M".parse().unwrap(), 5, defender);
        assert_eq!(test.target.breakdown(), "base 9 (Power of 9M) -5 (armor 5) = 4");
        assert_eq!(test.dice.breakdown(), "Body 5 + dermal armor 1 + Combat Pool 3 = 9 dice");
    }
}
