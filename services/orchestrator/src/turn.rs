//! A turn: the model speaks, calls tools, speaks again; every turn ends with exactly one `complete`.

mod calls;

use std::{collections::HashSet, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use proto::orchestrator::v1::{SessionEvent, session_event::Body};
use serde_json::{Map, Value, json};
use service_kit::{
    clock,
    db::DbError,
    status::{self, ErrorCode, Failure},
    trace,
};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tracing::{Instrument, Span, field::Empty};

use crate::{
    budget::Refusal,
    claims::{self, Claim},
    engine::{Caller, Engine, failure_json},
    events,
    llm::{Message, ModelError, ModelEvent, ModelRequest, Provider, ToolCall, chain::Link},
    session::{Decision, FLUSH_INTERVAL, Origin, QueuedTurn, Session},
    state::PendingStep,
    turn::calls::Calls,
};

pub(crate) use crate::turn::calls::parse_arguments;

/// Calls that are run in one step; more are refused, each with a word to the model.
const CALLS_PER_STEP: usize = 32;
/// Bytes that count as one token where the model does not tell its own count.
const BYTES_PER_TOKEN: u64 = 4;
/// How often a turn is begun at the most: one that takes the server down must not do so for ever.
const MAX_ATTEMPTS: u32 = 3;
/// Unsupported claims that are told of one turn.
const MAX_CLAIMS: usize = 20;
/// How long a call waits for a person to agree.
const CONSENT: Duration = Duration::from_secs(120);
/// How long tools that run may still answer when their turn is broken off: what they did belongs into the log.
const GRACE: Duration = Duration::from_secs(2);

/// Has the turns of a session played that its log holds without an end.
pub(crate) async fn play_waiting(session: &Arc<Session>, engine: &Arc<Engine>) {
    let mut inner = session.lock().await;
    for (turn_id, trace_id) in inner.state.open_turns() {
        let cancel = CancellationToken::new();
        inner.queue.push_back(QueuedTurn { turn_id, trace_id, traceparent: None, cancel });
    }
    if !inner.queue.is_empty() {
        inner.is_busy = true;
        tokio::spawn(play_queue(session.clone(), engine.clone()));
    }
}

/// Plays the turns that wait, one after another, until none is left.
pub(crate) async fn play_queue(session: Arc<Session>, engine: Arc<Engine>) {
    loop {
        let queued = {
            let mut inner = session.lock().await;
            let Some(queued) = inner.queue.pop_front() else {
                inner.is_busy = false;
                if engine.shutdown.is_cancelled() {
                    inner.close();
                }
                return;
            };
            if inner.state.narrator().is_some() {
                // A person took over while it waited, and answers in his own time.
                let origin =
                    Origin { turn_id: queued.turn_id.clone(), trace_id: queued.trace_id.clone(), ..Origin::default() };
                let answered = vec![events::person_begins(), events::complete("Response complete")];
                if let Err(error) = session.append_locked(&mut inner, &origin, answered, None).await {
                    tracing::error!(%error, session_id = session.id, "a turn could not be left to a person");
                }
                continue;
            }
            inner.running = Some(queued.cancel.clone());
            queued
        };
        let span = match &queued.traceparent {
            Some(traceparent) => trace::resume("orchestrator", "turn", traceparent),
            None => trace::begin("orchestrator", "turn", trace::parse_trace_id(&queued.trace_id), None).0,
        };
        play(&session, &engine, queued).instrument(span).await;
    }
}

async fn play(session: &Session, engine: &Engine, queued: QueuedTurn) {
    let QueuedTurn { turn_id, trace_id, cancel, .. } = queued;
    let origin = Origin { turn_id, trace_id, ..Origin::default() };
    let mut turn = Turn {
        session,
        engine,
        origin,
        cancel,
        started: Instant::now(),
        tokens: 0,
        calls: 0,
        told: 0,
        call_ids: HashSet::new(),
        provider: 0,
        allowed: engine.limits.tokens,
        prompt_tokens: 0,
        claims: Vec::new(),
    };
    let end = match turn.within_budget().await {
        Ok(()) => End::Finished,
        Err(end) => end,
    };
    turn.finish(end).await;
}

/// Why a turn is over.
#[derive(Debug)]
enum End {
    Finished,
    Cancelled,
    ShutDown,
    /// With a text that a player can read.
    Failed(ErrorCode, String),
    Store(DbError),
}

impl From<DbError> for End {
    fn from(error: DbError) -> End {
        End::Store(error)
    }
}

struct Turn<'a> {
    session: &'a Session,
    engine: &'a Engine,
    origin: Origin,
    cancel: CancellationToken,
    started: Instant,
    /// Tokens that the model has written.
    tokens: u64,
    /// Tools that were called.
    calls: u64,
    /// Characters that were told.
    told: u64,
    call_ids: HashSet<String>,
    /// Which of the game masters speaks; one who has failed is not asked again in the turn.
    provider: usize,
    /// Tokens that may be written.
    allowed: u64,
    /// Tokens that the model has read, as far as it tells.
    prompt_tokens: u64,
    /// What was told and nothing supports.
    claims: Vec<Claim>,
}

