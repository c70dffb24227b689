//! What a model writes into its text that is not for the table, since its server does not read it out: its thoughts, its
//! calls, and the marks between which they stand.

mod forms;
mod python;

use serde_json::{Map, Value};

/// Longest call that is held back, in bytes.
const MOST: usize = 64 * 1024;
/// Longest call without a mark that is held back, in bytes.
const MOST_BARE: usize = 8 * 1024;
/// Longest thoughts that are held back, in bytes.
const MOST_THOUGHTS: usize = 1 << 20;
/// Longest head of a message in OpenAI's harmony format, in bytes.
const MOST_HEAD: usize = 300;
/// Longest name of a token of its own kind, in bytes.
const MOST_TOKEN: usize = 60;

/// What stands between two marks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// What is for nobody.
    Thought,
    /// What a model has made up, in place of a tool.
    Result,
    Calls,
    /// Calls or something to tell.
    Fence,
    /// The head of a message: who speaks to whom.
    Head,
}

#[derive(Debug, PartialEq)]
struct Mark {
    kind: Kind,
    open: &'static str,
    /// Empty: it goes on to the end of the answer.
    close: &'static str,
}

const fn mark(kind: Kind, open: &'static str, close: &'static str) -> Mark {
    Mark { kind, open, close }
}

static MARKS: [Mark; 35] = [
    mark(Kind::Thought, "<think>", "</think>"),
    mark(Kind::Thought, "<thinking>", "</thinking>"),
    mark(Kind::Thought, "<thought>", "</thought>"),
    mark(Kind::Thought, "[THINK]", "[/THINK]"),
    mark(Kind::Thought, "<seed:think>", "</seed:think>"),
    mark(Kind::Thought, "<|START_THINKING|>", "<|END_THINKING|>"),
    mark(Kind::Thought, "<|begin_of_thought|>", "<|end_of_thought|>"),
    mark(Kind::Thought, "<|channel>", "<channel|>"),
    mark(Kind::Result, "<tool_response>", "</tool_response>"),
    mark(Kind::Result, "<function_results>", "</function_results>"),
    mark(Kind::Result, "[TOOL_RESULTS]", "[/TOOL_RESULTS]"),
    mark(
        Kind::Result,
        "<\u{ff5c}tool\u{2581}outputs\u{2581}begin\u{ff5c}>",
        "<\u{ff5c}tool\u{2581}outputs\u{2581}end\u{ff5c}>",
    ),
    mark(Kind::Calls, "<tool_call>", "</tool_call>"),
    mark(Kind::Calls, "<tool_calls>", "</tool_calls>"),
    mark(Kind::Calls, "<function=", "</function>"),
    mark(Kind::Calls, "<function_call>", "</function_call>"),
    mark(Kind::Calls, "<function_calls>", "</function_calls>"),
    mark(Kind::Calls, "<invoke name=", "</invoke>"),
    mark(Kind::Calls, "<tool_code>", "</tool_code>"),
    mark(Kind::Calls, "<TOOLCALL>", "</TOOLCALL>"),
    mark(Kind::Calls, "<minimax:tool_call>", "</minimax:tool_call>"),
    mark(Kind::Calls, "<seed:tool_call>", "</seed:tool_call>"),
    mark(Kind::Calls, "<start_function_call>", "<end_function_call>"),
    mark(Kind::Calls, "<\u{ff5c}DSML\u{ff5c}function_calls>", "</\u{ff5c}DSML\u{ff5c}function_calls>"),
    mark(
        Kind::Calls,
        "<\u{ff5c}tool\u{2581}calls\u{2581}begin\u{ff5c}>",
        "<\u{ff5c}tool\u{2581}calls\u{2581}end\u{ff5c}>",
    ),
    mark(Kind::Calls, "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    mark(Kind::Calls, "<|tool_call_start|>", "<|tool_call_end|>"),
    mark(Kind::Calls, "<|START_ACTION|>", "<|END_ACTION|>"),
    mark(Kind::Calls, "<|action_start|>", "<|action_end|>"),
    mark(Kind::Calls, "<|tool_call>", "<tool_call|>"),
    mark(Kind::Calls, "<|tool_call|>", ""),
    mark(Kind::Calls, "<|python_tag|>", ""),
    mark(Kind::Calls, "[TOOL_REQUEST]", "[END_TOOL_REQUEST]"),
    mark(Kind::Calls, "[TOOL_CALLS]", ""),
    mark(Kind::Fence, "```", "```"),
];
/// What opens the head of a message. What closes it is a token like any other.
static HEADS: [Mark; 2] =
    [mark(Kind::Head, "<|channel|>", "<|message|>"), mark(Kind::Head, "<|start|>", "<|message|>")];
/// What may follow a message in that format.
const ENDS: [&str; 5] = ["<|end|>", "<|call|>", "<|return|>", "<|start|>", "<|channel|>"];
/// What is left of that format by a server that takes its tokens away.
const ANALYSIS: &str = "analysis";
const FINAL: [&str; 1] = ["assistantfinal"];
/// Marks that say nothing to anybody.
const STRAYS: [&str; 9] = [
    "<s>",
    "</s>",
    "<start_of_turn>model",
    "<start_of_turn>",
    "<end_of_turn>",
    "<turn|>",
    "[/TOOL_CALLS]",
    "</function_response>",
    "<eos>",
];
/// What the first line of a fence says that may hold calls.
const FENCED: [&str; 7] = ["", "json", "tool", "tool_call", "tool_calls", "tool_code", "xml"];
/// How a call without a mark begins, blanks aside.
const BEGINS: [&str; 8] = [
    "{\"name\":",
    "{\"type\":\"function\"",
    "{\"function\":",
    "{\"tool_calls\":",
    "{\"tool_name\":",
    "{\"arguments\":",
    "{\"parameters\":",
    "{\"id\":",
];

/// Takes out of a text what is not told. Calls without a mark begin a line.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// What of the answer may still belong to a mark or a call.
    held: String,
    place: Place,
    /// How much of what may be thoughts has been searched for their end.
    looked_at: usize,
    /// Blanks at the head of the answer.
    blanks: String,
    /// Whether the blanks at its head are told: not if something was taken out among them.
    trims: bool,
    /// Whether something but blanks has been told.
    is_past_head: bool,
    has_called: bool,
    /// Whether the line has something else than blanks.
    is_in_line: bool,
    /// Whether a call without a mark has just been taken out: others may follow in the same line.
    is_after_bare: bool,
    /// Whether a fence is open that is told.
    is_in_fence: bool,
    /// Whether thoughts have ended that had no beginning.
    thinks_first: bool,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Text,
    /// The answer may have begun with thoughts that have no mark of their own.
    Thoughts,
    /// What is passed over, up to one of these.
    Dropped {
        closes: &'static [&'static str],
        with_close: bool,
    },
    /// Between the marks of calls; the first one is held as well.
    Calls(&'static Mark),
    Head,
    /// In a message to a tool.
    Arguments(String),
}

