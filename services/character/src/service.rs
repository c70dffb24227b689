//! gRPC on the outside: each method finds the character, asks the rules, rolls through the dice service, and answers.

mod attack;
mod convert;
mod roll;
mod skill;
mod spell;

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
use rules::shadowrun2::{self, difficulty, magic};
use serde_json::{Map, json};
use service_kit::{
    Peers,
    status::{self, ErrorCode},
};
use tonic::{Request, Response, Status};

use crate::{
    names, shapes,
    sheet::Sheet,
    store::{self, Call, Store, Sustained},
};

/// What every result says of the rules it follows.
const RULES: &str = "SR2";

/// The service.
pub struct Characters {
    store: Store,
    peers: Peers,
}

/// A character with what he sustains.
struct Character {
    sheet: Sheet,
    sustained: Vec<Sustained>,
}

impl Character {
    /// Spells sustained, which make other tests harder.
    fn sustained_count(&self) -> u32 {
        u32::try_from(self.sustained.len()).unwrap_or(u32::MAX)
    }
}

impl Characters {
    pub fn new(store: Store, peers: Peers) -> Characters {
        Characters { store, peers }
    }

    /// The sheet of a name.
    ///
    /// # Errors
    ///
    /// `INVALID_CHARACTER_NAME`; `CHARACTER_NOT_FOUND` with the names that exist, or with those that fit if there are
    /// several.
    async fn find(&self, name: &str) -> Result<Sheet, Status> {
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
                let fitting: Vec<String> = found.into_iter().map(|sheet| sheet.street_name).collect();
                let list = fitting.join(", ");
                let message =
                    format!("'{}' is the name of several characters: {list}; use a street name", names::shown(name));
                Err(not_found(message, fitting))
            }
        }
    }

    async fn find_with_spells(&self, name: &str) -> Result<Character, Status> {
        let sheet = self.find(name).await?;
        let sustained = self.store.sustained(&sheet.id).await?;
        Ok(Character { sheet, sustained })
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
    let nearest = rules::nearest(&name, all.iter().map(String::as_str));
    let mut details = Map::new();
    details.insert("nearest".into(), json!(nearest));
    details.insert("available".into(), json!(all));
    let message = format!("unknown {kind} '{name}'{}", names::help(&name, all, what));
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
        let sheet = self.find(&character_name).await?;
        Ok(Response::new(structs::from_json(shapes::of(&sheet).into())))
    }

    async fn get_character_skill(
        &self,
        request: Request<GetCharacterSkillRequest>,
    ) -> Result<Response<GetCharacterSkillResponse>, Status> {
        let GetCharacterSkillRequest { character_name, skill_name } = request.into_inner();
        let sheet = self.find(&character_name).await?;
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
        let call = Call::of("TestSkill", &request)?;
        if let Some(answer) = self.store.answered(&call).await? {
            return Ok(Response::new(answer));
        }
        let request = request.into_inner();
        let character = self.find_with_spells(&request.character_name).await?;
        let answer = skill::test(&character, request, &mut roll::Dice::new(&self.peers, &call)).await?;
        self.store.keep(&call, answer, Vec::new()).await.map(Response::new)
    }

    async fn calculate_ranged_attack(
        &self,
        request: Request<CalculateRangedAttackRequest>,
    ) -> Result<Response<CalculateRangedAttackResponse>, Status> {
        let call = Call::of("CalculateRangedAttack", &request)?;
        if let Some(answer) = self.store.answered(&call).await? {
            return Ok(Response::new(answer));
        }
        let request = request.into_inner();
        let character = self.find_with_spells(&request.character_name).await?;
        let answer = attack::shoot(&character, request, &mut roll::Dice::new(&self.peers, &call)).await?;
        self.store.keep(&call, answer, Vec::new()).await.map(Response::new)
    }

    async fn cast_spell(&self, request: Request<CastSpellRequest>) -> Result<Response<CastSpellResponse>, Status> {
        let call = Call::of("CastSpell", &request)?;
        if let Some(answer) = self.store.answered(&call).await? {
            return Ok(Response::new(answer));
        }
        let request = request.into_inner();
        let caster = self.find_with_spells(&request.caster_name).await?;
        let target = self.target(&caster, request.target_name.as_deref()).await?;
        let mut dice = roll::Dice::new(&self.peers, &call);
        let (answer, effects) = spell::cast(&caster, &target, request, &mut dice).await?;
        self.store.keep(&call, answer, effects).await.map(Response::new)
    }

    async fn get_sustained_spells(
        &self,
        request: Request<GetSustainedSpellsRequest>,
    ) -> Result<Response<GetSustainedSpellsResponse>, Status> {
        let GetSustainedSpellsRequest { character_name } = request.into_inner();
        let character = self.find_with_spells(&character_name).await?;
        Ok(Response::new(GetSustainedSpellsResponse {
            sustained_spells: character.sustained.iter().map(convert::sustained).collect(),
            sustaining_penalty: magic::sustaining_penalty(character.sustained_count()),
            character: character.sheet.street_name,
        }))
    }

    async fn drop_spell(&self, request: Request<DropSpellRequest>) -> Result<Response<DropSpellResponse>, Status> {
        let call = Call::of("DropSpell", &request)?;
        if let Some(answer) = self.store.answered(&call).await? {
            return Ok(Response::new(answer));
        }
        let DropSpellRequest { character_name, spell_name, target_name, reason: _ } = request.into_inner();
        let Character { sheet, sustained } = self.find_with_spells(&character_name).await?;
        let is_meant = |spell: &Sustained| {
            names::is_same(&spell.spell_name, &spell_name)
                && target_name.as_ref().is_none_or(|target| names::is_same(&spell.target_name, target))
        };
        let (dropped, left): (Vec<_>, Vec<_>) = sustained.into_iter().partition(is_meant);
        let message = match dropped.as_slice() {
            [] if left.is_empty() => format!("{} sustains no spell", sheet.street_name),
            [] => {
                let held: Vec<&str> = left.iter().map(|spell| spell.spell_name.as_str()).collect();
                let asked = names::shown(&spell_name);
                format!("{} does not sustain '{asked}' but {}", sheet.street_name, held.join(", "))
            }
            [spell] => format!("{} drops {}", sheet.street_name, spell.spell_name),
            [spell, ..] => format!("{} drops {} on {} targets", sheet.street_name, spell.spell_name, dropped.len()),
        };
        let answer = DropSpellResponse {
            success: !dropped.is_empty(),
            message,
            sustaining_penalty: magic::sustaining_penalty(u32::try_from(left.len()).unwrap_or(u32::MAX)),
            sustained_spells: left.iter().map(convert::sustained).collect(),
        };
        self.store.keep(&call, answer, dropped.iter().map(store::drop_spell).collect()).await.map(Response::new)
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
    async fn target(&self, caster: &Character, name: Option<&str>) -> Result<spell::Target, Status> {
        let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(spell::Target::None) };
        if ["self", "me", "myself", "himself", "herself"].contains(&name.to_lowercase().as_str()) {
            return Ok(spell::Target::Character(Box::new(caster.sheet.clone())));
        }
        check_name(name)?;
        let mut found = self.store.named(name).await?;
        match found.len() {
            1 => Ok(spell::Target::Character(Box::new(found.remove(0)))),
            _ => Ok(spell::Target::Stranger(name.to_owned())),
        }
    }
}
