//! Resources: sheets, sessions, games and roll logs under `dicetower://`, and the watches of those who subscribe.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use proto::{
    fsm::v1::AttachRequest,
    orchestrator::v1::{GetSessionRequest, ListEventsRequest, ListSessionsRequest, SubscribeRequest},
};
use rmcp::{
    ErrorData,
    model::{
        ReadResourceResult, Resource, ResourceContents, ResourceTemplate, ResourceUpdatedNotification,
        ResourceUpdatedNotificationParam, ServerNotification,
    },
    service::SubscriptionContext,
};
use serde_json::{Value, json};
use service_kit::{
    auth::Caller,
    status::{self, ErrorCode},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Status, metadata::MetadataMap};

use super::Server;
use crate::{Gateway, extract, rest};

const SCHEME: &str = "dicetower://";
const JSON: &str = "application/json";
/// The newest events or rolls that a resource holds.
const NEWEST: u32 = 200;
/// How often a sheet or a roll log is looked at for somebody who watches it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Resources that one connection may watch.
const MAX_WATCHES: usize = 100;
/// Sessions and games in the list.
const MAX_LISTED: usize = 200;

/// What an address means.
#[derive(Debug, PartialEq)]
enum Address {
    Character(String),
    Session(String),
    Game(String),
    /// All rolls, or those of a session.
    Rolls(Option<String>),
}

impl Address {
    fn parse(uri: &str) -> Option<Address> {
        let (kind, name) = uri.strip_prefix(SCHEME)?.split_once('/').unwrap_or((uri.strip_prefix(SCHEME)?, ""));
        let name = percent_decode(name)?;
        let is_name = (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        match kind {
            "rolls" if name.is_empty() => Some(Address::Rolls(None)),
            "rolls" if is_name => Some(Address::Rolls(Some(name))),
            "characters" if is_name => Some(Address::Character(name)),
            "sessions" if is_name => Some(Address::Session(name)),
            "games" if is_name => Some(Address::Game(name)),
            _ => None,
        }
    }
}

fn address(uri: &str) -> Result<Address, Status> {
    Address::parse(uri).ok_or_else(|| {
        let text = "there is no such resource; there are dicetower://characters/NAME, dicetower://sessions/ID, \
                    dicetower://games/ID, dicetower://rolls and dicetower://rolls/SESSION";
        status::error(ErrorCode::NotFound, text)
    })
}

/// The resources there are.
pub(super) async fn list(gateway: &Gateway, caller: &Caller) -> Result<Vec<Resource>, Status> {
    let mut resources = vec![
        Resource::new(format!("{SCHEME}rolls"), "rolls")
            .with_title("The roll log")
            .with_description("The newest rolls of this server, each with its faces, cause and proof.")
            .with_mime_type(JSON),
    ];
    let sheets = gateway.toolbox.call("list_characters", json!({}), MetadataMap::new()).await?;
    for sheet in sheets["characters"].as_array().into_iter().flatten() {
        let Some(name) = sheet["name"].as_str() else { continue };
        let text = sheet["archetype"].as_str().unwrap_or_default();
        resources.push(
            Resource::new(format!("{SCHEME}characters/{}", percent_encode(name)), name)
                .with_title(format!("The sheet of {name}"))
                .with_description(text)
                .with_mime_type(JSON),
        );
    }
    let sessions = gateway.peers.orchestrator().list_sessions(ListSessionsRequest::default()).await?.into_inner();
    let sessions = sessions.sessions.into_iter().filter(|session| caller.may_enter(&session.session_id).is_ok());
    for session in sessions.take(MAX_LISTED) {
        let id = &session.session_id;
        resources.push(
            Resource::new(format!("{SCHEME}sessions/{}", percent_encode(id)), id.as_str())
                .with_title(format!("The session {id}"))
                .with_description(format!("Characters: {}", session.characters.join(", ")))
                .with_mime_type(JSON),
        );
    }
    // Where no board games are played, none are listed.
    if let Ok(games) = gateway.toolbox.call("list_games", json!({"limit": MAX_LISTED}), MetadataMap::new()).await {
        for game in games["games"].as_array().into_iter().flatten() {
            let Some(id) = game["game_id"].as_str() else { continue };
            resources.push(
                Resource::new(format!("{SCHEME}games/{}", percent_encode(id)), id)
                    .with_title(format!("The game {id}"))
                    .with_description(game["description"].as_str().unwrap_or_default())
                    .with_mime_type(JSON),
            );
        }
    }
    Ok(resources)
}

/// The forms of addresses.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    let template = |path: &str, name: &str, text: &str| {
        ResourceTemplate::new(format!("{SCHEME}{path}"), name).with_description(text).with_mime_type(JSON)
    };
    vec![
        template("characters/{name}", "character", "A character's sheet, by street name or given name."),
        template(
            "sessions/{session_id}",
            "session",
            "A session: who plays, the scene, and the newest events of its log.",
        ),
        template("games/{game_id}", "game", "A board game: its state, its valid events, its figures."),
        template("rolls/{session_id}", "rolls", "The newest rolls of a session."),
    ]
}

