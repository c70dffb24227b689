//! The board game that a table is linked to: whoever holds the session tells here what happens there, and has the game
//! master take the decisions of the side that is his, as far as the game leaves them to a model. The first answer counts,
//! and the game's own time runs out without ours: nothing is lost if a model is slow.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use proto::{
    fsm::v1::{
        AttachRequest, Decision, ListDecisionsRequest, ListGameHistoryRequest, Reaction, game_update::Update,
        output::Kind,
    },
    orchestrator::v1::session_event::{Body, GameLinked, GameTold, PlayerMessage},
};
use service_kit::{db::DbError, trace};
use tonic::{Code, Status};

use crate::{
    engine::Engine,
    events,
    session::{Inner, Origin, Session},
    turn,
};

/// The tools that the game master of a linked table has besides the others.
pub(crate) const TOOLS: [&str; 5] =
    ["get_game", "list_game_history", "send_event", "list_decisions", "answer_decision"];
/// Entries of the game's log that are read at once.
const PAGE: u32 = 200;
/// Who asks, as the table reads it.
const ASKER: &str = "the board game";
/// The decider that the game leaves to a language model.
const MODEL: &str = "model";
/// What stands before a decision among the ids of messages; no message of a person begins with it.
const DECISION_MARK: &str = "\u{1}decision/";
/// Choices that are told with a decision.
const MAX_CHOICES: usize = 60;
/// Lines of one entry that are told.
const MAX_LINES: usize = 60;
/// The pause before the game is attached to again, and how long it grows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a game is no longer followed.
enum End {
    /// It cannot be reached at the moment.
    Lost(Status),
    /// The session is not ours any more.
    Store(DbError),
}

impl From<Status> for End {
    fn from(status: Status) -> End {
        End::Lost(status)
    }
}

impl From<DbError> for End {
    fn from(error: DbError) -> End {
        End::Store(error)
    }
}

/// Follows the game that the session is linked to, and no other any more.
pub(crate) fn watch(engine: &Arc<Engine>, session: &Arc<Session>, inner: &mut Inner) {
    if let Some(before) = inner.watching.take() {
        before.cancel();
    }
    let Some(link) = inner.state.game.clone() else { return };
    let stop = engine.shutdown.child_token();
    inner.watching = Some(stop.clone());
    let (engine, session) = (engine.clone(), session.clone());
    tokio::spawn(async move { stop.run_until_cancelled(follow(&engine, &session, &link)).await });
}

