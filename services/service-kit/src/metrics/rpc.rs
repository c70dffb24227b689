//! Rate, errors and duration of every RPC; a tool is an RPC, so that they are those of every tool, too.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use prometheus_client::{encoding::EncodeLabelSet, metrics::family::Family, registry::Unit};
use proto::catalogue::Catalogue;
use tonic::Code;

use super::{Counter, Latency, registered};

/// Statuses that gRPC knows, `OK` among them.
const CODES: usize = 17;
/// Their names, by number.
const NAMES: [&str; CODES] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The metrics of one RPC, made with its first call.
pub(crate) struct Rpc {
    labels: RpcLabels,
    latency: OnceLock<Latency>,
    failures: [OnceLock<Counter>; CODES],
}

/// Whose RPC it is, its name, and the tool's name if it is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RpcLabels {
    service: String,
    rpc: String,
    tool: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    service: String,
    rpc: String,
    tool: String,
    code: &'static str,
}

static LATENCIES: LazyLock<Family<RpcLabels, Latency>> = LazyLock::new(|| {
    let help = "Time until a call was answered; of a stream, until it began";
    registered("rpc_duration", help, Some(Unit::Seconds), Family::default())
});

static FAILURES: LazyLock<Family<FailureLabels, Counter>> =
    LazyLock::new(|| registered("rpc_failures", "Calls that failed, by gRPC status", None, Family::default()));

/// Every RPC of the contract, by its gRPC path.
static RPCS: LazyLock<HashMap<String, Rpc>> = LazyLock::new(|| {
    let catalogue = Catalogue::ours();
    let tools: HashMap<_, _> = catalogue.iter().map(|tool| (tool.path.as_str(), tool.name.as_str())).collect();
    let methods = proto::POOL.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let rpcs = methods.map(|method| {
        let service = method.parent_service().full_name().to_owned();
        let path = format!("/{service}/{}", method.name());
        // dicetower.dice.v1.DiceService
        let labels = RpcLabels {
            service: service.split('.').nth(1).unwrap_or_default().to_owned(),
            rpc: method.name().to_owned(),
            tool: tools.get(path.as_str()).copied().unwrap_or_default().to_owned(),
        };
        (path, Rpc { labels, latency: OnceLock::new(), failures: Default::default() })
    });
    rpcs.collect()
});

/// The RPC at a gRPC path, if it is one of ours.
pub(crate) fn find(path: &str) -> Option<&'static Rpc> {
    RPCS.get(path)
}

impl Rpc {
    /// Notes a call that took so long and ended with this gRPC status.
    pub(crate) fn observe(&self, took: Duration, code: Code) {
        self.latency.get_or_init(|| LATENCIES.get_or_create_owned(&self.labels)).observe(took);
        if code == Code::Ok {
            return;
        }
        let code = code as usize;
        let counter = self.failures[code].get_or_init(|| {
            let RpcLabels { service, rpc, tool } = self.labels.clone();
            FAILURES.get_or_create_owned(&FailureLabels { service, rpc, tool, code: NAMES[code] })
        });
        counter.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_under_its_service_its_rpc_and_its_tool() {
        let rpc = find(&Catalogue::ours().get("roll_dice").unwrap().path).unwrap();
        rpc.observe(Duration::from_millis(3), Code::Ok);
        rpc.observe(Duration::from_millis(3), Code::InvalidArgument);
        rpc.observe(Duration::from_millis(3), Code::Unauthenticated);

        let text = super::super::text(false).unwrap();
        let labels = format!("service=\"dice\",rpc=\"{}\",tool=\"roll_dice\"", rpc.labels.rpc);
        for expected in [
            format!("dicetower_rpc_duration_seconds_count{{{labels}}} 3\n"),
            format!("dicetower_rpc_failures_total{{{labels},code=\"INVALID_ARGUMENT\"}} 1\n"),
            format!("dicetower_rpc_failures_total{{{labels},code=\"UNAUTHENTICATED\"}} 1\n"),
        ] {
            assert!(text.contains(&expected), "{expected} is not in\n{text}");
        }
    }
}
