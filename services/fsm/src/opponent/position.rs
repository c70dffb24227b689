//! A game as the opponent sees it: facts by name, and the pieces where there is a client's database.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Question;
use crate::{
    board::{PieceId, Side, Tables, die_side},
    map::{self, Kind},
};

pub const PROGRESS_COUNTER: i64 = 248;
pub const CORRUPTION_COUNTER: i64 = 252;
pub const SARUMAN: i64 = 254;
pub const WITCH_KING: i64 = 253;
pub const MOUTH: i64 = 255;

pub const GUIDE_BOX: i64 = 116;
pub const FELLOWSHIP_BOX: i64 = 115;
pub const CURRENT_ACTION: i64 = 152;
pub const HUNT_BOX: i64 = 114;
/// The highest number that a die of the base game has.
const MAX_DIE: i64 = 362;
pub const TRACK: i64 = 131;
pub const AT_WAR: i64 = 120;
pub const MORDOR: i64 = 188;
pub const CRACKS_OF_DOOM: i64 = 193;

/// Companions: piece, name, Level.
pub const COMPANIONS: [(i64, &str, i64); 7] = [
    (240, "Gandalf the Grey", 3),
    (241, "Strider", 3),
    (242, "Legolas", 2),
    (243, "Gimli", 2),
    (244, "Boromir", 2),
    (245, "Merry", 1),
    (246, "Pippin", 1),
];
/// Political markers by nation.
pub const NATION_MARKERS: [(&str, i64); 8] = [
    ("Elves", 256),
    ("Dwarves", 257),
    ("North", 258),
    ("Rohan", 259),
    ("Gondor", 260),
    ("Southrons and Easterlings", 261),
    ("Sauron", 262),
    ("Isengard", 263),
];

/// What of a side lies where beside the map.
pub struct Boxes {
    pub reinforcements: i64,
    pub casualties: i64,
    pub hand: i64,
    pub character_deck: i64,
    pub strategy_deck: i64,
    pub control_markers: (i64, i64),
}

pub fn boxes(side: Side) -> Boxes {
    match side {
        Side::FreePeoples => Boxes {
            reinforcements: 174,
            casualties: 175,
            hand: 180,
            character_deck: 121,
            strategy_deck: 122,
            control_markers: (405, 410),
        },
        Side::Shadow => Boxes {
            reinforcements: 176,
            casualties: 177,
            hand: 181,
            character_deck: 123,
            strategy_deck: 124,
            control_markers: (411, 420),
        },
    }
}

/// The other side.
pub fn enemy(side: Side) -> Side {
    side.other()
}

/// Dice that the Java client brings back at a command, each with the pool it comes to.
pub fn recovered(command: &str, tables: &Tables) -> Vec<(i64, i64)> {
    let (side, pool) = match command {
        "Ctrl+9" => (Side::FreePeoples, 178),
        "Ctrl+0" => (Side::Shadow, 179),
        _ => return Vec::new(),
    };
    let lies_out = [HUNT_BOX, CURRENT_ACTION, boxes(side).casualties];
    let dice = (0..=MAX_DIE).filter(|piece| die_side(*piece) == Some(side));
    dice.filter(|die| tables.area(*die).is_some_and(|area| lies_out.contains(&area))).map(|die| (die, pool)).collect()
}

/// Pieces that a game record moves, each with the area it comes to.
pub fn moved(record: &str) -> Vec<(i64, i64)> {
    let moves = record.strip_prefix("$FSM moves ").and_then(|moves| moves.trim_end().rsplit_once(" to "));
    let Some((moves, to)) = moves else { return Vec::new() };
    let pieces = moves.split(' ').map_while(|piece| piece.parse().ok());
    map::area(to).map_or_else(Vec::new, |area| pieces.map(|piece| (piece, area)).collect())
}

/// The game.
pub struct Position<'a> {
    facts: &'a Map<String, Value>,
    /// Area by piece; empty without a database.
    areas: BTreeMap<i64, i64>,
    /// Pieces of Armies by region.
    regions: BTreeMap<i64, Vec<i64>>,
}

