//! Telemetry in one call and a guard: spans to the trace page and to a collector, log lines to console and files.

mod ending;
mod format;
mod rolling;
pub(crate) mod sampler;

use std::{
    io::IsTerminal as _,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use opentelemetry::trace::{SpanId, TraceId, TracerProvider as _};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, IdGenerator, SdkTracerProvider},
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, Targets, dynamic_filter_fn},
    layer::{Context, Filter, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};
use uuid::Uuid;

use self::{ending::Ending, sampler::Sampler};
use crate::{trace, traces};

/// The crates whose spans and events are ours to show; others would trace their own transport.
const OUR_CRATES: [&str; 8] =
    ["service_kit", "dice", "character", "orchestrator", "fsm", "tcp_adapter", "gateway", "dicetower"];
/// What the console shows unless `RUST_LOG` says otherwise. async-openai logs whole bodies, which hold players' words.
const CONSOLE: &str =
    "info,request=warn,async_openai=off,async_nats=warn,sqlx=warn,h2=warn,hyper=warn,tonic=warn,tower=warn,rustls=warn";
/// What the log files hold.
const FILES: &str =
    "info,async_openai=off,async_nats=warn,sqlx=warn,h2=warn,hyper=warn,tonic=warn,tower=warn,rustls=warn";

/// What is measured and where it is written.
#[derive(Clone, Debug, clap::Args)]
pub struct TelemetryConfig {
    /// Traces recorded and exported per second; a trace that a caller names in X-Trace-ID, or that comes sampled from its
    /// caller, always is. Ten times as many others are watched: they are on /traces, and are exported only if they turn
    /// out to fail or to be slow. 0 records none but the named ones.
    #[arg(long, env = "DICETOWER_TRACES_PER_SECOND", default_value_t = 100, global = true)]
    pub traces_per_second: u32,
    /// Milliseconds after which a watched trace is slow.
    #[arg(long, env = "DICETOWER_SLOW_TRACE_MS", default_value_t = 5000, global = true)]
    pub slow_trace_ms: u64,
    /// Traces that this process keeps, the oldest goes first: until it is known whether one has failed or was slow, and for
    /// /traces where the gateway is. One takes some 10 KB.
    #[arg(long, env = "DICETOWER_KEEP_TRACES", default_value_t = traces::TRACES, global = true)]
    pub keep_traces: usize,
    /// Folder for log files: dicetower.log and dicetower-errors.log, each with 5 backups of 10 MB.
    #[arg(long, env = "DICETOWER_LOG_DIR", global = true)]
    pub log_dir: Option<PathBuf>,
    /// OpenTelemetry collector (OTLP over gRPC) that gets the spans, such as http://localhost:4317.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true)]
    pub otlp_endpoint: Option<String>,
    /// Address at which this process answers /metrics and nothing else, to whoever reaches it, such as 0.0.0.0:9464: for
    /// Prometheus in a private network, also where the other ports ask for a token, a secret or a certificate.
    #[arg(id = "metrics_address", long = "metrics", env = "DICETOWER_METRICS", value_name = "ADDRESS", global = true)]
    pub metrics: Option<String>,
}

impl Default for TelemetryConfig {
    fn default() -> TelemetryConfig {
        TelemetryConfig {
            traces_per_second: 100,
            slow_trace_ms: 5000,
            keep_traces: traces::TRACES,
            log_dir: None,
            otlp_endpoint: None,
            metrics: None,
        }
    }
}

/// Keeps telemetry going; what is still to be sent is sent when it is dropped.
#[must_use = "telemetry ends with the guard"]
pub struct Guard {
    provider: SdkTracerProvider,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A collector that is away must not keep the process from ending.
        let _ = self.provider.shutdown();
    }
}

