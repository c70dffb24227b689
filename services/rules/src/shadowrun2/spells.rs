//! The spell directory.
//!
//! The table itself is in `directory`; here is what its columns mean, and how a spell is found by name.
//!
//! Source: *Shadowrun, Second Edition*, "Spell Directory".

mod directory;

use std::fmt;

use serde::Serialize;

use super::condition::Level;
use super::magic::DrainFormula;
use crate::UnknownName;
use crate::names::same_name;

pub use directory::{HOUSE_SPELLS, SPELLS};

/// The families of spells, by which totems and foci favour them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpellCategory {
    /// Harm.
    Combat,
    /// Senses.
    Detection,
    /// The body.
    Health,
    /// Deceit.
    Illusion,
    /// Control and change.
    Manipulation,
}

impl SpellCategory {
    /// Every family.
    pub const ALL: [SpellCategory; 5] = [
        SpellCategory::Combat,
        SpellCategory::Detection,
        SpellCategory::Health,
        SpellCategory::Illusion,
        SpellCategory::Manipulation,
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            SpellCategory::Combat => "combat",
            SpellCategory::Detection => "detection",
            SpellCategory::Health => "health",
            SpellCategory::Illusion => "illusion",
            SpellCategory::Manipulation => "manipulation",
        }
    }

    /// The family of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownName`], with the families that exist.
    pub fn parse(word: &str) -> Result<Self, UnknownName> {
        let found = SpellCategory::ALL.into_iter().find(|category| same_name(category.word(), word));
        found.ok_or_else(|| UnknownName::new("spell category", word, SpellCategory::ALL.map(SpellCategory::word)))
    }
}

/// What a spell works on: the body of things, or the aura of the living.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpellType {
    /// Physical, P: Body resists.
    Physical,
    /// Mana, M: Willpower resists.
    Mana,
}

impl SpellType {
    /// The letter of the directory.
    pub fn letter(self) -> char {
        match self {
            SpellType::Physical => 'P',
            SpellType::Mana => 'M',
        }
    }
}

/// How long a spell lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Duration {
    /// I.
    Instant,
    /// S: while it is held.
    Sustained,
    /// P: for good, once it has been held for its time.
    Permanent,
}

impl Duration {
    /// The letter of the directory.
    pub fn letter(self) -> char {
        match self {
            Duration::Instant => 'I',
            Duration::Sustained => 'S',
            Duration::Permanent => 'P',
        }
    }
}

/// How far a spell reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// As far as the caster sees.
    LineOfSight,
    /// The caster touches the target.
    Touch,
    /// Limited by Force and Magic.
    Limited,
    /// The caster alone.
    Caster,
}

/// What the success test must reach, before modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpellTarget {
    /// The target's Body.
    Body,
    /// The target's Willpower.
    Willpower,
    /// The target's Intelligence.
    Intelligence,
    /// A figure.
    Fixed(u32),
    /// The table of object resistance.
    Object,
    /// Less the target's Essence; a fraction is rounded up.
    LessEssence(u32),
    /// Twice the rating of the Attribute the spell is for.
    TwiceAttribute,
    /// Twice the target's Reaction.
    TwiceReaction,
    /// The toxin's strength or the disease's virulence.
    Affliction,
    /// By the light: 2 in the dark to 6 in the sun.
    Light,
}

/// What is known of the one a spell is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TargetFigures {
    /// Body.
    pub body: Option<u32>,
    /// Willpower.
    pub willpower: Option<u32>,
    /// Intelligence.
    pub intelligence: Option<u32>,
    /// Reaction.
    pub reaction: Option<u32>,
    /// Essence, with its fraction.
    pub essence: Option<f64>,
    /// The Attribute the spell is for.
    pub attribute: Option<u32>,
    /// A figure of the object table, of an affliction, or of the light.
    pub other: Option<u32>,
}

