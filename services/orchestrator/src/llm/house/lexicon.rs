//! The words the house game master knows, as tables: weapons, spells, skills, verbs, light, places on a sheet.
//!
//! A table is data: to teach him a word is to add a line. Where several phrases fit, the longest is meant. Names are the rule
//! book's; which of them a character has, and with what figures, only the character service knows.

mod magic;
mod questions;
mod scene;
mod skills;
mod weapons;

pub(crate) use self::{
    magic::{CAST_VERBS, EVERYDAY_SPELLS, SPELLS, SPELLS_AT_A_FOE},
    questions::{
        ASKING, CHARACTER_QUESTIONS, GREETINGS, HELP_QUESTIONS, PARTY_QUESTIONS, PLEAS, QUESTION_WORDS, REQUESTS,
        RULE_QUESTIONS, SCENE_QUESTIONS, SECTIONS, SUPPOSING, Section, UNSUPPORTED,
    },
    scene::{AIR, COVERS, GOING, LIGHTS, MOVEMENTS, RANGES},
    skills::{ATTRIBUTE_WORDS, ATTRIBUTES, DIFFICULTIES, SKILL_WORDS, SKILLS, VAGUE_POOLS},
    weapons::{
        AMMUNITION, ATTACK_VERBS, CALLED_SHOTS, CLOSE_COMBAT_MARKS, FIRING_MODES, KIND_MARKS, MELEE_VERBS,
        MELEE_WEAPONS, RANGED_WEAPONS, SHOOT_PHRASES, SHOOT_VERBS, WEAPON_NICKNAMES, WEAPON_WORDS, WeaponKind,
    },
};
