//! Wounds: levels, boxes of the condition monitor, and what they cost.
//!
//! Source: *Shadowrun, Second Edition*, "Condition Monitor", "Damage".

use std::fmt;

use serde::{Deserialize, Serialize};

use super::modifier::Modifier;
use crate::UnknownName;

/// Boxes of each track, Physical and Stun.
pub const TRACK_BOXES: u32 = 10;
/// Minutes in which someone who is near death loses a box more.
pub const BLEEDING_MINUTES: u32 = 10;

/// How bad a wound is; ordered from the lightest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// L.
    Light,
    /// M.
    Moderate,
    /// S.
    Serious,
    /// D.
    Deadly,
}

impl Level {
    /// Every level, lightest first.
    pub const ALL: [Level; 4] = [Level::Light, Level::Moderate, Level::Serious, Level::Deadly];

    /// The letter in damage codes.
    pub fn letter(self) -> char {
        match self {
            Level::Light => 'L',
            Level::Moderate => 'M',
            Level::Serious => 'S',
            Level::Deadly => 'D',
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Level::Light => "light",
            Level::Moderate => "moderate",
            Level::Serious => "serious",
            Level::Deadly => "deadly",
        }
    }

    /// Reads a letter or a word.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the words and letters that exist.
    pub fn parse(text: &str) -> Result<Self, UnknownName> {
        let text = text.trim();
        let bare = text.len().checked_sub(" wound".len()).and_then(|end| text.split_at_checked(end));
        let text = bare.filter(|(_, end)| end.eq_ignore_ascii_case(" wound")).map_or(text, |(level, _)| level);
        let is_named = |level: &Level| {
            text.eq_ignore_ascii_case(level.word())
                || text.eq_ignore_ascii_case(level.letter().encode_utf8(&mut [0; 4]))
        };
        let names = ["L", "M", "S", "D", "light", "moderate", "serious", "deadly"];
        Level::ALL.into_iter().find(is_named).ok_or_else(|| UnknownName::new("wound level", text, names))
    }

    /// Boxes a wound of this level fills; a track with so many filled is at this level.
    pub fn boxes(self) -> u32 {
        match self {
            Level::Light => 1,
            Level::Moderate => 3,
            Level::Serious => 6,
            Level::Deadly => TRACK_BOXES,
        }
    }

    /// The level of a track with so many boxes filled; `None` for an unhurt one.
    pub fn of_boxes(boxes: u32) -> Option<Self> {
        Level::ALL.into_iter().rev().find(|level| boxes >= level.boxes())
    }

    /// Moves by so many levels: above Deadly is Deadly, below Light nothing.
    pub fn shifted(self, levels: i64) -> Option<Self> {
        let index = (self as i64).saturating_add(levels).min(Level::Deadly as i64);
        usize::try_from(index).ok().map(|index| Level::ALL[index])
    }

