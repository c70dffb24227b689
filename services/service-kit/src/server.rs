//! How a service is served: its routes with trace, validation and deadline, on a port with health and reflection.

use std::{
    borrow::Cow,
    collections::HashMap,
    convert::Infallible,
    io::Read,
    sync::LazyLock,
    time::{Duration, Instant},
};

use axum::{
    body::to_bytes,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::get,
    serve::ListenerExt,
};
use flate2::read::GzDecoder;
use futures_util::TryStreamExt as _;
use prost_reflect::MessageDescriptor;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body, server::NamedService, service::Routes, transport::server::TcpIncoming};
use tower::Service;

use crate::{
    auth::{self, Credentials, SharedSecret},
    call,
    db::{Db, Pulse},
    gather::{Gathered, UnderWay},
    health, metrics,
    status::{self, ErrorCode},
    trace,
};

/// Largest request message, in bytes.
const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;
/// Streams that one caller may have open on one connection: every connection of the Java line holds one, as every
/// reader of a session does. Past the limit a caller's other calls would wait for a stream to end.
const STREAMS: u32 = 20_000;
/// Time in which running requests may end after a shutdown has begun.
const DRAIN: Duration = Duration::from_secs(10);

/// A generated server that reads compressed requests (gzip), and compresses answers for who says that he reads them.
#[macro_export]
macro_rules! compressed {
    ($server:expr) => {
        $server
            .accept_compressed(::tonic::codec::CompressionEncoding::Gzip)
            .send_compressed(::tonic::codec::CompressionEncoding::Gzip)
    };
}

/// The routes of a service in the making.
pub struct Server {
    name: &'static str,
    routes: Routes,
    databases: Vec<Pulse>,
    shutdown: CancellationToken,
}

impl Server {
    /// Begins the routes of the service `name`, which its spans carry.
    pub fn new(name: &'static str) -> Server {
        Server { name, routes: Routes::default(), databases: Vec::new(), shutdown: CancellationToken::new() }
    }

    /// It is well only as long as this database answers.
    #[must_use]
    pub fn on(mut self, db: &Db) -> Server {
        self.databases.push(db.pulse());
        self
    }

    /// It is not well any more from `shutdown` on.
    #[must_use]
    pub fn until(self, shutdown: CancellationToken) -> Server {
        Server { shutdown, ..self }
    }

    /// Adds a gRPC service.
    #[must_use]
    pub fn add_service<S>(mut self, service: S) -> Server
    where
        S: Service<http::Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self
    }

    /// The routes, with health beside them; every call is traced, checked against its rules, and bounded in time.
    pub fn routes(self) -> Routes {
        let router = self.routes.into_axum_router();
        let routes = Routes::from(router.layer(middleware::from_fn_with_state(self.name, run)));
        routes.add_service(health::start(self.name, self.databases, self.shutdown))
    }
}

/// The request messages that have rules, by gRPC path.
static RULED: LazyLock<HashMap<String, MessageDescriptor>> = LazyLock::new(|| {
    let methods = proto::POOL.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let ruled = methods.filter(|method| proto::validate::is_ruled(&method.input()) && !method.is_client_streaming());
    ruled
        .map(|method| (format!("/{}/{}", method.parent_service().full_name(), method.name()), method.input()))
        .collect()
});

async fn run(State(service): State<&'static str>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let path = request.uri().path();
    let rpc = metrics::rpc::find(path);
    let name = path.rsplit_once('.').map_or(path, |(_, name)| name).to_owned();
    let trace = trace::server_trace(service, &name, request.headers());
    let answered = async move {
        let _under_way = UnderWay::begin();
        let answer = match validate(request).await {
            Ok(request) => {
                let deadline = call::deadline(request.headers());
                call::detached(deadline, next.run(request)).await.unwrap_or_else(Status::into_http)
            }
            Err(refusal) => refusal.into_http(),
        };
        let code = status_code(&answer);
        note_failure(code);
        if let Some(rpc) = rpc {
            rpc.observe(began.elapsed(), code);
        }
        answer
    };
    trace.run(answered).await
}

/// Marks a request whose message was checked when it was made. It does not leave the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked;

/// Refuses a message that breaks its rules before the handler sees it.
async fn validate(request: Request) -> Result<Request, Status> {
    if request.extensions().get::<Checked>().is_some() {
        return Ok(request);
    }
    let Some(descriptor) = RULED.get(request.uri().path()) else { return Ok(request) };
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MESSAGE_LIMIT)
        .await
        .map_err(|_| status::error(ErrorCode::TooLarge, format!("a request may have at most {MESSAGE_LIMIT} bytes")))?;
    // A frame is one byte of flags, four of length, and the message; what is torn tonic refuses itself.
    let message = match &bytes[..] {
        [1, _, _, _, _, message @ ..] => unpack(message)?,
        [_, _, _, _, _, message @ ..] => Cow::Borrowed(message),
        _ => Cow::default(),
    };
    proto::validate::check_bytes(descriptor, &message)
        .map_err(|violation| status::error(ErrorCode::InvalidInput, violation.to_string()))?;
    Ok(Request::from_parts(parts, bytes.into()))
}