/// What stands at some place of a text.
enum Found {
    /// Calls without a mark, and their length in bytes.
    Bare(Vec<Value>, usize),
    Mark(&'static Mark),
    /// The end of thoughts that had no beginning, of this length in bytes.
    ThoughtsEnd(usize),
    Stray(usize),
    /// What may become any of them.
    Begun,
}

#[derive(Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Call(Value),
    /// All that came before it was thoughts.
    Thoughts,
}

impl Written {
    /// For an answer that may begin with thoughts without a mark: it is held back until they end.
    pub fn thinking_first() -> Written {
        Written { place: Place::Thoughts, ..Written::default() }
    }

    /// Whether the answer has begun with thoughts without a mark, as far as it shows.
    pub fn thinks_first(&self) -> Option<bool> {
        let has_told = self.is_past_head.then_some(false);
        self.thinks_first.then_some(true).or(has_told)
    }

    /// Whether something is held that may become a call.
    pub fn is_open(&self) -> bool {
        match self.place {
            Place::Text => !self.held.is_empty(),
            Place::Calls(_) | Place::Head | Place::Arguments(_) => true,
            Place::Thoughts | Place::Dropped { .. } => false,
        }
    }

    /// The text and the calls of it, in their order.
    pub fn take_out(&mut self, piece: &str) -> Vec<Part> {
        self.held.push_str(piece);
        let mut parts = Vec::new();
        while self.step(&mut parts) {}
        parts
    }

