//! Characters made, deleted, restored, exported and imported.

use proto::{
    character::v1::{
        ChangeResponse, CreateCharacterRequest, DeleteCharacterRequest, ExportCharacterRequest,
        ExportCharacterResponse, ImportCharacterRequest, Priorities, RestoreCharacterRequest,
    },
    structs,
};
use rules::shadowrun2::{
    creation::{self, METATYPES, Metatype, PRIORITIES, Priority},
    skills,
};
use serde_json::{Map, Value, json};
use service_kit::status::{self, ErrorCode};
use tonic::Status;

use super::{
    Characters, check_name,
    edit::{self, Edit},
    entries, refuse, sustaining, unknown,
};
use crate::{
    names,
    sheet::{Attribute, FULL_ESSENCE, ModifierType, Sheet, SheetModifier, Skill, new_id},
    store::{self, Call, Change, Difference, Record, Subject},
};

/// Attributes where nothing is said. Ours: those of an average person.
const AVERAGE: u32 = 3;
/// Highest attribute without priorities. Ours.
const HIGHEST: u32 = 50;
/// Magic of a beginning magician: Essence, rounded down.
const STARTING_MAGIC: u32 = 6;

/// Makes a character.
pub async fn create(
    service: &Characters,
    call: &Call,
    request: CreateCharacterRequest,
) -> Result<ChangeResponse, Status> {
    let CreateCharacterRequest {
        street_name,
        archetype,
        given_name,
        metatype,
        attributes,
        priorities,
        skills,
        tradition,
        totem,
        reason: _,
    } = request;
    check_name(&street_name)?;
    entries::check_text("archetype", &archetype)?;
    let metatype = creation::find_metatype(metatype.as_deref().unwrap_or("human")).map_err(|_| {
        let all: Vec<String> = METATYPES.iter().map(|metatype| metatype.name.to_owned()).collect();
        unknown("metatype", metatype.as_deref().unwrap_or_default(), &all, "allowed are")
    })?;
    let mut sheet = Sheet {
        id: new_id(),
        name: given_name.unwrap_or_default(),
        street_name,
        character_type: "Player Character".to_owned(),
        archetype,
        metatype: metatype.name.to_owned(),
        tradition,
        totem,
        karma_pool: metatype.starting_karma_pool,
        ..Sheet::default()
    };
    let mut notes = Vec::new();
    let bought = ratings(entries::object(attributes)?)?;
    let priorities = priorities.map(|letters| Chosen::of(&letters, metatype)).transpose()?;
    set_attributes(&mut sheet, metatype, bought, priorities.as_ref())?;
    let chosen_skills = self::skills(entries::object(skills)?)?;
    if let Some(chosen) = &priorities {
        let spent: u32 = chosen_skills.iter().map(|skill| skill.base_rating).sum();
        let points = chosen.skills.skill_points;
        if spent > points {
            return Err(refuse(format!("skills take {spent} points; priority {} has {points}", chosen.skills.letter)));
        }
        sheet.nuyen = i64::from(chosen.resources.nuyen);
        if chosen.is_magical {
            sheet.base_magic = STARTING_MAGIC;
        }
        if chosen.is_magical && names::is_part("physical adept", &sheet.archetype) {
            // All his Magic feeds powers.
            sheet.adept_magic = STARTING_MAGIC;
            sheet.power_points_total = f64::from(STARTING_MAGIC);
            notes.push(format!("{STARTING_MAGIC} power points for adept powers; none of the Magic casts spells"));
        }
        notes.push(format!("{} skill points left", points - spent));
        notes.push(format!("{} Force points for spells and foci", chosen.resources.force_points));
    }
    sheet.skills = chosen_skills;
    natural_gifts(&mut sheet, metatype);
    let message = format!("{}, {} {}, is there", sheet.street_name, sheet.metatype, sheet.archetype);
    keep_new(service, call, sheet, message, notes).await
}

/// Priorities that have been checked.
struct Chosen {
    attributes: &'static Priority,
    skills: &'static Priority,
    resources: &'static Priority,
    is_magical: bool,
}

