//! What describes a character, and what the game master sets in place of the rules' figures.

use proto::character::v1::{ChangeResponse, UpdateCharacterInfoRequest, UpdateDerivedStatsRequest};
use serde_json::{Map, Value};
use tonic::Status;

use super::{check_name, edit::Edit, entries, refuse};
use crate::{
    names,
    sheet::{Attribute, FULL_ESSENCE, ModifierType, Sheet, SheetModifier, hundredths, new_id},
};

/// What describes a character.
const INFO: &[&str] = &[
    "name",
    "street_name",
    "character_type",
    "archetype",
    "metatype",
    "sex",
    "age",
    "height",
    "weight",
    "hair",
    "eyes",
    "skin",
    "lifestyle",
    "lifestyle_cost",
    "lifestyle_months_prepaid",
    "totem",
    "tradition",
    "magical_group",
    "metamagics",
    "background",
    "notes",
];
/// Those of them that may be long.
const LONG: &[&str] = &["background", "notes"];
/// Longest of the others, in characters.
const MAX_SHORT: usize = 200;

/// Figures that the rules compute, or that limit what they compute.
const DERIVED: &[&str] = &[
    "initiative",
    "reaction",
    "essence",
    "magic",
    "combat_pool",
    "magic_pool",
    "hacking_pool",
    "control_pool",
    "task_pool",
    "body_index_max",
    "essence_hole",
    "power_points_total",
    "power_points_used",
    "initiate_level",
    "vehicle_control_rig",
];
/// Source type of a modifier that stands for the game master's figure.
const OVERRIDE: &str = "override";
/// Largest figure that can be set.
const MOST: u64 = 1000;

/// Changes what describes a character.
pub fn update(edit: &mut Edit, request: UpdateCharacterInfoRequest) -> Result<ChangeResponse, Status> {
    let updates = entries::updates(request.updates, INFO)?;
    for (key, value) in &updates {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if !LONG.contains(&key.as_str()) && length > MAX_SHORT {
            return Err(refuse(format!("`{key}` has at most {MAX_SHORT} characters, not {length}")));
        }
    }
    for key in ["name", "street_name"] {
        if let Some(name) = updates.get(key) {
            let name = name.as_str().ok_or_else(|| refuse(format!("`{key}` is a text")))?;
            if key == "street_name" || !name.is_empty() {
                check_name(name)?;
            }
        }
    }
    let changed: Vec<&str> = updates.keys().map(String::as_str).collect();
    let message = format!("{}: {} changed", edit.sheet.street_name, changed.join(", "));
    let entry = Value::Object(updates.clone());
    *edit.sheet = entries::merged(&*edit.sheet, updates)?;
    Ok(edit.done(message, Some(entry)))
}

/// Sets figures in place of the rules'.
pub fn update_derived(edit: &mut Edit, request: UpdateDerivedStatsRequest) -> Result<ChangeResponse, Status> {
    let updates = entries::updates(request.updates, DERIVED)?;
    let mut told = Vec::new();
    for (key, value) in &updates {
        set(&mut edit.sheet, key, value)?;
        told.push(match value {
            Value::Null => format!("{key} is by the rules"),
            Value::String(text) => format!("{key} is {text}"),
            other => format!("{key} is {other}"),
        });
    }
    let message = format!("{}: {}", edit.sheet.street_name, told.join(", "));
    Ok(edit.done(message, Some(Value::Object(Map::from_iter(updates)))))
}

