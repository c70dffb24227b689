//! A message's words and what they say about an action: weapon, target, distance, dice, light.
//!
//! What was read is taken, so that a number or a name is never read twice.

use std::ops::Range;

use super::{
    fight_words, foes, lexicon, phrases,
    understand::{Details, WeaponSaid},
    words::{self, Word},
};

/// Numbers above this are nobody's dice, metres or Force; they are read as this one, and the tool refuses it in plain words.
const MAX_NUMBER: f64 = 99_999.0;

/// A message's words, and which of them are spoken for.
pub(crate) struct Said<'t> {
    pub(crate) words: Vec<Word<'t>>,
    is_used: Vec<bool>,
}

/// Words that stand before a name and are no part of it.
const DETERMINERS: &[&str] = &[
    "the", "a", "an", "that", "this", "those", "these", "his", "her", "their", "some", "another", "nearest", "closest",
    "other",
];

/// Words at which a name ends.
const ENDS: &[&str] = &[
    "appears",
    "comes",
    "waits",
    "jumps",
    "steps",
    "shows",
    "enters",
    "uses",
    "draws",
    "opens",
    "takes",
    "goes",
    "will",
    "with",
    "at",
    "from",
    "in",
    "into",
    "using",
    "who",
    "while",
    "for",
    "and",
    "or",
    "but",
    "behind",
    "as",
    "again",
    "to",
    "is",
    "are",
    "was",
    "he",
    "she",
    "it",
    "they",
    "i",
    "we",
    "my",
    "on",
    "by",
    "of",
    "through",
    "twice",
    "once",
    "please",
    "now",
    "then",
    "before",
    "against",
    "vs",
    "versus",
    "if",
    "when",
    "where",
    "which",
    "so",
    "because",
    "around",
    "about",
    "past",
    "over",
    "under",
    "near",
    "beside",
    "has",
    "have",
    "having",
    "being",
    "not",
    "no",
    "aiming",
    "aim",
    "standing",
    "running",
    "walking",
    "away",
    "down",
    "up",
    "off",
    "out",
    "stands",
    "runs",
    "walks",
    "moves",
    "hides",
    "i'm",
    "he's",
    "force",
    "range",
    "point",
    "tn",
    "dice",
    "use",
    "called",
    "carefully",
    "immediately",
    "quickly",
    "right",
    "till",
    "until",
    "after",
    "your",
    "you",
    "starts",
    "begins",
    "stops",
    "comes",
    "dead",
    "without",
    "add",
    "roll",
    "spend",
    "test",
    "make",
    "do",
    "take",
    "today",
];

/// Words for somebody already spoken of.
const PRONOUNS: &[&str] =
    &["him", "her", "it", "them", "they", "he", "she", "that", "this", "me", "you", "us", "one", "again"];

/// Words between a keyword and its number.
const FILLERS: &[&str] = &[
    "a", "an", "the", "of", "is", "tn", "target", "number", "number's", "my", "to", "dice", "about", "at", "only",
    "just", "exactly",
];

impl<'t> Said<'t> {
    pub(crate) fn new(text: &'t str) -> Said<'t> {
        let words = words::split(text);
        let is_used = vec![false; words.len()];
        Said { words, is_used }
    }

    pub(crate) fn text(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.text.as_str())
    }

    /// The text of the word `back` places before `index`.
    pub(crate) fn before(&self, index: usize, back: usize) -> &str {
        index.checked_sub(back).map_or("", |index| self.text(index))
    }

    fn take(&mut self, range: Range<usize>) {
        for index in range {
            if let Some(is_used) = self.is_used.get_mut(index) {
                *is_used = true;
            }
        }
    }

    pub(crate) fn has(&self, any: &[&str]) -> bool {
        self.words.iter().any(|word| any.contains(&word.text.as_str()))
    }