impl Chosen {
    fn of(letters: &Priorities, metatype: &Metatype) -> Result<Chosen, Status> {
        let Priorities { race, magic, attributes, skills, resources } = letters;
        let all = [race, magic, attributes, skills, resources];
        for letter in ["A", "B", "C", "D", "E"] {
            if !all.iter().any(|chosen| *chosen == letter) {
                return Err(refuse(format!("each of A to E is used once; {letter} is not")));
            }
        }
        let is_human = metatype.name == "human";
        if !is_human && race != "A" {
            return Err(refuse(format!("the metatype {} takes race as priority A", metatype.name)));
        }
        let find = |letter: &str| {
            let row = PRIORITIES.iter().find(|priority| letter.starts_with(priority.letter));
            row.ok_or_else(|| refuse("a priority is a letter from A to E"))
        };
        Ok(Chosen {
            attributes: find(attributes)?,
            skills: find(skills)?,
            resources: find(resources)?,
            // A human magician or adept: A or B; a metahuman, whose A is his race: B or C.
            is_magical: matches!((is_human, magic.as_str()), (true, "A" | "B") | (false, "B" | "C")),
        })
    }
}

/// Ratings by attribute; average ones where nothing is said.
fn ratings(given: Map<String, Value>) -> Result<[u32; 6], Status> {
    let mut ratings = [AVERAGE; 6];
    for (name, value) in given {
        let index = Attribute::BOUGHT.iter().position(|attribute| attribute.key() == name.to_lowercase());
        let index = index.ok_or_else(|| {
            let all: Vec<String> = Attribute::BOUGHT.iter().map(|attribute| attribute.key()).collect();
            unknown("attribute", &name, &all, "those that are bought")
        })?;
        let rating = entries::whole(&value).and_then(|rating| u32::try_from(rating).ok());
        ratings[index] = rating
            .filter(|rating| (1..=HIGHEST).contains(rating))
            .ok_or_else(|| refuse(format!("{name} is a whole number of 1 to {HIGHEST}, not {value}")))?;
    }
    Ok(ratings)
}

fn set_attributes(
    sheet: &mut Sheet,
    metatype: &Metatype,
    bought: [u32; 6],
    priorities: Option<&Chosen>,
) -> Result<(), Status> {
    if let Some(chosen) = priorities {
        let spent: u32 = bought.iter().sum();
        let points = chosen.attributes.attribute_points;
        if spent > points {
            let letter = chosen.attributes.letter;
            return Err(refuse(format!("attributes take {spent} points; priority {letter} has {points}")));
        }
    }
    for (index, attribute) in Attribute::BOUGHT.into_iter().enumerate() {
        let mut rating = bought[index];
        if priorities.is_some() {
            let most = metatype.maxima[index];
            rating = rating.checked_add_signed(metatype.changes[index]).unwrap_or_default();
            if !(1..=most).contains(&rating) {
                return Err(refuse(format!(
                    "{} would be {rating} with the changes of the metatype {}; it is 1 to {most}",
                    attribute.name(),
                    metatype.name
                )));
            }
        }
        sheet.base_attributes.set(attribute, rating);
    }
    Ok(())
}

/// Active skills of a new character.
fn skills(given: Map<String, Value>) -> Result<Vec<Skill>, Status> {
    let mut skills: Vec<Skill> = Vec::new();
    for (name, value) in given {
        let name = names::skill(&name).map_or(name, str::to_owned);
        entries::check_new("skill", &name, "the character", skills.iter().map(|skill| skill.skill_name.as_str()))?;
        let most = skills::MAX_STARTING_RATING;
        let rating = entries::whole(&value).and_then(|rating| u32::try_from(rating).ok());
        let base_rating = rating
            .filter(|rating| (1..=most).contains(rating))
            .ok_or_else(|| refuse(format!("{name} starts at 1 to {most}, not {value}")))?;
        skills.push(Skill {
            skill_name: name,
            base_rating,
            skill_type: Default::default(),
            specialization: None,
            specialization_rating: None,
        });
    }
    Ok(skills)
}

