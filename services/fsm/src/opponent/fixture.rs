//! A table without a server: the machine of the game, the opening board, and dice that look random; for the opponent's tests
//! and for its bench.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use serde_json::{Map, Value, json};

use super::{Question, Strength, Weighed, noise::Noise, policy};
use crate::{
    board::{self, Figures, Piece, PieceId, Tables},
    definition::{BUILT_IN, Machine},
    machine::{self, Decision, Event, Game, Reaction, Refusal, Roll, Rolled, Stop},
};

const OPENING: &str = include_str!("../../../../deploy/java/opening.tsv");

/// A table with a game.
pub struct Table {
    pub machine: Arc<Machine>,
    pub game: Game,
    pub areas: BTreeMap<i64, i64>,
    has_board: bool,
    /// Whether somebody moves pieces by hand, too: a record may then find them elsewhere.
    pub has_meddler: bool,
    noise: Noise,
    clock: i64,
}

impl Table {
    /// A new game; without its board, the machine's own figures count.
    pub fn new(has_board: bool, seed: u64) -> Table {
        // Loading it takes longer than a whole turn.
        static OURS: LazyLock<Arc<Machine>> = LazyLock::new(|| {
            let (name, source) = BUILT_IN.iter().find(|(name, _)| *name == "war-of-the-ring").expect("it is built in");
            Machine::load(name, source).expect("it can run").machine.into()
        });
        let machine = OURS.clone();
        let mut table = Table {
            machine,
            game: Game::default(),
            areas: opening(),
            has_board,
            has_meddler: false,
            noise: Noise::new(seed),
            clock: 0,
        };
        let figures = table.figures();
        table.game = machine::begin(&table.machine, Some(&figures), &[], true, 0).expect("nothing is rolled at first");
        table
    }

    fn tables(&self) -> Tables {
        let piece = |(number, area): (&i64, &i64)| Piece {
            id: PieceId::Number(*number),
            kind: "other".to_owned(),
            area: *area,
            state: Map::new(),
        };
        Tables { setup: BTreeMap::new(), pieces: self.areas.iter().map(piece).collect(), ..Tables::default() }
    }

    /// The figures of its board.
    pub fn figures(&self) -> Figures {
        if self.has_board { board::figures(&self.tables()) } else { Figures::none() }
    }

    /// Sends an event, and carries out the moves it tells and those it brings about.
    ///
    /// # Errors
    ///
    /// It is refused.
    pub fn send(&mut self, name: &str, data: Map<String, Value>) -> Result<(), Refusal> {
        let event = self.event(name, data);
        let (reaction, _) = self.react(&event)?;
        self.carry_out(reaction);
        Ok(())
    }

    /// An event as it comes in now.
    pub fn event(&mut self, name: &str, data: Map<String, Value>) -> Event {
        self.clock += 1;
        let event = json!({
            "name": name, "data": data, "sender": "test", "is_host": true, "players": [], "assist": true, "at": self.clock,
        });
        serde_json::from_value(event).expect("an event")
    }

    /// What an event brings about, and the rolls that were made for it. Nothing has happened yet.
    ///
    /// # Errors
    ///
    /// It is refused.
    pub fn react(&mut self, event: &Event) -> Result<(Reaction, Vec<Rolled>), Refusal> {
        let figures = self.figures();
        let mut rolls: Vec<Rolled> = Vec::new();
        loop {
            match machine::react(&self.machine, &self.game, event, Some(&figures), &rolls) {
                Ok(reaction) => return Ok((reaction, rolls)),
                Err(Stop::Roll(roll)) => {
                    let result = self.roll(&roll);
                    rolls.push(Rolled { id: String::new(), roll, result });
                }
                Err(Stop::Refused(refusal)) => return Err(refusal),
                Err(Stop::Board) => unreachable!("the board was given"),
            }
        }
    }

    /// Has it happen: the client obeys, and the game is as it is then.
    pub fn carry_out(&mut self, reaction: Reaction) {
        for output in &reaction.outputs {
            match &output.kind {
                machine::OutputKind::Record(record) => self.record(record),
                machine::OutputKind::Command(command) => self.obey(command),
                _ => {}
            }
        }
        self.game = reaction.game;
    }

