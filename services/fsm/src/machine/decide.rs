//! Decisions: what a game asks of a side, with the choices that are legal as things stand.
//!
//! A decision is open from the moment an action asks for it until its game leaves the state in which it came to rest with it,
//! be it for the same state again, or until it is asked anew. One whose first choice is an event that is recorded belongs to
//! no state: it is open wherever that event would be. Choices are computed whenever they are looked at.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Event, Game, MAX_ITEMS, Order, Reaction, Refusal, Stop, run::Run};
use crate::{
    board::{self, Figures},
    definition::{self, Machine},
    opponent::Strength,
};

/// A decision that is open, as a game remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Counts the game's decisions, from 1.
    pub number: u64,
    /// Its name in the machine.
    pub name: String,
    /// When it was asked, Unix milliseconds.
    pub at: i64,
    /// The state that it belongs to.
    #[serde(default)]
    pub state: String,
}

/// Who decides for a side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decider {
    /// Person, built-in opponent or model.
    pub kind: DeciderKind,
    /// How well the built-in opponent plays.
    #[serde(default)]
    pub strength: Strength,
    /// Seconds after which the built-in opponent answers in a model's place, or an autopilot goes on.
    #[serde(default)]
    pub timeout_seconds: u32,
}

/// What somebody who decides is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeciderKind {
    /// A person, by whatever means.
    #[default]
    Person,
    /// The built-in opponent.
    Policy,
    /// A language model that looks for what is asked, and answers.
    Model,
    /// A person at a client without buttons: what he has done on the board is taken for his answer after a while.
    Autopilot,
}

impl DeciderKind {
    /// Seconds that are waited where nobody says how many.
    pub fn default_timeout_seconds(self) -> u32 {
        if self == DeciderKind::Autopilot { 5 } else { 60 }
    }
}

/// A decision with what may be chosen now.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Its id.
    pub id: String,
    /// What kind it is.
    pub kind: String,
    /// Whose it is.
    pub side: String,
    /// Who decides for that side.
    pub decider: Decider,
    /// The question.
    pub question: String,
    /// When it was asked, Unix milliseconds.
    pub asked_at: i64,
    /// The choices.
    pub choices: Vec<Choice>,
}

impl Decision {
    /// When the built-in opponent answers if nobody else has, Unix milliseconds; `None`: never.
    pub fn due_at(&self) -> Option<i64> {
        match self.decider.kind {
            DeciderKind::Person => None,
            DeciderKind::Policy => Some(self.asked_at),
            DeciderKind::Model | DeciderKind::Autopilot => {
                Some(self.asked_at + i64::from(self.decider.timeout_seconds) * 1_000)
            }
        }
    }
}

/// A legal choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Its id.
    pub id: String,
    /// What it is.
    pub text: String,
    /// The event that carries it out.
    pub event: String,
    /// What the event tells.
    pub data: Map<String, Value>,
}

/// The open decisions of a game, those without a legal choice left out.
///
/// # Errors
///
/// [`Stop::Board`] if the board is needed.
pub fn decisions(
    machine: &Machine,
    game: &Game,
    players: &[String],
    board: Option<&Figures>,
    assist: bool,
) -> Result<Vec<Decision>, Stop> {
    let Some(state) = machine.state_index(&game.state) else { return Err(Stop::Refused(Refusal::Transition)) };
    let event = Event::nothing(players, assist, 0);
    let mut run = Run::new(machine, state, game, &event, board, &[]);
    let mut decisions = Vec::new();
    for asked in &game.memory.asked {
        let Some(definition) = machine.decisions.get(&asked.name) else { continue };
        let side = run.evaluate(&definition.side)?;
        let side = side.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut choices = Vec::new();
        for choice in &definition.choices {
            run.choices(choice, &mut choices)?;
        }
        if !choices.is_empty() {
            decisions.push(Decision {
                id: format!("{}-{}", asked.number, asked.name),
                kind: definition.kind.clone(),
                decider: game.memory.deciders.get(&side).copied().unwrap_or_default(),
                side,
                question: run.render(&definition.question)?,
                asked_at: asked.at,
                choices,
            });
        }
    }
    Ok(decisions)
}

/// All facts of a game by name: its variables and constants, the figures of the board, what is computed from them.
///
/// # Errors
///
/// [`Stop::Board`] if the board is needed.
pub fn all_facts(
    machine: &Machine,
    game: &Game,
    board: Option<&Figures>,
    assist: bool,
) -> Result<Map<String, Value>, Stop> {
    let Some(state) = machine.state_index(&game.state) else { return Err(Stop::Refused(Refusal::Transition)) };
    let event = Event::nothing(&[], assist, 0);
    let mut run = Run::new(machine, state, game, &event, board, &[]);
    let names =
        machine.constants.keys().chain(machine.computed.keys()).chain(game.variables.iter().map(|(name, _)| name));
    let names: Vec<&str> = names.map(String::as_str).chain(board::FIGURES.iter().copied()).collect();
    run.facts(names.into_iter(), 0)
}

