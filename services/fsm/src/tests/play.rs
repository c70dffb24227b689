//! Games played through the pure core: events in, lines out, with a board and rolls given.

use serde_json::{Map, Value, json};

use super::definitions::{built_in, twin};
use crate::{
    board::{Figures, Source},
    definition::{Machine, Verb},
    machine::{self, Audience, Event, Game, Order, OutputKind, Reaction, Refusal, Roll, Rolled, Stop},
};

/// A game at a table of one host.
pub(super) struct Table {
    pub(super) machine: Machine,
    pub(super) game: Game,
    pub(super) board: Figures,
    pub(super) assist: bool,
    is_host: bool,
    /// What the dice are to show, taken from the front; where it is empty they show the same every time.
    pub(super) chance: Vec<Value>,
    /// Every event with the board and rolls it had, for the replay.
    log: Vec<(Event, Vec<Rolled>, Reaction)>,
}

impl Table {
    fn new(machine: Machine) -> Table {
        let board = Figures::none();
        let game = machine::begin(&machine, Some(&board), &[], true, 0).unwrap();
        Table { machine, game, board, assist: true, is_host: true, chance: Vec::new(), log: Vec::new() }
    }

    pub(super) fn ours() -> Table {
        Table::new(built_in("war-of-the-ring"))
    }

    /// With a database that has these figures.
    pub(super) fn with_board(mut self, figures: Value) -> Table {
        self.board = Figures { source: Source::Client, values: figures.as_object().unwrap().clone() };
        self
    }

    pub(super) fn strict(mut self) -> Table {
        self.assist = false;
        self
    }

    pub(super) fn try_send(&mut self, event: &str, data: Value) -> Result<Reaction, Refusal> {
        let event = self.event(event, data, None);
        self.react(event)
    }

    /// Brings about what the service itself does.
    pub(super) fn order(&mut self, name: &str, order: Option<Order>) -> Result<(), Refusal> {
        let event = self.event(name, json!({}), order);
        self.react(event).map(drop)
    }

    fn event(&self, event: &str, data: Value, order: Option<Order>) -> Event {
        Event {
            name: event.to_owned(),
            data: data.as_object().unwrap().clone(),
            sender: "somebody".to_owned(),
            is_host: self.is_host,
            players: vec!["somebody".to_owned()],
            assist: self.assist,
            at: 0,
            remarks: Vec::new(),
            order,
        }
    }

    fn react(&mut self, event: Event) -> Result<Reaction, Refusal> {
        let mut rolls = Vec::new();
        loop {
            match machine::react(&self.machine, &self.game, &event, Some(&self.board), &rolls) {
                Ok(reaction) => {
                    self.game = reaction.game.clone();
                    self.log.push((event, rolls, reaction.clone()));
                    return Ok(reaction);
                }
                Err(Stop::Refused(refusal)) => return Err(refusal),
                Err(Stop::Board) => unreachable!("it is given"),
                Err(Stop::Roll(roll)) => {
                    let result = if self.chance.is_empty() { even(&roll) } else { self.chance.remove(0) };
                    rolls.push(Rolled { id: format!("roll-{}", rolls.len()), roll, result });
                }
            }
        }
    }

    #[track_caller]
    pub(super) fn send_with(&mut self, event: &str, data: Value) -> Reaction {
        self.try_send(event, data).unwrap_or_else(|refusal| panic!("{event} in {}: {refusal:?}", self.game.state))
    }

    #[track_caller]
    pub(super) fn send(&mut self, event: &str) -> Reaction {
        self.send_with(event, json!({}))
    }

    #[track_caller]
    pub(super) fn refused(&mut self, event: &str, data: Value) -> Refusal {
        self.try_send(event, data).expect_err(event)
    }

    #[track_caller]
    pub(super) fn rests_in(&self, state: &str) {
        assert_eq!(self.game.state, state);
    }

    pub(super) fn variable(&self, name: &str) -> Value {
        self.game.variables[name].clone()
    }

    /// Up to the Free Peoples' first action, nothing allocated to the Hunt.
    #[track_caller]
    pub(super) fn play_to_first_action(&mut self) {
        self.send("GAME_OPTIONS_CONFIRMED");
        self.rests_in("PHASE_2_FELLOWSHIP_START");
        self.send("FP_FELLOWSHIP_DECISIONS_READY");
        self.send("SP_HUNT_ALLOCATION_DONE");
        self.rests_in("PHASE_5_FP_ACTION");
    }

    /// Both sides pass until the turn is over.
    #[track_caller]
    pub(super) fn pass_the_turn(&mut self) {
        self.send("FP_PASSES");
        self.send("SP_PASSES");
    }
}

/// Dice that hit nothing and please nobody.
pub(super) fn even(roll: &Roll) -> Value {
    match roll {
        Roll::ActionDice { count, .. } => vec!["event"; *count as usize].into(),
        Roll::Hunt { level, .. } => json!({"rolls": vec![2; (*level).min(5) as usize], "rerolled": [], "successes": 0}),
        Roll::Combat { count, .. } => json!({"rolls": vec![2; *count as usize], "rerolled": [], "successes": 0}),
        Roll::Pick { .. } => json!(1),
    }
}

/// The lines of a reaction as the adapter writes them for the host.
pub(super) fn lines(reaction: &Reaction) -> Vec<String> {
    let heard = reaction.outputs.iter().filter(|output| output.audience != Audience::Clients);
    heard
        .map(|output| match &output.kind {
            OutputKind::State(state) => format!("<state> {state}"),
            OutputKind::Text(text) if text.is_empty() => "<auto>".to_owned(),
            OutputKind::Text(text) => format!("<auto> {text}"),
            OutputKind::Shown(text) => format!("<fsm> {text}"),
            OutputKind::Command(line) | OutputKind::Record(line) => line.clone(),
            OutputKind::ValidEvents(events) => format!("<valid_events> {}", events.join(",")),
        })
        .collect()
}

fn states(reaction: &Reaction) -> Vec<&str> {
    reaction.moves.iter().map(|step| step.to.as_str()).collect()
}

fn commands(reaction: &Reaction) -> Vec<String> {
    let command = |output: &machine::Output| match &output.kind {
        OutputKind::Command(line) | OutputKind::Record(line) => Some(line.clone()),
        _ => None,
    };
    reaction.outputs.iter().filter_map(command).collect()
}

fn texts(reaction: &Reaction) -> Vec<String> {
    let text = |output: &machine::Output| match &output.kind {
        OutputKind::Text(text) => Some(text.clone()),
        _ => None,
    };
    reaction.outputs.iter().filter_map(text).collect()
}

