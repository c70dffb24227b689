//! Places and pieces of the board that the rules speak of, by the Java client's ids.
//!
//! Source: the client's base game; ids are permanent.

use std::ops::RangeInclusive;

use super::Side;

/// Regions of the map.
pub const MAP_REGIONS: RangeInclusive<u32> = 0..=104;
/// Rivendell, where the Fellowship starts.
pub const RIVENDELL: u32 = 27;
/// Minas Morgul, from where Mordor may be entered.
pub const MINAS_MORGUL: u32 = 86;
/// Morannon, from where Mordor may be entered.
pub const MORANNON: u32 = 91;
/// The Hunt Box.
pub const HUNT_BOX: u32 = 114;
/// Companions in the Fellowship, but its Guide.
pub const FELLOWSHIP_BOX: u32 = 115;
/// The Guide's place.
pub const GUIDE_BOX: u32 = 116;
/// The political track: 117 is three steps from war, 120 is at war.
pub const POLITICAL_TRACK: RangeInclusive<u32> = 117..=120;
/// The decks: Free Peoples Character and Strategy, Shadow Character and Strategy.
pub const DECKS: RangeInclusive<u32> = 121..=124;
/// Elven Rings not yet used.
pub const ELVEN_RINGS: RangeInclusive<u32> = 125..=127;
/// Elven Rings the Shadow has been given.
pub const SHADOW_RINGS: RangeInclusive<u32> = 128..=130;
/// The Fellowship Track, 0 to 12, for progress and corruption.
pub const FELLOWSHIP_TRACK: RangeInclusive<u32> = 131..=143;
/// Where the die of the current action lies.
pub const CURRENT_ACTION: u32 = 152;
/// Victory points, 0 to 10.
pub const VICTORY_TRACK: RangeInclusive<u32> = 163..=173;
/// Hunt tiles to be drawn.
pub const HUNT_POOL: u32 = 182;
/// Hunt tiles that were drawn.
pub const USED_HUNT_TILES: u32 = 183;
/// Hunt tiles out of the game.
pub const REMOVED_HUNT_TILES: u32 = 184;
/// The Mordor Track; its last step is the Cracks of Doom.
pub const MORDOR_TRACK: RangeInclusive<u32> = 188..=193;

/// Strongholds' own boxes, for those who are besieged.
pub const STRONGHOLD_BOXES: &[RangeInclusive<u32>] = &[105..=113, 145..=145, 155..=162];

/// Cards a hand may hold.
pub const HAND_LIMIT: u32 = 6;
/// Victory points with which the Free Peoples win.
pub const FREE_PEOPLES_VICTORY_POINTS: u32 = 4;
/// Victory points with which the Shadow wins.
pub const SHADOW_VICTORY_POINTS: u32 = 10;

/// Piece ids of the companions that start in the Fellowship, Gandalf the Guide first.
pub const COMPANIONS: RangeInclusive<u32> = 240..=246;
/// The Fellowship's figure.
pub const FELLOWSHIP: u32 = 247;
/// The counter of progress, hidden on one side, revealed on the other.
pub const PROGRESS_COUNTER: u32 = 248;
/// The counter of corruption.
pub const CORRUPTION_COUNTER: u32 = 252;

/// Places that belong to a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SideAreas {
    /// Its action dice.
    pub dice: u32,
    /// Its hand.
    pub hand: u32,
    /// Its reinforcements.
    pub reinforcements: u32,
    /// Its casualties, where used dice go too.
    pub casualties: u32,
    /// Its victory point marker (a piece).
    pub victory_marker: u32,
    /// Its action dice (pieces).
    pub dice_pieces: &'static [RangeInclusive<u32>],
}

impl Side {
    /// The places and pieces of this side.
    pub fn areas(self) -> SideAreas {
        match self {
            Side::FreePeoples => SideAreas {
                dice: 178,
                hand: 180,
                reinforcements: 174,
                casualties: 175,
                victory_marker: 422,
                dice_pieces: &[210..=213, 358..=359],
            },
            Side::Shadow => SideAreas {
                dice: 179,
                hand: 181,
                reinforcements: 176,
                casualties: 177,
                victory_marker: 423,
                dice_pieces: &[99..=105, 360..=362],
            },
        }
    }
}