/// What a model said in one step.
struct Answer {
    text: String,
    calls: Vec<ToolCall>,
}

/// What became of one tool call.
struct Outcome {
    result: Result<Value, Failure>,
    duration: Duration,
}

impl Turn<'_> {
    /// Reserves what the turn may write, tells the story, and settles.
    async fn within_budget(&mut self) -> Result<(), End> {
        let player = self.session.lock().await.state.speaker(&self.origin.turn_id);
        let store = self.session.store().clone();
        let reserved =
            self.engine.budget.reserve(&store, &self.session.id, player.as_deref(), self.engine.limits.tokens).await;
        let reservation = match reserved {
            Ok(reservation) => reservation,
            Err(Refusal::Store(error)) => return Err(End::Store(error)),
            Err(Refusal::UsedUp(text)) => {
                self.session.append(&self.origin, vec![events::processing(1, &self.engine.prompt_version)]).await?;
                return Err(End::Failed(ErrorCode::RateLimited, text));
            }
        };
        self.allowed = reservation.tokens();
        let told = AssertUnwindSafe(self.tell_story()).catch_unwind().await;
        self.engine.budget.settle(&store, reservation, self.tokens).await?;
        told.unwrap_or_else(|_| {
            tracing::error!(turn_id = self.origin.turn_id, "a turn panicked");
            Err(End::Failed(ErrorCode::InternalError, "Something went wrong on our side. Please try again.".into()))
        })
    }

    /// Tells the story from where the log has it: a turn that a restart broke off is gone on with. What had an effect
    /// is not done again, and words without an end are withdrawn.
    async fn tell_story(&mut self) -> Result<(), End> {
        let (names, mut messages, journal) = {
            let mut inner = self.session.lock().await;
            let journal = inner.state.journal(&self.origin.turn_id);
            let withdrawn = journal.unfinished.iter().map(|seq| events::retract(*seq));
            let begun =
                withdrawn.chain([events::processing(journal.attempts + 1, &self.engine.prompt_version)]).collect();
            self.session.append_locked(&mut inner, &self.origin, begun, None).await?;
            (inner.state.row.characters.clone(), inner.state.window(), journal)
        };
        if MAX_ATTEMPTS <= journal.attempts {
            return Err(End::ShutDown);
        }
        let characters = self.unless_interrupted(self.engine.briefs(&names)).await?;
        let mut last_step = journal.step;
        self.told = u64::from(journal.has_told);
        self.take_up(&journal.messages);
        messages.extend(journal.messages);
        if let Some(PendingStep { step, text, calls, results }) = journal.pending {
            self.take_up(&[Message::GameMaster { text: text.clone(), tool_calls: calls.clone() }]);
            messages.push(Message::GameMaster { text, tool_calls: replayable(&calls) });
            messages.extend(self.run_tools(step, calls, results).await?);
            last_step = step;
        }

        for step in last_step + 1..=self.engine.limits.steps {
            let (scene, has_consent) = {
                let inner = self.session.lock().await;
                (inner.state.row.scene.clone(), inner.seats.has_game_master())
            };
            let request = ModelRequest {
                instructions: self.engine.instructions.clone(),
                characters: characters.clone(),
                scene,
                messages: messages.clone(),
                tools: self.engine.shown(has_consent, &characters, &messages),
            };
            let answer = self.ask(request).await?;
            if self.claims.len() < MAX_CLAIMS {
                self.claims.extend(claims::unsupported(&answer.text, &messages));
            }
            if answer.calls.is_empty() {
                return self.check_that_something_was_said();
            }
            messages.push(Message::GameMaster { text: answer.text, tool_calls: replayable(&answer.calls) });
            let results = self.call_tools(step, answer.calls).await?;
            self.telemetry("grok_followup_start", json!({"tool_results_count": results.len()})).await;
            messages.extend(results);
        }
        let text = format!("The game master took more than {} steps and was stopped.", self.engine.limits.steps);
        Err(End::Failed(ErrorCode::GrokInvalidResponse, text))
    }

    /// Counts what was said and called before a restart.
    fn take_up(&mut self, messages: &[Message]) {
        for message in messages {
            if let Message::GameMaster { text, tool_calls } = message {
                let written: usize = tool_calls.iter().map(|call| call.arguments.len() + call.name.len()).sum();
                self.tokens += (text.len() + written) as u64 / BYTES_PER_TOKEN;
                self.calls += tool_calls.len() as u64;
                self.call_ids.extend(tool_calls.iter().map(|call| call.id.clone()));
            }
        }
    }

    fn check_that_something_was_said(&self) -> Result<(), End> {
        if self.told == 0 && self.calls == 0 {
            let text = "The game master's language model answered with nothing. Please try again.";
            return Err(End::Failed(ErrorCode::GrokInvalidResponse, text.into()));
        }
        Ok(())
    }

    /// Asks the game masters in their order until one has answered, and tells his words as they come. An answer that
    /// breaks off is withdrawn and asked for again, of the same one or the next.
    async fn ask(&mut self, request: ModelRequest) -> Result<Answer, End> {
        let mut restarts = 0;
        loop {
            let engine = self.engine;
            let link = &engine.providers[self.provider];
            let asked = match link.may_be_asked(Instant::now()) {
                true => self.ask_one(request.clone()).await?,
                false => Err(ModelError::Unreachable),
            };
            let error = match asked {
                Ok(answer) => {
                    link.note(false, Instant::now());
                    return Ok(answer);
                }
                Err(error) => error,
            };
            link.note(true, Instant::now());
            let has_begun = !self.session.lock().await.state.unfinished(&self.origin.turn_id).is_empty();
            let is_broken_off = match error {
                ModelError::Cut | ModelError::Invalid => true,
                ModelError::Timeout(_) => has_begun,
                _ => false,
            };
            if is_broken_off && restarts < self.engine.limits.restarts {
                restarts += 1;
                self.withdraw(None).await?;
                continue;
            }
            let Some(next) = engine.providers.get(self.provider + 1) else {
                let (code, text) = tell_model_error(&error);
                return Err(End::Failed(code, text));
            };
            let note = format!("{} does not answer; {} goes on", shown(link), shown(next));
            self.provider += 1;
            self.withdraw(Some(note)).await?;
        }
    }

    /// Takes back what was told of an answer that has broken off, and says who goes on.
    async fn withdraw(&mut self, note: Option<String>) -> Result<(), End> {
        let unfinished = self.session.lock().await.state.unfinished(&self.origin.turn_id);
        let withdrawn = unfinished.into_iter().map(events::retract);
        let told: Vec<Body> = withdrawn.chain(note.map(events::system)).collect();
        if !told.is_empty() {
            self.session.append(&self.origin, told).await?;
        }
        Ok(())
    }

    async fn ask_one(&mut self, mut request: ModelRequest) -> Result<Result<Answer, ModelError>, End> {
        let provider = self.engine.providers[self.provider].provider.clone();
        let model = provider.model().to_owned();
        if provider.name() == "house" {
            // Tools that he does not need cost him nothing.
            request.tools = self.engine.offered(false).clone();
        }
        self.telemetry("grok_api_call_start", json!({"message_count": request.messages.len() + 1})).await;
        let span = tracing::info_span!(
            "chat",
            otel.name = format!("chat {model}"),
            otel.kind = "client",
            otel.status_code = Empty,
            service = "orchestrator",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = provider.name(),
            gen_ai.request.model = model,
            dicetower.prompt.version = self.engine.prompt_version,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.response.time_to_first_chunk_ms = Empty,
            error.type = Empty,
        );
        let asked = self.listen(provider.as_ref(), request, &model).instrument(span.clone()).await;
        let error = match asked {
            Ok(answer) => return Ok(Ok(answer)),
            Err(Interruption::Model(error)) => error,
            Err(Interruption::End(end)) => return Err(end),
        };
        let (code, _) = tell_model_error(&error);
        span.record("otel.status_code", "ERROR");
        span.record("error.type", code.name());
        tracing::warn!(%error, model, "the model failed");
        let data = json!({"error": error.to_string(), "model": model, "error_type": code.name()});
        self.telemetry("grok_api_error", data).await;
        Ok(Err(error))
    }

    async fn listen(
        &mut self,
        provider: &dyn Provider,
        request: ModelRequest,
        model: &str,
    ) -> Result<Answer, Interruption> {
        let asked = Instant::now();
        let mut stream = self.unless_interrupted(provider.ask(request)).await??;
        let mut text = String::new();
        let mut calls = Calls::default();
        let mut bytes = 0;
        let mut reported_tokens = None;
        let mut is_first = true;
        let mut flush_at: Option<Instant> = None;
        loop {
            let event = tokio::select! {
                event = self.unless_interrupted(stream.next()) => event?,
                () = tokio::time::sleep_until(flush_at.unwrap_or(asked)), if flush_at.is_some() => {
                    flush_at = None;
                    self.session.log_narration().await.map_err(End::from)?;
                    continue;
                }
            };
            if is_first {
                is_first = false;
                let waited_ms = asked.elapsed().as_secs_f64() * 1000.0;
                Span::current().record("gen_ai.response.time_to_first_chunk_ms", waited_ms);
                self.telemetry("grok_streaming_start", json!({"model": model})).await;
            }
            match event.unwrap_or(Err(ModelError::Cut))? {
                ModelEvent::Text(piece) if piece.is_empty() => {}
                ModelEvent::Text(piece) => {
                    self.session.narrate(&self.origin, &piece).await.map_err(End::from)?;
                    flush_at.get_or_insert_with(|| Instant::now() + FLUSH_INTERVAL);
                    bytes += piece.len() as u64;
                    self.told += piece.chars().count() as u64;
                    text.push_str(&piece);
                }
                ModelEvent::ToolCall { index, id, name, arguments } => {
                    bytes += (arguments.len() + name.as_ref().map_or(0, String::len)) as u64;
                    calls.add(index, id, name, &arguments);
                }
                ModelEvent::Usage { prompt_tokens, completion_tokens } => {
                    reported_tokens = Some(completion_tokens);
                    self.prompt_tokens += prompt_tokens;
                    Span::current().record("gen_ai.usage.input_tokens", prompt_tokens);
                    Span::current().record("gen_ai.usage.output_tokens", completion_tokens);
                }
                ModelEvent::End => break,
            }
            self.check_tokens(bytes / BYTES_PER_TOKEN)?;
        }
        self.tokens += reported_tokens.unwrap_or(bytes / BYTES_PER_TOKEN);
        self.session.end_passage().await.map_err(End::from)?;
        Ok(Answer { text, calls: calls.finish(&mut self.call_ids) })
    }

    fn check_tokens(&self, of_this_step: u64) -> Result<(), End> {
        let most = self.allowed;
        if most < self.tokens + of_this_step {
            let text = format!("The game master said more than {most} tokens in one turn and was stopped.");
            return Err(End::Failed(ErrorCode::GrokInvalidResponse, text));
        }
        Ok(())
    }

    /// Runs the calls of one step side by side, and shows each with its result, in order.
    async fn call_tools(&mut self, step: u32, calls: Vec<ToolCall>) -> Result<Vec<Message>, End> {
        let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        self.calls += calls.len() as u64;
        let data = json!({"tools_requested": names, "tool_count": names.len()});
        self.telemetry("grok_tool_request", data).await;
        self.session.append(&self.origin, vec![events::tool_execution(step, &calls)]).await?;
        self.run_tools(step, calls, Vec::new()).await
    }

    /// Runs the calls of a step that stands in the log. The first `answered` of them have shown their results; one that
    /// had acted without showing it is answered the same again, by its key.
    async fn run_tools(&self, step: u32, calls: Vec<ToolCall>, answered: Vec<Message>) -> Result<Vec<Message>, End> {
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
        if !self.engine.needs_consent(&call.name) {
            return Ok(Caller::GameMaster);
        }
        let asked = {
            let mut inner = self.session.lock().await;
            match inner.state.decision(&self.origin.turn_id, &call.id) {
                Some(decision) => return decided(&call.name, &decision),
                None if !inner.seats.has_game_master() => return Ok(Caller::GameMaster),
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
        let answered = tokio::time::timeout(CONSENT, asked).await;
        let decision = match answered {
            Ok(Ok(decision)) => decision,
            // Nobody sits there any more, or nobody cares.
            Ok(Err(_)) | Err(_) => {
                let mut inner = self.session.lock().await;
                inner.approvals.remove(&call.id);
                let reason = "nobody answered".to_owned();
                let decision = Decision { allow: false, by: String::new(), reason };
                let event = events::approval(&call.id, &decision);
                let told = self.session.append_locked(&mut inner, &self.origin, vec![event], None).await;
                told.map_err(|error| Failure::from(&status::database(&error)))?;
                decision
            }
        };
        decided(&call.name, &decision)
    }

    /// Waits for something unless the turn is cancelled, runs out of time, or the server shuts down.
    async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, End> {
        let most = self.engine.limits.turn;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(End::Cancelled),
            () = self.engine.shutdown.cancelled() => Err(End::ShutDown),
            done = tokio::time::timeout_at(self.started + most, work) => done.map_err(|_| {
                let text = format!("The game master took longer than {} s and was stopped.", most.as_secs_f32());
                End::Failed(ErrorCode::GrokTimeout, text)
            }),
        }
    }

    async fn telemetry(&self, event: &str, data: Value) {
        self.session.tell(&self.origin, events::telemetry(event, data)).await;
    }

    /// Ends the turn: what went wrong, if anything did, and the one `complete`.
    async fn finish(&mut self, end: End) {
        let claims = std::mem::take(&mut self.claims);
        if !claims.is_empty() {
            let model = self.engine.providers[self.provider].provider.model();
            tracing::warn!(model, claims = claims.len(), "the narration claims what no event supports");
        }
        let (error, content) = match end {
            End::Finished => (None, "Response complete"),
            End::Cancelled => (None, "Cancelled"),
            End::ShutDown => (Some(events::interrupted()), "Response complete"),
            End::Failed(code, text) => (Some(events::error(code, text)), "Response complete"),
            End::Store(error) => {
                tracing::error!(%error, session_id = self.session.id, "the session log failed in mid-turn");
                let text = "The game could not be written down. Please try again.";
                (Some(events::error(ErrorCode::DatabaseError, text)), "Response complete")
            }
        };
        let data = json!({
            "total_duration_ms": to_ms(self.started.elapsed()),
            "tool_calls": self.calls,
            "response_length": self.told,
            "tokens": self.tokens,
            "prompt_tokens": self.prompt_tokens,
        });
        self.telemetry("request_complete", data).await;
        let bodies: Vec<Body> = error.into_iter().chain([events::complete_with_claims(content, claims)]).collect();

        let mut inner = self.session.lock().await;
        if let Err(error) = self.session.append_locked(&mut inner, &self.origin, bodies.clone(), None).await {
            // The log has no end of this turn, but whoever listens must not wait for it for ever.
            tracing::error!(%error, session_id = self.session.id, "the end of a turn could not be logged");
            for body in bodies {
                inner.publish(&SessionEvent {
                    at: clock::now(),
                    turn_id: self.origin.turn_id.clone(),
                    trace_id: self.origin.trace_id.clone(),
                    body: Some(body),
                    ..SessionEvent::default()
                });
            }
        }
        inner.running = None;
    }
}

