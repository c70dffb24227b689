//! A fight in words: whose move it is, who is hit, who still stands. Every number in it stands in a result.

use serde_json::Value;

use super::{
    conversation::Done,
    fight::{self, Standing},
    foes::{self, FLED, Foe, SURRENDERED, TRACK, subject},
    narrate::{drained, joined, level_word, paragraphs, rolled, sentence, target_number},
    phrases::{REFUSED, and_list, capital, fill, pick, with_article},
    plan::Table,
    sheet::{list, plain, text},
    understand::Action,
};

pub(super) const ASK_FOES: &str = "A fight against whom? Name them, \"two gangers and a troll attack us\", or the one you aim at, and \
    I roll initiative for everybody.";
pub(super) const ASK_OPPONENT: &str = "At whom do you strike? Name your opponent.";
pub(super) const NOT_YOURSELF: &str = "A shot at yourself needs no dice. Say how bad it is, \"I take a moderate wound\", and I mark it. \
    Nothing is rolled.";
pub(super) const NO_FIGHT: &str =
    "No fight is on. \"Two gangers attack us\" brings some foes, and \"roll initiative\" begins it.";
pub(super) const NO_REST: &str = "Nobody rests while a fight is on. Say \"end combat\" if it is over.";
pub(super) const TOO_MANY_TARGETS: &str =
    "A phase has two Simple Actions, and each is one shot: name two targets at the most.";
/// A job is remembered.
pub(super) const JOB_KEPT: &str = "\"Where are we?\" brings the job back to mind.";
pub(super) const LEAD_REST: &[&str] =
    &["You find a dry place and close your eyes.", "You lie low for a while.", "Doors locked, curtains drawn: a rest."];

const LEADS_MELEE: &[&str] = &[
    "{who}you close in on {target}, {weapon} first.",
    "{who}two steps, and you are at {target} with {weapon}.",
    "{who}you go for {target} with {weapon}.",
];

pub(super) fn lead_melee(variety: u64, name: Option<&String>, weapon: &str, target: &str) -> String {
    let who = name.map(|name| format!("{name}: ")).unwrap_or_default();
    let weapon = match weapon {
        "Unarmed" => "bare hands".to_owned(),
        weapon => format!("the {}", weapon.to_lowercase()),
    };
    let target = with_article(target);
    let values = [("who", who.as_str()), ("weapon", weapon.as_str()), ("target", target.as_str())];
    capital(&fill(pick(variety, LEADS_MELEE), &values))
}

pub(super) fn lead_pass(actor: &str) -> String {
    if actor.is_empty() { String::new() } else { format!("{actor} waits.") }
}

pub(super) fn lead_first_aid(healer: &str, patient: &str) -> String {
    if healer == patient {
        return format!("{healer} opens the medkit; doctor and patient are one.");
    }
    format!("{healer} opens the medkit and sees to {patient}.")
}

pub(super) fn lead_reload(weapon: &str) -> String {
    format!("The old clip drops, a fresh one slides into the {weapon}.")
}

/// The target of a deed is out of the fight.
pub(super) fn is_down(name: &str, foes: &[Foe]) -> String {
    let up: Vec<String> = foes.iter().filter(|foe| foe.is_up()).map(|foe| with_article(&foe.name)).collect();
    let rest = if up.is_empty() {
        "Nobody is left to fight.".to_owned()
    } else {
        format!("Still up: {}. Whom do you mean?", and_list(&up))
    };
    format!("{} is out of the fight already. {rest}", subject(name))
}

/// It is somebody else's move.
pub(super) fn not_his_move(table: &Table<'_>, standing: &Standing<'_>, name: &str) -> String {
    let told = super::narrate::outcome(table);
    let later = list(standing.result, "upcoming").iter().find(|action| text(action, "name").as_deref() == Some(name));
    let later = match later.and_then(|action| text(action, "phase")) {
        Some(phase) => format!("{name} acts next in phase {phase}."),
        None => format!("{name} acts again in the next turn."),
    };
    let now = match standing.actor {
        "" => "Nobody can act just now.".to_owned(),
        actor => format!("It is {actor}'s move, not {name}'s. {later} \"Pass\" lets {actor} wait."),
    };
    paragraphs(&[told, now])
}

