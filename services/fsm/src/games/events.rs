//! Events: what each brings about, written down before anybody is told.
//!
//! Events that came together are taken one after the other, share one commit, and are told in their order after it.

use std::sync::Arc;

use serde_json::{Map, Value};
use service_kit::{
    clock,
    db::{DbError, Statement},
    trace,
};

use super::{Cell, Error, Games, Live, MAX_ROLLS, Role, UpdateKind};
use crate::{
    board::Figures,
    chance,
    machine::{self, Event, Game, Order, Output, OutputKind, Refusal, Rolled, Stop},
    store::{Entry, Idempotency, Store, StoredEntry},
};

/// An event as it comes in.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// The game.
    pub game_id: String,
    /// The event.
    pub event: String,
    /// What it tells; `None` if that cannot be read.
    pub data: Option<Map<String, Value>>,
    /// Who sends it, if he is attached.
    pub attachment_id: Option<String>,
    /// Whether one who is not attached has the rights of the host.
    pub is_host: bool,
    /// Where it comes from, if the sender says so.
    pub cause: Option<String>,
    /// The caller's key and request.
    pub idempotency: Option<Idempotency>,
    /// What the table is told about it first.
    pub remarks: Vec<String>,
    /// What the service itself brings about.
    pub order: Option<Order>,
    /// The number that the game's last entry must have.
    pub expected_sequence: Option<u64>,
}

/// What became of an event.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The game.
    pub game_id: String,
    /// The entry, or why there is none.
    pub outcome: Result<Arc<StoredEntry>, Refusal>,
    /// Why it was refused, for people; empty if it was not.
    pub message: String,
    /// The state the game rests in.
    pub state: String,
    /// The events that the host may send now.
    pub valid_events: Vec<String>,
    /// Number of the last update sent to the sender; 0 if he is not attached.
    pub update_number: u64,
}

/// An event of an attachment that has nothing else to say with it.
#[derive(Debug, Clone)]
pub struct Bare {
    /// The event.
    pub event: String,
    /// What it tells; `None` if that cannot be read.
    pub data: Option<Map<String, Value>>,
}

/// What became of events that came together: the attachment was told of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How many were taken, from the first on.
    pub handled: usize,
    /// Whether the next one failed; those behind it have to come again.
    pub failed: bool,
    /// The number of the last update sent to the attachment.
    pub update_number: u64,
}

/// An event that was taken and of which nobody knows yet.
enum Taken {
    /// The entry that it makes, and the game after it.
    Accepted(Arc<StoredEntry>, Box<Game>),
    Refused(Refused),
}

/// Why an event is refused.
struct Refused {
    refusal: Refusal,
    message: String,
    trace_id: String,
}

impl Games {
    /// Sends an event. Whatever comes of it, nobody has been told before it was in the log.
    pub async fn send(self: &Arc<Self>, mut incoming: Incoming) -> Result<Answer, Error> {
        let (cell, mut live) = match &incoming.attachment_id {
            Some(id) => {
                let cell = self.attachments.lock().expect("no holder panics").get(id).cloned();
                let Some(cell) = cell else {
                    // It is where its game is held.
                    self.cell(&incoming.game_id).await?;
                    return Err(Error::NoAttachment(id.clone()));
                };
                let live = cell.clone().lock_owned().await;
                (cell, live)
            }
            None => self.lock(&incoming.game_id).await?,
        };
        if let (Some(idempotency), Some(_)) = (&mut incoming.idempotency, &incoming.attachment_id) {
            // What a player calls his events is his own affair in each game.
            idempotency.key = format!("{}/{}", live.stored.key, idempotency.key);
        }
        self.send_locked(&mut live, &cell, incoming).await
    }

