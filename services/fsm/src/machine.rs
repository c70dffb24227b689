//! The interpreter: what an event does to a game, as a pure function of definition, game, event, board and rolls.
//!
//! [`react`] reads no clock, no database and draws no chance. Where it needs the board or a roll that it was not given, it
//! says so ([`Stop`]) and is called again with it; nothing has happened until it answers with a [`Reaction`]. The same
//! inputs give the same reaction, so a game can be replayed from its log.
//!
//! The semantics are those of SCXML's interpretation algorithm, without parallel and history states, for which there is a
//! place in `run`: there the steps from state to state are, in `act` what actions do, in `facts` what they know, in
//! `decide` what is asked of a side, in `time` what happens later.

mod act;
mod decide;
mod facts;
mod foresight;
mod run;
mod time;
mod variables;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    board::{self, Figures},
    definition::Machine,
};
use run::Run;

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

pub use foresight::Foreseen;
pub use time::Timer;
pub use variables::Variables;

pub use decide::{Asked, Choice, Decider, DeciderKind, Decision, all_facts, contradiction, decisions, restore};
#[cfg(test)]
pub use decide::{do_action, guard_holds};

/// A game: where its machine is, and what it remembers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Game {
    /// The state it rests in.
    pub state: String,
    /// Its variables.
    pub variables: Variables,
    /// What it remembers beside them.
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
    /// What is to happen later, in the order in which it was arranged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<Timer>,
    /// How many timers there were so far.
    #[serde(default)]
    pub timer_count: u64,
    /// Events that wait for the end of a pause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<String>,
    /// Figures that the client was told to bring about on its board, which does not show them yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub foreseen: BTreeMap<String, Foreseen>,
    /// The states that sub-machines under way return to, the innermost last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
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
    /// A timer's time has come.
    Timer {
        /// The timer.
        number: u64,
    },
    /// The game is again as an earlier entry of its log left it.
    Undo {
        /// The sequence number of that entry.
        to: u64,
    },
    /// The game begins where another one stood.
    Branch {
        /// The other game's id.
        from: String,
        /// The sequence number there.
        at: u64,
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
    fn nothing(players: &[String], assist: bool, at: i64) -> Event {
        Event {
            name: String::new(),
            data: Map::new(),
            sender: String::new(),
            is_host: true,
            players: players.to_vec(),
            assist,
            at,
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
#[derive(Debug, Clone, PartialEq)]
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
pub fn begin(
    machine: &Machine,
    board: Option<&Figures>,
    rolls: &[Rolled],
    assist: bool,
    at: i64,
) -> Result<Game, Stop> {
    let event = Event::nothing(&[], assist, at);
    let game = Game { variables: Variables::new(machine.variables.clone()), ..Game::default() };
    let mut run = Run::new(machine, machine.initial, &game, &event, board, rolls);
    run.enter_initial()?;
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
    let event = Event::nothing(players, assist, 0);
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
