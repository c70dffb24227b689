//! Who is attached to a game: roles, what each is told, and the grace when the last one has gone.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Cell, DEFAULT_GAME, Error, Games, Live};
use crate::{
    machine::{Audience, Output, OutputKind, Refusal, View},
    store::StoredEntry,
};

/// Updates an attachment may leave unread before it is dropped.
const QUEUE: usize = 256;
/// Most attachments of one game.
pub(super) const MAX_ATTACHMENTS: usize = 16_384;

/// What somebody attached is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The first player; his database is read, and some events are his alone.
    Host,
    /// Any other player.
    Client,
    /// One who looks on.
    Observer,
}

impl Role {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Host => "host",
            Role::Client => "client",
            Role::Observer => "observer",
        }
    }

    /// Whether an output is for this role.
    pub fn hears(self, audience: Audience) -> bool {
        match audience {
            Audience::Everyone => true,
            Audience::Host => self == Role::Host,
            Audience::Clients => self != Role::Host,
        }
    }
}

/// One thing an attachment is told.
#[derive(Debug, Clone)]
pub struct Update {
    /// From 1.
    pub number: u64,
    /// The role that it is told to.
    pub role: Role,
    /// What it is told; boxed, so that an idle attachment's queue costs little.
    pub kind: Box<UpdateKind>,
}

/// What an attachment is told.
#[derive(Debug, Clone)]
pub enum UpdateKind {
    /// The beginning.
    Greeting { attachment_id: String, game_id: String, sequence: u64, outputs: Vec<Output> },
    /// An entry of the game's log.
    Reaction { game_id: String, entry: Arc<StoredEntry> },
    /// Its own event was refused.
    Refusal { refusal: Refusal, message: String, event: String, trace_id: String },
    /// It is the host now.
    RoleChange { outputs: Vec<Output> },
}

/// A stream of updates; dropping it detaches.
pub struct Updates {
    receiver: mpsc::Receiver<Update>,
    lagged: Arc<AtomicBool>,
    _detach: Detach,
}

impl Updates {
    /// The next update; `None` at the end.
    pub async fn next(&mut self) -> Option<Update> {
        self.receiver.recv().await
    }

    /// Whether it ended because too many updates were left unread.
    pub fn has_lagged(&self) -> bool {
        self.lagged.load(Ordering::Acquire)
    }
}

struct Detach {
    games: Arc<Games>,
    attachment_id: String,
    runtime: tokio::runtime::Handle,
}

impl Drop for Detach {
    fn drop(&mut self) {
        let games = self.games.clone();
        let attachment_id = std::mem::take(&mut self.attachment_id);
        self.runtime.spawn(async move { games.detach(&attachment_id, true).await });
    }
}

pub(super) struct Attachment {
    pub id: String,
    pub role: Role,
    pub number: u64,
    sender: mpsc::Sender<Update>,
    lagged: Arc<AtomicBool>,
}

impl Attachment {
    /// Tells it something. `false`: it has gone, or left too much unread.
    fn tell(&mut self, kind: UpdateKind) -> bool {
        self.number += 1;
        let update = Update { number: self.number, role: self.role, kind: Box::new(kind) };
        match self.sender.try_send(update) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                tracing::warn!(attachment_id = self.id, "an attachment fell behind by {QUEUE} updates and is dropped");
                self.lagged.store(true, Ordering::Release);
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}

impl Games {
    /// Attaches to a game. `leaves` is an attachment that is given up without starting its game's grace.
    pub async fn attach(
        self: &Arc<Self>,
        game_id: &str,
        create: bool,
        observe: bool,
        leaves: Option<String>,
    ) -> Result<Updates, Error> {
        let (cell, mut live) = match self.lock(game_id).await {
            Err(Error::NoGame(_)) if create => {
                match self.create(Some(game_id.to_owned()), None, None).await {
                    // Somebody else was faster; it is there in any case.
                    Ok(_) | Err(Error::Taken(_)) => self.lock(game_id).await?,
                    Err(error) => return Err(error),
                }
            }
            locked => locked?,
        };
        if MAX_ATTACHMENTS <= live.attachments.len() {
            return Err(Error::Full(game_id.to_owned()));
        }
        let (view, _) = self.view(&live).await?;
        // Who comes anew to the game that he is in keeps his place in it.
        if let Some(leaves) = &leaves
            && live.attachments.iter().any(|attachment| attachment.id == *leaves)
        {
            live.attachments.retain(|attachment| attachment.id != *leaves);
            self.attachments.lock().expect("no holder panics").remove(leaves);
        }
        let role = match live.attachments.iter().any(|attachment| attachment.role == Role::Host) {
            _ if observe => Role::Observer,
            true => Role::Client,
            false => Role::Host,
        };
        let (sender, receiver) = mpsc::channel(QUEUE);
        let lagged = Arc::new(AtomicBool::new(false));
        let id = Uuid::now_v7().to_string();
        let mut attachment = Attachment { id: id.clone(), role, number: 0, sender, lagged: lagged.clone() };
        attachment.tell(UpdateKind::Greeting {
            attachment_id: id.clone(),
            game_id: live.stored.id.clone(),
            sequence: live.stored.sequence,
            outputs: greeting(&live.stored.game.state, view),
        });
        live.attachments.push(attachment);
        live.watch += 1;
        live.is_waiting = false;
        live.opponent.somebody_came();
        self.call_opponent(&mut live, "opponent", &cell);
        drop(live);
        self.attachments.lock().expect("no holder panics").insert(id.clone(), cell);
        tracing::info!(game_id, attachment_id = id, role = role.word(), "attached");
        if let Some(leaves) = leaves {
            self.detach(&leaves, false).await;
        }
        let runtime = tokio::runtime::Handle::current();
        Ok(Updates { receiver, lagged, _detach: Detach { games: self.clone(), attachment_id: id, runtime } })
    }

