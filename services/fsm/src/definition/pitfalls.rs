//! What is only odd in a machine, found by looking closer: guards that overlap or leave a hole, events nobody can send,
//! prompts nobody says. None of it keeps a machine from running.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Machine, Problem, State, Step, Transition, Verb, locate, source::Need};
use crate::expression::Expression;

/// Most combinations of values that the guards of a state are tried with.
const MAX_TRIALS: usize = 400;

/// Adds what is odd to the warnings.
pub fn machine(machine: &Machine, text: &str, warnings: &mut Vec<Problem>) {
    let mut warn = |line, reason| warnings.push(Problem { line, reason });
    for state in &machine.states {
        let automatic: Vec<&Transition> = state.transitions.iter().filter(|way| way.event.is_none()).collect();
        overlaps(machine, state, &automatic, text, &mut warn);
        holes(machine, state, &automatic, text, &mut warn);
        for event in unsendable(machine, state) {
            let line = locate::transition(text, &state.id, event);
            warn(line, format!("state {:?} waits for {event:?}, which nobody can send", state.id));
        }
    }
    for need in &machine.needs {
        if let Some(state) = machine.states.iter().find(|state| state.id == need.state)
            && !meets(machine, state, need)
        {
            warn(locate::state(text, &state.id), format!("state {:?}: {}", state.id, need.without));
        }
    }
    for id in unsaid(machine) {
        // The game's library has prompts of its own, which a definition need not use.
        if let Some(line) = locate::words(text, &[id]) {
            warn(Some(line), format!("prompt {id:?} is never said"));
        }
    }
}

/// Whether a state has what it needs.
fn meets(machine: &Machine, state: &State, need: &Need) -> bool {
    let takes = |event: &String| state.transitions.iter().any(|way| way.event.as_ref() == Some(event));
    let guards = || state.transitions.iter().filter_map(|way| way.guard.as_ref());
    need.takes.as_ref().is_none_or(takes)
        && need.reads.as_ref().is_none_or(|fact| guards().any(|guard| reads(machine, guard, fact)))
}

/// Whether an expression reads a fact, itself or through what it computes from.
fn reads(machine: &Machine, expression: &Expression, fact: &str) -> bool {
    // No fact depends on itself, so this ends.
    let through = |name: &String| machine.computed.get(name).is_some_and(|inner| reads(machine, inner, fact));
    expression.facts().iter().any(|name| name == fact || through(name))
}

/// Two guards over the same facts that both hold: the first is taken, which may not be meant.
fn overlaps(
    machine: &Machine,
    state: &State,
    ways: &[&Transition],
    text: &str,
    warn: &mut impl FnMut(Option<usize>, String),
) {
    for (index, way) in ways.iter().enumerate() {
        for other in &ways[index + 1..] {
            let (Some(guard), Some(second)) = (&way.guard, &other.guard) else { continue };
            if guard.facts() != second.facts() || way.target == other.target || guard.source() == second.source() {
                continue;
            }
            let both = trials(machine, &[guard, second]).into_iter().find(|held| held.iter().all(|held| *held));
            if both.is_some() {
                let line = locate::transition(text, &state.id, second.source());
                warn(
                    line,
                    format!(
                        "state {:?}: the guards {:?} and {:?} may hold together; the first is taken",
                        state.id,
                        guard.source(),
                        second.source()
                    ),
                );
            }
        }
    }
}

/// Guards of which none may hold, in a state that waits for nothing else.
fn holes(
    machine: &Machine,
    state: &State,
    ways: &[&Transition],
    text: &str,
    warn: &mut impl FnMut(Option<usize>, String),
) {
    let waits = ways.len() < state.transitions.len() || !state.valid_events.is_empty();
    let guards: Vec<&Expression> = ways.iter().filter_map(|way| way.guard.as_ref()).collect();
    if waits || ways.is_empty() || guards.len() < ways.len() || state.parent.is_some() {
        return;
    }
    if trials(machine, &guards).into_iter().any(|held| held.iter().all(|held| !held)) {
        let line = locate::state(text, &state.id);
        warn(line, format!("state {:?}: its guards leave a hole, in which it would stand still", state.id));
    }
}

