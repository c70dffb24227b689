//! Health in the form of gRPC: the gateway is well when every service that it calls is.

use std::{net::SocketAddr, time::Duration};

use axum::extract::ConnectInfo;
use futures_util::stream;
use tonic::{Request, Response, Status, codegen::BoxStream};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server};

use crate::{Gateway, health, streams::OpenStream};

/// How often a watcher's services are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Answers how the services are.
pub(super) struct Health {
    gateway: Gateway,
    /// Full names of all services that can be called here.
    services: Vec<String>,
}

impl Health {
    pub fn new(gateway: Gateway, services: Vec<String>) -> Health {
        Health { gateway, services }
    }

    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.services.iter().any(|known| known == service)
    }
}

/// How a service is, or all of them if it is empty.
async fn look(gateway: &Gateway, service: &str) -> ServingStatus {
    let package = service.rsplit_once('.').map_or("", |(package, _)| package);
    let is_well = match gateway.peers.transport(package) {
        _ if gateway.shutdown.is_cancelled() => false,
        Some(transport) => health::is_well(transport).await,
        // One of somebody else's is as well as we are.
        None => health::all_well(gateway).await,
    };
    if is_well { ServingStatus::Serving } else { ServingStatus::NotServing }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if !self.knows(&service) {
            return Err(Status::not_found("there is no such service here"));
        }
        let status = look(&self.gateway, &service).await.into();
        Ok(Response::new(HealthCheckResponse { status }))
    }

    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let address = address.ok_or_else(|| Status::internal("internal error"))?;
        let open = self.gateway.streams.open(address.ip()).map_err(|problem| Status::from(&problem))?;
        let service = request.into_inner().service;
        let known = self.knows(&service);
        let watch = Watch { gateway: self.gateway.clone(), service, known, told: None, _open: open };
        Ok(Response::new(Box::pin(stream::unfold(watch, |mut watch| async move {
            let status = watch.next().await?.into();
            Some((Ok(HealthCheckResponse { status }), watch))
        }))))
    }
}

/// Somebody who is told of each change.
struct Watch {
    gateway: Gateway,
    service: String,
    known: bool,
    told: Option<ServingStatus>,
    _open: OpenStream,
}

impl Watch {
    /// The next status that is another; none once we have told that we go.
    async fn next(&mut self) -> Option<ServingStatus> {
        loop {
            if self.told.is_some() {
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    () = self.gateway.shutdown.cancelled() => {}
                }
            }
            let status =
                if self.known { look(&self.gateway, &self.service).await } else { ServingStatus::ServiceUnknown };
            if self.told != Some(status) {
                self.told = Some(status);
                return Some(status);
            }
            if self.gateway.shutdown.is_cancelled() {
                return None;
            }
        }
    }
}