/// A figure without which a spell has no target number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the target number needs {0}")]
pub struct MissingFigure(pub &'static str);

impl SpellTarget {
    /// What the figure is.
    pub fn explanation(self) -> &'static str {
        match self {
            SpellTarget::Body => "the target's Body",
            SpellTarget::Willpower => "the target's Willpower",
            SpellTarget::Intelligence => "the target's Intelligence",
            SpellTarget::Fixed(_) => "the spell's own target number",
            SpellTarget::Object => "the object resistance table: 3, 5, 8 or 10",
            SpellTarget::LessEssence(8) => "8 less the target's Essence",
            SpellTarget::LessEssence(_) => "10 less the target's Essence",
            SpellTarget::TwiceAttribute => "twice the Attribute's rating",
            SpellTarget::TwiceReaction => "twice the target's Reaction",
            SpellTarget::Affliction => "the strength of the toxin or disease",
            SpellTarget::Light => "the light: 2 to 6",
        }
    }

    /// The figure for this target.
    ///
    /// # Errors
    ///
    /// [`MissingFigure`] if it depends on something that is not known.
    pub fn figure(self, target: &TargetFigures) -> Result<u32, MissingFigure> {
        let figure = match self {
            SpellTarget::Body => target.body,
            SpellTarget::Willpower => target.willpower,
            SpellTarget::Intelligence => target.intelligence,
            SpellTarget::Fixed(figure) => Some(figure),
            SpellTarget::LessEssence(from) => target.essence.map(|essence| less_essence(from, essence)),
            SpellTarget::TwiceAttribute => target.attribute.map(|rating| rating.saturating_mul(2)),
            SpellTarget::TwiceReaction => target.reaction.map(|rating| rating.saturating_mul(2)),
            SpellTarget::Object | SpellTarget::Affliction | SpellTarget::Light => target.other,
        };
        figure.ok_or(MissingFigure(self.explanation()))
    }
}

/// A figure less Essence, a fraction rounded up; a die shows whole numbers.
pub fn less_essence(from: u32, essence: f64) -> u32 {
    (f64::from(from) - essence).ceil().clamp(0.0, f64::from(from)) as u32
}

/// Which level the drain has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrainLevel {
    /// Always this.
    Fixed(Level),
    /// That of the toxin or disease, or one step for each point gained or lost, beginning with the first.
    Graded(&'static [Level]),
    /// That of the wound.
    Wound,
}

/// What a spell changes on its target's sheet while it is sustained; how much is in its grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// The Attribute in its name rises.
    RaisesAttribute,
    /// The Attribute in its name falls.
    LowersAttribute,
    /// Reaction rises.
    RaisesReaction,
    /// Initiative has more dice.
    AddsInitiativeDice,
}

/// A figure of a sheet that a spell changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The rating of this Attribute.
    Attribute(&'static str),
    /// Dice rolled for initiative.
    InitiativeDice,
}

/// What a sustained spell does to a figure of its target's sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SustainedEffect {
    /// What changes.
    pub figure: Figure,
    /// By how much; negative if it is lowered.
    pub change: i32,
}

/// A spell of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// Its name.
    pub name: &'static str,
    /// Its family.
    pub category: SpellCategory,
    /// Physical or mana.
    pub spell_type: SpellType,
    /// How long it lasts.
    pub duration: Duration,
    /// Added to half the Force in its drain.
    pub drain_modifier: i32,
    /// The level of its drain.
    pub drain_level: DrainLevel,
    /// How far it reaches.
    pub reach: Reach,
    /// What its success test must reach.
    pub target: SpellTarget,
    /// Whether the target resists.
    pub resisted: bool,
    /// Whether it fills an area, Magic metres across its radius.
    pub area: bool,
    /// Base level of the wound it causes, and whether that is Stun.
    pub damage: Option<(Level, bool)>,
    /// What it changes on a sheet, of the spells whose figure the book gives.
    pub changes: Option<Changes>,
}

impl Spell {
    /// Whether it is a damaging manipulation: (Force)M, resisted as a blow is, against half the impact armor.
    pub fn is_damaging_manipulation(&self) -> bool {
        self.category == SpellCategory::Manipulation && self.damage.is_some()
    }

    /// Whether it is one of the house, not of the book.
    pub fn is_of_the_house(&self) -> bool {
        HOUSE_SPELLS.iter().any(|spell| spell.name == self.name)
    }
}

/// The level of a drain is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GradeError {
    /// No grade was given.
    #[error("{spell} drains by {what}: say which, such as {example}")]
    Missing {
        /// The spell.
        spell: &'static str,
        /// What sets the grade.
        what: &'static str,
        /// How to say it.
        example: &'static str,
    },
    /// A grade it does not have.
    #[error("{spell} has no grade {grade}: allowed are 1 to {most}")]
    TooHigh {
        /// The spell.
        spell: &'static str,
        /// The grade asked for.
        grade: u32,
        /// The highest it has.
        most: usize,
    },
}

