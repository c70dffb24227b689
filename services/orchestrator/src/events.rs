//! The events of a session, in the words that clients know.

use proto::{
    orchestrator::v1::{
        Fact, Usage,
        session_event::{
            Approval, ApprovalRequested, Body, CharacterUpdated, Claim, Complete, Error, FactForgotten, GameLinked,
            ModelChosen, Narrative, Paused, PlannedCall, Presence, Processing, Remembered, Retract, Roll,
            RollOverridden, Scene, System, TakenOver, Telemetry, ToolCall, ToolExecution, ToolResult, TurnOrder,
            TurnTakenBack, Whisper,
        },
    },
    structs,
};
use serde_json::{Map, Value};
use service_kit::{clock, status::ErrorCode};

use crate::{claims, llm, seats::Seat, session::Decision};

/// The game master begins; `attempt` is 1 unless a restart broke the turn off, `prompt` the version of what he was told
/// to be.
pub(crate) fn processing(attempt: u32, prompt: &str) -> Body {
    let attempt = (1 < attempt).then_some(attempt);
    Body::Processing(Processing { content: "GM is thinking...".into(), attempt, prompt: Some(prompt.to_owned()) })
}

/// A person narrates.
pub(crate) fn person_begins() -> Body {
    Body::Processing(Processing { content: "GM is thinking...".into(), attempt: None, prompt: None })
}

pub(crate) fn retract(retracted_seq: u64) -> Body {
    Body::Retract(Retract { retracted_seq })
}

/// What those are told who cannot take text back.
pub(crate) fn told_again() -> Body {
    system("The last passage is told again")
}

pub(crate) fn system(content: impl Into<String>) -> Body {
    Body::System(System { content: content.into(), ..System::default() })
}

pub(crate) fn complete(content: &str) -> Body {
    Body::Complete(Complete { content: content.into(), ..Complete::default() })
}

/// The end of a turn, with what was told in it and nothing supports, and with what it took.
pub(crate) fn complete_with(content: &str, claims: Vec<claims::Claim>, usage: Option<Usage>) -> Body {
    let to_proto = |claim: claims::Claim| Claim { text: claim.text, kind: claim.kind.to_owned() };
    let claims = claims.into_iter().map(to_proto).collect();
    Body::Complete(Complete { content: content.into(), claims, usage })
}

pub(crate) fn error(code: ErrorCode, content: impl Into<String>) -> Body {
    Body::Error(Error { content: content.into(), code: code.number(), error_type: code.name().into() })
}

/// What a turn says that the server itself broke off.
pub(crate) fn interrupted() -> Body {
    error(ErrorCode::ApiError, "The server was restarted before the game master had finished. Please say it again.")
}

pub(crate) fn character_added(name: &str) -> Body {
    Body::System(System {
        content: format!("Added {name} to session"),
        character_added: Some(name.into()),
        character_removed: None,
    })
}

pub(crate) fn character_removed(name: &str) -> Body {
    Body::System(System {
        content: format!("Removed {name} from session"),
        character_added: None,
        character_removed: Some(name.into()),
    })
}

/// The scene as it stands now; `call_id` is the call of a turn that set it.
pub(crate) fn scene(scene: Map<String, Value>, call_id: Option<&str>) -> Body {
    let scene = Some(structs::from_json(Value::Object(scene)));
    Body::Scene(Scene { scene, call_id: call_id.map(str::to_owned) })
}

pub(crate) fn tool_execution(step: u32, calls: &[llm::ToolCall]) -> Body {
    let tools = calls.iter().map(|call| call.name.clone()).collect();
    let plan = |call: &llm::ToolCall| PlannedCall {
        call_id: call.id.clone(),
        tool: call.name.clone(),
        arguments: call.arguments.clone(),
    };
    Body::ToolExecution(ToolExecution { tools, step, calls: calls.iter().map(plan).collect() })
}

pub(crate) fn tool_call(tool: &str, call_id: &str, arguments: Value) -> Body {
    let arguments = Some(structs::from_json(arguments));
    Body::ToolCall(ToolCall { tool: tool.into(), arguments, call_id: call_id.into() })
}