    /// Sends events of one attachment as [`Games::send`] does with each, one after the other. They share one commit, and
    /// nobody has been told of any before it.
    ///
    /// One that fails ends it: those before it are told, those behind it not taken.
    pub async fn send_all(
        self: &Arc<Self>,
        attachment_id: &str,
        game_id: &str,
        events: Vec<Bare>,
    ) -> Result<Told, Error> {
        let cell = self.attachments.lock().expect("no holder panics").get(attachment_id).cloned();
        let Some(cell) = cell else {
            // It is where its game is held.
            self.cell(game_id).await?;
            return Err(Error::NoAttachment(attachment_id.to_owned()));
        };
        let mut live = cell.clone().lock_owned().await;
        let mut taken = Vec::with_capacity(events.len());
        let mut statements = Vec::with_capacity(events.len());
        let (mut sequence, mut game, mut failed) = (live.stored.sequence, None, false);
        for Bare { event, data } in events {
            let attachment_id = Some(attachment_id.to_owned());
            let incoming = Incoming { event, data, attachment_id, ..Incoming::default() };
            let now = game.as_ref().unwrap_or(&live.stored.game);
            match self.take(&live, now, sequence + 1, &incoming).await {
                Ok(Taken::Accepted(entry, after)) => {
                    sequence = entry.sequence;
                    statements.push(Store::entry(&live.stored.key, &entry, &after, None));
                    game = Some(*after);
                    taken.push((incoming, Ok(entry)));
                }
                Ok(Taken::Refused(refused)) => taken.push((incoming, Err(refused))),
                Err(error) => {
                    tracing::error!(game_id = live.stored.id, event = incoming.event, %error, "an event could not be taken");
                    failed = true;
                    break;
                }
            }
        }
        if let Some(game) = game {
            self.write(&mut live, statements, sequence, game).await?;
        }
        let handled = taken.len();
        for (incoming, outcome) in taken {
            match outcome {
                Ok(entry) => self.tell_entry(&mut live, &entry, incoming.attachment_id.as_deref(), &cell).await,
                Err(refused) => self.tell_refusal(&mut live, &refused, &incoming, &cell),
            }
        }
        Ok(Told { handled, failed, update_number: number_of(&live, Some(attachment_id)) })
    }

    /// Sends an event to a game that is locked.
    pub(super) async fn send_locked(
        self: &Arc<Self>,
        live: &mut Live,
        cell: &Cell,
        incoming: Incoming,
    ) -> Result<Answer, Error> {
        if let Some(idempotency) = &incoming.idempotency
            && let Some(answer) = self.answered_before(idempotency, live).await?
        {
            return Ok(answer);
        }
        if let Some(expected) = incoming.expected_sequence.filter(|expected| *expected != live.stored.sequence) {
            return Err(Error::MovedOn { expected, sequence: live.stored.sequence });
        }
        match self.take(live, &live.stored.game, live.stored.sequence + 1, &incoming).await? {
            Taken::Accepted(entry, game) => {
                let sender = incoming.attachment_id.as_deref();
                self.append(live, entry, *game, incoming.idempotency, sender, cell).await
            }
            Taken::Refused(refused) => {
                self.tell_refusal(live, &refused, &incoming, cell);
                let sender = incoming.attachment_id.as_deref();
                // An attachment hears its refusal on its stream, and need not be told what else would be valid.
                let valid_events =
                    if sender.is_some() { Vec::new() } else { self.view(live).await?.0.valid_events.host };
                Ok(Answer {
                    game_id: live.stored.id.clone(),
                    outcome: Err(refused.refusal),
                    message: refused.message,
                    state: live.stored.game.state.clone(),
                    valid_events,
                    update_number: number_of(live, sender),
                })
            }
        }
    }

    /// Takes an event in a game that stands so; nothing is written down or told yet.
    async fn take(&self, live: &Live, game: &Game, sequence: u64, incoming: &Incoming) -> Result<Taken, Error> {
        let trace_id = trace_id(incoming.data.as_ref());
        let mut rolls = Vec::new();
        let event = self.event(live, incoming)?;
        match self.react(live, game, &event, incoming.idempotency.as_ref(), &mut rolls).await? {
            Ok(reaction) => {
                let cause = incoming.cause.as_deref();
                let cause = cause.unwrap_or(if incoming.attachment_id.is_some() { "client" } else { "tool" });
                let (entry, game) = Entry::new(event, cause.to_owned(), trace_id, rolls, reaction);
                let (created_at, state) = (entry.event.at, game.state.clone());
                Ok(Taken::Accepted(Arc::new(StoredEntry { sequence, created_at, state, entry }), Box::new(game)))
            }
            Err(refusal) => {
                let message = refusal.message(&incoming.event, &game.state);
                Ok(Taken::Refused(Refused { refusal, message, trace_id }))
            }
        }
    }

