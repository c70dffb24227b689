//! Cyberware and bioware: what it costs in Essence and body index, and what it changes.

use proto::character::v1::{
    AddBiowareRequest, AddCyberwareRequest, ChangeResponse, GetBiowareRequest, GetBiowareResponse, GetCyberwareRequest,
    GetCyberwareResponse, RemoveBiowareRequest, RemoveCyberwareRequest, UpdateCyberwareRequest,
};
use rules::shadowrun2::catalogue::{self, Implant, WareKind};
use serde_json::{Map, Value};
use tonic::Status;

use super::{edit::Edit, entries, modifiers, refuse, unknown};
use crate::{
    names, shapes,
    sheet::{Attribute, FULL_ESSENCE, Sheet, SheetModifier, Ware, hundredths, new_id},
    store::Record,
};

/// What may be said of a piece beside its name and cost.
const DATA: &[&str] = &["rating", "grade", "effects", "notes", "modifiers"];

/// Every piece of cyberware.
pub fn cyberware(record: &Record, _request: GetCyberwareRequest) -> Result<GetCyberwareResponse, Status> {
    let sheet = &record.sheet;
    Ok(GetCyberwareResponse {
        character: sheet.street_name.clone(),
        cyberware: entries::structs(shapes::ware_list(&sheet.cyberware, "cyberware")),
        essence: sheet.essence(),
    })
}

/// Every piece of bioware.
pub fn bioware(record: &Record, _request: GetBiowareRequest) -> Result<GetBiowareResponse, Status> {
    let sheet = &record.sheet;
    Ok(GetBiowareResponse {
        character: sheet.street_name.clone(),
        bioware: entries::structs(shapes::ware_list(&sheet.bioware, "bioware")),
        body_index: sheet.body_index(),
        body_index_max: most_body_index(sheet),
    })
}

/// The sheet's maximum; natural Body if it sets none.
fn most_body_index(sheet: &Sheet) -> f64 {
    if sheet.body_index_max > 0.0 { sheet.body_index_max } else { f64::from(sheet.base_attribute(Attribute::Body)) }
}

/// Implants cyberware.
pub fn add_cyberware(edit: &mut Edit, request: AddCyberwareRequest) -> Result<ChangeResponse, Status> {
    let AddCyberwareRequest { name, essence_cost, target_name, modifier_value, modifier_data, price, .. } = request;
    let is_bare = target_name.is_none() && modifier_data.as_ref().is_none_or(|data| data.fields.is_empty());
    let mut piece = piece(&edit.sheet, name, target_name, modifier_value, modifier_data)?;
    let listed = listed(edit, &mut piece, WareKind::Cyberware, essence_cost, is_bare)?;
    let cost = hundredths(essence_cost.or(listed.map(|listed| listed.cost)).unwrap_or_default());
    piece.essence_cost = Some(cost);
    let before = edit.sheet.essence();
    let from_hole = hundredths(cost.min(edit.sheet.essence_hole));
    let left = hundredths(before - cost + from_hole);
    if left < 0.0 {
        return Err(refuse(format!(
            "{} costs {cost} Essence, and {} has {before}{}",
            piece.name,
            edit.sheet.street_name,
            if from_hole > 0.0 { format!(" and a hole of {from_hole}") } else { String::new() }
        )));
    }
    if let Some(price) = price {
        edit.pay_nuyen(price, &piece.name)?;
    }
    edit.sheet.essence_hole = hundredths(edit.sheet.essence_hole - from_hole);
    edit.sheet.essence_adjustment = hundredths(edit.sheet.essence_adjustment + from_hole);
    if from_hole > 0.0 {
        edit.notes.push(format!("{from_hole} of it fill the Essence hole"));
    }
    lose_magic(edit, before, left);
    if let Some(listed) = listed.filter(|listed| listed.control_rig > edit.sheet.vehicle_control_rig) {
        edit.sheet.vehicle_control_rig = listed.control_rig;
        edit.notes.push(format!("the vehicle control rig is at level {}: Control Pool", listed.control_rig));
    }
    let entry = shapes::ware_json(&piece, "cyberware");
    let message =
        format!("{} has {} for {cost} Essence; Essence {before} becomes {left}", edit.sheet.street_name, piece.name);
    edit.sheet.cyberware.push(piece);
    Ok(edit.done(message, Some(entry)))
}

