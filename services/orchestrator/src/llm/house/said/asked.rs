//! What is asked or only supposed, and so not done.

use super::Said;
use crate::llm::house::{
    lexicon,
    words::{self, Word},
};

/// What may stand before the words that make a sentence a question or a request.
const COURTESIES: &[&str] =
    &["please", "gm", "hey", "so", "and", "ok", "okay", "well", "hi", "hello", "but", "then", "or"];

impl<'t> Said<'t> {
    /// What a message tells, and what it asks, each without the other.
    pub(crate) fn told_and_asked(text: &'t str) -> (Said<'t>, Said<'t>) {
        let words = words::split(text);
        let asked: Vec<usize> = words
            .chunk_by(|left, right| left.sentence == right.sentence)
            .filter(|sentence| asks(sentence))
            .map(|sentence| sentence[0].sentence)
            .collect();
        let (asked, told) = words.into_iter().partition(|word| asked.contains(&word.sentence));
        (Said::of(told), Said::of(asked))
    }

    /// Whether it asks for knowledge rather than for a deed.
    pub(crate) fn is_asking(&self, has_question_mark: bool) -> bool {
        const POLITE: &[&str] = &["can", "could", "you", "let", "me", "i", "want", "to"];
        let is_polite = |word: &Word<'_>| POLITE.contains(&word.text.as_str()) || is_courtesy(word);
        let first = self.words.iter().position(|word| !is_polite(word)).unwrap_or_default();
        let begins = lexicon::ASKING.contains(&self.text(first));
        let is_request = matches!(self.text(0), "can" | "could" | "may" | "let" | "shall");
        begins || (has_question_mark && !is_request)
    }
}

fn is_courtesy(word: &Word<'_>) -> bool {
    COURTESIES.contains(&word.text.as_str())
}

/// Whether a sentence is a question or a supposition. "Can you roll …?" and "can I shoot …?" are requests.
fn asks(sentence: &[Word<'_>]) -> bool {
    let start = sentence.iter().position(|word| !is_courtesy(word)).unwrap_or_default();
    let text = |index: usize| sentence.get(start + index).map_or("", |word| word.text.as_str());
    let opening = format!("{} {}", text(0), text(1));
    if lexicon::REQUESTS.contains(&opening.as_str()) || lexicon::REQUESTS.contains(&text(0)) {
        // "Can I hit the ganger?", and "kann ich den Ganger treffen?" with its verb at the end.
        let last = sentence.last().map_or("", |word| word.text.as_str());
        return [text(2), last].iter().any(|verb| matches!(*verb, "hit" | "kill" | "beat" | "reach" | "win"));
    }
    let is_supposed = sentence
        .windows(2)
        .any(|pair| lexicon::SUPPOSING.contains(&format!("{} {}", pair[0].text, pair[1].text).as_str()));
    let begins = lexicon::QUESTION_WORDS.contains(&text(0)) || lexicon::QUESTION_WORDS.contains(&opening.as_str());
    begins || is_supposed || sentence.iter().any(|word| word.is_asked)
}
