//! What events support: the figures that stand in the results of tools and in what the game master was told, by kind.

use std::{
    collections::{BTreeSet, HashSet},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::Value;

use super::{Known, Said, sayings};
use crate::{llm::Message, turn::parse_arguments};

/// Boxes from which a wound has its level.
const LEVELS: [(u64, char); 4] = [(1, 'L'), (3, 'M'), (6, 'S'), (10, 'D')];
/// Tools whose arguments say how a foe without a sheet fares; what is told along with them may say so as well.
const FOES: [&str; 2] = ["update_scene", "wound_fighter"];

/// Figures in a row, as results sum dice up: `[6, 5, 2]`, `6 5 2`, `6+5+2`.
static ROWS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d+(?:[ ,+]+\d+)+").expect("it is the same text each time"));
/// A damage code: `9M`, `10D2`.
static CODES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b\d+([LMSD])\d?\b").expect("it is the same text each time"));

/// Figures by kind.
#[derive(Debug, Default)]
pub(super) struct Support {
    said: HashSet<Key>,
    levels: BTreeSet<char>,
    /// What dice showed, each test's by itself.
    faces: Vec<Vec<u64>>,
    /// What tests came to, which may be told in a row as well.
    totals: Vec<u64>,
}

#[derive(Debug, PartialEq, Eq, Hash, Clone, Copy)]
enum Kind {
    Successes,
    Target,
    Rolled,
    Dice,
    Boxes,
    Nuyen,
    Karma,
}

type Key = (Kind, u64);

impl Support {
    /// What events and the table itself support.
    pub fn of_events(known: &Known<'_>) -> Support {
        let mut support = Support::default();
        for section in known.sections {
            section.items.iter().for_each(|item| support.add_text(item));
        }
        for character in known.characters {
            support.add_text(&character.summary);
            for amount in &character.money {
                support.said.extend([(Kind::Nuyen, *amount), (Kind::Karma, *amount)]);
            }
        }
        let foes = known.scene.get("foes").cloned().unwrap_or_default();
        support.add_value("foes", &foes);
        known.scene.values().filter_map(Value::as_str).for_each(|text| support.add_text(text));
        for call in known.calls {
            support.add_asked(&call.name, &call.arguments, FOES.contains(&call.name.as_str()));
        }
        let has_run = |id: &str| {
            known
                .messages
                .iter()
                .any(|message| matches!(message, Message::ToolResult { call_id, failed: false, .. } if call_id == id))
        };
        for message in known.messages {
            match message {
                // A ruling of the game master's seat is an event; a player's words are none.
                Message::Player { name: Some(name), text, .. } if name.ends_with(crate::state::RULER) => {
                    support.add_text(text);
                }
                Message::Player { .. } | Message::Withdrawn { .. } => {}
                Message::GameMaster { text, tool_calls } => {
                    // What he has said before supports nothing in itself, but it has been marked then.
                    support.add_text(text);
                    for call in tool_calls.iter().filter(|call| has_run(&call.id)) {
                        support.add_asked(&call.name, &call.arguments, true);
                    }
                }
                Message::ToolResult { result, failed: true, .. } => {
                    support.add_text(result["error"].as_str().unwrap_or_default());
                }
                Message::ToolResult { result, .. } => support.add_value("", result),
            }
        }
        support
    }

    /// What players have said.
    pub fn of_players(known: &Known<'_>) -> Support {
        let mut support = Support::default();
        for message in known.messages {
            if let Message::Player { text, .. } = message {
                support.add_text(text);
                // Whatever he counts he may be quoted with, and pay.
                for number in text.split(|char: char| !char.is_ascii_digit()).filter_map(|digits| digits.parse().ok()) {
                    let kinds = [Kind::Successes, Kind::Target, Kind::Rolled, Kind::Dice, Kind::Boxes, Kind::Nuyen];
                    support.said.extend(kinds.map(|kind| (kind, number)));
                }
            }
        }
        support
    }

    pub fn has(&self, said: &Said) -> bool {
        match said {
            Said::Successes(number) => self.said.contains(&(Kind::Successes, *number)),
            Said::Target(number) => self.said.contains(&(Kind::Target, *number)),
            Said::Rolled(number) => self.said.contains(&(Kind::Rolled, *number)),
            Said::Dice(number) => self.said.contains(&(Kind::Dice, *number)),
            Said::Boxes(number) => self.said.contains(&(Kind::Boxes, *number)),
            Said::Nuyen(number) => self.said.contains(&(Kind::Nuyen, *number)),
            Said::Karma(number) => self.said.contains(&(Kind::Karma, *number)),
            Said::Level(level) => {
                let boxes = self.said.iter().filter(|(kind, _)| *kind == Kind::Boxes);
                self.levels.contains(level) || boxes.into_iter().any(|(_, number)| level_of(*number) == Some(*level))
            }
            Said::Faces(faces) => self.faces.iter().chain([&self.totals]).any(|row| is_part(faces, row)),
        }
    }

    fn add(&mut self, said: Said) {
        let key = match said {
            Said::Successes(number) => (Kind::Successes, number),
            Said::Target(number) => (Kind::Target, number),
            Said::Rolled(number) => (Kind::Rolled, number),
            Said::Dice(number) => (Kind::Dice, number),
            Said::Boxes(number) => (Kind::Boxes, number),
            Said::Nuyen(number) => (Kind::Nuyen, number),
            Said::Karma(number) => (Kind::Karma, number),
            Said::Level(level) => {
                self.levels.insert(level);
                return;
            }
            Said::Faces(faces) => {
                self.faces.push(faces);
                return;
            }
        };
        self.said.insert(key);
    }

    /// What a text says.
    fn add_text(&mut self, text: &str) {
        sayings(text).for_each(|said| self.add(said));
        self.levels.extend(CODES.captures_iter(text).filter_map(|found| found[1].chars().next()));
    }

    /// What a tool was asked for: how hard, with how many dice, and, if it was done, how much.
    fn add_asked(&mut self, tool: &str, arguments: &str, is_done: bool) {
        let Ok(arguments) = parse_arguments(arguments) else { return };
        let mut asked = Support::default();
        asked.add_value(tool, &Value::Object(arguments));
        let is_kept = |key: &&Key| match key.0 {
            Kind::Target | Kind::Dice => true,
            Kind::Boxes | Kind::Nuyen | Kind::Karma => is_done,
            Kind::Successes | Kind::Rolled => false,
        };
        self.said.extend(asked.said.iter().filter(is_kept).copied());
        if is_done {
            self.levels.extend(asked.levels);
        }
    }

    /// What stands in a result under `path`.
    fn add_value(&mut self, path: &str, value: &Value) {
        match value {
            Value::Number(number) => self.add_number(path, number.as_f64().unwrap_or_default()),
            Value::String(text) => {
                self.add_text(text);
                if ["level", "damage", "wound", "condition", "staged"].iter().any(|word| path.contains(word)) {
                    self.levels.extend(text.split(|char: char| !char.is_alphabetic()).filter_map(level));
                }
                let rows = ROWS.find_iter(text);
                let digits = |row: &str| {
                    row.split(|char: char| !char.is_ascii_digit()).filter_map(|one| one.parse().ok()).collect()
                };
                self.faces.extend(rows.map(|row| digits(row.as_str())));
                let numbers = text.split(|char: char| !char.is_ascii_digit()).filter_map(|one| one.parse().ok());
                self.said.extend(numbers.map(|number| (Kind::Rolled, number)));
            }
            Value::Array(items) => {
                let row: Vec<u64> = items.iter().filter_map(Value::as_f64).filter_map(whole).collect();
                if !row.is_empty() {
                    self.said.insert((Kind::Dice, row.len() as u64));
                    self.faces.push(row);
                }
                items.iter().for_each(|item| self.add_value(path, item));
            }
            Value::Object(map) => {
                // Several tests of one result may be told together: what each of them came to.
                for (key, value) in map {
                    self.add_value(&format!("{path}.{}", key.to_lowercase()), value);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add_number(&mut self, path: &str, number: f64) {
        let Some(number) = whole(number.abs()) else { return };
        let key = path.rsplit('.').next().unwrap_or_default();
        let has = |words: &[&str]| words.iter().any(|word| path.contains(word));
        let is = |words: &[&str]| words.iter().any(|word| key.contains(word));
        let mut kinds = Vec::new();
        if is(&["success", "hits", "result"]) || has(&["successes"]) {
            kinds.push(Kind::Successes);
        }
        if is(&["target_number", "difficulty", "base", "iteration"]) || ["target", "tn"].contains(&key) {
            kinds.push(Kind::Target);
        }
        let is_pool = is(&["pool", "dice", "count", "rating"]);
        if is_pool {
            kinds.push(Kind::Dice);
        }
        if has(&["box", "damage", "physical", "stun", "overflow", "heal", "wound", "drain", "condition", "staged"]) {
            kinds.push(Kind::Boxes);
        }
        if has(&["nuyen", "cost", "price", "amount", "balance", "paid", "total", "before", "after", "value", "change"])
        {
            kinds.push(Kind::Nuyen);
        }
        if has(&["karma", "amount", "total", "available", "before", "after", "change", "cost"]) {
            kinds.push(Kind::Karma);
        }
        if is(&["total", "initiative", "sum"]) {
            self.totals.push(number);
        }
        let is_faces = ["dice", "rolls", "faces"].contains(&key);
        let is_asked = is(&["target", "success", "revision", "distance", "nuyen", "amount"]) || is_pool && !is_faces;
        if !is_asked {
            kinds.push(Kind::Rolled);
        }
        self.said.extend(kinds.into_iter().map(|kind| (kind, number)));
    }
}

/// The level that a word names, as a letter.
pub(super) fn level(word: &str) -> Option<char> {
    let word = word.to_lowercase();
    let levels = [
        ("light", "leicht", 'L'),
        ("moderate", "mittler", 'M'),
        ("serious", "schwer", 'S'),
        ("deadly", "tödlich", 'D'),
    ];
    let is_level = |(english, german, letter): &&(&str, &str, char)| {
        word == *english || word.starts_with(german) || word == letter.to_lowercase().to_string()
    };
    levels.iter().find(is_level).map(|(.., level)| *level)
}

/// The level of a wound of so many boxes.
fn level_of(boxes: u64) -> Option<char> {
    LEVELS.iter().rev().find(|(from, _)| *from <= boxes).map(|(_, level)| *level)
}

/// Whether a row holds each of the figures as often.
fn is_part(figures: &[u64], row: &[u64]) -> bool {
    let count = |of: &[u64], figure: u64| of.iter().filter(|other| **other == figure).count();
    figures.iter().all(|figure| count(figures, *figure) <= count(row, *figure))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number that fits, as is checked")]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..1e15).contains(&number)).then_some(number as u64)
}
