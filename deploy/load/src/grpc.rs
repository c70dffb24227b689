//! Rolls over gRPC by many callers at once, each answered after its commit; beside it a bare tonic server that always gives
//! one and the same answer to a roll.
//! And an attack with its dice by one caller, at the port of the whole.
//!
//! Both servers are processes of their own, and the callers are the same.

use std::{
    iter,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::{Router, extract::Request, routing::post};
use proto::{
    character::v1::{CalculateRangedAttackRequest, character_service_client::CharacterServiceClient},
    dice::v1::{RollDiceRequest, RollDiceResponse},
    structs,
};
use tokio::{net::TcpListener, process::Command, task::JoinSet};
use tonic::{
    Response, Status,
    client::Grpc,
    service::Routes,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use crate::{
    process::{self, Process, address_in},
    stats::median,
    target::{Sampling, Target},
};

/// Attacks before it counts.
const WARM_UP: usize = 50;
/// Callers at once, and the connections that they share.
const CALLERS: usize = 64;
const CONNECTIONS: usize = 8;
const ROLL: &str = "/dicetower.dice.v1.DiceService/RollDice";
const ECHO: &str = "/load.Echo/Echo";

/// Rolls in a second by all callers together, each with its entry in the log.
pub async fn rolls(binary: &Path, sampling: Sampling, requests: usize) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(binary);
    command.args(["dice", "--listen", "127.0.0.1:0"]).arg("--data").arg(folder.path()).env_clear();
    if let Sampling::Everything = sampling {
        command.args(["--traces-per-second", &u32::MAX.to_string()]);
    }
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut process = Process::start(command, Some(folder))?;
    let output = process.child.stderr.take().context("its log")?;
    let address = address_in(output, "address=").await?;
    rate(&[&address], ROLL, requests, false).await
}

/// The p50 of a ranged attack through gRPC, its dice included, where all services are one process.
pub async fn attacks(target: &Target, requests: usize) -> anyhow::Result<Duration> {
    let endpoint = Endpoint::from_shared(format!("http://{}", target.http))?;
    let mut client = CharacterServiceClient::new(endpoint.tcp_nodelay(true).connect().await?);
    let attack = CalculateRangedAttackRequest {
        character_name: "Platinum".to_owned(),
        weapon_name: "Ares Predator".to_owned(),
        target_distance: 18,
        combat_pool: Some(4),
        ..CalculateRangedAttackRequest::default()
    };
    let mut times = Vec::with_capacity(requests);
    for number in 0..requests + WARM_UP {
        let begun = Instant::now();
        client.calculate_ranged_attack(attack.clone()).await?;
        if WARM_UP <= number {
            times.push(begun.elapsed());
        }
    }
    Ok(median(times))
}

/// Echoes in a second by as many callers.
pub async fn bare(requests: usize) -> anyhow::Result<f64> {
    let (_process, address) = process::bare("--echo".as_ref()).await?;
    rate(&[&address], ECHO, requests, false).await
}

/// The bare server: tells its address on the standard output, and answers until it is ended.
pub async fn serve_echo() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    process::tell(listener.local_addr()?)?;
    let echo = post(async |request: Request| {
        let codec = ProstCodec::<RollDiceResponse, RollDiceRequest>::default();
        tonic::server::Grpc::new(codec).unary(Echo, request).await
    });
    let routes = Routes::from(Router::new().route(ECHO, echo));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder().add_routes(routes).serve_with_incoming(incoming).await.context("serve the echo")
}

/// Answers what a roll is answered, but always the same.
struct Echo;

impl tonic::server::UnaryService<RollDiceRequest> for Echo {
    type Response = RollDiceResponse;
    type Future = std::future::Ready<Result<Response<RollDiceResponse>, Status>>;

    fn call(&mut self, _: tonic::Request<RollDiceRequest>) -> Self::Future {
        std::future::ready(Ok(Response::new(RollDiceResponse {
            roll_id: "0198f3a2-0000-7000-8000-000000000000".to_owned(),
            pool: 8,
            target_number: 5,
            rolls: vec![1, 2, 3, 4, 5, 6, 1, 2],
            dice: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0].map(|face| structs::list(iter::once(face))).to_vec(),
            successes: Some(2),
            result: Some("success".to_owned()),
            all_ones: Some(false),
            critical_glitch: Some(false),
            timestamp: "2026-01-01T00:00:00.000+00:00".to_owned(),
            chance: Some(0.8),
            ..RollDiceResponse::default()
        })))
    }
}

/// Rolls in a second at replicas between which the callers are divided, each caller in a session of its own.
pub async fn rate_of_sessions(addresses: &[&str], requests: usize) -> anyhow::Result<f64> {
    rate(addresses, ROLL, requests, true).await
}

/// Answers in a second: every caller asks again as soon as it is answered.
async fn rate(addresses: &[&str], path: &'static str, requests: usize, in_sessions: bool) -> anyhow::Result<f64> {
    let mut channels = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        let address = addresses[number % addresses.len()];
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(Duration::from_secs(10));
        channels.push(endpoint.tcp_nodelay(true).connect().await?);
    }
    let each = (requests / CALLERS).max(1);
    call(&channels, path, each.div_ceil(10), in_sessions).await?; // Until all is warm.
    let begun = Instant::now();
    call(&channels, path, each, in_sessions).await?;
    Ok((each * CALLERS) as f64 / begun.elapsed().as_secs_f64())
}

async fn call(channels: &[Channel], path: &'static str, each: usize, in_sessions: bool) -> anyhow::Result<()> {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let mut client = Grpc::new(channels[caller % channels.len()].clone());
        let session = in_sessions.then(|| format!("load-{caller}").parse()).transpose()?;
        callers.spawn(async move {
            for _ in 0..each {
                let request = RollDiceRequest { pool: Some(8), target_number: Some(5), ..RollDiceRequest::default() };
                let mut request = tonic::Request::new(request);
                if let Some(session) = &session {
                    request.metadata_mut().insert("session-id", tonic::metadata::MetadataValue::clone(session));
                }
                client.ready().await?;
                let codec = ProstCodec::<RollDiceRequest, RollDiceResponse>::default();
                client.unary(request, path.parse()?, codec).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    Ok(())
}
