//! From the rules' rolls to the messages that tell them.

use std::collections::BTreeMap;

use num_traits::ToPrimitive;
use proto::{
    dice::v1::{
        CombatantInitiative, GetOddsResponse, NotationRoll, Outcome, Percentile, PhaseActors, Pool, PoolRoll,
        PoolsRoll, RollDiceResponse, RolledTerm, TargetRoll, Throw,
    },
    structs,
};
use rules::{
    dice::{Amount, Expr, Modifier, Notation, Odds, Ratio, Roll, Sides, State, Value},
    shadowrun2::{self, MAX_POOL, SuccessTest, success_test::Winner},
};
use service_kit::status::{self, ErrorCode};
use tonic::Status;

use super::{LEAST, read, refuse};
use crate::{chances::Chances, ledger::Face};

/// Most totals that are answered with their ways.
const MAX_OUTCOMES: usize = 2000;
/// The percentiles that are told.
const PERCENTILES: [u32; 5] = [5, 25, 50, 75, 95];

/// A Shadowrun success test.
pub fn success_test(
    pool: u32,
    target_number: u32,
    chances: &Chances,
    face: &mut Face<'_>,
) -> Result<RollDiceResponse, Status> {
    let test = shadowrun2::success_test(pool, target_number, || face(6)).map_err(|error| refuse(&error))?;
    let chance = chance_of_test(pool, &test, chances);
    Ok(RollDiceResponse {
        pool,
        target_number: to_i32(test.target_number),
        rolls: to_i32s(&test.rolls()),
        dice: to_lists(&test.faces()),
        successes: Some(test.successes),
        result: Some(result(test.successes)),
        all_ones: Some(test.all_ones),
        critical_glitch: Some(test.all_ones),
        chance,
        ..RollDiceResponse::default()
    })
}

/// The chance of the successes of a test or of more.
pub fn chance_of_test(pool: u32, test: &SuccessTest, chances: &Chances) -> Option<f64> {
    chances.of_successes(pool, test.target_number, test.successes)
}

/// A notation, with all that is known of it.
pub fn dice_roll(notation: &Notation, chances: &Chances, face: &mut Face<'_>) -> RollDiceResponse {
    let roll = notation.roll(face);
    let (total, modifier) = (whole(roll.total), whole(notation.modifier()));
    let answer = RollDiceResponse {
        pool: notation.dice_count(),
        rolls: narrow_all(&roll.rolls()),
        dice: to_lists(&roll.faces()),
        notation: Some(notation.to_string()),
        sum: Some(total - modifier),
        modifier: Some(modifier),
        total: Some(total),
        exploding: Some(notation.exploding()),
        reading: notation.notes().to_vec(),
        comment: notation.comment().map(str::to_owned),
        results: roll.results.iter().map(Value::to_string).collect(),
        total_exact: roll.total.to_whole().is_none().then(|| roll.total.to_string()),
        terms: terms(&roll),
        chance: chances.of_at_least(notation, roll.total),
        ..RollDiceResponse::default()
    };
    if !notation.counts_successes() || notation.repeats() > 1 {
        return answer;
    }
    let successes = u32::try_from(total.max(0)).unwrap_or_default();
    let test = matches!(notation.expr(), Expr::Test(_));
    let target_number = if let Expr::Test(test) = notation.expr() { test.target_number } else { 0 };
    RollDiceResponse {
        target_number: to_i32(target_number),
        successes: Some(successes),
        result: Some(result(successes)),
        all_ones: test.then(|| roll.all_ones()),
        critical_glitch: test.then(|| roll.all_ones()),
        ..answer
    }
}

fn terms(roll: &Roll) -> Vec<RolledTerm> {
    let throw = |throw: &rules::dice::Throw| Throw {
        die: throw.die.into(),
        face: throw.face.into(),
        value: throw.value,
        state: match throw.state {
            State::Kept => "kept",
            State::Dropped => "dropped",
            State::Rerolled => "rerolled",
        }
        .to_owned(),
    };
    let term = |term: &rules::dice::RolledTerm| RolledTerm {
        sides: term.sides,
        label: term.label.as_deref().map(str::to_owned),
        total: term.total,
        throws: roll.throws[term.throws.clone()].iter().map(throw).collect(),
    };
    roll.terms.iter().map(term).collect()
}

