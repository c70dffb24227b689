//! What the house game master says when no result is told: questions, refusals, help, and a few words before he rolls.
//!
//! Where there are several ways to say a thing, the conversation itself chooses: the same one always gets the same words.

use serde_json::{Map, Value};

use super::{language, sheet};
use crate::llm::CharacterBrief;

/// FNV-1a: the same text, the same number.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One of several phrases.
pub(super) fn pick<'p>(variety: u64, of: &[&'p str]) -> &'p str {
    // The high bits: the low ones of FNV alternate too regularly.
    let index = (variety >> 17) % (of.len().max(1) as u64);
    usize::try_from(index).ok().and_then(|index| of.get(index)).copied().unwrap_or_default()
}

/// Fills `{weapon}` and the like.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((key, after)) = after.split_once('}') else { break };
        text.push_str(values.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| value));
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The text with a capital in front.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The text with a small letter in front, to stand within a sentence.
pub(super) fn uncapital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// "the ganger", but "Platinum".
pub(super) fn with_article(target: &str) -> String {
    let first = target.split(' ').next().unwrap_or_default().to_lowercase();
    let is_numbered = target.ends_with(|char: char| char.is_ascii_digit());
    let has_one = is_numbered
        || matches!(first.as_str(), "the" | "a" | "an" | "my" | "his" | "her" | "their" | "myself" | "nearest");
    let is_name = target.starts_with(|char: char| char.is_uppercase() || !char.is_alphabetic());
    if has_one && first != "nearest" || is_name { target.to_owned() } else { format!("the {target}") }
}

/// Whether two names mean the same target: "ganger" and "the ganger".
pub(super) fn is_same_target(left: &str, right: &str) -> bool {
    let bare = |name: &str| {
        let lower = name.trim().to_lowercase();
        ["the ", "a ", "an "].iter().find_map(|article| lower.strip_prefix(article)).unwrap_or(&lower).to_owned()
    };
    bare(left) == bare(right)
}

/// "A, B and C".
pub(super) fn and_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

fn names(characters: &[CharacterBrief]) -> Vec<String> {
    characters.iter().map(|brief| brief.name.clone()).collect()
}

fn or_list(items: &[String]) -> String {
    match items {
        [head @ .., last] if !head.is_empty() => format!("{} or {last}", head.join(", ")),
        items => items.concat(),
    }
}

// Before a roll. Nothing here claims an outcome, and nothing bears a number.

pub(super) const LEAD_ROLL: &[&str] =
    &["The dice are out.", "Here they go.", "Over to the dice.", "Let the dice decide."];
pub(super) const LEAD_INITIATIVE: &[&str] = &[
    "Hands go to holsters. Who is faster?",
    "The air goes thin. Let us see who moves first.",
    "Everything slows down for a heartbeat. Initiative.",
];
pub(super) const LEAD_SHEET: &[&str] =
    &["Let me look at the sheet.", "A look at the sheet.", "I turn the pages of the sheet."];
pub(super) const LEAD_RULES: &[&str] = &["Let me look that up.", "I leaf through the book.", "A look at the rules."];
/// A question about the rules that names nothing to look for.
pub(super) const RULES_ABOUT_WHAT: &str =
    "What shall I look up? Name a rule, a weapon, a spell or a skill: \"how does recoil work?\"";
pub(super) const LEAD_CHARACTERS: &[&str] = &["Let me see who is in town.", "I leaf through the files."];
/// Said when a test has neither target number nor difficulty.
pub(super) const AVERAGE: &str = "You name no target number, so I take average difficulty.";
/// Said before a test in close combat.
pub(super) const MELEE: &str = "Close combat is an opposed test, and I keep no sheets for foes: this is your side of it. Ask me for \
    the foe's dice against the same number; whoever has more successes wins, and a tie goes to the attacker.";

const LEADS_ATTACK: &[&str] = &[
    "You bring the {weapon} up and put the sights on {target}.",
    "The {weapon} comes up. For a moment there is only you and {target}.",
    "You breathe out, line up the {weapon} on {target}, and squeeze.",
    "You level the {weapon} at {target}.",
    "Your finger tightens on the {weapon}'s trigger; {target} fills your sights.",
];
const LEADS_ATTACK_OTHER: &[&str] = &[
    "{name} brings the {weapon} up and sights on {target}.",
    "{name} levels the {weapon} at {target}.",
    "The {weapon} comes up in {name}'s hands, on {target}.",
];
const LEADS_CAST: &[&str] = &[
    "You draw the mana in and shape it into {spell}{at}.",
    "The air tastes of metal as you call up {spell}{at}.",
    "You reach for the astral, and {spell} takes form under your will{at}.",
    "The hair on your arms rises. {spell} gathers{at}.",
];
const LEADS_CAST_OTHER: &[&str] =
    &["{name} draws the mana in and shapes {spell}{at}.", "The air hums around {name}: {spell} gathers{at}."];
