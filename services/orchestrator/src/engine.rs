//! What every turn needs: the game master, the tools at the table, and the limits.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use proto::{
    catalogue::{Role, Tool},
    character::v1::GetCharacterRequest,
    fsm::v1::{Game, GetGameRequest},
    structs,
};
use serde_json::{Map, Value, json};
use service_kit::{
    Peers,
    status::{self, ErrorCode, Failure},
    tools::Toolbox,
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, metadata::MetadataMap};

use crate::{
    budget::Budget,
    events, game,
    llm::{CharacterBrief, Message, ToolDefinition},
    metrics,
    models::Models,
    prompts::{Prompt, Prompts},
    rights, scene,
    session::{Origin, Session},
    state::State,
    store::Store,
};

/// The service whose tools are answered here.
const OURS: &str = "dicetower.orchestrator.v1.OrchestratorService";
/// What of a name is percent-encoded in metadata, beside all that is no ASCII.
const NOT_PLAIN: &AsciiSet = &CONTROLS.add(b'%');
/// How long the sheets of the characters are waited for before a turn goes on without.
const BRIEF: Duration = Duration::from_secs(5);
/// Tools that are found at the most.
const MAX_FOUND: usize = 10;
/// The tools whose results tell who acts when, and where in them.
const ORDERS: [(&str, &str); 9] = [
    ("track_initiative", "characters"),
    ("start_combat", "order"),
    ("next_actor", "order"),
    ("delay_action", "order"),
    ("take_delayed_action", "order"),
    ("join_combat", "order"),
    ("leave_combat", "order"),
    ("wound_fighter", "order"),
    ("end_combat", "order"),
];
/// What stands before the key of a call among the ids of messages; no message of a person begins with it.
const CALL_MARK: &str = "\u{1}call/";
/// What stands on a sheet of what a character can pay with.
const MONEY: [&str; 5] = ["nuyen", "karma_pool", "karma_total", "karma_available", "lifestyle_cost"];
/// Groups of tools that every table needs.
const COMMON_GROUPS: [&str; 3] = ["core", "combat", "scene"];
/// Tools of a campaign are for tables where somebody is in one.
const CAMPAIGN: &str = "campaign";
/// Tools of a board game have no place at a table where a story is told.
const BOARD: &str = "board";
/// Tools that concern a session as a whole are people's.
const STORY: &str = "session";

/// What every turn needs.
pub(crate) struct Engine {
    pub models: Models,
    pub prompts: Prompts,
    pub store: Store,
    pub budget: Budget,
    /// The tools that the game master may call.
    offered: Arc<[Arc<ToolDefinition>]>,
    /// The same, and those that a person must agree to.
    offered_with_consent: Arc<[Arc<ToolDefinition>]>,
    /// Those that he may call beside them at a table that is linked to a board game.
    offered_at_game: Arc<[Arc<ToolDefinition>]>,
    pub limits: Limits,
    /// The server shuts down: nothing new begins.
    pub shutdown: CancellationToken,
    /// The time that a running turn was given to end is over.
    pub stopping: CancellationToken,
    toolbox: Toolbox,
    peers: Peers,
}

/// How much a turn may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub turn: Duration,
    pub tool: Duration,
    pub steps: u32,
    pub tokens: u64,
    /// How often an answer that breaks off is asked for again.
    pub restarts: u32,
    /// Tokens of each turn that may go to lore, and to what is remembered.
    pub lore_tokens: usize,
    pub memory_tokens: usize,
    /// Events after which a snapshot is kept.
    pub snapshot_events: u64,
    /// Events that may wait for one reader.
    pub reader_queue: u32,
}

/// Who calls a tool at a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Caller {
    /// The model: only what it was offered.
    GameMaster,
    /// The model, and a person has agreed to the call.
    GameMasterWithConsent,
    /// A person at the table.
    Person,
}

