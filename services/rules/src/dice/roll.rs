//! Rolling an expression: faces in, every face and every total out.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::ast::{Amount, Dice, Expr, Function, Group, Matcher, Modifier, Operator, Selector, Sides, Test};
use super::bound;
use super::limits::{MAX_EXPLOSIONS, MAX_THROWS, chain_limit};
use super::value::Value;

/// One die: every face it showed, and their sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Die {
    /// Faces in the order thrown; more than one if it exploded or the Rule of Six applied.
    pub faces: Vec<u32>,
    /// Their sum.
    pub total: u32,
}

/// What became of a throw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It counts.
    Kept,
    /// It was dropped.
    Dropped,
    /// It was thrown again.
    Rerolled,
}

/// One throw of a die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throw {
    /// What it counts: the face, unless something changed it. Where dice are counted, still what it shows.
    pub value: i32,
    /// The face it showed: 1 to its sides, or -1 to 1.
    pub face: i16,
    /// The die it belongs to, from 0 over the whole roll. Further dice by explosion belong to the one that exploded.
    pub die: u16,
    /// What became of it.
    pub state: State,
    /// 1 if it was counted as a success, -1 as a failure, otherwise 0.
    pub counted: i8,
}

/// The dice of one kind within a roll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledTerm {
    /// Its throws.
    pub throws: Range<usize>,
    /// Sides of its dice; 3 and 6 for Fate's.
    pub sides: u32,
    /// Its label, and those around it.
    pub label: Option<Arc<str>>,
    /// What it came to.
    pub total: i64,
}

/// An expression, rolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// Every throw, in order; sorted dice in their order.
    pub throws: Vec<Throw>,
    /// The terms with dice, in the order rolled.
    pub terms: Vec<RolledTerm>,
    /// The total of each repeat; empty if the roll is not repeated.
    pub results: Vec<Value>,
    /// What it came to, all repeats together.
    pub total: Value,
}

impl Roll {
    /// The total of each die, in order over all terms, dropped ones included.
    pub fn rolls(&self) -> Vec<i64> {
        let mut rolls: Vec<i64> = Vec::with_capacity(self.throws.len());
        let mut last = None;
        for throw in &self.throws {
            if last != Some(throw.die) {
                rolls.push(0);
                last = Some(throw.die);
            }
            if throw.state != State::Rerolled
                && let Some(roll) = rolls.last_mut()
            {
                *roll += i64::from(throw.value);
            }
        }
        rolls
    }

    /// The faces of each die, in order over all terms, rerolled ones included.
    pub fn faces(&self) -> Vec<Vec<i64>> {
        let mut dice: Vec<Vec<i64>> = Vec::with_capacity(self.throws.len());
        let mut last = None;
        for throw in &self.throws {
            if last != Some(throw.die) {
                dice.push(Vec::with_capacity(1));
                last = Some(throw.die);
            }
            if let Some(die) = dice.last_mut() {
                die.push(i64::from(throw.face));
            }
        }
        dice
    }

    /// Whether there are dice and each of them came up one: the Rule of One, of a success test.
    pub fn all_ones(&self) -> bool {
        !self.throws.is_empty() && self.throws.iter().all(|throw| throw.face == 1)
    }
}

/// Rolls an expression so many times, with a place for so many throws: their number is bounded, and to make room for more
/// while rolling would take twice the memory.
pub(super) fn roll(expr: &Expr, repeats: Option<u32>, throws: u64, face: impl FnMut(u32) -> u32) -> Roll {
    let mut terms = 0;
    expr.visit(&mut |part| {
        terms += match part {
            Expr::Dice(_) | Expr::Test(_) => 1,
            Expr::Opposed(..) => 2,
            _ => 0,
        }
    });
    let terms = Vec::with_capacity(terms * repeats.unwrap_or(1) as usize);
    let throws = Vec::with_capacity(throws.min(MAX_THROWS) as usize);
    let mut table = Table { face, throws, terms, dice: 0, label: None };
    let Some(repeats) = repeats else {
        let total = table.value(expr);
        return Roll { throws: table.throws, terms: table.terms, results: Vec::new(), total };
    };
    let results: Vec<Value> = (0..repeats).map(|_| table.value(expr)).collect();
    let total = results.iter().fold(Value::ZERO, |sum, result| sum.plus(*result));
    Roll { throws: table.throws, terms: table.terms, results, total }
}

