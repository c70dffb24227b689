//! The requests to a model: who is asked and with which key, what is tried again, what a refusal complains of, and whether
//! `[DONE]` has come.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Context as _;
use async_openai::{config::Config, error::OpenAIError, middleware::HttpRequestFactory};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};
use service_kit::{clock, trace};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::Instant;

use super::manner::Complaint;
use crate::{llm::ModelError, metrics};

/// How often a request is sent at the most.
const ATTEMPTS: u32 = 3;
/// The pause before the second attempt, where the server names none; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause that is waited for; a server that wants more is taken at its word, and the player is told.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Largest answer, in bytes.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// Bytes of a refusal that are looked at.
const MAX_REFUSAL: usize = 16 * 1024;
/// How long its body is waited for.
const REFUSAL_WAIT: Duration = Duration::from_secs(2);

/// What the library keeps to itself of an answer.
#[derive(Debug, Default)]
pub(super) struct Heard {
    is_done: AtomicBool,
    has_failed: AtomicBool,
    complaint: OnceLock<Complaint>,
}

impl Heard {
    /// Whether `[DONE]` is among what has been read.
    pub fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    /// Whether an event of the answer is called an error.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// What the refusal complained of.
    pub fn complaint(&self) -> Option<Complaint> {
        self.complaint.get().copied()
    }

    /// Notes what a refusal complains of.
    pub fn complains(&self, text: &str) {
        if let Some(complaint) = Complaint::of(text) {
            // The first complaint counts.
            let _ = self.complaint.set(complaint);
        }
    }
}

/// The HTTP client for models at `url`.
///
/// # Errors
///
/// This host has no certificates, and the address is https.
pub(super) fn client(url: &Url, connect: Duration) -> anyhow::Result<reqwest::Client> {
    // It fails where a provider has been installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(connect)
        .tcp_nodelay(true)
        // A key is for the server it was given for.
        .redirect(reqwest::redirect::Policy::none());
    if url.scheme() == "http" {
        // A host without certificates can still ask a model next door.
        builder = builder.tls_certs_only(std::iter::empty());
    }
    if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        builder = builder.no_proxy();
    }
    builder.build().context("prepare https to the language model (does this host have CA certificates?)")
}

/// Where a model is, and the key to it.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    url: Url,
    /// Without a query, which comes behind the path.
    base: String,
    query: String,
    headers: HeaderMap,
    key: SecretString,
}

impl Endpoint {
    pub fn new(url: &str, key: Option<SecretString>) -> anyhow::Result<Endpoint> {
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let parsed = parsed.context("LLM_URL must be an http or https address such as http://localhost:11434/v1")?;
        let mut headers = HeaderMap::new();
        let key = key.unwrap_or_default();
        if !key.expose_secret().is_empty() {
            let value = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()));
            let mut value = value.context("the language model's API key has characters that no key can have")?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
            if parsed.host_str().is_some_and(|host| host.ends_with(".azure.com")) {
                let mut value = HeaderValue::try_from(key.expose_secret()).context("a key that cannot be sent")?;
                value.set_sensitive(true);
                headers.insert(header::HeaderName::from_static("api-key"), value);
            }
        }
        let (base, query) =
            url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
        let base = base.trim_end_matches('/').trim_end_matches("/chat/completions").trim_end_matches('/').to_owned();
        Ok(Endpoint { url: parsed, base, query, headers, key })
    }

    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}{}", self.base, self.query)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// Sends one request, again if need be, as part of the trace that is current.
#[derive(Clone)]
pub(super) struct Sender {
    client: reqwest::Client,
    heard: Arc<Heard>,
    /// The trace context of whoever asks.
    context: HeaderMap,
    /// When the answer must have begun.
    first_by: Instant,
}

impl Sender {
    /// A sender that notes in `heard` what the answer says, and waits for nothing beyond `first_by`.
    pub fn new(client: reqwest::Client, heard: Arc<Heard>, first_by: Instant) -> Sender {
        let mut context = HeaderMap::new();
        trace::inject(&mut context);
        Sender { client, heard, context, first_by }
    }

