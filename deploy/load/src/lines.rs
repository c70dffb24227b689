//! The Java line: how soon an accepted event is answered, and what idle connections cost; beside it a bare echo of lines.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{stats::median, target::Target};

/// Events before it counts.
const WARM_UP: usize = 200;

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
    measure(&mut line, "EVENT:TOGGLE_LOME", "<valid_events>", events).await
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
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
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
