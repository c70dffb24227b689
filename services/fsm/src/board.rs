//! The board of War of the Ring: figures computed from the pieces a client's database tells of.
//!
//! Two shapes are known. In the client's own, `scenario_setup` has the opening and `game_pieces` those that moved since;
//! pieces go by number. In the documented one every piece has a row, cards and dice have types of their own, and some
//! markers go by name. Areas and piece numbers are those of the base game; they are permanent.

mod cards;
mod pieces;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use pieces::Board;

/// The figures that a database may give. A figure that it does not give is the machine's own variable.
pub const FIGURES: &[&str] = &[
    "ACTIVE_NATIONS",
    "BESIEGED_REGIONS",
    "CARD_NAMES",
    "CARD_TYPES",
    "CHARACTERS",
    "COMPANIONS",
    "CONQUERED_REGIONS",
    "CONTESTED_REGIONS",
    "CONTROL_MARKERS",
    "CORRUPTION",
    "DB_TURN",
    "DICE_IN_CURRENT_ACTION",
    "EYE_DICE",
    "FELLOWSHIP_AREA",
    "FELLOWSHIP_PROGRESS",
    "FELLOWSHIP_REVEALED",
    "FP_CONQUESTS",
    "FP_FORCES",
    "FP_HAND",
    "FP_HAND_SIZE",
    "FP_LEADERSHIP",
    "FP_POOL",
    "FP_RESERVE",
    "FP_RINGS",
    "FP_SHOWN",
    "FP_SPARE",
    "FP_UNITS",
    "FP_VP",
    "GUIDE",
    "HUNT_FP_DICE",
    "HUNT_LEVEL",
    "HUNT_POOL",
    "HUNT_REROLLS",
    "HUNT_USED",
    "NATION_STEPS",
    "RINGS",
    "SHADOW_VP",
    "SPARE_DICE",
    "SP_FORCES",
    "SP_HAND",
    "SP_HAND_SIZE",
    "SP_LEADERSHIP",
    "SP_POOL",
    "SP_RESERVE",
    "SP_RINGS",
    "SP_SHOWN",
    "SP_SPARE",
    "SP_UNITS",
];

const AREAS: &str = include_str!("../machines/areas.tsv");

const FELLOWSHIP: i64 = 247;
const PROGRESS_COUNTER: i64 = 248;
const CORRUPTION_COUNTER: i64 = 252;
const FREE_PEOPLES_VP: i64 = 422;
const SHADOW_VP: i64 = 423;
const WITCH_KING: i64 = 253;
/// The Witch-king, Saruman, the Mouth of Sauron.
const MINIONS: [i64; 3] = [WITCH_KING, 254, 255];
const COMPANIONS: [(i64, &str); 7] = [
    (240, "Gandalf the Grey"),
    (241, "Strider"),
    (242, "Legolas"),
    (243, "Gimli"),
    (244, "Boromir"),
    (245, "Merry"),
    (246, "Pippin"),
];
/// Political markers: number, name of the nation, the word in its documented id.
const NATIONS: [(i64, &str, &str); 8] = [
    (256, "Elves", "elves"),
    (257, "Dwarves", "dwarves"),
    (258, "North", "north"),
    (259, "Rohan", "rohan"),
    (260, "Gondor", "gondor"),
    (261, "Southrons and Easterlings", "southrons"),
    (262, "Sauron", "sauron"),
    (263, "Isengard", "isengard"),
];

