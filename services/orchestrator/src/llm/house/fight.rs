//! A fight: what follows from a deed before the table hears of it. Hits are resisted and wounds marked, the tracker goes
//! on, and foes act until it is a player's turn again.
//!
//! Every step is planned from the last round of calls alone; what must last longer stands in the scene.

use rules::shadowrun2::{
    condition::Level,
    damage::{self, DamageCode, Staged},
};
use serde_json::{Value, json};

use super::{
    conversation::Done,
    foes::{self, Arm, FLED, Foe, SURRENDERED},
    phrases,
    plan::{Call, Table, checked},
    sheet::{list, text},
};

/// Rounds of calls in a turn of a fight; a fight that is not back at a player by then waits for "go on".
pub(super) const MAX_ROUNDS: usize = 10;
/// Tools that answer how the fight stands.
pub(super) const TRACKERS: &[&str] = &["start_combat", "join_combat", "next_actor", "get_combat"];
/// Deeds that use up a character's action in a fight.
const ACTIONS: &[&str] = &[
    "calculate_ranged_attack",
    "melee_combat",
    "cast_spell",
    "test_skill",
    "first_aid",
    "reload",
    "conjure_spirit",
    "drive_vehicle",
    "throw_grenade",
];
/// What stands in the reason of a foe's resistance test.
const RESISTS: &str = " resists ";
/// What stands in the reason of a foe's shot.
pub(super) const SHOOTS: &str = " shoots at ";
/// What stands before his weapon in it.
pub(super) const WITH: &str = " with the ";
/// What stands in the reason of a foe's blow.
pub(super) const STRIKES: &str = " strikes at ";

/// How the fight stands, by the last answer of the tracker in this turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing<'r> {
    /// Whose move it is; empty if nobody can act.
    pub(super) actor: &'r str,
    pub(super) is_running: bool,
    pub(super) result: &'r Value,
}

/// How the fight stands, if this turn has asked.
pub(super) fn standing<'r>(table: &Table<'r>) -> Option<Standing<'r>> {
    let last = table.done().iter().rev().find(|done| TRACKERS.contains(&done.tool) && !done.failed)?;
    Some(standing_of(last.result))
}

fn standing_of(result: &Value) -> Standing<'_> {
    let actor = result.get("actor").and_then(Value::as_str).unwrap_or_default();
    let is_running = result.get("running").and_then(Value::as_bool).unwrap_or_default();
    Standing { actor, is_running, result }
}

/// The fight that goes on at the table, by its id.
pub(super) fn running_id(table: &Table<'_>) -> Option<String> {
    let last = |tool: &str| table.done().iter().rposition(|done| done.tool == tool && !done.failed);
    let has_ended = last("start_combat") < last("end_combat");
    let started = standing(table).filter(|standing| standing.is_running);
    let started = started.and_then(|standing| text(standing.result, "combat_id"));
    started.or_else(|| table.scene("combat_id").map(str::to_owned)).filter(|_| !has_ended)
}

/// A hit that has not been resisted yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hit {
    pub(super) target: String,
    pub(super) code: DamageCode,
    pub(super) successes: u32,
    is_melee: bool,
}

