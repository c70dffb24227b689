//! Definitions: a machine as data, read from any of three formats, checked as a whole and compiled once.
//!
//! Our own format (`chart`, with its JSON Schema in `machines/machine.schema.json`) has states within states. The modules format (`wotr_fsm.yml`, YAML or JSON) names its guards and actions only; what they mean stands in the
//! game's library, the folder `machines/war-of-the-ring`, which a definition may add to. The flat format of the
//! document needs no library.

mod chart;
mod check;
mod compile;
mod locate;
mod pitfalls;
pub mod source;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value};

use crate::{board, catalogue, expression::Expression, text::Template};
use compile::Compiler;

/// Largest definition accepted, in bytes.
pub const MAX_SIZE: usize = 4 * 1024 * 1024;
/// Most states a definition may have.
const MAX_STATES: usize = 2_000;
/// Target of a transition by which a sub-machine returns to where it was called from.
pub const RETURN: &str = "RETURN";
/// Time for which the document keeps a game without a connection.
const DEFAULT_GRACE: Duration = Duration::from_secs(30);
/// Longest grace accepted, in seconds: a year.
const MAX_GRACE_SECONDS: u64 = 366 * 24 * 3600;

const WAR_OF_THE_RING: &str = include_str!("../machines/war-of-the-ring.yaml");
const WAR_OF_THE_RING_LIBRARY: [&str; 8] = [
    include_str!("../machines/war-of-the-ring/facts.yaml"),
    include_str!("../machines/war-of-the-ring/computed.yaml"),
    include_str!("../machines/war-of-the-ring/events.yaml"),
    include_str!("../machines/war-of-the-ring/prompts.yaml"),
    include_str!("../machines/war-of-the-ring/turn.yaml"),
    include_str!("../machines/war-of-the-ring/hunt-and-war.yaml"),
    include_str!("../machines/war-of-the-ring/decisions.yaml"),
    include_str!("../machines/war-of-the-ring/menus.yaml"),
];
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
    /// Index of a state by its name.
    pub by_id: HashMap<String, usize>,
    /// Values of the variables in a new game.
    pub variables: Arc<Map<String, Value>>,
    /// Values that never change.
    pub constants: Map<String, Value>,
    /// Computed facts and named guards.
    pub computed: BTreeMap<String, Expression>,
    /// Those of them that neither an event nor an item of a list has a part in.
    pub steady: BTreeSet<String>,
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
    /// What its states need, so that all of the game can be played.
    pub needs: Vec<source::Need>,
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
    /// Index of the state around it.
    pub parent: Option<usize>,
    /// Index of the state in it that is entered with it; `None`: it is atomic.
    pub initial: Option<usize>,
    /// Whether it is an end: of the game, or of the state around it.
    pub is_final: bool,
    /// What happens if it is not left in time.
    pub timeouts: Vec<Timeout>,
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

/// An event that a state raises if it is not left in time.
#[derive(Debug)]
pub struct Timeout {
    /// Seconds.
    pub after: Expression,
    /// The event.
    pub event: String,
}

/// How a transition goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The state is left, even for a state within it.
    External,
    /// The state is not left for a state within it.
    Internal,
    /// Nothing is left and nothing entered.
    Stay,
    /// A sub-machine is entered, which returns to a state.
    Call {
        /// Index of that state.
        back: usize,
    },
    /// To where the sub-machine was called from.
    Return,
}

/// A way out of a state.
#[derive(Debug)]
pub struct Transition {
    /// The event; `None`: taken by itself.
    pub event: Option<String>,
    /// How it goes.
    pub way: Way,
    /// Index of the state entered; its own state's where that is not known beforehand.
    pub target: usize,
    /// The condition.
    pub guard: Option<Expression>,
    /// Actions on the way.
    pub actions: Vec<String>,
    /// Commands on the way, of the flat format.
    pub commands: Vec<String>,
    /// Whether it is no reason to announce its event.
    pub quiet: bool,
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
    /// Sets variables that the client was told to bring about on its board.
    Foresee(Vec<(String, Expression)>),
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
    /// Sends an event after so many seconds.
    Send { event: String, after: Expression, id: String },
    /// Cancels what was sent under an id.
    Cancel(String),
    /// Has automatic moves stand still for so many seconds.
    Wait(Expression),
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
        let mut machine = compiler.machine(name);
        let Compiler { mut errors, mut warnings, .. } = compiler;
        if let Some(machine) = &mut machine {
            machine.by_id = machine.states.iter().enumerate().map(|(index, state)| (state.id.clone(), index)).collect();
            machine.events = events_of(&machine.states);
            machine.steady = steady(&machine.computed);
            check::machine(machine, text, &mut errors, &mut warnings);
            pitfalls::machine(machine, text, &mut warnings);
        }
        match machine {
            Some(machine) if errors.is_empty() => Ok(Loaded { machine, warnings }),
            _ => Err(DefinitionError(errors)),
        }
    }

    /// Index of a state by name.
    pub fn state_index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// A state and those around it, the innermost first.
    pub fn lineage(&self, index: usize) -> impl Iterator<Item = usize> + use<'_> {
        std::iter::successors(Some(index), |&index| self.states[index].parent)
    }

    /// The atomic state that is entered with a state.
    pub fn leaf(&self, index: usize) -> usize {
        // No state is within itself, so this ends.
        std::iter::successors(Some(index), |&index| self.states[index].initial).last().unwrap_or(index)
    }

    /// Whether the game is over in a state.
    pub fn is_over(&self, index: usize) -> bool {
        let state = &self.states[index];
        state.is_final && state.parent.is_none()
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

impl State {
    /// A state of which only the name is known.
    fn named(id: String) -> State {
        State {
            label: id.clone(),
            id,
            description: String::new(),
            phase: String::new(),
            parent: None,
            initial: None,
            is_final: false,
            timeouts: Vec::new(),
            prompt: None,
            exit_prompt: None,
            entry: Vec::new(),
            exit: Vec::new(),
            commands: Vec::new(),
            transitions: Vec::new(),
            valid_events: Vec::new(),
            done: None,
        }
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
            by_id: HashMap::new(),
            variables: Arc::default(),
            constants: Map::new(),
            computed: BTreeMap::new(),
            steady: BTreeSet::new(),
            needs: Vec::new(),
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

/// The computed facts that neither an event nor an item of a list has a part in: they hold as long as the machine's own facts
/// and the board do.
fn steady(computed: &BTreeMap<String, Expression>) -> BTreeSet<String> {
    let is_passing =
        |name: &str| LOCAL_FACTS.contains(&name) || SESSION_FACTS.contains(&name) && name.starts_with("EVENT");
    let mut passing: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = passing.len();
        for (name, expression) in computed {
            if expression.facts().iter().any(|fact| is_passing(fact) || passing.contains(fact.as_str())) {
                passing.insert(name);
            }
        }
        if passing.len() == before {
            return computed.keys().filter(|name| !passing.contains(name.as_str())).cloned().collect();
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