    /// What was held back, when nothing more comes: some models leave out the last mark. An answer that was cut at its
    /// greatest length says less than it meant to.
    pub fn rest(&mut self, is_cut: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        loop {
            while self.step(&mut parts) {}
            let held = std::mem::take(&mut self.held);
            match std::mem::take(&mut self.place) {
                Place::Thoughts if !is_cut => self.held = held,
                Place::Calls(mark) if mark.kind == Kind::Fence => {
                    self.fenced(&held, "", &mut parts);
                    return parts;
                }
                Place::Calls(mark) => {
                    let is_whole = mark.close.is_empty() && !is_cut;
                    let (calls, left) = forms::calls(&held, is_whole);
                    if calls.is_empty() || left.starts_with(['{', '[']) {
                        self.call(calls, &left, &mut parts);
                        return parts;
                    }
                    // Some go on as if they had been answered.
                    self.call(calls, "", &mut parts);
                    self.held = left;
                }
                Place::Arguments(name) => {
                    self.call_with(&name, &held, &mut parts);
                    return parts;
                }
                Place::Text if matches!(bare(&held), Found::Begun) && held.contains(['(', '{']) => {
                    let is_call = ["\"arguments\"", "\"parameters\"", "("].iter().any(|sign| held.contains(sign));
                    match is_call {
                        true => self.call(Vec::new(), &held, &mut parts),
                        false => self.tell(&held, &mut parts),
                    }
                    return parts;
                }
                Place::Text => {
                    let is_token = held.starts_with("<|") || held.starts_with("<\u{ff5c}");
                    self.tell(if is_token { "" } else { &held }, &mut parts);
                    return parts;
                }
                Place::Thoughts | Place::Dropped { .. } | Place::Head => return parts,
            }
        }
    }

    /// Goes on by one mark or call; whether there may be more.
    fn step(&mut self, parts: &mut Vec<Part>) -> bool {
        match &self.place {
            Place::Text => self.text(parts),
            Place::Thoughts => self.thoughts(),
            Place::Dropped { closes, with_close } => {
                let (closes, with_close) = (*closes, *with_close);
                self.dropped(closes, with_close)
            }
            Place::Calls(mark) if mark.kind == Kind::Fence => self.fence(parts),
            Place::Calls(mark) => {
                let mark = *mark;
                self.calls(mark, parts)
            }
            Place::Head => self.head(),
            Place::Arguments(_) => self.arguments(parts),
        }
    }

    fn text(&mut self, parts: &mut Vec<Part>) -> bool {
        if self.is_after_bare {
            let is_between = |char: char| char.is_whitespace() || matches!(char, ';' | ',');
            let begin = self.held.len() - self.held.trim_start_matches(is_between).len();
            self.held.drain(..begin);
            if self.held.is_empty() {
                return false;
            }
            (self.is_after_bare, self.is_in_line) = (false, false);
        }
        if !self.is_past_head {
            let head = self.held.trim_start();
            if !head.is_empty() && ANALYSIS.starts_with(head) {
                return false;
            }
            if is_analysis(head) {
                self.place = Place::Dropped { closes: &FINAL, with_close: true };
                return true;
            }
        }
        let Some((at, found)) = self.find() else {
            let text = std::mem::take(&mut self.held);
            self.tell(&text, parts);
            return false;
        };
        if let Found::ThoughtsEnd(length) = found {
            self.held.drain(..at + length);
            let has_said = self.is_past_head || self.has_called;
            *self =
                Written { held: std::mem::take(&mut self.held), trims: true, thinks_first: true, ..Written::default() };
            parts.clear();
            parts.extend(has_said.then_some(Part::Thoughts));
            return true;
        }
        let text: String = self.held.drain(..at).collect();
        self.tell(&text, parts);
        match found {
            Found::Begun => return false,
            Found::Bare(calls, length) => {
                self.held.drain(..length);
                self.is_after_bare = true;
                self.trims = true;
                self.call(calls, "", parts);
            }
            Found::Stray(length) => drop(self.held.drain(..length)),
            Found::Mark(Mark { kind: Kind::Fence, open, .. }) if self.is_in_fence => {
                self.held.drain(..open.len());
                self.tell(open, parts);
                self.is_in_fence = false;
            }
            Found::Mark(mark) => match mark.kind {
                Kind::Calls | Kind::Fence => self.place = Place::Calls(mark),
                Kind::Head => self.place = Place::Head,
                Kind::Thought | Kind::Result => {
                    self.held.drain(..mark.open.len());
                    let closes = std::slice::from_ref(&mark.close);
                    self.place = Place::Dropped { closes, with_close: true };
                }
            },
            // Seen to above: nothing before it is told.
            Found::ThoughtsEnd(_) => {}
        }
        true
    }

    /// The first place of what is held that is not told as it is.
    fn find(&self) -> Option<(usize, Found)> {
        let mut is_in_line = self.is_in_line;
        for (at, char) in self.held.char_indices() {
            let text = || &self.held[at..];
            let found = match char {
                '\n' => {
                    is_in_line = false;
                    continue;
                }
                char if char.is_whitespace() => continue,
                '{' | '[' if !is_in_line => match bare(text()) {
                    Found::Stray(_) => marked(text()),
                    found => Some(found),
                },
                '<' | '[' | '`' => marked(text()),
                _ => None,
            };
            is_in_line = true;
            if let Some(found) = found {
                return Some((at, found));
            }
        }
        None
    }

