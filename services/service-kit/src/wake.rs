//! Wakes: word to the other replicas that something has happened, over NATS where there is one.
//!
//! A wake is a hint and nothing more. The truth is in the database: whoever waits for something looks there again after a
//! while, and without NATS that is all. With NATS he looks at once, or has what happened in the wake itself. So a wake may
//! be lost, and losing NATS only slows.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use async_nats::{ConnectOptions, Event, Subscriber, connection::State};
use bytes::Bytes;
use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::metrics::{self, By, Counter, Gauge};

/// Wakes that may wait to be sent; more are dropped.
const QUEUE: usize = 4096;
/// Largest word of a wake, in bytes. NATS' own limit is a mebibyte unless its operator says otherwise.
const LIMIT: usize = 256 * 1024;
/// First pause before NATS is tried again; it doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Time in which NATS must answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How much less often one looks by himself who would be woken.
const PATIENCE: u32 = 10;

/// Where the wakes go.
#[derive(clap::Args, Clone, Debug)]
pub struct WakeConfig {
    /// NATS server that wakes the other replicas, such as nats://nats:4222; without one they look again by themselves.
    #[arg(long = "nats", env = "NATS_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub nats: Option<SecretString>,
    /// What the subjects of this deployment begin with; two deployments on one NATS need two.
    #[arg(long = "nats-prefix", env = "NATS_PREFIX", default_value = PREFIX, global = true)]
    pub nats_prefix: String,
}

const PREFIX: &str = "dicetower";

impl Default for WakeConfig {
    fn default() -> WakeConfig {
        WakeConfig { nats: None, nats_prefix: PREFIX.to_owned() }
    }
}

/// The way to the other replicas. Without NATS nobody is woken and nothing fails.
#[derive(Clone, Default)]
pub struct Wakes(Option<Arc<Wire>>);

struct Wire {
    client: async_nats::Client,
    prefix: String,
    waiting: mpsc::Sender<(String, Bytes)>,
    /// How often the connection has come about.
    connections: watch::Receiver<u64>,
    counts: By<Counter>,
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Somebody's wake.
    Said(Bytes),
    /// Wakes may have been lost: look at the truth.
    Look,
}

/// One who wants to be woken; dropping it ends that.
pub struct Listener(Option<Ear>);

struct Ear {
    subscriber: Subscriber,
    connections: watch::Receiver<u64>,
    heard: Counter,
}

impl Wakes {
    /// Wakes by the NATS server of the configuration. It is not waited for: as long as it is away, wakes are lost.
    ///
    /// # Errors
    ///
    /// The address is none, or the prefix cannot stand in a subject.
    pub async fn start(config: &WakeConfig, name: &str, shutdown: CancellationToken) -> anyhow::Result<Wakes> {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        anyhow::ensure!(
            config.nats_prefix.split('.').all(is_word),
            "--nats-prefix has words of letters, digits and hyphens with dots between them, not {:?}",
            config.nats_prefix
        );
        let Some(url) = config.nats.as_ref().map(ExposeSecret::expose_secret).filter(|url| !url.is_empty()) else {
            return Ok(Wakes::default());
        };
        // Its text may name a password.
        anyhow::ensure!(is_address(url), "--nats is not an address such as nats://nats:4222");
        let connected = metrics::gauge("nats_connected", "Whether NATS can be reached; without it wakes come late");
        let (count, connections) = watch::channel(0);
        let count = Arc::new(count);
        let ending = shutdown.clone();
        let options = ConnectOptions::new()
            .name(format!("dicetower {name}"))
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(pause)
            .event_callback(move |event| {
                note(&event, &connected, &count, ending.is_cancelled());
                std::future::ready(())
            });
        // Its text may name a password.
        let client = options.connect(url).await.ok().context("--nats is not an address such as nats://nats:4222")?;
        let (waiting, queue) = mpsc::channel(QUEUE);
        tokio::spawn(send(client.clone(), queue, shutdown));
        let counts = metrics::counters("wakes", "Wakes between replicas by what became of them", "outcome");
        Ok(Wakes(Some(Arc::new(Wire { client, prefix: config.nats_prefix.clone(), waiting, connections, counts }))))
    }

