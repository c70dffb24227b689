//! The real services in this process, and a client that is a raw socket.

use std::{net::SocketAddr, path::Path, time::Duration};

use clap::Parser;
use proto::fsm::v1::{GetGameRequest, fsm_service_client::FsmServiceClient};
use service_kit::{
    Peers, Transport,
    auth::Gate,
    client::in_process,
    db::{DatabaseConfig, Db, Statement},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// Time after which a line that has not come will not come.
const PATIENCE: Duration = Duration::from_secs(20);
/// A line whose answer shows that all before it is answered.
const BARRIER: &str = "EVENT:BARRIER";
const BARRIER_ANSWER: &str = "ERROR: Unknown event 'BARRIER'";

/// The fsm service's settings, as the command line gives them.
#[derive(clap::Parser)]
struct FsmConfig {
    #[command(flatten)]
    fsm: fsm::Config,
}

/// Dice, fsm and the Java line.
pub struct Server {
    pub address: SocketAddr,
    pub fsm: FsmServiceClient<Transport>,
    folder: TempDir,
    shutdown: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Server {
    /// The services with our own War of the Ring and no client database.
    pub async fn start() -> Server {
        Server::with(&[]).await
    }

    /// The services with further settings of fsm; `{folder}` in them is the test's own.
    pub async fn with(fsm_args: &[&str]) -> Server {
        Server::configured(tempfile::tempdir().unwrap(), fsm_args, tcp_adapter::Config::default()).await
    }

    pub async fn configured(folder: TempDir, fsm_args: &[&str], config: tcp_adapter::Config) -> Server {
        Server::behind_a_gate(folder, fsm_args, config, Gate::open()).await
    }

    /// The same where a token may be asked for.
    pub async fn behind_a_gate(folder: TempDir, fsm_args: &[&str], config: tcp_adapter::Config, gate: Gate) -> Server {
        let shutdown = CancellationToken::new();
        let routes = start_fsm(folder.path(), fsm_args, shutdown.clone()).await;
        let peers = Peers::none().with_fsm(in_process(routes));
        let address = serve_line_behind(config, peers.clone(), gate, shutdown.clone()).await;
        Server { address, fsm: peers.fsm(), folder, shutdown }
    }

    /// Ends the services and starts them again on the same data, as after a crash of the machine.
    pub async fn restart(self) -> Server {
        self.shutdown.cancel();
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        Server::configured(folder, &[], tcp_adapter::Config::default()).await
    }

    /// The services and their only client, which has read its greeting.
    pub async fn alone() -> (Server, Client) {
        let server = Server::start().await;
        let client = server.client().await;
        (server, client)
    }

    /// A client that has read its greeting.
    pub async fn client(&self) -> Client {
        let mut client = Client::connect(self.address).await;
        client.greeting().await;
        client
    }

    /// The state that the default game rests in, asked without attaching to it.
    pub async fn state(&self) -> String {
        let response = self.fsm.clone().get_game(GetGameRequest { game_id: None }).await.unwrap();
        response.into_inner().game.unwrap().state
    }
}

/// Dice and fsm on SQLite in a folder.
pub async fn start_fsm(folder: &Path, args: &[&str], shutdown: CancellationToken) -> Routes {
    let database = DatabaseConfig::Folder { path: folder.join("data"), fsync: false };
    let dice_config = dice::Config { seed: Some(1), ..dice::Config::default() };
    let dice = dice::start(dice_config, &database, Peers::none(), shutdown.clone()).await.unwrap();
    let wotr_db = folder.join("wotr_game.db").display().to_string();
    let mut words = vec!["fsm".to_owned(), "--wotr-db".to_owned(), wotr_db];
    words.extend(args.iter().map(|arg| arg.replace("{folder}", &folder.display().to_string())));
    let config = FsmConfig::parse_from(words).fsm;
    let peers = Peers::none().with_dice(in_process(dice));
    fsm::start(config, &database, peers, shutdown).await.unwrap()
}

/// The Java line on a free port.
pub async fn serve_line(config: tcp_adapter::Config, peers: Peers, shutdown: CancellationToken) -> SocketAddr {
    serve_line_behind(config, peers, Gate::open(), shutdown).await
}

async fn serve_line_behind(
    config: tcp_adapter::Config,
    peers: Peers,
    gate: Gate,
    shutdown: CancellationToken,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(tcp_adapter::serve(config, listener, peers, gate, shutdown));
    address
}

/// Copies a folder as it lies there at this moment, files of open databases included.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Writes a machine to the test's folder before anything starts.
pub fn machine(folder: &TempDir, text: &str) {
    std::fs::write(folder.path().join("machine.json"), text).unwrap();
}

/// A client's raw socket.
pub struct Client {
    pub stream: BufReader<TcpStream>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream: BufReader::new(stream) }
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// Sends a line as a Unix client ends it.
    pub async fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes()).await;
    }

    /// The next line; what is not UTF-8 or does not end in LF alone is a failure.
    pub async fn line(&mut self) -> String {
        self.next().await.expect("the server closed the connection")
    }

    /// The next line, or `None` when the server has closed.
    pub async fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.stream.read_line(&mut line)).await.expect("no line came").unwrap();
        (read > 0).then(|| line.strip_suffix('\n').expect("a line has its end").to_owned())
    }

    /// The lines up to the first that `is_last`.
    pub async fn until(&mut self, is_last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lines = vec![self.line().await];
        while !lines.last().is_some_and(|line| is_last(line)) {
            lines.push(self.line().await);
        }
        lines
    }

    /// The greeting, which ends with the valid events.
    pub async fn greeting(&mut self) -> Vec<String> {
        self.until(|line| line.starts_with("<valid_events>")).await
    }

    /// All that has been sent to this client once a line is answered.
    pub async fn answers(&mut self, line: &str) -> Vec<String> {
        self.send_bytes(format!("{line}\n{BARRIER}\n").as_bytes()).await;
        let mut lines = self.until(|line| line == BARRIER_ANSWER).await;
        lines.pop();
        lines
    }

    /// The one line that answers a line.
    pub async fn answer(&mut self, line: &str) -> String {
        let mut lines = self.answers(line).await;
        assert_eq!(lines.len(), 1, "{line} was answered {lines:?}");
        lines.remove(0)
    }

    /// Sends events, and answers with what the last of them brought about.
    pub async fn play(&mut self, events: &[&str]) -> Vec<String> {
        let mut lines = Vec::new();
        for event in events {
            lines = self.answers(&format!("EVENT:{event}")).await;
            assert!(!lines.iter().any(|line| line.starts_with("ERROR")), "{event}: {lines:?}");
        }
        lines
    }

    /// Says HELLO, and answers with the number of the answer.
    pub async fn hello(&mut self) -> String {
        self.send("HELLO 2").await;
        let answer = self.line().await;
        let (number, text) = answer.split_once(' ').unwrap();
        assert_eq!(text, "OK HELLO 2");
        number.to_owned()
    }

    /// On a numbered line: all that has been sent once a line is answered.
    pub async fn numbered(&mut self, line: &str) -> Vec<String> {
        self.send_bytes(format!("{line}\n{BARRIER}\n").as_bytes()).await;
        let mut lines = self.until(|line| line.ends_with(BARRIER_ANSWER)).await;
        lines.pop();
        lines
    }

    /// Whether the server has closed the connection.
    pub async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.expect("the server did not close").is_ok()
    }
}

