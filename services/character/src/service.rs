//! gRPC on the outside: each method finds the character, asks the rules, rolls through the dice service, and answers.

mod accessories;
mod aim;
mod ammunition;
mod attack;
mod audit;
mod campaign;
mod combat;
mod conjuring;
mod convert;
mod creation;
mod damage;
mod drain;
mod edit;
mod entries;
mod gear;
mod grenade;
mod healing;
mod info;
mod karma;
mod lookup;
mod machines;
mod magic;
mod melee;
mod modifiers;
mod people;
mod pools;
mod read;
mod roll;
mod routes;
mod skill;
mod skills;
mod spell;
mod surprise;
mod sustaining;
mod vehicle_damage;
mod vehicles;
mod ware;

use std::{collections::HashSet, sync::Arc};

use proto::{
    character::v1::{
        ApplyRuleRequest, ApplyRuleResponse, CalculateDicePoolRequest, CalculateDicePoolResponse,
        CalculateRangedAttackRequest, CalculateRangedAttackResponse, CalculateTargetNumberRequest,
        CalculateTargetNumberResponse, CastSpellRequest, CastSpellResponse, DropSpellRequest, DropSpellResponse,
        GetCharacterRequest, GetCharacterSkillRequest, GetCharacterSkillResponse, GetSustainedSpellsRequest,
        GetSustainedSpellsResponse, ListCharactersRequest, ListCharactersResponse, TestSkillRequest, TestSkillResponse,
        character_service_server::CharacterService,
    },
    structs,
};
use rules::shadowrun2::{self, difficulty};
use serde_json::{Map, json};
use service_kit::{
    Peers, Wakes,
    status::{self, ErrorCode},
    wake::Word,
};
use tokio::sync::broadcast;
use tonic::{Request, Response, Status};

use crate::{
    names, shapes,
    sheet::Sheet,
    store::{Call, Record, Store},
};

/// What every result says of the rules it follows.
const RULES: &str = "SR2";
/// Changes that may wait for a slow watcher; one that misses some reads them from the audit log.
const CHANGES_WAITING: usize = 256;

/// What wakes are about that tell the id of a changed sheet to other replicas.
const CHANGED: &str = "character.changed";

/// The service.
#[derive(Clone)]
pub struct Characters {
    store: Arc<Store>,
    peers: Peers,
    turns: edit::Turns,
    /// Ids of what has just changed, for whoever watches.
    changed: broadcast::Sender<String>,
    written: Arc<read::Written>,
}

impl Characters {
    pub fn new(store: Store, peers: Peers) -> Characters {
        let (changed, _) = broadcast::channel(CHANGES_WAITING);
        tokio::spawn(hear(peers.wakes().clone(), changed.downgrade()));
        Characters { store: Arc::new(store), peers, turns: edit::Turns::default(), changed, written: Arc::default() }
    }

    /// The sheet of a name.
    ///
    /// # Errors
    ///
    /// `INVALID_CHARACTER_NAME`; `CHARACTER_NOT_FOUND` with the names that exist, or with those that fit if there are
    /// several.
    async fn find(&self, name: &str) -> Result<Record, Status> {
        check_name(name)?;
        let mut found = self.store.named(name).await?;
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => {
                let all = self.store.all().await?;
                let available = all.into_iter().map(|sheet| sheet.street_name).collect();
                Err(not_found(format!("Character '{}' not found", names::shown(name)), available))
            }
            _ => {
                let fitting: Vec<String> = found.into_iter().map(|record| record.sheet.street_name.clone()).collect();
                let list = fitting.join(", ");
                let message =
                    format!("'{}' is the name of several characters: {list}; use a street name", names::shown(name));
                Err(not_found(message, fitting))
            }
        }
    }
}

/// Tells those who watch here of what other replicas change, for as long as anybody can watch.
async fn hear(wakes: Wakes, changed: broadcast::WeakSender<String>) {
    if wakes.is_connected().is_none() {
        return;
    }
    let mut words = wakes.listen(CHANGED).await;
    loop {
        let word = words.next().await;
        let Some(changed) = changed.upgrade() else { return };
        let id = match word {
            Word::Said(id) => String::from_utf8_lossy(&id).into_owned(),
            // Any may have changed.
            Word::Look => String::new(),
        };
        // Nobody need be watching.
        let _ = changed.send(id);
    }
}

