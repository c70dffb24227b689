//! The way to another service: one transport type, whether it runs in this process or across the network.

use std::{collections::HashMap, str::FromStr, sync::Arc, time::Duration};

use proto::{
    catalogue::{Catalogue, CatalogueError},
    character::v1::character_service_client::CharacterServiceClient,
    dice::v1::dice_service_client::DiceServiceClient,
    fsm::v1::fsm_service_client::FsmServiceClient,
    orchestrator::v1::orchestrator_service_client::OrchestratorServiceClient,
};
use tonic::{Status, body::Body, service::Routes, transport::Endpoint};
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

use crate::{
    auth::{Gate, SharedSecret},
    trace,
};

/// A connection to a service, in this process or not.
pub type Transport = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Status>;

/// Time in which a connection must come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an idle connection is asked whether it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The services that a service may call, as `ARCHITECTURE.md` draws them.
#[derive(Clone, Default)]
pub struct Peers {
    dice: Option<Transport>,
    character: Option<Transport>,
    orchestrator: Option<Transport>,
    fsm: Option<Transport>,
    gate: Gate,
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
    connect_with(url, None)
}

/// The transport to a service that lets in who knows the secret.
///
/// # Errors
///
/// The text is not a URL.
pub fn connect_with(url: &str, secret: Option<&SharedSecret>) -> anyhow::Result<Transport> {
    let authorization = secret.map(|secret| {
        let mut value = http::HeaderValue::from_str(&format!("Bearer {}", secret.expose())).expect("visible ASCII");
        value.set_sensitive(true);
        value
    });
    let endpoint = Endpoint::from_str(url)
        .map_err(|error| anyhow::anyhow!("{url:?} is not a service's address such as http://dice:50051: {error}"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    let channel = endpoint.connect_lazy();
    let service = tower::service_fn(move |mut request: http::Request<Body>| {
        trace::inject(request.headers_mut());
        if let Some(value) = &authorization {
            request.headers_mut().insert(http::header::AUTHORIZATION, value.clone());
        }
        let mut channel = channel.clone();
        async move {
            let channel = channel.ready().await.map_err(|error| Status::from_error(error.into()))?;
            channel.call(request).await.map_err(|error| Status::from_error(error.into()))
        }
    });
    Ok(BoxCloneSyncService::new(service))
}

/// Stands where a service was not given; every call says so.
fn absent(name: &'static str) -> Transport {
    BoxCloneSyncService::new(tower::service_fn(move |_| async move {
        Err(Status::unavailable(format!("no address of the {name} service is configured")))
    }))
}
