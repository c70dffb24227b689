//! The gateway on a free port before real services in the same process, as its clients see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attacks;
mod board;
mod conformance;
mod fuzz;
mod grpc;
mod guarded;
mod http;
mod model;
mod openapi;
mod ops;
mod seats;
mod sheets;
mod slow;
mod support;
mod table;