/// A notation, in short.
pub fn notation_roll(notation: &Notation, chances: &Chances, face: &mut Face<'_>) -> NotationRoll {
    let roll = notation.roll(face);
    let (total, modifier) = (whole(roll.total), whole(notation.modifier()));
    NotationRoll {
        notation: notation.to_string(),
        rolls: narrow_all(&roll.rolls()),
        dice: to_lists(&roll.faces()),
        sum: total - modifier,
        modifier,
        total,
        exploding: notation.exploding(),
        successes: notation.counts_successes().then_some(total),
        chance: chances.of_at_least(notation, roll.total),
    }
}

/// Dice of one kind, each of which is held against a target number.
pub struct TargetDice {
    notation: Notation,
    target_number: i64,
}

impl TargetDice {
    /// Reads plain or exploding dice.
    pub fn read(text: &str, target_number: i32) -> Result<TargetDice, Status> {
        let notation = read(text, None)?;
        let plain = matches!(notation.expr(), Expr::Dice(dice)
            if dice.modifiers.iter().all(|modifier| matches!(modifier, Modifier::Explode { .. })));
        if !plain || notation.repeats() > 1 {
            let message = format!("{text:?} must be dice of one kind that may explode, such as 8d6 or 8d6!");
            return Err(status::error(ErrorCode::InvalidInput, message));
        }
        Ok(TargetDice { notation, target_number: i64::from(target_number).max(LEAST.into()) })
    }

    pub fn roll(&self, face: &mut Face<'_>) -> TargetRoll {
        let roll = self.notation.roll(face);
        let rolls = roll.rolls();
        let failures: Vec<i64> = rolls.iter().copied().filter(|total| *total < self.target_number).collect();
        TargetRoll {
            notation: self.notation.to_string(),
            target_number: narrow(self.target_number),
            successes: (rolls.len() - failures.len()) as u32,
            failure_count: failures.len() as u32,
            failures: narrow_all(&failures),
            rolls: narrow_all(&rolls),
            dice: to_lists(&roll.faces()),
            all_ones: roll.all_ones(),
            exploding: self.notation.exploding(),
        }
    }
}

/// Several pools of one success test.
pub struct Pools {
    pools: Vec<(String, u32)>,
    target_number: u32,
}

impl Pools {
    /// Reads pools of plain six-sided dice, together at most as many as a test may have.
    pub fn read(pools: &[Pool], target_number: i32) -> Result<Pools, Status> {
        let mut read_pools = Vec::with_capacity(pools.len());
        let mut dice = 0;
        for Pool { name, notation } in pools {
            let parsed = read(notation, None)?.without_explosions();
            let count = match parsed.expr() {
                Expr::Dice(dice) if dice.modifiers.is_empty() && parsed.repeats() == 1 => {
                    match (&dice.count, &dice.sides) {
                        (Amount::Fixed(count), Sides::Numbers(Amount::Fixed(6))) => Some(*count),
                        _ => None,
                    }
                }
                _ => None,
            };
            let count = count.ok_or_else(|| {
                let message = format!("the pool {name:?} must be plain six-sided dice, such as 6d6, not {notation:?}");
                status::error(ErrorCode::InvalidInput, message)
            })?;
            dice += count;
            read_pools.push((name.clone(), count));
        }
        if dice > MAX_POOL {
            let message = format!("the pools have {dice} dice together; a test has at most {MAX_POOL}");
            return Err(status::error(ErrorCode::InvalidInput, message));
        }
        let target_number = u32::try_from(target_number).unwrap_or_default();
        Ok(Pools { pools: read_pools, target_number })
    }

    pub fn roll(&self, face: &mut Face<'_>) -> Result<PoolsRoll, Status> {
        let mut pools = Vec::with_capacity(self.pools.len());
        let mut all = Vec::new();
        for (name, count) in &self.pools {
            let test = shadowrun2::success_test(*count, self.target_number, || face(6)).map_err(|e| refuse(&e))?;
            pools.push(PoolRoll {
                name: name.clone(),
                notation: format!("{count}d6"),
                rolls: to_i32s(&test.rolls()),
                dice: to_lists(&test.faces()),
                successes: test.successes,
            });
            all.extend(test.dice);
        }
        let test = SuccessTest::of(self.target_number, all);
        Ok(PoolsRoll {
            pools,
            target_number: to_i32(test.target_number),
            pool: test.dice.len() as u32,
            rolls: to_i32s(&test.rolls()),
            successes: test.successes,
            all_ones: test.all_ones,
        })
    }
}

