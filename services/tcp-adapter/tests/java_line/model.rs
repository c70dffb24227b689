//! Our definition played over the real port until every state was entered and every transition taken, whichever way the
//! facts must stand for it. What may follow on what is read from the definition itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{Client, Server, states, valid_events};

const DEFINITION: &str = include_str!("../../../fsm/machines/war-of-the-ring.yaml");

/// What cannot be reached where the server rolls: there the Hunt does not wait between its roll and its tile, so that no
/// client can tell of corruption meanwhile.
const WHERE_THE_CLIENT_ROLLS: (&str, &str, &str) = ("HUNT_APPLY_TILE", "AUTO", "GAME_END_SHADOW_RING");
/// Steps after which a game is left for a new one.
const STEPS_OF_A_GAME: usize = 60;

/// What an event may bring with it, so that a guard holds.
fn worlds() -> Vec<Value> {
    let facts = |facts: Value| json!({"facts": facts});
    let quiet = json!({
        "corruption": 0, "fellowship_area": 27, "combat_flag": false, "fellowship_moved_flag": false, "shadow_vp": 0,
        "fp_vp": 0, "fp_hand_size": 4, "sp_hand_size": 4, "fp_pool": [210, 211], "sp_pool": [99, 100], "dice_spent": [],
        "fellowship_revealed": false, "hunt_level": 0, "combat_type": "", "fp_rings": 3, "sp_rings": 1,
        "fp_ring_used": false, "sp_ring_used": false, "guide": "Gandalf the Grey", "hunt_box_dice": [],
        "revealed_pending": false, "ringbearer_healed": false, "fp_discards_confirmed": false, "sp_discards_confirmed": false,
    });
    let with = |more: Value| {
        let mut all = quiet.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        facts(all)
    };
    vec![
        facts(quiet.clone()),
        with(json!({"corruption": 12})),
        with(json!({"fellowship_area": 193})),
        with(json!({"fp_hand_size": 9})),
        with(json!({"sp_hand_size": 9})),
        with(json!({"combat_flag": true})),
        with(json!({"combat_flag": true, "combat_type": "SIEGE"})),
        with(json!({"fellowship_moved_flag": true, "hunt_level": 0})),
        with(json!({"fellowship_moved_flag": true, "fellowship_area": 188, "hunt_pool": [227]})),
        with(json!({"fellowship_moved_flag": true, "fellowship_area": 188, "hunt_pool": [214]})),
        with(json!({"fellowship_moved_flag": true, "fellowship_area": 188, "hunt_pool": [227], "corruption": 11})),
        with(json!({"shadow_vp": 10})),
        with(json!({"fp_vp": 4})),
        with(json!({"fp_pool": []})),
        with(json!({"sp_pool": []})),
        with(json!({"fp_pool": [], "sp_pool": []})),
        with(json!({"fellowship_declared": true, "fellowship_area": 37, "corruption": 3, "active_nations": []})),
        with(json!({"fellowship_moved_flag": true, "hunt_rolled": false})),
        with(json!({"sp_pool": [], "fp_passed_flag": false})),
        with(json!({"fp_pool": [], "sp_passed_flag": false})),
        with(json!({"selected_face": "will_of_the_west"})),
        with(json!({"stronghold_tiles": 1})),
        with(json!({"revealed_pending": true, "revealed_from": 27, "fp_pool": [], "sp_pool": []})),
        // A revealed figure that was dragged into Moria, before the last die and after it.
        with(json!({"revealed_pending": true, "revealed_from": 27, "revealed_steps": 6, "fellowship_area": 35})),
        with(json!({
            "revealed_pending": true, "revealed_from": 27, "revealed_steps": 6, "fellowship_area": 35, "fp_pool": [], "sp_pool": [],
        })),
    ]
}