/// The words for a call of a fight, empty for what is no news.
pub(super) fn told(table: &Table<'_>, done: &Done<'_>) -> String {
    let result = done.result;
    match done.tool {
        "start_combat" | "join_combat" => began(result),
        "end_combat" => ended(table),
        "resist_damage" => resisted(result),
        "first_aid" | "heal" => healed(done),
        "melee_combat" => melee(table, done),
        "roll_dice" => match fight::shot_of_foe(done) {
            Some((foe, target)) => shot(table, done, &foe, &target),
            None => foe_resists(table, done),
        },
        "conjure_spirit" => conjured(table, result),
        "drive_vehicle" => driven(result),
        "throw_grenade" => thrown(result),
        "use_karma" => {
            with_figures(result, text(result, "message").map(|told| sentence(&capital(&told))).unwrap_or_default())
        }
        "get_combat_pool" => kept(table, result),
        "get_combat" | "next_actor" if table.meaning.action == Action::Order => began(result),
        "get_combat" | "next_actor" => String::new(),
        _ => text(result, "message").map(|message| sentence(&capital(&message))).unwrap_or_default(),
    }
}

/// A story with the figures of its test.
fn with_figures(result: &Value, story: String) -> String {
    let number =
        ["target_number", "final_tn"].iter().map(|key| target_number(result, key)).find(|line| !line.is_empty());
    let dice = text(result, "dice_pool").map(|dice| format!("Dice: {dice}.")).unwrap_or_default();
    let rolls = result.get("roll").filter(|roll| roll.is_object());
    let rolls = rolls.map(|roll| rolled(Some(roll), text(result, "successes"))).unwrap_or_default();
    paragraphs(&[story, joined(vec![number.unwrap_or_default(), dice, rolls])])
}

fn driven(result: &Value) -> String {
    let vehicle = text(result, "vehicle").unwrap_or_else(|| "vehicle".to_owned());
    let crash = text(result, "crash_damage").filter(|code| !code.is_empty());
    let story = match crash {
        Some(code) => format!("The {vehicle} crashes, and whoever is in it resists {code}."),
        None if result.get("success").is_some_and(|success| success == true) => {
            format!("The {vehicle} does what the wheel says.")
        }
        None => format!("The {vehicle} slides where it likes."),
    };
    with_figures(result, story)
}

fn thrown(result: &Value) -> String {
    let grenade = text(result, "grenade").unwrap_or_default();
    let scatter = result.get("scatter").and_then(|scatter| text(scatter, "distance")).filter(|metres| metres != "0");
    let landing = match scatter {
        Some(metres) => format!("The {grenade} grenade lands {metres} metres off."),
        None => format!("The {grenade} grenade lands where it was aimed."),
    };
    let code = text(result, "damage_code").map(|code| format!("It bursts with {code}.")).unwrap_or_default();
    with_figures(result, joined(vec![landing, code]))
}

/// A spirit that came, or not, and the drain.
fn conjured(table: &Table<'_>, result: &Value) -> String {
    let spirit = text(result, "spirit_type").unwrap_or_else(|| "spirit".to_owned());
    let services = text(result, "services").filter(|services| services != "0");
    let story = match services.as_deref() {
        Some("1") => format!("The {spirit} comes, and owes you 1 service."),
        Some(services) => format!("The {spirit} comes, and owes you {services} services."),
        None => format!("You call, and no {spirit} comes."),
    };
    let dice = text(result, "dice_pool").map(|dice| format!("Dice: {dice}.")).unwrap_or_default();
    let figures =
        vec![target_number(result, "target_number"), dice, rolled(result.get("roll"), text(result, "successes"))];
    let drain = result.get("drain").map(|drain| drained(table, drain)).unwrap_or_default();
    paragraphs(&[story, joined(figures), drain])
}

/// Combat Pool dice that are kept, if there are so many.
fn kept(table: &Table<'_>, result: &Value) -> String {
    let name = text(result, "character").unwrap_or_else(|| "The character".to_owned());
    let dice = table.meaning.details.defence_pool.unwrap_or_default();
    let combat = list(result, "pools").iter().find(|pool| text(pool, "pool").as_deref() == Some("combat"));
    let left = combat.and_then(|pool| text(pool, "left"));
    if let Some(left) = left.filter(|left| left.parse::<u32>().is_ok_and(|left| left < dice)) {
        return format!("{REFUSED} {name} has only {left} Combat Pool dice left.");
    }
    format!("{name} keeps {dice} Combat Pool dice for defence. They resist what hits before {name}'s next action.")
}

