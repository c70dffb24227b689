//! A fake language model: an OpenAI-compatible server that says what a script tells it to say, however odd.
//!
//! Tests and the load programs use it. Nothing in it waits for a time: where an answer must stop, it stops at a
//! [`Gate`] until the gate is opened.

mod gate;
mod hostile;
mod reply;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::Response,
    routing::post,
    serve::ListenerExt,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use gate::Gate;
use reply::Piece;
pub use reply::Reply;

/// A request that the model was sent.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null if it was not JSON.
    pub body: Value,
}

impl Asked {
    /// The header of that name, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The messages of the conversation.
    pub fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().map(Vec::as_slice).unwrap_or_default()
    }
}

/// What is answered to each request.
type Script = Box<dyn FnMut(&Asked) -> Reply + Send>;

/// A fake model on a free port of this machine; it ends when it is dropped.
pub struct FakeModel {
    /// The base address of its API.
    pub url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// Where answers come from.
enum Mind {
    Script(Mutex<Script>),
    /// The same answer each time; with the last request's bytes.
    Fixed(Reply, Mutex<Bytes>),
}

struct Shared {
    mind: Mind,
    asked: watch::Sender<Vec<Asked>>,
    ended: watch::Sender<usize>,
}

impl FakeModel {
    /// A model that gives these answers, one to each request; when they are used up it refuses with HTTP 418.
    ///
    /// # Panics
    ///
    /// No port is free.
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> FakeModel {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        FakeModel::answering(move |_| {
            replies.pop_front().unwrap_or_else(|| Reply::refusing(418, "text/plain", "the script is over"))
        })
        .await
    }

    /// A model that thinks of an answer to each request.
    ///
    /// # Panics
    ///
    /// No port is free.
    pub async fn answering(script: impl FnMut(&Asked) -> Reply + Send + 'static) -> FakeModel {
        FakeModel::serve(Mind::Script(Mutex::new(Box::new(script)))).await
    }

    /// A model that gives the same answer to whatever it is asked, without reading it: for load programs.
    ///
    /// # Panics
    ///
    /// No port is free.
    pub async fn unheeding(reply: Reply) -> FakeModel {
        FakeModel::serve(Mind::Fixed(reply, Mutex::default())).await
    }

    async fn serve(mind: Mind) -> FakeModel {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port has an address");
        let shared = Arc::new(Shared { mind, asked: watch::Sender::new(Vec::new()), ended: watch::Sender::new(0) });
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(shared.clone());
        let server = tokio::spawn(async move {
            // A small piece must not wait for the acknowledgement of the one before it.
            let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
            if let Err(error) = axum::serve(listener, router).await {
                unreachable!("serving does not end: {error}");
            }
        });
        FakeModel { url: format!("http://{address}/v1"), shared, server }
    }

    /// The bytes of the last request, of a model that does not heed them.
    pub fn last_body(&self) -> Bytes {
        match &self.shared.mind {
            Mind::Fixed(_, last) => last.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Mind::Script(_) => Bytes::new(),
        }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Asked> {
        self.shared.asked.borrow().clone()
    }

    /// Waits for the request number `index`, 0 being the first.
    ///
    /// # Panics
    ///
    /// Never: the model outlives its watchers.
    pub async fn request(&self, index: usize) -> Asked {
        let mut asked = self.shared.asked.subscribe();
        let asked = asked.wait_for(|asked| index < asked.len()).await.expect("the sender is ours");
        asked[index].clone()
    }

    /// Waits until so many answers are over: told to their end, or no longer listened to.
    ///
    /// # Panics
    ///
    /// Never: the model outlives its watchers.
    pub async fn ended(&self, count: usize) {
        let mut ended = self.shared.ended.subscribe();
        ended.wait_for(|ended| count <= *ended).await.expect("the sender is ours");
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let reply = match &shared.mind {
        Mind::Fixed(reply, last) => {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = body;
            reply.clone()
        }
        Mind::Script(script) => {
            let asked = Asked { headers, body: serde_json::from_slice(&body).unwrap_or_default() };
            let reply = script.lock().unwrap_or_else(PoisonError::into_inner)(&asked);
            shared.asked.send_modify(|all| all.push(asked));
            reply
        }
    };

    let Reply { status, headers, pieces } = reply;
    let over = Over(shared);
    let body = stream::iter(pieces).then(move |piece| {
        // Taken along, so that it is dropped with the body.
        let _over = &over;
        async move {
            match piece {
                Piece::Bytes(bytes) => Ok(bytes),
                Piece::Gate(gate) => {
                    gate.pass().await;
                    Ok(Bytes::new())
                }
                Piece::Cut => Err(std::io::Error::other("cut")),
            }
        }
    });
    let body = body.filter(|piece| std::future::ready(!matches!(piece, Ok(bytes) if bytes.is_empty())));
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Counts an answer that is over.
struct Over(Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.ended.send_modify(|ended| *ended += 1);
    }
}
