//! Which model is the game master of which table: the server's own, the house, or one that the table has chosen.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use proto::orchestrator::v1::{KnownServer, ModelChoice, TestModelResponse};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Map;
use service_kit::{
    db::{DbError, Statement},
    status::{self, ErrorCode},
};
use tokio::time::Instant;
use tonic::Status;

use crate::{
    config::{Config, GameMaster},
    llm::{
        self, Message, ModelError, ModelEvent, ModelRequest, Provider, ToolDefinition, chain::Link, hedge::hedged,
        house::House, openai,
    },
    store::Store,
};

/// Servers of models that are known by name.
const KNOWN: [(&str, &str, &str, bool); 5] = [
    ("x.ai", "https://api.x.ai/v1", "grok-4", true),
    ("OpenAI", "https://api.openai.com/v1", "gpt-5-mini", true),
    ("Mistral", "https://api.mistral.ai/v1", "mistral-large-latest", true),
    ("OpenRouter", "https://openrouter.ai/api/v1", "", true),
    ("Ollama on this machine", "http://localhost:11434/v1", "qwen3", false),
];
/// How long a model that is tried may take.
const TRIAL: Duration = Duration::from_secs(30);
/// Characters of its answer that are shown.
const SHOWN: usize = 200;

const SELECT: &str = "SELECT provider, url, model, api_key, house_steps_in FROM models WHERE session_id = $1";
const UPSERT: &str = "INSERT INTO models (session_id, provider, url, model, api_key, house_steps_in) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (session_id) DO UPDATE SET provider = excluded.provider, \
     url = excluded.url, model = excluded.model, api_key = excluded.api_key, house_steps_in = excluded.house_steps_in";
const DELETE: &str = "DELETE FROM models WHERE session_id = $1";

/// What a table has chosen; `Server` is what it has without a choice.
#[derive(Debug, Clone, Default)]
pub(crate) enum Choice {
    #[default]
    Server,
    House,
    OpenAi {
        url: String,
        model: String,
        key: Option<SecretString>,
        house_steps_in: bool,
    },
}

/// A choice as it is asked for; what is left out is taken from what there is.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub provider: String,
    pub url: Option<String>,
    pub model: Option<String>,
    pub key: Option<SecretString>,
    pub house_steps_in: Option<bool>,
}

/// The models of this server.
pub(crate) struct Models {
    master: GameMaster,
    fallback: Vec<String>,
    timeouts: openai::Timeouts,
    /// When a model that has not begun to answer is asked a second time.
    hedge_after: Option<Duration>,
    server: Arc<[Link]>,
    /// Makes facts of what fell out of the window; none: a rule does.
    pub memory: Option<Arc<dyn Provider>>,
}

impl Models {
    /// The models that the configuration asks for.
    ///
    /// # Errors
    ///
    /// An address or a key makes no sense.
    pub fn new(config: &Config) -> anyhow::Result<Models> {
        let timeouts = llm::timeouts(config);
        let master = config.game_master();
        let server = llm::connect(config)?.into();
        let memory = match (&master, config.llm_memory.as_deref().map(str::trim)) {
            (GameMaster::House, _) | (_, None | Some("" | "house")) => None,
            (GameMaster::Model { url, key, .. }, Some(name)) => {
                let model = openai::OpenAi::new(url, name.to_owned(), key.clone(), timeouts)?;
                Some(Arc::new(model) as Arc<dyn Provider>)
            }
        };
        let (fallback, hedge_after) = (config.llm_fallback.clone(), config.llm_hedge_after);
        Ok(Models { master, fallback, timeouts, hedge_after, server, memory })
    }

    /// Who is asked in which order at a table that has chosen nothing.
    pub fn server(&self) -> &Arc<[Link]> {
        &self.server
    }

