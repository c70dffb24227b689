//! Reading along where another replica writes the session and cannot be called.
//!
//! A stream to the holder is the better way, and the usual one (`service_kit::forward`). Where there is none, because the
//! holder has told no address or does not answer there, its words come over NATS: each says after which place of the log
//! it is told, so that a reader sees a gap and closes it from the log, which he also looks at again and again. A follower
//! hears what all may hear; he has no seat, since those are at the holder's.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{Stream, stream};
use prost::Message as _;
use proto::orchestrator::v1::{
    SessionEvent, SubscribeRequest,
    session_event::{Body, Resumed},
};
use service_kit::{
    clock,
    forward::Others,
    replicas::{Holder, Replicas},
    status::{self, ErrorCode},
    wake::{self, Listener, Wakes, Word},
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    events,
    session::MOVED,
    store::{Position, Store},
    subscription::Seen,
};

/// How often a follower looks at the log whom nobody wakes.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often he looks at the most seldom: the holder may have no NATS while he has.
const LOOK_AT_LAST: Duration = Duration::from_secs(1);
/// Events read from the log at once.
const PAGE: u64 = 200;
/// Words that may wait until the log has what comes before them.
const WAITING: usize = 1024;
/// Bytes before the event in a word: the place after which it is told.
const HEAD: usize = 16;

/// Tells what happens at a session to those who follow it on other replicas.
pub(crate) struct Relay {
    wakes: Wakes,
    subject: String,
    /// Up to where everything has been told, if that is known.
    place: Option<Position>,
}

/// What was told elsewhere.
#[derive(Debug, PartialEq)]
struct Told {
    /// Everything before this place was told before.
    after: Position,
    event: SessionEvent,
}

impl Relay {
    /// For a session.
    pub fn new(wakes: Wakes, session_id: &str) -> Relay {
        Relay { wakes, subject: subject(session_id), place: None }
    }

    /// Tells an event.
    pub fn tell(&mut self, event: &SessionEvent) {
        // The log is all that anybody can know of before.
        let after = self.place.unwrap_or_else(|| Position::of(event));
        if event.seq != 0 {
            self.place = Some(end(event));
        }
        if self.wakes.may_be_heard() {
            self.wakes.wake(&self.subject, encode(after, event));
        }
    }
}

fn subject(session_id: &str) -> String {
    format!("session.{}", wake::token(session_id))
}

fn encode(after: Position, event: &SessionEvent) -> Bytes {
    let mut word = BytesMut::with_capacity(HEAD + 256);
    word.put_u64(after.seq);
    word.put_u64(after.offset);
    let is_for_all = event.visible_to.is_empty();
    let told = match is_for_all {
        true => event.encode(&mut word),
        // Whom it is for need not be known either: it only takes its place.
        false => SessionEvent { seq: event.seq, ..SessionEvent::default() }.encode(&mut word),
    };
    told.expect("a buffer that grows has room");
    word.freeze()
}

fn decode(mut word: Bytes) -> Option<Told> {
    if word.len() < HEAD {
        return None;
    }
    let after = Position { seq: word.get_u64(), offset: word.get_u64() };
    let event = SessionEvent::decode(word).ok()?;
    Some(Told { after, event })
}

/// The place behind an event.
fn end(event: &SessionEvent) -> Position {
    match &event.body {
        Some(Body::Narrative(narrative)) => {
            Position { seq: event.seq, offset: narrative.offset + narrative.content.chars().count() as u64 }
        }
        _ => Position::after(event.seq),
    }
}

/// A follower.
struct Follower {
    store: Store,
    replicas: Arc<Replicas>,
    others: Others,
    session_id: String,
    connection_id: String,
    /// Whether he has asked for the log, and so knows how to take text back.
    knows_log: bool,
    /// What he has read of the log before he came, while he reads up to the present.
    seen: Option<Seen>,
    /// Up to where he has been told everything.
    place: Position,
    ready: VecDeque<SessionEvent>,
    /// Told elsewhere, and not told here yet.
    waiting: VecDeque<Told>,
    words: Listener,
    gone: watch::Receiver<u64>,
    /// Whether the log is to be read, and from where, if not from his place.
    is_due: bool,
    read_on: Option<Position>,
    /// Whether it has been read for the gap before what waits.
    has_read: bool,
    /// When he looks at it next, however much he hears meanwhile.
    look_at: Instant,
    shutdown: CancellationToken,
    is_over: bool,
}

