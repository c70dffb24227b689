//! The load program: one table of every figure we promise, beside bare baselines measured in the same run.
//!
//! It starts the release binary as a user does, once with sampling as shipped and once with every trace recorded, and
//! talks to its real ports from this process. Nothing here fails because a machine is slow.

mod chat;
mod commits;
mod grpc;
mod lines;
mod players;
mod process;
mod replicas;
mod rest;
mod sheets;
mod sockets;
mod stats;
mod stream;
mod target;

use std::{io::Write, path::Path};

use anyhow::Context as _;
use clap::Parser;
use fake_model::FakeModel;
use stats::Table;
use target::{Sampling, Target};
use tokio::runtime;

/// Games that are played at once where the rate over many is measured.
const GAMES: usize = 64;
/// Events of a rate for each request of the other measurements: a rate takes more of them to be steady.
const EVENTS: usize = 10;

/// A part of the table.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// WebSockets at a gateway of its own.
    Sockets,
    /// Rolls by many callers at a dice service of its own.
    Callers,
    /// Rolls, sheets, lines and the first byte of a story, all services in one process.
    Services,
    /// The game master's turns.
    Turns,
    /// A thousand players at a person's pace, and what of their processor time is tracing.
    Players,
    /// Rolls at two replicas beside those at one; as root, and with --database-url.
    Replicas,
    /// Commits that survive a power cut.
    Durable,
}

/// Measures a release build of dicetower and prints one table.
#[derive(Parser)]
struct Options {
    /// Requests of each measurement.
    #[arg(long, default_value_t = 2000)]
    requests: usize,
    /// Idle connections whose memory is measured.
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Sheets that are listed.
    #[arg(long, default_value_t = 1000)]
    sheets: usize,
    /// The binary; left out, the one that was built beside this program.
    #[arg(long)]
    binary: Option<std::path::PathBuf>,
    /// Authenticated WebSockets whose memory is measured; each takes a file handle here and one in the gateway.
    #[arg(long, default_value_t = 1000)]
    sockets: usize,
    /// A PostgreSQL database that may be written to, for two replicas; left out, they are not measured.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Measure only this.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Be the bare gRPC server, for a measurement of this program itself.
    #[arg(long, hide = true)]
    echo: bool,
    /// Be the bare server of this file.
    #[arg(long, hide = true)]
    sheet: Option<std::path::PathBuf>,
    /// Be the bare WebSocket server.
    #[arg(long, hide = true)]
    echo_frames: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let threads = process::threads()?;
    if options.echo {
        return threads.block_on(grpc::serve_echo());
    }
    if let Some(file) = &options.sheet {
        return threads.block_on(sheets::serve(file));
    }
    if options.echo_frames {
        return threads.block_on(sockets::serve_echo());
    }
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(options))
}

