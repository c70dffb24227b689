//! What is mounted on a weapon of the sheet for good, and comes off again.

use proto::character::v1::{ChangeResponse, MountAccessoryRequest, RemoveAccessoryRequest};
use rules::shadowrun2::{
    catalogue,
    house_rules::HouseRule,
    weapons::{self, Accessory, AccessoryKind},
};
use serde_json::{Value, json};
use tonic::Status;

use super::{edit::Edit, entries, refuse, unknown};
use crate::{
    names, shapes,
    sheet::{Gear, WeaponStats},
};

/// The key of a weapon's accessories among its modifications: their names.
const MOUNTED: &str = "accessories";
/// The key of a weapon that is made to its owner's measure.
pub const CUSTOMISED: &str = "customised";
/// What makes it so.
const CUSTOMISATION: &str = "Customisation";

/// What is mounted on a weapon.
pub fn mounted(gear: &Gear) -> Vec<&'static Accessory> {
    let listed = gear.modifications.get(MOUNTED).and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|name| weapons::find_accessory(name.as_str()?).ok()).collect()
}

/// What an attack says of an accessory that changes no figure of it, or changes one only at times.
pub fn told_in_attacks(accessory: &Accessory) -> Option<String> {
    match accessory.kind {
        AccessoryKind::Muffler => Some(format!("{}: {}", accessory.name, accessory.effect)),
        AccessoryKind::Stand => {
            Some(format!("{}: counts while it is set up; give recoil_compensation if it is not", accessory.name))
        }
        _ => None,
    }
}

/// Mounts an accessory.
pub fn mount(edit: &mut Edit, request: MountAccessoryRequest) -> Result<ChangeResponse, Status> {
    let index = ranged_weapon(edit, &request.weapon_name)?;
    if ["customisation", "customization", CUSTOMISED, "customized"]
        .iter()
        .any(|word| names::is_same(word, &request.accessory))
    {
        return customise(edit, index, request.price);
    }
    let accessory = weapons::find_accessory(&request.accessory)
        .map_err(|error| unknown("accessory", &request.accessory, &error.allowed, "the catalogue has"))?;
    let gear = &edit.sheet.gear[index];
    check(gear, accessory)?;
    let (weapon, stock) = (gear.gear_name.clone(), own(edit, accessory.name));
    let price = match (request.price, stock) {
        (Some(price), _) => price,
        (None, Some(_)) => 0,
        (None, None) => listed_price(edit, &weapon, accessory),
    };
    edit.pay_nuyen(price, accessory.name)?;
    if let Some(stock) = stock {
        use_up(edit, stock);
        edit.notes.push(format!("the {} of the sheet is used", accessory.name));
    }
    // What was used up may have stood before it.
    let index = ranged_weapon(edit, &weapon)?;
    let gear = &mut edit.sheet.gear[index];
    let stats = gear.weapon_stats.get_or_insert_default();
    change(stats, accessory, true);
    let list = gear.modifications.entry(MOUNTED).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(accessory.name.into());
    }
    let entry = shapes::gear_json(gear);
    let paid = if price > 0 { format!(" for {price} nuyen") } else { String::new() };
    edit.notes.push(format!("{}: {}", accessory.name, accessory.effect));
    let message = format!("{}: {} is mounted on the {weapon}{paid}", edit.sheet.street_name, accessory.name);
    Ok(edit.done(message, Some(entry)))
}

/// Takes an accessory off.
pub fn remove(edit: &mut Edit, request: RemoveAccessoryRequest) -> Result<ChangeResponse, Status> {
    let index = ranged_weapon(edit, &request.weapon_name)?;
    let gear = &edit.sheet.gear[index];
    let weapon = gear.gear_name.clone();
    let on_it = mounted(gear);
    let wanted = weapons::find_accessory(&request.accessory).ok();
    let accessory = on_it.iter().find(|accessory| wanted == Some(**accessory)).ok_or_else(|| {
        let all: Vec<String> = on_it.iter().map(|accessory| accessory.name.to_owned()).collect();
        unknown("accessory", &request.accessory, &all, &format!("the {weapon} has"))
    })?;
    if accessory.built_in {
        return Err(refuse(format!("the {} is built into the {weapon} and stays", accessory.name)));
    }
    let gear = &mut edit.sheet.gear[index];
    if let Some(stats) = &mut gear.weapon_stats {
        change(stats, accessory, false);
    }
    if let Some(list) = gear.modifications.get_mut(MOUNTED).and_then(Value::as_array_mut) {
        list.retain(|name| *name != accessory.name);
        if list.is_empty() {
            gear.modifications.remove(MOUNTED);
        }
    }
    let entry = shapes::gear_json(gear);
    match own(edit, accessory.name) {
        Some(stock) => edit.sheet.gear[stock].quantity = edit.sheet.gear[stock].quantity.saturating_add(1),
        None => edit.sheet.gear.push(Gear::plain(accessory.name)),
    }
    let message =
        format!("{}: {} comes off the {weapon} and is among the gear", edit.sheet.street_name, accessory.name);
    Ok(edit.done(message, Some(entry)))
}