/// The calls that follow from the last round, none if nothing does.
pub(super) fn follow_up(table: &Table<'_>) -> Vec<Call> {
    let last = table.done().iter().map(|done| done.round).max().unwrap_or_default();
    let is_busy = table.turns.last().is_some_and(|turn| MAX_ROUNDS <= turn.rounds);
    if last == 0 || is_busy || !table.offers("update_scene") {
        return Vec::new();
    }
    let round = Round::new(table, last);
    let mut plan: Vec<(&'static str, Value)> = Vec::new();
    let hits = round.hits(last);
    plan.extend(hits.iter().filter_map(|hit| round.resistance(hit)));
    plan.extend(round.without_kept_dice());
    plan.extend(round.blows_of_foes());
    plan.extend(round.spells_at_characters());

    let mut foes = round.foes.clone();
    let is_new = round.mark_wounds(&mut foes) || round.lose_heart(&mut foes);
    let changed: Vec<&Foe> = foes.iter().filter(|foe| is_new && !round.foes.contains(foe)).collect();
    let is_won = !foes.is_empty() && !foes.iter().any(Foe::is_up);
    let is_over = is_won || round.is_lost();
    let fight = running_id(table);

    let mut scene = json!({});
    if !changed.is_empty() {
        scene["foes"] = changed.iter().map(|foe| foe_json(foe)).collect();
    }
    if let Some(id) = round.new_fight() {
        scene["combat_id"] = id.into();
    }
    let has_resistance_to_come = hits.iter().any(|hit| !table.is_character(&hit.target));
    match fight {
        Some(id) if is_over && !has_resistance_to_come => {
            scene["forget"] = json!(["combat_id", "target", "target_movement"]);
            plan.push(("end_combat", json!({"combat_id": id})));
        }
        Some(id) if !has_resistance_to_come && round.is_next_due() => {
            plan.extend(round.act_of_foe(&foes));
            plan.push(("next_actor", json!({"combat_id": id})));
        }
        _ => {}
    }
    if scene != json!({}) {
        plan.insert(0, ("update_scene", scene));
    }
    plan.into_iter().filter_map(|(tool, arguments)| checked(table, tool, arguments).ok()).collect()
}

fn foe_json(foe: &Foe) -> Value {
    let mut told = json!({"name": foe.name, "physical": foe.physical, "stun": foe.stun});
    if !foe.note.is_empty() {
        told["note"] = foe.note.clone().into();
    }
    told
}

/// The last round of a turn's calls.
struct Round<'t, 'r> {
    table: &'t Table<'r>,
    last: usize,
    /// As the scene has them.
    foes: Vec<Foe>,
}

impl<'t, 'r> Round<'t, 'r> {
    fn new(table: &'t Table<'r>, last: usize) -> Round<'t, 'r> {
        Round { table, last, foes: foes::of_scene(&table.request.scene) }
    }

    fn of(&self, round: usize) -> impl Iterator<Item = &'t Done<'r>> {
        self.table.done().iter().filter(move |done| done.round == round && !done.failed)
    }

    /// What hit in that round and must be resisted.
    fn hits(&self, round: usize) -> Vec<Hit> {
        self.of(round).flat_map(|done| hit(done).into_iter().chain(blast(done))).collect()
    }

    /// The test that resists a hit: a character's by his sheet, a foe's by his kind.
    fn resistance(&self, hit: &Hit) -> Option<(&'static str, Value)> {
        let Hit { target, code, successes, is_melee } = hit;
        if self.table.is_character(target) {
            let armor = if *is_melee { "impact" } else { "ballistic" };
            return Some((
                "resist_damage",
                json!({
                    "character_name": target, "damage_code": code.to_string(), "attacker_successes": successes,
                    "armor_type": armor, "melee": is_melee.then_some(true), "combat_pool": self.table.kept_dice(target),
                }),
            ));
        }
        let kind = foes::kind(target);
        let armor = if *is_melee { kind.armor.impact } else { kind.armor.ballistic };
        let number = damage::resistance_target_number(code.power, armor);
        let reason = format!("{}{RESISTS}{code}", foes::subject(target));
        Some(("roll_dice", json!({"pool": kind.body, "target_number": number, "reason": reason})))
    }

    /// Dice that were kept and are no longer there: the hit is resisted without them.
    fn without_kept_dice(&self) -> Vec<(&'static str, Value)> {
        let refused = self.table.done().iter().filter(|done| done.round == self.last && lacks_kept_dice(done));
        let again = refused.map(|done| {
            let mut arguments = done.arguments.clone();
            arguments.remove("combat_pool");
            ("resist_damage", Value::Object(arguments))
        });
        again.collect()
    }

    /// Blows and shots of foes that struck home are resisted by those they were meant for.
    fn blows_of_foes(&self) -> Vec<(&'static str, Value)> {
        let struck = |done: &Done<'_>| {
            let (foe, target) = shot_of_foe(done)?;
            let successes = whole(done.result, "successes").filter(|successes| 0 < *successes)?;
            let Arm::Gun(gun) = foes::kind(&foe).arm else { return None };
            let code = foes::gun_damage(gun)?;
            self.resistance(&Hit { target, code, successes, is_melee: false })
        };
        self.of(self.last).filter_map(struck).collect()
    }

    /// A combat spell has been resisted already: its wound only has to be marked.
    fn spells_at_characters(&self) -> Vec<(&'static str, Value)> {
        let marked = |done: &Done<'_>| {
            let (target, level, is_stun) = wound_by_spell(done)?;
            let kind = if is_stun { "stun" } else { "physical" };
            let letter = level.letter().to_string();
            let call = json!({"character_name": target, "level": letter, "damage_type": kind});
            self.table.is_character(&target).then_some(("apply_damage", call))
        };
        self.of(self.last).filter_map(marked).collect()
    }

    /// Marks what foes have not resisted. Answers whether there was anything.
    fn mark_wounds(&self, foes: &mut Vec<Foe>) -> bool {
        let mut wounds: Vec<(String, u32, bool)> = Vec::new();
        for (hit, level) in self.resisted(self.last) {
            wounds.push((hit.target, level.map_or(0, Level::boxes), hit.code.stun));
        }
        let spells = self.of(self.last).filter_map(wound_by_spell);
        let spells = spells.filter(|(target, ..)| !self.table.is_character(target));
        wounds.extend(spells.map(|(target, level, is_stun)| (target, level.boxes(), is_stun)));
        let is_any = !wounds.is_empty();
        for (target, boxes, is_stun) in wounds {
            let name = foes::find(foes, &target).map(|foe| foe.name.clone());
            let name = name.unwrap_or_else(|| foes::singular(foes::bare(&target)));
            if !foes.iter().any(|foe| foe.name == name) {
                foes.push(Foe::new(&name));
            }
            let foe = foes.iter_mut().find(|foe| foe.name == name);
            foe.into_iter().for_each(|foe| foe.hurt(boxes, is_stun));
        }
        is_any
    }

    /// The hits of the round before that round with the wounds their resistance leaves.
    fn resisted(&self, round: usize) -> Vec<(Hit, Option<Level>)> {
        let hits = self.hits(round - 1).into_iter().filter(|hit| !self.table.is_character(&hit.target));
        let tests = self.of(round).filter(|done| is_resistance(done));
        let staged = |(hit, test): (Hit, &Done<'_>)| {
            let level = match damage::stage(hit.code.level, hit.successes, whole(test.result, "successes").unwrap_or(0))
            {
                Staged::Wound(level) => Some(level),
                Staged::Miss | Staged::None => None,
            };
            (hit, level)
        };
        hits.zip(tests).map(staged).collect()
    }

    /// A foe who is badly hurt may fight on, run or give up, when it is his move.
    fn lose_heart(&self, foes: &mut [Foe]) -> bool {
        let actor = self.actor_now();
        let Some(foe) = foes.iter_mut().find(|foe| Some(foe.name.as_str()) == actor) else { return false };
        if !foe.is_up() || !foe.is_shaken() {
            return false;
        }
        match (self.table.variety() >> 7) % 4 {
            0 => foe.note = SURRENDERED.to_owned(),
            1 => foe.note = FLED.to_owned(),
            _ => return false,
        }
        true
    }

    /// Whose move it is by the tracker's last answer in this turn.
    fn actor_now(&self) -> Option<&'r str> {
        let standing = standing(self.table).filter(|standing| standing.is_running);
        standing.map(|standing| standing.actor).filter(|_| running_id(self.table).is_some())
    }

    /// A fight that began in this round.
    fn new_fight(&self) -> Option<String> {
        let started = self.of(self.last).find(|done| done.tool == "start_combat")?;
        text(started.result, "combat_id")
    }

    /// Whether the tracker must go on: a foe has the move, or the character's deed is done.
    fn is_next_due(&self) -> bool {
        let Some(actor) = self.actor_now().filter(|actor| !actor.is_empty()) else { return false };
        if !self.table.is_character(actor) || self.is_down(actor) {
            return true;
        }
        let all = self.table.done();
        let asked = all.iter().rposition(|done| TRACKERS.contains(&done.tool) && !done.failed).unwrap_or_default();
        all[asked..].iter().any(|done| is_deed(done) && !done.failed)
    }

    /// Whether the character is out of action: by this turn's wounds, or by his sheet as the turn began.
    fn is_down(&self, character: &str) -> bool {
        let is_his = |done: &&Done<'_>| {
            let name = done.arguments.get("character_name").and_then(Value::as_str);
            matches!(done.tool, "resist_damage" | "apply_damage") && name == Some(character)
        };
        let last = self.table.done().iter().rev().find(is_his);
        let state = last.and_then(|done| text(done.result.get("condition")?, "state"));
        state.map_or_else(|| self.table.is_out_by_sheet(character), |state| state != "acting")
    }

    /// Whether no character is left who can act.
    fn is_lost(&self) -> bool {
        let characters = &self.table.request.characters;
        !characters.is_empty() && characters.iter().all(|brief| self.is_down(&brief.name))
    }

    /// What the foe does whose move it is.
    fn act_of_foe(&self, foes: &[Foe]) -> Option<(&'static str, Value)> {
        let actor = self.actor_now().filter(|actor| !self.table.is_character(actor))?;
        let named = foes::find(foes, actor).cloned();
        let foe = named.unwrap_or_else(|| Foe::new(actor));
        if !foe.is_up() {
            return None;
        }
        let standing: Vec<&str> = self.table.request.characters.iter().map(|brief| brief.name.as_str()).collect();
        let standing: Vec<&str> = standing.into_iter().filter(|name| !self.is_down(name)).collect();
        let seed = self.table.variety() ^ phrases::hash(&format!("{actor}{}", self.last));
        let target = phrases::pick(seed, &standing);
        if target.is_empty() {
            return None;
        }
        let kind = foe.kind();
        let who = foes::subject(&foe.name);
        match kind.arm {
            Arm::Gun(gun) => {
                let number = foe.target_number(
                    gun,
                    foe.distance_m().or(self.table.scene_distance()),
                    self.table.scene("light_level"),
                )?;
                let reason = format!("{who}{SHOOTS}{target}{WITH}{gun}");
                Some(("roll_dice", json!({"pool": kind.skill, "target_number": number, "reason": reason})))
            }
            // Both sides may be hurt in close combat; the character answers bare-handed.
            Arm::Melee(weapon) => Some((
                "melee_combat",
                json!({
                    "character_name": target, "weapon_name": "Unarmed", "target_name": foe.name, "target_weapon": weapon,
                    "target_skill": kind.skill, "target_strength": kind.strength,
                    "reason": format!("{who}{STRIKES}{target}"),
                }),
            )),
        }
    }
}