    /// Tells every attachment what is for it, and drops those that do not keep up.
    pub(super) fn tell(
        self: &Arc<Self>,
        live: &mut Live,
        kind: impl Fn(&Attachment) -> Option<UpdateKind>,
        cell: &Cell,
    ) {
        let mut gone = Vec::new();
        for attachment in &mut live.attachments {
            if let Some(kind) = kind(attachment)
                && !attachment.tell(kind)
            {
                gone.push(attachment.id.clone());
            }
        }
        if gone.is_empty() {
            return;
        }
        live.attachments.retain(|attachment| !gone.contains(&attachment.id));
        let mut attachments = self.attachments.lock().expect("no holder panics");
        gone.iter().for_each(|id| drop(attachments.remove(id)));
        drop(attachments);
        // Its successor learns of it when it has time; this game is in the middle of telling.
        let (games, cell) = (self.clone(), cell.clone());
        tokio::spawn(async move {
            let mut live = cell.lock().await;
            games.after_leaving(&mut live, true, &cell).await;
        });
    }

    /// Ends an attachment.
    pub(super) async fn detach(self: &Arc<Self>, attachment_id: &str, starts_grace: bool) {
        let cell = self.attachments.lock().expect("no holder panics").remove(attachment_id);
        let Some(cell) = cell else { return };
        let mut live = cell.lock().await;
        live.attachments.retain(|attachment| attachment.id != attachment_id);
        tracing::info!(game_id = live.stored.id, attachment_id, "detached");
        self.after_leaving(&mut live, starts_grace, &cell).await;
    }

    /// Passes the host's role on, and starts the grace when the last one has gone.
    pub(super) async fn after_leaving(self: &Arc<Self>, live: &mut Live, starts_grace: bool, cell: &Cell) {
        if !live.attachments.iter().any(|attachment| attachment.role == Role::Host)
            && live.attachments.iter().any(|attachment| attachment.role == Role::Client)
        {
            let outputs = match self.view(live).await {
                Ok((view, _)) => {
                    vec![Output { audience: Audience::Host, kind: OutputKind::ValidEvents(view.valid_events.host) }]
                }
                Err(_) => Vec::new(),
            };
            // The oldest comes first.
            if let Some(heir) = live.attachments.iter_mut().find(|attachment| attachment.role == Role::Client) {
                heir.role = Role::Host;
                tracing::info!(game_id = live.stored.id, attachment_id = heir.id, "the next in line is the host");
                heir.tell(UpdateKind::RoleChange { outputs });
            }
        }
        if live.attachments.is_empty() && starts_grace {
            self.wait(live, cell);
        }
    }

    /// Starts the grace of the default game, anew if it runs.
    pub(super) fn wait(self: &Arc<Self>, live: &mut Live, cell: &Cell) {
        let Some(grace) = live.machine.grace.filter(|_| live.stored.id == DEFAULT_GAME) else { return };
        live.watch += 1;
        live.is_waiting = true;
        let (games, cell, watch) = (self.clone(), Arc::downgrade(cell), live.watch);
        tokio::spawn(async move {
            tokio::select! {
                () = games.shutdown.cancelled() => {}
                () = tokio::time::sleep(grace) => {
                    if let Some(cell) = cell.upgrade() {
                        games.expire(&cell, watch).await;
                    }
                }
            }
        });
    }

    /// The grace is over: the default game starts anew, the old one is archived.
    async fn expire(&self, cell: &Cell, watch: u64) {
        let mut live = cell.lock().await;
        if live.watch != watch || !live.attachments.is_empty() || live.stored.id != DEFAULT_GAME {
            return;
        }
        live.is_waiting = false;
        if live.stored.sequence == 0 {
            return;
        }
        match self.archive(&live.stored).await {
            Ok(archived_id) => {
                tracing::info!(archived_id, "nobody came back: the default game starts anew");
                live.stored.archived_from = Some(DEFAULT_GAME.to_owned());
                live.stored.id.clone_from(&archived_id);
                let mut games = self.live.lock().expect("no holder panics");
                games.remove(DEFAULT_GAME);
                games.insert(archived_id, cell.clone());
            }
            Err(error) => tracing::error!(%error, "the default game could not be archived"),
        }
    }
}

/// What an attachment hears first.
fn greeting(state: &str, view: View) -> Vec<Output> {
    let everyone = |kind| Output { audience: Audience::Everyone, kind };
    let mut outputs = vec![everyone(OutputKind::State(state.to_owned()))];
    outputs.extend(view.prompt.into_iter().map(|line| everyone(OutputKind::Text(line))));
    outputs.extend(view.valid_events.outputs());
    outputs
}
