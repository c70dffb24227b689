//! A gateway on a free port, with whatever services a test needs in the same process.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use service_kit::{Peers, client::in_process, db::DatabaseConfig};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longest wait for anything that must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The running gateway.
pub struct Gateway {
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    pub served: JoinHandle<anyhow::Result<()>>,
    client: reqwest::Client,
    _folder: TempDir,
    _stop: DropGuard,
}

/// A folder for the data of a test, and how services are told of it.
pub fn database() -> (TempDir, DatabaseConfig) {
    let folder = tempfile::tempdir().unwrap();
    let database = DatabaseConfig::Folder { path: folder.path().into(), fsync: false };
    (folder, database)
}

/// The dice service with a fixed seed.
pub async fn dice(database: &DatabaseConfig) -> Peers {
    let config = dice::Config { seed: Some(1), ..dice::Config::default() };
    let routes = dice::start(config, database, Peers::none(), CancellationToken::new()).await.unwrap();
    Peers::none().with_dice(in_process(routes))
}

/// A gateway before all that a table needs: dice, characters, and the orchestrator with the built-in game master.
pub async fn table(config: gateway::Config) -> Gateway {
    table_of(config, orchestrator::Config::default()).await
}

/// The same with another game master.
pub async fn table_of(config: gateway::Config, game_master: orchestrator::Config) -> Gateway {
    let (folder, database) = database();
    let peers = dice(&database).await;
    let none = CancellationToken::new();
    let routes = character::start(character::Config::default(), &database, peers.clone(), none.clone()).await.unwrap();
    let peers = peers.with_character(in_process(routes));
    let routes = orchestrator::start(game_master, &database, peers.clone(), none).await.unwrap();
    Gateway::serve(config, peers.with_orchestrator(in_process(routes)), folder).await
}

impl Gateway {
    /// A gateway before `peers`, whose data is in `folder`.
    pub async fn serve(config: gateway::Config, peers: Peers, folder: TempDir) -> Gateway {
        // It fails only the second time.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(gateway::serve(config, listener, peers, shutdown.clone()));
        let client = reqwest::Client::builder().tls_certs_only(std::iter::empty()).timeout(PATIENCE).build().unwrap();
        let stop = shutdown.clone().drop_guard();
        Gateway { address, shutdown, served, client, _folder: folder, _stop: stop }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.address)).json(body)
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("http://{}{path}", self.address))
    }

    /// A socket of a session; `path` is what follows `/game/`.
    pub async fn socket(&self, path: &str) -> Socket {
        let request = format!("ws://{}/game/{path}", self.address).into_client_request().unwrap();
        Socket(connect_async(request).await.unwrap().0)
    }

    /// The HTTP status with which a socket is refused.
    pub async fn socket_refused(&self, path: &str, origin: Option<&str>) -> u16 {
        let mut request = format!("ws://{}/game/{path}", self.address).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        match connect_async(request).await {
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("{error}"),
            Ok(_) => 101,
        }
    }
}

/// The JSON of an answer that must have this status.
pub async fn json(request: RequestBuilder, status: u16) -> Value {
    let response = request.send().await.unwrap();
    let (is, body) = (response.status().as_u16(), response.text().await.unwrap());
    assert_eq!(is, status, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// A header of an answer.
pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A player's socket.
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn send_binary(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).await.unwrap();
    }

    /// A text frame of any bytes.
    pub async fn send_text_frame(&mut self, bytes: &[u8]) {
        let frame = Frame::message(bytes.to_vec(), OpCode::Data(Data::Text), true);
        self.0.send(Message::Frame(frame)).await.unwrap();
    }

    /// The next frame.
    pub async fn next(&mut self) -> Value {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a frame was to come") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("a frame was to come, not {other:?}"),
            }
        }
    }

    /// The next frame of a type; others are skipped.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// All frames up to the first of a type.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            frames.push(self.next().await);
            if frames.last().unwrap()["type"] == kind {
                return frames;
            }
        }
    }

    /// What the server says on closing.
    pub async fn farewell(&mut self) -> Option<CloseFrame> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the line was to end") {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    }
}
