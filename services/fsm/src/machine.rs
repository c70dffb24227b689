//! The interpreter: what an event does to a game, as a pure function of definition, game, event, board and rolls.
//!
//! [`react`] reads no clock, no database and draws no chance. Where it needs the board or a roll that it was not given, it
//! says so ([`Stop`]) and is called again with it; nothing has happened until it answers with a [`Reaction`]. The same
//! inputs give the same reaction, so a game can be replayed from its log.

mod decide;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    board::{self, Figures, Source},
    catalogue::{self, AUTO, DIE_SELECTED, PHASE_COMPLETE, PIECE_MOVED},
    definition::{Line, Machine, State, Step, Transition, Verb},
    expression::Expression,
    text::{self, Template},
};

/// Most transitions one event may bring about. A whole turn without a decision takes fewer than fifty.
const MAX_MOVES: usize = 200;
/// How deep actions may run actions, and computed facts may build on each other.
const MAX_DEPTH: usize = 16;
/// Most items of a list that something is done for.
const MAX_ITEMS: usize = 200;
/// Most facts an event may bring.
const MAX_FACTS: usize = 64;
/// Longest text a fact may have, in bytes.
const MAX_FACT_TEXT: usize = 500;
/// Longest list a fact may have.
const MAX_FACT_ITEMS: usize = 100;

pub use decide::{Asked, Choice, Decider, DeciderKind, Decision, all_facts, decisions};

/// A game: where its machine is, and what it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Game {
    /// The state it rests in.
    pub state: String,
    /// Its variables.
    pub variables: Map<String, Value>,
    /// What it remembers beside them.
    #[serde(default, skip_serializing_if = "Memory::is_empty")]
    pub memory: Memory,
}

/// What a game remembers beside its variables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Decisions that are open, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// How many decisions were asked for so far.
    #[serde(default)]
    pub asked_count: u64,
    /// Who decides, by side; a side that is not there is a person's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deciders: BTreeMap<String, Decider>,
}

impl Memory {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Memory::default()
    }
}

/// What the service itself brings about in a game, rather than an event of its machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Somebody else decides for a side.
    SetDecider {
        /// The side.
        side: String,
        /// Who decides for it.
        decider: Decider,
    },
}

/// An event as it reaches a game.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// What it tells.
    pub data: Map<String, Value>,
    /// Who sends it, for guards that count heads.
    pub sender: String,
    /// Whether the sender is the host, or has its rights.
    pub is_host: bool,
    /// The attached players.
    pub players: Vec<String>,
    /// Whether the server rolls dice and helps the Java client.
    pub assist: bool,
    /// When it happens, Unix milliseconds.
    #[serde(default)]
    pub at: i64,
    /// What the table is told about it first, such as why the opponent chose it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What the service itself brings about; the name is then for people only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

impl Event {
    /// One that nobody sends: for a look at a game, and for its beginning.
    fn nothing(players: &[String], assist: bool) -> Event {
        Event {
            name: String::new(),
            data: Map::new(),
            sender: String::new(),
            is_host: true,
            players: players.to_vec(),
            assist,
            at: 0,
            remarks: Vec::new(),
            order: None,
        }
    }
}

/// A roll that the dice service is to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Roll {
    /// Action dice of a side, free_peoples or shadow.
    ActionDice { side: String, count: u32 },
    /// For the Hunt.
    Hunt { level: u32, free_peoples_dice: u32, rerolls: u32 },
    /// In combat.
    Combat { count: u32, target: u32, rerolls: u32 },
    /// One of so many things.
    Pick { count: u32 },
}

/// A roll that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rolled {
    /// Its id in the roll log.
    pub id: String,
    /// What was asked for.
    pub roll: Roll,
    /// Faces of action dice; {rolls, rerolled, successes} of Hunt and combat dice; from 1 the thing picked.
    pub result: Value,
}

/// Why a reaction did not come about.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The board is needed.
    Board,
    /// A roll is needed, after those that were given.
    Roll(Roll),
    /// The event is refused.
    Refused(Refusal),
}

/// Why an event is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A PIECE_MOVED that no transition wants.
    Ignored,
    /// Nobody knows the event.
    Unknown,
    /// The state has no transition for it, or no guard holds.
    Transition,
    /// What it tells cannot be read.
    Malformed,
    /// Only the host may send it.
    HostOnly,
}

