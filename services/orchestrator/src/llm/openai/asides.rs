//! What a model writes into its text that is not for the table: its thoughts, and calls that its server does not read out.

use serde_json::Value;

/// Takes out the thoughts that some servers leave at the head of an answer: they are not for the table.
#[derive(Debug, Default)]
pub(super) struct Thoughts {
    /// What of the answer may still belong to a mark.
    held: String,
    place: Place,
    /// Whether thoughts have been taken out.
    some: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Place {
    /// Nothing but blanks and thoughts so far.
    #[default]
    Head,
    Inside,
    Past,
}

impl Thoughts {
    const OPEN: &str = "<think>";
    const CLOSE: &str = "</think>";

    /// The text without them.
    pub fn take_out(&mut self, piece: &str) -> String {
        if self.place == Place::Past {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        loop {
            if self.place == Place::Inside {
                let Some((_, rest)) = self.held.split_once(Self::CLOSE) else {
                    let is_end = |length: &usize| self.held.ends_with(&Self::CLOSE[..*length]);
                    let kept = (1..Self::CLOSE.len()).rev().find(is_end).unwrap_or(0);
                    self.held = Self::CLOSE[..kept].to_owned();
                    return String::new();
                };
                self.held = rest.to_owned();
                self.place = Place::Head;
                self.some = true;
            }
            let told = self.held.trim_start();
            if let Some(thought) = told.strip_prefix(Self::OPEN) {
                self.held = thought.to_owned();
                self.place = Place::Inside;
                continue;
            }
            if Self::OPEN.starts_with(told) {
                return String::new();
            }
            self.place = Place::Past;
            let told = if self.some { told.to_owned() } else { self.held.clone() };
            self.held.clear();
            return told;
        }
    }
}

/// Takes out the calls that a model writes as text where its server does not know the model's own way to call: each between
/// two marks, as an object with name and arguments. Whatever else stands between them is told.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// What of the answer may still belong to a mark or a call.
    held: String,
}

#[derive(Debug, PartialEq)]
pub(super) enum WrittenPart {
    Text(String),
    Call(Value),
}

impl Written {
    const OPEN: &str = "<tool_call>";
    const CLOSE: &str = "</tool_call>";
    /// Longest call that is held back, in bytes.
    const MOST: usize = 64 * 1024;

    /// The text and the calls of it, in their order.
    pub fn take_out(&mut self, piece: &str) -> Vec<WrittenPart> {
        self.held.push_str(piece);
        let mut parts = Vec::new();
        let mut text = String::new();
        while let Some(open) = self.held.find(Self::OPEN) {
            let begin = open + Self::OPEN.len();
            let Some(length) = self.held[begin..].find(Self::CLOSE) else { break };
            let end = begin + length + Self::CLOSE.len();
            let call = serde_json::from_str::<Value>(self.held[begin..begin + length].trim()).ok();
            match call.filter(|call| call["name"].is_string()) {
                Some(call) => {
                    text.push_str(&self.held[..open]);
                    parts
                        .extend(Some(std::mem::take(&mut text)).filter(|text| !text.is_empty()).map(WrittenPart::Text));
                    parts.push(WrittenPart::Call(call));
                }
                None => text.push_str(&self.held[..end]),
            }
            self.held.drain(..end);
        }
        let kept = match self.held.find(Self::OPEN) {
            Some(open) if self.held.len() - open <= Self::MOST => open,
            Some(_) => self.held.len(),
            None => {
                let is_begun = |length: &usize| self.held.ends_with(&Self::OPEN[..*length]);
                self.held.len() - (1..Self::OPEN.len()).rev().find(is_begun).unwrap_or(0)
            }
        };
        text.extend(self.held.drain(..kept));
        parts.extend(Some(text).filter(|text| !text.is_empty()).map(WrittenPart::Text));
        parts
    }

    /// What was held back, when nothing more comes.
    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_in_the_text_is_taken_out_in_any_cut_and_everything_else_told() {
        let text = r#"Wait. <tool_call>{"name": "roll", "arguments": {}}</tool_call> So <tool_calls> <tool_call>no</tool_call> <to"#;
        for cut in 0..text.len() {
            let mut written = Written::default();
            let mut parts = written.take_out(&text[..cut]);
            parts.extend(written.take_out(&text[cut..]));
            parts.push(WrittenPart::Text(written.rest()));
            let (mut told, mut calls) = (String::new(), 0);
            for part in parts {
                match part {
                    WrittenPart::Text(text) => told.push_str(&text),
                    WrittenPart::Call(call) => calls += usize::from(call["name"] == "roll"),
                }
            }
            assert_eq!((told.as_str(), calls), ("Wait.  So <tool_calls> <tool_call>no</tool_call> <to", 1), "{cut}");
        }
    }

    #[track_caller]
    fn told(pieces: &[&str], expected: &str) {
        let mut thoughts = Thoughts::default();
        let told: String = pieces.iter().map(|piece| thoughts.take_out(piece)).collect();
        assert_eq!(told, expected, "{pieces:?}");
    }

    #[test]
    fn thoughts_at_the_head_are_not_told() {
        told(&["<think>The butler did it.</think>\n\nGood evening."], "Good evening.");
        told(&["<", "think", ">The", " butler <b>", "</th", "ink", ">", "\n", "Good ", "evening."], "Good evening.");
        told(&["\n<think>\n</think>\n<think>one more</think> Yes"], "Yes");
        told(&["<think>without an end"], "");
    }

    #[test]
    fn whatever_else_looks_like_a_thought_is_told() {
        told(&["Good <think>", "evening</think>."], "Good <think>evening</think>.");
        told(&["<thi", "ng> is here"], "<thing> is here");
        told(&["\n  Good", " evening"], "\n  Good evening");
    }
}