fn set(sheet: &mut Sheet, key: &str, value: &Value) -> Result<(), Status> {
    let pool = |sheet: &Sheet| match key {
        "combat_pool" => sheet.combat_pool(),
        "magic_pool" => sheet.magic_pool(),
        "hacking_pool" => sheet.hacking_pool(),
        "control_pool" => sheet.control_pool(),
        _ => sheet.task_pool(),
    };
    match key {
        "initiative" => {
            let wanted = match value {
                Value::Null => None,
                value => Some(value.as_str().and_then(initiative).ok_or_else(|| {
                    refuse("initiative is a fixed part and dice, such as 9+2D6: 0 to 1000, and 1 to 20 dice")
                })?),
            };
            let (fixed, dice) = (wanted.map(|wanted| wanted.0), wanted.map(|wanted| wanted.1));
            replace(sheet, ModifierType::Initiative, "initiative", fixed, |sheet| sheet.initiative_parts().0)?;
            replace(sheet, ModifierType::Initiative, "initiative_dice", dice, |sheet| sheet.initiative_parts().1)
        }
        "reaction" => {
            let current = |sheet: &Sheet| sheet.attribute(Attribute::Reaction);
            replace(sheet, ModifierType::Attribute, key, whole(key, value)?, current)
        }
        "magic" => replace(sheet, ModifierType::Attribute, key, whole(key, value)?, Sheet::magic),
        "essence" => {
            let wanted = fraction(key, value, FULL_ESSENCE)?;
            sheet.essence_adjustment = 0.0;
            if let Some(wanted) = wanted {
                sheet.essence_adjustment = hundredths(wanted - sheet.essence());
            }
            Ok(())
        }
        "body_index_max" => fraction(key, value, 50.0).map(|value| sheet.body_index_max = value.unwrap_or_default()),
        "essence_hole" => {
            fraction(key, value, FULL_ESSENCE).map(|value| sheet.essence_hole = value.unwrap_or_default())
        }
        "power_points_total" => {
            fraction(key, value, 100.0).map(|value| sheet.power_points_total = value.unwrap_or_default())
        }
        "power_points_used" => {
            fraction(key, value, 100.0).map(|value| sheet.power_points_used = value.unwrap_or_default())
        }
        "initiate_level" => whole(key, value).map(|value| sheet.initiate_level = value.unwrap_or_default()),
        "vehicle_control_rig" => whole(key, value).map(|value| sheet.vehicle_control_rig = value.unwrap_or_default()),
        _ => replace(sheet, ModifierType::Pool, key, whole(key, value)?, pool),
    }
}

/// Makes a computed figure what is wanted, by a modifier that stands for the difference.
fn replace(
    sheet: &mut Sheet,
    modifier_type: ModifierType,
    target: &str,
    wanted: Option<u32>,
    current: impl Fn(&Sheet) -> u32,
) -> Result<(), Status> {
    sheet.modifiers.retain(|modifier| {
        modifier.source_type != OVERRIDE
            || modifier.modifier_type != modifier_type
            || !names::is_same(&modifier.target_name, target)
    });
    let Some(wanted) = wanted else { return Ok(()) };
    let rule = current(sheet);
    if rule == wanted {
        return Ok(());
    }
    let difference = i64::from(wanted) - i64::from(rule);
    sheet.modifiers.push(SheetModifier {
        id: new_id(),
        modifier_type,
        target_name: target.to_owned(),
        modifier_value: i32::try_from(difference).map_err(|_| refuse(format!("{target} cannot be {wanted}")))?,
        source: "set by the game master".to_owned(),
        source_type: OVERRIDE.to_owned(),
        notes: None,
        spell: None,
    });
    let now = current(sheet);
    if now != wanted {
        return Err(refuse(format!("{} can have no {target} of {wanted}: it stays {now}", sheet.street_name)));
    }
    Ok(())
}

/// `9+2D6`: the fixed part, and the dice.
pub fn initiative(text: &str) -> Option<(u32, u32)> {
    let text = text.to_lowercase().replace(' ', "");
    let (fixed, dice) = text.strip_suffix("d6")?.split_once('+')?;
    let (fixed, dice) = (fixed.parse().ok()?, dice.parse().ok()?);
    (fixed <= 1000 && (1..=20).contains(&dice)).then_some((fixed, dice))
}

fn whole(key: &str, value: &Value) -> Result<Option<u32>, Status> {
    if value.is_null() {
        return Ok(None);
    }
    let number = entries::whole(value).filter(|number| *number <= MOST).and_then(|number| u32::try_from(number).ok());
    number.map(Some).ok_or_else(|| refuse(format!("`{key}` is a whole number of 0 to {MOST}, not {value}")))
}

fn fraction(key: &str, value: &Value, most: f64) -> Result<Option<f64>, Status> {
    if value.is_null() {
        return Ok(None);
    }
    let number = entries::number(value).filter(|number| (0.0..=most).contains(number));
    number
        .map(|number| Some(hundredths(number)))
        .ok_or_else(|| refuse(format!("`{key}` is a number of 0 to {most}, not {value}")))
}
