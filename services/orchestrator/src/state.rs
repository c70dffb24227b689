//! What a session's log adds up to: its characters, its scene, and the conversation as the game master remembers it.

use std::{collections::VecDeque, sync::Arc};

use proto::{
    orchestrator::v1::{
        SessionEvent,
        session_event::{
            Body, CharacterUpdated, GameLinked, GameTold, PlannedCall, PlayerMessage, TableSet, ToolExecution,
            ToolResult, TurnOrder,
        },
    },
    structs,
};
use serde_json::{Map, Value};

use crate::{
    llm::{Message, Opaque, ToolCall},
    memory::{Memory, Said},
    session::Decision,
    store::SessionRow,
    turn::replayable,
};

/// Messages of the conversation that a model is shown; the log keeps all of them.
pub(crate) const WINDOW: usize = 20;
/// What stands behind the name of who has ruled on a roll, where a model is told of it.
pub(crate) const RULER: &str = ", the game master's seat";
/// Turns that can be taken back, one after another.
const ENDED: usize = 10;

/// A session as its log tells it.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// What lists and look-ups show; stands in the session's row.
    pub row: SessionRow,
    /// What was agreed for the table.
    pub agreed: TableSet,
    /// Who has laid the pause card on the table, if it lies there; empty: he did not say.
    pub paused: Option<String>,
    /// The board game that the table is linked to, and how it stood when it was last told of.
    pub game: Option<GameLinked>,
    pub board: Option<GameTold>,
    pub memory: Memory,
    /// The last messages, oldest first.
    pub conversation: VecDeque<Arc<Said>>,
    /// Turns without an end, in the order in which they were accepted.
    open: VecDeque<OpenTurn>,
    /// The last turns that have ended, oldest first; at most [`ENDED`].
    pub ended: VecDeque<Arc<EndedTurn>>,
    /// Who is there, as the log has it: (name, seat).
    pub present: Vec<(String, String)>,
    /// The person who narrates in place of the model.
    pub narrator: Option<String>,
}

/// A turn that has ended, as far as taking it back needs it.
#[derive(Debug)]
pub(crate) struct EndedTurn {
    pub turn_id: String,
    /// What the player had said.
    pub asked: Option<PlayerMessage>,
    /// The scene before it.
    pub scene_before: Map<String, Value>,
    /// What was called, with its results.
    pub messages: Vec<Message>,
    /// Where what was said and told stands in the log.
    pub seqs: Vec<u64>,
}

/// A turn without an end: what was said, and how far the game master has come.
#[derive(Debug, Clone)]
struct OpenTurn {
    turn_id: String,
    trace_id: String,
    /// What the player said, until the turn begins.
    said: Option<Message>,
    /// The same, kept.
    asked: Option<PlayerMessage>,
    /// Where that stands in the log.
    asked_seq: u64,
    /// The scene when it began.
    scene_before: Map<String, Value>,
    /// How often the game master has begun.
    attempts: u32,
    /// What was told, passage by passage.
    passages: Vec<Passage>,
    /// Passages that belong to steps which are over; the others belong to an answer without an end.
    settled: usize,
    /// Whether a tool spoke since the last words.
    is_new_paragraph: bool,
    /// The last step of which all results are known.
    step: u32,
    /// What was said and called in the steps up to it.
    messages: Vec<Message>,
    pending: Option<PendingStep>,
    /// The scenes that calls of this turn have set.
    scenes: Vec<(String, Map<String, Value>)>,
    /// Calls whose side effects on the table stand in the log.
    shown: Vec<String>,
    /// What was decided about calls that needed a person's agreement.
    decisions: Vec<(String, Decision)>,
}

/// The text under one sequence number.
#[derive(Debug, Clone)]
struct Passage {
    seq: u64,
    text: String,
    /// Whether a tool spoke before it.
    is_new_paragraph: bool,
}