/// The dice on the table.
struct Table<F> {
    face: F,
    throws: Vec<Throw>,
    terms: Vec<RolledTerm>,
    dice: u16,
    label: Option<Arc<str>>,
}

/// What is kept, dropped and counted as one: a die, or a die and what it brought by compounding.
#[derive(Clone, Copy)]
struct Unit {
    value: i32,
    first: u32,
    throws: u16,
    kept: bool,
}

/// What a die can show: faces from 1, or Fate's.
#[derive(Clone, Copy)]
struct Cube {
    sides: u32,
    fate: Option<bool>,
}

impl Cube {
    /// The value on a face, the faces being numbered from 1.
    fn value(self, face: u32) -> i32 {
        let face = face.clamp(1, self.sides) as i32;
        match self.fate {
            None => face,
            Some(false) => face - 2,
            Some(true) => i32::from(face == 6) - i32::from(face == 1),
        }
    }

    fn lowest(self) -> i32 {
        if self.fate.is_some() { -1 } else { 1 }
    }

    fn values(self) -> u32 {
        if self.fate.is_some() { 3 } else { self.sides }
    }

    fn highest(self) -> i32 {
        self.lowest() + self.values() as i32 - 1
    }

    /// How often a die that matches is thrown again at most.
    fn chain_limit(self, on: &Matcher, lowest: bool) -> u32 {
        let values = self.lowest()..=self.highest();
        let matching = values.filter(|value| self.matches(on, *value, lowest)).count();
        chain_limit(matching as u32, self.values())
    }

    /// Whether a value matches; if nothing was given, the lowest or highest does.
    fn matches(self, on: &Matcher, value: i32, lowest: bool) -> bool {
        match (on.is_empty(), lowest) {
            (false, _) => on.matches(value.into()),
            (true, true) => value == self.lowest(),
            (true, false) => value == self.highest(),
        }
    }
}

impl<F: FnMut(u32) -> u32> Table<F> {
    fn value(&mut self, expr: &Expr) -> Value {
        match expr {
            Expr::Number(value) => *value,
            Expr::Dice(dice) => Value::whole(self.dice(dice)),
            Expr::Test(test) => Value::whole(self.test(*test)),
            Expr::Opposed(first, second) => Value::whole(self.test(*first) - self.test(*second)),
            Expr::Group(group) => self.group(group),
            Expr::Sum(terms) => terms.iter().fold(Value::ZERO, |sum, term| {
                let value = self.value(&term.expr);
                sum.plus(if term.negative { value.negated() } else { value })
            }),
            Expr::Binary(operator, pair) => {
                let left = self.value(&pair.0);
                let right = self.value(&pair.1);
                combine(*operator, left, right)
            }
            Expr::Call(function, parts) => {
                let mut values = parts.iter().map(|part| self.value(part));
                let first = values.next().unwrap_or(Value::ZERO);
                values.fold(call(*function, first), |result, value| call_next(*function, result, value))
            }
            Expr::Label(expr, label) => {
                let outer = self.label.replace(label.as_str().into());
                let value = self.value(expr);
                self.label = outer;
                value
            }
            Expr::Check(comparator, pair) => {
                let left = self.value(&pair.0);
                let right = self.value(&pair.1);
                Value::whole(comparator.holds(&left, &right).into())
            }
        }
    }

    fn amount(&mut self, amount: &Amount) -> u32 {
        match amount {
            Amount::Fixed(number) => *number,
            Amount::Rolled(expr) => {
                let value = self.value(expr).to_whole().unwrap_or(0);
                u32::try_from(value).unwrap_or(0)
            }
        }
    }

    fn throw(&mut self, cube: Cube, die: u16) -> i32 {
        let value = cube.value((self.face)(cube.sides));
        // A face is at most 1,000.
        self.throws.push(Throw { value, face: value as i16, die, state: State::Kept, counted: 0 });
        value
    }

    fn dice(&mut self, dice: &Dice) -> i64 {
        let count = self.amount(&dice.count);
        let cube = match &dice.sides {
            Sides::Numbers(amount) => Cube { sides: self.amount(amount).max(1), fate: None },
            Sides::Fate => Cube { sides: 3, fate: Some(false) },
            Sides::FateRare => Cube { sides: 6, fate: Some(true) },
        };
        let start = self.throws.len();
        let mut total = 0;
        if dice.modifiers.is_empty() {
            for _ in 0..count {
                let die = self.dice;
                self.dice = self.dice.saturating_add(1);
                total += i64::from(self.throw(cube, die));
            }
        } else {
            total = self.modified(&dice.modifiers, cube, count);
        }
        self.terms.push(RolledTerm {
            throws: start..self.throws.len(),
            sides: cube.sides,
            label: self.label.clone(),
            total,
        });
        total
    }

