//! For whom a game master may act: he changes only the characters of his own table, keeps to its campaign, and the dead
//! neither act nor come back unless a person agrees, whatever a text has told him.

use proto::catalogue::Tool;
use serde_json::{Map, Value};
use service_kit::status::{self, ErrorCode};
use tonic::Status;

use crate::{
    briefing::{self, FULL_TRACK},
    engine::Engine,
};

/// Parameters that name whose character acts or is changed.
const OWNERS: [&str; 4] = ["character_name", "caster_name", "attacker", "attacker_name"];
/// Tools by which somebody acts, and the parameter that names him. To be hurt, healed or described is no deed.
const DEEDS: &[(&str, &str)] = &[
    ("add_specialization", "character_name"),
    ("allocate_pool", "character_name"),
    ("calculate_ranged_attack", "character_name"),
    ("cast_spell", "caster_name"),
    ("conjure_spirit", "character_name"),
    ("drive_vehicle", "character_name"),
    ("first_aid", "healer_name"),
    ("improve_skill", "character_name"),
    ("learn_spell", "character_name"),
    ("melee_combat", "character_name"),
    ("mount_accessory", "character_name"),
    ("notice_spellcasting", "character_name"),
    ("ranged_combat", "character_name"),
    ("reload", "character_name"),
    ("roll_character_initiative", "character_name"),
    ("run_program", "character_name"),
    ("spend_ammo", "character_name"),
    ("spend_karma", "character_name"),
    ("spend_nuyen", "character_name"),
    ("sustain_spell", "character_name"),
    ("take_delayed_action", "name"),
    ("test_skill", "character_name"),
    ("throw_grenade", "character_name"),
    ("update_attribute", "character_name"),
    ("use_spirit_service", "character_name"),
    ("wear_armor", "character_name"),
];

/// What was done to everybody's characters; a game master reads it of his own.
pub(crate) const AUDIT: &str = "get_audit_log";
/// Tools that speak of every campaign where none is named, or hold for all of them.
const EVERYBODYS: [&str; 4] = ["add_house_rule", "get_campaign_npcs", "toggle_house_rule", "update_campaign_npc"];
/// Changes somebody who is named without his campaign.
const UPDATE_NPC: &str = "update_npc";
/// Takes a character into a campaign.
const JOIN_CAMPAIGN: &str = "join_campaign";

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
        if tool == AUDIT && !members.is_empty() && !arguments.contains_key("character_name") {
            let text = format!("{tool}: name a character of this table; there are {}", members.join(", "));
            return Err(refuse(text));
        }
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

    /// Keeps a game master's call to the campaign of its table: the one that was agreed on, or the one that all characters
    /// are in. One that is left out is the table's own. At a table without any character he may read all.
    ///
    /// # Errors
    ///
    /// `FORBIDDEN`: it is about another campaign, or about all of them.
    pub async fn keep_to_campaign(
        &self,
        tool: &Tool,
        arguments: &mut Map<String, Value>,
        members: &[String],
        agreed: &str,
        is_agreed_to: bool,
    ) -> Result<(), Status> {
        let name = tool.name.as_str();
        if !tool.has_parameter("campaign_id") && name != UPDATE_NPC {
            return Ok(());
        }
        let own = self.campaign_of(members, agreed).await;
        if own.is_empty() && members.is_empty() || name == JOIN_CAMPAIGN && is_agreed_to {
            return Ok(());
        }
        let there = if own.is_empty() { "it has none" } else { "leave `campaign_id` out to mean its own" };
        if let Some(named) = arguments.get("campaign_id").and_then(Value::as_str) {
            return match self.find_campaign(named).await?.0 == own {
                true => Ok(()),
                false => Err(refuse(format!("{name}: {named:?} is not this table's campaign; {there}"))),
            };
        }
        if name == UPDATE_NPC {
            let person = self.person(name, arguments, &own).await;
            let Some(id) = person.as_ref().and_then(|person| person["npc_id"].as_str()) else {
                return Err(refuse(format!("{name} was not run: this table's campaign has no such person")));
            };
            arguments.insert("npc_id".into(), id.into());
            return Ok(());
        }
        match own.as_str() {
            "" if EVERYBODYS.contains(&name) => {
                let text = "without a campaign it is about every table's, and this table has none";
                Err(refuse(format!("{name} was not run: {text}")))
            }
            "" => Ok(()),
            own => {
                arguments.insert("campaign_id".into(), own.into());
                Ok(())
            }
        }
    }

    /// Why a person must agree to a game master's call: it brings somebody back from the dead, or takes a character into
    /// another campaign than the table's.
    pub async fn needs_agreement(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        members: &[String],
        agreed: &str,
        scene: &Map<String, Value>,
    ) -> Option<String> {
        let text = |key: &str| arguments.get(key).and_then(Value::as_str);
        let back = match tool {
            "heal" if text("damage_type") != Some("stun") => {
                let sheet = self.sheet(text("character_name")?).await.ok()?;
                let is_dead = sheet["condition_monitor"]["state"] == "dead";
                sheet["street_name"].as_str().filter(|_| is_dead)?.to_owned()
            }
            "update_scene" => raised(scene, arguments)?,
            "wound_fighter" => {
                let is_up = arguments.get("physical").and_then(Value::as_f64).is_some_and(is_not_full);
                dead_foes(scene).find(|foe| is_up && text("name").is_some_and(|name| is_named(foe, name)))?.to_owned()
            }
            UPDATE_NPC | "update_campaign_npc" => {
                let updates = arguments.get("updates").and_then(Value::as_object).unwrap_or(arguments);
                let status = updates.get("status").and_then(Value::as_str).filter(|status| *status != "deceased")?;
                let own = self.campaign_of(members, agreed).await;
                let person =
                    self.person(tool, arguments, &own).await.filter(|person| person["status"] == "deceased")?;
                let name = person["name"].as_str().unwrap_or_default();
                return Some(format!("{name} is dead, and it makes him {status}"));
            }
            JOIN_CAMPAIGN if !members.is_empty() => {
                let own = self.campaign_of(members, agreed).await;
                let (id, title) = self.find_campaign(text("campaign_id")?).await.ok().filter(|(id, _)| *id != own)?;
                return Some(format!("{title} ({id}) is not this table's campaign"));
            }
            _ => return None,
        };
        Some(format!("{back} is dead, and it brings him back"))
    }

    /// The campaign of a table; empty if it has none.
    async fn campaign_of(&self, members: &[String], agreed: &str) -> String {
        match agreed {
            "" => briefing::common_campaign(&self.briefs(members).await),
            agreed => agreed.to_owned(),
        }
    }

    /// The person of a campaign whom a call is about; of any campaign if it is empty.
    async fn person(&self, tool: &str, arguments: &Map<String, Value>, campaign_id: &str) -> Option<Value> {
        let wanted = arguments.get(if tool == UPDATE_NPC { "npc_id" } else { "npc_name" })?.as_str()?;
        let mut within = Map::new();
        if !campaign_id.is_empty() {
            within.insert("campaign_id".into(), campaign_id.into());
        }
        let people = self.look_up("get_campaign_npcs", within).await?;
        let is_he = |person: &&Value| {
            person["npc_id"] == wanted || person["name"].as_str().is_some_and(|name| is_named(name, wanted))
        };
        people["npcs"].as_array()?.iter().find(is_he).cloned()
    }
}

