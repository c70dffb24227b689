//! What a second replica adds: rolls by callers with a session each, at one dice service and at two on one PostgreSQL
//! server.
//!
//! Each replica is held to a share of a processor by a control group, so that neither the machine nor the database is the
//! limit. Only root may make one.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use tokio::process::Command;

use crate::{
    grpc,
    process::{Process, address_in},
};

/// The share of a processor that a replica has, in percent.
const SHARE: u32 = 20;
/// The time over which it is counted, in microseconds: short, so that nobody waits long for his share.
const PERIOD: u32 = 10_000;
/// Where Linux has control groups of processors: of the first kind and of the second, with the file of the limit.
const GROUPS: [(&str, &str); 2] = [("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us"), ("/sys/fs/cgroup", "cpu.max")];

/// How often both are measured, one after the other: whatever else the machine does weighs on both alike.
const ROUNDS: usize = 3;

/// Rolls in a second at one replica and at two, as long as they have their shares: the medians of some rounds.
pub async fn rates(binary: &Path, database: &str, requests: usize) -> anyhow::Result<[f64; 2]> {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (replicas, rates) in (1..).zip(&mut rates) {
            let started = try_join_all((0..replicas).map(|number| Replica::start(binary, database, number))).await?;
            let addresses: Vec<&str> = started.iter().map(|replica| replica.address.as_str()).collect();
            let measured = grpc::rate_of_sessions(&addresses, requests * replicas).await;
            for replica in started {
                replica.stop().await?;
            }
            rates.push(measured?);
        }
    }
    Ok(rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    }))
}

struct Replica {
    address: String,
    process: Process,
    group: PathBuf,
}

impl Replica {
    async fn start(binary: &Path, database: &str, number: usize) -> anyhow::Result<Replica> {
        let mut command = Command::new(binary);
        command.args(["dice", "--listen", "127.0.0.1:0"]).env_clear().env("DATABASE_URL", database);
        command.stderr(Stdio::piped()).stdout(Stdio::null());
        let mut process = Process::start(command, None)?;
        let output = process.child.stderr.take().context("its log")?;
        let address = address_in(output, "address=").await?;
        let id = process.child.id().context("the service has ended")?;
        let group = hold(number, id).context("hold a service to its share (as root)")?;
        Ok(Replica { address, process, group })
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.process.child.kill().await?;
        // There is nobody in it any more.
        Ok(std::fs::remove_dir(&self.group)?)
    }
}

/// Puts a process into a control group of its own, which holds it to its share; answers where the group is.
fn hold(number: usize, id: u32) -> anyhow::Result<PathBuf> {
    let quota = PERIOD * SHARE / 100;
    let is_there = |(folder, _): &&(&str, &str)| Path::new(folder).join("cgroup.procs").is_file();
    let (place, limit) = GROUPS.iter().find(is_there).context("there are no control groups of processors")?;
    let group = Path::new(place).join(format!("dicetower-load-{}-{number}", std::process::id()));
    std::fs::create_dir(&group)?;
    match *limit {
        "cpu.max" => std::fs::write(group.join(limit), format!("{quota} {PERIOD}"))?,
        _ => {
            std::fs::write(group.join("cpu.cfs_period_us"), PERIOD.to_string())?;
            std::fs::write(group.join(limit), quota.to_string())?;
        }
    }
    std::fs::write(group.join("cgroup.procs"), id.to_string())?;
    Ok(group)
}