/// The hit that a call's result tells of.
fn hit(done: &Done<'_>) -> Option<Hit> {
    let code = || text(done.result.get("damage")?, "code")?.parse::<DamageCode>().ok();
    match done.tool {
        "calculate_ranged_attack" => {
            let is_hit = done.result.get("hit").is_some_and(|hit| hit == true);
            let target = done.arguments.get("target_description").and_then(Value::as_str).unwrap_or("target");
            let successes = whole(done.result, "successes")?;
            Some(Hit { target: target.to_owned(), code: code()?, successes, is_melee: false }).filter(|_| is_hit)
        }
        "melee_combat" => {
            let target = text(done.result, "damaged")?;
            let successes = whole(done.result, "net_successes")?;
            Some(Hit { target, code: code()?, successes: successes.max(1), is_melee: true })
        }
        _ => None,
    }
}

/// Whom a grenade's blast hits: nobody aimed at him, so that one success counts.
fn blast(done: &Done<'_>) -> Vec<Hit> {
    if done.tool != "throw_grenade" {
        return Vec::new();
    }
    let victim = |victim: &Value| {
        let code = text(victim, "damage_code")?.parse().ok()?;
        Some(Hit { target: text(victim, "name")?, code, successes: 1, is_melee: true })
    };
    list(done.result, "victims").iter().filter_map(victim).collect()
}