impl Spell {
    /// Its drain. `grade` counts from 1: points gained or lost, or the level (1 light to 4 deadly) of the toxin,
    /// disease or wound.
    ///
    /// # Errors
    ///
    /// [`GradeError`] if the level depends on a grade that is not given, or does not exist.
    pub fn drain(&self, grade: Option<u32>) -> Result<DrainFormula, GradeError> {
        let levels: &[Level] = match &self.drain_level {
            DrainLevel::Fixed(level) => return Ok(DrainFormula { modifier: self.drain_modifier, level: *level }),
            DrainLevel::Graded(levels) => levels,
            DrainLevel::Wound => &Level::ALL,
        };
        let Some(grade) = grade else {
            let (what, example) = match self.drain_level {
                DrainLevel::Wound => ("the wound", "Heal Serious Wound"),
                _ if self.target == SpellTarget::Affliction => ("the toxin or disease", "Antidote Moderate Toxin"),
                _ => ("the points", "Increase Reflexes +2"),
            };
            return Err(GradeError::Missing { spell: self.name, what, example });
        };
        let level = (grade as usize).checked_sub(1).and_then(|index| levels.get(index));
        match level {
            Some(level) => Ok(DrainFormula { modifier: self.drain_modifier, level: *level }),
            None => Err(GradeError::TooHigh { spell: self.name, grade, most: levels.len() }),
        }
    }

    /// The drain as the directory writes it: `(F/2)S`, `[(F/2)+1]L..D`, `(F/2)(wound)`.
    pub fn drain_text(&self) -> String {
        struct Power(i32);
        impl fmt::Display for Power {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.0 == 0 { f.write_str("(F/2)") } else { write!(f, "[(F/2){:+}]", self.0) }
            }
        }
        let power = Power(self.drain_modifier);
        match self.drain_level {
            DrainLevel::Fixed(level) => format!("{power}{}", level.letter()),
            DrainLevel::Graded([first, .., last]) => format!("{power}{}..{}", first.letter(), last.letter()),
            DrainLevel::Graded(levels) => {
                format!("{power}{}", levels.iter().map(|level| level.letter()).collect::<String>())
            }
            DrainLevel::Wound => format!("{power}(wound)"),
        }
    }
}

/// A spell found by a name that may carry a grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSpell {
    /// The spell of the directory.
    pub spell: &'static Spell,
    /// The grade in the name: `+2`, `Serious`.
    pub grade: Option<u32>,
    /// What the name says in place of "Attribute", such as `Body` in Increase Body +2.
    pub attribute: Option<&'static str>,
}

impl FoundSpell {
    /// What it does to its target's sheet while it is sustained; none where the book gives no figure, or the name says
    /// neither Attribute nor grade.
    pub fn sustained_effect(&self) -> Option<SustainedEffect> {
        let points = i32::try_from(self.grade?).ok()?;
        let (figure, change) = match self.spell.changes? {
            Changes::RaisesAttribute => (Figure::Attribute(self.attribute?), points),
            Changes::LowersAttribute => (Figure::Attribute(self.attribute?), -points),
            Changes::RaisesReaction => (Figure::Attribute("Reaction"), points),
            Changes::AddsInitiativeDice => (Figure::InitiativeDice, points),
        };
        Some(SustainedEffect { figure, change })
    }
}

/// Attributes a spell may raise or lower.
const ATTRIBUTES: &[&str] = &["Body", "Quickness", "Strength", "Charisma", "Intelligence", "Willpower", "Reaction"];

/// Names people use for spells of the directory: (other, directory).
const OTHER_NAMES: &[(&str, &str)] = &[
    ("Levitate", "Levitate Person"),
    ("Antidote", "Antidote Toxin"),
    ("Cure", "Cure Disease"),
    ("Heal Wound", "Heal"),
    ("Heal Wounds", "Heal"),
    ("Treat Wound", "Treat"),
    ("Treat Wounds", "Treat"),
    ("Detox Toxin", "Detox"),
    ("Detect Object", "Detect (Object)"),
    ("Detect Life Form", "Detect (Life Form)"),
];

/// The spell of this name. `Increase Body +2`, `Antidote Moderate Toxin`, `Heal Serious Wound` are understood.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names of the directory.
pub fn find_spell(name: &str) -> Result<FoundSpell, UnknownName> {
    let unknown = || UnknownName::new("spell", name, SPELLS.iter().map(|spell| spell.name));
    if name.chars().count() > MAX_NAME {
        return Err(unknown());
    }
    if let Some(spell) = find_exact(name) {
        return Ok(FoundSpell { spell, grade: None, attribute: None });
    }
    let mut grade = None;
    let mut attribute = None;
    let mut words = Vec::new();
    for word in name.split_whitespace() {
        let points = word.strip_prefix(['+', '-']).and_then(|points| points.parse().ok());
        let level = Level::ALL.into_iter().find(|level| word.eq_ignore_ascii_case(level.word()));
        let named = ATTRIBUTES.iter().find(|attribute| word.eq_ignore_ascii_case(attribute));
        if let Some(points) = points {
            grade = Some(points);
        } else if let Some(level) = level {
            grade = Some(level as u32 + 1);
        } else if let Some(named) = named {
            attribute = Some(*named);
            words.push("Attribute");
        } else {
            words.push(word);
        }
    }
    let mut base = words.join(" ");
    if attribute == Some("Reaction") && same_name(&base, "Increase Attribute") {
        base = "Increase Reaction".to_owned();
    }
    let spell = find_exact(&base).ok_or_else(unknown)?;
    Ok(FoundSpell { spell, grade, attribute })
}