    /// Waits for the end of thoughts that had no beginning.
    fn thoughts(&mut self) -> bool {
        let is_marked = matches!(marked(self.held.trim_start()), Some(Found::Mark(_)));
        // What was looked at before is not looked at again, but for a mark that may have begun there.
        let mut from = self.looked_at.saturating_sub(MOST_TOKEN);
        while !self.held.is_char_boundary(from) {
            from -= 1;
        }
        self.looked_at = self.held.len();
        let is_end = |at: &usize| matches!(marked(&self.held[*at..]), Some(Found::ThoughtsEnd(_)));
        let end = self.held[from..].match_indices(['<', '[']).map(|(at, _)| from + at).find(is_end);
        if !is_marked && end.is_none() && self.held.len() < MOST_THOUGHTS {
            return false;
        }
        // What has a mark of its own is read as such.
        self.held.drain(..end.filter(|_| !is_marked).unwrap_or(0));
        self.place = Place::Text;
        true
    }

    fn dropped(&mut self, closes: &[&str], with_close: bool) -> bool {
        let found = closes.iter().filter_map(|close| Some((self.held.find(close)?, close.len()))).min();
        if let Some((at, length)) = found {
            self.held.drain(..if with_close { at + length } else { at });
            self.place = Place::Text;
            self.trims = true;
            return true;
        }
        let is_begun = |at: &usize| closes.iter().any(|close| close.starts_with(&self.held[*at..]));
        let longest = closes.iter().map(|close| close.len()).max().unwrap_or_default();
        let begin = self.held.char_indices().map(|(at, _)| at).filter(|at| self.held.len() < at + longest);
        let kept = begin.clone().find(is_begun).unwrap_or(self.held.len());
        self.held.drain(..kept);
        false
    }

    fn calls(&mut self, mark: &'static Mark, parts: &mut Vec<Part>) -> bool {
        let begin = mark.open.len();
        let close = self.held[begin..].find(mark.close).filter(|_| !mark.close.is_empty());
        if let Some(at) = close {
            let written: String = self.held.drain(..begin + at + mark.close.len()).collect();
            let (calls, left) = forms::calls(&written, true);
            self.place = Place::Text;
            self.call(calls, &left, parts);
            return true;
        }
        if MOST < self.held.len() {
            let beginning: String = self.held.chars().skip(begin).take(100).collect();
            self.call(Vec::new(), &beginning, parts);
            self.held.clear();
            self.place = Place::Dropped { closes: std::slice::from_ref(&mark.close), with_close: true };
            if mark.close.is_empty() {
                self.place = Place::Dropped { closes: &[], with_close: false };
            }
        }
        false
    }

    /// A fence may hold calls; all else in it is told.
    fn fence(&mut self, parts: &mut Vec<Part>) -> bool {
        const FENCE: usize = 3;
        let inside = &self.held[FENCE..];
        let info = inside.find(['\n', '{', '[', '<', '`']).map(|end| (inside[..end].trim(), end));
        let may_begin = |word: &str| FENCED.iter().any(|info| info.starts_with(word));
        match info {
            None if may_begin(inside.trim()) => return false,
            Some((info, begin)) if FENCED.contains(&info) => match inside[begin..].find("```") {
                Some(length) => {
                    let end = FENCE + begin + length;
                    let info = info.to_owned();
                    let written: String = self.held.drain(..end + FENCE).collect();
                    self.place = Place::Text;
                    self.fenced(&written, &info, parts);
                    return true;
                }
                None if self.held.len() <= MOST => return false,
                None => {}
            },
            _ => {}
        }
        let open: String = self.held.drain(..FENCE).collect();
        self.tell(&open, parts);
        (self.place, self.is_in_fence) = (Place::Text, true);
        true
    }

    fn fenced(&mut self, written: &str, info: &str, parts: &mut Vec<Part>) {
        let inside = written.trim_start_matches('`').trim_end_matches('`');
        let inside = inside.trim_start_matches(|char: char| char.is_ascii_lowercase() || char == '_').trim();
        let is_marked = info.starts_with("tool") || inside.starts_with(['<', '[']) && marked(inside).is_some();
        let (calls, left) = match is_marked {
            true => forms::calls(inside, true),
            false => match bare(inside) {
                Found::Bare(..) => forms::calls(inside, true),
                _ => (Vec::new(), String::new()),
            },
        };
        match calls.is_empty() && (!is_marked || left.is_empty()) {
            true => self.tell(written, parts),
            false => self.call(calls, &left, parts),
        }
    }

