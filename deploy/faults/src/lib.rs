//! What a run of faults is made of.
//!
//! `deployment` starts every service as a process of its own, two of each that may be several, on a `postgres` and a `nats`
//! server that are made for the run. Every connection between them, to the database and from the clients goes through a `proxy`, where
//! it is cut, stalled, slowed or made lossy: no rights are needed for that, as network namespaces would need. `plan`
//! chooses faults by a seed, `players` and `lines` play meanwhile and write down what they see, a `crowd` listens, `check` compares that
//! with the logs. The same seed chooses the same faults.

pub mod check;
pub mod crowd;
pub mod deployment;
pub mod lines;
mod nats;
pub mod plan;
pub mod players;
mod postgres;
mod proxy;
