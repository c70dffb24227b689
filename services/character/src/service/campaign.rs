//! Campaigns, NPCs and house rules.

use proto::{
    character::v1::{
        AddCampaignMilestoneRequest, AddCampaignNpcRequest, AddHouseRuleRequest, CampaignResponse, CampaignSummary,
        CreateCampaignRequest, GetCampaignNpcsRequest, GetCampaignNpcsResponse, GetCampaignRequest,
        GetHouseRulesRequest, GetHouseRulesResponse, HouseRule, HouseRuleResponse, HouseRuleSwitch,
        JoinCampaignRequest, LeaveCampaignRequest, ListCampaignsRequest, ListCampaignsResponse, NpcResponse, Objective,
        RegisterNpcRequest, ToggleHouseRuleRequest, UpdateCampaignNpcRequest, UpdateCampaignStateRequest,
        UpdateNpcRequest,
    },
    structs,
};
use rules::shadowrun2::house_rules::{self, HOUSE_RULES, HouseRules};
use serde_json::{Value, json};
use service_kit::{
    clock,
    status::{self, ErrorCode},
};
use tonic::Status;

use super::{Characters, entries, refuse, unknown};
use crate::{
    names,
    sheet::Sheet,
    store::{Call, Document, Kind, Unkept},
};

/// Times a change is tried on what others change, too.
const ATTEMPTS: u32 = 200;
/// Most milestones a campaign keeps.
const MAX_MILESTONES: usize = 500;
/// Longest notes of an NPC, in characters.
const MAX_NOTES: usize = 20_000;
/// What an update may change of an NPC.
const NPC_PARTS: &[&str] =
    &["name", "npc_type", "role", "location", "status", "relevance", "description", "stats", "notes"];
/// Words of an NPC's status and relevance.
const STATUSES: &[&str] = &["active", "inactive", "deceased", "unknown"];
const RELEVANCES: &[&str] = &["current", "background", "future"];

impl Characters {
    /// The campaign of an id or a title.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` with the titles there are.
    pub async fn campaign(&self, id_or_title: &str) -> Result<Document, Status> {
        if let Some(document) = self.store.document(Kind::Campaign, id_or_title).await? {
            return Ok(document);
        }
        let mut named = self.store.documents_named(Kind::Campaign, id_or_title).await?;
        if let Some(document) = named.pop() {
            return Ok(document);
        }
        let all = self.store.documents(Kind::Campaign, None).await?;
        let titles: Vec<String> = all.into_iter().map(|document| document.name).collect();
        let shown = names::shown(id_or_title);
        let message = format!("there is no campaign '{shown}'{}", names::help(&shown, &titles, "campaigns"));
        Err(status::error(ErrorCode::NotFound, message))
    }

    /// The id of a campaign by id or title; empty for none.
    async fn scope(&self, campaign: Option<&str>) -> Result<String, Status> {
        match campaign.filter(|campaign| !campaign.trim().is_empty()) {
            Some(campaign) => Ok(self.campaign(campaign).await?.id),
            None => Ok(String::new()),
        }
    }

    /// The house rules that hold for a character: those for everybody, and his campaign's, which come before them.
    pub async fn rules_for(&self, sheet: &Sheet) -> Result<HouseRules, Status> {
        self.rules_of(sheet.campaign_id.as_deref()).await
    }

    /// The house rules of a campaign, or of the whole house.
    pub async fn rules_of(&self, campaign: Option<&str>) -> Result<HouseRules, Status> {
        let mut active: Vec<house_rules::HouseRule> = Vec::new();
        let mut apply = |documents: Vec<Document>| {
            for document in documents {
                let Ok(rule) = house_rules::HouseRule::parse(&document.name) else { continue };
                active.retain(|other| *other != rule);
                if document.content["is_active"] == true {
                    active.push(rule);
                }
            }
        };
        apply(self.store.documents(Kind::HouseRule, Some("")).await?);
        if let Some(campaign) = campaign {
            apply(self.store.documents(Kind::HouseRule, Some(campaign)).await?);
        }
        Ok(active.into_iter().collect())
    }

