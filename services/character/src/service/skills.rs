//! Attributes and skills: read, added, and raised for Good Karma.

use proto::character::v1::{
    AddSkillRequest, AddSpecializationRequest, ChangeResponse, GetSkillsRequest, GetSkillsResponse,
    ImproveSkillRequest, RemoveSkillRequest, UpdateAttributeRequest,
};
use rules::shadowrun2::{creation, karma::Improvement};
use tonic::Status;

use super::{edit::Edit, entries, refuse, unknown};
use crate::{
    names, shapes,
    sheet::{Attribute, Sheet, Skill, SkillType},
    store::Record,
};

/// Every skill.
pub fn get(record: &Record, _request: GetSkillsRequest) -> Result<GetSkillsResponse, Status> {
    let sheet = &record.sheet;
    let skills = entries::structs(sheet.skills.iter().map(|skill| shapes::skill_json(sheet, skill)));
    Ok(GetSkillsResponse { character: sheet.street_name.clone(), skills })
}

/// Raises an attribute for Karma, or lowers it.
pub fn update_attribute(edit: &mut Edit, request: UpdateAttributeRequest) -> Result<ChangeResponse, Status> {
    let UpdateAttributeRequest { character_name: _, attribute_name, new_value, reason: _ } = request;
    let bought: Vec<String> = Attribute::BOUGHT.iter().map(|attribute| attribute.name().to_owned()).collect();
    let attribute = Attribute::parse(&attribute_name)
        .filter(|attribute| Attribute::BOUGHT.contains(attribute))
        .ok_or_else(|| unknown("attribute", &attribute_name, &bought, "those that can be changed"))?;
    let before = edit.sheet.base_attribute(attribute);
    let name = attribute.name();
    if new_value == before {
        return Err(refuse(format!("{name} is {before} already")));
    }
    let mut price = String::new();
    if new_value > before {
        let maximum = racial_maximum(&edit.sheet, attribute);
        let cost = (before + 1..=new_value)
            .map(|rating| match maximum {
                Some(maximum) if rating > maximum => Improvement::AttributeAboveMaximum.cost(rating),
                _ => Improvement::Attribute.cost(rating),
            })
            .sum();
        edit.pay_karma(cost, &format!("{name} {new_value}"))?;
        price = format!(" for {cost} Good Karma");
        if let Some(maximum) = maximum.filter(|maximum| *maximum < new_value) {
            edit.notes.push(format!("above the racial maximum of {maximum} each point costs twice the new rating"));
        }
    } else {
        edit.notes.push("a lower rating brings no Karma back".to_owned());
    }
    edit.sheet.base_attributes.set(attribute, new_value);
    let current = edit.sheet.attribute(attribute);
    let message =
        format!("{}: {name} {before} becomes {new_value}{price}; current rating {current}", edit.sheet.street_name);
    let entry = serde_json::json!({"attribute": attribute.key(), "base": new_value, "current": current});
    Ok(edit.done(message, Some(entry)))
}

/// The metatype's maximum; `None` for a metatype that the rule book does not have.
fn racial_maximum(sheet: &Sheet, attribute: Attribute) -> Option<u32> {
    let metatype = creation::find_metatype(&sheet.metatype).ok()?;
    let index = Attribute::BOUGHT.iter().position(|bought| *bought == attribute)?;
    metatype.maxima.get(index).copied()
}

/// Puts a skill on the sheet.
pub fn add(edit: &mut Edit, request: AddSkillRequest) -> Result<ChangeResponse, Status> {
    let AddSkillRequest { skill_name, base_rating, specialization, skill_type, pay_karma, .. } = request;
    let sheet = &edit.sheet;
    let skill_name = names::skill(&skill_name).map_or(skill_name, str::to_owned);
    let same_rule = |skill: &&Skill| names::skill(&skill.skill_name).is_some_and(|known| known == skill_name);
    let taken = sheet.skills.iter().filter(same_rule).map(|_| skill_name.as_str());
    entries::check_new("skill", &skill_name, &sheet.street_name, taken)?;
    let own = sheet.skills.iter().map(|skill| skill.skill_name.as_str());
    entries::check_new("skill", &skill_name, &sheet.street_name, own)?;
    let skill_type = match skill_type.as_deref() {
        Some("knowledge") => SkillType::Knowledge,
        Some("language") => SkillType::Language,
        _ => SkillType::Active,
    };
    let mut price = String::new();
    if pay_karma.unwrap_or_default() {
        let raised: u32 = (2..=base_rating).map(|rating| improvement(skill_type).cost(rating)).sum();
        let cost = Improvement::NewSkill.cost(1) + raised;
        edit.pay_karma(cost, &format!("{skill_name} {base_rating}"))?;
        price = format!(" for {cost} Good Karma");
    } else {
        edit.notes.push("no Karma was charged".to_owned());
    }
    let skill = Skill { skill_name, base_rating, skill_type, specialization, specialization_rating: None };
    let message = format!("{} has {} {base_rating}{price}", edit.sheet.street_name, skill.skill_name);
    let entry = shapes::skill_json(&edit.sheet, &skill);
    edit.sheet.skills.push(skill);
    Ok(edit.done(message, Some(entry)))
}

