//! What is entered on a sheet or has a tool of its own: wounds, dice kept, money, karma, spirits, vehicles, grenades.

use super::{DETERMINERS, Said, figures::whole};
use crate::llm::house::{
    fight_words, foes, lexicon,
    phrases::capital,
    understand::{Action, Details, Purchase},
    words,
};

impl Said<'_> {
    /// A sum of nuyen.
    pub(super) fn take_nuyen(&mut self) -> Option<u32> {
        let index = self.words.iter().position(|word| matches!(word.text.as_str(), "nuyen" | "creds" | "credits"))?;
        let at = [index.checked_sub(1), Some(index + 1)].into_iter().flatten().find(|at| self.number(*at).is_some())?;
        let sum = self.number(at);
        self.take(at..at + 1);
        sum
    }

    /// A damage code and the successes behind it: "6M with 2 successes". "6M" is a distance where nobody is hit.
    pub(super) fn take_damage(&mut self, details: &mut Details) {
        let resists = self.has(fight_words::RESISTING);
        let is_hit = resists || self.has(&["hit", "hits", "damage", "successes"]) || self.says(fight_words::FOES_ACT);
        let code = (0..self.words.len()).find(|index| {
            let Some(level) = self.words.get(index + 1) else { return false };
            let is_level = match level.raw {
                "L" | "S" | "D" => true,
                "M" => is_hit,
                "l" | "m" | "s" | "d" => resists,
                _ => false,
            };
            let is_distance = matches!(self.before(*index, 1), "at" | "from" | "range" | "about");
            let is_beside = level.clause == self.words[*index].clause;
            is_level && is_beside && !is_distance && self.words[*index].number.is_some()
        });
        if let Some(index) = code {
            let power = self.words[index].number.and_then(whole).unwrap_or_default();
            let stun = if self.has(&["stun"]) { " Stun" } else { "" };
            details.damage = Some(format!("{power}{}{stun}", self.words[index + 1].raw.to_uppercase()));
            self.take(index..index + 2);
        }
        let successes = self.words.iter().position(|word| matches!(word.text.as_str(), "success" | "successes"));
        if let Some((count, at)) = successes.filter(|_| code.is_some()).and_then(|index| self.number_before(index, &[]))
        {
            details.successes = Some(count);
            self.take(at..at + 1);
        }
    }

    /// A wound in boxes or by its level: "6 boxes of damage", "a serious wound".
    pub(super) fn take_wound(&mut self, details: &mut Details) {
        details.is_stun = self.has(&["stun"]) && self.has(&["damage", "wound", "boxes", "box"]);
        let boxes = self.words.iter().position(|word| matches!(word.text.as_str(), "box" | "boxes"));
        if let Some((count, at)) = boxes.and_then(|index| self.number_before(index, &[])) {
            details.boxes = Some(count);
            self.take(at..at + 1);
        }
        details.wound = self.longest(fight_words::WOUNDS).map(|(_, level, _)| level.to_owned());
    }

    /// Combat Pool dice to resist damage: "I keep 4 dice for defence".
    pub(super) fn take_defence(&mut self) -> Option<u32> {
        const BETWEEN: &[&str] =
            &["dice", "die", "combat", "pool", "from", "of", "my", "the", "for", "to", "with", "more", "other"];
        let word = |index: usize, list: &[&str]| list.contains(&self.text(index));
        for index in 0..self.words.len() {
            let is_other = self.has(lexicon::CAST_VERBS) || self.has(&["drain", "roll", "rolls", "throw", "test"]);
            if is_other || !word(index, fight_words::DEFENDING) {
                continue;
            }
            // "4 dice for defence", or "dodge with 3 combat pool dice".
            let before = self.number_before(index, BETWEEN);
            let has_dice = self.has(&["dice", "die", "pool"]);
            let after = (index + 1..index + 4)
                .find(|at| self.number(*at).is_some())
                .filter(|_| word(index + 1, &["with", "using"]));
            let Some(at) = before.map(|(_, at)| at).or(after).filter(|_| has_dice) else { continue };
            let dice = self.number(at);
            self.take(at..at + 1);
            return dice;
        }
        None
    }

    /// Shots in one go: "twice", but not "aim twice".
    pub(super) fn shots(&self) -> Option<u32> {
        let aims = |index: usize| self.before(index, 1).starts_with("aim");
        let twice = (0..self.words.len()).any(|index| self.text(index) == "twice" && !aims(index));
        (twice && self.shoots()
            || self.says(&["double tap", "two shots", "2 shots", "two bursts", "2 bursts", "two times"]))
        .then_some(2)
    }

    /// What a player books on a sheet himself.
    pub(crate) fn booked(&self, details: &Details, is_asking: bool) -> Option<Action> {
        let shoots_himself = self.shoots() && self.has(&["i", "i'm", "i'll"]) && !self.has(fight_words::RESISTING);
        if details.damage.is_some() && !is_asking && !shoots_himself {
            return Some(Action::Resist);
        }
        let buys = self.has(fight_words::BUYING);
        if buys && !self.has(&["dice", "die", "successes", "success"]) {
            return Some(Action::Buy(self.purchase()));
        }
        let pays = self.has(fight_words::PAYING) || self.says(&["i give"]) || self.has(&["gives"]);
        if details.nuyen.is_some() && pays && !self.has(&["me", "us"]) {
            return Some(Action::Spend);
        }
        if details.nuyen.is_some() && self.words.len() <= 2 {
            return Some(Action::Fragment);
        }
        let takes = self.has(fight_words::SUFFERING);
        if takes && (details.boxes.is_some() || details.wound.is_some()) && !is_asking {
            return Some(Action::Wound);
        }
        if self.has(&["karma"]) && !is_asking {
            let way = self.longest(fight_words::KARMA_WAYS).map(|(_, way, _)| way);
            return way.map(Action::Karma);
        }
        None
    }

    /// What one of the tools beyond shots, spells and tests is for.
    pub(crate) fn with_its_own_tool(&self, details: &Details, is_asking: bool) -> Option<Action> {
        if is_asking && self.says(fight_words::ORDER_QUESTIONS) {
            return Some(Action::Order);
        }
        if let Some(foe) = self.foe_asked_after().filter(|_| is_asking) {
            return Some(Action::FoeStands(foe));
        }
        if details.defence_pool.is_some() && !self.shoots() && details.weapon.is_none() {
            return Some(Action::Defend);
        }
        let spirit = self.spirit();
        if self.has(fight_words::SUMMONING) || spirit.is_some() && details.force.is_some() && !is_asking {
            return Some(Action::Conjure(spirit));
        }
        let skill = words::find_name(&self.words, lexicon::SKILLS.iter().copied()).map(|(name, _)| name.to_owned());
        let raises = self.has(&["raise", "raises", "improve", "improves"]);
        if raises && (skill.is_some() || self.has(&["skill", "skills"])) {
            return Some(Action::Improve(skill));
        }
        let kind = ["offensive", "defensive", "concussion"].into_iter().find(|word| self.has(&[*word]));
        let throws = self.has(&["grenade", "grenades"]) && self.has(&["throw", "throws", "toss", "lob", "hurl"]);
        let answers = kind.is_some() && self.words.len() <= 3;
        if throws || answers {
            return Some(Action::Grenade(kind));
        }
        let vehicle = self.vehicle()?;
        let terrain = ["tight", "restricted", "open", "normal"].into_iter().find(|word| self.has(&[*word]));
        Some(Action::Drive { vehicle, terrain })
    }

    /// The foe in "is ganger 2 dead?" and "how is ganger 2?".
    fn foe_asked_after(&self) -> Option<String> {
        if let Some(range) = self.phrase("condition of") {
            return self.name_at(range.end, &[]).filter(|name| foes::known_kind(name).is_some());
        }
        let start = match (self.text(0), self.text(1)) {
            ("is", _) if self.has(fight_words::STATES) => 1,
            ("how", "is") => 2,
            ("how", _) => 1,
            _ => return None,
        };
        self.name_at(start, &[]).filter(|name| foes::known_kind(name).is_some())
    }

    fn purchase(&self) -> Purchase {
        const AFTER: &[&str] = &["for", "at", "from", "and", "with", "now", "please", "costs", "price"];
        let is_end = |index: usize| {
            let text = self.text(index);
            AFTER.contains(&text) || fight_words::BUYING.contains(&text)
        };
        let verb =
            (0..self.words.len()).find(|index| fight_words::BUYING.contains(&self.text(*index))).unwrap_or_default();
        let is_named_after = self.words.get(verb + 1).is_some_and(|word| word.clause == self.words[verb].clause);
        // "I want to buy a gun", or with the verb at the end, as a German has it.
        let start = match is_named_after {
            true => verb + 1,
            false => {
                (0..verb).find(|index| self.is_used[*index] || DETERMINERS.contains(&self.text(*index))).unwrap_or(verb)
            }
        };
        let is_lead = |index: &usize| DETERMINERS.contains(&self.text(*index)) || self.text(*index) == "me";
        let start = (start..self.words.len()).find(|index| !is_lead(index)).unwrap_or(verb);
        let count = self.words.get(start).and_then(|word| word.number).and_then(whole);
        let thing: Vec<&str> = (start + usize::from(count.is_some())..self.words.len())
            .take_while(|index| self.words[*index].clause == self.words[verb].clause && !is_end(*index))
            .take(6)
            .map(|index| self.words[index].raw)
            .collect();
        Purchase { thing: capital(&thing.join(" ")), count: count.unwrap_or(1).max(1) }
    }

    /// The kind of spirit: "a forest spirit", "fire elemental".
    fn spirit(&self) -> Option<String> {
        let index = self.words.iter().position(|word| matches!(word.text.as_str(), "spirit" | "elemental"))?;
        let kind = self.before(index, 1);
        let is_kind = !kind.is_empty() && !DETERMINERS.contains(&kind) && !fight_words::SUMMONING.contains(&kind);
        is_kind.then(|| format!("{kind} {}", self.text(index)))
    }

    /// What is driven, if it has a name: "I drive the Westwind".
    fn vehicle(&self) -> Option<String> {
        let verb =
            self.words.iter().position(|word| matches!(word.text.as_str(), "drive" | "drives" | "steer" | "steers"))?;
        let start = (verb + 1..self.words.len()).find(|index| {
            !DETERMINERS.contains(&self.text(*index))
                && !matches!(self.text(*index), "my" | "our")
                && !self.words[*index].is_possessive
        })?;
        let is_part = |word: &&words::Word<'_>| {
            word.clause == self.words[verb].clause
                && word.raw.starts_with(|char: char| char.is_uppercase() || char.is_ascii_digit())
        };
        let name: Vec<&str> = self.words[start..].iter().take(4).take_while(is_part).map(|word| word.raw).collect();
        (!name.is_empty()).then(|| name.join(" "))
    }
}