    /// Reads the head of a message in the harmony format.
    fn head(&mut self) -> bool {
        const MESSAGE: &str = "<|message|>";
        let Some(at) = self.held.find(MESSAGE) else {
            if MOST_HEAD < self.held.len() {
                self.held.drain(..MOST_HEAD.min(self.held.find("|>").map_or(0, |at| at + 2)));
                self.place = Place::Text;
                return true;
            }
            return false;
        };
        let head: String = self.held.drain(..at + MESSAGE.len()).collect();
        let tool = head.split_once("to=").map(|(_, to)| to.split(['<', ' ', '\n']).next().unwrap_or(to));
        self.place = match tool {
            Some(tool) => Place::Arguments(tool.strip_prefix("functions.").unwrap_or(tool).to_owned()),
            None if head.contains(ANALYSIS) => Place::Dropped { closes: &ENDS, with_close: false },
            None => Place::Text,
        };
        self.trims = true;
        true
    }

    fn arguments(&mut self, parts: &mut Vec<Part>) -> bool {
        let Some(end) = ENDS.iter().filter_map(|end| self.held.find(end)).min() else { return false };
        let arguments: String = self.held.drain(..end).collect();
        if let Place::Arguments(name) = std::mem::take(&mut self.place) {
            self.call_with(&name, &arguments, parts);
        }
        true
    }

    fn call_with(&mut self, name: &str, arguments: &str, parts: &mut Vec<Part>) {
        match serde_json::from_str::<Map<String, Value>>(arguments) {
            Ok(arguments) => self.call(vec![serde_json::json!({"name": name, "arguments": arguments})], "", parts),
            Err(_) => self.call(Vec::new(), &format!("{name} {arguments}"), parts),
        }
    }

    /// Calls, and what should have been one: the model is told that it cannot be read.
    fn call(&mut self, calls: Vec<Value>, left: &str, parts: &mut Vec<Part>) {
        let unreadable = (!left.trim().is_empty()).then(|| forms::unreadable(left));
        for call in calls.into_iter().chain(unreadable) {
            self.has_called = true;
            parts.push(Part::Call(call));
        }
    }

    fn tell(&mut self, text: &str, parts: &mut Vec<Part>) {
        match text.rsplit_once('\n') {
            Some((_, line)) => self.is_in_line = !line.trim().is_empty(),
            None => self.is_in_line |= !text.trim().is_empty(),
        }
        let head;
        let mut text = text;
        if !self.is_past_head {
            self.blanks.push_str(text);
            if self.blanks.trim().is_empty() {
                return;
            }
            self.is_past_head = true;
            head = std::mem::take(&mut self.blanks);
            text = if self.trims { head.trim_start() } else { &head };
        }
        match parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(told)) => told.push_str(text),
            _ => parts.push(Part::Text(text.to_owned())),
        }
    }
}

/// Whether an answer begins with thoughts whose marks were taken away.
fn is_analysis(text: &str) -> bool {
    text.strip_prefix(ANALYSIS).is_some_and(|after| after.starts_with(char::is_uppercase))
}

/// The mark, or what may become one, that a text begins with.
fn marked(text: &str) -> Option<Found> {
    let marks = || MARKS.iter().chain(&HEADS);
    if let Some(mark) = marks().find(|mark| text.starts_with(mark.open)) {
        return Some(Found::Mark(mark));
    }
    let closes = || MARKS.iter().filter(|mark| !mark.close.is_empty() && mark.kind != Kind::Fence);
    if let Some(mark) = closes().find(|mark| text.starts_with(mark.close)) {
        let length = mark.close.len();
        return Some(if mark.kind == Kind::Thought { Found::ThoughtsEnd(length) } else { Found::Stray(length) });
    }
    if let Some(stray) = STRAYS.iter().find(|stray| text.starts_with(**stray)) {
        return Some(Found::Stray(stray.len()));
    }
    let known = marks().map(|mark| mark.open).chain(closes().map(|mark| mark.close)).chain(STRAYS);
    let is_begun = |text: &str| known.clone().any(|mark| mark.starts_with(text));
    match token(text) {
        Some(Found::Begun) | None if is_begun(text) => Some(Found::Begun),
        token => token,
    }
}

/// A token of a model's own kind: `<|im_end|>`. No word that is told looks like one.
fn token(text: &str) -> Option<Found> {
    let inside = text.strip_prefix("<|").or_else(|| text.strip_prefix("<\u{ff5c}"))?;
    let open = text.len() - inside.len();
    for (at, char) in inside.char_indices().take(MOST_TOKEN) {
        match char {
            '>' => return Some(Found::Stray(open + at + 1)),
            '_' | '\u{2581}' | '\u{ff5c}' | '|' | '/' | ':' | '-' => {}
            char if char.is_alphanumeric() => {}
            _ => return None,
        }
    }
    (inside.len() < MOST_TOKEN).then_some(Found::Begun)
}

