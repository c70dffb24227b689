//! What a subscriber reads: the log after the place that he knows, then everything live, without gap or duplicate.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use futures_util::{Stream, stream};
use proto::orchestrator::v1::{
    SessionEvent, SubscribeRequest,
    session_event::{Body, Resumed},
};
use service_kit::{clock, status};
use tokio::sync::mpsc;
use tonic::Status;
use tracing::Instrument;

use crate::{
    events,
    session::{Registration, Session},
    store::{Page, Position},
};

/// Events read from the log at once.
const PAGE: u64 = 200;

struct Subscription {
    session: Arc<Session>,
    connection_id: String,
    /// Read, and to be told next.
    ready: VecDeque<SessionEvent>,
    backlog: Option<Backlog>,
    live: mpsc::Receiver<Arc<SessionEvent>>,
    reason: Arc<OnceLock<Status>>,
    is_over: bool,
}

/// The part of the log that is still to be read.
struct Backlog {
    from: Position,
    until: Position,
    /// What was told before and is not in the log yet.
    unlogged: Option<SessionEvent>,
    seen: Seen,
}

/// What the subscriber has seen: everything before `seq`, and `offset` characters of it (`None`: all of it).
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub seq: u64,
    pub offset: Option<u64>,
}

/// Subscribes to a session.
///
/// # Errors
///
/// The session takes no more subscribers, or the server shuts down.
pub(crate) async fn subscribe(
    session: Arc<Session>,
    request: &SubscribeRequest,
) -> Result<impl Stream<Item = Result<SessionEvent, Status>> + Send + 'static, Status> {
    let connection_id = request.connection_id.clone().unwrap_or_default();
    let registration = session.register(connection_id.clone(), request.after_seq.is_some()).await?;
    let Registration { live, reason, epoch, last_seq, until, unlogged, is_retold } = registration;

    let mut ready = VecDeque::new();
    if is_retold && request.after_seq.is_none() {
        let body = Some(events::told_again());
        ready.push_back(SessionEvent { at: clock::now(), body, ..SessionEvent::default() });
    }
    let backlog = request.after_seq.map(|seq| {
        let resumed = Resumed { recovered: seq <= last_seq, epoch, last_seq };
        let body = Some(Body::Resumed(resumed));
        ready.push_back(SessionEvent { at: clock::now(), body, ..SessionEvent::default() });
        let seen = Seen { seq, offset: request.after_offset };
        Backlog { from: seen.begin(), until, unlogged, seen }
    });
    let subscription = Subscription { session, connection_id, ready, backlog, live, reason, is_over: false };
    Ok(stream::unfold(subscription, |mut subscription| async move {
        let event = subscription.next().await?;
        Some((event, subscription))
    }))
}

impl Subscription {
    async fn next(&mut self) -> Option<Result<SessionEvent, Status>> {
        if self.is_over {
            return None;
        }
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            let Some(backlog) = self.backlog.take() else { break };
            if let Err(status) = self.read(backlog).await {
                self.is_over = true;
                return Some(Err(status));
            }
        }
        if let Some(event) = self.live.recv().await {
            return Some(Ok(Arc::unwrap_or_clone(event)));
        }
        self.is_over = true;
        self.reason.get().map(|reason| Err(reason.clone()))
    }

    /// Reads the next page of the log, or what was not in the log yet.
    async fn read(&mut self, backlog: Backlog) -> Result<(), Status> {
        let Backlog { from, until, unlogged, seen } = backlog;
        let page = match from < until {
            true => {
                // In a task of its own: a reader who stops in the middle of it must not keep the database waiting.
                let session = self.session.clone();
                let reading = async move { session.store().events(&session.id, from, until, PAGE).await };
                let page = tokio::spawn(reading.in_current_span()).await.map_err(|error| status::internal(&error))?;
                page.map_err(|error| status::database(&error))?
            }
            // Who comes back with all that the log has costs the database nothing; often thousands do at once.
            false => Page::default(),
        };
        let inner = self.session.lock().await;
        let may_see = |event: &SessionEvent| inner.seats.may_see(&self.connection_id, &event.visible_to);
        self.ready.extend(page.events.into_iter().filter(may_see).filter_map(|event| seen.unseen(event)));
        match page.next {
            Some(from) => self.backlog = Some(Backlog { from, until, unlogged, seen }),
            None => self.ready.extend(unlogged.and_then(|event| seen.unseen(event))),
        }
        Ok(())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.connection_id.is_empty() {
            return;
        }
        // The queue is let go of first, so that it does not count as listening.
        self.live.close();
        let (session, connection_id) = (self.session.clone(), std::mem::take(&mut self.connection_id));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { session.leave(&connection_id).await });
        }
    }
}

impl Seen {
    /// Where reading begins. The row that holds the offset may begin before it.
    pub fn begin(self) -> Position {
        match self.offset {
            Some(_) => Position { seq: self.seq, offset: 0 },
            None => Position::after(self.seq),
        }
    }

    /// The event without what has been seen of it.
    pub fn unseen(self, mut event: SessionEvent) -> Option<SessionEvent> {
        if event.seq != self.seq {
            return (self.seq < event.seq).then_some(event);
        }
        let Some(Body::Narrative(narrative)) = &mut event.body else { return None };
        let skipped = self.offset?.saturating_sub(narrative.offset);
        let skipped_chars = usize::try_from(skipped).unwrap_or(usize::MAX);
        let rest: String = narrative.content.chars().skip(skipped_chars).collect();
        if rest.is_empty() {
            return None;
        }
        narrative.offset += skipped;
        narrative.content = rest;
        Some(event)
    }
}
