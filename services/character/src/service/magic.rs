//! Spells, spirits, foci and adept powers on the sheet.

use proto::character::v1::{
    AddFocusRequest, AddPowerRequest, AddSpellRequest, AddSpiritRequest, ChangeResponse, GetFociRequest,
    GetFociResponse, GetPowersRequest, GetPowersResponse, GetSpellsRequest, GetSpellsResponse, GetSpiritsRequest,
    GetSpiritsResponse, RemoveSpellRequest, UpdatePowerLevelRequest, UpdateSpellRequest, UpdateSpiritServicesRequest,
};
use rules::shadowrun2::{magic, spells};
use serde_json::{Map, Value, json};
use tonic::Status;

use super::{edit::Edit, entries, refuse, sustaining};
use crate::{
    names, shapes,
    sheet::{Attribute, Focus, KnownFetish, KnownSpell, Sheet, hundredths},
    store::Record,
};

/// Every spell.
pub fn spells(record: &Record, _request: GetSpellsRequest) -> Result<GetSpellsResponse, Status> {
    let sheet = &record.sheet;
    let spells = entries::structs(shapes::spell_list(sheet));
    Ok(GetSpellsResponse { character: sheet.street_name.clone(), spells, magic: sheet.spell_magic() })
}

/// Puts a spell on the sheet.
pub fn add_spell(edit: &mut Edit, request: AddSpellRequest) -> Result<ChangeResponse, Status> {
    let AddSpellRequest {
        spell_name,
        learned_force,
        spell_category,
        spell_type,
        exclusive,
        fetish,
        notes,
        pay_karma,
        ..
    } = request;
    let sheet = &edit.sheet;
    if sheet.spell_magic() == 0 {
        return Err(refuse(format!("{} has no Magic that casts spells", sheet.street_name)));
    }
    let taken = sheet.spells.iter().map(|spell| spell.spell_name.as_str());
    entries::check_new("spell", &spell_name, &sheet.street_name, taken)?;
    let is_known = spells::find_spell(&spell_name).is_ok();
    if !is_known && (spell_category.is_none() || spell_type.is_none()) {
        let nearest = spells::find_spell(&spell_name).err().map(|error| error.to_string()).unwrap_or_default();
        return Err(refuse(format!("{nearest}; a spell of your own needs spell_category and spell_type")));
    }
    if is_known {
        if spell_category.is_some() || spell_type.is_some() {
            edit.notes.push("category and type are the rule book's".to_owned());
        }
    } else {
        edit.notes.push("not in the rule book's directory: cast_spell cannot cast it".to_owned());
    }
    let mut price = String::new();
    if pay_karma.unwrap_or_default() {
        let cost = magic::learn_spell(learned_force).map_err(|error| refuse(error.to_string()))?.karma;
        edit.pay_karma(cost, &format!("{spell_name} at Force {learned_force}"))?;
        price = format!(" for {cost} Good Karma");
    }
    let spell = KnownSpell {
        spell_name,
        learned_force,
        spell_category: spell_category.filter(|_| !is_known),
        spell_type: spell_type.filter(|_| !is_known),
        exclusive: exclusive.unwrap_or_default(),
        fetish: match fetish.as_deref() {
            Some("reusable") => Some(KnownFetish::Reusable),
            Some("expendable") => Some(KnownFetish::Expendable),
            _ => None,
        },
        source: None,
        description: None,
        notes,
    };
    let message = format!("{} knows {} at Force {learned_force}{price}", edit.sheet.street_name, spell.spell_name);
    let entry = shapes::spell_json(&spell);
    edit.sheet.spells.push(spell);
    Ok(edit.done(message, Some(entry)))
}

fn find_spell(sheet: &Sheet, name: &str) -> Result<usize, Status> {
    entries::find(&sheet.spells, "spell", name, &sheet.street_name, |spell| &spell.spell_name)
}

/// Changes the Force of a spell.
pub fn update_spell(edit: &mut Edit, request: UpdateSpellRequest) -> Result<ChangeResponse, Status> {
    let UpdateSpellRequest { character_name: _, spell_name, learned_force, spell_category, reason: _ } = request;
    let index = find_spell(&edit.sheet, &spell_name)?;
    let sheet = &mut *edit.sheet;
    let spell = &mut sheet.spells[index];
    if learned_force.is_none() && spell_category.is_none() {
        return Err(refuse("give learned_force or spell_category"));
    }
    if spell_category.is_some() {
        if spells::find_spell(&spell.spell_name).is_ok() {
            return Err(refuse(format!("the category of {} is the rule book's", spell.spell_name)));
        }
        spell.spell_category = spell_category;
    }
    if let Some(force) = learned_force {
        spell.learned_force = force;
    }
    let entry = shapes::spell_json(spell);
    let message = format!("{}: {} at Force {}", sheet.street_name, spell.spell_name, spell.learned_force);
    Ok(edit.done(message, Some(entry)))
}

