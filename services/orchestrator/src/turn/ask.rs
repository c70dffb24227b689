//! Asking the game masters: one after another until one has answered, his words told as they come.

use futures_util::StreamExt;
use opentelemetry::{Array, StringValue, Value as Attribute};
use proto::orchestrator::v1::session_event::Body;
use serde_json::{Map, Value, json};
use service_kit::status::ErrorCode;
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{End, Turn, calls::Calls};
use crate::{
    budget::{Meter, Spent},
    events,
    llm::{self, ModelError, ModelEvent, ModelRequest, Provider, ToolCall, chain::Link},
    metrics,
    session::FLUSH_INTERVAL,
};

/// Calls of one answer that are looked at; a model that calls by the hundred has lost its way, and its table need not hear
/// of each.
const MAX_CALLS: usize = 64;

/// What a model said in one step.
pub(super) struct Answer {
    pub text: String,
    pub calls: Vec<ToolCall>,
}

impl Turn<'_> {
    /// Asks the game masters in their order until one has answered, and tells his words as they come. An answer that
    /// breaks off is withdrawn and asked for again, of the same one or the next.
    pub(super) async fn ask(&mut self, request: ModelRequest, measure: &Map<String, Value>) -> Result<Answer, End> {
        let mut restarts = 0;
        let chain = self.chain.clone();
        loop {
            let link = &chain[self.provider];
            let asked = match link.may_be_asked(Instant::now()) {
                Ok(()) => self.ask_one(request.clone(), measure).await?,
                Err(left_alone) => Err(left_alone),
            };
            let error = match asked {
                Ok(answer) => {
                    link.note_answer();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let has_begun = !self.session.lock().await.state.unfinished(&self.origin.turn_id).is_empty();
            let is_broken_off = match error {
                ModelError::Cut | ModelError::Invalid | ModelError::Broken { .. } => true,
                ModelError::Timeout(_) | ModelError::RateLimited { .. } => has_begun,
                _ => false,
            };
            if is_broken_off && restarts < self.engine.limits.restarts {
                restarts += 1;
                metrics::MODEL_RESTARTS.with(link.provider.model()).inc();
                self.withdraw(None).await?;
                continue;
            }
            // However often it was asked for one answer.
            if !matches!(error, ModelError::LeftAlone { .. }) {
                link.note_failure(&error, Instant::now());
            }
            let Some(next) = chain.get(self.provider + 1) else {
                let (code, text) = llm::tell_model_error(&error);
                return Err(End::Failed(code, text));
            };
            let note = format!("{} does not answer; {} goes on", shown(link), shown(next));
            self.provider += 1;
            metrics::MODEL_FALLBACKS.with(link.provider.model()).inc();
            self.withdraw(Some(note)).await?;
        }
    }

    /// Takes back what was told of an answer that has broken off, and says who goes on.
    pub(super) async fn withdraw(&mut self, note: Option<String>) -> Result<(), End> {
        let unfinished = self.session.lock().await.state.unfinished(&self.origin.turn_id);
        let withdrawn = unfinished.into_iter().map(events::retract);
        let told: Vec<Body> = withdrawn.chain(note.map(events::system)).collect();
        if !told.is_empty() {
            self.session.append(&self.origin, told).await?;
        }
        Ok(())
    }

    async fn ask_one(
        &mut self,
        mut request: ModelRequest,
        measure: &Map<String, Value>,
    ) -> Result<Result<Answer, ModelError>, End> {
        let provider = self.chain[self.provider].provider.clone();
        let model = provider.model().to_owned();
        if provider.name() == "house" {
            // Tools that he does not need cost him nothing.
            request.tools = self.engine.offered(false).clone();
        }
        let mut context = measure.clone();
        context.insert("messages".into(), llm::tokens_of(&request.messages).into());
        context.insert("tools".into(), llm::tokens_of_tools(&request.tools).into());
        let start = json!({"message_count": request.messages.len() + 1, "context": context});
        self.telemetry("grok_api_call_start", start).await;
        let parts = ["instructions", "sections", "messages", "tools"];
        let asked: u64 = parts.iter().filter_map(|part| context.get(*part).and_then(Value::as_u64)).sum();
        let will_read = if provider.name() == "house" { 0 } else { asked };
        self.price = self.engine.budget.price(&model);
        self.check_budget(will_read, 0)?;
        let span = tracing::info_span!(
            "chat",
            otel.name = format!("chat {model}"),
            otel.kind = "client",
            otel.status_code = Empty,
            service = "orchestrator",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = provider.name(),
            gen_ai.request.model = model,
            gen_ai.request.stream = true,
            gen_ai.output.type = "text",
            gen_ai.conversation.id = self.session.id,
            gen_ai.response.id = Empty,
            gen_ai.response.model = Empty,
            gen_ai.response.time_to_first_chunk = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            dicetower.usage.is_estimated = Empty,
            dicetower.prompt.version = self.prompt.version,
            server.address = Empty,
            server.port = Empty,
            error.type = Empty,
        );
        if let Some((host, port)) = provider.server() {
            span.record("server.address", host);
            span.record("server.port", i64::from(port));
        }
        let asked = self.listen(provider.as_ref(), request, &model, will_read).instrument(span.clone()).await;
        let error = match asked {
            Ok(answer) => return Ok(Ok(answer)),
            Err(Interruption::Model(error)) => error,
            Err(Interruption::End(end)) => return Err(end),
        };
        let (code, _) = llm::tell_model_error(&error);
        metrics::MODEL_ERRORS.with(code.name()).inc();
        if let ModelError::Timeout(wait) = &error {
            metrics::MODEL_TIMEOUTS.with(wait).inc();
        }
        span.record("otel.status_code", "ERROR");
        span.record("error.type", code.name());
        tracing::warn!(%error, model, "the model failed");
        let data = json!({"error": error.to_string(), "model": model, "error_type": code.name()});
        self.telemetry("grok_api_error", data).await;
        Ok(Err(error))
    }

    /// Tells an answer as it comes. What was read and written is settled, however it ends.
    async fn listen(
        &mut self,
        provider: &dyn Provider,
        request: ModelRequest,
        model: &str,
        will_read: u64,
    ) -> Result<Answer, Interruption> {
        let mut meter = Meter { will_read, ..Meter::default() };
        let heard = self.hear(provider, request, model, &mut meter).await;
        if meter.was_asked {
            self.settle(model, &meter);
        }
        heard
    }

    async fn hear(
        &mut self,
        provider: &dyn Provider,
        request: ModelRequest,
        model: &str,
        meter: &mut Meter,
    ) -> Result<Answer, Interruption> {
        self.unless_interrupted(std::future::ready(())).await?;
        let asked = Instant::now();
        let messages = request.messages.clone();
        let begun = self.unless_interrupted(provider.ask(request)).await;
        meter.was_asked = !begun.as_ref().is_ok_and(|begun| begun.as_ref().is_err_and(has_read_nothing));
        let mut stream = begun??;
        let mut text = String::new();
        let mut calls = Calls::default();
        let mut finish_reasons: Vec<StringValue> = Vec::new();
        let (mut is_at_length, mut is_filtered) = (false, false);
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
                metrics::FIRST_WORD.with(model).observe(asked.elapsed());
                // In seconds, as the conventions have it.
                Span::current().record("gen_ai.response.time_to_first_chunk", asked.elapsed().as_secs_f64());
                self.telemetry("grok_streaming_start", json!({"model": model})).await;
            }
            match event.unwrap_or(Err(ModelError::Cut))? {
                ModelEvent::Text(piece) if piece.is_empty() => {}
                ModelEvent::Text(piece) => {
                    self.session.narrate(&self.origin, &piece).await.map_err(End::from)?;
                    flush_at.get_or_insert_with(|| Instant::now() + FLUSH_INTERVAL);
                    meter.bytes += piece.len() as u64;
                    self.told += piece.chars().count() as u64;
                    text.push_str(&piece);
                }
                ModelEvent::ToolCall { index, id, name, arguments } => {
                    meter.bytes += (arguments.len() + name.as_ref().map_or(0, String::len)) as u64;
                    calls.add(index, id, name, &arguments);
                }
                ModelEvent::Unsaid { calls: unsaid } => {
                    self.withdraw(None).await?;
                    self.told -= text.chars().count() as u64;
                    text.clear();
                    unsaid.into_iter().for_each(|index| calls.forget(index));
                }
                ModelEvent::Opaque { index, field, value } => calls.add_opaque(index, field, value),
                ModelEvent::Named { id, model } => {
                    let named = [("gen_ai.response.id", id), ("gen_ai.response.model", model)];
                    for (attribute, name) in named.iter().filter(|(_, name)| !name.is_empty()) {
                        Span::current().record(*attribute, name.as_str());
                    }
                }
                ModelEvent::Hedged => meter.is_hedged = true,
                ModelEvent::Finished(reason) => {
                    is_at_length |= reason == llm::LENGTH;
                    is_filtered |= reason == llm::FILTERED;
                    finish_reasons.push(reason.into());
                }
                ModelEvent::Usage { prompt_tokens, completion_tokens } => {
                    meter.reported = Some((prompt_tokens, completion_tokens));
                }
                ModelEvent::End => break,
            }
            self.check_budget(meter.will_read, meter.written())?;
        }
        drop(stream);
        meter.is_whole = true;
        let finish_reasons = Attribute::Array(Array::String(finish_reasons));
        Span::current().set_attribute("gen_ai.response.finish_reasons", finish_reasons);
        for name in calls.take_quoted(&messages) {
            tracing::warn!(tool = name, model, "the model repeats a call out of a player's words");
            let note = format!("The game master repeated {name} out of a player's words; it was not run");
            self.session.append(&self.origin, vec![events::system(note)]).await.map_err(End::from)?;
        }
        let mut calls = calls.finish(&mut self.call_ids);
        if MAX_CALLS < calls.len() {
            let text =
                format!("The game master called {} tools at once; the first {MAX_CALLS} are looked at", calls.len());
            self.session.append(&self.origin, vec![events::system(text)]).await.map_err(End::from)?;
            calls.truncate(MAX_CALLS);
        }
        if is_at_length {
            self.note_length(&mut calls).await?;
        }
        if is_filtered {
            self.note_filter(text.is_empty() && calls.is_empty()).await?;
        }
        Ok(Answer { text, calls })
    }

    /// Notes what an answer has taken, whether or not it came to its end.
    fn settle(&mut self, model: &str, meter: &Meter) {
        let (read, written) = meter.tokens();
        let span = Span::current();
        // Traces know signed numbers only; others become texts.
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        span.record("gen_ai.usage.input_tokens", number(read));
        span.record("gen_ai.usage.output_tokens", number(written));
        span.record("dicetower.usage.is_estimated", meter.is_estimated());
        let spent = Spent::of(read, written, self.price);
        self.spent += spent;
        metrics::TOKENS_READ.with(model).inc_by(read);
        metrics::TOKENS_WRITTEN.with(model).inc_by(written);
        metrics::COST.with(model).inc_by(spent.micros);
    }

    /// An answer that its provider has withheld is told as such; one of which nothing is left ends the turn.
    async fn note_filter(&mut self, is_all: bool) -> Result<(), Interruption> {
        if is_all {
            let text = "The language model's provider withheld the game master's answer (content filter). Please say it in other words.";
            return Err(End::Failed(ErrorCode::GrokInvalidResponse, text.into()).into());
        }
        let note = "The language model's provider withheld the rest of the game master's answer (content filter)";
        self.session.append(&self.origin, vec![events::system(note)]).await.map_err(End::from)?;
        Ok(())
    }

    /// An answer that was cut at its greatest length is told as such. Its last call may be cut as well, and one that says
    /// nothing must not count as one without arguments.
    async fn note_length(&mut self, calls: &mut [ToolCall]) -> Result<(), Interruption> {
        if let Some(last) = calls.last_mut().filter(|last| last.arguments.trim().is_empty()) {
            last.arguments = "(cut at the greatest length of an answer)".to_owned();
        }
        let note = events::system("The game master's answer reached its greatest length and ends here");
        self.session.append(&self.origin, vec![note]).await.map_err(End::from)?;
        Ok(())
    }

    /// Ends the turn when this step, which reads and writes so many tokens, takes it beyond what it may take.
    fn check_budget(&self, reads: u64, writes: u64) -> Result<(), End> {
        let most = self.allowed.tokens;
        if most < self.spent.completion_tokens + writes {
            let of_turn = || format!("The game master said more than {most} tokens in one turn and was stopped.");
            return Err(match &self.allowed.tokens_of {
                Some(text) => {
                    metrics::BUDGET_REFUSALS.inc();
                    End::Failed(ErrorCode::RateLimited, text.clone())
                }
                None => End::Failed(ErrorCode::GrokInvalidResponse, of_turn()),
            });
        }
        let cost = self.spent.micros + Spent::of(reads, writes, self.price).micros;
        match &self.allowed.money {
            Some((micros, text)) if *micros < cost => {
                metrics::BUDGET_REFUSALS.inc();
                Err(End::Failed(ErrorCode::RateLimited, text.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// What keeps an answer from its end.
pub(super) enum Interruption {
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

/// Whether a model that failed in this way before its first word has read nothing of what it was asked.
fn has_read_nothing(error: &ModelError) -> bool {
    matches!(error, ModelError::Unreachable | ModelError::RateLimited { .. } | ModelError::Refused { .. })
}

/// A game master's name, as players are told it.
fn shown(link: &Link) -> String {
    match link.provider.name() {
        "house" => "the house game master".to_owned(),
        _ => link.provider.model().to_owned(),
    }
}
