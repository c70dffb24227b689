//! From what a player means to the next step: tool calls, a question back, or the story of what the tools answered.
//!
//! Calls go to tools that are offered, with arguments inside the bounds of their schemas, at most [`MAX_ROUNDS`] times a
//! turn; a call that failed is told, never repeated as it was.

use serde_json::{Map, Value, json};

use super::{
    asked, attack,
    conversation::{self, DEEDS, Done, Turn},
    deeds, fight, foes,
    language::Language,
    lexicon, narrate, people, phrases, rounds, sheet,
    understand::{Action, Question, Understanding},
};
use crate::llm::ModelRequest;

/// Rounds of calls before a deed: one to ask how a fight stands, one to look something up, one to act.
const MAX_ROUNDS: usize = 3;
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
    /// The language he speaks; none: English.
    pub(super) language: Option<&'static Language>,
}

impl<'r> Table<'r> {
    pub(super) fn new(request: &'r ModelRequest) -> Table<'r> {
        let turns = conversation::turns(request);
        let (meaning, language) = conversation::meaning(&turns, &names(request));
        Table { request, turns, meaning, language }
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

    pub(super) fn pick(&self, of: &[&str]) -> String {
        phrases::pick(self.variety(), of).to_owned()
    }

    pub(super) fn offers(&self, tool: &str) -> bool {
        self.request.tools.iter().any(|offered| offered.name == tool)
    }

    pub(super) fn scene(&self, key: &str) -> Option<&str> {
        self.request.scene.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn scene_distance(&self) -> Option<u32> {
        let distance = self.request.scene.get("target_distance")?;
        let metres = distance.as_f64().filter(|metres| (0.0..=100_000.0).contains(metres))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies in 0..=100000")]
        let metres = metres.round() as u32;
        Some(metres)
    }

    /// The answer of a tool that was called in this turn.
    pub(super) fn result(&self, tool: &str) -> Option<&Done<'r>> {
        self.done().iter().find(|done| done.tool == tool)
    }

    /// Whether that is the name of an active character.
    pub(super) fn is_character(&self, name: &str) -> bool {
        self.request.characters.iter().any(|brief| brief.name.eq_ignore_ascii_case(name))
    }

    /// Whether a character's sheet had him out of action when the turn began: ten boxes on a track.
    pub(super) fn is_out_by_sheet(&self, name: &str) -> bool {
        let brief = self.request.characters.iter().find(|brief| brief.name.eq_ignore_ascii_case(name));
        brief.is_some_and(|brief| sheet::is_out(&brief.summary))
    }

    /// Combat Pool dice that a character has kept to resist damage, and has not used yet in this turn.
    pub(super) fn kept_dice(&self, character: &str) -> Option<u32> {
        let kept = conversation::kept_dice(&self.turns, &names(self.request), character)?;
        let is_his = |done: &&Done<'_>| {
            done.tool == "resist_damage" && done.arguments.get("character_name").is_some_and(|name| name == character)
        };
        let used = self.done().iter().filter(is_his).filter_map(|done| done.arguments.get("combat_pool")?.as_u64());
        kept.checked_sub(u32::try_from(used.sum::<u64>()).ok()?).filter(|left| 0 < *left)
    }

    /// Whether the table has more than one active character, so that "you" is not clear.
    pub(super) fn is_crowded(&self) -> bool {
        1 < self.request.characters.len()
    }
}

/// The active characters' names.
pub(super) fn names(request: &ModelRequest) -> Vec<&str> {
    request.characters.iter().map(|character| character.name.as_str()).collect()
}

/// The next step.
pub(super) fn next(table: &Table<'_>) -> Step {
    let Some(turn) = table.turns.last() else {
        return Step::Say(phrases::nobody_spoke());
    };
    let has_failed =
        turn.done.iter().any(|done| done.failed && done.tool != "update_scene" && !fight::lacks_kept_dice(done));
    if has_failed {
        return Step::Say(narrate::end(table));
    }
    let calls = fight::follow_up(table);
    if !calls.is_empty() {
        return Step::Call { lead: narrate::outcome(table), calls };
    }
    let has_acted = turn.done.iter().any(|done| DEEDS.contains(&done.tool) && !fight::is_of_foe(done));
    let most = if fight::standing(table).is_some() { fight::MAX_ROUNDS } else { MAX_ROUNDS };
    if has_acted || most <= turn.rounds {
        return Step::Say(narrate::end(table));
    }
    act(table, turn).unwrap_or_else(Step::Say)
}

/// A question or a refusal instead of a step.
pub(super) type Answer = Result<Step, String>;

fn act(table: &Table<'_>, turn: &Turn<'_>) -> Answer {
    let is_first = turn.rounds == 0;
    match &table.meaning.action {
        Action::Attack => attack::shoot(table),
        Action::Melee(skill) => attack::melee(table, skill),
        Action::Cast => cast(table),
        Action::SkillTest(skill) => test(table, skill),
        Action::AttributeTest(attribute) => test(table, &phrases::capital(attribute)),
        Action::Initiative => initiative(table),
        Action::FirstAid => rounds::first_aid(table),
        Action::Reload => rounds::reload(table),
        Action::Pass => rounds::pass(table),
        Action::Objective(objective) => people::objective(table, objective),
        Action::Asked(deed) => asked::answer(table, deed),
        Action::Buy(purchase) => deeds::buy(table, purchase),
        Action::Spend => deeds::spend(table),
        Action::Improve(skill) => deeds::improve(table, skill.as_deref()),
        Action::Karma(way) => deeds::karma(table, way),
        Action::Defend => deeds::defend(table),
        Action::Resist => deeds::resist(table),
        Action::Wound => deeds::wound(table),
        Action::Conjure(spirit) => deeds::conjure(table, spirit.as_deref()),
        Action::Drive { vehicle, terrain } => deeds::drive(table, vehicle, *terrain),
        Action::Grenade(kind) => deeds::grenade(table, *kind),
        Action::FoeStands(foe) => deeds::foe_stands(table, foe),

        _ if !is_first => Ok(Step::Say(narrate::end(table))),
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
        Action::StartFight => rounds::start_fight(table),
        Action::Order => rounds::order(table),
        Action::EndFight => rounds::end_fight(table),
        Action::Foes => rounds::meet_foes(table),
        Action::Rest => rounds::rest(table),
        Action::Talk(person) => Ok(Step::Say(people::reaction(table, person))),
        Action::Job => people::job(table),
        Action::Milestone(milestone) => people::milestone(table, milestone),
        Action::Npc(name) => people::npc(table, name),
        Action::Hold => Ok(Step::Say(table.pick(phrases::HOLDS))),
        Action::Free => Err(table.pick(phrases::FREE)),
        Action::Rules => look_up_rule(table),
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
pub(super) fn actor(table: &Table<'_>) -> Result<String, String> {
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
    match &table.request.characters[..] {
        [] => Err(phrases::no_character()),
        [only] => Ok(only.name.clone()),
        several => Err(phrases::whose(table.variety(), several)),
    }
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
    if let Some(step) = attack::move_of(table, &name)? {
        return Ok(step);
    }
    let is_aimed = lexicon::SPELLS_AT_A_FOE.contains(&spell.as_str());
    let is_counted = details.target.is_none() && !details.foes.is_empty();
    let target = match details.target.as_deref() {
        Some("myself" | "himself" | "herself" | "itself") => Some(name.as_str()),
        Some(target) => Some(target),
        None if is_aimed && !is_counted => table.scene("target"),
        None => None,
    };
    let found = if is_aimed { attack::targets(table, target)? } else { Vec::new() };
    let target = found.first().map(String::as_str).or(target);
    let foe = target.filter(|target| table.offers("update_scene") && !table.is_character(target));
    let foe = foe.and_then(foes::known_kind).filter(|_| is_aimed);
    let light = details.light.as_deref().or_else(|| table.scene("light_level").filter(|_| is_aimed));
    let arguments = json!({
        "caster_name": name, "spell_name": spell, "force": force, "target_name": target,
        "target_body": foe.map(|foe| foe.body), "target_willpower": foe.map(|foe| foe.willpower),
        "target_reaction": foe.map(|foe| foe.reaction),
        "spell_pool_dice": details.spell_pool, "drain_pool_dice": details.drain_pool, "cover": details.cover,
        "light_level": light.and_then(light_level),
    });
    let other = target.filter(|target| *target != name);
    let mut lead = phrases::lead_cast(table.variety(), table.is_crowded().then_some(&name), spell, other);
    if let [first, _, ..] = found.as_slice() {
        lead.push(' ');
        lead.push_str(&phrases::one_at_a_time(spell, first));
    }
    let mut calls: Vec<Call> = if is_aimed { scene_call(table).into_iter().collect() } else { Vec::new() };
    calls.extend(attack::joining(table, found.get(..1).unwrap_or_default())?);
    calls.push(checked(table, "cast_spell", arguments)?);
    Ok(Step::Call { lead, calls })
}

fn test(table: &Table<'_>, skill: &str) -> Answer {
    let name = actor(table)?;
    if let Some(step) = attack::move_of(table, &name)? {
        return Ok(step);
    }
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
    let is_lone = table.meaning.actor.is_some() && !table.meaning.is_for_all;
    let has_foes =
        foes::of_scene(&table.request.scene).iter().any(foes::Foe::is_up) || !table.meaning.details.foes.is_empty();
    if has_foes && !is_lone && table.offers("start_combat") {
        return if table.done().is_empty() { rounds::start_fight(table) } else { Ok(Step::Say(narrate::end(table))) };
    }
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

/// A question about the rules: the book's summaries answer it.
fn look_up_rule(table: &Table<'_>) -> Answer {
    let Some(query) = &table.meaning.details.query else { return Err(phrases::RULES_ABOUT_WHAT.to_owned()) };
    call(table, table.pick(phrases::LEAD_RULES), "query_shadowrun", json!({"query": query, "limit": 6}))
}

fn greet(table: &Table<'_>) -> Answer {
    match &table.request.characters[..] {
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
pub(super) fn scene_call(table: &Table<'_>) -> Option<Call> {
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
    let foes = foes::of_scene(&table.request.scene);
    let apart = target.or_else(|| table.scene("target")).and_then(|target| foes::find(&foes, target));
    match (details.distance, apart.filter(|foe| foe.distance_m().is_some())) {
        (Some(distance), Some(foe)) if foe.distance_m() != Some(distance) => {
            let foe = json!({"name": foe.name, "note": foes::distance_note(distance)});
            arguments.insert("foes".to_owned(), json!([foe]));
        }
        (Some(distance), None) if table.scene_distance() != Some(distance) => {
            arguments.insert("target_distance".to_owned(), distance.into());
        }
        _ => {}
    }
    let mut forget = Vec::new();
    if arguments.contains_key("location") && table.request.scene.contains_key("foes") {
        // Those of the last place stay there.
        forget.push("foes");
    }
    if arguments.contains_key("target") && table.scene("target").is_some() {
        // Another target: what was known of the last one is not known of this one.
        // Foes of one scene stand together, as `attack` takes it.
        let is_among_them = target.is_some_and(|target| foes::find(&foes, target).is_some());
        let has_no_distance = details.distance.is_none() && !is_among_them;
        let stale = [("target_distance", has_no_distance), ("target_movement", details.movement.is_none())];
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

pub(super) fn is_self(table: &Table<'_>, target: &str) -> bool {
    matches!(target, "myself" | "himself" | "herself" | "itself")
        || table.request.characters.iter().any(|brief| brief.name.eq_ignore_ascii_case(target))
}

pub(super) fn light_level(word: &str) -> Option<String> {
    let word = word.to_uppercase();
    ["NORMAL", "PARTIAL", "DIM", "DARK"].contains(&word.as_str()).then_some(word)
}

pub(super) fn pace(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    ["stationary", "walking", "running"].contains(&word.as_str()).then_some(word)
}

/// The player's words, as the reason of a roll.
pub(super) fn reason(table: &Table<'_>) -> String {
    table.turns.last().map_or("", |turn| turn.text).split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn call(table: &Table<'_>, lead: String, tool: &'static str, arguments: Value) -> Answer {
    Ok(Step::Call { lead, calls: vec![checked(table, tool, arguments)?] })
}

/// The call, if the tool is offered and its schema allows the arguments; what is too long is cut.
pub(super) fn checked(table: &Table<'_>, tool: &'static str, arguments: Value) -> Result<Call, String> {
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
