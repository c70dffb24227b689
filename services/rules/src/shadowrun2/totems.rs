//! Totems: dice a shaman gains or lacks for spells and spirits.
//!
//! Source: *Shadowrun, Second Edition*, "Totems". Penalties are dice, too.

use serde::Serialize;

use super::spells::SpellCategory;
use crate::UnknownName;
use crate::names::same_name;

/// A totem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totem {
    /// Its name.
    pub name: &'static str,
    /// Dice by category of spell.
    pub spells: &'static [(SpellCategory, i32)],
    /// Spirits it gives 2 dice for.
    pub spirits: &'static [&'static str],
    /// What else it brings.
    pub note: &'static str,
}

/// Dice for the spirits a totem favours.
pub const SPIRIT_DICE: u32 = 2;

impl Totem {
    /// Dice for a spell of this category, 0 if the totem is indifferent. What its note says is not in it.
    pub fn spell_dice(&self, category: SpellCategory) -> i32 {
        self.spells.iter().find(|(favoured, _)| *favoured == category).map_or(0, |(_, dice)| *dice)
    }
}

use SpellCategory::{Combat, Detection, Health, Illusion, Manipulation};

const fn totem(
    name: &'static str,
    spells: &'static [(SpellCategory, i32)],
    spirits: &'static [&'static str],
    note: &'static str,
) -> Totem {
    Totem { name, spells, spirits, note }
}

const FOREST: &str = "spirits of the forest";
const CITY: &str = "spirits of the city";
const WIND: &str = "wind spirits";

/// Every totem.
pub const TOTEMS: &[Totem] = &[
    totem("Bear", &[(Health, 2)], &[FOREST], ""),
    totem("Cat", &[(Illusion, 2)], &[CITY], ""),
    totem("Coyote", &[], &[], ""),
    totem("Dog", &[(Detection, 2)], &["field spirits", "hearth spirits"], ""),
    totem("Eagle", &[(Detection, 2)], &[WIND], "loss of Essence counts twice"),
    totem("Gator", &[(Combat, 2), (Detection, 2), (Illusion, -1)], &[], ""),
    totem("Lion", &[(Combat, 2), (Health, -1)], &["prairie spirits"], ""),
    totem("Owl", &[], &[], "by night 2 dice for every spell; +2 to target numbers in sunlight"),
    totem("Raccoon", &[(Manipulation, 2), (Combat, -1)], &[CITY], ""),
    totem("Rat", &[(Detection, 2), (Illusion, 2), (Combat, -1)], &["spirits of man"], ""),
    totem("Raven", &[(Manipulation, 2), (Combat, -1)], &[WIND], "+1 to target numbers indoors"),
    totem("Shark", &[(Combat, 2), (Detection, 2)], &["sea spirits"], "may go berserk"),
    totem(
        "Snake",
        &[(Health, 2), (Illusion, 2), (Detection, 2)],
        &[],
        "a die less for every spell that is cast in combat",
    ),
    totem("Wolf", &[(Detection, 2), (Combat, 2)], &[FOREST, "prairie spirits"], "may go berserk"),
    totem("Oak", &[(Health, 2)], &[FOREST], "house totem"),
];

/// The totem of this name.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find_totem(name: &str) -> Result<&'static Totem, UnknownName> {
    TOTEMS
        .iter()
        .find(|totem| same_name(totem.name, name))
        .ok_or_else(|| UnknownName::new("totem", name, TOTEMS.iter().map(|totem| totem.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn favour_and_disfavour_are_dice() {
        let rat = find_totem("rat").unwrap();
        assert_eq!((rat.spell_dice(Illusion), rat.spell_dice(Combat), rat.spell_dice(Health)), (2, -1, 0));
    }
}