async fn measure(options: Options) -> anyhow::Result<()> {
    // It fails only if a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let binary = match options.binary.clone() {
        Some(binary) => binary.canonicalize()?,
        None => std::env::current_exe()?.with_file_name("dicetower"),
    };
    anyhow::ensure!(binary.exists(), "{} is missing: cargo build --release -p dicetower", binary.display());

    let is_wanted = |part: Part| options.only.is_none_or(|only| only == part);
    let mut table = Table::default();
    if is_wanted(Part::Sockets) {
        frames(&options, &binary, &mut table).await.context("WebSockets")?;
    }
    let quick = chat::quick_model().await?;
    for sampling in [Sampling::AsShipped, Sampling::Everything] {
        if is_wanted(Part::Callers) {
            callers(&options, &binary, sampling, &mut table).await?;
        }
        if is_wanted(Part::Services) {
            services(&options, &binary, sampling, &mut table).await?;
        }
        if is_wanted(Part::Turns) {
            turns(&options, &binary, sampling, &mut table, &quick).await?;
        }
        if is_wanted(Part::Durable) {
            durable(&options, &binary, sampling, &mut table).await?;
        }
    }
    if is_wanted(Part::Players) {
        const PLAYERS: &str = "a processor's share for 1,000 players, a turn each every 10 s";
        let [shipped, everything, nothing] = players::shares(&binary, &quick, 1000).await.context("players")?;
        let shown = |share: f64| format!("{:.1} %, {:.1} of it tracing", 100.0 * share, 100.0 * (share - nothing));
        table.put_text(Sampling::AsShipped, PLAYERS, shown(shipped));
        table.put_text(Sampling::Everything, PLAYERS, shown(everything));
        table.bare_text(PLAYERS, format!("{:.1} %, no trace recorded", 100.0 * nothing));
    }
    if let Some(database) = options.database_url.as_deref().filter(|_| is_wanted(Part::Replicas)) {
        const ROLLS: &str = "rolls in a second, replicas with a fifth of a processor each";
        let [one, two] = replicas::rates(&binary, database, options.requests * 5).await.context("replicas")?;
        table.put_text(Sampling::AsShipped, ROLLS, format!("two: {two:.0} ({:.2} times)", two / one));
        table.bare_text(ROLLS, format!("one: {one:.0}"));
    }
    writeln!(std::io::stdout(), "{table}")?;
    Ok(())
}

/// WebSockets at a gateway of its own.
async fn frames(options: &Options, binary: &Path, table: &mut Table) -> anyhow::Result<()> {
    const FRAMES: &str = "frames answered in a second of the gateway's processor time";
    let sampling = Sampling::AsShipped;
    let cost = sockets::cost(binary, options.requests * 100).await.context("frames")?;
    table.put_text(sampling, FRAMES, format!("{:.0} ({:.0} %)", 1e6 / cost.open, 100.0 * cost.bare / cost.open));
    table.bare_text(FRAMES, format!("{:.0}", 1e6 / cost.bare));
    let added = cost.guarded - cost.open;
    table.put_text(sampling, "what tokens and limits add to a frame", format!("{added:.1} µs of {:.1}", cost.guarded));
    let weight = sockets::weight(binary, options.sockets).await.context("open sockets")?;
    let name = "memory of an authenticated WebSocket in the gateway";
    table.put_text(sampling, name, format!("{:.1} KiB, {} open", weight.0 as f64 / 1024.0, options.sockets));
    let noise = sockets::noise(binary).await.context("a noisy client")?;
    table.put(sampling, "frame beside a client at line rate, p50", noise.beside);
    table.bare("frame beside a client at line rate, p50", noise.alone);
    Ok(())
}

/// Rolls by many callers over gRPC, beside the bare echo.
async fn callers(options: &Options, binary: &Path, sampling: Sampling, table: &mut Table) -> anyhow::Result<()> {
    const ROLLS: &str = "gRPC rolls with their log entries, 64 callers";
    let echoes = grpc::bare(options.requests * 10).await.context("bare gRPC")?;
    let rolls = grpc::rolls(binary, sampling, options.requests * 10).await.context("gRPC rolls")?;
    table.bare_text(ROLLS, format!("{echoes:.0}/s"));
    table.put_text(sampling, ROLLS, format!("{rolls:.0}/s, {:.0} % of the echo", rolls / echoes * 100.0));
    Ok(())
}

