//! Damage codes, ammunition, bursts, staging, resistance, knockdown, grenades.
//!
//! Source: *Shadowrun, Second Edition*, "Damage", "Ammunition", "Firing Modes", "Grenades", "Knockdown".

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::condition::Level;
use super::modifier::{TargetNumber, floored};

/// Largest Power that is read. Ours.
pub const MAX_POWER: i32 = 1000;

/// A damage code: Power, level, Physical or Stun. Written `9M`, `7M Stun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DamageCode {
    /// Power: the target number to resist, before armor.
    pub power: i32,
    /// Level of the wound before staging.
    pub level: Level,
    /// Whether the damage goes to the Stun track.
    pub stun: bool,
}

/// A text that is no damage code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no damage code: a Power of 0 to {MAX_POWER}, a level L, M, S or D, and perhaps \" Stun\", such as 9M or 7M Stun"
)]
pub struct DamageCodeError(pub String);

impl DamageCode {
    /// A code for Physical damage.
    pub const fn physical(power: i32, level: Level) -> Self {
        Self { power, level, stun: false }
    }

    /// A code for Stun damage.
    pub const fn stun(power: i32, level: Level) -> Self {
        Self { power, level, stun: true }
    }

    /// The code with more Power, or less but never below 0, and more levels, Deadly at most.
    #[must_use]
    pub fn raised(self, power: i32, levels: u32) -> Self {
        let level = self.level.shifted(i64::from(levels)).unwrap_or(self.level);
        Self { power: self.power.saturating_add(power).max(0), level, ..self }
    }
}

impl FromStr for DamageCode {
    type Err = DamageCodeError;

    fn from_str(text: &str) -> Result<Self, DamageCodeError> {
        let refused = || DamageCodeError(text.chars().take(40).collect());
        // Spaces, brackets and case do not matter: "9 m", "7M (STUN)".
        let packed: String = text.chars().take(40).filter(|c| !c.is_whitespace() && !"()".contains(*c)).collect();
        let packed = packed.to_ascii_uppercase();
        let (code, stun) = match packed.strip_suffix("STUN") {
            Some(code) => (code, true),
            None => (packed.strip_suffix("PHYSICAL").unwrap_or(&packed), false),
        };
        let letter = code.chars().next_back().ok_or_else(refused)?;
        let level = Level::ALL.into_iter().find(|level| level.letter() == letter);
        let level = level.ok_or_else(refused)?;
        let digits = &code[..code.len() - letter.len_utf8()];
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let power = digits.parse().ok().filter(|power| is_number && *power <= MAX_POWER).ok_or_else(refused)?;
        Ok(Self { power, level, stun })
    }
}

impl fmt::Display for DamageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stun = if self.stun { " Stun" } else { "" };
        write!(f, "{}{}{stun}", self.power, self.level.letter())
    }
}

impl Serialize for DamageCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The target number to resist: Power less the armor that counts, never below 2.
pub fn resistance_target_number(power: i32, armor: u32) -> u32 {
    floored(power.saturating_sub(i32::try_from(armor).unwrap_or(i32::MAX)))
}

/// What becomes of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Staged {
    /// The attacker had no success.
    Miss,
    /// Hit, but staged down to nothing.
    None,
    /// A wound of this level.
    #[serde(untagged)]
    Wound(Level),
}

/// Stages a wound: a level up per two net successes of the attacker, down per two of the defender.
pub fn stage(base: Level, attacker_successes: u32, defender_successes: u32) -> Staged {
    if attacker_successes == 0 {
        return Staged::Miss;
    }
    let net = i64::from(attacker_successes) - i64::from(defender_successes);
    base.shifted(net / SUCCESSES_PER_LEVEL).map_or(Staged::None, Staged::Wound)
}

/// Net successes that move a wound by a level.
pub const SUCCESSES_PER_LEVEL: i64 = 2;

/// Whether the defender's Combat Pool dice alone beat all successes of the attacker: a complete miss.
pub fn is_complete_miss(attacker_successes: u32, defender_combat_pool_successes: u32) -> bool {
    defender_combat_pool_successes > attacker_successes
}

