//! The gateway on a free port before real services in the same process, as its clients see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod board;
mod http;
mod model;
mod seats;
mod support;
mod table;
