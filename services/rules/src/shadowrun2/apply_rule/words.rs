//! Reads a situation from the words of a table, such as "extreme, 3 aim actions, skill 6".
//!
//! The words are cut into phrases of two lists below, longest first; `#` stands for a number, `#th` for an ordinal.
//! A word that no phrase has is refused, so that nothing is passed over in silence.

use crate::shadowrun2::condition::Level;
use crate::shadowrun2::melee;
use crate::shadowrun2::range::RangeCategory;
use crate::shadowrun2::ranged::{self, Cover, Movement, SMARTLINK_MODIFIER};
use crate::shadowrun2::visibility::{Origin, Visibility};

/// Most words that are read. Ours.
const MAX_WORDS: usize = 60;
/// Characters of a word that is shown again.
const MAX_SHOWN: usize = 30;

/// Words that are no situation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WordsError {
    /// A word no phrase begins with here.
    #[error("cannot read {word:?} in the situation; give \"parameters\", or use phrases such as {}", phrases.join(", "))]
    Unknown { word: String, phrases: Vec<&'static str> },
    /// No range among them.
    #[error("the situation names no range: short, medium, long or extreme")]
    NoRange,
    /// Too many words.
    #[error("a situation has at most {MAX_WORDS} words")]
    TooLong,
}

/// A phrase and what it says; its number is 0 if it has none.
type Phrase<S> = (&'static str, fn(&mut S, u32));

struct Shot {
    range: Option<RangeCategory>,
    situation: ranged::Situation,
}

/// The range and situation of a shot.
pub(super) fn ranged(text: &str) -> Result<(RangeCategory, ranged::Situation), WordsError> {
    let mut shot = Shot { range: None, situation: ranged::Situation::default() };
    read(text, SHOT, &mut shot)?;
    Ok((shot.range.ok_or(WordsError::NoRange)?, shot.situation))
}

/// The situation of the acting side in melee.
pub(super) fn melee(text: &str) -> Result<melee::Situation, WordsError> {
    let mut situation = melee::Situation::default();
    read(text, MELEE, &mut situation)?;
    Ok(situation)
}

const SHOT: &[Phrase<Shot>] = &[
    ("short", |shot, _| shot.range = Some(RangeCategory::Short)),
    ("medium", |shot, _| shot.range = Some(RangeCategory::Medium)),
    ("long", |shot, _| shot.range = Some(RangeCategory::Long)),
    ("extreme", |shot, _| shot.range = Some(RangeCategory::Extreme)),
    ("mmg", |shot, _| shot.situation.heavy_weapon = true),
    ("hmg", |shot, _| shot.situation.heavy_weapon = true),
    ("shotgun", |shot, _| shot.situation.heavy_weapon = true),
    ("laser sight", |shot, _| shot.situation.laser_sight = true),
    ("laser", |shot, _| shot.situation.laser_sight = true),
    ("smartgun", |shot, _| shot.situation.smart_weapon = true),
    ("smart goggles", |shot, _| shot.situation.smart_goggles = true),
    ("smartlink", |shot, _| {
        shot.situation.smartlink = Some(SMARTLINK_MODIFIER);
        shot.situation.smart_weapon = true;
    }),
    ("#th target", |shot, ordinal| shot.situation.further_targets = ordinal.saturating_sub(1)),
    ("attacker running", |shot, _| shot.situation.attacker_movement = Some(Movement::Running)),
    ("attacker walking", |shot, _| shot.situation.attacker_movement = Some(Movement::Walking)),
    ("target running", |shot, _| shot.situation.target_movement = Some(Movement::Running)),
    ("target walking", |shot, _| shot.situation.target_movement = Some(Movement::Walking)),
    ("target stationary", |shot, _| shot.situation.target_movement = Some(Movement::Stationary)),
    ("on difficult ground", |shot, _| shot.situation.rough_ground = true),
    ("on rough ground", |shot, _| shot.situation.rough_ground = true),
    ("# aim actions", |shot, count| shot.situation.aim_actions = count),
    ("# aim action", |shot, count| shot.situation.aim_actions = count),
    ("skill #", |shot, rating| shot.situation.skill = Some(rating)),
    ("# uncompensated recoil", |shot, points| shot.situation.recoil = points),
    ("recoil #", |shot, points| shot.situation.recoil = points),
    ("# rounds fired", |shot, rounds| shot.situation.recoil = rounds),
    ("comp #", |shot, points| shot.situation.recoil_compensation = points),
    ("compensation #", |shot, points| shot.situation.recoil_compensation = points),
    ("gyro #", |shot, points| shot.situation.gyro_stabilisation = points),
    ("called shot", |shot, _| shot.situation.called_shot = true),
    ("second firearm", |shot, _| shot.situation.second_firearm = true),
    ("partial cover", |shot, _| shot.situation.cover = Cover::Partial),
    ("blind fire", |shot, _| shot.situation.cover = Cover::Full),
    ("light wound", |shot, _| shot.situation.wounds.physical = Some(Level::Light)),
    ("moderate wound", |shot, _| shot.situation.wounds.physical = Some(Level::Moderate)),
    ("serious wound", |shot, _| shot.situation.wounds.physical = Some(Level::Serious)),
    ("full darkness", |shot, _| shot.situation.visibility.push(Visibility::FullDarkness)),
    ("minimal light", |shot, _| shot.situation.visibility.push(Visibility::MinimalLight)),
    ("partial light", |shot, _| shot.situation.visibility.push(Visibility::PartialLight)),
    ("glare", |shot, _| shot.situation.visibility.push(Visibility::Glare)),
    ("mist", |shot, _| shot.situation.visibility.push(Visibility::Mist)),
    ("light smoke", |shot, _| shot.situation.visibility.push(Visibility::LightSmoke)),
    ("heavy smoke", |shot, _| shot.situation.visibility.push(Visibility::HeavySmoke)),
    ("natural low light", |shot, _| shot.situation.vision.low_light = Some(Origin::Natural)),
    ("cyber low light", |shot, _| shot.situation.vision.low_light = Some(Origin::Cybernetic)),
    ("natural thermographic", |shot, _| shot.situation.vision.thermographic = Some(Origin::Natural)),
    ("cyber thermographic", |shot, _| shot.situation.vision.thermographic = Some(Origin::Cybernetic)),
    // What changes nothing, or is said by another phrase.
    ("no modifiers", |_, _| {}),
    ("normal vision", |_, _| {}),
    ("no compensation", |_, _| {}),
    ("heavy weapons double", |_, _| {}),
    ("#th burst of # rounds at a", |_, _| {}),
    ("same phase", |_, _| {}),
    ("this phase", |_, _| {}),
    ("# target", |_, _| {}),
    ("range", |_, _| {}),
    ("lmg", |_, _| {}),
    ("smg", |_, _| {}),
    ("#", |_, _| {}),
];

const MELEE: &[Phrase<melee::Situation>] = &[
    ("# more friends than the opponent", |situation, count| situation.friends = count),
    ("# more friends", |situation, count| situation.friends = count),
    ("opponent has # more friends", |situation, count| situation.opponent_friends = count),
    ("superior position", |situation, _| situation.superior_position = true),
    ("opponent prone", |situation, _| situation.opponent_prone = true),
    ("subduing combat", |situation, _| situation.subduing = true),
    ("subduing", |situation, _| situation.subduing = true),
    ("called shot", |situation, _| situation.called_shot = true),
    ("opponent reach #", |situation, points| situation.opponent_reach = points),
    ("reach #", |situation, points| situation.reach = points),
    ("#th target", |situation, ordinal| situation.further_targets = ordinal.saturating_sub(1)),
    ("light wound", |situation, _| situation.wounds.physical = Some(Level::Light)),
    ("moderate wound", |situation, _| situation.wounds.physical = Some(Level::Moderate)),
    ("serious wound", |situation, _| situation.wounds.physical = Some(Level::Serious)),
    ("full darkness", |situation, _| situation.visibility.push(Visibility::FullDarkness)),
    ("minimal light", |situation, _| situation.visibility.push(Visibility::MinimalLight)),
    ("partial light", |situation, _| situation.visibility.push(Visibility::PartialLight)),
    // What changes nothing.
    ("no modifiers", |_, _| {}),
    ("normal vision", |_, _| {}),
    ("max #", |_, _| {}),
];

enum Word {
    Plain(String),
    Number(u32),
    Ordinal(u32),
}

fn read<S>(text: &str, phrases: &[Phrase<S>], situation: &mut S) -> Result<(), WordsError> {
    let words = words(text)?;
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        let matching = |(phrase, say): &Phrase<S>| matched(phrase, rest).map(|(length, number)| (length, number, *say));
        let longest = phrases.iter().filter_map(matching).max_by_key(|(length, ..)| *length);
        let Some((length, number, say)) = longest else {
            let word = match first {
                Word::Plain(word) => word.chars().take(MAX_SHOWN).collect(),
                Word::Number(number) => number.to_string(),
                Word::Ordinal(number) => format!("{number}th"),
            };
            return Err(WordsError::Unknown { word, phrases: phrases.iter().map(|(phrase, _)| *phrase).collect() });
        };
        say(situation, number);
        rest = &rest[length..];
    }
    Ok(())
}

