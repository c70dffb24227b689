//! What an expression can cost and come to at its worst, computed before it is rolled.

use super::ast::{Amount, Dice, Expr, Function, Group, Matcher, Modifier, Operator, Selector, Sides, Test};
use super::error::NotationErrorKind as Kind;
use super::limits::{MAX_CONSTANT, MAX_DENOMINATOR, MAX_DICE, MAX_EXPLOSIONS, MAX_SIDES, MAX_THROWS, chain_limit};
use super::value::Value;
use crate::shadowrun2::{MAX_POOL, MAX_TARGET_NUMBER};

/// The worst an expression can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Nothing below this comes out.
    pub low: i64,
    /// Nothing above this comes out.
    pub high: i64,
    /// Denominators of totals divide or stay below this; 1 if every total is whole.
    pub denominator: i64,
    /// Most throws of a die.
    pub throws: u64,
    /// Most dice thrown, explosions not counted.
    pub dice: u64,
}

impl Bound {
    fn of_number(value: Value) -> Bound {
        let (low, high) = (value.floor().numerator(), value.ceil().numerator());
        Bound { low, high, denominator: value.denominator(), throws: 0, dice: 0 }
    }

    /// Both are rolled; what comes out of them is given.
    fn both(self, other: Bound, low: i64, high: i64, denominator: i64) -> Result<Bound, Kind> {
        let (throws, dice) = (self.throws + other.throws, self.dice + other.dice);
        Bound { low, high, denominator, throws, dice }.checked()
    }

    fn checked(self) -> Result<Bound, Kind> {
        if self.dice > u64::from(MAX_DICE) {
            return Err(Kind::TooManyDice);
        }
        if self.throws > MAX_THROWS {
            return Err(Kind::TooManyThrows);
        }
        if self.low < -MAX_CONSTANT || self.high > MAX_CONSTANT {
            return Err(Kind::Constant);
        }
        if self.denominator > MAX_DENOMINATOR {
            return Err(Kind::Fraction);
        }
        Ok(self)
    }
}

/// The bound of an expression.
///
/// # Errors
///
/// The limit that it may pass.
pub(super) fn bound(expr: &Expr) -> Result<Bound, Kind> {
    match expr {
        Expr::Number(value) => Bound::of_number(*value).checked(),
        Expr::Dice(dice) => of_dice(dice),
        Expr::Test(test) => of_test(*test),
        Expr::Opposed(first, second) => {
            let (first, second) = (of_test(*first)?, of_test(*second)?);
            first.both(second, -second.high, first.high, 1)
        }
        Expr::Group(group) => of_group(group),
        Expr::Sum(terms) => {
            let mut sum = Bound::of_number(Value::ZERO);
            for term in terms {
                let part = bound(&term.expr)?;
                let (low, high) = if term.negative { (-part.high, -part.low) } else { (part.low, part.high) };
                let denominator = sum.denominator.saturating_mul(part.denominator);
                sum = sum.both(part, sum.low + low, sum.high + high, denominator)?;
            }
            Ok(sum)
        }
        Expr::Binary(operator, pair) => of_binary(*operator, bound(&pair.0)?, bound(&pair.1)?, &pair.1),
        Expr::Call(function, parts) => {
            let mut parts = parts.iter().map(bound);
            let first = parts.next().ok_or(Kind::Arguments)??;
            let mut result = match function {
                Function::Floor | Function::Ceil | Function::Round => Bound { denominator: 1, ..first },
                Function::Abs if first.low >= 0 => first,
                Function::Abs => Bound { low: 0, high: first.high.max(-first.low), ..first },
                Function::Min | Function::Max => first,
            };
            for part in parts {
                let part = part?;
                let choose = if *function == Function::Min { i64::min } else { i64::max };
                let (low, high) = (choose(result.low, part.low), choose(result.high, part.high));
                result = result.both(part, low, high, result.denominator.saturating_mul(part.denominator))?;
            }
            Ok(result)
        }
        Expr::Label(expr, _) => bound(expr),
        Expr::Check(_, pair) => bound(&pair.0)?.both(bound(&pair.1)?, 0, 1, 1),
    }
}