    async fn send(self, request: HttpRequestFactory) -> Result<Response, ModelError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let mut request = request.build().await.map_err(|_| ModelError::Invalid)?;
            request.headers_mut().extend(self.context.clone());
            let (error, wanted) = match self.client.execute(request).await {
                Ok(response) if response.status().is_success() => return read(response, self.heard).await,
                Ok(response) => {
                    let refusal = refusal(&response, pause);
                    if response.status() != StatusCode::TOO_MANY_REQUESTS {
                        self.heard.complains(&beginning(response).await);
                    }
                    // What is complained of does not pass by.
                    if self.heard.complaint().is_some() { (refusal.0, None) } else { refusal }
                }
                Err(error) if error.is_timeout() => (ModelError::Timeout("a connection"), None),
                Err(_) => (ModelError::Unreachable, Some(pause)),
            };
            let is_worth_it = |wanted: &Duration| *wanted <= LONGEST_PAUSE && Instant::now() + *wanted < self.first_by;
            let wanted = wanted.filter(|wanted| is_worth_it(wanted) && attempt < ATTEMPTS);
            let Some(wanted) = wanted else { return Err(error) };
            let reason = match error {
                ModelError::RateLimited { .. } => "too many requests",
                ModelError::Unreachable => "not reached",
                _ => "failed",
            };
            metrics::MODEL_RETRIES.with(reason).inc();
            tracing::info!(%error, attempt, pause_ms = wanted.as_millis() as u64, "the model is asked again");
            tokio::time::sleep(wanted).await;
            pause *= 2;
        }
        Err(ModelError::Unreachable)
    }
}

impl tower::Service<HttpRequestFactory> for Sender {
    type Response = Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<Response, OpenAIError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let sending = self.clone().send(request);
        Box::pin(async move { sending.await.map_err(|error| OpenAIError::Boxed(Box::new(error))) })
    }
}

/// What a refusal means, and the pause before another attempt if that makes sense.
fn refusal(response: &Response, pause: Duration) -> (ModelError, Option<Duration>) {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let passes_by = matches!(status.as_u16(), 408 | 409 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=529);
    let pause = passes_by.then(|| retry_after.unwrap_or(pause));
    if status == StatusCode::TOO_MANY_REQUESTS {
        return (ModelError::RateLimited { retry_after }, pause);
    }
    (ModelError::Refused { status: status.as_u16() }, pause)
}

/// The beginning of a refusal's body. It is looked at and never shown or logged: it may repeat what players said.
async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    let until = Instant::now() + REFUSAL_WAIT;
    while let Ok(Ok(Some(piece))) = tokio::time::timeout_at(until, response.chunk()).await {
        body.extend_from_slice(&piece[..piece.len().min(MAX_REFUSAL - body.len())]);
        if body.len() == MAX_REFUSAL {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// The pause that a server asks for: seconds, a date, or the milliseconds that some give beside them.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let text = text("retry-after")?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()?;
    let wait_ms = i64::try_from(date.unix_timestamp_nanos() / 1_000_000).ok()? - clock::now_ms();
    Some(Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default()))
}

/// The answer as a stream of events, whatever the server made of it.
///
/// # Errors
///
/// It is a page for people.
async fn read(mut response: Response, heard: Arc<Heard>) -> Result<Response, ModelError> {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is = |wanted: &str| kind.trim_start().to_ascii_lowercase().starts_with(wanted);
    if is("text/html") {
        return Err(ModelError::Invalid);
    }
    if is("text/event-stream") {
        return Ok(watched(response, Bytes::new(), false, heard));
    }
    // Some call a stream something else, or a whole answer: only what it begins with tells.
    let mut head = Bytes::new();
    while head.trim_ascii().is_empty() {
        match response.chunk().await {
            Ok(Some(piece)) => head = piece,
            Ok(None) => break,
            Err(_) => return Err(ModelError::Cut),
        }
    }
    let is_whole = head.trim_ascii_start().starts_with(b"{");
    Ok(watched(response, head, is_whole, heard))
}