const LEADS_TEST: &[&str] = &[
    "{who}{skill}, then. Let us see.",
    "{who}This calls for {skill}.",
    "{who}{skill} it is.",
    "{who}You fall back on {skill}.",
];
const LEADS_WEAPON: &[&str] = &["Let me see what you carry.", "A look at your sheet for the weapon first."];

pub(super) fn lead_attack(variety: u64, name: Option<&String>, weapon: &str, target: Option<&str>) -> String {
    let target = target.map_or_else(|| "the target".to_owned(), with_article);
    let values = [("weapon", weapon), ("target", target.as_str()), ("name", name.map_or("", String::as_str))];
    fill(pick(variety, if name.is_some() { LEADS_ATTACK_OTHER } else { LEADS_ATTACK }), &values)
}

pub(super) fn lead_cast(variety: u64, name: Option<&String>, spell: &str, target: Option<&str>) -> String {
    let at = target.map(|target| format!(", with {} in mind", with_article(target))).unwrap_or_default();
    let values = [("spell", spell), ("at", at.as_str()), ("name", name.map_or("", String::as_str))];
    fill(pick(variety, if name.is_some() { LEADS_CAST_OTHER } else { LEADS_CAST }), &values)
}

pub(super) fn lead_test(variety: u64, name: Option<&String>, skill: &str) -> String {
    let who = name.map(|name| format!("{name}: ")).unwrap_or_default();
    fill(pick(variety, LEADS_TEST), &[("who", who.as_str()), ("skill", skill)])
}

pub(super) fn lead_weapon(variety: u64) -> String {
    pick(variety, LEADS_WEAPON).to_owned()
}

pub(super) fn lead_sustained(variety: u64, name: &str) -> String {
    fill(
        pick(variety, &["Let me see what {name} holds up.", "I look for the threads that {name} is holding."]),
        &[("name", name)],
    )
}

pub(super) fn lead_drop(variety: u64, spell: &str) -> String {
    let leads =
        ["You loosen your grip on {spell}.", "You let the threads of {spell} slip.", "You stop holding {spell}."];
    fill(pick(variety, &leads), &[("spell", spell)])
}

// Questions back.

pub(super) fn ask_distance(variety: u64, weapon: Option<&str>, target: Option<&str>) -> String {
    let target = target.map_or_else(|| "your target".to_owned(), with_article);
    let asks = [
        "How far away is {target}? I need the distance in metres before anybody rolls; feet and yards will do too.",
        "At what distance? Tell me how many metres lie between you and {target}.",
        "I cannot read the range without a distance: how many metres is it to {target}?",
    ];
    let mut text = fill(pick(variety, &asks), &[("target", target.as_str())]);
    if let Some(weapon) = weapon {
        text.push_str(&format!(" The {weapon} is noted; if you want Combat Pool dice in the shot, say how many."));
    }
    text
}

pub(super) fn ask_force(variety: u64, spell: &str) -> String {
    let asks = [
        "At what Force do you cast {spell}? And say if you put Magic Pool dice into the spell or keep some for the drain.",
        "{spell}: at what Force? Magic Pool dice for the spell and for the drain are yours to name as well.",
    ];
    fill(pick(variety, &asks), &[("spell", spell)])
}

pub(super) fn one_at_a_time(spell: &str, target: &str) -> String {
    format!("One casting goes at one target here: {spell} at {}. Name the next one for another.", with_article(target))
}

pub(super) fn ask_force_of_spirit(spirit: &str) -> String {
    format!("At what Force do you call the {spirit}?")
}

pub(super) fn ask_pool(pool: &str, name: &str) -> String {
    format!("How many dice is that? Name the number of {pool} dice; \"show {name}'s pools\" tells what there is.")
}

pub(super) fn ask_spell(variety: u64, name: &str) -> String {
    let asks = [
        "Which spell, and at what Force? Ask me for the spells of {name} if you want the list.",
        "Name the spell and its Force. \"Show the spells of {name}\" brings up the list.",
    ];
    fill(pick(variety, &asks), &[("name", name)])
}

