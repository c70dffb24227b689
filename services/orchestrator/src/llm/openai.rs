//! Any model behind an OpenAI-compatible API: OpenAI, x.ai, Ollama, llama.cpp, vLLM and their kin.
//!
//! async-openai speaks the protocol; what comes back is read leniently by `wire`, since no two servers agree in the
//! details, `written` takes out what is not for the table, and `http` sees each answer before the library does: it keeps
//! statuses, tries again, and notices `[DONE]`. What a server refuses is asked for in another `manner`.

mod halves;
mod http;
mod manner;
mod reader;
mod wire;
mod written;

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_openai::{Client, error::OpenAIError};
use futures_util::{
    FutureExt, Stream, StreamExt,
    stream::{self, BoxStream, Peekable},
};
use secrecy::SecretString;
use tokio::time::Instant;

use self::{
    http::Heard,
    manner::{Complaint, Manner},
    reader::{Chunk, Reader},
};
use super::{ModelError, ModelEvent, ModelRequest, Provider};

/// How long the rest of an answer that has said its reason to finish may take: usually the usage still follows.
const AFTER_FINISH: Duration = Duration::from_secs(1);
/// Chunks that are read together at the most, if they are there at once.
const TOGETHER: usize = 64;
/// Unreadable pieces of one answer that are passed over.
const MAX_UNREADABLE: u32 = 20;

/// How long a model may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// From the question to the first piece of the answer.
    pub first_token: Duration,
    /// From one piece to the next.
    pub between_tokens: Duration,
}

type Chunks = Pin<Box<Peekable<Pin<Box<dyn Stream<Item = Result<Chunk, OpenAIError>> + Send>>>>>;

/// A model behind an OpenAI-compatible API.
#[derive(Debug)]
pub struct OpenAi {
    client: reqwest::Client,
    endpoint: http::Endpoint,
    model: String,
    timeouts: Timeouts,
    /// How the server has shown that it wants to be asked.
    manner: Mutex<Manner>,
    /// Whether its last answer has begun with thoughts that only their end shows to be some: the templates of many models
    /// open them already in the question.
    thinks_first: Arc<AtomicBool>,
}

impl OpenAi {
    /// The model `model` at the API whose base address is `url`.
    ///
    /// # Errors
    ///
    /// The address or the key cannot stand in a request, or this host has no certificates to trust an https address.
    pub fn new(url: &str, model: String, key: Option<SecretString>, timeouts: Timeouts) -> anyhow::Result<OpenAi> {
        let endpoint = http::Endpoint::new(url, key)?;
        let client = http::client(endpoint.url(), timeouts.connect)?;
        Ok(OpenAi { client, endpoint, model, timeouts, manner: Mutex::default(), thinks_first: Arc::default() })
    }

    /// Sends the request and waits until `first_by` for the first piece of the answer.
    async fn send(
        &self,
        request: &ModelRequest,
        manner: Manner,
        first_by: Instant,
    ) -> Result<(Chunks, Arc<Heard>), Refusal> {
        let heard = Arc::new(Heard::default());
        let sender = http::Sender::new(self.client.clone(), heard.clone(), first_by);
        let client = Client::build(self.client.clone(), self.endpoint.clone()).with_http_service(sender);
        let body = wire::request(&self.model, request, manner);
        let chat = client.chat();
        let begun = async {
            let mut chunks: Chunks =
                Box::pin(chat.create_stream_byot::<_, Chunk>(body).await.map_err(model_error)?.peekable());
            // Some say only in their answer that they refuse.
            if let Some(Ok(first)) = chunks.as_mut().peek().await
                && let Some(error) = first.error()
            {
                heard.complains(&error.to_string());
                return Err(reader::failure(error));
            }
            Ok(chunks)
        };
        let begun = tokio::time::timeout_at(first_by, begun).await;
        match begun.unwrap_or(Err(ModelError::Timeout("the first piece"))) {
            Ok(chunks) => Ok((chunks, heard)),
            Err(error) => Err(Refusal { error, complaint: heard.complaint() }),
        }
    }

    fn manner(&self) -> Manner {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps to a manner that the server has answered to.
    fn keep_to(&self, manner: Manner) {
        if manner != self.manner() {
            tracing::warn!(model = self.model, ?manner, "the model's server wants to be asked in another manner");
            *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
        }
    }
}

/// A server that does not answer, and what it complains of.
struct Refusal {
    error: ModelError,
    complaint: Option<Complaint>,
}

impl Refusal {
    /// How it may answer nevertheless.
    fn manner(&self, asked: Manner, request: &ModelRequest) -> Option<Manner> {
        let is_refused = matches!(self.error, ModelError::Refused { status: 400 | 422 });
        (is_refused || self.complaint.is_some()).then(|| asked.after(self.complaint, request)).flatten()
    }
}

#[async_trait::async_trait]
impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn server(&self) -> Option<(&str, u16)> {
        let url = self.endpoint.url();
        Some((url.host_str()?, url.port_or_known_default()?))
    }

    fn takes_tools(&self) -> bool {
        self.manner().has_tools
    }

