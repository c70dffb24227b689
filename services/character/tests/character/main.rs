//! The character service with the real dice service behind it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod battle;
mod common;
mod concurrency;
mod played;
mod played_magic;
mod random;
mod refusals;
mod service;
mod sheets;
mod sustaining;
mod tools;
mod tracker;