/// A message that was packed with gzip, the one encoding that we read.
fn unpack(packed: &[u8]) -> Result<Cow<'static, [u8]>, Status> {
    let mut message = Vec::new();
    let limit = MESSAGE_LIMIT as u64;
    let unpacked = GzDecoder::new(packed).take(limit + 1).read_to_end(&mut message);
    match unpacked {
        Ok(length) if length <= MESSAGE_LIMIT => Ok(message.into()),
        Ok(_) => {
            let message = format!("a request may have at most {MESSAGE_LIMIT} bytes, also when it is unpacked");
            Err(status::error(ErrorCode::TooLarge, message))
        }
        Err(_) => Err(status::error(ErrorCode::InvalidInput, "a compressed request is packed with gzip")),
    }
}

/// The gRPC status of an answer that is known with its head; a stream's comes at its end.
fn status_code<B>(answer: &http::Response<B>) -> Code {
    let code = answer.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
    code.unwrap_or(Code::Ok)
}

/// Writes a refusal into the span, and marks it if the fault is ours.
fn note_failure(code: Code) {
    if code == Code::Ok {
        return;
    }
    let span = tracing::Span::current();
    span.record("rpc.grpc.status_code", code as i32);
    let ours = [Code::Unknown, Code::DeadlineExceeded, Code::Internal, Code::Unavailable, Code::DataLoss];
    if ours.contains(&code) {
        span.record("otel.status_code", "ERROR");
    }
}

/// Serves a [`Server`]'s routes on a port, with reflection and `/metrics` beside them, until `shutdown`; then drains.
///
/// # Errors
///
/// The listener fails.
pub async fn serve(routes: Routes, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    serve_with(routes, listener, &Credentials::default(), shutdown).await
}

/// The same, letting in only who has the credentials. Whether the service is well everybody may ask, if he may connect.
///
/// # Errors
///
/// The listener fails.
pub async fn serve_with(
    routes: Routes,
    listener: TcpListener,
    credentials: &Credentials,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let reflection_alpha = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1alpha()?;
    let routes = routes.add_service(reflection).add_service(reflection_alpha);
    let router = routes.into_axum_router().route("/metrics", get(metrics::page));
    let routes = Routes::from(match credentials.secret.clone() {
        Some(secret) => router.layer(middleware::from_fn_with_state(secret, ask_for_secret)),
        None => router,
    });
    let server =
        tonic::transport::Server::builder().accept_http1(true).max_concurrent_streams(STREAMS).add_routes(routes);
    let stop = shutdown.clone().cancelled_owned();
    match &credentials.certificates {
        None => {
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).map_ok(Gathered::new);
            drained(async { Ok(server.serve_with_incoming_shutdown(incoming, stop).await?) }, shutdown).await
        }
        Some(certificates) => {
            let incoming = certificates.accept(listener, shutdown.clone()).map_ok(Gathered::new);
            drained(async { Ok(server.serve_with_incoming_shutdown(incoming, stop).await?) }, shutdown).await
        }
    }
}

async fn ask_for_secret(State(secret): State<SharedSecret>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(http::header::AUTHORIZATION).and_then(|value| auth::bearer(value.to_str().ok()?));
    let is_probe = request.uri().path().starts_with("/grpc.health.v1.");
    if is_probe || shown.is_some_and(|shown| secret.is(shown)) {
        return next.run(request).await;
    }
    auth::unauthenticated("this service is for those who know its secret").into_http()
}

/// Serves any router on a port until `shutdown`; running requests then have a time to end.
///
/// # Errors
///
/// The listener fails.
pub async fn serve_router(
    router: axum::Router,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    drained(async { Ok(server.await?) }, shutdown).await
}

/// Serves `/metrics` alone until `shutdown`. Whoever reaches the port is not asked who he is.
///
/// # Errors
///
/// The listener fails.
pub async fn serve_metrics(listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    serve_router(axum::Router::new().route("/metrics", get(metrics::page)), listener, shutdown).await
}

/// Waits for a server that ends gracefully after `shutdown`, for as long as its requests may take.
async fn drained(server: impl Future<Output = anyhow::Result<()>>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let cut_off = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = server => result,
        () = cut_off => {
            tracing::warn!("requests that would not end were cut off");
            Ok(())
        }
    }
}
