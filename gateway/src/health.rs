//! Whether this process runs, and whether it can do its work.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Map, Value, json};
use service_kit::{Transport, trace};
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::{Gateway, Shares};

const OK: &str = "ok";
const UNAVAILABLE: &str = "unavailable";
const LOST: &str = "lost";

/// Time in which a service must say that it is well.
const CHECK_DEADLINE: Duration = Duration::from_secs(2);

/// The process runs.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Every service that the gateway calls is well; else 503, and which is not.
pub(crate) async fn ready(State(gateway): Shares) -> Response {
    let mut services = services(&gateway).await;
    let is_ready = are_well(&services) && !gateway.shutdown.is_cancelled();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if is_ready { OK } else { UNAVAILABLE };
    services.extend(wakes(&gateway));
    (status, Json(json!({"status": word, "services": services}))).into_response()
}

/// Whether every service is well that the gateway calls.
pub(crate) async fn all_well(gateway: &Gateway) -> bool {
    are_well(&services(gateway).await)
}

fn are_well(services: &Map<String, Value>) -> bool {
    services.values().all(|word| word == OK)
}

/// How each service is that the gateway calls: `ok` or `unavailable`.
pub(crate) async fn services(gateway: &Gateway) -> Map<String, Value> {
    let checks = gateway.peers.iter().map(|(name, transport)| async move {
        let word = if is_well(transport).await { OK } else { UNAVAILABLE };
        (name.to_owned(), word.into())
    });
    join_all(checks).await.into_iter().collect()
}

/// How NATS is, where it wakes replicas: `ok`, or `lost`, by which everything is slower and nothing fails.
pub(crate) fn wakes(gateway: &Gateway) -> Option<(String, Value)> {
    let is_connected = gateway.peers.wakes().is_connected()?;
    Some(("nats".to_owned(), (if is_connected { OK } else { LOST }).into()))
}

/// Whether a service says that it is well.
pub(crate) async fn is_well(transport: Transport) -> bool {
    let mut request = Request::new(HealthCheckRequest::default());
    request.metadata_mut().insert("traceparent", trace::UNRECORDED.parse().expect("visible ASCII"));
    let answer = tokio::time::timeout(CHECK_DEADLINE, HealthClient::new(transport).check(request)).await;
    match answer {
        Ok(Ok(answer)) => answer.into_inner().status() == ServingStatus::Serving,
        // One without a health service that says so answers, which is enough.
        Ok(Err(status)) => status.code() == Code::Unimplemented,
        Err(_) => false,
    }
}
