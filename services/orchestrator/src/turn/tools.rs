//! The tools of a turn: run side by side, each shown with its result, in order.

use std::{pin::pin, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::{Map, Value, json};
use service_kit::{
    db::DbError,
    status::{self, ErrorCode, Failure},
};
use tokio::{sync::oneshot, time::Instant};
use tonic::metadata::MetadataMap;
use tracing::{Instrument, Span, field::Empty};

use super::{End, Turn, parse_arguments, to_ms};
use crate::{
    engine::{Caller, failure_json},
    events,
    llm::{Message, ToolCall},
    metrics,
    session::{Decision, Origin},
};

/// Calls that are run in one step; more are refused, each with a word to the model.
const CALLS_PER_STEP: usize = 32;
/// How long a call waits for a person to agree.
const CONSENT: Duration = Duration::from_secs(120);
/// How long tools that run may still answer when their turn is broken off: what they did belongs into the log.
const GRACE: Duration = Duration::from_secs(2);

/// What became of one tool call.
struct Outcome {
    result: Result<Value, Failure>,
    duration: Duration,
}

impl Turn<'_> {
    /// Runs the calls of one step side by side, and shows each with its result, in order.
    pub(super) async fn call_tools(&mut self, step: u32, calls: Vec<ToolCall>) -> Result<Vec<Message>, End> {
        let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        self.calls += calls.len() as u64;
        let data = json!({"tools_requested": names, "tool_count": names.len()});
        self.telemetry("grok_tool_request", data).await;
        self.session.append(&self.origin, vec![events::tool_execution(step, &calls)]).await?;
        self.run_tools(step, calls, Vec::new()).await
    }

    /// Runs the calls of a step that stands in the log. The first `answered` of them have shown their results; one that
    /// had acted without showing it is answered the same again, by its key.
    pub(super) async fn run_tools(
        &self,
        step: u32,
        calls: Vec<ToolCall>,
        answered: Vec<Message>,
    ) -> Result<Vec<Message>, End> {
        let this = self;
        let mut running: FuturesUnordered<_> = calls
            .iter()
            .enumerate()
            .skip(answered.len())
            .map(|(index, call)| async move { (index, this.call_tool(step, index, call).await) })
            .collect();
        let mut outcomes: Vec<Option<Outcome>> = calls.iter().map(|_| None).collect();
        let mut messages = answered;
        let mut broken_off: Option<(End, Instant)> = None;
        for (index, call) in calls.iter().enumerate().skip(messages.len()) {
            while outcomes[index].is_none() {
                let next = match &broken_off {
                    None => match this.unless_interrupted(running.next()).await {
                        Ok(next) => next,
                        Err(end) => {
                            broken_off = Some((end, Instant::now() + GRACE));
                            continue;
                        }
                    },
                    Some((_, until)) => tokio::time::timeout_at(*until, running.next()).await.unwrap_or_default(),
                };
                match next {
                    Some((finished, outcome)) => outcomes[finished] = Some(outcome),
                    None => outcomes[index] = Some(Outcome::not_awaited()),
                }
            }
            let Some(outcome) = outcomes[index].take() else { continue };
            // The others go on meanwhile: one of them may hold the session's lock, or be the next to be given it.
            let mut showing = pin!(this.show(call, outcome));
            messages.push(loop {
                tokio::select! {
                    shown = &mut showing => break shown?,
                    Some((finished, outcome)) = running.next() => outcomes[finished] = Some(outcome),
                }
            });
        }
        match broken_off {
            Some((end, _)) => Err(end),
            None => Ok(messages),
        }
    }

    /// Logs a call and its result together, so that nothing ever stands between them.
    async fn show(&self, call: &ToolCall, outcome: Outcome) -> Result<Message, DbError> {
        let arguments = parse_arguments(&call.arguments).unwrap_or_else(|_| {
            let shown: String = call.arguments.chars().take(500).collect();
            Map::from_iter([("unreadable".to_owned(), shown.into())])
        });
        let failed = outcome.result.is_err();
        let result = outcome.result.unwrap_or_else(|failure| failure_json(&failure));
        let duration_us = u64::try_from(outcome.duration.as_micros()).unwrap_or(u64::MAX);
        let pair = vec![
            events::tool_call(&call.name, &call.id, Value::Object(arguments)),
            events::tool_result(&call.name, &call.id, result.clone(), failed, duration_us),
        ];
        self.session.append(&self.origin, pair).await?;
        Ok(Message::ToolResult { call_id: call.id.clone(), tool: call.name.clone(), result, failed })
    }

    async fn call_tool(&self, step: u32, index: usize, call: &ToolCall) -> Outcome {
        let span = tracing::info_span!(
            "tool",
            otel.name = format!("execute_tool {}", call.name),
            otel.status_code = Empty,
            service = "orchestrator",
            gen_ai.operation.name = "execute_tool",
            gen_ai.tool.name = call.name,
            gen_ai.tool.call.id = call.id,
            error.type = Empty,
        );
        let key = format!("{}/{step}/{index}", self.origin.turn_id);
        async {
            let started = Instant::now();
            let result = match parse_arguments(&call.arguments) {
                _ if CALLS_PER_STEP <= index => Err(too_many_calls()),
                _ if self.is_interrupted() => Err(not_begun(&call.name)),
                Err(reason) => Err(unreadable(&call.name, &reason)),
                Ok(arguments) => {
                    let data = json!({"operation": call.name, "arguments": arguments});
                    self.telemetry("mcp_operation_start", data).await;
                    let mut metadata = MetadataMap::new();
                    if let Ok(key) = key.parse() {
                        metadata.insert("idempotency-key", key);
                    }
                    let origin = Origin { call_id: call.id.clone(), ..self.origin.clone() };
                    match self.consent(call, &arguments).await {
                        // Whatever was agreed to, a turn that is broken off begins nothing.
                        Ok(_) if self.is_interrupted() => Err(not_begun(&call.name)),
                        Ok(caller) => {
                            self.engine.call(self.session, &origin, caller, &call.name, arguments, metadata).await
                        }
                        Err(refusal) => Err(refusal),
                    }
                }
            };
            let duration = started.elapsed();
            let duration_ms = to_ms(duration);
            let mut data = json!({"operation": call.name, "duration_ms": duration_ms, "success": result.is_ok()});
            if let Err(failure) = &result {
                Span::current().record("error.type", failure.code.name());
                Span::current().record("otel.status_code", "ERROR");
                data["error"] = failure.message.clone().into();
            }
            self.telemetry("mcp_operation_complete", data).await;
            Outcome { result, duration }
        }
        .instrument(span)
        .await
    }

    /// With whose right a call is made. One that a person must agree to waits for the game master's seat.
    async fn consent(&self, call: &ToolCall, arguments: &Map<String, Value>) -> Result<Caller, Failure> {
        let why = match self.engine.needs_consent(&call.name) {
            true => None,
            false => match self.engine.agreement(self.session, &call.name, arguments).await {
                Some(why) => Some(why),
                None => return Ok(Caller::GameMaster),
            },
        };
        let asked = {
            let mut inner = self.session.lock().await;
            match inner.state.decision(&self.origin.turn_id, &call.id) {
                Some(decision) => return decided(&call.name, &decision),
                None if !inner.seats.has_game_master() => {
                    return Err(nobody_agrees(&call.name, why.as_deref(), inner.state.is_retold()));
                }
                None => {
                    let (decide, decision) = oneshot::channel();
                    inner.approvals.insert(call.id.clone(), decide);
                    let event = events::approval_requested(&call.id, &call.name, Value::Object(arguments.clone()));
                    let told = self.session.append_locked(&mut inner, &self.origin, vec![event], None).await;
                    told.map_err(|error| Failure::from(&status::database(&error)))?;
                    decision
                }
            }
        };
        let answered = self.unless_interrupted(tokio::time::timeout(CONSENT, asked)).await;
        let decision = match answered {
            Ok(Ok(Ok(decision))) => decision,
            // Nobody sits there any more, nobody cares, or nothing is to be agreed to any more.
            unanswered => {
                let mut inner = self.session.lock().await;
                inner.approvals.remove(&call.id);
                let reason = match unanswered {
                    Err(_) => "the turn was broken off".to_owned(),
                    Ok(_) => {
                        metrics::CONSENT_TIMEOUTS.inc();
                        "nobody answered".to_owned()
                    }
                };
                let decision = Decision { allow: false, by: String::new(), reason };
                let event = events::approval(&call.id, &decision);
                let told = self.session.append_locked(&mut inner, &self.origin, vec![event], None).await;
                told.map_err(|error| Failure::from(&status::database(&error)))?;
                decision
            }
        };
        decided(&call.name, &decision)
    }
}