    /// Where the phrase stands, within one sentence; long words may have a slip.
    pub(crate) fn phrase(&self, phrase: &str) -> Option<Range<usize>> {
        let parts: Vec<&str> = phrase.split(' ').collect();
        let fits = |window: &[Word<'_>]| {
            let in_one_sentence = window.first().map(|word| word.sentence) == window.last().map(|word| word.sentence);
            in_one_sentence && window.iter().zip(&parts).all(|(word, part)| words::alike(&word.text, part))
        };
        self.words.windows(parts.len()).position(fits).map(|start| start..start + parts.len())
    }

    pub(crate) fn says(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.phrase(phrase).is_some())
    }

    /// The longest phrase of a table that stands in the words.
    pub(crate) fn longest<V: Copy>(&self, table: &[(&'static str, V)]) -> Option<(&'static str, V, Range<usize>)> {
        let found = table.iter().filter_map(|(phrase, value)| Some((*phrase, *value, self.phrase(phrase)?)));
        found.max_by_key(|(phrase, _, _)| phrase.len())
    }

    /// A whole number at that place, not one of a distance.
    fn number(&self, index: usize) -> Option<u32> {
        let word = self.words.get(index)?;
        if self.is_used[index] || metres_per(self.text(index + 1)).is_some() {
            return None;
        }
        whole(word.number?)
    }

    /// The number that follows within a few filler words.
    fn number_after(&self, index: usize) -> Option<(u32, Range<usize>)> {
        for next in index..index + 5 {
            if let Some(number) = self.number(next) {
                return Some((number, index..next + 1));
            }
            if !FILLERS.contains(&self.text(next)) {
                return None;
            }
        }
        None
    }

    /// The number that stands before, within a few of the given words.
    fn number_before(&self, index: usize, between: &[&str]) -> Option<(u32, usize)> {
        for back in 1..=6 {
            let at = index.checked_sub(back)?;
            if let Some(number) = self.number(at) {
                return Some((number, at));
            }
            if !between.contains(&self.text(at)) {
                return None;
            }
        }
        None
    }

    /// The active character who is named as the one who acts or is asked about, not as somebody's target.
    pub(crate) fn take_actor(&mut self, names: &[&str]) -> Option<String> {
        let mut found: Vec<(&str, Range<usize>)> =
            names.iter().filter_map(|name| words::find_name(&self.words, [*name])).collect();
        found.sort_by_key(|(_, range)| range.start);
        let (name, range) = found.into_iter().find(|(_, range)| !self.is_object(range))?;
        self.take(range);
        Some(name.to_owned())
    }

    /// Whether something is done to the name that stands there: "I patch up Axel".
    fn is_object(&self, name: &Range<usize>) -> bool {
        let lead = self.before(name.start, 1);
        let is_owner = self.words[name.clone()].iter().any(|word| word.is_possessive);
        let is_introduced = matches!(lead, "for" | "as" | "is" | "does" | "has" | "of") || is_owner;
        let somebody_acts =
            self.words[..name.start].iter().any(|word| matches!(word.text.as_str(), "i" | "i'm" | "i'll"));
        let follows_verb = matches!(lead, "at" | "on" | "attack" | "hit" | "heal" | "against" | "kill")
            || lexicon::SHOOT_VERBS.contains(&lead);
        follows_verb || somebody_acts && !is_introduced
    }

    /// A capitalised owner that no active character is: "Raven's sheet".
    pub(crate) fn stranger(&self) -> Option<String> {
        const NOBODY: &[&str] =
            &["what", "who", "where", "how", "it", "he", "she", "that", "there", "let", "here", "gm"];
        let is_capital = |word: &Word<'_>| word.raw.chars().next().is_some_and(char::is_uppercase);
        let owner = self
            .words
            .iter()
            .find(|word| word.is_possessive && is_capital(word) && !NOBODY.contains(&word.text.as_str()));
        let beneficiary = self.words.windows(2).find(|pair| {
            matches!(pair[0].text.as_str(), "for" | "of") && is_capital(&pair[1]) && pair[1].text.len() > 2
        });
        let word = owner.or(beneficiary.map(|pair| &pair[1]))?;
        let is_known_word = words::find_name(std::slice::from_ref(word), lexicon::SKILLS.iter().copied()).is_some()
            || words::find_name(std::slice::from_ref(word), lexicon::SPELLS.iter().copied()).is_some()
            || lexicon::ATTRIBUTES.contains(&word.text.as_str());
        let raw = word.raw.trim_end_matches("'s");
        (!is_known_word).then(|| raw.to_owned())
    }

    /// Everything that is said about an action.
    pub(crate) fn details(&mut self, names: &[&str]) -> Details {
        let mut details = Details {
            is_called_shot: self.says(lexicon::CALLED_SHOTS),
            is_again: self.has(&["again", "another"]) || self.says(&["once more", "one more time", "same as before"]),
            is_pool_vague: self.says(lexicon::VAGUE_POOLS),
            ..Details::default()
        };
        if let Some(index) = self.words.iter().position(|word| word.is_dice) {
            details.notation = Some(canonical(self.words[index].raw));
            self.take(index..index + 1);
        }
        details.weapon = self.take_weapon();
        details.spell = self.take_spell();
        details.distance = self.take_distance();
        details.force = self.take_force();
        self.take_pools(&mut details);
        details.aim_actions = self.take_aim(details.is_called_shot);
        details.target_number = self.take_target_number();
        details.dice = self.take_dice();
        details.distance = details.distance.or_else(|| self.take_bare_distance());
        details.difficulty = self.longest(lexicon::DIFFICULTIES).map(|(_, difficulty, _)| difficulty.to_owned());
        details.light = self.longest(lexicon::LIGHTS).map(|(_, light, _)| light.to_owned());
        details.air = self.longest(lexicon::AIR).map(|(_, air, _)| air.to_owned());
        details.firing_mode = self.longest(lexicon::FIRING_MODES).map(|(_, mode, _)| mode.to_owned());
        details.ammunition = self.longest(lexicon::AMMUNITION).map(|(_, ammunition, _)| ammunition.to_owned());
        details.rounds = self.take_rounds();
        details.cover = self.longest(lexicon::COVERS).map(|(_, cover, _)| cover.to_owned());
        self.take_movements(&mut details);
        details.location = self.location();
        details.target = self.target(names, details.spell.is_some() || details.weapon.is_some());
        details.also = self.further_targets(details.target.as_deref(), names);
        details.foes = self.foes();
        details.arm = self.longest(fight_words::ARMS).map(|(_, arm, _)| arm.to_owned());
        let mut numbers = (0..self.words.len()).filter_map(|index| self.number(index));
        details.number = numbers.next().filter(|_| numbers.next().is_none());
        details
    }

    fn take_weapon(&mut self) -> Option<WeaponSaid> {
        let known =
            lexicon::RANGED_WEAPONS.iter().copied().chain(lexicon::WEAPON_NICKNAMES.iter().map(|(said, _)| *said));
        if let Some((name, range)) = words::find_name(&self.words, known) {
            self.take(range);
            let nickname = lexicon::WEAPON_NICKNAMES.iter().find(|(said, _)| *said == name);
            return Some(WeaponSaid::Named(nickname.map_or(name, |(_, name)| *name).to_owned()));
        }
        if let Some((phrase, kind, range)) = self.longest(lexicon::WEAPON_WORDS) {
            // "my Novatech Nightfire pistol": a name that the list does not have, before or after "with my".
            let named = self.unlisted_weapon().filter(|name| words::squash(name) != words::squash(phrase));
            self.take(range);
            return Some(named.map_or_else(|| WeaponSaid::Kind(kind, phrase.to_owned()), WeaponSaid::Named));
        }
        let name = self.unlisted_weapon()?;
        let is_shot = self.has(lexicon::SHOOT_VERBS);
        is_shot.then_some(WeaponSaid::Named(name))
    }

    /// What follows "with my", as far as it is written like a name.
    fn unlisted_weapon(&self) -> Option<String> {
        let is_lead = |index: usize| {
            matches!(self.before(index, 1), "my" | "his" | "her" | "the" | "a" | "an")
                && matches!(self.before(index, 2), "with" | "using" | "fire" | "fires" | "draw" | "from")
        };
        let start = (0..self.words.len()).find(|index| is_lead(*index))?;
        let clause = self.words[start].clause;
        let is_part = |word: &&Word<'_>| {
            word.clause == clause
                && !word.is_dice
                && !ENDS.contains(&word.text.as_str())
                && (word.raw.starts_with(|char: char| char.is_uppercase() || char.is_ascii_digit())
                    || lexicon::WEAPON_WORDS.iter().any(|(phrase, _)| *phrase == word.text))
        };
        let parts: Vec<&str> = self.words[start..].iter().take(5).take_while(is_part).map(|word| word.raw).collect();
        let is_name = parts.first().is_some_and(|part| part.starts_with(char::is_uppercase));
        is_name.then(|| parts.join(" "))
    }

    fn take_spell(&mut self) -> Option<String> {
        let Some((name, range)) = words::find_name(&self.words, lexicon::SPELLS.iter().copied()) else {
            return self.take_unlisted_spell();
        };
        let has_force = self.words.iter().any(|word| word.text == "force");
        let is_spoken_of = has_force || self.has(lexicon::CAST_VERBS) || self.has(&["spell", "sustaining", "drop"]);
        let is_verb = matches!(name, "Heal" | "Treat")
            && (range.start == 0 || matches!(self.before(range.start, 1), "i" | "please" | "to"))
            && range.end < self.words.len();
        if lexicon::EVERYDAY_SPELLS.contains(&name) && !is_spoken_of && !is_verb {
            return None;
        }
        self.take(range);
        Some(name.to_owned())
    }

    /// What follows "cast", where no list has it: the sheet may.
    fn take_unlisted_spell(&mut self) -> Option<String> {
        let verb = self.words.iter().position(|word| word.text.starts_with("cast"))?;
        let start = (verb + 1..self.words.len())
            .find(|index| !DETERMINERS.contains(&self.text(*index)) && self.text(*index) != "my")?;
        let is_part = |index: &usize| {
            let word = &self.words[*index];
            word.clause == self.words[verb].clause && word.number.is_none() && !ENDS.contains(&word.text.as_str())
        };
        let parts: Vec<usize> = (start..self.words.len()).take(4).take_while(is_part).collect();
        let names_nothing = parts.iter().any(|index| {
            let text = self.text(*index);
            matches!(text, "spell" | "spells" | "something" | "anything" | "magic") || PRONOUNS.contains(&text)
        });
        let last = *parts.last().filter(|_| !names_nothing)?;
        let name = self.words[start..=last].iter().map(|word| phrases::capital(word.raw)).collect::<Vec<_>>().join(" ");
        self.take(start..last + 1);
        Some(name)
    }

    /// A number with a unit, in metres.
    fn take_distance(&mut self) -> Option<u32> {
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
    fn take_bare_distance(&mut self) -> Option<u32> {
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

    fn take_force(&mut self) -> Option<u32> {
        for index in 0..self.words.len() {
            let text = self.text(index);
            if matches!(text, "force" | "forc" | "froce" | "f" | "strength")
                && (text != "strength" || self.has(lexicon::CAST_VERBS))
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
    fn take_pools(&mut self, details: &mut Details) {
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

    fn take_aim(&mut self, is_called_shot: bool) -> Option<u32> {
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

    fn take_target_number(&mut self) -> Option<u32> {
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

    fn take_dice(&mut self) -> Option<u32> {
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

    fn take_rounds(&mut self) -> Option<u32> {
        let at = self
            .words
            .iter()
            .position(|word| matches!(word.text.as_str(), "round" | "rounds" | "bullets" | "shots"))?;
        let (rounds, number) = self.number_before(at, &["explosive", "gel", "ex", "of"])?;
        self.take(number..number + 1);
        Some(rounds)
    }

    fn take_movements(&mut self, details: &mut Details) {
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

    /// Where the players go: "we enter the warehouse".
    fn location(&self) -> Option<String> {
        let range = lexicon::GOING.iter().filter_map(|phrase| self.phrase(phrase)).max_by_key(|range| range.len())?;
        let mut start = range.end;
        if matches!(self.before(start, 1), "the") {
            start -= 1;
        }
        let first = self.words.get(start)?;
        let (sentence, clause) = (first.sentence, first.clause);
        const AFTER: &[&str] =
            &["and", "then", "where", "while", "but", "to", "it's", "because", "so", "with", "until"];
        let is_part = |word: &&Word<'_>| {
            word.sentence == sentence
                && word.clause == clause
                && !AFTER.contains(&word.text.as_str())
                && word.number.is_none()
        };
        let parts: Vec<&str> = self.words[start..].iter().take(10).take_while(is_part).map(|word| word.raw).collect();
        let place: Vec<&str> =
            parts.iter().copied().skip_while(|part| matches!(part.to_lowercase().as_str(), "is" | "in")).collect();
        let has_light =
            !place.is_empty() && self.longest(lexicon::LIGHTS).is_some_and(|(_, _, light)| light.start == start);
        let is_cover = place.join(" ").to_lowercase().contains("cover") || place.join(" ").contains("open");
        (!place.is_empty() && !has_light && !is_cover).then(|| place.join(" "))
    }

    /// At whom or what it goes.
    fn target(&self, names: &[&str], is_attack: bool) -> Option<String> {
        let is_verb = |text: &str| {
            lexicon::SHOOT_VERBS.contains(&text)
                || lexicon::ATTACK_VERBS.contains(&text)
                || lexicon::MELEE_VERBS.iter().any(|(verb, _)| *verb == text)
                || matches!(text, "drop" | "heal" | "treat" | "stun")
        };
        let after_verb = (0..self.words.len()).filter(|index| is_verb(self.text(*index))).map(|index| index + 1);
        let after_at = (0..self.words.len())
            .filter(|index| matches!(self.text(*index), "at" | "on" | "against" | "toward" | "towards"));
        if let Some(range) = self.phrase("target is") {
            let start = (range.end..self.words.len()).find(|index| !matches!(self.text(*index), "now" | "still"));
            return start.and_then(|start| self.name_at(start, names));
        }
        if let Some(range) =
            fight_words::FIRST_AID.iter().filter_map(|phrase| self.phrase(phrase)).max_by_key(|range| range.end)
        {
            let start = range.end + usize::from(matches!(self.text(range.end), "to" | "for" | "up"));
            return self.name_at(start, names);
        }
        let after_bullet = (0..self.words.len()).filter(|index| {
            matches!(self.text(*index), "in" | "into")
                && matches!(self.before(*index, 1), "bullet" | "round" | "rounds" | "burst" | "bullets")
        });
        let has_verb = (0..self.words.len()).any(|index| is_verb(self.text(index)));
        if has_verb
            || is_attack
            || self.has(lexicon::CAST_VERBS)
            || self.has(&["aim", "aiming", "spell", "shot", "headshot"])
        {
            let after_word = after_at.chain(after_bullet).map(|index| index + 1);
            let places: Vec<usize> = after_verb.chain(after_word).collect();
            if let Some(target) = places.iter().find_map(|start| self.name_at(*start, names)) {
                return Some(target);
            }
        }
        self.subject(names)
    }

    /// Who follows the first target after an "and": "the ganger and the troll".
    fn further_targets(&self, first: Option<&str>, names: &[&str]) -> Vec<String> {
        let mut targets: Vec<String> = Vec::new();
        let Some(first) = first else { return targets };
        let mut end = self.phrase(&first.to_lowercase()).map(|range| range.end);
        while let Some(and) = end.filter(|end| matches!(self.text(*end), "and" | "then")) {
            let start = if self.text(and + 1) == "then" { and + 2 } else { and + 1 };
            let is_name = DETERMINERS.contains(&self.text(start)) || foes::known_kind(self.text(start)).is_some();
            let Some(target) = self.name_at(start, names).filter(|_| is_name && targets.len() < 8) else { break };
            end = self.phrase(&target.to_lowercase()).map(|range| range.end).filter(|end| and < *end);
            targets.push(target);
        }
        targets
    }

    /// Foes with how many of them there are: "two gangers and a troll".
    fn foes(&self) -> Vec<(String, u32)> {
        let count = |index: usize| match self.text(index) {
            "a" | "an" | "another" => Some(1),
            "some" | "several" => Some(3),
            _ => whole(self.words.get(index)?.number?).filter(|count| (1..=20).contains(count)),
        };
        let mut foes = Vec::new();
        for index in 0..self.words.len() {
            let Some(count) = count(index) else { continue };
            // "a big troll": one word may stand between.
            let noun = (index + 1..index + 3).find(|noun| {
                let word = self.text(*noun);
                !word.is_empty() && foes::known_kind(word).is_some()
            });
            let noun = noun.filter(|noun| *noun == index + 1 || self.text(index + 1).len() > 2);
            if let Some(noun) = noun {
                foes.push((foes::singular(self.text(noun)), count));
            }
        }
        foes
    }

    /// To whom somebody speaks: "I talk to the bartender".
    pub(crate) fn spoken_to(&self) -> Option<String> {
        let range =
            fight_words::TALKING.iter().filter_map(|phrase| self.phrase(phrase)).min_by_key(|range| range.start)?;
        let person = self.name_at(range.end, &[])?;
        // "the bartender a joke": what is said is no part of the name.
        let parts: Vec<&str> = person.split(' ').take_while(|part| !DETERMINERS.contains(part)).collect();
        let person = parts.join(" ");
        (!person.is_empty() && !PRONOUNS.contains(&person.as_str())).then_some(person)
    }

    /// What is to be looked up, without the words of the question.
    pub(crate) fn query(&self) -> Option<String> {
        let content = self.words.iter().filter(|word| !fight_words::NO_QUERY.contains(&word.text.as_str()));
        let query: Vec<&str> = content.take(6).map(|word| word.raw.trim_end_matches("'s")).collect();
        (!query.is_empty()).then(|| query.join(" ").chars().take(100).collect())
    }

    /// What follows one of the phrases in its sentence, as it was written.
    pub(crate) fn after(&self, phrases: &[&str]) -> Option<String> {
        let range = phrases.iter().filter_map(|phrase| self.phrase(phrase)).max_by_key(|range| range.len())?;
        let sentence = self.words[range.start].sentence;
        let rest = self.words[range.end..].iter().filter(|word| word.sentence == sentence);
        let rest = rest.skip_while(|word| matches!(word.text.as_str(), "is" | "to" | "named" | "called"));
        let rest: Vec<&str> = rest.map(|word| word.raw).collect();
        (!rest.is_empty()).then(|| rest.join(" ").chars().take(300).collect())
    }

    /// Whether the message says nothing but the phrase.
    pub(crate) fn is_just(&self, phrase: &str) -> bool {
        self.phrase(phrase).is_some_and(|range| range.len() == self.words.len())
    }

    /// The name that begins at that word.
    fn name_at(&self, start: usize, names: &[&str]) -> Option<String> {
        let mut start = start;
        while matches!(self.text(start), "at" | "on" | "upon" | "down" | "off")
            || DETERMINERS.contains(&self.text(start))
        {
            start += 1;
        }
        let first = self.words.get(start)?;
        if matches!(first.text.as_str(), "myself" | "himself" | "herself" | "itself") {
            return Some(first.text.clone());
        }
        if PRONOUNS.contains(&first.text.as_str()) || first.text.starts_with("head") {
            return None;
        }
        let previous = start.checked_sub(1).and_then(|index| self.words.get(index));
        if previous.is_some_and(|word| word.clause != first.clause) {
            return None;
        }
        let mut parts: Vec<&str> = Vec::new();
        for index in start..self.words.len().min(start + 4) {
            let word = &self.words[index];
            let is_numbered = word.number.is_some()
                && word.raw.starts_with(|char: char| char.is_ascii_digit())
                && !self.is_used[index]
                && metres_per(self.text(index + 1)).is_none()
                && parts.last().is_some_and(|part| foes::known_kind(part).is_some());
            if is_numbered {
                parts.push(word.raw);
                break;
            }
            let is_end = word.clause != first.clause || word.number.is_some() || word.is_dice || self.is_used[index];
            if is_end || ENDS.contains(&word.text.as_str()) || lexicon::SHOOT_VERBS.contains(&word.text.as_str()) {
                break;
            }
            parts.push(word.raw.trim_end_matches("'s"));
        }
        let target = parts.join(" ");
        let is_light = lexicon::LIGHTS.iter().any(|(phrase, _)| target.to_lowercase().starts_with(phrase));
        const NO_TARGET: &[&str] =
            &["pool", "drain", "called shot", "shot", "cover", "initiative", "fire", "will", "range", "all", "first"];
        let is_none = target.is_empty() || is_light || NO_TARGET.contains(&target.to_lowercase().as_str());
        if is_none {
            return None;
        }
        let known = names.iter().find(|name| name.eq_ignore_ascii_case(&target));
        // "THE GUARD" is shouted, not a name.
        let target = if target.len() > 3 && target == target.to_uppercase() { target.to_lowercase() } else { target };
        Some(known.map_or(target, |name| (*name).to_owned()))
    }

    /// Who a statement is about: "the troll is 30 metres away".
    fn subject(&self, names: &[&str]) -> Option<String> {
        const VERBS: &[&str] = &[
            "is", "are", "stands", "runs", "walks", "moves", "charges", "flees", "stops", "hides", "has", "starts",
            "appears", "comes", "sprints", "waits", "takes", "now",
        ];
        let verb = (0..self.words.len()).find(|index| 0 < *index && VERBS.contains(&self.text(*index)))?;
        let clause = self.words[verb].clause;
        let is_count = |word: &Word<'_>| word.number.is_some() && word.text.starts_with(char::is_alphabetic);
        let start = (0..verb).rev().take(4).find(|index| {
            let word = &self.words[*index];
            word.clause == clause && (is_count(word) || matches!(word.text.as_str(), "the" | "a" | "an"))
        })?;
        let target = self.name_at(start + usize::from(is_count(&self.words[start])), names)?;
        const NO_FOE: &[&str] = &[
            "light",
            "lights",
            "door",
            "room",
            "scene",
            "location",
            "distance",
            "range",
            "target number",
            "time",
            "night",
            "street",
            "place",
            "alley",
        ];
        let lower = target.to_lowercase();
        (!NO_FOE.iter().any(|word| lower.split(' ').any(|part| part == *word))).then_some(target)
    }
}

fn metres_per(unit: &str) -> Option<f64> {
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
fn whole(number: f64) -> Option<u32> {
    let rounded = number.round().clamp(0.0, MAX_NUMBER);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies in 0..=99999")]
    let whole = rounded as u32;
    Some(whole)
}

/// Dice notation as the dice service writes it: no spaces, a number of dice in front.
fn canonical(notation: &str) -> String {
    let notation: String = notation.chars().filter(|char| !char.is_whitespace()).flat_map(char::to_lowercase).collect();
    if notation.starts_with('d') { format!("1{notation}") } else { notation }
}