impl Engine {
    pub fn new(
        models: Models,
        prompts: Prompts,
        store: Store,
        limits: Limits,
        budget: Budget,
        peers: Peers,
        shutdown: CancellationToken,
    ) -> Engine {
        let toolbox = Toolbox::new(peers.clone());
        let of_story = |tool: &Tool| tool.group != BOARD && tool.group != STORY;
        let offered_with_consent = offered(&toolbox, &peers, |tool| of_story(tool));
        let offered_at_game = offered(&toolbox, &peers, |tool| game::TOOLS.contains(&tool.name.as_str()));
        let offered = offered(&toolbox, &peers, |tool| of_story(tool) && !tool.confirm);
        Engine {
            models,
            prompts,
            store,
            budget,
            offered,
            offered_with_consent,
            offered_at_game,
            limits,
            shutdown,
            stopping: CancellationToken::new(),
            toolbox,
            peers,
        }
    }

    /// The tools that the game master may call; with somebody in the game master's seat also those that he must allow.
    pub fn offered(&self, has_consent: bool) -> &Arc<[Arc<ToolDefinition>]> {
        if has_consent { &self.offered_with_consent } else { &self.offered }
    }

    /// The tools that a model is shown: those of the groups that this table needs, and those that it has found in this
    /// turn. The rest it reaches by `find_tool`.
    pub fn shown(
        &self,
        has_consent: bool,
        is_linked: bool,
        characters: &[CharacterBrief],
        messages: &[Message],
    ) -> Arc<[Arc<ToolDefinition>]> {
        let mut groups = COMMON_GROUPS.to_vec();
        groups.extend(characters.iter().flat_map(|character| character.groups.iter().copied()));
        if characters.iter().any(|character| !character.campaign_id.is_empty()) {
            groups.push(CAMPAIGN);
        }
        let mut found = HashSet::new();
        for message in messages {
            if let Message::ToolResult { tool, result, .. } = message
                && tool == "find_tool"
            {
                found.extend(result["tools"].as_array().into_iter().flatten().filter_map(|tool| tool["name"].as_str()));
            }
        }
        let is_shown =
            |tool: &&Arc<ToolDefinition>| groups.contains(&tool.group.as_str()) || found.contains(tool.name.as_str());
        let at_game = if is_linked { &self.offered_at_game[..] } else { &[] };
        self.offered(has_consent).iter().filter(is_shown).chain(at_game).cloned().collect()
    }

    /// The prompt of a table: the one it has agreed on, its campaign's, or the server's own.
    pub fn prompt(&self, state: &State) -> Prompt {
        let agreed = &state.agreed;
        self.prompts.choose(&agreed.prompt, &[&agreed.campaign_id, &agreed.campaign_title]).clone()
    }

    /// Whether a person must agree to a call of this tool.
    pub fn needs_consent(&self, tool: &str) -> bool {
        self.offered_with_consent.iter().any(|offered| offered.name == tool)
            && !self.offered.iter().any(|offered| offered.name == tool)
    }

    /// Why a person must agree to a call of the game master at this table, although its tool needs none as such.
    pub async fn agreement(&self, session: &Session, tool: &str, arguments: &Map<String, Value>) -> Option<String> {
        let arguments = self.toolbox.find(tool).ok().filter(|tool| tool.effect)?.read(arguments.clone());
        let (members, scene, campaign) = {
            let inner = session.lock().await;
            let (state, row) = (&inner.state, &inner.state.row);
            (row.characters.clone(), row.scene.clone(), state.agreed.campaign_id.clone())
        };
        self.needs_agreement(tool, &arguments, &members, &campaign, &scene).await
    }

    /// Whether a tool changes anything.
    pub fn has_effect(&self, tool: &str) -> bool {
        self.toolbox.catalogue().get(tool).is_some_and(|tool| tool.effect)
    }

    /// The characters in a few words each. One whose sheet cannot be had is still at the table.
    pub async fn briefs(&self, characters: &[String]) -> Vec<CharacterBrief> {
        let brief = |name: &String| {
            let name = name.clone();
            async move {
                let sheet = tokio::time::timeout(BRIEF, self.sheet(&name)).await;
                match sheet.unwrap_or_else(|_| Err(Status::deadline_exceeded("no sheet in time"))) {
                    Ok(sheet) => {
                        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                        let state = &sheet["condition_monitor"]["state"];
                        CharacterBrief {
                            name,
                            summary: text(&sheet["summary"]),
                            groups: groups_of(&sheet),
                            is_dead: state == "dead" || state == "near_death",
                            campaign_id: text(&sheet["campaign_id"]),
                            money: MONEY.iter().filter_map(|key| sheet[*key].as_u64()).collect(),
                        }
                    }
                    Err(status) => {
                        tracing::warn!(character = name, code = ?status.code(), "no sheet for the game master");
                        CharacterBrief { name, ..CharacterBrief::default() }
                    }
                }
            }
        };
        join_all(characters.iter().map(brief)).await
    }

