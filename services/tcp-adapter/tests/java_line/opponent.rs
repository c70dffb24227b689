//! The built-in opponent at the line: its actions reach a client as records, and what the client has carried out is seen in
//! its database.

use std::collections::BTreeMap;

use proto::fsm::v1::{Decider, SetDeciderRequest};
use service_kit::db::Db;
use tempfile::tempdir;

use crate::harness::{Client, Server, client_database, move_piece, states};

/// Most lines of a game; one that is longer has no end.
const MAX_LINES: usize = 6_000;
/// What the opponent's chance begins with; the dice service has its own.
const SEED: &str = "1";
/// A game that is far gone, as what has moved since the opening: the Fellowship at the Morannon, corruption 4, the Shadow's
/// points 7, and all its Nations at war.
pub const FAR_GONE: [(i64, i64); 6] = [(247, 91), (252, 135), (423, 170), (261, 120), (262, 120), (263, 120)];

/// The opening of the base game: area by piece.
fn opening() -> BTreeMap<i64, i64> {
    let rows = include_str!("../../../../deploy/java/opening.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut opening = BTreeMap::new();
    for row in rows {
        let columns: Vec<&str> = row.split('\t').collect();
        for range in columns[2].split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            for piece in first.parse::<i64>().unwrap()..=last.parse().unwrap() {
                opening.insert(piece, columns[1].parse().unwrap());
            }
        }
    }
    opening
}

/// Areas by name.
fn areas() -> BTreeMap<&'static str, i64> {
    let rows = include_str!("../../../fsm/machines/areas.tsv").lines().filter(|line| !line.starts_with('#'));
    let columns = rows.map(|row| row.split('\t').collect::<Vec<_>>());
    columns.map(|columns| (columns[1], columns[0].parse().unwrap())).collect()
}

/// A client that carries out what it is told, and commits it before it tells of it, as the Java client does.
pub struct Obedient {
    pub client: Client,
    db: Db,
    pub board: BTreeMap<i64, i64>,
    areas: BTreeMap<&'static str, i64>,
    pub heard: Vec<String>,
    moved: usize,
}

impl Obedient {
    pub async fn carry_out(&mut self, line: &str) {
        let dice = |free: bool| if free { vec![210..=213, 358..=359] } else { vec![99..=105, 360..=362] };
        match line {
            "F7" => self.draw(121, 180).await,
            "F8" => self.draw(122, 180).await,
            "F11" => self.draw(123, 181).await,
            "F12" => self.draw(124, 181).await,
            "Ctrl+9" | "Ctrl+0" => {
                let free = line == "Ctrl+9";
                let (used, pool) = if free { (175, 178) } else { (177, 179) };
                for die in dice(free).into_iter().flatten() {
                    if [114, used, 152].contains(&self.board[&die]) {
                        self.put(die, pool).await;
                    }
                }
            }
            _ => {
                if let Some(rest) = line.strip_prefix("$FSM moves ") {
                    let (pieces, way) = rest.split_once(" from ").unwrap();
                    let (from, to) = way.trim_end().split_once(" to ").unwrap();
                    for piece in pieces.split(' ') {
                        let piece = piece.parse().unwrap();
                        assert_eq!(self.board[&piece], self.areas[from], "{line}");
                        self.put(piece, self.areas[to]).await;
                    }
                } else if let Some(rest) = line.strip_prefix("$FSM allocates ") {
                    for die in rest.trim_end().split(' ') {
                        self.put(die.parse().unwrap(), 114).await;
                    }
                }
            }
        }
    }

    async fn draw(&mut self, deck: i64, hand: i64) {
        let card = self.board.iter().find(|(_, area)| **area == deck).map(|(card, _)| *card);
        if let Some(card) = card {
            self.put(card, hand).await;
        }
    }

    pub async fn put(&mut self, piece: i64, area: i64) {
        self.board.insert(piece, area);
        move_piece(&self.db, piece, area).await;
        self.client.send("EVENT:PIECE_MOVED").await;
        self.moved += 1;
    }

    /// Until the game has come to an end, which is answered.
    async fn until_the_end(&mut self) -> String {
        while self.heard.len() < MAX_LINES {
            let line = self.client.line().await;
            assert!(
                !line.starts_with("ERROR"),
                "{line} with seed {SEED} after {:?}",
                self.heard.iter().rev().take(20).collect::<Vec<_>>()
            );
            self.heard.push(line.clone());
            self.carry_out(&line).await;
            if let Some(end) = line.strip_prefix("<state> ").filter(|state| state.starts_with("GAME_END_")) {
                return end.to_owned();
            }
        }
        panic!(
            "no end after {MAX_LINES} lines with seed {SEED}; {:?}",
            self.heard.iter().rev().take(40).collect::<Vec<_>>()
        );
    }
}

