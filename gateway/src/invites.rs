//! Invite links: a game master makes a token for one session and one person, and gives it away as a link; and who owns
//! which character.

use std::time::Duration;

use axum::{Json, extract::State};
use serde_json::{Value, json};
use service_kit::{
    auth::{Grant, Role, TokenError, Tokens},
    status::{self, ErrorCode},
};
use tonic::Status;

use crate::{
    Gateway, Shares,
    answer::Problem,
    door::Who,
    extract::{self, Fields, Path},
};

type Answer = Result<Json<Value>, Problem>;

/// How long an invite is good, in hours, if it does not say.
const DEFAULT_HOURS: u64 = 24 * 14;
/// The longest that it may be, in hours.
const MAX_HOURS: u64 = 24 * 365;
/// Characters that one invite may give.
const MAX_CHARACTERS: usize = 20;
const SEATS: [&str; 3] = ["player", "spectator", "game_master"];

/// Makes an invite. What it allows is never more than what its maker may do.
pub(crate) async fn create(State(gateway): Shares, Who(caller): Who, body: Fields) -> Answer {
    caller.must_be(Role::Gm, "inviting")?;
    let tokens = tokens(&gateway)?;
    let session_id = body.text("session_id")?;
    extract::session_id(&session_id)?;
    caller.may_enter(&session_id)?;
    let seat = body.optional_text("seat")?.unwrap_or_else(|| "player".to_owned());
    if !SEATS.contains(&seat.as_str()) {
        return Err(Problem::invalid(format!("`seat` must be one of {}", SEATS.join(", "))));
    }
    let hours = match body.0.get("hours") {
        None | Some(Value::Null) => DEFAULT_HOURS,
        Some(hours) => hours
            .as_u64()
            .filter(|hours| (1..=MAX_HOURS).contains(hours))
            .ok_or_else(|| Problem::invalid(format!("`hours` is a whole number, 1 to {MAX_HOURS}")))?,
    };
    let role = if seat == "game_master" { Role::Gm } else { Role::Player };
    let grant = Grant {
        name: body.text("name")?,
        role,
        session_id: Some(session_id.clone()),
        seat: Some(seat),
        characters: characters(&body)?,
        lifetime: Some(Duration::from_secs(hours * 60 * 60)),
    };
    let made = tokens.make(grant).await.map_err(refuse);
    gateway.note("rest", &caller, "invite", session_id.clone(), made.as_ref().err());
    let (id, token) = made?;
    // Behind the `#` it is never sent to a server, and so in no log.
    let path = format!("/#invite={token}&session={session_id}");
    Ok(Json(json!({"id": id, "token": token, "path": path, "session_id": session_id})))
}

/// Takes an invite back; whoever is in by it is out within a second.
pub(crate) async fn revoke(State(gateway): Shares, Who(caller): Who, Path(id): Path<String>) -> Answer {
    caller.must_be(Role::Gm, "taking an invite back")?;
    let tokens = tokens(&gateway)?;
    let listed = tokens.list().await.map_err(|error| status::database(&error))?;
    // A game master of one session takes back what is for that one.
    let is_his = |listed: &service_kit::auth::Listed| {
        listed.id == id
            && listed.caller.role <= caller.role
            && (caller.session_id.is_none() || listed.caller.session_id == caller.session_id)
    };
    if !listed.iter().any(is_his) {
        return Err(refuse(TokenError::Unknown(id.chars().take(64).collect())).into());
    }
    let revoked = tokens.revoke(&id).await.map_err(refuse);
    gateway.note("rest", &caller, "revoke_invite", id, revoked.as_ref().err());
    revoked?;
    Ok(Json(json!({"revoked": true})))
}

/// Gives a character to somebody.
pub(crate) async fn own(
    State(gateway): Shares,
    Who(caller): Who,
    Path(character): Path<String>,
    body: Fields,
) -> Answer {
    caller.must_be(Role::Gm, "giving a character to somebody")?;
    let name = body.text("name")?;
    if name.trim().is_empty() || 255 < name.chars().count() || name.chars().any(char::is_control) {
        return Err(Problem::invalid("`name` has 1 to 255 characters, none of them a control character"));
    }
    // Unknown characters are told by their own service.
    let sheet = gateway.toolbox.call("get_character", json!({"character_name": character}), Default::default()).await?;
    let character = sheet["character"].as_str().unwrap_or(&character).to_owned();
    let owned = gateway.peers.gate().own(name.trim(), &character).await;
    gateway.note("rest", &caller, "give_character", character.clone(), owned.as_ref().err());
    owned?;
    Ok(Json(json!({"character": character, "owner": name.trim()})))
}

fn tokens(gateway: &Gateway) -> Result<&Tokens, Problem> {
    gateway.peers.gate().tokens().ok_or_else(|| {
        Problem::new(
            ErrorCode::Conflict,
            "tokens are made where the server runs with --auth token, and here it does not",
        )
    })
}

fn characters(body: &Fields) -> Result<Vec<String>, Problem> {
    let refusal =
        || Problem::invalid(format!("`characters` is a list of at most {MAX_CHARACTERS} names of 1 to 100 characters"));
    let names = match body.0.get("characters") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(names)) if names.len() <= MAX_CHARACTERS => names,
        Some(_) => return Err(refusal()),
    };
    let name = |name: &Value| name.as_str().filter(|name| (1..=100).contains(&name.chars().count())).map(str::to_owned);
    names.iter().map(|given| name(given).ok_or_else(refusal)).collect()
}

fn refuse(error: TokenError) -> Status {
    match &error {
        TokenError::Name => status::error(ErrorCode::InvalidInput, error.to_string()),
        TokenError::Unknown(_) => status::error(ErrorCode::NotFound, error.to_string()),
        TokenError::Database(error) => status::database(error),
        TokenError::Entropy => status::internal(&error),
    }
}
