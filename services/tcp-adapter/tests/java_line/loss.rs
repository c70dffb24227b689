//! The fsm service behind a port, lost and found again.

use std::net::SocketAddr;

use proto::fsm::v1::SendEventRequest;
use service_kit::{
    Peers,
    client::{connect, in_process},
};
use tempfile::{TempDir, tempdir};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::harness::{Client, serve_line, start_fsm, states};

/// Fsm in a process of its own, as it were: it can be stopped and started again on the same port.
struct Remote {
    folder: TempDir,
    address: SocketAddr,
    running: Option<(CancellationToken, JoinHandle<anyhow::Result<()>>)>,
}

impl Remote {
    async fn start() -> Remote {
        let folder = tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut remote = Remote { folder, address, running: None };
        remote.serve(listener).await;
        remote
    }

    async fn serve(&mut self, listener: TcpListener) {
        let shutdown = CancellationToken::new();
        let routes = start_fsm(self.folder.path(), &[], shutdown.clone()).await;
        let serving = tokio::spawn(service_kit::serve(routes, listener, shutdown.clone()));
        self.running = Some((shutdown, serving));
    }

    async fn stop(&mut self) {
        let (shutdown, serving) = self.running.take().unwrap();
        shutdown.cancel();
        serving.await.unwrap().unwrap();
    }

    async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener).await;
    }

    async fn line(&self) -> SocketAddr {
        let peers = Peers::none().with_fsm(connect(&format!("http://{}", self.address)).unwrap());
        serve_line(tcp_adapter::Config::default(), peers, CancellationToken::new()).await
    }
}

#[tokio::test]
async fn a_connection_outlives_the_loss_of_its_game_and_goes_on_when_it_is_back() {
    let mut remote = Remote::start().await;
    let mut client = Client::connect(remote.line().await).await;
    client.greeting().await;
    client.play(&["GAME_OPTIONS_CONFIRMED"]).await;

    remote.stop().await;
    client.send("EVENT:PHASE_COMPLETE").await;
    assert_eq!(client.line().await, "ERROR: Busy");
    client.send("nonsense").await;
    assert_eq!(client.line().await, "ERROR: Not a command", "what needs no game is answered without it");

    remote.start_again().await;
    let greeting = client.greeting().await;
    assert_eq!(states(&greeting), ["PHASE_2_FELLOWSHIP_START"], "{greeting:?}");
    assert!(!greeting.contains(&"<game> Connected to FSM server".to_owned()));
    let lines = client.play(&["PHASE_COMPLETE"]).await;
    assert_eq!(states(&lines).last(), Some(&"PHASE_3_HUNT_ALLOCATION_START"));
}

#[tokio::test]
async fn what_the_game_did_while_it_was_away_is_told_when_it_is_back() {
    let mut remote = Remote::start().await;
    let mut client = Client::connect(remote.line().await).await;
    client.greeting().await;
    remote.stop().await;

    // Somebody else plays on where this line cannot reach.
    let elsewhere = CancellationToken::new();
    let routes = start_fsm(remote.folder.path(), &[], elsewhere.clone()).await;
    let mut fsm = Peers::none().with_fsm(in_process(routes)).fsm();
    let event = SendEventRequest { event: "GAME_OPTIONS_CONFIRMED".to_owned(), ..SendEventRequest::default() };
    fsm.send_event(event).await.unwrap();
    elsewhere.cancel();
    remote.start_again().await;

    let missed = client.greeting().await;
    assert_eq!(states(&missed).last(), Some(&"PHASE_2_FELLOWSHIP_START"));
    let commands: Vec<_> = missed.iter().filter(|line| !line.starts_with('<')).collect();
    assert_eq!(commands, ["Ctrl+9", "Ctrl+0", "F7", "F8", "F11", "F12"], "each once");
    assert_eq!(states(&client.greeting().await), ["PHASE_2_FELLOWSHIP_START"], "and then the state it is in");
}

#[tokio::test]
async fn a_connection_that_comes_while_the_game_is_away_is_greeted_when_it_is_there() {
    let mut remote = Remote::start().await;
    let line = remote.line().await;
    remote.stop().await;

    let mut client = Client::connect(line).await;
    client.send("EVENT:TOGGLE_LOME").await;
    assert_eq!(client.line().await, "ERROR: Busy");

    remote.start_again().await;
    let greeting = client.greeting().await;
    assert_eq!(greeting[0], "<game> Connected to FSM server");
    assert_eq!(states(&greeting), ["SETUP_GAME_OPTIONS"]);
}

#[tokio::test]
async fn many_connections_share_the_way_to_the_game() {
    let remote = Remote::start().await;
    let line = remote.line().await;
    let mut clients = Vec::new();
    for _ in 0..300 {
        let mut client = Client::connect(line).await;
        client.greeting().await;
        clients.push(client);
    }
    let lines = clients[0].play(&["TOGGLE_LOME"]).await;
    assert_eq!(states(&lines), ["SETUP_GAME_OPTIONS"]);
}