/// Makes a weapon to its owner's measure; what that does is a house rule.
fn customise(edit: &mut Edit, index: usize, price: Option<u32>) -> Result<ChangeResponse, Status> {
    let weapon = edit.sheet.gear[index].gear_name.clone();
    if edit.sheet.gear[index].modifications.get(CUSTOMISED).is_some_and(|value| *value == true) {
        return Err(refuse(format!("the {weapon} is customised already")));
    }
    edit.pay_nuyen(price.unwrap_or_default(), CUSTOMISATION)?;
    let rule = HouseRule::CustomisedWeapon.name();
    edit.notes.push(format!("a skill die more for its owner where the house rule {rule} is on"));
    let gear = &mut edit.sheet.gear[index];
    gear.modifications.insert(CUSTOMISED.to_owned(), true.into());
    let entry = shapes::gear_json(gear);
    let message = format!("{}: the {weapon} is customised", edit.sheet.street_name);
    Ok(edit.done(message, Some(entry)))
}

fn ranged_weapon(edit: &Edit, name: &str) -> Result<usize, Status> {
    let sheet = &edit.sheet;
    let weapons: Vec<(usize, &Gear)> =
        sheet.gear.iter().enumerate().filter(|(_, gear)| gear.gear_type == "weapon").collect();
    let found = entries::find(&weapons, "weapon", name, &sheet.street_name, |(_, gear)| &gear.gear_name)?;
    let (index, gear) = weapons[found];
    if gear.weapon_stats.as_ref().is_none_or(|stats| stats.class.is_none()) {
        return Err(refuse(format!("the {} of {} is no ranged weapon", gear.gear_name, sheet.street_name)));
    }
    Ok(index)
}

/// Refuses a second accessory of a kind, and one whose work the weapon does already.
fn check(gear: &Gear, accessory: &Accessory) -> Result<(), Status> {
    let stats = gear.weapon_stats.clone().unwrap_or_default();
    let has = match accessory.kind {
        AccessoryKind::Worn => {
            return Err(refuse(format!(
                "{} are worn, not mounted: give smart_goggles in calculate_ranged_attack",
                accessory.name
            )));
        }
        AccessoryKind::Smartgun => stats.smart.then_some("is smart"),
        AccessoryKind::LaserSight => stats.laser_sight.then_some("has a laser sight"),
        AccessoryKind::Scope => (stats.scope > 0).then_some("has a scope"),
        AccessoryKind::GyroMount => (stats.gyro_stabilisation > 0).then_some("has gyro-stabilisation"),
        AccessoryKind::Stand | AccessoryKind::ShockPad | AccessoryKind::GasVent | AccessoryKind::Muffler => None,
    };
    let name = &gear.gear_name;
    if let Some(has) = has {
        return Err(refuse(format!("the {name} {has} already")));
    }
    match mounted(gear).iter().find(|own| own.kind == accessory.kind) {
        Some(own) => Err(refuse(format!("the {name} has a {} already: remove_accessory takes it off", own.name))),
        None => Ok(()),
    }
}

/// What it costs by the catalogue.
fn listed_price(edit: &mut Edit, weapon: &str, accessory: &Accessory) -> u32 {
    let unverified = catalogue::UNVERIFIED;
    match (accessory.nuyen, accessory.built_in.then(|| catalogue::price(weapon)).flatten()) {
        (Some(nuyen), _) => nuyen,
        (None, Some(price)) => {
            edit.notes.push(format!("it doubles the weapon's price, {price} nuyen (source: {unverified})"));
            price
        }
        (None, None) => {
            edit.notes.push("no price is known: nothing was paid; give price".to_owned());
            0
        }
    }
}

/// Where a loose accessory stands among the gear.
fn own(edit: &Edit, name: &str) -> Option<usize> {
    let is_it = |gear: &Gear| {
        gear.gear_type != "weapon"
            && gear.quantity > 0
            && weapons::find_accessory(&gear.gear_name).is_ok_and(|found| found.name == name)
    };
    edit.sheet.gear.iter().position(is_it)
}

fn use_up(edit: &mut Edit, index: usize) {
    edit.sheet.gear[index].quantity -= 1;
    if edit.sheet.gear[index].quantity == 0 {
        edit.sheet.gear.remove(index);
    }
}

/// Gives a weapon what an accessory does, or takes it.
fn change(stats: &mut WeaponStats, accessory: &Accessory, is_on: bool) {
    let moved = |points: u32| match is_on {
        true => points.saturating_add(accessory.rating),
        false => points.saturating_sub(accessory.rating),
    };
    match accessory.kind {
        AccessoryKind::Stand | AccessoryKind::ShockPad | AccessoryKind::GasVent => {
            stats.recoil_compensation = moved(stats.recoil_compensation);
        }
        AccessoryKind::GyroMount => stats.gyro_stabilisation = moved(stats.gyro_stabilisation),
        AccessoryKind::Scope => stats.scope = moved(stats.scope),
        AccessoryKind::Smartgun => stats.smart = is_on,
        AccessoryKind::LaserSight => stats.laser_sight = is_on,
        AccessoryKind::Muffler | AccessoryKind::Worn => {}
    }
}