    /// Changes a document, again if another change was faster, and answers.
    async fn change_document<M>(
        &self,
        call: &Call,
        mut document: Document,
        change: impl Fn(&mut Document) -> Result<String, Status>,
        answer: impl Fn(&Document, String) -> M,
    ) -> Result<M, Status>
    where
        M: prost::Message + Default,
    {
        for _ in 0..ATTEMPTS {
            let before = if document.revision == 0 { json!({}) } else { document.content.clone() };
            let (kind, id) = (document.kind, document.id.clone());
            let message = change(&mut document)?;
            let effects = document.statements(call, &before, &message);
            document.revision += 1;
            document.updated_at = clock::now_ms();
            match self.store.keep(call, answer(&document, message), effects).await {
                Ok(answer) => return Ok(answer),
                Err(Unkept::Refused(status)) => return Err(status),
                Err(Unkept::Conflict) => {
                    let now = self.store.document(kind, &id).await?;
                    document = now.ok_or_else(|| status::error(ErrorCode::NotFound, "it is no longer there"))?;
                }
            }
        }
        Err(Unkept::Conflict.into())
    }

    /// Street names of a campaign's characters.
    async fn members(&self, campaign_id: &str) -> Result<Vec<String>, Status> {
        let all = self.store.all().await?;
        let members = all.into_iter().filter(|sheet| sheet.campaign_id.as_deref() == Some(campaign_id));
        Ok(members.map(|sheet| sheet.street_name).collect())
    }
}

fn text(content: &Value, key: &str) -> String {
    content[key].as_str().unwrap_or_default().to_owned()
}

