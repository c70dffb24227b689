//! The opponent at a table without a server: whole games, and what it makes of single positions.

use serde_json::{Map, json};

use super::{Question, Strength, fixture::Table, noise::Noise, parse_decider, policy};
use crate::definition::Machine;

/// Most decisions of a game; one that takes more has no end.
const MAX_DECISIONS: usize = 6_000;

/// Most turns of a game between careless players.
const MAX_TURNS: i64 = 40;

/// Plays a game to its end. Answers its turns.
fn play(mut table: Table, seed: u64, strengths: [Strength; 2]) -> i64 {
    for _ in 0..MAX_DECISIONS {
        let strength = match table.decisions().first() {
            Some(decision) if decision.side == "shadow" => strengths[1],
            _ => strengths[0],
        };
        if table.play(strength).is_none() {
            assert!(table.game.state.starts_with("GAME_END_"), "seed {seed}, {strengths:?}: {}", table.game.state);
            return table.game.variables["TURN"].as_i64().unwrap();
        }
    }
    panic!("no end with seed {seed}, {strengths:?}: turn {}, {}", table.game.variables["TURN"], table.game.state);
}

/// A game in which the Fellowship is at the Morannon and the Shadow holds seven points.
fn far_gone(has_board: bool, seed: u64) -> Table {
    let mut table = Table::new(has_board, seed);
    table.areas.extend([(247, 91), (252, 135), (423, 170), (261, 120), (262, 120), (263, 120)]);
    let facts = json!({"FELLOWSHIP_AREA": 91, "CORRUPTION": 4, "SHADOW_VP": 7});
    table.game.variables.extend(facts.as_object().unwrap().clone());
    table
}

#[test]
fn a_game_between_two_opponents_comes_to_an_end_with_the_board_and_without() {
    for (has_board, seed) in [(true, 1), (false, 2)] {
        let turns = play(far_gone(has_board, seed), seed, [Strength::Easy, Strength::Easy]);
        assert!((1..MAX_TURNS).contains(&turns), "seed {seed}: {turns} turns");
    }
    // Whole games take their time without optimisation.
    let seeds = if std::env::var_os("DICETOWER_DEEP").is_some() { 10 } else { 0 };
    for seed in 1..=seeds {
        for strengths in [[Strength::Easy; 2], [Strength::Middle; 2], [Strength::Hard, Strength::Easy]] {
            let turns = play(Table::new(true, seed), seed, strengths);
            assert!((2..MAX_TURNS).contains(&turns), "seed {seed}, {strengths:?}: {turns} turns");
        }
    }
}

#[test]
fn the_players_definition_is_played_to_its_end_too() {
    // Both begin alike.
    let mut table = far_gone(true, 3);
    let definition = include_str!("../../tests/players-twin.yaml");
    table.machine = Machine::load("twin", definition).unwrap().machine.into();
    let turns = play(table, 3, [Strength::Easy, Strength::Easy]);
    assert!((1..MAX_TURNS).contains(&turns), "{turns} turns");
}

/// Has people choose at random of all that they are offered, so many times or to the end of the game. The table sees to it
/// that each record moves pieces from where they are.
fn wander(mut table: Table, seed: u64, choices: usize) {
    let mut whim = Noise::new(seed);
    let mut below = |count: usize| usize::try_from(whim.below(u64::try_from(count).unwrap())).unwrap();
    for _ in 0..choices {
        let mut decisions = table.decisions();
        if decisions.is_empty() {
            assert!(table.game.state.starts_with("GAME_END_"), "seed {seed}: nothing is asked in {}", table.game.state);
            return;
        }
        let mut decision = decisions.swap_remove(below(decisions.len()));
        let choice = decision.choices.swap_remove(below(decision.choices.len()));
        let sent = table.send(&choice.event, choice.data.clone());
        assert_eq!(sent, Ok(()), "seed {seed}: {choice:?} in {}", table.game.state);
    }
}

#[test]
fn whatever_people_choose_of_what_they_are_offered_can_be_done() {
    // Looking for all that is offered takes its time without optimisation.
    let (seeds, choices) = if std::env::var_os("DICETOWER_DEEP").is_some() { (40, 2_000) } else { (1, 60) };
    for seed in 1..=seeds {
        wander(far_gone(true, seed), seed, choices);
        wander(Table::new(true, seed), seed, choices);
        wander(Table::new(false, seed), seed, choices);
    }
}