/// How far a turn has come, by its log: all that is needed to go on with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal {
    /// How often the game master has begun it.
    pub attempts: u32,
    /// The last step of which all results are known.
    pub step: u32,
    /// What was said and called in the steps up to it.
    pub messages: Vec<Message>,
    /// The step that was begun after it.
    pub pending: Option<PendingStep>,
    /// Passages of an answer that has no end, by their sequence numbers.
    pub unfinished: Vec<u64>,
    /// Whether something was told in steps that are over.
    pub has_told: bool,
}

/// A step whose calls were planned, and of which not all results are known.
#[derive(Debug, Clone)]
pub(crate) struct PendingStep {
    pub step: u32,
    /// What was said before the calls.
    pub text: String,
    pub calls: Vec<ToolCall>,
    /// The results of the first of them.
    pub results: Vec<Message>,
}

impl OpenTurn {
    fn new(turn_id: &str, trace_id: &str, asked: Option<PlayerMessage>, seq: u64) -> OpenTurn {
        OpenTurn {
            turn_id: turn_id.to_owned(),
            trace_id: trace_id.to_owned(),
            said: asked.as_ref().map(|message| Message::Player {
                name: message.name.clone(),
                character: message.character.clone(),
                text: message.message.clone(),
            }),
            asked,
            asked_seq: seq,
            scene_before: Map::new(),
            attempts: 0,
            passages: Vec::new(),
            settled: 0,
            is_new_paragraph: false,
            step: 0,
            messages: Vec::new(),
            pending: None,
            scenes: Vec::new(),
            shown: Vec::new(),
            decisions: Vec::new(),
        }
    }

    /// Passages of an answer that has no end yet, by their sequence numbers.
    fn unfinished(&self) -> Vec<u64> {
        self.passages[self.settled..].iter().map(|passage| passage.seq).collect()
    }

    /// Everything that was told, in paragraphs.
    fn told(&self) -> String {
        let mut told = String::new();
        for passage in &self.passages {
            if passage.is_new_paragraph && !told.is_empty() {
                told.push_str("\n\n");
            }
            told.push_str(&passage.text);
        }
        told
    }

    fn narrated(&mut self, seq: u64, text: &str) {
        match self.passages.last_mut() {
            Some(passage) if passage.seq == seq => passage.text.push_str(text),
            _ => {
                let is_new_paragraph = std::mem::take(&mut self.is_new_paragraph);
                self.passages.push(Passage { seq, text: text.to_owned(), is_new_paragraph });
            }
        }
    }

    /// Takes a passage back; the paragraph it began is begun by what is told instead.
    fn retracted(&mut self, seq: u64) {
        let Some(index) = self.passages.iter().position(|passage| passage.seq == seq) else { return };
        self.is_new_paragraph |= self.passages.remove(index).is_new_paragraph;
        self.settled = self.settled.min(self.passages.len());
    }

    fn planned(&mut self, execution: &ToolExecution) {
        let text = self.passages[self.settled..].iter().map(|passage| passage.text.as_str()).collect();
        self.settled = self.passages.len();
        let call = |call: &PlannedCall| ToolCall {
            id: call.call_id.clone(),
            name: call.tool.clone(),
            arguments: call.arguments.clone(),
            opaque: Opaque::default(),
        };
        let calls = execution.calls.iter().map(call).collect();
        self.pending = Some(PendingStep { step: execution.step, text, calls, results: Vec::new() });
    }

    fn answered(&mut self, result: &ToolResult) {
        self.is_new_paragraph = true;
        let Some(mut pending) = self.pending.take() else { return };
        pending.results.push(Message::ToolResult {
            call_id: result.call_id.clone(),
            tool: result.tool.clone(),
            result: structs::to_json(result.result.clone().unwrap_or_default()),
            failed: result.failed,
        });
        if pending.results.len() < pending.calls.len() {
            self.pending = Some(pending);
            return;
        }
        self.step = pending.step;
        self.messages.push(Message::GameMaster { text: pending.text, tool_calls: replayable(&pending.calls) });
        self.messages.extend(pending.results);
    }
}

