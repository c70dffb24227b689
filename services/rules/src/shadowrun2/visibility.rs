//! Visibility: what darkness, smoke and the like cost each kind of eyes.
//!
//! Source: *Shadowrun, Second Edition*, "Visibility Table". Print and scans differ in four cells; the table is data,
//! to be corrected here.

use serde::Serialize;

use crate::UnknownName;
use crate::names::same_name;

/// Something that makes a target hard to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// No light at all.
    FullDarkness,
    /// Minimal light.
    MinimalLight,
    /// Partial light.
    PartialLight,
    /// Glare.
    Glare,
    /// Mist.
    Mist,
    /// Light smoke, fog or rain.
    LightSmoke,
    /// Heavy smoke, fog or rain.
    HeavySmoke,
    /// Thin thermal smoke.
    LightThermalSmoke,
    /// Thick thermal smoke.
    HeavyThermalSmoke,
}

/// Where a sense comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Cyberware, goggles or any electronic aid; the first figure of a cell.
    Cybernetic,
    /// Born with it; the second figure of a cell.
    Natural,
}

/// One way to look at things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// Plain eyes.
    Normal,
    /// Low-light vision.
    LowLight(Origin),
    /// Thermographic vision.
    Thermographic(Origin),
}

impl Sight {
    /// What to call it.
    pub fn word(self) -> &'static str {
        match self {
            Sight::Normal => "normal sight",
            Sight::LowLight(Origin::Natural) => "natural low-light sight",
            Sight::LowLight(Origin::Cybernetic) => "cybernetic low-light sight",
            Sight::Thermographic(Origin::Natural) => "natural thermographic sight",
            Sight::Thermographic(Origin::Cybernetic) => "cybernetic thermographic sight",
        }
    }
}

/// A row of the table.
struct Row {
    visibility: Visibility,
    name: &'static str,
    normal: i32,
    /// Cybernetic, natural.
    low_light: [i32; 2],
    /// Cybernetic, natural.
    thermographic: [i32; 2],
}

const TABLE: &[Row] = &[
    Row {
        visibility: Visibility::FullDarkness,
        name: "full darkness",
        normal: 8,
        low_light: [8, 8],
        thermographic: [4, 2],
    },
    Row {
        visibility: Visibility::MinimalLight,
        name: "minimal light",
        normal: 6,
        low_light: [4, 2],
        thermographic: [4, 2],
    },
    Row {
        visibility: Visibility::PartialLight,
        name: "partial light",
        normal: 2,
        low_light: [1, 0],
        thermographic: [2, 1],
    },
    Row { visibility: Visibility::Glare, name: "glare", normal: 2, low_light: [4, 2], thermographic: [4, 2] },
    Row { visibility: Visibility::Mist, name: "mist", normal: 2, low_light: [2, 0], thermographic: [0, 0] },
    Row {
        visibility: Visibility::LightSmoke,
        name: "light smoke",
        normal: 4,
        low_light: [4, 2],
        thermographic: [0, 0],
    },
    Row {
        visibility: Visibility::HeavySmoke,
        name: "heavy smoke",
        normal: 6,
        low_light: [6, 4],
        thermographic: [1, 0],
    },
    Row {
        visibility: Visibility::LightThermalSmoke,
        name: "light thermal smoke",
        normal: 4,
        low_light: [4, 2],
        thermographic: [4, 4],
    },
    Row {
        visibility: Visibility::HeavyThermalSmoke,
        name: "heavy thermal smoke",
        normal: 6,
        low_light: [6, 4],
        thermographic: [6, 6],
    },
];

/// Names for conditions beside those of the table: (other, table).
const OTHER_NAMES: &[(&str, &str)] = &[
    ("thermal smoke", "light thermal smoke"),
    ("darkness", "full darkness"),
    ("DARK", "full darkness"),
    ("DIM", "minimal light"),
    ("PARTIAL", "partial light"),
    ("light fog", "light smoke"),
    ("light rain", "light smoke"),
    ("heavy fog", "heavy smoke"),
    ("heavy rain", "heavy smoke"),
];

impl Visibility {
    /// The condition of this name; `DARK`, `DIM`, `PARTIAL`, fog and rain are understood too.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the names of the table.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        let other = OTHER_NAMES.iter().find(|(other, _)| same_name(other, name)).map_or(name, |(_, table)| table);
        let row = TABLE.iter().find(|row| same_name(row.name, other));
        row.map(|row| row.visibility)
            .ok_or_else(|| UnknownName::new("visibility", name, TABLE.iter().map(|row| row.name)))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The modifier for someone who looks in this way.
    pub fn modifier(self, sight: Sight) -> i32 {
        let row = self.row();
        match sight {
            Sight::Normal => row.normal,
            Sight::LowLight(origin) => row.low_light[origin as usize],
            Sight::Thermographic(origin) => row.thermographic[origin as usize],
        }
    }

    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.visibility == self).expect("a test finds every condition in the table")
    }
}

/// The eyes of someone: what they have beside plain sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Vision {
    /// Low-light vision.
    pub low_light: Option<Origin>,
    /// Thermographic vision.
    pub thermographic: Option<Origin>,
}

impl Vision {
    /// The ways to look; plain sight only if there is nothing better.
    fn sights(self) -> Vec<Sight> {
        let special: Vec<Sight> = self
            .low_light
            .map(Sight::LowLight)
            .into_iter()
            .chain(self.thermographic.map(Sight::Thermographic))
            .collect();
        if special.is_empty() { vec![Sight::Normal] } else { special }
    }

    /// The modifier under several conditions at once, with the condition and the sight that decide.
    ///
    /// Every condition counts, the worst decides; of several ways to look the best is taken. `None` without a
    /// condition.
    pub fn modifier(self, conditions: &[Visibility]) -> Option<(i32, Visibility, Sight)> {
        let worst = |sight: Sight| {
            let of = |condition: &Visibility| (condition.modifier(sight), *condition, sight);
            conditions.iter().map(of).max_by_key(|(value, ..)| *value)
        };
        self.sights().into_iter().filter_map(worst).min_by_key(|(value, ..)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_is_in_the_table() {
        let every = [
            Visibility::FullDarkness,
            Visibility::MinimalLight,
            Visibility::PartialLight,
            Visibility::Glare,
            Visibility::Mist,
            Visibility::LightSmoke,
            Visibility::HeavySmoke,
            Visibility::LightThermalSmoke,
            Visibility::HeavyThermalSmoke,
        ];
        assert_eq!(TABLE.len(), every.len());
        for visibility in every {
            assert_eq!(Visibility::parse(visibility.name()), Ok(visibility));
        }
    }

    #[test]
    fn natural_eyes_are_better_than_cybernetic_ones() {
        assert_eq!(Visibility::MinimalLight.modifier(Sight::LowLight(Origin::Cybernetic)), 4);
        assert_eq!(Visibility::MinimalLight.modifier(Sight::LowLight(Origin::Natural)), 2);
    }

    #[test]
    fn the_worst_condition_decides_and_the_best_eyes_look() {
        let vision = Vision { low_light: Some(Origin::Cybernetic), thermographic: Some(Origin::Cybernetic) };
        let (value, condition, sight) = vision.modifier(&[Visibility::FullDarkness, Visibility::HeavySmoke]).unwrap();
        assert_eq!((value, condition), (4, Visibility::FullDarkness));
        assert_eq!(sight, Sight::Thermographic(Origin::Cybernetic));
    }

    #[test]
    fn no_condition_is_no_modifier() {
        assert_eq!(Vision::default().modifier(&[]), None);
    }
}