const HUNT_BOX: i64 = 114;
const FELLOWSHIP_BOX: i64 = 115;
const GUIDE_BOX: i64 = 116;
const CURRENT_ACTION: i64 = 152;
/// Cards that were played last, for all to see.
const SHADOW_CARD: i64 = 153;
const FREE_PEOPLES_CARD: i64 = 154;
const FREE_PEOPLES_DICE: i64 = 178;
const SHADOW_DICE: i64 = 179;
/// Pieces that may still come.
const REINFORCEMENTS: [i64; 2] = [174, 176];
const FREE_PEOPLES_HAND: i64 = 180;
const SHADOW_HAND: i64 = 181;
const DOCUMENTED_FREE_PEOPLES_HAND: i64 = 144;
const DOCUMENTED_SHADOW_HAND: i64 = 145;
const HUNT_POOL: i64 = 182;
const USED_TILES: i64 = 183;
/// First area of the Fellowship Track; the area's number less this is the value.
const TRACK: i64 = 131;
const VICTORY_TRACK: i64 = 163;
/// At war; the area's number taken from this is the steps that are left.
const AT_WAR: i64 = 120;
/// Stronghold boxes and the regions they belong to.
const STRONGHOLD_BOXES: [(i64, i64); 16] = [
    (105, 82),
    (106, 4),
    (107, 27),
    (108, 70),
    (109, 37),
    (110, 45),
    (111, 74),
    (112, 42),
    (155, 44),
    (156, 35),
    (157, 63),
    (158, 40),
    (159, 91),
    (160, 96),
    (161, 86),
    (162, 49),
];

/// A side of the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The Free Peoples.
    FreePeoples,
    /// The Shadow.
    Shadow,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::FreePeoples => Side::Shadow,
            Side::Shadow => Side::FreePeoples,
        }
    }

    /// The word for it, as the machine has it.
    pub fn word(self) -> &'static str {
        match self {
            Side::FreePeoples => "free_peoples",
            Side::Shadow => "shadow",
        }
    }
}

/// Where figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A database as the client writes it.
    Client,
    /// A database in the documented shape.
    Documented,
    /// No database: the machine's own variables.
    Machine,
}

impl Source {
    /// The word for it, as `GetGame` answers.
    pub fn word(self) -> &'static str {
        match self {
            Source::Client => "database",
            Source::Documented => "documented database",
            Source::Machine => "machine",
        }
    }
}

/// The figures of a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Where they come from.
    pub source: Source,
    /// The figures by name.
    pub values: Map<String, Value>,
}

impl Figures {
    /// What is known without a database: nothing.
    pub fn none() -> Figures {
        Figures { source: Source::Machine, values: Map::new() }
    }
}

/// What a database says about the game under way.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// The columns of the game's row that count.
    pub game: GameRow,
    /// Opening areas by piece number, from `scenario_setup`.
    pub setup: BTreeMap<i64, i64>,
    /// What cards are called, by piece number, from `scenario_setup`.
    pub card_names: BTreeMap<i64, String>,
    /// The rows of `game_pieces` for the game.
    pub pieces: Vec<Piece>,
}

impl Tables {
    /// Where a piece is: where it has moved to, else where the game opened with it.
    pub fn area(&self, piece: i64) -> Option<i64> {
        let moved = self.pieces.iter().find(|row| row.id == PieceId::Number(piece)).map(|row| row.area);
        moved.or_else(|| self.setup.get(&piece).copied())
    }
}

/// A row of `game_state`.
#[derive(Debug, Clone, Default)]
pub struct GameRow {
    /// The turn; the client never moves it on.
    pub turn: i64,
    /// Victory points of the Free Peoples; the client never moves them on.
    pub free_peoples_vp: i64,
    /// Victory points of the Shadow; likewise.
    pub shadow_vp: i64,
}

/// A row of `game_pieces`.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Its number, or its name where it goes by one.
    pub id: PieceId,
    /// `piece_type`.
    pub kind: String,
    /// `area_id`.
    pub area: i64,
    /// `state_data`, read leniently.
    pub state: Map<String, Value>,
}

/// A piece's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PieceId {
    /// A number of the base game.
    Number(i64),
    /// A name.
    Name(String),
}

impl PieceId {
    fn to_value(&self) -> Value {
        match self {
            PieceId::Number(number) => Value::from(*number),
            PieceId::Name(name) => Value::from(name.as_str()),
        }
    }
}

/// Reads `state_data`. The client's own setters splice text and leave commas where JSON has none.
pub fn parse_state(text: &str) -> Map<String, Value> {
    if let Ok(state) = serde_json::from_str(text) {
        return state;
    }
    let mut repaired = String::with_capacity(text.len());
    for letter in text.chars() {
        let last = repaired.trim_end().chars().next_back();
        let stray = letter == ',' && matches!(last, Some('{' | ','));
        if stray {
            continue;
        }
        if letter == '}' && last == Some(',') {
            repaired.truncate(repaired.trim_end().len() - 1);
        }
        repaired.push(letter);
    }
    serde_json::from_str(&repaired).unwrap_or_default()
}

