//! Computed facts are kept while nothing changes that they depend on: whatever happens, a game must be as it is where each of
//! them is computed anew whenever it is asked for.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    definitions::built_in,
    table::{Table as Seat, texts},
};
use crate::{
    definition::Machine,
    machine,
    opponent::{fixture::Table, noise::Noise},
};

/// Our own machine, which keeps nothing.
fn forgetful() -> Machine {
    Machine { steady: BTreeSet::new(), ..built_in("war-of-the-ring") }
}

/// What somebody may do at a table: answer a decision, send an event that makes sense, or move a piece by hand.
fn something(table: &mut Table, noise: &mut Noise) -> (String, Map<String, Value>) {
    let pick = |noise: &mut Noise, count: usize| usize::try_from(noise.below(count as u64)).unwrap();
    if noise.below(6) == 0 {
        let pieces: Vec<i64> = table.areas.keys().copied().collect();
        let piece = pieces[pick(noise, pieces.len())];
        let from = table.areas[&piece];
        let to = i64::try_from(noise.below(194)).unwrap();
        table.areas.insert(piece, to);
        let data = json!({"piece_id": piece, "from": from, "to": to});
        return ("PIECE_MOVED".to_owned(), data.as_object().unwrap().clone());
    }
    let decisions = table.decisions();
    if noise.below(6) == 0 || decisions.is_empty() {
        let view = machine::view(&table.machine, &table.game, &[], Some(&table.figures()), true).unwrap();
        if !view.valid_events.host.is_empty() {
            let event = view.valid_events.host[pick(noise, view.valid_events.host.len())].clone();
            return (event, Map::new());
        }
    }
    let Some(decision) = decisions.get(pick(noise, decisions.len().max(1))) else {
        return ("GAME_OVER".to_owned(), Map::new());
    };
    let choice = &decision.choices[pick(noise, decision.choices.len())];
    let mut data = choice.data.clone();
    if noise.below(8) == 0 {
        data.insert("facts".to_owned(), json!({"corruption": noise.below(13), "FP_HAND_SIZE": noise.below(9)}));
    }
    (choice.event.clone(), data)
}

#[test]
fn a_computed_fact_that_is_kept_is_what_it_would_be_computed_anew() {
    let anew = forgetful();
    let steps = if std::env::var_os("DICETOWER_DEEP").is_some() { 2_000 } else { 80 };
    for (seed, has_board) in [(11, true), (12, false), (13, true)] {
        let mut table = Table::new(has_board, seed);
        table.has_meddler = true;
        let mut noise = Noise::new(seed);
        for step in 0..steps {
            let told = format!("seed {seed}, step {step}, {}", table.game.state);
            let board = Some(table.figures());
            let board = board.as_ref();
            // What takes longest is looked at now and then.
            if step % 5 == 0 {
                let decisions = |machine| machine::decisions(machine, &table.game, &[], board, true);
                assert_eq!(decisions(&table.machine), decisions(&anew), "{told}");
            }
            if step % 15 == 0 {
                let facts = |machine| machine::all_facts(machine, &table.game, board, true);
                assert_eq!(facts(&table.machine), facts(&anew), "{told}");
            }
            let (event, data) = something(&mut table, &mut noise);
            let event = table.event(&event, data);
            let board = table.figures();
            match table.react(&event) {
                Ok((reaction, rolls)) => {
                    let expected = machine::react(&anew, &table.game, &event, Some(&board), &rolls);
                    assert_eq!(Ok(&reaction), expected.as_ref(), "{told}, {event:?}");
                    table.carry_out(reaction);
                }
                Err(refusal) => {
                    let expected = machine::react(&anew, &table.game, &event, Some(&board), &[]);
                    assert_eq!(expected, Err(machine::Stop::Refused(refusal)), "{told}, {event:?}");
                }
            }
            if table.game.state.starts_with("GAME_END_") {
                table = Table::new(has_board, seed + 100 + step);
                table.has_meddler = true;
            }
        }
    }
}

#[test]
fn a_computed_fact_changes_with_the_variable_it_is_made_of_within_one_action() {
    let machine = r#"
game: other
config: { initial_state: A }
library:
  variables: { COUNT: 1 }
  computed: { TWICE: COUNT + COUNT, MORE: TWICE + 1 }
  actions:
    TELL:
      - say: "{{more}}"
      - set: { COUNT: COUNT + 1 }
      - say: "{{more}}"
modules:
  - id: M
    type: subsystem
    states:
      - id: A
        transitions:
          - { event: GO, target: A, actions: [TELL] }
          - { event: END, target: B }
      - id: B
        kind: final
"#;
    let mut table = Seat::new(Machine::load("test", machine).unwrap_or_else(|error| panic!("{error}")).machine);
    assert_eq!(texts(&table.send("GO")), ["3", "5"]);
    assert_eq!(texts(&table.send("GO")), ["5", "7"]);
}