/// The states that lines announce, in order.
pub fn states(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.strip_prefix("<state> ")).collect()
}

/// The events of the last `<valid_events>` line.
pub fn valid_events(lines: &[String]) -> Vec<&str> {
    let last = lines.iter().rev().find_map(|line| line.strip_prefix("<valid_events>"));
    last.expect("valid events were told").trim().split(',').filter(|event| !event.is_empty()).collect()
}

/// A `wotr_game.db` as the Java client lays it out, in the test's folder: the opening position is what `setup` says, and
/// the pieces of `moved` have moved since.
pub async fn client_database(folder: &TempDir, setup: &[(i64, i64)], moved: &[(i64, i64)]) -> Db {
    const TABLES: &str = "
        CREATE TABLE game_state (game_id TEXT PRIMARY KEY, turn_number INTEGER NOT NULL, phase TEXT NOT NULL,
          active_player TEXT NOT NULL, victory_points_fp INTEGER NOT NULL, victory_points_shadow INTEGER NOT NULL,
          created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
        CREATE TABLE game_pieces (piece_id INTEGER NOT NULL, game_id TEXT NOT NULL, piece_type TEXT NOT NULL,
          area_id INTEGER NOT NULL, nation_id INTEGER, state_data TEXT, PRIMARY KEY (game_id, piece_id));
        CREATE TABLE scenario_setup (piece_id INTEGER NOT NULL, scenario_id TEXT NOT NULL, piece_class TEXT NOT NULL,
          initial_area_id INTEGER NOT NULL, PRIMARY KEY (piece_id, scenario_id));
        INSERT INTO game_state VALUES ('g1', 1, 'recover_action_dice', 'free_peoples', 0, 0, 'now', 'now');
        INSERT INTO game_pieces VALUES ('fellowship', 'g1', 'fellowship', 0, NULL, '{}');
        INSERT INTO game_pieces VALUES ('gandalf', 'g1', 'character', 115, NULL, NULL);";
    const OPENING: &str = "INSERT INTO scenario_setup VALUES ($1, 'base', 'Piece', $2)";
    let config = DatabaseConfig::Folder { path: folder.path().to_owned(), fsync: false };
    let db = Db::open(&config, "wotr_game", &[TABLES]).await.unwrap();
    let opening = setup.iter().map(|&(piece, area)| Statement::new(OPENING, vec![piece.into(), area.into()]));
    db.write(opening.collect()).await.unwrap();
    for &(piece, area) in moved {
        move_piece(&db, piece, area).await;
    }
    db
}

/// Commits a move as the Java client does.
pub async fn move_piece(db: &Db, piece: i64, area: i64) {
    const MOVE: &str = "INSERT INTO game_pieces VALUES ($1, 'g1', 'other', $2, NULL, '{}')
        ON CONFLICT (game_id, piece_id) DO UPDATE SET area_id = excluded.area_id";
    db.write(vec![Statement::new(MOVE, vec![piece.into(), area.into()])]).await.unwrap();
}