    fn roll(&mut self, roll: &Roll) -> Value {
        let mut throw = |count: u32, target: u64| {
            let rolls: Vec<u64> = (0..count).map(|_| self.noise.face()).collect();
            let successes = rolls.iter().filter(|face| target <= **face).count();
            json!({"rolls": rolls, "rerolled": [], "successes": successes})
        };
        match roll {
            Roll::ActionDice { side, count } => {
                const FREE: [&str; 6] =
                    ["will_of_the_west", "character", "event", "muster", "army_muster", "character"];
                const SHADOW: [&str; 6] = ["muster", "army_muster", "army", "character", "event", "eye"];
                let faces = if side == "shadow" { SHADOW } else { FREE };
                let index = |noise: &mut Noise| usize::try_from(noise.below(6)).unwrap_or_default();
                (0..*count).map(|_| faces[index(&mut self.noise)]).collect()
            }
            Roll::Hunt { level, free_peoples_dice, .. } => {
                throw((*level).min(5), 6u64.saturating_sub(u64::from(*free_peoples_dice)).max(2))
            }
            Roll::Combat { count, target, .. } => throw(*count, u64::from(*target)),
            Roll::Pick { count } => Value::from(1 + self.noise.below(u64::from(*count))),
        }
    }

    /// A record as the Java client carries it out; one that it could not read is a failure.
    fn record(&mut self, record: &str) {
        let Some(rest) = record.strip_prefix("$FSM moves ") else { return };
        let (pieces, way) = rest.trim_end().split_once(" from ").expect("pieces and a way");
        let (from, to) = way.split_once(" to ").expect("two areas");
        let area = |name: &str| {
            let names = board::area_constants();
            let names = names.get("AREA_NAMES").and_then(Value::as_object).expect("the names").clone();
            let found = names.iter().find(|(_, there)| *there == name).map(|(area, _)| area.parse::<i64>());
            found.and_then(Result::ok).unwrap_or_else(|| panic!("{record}: no area is called {name:?}"))
        };
        for piece in pieces.split(' ') {
            let piece = piece.parse::<i64>().expect("a number");
            if self.has_board && !self.has_meddler {
                assert_eq!(self.areas.get(&piece), Some(&area(from)), "{record}");
            }
            self.areas.insert(piece, area(to));
        }
    }

    fn obey(&mut self, command: &str) {
        let draw = |deck, hand, areas: &mut BTreeMap<i64, i64>| {
            let card = areas.iter().find(|(_, area)| **area == deck).map(|(card, _)| *card);
            card.map(|card| areas.insert(card, hand));
        };
        match command {
            "F7" => draw(121, 180, &mut self.areas),
            "F8" => draw(122, 180, &mut self.areas),
            "F11" => draw(123, 181, &mut self.areas),
            "F12" => draw(124, 181, &mut self.areas),
            "Ctrl+9" | "Ctrl+0" => {
                let (side, used, pool) = match command {
                    "Ctrl+9" => (board::Side::FreePeoples, 175, 178),
                    _ => (board::Side::Shadow, 177, 179),
                };
                for (piece, area) in &mut self.areas {
                    if board::die_side(*piece) == Some(side) && [114, used, 152].contains(area) {
                        *area = pool;
                    }
                }
            }
            _ => {}
        }
    }

    /// The decisions that are open.
    pub fn decisions(&self) -> Vec<Decision> {
        machine::decisions(&self.machine, &self.game, &[], Some(&self.figures()), true).expect("the board was given")
    }

    /// A decision as it is put to the opponent.
    pub fn question(&self, decision: Decision, seed: u64) -> Question {
        let figures = self.figures();
        let facts = machine::all_facts(&self.machine, &self.game, Some(&figures), true).expect("the board was given");
        let tables = self.has_board.then(|| Arc::new(self.tables()));
        Question { decision, facts, tables, seed }
    }

    /// Has the opponent answer the first open decision. Answers what it weighed; nothing if none is open.
    pub fn play(&mut self, strength: Strength) -> Option<(Decision, Vec<Weighed>)> {
        let decision = self.decisions().into_iter().next()?;
        let seed = u64::try_from(self.clock).unwrap_or_default();
        let weighed = policy(strength).weigh(&self.question(decision.clone(), seed));
        let best = weighed.first().expect("a decision has choices");
        let choice = &decision.choices[best.choice];
        let mut data = best.data.clone();
        data.extend(choice.data.clone());
        let sent = self.send(&choice.event, data);
        assert_eq!(sent, Ok(()), "{} in {}: {best:?}", choice.event, self.game.state);
        Some((decision, weighed))
    }
}

fn opening() -> BTreeMap<i64, i64> {
    let mut opening = BTreeMap::new();
    for row in OPENING.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [_, area, numbers] = columns[..] else { continue };
        let area = area.parse::<i64>().expect("an area");
        for range in numbers.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let numbers = first.parse::<i64>().expect("a piece")..=last.parse().expect("a piece");
            opening.extend(numbers.map(|number| (number, area)));
        }
    }
    opening
}
