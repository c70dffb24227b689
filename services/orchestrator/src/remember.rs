//! Turns what fell out of the conversation's window into facts, after a turn: by a second, cheap call, or by rule.

use std::sync::Arc;

use futures_util::StreamExt;
use proto::orchestrator::v1::Fact;
use serde_json::Map;

use crate::{
    budget::{Meter, Spent},
    engine::Engine,
    events,
    llm::{self, Message, ModelError, ModelEvent, ModelRequest, Provider},
    memory::{self, BATCH, Said},
    session::{Origin, Session},
};

/// How long the second call may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
/// Tokens that it may write.
const MAX_TOKENS: u64 = 800;
/// Facts that one batch may become.
const MAX_FACTS: usize = 12;
/// Characters of a fact.
const MAX_FACT: usize = 300;
const INSTRUCTIONS: &str = include_str!("../prompts/memory.txt");

/// Makes facts of what fell out of the window, once enough of it has. What cannot be written down now is tried after the
/// next turn; until then it is told as it is.
pub(crate) async fn what_fell_out(session: &Session, engine: &Engine) {
    let fallen: Vec<Arc<Said>> = {
        let inner = session.lock().await;
        inner.state.memory.fallen().iter().cloned().collect()
    };
    if fallen.len() < BATCH {
        return;
    }
    let facts = match &engine.models.memory {
        Some(provider) => by_model(session, engine, provider, &fallen).await,
        None => None,
    };
    let facts = facts.unwrap_or_else(|| memory::by_rule(fallen.iter().map(Arc::as_ref)));
    if let Err(error) = session.append(&Origin::default(), vec![events::remembered(facts, None)]).await {
        tracing::warn!(%error, session_id = session.id, "what fell out of the window is not yet a fact");
    }
}

/// Facts in a model's words; none if it fails or may not write any more.
async fn by_model(
    session: &Session,
    engine: &Engine,
    provider: &Arc<dyn Provider>,
    fallen: &[Arc<Said>],
) -> Option<Vec<Fact>> {
    let store = session.store();
    let reservation = engine.budget.reserve(store, &session.id, None, MAX_TOKENS).await.ok()?;
    let mut meter = Meter::default();
    let told = tokio::time::timeout(PATIENCE, tell(provider.as_ref(), fallen, &mut meter)).await;
    let text = told.unwrap_or(Err(ModelError::Timeout("a summary"))).unwrap_or_else(|error| {
        tracing::warn!(%error, model = provider.model(), "the summary is made by rule");
        String::new()
    });
    // Also of a summary that broke off.
    let (read, written) = if meter.was_asked { meter.tokens() } else { (0, 0) };
    let spent = Spent::of(read, written, engine.budget.price(provider.model()));
    if let Err(error) = store.db().write(engine.budget.release(reservation, spent)).await {
        tracing::warn!(%error, "what a summary cost could not be written down");
    }
    let seqs: Vec<u64> = fallen.iter().map(|said| said.seq).collect();
    let first = seqs.first().copied().unwrap_or_default();
    let lines = text.lines().map(|line| line.trim_start_matches(['-', '*', ' '])).filter(|line| !line.is_empty());
    let facts: Vec<Fact> = (0..)
        .zip(lines.take(MAX_FACTS))
        .map(|(number, line): (u32, &str)| Fact {
            fact_id: format!("f{first}.{number}"),
            text: memory::one_line(line, MAX_FACT),
            seqs: seqs.clone(),
            pinned: false,
            by: provider.model().to_owned(),
        })
        .collect();
    Some(facts).filter(|facts| !facts.is_empty())
}

/// The model's words.
async fn tell(provider: &dyn Provider, fallen: &[Arc<Said>], meter: &mut Meter) -> Result<String, ModelError> {
    let story: Vec<String> = fallen
        .iter()
        .filter_map(|said| match &said.message {
            Message::Player { name, character, text } => {
                let speaker = character.as_deref().or(name.as_deref()).unwrap_or("A player");
                Some(format!("{speaker}: {}", memory::one_line(text, 1000)))
            }
            Message::GameMaster { text, .. } => Some(format!("Game master: {}", memory::one_line(text, 1500))),
            Message::ToolResult { .. } | Message::Withdrawn { .. } => None,
        })
        .collect();
    let request = ModelRequest {
        instructions: INSTRUCTIONS.trim().into(),
        characters: Arc::new([]),
        sections: Arc::new([]),
        scene: Map::new(),
        messages: Arc::new(vec![Message::Player { name: None, character: None, text: story.join("\n") }]),
        tools: Arc::new([]),
    };
    let asked = llm::tokens_of(&request.messages) + memory::tokens(&request.instructions);
    meter.will_read = if provider.name() == "house" { 0 } else { asked as u64 };
    let mut answer = provider.ask(request).await?;
    meter.was_asked = true;
    let mut text = String::new();
    while let Some(event) = answer.next().await {
        match event? {
            ModelEvent::Text(piece) => {
                meter.bytes += piece.len() as u64;
                text.push_str(&piece);
            }
            ModelEvent::Unsaid { .. } => text.clear(),
            ModelEvent::Usage { prompt_tokens, completion_tokens } => {
                meter.reported = Some((prompt_tokens, completion_tokens));
            }
            ModelEvent::End => {
                meter.is_whole = true;
                return Ok(text);
            }
            ModelEvent::ToolCall { .. }
            | ModelEvent::Opaque { .. }
            | ModelEvent::Named { .. }
            | ModelEvent::Hedged
            | ModelEvent::Finished(_) => {}
        }
        if MAX_TOKENS < memory::tokens(&text) as u64 {
            return Ok(text);
        }
    }
    Err(ModelError::Cut)
}
