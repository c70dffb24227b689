//! What a game master is told besides the conversation: what was agreed, the campaign, its lore, what is remembered.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    engine::Engine,
    llm::{CharacterBrief, Section},
    lore, memory,
    state::State,
};

/// People of a campaign that a turn is told of.
const MAX_PEOPLE: usize = 40;
/// Lines of a board game that a turn is told.
const MAX_LINES: usize = 12;

/// Boxes of a condition monitor that is full.
pub(crate) const FULL_TRACK: u64 = 10;

/// What a turn is told.
pub(crate) struct Briefing {
    pub sections: Arc<[Section]>,
    /// Tokens of each part, with the budget where there is one, and what was left out: for the debug window.
    pub measure: Map<String, Value>,
    /// Those who cannot act.
    pub dead: Vec<String>,
    /// Names that the story may know.
    pub people: Vec<String>,
}

/// A campaign as the game master is told of it.
#[derive(Default)]
struct Campaign {
    id: String,
    state: Vec<String>,
    people: Vec<String>,
    names: Vec<String>,
    dead: Vec<String>,
}

impl Engine {
    /// Assembles what a turn is told that answers `words`. What cannot be had is left out, and the log says so.
    pub async fn briefing(&self, state: &State, characters: &[CharacterBrief], words: &str) -> Briefing {
        let campaign_id = match state.agreed.campaign_id.as_str() {
            "" => common_campaign(characters),
            id => id.to_owned(),
        };
        let campaign = match campaign_id.is_empty() {
            true => Campaign::default(),
            false => self.campaign(&campaign_id).await,
        };
        let mut dead = campaign.dead;
        dead.extend(characters.iter().filter(|character| character.is_dead).map(|character| character.name.clone()));
        dead.extend(fallen_foes(&state.row.scene));
        let scene = state.row.scene.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        let about = format!("{words} {scene}");

        let mut measure = Map::new();
        let mut sections = vec![
            section("LINES: this never happens in the story", state.agreed.lines.clone()),
            section("VEILS: this may happen, but you do not show it", state.agreed.veils.clone()),
            section("THE CAMPAIGN", campaign.state),
            section("PEOPLE OF THE CAMPAIGN", campaign.people),
            section("OUT OF ACTION: dead or down, they neither act nor speak", dead.clone()),
            section("THE BOARD GAME THAT THIS TABLE IS LINKED TO", board(state)),
        ];
        if !campaign.id.is_empty() {
            sections.push(self.lore(&campaign.id, &about, &mut measure).await);
        }
        sections.push(self.remembered(state, &about, &mut measure));
        sections.retain(|section| !section.items.is_empty());
        let told: usize = sections.iter().flat_map(|section| &section.items).map(|item| memory::tokens(item)).sum();
        measure.insert("sections".into(), told.into());
        Briefing { sections: sections.into(), measure, dead, people: campaign.names }
    }

    async fn campaign(&self, id: &str) -> Campaign {
        let arguments = Map::from_iter([("campaign_id".to_owned(), id.into())]);
        let read = self.look_up("get_campaign", arguments.clone()).await;
        let Some(read) = read else { return Campaign { id: id.to_owned(), ..Campaign::default() } };
        let people = self.look_up("get_campaign_npcs", arguments).await.unwrap_or_default();
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let mut state = Vec::new();
        let mut say = |label: &str, text: String| {
            if !text.is_empty() {
                state.push(format!("{label}: {text}"));
            }
        };
        say("title", text(&read, "title"));
        say("hidden from the players", text(&read, "description"));
        say("theme", text(&read, "theme"));
        say("situation", text(&read, "current_situation"));
        say("place", text(&read, "location"));
        let list = |key: &str| read[key].as_array().cloned().unwrap_or_default();
        for objective in list("objectives") {
            let label = if objective["completed"] == true { "objective, reached" } else { "objective" };
            say(label, text(&objective, "objective"));
        }
        for (label, key) in [("complication", "active_complications"), ("milestone", "completed_milestones")] {
            list(key).iter().filter_map(Value::as_str).for_each(|item| say(label, item.to_owned()));
        }
        let mut campaign = Campaign { id: id.to_owned(), state, ..Campaign::default() };
        let people = people["npcs"].as_array().cloned().unwrap_or_default();
        for person in &people {
            campaign.names.push(text(person, "name"));
            if person["status"] == "deceased" {
                campaign.dead.push(text(person, "name"));
            }
        }
        let is_near = |person: &&Value| person["relevance"] == "current" && person["status"] != "deceased";
        let near: Vec<&Value> = people.iter().filter(is_near).collect();
        for person in near.iter().take(MAX_PEOPLE) {
            let mut known = vec![text(person, "role"), text(person, "status"), text(person, "location")];
            known.push(memory::one_line(&text(person, "description"), 200));
            known.retain(|part| !part.is_empty());
            campaign.people.push(format!("{}: {}", text(person, "name"), known.join(", ")));
        }
        if MAX_PEOPLE < near.len() {
            let others = near.len() - MAX_PEOPLE;
            campaign.people.push(format!("({others} more; get_campaign_npcs lists them)"));
        }
        campaign
    }