/// The numbers of a side's action dice.
pub fn die_side(id: i64) -> Option<Side> {
    match id {
        210..=213 | 358..=359 => Some(Side::FreePeoples),
        99..=105 | 360..=362 => Some(Side::Shadow),
        _ => None,
    }
}

/// The side of an Army unit; leaders, Nazgûl and characters are none.
pub fn unit_side(id: i64) -> Option<Side> {
    match id {
        37..=40 => None,
        0..=57 | 322..=357 => Some(Side::Shadow),
        62 | 68 | 74 | 85 | 95..=98 | 270..=272 | 283..=285 | 296..=298 | 309..=311 => None,
        58..=98 | 264..=317 => Some(Side::FreePeoples),
        _ => None,
    }
}

/// Side and Leadership of whoever leads an Army.
pub fn leadership(id: i64) -> Option<(Side, i64)> {
    match id {
        62 | 68 | 74 | 85 | 95..=98 | 270..=272 | 283..=285 | 296..=298 | 309..=311 => Some((Side::FreePeoples, 1)),
        240..=246 => Some((Side::FreePeoples, 1)),
        37..=40 | 318..=321 | 254 => Some((Side::Shadow, 1)),
        WITCH_KING | 255 => Some((Side::Shadow, 2)),
        _ => None,
    }
}

/// The side whose Armies a piece may be of: as a unit, or as one who leads.
pub fn army_side(id: i64) -> Option<Side> {
    unit_side(id).or_else(|| leadership(id).map(|(side, _)| side))
}

fn is_nazgul(id: i64) -> bool {
    matches!(id, 37..=40 | 318..=321 | WITCH_KING)
}

/// Regions are areas 0 to 104.
fn is_region(area: i64) -> bool {
    (0..=104).contains(&area)
}

/// The region of a Stronghold's box.
pub fn region_of_box(inside: i64) -> Option<i64> {
    STRONGHOLD_BOXES.iter().find(|(there, _)| *there == inside).map(|(_, region)| *region)
}

/// The box in which an Army holds out that is besieged in a region's Stronghold.
pub fn stronghold_box(region: i64) -> Option<i64> {
    STRONGHOLD_BOXES.iter().find(|(_, of)| *of == region).map(|(inside, _)| *inside)
}

/// Armies stand in regions, and in the boxes of Strongholds under siege.
pub fn holds_armies(area: i64) -> bool {
    is_region(area) || STRONGHOLD_BOXES.iter().any(|(there, _)| *there == area)
}

/// Where the Fellowship's figure may stand: a region, or a step of the Mordor Track.
fn is_on_the_way(area: i64) -> bool {
    is_region(area) || (188..=193).contains(&area)
}

/// What `areas.tsv` says about the areas, as the constants of the game's machines.
pub fn area_constants() -> Map<String, Value> {
    let mut names = Map::new();
    let mut settlements = Map::new();
    let mut homelands: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut havens: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for line in AREAS.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let (Some(area), Some(name)) = (columns.next(), columns.next()) else { continue };
        names.insert(area.to_owned(), Value::from(name));
        let (nation, kind) = (columns.next(), columns.next());
        if let (Some(nation), Ok(region)) = (nation, area.parse::<i64>()) {
            homelands.entry(nation).or_default().push(region);
            if matches!(kind, Some("city" | "stronghold")) {
                havens.entry(nation).or_default().push(region);
            }
        }
        if let (Some(nation), Some(kind)) = (nation, kind) {
            settlements.insert(area.to_owned(), json!({"nation": nation, "kind": kind}));
        }
    }
    let boxes = STRONGHOLD_BOXES.iter().map(|(area, region)| (region.to_string(), Value::from(*area)));
    let mut constants = Map::new();
    constants.insert("STRONGHOLD_BOXES".to_owned(), Value::Object(boxes.collect()));
    // The regions of each Nation, and those of them that are a City or a Stronghold.
    let by_nation = |regions: BTreeMap<&str, Vec<i64>>| {
        regions.into_iter().map(|(nation, regions)| (nation.to_owned(), Value::from(regions))).collect::<Map<_, _>>()
    };
    constants.insert("HOMELANDS".to_owned(), by_nation(homelands).into());
    constants.insert("HAVENS".to_owned(), by_nation(havens).into());
    constants.insert("AREA_NAMES".to_owned(), Value::Object(names));
    constants.insert("SETTLEMENTS".to_owned(), Value::Object(settlements));
    constants
}

