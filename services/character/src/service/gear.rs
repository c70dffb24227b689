//! Weapons, armor and things that are carried.

use proto::character::v1::{
    AddGearRequest, ChangeResponse, GetGearRequest, GetGearResponse, RemoveGearRequest, UpdateGearQuantityRequest,
};
use rules::shadowrun2::{armor, melee, weapons};
use serde_json::Map;
use tonic::Status;

use super::{edit::Edit, entries, refuse};
use crate::{
    names, shapes,
    sheet::{Attribute, Gear, WeaponStats},
    store::Record,
};

/// Every thing, or those of one type.
pub fn get(record: &Record, request: GetGearRequest) -> Result<GetGearResponse, Status> {
    let sheet = &record.sheet;
    let is_meant =
        |gear: &&Gear| request.gear_type.as_ref().is_none_or(|wanted| names::is_same(wanted, &gear.gear_type));
    let gear = entries::structs(sheet.gear.iter().filter(is_meant).map(shapes::gear_json));
    Ok(GetGearResponse { character: sheet.street_name.clone(), gear })
}

/// Gives a thing; of what the rule book knows the figures are filled in.
pub fn add(edit: &mut Edit, request: AddGearRequest) -> Result<ChangeResponse, Status> {
    let AddGearRequest { gear_name, gear_type, quantity, price, notes, .. } = request;
    entries::check_text("thing", &gear_name)?;
    let quantity = quantity.unwrap_or(1);
    let mut gear = Gear {
        gear_name,
        gear_type: "equipment".to_owned(),
        quantity,
        damage: None,
        conceal: None,
        ammo_capacity: None,
        ballistic_rating: None,
        impact_rating: None,
        weapon_stats: None,
        modifications: Map::new(),
        rounds: None,
        notes,
    };
    fill_in(&mut gear, edit.sheet.attribute(Attribute::Strength));
    if let Some(gear_type) = gear_type {
        gear.gear_type = gear_type;
    }
    if let Some(price) = price {
        edit.pay_nuyen(price, &gear.gear_name)?;
    }
    let same =
        |own: &Gear| names::folded(&own.gear_name) == names::folded(&gear.gear_name) && own.gear_type == gear.gear_type;
    let message;
    let entry;
    if let Some(own) = edit.sheet.gear.iter_mut().find(|own| same(own)) {
        own.quantity = own.quantity.checked_add(quantity).ok_or_else(|| refuse("that is more than can be counted"))?;
        message = format!("{} has {} of {} now", edit.sheet.street_name, own.quantity, own.gear_name);
        entry = shapes::gear_json(own);
    } else {
        message = format!("{} gets {quantity} of {}", edit.sheet.street_name, gear.gear_name);
        entry = shapes::gear_json(&gear);
        edit.sheet.gear.push(gear);
    }
    Ok(edit.done(message, Some(entry)))
}

/// The rule book's figures of a weapon or a piece of armor.
fn fill_in(gear: &mut Gear, strength: u32) {
    if let Ok(weapon) = weapons::find_weapon(&gear.gear_name) {
        gear.gear_type = "weapon".to_owned();
        gear.damage = Some(weapon.damage.to_string());
        gear.conceal = weapon.concealability.map(|conceal| conceal.to_string());
        gear.ammo_capacity = Some(weapon.ammunition.to_string());
        gear.weapon_stats = Some(WeaponStats {
            class: Some(weapon.class.name().to_owned()),
            modes: weapon.modes.iter().map(|mode| mode.letters().to_owned()).collect(),
            ..WeaponStats::default()
        });
    } else if let Ok(weapon) = melee::find_melee_weapon(&gear.gear_name) {
        gear.gear_type = "weapon".to_owned();
        gear.damage = Some(weapon.damage(strength).to_string());
        gear.weapon_stats = Some(WeaponStats { reach: Some(weapon.reach), ..WeaponStats::default() });
    } else if let Ok(piece) = armor::find_armor(&gear.gear_name) {
        gear.gear_type = "armor".to_owned();
        gear.ballistic_rating = Some(piece.ballistic);
        gear.impact_rating = Some(piece.impact);
    }
}

/// Sets how many there are; none is taken off the sheet.
pub fn update_quantity(edit: &mut Edit, request: UpdateGearQuantityRequest) -> Result<ChangeResponse, Status> {
    let UpdateGearQuantityRequest { character_name: _, gear_name, quantity, reason: _ } = request;
    if quantity == 0 {
        return take(edit, &gear_name);
    }
    let sheet = &mut edit.sheet;
    let index = entries::find(&sheet.gear, "thing", &gear_name, &sheet.street_name, |gear| &gear.gear_name)?;
    let gear = &mut sheet.gear[index];
    let before = std::mem::replace(&mut gear.quantity, quantity);
    let message = format!("{}: {} of {} become {quantity}", sheet.street_name, before, gear.gear_name);
    let entry = shapes::gear_json(gear);
    Ok(edit.done(message, Some(entry)))
}

/// Takes a thing off the sheet.
pub fn remove(edit: &mut Edit, request: RemoveGearRequest) -> Result<ChangeResponse, Status> {
    take(edit, &request.gear_name)
}

fn take(edit: &mut Edit, name: &str) -> Result<ChangeResponse, Status> {
    let sheet = &mut edit.sheet;
    let index = entries::find(&sheet.gear, "thing", name, &sheet.street_name, |gear| &gear.gear_name)?;
    let gear = sheet.gear.remove(index);
    let message = format!("{} has no {} any more", sheet.street_name, gear.gear_name);
    Ok(edit.done(message, Some(shapes::gear_json(&gear))))
}