    /// Who is asked in which order at a table that has chosen so.
    ///
    /// # Errors
    ///
    /// The address or the key makes no sense.
    pub fn chain(&self, choice: &Choice) -> Result<Arc<[Link]>, Status> {
        let house = || Link::new(Arc::new(House::default()));
        match choice {
            Choice::Server => Ok(self.server.clone()),
            Choice::House => Ok([house()].into()),
            Choice::OpenAi { house_steps_in, .. } => {
                let mut links = vec![Link::new(hedged(self.provider(choice)?, self.hedge_after))];
                if *house_steps_in {
                    links.push(house());
                }
                Ok(links.into())
            }
        }
    }

    /// What a wish comes to, beside what the table has now.
    ///
    /// # Errors
    ///
    /// A model or an address is missing.
    pub fn choose(&self, wish: Wish, now: &Choice) -> Result<Choice, Status> {
        let Wish { provider, url, model, key, house_steps_in } = wish;
        match provider.as_str() {
            "server" => return Ok(Choice::Server),
            "house" => return Ok(Choice::House),
            _ => {}
        }
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let own = match &self.master {
            GameMaster::Model { url, model, key } => Some((url.as_str(), model.as_str(), key.as_ref())),
            GameMaster::House => None,
        };
        let missing = |field: &str, whose: &str| {
            status::error(ErrorCode::MissingRequiredField, format!("`{field}` is missing: which {whose}?"))
        };
        let url = trimmed(url).or_else(|| own.map(|(url, ..)| url.to_owned()));
        let url = url.ok_or_else(|| missing("url", "address has the API"))?;
        let url = url.trim_end_matches('/').trim_end_matches("/chat/completions").trim_end_matches('/').to_owned();
        let own = own.filter(|(own, ..)| *own == url);
        let model = trimmed(model).or_else(|| own.map(|(_, model, _)| model.to_owned()));
        let model = model.ok_or_else(|| missing("model", "model of that server"))?;
        // A key goes to the address it was given for, and to no other.
        let kept = match now {
            Choice::OpenAi { url: before, key, .. } if *before == url => key.as_ref(),
            _ => None,
        };
        let key = key.filter(|key| !key.expose_secret().trim().is_empty());
        let key = key.or_else(|| kept.or(own.and_then(|(.., key)| key)).cloned());
        Ok(Choice::OpenAi { url, model, key, house_steps_in: house_steps_in.unwrap_or(true) })
    }

    /// A choice as people may see it.
    pub fn describe(&self, choice: &Choice) -> ModelChoice {
        let shown = |provider: &str, url: &str, model: &str, has_key: bool, house_steps_in: bool| ModelChoice {
            provider: provider.into(),
            model: model.into(),
            url: url.into(),
            has_key,
            house_steps_in,
        };
        match choice {
            Choice::House => shown("house", "", "house", false, false),
            Choice::OpenAi { url, model, key, house_steps_in } => {
                shown("openai", &crate::config::without_password(url), model, key.is_some(), *house_steps_in)
            }
            Choice::Server => match &self.master {
                GameMaster::House => shown("server", "", "house", false, false),
                GameMaster::Model { url, model, key } => {
                    let house_steps_in = self.fallback.iter().any(|name| name == "house");
                    shown("server", &crate::config::without_password(url), model, key.is_some(), house_steps_in)
                }
            },
        }
    }

    /// Servers of models that are known by name.
    pub fn known() -> Vec<KnownServer> {
        let known = |(name, url, model, needs_key): (&str, &str, &str, bool)| KnownServer {
            name: name.into(),
            url: url.into(),
            model: model.into(),
            needs_key,
        };
        KNOWN.map(known).to_vec()
    }

