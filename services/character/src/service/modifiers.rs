//! Modifiers that no ware brings, and effects that act for a time.

use proto::character::v1::{
    AddActiveEffectRequest, AddModifierRequest, ChangeResponse, GetActiveEffectsRequest, GetActiveEffectsResponse,
    GetModifiersRequest, GetModifiersResponse, RemoveActiveEffectRequest, RemoveModifierRequest,
    UpdateEffectDurationRequest, UpdateModifierRequest,
};
use serde_json::{Value, json};
use tonic::Status;

use super::{edit::Edit, entries, refuse, unknown};
use crate::{
    names, shapes,
    sheet::{Attribute, HeldSpell, ModifierType, Sheet, SheetModifier, new_id},
    store::Record,
};

/// Targets beside attributes and skills.
const TARGETS: &[(&str, ModifierType)] = &[
    ("magic", ModifierType::Attribute),
    ("combat_pool", ModifierType::Pool),
    ("magic_pool", ModifierType::Pool),
    ("hacking_pool", ModifierType::Pool),
    ("control_pool", ModifierType::Pool),
    ("task_pool", ModifierType::Pool),
    ("initiative", ModifierType::Initiative),
    ("initiative_dice", ModifierType::Initiative),
    ("low_light", ModifierType::Vision),
    ("thermographic", ModifierType::Vision),
    ("magnification", ModifierType::Vision),
    ("smartlink", ModifierType::Combat),
];

/// What a target's name means on this sheet.
///
/// # Errors
///
/// `INVALID_INPUT` with what there is.
fn target(sheet: &Sheet, name: &str) -> Result<(ModifierType, String), Status> {
    if let Some(attribute) = Attribute::parse(name) {
        return Ok((ModifierType::Attribute, attribute.key()));
    }
    if let Some((target, kind)) = TARGETS.iter().find(|(target, _)| names::is_same(target, name)) {
        return Ok((*kind, (*target).to_owned()));
    }
    if let Some(skill) = sheet.skill(name) {
        return Ok((ModifierType::Skill, skill.skill_name.clone()));
    }
    let attributes = Attribute::ALL.iter().map(|attribute| attribute.key());
    let others = TARGETS.iter().map(|(target, _)| (*target).to_owned());
    let skills = sheet.skills.iter().map(|skill| skill.skill_name.clone());
    let all: Vec<String> = attributes.chain(others).chain(skills).collect();
    Err(unknown("target", name, &all, "what can be modified"))
}

/// A modifier of whatever the target's name means.
pub fn modifier(sheet: &Sheet, target_name: &str, value: i32) -> Result<SheetModifier, Status> {
    let (modifier_type, target_name) = target(sheet, target_name)?;
    Ok(SheetModifier {
        id: new_id(),
        modifier_type,
        target_name,
        modifier_value: value,
        source: String::new(),
        source_type: String::new(),
        notes: None,
        spell: None,
    })
}

fn parse_type(word: &str) -> Result<ModifierType, Status> {
    serde_json::from_value(word.into()).map_err(|_| refuse(format!("'{}' is no modifier type", names::shown(word))))
}

/// Every modifier with its source.
pub fn get(record: &Record, request: GetModifiersRequest) -> Result<GetModifiersResponse, Status> {
    let sheet = &record.sheet;
    let wanted = request.modifier_type;
    let is_meant = |modifier: &Value| wanted.as_ref().is_none_or(|wanted| modifier["modifier_type"] == *wanted);
    let modifiers = entries::structs(shapes::modifiers(sheet).into_iter().filter(is_meant));
    Ok(GetModifiersResponse { character: sheet.street_name.clone(), modifiers })
}

/// Adds a modifier.
pub fn add(edit: &mut Edit, request: AddModifierRequest) -> Result<ChangeResponse, Status> {
    let AddModifierRequest { modifier_name, modifier_type, target_name, modifier_value, modifier_data, .. } = request;
    entries::check_text("modifier", &modifier_name)?;
    let modifier_type = parse_type(&modifier_type)?;
    let asked = target_name.unwrap_or_else(|| modifier_name.clone());
    let mut added = match modifier_type {
        // Of tests with a skill that he may not have.
        ModifierType::TargetNumber => {
            SheetModifier { modifier_type, ..modifier(&edit.sheet, &asked, 0).unwrap_or_else(|_| plain(&asked)) }
        }
        _ => modifier(&edit.sheet, &asked, 0)?,
    };
    if added.modifier_type != modifier_type {
        let word = json!(added.modifier_type);
        return Err(refuse(format!("'{}' is a target of type {word}", added.target_name)));
    }
    added.modifier_value = modifier_value.unwrap_or(1);
    added.source = modifier_name;
    added.source_type = "sheet".to_owned();
    if modifier_data.as_ref().is_some_and(|data| !data.fields.is_empty()) {
        added = entries::merged(&added, entries::updates(modifier_data, &["source_type", "notes"])?)?;
    }
    let message = told(&edit.sheet, &added);
    let entry = shapes::modifier_json(&added);
    edit.sheet.modifiers.push(added);
    Ok(edit.done(message, Some(entry)))
}

