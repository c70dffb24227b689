//! Whole games of people without an opponent, over the real port to each of the four ends: on our own definition, and on
//! the players'. The client carries out what it is told, and moves by hand what is its people's to move.

use crate::{
    harness::{Server, states},
    opponent::{Obedient, at_a_board},
};

/// Most things that are said in a game; one that takes more has no end.
const MAX_SAID: usize = 400;
const PLAYERS: &str = include_str!("../../../fsm/tests/players-twin.yaml");

/// Where pieces lie that count.
const CURRENT_ACTION: i64 = 152;
const FREE_POOL: i64 = 178;
const SHADOW_POOL: i64 = 179;

/// A game of people: what they are out for.
struct Game {
    player: Obedient,
    _server: Server,
    /// Whether the Fellowship is moved by every die of the Free Peoples.
    walks: bool,
    /// Dice that the Shadow lays into the Hunt Box each turn.
    hunts: usize,
    /// Companions who fall for the Ring-bearer, with their Levels.
    guards: Vec<(&'static str, i64)>,
    state: String,
    said: usize,
}

impl Game {
    async fn begin(machine: &str, moved: &[(i64, i64)], walks: bool, hunts: usize) -> Game {
        let (server, player) = at_a_board(machine, moved).await;
        let (state, guards) = ("SETUP_GAME_OPTIONS".to_owned(), Vec::new());
        let mut game = Game { player, _server: server, walks, hunts, guards, state, said: 0 };
        game.say("EVENT:GAME_OPTIONS_CONFIRMED").await;
        game
    }

    /// Says a line, and carries out all that comes of it.
    async fn say(&mut self, line: &str) {
        self.said += 1;
        assert!(
            self.said < MAX_SAID,
            "no end in {}: {:?}",
            self.state,
            self.player.heard.iter().rev().take(30).collect::<Vec<_>>()
        );
        let mut lines = self.player.client.answers(line).await;
        while !lines.is_empty() {
            for line in &lines {
                assert!(
                    !line.starts_with("ERROR"),
                    "{line} after {:?}",
                    self.player.heard.iter().rev().take(20).collect::<Vec<_>>()
                );
                self.player.carry_out(line).await;
            }
            if let Some(state) = states(&lines).last() {
                (*state).clone_into(&mut self.state);
            }
            self.player.heard.append(&mut lines);
            // What was moved is answered by whatever came of it.
            lines = self.player.client.answers("").await;
        }
    }

    /// Moves a piece by hand.
    async fn drag(&mut self, piece: i64, to: i64) {
        self.player.put(piece, to).await;
        self.say("").await;
    }

    fn die_in(&self, pool: i64) -> Option<i64> {
        let dice = if pool == FREE_POOL { [210..=213, 358..=359] } else { [99..=105, 360..=362] };
        dice.into_iter().flatten().find(|die| self.player.board[die] == pool)
    }

