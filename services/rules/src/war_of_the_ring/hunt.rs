//! The Hunt for the Ring: allocation, the roll, the tiles.
//!
//! Source: *War of the Ring, Second Edition*, "The Hunt for the Ring".

use serde::Serialize;

use super::RollError;

/// Most dice of a Hunt roll, whatever the Hunt Level.
pub const MAX_HUNT_DICE: u32 = 5;
/// Most failed dice that may be rolled again.
pub const MAX_HUNT_REROLLS: u32 = 3;
/// What a die must reach.
pub const HUNT_TARGET: u32 = 6;
/// Corruption at which the Shadow wins.
pub const MAX_CORRUPTION: u32 = 12;
/// Most dice both sides can have in the Hunt Box.
const MAX_DICE_IN_BOX: u32 = 16;

/// How many dice the Shadow may put into the Hunt Box: from one, if the Free Peoples took a die back from it this
/// turn, else from none, to as many as there are Companions in the Fellowship, but at least to one.
pub fn allocation(free_peoples_took_back: bool, companions: u32) -> std::ops::RangeInclusive<u32> {
    u32::from(free_peoples_took_back)..=companions.max(1)
}

/// What gives the Shadow a re-roll, in the region of the Ring-bearers' figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct HuntRerolls {
    /// A Stronghold the Shadow controls.
    pub stronghold: bool,
    /// A unit of a Shadow Army, or more.
    pub army: bool,
    /// A Nazgûl, or more.
    pub nazgul: bool,
}

impl HuntRerolls {
    /// Failed dice that may be rolled again.
    pub fn count(self) -> u32 {
        u32::from(self.stronghold) + u32::from(self.army) + u32::from(self.nazgul)
    }
}

/// A die of the Hunt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HuntDie {
    /// What it showed.
    pub face: u32,
    /// What it showed when it was rolled again, if it was.
    pub rerolled: Option<u32>,
    /// Whether it succeeded in the end.
    pub success: bool,
}

/// A Hunt roll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HuntRoll {
    /// Shadow dice in the Hunt Box.
    pub level: u32,
    /// Added to each die: Free Peoples dice in the Hunt Box.
    pub modifier: u32,
    /// Failed dice that could be rolled again.
    pub rerolls: u32,
    /// Every die.
    pub dice: Vec<HuntDie>,
    /// Dice that succeeded; any at all draws one tile, and an Eye does so much damage.
    pub successes: u32,
}

/// Rolls for the Hunt when the Fellowship moves.
///
/// `level` Shadow dice are in the Hunt Box, of which at most five are rolled; each needs a 6 after 1 is added for
/// each of `free_peoples_dice` in the Box; a natural 1 fails. `rerolls` failed dice, at most three, are rolled
/// again with the same modifier. `d6` yields 1 to 6 a call.
///
/// # Errors
///
/// [`RollError`] if there cannot be so many dice in the Box, or so many re-rolls.
pub fn roll_hunt(
    level: u32,
    free_peoples_dice: u32,
    rerolls: u32,
    mut d6: impl FnMut() -> u32,
) -> Result<HuntRoll, RollError> {
    for (what, dice, most) in [
        ("Shadow dice in the Hunt Box", level, MAX_DICE_IN_BOX),
        ("Free Peoples dice in the Hunt Box", free_peoples_dice, MAX_DICE_IN_BOX),
        ("re-rolls", rerolls, MAX_HUNT_REROLLS),
    ] {
        if dice > most {
            return Err(RollError::TooMany { what, dice, most });
        }
    }
    let mut throw = || {
        let face = d6();
        (face, face > 1 && face.saturating_add(free_peoples_dice) >= HUNT_TARGET)
    };
    let mut dice = Vec::new();
    for _ in 0..level.min(MAX_HUNT_DICE) {
        let (face, success) = throw();
        dice.push(HuntDie { face, rerolled: None, success });
    }
    for die in dice.iter_mut().filter(|die| !die.success).take(rerolls as usize) {
        let (face, success) = throw();
        die.rerolled = Some(face);
        die.success = success;
    }
    let successes = dice.iter().filter(|die| die.success).count() as u32;
    Ok(HuntRoll { level, modifier: free_peoples_dice, rerolls, dice, successes })
}

/// How much damage a tile does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TileDamage {
    /// So much; below 0 it heals.
    Points(i32),
    /// The successes of this Hunt roll; outside a roll 0; on the Mordor Track all dice in the Hunt Box.
    Eye,
    /// A die.
    OneDie,
}

/// Which set a tile belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TileSet {
    /// In the Hunt Pool from the start.
    Standard,
    /// Blue; a card brings it into play, it joins the Pool at Mordor.
    FreePeoples,
    /// Red; likewise.
    Shadow,
}

/// A kind of Hunt tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HuntTile {
    /// What is on it.
    pub name: &'static str,
    /// How many there are.
    pub count: u32,
    /// Its damage.
    pub damage: TileDamage,
    /// Whether it reveals the Fellowship.
    pub reveals: bool,
    /// Whether it stops the Fellowship on the Mordor Track.
    pub stops: bool,
    /// Its set.
    pub set: TileSet,
}

