//! Clients of the Java line: each sends one event after another to a game of its own and counts what is acknowledged.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{check::LineRecord, deployment::Deployment};

/// Time without a line after which a client connects again.
const SILENCE: Duration = Duration::from_secs(2);
/// Time between two tries to connect, and between two events.
const PAUSE: Duration = Duration::from_millis(50);

/// Starts a client that goes on until it is stopped.
pub fn start(number: usize, deployment: &Deployment, stop: &CancellationToken) -> JoinHandle<LineRecord> {
    let (door, stop) = (deployment.door("tcp-adapter"), stop.clone());
    let mut record = LineRecord { game: format!("line-{number}"), ..LineRecord::default() };
    tokio::spawn(async move {
        while !stop.is_cancelled() {
            // A lost connection is what this is about: it comes back.
            let _ = talk(door, &mut record, &stop).await;
            tokio::time::sleep(PAUSE).await;
        }
        record
    })
}

async fn talk(door: SocketAddr, record: &mut LineRecord, stop: &CancellationToken) -> anyhow::Result<()> {
    let (reader, mut writer) = TcpStream::connect(door).await?.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut events = async || -> anyhow::Result<String> {
        loop {
            let line = tokio::time::timeout(SILENCE, lines.next_line()).await??;
            let line = line.ok_or_else(|| anyhow::anyhow!("the line was closed"))?;
            if line.starts_with("<valid_events>") || line.starts_with("ERROR") {
                return Ok(line);
            }
        }
    };
    events().await?;
    writer.write_all(format!("GAME {}\n", record.game).as_bytes()).await?;
    events().await?;
    while !stop.is_cancelled() {
        // It may be in the log although its answer is lost, so that it counts as sent from here on.
        record.sent += 1;
        writer.write_all(b"EVENT:TOGGLE_LOME\n").await?;
        if events().await?.starts_with('<') {
            record.acknowledged += 1;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
