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

    /// A damage code and the successes behind it: "6M with 2 successes". "6M" is no distance where somebody is hit.
    pub(super) fn take_damage(&mut self, details: &mut Details) {
        let is_hit = self.has(fight_words::RESISTING)
            || self.has(&["hit", "hits", "damage", "successes"])
            || self.says(fight_words::FOES_ACT);
        let code = (0..self.words.len()).find(|index| {
            let level = self.words.get(index + 1).map_or("", |word| word.raw);
            let is_level = matches!(level, "L" | "M" | "S" | "D")
                || matches!(level, "l" | "m" | "s" | "d") && self.has(fight_words::RESISTING);
            let is_distance = matches!(self.before(*index, 1), "at" | "from" | "range" | "about");
            let follows = self.words.get(index + 1).is_some_and(|word| word.clause == self.words[*index].clause);
            is_hit && is_level && follows && !is_distance && self.words[*index].number.is_some()
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
        (twice && self.shoots() || self.says(&["double tap", "two shots", "2 shots", "two times"])).then_some(2)
    }

    /// What a player books on a sheet himself.
    pub(crate) fn booked(&self, details: &Details, is_asking: bool) -> Option<Action> {
        let is_hurt = self.has(fight_words::RESISTING)
            || self.has(&["hit", "hits", "takes", "take", "damage"])
            || self.says(fight_words::FOES_ACT);
        if details.damage.is_some() && is_hurt {
            return Some(Action::Resist);
        }
        let buys = self.has(fight_words::BUYING);
        if buys && !self.has(&["dice", "die", "successes", "success"]) {
            return Some(Action::Buy(self.purchase()));
        }
        let pays = self.has(fight_words::PAYING) || self.says(&["i give"]);
        if details.nuyen.is_some() && pays && !self.has(&["me", "us"]) {
            return Some(Action::Spend);
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
        if self.has(fight_words::SUMMONING) {
            return Some(Action::Conjure(self.spirit()));
        }
        let skill = words::find_name(&self.words, lexicon::SKILLS.iter().copied()).map(|(name, _)| name.to_owned());
        let raises = self.has(&["raise", "raises", "improve", "improves"]);
        if raises && (skill.is_some() || self.has(&["skill", "skills"])) {
            return Some(Action::Improve(skill));
        }
        if self.has(&["grenade", "grenades"]) && self.has(&["throw", "throws", "toss", "lob", "hurl"]) {
            let kind = |word: &&str| self.has(&[*word]);
            return Some(Action::Grenade(["offensive", "defensive", "concussion"].into_iter().find(|word| kind(word))));
        }
        let vehicle = self.vehicle()?;
        let terrain = ["tight", "restricted", "open", "normal"].into_iter().find(|word| self.has(&[*word]));
        Some(Action::Drive { vehicle, terrain })
    }

    /// The foe in "is ganger 2 dead?" and "how is ganger 2?".
    fn foe_asked_after(&self) -> Option<String> {
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
        let verb =
            self.words.iter().position(|word| fight_words::BUYING.contains(&word.text.as_str())).unwrap_or_default();
        let rest = self.words[verb + 1..].iter().take_while(|word| word.clause == self.words[verb].clause);
        let mut rest =
            rest.skip_while(|word| DETERMINERS.contains(&word.text.as_str()) || word.text == "me").peekable();
        let count = rest.peek().and_then(|word| word.number).and_then(whole);
        let thing: Vec<&str> = rest
            .skip(usize::from(count.is_some()))
            .take_while(|word| !AFTER.contains(&word.text.as_str()))
            .take(6)
            .map(|word| word.raw)
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
