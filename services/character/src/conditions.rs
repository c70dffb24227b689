//! Conditions of a shot or spell in plain words: what "a dim alley in heavy rain" means to the rules.
//!
//! Only set phrases are read, each for one condition; whatever was read is told, so that a caller can say it better.

use rules::shadowrun2::{
    ranged::{Cover, Movement},
    visibility::Visibility,
};

/// What a text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The light; `Some(None)` for plain daylight.
    pub light: Option<Option<Visibility>>,
    /// Smoke, mist, glare.
    pub sight: Vec<Visibility>,
    /// How the target moves.
    pub movement: Option<Movement>,
    /// What covers the target.
    pub cover: Option<Cover>,
}

#[derive(Clone, Copy)]
enum Meaning {
    Light(Option<Visibility>),
    Sight(Visibility),
    Movement(Movement),
    Cover(Cover),
}

use Meaning::{Light, Sight};

/// Phrases and what they mean; one that holds another stands before it.
const PHRASES: &[(&str, Meaning)] = &[
    ("pitch black", Light(Some(Visibility::FullDarkness))),
    ("pitch dark", Light(Some(Visibility::FullDarkness))),
    ("pitch darkness", Light(Some(Visibility::FullDarkness))),
    ("total darkness", Light(Some(Visibility::FullDarkness))),
    ("complete darkness", Light(Some(Visibility::FullDarkness))),
    ("full darkness", Light(Some(Visibility::FullDarkness))),
    ("darkness", Light(Some(Visibility::FullDarkness))),
    ("minimal light", Light(Some(Visibility::MinimalLight))),
    ("moonlight", Light(Some(Visibility::MinimalLight))),
    ("moonlit", Light(Some(Visibility::MinimalLight))),
    ("dimly", Light(Some(Visibility::MinimalLight))),
    ("dim", Light(Some(Visibility::MinimalLight))),
    ("dark", Light(Some(Visibility::MinimalLight))),
    ("night", Light(Some(Visibility::MinimalLight))),
    ("partial light", Light(Some(Visibility::PartialLight))),
    ("low light", Light(Some(Visibility::PartialLight))),
    ("twilight", Light(Some(Visibility::PartialLight))),
    ("dusk", Light(Some(Visibility::PartialLight))),
    ("dawn", Light(Some(Visibility::PartialLight))),
    ("street lamps", Light(Some(Visibility::PartialLight))),
    ("street lights", Light(Some(Visibility::PartialLight))),
    ("normal light", Light(None)),
    ("daylight", Light(None)),
    ("well lit", Light(None)),
    ("bright", Light(None)),
    ("brightly", Light(None)),
    ("glare", Sight(Visibility::Glare)),
    ("heavy thermal smoke", Sight(Visibility::HeavyThermalSmoke)),
    ("thick thermal smoke", Sight(Visibility::HeavyThermalSmoke)),
    ("thermal smoke", Sight(Visibility::LightThermalSmoke)),
    ("heavy smoke", Sight(Visibility::HeavySmoke)),
    ("thick smoke", Sight(Visibility::HeavySmoke)),
    ("heavy fog", Sight(Visibility::HeavySmoke)),
    ("thick fog", Sight(Visibility::HeavySmoke)),
    ("heavy rain", Sight(Visibility::HeavySmoke)),
    ("pouring rain", Sight(Visibility::HeavySmoke)),
    ("downpour", Sight(Visibility::HeavySmoke)),
    ("smoke", Sight(Visibility::LightSmoke)),
    ("smoky", Sight(Visibility::LightSmoke)),
    ("fog", Sight(Visibility::LightSmoke)),
    ("foggy", Sight(Visibility::LightSmoke)),
    ("rain", Sight(Visibility::LightSmoke)),
    ("rainy", Sight(Visibility::LightSmoke)),
    ("raining", Sight(Visibility::LightSmoke)),
    ("mist", Sight(Visibility::Mist)),
    ("misty", Sight(Visibility::Mist)),
    ("standing still", Meaning::Movement(Movement::Stationary)),
    ("stationary", Meaning::Movement(Movement::Stationary)),
    ("walking", Meaning::Movement(Movement::Walking)),
    ("running", Meaning::Movement(Movement::Running)),
    ("sprinting", Meaning::Movement(Movement::Running)),
    ("fleeing", Meaning::Movement(Movement::Running)),
    ("partial cover", Meaning::Cover(Cover::Partial)),
    ("behind cover", Meaning::Cover(Cover::Partial)),
    ("in cover", Meaning::Cover(Cover::Partial)),
    ("invisible", Meaning::Cover(Cover::Full)),
];

