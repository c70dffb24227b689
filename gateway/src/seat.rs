//! Seats for callers without a socket of their own: a program that runs a table over REST or MCP sits in the game
//! master's seat as long as it uses it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use proto::orchestrator::v1::{JoinRequest, SubscribeRequest};
use serde_json::{Map, Value};
use service_kit::auth::{Caller, Role};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use uuid::Uuid;

use crate::Gateway;

/// The parameter that names a connection; the door fills it in.
pub(crate) const CONNECTION: &str = "connection_id";
/// How long a seat that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How often it is looked at whether it is used.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Seats at the most; more would be an attack.
const MAX_SEATS: usize = 1000;

/// The seats, by session and caller.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<(String, String), Seat>>>);

struct Seat {
    connection_id: String,
    used: Instant,
    _stop: DropGuard,
}

impl Seats {
    /// The caller's connection at the table that a call is about; he is seated if the tool needs it.
    ///
    /// # Errors
    ///
    /// The seat is taken, or there is no such table.
    pub async fn connection(
        &self,
        gateway: &Gateway,
        caller: &Caller,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Option<String>, Status> {
        let Some(session_id) = arguments.get("session_id").and_then(Value::as_str) else { return Ok(None) };
        let key = (session_id.to_owned(), caller.name.clone());
        if let Some(seat) = self.lock().get_mut(&key) {
            seat.used = Instant::now();
            return Ok(Some(seat.connection_id.clone()));
        }
        // Who only speaks needs no seat.
        if tool == "say" || caller.role < Role::Gm || MAX_SEATS <= self.lock().len() {
            return Ok(None);
        }
        let connection_id = Uuid::now_v7().to_string();
        let mut orchestrator = gateway.peers.orchestrator();
        let subscribe = SubscribeRequest {
            session_id: session_id.to_owned(),
            connection_id: Some(connection_id.clone()),
            ..SubscribeRequest::default()
        };
        let mut events = orchestrator.subscribe(subscribe).await?.into_inner();
        let name = if caller.name.is_empty() { "Game master".to_owned() } else { caller.name.clone() };
        let join = JoinRequest {
            session_id: session_id.to_owned(),
            connection_id: connection_id.clone(),
            name: name.chars().take(40).collect(),
            seat: Some("game_master".into()),
            character: None,
        };
        orchestrator.join(join).await?;

        let stop = CancellationToken::new();
        let seat =
            Seat { connection_id: connection_id.clone(), used: Instant::now(), _stop: stop.clone().drop_guard() };
        self.lock().insert(key.clone(), seat);
        let (seats, caller, shutdown) = (self.clone(), caller.clone(), gateway.shutdown.clone());
        tokio::spawn(async move {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            loop {
                tokio::select! {
                    event = events.next() => if !matches!(event, Some(Ok(_))) { break },
                    _ = looks.tick() => if caller.check().is_err() || seats.is_idle(&key) { break },
                    () = stop.cancelled() => break,
                    () = shutdown.cancelled() => break,
                }
            }
            seats.lock().remove(&key);
        });
        Ok(Some(connection_id))
    }

    /// Frees the seat.
    pub fn leave(&self, session_id: &str, caller: &Caller) {
        self.lock().remove(&(session_id.to_owned(), caller.name.clone()));
    }

    fn is_idle(&self, key: &(String, String)) -> bool {
        self.lock().get(key).is_none_or(|seat| IDLE < seat.used.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Seat>> {
        // Nothing under this lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