impl Characters {
    /// The sheet of a name, if exactly one has it.
    async fn sheet_named(&self, name: &str) -> Result<Option<Arc<Sheet>>, Status> {
        let mut found = self.store.named(name).await?;
        Ok(if found.len() == 1 { Some(found.remove(0).sheet) } else { None })
    }
}

/// Refuses what cannot be anybody's name.
fn check_name(name: &str) -> Result<(), Status> {
    let length = name.chars().count();
    let wrong = if name.trim().is_empty() {
        "must not be empty".to_owned()
    } else if length > names::MAX_NAME {
        format!("must have 1 to {} characters, not {length}", names::MAX_NAME)
    } else if name.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(status::error(ErrorCode::InvalidCharacterName, format!("a character's name {wrong}")))
}

fn not_found(message: String, available: Vec<String>) -> Status {
    let mut details = Map::new();
    details.insert("available_characters".into(), json!(available));
    status::error_with(ErrorCode::CharacterNotFound, message, details)
}

/// The caller's mistake, told to him.
fn refuse(message: impl Into<String>) -> Status {
    status::error(ErrorCode::InvalidInput, message)
}

/// A name that is not among `all`; `what` says what `all` is.
fn unknown(kind: &str, name: &str, all: &[String], what: &str) -> Status {
    let name = names::shown(name);
    // What is on the sheet may stand in the catalogue, too.
    let mut seen = HashSet::new();
    let all: Vec<String> = all.iter().filter(|name| seen.insert(names::folded(name))).cloned().collect();
    let nearest = rules::nearest(&name, all.iter().map(String::as_str));
    let mut details = Map::new();
    details.insert("nearest".into(), json!(nearest));
    details.insert("available".into(), json!(all));
    let message = format!("unknown {kind} '{name}'{}", names::help(&name, &all, what));
    status::error_with(ErrorCode::InvalidInput, message, details)
}

#[tonic::async_trait]
impl CharacterService for Characters {
    async fn list_characters(
        &self,
        _request: Request<ListCharactersRequest>,
    ) -> Result<Response<ListCharactersResponse>, Status> {
        let mut characters: Vec<_> = self.store.all().await?.iter().map(convert::listed).collect();
        characters.sort_by_key(|character| names::folded(&character.name));
        Ok(Response::new(ListCharactersResponse { characters }))
    }

    async fn get_character(
        &self,
        request: Request<GetCharacterRequest>,
    ) -> Result<Response<prost_types::Struct>, Status> {
        let GetCharacterRequest { character_name } = request.into_inner();
        let Record { sheet, revision } = self.find(&character_name).await?;
        Ok(Response::new(structs::from_json(shapes::of(&sheet, revision).into())))
    }

    async fn get_character_skill(
        &self,
        request: Request<GetCharacterSkillRequest>,
    ) -> Result<Response<GetCharacterSkillResponse>, Status> {
        let GetCharacterSkillRequest { character_name, skill_name } = request.into_inner();
        let Record { sheet, .. } = self.find(&character_name).await?;
        skill::get(&sheet, &skill_name).map(Response::new)
    }

    async fn calculate_dice_pool(
        &self,
        request: Request<CalculateDicePoolRequest>,
    ) -> Result<Response<CalculateDicePoolResponse>, Status> {
        let CalculateDicePoolRequest { skill_rating, attribute_rating, modifiers } = request.into_inner();
        let sum = difficulty::dice_pool(skill_rating, attribute_rating, &modifiers);
        Ok(Response::new(convert::dice_pool(sum)))
    }

    async fn calculate_target_number(
        &self,
        request: Request<CalculateTargetNumberRequest>,
    ) -> Result<Response<CalculateTargetNumberResponse>, Status> {
        let CalculateTargetNumberRequest { situation, difficulty } = request.into_inner();
        let name = difficulty.unwrap_or_else(|| difficulty::DEFAULT_DIFFICULTY.to_owned());
        let difficulty = difficulty::find_difficulty(&name).map_err(|error| refuse(error.to_string()))?;
        let target = difficulty::target_number(difficulty, Vec::new());
        Ok(Response::new(CalculateTargetNumberResponse {
            target_number: target.target_number,
            situation,
            difficulty: difficulty.name.to_owned(),
            breakdown: target.breakdown(),
            book_word: difficulty::book_word(target.target_number).to_owned(),
            rules: RULES.to_owned(),
            notes: vec![format!("the scale is the web contract's; the book's own has: {}", difficulty.book)],
        }))
    }

