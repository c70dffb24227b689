//! Every service as a process of its own, two of those that may be several, on a PostgreSQL and a NATS server of the run; a
//! proxy before each. Each stands on a host of its own where that is allowed.

use std::{
    collections::BTreeMap,
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::Context as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use crate::{
    check::{Logged, Record, Seen},
    hosts::Hosts,
    nats::Nats,
    plan::{Fault, Kind, LINKS},
    players::what,
    postgres::Postgres,
    proxy::{Mode, Proxy},
};

/// Time in which a service must listen.
const START: Duration = Duration::from_secs(60);
/// What a slow connection adds to each piece.
const DELAY: Duration = Duration::from_millis(40);
/// How late a process may read what its clock shows.
const CLOCK_READ: Duration = Duration::from_secs(1);
/// What every server is told: it may be reached from other hosts, and all clients of a run, who have one address, may do
/// whatever they like.
const OPEN: [(&str, &str); 7] = [
    ("DICETOWER_ALLOW_OPEN", "true"),
    ("DICETOWER_STREAMS_PER_ADDRESS", "100000"),
    ("DICETOWER_CONNECTIONS_PER_ADDRESS", "100000"),
    ("DICETOWER_RATE_REQUESTS", "0"),
    ("DICETOWER_RATE_FRAMES", "0"),
    ("DICETOWER_RATE_ROLLS", "0"),
    ("DICETOWER_RATE_TURNS", "0"),
];
/// Connections that clients hold.
const DOORS: [&str; 3] = ["gateway-a", "gateway-b", "tcp-adapter"];

/// The running deployment.
pub struct Deployment {
    hosts: Hosts,
    binary: PathBuf,
    folder: TempDir,
    environment: Vec<(String, String)>,
    services: BTreeMap<&'static str, Service>,
    proxies: BTreeMap<&'static str, Proxy>,
    http: reqwest::Client,
    postgres: Postgres,
    nats: Nats,
    /// What lets a process have a clock of its own, if it is installed.
    clock: Option<PathBuf>,
}

struct Service {
    args: Vec<String>,
    /// Where it listens, behind its proxy.
    address: SocketAddr,
    child: Child,
}

impl Deployment {
    /// Starts everything.
    pub async fn start(binary: &Path, hosts: Hosts) -> anyhow::Result<Deployment> {
        let postgres = Postgres::start(hosts).await?;
        let database = postgres.address();
        let mut deployment = Deployment {
            hosts,
            binary: binary.to_owned(),
            folder: tempfile::tempdir()?,
            environment: Vec::new(),
            services: BTreeMap::new(),
            proxies: BTreeMap::new(),
            http: reqwest::Client::builder().tls_certs_only(std::iter::empty()).timeout(START).build()?,
            postgres,
            nats: Nats::start(hosts, free_address(hosts, "nats").await?).await?,
            clock: faketime(),
        };
        deployment.environment.extend(OPEN.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let proxy = Proxy::start(hosts.here(), vec![deployment.nats.address]).await?;
        deployment.environment.push(("NATS_URL".into(), format!("nats://{}", proxy.address)));
        deployment.proxies.insert("nats", proxy);
        let proxy = Proxy::start(hosts.here(), vec![database]).await?;
        deployment.environment.push(("DATABASE_URL".into(), format!("postgres://app@{}/postgres", proxy.address)));
        deployment.proxies.insert("database", proxy);

        let replicated: [(&'static str, &[&'static str]); 3] = [
            ("dice", &["dice-a", "dice-b"]),
            ("character", &["character-a", "character-b"]),
            ("fsm", &["fsm-a", "fsm-b"]),
        ];
        for (role, names) in replicated {
            let url = deployment.replicas(role, names).await?;
            deployment.environment.push((format!("DICETOWER_{}_URL", role.to_uppercase()), url));
        }
        // Each gateway has an orchestrator of its own; a table's session is held by one of the two.
        for (orchestrator, gateway) in [("orchestrator-a", "gateway-a"), ("orchestrator-b", "gateway-b")] {
            let url = deployment.service(orchestrator, &["orchestrator"], "--listen").await?;
            deployment.service(gateway, &["gateway", "--orchestrator-url", &url], "--http").await?;
        }
        let health = SocketAddr::new(hosts.address("tcp-adapter"), 0).to_string();
        deployment.service("tcp-adapter", &["tcp-adapter", "--listen", &health], "--tcp").await?;
        Ok(deployment)
    }

    /// Starts replicas of a service behind one proxy, whose URL it answers.
    async fn replicas(&mut self, role: &'static str, names: &[&'static str]) -> anyhow::Result<String> {
        let mut addresses = Vec::new();
        for name in names {
            let address = free_address(self.hosts, name).await?;
            let mut args = vec![role.into(), "--listen".into(), address.to_string()];
            if role == "fsm" {
                args.extend(["--fsm-advertise".into(), format!("http://{address}")]);
            }
            self.start_service(name, args, address).await?;
            addresses.push(address);
        }
        let proxy = Proxy::start(self.hosts.here(), addresses).await?;
        let url = format!("http://{}", proxy.address);
        self.proxies.insert(role, proxy);
        Ok(url)
    }

    /// Starts a service that listens at a place of its own, and its proxy, whose URL it answers.
    async fn service(&mut self, name: &'static str, args: &[&str], flag: &str) -> anyhow::Result<String> {
        let address = free_address(self.hosts, name).await?;
        let proxy = Proxy::start(self.hosts.here(), vec![address]).await?;
        let url = format!("http://{}", proxy.address);
        self.proxies.insert(name, proxy);
        let mut args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        args.extend([flag.to_owned(), address.to_string()]);
        if name.starts_with("orchestrator") {
            args.extend(["--advertise".to_owned(), url.clone()]);
        }
        self.start_service(name, args, address).await?;
        Ok(url)
    }

    async fn start_service(
        &mut self,
        name: &'static str,
        args: Vec<String>,
        address: SocketAddr,
    ) -> anyhow::Result<()> {
        let child = self.spawn(name, &args)?;
        self.services.insert(name, Service { args, address, child });
        self.listens(name).await
    }

    fn spawn(&self, name: &str, args: &[String]) -> anyhow::Result<Child> {
        let log = File::options().create(true).append(true).open(self.folder.path().join(format!("{name}.log")))?;
        let mut command = self.hosts.command(name, &self.binary);
        command.args(args).current_dir(self.folder.path()).env_clear().envs(self.environment.iter().cloned());
        // Whoever looks for a cause wants to read more.
        command.envs(std::env::var("RUST_LOG").map(|level| ("RUST_LOG", level)));
        if let Some(clock) = &self.clock {
            // Only the time of day: time that passes is passed by everybody alike.
            command.env("LD_PRELOAD", clock).env("FAKETIME_TIMESTAMP_FILE", self.clock_of(name));
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_CACHE_DURATION", "1");
            std::fs::write(self.clock_of(name), "+0")?;
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        command.spawn().with_context(|| format!("start {name}"))
    }

    /// The file that says how far a service's clock is off.
    fn clock_of(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.clock"))
    }

    /// Whether a fault can be injected on this machine, or what is missing.
    pub fn lacks(&self, kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::FullDisk if !self.postgres.has_disk => Some("only root may mount a disk that can be filled"),
            Kind::Clock(..) if self.clock.is_none() => Some("libfaketime is not installed"),
            _ => None,
        }
    }

    /// Waits until a service listens.
    async fn listens(&mut self, name: &str) -> anyhow::Result<()> {
        let service = self.services.get_mut(name).context("it was started")?;
        let listening = async {
            while TcpStream::connect(service.address).await.is_err() {
                if let Some(status) = service.child.try_wait()? {
                    anyhow::bail!("{name} ended: {status}");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        let listening = tokio::time::timeout(START, listening)
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("{name} does not listen")));
        listening.with_context(|| {
            let log = std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default();
            format!("{name} says: {}", log.lines().last().unwrap_or_default())
        })
    }

    /// Where clients reach a gateway or the line.
    pub fn door(&self, name: &str) -> SocketAddr {
        self.proxies[name].address
    }

    /// The services that run, and the id of each one's process.
    pub fn processes(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.services.iter().filter_map(|(name, service)| Some((*name, service.child.id()?)))
    }

    /// Lets a fault happen, from its beginning to its end.
    pub async fn inject(&mut self, fault: &Fault) -> anyhow::Result<()> {
        match fault.kind {
            Kind::Kill(name) => {
                let service = self.services.get_mut(name).context("it was started")?;
                service.child.kill().await?;
                tokio::time::sleep(fault.lasts).await;
                let args = self.services[name].args.clone();
                let child = self.spawn(name, &args)?;
                self.services.get_mut(name).context("it was started")?.child = child;
                self.listens(name).await?;
            }
            Kind::Pause(name) => {
                self.signal(name, "STOP").await?;
                tokio::time::sleep(fault.lasts).await;
                self.signal(name, "CONT").await?;
            }
            Kind::Stall(link) if self.hosts.are_there() => self.lose(link, 100, fault.lasts).await?,
            Kind::Lossy(link, percent) if self.hosts.are_there() => self.lose(link, percent, fault.lasts).await?,
            Kind::Cut(link) => self.during(&[link], Mode::Cut, fault.lasts).await,
            Kind::Stall(link) => self.during(&[link], Mode::Stalled, fault.lasts).await,
            Kind::Slow(link) => self.during(&[link], Mode::Slow(DELAY), fault.lasts).await,
            Kind::Lossy(link, percent) => self.during(&[link], Mode::Lossy(percent), fault.lasts).await,
            Kind::Database => {
                self.postgres.crash().await?;
                tokio::time::sleep(fault.lasts).await;
                self.postgres.go_on().await?;
            }
            Kind::FullDisk => {
                self.postgres.fill_disk()?;
                tokio::time::sleep(fault.lasts).await;
                self.postgres.empty_disk().await?;
            }
            Kind::SlowDisk => self.postgres.hold_up(fault.lasts).await?,
            Kind::Nats => {
                self.nats.crash().await?;
                tokio::time::sleep(fault.lasts).await;
                self.nats.go_on().await?;
            }
            Kind::Clock(name, seconds) => {
                std::fs::write(self.clock_of(name), format!("{seconds:+}"))?;
                tokio::time::sleep(CLOCK_READ + fault.lasts).await;
                std::fs::write(self.clock_of(name), "+0")?;
            }
            Kind::Storm => self.during(&DOORS, Mode::Cut, Duration::from_millis(10)).await,
        }
        Ok(())
    }

    async fn during(&self, links: &[&str], mode: Mode, lasts: Duration) {
        debug_assert!(links.iter().all(|link| LINKS.contains(link)));
        for link in links {
            self.proxies[link].set(mode);
        }
        tokio::time::sleep(lasts).await;
        for link in links {
            self.proxies[link].set(Mode::Open);
        }
    }

    /// Loses packets of the hosts behind a link: nobody is told, and TCP sends again when it thinks it right.
    async fn lose(&self, link: &str, percent: u64, lasts: Duration) -> anyhow::Result<()> {
        let replica = format!("{link}-");
        let is_behind = |name: &&str| **name == *link || name.starts_with(&replica);
        let hosts: Vec<&str> = self.services.keys().copied().chain(["database", "nats"]).filter(is_behind).collect();
        self.hosts.lose(&hosts, percent).await?;
        tokio::time::sleep(lasts).await;
        self.hosts.mend().await
    }

    async fn signal(&self, name: &str, signal: &str) -> anyhow::Result<()> {
        let id = self.services[name].child.id().context("it runs")?.to_string();
        let sent = Command::new("kill").args([format!("-{signal}"), id]).status().await?;
        anyhow::ensure!(sent.success(), "send SIG{signal} to {name}");
        Ok(())
    }

    /// The logs of the sessions in which these people played.
    pub async fn session_logs(&self, records: &[Record]) -> anyhow::Result<BTreeMap<String, Vec<Logged>>> {
        let mut logs = BTreeMap::new();
        for Record { session, .. } in records {
            if logs.contains_key(session) {
                continue;
            }
            let mut log: Vec<Logged> = Vec::new();
            loop {
                let after = log.last().map_or(0, |logged| logged.seen.seq);
                let page = self.get(&format!("/api/sessions/{session}/events?after_seq={after}&limit=10000")).await?;
                let events = page["events"].as_array().context("a log has events")?;
                log.extend(events.iter().map(logged));
                if events.is_empty() || page["last_seq"].as_u64() <= log.last().map(|logged| logged.seen.seq) {
                    break;
                }
            }
            logs.insert(session.clone(), log);
        }
        Ok(logs)
    }

    /// The sequence numbers of a game's log.
    pub async fn game_log(&self, game: &str) -> anyhow::Result<Vec<u64>> {
        let mut log = Vec::new();
        loop {
            let after = log.last().copied().unwrap_or(0);
            let page = self.get(&format!("/api/games/{game}/history?after_seq={after}")).await?;
            let entries = page["history"].as_array().context("a game has a history")?;
            log.extend(entries.iter().filter_map(|entry| entry["seq"].as_u64()));
            if entries.is_empty() || page["last_seq"].as_u64() <= log.last().copied() {
                return Ok(log);
            }
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("http://{}{path}", self.door("gateway-a"))).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// Keeps what every process has written down beyond the run, and tells where.
    pub fn keep_logs(&mut self) -> &Path {
        self.folder.disable_cleanup(true);
        self.folder.path()
    }

    /// Ends everything.
    pub async fn stop(mut self) {
        for service in self.services.values_mut() {
            // It is to be gone either way.
            let _ = service.child.kill().await;
        }
    }
}

/// Debian's libfaketime, the one for processes of many threads.
fn faketime() -> Option<PathBuf> {
    let places = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    places.map(|place| place.join("faketime/libfaketimeMT.so.1")).find(|place| place.is_file())
}

/// A place that is free, and stays that of a service when it is started again.
async fn free_address(hosts: Hosts, name: &str) -> anyhow::Result<SocketAddr> {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    Ok(SocketAddr::new(hosts.address(name), port))
}

fn logged(event: &Value) -> Logged {
    Logged {
        seen: Seen {
            seq: event["seq"].as_u64().unwrap_or_default(),
            offset: event["offset"].as_u64().unwrap_or_default(),
            what: what(event),
        },
        message: (event["type"] == "player_message").then(|| event["message"].as_str().unwrap_or_default().to_owned()),
        retracts: event["retracted_seq"].as_u64(),
    }
}
