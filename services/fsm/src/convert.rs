//! Between the wire's messages and the service's own types.

use std::collections::BTreeMap;

use prost_types::{ListValue, Struct, Value as WireValue, value::Kind};
use proto::fsm::v1 as wire;
use serde_json::{Map, Number, Value};
use service_kit::clock;

use crate::{
    definition::Machine,
    games::{Answer, Role, Shown, Update, UpdateKind},
    machine::{Audience, Choice, Decider, DeciderKind, Decision, Game, Output, OutputKind, Refusal},
    opponent::Strength,
    store::StoredEntry,
};

/// Whole numbers up to here are exact in the wire's only kind of number.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A game as it is shown.
pub fn game(shown: Shown) -> wire::Game {
    let Shown { stored, machine, view, source, attached } = shown;
    let index = machine.as_ref().and_then(|machine| machine.state_index(&stored.game.state));
    let state = machine.as_ref().zip(index).map(|(machine, index)| &machine.states[index]);
    let turn = stored.game.variables.get("TURN").and_then(Value::as_u64).unwrap_or_default();
    let (figures, told) =
        view.map(|view| (view.figures, (view.valid_events.host, view.prompt.unwrap_or_default(), view.menu))).unzip();
    let (valid_events, prompt, menu) = told.unwrap_or_default();
    wire::Game {
        label: state.map_or_else(|| stored.game.state.clone(), |state| state.label.clone()),
        description: state.map(|state| state.description.clone()).unwrap_or_default(),
        phase: state.map(|state| state.phase.clone()).unwrap_or_default(),
        finished: machine.as_ref().zip(index).is_some_and(|(machine, index)| machine.is_over(index)),
        turn: u32::try_from(turn).unwrap_or(u32::MAX),
        valid_events,
        prompt,
        menu,
        figures_from: if figures.is_some() { source.word().to_owned() } else { String::new() },
        deciders: machine.iter().flat_map(|machine| deciders(machine, &stored.game)).collect(),
        // A variable that the board has a figure for is what the board shows.
        variables: Some(to_struct(
            stored
                .game
                .variables
                .iter()
                .map(|(name, value)| (name, figures.as_ref().and_then(|figures| figures.get(name)).unwrap_or(value))),
        )),
        figures: figures.map(|figures| to_struct(&figures)),
        game_id: stored.id,
        machine: stored.machine,
        state: stored.game.state,
        sequence: stored.sequence,
        attached: u32::try_from(attached).unwrap_or(u32::MAX),
        archived_from: stored.archived_from.unwrap_or_default(),
        created_at: clock::rfc3339(stored.created_at),
        updated_at: clock::rfc3339(stored.updated_at),
    }
}

/// Who decides, for each side of the machine.
pub fn deciders(machine: &Machine, game: &Game) -> Vec<wire::Decider> {
    let of_side = |side: &String| decider(side, game.memory.deciders.get(side).copied().unwrap_or_default());
    machine.sides.iter().map(of_side).collect()
}

fn decider(side: &str, decider: Decider) -> wire::Decider {
    let Decider { kind, strength, timeout_seconds } = decider;
    let kind = match kind {
        DeciderKind::Person => "person",
        DeciderKind::Policy => "policy",
        DeciderKind::Model => "model",
        DeciderKind::Autopilot => "autopilot",
    };
    let strength = match strength {
        Strength::Easy => "easy",
        Strength::Middle => "middle",
        Strength::Hard => "hard",
    };
    wire::Decider {
        side: side.to_owned(),
        kind: kind.to_owned(),
        strength: (kind != "person").then(|| strength.to_owned()),
        timeout_seconds: matches!(kind, "model" | "autopilot").then_some(timeout_seconds),
    }
}