    async fn test_skill(&self, request: Request<TestSkillRequest>) -> Result<Response<TestSkillResponse>, Status> {
        let call = Call::of("TestSkillRequest", "TestSkillResponse", &request)?;
        if let Some(answer) = self.store.answered(&call).await? {
            return Ok(Response::new(answer));
        }
        let request = request.into_inner();
        let Record { sheet, .. } = self.find(&request.character_name).await?;
        let answer = skill::test(&sheet, request, &mut roll::Dice::new(&self.peers, &call)).await?;
        Ok(Response::new(self.store.keep(&call, answer, Vec::new()).await?))
    }

    async fn calculate_ranged_attack(
        &self,
        request: Request<CalculateRangedAttackRequest>,
    ) -> Result<Response<CalculateRangedAttackResponse>, Status> {
        let call = Call::of("CalculateRangedAttackRequest", "CalculateRangedAttackResponse", &request)?;
        let request = request.into_inner();
        let call = call.because(request.reason.as_deref());
        if let Some(answer) = self.store.answered(&call).await? {
            return Ok(Response::new(answer));
        }
        let mut edit = self.begin_with_rules(&request.character_name).await?;
        let answer = attack::shoot(&mut edit, request, &mut roll::Dice::new(&self.peers, &call)).await?;
        Ok(Response::new(self.commit(&call, edit, answer).await?))
    }

    async fn cast_spell(&self, request: Request<CastSpellRequest>) -> Result<Response<CastSpellResponse>, Status> {
        let call = Call::of("CastSpellRequest", "CastSpellResponse", &request)?;
        let request = request.into_inner();
        let call = call.because(request.reason.as_deref());
        if let Some(answer) = self.store.answered(&call).await? {
            return Ok(Response::new(answer));
        }
        let mut edit = self.begin_with_rules(&request.caster_name).await?;
        let target = self.target(&edit.sheet, request.target_name.as_deref()).await?;
        let mut dice = roll::Dice::new(&self.peers, &call);
        let answer = spell::cast(&mut edit, &target, request, &mut dice).await?;
        Ok(Response::new(self.commit(&call, edit, answer).await?))
    }

    async fn get_sustained_spells(
        &self,
        request: Request<GetSustainedSpellsRequest>,
    ) -> Result<Response<GetSustainedSpellsResponse>, Status> {
        let request = request.into_inner();
        let record = self.find(&request.character_name).await?;
        sustaining::get(&record, request).map(Response::new)
    }

    async fn drop_spell(&self, request: Request<DropSpellRequest>) -> Result<Response<DropSpellResponse>, Status> {
        let call = Call::of("DropSpellRequest", "DropSpellResponse", &request)?;
        let request = request.into_inner();
        let call = call.because(request.reason.as_deref());
        if let Some(answer) = self.store.answered(&call).await? {
            return Ok(Response::new(answer));
        }
        self.edited(&call, &request.character_name, |edit| sustaining::drop_spell(edit, request.clone()))
            .await
            .map(Response::new)
    }

    async fn apply_rule(&self, request: Request<ApplyRuleRequest>) -> Result<Response<ApplyRuleResponse>, Status> {
        let ApplyRuleRequest { area, input } = request.into_inner();
        let input = structs::to_json(input.unwrap_or_default());
        let result = shadowrun2::apply_rule(&area, &input).map_err(|error| refuse(error.to_string()))?;
        Ok(Response::new(ApplyRuleResponse { result: Some(structs::value_from_json(result)) }))
    }
}

impl Characters {
    /// Whom a spell is cast at: a character by name, somebody without a sheet, or nobody in particular.
    async fn target(&self, caster: &Sheet, name: Option<&str>) -> Result<aim::Target, Status> {
        let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(aim::Target::None) };
        if ["self", "me", "myself", "himself", "herself"].contains(&name.to_lowercase().as_str()) {
            return Ok(aim::Target::Character(Arc::new(caster.clone())));
        }
        check_name(name)?;
        let mut found = self.store.named(name).await?;
        match found.len() {
            1 => Ok(aim::Target::Character(found.remove(0).sheet)),
            _ => Ok(aim::Target::Stranger(name.to_owned())),
        }
    }
}
