//! Servers in processes of their own: a service of the binary, or this program as a bare server. What little serves within
//! this process has threads of its own.

use std::{ffi::OsStr, io, net::SocketAddr, process::Stdio, sync::LazyLock, time::Duration};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::{Child, Command},
    runtime::Runtime,
};

use crate::stats::Bytes;

/// The threads of models and bare servers. Who measures has one thread, as a player's client has: with more, each answer
/// would wake a second one on his own side, which takes as long as many an answer.
static THREADS: LazyLock<io::Result<Runtime>> = LazyLock::new(Runtime::new);

/// Where that runs which serves, or disturbs, beside the measuring thread.
pub fn threads() -> anyhow::Result<&'static Runtime> {
    THREADS.as_ref().context("threads for servers")
}

/// A free port of those threads.
pub async fn listen() -> anyhow::Result<(TcpListener, String)> {
    let listener = threads()?.spawn(TcpListener::bind("127.0.0.1:0")).await??;
    let address = listener.local_addr()?.to_string();
    Ok((listener, address))
}

/// Ticks of a processor's clock in a second.
const TICKS: f64 = 100.0;

/// The word before the address that a bare server tells.
const MARK: &str = "serving ";

/// A server that ends with its value.
pub struct Process {
    pub child: Child,
    _folder: Option<TempDir>,
}

impl Process {
    /// Starts it; `folder` lives as long as it does.
    pub fn start(mut command: Command, folder: Option<TempDir>) -> anyhow::Result<Process> {
        command.stdin(Stdio::null()).kill_on_drop(true);
        Ok(Process { child: command.spawn().context("start a server")?, _folder: folder })
    }
}

/// The address that a server tells behind a mark. The rest of what it says is read and dropped.
pub async fn address_in(output: impl AsyncRead + Unpin + Send + 'static, mark: &str) -> anyhow::Result<String> {
    let mut lines = BufReader::new(output).lines();
    loop {
        let line = lines.next_line().await?.context("the server ended instead of serving")?;
        if let Some((_, address)) = line.split_once(mark) {
            let address = address.trim().to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(address);
        }
    }
}

/// Starts this program as a bare server, by a flag, and tells its address.
pub async fn bare(flag: &OsStr) -> anyhow::Result<(Process, String)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(flag).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Process::start(command, None)?;
    let output = process.child.stdout.take().context("its output")?;
    let address = address_in(output, MARK).await?;
    Ok((process, address))
}

/// Tells a bare server's address to whoever started it.
pub fn tell(address: SocketAddr) -> anyhow::Result<()> {
    Ok(std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{MARK}{address}\n"))?)
}

/// The processor time that a process has taken.
pub fn processor_time(id: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("its fields")?.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    // utime and stime, the 14th and 15th field of all.
    Ok(Duration::from_secs_f64((ticks(11).context("utime")? + ticks(12).context("stime")?) / TICKS))
}

/// The memory that a process has resident.
pub fn memory(id: u32) -> anyhow::Result<Bytes> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(Bytes(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024))
}