/// What an event itself may tell.
fn tellings(event: &str) -> Vec<Value> {
    match event {
        "SET_PLAYER_COUNT" => vec![json!({"players": 1}), json!({"players": 2}), json!({})],
        "PIECE_MOVED" => vec![
            json!({"piece_id": 210, "from": 178, "to": 152}),
            json!({"piece_id": 99, "from": 179, "to": 152}),
            json!({"facts": {
                "revealed_pending": true, "revealed_from": 27, "revealed_steps": 6, "fellowship_area": 35,
            }}),
            json!({}),
        ],
        "DIE_SELECTED" => vec![json!({"die": 1})],
        "CHANGE_DIE_FACE" => vec![json!({"face": "event"})],
        "USE_ELVEN_RING" => vec![json!({"face": "event"}), json!({"face": "eye"})],
        // A figure that was revealed in Moria and stays there.
        "FELLOWSHIP_PLACED" => vec![json!({"facts": {
            "revealed_pending": true, "revealed_from": 35, "revealed_steps": 0, "fellowship_area": 35,
        }})],
        // A battle before Minas Tirith.
        "COMBAT_BATTLE_OVER" => vec![
            json!({}),
            json!({"facts": {
                "combat_type": "FIELD", "combat_region": 74, "last_actor": "SP", "fp_units": {"74": 2}, "sp_units": {"74": 3},
            }}),
        ],
        // The Guide falls, and a Hobbit guides who may leave at once.
        "FP_HUNT_DAMAGE_ASSIGNED" => vec![
            json!({}),
            json!({"casualty": "Gandalf the Grey", "facts": {
                "companions": ["Gandalf the Grey", "Pippin"], "hunt_damage_to_assign": 5, "fellowship_area": 27,
            }}),
        ],
        "DICE_ROLLED" => vec![json!({"results": [6, 6]}), json!({"results": [2]})],
        "GUIDE_SELECTED" => vec![json!({"guide": "Strider"})],
        _ => vec![json!({})],
    }
}

/// What a state may accept though it does not say so beforehand.
fn unannounced(state: &str) -> &'static [&'static str] {
    match state {
        "COMBAT_CARD_SELECTION" => &["PIECE_MOVED", "COMBAT_BATTLE_OVER"],
        "PHASE_5_FP_ACTION" => &["PIECE_MOVED", "FELLOWSHIP_PLACED", "FP_PASSES"],
        "PHASE_5_SP_ACTION" => &["PIECE_MOVED", "FELLOWSHIP_PLACED", "SP_PASSES"],
        _ => &["PIECE_MOVED"],
    }
}

/// The transitions of the definition: state, event, target. An event of the machine's own counts as automatic. A sub-machine's return leads to where it was called from.
fn transitions() -> BTreeSet<(String, String, String)> {
    let definition: Value = serde_norway::from_str(DEFINITION).unwrap();
    let mut all = BTreeSet::new();
    for module in definition["modules"].as_array().unwrap() {
        let phases = module["phases"].as_array().into_iter().flatten().chain([module]);
        for state in phases.flat_map(|group| group["states"].as_array().into_iter().flatten()) {
            for way in state["transitions"].as_array().into_iter().flatten() {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let target = match text(&way["target"]).as_str() {
                    "RETURN" => "PHASE_5_DETERMINE_NEXT_ACTOR".to_owned(),
                    target => target.to_owned(),
                };
                let event = text(&way["event"]);
                let event = if event == "STRONGHOLD_TILE_DUE" { "AUTO".to_owned() } else { event };
                all.insert((text(&state["id"]), event, target));
            }
        }
    }
    all
}

/// A player who takes what nobody has tried yet.
struct Walk {
    client: Client,
    game: usize,
    state: String,
    valid: Vec<String>,
    tried: BTreeMap<(String, String), usize>,
    wanted: BTreeSet<(String, String, String)>,
    taken: BTreeSet<(String, String, String)>,
}

impl Walk {
    async fn new_game(&mut self) {
        self.game += 1;
        let lines = self.client.answers(&format!("GAME walk-{}", self.game)).await;
        self.look(&lines);
    }

    fn look(&mut self, lines: &[String]) {
        if let Some(last) = states(lines).last() {
            self.state = (*last).to_owned();
        }
        if lines.iter().any(|line| line.starts_with("<valid_events>")) {
            self.valid = valid_events(lines).into_iter().map(str::to_owned).collect();
        }
    }

