//! From what a player means to the next step: tool calls, a question back, or the story of what the tools answered.
//!
//! Calls go to tools that are offered, with arguments inside the bounds of their schemas, at most [`MAX_ROUNDS`] times a
//! turn; a call that failed is told, never repeated.

use serde_json::{Map, Value, json};

use super::{
    conversation::{self, DEEDS, Done, Turn},
    lexicon::{self, WeaponKind},
    narrate, phrases,
    sheet::{self, Weapon},
    understand::{Action, Question, Understanding, WeaponSaid},
};
use crate::llm::ModelRequest;

/// Rounds of calls in one turn: one to look something up, one to act.
const MAX_ROUNDS: usize = 2;
/// Characters whose initiative is rolled in one go.
const MAX_INITIATIVES: usize = 8;

/// What the game master does next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// He speaks, and the turn ends.
    Say(String),
    /// He speaks a little and calls tools.
    Call {
        /// What he says first.
        lead: String,
        /// The calls.
        calls: Vec<Call>,
    },
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The tool.
    pub(super) tool: &'static str,
    /// Its arguments, an object.
    pub(super) arguments: Map<String, Value>,
}

/// Everything a step is planned from.
pub(super) struct Table<'r> {
    /// What was asked.
    pub(super) request: &'r ModelRequest,
    /// The turns, the current one last.
    pub(super) turns: Vec<Turn<'r>>,
    /// What the player means.
    pub(super) meaning: Understanding,
}