/// A magician loses a point of Magic for each point of Essence begun.
fn lose_magic(edit: &mut Edit, before: f64, after: f64) {
    let points = |essence: f64| (FULL_ESSENCE - essence).ceil().max(0.0);
    let lost = (points(after) - points(before)).max(0.0);
    if edit.sheet.base_magic == 0 || lost == 0.0 {
        return;
    }
    let magic = edit.sheet.base_magic;
    // At most six points of Essence can be lost.
    let left = (0..=magic).rev().find(|left| f64::from(magic - left) >= lost).unwrap_or_default();
    edit.sheet.base_magic = left;
    edit.notes.push(format!("Magic {magic} becomes {left}: a point is lost for each point of Essence begun"));
}

/// Implants bioware.
pub fn add_bioware(edit: &mut Edit, request: AddBiowareRequest) -> Result<ChangeResponse, Status> {
    let AddBiowareRequest {
        name,
        body_index_cost,
        essence_cost,
        target_name,
        modifier_value,
        modifier_data,
        price,
        ..
    } = request;
    let is_bare = target_name.is_none() && modifier_data.as_ref().is_none_or(|data| data.fields.is_empty());
    let given = body_index_cost.or(essence_cost);
    let mut piece = piece(&edit.sheet, name, target_name, modifier_value, modifier_data)?;
    let listed = listed(edit, &mut piece, WareKind::Bioware, given, is_bare)?;
    let cost = hundredths(given.or(listed.map(|listed| listed.cost)).unwrap_or_default());
    piece.body_index_cost = Some(cost);
    let (before, most) = (edit.sheet.body_index(), most_body_index(&edit.sheet));
    let after = hundredths(before + cost);
    if after > most {
        return Err(refuse(format!(
            "{} takes up {cost} body index, and {} has {before} of {most} taken up",
            piece.name, edit.sheet.street_name
        )));
    }
    if let Some(price) = price {
        edit.pay_nuyen(price, &piece.name)?;
    }
    let entry = shapes::ware_json(&piece, "bioware");
    let message =
        format!("{} has {}; body index {before} becomes {after} of {most}", edit.sheet.street_name, piece.name);
    edit.sheet.bioware.push(piece);
    Ok(edit.done(message, Some(entry)))
}

/// What the catalogue says of a piece: it gives what the caller left open, and the notes say which figures no source
/// confirms.
///
/// # Errors
///
/// `INVALID_INPUT` for a piece of the house whose rule is off, unless its cost is given.
fn listed(
    edit: &mut Edit,
    piece: &mut Ware,
    kind: WareKind,
    given_cost: Option<f64>,
    is_bare: bool,
) -> Result<Option<&'static Implant>, Status> {
    let found = catalogue::find_implant(&piece.name).ok().filter(|listed| listed.kind == kind);
    let Some(listed) = found else {
        if given_cost.is_none() {
            edit.notes.push("the catalogue does not know it, and no cost was given: it costs nothing".to_owned());
        }
        return Ok(None);
    };
    if let Some(rule) = listed.house_rule.filter(|rule| !edit.rules.has(*rule))
        && given_cost.is_none()
    {
        let (name, rule) = (listed.name, rule.name());
        return Err(refuse(format!("{name} is of the house: switch on the house rule {rule}, or give essence_cost")));
    }
    if is_bare {
        for (target, value) in listed.modifiers {
            piece.modifiers.push(modifiers::modifier(&edit.sheet, target, *value)?);
        }
        if !listed.effect.is_empty() && piece.effects.is_empty() {
            piece.effects.push(listed.effect.to_owned());
        }
    }
    let mut unsure: Vec<&str> = listed.unverified.to_vec();
    unsure.retain(|figure| *figure != "nuyen" && (*figure != "cost" || given_cost.is_none()));
    if !unsure.is_empty() {
        edit.notes.push(format!("{} of the catalogue (source: {})", unsure.join(", "), catalogue::UNVERIFIED));
    }
    if let Some(nuyen) = listed.nuyen {
        edit.notes.push(format!("the list says {nuyen} nuyen (source: {})", catalogue::UNVERIFIED));
    }
    Ok(Some(listed))
}

/// A piece of ware as it was described.
fn piece(
    sheet: &Sheet,
    name: String,
    target_name: Option<String>,
    modifier_value: Option<i32>,
    modifier_data: Option<prost_types::Struct>,
) -> Result<Ware, Status> {
    entries::check_text("piece of ware", &name)?;
    let mut piece = Ware { id: new_id(), name, ..Ware::default() };
    if modifier_data.as_ref().is_some_and(|data| !data.fields.is_empty()) {
        piece = described(sheet, &piece, entries::updates(modifier_data, DATA)?)?;
    }
    match (target_name, modifier_value) {
        (None, None) => {}
        (Some(target), value) => piece.modifiers.push(modifiers::modifier(sheet, &target, value.unwrap_or(1))?),
        (None, Some(_)) => return Err(refuse("`target_name` is needed with `modifier_value`")),
    }
    Ok(piece)
}

