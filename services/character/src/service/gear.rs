//! Weapons, armor and things that are carried.

use proto::character::v1::{
    AddGearRequest, ChangeResponse, GetGearRequest, GetGearResponse, RemoveGearRequest, UpdateGearQuantityRequest,
    WearArmorRequest,
};
use rules::shadowrun2::{armor, catalogue, house_rules::HouseRule, melee, weapons, weapons::Feed};
use tonic::Status;

use super::{edit::Edit, entries, refuse};
use crate::{
    names, shapes,
    sheet::{Attribute, Gear, ModifierType, SheetModifier, WeaponStats, new_id},
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
    let mut gear = Gear { quantity, notes, ..Gear::plain(&gear_name) };
    fill_in(&mut gear);
    if let Some(gear_type) = gear_type {
        gear.gear_type = gear_type;
    }
    if let Some(price) = price {
        edit.pay_nuyen(price, &gear.gear_name)?;
    } else if let Some(listed) = catalogue::price(&gear.gear_name) {
        edit.notes.push(format!("nothing was paid; the list says {listed} nuyen (source: {})", catalogue::UNVERIFIED));
    }
    let same =
        |own: &Gear| names::folded(&own.gear_name) == names::folded(&gear.gear_name) && own.gear_type == gear.gear_type;
    let message;
    let entry;
    let sheet = &mut *edit.sheet;
    if let Some(own) = sheet.gear.iter_mut().find(|own| same(own)) {
        own.quantity = own.quantity.checked_add(quantity).ok_or_else(|| refuse("that is more than can be counted"))?;
        message = format!("{} has {} of {} now", sheet.street_name, own.quantity, own.gear_name);
        entry = shapes::gear_json(own);
    } else {
        message = format!("{} gets {quantity} of {}", sheet.street_name, gear.gear_name);
        entry = shapes::gear_json(&gear);
        edit.sheet.gear.push(gear);
    }
    Ok(edit.done(message, Some(entry)))
}

/// The rule book's figures of a weapon or a piece of armor. What Strength drives keeps its formula, so that it follows
/// whatever changes Strength.
fn fill_in(gear: &mut Gear) {
    if let Ok(weapon) = weapons::find_weapon(&gear.gear_name) {
        gear.gear_type = "weapon".to_owned();
        gear.damage = Some(weapon.damage.to_string());
        gear.conceal = weapon.concealability.map(|conceal| conceal.to_string());
        let feed = match weapon.feed {
            Feed::Clip => "(c)",
            Feed::BreakAction => "(b)",
            Feed::Magazine => "(m)",
            Feed::Cylinder => "(cy)",
            Feed::Belt => " belt",
        };
        gear.ammo_capacity = Some(format!("{}{feed}", weapon.ammunition));
        gear.weapon_stats = Some(WeaponStats {
            class: Some(weapon.class.name().to_owned()),
            modes: weapon.modes.iter().map(|mode| mode.letters().to_owned()).collect(),
            ..WeaponStats::default()
        });
    } else if let Ok(weapon) = melee::find_melee_weapon(&gear.gear_name) {
        gear.gear_type = "weapon".to_owned();
        gear.damage = Some(weapon.damage_text());
        gear.weapon_stats = Some(WeaponStats { reach: Some(weapon.reach), ..WeaponStats::default() });
    } else if catalogue::ROUNDS.iter().any(|(name, _)| names::is_same(name, &gear.gear_name)) {
        gear.gear_type = "ammunition".to_owned();
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
    let sheet = &mut *edit.sheet;
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

/// Source type of modifiers that worn gear brings.
const WORN: &str = "worn";

/// Puts armor on or takes it off.
pub fn wear(edit: &mut Edit, request: WearArmorRequest) -> Result<ChangeResponse, Status> {
    let sheet = &mut edit.sheet;
    let armor: Vec<(usize, String)> = sheet
        .gear
        .iter()
        .enumerate()
        .filter(|(_, gear)| gear.gear_type == "armor")
        .map(|(index, gear)| (index, gear.gear_name.clone()))
        .collect();
    let found = entries::find(&armor, "armor", &request.armor_name, &sheet.street_name, |(_, name)| name)?;
    let (index, name) = &armor[found];
    let worn = request.worn.unwrap_or(true);
    sheet.gear[*index].worn = worn;
    let entry = shapes::gear_json(&sheet.gear[*index]);
    sheet.modifiers.retain(|modifier| modifier.source_type != WORN || modifier.source != *name);
    if names::is_same(name, "Boomer Suit") {
        if worn && edit.rules.has(HouseRule::BoomerSuit) {
            let rule = HouseRule::BoomerSuit.name();
            edit.sheet.modifiers.extend(boomer_suit(name));
            edit.notes.push(format!("house rule {rule}: Body +8, wired reflexes 2, Gunnery +1"));
            edit.notes.push("+2 to target numbers when not rigged: give it as a modifier".to_owned());
        } else if worn {
            edit.notes.push(format!("what it does waits for the house rule {}", HouseRule::BoomerSuit.name()));
        }
    }
    let sheet = &edit.sheet;
    if let Some((heavy, dice)) = sheet.heavy_armor_loss() {
        let quickness = sheet.attribute(Attribute::Quickness);
        let text = format!("{} costs {dice} Combat Pool dice: it is above Quickness {quickness}", heavy.gear_name);
        edit.notes.push(text);
    }
    let verb = if worn { "wears" } else { "no longer wears" };
    let message = format!("{} {verb} {name}", edit.sheet.street_name);
    Ok(edit.done(message, Some(entry)))
}

/// What the Boomer Suit changes on whoever wears it.
fn boomer_suit(source: &str) -> Vec<SheetModifier> {
    let changes = [
        (ModifierType::Attribute, "body", 8),
        (ModifierType::Attribute, "reaction", 4),
        (ModifierType::Initiative, "initiative_dice", 2),
        (ModifierType::Skill, "Gunnery", 1),
    ];
    let modifier = |(modifier_type, target, value): (ModifierType, &str, i32)| SheetModifier {
        id: new_id(),
        modifier_type,
        target_name: target.to_owned(),
        modifier_value: value,
        source: source.to_owned(),
        source_type: WORN.to_owned(),
        notes: None,
        spell: None,
    };
    changes.into_iter().map(modifier).collect()
}
