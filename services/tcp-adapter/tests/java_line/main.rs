//! The Java line with the real fsm and dice services behind it, spoken over raw sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod clients;
mod doors;
mod harness;
mod limits;
mod lines;
mod loss;
mod model;
mod numbered;
mod old_server;
mod opponent;
mod people;
mod turn;
mod two_people;
