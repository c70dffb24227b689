//! A game at a table: events in, lines out, with a board and rolls given, through the pure core.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::definitions::built_in;
use crate::{
    board::{Figures, Source},
    definition::Machine,
    machine::{self, Audience, Event, Game, Order, OutputKind, Reaction, Refusal, Roll, Rolled, Stop},
};

/// A game at a table of one host.
pub(super) struct Table {
    pub(super) machine: Arc<Machine>,
    pub(super) game: Game,
    pub(super) board: Figures,
    pub(super) assist: bool,
    pub(super) is_host: bool,
    /// What the clock shows.
    pub(super) at: i64,
    /// What the dice are to show, taken from the front; where it is empty they show the same every time.
    pub(super) chance: Vec<Value>,
    /// Every event with the board and rolls it had, for the replay.
    pub(super) log: Vec<(Event, Vec<Rolled>, Reaction)>,
}

impl Table {
    pub(super) fn new(machine: impl Into<Arc<Machine>>) -> Table {
        let machine = machine.into();
        let board = Figures::none();
        let game = machine::begin(&machine, Some(&board), &[], true, 0).unwrap();
        Table { machine, game, board, assist: true, is_host: true, at: 0, chance: Vec::new(), log: Vec::new() }
    }

    pub(super) fn ours() -> Table {
        // Loading it takes longer than a whole turn.
        static OURS: LazyLock<Arc<Machine>> = LazyLock::new(|| built_in("war-of-the-ring").into());
        Table::new(OURS.clone())
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
            at: self.at,
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

pub(super) fn states(reaction: &Reaction) -> Vec<&str> {
    reaction.moves.iter().map(|step| step.to.as_str()).collect()
}

pub(super) fn commands(reaction: &Reaction) -> Vec<String> {
    let command = |output: &machine::Output| match &output.kind {
        OutputKind::Command(line) | OutputKind::Record(line) => Some(line.clone()),
        _ => None,
    };
    reaction.outputs.iter().filter_map(command).collect()
}

pub(super) fn texts(reaction: &Reaction) -> Vec<String> {
    let text = |output: &machine::Output| match &output.kind {
        OutputKind::Text(text) => Some(text.clone()),
        _ => None,
    };
    reaction.outputs.iter().filter_map(text).collect()
}

pub(super) fn valid_events(reaction: &Reaction) -> Vec<String> {
    let events = |output: &machine::Output| match &output.kind {
        OutputKind::ValidEvents(events) if output.audience != Audience::Clients => Some(events.clone()),
        _ => None,
    };
    reaction.outputs.iter().find_map(events).unwrap_or_default()
}