/// Longest name that is taken apart. Ours.
const MAX_NAME: usize = 100;

fn find_exact(name: &str) -> Option<&'static Spell> {
    let other = OTHER_NAMES.iter().find(|(other, _)| same_name(other, name)).map_or(name, |(_, directory)| directory);
    SPELLS.iter().chain(HOUSE_SPELLS).find(|spell| same_name(spell.name, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, spell: &str, drain: &str) {
        let found = find_spell(name).unwrap();
        assert_eq!(found.spell.name, spell);
        assert_eq!(found.spell.drain(found.grade).unwrap().to_string(), drain, "{name}");
    }

    #[test]
    fn a_name_may_carry_its_grade() {
        check("manabolt", "Mana Bolt", "(F/2)S");
        check("Antidote Moderate Toxin", "Antidote Toxin", "(F/2)M");
        check("Increase Reflexes +3", "Increase Reflexes", "(F/2)D");
        check("Increase Body +2", "Increase Attribute", "[(F/2)+1]M");
        check("Decrease Willpower -4", "Decrease Attribute", "[(F/2)+1]D");
        check("Increase Reaction +1", "Increase Reaction", "[(F/2)+1]M");
        check("Heal Serious Wounds", "Heal", "(F/2)S");
        check("Levitate", "Levitate Person", "[(F/2)+1]M");
    }

    #[test]
    fn a_spell_that_changes_a_sheet_says_which_figure_and_by_how_much() {
        let effect = |name| {
            find_spell(name).unwrap().sustained_effect().map(|SustainedEffect { figure, change }| (figure, change))
        };
        assert_eq!(effect("Increase Body +2"), Some((Figure::Attribute("Body"), 2)));
        assert_eq!(effect("Increase Cybered Strength +4"), Some((Figure::Attribute("Strength"), 4)));
        assert_eq!(effect("Decrease Willpower -3"), Some((Figure::Attribute("Willpower"), -3)));
        assert_eq!(effect("Increase Reaction +1"), Some((Figure::Attribute("Reaction"), 1)));
        assert_eq!(effect("Increase Reflexes +3"), Some((Figure::InitiativeDice, 3)));
        for without in ["Increase Attribute +2", "Increase Body", "Armor", "Mana Bolt"] {
            assert_eq!(effect(without), None, "{without}");
        }
    }

    #[test]
    fn a_grade_that_is_missing_or_too_high_is_told() {
        let heal = find_spell("Heal").unwrap().spell;
        assert_eq!(
            heal.drain(None).unwrap_err().to_string(),
            "Heal drains by the wound: say which, such as Heal Serious Wound"
        );
        let reflexes = find_spell("Increase Reflexes").unwrap().spell;
        let refusal = reflexes.drain(Some(4)).unwrap_err().to_string();
        assert_eq!(refusal, "Increase Reflexes has no grade 4: allowed are 1 to 3");
        assert!(reflexes.drain(Some(0)).is_err());
    }

    #[test]
    fn an_unknown_spell_is_told_the_nearest() {
        assert_eq!(find_spell("Mana Blot").unwrap_err().nearest[0], "Mana Bolt");
    }

    #[test]
    fn no_two_spells_share_a_name() {
        for spell in SPELLS {
            assert_eq!(find_exact(spell.name), Some(spell));
        }
    }

    #[test]
    fn the_directory_writes_every_kind_of_drain() {
        let text = |name| find_spell(name).unwrap().spell.drain_text();
        assert_eq!(text("Hellblast"), "[(F/2)+6]D");
        assert_eq!(text("Detox"), "[(F/2)-2]L..D");
        assert_eq!(text("Treat"), "(F/2)(wound)");
    }

    #[test]
    fn a_fraction_of_essence_makes_it_harder() {
        assert_eq!(less_essence(10, 2.55), 8);
        assert_eq!(less_essence(8, 6.0), 2);
        assert_eq!(less_essence(10, f64::NAN), 0);
    }

    #[test]
    fn a_missing_figure_is_named() {
        let refusal = SpellTarget::Willpower.figure(&TargetFigures::default()).unwrap_err();
        assert_eq!(refusal.to_string(), "the target number needs the target's Willpower");
    }
}
