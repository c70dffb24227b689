//! What can be done with a story as a whole: taking a turn back, branching off, telling it as text.

use std::{collections::HashSet, fmt::Write as _};

use proto::{
    orchestrator::v1::{SessionEvent, session_event::Body},
    structs,
};
use serde_json::{Map, Value, json};

use crate::{llm::Message, state::EndedTurn, turn::parse_arguments};

/// A call that undoes another.
pub(crate) struct Undoing {
    /// The tool whose effect is undone.
    pub of: String,
    /// The tool that undoes it; none can.
    pub tool: Option<&'static str>,
    pub arguments: Map<String, Value>,
}

/// What undoes the calls of a turn, the last first. Calls that failed or changed nothing need nothing.
pub(crate) fn undo(turn: &EndedTurn, has_effect: impl Fn(&str) -> bool) -> Vec<Undoing> {
    let calls = turn.messages.iter().flat_map(|message| match message {
        Message::GameMaster { tool_calls, .. } => tool_calls.as_slice(),
        _ => &[],
    });
    let result_of = |id: &str| {
        turn.messages.iter().find_map(|message| match message {
            Message::ToolResult { call_id, result, failed: false, .. } if call_id == id => Some(result),
            _ => None,
        })
    };
    let mut undoing: Vec<Undoing> = calls
        .filter(|call| has_effect(&call.name))
        .filter_map(|call| {
            let result = result_of(&call.id)?;
            opposite(&call.name, &parse_arguments(&call.arguments).unwrap_or_default(), result)
        })
        .collect();
    undoing.reverse();
    undoing
}

/// The call that undoes one; `None` if there is nothing to undo.
fn opposite(tool: &str, arguments: &Map<String, Value>, result: &Value) -> Option<Undoing> {
    let undoing = |tool_to_use: Option<&'static str>, arguments: Value| {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        Some(Undoing { of: tool.to_owned(), tool: tool_to_use, arguments })
    };
    let name = arguments.get("character_name").cloned().unwrap_or_default();
    let amount = arguments.get("amount").cloned().unwrap_or_default();
    let reason = "the turn was taken back";
    match tool {
        // The scene is restored as a whole, and what a turn has pinned is forgotten with it.
        "update_scene" | "pin_fact" => None,
        "cast_spell" if result["sustained"] == true => {
            let caster = arguments.get("caster_name").cloned().unwrap_or_default();
            undoing(Some("drop_spell"), json!({"character_name": caster, "spell_name": result["spell"]}))
        }
        "add_nuyen" => {
            undoing(Some("spend_nuyen"), json!({"character_name": name, "amount": amount, "reason": reason}))
        }
        "spend_nuyen" => {
            undoing(Some("add_nuyen"), json!({"character_name": name, "amount": amount, "reason": reason}))
        }
        "apply_damage" => {
            let healed = json!({
                "character_name": name, "boxes": result["boxes"], "damage_type": result["damage_type"], "reason": reason,
            });
            undoing(Some("heal"), healed)
        }
        "heal" if arguments.contains_key("boxes") => {
            let hurt = json!({
                "character_name": name, "boxes": arguments.get("boxes"),
                "damage_type": arguments.get("damage_type").and_then(Value::as_str).unwrap_or("physical"),
                "reason": reason,
            });
            undoing(Some("apply_damage"), hurt)
        }
        // A die that was rolled stays rolled, and changes nothing by itself; a sheet that has changed has a revision.
        _ if result.get("revision").is_none()
            && ["rolls", "roll", "spell_roll", "dice"].iter().any(|key| result.get(key).is_some()) =>
        {
            None
        }
        _ => undoing(None, json!({})),
    }
}