fn of_binary(operator: Operator, left: Bound, right: Bound, exponent: &Expr) -> Result<Bound, Kind> {
    let corners = |f: fn(i64, i64) -> i64| {
        let all = [f(left.low, right.low), f(left.low, right.high), f(left.high, right.low), f(left.high, right.high)];
        (all.into_iter().min().unwrap_or(0), all.into_iter().max().unwrap_or(0))
    };
    match operator {
        Operator::Multiply => {
            let (low, high) = corners(i64::saturating_mul);
            left.both(right, low, high, left.denominator.saturating_mul(right.denominator))
        }
        Operator::Divide | Operator::DivideDown => {
            if right.low <= 0 && right.high >= 0 {
                return Err(Kind::DivisionByZero);
            }
            // A divisor may be a fraction as small as one over its denominator.
            let most = left.high.max(-left.low).saturating_mul(right.denominator);
            let largest = right.high.max(-right.low);
            let denominator = match operator {
                Operator::DivideDown => 1,
                _ => left.denominator.saturating_mul(largest).saturating_mul(right.denominator),
            };
            let low = if left.low < 0 || right.low < 0 { -most - 1 } else { 0 };
            left.both(right, low, most, denominator)
        }
        Operator::Remainder => {
            if left.low < 0 || right.low <= 0 {
                return Err(Kind::Remainder);
            }
            left.both(right, 0, right.high, left.denominator.saturating_mul(right.denominator))
        }
        Operator::Power => {
            let exponent = exponent_of(exponent).ok_or(Kind::Exponent)?;
            let (low, high) = (left.low.saturating_pow(exponent), left.high.saturating_pow(exponent));
            let low = if left.low < 0 && exponent % 2 == 0 { 0 } else { low.min(high) };
            let high = high.max(left.low.saturating_pow(exponent)).max(1);
            left.both(right, low, high, left.denominator.saturating_pow(exponent))
        }
    }
}

/// The exponent of a power, a constant from 0 to 10.
pub(super) fn exponent_of(expr: &Expr) -> Option<u32> {
    let Expr::Number(value) = expr else { return None };
    value.to_whole().and_then(|number| u32::try_from(number).ok()).filter(|exponent| *exponent <= 10)
}

/// The bound of a success test; its limits are those of the rules.
fn of_test(test: Test) -> Result<Bound, Kind> {
    if !(1..=MAX_POOL).contains(&test.pool) {
        return Err(Kind::Test);
    }
    if test.target_number > MAX_TARGET_NUMBER {
        return Err(Kind::TargetNumber);
    }
    let throws_a_die = if test.target_number > 6 { test.target_number.div_ceil(6) } else { 1 };
    let dice = u64::from(test.pool);
    let throws = dice * u64::from(throws_a_die);
    Bound { low: 0, high: i64::from(test.pool), denominator: 1, throws, dice }.checked()
}

/// The bound of dice of one kind.
///
/// # Errors
///
/// The limit that they may pass, or why they would never come to rest.
pub(super) fn of_dice(dice: &Dice) -> Result<Bound, Kind> {
    let count = of_amount(&dice.count, MAX_DICE, Kind::Count)?;
    let (faces, inner) = match &dice.sides {
        Sides::Numbers(amount) => {
            let sides = of_amount(amount, MAX_SIDES, Kind::Sides)?;
            (Faces { lowest: 1, fewest: sides.low, most: sides.high }, sides)
        }
        Sides::Fate | Sides::FateRare => (Faces { lowest: -1, fewest: 3, most: 3 }, Bound::of_number(Value::ZERO)),
    };
    let (mut low, mut high) = (faces.lowest, faces.lowest + faces.most - 1);
    let (mut fewest_dice, mut most_dice) = (count.low, count.high);
    let mut throws_a_die: u64 = 1;
    let mut units_a_die: i64 = 1;
    let mut further_dice: u64 = 0;
    for modifier in &dice.modifiers {
        match modifier {
            Modifier::Minimum(value) => {
                low = low.max(i64::from(*value));
                high = high.max(i64::from(*value));
            }
            Modifier::Maximum(value) => {
                low = low.min(i64::from(*value));
                high = high.min(i64::from(*value));
            }
            Modifier::Explode { compound, penetrate, on, limit } => {
                let most = match (limit, faces.longest_chain(on)) {
                    (Some(limit), _) => *limit,
                    (None, Some(longest)) => longest,
                    (None, None) if on.is_empty() => return Err(Kind::NeverStops),
                    (None, None) => return Err(Kind::ExplodesForEver),
                };
                throws_a_die = throws_a_die.saturating_mul(u64::from(most) + 1);
                let further_low = faces.lowest.min(low).saturating_sub(i64::from(*penetrate));
                high = high.max(faces.lowest + faces.most - 1);
                if *compound {
                    low = low.saturating_add(i64::from(most).saturating_mul(further_low.min(0)));
                    high = (i64::from(most) + 1).saturating_mul(high);
                } else {
                    low = low.min(further_low);
                    units_a_die = units_a_die.saturating_mul(i64::from(most) + 1);
                }
            }
            Modifier::Reroll { once, on } => {
                let most = match (once, faces.longest_chain(on)) {
                    (true, _) => 1,
                    (false, Some(longest)) => longest,
                    (false, None) => return Err(Kind::RerollsForEver),
                };
                throws_a_die = throws_a_die.saturating_mul(u64::from(most) + 1);
                (low, high) = (low.min(faces.lowest), high.max(faces.lowest + faces.most - 1));
            }
            Modifier::Unique { once, .. } => {
                if !once && most_dice.saturating_mul(units_a_die) > faces.fewest {
                    return Err(Kind::NeverUnique);
                }
                let most = if *once { 1 } else { MAX_EXPLOSIONS };
                throws_a_die = throws_a_die.saturating_mul(u64::from(most) + 1);
                (low, high) = (low.min(faces.lowest), high.max(faces.lowest + faces.most - 1));
            }
            Modifier::RerollAndAdd { .. } => {
                further_dice += 1;
                most_dice = most_dice.saturating_mul(units_a_die).saturating_add(1);
                units_a_die = 1;
                (low, high) = (low.min(faces.lowest), high.max(faces.lowest + faces.most - 1));
            }
            Modifier::Filter { keep, selectors } => {
                (fewest_dice, most_dice) =
                    left_by(*keep, selectors, fewest_dice, most_dice.saturating_mul(units_a_die));
                if most_dice == 0 {
                    return Err(Kind::NothingLeft);
                }
                units_a_die = 1;
            }
            Modifier::Count { failure, .. } => (low, high) = (if failure.is_empty() { 0 } else { -1 }, 1),
            Modifier::Sort { .. } => {}
        }
    }
    let most = most_dice.saturating_mul(units_a_die);
    let total_low = low.saturating_mul(if low < 0 { most } else { fewest_dice });
    let total_high = high.saturating_mul(if high > 0 { most } else { fewest_dice });
    let throws =
        u64::try_from(count.high).unwrap_or(u64::MAX).saturating_add(further_dice).saturating_mul(throws_a_die);
    let thrown = u64::try_from(count.high).unwrap_or(u64::MAX);
    Bound {
        low: total_low,
        high: total_high,
        denominator: 1,
        throws: throws.saturating_add(inner.throws).saturating_add(count.throws),
        dice: thrown.saturating_add(inner.dice).saturating_add(count.dice),
    }
    .checked()
}

