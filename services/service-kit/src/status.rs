//! The one table of error codes: what REST, the WebSocket and gRPC say about the same failure.

use std::{collections::HashMap, error::Error as StdError};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of our `google.rpc.ErrorInfo`.
const DOMAIN: &str = "dicetower";
/// The key under which `ErrorInfo` carries further facts as a JSON object.
const DETAILS: &str = "details";

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $name:literal $http:literal $grpc:ident;)*) => {
        /// A way to fail that clients can tell apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The number clients know.
            pub fn number(self) -> u32 {
                match self { $(ErrorCode::$variant => $number,)* }
            }

            /// The name clients know.
            pub fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// The HTTP status.
            pub fn http_status(self) -> u16 {
                match self { $(ErrorCode::$variant => $http,)* }
            }

            /// The gRPC status.
            pub fn grpc_code(self) -> Code {
                match self { $(ErrorCode::$variant => Code::$grpc,)* }
            }
        }
    };
}

error_codes! {
    /// No character has this name.
    CharacterNotFound = 2001 "CHARACTER_NOT_FOUND" 404 NotFound;
    /// A character is there, but its sheet cannot be read.
    CharacterLoadFailed = 2002 "CHARACTER_LOAD_FAILED" 500 Internal;
    /// The database refuses or cannot be reached.
    DatabaseError = 2003 "DATABASE_ERROR" 503 Unavailable;
    /// The request cannot be understood.
    InvalidRequest = 2004 "INVALID_REQUEST" 400 InvalidArgument;
    /// One of our own services did not answer in time.
    ApiTimeout = 2005 "API_TIMEOUT" 504 DeadlineExceeded;
    /// One of our own services cannot be reached.
    ApiError = 2006 "API_ERROR" 502 Unavailable;
    /// A tool failed.
    ToolExecutionFailed = 3001 "TOOL_EXECUTION_FAILED" 500 Internal;
    /// A tool did not answer in time.
    ToolTimeout = 3002 "TOOL_TIMEOUT" 504 DeadlineExceeded;
    /// A tool's parameters are not what it takes.
    InvalidToolParams = 3003 "INVALID_TOOL_PARAMS" 400 InvalidArgument;
    /// No tool has this name.
    ToolNotFound = 3004 "TOOL_NOT_FOUND" 404 NotFound;
    /// The language model failed.
    GrokApiError = 4001 "GROK_API_ERROR" 502 Unavailable;
    /// The language model has had too many requests.
    GrokRateLimit = 4002 "GROK_RATE_LIMIT" 503 Unavailable;
    /// The language model did not answer in time.
    GrokTimeout = 4003 "GROK_TIMEOUT" 504 DeadlineExceeded;
    /// The language model's answer makes no sense.
    GrokInvalidResponse = 4004 "GROK_INVALID_RESPONSE" 502 Unavailable;
    /// A name that no character can have.
    InvalidCharacterName = 5001 "INVALID_CHARACTER_NAME" 400 InvalidArgument;
    /// The session is gone.
    SessionExpired = 5002 "SESSION_EXPIRED" 410 FailedPrecondition;
    /// A field is missing.
    MissingRequiredField = 5003 "MISSING_REQUIRED_FIELD" 400 InvalidArgument;
    /// A field's value is not allowed.
    InvalidInput = 5004 "INVALID_INPUT" 400 InvalidArgument;
    /// Nobody has said who is calling.
    Unauthenticated = 6001 "UNAUTHENTICATED" 401 Unauthenticated;
    /// The caller may not do this.
    Forbidden = 6002 "FORBIDDEN" 403 PermissionDenied;
    /// Too many requests.
    RateLimited = 6003 "RATE_LIMITED" 429 ResourceExhausted;
    /// Something else stands in the way.
    Conflict = 6004 "CONFLICT" 409 AlreadyExists;
    /// The request is too large.
    TooLarge = 6005 "TOO_LARGE" 413 OutOfRange;
    /// There is no such thing.
    NotFound = 6006 "NOT_FOUND" 404 NotFound;
    /// A failure of unknown kind.
    UnknownError = 9000 "UNKNOWN_ERROR" 500 Unknown;
    /// A failure of ours; the log says which.
    InternalError = 9001 "INTERNAL_ERROR" 500 Internal;
}