    async fn ask(
        &self,
        request: ModelRequest,
    ) -> Result<BoxStream<'static, Result<ModelEvent, ModelError>>, ModelError> {
        let first_by = Instant::now() + self.timeouts.first_token;
        let mut manner = self.manner();
        let (chunks, heard) = loop {
            let refusal = match self.send(&request, manner, first_by).await {
                Ok(sent) => break sent,
                Err(refusal) => refusal,
            };
            // Each time there is less to be refused.
            manner = refusal.manner(manner, &request).ok_or(refusal.error)?;
        };
        self.keep_to(manner);
        let answer = Answer {
            chunks,
            heard,
            reader: match self.thinks_first.load(Ordering::Relaxed) {
                true => Reader::thinking_first(),
                false => Reader::default(),
            },
            thinks_first: self.thinks_first.clone(),
            ready: VecDeque::new(),
            first_by: Some(first_by),
            between_tokens: self.timeouts.between_tokens,
            unreadable: 0,
            failed: None,
            is_over: false,
        };
        Ok(stream::unfold(answer, |mut answer| async move { Some((answer.next().await?, answer)) }).boxed())
    }
}

/// An answer that is being read.
struct Answer {
    chunks: Chunks,
    heard: Arc<Heard>,
    reader: Reader,
    thinks_first: Arc<AtomicBool>,
    ready: VecDeque<ModelEvent>,
    /// When the first piece must have come; none once it has.
    first_by: Option<Instant>,
    between_tokens: Duration,
    unreadable: u32,
    failed: Option<ModelError>,
    is_over: bool,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if let Some(error) = self.failed.take() {
                self.is_over = true;
                return Some(Err(error));
            }
            if self.is_over {
                return None;
            }
            // What came before it is told first.
            self.failed = self.read().await.err();
        }
    }

    /// Reads the next piece.
    async fn read(&mut self) -> Result<(), ModelError> {
        let until = match self.first_by {
            _ if self.reader.is_finished() => Instant::now() + AFTER_FINISH,
            Some(first_by) => first_by,
            None => Instant::now() + self.between_tokens,
        };
        match tokio::time::timeout_at(until, self.chunks.next()).await {
            Ok(Some(Ok(chunk))) => {
                self.first_by = None;
                self.take_in(&chunk)?;
                // Text that has come at once is told at once.
                for _ in 1..TOGETHER {
                    let next = self.chunks.as_mut().next_if(Result::is_ok).now_or_never();
                    let Some(Some(Ok(chunk))) = next else { break };
                    self.take_in(&chunk)?;
                }
            }
            Ok(Some(Err(OpenAIError::JSONDeserialize(_, line)))) if is_sign_of_life(&line) => self.first_by = None,
            Ok(Some(Err(OpenAIError::JSONDeserialize(..)))) if self.heard.has_failed() => {
                return Err(ModelError::Broken { is_down: false });
            }
            // The library has read a line that is not JSON; what follows it may still be sound.
            Ok(Some(Err(OpenAIError::JSONDeserialize(..)))) => {
                tracing::warn!("the model sent a line that is not JSON");
                self.unreadable += 1;
                if self.unreadable == MAX_UNREADABLE {
                    return Err(ModelError::Invalid);
                }
                self.reader.tear()?;
            }
            Ok(Some(Err(_)) | None) => return self.end(ModelError::Cut),
            Err(_) if self.first_by.is_some() => return self.end(ModelError::Timeout("the first piece")),
            Err(_) => return self.end(ModelError::Timeout("the next piece")),
        }
        Ok(())
    }

    fn take_in(&mut self, chunk: &Chunk) -> Result<(), ModelError> {
        for event in self.reader.read(chunk)? {
            match (self.ready.back_mut(), event) {
                (Some(ModelEvent::Text(told)), ModelEvent::Text(more)) => told.push_str(&more),
                (_, event) => self.ready.push_back(event),
            }
        }
        Ok(())
    }

    /// Nothing more comes: the regular end if the model has said so in either way.
    fn end(&mut self, otherwise: ModelError) -> Result<(), ModelError> {
        if !self.reader.is_finished() && self.heard.has_failed() {
            return Err(ModelError::Broken { is_down: false });
        }
        if !self.reader.is_finished() && !self.heard.is_done() {
            return Err(otherwise);
        }
        self.is_over = true;
        self.ready.extend(self.reader.rest(false));
        if let Some(thinks_first) = self.reader.thinks_first() {
            self.thinks_first.store(thinks_first, Ordering::Relaxed);
        }
        self.ready.push_back(ModelEvent::End);
        Ok(())
    }
}

/// Whether a line says only that its server is still there.
fn is_sign_of_life(line: &str) -> bool {
    const LONGEST: usize = 20;
    line.len() <= LONGEST && line.bytes().all(|byte| byte.is_ascii_alphabetic() || b" :-_\n".contains(&byte))
}

/// What `http` said about a request that never got an answer.
fn model_error(error: OpenAIError) -> ModelError {
    match error {
        OpenAIError::Boxed(error) => error.downcast::<ModelError>().map_or(ModelError::Unreachable, |error| *error),
        OpenAIError::Reqwest(_) => ModelError::Unreachable,
        _ => ModelError::Invalid,
    }
}
