//! How a line begins, and what becomes of it.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use axum::extract::ws::{WebSocket, close_code};
use futures_util::SinkExt;
use proto::orchestrator::v1::{
    CreateSessionRequest, GetSessionRequest, JoinRequest, Session, SessionEvent, SubscribeRequest,
};
use service_kit::{
    metrics::Counted,
    status::Failure,
    trace::{self, Trace},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    Client, Connection, End, Person, Position, Refusal,
    farewell::{say_goodbye, shortened},
    frame, write,
};
use crate::streams::OpenStream;

/// Milliseconds over which those who must come back are spread: a gateway takes thousands of connections in a second.
const SPREAD_MS: u64 = 1000;
/// Time in which a line that is being closed may say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a connection is, apart from its socket.
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) person: Person,
    pub(super) session_id: String,
    /// Tells the orchestrator whose doing an event is.
    pub(super) connection_id: String,
    pub(super) documented_only: bool,
    pub(super) write_timeout: Duration,
    pub(super) shutdown: CancellationToken,
    pub(super) _open: OpenStream,
    pub(super) _counted: Counted,
}

impl Line {
    /// The end when this process ends, with the time after which to come back: another for each connection, so that not
    /// all come at once.
    pub(super) fn away(&self) -> End {
        End::Close(close_code::AWAY, format!("the server is shutting down; connect again in {} ms", self.pause()))
    }

    /// The end when another must serve the session, with the time after which to come back, too.
    pub(super) fn moved(&self) -> End {
        let reason = format!("the session is being moved; connect again with after_seq in {} ms", self.pause());
        End::Close(close_code::RESTART, reason)
    }

    fn pause(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.connection_id.hash(&mut hasher);
        hasher.finish() % SPREAD_MS
    }

    pub(super) async fn serve(self: Box<Line>, mut socket: Box<WebSocket>, after: Option<Position>, trace: Trace) {
        let (session_id, patience) = (self.session_id.clone(), self.write_timeout);
        // In a box, as whatever a line does now and then: it is as large as all that it may do at once, and most lines
        // are silent.
        let begun = trace.run(Box::pin(self.begin(&mut socket, after))).await;
        let end = match begun {
            Err(Refusal::End(end)) => end,
            Err(Refusal::Status(status)) => {
                let failure = Failure::from(&status);
                let trace_id = trace.in_scope(trace::current_id_text);
                match write(&mut socket, frame::error(&failure, &trace_id), patience).await {
                    Ok(()) => End::Close(close_code::AGAIN, shortened(failure.message)),
                    Err(end) => end,
                }
            }
            Ok((events, shown)) => {
                drop(trace);
                let mut connection = Connection {
                    line: self,
                    socket,
                    events,
                    shown,
                    is_flushed: true,
                    in_turn: false,
                    unread_until: None,
                    fell_behind: None,
                    asks_for_more: after.is_some(),
                    spellings: HashMap::new(),
                };
                let end = connection.run().await;
                socket = connection.socket;
                end
            }
        };
        match end {
            End::Gone => {
                let _ = timeout(FAREWELL, socket.close()).await;
            }
            End::Close(code, reason) => {
                tracing::info!(session_id, code, reason, "socket closed");
                // Who has not read for a while has much to read before he comes to our word.
                let patience = if code == close_code::POLICY { patience } else { FAREWELL };
                let _ = timeout(patience, say_goodbye(&mut socket, code, reason)).await;
            }
        }
    }

    /// Makes sure of the session, greets, and listens to it. Answers the events, and what was in the log before them.
    async fn begin(
        &self,
        socket: &mut WebSocket,
        after: Option<Position>,
    ) -> Result<(Streaming<SessionEvent>, u64), Refusal> {
        let session_id = self.session_id.clone();
        self.client.clone().create_session(CreateSessionRequest { session_id: Some(session_id) }).await?;
        let greeting = format!("Connected to session {}", self.session_id);
        write(socket, frame::system(greeting, "", ""), self.write_timeout).await?;
        let events = self.subscribe(after).await?;
        if let Some(seat) = self.person.fixed_seat() {
            // Whoever may take one seat only has it from the beginning.
            let (session_id, connection_id) = (self.session_id.clone(), self.connection_id.clone());
            let (name, seat) = (self.person.name().unwrap_or_default(), Some(seat));
            let join = JoinRequest { session_id, connection_id, name, seat, character: None };
            self.client.clone().join(join).await?;
        }
        // Asked for after the subscription, so that whatever has a higher number comes through it.
        let last_seq = self.session().await?.last_seq;
        Ok((events, after.map_or(last_seq, |after| after.seq.min(last_seq))))
    }

    pub(super) async fn subscribe(&self, after: Option<Position>) -> Result<Streaming<SessionEvent>, Status> {
        let request = SubscribeRequest {
            session_id: self.session_id.clone(),
            after_seq: after.map(|after| after.seq),
            after_offset: after.and_then(|after| after.offset),
            connection_id: Some(self.connection_id.clone()),
        };
        Ok(self.client.clone().subscribe(request).await?.into_inner())
    }

    pub(super) async fn session(&self) -> Result<Session, Status> {
        let request = GetSessionRequest { session_id: self.session_id.clone() };
        Ok(self.client.clone().get_session(request).await?.into_inner())
    }
}