/// The light levels of the contract, which stand for themselves when written in capitals.
const LEVELS: &[(&str, Option<Visibility>)] = &[
    ("NORMAL", None),
    ("PARTIAL", Some(Visibility::PartialLight)),
    ("DIM", Some(Visibility::MinimalLight)),
    ("DARK", Some(Visibility::FullDarkness)),
];

impl Conditions {
    /// Reads a text. The first phrase of each kind counts; one after "no", "not" or "without" does not.
    pub fn read(text: &str) -> Conditions {
        let mut found = Conditions::default();
        if text.is_empty() {
            return found;
        }
        let is_letter = |char: char| char.is_alphanumeric();
        let tokens: Vec<&str> = text.split(|char| !is_letter(char)).filter(|token| !token.is_empty()).collect();
        found.light = tokens.iter().find_map(|token| light_level(token));
        let mut left = format!(" {} ", tokens.join(" ").to_lowercase());
        for (phrase, meaning) in PHRASES {
            let wanted = format!(" {phrase} ");
            while let Some(at) = left.find(&wanted) {
                let is_denied = [" no", " not", " without"].iter().any(|word| left[..at].ends_with(word));
                if !is_denied {
                    found.take(*meaning);
                }
                left.replace_range(at..at + wanted.len(), " | ");
            }
        }
        found
    }

    fn take(&mut self, meaning: Meaning) {
        match meaning {
            Meaning::Light(light) => {
                self.light.get_or_insert(light);
            }
            Meaning::Sight(sight) => {
                if !self.sight.contains(&sight) {
                    self.sight.push(sight);
                }
            }
            Meaning::Movement(movement) => {
                self.movement.get_or_insert(movement);
            }
            Meaning::Cover(cover) => {
                self.cover.get_or_insert(cover);
            }
        }
    }
}

/// The light of a level of the contract; `Some(None)` for NORMAL.
pub fn light_level(level: &str) -> Option<Option<Visibility>> {
    LEVELS.iter().find(|(name, _)| *name == level).map(|(_, light)| *light)
}

/// The movement of a word of the contract.
pub fn movement(word: &str) -> Option<Movement> {
    [Movement::Stationary, Movement::Walking, Movement::Running].into_iter().find(|movement| movement.word() == word)
}

/// The cover of a word of the contract.
pub fn cover(word: &str) -> Option<Cover> {
    [("none", Cover::None), ("partial", Cover::Partial), ("full", Cover::Full)]
        .into_iter()
        .find(|(name, _)| *name == word)
        .map(|(_, cover)| cover)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Conditions) {
        assert_eq!(Conditions::read(text), expected, "{text}");
    }

    #[test]
    fn set_phrases_are_read() {
        check(
            "A dimly lit alley, heavy rain; the ganger is running!",
            Conditions {
                light: Some(Some(Visibility::MinimalLight)),
                sight: vec![Visibility::HeavySmoke],
                movement: Some(Movement::Running),
                cover: None,
            },
        );
        check("bright daylight", Conditions { light: Some(None), ..Default::default() });
        check("behind cover", Conditions { cover: Some(Cover::Partial), ..Default::default() });
    }

    #[test]
    fn a_level_in_capitals_stands_for_itself() {
        check("DARK", Conditions { light: Some(Some(Visibility::FullDarkness)), ..Default::default() });
    }

    #[test]
    fn what_is_denied_or_unknown_is_not_read() {
        check("no smoke, not dark, without fog", Conditions::default());
        check("the dimension of a raincoat", Conditions::default());
        check("", Conditions::default());
    }
}