/// The calls without a mark that a text begins with; a stray if it is anything else.
fn bare(text: &str) -> Found {
    const NONE: Found = Found::Stray(0);
    if MOST_BARE < text.len() {
        return NONE;
    }
    let begins = |text: &str, wanted: &str| {
        let mut text = text.chars().filter(|char| !char.is_ascii_whitespace()).peekable();
        text.peek().is_none() || wanted.chars().zip(text).all(|(wanted, char)| wanted == char)
    };
    let list = text.strip_prefix('[');
    let first = list.unwrap_or(text);
    if BEGINS.iter().any(|wanted| begins(first, wanted)) {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        return match values.next() {
            Some(Ok(value)) if forms::has_arguments(&value) => match forms::of_value(&value) {
                Some(calls) => Found::Bare(calls, values.byte_offset()),
                None => NONE,
            },
            Some(Err(error)) if error.is_eof() => Found::Begun,
            _ => NONE,
        };
    }
    match list.map(|_| python::list(text)) {
        Some(Ok((calls, rest))) => Found::Bare(calls, text.len() - rest.len()),
        Some(Err(python::Stop::Early)) => Found::Begun,
        _ => NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_and_held_back_while_it_comes() {
        for Mark { open, .. } in MARKS.iter().chain(&HEADS) {
            assert!(matches!(marked(open), Some(Found::Mark(mark)) if mark.open == *open), "{open}");
            for (length, _) in open.char_indices().skip(1) {
                let mut written = Written::default();
                assert_eq!(written.take_out(&format!("Well, {}", &open[..length])), [Part::Text("Well, ".into())]);
            }
        }
    }

    /// What a text comes to, torn at each place.
    #[track_caller]
    fn check(text: &str, told: &str, calls: &[&str]) {
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let mut written = Written::default();
            let mut parts = written.take_out(&text[..cut]);
            parts.extend(written.take_out(&text[cut..]));
            parts.extend(written.rest(false));
            assert_eq!(
                shown(parts),
                (told.to_owned(), calls.iter().map(ToString::to_string).collect()),
                "{text} {cut}"
            );
        }
    }

    fn shown(parts: Vec<Part>) -> (String, Vec<String>) {
        let (mut text, mut found) = (String::new(), Vec::new());
        for part in parts {
            match part {
                Part::Text(told) => text.push_str(&told),
                Part::Call(call) => found.push(format!("{} {}", call["name"].as_str().unwrap(), call["arguments"])),
                Part::Thoughts => (text, found) = (String::new(), Vec::new()),
            }
        }
        (text, found)
    }

    #[test]
    fn a_call_in_the_text_is_taken_out_in_any_cut_and_everything_else_told() {
        check(
            r#"Wait. <tool_call>{"name": "roll", "arguments": {}}</tool_call> So <tool> <to"#,
            "Wait.  So <tool> <to",
            &["roll {}"],
        );
    }

    #[test]
    fn calls_are_read_in_every_form_in_which_models_write_them() {
        let call = r#"{"name": "roll", "arguments": {"pool": 3}}"#;
        let llama = r#"{"name": "roll", "parameters": {"pool": 3}}"#;
        let expected = r#"roll {"pool":3}"#;
        for text in [
            format!("<tool_call>\n{call}\n</tool_call>"),
            format!("<tool_call>\n{call}"),
            format!("<tool_calls>[{call}]</tool_calls>"),
            format!("<TOOLCALL>[{call}]</TOOLCALL>"),
            "<tool_call><function=roll>\n<parameter=pool>\n3\n</parameter>\n</function></tool_call>".to_owned(),
            "<function=roll>\n<parameter=pool>\n3\n</parameter>\n</function></tool_call>".to_owned(),
            "<function=roll>{\"pool\": 3}</function>".to_owned(),
            format!("```json\n{call}\n```"),
            format!("```\n{call}\n```"),
            format!("```json\n[{call}]\n```"),
            format!("```tool_call\n{call}\n```"),
            "```tool_code\nprint(default_api.roll(pool=3))\n```".to_owned(),
            format!("[TOOL_CALLS][{call}]"),
            "[TOOL_CALLS]roll[ARGS]{\"pool\": 3}".to_owned(),
            "[TOOL_CALLS]roll[CALL_ID]abcdefghi[ARGS]{\"pool\": 3}".to_owned(),
            "[TOOL_CALLS]roll{\"pool\": 3}".to_owned(),
            format!("[TOOL_REQUEST]{call}[END_TOOL_REQUEST]"),
            format!("<|python_tag|>{llama}<|eom_id|>"),
            "<|python_tag|>roll.call(pool=3)".to_owned(),
            call.to_owned(),
            llama.to_owned(),
            format!("[{call}]"),
            format!("{{\"type\": \"function\", {}", &llama[1..]),
            format!("{{\"type\": \"function\", \"function\": {call}}}"),
            "[roll(pool=3)]".to_owned(),
            format!("```json\n{{\"type\": \"function\", \"function\": {call}}}\n```"),
            "<tool_call>roll\n<arg_key>pool</arg_key>\n<arg_value>3</arg_value>\n</tool_call>".to_owned(),
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>roll\n```json\n{\"pool\": 3}\n```\
             <｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>"
                .to_owned(),
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>roll<｜tool▁sep｜>{\"pool\": 3}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
                .to_owned(),
            "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"roll\">\n<｜DSML｜parameter name=\"pool\" string=\"false\">3\
             </｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>"
                .to_owned(),
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.roll:0<|tool_call_argument_begin|>{\"pool\": 3}\
             <|tool_call_end|><|tool_calls_section_end|>"
                .to_owned(),
            format!("<|tool_call|>[{call}]"),
            format!("<|tool_call|>[{call}]<|/tool_call|>"),
            "<|tool_call_start|>[roll(pool=3)]<|tool_call_end|>".to_owned(),
            "<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"roll\", \"parameters\": {\"pool\": 3}}]<|END_ACTION|>"
                .to_owned(),
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.roll \
             <|constrain|>json<|message|>{\"pool\": 3}<|call|>"
                .to_owned(),
            "<|start|>assistant to=functions.roll<|channel|>commentary json<|message|>{\"pool\": 3}".to_owned(),
            "<invoke name=\"roll\"><parameter name=\"pool\">3</parameter></invoke>".to_owned(),
            "<function_calls>\n<invoke name=\"roll\">\n<parameter name=\"pool\">3</parameter>\n</invoke>\n</function_calls>"
                .to_owned(),
            "<minimax:tool_call>\n<invoke name=\"roll\">\n<parameter name=\"pool\">3</parameter>\n</invoke>\n\
             </minimax:tool_call>"
                .to_owned(),
            "<start_function_call>call:roll{pool:3}<end_function_call>".to_owned(),
            "<|tool_call>call:roll{pool:3}<tool_call|>".to_owned(),
        ] {
            check(&text, "", &[expected]);
            check(&format!("I try.\n{text}"), "I try.\n", &[expected]);
        }
        let why = "<start_function_call>call:roll{why:<escape>to hide, now: \"so\"<escape>,pool:3}<end_function_call>";
        check(why, "", &[r#"roll {"pool":3,"why":"to hide, now: \"so\""}"#]);
        check("<tool_call>get_scene</tool_call>", "", &["get_scene {}"]);
    }

    #[test]
    fn several_calls_are_several_in_every_form() {
        let call = r#"{"name": "roll", "arguments": {"pool": 3}}"#;
        let expected = [r#"roll {"pool":3}"#; 2];
        for text in [
            format!("{call}; {call}"),
            format!("{call}\n{call}"),
            format!("[{call}, {call}]"),
            format!("<tool_call>{call}\n{call}</tool_call>"),
            format!("<tool_call>{call}<tool_call>{call}</tool_call>"),
            format!("<|python_tag|>{call}; {call}"),
            "[roll(pool=3), roll(pool=3)]".to_owned(),
            "[TOOL_CALLS]roll[ARGS]{\"pool\": 3}[TOOL_CALLS]roll[CALL_ID]a[ARGS]{\"pool\": 3}".to_owned(),
            "<function_calls><invoke name=\"roll\"><parameter name=\"pool\">3</parameter></invoke><invoke name=\"roll\">\
             <parameter name=\"pool\">3</parameter></invoke></function_calls>"
                .to_owned(),
        ] {
            check(&text, "", &expected);
        }
    }

    #[test]
    fn a_call_that_cannot_be_read_is_one_nevertheless() {
        let unreadable = |text: &str, name: &str| {
            let mut written = Written::default();
            let mut parts = written.take_out(text);
            parts.extend(written.rest(true));
            let (told, calls) = shown(parts);
            assert_eq!((told.as_str(), calls.len()), ("", 1), "{text}: {calls:?}");
            assert!(calls[0].starts_with(&format!("{name} \"(not readable)")), "{text}: {calls:?}");
        };
        unreadable(r#"<tool_call>{"name": "pay", "arguments": {"amount": 1"#, "pay");
        unreadable(r#"<tool_call>{"name": "pay", "arguments": {amount}}</tool_call>"#, "pay");
        unreadable("<function=pay><parameter=amount>1", "pay");
        unreadable("<tool_call>pay<arg_key>amount</arg_key><arg_value>1", "pay");
        unreadable("<invoke name=\"pay\"><parameter name=\"amount\">1", "pay");
        unreadable("<tool_call>get_sc", "get_sc");
        unreadable(r#"{"name": "pay", "arguments": {"amount": 1"#, "pay");
        unreadable("[pay(amount=1", "pay");
        unreadable("<|channel|>commentary to=functions.pay<|message|>{\"amount\": 1", "pay");
        unreadable("[TOOL_CALLS]pay[ARGS]{\"amount\": 1", "pay");
        check(
            "<|python_tag|>{\"name\": \"a\", \"parameters\": {}}; {\"name\": ",
            "",
            &["a {}", "unreadable \"(not readable) {\\\"name\\\":\""],
        );
    }

    #[test]
    fn what_only_looks_like_a_call_is_told() {
        for text in [
            r#"{"name": "Anna"} says hello."#,
            r#"{"name": 3"#,
            "```json\n{\"name\": \"Anna\"}\n```",
            "```\nA map.\n```\nAnd more.",
            "```text\nA map.\n```\nAnd more.",
            "A door {\"name\": \"roll\", \"arguments\": {}} opens.",
            "[Platinum] waits. [TOOL_",
            "[Anna (the decker)] waits.",
            "He whispers `run` and <b>runs</b> <3.",
            "  [",
            "<function",
        ] {
            check(text, text, &[]);
        }
    }

    #[test]
    fn what_a_model_makes_up_and_marks_without_a_meaning_are_not_told() {
        check("Well. <tool_response>{\"successes\": 9}</tool_response> Done.", "Well.  Done.", &[]);
        check("Well. <tool_response>{\"successes\": 9}", "Well. ", &[]);
        check("Well.<|im_end|><|eot_id|></s></tool_call>", "Well.", &[]);
        check("<|START_RESPONSE|>Well.<|END_RESPONSE|>", "Well.", &[]);
        let call = r#"<tool_call>{"name": "roll", "arguments": {}}"#;
        check(&format!("{call}\n<tool_response>9</tool_response>\nA hit!"), "A hit!", &["roll {}"]);
    }

    #[test]
    fn thoughts_are_not_told() {
        for text in [
            "<think>The butler did it.</think>\n\nGood evening.",
            "\n<think>\n</think>\n<think>one <b> more</think> Good evening.",
            "The butler did it.</think>\n\nGood evening.",
            "A <tool_call>{\"name\": \"roll\", \"arguments\": {}}</tool_call> <think>b</think> c</think>Good evening.",
            "<thinking>Hm.</thinking>Good evening.",
            "<thought>Hm.</thought>Good evening.",
            "[THINK]Hm.[/THINK]Good evening.",
            "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Good evening.<|END_RESPONSE|>",
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Good evening.<|return|>",
            "analysisWe greet them.assistantfinalGood evening.",
        ] {
            check(text, "Good evening.", &[]);
        }
        check("<think>without an end", "", &[]);
        check("Good <think>for us</think>evening.", "Good evening.", &[]);
        check("<thing> is here", "<thing> is here", &[]);
        check("\n  Good evening", "\n  Good evening", &[]);
    }

    #[test]
    fn an_answer_that_may_begin_with_thoughts_is_held_until_they_end() {
        let told = |pieces: &[&str], is_cut: bool| {
            let mut written = Written::thinking_first();
            let parts: Vec<_> = pieces.iter().map(|piece| written.take_out(piece)).collect();
            let mut shown: Vec<_> = parts.into_iter().map(|parts| shown(parts).0).collect();
            shown.push(self::shown(written.rest(is_cut)).0);
            shown.join("|")
        };
        assert_eq!(told(&["The butler ", "did it.</thi", "nk>\nGood ", "evening."], false), "||Good |evening.|");
        assert_eq!(told(&["<think>Hm.", "</think>Good", " evening."], false), "|Good| evening.|");
        assert_eq!(told(&["Good ", "evening."], false), "||Good evening.");
        assert_eq!(told(&["The butler"], true), "|");
    }

    #[test]
    fn a_call_without_an_end_is_not_held_for_ever() {
        let mut written = Written::default();
        written.take_out("<tool_call>");
        assert!(matches!(written.take_out(&"x".repeat(MOST)).as_slice(), [Part::Call(_)]));
        assert_eq!(shown(written.take_out("more</tool_call>Done.")).0, "Done.");
    }
}
