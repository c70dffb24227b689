//! The Java line over `kill -9`: what was acknowledged is there, what was sent again counts once, and RESUME tells the rest.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{PATIENCE, Tower, start_with};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

/// Events sent before each kill at most.
const BURST: usize = 12;

/// A numbered client that keeps what it was told, and knows what was acknowledged.
struct Client {
    /// Lines of the log by number, each told once.
    told: Vec<((u64, u64), String)>,
    acknowledged: Vec<usize>,
    next_id: usize,
}

/// A line without its number, and the number.
fn numbered(line: &str) -> ((u64, u64), String) {
    let (number, text) = line.strip_prefix('#').and_then(|line| line.split_once(' ')).unwrap();
    let (event, line) = number.split_once('.').unwrap();
    ((event.parse().unwrap(), line.parse().unwrap()), text.to_owned())
}

impl Client {
    async fn connect(&mut self, tower: &Tower) -> BufReader<TcpStream> {
        let mut stream = BufReader::new(TcpStream::connect(&tower.tcp).await.unwrap());
        let mut line = String::new();
        while !line.starts_with("<valid_events>") {
            line.clear();
            timeout(PATIENCE, stream.read_line(&mut line)).await.unwrap().unwrap();
        }
        let resume = match self.told.last() {
            Some(((event, line), _)) => format!("HELLO 2\nRESUME {event}.{line}\n"),
            None => "HELLO 2\n".to_owned(),
        };
        stream.get_mut().write_all(resume.as_bytes()).await.unwrap();
        stream
    }

    /// Sends events that are not acknowledged yet until `kill_after` of them are, or the server is gone.
    async fn play(&mut self, stream: &mut BufReader<TcpStream>, kill_after: usize) {
        let until = self.next_id + kill_after;
        // All at once: some are under way when the server dies.
        let events: String = (self.next_id..until + 2).map(|id| format!("EVENT:TOGGLE_LOME @{id}\n")).collect();
        stream.get_mut().write_all(events.as_bytes()).await.unwrap();
        while self.next_id < until {
            let mut line = String::new();
            timeout(PATIENCE, stream.read_line(&mut line)).await.expect("it answers").unwrap();
            let (number, text) = numbered(line.trim_end());
            if let Some(id) = text.strip_prefix("OK @") {
                assert_eq!(id, self.next_id.to_string());
                self.acknowledged.push(self.next_id);
                self.next_id += 1;
            } else if text == "OK HELLO 2" {
                continue;
            } else {
                assert!(!text.starts_with("ERROR"), "{text}");
                self.told.push((number, text));
            }
        }
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_and_nothing_counts_twice_over_many_kills() {
    let kills = if std::env::var_os("DICETOWER_DEEP").is_some() { 60 } else { 3 };
    let folder = TempDir::new().unwrap();
    let args = ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"];
    let mut client = Client { told: Vec::new(), acknowledged: Vec::new(), next_id: 0 };
    for kill in 0..kills {
        let tower = start_with(&folder, &args).await;
        let mut stream = client.connect(&tower).await;
        client.play(&mut stream, 1 + (kill * 7) % BURST).await;
        tower.kill().await;
    }
    let tower = start_with(&folder, &args).await;
    let mut stream = client.connect(&tower).await;
    client.play(&mut stream, 3).await;

    assert!(client.told.is_sorted_by(|one, other| one.0 < other.0), "each line once, in order: {:?}", client.told);
    // Each event is one entry of the log, and begins with the state.
    let events = client.told.iter().filter(|(_, text)| text.starts_with("<state> ")).count();
    let last = client.told.last().unwrap().0.0;
    assert_eq!(u64::try_from(events).unwrap(), last, "no entry is missing");
    assert!(client.acknowledged.len() <= events && events <= client.acknowledged.len() + 2);
    assert!(client.acknowledged.iter().copied().eq(0..client.next_id));
    tower.kill().await;
}