/// Whether a guard that stands so on some transition holds; `None` if it stands on none.
#[cfg(test)]
pub fn guard_holds(machine: &Machine, game: &Game, event: &Event, guard: &str) -> Option<bool> {
    let mut ways =
        machine.states.iter().enumerate().flat_map(|(index, state)| {
            state.transitions.iter().filter_map(move |way| Some((index, way.guard.as_ref()?)))
        });
    let (state, guard) = ways.find(|(_, expression)| expression.source() == guard)?;
    let none = Figures::none();
    Run::new(machine, state, game, event, Some(&none), &[]).holds(guard).ok()
}

/// What an action did.
#[cfg(test)]
pub struct Done {
    /// The game after it.
    pub game: Game,
    /// What it said.
    pub texts: Vec<String>,
    /// Its commands and records.
    pub outputs: Vec<super::Output>,
}

/// Does an action in a game as it stands, without a transition.
#[cfg(test)]
pub fn do_action(
    machine: &Machine,
    game: &Game,
    event: &Event,
    board: &Figures,
    rolls: &[super::Rolled],
    action: &str,
) -> Result<Done, Stop> {
    let Some(state) = machine.state_index(&game.state) else { return Err(Stop::Refused(Refusal::Transition)) };
    let mut run = Run::new(machine, state, game, event, Some(board), rolls);
    run.action(action, 0)?;
    let block = std::mem::take(run.block());
    Ok(Done { game: run.into_game(), texts: block.texts, outputs: block.commands })
}

/// Why a game could not rest as it did earlier, with the board as it is now; `None`: it could.
pub fn contradiction(machine: &Machine, earlier: &Game, board: &Figures, assist: bool) -> Option<String> {
    let Some(state) = machine.state_index(&earlier.state) else {
        return Some(format!("the machine has no state {:?} any more", earlier.state));
    };
    let event = Event::nothing(&[], assist, 0);
    let mut run = Run::new(machine, state, earlier, &event, Some(board), &[]);
    if run.is_pausing() {
        return None;
    }
    let (_, way) = run.way(None).ok().flatten()?;
    let guard = way.guard.as_ref().map_or("", |guard| guard.source());
    let target = &machine.states[way.target].id;
    Some(format!("the board contradicts {:?}: {guard:?} holds on it, and leads to {target:?} at once", earlier.state))
}

/// The game as it was earlier, said anew. Who decides stays as it is, and what is asked is asked again.
///
/// # Errors
///
/// [`Stop`] if the machine has the state no more.
pub fn restore(
    machine: &Machine,
    now: &Game,
    mut earlier: Game,
    event: &Event,
    board: &Figures,
) -> Result<Reaction, Stop> {
    let Some(state) = machine.state_index(&earlier.state) else { return Err(Stop::Refused(Refusal::Transition)) };
    earlier.memory.deciders.clone_from(&now.memory.deciders);
    earlier.memory.foreseen.clear();
    earlier.memory.timer_count = now.memory.timer_count;
    earlier.memory.asked_count = now.memory.asked_count;
    for asked in &mut earlier.memory.asked {
        earlier.memory.asked_count += 1;
        asked.number = earlier.memory.asked_count;
        asked.at = event.at;
    }
    for timer in &mut earlier.memory.timers {
        earlier.memory.timer_count += 1;
        timer.number = earlier.memory.timer_count;
    }
    let mut run = Run::new(machine, state, &earlier, event, Some(board), &[]);
    run.remark();
    run.block().state = Some(earlier.state.clone());
    if let Some(prompt) = run.prompt_line()? {
        run.say(prompt);
    }
    run.finish(String::new())
}

impl<'a> Run<'a> {
    /// Says what the event has to say for itself.
    pub(super) fn remark(&mut self) {
        let remarks = self.event.remarks.clone();
        self.block().texts.extend(remarks);
    }

    /// Does what the service itself brings about.
    pub(super) fn obey(&mut self, order: &Order) -> Result<(), Stop> {
        match order {
            Order::SetDecider { side, decider } => {
                if !self.machine.sides.contains(side) {
                    return Err(Stop::Refused(Refusal::Malformed));
                }
                self.memory.deciders.insert(side.clone(), *decider);
                Ok(())
            }
            Order::Timer { number } => {
                let timer = self.take_timer(*number).ok_or(Stop::Refused(Refusal::Transition))?;
                // An event that nobody waits for any more is used up all the same.
                if let Some((source, transition)) = self.way(Some(&timer.event))? {
                    self.on_event(&timer.event)?;
                    self.go(source, transition, &timer.event)?;
                }
                Ok(())
            }
            // The log's owner puts the earlier game in the place of this one.
            Order::Undo { .. } | Order::Branch { .. } => Ok(()),
        }
    }

