//! A builder of `wotr_game.db` files in both shapes, as small as the tests need them.
//!
//! Table and column names, piece and area numbers are the client's; only what the service reads is written.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

/// Opening areas of the pieces: area, then ids and ranges of ids.
const OPENING: &[(i64, &[(i64, i64)])] = &[
    (30, &[(0, 0)]),
    (26, &[(1, 1)]),
    (40, &[(2, 6)]),
    (35, &[(7, 8)]),
    (44, &[(9, 10)]),
    (63, &[(11, 15), (35, 35), (40, 40)]),
    (86, &[(16, 20), (37, 37)]),
    (91, &[(21, 25), (38, 38)]),
    (96, &[(26, 29), (36, 36), (39, 39)]),
    (94, &[(30, 32)]),
    (88, &[(33, 34)]),
    (49, &[(41, 43)]),
    (61, &[(44, 46), (57, 57)]),
    (85, &[(47, 49), (55, 55)]),
    (103, &[(50, 52), (56, 56)]),
    (104, &[(53, 54)]),
    (8, &[(58, 58)]),
    (90, &[(59, 59)]),
    (82, &[(60, 62), (312, 312)]),
    (7, &[(63, 63)]),
    (18, &[(64, 64)]),
    (58, &[(65, 65)]),
    (87, &[(66, 66), (68, 68)]),
    (15, &[(67, 67)]),
    (41, &[(69, 70), (74, 74)]),
    (45, &[(71, 71)]),
    (43, &[(72, 73)]),
    (42, &[(75, 77)]),
    (48, &[(78, 78)]),
    (73, &[(79, 80)]),
    (74, &[(81, 85)]),
    (4, &[(86, 86), (89, 89), (95, 95)]),
    (37, &[(87, 87), (92, 93), (97, 97)]),
    (70, &[(88, 88), (94, 94), (98, 98)]),
    (27, &[(90, 91), (96, 96), (247, 247)]),
    (179, &[(99, 105)]),
    (121, &[(107, 109), (112, 112)]),
    (122, &[(106, 106), (110, 111), (113, 114), (118, 122)]),
    (123, &[(158, 158), (160, 160), (165, 169)]),
    (124, &[(159, 159), (164, 164), (170, 172), (175, 176)]),
    (178, &[(210, 213)]),
    (182, &[(214, 231)]),
    (184, &[(232, 239)]),
    (116, &[(240, 240)]),
    (115, &[(241, 246)]),
    (131, &[(248, 248), (252, 252)]),
    (125, &[(249, 249)]),
    (126, &[(250, 250)]),
    (127, &[(251, 251)]),
    (176, &[(253, 255), (318, 357), (360, 362), (411, 420), (424, 425)]),
    (117, &[(256, 259)]),
    (118, &[(260, 261)]),
    (119, &[(262, 263)]),
    (174, &[(264, 311), (313, 317), (358, 359), (364, 364), (405, 410), (426, 427)]),
    (163, &[(422, 423)]),
];

const POLITICAL: [(i64, &str); 8] = [
    (256, "elves"),
    (257, "dwarves"),
    (258, "north"),
    (259, "rohan"),
    (260, "gondor"),
    (261, "southrons"),
    (262, "sauron"),
    (263, "isengard"),
];

const TABLES: &str = "
    CREATE TABLE game_state (game_id TEXT PRIMARY KEY, turn_number INTEGER NOT NULL DEFAULT 1,
        victory_points_fp INTEGER NOT NULL DEFAULT 0, victory_points_shadow INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE game_pieces (piece_id INTEGER NOT NULL, game_id TEXT NOT NULL, piece_type TEXT NOT NULL,
        area_id INTEGER NOT NULL, state_data TEXT, PRIMARY KEY (game_id, piece_id));
    CREATE TABLE scenario_setup (piece_id INTEGER NOT NULL, scenario_id TEXT NOT NULL, initial_area_id INTEGER NOT NULL,
        PRIMARY KEY (piece_id, scenario_id));";

/// Which shape the database has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As the client writes it: rows for the pieces that moved.
    Client,
    /// As the document's queries expect it: rows for all.
    Documented,
}

/// A position to be written.
pub struct Position {
    pub shape: Shape,
    pub turn: i64,
    pub areas: BTreeMap<i64, i64>,
    pub states: BTreeMap<i64, Value>,
    pub vp_columns: (i64, i64),
    /// Raw `state_data` of the row that is named `fellowship`.
    pub fellowship_row: String,
    moved: Vec<i64>,
}

