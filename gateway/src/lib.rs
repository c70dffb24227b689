//! The gateway: REST, WebSocket and the web page. It translates, and keeps nothing that a restart may lose.
//!
//! A request passes `observe` (its trace, its log line, the form of every error), `access` (from where it may come),
//! `door` (who it is, and how often) and then its handler: `rest` and `games` for JSON, `socket` for a table's WebSocket,
//! `mcp` for models, `grpc` and
//! `grpc_web` for programs, `page` and `traces` for people, `health` and `ops` for operators. Whatever calls a tool does so at
//! the `desk`.

mod access;
mod answer;
mod config;
mod desk;
mod docs;
mod door;
mod extract;
mod games;
mod grpc;
mod grpc_web;
mod health;
mod invites;
mod limits;
mod listen;
mod mcp;
mod observe;
mod openapi;
mod ops;
mod page;
mod rest;
mod seat;
mod sheets;
mod socket;
mod streams;
mod traces;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, delete, get, post, put},
};
use futures_util::FutureExt as _;
use service_kit::{Caller, Peers, status::ErrorCode, tools::Toolbox};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use config::{Config, Origin, OriginError};
pub use limits::RateConfig;

use crate::{access::Access, answer::Problem, limits::Limits, seat::Seats, sheets::Sheets, streams::Streams};

/// Longest time until a request is answered; a stream need only have begun.
const REQUEST_DEADLINE: Duration = Duration::from_secs(60);

/// What every handler can reach.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Shared>);

pub(crate) struct Shared {
    peers: Peers,
    toolbox: Toolbox,
    access: Access,
    streams: Arc<Streams>,
    limits: Limits,
    seats: Seats,
    sheets: Sheets,
    /// The sockets that are open, which a server's own shutdown does not wait for.
    sockets: TaskTracker,
    /// Largest message of a request, in bytes.
    body_limit: usize,
    /// Time in which the reader of a socket must take a frame.
    write_timeout: Duration,
    /// Whether a page other than ours is served.
    other_page: bool,
    shutdown: CancellationToken,
}

impl std::ops::Deref for Gateway {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Serves the gateway until `shutdown`; running requests and turns then have a time to end.
///
/// # Errors
///
/// None so far: a connection that fails ends by itself.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    peers: Peers,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    socket::begin();
    let gateway = Gateway::new(&config, peers, shutdown.clone());
    let sockets = gateway.sockets.clone();
    listen::serve(routes(&config, gateway), listener, &config, shutdown).await;
    sockets.close();
    // Each socket bounds its own time.
    sockets.wait().await;
    Ok(())
}

/// Serves one client of the Model Context Protocol over a pair of pipes until it closes them; it is this machine's
/// operator, at the table `session_id` if one is given.
///
/// # Errors
///
/// It does not speak the protocol.
pub async fn serve_mcp(
    config: &Config,
    peers: Peers,
    session_id: Option<String>,
    pipes: (impl AsyncRead + Send + Unpin + 'static, impl AsyncWrite + Send + Unpin + 'static),
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let gateway = Gateway::new(config, peers, shutdown);
    mcp::serve_pipes(gateway, Caller::anyone(), session_id, pipes.0, pipes.1).await
}

impl Gateway {
    fn new(config: &Config, peers: Peers, shutdown: CancellationToken) -> Gateway {
        Gateway(Arc::new(Shared {
            toolbox: Toolbox::new(peers.clone()),
            access: Access::new(config),
            streams: Arc::new(Streams::new(config.streams_per_address)),
            limits: Limits::new(&config.rates, config.is_loopback() && !peers.gate().is_required()),
            seats: Seats::default(),
            sheets: Sheets::default(),
            sockets: TaskTracker::new(),
            body_limit: config.body_limit,
            write_timeout: Duration::from_secs(config.write_timeout),
            other_page: config.www.is_some(),
            peers,
            shutdown,
        }))
    }
}

