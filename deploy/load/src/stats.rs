//! Times and sizes, and the one table they stand in.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::target::Sampling;

/// Every figure, in the order in which it was first named.
#[derive(Default)]
pub struct Table {
    names: Vec<&'static str>,
    cells: BTreeMap<(&'static str, usize), String>,
}

/// A size in memory.
#[derive(Clone, Copy)]
pub struct Bytes(pub u64);

impl Bytes {
    /// What is left after `other` is taken off.
    pub fn less(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.1} MB", self.0 as f64 / 1e6)
    }
}

/// The middle of some times.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl Table {
    /// Puts a baseline.
    pub fn bare(&mut self, name: &'static str, time: Duration) {
        self.cell(name, 2, show(time));
    }

    /// Puts a baseline that is no time.
    pub fn bare_text(&mut self, name: &'static str, value: impl fmt::Display) {
        self.cell(name, 2, value.to_string());
    }

    /// Puts a time of ours.
    pub fn put(&mut self, sampling: Sampling, name: &'static str, time: Duration) {
        self.cell(name, sampling as usize, show(time));
    }

    /// Puts a time of ours with what it adds to the bare one.
    pub fn put_beside(&mut self, sampling: Sampling, name: &'static str, time: Duration, bare: Duration) {
        let added = match time.checked_sub(bare) {
            Some(added) => format!("+{}", show(added)),
            None => format!("-{}", show(bare.saturating_sub(time))),
        };
        self.cell(name, sampling as usize, format!("{} ({added})", show(time)));
    }

    /// Puts anything else of ours.
    pub fn put_text(&mut self, sampling: Sampling, name: &'static str, value: impl fmt::Display) {
        self.cell(name, sampling as usize, value.to_string());
    }

    fn cell(&mut self, name: &'static str, column: usize, text: String) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self.cells.insert((name, column), text);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "| figure | sampling as shipped | everything sampled | bare baseline |\n|---|---|---|---|"
        )?;
        for name in &self.names {
            let cell = |column| self.cells.get(&(*name, column)).map_or("", String::as_str);
            writeln!(formatter, "| {name} | {} | {} | {} |", cell(0), cell(1), cell(2))?;
        }
        Ok(())
    }
}

fn show(time: Duration) -> String {
    if time < Duration::from_millis(10) {
        format!("{} µs", time.as_micros())
    } else {
        format!("{} ms", time.as_millis())
    }
}
