//! Sheets through REST: one got beside a bare axum handler of the same bytes in a process of its own, and a long list.

use std::{
    ffi::OsString,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::{Router, http::header, routing::get};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    process,
    rest::{self, Sender},
    stats::median,
    target::Target,
};

/// Connections that get a sheet at the same time.
const CONNECTIONS: usize = 8;
/// Requests of each connection, or of a median, before it counts.
const WARM_UP: usize = 50;
/// A sample character, who is there from the start.
const SHEET: &str = "/api/character/Platinum";

/// Sheets got in a second, from us and from a handler that does nothing.
pub struct Got {
    /// From ours.
    pub ours: f64,
    /// From the bare handler, of the same bytes.
    pub bare: f64,
}

/// Gets a sheet again and again, whole each time; then the same bytes from a bare handler.
pub async fn got(target: &Target, requests: usize) -> anyhow::Result<Got> {
    let mut sender = rest::open(&target.http).await?;
    let bytes = rest::ask(&mut sender, plain(&target.http, SHEET)?).await?;
    let ours = per_second(&target.http, requests).await?;

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sheet.json");
    std::fs::write(&file, bytes)?;
    let mut flag = OsString::from("--sheet=");
    flag.push(&file);
    let (_process, address) = process::bare(&flag).await?;
    let bare = per_second(&address, requests).await?;
    Ok(Got { ours, bare })
}

/// The bare server of a file: tells its address on the standard output, and answers until it is ended.
pub async fn serve(file: &Path) -> anyhow::Result<()> {
    let bytes = Bytes::from(std::fs::read(file)?);
    let answer = ([(header::CONTENT_TYPE, "application/json")], bytes);
    let router = Router::new().route(SHEET, get(async move || answer.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    process::tell(listener.local_addr()?)?;
    Ok(axum::serve(listener, router).await?)
}

async fn per_second(address: &str, requests: usize) -> anyhow::Result<f64> {
    let mut senders: Vec<Sender> = try_join_all((0..CONNECTIONS).map(|_| rest::open(address))).await?;
    let each = requests.div_ceil(CONNECTIONS);
    try_join_all(senders.iter_mut().map(|sender| get_often(sender, address, WARM_UP))).await?;
    let begun = Instant::now();
    try_join_all(senders.iter_mut().map(|sender| get_often(sender, address, each))).await?;
    Ok((each * CONNECTIONS) as f64 / begun.elapsed().as_secs_f64())
}

async fn get_often(sender: &mut Sender, host: &str, times: usize) -> anyhow::Result<()> {
    for _ in 0..times {
        rest::ask(sender, plain(host, SHEET)?).await?;
    }
    Ok(())
}

/// The p50 of the list of all characters, when there are at least `sheets`.
pub async fn listed(target: &Target, sheets: usize, requests: usize) -> anyhow::Result<Duration> {
    let mut sender = rest::open(&target.http).await?;
    for number in 0..sheets {
        let new = json!({"street_name": format!("Runner {number}"), "archetype": "Street Samurai"});
        rest::ask(&mut sender, tool(&target.http, "create_character", &new)?).await?;
    }
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        let request = plain(&target.http, "/api/characters")?;
        let begun = Instant::now();
        let list = rest::ask(&mut sender, request).await?;
        times.push(begun.elapsed());
        let list: Value = serde_json::from_slice(&list).context("a list in JSON")?;
        let count = list["characters"].as_array().or(list.as_array()).map_or(0, Vec::len);
        anyhow::ensure!(sheets <= count, "{count} characters are listed, not {sheets}");
    }
    Ok(median(times))
}

fn plain(host: &str, path: &str) -> anyhow::Result<Request<Full<Bytes>>> {
    Ok(Request::get(path).header("host", host).body(Full::default())?)
}

fn tool(host: &str, name: &str, arguments: &Value) -> anyhow::Result<Request<Full<Bytes>>> {
    let request = Request::post(format!("/api/tools/{name}")).header("host", host);
    Ok(request.header("content-type", "application/json").body(Full::from(arguments.to_string()))?)
}
