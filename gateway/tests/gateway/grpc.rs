//! gRPC at the gateway's own port, as clients in any language speak it.

use std::time::Duration;

use gateway::{Config, RateConfig};
use proto::{
    character::v1::{
        GetCharacterRequest, WatchCharacterRequest, character_service_client::CharacterServiceClient,
        sheet_service_client::SheetServiceClient,
    },
    dice::v1::{RollDiceRequest, RollRequest, StreamRollsRequest, dice_service_client::DiceServiceClient},
    orchestrator::v1::{
        ChatRequest, CreateSessionRequest, SetLoreRequest, SubscribeRequest, WhisperRequest,
        orchestrator_service_client::OrchestratorServiceClient,
    },
};
use serde_json::json;
use service_kit::{
    Transport,
    auth::{Grant, Role},
    client::connect,
    status::{ErrorCode, Failure},
};
use tonic::{Code, Request, Status, codec::CompressionEncoding};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::{v1, v1alpha};

use crate::{
    guarded::{Guarded, grant, guarded},
    support::{Gateway, PATIENCE, header, json, table},
};

fn transport(gateway: &Gateway) -> Transport {
    connect(&format!("http://{}", gateway.address)).unwrap()
}

fn dice(gateway: &Gateway) -> DiceServiceClient<Transport> {
    DiceServiceClient::new(transport(gateway))
}

/// A request that shows a token.
fn by<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

fn roll(pool: u32) -> RollDiceRequest {
    RollDiceRequest { pool: Some(pool), target_number: Some(4), ..Default::default() }
}

/// What a refusal says in its `google.rpc` details.
fn reason(status: &Status) -> (Code, ErrorCode) {
    assert!(!status.details().is_empty(), "{status:?}");
    (status.code(), Failure::from(status).code)
}

#[tokio::test]
async fn a_tool_is_called_compressed_or_not() {
    let gateway = table(Config::default()).await;
    let mut plain = dice(&gateway);
    let mut packed =
        dice(&gateway).send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);

    assert_eq!(plain.roll_dice(roll(3)).await.unwrap().into_inner().rolls.len(), 3);
    let answer = packed.roll_dice(roll(3)).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(answer.into_inner().rolls.len(), 3);
}

#[tokio::test]
async fn a_call_is_part_of_the_callers_trace() {
    let gateway = table(Config::default()).await;
    let trace_id = uuid::Uuid::new_v4().to_string();
    let mut request = Request::new(roll(3));
    request.metadata_mut().insert("x-trace-id", trace_id.parse().unwrap());
    let answer = dice(&gateway).roll_dice(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-trace-id").unwrap().to_str().unwrap(), trace_id);
}

#[tokio::test]
async fn every_kind_of_refusal_has_its_code_and_details() {
    let gateway = table(Config::default()).await;
    let refusal = dice(&gateway).roll_dice(roll(500)).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);
    reason(&refusal);

    let request = GetCharacterRequest { character_name: "Nobody".into() };
    let refusal = CharacterServiceClient::new(transport(&gateway)).get_character(request).await.unwrap_err();
    assert_eq!(reason(&refusal), (Code::NotFound, ErrorCode::CharacterNotFound));
    assert!(Failure::from(&refusal).details["available_characters"].is_array());

    let mut keyed = Request::new(roll(3));
    keyed.metadata_mut().insert("idempotency-key", "two words".parse().unwrap());
    let refusal = dice(&gateway).roll_dice(keyed).await.unwrap_err();
    assert_eq!(reason(&refusal), (Code::InvalidArgument, ErrorCode::InvalidRequest));

    let request = WhisperRequest::default();
    let refusal = OrchestratorServiceClient::new(transport(&gateway)).whisper(request).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument, "a method that is no tool keeps its rules, too");
}

