//! The chance of a result or a better one, for the answer of a roll: exact, cached, and left out where it costs too much.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rules::dice::{Notation, Odds, OddsError, Value, odds};

/// Steps that take about a millisecond.
const ROLL_STEPS: u64 = 400_000;
/// Steps that a request for odds may take: about half a second.
const REQUEST_STEPS: u64 = 300_000_000;
/// Notations whose chances are kept; past them all are computed again.
const MAX_CACHED: usize = 4096;
/// Most totals of a notation whose chances are kept.
const MAX_OUTCOMES: usize = 20_000;

/// Chances by canonical form.
#[derive(Default)]
pub struct Chances(Mutex<HashMap<String, Option<Table>>>);

/// Every total with the chance of it or a higher one, the lowest first.
type Table = Arc<Vec<(Value, f64)>>;

impl Chances {
    /// The chance of this total or a higher one, 0 to 1, if it is quickly known.
    pub fn of_at_least(&self, notation: &Notation, total: Value) -> Option<f64> {
        if notation.repeats() > 1 {
            return None;
        }
        Some(chance_in(&self.table(notation.to_string(), || Some(notation.clone()))?, total))
    }

    /// The chance of so many successes of a test or of more.
    pub fn of_successes(&self, pool: u32, target_number: u32, successes: u32) -> Option<f64> {
        let name = format!("{pool}d6 tn{target_number}");
        let table = self.table(name.clone(), || Notation::parse(&name).ok())?;
        Some(chance_in(&table, Value::whole(i64::from(successes))))
    }

    /// The table of a notation, by its canonical form.
    fn table(&self, name: String, notation: impl FnOnce() -> Option<Notation>) -> Option<Table> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(&name) {
            return table.clone();
        }
        let table = odds(&notation()?, ROLL_STEPS).ok().map(|odds| to_table(&odds));
        let table = table.filter(|table| table.len() <= MAX_OUTCOMES).map(Arc::new);
        if tables.len() >= MAX_CACHED {
            tables.clear();
        }
        tables.insert(name, table.clone());
        table
    }
}

fn chance_in(table: &[(Value, f64)], total: Value) -> f64 {
    let index = table.partition_point(|(outcome, _)| *outcome < total);
    table.get(index).map_or(0.0, |(_, chance)| *chance)
}

fn to_table(odds: &Odds) -> Vec<(Value, f64)> {
    let distribution = &odds.distribution;
    let mut above = num_bigint::BigUint::default();
    let mut table: Vec<(Value, f64)> = distribution
        .outcomes()
        .iter()
        .rev()
        .map(|(total, ways)| {
            above += ways;
            (*total, rules::dice::Ratio::new(above.clone(), distribution.all().clone()).to_f64())
        })
        .collect();
    table.reverse();
    table
}

/// The odds of a notation, computed where it holds up nobody.
///
/// # Errors
///
/// They would take too long.
pub async fn compute(notation: Notation) -> Result<Odds, OddsError> {
    let computed = tokio::task::spawn_blocking(move || odds(&notation, REQUEST_STEPS)).await;
    computed.unwrap_or(Err(OddsError::TooCostly))
}
