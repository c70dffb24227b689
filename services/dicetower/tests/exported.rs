//! Everything sampled: every action is one complete trace at a collector of somebody else's, without a span that hangs in the
//! air.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt, stream};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use support::{PATIENCE, http, signal, start_service};
use tempfile::tempdir;
use tokio::{net::TcpListener, time::timeout};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

/// Actions under way at once.
const AT_ONCE: usize = 8;

#[derive(Clone, Debug)]
struct Span {
    service: String,
    id: Vec<u8>,
    parent: Vec<u8>,
}

/// An OTLP receiver that keeps what comes, by trace.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<BTreeMap<String, Vec<Span>>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut traces = self.0.lock().unwrap();
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.unwrap_or_default().attributes;
            let name = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let service = format!("{:?}", name.and_then(|name| name.value));
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let trace = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
                let kept = Span { service: service.clone(), id: span.span_id, parent: span.parent_span_id };
                traces.entry(trace).or_default().push(kept);
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test]
async fn every_action_is_one_complete_trace_when_everything_is_sampled() {
    let actions = if std::env::var_os("DICETOWER_DEEP").is_some() { 10_000 } else { 300 };
    let collector = Collector::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector.clone()));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));

    let folder = tempdir().unwrap();
    let mut environment = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint),
        ("DICETOWER_TRACES_PER_SECOND".to_owned(), "1000000".to_owned()),
        ("DICETOWER_FSM_URL".to_owned(), "http://127.0.0.1:1".to_owned()),
        ("DICETOWER_ORCHESTRATOR_URL".to_owned(), "http://127.0.0.1:1".to_owned()),
    ];
    let mut processes = Vec::new();
    for service in ["dice", "character"] {
        let pairs: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        let (child, address) = start_service(&folder, &[service, "--listen", "127.0.0.1:0"], &pairs).await;
        environment.push((format!("DICETOWER_{}_URL", service.to_uppercase()), format!("http://{address}")));
        processes.push(child);
    }
    let pairs: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    let (gateway, address) = start_service(&folder, &["gateway", "--http", "127.0.0.1:0"], &pairs).await;
    processes.push(gateway);

    let (client, url) = (http(), format!("http://{address}/api/tools/roll_character_initiative"));
    let roll = |_| async {
        let request = client.post(&url).header("content-type", "application/json");
        let answer = request.body(r#"{"character_name": "Platinum"}"#).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.headers()["x-trace-id"].to_str().unwrap().replace('-', "")
    };
    let done: BTreeSet<String> = stream::iter(0..actions).map(roll).buffer_unordered(AT_ONCE).collect().await;
    // With its end each process sends what it still has.
    for process in &mut processes {
        signal(process, "TERM").await;
        timeout(PATIENCE, process.wait()).await.expect("it ends").unwrap();
    }

    let traces = collector.0.lock().unwrap();
    assert_eq!(done.len(), actions);
    let mut broken = Vec::new();
    for id in &done {
        let spans = traces.get(id).cloned().unwrap_or_default();
        let ids: BTreeSet<&Vec<u8>> = spans.iter().map(|span| &span.id).collect();
        let roots = spans.iter().filter(|span| span.parent.iter().all(|byte| *byte == 0)).count();
        let has_orphan =
            spans.iter().any(|span| span.parent.iter().any(|byte| *byte != 0) && !ids.contains(&span.parent));
        let services: BTreeSet<String> = spans.iter().map(|span| span.service.clone()).collect();
        if roots != 1 || has_orphan || services.len() != 3 {
            broken.push((id, roots, has_orphan, services));
        }
    }
    assert!(broken.is_empty(), "{} of {actions} are not complete: {:?}", broken.len(), broken.first());
}