fn valid_events(reaction: &Reaction) -> Vec<String> {
    let events = |output: &machine::Output| match &output.kind {
        OutputKind::ValidEvents(events) if output.audience != Audience::Clients => Some(events.clone()),
        _ => None,
    };
    reaction.outputs.iter().find_map(events).unwrap_or_default()
}

// ---- the beginning, and the phases

#[test]
fn options_confirmed_leads_through_phase_1_to_phase_2_in_one_reaction() {
    let mut table = Table::ours();
    let reaction = table.send("GAME_OPTIONS_CONFIRMED");

    table.rests_in("PHASE_2_FELLOWSHIP_START");
    let first = states(&reaction);
    assert_eq!(
        (first[0], first[8], first[9]),
        ("PROMPT_GAME_INITIALIZATION", "TURN_START", "PHASE_1_RECOVER_AND_DRAW")
    );
    let client: Vec<_> = commands(&reaction).into_iter().filter(|line| !line.starts_with('<')).collect();
    assert_eq!(client, ["Ctrl+9", "Ctrl+0", "F7", "F8", "F11", "F12"]);
}

#[test]
fn each_state_is_told_before_its_lines_and_they_before_its_commands() {
    let mut table = Table::ours();
    let reaction = table.send("GAME_OPTIONS_CONFIRMED");
    let lines = lines(&reaction);
    let place = |wanted: &str| lines.iter().position(|line| line == wanted).unwrap_or_else(|| panic!("{wanted}"));

    let state = place("<state> PHASE_1_RECOVER_AND_DRAW");
    let title = place("<auto> 🌅 Turn 1 — PHASE 1: recover dice, draw cards");
    let shown = place("<fsm> 🌅 Turn 1 — PHASE 1: recover dice, draw cards");
    assert!(
        state < title
            && title < shown
            && shown < place("Ctrl+9")
            && place("Ctrl+9") < place("<state> PHASE_1_FP_DISCARD_CHECK")
    );
    assert_eq!(lines.iter().filter(|line| line.starts_with("<valid_events>")).count(), 1);
    assert!(lines.last().unwrap().starts_with("<valid_events> FP_DECLARE_FELLOWSHIP"));
}

#[test]
fn a_resting_states_own_commands_come_after_the_valid_events() {
    let mut table = Table::new(built_in("document"));
    assert_eq!(
        lines(&table.send("START_GAME")),
        ["<state> FP_ACTION_ROLL", "<valid_events> READY_TO_ROLL", "FSM_ROLL_FP_DICE"]
    );
    assert_eq!(lines(&table.send("READY_TO_ROLL")), ["<valid_events> READY_TO_ROLL"]);
    assert_eq!(
        lines(&table.send_with("DICE_ROLLED", json!({"results": ["Army", "Character"]}))),
        ["<state> FP_ACTION_RESOLUTION", "<valid_events> EXECUTE_ACTION_1,EXECUTE_ACTION_2"]
    );
    assert_eq!(
        lines(&table.send("EXECUTE_ACTION_1")),
        ["<state> FP_ACTION_RESOLUTION", "<valid_events> EXECUTE_ACTION_1,EXECUTE_ACTION_2", "FSM_EXECUTE_ACTION 1"]
    );
    table.send("ACTION_COMPLETE");
    table.send("SKIP_PHASE");
    table.rests_in("FP_ACTION_ROLL");
}

#[test]
fn menus_show_the_databases_figures() {
    let board = json!({
        "FP_HAND_SIZE": 4, "SP_HAND_SIZE": 5, "FELLOWSHIP_AREA": 37, "FELLOWSHIP_PROGRESS": 3, "FELLOWSHIP_REVEALED": true,
        "CORRUPTION": 4, "HUNT_LEVEL": 2, "EYE_DICE": 1, "FP_POOL": [210, 211, 212], "SP_POOL": [102, 103, 104, 105],
        "FP_VP": 1, "SHADOW_VP": 3, "DICE_IN_CURRENT_ACTION": [],
    });
    let mut table = Table::ours().with_board(board);
    let mut said = texts(&table.send("GAME_OPTIONS_CONFIRMED"));
    said.extend(texts(&table.send("FP_FELLOWSHIP_DECISIONS_READY")));
    said.extend(texts(&table.send("SP_HUNT_ALLOCATION_DONE")));
    table.send("FP_PASSES");
    said.extend(texts(&table.send("SP_PASSES")));

    for line in [
        "✅ FREE PEOPLES: hand 4/6",
        "✅ SHADOW: hand 5/6",
        "📍 Location: Lorien (progress 3)",
        "👁️ Status: 🌝 Revealed",
        "💍 Corruption: 4/12",
        "👁️ Eyes rolled: 1",
        "📦 Dice in the Hunt Box: 2",
        "🟦 Free Peoples dice: 3",
        "🟥 Shadow dice: 4",
        "🟥 Shadow: 3/10 points",
        "🟦 Free Peoples: 1/4 points",
    ] {
        assert!(said.iter().any(|text| text == line), "{line} is not in {said:#?}");
    }
    assert!(!said.iter().any(|text| text.contains("No client database")));
}

#[test]
fn the_menu_of_phase_1_has_seventeen_lines_and_two_more_over_the_limit() {
    let menu = |sp_hand: i64| {
        let board = json!({"FP_HAND_SIZE": 4, "SP_HAND_SIZE": sp_hand, "DB_TURN": 1});
        let reaction = Table::ours().with_board(board).send("GAME_OPTIONS_CONFIRMED");
        let texts = texts(&reaction);
        let rulers: Vec<usize> = texts
            .iter()
            .enumerate()
            .filter(|(_, text)| **text == crate::text::ruler())
            .map(|(index, _)| index)
            .collect();
        texts[rulers[0]..=rulers[2]].to_vec()
    };
    assert_eq!(menu(6).len(), 17);
    let over = menu(7);
    assert_eq!(over.len(), 19);
    assert_eq!(over[5], "⚠️ SHADOW: hand 7/6 - DISCARD REQUIRED");
}