impl<'r> Table<'r> {
    pub(super) fn new(request: &'r ModelRequest) -> Table<'r> {
        let turns = conversation::turns(request);
        let meaning = conversation::meaning(&turns, &names(request));
        Table { request, turns, meaning }
    }

    /// The current turn's answered calls.
    pub(super) fn done(&self) -> &[Done<'r>] {
        self.turns.last().map_or(&[], |turn| turn.done.as_slice())
    }

    /// A number that varies from answer to answer but is the same for the same conversation.
    pub(super) fn variety(&self) -> u64 {
        let rolls = self.done().iter().map(|done| sheet::roll_ids(done.result)).collect::<String>();
        let text = self.turns.last().map_or("", |turn| turn.text);
        phrases::hash(&format!("{rolls}{}{text}", self.turns.len()))
    }

    fn pick(&self, of: &[&str]) -> String {
        phrases::pick(self.variety(), of).to_owned()
    }

    fn offers(&self, tool: &str) -> bool {
        self.request.tools.iter().any(|offered| offered.name == tool)
    }

    fn scene(&self, key: &str) -> Option<&str> {
        self.request.scene.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn scene_distance(&self) -> Option<u32> {
        let distance = self.request.scene.get("target_distance")?;
        let metres = distance.as_f64().filter(|metres| (0.0..=100_000.0).contains(metres))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies in 0..=100000")]
        let metres = metres.round() as u32;
        Some(metres)
    }

    /// The answer of a tool that was called in this turn.
    fn result(&self, tool: &str) -> Option<&Done<'r>> {
        self.done().iter().find(|done| done.tool == tool)
    }

    /// Whether the table has more than one active character, so that "you" is not clear.
    pub(super) fn is_crowded(&self) -> bool {
        1 < self.request.characters.len()
    }
}

/// The active characters' names.
fn names(request: &ModelRequest) -> Vec<&str> {
    request.characters.iter().map(|character| character.name.as_str()).collect()
}

/// The next step.
pub(super) fn next(table: &Table<'_>) -> Step {
    let Some(turn) = table.turns.last() else {
        return Step::Say(phrases::nobody_spoke());
    };
    let has_failed = turn.done.iter().any(|done| done.failed && done.tool != "update_scene");
    let has_acted = turn.done.iter().any(|done| DEEDS.contains(&done.tool));
    if has_failed || has_acted || MAX_ROUNDS <= turn.rounds {
        return Step::Say(narrate::outcome(table));
    }
    act(table, turn).unwrap_or_else(Step::Say)
}

/// A question or a refusal instead of a step.
type Answer = Result<Step, String>;

fn act(table: &Table<'_>, turn: &Turn<'_>) -> Answer {
    let is_first = turn.rounds == 0;
    match &table.meaning.action {
        Action::Attack => attack(table),
        Action::Melee(skill) => melee(table, skill),
        Action::Cast => cast(table),
        Action::SkillTest(skill) => test(table, skill),
        Action::AttributeTest(attribute) => test(table, &phrases::capital(attribute)),
        Action::Initiative => initiative(table),

        _ if !is_first => Ok(Step::Say(narrate::outcome(table))),
        Action::DropSpell => drop_spell(table),
        Action::Sustained => {
            let name = actor(table)?;
            call(
                table,
                phrases::lead_sustained(table.variety(), &name),
                "get_sustained_spells",
                json!({"character_name": name}),
            )
        }
        Action::Roll => roll(table),
        Action::Sheet(question) => look_up(table, question),
        Action::Party => Ok(Step::Say(phrases::party(&table.request.characters))),
        Action::Characters => list_characters(table, table.pick(phrases::LEAD_CHARACTERS)),
        Action::TellScene => Ok(Step::Say(phrases::scene(&table.request.scene))),
        Action::Scene => change_scene(table),
        Action::Hold => Ok(Step::Say(table.pick(phrases::HOLDS))),
        Action::Free => Err(table.pick(phrases::FREE)),
        Action::Rules => Err(table.pick(phrases::RULES)),
        Action::TargetNumber => {
            let arguments = json!({"situation": reason(table), "difficulty": table.meaning.details.difficulty});
            call(table, String::new(), "calculate_target_number", arguments)
        }
        Action::Nod => Err(table.pick(phrases::NODS)),
        Action::Plea => Ok(Step::Say(table.pick(phrases::PLEAS))),
        Action::Unsupported(answer) => Ok(Step::Say(format!("{} {answer}", table.pick(phrases::LIMITS)))),
        Action::Thanks => Ok(Step::Say(table.pick(phrases::THANKS))),
        Action::Greeting => greet(table),
        Action::Help => {
            if table.request.characters.is_empty() {
                return Err(phrases::help(None));
            }
            Err(phrases::help(table.request.characters.first()))
        }
        Action::Fragment => Err(phrases::loose_end(&table.request.characters)),
        Action::Again | Action::Nothing => Err(phrases::not_understood(table.variety(), &table.request.characters)),
    }
}

/// Whose action it is.
fn actor(table: &Table<'_>) -> Result<String, String> {
    let Understanding { action, actor, stranger, is_first_person, .. } = &table.meaning;
    let own = table.turns.last().and_then(|turn| turn.character).filter(|name| !name.trim().is_empty());
    let asks = matches!(action, Action::Sheet(_) | Action::Initiative | Action::Sustained);
    if let Some(named) = actor
        && (asks || !is_first_person || own.is_none())
    {
        return Ok(named.clone());
    }
    if let Some(stranger) = stranger.as_ref().filter(|_| asks) {
        return Ok(stranger.clone());
    }
    if let Some(own) = own {
        return Ok(own.to_owned());
    }
    match table.request.characters.as_slice() {
        [] => Err(phrases::no_character()),
        [only] => Ok(only.name.clone()),
        several => Err(phrases::whose(table.variety(), several)),
    }
}

fn attack(table: &Table<'_>) -> Answer {
    let name = actor(table)?;
    let details = &table.meaning.details;
    let before = conversation::last_call(&table.turns, &["calculate_ranged_attack"], Some(&name));
    let earlier = |key: &str| before.and_then(|done| done.arguments.get(key));
    let known_target = table.scene("target").or_else(|| earlier("target_description")?.as_str());
    let is_new_target = match (details.target.as_deref(), known_target) {
        (Some(said), Some(known)) => !phrases::is_same_target(said, known),
        _ => false,
    };
    let target = details.target.clone().or_else(|| known_target.map(str::to_owned));
    let earlier_distance = || earlier("target_distance")?.as_u64().and_then(|metres| u32::try_from(metres).ok());
    let kept_distance = table.scene_distance().or_else(earlier_distance).filter(|_| !is_new_target);
    let at_hand = || conversation::weapon_at_hand(&table.turns, &names(table.request), &name);
    let said_weapon = details.weapon.clone().or_else(at_hand);
    let weapon = match &said_weapon {
        Some(WeaponSaid::Named(weapon)) => Some(weapon.clone()),
        Some(WeaponSaid::Kind(..)) | None => None,
    };
    let Some(distance) = details.distance.or(kept_distance) else {
        return Err(phrases::ask_distance(table.variety(), weapon.as_deref(), target.as_deref()));
    };
    let weapon = match weapon {
        Some(weapon) => weapon,
        None => match table.result("get_character") {
            Some(sheet) => choose_weapon(said_weapon.as_ref(), sheet.result, &name)?,
            None => {
                return call(
                    table,
                    phrases::lead_weapon(table.variety()),
                    "get_character",
                    json!({"character_name": name}),
                );
            }
        },
    };
    if details.is_pool_vague && details.combat_pool.is_none() {
        return Err(phrases::ask_pool("Combat Pool", &name));
    }
    let movement = details.movement.as_deref().or_else(|| table.scene("target_movement").filter(|_| !is_new_target));
    let light = details.light.as_deref().or_else(|| table.scene("light_level"));
    let arguments = json!({
        "character_name": name, "weapon_name": weapon, "target_distance": distance, "target_description": target,
        "combat_pool": details.combat_pool, "light_level": light.and_then(light_level), "target_movement": movement.and_then(pace),
        "attacker_movement": details.own_movement, "conditions": details.air.as_ref().map(|air| vec![air]),
        "cover": details.cover, "aim_actions": details.aim_actions, "firing_mode": details.firing_mode,
        "rounds": details.rounds.filter(|_| details.firing_mode.is_some()), "ammunition": details.ammunition,
        "called_shot": details.is_called_shot.then_some(true),
    });
    let lead = phrases::lead_attack(table.variety(), table.is_crowded().then_some(&name), &weapon, target.as_deref());
    let mut calls: Vec<Call> = scene_call(table).into_iter().collect();
    calls.push(checked(table, "calculate_ranged_attack", arguments)?);
    Ok(Step::Call { lead, calls })
}

/// The one weapon on the sheet that is meant.
fn choose_weapon(said: Option<&WeaponSaid>, character: &Value, name: &str) -> Result<String, String> {
    let (kind, word) = match said {
        Some(WeaponSaid::Kind(kind, word)) => (*kind, word.as_str()),
        _ => (WeaponKind::Gun, "gun"),
    };
    let ranged: Vec<Weapon> = sheet::weapons(character).into_iter().filter(is_ranged).collect();
    // "assault rifle" is a class of its own; "rifle" is any of several.
    let exact: Vec<String> =
        ranged.iter().filter(|weapon| says(weapon, word)).map(|weapon| weapon.name.clone()).collect();
    let of_kind = ranged.iter().filter(|weapon| is_of_kind(weapon, kind)).map(|weapon| weapon.name.clone());
    let fitting: Vec<String> = if exact.is_empty() { of_kind.collect() } else { exact };
    let names: Vec<String> = ranged.iter().map(|weapon| weapon.name.clone()).collect();
    match fitting.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(phrases::no_weapon(name, word, &names)),
        several => Err(phrases::which_weapon(name, several)),
    }
}

