//! The table of the spell directory.
//!
//! Detect (Object) and Detect (Life Form) drain differently in a second source; the table keeps one reading and is to
//! be corrected here.

use super::DrainLevel::{Fixed, Graded};
use super::SpellCategory::{self, Combat, Detection, Health, Illusion, Manipulation};
use super::SpellType::{self, Mana, Physical};
use super::{Changes, DrainLevel, Duration, Level, Reach, Spell, SpellTarget};
use Level::{Deadly as D, Light as L, Moderate as M, Serious as S};

const LIGHT_TO_DEADLY: DrainLevel = Graded(&[L, M, S, D]);
const MODERATE_TO_DEADLY: DrainLevel = Graded(&[M, S, D]);

/// A combat spell: instant, in sight, resisted by Body (physical) or Willpower (mana).
const fn combat(name: &'static str, spell_type: SpellType, drain: (i32, Level), wound: Level) -> Spell {
    Spell {
        name,
        category: Combat,
        spell_type,
        duration: Duration::Instant,
        drain_modifier: drain.0,
        drain_level: Fixed(drain.1),
        reach: Reach::LineOfSight,
        target: match spell_type {
            Physical => SpellTarget::Body,
            Mana => SpellTarget::Willpower,
        },
        resisted: true,
        area: false,
        damage: Some((wound, false)),
        changes: None,
    }
}

/// A sustained spell that is not resisted.
const fn sustained(
    name: &'static str,
    category: SpellCategory,
    spell_type: SpellType,
    drain: (i32, DrainLevel),
    reach: Reach,
    target: SpellTarget,
) -> Spell {
    Spell {
        name,
        category,
        spell_type,
        duration: Duration::Sustained,
        drain_modifier: drain.0,
        drain_level: drain.1,
        reach,
        target,
        resisted: false,
        area: false,
        damage: None,
        changes: None,
    }
}

const fn area(spell: Spell) -> Spell {
    Spell { area: true, ..spell }
}

const fn resisted(spell: Spell) -> Spell {
    Spell { resisted: true, ..spell }
}

const fn changing(spell: Spell, changes: Changes) -> Spell {
    Spell { changes: Some(changes), ..spell }
}

const fn lasting(spell: Spell, duration: Duration) -> Spell {
    Spell { duration, ..spell }
}

/// A detection spell: sustained, limited reach.
const fn detection(name: &'static str, spell_type: SpellType, drain: (i32, Level), target: SpellTarget) -> Spell {
    sustained(name, Detection, spell_type, (drain.0, Fixed(drain.1)), Reach::Limited, target)
}

/// A health spell: by touch.
const fn health(
    name: &'static str,
    spell_type: SpellType,
    duration: Duration,
    drain: (i32, DrainLevel),
    target: SpellTarget,
) -> Spell {
    lasting(sustained(name, Health, spell_type, drain, Reach::Touch, target), duration)
}

/// An illusion or manipulation in sight.
const fn seen(
    name: &'static str,
    category: SpellCategory,
    spell_type: SpellType,
    drain: (i32, Level),
    target: SpellTarget,
) -> Spell {
    sustained(name, category, spell_type, (drain.0, Fixed(drain.1)), Reach::LineOfSight, target)
}

/// A damaging manipulation: instant, (Force)M against half the impact armor.
const fn damaging(name: &'static str, drain: (i32, Level)) -> Spell {
    let spell = lasting(seen(name, Manipulation, Physical, drain, SpellTarget::Fixed(4)), Duration::Instant);
    Spell { damage: Some((M, false)), ..spell }
}

const fn at_reach(spell: Spell, reach: Reach) -> Spell {
    Spell { reach, ..spell }
}

