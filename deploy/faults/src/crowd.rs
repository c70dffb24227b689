//! Very many who only listen: what they are for is to come back all at once.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, Message},
};
use tokio_util::sync::CancellationToken;

use crate::deployment::Deployment;

/// How many listen to one session.
const AT_A_TABLE: usize = 500;
/// How many connect at once at the beginning: the storm is to come later.
const AT_ONCE: usize = 100;
/// Time between two tries to connect.
const PAUSE: Duration = Duration::from_millis(50);
/// Time in which a connection must come about.
const CONNECT: Duration = Duration::from_secs(30);

/// The listeners.
pub struct Crowd {
    size: usize,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Those who listen now.
    here: AtomicUsize,
    /// Connections that came about.
    made: AtomicUsize,
}

impl Crowd {
    /// Starts listeners, who come back until they are stopped.
    pub fn start(size: usize, deployment: &Deployment, stop: &CancellationToken) -> Crowd {
        let doors = [deployment.door("gateway-a"), deployment.door("gateway-b")];
        let counts = Arc::new(Counts::default());
        let gate = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        for number in 0..size {
            let (counts, stop, gate) = (counts.clone(), stop.clone(), gate.clone());
            tokio::spawn(async move {
                let entering = gate.acquire_owned().await;
                tokio::select! {
                    () = listen(number, doors, &counts, entering.ok()) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
        Crowd { size, counts }
    }

    /// Those who listen now.
    pub fn here(&self) -> usize {
        self.counts.here.load(Ordering::Acquire)
    }

    /// Connections that have come about so far.
    pub fn made(&self) -> usize {
        self.counts.made.load(Ordering::Acquire)
    }

    /// Waits until everyone listens on a connection that came about after so many; how long that took, if it came to that
    /// in time.
    pub async fn gathered(&self, made_before: usize, patience: Duration) -> Option<Duration> {
        let begun = Instant::now();
        loop {
            let is_here = self.counts.here.load(Ordering::Acquire) == self.size;
            if is_here && made_before + self.size <= self.made() {
                return Some(begun.elapsed());
            }
            if patience < begun.elapsed() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn listen(
    number: usize,
    doors: [SocketAddr; 2],
    counts: &Counts,
    mut entering: Option<tokio::sync::OwnedSemaphorePermit>,
) {
    for turn in number.. {
        let url = format!("ws://{}/game/crowd-{}?after_seq=0", doors[turn % 2], number / AT_A_TABLE);
        let connected = tokio::time::timeout(CONNECT, connect_async(url)).await;
        if let Ok(Ok((mut socket, _))) = connected
            && is_taken_up(&mut socket).await
        {
            counts.here.fetch_add(1, Ordering::AcqRel);
            counts.made.fetch_add(1, Ordering::AcqRel);
            entering = None;
            while let Some(Ok(_)) = socket.next().await {}
            counts.here.fetch_sub(1, Ordering::AcqRel);
        }
        tokio::time::sleep(PAUSE).await;
    }
    drop(entering);
}

/// Waits until a connection is told what happens from where on; what comes before may still be followed by a refusal.
async fn is_taken_up(socket: &mut (impl Stream<Item = Result<Message, Error>> + Unpin)) -> bool {
    while let Some(Ok(message)) = socket.next().await {
        if message.to_text().is_ok_and(|text| text.contains("\"type\":\"resumed\"")) {
            return true;
        }
    }
    false
}