/// Armor worn, the one rating of each kind that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Armor {
    /// Against firearms.
    pub ballistic: u32,
    /// Against melee, blasts, what is thrown, gel rounds, shocks.
    pub impact: u32,
}

/// Kinds of rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ammunition {
    /// Plain rounds.
    Regular,
    /// A level more against the unarmored; armor counts as the better of twice its impact or its ballistic rating.
    Flechette,
    /// [`EXPLOSIVE_POWER`] more Power; all ones is a misfire.
    Explosive,
    /// Stun, less Power, impact armor counts.
    Gel,
}

/// Power that explosive rounds add.
pub const EXPLOSIVE_POWER: i32 = 1;
/// Power that gel rounds lack.
pub const GEL_POWER: i32 = -2;

/// A shot with its ammunition, against armor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ShotDamage {
    /// The code with this ammunition.
    pub damage: DamageCode,
    /// The armor rating that counts.
    pub armor: u32,
    /// Target number of the resistance test, armor off.
    pub resist_tn: u32,
}

/// What a round does: the weapon's code, changed by ammunition, and the armor that counts against it.
pub fn shot_damage(weapon: DamageCode, ammunition: Ammunition, armor: Armor) -> ShotDamage {
    let unarmored = armor == Armor::default();
    let (damage, armor) = match ammunition {
        Ammunition::Regular => (weapon, armor.ballistic),
        Ammunition::Flechette if unarmored => (weapon.raised(0, 1), 0),
        Ammunition::Flechette => (weapon, armor.impact.saturating_mul(2).max(armor.ballistic)),
        Ammunition::Explosive => (weapon.raised(EXPLOSIVE_POWER, 0), armor.ballistic),
        Ammunition::Gel => (DamageCode { stun: true, ..weapon.raised(GEL_POWER, 0) }, armor.impact),
    };
    ShotDamage { damage, armor, resist_tn: resistance_target_number(damage.power, armor) }
}

/// How a firearm is fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FiringMode {
    /// One shot, then the weapon must be readied.
    #[serde(rename = "SS")]
    SingleShot,
    /// Two shots in a phase.
    #[serde(rename = "SA")]
    SemiAutomatic,
    /// Bursts of three.
    #[serde(rename = "BF")]
    BurstFire,
    /// Three rounds or more.
    #[serde(rename = "FA")]
    FullAutomatic,
}

impl FiringMode {
    /// The letters of weapon tables.
    pub fn letters(self) -> &'static str {
        match self {
            FiringMode::SingleShot => "SS",
            FiringMode::SemiAutomatic => "SA",
            FiringMode::BurstFire => "BF",
            FiringMode::FullAutomatic => "FA",
        }
    }
}

/// Most rounds of a full-automatic burst. Ours; the book sets no limit, *Fields of Fire* suggests 10 a phase.
pub const MAX_ROUNDS: u32 = 100;
/// Fewest rounds of a full-automatic burst, and the rounds of a burst.
pub const BURST_ROUNDS: u32 = 3;

/// A burst that cannot be fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rounds} rounds cannot be fired in mode {}: allowed are {least} to {most}", mode.letters())]
pub struct RoundsError {
    /// The mode.
    pub mode: FiringMode,
    /// Rounds asked for.
    pub rounds: u32,
    /// Fewest allowed.
    pub least: u32,
    /// Most allowed.
    pub most: u32,
}

/// The damage of so many rounds fired together, resisted once.
///
/// A burst of three: Power +3, level +1; of two: Power +2; one round is a plain shot. Full-automatic: Power +n, a
/// level per three full rounds.
///
/// # Errors
///
/// [`RoundsError`] if the mode does not allow so many rounds.
pub fn burst_damage(weapon: DamageCode, mode: FiringMode, rounds: u32) -> Result<DamageCode, RoundsError> {
    let (least, most) = match mode {
        FiringMode::SingleShot | FiringMode::SemiAutomatic => (1, 1),
        FiringMode::BurstFire => (1, BURST_ROUNDS),
        FiringMode::FullAutomatic => (BURST_ROUNDS, MAX_ROUNDS),
    };
    if !(least..=most).contains(&rounds) {
        return Err(RoundsError { mode, rounds, least, most });
    }
    if rounds == 1 {
        return Ok(weapon);
    }
    Ok(weapon.raised(rounds as i32, rounds / BURST_ROUNDS))
}

