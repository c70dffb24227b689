//! `dicetower health`: asks a running service whether it is well, for containers that have nothing else to ask with.

use std::time::Duration;

use anyhow::Context as _;
use service_kit::{auth::Credentials, client::connect_with, health};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

/// Time in which the answer must come.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of a page's answer that are looked at: its status line.
const STATUS_LINE: usize = "HTTP/1.1 200".len();

/// Asks the service at `url`: a path means a page, none means gRPC, and there `is_live` asks no more than whether it runs.
///
/// # Errors
///
/// It does not answer, or says that it is not well.
pub async fn check(url: &str, is_live: bool, credentials: &Credentials) -> anyhow::Result<()> {
    let answer = async {
        match url.strip_prefix("http://").and_then(|rest| rest.split_once('/')) {
            Some((host, path)) => ask_page(host, path).await,
            None => ask_grpc(url, is_live, credentials).await,
        }
    };
    timeout(PATIENCE, answer).await.with_context(|| format!("{url} does not answer"))?
}

async fn ask_grpc(url: &str, is_live: bool, credentials: &Credentials) -> anyhow::Result<()> {
    let mut client = HealthClient::new(connect_with(url, credentials)?);
    let service = if is_live { health::LIVE } else { "" };
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = client.check(request).await.map_err(|status| anyhow::anyhow!("{}", status.message()));
    let status = answer.with_context(|| format!("ask {url}"))?.into_inner().status();
    anyhow::ensure!(
        status == ServingStatus::Serving,
        "{url} says {}: it does not get on with its database, or is ending",
        status.as_str_name()
    );
    Ok(())
}

async fn ask_page(host: &str, path: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(host).await.with_context(|| format!("connect to {host}"))?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut line = [0; STATUS_LINE];
    stream.read_exact(&mut line).await?;
    let line = String::from_utf8_lossy(&line).into_owned();
    anyhow::ensure!(line.ends_with("200"), "{host}/{path} answers {line}");
    Ok(())
}