    /// Opens a decision; one of the same name that was open is asked anew.
    pub(super) fn ask(&mut self, name: &str) {
        self.memory.asked.retain(|asked| asked.name != name);
        self.memory.asked_count += 1;
        let (number, at) = (self.memory.asked_count, self.event.at);
        let state = self.state().id.clone();
        self.memory.asked.push(Asked { number, name: name.to_owned(), at, state });
    }

    /// From here on decisions that are open already close when their state is left.
    pub(super) fn settle_asked(&mut self) {
        self.asked_before = self.memory.asked_count;
    }

    /// Closes the decisions of a state that is left. Those that the event under way has asked for go along.
    pub(super) fn leave_asked(&mut self, state: &str) {
        let mut asked = std::mem::take(&mut self.memory.asked);
        asked.retain(|asked| {
            let belongs_here = asked.state == state || asked.state.is_empty();
            !belongs_here || self.asked_before < asked.number || self.is_of_no_state(asked)
        });
        self.memory.asked = asked;
    }

    /// Decisions that the event under way has asked for belong to the state that is entered.
    pub(super) fn carry_asked(&mut self, left: &[&str], entered: &str) {
        for asked in &mut self.memory.asked {
            if self.asked_before < asked.number && left.contains(&asked.state.as_str()) {
                asked.state = entered.to_owned();
            }
        }
    }

    /// Closes the decisions that the state has no transition for: the first choice of each says where it belongs.
    pub(super) fn forget_asked(&mut self) {
        let mut asked = std::mem::take(&mut self.memory.asked);
        asked.retain(|asked| self.first_choice(asked).is_some_and(|first| self.may_take(first)));
        self.memory.asked = asked;
    }

    fn is_of_no_state(&self, asked: &Asked) -> bool {
        self.first_choice(asked).is_some_and(|first| self.machine.recorded.contains_key(first))
    }

    /// Events of the choices of open decisions that stand for others here.
    pub(super) fn asked_aliases(&self) -> BTreeSet<&'a str> {
        let machine = self.machine;
        let asked = self.memory.asked.iter().filter_map(|asked| machine.decisions.get(&asked.name));
        let events = asked.flat_map(|decision| &decision.choices).map(|choice| choice.event.as_str());
        events.filter(|event| self.meaning(event) != *event).collect()
    }

    /// The event of a decision's first choice.
    fn first_choice(&self, asked: &Asked) -> Option<&str> {
        let decision = self.machine.decisions.get(&asked.name)?;
        decision.choices.first().map(|first| first.event.as_str())
    }

    /// Adds the choices of one line of a decision that are legal now.
    fn choices(&mut self, choice: &definition::Choice, into: &mut Vec<Choice>) -> Result<(), Stop> {
        if !self.may_take(&choice.event) {
            return Ok(());
        }
        let items = match &choice.each {
            Some(each) => self.list(each)?,
            None => vec![Value::Null],
        };
        for (index, item) in items.into_iter().enumerate().take(MAX_ITEMS) {
            self.bind(item, index);
            let legal = self.legal(choice);
            self.locals.clear();
            into.extend(legal?);
        }
        Ok(())
    }

    /// Whether the state has a transition for the event or what it stands for, or it may be recorded.
    fn may_take(&self, event: &str) -> bool {
        self.has_way(self.meaning(event)) || self.machine.recorded.contains_key(event)
    }

    /// The choice, if its condition holds and the event would be accepted.
    fn legal(&mut self, choice: &definition::Choice) -> Result<Option<Choice>, Stop> {
        let wanted = match &choice.when {
            Some(when) => self.holds(when)?,
            None => true,
        };
        if !wanted {
            return Ok(None);
        }
        let mut data = Map::new();
        for (key, value) in &choice.data {
            if let Some(value) = self.evaluate(value)? {
                data.insert(key.clone(), value);
            }
        }
        let (id, text) = (self.render(&choice.id)?, self.render(&choice.text)?);
        self.data.clone_from(&data);
        let accepted = match (self.way(Some(self.meaning(&choice.event))), self.machine.recorded.get(&choice.event)) {
            (Ok(None), Some(condition)) => self.holds(condition),
            (way, _) => way.map(|way| way.is_some()),
        };
        self.data.clear();
        let event = choice.event.clone();
        Ok(accepted?.then_some(Choice { id, text, event, data }))
    }
}
