//! Definitions: a machine as data, read from either format, checked as a whole and compiled once.
//!
//! The modules format (`wotr_fsm.yml`, YAML or JSON) names its guards and actions only; what they mean stands in the
//! game's library, `machines/war-of-the-ring.library.yaml`, which a definition may add to. The flat format of the
//! document needs no library.

mod check;
mod locate;
pub mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use serde_json::{Map, Value};

use crate::{
    board,
    catalogue::{self, AUTO},
    expression::Expression,
    text::Template,
};
use source::{FlatTransition, Grace, Library, MenuLine, Operation};

/// Largest definition accepted, in bytes.
pub const MAX_SIZE: usize = 4 * 1024 * 1024;
/// Most states a definition may have.
const MAX_STATES: usize = 2_000;
/// Time for which the document keeps a game without a connection.
const DEFAULT_GRACE: Duration = Duration::from_secs(30);
/// Longest grace accepted, in seconds: a year.
const MAX_GRACE_SECONDS: u64 = 366 * 24 * 3600;

const WAR_OF_THE_RING: &str = include_str!("../machines/war-of-the-ring.yaml");
const WAR_OF_THE_RING_LIBRARY: &str = include_str!("../machines/war-of-the-ring.library.yaml");
const DOCUMENT: &str = include_str!("../machines/document.json");

/// The machines that come with the service, by name.
pub const BUILT_IN: &[(&str, &str)] = &[("war-of-the-ring", WAR_OF_THE_RING), ("document", DOCUMENT)];

/// Facts that every reaction has beside those of the machine: about the event, its sender and the game's table.
pub const SESSION_FACTS: &[&str] =
    &["ASSIST", "EVENT", "EVENT_NAME", "HAS_DATABASE", "PLAYERS", "PROMPT", "ROLE", "SENDER", "STATE", "VALID_EVENTS"];

/// Facts that are there while something is done for each item of a list: the item, and its number from 1.
pub const LOCAL_FACTS: &[&str] = &["ITEM", "NUMBER"];

/// A machine, ready to run.
#[derive(Debug)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Whether it is of the flat format, which announces its events as they stand.
    pub flat: bool,
    /// How long a game is kept after its last watcher is gone; `None`: for ever.
    pub grace: Option<Duration>,
    /// Index of the initial state.
    pub initial: usize,
    /// The states.
    pub states: Vec<State>,
    /// Values of the variables in a new game.
    pub variables: Map<String, Value>,
    /// Values that never change.
    pub constants: Map<String, Value>,
    /// Computed facts and named guards.
    pub computed: BTreeMap<String, Expression>,
    /// Actions by name.
    pub actions: BTreeMap<String, Vec<Step>>,
    /// What is done whenever an event is accepted.
    pub on_event: BTreeMap<String, Vec<Step>>,
    /// When an event that no transition wants is recorded; those of the catalogue always are.
    pub recorded: BTreeMap<String, Expression>,
    /// Menus by name.
    pub menus: BTreeMap<String, Vec<Line>>,
    /// Prompts by id.
    pub prompts: BTreeMap<String, Template>,
    /// Decisions by name.
    pub decisions: BTreeMap<String, Decision>,
    /// The sides that somebody decides for.
    pub sides: Vec<String>,
    /// Events that only the host may send.
    pub host_only: BTreeSet<String>,
    /// Events that some state has a transition for or announces.
    pub events: BTreeSet<String>,
}

/// A state.
#[derive(Debug)]
pub struct State {
    /// Its name.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// What it is for, for people; empty if the definition does not say.
    pub description: String,
    /// The phase or subsystem it belongs to; empty if there is none.
    pub phase: String,
    /// Whether the game is over in it.
    pub is_final: bool,
    /// What is said on entering, and in the greeting.
    pub prompt: Option<String>,
    /// What is said on leaving.
    pub exit_prompt: Option<String>,
    /// Actions on entering.
    pub entry: Vec<String>,
    /// Actions on leaving.
    pub exit: Vec<String>,
    /// Commands on entering, of the flat format.
    pub commands: Vec<String>,
    /// Ways out, the first that fits being taken.
    pub transitions: Vec<Transition>,
    /// Events that are announced.
    pub valid_events: Vec<String>,
    /// The event that PHASE_COMPLETE stands for.
    pub done: Option<String>,
}

