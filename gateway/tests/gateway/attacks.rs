//! What strangers and players try at the door, each attempt a test: it is refused, it is told in the form of every
//! error, and it changes nothing.

mod content;
mod doors;
mod identity;
mod rates;
mod rights;

use http::header::AUTHORIZATION;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::{
    guarded::Guarded,
    support::{Gateway, PATIENCE, Socket},
};

fn with(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.header(AUTHORIZATION, format!("Bearer {token}"))
}

fn roll() -> Value {
    json!({"pool": 4, "target_number": 4})
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// A socket that shows its token as a browser does.
async fn socket(guarded: &Guarded, path: &str, token: &str) -> Result<Socket, u16> {
    socket_from(guarded, path, token, "192.0.2.1").await
}

/// The same behind a proxy, which says that it comes from this address.
async fn socket_from(guarded: &Guarded, path: &str, token: &str, address: &str) -> Result<Socket, u16> {
    let mut request = format!("ws://{}/game/{path}", guarded.gateway.address).into_client_request().unwrap();
    let protocols = format!("dicetower, bearer.{token}");
    request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
    match connect_async(request).await {
        Ok((socket, _)) => Ok(Socket(socket)),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// A socket after its greeting.
async fn seated(guarded: &Guarded, path: &str, token: &str) -> Socket {
    let mut socket = socket(guarded, path, token).await.unwrap();
    socket.next_of("system").await;
    socket
}

async fn refused(socket: &mut Socket, frame: Value, code: u32) -> Value {
    socket.send(frame).await;
    let error = socket.next_of("error").await;
    assert_eq!(error["code"], code, "{error}");
    error
}

/// What a raw request is answered, up to the end of the line.
async fn raw(gateway: &Gateway, request: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}
