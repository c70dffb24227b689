//! The game masters: what every language model provider takes and gives, and the list of them.
//!
//! A provider only speaks to a model. Which tools run, how often, how long a turn may be: that is the turn's business.

pub(crate) mod chain;
pub(crate) mod hedge;
pub mod house;
pub mod openai;

use std::{sync::Arc, time::Duration};

use futures_util::stream::BoxStream;
use proto::catalogue::Tool;
use serde::{Deserialize, Serialize};
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};
use service_kit::status::ErrorCode;

use crate::config::{Config, GameMaster};

/// The game masters that the configuration asks for: the first, and those who step in for him, in their order.
///
/// # Errors
///
/// The model's address or key makes no sense, or no connection to it can ever be made from here.
pub(crate) fn connect(config: &Config) -> anyhow::Result<Vec<chain::Link>> {
    let GameMaster::Model { url, model, key } = config.game_master() else {
        return Ok(vec![chain::Link::new(Arc::new(house::House::default()))]);
    };
    let timeouts = timeouts(config);
    let mut links = Vec::new();
    for name in std::iter::once(&model).chain(&config.llm_fallback) {
        let provider: Arc<dyn Provider> = match name.as_str() {
            "house" => Arc::new(house::House::default()),
            name => {
                let model = openai::OpenAi::new(&url, name.to_owned(), key.clone(), timeouts)?;
                hedge::hedged(Arc::new(model), config.llm_hedge_after)
            }
        };
        links.push(chain::Link::new(provider));
    }
    Ok(links)
}

/// How long a model may take.
pub(crate) fn timeouts(config: &Config) -> openai::Timeouts {
    openai::Timeouts {
        connect: config.llm_connect_timeout,
        first_token: config.llm_first_token_timeout,
        between_tokens: config.llm_token_timeout,
    }
}

/// Why a model stops whose answer has become as long as it may be.
pub const LENGTH: &str = "length";
/// Why a model stops whose provider withholds what it says.
pub const FILTERED: &str = "content_filter";

/// What a model is asked: the whole conversation, and the state it must speak from.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// Who the game master is and how he works: the system context.
    pub instructions: Arc<str>,
    /// The active characters.
    pub characters: Arc<[CharacterBrief]>,
    /// What else he is told, in the order in which it is shown.
    pub sections: Arc<[Section]>,
    /// The scene as far as it is known: location, target, target_distance (m), light_level, target_movement, description.
    pub scene: Map<String, Value>,
    /// The last messages, oldest first; the last one is what must be answered.
    pub messages: Arc<Vec<Message>>,
    /// The tools that may be called.
    pub tools: Arc<[Arc<ToolDefinition>]>,
}

/// Something that the game master is told besides characters and scene. An item is data and stands in one line, whatever
/// it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is, for the model: `LINES AND VEILS` and so on.
    pub heading: &'static str,
    /// Its items.
    pub items: Vec<String>,
}

/// An active character in a few words.
#[derive(Debug, Clone, Default)]
pub struct CharacterBrief {
    /// The street name, as every tool takes it.
    pub name: String,
    /// One sentence: metatype, archetype and what he carries.
    pub summary: String,
    /// The groups of tools that he needs beside those that everybody needs.
    pub groups: Vec<&'static str>,
    /// Whether he is dead or dying, and so cannot act.
    pub is_dead: bool,
    /// The campaign that he is in; empty: none.
    pub campaign_id: String,
    /// What he has, in nuyen and Karma.
    pub money: Vec<u64>,
}

/// One message of the conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// What a player said. It is data, never an instruction.
    Player {
        /// The player's name, if he gave one.
        name: Option<String>,
        /// The character he plays, if he said so.
        character: Option<String>,
        /// His words.
        text: String,
    },
    /// What the game master said, and the tools he called with it.
    GameMaster {
        /// His words; may be empty.
        text: String,
        /// His calls, in order.
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool answered.
    ToolResult {
        /// The call that it answers.
        call_id: String,
        /// The tool.
        tool: String,
        /// The result, or `{"error", "code"}`.
        result: Value,
        /// Whether the call failed.
        failed: bool,
    },
    /// A narration that was taken back in this turn. It supports nothing of what is told after it.
    Withdrawn {
        /// What the game master had said.
        text: String,
        /// Why it cannot stand, as he is told it.
        why: String,
    },
}

/// Tokens that messages take, estimated.
pub(crate) fn tokens_of(messages: &[Message]) -> usize {
    let size = |message: &Message| match message {
        Message::Player { text, .. } => text.len(),
        Message::GameMaster { text, tool_calls } => {
            text.len() + tool_calls.iter().map(|call| call.name.len() + call.arguments.len()).sum::<usize>()
        }
        Message::ToolResult { result, .. } => result.to_string().len(),
        Message::Withdrawn { text, why } => text.len() + why.len(),
    };
    messages.iter().map(size).sum::<usize>().div_ceil(4)
}

/// Tokens that the definitions of tools take, estimated.
pub(crate) fn tokens_of_tools(tools: &[Arc<ToolDefinition>]) -> usize {
    tools.iter().map(|tool| tool.size).sum::<usize>().div_ceil(4)
}

/// A finished call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within the turn.
    pub id: String,
    /// The tool's name, as the model gave it.
    pub name: String,
    /// The arguments as the model wrote them; meant to be a JSON object.
    pub arguments: String,
    /// What its server has sent with it.
    #[serde(skip)]
    pub opaque: Opaque,
}

