//! The figures in what a player says: distance, force, pools, aim, target number, dice, rounds.

use super::{MAX_NUMBER, Said};
use crate::llm::house::{fight_words, lexicon, understand::Details};

impl Said<'_> {
    /// A number with a unit, in metres.
    pub(super) fn take_distance(&mut self) -> Option<u32> {
        if let Some(range) = self.phrase("point blank").or_else(|| self.phrase("arm length")) {
            self.take(range);
            return Some(1);
        }
        let index = (0..self.words.len()).find(|index| {
            self.words[*index].number.is_some() && !self.is_used[*index] && metres_per(self.text(index + 1)).is_some()
        })?;
        let metres = self.words[index].number? * metres_per(self.text(index + 1))?;
        self.take(index..index + 2);
        whole(metres)
    }

    /// "at 15" in an attack.
    pub(super) fn take_bare_distance(&mut self) -> Option<u32> {
        let is_attack =
            self.has(lexicon::SHOOT_VERBS) || self.has(lexicon::ATTACK_VERBS) || self.has(&["range", "distance"]);
        let index = (0..self.words.len()).find(|index| {
            let is_lead =
                matches!(self.before(*index, 1), "at" | "from" | "range" | "distance" | "about" | "roughly" | "away");
            is_attack && is_lead && self.number(*index).is_some()
        })?;
        let distance = self.number(index);
        self.take(index..index + 1);
        distance
    }

    pub(super) fn take_force(&mut self) -> Option<u32> {
        for index in 0..self.words.len() {
            let text = self.text(index);
            if matches!(text, "force" | "forc" | "froce" | "f" | "strength")
                && (text != "strength" || self.has(lexicon::CAST_VERBS) || self.has(fight_words::SUMMONING))
                && let Some((force, range)) = self.number_after(index + 1)
            {
                self.take(index..range.end);
                return Some(force);
            }
            if let Some(force) = text.strip_prefix('f').and_then(|digits| digits.parse().ok()) {
                self.take(index..index + 1);
                return Some(force);
            }
        }
        None
    }

    /// Dice taken from a pool: for the attack, for the spell, for the drain.
    pub(super) fn take_pools(&mut self, details: &mut Details) {
        const BETWEEN: &[&str] = &[
            "dice",
            "die",
            "d6",
            "from",
            "of",
            "my",
            "the",
            "out",
            "more",
            "extra",
            "for",
            "on",
            "to",
            "resist",
            "resisting",
            "against",
            "in",
            "pool",
            "spell",
            "magic",
            "combat",
            "with",
        ];
        for index in 0..self.words.len() {
            let word = self.text(index).to_owned();
            let after = self.text(index + 1).to_owned();
            let (slot, anchor) = match (word.as_str(), after.as_str()) {
                ("drain", _) => (&mut details.drain_pool, index + 1),
                ("combat", "pool" | "dice") => (&mut details.combat_pool, index + 2),
                ("magic" | "spell" | "sorcery", "pool" | "dice") => (&mut details.spell_pool, index + 2),
                ("pool", "dice") if !matches!(self.before(index, 1), "combat" | "magic" | "spell") => {
                    (&mut details.combat_pool, index + 2)
                }
                ("pool", _) if matches!(self.before(index, 1), "my" | "the") => (&mut details.combat_pool, index + 1),
                _ => continue,
            };
            if slot.is_some() {
                continue;
            }
            if let Some((dice, at)) = self.number_before(index, BETWEEN) {
                *slot = Some(dice);
                self.take(at..at + 1);
            } else if let Some((dice, range)) = self.number_after(anchor) {
                *slot = Some(dice);
                self.take(range);
            }
        }
    }

    pub(super) fn take_aim(&mut self, is_called_shot: bool) -> Option<u32> {
        const BETWEEN: &[&str] =
            &["simple", "action", "actions", "full", "more", "extra", "turns", "turn", "phases", "phase"];
        let index =
            self.words.iter().position(|word| matches!(word.text.as_str(), "aim" | "aims" | "aiming" | "aimed"))?;
        let counted = (0..self.words.len()).find(|at| {
            matches!(self.text(*at), "action" | "actions" | "turns" | "turn" | "phases" | "phase" | "times")
                && self.number_before(*at, BETWEEN).is_some()
        });
        if let Some((actions, at)) = counted.and_then(|at| self.number_before(at, BETWEEN)) {
            self.take(at..at + 1);
            return Some(actions);
        }
        match self.text(index + 1) {
            "twice" => Some(2),
            "thrice" => Some(3),
            "for" if is_called_shot => None,
            "at" if is_called_shot => None,
            _ => Some(1),
        }
    }

    pub(super) fn take_target_number(&mut self) -> Option<u32> {
        for index in 0..self.words.len() {
            let text = self.text(index);
            if let Some(number) = text.strip_prefix("tn").and_then(|digits| digits.parse().ok()) {
                self.take(index..index + 1);
                return Some(number);
            }
            let is_key = matches!(text, "against" | "vs" | "versus" | "tn" | "difficulty" | "v")
                || (text == "number" && self.before(index, 1) == "target")
                || (text == "need" && self.words.iter().any(|word| word.text == "roll"));
            if is_key && let Some((number, range)) = self.number_after(index + 1) {
                self.take(range);
                return Some(number);
            }
        }
        None
    }

    pub(super) fn take_dice(&mut self) -> Option<u32> {
        for index in 0..self.words.len() {
            if matches!(self.text(index), "dice" | "die" | "dices" | "d6s")
                && let Some((dice, at)) =
                    self.number_before(index, &["six", "sided", "more", "extra", "normal", "of", "my"])
            {
                self.take(at..at + 1);
                return Some(dice);
            }
        }
        // "roll 8 against 5"
        let index = self.words.iter().position(|word| matches!(word.text.as_str(), "roll" | "rolls" | "throw"))?;
        let dice = self.number(index + 1)?;
        self.take(index + 1..index + 2);
        Some(dice)
    }

    pub(super) fn take_rounds(&mut self) -> Option<u32> {
        let is_rounds = |index: &usize| matches!(self.text(*index), "round" | "rounds" | "bullets" | "shots" | "shot");
        let counted = |index: usize| self.number_before(index, &["explosive", "gel", "ex", "of"]);
        let (rounds, number) = (0..self.words.len()).filter(is_rounds).find_map(counted)?;
        self.take(number..number + 1);
        Some(rounds)
    }

    /// The target's cover; "I duck behind cover" is one's own.
    pub(super) fn cover(&self) -> Option<String> {
        const HIDING: &[&str] = &[
            "duck", "dive", "take", "get", "go", "jump", "move", "run", "stay", "am", "i'm", "step", "hide", "crouch",
            "roll",
        ];
        let (_, cover, range) = self.longest(lexicon::COVERS)?;
        let clause = self.words[range.start].clause;
        let lead: Vec<&str> = self.words[..range.start]
            .iter()
            .filter(|word| word.clause == clause)
            .map(|word| word.text.as_str())
            .collect();
        let has = |list: &[&str]| lead.iter().any(|word| list.contains(word));
        let is_own = has(&["i", "i'm", "we"]) && has(HIDING) && !has(lexicon::SHOOT_VERBS);
        (!is_own).then(|| cover.to_owned())
    }

    pub(super) fn take_movements(&mut self, details: &mut Details) {
        for (phrase, movement) in lexicon::MOVEMENTS {
            let Some(range) = self.phrase(phrase) else { continue };
            let lead: Vec<&str> = (1..=4)
                .map(|back| self.before(range.start, back))
                .take_while(|word| !matches!(*word, "and" | "with" | "at"))
                .collect();
            let own = lead.iter().position(|word| matches!(*word, "i" | "i'm" | "im" | "am" | "i'll"));
            let other = lead
                .iter()
                .position(|word| matches!(*word, "he" | "she" | "it" | "they" | "who" | "is" | "are" | "the"));
            let is_own = own.is_some_and(|own| other.is_none_or(|other| own < other));
            let slot = if is_own { &mut details.own_movement } else { &mut details.movement };
            if slot.is_none() {
                *slot = Some((*movement).to_owned());
            }
        }
    }
}

pub(super) fn metres_per(unit: &str) -> Option<f64> {
    match unit {
        "m" | "metre" | "metres" | "meter" | "meters" | "mtr" | "mtrs" | "metters" | "meteres" | "mt" => Some(1.0),
        "ft" | "foot" | "feet" => Some(0.3048),
        "yd" | "yds" | "yard" | "yards" => Some(0.9144),
        "km" | "kilometre" | "kilometres" | "kilometer" | "kilometers" | "klick" | "klicks" => Some(1000.0),
        "mile" | "miles" => Some(1609.344),
        _ => None,
    }
}

/// The nearest whole number that anything here can mean.
pub(super) fn whole(number: f64) -> Option<u32> {
    let rounded = number.round().clamp(0.0, MAX_NUMBER);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies in 0..=99999")]
    let whole = rounded as u32;
    Some(whole)
}

/// Dice notation as the dice service writes it: no spaces, a number of dice in front.
pub(super) fn canonical(notation: &str) -> String {
    let notation: String = notation.chars().filter(|char| !char.is_whitespace()).flat_map(char::to_lowercase).collect();
    if notation.starts_with('d') { format!("1{notation}") } else { notation }
}
