//! *Shadowrun, Second Edition*: the rules of the book, a module a subject.
//!
//! Target numbers that leave this module are final: every modifier is in, and none is below 2. Where the web
//! contract fixes a figure that is not the book's, both are given. What is in `tables` of a module is data, in one
//! place, so that a misprint is corrected once.

pub mod condition;
pub mod damage;
pub mod difficulty;
pub mod initiative;
pub mod magic;
pub mod modifier;
pub mod pools;
pub mod range;
pub mod ranged;
pub mod skill_web;
pub mod skills;
pub mod spells;
pub mod success_test;
pub mod totems;
pub mod visibility;
pub mod weapons;

pub use modifier::{DicePart, DicePool, Modifier, TargetNumber};
pub use success_test::{MAX_POOL, MAX_TARGET_NUMBER, MIN_TARGET_NUMBER, RollError, SuccessTest, success_test};
