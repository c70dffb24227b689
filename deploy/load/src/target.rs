//! The release binary, started as a user does.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{process::memory, stats::Bytes};

/// How many traces are recorded.
#[derive(Clone, Copy)]
pub enum Sampling {
    /// The default.
    AsShipped,
    /// All of them.
    Everything,
    /// None.
    Nothing,
}

/// The running binary.
pub struct Target {
    /// `127.0.0.1:port` of the page.
    pub http: String,
    /// `127.0.0.1:port` of the Java line.
    pub tcp: String,
    /// Time from its start until it said that it serves.
    pub started_in: Duration,
    child: Child,
    _stdout: Lines<BufReader<ChildStdout>>,
    _folder: TempDir,
}

impl Target {
    /// Starts it on free ports with some more arguments, its data in a folder of its own.
    pub async fn start(
        binary: &Path,
        sampling: Sampling,
        llm_url: Option<&str>,
        more: &[&str],
    ) -> anyhow::Result<Target> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(binary);
        command
            .args(["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--streams-per-address", "5000"])
            .args(more)
            .current_dir(folder.path())
            .env_clear();
        match sampling {
            Sampling::AsShipped => {}
            Sampling::Everything => drop(command.args(["--traces-per-second", &u32::MAX.to_string()])),
            Sampling::Nothing => drop(command.args(["--traces-per-second", "0"])),
        }
        if let Some(url) = llm_url {
            command.env("LLM_URL", url).env("LLM_MODEL", "fake");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let begun = Instant::now();
        let mut child = command.spawn().context("start the binary")?;
        let mut stdout = BufReader::new(child.stdout.take().context("its output")?).lines();
        let (mut http, mut tcp) = (String::new(), String::new());
        while http.is_empty() || tcp.is_empty() {
            let line = stdout.next_line().await?.context("the binary ended instead of serving")?;
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["Play", url] => url.trim_start_matches("http://").clone_into(&mut http),
                ["Java", "line", address, ..] => (*address).clone_into(&mut tcp),
                _ => {}
            }
        }
        Ok(Target { http, tcp, started_in: begun.elapsed(), child, _stdout: stdout, _folder: folder })
    }

    /// The memory that it has resident.
    pub fn memory(&self) -> anyhow::Result<Bytes> {
        memory(self.id()?)
    }

    /// Its process.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the binary has ended")
    }

    /// Ends it.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("end the binary")
    }
}