/// What a failed call tells its caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The code.
    pub code: ErrorCode,
    /// A text for people: what is wrong, and what is allowed.
    pub message: String,
    /// Further facts, a JSON object; empty where there are none.
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// A status that carries a code of the table.
pub fn error(code: ErrorCode, message: impl Into<String>) -> Status {
    error_with(code, message, serde_json::Map::new())
}

/// A status that carries a code of the table and further facts.
pub fn error_with(
    code: ErrorCode,
    message: impl Into<String>,
    details: serde_json::Map<String, serde_json::Value>,
) -> Status {
    let mut metadata = HashMap::new();
    if !details.is_empty() {
        metadata.insert(DETAILS.to_owned(), serde_json::Value::Object(details).to_string());
    }
    Status::with_error_details(code.grpc_code(), message, ErrorDetails::with_error_info(code.name(), DOMAIN, metadata))
}

/// The status of a failure that is ours: logged here with its causes, and the caller reads "internal error".
pub fn internal(error: &(dyn StdError + 'static)) -> Status {
    log_internal(error);
    self::error(ErrorCode::InternalError, "internal error")
}

/// The status of a database failure. Nothing was written; who was only slower than somebody else may try again at once.
pub fn database(error: &crate::db::DbError) -> Status {
    if let crate::db::DbError::Conflict = error {
        tracing::info!("somebody else was faster");
        return self::error(ErrorCode::DatabaseError, "somebody else has changed this meanwhile; try again");
    }
    log_internal(error);
    self::error(ErrorCode::DatabaseError, "the database does not answer as it should; try again")
}

fn log_internal(error: &(dyn StdError + 'static)) {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!(error = text, "internal error");
}

impl From<&Status> for Failure {
    /// Reads the code from the status details; a status without one is given the code that fits.
    fn from(status: &Status) -> Failure {
        let info = status.get_details_error_info();
        let named = info.as_ref().and_then(|info| ErrorCode::ALL.iter().find(|code| code.name() == info.reason));
        let code = named.copied().unwrap_or(match status.code() {
            Code::InvalidArgument | Code::FailedPrecondition => ErrorCode::InvalidRequest,
            Code::NotFound => ErrorCode::NotFound,
            Code::AlreadyExists | Code::Aborted => ErrorCode::Conflict,
            Code::PermissionDenied => ErrorCode::Forbidden,
            Code::Unauthenticated => ErrorCode::Unauthenticated,
            Code::ResourceExhausted => ErrorCode::RateLimited,
            Code::OutOfRange => ErrorCode::TooLarge,
            Code::DeadlineExceeded | Code::Cancelled => ErrorCode::ApiTimeout,
            Code::Unavailable | Code::Unimplemented => ErrorCode::ApiError,
            _ => ErrorCode::InternalError,
        });
        let message = match code {
            // Whatever stands there was not written for callers.
            ErrorCode::InternalError => "internal error".to_owned(),
            ErrorCode::ApiError if named.is_none() => "a service cannot be reached; try again".to_owned(),
            _ => status.message().to_owned(),
        };
        let details = info.and_then(|mut info| info.metadata.remove(DETAILS));
        let details = details.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Failure { code, message, details }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DbError;

    #[test]
    fn a_code_and_its_details_survive_the_status() {
        let details = serde_json::json!({"available_characters": ["Block", "Oak"]}).as_object().cloned().unwrap();

        let status = error_with(ErrorCode::CharacterNotFound, "Character 'Bob' not found", details.clone());

        assert_eq!(status.code(), Code::NotFound);
        let message = "Character 'Bob' not found".to_owned();
        assert_eq!(Failure::from(&status), Failure { code: ErrorCode::CharacterNotFound, message, details });
    }

    #[test]
    fn who_was_slower_than_somebody_else_is_told_so() {
        let (slower, broken) = (database(&DbError::Conflict), database(&DbError::Closed));

        assert_eq!(Failure::from(&slower).code, ErrorCode::DatabaseError);
        assert!(slower.message().contains("somebody else") && !broken.message().contains("somebody else"));
    }

    #[test]
    fn the_text_of_an_internal_error_does_not_reach_the_caller() {
        let failure = Failure::from(&Status::internal("no such table: rolls"));

        assert_eq!((failure.code, failure.message.as_str()), (ErrorCode::InternalError, "internal error"));
    }

    #[test]
    fn codes_and_names_are_each_used_once() {
        let numbers: std::collections::HashSet<_> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        let names: std::collections::HashSet<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();

        assert_eq!((numbers.len(), names.len()), (ErrorCode::ALL.len(), ErrorCode::ALL.len()));
    }
}
