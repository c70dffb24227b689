//! Steps from state to state: which transition is taken, what is left and entered, in which order.
//!
//! A game rests in one atomic state and is in all states around it. A parallel state would have several of them at a
//! time: `state` would then be a set, and `lineage` its union.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Map, Value};

use super::{
    Audience, Event, Game, MAX_MOVES, Memory, Move, Output, OutputKind, Reaction, Refusal, Rolled, Stop, ValidEvents,
    Variables,
};
use crate::{
    board::Figures,
    catalogue::{self, AUTO, DIE_SELECTED, PHASE_COMPLETE, PIECE_MOVED},
    definition::{Machine, State, Timeout, Transition, Way},
};

/// Most sub-machines that may be under way within each other.
const MAX_CALLS: usize = 32;

/// What is said of one state: its lines, and the commands that go with it.
#[derive(Default)]
pub(super) struct Block {
    pub(super) state: Option<String>,
    pub(super) texts: Vec<String>,
    pub(super) commands: Vec<Output>,
}

pub(super) struct Run<'a> {
    pub(super) machine: &'a Machine,
    pub(super) event: &'a Event,
    /// Facts that the event brings, by name in large letters.
    pub(super) event_facts: Map<String, Value>,
    /// What the event tells, with the die that an alias names.
    pub(super) data: Map<String, Value>,
    pub(super) board: Option<&'a Figures>,
    pub(super) rolls: &'a [Rolled],
    pub(super) rolls_used: usize,
    /// Whether nothing happens: actions only say what they have to say.
    pub(super) is_looking: bool,
    /// Whether a record of this event moves pieces.
    pub(super) tells_moves: bool,
    /// Index of the atomic state.
    pub(super) state: usize,
    pub(super) variables: Variables,
    pub(super) memory: Memory,
    /// How many decisions had been asked for before the event under way.
    pub(super) asked_before: u64,
    /// Events that actions have raised and that no transition has taken yet.
    pub(super) raised: VecDeque<String>,
    /// The item of a list, and its number, while something is done for each of them.
    pub(super) locals: Map<String, Value>,
    /// Computed facts that are known as things stand; those that an event or an item of a list has a part in are none.
    pub(super) computed: HashMap<&'a str, Option<Value>>,
    pub(super) read: BTreeMap<String, Value>,
    moves: Vec<Move>,
    pub(super) blocks: Vec<Block>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        machine: &'a Machine,
        state: usize,
        game: &Game,
        event: &'a Event,
        board: Option<&'a Figures>,
        rolls: &'a [Rolled],
    ) -> Run<'a> {
        Run {
            machine,
            event,
            event_facts: Map::new(),
            data: event.data.clone(),
            board,
            rolls,
            rolls_used: 0,
            is_looking: false,
            tells_moves: false,
            state,
            variables: game.variables.clone(),
            memory: game.memory.clone(),
            asked_before: game.memory.asked_count,
            raised: game.memory.raised.iter().cloned().collect(),
            locals: Map::new(),
            computed: HashMap::new(),
            read: BTreeMap::new(),
            moves: Vec::new(),
            blocks: vec![Block::default()],
        }
    }

    pub(super) fn state(&self) -> &'a State {
        &self.machine.states[self.state]
    }

    /// The state and those around it, the innermost first.
    fn lineage(&self) -> impl Iterator<Item = (usize, &'a State)> + use<'a> {
        let machine = self.machine;
        machine.lineage(self.state).map(|index| (index, &machine.states[index]))
    }

    pub(super) fn set(&mut self, name: String, value: Value) {
        self.variables.insert(name, value);
        self.computed.clear();
    }

    pub(super) fn into_game(mut self) -> Game {
        let state = self.state().id.clone();
        self.memory.raised = self.raised.into_iter().collect();
        Game { state, variables: self.variables, memory: self.memory }
    }

    /// Takes the event, or the steps it stands for. Answers what it stood for, if it was an alias.
    pub(super) fn accept(&mut self) -> Result<String, Stop> {
        let name = self.event.name.as_str();
        if self.has_way(name) || self.machine.flat && self.state().valid_events.iter().any(|valid| valid == name) {
            self.take(name)?;
            return Ok(String::new());
        }
        if let Some(die) = catalogue::die_of_execute_action(name) {
            self.data.insert("die".to_owned(), Value::from(die));
            let first = [DIE_SELECTED, PIECE_MOVED].into_iter().find(|step| self.has_way(step));
            if let Some(first) = first {
                self.take(first)?;
            }
            if !self.has_way("ACTION_SELECTED") {
                return Err(Stop::Refused(Refusal::Transition));
            }
            self.take("ACTION_SELECTED")?;
            return Ok("ACTION_SELECTED".to_owned());
        }
        for target in catalogue::alias_targets(name).iter().copied().chain([name]) {
            let done = self.lineage().find_map(|(_, state)| state.done.as_deref());
            let target = match (target, done) {
                (PHASE_COMPLETE, Some(done)) => done,
                _ => target,
            };
            if self.has_way(target) {
                if name == DIE_SELECTED && !self.data.contains_key("die") {
                    self.data.insert("die".to_owned(), Value::from(1));
                }
                self.take(target)?;
                return Ok(target.to_owned());
            }
        }
        self.take(name)?;
        Ok(String::new())
    }

    pub(super) fn has_way(&self, event: &str) -> bool {
        let mut ways = self.lineage().flat_map(|(_, state)| &state.transitions);
        ways.any(|transition| transition.event.as_deref() == Some(event))
    }

    /// What the state takes an event for that it has no transition for: the first that it may stand for, else itself.
    pub(super) fn meaning<'e>(&self, event: &'e str) -> &'e str {
        let targets = catalogue::alias_targets(event).iter().copied();
        [event].into_iter().chain(targets).find(|target| self.has_way(target)).unwrap_or(event)
    }

    /// Takes one event: by its transition, else as a fact that is recorded, else not at all.
    pub(super) fn take(&mut self, event: &str) -> Result<(), Stop> {
        self.settle_asked();
        if self.machine.host_only.contains(event) && !self.event.is_host && self.has_way(event) {
            return Err(Stop::Refused(Refusal::HostOnly));
        }
        if event == DIE_SELECTED && !self.data.contains_key("die") {
            self.data.insert("die".to_owned(), Value::from(1));
        }
        if let Some((source, transition)) = self.way(Some(event))? {
            self.on_event(event)?;
            return self.go(source, transition, event);
        }
        if self.machine.flat && self.state().valid_events.iter().any(|valid| valid == event) && !self.has_way(event) {
            return Ok(());
        }
        if self.is_recorded(event)? {
            return self.on_event(event);
        }
        if event == PIECE_MOVED {
            // The board has changed: what the state waits for may be there.
            self.on_event(event)?;
            return match self.way(None)? {
                Some((source, transition)) if !self.is_pausing() => self.go(source, transition, AUTO),
                _ => Err(Stop::Refused(Refusal::Ignored)),
            };
        }
        Err(Stop::Refused(Refusal::Transition))
    }

    /// Whether an event for which there is no transition is recorded here.
    fn is_recorded(&mut self, event: &str) -> Result<bool, Stop> {
        match self.machine.recorded.get(event) {
            Some(condition) => self.holds(condition),
            None => Ok(catalogue::RECORDED.contains(&event)),
        }
    }

    pub(super) fn on_event(&mut self, event: &str) -> Result<(), Stop> {
        match self.machine.on_event.get(event) {
            Some(steps) => self.steps(steps, 0),
            None => Ok(()),
        }
    }

    /// The first transition for an event, or the first automatic one, whose guard holds, with the state that has it: inner
    /// states before those around them.
    pub(super) fn way(&mut self, event: Option<&str>) -> Result<Option<(usize, &'a Transition)>, Stop> {
        for (index, state) in self.lineage() {
            for transition in &state.transitions {
                let can_return = transition.way != Way::Return || !self.memory.calls.is_empty();
                if transition.event.as_deref() == event && can_return && self.guard_holds(transition)? {
                    return Ok(Some((index, transition)));
                }
            }
        }
        Ok(None)
    }

    fn guard_holds(&mut self, transition: &Transition) -> Result<bool, Stop> {
        match &transition.guard {
            Some(guard) => self.holds(guard),
            None => Ok(true),
        }
    }

    /// Takes a transition of the state at `source`, which is the atomic state or around it.
    pub(super) fn go(&mut self, source: usize, transition: &'a Transition, event: &str) -> Result<(), Stop> {
        if self.moves.len() == MAX_MOVES {
            tracing::error!(machine = self.machine.name, state = self.state().id, "the machine does not come to rest");
            return Err(Stop::Refused(Refusal::Transition));
        }
        let from = self.state();
        let target = match &transition.way {
            Way::Stay => None,
            Way::Return => {
                let back = self.memory.calls.pop().and_then(|back| self.machine.state_index(&back));
                Some(back.ok_or(Stop::Refused(Refusal::Transition))?)
            }
            Way::Call { back } => {
                if MAX_CALLS <= self.memory.calls.len() {
                    return Err(Stop::Refused(Refusal::Transition));
                }
                self.memory.calls.push(self.machine.states[*back].id.clone());
                Some(transition.target)
            }
            Way::External | Way::Internal => Some(transition.target),
        };
        self.blocks.push(Block::default());
        let domain = target.and_then(|target| self.domain(source, target, &transition.way));
        let mut left = Vec::new();
        if target.is_some() {
            left.extend(self.lineage().take_while(|(index, _)| Some(*index) != domain).map(|(_, state)| &*state.id));
            self.exit_to(domain)?;
        }
        for action in &transition.actions {
            self.action(action, 0)?;
        }
        let commands = transition.commands.iter().cloned().map(OutputKind::Command);
        self.block().commands.extend(commands.map(|kind| Output { audience: Audience::Everyone, kind }));
        let Some(target) = target else {
            self.moves.push(Move { from: from.id.clone(), to: from.id.clone(), event: event.to_owned() });
            return Ok(());
        };
        let leaf = self.machine.leaf(target);
        self.carry_asked(&left, &self.machine.states[leaf].id);
        self.moves.push(Move {
            from: from.id.clone(),
            to: self.machine.states[leaf].id.clone(),
            event: event.to_owned(),
        });
        self.enter_from(domain, leaf)
    }

    /// The innermost state that is neither left nor entered; `None` if there is none: the machine itself.
    fn domain(&self, source: usize, target: usize, way: &Way) -> Option<usize> {
        let is_inside = |outer: usize| target != outer && self.machine.lineage(target).any(|index| index == outer);
        if *way == Way::Internal && is_inside(source) {
            return Some(source);
        }
        self.machine.lineage(source).skip(1).find(|outer| is_inside(*outer))
    }

    /// Leaves the states inside `domain`, the innermost first.
    fn exit_to(&mut self, domain: Option<usize>) -> Result<(), Stop> {
        for (_, state) in self.lineage().take_while(|(index, _)| Some(*index) != domain) {
            for action in &state.exit {
                self.action(action, 0)?;
            }
            if let Some(prompt) = &state.exit_prompt {
                self.say_prompt(prompt)?;
            }
            self.end_timers_of(&state.id);
            self.leave_asked(&state.id);
        }
        Ok(())
    }

    /// Enters the states inside `domain` down to the atomic one, the outermost first.
    fn enter_from(&mut self, domain: Option<usize>, leaf: usize) -> Result<(), Stop> {
        let mut path: Vec<usize> = self.machine.lineage(leaf).take_while(|index| Some(*index) != domain).collect();
        while let Some(index) = path.pop() {
            self.state = index;
            self.computed.clear();
            if self.block().state.is_some() {
                self.blocks.push(Block::default());
            }
            self.enter()?;
        }
        let state = self.state();
        if state.is_final
            && let Some(parent) = state.parent
        {
            self.raised.push_back(format!("done.state.{}", self.machine.states[parent].id));
        }
        Ok(())
    }

    /// Enters the initial state.
    pub(super) fn enter_initial(&mut self) -> Result<(), Stop> {
        self.enter_from(None, self.machine.leaf(self.state))
    }

    /// Entry of the state: its prompt, its actions, its time-outs.
    fn enter(&mut self) -> Result<(), Stop> {
        let state = self.state();
        self.block().state = Some(state.id.clone());
        if let Some(prompt) = &state.prompt {
            self.say_prompt(prompt)?;
        }
        self.enter_actions()?;
        let commands = state.commands.iter().cloned().map(OutputKind::Command);
        self.block().commands.extend(commands.map(|kind| Output { audience: Audience::Everyone, kind }));
        for Timeout { after, event } in &state.timeouts {
            let after = self.milliseconds(after)?;
            self.arrange(event, "", after, state.id.clone());
        }
        Ok(())
    }

    pub(super) fn enter_actions(&mut self) -> Result<(), Stop> {
        let state = self.state();
        for action in &state.entry {
            // The prompt just said need not be said again by the action that is named after it.
            let said = action.strip_prefix("PROMPT_").is_some_and(|id| state.prompt.as_deref() == Some(id));
            if !said || self.machine.actions.contains_key(action) {
                self.action(action, 0)?;
            }
        }
        Ok(())
    }

    /// Automatic moves until none holds, then the next event that was raised, until there is none.
    pub(super) fn settle(&mut self) -> Result<(), Stop> {
        while !self.is_pausing() {
            if let Some((source, transition)) = self.way(None)? {
                self.go(source, transition, AUTO)?;
            } else if let Some(event) = self.raised.pop_front() {
                self.settle_asked();
                if let Some((source, transition)) = self.way(Some(&event))? {
                    self.on_event(&event)?;
                    self.go(source, transition, &event)?;
                }
            } else {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self, alias_of: String) -> Result<Reaction, Stop> {
        self.forget_asked();
        self.forget_foreseen();
        let mut valid_events = Some(self.valid_events()?);
        let mut outputs = Vec::new();
        let last = self.blocks.len() - 1;
        for (index, block) in std::mem::take(&mut self.blocks).into_iter().enumerate() {
            let everyone = |kind| Output { audience: Audience::Everyone, kind };
            let host = |kind| Output { audience: Audience::Host, kind };
            outputs.extend(block.state.map(|state| everyone(OutputKind::State(state))));
            if self.event.assist {
                let shown: Vec<_> = block.texts.iter().filter(|text| !text.is_empty()).cloned().collect();
                outputs.extend(block.texts.into_iter().map(|text| everyone(OutputKind::Text(text))));
                outputs.extend(shown.into_iter().map(|text| host(OutputKind::Shown(text))));
            } else {
                outputs.extend(block.texts.into_iter().map(|text| everyone(OutputKind::Text(text))));
            }
            // A resting state's own commands come after the valid events.
            if index == last {
                outputs.extend(valid_events.take().into_iter().flat_map(ValidEvents::outputs));
            }
            outputs.extend(block.commands);
        }
        let roll_ids = self.rolls[..self.rolls_used].iter().map(|rolled| rolled.id.clone()).collect();
        let facts = std::mem::take(&mut self.read).into_iter().collect();
        let moves = std::mem::take(&mut self.moves);
        Ok(Reaction { alias_of, moves, outputs, facts, roll_ids, game: self.into_game() })
    }

    /// The events that the state accepts now, the most specific first.
    pub(super) fn valid_events(&mut self) -> Result<ValidEvents, Stop> {
        let state = self.state();
        if self.machine.flat {
            let events = state.valid_events.clone();
            return Ok(ValidEvents { host: events.clone(), client: events });
        }
        // What the event just taken has told is no part of the next one.
        let data = std::mem::take(&mut self.data);
        let event_facts = std::mem::take(&mut self.event_facts);
        self.computed.clear();
        let mut host = Vec::new();
        let mut seen: Vec<&String> = Vec::new();
        for event in self.lineage().flat_map(|(_, state)| &state.valid_events) {
            if seen.contains(&event) {
                continue;
            }
            seen.push(event);
            let all = self.lineage().flat_map(|(_, state)| &state.transitions);
            let mut ways = all.filter(|way| way.event.as_ref() == Some(event)).peekable();
            let announced_only = ways.peek().is_none();
            let mut open = announced_only || event == PIECE_MOVED;
            for transition in ways {
                open = open || (!transition.quiet && self.guard_holds(transition)?);
            }
            if open {
                host.push(event.clone());
            }
        }
        // What is asked may be chosen by a name that stands for an event of the state.
        for name in self.asked_aliases() {
            let target = self.meaning(name);
            if !host.iter().any(|event| event == name) && host.iter().any(|event| event == target) {
                host.push(name.to_owned());
            }
        }
        // What ends the state's business need not be listed by its own name.
        let mut done = self.lineage().find_map(|(_, state)| state.done.as_ref());
        if let Some(event) = done
            && !host.contains(event)
            && self.way(Some(event))?.is_none()
            && !self.is_recorded(event)?
        {
            done = None;
        }
        (self.data, self.event_facts) = (data, event_facts);
        self.computed.clear();
        let mut client: Vec<String> =
            host.iter().filter(|event| !self.machine.host_only.contains(*event)).cloned().collect();
        if let Some(done) = done {
            for (events, is_host) in [(&mut host, true), (&mut client, false)] {
                let is_theirs = is_host || !self.machine.host_only.contains(done);
                if is_theirs && !events.iter().any(|event| event == PHASE_COMPLETE) {
                    events.push(PHASE_COMPLETE.to_owned());
                }
            }
        }
        Ok(ValidEvents { host, client })
    }
}
