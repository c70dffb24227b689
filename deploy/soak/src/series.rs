//! What was measured, over time, and the straight line through each of it.

use std::{collections::BTreeMap, fmt};

/// The share of the time, at its beginning, that does not count: caches fill, and tables begin.
const WARM_UP: f64 = 0.25;

/// Everything measured, by name.
#[derive(Default)]
pub struct Series(BTreeMap<String, Vec<Point>>);

#[derive(Clone, Copy, Debug)]
struct Point {
    hours: f64,
    value: f64,
}

impl Series {
    /// Adds a reading.
    pub fn add(&mut self, name: &str, hours: f64, value: f64) {
        self.0.entry(name.to_owned()).or_default().push(Point { hours, value });
    }
}

impl fmt::Display for Series {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| measured | first | last | most | slope an hour |\n|---|---|---|---|---|")?;
        for (name, points) in &self.0 {
            let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
            let most = points.iter().map(|point| point.value).fold(f64::MIN, f64::max);
            let slope = slope(settled(points)).map_or("too few readings".to_owned(), |slope| format!("{slope:+.2}"));
            writeln!(formatter, "| {name} | {:.1} | {:.1} | {most:.1} | {slope} |", first.value, last.value)?;
        }
        Ok(())
    }
}

/// The readings after the warm-up.
fn settled(points: &[Point]) -> &[Point] {
    let end = points.last().map_or(0.0, |point| point.hours);
    let first = points.iter().position(|point| WARM_UP * end <= point.hours).unwrap_or(0);
    &points[first..]
}

/// The slope of the line of least squares; none through less than three readings.
fn slope(points: &[Point]) -> Option<f64> {
    if points.len() < 3 {
        return None;
    }
    let count = points.len() as f64;
    let mean = |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (hours, value) = (mean(|point| point.hours), mean(|point| point.value));
    let rise: f64 = points.iter().map(|point| (point.hours - hours) * (point.value - value)).sum();
    let run: f64 = points.iter().map(|point| (point.hours - hours).powi(2)).sum();
    (0.0 < run).then(|| rise / run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        values.iter().map(|(hours, value)| Point { hours: *hours, value: *value }).collect()
    }

    #[test]
    fn a_leak_of_three_an_hour_has_a_slope_of_three() {
        let slope = slope(&points(&[(1.0, 10.0), (2.0, 13.5), (3.0, 15.5), (4.0, 19.0)])).unwrap();
        assert!((slope - 2.9).abs() < 0.01, "{slope}");
    }

    #[test]
    fn what_stays_has_no_slope() {
        assert_eq!(slope(&points(&[(1.0, 7.0), (2.0, 7.0), (3.0, 7.0)])), Some(0.0));
    }

    #[test]
    fn the_warm_up_does_not_count() {
        let points = points(&[(0.1, 1.0), (1.0, 50.0), (2.0, 50.0), (3.0, 50.0), (4.0, 50.0)]);
        assert_eq!(slope(settled(&points)), Some(0.0));
    }
}