    /// The event that was tried least often here, with the world it is tried in next.
    fn next(&mut self) -> Option<(String, Value)> {
        // A piece may be moved in every state, announced or not.
        let more = unannounced(&self.state);
        let announced = self.valid.iter().map(String::as_str);
        let announced = announced.filter(|event| *event != "PHASE_COMPLETE" && !more.contains(event));
        let is_over = self.valid.is_empty();
        let events = announced.chain(more.iter().copied().filter(|_| !is_over));
        let tried = |event: &str| self.tried.get(&(self.state.clone(), event.to_owned())).copied().unwrap_or(0);
        let event = events.min_by_key(|event| tried(event))?.to_owned();
        let number = tried(&event);
        self.tried.insert((self.state.clone(), event.clone()), number + 1);
        let (worlds, tellings) = (worlds(), tellings(&event));
        let mut data = worlds[number % worlds.len()].clone();
        let telling = tellings[number % tellings.len()].clone();
        data.as_object_mut().unwrap().extend(telling.as_object().unwrap().clone());
        Some((event, data))
    }

    async fn step(&mut self) {
        if self.state == "SETUP_SIDE_ASSIGNMENT" {
            // The host may begin when all are ready and both seats are taken, which only they themselves can say.
            for event in
                ["PLAYER_READY", "ASSIGN_PLAYER_TO_SIDE {\"side\": \"fp\"}", "ASSIGN_PLAYER_TO_SIDE {\"side\": \"sp\"}"]
            {
                let lines = self.client.answers(&format!("EVENT:{event}")).await;
                self.look(&lines);
            }
        }
        let Some((event, data)) = self.next() else { return self.new_game().await };
        let before = self.state.clone();
        let lines = self.client.answers(&format!("EVENT:{event} {data}")).await;
        let mut from = before;
        for (index, to) in states(&lines).into_iter().enumerate() {
            // An event that is only recorded may be what an automatic transition has waited for.
            let by_event = (from.clone(), event.clone(), to.to_owned());
            let is_auto = 0 < index || !self.wanted.contains(&by_event);
            let by = if is_auto { "AUTO".to_owned() } else { event.clone() };
            self.taken.insert((from, by, to.to_owned()));
            from = to.to_owned();
        }
        self.look(&lines);
    }
}

/// Plays on a server until nothing is left to take, or for so many steps; `taken` is what was taken before, and then also
/// now.
async fn walk(
    fsm_args: &[&str],
    steps: usize,
    wanted: &BTreeSet<(String, String, String)>,
    taken: &mut BTreeSet<(String, String, String)>,
) {
    let server = Server::with(fsm_args).await;
    let client = server.client().await;
    let mut walk = Walk {
        client,
        game: 0,
        state: String::new(),
        valid: Vec::new(),
        tried: BTreeMap::new(),
        wanted: wanted.clone(),
        taken: std::mem::take(taken),
    };
    walk.new_game().await;
    for step in 1..=steps {
        // A game that has seen a few turns leaves others to be tried from the beginning.
        if step % STEPS_OF_A_GAME == 0 {
            if walk.wanted.is_subset(&walk.taken) {
                break;
            }
            walk.new_game().await;
        }
        walk.step().await;
    }
    *taken = walk.taken;
}

#[tokio::test]
async fn every_state_is_entered_and_every_transition_taken_over_the_port() {
    let steps = if std::env::var_os("DICETOWER_DEEP").is_some() { 60_000 } else { 4_000 };
    let wanted = transitions();
    let mut taken = BTreeSet::new();
    let (from, by, to) = WHERE_THE_CLIENT_ROLLS;
    let only_there = (from.to_owned(), by.to_owned(), to.to_owned());
    let elsewhere = wanted.iter().filter(|way| **way != only_there).cloned().collect();
    walk(&[], steps, &elsewhere, &mut taken).await;
    walk(&["--strict"], steps, &wanted, &mut taken).await;

    let missed: Vec<_> = wanted.difference(&taken).collect();
    assert!(missed.is_empty(), "{} of {} transitions were never taken: {missed:#?}", missed.len(), wanted.len());
    let states: BTreeSet<&str> = wanted.iter().flat_map(|(from, _, to)| [from.as_str(), to.as_str()]).collect();
    let entered: BTreeSet<&str> = taken.iter().flat_map(|(from, _, to)| [from.as_str(), to.as_str()]).collect();
    assert_eq!(entered, states, "{} states", states.len());
    // What was taken is in the definition: nothing happens that it does not say.
    let known: BTreeSet<(&str, &str)> = wanted.iter().map(|(from, _, to)| (from.as_str(), to.as_str())).collect();
    let unknown: Vec<_> = taken.iter().filter(|(from, _, to)| !known.contains(&(from.as_str(), to.as_str()))).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}