#[test]
fn a_hand_over_the_limit_waits_for_its_discards() {
    let mut table = Table::ours().with_board(json!({"FP_HAND_SIZE": 7, "SP_HAND_SIZE": 8}));
    assert_eq!(valid_events(&table.send("GAME_OPTIONS_CONFIRMED")), ["FP_DISCARDS_DONE", "PHASE_COMPLETE"]);
    table.rests_in("PHASE_1_FP_DISCARD_CHECK");
    table.send("PHASE_COMPLETE");
    table.rests_in("PHASE_1_SP_DISCARD_CHECK");

    // The client's own moves are enough: the hand is seen to be in order.
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored);
    table.board.values.insert("SP_HAND_SIZE".to_owned(), json!(6));
    table.send("PIECE_MOVED");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn a_hand_that_the_draw_makes_too_large_is_cut_before_phase_2_goes_on() {
    let mut table = Table::ours().with_board(json!({"FP_HAND_SIZE": 6, "SP_HAND_SIZE": 4}));
    table.send("GAME_OPTIONS_CONFIRMED");
    table.board.values.insert("FP_HAND_SIZE".to_owned(), json!(8));
    table.send("PIECE_MOVED");
    table.rests_in("PHASE_1_FP_DISCARD_CHECK");
    table.send("FP_DISCARDS_DONE");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored, "the discards were confirmed");
}

#[test]
fn the_fellowship_phase_offers_what_is_possible() {
    let board = json!({"FELLOWSHIP_AREA": 74, "CORRUPTION": 2, "FELLOWSHIP_REVEALED": false, "CONQUERED_REGIONS": []});
    let mut table = Table::ours().with_board(board);
    let events = valid_events(&table.send("GAME_OPTIONS_CONFIRMED"));
    assert_eq!(events, ["FP_DECLARE_FELLOWSHIP", "FP_CHANGE_GUIDE", "FP_FELLOWSHIP_DECISIONS_READY", "PHASE_COMPLETE"]);
    assert_eq!(table.refused("FP_HEAL_RINGBEARER", json!({})), Refusal::Transition, "not declared yet");

    let events = valid_events(&table.send("FP_DECLARE_FELLOWSHIP"));
    assert!(events.starts_with(&[
        "FP_DECLARE_FELLOWSHIP".to_owned(),
        "FP_HEAL_RINGBEARER".to_owned(),
        "FP_ACTIVATE_NATION".to_owned()
    ]));
    table.send("FP_HEAL_RINGBEARER");
    assert_eq!(table.refused("FP_HEAL_RINGBEARER", json!({})), Refusal::Transition, "once for each declaration");
    let said = texts(&table.send("FP_ACTIVATE_NATION"));
    assert!(said.contains(&"⚔️ Gondor is active now.".to_owned()), "{said:?}");
    assert_eq!(table.refused("FP_ACTIVATE_NATION", json!({})), Refusal::Transition);
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn a_conquered_city_neither_heals_nor_activates() {
    let board = json!({"FELLOWSHIP_AREA": 74, "CORRUPTION": 2, "CONQUERED_REGIONS": [74]});
    let mut table = Table::ours().with_board(board);
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_DECLARE_FELLOWSHIP");
    assert_eq!(table.refused("FP_HEAL_RINGBEARER", json!({})), Refusal::Transition);
    assert_eq!(table.refused("FP_ACTIVATE_NATION", json!({})), Refusal::Transition);
}

#[test]
fn a_revealed_fellowship_cannot_declare() {
    let mut table = Table::ours().with_board(json!({"FELLOWSHIP_REVEALED": true}));
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.refused("FP_DECLARE_FELLOWSHIP", json!({})), Refusal::Transition);
}

#[test]
fn a_guide_is_chosen_only_after_it_was_said_and_among_the_highest() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.refused("GUIDE_SELECTED", json!({})), Refusal::Transition);
    table.send("FP_CHANGE_GUIDE");
    assert_eq!(table.refused("GUIDE_SELECTED", json!({"guide": "Pippin"})), Refusal::Transition);
    let said = texts(&table.send_with("GUIDE_SELECTED", json!({"guide": "Strider"})));
    assert!(said.contains(&"👤 The Guide is Strider.".to_owned()), "{said:?}");
}

#[test]
fn without_another_companion_of_the_highest_level_the_guide_stays() {
    let board = json!({"COMPANIONS": ["Strider", "Legolas"], "GUIDE": "Strider"});
    let mut table = Table::ours().with_board(board);
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.refused("FP_CHANGE_GUIDE", json!({})), Refusal::Transition);
}

// ---- dice

#[test]
fn dice_are_commanded_once_and_rolled_by_the_server_in_assist() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.chance = vec![
        json!(["will_of_the_west", "character", "event", "muster"]),
        json!(["eye", "army", "eye", "muster", "character", "event", "army_muster"]),
    ];
    let reaction = table.send("SP_HUNT_ALLOCATION_DONE");
    assert_eq!(
        commands(&reaction),
        [
            "FSM_ROLL_FP_DICE",
            "$FSM rolls 210 211 212 213 as 0 1 2 3 ",
            "FSM_ROLL_SP_DICE",
            "$FSM rolls 99 100 101 102 103 104 105 as 15 12 15 10 13 14 11 ",
            "$FSM allocates 99 101 ",
        ]
    );
    assert_eq!(reaction.roll_ids, ["roll-0", "roll-1"]);
    assert_eq!((table.variable("HUNT_LEVEL"), table.variable("EYE_DICE")), (json!(2), json!(2)));
}

#[test]
fn the_dice_of_the_databases_pools_are_rolled() {
    let mut table = Table::ours().with_board(json!({"FP_POOL": [210, 358], "SP_POOL": [105]}));
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    let rolled = commands(&table.send("SP_HUNT_ALLOCATION_DONE"));
    assert!(
        rolled.contains(&"$FSM rolls 210 358 as 2 2 ".to_owned())
            && rolled.contains(&"$FSM rolls 105 as 14 ".to_owned()),
        "{rolled:?}"
    );
}

#[test]
fn strict_rolls_nothing_shows_nothing_twice_and_takes_the_clients_faces() {
    let mut table = Table::ours().strict();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    let reaction = table.send("SP_HUNT_ALLOCATION_DONE");
    assert_eq!(commands(&reaction), ["FSM_ROLL_FP_DICE", "FSM_ROLL_SP_DICE"]);
    assert!(!lines(&reaction).iter().any(|line| line.starts_with("<fsm>")));
    table.send_with("DICE_ROLLED", json!({"results": ["will_of_the_west", "event", "muster", "character"]}));
    let said = texts(&table.send_with("DIE_SELECTED", json!({"die": 1})));
    assert!(said.contains(&"🎲 The Free Peoples: die Will of the West. What is it used for?".to_owned()), "{said:?}");
}