/// The side, and who decides for it.
pub fn from_decider(decider: wire::Decider) -> (String, Decider) {
    let wire::Decider { side, kind, strength, timeout_seconds } = decider;
    let kind = match kind.as_str() {
        "policy" => DeciderKind::Policy,
        "model" => DeciderKind::Model,
        "autopilot" => DeciderKind::Autopilot,
        _ => DeciderKind::Person,
    };
    let strength = match strength.as_deref() {
        Some("easy") => Strength::Easy,
        Some("hard") => Strength::Hard,
        _ => Strength::Middle,
    };
    (side, Decider { kind, strength, timeout_seconds: timeout_seconds.unwrap_or(kind.default_timeout_seconds()) })
}

/// An open decision.
pub fn decision(decision: Decision) -> wire::Decision {
    let due_at = decision.due_at().map(clock::rfc3339).unwrap_or_default();
    let Decision { id, kind, side, decider: who, question, asked_at, choices } = decision;
    let choices = choices.into_iter().map(|Choice { id, text, event, data }| wire::Choice {
        choice_id: id,
        text,
        event,
        data: Some(to_struct(&data)),
    });
    wire::Decision {
        decision_id: id,
        kind,
        decider: Some(decider(&side, who)),
        question,
        choices: choices.collect(),
        asked_at: clock::rfc3339(asked_at),
        due_at,
    }
}

/// What became of an event.
pub fn answer(answer: Answer) -> wire::SendEventResponse {
    let (outcome, reaction) = match &answer.outcome {
        // An attachment is told on its stream.
        Ok(_) if answer.update_number != 0 => (wire::Outcome::Accepted, None),
        Ok(entry) => (wire::Outcome::Accepted, Some(reaction(&answer.game_id, entry, None))),
        Err(refusal) => (outcome(*refusal), None),
    };
    wire::SendEventResponse {
        outcome: outcome.into(),
        message: answer.message,
        reaction,
        state: answer.state,
        valid_events: answer.valid_events,
        update_number: answer.update_number,
    }
}

/// An update, as far as it is for the role it is told to.
pub fn update(update: Update) -> wire::GameUpdate {
    use wire::game_update::Update as Kind;

    let Update { number, role, kind } = update;
    let kind = match *kind {
        UpdateKind::Greeting { attachment_id, game_id, sequence, outputs: all } => Kind::Greeting(wire::Greeting {
            attachment_id,
            role: role.word().to_owned(),
            game_id,
            sequence,
            outputs: outputs(&all, Some(role), Log::Outside),
        }),
        UpdateKind::Reaction { game_id, entry } => Kind::Reaction(reaction(&game_id, &entry, Some(role))),
        UpdateKind::Refusal { refusal, message, event, trace_id } => {
            Kind::Refusal(wire::Refusal { outcome: outcome(refusal).into(), message, event, trace_id })
        }
        UpdateKind::RoleChange { outputs: all } => Kind::RoleChange(wire::RoleChange {
            role: role.word().to_owned(),
            outputs: outputs(&all, Some(role), Log::Outside),
        }),
    };
    wire::GameUpdate { number, update: Some(kind) }
}

/// An entry of a game's log; without a role with everything that was told.
pub fn reaction(game_id: &str, stored: &StoredEntry, role: Option<Role>) -> wire::Reaction {
    let entry = &stored.entry;
    let transitions = entry.moves.iter().map(|step| wire::Transition {
        from: step.from.clone(),
        to: step.to.clone(),
        event: step.event.clone(),
    });
    wire::Reaction {
        game_id: game_id.to_owned(),
        sequence: stored.sequence,
        timestamp: clock::rfc3339(stored.created_at),
        trace_id: entry.trace_id.clone(),
        event: entry.event.name.clone(),
        alias_of: entry.alias_of.clone(),
        cause: entry.cause.clone(),
        data: Some(to_struct(&entry.event.data)),
        transitions: transitions.collect(),
        state: stored.state.clone(),
        facts: Some(to_struct(&entry.facts)),
        roll_ids: entry.rolls.iter().map(|rolled| rolled.id.clone()).filter(|id| !id.is_empty()).collect(),
        outputs: outputs(&entry.outputs, role, Log::Inside),
    }
}

/// Whether outputs are an entry's of the log, where each has its number.
#[derive(Clone, Copy, PartialEq)]
enum Log {
    Inside,
    Outside,
}

