//! Clients of the Java line: each sends one event after another to a game of its own, under an id, until that is acknowledged.

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
    let mut line_with = async |word: &str| -> anyhow::Result<String> {
        loop {
            let line = tokio::time::timeout(SILENCE, lines.next_line()).await??;
            let line = line.ok_or_else(|| anyhow::anyhow!("the line was closed"))?;
            if line.contains(word) {
                return Ok(line);
            }
        }
    };
    line_with("<valid_events>").await?;
    // Under this name its ids are the same over all its connections.
    writer.write_all(format!("HELLO 2 {0}\nGAME {0}\n", record.game).as_bytes()).await?;
    line_with("<valid_events>").await?;
    while !stop.is_cancelled() {
        // One that was not acknowledged is sent again; it counts once, whether it was in the log or not.
        let id = record.acknowledged + 1;
        record.sent = id;
        writer.write_all(format!("EVENT:TOGGLE_LOME @{id}\n").as_bytes()).await?;
        if line_with(&format!("@{id}")).await?.contains("OK") {
            record.acknowledged = id;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
