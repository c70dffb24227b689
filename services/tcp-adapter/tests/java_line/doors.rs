//! Who is let in: tokens, and TLS.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};
use service_kit::{
    Wakes,
    auth::{AuthConfig, Gate, Grant, Mode, Role},
    db::DatabaseConfig,
};
use tempfile::{TempDir, tempdir};
use tokio_util::sync::CancellationToken;

use crate::harness::{Client, Server, states};

/// A gate with one token, which is answered with its id.
async fn gate(folder: &TempDir) -> (Gate, String, String) {
    let database = DatabaseConfig::Folder { path: folder.path().join("access"), fsync: false };
    let config = AuthConfig { auth: Mode::Token, ..AuthConfig::default() };
    let gate = Gate::start(&config, &database, &Wakes::default(), CancellationToken::new()).await.unwrap();
    let grant = Grant {
        name: "Ann".to_owned(),
        role: Role::Player,
        session_id: None,
        seat: None,
        characters: Vec::new(),
        lifetime: None,
    };
    let (id, token) = gate.tokens().unwrap().make(grant).await.unwrap();
    (gate, id, token)
}

/// A server that lets in whoever shows the token.
async fn guarded() -> (Server, String) {
    let folder = tempdir().unwrap();
    let (gate, _, token) = gate(&folder).await;
    (Server::behind_a_gate(folder, &[], tcp_adapter::Config::default(), gate).await, token)
}

#[tokio::test]
async fn nothing_is_greeted_before_a_token_is_shown() {
    let (server, token) = guarded().await;
    let mut client = Client::connect(server.address).await;
    client.send("EVENT:TOGGLE_LOME\n\nGAME x\nHELLO 2").await;
    for _ in 0..3 {
        assert_eq!(client.line().await, "ERROR: Not authorised");
    }
    client.send(&format!("AUTH {token}\nEVENT:TOGGLE_LOME")).await;
    let greeting = client.greeting().await;
    assert_eq!(greeting[0], "<game> Connected to FSM server");
    assert_eq!(states(&greeting), ["SETUP_GAME_OPTIONS"]);
    assert_eq!(states(&client.greeting().await), ["SETUP_GAME_OPTIONS"], "what came behind the token is heard");
}

#[tokio::test]
async fn whoever_stands_before_the_door_is_no_host() {
    let (server, token) = guarded().await;
    let _stranger = Client::connect(server.address).await;
    let mut player = Client::connect(server.address).await;
    player.send(&format!("AUTH {token}")).await;
    player.greeting().await;
    assert_eq!(states(&player.answers("EVENT:TOGGLE_LOME").await), ["SETUP_GAME_OPTIONS"], "the first inside is");
}

#[tokio::test]
async fn a_third_wrong_token_closes_the_connection() {
    let (server, token) = guarded().await;
    let mut client = Client::connect(server.address).await;
    client.send(&format!("AUTH a\nAUTH b\nAUTH c\nAUTH {token}")).await;
    let mut lines = Vec::new();
    while let Some(line) = client.next().await {
        lines.push(line);
    }
    assert!(lines.iter().all(|line| line == "ERROR: Not authorised"), "{lines:?}");
}

#[tokio::test]
async fn whoever_has_lost_his_token_may_not_stay() {
    let folder = tempdir().unwrap();
    let (gate, id, token) = gate(&folder).await;
    let server = Server::behind_a_gate(folder, &[], tcp_adapter::Config::default(), gate.clone()).await;
    let mut client = Client::connect(server.address).await;
    client.send(&format!("AUTH {token}")).await;
    client.greeting().await;

    gate.tokens().unwrap().revoke(&id).await.unwrap();
    client.send("EVENT:TOGGLE_LOME").await;

    assert_eq!(client.line().await, "ERROR: Not authorised");
    assert!(client.is_closed().await);
    assert_eq!(server.state().await, "SETUP_GAME_OPTIONS");
}

#[tokio::test]
async fn where_no_token_is_asked_for_one_does_no_harm() {
    let (_server, mut client) = Server::alone().await;
    assert_eq!(client.answers("AUTH anything").await, Vec::<String>::new());
}