/// Recoil of rounds fired together, after so many others in the same phase: a second shot 1, a burst of three 3, every
/// round of full-automatic fire 1. Recoil of bursts and full-automatic fire adds up over the phase.
pub fn recoil(mode: FiringMode, rounds: u32, fired_before: u32) -> u32 {
    match mode {
        FiringMode::SingleShot => 0,
        FiringMode::SemiAutomatic => fired_before.min(1),
        FiringMode::BurstFire if rounds == 1 => fired_before.min(1),
        FiringMode::BurstFire | FiringMode::FullAutomatic => rounds.saturating_add(fired_before),
    }
}

/// Added to the target number of a called shot.
pub const CALLED_SHOT_MODIFIER: i32 = 4;

/// The damage of a called shot that hits: a level more.
pub fn called_shot_damage(weapon: DamageCode) -> DamageCode {
    weapon.raised(0, 1)
}

/// The Body test against being knocked down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Knockdown {
    /// Target number of the Body test.
    pub body_test: TargetNumber,
    /// Successes that must be exceeded to stay where one is; with at least one the victim steps back a metre, with
    /// none falls. `None`: a Deadly wound always knocks down.
    pub threshold: Option<u32>,
}

/// Knockdown by a shot: half its Power, rounded down; gel rounds count with their full Power.
pub fn knockdown(damage: DamageCode, wound: Level, gel: bool) -> Knockdown {
    let base = if gel { damage.power } else { damage.power.div_euclid(2) };
    let explanation = if gel { "full Power of gel rounds" } else { "half the Power" };
    Knockdown { body_test: TargetNumber::new(base, explanation, Vec::new()), threshold: knockdown_threshold(wound) }
}

/// Knockdown in melee: the opponent's Strength.
pub fn melee_knockdown(opponent_strength: u32, wound: Level) -> Knockdown {
    let base = i32::try_from(opponent_strength).unwrap_or(i32::MAX);
    Knockdown {
        body_test: TargetNumber::new(base, "the opponent's Strength", Vec::new()),
        threshold: knockdown_threshold(wound),
    }
}

fn knockdown_threshold(wound: Level) -> Option<u32> {
    match wound {
        Level::Light => Some(1),
        Level::Moderate => Some(2),
        Level::Serious => Some(3),
        Level::Deadly => None,
    }
}

/// Grenades by what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grenade {
    /// 10S, a point less each metre.
    Offensive,
    /// 10S, a point less each half metre.
    Defensive,
    /// 12M Stun, a point less each metre.
    Concussion,
}

impl Grenade {
    /// The code at the point of burst.
    pub fn damage(self) -> DamageCode {
        match self {
            Grenade::Offensive | Grenade::Defensive => DamageCode::physical(10, Level::Serious),
            Grenade::Concussion => DamageCode::stun(12, Level::Moderate),
        }
    }

    fn power_lost_per_metre(self) -> i32 {
        match self {
            Grenade::Defensive => 2,
            Grenade::Offensive | Grenade::Concussion => 1,
        }
    }

    /// The code at a distance in whole metres; `None` outside the blast.
    pub fn damage_at(self, distance_m: u32) -> Option<DamageCode> {
        let lost = i32::try_from(distance_m).unwrap_or(i32::MAX).saturating_mul(self.power_lost_per_metre());
        let damage = self.damage();
        let power = damage.power.saturating_sub(lost);
        (power > 0).then_some(DamageCode { power, ..damage })
    }
}

/// How a grenade is sent, which decides how far it scatters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrenadeDelivery {
    /// A standard grenade, thrown: 1D6 m, 2 m less per success.
    Thrown,
    /// An aerodynamic grenade, thrown: 2D6 m, 4 m less per success.
    Aerodynamic,
    /// From a launcher: 3D6 m, 4 m less per success.
    Launched,
}