impl State {
    /// The state before the first event.
    pub fn new(row: SessionRow) -> State {
        let row = SessionRow {
            last_seq: 0,
            message_count: 0,
            characters: Vec::new(),
            scene: Map::new(),
            open_turns: 0,
            ..row
        };
        State {
            row,
            agreed: TableSet::default(),
            paused: None,
            game: None,
            board: None,
            memory: Memory::default(),
            conversation: VecDeque::new(),
            open: VecDeque::new(),
            ended: VecDeque::new(),
            present: Vec::new(),
            narrator: None,
        }
    }

    /// Takes in one event. The pieces of a narration may come in any cut, but in order.
    pub fn apply(&mut self, event: &SessionEvent) {
        self.row.last_seq = self.row.last_seq.max(event.seq);
        match &event.body {
            Some(Body::System(system)) => {
                if let Some(added) = &system.character_added {
                    self.row.characters.push(added.clone());
                }
                if let Some(removed) = &system.character_removed {
                    self.row.characters.retain(|name| name != removed);
                }
            }
            Some(Body::PlayerMessage(message)) => {
                self.row.message_count += 1;
                self.open.push_back(OpenTurn::new(&event.turn_id, &event.trace_id, Some(message.clone()), event.seq));
            }
            Some(Body::Processing(_)) => {
                if self.turn(&event.turn_id).is_none() {
                    // Nobody has asked: a person narrates.
                    self.open.push_back(OpenTurn::new(&event.turn_id, &event.trace_id, None, event.seq));
                }
                let scene = self.row.scene.clone();
                let Some(turn) = self.turn(&event.turn_id) else { return };
                if turn.attempts == 0 {
                    turn.scene_before = scene;
                }
                turn.attempts += 1;
                let (said, seq) = (turn.said.take(), turn.asked_seq);
                self.remember(&event.turn_id, seq, said);
            }
            Some(Body::Narrative(narrative)) => {
                let Some(turn) = self.turn(&event.turn_id) else { return };
                let is_first = turn.passages.is_empty();
                turn.narrated(event.seq, &narrative.content);
                self.row.message_count += u64::from(is_first);
            }
            Some(Body::Retract(retract)) => {
                let Some(turn) = self.turn(&event.turn_id) else { return };
                let had_told = !turn.passages.is_empty();
                turn.retracted(retract.retracted_seq);
                let is_silent_again = had_told && turn.passages.is_empty();
                self.row.message_count -= u64::from(is_silent_again);
            }
            Some(Body::ToolExecution(execution)) => {
                if let Some(turn) = self.turn(&event.turn_id) {
                    turn.planned(execution);
                }
            }
            Some(Body::ToolResult(result)) => {
                if let Some(turn) = self.turn(&event.turn_id) {
                    turn.answered(result);
                }
            }
            Some(Body::Complete(_)) => {
                let Some(index) = self.open.iter().position(|turn| turn.turn_id == event.turn_id) else { return };
                let Some(turn) = self.open.remove(index) else { return };
                let told = Some(turn.told()).filter(|told| !told.is_empty());
                self.remember(&turn.turn_id, turn.asked_seq, turn.said);
                let told_seq = turn.passages.first().map_or(event.seq, |passage| passage.seq);
                let told = told.map(|text| Message::GameMaster { text, tool_calls: Vec::new() });
                self.remember(&turn.turn_id, told_seq, told);
                if ENDED <= self.ended.len() {
                    self.ended.pop_front();
                }
                self.ended.push_back(Arc::new(EndedTurn {
                    turn_id: turn.turn_id,
                    asked: turn.asked,
                    scene_before: turn.scene_before,
                    messages: turn.messages,
                    seqs: vec![turn.asked_seq, told_seq],
                }));
            }
            Some(Body::Scene(set)) => {
                if let Value::Object(scene) = structs::to_json(set.scene.clone().unwrap_or_default()) {
                    if let (Some(call_id), Some(turn)) = (&set.call_id, self.turn(&event.turn_id)) {
                        turn.scenes.push((call_id.clone(), scene.clone()));
                    }
                    self.row.scene = scene;
                }
            }
            Some(Body::Presence(presence)) => {
                self.present.retain(|(name, _)| *name != presence.name);
                if presence.present {
                    self.present.push((presence.name.clone(), presence.seat.clone()));
                }
            }
            Some(Body::TakenOver(taken)) => self.narrator = taken.on.then(|| taken.name.clone()),
            Some(Body::RollOverridden(ruling)) => {
                let text =
                    format!("The roll {} counts as: {}. Reason: {}", ruling.roll_id, ruling.result, ruling.reason);
                self.remember(
                    "",
                    event.seq,
                    Some(Message::Player { name: Some(format!("{}{RULER}", ruling.by)), character: None, text }),
                );
            }
            Some(Body::TurnTakenBack(taken)) => {
                let before = self.conversation.len();
                self.conversation.retain(|said| said.turn_id != taken.taken_turn_id);
                let forgotten = (before - self.conversation.len()) as u64;
                self.row.message_count = self.row.message_count.saturating_sub(forgotten);
                let of_turn = self.ended.iter().find(|turn| turn.turn_id == taken.taken_turn_id);
                let seqs = of_turn.map(|turn| turn.seqs.clone()).unwrap_or_default();
                self.memory.take_back(&taken.taken_turn_id, &seqs);
                self.ended.retain(|turn| turn.turn_id != taken.taken_turn_id);
            }
            Some(Body::TableSet(agreed)) => self.agreed = agreed.clone(),
            Some(Body::Paused(paused)) => self.paused = paused.on.then(|| paused.name.clone()),
            Some(Body::GameLinked(link)) => {
                self.game = Some(link.clone()).filter(|link| !link.game_id.is_empty());
                self.board = None;
            }
            Some(Body::GameTold(told)) => self.board = Some(told.clone()),
            Some(Body::Remembered(remembered)) => {
                self.memory.remember(&remembered.facts);
                if let (Some(call_id), Some(turn)) = (&remembered.call_id, self.turn(&event.turn_id)) {
                    turn.shown.push(call_id.clone());
                }
            }
            Some(Body::FactForgotten(forgotten)) => self.memory.forget(&forgotten.fact_id),
            Some(Body::Approval(approval)) => {
                let decision =
                    Decision { allow: approval.allow, by: approval.by.clone(), reason: approval.reason.clone() };
                if let Some(turn) = self.turn(&event.turn_id) {
                    turn.decisions.push((approval.call_id.clone(), decision));
                }
            }
            Some(Body::CharacterUpdated(CharacterUpdated { call_id: Some(call_id), .. }))
            | Some(Body::TurnOrder(TurnOrder { call_id: Some(call_id), .. })) => {
                let call_id = call_id.clone();
                if let Some(turn) = self.turn(&event.turn_id) {
                    turn.shown.push(call_id);
                }
            }
            _ => {}
        }
        self.row.open_turns = self.open.len() as u64;
    }