fn routes(config: &Config, gateway: Gateway) -> Router {
    let routes = Router::new()
        .route("/game/{session_id}", any(socket::upgrade))
        .route("/api/characters", get(rest::list_characters))
        .route("/api/character/{name}", get(sheets::get))
        .route("/api/character/{name}/watch", get(sheets::watch))
        .route("/api/character/{name}/owner", put(invites::own))
        .route("/api/invites", post(invites::create))
        .route("/api/invites/{id}", delete(invites::revoke))
        .route("/api/sessions", get(rest::list_sessions).post(rest::create_session))
        .route("/api/sessions/{session_id}/events", get(rest::list_events))
        .route("/api/cast_spell", post(rest::cast_spell))
        .route("/api/sustained_spells/{name}", get(rest::get_sustained_spells))
        .route("/api/drop_spell", post(rest::drop_spell))
        .route("/api/tools", get(rest::list_tools))
        .route("/api/tools/{name}", post(rest::call_tool))
        .route("/api/games", get(games::list).post(games::create))
        .route("/api/games/{game_id}", get(games::get))
        .route("/api/games/{game_id}/events", post(games::send_event))
        .route("/api/games/{game_id}/history", get(games::history))
        .route("/api/games/{game_id}/watch", get(games::watch))
        .route("/traces", get(traces::list))
        .route("/traces/{trace_id}", get(traces::get))
        .route("/ops", get(ops::overview))
        .route("/ops/sessions/{session_id}/cancel", post(ops::cancel))
        .route("/ops/sessions/{session_id}/close", post(ops::close))
        .route("/ops/sessions/{session_id}/export", get(ops::export))
        .route("/ops/sessions/{session_id}/replay", post(ops::replay))
        .route("/ops/games/{game_id}/export", get(ops::export_game))
        .route("/ops/games/{game_id}/replay", post(ops::replay_game))
        .route("/metrics", get(service_kit::metrics::page))
        .route("/docs", get(docs::index))
        .route("/docs/{*path}", get(docs::file))
        .route("/openapi.json", get(docs::openapi))
        .route("/asyncapi.json", get(docs::asyncapi))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/ui/{*path}", get(page::file))
        .merge(mcp::routes(&gateway, config.body_limit));
    let routes = grpc::add_routes(routes, &gateway);
    let routes = match &config.www {
        None => routes.route("/", get(page::index)).fallback(nothing_here),
        Some(folder) => page::serve_folder(routes, folder),
    };
    routes
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(config.body_limit))
        .layer(middleware::from_fn_with_state(gateway.clone(), pass))
        .with_state(gateway)
}

/// What every request goes through, from the outside in: its trace, whether its page may call, who calls, and how long
/// it may take. One layer, since each copies all that is behind it with every request.
async fn pass(State(gateway): Shares, request: Request, next: Next) -> Response {
    observe::observe(&gateway, request, async |request| {
        access::guard(&gateway, request, async |request| {
            door::admit(&gateway, request, async |request| within_deadline(request, next).await).await
        })
        .await
    })
    .await
}

async fn nothing_here(request: Request) -> Response {
    if grpc::is_native(request.headers()) {
        return grpc::no_such_method();
    }
    Problem::new(ErrorCode::NotFound, format!("there is nothing at {}", shown(request.uri().path()))).into_response()
}

async fn wrong_method(request: Request) -> Problem {
    Problem::wrong_method(format!("{} cannot be used on {}", request.method(), shown(request.uri().path())))
}

/// As much of a text from outside as fits a message.
fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

async fn within_deadline(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_DEADLINE, AssertUnwindSafe(next.run(request)).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a handler panicked");
            Problem::new(ErrorCode::InternalError, "internal error").into_response()
        }
        Err(_) => {
            let message = format!("no answer within {} seconds", REQUEST_DEADLINE.as_secs());
            Problem::new(ErrorCode::ApiTimeout, message).into_response()
        }
    }
}

/// The gateway as handlers extract it.
pub(crate) type Shares = State<Gateway>;
