//! The house game master: a rule book with a voice, who sits at the table when no language model is configured.
//!
//! He answers like a model: text in pieces and tool calls, the same turns, the same tools. He remembers nothing between
//! two requests and draws no chance: what he knows stands in the request, and every roll is a tool's. `words` splits a
//! sentence, `said` and `understand` read it by the tables of `lexicon`, `conversation` joins what is told over turns,
//! `plan` chooses the next step, with `attack`, `rounds` and `fight` where it comes to blows with the `foes`, and `people`
//! where it does not, `deeds` for what else has a tool of its own, and `asked` where nothing is done; `narrate`, `stories`, `fight_text`, `sheet_text` and `phrases` put it into words; `sheet` reads
//! character sheets. `language` translates, both ways, for whoever speaks another language than English.

mod asked;
mod attack;
mod conversation;
mod deeds;
mod fight;
mod fight_text;
mod fight_words;
mod foes;
mod language;
mod lexicon;
mod narrate;
mod people;
mod phrases;
mod plan;
mod rounds;
mod said;
mod sheet;
mod sheet_text;
mod stories;
#[cfg(test)]
mod tests;
mod understand;
mod words;

use futures_util::{StreamExt, stream, stream::BoxStream};
use uuid::Uuid;

use self::plan::{Step, Table};
use super::{ModelError, ModelEvent, ModelRequest, Provider};

/// Words that come in one piece of text, as a model would stream them.
const WORDS_A_PIECE: usize = 3;

/// The house game master.
#[derive(Debug, Clone, Copy)]
pub struct House(());

impl Default for House {
    /// He has read his tables before the first player speaks.
    fn default() -> House {
        words::prepare();
        sheet::prepare();
        House(())
    }
}

#[async_trait::async_trait]
impl Provider for House {
    fn name(&self) -> &'static str {
        "house"
    }

    fn model(&self) -> &str {
        "house"
    }

    async fn ask(
        &self,
        request: ModelRequest,
    ) -> Result<BoxStream<'static, Result<ModelEvent, ModelError>>, ModelError> {
        let events = answer(&request).into_iter().map(Ok);
        Ok(stream::iter(events).boxed())
    }
}

fn answer(request: &ModelRequest) -> Vec<ModelEvent> {
    let table = Table::new(request);
    let (text, calls) = match plan::next(&table) {
        Step::Say(text) => (text, Vec::new()),
        // What follows the calls begins a paragraph of its own.
        Step::Call { lead, calls } if lead.is_empty() => (lead, calls),
        Step::Call { lead, calls } => (lead + "\n\n", calls),
    };
    let text = match table.language {
        Some(language) => language.tell(&text),
        None => text,
    };
    let reason = if calls.is_empty() { "stop" } else { "tool_calls" };
    let mut events: Vec<ModelEvent> = pieces(&text).into_iter().map(ModelEvent::Text).collect();
    for (index, call) in (0..).zip(calls) {
        // Unique, not chance: nobody sees it but the session's log.
        let id = format!("call_{}", Uuid::now_v7().simple());
        let arguments = serde_json::Value::Object(call.arguments).to_string();
        events.push(ModelEvent::ToolCall { index, id: Some(id), name: Some(call.tool.to_owned()), arguments });
    }
    events.push(ModelEvent::Finished(reason.to_owned()));
    events.push(ModelEvent::End);
    events
}

/// A text in pieces of a few words; together they are the text again.
fn pieces(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive([' ', '\n']).collect();
    words.chunks(WORDS_A_PIECE).map(<[&str]>::concat).collect()
}
