//! Starts the binary as a user would, and talks to it over its real ports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its own part of it")]

use std::{path::Path, process::Stdio, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// Longest wait for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The binary with these arguments, in a folder of its own, without a setting of the caller's.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dicetower"));
    command.args(args).current_dir(folder).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// How a run of the binary ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the binary to its end.
pub async fn run(folder: &Path, args: &[&str]) -> Ended {
    let output = timeout(4 * PATIENCE, command(folder, args).output()).await.expect("it ends").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs a command that must succeed, and answers with what it says.
pub async fn succeed(folder: &Path, args: &[&str]) -> String {
    let ended = run(folder, args).await;
    assert_eq!(ended.code, Some(0), "{args:?}: {}{}", ended.stdout, ended.stderr);
    ended.stdout
}

/// The one process, running.
pub struct Tower {
    pub http: String,
    pub tcp: String,
    pub child: Child,
    pub greeting: String,
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// Starts the one process on free ports, its data in `folder`.
pub async fn start(folder: &TempDir) -> Tower {
    start_with(folder, &["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"]).await
}

/// Starts the one process with these arguments.
pub async fn start_with(folder: &TempDir, args: &[&str]) -> Tower {
    let mut child = command(folder.path(), args).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    drain(child.stderr.take().unwrap());
    let (mut http, mut tcp, mut greeting) = (String::new(), String::new(), String::new());
    while http.is_empty() || tcp.is_empty() {
        let line = timeout(PATIENCE, stdout.next_line()).await.expect("it starts").unwrap().expect("it goes on");
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["Play", url] => http = (*url).to_owned(),
            ["Java", "line", address, ..] => tcp = (*address).to_owned(),
            _ => {}
        }
        greeting.push_str(&line);
        greeting.push('\n');
    }
    Tower { http, tcp, child, greeting, _stdout: stdout }
}

impl Tower {
    /// Asks it to end, and answers with its exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        signal(&self.child, "TERM").await;
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap().code()
    }

    /// Kills it without a word.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A service in a process of its own, and where it says that it serves.
pub async fn start_service(folder: &TempDir, args: &[&str], environment: &[(&str, &str)]) -> (Child, String) {
    let mut child = command(folder.path(), args).envs(environment.iter().copied()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    loop {
        let line = timeout(PATIENCE, stderr.next_line()).await.expect("it starts").unwrap();
        let line = line.unwrap_or_else(|| panic!("{args:?} ended"));
        if let Some((_, address)) = line.split_once("address=") {
            let address = address.split_whitespace().next().unwrap().to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = stderr.next_line().await {} });
            return (child, address);
        }
    }
}

/// Sends a signal by name.
pub async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args([format!("-{name}"), id]).status().await.unwrap().success());
}

fn drain(mut stderr: ChildStderr) {
    tokio::spawn(async move {
        let mut bytes = Vec::new();
        stderr.read_to_end(&mut bytes).await
    });
}

/// An HTTP client.
pub fn http() -> reqwest::Client {
    // It fails only if a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_certs_only(std::iter::empty()).build().unwrap()
}

/// What a page answers as JSON.
pub async fn get(tower: &Tower, path: &str) -> Value {
    let answer = http().get(format!("{}{path}", tower.http)).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}

/// A shot at the table `evening`, up to the end of the turn.
pub async fn chat(tower: &Tower) {
    say(tower, "Anna", "I shoot the ganger with my Ares Predator at 15 metres").await;
}

/// What somebody says at the table `evening`, up to the end of the turn.
pub async fn say(tower: &Tower, name: &str, message: &str) {
    let (mut socket, _) = connect_async(format!("{}/game/evening", tower.http.replace("http", "ws"))).await.unwrap();
    let frames = [
        json!({"type": "join", "name": name}),
        json!({"type": "add_character", "character": "Platinum"}),
        json!({"type": "chat", "message": message}),
    ];
    for frame in frames {
        socket.send(Message::text(frame.to_string())).await.unwrap();
    }
    loop {
        let frame = timeout(PATIENCE, socket.next()).await.expect("the turn ends").unwrap().unwrap();
        let text = frame.to_text().unwrap();
        assert!(!text.contains("\"error\""), "{text}");
        if text.contains("\"complete\"") {
            break;
        }
    }
}

/// A connection to the Java line.
pub struct Line {
    lines: Lines<BufReader<tokio::net::tcp::OwnedReadHalf>>,
    writer: tokio::net::tcp::OwnedWriteHalf,
}

impl Line {
    /// Connects.
    pub async fn connect(address: &str) -> Line {
        let (reader, writer) = TcpStream::connect(address).await.unwrap().into_split();
        Line { lines: BufReader::new(reader).lines(), writer }
    }

    /// Sends a line.
    pub async fn send(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// The next line.
    pub async fn next(&mut self) -> String {
        timeout(PATIENCE, self.lines.next_line()).await.expect("a line comes").unwrap().expect("the line stays open")
    }

    /// All lines up to the first that begins with `start`, that one included.
    pub async fn until(&mut self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            lines.push(self.next().await);
            if lines.last().is_some_and(|line| line.starts_with(start)) {
                return lines;
            }
        }
    }
}
