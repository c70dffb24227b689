//! Games played through the pure core: events in, lines out, with a board and rolls given.

use serde_json::{Map, Value, json};

use super::definitions::twin;
use crate::{
    board::{Figures, Source},
    definition::Machine,
    machine::{self, Audience, Event, Game, OutputKind, Reaction, Refusal, Roll, Rolled, Stop},
};

/// A game at a table of one host.
struct Table {
    machine: Machine,
    game: Game,
    board: Figures,
    assist: bool,
    is_host: bool,
    /// What the dice are to show, taken from the front; where it is empty they show the same every time.
    chance: Vec<Value>,
    /// Every event with the board and rolls it had, for the replay.
    log: Vec<(Event, Vec<Rolled>, Reaction)>,
}

impl Table {
    fn new(machine: Machine) -> Table {
        let board = Figures::none();
        let game = machine::begin(&machine, Some(&board), &[], true).unwrap();
        Table { machine, game, board, assist: true, is_host: true, chance: Vec::new(), log: Vec::new() }
    }

    fn ours() -> Table {
        Table::new(Machine::built_in("war-of-the-ring").unwrap().unwrap().machine)
    }

    /// With a database that has these figures.
    fn with_board(mut self, figures: Value) -> Table {
        self.board = Figures { source: Source::Client, values: figures.as_object().unwrap().clone() };
        self
    }

    fn strict(mut self) -> Table {
        self.assist = false;
        self
    }

    fn try_send(&mut self, event: &str, data: Value) -> Result<Reaction, Refusal> {
        let event = Event {
            name: event.to_owned(),
            data: data.as_object().unwrap().clone(),
            sender: "somebody".to_owned(),
            is_host: self.is_host,
            players: vec!["somebody".to_owned()],
            assist: self.assist,
        };
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
    fn send_with(&mut self, event: &str, data: Value) -> Reaction {
        self.try_send(event, data).unwrap_or_else(|refusal| panic!("{event} in {}: {refusal:?}", self.game.state))
    }

    #[track_caller]
    fn send(&mut self, event: &str) -> Reaction {
        self.send_with(event, json!({}))
    }

    #[track_caller]
    fn refused(&mut self, event: &str, data: Value) -> Refusal {
        self.try_send(event, data).expect_err(event)
    }

    #[track_caller]
    fn rests_in(&self, state: &str) {
        assert_eq!(self.game.state, state);
    }

    fn variable(&self, name: &str) -> Value {
        self.game.variables[name].clone()
    }

    /// Up to the Free Peoples' first action, nothing allocated to the Hunt.
    #[track_caller]
    fn to_first_action(&mut self) {
        self.send("GAME_OPTIONS_CONFIRMED");
        self.rests_in("PHASE_2_FELLOWSHIP_START");
        self.send("FP_FELLOWSHIP_DECISIONS_READY");
        self.send("SP_HUNT_ALLOCATION_DONE");
        self.rests_in("PHASE_5_FP_ACTION");
    }

    /// Both sides pass until the turn is over.
    #[track_caller]
    fn pass_the_turn(&mut self) {
        self.send("FP_PASSES");
        self.send("SP_PASSES");
    }
}

/// Dice that hit nothing and please nobody.
fn even(roll: &Roll) -> Value {
    match roll {
        Roll::ActionDice { count, .. } => vec!["event"; *count as usize].into(),
        Roll::Hunt { level, .. } => json!({"rolls": vec![2; (*level).min(5) as usize], "rerolled": [], "successes": 0}),
        Roll::Combat { count, .. } => json!({"rolls": vec![2; *count as usize], "rerolled": [], "successes": 0}),
        Roll::Pick { .. } => json!(1),
    }
}

/// The lines of a reaction as the adapter writes them for the host.
fn lines(reaction: &Reaction) -> Vec<String> {
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

#[test]
fn look() {
    let mut table = Table::ours();
    table.chance = vec![json!(["will_of_the_west","character","event","muster"]), json!(["eye","army","eye","muster","character","event","army_muster"])];
    for event in ["GAME_OPTIONS_CONFIRMED","FP_FELLOWSHIP_DECISIONS_READY","SP_HUNT_ALLOCATION_DONE","EXECUTE_ACTION_2"] {
        println!("=== {event}");
        let r = table.send_with(event, json!({"action":"move_fellowship"}));
        println!("{}", lines(&r).join("\n"));
    }
}
