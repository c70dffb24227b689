//! Action dice: faces, pools, and how many of them there are.
//!
//! Source: *War of the Ring, Second Edition*, "Action Dice"; the order of faces is that of the Java client's dice.

use serde::Serialize;

use super::{RollError, Side};
use crate::UnknownName;
use crate::names::same_name;

/// What an action die shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionFace {
    /// Any other face, or a great hero into play; Free Peoples only.
    WillOfTheWest,
    /// Character.
    Character,
    /// Army; the Shadow only.
    Army,
    /// Muster.
    Muster,
    /// Army or Muster, as its player likes.
    ArmyMuster,
    /// Event, the Palantír.
    Event,
    /// The Eye, which goes to the Hunt Box; the Shadow only.
    Eye,
}

impl ActionFace {
    /// Every face.
    pub const ALL: [ActionFace; 7] = [
        ActionFace::WillOfTheWest,
        ActionFace::Character,
        ActionFace::Army,
        ActionFace::Muster,
        ActionFace::ArmyMuster,
        ActionFace::Event,
        ActionFace::Eye,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            ActionFace::WillOfTheWest => "Will of the West",
            ActionFace::Character => "Character",
            ActionFace::Army => "Army",
            ActionFace::Muster => "Muster",
            ActionFace::ArmyMuster => "Army/Muster",
            ActionFace::Event => "Event",
            ActionFace::Eye => "Eye",
        }
    }

    /// The face of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the names that exist.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        let found = ActionFace::ALL.into_iter().find(|face| same_name(face.name(), name));
        found.ok_or_else(|| UnknownName::new("action die face", name, ActionFace::ALL.map(ActionFace::name)))
    }
}

/// Faces of a Free Peoples die, by what a six-sided die shows, 1 to 6.
pub const FREE_PEOPLES_FACES: [ActionFace; 6] = [
    ActionFace::WillOfTheWest,
    ActionFace::Character,
    ActionFace::Event,
    ActionFace::Muster,
    ActionFace::ArmyMuster,
    ActionFace::Character,
];

/// Faces of a Shadow die, by what a six-sided die shows, 1 to 6.
pub const SHADOW_FACES: [ActionFace; 6] = [
    ActionFace::Muster,
    ActionFace::ArmyMuster,
    ActionFace::Army,
    ActionFace::Character,
    ActionFace::Event,
    ActionFace::Eye,
];

impl Side {
    /// The faces of its dice.
    pub fn action_faces(self) -> &'static [ActionFace; 6] {
        match self {
            Side::FreePeoples => &FREE_PEOPLES_FACES,
            Side::Shadow => &SHADOW_FACES,
        }
    }

    /// Dice it begins with.
    pub fn starting_dice(self) -> u32 {
        match self {
            Side::FreePeoples => 4,
            Side::Shadow => 7,
        }
    }

    /// Most dice it can have: a further one for Aragorn and Gandalf the White, or for each Minion.
    pub fn most_dice(self) -> u32 {
        match self {
            Side::FreePeoples => 6,
            Side::Shadow => 10,
        }
    }
}

/// Action dice that were rolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionRoll {
    /// Whose dice.
    pub side: Side,
    /// What each six-sided die showed, 1 to 6.
    pub dice: Vec<u32>,
    /// What each means.
    pub faces: Vec<ActionFace>,
    /// How many Eyes among them: dice that go to the Hunt Box at once.
    pub eyes: u32,
}

/// Rolls a side's action dice; `d6` yields 1 to 6 a call.
///
/// # Errors
///
/// [`RollError`] for more dice than the side can have.
pub fn roll_action_dice(side: Side, dice: u32, mut d6: impl FnMut() -> u32) -> Result<ActionRoll, RollError> {
    if dice > side.most_dice() {
        return Err(RollError::TooMany { what: "action dice", dice, most: side.most_dice() });
    }
    let dice: Vec<u32> = (0..dice).map(|_| d6()).collect();
    let face = |shown: &u32| side.action_faces()[shown.clamp(&1, &6).abs_diff(1) as usize];
    let faces: Vec<ActionFace> = dice.iter().map(face).collect();
    let eyes = faces.iter().filter(|face| **face == ActionFace::Eye).count() as u32;
    Ok(ActionRoll { side, dice, faces, eyes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roll(side: Side, shown: &[u32]) -> ActionRoll {
        let mut shown = shown.iter().copied();
        roll_action_dice(side, shown.len() as u32, || shown.next().unwrap()).unwrap()
    }

    #[test]
    fn every_number_has_its_face() {
        let names = |side| roll(side, &[1, 2, 3, 4, 5, 6]).faces.iter().map(|face| face.name()).collect::<Vec<_>>();
        assert_eq!(
            names(Side::FreePeoples),
            ["Will of the West", "Character", "Event", "Muster", "Army/Muster", "Character"]
        );
        assert_eq!(names(Side::Shadow), ["Muster", "Army/Muster", "Army", "Character", "Event", "Eye"]);
    }

    #[test]
    fn eyes_are_counted() {
        assert_eq!(roll(Side::Shadow, &[6, 1, 6]).eyes, 2);
    }

    #[test]
    fn more_dice_than_there_are_is_refused() {
        let refusal = roll_action_dice(Side::FreePeoples, 7, || 1).unwrap_err();
        assert_eq!(refusal.to_string(), "7 action dice are too many: at most 6");
    }
}