impl GrenadeDelivery {
    /// Dice of the scatter, a metre for each point of their sum.
    pub fn scatter_dice(self) -> u32 {
        match self {
            GrenadeDelivery::Thrown => 1,
            GrenadeDelivery::Aerodynamic => 2,
            GrenadeDelivery::Launched => 3,
        }
    }

    /// Metres that successes take off the scatter.
    pub fn scatter_reduction(self, successes: u32) -> u32 {
        let metres = match self {
            GrenadeDelivery::Thrown => 2,
            GrenadeDelivery::Aerodynamic | GrenadeDelivery::Launched => 4,
        };
        successes.saturating_mul(metres)
    }
}

/// Metres a grenade lands from where it was meant to; `d6` yields a face a call.
pub fn scatter_m(delivery: GrenadeDelivery, successes: u32, d6: impl FnMut() -> u32) -> u32 {
    let rolled: u32 = std::iter::repeat_with(d6).take(delivery.scatter_dice() as usize).sum();
    rolled.saturating_sub(delivery.scatter_reduction(successes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> DamageCode {
        text.parse().unwrap()
    }

    #[test]
    fn codes_read_as_they_are_written() {
        for text in ["9M", "10S", "7M Stun", "18D", "0L"] {
            assert_eq!(code(text).to_string(), text);
        }
        for (text, same) in [("9 m", "9M"), ("7M (STUN)", "7M Stun"), ("7mstun", "7M Stun"), ("10S Physical", "10S")] {
            assert_eq!(code(text).to_string(), same);
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in ["", "M", "9", "9X", "+9M", "1001M", "9é", "Stun", "99999999999M"] {
            assert!(text.parse::<DamageCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_books_example_is_staged_to_serious_and_resisted_against_four() {
        assert_eq!(stage(Level::Moderate, 5, 3), Staged::Wound(Level::Serious));
        assert_eq!(resistance_target_number(9, 5), 4);
    }

    #[test]
    fn staging_ends_at_deadly_and_at_nothing() {
        assert_eq!(stage(Level::Moderate, 100, 0), Staged::Wound(Level::Deadly));
        assert_eq!(stage(Level::Moderate, 1, 100), Staged::None);
        assert_eq!(stage(Level::Deadly, 0, 0), Staged::Miss);
    }

    #[test]
    fn a_burst_is_one_stronger_shot() {
        assert_eq!(burst_damage(code("6M"), FiringMode::BurstFire, 3), Ok(code("9S")));
        assert_eq!(burst_damage(code("6M"), FiringMode::BurstFire, 2), Ok(code("8M")));
        assert_eq!(burst_damage(code("8M"), FiringMode::FullAutomatic, 10), Ok(code("18D")));
        let refusal = burst_damage(code("8M"), FiringMode::FullAutomatic, 2).unwrap_err();
        assert_eq!(refusal.to_string(), "2 rounds cannot be fired in mode FA: allowed are 3 to 100");
    }

    #[test]
    fn every_round_of_a_burst_kicks() {
        assert_eq!(recoil(FiringMode::SemiAutomatic, 1, 0), 0);
        assert_eq!(recoil(FiringMode::SemiAutomatic, 1, 2), 1);
        assert_eq!(recoil(FiringMode::BurstFire, 3, 0), 3);
        assert_eq!(recoil(FiringMode::BurstFire, 3, 3), 6);
        assert_eq!(recoil(FiringMode::FullAutomatic, 4, 6), 10);
    }

    #[test]
    fn blasts_lose_power_with_distance() {
        assert_eq!(Grenade::Offensive.damage_at(3), Some(code("7S")));
        assert_eq!(Grenade::Defensive.damage_at(5), None);
        assert_eq!(Grenade::Concussion.damage_at(u32::MAX), None);
    }

    #[test]
    fn successes_bring_a_grenade_nearer() {
        assert_eq!(scatter_m(GrenadeDelivery::Launched, 2, || 6), 10);
        assert_eq!(scatter_m(GrenadeDelivery::Thrown, 9, || 6), 0);
    }
}
