//! The story of what the tools answered. Every number in it stands in a result: what no result supports is not told.

use serde_json::{Map, Value};

use super::{
    asked,
    conversation::Done,
    fight, fight_text,
    phrases::{self, and_list, capital, fill, pick, with_article},
    plan::Table,
    sheet::{list, plain, text},
    sheet_text, stories,
    understand::Action,
};

/// Entries of a list that are told; the rest stand on the sheet.
pub(super) const MAX_ENTRIES: usize = 40;
/// Characters of an error's text that are told.
const MAX_ERROR_LENGTH: usize = 600;

/// What became of the turn's calls.
pub(super) fn outcome(table: &Table<'_>) -> String {
    let done = table.done();
    let last_round = done.iter().map(|done| done.round).max().unwrap_or_default();
    let has_more = 1 < done.iter().filter(|done| done.round == last_round).count();
    let mut parts: Vec<String> = Vec::new();
    let is_told = |done: &&Done<'_>| done.round == last_round || done.failed && !fight::lacks_kept_dice(done);
    for answer in done.iter().filter(is_told) {
        // Beside a deed a change of scene is no news, unless it failed or is a foe's.
        if answer.tool == "update_scene" && has_more && !answer.failed {
            parts.push(fight_text::foes_changed(table, answer));
            continue;
        }
        parts.push(if answer.failed { failure(answer) } else { success(table, answer) });
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() && fight::standing(table).is_some() {
        return String::new();
    }
    if parts.is_empty() {
        return phrases::not_understood(table.variety(), &table.request.characters);
    }
    parts.join("\n\n")
}

/// The same as the turn's last words: in a fight they end with whose move it is.
pub(super) fn end(table: &Table<'_>) -> String {
    let told = outcome(table);
    match fight_text::whose_move(table) {
        Some(line) => paragraphs(&[told, line]),
        None => told,
    }
}

fn success(table: &Table<'_>, done: &Done<'_>) -> String {
    let result = done.result;
    match done.tool {
        "calculate_ranged_attack" => attack(table, done),
        "cast_spell" => spell(table, result),
        "test_skill" => test(table, result),
        "roll_dice" if fight::is_of_foe(done) => fight_text::told(table, done),
        "roll_dice" => roll(table, result),
        "roll_initiative" => initiative(done),
        "get_character_skill" => skill(result),
        "get_character" => sheet_text::character(table, result),
        "get_sustained_spells" => sustained(table, done),
        "drop_spell" => dropped(result),
        "list_characters" => characters(table, result),
        "calculate_target_number" => difficulty(result),
        "apply_rule" => asked::told(done),
        "update_scene" if done.arguments.contains_key("foes") => fight_text::foes_changed(table, done),
        "update_scene" if done.arguments.contains_key("combat_id") => String::new(),
        "update_scene" if done.arguments.contains_key("description") => fight_text::JOB_KEPT.to_owned(),
        "update_scene" | "get_scene" => scene(table, result),
        "query_shadowrun" => rule(result),
        "update_campaign_state" | "add_campaign_milestone" | "register_npc" => noted(result),
        _ => fight_text::told(table, done),
    }
}

/// A failed call in plain words.
fn failure(done: &Done<'_>) -> String {
    let said = text(done.result, "error").unwrap_or_default();
    let said: String = said.chars().take(MAX_ERROR_LENGTH).collect();
    let said = sentence(&capital(&said));
    let code = done.result.get("code").and_then(Value::as_f64).unwrap_or_default();
    // Ours, not the player's: 200x to 400x but for "not found", and 9xxx.
    let is_ours = [2002.0, 2003.0, 2005.0, 2006.0, 3001.0, 3002.0, 9000.0, 9001.0].contains(&code);
    if is_ours || said.is_empty() {
        return "The table's own machinery failed just now, so I cannot tell you how this ends, and I will not make it up. Try it again \
                in a moment."
            .to_owned();
    }
    if done.tool == "heal" || done.tool == "first_aid" {
        return said;
    }
    let hint = match done.tool {
        "calculate_ranged_attack" | "cast_spell" | "test_skill" => {
            " Tell me what you change, and I take the rest as you said it."
        }
        "get_character" | "get_character_skill" => " Ask \"which characters are there?\" and I list them.",
        _ => "",
    };
    format!("{} {said}{hint}", phrases::REFUSED)
}

fn attack(table: &Table<'_>, done: &Done<'_>) -> String {
    let result = done.result;
    let weapon = text(result, "weapon").unwrap_or_else(|| "weapon".to_owned());
    let target = text(result, "target_description");
    let target = target.or_else(|| done.arguments.get("target_description").and_then(plain));
    let target = target.map_or_else(|| "the target".to_owned(), |target| with_article(&target));
    let is_hit = is_true(result, "hit");
    let is_disaster = result.get("roll").is_some_and(|roll| is_true(roll, "all_ones"));
    let phrases = if is_disaster {
        stories::SHOT_DISASTERS
    } else if is_hit {
        stories::SHOT_HITS
    } else {
        stories::SHOT_MISSES
    };
    let capital_target = capital(&target);
    let values = [("weapon", weapon.as_str()), ("target", target.as_str()), ("Target", capital_target.as_str())];
    let story = name_if_crowded(table, result, "character") + &fill(pick(table.variety(), phrases), &values);

    let mut figures = Vec::new();
    if let (Some(distance), Some(range)) = (text(result, "target_distance"), text(result, "range_category")) {
        let effective = text(result, "effective_range_category").filter(|effective| *effective != range);
        let effective =
            effective.map(|effective| format!(", counted as {effective} by magnification")).unwrap_or_default();
        figures.push(format!("{weapon} at {distance} metres: {range} range{effective}."));
    }
    figures.push(target_number(result, "final_tn"));
    if let Some(pool) = result.get("dice_pool_breakdown") {
        let dice = text(pool, "total").unwrap_or_default();
        let skill = text(pool, "skill_name").unwrap_or_else(|| "skill".to_owned());
        let own = text(pool, "skill").map(|rating| format!("{skill} {rating}"));
        let combat = text(pool, "combat_pool").filter(|dice| dice != "0").map(|dice| format!("Combat Pool {dice}"));
        let parts: Vec<String> = own.into_iter().chain(combat).collect();
        figures.push(format!("Dice: {dice} ({}).", parts.join(", ")));
    }
    figures.push(rolled(result.get("roll"), text(result, "successes")));
    if is_hit && let Some(damage) = result.get("damage") {
        figures.push(damage_line(damage));
    }
    if result.get("on_sheet").is_some_and(|on_sheet| on_sheet == false) {
        figures.push(format!("The {weapon} is not on the sheet; the rule book's figures stand in."));
    }
    paragraphs(&[story, joined(figures)])
}

fn damage_line(damage: &Value) -> String {
    let Some(code) = text(damage, "code") else { return String::new() };
    let mut line = format!("Damage {code} before resistance");
    if let Some(level) = text(damage, "unresisted_level") {
        line.push_str(&format!("; if nothing is resisted, a {} wound", level_word(&level)));
    }
    if let Some(number) = text(damage, "resist_target_number") {
        line.push_str(&format!("; the target resists against {number}"));
    }
    line + "."
}

fn spell(table: &Table<'_>, result: &Value) -> String {
    let spell = text(result, "spell").unwrap_or_else(|| "the spell".to_owned());
    let target = text(result, "target");
    let is_own = target.is_some() && target == text(result, "caster");
    let on = match &target {
        Some(_) if is_own => " on yourself".to_owned(),
        Some(target) => format!(" on {}", with_article(target)),
        None => String::new(),
    };
    let takes_effect = is_true(result, "takes_effect");
    let successes = result.get("spell_roll").and_then(|roll| text(roll, "successes"));
    let has_successes = successes.as_deref().is_some_and(|successes| successes != "0");
    let phrases = if takes_effect {
        stories::SPELL_TAKES
    } else if has_successes {
        stories::SPELL_RESISTED
    } else {
        stories::SPELL_FAILS
    };
    let told = capital(&fill(pick(table.variety(), phrases), &[("spell", spell.as_str()), ("on", on.as_str())]));
    let story = name_if_crowded(table, result, "caster") + &told;

    let mut figures = Vec::new();
    if let Some(force) = text(result, "force") {
        figures.push(format!("{spell} at Force {force}."));
    }
    figures.push(target_number(result, "target_number"));
    if let Some(dice) = text(result, "spell_dice_pool") {
        figures.push(format!("Dice: {dice}{}.", parts(result, "dice_parts")));
    }
    figures.push(rolled(result.get("spell_roll"), successes));
    if let Some(resistance) = result.get("resistance").filter(|resistance| resistance.is_object()) {
        figures.push(resisted(resistance));
    }
    if takes_effect && let Some(net) = text(result, "net_successes") {
        figures.push(match net.as_str() {
            "0" => "As many successes on both sides: a tie is the caster's, with the least effect.".to_owned(),
            net => format!("Net successes: {net}."),
        });
    }
    if let Some(level) = text(result, "wound_level") {
        figures.push(format!("It leaves a {} wound.", level_word(&level)));
    }
    if is_true(result, "sustained") {
        let penalty = text(result, "sustaining_penalty").filter(|penalty| penalty != "0");
        let penalty =
            penalty.map(|penalty| format!("; it makes your other tests {penalty} harder")).unwrap_or_default();
        figures.push(format!("You are sustaining it{penalty}."));
    }
    let drain = result.get("drain").map(|drain| drained(table, drain)).unwrap_or_default();
    let left = text(result, "pool_remaining")
        .map(|left| format!("Magic Pool left until your next action: {left}."))
        .unwrap_or_default();
    paragraphs(&[story, joined(figures), joined(vec![drain, left])])
}

fn resisted(resistance: &Value) -> String {
    let attribute = text(resistance, "attribute").unwrap_or_else(|| "will".to_owned());
    let roll = resistance.get("roll");
    let successes = roll.and_then(|roll| text(roll, "successes"));
    let (Some(dice), Some(number)) = (text(resistance, "dice"), text(resistance, "target_number")) else {
        return String::new();
    };
    format!("The target resists with {attribute}, {dice} dice against {number}. {}", rolled(roll, successes))
}

pub(super) fn drained(table: &Table<'_>, drain: &Value) -> String {
    let boxes = text(drain, "damage_taken").unwrap_or_else(|| "0".to_owned());
    let mut line =
        pick(table.variety() >> 3, if boxes == "0" { stories::DRAIN_NONE } else { stories::DRAIN_SOME }).to_owned();
    let level = text(drain, "level").map(|level| format!("{} ", level_word(&level))).unwrap_or_default();
    if let (Some(dice), Some(number)) = (text(drain, "resist_dice"), text(drain, "target_number")) {
        line.push_str(&format!(" {}drain, {dice} dice against {number}.", capital(&level)));
    }
    let roll = drain.get("resist_roll").filter(|roll| roll.is_object());
    if let Some(roll) = roll {
        line.push(' ');
        line.push_str(&rolled(Some(roll), text(roll, "successes")));
    }
    if boxes == "0" {
        line.push_str(" No damage.");
    } else {
        let kind = text(drain, "damage_type").unwrap_or_else(|| "stun".to_owned());
        line.push_str(&format!(" Damage taken, in boxes: {boxes} ({kind})."));
    }
    line
}

fn test(table: &Table<'_>, result: &Value) -> String {
    let skill = text(result, "skill").unwrap_or_else(|| "the test".to_owned());
    // An attribute may be written in capitals.
    let skill = if skill == skill.to_uppercase() { capital(&skill.to_lowercase()) } else { skill };
    let is_success = is_true(result, "success") || text(result, "result").as_deref() == Some("success");
    let is_disaster = result.get("roll").is_some_and(|roll| is_true(roll, "all_ones"));
    let story = name_if_crowded(table, result, "character")
        + pick(table.variety(), stories::story_of(&skill, is_success, is_disaster));

    let mut figures = Vec::new();
    let rolled_skill = text(result, "rolled").filter(|rolled| !rolled.eq_ignore_ascii_case(&skill));
    match rolled_skill.filter(|_| is_true(result, "defaulted")) {
        Some(rolled) => figures.push(format!("{skill} is not on the sheet; {rolled} stands in.")),
        None => figures.push(format!("{skill} test.")),
    }
    figures.push(target_number(result, "final_tn"));
    if let Some(dice) = text(result, "dice_pool") {
        figures.push(format!("Dice: {dice}{}.", parts(result, "dice_parts")));
    }
    figures.push(rolled(result.get("roll"), text(result, "successes")));
    paragraphs(&[story, joined(figures)])
}

fn roll(table: &Table<'_>, result: &Value) -> String {
    if let Some(notation) = text(result, "notation") {
        let total = text(result, "total").unwrap_or_default();
        let faces = numbers(result.get("rolls"));
        return format!("{notation}: {faces}. Total: {total}.");
    }
    let successes = text(result, "successes");
    let is_success = text(result, "result").as_deref() == Some("success");
    let is_disaster = is_true(result, "all_ones");
    let phrases = if is_disaster {
        stories::DICE_DISASTERS
    } else if is_success {
        stories::DICE_SUCCESSES
    } else {
        stories::DICE_FAILURES
    };
    let pool = text(result, "pool").unwrap_or_default();
    let number = text(result, "target_number").unwrap_or_default();
    let figures = format!("{pool} dice against {number}. {}", rolled(Some(result), successes));
    paragraphs(&[pick(table.variety(), phrases).to_owned(), figures])
}

fn initiative(done: &Done<'_>) -> String {
    let result = done.result;
    let reason = done.arguments.get("reason").and_then(Value::as_str);
    let name = reason.and_then(|reason| reason.strip_prefix("Initiative of ")).unwrap_or("Initiative");
    let total = text(result, "initiative").unwrap_or_default();
    let notation = text(result, "notation").unwrap_or_default();
    let phases = list(result, "phases").iter().filter_map(plain).collect::<Vec<_>>();
    let acts = match phases.as_slice() {
        [] => "no action this turn".to_owned(),
        [only] => format!("acts in phase {only}"),
        several => format!("acts in phases {}", and_list(several)),
    };
    format!("{name}: {total} ({notation}: {}); {acts}.", numbers(result.get("rolls")))
}

fn skill(result: &Value) -> String {
    let character = text(result, "character").unwrap_or_else(|| "The character".to_owned());
    let skill = text(result, "skill").unwrap_or_else(|| "that skill".to_owned());
    let is_missing = result.get("on_sheet").is_some_and(|on_sheet| on_sheet == false);
    if is_missing {
        let ways: Vec<String> = list(result, "defaults").iter().take(3).filter_map(default_way).collect();
        if ways.is_empty() {
            return format!("{character} does not have {skill}, and nothing else stands in for it.");
        }
        return format!("{character} does not have {skill}. In its place may be rolled: {}.", ways.join("; "));
    }
    let rating = text(result, "current_rating").or_else(|| text(result, "skill_rating")).unwrap_or_default();
    let mut line = format!("{character} has {skill} {rating}");
    if let Some(base) = text(result, "base_rating").filter(|base| *base != rating) {
        let part = |part: &Value| Some((text(part, "source")?, text(part, "dice")?));
        let others = list(result, "rating_parts").iter().filter_map(part).filter(|(source, _)| *source != skill);
        let others: String =
            others.take(MAX_ENTRIES).map(|(source, dice)| format!(", {source} {}", signed(&dice))).collect();
        line.push_str(&format!(" (base {base}{others})"));
    }
    if let Some(specialization) = text(result, "specialization") {
        line.push_str(&format!(", specialised in {specialization}"));
    }
    line + "."
}

fn default_way(way: &Value) -> Option<String> {
    let (rolled, rating) = (text(way, "rolled")?, text(way, "rating")?);
    let modifier = text(way, "modifier").filter(|modifier| modifier != "0");
    let harder = modifier.map(|modifier| format!(", {} to the target number", signed(&modifier))).unwrap_or_default();
    Some(format!("{} {rating}{harder}", capital(&rolled)))
}

fn sustained(table: &Table<'_>, done: &Done<'_>) -> String {
    let result = done.result;
    let name = text(result, "character").or_else(|| done.arguments.get("character_name").and_then(plain));
    let name = name.unwrap_or_else(|| "The caster".to_owned());
    let spells = sustained_list(result);
    if spells.is_empty() {
        return format!("{name} sustains no spell.");
    }
    let penalty = text(result, "sustaining_penalty").filter(|penalty| penalty != "0");
    let penalty = penalty.map(|penalty| format!(" Every other test is {penalty} harder for it.")).unwrap_or_default();
    let question = if table.meaning.action == Action::DropSpell { " Which one do you drop?" } else { "" };
    format!("{name} sustains {}.{penalty}{question}", and_list(&spells))
}

fn sustained_list(result: &Value) -> Vec<String> {
    let told = |spell: &Value| {
        let name = text(spell, "spell_name")?;
        let force = text(spell, "force").map(|force| format!(" at Force {force}")).unwrap_or_default();
        let on = text(spell, "target_name").map(|target| format!(" on {target}")).unwrap_or_default();
        Some(format!("{name}{force}{on}"))
    };
    list(result, "sustained_spells").iter().take(MAX_ENTRIES).filter_map(told).collect()
}

fn dropped(result: &Value) -> String {
    let message = text(result, "message").map(|message| sentence(&message));
    let message = message.unwrap_or_else(|| "The spell is gone.".to_owned());
    let left = sustained_list(result);
    if left.is_empty() {
        return format!("{message} Nothing is sustained any more.");
    }
    format!("{message} Still sustained: {}.", and_list(&left))
}

fn characters(table: &Table<'_>, result: &Value) -> String {
    let told = |character: &Value| {
        let name = text(character, "name")?;
        let kind: Vec<String> = ["metatype", "archetype"].iter().filter_map(|key| text(character, key)).collect();
        Some(if kind.is_empty() { format!("- {name}") } else { format!("- {name}, {}", kind.join(" ").to_lowercase()) })
    };
    let lines: Vec<String> = list(result, "characters").iter().take(MAX_ENTRIES).filter_map(told).collect();
    if lines.is_empty() {
        return "No character exists yet.".to_owned();
    }
    let end = if table.request.characters.is_empty() {
        "\n\nAdd one to the table, under Active Characters on the page, and tell me what he or she does."
    } else {
        ""
    };
    format!("These characters exist:\n{}{end}", lines.join("\n"))
}

fn scene(table: &Table<'_>, result: &Value) -> String {
    let empty = Map::new();
    let now = result.get("scene").and_then(Value::as_object).unwrap_or(&empty);
    let details = &table.meaning.details;
    let mood = match details.light.as_deref() {
        Some("DARK") => {
            &["Darkness falls over everything.", "The light dies, and with it half of what you knew of the room."][..]
        }
        Some("NORMAL") => &["Light floods back.", "Everything stands out sharp and plain."][..],
        Some(_) => &["The shadows grow long.", "What light there is makes everything look guilty."][..],
        None if details.location.is_some() => {
            &["You take it in with one look.", "You move on.", "A new place, new exits to count."][..]
        }
        None => &["I have it.", "Noted.", "So it stands."][..],
    };
    format!("{} {}", pick(table.variety(), mood), phrases::scene(now))
}

/// What a campaign keeps from now on, in its service's words.
fn noted(result: &Value) -> String {
    text(result, "message").map_or_else(|| "It is noted.".to_owned(), |message| sentence(&capital(&message)))
}

/// What the look-up has found, the best first; the others by their names.
fn rule(result: &Value) -> String {
    let entry = |entry: &Value| {
        let (name, told) = (text(entry, "name")?, text(entry, "text").unwrap_or_default());
        let source = text(entry, "source").filter(|source| source == "unverified");
        let doubt = if source.is_some() { " (That figure is ours, not the book's.)" } else { "" };
        Some(sentence(&format!("{}: {told}", capital(&name))) + doubt)
    };
    let found = list(result, "results");
    let Some(first) = found.iter().find_map(entry) else {
        return "I find nothing about that. Name the rule, the weapon, the spell or the skill.".to_owned();
    };
    let others: Vec<String> = found.iter().skip(1).take(5).filter_map(|entry| text(entry, "name")).collect();
    let others = if others.is_empty() { String::new() } else { format!("See also: {}.", and_list(&others)) };
    paragraphs(&[first, others])
}

fn difficulty(result: &Value) -> String {
    let number = text(result, "target_number").unwrap_or_default();
    let word = text(result, "difficulty").unwrap_or_else(|| "such a".to_owned()).replace('_', " ");
    format!("A task that is {word} needs {number} on a die, before wounds and sustained spells make it harder.")
}

// Figures.

/// "Target number 6: base 4, target running +2."
pub(super) fn target_number(result: &Value, key: &str) -> String {
    let Some(number) = text(result, key) else { return String::new() };
    let base = text(result, "base_tn").map(|base| format!("base {base}"));
    let modifier = |modifier: &Value| {
        let value = text(modifier, "value").filter(|value| value != "0")?;
        let why = text(modifier, "explanation").or_else(|| text(modifier, "type"))?;
        let has_value = why.contains(&signed(&value));
        let why = why.trim_end_matches('.');
        Some(if has_value { why.to_owned() } else { format!("{why} {}", signed(&value)) })
    };
    let modifiers = list(result, "modifiers").iter().take(MAX_ENTRIES).filter_map(modifier);
    let reasons: Vec<String> = base.into_iter().chain(modifiers).collect();
    if reasons.is_empty() {
        format!("Target number {number}.")
    } else {
        format!("Target number {number}: {}.", reasons.join(", "))
    }
}

/// "Rolled 5, 4, 1: two successes" with the result's own figures.
pub(super) fn rolled(roll: Option<&Value>, successes: Option<String>) -> String {
    let faces = numbers(roll.and_then(|roll| roll.get("rolls")));
    let count = match successes.as_deref() {
        None => return if faces.is_empty() { String::new() } else { format!("Rolled {faces}.") },
        Some("0") => "no success".to_owned(),
        Some("1") => "1 success".to_owned(),
        Some(many) => format!("{many} successes"),
    };
    if faces.is_empty() { format!("{}.", capital(&count)) } else { format!("Rolled {faces}: {count}.") }
}

fn numbers(rolls: Option<&Value>) -> String {
    let faces = rolls.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    faces.iter().take(100).filter_map(plain).collect::<Vec<_>>().join(", ")
}

/// " (Firearms 9, Combat Pool 4)", or nothing.
fn parts(result: &Value, key: &str) -> String {
    let told = |part: &Value| Some(format!("{} {}", text(part, "source")?, text(part, "dice")?));
    let parts: Vec<String> = list(result, key).iter().take(MAX_ENTRIES).filter_map(told).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn signed(value: &str) -> String {
    if value.starts_with('-') { value.to_owned() } else { format!("+{value}") }
}

pub(super) fn level_word(level: &str) -> &str {
    match level {
        "L" => "light",
        "M" => "moderate",
        "S" => "serious",
        "D" => "deadly",
        other => other,
    }
}

fn is_true(result: &Value, key: &str) -> bool {
    result.get(key).is_some_and(|value| value == true)
}

/// "Platinum: " at a table with several characters.
fn name_if_crowded(table: &Table<'_>, result: &Value, key: &str) -> String {
    text(result, key).filter(|_| table.is_crowded()).map(|name| format!("{name}: ")).unwrap_or_default()
}

pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

pub(super) fn joined(sentences: Vec<String>) -> String {
    sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ")
}

pub(super) fn paragraphs(parts: &[String]) -> String {
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n\n")
}
