//! The orchestrator: sessions, turns, the language model and its tools.

mod config;
mod llm;

pub use config::Config;
