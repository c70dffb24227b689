//! A PostgreSQL server of the run's own, so that it can be killed, on a disk of its own where that is allowed, so that it can
//! be filled.

use std::{
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::process::Command;

use crate::hosts::Hosts;

/// Whose the server is when we are root, under whom its programs refuse to run.
const USER: &str = "postgres";
/// Size of its disk: several times of what a run writes.
const DISK: &str = "512m";
/// The file that fills the disk.
const BALLAST: &str = "ballast";
/// How long its processes are held up at a time, and how long they go on between, while the disk is slow.
const HELD: Duration = Duration::from_millis(40);
const FREE: Duration = Duration::from_millis(10);

/// The running server.
pub struct Postgres {
    hosts: Hosts,
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    /// Whether its folder is a disk of its own.
    pub has_disk: bool,
}

impl Postgres {
    /// Makes a server of PostgreSQL's programs and starts it.
    pub async fn start(hosts: Hosts) -> anyhow::Result<Postgres> {
        let programs = programs().context("install PostgreSQL's server: `initdb` is not to be found")?;
        let folder = tempfile::tempdir()?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let mut postgres = Postgres { hosts, folder, programs, port, has_disk: false };
        let place = postgres.place();
        std::fs::create_dir(&place)?;
        postgres.has_disk = is_root()? && mount(&place).await;
        if is_root()? {
            let (user, group) = ids()?;
            chown(&place, Some(user), Some(group))?;
        }
        let data = postgres.data();
        let data = data.to_str().context("a temporary folder has a name in UTF-8")?;
        postgres
            .run("initdb", &["-D", data, "-U", "app", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])
            .await?;
        if hosts.are_there() {
            // Beside those on its own host, whom it trusts already.
            let mut trusted = std::fs::File::options().append(true).open(postgres.data().join("pg_hba.conf"))?;
            writeln!(trusted, "host all all {}/32 trust", hosts.here())?;
        }
        postgres.go_on().await?;
        Ok(postgres)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.hosts.address("database"), self.port)
    }

    /// Ends it as a crash does: nobody is told, nothing is written.
    pub async fn crash(&self) -> anyhow::Result<()> {
        let data = self.data();
        self.run("pg_ctl", &["-D", &data.to_string_lossy(), "-m", "immediate", "stop"]).await
    }

    /// Starts it, after a crash with all that was committed.
    pub async fn go_on(&self) -> anyhow::Result<()> {
        let (data, place) = (self.data(), self.place());
        // A killed server loses nothing that the operating system has, and a crash of that is not tried here.
        let options = format!(
            "-p {} -k {} -c listen_addresses={} -c fsync=off -c max_connections=300 -c max_wal_size=64MB -c min_wal_size=32MB",
            self.port,
            place.display(),
            self.address().ip(),
        );
        let log = place.join("log");
        let (data, log) = (data.to_string_lossy(), log.to_string_lossy());
        self.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"]).await
    }

    /// Fills its disk to the last byte.
    pub fn fill_disk(&self) -> anyhow::Result<()> {
        let mut ballast = std::fs::File::create(self.place().join(BALLAST))?;
        for size in [1 << 20, 4096, 1] {
            let piece = vec![0; size];
            // Until there is no room for such a piece.
            while ballast.write_all(&piece).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again, and starts the server if that was its end.
    pub async fn empty_disk(&self) -> anyhow::Result<()> {
        std::fs::remove_file(self.place().join(BALLAST))?;
        let data = self.data();
        if self.run("pg_ctl", &["-D", &data.to_string_lossy(), "status"]).await.is_err() {
            self.go_on().await?;
        }
        Ok(())
    }

    /// Holds its processes up again and again, as a disk does that is slow to answer.
    pub async fn hold_up(&self, lasts: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < lasts {
            let processes = self.processes();
            signal("STOP", &processes).await?;
            tokio::time::sleep(HELD).await;
            signal("CONT", &processes).await?;
            tokio::time::sleep(FREE).await;
        }
        Ok(())
    }

    /// Those of its processes that work for clients or write.
    fn processes(&self) -> Vec<String> {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let Some(server) = pid.lines().next() else { return Vec::new() };
        let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        children.split_whitespace().map(str::to_owned).collect()
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("postgres")
    }

    fn data(&self) -> PathBuf {
        self.place().join("data")
    }

    async fn run(&self, program: &str, args: &[&str]) -> anyhow::Result<()> {
        let path = self.programs.join(program);
        let mut command = match is_root()? {
            true => {
                let mut command = self.hosts.command("database", Path::new("runuser"));
                command.args(["-u", USER, "--"]).arg(path);
                command
            }
            // Who is not root has one host.
            false => Command::new(path),
        };
        // Not through pipes: the server would keep them open.
        command.args(args).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let ended = command.status().await.with_context(|| format!("run {program}"))?;
        anyhow::ensure!(ended.success(), "{program} {}: {ended}", args.join(" "));
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It is to be gone whatever the run has come to; a server that has crashed is gone already.
        let data = self.data();
        let pid = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next() {
            let _ = std::process::Command::new("kill").args(["-QUIT", pid]).stderr(Stdio::null()).status();
        }
        if self.has_disk {
            // It goes with the last file that the server has open.
            let _ = std::process::Command::new("umount").arg("--lazy").arg(self.place()).stderr(Stdio::null()).status();
        }
    }
}

/// Makes a folder a disk of its own; whether that is allowed here.
async fn mount(folder: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", &format!("size={DISK}"), "tmpfs"]).arg(folder).stderr(Stdio::null());
    command.status().await.is_ok_and(|ended| ended.success())
}

async fn signal(name: &str, processes: &[String]) -> anyhow::Result<()> {
    // One may have ended meanwhile.
    let mut command = Command::new("kill");
    command.arg(format!("-{name}")).args(processes).stdout(Stdio::null()).stderr(Stdio::null());
    if !processes.is_empty() {
        command.status().await.context("run kill")?;
    }
    Ok(())
}

/// The folder of PostgreSQL's programs: in the path, or where Debian has them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    debian.sort();
    std::env::split_paths(&path).chain(debian.into_iter().rev()).find(|folder| folder.join("initdb").is_file())
}

fn is_root() -> anyhow::Result<bool> {
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}

/// The user and group of PostgreSQL's own user.
fn ids() -> anyhow::Result<(u32, u32)> {
    let users = std::fs::read_to_string(Path::new("/etc/passwd"))?;
    let user = users.lines().find_map(|line| line.strip_prefix(&format!("{USER}:")));
    let mut fields = user.with_context(|| format!("there is no user {USER}"))?.split(':').skip(1);
    let mut id = || fields.next().and_then(|id| id.parse().ok()).context("a user has numbers");
    Ok((id()?, id()?))
}