/// Name and class of a weapon in lower case.
fn description(weapon: &Weapon) -> String {
    format!("{} {}", weapon.name, weapon.class).to_lowercase()
}

fn says(weapon: &Weapon, word: &str) -> bool {
    description(weapon).contains(word)
}

fn is_ranged(weapon: &Weapon) -> bool {
    let description = description(weapon);
    description.contains("launcher") || !lexicon::CLOSE_COMBAT_MARKS.iter().any(|mark| description.contains(mark))
}

fn is_of_kind(weapon: &Weapon, kind: WeaponKind) -> bool {
    let description = description(weapon);
    let marks = lexicon::KIND_MARKS.iter().find(|(other, _)| *other == kind).map(|(_, marks)| *marks);
    marks.is_none_or(|marks| marks.iter().any(|mark| description.contains(mark)))
}

fn melee(table: &Table<'_>, skill: &str) -> Answer {
    let name = actor(table)?;
    let lead = format!(
        "{} {}",
        phrases::lead_test(table.variety(), table.is_crowded().then_some(&name), skill),
        phrases::MELEE
    );
    let arguments = json!({
        "character_name": name, "skill_name": skill, "target_number": table.meaning.details.target_number.unwrap_or(4),
        "reason": reason(table),
    });
    call(table, lead, "test_skill", arguments)
}