impl Refusal {
    /// The text for people, and the Java line's behind `ERROR: `.
    pub fn message(self, event: &str, state: &str) -> String {
        match self {
            Refusal::Ignored => String::new(),
            Refusal::Unknown => format!("Unknown event '{event}'"),
            Refusal::Transition => format!("Invalid state transition from '{state}' via '{event}'"),
            Refusal::Malformed => format!("Malformed data for event '{event}'"),
            Refusal::HostOnly => format!("Host only: '{event}'"),
        }
    }
}

/// For whom an output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Everyone.
    Everyone,
    /// The host only.
    Host,
    /// Everyone but the host.
    Clients,
}

/// One thing to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// For whom.
    pub audience: Audience,
    /// What.
    pub kind: OutputKind,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputKind {
    /// A state was entered.
    State(String),
    /// A line of text, empty for a blank one.
    Text(String),
    /// A line that the Java client must show.
    Shown(String),
    /// A command.
    Command(String),
    /// A game record.
    Record(String),
    /// The machine rests and accepts these.
    ValidEvents(Vec<String>),
}

/// A step from state to state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The state left.
    pub from: String,
    /// The state entered.
    pub to: String,
    /// The event, or AUTO.
    pub event: String,
}

/// What an accepted event brings about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reaction {
    /// The event it stood for, if it was an alias.
    pub alias_of: String,
    /// The transitions taken.
    pub moves: Vec<Move>,
    /// What is to be told, in order.
    pub outputs: Vec<Output>,
    /// The facts that came from the event or the board and were read.
    pub facts: Map<String, Value>,
    /// Ids of the rolls used.
    pub roll_ids: Vec<String>,
    /// The game afterwards.
    pub game: Game,
}

/// What a game says when it is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The events that are accepted from the host, and from anyone else.
    pub valid_events: ValidEvents,
    /// The state's prompt.
    pub prompt: Option<String>,
    /// The lines that are told on entering the state, with the figures as they are now.
    pub menu: Vec<String>,
    /// The figures of the board, and the machine's own where the board has none.
    pub figures: Map<String, Value>,
}

/// Events that are accepted, by role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValidEvents {
    /// From the host.
    pub host: Vec<String>,
    /// From anyone else.
    pub client: Vec<String>,
}

impl ValidEvents {
    /// One output if they are alike, else one for each role.
    pub fn outputs(self) -> Vec<Output> {
        let output = |audience, events| Output { audience, kind: OutputKind::ValidEvents(events) };
        if self.host == self.client {
            return vec![output(Audience::Everyone, self.host)];
        }
        vec![output(Audience::Host, self.host), output(Audience::Clients, self.client)]
    }
}

/// A new game: the initial state, entered.
///
/// # Errors
///
/// [`Stop::Board`] or [`Stop::Roll`] if its actions need one that was not given.
pub fn begin(machine: &Machine, board: Option<&Figures>, rolls: &[Rolled], assist: bool) -> Result<Game, Stop> {
    let event = Event::nothing(&[], assist);
    let game = Game { variables: machine.variables.clone(), ..Game::default() };
    let mut run = Run::new(machine, machine.initial, &game, &event, board, rolls);
    run.enter()?;
    run.settle()?;
    run.forget_asked();
    Ok(run.into_game())
}

/// What an event does to a game.
///
/// # Errors
///
/// [`Stop`]: something is needed first, or the event is refused. Nothing has happened then.
pub fn react(
    machine: &Machine,
    game: &Game,
    event: &Event,
    board: Option<&Figures>,
    rolls: &[Rolled],
) -> Result<Reaction, Stop> {
    let Some(state) = machine.state_index(&game.state) else { return Err(Stop::Refused(Refusal::Transition)) };
    let mut run = Run::new(machine, state, game, event, board, rolls);
    run.remark();
    if let Some(order) = &event.order {
        run.obey(order)?;
        run.settle()?;
        return run.finish(String::new());
    }
    if !machine.knows(&event.name) {
        return Err(Stop::Refused(Refusal::Unknown));
    }
    run.take_facts()?;
    let alias_of = run.accept()?;
    run.settle()?;
    run.finish(alias_of)
}

