//! The guard through which every line that leaves passes: what would end the Java client's listener cannot be sent.
//!
//! The client reads any line as a record of the game if it can: the first word says who, the second what. Some lines
//! end its listening thread for good while its socket stays open; some act on the game. Text must do neither, so it is
//! changed as little as that takes: a capital letter disarms a verb. A record is meant to act; it passes only if every
//! number and name in it is one that each variant of the game has, since the client dies of all others.

use std::{borrow::Cow, collections::HashSet, sync::LazyLock};

/// What a line may do to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It is shown, or it is a macro: it must not act on the game as a record does.
    Told,
    /// It is a record, which the client carries out.
    Record,
}

/// Verbs that end the listener when prose follows, and verbs that act.
const VERBS: &[&str] = &[
    "rolls",
    "draws",
    "moves",
    "kills",
    "flips",
    "chooses",
    "allocates",
    "names",
    "changes",
    "challengeswith",
    "secureDiceRoll",
    "undoes",
    "redoes",
    "set",
    "sets",
    "views",
    "damages",
    "repairs",
    "deselects",
    "silent",
    "noisy",
    "wait",
    "nowait",
    "playchosen",
];
/// Beginning of a family of verbs that act.
const VERB_FAMILY: &str = "adds";
/// Tags after which a greeting of another client opens a dialogue that stops the listener.
const GREETING_TAGS: &[&str] = &["<client>", "<host>"];
/// What makes such a greeting.
const GREETING: &str = ", using version";

/// Pieces that every variant of the game has.
const PIECES: std::ops::RangeInclusive<u32> = 0..=427;
/// Last turn that the client's database knows.
const MAX_TURN: u32 = 16;

/// Names of the board's areas as the client has them; column 2.
static AREAS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let rows = include_str!("../../fsm/machines/areas.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| row.split('\t').nth(1)).collect()
});

/// The line as it may leave, or `None` if nothing of it may.
pub fn admit(kind: Line, line: &str) -> Option<Cow<'_, str>> {
    let line = one_line(line);
    if line.trim().is_empty() {
        return None;
    }
    if line.starts_with('$') {
        return record(&line).map(Cow::Owned);
    }
    if kind == Line::Record {
        return is_turn_marker(&line).then_some(line);
    }
    let line = without_markers(line);
    if line == "<valid_events>" || line.starts_with("<valid_events> ") {
        return Some(line);
    }
    Some(disarmed(without_greeting(line)))
}

/// Control characters, line ends among them, would make two lines of one.
fn one_line(line: &str) -> Cow<'_, str> {
    let breaks = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
    if line.contains(breaks) { line.replace(breaks, " ").into() } else { line.into() }
}