fn cast(table: &Table<'_>) -> Answer {
    let name = actor(table)?;
    let details = &table.meaning.details;
    let Some(spell) = &details.spell else {
        return Err(phrases::ask_spell(table.variety(), &name));
    };
    let Some(force) = details.force else {
        return Err(phrases::ask_force(table.variety(), spell));
    };
    if details.is_pool_vague && details.spell_pool.is_none() {
        return Err(phrases::ask_pool("Magic Pool", &name));
    }
    let is_aimed = lexicon::SPELLS_AT_A_FOE.contains(&spell.as_str());
    let target = match details.target.as_deref() {
        Some("myself" | "himself" | "herself" | "itself") => Some(name.as_str()),
        Some(target) => Some(target),
        None if is_aimed => table.scene("target"),
        None => None,
    };
    let light = details.light.as_deref().or_else(|| table.scene("light_level").filter(|_| is_aimed));
    let arguments = json!({
        "caster_name": name, "spell_name": spell, "force": force, "target_name": target,
        "spell_pool_dice": details.spell_pool, "drain_pool_dice": details.drain_pool, "cover": details.cover,
        "light_level": light.and_then(light_level),
    });
    let other = target.filter(|target| *target != name);
    let lead = phrases::lead_cast(table.variety(), table.is_crowded().then_some(&name), spell, other);
    let mut calls: Vec<Call> = if is_aimed { scene_call(table).into_iter().collect() } else { Vec::new() };
    calls.push(checked(table, "cast_spell", arguments)?);
    Ok(Step::Call { lead, calls })
}

fn test(table: &Table<'_>, skill: &str) -> Answer {
    let name = actor(table)?;
    let details = &table.meaning.details;
    let difficulty = details.difficulty.as_deref().filter(|_| details.target_number.is_none());
    let is_open = difficulty.is_none() && details.target_number.is_none();
    let mut lead = phrases::lead_test(table.variety(), table.is_crowded().then_some(&name), skill);
    if is_open {
        lead.push(' ');
        lead.push_str(phrases::AVERAGE);
    }
    let arguments = json!({
        "character_name": name, "skill_name": skill, "target_number": details.target_number,
        "difficulty": if is_open { Some("average") } else { difficulty }, "reason": reason(table),
    });
    call(table, lead, "test_skill", arguments)
}

