//! How lucky dice were: their faces against what is expected of fair ones.

use std::collections::BTreeMap;

use proto::dice::v1::{FaceCount, GetLuckResponse};

/// The luck of rolls, each its sides and its faces.
///
/// Every die counts by how far its face is from the mean, measured by what is usual for its sides; of many fair dice the
/// sum is normally distributed, and the p-value is the chance of a sum as far off in either direction.
pub fn luck(rolls: &[(Vec<u32>, Vec<u32>)]) -> GetLuckResponse {
    let mut shown: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let (mut dice, mut above, mut expected, mut variance) = (0u64, 0.0, 0.0, 0.0);
    let mut counted = 0;
    for (sides, faces) in rolls {
        counted += u64::from(!faces.is_empty());
        for (sides, face) in sides.iter().zip(faces) {
            *shown.entry((*sides, *face)).or_default() += 1;
            let number = f64::from(*sides);
            let mean = (number + 1.0) / 2.0;
            dice += 1;
            above += f64::from(*face) - mean;
            expected += mean;
            variance += (number * number - 1.0) / 12.0;
        }
    }
    let z = if variance > 0.0 { above / variance.sqrt() } else { 0.0 };
    let p_value = two_sided(z);
    let percent_above = if expected > 0.0 { above / expected * 100.0 } else { 0.0 };
    let faces = shown.into_iter().map(|((sides, face), count)| FaceCount { sides, face, count }).collect();
    GetLuckResponse {
        rolls: counted,
        dice,
        percent_above,
        z,
        p_value,
        faces,
        summary: summary(dice, percent_above, p_value),
    }
}

fn summary(dice: u64, percent: f64, p_value: f64) -> String {
    if dice == 0 {
        return "No dice were rolled.".to_owned();
    }
    let direction = if percent < 0.0 { "below" } else { "above" };
    let judgement = match p_value {
        p if p < 0.001 => "hardly to be explained by chance",
        p if p < 0.05 => "unusual, but one in twenty is",
        _ => "what chance does",
    };
    let percent = percent.abs();
    format!(
        "{dice} dice, {percent:.1} % {direction} expectation; as far off in {:.1} % of cases: {judgement}.",
        p_value * 100.0
    )
}

/// The chance that a standard normal number is as far from 0, in either direction. Error below 2e-7 (Abramowitz and
/// Stegun, 7.1.26).
fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let sum = series.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    (sum * (-x * x).exp()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_is_two_deviations_off() {
        assert!((two_sided(1.959_964) - 0.05).abs() < 1e-6);
        assert!((two_sided(0.0) - 1.0).abs() < 1e-6);
        assert!((two_sided(-3.0) - 0.002_699_8).abs() < 1e-6);
    }

    #[test]
    fn only_sixes_are_luck_and_every_face_once_is_none() {
        let sixes = luck(&[(vec![6; 20], vec![6; 20])]);
        assert!(sixes.p_value < 0.001 && sixes.percent_above > 50.0, "{sixes:?}");
        let fair = luck(&[(vec![6; 6], vec![1, 2, 3, 4, 5, 6])]);
        assert_eq!((fair.dice, fair.z, fair.percent_above), (6, 0.0, 0.0));
        assert_eq!(luck(&[]).summary, "No dice were rolled.");
    }
}
