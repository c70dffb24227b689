//! The port: how many connections an address may have, how large and how slow a request's head may be, and how a
//! connection ends when we do.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{self, HeaderMap},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use ipnet::IpNet;
use service_kit::eager::Eager;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{config::Config, limits::LIMITED};

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

/// As many files open as the system allows: each connection is one.
fn raise_limit_of_files() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::info!(%error, "the limit of open files could not be raised");
    }
}

/// Serves a router until `shutdown`; running requests then have a time to end.
pub(crate) async fn serve(router: Router, listener: TcpListener, config: &Config, shutdown: CancellationToken) {
    raise_limit_of_files();
    let per_address = config.connections_per_address;
    let connections = Arc::new(Connections { per_address, open: Mutex::default() });
    let proxies: Arc<[IpNet]> = config.trusted_proxies.clone().into();
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
        // A proxy's connections are those of many.
        let is_proxy = is_among(&proxies, address.ip());
        let open = (!is_proxy).then(|| connections.open(address.ip()));
        if let Some(None) = open {
            LIMITED.with("connections").inc();
            tracing::debug!(%address, "an address has too many connections");
            continue;
        }
        let (router, shutdown) = (router.clone(), shutdown.clone());
        let proxies = is_proxy.then(|| proxies.clone());
        tasks.spawn(async move {
            serve_connection(router, stream, address, proxies, shutdown).await;
            drop(open);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!("requests that would not end were cut off");
    }
}

/// Serves one connection; `proxies` are there if it comes from one of them.
async fn serve_connection(
    router: Router,
    stream: TcpStream,
    address: SocketAddr,
    proxies: Option<Arc<[IpNet]>>,
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        let client = proxies.as_ref().and_then(|proxies| spoken_for(request.headers(), proxies));
        request.extensions_mut().insert(ConnectInfo(client.map_or(address, |client| SocketAddr::new(client, 0))));
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

fn is_among(proxies: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    proxies.iter().any(|network| network.contains(&address))
}

/// Whom our proxies speak for: the last address in `X-Forwarded-For` that is none of theirs. What stands before it
/// anybody may have written.
fn spoken_for(headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let values = headers.get_all("x-forwarded-for").iter().rev();
    let hops = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    let mut hops = hops.map_while(|hop| hop.trim().parse::<IpAddr>().ok());
    hops.find(|hop| !is_among(proxies, *hop))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], expected: Option<&str>) {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        assert_eq!(spoken_for(&headers, &proxies), expected.map(|address| address.parse().unwrap()), "{values:?}");
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy() {
        check(&["192.0.2.7"], Some("192.0.2.7"));
        check(&["192.0.2.7, 10.0.0.1, fd00::1"], Some("192.0.2.7"));
        check(&["203.0.113.9, 192.0.2.7"], Some("192.0.2.7"));
        check(&["203.0.113.9", "2001:db8::7, 10.0.0.1"], Some("2001:db8::7"));
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        check(&[], None);
        check(&["10.0.0.1"], None);
        check(&["192.0.2.7, unknown"], None);
        check(&["192.0.2.7, <script>, 10.0.0.1"], None);
    }
}
