//! The port: how many connections an address may have, how large and how slow a request's head may be, and how a
//! connection ends when we do.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::limits::LIMITED;

mod eager;

use eager::Eager;

/// Largest head of a request, in bytes: a long token, and cookies of others on the same host.
const MAX_HEAD: usize = 32 * 1024;
/// Time in which a head must be there, also how long a connection may be idle.
const HEAD_DEADLINE: Duration = Duration::from_secs(20);
/// Streams that one connection may have open (HTTP/2).
const MAX_STREAMS: u32 = 256;
/// How often a connection with several streams is asked for a sign of life (HTTP/2), and how long it may take.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// Time in which running requests may end after a shutdown has begun.
const DRAIN: Duration = Duration::from_secs(10);
/// How long is waited after the operating system has refused a connection, for want of file handles as a rule.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves a router until `shutdown`; running requests then have a time to end.
pub(crate) async fn serve(router: Router, listener: TcpListener, per_address: u32, shutdown: CancellationToken) {
    let connections = Arc::new(Connections { per_address, open: Mutex::default() });
    let tasks = TaskTracker::new();
    loop {
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = shutdown.cancelled() => break,
        };
        let Some(open) = connections.open(address.ip()) else {
            LIMITED.with("connections").inc();
            tracing::debug!(%address, "an address has too many connections");
            continue;
        };
        let (router, shutdown) = (router.clone(), shutdown.clone());
        tasks.spawn(async move {
            serve_connection(router, stream, address, shutdown).await;
            drop(open);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!("requests that would not end were cut off");
    }
}

async fn serve_connection(router: Router, stream: TcpStream, address: SocketAddr, shutdown: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = Eager::new(Box::pin(connection));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = shutdown.cancelled() => {
            connection.get_mut().as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection broke");
    }
}

/// The connections that are open, by address.
struct Connections {
    per_address: u32,
    open: Mutex<HashMap<IpAddr, u32>>,
}

/// A connection that counts until it is dropped.
struct OpenConnection {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    /// Counts one more, unless the address has as many as it may.
    fn open(self: &Arc<Connections>, address: IpAddr) -> Option<OpenConnection> {
        let address = address.to_canonical();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if self.per_address <= *count {
            return None;
        }
        *count += 1;
        Some(OpenConnection { connections: self.clone(), address })
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.address) {
            Some(count) if 1 < *count => *count -= 1,
            _ => drop(open.remove(&self.address)),
        }
    }
}