    /// Dice with modifiers. Those that concern a die by itself are done with before the next die is thrown.
    fn modified(&mut self, modifiers: &[Modifier], cube: Cube, count: u32) -> i64 {
        let start = self.throws.len();
        let alone = modifiers.iter().take_while(|modifier| concerns_a_die_by_itself(modifier)).count();
        let (alone, together) = modifiers.split_at(alone);
        let mut units: Vec<Unit> = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let die = self.dice;
            self.dice = self.dice.saturating_add(1);
            let from = units.len();
            let first = self.throws.len() as u32;
            let value = self.throw(cube, die);
            units.push(Unit { value, first, throws: 1, kept: true });
            for modifier in alone {
                self.change(modifier, cube, &mut units, from);
            }
        }
        let mut counted = None;
        let mut sorted = None;
        for modifier in together {
            match modifier {
                Modifier::Filter { keep, selectors } => {
                    let value = |index: usize| units[index].kept.then_some(units[index].value);
                    let stays = filter(*keep, selectors, units.len(), value, |value| Some(value.into()));
                    for (unit, stays) in units.iter_mut().zip(stays) {
                        if unit.kept && !stays {
                            unit.kept = false;
                            self.mark(*unit, State::Dropped);
                        }
                    }
                }
                Modifier::Count { success, failure } => {
                    let mut count = 0;
                    for unit in units.iter().filter(|unit| unit.kept) {
                        let score = score(success, failure, unit.value.into());
                        self.throws[unit.first as usize].counted = score;
                        count += i64::from(score);
                    }
                    counted = Some(count);
                }
                Modifier::Sort { descending } => sorted = Some(*descending),
                Modifier::Unique { once, on } => self.make_unique(*once, on, cube, &mut units),
                Modifier::RerollAndAdd { on } => {
                    if let Some(unit) = units.iter().find(|unit| unit.kept && on.matches(unit.value.into())) {
                        let first = self.throws.len() as u32;
                        let value = self.throw(cube, self.die_of(*unit));
                        units.push(Unit { value, first, throws: 1, kept: true });
                    }
                }
                modifier => self.change(modifier, cube, &mut units, 0),
            }
        }
        // What was thrown later belongs to its die all the same.
        if !self.throws[start..].is_sorted_by_key(|throw| throw.die) {
            self.throws[start..].sort_by_key(|throw| throw.die);
        }
        if let Some(descending) = sorted {
            self.sort(start, descending);
        }
        counted.unwrap_or_else(|| units.iter().filter(|unit| unit.kept).map(|unit| i64::from(unit.value)).sum())
    }

    /// Does to each unit from the given one on what concerns it by itself.
    fn change(&mut self, modifier: &Modifier, cube: Cube, units: &mut Vec<Unit>, from: usize) {
        match modifier {
            Modifier::Minimum(bound) => self.limit(units, from, |value| value.max(*bound)),
            Modifier::Maximum(bound) => self.limit(units, from, |value| value.min(*bound)),
            Modifier::Explode { compound, penetrate, on, limit } => {
                let mut most = *limit;
                // The further dice lie behind the one that brought them.
                for unit in units.split_off(from) {
                    if unit.kept && cube.matches(on, unit.value, false) {
                        // Found when it is needed: it takes a look at every face.
                        let limit = *most.get_or_insert_with(|| cube.chain_limit(on, false));
                        self.explode(cube, on, limit, *compound, *penetrate, unit, units);
                    } else {
                        units.push(unit);
                    }
                }
            }
            Modifier::Reroll { once, on } => {
                let mut most = once.then_some(1);
                for unit in &mut units[from..] {
                    if !unit.kept || !cube.matches(on, unit.value, true) {
                        continue;
                    }
                    for _ in 0..*most.get_or_insert_with(|| cube.chain_limit(on, true)) {
                        if !cube.matches(on, unit.value, true) {
                            break;
                        }
                        self.reroll(cube, unit);
                    }
                }
            }
            Modifier::Unique { .. }
            | Modifier::RerollAndAdd { .. }
            | Modifier::Filter { .. }
            | Modifier::Count { .. }
            | Modifier::Sort { .. } => {}
        }
    }

    fn limit(&mut self, units: &mut [Unit], from: usize, bounded: impl Fn(i32) -> i32) {
        for unit in &mut units[from..] {
            let value = bounded(unit.value);
            if unit.kept && value != unit.value {
                // What a compounded die gains or loses is noted at its first throw.
                self.throws[unit.first as usize].value += value - unit.value;
                unit.value = value;
            }
        }
    }

    /// Lays down a unit that matches and the further ones that it brings, or the one that it becomes by compounding.
    #[expect(clippy::too_many_arguments, reason = "the parts of one modifier, taken apart by its only caller")]
    fn explode(
        &mut self,
        cube: Cube,
        on: &Matcher,
        limit: u32,
        compound: bool,
        penetrate: bool,
        unit: Unit,
        units: &mut Vec<Unit>,
    ) {
        let (place, die) = (units.len(), self.die_of(unit));
        units.push(unit);
        let mut shown = unit.value;
        for _ in 0..limit {
            if !cube.matches(on, shown, false) {
                break;
            }
            let first = self.throws.len() as u32;
            shown = self.throw(cube, die);
            let value = shown - i32::from(penetrate);
            if let Some(throw) = self.throws.last_mut() {
                throw.value = value;
            }
            if compound {
                units[place].value += value;
                units[place].throws = (first + 1 - unit.first) as u16;
            } else {
                units.push(Unit { value, first, throws: 1, kept: true });
            }
        }
    }

    /// Throws a unit again.
    fn reroll(&mut self, cube: Cube, unit: &mut Unit) {
        let die = self.die_of(*unit);
        self.mark(*unit, State::Rerolled);
        unit.first = self.throws.len() as u32;
        unit.throws = 1;
        unit.value = self.throw(cube, die);
    }

    /// Throws again what was seen before.
    fn make_unique(&mut self, once: bool, on: &Matcher, cube: Cube, units: &mut [Unit]) {
        let mut seen = BTreeSet::new();
        for unit in units.iter_mut().filter(|unit| unit.kept) {
            for _ in 0..if once { 1 } else { MAX_EXPLOSIONS } {
                if !seen.contains(&unit.value) || !(on.is_empty() || on.matches(unit.value.into())) {
                    break;
                }
                self.reroll(cube, unit);
            }
            seen.insert(unit.value);
        }
    }

    fn die_of(&self, unit: Unit) -> u16 {
        self.throws[unit.first as usize].die
    }

    fn mark(&mut self, unit: Unit, state: State) {
        let die = self.die_of(unit);
        let range = unit.first as usize..unit.first as usize + unit.throws as usize;
        for throw in self.throws[range].iter_mut().filter(|throw| throw.die == die) {
            throw.state = state;
        }
    }

    /// Puts the dice thrown since in order of their totals; the throws of a die stay together.
    fn sort(&mut self, start: usize, descending: bool) {
        let throws = &mut self.throws[start..];
        let Some(first) = throws.iter().map(|throw| throw.die).min() else { return };
        let mut totals = vec![0i64; self.dice.saturating_sub(first) as usize + 1];
        for throw in throws.iter().filter(|throw| throw.state != State::Rerolled) {
            totals[(throw.die - first) as usize] += i64::from(throw.value);
        }
        let key = |throw: &Throw| {
            let total = totals[(throw.die - first) as usize];
            (if descending { -total } else { total }, throw.die)
        };
        throws.sort_by_key(key);
    }

    /// A success test; against a target number above 6 the Rule of Six applies.
    fn test(&mut self, test: Test) -> i64 {
        let start = self.throws.len();
        let cube = Cube { sides: 6, fate: None };
        let target = test.target_number as i32;
        let mut successes = 0;
        for _ in 0..test.pool {
            let die = self.dice;
            self.dice = self.dice.saturating_add(1);
            let first = self.throws.len();
            let mut shown = self.throw(cube, die);
            let mut total = shown;
            while target > 6 && shown == 6 && total < target {
                shown = self.throw(cube, die);
                total += shown;
            }
            if total >= target {
                successes += 1;
                self.throws[first].counted = 1;
            }
        }
        let throws = start..self.throws.len();
        self.terms.push(RolledTerm { throws, sides: 6, label: self.label.clone(), total: successes });
        successes
    }

    fn group(&mut self, group: &Group) -> Value {
        let mut values: Vec<Option<Value>> = Vec::with_capacity(group.members.len());
        let mut ranges = Vec::with_capacity(group.members.len());
        for member in &group.members {
            let start = self.throws.len();
            values.push(Some(self.value(member)));
            ranges.push(start..self.throws.len());
        }
        let mut counted = None;
        for modifier in &group.modifiers {
            match modifier {
                Modifier::Filter { keep, selectors } => {
                    let stays = filter(*keep, selectors, values.len(), |index| values[index], Value::to_whole);
                    for ((value, stays), range) in values.iter_mut().zip(stays).zip(&ranges) {
                        if value.is_some() && !stays {
                            *value = None;
                            let dropped = self.throws[range.clone()].iter_mut();
                            dropped.filter(|throw| throw.state == State::Kept).for_each(|t| t.state = State::Dropped);
                        }
                    }
                }
                Modifier::Count { success, failure } => {
                    // Totals of members that are no whole number compare with none.
                    let whole = values.iter().flatten().filter_map(|value| value.to_whole());
                    counted = Some(whole.map(|value| i64::from(score(success, failure, value))).sum());
                }
                _ => {}
            }
        }
        match counted {
            Some(count) => Value::whole(count),
            None => values.into_iter().flatten().fold(Value::ZERO, Value::plus),
        }
    }
}