#[test]
fn dice_named_for_the_hunt_are_moved_and_not_rolled() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    let reaction = table.send_with("SHADOW_CONFIRMS_HUNT_ALLOCATION", json!({"dice": 2}));
    assert_eq!(reaction.alias_of, "SP_HUNT_ALLOCATION_DONE");
    let told = commands(&reaction);
    assert_eq!(told[0], "$FSM moves 99 100 from SA Dice to The Hunt For The Ring ");
    assert!(told.contains(&"$FSM rolls 101 102 103 104 105 as 14 14 14 14 14 ".to_owned()), "{told:?}");
}

#[test]
fn dice_on_their_way_to_the_hunt_box_count_until_the_database_has_them_elsewhere() {
    let board = |hunt: i64, pool: Value| json!({"HUNT_LEVEL": hunt, "SP_POOL": pool, "FP_POOL": [210]});
    let mut table = Table::ours().with_board(board(1, json!([100, 101, 102])));
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.chance = vec![json!(["event"]), json!(["eye", "army"])];
    let told = texts(&table.send_with("SP_HUNT_ALLOCATION_DONE", json!({"dice": 1})));
    let counts: Vec<_> = told.iter().filter_map(|line| line.strip_prefix("📦 Dice in the Hunt Box: ")).collect();
    assert_eq!(counts, ["2", "3"], "with the one that was allocated, then with the Eye");
    let hunt_dice = |table: &Table| {
        let view = machine::view(&table.machine, &table.game, &[], Some(&table.board), true).unwrap();
        view.figures["HUNT_DICE"].clone()
    };
    let table = table.with_board(board(3, json!([102])));
    assert_eq!(hunt_dice(&table), 3, "the database has both");
    let table = table.with_board(board(2, json!([102])));
    assert_eq!(hunt_dice(&table), 2, "one was taken out again");
}

#[test]
fn a_hand_to_be_cut_leads_the_older_panel_back_to_phase_1() {
    for hands in [json!({"FP_HAND_SIZE": 8, "SP_HAND_SIZE": 6}), json!({"FP_HAND_SIZE": 6, "SP_HAND_SIZE": 8})] {
        let mut table = Table::ours().with_board(json!({"FP_HAND_SIZE": 6, "SP_HAND_SIZE": 6}));
        table.send("GAME_OPTIONS_CONFIRMED");
        table.rests_in("PHASE_2_FELLOWSHIP_START");
        let mut table = table.with_board(hands);
        let told = texts(&table.send("PIECE_MOVED"));
        assert!(table.game.state.starts_with("PHASE_1_"), "{}", table.game.state);
        assert_eq!(told.iter().rev().find_map(|line| panel_phase(line)), Some(1), "{told:?}");
    }
}

#[test]
fn a_look_at_the_game_tells_the_states_lines_and_changes_nothing() {
    let mut table = Table::ours();
    table.play_to_first_action();
    let view = machine::view(&table.machine, &table.game, &[], Some(&table.board), true).unwrap();
    assert_eq!(
        view.prompt.as_deref(),
        Some("🟦 PHASE 5: the Free Peoples act. Drag a die to the current action, or choose one.")
    );
    assert_eq!(view.menu.len(), 1, "{:?}", view.menu);
    assert!(view.menu[0].starts_with("🎲 Free Peoples: 4 dice left."), "{:?}", view.menu);
}

// ---- actions

#[test]
fn the_actors_alternate_and_a_side_without_dice_is_passed_over() {
    let mut table = Table::ours();
    table.play_to_first_action();
    let mut actors = String::new();
    for _ in 0..11 {
        actors.push(if table.game.state == "PHASE_5_FP_ACTION" { 'F' } else { 'S' });
        table.send("EXECUTE_ACTION_1");
    }
    assert_eq!(actors, "FSFSFSFSSSS");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
    assert_eq!(table.variable("TURN"), 2);
}

#[test]
fn a_die_named_by_number_is_the_one_at_that_place_of_the_pool() {
    let mut table = Table::ours()
        .with_board(json!({"FP_POOL": [210, 211, 212, 213], "SP_POOL": [99, 100], "DICE_IN_CURRENT_ACTION": []}));
    table.play_to_first_action();
    let reaction = table.send("EXECUTE_ACTION_3");
    let told = commands(&reaction);
    assert_eq!(told, ["$FSM moves 212 from FP Dice to Current Action ", "FSM_EXECUTE_ACTION 3"]);
    assert_eq!(table.refused("EXECUTE_ACTION_3", json!({})), Refusal::Transition, "the Shadow has two dice");
    table.send("EXECUTE_ACTION_2");
    table.rests_in("PHASE_5_FP_ACTION");
    table.send("ACTION_COMPLETE");
    let told = commands(&table.send("EXECUTE_ACTION_3"));
    assert_eq!(told[0], "$FSM moves 213 from FP Dice to Current Action ", "212 is spent");
}

#[test]
fn only_a_die_newly_laid_on_the_current_action_selects_it() {
    let board = json!({"FP_POOL": [210, 211, 212], "SP_POOL": [99, 100], "DICE_IN_CURRENT_ACTION": [213]});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    let mut lay = |dice: Value| table.board.values.insert("DICE_IN_CURRENT_ACTION".to_owned(), dice);
    lay(json!([213]));
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored, "it lay there before");
    table.board.values.insert("DICE_IN_CURRENT_ACTION".to_owned(), json!([100, 213]));
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored, "it is the other side's");
    table.board.values.insert("DICE_IN_CURRENT_ACTION".to_owned(), json!([211, 213]));
    table.send("PIECE_MOVED");
    table.rests_in("PHASE_5_FP_DIE_SELECTED");
    assert_eq!(table.variable("SELECTED_DIE"), 211);
    let reaction = table.send("ACTION_SELECTED");
    assert!(commands(&reaction).is_empty(), "what was dragged is the client's own doing");
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn a_moved_piece_may_be_told_with_the_event() {
    let mut table = Table::ours();
    table.play_to_first_action();
    for data in [
        json!({"piece_id": 5, "to": 152}),
        json!({"piece_id": 99, "to": 152}),
        json!({"piece_id": 210, "to": 175}),
        json!({}),
    ] {
        assert_eq!(table.refused("PIECE_MOVED", data.clone()), Refusal::Ignored, "{data}");
    }
    table.send_with("PIECE_MOVED", json!({"piece_id": 210, "from": 178, "to": 152}));
    table.rests_in("PHASE_5_FP_DIE_SELECTED");
}