    /// A character's sheet, by street name or given name.
    pub async fn sheet(&self, character: &str) -> Result<Value, Status> {
        let request = GetCharacterRequest { character_name: character.to_owned() };
        let sheet = self.peers.character().get_character(request).await?.into_inner();
        Ok(structs::to_json(sheet))
    }

    /// The other services.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// What a tool that changes nothing says, if it says it in time.
    pub async fn look_up(&self, tool: &str, arguments: Map<String, Value>) -> Option<Value> {
        let call = self.toolbox.call(tool, Value::Object(arguments), MetadataMap::new());
        match tokio::time::timeout(BRIEF, call).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(status)) => {
                tracing::warn!(tool, code = ?status.code(), "the game master is not told what this tool knows");
                None
            }
            Err(_) => {
                tracing::warn!(tool, "the game master is not told what this tool knows: it is too slow");
                None
            }
        }
    }

    /// The campaign of that id or title: its id and its title.
    ///
    /// # Errors
    ///
    /// There is none, or the service of campaigns cannot be reached.
    pub async fn find_campaign(&self, id_or_title: &str) -> Result<(String, String), Status> {
        let arguments = json!({"campaign_id": id_or_title});
        let campaign = self.toolbox.call("get_campaign", arguments, MetadataMap::new()).await?;
        let text = |key: &str| campaign[key].as_str().unwrap_or_default().to_owned();
        Ok((text("campaign_id"), text("title")))
    }

    /// The board game of that id.
    ///
    /// # Errors
    ///
    /// There is none, or the service of board games cannot be reached.
    pub async fn find_game(&self, game_id: &str) -> Result<Option<Game>, Status> {
        let request = GetGameRequest { game_id: Some(game_id.to_owned()) };
        Ok(self.peers.fsm().get_game(request).await?.into_inner().game)
    }

    /// Calls a tool at a table. Another service must answer within the time of a tool; our own log is waited for.
    ///
    /// # Errors
    ///
    /// What the tool says, or why it may not be called here.
    pub async fn call(
        &self,
        session: &Session,
        origin: &Origin,
        caller: Caller,
        name: &str,
        arguments: Map<String, Value>,
        metadata: MetadataMap,
    ) -> Result<Value, Failure> {
        let result = self.dispatch(session, origin, caller, name, arguments, metadata).await;
        result.map_err(|status| Failure::from(&status))
    }

    /// The tools that fit a few words best, the best first.
    pub fn find_tools(&self, query: &str, caller: Caller) -> Vec<&Tool> {
        let query = query.to_lowercase();
        let words: Vec<&str> =
            query.split(|char: char| !char.is_alphanumeric()).filter(|word| 1 < word.len()).collect();
        let is_allowed = |tool: &&Tool| match caller {
            Caller::GameMaster | Caller::GameMasterWithConsent => {
                self.offered.iter().any(|offered| offered.name == tool.name)
            }
            Caller::Person => tool.role <= Role::Gm,
        };
        let tools = self.toolbox.catalogue().iter().filter(is_allowed);
        let mut found: Vec<(usize, &Tool)> =
            tools.map(|tool| (fit(tool, &words), tool)).filter(|(fit, _)| 0 < *fit).collect();
        found.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
        found.into_iter().take(MAX_FOUND).map(|(_, tool)| tool).collect()
    }

    fn find_tool(&self, tool: &Tool, arguments: Map<String, Value>, caller: Caller) -> Result<Value, Status> {
        let query = arguments.get("query").and_then(Value::as_str).unwrap_or_default().to_owned();
        tool.encode_request(Value::Object(arguments)).map_err(|error| service_kit::tools::refuse(&error))?;
        let found = self.find_tools(&query, caller).into_iter().map(|tool| {
            json!({
                "name": tool.name, "description": tool.description, "parameters": tool.parameters,
                "group": tool.group, "effect": tool.effect,
            })
        });
        Ok(json!({"tools": found.collect::<Vec<_>>()}))
    }

    async fn dispatch(
        &self,
        session: &Session,
        origin: &Origin,
        caller: Caller,
        name: &str,
        mut arguments: Map<String, Value>,
        mut metadata: MetadataMap,
    ) -> Result<Value, Status> {
        let tool = self.toolbox.find(name)?;
        // Whose character it is about is looked up by the names of the contract.
        arguments = tool.read(arguments);
        let is_offered = |tools: &[Arc<ToolDefinition>]| tools.iter().any(|offered| offered.name == name);
        let (game, members, scene, campaign) = {
            let inner = session.lock().await;
            let (state, row) = (&inner.state, &inner.state.row);
            (state.game.clone(), row.characters.clone(), row.scene.clone(), state.agreed.campaign_id.clone())
        };
        let may_call = match caller {
            Caller::Person => true,
            _ if is_offered(&self.offered_at_game) => match &game {
                // Whatever he says, it is the game of this table.
                Some(link) => {
                    arguments.insert("game_id".into(), link.game_id.clone().into());
                    true
                }
                None => false,
            },
            Caller::GameMaster => is_offered(&self.offered),
            Caller::GameMasterWithConsent => is_offered(&self.offered_with_consent),
        };
        if !may_call {
            let text = format!("{name} is not among the tools at this table");
            return Err(status::error(ErrorCode::Forbidden, text));
        }
        if tool.role == Role::Operator {
            return Err(status::error(ErrorCode::Forbidden, format!("{name} is for whoever runs the server")));
        }
        if caller != Caller::Person {
            if tool.effect || name == rights::AUDIT {
                self.check_rights(name, &arguments, &members, &scene).await?;
            }
            let is_agreed_to = caller == Caller::GameMasterWithConsent;
            self.keep_to_campaign(tool, &mut arguments, &members, &campaign, is_agreed_to).await?;
        }
        if tool.service() == OURS {
            return match name {
                "find_tool" => self.find_tool(tool, arguments, caller),
                _ if tool.group == STORY => {
                    let text = format!("{name} is called by itself, not at a table");
                    Err(status::error(ErrorCode::Forbidden, text))
                }
                "pin_fact" => self.pin_fact_by_call(session, origin, tool, arguments).await,
                "find_lore" => self.find_lore_by_call(session, tool, arguments).await,
                _ => scene::call(session, origin, tool, arguments).await,
            };
        }
        let key = metadata.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
        // Later than our own: who gives up first says why.
        let timeout_ms = (self.limits.tool.as_millis() + 1000).min(99_999_999);
        if let Ok(timeout) = format!("{timeout_ms}m").parse() {
            metadata.insert("grpc-timeout", timeout);
        }
        if let Ok(id) = session.id.parse() {
            metadata.insert("session-id", id);
        }
        let speaker = session.lock().await.state.speaker(&origin.turn_id);
        if let Some(player) = speaker.and_then(|name| utf8_percent_encode(&name, NOT_PLAIN).to_string().parse().ok()) {
            metadata.insert("player", player);
        }
        let call = self.toolbox.call(name, Value::Object(arguments.clone()), metadata);
        let result = tokio::time::timeout(self.limits.tool, call).await.map_err(|_| {
            metrics::TOOL_TIMEOUTS.with(name).inc();
            let text = format!("{name} did not answer within {} s", self.limits.tool.as_secs_f32());
            status::error(ErrorCode::ToolTimeout, text)
        })??;
        self.show_effect(session, origin, caller, tool, &arguments, &result, key.as_deref()).await?;
        Ok(result)
    }

    /// Tells the table what a call has done to it, once. A turn shows its rolls as results.
    #[expect(clippy::too_many_arguments, reason = "a call, its result, and on whose behalf it was made")]
    async fn show_effect(
        &self,
        session: &Session,
        origin: &Origin,
        caller: Caller,
        tool: &Tool,
        arguments: &Map<String, Value>,
        result: &Value,
        key: Option<&str>,
    ) -> Result<(), Status> {
        if !tool.effect {
            return Ok(());
        }
        let call_id = Some(origin.call_id.as_str()).filter(|id| !id.is_empty());
        let order = ORDERS.iter().find(|(name, _)| *name == tool.name).and_then(|(_, key)| result[*key].as_array());
        let character = arguments.get("character_name").and_then(Value::as_str).filter(|_| !is_roll(result));
        let event = match (character, order) {
            (_, Some(order)) => events::turn_order(order, call_id),
            (Some(character), None) => events::character_updated(character, result.clone(), call_id),
            (None, None) if caller == Caller::Person => events::roll(&tool.name, result.clone()),
            (None, None) => return Ok(()),
        };
        let mut told = vec![event];
        let mut inner = session.lock().await;
        if let Some((old, new)) = rights::renamed(&tool.name, arguments, &inner.state.row.characters) {
            // Whoever sits at the table goes on under his new name.
            told.extend([events::character_removed(&old), events::character_added(&new)]);
        }
        if call_id.is_some_and(|call_id| inner.state.has_shown(&origin.turn_id, call_id)) {
            return Ok(());
        }
        // A person's call that is sent again stands in the log once, as its effect is done once.
        let mark = key.filter(|_| caller == Caller::Person).map(|key| format!("{CALL_MARK}{key}"));
        if let Some(mark) = &mark {
            let known = session.store().turn_of_message(&session.id, mark).await;
            if known.map_err(|error| status::database(&error))?.is_some() {
                return Ok(());
            }
        }
        let mark = mark.as_deref().map(|mark| (mark, ""));
        let appended = session.append_locked(&mut inner, origin, told, mark).await;
        appended.map_err(|error| status::database(&error))
    }
}