/// Follows a session that another replica writes, until that one can be called.
///
/// # Errors
///
/// There is none of that id, or the database fails.
pub(crate) async fn follow(
    store: Store,
    replicas: Arc<Replicas>,
    others: Others,
    request: SubscribeRequest,
    shutdown: CancellationToken,
) -> Result<impl Stream<Item = Result<SessionEvent, Status>> + Send + 'static, Status> {
    let SubscribeRequest { session_id, after_seq, after_offset, connection_id } = request;
    // Whatever is told from here on is heard, and everything before is in the log, or comes into it soon.
    let words = replicas.wakes().listen(&subject(&session_id)).await;
    let row = store.find(&session_id).await.map_err(|error| status::database(&error))?;
    let row = row.ok_or_else(|| status::error(ErrorCode::NotFound, "the session was deleted"))?;
    let seen = after_seq.map(|seq| Seen { seq, offset: after_offset });
    let mut ready = VecDeque::new();
    if let Some(seq) = after_seq {
        let resumed = Resumed { recovered: seq <= row.last_seq, epoch: row.epoch, last_seq: row.last_seq };
        let body = Some(Body::Resumed(resumed));
        ready.push_back(SessionEvent { at: clock::now(), body, ..SessionEvent::default() });
    }
    let place = match seen {
        Some(seen) => seen.begin(),
        None => {
            let last = Position { seq: row.last_seq, offset: 0 };
            let page = store.events(&session_id, last, Position::END, PAGE).await;
            let page = page.map_err(|error| status::database(&error))?;
            page.events.last().map_or(last, end)
        }
    };
    let gone = replicas.gone();
    let follower = Follower {
        store,
        replicas,
        others,
        session_id,
        connection_id: connection_id.unwrap_or_default(),
        knows_log: after_seq.is_some(),
        seen,
        place,
        ready,
        waiting: VecDeque::new(),
        words,
        gone,
        is_due: true,
        read_on: None,
        has_read: false,
        // NATS may not know of him yet.
        look_at: Instant::now() + LOOK_AGAIN,
        shutdown,
        is_over: false,
    };
    Ok(stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((event, follower))
    }))
}

impl Follower {
    async fn next(&mut self) -> Option<Result<SessionEvent, Status>> {
        while !self.is_over {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            self.take_waiting();
            if !self.ready.is_empty() {
                continue;
            }
            let done = if self.is_due { self.read().await } else { self.wait().await };
            if let Err(status) = done {
                self.is_over = true;
                return Some(Err(status));
            }
        }
        None
    }

    /// Takes of what was told elsewhere all that follows without a gap.
    fn take_waiting(&mut self) {
        while let Some(Told { after, event }) = self.waiting.front() {
            if self.place < *after {
                // Read at once; if the log has it not yet, it is looked at again in a moment.
                self.is_due |= !self.has_read;
                self.has_read = true;
                return;
            }
            let is_new = event.seq == 0 || self.place < end(event);
            let Some(Told { event, .. }) = self.waiting.pop_front() else { return };
            self.has_read = false;
            if !is_new {
                continue;
            }
            if event.seq != 0 {
                self.place = end(&event);
            }
            self.tell(event);
        }
    }

    /// Tells an event, if it is for him.
    fn tell(&mut self, event: SessionEvent) {
        let is_his_own = !event.origin.is_empty() && event.origin == self.connection_id;
        if event.body.is_none() || !event.visible_to.is_empty() || is_his_own {
            return;
        }
        let event = match event.body {
            Some(Body::Retract(_)) if !self.knows_log => {
                SessionEvent { seq: 0, body: Some(events::told_again()), ..event }
            }
            _ => event,
        };
        self.ready.push_back(event);
    }

    /// Reads the next page of the log.
    async fn read(&mut self) -> Result<(), Status> {
        // The row in which he stands begins before his place.
        let from = self.read_on.take().unwrap_or(Position { offset: 0, ..self.place });
        let page = self.store.events(&self.session_id, from, Position::END, PAGE).await;
        let page = page.map_err(|error| status::database(&error))?;
        self.read_on = page.next;
        self.is_due = page.next.is_some();
        for event in page.events {
            let Some(event) = unheard(event, self.place) else { continue };
            self.place = end(&event);
            match self.seen {
                // What he has missed, his own included.
                Some(seen) if event.visible_to.is_empty() => self.ready.extend(seen.unseen(event)),
                Some(_) => {}
                None => self.tell(event),
            }
        }
        if !self.is_due {
            self.seen = None;
        }
        Ok(())
    }

    /// Waits for a word, or until it is time to look.
    async fn wait(&mut self) -> Result<(), Status> {
        if !self.waiting.is_empty() {
            self.look_at = self.look_at.min(Instant::now() + LOOK_AGAIN);
        }
        tokio::select! {
            word = self.words.next() => match word {
                Word::Said(word) if self.waiting.len() < WAITING => {
                    match decode(word) {
                        Some(told) => self.waiting.push_back(told),
                        None => self.is_due = true,
                    }
                    return Ok(());
                }
                // The log has what is too much to wait.
                Word::Said(_) => self.waiting.clear(),
                Word::Look => {}
            },
            Ok(()) = self.gone.changed() => {}
            () = self.shutdown.cancelled() => {
                self.is_over = true;
                return Ok(());
            }
            () = tokio::time::sleep_until(self.look_at) => {}
        }
        (self.is_due, self.has_read) = (true, true);
        self.look_at = Instant::now() + self.replicas.wakes().pause(LOOK_AGAIN).min(LOOK_AT_LAST);
        self.check_holder().await
    }