/// An Army of one side in a region.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Army {
    pub regulars: Vec<i64>,
    pub elites: Vec<i64>,
    pub leaders: Vec<i64>,
}

impl Army {
    /// Units, each of which throws a die.
    pub fn strength(&self) -> usize {
        self.regulars.len() + self.elites.len()
    }

    /// Hits it can take.
    pub fn hits(&self) -> usize {
        self.regulars.len() + 2 * self.elites.len()
    }

    /// The part of it that is among these pieces.
    pub fn only(&self, pieces: &[i64]) -> Army {
        let among = |of: &[i64]| of.iter().copied().filter(|piece| pieces.contains(piece)).collect();
        Army { regulars: among(&self.regulars), elites: among(&self.elites), leaders: among(&self.leaders) }
    }

    /// What is left of it after moves by which its casualties are carried out: to the casualties go those who fall, and
    /// whoever comes is an Elite that has become a Regular.
    pub fn after(&self, moves: &[Value]) -> Army {
        let mut army = self.clone();
        for one in moves {
            let pieces = one.get("pieces").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64);
            let pieces: Vec<i64> = pieces.collect();
            let to = one.get("to").and_then(Value::as_i64);
            if [Side::FreePeoples, Side::Shadow].into_iter().any(|side| to == Some(boxes(side).casualties)) {
                let stays = |piece: &i64| !pieces.contains(piece);
                army.regulars.retain(stays);
                army.elites.retain(stays);
                army.leaders.retain(stays);
            } else {
                army.regulars.extend(pieces);
            }
        }
        army
    }
}