/// Whether each of the guards holds, for every combination of values near those they speak of. Guards over anything but
/// plain numbers, words and flags are not tried.
fn trials(machine: &Machine, guards: &[&Expression]) -> Vec<Vec<bool>> {
    let names: BTreeSet<&String> = guards.iter().flat_map(|guard| guard.facts()).collect();
    let sources: Vec<&str> = guards.iter().map(|guard| guard.source()).collect();
    let mut combinations = vec![Map::new()];
    for name in names {
        if machine.computed.contains_key(name) && !machine.variables.contains_key(name) && !is_number(&sources, name) {
            return Vec::new();
        }
        let mut values = values(&sources);
        if let Some(known) = machine.variables.get(name.as_str()) {
            values.retain(|value| std::mem::discriminant(value) == std::mem::discriminant(known));
        }
        combinations = combinations
            .into_iter()
            .flat_map(|combination| {
                values.iter().map(move |value| {
                    let mut combination = combination.clone();
                    combination.insert(name.clone(), value.clone());
                    combination
                })
            })
            .take(MAX_TRIALS)
            .collect();
    }
    let held = |facts: &Map<String, Value>| -> Option<Vec<bool>> {
        guards.iter().map(|guard| guard.evaluate(facts).ok()?.as_bool()).collect()
    };
    combinations.iter().filter_map(held).collect()
}

/// Whether a computed fact is compared with numbers.
fn is_number(sources: &[&str], name: &str) -> bool {
    sources.iter().any(|source| {
        let after = source.split(name).nth(1).unwrap_or_default().trim_start();
        let after = after.trim_start_matches(['=', '<', '>', '!']).trim_start();
        after.starts_with(|letter: char| letter.is_ascii_digit())
    })
}

/// The values that the guards speak of, and their neighbours.
fn values(sources: &[&str]) -> Vec<Value> {
    let mut values = vec![Value::Bool(false), Value::Bool(true), Value::from(0)];
    let mut put = |value: Value| {
        if !values.contains(&value) {
            values.push(value);
        }
    };
    for source in sources {
        let numbers = source.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for number in numbers.filter_map(|word| word.parse::<i64>().ok()) {
            for near in [number.saturating_sub(1).max(0), number, number.saturating_add(1)] {
                put(Value::from(near));
            }
        }
        for word in source.split(['\'', '"']).skip(1).step_by(2) {
            put(Value::from(word));
        }
    }
    values
}

/// Events that a state waits for and that neither a sender nor the machine can bring about.
fn unsendable<'a>(machine: &'a Machine, state: &'a State) -> Vec<&'a str> {
    let events = state.transitions.iter().filter_map(|way| way.event.as_deref());
    let ends = |id: &str| {
        machine
            .states
            .iter()
            .any(|end| end.is_final && end.parent.is_some_and(|parent| machine.states[parent].id == id))
    };
    events.filter(|event| event.strip_prefix("done.state.").is_some_and(|id| !ends(id))).collect()
}

/// Prompts that no state and no action says.
fn unsaid(machine: &Machine) -> Vec<&str> {
    let mut said: BTreeSet<&str> = BTreeSet::new();
    for state in &machine.states {
        said.extend(state.prompt.iter().chain(&state.exit_prompt).map(String::as_str));
        let of_transitions = state.transitions.iter().flat_map(|way| &way.actions);
        let actions = state.entry.iter().chain(&state.exit).chain(of_transitions);
        said.extend(actions.filter_map(|action| action.strip_prefix("PROMPT_")));
    }
    for Step { verb, .. } in machine.actions.values().chain(machine.on_event.values()).flatten() {
        if let Verb::Prompt(id) = verb {
            said.insert(id);
        }
    }
    machine.prompts.keys().map(String::as_str).filter(|id| !said.contains(id)).collect()
}