/// A piece with further facts; modifiers are given as `{target_name, modifier_value}`.
fn described(sheet: &Sheet, piece: &Ware, mut facts: Map<String, Value>) -> Result<Ware, Status> {
    if let Some(given) = facts.remove("modifiers") {
        let list = given.as_array().cloned().unwrap_or_default();
        let read = |given: &Value| -> Result<SheetModifier, Status> {
            let target = given["target_name"].as_str();
            let value = given["modifier_value"].as_i64().and_then(|value| i32::try_from(value).ok());
            match (target, value) {
                (Some(target), Some(value @ -50..=50)) => modifiers::modifier(sheet, target, value),
                _ => Err(refuse("each of `modifiers` has target_name and modifier_value, -50 to 50")),
            }
        };
        let modifiers = list.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        facts.insert("modifiers".into(), serde_json::to_value(modifiers).unwrap_or_default());
    }
    entries::merged(piece, facts)
}

/// Changes a piece of cyberware.
pub fn update_cyberware(edit: &mut Edit, request: UpdateCyberwareRequest) -> Result<ChangeResponse, Status> {
    let UpdateCyberwareRequest { character_name: _, modifier_id, updates, reason: _ } = request;
    let index = find(&edit.sheet.cyberware, &modifier_id, &edit.sheet.street_name)?;
    let allowed = ["name", "essence_cost", "rating", "grade", "effects", "notes", "modifiers"];
    let updates = entries::updates(updates, &allowed)?;
    let piece = described(&edit.sheet, &edit.sheet.cyberware[index], updates)?;
    entries::check_text("piece of ware", &piece.name)?;
    if piece.essence_cost.is_some_and(|cost| !(0.0..=FULL_ESSENCE).contains(&cost)) {
        return Err(refuse(format!("essence_cost is 0 to {FULL_ESSENCE}")));
    }
    let before = edit.sheet.essence();
    let entry = shapes::ware_json(&piece, "cyberware");
    let message = format!("{}: {} is changed", edit.sheet.street_name, piece.name);
    edit.sheet.cyberware[index] = piece;
    let after = edit.sheet.essence();
    if after < 0.0 {
        return Err(refuse(format!("Essence would be {after}; it is never below 0")));
    }
    lose_magic(edit, before, after);
    Ok(edit.done(message, Some(entry)))
}

/// Takes cyberware out; its Essence is a hole.
pub fn remove_cyberware(edit: &mut Edit, request: RemoveCyberwareRequest) -> Result<ChangeResponse, Status> {
    let index = find(&edit.sheet.cyberware, &request.modifier_id, &edit.sheet.street_name)?;
    let piece = edit.sheet.cyberware.remove(index);
    let cost = piece.essence_cost.unwrap_or_default();
    edit.sheet.essence_hole = hundredths(edit.sheet.essence_hole + cost);
    edit.sheet.essence_adjustment = hundredths(edit.sheet.essence_adjustment - cost);
    let message = format!("{} has no {} any more", edit.sheet.street_name, piece.name);
    edit.notes.push(format!("Essence does not come back: the hole is {}", edit.sheet.essence_hole));
    Ok(edit.done(message, Some(shapes::ware_json(&piece, "cyberware"))))
}

/// Takes bioware out.
pub fn remove_bioware(edit: &mut Edit, request: RemoveBiowareRequest) -> Result<ChangeResponse, Status> {
    let index = find(&edit.sheet.bioware, &request.modifier_id, &edit.sheet.street_name)?;
    let piece = edit.sheet.bioware.remove(index);
    let message = format!("{} has no {} any more", edit.sheet.street_name, piece.name);
    Ok(edit.done(message, Some(shapes::ware_json(&piece, "bioware"))))
}

/// The piece of this id or, if only one has it, of this name.
fn find(ware: &[Ware], id: &str, whose: &str) -> Result<usize, Status> {
    if let Some(index) = ware.iter().position(|piece| piece.id == id) {
        return Ok(index);
    }
    let key = names::folded(id);
    let named: Vec<usize> = ware
        .iter()
        .enumerate()
        .filter(|(_, piece)| names::folded(&piece.name) == key)
        .map(|(index, _)| index)
        .collect();
    match named.as_slice() {
        [index] => Ok(*index),
        [] => {
            let all: Vec<String> = ware.iter().map(|piece| piece.name.clone()).collect();
            Err(unknown("piece of ware", id, &all, &format!("{whose} has")))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|index| ware[*index].id.as_str()).collect();
            Err(refuse(format!(
                "{whose} has several of '{}': give its modifier_id: {}",
                names::shown(id),
                ids.join(", ")
            )))
        }
    }
}
