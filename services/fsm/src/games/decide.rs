//! Who decides: open decisions and their answers, and the built-in opponent at work.
//!
//! The opponent sends events like everybody else. One task per game runs while there is something for it to decide; it
//! holds no lock while it thinks, and what it has thought counts only if the decision is still open then.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Map, Value};
use service_kit::clock;
use tokio::sync::Notify;

use super::{Answer, Cell, Error, Games, Incoming, Live};
use crate::{
    machine::{self, Decider, DeciderKind, Decision, Order, Output, OutputKind},
    opponent::{self, Question},
    store::Idempotency,
};

/// Most answers of the opponent on end without anybody else's event; two opponents end a game in fewer.
const MAX_STREAK: u32 = 10_000;
/// Most games taken up again after a restart.
pub(super) const MAX_RESUMED: i64 = 500;
/// Alternatives named beside the choice that was taken.
const SHOWN_ALTERNATIVES: usize = 2;
/// Kinds of decisions whose cards the table does not see when they are chosen.
const HIDDEN_KINDS: [&str; 2] = ["combat_card", "discard"];
/// How long the opponent waits before it looks again at a board that does not show its last action yet.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How often it looks again at a board that nobody has moved on before it goes on all the same.
const MAX_LOOKS: u32 = 10;

/// The opponent of one game.
#[derive(Default)]
pub struct Opponent {
    /// Whether its task runs.
    is_at_work: bool,
    /// Wakes the task.
    stirred: Arc<Notify>,
    /// Its answers since somebody else's event.
    streak: u32,
    /// Pieces that the client was told to move, each with the area it is to be seen in.
    unseen: BTreeMap<i64, i64>,
    /// When somebody attached last, Unix milliseconds: an autopilot counts from then.
    since: i64,
}

impl Opponent {
    /// Somebody has attached.
    pub fn somebody_came(&mut self) {
        self.since = clock::now_ms();
    }
}

/// An answer as it comes in.
pub struct DecisionAnswer {
    /// The game.
    pub game_id: String,
    /// The decision.
    pub decision_id: String,
    /// The choice.
    pub choice_id: String,
    /// What it leaves open.
    pub data: Map<String, Value>,
    /// Why.
    pub reason: Option<String>,
    /// Where it comes from.
    pub cause: Option<String>,
    /// The caller's key and request.
    pub idempotency: Option<Idempotency>,
}

/// What the opponent's task does next.
enum Next {
    Rest,
    Wait(Duration),
    Think(Box<Question>),
}

impl Games {
    /// The open decisions of a game.
    pub async fn decisions(&self, game_id: &str) -> Result<Vec<Decision>, Error> {
        let (_, live) = self.lock(game_id).await?;
        self.open_decisions(&live).await
    }

    /// Takes a decision.
    pub async fn answer(self: &Arc<Self>, answer: DecisionAnswer) -> Result<Answer, Error> {
        let (cell, mut live) = self.lock(&answer.game_id).await?;
        if let Some(idempotency) = &answer.idempotency
            && let Some(answer) = self.answered_before(idempotency, &live).await?
        {
            return Ok(answer);
        }
        let decisions = self.open_decisions(&live).await?;
        let incoming = incoming(decisions, answer)?;
        self.send_locked(&mut live, &cell, incoming).await
    }

    /// Has somebody else decide for a side.
    pub async fn set_decider(self: &Arc<Self>, game_id: &str, side: String, decider: Decider) -> Result<Answer, Error> {
        let (cell, mut live) = self.lock(game_id).await?;
        if !live.machine.sides.contains(&side) {
            return Err(Error::NoSide(side, live.machine.sides.join(", ")));
        }
        let incoming = Incoming {
            game_id: game_id.to_owned(),
            event: "DECIDER_SET".to_owned(),
            data: Some(Map::from_iter([
                ("side".to_owned(), Value::from(side.as_str())),
                ("decider".to_owned(), serde_json::to_value(decider).unwrap_or_default()),
            ])),
            is_host: true,
            order: Some(Order::SetDecider { side, decider }),
            ..Incoming::default()
        };
        self.send_locked(&mut live, &cell, incoming).await
    }

    async fn open_decisions(&self, live: &Live) -> Result<Vec<Decision>, Error> {
        let game = &live.stored.game;
        if game.memory.asked.is_empty() {
            return Ok(Vec::new());
        }
        let players: Vec<String> = live.attachments.iter().map(|attachment| attachment.id.clone()).collect();
        let board = self.board(&live.stored).await;
        machine::decisions(&live.machine, game, &players, Some(&board), self.settings.assist)
            .map_err(|_| Error::Unusable(live.stored.id.clone()))
    }

