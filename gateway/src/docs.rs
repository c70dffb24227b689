//! The documents about this server: OpenAPI for its requests, AsyncAPI for the WebSocket, and a page that shows them.
//! The page is Swagger UI, its files vendored under `gateway/docs` with their licence.

use axum::{Json, extract::State, response::Response};
use http::HeaderValue;
use serde_json::Value;
use service_kit::status::ErrorCode;

use crate::{Gateway, answer::Problem, extract::Path, openapi, page};

/// Swagger UI sets the style of what it draws, and its pictures are part of its files.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

const INDEX: &[u8] = include_bytes!("../docs/index.html");
const ASYNCAPI: &str = include_str!("../docs/asyncapi.json");
const TEXT: &str = "text/plain; charset=utf-8";

pub(crate) async fn index() -> Response {
    page::answer_under(page::HTML, INDEX, POLICY)
}

pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let (kind, bytes): (_, &[u8]) = match name.as_str() {
        "docs.js" => (page::SCRIPT, include_bytes!("../docs/docs.js")),
        "swagger-ui-bundle.js" => (page::SCRIPT, include_bytes!("../docs/swagger-ui-bundle.js")),
        "swagger-ui.css" => (page::STYLE, include_bytes!("../docs/swagger-ui.css")),
        "LICENSE-swagger-ui" => (TEXT, include_bytes!("../docs/LICENSE-swagger-ui")),
        "NOTICE-swagger-ui" => (TEXT, include_bytes!("../docs/NOTICE-swagger-ui")),
        _ => return Err(Problem::new(ErrorCode::NotFound, "the documents have no such file")),
    };
    Ok(page::answer_under(kind, bytes, POLICY))
}

pub(crate) async fn openapi(State(gateway): State<Gateway>) -> Json<Value> {
    Json(openapi::document(gateway.toolbox.catalogue()))
}

pub(crate) async fn asyncapi() -> Response {
    page::answer_under("application/json", ASYNCAPI.as_bytes(), POLICY)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::socket::CLIENT_TYPES;

    #[test]
    fn the_document_of_the_socket_knows_every_frame_and_no_other() {
        let document: Value = serde_json::from_str(ASYNCAPI).unwrap();
        let messages = document["components"]["messages"].as_object().unwrap();
        let named = |side: &str| -> BTreeSet<&str> {
            let of_side = messages.iter().filter(|(key, _)| key.starts_with(side));
            of_side.map(|(_, message)| message["name"].as_str().unwrap()).collect()
        };
        let event = proto::POOL.get_message_by_name("dicetower.orchestrator.v1.SessionEvent").unwrap();
        let bodies: Vec<_> = event.oneofs().next().unwrap().fields().map(|field| field.name().to_owned()).collect();
        let sent: BTreeSet<&str> = bodies.iter().map(String::as_str).chain(["pong", "snapshot"]).collect();

        assert_eq!(named("client"), CLIENT_TYPES.into_iter().collect());
        assert_eq!(named("server"), sent);
    }
}