/// What keeps an answer from its end.
enum Interruption {
    Model(ModelError),
    End(End),
}

impl From<ModelError> for Interruption {
    fn from(error: ModelError) -> Interruption {
        Interruption::Model(error)
    }
}

impl From<End> for Interruption {
    fn from(end: End) -> Interruption {
        Interruption::End(end)
    }
}

impl Outcome {
    fn not_awaited() -> Outcome {
        let message = "the turn was broken off before this tool had answered".to_owned();
        let failure = Failure { code: ErrorCode::ToolTimeout, message, details: Map::new() };
        Outcome { result: Err(failure), duration: GRACE }
    }
}

/// As telemetry tells a duration: milliseconds, with microseconds as decimals.
#[expect(clippy::cast_precision_loss, reason = "exact for 285 years")]
fn to_ms(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// A game master's name, as players are told it.
fn shown(link: &Link) -> String {
    match link.provider.name() {
        "house" => "the house game master".to_owned(),
        _ => link.provider.model().to_owned(),
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

/// The calls as they may stand in a request: many servers refuse a conversation in which arguments are no JSON object.
pub(crate) fn replayable(calls: &[ToolCall]) -> Vec<ToolCall> {
    let replay = |call: &ToolCall| {
        let arguments = Value::Object(parse_arguments(&call.arguments).unwrap_or_default()).to_string();
        ToolCall { arguments, ..call.clone() }
    };
    calls.iter().map(replay).collect()
}

fn too_many_calls() -> Failure {
    let message = format!("not run: at most {CALLS_PER_STEP} tools may be called at once");
    Failure { code: ErrorCode::RateLimited, message, details: Map::new() }
}

fn unreadable(name: &str, reason: &str) -> Failure {
    let message = format!("{name} was not run: {reason}");
    Failure { code: ErrorCode::InvalidToolParams, message, details: Map::new() }
}

/// What a player is told when the model fails.
fn tell_model_error(error: &ModelError) -> (ErrorCode, String) {
    let (code, text) = match error {
        ModelError::RateLimited { retry_after: Some(pause) } => {
            let text = format!("has had too many requests. Please try again in {} s.", pause.as_secs().max(1));
            (ErrorCode::GrokRateLimit, text)
        }
        ModelError::RateLimited { retry_after: None } => {
            (ErrorCode::GrokRateLimit, "has had too many requests. Please try again in a while.".into())
        }
        ModelError::Timeout(_) => (ErrorCode::GrokTimeout, "did not answer in time. Please try again.".into()),
        ModelError::Unreachable => (ErrorCode::GrokApiError, "cannot be reached. Please try again.".into()),
        ModelError::Refused { status: status @ (401 | 403) } => {
            let text =
                format!("does not accept this server's key (HTTP {status}). Whoever runs the server can mend it.");
            (ErrorCode::GrokApiError, text)
        }
        ModelError::Refused { status: 404 } => {
            let text = "is not found at its address (HTTP 404). Whoever runs the server can mend it.";
            (ErrorCode::GrokApiError, text.into())
        }
        ModelError::Refused { status } => {
            (ErrorCode::GrokApiError, format!("refused the request (HTTP {status}). Please try again."))
        }
        ModelError::Cut => {
            (ErrorCode::GrokInvalidResponse, "broke off in the middle of its answer. Please try again.".into())
        }
        ModelError::Invalid => {
            (ErrorCode::GrokInvalidResponse, "gave an answer that cannot be read. Please try again.".into())
        }
    };
    (code, format!("The game master's language model {text}"))
}