impl Position {
    /// The opening.
    pub fn new(shape: Shape) -> Position {
        let mut areas = BTreeMap::new();
        for (area, ranges) in OPENING {
            for (first, last) in *ranges {
                areas.extend((*first..=*last).map(|id| (id, *area)));
            }
        }
        let states = BTreeMap::new();
        Position {
            shape,
            turn: 1,
            areas,
            states,
            vp_columns: (0, 0),
            fellowship_row: "{}".to_owned(),
            moved: Vec::new(),
        }
    }

    /// The opening with these pieces moved.
    pub fn with(mut self, moves: &[(i64, i64)]) -> Position {
        for (id, area) in moves {
            self.areas.insert(*id, *area);
            self.moved.push(*id);
        }
        self
    }

    pub fn state(mut self, id: i64, state: Value) -> Position {
        self.states.insert(id, state);
        self
    }

    /// Writes a new file, with an older game in it whose pieces lie elsewhere.
    pub async fn write(&self, path: &Path) {
        let mut db = open(path).await;
        sqlx::raw_sql(TABLES).execute(&mut db).await.unwrap();
        let mut transaction = db.begin().await.unwrap();
        let setup = Position::new(self.shape).areas;
        for (id, area) in &setup {
            let insert = sqlx::query("INSERT INTO scenario_setup VALUES ($1, 'base', $2)").bind(id).bind(area);
            insert.execute(&mut *transaction).await.unwrap();
        }
        sqlx::query("INSERT INTO game_state VALUES ('zz-older', 9, 0, 0)").execute(&mut *transaction).await.unwrap();
        for (id, kind, area) in [(247, "fellowship", 99), (252, "corruption_counter", 142)] {
            piece(&mut transaction, "zz-older", &id.to_string(), kind, area, "{}").await;
        }
        let game = sqlx::query("INSERT INTO game_state VALUES ('aa-current', $1, $2, $3)");
        game.bind(self.turn).bind(self.vp_columns.0).bind(self.vp_columns.1).execute(&mut *transaction).await.unwrap();
        let current = "aa-current";
        match self.shape {
            Shape::Client => {
                piece(&mut transaction, current, "fellowship", "fellowship", 0, &self.fellowship_row).await;
                for name in ["unitfellowship", "gandalf", "aragorn"] {
                    piece(&mut transaction, current, name, "character", 115, "").await;
                }
                for id in &self.moved {
                    let kind = if *id == 247 { "fellowship" } else { "other" };
                    piece(&mut transaction, current, &id.to_string(), kind, self.areas[id], "{}").await;
                }
            }
            Shape::Documented => {
                for (id, area) in &self.areas {
                    let named = POLITICAL.iter().find(|(number, _)| number == id);
                    let name = named.map_or_else(|| id.to_string(), |(_, word)| format!("{word}_political_marker"));
                    let state = self.states.get(id).cloned().unwrap_or_else(|| json!({})).to_string();
                    piece(&mut transaction, current, &name, documented_kind(*id), *area, &state).await;
                }
            }
        }
        transaction.commit().await.unwrap();
        db.close().await.unwrap();
    }
}

/// Moves a piece as the client does: one row, committed.
pub async fn move_piece(path: &Path, id: i64, area: i64) {
    let mut db = open(path).await;
    let row = sqlx::query("INSERT OR REPLACE INTO game_pieces VALUES ($1, 'aa-current', 'other', $2, '{}')");
    row.bind(id).bind(area).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// Gives the cards their names, as newer clients do.
pub async fn name_cards(path: &Path, names: &[(i64, &str)]) {
    let mut db = open(path).await;
    sqlx::raw_sql("ALTER TABLE scenario_setup ADD COLUMN card_name TEXT").execute(&mut db).await.unwrap();
    for (id, name) in names {
        let name = sqlx::query("UPDATE scenario_setup SET card_name = $1 WHERE piece_id = $2").bind(*name).bind(id);
        name.execute(&mut db).await.unwrap();
    }
    db.close().await.unwrap();
}

fn documented_kind(id: i64) -> &'static str {
    match id {
        106..=209 | 421 => "card",
        99..=105 | 210..=213 | 358..=362 => "action_die",
        247 => "fellowship",
        248 => "fellowship_counter",
        252 => "corruption_counter",
        256..=263 => "nation_chit",
        _ => "other",
    }
}

async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// SQLite keeps a number where the column prefers one, and a name as it is.
async fn piece(db: &mut SqliteConnection, game: &str, id: &str, kind: &str, area: i64, state: &str) {
    let row = sqlx::query("INSERT INTO game_pieces VALUES ($1, $2, $3, $4, $5)");
    row.bind(id.to_owned())
        .bind(game.to_owned())
        .bind(kind.to_owned())
        .bind(area)
        .bind(state.to_owned())
        .execute(db)
        .await
        .unwrap();
}