    /// The last messages for a model: at most [`WINDOW`], a player's first.
    pub fn window(&self) -> Vec<Message> {
        let messages = self.conversation.iter().map(|said| &said.message);
        messages.skip_while(|message| !matches!(message, Message::Player { .. })).cloned().collect()
    }

    /// The turns without an end, as (turn id, trace id), in the order in which they were accepted.
    pub fn open_turns(&self) -> Vec<(String, String)> {
        self.open.iter().map(|turn| (turn.turn_id.clone(), turn.trace_id.clone())).collect()
    }

    /// The turn, as (turn id, trace id), that was being told when its writer went, if text of it may have been told under the
    /// next number: it is told before it is logged.
    pub fn may_have_told(&self) -> Option<(&str, &str)> {
        let turn = self.open.iter().find(|turn| 0 < turn.attempts)?;
        let is_in_log = turn.unfinished().contains(&self.row.last_seq);
        (!is_in_log).then_some((turn.turn_id.as_str(), turn.trace_id.as_str()))
    }

    /// How far a turn has come.
    pub fn journal(&self, turn_id: &str) -> Journal {
        let Some(turn) = self.open.iter().find(|turn| turn.turn_id == turn_id) else { return Journal::default() };
        Journal {
            attempts: turn.attempts,
            step: turn.step,
            messages: turn.messages.clone(),
            pending: turn.pending.clone(),
            unfinished: turn.unfinished(),
            has_told: 0 < turn.settled,
        }
    }