#[tokio::test]
async fn the_same_key_answers_the_same() {
    let gateway = table(Config::default()).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut request = Request::new(roll(3));
        request.metadata_mut().insert("idempotency-key", "once".parse().unwrap());
        ids.push(dice(&gateway).roll_dice(request).await.unwrap().into_inner().roll_id);
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_call_at_a_table_stands_in_its_log() {
    let gateway = table(Config::default()).await;
    json(gateway.post("/api/sessions", &json!({"session_id": "evening"})), 200).await;
    let mut request = Request::new(roll(3));
    request.metadata_mut().insert("x-session-id", "evening".parse().unwrap());

    let rolled = dice(&gateway).roll_dice(request).await.unwrap().into_inner();

    let log = json(gateway.get("/api/sessions/evening/events"), 200).await;
    assert!(log.to_string().contains(&rolled.roll_id), "{log}");
}

#[tokio::test]
async fn what_is_no_method_is_unimplemented() {
    let gateway = table(Config::default()).await;
    for path in ["/dicetower.dice.v1.DiceService/RollUnder", "/helloworld.Greeter/SayHello"] {
        let mut client = tonic::client::Grpc::new(transport(&gateway));
        client.ready().await.unwrap();
        let answer = client.unary(Request::new(Default::default()), path.parse().unwrap(), service_kit::raw::Raw).await;
        assert_eq!(answer.unwrap_err().code(), Code::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_packed_or_not() {
    let gateway = table(Config { body_limit: 10_000, ..Config::default() }).await;
    let long = RollRequest { notation: "1".repeat(50_000), ..Default::default() };
    let refusal = dice(&gateway).roll(long.clone()).await.unwrap_err();
    assert!(matches!(refusal.code(), Code::OutOfRange | Code::ResourceExhausted), "{refusal}");
    let refusal = dice(&gateway).send_compressed(CompressionEncoding::Gzip).roll(long).await.unwrap_err();
    assert!(matches!(refusal.code(), Code::OutOfRange | Code::ResourceExhausted), "{refusal}");
}

#[tokio::test]
async fn a_deadline_holds() {
    let gateway = table(Config::default()).await;
    let mut request = Request::new(roll(3));
    request.metadata_mut().insert("grpc-timeout", "1n".parse().unwrap());
    let refusal = dice(&gateway).roll_dice(request).await.unwrap_err();
    // Whichever side is the first to say so.
    assert!(matches!(refusal.code(), Code::DeadlineExceeded | Code::Cancelled), "{refusal}");
}

#[tokio::test]
async fn by_http_1_there_is_grpc_web_alone() {
    let gateway = table(Config::default()).await;
    let request = gateway.request("POST", "/dicetower.dice.v1.DiceService/RollDice");
    let answer = request.header("content-type", "application/grpc").body(vec![0; 5]).send().await.unwrap();
    assert_eq!((header(&answer, "grpc-status"), header(&answer, "content-type")), ("3", "application/grpc"));
    assert!(header(&answer, "grpc-message").contains("HTTP/2"));
}

#[tokio::test]
async fn reflection_tells_the_methods_in_both_versions() {
    let gateway = table(Config::default()).await;
    let expected = ["dicetower.dice.v1.DiceService", "dicetower.orchestrator.v1.OrchestratorService"];

    let mut client = v1::server_reflection_client::ServerReflectionClient::new(transport(&gateway));
    let ask = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let ask = v1::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut answers = client.server_reflection_info(futures_util::stream::iter([ask])).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(expected.iter().all(|name| answer.contains(name)), "{answer}");

    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(transport(&gateway));
    let ask = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(expected[0].into());
    let ask = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut answers = client.server_reflection_info(futures_util::stream::iter([ask])).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("FileDescriptorResponse"), "{answer}");
}

#[tokio::test]
async fn health_tells_how_the_services_are_to_everybody() {
    let guarded = guarded().await;
    let mut client = HealthClient::new(transport(&guarded.gateway));
    for service in ["", "dicetower.dice.v1.DiceService"] {
        let request = HealthCheckRequest { service: service.into() };
        assert_eq!(client.check(request).await.unwrap().into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let unknown = HealthCheckRequest { service: "helloworld.Greeter".into() };
    assert_eq!(client.check(unknown.clone()).await.unwrap_err().code(), Code::NotFound);
    let mut watched = client.watch(unknown).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
}

#[tokio::test]
async fn nobody_is_let_in_without_a_token_not_even_to_look() {
    let Guarded { gateway, .. } = &guarded().await;
    let refusal = dice(gateway).roll_dice(roll(3)).await.unwrap_err();
    assert_eq!(reason(&refusal), (Code::Unauthenticated, ErrorCode::Unauthenticated));
    let refusal = dice(gateway).roll_dice(by("forged", roll(3))).await.unwrap_err();
    assert_eq!(reason(&refusal), (Code::Unauthenticated, ErrorCode::Unauthenticated));

    let mut client = v1::server_reflection_client::ServerReflectionClient::new(transport(gateway));
    let refusal = client.server_reflection_info(futures_util::stream::empty()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_player_calls_what_is_a_players_and_the_audit_log_knows_of_the_rest() {
    let guarded = guarded().await;
    let mut orchestrator = OrchestratorServiceClient::new(transport(&guarded.gateway));
    dice(&guarded.gateway).roll_dice(by(&guarded.player, roll(3))).await.unwrap();

    let lore = || SetLoreRequest { title: "Redmond".into(), ..Default::default() };
    let refusal = orchestrator.set_lore(by(&guarded.player, lore())).await.unwrap_err();
    assert_eq!(reason(&refusal), (Code::PermissionDenied, ErrorCode::Forbidden));

    let whisper =
        WhisperRequest { session_id: "evening".into(), connection_id: "another's".into(), ..Default::default() };
    for token in [&guarded.player, &guarded.gm] {
        let refusal = orchestrator.whisper(by(token, whisper.clone())).await.unwrap_err();
        assert_eq!(
            reason(&refusal),
            (Code::PermissionDenied, ErrorCode::Forbidden),
            "what is no tool is an operator's"
        );
    }

    let noted = [("roll_dice", "ok"), ("set_lore", "FORBIDDEN"), ("Whisper", "FORBIDDEN")];
    let written = async {
        loop {
            let audit = service_kit::auth::audit::export(&guarded.db, "Anna").await.unwrap();
            let entries = audit["audit"].as_array().unwrap_or_else(|| panic!("{audit}"));
            let is_noted = |(action, outcome): &(&str, &str)| {
                entries
                    .iter()
                    .any(|entry| entry["door"] == "grpc" && entry["action"] == *action && entry["outcome"] == *outcome)
            };
            if noted.iter().all(is_noted) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.expect("it is written down");
}

#[tokio::test]
async fn a_player_follows_a_session_as_far_as_he_may() {
    let guarded = guarded().await;
    let mut orchestrator = OrchestratorServiceClient::new(transport(&guarded.gateway));
    let session = || CreateSessionRequest { session_id: Some("evening".into()) };
    orchestrator.create_session(by(&guarded.gm, session())).await.unwrap();
    let follow = |session_id: &str| SubscribeRequest {
        session_id: session_id.into(),
        after_seq: Some(0),
        connection_id: Some("somebody else's".into()),
        ..Default::default()
    };
    let bound = Grant { session_id: Some("evening".into()), ..grant("Bert", Role::Player) };
    let (id, bound) = guarded.made(bound).await;

    let refusal = orchestrator.subscribe(by(&bound, follow("morning"))).await.unwrap_err();
    assert_eq!(reason(&refusal), (Code::PermissionDenied, ErrorCode::Forbidden));
    let rolls = StreamRollsRequest { session: Some("morning".into()), ..Default::default() };
    let refusal = dice(&guarded.gateway).stream_rolls(by(&bound, rolls)).await.unwrap_err();
    assert_eq!(reason(&refusal), (Code::PermissionDenied, ErrorCode::Forbidden));

    let mut events = orchestrator.subscribe(by(&bound, follow("evening"))).await.unwrap().into_inner();
    let chat = ChatRequest { session_id: "evening".into(), message: "hello".into(), ..Default::default() };
    orchestrator.chat(by(&bound, chat)).await.unwrap();
    let complete = async {
        loop {
            let event = events.message().await.unwrap().unwrap();
            if event.frame.contains("\"complete\"") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, complete).await.expect("the turn is told");

    // Revoked in the middle of it.
    guarded.gate.tokens().unwrap().revoke(&id).await.unwrap();
    let end = async {
        loop {
            if let Err(status) = events.message().await {
                break status;
            }
        }
    };
    let status = tokio::time::timeout(PATIENCE, end).await.expect("the stream ends");
    assert_eq!(reason(&status), (Code::Unauthenticated, ErrorCode::Unauthenticated));
}

#[tokio::test]
async fn streams_count_like_those_of_every_other_door() {
    let gateway = table(Config { streams_per_address: 1, ..Config::default() }).await;
    let mut sheets = SheetServiceClient::new(transport(&gateway));
    let watch = || WatchCharacterRequest { character_name: "Platinum".into(), after_revision: Some(0) };
    let open = sheets.watch_character(watch()).await.unwrap();
    let refusal = sheets.watch_character(watch()).await.unwrap_err();
    assert_eq!(reason(&refusal), (Code::ResourceExhausted, ErrorCode::RateLimited));
    drop(open);
    let again = async { while sheets.watch_character(watch()).await.is_err() {} };
    tokio::time::timeout(PATIENCE, again).await.expect("its place is free again");
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_he_may_again() {
    let rates = RateConfig { rate_requests: Some(1), ..RateConfig::default() };
    let gateway = table(Config { rates, ..Config::default() }).await;
    let mut client = dice(&gateway);
    let refusal = loop {
        if let Err(status) = client.roll_dice(roll(1)).await {
            break status;
        }
    };
    assert_eq!(reason(&refusal), (Code::ResourceExhausted, ErrorCode::RateLimited));
    let wait = Failure::from(&refusal).details["retry_after_ms"].as_u64().unwrap();
    assert!(Duration::from_millis(wait) <= Duration::from_secs(1));
}