pub(super) fn ask_target_number(dice: u32) -> String {
    format!(
        "Against what target number do you roll the {dice} dice? Say \"against\" and the number, or ask for a plain sum in dice \
         notation: {dice}d6."
    )
}

/// Words of which one stands in every outcome of dice, as `narrate` tells it.
const OUTCOMES: &[&str] = &["Target number ", "Rolled ", "Total: ", "acts in phase", "no action this turn"];
/// How a refusal by a tool begins.
pub(super) const REFUSED: &str = "That does not go.";
/// How a refusal of ours ends.
const NOTHING_ROLLED: &str = "Nothing is rolled.";

/// Whether what the game master told was a question back or a refusal, so that the player's next words may answer it.
pub(super) fn asks_or_refuses(told: &str) -> bool {
    let is_outcome = OUTCOMES.iter().any(|mark| told.contains(mark)) || language::tells_outcome(told);
    let is_refusal = told.contains(REFUSED) || told.contains(NOTHING_ROLLED) || language::refuses(told);
    !is_outcome && (told.contains('?') || is_refusal)
}

/// Neither dice nor notation were named.
pub(super) const ASK_DICE: &str = "What shall I roll? A success test, such as \"roll 6 dice against 4\"; a plain sum, such as \
    \"roll 2d6+3\"; or a skill by its name, such as \"roll Stealth against 5\".";

/// A sum and a target number at once.
pub(super) const NOT_BOTH_FORMS: &str = "That is a sum and a target number at once. For a success test say how many dice against \
    which number, \"roll 6 dice against 4\"; for a sum leave the target number out.";

pub(super) fn whose(variety: u64, characters: &[CharacterBrief]) -> String {
    let asks = ["Whose action is that: {names}?", "Who does it: {names}?", "Which of you is that: {names}?"];
    fill(pick(variety, &asks), &[("names", or_list(&names(characters)).as_str())])
}

pub(super) fn which_weapon(name: &str, weapons: &[String]) -> String {
    format!("{name} carries more than one that fits: {}. Which is it?", and_list(weapons))
}

pub(super) fn no_weapon(name: &str, word: &str, ranged: &[String]) -> String {
    if ranged.is_empty() {
        return format!(
            "I find no weapon to shoot with on {name}'s sheet. Name one of the rule book's and I use its figures, and say so: \
             \"with an Ares Predator\"."
        );
    }
    format!("I find no {word} on {name}'s sheet. There is: {}. Which do you use?", and_list(ranged))
}

pub(super) fn no_initiative(name: &str) -> String {
    format!(
        "{name}'s sheet has neither an initiative line nor a Reaction that I can read. Give me the dice: \"initiative 2d6+9\"."
    )
}

// Refusals.

/// A tool is not at this table.
pub(super) const NO_TOOL: &str = "That needs a tool that I do not have at this table, and I make up no figures. Plain dice I can \
    always roll for you, if the dice are here: \"roll 6 dice against 4\".";
/// The scene cannot be kept.
pub(super) const NO_SCENE: &str =
    "I cannot keep a scene at this table; say distance and light with each shot and I use them.";

pub(super) fn out_of_bounds(key: &str, number: i64, least: Option<i64>, most: Option<i64>) -> String {
    let what = match key {
        "pool" => "The number of dice",
        "target_number" => "The target number",
        "force" => "The Force",
        "target_distance" => "The distance in metres",
        "combat_pool" => "The number of Combat Pool dice",
        "spell_pool_dice" => "The number of Magic Pool dice for the spell",
        "drain_pool_dice" => "The number of Magic Pool dice for the drain",
        "aim_actions" => "The number of actions spent aiming",
        "rounds" => "The number of rounds",
        _ => "That number",
    };
    match (least, most) {
        (Some(least), Some(most)) => format!("{what} must be {least} to {most}, not {number}. {NOTHING_ROLLED}"),
        (Some(least), None) => format!("{what} must be at least {least}, not {number}. {NOTHING_ROLLED}"),
        (None, Some(most)) => format!("{what} must be at most {most}, not {number}. {NOTHING_ROLLED}"),
        (None, None) => format!("{what} cannot be {number}. {NOTHING_ROLLED}"),
    }
}