    /// Added to target numbers, and taken off Reaction: 1 to 3. `None` for Deadly: no test at all.
    pub fn wound_modifier(self) -> Option<i32> {
        match self {
            Level::Light => Some(1),
            Level::Moderate => Some(2),
            Level::Serious => Some(3),
            Level::Deadly => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Someone who is wounded too badly to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no test is possible: the {0} track is full, the character is out of action")]
pub struct Incapacitated(pub &'static str);

/// Wounds on both tracks, for their modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wounds {
    /// Level of the Physical track.
    pub physical: Option<Level>,
    /// Level of the Stun track.
    pub stun: Option<Level>,
}

impl Wounds {
    /// The levels of two tracks with so many boxes filled.
    pub fn of_boxes(physical: u32, stun: u32) -> Self {
        Self { physical: Level::of_boxes(physical), stun: Level::of_boxes(stun) }
    }

    /// The modifiers to target numbers, one a track; both add up. Not for tests that resist or avoid damage.
    ///
    /// # Errors
    ///
    /// [`Incapacitated`] if a track is full.
    pub fn modifiers(self) -> Result<Vec<Modifier>, Incapacitated> {
        let mut modifiers = Vec::new();
        for (track, level) in [("Physical", self.physical), ("Stun", self.stun)] {
            let Some(level) = level else { continue };
            let value = level.wound_modifier().ok_or(Incapacitated(track))?;
            modifiers.push(Modifier::new("wound", value, format!("{level} wound, {track}")));
        }
        Ok(modifiers)
    }
}

/// A character's condition monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Monitor {
    /// Filled Physical boxes, 0 to 10.
    pub physical: u32,
    /// Filled Stun boxes, 0 to 10.
    pub stun: u32,
    /// Physical boxes beyond the tenth.
    pub overflow: u32,
}

/// What state a monitor means for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Up and able to act.
    Acting,
    /// The Stun track is full.
    Unconscious,
    /// The Physical track is full; one more box every ten minutes until help comes.
    NearDeath,
    /// More overflow than natural Body.
    Dead,
}

impl Monitor {
    /// The monitor after further Stun; what the Stun track cannot hold goes to the Physical one.
    #[must_use]
    pub fn with_stun(mut self, boxes: u32) -> Self {
        let stun = self.stun.saturating_add(boxes);
        self.stun = stun.min(TRACK_BOXES);
        self.with_physical(stun - self.stun)
    }

    /// The monitor after further Physical damage; what the track cannot hold is overflow.
    #[must_use]
    pub fn with_physical(mut self, boxes: u32) -> Self {
        let physical = self.physical.saturating_add(boxes);
        self.physical = physical.min(TRACK_BOXES);
        self.overflow = self.overflow.saturating_add(physical - self.physical);
        self
    }

    /// Whether the owner acts, lies unconscious, dies or is dead. `natural_body` is the unaugmented rating.
    pub fn condition(self, natural_body: u32) -> Condition {
        if self.overflow > natural_body {
            Condition::Dead
        } else if self.physical >= TRACK_BOXES {
            Condition::NearDeath
        } else if self.stun >= TRACK_BOXES {
            Condition::Unconscious
        } else {
            Condition::Acting
        }
    }

    /// The wound levels of both tracks.
    pub fn wounds(self) -> Wounds {
        Wounds::of_boxes(self.physical, self.stun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_begins_with_its_box() {
        let levels: Vec<_> = (0..=10).map(|boxes| Level::of_boxes(boxes).map_or('-', Level::letter)).collect();
        assert_eq!(levels.iter().collect::<String>(), "-LLMMMSSSSD");
    }

    #[test]
    fn a_level_is_read_however_it_is_written() {
        for text in ["S", "s", "serious", " Serious Wound "] {
            assert_eq!(Level::parse(text), Ok(Level::Serious), "{text}");
        }
        for text in ["", "wound", " wound", "se\u{301}rious"] {
            assert!(Level::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn both_tracks_add_their_modifier() {
        let wounds = Wounds { physical: Some(Level::Moderate), stun: Some(Level::Light) };
        let total: i32 = wounds.modifiers().unwrap().iter().map(|modifier| modifier.value).sum();
        assert_eq!(total, 3);
    }

    #[test]
    fn a_full_track_allows_no_test() {
        let wounds = Wounds { physical: None, stun: Some(Level::Deadly) };
        assert_eq!(wounds.modifiers(), Err(Incapacitated("Stun")));
    }

    #[test]
    fn stun_that_the_track_cannot_hold_is_physical_damage() {
        let monitor = Monitor { physical: 9, stun: 9, overflow: 0 }.with_stun(4);
        assert_eq!(monitor, Monitor { physical: 10, stun: 10, overflow: 2 });
        assert_eq!(monitor.condition(2), Condition::NearDeath);
        assert_eq!(monitor.condition(1), Condition::Dead);
    }

    #[test]
    fn levels_stop_at_deadly_and_end_below_light() {
        assert_eq!(Level::Serious.shifted(5), Some(Level::Deadly));
        assert_eq!(Level::Moderate.shifted(-1), Some(Level::Light));
        assert_eq!(Level::Light.shifted(-1), None);
    }
}
