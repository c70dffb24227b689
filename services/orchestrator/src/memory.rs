//! What a game master remembers beyond the last messages: facts, each with the events it comes from.
//!
//! A message that falls out of the window waits here until it has become a fact: by rule, or by a second, cheap call of a
//! model. Until then it is told in the rule's words, so that nothing is cut in silence.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use proto::orchestrator::v1::Fact;
use serde::{Deserialize, Serialize};

use crate::{llm::Message, lore::each_word};

/// Fallen messages that are made into facts together.
pub(crate) const BATCH: usize = 10;
/// Facts that may be pinned at one table.
pub(crate) const MAX_PINNED: usize = 50;
/// Who writes facts where no model does.
pub(crate) const RULE: &str = "rule";
/// Characters of a player's words, and of the answer, that a fact by rule keeps.
const KEPT: usize = 180;
/// Bytes that count as one token.
const BYTES_PER_TOKEN: usize = 4;

/// A message of the conversation with its place in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Said {
    pub turn_id: String,
    pub seq: u64,
    pub message: Message,
}

/// The facts of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    facts: Arc<Vec<Arc<Known>>>,
    /// Fell out of the window and is no fact yet, oldest first.
    fallen: VecDeque<Arc<Said>>,
}

/// A fact, with what each turn asks of it read once.
#[derive(Debug)]
struct Known {
    fact: Fact,
    /// Its words as hashes, in their order.
    words: Box<[u64]>,
    tokens: usize,
}

/// What of the memory a turn is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub lines: Vec<String>,
    /// Facts that did not fit.
    pub left_out: usize,
    pub tokens: usize,
}

impl Known {
    fn new(fact: Fact) -> Arc<Known> {
        let (words, tokens) = (hashes(&fact.text), tokens(&fact.text));
        Arc::new(Known { fact, words, tokens })
    }

    /// How many of the words it has.
    fn shared(&self, wanted: &[u64]) -> usize {
        let (mut left, mut right, mut shared) = (0, 0, 0);
        while let (Some(own), Some(other)) = (self.words.get(left), wanted.get(right)) {
            shared += usize::from(own == other);
            left += usize::from(own <= other);
            right += usize::from(other <= own);
        }
        shared
    }
}

impl Memory {
    /// Every fact: pinned ones first, then the oldest first.
    pub fn facts(&self) -> Vec<Fact> {
        let all = self.facts.iter().map(|known| known.fact.clone());
        let (pinned, others): (Vec<Fact>, Vec<Fact>) = all.partition(|fact| fact.pinned);
        pinned.into_iter().chain(others).collect()
    }

    pub fn find(&self, fact_id: &str) -> Option<&Fact> {
        self.facts.iter().map(|known| &known.fact).find(|fact| fact.fact_id == fact_id)
    }

    pub fn pinned(&self) -> usize {
        self.facts.iter().filter(|known| known.fact.pinned).count()
    }

    /// What fell out of the window and is no fact yet.
    pub fn fallen(&self) -> &VecDeque<Arc<Said>> {
        &self.fallen
    }

    /// A message falls out of the window.
    pub fn fall(&mut self, said: Arc<Said>) {
        self.fallen.push_back(said);
    }

    /// New facts; what they come from has become a fact.
    pub fn remember(&mut self, facts: &[Fact]) {
        let seqs: HashSet<u64> = facts.iter().flat_map(|fact| fact.seqs.iter().copied()).collect();
        self.fallen.retain(|said| !seqs.contains(&said.seq));
        let all = Arc::make_mut(&mut self.facts);
        for fact in facts {
            all.retain(|other| other.fact.fact_id != fact.fact_id);
            all.push(Known::new(fact.clone()));
        }
    }

    pub fn forget(&mut self, fact_id: &str) {
        Arc::make_mut(&mut self.facts).retain(|known| known.fact.fact_id != fact_id);
    }

    /// A turn counts no more: neither do facts that come from it alone.
    pub fn take_back(&mut self, turn_id: &str, seqs: &[u64]) {
        self.fallen.retain(|said| said.turn_id != turn_id);
        let is_of_turn =
            |known: &Arc<Known>| !known.fact.seqs.is_empty() && known.fact.seqs.iter().all(|seq| seqs.contains(seq));
        if self.facts.iter().any(is_of_turn) {
            Arc::make_mut(&mut self.facts).retain(|known| !is_of_turn(known));
        }
    }

    /// Tokens that all facts would take.
    pub fn tokens(&self) -> usize {
        self.facts.iter().map(|known| known.tokens).sum()
    }

    /// What a turn about `text` is told in at most `budget` tokens: pinned facts, what has just fallen out of the window,
    /// then facts that share words with the text, and the newest ones.
    pub fn told(&self, text: &str, budget: usize) -> Told {
        let fallen = by_rule(self.fallen.iter().map(Arc::as_ref));
        let known = self.facts.iter().map(|known| (&known.fact, known.tokens, Some(known)));
        let fallen = fallen.iter().map(|fact| (fact, tokens(&fact.text), None));
        let mut facts: Vec<_> = known.chain(fallen).enumerate().collect();
        if budget < facts.iter().map(|(_, (_, tokens, _))| tokens).sum() {
            let wanted = hashes(text);
            facts.sort_by_cached_key(|(place, (fact, _, known))| {
                let shared = known.map(|known| known.shared(&wanted).min(4));
                std::cmp::Reverse((fact.pinned, shared.is_none(), shared, *place))
            });
        }
        let mut told = Vec::new();
        let (mut used, mut left_out) = (0, 0);
        for (place, (fact, tokens, _)) in facts {
            if budget < used + tokens {
                left_out += 1;
                continue;
            }
            used += tokens;
            told.push((place, fact));
        }
        // In the order in which it happened.
        told.sort_by_key(|(place, fact)| (!fact.pinned, *place));
        Told { lines: told.into_iter().map(|(_, fact)| fact.text.clone()).collect(), left_out, tokens: used }
    }
}