/// Takes a spell off the sheet; it is no longer sustained then.
pub fn remove_spell(edit: &mut Edit, request: RemoveSpellRequest) -> Result<ChangeResponse, Status> {
    let index = find_spell(&edit.sheet, &request.spell_name)?;
    let spell = edit.sheet.spells.remove(index);
    sustaining::end(edit, |held| names::is_same(&held.spell_name, &spell.spell_name));
    let message = format!("{} no longer knows {}", edit.sheet.street_name, spell.spell_name);
    Ok(edit.done(message, Some(shapes::spell_json(&spell))))
}

/// Every bound spirit.
pub fn spirits(record: &Record, _request: GetSpiritsRequest) -> Result<GetSpiritsResponse, Status> {
    let spirits = entries::structs(record.sheet.spirits.iter().cloned().map(Value::Object));
    Ok(GetSpiritsResponse { character: record.sheet.street_name.clone(), spirits })
}

/// Binds a spirit.
pub fn add_spirit(edit: &mut Edit, request: AddSpiritRequest) -> Result<ChangeResponse, Status> {
    let AddSpiritRequest { spirit_name, spirit_type, force, services, special_abilities, notes, .. } = request;
    let sheet = &mut edit.sheet;
    let taken = sheet.spirits.iter().map(|spirit| entries::text(spirit, "spirit_name"));
    entries::check_new("spirit", &spirit_name, &sheet.street_name, taken)?;
    let spirit = json!({
        "spirit_name": spirit_name, "spirit_type": spirit_type, "force": force.unwrap_or(1),
        "services": services.unwrap_or(1), "special_abilities": special_abilities, "notes": notes,
    });
    sheet.spirits.push(entries::map(spirit.clone()));
    let message = format!("{spirit_name} is bound to {}", sheet.street_name);
    Ok(edit.done(message, Some(spirit)))
}

/// Sets how many services a spirit owes.
pub fn update_services(edit: &mut Edit, request: UpdateSpiritServicesRequest) -> Result<ChangeResponse, Status> {
    let sheet = &mut edit.sheet;
    let of = |spirit: &Map<String, Value>| entries::text(spirit, "spirit_name").to_owned();
    let all: Vec<String> = sheet.spirits.iter().map(of).collect();
    let index = entries::find(&all, "spirit", &request.spirit_name, &sheet.street_name, |name| name)?;
    sheet.spirits[index].insert("services".into(), request.services.into());
    let entry = Value::Object(sheet.spirits[index].clone());
    let owed = if request.services < 0 { "serves for good".to_owned() } else { format!("owes {}", request.services) };
    let message = format!("{}: {} {owed}", sheet.street_name, all[index]);
    Ok(edit.done(message, Some(entry)))
}

/// Every focus.
pub fn foci(record: &Record, _request: GetFociRequest) -> Result<GetFociResponse, Status> {
    let foci = entries::structs(record.sheet.foci.iter().map(|focus| json!(focus)));
    Ok(GetFociResponse { character: record.sheet.street_name.clone(), foci })
}

/// The kind of a focus as the rules name it: the sheet's format has shorter words.
fn focus_type(request: &AddFocusRequest) -> String {
    let word = request.focus_type.trim().to_lowercase();
    let kind = match word.as_str() {
        "spell" if request.specific_spell.is_none() && request.spell_category.is_some() => "spell category focus",
        "spell" => "specific spell focus",
        "power" => "power focus",
        "spirit" => "spirit focus",
        "weapon" => "weapon focus, small",
        "sustaining" => "spell lock",
        _ => return request.focus_type.clone(),
    };
    kind.to_owned()
}

