//! Reading what stands behind dice: `kh3`, `!>=5`, `ro1`, `>=5f1`, `tn5`, as the dialect means it.

use super::{Kind, Parser, Read, shadowrun_test};
use crate::dice::ast::{Amount, Comparator, Comparison, Dice, Group, Matcher, Modifier, Selector, Sides, Test};
use crate::dice::dialect::Dialect;
use crate::dice::limits::{MAX_COMPARED, MAX_DICE, MAX_EXPLOSIONS};
use crate::dice::value::Value;

impl Parser<'_> {
    /// Everything behind dice. A target number makes them a success test.
    pub(super) fn modifiers(&mut self, dice: &mut Dice, start: usize) -> Read<Option<Test>> {
        let mut modifiers = Modifiers::default();
        loop {
            let before = self.position;
            self.skip_spaces();
            if let Some(test) = self.target_number(dice, &modifiers, start)? {
                return Ok(Some(test));
            }
            if self.advantage(dice, &mut modifiers) {
                continue;
            }
            if self.take(b':') {
                modifiers.fix_order();
                continue;
            }
            // In Avrae, words after a space are a comment.
            let spaced = before < self.position && self.peek().is_some_and(|byte| byte.is_ascii_alphabetic());
            let modifier_start = self.position;
            if (spaced && self.dialect == Dialect::Avrae) || !self.modifier(&mut modifiers)? {
                self.position = before;
                break;
            }
            self.part(modifier_start)?;
            modifiers.check().map_err(|kind| self.at(modifier_start, self.position, kind))?;
        }
        dice.modifiers = self.ordered(modifiers);
        Ok(None)
    }

    /// Everything behind a group: filters, a count, a sort.
    pub(super) fn group_modifiers(&mut self, group: &mut Group) -> Read<()> {
        let mut modifiers = Modifiers::default();
        loop {
            let before = self.position;
            self.skip_spaces();
            if self.take(b':') {
                modifiers.fix_order();
                continue;
            }
            let start = self.position;
            if !self.modifier(&mut modifiers)? {
                self.position = before;
                break;
            }
            self.part(start)?;
            modifiers.check().map_err(|kind| self.at(start, self.position, kind))?;
            let allowed = |modifier: &Modifier| {
                matches!(modifier, Modifier::Filter { .. } | Modifier::Count { .. } | Modifier::Sort { .. })
            };
            if !modifiers.all.iter().all(|(modifier, _)| allowed(modifier)) {
                return Err(self.at(start, self.position, Kind::GroupModifier));
            }
        }
        group.modifiers = self.ordered(modifiers);
        Ok(())
    }

    /// Modifiers in the order in which they work.
    fn ordered(&mut self, modifiers: Modifiers) -> Vec<Modifier> {
        let as_written = self.dialect.keeps_written_order();
        if !as_written && modifiers.keeps_and_drops() {
            let dialect = self.dialect;
            self.note(|| format!("keep and drop each look at all the dice, as in {dialect}"));
        }
        modifiers.ordered(as_written)
    }

    /// `tn5`, in Shadowrun also `t5`.
    fn target_number(&mut self, dice: &Dice, modifiers: &Modifiers, start: usize) -> Read<Option<Test>> {
        let here = self.position;
        if !(self.take_word("tn") || self.dialect == Dialect::Shadowrun && self.take_word("t")) {
            return Ok(None);
        }
        self.skip_spaces();
        let number_start = self.position;
        let target_number = self.signed_number()?;
        let plain = modifiers.all.is_empty() && dice.sides == Sides::Numbers(Amount::Fixed(6));
        if target_number > 1000 {
            return Err(self.at(number_start, self.position, Kind::TargetNumber));
        }
        match shadowrun_test(dice, Value::whole(i64::from(target_number.max(0)))) {
            Some(test) if plain => {
                if target_number < 2 {
                    self.note(|| "a target number below 2 counts as 2".to_owned());
                }
                Ok(Some(test))
            }
            _ => Err(self.at(if modifiers.all.is_empty() { start } else { here }, self.position, Kind::Test)),
        }
    }

    /// Avrae's `1d20adv` and `1d20 dis`: two dice of which the higher or lower is kept.
    fn advantage(&mut self, dice: &mut Dice, modifiers: &mut Modifiers) -> bool {
        let one_d20 =
            *dice == Dice { count: Amount::Fixed(1), sides: Sides::Numbers(Amount::Fixed(20)), modifiers: Vec::new() };
        if self.dialect != Dialect::Avrae || !one_d20 {
            return false;
        }
        let advantage = self.take_word("adv");
        if !advantage && !self.take_word("dis") {
            return false;
        }
        dice.count = Amount::Fixed(2);
        let selector = if advantage { Selector::Highest(1) } else { Selector::Lowest(1) };
        modifiers.push(Modifier::Filter { keep: true, selectors: vec![selector] });
        true
    }

    /// One modifier; `false`, and nothing read, if there is none.
    fn modifier(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        let Some(first) = self.peek() else { return Ok(false) };
        match first.to_ascii_lowercase() {
            b'!' => self.explosion(modifiers),
            b'k' => self.keep(modifiers),
            b'd' => self.drop(modifiers),
            b'p' => self.drop_matching(modifiers),
            b'r' => self.reroll(modifiers),
            b'm' => self.minimum_or_maximum(modifiers),
            b'u' => {
                self.position += 1;
                let once = self.take_letter(b'o');
                let on = match self.peek() {
                    Some(b'>' | b'<' | b'=') => self.matcher()?,
                    _ => Matcher::default(),
                };
                modifiers.push(Modifier::Unique { once, on });
                Ok(true)
            }
            b's' if !self.next_is(1, b'f') => {
                self.position += 1;
                let descending = self.take_letter(b'd');
                if !descending {
                    self.take_letter(b'a');
                }
                modifiers.push(Modifier::Sort { descending });
                Ok(true)
            }
            b'c' => self.counted(modifiers),
            b'f' => self.failures(modifiers),
            b'e' | b'o' | b'x' => self.foundry_or_avrae(modifiers),
            b'>' | b'<' | b'=' if self.dialect != Dialect::Avrae => {
                let success = self.matcher()?;
                modifiers.push(Modifier::Count { success, failure: Matcher::default() });
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// `!`, `!!`, `!p`, `!!p`, `!o`, `!l3`, each with what it explodes on.
    fn explosion(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        if self.dialect == Dialect::Avrae && self.next_is(1, b'=') {
            return Ok(false);
        }
        self.position += 1;
        let compound = self.take(b'!');
        let penetrate = self.take_letter(b'p');
        let limit = if self.take_once() {
            Some(1)
        } else if self.take_letter(b'l') {
            Some(self.small_number(MAX_EXPLOSIONS)?)
        } else {
            None
        };
        let on = self.optional_matcher()?;
        modifiers.push(Modifier::Explode { compound, penetrate, on, limit });
        Ok(true)
    }

    /// `kh3`, `kl`, `k3`, `k>=4`.
    fn keep(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        self.position += 1;
        let selectors = self.selectors(true)?;
        modifiers.push_filter(true, selectors, self.dialect == Dialect::Avrae);
        Ok(true)
    }

    /// `dl1`, `dh`, `d1`; a `d` that is none of these is left.
    fn drop(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        let next = self.peek_at(1).map(|byte| byte.to_ascii_lowercase());
        match next {
            // Foundry: failures taken off.
            Some(b'f') if self.dialect == Dialect::Foundry => {
                self.position += 2;
                return self.add_failures(modifiers);
            }
            Some(b'h' | b'l' | b'0'..=b'9') => {}
            None | Some(b' ' | b'+' | b'-' | b'*' | b'/' | b')' | b'}' | b',' | b'>' | b'<' | b'=') => {}
            Some(_) => return Ok(false),
        }
        self.position += 1;
        let selectors = self.selectors(false)?;
        modifiers.push_filter(false, selectors, false);
        Ok(true)
    }

    /// Avrae's `p`: the dice selected are dropped.
    fn drop_matching(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        self.position += 1;
        let selectors = self.selectors(true)?;
        modifiers.push_filter(false, selectors, self.dialect == Dialect::Avrae);
        Ok(true)
    }

    /// `h3`, `l`, `>=4`, and several with `|`. A number alone is a count, or in Avrae a value; the letter alone is one.
    fn selectors(&mut self, keep: bool) -> Read<Vec<Selector>> {
        let mut selectors = Vec::new();
        loop {
            let selector = if self.take_letter(b'h') {
                Selector::Highest(self.optional_count()?)
            } else if self.take_letter(b'l') {
                Selector::Lowest(self.optional_count()?)
            } else if matches!(self.peek(), Some(b'>' | b'<' | b'=')) {
                Selector::Compare(self.comparison()?)
            } else if self.dialect == Dialect::Avrae && matches!(self.peek(), Some(b'0'..=b'9')) {
                let value = self.signed_number()?;
                self.note(|| format!("a number alone means the dice that show it, here {value}, as in Avrae"));
                Selector::Compare(Comparison { comparator: Comparator::Equal, value })
            } else {
                let count = self.optional_count()?;
                let which = if keep { "k keeps the highest" } else { "d drops the lowest" };
                let dialect = self.dialect;
                self.note(|| format!("{which} {count}, as in {dialect}"));
                if keep { Selector::Highest(count) } else { Selector::Lowest(count) }
            };
            selectors.push(selector);
            if !self.take(b'|') {
                return Ok(selectors);
            }
        }
    }

    /// `r`, `ro`, `rr`, `ra`.
    fn reroll(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        self.position += 1;
        if self.take_letter(b'a') {
            let on = self.matcher()?;
            modifiers.push(Modifier::RerollAndAdd { on });
            return Ok(true);
        }
        let once = if self.take_once() {
            true
        } else if self.take_letter(b'r') {
            false
        } else {
            let dialect = self.dialect;
            let once = dialect == Dialect::Foundry;
            self.note(|| {
                let how = if once { "once" } else { "until it no longer matches" };
                format!("r rerolls {how}, as in {dialect}")
            });
            once
        };
        if self.dialect == Dialect::Foundry {
            self.no_reroll_limit()?;
        }
        let on = self.optional_matcher()?;
        modifiers.push_reroll(once, on);
        Ok(true)
    }

    /// Refuses Foundry's `rr3<5`: faces below 5 are rolled again, three times at most over all the dice.
    fn no_reroll_limit(&mut self) -> Read<()> {
        let start = self.position;
        let has_limit = self.digits().is_some() && matches!(self.peek(), Some(b'>' | b'<' | b'='));
        let end = std::mem::replace(&mut self.position, start);
        if !has_limit {
            return Ok(());
        }
        let spelling = format!("{}{}", &self.text[..start], &self.text[end..]);
        let refusal = self.at(start, end, Kind::RerollLimit);
        Err(if self.reads(&spelling) { refusal.suggest(spelling) } else { refusal })
    }

    /// `min2`, `max5`, `mi2`, `ma5`.
    fn minimum_or_maximum(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        let minimum = self.next_is(1, b'i');
        if !minimum && !self.next_is(1, b'a') {
            return Ok(false);
        }
        self.position += 2;
        self.take_letter(if minimum { b'n' } else { b'x' });
        let value = self.signed_number()?;
        modifiers.push(if minimum { Modifier::Minimum(value) } else { Modifier::Maximum(value) });
        Ok(true)
    }

    /// `c>=5` everywhere; `cs>=5` and `cf1` as the dialect means them.
    fn counted(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        self.position += 1;
        let critical = if self.take_letter(b's') {
            Some(true)
        } else if self.take_letter(b'f') {
            Some(false)
        } else {
            None
        };
        if critical.is_some() && self.dialect != Dialect::Foundry {
            self.optional_matcher()?;
            self.note(|| "cs and cf only mark dice; the total stays".to_owned());
            return Ok(true);
        }
        let success = match self.optional_matcher()? {
            // Foundry: without a number, the highest face succeeds and the lowest fails.
            on if on.is_empty() && critical.is_some() => return Err(self.here(Kind::ComparisonExpected)),
            on => on,
        };
        if success.is_empty() {
            return Err(self.here(Kind::ComparisonExpected));
        }
        if critical == Some(false) {
            self.note(|| "cf counts the dice that match, as in foundry".to_owned());
        }
        modifiers.push(Modifier::Count { success, failure: Matcher::default() });
        Ok(true)
    }

    /// `f1` or `f<=2` behind a count.
    fn failures(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        self.position += 1;
        if matches!(self.peek(), Some(b'0'..=b'9' | b'>' | b'<' | b'=' | b'-')) || self.parity_follows() {
            return self.add_failures(modifiers);
        }
        self.position -= 1;
        Ok(false)
    }

    fn add_failures(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        let start = self.position - 1;
        let on = self.matcher()?;
        match modifiers.all.last_mut() {
            Some((Modifier::Count { failure, .. }, _)) if failure.is_empty() => {
                *failure = on;
                Ok(true)
            }
            _ => Err(self.at(start, self.position, Kind::FailureWithoutSuccess)),
        }
    }

    /// `even`, `odd`; Foundry's `x`, Avrae's `e`.
    fn foundry_or_avrae(&mut self, modifiers: &mut Modifiers) -> Read<bool> {
        for (word, comparator) in [("even", Comparator::Even), ("odd", Comparator::Odd)] {
            if self.take_word(word) {
                let success = Matcher(vec![Comparison { comparator, value: 0 }]);
                modifiers.push(Modifier::Count { success, failure: Matcher::default() });
                return Ok(true);
            }
        }
        match (self.dialect, self.peek()) {
            (Dialect::Avrae, Some(b'e' | b'E')) => {
                self.position += 1;
                let on = self.matcher()?;
                modifiers.push_explosion(on);
                Ok(true)
            }
            (Dialect::Foundry, Some(b'x' | b'X')) => {
                self.position += 1;
                let mut limit = self.take_once().then_some(1);
                // `x2=6` is at most two further dice on a 6; `x6` is on a 6.
                let here = self.position;
                if self.digits().is_some() && matches!(self.peek(), Some(b'>' | b'<' | b'=')) {
                    self.position = here;
                    let most = self.small_number(MAX_EXPLOSIONS)?;
                    self.note(|| {
                        format!("each die brings at most {most} further ones; in foundry, all dice together do")
                    });
                    limit = Some(most);
                } else {
                    self.position = here;
                }
                let on = self.optional_matcher()?;
                modifiers.push(Modifier::Explode { compound: false, penetrate: false, on, limit });
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// What follows, if anything: `5`, `>=5`, `>=5|=1`.
    fn optional_matcher(&mut self) -> Read<Matcher> {
        match self.peek() {
            Some(b'>' | b'<' | b'=' | b'0'..=b'9') => self.matcher(),
            Some(b'e' | b'E' | b'o' | b'O') if self.parity_follows() => self.matcher(),
            _ => Ok(Matcher::default()),
        }
    }

    /// The `o` of "once", unless it begins `odd`.
    fn take_once(&mut self) -> bool {
        !self.parity_follows() && self.take_letter(b'o')
    }

    fn parity_follows(&self) -> bool {
        ["even", "odd"].iter().any(|word| self.rest().get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word)))
    }

    fn matcher(&mut self) -> Read<Matcher> {
        let mut comparisons = Vec::new();
        loop {
            comparisons.push(self.comparison()?);
            if !self.take(b'|') {
                return Ok(Matcher(comparisons));
            }
        }
    }

    /// `>=5`; a number alone is what a die must show.
    fn comparison(&mut self) -> Read<Comparison> {
        for (word, comparator) in [("even", Comparator::Even), ("odd", Comparator::Odd)] {
            if self.take_word(word) {
                return Ok(Comparison { comparator, value: 0 });
            }
        }
        let before = self.position;
        let comparator = self.comparator();
        if matches!(self.text.get(before..self.position), Some(">" | "<")) {
            let sign = self.text[before..self.position].to_owned();
            let dialect = self.dialect;
            self.note(|| match (sign.as_str(), dialect.above_includes()) {
                (">", true) => format!("> includes the number itself, as in {dialect}"),
                (">", false) => format!("> is strictly above, as in {dialect}"),
                (_, true) => format!("< includes the number itself, as in {dialect}"),
                (_, false) => format!("< is strictly below, as in {dialect}"),
            });
        }
        self.skip_spaces();
        let value = self.signed_number()?;
        let (comparator, value) = match comparator.unwrap_or(Comparator::Equal) {
            Comparator::Above => (Comparator::AtLeast, value + 1),
            Comparator::Below => (Comparator::AtMost, value - 1),
            comparator => (comparator, value),
        };
        if value.abs() > MAX_COMPARED {
            return Err(self.at(before, self.position, Kind::Compared));
        }
        Ok(Comparison { comparator, value })
    }

    /// A number that may have a minus before it.
    fn signed_number(&mut self) -> Read<i32> {
        let start = self.position;
        let negative = self.take(b'-');
        let Some(number) = self.digits() else {
            return Err(self.here(Kind::NumberExpected));
        };
        match i32::try_from(number) {
            Ok(number) if number <= MAX_COMPARED => Ok(if negative { -number } else { number }),
            _ => Err(self.at(start, self.position, Kind::Compared)),
        }
    }

    fn small_number(&mut self, most: u32) -> Read<u32> {
        let start = self.position;
        match self.digits() {
            None => Err(self.here(Kind::NumberExpected)),
            Some(number) if number <= u64::from(most) => Ok(number as u32),
            Some(_) => Err(self.at(start, self.position, Kind::TooManyThrows)),
        }
    }

    /// How many, 1 if it is not said.
    fn optional_count(&mut self) -> Read<u32> {
        let start = self.position;
        match self.digits() {
            None => Ok(1),
            Some(count) if (1..=u64::from(MAX_DICE)).contains(&count) => Ok(count as u32),
            Some(_) => Err(self.at(start, self.position, Kind::Selected)),
        }
    }

    fn take_letter(&mut self, letter: u8) -> bool {
        let found = self.next_is(0, letter);
        self.position += usize::from(found);
        found
    }

    fn next_is(&self, offset: usize, letter: u8) -> bool {
        self.peek_at(offset).is_some_and(|byte| byte.eq_ignore_ascii_case(&letter))
    }
}

/// The modifiers read so far, each with the number of the stretch it stands in: `:` begins a new one.
#[derive(Default)]
struct Modifiers {
    all: Vec<(Modifier, u32)>,
    stretch: u32,
}

impl Modifiers {
    fn push(&mut self, modifier: Modifier) {
        self.all.push((modifier, self.stretch));
    }

    /// What follows works after what stands before, whatever the usual order.
    fn fix_order(&mut self) {
        self.stretch += 1;
    }

    /// Several rerolls of one kind in a row are one: `r1r2` is of ones and twos.
    fn push_reroll(&mut self, once: bool, mut on: Matcher) {
        match self.all.last_mut() {
            Some((Modifier::Reroll { once: last_once, on: last }, stretch))
                if *last_once == once && *stretch == self.stretch && !last.is_empty() && !on.is_empty() =>
            {
                last.0.append(&mut on.0);
            }
            _ => self.push(Modifier::Reroll { once, on }),
        }
    }

    /// Several of Avrae's explosions in a row are one: `e5e6` is on fives and sixes.
    fn push_explosion(&mut self, mut on: Matcher) {
        match self.all.last_mut() {
            Some((Modifier::Explode { compound: false, penetrate: false, on: last, limit: None }, _)) => {
                last.0.append(&mut on.0);
            }
            _ => self.push(Modifier::Explode { compound: false, penetrate: false, on, limit: None }),
        }
    }

    /// Several filters of one kind in a row are one where the dialect unites them.
    fn push_filter(&mut self, keep: bool, mut selectors: Vec<Selector>, unites: bool) {
        match self.all.last_mut() {
            Some((Modifier::Filter { keep: last_keep, selectors: last }, stretch))
                if unites && *last_keep == keep && *stretch == self.stretch =>
            {
                last.append(&mut selectors);
            }
            _ => self.push(Modifier::Filter { keep, selectors }),
        }
    }

    /// Dice are counted once, and what explodes on its highest face explodes no further: `!` and `!` would read `!!`.
    fn check(&self) -> Result<(), Kind> {
        let counts = self.all.iter().filter(|(modifier, _)| matches!(modifier, Modifier::Count { .. })).count();
        let mut explosions = self.all.iter().filter(|(modifier, _)| matches!(modifier, Modifier::Explode { .. }));
        let is_plain = |(modifier, _): &(Modifier, u32)| matches!(modifier, Modifier::Explode { compound: false, penetrate: false, on, limit: None } if on.is_empty());
        // No face is negative, and `!=-1` would be "unequal" to some.
        let is_negative = |comparison: &Comparison| comparison.comparator == Comparator::Equal && comparison.value < 0;
        let explodes_below = self
            .all
            .iter()
            .any(|(modifier, _)| matches!(modifier, Modifier::Explode { on, .. } if on.0.iter().any(is_negative)));
        if counts > 1 {
            Err(Kind::AfterCount)
        } else if explodes_below {
            Err(Kind::NumberExpected)
        } else if explosions.any(is_plain) && explosions.next().is_some() {
            Err(Kind::AfterExplosion)
        } else {
            Ok(())
        }
    }

    /// Whether dice are kept and dropped within one stretch.
    fn keeps_and_drops(&self) -> bool {
        let is = |(modifier, stretch): &(Modifier, u32), wanted: bool, at: u32| {
            *stretch == at && matches!(modifier, Modifier::Filter { keep, .. } if *keep == wanted)
        };
        (0..=self.stretch).any(|at| [true, false].iter().all(|wanted| self.all.iter().any(|one| is(one, *wanted, at))))
    }

    /// In the order in which they work: within each stretch as most dialects do, or as written; a count and a sort last.
    fn ordered(mut self, as_written: bool) -> Vec<Modifier> {
        let kept: Vec<(Selector, u32)> =
            self.all.iter().flat_map(|(modifier, stretch)| kept(modifier, *stretch)).collect();
        self.all.sort_by_key(|(modifier, stretch)| match (modifier.rank(), as_written) {
            (rank, _) if rank > LAST_FREE => (u32::MAX, rank),
            (_, true) => (0, 0),
            (rank, false) => {
                let is_first = kept.iter().any(|(kept, at)| at == stretch && drops_before(modifier, *kept));
                (*stretch, if is_first { BEFORE_KEEP } else { 2 * rank })
            }
        });
        self.all.into_iter().map(|(modifier, _)| modifier).collect()
    }
}

/// What a modifier keeps, and in which stretch it stands.
fn kept(modifier: &Modifier, stretch: u32) -> impl Iterator<Item = (Selector, u32)> {
    let selectors = match modifier {
        Modifier::Filter { keep: true, selectors } => &selectors[..],
        _ => &[],
    };
    selectors.iter().map(move |selector| (*selector, stretch))
}

/// Whether a modifier drops dice before this is kept, so that each of the two looks at all the dice: `4d6kh3dl1` drops the
/// die that is not kept anyway, but `4d6kh3dh1` the highest of those that are.
fn drops_before(modifier: &Modifier, kept: Selector) -> bool {
    let Modifier::Filter { keep: false, selectors } = modifier else { return false };
    selectors.iter().any(|dropped| {
        matches!(
            (kept, dropped),
            (Selector::Highest(_), Selector::Lowest(_))
                | (Selector::Lowest(_), Selector::Highest(_))
                | (Selector::Compare(_), Selector::Highest(_) | Selector::Lowest(_))
        )
    })
}

/// Twice the rank of what drops before anything is kept: between what brings further dice, and what keeps.
const BEFORE_KEEP: u32 = 13;

/// The rank up to which modifiers may stand in any order; a count and a sort come after all others.
const LAST_FREE: u32 = 8;