/// Every spell, by family.
pub const SPELLS: &[Spell] = &[
    area(combat("Fireball", Physical, (3, D), S)),
    area(combat("Hellblast", Physical, (6, D), D)),
    combat("Mana Bolt", Mana, (0, S), S),
    combat("Mana Dart", Mana, (0, L), L),
    combat("Mana Missile", Mana, (0, M), M),
    area(combat("Manaball", Mana, (0, S), M)),
    combat("Power Bolt", Physical, (1, S), S),
    combat("Power Dart", Physical, (1, L), L),
    combat("Power Missile", Physical, (1, M), M),
    area(combat("Powerball", Physical, (1, S), M)),
    Spell { target: SpellTarget::Object, resisted: false, ..combat("Ram", Physical, (1, S), S) },
    Spell { damage: Some((M, true)), ..area(combat("Sleep", Mana, (-1, S), M)) },
    // Detection.
    detection("Analyze Device", Physical, (1, M), SpellTarget::Object),
    resisted(detection("Analyze Truth", Mana, (0, S), SpellTarget::Willpower)),
    detection("Clairaudience", Mana, (0, M), SpellTarget::Fixed(4)),
    detection("Clairvoyance", Mana, (0, M), SpellTarget::Fixed(4)),
    detection("Combat Sense", Physical, (1, S), SpellTarget::Fixed(4)),
    at_reach(detection("Personal Combat Sense", Physical, (1, M), SpellTarget::Fixed(4)), Reach::Caster),
    area(detection("Detect Enemies", Mana, (1, M), SpellTarget::Fixed(4))),
    area(detection("Detect Individual", Mana, (0, L), SpellTarget::LessEssence(10))),
    area(detection("Detect Life", Mana, (0, L), SpellTarget::Fixed(4))),
    area(detection("Detect (Life Form)", Mana, (1, L), SpellTarget::Fixed(4))),
    area(detection("Detect (Object)", Physical, (1, M), SpellTarget::Fixed(4))),
    resisted(at_reach(detection("Mind Probe", Mana, (2, D), SpellTarget::Fixed(4)), Reach::Touch)),
    // Health.
    health("Antidote Toxin", Physical, Duration::Permanent, (0, LIGHT_TO_DEADLY), SpellTarget::Affliction),
    health("Cure Disease", Physical, Duration::Permanent, (0, LIGHT_TO_DEADLY), SpellTarget::Affliction),
    health("Detox", Physical, Duration::Permanent, (-2, LIGHT_TO_DEADLY), SpellTarget::Affliction),
    health("Treat", Mana, Duration::Permanent, (0, DrainLevel::Wound), SpellTarget::LessEssence(8)),
    health("Heal", Mana, Duration::Permanent, (0, DrainLevel::Wound), SpellTarget::LessEssence(10)),
    changing(
        resisted(health(
            "Decrease Attribute",
            Physical,
            Duration::Sustained,
            (1, LIGHT_TO_DEADLY),
            SpellTarget::LessEssence(10),
        )),
        Changes::LowersAttribute,
    ),
    changing(
        health("Increase Attribute", Mana, Duration::Sustained, (1, LIGHT_TO_DEADLY), SpellTarget::TwiceAttribute),
        Changes::RaisesAttribute,
    ),
    changing(
        health("Increase Reaction", Mana, Duration::Sustained, (1, MODERATE_TO_DEADLY), SpellTarget::TwiceReaction),
        Changes::RaisesReaction,
    ),
    changing(
        health(
            "Increase Cybered Attribute",
            Physical,
            Duration::Sustained,
            (3, LIGHT_TO_DEADLY),
            SpellTarget::TwiceAttribute,
        ),
        Changes::RaisesAttribute,
    ),
    changing(
        health("Increase Reflexes", Mana, Duration::Sustained, (0, MODERATE_TO_DEADLY), SpellTarget::TwiceReaction),
        Changes::AddsInitiativeDice,
    ),
    // Illusion.
    resisted(seen("Chaos", Illusion, Physical, (2, M), SpellTarget::Intelligence)),
    area(resisted(seen("Chaotic World", Illusion, Physical, (2, S), SpellTarget::Intelligence))),
    area(resisted(seen("Confusion", Illusion, Mana, (0, S), SpellTarget::Willpower))),
    area(seen("Entertainment", Illusion, Mana, (1, L), SpellTarget::Fixed(4))),
    at_reach(seen("Invisibility", Illusion, Mana, (0, M), SpellTarget::Fixed(4)), Reach::Touch),
    at_reach(seen("Improved Invisibility", Illusion, Physical, (1, M), SpellTarget::Fixed(4)), Reach::Touch),
    at_reach(seen("Mask", Illusion, Mana, (0, L), SpellTarget::Fixed(4)), Reach::Touch),
    seen("Stimulation", Illusion, Mana, (1, L), SpellTarget::Fixed(4)),
    area(resisted(seen("Stink", Illusion, Mana, (1, S), SpellTarget::Willpower))),
    // Manipulation.
    resisted(seen("Control Actions", Manipulation, Mana, (2, S), SpellTarget::Willpower)),
    resisted(seen("Control Emotion", Manipulation, Mana, (2, M), SpellTarget::Willpower)),
    resisted(at_reach(seen("Control Thoughts", Manipulation, Mana, (2, D), SpellTarget::Willpower), Reach::Limited)),
    at_reach(seen("Hibernate", Manipulation, Physical, (0, S), SpellTarget::Fixed(4)), Reach::Touch),
    seen("Levitate Item", Manipulation, Physical, (1, L), SpellTarget::Fixed(4)),
    seen("Levitate Person", Manipulation, Physical, (1, M), SpellTarget::Fixed(4)),
    seen("Magic Fingers", Manipulation, Physical, (2, M), SpellTarget::Fixed(6)),
    area(resisted(seen("Poltergeist", Manipulation, Physical, (1, S), SpellTarget::Fixed(4)))),
    at_reach(seen("Armor", Manipulation, Physical, (2, M), SpellTarget::Fixed(4)), Reach::Limited),
    at_reach(seen("Barrier", Manipulation, Physical, (2, S), SpellTarget::Fixed(6)), Reach::Limited),
    at_reach(seen("Mana Barrier", Manipulation, Mana, (1, S), SpellTarget::Fixed(6)), Reach::Limited),
    lasting(seen("Ignite", Manipulation, Physical, (2, D), SpellTarget::Fixed(4)), Duration::Permanent),
    area(seen("Light", Manipulation, Physical, (2, M), SpellTarget::Fixed(4))),
    area(seen("Shadow", Manipulation, Physical, (2, M), SpellTarget::Light)),
    damaging("Flamethrower", (1, S)),
    area(damaging("Flame Bomb", (1, D))),
    damaging("Spark", (1, M)),
    lasting(seen("Ice Sheet", Manipulation, Physical, (1, S), SpellTarget::Fixed(4)), Duration::Instant),
];

/// Spells of the house, which a table must switch on. Their drain and duration are given; category, type, reach and
/// target number are ours (unverified).
pub const HOUSE_SPELLS: &[Spell] = &[
    Spell {
        resisted: true,
        ..sustained("Stop Regeneration", Health, Mana, (1, Fixed(M)), Reach::Touch, SpellTarget::Body)
    },
    sustained("Recharge", Manipulation, Physical, (1, Fixed(M)), Reach::Touch, SpellTarget::Fixed(4)),
];
