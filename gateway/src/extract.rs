//! What handlers take from a request; whatever does not fit is refused in our own words.

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{PathRejection, QueryRejection},
    },
};
use http::HeaderMap;
use serde_json::{Map, Value};
use service_kit::status::{self, ErrorCode};
use tonic::{Status, metadata::MetadataMap};

use crate::answer::Problem;

/// Longest idempotency key, in bytes. Ours; it bounds what is stored.
const MAX_KEY: usize = 200;

/// The variable parts of a path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub T);

/// The query of an address.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub T);

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        Problem::invalid(rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        Problem::invalid(rejection.body_text())
    }
}

/// A body that is a JSON object; an empty one counts as `{}`. No content type is asked for: who may send is decided by
/// the origin.
pub(crate) struct Fields(pub Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Fields, Problem> {
        let bytes = body(request, state).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Fields(Map::new()));
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Fields(fields)),
            Ok(_) => Err(Problem::invalid("the body must be a JSON object")),
            Err(error) => Err(Problem::invalid(format!("the body is not JSON: {error}"))),
        }
    }
}

/// The whole body of a request.
pub(crate) async fn body(request: Request, state: &(impl Send + Sync)) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let message = match rejection.status() {
            http::StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
            _ => "the body could not be read",
        };
        Problem::from_http(rejection.status(), message)
    })
}

impl Fields {
    /// A text that may be left out; `null` counts as left out.
    pub fn optional_text(&self, name: &str) -> Result<Option<String>, Problem> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Problem::invalid(format!("`{name}` must be text"))),
        }
    }

    /// A text that must be there.
    pub fn text(&self, name: &str) -> Result<String, Problem> {
        let missing = || Problem::new(ErrorCode::MissingRequiredField, format!("missing field `{name}`"));
        self.optional_text(name)?.ok_or_else(missing)
    }

    /// An object that may be left out.
    pub fn optional_object(&mut self, name: &str) -> Result<Option<Value>, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(object @ Value::Object(_)) => Ok(Some(object)),
            Some(_) => Err(Problem::invalid(format!("`{name}` must be a JSON object"))),
        }
    }
}

/// What of a request's headers travels with the call: `Idempotency-Key`.
pub(crate) struct Metadata(pub MetadataMap);

impl<S: Send + Sync> FromRequestParts<S> for Metadata {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Metadata, Problem> {
        let mut metadata = MetadataMap::new();
        if let Some(key) = text_header(&parts.headers, "idempotency-key") {
            let is_key = (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
            let value = key.parse().ok().filter(|_| is_key);
            let refusal =
                || Problem::invalid(format!("an Idempotency-Key has 1 to {MAX_KEY} visible ASCII characters"));
            metadata.insert("idempotency-key", value.ok_or_else(refusal)?);
        }
        Ok(Metadata(metadata))
    }
}

/// A header as text; one that is not ASCII counts as empty.
pub(crate) fn text_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// Whether an address that is a page for people and JSON for programs is asked for as JSON.
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    text_header(headers, "accept").is_some_and(|accept| accept.contains("application/json"))
}

/// A session's id, if it is one.
///
/// # Errors
///
/// What an id may look like.
pub(crate) fn session_id(text: &str) -> Result<(), Status> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if (1..=128).contains(&text.len()) && text.bytes().all(is_allowed) {
        return Ok(());
    }
    let message = "a session id is 1 to 128 characters of A-Z a-z 0-9 . _ : -";
    Err(status::error(ErrorCode::InvalidRequest, message))
}
