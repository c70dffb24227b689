//! The conversation as turns: what each player said, what was called for it, and what is still open.
//!
//! The house game master remembers nothing; all he knows of earlier turns is read here, each time anew. Of past turns a
//! request may hold no calls but only what was told: then his own words show whether he asked or answered.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    language::{self, Language},
    phrases,
    understand::{Action, Details, Understanding, WeaponSaid, understand},
};
use crate::llm::{Message, ModelRequest};

/// Turns before the current one that a question may be answered from.
const TURNS_BACK: usize = 6;

/// Tools that carry out what a player wants; the others only prepare it.
pub(super) const DEEDS: &[&str] = &[
    "calculate_ranged_attack",
    "melee_combat",
    "cast_spell",
    "test_skill",
    "roll_dice",
    "roll_initiative",
    "drop_spell",
    "first_aid",
    "heal",
    "reload",
    "end_combat",
    "add_gear",
    "spend_nuyen",
    "improve_skill",
    "use_karma",
    "conjure_spirit",
    "drive_vehicle",
    "throw_grenade",
];

/// A player's message and what followed it.
#[derive(Debug, Default)]
pub(super) struct Turn<'r> {
    /// What he said.
    pub(super) text: &'r str,
    /// The character he plays, if he said so.
    pub(super) character: Option<&'r str>,
    /// How often the game master has spoken or called since.
    pub(super) rounds: usize,
    /// What he said.
    told: String,
    /// The calls that were answered, in order.
    pub(super) done: Vec<Done<'r>>,
}

/// A call with its answer.
#[derive(Debug)]
pub(super) struct Done<'r> {
    /// The tool.
    pub(super) tool: &'r str,
    /// What it was given.
    pub(super) arguments: Map<String, Value>,
    /// What it answered.
    pub(super) result: &'r Value,
    /// Whether it failed.
    pub(super) failed: bool,
    /// In which round of its turn it was called, from 1.
    pub(super) round: usize,
}

/// The turns of a request, oldest first. Empty if no player has spoken.
pub(super) fn turns(request: &ModelRequest) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    let mut arguments: HashMap<&str, (&str, usize)> = HashMap::new();
    for message in request.messages.iter() {
        match message {
            Message::Player { character, text, .. } => {
                turns.push(Turn { text, character: character.as_deref(), ..Turn::default() });
            }
            Message::GameMaster { text, tool_calls } => {
                let Some(turn) = turns.last_mut() else { continue };
                turn.rounds += 1;
                turn.told.push_str(text);
                arguments
                    .extend(tool_calls.iter().map(|call| (call.id.as_str(), (call.arguments.as_str(), turn.rounds))));
            }
            Message::ToolResult { call_id, tool, result, failed } => {
                let Some(turn) = turns.last_mut() else { continue };
                let (text, round) = arguments.get(call_id.as_str()).copied().unwrap_or(("{}", turn.rounds));
                let arguments = serde_json::from_str(text).unwrap_or_default();
                turn.done.push(Done { tool, arguments, result, failed: *failed, round });
            }
            Message::Withdrawn { .. } => {}
        }
    }
    turns
}

