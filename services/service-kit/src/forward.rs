//! A call that another replica must answer is sent on to it, whatever the call is.
//!
//! A handler refuses such a call by [`elsewhere`], which names the other's address; [`Forward`] around the service sees
//! that and asks there, once. The caller sees nothing of it. If the other cannot be reached, the handler is asked once more
//! and may answer without it, or refuse for good.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::body::to_bytes;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, metadata::MetadataMap, server::NamedService};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tower::{Service, ServiceExt};

use crate::{
    auth::Credentials,
    client::{Transport, connect_with},
};

/// Names the address of who must answer.
const HOLDER: &str = "dicetower-holder";
/// Stands in a call that was sent on; it is not sent on again.
const FORWARDED: &str = "dicetower-forwarded";
/// Largest request that is sent on, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;
/// How often another replica is asked whether it answers, and the time in which it must.
const ASK_AGAIN: Duration = Duration::from_millis(500);
const ANSWER: Duration = Duration::from_secs(1);

/// The refusal of a call that the replica at `address` must answer.
pub fn elsewhere(mut refusal: Status, address: &str) -> Status {
    if let Ok(address) = address.parse() {
        refusal.metadata_mut().insert(HOLDER, address);
    }
    refusal
}

/// Whether a call was sent on by another replica, or comes back because its holder could not be reached.
pub fn was_sent_on(metadata: &MetadataMap) -> bool {
    metadata.contains_key(FORWARDED)
}

/// A gRPC service whose calls are sent on where it says so.
#[derive(Clone)]
pub struct Forward<S> {
    inner: S,
    others: Others,
}

/// The ways to the other replicas, by their addresses.
#[derive(Clone)]
pub struct Others(Arc<Ways>);

struct Ways {
    credentials: Credentials,
    shutdown: CancellationToken,
    known: Mutex<HashMap<String, Transport>>,
    /// When each was asked last whether it answers, and whether it did.
    asked: tokio::sync::Mutex<HashMap<String, (Instant, bool)>>,
}

impl Others {
    /// Replicas that ask for these credentials. What they stream through us ends at our `shutdown`.
    pub fn new(credentials: &Credentials, shutdown: CancellationToken) -> Others {
        let (credentials, known, asked) = (credentials.clone(), Mutex::default(), tokio::sync::Mutex::default());
        Others(Arc::new(Ways { credentials, shutdown, known, asked }))
    }

    /// Whether the replica at an address answers. It is asked once in a while, however often this is called.
    pub async fn answers(&self, address: &str) -> bool {
        let mut asked = self.0.asked.lock().await;
        if let Some((when, answered)) = asked.get(address)
            && when.elapsed() < ASK_AGAIN
        {
            return *answered;
        }
        let answered = match self.transport(address) {
            None => false,
            Some(transport) => {
                let mut health = HealthClient::new(transport);
                let answer = tokio::time::timeout(ANSWER, health.check(HealthCheckRequest::default())).await;
                matches!(answer, Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving)
            }
        };
        asked.insert(address.to_owned(), (Instant::now(), answered));
        answered
    }

    /// The way to a replica; `None` if what it calls its address is none.
    fn transport(&self, address: &str) -> Option<Transport> {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(transport) = known.get(address) {
            return Some(transport.clone());
        }
        let transport = connect_with(address, &self.0.credentials)
            .inspect_err(|error| tracing::warn!(%error, address, "a replica's address makes no sense"))
            .ok()?;
        known.insert(address.to_owned(), transport.clone());
        Some(transport)
    }
}

impl<S> Forward<S> {
    /// The same service, with calls sent on to other replicas.
    pub fn new(inner: S, others: Others) -> Forward<S> {
        Forward { inner, others }
    }
}

impl<S: NamedService> NamedService for Forward<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Forward<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let others = self.others.clone();
        // The one that was made ready is the one that is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            if request.headers().contains_key(FORWARDED) {
                return inner.call(request).await;
            }
            let (parts, body) = request.into_parts();
            let Ok(body) = to_bytes(axum::body::Body::new(body), LIMIT).await else {
                return Ok(Status::out_of_range(format!("a request may have at most {LIMIT} bytes")).into_http());
            };
            let is_stream = STREAMS.contains(parts.uri.path());
            let mut again = parts.clone();
            let answer = inner.call(http::Request::from_parts(parts, whole(&body))).await?;
            let Some(holder) = answer.headers().get(HOLDER) else { return Ok(answer) };
            again.headers.insert(FORWARDED, HeaderValue::from_static("1"));
            let sent_on = http::Request::from_parts(again.clone(), whole(&body));
            if let Some(other) = holder.to_str().ok().and_then(|address| others.transport(address))
                && let Some(answer) = send_on(other, sent_on).await
            {
                return Ok(if is_stream { until(answer, others.0.shutdown.clone()) } else { answer });
            }
            let mut answer = inner.call(http::Request::from_parts(again, whole(&body))).await?;
            answer.headers_mut().remove(HOLDER);
            Ok(answer)
        })
    }
}

fn whole(body: &Bytes) -> Body {
    Body::new(axum::body::Body::from(body.clone()))
}

/// The paths of calls that are answered by a stream.
static STREAMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let methods = proto::POOL.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let streams = methods.filter(|method| method.is_server_streaming());
    streams.map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name())).collect()
});

/// A stream that ends well when this process ends: who reads it comes back through another, which he could not know of as
/// long as the one who tells lives.
fn until(answer: http::Response<Body>, shutdown: CancellationToken) -> http::Response<Body> {
    answer.map(|body| {
        let told = BodyStream::new(body).take_until(shutdown.clone().cancelled_owned());
        let end = async move { shutdown.is_cancelled().then(|| Ok(well_ended())) };
        Body::new(StreamBody::new(told).with_trailers(Box::pin(end)))
    })
}

fn well_ended() -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))])
}

async fn send_on(other: Transport, request: http::Request<Body>) -> Option<http::Response<Body>> {
    let answer = other.oneshot(request).await;
    answer.inspect_err(|status| tracing::warn!(code = ?status.code(), "the holder of a session cannot be reached")).ok()
}
