//! What a run of faults is made of.
//!
//! `deployment` starts every service as a process of its own, two of each that may be several, on a `postgres` and a `nats`
//! server that are made for the run. Where root may make them, each stands on one of `hosts` of its own, whose packets are
//! lost. Every connection between them, to the database and from the clients goes through a `proxy`, where it is cut and
//! slowed, and where there are no hosts also stalled and made lossy. `plan` chooses faults by a seed, `players` and `lines`
//! play meanwhile and write down what they see, a `crowd` listens, `check` compares that with the logs. The same seed
//! chooses the same faults.

pub mod check;
pub mod crowd;
pub mod deployment;
pub mod hosts;
pub mod lines;
mod nats;
pub mod plan;
pub mod players;
mod postgres;
mod proxy;