/// Strongholds that are the Shadow's from the beginning, and the Free Peoples'.
fn stronghold_side(region: i64) -> Option<Side> {
    match region {
        35 | 40 | 44 | 49 | 63 | 86 | 91 | 96 => Some(Side::Shadow),
        4 | 27 | 37 | 42 | 45 | 70 | 74 | 82 => Some(Side::FreePeoples),
        _ => None,
    }
}

/// The figures of the board.
pub fn figures(tables: &Tables) -> Figures {
    let documented = is_documented(&tables.pieces);
    let board = Board::new(tables);
    let mut values = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            debug_assert!(FIGURES.contains(&name), "{name} is no figure");
            values.insert(name.to_owned(), value);
        }
    };
    let count = |number: usize| Some(Value::from(number));

    put("FP_HAND_SIZE", board.hand(documented, DOCUMENTED_FREE_PEOPLES_HAND, FREE_PEOPLES_HAND));
    put("SP_HAND_SIZE", board.hand(documented, DOCUMENTED_SHADOW_HAND, SHADOW_HAND));
    put("FP_HAND", board.numbers_in(FREE_PEOPLES_HAND));
    put("SP_HAND", board.numbers_in(SHADOW_HAND));
    let (card_names, card_types) = board.cards_at_hand(&tables.card_names);
    put("CARD_NAMES", Some(card_names));
    put("CARD_TYPES", Some(card_types));
    put("FP_SHOWN", board.numbers_in(FREE_PEOPLES_CARD));
    put("SP_SHOWN", board.numbers_in(SHADOW_CARD));
    put("FP_POOL", board.dice(Side::FreePeoples, FREE_PEOPLES_DICE));
    put("SP_POOL", board.dice(Side::Shadow, SHADOW_DICE));
    put("DICE_IN_CURRENT_ACTION", Some(board.current_action()));
    if board.has_dice() {
        put("HUNT_LEVEL", count(board.dice_in(Side::Shadow, HUNT_BOX).len()));
        put("HUNT_FP_DICE", count(board.dice_in(Side::FreePeoples, HUNT_BOX).len()));
    }
    put("EYE_DICE", board.eye_dice());

    put("FELLOWSHIP_AREA", board.fellowship_area().map(Value::from));
    // The client's own row says "hidden" from its start to its end: only the machine knows better.
    let says_so = |revealed: &Value| *revealed == true || documented && revealed.is_boolean();
    put("FELLOWSHIP_REVEALED", board.fellowship_state("revealed").filter(says_so));
    put("FELLOWSHIP_PROGRESS", board.on_track(PROGRESS_COUNTER, TRACK, 12));
    put("CORRUPTION", board.corruption());
    put("HUNT_POOL", board.numbers_in(HUNT_POOL));
    put("HUNT_USED", board.numbers_in(USED_TILES));
    put("HUNT_REROLLS", board.fellowship_area().map(|area| Value::from(board.hunt_rerolls(area))));
    put("COMPANIONS", board.companions());
    put("GUIDE", board.guide());
    put("CHARACTERS", board.characters());
    put("SPARE_DICE", board.spare_dice());

    put("RINGS", board.ring_areas());
    put("FP_RINGS", board.rings(125..=127));
    put("SP_RINGS", board.rings(128..=130));
    put("FP_VP", board.victory_points(FREE_PEOPLES_VP, tables.game.free_peoples_vp));
    put("SHADOW_VP", board.victory_points(SHADOW_VP, tables.game.shadow_vp));
    put("NATION_STEPS", board.nation_steps());
    put("ACTIVE_NATIONS", board.active_nations());

    let (fp_units, sp_units) = (board.units(Side::FreePeoples), board.units(Side::Shadow));
    let is_contested = |region: &i64| is_region(*region) && sp_units.contains_key(region);
    let contested: Vec<i64> = fp_units.keys().copied().filter(is_contested).collect();
    put("CONTESTED_REGIONS", Some(Value::from(contested)));
    put("BESIEGED_REGIONS", Some(Value::from(board.besieged_regions())));
    put("CONQUERED_REGIONS", Some(Value::from(board.controlled(411..=420).into_iter().collect::<Vec<_>>())));
    put("FP_CONQUESTS", Some(Value::from(board.controlled(405..=410).into_iter().collect::<Vec<_>>())));
    put("FP_UNITS", Some(by_region(&fp_units)));
    put("SP_UNITS", Some(by_region(&sp_units)));
    put("FP_FORCES", Some(board.forces(Side::FreePeoples)));
    put("SP_FORCES", Some(board.forces(Side::Shadow)));
    put("CONTROL_MARKERS", board.control_markers());
    put("FP_RESERVE", Some(board.reserve(Side::FreePeoples, &[174])));
    // Whoever of the Shadow has fallen may come again.
    put("SP_RESERVE", Some(board.reserve(Side::Shadow, &[176, 177])));
    put("FP_SPARE", Some(board.spare(Side::FreePeoples, [174, 175])));
    put("SP_SPARE", Some(board.spare(Side::Shadow, [176, 177])));
    put("FP_LEADERSHIP", Some(by_region(&board.leadership(Side::FreePeoples))));
    put("SP_LEADERSHIP", Some(by_region(&board.leadership(Side::Shadow))));
    put("DB_TURN", Some(Value::from(tables.game.turn)));
    Figures { source: if documented { Source::Documented } else { Source::Client }, values }
}

