//! Hosts of the run's own: each server stands in a network namespace, behind a cable in which packets are lost for real.
//!
//! Only root may make them. The program goes into namespaces of its own before it does, so that nothing of them is left
//! whatever it comes to: they go with its last process.

use std::{
    net::{IpAddr, Ipv4Addr},
    os::unix::process::CommandExt,
    process::Stdio,
};

use anyhow::Context as _;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::plan::PROCESSES;

/// A network that is for trying things out (RFC 2544), and that nobody has. This program is its first host.
const HERE: [u8; 4] = [198, 18, 0, 1];
/// The variable by which the program knows that it stands in namespaces of its own.
const ENTERED: &str = "DICETOWER_FAULTS_HOSTS";
/// Goes into new namespaces, with nothing in them, and runs what follows there.
const ENTER: [&str; 4] = ["--net", "--mount", "--propagation", "private"];
/// What all that is done here needs, tried out.
const TRY: &str = "ip link set lo up && ip link add a-bridge type bridge && ip link add one type veth peer name other \
    && nft add table bridge faults && nft add chain bridge faults to '{ type filter hook postrouting priority 0; }' \
    && nft add rule bridge faults to oifname one numgen random mod 100 '<' 5 drop && command -v nsenter";

/// The network. Without one, all servers stand on this host.
#[derive(Clone, Copy, Debug)]
pub struct Hosts {
    are_there: bool,
}

impl Hosts {
    /// All on this host.
    pub const NONE: Hosts = Hosts { are_there: false };

    /// Starts this program anew in namespaces of its own, and there makes the network.
    ///
    /// # Errors
    ///
    /// It is not allowed here, or a program is missing; the error says what was said.
    pub async fn make() -> anyhow::Result<Hosts> {
        if std::env::var_os(ENTERED).is_none() {
            let tried = Command::new("unshare").args(ENTER).args(["sh", "-c", TRY]).stdin(Stdio::null()).output();
            let tried = tried.await.context("run unshare")?;
            let said = String::from_utf8_lossy(&tried.stderr);
            anyhow::ensure!(tried.status.success(), "{}", said.lines().next().unwrap_or("it cannot be tried out"));
            let mut anew = std::process::Command::new("unshare");
            anew.args(ENTER).arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).env(ENTERED, "1");
            // It comes back only if it fails.
            return Err(anew.exec()).context("run unshare");
        }
        let [a, b, c, last] = HERE;
        let mut script = format!(
            "mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip link set lo up && ip link add hosts type bridge \
             && ip addr add {a}.{b}.{c}.{last}/24 dev hosts && ip link set hosts up"
        );
        for name in names() {
            let address = Hosts { are_there: true }.address(name);
            script += &format!(
                " && ip netns add {name} && ip link add {name} type veth peer name eth0 netns {name} \
                 && ip link set {name} master hosts up && ip -n {name} addr add {address}/24 dev eth0 \
                 && ip -n {name} link set eth0 up && ip -n {name} link set lo up"
            );
        }
        let made = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().await?;
        anyhow::ensure!(made.status.success(), "make the hosts: {}", String::from_utf8_lossy(&made.stderr));
        Ok(Hosts { are_there: true })
    }

    /// Whether servers have hosts of their own.
    pub fn are_there(self) -> bool {
        self.are_there
    }

    /// The address of a server's host.
    pub fn address(self, name: &str) -> IpAddr {
        let [a, b, c, first] = HERE;
        match names().zip(first + 1..).find(|(host, _)| *host == name) {
            Some((_, last)) if self.are_there => Ipv4Addr::new(a, b, c, last).into(),
            _ => self.here(),
        }
    }

    /// Where servers reach this program.
    pub fn here(self) -> IpAddr {
        if self.are_there { HERE.into() } else { Ipv4Addr::LOCALHOST.into() }
    }

    /// What runs a program on a server's host.
    pub fn command(self, name: &str, program: &std::path::Path) -> Command {
        match self.are_there {
            true => {
                // It becomes the program, so that a signal to the one is one to the other.
                let mut command = Command::new("nsenter");
                command.arg(format!("--net=/run/netns/{name}")).arg("--").arg(program);
                command
            }
            false => Command::new(program),
        }
    }

    /// From now on so many of a hundred packets from and to these hosts are lost; of 100 none gets through.
    pub async fn lose(self, names: &[&str], percent: u64) -> anyhow::Result<()> {
        let names = names.join("\", \"");
        let lost = match percent {
            0..100 => format!("numgen random mod 100 < {percent} drop"),
            _ => "drop".to_owned(),
        };
        let (from, to) = (format!("iifname {{ \"{names}\" }} {lost}"), format!("oifname {{ \"{names}\" }} {lost}"));
        filter(&format!(
            "table bridge faults {{\n\
             chain from {{ type filter hook prerouting priority 0; {from}; }}\n\
             chain to {{ type filter hook postrouting priority 0; {to}; }}\n\
             }}\n"
        ))
        .await
    }

    /// From now on no packet is lost.
    pub async fn mend(self) -> anyhow::Result<()> {
        filter("delete table bridge faults\n").await
    }
}

/// Who has a host, in the order of the addresses.
fn names() -> impl Iterator<Item = &'static str> {
    ["database", "nats"].into_iter().chain(PROCESSES)
}

/// Has the kernel filter packets as this says.
async fn filter(rules: &str) -> anyhow::Result<()> {
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).kill_on_drop(true).spawn()?;
    nft.stdin.take().context("it has a pipe")?.write_all(rules.as_bytes()).await?;
    let ended = nft.wait().await?;
    anyhow::ensure!(ended.success(), "nft refuses {rules}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_a_host_of_its_own_or_stands_here() {
        let hosts = Hosts { are_there: true };
        let addresses: std::collections::BTreeSet<IpAddr> = names().map(|name| hosts.address(name)).collect();
        assert_eq!(addresses.len(), names().count());
        assert!(!addresses.contains(&hosts.here()));
        assert!(names().all(|name| Hosts::NONE.address(name) == Hosts::NONE.here()));
        // Cables are named like their hosts, and Linux allows 15 letters.
        assert!(names().all(|name| name.len() <= 15));
    }
}