fn outputs(outputs: &[Output], role: Option<Role>, log: Log) -> Vec<wire::Output> {
    let numbered = (1..).zip(outputs).map(|(line, output)| (if log == Log::Inside { line } else { 0 }, output));
    let heard = numbered.filter(|(_, output)| role.is_none_or(|role| role.hears(output.audience)));
    heard.map(|(line, heard)| output(line, heard.clone())).collect()
}

fn output(line: u32, output: Output) -> wire::Output {
    use wire::output::Kind;

    let audience = match output.audience {
        Audience::Everyone => wire::Audience::Unspecified,
        Audience::Host => wire::Audience::Host,
        Audience::Clients => wire::Audience::Clients,
    };
    let kind = match output.kind {
        OutputKind::State(state) => Kind::State(state),
        OutputKind::Text(text) => Kind::Text(text),
        OutputKind::Shown(text) => Kind::Shown(text),
        OutputKind::Command(command) => Kind::Command(command),
        OutputKind::Record(record) => Kind::Record(record),
        OutputKind::ValidEvents(events) => Kind::ValidEvents(wire::ValidEvents { events }),
    };
    wire::Output { audience: audience.into(), line, kind: Some(kind) }
}

fn outcome(refusal: Refusal) -> wire::Outcome {
    match refusal {
        Refusal::Ignored => wire::Outcome::Ignored,
        Refusal::Unknown => wire::Outcome::UnknownEvent,
        Refusal::Transition => wire::Outcome::InvalidTransition,
        Refusal::Malformed => wire::Outcome::MalformedData,
        Refusal::HostOnly => wire::Outcome::HostOnly,
    }
}

/// What an event tells, from either of its fields; `None` if that cannot be read.
pub fn data(data: Option<Struct>, json: Option<&str>) -> Option<Map<String, Value>> {
    match (data, json) {
        (Some(data), _) => Some(from_struct(data)),
        (None, Some(text)) => serde_json::from_str::<Map<String, Value>>(text).ok(),
        (None, None) => Some(Map::new()),
    }
}

pub fn from_struct(fields: Struct) -> Map<String, Value> {
    fields.fields.into_iter().map(|(name, value)| (name, from_value(value))).collect()
}

/// The wire has one kind of number; a whole one is an integer here.
fn from_value(value: WireValue) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(yes)) => Value::Bool(yes),
        Some(Kind::StringValue(text)) => Value::String(text),
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough to be exact")]
        Some(Kind::NumberValue(number)) if number.fract() == 0.0 && number.abs() <= MAX_EXACT => {
            Value::from(number as i64)
        }
        Some(Kind::NumberValue(number)) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(from_value).collect(),
        Some(Kind::StructValue(fields)) => Value::Object(from_struct(fields)),
    }
}

fn to_struct<'a>(fields: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Struct {
    let fields: BTreeMap<String, WireValue> =
        fields.into_iter().map(|(name, value)| (name.clone(), to_value(value))).collect();
    Struct { fields }
}

fn to_value(value: &Value) -> WireValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(yes) => Kind::BoolValue(*yes),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(ListValue { values: items.iter().map(to_value).collect() }),
        Value::Object(fields) => Kind::StructValue(to_struct(fields)),
    };
    WireValue { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_stay_whole_on_the_wire() {
        let fields = json!({"a": 12, "b": [1, 2.5], "c": {"d": "x", "e": null, "f": true}});
        let fields = fields.as_object().unwrap();
        assert_eq!(&from_struct(to_struct(fields)), fields);
    }

    #[test]
    fn data_is_an_object_or_cannot_be_read() {
        assert_eq!(data(None, None), Some(Map::new()));
        assert_eq!(data(None, Some(r#"{"a": 1}"#)), json!({"a": 1}).as_object().cloned());
        for text in ["", "[1]", "1", "{", "{\"a\": }", "{} x"] {
            assert_eq!(data(None, Some(text)), None, "{text}");
        }
    }
}
