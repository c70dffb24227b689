//! The outermost layer: the trace of a request, its log line, the form of its error, and the headers that protect a page.

use std::{sync::LazyLock, time::Instant};

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use opentelemetry::trace::Status;
use service_kit::{
    metrics::{self, By, Counter, Latency},
    trace::{self, Trace},
};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use crate::{
    Gateway,
    answer::{self, Problem},
    extract::text_header,
    grpc,
};

/// Headers that an answer gets here and in the layers within.
const HEADERS: usize = 12;
/// For answers that are no page: nothing in them is to be run or shown in a frame.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// For a page that the operator has put in place of ours: what it loads is his choice, but nobody frames it.
const OTHER_PAGE: HeaderValue = HeaderValue::from_static("frame-ancestors 'none'; object-src 'none'; base-uri 'self'");

static LATENCIES: LazyLock<By<Latency>> = LazyLock::new(|| {
    let help = "Time until a request was answered; of a stream or a socket, until it began";
    metrics::latencies("http_duration", help, "route")
});
static ANSWERS: LazyLock<By<Counter>> =
    LazyLock::new(|| metrics::counters("http_answers", "Answers to requests, by HTTP status", "status"));

/// Runs a request in its trace, and gives its answer a form.
pub(crate) async fn observe(
    gateway: &Gateway,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let is_grpc = grpc::is_native(request.headers());
    let route = request.extensions().get::<MatchedPath>().map_or("(no route)", MatchedPath::as_str).to_owned();
    let name = format!("{method} {route}");
    let (trace, trace_id) = begin(&name, &route, request.headers());
    let span = trace.span();
    span.set_attribute("http.request.method", method.to_string());
    span.set_attribute("url.path", path.clone());

    let mut response = trace.run(next(request)).await;
    if let Some(problem) = finish(&mut response, trace_id, gateway.other_page, is_grpc) {
        span.set_attribute("error.type", problem.code().name());
    }

    let status = response.status();
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(Status::error(status.to_string()));
    }
    let took = started.elapsed();
    ANSWERS.with(status.as_str()).inc();
    let (ms, status) = (took.as_millis(), status.as_u16());
    trace.in_scope(|| {
        LATENCIES.with(&name).observe(took);
        match status {
            // Nothing is recorded of it, but the answer's header names its trace.
            500.. if is_quiet(&route) => {
                tracing::warn!(target: "request", status, ms, trace = %trace_id, "{method} {path}");
            }
            500.. => tracing::warn!(target: "request", status, ms, "{method} {path}"),
            _ if is_quiet(&route) => tracing::debug!(target: "request", status, ms, "{method} {path}"),
            _ => tracing::info!(target: "request", status, ms, "{method} {path}"),
        }
    });
    response
}

/// The trace of a request and its id. What is asked for all the time is not recorded, so that the list of traces
/// holds what players do.
fn begin(name: &str, route: &str, headers: &HeaderMap) -> (Trace, Uuid) {
    let wanted = text_header(headers, trace::TRACE_ID_HEADER.as_str()).and_then(trace::parse_trace_id);
    if is_quiet(route) {
        return (Trace::none(), wanted.unwrap_or_else(Uuid::now_v7));
    }
    trace::open("gateway", name, wanted, text_header(headers, trace::TRACEPARENT_HEADER.as_str()))
}

fn is_quiet(route: &str) -> bool {
    const QUIET: [&str; 8] = ["/grpc.", "/ui/", "/docs", "/openapi", "/asyncapi", "/traces", "/health/", "/metrics"];
    route == "/ops" || QUIET.iter().any(|prefix| route.starts_with(prefix))
}

/// Completes an answer, and tells what it fails with, if it does.
fn finish(response: &mut Response, trace_id: Uuid, other_page: bool, is_grpc: bool) -> Option<Problem> {
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| told_by_a_library(response));
    if let Some(problem) = &problem
        && is_grpc
    {
        *response = grpc::refusal(problem, response.headers());
    } else if let Some(problem) = &problem {
        *response.body_mut() = Body::from(answer::envelope(problem, trace_id).to_string());
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let headers = response.headers_mut();
    // At once, instead of by and by with those that follow.
    headers.reserve(HEADERS);
    if other_page {
        name_charset(headers);
    }
    let policy = if other_page && !is_json(headers) { OTHER_PAGE } else { NO_PAGE };
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let same_origin = HeaderValue::from_static("same-origin");
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), same_origin);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    headers
        .insert(trace::TRACE_ID_HEADER, HeaderValue::from_str(&trace_id.to_string()).expect("hex digits and hyphens"));
    problem
}

/// The texts of a page in a folder are UTF-8; a browser that is not told so guesses.
fn name_charset(headers: &mut HeaderMap) {
    let kind = text_header(headers, "content-type").unwrap_or_default();
    if !matches!(kind, "text/html" | "text/css" | "text/javascript" | "text/plain") {
        return;
    }
    let kind = HeaderValue::try_from(format!("{kind}; charset=utf-8")).expect("visible ASCII");
    headers.insert(header::CONTENT_TYPE, kind);
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json")
}

/// A failure that one of our libraries answered by itself, in its own form.
fn told_by_a_library(response: &Response) -> Option<Problem> {
    let status = response.status();
    let is_failure = status.is_client_error() || status.is_server_error();
    (is_failure && !is_json(response.headers())).then(|| Problem::from_http(status, ""))
}
