//! What "you" are told to do: a deed that cannot be undone, and that the player has not said.
//!
//! How a declared deed is told is the game master's own; what is looked for is that somebody attacks, gives up or gives
//! himself away of whom nothing of that kind was heard.

use std::sync::LazyLock;

use regex::Regex;

use super::{Cast, Quotes, names};
use crate::llm::Message;

/// Messages of a player's own in which he may have said it.
const HEARD: usize = 3;

/// Deeds of one narration that are looked at.
const MOST: usize = 50;

static DEEDS: LazyLock<Regex> = LazyLock::new(|| {
    let adverb = r"(?: (?:\p{Ll}+ly|then|now|just|dann|nun|jetzt|langsam|schnell))?";
    let attack = "shoot|fire(?: at| on| upon| into| your| a| two| three| twice| again)|open fire|attack|kill|stab|murder|\
        execute|strangle|behead|slash at|pull the trigger|schießt|erschießt|feuerst|tötest|ermordest|greifst";
    let weapons = "weapons?|guns?|pistols?|rifles?|arms|swords?|blades?|knife|Waffen?|Pistole";
    let give_up = format!(
        "surrender|kneel|give up|(?:drop|lay down|throw down|put down) (?:your|the|all) (?:{weapons})|raise your hands|ergibst \
         dich|kniest|gibst auf|lässt (?:deine|die) (?:{weapons}) fallen|hebst die Hände"
    );
    let tell = "confess|betray|gestehst|verrätst";
    let verbs = format!("(?P<attack>{attack})|(?P<give_up>{give_up})|(?P<tell>{tell})");
    let begin = r#"(?:^|[.!?\u{2026}:,;\n\u{201D}"]\s*|\b(?:and|then|und) )"#;
    Regex::new(&format!(r"{begin}(?P<deed>(?:[Yy]ou|[Dd]u){adverb} (?:{verbs}))\b"))
        .expect("it is the same text each time")
});

/// What is no deed although it sounds like one.
static IDIOMS: LazyLock<Regex> = LazyLock::new(|| {
    let look = "look|glance|smile|grin|glare|question|message|wink|nod";
    let text = format!(
        r"^ (?:(?:him|her|it|them|\p{{L}}+) (?:a|an) (?:\p{{Ll}}+ )?(?:{look})|(?:the |some )?(?:time|engine|lights?|motor)|up |off )"
    );
    Regex::new(&text).expect("it is the same text each time")
});

/// A sentence that only says what might be.
static MIGHT: LazyLock<Regex> = LazyLock::new(|| {
    let words = "if|when|should|unless|could|would|can|may|might|whether|once|before|until|do|did|imagine|wenn|falls|bevor|\
        würdest|könntest|willst|ob";
    Regex::new(&format!(r"(?i)\b(?:{words})\b")).expect("it is the same text each time")
});

/// Stems of words by which a player says that he attacks, that he gives up, or that whatever was asked is so.
const ATTACKS: &[&str] = &[
    "shoot",
    "shot",
    "fire",
    "firing",
    "attack",
    "kill",
    "fight",
    "stab",
    "hit",
    "blast",
    "gun",
    "weapon",
    "ambush",
    "punch",
    "kick",
    "strike",
    "slash",
    "cut",
    "sword",
    "knife",
    "blade",
    "grenade",
    "spell",
    "cast",
    "throw",
    "take out",
    "take him",
    "take her",
    "take them",
    "take it",
    "down",
    "finish",
    "engage",
    "draw",
    "aim",
    "trigger",
    "burst",
    "charge",
    "assault",
    "murder",
    "execut",
    "destroy",
    "smash",
    "swing",
    "defend",
    "combat",
    "waste",
    "frag",
    "geek",
    "slay",
    "open up",
    "again",
    "predator",
    "pistol",
    "rifle",
    "shotgun",
    "uzi",
    "strangle",
    "behead",
    "schieß",
    "schuss",
    "feuer",
    "angreif",
    "greif",
    "töte",
    "tote",
    "kämpf",
    "stech",
    "stich",
    "schlag",
    "trete",
    "waffe",
    "zauber",
    "wirf",
    "werf",
    "nochmal",
];
const GIVES_UP: &[&str] = &[
    "surrender",
    "kneel",
    "knee",
    "give up",
    "give in",
    "drop",
    "hands",
    "weapon",
    "gun",
    "yield",
    "lay",
    "put",
    "obey",
    "comply",
    "ergeb",
    "aufgeb",
    "gebe auf",
    "geb auf",
    "knie",
    "hände",
    "waffe",
    "gehorch",
];
const TELLS: &[&str] = &["confess", "betray", "tell", "admit", "truth", "say", "gesteh", "verrat", "sage", "wahrheit"];
const AGREES: &[&str] = &["yes", "yeah", "ok", "sure", "do it", "go ahead", "go on", "ja", "mach", "los"];

