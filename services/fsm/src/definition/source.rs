//! The two formats of a definition as they are written, before anything is checked.

#![expect(dead_code, reason = "labels and descriptions are for people: they are allowed, and not read")]

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// What stands in a library, and may stand in a definition of the modules format to add to it or to replace parts of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// Variables with the values they have in a new game. Whatever a guard or a text reads is named here.
    #[serde(default)]
    pub variables: Map<String, Value>,
    /// Values that never change.
    #[serde(default)]
    pub constants: Map<String, Value>,
    /// Facts computed from others.
    #[serde(default)]
    pub computed: BTreeMap<String, String>,
    /// Guards by name.
    #[serde(default)]
    pub guards: BTreeMap<String, String>,
    /// Actions by name.
    #[serde(default)]
    pub actions: BTreeMap<String, Vec<Operation>>,
    /// What is done whenever an event is accepted, before its transition.
    #[serde(default)]
    pub events: BTreeMap<String, Vec<Operation>>,
    /// Conditions under which an event is recorded where no transition wants it.
    #[serde(default)]
    pub recorded: BTreeMap<String, String>,
    /// Menus by name.
    #[serde(default)]
    pub menus: BTreeMap<String, Vec<MenuLine>>,
    /// Events that only the host may send.
    #[serde(default)]
    pub host_only: Vec<String>,
    /// Decisions by name.
    #[serde(default)]
    pub decisions: BTreeMap<String, Decision>,
    /// The sides that somebody decides for.
    #[serde(default)]
    pub sides: Vec<String>,
    /// Prompts that the actions may use where the definition has none of that name.
    #[serde(default)]
    pub prompts: BTreeMap<String, String>,
    /// What a definition of the game needs, so that all of it can be played.
    #[serde(default)]
    pub needs: Vec<Need>,
}

/// Something that a state has to have; a definition whose state has it not is told what does not work then.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// The state.
    pub state: String,
    /// A fact that one of its guards reads, itself or through another.
    pub reads: Option<String>,
    /// An event that it has a transition for.
    pub takes: Option<String>,
    /// What does not work without.
    pub without: String,
}

/// Something a side has to decide.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What kind it is, for whoever decides; its name if it is left out.
    pub kind: Option<String>,
    /// An expression for the side whose it is.
    pub side: String,
    /// The question, a template.
    pub question: String,
    /// What may be chosen.
    pub choices: Vec<Choice>,
}

/// A choice, or one for each item of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its id within the decision, a template.
    pub id: String,
    /// What it is, a template.
    pub text: String,
    /// The event that carries it out.
    pub event: String,
    /// What the event tells, expressions.
    #[serde(default)]
    pub data: Pairs<String>,
    /// Only if this holds.
    pub when: Option<String>,
    /// One for each item of this list; in the other fields ITEM is the item and NUMBER its number, from 1.
    pub each: Option<String>,
}

/// A line of a menu.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum MenuLine {
    /// `ruler`, or a template.
    Always(String),
    /// A template shown under a condition.
    Sometimes {
        /// The template.
        text: String,
        /// The condition.
        when: String,
    },
}

/// One step of an action: exactly one of the verbs, under a condition or not.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Once for each item of this list; in the other fields ITEM is the item and NUMBER its number, from 1.
    pub each: Option<String>,
    /// Only if this holds.
    pub when: Option<String>,
    /// Says a prompt, by id.
    pub prompt: Option<String>,
    /// Says a menu, by name.
    pub menu: Option<String>,
    /// Says a line.
    pub say: Option<String>,
    /// Shows a line in the host's chat, in assist only.
    pub show: Option<String>,
    /// Sends a command.
    pub command: Option<String>,
    /// Sends a game record to the host, in assist only.
    pub record: Option<String>,
    /// Sets variables, one after the other.
    pub set: Option<Pairs<String>>,
    /// Sets variables, and counts them above the board until it shows what the records of this event bring about.
    pub foresee: Option<Pairs<String>>,
    /// Sets a variable to a map from two lists of the same length.
    pub pair: Option<Pair>,
    /// Rolls dice.
    pub roll: Option<Roll>,
    /// Raises an event of the machine, taken once no automatic transition holds.
    pub raise: Option<String>,
    /// Sends an event later.
    pub send: Option<Send>,
    /// Cancels what was sent under this id.
    pub cancel: Option<String>,
    /// Seconds for which automatic moves stand still, an expression; an event goes on all the same.
    pub wait: Option<String>,
    /// Asks for a decision, by name.
    pub ask: Option<String>,
    /// Runs another action.
    pub run: Option<String>,
}

