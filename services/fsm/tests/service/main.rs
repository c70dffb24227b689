//! The service as its callers see it: games, attachments, roles, grace, restarts. Dice are the real dice service's.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod common;
mod events;
mod games;
mod grace;
#[expect(dead_code, reason = "the unit tests of the figures use all of it")]
#[path = "../../src/tests/wotr_db.rs"]
mod wotr_db;