/// Answers to attempts to have results without dice.
pub(super) const PLEAS: &[&str] = &[
    "Nice try, chummer. At this table successes come from dice that are rolled and logged, and the rules stay the rules. Tell me \
     what your character does, and I roll it fairly.",
    "The dice do not take bribes, and neither do I: I cannot hand out results, karma or nuyen, and nothing you write changes the \
     rules. Say what you do, and we see what the dice make of it.",
    "I am only a rule book with a voice; I can neither grant successes nor set my rules aside. Describe an action and it gets an \
     honest roll.",
];
/// Nothing that he rolls for.
pub(super) const FREE: &[&str] = &[
    "Nothing in my pages stands against that; take it as done if the table agrees. If it could go wrong, name the skill and I roll it.",
    "That needs no dice from me. Should somebody be against it, name the skill (\"Etiquette test against 5\") and we let the dice speak.",
    "So be it, as far as the rules care. I am only a rule book with a voice: if there is a risk in it, name the skill and I roll.",
];
/// The player only agrees, or not.
pub(super) const NODS: &[&str] =
    &["Good. What do you do?", "Then it is your move. What do you do?", "I am listening. What happens next?"];
/// The player does not act.
pub(super) const HOLDS: &[&str] = &[
    "You hold. Nothing is rolled, and the moment stretches. What do you do instead?",
    "You stay your hand. The world waits for your next move.",
];
/// Before he says what he cannot do.
pub(super) const LIMITS: &[&str] = &[
    "I am the house game master, a rule book with a voice, and that goes beyond my pages.",
    "That is more than a house game master like me can run.",
];
/// You are welcome.
pub(super) const THANKS: &[&str] = &[
    "Any time. Watch your back out there, and never deal with a dragon.",
    "My pleasure. The table stays as you leave it.",
    "Stay sharp. I keep the chair warm.",
];
/// Good evening.
pub(super) const GREETINGS: &[&str] = &[
    "Welcome to the sprawl, chummer. The rain never stops, the neon never sleeps, and somebody always needs something stolen.",
    "Hoi, chummer. Pull up a chair; the night is young and the corps are rich.",
    "Good evening. The street lamps flicker, a telecom chirps, and the shadows have a job for you.",
];

pub(super) fn nobody_spoke() -> String {
    GREETINGS[0].to_owned()
}

pub(super) fn no_character() -> String {
    "There is no character at this table yet. Add one first, under Active Characters on the page; then tell me what he or she does. \
     Ask \"which characters are there?\" and I list them. Plain dice I roll for anybody: \"roll 6 dice against 4\"."
        .to_owned()
}

pub(super) fn party(characters: &[CharacterBrief]) -> String {
    if characters.is_empty() {
        return no_character();
    }
    let told = |brief: &CharacterBrief| {
        // The summary's figures are for the sheet: "Platinum (Kent Jefferies), human street samurai".
        let who = brief.summary.split(": ").next().unwrap_or_default().trim_end_matches('.');
        if who.starts_with(&brief.name) { format!("- {who}") } else { format!("- {}: {who}", brief.name) }
    };
    let lines: Vec<String> = characters.iter().map(told).collect();
    format!("At this table:\n{}", lines.join("\n"))
}

pub(super) fn greeting(variety: u64, characters: &[CharacterBrief], scene_now: &Map<String, Value>) -> String {
    let mut text = format!("{} At the table: {}.", pick(variety, GREETINGS), and_list(&names(characters)));
    if !scene_now.is_empty() {
        text.push_str(&format!("\n\n{}", scene(scene_now)));
    }
    text + "\n\nWhat do you do? Say \"help\" and I tell you what I can run."
}

