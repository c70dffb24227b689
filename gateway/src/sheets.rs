//! Sheets as their clients read them: bytes under a tag, and a stream of their changes.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{
    body::Bytes,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::StreamExt as _;
use proto::{
    catalogue::Role,
    character::v1::{
        CharacterChange, ReadSheetRequest, ReadSheetResponse, WatchCharacterRequest,
        sheet_service_client::SheetServiceClient,
    },
};
use serde_json::json;
use service_kit::{Transport, auth::Caller, db::AsOf, recent::Recent, status::ErrorCode};
use tonic::Status;

use crate::{
    Gateway, Shares,
    answer::Problem,
    door::Who,
    extract::{Path, text_header},
};

/// Longest list of tags that is looked at, in bytes.
const MAX_TAGS: usize = 4096;
/// Sheets that are kept at the most.
const MAX_KEPT: usize = 256;
/// Largest answer with a sheet, in bytes.
const MAX_SHEET: usize = 8 * 1024 * 1024;
/// How often a quiet stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The sheet; a client that names the tag of the one it has is told if that is still right.
pub(crate) async fn get(
    State(gateway): Shares,
    Who(caller): Who,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    may_read(&caller)?;
    let known_tags = text_header(&headers, header::IF_NONE_MATCH.as_str()).unwrap_or_default();
    // A list that no client of ours sends is as good as none.
    let known_tags = if known_tags.len() <= MAX_TAGS { known_tags.to_owned() } else { String::new() };
    let kept = if known_tags.is_empty() { gateway.sheets.0.get(&name) } else { None };
    if let Some(kept) = &kept
        && kept.as_of.as_ref().is_some_and(AsOf::is_now)
    {
        return Ok(whole(kept));
    }
    let known_tags = kept.as_ref().map_or(known_tags, |kept| kept.tag.clone());
    let request = ReadSheetRequest { character_name: name.clone(), known_tags };
    let (_, answer, extensions) = client(&gateway)?.read_sheet(request).await?.into_parts();
    let ReadSheetResponse { tag, sheet, unchanged } = answer;
    let sheet = match kept {
        Some(kept) if unchanged => kept.sheet,
        _ if unchanged => return Ok((StatusCode::NOT_MODIFIED, tagged(&tag)).into_response()),
        _ => sheet,
    };
    let sheet = Sheet { tag, sheet, as_of: extensions.get().cloned() };
    let answer = whole(&sheet);
    gateway.sheets.0.put(name, sheet);
    Ok(answer)
}

fn whole(sheet: &Sheet) -> Response {
    (tagged(&sheet.tag), [(header::CONTENT_TYPE, "application/json")], sheet.sheet.clone()).into_response()
}

fn tagged(tag: &str) -> [(HeaderName, &str); 2] {
    [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")]
}

/// Sheets that were got lately, by the names that they were asked for. Their service need not send them again, and is
/// asked each time whether they have changed, unless it tells that in this process.
pub(crate) struct Sheets(Recent<Sheet>);

#[derive(Clone)]
struct Sheet {
    tag: String,
    sheet: Bytes,
    as_of: Option<AsOf>,
}

impl Default for Sheets {
    fn default() -> Sheets {
        Sheets(Recent::new(MAX_KEPT))
    }
}

/// Tells of each change of a sheet, as an event stream: its revision, and what has changed in a sentence.
pub(crate) async fn watch(
    State(gateway): Shares,
    Who(caller): Who,
    Path(name): Path<String>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
) -> Result<Response, Problem> {
    may_read(&caller)?;
    let open = gateway.streams.open(address.ip())?;
    let request = WatchCharacterRequest { character_name: name, after_revision: None };
    let changes = client(&gateway)?.watch_character(request).await?.into_inner();
    let told = move |change: Result<CharacterChange, Status>| {
        // The stream counts as long as it lives.
        let _open = &open;
        let change = change.ok()?.change?;
        let told = json!({"revision": change.revision, "operation": change.operation, "summary": change.summary});
        Some(Ok::<_, Infallible>(Event::default().data(told.to_string())))
    };
    let events = changes.scan((), move |(), change| std::future::ready(told(change)));
    let events = events.take_until(gateway.shutdown.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// Refuses who may not call `get_character` either.
fn may_read(caller: &Caller) -> Result<(), Status> {
    caller.check()?;
    caller.must_be(Role::Player, "get_character")
}

fn client(gateway: &Gateway) -> Result<SheetServiceClient<Transport>, Problem> {
    let transport = gateway.peers.transport("dicetower.character.v1");
    let transport = transport.ok_or_else(|| Problem::new(ErrorCode::ApiError, "the character service is not here"))?;
    Ok(SheetServiceClient::new(transport).max_decoding_message_size(MAX_SHEET))
}