#[test]
fn the_will_of_the_west_may_be_changed_and_others_may_not() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    table.chance = vec![json!(["will_of_the_west", "event", "event", "event"])];
    table.send("SP_HUNT_ALLOCATION_DONE");
    table.send_with("DIE_SELECTED", json!({"die": 1}));
    let told = commands(&table.send_with("CHANGE_DIE_FACE", json!({"face": "muster"})));
    assert_eq!(told, ["$FSM rolls 210 as 3 "]);
    assert_eq!(table.refused("CHANGE_DIE_FACE", json!({"face": "event"})), Refusal::Transition, "it is a Muster now");
}

#[test]
fn an_unknown_face_may_be_changed_and_that_is_said() {
    let mut table = Table::ours().strict();
    table.play_to_first_action();
    let said = texts(&table.send("DIE_SELECTED"));
    assert!(said.iter().any(|text| text.contains("face of this die is not known")), "{said:?}");
    table.send_with("CHANGE_DIE_FACE", json!({"face": "event"}));
}

#[test]
fn an_elven_ring_is_used_once_a_turn_and_passes_to_the_shadow() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.chance = vec![json!(["character"])];
    let told = commands(&table.send("USE_ELVEN_RING"));
    assert_eq!(told, ["$FSM rolls 210 as 1 "]);
    assert_eq!((table.variable("FP_RINGS"), table.variable("SP_RINGS")), (json!(2), json!(1)));
    assert_eq!(table.refused("USE_ELVEN_RING", json!({})), Refusal::Transition);
    table.send("ACTION_SELECTED");
    table.send("DIE_SELECTED");
    table.send_with("USE_ELVEN_RING", json!({"face": "army"}));
    assert_eq!((table.variable("SP_RINGS"), table.variable("SELECTED_FACE")), (json!(0), json!("army")));
}

#[test]
fn without_a_ring_none_can_be_used() {
    let mut table = Table::ours().with_board(json!({"FP_RINGS": 0, "SP_RINGS": 0}));
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    assert_eq!(table.refused("USE_ELVEN_RING", json!({})), Refusal::Transition);
}

// ---- passes and turns

#[test]
fn two_passes_in_a_row_end_the_actions() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.rests_in("PHASE_5_SP_ACTION");
    let reaction = table.send("SP_PASSES");
    assert!(states(&reaction).contains(&"PHASE_6_VICTORY_CHECK"));
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn an_action_between_two_passes_keeps_the_turn_going() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send("EXECUTE_ACTION_1");
    table.rests_in("PHASE_5_FP_ACTION");
    table.send("EXECUTE_ACTION_1");
    table.send("SP_PASSES");
    table.rests_in("PHASE_5_FP_ACTION");
    table.send("FP_PASSES");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn the_last_side_with_dice_ends_the_turn_by_passing() {
    let mut table =
        Table::ours().with_board(json!({"FP_POOL": [210], "SP_POOL": [99, 100], "DICE_IN_CURRENT_ACTION": []}));
    table.play_to_first_action();
    table.send("EXECUTE_ACTION_1");
    table.send("EXECUTE_ACTION_1");
    table.rests_in("PHASE_5_SP_ACTION");
    table.send("SP_PASSES");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn phase_complete_alone_plays_turn_after_turn() {
    let mut table = Table::ours();
    for _ in 0..40 {
        let done = table.send("PHASE_COMPLETE");
        assert!(valid_events(&done).ends_with(&["PHASE_COMPLETE".to_owned()]), "{:?}", valid_events(&done));
    }
    assert!(8 <= table.variable("TURN").as_i64().unwrap(), "{}", table.variable("TURN"));
}

#[test]
fn the_turn_of_a_documented_database_is_taken_up() {
    let mut table = Table::ours().with_board(json!({"DB_TURN": 5}));
    table.send("GAME_OPTIONS_CONFIRMED");
    assert_eq!(table.variable("TURN"), 5);
    table.send("PHASE_COMPLETE");
    table.send("PHASE_COMPLETE");
    table.pass_the_turn();
    assert_eq!(table.variable("TURN"), 6);
}

// ---- the Hunt

/// The Fellowship moves with the Free Peoples' next die.
pub(super) fn move_fellowship(table: &mut Table) -> Reaction {
    table.send_with("EXECUTE_ACTION_1", json!({"action": "move_fellowship"}))
}

#[test]
fn the_fellowships_move_starts_the_hunt_and_the_shadow_is_next() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 2, "HUNT_FP_DICE": 1, "HUNT_REROLLS": 1}));
    table.play_to_first_action();
    let reaction = move_fellowship(&mut table);
    let (_, rolls, _) = table.log.last().unwrap();
    assert_eq!(rolls[0].roll, Roll::Hunt { level: 2, free_peoples_dice: 1, rerolls: 1 });
    assert!(states(&reaction).contains(&"HUNT_END_NO_HIT"));
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn a_hit_draws_a_tile_and_its_damage_is_borne() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 2, "HUNT_POOL": [223, 225, 230]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6, 1], "rerolled": [], "successes": 1}), json!(2)];
    let reaction = move_fellowship(&mut table);
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    let told = commands(&reaction);
    assert!(
        told.contains(&"Ctrl+H".to_owned())
            && told.contains(&"$FSM moves 225 from Hunt Pool to Used Hunt Tiles ".to_owned()),
        "{told:?}"
    );
    assert_eq!(table.variable("HUNT_DAMAGE_TO_ASSIGN"), 2);
    assert_eq!(valid_events(&reaction), ["FP_HUNT_DAMAGE_ASSIGNED", "PHASE_COMPLETE"]);
    table.send("FP_HUNT_DAMAGE_ASSIGNED");
    assert_eq!(table.variable("CORRUPTION"), 2);
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn an_eye_does_as_much_damage_as_the_roll_had_successes_and_reveals() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 3, "HUNT_POOL": [219]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6, 6, 6], "rerolled": [], "successes": 3}), json!(1)];
    move_fellowship(&mut table);
    assert_eq!(
        (table.variable("HUNT_DAMAGE_TO_ASSIGN"), table.variable("FELLOWSHIP_REVEALED")),
        (json!(3), json!(true))
    );
    table.send_with("FP_HUNT_DAMAGE_ASSIGNED", json!({"absorbed": 2}));
    assert_eq!(table.variable("CORRUPTION"), 1);
}

#[test]
fn a_tile_without_damage_ends_the_hunt() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 1, "HUNT_POOL": [214]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    table.rests_in("PHASE_5_SP_ACTION");
}

