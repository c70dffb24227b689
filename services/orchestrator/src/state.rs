//! What a session's log adds up to: its characters, its scene, and the conversation as the game master remembers it.

use std::collections::VecDeque;

use proto::{
    orchestrator::v1::{SessionEvent, session_event::Body},
    structs,
};
use serde_json::{Map, Value};

use crate::{llm::Message, store::SessionRow};

/// Messages of the conversation that a model is shown; the log keeps all of them.
pub(crate) const WINDOW: usize = 20;

/// A session as its log tells it.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// What lists and look-ups show; stands in the session's row.
    pub row: SessionRow,
    /// The last messages, oldest first.
    conversation: VecDeque<Message>,
    /// Turns without an end, in the order in which they were accepted.
    open: VecDeque<OpenTurn>,
}

#[derive(Debug, Clone)]
struct OpenTurn {
    turn_id: String,
    trace_id: String,
    /// What the player said, until the turn begins.
    said: Option<Message>,
    told: String,
    /// Whether a tool spoke since the last words.
    is_new_paragraph: bool,
}

impl State {
    /// The state before the first event.
    pub fn new(row: SessionRow) -> State {
        let row = SessionRow { last_seq: 0, message_count: 0, characters: Vec::new(), scene: Map::new(), ..row };
        State { row, conversation: VecDeque::new(), open: VecDeque::new() }
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
                self.open.push_back(OpenTurn {
                    turn_id: event.turn_id.clone(),
                    trace_id: event.trace_id.clone(),
                    said: Some(Message::Player {
                        name: message.name.clone(),
                        character: message.character.clone(),
                        text: message.message.clone(),
                    }),
                    told: String::new(),
                    is_new_paragraph: false,
                });
            }
            Some(Body::Processing(_)) => {
                let said = self.turn(&event.turn_id).and_then(|turn| turn.said.take());
                self.remember(said);
            }
            Some(Body::Narrative(narrative)) => {
                let Some(turn) = self.turn(&event.turn_id) else { return };
                if turn.is_new_paragraph && !turn.told.is_empty() {
                    turn.told.push_str("\n\n");
                }
                turn.is_new_paragraph = false;
                let is_first = turn.told.is_empty();
                turn.told.push_str(&narrative.content);
                self.row.message_count += u64::from(is_first);
            }
            Some(Body::ToolResult(_)) => {
                if let Some(turn) = self.turn(&event.turn_id) {
                    turn.is_new_paragraph = true;
                }
            }
            Some(Body::Complete(_)) => {
                let Some(index) = self.open.iter().position(|turn| turn.turn_id == event.turn_id) else { return };
                let Some(turn) = self.open.remove(index) else { return };
                self.remember(turn.said);
                let told = (!turn.told.is_empty()).then_some(turn.told);
                self.remember(told.map(|text| Message::GameMaster { text, tool_calls: Vec::new() }));
            }
            Some(Body::Scene(scene)) => {
                if let Value::Object(scene) = structs::to_json(scene.scene.clone().unwrap_or_default()) {
                    self.row.scene = scene;
                }
            }
            _ => {}
        }
    }

    /// The last messages for a model: at most [`WINDOW`], a player's first.
    pub fn window(&self) -> Vec<Message> {
        let is_players = |message: &&Message| matches!(message, Message::Player { .. });
        self.conversation.iter().skip_while(|message| !is_players(message)).cloned().collect()
    }

    /// The turns without an end, as (turn id, trace id), in the order in which they were accepted.
    pub fn open_turns(&self) -> Vec<(String, String)> {
        self.open.iter().map(|turn| (turn.turn_id.clone(), turn.trace_id.clone())).collect()
    }

    fn turn(&mut self, turn_id: &str) -> Option<&mut OpenTurn> {
        self.open.iter_mut().find(|turn| turn.turn_id == turn_id)
    }

    fn remember(&mut self, message: Option<Message>) {
        self.conversation.extend(message);
        while WINDOW < self.conversation.len() {
            self.conversation.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::orchestrator::v1::session_event::{
        Complete, Narrative, PlayerMessage, Processing, Scene, System, ToolResult,
    };
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
            Message::ToolResult { .. } => "T".into(),
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
        let scene = |scene| Body::Scene(Scene { scene: Some(structs::from_json(scene)) });

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