fn texts(content: &Value, key: &str) -> Vec<String> {
    let list = content[key].as_array().into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn campaign_answer(document: &Document, message: String, characters: Vec<String>) -> CampaignResponse {
    let content = &document.content;
    let objective = |value: &Value| Objective {
        objective: text(value, "objective"),
        completed: value["completed"].as_bool(),
        order: value["order"].as_i64().and_then(|order| i32::try_from(order).ok()),
    };
    CampaignResponse {
        campaign_id: document.id.clone(),
        title: document.name.clone(),
        description: text(content, "description"),
        theme: text(content, "theme"),
        current_situation: text(content, "current_situation"),
        location: text(content, "location"),
        objectives: content["objectives"].as_array().into_iter().flatten().map(objective).collect(),
        active_complications: texts(content, "active_complications"),
        completed_milestones: texts(content, "completed_milestones"),
        characters,
        created_at: clock::rfc3339(document.created_at),
        updated_at: clock::rfc3339(document.updated_at),
        message,
        revision: document.revision,
    }
}

/// Creates a campaign.
pub async fn create(
    service: &Characters,
    call: &Call,
    request: CreateCampaignRequest,
) -> Result<CampaignResponse, Status> {
    let CreateCampaignRequest { title, description, theme, reason: _ } = request;
    entries::check_text("campaign", &title)?;
    let content = json!({"description": description, "theme": theme});
    let document = Document::new(Kind::Campaign, "", &title, content);
    let message = format!("the campaign {title} is there");
    let change = |_: &mut Document| Ok(message.clone());
    service
        .change_document(call, document, change, |document, message| campaign_answer(document, message, Vec::new()))
        .await
}

/// Every campaign.
pub async fn list(service: &Characters, _request: ListCampaignsRequest) -> Result<ListCampaignsResponse, Status> {
    let all = service.store.documents(Kind::Campaign, None).await?;
    let summary = |document: Document| CampaignSummary {
        theme: text(&document.content, "theme"),
        campaign_id: document.id,
        title: document.name,
    };
    Ok(ListCampaignsResponse { campaigns: all.into_iter().map(summary).collect() })
}

/// One campaign.
pub async fn get(service: &Characters, request: GetCampaignRequest) -> Result<CampaignResponse, Status> {
    let document = service.campaign(&request.campaign_id).await?;
    let members = service.members(&document.id).await?;
    Ok(campaign_answer(&document, String::new(), members))
}

/// Changes what goes on.
pub async fn update_state(
    service: &Characters,
    call: &Call,
    request: UpdateCampaignStateRequest,
) -> Result<CampaignResponse, Status> {
    let document = service.campaign(&request.campaign_id).await?;
    let members = service.members(&document.id).await?;
    let mut parts = serde_json::Map::new();
    parts.extend(request.current_situation.map(|text| ("current_situation".to_owned(), text.into())));
    parts.extend(request.location.map(|text| ("location".to_owned(), text.into())));
    if request.objectives.len() > MAX_MILESTONES {
        return Err(refuse(format!("a campaign has at most {MAX_MILESTONES} objectives")));
    }
    if !request.objectives.is_empty() {
        let objectives: Vec<Value> = request
            .objectives
            .iter()
            .map(|objective| {
                json!({"objective": objective.objective, "completed": objective.completed.unwrap_or_default(), "order": objective.order})
            })
            .collect();
        parts.insert("objectives".into(), objectives.into());
    }
    for (key, list) in
        [("active_complications", request.active_complications), ("completed_milestones", request.completed_milestones)]
    {
        if !list.is_empty() {
            parts.insert(key.into(), list.into());
        }
    }
    if parts.is_empty() {
        return Err(refuse(
            "give current_situation, location, objectives, active_complications or completed_milestones",
        ));
    }
    let change = |document: &mut Document| {
        for (key, value) in &parts {
            document.content[key] = value.clone();
        }
        let changed: Vec<&str> = parts.keys().map(String::as_str).collect();
        Ok(format!("{}: {} changed", document.name, changed.join(", ")))
    };
    service
        .change_document(call, document, change, |document, message| {
            campaign_answer(document, message, members.clone())
        })
        .await
}

/// Notes a milestone.
pub async fn add_milestone(
    service: &Characters,
    call: &Call,
    request: AddCampaignMilestoneRequest,
) -> Result<CampaignResponse, Status> {
    entries::check_text("milestone", &request.milestone)?;
    let document = service.campaign(&request.campaign_id).await?;
    let members = service.members(&document.id).await?;
    let change = |document: &mut Document| {
        let mut milestones = texts(&document.content, "completed_milestones");
        if milestones.len() >= MAX_MILESTONES {
            return Err(refuse(format!("a campaign has at most {MAX_MILESTONES} milestones")));
        }
        milestones.push(request.milestone.clone());
        document.content["completed_milestones"] = milestones.into();
        Ok(format!("{}: milestone reached: {}", document.name, request.milestone))
    };
    service
        .change_document(call, document, change, |document, message| {
            campaign_answer(document, message, members.clone())
        })
        .await
}

/// Puts a character into a campaign.
pub async fn join(service: &Characters, call: &Call, request: JoinCampaignRequest) -> Result<CampaignResponse, Status> {
    let document = service.campaign(&request.campaign_id).await?;
    let members = service.members(&document.id).await?;
    service
        .edited(call, &request.character_name, |edit| {
            let name = edit.sheet.street_name.clone();
            if edit.sheet.campaign_id.as_ref() == Some(&document.id) {
                return Err(refuse(format!("{name} is in {} already", document.name)));
            }
            edit.sheet.campaign_id = Some(document.id.clone());
            let message = format!("{name} is in the campaign {}", document.name);
            edit.says(message.clone());
            let mut members = members.clone();
            members.push(name);
            Ok(campaign_answer(&document, message, members))
        })
        .await
}

/// Takes a character out of a campaign.
pub async fn leave(
    service: &Characters,
    call: &Call,
    request: LeaveCampaignRequest,
) -> Result<CampaignResponse, Status> {
    let document = service.campaign(&request.campaign_id).await?;
    let members = service.members(&document.id).await?;
    service
        .edited(call, &request.character_name, |edit| {
            let name = edit.sheet.street_name.clone();
            if edit.sheet.campaign_id.as_ref() != Some(&document.id) {
                return Err(refuse(format!("{name} is not in {}", document.name)));
            }
            edit.sheet.campaign_id = None;
            let message = format!("{name} leaves the campaign {}", document.name);
            edit.says(message.clone());
            let left = members.iter().filter(|member| **member != name).cloned().collect();
            Ok(campaign_answer(&document, message, left))
        })
        .await
}

/// All of an NPC.
fn npc(document: &Document) -> Value {
    let mut npc = document.content.clone();
    npc["npc_id"] = document.id.as_str().into();
    npc["name"] = document.name.as_str().into();
    npc["campaign_id"] = if document.scope.is_empty() { Value::Null } else { document.scope.as_str().into() };
    npc["first_encountered"] = clock::rfc3339(document.created_at).into();
    npc["last_mentioned"] = clock::rfc3339(document.updated_at).into();
    npc
}

fn npc_answer(document: &Document, message: String) -> NpcResponse {
    NpcResponse {
        npc_id: document.id.clone(),
        name: document.name.clone(),
        npc: Some(structs::from_json(npc(document))),
        message,
        revision: document.revision,
    }
}

async fn new_npc(
    service: &Characters,
    call: &Call,
    scope: String,
    name: String,
    content: Value,
) -> Result<NpcResponse, Status> {
    let there = service.store.documents(Kind::Npc, Some(&scope)).await?;
    entries::check_new("NPC", &name, "the campaign", there.iter().map(|npc| npc.name.as_str()))?;
    let document = Document::new(Kind::Npc, &scope, &name, content);
    let message = format!("{name} is registered");
    service.change_document(call, document, |_| Ok(message.clone()), npc_answer).await
}

/// Registers an NPC.
pub async fn register_npc(
    service: &Characters,
    call: &Call,
    request: RegisterNpcRequest,
) -> Result<NpcResponse, Status> {
    let RegisterNpcRequest { campaign_id, name, role, location, relevance, description, stats, notes, reason: _ } =
        request;
    let scope = service.campaign(&campaign_id).await?.id;
    let content = json!({
        "npc_type": null, "role": role, "location": location, "status": "active", "relevance": relevance,
        "description": description, "stats": entries::object(stats)?, "notes": notes,
    });
    new_npc(service, call, scope, name, content).await
}

/// Adds an NPC in short.
pub async fn add_npc(service: &Characters, call: &Call, request: AddCampaignNpcRequest) -> Result<NpcResponse, Status> {
    let AddCampaignNpcRequest { npc_name, npc_type, role, stats, notes, campaign_id, reason: _ } = request;
    let scope = service.scope(campaign_id.as_deref()).await?;
    let content = json!({
        "npc_type": npc_type, "role": role, "location": null, "status": "active", "relevance": "current",
        "description": null, "stats": entries::object(stats)?, "notes": notes,
    });
    new_npc(service, call, scope, npc_name, content).await
}

/// The NPC of a name, in one campaign or in any.
async fn find_npc(service: &Characters, name: &str, scope: Option<&str>) -> Result<Document, Status> {
    let mut named = service.store.documents_named(Kind::Npc, name).await?;
    named.retain(|npc| scope.is_none_or(|scope| npc.scope == scope));
    match named.len() {
        1 => Ok(named.remove(0)),
        0 => {
            let all = service.store.documents(Kind::Npc, scope).await?;
            let names: Vec<String> = all.into_iter().map(|npc| npc.name).collect();
            let shown = names::shown(name);
            let message = format!("there is no NPC '{shown}'{}", names::help(&shown, &names, "NPCs"));
            Err(status::error(ErrorCode::NotFound, message))
        }
        _ => Err(refuse(format!("several campaigns have an NPC named '{}': give campaign_id", names::shown(name)))),
    }
}

/// Changes an NPC; notes are appended.
pub async fn update_npc(service: &Characters, call: &Call, request: UpdateNpcRequest) -> Result<NpcResponse, Status> {
    let document = match service.store.document(Kind::Npc, &request.npc_id).await? {
        Some(document) => document,
        None => find_npc(service, &request.npc_id, None).await?,
    };
    let change = |document: &mut Document| {
        let mut changed = Vec::new();
        for (key, value) in
            [("status", &request.status), ("location", &request.location), ("relevance", &request.relevance)]
        {
            if let Some(value) = value {
                document.content[key] = value.as_str().into();
                changed.push(format!("{key} {value}"));
            }
        }
        if let Some(notes) = &request.notes {
            let mut all = text(&document.content, "notes");
            if !all.is_empty() {
                all.push('\n');
            }
            all.push_str(notes);
            if all.chars().count() > MAX_NOTES {
                return Err(refuse(format!("notes have at most {MAX_NOTES} characters in all")));
            }
            document.content["notes"] = all.into();
            changed.push("a note".to_owned());
        }
        if changed.is_empty() {
            return Err(refuse("give status, location, relevance or notes"));
        }
        Ok(format!("{}: {}", document.name, changed.join(", ")))
    };
    service.change_document(call, document, change, npc_answer).await
}

/// Changes an NPC part by part.
pub async fn update_named_npc(
    service: &Characters,
    call: &Call,
    request: UpdateCampaignNpcRequest,
) -> Result<NpcResponse, Status> {
    let scope = match &request.campaign_id {
        Some(campaign) => Some(service.campaign(campaign).await?.id),
        None => None,
    };
    let document = find_npc(service, &request.npc_name, scope.as_deref()).await?;
    let mut updates = entries::updates(request.updates, NPC_PARTS)?;
    for (key, value) in &mut updates {
        let meant = |words: &[&str]| {
            let given = value.as_str()?;
            words.iter().find(|word| names::is_same(word, given)).map(|word| Value::from(*word))
        };
        let word = match key.as_str() {
            "status" => meant(STATUSES),
            "relevance" => meant(RELEVANCES),
            _ => None,
        };
        if let Some(word) = word {
            *value = word;
        }
        let among = |words: &[&str]| value.as_str().is_some_and(|word| words.contains(&word));
        let (fits, allowed) = match key.as_str() {
            "name" => (value.as_str().is_some_and(|name| name.chars().count() <= names::MAX_NAME), "a name".to_owned()),
            "status" => (among(STATUSES), STATUSES.join(", ")),
            "relevance" => (among(RELEVANCES), RELEVANCES.join(", ")),
            "stats" => (value.is_object() || value.is_null(), "an object".to_owned()),
            _ => (value.is_string() || value.is_null(), "a text".to_owned()),
        };
        if !fits {
            return Err(refuse(format!("`{key}` of an NPC is {allowed}")));
        }
    }
    if let Some(name) = updates.get("name").and_then(Value::as_str) {
        entries::check_text("NPC", name)?;
    }
    let change = |document: &mut Document| {
        for (key, value) in &updates {
            if key == "name" {
                value.as_str().unwrap_or_default().clone_into(&mut document.name);
            } else {
                document.content[key] = value.clone();
            }
        }
        let changed: Vec<&str> = updates.keys().map(String::as_str).collect();
        Ok(format!("{}: {} changed", document.name, changed.join(", ")))
    };
    service.change_document(call, document, change, npc_answer).await
}

/// NPCs that fit.
pub async fn npcs(service: &Characters, request: GetCampaignNpcsRequest) -> Result<GetCampaignNpcsResponse, Status> {
    let scope = match &request.campaign_id {
        Some(campaign) => Some(service.campaign(campaign).await?.id),
        None => None,
    };
    let all = service.store.documents(Kind::Npc, scope.as_deref()).await?;
    let is_word = |npc: &Document, key: &str, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| npc.content[key] == *wanted)
    };
    let place = request.location.as_deref().map(names::folded);
    let fits = |npc: &Document| {
        is_word(npc, "relevance", &request.relevance)
            && is_word(npc, "status", &request.status)
            && place.as_ref().is_none_or(|place| names::folded(&text(&npc.content, "location")).contains(place))
    };
    Ok(GetCampaignNpcsResponse { npcs: entries::structs(all.iter().filter(|document| fits(document)).map(npc)) })
}