/// An event that is sent later.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// The event.
    pub event: String,
    /// Seconds, an expression.
    pub after: String,
    /// By which it can be cancelled.
    pub id: Option<String>,
}

/// A map from two lists.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The keys.
    pub keys: String,
    /// The values.
    pub values: String,
    /// The variable.
    pub into: String,
}

/// A roll by the dice service; every part is an expression.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Roll {
    /// Action dice; `into` becomes a map from die to face.
    ActionDice {
        /// free_peoples or shadow.
        side: String,
        /// The dice's piece ids.
        dice: String,
        /// The variable.
        into: String,
    },
    /// A Hunt roll; `into` becomes {rolls, rerolled, successes}.
    Hunt {
        /// Shadow dice in the Hunt Box.
        level: String,
        /// Free Peoples dice in the Hunt Box.
        free_peoples_dice: String,
        /// Failed dice rolled once more.
        rerolls: String,
        /// The variable.
        into: String,
    },
    /// Combat dice; `into` becomes {rolls, rerolled, successes}.
    Combat {
        /// Number of dice.
        count: String,
        /// What a die must reach.
        target: String,
        /// Failed dice rolled once more.
        rerolls: String,
        /// The variable.
        into: String,
    },
    /// One item of a list; `into` becomes the item.
    Pick {
        /// The list.
        from: String,
        /// The variable.
        into: String,
    },
}

/// A definition in the modules format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modules {
    /// The game; `war_of_the_ring` brings its library.
    pub game: String,
    /// The definition's version.
    #[serde(default)]
    pub version: Option<Value>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// Settings.
    pub config: Config,
    /// Texts by id.
    #[serde(default)]
    pub prompts: BTreeMap<String, String>,
    /// What it adds to the game's library.
    #[serde(default)]
    pub library: Library,
    /// The states, in groups.
    pub modules: Vec<Module>,
}

/// Settings of a machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Cards a hand may hold.
    #[serde(default = "default_hand_limit")]
    pub hand_limit: u32,
    /// Where a game begins.
    pub initial_state: String,
    /// Seconds a game is kept after its last watcher is gone, or `never`.
    #[serde(default)]
    pub grace: Option<Grace>,
}

/// How long a game is kept after its last watcher is gone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Grace {
    /// Seconds.
    Seconds(u64),
    /// `never`: it is kept.
    Word(String),
}

fn default_hand_limit() -> u32 {
    6
}

/// A group of states.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub label: Option<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// `phase_group` or `subsystem`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The phases of a phase group.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// The states of a subsystem.
    #[serde(default)]
    pub states: Vec<State>,
}

/// A phase of a turn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Its name.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub label: Option<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// Its place in the turn.
    #[serde(default)]
    pub order: Option<i64>,
    /// Its states.
    #[serde(default)]
    pub states: Vec<State>,
}

/// A state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Its name.
    pub id: String,
    /// `normal` or `final`.
    #[serde(default)]
    pub kind: Option<String>,
    /// For people.
    #[serde(default)]
    pub label: Option<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// What is said.
    #[serde(default)]
    pub ui: Ui,
    /// Actions on entering.
    #[serde(default)]
    pub entry_actions: Vec<String>,
    /// Actions on leaving.
    #[serde(default)]
    pub exit_actions: Vec<String>,
    /// Ways out, the first that fits being taken.
    #[serde(default)]
    pub transitions: Vec<Transition>,
    /// The event that PHASE_COMPLETE stands for.
    #[serde(default)]
    pub done: Option<String>,
    /// Events to announce beside those of the transitions.
    #[serde(default)]
    pub also_valid: Vec<String>,
}

/// What a state says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ui {
    /// The prompt on entering.
    #[serde(default, alias = "on_enter_prompt")]
    pub on_enter_prompt_id: Option<String>,
    /// The prompt on leaving.
    #[serde(default, alias = "on_exit_prompt")]
    pub on_exit_prompt_id: Option<String>,
}

/// A way out of a state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// The event, or AUTO.
    pub event: String,
    /// The state entered.
    pub target: String,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// The condition.
    #[serde(default)]
    pub guard: Option<String>,
    /// Actions on the way.
    #[serde(default)]
    pub actions: Vec<String>,
    /// The state to which the sub-machine that is entered returns by its target RETURN.
    #[serde(default)]
    pub back: Option<String>,
    /// Whether the state is not left for a state within it.
    #[serde(default)]
    pub internal: bool,
    /// Whether the event is not announced: nobody needs to send it on purpose.
    #[serde(default)]
    pub quiet: bool,
}

