//! A turn: the model speaks, calls tools, speaks again; every turn ends with exactly one `complete`.

mod ask;
mod calls;
mod tools;

use std::{collections::HashSet, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use proto::orchestrator::v1::session_event::{Body, PlayerMessage};
use serde_json::{Value, json};
use service_kit::{
    db::{DbError, Statement},
    status::{self, ErrorCode},
    trace,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::Instrument;

use crate::{
    budget::{BYTES_PER_TOKEN, Grant, Price, Refusal, Spent},
    claims::{self, Claim, Known},
    engine::Engine,
    events,
    integrity::{self, Cast},
    llm::{CharacterBrief, Message, ModelRequest, ToolCall, chain::Link},
    memory, metrics,
    prompts::Prompt,
    remember,
    session::{Inner, Origin, QueuedTurn, Session},
    snapshot,
    state::PendingStep,
};

pub(crate) use crate::turn::calls::parse_arguments;

/// How often a turn is begun at the most: one that takes the server down must not do so for ever.
const MAX_ATTEMPTS: u32 = 3;
/// Unsupported claims that are told of one turn.
const MAX_CLAIMS: usize = 20;

/// Has the turns of a session played that its log holds without an end.
pub(crate) async fn play_waiting(session: &Arc<Session>, engine: &Arc<Engine>) {
    let mut inner = session.lock().await;
    for (turn_id, trace_id) in inner.state.open_turns() {
        let cancel = CancellationToken::new();
        inner.queue.push_back(QueuedTurn { turn_id, trace_id, traceparent: None, cancel, begun: None });
    }
    begin(session, &mut inner, engine);
}

/// Has the turns that wait played, unless somebody does so already or the table is paused.
pub(crate) fn begin(session: &Arc<Session>, inner: &mut Inner, engine: &Arc<Engine>) {
    if inner.is_busy || inner.queue.is_empty() || inner.state.paused.is_some() {
        return;
    }
    inner.is_busy = true;
    tokio::spawn(play_queue(session.clone(), engine.clone()));
}

/// Takes in what somebody says, and has it answered when its turn comes. Answers the turn, and how many are before it.
pub(crate) async fn accept(
    session: &Arc<Session>,
    inner: &mut Inner,
    engine: &Arc<Engine>,
    asked: PlayerMessage,
    connection_id: String,
    message_id: Option<&str>,
) -> Result<(String, u32), Status> {
    let turn_id = uuid::Uuid::now_v7().to_string();
    let trace_id = trace::current_id().unwrap_or_else(uuid::Uuid::now_v7).to_string();
    let author = Origin { turn_id: turn_id.clone(), trace_id: trace_id.clone(), connection_id, ..Origin::default() };
    let everybody = Origin { connection_id: String::new(), ..author.clone() };
    let length = events::telemetry("message_received", json!({"message_length": asked.message.chars().count()}));
    let key = message_id.map(|message_id| (message_id, turn_id.as_str()));
    let queued = inner.queue.len() + usize::from(inner.running.is_some());
    // Where nothing is before it, it begins in the same commit.
    let is_next = queued == 0 && !inner.is_busy && inner.state.paused.is_none() && inner.state.narrator().is_none();
    let begun = is_next.then(|| engine.prompt(&inner.state));
    let mut told = vec![(&author, Body::PlayerMessage(asked)), (&everybody, length)];
    told.extend(begun.iter().map(|prompt| (&everybody, events::processing(1, &prompt.version))));
    let appended = session.append_each(inner, told, key, Vec::new()).await;
    appended.map_err(|error| status::database(&error))?;

    inner.queue.push_back(QueuedTurn {
        turn_id: turn_id.clone(),
        trace_id,
        traceparent: trace::traceparent(),
        cancel: CancellationToken::new(),
        begun,
    });
    begin(session, inner, engine);
    Ok((turn_id, u32::try_from(queued).unwrap_or(u32::MAX)))
}

/// Plays the turns that wait, one after another, until none is left.
pub(crate) async fn play_queue(session: Arc<Session>, engine: Arc<Engine>) {
    loop {
        let queued = {
            let mut inner = session.lock().await;
            let is_paused = inner.state.paused.is_some() && !engine.shutdown.is_cancelled();
            // The turns of a session that is lost are played by whoever reads it anew.
            let next = if is_paused || session.is_lost() { None } else { inner.queue.pop_front() };
            let Some(queued) = next else {
                inner.is_busy = false;
                drop(inner);
                if engine.shutdown.is_cancelled() {
                    session.close().await;
                }
                return;
            };
            if inner.state.narrator().is_some() {
                // A person took over while it waited, and answers in his own time.
                let origin =
                    Origin { turn_id: queued.turn_id.clone(), trace_id: queued.trace_id.clone(), ..Origin::default() };
                let begins = queued.begun.is_none().then(events::person_begins);
                let answered = begins.into_iter().chain([events::complete("Response complete")]).collect();
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
        remember::what_fell_out(&session, &engine).await;
        snapshot::keep(&session, engine.limits.snapshot_events).await;
    }
}

async fn play(session: &Session, engine: &Engine, queued: QueuedTurn) {
    let QueuedTurn { turn_id, trace_id, cancel, begun, .. } = queued;
    let origin = Origin { turn_id, trace_id, ..Origin::default() };
    let is_begun = begun.is_some();
    let (chain, prompt, is_strict) = {
        let inner = session.lock().await;
        let chain = inner.chain.clone().unwrap_or_else(|| engine.models.server().clone());
        (chain, begun.unwrap_or_else(|| engine.prompt(&inner.state)), inner.state.agreed.strict)
    };
    let mut turn = Turn {
        session,
        engine,
        origin,
        cancel,
        chain,
        prompt,
        is_begun,
        is_strict,
        started: Instant::now(),
        spent: Spent::default(),
        calls: 0,
        told: 0,
        call_ids: HashSet::new(),
        provider: 0,
        allowed: Grant { tokens: engine.limits.tokens, ..Grant::default() },
        price: Price::default(),
        claims: Vec::new(),
        settlement: Vec::new(),
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

impl End {
    /// Its name among the metrics.
    fn name(&self) -> &'static str {
        match self {
            End::Finished => "finished",
            End::Cancelled => "cancelled",
            End::ShutDown => "shut down",
            End::Failed(..) => "failed",
            End::Store(_) => "not written down",
        }
    }
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
    /// Who is asked, the first first; never empty.
    chain: Arc<[Link]>,
    prompt: Prompt,
    /// Whether the log has its beginning.
    is_begun: bool,
    /// Whether a narration that claims what no event supports is sent back; once in a turn.
    is_strict: bool,
    started: Instant,
    /// What models have read and written, as far as they tell.
    spent: Spent,
    /// Tools that were called.
    calls: u64,
    /// Characters that were told.
    told: u64,
    call_ids: HashSet<String>,
    /// Which of the game masters speaks; one who has failed is not asked again in the turn.
    provider: usize,
    /// What may be written, and what it may cost.
    allowed: Grant,
    /// The price of the model that is asked.
    price: Price,
    /// What was told and nothing supports.
    claims: Vec<Claim>,
    /// What notes in the database what was spent.
    settlement: Vec<Statement>,
}

impl Turn<'_> {
    /// Reserves what the turn may write, tells the story, and settles.
    async fn within_budget(&mut self) -> Result<(), End> {
        let player = self.session.lock().await.state.speaker(&self.origin.turn_id);
        let store = self.session.store().clone();
        // The house costs nothing.
        let is_free = self.chain.first().is_none_or(|link| link.provider.name() == "house");
        let reservation = match is_free {
            true => None,
            false => {
                let tokens = self.engine.limits.tokens;
                let reserved = self.engine.budget.reserve(&store, &self.session.id, player.as_deref(), tokens).await;
                match reserved {
                    Ok(reservation) => Some(reservation),
                    Err(Refusal::Store(error)) => return Err(End::Store(error)),
                    Err(Refusal::UsedUp(text)) => {
                        metrics::BUDGET_REFUSALS.inc();
                        if !self.is_begun {
                            let begins = events::processing(1, &self.prompt.version);
                            self.session.append(&self.origin, vec![begins]).await?;
                        }
                        return Err(End::Failed(ErrorCode::RateLimited, text));
                    }
                }
            }
        };
        if let Some(reservation) = &reservation {
            self.allowed = reservation.grant().clone();
        }
        let told = AssertUnwindSafe(self.tell_story()).catch_unwind().await;
        if let Some(reservation) = reservation {
            // Written with the end of the turn: neither stands without the other.
            self.settlement = self.engine.budget.release(reservation, self.spent);
        }
        told.unwrap_or_else(|_| {
            tracing::error!(turn_id = self.origin.turn_id, "a turn panicked");
            Err(End::Failed(ErrorCode::InternalError, "Something went wrong on our side. Please try again.".into()))
        })
    }

    /// Tells the story from where the log has it: a turn that a restart broke off is gone on with. What had an effect
    /// is not done again, and words without an end are withdrawn.
    async fn tell_story(&mut self) -> Result<(), End> {
        let (state, window, journal) = {
            let mut inner = self.session.lock().await;
            let mut journal = inner.state.journal(&self.origin.turn_id);
            if self.is_begun {
                journal.attempts = journal.attempts.saturating_sub(1);
            } else {
                let withdrawn = journal.unfinished.iter().map(|seq| events::retract(*seq));
                let begun = withdrawn.chain([events::processing(journal.attempts + 1, &self.prompt.version)]).collect();
                self.session.append_locked(&mut inner, &self.origin, begun, None).await?;
            }
            (inner.state.clone(), inner.state.window(), journal)
        };
        if MAX_ATTEMPTS <= journal.attempts {
            return Err(End::ShutDown);
        }
        let characters: Arc<[CharacterBrief]> =
            self.unless_interrupted(self.engine.briefs(&state.row.characters)).await?.into();
        let asked = state.asked(&self.origin.turn_id).cloned().unwrap_or_default();
        let mut briefing = self.unless_interrupted(self.engine.briefing(&state, &characters, &asked.message)).await?;
        briefing.measure.insert("instructions".into(), memory::tokens(&self.prompt.text).into());
        let first_of_turn = window.len();
        // What a request holds of it is given back before anything is added.
        let mut all = Arc::new(window);
        let messages = Arc::make_mut(&mut all);
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
            let (scene, has_consent, mut players) = {
                let inner = self.session.lock().await;
                (inner.state.row.scene.clone(), inner.seats.has_game_master(), inner.seats.players())
            };
            players.extend(integrity::players_of(&all));
            let dead = integrity::still_dead(&briefing.dead, &state.row.scene, &scene, &all[first_of_turn..]);
            let request = ModelRequest {
                instructions: self.prompt.text.clone(),
                characters: characters.clone(),
                sections: briefing.sections.clone(),
                scene,
                messages: all.clone(),
                tools: self.engine.shown(has_consent, state.game.is_some(), &characters, &all),
            };
            let answer = self.ask(request, &briefing.measure).await?;
            let known = Known {
                messages: &all,
                calls: &answer.calls,
                characters: &characters,
                sections: &briefing.sections,
                scene: &state.row.scene,
            };
            let mut claims = claims::unsupported(&answer.text, &known);
            let cast = Cast {
                characters: &state.row.characters,
                dead: &dead,
                people: &briefing.people,
                players: &players,
                asked: &asked,
                scene: &state.row.scene,
            };
            claims.extend(integrity::out_of_character(&answer.text, &cast, &all, first_of_turn));
            let model = self.chain[self.provider].provider.model();
            for claim in &claims {
                metrics::CLAIMS.with(model).inc();
                metrics::CLAIM_KINDS.with(claim.kind).inc();
            }
            if let Some(why) = self.correction(&claims) {
                metrics::CORRECTIONS.with(model).inc();
                // Nothing of it has acted yet: it is told anew, once.
                self.is_strict = false;
                self.withdraw(Some("The narration claimed what no event supports; it is told anew".into())).await?;
                Arc::make_mut(&mut all).push(Message::Withdrawn { text: answer.text, why });
                continue;
            }
            claims.truncate(MAX_CLAIMS.saturating_sub(self.claims.len()));
            self.claims.extend(claims);
            if answer.calls.is_empty() {
                return self.check_that_something_was_said(&answer.text).await;
            }
            let said = Message::GameMaster { text: answer.text, tool_calls: replayable(&answer.calls) };
            let results = self.call_tools(step, answer.calls).await?;
            self.telemetry("grok_followup_start", json!({"tool_results_count": results.len()})).await;
            let messages = Arc::make_mut(&mut all);
            messages.push(said);
            messages.extend(results);
        }
        let text = format!("The game master took more than {} steps and was stopped.", self.engine.limits.steps);
        Err(End::Failed(ErrorCode::GrokInvalidResponse, text))
    }

    /// What a model is told whose narration is sent back; none if it may stand.
    fn correction(&self, claims: &[Claim]) -> Option<String> {
        let told: Vec<&str> =
            claims.iter().filter(|claim| claim.kind != "name").map(|claim| claim.text.as_str()).collect();
        if !self.is_strict || told.is_empty() {
            return None;
        }
        Some(format!(
            "Your narration said this, which no roll, tool or player supports: {}. Tell it anew without it: numbers come \
             from tools, the dead do not act, and players speak and act for their own characters.",
            told.join("; ")
        ))
    }

    /// Counts what was said and called before a restart.
    fn take_up(&mut self, messages: &[Message]) {
        let price = self.engine.budget.price(self.chain[self.provider].provider.model());
        for message in messages {
            if let Message::GameMaster { text, tool_calls } = message {
                let written: usize = tool_calls.iter().map(|call| call.arguments.len() + call.name.len()).sum();
                self.spent += Spent::of(0, (text.len() + written) as u64 / BYTES_PER_TOKEN, price);
                self.calls += tool_calls.len() as u64;
                self.call_ids.extend(tool_calls.iter().map(|call| call.id.clone()));
            }
        }
    }

    /// Whoever waits for an answer is told that there is none.
    async fn check_that_something_was_said(&self, text: &str) -> Result<(), End> {
        if !text.trim().is_empty() {
            return Ok(());
        }
        if self.calls == 0 {
            let text = "The game master's language model answered with nothing. Please try again.";
            return Err(End::Failed(ErrorCode::GrokInvalidResponse, text.into()));
        }
        let note = "The game master's language model says nothing more; what its tools have done stands";
        Ok(self.session.append(&self.origin, vec![events::system(note)]).await?)
    }

    /// Waits for something unless the turn is cancelled, runs out of time, or the server shuts down.
    async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, End> {
        let most = self.engine.limits.turn;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(End::Cancelled),
            () = self.engine.stopping.cancelled() => Err(End::ShutDown),
            done = tokio::time::timeout_at(self.started + most, work) => done.map_err(|_| {
                metrics::MODEL_TIMEOUTS.with("the turn").inc();
                let text = format!("The game master took longer than {} s and was stopped.", most.as_secs_f32());
                End::Failed(ErrorCode::GrokTimeout, text)
            }),
        }
    }

    /// Whether nothing more may be begun.
    fn is_interrupted(&self) -> bool {
        let is_late = self.started + self.engine.limits.turn <= Instant::now();
        self.cancel.is_cancelled() || self.engine.stopping.is_cancelled() || is_late
    }

    async fn telemetry(&self, event: &str, data: Value) {
        self.session.tell(&self.origin, events::telemetry(event, data)).await;
    }

    /// Ends the turn: what went wrong, if anything did, and the one `complete`.
    async fn finish(&mut self, end: End) {
        let claims = std::mem::take(&mut self.claims);
        if !claims.is_empty() {
            let model = self.chain[self.provider].provider.model();
            tracing::warn!(model, claims = claims.len(), "the narration claims what no event supports");
        }
        metrics::TURNS.with(end.name()).inc();
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
            "tokens": self.spent.completion_tokens,
            "prompt_tokens": self.spent.prompt_tokens,
            "cost": self.spent.dollars(),
        });
        self.telemetry("request_complete", data).await;
        let bodies: Vec<Body> =
            error.into_iter().chain([events::complete_with(content, claims, self.spent.to_usage())]).collect();

        let settlement = std::mem::take(&mut self.settlement);
        let mut inner = self.session.lock().await;
        let ended = self.session.append_with(&mut inner, &self.origin, bodies.clone(), None, settlement).await;
        if let Err(error) = ended {
            // The log has no end of this turn, but whoever listens must not wait for it for ever. The turn goes on where
            // the log stops, as after a crash.
            tracing::error!(%error, session_id = self.session.id, "the end of a turn could not be logged");
            bodies.into_iter().for_each(|body| inner.tell(&self.origin, body));
            inner.lose("the game could not be written down; connect again");
        }
        inner.running = None;
    }
}

/// As telemetry tells a duration: milliseconds, with microseconds as decimals.
#[expect(clippy::cast_precision_loss, reason = "exact for 285 years")]
fn to_ms(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// The calls as they may stand in a request: many servers refuse a conversation in which arguments are no JSON object.
pub(crate) fn replayable(calls: &[ToolCall]) -> Vec<ToolCall> {
    let replay = |call: &ToolCall| {
        let arguments = Value::Object(parse_arguments(&call.arguments).unwrap_or_default()).to_string();
        ToolCall { arguments, ..call.clone() }
    };
    calls.iter().map(replay).collect()
}