fn house_rule(document: &Document) -> HouseRule {
    HouseRule {
        rule_name: document.name.clone(),
        rule_type: text(&document.content, "rule_type"),
        description: text(&document.content, "description"),
        mechanical_effect: text(&document.content, "mechanical_effect"),
        is_active: document.content["is_active"] == true,
        applied: house_rules::HouseRule::parse(&document.name).is_ok(),
        campaign_id: document.scope.clone(),
    }
}

/// House rules, and the switches.
pub async fn house_rules(service: &Characters, request: GetHouseRulesRequest) -> Result<GetHouseRulesResponse, Status> {
    let scope = service.scope(request.campaign_id.as_deref()).await?;
    let mut documents = service.store.documents(Kind::HouseRule, Some("")).await?;
    if !scope.is_empty() {
        documents.extend(service.store.documents(Kind::HouseRule, Some(&scope)).await?);
    }
    let active = |rule: &house_rules::HouseRule| {
        let of_rule =
            documents.iter().rfind(|document| house_rules::HouseRule::parse(&document.name).as_ref() == Ok(rule));
        of_rule.is_some_and(|document| document.content["is_active"] == true)
    };
    let switches = HOUSE_RULES
        .iter()
        .map(|(rule, name, description, source)| HouseRuleSwitch {
            rule_name: (*name).to_owned(),
            description: (*description).to_owned(),
            source: (*source).to_owned(),
            is_active: active(rule),
        })
        .collect();
    Ok(GetHouseRulesResponse { house_rules: documents.iter().map(house_rule).collect(), switches })
}