/// A way out of a state.
#[derive(Debug)]
pub struct Transition {
    /// The event; `None`: taken by itself.
    pub event: Option<String>,
    /// Index of the state entered.
    pub target: usize,
    /// The condition.
    pub guard: Option<Expression>,
    /// Actions on the way.
    pub actions: Vec<String>,
    /// Commands on the way, of the flat format.
    pub commands: Vec<String>,
}

/// A step of an action, under a condition or not.
#[derive(Debug)]
pub struct Step {
    /// Once for each item of this list.
    pub each: Option<Expression>,
    /// Only if this holds.
    pub when: Option<Expression>,
    /// What is done.
    pub verb: Verb,
}

/// What a step does.
#[derive(Debug)]
pub enum Verb {
    /// Says a prompt.
    Prompt(String),
    /// Says a menu.
    Menu(String),
    /// Says a line.
    Say(Template),
    /// Shows a line to the host, in assist only.
    Show(Template),
    /// Sends a command.
    Command(Template),
    /// Sends a game record to the host, in assist only.
    Record(Template),
    /// Sets variables, one after the other.
    Set(Vec<(String, Expression)>),
    /// Sets a variable to a map from two lists.
    Pair { keys: Expression, values: Expression, into: String },
    /// Rolls action dice.
    RollActionDice { side: String, dice: Expression, into: String },
    /// Rolls for the Hunt.
    RollHunt { level: Expression, free_peoples_dice: Expression, rerolls: Expression, into: String },
    /// Rolls in combat.
    RollCombat { count: Expression, target: Expression, rerolls: Expression, into: String },
    /// Draws one item of a list.
    Pick { from: Expression, into: String },
    /// Raises an event, taken once no automatic transition holds.
    Raise(String),
    /// Asks for a decision.
    Ask(String),
    /// Runs another action.
    Run(String),
}

/// Something a side has to decide.
#[derive(Debug)]
pub struct Decision {
    /// What kind it is, for whoever decides.
    pub kind: String,
    /// Whose it is; a side of the machine.
    pub side: Expression,
    /// The question.
    pub question: Template,
    /// What may be chosen.
    pub choices: Vec<Choice>,
}

/// A choice, or one for each item of a list.
#[derive(Debug)]
pub struct Choice {
    /// Its id.
    pub id: Template,
    /// What it is.
    pub text: Template,
    /// The event that carries it out.
    pub event: String,
    /// What the event tells.
    pub data: Vec<(String, Expression)>,
    /// Only if this holds.
    pub when: Option<Expression>,
    /// One for each of these.
    pub each: Option<Expression>,
}

/// A line of a menu.
#[derive(Debug)]
pub struct Line {
    /// Only if this holds.
    pub when: Option<Expression>,
    /// The line; `None`: a ruler.
    pub text: Option<Template>,
}

/// What is wrong, or odd, in a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the definition, from 1, where it can be told.
    pub line: Option<usize>,
    /// What it is.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "line {line}: {}", self.reason),
            None => formatter.write_str(&self.reason),
        }
    }
}

/// A definition that cannot run.
#[derive(Debug, thiserror::Error)]
#[error("the definition cannot run: {}", list(.0))]
pub struct DefinitionError(pub Vec<Problem>);

fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

/// A machine that can run, and what is odd about its definition.
#[derive(Debug)]
pub struct Loaded {
    /// The machine.
    pub machine: Machine,
    /// What is odd.
    pub warnings: Vec<Problem>,
}

impl Machine {
    /// Reads, checks and compiles a definition.
    ///
    /// # Errors
    ///
    /// Everything that keeps it from running, each with its line where that can be told.
    pub fn load(name: &str, text: &str) -> Result<Loaded, DefinitionError> {
        let mut compiler = Compiler { text, errors: Vec::new(), warnings: Vec::new() };
        let machine = compiler.machine(name);
        let Compiler { mut errors, mut warnings, .. } = compiler;
        if let Some(machine) = &machine {
            check::machine(machine, text, &mut errors, &mut warnings);
        }
        match machine {
            Some(machine) if errors.is_empty() => Ok(Loaded { machine, warnings }),
            _ => Err(DefinitionError(errors)),
        }
    }

    /// Index of a state by name.
    pub fn state_index(&self, id: &str) -> Option<usize> {
        self.states.iter().position(|state| state.id == id)
    }

