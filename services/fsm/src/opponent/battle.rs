//! Battles tried out: how likely an attack is to succeed, and what it costs.

use super::noise::Noise;

/// Rounds after which an attacker stops.
const MAX_ROUNDS: u32 = 8;

/// The odds of a battle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odds {
    /// How often the defender is gone in the end, from 0 to 1.
    pub won: f64,
    /// Hits that the attacker takes, on average.
    pub lost: f64,
    /// Hits that the defender takes, on average.
    pub inflicted: f64,
}

/// One side in a battle.
#[derive(Debug, Clone, Copy)]
pub struct Force {
    /// Units, each of which throws a die, at most five.
    pub strength: u64,
    /// Hits it can take.
    pub hits: u64,
    /// Failed dice that are thrown again.
    pub leadership: u64,
}

/// What the place does for its defender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    Open,
    /// A City: the first round is as hard as a siege.
    Walls,
    /// A Stronghold: each round is, and each but the first costs the attacker an Elite.
    Siege,
}

/// The odds of an attack, by so many trials.
pub fn odds(attacker: Force, defender: Force, ground: Ground, trials: u32, seed: u64) -> Odds {
    let mut noise = Noise::new(seed);
    let mut sums = (0.0, 0.0, 0.0);
    for _ in 0..trials {
        let (left, their_left) = fight(attacker, defender, ground, &mut noise);
        sums.0 += if their_left == 0 && 0 < left { 1.0 } else { 0.0 };
        sums.1 += to_f64(attacker.hits - left);
        sums.2 += to_f64(defender.hits - their_left);
    }
    let trials = f64::from(trials.max(1));
    Odds { won: sums.0 / trials, lost: sums.1 / trials, inflicted: sums.2 / trials }
}

/// Hits that both can still take in the end.
fn fight(attacker: Force, defender: Force, ground: Ground, noise: &mut Noise) -> (u64, u64) {
    let (mut hits, mut their_hits) = (attacker.hits, defender.hits);
    for round in 0..MAX_ROUNDS {
        let target = match ground {
            Ground::Siege => 6,
            Ground::Walls if round == 0 => 6,
            _ => 5,
        };
        let inflicted = roll(left(attacker, hits), attacker.leadership, target, noise);
        let taken = roll(left(defender, their_hits), defender.leadership, 5, noise);
        hits -= taken.min(hits);
        their_hits -= inflicted.min(their_hits);
        if hits == 0 || their_hits == 0 {
            break;
        }
        if ground == Ground::Siege {
            // An Elite becomes a Regular.
            hits -= 1;
        }
        if hits * 2 < their_hits || hits == 0 {
            break;
        }
    }
    (hits, their_hits)
}

/// Units that are left: Elites are worn down to Regulars first.
fn left(force: Force, hits: u64) -> u64 {
    force.strength.min(hits)
}

fn roll(units: u64, leadership: u64, target: u64, noise: &mut Noise) -> u64 {
    let dice = units.min(5);
    let hits = (0..dice).filter(|_| target <= noise.face()).count() as u64;
    let again = (dice - hits).min(leadership);
    hits + (0..again).filter(|_| target <= noise.face()).count() as u64
}

#[expect(clippy::cast_precision_loss, reason = "hits are few")]
fn to_f64(hits: u64) -> f64 {
    hits as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn force(strength: u64) -> Force {
        Force { strength, hits: strength, leadership: 0 }
    }

    #[test]
    fn the_stronger_wins_more_often_and_walls_help() {
        let strong = odds(force(10), force(2), Ground::Open, 500, 1);
        let even = odds(force(4), force(4), Ground::Open, 500, 1);
        let siege = odds(force(10), force(2), Ground::Siege, 500, 1);
        assert!(strong.won > 0.95, "{strong:?}");
        assert!((0.3..0.7).contains(&even.won), "{even:?}");
        assert!(siege.won < strong.won && siege.lost > strong.lost, "{siege:?} {strong:?}");
    }

    #[test]
    fn leaders_inflict_more() {
        let led = odds(Force { leadership: 4, ..force(5) }, force(5), Ground::Open, 500, 1);
        assert!(led.won > odds(force(5), force(5), Ground::Open, 500, 1).won + 0.1);
    }
}