#[test]
fn a_guide_as_good_as_any_is_kept_however_carelessly_it_is_played() {
    let mut table = Table::new(true, 4);
    table.play(Strength::Easy).unwrap();
    let decision = table.decisions().remove(0);
    let change = decision.choices.iter().position(|choice| choice.id == "change_guide").unwrap();
    for seed in 0..40 {
        let weighed = policy(Strength::Easy).weigh(&table.question(decision.clone(), seed));
        assert_ne!(weighed[0].choice, change, "seed {seed}");
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    let mut table = Table::new(true, 5);
    for _ in 0..12 {
        let decision = table.decisions().remove(0);
        let question = table.question(decision, 9);
        let policy = policy(Strength::Middle);
        assert_eq!(policy.weigh(&question), policy.weigh(&question));
        table.play(Strength::Middle).unwrap();
    }
}

#[test]
fn every_choice_is_weighed_once_and_the_best_comes_first() {
    let mut table = Table::new(true, 6);
    for _ in 0..30 {
        let (decision, weighed) = table.play(Strength::Middle).unwrap();
        let mut choices: Vec<usize> = weighed.iter().map(|one| one.choice).collect();
        assert!(weighed.is_sorted_by(|one, other| one.score >= other.score));
        assert!(weighed.iter().all(|one| !one.why.is_empty() && one.score.is_finite()));
        choices.sort_unstable();
        assert_eq!(choices, (0..decision.choices.len()).collect::<Vec<_>>());
    }
}

#[test]
fn a_question_about_nothing_is_answered_without_a_fall() {
    let mut table = Table::new(true, 7);
    for _ in 0..60 {
        let decision = table.decisions().remove(0);
        let question = Question { facts: serde_json::Map::new(), tables: None, ..table.question(decision, 1) };
        assert!(!policy(Strength::Hard).weigh(&question).is_empty());
        table.play(Strength::Easy).unwrap();
    }
}

/// The best choice of the first decision of a kind, after `prepare` has changed the table.
fn choose(kind: &str, prepare: impl Fn(&mut Table)) -> String {
    let mut table = Table::new(true, 8);
    prepare(&mut table);
    loop {
        let decision = table.decisions().remove(0);
        if decision.kind == kind {
            let weighed = policy(Strength::Hard).weigh(&table.question(decision.clone(), 1));
            return decision.choices[weighed[0].choice].id.clone();
        }
        table.play(Strength::Hard).unwrap();
    }
}

#[test]
fn the_shadow_hunts_nobody_who_sits_in_rivendell() {
    assert_eq!(choose("hunt_allocation", |_| {}), "dice-0");
}

#[test]
fn the_shadow_hunts_harder_on_the_mountain() {
    let on_the_mountain = choose("hunt_allocation", |table| {
        table.areas.insert(247, 190);
    });
    assert!(on_the_mountain.as_str() > "dice-2", "{on_the_mountain}");
}

#[test]
fn the_fellowship_enters_mordor_when_it_stands_at_the_gate() {
    let choice = choose("fellowship", |table| {
        table.areas.insert(247, 91);
    });
    assert_eq!(choice, "enter_mordor");
}

#[test]
fn an_army_that_is_hit_keeps_its_dice_and_says_why() {
    let mut table = Table::new(true, 9);
    table.areas.extend([(7, 74), (8, 74), (35, 74), (37, 74)]);
    table.send("GAME_OPTIONS_CONFIRMED", Map::new()).unwrap();
    while table.game.state != "PHASE_5_SP_ACTION" {
        table.play(Strength::Easy).unwrap();
    }
    let data = |data: serde_json::Value| data.as_object().unwrap().clone();
    table.send("DIE_SELECTED", data(json!({"die": 1}))).unwrap();
    table.send("ACTION_SELECTED", data(json!({"action": "attack", "region": 74}))).unwrap();
    table.send("COMBAT_BOTH_CARDS_LOCKED", Map::new()).unwrap();
    let facts = json!({"DEFENCE_RESULT": {"rolls": [5], "rerolled": [], "successes": 1}});
    table.game.variables.extend(data(facts));
    let decision = table.decisions().into_iter().find(|decision| decision.side == "shadow").unwrap();

    let weighed = policy(Strength::Hard).weigh(&table.question(decision.clone(), 1));

    assert_eq!(decision.choices[weighed[0].choice].id, "sauron-1-reduced", "three units are left, not two");
    assert!(weighed[0].why.contains("units that take"), "{}", weighed[0].why);
}

#[test]
fn who_decides_is_read_from_the_command_line() {
    let decider = parse_decider("shadow=hard").unwrap();
    assert_eq!((decider.side.as_str(), decider.decider.strength), ("shadow", Strength::Hard));
    assert_eq!(parse_decider("table=autopilot:7").unwrap().decider.timeout_seconds, 7);
    for bad in
        ["shadow", "=hard", "shadow=best", "shadow=model:soon", "shadow=autopilot:0", "shadow=easy:5", "a b=easy"]
    {
        assert!(parse_decider(bad).unwrap_err().contains("autopilot"), "{bad}");
    }
}