/// The same answer, of which `begun` has been read, with an eye on its lines and its size. One that came as a whole, since
/// its server does not stream, becomes one event.
fn watched(response: Response, begun: Bytes, is_whole: bool, heard: Arc<Heard>) -> Response {
    let mut answer = http::Response::builder().status(response.status()).version(response.version());
    if let Some(headers) = answer.headers_mut() {
        headers.extend(response.headers().clone());
    }
    let (mut done, mut failed) = (Line::of(b"data:[DONE]"), Line::of(b"event:error"));
    let mut size = 0;
    let edge = |text: &'static str| stream::iter((!text.is_empty()).then(|| Ok(Bytes::from_static(text.as_bytes()))));
    let begun = stream::iter((!begun.is_empty()).then_some(Ok(begun)));
    let body = begun.chain(response.bytes_stream()).map(move |piece| match piece {
        // JSON has line ends only between its parts.
        Ok(piece) if is_whole => Ok(piece.iter().map(|&byte| if byte < b' ' { b' ' } else { byte }).collect()),
        piece => piece,
    });
    // The last event of some has no blank line behind it, without which it would not be one.
    let mut mark = ByteOrderMark::default();
    let body = body.map(move |piece| piece.map(|piece| mark.take_off(piece)));
    let mut utf8 = Utf8::default();
    let bytes = edge(if is_whole { "data: " } else { "" }).chain(body).chain(edge("\n\n")).map(move |piece| {
        let piece = piece.map_err(std::io::Error::other)?;
        size += piece.len();
        if MAX_ANSWER < size {
            return Err(std::io::Error::other("the answer is too large"));
        }
        if done.passes(&piece) {
            heard.is_done.store(true, Ordering::Release);
        }
        if failed.passes(&piece) {
            heard.has_failed.store(true, Ordering::Release);
        }
        Ok(utf8.mend(piece))
    });
    let answer = answer.body(reqwest::Body::wrap_stream(bytes)).expect("a status and headers that were received");
    Response::from(answer)
}

/// Takes a byte order mark off the head of an answer: the library stumbles over it.
#[derive(Default)]
struct ByteOrderMark {
    /// Whether something else has come.
    is_past: bool,
    /// How much of it has come.
    matched: usize,
}

impl ByteOrderMark {
    const BYTES: &[u8] = "\u{feff}".as_bytes();

    fn take_off(&mut self, mut piece: Bytes) -> Bytes {
        while !self.is_past && !piece.is_empty() {
            self.is_past = Self::BYTES.get(self.matched) != piece.first();
            if !self.is_past {
                self.matched += 1;
                piece = piece.slice(1..);
            }
        }
        piece
    }
}

/// Puts U+FFFD in place of whatever is no UTF-8, over which the library ends the answer. A character may be split over
/// pieces.
#[derive(Default)]
struct Utf8 {
    /// The beginning of a character that the last piece has ended with.
    begun: Vec<u8>,
}

impl Utf8 {
    fn mend(&mut self, piece: Bytes) -> Bytes {
        if self.begun.is_empty() && std::str::from_utf8(&piece).is_ok() {
            return piece;
        }
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(&piece);
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, invalid) = rest.split_at(error.valid_up_to());
            text.push_str(&String::from_utf8_lossy(valid));
            let Some(length) = error.error_len() else {
                self.begun = invalid.to_vec();
                return text.into();
            };
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &invalid[length..];
        }
        text.push_str(&String::from_utf8_lossy(rest));
        text.into()
    }
}

/// Looks for a line in pieces of any cut.
struct Line {
    /// The line without blanks.
    wanted: &'static [u8],
    /// How much of it the current line has shown.
    matched: usize,
    is_another: bool,
}

impl Line {
    fn of(wanted: &'static [u8]) -> Line {
        Line { wanted, matched: 0, is_another: false }
    }