/// What he can do, with examples for one of the active characters.
pub(super) fn help(character: Option<&CharacterBrief>) -> String {
    let name = character.map_or("Platinum", |brief| brief.name.as_str());
    let start = if character.is_some() { String::new() } else { format!("{}\n\n", no_character()) };
    format!(
        "{start}I am the house game master: a rule book with a voice. I roll real dice, read real sheets and tell you what comes of \
         it; I invent nothing. You can say, for example:\n\
         - \"I shoot the ganger with my Ares Predator at 15 metres in dim light, he is running, 4 dice from my combat pool\"\n\
         - \"I cast Mana Bolt at Force 4 at the troll, 3 pool dice, 2 for drain\", \"which spells do I sustain?\", \"drop Invisibility\"\n\
         - \"I sneak past the guard\", \"Negotiation test against 5\", \"a difficult Athletics test\"\n\
         - \"roll 8 dice against 5\", \"roll 2d6+3\", \"roll initiative for {name}\"\n\
         - \"what is {name}'s Firearms?\", \"show my weapons\", \"how much nuyen have I?\", \"who is at the table?\"\n\
         - \"two gangers and a troll attack us\", \"roll initiative\", \"I shoot the ganger and the troll\", \"I punch the guard\", \
         \"pass\", \"end combat\": I roll for everybody, mark every wound, and the foes strike back\n\
         - \"I buy a medkit\", \"I take a serious wound\", \"I keep 4 combat pool dice for defence\", \"I summon a forest \
         spirit of Force 4\", \"what would I need at medium range in the dark?\"\n\
         - \"I give first aid to {name}\", \"we rest\", \"I reload\", \"how does recoil work?\", \"we look for a job\", \"I talk to the \
         bartender\"\n\
         - \"we enter the warehouse\", \"the lights go out\", \"the troll is 30 metres away\": I remember the scene, so that \"I shoot \
         again\" is enough\n\
         For long talks with people in the sprawl, set up a language model; I stay with the rules."
    )
}

pub(super) fn loose_end(characters: &[CharacterBrief]) -> String {
    let name = characters.first().map_or("you", |brief| brief.name.as_str());
    format!(
        "I hear the details, but not what they are for. Tell me the whole action, say what {name} does: a shot, a spell, a test."
    )
}

pub(super) fn not_understood(variety: u64, characters: &[CharacterBrief]) -> String {
    if characters.is_empty() {
        return format!("That I cannot make into a roll or a look at a sheet. {}", no_character());
    }
    let starts = [
        "I am the house game master, a rule book with a voice, and I find no rule for that.",
        "That I cannot turn into a roll or a look at a sheet: I am a rule book with a voice, not a novelist.",
        "I did not follow that; I only know shots, spells, tests, dice, sheets and the scene.",
    ];
    format!(
        "{} If it could go wrong, name the skill and I roll it (\"Etiquette test against 5\"); if it is a fight, name the weapon and the \
         distance. \"Help\" shows more.",
        pick(variety, &starts)
    )
}

// The scene.

/// A scene's light in words.
pub(super) fn light_word(level: &str) -> &str {
    match level.to_uppercase().as_str() {
        "NORMAL" => "good light",
        "PARTIAL" => "partial light",
        "DIM" => "minimal light",
        "DARK" => "full darkness",
        _ => level,
    }
}

/// The scene as it stands.
pub(super) fn scene(scene: &Map<String, Value>) -> String {
    let text = |key: &str| scene.get(key).and_then(sheet::plain);
    let mut sentences = Vec::new();
    if let Some(description) = text("description") {
        sentences.push(description);
    }
    if let Some(location) = text("location") {
        sentences.push(format!("You are at: {location}."));
    }
    if let Some(light) = text("light_level") {
        sentences.push(format!("There is {}.", light_word(&light)));
    }
    let target = text("target").map(|target| with_article(&target));
    let movement = text("target_movement");
    match (target, text("target_distance")) {
        (Some(target), Some(distance)) => sentences.push(format!("{} is {distance} metres away.", capital(&target))),
        (Some(target), None) => {
            sentences.push(format!("Your target is {target}, at a distance that nobody has named."))
        }
        (None, Some(distance)) => sentences.push(format!("The next target is {distance} metres away.")),
        (None, None) => {}
    }
    if let Some(movement) = movement {
        sentences.push(format!("The target is {movement}."));
    }
    let standing: Vec<String> = super::foes::of_scene(scene).iter().map(foe_word).collect();
    if !standing.is_empty() {
        sentences.push(format!("Foes: {}.", standing.join(", ")));
    }
    if sentences.is_empty() {
        return "Nothing of the scene is set yet. Tell me where you are, how the light is, and who stands how far away.".to_owned();
    }
    sentences.join(" ")
}

/// A foe and how he is: "ganger 1 (out of the fight)".
fn foe_word(foe: &super::foes::Foe) -> String {
    match (foe.is_up(), foe.note.as_str()) {
        (false, "") => format!("{} (out of the fight)", foe.name),
        (_, note) if !note.is_empty() => format!("{} ({note})", foe.name),
        _ if 0 < foe.physical || 0 < foe.stun => format!("{} (wounded)", foe.name),
        _ => foe.name.clone(),
    }
}

pub(super) fn scene_stands(now: &Map<String, Value>) -> String {
    format!("So it stands already. {}", scene(now))
}