/// The foes of a scene who are dead; who is only stunned may wake up.
fn dead_foes(scene: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let foes = scene.get("foes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let dead = foes.iter().filter(|foe| foe["physical"].as_u64() >= Some(FULL_TRACK));
    dead.filter_map(|foe| foe["name"].as_str())
}

/// Whether so many boxes, in whatever way a model writes numbers, leave somebody standing.
#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn is_not_full(boxes: f64) -> bool {
    boxes < FULL_TRACK as f64
}

/// The dead foe whom a change of the scene would have stand again. The dead stay behind when the scene moves to another
/// place; where it does not, they are not forgotten.
fn raised(scene: &Map<String, Value>, arguments: &Map<String, Value>) -> Option<String> {
    let list = |key: &str| arguments.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let forgets = arguments.get("foes") == Some(&Value::Null) || list("forget").iter().any(|key| key == "foes");
    let place = |of: &Map<String, Value>| of.get("location").and_then(Value::as_str).map(|at| at.trim().to_lowercase());
    let moves_on = place(arguments).is_some_and(|at| Some(at) != place(scene));
    let stands = |dead: &str| {
        let given = list("foes").iter().filter(|foe| foe["name"].as_str().is_some_and(|name| is_named(dead, name)));
        given.into_iter().any(|foe| foe["physical"].as_f64().is_some_and(is_not_full))
    };
    let mut dead = dead_foes(scene);
    let raised = dead.find(|dead| if forgets { !moves_on } else { stands(dead) });
    raised.map(str::to_owned)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(change: Value, expected: Option<&str>) {
        let foes =
            json!([{"name": "Ganger 1", "physical": 10, "stun": 0}, {"name": "Ganger 2", "physical": 2, "stun": 10}]);
        let scene = json!({"location": "Alley", "foes": foes});
        let raised = raised(scene.as_object().unwrap(), change.as_object().unwrap());
        assert_eq!(raised.as_deref(), expected, "{change}");
    }

    #[test]
    fn a_dead_foe_stands_up_in_no_disguise() {
        check(json!({"foes": [{"name": "ganger 1", "physical": 0}]}), Some("Ganger 1"));
        check(json!({"forget": ["foes"]}), Some("Ganger 1"));
        check(json!({"foes": null}), Some("Ganger 1"));
        check(json!({"location": "alley", "forget": ["foes"], "foes": [{"name": "Ganger 1"}]}), Some("Ganger 1"));
        check(json!({"location": "The docks", "foes": [{"name": "Ganger 1", "physical": 0}]}), Some("Ganger 1"));
    }

    #[test]
    fn the_dead_stay_behind_and_the_others_go_on() {
        check(json!({"location": "The docks", "forget": ["foes"]}), None);
        check(json!({"foes": [{"name": "Ganger 1", "note": "searched"}, {"name": "Ganger 2", "stun": 4}]}), None);
        check(json!({"foes": [{"name": "Ganger 1", "physical": 10}, {"name": "Ganger 3", "physical": 0}]}), None);
    }
}
