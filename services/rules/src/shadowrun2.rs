//! *Shadowrun, Second Edition*: the rules of the book, a module a subject.
//!
//! Target numbers that leave this module are final: every modifier is in, and none is below 2. Where the web
//! contract fixes a figure that is not the book's, both are given. Every
//! table is a constant in one place, so that a misprint is corrected once. [`apply_rule`] answers any single rule by
//! name. Terms are spelled as the book and the contract spell them (armor).

pub mod armor;
pub mod barriers;
pub mod catalogue;
pub mod condition;
pub mod conjuring;
pub mod creation;
pub mod damage;
pub mod difficulty;
pub mod healing;
pub mod house_rules;
pub mod initiative;
pub mod karma;
pub mod magic;
pub mod melee;
pub mod modifier;
pub mod movement;
pub mod pools;
pub mod range;
pub mod ranged;
pub mod skill_web;
pub mod skills;
pub mod spells;
pub mod success_test;
pub mod totems;
pub mod vehicles;
pub mod visibility;
pub mod weapons;

mod apply_rule;

pub use apply_rule::{AREAS, Area, RuleError, apply_rule};
pub use modifier::{DicePart, DicePool, Modifier, TargetNumber};
pub use success_test::{MAX_POOL, MAX_TARGET_NUMBER, MIN_TARGET_NUMBER, RollError, SuccessTest, success_test};