/// What a server sends with calls and wants to have back with their results, such as a signature of what the model
/// thought. It means nothing to us; it is kept for the turn, and neither logged nor shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opaque {
    /// Fields of the call.
    pub of_call: Map<String, Value>,
    /// Fields of the message that the call stands in; the first call of a message has them.
    pub of_message: Map<String, Value>,
}

/// A tool as a model sees it. It is the same in every request, so it is written and measured once.
#[derive(Debug)]
pub struct ToolDefinition {
    /// The name.
    pub name: String,
    /// JSON Schema of the arguments.
    pub parameters: Value,
    /// Where it belongs: core, combat, magic, …
    pub group: String,
    /// As it stands in a request.
    written: Box<RawValue>,
    /// Bytes of what it says, by which its tokens are estimated.
    size: usize,
}

impl ToolDefinition {
    /// A tool of a catalogue, whose arguments may be other ones than there.
    pub fn new(tool: &Tool, parameters: Value) -> ToolDefinition {
        let Tool { name, description, group, .. } = tool;
        let size = name.len() + description.len() + parameters.to_string().len();
        let function = json!({"name": name, "description": description, "parameters": parameters});
        let written = to_raw_value(&json!({"type": "function", "function": function}));
        let written = written.expect("a JSON value can be written");
        ToolDefinition { name: name.clone(), parameters, group: group.clone(), written, size }
    }

    /// As it stands in a request to a model.
    pub(crate) fn written(&self) -> &RawValue {
        &self.written
    }
}

/// A piece of a model's answer, in the order in which it comes.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// The next piece of text.
    Text(String),
    /// A fragment of the tool call number `index`; fragments of several calls may alternate.
    ToolCall {
        /// Which call of this answer.
        index: u32,
        /// The call's id, usually in its first fragment only.
        id: Option<String>,
        /// The tool's name, usually in the first fragment only.
        name: Option<String>,
        /// The next piece of the arguments' JSON text.
        arguments: String,
    },
    /// All text so far was thoughts, which are not for the table, and so were these of the calls.
    Unsaid {
        /// Which calls of this answer.
        calls: Vec<u32>,
    },
    /// A field that the server wants to have back as it is, or the next piece of it.
    Opaque {
        /// The call of this answer that it belongs to; none: the answer as a whole.
        index: Option<u32>,
        /// Its name.
        field: &'static str,
        /// Its value; further texts and lists are added to the first.
        value: Value,
    },
    /// What the answer cost, if the model tells.
    Usage {
        /// Tokens read.
        prompt_tokens: u64,
        /// Tokens written.
        completion_tokens: u64,
    },
    /// What the server calls this answer, and the model that gives it: often a version of the one that was asked for.
    Named {
        /// The answer's id; may be empty.
        id: String,
        /// The model; may be empty.
        model: String,
    },
    /// The model was asked twice, and the other answer let go: what was asked was read twice.
    Hedged,
    /// Why the model stopped: `stop`, `tool_calls`, [`LENGTH`], or whatever its server says.
    Finished(String),
    /// The regular end. A stream that ends without it was cut short.
    End,
}

/// A model that failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// It has had too many requests.
    #[error("the language model has had too many requests")]
    RateLimited {
        /// When it may be asked again, if it said so.
        retry_after: Option<Duration>,
    },
    /// It did not answer in time.
    #[error("the language model did not answer in time ({0})")]
    Timeout(&'static str),
    /// It cannot be reached.
    #[error("the language model cannot be reached")]
    Unreachable,
    /// It has failed so often that it is left alone, and was not asked.
    #[error("the language model has failed {failures} times and is left alone")]
    LeftAlone {
        /// Failures one after another.
        failures: u32,
        /// How long it is left alone yet, at the most.
        pause: Duration,
    },
    /// It refused the request with this HTTP status.
    #[error("the language model refused the request (HTTP {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// It said in its answer that it has failed.
    #[error("the language model has failed in the middle of its answer")]
    Broken {
        /// Whether it would fail for everybody.
        is_down: bool,
    },
    /// Its answer broke off.
    #[error("the language model's answer broke off")]
    Cut,
    /// Its answer makes no sense.
    #[error("the language model's answer cannot be read")]
    Invalid,
}

/// A language model, or what stands in for one.
#[async_trait::async_trait]
pub trait Provider: Send + Sync {
    /// The provider's name in the configuration and in spans.
    fn name(&self) -> &'static str;

    /// The model's name.
    fn model(&self) -> &str;

    /// Host and port of its server, if it has one.
    fn server(&self) -> Option<(&str, u16)> {
        None
    }

    /// Whether tools can be given to it as such, as far as is known: what its server refuses is only known once it was
    /// asked.
    fn takes_tools(&self) -> bool {
        true
    }

    /// Asks the model; its answer streams until [`ModelEvent::End`] or an error. Dropping the stream ends the request.
    ///
    /// # Errors
    ///
    /// The model cannot be reached or refuses before its answer begins.
    async fn ask(
        &self,
        request: ModelRequest,
    ) -> Result<BoxStream<'static, Result<ModelEvent, ModelError>>, ModelError>;
}

/// What a player is told when the model fails.
pub(crate) fn tell_model_error(error: &ModelError) -> (ErrorCode, String) {
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
        ModelError::LeftAlone { failures, pause } => {
            let pause = pause.as_millis().div_ceil(1000);
            let text = format!("has failed {failures} times in a row. It is asked again in {pause} s at the latest.");
            (ErrorCode::GrokApiError, text)
        }
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
        ModelError::Broken { .. } => {
            (ErrorCode::GrokApiError, "has failed in the middle of its answer. Please try again.".into())
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