    /// The event with what the game's table adds to it. Data that cannot be read stands for itself: it is refused where an
    /// unknown event is not refused before.
    pub(super) fn event(&self, live: &Live, incoming: &Incoming) -> Result<Event, Error> {
        let attached = match &incoming.attachment_id {
            Some(id) => {
                let attachment = live.attachments.iter().find(|attachment| attachment.id == *id);
                Some(attachment.ok_or_else(|| Error::NoAttachment(id.clone()))?)
            }
            None => None,
        };
        let players = live.attachments.iter().filter(|attachment| attachment.role != Role::Observer);
        Ok(Event {
            name: incoming.event.clone(),
            data: incoming.data.clone().unwrap_or_else(|| Map::from_iter([("facts".to_owned(), Value::Null)])),
            sender: attached.map_or_else(|| "controller".to_owned(), |attachment| attachment.id.clone()),
            is_host: attached.map_or(incoming.is_host, |attachment| attachment.role == Role::Host),
            players: players.map(|attachment| attachment.id.clone()).collect(),
            assist: self.settings.assist,
            at: clock::now_ms(),
            remarks: incoming.remarks.clone(),
            order: incoming.order.clone(),
        })
    }

    /// What the event brings about, with the board and the rolls it takes.
    async fn react(
        &self,
        live: &Live,
        game: &Game,
        event: &Event,
        idempotency: Option<&Idempotency>,
        rolls: &mut Vec<Rolled>,
    ) -> Result<Result<machine::Reaction, Refusal>, Error> {
        let mut board: Option<Arc<Figures>> = None;
        loop {
            match machine::react(&live.machine, game, event, board.as_deref(), rolls) {
                Ok(reaction) => return Ok(Ok(reaction)),
                Err(Stop::Refused(refusal)) => return Ok(Err(refusal)),
                Err(Stop::Board) => board = Some(self.board(&live.stored).await),
                Err(Stop::Roll(_)) if rolls.len() == MAX_ROLLS => return Err(Error::TooManyRolls),
                Err(Stop::Roll(roll)) => {
                    let key = idempotency.map(|idempotency| format!("{}/{}", idempotency.key, rolls.len() + 1));
                    let rolled = chance::roll(self.dice.clone(), roll, &live.stored.id, key).await;
                    rolls.push(rolled.map_err(|status| Error::Dice(Box::new(status)))?);
                }
            }
        }
    }

    /// Writes an entry down, and tells of it.
    pub(super) async fn append(
        self: &Arc<Self>,
        live: &mut Live,
        entry: Arc<StoredEntry>,
        game: Game,
        idempotency: Option<Idempotency>,
        sender: Option<&str>,
        cell: &Cell,
    ) -> Result<Answer, Error> {
        let statement = Store::entry(&live.stored.key, &entry, &game, idempotency);
        self.write(live, vec![statement], entry.sequence, game).await?;
        self.tell_entry(live, &entry, sender, cell).await;
        Ok(Answer {
            game_id: live.stored.id.clone(),
            message: String::new(),
            state: entry.state.clone(),
            valid_events: valid_events_of(&entry.entry.outputs),
            update_number: number_of(live, sender),
            outcome: Ok(entry),
        })
    }