/// The events that a branch begins with: those up to the end of `turn_id`, or of the last turn that has ended, without
/// the turns that had not ended then. `None` if there is no such turn.
pub(crate) fn branch(events: Vec<SessionEvent>, turn_id: Option<&str>) -> Option<Vec<SessionEvent>> {
    let is_end = |event: &&SessionEvent| {
        matches!(event.body, Some(Body::Complete(_))) && turn_id.is_none_or(|turn_id| event.turn_id == turn_id)
    };
    let until = events.iter().rev().find(is_end)?.seq;
    let ended: HashSet<String> = events
        .iter()
        .filter(|event| event.seq <= until && matches!(event.body, Some(Body::Complete(_))))
        .map(|event| event.turn_id.clone())
        .collect();
    let is_kept = |event: &SessionEvent| {
        let is_told = event.turn_id.is_empty() || ended.contains(&event.turn_id);
        // Those who sit there do not sit here.
        let is_persons = matches!(
            event.body,
            Some(
                Body::Presence(_) | Body::TakenOver(_) | Body::GameLinked(_) | Body::GameTold(_) | Body::ModelChosen(_)
            )
        );
        event.seq <= until && is_told && !is_persons && event.visible_to.is_empty()
    };
    Some(events.into_iter().filter(is_kept).collect())
}

/// The story as text: what was said, told and rolled. What was withdrawn or taken back is left out.
pub(crate) fn transcript(events: &[SessionEvent]) -> String {
    let mut withdrawn = HashSet::new();
    let mut taken_back = HashSet::new();
    for event in events {
        match &event.body {
            Some(Body::Retract(retract)) => {
                withdrawn.insert(retract.retracted_seq);
            }
            Some(Body::TurnTakenBack(taken)) => {
                taken_back.insert(taken.taken_turn_id.as_str());
            }
            _ => {}
        }
    }
    let mut text = String::new();
    let mut told_seq = 0;
    for event in events {
        let is_private = !event.visible_to.is_empty();
        if is_private || withdrawn.contains(&event.seq) || taken_back.contains(event.turn_id.as_str()) {
            continue;
        }
        match &event.body {
            Some(Body::PlayerMessage(said)) => {
                let speaker = match (&said.character, &said.name) {
                    (Some(character), Some(name)) => format!("{character} ({name})"),
                    (Some(speaker), None) | (None, Some(speaker)) => speaker.clone(),
                    (None, None) => "Player".to_owned(),
                };
                let _ = write!(text, "\n\n{speaker}: {}", said.message);
            }
            Some(Body::Narrative(narrative)) if told_seq == event.seq => text.push_str(&narrative.content),
            Some(Body::Narrative(narrative)) => {
                told_seq = event.seq;
                let _ = write!(text, "\n\nGame master: {}", narrative.content);
            }
            Some(Body::ToolResult(result)) if !result.failed => {
                result_line(&mut text, &result.tool, &structs::to_json(result.result.clone().unwrap_or_default()));
            }
            Some(Body::Roll(roll)) => {
                result_line(&mut text, &roll.tool, &structs::to_json(roll.result.clone().unwrap_or_default()));
            }
            Some(Body::RollOverridden(ruling)) => {
                let (id, result) = (&ruling.roll_id, &ruling.result);
                let _ = write!(text, "\n\n[{} rules: roll {id} counts as {result}, {}]", ruling.by, ruling.reason);
            }
            Some(Body::System(system)) => {
                let _ = write!(text, "\n\n[{}]", system.content);
            }
            _ => {}
        }
    }
    text.trim_start().to_owned()
}

/// A line for a result that has dice in it or sums itself up.
fn result_line(text: &mut String, tool: &str, result: &Value) {
    let summary = ["summary", "roll_explanation", "breakdown"].iter().find_map(|key| result[key].as_str());
    let line = match (summary, &result["rolls"], &result["successes"]) {
        (Some(summary), ..) => summary.to_owned(),
        (None, Value::Array(rolls), successes) => {
            let rolls: Vec<String> = rolls.iter().map(Value::to_string).collect();
            let successes = successes.as_u64().map_or_else(String::new, |count| format!(", {count} successes"));
            format!("{}{successes}", rolls.join(" "))
        }
        _ => return,
    };
    let _ = write!(text, "\n\n[{tool}: {line}]");
}