impl Position<'_> {
    /// What a question shows.
    pub fn of(question: &Question) -> Position<'_> {
        let mut areas = BTreeMap::new();
        if let Some(tables) = &question.tables {
            areas.clone_from(&tables.setup);
            for piece in &tables.pieces {
                if let PieceId::Number(number) = piece.id {
                    areas.insert(number, piece.area);
                }
            }
        }
        let mut regions: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (&piece, &area) in &areas {
            if map::unit(piece).is_some() || matches!(piece, WITCH_KING | SARUMAN | MOUTH) {
                regions.entry(area).or_default().push(piece);
            }
        }
        Position { facts: &question.facts, areas, regions }
    }

    /// Whether the pieces are known.
    pub fn has_board(&self) -> bool {
        !self.areas.is_empty()
    }

    /// Where a piece is.
    pub fn area(&self, piece: i64) -> Option<i64> {
        self.areas.get(&piece).copied()
    }

    /// The pieces in an area.
    pub fn pieces_in(&self, area: i64) -> impl Iterator<Item = i64> {
        self.areas.iter().filter(move |(_, there)| **there == area).map(|(piece, _)| *piece)
    }

    pub fn number(&self, fact: &str) -> i64 {
        self.facts.get(fact).and_then(Value::as_i64).unwrap_or_default()
    }

    pub fn text(&self, fact: &str) -> &str {
        self.facts.get(fact).and_then(Value::as_str).unwrap_or_default()
    }

    /// The texts of a list.
    pub fn texts(&self, fact: &str) -> Vec<&str> {
        self.list(fact).iter().filter_map(Value::as_str).collect()
    }

    pub fn is(&self, fact: &str) -> bool {
        self.facts.get(fact) == Some(&Value::Bool(true))
    }

    pub fn list(&self, fact: &str) -> &[Value] {
        self.facts.get(fact).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The die that lies on the current action.
    pub fn selected_die(&self) -> Option<i64> {
        Some(self.number("SELECTED_DIE")).filter(|die| die_side(*die).is_some())
    }

    /// The face that a die of a side shows; empty if nobody knows.
    pub fn face_of(&self, side: Side, number: i64) -> String {
        let (ready, faces) = match side {
            Side::FreePeoples => ("FP_READY", "FP_FACES"),
            Side::Shadow => ("SP_READY", "SP_FACES"),
        };
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let die = self.list(ready).get(index).map(|die| die.as_str().map_or_else(|| die.to_string(), str::to_owned));
        let face = die.and_then(|die| self.facts.get(faces)?.get(&die)?.as_str().map(str::to_owned));
        face.unwrap_or_default()
    }

    /// Steps that a nation is from war.
    pub fn steps(&self, nation: &str) -> i64 {
        self.facts.get("NATION_STEPS").and_then(|steps| steps.get(nation)).and_then(Value::as_i64).unwrap_or(0)
    }

    /// Whether the nation may attack and recruit.
    pub fn is_at_war(&self, nation: &str) -> bool {
        self.facts.get("NATION_STEPS").and_then(|steps| steps.get(nation)).and_then(Value::as_i64) == Some(0)
    }

    /// The Army of a side in an area.
    pub fn army(&self, side: Side, area: i64) -> Army {
        let mut army = Army::default();
        for &piece in self.regions.get(&area).into_iter().flatten() {
            match map::unit(piece) {
                Some(unit) if unit.side() != side => {}
                Some(unit) => match unit.kind {
                    Kind::Regular => army.regulars.push(piece),
                    Kind::Elite => army.elites.push(piece),
                    Kind::Leader | Kind::Nazgul => army.leaders.push(piece),
                },
                None if side == Side::Shadow => army.leaders.push(piece),
                None => {}
            }
        }
        army
    }

    /// The part of an Army whose nations are at war: it may attack and go abroad. Leaders go with it.
    pub fn warriors(&self, side: Side, area: i64) -> Army {
        let mut army = self.army(side, area);
        let at_war = |piece: &i64| map::unit(*piece).is_none_or(|unit| self.is_at_war(unit.nation));
        army.regulars.retain(at_war);
        army.elites.retain(at_war);
        army.leaders.retain(|piece| *piece != SARUMAN && at_war(piece));
        army
    }

    /// Regions with an Army of a side.
    pub fn armies(&self, side: Side) -> Vec<i64> {
        let regions = self.regions.keys().copied().filter(|area| map::distance(*area, *area).is_some());
        regions.filter(|area| 0 < self.army(side, *area).strength()).collect()
    }

    /// Leadership of an Army, at most 5: Minions and the Witch-king count 2, Saruman 1.
    pub fn leadership(&self, army: &Army) -> u64 {
        let of = |piece: &i64| if matches!(*piece, WITCH_KING | MOUTH) { 2 } else { 1 };
        army.leaders.iter().map(of).sum::<u64>().min(5)
    }

    /// The side that holds a settlement.
    pub fn holder(&self, region: i64) -> Option<Side> {
        let home = map::side_of(map::settlement(region)?.nation);
        let (first, last) = boxes(enemy(home)).control_markers;
        let is_taken = (first..=last).any(|marker| self.area(marker) == Some(region));
        Some(if is_taken { enemy(home) } else { home })
    }

    /// Companions in the Fellowship: piece, name, Level.
    pub fn companions(&self) -> Vec<(i64, &'static str, i64)> {
        let names = self.list("COMPANIONS");
        COMPANIONS.into_iter().filter(|(_, name, _)| names.iter().any(|there| there == name)).collect()
    }

    pub fn is_on_mordor_track(&self) -> bool {
        (MORDOR..=CRACKS_OF_DOOM).contains(&self.number("FELLOWSHIP_AREA"))
    }

    /// Successful steps that the Fellowship still needs: to the gate of Mordor, and from there to the Cracks of Doom.
    pub fn steps_to_go(&self) -> i64 {
        let area = self.number("FELLOWSHIP_AREA");
        if self.is_on_mordor_track() {
            return CRACKS_OF_DOOM - area;
        }
        let to_gate = GATES.iter().filter_map(|gate| map::distance(area, *gate)).min().unwrap_or(10);
        (i64::from(to_gate) - self.number("FELLOWSHIP_PROGRESS")).max(0) + CRACKS_OF_DOOM - MORDOR
    }
}

/// Morannon and Minas Morgul, from where Mordor is entered.
pub const GATES: [i64; 2] = [91, 86];