/// Whom a spell has wounded, how badly, and whether it is Stun.
fn wound_by_spell(done: &Done<'_>) -> Option<(String, Level, bool)> {
    if done.tool != "cast_spell" || done.result.get("takes_effect").is_none_or(|takes| takes != true) {
        return None;
    }
    let level = Level::parse(&text(done.result, "wound_level")?).ok()?;
    let target = text(done.result, "target").or_else(|| text(&Value::Object(done.arguments.clone()), "target_name"))?;
    let spell = text(done.result, "spell").unwrap_or_default().to_lowercase();
    Some((target, level, spell.contains("sleep") || spell.contains("stun")))
}

/// Whether a test against damage failed for want of dice that were kept.
pub(super) fn lacks_kept_dice(done: &Done<'_>) -> bool {
    done.failed && done.tool == "resist_damage" && done.arguments.contains_key("combat_pool") && reason(done).is_empty()
}

/// Whether a roll is a foe's resistance test.
pub(super) fn is_resistance(done: &Done<'_>) -> bool {
    done.tool == "roll_dice" && reason(done).contains(RESISTS)
}

/// The foe who shot with a roll, and at whom.
pub(super) fn shot_of_foe(done: &Done<'_>) -> Option<(String, String)> {
    if done.tool != "roll_dice" {
        return None;
    }
    let (foe, rest) = reason(done).split_once(SHOOTS)?;
    let (target, _) = rest.rsplit_once(WITH)?;
    Some((foes::bare(foe).to_owned(), target.to_owned()))
}

/// Whether a roll or a blow is a foe's, or a foe's test.
pub(super) fn is_of_foe(done: &Done<'_>) -> bool {
    is_resistance(done) || shot_of_foe(done).is_some() || reason(done).contains(STRIKES)
}

/// Whether a call is a character's deed, not a foe's.
fn is_deed(done: &Done<'_>) -> bool {
    ACTIONS.contains(&done.tool) && !reason(done).contains(STRIKES)
}

/// The wounds that foes' tests of this round leave, in their order.
pub(super) fn wounds(table: &Table<'_>, round: usize) -> Vec<(Hit, Option<Level>)> {
    if round == 0 { Vec::new() } else { Round::new(table, round).resisted(round) }
}

pub(super) fn reason<'d>(done: &'d Done<'_>) -> &'d str {
    done.arguments.get("reason").and_then(Value::as_str).unwrap_or_default()
}

/// A count in a result.
fn whole(result: &Value, key: &str) -> Option<u32> {
    let number = result.get(key)?.as_f64().filter(|number| (0.0..1000.0).contains(number))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies in 0..1000")]
    let whole = number.round() as u32;
    Some(whole)
}
