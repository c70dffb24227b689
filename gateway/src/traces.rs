//! The last traces of this process, for people as a page, for programs as JSON.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;
use service_kit::{status::ErrorCode, trace, traces::STORE};

use crate::{
    answer::Problem,
    extract::{Path, wants_json},
    page,
};

/// The same address is a page or JSON, and whoever keeps answers must know it.
const VARY: (HeaderName, HeaderValue) = (header::VARY, HeaderValue::from_static("accept"));

/// All traces, the newest first.
pub(crate) async fn list(headers: HeaderMap) -> Response {
    let traces = match wants_json(&headers) {
        true => Json(json!({"traces": STORE.list()})).into_response(),
        false => page::traces(),
    };
    ([VARY], traces).into_response()
}

/// One trace, by its UUID or its 32 hexadecimal digits.
pub(crate) async fn get(Path(trace_id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    if !wants_json(&headers) {
        return Ok(([VARY], page::traces()).into_response());
    }
    let trace_id = trace::parse_trace_id(&trace_id)
        .ok_or_else(|| Problem::invalid("a trace id is a UUID or 32 hexadecimal digits, not all of them 0"))?;
    let trace = STORE.get(trace_id).ok_or_else(|| {
        Problem::new(ErrorCode::NotFound, "no such trace is kept here: only the last ones of this process are")
    })?;
    Ok(([VARY], Json(trace)).into_response())
}
