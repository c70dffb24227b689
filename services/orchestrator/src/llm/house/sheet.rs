//! Reading a character sheet as `get_character` answers it: the nested sheet on top, the flat one under `data`.
//!
//! Nothing is assumed to be there: what is missing is `None` or an empty list.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// "27+4D6" and "27 + 4D6".
static INITIATIVE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)(\d{1,3})\s*\+\s*(\d{1,2})\s*d\s*6").expect("the expression is constant"));

/// "; 10 boxes Physical, 3 Stun.", as a summary tells wounds.
static WOUNDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"; (\d{1,3}) boxes Physical, (\d{1,3}) Stun").expect("the expression is constant"));

/// Builds what is built once.
pub(super) fn prepare() {
    LazyLock::force(&INITIATIVE);
    LazyLock::force(&WOUNDS);
}

/// Whether a character's summary has a track full.
pub(super) fn is_out(summary: &str) -> bool {
    let full = |boxes: &str| boxes.parse::<u32>().is_ok_and(|boxes| 10 <= boxes);
    WOUNDS.captures(summary).is_some_and(|wounds| full(&wounds[1]) || full(&wounds[2]))
}

/// A field of the sheet, from the nested or the flat shape.
pub(super) fn field<'s>(sheet: &'s Value, key: &str) -> Option<&'s Value> {
    let is_there = |value: &&Value| !value.is_null();
    sheet.get(key).filter(is_there).or_else(|| sheet.get("data")?.get(key).filter(is_there))
}

/// A field as text; a number as it is written.
pub(super) fn text(sheet: &Value, key: &str) -> Option<String> {
    plain(field(sheet, key)?)
}

/// A text or a number in plain writing; nothing for what is neither, or empty.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.trim().is_empty()).then(|| text.trim().to_owned()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => Some(format!("{float:.0}")),
            _ => Some(number.to_string()),
        },
        _ => None,
    }
}

/// The entries of a list on the sheet.
pub(super) fn list<'s>(sheet: &'s Value, key: &str) -> &'s [Value] {
    field(sheet, key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A current attribute: "quickness" from `attributes`, or `current_quickness`.
pub(super) fn attribute(sheet: &Value, name: &str) -> Option<String> {
    let nested = field(sheet, "attributes").and_then(|attributes| attributes.get(name)).and_then(plain);
    nested.or_else(|| text(sheet, &format!("current_{name}")))
}

/// The same before ware and the like.
pub(super) fn base_attribute(sheet: &Value, name: &str) -> Option<String> {
    let nested =
        field(sheet, "attributes").and_then(|attributes| attributes.get(format!("{name}_base"))).and_then(plain);
    nested.or_else(|| text(sheet, &format!("base_{name}")))
}

/// A weapon on a sheet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weapon {
    /// Its name.
    pub(super) name: String,
    /// Its class, such as "heavy pistol"; empty if the sheet does not tell.
    pub(super) class: String,
    /// Its damage code; empty if the sheet does not tell.
    pub(super) damage: String,
}

/// All weapons, in the sheet's order, each name once.
pub(super) fn weapons(sheet: &Value) -> Vec<Weapon> {
    let is_weapon = |gear: &&Value| gear.get("gear_type").and_then(Value::as_str) == Some("weapon");
    let flat = list(sheet, "gear").iter().filter(is_weapon);
    let mut weapons: Vec<Weapon> = Vec::new();
    for weapon in list(sheet, "weapons").iter().chain(flat) {
        let Some(name) = text(weapon, "name").or_else(|| text(weapon, "gear_name")) else { continue };
        if weapons.iter().any(|known| known.name == name) {
            continue;
        }
        let stats = weapon.get("stats").or_else(|| weapon.get("weapon_stats")).unwrap_or(&Value::Null);
        let stat = |key: &str| text(weapon, key).or_else(|| text(stats, key)).unwrap_or_default();
        weapons.push(Weapon { name, class: stat("class"), damage: stat("damage") });
    }
    weapons
}

/// The skills of all kinds.
pub(super) fn skills(sheet: &Value) -> Vec<(&'static str, &Value)> {
    let mut skills = Vec::new();
    let nested = sheet.get("skills").filter(|skills| skills.is_object());
    for kind in ["active", "knowledge", "language"] {
        let of_kind = nested.and_then(|skills| skills.get(kind)).and_then(Value::as_array);
        skills.extend(of_kind.into_iter().flatten().map(|skill| (kind, skill)));
    }
    if skills.is_empty() {
        let flat = sheet.get("data").and_then(|data| data.get("skills")).or_else(|| sheet.get("skills"));
        skills.extend(flat.and_then(Value::as_array).into_iter().flatten().map(|skill| ("active", skill)));
    }
    skills
}

/// Initiative as the dice service takes it: "27+4D6" is "4d6+27". Without a line of its own it is Reaction and one die.
pub(super) fn initiative_notation(sheet: &Value) -> Option<String> {
    if let Some(initiative) = text(sheet, "initiative")
        && let Some(parts) = INITIATIVE.captures(&initiative)
    {
        return Some(format!("{}d6+{}", &parts[2], &parts[1]));
    }
    let reaction: u32 = attribute(sheet, "reaction")?.parse().ok()?;
    (reaction < 1000).then(|| format!("1d6+{reaction}"))
}

/// Every roll id in a result, at whatever depth, in order.
pub(super) fn roll_ids(result: &Value) -> String {
    match result {
        Value::Object(map) => {
            let own = map.get("roll_id").and_then(Value::as_str).unwrap_or_default();
            own.to_owned() + &map.values().map(roll_ids).collect::<String>()
        }
        Value::Array(values) => values.iter().map(roll_ids).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn initiative_is_turned_round_for_the_dice() {
        assert_eq!(initiative_notation(&json!({"initiative": "27 +4D6"})).as_deref(), Some("4d6+27"));
        assert_eq!(
            initiative_notation(&json!({"initiative": "-", "attributes": {"reaction": 6}})).as_deref(),
            Some("1d6+6")
        );
        assert_eq!(initiative_notation(&json!({"data": {"current_reaction": 5}})).as_deref(), Some("1d6+5"));
        assert_eq!(initiative_notation(&json!([])), None);
    }

    #[test]
    fn a_weapon_in_both_shapes_counts_once() {
        let sheet = json!({
            "weapons": [{"name": "Ares Alpha"}],
            "data": {"gear": [{"gear_name": "Ares Alpha", "gear_type": "weapon"}, {"gear_name": "Rope", "gear_type": "equipment"}]},
        });
        let names: Vec<String> = weapons(&sheet).into_iter().map(|weapon| weapon.name).collect();
        assert_eq!(names, ["Ares Alpha"]);
    }
}