fn plain(target_name: &str) -> SheetModifier {
    SheetModifier {
        id: new_id(),
        modifier_type: ModifierType::TargetNumber,
        target_name: target_name.to_owned(),
        modifier_value: 0,
        source: String::new(),
        source_type: String::new(),
        notes: None,
        spell: None,
    }
}

fn told(sheet: &Sheet, modifier: &SheetModifier) -> String {
    let SheetModifier { target_name, modifier_value, source, .. } = modifier;
    format!("{}: {target_name} {modifier_value:+} ({source})", sheet.street_name)
}

/// The modifier of this id or, if only one has it, of this source.
fn find(sheet: &Sheet, id: &str) -> Result<usize, Status> {
    if let Some(index) = sheet.modifiers.iter().position(|modifier| modifier.id == id) {
        return Ok(index);
    }
    let key = names::folded(id);
    let of_ware = sheet.cyberware.iter().chain(&sheet.bioware).any(|piece| {
        piece.id == id || names::folded(&piece.name) == key || piece.modifiers.iter().any(|modifier| modifier.id == id)
    });
    if of_ware {
        return Err(refuse("that modifier belongs to a piece of ware: change or remove the piece"));
    }
    let sourced: Vec<usize> =
        (0..sheet.modifiers.len()).filter(|index| names::folded(&sheet.modifiers[*index].source) == key).collect();
    match sourced.as_slice() {
        [index] => Ok(*index),
        [] => {
            let all: Vec<String> = sheet.modifiers.iter().map(|modifier| modifier.source.clone()).collect();
            Err(unknown("modifier", id, &all, &format!("{} has", sheet.street_name)))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|index| sheet.modifiers[*index].id.as_str()).collect();
            Err(refuse(format!("several come from '{}': give a modifier_id: {}", names::shown(id), ids.join(", "))))
        }
    }
}

/// Refuses to touch what a sustained spell brings.
fn check_own(sheet: &Sheet, index: usize) -> Result<(), Status> {
    match &sheet.modifiers[index].spell {
        None => Ok(()),
        Some(spell) => Err(of_spell(spell)),
    }
}

fn of_spell(spell: &HeldSpell) -> Status {
    let HeldSpell { spell_name, caster_name, .. } = spell;
    refuse(format!("that comes from {spell_name}, which {caster_name} sustains: drop_spell ends it"))
}

/// Changes a modifier.
pub fn update(edit: &mut Edit, request: UpdateModifierRequest) -> Result<ChangeResponse, Status> {
    let UpdateModifierRequest { character_name: _, modifier_id, updates, reason: _ } = request;
    let index = find(&edit.sheet, &modifier_id)?;
    check_own(&edit.sheet, index)?;
    let mut updates = entries::updates(updates, &["target_name", "modifier_value", "source", "source_type", "notes"])?;
    let old = edit.sheet.modifiers[index].clone();
    if let Some(asked) = updates.get("target_name") {
        let asked = asked.as_str().ok_or_else(|| refuse("target_name is a text"))?;
        let (modifier_type, target_name) = target(&edit.sheet, asked)?;
        if old.modifier_type != ModifierType::TargetNumber && modifier_type != old.modifier_type {
            return Err(refuse(format!("'{target_name}' is a target of another type")));
        }
        updates.insert("target_name".into(), target_name.into());
    }
    let new: SheetModifier = entries::merged(&old, updates)?;
    if !(-50..=50).contains(&new.modifier_value) {
        return Err(refuse(format!("modifier_value is -50 to 50, not {}", new.modifier_value)));
    }
    let message = told(&edit.sheet, &new);
    let entry = shapes::modifier_json(&new);
    edit.sheet.modifiers[index] = new;
    Ok(edit.done(message, Some(entry)))
}