    /// What people say where nothing special is to be done.
    async fn go_on(&mut self) {
        // The counter is turned over when the Fellowship is revealed, and again when it hides.
        let turns = self.player.heard.iter().filter(|line| line.starts_with("$FSM flips 248")).count();
        let is_revealed = turns % 2 == 1;
        match self.state.clone().as_str() {
            "PHASE_1_FP_DISCARD_CHECK" => self.discard(180, 175, "FP_DISCARDS_DONE").await,
            "PHASE_1_SP_DISCARD_CHECK" => self.discard(181, 177, "SP_DISCARDS_DONE").await,
            "PHASE_2_FELLOWSHIP_START" if [86, 91].contains(&self.player.board[&247]) => {
                self.say(r#"EVENT:FP_DECLARE_FELLOWSHIP {"area": 188}"#).await;
            }
            "PHASE_2_FELLOWSHIP_START" => self.say("EVENT:FP_FELLOWSHIP_DECISIONS_READY").await,
            "PHASE_3_HUNT_ALLOCATION_START" => {
                let told = format!(r#"EVENT:SP_HUNT_ALLOCATION_DONE {{"dice": {}}}"#, self.hunts);
                self.say(if self.hunts == 0 { "EVENT:SP_HUNT_ALLOCATION_DONE" } else { &told }).await;
            }
            "PHASE_5_FP_ACTION" => match self.die_in(FREE_POOL) {
                Some(die) => self.drag(die, CURRENT_ACTION).await,
                None => self.say("EVENT:FP_PASSES").await,
            },
            "PHASE_5_SP_ACTION" => match self.die_in(SHADOW_POOL) {
                Some(die) => self.drag(die, CURRENT_ACTION).await,
                None => self.say("EVENT:SP_PASSES").await,
            },
            "PHASE_5_FP_DIE_SELECTED" if self.walks && is_revealed => {
                self.say(r#"EVENT:ACTION_SELECTED {"action": "hide_fellowship"}"#).await;
            }
            "PHASE_5_FP_DIE_SELECTED" if self.walks => {
                self.say(r#"EVENT:ACTION_SELECTED {"action": "move_fellowship"}"#).await;
            }
            "PHASE_5_FP_DIE_SELECTED" | "PHASE_5_SP_DIE_SELECTED" => self.say("EVENT:ACTION_SELECTED").await,
            "PHASE_5_END" => self.say("EVENT:FELLOWSHIP_PLACED").await,
            "HUNT_ASSIGN_DAMAGE" if self.guards.is_empty() => self.say("EVENT:FP_HUNT_DAMAGE_ASSIGNED").await,
            "HUNT_ASSIGN_DAMAGE" => {
                let (companion, level) = self.guards.remove(0);
                let told =
                    self.player.heard.iter().rev().find_map(|line| line.strip_prefix("<auto> 🩸 Free Peoples: "));
                let damage: i64 = told.unwrap().split(' ').next().unwrap().parse().unwrap();
                let absorbed = damage.min(level);
                let told =
                    format!(r#"EVENT:FP_HUNT_DAMAGE_ASSIGNED {{"absorbed": {absorbed}, "casualty": "{companion}"}}"#);
                self.say(&told).await;
            }
            other => panic!("nobody knows what to say in {other}"),
        }
    }

    /// Cuts a hand to its limit, and says so.
    async fn discard(&mut self, hand: i64, to: i64, done: &str) {
        let cards: Vec<i64> =
            self.player.board.iter().filter(|(_, area)| **area == hand).map(|(card, _)| *card).collect();
        for card in cards.into_iter().skip(6) {
            self.drag(card, to).await;
        }
        // Where the hand is seen to be in order the game has gone on already.
        if self.state.ends_with("DISCARD_CHECK") {
            self.say(&format!("EVENT:{done}")).await;
        }
    }

    async fn until(&mut self, state: &str) {
        while self.state != state && !self.state.starts_with("GAME_END_") {
            self.go_on().await;
        }
    }

    async fn end(mut self) -> (String, String) {
        self.until("GAME_END_").await;
        let last = self.player.heard.iter().rev().find(|line| line.starts_with("<auto> ")).cloned();
        (self.state.clone(), last.unwrap_or_default())
    }
}

/// The Hunt finds the Ring-bearer again and again.
async fn hunted(machine: &str) -> String {
    Game::begin(machine, &[(252, 140)], true, 7).await.end().await.0
}

/// From the gate of Mordor to the Cracks of Doom, with nobody who hunts.
async fn to_the_fire(machine: &str) -> String {
    let mut game = Game::begin(machine, &[(247, 91)], true, 0).await;
    game.guards = vec![("Gandalf the Grey", 3), ("Strider", 3), ("Legolas", 2), ("Gimli", 2), ("Boromir", 2)];
    let (end, told) = game.end().await;
    assert!(!told.is_empty());
    end
}

/// The Shadow attacks Pelargir, beats its only defender, takes it, and has its tenth point.
async fn pelargir_falls(machine: &str) -> String {
    let orcs = [16, 17, 18, 19, 20].map(|orc| (orc, 52));
    let moved = [&orcs[..], &[(262, 120), (423, 172)]].concat();
    let mut game = Game::begin(machine, &moved, false, 0).await;
    game.until("PHASE_5_SP_DIE_SELECTED").await;
    for orc in 16..=20 {
        game.player.put(orc, 48).await;
    }
    game.say(r#"EVENT:ACTION_SELECTED {"action": "attack", "region": 48}"#).await;
    while game.state.starts_with("COMBAT_") {
        match game.state.clone().as_str() {
            "COMBAT_CARD_SELECTION" => game.say("EVENT:COMBAT_BOTH_CARDS_LOCKED").await,
            "COMBAT_ASSIGN_HITS" => {
                let has_hit = |who: &str| {
                    let rolled = game.player.heard.iter().rev().find(|line| line.starts_with(who));
                    !rolled.unwrap().ends_with(": 0 hits.")
                };
                let (attack, defence) = (has_hit("<auto> 🎲 Attack on"), has_hit("<auto> 🎲 Defence on"));
                if attack {
                    game.drag(78, 175).await;
                }
                // The one who defends hits once at the most.
                let orc = (16..=20).find(|orc| game.player.board[orc] == 48).filter(|_| defence);
                if let Some(orc) = orc {
                    game.drag(orc, 177).await;
                }
                game.say("EVENT:BOTH_SIDES_ASSIGNED_HITS").await;
            }
            "COMBAT_RETREAT_DECISIONS" if game.player.board[&78] == 175 => game.say("EVENT:COMBAT_BATTLE_OVER").await,
            "COMBAT_RETREAT_DECISIONS" => game.say("EVENT:COMBAT_CONTINUES_NEXT_ROUND").await,
            other => panic!("nobody knows what to say in {other}"),
        }
    }
    // Lossarnach, where they stand in the beginning, has had the first marker.
    assert_eq!(
        [game.player.board[&412], game.player.board[&423]],
        [48, 173],
        "marker and points are the server's to move"
    );
    game.end().await.0
}

/// The Elite of the North walks into Angmar, which nobody holds, and has the fourth point.
async fn angmar_falls(machine: &str) -> String {
    let mut game = Game::begin(machine, &[(67, 17), (422, 166)], false, 0).await;
    game.until("PHASE_5_FP_DIE_SELECTED").await;
    game.drag(67, 14).await;
    game.say(r#"EVENT:ACTION_SELECTED {"action": "move_armies"}"#).await;
    game.end().await.0
}

async fn four_ends(machine: &str) -> [String; 4] {
    [hunted(machine).await, to_the_fire(machine).await, pelargir_falls(machine).await, angmar_falls(machine).await]
}

const ENDS: [&str; 4] =
    ["GAME_END_SHADOW_RING", "GAME_END_FP_RING", "GAME_END_SHADOW_MILITARY", "GAME_END_FP_MILITARY"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_play_our_definition_to_each_of_its_four_ends() {
    assert_eq!(four_ends("").await, ENDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_play_the_players_definition_to_each_of_its_four_ends() {
    assert_eq!(four_ends(PLAYERS).await, ENDS);
}