#[test]
fn an_advance_of_the_counter_in_the_database_is_a_move_of_the_fellowship() {
    let board = json!({"FELLOWSHIP_PROGRESS": 1, "HUNT_LEVEL": 0, "FP_POOL": [210], "SP_POOL": [99], "DICE_IN_CURRENT_ACTION": []});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.board.values.insert("FELLOWSHIP_PROGRESS".to_owned(), json!(2));
    assert!(states(&table.send("ACTION_SELECTED")).contains(&"HUNT_START"));
}

#[test]
fn a_move_that_is_told_is_a_move_of_the_fellowship() {
    let mut table = Table::ours();
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.send_with("FELLOWSHIP_MOVED", json!({"region_id": 28}));
    assert!(states(&table.send("ACTION_SELECTED")).contains(&"HUNT_START"));
}

#[test]
fn strict_waits_for_the_clients_hunt_roll_and_tile() {
    let mut table = Table::ours().strict().with_board(json!({"HUNT_LEVEL": 2, "HUNT_FP_DICE": 0}));
    table.play_to_first_action();
    let reaction = move_fellowship(&mut table);
    table.rests_in("HUNT_ROLL");
    assert_eq!(valid_events(&reaction), ["DICE_ROLLED", "HUNT_RESOLVED"]);
    table.send_with("DICE_ROLLED", json!({"results": [6, 3]}));
    table.rests_in("HUNT_DRAW_TILE");
    table.send_with("HUNT_RESOLVED", json!({"result": "2", "damage": 2}));
    table.rests_in("HUNT_ASSIGN_DAMAGE");
    table.send_with("FP_HUNT_DAMAGE_ASSIGNED", json!({"facts": {"corruption": 2}}));
    table.rests_in("PHASE_5_SP_ACTION");
    assert_eq!(table.variable("CORRUPTION"), 2);
}

// ---- combat

#[test]
fn a_field_battle_is_fought_round_by_round_and_returns_to_the_other_side() {
    let mut table = Table::ours().with_board(
        json!({"FP_UNITS": {"75": 2}, "SP_UNITS": {"75": 4}, "SP_LEADERSHIP": {"75": 1}, "CONTESTED_REGIONS": [75]}),
    );
    table.play_to_first_action();
    table.send("EXECUTE_ACTION_1");
    let reaction = table.send_with("EXECUTE_ACTION_1", json!({"action": "attack", "region": 75}));
    table.rests_in("COMBAT_CARD_SELECTION");
    assert!(states(&reaction).contains(&"FIELD_START"));
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    let (_, rolls, _) = table.log.last().unwrap();
    let expected = [Roll::Combat { count: 4, target: 5, rerolls: 1 }, Roll::Combat { count: 2, target: 5, rerolls: 0 }];
    assert_eq!(rolls.iter().map(|rolled| rolled.roll.clone()).collect::<Vec<_>>(), expected);
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.send("COMBAT_CONTINUES_NEXT_ROUND");
    assert_eq!(table.variable("COMBAT_ROUND"), 2);
    table.send("PHASE_COMPLETE");
    table.send("PHASE_COMPLETE");
    table.rests_in("COMBAT_RETREAT_DECISIONS");
    table.send("COMBAT_RESOLVED");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn armies_that_meet_in_the_database_fight() {
    let board = json!({"CONTESTED_REGIONS": [37], "FP_POOL": [210], "SP_POOL": [99], "DICE_IN_CURRENT_ACTION": [], "BESIEGED_REGIONS": []});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.board.values.insert("CONTESTED_REGIONS".to_owned(), json!([37, 75]));
    let reaction = table.send("ACTION_SELECTED");
    table.rests_in("COMBAT_CARD_SELECTION");
    assert!(
        texts(&reaction).iter().any(|text| text.starts_with("⚔️ Battle in South Ithilien")),
        "{:?}",
        texts(&reaction)
    );
}

#[test]
fn a_besieged_stronghold_means_a_siege() {
    let mut table = Table::ours().with_board(json!({"BESIEGED_REGIONS": [74], "FP_UNITS": {}, "SP_UNITS": {"74": 5}}));
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.send_with("EXECUTE_ACTION_1", json!({"action": "attack", "region": 74}));
    table.rests_in("SIEGE_CARD_SELECTION");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    let (_, rolls, _) = table.log.last().unwrap();
    assert_eq!(rolls[0].roll, Roll::Combat { count: 5, target: 6, rerolls: 0 }, "walls are hit on 6");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.send("ATTACKER_SPENDS_ELITE_FOR_EXTRA_ROUND");
    table.rests_in("SIEGE_CARD_SELECTION");
    table.send("COMBAT_BOTH_CARDS_LOCKED");
    table.send("BOTH_SIDES_ASSIGNED_HITS");
    table.send("COMBAT_RESOLVED");
    table.rests_in("PHASE_5_FP_ACTION");
}

// ---- the four ends

#[test]
fn corruption_of_twelve_ends_the_game_at_once() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 1, "HUNT_POOL": [227], "CORRUPTION": 9}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    table.board.values.insert("CORRUPTION".to_owned(), json!(12));
    let reaction = table.send("FP_HUNT_DAMAGE_ASSIGNED");
    table.rests_in("GAME_END_SHADOW_RING");
    assert!(lines(&reaction).iter().any(|line| line.starts_with("<auto> 💀 Corruption is 12")));
    assert_eq!(lines(&reaction).last().unwrap(), "<valid_events> ");
    assert_eq!(table.refused("PHASE_COMPLETE", json!({})), Refusal::Transition);
}

#[test]
fn the_ring_in_the_fire_ends_the_game_at_once() {
    let board = json!({"FELLOWSHIP_AREA": 192, "CORRUPTION": 11, "FP_POOL": [210], "SP_POOL": [99], "DICE_IN_CURRENT_ACTION": [], "FELLOWSHIP_PROGRESS": 0});
    let mut table = Table::ours().with_board(board);
    table.play_to_first_action();
    table.send("DIE_SELECTED");
    table.board.values.insert("FELLOWSHIP_AREA".to_owned(), json!(193));
    table.send("ACTION_SELECTED");
    table.rests_in("GAME_END_FP_RING");
}

#[test]
fn ten_points_of_the_shadow_end_the_game_in_phase_6() {
    let mut table = Table::ours().with_board(json!({"SHADOW_VP": 10, "FP_VP": 4}));
    table.play_to_first_action();
    table.pass_the_turn();
    table.rests_in("GAME_END_SHADOW_MILITARY");
}

#[test]
fn four_points_of_the_free_peoples_end_the_game_in_phase_6() {
    let mut table = Table::ours().with_board(json!({"SHADOW_VP": 9, "FP_VP": 4}));
    table.play_to_first_action();
    table.pass_the_turn();
    table.rests_in("GAME_END_FP_MILITARY");
}