fn began(result: &Value) -> String {
    let fighter = |fighter: &Value| {
        let name = text(fighter, "name")?;
        let phases: Vec<String> = list(fighter, "phases").iter().filter_map(plain).collect();
        let initiative = text(fighter, "initiative").unwrap_or_default();
        Some(match text(fighter, "note").filter(|_| phases.is_empty()) {
            Some(note) => format!("- {}: {note}", capital(&name)),
            None if phases.len() < 2 => format!("- {}: {initiative}", capital(&name)),
            None => format!("- {}: {initiative} (acts in {})", capital(&name), and_list(&phases)),
        })
    };
    let lines: Vec<String> = list(result, "order").iter().filter_map(fighter).collect();
    format!("Initiative, the fastest first:\n{}", lines.join("\n"))
}

/// "Turn 1, phase 12: it is Oak's move." Nothing where no fight is on, or nothing was asked of it.
pub(super) fn whose_move(table: &Table<'_>) -> Option<String> {
    let standing = fight::standing(table).filter(|standing| standing.is_running)?;
    fight::running_id(table)?;
    if standing.actor.is_empty() {
        return Some("Nobody is able to act.".to_owned());
    }
    let is_foe = !table.is_character(standing.actor);
    if is_foe && !is_last_word(table) {
        return None;
    }
    let (turn, phase) = (text(standing.result, "turn")?, text(standing.result, "phase")?);
    let end = if is_foe { " \"Go on\" and I play it." } else { "" };
    Some(format!("Turn {turn}, phase {phase}: it is {}'s move.{end}", with_article(standing.actor)))
}

/// Whether the rounds are used up, so that a foe's move is left over.
fn is_last_word(table: &Table<'_>) -> bool {
    table.turns.last().is_some_and(|turn| fight::MAX_ROUNDS <= turn.rounds)
}

fn ended(table: &Table<'_>) -> String {
    let foes = foes::of_scene(&table.request.scene);
    let are_all_out = !foes.is_empty() && !foes.iter().any(Foe::is_up);
    const WON: &[&str] = &[
        "Then it is quiet. The fight is over.",
        "Nobody is left who wants to fight. It is over; sirens, somewhere, far off.",
        "The last echo dies. You are still standing, and they are not.",
    ];
    if are_all_out {
        pick(table.variety(), WON).to_owned()
    } else if table.done().iter().any(|done| matches!(done.tool, "resist_damage" | "get_combat")) {
        "Nobody of yours is left standing. The fight is over; what they do with you is another story.".to_owned()
    } else {
        "The fight is over.".to_owned()
    }
}

fn resisted(result: &Value) -> String {
    let name = text(result, "character").unwrap_or_else(|| "The character".to_owned());
    let mut line = String::new();
    if let (Some(dice), Some(number)) = (text(result, "dice_pool"), text(result, "target_number")) {
        let code = text(result, "damage_code").unwrap_or_default();
        line = format!("{name} resists {code}: {dice} dice against {number}. ");
    }
    line.push_str(&rolled(result.get("roll"), text(result, "successes")));
    let boxes = text(result, "boxes").filter(|boxes| boxes != "0");
    let level = text(result, "wound_level").filter(|level| !level.is_empty());
    line.push_str(&match (boxes, level) {
        (Some(boxes), Some(level)) => {
            let kind = text(result, "damage_type").unwrap_or_default();
            format!(" That leaves a {}: {boxes} {}.", wound_word(&level, kind == "stun"), box_word(&boxes))
        }
        _ if result.get("complete_miss").is_some_and(|miss| miss == true) => " A complete miss.".to_owned(),
        _ => " Nothing comes through.".to_owned(),
    });
    joined(vec![line, state(&name, result)])
}

/// How somebody with a sheet stands after a wound, if he does not.
fn state(name: &str, result: &Value) -> String {
    let state = result.get("condition").and_then(|condition| text(condition, "state"));
    match state.as_deref() {
        Some("unconscious") => format!("{name} goes down, unconscious."),
        Some("near_death") => format!("{name} is down and dying: first aid, quickly."),
        Some("dead") => format!("{name} is dead."),
        _ => String::new(),
    }
}

fn wound_word(level: &str, is_stun: bool) -> String {
    format!("{} {}", level_word(level), if is_stun { "stun wound" } else { "wound" })
}

fn box_word(boxes: &str) -> &'static str {
    if boxes == "1" { "box" } else { "boxes" }
}