    /// Whether NATS can be reached; `None` if there is none.
    pub fn is_connected(&self) -> Option<bool> {
        self.0.as_ref().map(|wire| wire.is_connected())
    }

    /// Whether somebody could hear a wake now; where not, nobody need write one.
    pub fn may_be_heard(&self) -> bool {
        self.is_connected() == Some(true)
    }

    /// Wakes whoever listens to a subject in another process. It neither waits nor fails. A word that is too long is not
    /// said; then the listener only looks.
    pub fn wake(&self, subject: &str, word: Bytes) {
        let Some(wire) = &self.0 else { return };
        let word = if LIMIT < word.len() { Bytes::new() } else { word };
        let is_sent = wire.is_connected() && wire.waiting.try_send((wire.full(subject), word)).is_ok();
        wire.counts.with(if is_sent { "sent" } else { "dropped" }).inc();
    }

    /// Listens to a subject.
    pub async fn listen(&self, subject: &str) -> Listener {
        let Some(wire) = &self.0 else { return Listener(None) };
        // While NATS is away, the client may have no room for the wish; looking is enough until then.
        let wish = tokio::time::timeout(CONNECT_TIMEOUT, wire.client.subscribe(wire.full(subject))).await;
        let Ok(Ok(subscriber)) = wish else {
            tracing::warn!(subject, "NATS takes no subscription; what happens elsewhere is seen late");
            return Listener(None);
        };
        let mut connections = wire.connections.clone();
        connections.mark_unchanged();
        Listener(Some(Ear { subscriber, connections, heard: wire.counts.with("heard") }))
    }

    /// Says each change here to the other replicas, without a word, and counts theirs in what is answered. Where there is no
    /// NATS, that never changes.
    pub async fn share(&self, subject: &'static str, mut here: watch::Receiver<u64>) -> watch::Receiver<u64> {
        let (count, elsewhere) = watch::channel(0);
        if self.0.is_some() {
            let (wakes, mut words) = (self.clone(), self.listen(subject).await);
            here.mark_unchanged();
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        changed = here.changed() => match changed {
                            Ok(()) => wakes.wake(subject, Bytes::new()),
                            Err(_) => return,
                        },
                        _ = words.next() => count.send_modify(|count| *count += 1),
                    }
                }
            });
        }
        elsewhere
    }

    /// How long one may wait before he looks by himself, who would look so often without being woken.
    pub fn pause(&self, alone: Duration) -> Duration {
        if self.may_be_heard() { alone * PATIENCE } else { alone }
    }
}

impl Wire {
    fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    fn full(&self, subject: &str) -> String {
        format!("{}.{subject}", self.prefix)
    }
}

impl Listener {
    /// The next word. It never comes where there is no NATS; whoever waits looks again by himself, too.
    pub async fn next(&mut self) -> Word {
        let Some(ear) = &mut self.0 else { return std::future::pending().await };
        let next = tokio::select! {
            said = ear.subscriber.next() => said.map(|message| message.payload),
            changed = ear.connections.changed() => match changed {
                Ok(()) => return Word::Look,
                Err(_) => None,
            },
        };
        match next {
            Some(word) => {
                ear.heard.inc();
                if word.is_empty() { Word::Look } else { Word::Said(word) }
            }
            // The client has ended: nobody will wake anybody.
            None => {
                self.0 = None;
                Word::Look
            }
        }
    }
}

/// A name of anybody's choice as one word of a subject.
pub fn token(name: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(name)
}

/// The pause after so many attempts that failed.
fn pause(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (FIRST_PAUSE * 2u32.pow(doublings)).min(LONGEST_PAUSE)
}