fn improvement(skill_type: SkillType) -> Improvement {
    match skill_type {
        SkillType::Language => Improvement::Language,
        SkillType::Active | SkillType::Knowledge => Improvement::GeneralSkill,
    }
}

fn find(sheet: &Sheet, name: &str) -> Result<usize, Status> {
    let known = names::skill(name);
    let by_rule = || {
        let is_meant = |skill: &Skill| known.is_some() && names::skill(&skill.skill_name) == known;
        sheet.skills.iter().position(is_meant)
    };
    match entries::find(&sheet.skills, "skill", name, &sheet.street_name, |skill| &skill.skill_name) {
        Ok(index) => Ok(index),
        Err(status) => by_rule().ok_or(status),
    }
}

/// Raises a skill for Karma.
pub fn improve(edit: &mut Edit, request: ImproveSkillRequest) -> Result<ChangeResponse, Status> {
    let ImproveSkillRequest { character_name: _, skill_name, new_rating, reason: _ } = request;
    if edit.sheet.skill(&skill_name).is_none_or(|skill| !names::is_same(&skill.skill_name, &skill_name))
        && edit.sheet.specialized(&skill_name).is_some()
    {
        return improve_specialization(edit, &skill_name, new_rating);
    }
    let index = find(&edit.sheet, &skill_name)?;
    let skill = edit.sheet.skills[index].clone();
    let before = skill.base_rating;
    if new_rating <= before {
        return Err(refuse(format!("{} is {before} already; give a higher rating", skill.skill_name)));
    }
    let cost = (before + 1..=new_rating).map(|rating| improvement(skill.skill_type).cost(rating)).sum();
    edit.pay_karma(cost, &format!("{} {new_rating}", skill.skill_name))?;
    edit.sheet.skills[index].base_rating = new_rating;
    let message =
        format!("{}: {} {before} becomes {new_rating} for {cost} Good Karma", edit.sheet.street_name, skill.skill_name);
    let entry = shapes::skill_json(&edit.sheet, &edit.sheet.skills[index]);
    Ok(edit.done(message, Some(entry)))
}

/// Raises a specialization for Karma.
fn improve_specialization(edit: &mut Edit, name: &str, new_rating: u32) -> Result<ChangeResponse, Status> {
    let (skill, before) =
        edit.sheet.specialized(name).ok_or_else(|| refuse(format!("there is no {}", names::shown(name))))?;
    let skill = skill.clone();
    let full = format!("{} ({})", skill.skill_name, skill.specialization.as_deref().unwrap_or_default());
    if new_rating <= before {
        return Err(refuse(format!("{full} is {before} already; give a higher rating")));
    }
    let cost = (before + 1..=new_rating).map(|rating| Improvement::Specialization.cost(rating)).sum();
    edit.pay_karma(cost, &format!("{full} {new_rating}"))?;
    let own = edit.sheet.skills.iter_mut().find(|own| own.skill_name == skill.skill_name);
    if let Some(own) = own {
        own.specialization_rating = Some(new_rating);
    }
    let message = format!("{}: {full} {before} becomes {new_rating} for {cost} Good Karma", edit.sheet.street_name);
    let entry = shapes::skill_json(&edit.sheet, &skill);
    Ok(edit.done(message, Some(entry)))
}

/// Learns a specialization for Karma.
pub fn specialize(edit: &mut Edit, request: AddSpecializationRequest) -> Result<ChangeResponse, Status> {
    let AddSpecializationRequest { character_name: _, skill_name, specialization, reason: _ } = request;
    let index = find(&edit.sheet, &skill_name)?;
    let skill = edit.sheet.skills[index].clone();
    if let Some(has) = &skill.specialization {
        return Err(refuse(format!("{} is specialised in {has} already", skill.skill_name)));
    }
    entries::check_text("specialization", &specialization)?;
    let rating = skill.base_rating + 1;
    let cost = Improvement::Specialization.cost(rating);
    edit.pay_karma(cost, &format!("{} ({specialization}) {rating}", skill.skill_name))?;
    let skill = &mut edit.sheet.skills[index];
    skill.specialization = Some(specialization.clone());
    skill.specialization_rating = Some(rating);
    let name = skill.skill_name.clone();
    let message = format!("{} has {name} ({specialization}) {rating} for {cost} Good Karma", edit.sheet.street_name);
    let entry = shapes::skill_json(&edit.sheet, &edit.sheet.skills[index]);
    Ok(edit.done(message, Some(entry)))
}

/// Takes a skill off the sheet.
pub fn remove(edit: &mut Edit, request: RemoveSkillRequest) -> Result<ChangeResponse, Status> {
    let index = find(&edit.sheet, &request.skill_name)?;
    let entry = shapes::skill_json(&edit.sheet, &edit.sheet.skills[index]);
    let skill = edit.sheet.skills.remove(index);
    let message = format!("{} has no {} any more", edit.sheet.street_name, skill.skill_name);
    Ok(edit.done(message, Some(entry)))
}