/// Tools by which a character attacks.
const ATTACKING: [&str; 6] =
    ["calculate_ranged_attack", "cast_spell", "melee_combat", "ranged_combat", "spend_ammo", "throw_grenade"];

/// The deeds that a narration has the speaker do, and of which he has said nothing.
pub(super) fn beyond_what_was_said<'a>(
    told: &'a str,
    cast: &Cast<'_>,
    known: &[Message],
    of_turn: &[Message],
) -> Vec<&'a str> {
    let mut found = Vec::new();
    let (mut heard, mut quotes) = (None, Quotes::default());
    for deed in DEEDS.captures_iter(told).take(MOST) {
        let Some(text) = deed.name("deed") else { continue };
        let (before, after) = (&told[..text.start()], &told[text.end()..]);
        let sentence = before.rsplit(['.', '!', '?', '\n']).next().unwrap_or_default();
        let end = after.find(['.', '!', '?', '\n']).map_or("", |at| &after[at..]);
        let is_quoted = quotes.hold(told, text.start());
        if is_quoted
            || is_loose(text.as_str(), after)
            || end.starts_with('?')
            || MIGHT.is_match(sentence)
            || IDIOMS.is_match(after)
        {
            continue;
        }
        let heard = heard.get_or_insert_with(|| words_of_speaker(cast, known));
        let stems = match (deed.name("attack"), deed.name("give_up")) {
            (Some(_), _) if attacks(cast, of_turn) => continue,
            (Some(_), _) => ATTACKS,
            (_, Some(_)) => GIVES_UP,
            _ => TELLS,
        };
        if !stems.iter().any(|stem| heard.contains(stem)) && !agrees(&cast.asked.message) {
            found.push(text.as_str());
        }
    }
    found.truncate(1);
    found
}

/// Whether words that may mean to give up mean something else here: to kneel beside somebody, to give up on a lock.
fn is_loose(deed: &str, after: &str) -> bool {
    let is_open = ["kneel", "give up", "kniest", "gibst auf"].iter().any(|verb| deed.ends_with(verb));
    let goes_on = after.strip_prefix(' ').filter(|rest| rest.starts_with(char::is_alphabetic));
    is_open
        && goes_on.is_some_and(|rest| !["and ", "before ", "und ", "vor "].iter().any(|word| rest.starts_with(word)))
}

/// What the speaker has said last.
fn words_of_speaker(cast: &Cast<'_>, known: &[Message]) -> String {
    let own = known.iter().rev().filter_map(|message| match message {
        Message::Player { name, text, .. } if *name == cast.asked.name => Some(text.as_str()),
        _ => None,
    });
    let said: Vec<&str> = own.take(HEARD).chain([cast.asked.message.as_str()]).collect();
    said.join("\n").to_lowercase()
}

/// Whether a few words agree to what was asked.
fn agrees(message: &str) -> bool {
    let message = message.to_lowercase();
    let words: Vec<&str> = message.split(|char: char| !char.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    words.len() <= 6 && AGREES.iter().any(|word| words.contains(word) || word.contains(' ') && message.contains(word))
}

/// Whether a tool of this turn attacks for the speaker's character.
fn attacks(cast: &Cast<'_>, of_turn: &[Message]) -> bool {
    let speaker = cast.asked.name.as_deref().unwrap_or_default();
    let seated = cast.players.iter().find(|(player, _)| player.eq_ignore_ascii_case(speaker));
    let own = cast.asked.character.as_deref().or(seated.map(|(_, character)| character.as_str()));
    of_turn.iter().any(|message| match message {
        Message::GameMaster { tool_calls, .. } => tool_calls.iter().any(|call| {
            let is_his = own.is_none_or(|own| names(&call.arguments, own));
            ATTACKING.contains(&call.name.as_str()) && is_his
        }),
        _ => false,
    })
}
