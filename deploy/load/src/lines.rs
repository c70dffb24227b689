//! The Java line: how soon an accepted event is answered, how many are in a second, and what idle connections cost; beside
//! it a bare echo of lines.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{process, stats::median, target::Target};

/// Events before it counts.
const WARM_UP: usize = 200;

/// An event that is accepted as often as it is sent.
const EVENT: &str = "EVENT:TOGGLE_LOME";
/// Events that a pipelining sender writes at a time.
const BLOCK: usize = 64;

struct Line {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Line {
    async fn connect(address: &str) -> anyhow::Result<Line> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Line { lines: BufReader::new(reader).lines(), writer })
    }

    async fn send(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(self.writer.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// Sends so many events without waiting, and reads all their answers meanwhile.
    async fn stream(self, events: usize) -> anyhow::Result<()> {
        let Line { mut lines, mut writer } = self;
        let sending = async {
            for sent in (0..events).step_by(BLOCK) {
                let block = format!("{EVENT}\n").repeat(BLOCK.min(events - sent));
                writer.write_all(block.as_bytes()).await?;
            }
            anyhow::Ok(())
        };
        let reading = async {
            let mut answered = 0;
            while answered < events {
                let line = lines.next_line().await?.context("the line was closed")?;
                anyhow::ensure!(!line.starts_with("ERROR:"), "{line}");
                answered += usize::from(line.starts_with("<valid_events>"));
            }
            anyhow::Ok(())
        };
        tokio::try_join!(sending, reading)?;
        Ok(())
    }

    async fn until(&mut self, start: &str) -> anyhow::Result<()> {
        loop {
            let line = self.lines.next_line().await?.context("the line was closed")?;
            anyhow::ensure!(!line.starts_with("ERROR:"), "{line}");
            if line.starts_with(start) {
                return Ok(());
            }
        }
    }
}

/// The p50 of an accepted event, answered and durable.
pub async fn events(target: &Target, events: usize) -> anyhow::Result<Duration> {
    let mut line = Line::connect(&target.tcp).await?;
    line.until("<valid_events>").await?;
    measure(&mut line, EVENT, "<valid_events>", events).await
}

/// Events a second, answered and durable, on one connection that does not wait for answers.
pub async fn pipelined(target: &Target, events: usize) -> anyhow::Result<f64> {
    let mut line = Line::connect(&target.tcp).await?;
    line.until("<valid_events>").await?;
    let begun = Instant::now();
    line.stream(events).await?;
    Ok(events as f64 / begun.elapsed().as_secs_f64())
}

/// Events a second over so many games at once, each on a connection of its own.
pub async fn over_games(target: &Target, games: usize, events: usize) -> anyhow::Result<f64> {
    let mut lines = Vec::with_capacity(games);
    for game in 0..games {
        let mut line = Line::connect(&target.tcp).await?;
        line.until("<valid_events>").await?;
        line.send(&format!("GAME load-{game}")).await?;
        line.until("<valid_events>").await?;
        lines.push(line);
    }
    let each = events.div_ceil(games);
    let begun = Instant::now();
    futures_util::future::try_join_all(lines.into_iter().map(|line| line.stream(each))).await?;
    Ok((each * games) as f64 / begun.elapsed().as_secs_f64())
}

/// Time from the options confirmed until the phase 1 menu stands complete.
pub async fn to_phase_1(target: &Target) -> anyhow::Result<Duration> {
    let mut line = Line::connect(&target.tcp).await?;
    line.until("<valid_events>").await?;
    line.send("GAME measured").await?;
    line.until("<valid_events>").await?;
    let begun = Instant::now();
    line.send("EVENT:GAME_OPTIONS_CONFIRMED").await?;
    line.until("<state> PHASE_1_RECOVER_AND_DRAW").await?;
    line.until("<valid_events>").await?;
    Ok(begun.elapsed())
}

/// So many connections that have been greeted and say nothing.
pub async fn idle(target: &Target, connections: usize) -> anyhow::Result<impl Sized> {
    let mut idle = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut line = Line::connect(&target.tcp).await?;
        line.until("<valid_events>").await?;
        idle.push(line);
    }
    Ok(idle)
}

/// The p50 of a server that sends each line back.
pub async fn bare(events: usize) -> anyhow::Result<Duration> {
    let (listener, address) = process::listen().await?;
    process::threads()?.spawn(async move {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        while let Some(line) = lines.next_line().await? {
            writer.write_all(format!("{line}\n").as_bytes()).await?;
        }
        anyhow::Ok(())
    });
    measure(&mut Line::connect(&address).await?, "EVENT:ECHO", "EVENT:ECHO", events).await
}

async fn measure(line: &mut Line, event: &str, answer: &str, events: usize) -> anyhow::Result<Duration> {
    let mut times = Vec::with_capacity(events);
    for number in 0..events + WARM_UP {
        let begun = Instant::now();
        line.send(event).await?;
        line.until(answer).await?;
        if WARM_UP <= number {
            times.push(begun.elapsed());
        }
    }
    Ok(median(times))
}
