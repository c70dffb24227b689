//! From the rules' and the store's types to the contract's.

use proto::{
    character::v1::{CalculateDicePoolResponse, CharacterSummary, DicePart, Modifier, SustainedSpell},
    structs,
};
use rules::shadowrun2::{self, difficulty::DicePoolSum, house_rules::HouseRule};
use serde_json::json;
use service_kit::clock;

use crate::{names, sheet::Sustained, store::Listed};

/// A character in the list of all.
pub fn listed(sheet: &Listed) -> CharacterSummary {
    let full_name = if names::folded(&sheet.name).is_empty() { &sheet.street_name } else { &sheet.name };
    CharacterSummary {
        id: sheet.id.clone(),
        name: sheet.street_name.clone(),
        street_name: sheet.street_name.clone(),
        full_name: full_name.clone(),
        character_type: sheet.character_type.clone(),
        archetype: sheet.archetype.clone(),
        metatype: sheet.metatype.clone(),
    }
}

pub fn dice_pool(sum: DicePoolSum) -> CalculateDicePoolResponse {
    let DicePoolSum { pool, skill, attribute, modifiers, breakdown, sr2_pool, note } = sum;
    CalculateDicePoolResponse { pool, skill, attribute, modifiers, breakdown, sr2_pool, note: note.to_owned() }
}

pub fn sustained(spell: &Sustained) -> SustainedSpell {
    SustainedSpell {
        spell_name: spell.spell_name.clone(),
        force: spell.force,
        target_character_id: Some(structs::value_from_json(json!(spell.target_character_id))),
        target_name: spell.target_name.clone(),
        since: clock::rfc3339(spell.cast_at),
        held_by: spell.held_by.clone(),
    }
}

pub fn modifiers(modifiers: &[shadowrun2::Modifier]) -> Vec<Modifier> {
    let convert = |modifier: &shadowrun2::Modifier| Modifier {
        r#type: modifier.kind.clone(),
        value: modifier.value,
        explanation: modifier.explanation.clone(),
    };
    modifiers.iter().map(convert).collect()
}

pub fn parts(parts: &[shadowrun2::DicePart]) -> Vec<DicePart> {
    parts.iter().map(|part| DicePart { source: part.source.clone(), dice: part.dice }).collect()
}

/// The names of house rules that changed a figure, each once.
pub fn house_rules(rules: &[HouseRule]) -> Vec<String> {
    let mut names: Vec<String> = rules.iter().map(|rule| rule.name().to_owned()).collect();
    names.dedup();
    names
}