/// How many dice are left of so many: at least, at most.
fn left_by(keep: bool, selectors: &[Selector], fewest: i64, most: i64) -> (i64, i64) {
    let compares = selectors.iter().any(|selector| matches!(selector, Selector::Compare(_)));
    let rank = |selector: &Selector| match selector {
        Selector::Highest(count) | Selector::Lowest(count) => i64::from(*count),
        Selector::Compare(_) => 0,
    };
    // Selectors may select the same dice, or all of them others.
    let (fewest_selected, most_selected) =
        (selectors.iter().map(rank).max().unwrap_or(0), selectors.iter().map(rank).sum::<i64>());
    match (keep, compares) {
        (true, false) => (fewest_selected.min(fewest), most_selected.min(most)),
        (false, false) => ((fewest - most_selected).max(0), (most - fewest_selected).max(0)),
        (_, true) => (0, most),
    }
}

fn of_group(group: &Group) -> Result<Bound, Kind> {
    let mut all = Bound::of_number(Value::ZERO);
    let (mut low, mut high) = (0, 0);
    for member in &group.members {
        let part = bound(member)?;
        all = all.both(
            part,
            all.low.saturating_add(part.low.min(0)),
            all.high.saturating_add(part.high.max(0)),
            all.denominator.saturating_mul(part.denominator),
        )?;
        low += part.low;
        high += part.high;
    }
    let members = i64::try_from(group.members.len()).unwrap_or(i64::MAX);
    let mut left = members;
    for modifier in &group.modifiers {
        match modifier {
            Modifier::Filter { keep, selectors } => {
                left = left_by(*keep, selectors, left, left).1;
                if left == 0 {
                    return Err(Kind::NothingLeft);
                }
                (low, high) = (all.low, all.high);
            }
            Modifier::Count { .. } => {
                (low, high) = (-members, members);
                all.denominator = 1;
            }
            _ => {}
        }
    }
    Bound { low, high, ..all }.checked()
}

/// The bound of a number of dice or sides.
fn of_amount(amount: &Amount, most: u32, refusal: Kind) -> Result<Bound, Kind> {
    let bound = match amount {
        Amount::Fixed(number) => Bound::of_number(Value::whole(i64::from(*number))),
        Amount::Rolled(expr) => bound(expr)?,
    };
    if bound.denominator != 1 {
        return Err(Kind::NotWhole);
    }
    if bound.low < 1 || bound.high > i64::from(most) {
        return Err(refusal);
    }
    Ok(bound)
}

/// The faces of a die, whole numbers from the lowest; how many may depend on a roll.
struct Faces {
    lowest: i64,
    fewest: i64,
    most: i64,
}

impl Faces {
    /// How often a die that matches is thrown again at most, whatever number of faces it has; `None` if it may be one
    /// all of whose faces match.
    fn longest_chain(&self, on: &Matcher) -> Option<u32> {
        if on.is_empty() {
            return (self.fewest > 1).then(|| chain_limit(1, u32::try_from(self.fewest).unwrap_or(u32::MAX)));
        }
        let mut matching = 0;
        let mut longest = 0;
        for faces in 1..=self.most {
            matching += u32::from(on.matches(self.lowest + faces - 1));
            if faces < self.fewest {
                continue;
            }
            if i64::from(matching) == faces {
                return None;
            }
            longest = longest.max(chain_limit(matching, u32::try_from(faces).unwrap_or(u32::MAX)));
        }
        Some(longest)
    }
}
