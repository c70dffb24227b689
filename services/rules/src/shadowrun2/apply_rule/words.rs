//! Reads a situation from the words of a table, such as "extreme, 3 aim actions, skill 6".
//!
//! The words are cut into phrases of the lists below, longest first; `#` stands for a number, `#th` for an ordinal,
//! `%` for a wound level. Words that join others are passed over; any other word that no phrase has is refused, so that
//! nothing is left out in silence.

use crate::shadowrun2::condition::{Level, Wounds};
use crate::shadowrun2::melee;
use crate::shadowrun2::range::{RangeCategory, WeaponClass, range_category};
use crate::shadowrun2::ranged::{self, Cover, LASER_SIGHT_REACH_M, Movement, SMARTLINK_MODIFIER};
use crate::shadowrun2::visibility::{Origin, Visibility, Vision};

/// Most words that are read. Ours.
const MAX_WORDS: usize = 60;
/// Characters of a word that is shown again.
const MAX_SHOWN: usize = 30;
/// Phrases that a refusal shows.
const MAX_PHRASES: usize = 30;
/// Rounds of a burst.
const BURST: u32 = 3;

/// Words that are no situation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WordsError {
    /// A word no phrase begins with here.
    #[error("cannot read {word:?} in the situation; give \"parameters\", or use phrases such as {}", phrases.join(", "))]
    Unknown { word: String, phrases: Vec<&'static str> },
    /// No range among them.
    #[error("the situation names no range: short, medium, long or extreme, or a weapon's class and the metres")]
    NoRange,
    /// Too many words.
    #[error("a situation has at most {MAX_WORDS} words")]
    TooLong,
}

