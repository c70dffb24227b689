//! The names in what a player says: the place, the targets, the foes, who acts.

use super::{DETERMINERS, ENDS, PRONOUNS, SPOTS, Said, figures::whole, is_digits};
use crate::llm::house::{fight_words, foes, lexicon, words::Word};

impl Said<'_> {
    /// Where the players go: "we enter the warehouse".
    pub(super) fn location(&self) -> Option<String> {
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
    pub(super) fn target(&self, names: &[&str], is_attack: bool) -> Option<String> {
        let is_verb = |text: &str| {
            lexicon::SHOOT_VERBS.contains(&text)
                || lexicon::ATTACK_VERBS.contains(&text)
                || lexicon::MELEE_VERBS.iter().any(|(verb, _)| *verb == text)
                || matches!(text, "drop" | "heal" | "treat" | "stun")
        };
        let after_verb = (0..self.words.len()).filter(|index| is_verb(self.text(*index))).map(|index| index + 1);
        let after_at = (0..self.words.len()).filter(|index| {
            let is_called = self.text(*index) == "to" && self.before(*index, 1) == "shot";
            is_called || matches!(self.text(*index), "at" | "on" | "against" | "toward" | "towards")
        });
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
            || self.has(&["aim", "aiming", "spell", "shot", "headshot", "grenade"])
        {
            let after_word = after_at.chain(after_bullet).map(|index| index + 1);
            let places = after_verb.chain(after_word);
            // "the leg of ganger 2"
            let after_spot = (2..self.words.len())
                .filter(|index| self.before(*index, 1) == "of" && SPOTS.contains(&self.before(*index, 2)));
            if let Some(target) = after_spot.chain(places).find_map(|start| self.name_at(start, names)) {
                return Some(target);
            }
        }
        self.subject(names)
    }

    /// Who follows the first target after an "and": "the ganger and the troll".
    pub(super) fn further_targets(&self, first: Option<&str>, names: &[&str]) -> Vec<String> {
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

    /// Who does what one of the phrases says: "the guard shoots back".
    pub(crate) fn doer(&self, phrases: &[&str]) -> Option<String> {
        let deed = phrases.iter().filter_map(|phrase| self.phrase(phrase)).map(|range| range.start).min()?;
        let clause = self.words[deed].clause;
        let mut before = (0..deed).rev().take(4).take_while(|index| self.words[*index].clause == clause);
        let start = before.find(|index| DETERMINERS.contains(&self.text(*index)))?;
        let name: Vec<&str> = self.words[start + 1..deed].iter().map(|word| word.raw).collect();
        (!name.is_empty()).then(|| name.join(" "))
    }

    /// Foes with how many of them there are: "two gangers and a troll".
    pub(super) fn foes(&self) -> Vec<(String, u32)> {
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

    /// Whether a shot is aimed at a spot of the target: "in the leg", "at ganger 3's head".
    pub(super) fn aims_at_a_spot(&self) -> bool {
        let aims = self.shoots() || self.has(&["aim", "aiming", "aims"]);
        let is_spot = |index: usize| {
            let is_length = self.words[index.saturating_sub(1)].number.is_some() && index != 0;
            let is_own = matches!(self.before(index, 1), "my" | "point");
            SPOTS.contains(&self.text(index)) && !is_length && !is_own && self.text(index + 1) != "length"
        };
        aims && (0..self.words.len()).any(is_spot)
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
    pub(super) fn name_at(&self, start: usize, names: &[&str]) -> Option<String> {
        let mut start = start;
        while matches!(self.text(start), "at" | "on" | "upon" | "down" | "off" | "back")
            || DETERMINERS.contains(&self.text(start))
        {
            start += 1;
        }
        let first = self.words.get(start)?;
        if matches!(first.text.as_str(), "myself" | "himself" | "herself" | "itself") {
            return Some(first.text.clone());
        }
        if PRONOUNS.contains(&first.text.as_str())
            || first.text.starts_with("head")
            || SPOTS.contains(&first.text.as_str())
        {
            return None;
        }
        let previous = start.checked_sub(1).and_then(|index| self.words.get(index));
        if previous.is_some_and(|word| word.clause != first.clause) {
            return None;
        }
        let mut parts: Vec<&str> = Vec::new();
        for index in start..self.words.len().min(start + 4) {
            let word = &self.words[index];
            if !parts.is_empty() && word.number.is_none() && is_digits(word) {
                parts.push(word.raw);
                break;
            }
            let is_end = word.clause != first.clause || word.number.is_some() || word.is_dice || self.is_used[index];
            let ends_name = |list: &[&str]| list.contains(&word.text.as_str());
            if is_end || ends_name(ENDS) || ends_name(SPOTS) || ends_name(lexicon::SHOOT_VERBS) {
                break;
            }
            parts.push(word.raw.trim_end_matches("'s"));
        }
        let target = parts.join(" ");
        let lower = target.to_lowercase();
        let is_manner =
            [lexicon::LIGHTS, lexicon::FIRING_MODES].concat().iter().any(|(phrase, _)| lower.starts_with(phrase));
        const NO_TARGET: &[&str] = &[
            "pool",
            "drain",
            "called shot",
            "shot",
            "cover",
            "initiative",
            "fire",
            "will",
            "range",
            "all",
            "first",
            "damage",
            "short",
            "medium",
            "long",
            "extreme",
            "elemental",
        ];
        let is_none = target.is_empty() || is_manner || NO_TARGET.contains(&lower.as_str());
        if is_none {
            return None;
        }
        let target = foes::without_slip(&target);
        let known = names.iter().find(|name| name.eq_ignore_ascii_case(&target));
        // "THE GUARD" is shouted, not a name.
        let target = if target.len() > 3 && target == target.to_uppercase() { target.to_lowercase() } else { target };
        Some(known.map_or(target, |name| (*name).to_owned()))
    }

    /// Who a statement is about: "the troll is 30 metres away".
    pub(super) fn subject(&self, names: &[&str]) -> Option<String> {
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