/// The groups of tools that a character needs beside those that everybody needs, by what stands on his sheet.
fn groups_of(sheet: &Value) -> Vec<&'static str> {
    let has_any = |keys: &[&str]| {
        keys.iter().any(|key| {
            [&sheet[*key], &sheet["data"][*key]].iter().any(|value| {
                value.as_array().is_some_and(|items| !items.is_empty())
                    || value.as_f64().is_some_and(|rating| 0.0 < rating)
            })
        })
    };
    let by_sheet: [(&'static str, &[&str]); 3] = [
        ("magic", &["spells", "magic_rating", "current_magic", "foci", "spirits", "powers"]),
        ("matrix", &["cyberdecks", "decks"]),
        ("vehicles", &["vehicles"]),
    ];
    by_sheet.iter().filter(|(_, keys)| has_any(keys)).map(|(group, _)| *group).collect()
}

/// How well a tool fits lower-case words: its name counts for more than its description.
fn fit(tool: &Tool, words: &[&str]) -> usize {
    let (name, description) = (tool.name.as_str(), tool.description.to_lowercase());
    let points = |word: &&str| 3 * usize::from(name.contains(*word)) + usize::from(description.contains(*word));
    words.iter().map(points).sum()
}

/// Whether dice stand in a tool's result.
fn is_roll(result: &Value) -> bool {
    ["roll_id", "rolls", "dice", "roll", "spell_roll"].iter().any(|key| result.get(key).is_some())
}