/// Reads a resource.
pub(super) async fn read(gateway: &Gateway, caller: &Caller, uri: &str) -> Result<ReadResourceResult, Status> {
    let content = content(gateway, caller, &address(uri)?).await?;
    let text = ResourceContents::text(content.to_string(), uri).with_mime_type(JSON);
    Ok(ReadResourceResult::new(vec![text]))
}

async fn content(gateway: &Gateway, caller: &Caller, address: &Address) -> Result<Value, Status> {
    let call = |tool: &'static str, arguments: Value| gateway.toolbox.call(tool, arguments, MetadataMap::new());
    match address {
        Address::Character(name) => call("get_character", json!({"character_name": name})).await,
        Address::Game(id) => call("get_game", json!({"game_id": id})).await,
        Address::Rolls(None) => {
            if let Some(own) = &caller.session_id {
                return call("list_rolls", json!({"session": own, "limit": NEWEST})).await;
            }
            call("list_rolls", json!({"limit": NEWEST})).await
        }
        Address::Rolls(Some(id)) => {
            caller.may_enter(id)?;
            call("list_rolls", json!({"session": id, "limit": NEWEST})).await
        }
        Address::Session(id) => session(gateway, caller, id).await,
    }
}

async fn session(gateway: &Gateway, caller: &Caller, id: &str) -> Result<Value, Status> {
    extract::session_id(id)?;
    caller.may_enter(id)?;
    let mut orchestrator = gateway.peers.orchestrator();
    let session = orchestrator.get_session(GetSessionRequest { session_id: id.to_owned() }).await?.into_inner();
    let after_seq = session.last_seq.saturating_sub(u64::from(NEWEST));
    let request = ListEventsRequest { session_id: id.to_owned(), after_seq: Some(after_seq), limit: Some(NEWEST) };
    let log = orchestrator.list_events(request).await?.into_inner();
    let events = rest::frames_for(caller, &log.events);
    Ok(json!({
        "session_id": session.session_id, "characters": session.characters, "message_count": session.message_count,
        "created_at": session.created_at, "last_seq": log.last_seq, "events": events,
    }))
}

/// What a connection watches, by address.
#[derive(Clone, Default)]
pub(super) struct Watches(Arc<Mutex<HashMap<String, DropGuard>>>);

impl Watches {
    /// Watches a resource until it is forgotten or the connection is gone; `told` answers whether anybody still hears.
    pub async fn watch<F, T>(&self, gateway: &Gateway, caller: &Caller, uri: &str, told: F) -> Result<(), Status>
    where
        F: Fn(String) -> T + Send + Sync + 'static,
        T: Future<Output = bool> + Send + 'static,
    {
        let address = address(uri)?;
        // What cannot be read is not watched either.
        content(gateway, caller, &address).await?;
        let stop = CancellationToken::new();
        {
            let mut watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if MAX_WATCHES <= watches.len() && !watches.contains_key(uri) {
                let text = format!("a connection may watch {MAX_WATCHES} resources; unsubscribe from one first");
                return Err(status::error(ErrorCode::RateLimited, text));
            }
            watches.insert(uri.to_owned(), stop.clone().drop_guard());
        }
        let (gateway, caller, uri) = (gateway.clone(), caller.clone(), uri.to_owned());
        tokio::spawn(async move {
            let shutdown = gateway.shutdown.clone();
            tokio::select! {
                () = follow(&gateway, &caller, &address, || told(uri.clone())) => {}
                () = stop.cancelled() => {}
                () = shutdown.cancelled() => {}
            }
        });
        Ok(())
    }

