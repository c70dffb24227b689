//! A message's words and what they say about an action: weapon, target, distance, dice, light.
//!
//! What was read is taken, so that a number or a name is never read twice.

mod asked;
mod booked;
mod figures;
mod names;

use std::ops::Range;

use self::figures::{canonical, metres_per, whole};
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
    "wiht",
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

/// Where a shot may be aimed on somebody; the spot is no part of his name.
const SPOTS: &[&str] =
    &["head", "leg", "legs", "arm", "knee", "eye", "eyes", "throat", "heart", "face", "neck", "foot"];

/// Whether a word is written in digits alone.
fn is_digits(word: &Word<'_>) -> bool {
    word.raw.chars().all(|char| char.is_ascii_digit())
}

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
        Said::of(words::split(text))
    }

    fn of(mut words: Vec<Word<'t>>) -> Said<'t> {
        // "Ganger 2" is a name: its number counts nothing.
        for index in 1..words.len() {
            let is_kind = foes::known_kind(&words[index - 1].text).is_some();
            let is_beside = words[index - 1].clause == words[index].clause;
            let unit = words.get(index + 1).map_or("", |word| word.text.as_str());
            if is_kind && is_beside && is_digits(&words[index]) && metres_per(unit).is_none() {
                words[index].number = None;
            }
        }
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
        for back in 1..=8 {
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
            || lexicon::ATTRIBUTES.contains(&word.text.as_str())
            || foes::known_kind(&word.text).is_some()
            || word.text == "force";
        let raw = word.raw.trim_end_matches("'s");
        (!is_known_word).then(|| raw.to_owned())
    }

    /// Everything that is said about an action.
    pub(crate) fn details(&mut self, names: &[&str]) -> Details {
        let mut details = Details {
            is_called_shot: self.says(lexicon::CALLED_SHOTS) || self.aims_at_a_spot(),
            is_again: self.has(&["again", "another"]) || self.says(&["once more", "one more time", "same as before"]),
            is_pool_vague: self.says(lexicon::VAGUE_POOLS),
            ..Details::default()
        };
        if let Some(index) = self.words.iter().position(|word| word.is_dice) {
            details.notation = Some(canonical(self.words[index].raw));
            self.take(index..index + 1);
        }
        self.take_damage(&mut details);
        self.take_wound(&mut details);
        details.nuyen = self.take_nuyen();
        details.defence_pool = self.take_defence();
        details.shots = self.shots();
        details.weapon = self.take_weapon();
        details.spell = self.take_spell();
        details.distance = self.take_distance();
        details.force = self.take_force();
        self.take_pools(&mut details);
        details.aim_actions = self.take_aim(details.is_called_shot);
        details.target_number = self.take_target_number();
        details.dice = self.take_dice();
        details.distance = details.distance.or_else(|| self.take_bare_distance());
        details.range = self.longest(lexicon::RANGES).map(|(_, range, _)| range.to_owned());
        details.difficulty = self.longest(lexicon::DIFFICULTIES).map(|(_, difficulty, _)| difficulty.to_owned());
        details.light = self.longest(lexicon::LIGHTS).map(|(_, light, _)| light.to_owned());
        details.air = self.longest(lexicon::AIR).map(|(_, air, _)| air.to_owned());
        details.firing_mode = self.longest(lexicon::FIRING_MODES).map(|(_, mode, _)| mode.to_owned());
        details.ammunition = self.longest(lexicon::AMMUNITION).map(|(_, ammunition, _)| ammunition.to_owned());
        details.rounds = self.take_rounds();
        details.cover = self.cover();
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
        let is_rest = matches!(self.text(range.end), "for" | "up" | "over" | "naturally");
        let is_verb = matches!(name, "Heal" | "Treat")
            && !is_rest
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
}
