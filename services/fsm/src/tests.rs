//! Tests of the pure core and of the client's database; the service as a whole is tested in `tests/`.

mod charts;
mod decisions;
mod definitions;
mod effects;
mod figures;
mod meanings;
mod play;
mod store;
mod wotr_db;
