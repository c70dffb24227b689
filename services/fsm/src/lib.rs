//! The state machine service: definitions as data, games as logs.

mod board;
mod catalogue;
mod database;
mod definition;
mod expression;
mod machine;
mod text;

#[cfg(test)]
mod tests;
