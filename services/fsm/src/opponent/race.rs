//! The race between the Ring and the war, tried out many times: how likely the Free Peoples are to win from a position.
//!
//! A trial plays turn after turn with a few numbers in place of the board: steps that are left, corruption, dice in the
//! Hunt Box, the Shadow's points and how fast they grow. The Hunt is that of the rules.

use super::noise::Noise;

/// Corruption at which the Ring-bearer falls.
const FALLEN: i64 = 12;
/// Points that win the war for the Shadow.
const CONQUERED: f64 = 10.0;
/// Turns after which a trial ends; nobody has won then.
const MAX_TURNS: u32 = 20;
/// Damage of the standard Hunt tiles, and whether they reveal; an Eye's damage is that of its roll.
const TILES: [(Option<i64>, bool); 16] = [
    (Some(0), true),
    (Some(0), true),
    (Some(1), true),
    (Some(1), true),
    (Some(2), true),
    (None, true),
    (None, true),
    (None, true),
    (None, true),
    (Some(1), false),
    (Some(1), false),
    (Some(2), false),
    (Some(2), false),
    (Some(3), false),
    (Some(3), false),
    (Some(3), false),
];
/// Steps at the end that lead up the mountain.
const MORDOR_STEPS: i64 = 5;

/// A position in the race.
#[derive(Debug, Clone)]
pub struct Race {
    /// Steps to the Cracks of Doom, those in Mordor included.
    pub steps: i64,
    pub corruption: i64,
    pub is_revealed: bool,
    /// Levels of the Companions who may still fall for the Ring-bearer.
    pub companions: Vec<i64>,
    /// Shadow dice in the Hunt Box this turn.
    pub hunt_dice: i64,
    /// Dice of the Free Peoples in it.
    pub walked: i64,
    /// Failed Hunt dice that are thrown again.
    pub rerolls: i64,
    /// Dice that the Free Peoples have left this turn.
    pub dice: i64,
    /// The Free Peoples' dice of a turn, and the Shadow's.
    pub pools: (i64, i64),
    /// Points of the Shadow, and how many a whole turn of its dice brings.
    pub points: f64,
    pub pace: f64,
}

impl Race {
    /// How often the Free Peoples win, from 0 to 1.
    pub fn chance(&self, trials: u32, seed: u64) -> f64 {
        let mut noise = Noise::new(seed);
        let won = (0..trials).filter(|_| self.clone().run(&mut noise)).count();
        f64::from(u32::try_from(won).unwrap_or(u32::MAX)) / f64::from(trials.max(1))
    }

    fn run(mut self, noise: &mut Noise) -> bool {
        for _ in 0..MAX_TURNS {
            // Half of the faces move the Fellowship: Characters and the Will of the West.
            for _ in 0..self.dice {
                if noise.below(2) == 0 && self.may_move() {
                    self.step(noise);
                    if FALLEN <= self.corruption {
                        return false;
                    }
                    if self.steps == 0 {
                        return true;
                    }
                }
            }
            self.points += self.pace * (0.5 + noise.fraction());
            if CONQUERED <= self.points {
                return false;
            }
            self.next_turn(noise);
        }
        false
    }

    /// One more step is worth its danger, or the Fellowship must first hide.
    fn may_move(&mut self) -> bool {
        if self.is_revealed {
            self.is_revealed = false;
            return false;
        }
        self.walked < 3
    }

    /// The Hunt for one step.
    pub fn step(&mut self, noise: &mut Noise) {
        let in_mordor = self.steps <= MORDOR_STEPS;
        let successes = if in_mordor { self.hunt_dice + self.walked } else { self.roll(noise) };
        if 0 < successes || in_mordor {
            let tile = usize::try_from(noise.below(16)).unwrap_or_default();
            let (damage, reveals) = TILES[tile];
            let mut damage = damage.unwrap_or(successes);
            // A Companion falls for three or more, as the rules advise.
            if 3 <= damage && 1 < self.companions.len() {
                damage -= self.companions.pop().unwrap_or_default().min(damage);
            }
            self.corruption += damage;
            self.is_revealed |= reveals;
        }
        self.steps -= 1;
        self.walked += 1;
    }

    fn roll(&self, noise: &mut Noise) -> i64 {
        let mut rerolls = self.rerolls;
        let mut successes = 0;
        for _ in 0..self.hunt_dice.min(5) {
            let mut hits = || {
                let face = i64::try_from(noise.face()).unwrap_or_default();
                face != 1 && 6 <= face + self.walked
            };
            let mut hit = hits();
            if !hit && 0 < rerolls {
                rerolls -= 1;
                hit = hits();
            }
            successes += i64::from(hit);
        }
        successes
    }

    fn next_turn(&mut self, noise: &mut Noise) {
        self.dice = self.pools.0;
        self.walked = 0;
        let in_mordor = self.steps <= MORDOR_STEPS;
        let allocated = if in_mordor { 3 } else { 1 };
        let rolled = (self.pools.1 - allocated).max(0);
        self.hunt_dice = allocated + (0..rolled).filter(|_| noise.below(6) == 0).count() as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening() -> Race {
        Race {
            steps: 15,
            corruption: 0,
            is_revealed: false,
            companions: vec![1, 1, 2, 2, 2, 3, 3],
            hunt_dice: 1,
            walked: 0,
            rerolls: 0,
            dice: 4,
            pools: (4, 7),
            points: 0.0,
            pace: 1.0,
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_chance() {
        assert!((opening().chance(200, 3) - opening().chance(200, 3)).abs() < f64::EPSILON);
    }

    #[test]
    fn corruption_and_distance_lower_the_chance_of_the_free_peoples() {
        let chance = |race: Race| race.chance(2_000, 1);
        let opening_chance = chance(opening());
        assert!((0.02..0.98).contains(&opening_chance), "{opening_chance}");
        assert!(chance(Race { corruption: 9, ..opening() }) < opening_chance);
        assert!(opening_chance < chance(Race { steps: 5, ..opening() }));
        assert!(chance(Race { pace: 3.0, ..opening() }) < opening_chance);
    }

    #[test]
    fn a_hunt_box_without_dice_hunts_nobody_before_mordor() {
        let mut race = Race { hunt_dice: 0, ..opening() };
        let mut noise = Noise::new(1);
        for _ in 0..9 {
            race.step(&mut noise);
        }
        assert_eq!((race.corruption, race.steps), (0, 6));
    }
}