    /// Writes entries down, of which the last has this number and leaves the game like this.
    async fn write(&self, live: &mut Live, statements: Vec<Statement>, sequence: u64, game: Game) -> Result<(), Error> {
        match self.store.append(statements).await {
            Ok(()) => {}
            Err(DbError::Unique) => {
                // Another replica holds the game, or used the key: what is in memory is out of date.
                if !self.still_holds(&live.stored).await? {
                    self.lose(live);
                } else if let Some(stored) = self.store.find(&live.stored.id).await? {
                    live.stored = stored;
                }
                return Err(Error::Elsewhere(live.stored.id.clone()));
            }
            Err(error) => return Err(error.into()),
        }
        live.stored.sequence = sequence;
        live.stored.game = game;
        Ok(())
    }

    /// Tells everybody of an entry that is written down, and sees to what it calls for.
    async fn tell_entry(
        self: &Arc<Self>,
        live: &mut Live,
        entry: &Arc<StoredEntry>,
        sender: Option<&str>,
        cell: &Cell,
    ) {
        live.stored.updated_at = entry.created_at;
        let Entry { event, cause, outputs, .. } = &entry.entry;
        tracing::debug!(
            game_id = live.stored.id,
            sequence = entry.sequence,
            event = event.name,
            state = entry.state,
            cause,
            "accepted"
        );
        self.expect_moves(live, outputs).await;
        self.call_opponent(live, cause, cell);
        self.set_clock(live, cell);
        let kind = UpdateKind::Reaction { game_id: live.stored.id.clone(), entry: entry.clone() };
        self.tell(live, |_| Some(kind.clone()), cell);
        if live.is_waiting && sender.is_none() {
            // Somebody plays on without being attached: that is a sign of life.
            self.wait(live, cell);
        }
    }

    /// Tells the sender why his event is refused.
    fn tell_refusal(self: &Arc<Self>, live: &mut Live, refused: &Refused, incoming: &Incoming, cell: &Cell) {
        let Refused { refusal, message, trace_id } = refused;
        if *refusal == Refusal::Ignored {
            // The board has changed: what the opponent waits for may be there, or something that it may choose.
            self.call_opponent(live, "opponent", cell);
            return;
        }
        tracing::debug!(game_id = live.stored.id, message, "refused");
        let kind = UpdateKind::Refusal {
            refusal: *refusal,
            message: message.clone(),
            event: incoming.event.clone(),
            trace_id: trace_id.clone(),
        };
        let sender = incoming.attachment_id.as_deref();
        self.tell(live, |attachment| (Some(attachment.id.as_str()) == sender).then(|| kind.clone()), cell);
    }

    pub(super) async fn answered_before(
        &self,
        idempotency: &Idempotency,
        live: &Live,
    ) -> Result<Option<Answer>, Error> {
        let Some((entry, request)) = self.store.entry_by_key(&idempotency.key).await? else { return Ok(None) };
        if request != idempotency.request {
            return Err(Error::KeyUsed);
        }
        Ok(Some(Answer {
            game_id: live.stored.id.clone(),
            message: String::new(),
            state: entry.state.clone(),
            valid_events: valid_events_of(&entry.entry.outputs),
            update_number: 0,
            outcome: Ok(Arc::new(entry)),
        }))
    }
}

/// The last valid events that an entry told the host.
fn valid_events_of(outputs: &[Output]) -> Vec<String> {
    let mut events = outputs.iter().rev().filter(|output| Role::Host.hears(output.audience)).filter_map(|output| {
        match &output.kind {
            OutputKind::ValidEvents(events) => Some(events.clone()),
            _ => None,
        }
    });
    events.next().unwrap_or_default()
}

fn number_of(live: &Live, sender: Option<&str>) -> u64 {
    let attachment = live.attachments.iter().find(|attachment| Some(attachment.id.as_str()) == sender);
    attachment.map_or(0, |attachment| attachment.number)
}

/// The trace that the data names, else the one under way.
pub(super) fn trace_id(data: Option<&Map<String, Value>>) -> String {
    let named = data.and_then(|data| data.get("trace_id")).and_then(Value::as_str).and_then(trace::parse_trace_id);
    named.or_else(trace::current_id).map(|id| id.simple().to_string()).unwrap_or_default()
}