/// Whether a modifier concerns each die by itself.
pub(super) fn concerns_a_die_by_itself(modifier: &Modifier) -> bool {
    matches!(modifier, Modifier::Minimum(_) | Modifier::Maximum(_) | Modifier::Explode { .. } | Modifier::Reroll { .. })
}

/// What a value counts: a success 1, a failure -1, both or neither 0.
pub(super) fn score(success: &Matcher, failure: &Matcher, value: i64) -> i8 {
    i8::from(success.matches(value)) - i8::from(failure.matches(value))
}

/// Which of so many values stay; a value that is gone already is `None`. Of equal ones the first are selected first.
fn filter<T: Ord + Copy>(
    keep: bool,
    selectors: &[Selector],
    count: usize,
    value: impl Fn(usize) -> Option<T>,
    to_whole: impl Fn(T) -> Option<i64>,
) -> Vec<bool> {
    let mut selected = vec![false; count];
    let mut order: Vec<u32> = Vec::with_capacity(count);
    order.extend((0..count).filter(|index| value(*index).is_some()).map(|index| index as u32));
    for selector in selectors {
        let count = match selector {
            Selector::Highest(count) => {
                order.sort_unstable_by_key(|index| (Reverse(value(*index as usize)), *index));
                *count as usize
            }
            Selector::Lowest(count) => {
                order.sort_unstable_by_key(|index| (value(*index as usize), *index));
                *count as usize
            }
            Selector::Compare(comparison) => {
                for index in order.iter().map(|index| *index as usize) {
                    let whole = value(index).and_then(&to_whole);
                    selected[index] |= whole.is_some_and(|whole| comparison.holds(whole));
                }
                0
            }
        };
        for index in order.iter().take(count) {
            selected[*index as usize] = true;
        }
    }
    if !keep {
        selected.iter_mut().for_each(|selected| *selected = !*selected);
    }
    selected
}

/// What an operator makes of two values. The divisor is not 0: the bound has seen to that.
pub(super) fn combine(operator: Operator, left: Value, right: Value) -> Value {
    match operator {
        Operator::Multiply => left.times(right),
        Operator::Divide => left.over(right).unwrap_or(Value::ZERO),
        Operator::DivideDown => left.over(right).unwrap_or(Value::ZERO).floor(),
        Operator::Remainder => left.remainder(right).unwrap_or(Value::ZERO),
        Operator::Power => left.power(bound::exponent_of(&Expr::Number(right)).unwrap_or(0)),
    }
}

/// What a function makes of its first argument.
pub(super) fn call(function: Function, value: Value) -> Value {
    match function {
        Function::Floor => value.floor(),
        Function::Ceil => value.ceil(),
        Function::Round => value.round(),
        Function::Abs => value.abs(),
        Function::Min | Function::Max => value,
    }
}

/// What a function makes of a further argument.
pub(super) fn call_next(function: Function, result: Value, value: Value) -> Value {
    match function {
        Function::Min => result.min(value),
        Function::Max => result.max(value),
        Function::Floor | Function::Ceil | Function::Round | Function::Abs => result,
    }
}