    /// Passages of an answer that has no end yet, by their sequence numbers.
    pub fn unfinished(&self, turn_id: &str) -> Vec<u64> {
        self.open.iter().find(|turn| turn.turn_id == turn_id).map(OpenTurn::unfinished).unwrap_or_default()
    }

    /// Whether a turn that a restart broke off is being told again.
    pub fn is_retold(&self) -> bool {
        self.open.iter().any(|turn| 1 < turn.attempts)
    }

    /// Who asked for an open turn, if he said his name.
    pub fn speaker(&self, turn_id: &str) -> Option<String> {
        let turn = self.open.iter().find(|turn| turn.turn_id == turn_id)?;
        turn.asked.as_ref()?.name.clone()
    }

    /// What a player said that an open turn answers.
    pub fn asked(&self, turn_id: &str) -> Option<&PlayerMessage> {
        self.open.iter().find(|turn| turn.turn_id == turn_id)?.asked.as_ref()
    }

    /// Where in the log stands what an open turn answers.
    pub fn asked_seq(&self, turn_id: &str) -> Option<u64> {
        self.open.iter().find(|turn| turn.turn_id == turn_id).map(|turn| turn.asked_seq)
    }

    /// The last turn that has ended and was not taken back.
    pub fn last_ended(&self) -> Option<Arc<EndedTurn>> {
        self.ended.back().cloned()
    }

    /// The person who narrates in place of the model.
    pub fn narrator(&self) -> Option<&str> {
        self.narrator.as_deref()
    }

    /// Who is there, as the log has it: (name, seat).
    pub fn present(&self) -> &[(String, String)] {
        &self.present
    }

    /// Whether the log tells already what a call of an open turn did to the table.
    pub fn has_shown(&self, turn_id: &str, call_id: &str) -> bool {
        let turn = self.open.iter().find(|turn| turn.turn_id == turn_id);
        turn.is_some_and(|turn| turn.shown.iter().any(|id| id == call_id))
    }

    /// What was decided about a call of an open turn.
    pub fn decision(&self, turn_id: &str, call_id: &str) -> Option<Decision> {
        let turn = self.open.iter().find(|turn| turn.turn_id == turn_id)?;
        turn.decisions.iter().find(|(id, _)| id == call_id).map(|(_, decision)| decision.clone())
    }

    /// The scene that a call of an open turn has set, if it has.
    pub fn scene_set_by(&self, turn_id: &str, call_id: &str) -> Option<Map<String, Value>> {
        let turn = self.open.iter().find(|turn| turn.turn_id == turn_id)?;
        turn.scenes.iter().find(|(id, _)| id == call_id).map(|(_, scene)| scene.clone())
    }

    fn turn(&mut self, turn_id: &str) -> Option<&mut OpenTurn> {
        self.open.iter_mut().find(|turn| turn.turn_id == turn_id)
    }