/// Gives a focus, bonded or not.
pub fn add_focus(edit: &mut Edit, request: AddFocusRequest) -> Result<ChangeResponse, Status> {
    let sheet = &edit.sheet;
    let taken = sheet.foci.iter().map(|focus| focus.focus_name.as_str());
    entries::check_new("focus", &request.focus_name, &sheet.street_name, taken)?;
    let force = request.force.unwrap_or(1);
    let focus_type = focus_type(&request);
    let rule = magic::focus_bonding_karma(&focus_type, force).map_err(|error| refuse(error.to_string()))?;
    let bonded = request.bonded.unwrap_or(true);
    let (held, most) =
        (sheet.foci.iter().filter(|focus| focus.bonded).count(), sheet.attribute(Attribute::Intelligence));
    if bonded && held >= most as usize {
        return Err(refuse(format!(
            "{} has {held} bonded foci, as many as Intelligence {most} allows",
            sheet.street_name
        )));
    }
    let karma_cost = request.karma_cost.unwrap_or(rule);
    if karma_cost != rule {
        edit.notes.push(format!("by the rule book bonding costs {rule}"));
    }
    let mut price = String::new();
    if bonded && request.pay_karma.unwrap_or_default() {
        edit.pay_karma(karma_cost, &format!("bonding {}", request.focus_name))?;
        price = format!(" and bonds it for {karma_cost} Good Karma");
    }
    let focus = Focus {
        focus_name: request.focus_name,
        focus_type,
        force,
        spell_category: request.spell_category,
        specific_spell: request.specific_spell,
        bonus_dice: request.bonus_dice.unwrap_or_default(),
        tn_modifier: request.tn_modifier.unwrap_or_default(),
        bonded,
        karma_cost,
        description: request.description,
        notes: request.notes,
    };
    let message = format!("{} has {}{price}", edit.sheet.street_name, focus.focus_name);
    let entry = json!(focus);
    edit.sheet.foci.push(focus);
    Ok(edit.done(message, Some(entry)))
}

/// Every adept power.
pub fn powers(record: &Record, _request: GetPowersRequest) -> Result<GetPowersResponse, Status> {
    let sheet = &record.sheet;
    Ok(GetPowersResponse {
        character: sheet.street_name.clone(),
        powers: entries::structs(sheet.powers.iter().cloned().map(Value::Object)),
        power_points_total: sheet.power_points_total,
        power_points_used: sheet.power_points_used,
        power_points_available: hundredths(sheet.power_points_total - sheet.power_points_used),
    })
}

/// Gives a power.
pub fn add_power(edit: &mut Edit, request: AddPowerRequest) -> Result<ChangeResponse, Status> {
    let AddPowerRequest { power_name, level, cost, .. } = request;
    let taken = edit.sheet.powers.iter().map(|power| entries::text(power, "power_name"));
    entries::check_new("power", &power_name, &edit.sheet.street_name, taken)?;
    let (level, cost) = (level.unwrap_or(1), cost.unwrap_or_default());
    pay_points(edit, hundredths(cost * f64::from(level)), &power_name)?;
    let power = json!({"power_name": power_name, "level": level, "cost": cost});
    edit.sheet.powers.push(entries::map(power.clone()));
    let message = format!("{} has {power_name} {level}", edit.sheet.street_name);
    Ok(edit.done(message, Some(power)))
}

/// Changes the level of a power.
pub fn update_power_level(edit: &mut Edit, request: UpdatePowerLevelRequest) -> Result<ChangeResponse, Status> {
    let UpdatePowerLevelRequest { character_name: _, power_name, new_level, reason: _ } = request;
    let of = |power: &Map<String, Value>| entries::text(power, "power_name").to_owned();
    let all: Vec<String> = edit.sheet.powers.iter().map(of).collect();
    let index = entries::find(&all, "power", &power_name, &edit.sheet.street_name, |name| name)?;
    let power = &edit.sheet.powers[index];
    let level = power.get("level").and_then(Value::as_f64).unwrap_or(1.0);
    let cost = power.get("cost").and_then(Value::as_f64).unwrap_or_default();
    pay_points(edit, hundredths(cost * (f64::from(new_level) - level)), &all[index])?;
    edit.sheet.powers[index].insert("level".into(), new_level.into());
    let entry = Value::Object(edit.sheet.powers[index].clone());
    let message = format!("{}: {} is at level {new_level}", edit.sheet.street_name, all[index]);
    Ok(edit.done(message, Some(entry)))
}

/// Takes power points; negative ones come back.
fn pay_points(edit: &mut Edit, points: f64, what: &str) -> Result<(), Status> {
    let sheet = &mut edit.sheet;
    let left = hundredths(sheet.power_points_total - sheet.power_points_used);
    if points > left {
        return Err(refuse(format!("{what} takes {points} power points, and {} has {left} left", sheet.street_name)));
    }
    sheet.power_points_used = hundredths(sheet.power_points_used + points).max(0.0);
    Ok(())
}
