//! Snapshots: the fold of a session's log at rest, so that a long log is not read from its beginning.

use std::{collections::VecDeque, sync::Arc};

use proto::{
    frame,
    orchestrator::v1::{
        Fact,
        session_event::{GameLinked, GameTold, PlayerMessage, TableSet},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_kit::db::{DbError, Statement};

use crate::{
    llm::Message,
    memory::{Memory, Said},
    session::Session,
    state::{EndedTurn, State},
    store::{SessionRow, Store},
};

/// Rises whenever the form of a snapshot or the meaning of the fold changes; others are passed over.
const VERSION: u64 = 1;
const EVENT: &str = "dicetower.orchestrator.v1.SessionEvent";

const SELECT: &str = "SELECT seq, state FROM snapshots WHERE session_id = $1 AND version = $2";
const UPSERT: &str = "INSERT INTO snapshots (session_id, seq, version, state) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (session_id) DO UPDATE SET seq = excluded.seq, version = excluded.version, state = excluded.state";

#[derive(Serialize, Deserialize)]
struct Snapshot {
    message_count: u64,
    characters: Vec<String>,
    scene: Map<String, Value>,
    agreed: Value,
    paused: Option<String>,
    game: Option<Value>,
    board: Option<Value>,
    facts: Vec<Value>,
    fallen: Vec<Said>,
    conversation: Vec<Said>,
    present: Vec<(String, String)>,
    narrator: Option<String>,
    ended: Vec<Ended>,
}

#[derive(Serialize, Deserialize)]
struct Ended {
    turn_id: String,
    asked: Option<Value>,
    scene_before: Map<String, Value>,
    messages: Vec<Message>,
    seqs: Vec<u64>,
}

/// Keeps a snapshot of a session in which no turn is open, if its log has grown by `every` events since the last one.
pub(crate) async fn keep(session: &Session, every: u64) {
    let (session_id, seq, text) = {
        let mut inner = session.lock().await;
        let seq = inner.state.row.last_seq;
        if seq < inner.snapshot_seq + every || inner.state.row.open_turns != 0 {
            return;
        }
        inner.snapshot_seq = seq;
        (session.id.as_str(), seq, to_text(&inner.state))
    };
    let args = vec![session_id.into(), seq.into(), VERSION.into(), text.into()];
    if let Err(error) = session.store().db().write(vec![Statement::new(UPSERT, args)]).await {
        tracing::warn!(%error, session_id, "no snapshot of the session was kept");
    }
}

/// The state of a session up to which a snapshot was kept, and its sequence number; else the empty one.
pub(crate) async fn load(store: &Store, row: SessionRow) -> Result<(State, u64), DbError> {
    let args = vec![row.session_id.as_str().into(), VERSION.into()];
    let rows = store.db().fetch(SELECT, args).await?;
    let kept = rows.first().and_then(|kept| {
        let read = from_text(&kept.text(1), row.clone(), kept.unsigned(0));
        read.inspect_err(|error| tracing::warn!(%error, session_id = row.session_id, "a snapshot cannot be read")).ok()
    });
    Ok(match kept {
        Some(state) => {
            let seq = state.row.last_seq;
            (state, seq)
        }
        None => (State::new(row), 0),
    })
}

fn to_text(state: &State) -> String {
    let nested = |name: &str| format!("{EVENT}.{name}");
    let fact = |fact: &Fact| frame::to_json("dicetower.orchestrator.v1.Fact", fact);
    let ended = |turn: &Arc<EndedTurn>| Ended {
        turn_id: turn.turn_id.clone(),
        asked: turn.asked.as_ref().map(|asked| frame::to_json(&nested("PlayerMessage"), asked)),
        scene_before: turn.scene_before.clone(),
        messages: turn.messages.clone(),
        seqs: turn.seqs.clone(),
    };
    let said = |said: &VecDeque<Arc<Said>>| said.iter().map(|said| Said::clone(said)).collect();
    let snapshot = Snapshot {
        message_count: state.row.message_count,
        characters: state.row.characters.clone(),
        scene: state.row.scene.clone(),
        agreed: frame::to_json(&nested("TableSet"), &state.agreed),
        paused: state.paused.clone(),
        game: state.game.as_ref().map(|game| frame::to_json(&nested("GameLinked"), game)),
        board: state.board.as_ref().map(|board| frame::to_json(&nested("GameTold"), board)),
        facts: state.memory.facts().iter().map(fact).collect(),
        fallen: said(state.memory.fallen()),
        conversation: said(&state.conversation),
        present: state.present.clone(),
        narrator: state.narrator.clone(),
        ended: state.ended.iter().map(ended).collect(),
    };
    serde_json::to_string(&snapshot).unwrap_or_default()
}

fn from_text(text: &str, row: SessionRow, seq: u64) -> Result<State, serde_json::Error> {
    let nested = |name: &str| format!("{EVENT}.{name}");
    let snapshot: Snapshot = serde_json::from_str(text)?;
    let facts: Vec<Fact> = snapshot
        .facts
        .iter()
        .map(|fact| frame::from_json("dicetower.orchestrator.v1.Fact", &fact.to_string()))
        .collect::<Result<_, _>>()?;
    let mut memory = Memory::default();
    memory.remember(&facts);
    snapshot.fallen.into_iter().for_each(|said| memory.fall(Arc::new(said)));
    let mut ended = VecDeque::new();
    for turn in snapshot.ended {
        let asked = turn.asked.map(|asked| frame::from_json(&nested("PlayerMessage"), &asked.to_string()));
        ended.push_back(Arc::new(EndedTurn {
            turn_id: turn.turn_id,
            asked: asked.transpose()? as Option<PlayerMessage>,
            scene_before: turn.scene_before,
            messages: turn.messages,
            seqs: turn.seqs,
        }));
    }
    let agreed: TableSet = frame::from_json(&nested("TableSet"), &snapshot.agreed.to_string())?;
    let game = snapshot.game.map(|game| frame::from_json(&nested("GameLinked"), &game.to_string()));
    let board = snapshot.board.map(|board| frame::from_json(&nested("GameTold"), &board.to_string()));
    let mut state = State::new(row);
    state.row.last_seq = seq;
    state.row.message_count = snapshot.message_count;
    state.row.characters = snapshot.characters;
    state.row.scene = snapshot.scene;
    state.agreed = agreed;
    state.paused = snapshot.paused;
    state.game = game.transpose()? as Option<GameLinked>;
    state.board = board.transpose()? as Option<GameTold>;
    state.memory = memory;
    state.conversation = snapshot.conversation.into_iter().map(Arc::new).collect();
    state.present = snapshot.present;
    state.narrator = snapshot.narrator;
    state.ended = ended;
    Ok(state)
}
