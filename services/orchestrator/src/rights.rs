//! For whom a game master may act: he changes only the characters of his own table, and the dead do not act, whatever a
//! text has told him.

use serde_json::{Map, Value};
use service_kit::status::{self, ErrorCode};
use tonic::Status;

use crate::{briefing, engine::Engine};

/// Parameters that name whose character acts or is changed.
const OWNERS: [&str; 4] = ["character_name", "caster_name", "attacker", "attacker_name"];
/// Tools by which somebody acts, and the parameter that names him. To be hurt, healed or described is no deed.
const DEEDS: &[(&str, &str)] = &[
    ("calculate_ranged_attack", "character_name"),
    ("cast_spell", "caster_name"),
    ("conjure_spirit", "character_name"),
    ("drive_vehicle", "character_name"),
    ("first_aid", "healer_name"),
    ("learn_spell", "character_name"),
    ("melee_combat", "character_name"),
    ("notice_spellcasting", "character_name"),
    ("ranged_combat", "character_name"),
    ("reload", "character_name"),
    ("roll_character_initiative", "character_name"),
    ("run_program", "character_name"),
    ("spend_ammo", "character_name"),
    ("sustain_spell", "character_name"),
    ("take_delayed_action", "name"),
    ("test_skill", "character_name"),
    ("throw_grenade", "character_name"),
    ("use_spirit_service", "character_name"),
];

/// The tool that may give a character another name, and what of its `updates` does.
const RENAMES: &str = "update_character_info";
const NAMES: [&str; 2] = ["name", "street_name"];

impl Engine {
    /// Checks a game master's call that has an effect. At a table without any character he may play with all.
    ///
    /// # Errors
    ///
    /// `FORBIDDEN`: somebody else's character is to be changed or one is to be renamed, or somebody is to act who is dead or
    /// dying.
    pub async fn check_rights(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        members: &[String],
        scene: &Map<String, Value>,
    ) -> Result<(), Status> {
        if tool == RENAMES && arguments.get("updates").is_some_and(renames) {
            let text = "a character's name is its player's to change; update_character_info changes the rest";
            return Err(refuse(format!("{tool} was not run: {text}")));
        }
        let doer = DEEDS.iter().find(|(name, _)| *name == tool).map(|(_, key)| *key);
        if let Some(foe) = doer.and_then(|key| arguments.get(key)?.as_str())
            && let Some(fallen) = briefing::fallen_foes(scene).into_iter().find(|fallen| is_named(fallen, foe))
        {
            return Err(refuse(format!("{tool} was not run: {fallen} is out of action and does not act")));
        }
        let named = OWNERS.iter().chain(&doer).filter_map(|key| Some((*key, arguments.get(*key)?.as_str()?)));
        let mut seen = Vec::new();
        for (key, name) in named {
            let is_doer = doer == Some(key);
            let is_owned = members.is_empty() || members.iter().any(|member| is_named(member, name));
            if is_owned && !is_doer || seen.contains(&key) {
                continue;
            }
            seen.push(key);
            // Who is on no sheet is the tool's to refuse; a given name is as good as a street name.
            let Ok(sheet) = self.sheet(name).await else { continue };
            let street_name = sheet["street_name"].as_str().unwrap_or_default();
            if OWNERS.contains(&key) && !is_owned && !members.iter().any(|member| is_named(member, street_name)) {
                let there = members.join(", ");
                return Err(refuse(format!("{tool}: {street_name} is not at this table; there are {there}")));
            }
            let fate = match sheet["condition_monitor"]["state"].as_str() {
                Some("dead") if is_doer => "dead",
                Some("near_death") if is_doer => "dying",
                _ => continue,
            };
            return Err(refuse(format!("{tool} was not run: {street_name} is {fate} and does not act")));
        }
        Ok(())
    }
}

fn renames(updates: &Value) -> bool {
    let keys = updates.as_object().into_iter().flat_map(Map::keys);
    keys.into_iter().any(|key| NAMES.iter().any(|name| key.trim().eq_ignore_ascii_case(name)))
}

/// The old and the new street name, if a call that has been run has given one of a table's characters another.
pub(crate) fn renamed(tool: &str, arguments: &Map<String, Value>, members: &[String]) -> Option<(String, String)> {
    let old = arguments.get("character_name").filter(|_| tool == RENAMES)?.as_str()?;
    let new = arguments.get("updates")?.get("street_name")?.as_str()?.trim();
    let old = members.iter().find(|member| is_named(member, old)).filter(|old| *old != new)?;
    Some((old.clone(), new.to_owned()))
}

fn is_named(member: &str, name: &str) -> bool {
    member.to_lowercase() == name.trim().to_lowercase()
}

fn refuse(text: String) -> Status {
    status::error(ErrorCode::Forbidden, text)
}
