//! What a model writes at the head of its text that is not for the table: its thoughts.

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

#[cfg(test)]
mod tests {
    use super::*;

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
