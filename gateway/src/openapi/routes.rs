//! The table of routes that are no tools: what they take, what they answer.

use proto::catalogue::{Catalogue, Tool};
use serde_json::{Value, json};

/// The sections of the document.
pub(super) const TAGS: &[(&str, &str)] = &[
    ("characters", "Sheets, in the form that the page and older clients read."),
    ("sessions", "Tables at which a story is told."),
    ("games", "Board games run by a state machine."),
    ("server", "The server itself: its page, its documents, its health."),
];

/// A route of one method.
pub(super) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub id: &'static str,
    pub summary: &'static str,
    pub tag: &'static str,
    pub parameters: Vec<Value>,
    /// The schema of its JSON body, or null.
    pub body: Value,
    /// The schema of its JSON answer.
    pub answer: Value,
    pub example: Value,
    pub media: &'static str,
    /// What else it may be answered in; empty: nothing.
    pub other_media: &'static str,
    pub is_public: bool,
}

impl Route {
    fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
    ) -> Route {
        Route {
            method,
            path,
            id,
            summary,
            tag,
            parameters: Vec::new(),
            body: Value::Null,
            answer: json!({"type": "object"}),
            example: Value::Null,
            media: "application/json",
            other_media: "",
            is_public: false,
        }
    }

    fn takes(mut self, parameter: Value) -> Route {
        self.parameters.push(parameter);
        self
    }

    fn body(self, body: Value) -> Route {
        Route { body, ..self }
    }

    fn answers(self, answer: Value) -> Route {
        Route { answer, ..self }
    }

    fn example(self, example: Value) -> Route {
        Route { example, ..self }
    }

    /// Answered in another form to who asks for it.
    fn also(self, other_media: &'static str) -> Route {
        Route { other_media, ..self }
    }

    fn public(self, media: &'static str) -> Route {
        Route { media, is_public: true, ..self }
    }
}