    /// Whether anyone knows the event: the definition, the document or the clients.
    pub fn knows(&self, event: &str) -> bool {
        self.events.contains(event) || self.recorded.contains_key(event) || catalogue::is_documented(event)
    }

    /// Whether a name is a fact of this machine.
    fn has_fact(&self, name: &str) -> bool {
        SESSION_FACTS.contains(&name)
            || board::FIGURES.contains(&name)
            || self.variables.contains_key(name)
            || self.constants.contains_key(name)
            || self.computed.contains_key(name)
            || LOCAL_FACTS.contains(&name)
    }
}

/// Turns what is written into a machine, collecting what is wrong on the way.
struct Compiler<'a> {
    text: &'a str,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Compiler<'_> {
    fn machine(&mut self, name: &str) -> Option<Machine> {
        if MAX_SIZE < self.text.len() {
            self.error(None, format!("the definition has {} bytes, {MAX_SIZE} are allowed", self.text.len()));
            return None;
        }
        let keys: Map<String, Value> = self.parse()?;
        if keys.contains_key("modules") {
            let modules = self.parse()?;
            self.modules(name, modules)
        } else if keys.contains_key("states") {
            let flat = self.parse()?;
            self.flat(name, flat)
        } else {
            self.error(None, "neither `modules` nor `states` is there: one of the two formats is needed".to_owned());
            None
        }
    }

    /// JSON has a parser of its own: it may hold tabs, which YAML does not allow.
    fn parse<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        if self.text.trim_start().starts_with('{') {
            match serde_json::from_str(self.text) {
                Ok(value) => return Some(value),
                Err(error) => self.error(Some(error.line()), error.to_string()),
            }
        } else {
            match serde_norway::from_str(self.text) {
                Ok(value) => return Some(value),
                Err(error) => self.error(error.location().map(|place| place.line()), error.to_string()),
            }
        }
        None
    }

    fn error(&mut self, line: Option<usize>, reason: String) {
        self.errors.push(Problem { line, reason });
    }

    fn modules(&mut self, name: &str, modules: source::Modules) -> Option<Machine> {
        let mut machine = Machine::empty(name);
        machine.grace = self.grace(modules.config.grace);
        machine.constants.insert("HAND_LIMIT".to_owned(), Value::from(modules.config.hand_limit));
        for (id, text) in &modules.prompts {
            machine.prompts.insert(id.clone(), Template::parse(text));
        }
        if modules.game == "war_of_the_ring" {
            machine.constants.extend(board::area_constants());
            let library = serde_norway::from_str(WAR_OF_THE_RING_LIBRARY).map_err(|error| error.to_string());
            match library {
                Ok(library) => self.library(&mut machine, library),
                Err(error) => self.error(None, format!("the game's library: {error}")),
            }
        }
        self.library(&mut machine, modules.library);

        let mut states = Vec::new();
        for module in modules.modules {
            match module.kind.as_str() {
                "phase_group" | "subsystem" => {}
                other => {
                    let line = self.line(&[&module.id]);
                    self.error(
                        line,
                        format!("module {:?} is of type {other:?}: phase_group or subsystem is allowed", module.id),
                    );
                }
            }
            states.extend(module.states.into_iter().map(|state| (module.id.clone(), state)));
            for phase in module.phases {
                states.extend(phase.states.into_iter().map(|state| (phase.id.clone(), state)));
            }
        }
        let ids: Vec<String> = states.iter().map(|(_, state)| state.id.clone()).collect();
        machine.initial = self.ids(&ids, &modules.config.initial_state)?;
        for (phase, state) in states {
            let state = self.state(&ids, phase, state);
            machine.states.push(state);
        }
        machine.events = events_of(&machine.states);
        Some(machine)
    }

    fn flat(&mut self, name: &str, flat: source::Flat) -> Option<Machine> {
        let mut machine = Machine::empty(name);
        machine.flat = true;
        machine.grace = self.grace(flat.grace);
        machine.variables.insert("TURN".to_owned(), Value::from(0));
        let ids: Vec<String> = flat.states.0.iter().map(|(id, _)| id.clone()).collect();
        machine.initial = self.ids(&ids, &flat.initial_state)?;
        for (id, state) in flat.states.0 {
            let commands = state.on_enter.map(|calls| self.commands(&id, &calls)).unwrap_or_default();
            let mut transitions = Vec::new();
            for (event, transition) in state.transitions.0 {
                let (target, calls) = match transition {
                    FlatTransition::Target(target) => (target, None),
                    FlatTransition::WithCalls { target, calls } => (target, Some(calls)),
                };
                let commands = calls.map(|calls| self.commands(&id, &calls)).unwrap_or_default();
                let event = Some(event).filter(|event| event != AUTO);
                let Some(target) = self.target(&ids, &id, event.as_deref(), &target) else { continue };
                transitions.push(Transition { event, target, guard: None, actions: Vec::new(), commands });
            }
            machine.states.push(State {
                label: id.clone(),
                description: String::new(),
                id,
                phase: String::new(),
                // The format has no final states: one with nothing at all in it is the end.
                is_final: transitions.is_empty() && state.valid_events.is_empty(),
                prompt: None,
                exit_prompt: None,
                entry: Vec::new(),
                exit: Vec::new(),
                commands,
                transitions,
                valid_events: state.valid_events,
                done: None,
            });
        }
        machine.events = events_of(&machine.states);
        Some(machine)
    }

    fn state(&mut self, ids: &[String], phase: String, state: source::State) -> State {
        let id = state.id;
        let is_final = match state.kind.as_deref() {
            None | Some("normal") => false,
            Some("final") => true,
            Some(other) => {
                let line = self.state_line(&id);
                self.error(line, format!("state {id:?} is of kind {other:?}: normal or final is allowed"));
                false
            }
        };
        let mut transitions = Vec::new();
        let mut valid_events: Vec<String> = Vec::new();
        for transition in state.transitions {
            let event = Some(transition.event).filter(|event| event != AUTO);
            let announced = event.iter().filter(|event| !transition.quiet && !valid_events.contains(event));
            let announced: Vec<_> = announced.cloned().collect();
            valid_events.extend(announced);
            let Some(target) = self.target(ids, &id, event.as_deref(), &transition.target) else { continue };
            let guard =
                transition.guard.and_then(|guard| self.expression(&guard, || format!("a guard of state {id:?}")));
            transitions.push(Transition { event, target, guard, actions: transition.actions, commands: Vec::new() });
        }
        valid_events.extend(state.also_valid);
        // What leaves the state whatever the board says is what "done" means, unless the definition says otherwise.
        let own_index = ids.iter().position(|other| *other == id);
        let leaves = |transition: &&Transition| {
            transition.guard.is_none() && transition.event.is_some() && Some(transition.target) != own_index
        };
        let done = state.done.or_else(|| transitions.iter().find(leaves).and_then(|way| way.event.clone()));
        State {
            label: state.label.unwrap_or_else(|| id.clone()),
            description: state.description.unwrap_or_default(),
            id,
            phase,
            is_final,
            prompt: state.ui.on_enter_prompt_id,
            exit_prompt: state.ui.on_exit_prompt_id,
            entry: state.entry_actions,
            exit: state.exit_actions,
            commands: Vec::new(),
            transitions,
            valid_events,
            done,
        }
    }

    fn library(&mut self, machine: &mut Machine, library: Library) {
        machine.variables.extend(library.variables);
        machine.constants.extend(library.constants);
        machine.host_only.extend(library.host_only);
        for (name, text) in library.computed.iter().chain(&library.guards) {
            if let Some(expression) = self.expression(text, || format!("{name:?}")) {
                machine.computed.insert(name.clone(), expression);
            }
        }
        for (name, text) in &library.recorded {
            if let Some(expression) = self.expression(text, || format!("`recorded` of {name:?}")) {
                machine.recorded.insert(name.clone(), expression);
            }
        }
        for (name, operations) in library.actions {
            let steps = self.steps(&name, operations);
            machine.actions.insert(name, steps);
        }
        for (name, operations) in library.events {
            let steps = self.steps(&name, operations);
            machine.on_event.insert(name, steps);
        }
        for (name, lines) in library.menus {
            let lines = lines.into_iter().map(|line| self.menu_line(&name, line)).collect();
            machine.menus.insert(name, lines);
        }
        for (name, decision) in library.decisions {
            if let Some(decision) = self.decision(&name, decision) {
                machine.decisions.insert(name, decision);
            }
        }
        machine.sides.extend(library.sides);
        for (id, text) in library.prompts {
            machine.prompts.entry(id).or_insert_with(|| Template::parse(&text));
        }
    }

    fn decision(&mut self, name: &str, decision: source::Decision) -> Option<Decision> {
        let source::Decision { kind, side, question, choices } = decision;
        let place = || format!("decision {name:?}");
        let side = self.expression(&side, place)?;
        let mut compiled = Vec::new();
        for source::Choice { id, text, event, data, when, each } in choices {
            let mut pairs = Vec::new();
            for (key, text) in data.0 {
                pairs.push((key, self.expression(&text, place)?));
            }
            let mut optional = |text: Option<String>| match text {
                Some(text) => self.expression(&text, place).map(Some),
                None => Some(None),
            };
            let (when, each) = (optional(when)?, optional(each)?);
            let (id, text) = (Template::parse(&id), Template::parse(&text));
            compiled.push(Choice { id, text, event, data: pairs, when, each });
        }
        let kind = kind.unwrap_or_else(|| name.to_owned());
        Some(Decision { kind, side, question: Template::parse(&question), choices: compiled })
    }

    fn menu_line(&mut self, menu: &str, line: MenuLine) -> Line {
        let (text, when) = match line {
            MenuLine::Always(text) => (text, None),
            MenuLine::Sometimes { text, when } => (text, Some(when)),
        };
        Line {
            when: when.and_then(|when| self.expression(&when, || format!("a condition of menu {menu:?}"))),
            text: (text != "ruler").then(|| Template::parse(&text)),
        }
    }

    fn steps(&mut self, action: &str, operations: Vec<Operation>) -> Vec<Step> {
        operations.into_iter().filter_map(|operation| self.step(action, operation)).collect()
    }

    fn step(&mut self, action: &str, operation: Operation) -> Option<Step> {
        let Operation { each, when, prompt, menu, say, show, command, record, set, pair, roll, raise, ask, run } =
            operation;
        let place = || format!("action {action:?}");
        let when = match when {
            Some(when) => Some(self.expression(&when, place)?),
            None => None,
        };
        let each = match each {
            Some(each) => Some(self.expression(&each, place)?),
            None => None,
        };
        let mut verbs = Vec::new();
        verbs.extend(prompt.map(Verb::Prompt));
        verbs.extend(menu.map(Verb::Menu));
        verbs.extend(say.map(|text| Verb::Say(Template::parse(&text))));
        verbs.extend(show.map(|text| Verb::Show(Template::parse(&text))));
        verbs.extend(command.map(|text| Verb::Command(Template::parse(&text))));
        verbs.extend(record.map(|text| Verb::Record(Template::parse(&text))));
        verbs.extend(raise.map(Verb::Raise));
        verbs.extend(ask.map(Verb::Ask));
        verbs.extend(run.map(Verb::Run));
        if let Some(set) = set {
            let assign = |(name, text): (String, String)| Some((name, self.expression(&text, place)?));
            verbs.push(Verb::Set(set.0.into_iter().filter_map(assign).collect()));
        }
        if let Some(source::Pair { keys, values, into }) = pair {
            verbs.push(Verb::Pair {
                keys: self.expression(&keys, place)?,
                values: self.expression(&values, place)?,
                into,
            });
        }
        if let Some(roll) = roll {
            verbs.push(self.roll(action, roll)?);
        }
        match verbs.pop() {
            Some(verb) if verbs.is_empty() => Some(Step { each, when, verb }),
            _ => {
                let line = self.line(&[action]);
                self.error(line, format!("a step of action {action:?} must have exactly one verb"));
                None
            }
        }
    }

    fn roll(&mut self, action: &str, roll: source::Roll) -> Option<Verb> {
        let place = || format!("a roll of action {action:?}");
        Some(match roll {
            source::Roll::ActionDice { side, dice, into } => {
                if side != "free_peoples" && side != "shadow" {
                    let line = self.line(&[action]);
                    self.error(line, format!("{} is for side {side:?}: free_peoples or shadow is allowed", place()));
                    return None;
                }
                Verb::RollActionDice { side, dice: self.expression(&dice, place)?, into }
            }
            source::Roll::Hunt { level, free_peoples_dice, rerolls, into } => Verb::RollHunt {
                level: self.expression(&level, place)?,
                free_peoples_dice: self.expression(&free_peoples_dice, place)?,
                rerolls: self.expression(&rerolls, place)?,
                into,
            },
            source::Roll::Combat { count, target, rerolls, into } => Verb::RollCombat {
                count: self.expression(&count, place)?,
                target: self.expression(&target, place)?,
                rerolls: self.expression(&rerolls, place)?,
                into,
            },
            source::Roll::Pick { from, into } => Verb::Pick { from: self.expression(&from, place)?, into },
        })
    }

    fn expression(&mut self, text: &str, place: impl Fn() -> String) -> Option<Expression> {
        match Expression::compile(text) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let line = self.line(&[text]);
                self.error(line, format!("{}: {error}", place()));
                None
            }
        }
    }

    /// The commands in calls such as `send_command('F7'); send_command('F8')`.
    fn commands(&mut self, state: &str, calls: &str) -> Vec<String> {
        let mut commands = Vec::new();
        for call in calls.split(';').map(str::trim).filter(|call| !call.is_empty()) {
            let argument = call.strip_prefix("send_command(").and_then(|rest| rest.strip_suffix(')')).map(str::trim);
            let quoted = |text: &&str| {
                ['\'', '"'].iter().any(|&quote| 2 < text.len() && text.starts_with(quote) && text.ends_with(quote))
            };
            match argument.filter(quoted) {
                Some(text) => commands.push(text[1..text.len() - 1].to_owned()),
                None => {
                    let line = self.state_line(state);
                    self.error(line, format!("state {state:?} calls {call:?}: send_command('LINE') is allowed"));
                }
            }
        }
        commands
    }

    /// Checks the names of the states and finds the initial one.
    fn ids(&mut self, ids: &[String], initial: &str) -> Option<usize> {
        if ids.is_empty() || MAX_STATES < ids.len() {
            self.error(None, format!("the definition has {} states, 1 to {MAX_STATES} are allowed", ids.len()));
        }
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(id) {
                let line = locate::second(self.text, id).or_else(|| self.state_line(id));
                self.error(line, format!("state {id:?} is there twice"));
            }
        }
        let found = ids.iter().position(|id| id == initial);
        if found.is_none() {
            let line = self.line(&["initial_state"]);
            self.error(line, format!("the initial state {initial:?} is not there"));
        }
        found
    }

    fn target(&mut self, ids: &[String], state: &str, event: Option<&str>, target: &str) -> Option<usize> {
        let found = ids.iter().position(|id| id == target);
        if found.is_none() {
            let line = locate::transition(self.text, state, target);
            let event = event.unwrap_or(AUTO);
            self.error(line, format!("state {state:?} goes to {target:?} on {event}, which is not there"));
        }
        found
    }

    fn grace(&mut self, grace: Option<Grace>) -> Option<Duration> {
        match grace {
            None => Some(DEFAULT_GRACE),
            Some(Grace::Seconds(seconds)) if seconds <= MAX_GRACE_SECONDS => Some(Duration::from_secs(seconds)),
            Some(Grace::Word(word)) if word == "never" => None,
            Some(_) => {
                let line = self.line(&["grace"]);
                self.error(line, format!("grace is 0 to {MAX_GRACE_SECONDS} seconds, or never"));
                None
            }
        }
    }

    fn line(&self, words: &[&str]) -> Option<usize> {
        locate::words(self.text, words)
    }

    fn state_line(&self, id: &str) -> Option<usize> {
        locate::state(self.text, id)
    }
}

impl Machine {
    fn empty(name: &str) -> Machine {
        Machine {
            name: name.to_owned(),
            flat: false,
            grace: Some(DEFAULT_GRACE),
            initial: 0,
            states: Vec::new(),
            variables: Map::new(),
            constants: Map::new(),
            computed: BTreeMap::new(),
            actions: BTreeMap::new(),
            on_event: BTreeMap::new(),
            recorded: BTreeMap::new(),
            menus: BTreeMap::new(),
            prompts: BTreeMap::new(),
            decisions: BTreeMap::new(),
            sides: Vec::new(),
            host_only: BTreeSet::new(),
            events: BTreeSet::new(),
        }
    }
}

fn events_of(states: &[State]) -> BTreeSet<String> {
    let of_state = |state: &State| {
        let own = state.transitions.iter().filter_map(|transition| transition.event.clone());
        own.chain(state.valid_events.iter().cloned()).collect::<Vec<_>>()
    };
    states.iter().flat_map(of_state).collect()
}