    /// Wakes the opponent if there may be something for it to decide.
    pub(super) fn call_opponent(self: &Arc<Self>, live: &mut Live, cause: &str, cell: &Cell) {
        if cause != "opponent" {
            live.opponent.streak = 0;
        }
        let memory = &live.stored.game.memory;
        let is_wanted =
            !memory.asked.is_empty() && memory.deciders.values().any(|decider| decider.kind != DeciderKind::Person);
        if live.opponent.is_at_work {
            live.opponent.stirred.notify_one();
        } else if is_wanted {
            live.opponent.is_at_work = true;
            let (games, cell) = (self.clone(), cell.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = games.shutdown.cancelled() => {}
                    () = games.play(&cell) => {}
                }
            });
        }
    }

    /// What the client is told to move is waited for: nothing is decided on a board that is no more.
    pub(super) async fn expect_moves(&self, live: &mut Live, outputs: &[Output]) {
        let is_watching = live.stored.game.memory.deciders.values().any(|decider| decider.kind != DeciderKind::Person);
        let moves = |output: &&Output| matches!(output.kind, OutputKind::Command(_) | OutputKind::Record(_));
        if !is_watching || !outputs.iter().any(|output| moves(&output)) {
            return;
        }
        let Some(tables) = self.databases.tables(&live.stored.board_id).await else { return };
        for output in outputs {
            match &output.kind {
                OutputKind::Command(command) => live.opponent.unseen.extend(opponent::recovered(command, &tables)),
                OutputKind::Record(record) => live.opponent.unseen.extend(opponent::moved(record)),
                _ => {}
            }
        }
    }

    /// Decides until there is nothing left to decide.
    async fn play(self: &Arc<Self>, cell: &Cell) {
        let mut looks = 0;
        loop {
            let (next, stirred) = {
                let mut live = cell.lock().await;
                let next = self.next(&mut live, &mut looks).await.unwrap_or_else(|error| {
                    tracing::error!(game_id = live.stored.id, %error, "the opponent cannot see what is asked");
                    Next::Rest
                });
                live.opponent.is_at_work = !matches!(next, Next::Rest);
                (next, live.opponent.stirred.clone())
            };
            match next {
                Next::Rest => return,
                Next::Wait(time) => {
                    // Whatever has happened meanwhile is looked at anew, and so is the time.
                    if tokio::time::timeout(time, stirred.notified()).await.is_ok() {
                        looks = 0;
                    }
                }
                Next::Think(question) => {
                    if !self.think(cell, question).await {
                        cell.lock().await.opponent.is_at_work = false;
                        return;
                    }
                }
            }
        }
    }

    /// The decision that is due first.
    async fn next(&self, live: &mut Live, looks: &mut u32) -> Result<Next, Error> {
        if live.is_lost || MAX_STREAK <= live.opponent.streak {
            return Ok(Next::Rest);
        }
        let decisions = self.open_decisions(live).await?;
        let quiet_since = live.stored.updated_at.max(live.opponent.since);
        let due = decisions.into_iter().filter_map(|decision| {
            let due_at = match decision.decider.kind {
                DeciderKind::Autopilot if !opponent::may_confirm(&decision) => return None,
                DeciderKind::Autopilot => quiet_since + i64::from(decision.decider.timeout_seconds) * 1_000,
                _ => decision.due_at()?,
            };
            Some((due_at, decision))
        });
        let Some((due_at, decision)) = due.min_by_key(|(due_at, _)| *due_at) else { return Ok(Next::Rest) };
        let wait = u64::try_from(due_at - clock::now_ms()).unwrap_or_default();
        if 0 < wait {
            return Ok(Next::Wait(Duration::from_millis(wait)));
        }
        let tables = match live.stored.snapshot {
            Some(_) => None,
            None => self.databases.tables(&live.stored.board_id).await,
        };
        if tables.is_some() && live.attachments.is_empty() {
            // Whose board it is must carry out what is decided: it goes on when he is back.
            return Ok(Next::Rest);
        }
        if let Some(tables) = &tables {
            let seen = |(piece, area): (&i64, &i64)| tables.area(*piece).is_none_or(|there| there == *area);
            if *looks < MAX_LOOKS && !live.opponent.unseen.iter().all(seen) {
                *looks += 1;
                return Ok(Next::Wait(LOOK_AGAIN));
            }
        }
        *looks = 0;
        live.opponent.unseen.clear();
        let facts = self.all_facts(live).await?;
        let own = self.settings.opponent_seed.map_or_else(|| live.stored.key.clone(), |seed| seed.to_string());
        let seed = seed(&[&own, &decision.id]);
        Ok(Next::Think(Box::new(Question { decision, facts, tables, seed })))
    }

    async fn all_facts(&self, live: &Live) -> Result<Map<String, Value>, Error> {
        let board = self.board(&live.stored).await;
        machine::all_facts(&live.machine, &live.stored.game, Some(&board), self.settings.assist)
            .map_err(|_| Error::Unusable(live.stored.id.clone()))
    }

    /// Has the opponent answer. `false`: it cannot.
    async fn think(self: &Arc<Self>, cell: &Cell, question: Box<Question>) -> bool {
        let is_autopilot = question.decision.decider.kind == DeciderKind::Autopilot;
        let policy =
            if is_autopilot { opponent::autopilot() } else { opponent::policy(question.decision.decider.strength) };
        let decision = question.decision.clone();
        let Ok(weighed) = tokio::task::spawn_blocking(move || policy.weigh(&question)).await else {
            tracing::error!(decision = decision.id, "the opponent failed");
            return false;
        };
        let text = |index: usize| decision.choices.get(index).map_or("", |choice| choice.text.as_str());
        for one in &weighed {
            let (decision, choice) = (&decision.id, text(one.choice));
            tracing::info!(decision, choice, score = one.score, why = one.why, "weighed");
        }
        let Some((best, rest)) = weighed.split_first() else { return false };
        let Some(choice) = decision.choices.get(best.choice) else { return false };
        // Which cards a hand holds is nobody's business before they are shown.
        let names_card = |index: usize| {
            let choice = decision.choices.get(index);
            choice.is_some_and(|choice| ["card", "cards"].iter().any(|key| choice.data.contains_key(*key)))
        };
        let is_hidden = names_card(best.choice) && HIDDEN_KINDS.contains(&decision.kind.as_str());
        let chosen = if is_hidden { "That stays hidden" } else { choice.text.as_str() };
        let others: String = rest
            .iter()
            .filter(|other| !names_card(other.choice))
            .take(SHOWN_ALTERNATIVES)
            .map(|other| format!("; {} {:.1}", text(other.choice), other.score))
            .collect();
        let reason = (!is_autopilot)
            .then(|| format!("🤖 {} {} ({:.1}: {}{others})", decision.question, chosen, best.score, best.why));
        let mut live = cell.lock().await;
        let answer = DecisionAnswer {
            game_id: live.stored.id.clone(),
            decision_id: decision.id.clone(),
            choice_id: choice.id.clone(),
            data: best.data.clone(),
            reason,
            cause: Some("opponent".to_owned()),
            idempotency: None,
        };
        let decisions = self.open_decisions(&live).await;
        let sent = match decisions.and_then(|decisions| incoming(decisions, answer)) {
            Ok(mut incoming) => {
                if best.is_bare {
                    incoming.data = Some(Map::new());
                }
                live.opponent.streak += 1;
                self.send_locked(&mut live, cell, incoming).await
            }
            // Somebody was faster.
            Err(Error::NotOpen(_) | Error::NoChoice(..)) => return true,
            Err(error) => Err(error),
        };
        match sent {
            Ok(answer) if answer.outcome.is_ok() => true,
            Ok(answer) => {
                tracing::warn!(decision = decision.id, message = answer.message, "the opponent's answer was refused");
                false
            }
            Err(error) => {
                tracing::error!(decision = decision.id, %error, "the opponent's answer failed");
                false
            }
        }
    }
}

/// The event by which an answer is carried out.
fn incoming(decisions: Vec<Decision>, answer: DecisionAnswer) -> Result<Incoming, Error> {
    let DecisionAnswer { game_id, decision_id, choice_id, data, reason, cause, idempotency } = answer;
    let found = decisions.into_iter().find(|decision| decision.id == decision_id);
    let choices = found.ok_or(Error::NotOpen(decision_id))?.choices;
    let Some(choice) = choices.iter().find(|choice| choice.id == choice_id) else {
        let ids: Vec<_> = choices.iter().map(|choice| choice.id.as_str()).collect();
        return Err(Error::NoChoice(choice_id, ids.join(", ")));
    };
    let mut told = data;
    told.extend(choice.data.clone());
    Ok(Incoming {
        game_id,
        event: choice.event.clone(),
        data: Some(told),
        is_host: true,
        cause,
        idempotency,
        remarks: reason.into_iter().collect(),
        ..Incoming::default()
    })
}

/// The same number for the same texts, on every machine (FNV-1a).
fn seed(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