/// How many words the phrase takes, and its last number; `None` if it does not fit.
fn matched(phrase: &str, words: &[Word]) -> Option<(usize, u32)> {
    let mut number = 0;
    let mut length = 0;
    for part in phrase.split(' ') {
        match (part, words.get(length)?) {
            ("#", Word::Number(given)) | ("#th", Word::Ordinal(given)) => number = *given,
            (part, Word::Plain(word)) if part == word => {}
            _ => return None,
        }
        length += 1;
    }
    Some((length, number))
}

fn words(text: &str) -> Result<Vec<Word>, WordsError> {
    let mut words = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if words.len() == MAX_WORDS {
            return Err(WordsError::TooLong);
        }
        words.push(to_word(word));
    }
    Ok(words)
}

fn to_word(word: &str) -> Word {
    let word = word.to_lowercase();
    if let Ok(number) = word.parse() {
        return Word::Number(number);
    }
    match word.as_str() {
        "second" => return Word::Ordinal(2),
        "third" => return Word::Ordinal(3),
        _ => {}
    }
    let suffixes = ["st", "nd", "rd", "th"];
    let digits = suffixes.iter().find_map(|suffix| word.strip_suffix(suffix));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(number) => Word::Ordinal(number),
        None => Word::Plain(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_table_are_read() {
        let (range, situation) = ranged("Long range; heavy smoke, natural low-light, 2nd target, comp 2").unwrap();
        assert_eq!(range, RangeCategory::Long);
        assert_eq!(situation.visibility, [Visibility::HeavySmoke]);
        assert_eq!(situation.vision.low_light, Some(Origin::Natural));
        assert_eq!((situation.further_targets, situation.recoil_compensation), (1, 2));
    }

    #[test]
    fn a_word_that_means_nothing_here_is_refused() {
        let refusal = ranged("short, with a banana").err().unwrap().to_string();
        assert!(refusal.starts_with("cannot read \"with\" in the situation"), "{refusal}");
        assert_eq!(ranged("laser").err(), Some(WordsError::NoRange));
        assert_eq!(melee(&"max 4 ".repeat(40)).err(), Some(WordsError::TooLong));
    }
}
