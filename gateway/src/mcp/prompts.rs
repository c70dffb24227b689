//! Prompts for a game master: what a person picks in his client so that the model knows what to do next.

use rmcp::{
    ErrorData,
    model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role},
};
use serde_json::Value;

/// How every game master of ours plays; the model of the house reads the same.
const GAME_MASTER: &str = include_str!("../../../services/orchestrator/prompts/game-master.txt");

/// A prompt: its arguments stand in braces in its text.
struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Name, description, and whether it must be given.
    arguments: &'static [(&'static str, &'static str, bool)],
    text: &'static str,
}

const TEMPLATES: &[Template] = &[
    Template {
        name: "run_table",
        title: "Run a table",
        description: "Be the game master of a session: take the seat, learn how things stand, and narrate.",
        arguments: &[("session_id", "The session.", true)],
        text: "You are the game master of the session {session_id} on this server.\n\
            1. Call take_over with session_id {session_id} and on true: then you narrate, and the server's own game \
            master is silent.\n\
            2. Read dicetower://sessions/{session_id} and the sheets of its characters (get_character), and get_scene.\n\
            3. Subscribe to dicetower://sessions/{session_id}, or call list_events with after_seq, to hear what the \
            players say.\n\
            4. Answer each of them with say: what happens, after the tools have said what the dice are. Pass \
            session_id {session_id} to every tool, so that the table sees your rolls.\n\
            5. When you are done, call take_over with on false.\n\n{game_master}",
    },
    Template {
        name: "open_scene",
        title: "Open a scene",
        description: "Set a new scene: place, light, who is there, what is at stake.",
        arguments: &[("session_id", "The session.", true), ("idea", "What it is about.", false)],
        text: "Open a new scene in the session {session_id}. Idea: {idea}\nRead the last events (list_events) and the \
            scene (get_scene) first. Call update_scene with place, light and distances, then tell the players in three \
            to five sentences what they see, and end where they can act.",
    },
    Template {
        name: "resolve_action",
        title: "Resolve an action",
        description: "Let the tools decide what a character's deed comes to, then tell it.",
        arguments: &[
            ("session_id", "The session.", true),
            ("character", "Who acts.", true),
            ("action", "What he does.", true),
        ],
        text: "In the session {session_id}, {character} does this: {action}\nChoose the tool that fits (find_tool if \
            none does), ask for what is missing instead of guessing it, call it with session_id {session_id}, and \
            narrate its result: first the dice that mattered, then what they look like in the world.",
    },
    Template {
        name: "combat_round",
        title: "Run a combat round",
        description: "Roll initiative, go through the phases, and keep wounds and ammunition.",
        arguments: &[("session_id", "The session.", true)],
        text: "Run the next combat round of the session {session_id}: get_combat says whether one is going on, \
            start_combat begins one. For each actor in the order of the phases ask the player what he does, or decide \
            for those nobody plays; resolve it with the combat tools; apply damage with apply_damage. End the round \
            with who stands where and how badly they are hurt.",
    },
    Template {
        name: "make_npc",
        title: "Make a non-player character",
        description: "Invent somebody, and keep him in the campaign.",
        arguments: &[("campaign_id", "The campaign; list_campaigns shows them.", true), ("idea", "Who it is.", true)],
        text: "Invent a non-player character for the campaign {campaign_id}: {idea}\nGive a name, a role, a place, one \
            want, one secret and one way of speaking. Keep him with register_npc, then introduce him in two sentences.",
    },
    Template {
        name: "recap",
        title: "Recap a session",
        description: "Tell the players what happened so far.",
        arguments: &[("session_id", "The session.", true)],
        text: "Read the story of the session {session_id} with export_transcript, and tell the players in at most ten \
            sentences what happened, what they gained and lost, and what is still open. Invent nothing.",
    },
];

/// The prompts, as a client lists them.
pub(super) fn list() -> Vec<Prompt> {
    let argument = |(name, description, required): &(&str, &str, bool)| {
        PromptArgument::new(*name).with_description(*description).with_required(*required)
    };
    TEMPLATES
        .iter()
        .map(|template| {
            let arguments = template.arguments.iter().map(argument).collect();
            Prompt::new(template.name, Some(template.description), Some(arguments)).with_title(template.title)
        })
        .collect()
}

/// A prompt with its arguments in their places.
///
/// # Errors
///
/// There is no such prompt, or an argument is missing, unknown, too long or no text.
pub(super) fn get(name: &str, arguments: JsonObject) -> Result<GetPromptResult, ErrorData> {
    let invalid = |message: String| ErrorData::invalid_params(message, None);
    let template = TEMPLATES.iter().find(|template| template.name == name).ok_or_else(|| {
        let names: Vec<_> = TEMPLATES.iter().map(|template| template.name).collect();
        invalid(format!("there is no such prompt; there are {}", names.join(", ")))
    })?;
    if let Some(unknown) = arguments.keys().find(|key| template.arguments.iter().all(|(name, ..)| name != key)) {
        let unknown: String = unknown.chars().take(64).collect();
        return Err(invalid(format!("{name} has no argument {unknown:?}")));
    }
    let mut filled = Vec::new();
    for (argument, _, required) in template.arguments {
        match arguments.get(*argument) {
            Some(Value::String(text)) if text.chars().count() <= MAX_ARGUMENT => {
                filled.push((*argument, text.as_str()))
            }
            Some(_) => return Err(invalid(format!("`{argument}` must be text of at most {MAX_ARGUMENT} characters"))),
            None if *required => return Err(invalid(format!("`{argument}` is missing"))),
            None => filled.push((*argument, "none given; choose")),
        }
    }
    let message = PromptMessage::new_text(Role::User, fill(template.text, &filled));
    Ok(GetPromptResult::new(vec![message]).with_description(template.description))
}

/// Longest argument, in characters.
const MAX_ARGUMENT: usize = 2000;

/// The text with what stands in braces replaced, once: an argument's own braces mean nothing.
fn fill(text: &str, arguments: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match name {
            "game_master" => filled.push_str(GAME_MASTER),
            name => filled.push_str(arguments.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)),
        }
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn every_prompt_uses_each_of_its_arguments_and_no_other() {
        for template in TEMPLATES {
            let marked = |name: &str| object(json!({name: format!("<{name}>")}));
            let mut all = JsonObject::new();
            for (name, ..) in template.arguments {
                all.extend(marked(name));
            }
            let text = serde_json::to_string(&get(template.name, all).unwrap()).unwrap();
            for (name, ..) in template.arguments {
                assert!(text.contains(&format!("<{name}>")), "{}: {name}", template.name);
            }
            assert!(!text.contains('{') || !text.contains("{session"), "{}", template.name);
        }
    }

    #[test]
    fn the_braces_of_an_argument_mean_nothing() {
        assert_eq!(fill("a {x} b", &[("x", "{game_master}{x}")]), "a {game_master}{x} b");
    }

    #[test]
    fn wrong_arguments_are_told_what_is_wrong() {
        assert!(get("run_table", object(json!({}))).unwrap_err().message.contains("`session_id` is missing"));
        assert!(get("run_table", object(json!({"session_id": 7}))).is_err());
        assert!(get("run_table", object(json!({"session_id": "x".repeat(2001)}))).is_err());
        assert!(get("run_table", object(json!({"session_id": "a", "more": "b"}))).is_err());
        assert!(get("nothing", object(json!({}))).unwrap_err().message.contains("run_table"));
    }
}