    fn remember(&mut self, turn_id: &str, seq: u64, message: Option<Message>) {
        let said = message.map(|message| Arc::new(Said { turn_id: turn_id.to_owned(), seq, message }));
        self.conversation.extend(said);
        if self.conversation.len() <= WINDOW {
            return;
        }
        // An answer is not left behind by what it answers.
        let is_answer = |said: &Arc<Said>| matches!(said.message, Message::GameMaster { .. });
        while WINDOW < self.conversation.len() || self.conversation.front().is_some_and(is_answer) {
            if let Some(fallen) = self.conversation.pop_front() {
                self.memory.fall(fallen);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::orchestrator::v1::session_event::{Complete, Narrative, Processing, Scene, System, ToolResult};
    use serde_json::json;

    use super::*;

    fn fold(events: impl IntoIterator<Item = (&'static str, Body)>) -> State {
        let mut state = State::new(SessionRow {
            session_id: "s".into(),
            created_at: 0,
            epoch: 1,
            last_seq: 99,
            message_count: 99,
            characters: vec!["stale".into()],
            scene: Map::new(),
            open_turns: 9,
            title: String::new(),
            archived: false,
            holder: String::new(),
        });
        for (seq, (turn_id, body)) in (1..).zip(events) {
            state.apply(&SessionEvent { seq, turn_id: turn_id.into(), body: Some(body), ..Default::default() });
        }
        state
    }

    fn said(text: &str) -> Body {
        Body::PlayerMessage(PlayerMessage { message: text.into(), ..Default::default() })
    }

    fn told(text: &str, offset: u64) -> Body {
        Body::Narrative(Narrative { content: text.into(), offset })
    }

    fn texts(state: &State) -> Vec<String> {
        let text = |message: Message| match message {
            Message::Player { text, .. } => format!("P:{text}"),
            Message::GameMaster { text, .. } => format!("G:{text}"),
            Message::ToolResult { .. } | Message::Withdrawn { .. } => "T".into(),
        };
        state.window().into_iter().map(text).collect()
    }

    #[test]
    fn a_queued_message_is_heard_when_its_turn_begins() {
        let state = fold([
            ("a", said("one")),
            ("a", Body::Processing(Processing::default())),
            ("b", said("two")),
            ("a", told("first ", 0)),
            ("a", told("answer", 6)),
            ("a", Body::ToolResult(ToolResult::default())),
            ("a", told("more", 0)),
            ("a", Body::Complete(Complete::default())),
            ("b", Body::Processing(Processing::default())),
        ]);

        assert_eq!(texts(&state), ["P:one", "G:first answer\n\nmore", "P:two"]);
        assert_eq!(state.open_turns(), [("b".to_owned(), String::new())]);
        assert_eq!((state.row.message_count, state.row.last_seq), (3, 9));
    }

    #[test]
    fn the_window_holds_the_last_messages_and_begins_with_a_players() {
        let turns = (0..30).flat_map(|_| {
            [
                ("t", said("?")),
                ("t", Body::Processing(Processing::default())),
                ("t", told("!", 0)),
                ("t", Body::Complete(Complete::default())),
            ]
        });
        let mut state = fold(turns.chain([("t", said("last")), ("t", Body::Processing(Processing::default()))]));

        let window = texts(&state);
        assert_eq!((window.len(), window[0].as_str(), window[18].as_str()), (19, "P:?", "P:last"));
        assert_eq!(state.row.message_count, 61);
        state.apply(&SessionEvent { turn_id: "t".into(), body: Some(told("x", 0)), ..Default::default() });
        state.apply(&SessionEvent {
            turn_id: "t".into(),
            body: Some(Body::Complete(Complete::default())),
            ..Default::default()
        });
        assert_eq!(texts(&state).len(), 20);
    }

    #[test]
    fn characters_come_and_go_and_the_last_scene_stands() {
        let added = |name: &str| Body::System(System { character_added: Some(name.into()), ..Default::default() });
        let removed = |name: &str| Body::System(System { character_removed: Some(name.into()), ..Default::default() });
        let scene = |scene| Body::Scene(Scene { scene: Some(structs::from_json(scene)), call_id: None });

        let state = fold([
            ("", added("Block")),
            ("", added("Oak")),
            ("", removed("Block")),
            ("", scene(json!({"target": "ganger"}))),
            ("", scene(json!({"location": "alley"}))),
        ]);

        assert_eq!(state.row.characters, ["Oak"]);
        assert_eq!(Value::Object(state.row.scene), json!({"location": "alley"}));
    }
}