/// Starts telemetry for this process, which calls itself `name` to the collector.
///
/// # Errors
///
/// The log folder cannot be written, the collector's address makes no sense, or telemetry has been started before.
pub fn init(config: &TelemetryConfig, name: &'static str) -> anyhow::Result<Guard> {
    traces::STORE.keep_at_most(config.keep_traces);
    let collector = match &config.otlp_endpoint {
        None => None,
        Some(endpoint) => Some(BatchSpanProcessor::builder(exporter(endpoint)?).build()),
    };
    let slow = Duration::from_millis(config.slow_trace_ms);
    let provider = SdkTracerProvider::builder()
        .with_id_generator(Ids::default())
        .with_sampler(Sampler::ours(config.traces_per_second))
        .with_resource(Resource::builder().with_service_name(name).build())
        .with_span_processor(Ending::new(traces::STORE.clone(), collector, slow))
        .build();

    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("dicetower"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(traced());
    let console = tracing_subscriber::fmt::layer()
        .event_format(format::Console)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_filter(events(console_filter(&std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default())));
    let files = match &config.log_dir {
        None => None,
        Some(folder) => {
            let open = |file: &str| {
                rolling::RollingFile::open(folder.join(file))
                    .with_context(|| format!("open the log in {}", folder.display()))
            };
            let all = tracing_subscriber::fmt::layer()
                .event_format(format::File)
                .with_ansi(false)
                .with_writer(Mutex::new(open("dicetower.log")?))
                .with_filter(events(EnvFilter::new(FILES)));
            let errors = tracing_subscriber::fmt::layer()
                .event_format(format::File)
                .with_ansi(false)
                .with_writer(Mutex::new(open("dicetower-errors.log")?))
                .with_filter(events(EnvFilter::new("error,async_openai=off")));
            Some(all.and_then(errors))
        }
    };
    let layers = tracing_subscriber::registry().with(spans).with(console);
    // A layer that is not there has no filter: it would ask for every span that any crate can make.
    let started = match files {
        None => layers.try_init(),
        Some(files) => layers.with(files).try_init(),
    };
    started.context("start telemetry")?;
    Ok(Guard { provider })
}

/// What the console shows. An empty `RUST_LOG` is as good as none, and so is one that makes no sense.
fn console_filter(rust_log: &str) -> EnvFilter {
    let wanted = Some(rust_log).filter(|text| !text.trim().is_empty()).and_then(|text| EnvFilter::try_new(text).ok());
    wanted.unwrap_or_else(|| EnvFilter::new(CONSOLE))
}

/// The events of a filter. Lines tell nothing of spans, whose fields would be written down for each otherwise.
///
/// It is asked anew for each event. Were it known of our events that they always are of interest, some would be lost: a
/// process on PostgreSQL did not tell its address. Filters keep their answer in the thread until an event takes it; likely
/// somebody only asks, and the next event that asks nothing is taken for his.
fn events<S: Subscriber + for<'a> LookupSpan<'a>>(filter: EnvFilter) -> impl Filter<S> {
    let are_events =
        dynamic_filter_fn(|metadata, _: &Context<'_, S>| metadata.is_event() && !may_tell_secrets(metadata));
    // Without a hint of its own it would hide the other's: every crate's finest events would be asked about, one by one.
    are_events.with_max_level_hint(LevelFilter::TRACE).and(filter)
}

/// Whether an event may have a secret in it, however much somebody wants to see: the client of NATS tells each word that it
/// sends, the password too.
fn may_tell_secrets(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("async_nats") && Level::INFO < *metadata.level()
}

/// What stands in traces: our spans and events, and every SQL statement once. A target is any that begins so, and sqlx
/// tells of the statements itself.
fn traced() -> Targets {
    Targets::new()
        .with_targets(OUR_CRATES.map(|name| (name, LevelFilter::INFO)))
        .with_target("sql", LevelFilter::DEBUG)
        .with_targets(["sqlx", "request"].map(|name| (name, LevelFilter::OFF)))
}

fn exporter(endpoint: &str) -> anyhow::Result<SpanExporter> {
    use opentelemetry_otlp::WithExportConfig;
    SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .with_context(|| format!("{endpoint:?} is not a collector's address such as http://localhost:4317"))
}

/// Gives a root the trace id that is waiting for it, and every span an id of its own.
#[derive(Debug)]
struct Ids {
    /// Span ids need only differ; a counter that begins anywhere is enough, and cheaper than chance.
    next: AtomicU64,
}

impl Default for Ids {
    fn default() -> Ids {
        let anywhere = Uuid::new_v4().as_u64_pair().0;
        Ids { next: AtomicU64::new(anywhere) }
    }
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        match trace::next_root() {
            Some(root) => root.trace_id,
            None => TraceId::from_bytes(Uuid::now_v7().into_bytes()),
        }
    }

    fn new_span_id(&self) -> SpanId {
        // An odd step walks through all numbers before it repeats, and spreads neighbours apart.
        let id = self.next.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        SpanId::from_bytes(id.max(1).to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_stands_once_in_a_trace() {
        assert!(traced().would_enable("sql", &tracing::Level::DEBUG));
        assert!(!traced().would_enable("sqlx::query", &tracing::Level::DEBUG));
    }

    #[test]
    fn an_empty_rust_log_is_as_good_as_none() {
        let usual = EnvFilter::new(CONSOLE).to_string();
        assert_eq!(console_filter("").to_string(), usual);
        assert_eq!(console_filter(" ").to_string(), usual);
        assert_eq!(console_filter("debug").to_string(), "debug");
    }

    #[test]
    fn spans_of_others_are_never_made() {
        let _telemetry = init(&TelemetryConfig::default(), "test").unwrap();

        assert!(!tracing::info_span!("ours").is_disabled());
        assert!(tracing::trace_span!(target: "h2::proto", "theirs").is_disabled());
        assert!(tracing::info_span!(target: "h2::proto", "theirs").is_disabled());
        assert!(!tracing::enabled!(target: "hyper::proto", tracing::Level::TRACE));
        // Nobody is asked about them.
        assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
    }

    #[test]
    fn what_may_tell_a_password_is_never_written() {
        let written = std::sync::Arc::new(Mutex::new(Vec::new()));
        let file = written.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || Writer(file.clone()))
            .with_filter(events(EnvFilter::new("trace")));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::trace!(target: "async_nats::connection", "CONNECT secret");
            tracing::trace!(target: "ours", "seen");
        });

        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(written.contains("seen") && !written.contains("secret"), "{written}");
    }

    struct Writer(std::sync::Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn span_ids_differ() {
        let ids = Ids::default();
        let some: std::collections::HashSet<_> = (0..1000).map(|_| ids.new_span_id()).collect();
        assert_eq!(some.len(), 1000);
    }
}