fn roll(table: &Table<'_>) -> Answer {
    let details = &table.meaning.details;
    let reason = reason(table);
    let arguments = match (&details.notation, details.dice, details.target_number) {
        (_, Some(dice), Some(target_number)) => json!({"pool": dice, "target_number": target_number, "reason": reason}),
        (Some(notation), _, None) => json!({"notation": notation, "reason": reason}),
        (Some(_), None, Some(_)) => return Err(phrases::NOT_BOTH_FORMS.to_owned()),
        (None, Some(dice), None) => return Err(phrases::ask_target_number(dice)),
        (None, None, _) => return Err(phrases::ASK_DICE.to_owned()),
    };
    call(table, table.pick(phrases::LEAD_ROLL), "roll_dice", arguments)
}

fn initiative(table: &Table<'_>) -> Answer {
    let sheets: Vec<&Done<'_>> =
        table.done().iter().filter(|done| done.tool == "get_character" && !done.failed).collect();
    if sheets.is_empty() {
        let notation = table.meaning.details.notation.as_ref();
        if let Some(notation) = notation {
            return call(table, table.pick(phrases::LEAD_INITIATIVE), "roll_initiative", json!({"notation": notation}));
        }
        let names = match actor(table) {
            Ok(name) if !table.meaning.is_for_all => vec![name],
            Err(question) if table.request.characters.is_empty() => return Err(question),
            // Nobody is named: everybody at the table rolls.
            _ => table.request.characters.iter().take(MAX_INITIATIVES).map(|brief| brief.name.clone()).collect(),
        };
        let calls = names.iter().map(|name| checked(table, "get_character", json!({"character_name": name})));
        return Ok(Step::Call { lead: table.pick(phrases::LEAD_INITIATIVE), calls: calls.collect::<Result<_, _>>()? });
    }
    let calls = sheets.iter().map(|done| {
        let name = sheet::text(done.result, "character").or_else(|| sheet::text(done.result, "street_name"));
        let name = name
            .or_else(|| done.arguments.get("character_name").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_default();
        let notation = sheet::initiative_notation(done.result).ok_or_else(|| phrases::no_initiative(&name))?;
        checked(table, "roll_initiative", json!({"notation": notation, "reason": format!("Initiative of {name}")}))
    });
    Ok(Step::Call { lead: String::new(), calls: calls.collect::<Result<_, _>>()? })
}

fn drop_spell(table: &Table<'_>) -> Answer {
    let name = actor(table)?;
    match &table.meaning.details.spell {
        Some(spell) => {
            let lead = phrases::lead_drop(table.variety(), spell);
            call(table, lead, "drop_spell", json!({"character_name": name, "spell_name": spell}))
        }
        // Which one? The list tells.
        None => {
            let lead = phrases::lead_sustained(table.variety(), &name);
            call(table, lead, "get_sustained_spells", json!({"character_name": name}))
        }
    }
}

fn look_up(table: &Table<'_>, question: &Question) -> Answer {
    let name = actor(table)?;
    let lead = table.pick(phrases::LEAD_SHEET);
    match question {
        Question::Skill(skill) => {
            call(table, lead, "get_character_skill", json!({"character_name": name, "skill_name": skill}))
        }

        Question::Section(_) | Question::Attribute(_) | Question::Item(_) => {
            call(table, lead, "get_character", json!({"character_name": name}))
        }
    }
}

fn greet(table: &Table<'_>) -> Answer {
    match table.request.characters.as_slice() {
        [] if table.offers("list_characters") => list_characters(table, table.pick(phrases::GREETINGS)),
        [] => Err(format!("{} {}", table.pick(phrases::GREETINGS), phrases::no_character())),
        characters => Err(phrases::greeting(table.variety(), characters, &table.request.scene)),
    }
}

fn list_characters(table: &Table<'_>, lead: String) -> Answer {
    if !table.offers("list_characters") {
        return Err(phrases::party(&table.request.characters));
    }
    call(table, lead, "list_characters", json!({}))
}

fn change_scene(table: &Table<'_>) -> Answer {
    if !table.offers("update_scene") {
        return Err(phrases::NO_SCENE.to_owned());
    }
    match scene_call(table) {
        Some(call) => Ok(Step::Call { lead: String::new(), calls: vec![call] }),
        None => Err(phrases::scene_stands(&table.request.scene)),
    }
}

/// The scene as the player tells it, where that is new.
fn scene_call(table: &Table<'_>) -> Option<Call> {
    if !table.offers("update_scene") {
        return None;
    }
    let details = &table.meaning.details;
    let target = details.target.as_deref().filter(|target| !is_self(table, target));
    let mut arguments = Map::new();
    let told = [
        ("location", details.location.as_deref()),
        ("target", target),
        ("light_level", details.light.as_deref()),
        ("target_movement", details.movement.as_deref()),
    ];
    for (key, value) in told {
        let is_known = match (key, value, table.scene(key)) {
            ("target", Some(said), Some(known)) => phrases::is_same_target(said, known),
            (_, said, known) => said == known,
        };
        if let Some(value) = value.filter(|_| !is_known) {
            arguments.insert(key.to_owned(), value.into());
        }
    }
    if let Some(distance) = details.distance.filter(|distance| table.scene_distance() != Some(*distance)) {
        arguments.insert("target_distance".to_owned(), distance.into());
    }
    let mut forget = Vec::new();
    if arguments.contains_key("target") && table.scene("target").is_some() {
        // Another target: what was known of the last one is not known of this one.
        let stale = [("target_distance", details.distance.is_none()), ("target_movement", details.movement.is_none())];
        forget.extend(
            stale
                .iter()
                .filter(|(key, is_stale)| *is_stale && table.request.scene.contains_key(*key))
                .map(|(key, _)| *key),
        );
    }
    if !forget.is_empty() {
        arguments.insert("forget".to_owned(), json!(forget));
    }
    if arguments.is_empty() {
        return None;
    }
    checked(table, "update_scene", Value::Object(arguments)).ok()
}

fn is_self(table: &Table<'_>, target: &str) -> bool {
    matches!(target, "myself" | "himself" | "herself" | "itself")
        || table.request.characters.iter().any(|brief| brief.name.eq_ignore_ascii_case(target))
}

fn light_level(word: &str) -> Option<String> {
    let word = word.to_uppercase();
    ["NORMAL", "PARTIAL", "DIM", "DARK"].contains(&word.as_str()).then_some(word)
}

fn pace(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    ["stationary", "walking", "running"].contains(&word.as_str()).then_some(word)
}

/// The player's words, as the reason of a roll.
fn reason(table: &Table<'_>) -> String {
    table.turns.last().map_or("", |turn| turn.text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn call(table: &Table<'_>, lead: String, tool: &'static str, arguments: Value) -> Answer {
    Ok(Step::Call { lead, calls: vec![checked(table, tool, arguments)?] })
}

/// The call, if the tool is offered and its schema allows the arguments; what is too long is cut.
fn checked(table: &Table<'_>, tool: &'static str, arguments: Value) -> Result<Call, String> {
    let Some(offered) = table.request.tools.iter().find(|offered| offered.name == tool) else {
        return Err(phrases::NO_TOOL.to_owned());
    };
    let mut fitting = Map::new();
    for (key, value) in arguments.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let schema = &offered.parameters["properties"][key];
        if schema.is_null() {
            continue;
        }
        let value = match value {
            Value::String(text) => {
                let most = schema["maxLength"].as_u64().unwrap_or(100);
                Value::String(text.chars().take(usize::try_from(most).unwrap_or(100)).collect())
            }
            Value::Number(number) => {
                let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
                let number = number.as_i64().unwrap_or_default();
                if least.is_some_and(|least| number < least) || most.is_some_and(|most| most < number) {
                    return Err(phrases::out_of_bounds(key, number, least, most));
                }
                value.clone()
            }
            _ => value.clone(),
        };
        fitting.insert(key.clone(), value);
    }
    Ok(Call { tool, arguments: fitting })
}