fn healed(done: &Done<'_>) -> String {
    let result = done.result;
    let mut line = target_number(result, "target_number");
    if let Some(dice) = text(result, "dice_pool").filter(|dice| dice != "0") {
        line = joined(vec![line, format!("Dice: {dice}.")]);
    }
    let roll = result.get("roll").filter(|roll| roll.is_object());
    let rolls = roll.map(|roll| rolled(Some(roll), text(result, "successes"))).unwrap_or_default();
    let message = text(result, "message").map(|message| sentence(&capital(&message))).unwrap_or_default();
    let told_time = text(result, "time").filter(|time| !time.is_empty() && !message.contains(time.as_str()));
    let time = told_time.map(|time| format!("It takes {time}.")).unwrap_or_default();
    paragraphs(&[joined(vec![message, time]), joined(vec![if rolls.is_empty() { String::new() } else { line }, rolls])])
}

/// One side of an exchange of blows, with its figures.
fn side(side: &Value) -> String {
    let name = text(side, "name").unwrap_or_default();
    let skill = text(side, "skill").map(|skill| format!(" ({skill})")).unwrap_or_default();
    let (dice, number) = (text(side, "dice_pool").unwrap_or_default(), text(side, "target_number").unwrap_or_default());
    let rolls = rolled(side.get("roll"), text(side, "successes"));
    format!("{}{skill}: {dice} dice against {number}. {rolls}", subject(&name))
}

fn melee(table: &Table<'_>, done: &Done<'_>) -> String {
    const HITS: &[&str] =
        &["The blow lands.", "A gap in the guard, and {attacker} is through it.", "That one hurts {damaged}."];
    const FOE_HITS: &[&str] = &["{Defender} gets through the guard.", "Too fast for {damaged}: it lands."];
    const FOE_IS_HIT: &[&str] = &["But {attacker} is faster.", "{Attacker} sidesteps and strikes back."];
    const PARRIED: &[&str] = &["Blow and parry; nobody is hurt.", "They circle, and nothing gets through."];
    const TURNED: &[&str] = &["The blow is turned, and comes back at {damaged}.", "{Defender} was waiting for that."];
    let result = done.result;
    let name = |key: &str| result.get(key).and_then(|side| text(side, "name")).unwrap_or_default();
    let (attacker, defender) = (with_article(&name("attacker")), with_article(&name("defender")));
    let damaged = text(result, "damaged").map(|damaged| with_article(&damaged)).unwrap_or_default();
    let strikes = fight::reason(done).split_once(fight::STRIKES);
    let phrases = match (text(result, "winner").as_deref(), strikes) {
        (Some("attacker"), None) => HITS,
        (Some("defender"), None) => TURNED,
        (Some("attacker"), Some(_)) => FOE_IS_HIT,
        (Some("defender"), Some(_)) => FOE_HITS,
        _ => PARRIED,
    };
    let (capital_attacker, capital_defender) = (capital(&attacker), capital(&defender));
    let values = [
        ("attacker", attacker.as_str()),
        ("Attacker", capital_attacker.as_str()),
        ("Defender", capital_defender.as_str()),
        ("damaged", damaged.as_str()),
    ];
    let story = capital(&fill(pick(table.variety(), phrases), &values));
    let lead = strikes.map(|(foe, target)| format!("{foe} comes at {target}.")).unwrap_or_default();
    let sides: Vec<String> = ["attacker", "defender"].iter().filter_map(|key| result.get(*key)).map(side).collect();
    let damage = result.get("damage").and_then(|damage| text(damage, "code"));
    let damage = damage.filter(|_| !damaged.is_empty()).map(|code| format!("Damage {code} before resistance."));
    paragraphs(&[joined(vec![lead, story]), joined(sides.into_iter().chain(damage).collect())])
}

fn shot(table: &Table<'_>, done: &Done<'_>, foe: &str, target: &str) -> String {
    const HITS: &[&str] = &["The shot finds {target}.", "{target} is hit.", "It strikes home on {target}."];
    const MISSES: &[&str] = &["It goes wide.", "Plaster flies; {target} is untouched.", "A miss."];
    let result = done.result;
    let is_hit = text(result, "result").as_deref() == Some("success");
    let seed = table.variety() ^ super::phrases::hash(foe);
    let story = capital(&fill(pick(seed, if is_hit { HITS } else { MISSES }), &[("target", target)]));
    let weapon = fight::reason(done).rsplit_once(fight::WITH).map(|(_, weapon)| weapon).unwrap_or_default();
    let (dice, number) = (text(result, "pool").unwrap_or_default(), text(result, "target_number").unwrap_or_default());
    let figures = format!("{dice} dice against {number}. {}", rolled(Some(result), text(result, "successes")));
    format!("{} shoots at {target} with the {weapon}. {story} {figures}", subject(foe))
}