/// Who acts in which phase, the highest first. Characters are given in the order of their initiative.
pub fn phase_order(characters: &[CombatantInitiative]) -> Vec<PhaseActors> {
    let mut order: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for character in characters {
        for phase in &character.phases {
            order.entry(*phase).or_default().push(character.name.clone());
        }
    }
    order.into_iter().rev().map(|(phase, actors)| PhaseActors { phase, actors }).collect()
}

/// The turn in a sentence.
pub fn turn_summary(characters: &[CombatantInitiative]) -> String {
    let told = characters.iter().map(|character| {
        let (name, initiative, actions) = (&character.name, character.initiative, character.phases.len());
        format!("{name} {initiative} ({actions} {})", if actions == 1 { "action" } else { "actions" })
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The figures of a notation's odds.
pub fn odds(notation: &Notation, odds: &Odds, at_least: Option<i64>, with_outcomes: bool) -> GetOddsResponse {
    let distribution = &odds.distribution;
    let chance = at_least.map(|total| distribution.chance_of_at_least(Value::whole(total)));
    let mut outcomes = Vec::new();
    if with_outcomes && distribution.outcomes().len() <= MAX_OUTCOMES {
        let mut above = distribution.all().clone();
        for (total, ways) in distribution.outcomes() {
            let ratio = |ways: num_bigint::BigUint| Ratio::new(ways, distribution.all().clone()).to_f64();
            outcomes.push(Outcome {
                total: total.to_string(),
                ways: ways.to_string(),
                chance: ratio(ways.clone()),
                at_least: ratio(above.clone()),
            });
            above -= ways;
        }
    }
    let mut reading = notation.notes().to_vec();
    if notation.repeats() > 1 {
        reading.push(format!("the odds are those of each of the {} repeats", notation.repeats()));
    }
    GetOddsResponse {
        notation: notation.to_string(),
        reading,
        mean: distribution.mean(),
        deviation: distribution.deviation(),
        lowest: distribution.lowest().to_string(),
        highest: distribution.highest().to_string(),
        percentiles: PERCENTILES
            .iter()
            .map(|percent| Percentile { percent: *percent, total: distribution.percentile(*percent).to_string() })
            .collect(),
        chance: chance.as_ref().map(Ratio::to_f64),
        chance_exact: chance.map(|chance| chance.to_string()),
        disaster: odds.disaster.as_ref().map(Ratio::to_f64),
        disaster_exact: odds.disaster.as_ref().map(Ratio::to_string),
        error: odds.error,
        ways: distribution.all().to_string(),
        outcomes,
    }
}

pub fn result(successes: u32) -> String {
    if successes == 0 { "failure" } else { "success" }.to_owned()
}

pub fn winner(winner: Winner) -> String {
    match winner {
        Winner::First => "first",
        Winner::Second => "second",
        Winner::Tie => "tie",
    }
    .to_owned()
}

/// A total, rounded down.
pub fn whole(value: Value) -> i64 {
    value.floor().numerator()
}

pub fn to_lists<T: ToPrimitive>(faces: &[Vec<T>]) -> Vec<prost_types::ListValue> {
    faces.iter().map(|die| structs::list(die.iter().map(|face| face.to_f64().unwrap_or_default()))).collect()
}

/// Faces and totals are far below the limit.
pub fn to_i32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub fn to_i32s(numbers: &[u32]) -> Vec<i32> {
    numbers.iter().map(|number| to_i32(*number)).collect()
}

/// Totals of dice are far below the limit.
pub fn narrow(number: i64) -> i32 {
    number.to_i32().unwrap_or(i32::MAX)
}

pub fn narrow_all(numbers: &[i64]) -> Vec<i32> {
    numbers.iter().map(|number| narrow(*number)).collect()
}