#[test]
fn without_a_database_a_whole_game_runs_to_its_end() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    let mut turns = 0;
    while !table.game.state.starts_with("GAME_END") {
        turns += 1;
        assert!(turns < 40, "the game does not end: {}", table.game.state);
        while table.game.state.starts_with("PHASE_1") {
            table.send("PHASE_COMPLETE");
        }
        if table.game.state == "PHASE_2_FELLOWSHIP_START" {
            table.send("FP_FELLOWSHIP_DECISIONS_READY");
            table.send_with("SP_HUNT_ALLOCATION_DONE", json!({"dice": 2}));
        }
        // Every step is found and hurts.
        table.chance = vec![json!({"rolls": [6, 6], "rerolled": [], "successes": 2}), json!(10)];
        move_fellowship(&mut table);
        if table.game.state == "HUNT_ASSIGN_DAMAGE" {
            table.send("FP_HUNT_DAMAGE_ASSIGNED");
        }
        table.chance.clear();
        if table.game.state.starts_with("PHASE_5") {
            table.send("SP_PASSES");
            table.send("FP_PASSES");
        }
    }
    table.rests_in("GAME_END_SHADOW_RING");
    assert_eq!(table.variable("CORRUPTION"), 12);
    assert!(3 < turns);
}

// ---- refusals, aliases, recorded facts

#[test]
fn errors_tell_unknown_from_misplaced() {
    let mut table = Table::ours();
    assert_eq!(table.refused("TEST_EVENT", json!({})), Refusal::Unknown);
    assert_eq!(table.refused("FP_PASSES", json!({})), Refusal::Transition);
    assert_eq!(table.refused("READY_TO_ROLL", json!({})), Refusal::Transition, "the document knows it");
    assert_eq!(table.refused("START_NEXT_TURN", json!({})), Refusal::Transition, "a button knows it");
    assert_eq!(table.refused("game_options_confirmed", json!({})), Refusal::Unknown);
    assert_eq!(table.refused("PIECE_MOVED", json!({})), Refusal::Ignored);
    assert_eq!(Refusal::Unknown.message("X", "S"), "Unknown event 'X'");
    assert_eq!(Refusal::Transition.message("X", "S"), "Invalid state transition from 'S' via 'X'");
    assert_eq!(Refusal::Malformed.message("X", "S"), "Malformed data for event 'X'");
    assert_eq!(Refusal::HostOnly.message("X", "S"), "Host only: 'X'");
}

#[test]
fn data_that_does_not_fit_is_malformed_and_changes_nothing() {
    let mut table = Table::ours();
    let before = table.game.clone();
    for data in [
        json!({"facts": 1}),
        json!({"facts": {"corruption": "many"}}),
        json!({"facts": {"corruption": null}}),
        json!({"facts": {"corruption": 1.5}}),
        json!({"facts": {"state": "GAME_END_FP_RING"}}),
        json!({"facts": {"anything": "x".repeat(501)}}),
        json!({"trace_id": 7}),
    ] {
        assert_eq!(table.refused("TOGGLE_LOME", data.clone()), Refusal::Malformed, "{data}");
    }
    assert_eq!(table.refused("PIECE_MOVED", json!({"piece_id": "210"})), Refusal::Malformed);
    assert_eq!(table.refused("NOBODY_KNOWS", json!({"facts": 1})), Refusal::Unknown, "that comes first");
    assert_eq!(table.game, before);
}