/// A foe's test against damage, with the wound that it leaves.
fn foe_resists(table: &Table<'_>, done: &Done<'_>) -> String {
    let result = done.result;
    let wounds = fight::wounds(table, done.round);
    let of_round = table.done().iter().filter(|other| other.round == done.round && fight::is_resistance(other));
    let index = of_round.take_while(|other| !std::ptr::eq(*other, done)).count();
    let (dice, number) = (text(result, "pool").unwrap_or_default(), text(result, "target_number").unwrap_or_default());
    let figures = format!(
        "{}: {dice} dice against {number}. {}",
        fight::reason(done),
        rolled(Some(result), text(result, "successes"))
    );
    let wound = wounds.get(index).map(|(hit, level)| match level {
        Some(level) => format!("That leaves a {}.", wound_word(&level.letter().to_string(), hit.code.stun)),
        None => "Nothing comes through.".to_owned(),
    });
    joined(vec![figures, wound.unwrap_or_default()])
}

/// How the foes stand whom a call has changed.
pub(super) fn foes_changed(table: &Table<'_>, done: &Done<'_>) -> String {
    let named: Vec<&str> = done
        .arguments
        .get("foes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|foe| foe.get("name")?.as_str())
        .collect();
    let scene = done.result.get("scene").and_then(Value::as_object);
    let foes = scene.map(foes::of_scene).unwrap_or_default();
    let changed: Vec<&Foe> = foes.iter().filter(|foe| named.contains(&foe.name.as_str())).collect();
    let (hurt, new): (Vec<&Foe>, Vec<&Foe>) = changed.into_iter().partition(|foe| is_marked(foe));
    let hurt = hurt.into_iter().map(|foe| how_he_stands(table, foe));
    let appear = match new.as_slice() {
        [] => String::new(),
        _ if !table.meaning.details.foes.is_empty() => appears(table, &new),
        _ => String::new(),
    };
    joined(hurt.chain([appear]).collect())
}

fn is_marked(foe: &Foe) -> bool {
    0 < foe.physical || 0 < foe.stun || !foe.note.is_empty() && foe.distance_m().is_none()
}

fn appears(table: &Table<'_>, new: &[&Foe]) -> String {
    const COME: &[&str] = &["Out of the dark: {foes}.", "There they are: {foes}.", "You are not alone. {Foes}."];
    let names: Vec<String> = new.iter().map(|foe| foes::one(&foe.name)).collect();
    let listed = and_list(&names);
    let capital_listed = capital(&listed);
    let values = [("foes", listed.as_str()), ("Foes", capital_listed.as_str())];
    let is_fight = table.done().iter().any(|done| matches!(done.tool, "start_combat" | "join_combat"));
    let end = if is_fight { "" } else { " \"Roll initiative\" and the fight is on; or talk, or run." };
    format!("{}{end}", fill(pick(table.variety(), COME), &values))
}

/// "Ganger 1 has 6 boxes of physical damage."
pub(super) fn how_he_stands(table: &Table<'_>, foe: &Foe) -> String {
    const DOWN: &[&str] = &["{Foe} drops and stays down.", "{Foe} folds up: out of the fight.", "{Foe} is done for."];
    let who = subject(&foe.name);
    match foe.note.as_str() {
        FLED => return format!("{who} has had enough and runs."),
        SURRENDERED => return format!("{who} throws the weapon away and gives up."),
        _ => {}
    }
    if TRACK <= foe.physical || TRACK <= foe.stun {
        return fill(pick(table.variety() ^ super::phrases::hash(&who), DOWN), &[("Foe", who.as_str())]);
    }
    let track = |boxes: u32, kind: &str| match boxes {
        0 => None,
        1 => Some(format!("1 box of {kind}")),
        boxes => Some(format!("{boxes} boxes of {kind}")),
    };
    let boxes: Vec<String> =
        [track(foe.physical, "physical damage"), track(foe.stun, "stun")].into_iter().flatten().collect();
    if boxes.is_empty() {
        format!("{who} is unhurt.")
    } else {
        format!("{who} has {} and fights on.", and_list(&boxes))
    }
}
