//! Every figure against databases in both shapes.

use serde_json::{Value, json};

use super::wotr_db::{Position, Shape, move_piece, name_cards};
use crate::{
    board::{Figures, Source},
    database::ClientDatabases,
};

/// A position in the middle of a game, and every figure it has, counted by hand.
const MOVES: &[(i64, i64)] = &[
    // Two Free Peoples dice used, one Shadow die in the Hunt Box with one of the Free Peoples, one used, one selected.
    (210, 175),
    (211, 114),
    (99, 114),
    (100, 177),
    (101, 152),
    // The Fellowship is in Lórien, three steps on, with a Nazgûl and Orcs beside it.
    (247, 37),
    (248, 134),
    (252, 135),
    (11, 37),
    (40, 37),
    (244, 175),
    // A ring has passed; Gondor is one step on, Sauron at war.
    (251, 130),
    (260, 119),
    (262, 120),
    // The Shadow holds Edoras; Minas Tirith is besieged.
    (411, 43),
    (423, 166),
    (81, 111),
    (82, 111),
    // An Orc has fallen.
    (13, 177),
    // Hunt tiles drawn.
    (214, 183),
    (223, 183),
];

async fn check(shape: Shape, moves: &[(i64, i64)], expected: &[(&str, Value)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    Position::new(shape).with(MOVES).with(moves).write(&path).await;

    let figures = ClientDatabases::new(&path).figures("default").await;

    for (name, value) in expected {
        assert_eq!(figures.values.get(*name), Some(value), "{name}");
    }
}

const BOTH: fn() -> Vec<(&'static str, Value)> = || {
    vec![
        ("FP_POOL", json!([212, 213])),
        ("SP_POOL", json!([102, 103, 104, 105])),
        ("DICE_IN_CURRENT_ACTION", json!([101])),
        ("HUNT_LEVEL", json!(1)),
        ("HUNT_FP_DICE", json!(1)),
        ("HUNT_REROLLS", json!(2)),
        ("FELLOWSHIP_AREA", json!(37)),
        ("FELLOWSHIP_PROGRESS", json!(3)),
        ("CORRUPTION", json!(4)),
        ("FP_RINGS", json!(2)),
        ("SP_RINGS", json!(1)),
        ("FP_VP", json!(0)),
        ("SHADOW_VP", json!(3)),
        ("GUIDE", json!("Gandalf the Grey")),
        ("COMPANIONS", json!(["Gandalf the Grey", "Strider", "Legolas", "Gimli", "Merry", "Pippin"])),
        ("CONTESTED_REGIONS", json!([37])),
        ("BESIEGED_REGIONS", json!([74])),
        ("CONQUERED_REGIONS", json!([43])),
        (
            "NATION_STEPS",
            json!({"Elves": 3, "Dwarves": 3, "North": 3, "Rohan": 3, "Gondor": 1, "Southrons and Easterlings": 2, "Sauron": 0, "Isengard": 1}),
        ),
        ("DB_TURN", json!(1)),
    ]
};

#[tokio::test]
async fn the_clients_shape_gives_every_figure() {
    let hands = [(107, 180), (106, 180), (110, 180), (158, 181), (159, 181)];
    let mut expected = BOTH();
    expected.extend([("FP_HAND_SIZE", json!(3)), ("SP_HAND_SIZE", json!(2))]);
    check(Shape::Client, &hands, &expected).await;
}

#[tokio::test]
async fn the_documented_shape_gives_every_figure() {
    let hands = [(107, 144), (106, 144), (110, 144), (158, 145), (159, 145)];
    let mut expected = BOTH();
    expected.extend([("FP_HAND_SIZE", json!(3)), ("SP_HAND_SIZE", json!(2))]);
    check(Shape::Documented, &hands, &expected).await;
}

#[tokio::test]
async fn armies_are_counted_where_they_stand_and_those_under_siege_in_their_stronghold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    Position::new(Shape::Client).with(MOVES).write(&path).await;

    let values = ClientDatabases::new(&path).figures("default").await.values.clone();

    assert_eq!((&values["FP_FORCES"]["74"], &values["FP_FORCES"]["111"]), (&json!([83, 84, 85]), &json!([81, 82])));
    assert_eq!((&values["FP_UNITS"]["74"], &values["FP_UNITS"]["111"]), (&json!(2), &json!(2)));
    assert_eq!(
        (&values["SP_FORCES"]["37"], &values["SP_UNITS"]["37"]),
        (&json!([11, 40]), &json!(1)),
        "a Nazgûl leads"
    );
    assert_eq!((&values["FP_SPARE"]["277"], &values["SP_SPARE"]["13"]), (&json!(174), &json!(177)));
}