    /// Asks a model for a word, with `tools` that it need not call.
    ///
    /// # Errors
    ///
    /// The address or the key makes no sense.
    pub async fn test(&self, choice: &Choice, tools: Arc<[Arc<ToolDefinition>]>) -> Result<TestModelResponse, Status> {
        let provider = match choice {
            Choice::Server => self.server.first().map(|link| link.provider.clone()),
            _ => Some(self.provider(choice)?),
        };
        let Some(provider) = provider else { return Err(status::error(ErrorCode::NotFound, "there is no model")) };
        let request = ModelRequest {
            instructions: "You are asked whether you are there. Answer with one short sentence.".into(),
            characters: Arc::new([]),
            sections: Arc::new([]),
            scene: Map::new(),
            messages: Arc::new(vec![Message::Player { name: None, character: None, text: "Hello".into() }]),
            tools,
        };
        let asked = Instant::now();
        let tried = tokio::time::timeout(TRIAL, first_words(provider.as_ref(), request)).await;
        Ok(match tried.unwrap_or(Err(ModelError::Timeout("a trial"))) {
            Ok((reply, first)) => {
                let first_word_ms = first.saturating_duration_since(asked).as_secs_f64() * 1000.0;
                let takes_tools = provider.takes_tools();
                TestModelResponse { ok: true, reply, error: String::new(), first_word_ms, takes_tools }
            }
            Err(error) => {
                let (_, error) = llm::tell_model_error(&error);
                TestModelResponse { ok: false, error, ..TestModelResponse::default() }
            }
        })
    }

    fn provider(&self, choice: &Choice) -> Result<Arc<dyn Provider>, Status> {
        let Choice::OpenAi { url, model, key, .. } = choice else { return Ok(Arc::new(House::default())) };
        let provider = openai::OpenAi::new(url, model.clone(), key.clone(), self.timeouts);
        // It says what is wrong with the address or the key, and repeats neither.
        let refuse = |error: anyhow::Error| status::error(ErrorCode::InvalidInput, error.to_string());
        Ok(Arc::new(provider.map_err(refuse)?))
    }
}

/// The beginning of an answer, and when it began.
async fn first_words(provider: &dyn Provider, request: ModelRequest) -> Result<(String, Instant), ModelError> {
    let mut answer = provider.ask(request).await?;
    let mut text = String::new();
    let mut first = None;
    while let Some(event) = answer.next().await {
        match event? {
            ModelEvent::Text(piece) => {
                first.get_or_insert_with(Instant::now);
                text.push_str(&piece);
            }
            ModelEvent::Unsaid { .. } => text.clear(),
            ModelEvent::End => return Ok((text.chars().take(SHOWN).collect(), first.unwrap_or_else(Instant::now))),
            _ => {}
        }
        if SHOWN < text.len() {
            return Ok((text.chars().take(SHOWN).collect(), first.unwrap_or_else(Instant::now)));
        }
    }
    Err(ModelError::Cut)
}

impl Store {
    /// What a table has chosen.
    pub async fn model(&self, session_id: &str) -> Result<Choice, DbError> {
        let rows = self.db().fetch(SELECT, vec![session_id.into()]).await?;
        let Some(row) = rows.first() else { return Ok(Choice::Server) };
        let key = Some(row.text(3)).filter(|key| !key.is_empty()).map(SecretString::from);
        Ok(match row.text(0).as_str() {
            "house" => Choice::House,
            "openai" => {
                Choice::OpenAi { url: row.text(1), model: row.text(2), key, house_steps_in: row.integer(4) != 0 }
            }
            _ => Choice::Server,
        })
    }

    /// Keeps what a table has chosen.
    pub async fn set_model(&self, session_id: &str, choice: &Choice) -> Result<(), DbError> {
        let statement = match choice {
            Choice::Server => Statement::new(DELETE, vec![session_id.into()]),
            Choice::House => {
                let args = vec![session_id.into(), "house".into(), "".into(), "".into(), "".into(), false.into()];
                Statement::new(UPSERT, args)
            }
            Choice::OpenAi { url, model, key, house_steps_in } => {
                let key = key.as_ref().map_or("", |key| key.expose_secret());
                let args = vec![
                    session_id.into(),
                    "openai".into(),
                    url.as_str().into(),
                    model.as_str().into(),
                    key.into(),
                    (*house_steps_in).into(),
                ];
                Statement::new(UPSERT, args)
            }
        };
        self.db().write(vec![statement]).await
    }
}
