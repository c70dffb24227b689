//! What clients are told of a failure: one envelope for all of REST.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use service_kit::{
    clock,
    status::{self, ErrorCode, Failure},
};
use tonic::Status;
use uuid::Uuid;

/// A failed request. As a response it is an extension, which [`envelope`] is made of once the trace id is known.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    failure: Failure,
    status: StatusCode,
}

impl Problem {
    /// A failure of this code; `message` says what is wrong and what is allowed.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Problem {
        Failure { code, message: message.into(), details: Map::new() }.into()
    }

    /// A request that cannot be understood.
    pub fn invalid(message: impl Into<String>) -> Problem {
        Problem::new(ErrorCode::InvalidRequest, message)
    }

    /// A path that knows other methods.
    pub fn wrong_method(message: impl Into<String>) -> Problem {
        Problem { status: StatusCode::METHOD_NOT_ALLOWED, ..Problem::invalid(message) }
    }

    /// What a library said by status and text alone.
    pub fn from_http(status: StatusCode, text: &str) -> Problem {
        let or = |fallback: &str| if text.is_empty() { fallback.to_owned() } else { text.to_owned() };
        let problem = match status {
            StatusCode::NOT_FOUND => Problem::new(ErrorCode::NotFound, or("there is nothing here")),
            StatusCode::METHOD_NOT_ALLOWED => Problem::wrong_method(or("this method cannot be used here")),
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(ErrorCode::TooLarge, or("the body is too large")),
            StatusCode::UNAUTHORIZED => Problem::new(ErrorCode::Unauthenticated, or("a token is needed")),
            StatusCode::FORBIDDEN => Problem::new(ErrorCode::Forbidden, or("this is not allowed")),
            status if status.is_client_error() => Problem::invalid(or("the request cannot be understood")),
            _ => Problem::new(ErrorCode::InternalError, "internal error"),
        };
        // What the library knew better, such as 426, stays.
        Problem { status, ..problem }
    }

    /// The failure as the log names it.
    pub fn code(&self) -> ErrorCode {
        self.failure.code
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        let status = StatusCode::from_u16(failure.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Problem { failure, status }
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Problem {
        Failure::from(&status).into()
    }
}

impl From<&Problem> for Status {
    fn from(problem: &Problem) -> Status {
        let Failure { code, message, details } = problem.failure.clone();
        status::error_with(code, message, details)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(ms) = self.failure.details.get("retry_after_ms").and_then(Value::as_u64) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of a failed answer.
pub(crate) fn envelope(problem: &Problem, trace_id: Uuid) -> Value {
    let Failure { code, message, details } = &problem.failure;
    let (number, name) = (code.number(), code.name());
    json!({
        "error": {
            "code": number, "type": name, "message": message, "trace_id": trace_id.to_string(), "timestamp": clock::now(),
            "details": details,
        },
        "code": number, "type": name, "message": message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_says_it_twice() {
        let details = json!({"available_characters": ["Block"]}).as_object().cloned().unwrap();
        let failure = Failure { code: ErrorCode::CharacterNotFound, message: "no such".into(), details };

        let body = envelope(&failure.into(), Uuid::max());

        assert_eq!(body["error"]["code"], 2001);
        assert_eq!(body["error"]["type"], "CHARACTER_NOT_FOUND");
        assert_eq!(body["error"]["trace_id"], Uuid::max().to_string());
        assert_eq!(body["error"]["details"]["available_characters"][0], "Block");
        assert!(body["error"]["timestamp"].as_str().unwrap().ends_with("+00:00"), "{body}");
        assert_eq!(
            (&body["code"], &body["type"], &body["message"]),
            (&json!(2001), &json!("CHARACTER_NOT_FOUND"), &json!("no such"))
        );
    }
}