/// A definition in our own format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// Its name, for people.
    pub machine: String,
    /// The definition's version.
    #[serde(default)]
    pub version: Option<Value>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// A game whose names it uses: `war_of_the_ring`.
    #[serde(default)]
    pub uses: Option<String>,
    /// Where a game begins.
    pub initial: String,
    /// Seconds a game is kept after its last watcher is gone, or `never`.
    #[serde(default)]
    pub grace: Option<Grace>,
    /// What its names mean.
    #[serde(default)]
    pub library: Library,
    /// The states by name, in the order written.
    pub states: Pairs<ChartState>,
}

/// A state of our own format.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartState {
    /// For people.
    #[serde(default)]
    pub label: Option<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// The phase it belongs to; left out: that of the state around it.
    #[serde(default)]
    pub phase: Option<String>,
    /// Whether it is an end.
    #[serde(default, rename = "final")]
    pub is_final: bool,
    /// The state within it that is entered with it; left out: the first.
    #[serde(default)]
    pub initial: Option<String>,
    /// The prompt on entering, by id.
    #[serde(default)]
    pub prompt: Option<String>,
    /// The prompt on leaving, by id.
    #[serde(default)]
    pub exit_prompt: Option<String>,
    /// What is done on entering.
    #[serde(default)]
    pub entry: Vec<ChartAction>,
    /// What is done on leaving.
    #[serde(default)]
    pub exit: Vec<ChartAction>,
    /// What happens if it is not left in time.
    #[serde(default)]
    pub timeouts: Vec<ChartTimeout>,
    /// Ways out, the first that fits being taken.
    #[serde(default)]
    pub on: Vec<ChartTransition>,
    /// The event that PHASE_COMPLETE stands for.
    #[serde(default)]
    pub done: Option<String>,
    /// Events to announce beside those of the transitions.
    #[serde(default)]
    pub also_valid: Vec<String>,
    /// The states within it by name.
    #[serde(default)]
    pub states: Pairs<ChartState>,
}

/// An action of our own format.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ChartAction {
    /// One that the library defines.
    Named(String),
    /// A step as it stands.
    Step(Box<Operation>),
}

/// A time-out of a state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartTimeout {
    /// Seconds, an expression.
    pub after: String,
    /// The event that is sent then.
    pub event: String,
}

/// A way out of a state of our own format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartTransition {
    /// The event; left out: it is taken by itself.
    #[serde(default)]
    pub event: Option<String>,
    /// The state entered, or RETURN; left out: the state is not left.
    #[serde(default)]
    pub target: Option<String>,
    /// The state to which the sub-machine that is entered returns.
    #[serde(default)]
    pub back: Option<String>,
    /// Whether the state is not left for a state within it.
    #[serde(default)]
    pub internal: bool,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// The condition.
    #[serde(default)]
    pub guard: Option<String>,
    /// What is done on the way.
    #[serde(default, rename = "do")]
    pub actions: Vec<ChartAction>,
    /// Whether the event is not announced.
    #[serde(default)]
    pub quiet: bool,
}

/// A definition in the document's flat format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flat {
    /// Where a game begins.
    pub initial_state: String,
    /// Seconds a game is kept after its last watcher is gone, or `never`.
    #[serde(default)]
    pub grace: Option<Grace>,
    /// The states by name, in the order written.
    pub states: Pairs<FlatState>,
}

/// A state of the flat format.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlatState {
    /// The events to announce.
    #[serde(default)]
    pub valid_events: Vec<String>,
    /// Calls of `send_command`, with `;` between.
    #[serde(default)]
    pub on_enter: Option<String>,
    /// Event to state, in the order written.
    #[serde(default)]
    pub transitions: Pairs<FlatTransition>,
}

/// A transition of the flat format.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum FlatTransition {
    /// The state entered.
    Target(String),
    /// One that sends commands on the way; ours, not the document's.
    WithCalls {
        /// The state entered.
        target: String,
        /// Calls of `send_command`, with `;` between.
        #[serde(rename = "do")]
        calls: String,
    },
}

/// The entries of a map in the order written, those of the same name included.
#[derive(Debug, Clone)]
pub struct Pairs<T>(pub Vec<(String, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Pairs<T> {
        Pairs(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs<T>, D::Error> {
        struct PairsVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<T> {
            type Value = Pairs<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}