async fn follow(engine: &Arc<Engine>, session: &Arc<Session>, link: &GameLinked) {
    let mut pause = FIRST_PAUSE;
    loop {
        match attend(engine, session, link, &mut pause).await {
            End::Store(error) => {
                tracing::warn!(%error, session_id = session.id, "a board game is no longer followed");
                return;
            }
            End::Lost(status) if status.code() == Code::NotFound => {
                let text = format!("The board game {} is no more", link.game_id);
                let told = vec![events::system(text), events::game_linked(String::new(), String::new())];
                if let Err(error) = session.append(&Origin::default(), told).await {
                    tracing::warn!(%error, session_id = session.id, "the end of a board game could not be told");
                }
                return;
            }
            End::Lost(status) => {
                tracing::info!(code = ?status.code(), session_id = session.id, "the board game is attached to again");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Attaches to the game, tells what was missed, and then what happens.
async fn attend(engine: &Arc<Engine>, session: &Arc<Session>, link: &GameLinked, pause: &mut Duration) -> End {
    let attended = async {
        let mut client = engine.peers().fsm();
        let request = AttachRequest { game_id: Some(link.game_id.clone()), observe: true, ..AttachRequest::default() };
        let mut updates = client.attach(request).await?.into_inner();
        while let Some(update) = updates.message().await? {
            match update.update {
                Some(Update::Greeting(greeting)) => {
                    *pause = FIRST_PAUSE;
                    catch_up(engine, session, link, greeting.sequence).await?;
                    decide(engine, session, link).await?;
                }
                Some(Update::Reaction(reaction)) => {
                    tell(session, reaction).await?;
                    decide(engine, session, link).await?;
                }
                _ => {}
            }
        }
        Err(End::Lost(Status::unavailable("the game's stream has ended")))
    };
    let ended: Result<(), End> = attended.await;
    ended.err().unwrap_or_else(|| End::Lost(Status::unavailable("the game's stream has ended")))
}

/// Tells what has happened up to `until` since the game was last told of; a game that was just linked is told of by its
/// last entry.
async fn catch_up(engine: &Engine, session: &Session, link: &GameLinked, until: u64) -> Result<(), End> {
    let known = session.lock().await.state.board.as_ref().map(|told| told.sequence);
    let mut after = known.unwrap_or_else(|| until.saturating_sub(1));
    while after < until {
        let request =
            ListGameHistoryRequest { game_id: Some(link.game_id.clone()), after_sequence: after, limit: Some(PAGE) };
        let page = engine.peers().fsm().list_game_history(request).await?.into_inner();
        let Some(last) = page.entries.last().map(|entry| entry.sequence) else { return Ok(()) };
        for entry in page.entries {
            tell(session, entry).await?;
        }
        after = last;
    }
    Ok(())
}

/// Has the game master take what his side is asked and the game leaves to a model. Each decision is a turn of the table,
/// begun once; the house game master leaves it to the game's own opponent.
async fn decide(engine: &Arc<Engine>, session: &Arc<Session>, link: &GameLinked) -> Result<(), End> {
    if link.side.is_empty() {
        return Ok(());
    }
    let request = ListDecisionsRequest { game_id: Some(link.game_id.clone()) };
    let decisions = engine.peers().fsm().list_decisions(request).await?.into_inner().decisions;
    for decision in decisions {
        let is_ours =
            decision.decider.as_ref().is_some_and(|decider| decider.kind == MODEL && decider.side == link.side);
        if !is_ours {
            continue;
        }
        let mut inner = session.lock().await;
        let chain = inner.chain.clone().unwrap_or_else(|| engine.models.server().clone());
        let mark = format!("{DECISION_MARK}{}/{}", link.game_id, decision.decision_id);
        let is_person = inner.state.narrator().is_some() || inner.state.paused.is_some();
        let is_house = chain.first().is_none_or(|first| first.provider.name() == "house");
        if is_person || is_house || session.store().turn_of_message(&session.id, &mark).await?.is_some() {
            continue;
        }
        let asked = PlayerMessage { name: Some(ASKER.to_owned()), character: None, message: question(&decision) };
        turn::accept(session, &mut inner, engine, asked, String::new(), Some(&mark)).await?;
    }
    Ok(())
}

/// A decision in words: what is asked, and what may be chosen.
fn question(decision: &Decision) -> String {
    let mut text = format!(
        "{}\nTake this decision by answer_decision with decision_id {:?} and one of these choice_ids, then say in a \
         sentence why.",
        decision.question, decision.decision_id
    );
    for choice in decision.choices.iter().take(MAX_CHOICES) {
        let _ = write!(text, "\n{}: {}", choice.choice_id, choice.text);
    }
    if MAX_CHOICES < decision.choices.len() {
        let _ = write!(text, "\n({} more; list_decisions tells all)", decision.choices.len() - MAX_CHOICES);
    }
    text
}

async fn tell(session: &Session, reaction: Reaction) -> Result<(), DbError> {
    let trace_id = trace::parse_trace_id(&reaction.trace_id).map(|id| id.to_string()).unwrap_or_default();
    let told = to_told(reaction);
    let mut inner = session.lock().await;
    // An attachment that was lost and taken up again may hear the same twice.
    if inner.state.board.as_ref().is_some_and(|known| told.sequence <= known.sequence) {
        return Ok(());
    }
    let origin = Origin { trace_id, ..Origin::default() };
    session.append_locked(&mut inner, &origin, vec![Body::GameTold(told)], None).await
}

fn to_told(reaction: Reaction) -> GameTold {
    let mut lines = Vec::new();
    let mut valid_events = Vec::new();
    for output in reaction.outputs {
        match output.kind {
            Some(Kind::Text(text)) if !text.trim().is_empty() && lines.len() < MAX_LINES => lines.push(text),
            Some(Kind::ValidEvents(valid)) => valid_events = valid.events,
            _ => {}
        }
    }
    GameTold {
        game_id: reaction.game_id,
        sequence: reaction.sequence,
        event: reaction.event,
        state: reaction.state,
        lines,
        valid_events,
    }
}
