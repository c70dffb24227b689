//! Who is at the door: the caller of each request by his token, how often he may come, and which routes are for whom.

use std::{net::SocketAddr, sync::LazyLock};

use axum::{
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use service_kit::{
    auth::{self, Caller, Role},
    metrics::{self, By, Counter},
    status::ErrorCode,
};
use tonic::Status;

use crate::{
    Gateway,
    answer::Problem,
    extract::{text_header, wants_json},
    grpc,
    limits::{Key, Keys, Kind},
};

/// Routes that anybody may see: the page and the documents, which hold nothing of anybody's, and whether we are well.
const PUBLIC: [&str; 10] = [
    "/",
    "/ui/{*path}",
    "/docs",
    "/docs/{*path}",
    "/openapi.json",
    "/asyncapi.json",
    "/health/live",
    "/health/ready",
    "/favicon.ico",
    grpc::HEALTH,
];
/// Routes for whoever runs the server, by how they begin: they show what others do.
const OPERATORS: [&str; 3] = ["/traces", "/metrics", "/ops"];
/// Of those, the ones that are a page where a browser asks for one.
const PAGES: [&str; 3] = ["/traces", "/traces/{trace_id}", "/ops"];
/// The word before a token in `Sec-WebSocket-Protocol`: a browser can put it nowhere else but into the address, which
/// ends up in logs.
const PROTOCOL_PREFIX: &str = "bearer.";
/// The sub-protocol that is chosen when a token came by that header.
pub(crate) const SUB_PROTOCOL: &str = "dicetower";

/// Who was turned away at the door, by the name of the error.
static REFUSED: LazyLock<By<Counter>> =
    LazyLock::new(|| metrics::counters("refused", "Requests turned away at the door", "error"));

impl Gateway {
    /// Lets a caller in by his token. Where nobody is asked, everybody on this machine is its operator, and others are
    /// game masters.
    pub async fn admit(&self, token: Option<&str>) -> Result<Caller, Status> {
        let caller = self.peers.gate().admit(token).await?;
        let is_known = self.peers.gate().is_required() || self.access.is_operator();
        Ok(if is_known { caller } else { caller.at_most(Role::Gm) })
    }
}

/// Hands each request its caller, or refuses it.
pub(crate) async fn admit(
    gateway: &Gateway,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    if is_public(route.as_deref()) || is_page(route.as_deref(), request.headers()) {
        return next(request).await;
    }
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    // Before the token is looked at, for that costs something too.
    let by_address = Keys { address: address.map(Key::address), ..Keys::default() };
    if let Err(status) = gateway.limits.check(Kind::Request, &by_address) {
        return refuse(status);
    }
    let admitted = gateway.admit(token_of(request.headers())).await.map(|caller| caller.at(address));
    let keys = match &admitted {
        Ok(caller) => Keys { address: None, ..Keys::of(caller, table_of(route.as_deref(), &request)) },
        // Whoever is turned away is one without a token, and takes nothing from a table's share.
        Err(_) => Keys { person: by_address.address, ..Keys::default() },
    };
    let counted = gateway.limits.check(Kind::Request, &keys);
    let caller = match counted.and(admitted) {
        Ok(caller) => caller,
        Err(status) => return refuse(status),
    };
    if let Some(route) = route
        && OPERATORS.iter().any(|prefix| route.starts_with(prefix))
        && gateway.peers.gate().is_required()
        && let Err(status) = caller.must_be(Role::Operator, &route)
    {
        return refuse(status);
    }
    request.extensions_mut().insert(caller);
    next(request).await
}

/// The table that a request is about, as its path or its header tells; the path's as it is written there.
fn table_of<'a>(route: Option<&str>, request: &'a Request) -> Option<&'a str> {
    let place = route.and_then(|route| route.split('/').position(|segment| segment == "{session_id}"));
    let in_path = place.and_then(|place| request.uri().path().split('/').nth(place));
    in_path.or_else(|| text_header(request.headers(), "x-session-id"))
}

/// A path without a route is a file of another page, or nothing.
fn is_public(route: Option<&str>) -> bool {
    route.is_none_or(|route| PUBLIC.contains(&route) || route.starts_with("/static"))
}

/// A page whose figures are for operators holds none itself: a browser shows it, and it asks for a token.
fn is_page(route: Option<&str>, headers: &HeaderMap) -> bool {
    let is_navigation = text_header(headers, "accept").is_some_and(|accept| accept.contains("text/html"));
    is_navigation && !wants_json(headers) && route.is_some_and(|route| PAGES.contains(&route))
}

fn refuse(status: Status) -> Response {
    let problem = Problem::from(status);
    REFUSED.with(problem.code().name()).inc();
    let asks = problem.code() == ErrorCode::Unauthenticated;
    let mut response = problem.into_response();
    if asks {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The token of a request: in `Authorization`, or among the sub-protocols of a WebSocket.
pub(crate) fn token_of(headers: &HeaderMap) -> Option<&str> {
    if let Some(header) = text_header(headers, "authorization") {
        // A header that is there is the answer, even if it is none.
        return Some(auth::bearer(header).unwrap_or(""));
    }
    let protocols = text_header(headers, "sec-websocket-protocol")?;
    protocols.split(',').find_map(|protocol| protocol.trim().strip_prefix(PROTOCOL_PREFIX))
}

/// The caller, as a handler extracts him.
pub(crate) struct Who(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Who, Problem> {
        let refusal = || Problem::new(ErrorCode::Unauthenticated, "nobody has been let in here");
        parts.extensions.get::<Caller>().cloned().map(Who).ok_or_else(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_token_comes_by_header_or_by_sub_protocol_and_never_by_the_address() {
        assert_eq!(token_of(&headers("authorization", "Bearer abc")), Some("abc"));
        assert_eq!(token_of(&headers("sec-websocket-protocol", "dicetower, bearer.abc")), Some("abc"));
        assert_eq!(token_of(&headers("sec-websocket-protocol", "dicetower")), None);
        assert_eq!(token_of(&HeaderMap::new()), None);
    }

    #[test]
    fn a_header_that_is_no_bearer_token_lets_nobody_in() {
        assert_eq!(token_of(&headers("authorization", "Basic abc")), Some(""));
        assert_eq!(token_of(&headers("authorization", "")), Some(""));
    }

    #[test]
    fn what_is_not_listed_as_public_is_not() {
        assert!(is_public(Some("/")) && is_public(Some("/docs")) && is_public(None));
        assert!(!is_public(Some("/traces")) && !is_public(Some("/ops")));
        assert!(!is_public(Some("/api/tools")) && !is_public(Some("/mcp")) && !is_public(Some("/game/{session_id}")));
    }
    #[test]
    fn a_browser_sees_the_page_whose_figures_are_for_operators() {
        let browser = headers("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

        assert!(is_page(Some("/ops"), &browser) && is_page(Some("/traces/{trace_id}"), &browser));
        assert!(!is_page(Some("/metrics"), &browser) && !is_page(Some("/ops/games/{game_id}/export"), &browser));
        assert!(!is_page(Some("/ops"), &headers("accept", "application/json, text/html")));
        assert!(!is_page(Some("/ops"), &HeaderMap::new()));
    }
}