/// The eyes of the metatype.
fn natural_gifts(sheet: &mut Sheet, metatype: &Metatype) {
    let target = match metatype.vision {
        "low-light" => "low_light",
        "thermographic" => "thermographic",
        _ => return,
    };
    sheet.modifiers.push(SheetModifier {
        id: new_id(),
        modifier_type: ModifierType::Vision,
        target_name: target.to_owned(),
        modifier_value: 1,
        source: format!("{} eyes", metatype.name),
        source_type: "natural".to_owned(),
        notes: None,
        spell: None,
    });
}

async fn keep_new(
    service: &Characters,
    call: &Call,
    mut sheet: Sheet,
    message: String,
    notes: Vec<String>,
) -> Result<ChangeResponse, Status> {
    sheet.complete();
    let text = store::text(&sheet);
    let difference = Difference::of("{}", &text);
    edit::check(&sheet, text.len(), &difference)?;
    if service.store.is_taken(&sheet.street_name).await? {
        let name = names::shown(&sheet.street_name);
        let message = format!("the street name '{name}' is taken; a deleted character keeps his: restore_character");
        return Err(status::error(ErrorCode::Conflict, message));
    }
    let mut effects = vec![store::create(&sheet, text)];
    effects.extend(Change::statements(call, Subject::character(&sheet), &difference, 1, &message));
    let answer = ChangeResponse {
        success: true,
        character: sheet.street_name.clone(),
        message,
        revision: 1,
        entry: Some(structs::from_json(json!({"id": sheet.id, "street_name": sheet.street_name}))),
        karma_available: sheet.karma_available,
        notes,
        ..ChangeResponse::default()
    };
    Ok(service.store.keep(call, answer, effects).await?)
}

/// Deletes a character; he can be restored.
pub fn delete(edit: &mut Edit, _request: DeleteCharacterRequest) -> Result<ChangeResponse, Status> {
    sustaining::part(edit);
    edit.deletes();
    let message = format!("{} is deleted; restore_character brings him back", edit.sheet.street_name);
    Ok(edit.done(message, None))
}

/// Brings a deleted character back.
pub async fn restore(
    service: &Characters,
    call: &Call,
    request: RestoreCharacterRequest,
) -> Result<ChangeResponse, Status> {
    let name = &request.character_name;
    check_name(name)?;
    let deleted = service.store.deleted().await?;
    let index = entries::find(&deleted, "deleted character", name, "the list", |record| &record.sheet.street_name)?;
    let record = deleted.into_iter().nth(index).ok_or_else(|| refuse("there is no such character"))?;
    let mut edit = Characters::begin_beside(record);
    let message = format!("{} is back", edit.sheet.street_name);
    let answer = edit.done(message, None);
    Ok(service.commit(call, edit, answer).await?)
}

/// The sheet as it is kept.
pub fn export(record: &Record, _request: ExportCharacterRequest) -> Result<ExportCharacterResponse, Status> {
    Ok(ExportCharacterResponse {
        character: record.sheet.street_name.clone(),
        sheet: Some(structs::from_json(store::json(&record.sheet))),
        revision: record.revision,
    })
}

/// Makes a character from an exported sheet.
pub async fn import(
    service: &Characters,
    call: &Call,
    request: ImportCharacterRequest,
) -> Result<ChangeResponse, Status> {
    let sent = structs::to_json(request.sheet.unwrap_or_default());
    let mut sheet: Sheet =
        serde_json::from_value(sent).map_err(|error| refuse(format!("this is no exported sheet: {error}")))?;
    if let Some(street_name) = request.street_name {
        sheet.street_name = street_name;
    }
    check_name(&sheet.street_name)?;
    if !sheet.name.is_empty() {
        check_name(&sheet.name)?;
    }
    if sheet.essence() > FULL_ESSENCE {
        return Err(refuse(format!("Essence is {}; at most {FULL_ESSENCE}", sheet.essence())));
    }
    // A fight is not carried over; an id is kept where it is free.
    sheet.combat_id = None;
    if sheet.id.is_empty() || sheet.id.len() > names::MAX_NAME || service.store.has_id(&sheet.id).await? {
        sheet.id = new_id();
    }
    let message = format!("{} is imported", sheet.street_name);
    keep_new(service, call, sheet, message, Vec::new()).await
}