/// The words that a text is about, as hashes in their order.
fn hashes(text: &str) -> Box<[u64]> {
    let mut hashes = Vec::new();
    each_word(text, |word| {
        let mut hasher = DefaultHasher::new();
        word.hash(&mut hasher);
        hashes.push(hasher.finish());
    });
    hashes.sort_unstable();
    hashes.dedup();
    hashes.into()
}

/// Tokens of a text, estimated.
pub(crate) fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

/// Messages as facts, one for each turn: who said what, and how the answer begins.
pub(crate) fn by_rule<'a>(said: impl Iterator<Item = &'a Said>) -> Vec<Fact> {
    let mut facts: Vec<(String, Fact)> = Vec::new();
    for Said { turn_id, seq, message } in said {
        let text = match message {
            Message::Player { name, character, text } => {
                let speaker = character.as_deref().or(name.as_deref()).unwrap_or("A player");
                format!("{}: \u{201C}{}\u{201D}", one_line(speaker, 60), one_line(text, KEPT))
            }
            Message::GameMaster { text, .. } => one_line(text, KEPT),
            Message::ToolResult { .. } | Message::Withdrawn { .. } => continue,
        };
        match facts.last_mut() {
            Some((turn, fact)) if turn == turn_id && !turn.is_empty() => {
                fact.text = format!("{} \u{2192} {text}", fact.text);
                fact.seqs.push(*seq);
            }
            _ => {
                let fact_id = format!("f{seq}");
                let fact = Fact { fact_id, text, seqs: vec![*seq], pinned: false, by: RULE.to_owned() };
                facts.push((turn_id.clone(), fact));
            }
        }
    }
    facts.into_iter().map(|(_, fact)| fact).collect()
}

/// A text in one line of at most `most` characters, cut at the end of a word and marked where it is.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let cut: String = line.chars().take(most).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    format!("{whole}\u{2026}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(turn: u64, text: &str) -> [Said; 2] {
        let player = Message::Player { name: Some("Anna".into()), character: Some("Oak".into()), text: text.into() };
        let answer = Message::GameMaster { text: format!("You {text}."), tool_calls: Vec::new() };
        let place = |seq, message| Said { turn_id: format!("t{turn}"), seq, message };
        [place(10 * turn, player), place(10 * turn + 3, answer)]
    }

    fn fact(id: &str, text: &str, pinned: bool) -> Fact {
        Fact { fact_id: id.into(), text: text.into(), seqs: Vec::new(), pinned, by: "Gerd".into() }
    }

    #[test]
    fn a_turn_that_fell_out_is_one_fact_with_its_events() {
        let all: Vec<Said> = said(1, "open the door").into_iter().chain(said(2, "go in")).collect();

        let facts = by_rule(all.iter());

        assert_eq!(facts.len(), 2);
        assert_eq!(facts[0].text, "Oak: \u{201C}open the door\u{201D} \u{2192} You open the door.");
        assert_eq!((facts[0].seqs.clone(), facts[1].fact_id.as_str()), (vec![10, 13], "f20"));
    }

    #[test]
    fn what_has_fallen_is_told_until_it_is_a_fact_and_then_as_one() {
        let mut memory = Memory::default();
        said(1, "open the door").into_iter().for_each(|said| memory.fall(Arc::new(said)));
        let before = memory.told("", 100);

        memory.remember(&by_rule(memory.fallen().clone().iter().map(Arc::as_ref)));

        assert_eq!((before.lines.len(), memory.fallen().len()), (1, 0));
        assert_eq!(memory.told("", 100), before);
    }

    #[test]
    fn pinned_facts_come_first_and_what_does_not_fit_is_counted() {
        let mut memory = Memory::default();
        let old = "The troll Grog owes Oak a favour since the fight at the docks";
        memory.remember(&[fact("a", old, false)]);
        memory.remember(&[fact("b", "It rains in Seattle, as it does", false), fact("c", "Mister J lies", true)]);

        let all = memory.told("where is Grog?", 100);
        let few = memory.told("Grog, the favour!", tokens(old) + 5);

        assert_eq!((all.lines.len(), all.lines[0].as_str(), all.left_out), (3, "Mister J lies", 0));
        assert_eq!((few.lines, few.left_out), (vec!["Mister J lies".to_owned(), old.to_owned()], 1));
    }

    #[test]
    fn a_turn_taken_back_takes_its_facts_with_it() {
        let mut memory = Memory::default();
        let all: Vec<Said> = said(1, "open the door").into_iter().chain(said(2, "go in")).collect();
        memory.remember(&by_rule(all.iter()));

        memory.take_back("t2", &[20, 23]);

        assert_eq!(memory.facts().len(), 1);
    }

    #[test]
    fn a_long_text_is_cut_at_a_word_and_marked() {
        assert_eq!(one_line("one\n two three", 9), "one two\u{2026}");
        assert_eq!(one_line("one two", 9), "one two");
    }
}