/// Nations, with the piece that marks them on the political track.
pub const NATIONS: &[(&str, Side, u32)] = &[
    ("Elves", Side::FreePeoples, 256),
    ("Dwarves", Side::FreePeoples, 257),
    ("The North", Side::FreePeoples, 258),
    ("Rohan", Side::FreePeoples, 259),
    ("Gondor", Side::FreePeoples, 260),
    ("Southrons & Easterlings", Side::Shadow, 261),
    ("Sauron", Side::Shadow, 262),
    ("Isengard", Side::Shadow, 263),
];

/// Steps from war for a marker on the political track; `None` for an area off the track.
pub fn steps_from_war(area: u32) -> Option<u32> {
    POLITICAL_TRACK.contains(&area).then(|| POLITICAL_TRACK.end() - area)
}

/// Progress or corruption for a counter on the Fellowship Track; `None` for an area off the track.
pub fn fellowship_track_value(area: u32) -> Option<u32> {
    FELLOWSHIP_TRACK.contains(&area).then(|| area - FELLOWSHIP_TRACK.start())
}

/// Victory points for a marker on their track; `None` for an area off the track.
pub fn victory_points(area: u32) -> Option<u32> {
    VICTORY_TRACK.contains(&area).then(|| area - VICTORY_TRACK.start())
}

/// The step on the Mordor Track, 5 being the Cracks of Doom; `None` for an area off the track.
pub fn mordor_step(area: u32) -> Option<u32> {
    MORDOR_TRACK.contains(&area).then(|| area - MORDOR_TRACK.start())
}

/// How the game ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Victory {
    /// Corruption has reached 12.
    ShadowRing,
    /// The Ring is in the fire.
    FreePeoplesRing,
    /// The Shadow holds enough.
    ShadowMilitary,
    /// The Free Peoples hold enough.
    FreePeoplesMilitary,
}

/// A position, as far as victory depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The Ring-bearers' corruption.
    pub corruption: u32,
    /// Whether they stand at the Cracks of Doom.
    pub at_cracks_of_doom: bool,
    /// Victory points of the Shadow.
    pub shadow_points: u32,
    /// Victory points of the Free Peoples.
    pub free_peoples_points: u32,
}

/// Who has won. The Ring decides at any time; points only in the last phase of a turn (`last_phase`). Of several
/// victories at once the first in the order of [`Victory`] counts.
pub fn victory(position: Position, last_phase: bool) -> Option<Victory> {
    if position.corruption >= super::hunt::MAX_CORRUPTION {
        Some(Victory::ShadowRing)
    } else if position.at_cracks_of_doom {
        Some(Victory::FreePeoplesRing)
    } else if last_phase && position.shadow_points >= SHADOW_VICTORY_POINTS {
        Some(Victory::ShadowMilitary)
    } else if last_phase && position.free_peoples_points >= FREE_PEOPLES_VICTORY_POINTS {
        Some(Victory::FreePeoplesMilitary)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_read_from_their_first_area() {
        assert_eq!(steps_from_war(120), Some(0));
        assert_eq!(steps_from_war(117), Some(3));
        assert_eq!(fellowship_track_value(143), Some(12));
        assert_eq!(victory_points(163), Some(0));
        assert_eq!(mordor_step(193), Some(5));
        assert_eq!(mordor_step(194), None);
    }

    #[test]
    fn the_ring_decides_before_points_and_corruption_before_the_fire() {
        let position = Position { corruption: 12, at_cracks_of_doom: true, shadow_points: 10, free_peoples_points: 4 };
        assert_eq!(victory(position, true), Some(Victory::ShadowRing));
        let position = Position { corruption: 11, ..position };
        assert_eq!(victory(position, true), Some(Victory::FreePeoplesRing));
        let position = Position { at_cracks_of_doom: false, ..position };
        assert_eq!(victory(position, true), Some(Victory::ShadowMilitary));
        assert_eq!(victory(position, false), None);
    }
}