fn house_rule_answer(document: &Document, message: String) -> HouseRuleResponse {
    HouseRuleResponse { house_rule: Some(house_rule(document)), message, revision: document.revision }
}

/// Adds a house rule.
pub async fn add_house_rule(
    service: &Characters,
    call: &Call,
    request: AddHouseRuleRequest,
) -> Result<HouseRuleResponse, Status> {
    let AddHouseRuleRequest { rule_name, rule_type, description, mechanical_effect, is_active, campaign_id, reason: _ } =
        request;
    let scope = service.scope(campaign_id.as_deref()).await?;
    let there = service.store.documents(Kind::HouseRule, Some(&scope)).await?;
    // A switch has one spelling, so that it cannot be there twice.
    let known = house_rules::HouseRule::parse(&rule_name).ok();
    let name = known.map_or(rule_name, |rule| rule.name().to_owned());
    entries::check_new("house rule", &name, "the campaign", there.iter().map(|rule| rule.name.as_str()))?;
    let is_active = is_active.unwrap_or(true);
    let content = json!({
        "rule_type": rule_type, "description": description, "mechanical_effect": mechanical_effect,
        "is_active": is_active,
    });
    let message = told(&name, is_active, known.is_some());
    let document = Document::new(Kind::HouseRule, &scope, &name, content);
    service.change_document(call, document, |_| Ok(message.clone()), house_rule_answer).await
}