    /// Watches it no more.
    pub fn forget(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }
}

/// Tells of every change, until nobody hears it or the caller may not any more.
async fn follow<T: Future<Output = bool>>(gateway: &Gateway, caller: &Caller, address: &Address, told: impl Fn() -> T) {
    match address {
        Address::Session(id) => {
            let request = SubscribeRequest { session_id: id.clone(), ..SubscribeRequest::default() };
            let Ok(events) = gateway.peers.orchestrator().subscribe(request).await else { return };
            let mut events = events.into_inner();
            while let Some(Ok(event)) = events.next().await {
                // What is not in the log, such as the words of a narration as they come, changes nothing that can be read.
                if caller.check().is_err() || event.seq != 0 && !told().await {
                    return;
                }
            }
        }
        Address::Game(id) => {
            let request = AttachRequest { game_id: Some(id.clone()), observe: true, ..AttachRequest::default() };
            let Ok(updates) = gateway.peers.fsm().attach(request).await else { return };
            let mut updates = updates.into_inner();
            // The first one is how it stands.
            let mut first = true;
            while let Some(Ok(_)) = updates.next().await {
                if caller.check().is_err() || !first && !told().await {
                    return;
                }
                first = false;
            }
        }
        Address::Character(_) | Address::Rolls(_) => {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            let mut known = content(gateway, caller, address).await.ok();
            loop {
                looks.tick().await;
                if caller.check().is_err() {
                    return;
                }
                let Ok(now) = content(gateway, caller, address).await else { continue };
                if known.as_ref() != Some(&now) {
                    known = Some(now);
                    if !told().await {
                        return;
                    }
                }
            }
        }
    }
}

/// Serves `subscriptions/listen`: one request that names all its resources, and lasts as long as it is open.
pub(super) async fn listen(server: &Server, subscription: SubscriptionContext) -> Result<(), ErrorData> {
    let (caller, _) = server.asking(subscription.request_context())?;
    let uris = subscription.accepted().resource_subscriptions.clone().unwrap_or_default();
    let watches = Watches::default();
    for uri in uris {
        let sink = subscription.sink().clone();
        let told = move |uri: String| {
            let sink = sink.clone();
            async move {
                let update = ResourceUpdatedNotification::new(ResourceUpdatedNotificationParam::new(uri));
                sink.send(ServerNotification::ResourceUpdatedNotification(update)).await.is_ok()
            }
        };
        watches.watch(&server.gateway, &caller, &uri, told).await.map_err(super::refused)?;
    }
    subscription.cancelled().await;
    Ok(())
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(*high)? * 16 + digit(*low)?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_strictly() {
        assert_eq!(
            Address::parse("dicetower://characters/Street%20Sam"),
            Some(Address::Character("Street Sam".into()))
        );
        assert_eq!(Address::parse("dicetower://rolls"), Some(Address::Rolls(None)));
        assert_eq!(Address::parse("dicetower://rolls/evening"), Some(Address::Rolls(Some("evening".into()))));
        for other in [
            "",
            "dicetower://",
            "dicetower://characters",
            "dicetower://characters/",
            "dicetower://characters/%",
            "dicetower://characters/%00",
            "dicetower://characters/%ff",
            "file:///etc/passwd",
            "dicetower://../etc/passwd",
            "DICETOWER://rolls",
        ] {
            assert_eq!(Address::parse(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for text in ["Street Sam", "a/b?c#d%", "\u{1F3B2}"] {
            assert_eq!(percent_decode(&percent_encode(text)).as_deref(), Some(text));
        }
    }
}
