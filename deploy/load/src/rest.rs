//! Rolls through REST, over one kept connection; beside it a bare axum handler that answers a like JSON.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::{Json, Router, routing::post};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{process, stats::median, target::Target};

/// Requests before it counts.
const WARM_UP: usize = 200;

/// The p50 of `roll_dice` through REST.
pub async fn rolls(target: &Target, requests: usize) -> anyhow::Result<Duration> {
    measure(&target.http, "/api/tools/roll_dice", requests).await
}

/// The p50 of an axum handler that does nothing.
pub async fn bare(requests: usize) -> anyhow::Result<Duration> {
    let answer =
        json!({"roll_id": "0198", "pool": 8, "target_number": 5, "rolls": [1, 2, 3, 4, 5, 6, 1, 2], "successes": 2});
    let router = Router::new().route("/bare", post(async move |Json(_): Json<Value>| Json(answer.clone())));
    let (listener, address) = process::listen().await?;
    process::threads()?.spawn(async move { axum::serve(listener, router).await });
    measure(&address, "/bare", requests).await
}

async fn measure(address: &str, path: &str, requests: usize) -> anyhow::Result<Duration> {
    let mut sender = open(address).await?;
    let mut times = Vec::with_capacity(requests);
    for number in 0..requests + WARM_UP {
        let begun = Instant::now();
        roll(&mut sender, address, path).await?;
        if WARM_UP <= number {
            times.push(begun.elapsed());
        }
    }
    Ok(median(times))
}

async fn roll(sender: &mut Sender, host: &str, path: &str) -> anyhow::Result<()> {
    let body = Full::new(Bytes::from_static(br#"{"pool": 8, "target_number": 5}"#));
    let request = Request::post(path).header("host", host).header("content-type", "application/json").body(body)?;
    serde_json::from_slice::<Value>(&ask(sender, request).await?).context("an answer in JSON")?;
    Ok(())
}

/// A connection that is kept.
pub type Sender = SendRequest<Full<Bytes>>;

/// Connects.
pub async fn open(address: &str) -> anyhow::Result<Sender> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Asks, and reads the whole answer.
pub async fn ask(sender: &mut Sender, request: Request<Full<Bytes>>) -> anyhow::Result<Bytes> {
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
    Ok(body)
}