    /// Whether the line has come with this piece.
    fn passes(&mut self, piece: &[u8]) -> bool {
        let mut has_come = false;
        for byte in piece {
            match byte {
                b'\n' | b'\r' => *self = Line::of(self.wanted),
                b' ' => {}
                byte if self.wanted.get(self.matched) == Some(byte) => self.matched += 1,
                _ => self.is_another = true,
            }
            has_come |= self.matched == self.wanted.len() && !self.is_another;
        }
        has_come
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn done(pieces: &[&str], expected: bool) {
        let mut line = Line::of(b"data:[DONE]");
        let mut seen = false;
        for piece in pieces {
            seen |= line.passes(piece.as_bytes());
        }
        assert_eq!(seen, expected, "{pieces:?}");
    }

    #[test]
    fn the_end_is_seen_in_any_cut() {
        done(&["data: {}\n\ndata: [DONE]\n\n"], true);
        done(&["data: {}\r\n\r\nda", "ta:[DO", "NE]"], true);
        done(&["data: [DONE]"], true);
        done(&["data: {\"content\": \"data: [DONE]\"}\n\n"], false);
        done(&[": data: [DONE]\n"], false);
        done(&["data: [DONE"], false);
    }

    #[test]
    fn what_is_no_utf_8_is_replaced_and_a_split_character_is_not() {
        let mend = |pieces: &[&[u8]]| {
            let mut utf8 = Utf8::default();
            pieces.iter().flat_map(|piece| utf8.mend(Bytes::copy_from_slice(piece))).collect::<Vec<u8>>()
        };
        assert_eq!(mend(&[b"x\xC3y", b"\xFF\n"]), "x\u{FFFD}y\u{FFFD}\n".as_bytes());
        assert_eq!(mend(&[b"\xF0\x9F", b"\x98", b"\x80 \xC3", b"\xA9"]), "\u{1F600} \u{e9}".as_bytes());
        assert_eq!(mend(&[b"a\xF0\x9F", b"\n\n"]), "a\u{FFFD}\n\n".as_bytes());
    }

    #[test]
    fn a_pause_is_read_in_every_form() {
        let check = |name: &'static str, value: &str, expected: Option<Duration>| {
            let headers = HeaderMap::from_iter([(header::HeaderName::from_static(name), value.parse().unwrap())]);
            assert_eq!(retry_after(&headers), expected, "{value}");
        };
        check("retry-after", "2", Some(Duration::from_secs(2)));
        check("retry-after", "0.5", Some(Duration::from_millis(500)));
        check("retry-after-ms", "20", Some(Duration::from_millis(20)));
        check("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", Some(Duration::ZERO));
        check("retry-after", "-1", None);
        check("retry-after", "soon", None);
    }

    #[test]
    fn an_address_may_have_a_query_or_be_that_of_the_operation() {
        let check = |url: &str, expected: &str| {
            assert_eq!(Config::url(&Endpoint::new(url, None).unwrap(), "/chat/completions"), expected);
        };
        check("http://a/v1/", "http://a/v1/chat/completions");
        check("http://a/v1/chat/completions", "http://a/v1/chat/completions");
        check("http://a/d/chat/completions?api-version=1", "http://a/d/chat/completions?api-version=1");
    }

    #[test]
    fn azure_has_its_key_in_a_header_of_its_own_as_well() {
        let has = |url: &str| Endpoint::new(url, Some("k".into())).unwrap().headers().contains_key("api-key");
        assert!(has("https://me.openai.azure.com/openai/v1") && !has("https://azure.com.example/v1"));
    }

    #[test]
    fn a_key_is_never_shown_and_nonsense_is_refused() {
        let endpoint = Endpoint::new("http://localhost:1/v1", Some("hush".into())).unwrap();
        assert!(!format!("{endpoint:?}").contains("hush"));
        assert!(Endpoint::new("http://localhost:1/v1", Some("a\nb".into())).is_err());
        for bad in ["localhost:1", "ftp://a", "", "http://"] {
            assert!(Endpoint::new(bad, None).is_err(), "{bad}");
        }
    }
}