/// The tools for the game master: those of the services that are there, as far as they are wanted. The table itself is
/// given; no tool asks for it.
fn offered(toolbox: &Toolbox, peers: &Peers, is_wanted: impl Fn(&Tool) -> bool) -> Arc<[Arc<ToolDefinition>]> {
    let is_there = |service: &str| {
        let package = service.rsplit_once('.').map_or(service, |(package, _)| package);
        service == OURS || peers.transport(package).is_some() || peers.foreign_transport(service).is_some()
    };
    let is_offered = |tool: &&Tool| tool.role <= Role::Gm && is_wanted(tool) && is_there(&tool.service());
    let tools = toolbox.catalogue().iter().filter(is_offered);
    let define = |tool: &Tool| {
        let mut parameters = tool.parameters.clone();
        if tool.service() == OURS
            && let Some(properties) = parameters["properties"].as_object_mut()
        {
            properties.remove("session_id");
        }
        Arc::new(ToolDefinition::new(tool, parameters))
    };
    tools.map(define).collect()
}

/// A failure as a tool's result tells it.
pub(crate) fn failure_json(failure: &Failure) -> Value {
    let mut result = json!({"error": failure.message, "code": failure.code.number()});
    if !failure.details.is_empty() {
        result["details"] = Value::Object(failure.details.clone());
    }
    result
}