/// What a game says when it is looked at.
///
/// # Errors
///
/// [`Stop::Board`] if the board is needed.
pub fn view(
    machine: &Machine,
    game: &Game,
    players: &[String],
    board: Option<&Figures>,
    assist: bool,
) -> Result<View, Stop> {
    let Some(state) = machine.state_index(&game.state) else { return Err(Stop::Refused(Refusal::Transition)) };
    let event = Event::nothing(players, assist);
    let mut run = Run::new(machine, state, game, &event, board, &[]);
    run.is_looking = true;
    let prompt = run.prompt_line()?;
    run.enter_actions()?;
    let menu = std::mem::take(&mut run.block().texts);
    let mut figures = Map::new();
    for name in board::FIGURES.iter().chain(&[
        "TURN",
        "FP_DICE_REMAINING",
        "SP_DICE_REMAINING",
        "HUNT_DICE",
        "LOCATION",
        "NEXT_ACTOR",
    ]) {
        if let Some(value) = run.fact(name, 0)? {
            figures.insert((*name).to_owned(), value);
        }
    }
    Ok(View { valid_events: run.valid_events()?, prompt, menu, figures })
}

/// What is said of one state: its lines, and the commands that go with it.
#[derive(Default)]
struct Block {
    state: Option<String>,
    texts: Vec<String>,
    commands: Vec<Output>,
}

struct Run<'a> {
    machine: &'a Machine,
    event: &'a Event,
    /// Facts that the event brings, by name in large letters.
    event_facts: Map<String, Value>,
    /// What the event tells, with the die that an alias names.
    data: Map<String, Value>,
    board: Option<&'a Figures>,
    rolls: &'a [Rolled],
    rolls_used: usize,
    /// Whether nothing happens: actions only say what they have to say.
    is_looking: bool,
    state: usize,
    variables: Map<String, Value>,
    memory: Memory,
    /// Events that actions have raised and that no transition has taken yet.
    raised: VecDeque<&'a str>,
    /// The item of a list, and its number, while something is done for each of them.
    locals: Map<String, Value>,
    read: BTreeMap<String, Value>,
    moves: Vec<Move>,
    blocks: Vec<Block>,
}