/// All routes.
pub(super) fn all(catalogue: &Catalogue) -> Vec<Route> {
    let result = |tool: &str| catalogue.get(tool).map_or(Value::Null, Tool::result);
    let parameters = |tool: &str| catalogue.get(tool).map_or(Value::Null, |tool| tool.parameters.clone());
    let character = || path("name", json!({"type": "string", "minLength": 1, "maxLength": 100}), json!("Platinum"));
    let session = || path("session_id", json!({"type": "string", "pattern": ID}), json!("evening"));
    let game = || path("game_id", json!({"type": "string", "pattern": ID}), json!("war"));
    let key = || json!({"$ref": "#/components/parameters/IdempotencyKey"});
    vec![
        Route::new("get", "/api/characters", "list_all_characters", "characters", "All characters, by name")
            .answers(result("list_characters")),
        Route::new("get", "/api/character/{name}", "read_character", "characters", "A sheet, by street name or given name")
            .takes(character())
            .answers(json!({"type": "object"})),
        Route {
            media: "text/event-stream",
            ..Route::new("get", "/api/character/{name}/watch", "watch_character", "characters", "Each change of a sheet, as server-sent events")
                .takes(character())
        },
        Route::new("put", "/api/character/{name}/owner", "give_character", "characters", "Gives a character to somebody; for game masters")
            .takes(character())
            .body(json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 255}}}))
            .answers(object(json!({"character": {"type": "string"}, "owner": {"type": "string"}}))),
        Route::new("post", "/api/invites", "invite", "sessions", "Makes an invite link for one person and one session; for game masters, with --auth token")
            .body(json!({"type": "object", "required": ["session_id", "name"], "properties": {
                "session_id": {"type": "string", "pattern": ID},
                "name": {"type": "string", "minLength": 1, "maxLength": 40},
                "seat": {"type": "string", "enum": ["player", "spectator", "game_master"]},
                "characters": {"type": "array", "maxItems": 20, "items": {"type": "string", "minLength": 1, "maxLength": 100}},
                "hours": {"type": "integer", "minimum": 1, "maximum": 8760},
            }}))
            .answers(object(json!({
                "id": {"type": "string"}, "token": {"type": "string"}, "path": {"type": "string"},
                "session_id": {"type": "string"},
            }))),
        Route::new("delete", "/api/invites/{id}", "revoke_invite", "sessions", "Takes an invite back")
            .takes(path("id", json!({"type": "string"}), json!("0190a5e4-7d3c-7000-8000-000000000000")))
            .answers(object(json!({"revoked": {"type": "boolean"}}))),
        Route::new("post", "/api/cast_spell", "cast_spell_of_character", "characters", "Casts a spell, as the tool does")
            .takes(key())
            .body(parameters("cast_spell"))
            .answers(result("cast_spell")),
        Route::new(
            "get",
            "/api/sustained_spells/{name}",
            "read_sustained_spells",
            "characters",
            "The spells that a character sustains",
        )
        .takes(character())
        .answers(result("get_sustained_spells")),
        Route::new("post", "/api/drop_spell", "drop_spell_of_character", "characters", "Drops a sustained spell")
            .takes(key())
            .body(parameters("drop_spell"))
            .answers(result("drop_spell")),
        Route::new("get", "/api/sessions", "list_all_sessions", "sessions", "The sessions, newest first").answers(object(
            json!({"sessions": {"type": "array", "items": object(json!({
                "session_id": {"type": "string"}, "characters": {"type": "array", "items": {"type": "string"}},
                "message_count": {"type": "integer", "minimum": 0}, "created_at": time(),
            }))}}),
        )),
        Route::new(
            "post",
            "/api/sessions",
            "open_session",
            "sessions",
            "Creates a session, or answers the one of that id without emptying it",
        )
        .takes(key())
        .body(json!({"type": "object", "properties": {"session_id": {"type": ["string", "null"], "pattern": ID}}}))
        .answers(object(json!({"session_id": {"type": "string"}, "created_at": time()})))
        .example(json!({"session_id": "evening", "created_at": "2050-01-01T00:00:00.000+00:00"})),
        Route::new(
            "get",
            "/api/sessions/{session_id}/events",
            "read_events",
            "sessions",
            "The log of a session as the frames that were sent",
        )
        .takes(session())
        .takes(query("after_seq", json!({"type": "integer", "minimum": 0, "maximum": u64::MAX >> 1})))
        .takes(query("limit", json!({"type": "integer", "minimum": 0, "maximum": 10_000})))
        .answers(object(json!({
            "events": {"type": "array", "items": {
                "type": "object", "required": ["type", "seq", "at"],
                "properties": {"type": {"type": "string"}, "seq": {"type": "integer"}, "at": time()},
            }},
            "last_seq": {"type": "integer", "minimum": 0},
        }))),
        Route::new("get", "/api/tools", "list_tools", "server", "Every tool with its schema and who may call it").answers(
            object(json!({"tools": {"type": "array", "items": object(json!({
                "name": {"type": "string"}, "description": {"type": "string"}, "parameters": {"type": "object"},
                "group": {"type": "string"}, "role": {"type": "string", "enum": ["player", "gm", "operator"]},
                "effect": {"type": "boolean"}, "confirm": {"type": "boolean"},
            }))}})),
        ),
        Route::new("get", "/api/games", "list_all_games", "games", "The board games, newest first")
            .answers(object(json!({"games": {"type": "array", "items": game_schema()}}))),
        Route::new("post", "/api/games", "open_game", "games", "Creates a board game, or answers the one of that id")
            .takes(key())
            .body(json!({"type": "object", "properties": {
                "game_id": {"type": ["string", "null"], "pattern": ID},
                "machine": {"type": ["string", "null"], "minLength": 1, "maxLength": 100},
            }}))
            .answers(game_schema()),
        Route::new("get", "/api/games/{game_id}", "read_game", "games", "A board game as it stands")
            .takes(game())
            .answers(game_schema()),
        Route::new("post", "/api/games/{game_id}/events", "send_game_event", "games", "Sends an event to a board game")
            .takes(game())
            .takes(key())
            .body(json!({"type": "object", "required": ["event"], "properties": {
                "event": {"type": "string", "minLength": 1, "maxLength": 100}, "data": {"type": ["object", "null"]},
            }}))
            .answers(game_schema()),
        Route::new("get", "/api/games/{game_id}/history", "read_game_history", "games", "The log of a board game")
            .takes(game())
            .takes(query("after_seq", json!({"type": "integer", "minimum": 0, "maximum": u64::MAX >> 1})))
            .answers(object(json!({
                "history": {"type": "array", "items": {"type": "object"}}, "last_seq": {"type": "integer", "minimum": 0},
            }))),
        Route {
            media: "text/event-stream",
            ..Route::new("get", "/api/games/{game_id}/watch", "watch_game", "games", "The game on every change, as server-sent events")
                .takes(game())
        },
        Route::new("get", "/traces", "list_traces", "server", "The last traces of this process: a page, or JSON where it is accepted")
            .also("text/html")
            .answers(json!({"type": "object"})),
        Route::new("get", "/traces/{trace_id}", "read_trace", "server", "One trace")
            .takes(path("trace_id", json!({"type": "string", "format": "uuid"}), json!(super::TRACE_ID)))
            .also("text/html")
            .answers(json!({"type": "object"})),
        Route::new("get", "/ops", "read_operations", "server", "Health, sessions and games for the operator: a page, or JSON where it is accepted")
            .also("text/html")
            .answers(object(json!({
                "services": {"type": "object"}, "sockets": {"type": "integer", "minimum": 0},
                "sessions": {"type": ["array", "object"]}, "games": {"type": ["array", "object"]},
            }))),
        Route::new("post", "/ops/sessions/{session_id}/cancel", "cancel_turn_of_session", "server", "Cancels the running turn; for operators")
            .takes(session())
            .answers(object(json!({"session_id": {"type": "string"}, "cancelled": {"type": "boolean"}}))),
        Route::new("post", "/ops/sessions/{session_id}/close", "close_session", "server", "Cancels the turn and puts the session away; its log stays; for operators")
            .takes(session())
            .answers(object(json!({"session_id": {"type": "string"}, "closed": {"type": "boolean"}}))),
        Route::new("get", "/ops/sessions/{session_id}/export", "export_session", "server", "The whole session as a file; for operators")
            .takes(session())
            .answers(object(json!({
                "session_id": {"type": "string"}, "transcript": {"type": "string"},
                "events": {"type": "array", "items": {"type": "object"}},
            }))),
        Route::new("post", "/ops/sessions/{session_id}/replay", "replay_session", "server", "Reads the session's log again and tells what is missing in it; for operators")
            .takes(session())
            .answers(object(json!({
                "session_id": {"type": "string"}, "events": {"type": "integer"}, "last_seq": {"type": "integer"},
                "gaps": {"type": "array", "items": {"type": "integer"}},
            }))),
        Route::new("get", "/ops/games/{game_id}/export", "export_game", "server", "The whole game as a file; for operators")
            .takes(game())
            .answers(object(json!({
                "game_id": {"type": "string"}, "state": {"type": "string"},
                "entries": {"type": "array", "items": {"type": "object"}},
            }))),
        Route::new("post", "/ops/games/{game_id}/replay", "replay_game", "server", "Reads the game's log again and tells what is missing in it; for operators")
            .takes(game())
            .answers(object(json!({
                "game_id": {"type": "string"}, "entries": {"type": "integer"}, "last_seq": {"type": "integer"},
                "gaps": {"type": "array", "items": {"type": "integer"}}, "state": {"type": "string"},
                "agrees": {"type": "boolean"},
            }))),
        Route {
            media: "text/plain",
            ..Route::new("get", "/metrics", "metrics", "server", "What is counted and timed, for Prometheus")
                .also("application/openmetrics-text")
        },
        Route::new("get", "/health/live", "is_alive", "server", "The process runs")
            .answers(object(json!({"status": {"type": "string"}})))
            .example(json!({"status": "ok"}))
            .public("application/json"),
        Route::new("get", "/health/ready", "is_ready", "server", "Every service that is called is well")
            .answers(object(json!({"status": {"type": "string"}, "services": {"type": "object"}})))
            .public("application/json"),
        Route::new("get", "/", "page", "server", "The page").public("text/html"),
        Route::new("get", "/docs", "docs", "server", "This document as a page").public("text/html"),
        Route::new("get", "/openapi.json", "openapi", "server", "This document").public("application/json"),
        Route::new("get", "/asyncapi.json", "asyncapi", "server", "The frames of a session's WebSocket")
            .public("application/json"),
    ]
}

/// What an id of a session or a game looks like.
const ID: &str = "^[A-Za-z0-9._:-]{1,128}$";

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// An object that has all of these and may have more.
fn object(properties: Value) -> Value {
    let required: Vec<_> = properties.as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn path(name: &str, schema: Value, example: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema, "example": example})
}

fn query(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "schema": schema})
}

fn game_schema() -> Value {
    object(json!({
        "game_id": {"type": "string"}, "machine": {"type": "string"}, "state": {"type": "string"},
        "label": {"type": "string"}, "description": {"type": "string"}, "final": {"type": "boolean"},
        "variables": {"type": "object"}, "valid_events": {"type": "array"}, "sequence": {"type": "integer"},
        "created_at": {"type": "string"}, "updated_at": {"type": "string"},
    }))
}