const fn standard(name: &'static str, count: u32, damage: TileDamage, reveals: bool) -> HuntTile {
    HuntTile { name, count, damage, reveals, stops: false, set: TileSet::Standard }
}

const fn special(name: &'static str, damage: TileDamage, reveals: bool, set: TileSet) -> HuntTile {
    let stops = matches!(set, TileSet::Shadow);
    HuntTile { name, count: 1, damage, reveals, stops, set }
}

/// Every kind of tile of the base game: 16 standard tiles and 8 special ones. Names are the Java client's.
pub const HUNT_TILES: &[HuntTile] = &[
    standard("0r", 2, TileDamage::Points(0), true),
    standard("1r", 2, TileDamage::Points(1), true),
    standard("2r", 1, TileDamage::Points(2), true),
    standard("1", 2, TileDamage::Points(1), false),
    standard("2", 2, TileDamage::Points(2), false),
    standard("3", 3, TileDamage::Points(3), false),
    standard("Eye", 4, TileDamage::Eye, true),
    special("Phial of Galadriel", TileDamage::Points(-2), false, TileSet::FreePeoples),
    special("Smeagol Helps Nice Master", TileDamage::Points(-1), false, TileSet::FreePeoples),
    special("Elven Cloaks", TileDamage::Points(0), false, TileSet::FreePeoples),
    special("Elven Rope", TileDamage::Points(0), false, TileSet::FreePeoples),
    special("The Ring is Mine!", TileDamage::Eye, true, TileSet::Shadow),
    special("Shelob's Lair", TileDamage::OneDie, false, TileSet::Shadow),
    special("On, On They Went", TileDamage::Points(3), false, TileSet::Shadow),
    special("Give it to Uss!", TileDamage::Points(1), true, TileSet::Shadow),
];

impl HuntTile {
    /// The damage it does. `eye` is what an Eye counts now; `die` the face of the die for Shelob's Lair.
    pub fn damage(&self, eye: u32, die: u32) -> i32 {
        match self.damage {
            TileDamage::Points(points) => points,
            TileDamage::Eye => i32::try_from(eye).unwrap_or(i32::MAX),
            TileDamage::OneDie => i32::try_from(die).unwrap_or(i32::MAX),
        }
    }
}

/// Corruption after damage or healing; 0 to 12.
pub fn corruption_after(corruption: u32, damage: i32) -> u32 {
    let sum = i64::from(corruption) + i64::from(damage);
    sum.clamp(0, i64::from(MAX_CORRUPTION)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(faces: &[u32], level: u32, free_peoples_dice: u32, rerolls: u32, successes: u32) {
        let mut next = faces.iter().copied();
        let roll = roll_hunt(level, free_peoples_dice, rerolls, || next.next().unwrap()).unwrap();
        assert_eq!(roll.successes, successes, "{roll:?}");
        assert_eq!(next.next(), None, "a face was not used");
    }

    #[test]
    fn each_die_in_the_box_makes_the_hunt_easier() {
        check(&[5, 6, 4], 3, 0, 0, 1);
        check(&[5, 6, 4], 3, 1, 0, 2);
        check(&[5, 6, 4], 3, 2, 0, 3);
    }

    #[test]
    fn a_natural_one_fails() {
        check(&[1], 1, 6, 0, 0);
    }

    #[test]
    fn at_most_five_dice_are_rolled() {
        check(&[6, 6, 6, 6, 6], 9, 0, 0, 5);
    }

    #[test]
    fn failed_dice_are_rolled_again() {
        check(&[2, 6, 3, 6, 1], 3, 0, 2, 2);
        check(&[], 0, 0, 3, 0);
    }

    #[test]
    fn there_are_sixteen_standard_and_eight_special_tiles() {
        let count = |standard: bool| {
            let of_set = HUNT_TILES.iter().filter(|tile| (tile.set == TileSet::Standard) == standard);
            of_set.map(|tile| tile.count).sum::<u32>()
        };
        assert_eq!((count(true), count(false)), (16, 8));
        let reveals = HUNT_TILES.iter().filter(|tile| tile.set == TileSet::Standard && tile.reveals);
        assert_eq!(reveals.map(|tile| tile.count).sum::<u32>(), 9);
    }

    #[test]
    fn the_shadow_allocates_within_its_bounds() {
        assert_eq!(allocation(false, 7), 0..=7);
        assert_eq!(allocation(true, 0), 1..=1);
    }

    #[test]
    fn corruption_stays_on_its_track() {
        assert_eq!(corruption_after(11, 3), 12);
        assert_eq!(corruption_after(1, -2), 0);
    }

    #[test]
    fn a_roll_is_bounded() {
        assert!(roll_hunt(17, 0, 0, || 1).is_err());
        assert!(roll_hunt(1, 0, 4, || 1).is_err());
    }
}
