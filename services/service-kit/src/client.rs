//! The way to another service: one transport type, whether it runs in this process or across the network.

use std::{collections::HashMap, error::Error, str::FromStr, sync::Arc, time::Duration};

use http::Uri;
use hyper_util::rt::TokioIo;
use proto::{
    catalogue::{Catalogue, CatalogueError},
    character::v1::character_service_client::CharacterServiceClient,
    dice::v1::dice_service_client::DiceServiceClient,
    fsm::v1::fsm_service_client::FsmServiceClient,
    orchestrator::v1::orchestrator_service_client::OrchestratorServiceClient,
};
use tonic::{
    Code, Status, TimeoutExpired,
    body::Body,
    service::Routes,
    transport::{Channel, Endpoint},
};
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

use crate::{
    auth::{Credentials, Gate, Mutual},
    trace,
    wake::Wakes,
};

/// A connection to a service, in this process or not.
pub type Transport = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Status>;

/// Time in which a connection must come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The port of a URL that names none.
const DEFAULT_PORT: u16 = 443;
/// How often a connection is asked whether it lives, and the time in which it must answer: a machine that is gone says
/// nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The services that a service may call, as `ARCHITECTURE.md` draws them.
#[derive(Clone, Default)]
pub struct Peers {
    dice: Option<Transport>,
    character: Option<Transport>,
    orchestrator: Option<Transport>,
    fsm: Option<Transport>,
    gate: Gate,
    credentials: Credentials,
    wakes: Wakes,
    foreign: Foreign,
}

/// Services of others: the transport of each gRPC service, and their tools.
#[derive(Clone, Default)]
struct Foreign {
    transports: Arc<HashMap<String, Transport>>,
    tools: Arc<Catalogue>,
}

/// A client that adds the caller's trace to each call.
macro_rules! peer {
    ($with:ident, $name:ident, $client:ty, $new:path) => {
        #[doc = concat!("The client of the ", stringify!($name), " service.")]
        pub fn $name(&self) -> $client {
            $new(self.$name.clone().unwrap_or_else(|| absent(stringify!($name))))
        }

        #[doc = concat!("The same peers with the ", stringify!($name), " service among them.")]
        #[must_use]
        pub fn $with(mut self, transport: Transport) -> Peers {
            self.$name = Some(transport);
            self
        }
    };
}

impl Peers {
    /// For a service that calls nobody.
    pub fn none() -> Peers {
        Peers::default()
    }

    peer!(with_dice, dice, DiceServiceClient<Transport>, DiceServiceClient::new);
    peer!(with_character, character, CharacterServiceClient<Transport>, CharacterServiceClient::new);
    peer!(with_orchestrator, orchestrator, OrchestratorServiceClient<Transport>, OrchestratorServiceClient::new);
    peer!(with_fsm, fsm, FsmServiceClient<Transport>, FsmServiceClient::new);

    /// The same peers with a service of somebody's own and its tools.
    ///
    /// # Errors
    ///
    /// One of its tools has a name that is taken.
    pub fn with_foreign(mut self, transport: Transport, tools: Catalogue) -> Result<Peers, CatalogueError> {
        let mut transports = (*self.foreign.transports).clone();
        transports.extend(tools.iter().map(|tool| (tool.service(), transport.clone())));
        // Alone they may agree, and yet one of them be named like one of ours.
        Catalogue::ours().with((*self.foreign.tools).clone())?.with(tools.clone())?;
        let tools = (*self.foreign.tools).clone().with(tools)?;
        self.foreign = Foreign { transports: Arc::new(transports), tools: Arc::new(tools) };
        Ok(self)
    }

    /// The tools of services of others.
    pub fn foreign_tools(&self) -> &Catalogue {
        &self.foreign.tools
    }

    /// The transport to the service of others with this full name.
    pub fn foreign_transport(&self, service: &str) -> Option<Transport> {
        self.foreign.transports.get(service).cloned()
    }

    /// Who may come in at the doors of this process.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The same peers behind this gate.
    #[must_use]
    pub fn with_gate(mut self, gate: Gate) -> Peers {
        self.gate = gate;
        self
    }

    /// What this service and others show each other.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The same peers, with what is shown to further ones.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Peers {
        self.credentials = credentials;
        self
    }

    /// The way to this service's other replicas.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// The same peers, with this way to the other replicas.
    #[must_use]
    pub fn with_wakes(mut self, wakes: Wakes) -> Peers {
        self.wakes = wakes;
        self
    }

    /// The transport to the service that owns a gRPC path's package, `dicetower.dice.v1` and so on.
    pub fn transport(&self, package: &str) -> Option<Transport> {
        match package {
            "dicetower.dice.v1" => self.dice.clone(),
            "dicetower.character.v1" => self.character.clone(),
            "dicetower.orchestrator.v1" => self.orchestrator.clone(),
            "dicetower.fsm.v1" => self.fsm.clone(),
            _ => None,
        }
    }

    /// The peers that are there, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Transport)> {
        let named = [
            ("dice", &self.dice),
            ("character", &self.character),
            ("orchestrator", &self.orchestrator),
            ("fsm", &self.fsm),
        ];
        let present: Vec<_> = named.into_iter().filter_map(|(name, peer)| Some((name, peer.clone()?))).collect();
        present.into_iter()
    }
}