#[test]
fn host_only_events_are_refused_to_others_and_not_announced_to_them() {
    let mut table = Table::ours();
    table.is_host = false;
    assert_eq!(table.refused("TOGGLE_WOME", json!({})), Refusal::HostOnly);
    let view = machine::view(&table.machine, &table.game, &[], Some(&table.board), true).unwrap();
    assert!(view.valid_events.host.contains(&"TOGGLE_WOME".to_owned()));
    assert_eq!(view.valid_events.client, ["VIEW_FP", "VIEW_SA", "GAME_OPTIONS_CONFIRMED", "PHASE_COMPLETE"]);
    table.send("START_GAME");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

#[test]
fn recorded_facts_are_accepted_in_every_state() {
    let mut table = Table::ours();
    for event in crate::catalogue::RECORDED {
        let reaction = table.send(event);
        assert!(reaction.moves.is_empty() && !valid_events(&reaction).is_empty(), "{event}");
    }
    table.rests_in("SETUP_GAME_OPTIONS");
}

#[test]
fn a_fact_of_the_event_counts_more_than_the_database_and_stays_without_one() {
    let mut table = Table::ours().with_board(json!({"CORRUPTION": 2}));
    table.play_to_first_action();
    table.pass_the_turn();
    let reaction = table.send_with("FP_FELLOWSHIP_DECISIONS_READY", json!({"facts": {"corruption": 12}}));
    assert_eq!(table.game.state, "GAME_END_SHADOW_RING");
    assert_eq!(reaction.facts["CORRUPTION"], 12, "what was read is in the log");
}

#[test]
fn facts_that_the_machine_does_not_know_are_not_remembered() {
    let mut table = Table::ours();
    let variables = table.game.variables.iter().count();
    table.send_with("VIEW_FP", json!({"facts": {"weather": "rain", "corruption": 1}}));
    assert_eq!((table.game.variables.iter().count(), table.variable("CORRUPTION")), (variables, json!(1)));
}

#[test]
fn options_are_toggled_and_shown() {
    let mut table = Table::ours();
    let said = texts(&table.send("TOGGLE_LOME"));
    assert!(said.contains(&"📦 Expansions: Lords of Middle-earth ".to_owned()), "{said:?}");
    table.send("TOGGLE_LOME");
    assert_eq!(table.variable("LOME"), false);
}

#[test]
fn all_players_must_be_ready_and_both_sides_taken() {
    let mut table = Table::ours();
    table.send_with("SET_PLAYER_COUNT", json!({"players": 2}));
    table.send("LOCAL_HOST_CREATE_GAME");
    table.send("HOST_OPEN_SIDE_ASSIGNMENT");
    assert_eq!(table.refused("HOST_START_GAME", json!({})), Refusal::Transition);
    table.send("PLAYER_READY");
    table.send_with("ASSIGN_PLAYER_TO_SIDE", json!({"side": "fp"}));
    assert_eq!(table.refused("HOST_START_GAME", json!({})), Refusal::Transition);
    table.send_with("ASSIGN_PLAYER_TO_SIDE", json!({"side": "shadow"}));
    table.send("HOST_START_GAME");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
}

// ---- the players' own definition

#[test]
fn the_players_definition_plays_turn_after_turn_too() {
    let mut table = Table::new(twin());
    table.send("GAME_OPTIONS_CONFIRMED");
    table.rests_in("PHASE_2_FELLOWSHIP_START");
    table.send("PHASE_COMPLETE");
    table.send("PHASE_COMPLETE");
    table.rests_in("PHASE_5_FP_ACTION");
    for _ in 0..11 {
        table.send("EXECUTE_ACTION_1");
    }
    table.rests_in("PHASE_2_FELLOWSHIP_START");
    assert_eq!(table.variable("TURN"), 2);
}

#[test]
fn a_pass_in_the_players_definition_is_no_dead_end() {
    let mut table = Table::new(twin());
    table.play_to_first_action();
    table.send("FP_PASSES");
    table.rests_in("PHASE_5_SP_ACTION");
    table.send("SP_PASSES");
    table.rests_in("PHASE_5_FP_ACTION");
}

#[test]
fn transition_actions_run_in_the_players_definition() {
    let mut table = Table::new(twin());
    table.send("GAME_OPTIONS_CONFIRMED");
    let said = texts(&table.send("FP_DECLARE_FELLOWSHIP"));
    assert!(said.contains(&"📍 The Fellowship declares itself at Rivendell.".to_owned()), "{said:?}");
}

// ---- lines that the Java client can bear

/// The older panel's phases by the words it looks for, first match wins.
fn panel_phase(line: &str) -> Option<u32> {
    let line = line.to_uppercase();
    let has = |word: &str| line.contains(word);
    let words: [(u32, bool); 7] = [
        (0, has("TURN 0") || has("SETUP") || has("INITIALIZATION") || has("CHOOSE EXPANSIONS")),
        (1, has("PHASE 1") || has("RECOVER") && has("DRAW")),
        (2, has("PHASE 2") || has("FELLOWSHIP PHASE")),
        (3, has("PHASE 3") || has("HUNT ALLOCATION")),
        (4, has("PHASE 4") || has("ACTION ROLL")),
        (5, has("PHASE 5") || has("ACTION RESOLUTION")),
        (6, has("PHASE 6") || has("END OF TURN") || has("VICTORY")),
    ];
    words.iter().find(|(_, found)| *found).map(|(phase, _)| *phase)
}

#[test]
fn the_older_panel_is_never_misled() {
    let mut table = Table::ours();
    for _ in 0..12 {
        let reaction = table.send("PHASE_COMPLETE");
        let mut phase = None;
        for output in &reaction.outputs {
            match &output.kind {
                OutputKind::State(state) => {
                    let named = state.strip_prefix("PHASE_").and_then(|rest| rest[..1].parse::<u32>().ok());
                    phase = named
                        .or_else(|| (state.starts_with("SETUP_") || state.starts_with("PROMPT_GAME")).then_some(0));
                }
                OutputKind::Text(text) => {
                    if let Some(said) = panel_phase(text) {
                        assert_eq!(Some(said), phase, "{text}");
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn no_line_is_one_that_the_java_client_dies_of() {
    let mut table = Table::ours();
    let mut all = Vec::new();
    for _ in 0..12 {
        all.extend(lines(&table.send("PHASE_COMPLETE")));
    }
    for line in all {
        assert!(!line.trim().is_empty() && !line.contains("~>") && !line.contains(['\n', '\r']), "{line:?}");
        if let Some(text) = line.strip_prefix("<auto> ") {
            assert!(!text.trim_start().starts_with(|letter: char| letter.is_ascii_lowercase()), "{line}");
        }
        assert!(!line.contains("{{"), "{line}");
    }
}

#[test]
fn no_text_begins_in_mid_sentence() {
    let machine = built_in("war-of-the-ring");
    let steps = machine.actions.values().chain(machine.on_event.values()).flatten();
    let said = steps.filter_map(|step| if let Verb::Say(text) = &step.verb { Some(text) } else { None });
    let lines = machine.menus.values().flatten().filter_map(|line| line.text.as_ref());
    for template in machine.prompts.values().chain(lines).chain(said) {
        let facts = template.facts().map(|name| (name.to_owned(), json!("X"))).collect();
        let text = template.render(&facts);
        let first = text.chars().find(char::is_ascii_alphanumeric);
        assert!(!first.is_some_and(|first| first.is_ascii_lowercase()), "{text}");
    }
}

// ---- the log

#[test]
fn a_game_can_be_replayed_from_its_log() {
    let mut table = Table::ours().with_board(json!({"HUNT_LEVEL": 2, "CORRUPTION": 3, "HUNT_POOL": [225]}));
    table.play_to_first_action();
    table.chance = vec![json!({"rolls": [6, 1], "rerolled": [], "successes": 1}), json!(1)];
    move_fellowship(&mut table);
    table.send("FP_HUNT_DAMAGE_ASSIGNED");
    table.pass_the_turn_from_shadow();

    let mut game = machine::begin(&table.machine, Some(&Figures::none()), &[], true, 0).unwrap();
    for (event, rolls, logged) in &table.log {
        let has_database = logged.facts.get("HAS_DATABASE") == Some(&json!(true));
        let source = if has_database { Source::Client } else { Source::Machine };
        let board = Figures { source, values: logged.facts.clone() };
        let again = machine::react(&table.machine, &game, event, Some(&board), rolls).unwrap();
        assert_eq!(&again, logged);
        game = again.game;
    }
    assert_eq!(game, table.game);
}

impl Table {
    fn pass_the_turn_from_shadow(&mut self) {
        self.send("SP_PASSES");
        self.send("FP_PASSES");
    }
}

#[test]
fn a_roll_is_asked_for_only_when_it_was_not_given() {
    let mut table = Table::ours();
    table.send("GAME_OPTIONS_CONFIRMED");
    table.send("FP_FELLOWSHIP_DECISIONS_READY");
    let event = Event {
        name: "SP_HUNT_ALLOCATION_DONE".to_owned(),
        data: Map::new(),
        sender: String::new(),
        is_host: true,
        players: Vec::new(),
        assist: true,
        at: 0,
        remarks: Vec::new(),
        order: None,
    };
    let stop = machine::react(&table.machine, &table.game, &event, Some(&table.board), &[]).unwrap_err();
    assert_eq!(stop, Stop::Roll(Roll::ActionDice { side: "free_peoples".to_owned(), count: 4 }));
    let stop = machine::react(&table.machine, &table.game, &event, None, &[]).unwrap_err();
    assert_eq!(stop, Stop::Board);
}