fn told(name: &str, is_active: bool, is_applied: bool) -> String {
    let state = if is_active { "on" } else { "off" };
    let keeper = if is_applied { "" } else { "; it is no switch: keep it yourself" };
    format!("the house rule {name} is {state}{keeper}")
}

/// Switches a house rule.
pub async fn toggle_house_rule(
    service: &Characters,
    call: &Call,
    request: ToggleHouseRuleRequest,
) -> Result<HouseRuleResponse, Status> {
    let ToggleHouseRuleRequest { rule_name, is_active, campaign_id, reason: _ } = request;
    let scope = service.scope(campaign_id.as_deref()).await?;
    let known = HOUSE_RULES.iter().find(|(_, name, ..)| names::is_same(name, &rule_name));
    let wanted = known.map_or(rule_name.as_str(), |(_, name, ..)| name);
    let mut there = service.store.documents(Kind::HouseRule, Some(&scope)).await?;
    let own = there.iter().position(|document| names::folded(&document.name) == names::folded(wanted));
    let document = match (own, known) {
        (Some(index), _) => there.swap_remove(index),
        (None, Some((_, name, description, source))) => {
            let content = json!({"rule_type": source, "description": description, "mechanical_effect": null});
            Document::new(Kind::HouseRule, &scope, name, content)
        }
        (None, None) => {
            let own = there.iter().map(|document| document.name.clone());
            let all: Vec<String> = own.chain(HOUSE_RULES.iter().map(|(_, name, ..)| (*name).to_owned())).collect();
            return Err(unknown("house rule", &rule_name, &all, "there are"));
        }
    };
    let change = |document: &mut Document| {
        document.content["is_active"] = is_active.into();
        Ok(told(&document.name, is_active, known.is_some()))
    };
    service.change_document(call, document, change, house_rule_answer).await
}

impl Characters {
    /// A deleted character by his name.
    pub async fn deleted_named(&self, name: &str) -> Result<Option<crate::store::Record>, Status> {
        let key = names::folded(name);
        let deleted = self.store.deleted().await?;
        Ok(deleted.into_iter().find(|record| names::folded(&record.sheet.street_name) == key))
    }
}