pub(crate) fn tool_result(tool: &str, call_id: &str, result: Value, failed: bool, duration_us: u64) -> Body {
    let result = Some(structs::from_json(result));
    Body::ToolResult(ToolResult { tool: tool.into(), result, call_id: call_id.into(), failed, duration_us })
}

pub(crate) fn roll(tool: &str, result: Value) -> Body {
    Body::Roll(Roll { tool: tool.into(), result: Some(structs::from_json(result)) })
}

pub(crate) fn character_updated(character: &str, changes: Value, call_id: Option<&str>) -> Body {
    let changes = Some(structs::from_json(changes));
    Body::CharacterUpdated(CharacterUpdated {
        character: character.into(),
        changes,
        call_id: call_id.map(str::to_owned),
    })
}

pub(crate) fn turn_order(order: &[Value], call_id: Option<&str>) -> Body {
    let order = order.iter().cloned().map(structs::from_json).collect();
    Body::TurnOrder(TurnOrder { order, call_id: call_id.map(str::to_owned) })
}

pub(crate) fn presence(seat: &Seat, present: bool, reason: &str) -> Body {
    Body::Presence(Presence {
        name: seat.name.clone(),
        present,
        reason: reason.into(),
        seat: seat.kind.as_str().into(),
        character: seat.character.clone(),
    })
}

pub(crate) fn whisper(from: &str, to: &str, message: String) -> Body {
    Body::Whisper(Whisper { from: from.into(), to: to.into(), message })
}

pub(crate) fn approval_requested(call_id: &str, tool: &str, arguments: Value) -> Body {
    let arguments = Some(structs::from_json(arguments));
    Body::ApprovalRequested(ApprovalRequested { call_id: call_id.into(), tool: tool.into(), arguments })
}

pub(crate) fn approval(call_id: &str, decision: &Decision) -> Body {
    let Decision { allow, by, reason } = decision.clone();
    Body::Approval(Approval { call_id: call_id.into(), allow, by, reason })
}

pub(crate) fn roll_overridden(roll_id: String, result: String, reason: String, by: String) -> Body {
    Body::RollOverridden(RollOverridden { roll_id, result, reason, by })
}

pub(crate) fn taken_over(name: &str, on: bool) -> Body {
    Body::TakenOver(TakenOver { name: name.into(), on })
}

pub(crate) fn turn_taken_back(taken_turn_id: &str, not_undone: Vec<String>) -> Body {
    Body::TurnTakenBack(TurnTakenBack { taken_turn_id: taken_turn_id.into(), not_undone })
}

/// A whole narration at once.
pub(crate) fn narrative(content: String) -> Body {
    Body::Narrative(Narrative { content, offset: 0 })
}

pub(crate) fn paused(on: bool, name: String) -> Body {
    Body::Paused(Paused { on, name })
}

/// The table is linked to a game; an empty id: no longer.
pub(crate) fn game_linked(game_id: String, side: String) -> Body {
    Body::GameLinked(GameLinked { game_id, side })
}

/// What is kept in mind; `call_id` is the call of a turn that pinned it.
pub(crate) fn remembered(facts: Vec<Fact>, call_id: Option<&str>) -> Body {
    Body::Remembered(Remembered { facts, call_id: call_id.map(str::to_owned) })
}

pub(crate) fn fact_forgotten(fact_id: &str) -> Body {
    Body::FactForgotten(FactForgotten { fact_id: fact_id.into() })
}

pub(crate) fn model_chosen(provider: &str, model: &str) -> Body {
    Body::ModelChosen(ModelChosen { provider: provider.into(), model: model.into() })
}

/// A line of the debug window.
pub(crate) fn telemetry(event: &str, data: Value) -> Body {
    let level = if event.ends_with("_error") { "error" } else { "info" };
    Body::Telemetry(Telemetry {
        event: event.into(),
        data: Some(structs::from_json(data)),
        timestamp: clock::now(),
        level: level.into(),
    })
}