#[tokio::test]
async fn documented_dice_and_markers_tell_their_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    let mut position = Position::new(Shape::Documented)
        .state(99, json!({"result": "eye"}))
        .state(100, json!({"result": "army"}))
        .state(248, json!({"revealed": true}))
        .state(260, json!({"active": true, "nation": "Gondor"}));
    position.turn = 5;
    position.vp_columns = (2, 6);
    position.write(&path).await;

    let figures = ClientDatabases::new(&path).figures("default").await;

    assert_eq!(figures.source, Source::Documented);
    assert_eq!(figures.values["EYE_DICE"], 1);
    assert_eq!(figures.values["FELLOWSHIP_REVEALED"], true);
    assert_eq!(figures.values["ACTIVE_NATIONS"], json!(["Gondor"]));
    assert_eq!(
        (&figures.values["DB_TURN"], &figures.values["FP_VP"], &figures.values["SHADOW_VP"]),
        (&json!(5), &json!(2), &json!(6))
    );
}

#[tokio::test]
async fn the_clients_own_malformed_state_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    let mut position = Position::new(Shape::Client);
    position.fellowship_row = r#"{,"corruption":3,"revealed":true}"#.to_owned();
    position.write(&path).await;

    let figures = ClientDatabases::new(&path).figures("default").await;

    assert_eq!(figures.source, Source::Client);
    assert_eq!(figures.values["FELLOWSHIP_REVEALED"], true);
    assert_eq!(figures.values["CORRUPTION"], 0, "the counter on the track counts more than the text");
    assert!(!figures.values.contains_key("EYE_DICE"), "the client keeps no faces");
}

#[tokio::test]
async fn a_database_is_seen_when_it_appears_and_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    let databases = ClientDatabases::new(&path);
    assert_eq!(databases.figures("default").await.source, Source::Machine);

    Position::new(Shape::Client).write(&path).await;
    assert_eq!(databases.figures("default").await.values["CORRUPTION"], 0);

    move_piece(&path, 252, 136).await;
    assert_eq!(databases.figures("default").await.values["CORRUPTION"], 5);

    std::fs::remove_file(&path).unwrap();
    Position::new(Shape::Client).with(&[(252, 133)]).write(&path).await;
    assert_eq!(databases.figures("default").await.values["CORRUPTION"], 2, "another file of the same name");
}

#[tokio::test]
async fn cards_at_hand_are_called_what_the_client_calls_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    Position::new(Shape::Client).with(&[(106, 180), (107, 180), (159, 181)]).write(&path).await;
    assert_eq!(ClientDatabases::new(&path).figures("default").await.values["CARD_NAMES"], json!({}), "no column");

    let long = "x".repeat(100);
    name_cards(&path, &[(106, "A Power Too Great"), (110, "Book of Mazarbul"), (159, &long), (249, "Vilya")]).await;
    let values = ClientDatabases::new(&path).figures("default").await.values.clone();
    assert_eq!(values["CARD_NAMES"], json!({"106": "A Power Too Great", "159": long[..60]}));
    assert_eq!(values["CARD_TYPES"], json!({"106": "army"}));
}

#[tokio::test]
async fn a_file_that_is_no_database_gives_no_figure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    std::fs::write(&path, "not a database at all, but long enough to look like one to nobody").unwrap();
    assert_eq!(ClientDatabases::new(&path).figures("default").await.source, Source::Machine);
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_no_database_and_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(*ClientDatabases::new(&path).figures("default").await, Figures::none());
}

#[tokio::test]
async fn each_game_has_its_own_file_where_the_path_says_so() {
    let folder = tempfile::tempdir().unwrap();
    Position::new(Shape::Client).with(&[(252, 138)]).write(&folder.path().join("alpha.db")).await;
    let databases = ClientDatabases::new(&folder.path().join("{game}.db"));

    assert_eq!(databases.figures("alpha").await.values["CORRUPTION"], 7);
    assert_eq!(databases.figures("beta").await.source, Source::Machine);
}

#[tokio::test]
async fn the_row_that_the_client_writes_at_its_start_does_not_say_that_the_fellowship_is_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wotr_game.db");
    Position::new(Shape::Client).with(MOVES).write(&path).await;
    let figures = ClientDatabases::new(&path).figures("default").await;
    assert_eq!(figures.values.get("FELLOWSHIP_REVEALED"), None, "only the machine knows");
}
