//! The web page: its files are in the binary; another page may be served from a folder instead.

use std::path::Path as FilePath;

use axum::{
    Router,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use service_kit::status::ErrorCode;
use tower_http::services::ServeDir;

use crate::{Gateway, answer::Problem, extract::Path};

/// Our page loads and calls this server, and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'self'",
);

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const STYLE: &str = "text/css; charset=utf-8";
pub(crate) const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// A file of the page.
struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal $kind:ident)*) => {
        &[$(File { name: $name, kind: $kind, bytes: include_bytes!(concat!("../www/", $name)) }),*]
    };
}

/// The files under `/ui/`.
const FILES: &[File] = files! {
    "index.html" HTML
    "traces.html" HTML
    "ops.html" HTML
    "style.css" STYLE
    "dice.css" STYLE
    "seats.css" STYLE
    "favicon.svg" IMAGE
    "theme.js" SCRIPT
    "app.js" SCRIPT
    "start.js" SCRIPT
    "table.js" SCRIPT
    "vitals.js" SCRIPT
    "conversation.js" SCRIPT
    "rulings.js" SCRIPT
    "seats.js" SCRIPT
    "agreed.js" SCRIPT
    "memory.js" SCRIPT
    "lore.js" SCRIPT
    "linked.js" SCRIPT
    "story.js" SCRIPT
    "replay.js" SCRIPT
    "dialogs.js" SCRIPT
    "cards.js" SCRIPT
    "fight-cards.js" SCRIPT
    "dice.js" SCRIPT
    "rolls.js" SCRIPT
    "odds.js" SCRIPT
    "proof.js" SCRIPT
    "tray.js" SCRIPT
    "prose.js" SCRIPT
    "sheet.js" SCRIPT
    "sections.js" SCRIPT
    "actions.js" SCRIPT
    "tracker.js" SCRIPT
    "games.js" SCRIPT
    "deciding.js" SCRIPT
    "diagram.js" SCRIPT
    "traces.js" SCRIPT
    "ops.js" SCRIPT
    "metrics.js" SCRIPT
    "debug.js" SCRIPT
    "line.js" SCRIPT
    "watch.js" SCRIPT
    "token.js" SCRIPT
    "log.js" SCRIPT
    "api.js" SCRIPT
    "dom.js" SCRIPT
};

/// The offline verifier of rolls, of which the page is the other user.
const VERIFIER: File = File { name: "verify.js", kind: SCRIPT, bytes: include_bytes!("../../deploy/verify/verify.js") };

/// The table and the games.
pub(crate) async fn index() -> Response {
    html(include_bytes!("../www/index.html"))
}

/// The traces.
pub(crate) fn traces() -> Response {
    html(include_bytes!("../www/traces.html"))
}

/// The operator's page.
pub(crate) fn ops() -> Response {
    html(include_bytes!("../www/ops.html"))
}

/// A file of the page.
pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let file = FILES.iter().chain([&VERIFIER]).find(|file| file.name == name);
    let file = file.ok_or_else(|| Problem::new(ErrorCode::NotFound, "the page has no such file"))?;
    Ok(answer(file.kind, file.bytes))
}

/// Serves the files of a folder where no other route is: as they lie there, and under `/static/`, where pages written
/// for other servers look.
pub(crate) fn serve_folder(routes: Router<Gateway>, folder: &FilePath) -> Router<Gateway> {
    let files = ServeDir::new(folder);
    routes.nest_service("/static", files.clone()).fallback_service(files)
}

fn html(bytes: &'static [u8]) -> Response {
    answer(HTML, bytes)
}

fn answer(kind: &'static str, bytes: &'static [u8]) -> Response {
    answer_under(kind, bytes, POLICY)
}

/// A file under a content policy of its own.
pub(crate) fn answer_under(kind: &'static str, bytes: &'static [u8], policy: HeaderValue) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, policy),
        // Asked for anew each time, so that a new version is whole at once.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("www");
        let mut there: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        let mut served: Vec<_> = FILES.iter().map(|file| file.name.to_owned()).collect();
        there.sort();
        served.sort();

        assert_eq!(served, there);
    }
}