/// The transport to a service in this process. Its spans continue the caller's, since they share the process.
pub fn in_process(routes: Routes) -> Transport {
    let routes = routes.prepare();
    BoxCloneSyncService::new(tower::service_fn(move |request: http::Request<Body>| {
        let routes = routes.clone();
        async move { routes.oneshot(request).await.map_err(|error| match error {}) }
    }))
}

/// The transport to a service at `url`, such as `http://dice:50051`. It connects with the first call and again whenever
/// the connection is lost.
///
/// # Errors
///
/// The text is not a URL.
pub fn connect(url: &str) -> anyhow::Result<Transport> {
    connect_with(url, &Credentials::default())
}

/// Reads an address at which replicas reach each other.
///
/// # Errors
///
/// It is none.
pub fn parse_address(text: &str) -> Result<String, String> {
    let address = text.parse::<http::Uri>().ok().filter(|uri| {
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        is_http && uri.host().is_some_and(|host| !host.is_empty()) && matches!(uri.path(), "" | "/")
    });
    address.map(|_| text.to_owned()).ok_or_else(|| "an address is such as http://10.0.0.5:50053".to_owned())
}

/// The transport to a service that lets in who has the credentials. With certificates the connection is TLS, also where
/// the URL says `http`.
///
/// # Errors
///
/// The text is not a URL, or says `https` and there are no certificates.
pub fn connect_with(url: &str, credentials: &Credentials) -> anyhow::Result<Transport> {
    let authorization = credentials.secret.as_ref().map(|secret| {
        let mut value = http::HeaderValue::from_str(&format!("Bearer {}", secret.expose())).expect("visible ASCII");
        value.set_sensitive(true);
        value
    });
    let endpoint = Endpoint::from_str(url)
        .map_err(|error| anyhow::anyhow!("{url:?} is not a service's address such as http://dice:50051: {error}"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    let channel = match &credentials.certificates {
        Some(certificates) => connect_secured(&endpoint, certificates.clone())?,
        None => {
            let is_plain = endpoint.uri().scheme_str() != Some("https");
            anyhow::ensure!(is_plain, "{url} says https, which needs certificates: --service-cert, -key and -ca");
            endpoint.connect_lazy()
        }
    };
    let service = tower::service_fn(move |mut request: http::Request<Body>| {
        trace::inject(request.headers_mut());
        if let Some(value) = &authorization {
            request.headers_mut().insert(http::header::AUTHORIZATION, value.clone());
        }
        let mut channel = channel.clone();
        async move {
            let channel = channel.ready().await.map_err(unreachable)?;
            channel.call(request).await.map_err(unreachable)
        }
    });
    Ok(BoxCloneSyncService::new(service))
}

/// The status of a call that has come to nothing on its way. A connection that ends under it is no fault of either side's
/// code, whatever the transport calls it.
fn unreachable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Status {
    let error = error.into();
    let cause: &(dyn Error + 'static) = &*error;
    let is_late = std::iter::successors(Some(cause), |&cause| cause.source()).any(|cause| cause.is::<TimeoutExpired>());
    let status = Status::from_error(error);
    match status.code() {
        Code::Unknown | Code::Cancelled | Code::Internal if !is_late => {
            Status::unavailable(status.message().to_owned())
        }
        _ => status,
    }
}

/// A channel by mutual TLS.
fn connect_secured(endpoint: &Endpoint, certificates: Mutual) -> anyhow::Result<Channel> {
    let mut parts = endpoint.uri().clone().into_parts();
    parts.scheme = Some(http::uri::Scheme::HTTPS);
    let endpoint = endpoint.clone().origin(Uri::from_parts(parts)?);
    let connector = tower::service_fn(move |uri: Uri| {
        let certificates = certificates.clone();
        async move {
            let host = uri.host().unwrap_or_default();
            let port = uri.port_u16().unwrap_or(DEFAULT_PORT);
            certificates.connect(host, port).await.map(TokioIo::new)
        }
    });
    Ok(endpoint.connect_with_connector_lazy(connector))
}

/// Stands where a service was not given; every call says so.
fn absent(name: &'static str) -> Transport {
    BoxCloneSyncService::new(tower::service_fn(move |_| async move {
        Err(Status::unavailable(format!("no address of the {name} service is configured")))
    }))
}

#[cfg(test)]
mod tests {
    use proto::dice::v1::ListRollsRequest;
    use tokio::net::TcpListener;

    use super::*;
    use crate::status::{ErrorCode, Failure};

    #[tokio::test]
    async fn a_connection_that_ends_under_a_call_is_told_as_a_service_that_cannot_be_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // Everyone is let in, and cut off at once.
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                drop(socket)
            }
        });
        let mut dice = DiceServiceClient::new(connect(&url).unwrap());

        for _ in 0..20 {
            let refusal = dice.list_rolls(ListRollsRequest::default()).await.unwrap_err();
            let failure = Failure::from(&refusal);

            assert_eq!(failure.code, ErrorCode::ApiError, "{refusal}");
            assert_eq!(failure.message, "a service cannot be reached; try again");
        }
    }
}
