//! Breaks a whole deployment on purpose, and checks that nothing acknowledged is lost, doubled or reordered.

use std::{
    io::Write,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Parser;
use faults::{
    check,
    crowd::Crowd,
    deployment::Deployment,
    hosts::Hosts,
    lines,
    plan::{self, Kind},
    players::{Player, Progress},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// People at the WebSocket, two to a table, one on each gateway.
const PLAYERS: usize = 4;
/// Clients of the Java line, each with a game of its own.
const LINES: usize = 2;
/// Time in which everyone must play again after a fault, so that a run ends. The figure that counts is printed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much longer each listener is waited for: a small machine takes a crowd in slowly.
const FOR_EACH: Duration = Duration::from_millis(50);

/// Breaks a deployment by seed, and checks the clients' records against the logs.
#[derive(Parser)]
struct Args {
    /// Seeds to try, one run each.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// The first of them; a seed that failed is tried again with `--first N --seeds 1`.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Faults of one run.
    #[arg(long, default_value_t = 5)]
    faults: usize,
    /// Listeners who come back all at once when every client is cut off.
    #[arg(long, default_value_t = 200)]
    crowd: usize,
    /// Make no hosts, as where that is not allowed: everything on this one, and all faults of the network through proxies.
    #[arg(long)]
    proxies: bool,
    /// Keep what the processes and the players have written down of every run; of one that fails it is kept in any case.
    #[arg(long)]
    keep: bool,
    /// The binary whose services are broken.
    #[arg(long, default_value = "target/debug/dicetower")]
    binary: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Whoever stops it finds no server of it running afterwards.
    let done = tokio::select! {
        done = try_seeds(Args::parse()) => done,
        () = is_stopped() => Err(anyhow::anyhow!("stopped before the end")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // In a line, and never with a backtrace: that looks like a panic.
            let _ = writeln!(std::io::stderr(), "faults: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn is_stopped() {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

async fn try_seeds(args: Args) -> anyhow::Result<()> {
    // It fails only if a provider is there already, and that one is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let binary = args.binary.canonicalize().with_context(|| format!("find {}", args.binary.display()))?;
    let hosts = match args.proxies {
        true => Err(anyhow::anyhow!("--proxies was given")),
        false => Hosts::make().await,
    };
    let network = match &hosts {
        Ok(_) => "every server stands in a network namespace of its own, whose packets are lost; proxies cut and slow connections".to_owned(),
        Err(error) => format!(
            "faults go through proxies, not network namespaces ({error:#}): connections are cut, stalled and slowed, and what \
             would be lost comes as late as TCP sends it again"
        ),
    };
    let hosts = hosts.unwrap_or(Hosts::NONE);
    say(&format!(
        "{network}; a slow disk is one whose processes are held up; one TCP adapter, two of every other service"
    ))?;
    // Each listener takes three descriptors: his own, and two in the proxy.
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_default();
    anyhow::ensure!(
        3 * args.crowd as u64 + 1000 <= descriptors,
        "{descriptors} descriptors are too few for --crowd {}; raise the limit (ulimit -n)",
        args.crowd
    );
    let mut failed = Vec::new();
    for seed in args.first..args.first + args.seeds {
        let violations = run(&binary, hosts, seed, &args).await.with_context(|| format!("seed {seed}"))?;
        for violation in &violations {
            say(&format!("seed {seed}: {violation}"))?;
        }
        if !violations.is_empty() {
            failed.push(seed);
        }
    }
    anyhow::ensure!(failed.is_empty(), "seeds that failed: {failed:?}");
    say(&format!("{} seeds: nothing acknowledged was lost, doubled or reordered, and no gap was silent", args.seeds))
}

/// One run; what was violated.
async fn run(binary: &std::path::Path, hosts: Hosts, seed: u64, args: &Args) -> anyhow::Result<Vec<String>> {
    let mut deployment = Deployment::start(binary, hosts).await?;
    let stop = CancellationToken::new();
    let doors = [deployment.door("gateway-a"), deployment.door("gateway-b")];
    let players: Vec<Player> = (0..PLAYERS).map(|number| Player::start(number, seed, doors, &stop)).collect();
    let lines: Vec<_> = (0..LINES).map(|number| lines::start(number, &deployment, &stop)).collect();
    let crowd = Crowd::start(args.crowd, &deployment, &stop);
    let mut violations = Vec::new();
    let patience = PATIENCE + FOR_EACH * u32::try_from(args.crowd).unwrap_or(u32::MAX);
    let is_there = crowd.gathered(0, patience).await.is_some();
    anyhow::ensure!(is_there, "{} of {} listeners are there after {} s", crowd.here(), args.crowd, patience.as_secs());
    everyone_plays(&players, "the start", &mut violations).await;

    let mut slowest = Duration::ZERO;
    for fault in plan::faults(seed, args.faults) {
        if let Some(lack) = deployment.lacks(fault.kind) {
            say(&format!("seed {seed}: {fault}: left out, since {lack}"))?;
            continue;
        }
        // What a machine that is busy with other things needs in any case.
        let usual = everyone_plays(&players, "no fault", &mut violations).await;
        tokio::time::sleep(fault.after).await;
        let made = crowd.made();
        deployment.inject(&fault).await?;
        let took = everyone_plays(&players, &fault.to_string(), &mut violations).await;
        slowest = slowest.max(took);
        let (usual, took) = (usual.as_millis(), took.as_millis());
        say(&format!("seed {seed}: {fault}; everyone played again after {took} ms ({usual} ms before it)"))?;
        if fault.kind == Kind::Storm {
            match crowd.gathered(made, patience).await {
                Some(more) => {
                    let took = took + more.as_millis();
                    say(&format!("seed {seed}: {} listeners were back after {took} ms", args.crowd))?;
                }
                None => violations.push(format!("{} of {} listeners have come back", crowd.here(), args.crowd)),
            }
        }
    }

    stop.cancel();
    let (mut records, mut diaries) = (Vec::new(), Vec::new());
    for player in players {
        let (record, diary) = player.finish().await?;
        diaries.push((record.name.clone(), diary));
        records.push(record);
    }
    let logs = deployment.session_logs(&records).await?;
    violations.extend(check::sessions(&records, &logs));
    for line in lines {
        let record = line.await?;
        let log = deployment.game_log(&record.game).await?;
        violations.extend(check::game(&record, &log));
    }
    let acknowledged: usize = records.iter().map(|record| record.acknowledged.len()).sum();
    say(&format!(
        "seed {seed}: {acknowledged} messages acknowledged, {} events logged, slowest return {} ms",
        logs.values().map(Vec::len).sum::<usize>(),
        slowest.as_millis(),
    ))?;
    if args.keep || !violations.is_empty() {
        let folder = deployment.keep_logs();
        for (name, diary) in diaries {
            std::fs::write(folder.join(format!("{name}.log")), diary)?;
        }
        say(&format!("seed {seed}: what all have written down is kept in {}", folder.display()))?;
    }
    deployment.stop().await;
    Ok(violations)
}

/// Waits until every player has had a turn that began from now on; tells how long that took.
async fn everyone_plays(players: &[Player], after: &str, violations: &mut Vec<String>) -> Duration {
    let since = Instant::now();
    for player in players {
        let mut progress: tokio::sync::watch::Receiver<Progress> = player.progress();
        let played = progress.wait_for(|progress| progress.last_turn_began.is_some_and(|began| since <= began));
        if tokio::time::timeout(PATIENCE, played).await.is_err() {
            let (name, doing) = (&player.name, player.doing());
            violations.push(format!("{name} does not play again within {} s of {after}; {doing}", PATIENCE.as_secs()));
        }
    }
    since.elapsed()
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("write to standard output")
}
