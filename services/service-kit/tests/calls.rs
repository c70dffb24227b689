//! What the kit's layers do to every call, in process and behind a port.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use proto::dice::v1::{
    RollActionDiceRequest, RollActionDiceResponse, RollCombatDiceRequest, RollCombatDiceResponse, RollDiceRequest,
    RollDiceResponse, RollHuntRequest, RollHuntResponse, RollInitiativeRequest, RollInitiativeResponse,
    dice_service_client::DiceServiceClient,
    dice_service_server::{DiceService, DiceServiceServer},
};
use service_kit::{
    Transport,
    client::{connect, in_process},
    compressed,
    status::{ErrorCode, Failure},
    telemetry::{self, TelemetryConfig},
    trace, traces,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, codec::CompressionEncoding};
use tracing::Instrument;

/// A service whose methods do what a call may have to be protected from.
struct Awkward;

#[tonic::async_trait]
impl DiceService for Awkward {
    async fn roll_dice(&self, _: Request<RollDiceRequest>) -> Result<Response<RollDiceResponse>, Status> {
        Ok(Response::new(RollDiceResponse { roll_id: trace::current_id_text(), ..Default::default() }))
    }

    async fn roll_initiative(
        &self,
        _: Request<RollInitiativeRequest>,
    ) -> Result<Response<RollInitiativeResponse>, Status> {
        panic!("a method that panics");
    }

    async fn roll_hunt(&self, _: Request<RollHuntRequest>) -> Result<Response<RollHuntResponse>, Status> {
        std::future::pending().await
    }

    async fn roll_action_dice(
        &self,
        _: Request<RollActionDiceRequest>,
    ) -> Result<Response<RollActionDiceResponse>, Status> {
        Err(Status::internal("SELECT * FROM secrets failed"))
    }

    async fn roll_combat_dice(
        &self,
        _: Request<RollCombatDiceRequest>,
    ) -> Result<Response<RollCombatDiceResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

/// The same service, reached without a network and over one.
async fn transports() -> Vec<DiceServiceClient<Transport>> {
    let routes = || service_kit::Server::new("dice").add_service(compressed!(DiceServiceServer::new(Awkward))).routes();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(service_kit::serve(routes(), listener, CancellationToken::new()));
    vec![DiceServiceClient::new(in_process(routes())), DiceServiceClient::new(connect(&url).unwrap())]
}

fn initiative() -> RollInitiativeRequest {
    RollInitiativeRequest { notation: "1d6".into(), reason: None }
}

#[tokio::test]
async fn a_panic_ends_nothing_but_the_call() {
    for mut client in transports().await {
        let status = client.roll_initiative(initiative()).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
        client.roll_dice(RollDiceRequest::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_deadline_holds_in_process_too() {
    for mut client in transports().await {
        let mut request = Request::new(RollHuntRequest::default());
        request.set_timeout(Duration::from_millis(20));
        let status = client.roll_hunt(request).await.unwrap_err();
        assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status}");
    }
}

#[tokio::test]
async fn a_rule_is_enforced_before_the_method_runs() {
    for mut client in transports().await {
        let request = RollInitiativeRequest { notation: String::new(), reason: None };
        let failure = Failure::from(&client.roll_initiative(request).await.unwrap_err());
        assert_eq!((failure.code, failure.message.as_str()), (ErrorCode::InvalidInput, "`notation` must not be empty"));
    }
}

#[tokio::test]
async fn what_is_compressed_is_read_and_checked_and_answered_compressed() {
    for client in transports().await {
        let mut client = client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
        let answer = client.roll_dice(RollDiceRequest::default()).await.unwrap();
        assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");

        let request = RollInitiativeRequest { notation: String::new(), reason: None };
        let failure = Failure::from(&client.roll_initiative(request).await.unwrap_err());
        assert_eq!(failure.message, "`notation` must not be empty");

        // Small when packed.
        let bomb = RollInitiativeRequest { notation: "1".repeat(5_000_000), reason: None };
        let failure = Failure::from(&client.roll_initiative(bomb).await.unwrap_err());
        assert_eq!(failure.code, ErrorCode::TooLarge);
    }
}

#[tokio::test]
async fn one_trace_runs_through_the_call() {
    let _telemetry = telemetry::init(&TelemetryConfig::default(), "test").unwrap();
    for mut client in transports().await {
        let wanted = uuid::Uuid::new_v4();
        let (span, trace_id) = trace::begin("gateway", "POST /api/tools/{name}", Some(wanted), None);
        let answer = async { client.roll_dice(RollDiceRequest::default()).await.unwrap().into_inner() };
        let answer = answer.instrument(span).await;

        assert_eq!((trace_id, answer.roll_id), (wanted, wanted.to_string()));
        let spans = spans_of(wanted, 2).await;
        let service = |index: usize| spans[index]["service"].as_str().unwrap().to_owned();
        assert_eq!((service(0), service(1)), ("gateway".into(), "dice".into()));
        assert_eq!(spans[0]["parent_id"], serde_json::Value::Null, "the root is a true root");
        assert_eq!(spans[1]["parent_id"], spans[0]["span_id"]);
        assert_eq!(spans[1]["name"], "DiceService/RollDice");
    }
}

#[tokio::test]
async fn a_failure_of_ours_stands_in_its_span() {
    let _telemetry = telemetry::init(&TelemetryConfig::default(), "test").unwrap();
    for mut client in transports().await {
        let wanted = uuid::Uuid::new_v4();
        let (span, _) = trace::begin("gateway", "POST /api/tools/{name}", Some(wanted), None);
        client.roll_action_dice(action_dice()).instrument(span).await.unwrap_err();

        let spans = spans_of(wanted, 2).await;
        assert_eq!(spans[1]["attributes"]["rpc.grpc.status_code"], 13);
        assert_eq!(spans[1]["attributes"]["error"], true);
    }
}

fn action_dice() -> RollActionDiceRequest {
    RollActionDiceRequest { side: "shadow".into(), count: 1, reason: None }
}

/// The spans of a trace, once so many have ended. A span ends when its last holder lets go, soon after the answer.
async fn spans_of(trace_id: uuid::Uuid, count: usize) -> Vec<serde_json::Value> {
    loop {
        if let Some(trace) = traces::STORE.get(trace_id)
            && let Some(spans) = trace["spans"].as_array()
            && spans.len() == count
        {
            return spans.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_latency_names_a_trace_that_is_recorded() {
    let _telemetry = telemetry::init(&TelemetryConfig::default(), "test").unwrap();
    let routes = service_kit::Server::new("dice").add_service(DiceServiceServer::new(Awkward)).routes();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(service_kit::serve(routes, listener, CancellationToken::new()));
    let wanted = uuid::Uuid::new_v4();
    let (span, _) = trace::begin("gateway", "POST /api/tools/{name}", Some(wanted), None);
    let mut client = DiceServiceClient::new(connect(&format!("http://{address}")).unwrap());
    client.roll_dice(RollDiceRequest::default()).instrument(span).await.unwrap();

    let text = get(address, "/metrics").await;

    let example = format!("# {{trace_id=\"{}\"}}", wanted.simple());
    let mut rolls = text.lines().filter(|line| line.starts_with("dicetower_rpc_duration_seconds_bucket"));
    assert!(rolls.any(|line| line.contains(&example)), "{example} is not in\n{text}");
}

/// What a service's port answers to plain HTTP.
async fn get(address: std::net::SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
