//! Plays for hours on a whole deployment, and prints how memory, descriptors and latency go: what leaks has a slope.
//!
//! `load` is what is played, `series` what is measured and the lines laid through it.

mod load;
mod series;

use std::{
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Parser;
use faults::{deployment::Deployment, hosts::Hosts};
use load::Load;
use series::Series;

/// Plays on a whole deployment and prints the slopes of memory, descriptors and latency.
#[derive(Parser)]
struct Args {
    /// How long it plays.
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// Seconds between two readings.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    every: u64,
    /// People who talk at a table of their own, half of them on either gateway; as many roll through REST.
    #[arg(long, default_value_t = 8)]
    players: usize,
    /// Clients of the Java line.
    #[arg(long, default_value_t = 4)]
    lines: usize,
    /// People who only look on.
    #[arg(long, default_value_t = 50)]
    watchers: usize,
    /// The binary whose services are tried.
    #[arg(long, default_value = "target/release/dicetower")]
    binary: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // It fails only if a provider is there already, and that one is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let binary = args.binary.canonicalize().with_context(|| format!("find {}", args.binary.display()))?;
    let deployment = Deployment::start(&binary, Hosts::NONE).await?;
    let load = Load::start(&deployment, args.players, args.lines, args.watchers);

    let began = Instant::now();
    let lasts = Duration::from_secs(60 * args.minutes);
    let mut series = Series::default();
    let mut readings = tokio::time::interval(Duration::from_secs(args.every));
    // The first comes at once, before anything has been played.
    readings.tick().await;
    while began.elapsed() < lasts {
        readings.tick().await;
        let hours = began.elapsed().as_secs_f64() / 3600.0;
        for (name, process) in deployment.processes() {
            series.add(&format!("{name}: memory, MiB"), hours, resident_mib(process)?);
            series.add(&format!("{name}: descriptors"), hours, descriptors(process)?);
        }
        for (name, milliseconds) in load.latencies() {
            series.add(&format!("{name}, p95, ms"), hours, milliseconds);
        }
    }
    let (done, failures) = load.stop().await;
    deployment.stop().await;
    writeln!(std::io::stdout(), "{series}\n{done} answers in {} minutes, {} failures", args.minutes, failures.len())?;
    anyhow::ensure!(failures.is_empty(), "the first failures: {}", failures[..failures.len().min(5)].join("; "));
    Ok(())
}

fn resident_mib(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a process that has ended")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn descriptors(process: u32) -> anyhow::Result<f64> {
    Ok(std::fs::read_dir(format!("/proc/{process}/fd"))?.count() as f64)
}
