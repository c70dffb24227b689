//! Tests of the pure core and of the client's database; the service as a whole is tested in `tests/`.

mod battles;
mod captures;
mod charts;
mod computed;
mod decisions;
mod definitions;
mod effects;
mod effects_of_war;
mod figures;
mod hunt_and_war;
mod line_and_log;
mod meanings;
mod newcomers;
mod parts;
mod play;
mod situations;
mod store;

mod table;
mod targets;
mod wotr_db;