    async fn lore(&self, campaign_id: &str, about: &str, measure: &mut Map<String, Value>) -> Section {
        let heading = "LORE";
        let entries = match self.store.lore(campaign_id).await {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(%error, campaign_id, "the lore book cannot be read");
                return section(heading, Vec::new());
            }
        };
        let told = lore::within(self.limits.lore_tokens, lore::brought_up(entries, about, false));
        let titles: Vec<&str> = told.entries.iter().map(|entry| entry.title.as_str()).collect();
        let lore = json!({
            "tokens": told.tokens, "budget": self.limits.lore_tokens, "told": titles, "left_out": told.left_out,
        });
        measure.insert("lore".into(), lore);
        let mut items: Vec<String> =
            told.entries.iter().map(|entry| format!("{}: {}", entry.title, entry.body)).collect();
        if !told.left_out.is_empty() {
            items.push(format!("(find_lore tells more of: {})", told.left_out.join(", ")));
        }
        section(heading, items)
    }

    fn remembered(&self, state: &State, about: &str, measure: &mut Map<String, Value>) -> Section {
        let told = state.memory.told(about, self.limits.memory_tokens);
        let mut items = told.lines;
        let memory = json!({
            "tokens": told.tokens, "budget": self.limits.memory_tokens, "told": items.len(), "left_out": told.left_out,
        });
        measure.insert("memory".into(), memory);
        if 0 < told.left_out {
            items.push(format!("({} older facts are left out; find_lore finds them by words)", told.left_out));
        }
        section("WHAT HAS HAPPENED BEFORE", items)
    }
}

fn section(heading: &'static str, items: Vec<String>) -> Section {
    Section { heading, items }
}

/// The campaign that all characters are in who are in one.
pub(crate) fn common_campaign(characters: &[CharacterBrief]) -> String {
    let mut campaigns = characters.iter().map(|character| character.campaign_id.as_str()).filter(|id| !id.is_empty());
    let Some(first) = campaigns.next() else { return String::new() };
    if campaigns.all(|other| other == first) { first.to_owned() } else { String::new() }
}

/// The foes of a scene whose condition monitor is full.
pub(crate) fn fallen_foes(scene: &Map<String, Value>) -> Vec<String> {
    let foes = scene.get("foes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_down = |foe: &&Value| ["physical", "stun"].iter().any(|track| foe[*track].as_u64() >= Some(FULL_TRACK));
    foes.iter().filter(is_down).filter_map(|foe| foe["name"].as_str().map(str::to_owned)).collect()
}

/// How the board game stands.
fn board(state: &State) -> Vec<String> {
    let Some(link) = &state.game else { return Vec::new() };
    let mut items = vec![format!("game: {}", link.game_id)];
    if !link.side.is_empty() {
        items.push(format!("you play: {}", link.side));
    }
    if let Some(told) = &state.board {
        items.push(format!("state: {}", told.state));
        items.extend(told.lines.iter().take(MAX_LINES).map(|line| format!("told: {line}")));
        items.push(format!("accepts now: {}", told.valid_events.join(", ")));
    }
    items
}