impl<'a> Run<'a> {
    fn new(
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
            state,
            variables: game.variables.clone(),
            memory: game.memory.clone(),
            raised: VecDeque::new(),
            locals: Map::new(),
            read: BTreeMap::new(),
            moves: Vec::new(),
            blocks: vec![Block::default()],
        }
    }

    fn state(&self) -> &'a State {
        &self.machine.states[self.state]
    }

    fn into_game(self) -> Game {
        Game { state: self.state().id.clone(), variables: self.variables, memory: self.memory }
    }

    /// Takes over the facts that the event brings. They are what the machine remembers from now on.
    fn take_facts(&mut self) -> Result<(), Stop> {
        let malformed = Stop::Refused(Refusal::Malformed);
        for key in ["piece_id", "from", "to"] {
            if self.data.get(key).is_some_and(|value| self.event.name == PIECE_MOVED && !value.is_i64()) {
                return Err(malformed);
            }
        }
        if self.data.get("trace_id").is_some_and(|value| !value.is_string()) {
            return Err(malformed);
        }
        let Some(facts) = self.data.get("facts") else { return Ok(()) };
        let Some(facts) = facts.as_object().filter(|facts| facts.len() <= MAX_FACTS) else { return Err(malformed) };
        for (name, value) in facts {
            let name = name.to_ascii_uppercase();
            let known = self.machine.variables.get(&name);
            let alike = known.is_none_or(|known| std::mem::discriminant(known) == std::mem::discriminant(value));
            if crate::definition::SESSION_FACTS.contains(&name.as_str()) || !alike || !is_small(value) {
                return Err(malformed);
            }
            self.event_facts.insert(name, value.clone());
        }
        for (name, value) in &self.event_facts {
            if let Some(variable) = self.variables.get_mut(name) {
                variable.clone_from(value);
            }
        }
        Ok(())
    }

    /// Takes the event, or the steps it stands for. Answers what it stood for, if it was an alias.
    fn accept(&mut self) -> Result<String, Stop> {
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
            let target = match (target, &self.state().done) {
                (PHASE_COMPLETE, Some(done)) => done.as_str(),
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

    fn has_way(&self, event: &str) -> bool {
        self.state().transitions.iter().any(|transition| transition.event.as_deref() == Some(event))
    }

    /// Takes one event: by its transition, else as a fact that is recorded, else not at all.
    fn take(&mut self, event: &str) -> Result<(), Stop> {
        if self.machine.host_only.contains(event) && !self.event.is_host && self.has_way(event) {
            return Err(Stop::Refused(Refusal::HostOnly));
        }
        if event == DIE_SELECTED && !self.data.contains_key("die") {
            self.data.insert("die".to_owned(), Value::from(1));
        }
        if let Some(transition) = self.way(Some(event))? {
            self.on_event(event)?;
            return self.go(transition, event);
        }
        if self.machine.flat && self.state().valid_events.iter().any(|valid| valid == event) && !self.has_way(event) {
            return Ok(());
        }
        let recorded = match self.machine.recorded.get(event) {
            Some(condition) => self.holds(condition)?,
            None => catalogue::RECORDED.contains(&event),
        };
        if recorded {
            return self.on_event(event);
        }
        if event == PIECE_MOVED {
            // The board has changed: what the state waits for may be there.
            self.on_event(event)?;
            return match self.way(None)? {
                Some(transition) => self.go(transition, AUTO),
                None => Err(Stop::Refused(Refusal::Ignored)),
            };
        }
        Err(Stop::Refused(Refusal::Transition))
    }

    fn on_event(&mut self, event: &str) -> Result<(), Stop> {
        match self.machine.on_event.get(event) {
            Some(steps) => self.steps(steps, 0),
            None => Ok(()),
        }
    }

    /// The first transition for an event, or the first automatic one, whose guard holds.
    fn way(&mut self, event: Option<&str>) -> Result<Option<&'a Transition>, Stop> {
        for transition in &self.state().transitions {
            if transition.event.as_deref() == event && self.guard_holds(transition)? {
                return Ok(Some(transition));
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

    fn go(&mut self, transition: &'a Transition, event: &str) -> Result<(), Stop> {
        if self.moves.len() == MAX_MOVES {
            tracing::error!(machine = self.machine.name, state = self.state().id, "the machine does not come to rest");
            return Err(Stop::Refused(Refusal::Transition));
        }
        let from = self.state();
        self.blocks.push(Block::default());
        for action in &from.exit {
            self.action(action, 0)?;
        }
        if let Some(prompt) = &from.exit_prompt {
            self.say_prompt(prompt)?;
        }
        for action in &transition.actions {
            self.action(action, 0)?;
        }
        let commands = transition.commands.iter().cloned().map(OutputKind::Command);
        self.block().commands.extend(commands.map(|kind| Output { audience: Audience::Everyone, kind }));
        self.state = transition.target;
        self.moves.push(Move { from: from.id.clone(), to: self.state().id.clone(), event: event.to_owned() });
        self.enter()
    }

    /// Entry of the state: its prompt, then its actions.
    fn enter(&mut self) -> Result<(), Stop> {
        let state = self.state();
        self.block().state = Some(state.id.clone());
        if let Some(prompt) = &state.prompt {
            self.say_prompt(prompt)?;
        }
        self.enter_actions()?;
        let commands = state.commands.iter().cloned().map(OutputKind::Command);
        self.block().commands.extend(commands.map(|kind| Output { audience: Audience::Everyone, kind }));
        Ok(())
    }

    fn enter_actions(&mut self) -> Result<(), Stop> {
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
    fn settle(&mut self) -> Result<(), Stop> {
        loop {
            if let Some(transition) = self.way(None)? {
                self.go(transition, AUTO)?;
            } else if let Some(event) = self.raised.pop_front() {
                if let Some(transition) = self.way(Some(event))? {
                    self.on_event(event)?;
                    self.go(transition, event)?;
                }
            } else {
                return Ok(());
            }
        }
    }

    fn finish(mut self, alias_of: String) -> Result<Reaction, Stop> {
        self.forget_asked();
        let valid_events = self.valid_events()?;
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
                outputs.extend(valid_events.clone().outputs());
            }
            outputs.extend(block.commands);
        }
        let roll_ids = self.rolls[..self.rolls_used].iter().map(|rolled| rolled.id.clone()).collect();
        let facts = std::mem::take(&mut self.read).into_iter().collect();
        let moves = std::mem::take(&mut self.moves);
        Ok(Reaction { alias_of, moves, outputs, facts, roll_ids, game: self.into_game() })
    }

    /// The events that the state accepts now, the most specific first.
    fn valid_events(&mut self) -> Result<ValidEvents, Stop> {
        let state = self.state();
        if self.machine.flat {
            let events = state.valid_events.clone();
            return Ok(ValidEvents { host: events.clone(), client: events });
        }
        // What the event just taken has told is no part of the next one.
        let data = std::mem::take(&mut self.data);
        let event_facts = std::mem::take(&mut self.event_facts);
        let mut host = Vec::new();
        for event in &state.valid_events {
            let mut ways = state.transitions.iter().filter(|way| way.event.as_ref() == Some(event)).peekable();
            let announced_only = ways.peek().is_none();
            let mut open = announced_only || event == PIECE_MOVED;
            for transition in ways {
                open = open || self.guard_holds(transition)?;
            }
            if open {
                host.push(event.clone());
            }
        }
        (self.data, self.event_facts) = (data, event_facts);
        let done = state.done.as_ref().filter(|done| host.contains(done)).cloned();
        let mut client: Vec<String> =
            host.iter().filter(|event| !self.machine.host_only.contains(*event)).cloned().collect();
        if let Some(done) = done {
            for events in [&mut host, &mut client] {
                if events.contains(&done) && !events.iter().any(|event| event == PHASE_COMPLETE) {
                    events.push(PHASE_COMPLETE.to_owned());
                }
            }
        }
        Ok(ValidEvents { host, client })
    }

    fn block(&mut self) -> &mut Block {
        self.blocks.last_mut().expect("there is one from the beginning")
    }

    fn say(&mut self, text: String) {
        self.block().texts.push(text);
    }

    fn say_prompt(&mut self, id: &str) -> Result<(), Stop> {
        if let Some(template) = self.machine.prompts.get(id) {
            let text = self.render(template)?;
            self.say(text);
        }
        Ok(())
    }

    fn prompt_line(&mut self) -> Result<Option<String>, Stop> {
        match self.state().prompt.as_ref().and_then(|id| self.machine.prompts.get(id)) {
            Some(template) => self.render(template).map(Some),
            None => Ok(None),
        }
    }

    fn action(&mut self, name: &str, depth: usize) -> Result<(), Stop> {
        if let Some(steps) = self.machine.actions.get(name) {
            return self.steps(steps, depth);
        }
        match name.strip_prefix("PROMPT_") {
            Some(prompt) => self.say_prompt(prompt),
            None => Ok(()),
        }
    }

    fn steps(&mut self, steps: &'a [Step], depth: usize) -> Result<(), Stop> {
        if depth == MAX_DEPTH {
            return Ok(());
        }
        for Step { each, when, verb } in steps {
            let Some(each) = each else {
                self.step(when.as_ref(), verb, depth)?;
                continue;
            };
            let outer = self.locals.clone();
            for (index, item) in self.list(each)?.into_iter().enumerate().take(MAX_ITEMS) {
                self.bind(item, index);
                self.step(when.as_ref(), verb, depth)?;
            }
            self.locals = outer;
        }
        Ok(())
    }

    fn step(&mut self, when: Option<&'a Expression>, verb: &'a Verb, depth: usize) -> Result<(), Stop> {
        let wanted = match when {
            Some(when) => self.holds(when)?,
            None => true,
        };
        if wanted { self.verb(verb, depth) } else { Ok(()) }
    }

    /// Makes an item of a list, and its number, known to what is done for each of them.
    fn bind(&mut self, item: Value, index: usize) {
        self.locals.insert("ITEM".to_owned(), item);
        self.locals.insert("NUMBER".to_owned(), Value::from(index + 1));
    }

    fn verb(&mut self, verb: &'a Verb, depth: usize) -> Result<(), Stop> {
        let says = matches!(verb, Verb::Prompt(_) | Verb::Menu(_) | Verb::Say(_) | Verb::Run(_));
        if self.is_looking && !says {
            return Ok(());
        }
        match verb {
            Verb::Prompt(id) => self.say_prompt(id)?,
            Verb::Menu(name) => {
                for Line { when, text } in self.machine.menus.get(name).into_iter().flatten() {
                    let wanted = match when {
                        Some(when) => self.holds(when)?,
                        None => true,
                    };
                    if wanted {
                        let line = match text {
                            Some(template) => self.render(template)?,
                            None => text::ruler(),
                        };
                        self.say(line);
                    }
                }
            }
            Verb::Say(template) => {
                let text = self.render(template)?;
                self.say(text);
            }
            Verb::Show(template) => self.tell_host(template, OutputKind::Shown)?,
            Verb::Record(template) => self.tell_host(template, OutputKind::Record)?,
            Verb::Command(template) => {
                let kind = OutputKind::Command(self.render(template)?);
                self.block().commands.push(Output { audience: Audience::Everyone, kind });
            }
            Verb::Set(assignments) => {
                for (name, value) in assignments {
                    if let Some(value) = self.evaluate(value)? {
                        self.variables.insert(name.clone(), value);
                    }
                }
            }
            Verb::Pair { keys, values, into } => {
                let keys = self.list(keys)?;
                let values = self.list(values)?;
                if keys.len() == values.len() {
                    self.variables.insert(into.clone(), pair(&keys, values));
                }
            }
            Verb::RollActionDice { side, dice, into } => {
                let dice = self.list(dice)?;
                if let Ok(count @ 1..) = u32::try_from(dice.len()) {
                    let faces = self.roll(Roll::ActionDice { side: side.clone(), count })?;
                    let faces = faces.as_array().cloned().unwrap_or_default();
                    self.variables.insert(into.clone(), pair(&dice, faces));
                }
            }
            Verb::RollHunt { level, free_peoples_dice, rerolls, into } => {
                let level = self.number(level, 20)?;
                let free_peoples_dice = self.number(free_peoples_dice, 20)?;
                let rerolls = self.number(rerolls, 3)?;
                let result = match level {
                    0 => json!({"rolls": [], "rerolled": [], "successes": 0}),
                    level => self.roll(Roll::Hunt { level, free_peoples_dice, rerolls })?,
                };
                self.variables.insert(into.clone(), result);
            }
            Verb::RollCombat { count, target, rerolls, into } => {
                let count = self.number(count, 5)?;
                let target = self.number(target, 6)?.max(2);
                let rerolls = self.number(rerolls, 5)?;
                let result = match count {
                    0 => json!({"rolls": [], "rerolled": [], "successes": 0}),
                    count => self.roll(Roll::Combat { count, target, rerolls })?,
                };
                self.variables.insert(into.clone(), result);
            }
            Verb::Pick { from, into } => {
                let items = self.list(from)?;
                if let Ok(count @ 1..) = u32::try_from(items.len()) {
                    let picked = self.roll(Roll::Pick { count })?;
                    let index = picked
                        .as_u64()
                        .and_then(|number| usize::try_from(number).ok())
                        .unwrap_or(1)
                        .clamp(1, items.len());
                    self.variables.insert(into.clone(), items[index - 1].clone());
                }
            }
            Verb::Raise(event) if self.raised.len() < MAX_MOVES => self.raised.push_back(event),
            Verb::Raise(_) => {}
            Verb::Ask(name) => self.ask(name),
            Verb::Run(name) => self.action(name, depth + 1)?,
        }
        Ok(())
    }

    fn tell_host(&mut self, template: &Template, kind: fn(String) -> OutputKind) -> Result<(), Stop> {
        if self.event.assist {
            let kind = kind(self.render(template)?);
            self.block().commands.push(Output { audience: Audience::Host, kind });
        }
        Ok(())
    }

    /// The next roll of those that were given.
    fn roll(&mut self, roll: Roll) -> Result<Value, Stop> {
        match self.rolls.get(self.rolls_used) {
            Some(rolled) => {
                self.rolls_used += 1;
                Ok(rolled.result.clone())
            }
            None => Err(Stop::Roll(roll)),
        }
    }

    fn list(&mut self, expression: &Expression) -> Result<Vec<Value>, Stop> {
        let value = self.evaluate(expression)?;
        Ok(value.and_then(|value| value.as_array().cloned()).unwrap_or_default())
    }

    fn number(&mut self, expression: &Expression, highest: u32) -> Result<u32, Stop> {
        let value = self.evaluate(expression)?.and_then(|value| value.as_i64()).unwrap_or(0);
        Ok(u32::try_from(value.max(0)).unwrap_or(highest).min(highest))
    }

    fn render(&mut self, template: &Template) -> Result<String, Stop> {
        let facts = self.facts(template.facts(), 0)?;
        Ok(template.render(&facts))
    }

    fn holds(&mut self, expression: &Expression) -> Result<bool, Stop> {
        Ok(self.evaluate(expression)? == Some(Value::Bool(true)))
    }

    /// The value, or `None` where the facts do not fit: a guard is false then, and nothing is set.
    fn evaluate(&mut self, expression: &Expression) -> Result<Option<Value>, Stop> {
        self.evaluate_at(expression, 0)
    }

    fn evaluate_at(&mut self, expression: &Expression, depth: usize) -> Result<Option<Value>, Stop> {
        let facts = self.facts(expression.facts().iter().map(String::as_str), depth)?;
        match expression.evaluate(&facts) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                tracing::debug!(machine = self.machine.name, %error, "an expression has no value");
                Ok(None)
            }
        }
    }

    fn facts<'n>(&mut self, names: impl Iterator<Item = &'n str>, depth: usize) -> Result<Map<String, Value>, Stop> {
        let mut facts = Map::new();
        for name in names {
            if let Some(value) = self.fact(name, depth)? {
                facts.insert(name.to_owned(), value);
            }
        }
        Ok(facts)
    }

    /// A fact: from the event, else from the board, else computed, else the machine's own variable or constant.
    fn fact(&mut self, name: &str, depth: usize) -> Result<Option<Value>, Stop> {
        if let Some(value) = self.locals.get(name) {
            return Ok(Some(value.clone()));
        }
        if let Some(value) = self.session_fact(name)? {
            return Ok(Some(value));
        }
        if let Some(value) = self.event_facts.get(name) {
            let value = value.clone();
            self.read.insert(name.to_owned(), value.clone());
            return Ok(Some(value));
        }
        if board::FIGURES.contains(&name) {
            let board = self.board.ok_or(Stop::Board)?;
            if let Some(value) = board.values.get(name) {
                self.read.insert(name.to_owned(), value.clone());
                return Ok(Some(value.clone()));
            }
        }
        if let Some(expression) = self.machine.computed.get(name) {
            return if depth == MAX_DEPTH { Ok(None) } else { self.evaluate_at(expression, depth + 1) };
        }
        Ok(self.variables.get(name).or_else(|| self.machine.constants.get(name)).cloned())
    }

    fn session_fact(&mut self, name: &str) -> Result<Option<Value>, Stop> {
        Ok(Some(match name {
            "ASSIST" => Value::from(self.event.assist),
            "EVENT" => Value::Object(self.data.clone()),
            "EVENT_NAME" => Value::from(self.event.name.as_str()),
            "HAS_DATABASE" => {
                let there = self.board.ok_or(Stop::Board)?.source != Source::Machine;
                self.read.insert(name.to_owned(), Value::from(there));
                Value::from(there)
            }
            "PLAYERS" => Value::from(self.event.players.clone()),
            "PROMPT" => Value::from(self.prompt_line()?.unwrap_or_default()),
            "ROLE" => Value::from(if self.event.is_host { "host" } else { "client" }),
            "SENDER" => Value::from(self.event.sender.as_str()),
            "STATE" => Value::from(self.state().id.as_str()),
            "VALID_EVENTS" => Value::from(self.state().valid_events.clone()),
            _ => return Ok(None),
        }))
    }
}

fn pair(keys: &[Value], values: Vec<Value>) -> Value {
    let text = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    Value::Object(keys.iter().map(text).zip(values).collect())
}

/// Whether a fact that an event brings is within the limits.
fn is_small(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) => true,
        Value::Number(number) => number.is_i64(),
        Value::String(text) => text.len() <= MAX_FACT_TEXT,
        Value::Array(items) => {
            items.len() <= MAX_FACT_ITEMS
                && items.iter().all(|item| !item.is_array() && !item.is_object() && is_small(item))
        }
        Value::Object(fields) => {
            fields.len() <= MAX_FACTS
                && fields.values().all(|item| !item.is_array() && !item.is_object() && is_small(item))
        }
    }
}