impl Outcome {
    fn not_awaited() -> Outcome {
        let message = "the turn was broken off before this tool had answered".to_owned();
        let failure = Failure { code: ErrorCode::ToolTimeout, message, details: Map::new() };
        Outcome { result: Err(failure), duration: GRACE }
    }
}

/// What follows from the game master's decision.
fn decided(tool: &str, decision: &Decision) -> Result<Caller, Failure> {
    if decision.allow {
        return Ok(Caller::GameMasterWithConsent);
    }
    let message = format!("{tool} was not run: the game master's seat refused it ({})", decision.reason);
    Err(Failure { code: ErrorCode::Forbidden, message, details: Map::new() })
}

fn not_begun(tool: &str) -> Failure {
    let message = format!("{tool} was not run: the turn was broken off before it had begun");
    Failure { code: ErrorCode::Forbidden, message, details: Map::new() }
}

/// Nobody is there to agree; after a restart it may be that somebody was asked before.
fn nobody_agrees(tool: &str, why: Option<&str>, is_retold: bool) -> Failure {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let absent = match is_retold {
        true => {
            "who sat there has not come back since the server was restarted; call it again when somebody sits there"
        }
        false => "nobody sits there",
    };
    let message = format!("{tool} was not run: the game master's seat must agree to it{why}, and {absent}");
    Failure { code: ErrorCode::Forbidden, message, details: Map::new() }
}

fn too_many_calls() -> Failure {
    let message = format!("not run: at most {CALLS_PER_STEP} tools may be called at once");
    Failure { code: ErrorCode::RateLimited, message, details: Map::new() }
}

fn unreadable(name: &str, reason: &str) -> Failure {
    let message = format!("{name} was not run: {reason}");
    Failure { code: ErrorCode::InvalidToolParams, message, details: Map::new() }
}