/// What the last turn's player means: completed by what he said before where the game master had to ask, and with the
/// last deed in place of "again". With it the language that he speaks: that of his last words that tell one.
pub(super) fn meaning(turns: &[Turn<'_>], names: &[&str]) -> (Understanding, Option<&'static Language>) {
    let mut open: Option<Understanding> = None;
    let mut last_deed: Option<Understanding> = None;
    let from = turns.len().saturating_sub(TURNS_BACK + 1);
    let mut meaning = Understanding::default();
    let mut spoken: Option<&'static Language> = None;
    for turn in &turns[from..] {
        spoken = language::of(turn.text).unwrap_or(spoken);
        let said = match spoken {
            Some(language) => understand(&language.heard(turn.text), names),
            None => understand(turn.text, names),
        };
        meaning = match (open.take(), &last_deed) {
            (Some(earlier), _) if completes(&said, &earlier) => merge(said, earlier),
            (_, Some(deed)) if said.action == Action::Again => merge(said, without_scene(deed.clone())),
            _ => said,
        };
        if meaning.action.is_deed() {
            last_deed = Some(meaning.clone());
        }
        open = is_open(&meaning, turn).then(|| without_refused_dice(meaning.clone(), turn));
    }
    (meaning, spoken)
}

/// The deed without what the scene may have changed since.
fn without_scene(mut deed: Understanding) -> Understanding {
    let details = deed.details;
    deed.details = Details { distance: None, light: None, movement: None, location: None, ..details };
    deed
}

/// Dice of a pool that were refused are not offered again.
fn without_refused_dice(mut deed: Understanding, turn: &Turn<'_>) -> Understanding {
    let is_refused = turn.done.iter().any(|done| done.failed)
        || turn.told.contains(phrases::REFUSED)
        || language::refuses(&turn.told);
    if is_refused {
        deed.details = Details { combat_pool: None, spell_pool: None, drain_pool: None, ..deed.details };
    }
    deed
}

/// Whether the game master could not do it yet: he asked, or a tool refused.
fn is_open(meaning: &Understanding, turn: &Turn<'_>) -> bool {
    let is_question = matches!(meaning.action, Action::Sheet(_) | Action::Sustained | Action::Asked(_));
    if !is_question && !meaning.action.is_deed() {
        return false;
    }
    if turn.done.is_empty() {
        return phrases::asks_or_refuses(&turn.told);
    }
    let succeeded = |done: &Done<'_>| !done.failed && (is_question || DEEDS.contains(&done.tool));
    !turn.done.iter().any(succeeded)
}

/// Whether what is said now answers what was left open.
fn completes(said: &Understanding, earlier: &Understanding) -> bool {
    let lacks_distance = earlier.action == Action::Attack && earlier.details.distance.is_none();
    match &said.action {
        Action::Fragment => true,
        Action::Nothing | Action::Free => said.is_name,
        Action::Scene => lacks_distance && said.details.distance.is_some(),
        Action::Cast => {
            earlier.action == Action::Cast
                && (said.details.spell.is_none()
                    || earlier.details.spell.is_none()
                    || said.details.spell == earlier.details.spell)
        }
        action if goes_on(action, &earlier.action) => true,
        action => *action == earlier.action && !matches!(action, Action::Sheet(_)),
    }
}

/// Whether it is the same deed, with more of it told: "a spirit", then "a forest spirit".
fn goes_on(said: &Action, earlier: &Action) -> bool {
    matches!(
        (said, earlier),
        (Action::Buy(_), Action::Buy(_))
            | (Action::Conjure(Some(_)), Action::Conjure(_))
            | (Action::Grenade(Some(_)), Action::Grenade(_))
            | (Action::Improve(Some(_)), Action::Improve(_))
    )
}

fn merge(said: Understanding, earlier: Understanding) -> Understanding {
    let mut details: Details = said.details.or(earlier.details);
    if let Some(number) = details.number.take() {
        let slot = match earlier.action {
            Action::Attack if details.distance.is_none() => &mut details.distance,
            Action::Attack => &mut details.combat_pool,
            Action::Cast if details.force.is_none() => &mut details.force,
            Action::Cast => &mut details.spell_pool,
            Action::Roll if details.dice.is_none() => &mut details.dice,
            Action::Conjure(_) => &mut details.force,
            Action::Buy(_) | Action::Spend => &mut details.nuyen,
            _ => &mut details.target_number,
        };
        slot.get_or_insert(number);
    }
    Understanding {
        action: if goes_on(&said.action, &earlier.action) { said.action } else { earlier.action },
        details,
        actor: said.actor.or(earlier.actor),
        stranger: said.stranger.or(earlier.stranger),
        is_first_person: said.is_first_person || earlier.is_first_person,
        is_for_all: said.is_for_all || earlier.is_for_all,
        is_name: said.is_name,
    }
}

/// The last successful call of one of the tools before the current turn, by that character if one is given.
pub(super) fn last_call<'t, 'r>(
    turns: &'t [Turn<'r>],
    tools: &[&str],
    character: Option<&str>,
) -> Option<&'t Done<'r>> {
    let earlier = turns.split_last().map_or(&[][..], |(_, earlier)| earlier);
    earlier.iter().rev().find_map(|turn| last_call_of(turn, tools, character))
}

fn last_call_of<'t, 'r>(turn: &'t Turn<'r>, tools: &[&str], character: Option<&str>) -> Option<&'t Done<'r>> {
    let is_his = |done: &Done<'_>| {
        let name = ["character_name", "caster_name"].iter().find_map(|key| done.arguments.get(*key)?.as_str());
        character.is_none_or(|character| name.is_none_or(|name| name.eq_ignore_ascii_case(character)))
    };
    turn.done.iter().rev().find(|done| !done.failed && tools.contains(&done.tool) && is_his(done))
}

/// Combat Pool dice that this character has kept for defence since he acted last.
pub(super) fn kept_dice(turns: &[Turn<'_>], names: &[&str], character: &str) -> Option<u32> {
    for (back, turn) in turns.iter().rev().take(TURNS_BACK).enumerate() {
        let language = language::of(turn.text).flatten();
        let said = language
            .map_or_else(|| understand(turn.text, names), |language| understand(&language.heard(turn.text), names));
        let actor = said.actor.as_deref().or(turn.character).or(match names {
            [only] => Some(*only),
            _ => None,
        });
        if actor.is_none_or(|actor| !actor.eq_ignore_ascii_case(character)) {
            continue;
        }
        let is_refused = 0 < back && phrases::asks_or_refuses(&turn.told);
        if said.details.defence_pool.is_some() && !is_refused && !matches!(said.action, Action::Asked(_)) {
            return said.details.defence_pool;
        }
        if 0 < back && said.action.is_deed() && !is_refused {
            return None;
        }
    }
    None
}

/// The weapon that this character fired last, or that his player named since.
pub(super) fn weapon_at_hand(turns: &[Turn<'_>], names: &[&str], character: &str) -> Option<WeaponSaid> {
    let earlier = turns.split_last().map_or(&[][..], |(_, earlier)| earlier);
    earlier.iter().rev().take(TURNS_BACK).find_map(|turn| {
        let fired = last_call_of(turn, &["calculate_ranged_attack"], Some(character));
        let fired = fired.and_then(|done| done.arguments.get("weapon_name")?.as_str()).map(str::to_owned);
        let said = understand(turn.text, names);
        let actor = said.actor.as_deref().or(turn.character);
        let is_his = actor.is_none_or(|actor| actor.eq_ignore_ascii_case(character));
        let is_told = matches!(said.action, Action::Attack | Action::Fragment | Action::Free);
        fired.map(WeaponSaid::Named).or_else(|| said.details.weapon.filter(|_| is_his && is_told))
    })
}