/// `~>` ends the listener unless `<~` came before; text needs neither.
fn without_markers(line: Cow<'_, str>) -> Cow<'_, str> {
    if line.contains("<~") || line.contains("~>") {
        line.replace("<~", "< ~").replace("~>", "~ >").into()
    } else {
        line
    }
}

/// A client that greets another opens a dialogue.
fn without_greeting(line: Cow<'_, str>) -> Cow<'_, str> {
    let tag = line.split_inclusive('>').next().unwrap_or_default();
    let greets = GREETING_TAGS.iter().any(|greeting| tag.trim().eq_ignore_ascii_case(greeting));
    if greets && line.contains(GREETING) { line.replace(',', ";").into() } else { line }
}

/// The verb after a tag gets a capital letter, and so does every word that begins the text of an `<auto>` line, since
/// only there each is looked up. Text that is blank leaves the tag alone.
fn disarmed(line: Cow<'_, str>) -> Cow<'_, str> {
    let auto = line.strip_prefix("<auto>");
    if auto.is_some_and(|text| text.trim().is_empty()) {
        return "<auto>".into();
    }
    let mut armed = Vec::new();
    for (place, (at, word)) in words(&line).take(2).enumerate() {
        // The tag may stand by itself or be joined to the first word.
        let (at, word) = match word.rfind('>').filter(|_| place == 0) {
            Some(end) => (at + end + 1, &word[end + 1..]),
            None => (at, word),
        };
        let looked_up = auto.is_some() && line[..at].trim_end().len() <= "<auto>".len();
        if is_verb(word) || (looked_up && word.starts_with(|first: char| first.is_ascii_lowercase())) {
            armed.push(at);
        }
    }
    if armed.is_empty() {
        return line;
    }
    let mut bytes = line.into_owned();
    for at in armed {
        bytes[at..=at].make_ascii_uppercase();
    }
    bytes.into()
}

fn is_verb(word: &str) -> bool {
    VERBS.contains(&word) || word.starts_with(VERB_FAMILY)
}

/// The words of a line with the places where they begin.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split_whitespace().map(|word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
}

/// `<tag> set turn N`: shown, and the turn marker goes to N.
fn is_turn_marker(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let [tag, "set", "turn", turn] = words[..] else { return false };
    tag.starts_with('<') && tag.ends_with('>') && !tag.contains('~') && in_range(turn, 1..=MAX_TURN)
}

/// `$NAME verb …`, checked in every part, with the one blank at its end that the client's reader wants.
fn record(line: &str) -> Option<String> {
    let line = line.trim_end();
    let (name, action) = line.split_once(' ')?;
    let plain = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let (verb, rest) = action.split_once(' ')?;
    let valid = match verb {
        "rolls" => rest.split_once(" as ").is_some_and(|(dice, faces)| is_roll(dice, faces)),
        "allocates" => is_list(rest, |id| Die::of(id) == Some(Die::Shadow)),
        "moves" | "draws" => rest.split_once(" from ").is_some_and(|(pieces, way)| {
            let areas = way.split_once(" to ");
            is_list(pieces, is_piece) && areas.is_some_and(|(from, to)| AREAS.contains(from) && AREAS.contains(to))
        }),
        "flips" => is_list(rest, is_piece),
        "chooses" => is_piece(rest),
        _ => false,
    };
    (name.strip_prefix('$').is_some_and(plain) && valid).then(|| format!("{line} "))
}

/// Whose an action die is.
#[derive(Clone, Copy, PartialEq)]
enum Die {
    FreePeoples,
    Shadow,
}

impl Die {
    fn of(id: &str) -> Option<Die> {
        match number(id)? {
            210..=213 | 358..=359 => Some(Die::FreePeoples),
            99..=105 | 360..=362 => Some(Die::Shadow),
            _ => None,
        }
    }

    /// The numbers by which the client knows the faces.
    fn faces(self) -> std::ops::RangeInclusive<u32> {
        match self {
            Die::FreePeoples => 0..=4,
            Die::Shadow => 10..=15,
        }
    }
}

fn is_roll(dice: &str, faces: &str) -> bool {
    let (dice, faces): (Vec<&str>, Vec<&str>) = (dice.split(' ').collect(), faces.split(' ').collect());
    let fits = |(die, face): (&&str, &&str)| Die::of(die).is_some_and(|die| in_range(face, die.faces()));
    dice.len() == faces.len() && dice.iter().zip(&faces).all(fits)
}

fn is_piece(id: &str) -> bool {
    in_range(id, PIECES)
}

fn is_list(ids: &str, valid: impl Fn(&str) -> bool) -> bool {
    ids.split(' ').all(valid)
}

fn in_range(text: &str, range: std::ops::RangeInclusive<u32>) -> bool {
    number(text).is_some_and(|number| range.contains(&number))
}

/// A number in digits alone.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn told(line: &str, expected: &str) {
        assert_eq!(admit(Line::Told, line).as_deref(), Some(expected));
    }

    #[track_caller]
    fn unchanged(line: &str) {
        told(line, line);
    }

    #[track_caller]
    fn recorded(line: &str) {
        assert_eq!(admit(Line::Record, line).as_deref(), Some(line));
        // A machine may send the same as a command.
        if line.starts_with('$') {
            unchanged(line);
        }
    }

    #[track_caller]
    fn withheld(line: &str) {
        assert_eq!(admit(Line::Record, line), None, "as a record");
        if line.starts_with('$') {
            assert_eq!(admit(Line::Told, line), None, "as a command");
        }
    }

    #[test]
    fn macros_pass() {
        for line in ["F7", "F8", "F11", "F12", "Ctrl+9", "Ctrl+0", "Ctrl+H", "Ctrl+F", "Ctrl+Esc", "F1", "F2"] {
            unchanged(line);
        }
        unchanged("FSM_ROLL_FP_DICE");
        unchanged("FSM_ROLL_SP_DICE");
        unchanged("FSM_EXECUTE_ACTION 2");
        unchanged("FSM_NEW_COMMAND param");
    }

    #[test]
    fn tagged_text_passes_as_it_stands() {
        unchanged("<game> Connected to FSM server");
        unchanged("<state> PHASE_1_RECOVER_AND_DRAW");
        unchanged("<fsm> \u{2705} FREE PEOPLES: Hand size 4/6");
        unchanged("<fsm> the Shadow waits");
        unchanged("<auto> \u{1f305} PHASE 1: Recover Dice & Draw Cards");
        unchanged("<auto>  \u{2022} recovered all dice");
        unchanged("<auto> 1. Declare the Fellowship");
        unchanged("<auto> The Shadow rolls its dice and moves them");
        unchanged("<chat> hello");
    }

    #[test]
    fn errors_pass() {
        unchanged("ERROR: Unknown event 'TEST_EVENT'");
        unchanged("ERROR: Invalid state transition from 'A' via 'B'");
        unchanged("ERROR: Malformed data for event 'E'");
        unchanged("ERROR: Host only: 'E'");
        unchanged("ERROR: Not a command");
    }

    #[test]
    fn valid_events_pass_also_when_there_are_none() {
        unchanged("<valid_events>");
        unchanged("<valid_events> FP_PASSES,PIECE_MOVED,PHASE_COMPLETE");
        unchanged("<valid_events> moves");
    }

    #[test]
    fn an_empty_line_never_leaves() {
        for blank in ["", " ", "\t", "\n", "\r\n", "\u{a0}", "\u{2028}", "\u{0}"] {
            assert_eq!(admit(Line::Told, blank), None, "{blank:?}");
            assert_eq!(admit(Line::Record, blank), None, "{blank:?}");
        }
    }

    #[test]
    fn a_blank_of_a_menu_is_its_tag_alone() {
        unchanged("<auto>");
        told("<auto> ", "<auto>");
        told("<auto>   ", "<auto>");
    }

    #[test]
    fn a_marker_without_its_beginning_never_leaves() {
        told("<auto> Away ~> with it", "<auto> Away ~ > with it");
        told("ERROR: Unknown event '~>'", "ERROR: Unknown event '~ >'");
        told("<fsm> <~>", "<fsm> < ~ >");
        told("<fsm> <~~>>", "<fsm> < ~~ >>");
        told("<valid_events> A~>,B", "<valid_events> A~ >,B");
        told("~>", "~ >");
        withheld("<fsm~> set turn 2");
        withheld("$F~> moves 247 from Rivendell to Hollin ");
    }

    #[test]
    fn a_verb_after_auto_is_disarmed() {
        for verb in [
            "rolls",
            "draws",
            "moves",
            "kills",
            "flips",
            "chooses",
            "allocates",
            "names",
            "changes",
            "challengeswith",
            "secureDiceRoll",
            "undoes",
            "redoes",
            "sets",
            "views",
            "damages",
            "repairs",
            "deselects",
            "adds",
            "addscards",
            "silent",
            "noisy",
            "wait",
            "nowait",
            "playchosen",
            "set turn 3",
        ] {
            let capital = format!("{}{}", verb[..1].to_uppercase(), &verb[1..]);
            told(&format!("<auto> {verb} the dice"), &format!("<auto> {capital} the dice"));
            told(&format!("<auto>   {verb}"), &format!("<auto>   {capital}"));
            told(&format!("<auto>{verb} all"), &format!("<auto>{capital} all"));
        }
    }

    #[test]
    fn any_word_that_begins_auto_text_in_lower_case_is_disarmed() {
        told("<auto> teleports 247", "<auto> Teleports 247");
        told("<auto> when ready, go on", "<auto> When ready, go on");
    }

    #[test]
    fn a_verb_after_any_other_first_word_is_disarmed() {
        told("<fsm> moves 247 from Rivendell to Hollin ", "<fsm> Moves 247 from Rivendell to Hollin ");
        told("<fsm> set turn 3", "<fsm> Set turn 3");
        told("<state> rolls", "<state> Rolls");
        told("SOMEBODY rolls 999", "SOMEBODY Rolls 999");
        told("rolls 210 as 7", "Rolls 210 as 7");
        told("<x>rolls 210 as 7", "<x>Rolls 210 as 7");
    }

    #[test]
    fn a_line_stays_one_line() {
        told("<auto> One\nF7", "<auto> One F7");
        told("<auto> One\r\n\r\n$FSM flips 248", "<auto> One    $FSM flips 248");
        told("ERROR: Unknown event 'A\r\rB'", "ERROR: Unknown event 'A  B'");
    }

    #[test]
    fn a_greeting_of_another_client_never_leaves() {
        told("<client> Ann, using version 1.0", "<client> Ann; using version 1.0");
        told("<host> Ann, using version 1.0", "<host> Ann; using version 1.0");
        told("<HOST> Ann, using version 1.0", "<HOST> Ann; using version 1.0");
        unchanged("<fsm> A story, using version 2");
        withheld("<client> Ann, using version 1.0");
    }

    #[test]
    fn records_pass_with_the_blank_at_their_end() {
        recorded("$FSM rolls 210 211 as 0 3 ");
        recorded("$FSM rolls 99 105 360 as 15 10 12 ");
        recorded("$FSM allocates 99 105 ");
        recorded("$FSM moves 247 from Rivendell to Hollin ");
        recorded("$FSM moves 210 211 from FP Dice to Current Action ");
        recorded("$FSM draws 107 from FP Character Deck to Free Peoples Hand ");
        recorded("$FSM flips 248 ");
        recorded("$FSM chooses 107 ");
        recorded("<fsm> set turn 3");
        assert_eq!(admit(Line::Record, "$FSM flips 248").as_deref(), Some("$FSM flips 248 "));
    }

    #[test]
    fn a_record_with_a_bad_number_is_withheld() {
        withheld("$FSM rolls 210 as 7 ");
        withheld("$FSM rolls 210 as 15 ");
        withheld("$FSM rolls 99 as 4 ");
        withheld("$FSM rolls 247 as 1 ");
        withheld("$FSM rolls 210 211 as 1 ");
        withheld("$FSM rolls 210 as ");
        withheld("$FSM rolls 210 = 1 ");
        withheld("$FSM rolls as ");
        withheld("$FSM allocates 210 ");
        withheld("$FSM allocates ");
        withheld("$FSM moves 999 from Rivendell to Hollin ");
        withheld("$FSM moves 428 from Rivendell to Hollin ");
        withheld("$FSM moves -1 from Rivendell to Hollin ");
        withheld("$FSM moves 99999999999 from Rivendell to Hollin ");
        withheld("$FSM moves  247 from Rivendell to Hollin ");
        withheld("$FSM moves 247 from Rivendell to Nowhere ");
        withheld("$FSM moves 247 from Rivendell ");
        withheld("$FSM flips x ");
        withheld("$FSM chooses 1 2 ");
        withheld("<fsm> set turn 0");
        withheld("<fsm> set turn 17");
        withheld("<fsm> set turn");
    }

    #[test]
    fn a_record_of_prose_or_of_another_verb_is_withheld() {
        withheld("$FSM rolls the dice ");
        withheld("$FSM kills 247 ");
        withheld("$FSM undoes ");
        withheld("$FSM says hello ");
        withheld("$FSM ");
        withheld("$");
        withheld("$ flips 248 ");
        withheld("$A-B flips 248 ");
        withheld("moves 247 from Rivendell to Hollin ");
        withheld("<auto> moves 247 from Rivendell to Hollin ");
        withheld("F7");
    }
}