/// Whether a text is the address of a NATS server, or of several with commas.
fn is_address(text: &str) -> bool {
    text.split(',').all(|address| {
        let schemes = ["nats://", "tls://", "ws://", "wss://"];
        let host = schemes.iter().find_map(|scheme| address.trim().strip_prefix(scheme));
        host.is_some_and(|host| !host.is_empty())
    })
}

fn note(event: &Event, connected: &Gauge, count: &watch::Sender<u64>, is_ending: bool) {
    match event {
        Event::Connected => {
            connected.set(1);
            count.send_modify(|count| *count += 1);
            tracing::info!("NATS is there: other replicas are woken");
        }
        Event::Disconnected | Event::Closed => {
            connected.set(0);
            if is_ending {
                tracing::debug!("NATS is left");
                return;
            }
            tracing::warn!("NATS is lost: what happens on other replicas is seen late until it is back");
        }
        // One for each attempt.
        Event::ClientError(error) => tracing::debug!(%error, "NATS"),
        other => tracing::info!(event = %other, "NATS"),
    }
}

/// Sends what waits, one after the other: while NATS is away the client waits, and nobody else must.
async fn send(client: async_nats::Client, mut queue: mpsc::Receiver<(String, Bytes)>, shutdown: CancellationToken) {
    while let Some((subject, word)) = queue.recv().await {
        if let Err(error) = client.publish(subject, word).await {
            tracing::debug!(%error, "a wake could not be sent");
        }
    }
    // The last ones tell of this process' end.
    if shutdown.is_cancelled() {
        let _ = tokio::time::timeout(CONNECT_TIMEOUT, client.flush()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_nats_is_tried_again_ever_less_often() {
        let pauses: Vec<u128> = (0..7).map(|attempts| pause(attempts).as_millis()).collect();

        assert_eq!(pauses, [50, 50, 100, 200, 400, 500, 500]);
    }

    #[test]
    fn any_name_is_one_word_of_a_subject() {
        let word = token("an evening > at *.the table");

        assert!(word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{word}");
        assert_ne!(word, token("an evening > at *.the tablf"));
    }

    #[tokio::test]
    async fn without_nats_nobody_is_woken_and_nothing_fails() {
        let wakes = Wakes::start(&WakeConfig::default(), "test", CancellationToken::new()).await.unwrap();
        wakes.wake("subject", Bytes::new());

        assert_eq!(wakes.is_connected(), None);
        assert_eq!(wakes.pause(Duration::from_secs(1)), Duration::from_secs(1));
        let mut listener = wakes.listen("subject").await;
        assert!(futures_util::FutureExt::now_or_never(listener.next()).is_none());
    }

    #[tokio::test]
    async fn a_nats_that_is_away_keeps_nobody_waiting() {
        let config = WakeConfig { nats: Some("nats://127.0.0.1:1".into()), nats_prefix: "test".into() };
        let wakes = Wakes::start(&config, "test", CancellationToken::new()).await.unwrap();
        for _ in 0..3 * QUEUE {
            wakes.wake("subject", Bytes::new());
        }

        assert_eq!(wakes.is_connected(), Some(false));
    }

    #[tokio::test]
    async fn what_is_no_address_is_told() {
        for nats in ["nats://a b", "foo", "http://nats:4222", "nats://"] {
            let config = WakeConfig { nats: Some(nats.into()), nats_prefix: "test".into() };
            let refused = Wakes::start(&config, "test", CancellationToken::new()).await.err().unwrap();
            assert!(refused.to_string().contains("nats://nats:4222"), "{refused}");
        }
        // Also where there is no NATS: it would be another surprise later.
        let config = WakeConfig { nats: None, nats_prefix: "a..b".into() };
        let refused = Wakes::start(&config, "test", CancellationToken::new()).await.err().unwrap();
        assert!(refused.to_string().contains("a..b"), "{refused}");
    }
}
