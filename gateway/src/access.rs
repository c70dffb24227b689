//! Who may call: pages of this server and of allowed origins, and programs, which send no origin.
//!
//! A web page anywhere could otherwise use a server on its reader's machine: by calling it (the `Origin` tells), or by
//! having its own name resolve to 127.0.0.1 (the `Host` tells).

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use service_kit::status::ErrorCode;

use crate::{
    Gateway,
    answer::Problem,
    config::{Config, Origin, is_address, is_loopback},
    extract::text_header,
    shown,
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, x-trace-id, traceparent, idempotency-key, x-session-id, x-grpc-web, \
         x-user-agent, grpc-timeout, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id",
);
const ANSWER_HEADERS: HeaderValue =
    HeaderValue::from_static("x-trace-id, retry-after, mcp-session-id, grpc-status, grpc-message");
/// How long a browser remembers what a preflight said, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Whom the configuration lets in.
pub(crate) struct Access {
    /// Only this machine reaches us.
    loopback: bool,
    /// Which names we have is known, so that any other is a trick.
    knows_names: bool,
    allowed: Vec<Origin>,
}

impl Access {
    pub fn new(config: &Config) -> Access {
        let (loopback, allowed) = (config.is_loopback(), config.allow_origins.clone());
        Access { loopback, knows_names: loopback || !allowed.is_empty(), allowed }
    }

    /// Whether the caller runs the server: on loopback everyone who reaches it does.
    pub fn is_operator(&self) -> bool {
        self.loopback
    }

    /// Checks host and origin of a request, and tells the origin of the page that sent it, if one did.
    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<Option<HeaderValue>, Problem> {
        let host = uri.authority().map(|authority| authority.as_str()).or_else(|| text_header(headers, "host"));
        if let Some(host) = host.filter(|host| self.knows_names && !self.is_ours(host)) {
            let host = shown(host);
            return Err(forbidden(format!(
                "this server is not known as {host}; if that is a name of it, as behind a proxy, start it with \
                 --allow-origin https://{host}"
            )));
        }
        let Some(value) = headers.get(header::ORIGIN) else { return Ok(None) };
        let text = value.to_str().unwrap_or_default();
        let is_allowed = text.parse::<Origin>().is_ok_and(|origin| {
            let is_same = host.is_some_and(|host| host.eq_ignore_ascii_case(origin.authority()));
            is_same || self.loopback && is_loopback(origin.host()) || self.allowed.contains(&origin)
        });
        if is_allowed {
            return Ok(Some(value.clone()));
        }
        let origin = shown(text);
        Err(forbidden(format!(
            "pages of {origin} may not use this server; to let them, start it with --allow-origin {origin}"
        )))
    }

    /// Whether a `Host` means us. Beyond loopback a bare address does: nobody can make that point elsewhere.
    fn is_ours(&self, authority: &str) -> bool {
        let name = authority.parse::<http::uri::Authority>();
        let host = name.as_ref().map_or("", |name| name.host());
        is_loopback(host)
            || !self.loopback && is_address(host)
            || self.allowed.iter().any(|origin| origin.host().eq_ignore_ascii_case(host))
    }
}

fn forbidden(message: String) -> Problem {
    Problem::new(ErrorCode::Forbidden, message)
}

/// Lets a request through, or refuses it; answers what browsers ask beforehand.
pub(crate) async fn guard(
    gateway: &Gateway,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let origin = match gateway.access.check(request.uri(), request.headers()) {
        Ok(origin) => origin,
        Err(problem) => return problem.into_response(),
    };
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (is_preflight, &origin) {
        (true, Some(_)) => StatusCode::NO_CONTENT.into_response(),
        _ => next(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        if is_preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(http: &str, allowed: &[&str]) -> Access {
        let allow_origins = allowed.iter().map(|text| text.parse().unwrap()).collect();
        Access::new(&Config { http: http.into(), allow_origins, ..Config::default() })
    }

    fn check(access: &Access, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        access.check(&Uri::from_static("/api/sessions"), &headers).is_ok()
    }

    #[test]
    fn on_loopback_only_loopback_is_let_in() {
        let access = access("127.0.0.1:8001", &[]);

        assert!(check(&access, "127.0.0.1:8001", None));
        assert!(check(&access, "localhost:8001", Some("http://127.0.0.1:3000")));
        assert!(!check(&access, "127.0.0.1:8001", Some("https://elsewhere.example")));
        assert!(!check(&access, "127.0.0.1:8001", Some("null")));
        assert!(!check(&access, "127.0.0.1:8001", Some("http://localhost.elsewhere.example")));
    }

    #[test]
    fn a_name_that_was_made_to_point_here_is_refused() {
        let access = access("127.0.0.1:8001", &[]);

        assert!(!check(&access, "elsewhere.example:8001", Some("http://elsewhere.example:8001")));
        assert!(!check(&access, "elsewhere.example:8001", None));
    }

    #[test]
    fn an_allowed_origin_is_let_in_and_is_a_name_for_us() {
        let access = access("127.0.0.1:8001", &["https://table.example"]);

        assert!(check(&access, "127.0.0.1:8001", Some("https://table.example")));
        assert!(check(&access, "table.example", Some("https://table.example")));
        assert!(!check(&access, "127.0.0.1:8001", Some("http://table.example")));
    }

    #[test]
    fn beyond_loopback_a_page_may_use_the_server_it_came_from() {
        let access = access("0.0.0.0:8001", &[]);

        assert!(check(&access, "tower.lan:8001", Some("http://tower.lan:8001")));
        assert!(!check(&access, "tower.lan:8001", Some("http://tower.lan:9999")));
        assert!(!check(&access, "tower.lan:8001", Some("http://127.0.0.1:8001")));
    }

    #[test]
    fn beyond_loopback_a_foreign_name_is_refused_once_ours_are_told() {
        let access = access("0.0.0.0:8001", &["http://tower.lan:8001"]);

        assert!(check(&access, "tower.lan:8001", Some("http://tower.lan:8001")));
        assert!(check(&access, "localhost:8001", Some("http://localhost:8001")));
        assert!(check(&access, "192.168.1.7:8001", Some("http://192.168.1.7:8001")));
        assert!(check(&access, "[fd00::7]:8001", None));
        assert!(!check(&access, "elsewhere.example:8001", Some("http://elsewhere.example:8001")));
        assert!(!check(&access, "elsewhere.example:8001", None));
    }
}
