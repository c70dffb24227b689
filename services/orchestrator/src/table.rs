//! What was agreed for a table, and what people do to it: lines and veils, the pause card, facts, lore, the model.

use proto::{
    catalogue::Tool,
    orchestrator::v1::{
        DeleteLoreRequest, DeleteLoreResponse, Fact, FindLoreRequest, ForgetFactRequest, LinkGameRequest,
        ListLoreRequest, ListLoreResponse, LoreEntry, Memory, PauseTableRequest, PinFactRequest, SetLoreRequest,
        SetModelRequest, SetTableRequest, Table, TestModelRequest, TestModelResponse, session_event::Body,
    },
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use service_kit::{
    status::{self, ErrorCode},
    tools,
};
use tonic::Status;

use crate::{
    engine::Engine,
    events,
    lore::{self, Entry, MAX_ENTRIES},
    memory::{MAX_PINNED, RULE},
    models::{Choice, Models, Wish},
    session::{Inner, Origin, Session},
    state::WINDOW,
};

/// Entries that a look-up in a lore book answers.
const FOUND: usize = 5;

impl Engine {
    /// What was agreed, as people read it.
    pub fn to_table(&self, inner: &Inner) -> Table {
        let state = &inner.state;
        let agreed = state.agreed.clone();
        let prompt = self.prompts.choose(&agreed.prompt, &[&agreed.campaign_id, &agreed.campaign_title]);
        Table {
            session_id: state.row.session_id.clone(),
            lines: agreed.lines,
            veils: agreed.veils,
            paused: state.paused.is_some(),
            paused_by: state.paused.clone().unwrap_or_default(),
            campaign_id: agreed.campaign_id,
            prompt_version: prompt.version.clone(),
            prompt: agreed.prompt,
            prompts: self.prompts.names(),
            strict: agreed.strict,
            game: state
                .game
                .clone()
                .map(|link| proto::orchestrator::v1::GameLink { game_id: link.game_id, side: link.side }),
            model: Some(self.models.describe(&inner.model)),
        }
    }

    /// Sets what was agreed. What is as it was is not logged again.
    pub async fn set_table(
        &self,
        session: &Session,
        origin: &Origin,
        request: SetTableRequest,
    ) -> Result<Table, Status> {
        let SetTableRequest { session_id: _, lines, veils, campaign_id, prompt, strict } = request;
        let campaign = match campaign_id.as_deref().map(str::trim) {
            None => None,
            Some("") => Some((String::new(), String::new())),
            Some(named) => Some(self.find_campaign(named).await?),
        };
        let prompt = prompt.map(|name| name.trim().to_owned());
        if let Some(unknown) = prompt.as_deref().filter(|name| !name.is_empty() && self.prompts.find(name).is_none()) {
            let names = self.prompts.names();
            let known = if names.is_empty() { "none besides its own".to_owned() } else { names.join(", ") };
            let text = format!("no prompt is named {unknown:?}; this server has {known}");
            return Err(status::error(ErrorCode::NotFound, text));
        }
        let tidy = |phrases: proto::orchestrator::v1::Phrases| -> Vec<String> {
            let items = phrases.items.iter().map(|item| item.split_whitespace().collect::<Vec<_>>().join(" "));
            items.filter(|item| !item.is_empty()).collect()
        };

        let mut inner = session.lock().await;
        let mut agreed = inner.state.agreed.clone();
        agreed.lines = lines.map(tidy).unwrap_or(agreed.lines);
        agreed.veils = veils.map(tidy).unwrap_or(agreed.veils);
        agreed.prompt = prompt.unwrap_or(agreed.prompt);
        agreed.strict = strict.unwrap_or(agreed.strict);
        if let Some((id, title)) = campaign {
            (agreed.campaign_id, agreed.campaign_title) = (id, title);
        }
        if agreed != inner.state.agreed {
            append(session, &mut inner, origin, Body::TableSet(agreed)).await?;
        }
        Ok(self.to_table(&inner))
    }

    /// Lays the pause card on the table or takes it away. The turn that runs is ended; whether turns wait that may now be
    /// played is for the caller to see.
    pub async fn pause_table(
        &self,
        session: &Session,
        inner: &mut Inner,
        origin: &Origin,
        request: PauseTableRequest,
    ) -> Result<Table, Status> {
        let PauseTableRequest { session_id: _, on, name } = request;
        if inner.state.paused.is_some() != on {
            let name = name.map(|name| name.trim().to_owned()).unwrap_or_default();
            append(session, inner, origin, events::paused(on, name)).await?;
            if let Some(running) = inner.running.as_ref().filter(|_| on) {
                running.cancel();
            }
        }
        Ok(self.to_table(inner))
    }

    /// Links a table to a board game, which must be there, or ends the link.
    pub async fn link_game(
        &self,
        session: &Session,
        origin: &Origin,
        request: LinkGameRequest,
    ) -> Result<Table, Status> {
        let LinkGameRequest { session_id: _, game_id, side } = request;
        if let Some(game_id) = &game_id {
            self.find_game(game_id).await?;
        }
        let mut inner = session.lock().await;
        let side = side.map(|side| side.trim().to_owned()).filter(|_| game_id.is_some()).unwrap_or_default();
        let game_id = game_id.unwrap_or_default();
        let now = inner.state.game.clone().unwrap_or_default();
        if (now.game_id.as_str(), now.side.as_str()) != (game_id.as_str(), side.as_str()) {
            append(session, &mut inner, origin, events::game_linked(game_id, side)).await?;
        }
        Ok(self.to_table(&inner))
    }

    /// What the game master remembers.
    pub fn to_memory(&self, inner: &Inner) -> Memory {
        let memory = &inner.state.memory;
        let most = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Memory {
            facts: memory.facts(),
            token_budget: most(self.limits.memory_tokens),
            tokens: most(memory.tokens()),
            window: most(WINDOW),
        }
    }

    /// Pins a fact. A call that has pinned it before a restart pins it once.
    pub async fn pin_fact(
        &self,
        session: &Session,
        origin: &Origin,
        request: PinFactRequest,
    ) -> Result<Memory, Status> {
        let PinFactRequest { session_id: _, text, by } = request;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return Err(status::error(ErrorCode::InvalidInput, "`text` must not be blank"));
        }
        let call_id = Some(origin.call_id.as_str()).filter(|id| !id.is_empty());
        let by = by.map(|by| by.trim().to_owned()).filter(|by| !by.is_empty() && by != RULE);
        let by = by.unwrap_or_else(|| if call_id.is_some() { "the game master" } else { "the table" }.to_owned());
        let mut inner = session.lock().await;
        let is_pinned = call_id.is_some_and(|call_id| inner.state.has_shown(&origin.turn_id, call_id));
        if !is_pinned {
            if MAX_PINNED <= inner.state.memory.pinned() {
                let text = format!("a table has room for {MAX_PINNED} pinned facts; forget one first");
                return Err(status::error(ErrorCode::InvalidInput, text));
            }
            let fact_id = uuid::Uuid::now_v7().to_string();
            // What a turn has pinned comes from it, and goes with it.
            let seqs = call_id.and_then(|_| inner.state.asked_seq(&origin.turn_id)).into_iter().collect();
            let fact = Fact { fact_id, text, seqs, pinned: true, by };
            append(session, &mut inner, origin, events::remembered(vec![fact], call_id)).await?;
        }
        Ok(self.to_memory(&inner))
    }

    pub async fn forget_fact(
        &self,
        session: &Session,
        origin: &Origin,
        request: ForgetFactRequest,
    ) -> Result<Memory, Status> {
        let mut inner = session.lock().await;
        if inner.state.memory.find(&request.fact_id).is_none() {
            let text = format!("this table remembers no fact {:?}", request.fact_id);
            return Err(status::error(ErrorCode::NotFound, text));
        }
        append(session, &mut inner, origin, events::fact_forgotten(&request.fact_id)).await?;
        Ok(self.to_memory(&inner))
    }

    pub async fn list_lore(&self, request: ListLoreRequest) -> Result<ListLoreResponse, Status> {
        let (campaign_id, _) = self.find_campaign(&request.campaign_id).await?;
        let entries = self.store.lore(&campaign_id).await.map_err(|error| status::database(&error))?;
        Ok(self.to_lore(&campaign_id, entries))
    }

    pub async fn set_lore(&self, request: SetLoreRequest) -> Result<LoreEntry, Status> {
        let SetLoreRequest { campaign_id, title, text, keywords, always } = request;
        let (campaign_id, _) = self.find_campaign(&campaign_id).await?;
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() || text.trim().is_empty() {
            return Err(status::error(ErrorCode::InvalidInput, "`title` and `text` must not be blank"));
        }
        let known = self.store.lore(&campaign_id).await.map_err(|error| status::database(&error))?;
        let is_new = known.iter().all(|entry| entry.title.to_lowercase() != title.to_lowercase());
        if is_new && MAX_ENTRIES <= known.len() {
            let text = format!("a lore book has room for {MAX_ENTRIES} entries");
            return Err(status::error(ErrorCode::InvalidInput, text));
        }
        let keywords = keywords.iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
        let entry = Entry { title, keywords, body: text.trim().to_owned(), always: always.unwrap_or_default() };
        self.store.set_lore(&campaign_id, &entry).await.map_err(|error| status::database(&error))?;
        Ok(to_entry(&campaign_id, entry))
    }

    pub async fn delete_lore(&self, request: DeleteLoreRequest) -> Result<DeleteLoreResponse, Status> {
        let (campaign_id, _) = self.find_campaign(&request.campaign_id).await?;
        let deleted = self.store.delete_lore(&campaign_id, request.title.trim()).await;
        Ok(DeleteLoreResponse { deleted: deleted.map_err(|error| status::database(&error))? })
    }

    /// Looks up the lore book of the table's campaign, and what the table remembers.
    pub async fn find_lore(&self, session: &Session, request: FindLoreRequest) -> Result<ListLoreResponse, Status> {
        let (named, characters, facts) = {
            let inner = session.lock().await;
            let state = &inner.state;
            (state.agreed.campaign_id.clone(), state.row.characters.clone(), state.memory.facts())
        };
        let campaign_id = match named.is_empty() {
            true => crate::briefing::common_campaign(&self.briefs(&characters).await),
            false => named,
        };
        let mut entries = match campaign_id.is_empty() {
            true => Vec::new(),
            false => self.store.lore(&campaign_id).await.map_err(|error| status::database(&error))?,
        };
        let remembered = facts.into_iter().map(|fact| Entry {
            title: "What has happened before".into(),
            keywords: Vec::new(),
            body: fact.text,
            always: false,
        });
        entries.extend(remembered);
        let found = lore::brought_up(entries, &request.query, true);
        Ok(self.to_lore(&campaign_id, found.into_iter().take(FOUND).collect()))
    }

    pub(crate) async fn find_lore_by_call(
        &self,
        session: &Session,
        tool: &Tool,
        arguments: Map<String, Value>,
    ) -> Result<Value, Status> {
        let found = self.find_lore(session, read(tool, arguments)?).await?;
        let entries = found.entries.iter().map(|entry| json!({"title": entry.title, "text": entry.text}));
        Ok(json!({"entries": entries.collect::<Vec<_>>()}))
    }

    pub(crate) async fn pin_fact_by_call(
        &self,
        session: &Session,
        origin: &Origin,
        tool: &Tool,
        arguments: Map<String, Value>,
    ) -> Result<Value, Status> {
        let memory = self.pin_fact(session, origin, read(tool, arguments)?).await?;
        Ok(json!({"pinned": memory.facts.iter().filter(|fact| fact.pinned).count()}))
    }

    /// Chooses the model of a table.
    pub async fn set_model(
        &self,
        session: &Session,
        origin: &Origin,
        request: SetModelRequest,
    ) -> Result<Table, Status> {
        let SetModelRequest { session_id: _, provider, model, url, key, house_steps_in } = request;
        let wish = Wish { provider, url, model, key: key.map(SecretString::from), house_steps_in };
        let mut inner = session.lock().await;
        let choice = self.models.choose(wish, &inner.model)?;
        let chain = self.models.chain(&choice)?;
        let written = session.store().set_model(&session.id, &choice).await;
        written.map_err(|error| status::database(&error))?;
        let described = self.models.describe(&choice);
        inner.model = choice;
        inner.chain = Some(chain);
        append(session, &mut inner, origin, events::model_chosen(&described.provider, &described.model)).await?;
        Ok(self.to_table(&inner))
    }

    /// Tries a model; `now` is what the table has whose key may be used.
    pub async fn test_model(&self, request: TestModelRequest, now: &Choice) -> Result<TestModelResponse, Status> {
        let TestModelRequest { session_id: _, provider, model, url, key } = request;
        let wish = Wish { provider, url, model, key: key.map(SecretString::from), house_steps_in: None };
        // One is enough to see whether its server takes any.
        let tools = self.offered(false).iter().take(1).cloned().collect();
        self.models.test(&self.models.choose(wish, now)?, tools).await
    }

    /// What a table can have.
    pub fn list_models(&self) -> proto::orchestrator::v1::ListModelsResponse {
        let server = Some(self.models.describe(&Choice::Server));
        proto::orchestrator::v1::ListModelsResponse { server, known: Models::known() }
    }

    fn to_lore(&self, campaign_id: &str, entries: Vec<Entry>) -> ListLoreResponse {
        let token_budget = u32::try_from(self.limits.lore_tokens).unwrap_or(u32::MAX);
        ListLoreResponse {
            entries: entries.into_iter().map(|entry| to_entry(campaign_id, entry)).collect(),
            token_budget,
        }
    }
}

/// Logs and tells one event.
pub(crate) async fn append(session: &Session, inner: &mut Inner, origin: &Origin, body: Body) -> Result<(), Status> {
    let appended = session.append_locked(inner, origin, vec![body], None).await;
    appended.map_err(|error| status::database(&error))
}

/// The request of a call made at a table; the table is the caller's own, whatever the arguments say.
fn read<M: prost::Message + Default>(tool: &Tool, mut arguments: Map<String, Value>) -> Result<M, Status> {
    arguments.remove("session_id");
    let bytes = tool.encode_request(Value::Object(arguments)).map_err(|error| tools::refuse(&error))?;
    M::decode(bytes.as_slice()).map_err(|error| status::internal(&error))
}

fn to_entry(campaign_id: &str, entry: Entry) -> LoreEntry {
    let tokens = u32::try_from(entry.tokens()).unwrap_or(u32::MAX);
    let Entry { title, keywords, body, always } = entry;
    LoreEntry { campaign_id: campaign_id.to_owned(), title, keywords, text: body, always, tokens }
}