/// A certificate for localhost with its key as files, and the trust in it.
fn certificate(folder: &TempDir) -> (PathBuf, PathBuf, ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("line.crt"), folder.path().join("line.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (certificate, key, config.with_root_certificates(roots).with_no_client_auth())
}

/// A client over TLS; it blocks, so it has a thread of its own.
struct TlsClient(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl TlsClient {
    fn connect(address: SocketAddr, config: ClientConfig) -> TlsClient {
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        TlsClient(BufReader::new(StreamOwned::new(session, socket)))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn until(&mut self, is_last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| is_last(line)) {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the server closed after {lines:?}");
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

async fn over_tls(folder: TempDir, gate: Gate) -> (Server, ClientConfig) {
    let (certificate, key, trust) = certificate(&folder);
    let config = tcp_adapter::Config {
        tcp_tls_cert: Some(certificate),
        tcp_tls_key: Some(key),
        ..tcp_adapter::Config::default()
    };
    (Server::behind_a_gate(folder, &[], config, gate).await, trust)
}

#[tokio::test]
async fn over_tls_the_line_is_the_same() {
    let (server, trust) = over_tls(tempdir().unwrap(), Gate::open()).await;
    let address = server.address;
    let played = tokio::task::spawn_blocking(move || {
        let mut client = TlsClient::connect(address, trust);
        let greeting = client.until(|line| line.starts_with("<valid_events>"));
        assert_eq!(greeting[0], "<game> Connected to FSM server");
        // Longer than a TLS record, and than what is read at once.
        client.send(&format!("EVENT:TOGGLE_LOME {{\"text\":\"{}\"}}\n", "x".repeat(40_000)));
        client.until(|line| line.starts_with("<valid_events>"));
        client.send(&format!("{}EVENT:LAST\n", "EVENT:GAME_OPTIONS_CONFIRMED\n".repeat(1000)));
        client.until(|line| line == "ERROR: Unknown event 'LAST'")
    });
    let lines = played.await.unwrap();
    assert!(states(&lines).contains(&"PHASE_2_FELLOWSHIP_START"));
    assert_eq!(lines.iter().filter(|line| line.starts_with("ERROR: Invalid")).count(), 999);
}

#[tokio::test]
async fn a_token_may_be_asked_for_over_tls_too() {
    let folder = tempdir().unwrap();
    let (gate, _, token) = gate(&folder).await;
    let (server, trust) = over_tls(folder, gate).await;
    let address = server.address;
    let greeting = tokio::task::spawn_blocking(move || {
        let mut client = TlsClient::connect(address, trust);
        client.send(&format!("AUTH {token}\n"));
        client.until(|line| line.starts_with("<valid_events>"))
    });
    assert_eq!(greeting.await.unwrap()[0], "<game> Connected to FSM server");
}

#[tokio::test]
async fn plain_text_on_a_line_of_tls_is_closed_and_the_next_is_served() {
    let (server, trust) = over_tls(tempdir().unwrap(), Gate::open()).await;
    let mut plain = Client::connect(server.address).await;
    plain.send("EVENT:TOGGLE_LOME").await;
    assert!(plain.is_closed().await);
    let address = server.address;
    tokio::task::spawn_blocking(move || {
        TlsClient::connect(address, trust).until(|line| line.starts_with("<valid_events>"))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_told_at_the_start() {
    let folder = tempdir().unwrap();
    let (certificate, _, _) = certificate(&folder);
    let config = tcp_adapter::Config {
        tcp_tls_key: Some(certificate.clone()),
        tcp_tls_cert: Some(certificate),
        ..tcp_adapter::Config::default()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let routes = crate::harness::start_fsm(folder.path(), &[], CancellationToken::new()).await;
    let peers = service_kit::Peers::none().with_fsm(service_kit::client::in_process(routes));
    let served = tcp_adapter::serve(config, listener, peers, Gate::open(), CancellationToken::new()).await;
    let error = format!("{:#}", served.unwrap_err());
    assert!(error.contains("read the key"), "{error}");
}
