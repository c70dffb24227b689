//! Reading groups: `{4d6,3d8}kh1`, `{4d6+2d8}kh4`, and what Avrae writes in round brackets.

use super::sum::Sum;
use super::{Kind, Parser, Read};
use crate::dice::ast::{Amount, Dice, Expr, Group, Modifier, Selector, Term};
use crate::dice::bound;
use crate::dice::dialect::Dialect;
use crate::dice::value::Value;

/// Most dice of a sum whose dice become members of a group.
const MAX_MEMBERS: u32 = 40;

impl Parser<'_> {
    /// `(1d6, 1d8)kh1`, as Avrae writes groups; nothing is read if it is no list.
    pub(super) fn avrae_set(&mut self, start: usize) -> Read<Option<Expr>> {
        let mut depth = 0;
        let is_list = self.rest().bytes().map_while(|byte| {
            match byte {
                b'(' | b'{' | b'[' => depth += 1,
                b')' | b'}' | b']' => depth -= 1,
                _ => {}
            }
            (depth > 0).then_some(depth == 1 && byte == b',')
        });
        if !is_list.into_iter().any(|separates| separates) {
            return Ok(None);
        }
        self.group(start, b')').map(Some)
    }

    /// `{4d6,3d8}kh1`.
    pub(super) fn braces(&mut self) -> Read<Expr> {
        let start = self.position;
        self.group(start, b'}')
    }

    fn group(&mut self, start: usize, closing: u8) -> Read<Expr> {
        self.deeper()?;
        self.position += 1;
        let mut members = Vec::new();
        loop {
            self.skip_spaces();
            members.push(self.sum()?);
            self.skip_spaces();
            if !self.take(b',') {
                break;
            }
        }
        self.close(closing)?;
        self.depth -= 1;
        let mut group = Group { members, modifiers: Vec::new() };
        self.group_modifiers(&mut group)?;
        if self.dialect == Dialect::Foundry && group.members.len() == 1 && !group.modifiers.is_empty() {
            return self.foundry_group_of_one(group, start);
        }
        if let [Expr::Sum(terms)] = group.members.as_slice()
            && !group.modifiers.is_empty()
            && let Some((mut dice, constant)) = single_dice(terms)
            && (constant == Value::ZERO || !group.modifiers.iter().any(|it| matches!(it, Modifier::Count { .. })))
        {
            self.note(|| "the dice of the sum are each a member of the group".to_owned());
            for _ in &dice {
                self.part(start)?;
            }
            let chosen = match (dice.pop(), dice.is_empty()) {
                (Some(die), true) => self.single_group(Group { members: vec![die], ..group }, start)?,
                (last, _) => {
                    dice.extend(last);
                    Expr::Group(Box::new(Group { members: dice, ..group }))
                }
            };
            let mut sum = Sum::new();
            sum.add(chosen, false);
            sum.add(Expr::Number(constant), false);
            return Ok(sum.finish());
        } else if group.members.len() == 1 && !group.modifiers.is_empty() {
            return self.single_group(group, start);
        }
        if group.members.len() == 1
            && group.modifiers.is_empty()
            && let Some(member) = group.members.pop()
        {
            return Ok(member);
        }
        Ok(Expr::Group(Box::new(group)))
    }

    /// `{4d6+3d8}k4` in Foundry, where a group keeps the totals of its members: here there is one, which stays.
    fn foundry_group_of_one(&mut self, mut group: Group, start: usize) -> Read<Expr> {
        let keeps_it = |modifier: &Modifier| match modifier {
            Modifier::Filter { keep: true, selectors } => {
                selectors.iter().any(|selector| !matches!(selector, Selector::Compare(_)))
            }
            Modifier::Sort { .. } => true,
            _ => false,
        };
        match group.members.pop() {
            Some(member) if group.modifiers.iter().all(keeps_it) => {
                self.note(|| "a group keeps the totals of its members, here of one, as in foundry".to_owned());
                Ok(member)
            }
            _ => {
                let refusal = self.at(start, self.position, Kind::GroupOfOne);
                let written = &self.text[start..self.position];
                let bare = written.replacen('{', "", 1).replacen('}', "", 1);
                let spelling = format!("{}{bare}{}", &self.text[..start], self.rest());
                Err(if self.reads(&spelling) { refusal.suggest(spelling) } else { refusal })
            }
        }
    }

    /// `{4d6}kh3`: a group of one set of dice, whose dice are meant.
    fn single_group(&mut self, mut group: Group, start: usize) -> Read<Expr> {
        match group.members.pop() {
            Some(Expr::Dice(mut dice)) if dice.modifiers.is_empty() => {
                dice.modifiers = group.modifiers;
                bound::of_dice(&dice).map_err(|kind| self.at(start, self.position, kind))?;
                Ok(Expr::Dice(dice))
            }
            _ => Err(self
                .at(start, self.position, Kind::GroupModifier)
                .suggest("a group of several, as in {4d6,3d8}kh1")),
        }
    }
}

/// The dice of a sum, each by itself, and its constant, if it adds only plain dice.
fn single_dice(terms: &[Term]) -> Option<(Vec<Expr>, Value)> {
    let (mut single, mut constant) = (Vec::new(), Value::ZERO);
    for term in terms {
        let dice = match &term.expr {
            Expr::Number(value) => {
                constant = constant.plus(if term.negative { value.negated() } else { *value });
                continue;
            }
            Expr::Dice(dice) => dice,
            _ => return None,
        };
        let Amount::Fixed(count) = dice.count else { return None };
        if term.negative || !dice.modifiers.is_empty() || single.len() as u32 + count > MAX_MEMBERS {
            return None;
        }
        let one = Dice { count: Amount::Fixed(1), ..(**dice).clone() };
        single.extend((0..count).map(|_| Expr::Dice(Box::new(one.clone()))));
    }
    Some((single, constant))
}
