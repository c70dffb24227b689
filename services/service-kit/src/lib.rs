//! What every service's main needs: telemetry, metrics, server, client, status, database, and the tools by name.

pub mod auth;
pub mod backup;
pub mod call;
pub mod client;
pub mod clock;
pub mod db;
pub mod eager;
pub mod foreign;
pub mod forward;
pub mod gather;
pub mod health;
pub mod metrics;
pub mod raw;
pub mod recent;
pub mod replicas;
pub mod server;
pub mod status;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tools;
pub mod trace;
pub mod traces;
pub mod wake;

pub use auth::{Caller, Gate};
pub use client::{Peers, Transport};
pub use server::{Server, serve};
pub use wake::Wakes;