/// Numbers by area, as figures have them.
pub fn by_region(counts: &BTreeMap<i64, i64>) -> Value {
    counts.iter().map(|(region, count)| (region.to_string(), Value::from(*count))).collect::<Map<_, _>>().into()
}

/// Whether a row shows the documented shape: a type of its own for cards and dice, or a political marker by name.
fn is_documented(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| {
        let named_marker = matches!(&piece.id, PieceId::Name(name) if name.ends_with("_marker"));
        piece.kind == "card" || piece.kind == "action_die" || named_marker
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_state(text: &str, expected: Value) {
        assert_eq!(Value::Object(parse_state(text)), expected);
    }

    #[test]
    fn state_data_is_read_leniently() {
        check_state("{}", json!({}));
        check_state(r#"{"revealed":true}"#, json!({"revealed": true}));
        check_state(r#"{,"corruption":3,"revealed":false}"#, json!({"corruption": 3, "revealed": false}));
        check_state(r#"{"a":1,,"b":2,}"#, json!({"a": 1, "b": 2}));
        check_state("not json", json!({}));
        check_state("[1]", json!({}));
        check_state("", json!({}));
    }

    #[test]
    fn every_area_has_a_name_and_every_settlement_a_nation() {
        let constants = area_constants();
        assert_eq!(constants["AREA_NAMES"].as_object().unwrap().len(), 194);
        assert_eq!(constants["AREA_NAMES"]["193"], "Mordor 5 - The Cracks of Doom");
        let settlements = constants["SETTLEMENTS"].as_object().unwrap();
        let of_kind = |kind: &str| settlements.values().filter(|settlement| settlement["kind"] == kind).count();
        assert_eq!((of_kind("stronghold"), of_kind("city"), of_kind("town")), (16, 6, 14));
    }

    #[test]
    fn a_board_without_rows_has_no_figure_of_its_pieces() {
        let values = figures(&Tables::default()).values;
        assert!(
            !values.contains_key("CORRUPTION")
                && !values.contains_key("FP_POOL")
                && !values.contains_key("FP_HAND_SIZE")
        );
    }
}