    /// Goes on only while another replica holds the session and cannot be called: else there is a better way.
    async fn check_holder(&self) -> Result<(), Status> {
        let row = self.store.find(&self.session_id).await.map_err(|error| status::database(&error))?;
        let is_best = match row.map(|row| self.replicas.holder(&row.holder)) {
            Some(Holder::Lives(Some(address))) => !self.others.answers(&address).await,
            Some(Holder::Lives(None) | Holder::Unknown) => true,
            Some(Holder::Free) | None => false,
        };
        if is_best { Ok(()) } else { Err(status::error(ErrorCode::ApiError, MOVED)) }
    }
}

/// What of an event of the log comes after a place.
fn unheard(event: SessionEvent, place: Position) -> Option<SessionEvent> {
    match place.offset {
        0 => (place <= Position::of(&event)).then_some(event),
        offset => Seen { seq: place.seq, offset: Some(offset) }.unseen(event),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use proto::orchestrator::v1::session_event::{Complete, Narrative};
    use service_kit::{
        auth::Credentials,
        replicas,
        testing::{TestDatabase, TestNats},
    };

    use super::*;

    /// Longest time that a test waits for what must come.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn narrative(seq: u64, offset: u64, content: &str) -> SessionEvent {
        let body = Some(Body::Narrative(Narrative { content: content.to_owned(), offset }));
        SessionEvent { seq, body, ..SessionEvent::default() }
    }

    #[test]
    fn a_word_says_after_which_place_it_is_told() {
        let told = Told { after: Position { seq: 7, offset: 3 }, event: narrative(7, 3, "Grüße") };

        assert_eq!(decode(encode(told.after, &told.event)), Some(told));
        assert_eq!(decode(Bytes::from_static(b"short")), None);
    }

    #[test]
    fn what_is_for_some_only_is_not_said_to_others() {
        let secret = SessionEvent { visible_to: vec!["Anna".into()], ..narrative(7, 0, "psst") };

        let told = decode(encode(Position { seq: 7, offset: 0 }, &secret)).unwrap();

        assert_eq!(told.event, SessionEvent { seq: 7, ..SessionEvent::default() });
    }

    #[test]
    fn of_a_row_that_is_partly_known_the_rest_is_told() {
        let place = Position { seq: 7, offset: 5 };
        let told = |event| unheard(event, place);

        assert_eq!(told(narrative(7, 3, "Grüße")), Some(narrative(7, 5, "üße")));
        assert_eq!(told(narrative(7, 0, "Die ")), None);
        assert_eq!(told(narrative(7, 8, "!")), Some(narrative(7, 8, "!")));
        assert_eq!(told(narrative(8, 0, "Und")), Some(narrative(8, 0, "Und")));
        let whole = SessionEvent { seq: 7, ..SessionEvent::default() };
        assert_eq!(unheard(whole.clone(), Position::after(6)), Some(whole));
    }

    #[test]
    fn the_place_behind_a_narration_counts_its_characters() {
        assert_eq!(end(&narrative(7, 3, "Grüße")), Position { seq: 7, offset: 8 });
        assert_eq!(end(&SessionEvent { seq: 7, ..SessionEvent::default() }), Position { seq: 8, offset: 0 });
    }

    #[tokio::test]
    async fn a_gap_is_closed_from_the_log_however_much_is_said_meanwhile() {
        let Some(nats) = TestNats::start() else { return };
        let database = TestDatabase::sqlite();
        let store = Store::open(&database.config).await.unwrap();
        let replica = async |wakes| {
            let lease = Duration::from_secs(600);
            let settings = replicas::Settings { service: "test", is_alone: false, address: None, lease, wakes };
            Replicas::start(store.db().clone(), settings).await.unwrap()
        };
        let (holder, reader) = (replica(Wakes::default()).await, replica(nats.wakes().await).await);
        store.create("evening", 0).await.unwrap();
        let row = store.find("evening").await.unwrap().unwrap();
        let row = store.take_over(row, &holder.id()).await.unwrap();
        let request = SubscribeRequest { session_id: "evening".into(), ..SubscribeRequest::default() };
        let others = Others::new(&Credentials::default(), CancellationToken::new());
        let events = follow(store.clone(), reader, others, request, CancellationToken::new()).await.unwrap();
        let mut events = std::pin::pin!(events);

        // All that is said comes after something that the log has late, and it never ends.
        let (speaker, late) = (nats.wakes().await, narrative(1, 0, "Late"));
        let mut beats = tokio::time::interval(LOOK_AGAIN / 2);
        let mut said = 0;
        let told = async {
            loop {
                tokio::select! {
                    event = events.next() => break event,
                    _ = beats.tick() => {
                        let complete = Some(Body::Complete(Complete::default()));
                        let event = SessionEvent { seq: 2, body: complete, ..SessionEvent::default() };
                        speaker.wake(&subject("evening"), encode(end(&late), &event));
                        said += 1;
                        if said == 8 {
                            let row = crate::store::SessionRow { last_seq: 1, ..row.clone() };
                            store.append(&row, std::slice::from_ref(&late), None, Vec::new()).await.unwrap();
                        }
                    }
                }
            }
        };
        let first = tokio::time::timeout(PATIENCE, told).await.expect("the log is read").unwrap().unwrap();

        assert_eq!((first.seq, first.body), (1, late.body));
    }
}
