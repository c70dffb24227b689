//! Making a character: metatypes and priorities.
//!
//! Source: *Shadowrun, Second Edition*, "Creating a Shadowrunner".

use serde::Serialize;

use crate::UnknownName;
use crate::names::same_name;

/// Essence of someone without cyberware.
pub const STARTING_ESSENCE: u32 = 6;

/// Figures for the six attributes, in the order Body, Quickness, Strength, Charisma, Intelligence, Willpower.
pub type Attributes<T> = [T; 6];

/// A race of metahumanity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metatype {
    /// Its name.
    pub name: &'static str,
    /// Racial maxima of the six attributes.
    pub maxima: Attributes<u32>,
    /// Racial maximum of natural Reaction.
    pub maximum_reaction: u32,
    /// Added to the attributes bought.
    pub changes: Attributes<i32>,
    /// How many times faster than walking it runs.
    pub run_multiplier: u32,
    /// Reach it has without a weapon.
    pub reach: u32,
    /// Body dice of its hide.
    pub dermal_armor: u32,
    /// Its eyes.
    pub vision: &'static str,
    /// Karma Pool it begins with.
    pub starting_karma_pool: u32,
}

/// Every metatype.
pub const METATYPES: &[Metatype] = &[
    Metatype {
        name: "human",
        maxima: [6, 6, 6, 6, 6, 6],
        maximum_reaction: 6,
        changes: [0, 0, 0, 0, 0, 0],
        run_multiplier: 3,
        reach: 0,
        dermal_armor: 0,
        vision: "normal",
        starting_karma_pool: 1,
    },
    Metatype {
        name: "elf",
        maxima: [6, 7, 6, 8, 6, 6],
        maximum_reaction: 6,
        changes: [0, 1, 0, 2, 0, 0],
        run_multiplier: 3,
        reach: 0,
        dermal_armor: 0,
        vision: "low-light",
        starting_karma_pool: 2,
    },
    Metatype {
        name: "dwarf",
        maxima: [7, 5, 8, 6, 6, 7],
        maximum_reaction: 5,
        changes: [1, -1, 2, 0, 0, 1],
        run_multiplier: 2,
        reach: 0,
        dermal_armor: 0,
        vision: "thermographic",
        starting_karma_pool: 2,
    },
    Metatype {
        name: "ork",
        maxima: [9, 6, 8, 5, 5, 6],
        maximum_reaction: 5,
        changes: [3, 0, 2, -1, -1, 0],
        run_multiplier: 3,
        reach: 0,
        dermal_armor: 0,
        vision: "low-light",
        starting_karma_pool: 2,
    },
    Metatype {
        name: "troll",
        maxima: [11, 5, 10, 4, 4, 5],
        maximum_reaction: 4,
        changes: [5, -1, 4, -2, -2, -1],
        run_multiplier: 2,
        reach: 1,
        dermal_armor: 1,
        vision: "thermographic",
        starting_karma_pool: 2,
    },
];

/// The metatype of this name.
///
/// # Errors
///
/// [`UnknownName`], with the names that exist.
pub fn find_metatype(name: &str) -> Result<&'static Metatype, UnknownName> {
    METATYPES
        .iter()
        .find(|metatype| same_name(metatype.name, name))
        .ok_or_else(|| UnknownName::new("metatype", name, METATYPES.iter().map(|metatype| metatype.name)))
}

/// What a priority gives in each column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Priority {
    /// A, the highest, to E.
    pub letter: char,
    /// Points for attributes.
    pub attribute_points: u32,
    /// Points for skills.
    pub skill_points: u32,
    /// Nuyen.
    pub nuyen: u32,
    /// Points of Force.
    pub force_points: u32,
    /// What it gives as race.
    pub race: &'static str,
    /// What it gives as magic.
    pub magic: &'static str,
}

/// Every priority, highest first.
pub const PRIORITIES: &[Priority] = &[
    Priority {
        letter: 'A',
        attribute_points: 30,
        skill_points: 40,
        nuyen: 1_000_000,
        force_points: 50,
        race: "metahuman",
        magic: "full magician (human)",
    },
    Priority {
        letter: 'B',
        attribute_points: 24,
        skill_points: 30,
        nuyen: 400_000,
        force_points: 35,
        race: "human",
        magic: "full magician (metahuman), adept (human)",
    },
    Priority {
        letter: 'C',
        attribute_points: 20,
        skill_points: 24,
        nuyen: 90_000,
        force_points: 25,
        race: "human",
        magic: "adept (metahuman)",
    },
    Priority {
        letter: 'D',
        attribute_points: 17,
        skill_points: 20,
        nuyen: 5_000,
        force_points: 15,
        race: "human",
        magic: "none",
    },
    Priority {
        letter: 'E',
        attribute_points: 15,
        skill_points: 17,
        nuyen: 500,
        force_points: 5,
        race: "human",
        magic: "none",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metatypes_are_found_and_keep_their_maxima() {
        let troll = find_metatype("Troll").unwrap();
        assert_eq!((troll.maxima[0], troll.maxima[2], troll.run_multiplier), (11, 10, 2));
        assert!(find_metatype("hobbit").is_err());
    }
}