/// Removes a modifier.
pub fn remove(edit: &mut Edit, request: RemoveModifierRequest) -> Result<ChangeResponse, Status> {
    let index = find(&edit.sheet, &request.modifier_id)?;
    check_own(&edit.sheet, index)?;
    let modifier = edit.sheet.modifiers.remove(index);
    let message = format!("{}; it is removed", told(&edit.sheet, &modifier));
    Ok(edit.done(message, Some(shapes::modifier_json(&modifier))))
}

/// Every effect that acts for a time.
pub fn effects(record: &Record, _request: GetActiveEffectsRequest) -> Result<GetActiveEffectsResponse, Status> {
    let sheet = &record.sheet;
    let active_effects = entries::structs(shapes::active_effects(sheet));
    Ok(GetActiveEffectsResponse { character: sheet.street_name.clone(), active_effects })
}

/// The source type of modifiers that an effect brings.
const EFFECT: &str = "effect";

/// Lets an effect act; what it changes is a modifier with its name as source.
pub fn add_effect(edit: &mut Edit, request: AddActiveEffectRequest) -> Result<ChangeResponse, Status> {
    let AddActiveEffectRequest {
        effect_name,
        effect_type,
        duration,
        modifier_value,
        target_attribute,
        description,
        ..
    } = request;
    let sheet = &mut edit.sheet;
    let taken = sheet.active_effects.iter().map(|effect| entries::text(effect, "effect_name"));
    entries::check_new("effect", &effect_name, &sheet.street_name, taken)?;
    let mut target_name = None;
    if let Some(asked) = &target_attribute {
        let value = modifier_value.ok_or_else(|| refuse("`modifier_value` is needed with `target_attribute`"))?;
        let mut brought = modifier(sheet, asked, value)?;
        brought.source.clone_from(&effect_name);
        brought.source_type = EFFECT.to_owned();
        target_name = Some(brought.target_name.clone());
        sheet.modifiers.push(brought);
    }
    let effect = json!({
        "effect_name": effect_name, "effect_type": effect_type, "duration": duration,
        "modifier_value": modifier_value, "target_attribute": target_name, "description": description,
    });
    let mut message = format!("{effect_name} acts on {}", sheet.street_name);
    if let (Some(target), Some(value)) = (&target_name, modifier_value) {
        message += &format!(": {target} {value:+}");
    }
    sheet.active_effects.push(entries::map(effect.clone()));
    Ok(edit.done(message, Some(effect)))
}

fn find_effect(sheet: &Sheet, name: &str) -> Result<usize, Status> {
    let of = |effect: &serde_json::Map<String, Value>| entries::text(effect, "effect_name").to_owned();
    let all: Vec<String> = sheet.active_effects.iter().map(of).collect();
    let spells = sheet.modifiers.iter().filter_map(|modifier| modifier.spell.as_ref());
    if let Some(spell) = spells.into_iter().find(|spell| names::is_same(&spell.spell_name, name)) {
        return Err(of_spell(spell));
    }
    entries::find(&all, "effect", name, &sheet.street_name, |name| name)
}

/// Changes how long an effect lasts.
pub fn update_duration(edit: &mut Edit, request: UpdateEffectDurationRequest) -> Result<ChangeResponse, Status> {
    let index = find_effect(&edit.sheet, &request.effect_name)?;
    let effect = &mut edit.sheet.active_effects[index];
    effect.insert("duration".into(), request.new_duration.as_str().into());
    let entry = Value::Object(effect.clone());
    let name = entries::text(effect, "effect_name").to_owned();
    let message = format!("{}: {name} lasts {}", edit.sheet.street_name, request.new_duration);
    Ok(edit.done(message, Some(entry)))
}

/// Ends an effect and what it changed.
pub fn remove_effect(edit: &mut Edit, request: RemoveActiveEffectRequest) -> Result<ChangeResponse, Status> {
    let index = find_effect(&edit.sheet, &request.effect_name)?;
    let effect = edit.sheet.active_effects.remove(index);
    let name = entries::text(&effect, "effect_name").to_owned();
    edit.sheet.modifiers.retain(|modifier| modifier.source_type != EFFECT || modifier.source != name);
    let message = format!("{name} no longer acts on {}", edit.sheet.street_name);
    Ok(edit.done(message, Some(Value::Object(effect))))
}