async fn decide(server: &Server, side: &str, kind: &str, strength: Option<&str>, timeout_seconds: Option<u32>) {
    let decider = Decider {
        side: side.to_owned(),
        kind: kind.to_owned(),
        strength: strength.map(str::to_owned),
        timeout_seconds,
    };
    let request = SetDeciderRequest { game_id: None, decider: Some(decider) };
    server.fsm.clone().set_decider(request).await.unwrap();
}

/// A server whose board is a client's database with these pieces moved, and that client; on a machine by its text, or on our
/// own.
pub async fn at_a_board(machine: &str, moved: &[(i64, i64)]) -> (Server, Obedient) {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("machine.yaml"), machine).unwrap();
    let mut settings = vec!["--opponent-seed", SEED];
    if !machine.is_empty() {
        settings.extend(["--machine", "{folder}/machine.yaml"]);
    }
    let mut board = opening();
    let setup: Vec<(i64, i64)> = board.iter().map(|(piece, area)| (*piece, *area)).collect();
    let db = client_database(&folder, &setup, moved).await;
    board.extend(moved.iter().copied());
    let server = Server::configured(folder, &settings, tcp_adapter::Config::default()).await;
    let client = server.client().await;
    (server, Obedient { client, db, board, areas: areas(), heard: Vec::new(), moved: 0 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_opponent_plays_both_sides_to_an_end_and_a_client_can_carry_it_out() {
    let (server, mut client) = at_a_board("", &FAR_GONE).await;
    for (side, strength) in [("free_peoples", "easy"), ("shadow", "middle"), ("table", "middle")] {
        decide(&server, side, "policy", Some(strength), None).await;
    }

    let end = client.until_the_end().await;

    let turns = states(&client.heard).iter().filter(|state| **state == "TURN_START").count();
    let reasons = client.heard.iter().filter(|line| line.starts_with("<fsm> 🤖 ")).count();
    assert!(0 < turns && turns < reasons, "seed {SEED}, {end}: each choice is told with its score");
    assert!(40 < client.moved, "seed {SEED}: {} moves", client.moved);
    let armies = |line: &&String| line.starts_with("$FSM moves ") && !line.contains("Dice") && !line.contains("Action");
    assert!(client.heard.iter().any(|line| armies(&line)), "seed {SEED}: no Army has moved");
    assert!(client.heard.iter().any(|line| line.starts_with("FSM_EXECUTE_ACTION ")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_opponent_plays_on_only_when_all_dice_are_back_in_their_pools() {
    // As after a turn in which the Fellowship has moved: one die lies in the Hunt Box, all others are used.
    let used = [(210, 114), (211, 175), (212, 175), (213, 175)];
    let moved: Vec<(i64, i64)> = used.into_iter().chain((99..=105).map(|die| (die, 177))).collect();
    let (server, mut client) = at_a_board("", &moved).await;
    for side in ["free_peoples", "shadow", "table"] {
        decide(&server, side, "policy", None, None).await;
    }
    let rolled = loop {
        let line = client.client.line().await;
        assert!(!line.starts_with("ERROR"), "{line}");
        client.carry_out(&line).await;
        if line.starts_with("$FSM rolls 99") || line.starts_with("$FSM rolls 100") {
            break line;
        }
        if line.starts_with("$FSM rolls ") {
            assert!(line.starts_with("$FSM rolls 210 211 212 213 as "), "{line}");
        }
    };
    let in_the_box = (99..=105).filter(|die| client.board[die] == 114).count();
    let dice = rolled.split(' ').skip(2).take_while(|word| *word != "as").count();
    assert_eq!((dice + in_the_box, 1 <= in_the_box), (7, true), "{rolled}: a die that came back demands an answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_buttons_gets_through_a_turn_by_moving_pieces_alone() {
    let (server, mut client) = at_a_board("", &[]).await;
    decide(&server, "shadow", "policy", Some("middle"), None).await;
    for side in ["free_peoples", "table"] {
        decide(&server, side, "autopilot", None, Some(1)).await;
    }
    let mut turns = 0;
    while turns < 2 {
        let line = client.client.line().await;
        assert!(!line.starts_with("ERROR"), "{line}");
        client.carry_out(&line).await;
        turns += usize::from(line == "<state> TURN_START");
        if line == "<state> PHASE_5_FP_ACTION" {
            let die = (210..=213).find(|die| client.board[die] == 178);
            if let Some(die) = die {
                client.put(die, 152).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_model_is_silent_the_opponent_answers_in_its_place() {
    let (server, mut client) = at_a_board("", &[]).await;
    decide(&server, "table", "policy", None, None).await;
    decide(&server, "free_peoples", "model", None, Some(1)).await;
    client.client.until(|line| line == "<state> PHASE_3_HUNT_ALLOCATION_START").await;
}