/// A phrase, and what it says.
type Phrase<S> = (&'static str, fn(&mut S, Said));

/// The figures within a phrase; 0 and Light where it has none.
#[derive(Clone, Copy)]
struct Said {
    number: u32,
    ordinal: u32,
    level: Level,
}

#[derive(Default)]
struct Shot {
    range: Option<RangeCategory>,
    class: Option<WeaponClass>,
    distance_m: Option<u32>,
    magnification: u32,
    /// Recoil as it was told, and as it follows from shots and bursts.
    recoil: Option<u32>,
    implied_recoil: u32,
    situation: ranged::Situation,
}

impl Shot {
    fn kicks(&mut self, recoil: u32) {
        self.implied_recoil = self.implied_recoil.max(recoil);
    }
}

/// The range and situation of a shot; the words need not name a range that is known.
pub(super) fn ranged(
    text: &str,
    range: Option<RangeCategory>,
) -> Result<(RangeCategory, ranged::Situation), WordsError> {
    let mut shot = Shot { range, ..Shot::default() };
    read(text, &[SHOT, &seen()].concat(), &mut shot)?;
    let by_distance = || range_category(shot.class?, shot.distance_m?, 0).ok();
    let range = shot.range.or_else(by_distance).ok_or(WordsError::NoRange)?;
    let mut situation = shot.situation;
    situation.recoil = shot.recoil.unwrap_or(shot.implied_recoil);
    situation.heavy_weapon = shot.class.is_some_and(|class| class.row().heavy);
    situation.laser_sight &= shot.distance_m.is_none_or(|distance_m| distance_m <= LASER_SIGHT_REACH_M);
    Ok((range.magnified(shot.magnification), situation))
}

/// The situation of the acting side in melee.
pub(super) fn melee(text: &str) -> Result<melee::Situation, WordsError> {
    let mut situation = melee::Situation::default();
    read(text, &[MELEE, &seen()].concat(), &mut situation)?;
    Ok(situation)
}

/// What hampers somebody with a gun and with a blade alike.
trait Acts {
    fn wounds(&mut self) -> &mut Wounds;
    fn vision(&mut self) -> &mut Vision;
    fn sees(&mut self, visibility: Visibility);
}

impl Acts for Shot {
    fn wounds(&mut self) -> &mut Wounds {
        &mut self.situation.wounds
    }

    fn vision(&mut self) -> &mut Vision {
        &mut self.situation.vision
    }

    fn sees(&mut self, visibility: Visibility) {
        self.situation.visibility.push(visibility);
    }
}

impl Acts for melee::Situation {
    fn wounds(&mut self) -> &mut Wounds {
        &mut self.wounds
    }

    fn vision(&mut self) -> &mut Vision {
        &mut self.vision
    }

    fn sees(&mut self, visibility: Visibility) {
        self.visibility.push(visibility);
    }
}

/// Wounds, light and eyes.
fn seen<S: Acts>() -> Vec<Phrase<S>> {
    vec![
        ("% wound", |who, said| who.wounds().physical = Some(said.level)),
        ("% wounded", |who, said| who.wounds().physical = Some(said.level)),
        ("% physical wound", |who, said| who.wounds().physical = Some(said.level)),
        ("% stun", |who, said| who.wounds().stun = Some(said.level)),
        ("% stun wound", |who, said| who.wounds().stun = Some(said.level)),
        ("full darkness", |who, _| who.sees(Visibility::FullDarkness)),
        ("darkness", |who, _| who.sees(Visibility::FullDarkness)),
        ("minimal light", |who, _| who.sees(Visibility::MinimalLight)),
        ("dim light", |who, _| who.sees(Visibility::MinimalLight)),
        ("partial light", |who, _| who.sees(Visibility::PartialLight)),
        ("glare", |who, _| who.sees(Visibility::Glare)),
        ("mist", |who, _| who.sees(Visibility::Mist)),
        ("light smoke", |who, _| who.sees(Visibility::LightSmoke)),
        ("light fog", |who, _| who.sees(Visibility::LightSmoke)),
        ("light rain", |who, _| who.sees(Visibility::LightSmoke)),
        ("heavy smoke", |who, _| who.sees(Visibility::HeavySmoke)),
        ("heavy fog", |who, _| who.sees(Visibility::HeavySmoke)),
        ("heavy rain", |who, _| who.sees(Visibility::HeavySmoke)),
        ("light thermal smoke", |who, _| who.sees(Visibility::LightThermalSmoke)),
        ("heavy thermal smoke", |who, _| who.sees(Visibility::HeavyThermalSmoke)),
        ("natural low light", |who, _| who.vision().low_light = Some(Origin::Natural)),
        ("cyber low light", |who, _| who.vision().low_light = Some(Origin::Cybernetic)),
        ("cybernetic low light", |who, _| who.vision().low_light = Some(Origin::Cybernetic)),
        ("natural thermographic", |who, _| who.vision().thermographic = Some(Origin::Natural)),
        ("cyber thermographic", |who, _| who.vision().thermographic = Some(Origin::Cybernetic)),
        ("cybernetic thermographic", |who, _| who.vision().thermographic = Some(Origin::Cybernetic)),
        // What changes nothing.
        ("no modifiers", |_, _| {}),
        ("no wound", |_, _| {}),
        ("unwounded", |_, _| {}),
        ("normal light", |_, _| {}),
        ("normal vision", |_, _| {}),
        ("normal eyes", |_, _| {}),
        ("vision", |_, _| {}),
        ("eyes", |_, _| {}),
        ("max #", |_, _| {}),
        ("minus #", |_, _| {}),
        ("tn", |_, _| {}),
        ("unconscious", |_, _| {}),
    ]
}

const SHOT: &[Phrase<Shot>] = &[
    ("short", |shot, _| shot.range = Some(RangeCategory::Short)),
    ("medium", |shot, _| shot.range = Some(RangeCategory::Medium)),
    ("long", |shot, _| shot.range = Some(RangeCategory::Long)),
    ("extreme", |shot, _| shot.range = Some(RangeCategory::Extreme)),
    ("# m", |shot, said| shot.distance_m = Some(said.number)),
    ("# metres", |shot, said| shot.distance_m = Some(said.number)),
    ("magnification #", |shot, said| shot.magnification = said.number),
    ("laser sight", |shot, _| shot.situation.laser_sight = true),
    ("laser", |shot, _| shot.situation.laser_sight = true),
    ("laser sight beyond # m", |_, _| {}),
    ("smartgun", |shot, _| shot.situation.smart_weapon = true),
    ("smart weapon", |shot, _| shot.situation.smart_weapon = true),
    ("smart goggles", |shot, _| shot.situation.smart_goggles = true),
    ("smartlink", |shot, _| {
        shot.situation.smartlink = Some(SMARTLINK_MODIFIER);
        shot.situation.smart_weapon = true;
    }),
    ("smartlink minus #", |shot, said| {
        shot.situation.smartlink = Some(-i32::try_from(said.number).unwrap_or_default());
        shot.situation.smart_weapon = true;
    }),
    ("smart goggles without smartgun", |shot, _| shot.situation.smart_goggles = true),
    ("smart goggles no smartgun", |shot, _| shot.situation.smart_goggles = true),
    ("smartlink without smartgun", |shot, _| shot.situation.smartlink = Some(SMARTLINK_MODIFIER)),
    ("smartlink without smart weapon", |shot, _| shot.situation.smartlink = Some(SMARTLINK_MODIFIER)),
    ("smartlink no smartgun", |shot, _| shot.situation.smartlink = Some(SMARTLINK_MODIFIER)),
    ("attacker running", |shot, _| shot.situation.attacker_movement = Some(Movement::Running)),
    ("attacker walking", |shot, _| shot.situation.attacker_movement = Some(Movement::Walking)),
    ("running", |shot, _| shot.situation.attacker_movement = Some(Movement::Running)),
    ("walking", |shot, _| shot.situation.attacker_movement = Some(Movement::Walking)),
    ("target running", |shot, _| shot.situation.target_movement = Some(Movement::Running)),
    ("target walking", |shot, _| shot.situation.target_movement = Some(Movement::Walking)),
    ("target stationary", |shot, _| shot.situation.target_movement = Some(Movement::Stationary)),
    ("opponent running", |shot, _| shot.situation.target_movement = Some(Movement::Running)),
    ("opponent walking", |shot, _| shot.situation.target_movement = Some(Movement::Walking)),
    ("opponent stationary", |shot, _| shot.situation.target_movement = Some(Movement::Stationary)),
    ("running target", |shot, _| shot.situation.target_movement = Some(Movement::Running)),
    ("walking target", |shot, _| shot.situation.target_movement = Some(Movement::Walking)),
    ("stationary target", |shot, _| shot.situation.target_movement = Some(Movement::Stationary)),
    ("difficult ground", |shot, _| shot.situation.rough_ground = true),
    ("rough ground", |shot, _| shot.situation.rough_ground = true),
    ("attacker melee", |shot, _| shot.situation.opponents_in_melee = 1),
    ("attacker melee # opponent", |shot, said| shot.situation.opponents_in_melee = said.number),
    ("# opponent melee", |shot, said| shot.situation.opponents_in_melee = said.number),
    ("# opponent melee attacker", |shot, said| shot.situation.opponents_in_melee = said.number),
    ("# aim action", |shot, said| shot.situation.aim_actions = said.number),
    ("aim #", |shot, said| shot.situation.aim_actions = said.number),
    ("aimed # simple action", |shot, said| shot.situation.aim_actions = said.number),
    ("skill #", |shot, said| shot.situation.skill = Some(said.number)),
    ("max skill #", |_, _| {}),
    ("limit skill #", |_, _| {}),
    ("limit #", |_, _| {}),
    ("max half skill", |_, _| {}),
    ("# uncompensated recoil", |shot, said| shot.recoil = Some(said.number)),
    ("recoil #", |shot, said| shot.recoil = Some(said.number)),
    ("# round fired", |shot, said| shot.recoil = Some(said.number)),
    ("# round full auto", |shot, said| shot.kicks(said.number)),
    ("full auto # round", |shot, said| shot.kicks(said.number)),
    ("full auto", |_, _| {}),
    ("semi auto", |_, _| {}),
    ("semi automatic", |_, _| {}),
    ("#th shot", |shot, said| shot.kicks(u32::from(said.ordinal > 1))),
    ("#th semi auto shot", |shot, said| shot.kicks(u32::from(said.ordinal > 1))),
    ("burst", |shot, _| shot.kicks(BURST)),
    ("burst fire", |shot, _| shot.kicks(BURST)),
    ("# burst", |shot, said| shot.kicks(said.number.saturating_mul(BURST))),
    ("#th burst", |shot, said| shot.kicks(said.ordinal.saturating_mul(BURST))),
    ("# round burst", |shot, said| shot.kicks(said.number)),
    ("#th # round burst", |shot, said| shot.kicks(said.ordinal.saturating_mul(said.number))),
    ("burst # round", |shot, said| shot.kicks(said.number)),
    ("#th burst # round", |shot, said| {
        let before = said.ordinal.saturating_sub(1).saturating_mul(BURST);
        shot.kicks(before.saturating_add(said.number));
    }),
    ("comp #", |shot, said| shot.situation.recoil_compensation = said.number),
    ("compensation #", |shot, said| shot.situation.recoil_compensation = said.number),
    ("gyro #", |shot, said| shot.situation.gyro_stabilisation = said.number),
    ("gyro stabilisation #", |shot, said| shot.situation.gyro_stabilisation = said.number),
    ("gyro stabilization #", |shot, said| shot.situation.gyro_stabilisation = said.number),
    ("#th target", |shot, said| shot.situation.further_targets = said.ordinal.saturating_sub(1)),
    ("target #", |shot, said| shot.situation.further_targets = said.number.saturating_sub(1)),
    ("# further target", |shot, said| shot.situation.further_targets = said.number),
    ("called shot", |shot, _| shot.situation.called_shot = true),
    ("#th firearm", |shot, said| shot.situation.second_firearm = said.ordinal == 2),
    ("#th weapon", |shot, said| shot.situation.second_firearm = said.ordinal == 2),
    ("# firearms", |shot, said| shot.situation.second_firearm = said.number == 2),
    ("# weapons", |shot, said| shot.situation.second_firearm = said.number == 2),
    ("dual wielding", |shot, _| shot.situation.second_firearm = true),
    ("firearms each hand", |shot, _| shot.situation.second_firearm = true),
    ("firearm each hand", |shot, _| shot.situation.second_firearm = true),
    ("cover", |shot, _| shot.situation.cover = Cover::Partial),
    ("target cover", |shot, _| shot.situation.cover = Cover::Partial),
    ("partial cover", |shot, _| shot.situation.cover = Cover::Partial),
    ("target partial cover", |shot, _| shot.situation.cover = Cover::Partial),
    ("blind fire", |shot, _| shot.situation.cover = Cover::Full),
    ("opaque cover", |shot, _| shot.situation.cover = Cover::Full),
    ("full cover", |shot, _| shot.situation.cover = Cover::Full),
    ("invisible", |shot, _| shot.situation.cover = Cover::Full),
    ("invisible target", |shot, _| shot.situation.cover = Cover::Full),
    ("target invisible", |shot, _| shot.situation.cover = Cover::Full),
    ("holdout pistol", |shot, _| shot.class = Some(WeaponClass::HoldOutPistol)),
    ("hold out pistol", |shot, _| shot.class = Some(WeaponClass::HoldOutPistol)),
    ("light pistol", |shot, _| shot.class = Some(WeaponClass::LightPistol)),
    ("heavy pistol", |shot, _| shot.class = Some(WeaponClass::HeavyPistol)),
    ("smg", |shot, _| shot.class = Some(WeaponClass::Smg)),
    ("taser", |shot, _| shot.class = Some(WeaponClass::Taser)),
    ("shotgun", |shot, _| shot.class = Some(WeaponClass::Shotgun)),
    ("sporting rifle", |shot, _| shot.class = Some(WeaponClass::SportingRifle)),
    ("sniper rifle", |shot, _| shot.class = Some(WeaponClass::SniperRifle)),
    ("assault rifle", |shot, _| shot.class = Some(WeaponClass::AssaultRifle)),
    ("lmg", |shot, _| shot.class = Some(WeaponClass::Lmg)),
    ("mmg", |shot, _| shot.class = Some(WeaponClass::Mmg)),
    ("hmg", |shot, _| shot.class = Some(WeaponClass::Hmg)),
    ("assault cannon", |shot, _| shot.class = Some(WeaponClass::AssaultCannon)),
    // What changes nothing, or is said by another phrase.
    ("no compensation", |_, _| {}),
    ("no recoil", |_, _| {}),
    ("heavy weapons double", |_, _| {}),
    ("target movement unknown", |_, _| {}),
    ("target melee", |_, _| {}),
    ("target prone", |_, _| {}),
    ("prone target", |_, _| {}),
    ("target unconscious", |_, _| {}),
    ("unconscious target", |_, _| {}),
    ("target small", |_, _| {}),
    ("small target", |_, _| {}),
    ("target large", |_, _| {}),
    ("large target", |_, _| {}),
    ("smartlink dropped", |_, _| {}),
    ("no smartlink", |_, _| {}),
    ("attacker", |_, _| {}),
    ("phase", |_, _| {}),
    ("# target", |_, _| {}),
    ("range", |_, _| {}),
    ("#", |_, _| {}),
];

const MELEE: &[Phrase<melee::Situation>] = &[
    ("# more friend", |situation, said| situation.friends = said.number),
    ("# more friend than opponent", |situation, said| situation.friends = said.number),
    ("# friend", |situation, said| situation.friends = said.number),
    ("opponent # more friend", |situation, said| situation.opponent_friends = said.number),
    ("opponent # friend", |situation, said| situation.opponent_friends = said.number),
    ("superior position", |situation, _| situation.superior_position = true),
    ("opponent prone", |situation, _| situation.opponent_prone = true),
    ("prone opponent", |situation, _| situation.opponent_prone = true),
    ("target prone", |situation, _| situation.opponent_prone = true),
    ("prone target", |situation, _| situation.opponent_prone = true),
    ("subduing combat", |situation, _| situation.subduing = true),
    ("subduing", |situation, _| situation.subduing = true),
    ("called shot", |situation, _| situation.called_shot = true),
    ("opponent reach #", |situation, said| situation.opponent_reach = said.number),
    ("reach #", |situation, said| situation.reach = said.number),
    ("reach minus #", |situation, said| situation.opponent_reach = said.number),
    ("#th target", |situation, said| situation.further_targets = said.ordinal.saturating_sub(1)),
    ("#th opponent", |situation, said| situation.further_targets = said.ordinal.saturating_sub(1)),
    ("# extra target", |situation, said| situation.further_targets = said.number),
    ("# further target", |situation, said| situation.further_targets = said.number),
    ("# target", |situation, said| situation.further_targets = said.number.saturating_sub(1)),
    ("# extra opponent", |situation, said| situation.further_targets = said.number),
    ("# further opponent", |situation, said| situation.further_targets = said.number),
    // What changes nothing.
    ("equal numbers", |_, _| {}),
    ("attacking", |_, _| {}),
    ("multiple target", |_, _| {}),
    ("multiple opponent", |_, _| {}),
    ("attacker prone", |_, _| {}),
    ("prone attacker", |_, _| {}),
    ("opponent unconscious", |_, _| {}),
    ("unconscious opponent", |_, _| {}),
    ("target unconscious", |_, _| {}),
    ("unconscious target", |_, _| {}),
    ("action", |_, _| {}),
    ("# action", |_, _| {}),
    ("phase", |_, _| {}),
];

enum Word {
    Plain(String),
    Number(u32),
    Ordinal(u32),
}

/// Words that only join others.
const JOINING: &[&str] = &[
    "a", "an", "and", "at", "behind", "by", "from", "has", "have", "his", "in", "is", "of", "on", "only", "same",
    "the", "this", "through", "to", "using", "with",
];
/// Numbers in words, from one.
const NUMBERS: &[&str] = &["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const ORDINALS: &[&str] = &["first", "second", "third", "fourth", "fifth"];
/// Other forms of words in the phrases.
const FORMS: &[(&str, &str)] = &[
    ("actions", "action"),
    ("bursts", "burst"),
    ("friends", "friend"),
    ("opponents", "opponent"),
    ("defender", "opponent"),
    ("rounds", "round"),
    ("targets", "target"),
    ("wounds", "wound"),
    ("lightly", "light"),
    ("moderately", "moderate"),
    ("seriously", "serious"),
    ("pistols", "firearms"),
    ("guns", "firearms"),
    ("meters", "metres"),
];

fn read<S>(text: &str, phrases: &[Phrase<S>], situation: &mut S) -> Result<(), WordsError> {
    let words = words(text)?;
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        let matching = |(phrase, say): &Phrase<S>| matched(phrase, rest).map(|(length, said)| (length, said, *say));
        let longest = phrases.iter().filter_map(matching).max_by_key(|(length, ..)| *length);
        let Some((length, said, say)) = longest else {
            let word = match first {
                Word::Plain(word) => word.chars().take(MAX_SHOWN).collect(),
                Word::Number(number) => number.to_string(),
                Word::Ordinal(number) => format!("{number}th"),
            };
            let phrases = phrases.iter().map(|(phrase, _)| *phrase).take(MAX_PHRASES).collect();
            return Err(WordsError::Unknown { word, phrases });
        };
        say(situation, said);
        rest = &rest[length..];
    }
    Ok(())
}

/// How many words the phrase takes, and its last figures; `None` if it does not fit.
fn matched(phrase: &str, words: &[Word]) -> Option<(usize, Said)> {
    let mut said = Said { number: 0, ordinal: 0, level: Level::Light };
    let mut length = 0;
    for part in phrase.split(' ') {
        match (part, words.get(length)?) {
            ("#", Word::Number(given)) => said.number = *given,
            ("#th", Word::Ordinal(given)) => said.ordinal = *given,
            ("%", Word::Plain(word)) => said.level = Level::ALL.into_iter().find(|level| level.word() == word)?,
            (part, Word::Plain(word)) if part == word => {}
            _ => return None,
        }
        length += 1;
    }
    Some((length, said))
}

fn words(text: &str) -> Result<Vec<Word>, WordsError> {
    let mut words = Vec::new();
    for part in text.split(['(', ')']) {
        // What a figure in brackets adds is known: "short (4)", "laser (-1)".
        let is_figure = part.trim().trim_start_matches(['+', '-']).chars().all(|c| c.is_ascii_digit());
        if is_figure {
            continue;
        }
        for piece in part.split(|c: char| !c.is_alphanumeric() && c != '-') {
            // A figure below 0; other hyphens only join the parts of a word.
            if piece.strip_prefix('-').is_some_and(|figure| figure.parse::<u32>().is_ok()) {
                words.push(Word::Plain("minus".to_owned()));
            }
            words.extend(piece.split('-').filter(|word| !word.is_empty()).filter_map(to_word));
            if words.len() > MAX_WORDS {
                return Err(WordsError::TooLong);
            }
        }
    }
    Ok(words)
}

/// The word in the form that phrases have; `None` if it only joins others.
fn to_word(word: &str) -> Option<Word> {
    let word = word.to_lowercase();
    let place = |names: &[&str]| names.iter().position(|name| *name == word).map(|at| at as u32 + 1);
    if let Some(number) = word.parse().ok().or_else(|| place(NUMBERS)) {
        return Some(Word::Number(number));
    }
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|suffix| word.strip_suffix(suffix));
    if let Some(ordinal) = digits.and_then(|digits| digits.parse().ok()).or_else(|| place(ORDINALS)) {
        return Some(Word::Ordinal(ordinal));
    }
    if JOINING.contains(&word.as_str()) {
        return None;
    }
    let form = FORMS.iter().find(|(other, _)| *other == word).map(|(_, form)| (*form).to_owned());
    Some(Word::Plain(form.unwrap_or(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_table_are_read() {
        let (range, situation) =
            ranged("Long range; heavy smoke, natural low-light, 2nd target, comp 2", None).unwrap();
        assert_eq!(range, RangeCategory::Long);
        assert_eq!(situation.visibility, [Visibility::HeavySmoke]);
        assert_eq!(situation.vision.low_light, Some(Origin::Natural));
        assert_eq!((situation.further_targets, situation.recoil_compensation), (1, 2));
    }

    #[test]
    fn a_word_that_means_nothing_here_is_refused() {
        let refusal = ranged("short, with a banana", None).err().unwrap().to_string();
        assert!(refusal.starts_with("cannot read \"banana\" in the situation"), "{refusal}");
        assert_eq!(ranged("laser", None).err(), Some(WordsError::NoRange));
        assert_eq!(melee(&"max 4 ".repeat(40)).err(), Some(WordsError::TooLong));
    }

    #[test]
    fn figures_without_measure_are_read() {
        for text in ["short, 4294967295th burst of 4294967295 rounds", "short, smartlink -4294967295, comp 4294967295"]
        {
            assert!(ranged(text, None).is_ok(), "{text}");
        }
    }

    #[test]
    fn words_of_many_kinds_are_read() {
        let target = |text: &str| {
            let (range, situation) = ranged(text, None).unwrap_or_else(|error| panic!("{text}: {error}"));
            ranged::ranged_target_number(range, &situation).map_or(0, |target| target.target_number)
        };
        for (text, expected) in [
            ("short, second firearm", 6),
            ("short, two weapons", 6),
            ("short, attacker in melee with 2 opponents", 8),
            ("short, target behind partial cover", 8),
            ("short, blind fire through opaque cover", 12),
            ("long, laser sight beyond 50 m", 6),
            ("medium, laser sight at 60 m", 5),
            ("short, laser sight in mist", 6),
            ("short, smartlink and smart weapon", 2),
            ("short, smartlink without smartgun", 4),
            (
                "heavy pistol at 18 m, smartlink -2, partial light with normal eyes, attacker walking +1, stationary target",
                5,
            ),
            ("short, second semi-auto shot this phase", 5),
            ("short, burst, no compensation", 7),
            ("short, 2nd burst of 3 rounds, comp 3", 7),
            ("shotgun, short, one burst, compensation 1", 8),
            ("short, full auto 6 rounds, comp 2", 8),
            ("LMG, short (4), laser (-1): burst of 3 rounds at target one (3 rounds fired, comp 3)", 3),
            ("short, gyro 5, running, recoil 3", 6),
            ("called shot at medium range", 9),
            ("short, moderate wound and light stun", 7),
            ("short, deadly wound", 0),
            ("extreme range, magnification 2", 5),
            ("long, aim 2, skill 6", 4),
            ("extreme, 5 aim actions, skill 6 (max skill/2)", 6),
            ("short, attacker in melee with one opponent", 6),
            ("long, smartlink 3 (TN -3)", 4),
            ("long, smartlink -3", 3),
            ("short, 3-round burst, comp 1", 6),
            ("short, third target this phase", 8),
            ("short, dual wielding, smartlink dropped", 6),
            ("short, target prone and unconscious, small target", 4),
        ] {
            assert_eq!(target(text), expected, "{text}");
        }
        let target = |text: &str| {
            let situation = melee(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            melee::melee_target_number(&situation).map_or(0, |target| target.target_number)
        };
        for (text, expected) in [
            ("opponent has 1 more friend", 5),
            ("2 friends", 2),
            ("opponent has reach +1", 5),
            ("reach -1", 5),
            ("reach +2", 2),
            ("attacker prone, opponent unconscious", 4),
            ("third opponent this action", 8),
            ("attacking 2 targets in one action", 6),
            ("multiple targets: second target", 6),
            ("defender prone", 2),
            ("1 extra target", 6),
            ("partial light, natural low-light", 4),
            ("heavy smoke, serious wound", 10),
            ("equal numbers", 4),
        ] {
            assert_eq!(target(text), expected, "{text}");
        }
    }
}