/// Rolls, sheets, lines and the first byte of a story, where all services are one process.
async fn services(options: &Options, binary: &Path, sampling: Sampling, table: &mut Table) -> anyhow::Result<()> {
    table.bare("roll through REST, p50", rest::bare(options.requests).await.context("bare REST")?);
    table.bare("line answered, p50", lines::bare(options.requests).await.context("bare line")?);
    let first = stream::bare(options.requests / 20).await.context("bare stream")?;
    table.bare("first narrative byte after the model's, p50", first);
    let model = stream::Model::start().await?;
    let target = Target::start(binary, sampling, Some(model.url()), &[]).await?;
    table.put(sampling, "start to serving", target.started_in);
    table.put_text(sampling, "memory idle", target.memory()?);
    table.put(sampling, "roll through REST, p50", rest::rolls(&target, options.requests).await.context("rolls")?);
    let got = sheets::got(&target, options.requests * 5).await.context("sheets")?;
    let share = 100.0 * got.ours / got.bare;
    table.put_text(sampling, "a sheet got, in a second", format!("{:.0} ({share:.0} %)", got.ours));
    table.bare_text("a sheet got, in a second", format!("{:.0}", got.bare));
    let attacks = grpc::attacks(&target, options.requests).await.context("attacks")?;
    table.put(sampling, "a ranged attack with its dice through gRPC, p50", attacks);
    table.put(sampling, "line answered, p50", lines::events(&target, options.requests).await.context("lines")?);
    let rate = lines::pipelined(&target, options.requests * EVENTS).await.context("pipelined")?;
    table.put_text(sampling, "line events in a second, one connection", format!("{rate:.0}"));
    table.put(sampling, "options confirmed to the phase 1 menu", lines::to_phase_1(&target).await.context("phase 1")?);
    let first = stream::first_byte(&target, &model, options.requests / 20).await.context("stream")?;
    table.put(sampling, "first narrative byte after the model's, p50", first);
    let before = target.memory()?;
    let idle = lines::idle(&target, options.connections).await.context("idle connections")?;
    table.put_text(sampling, "memory of idle line connections", target.memory()?.less(before));
    drop(idle);
    let listed = sheets::listed(&target, options.sheets, 50).await.context("listed")?;
    table.put(sampling, "all sheets listed, p50", listed);
    target.stop().await?;
    Ok(())
}

/// What turns take, beside the bare proxy.
async fn turns(
    options: &Options,
    binary: &Path,
    sampling: Sampling,
    table: &mut Table,
    quick: &FakeModel,
) -> anyhow::Result<()> {
    let target = Target::start(binary, sampling, Some(&quick.url), &[]).await?;
    let idle = target.memory()?;
    let (steps, bare) = chat::steps(&target, quick, options.requests / 2).await.context("steps")?;
    table.bare("first piece of the game master, p50, one stream", bare.first);
    table.bare("a step of the game master, p50, one stream", bare.one);
    table.bare_text("steps in a second, eight players", format!("{:.0}", bare.per_second));
    table.put_beside(sampling, "first piece of the game master, p50, one stream", steps.first, bare.first);
    table.put_beside(sampling, "a step of the game master, p50, one stream", steps.one, bare.one);
    let share = 100.0 * steps.per_second / bare.per_second;
    table.put_text(sampling, "steps in a second, eight players", format!("{:.0} ({share:.0} %)", steps.per_second));
    let heard = chat::heard(&target, options.requests / 10).await.context("heard")?;
    table.put(sampling, "a sentence to four others, p50", heard);
    let stories = chat::stories(&target, options.connections).await.context("stories")?;
    table.put_text(sampling, "stories at once, whole and in order", format!("{} of {}", stories.whole, stories.of));
    table.put(sampling, "all of them told in", stories.took);
    table.put_text(sampling, "memory of that many open sessions", stories.sessions.less(idle));
    target.stop().await?;
    Ok(())
}

/// What it costs that a commit survives a power cut.
async fn durable(options: &Options, binary: &Path, sampling: Sampling, table: &mut Table) -> anyhow::Result<()> {
    table.bare("line answered with --fsync, p50", commits::bare(options.requests).await.context("bare commits")?);
    let target = Target::start(binary, sampling, None, &["--fsync"]).await?;
    let answered = lines::events(&target, options.requests).await.context("lines with fsync")?;
    table.put(sampling, "line answered with --fsync, p50", answered);
    let rate = lines::over_games(&target, GAMES, options.requests * EVENTS).await.context("many games")?;
    table.put_text(sampling, "line events in a second with --fsync, 64 games", format!("{rate:.0}"));
    target.stop().await?;
    Ok(())
}
