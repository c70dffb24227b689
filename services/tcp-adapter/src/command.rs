//! Reads a line that came from a client.

/// Longest id of a game.
const MAX_GAME_ID: usize = 64;
/// Stands for data that is no UTF-8: it is no JSON either, and fsm says so.
const UNREADABLE: &str = "\u{fffd}";

/// What a line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Nothing: the line is blank.
    Blank,
    /// `EVENT:NAME` or `EVENT:NAME {json}`.
    Event {
        /// The event's name, possibly empty.
        name: String,
        /// What stands after the first blank.
        data: Option<String>,
    },
    /// `GAME ID`: to leave the game one is in and go to this one.
    Game(String),
    /// None of ours.
    Unknown,
}

impl Command {
    /// Reads a line without its end; blanks around it do not count.
    pub fn read(line: &[u8]) -> Command {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Command::Blank;
        }
        if let Some(event) = line.strip_prefix(b"EVENT:") {
            let (name, data) = split_at_blank(event);
            let data = (!data.is_empty()).then(|| std::str::from_utf8(data).unwrap_or(UNREADABLE).to_owned());
            return Command::Event { name: String::from_utf8_lossy(name).into_owned(), data };
        }
        match std::str::from_utf8(line).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>()).as_deref() {
            Ok(["GAME", id]) if is_game_id(id) => Command::Game((*id).to_owned()),
            _ => Command::Unknown,
        }
    }
}

/// Whether a text can be a game's id: 1 to 64 letters, digits, "-" and "_".
pub fn is_game_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_GAME_ID).contains(&text.len()) && text.bytes().all(allowed)
}

fn split_at_blank(text: &[u8]) -> (&[u8], &[u8]) {
    let blank = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (name, data) = text.split_at(blank);
    (name, data.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn event(line: &[u8], name: &str, data: Option<&str>) {
        assert_eq!(Command::read(line), Command::Event { name: name.to_owned(), data: data.map(str::to_owned) });
    }

    #[test]
    fn a_name_and_its_data_are_parted_at_the_first_blank() {
        event(b"EVENT:ACTION_COMPLETE", "ACTION_COMPLETE", None);
        event(b"EVENT:DICE_ROLLED { \"results\": [\"Army\"] }", "DICE_ROLLED", Some("{ \"results\": [\"Army\"] }"));
        event(b"EVENT:X\t{}", "X", Some("{}"));
        event(b"  EVENT:X  \r", "X", None);
        event(b"EVENT:X {json", "X", Some("{json"));
    }

    #[test]
    fn an_event_needs_its_name_at_once() {
        event(b"EVENT:", "", None);
        event(b"EVENT: X", "", Some("X"));
    }

    #[test]
    fn what_is_no_utf8_stays_a_line() {
        event(b"EVENT:X {\"a\":\"\xff\"}", "X", Some(UNREADABLE));
        event(b"EVENT:\xff", "\u{fffd}", None);
        assert_eq!(Command::read(b"\xff\xfe"), Command::Unknown);
        assert_eq!(Command::read(b"GAME \xff"), Command::Unknown);
    }

    #[test]
    fn a_game_is_named_by_its_id() {
        assert_eq!(Command::read(b"GAME friday-2_b"), Command::Game("friday-2_b".to_owned()));
        for bad in ["GAME", "GAME a b", "GAME a/b", "GAME \u{e9}", "game a", &format!("GAME {}", "x".repeat(65))] {
            assert_eq!(Command::read(bad.as_bytes()), Command::Unknown, "{bad}");
        }
    }

    #[test]
    fn a_blank_line_asks_for_nothing() {
        for blank in ["", " ", "\t \r"] {
            assert_eq!(Command::read(blank.as_bytes()), Command::Blank);
        }
    }

    #[test]
    fn all_else_is_no_command() {
        for other in ["event:X", "HELLO", "<auto> rolls", "F7", "EVENT", "GET / HTTP/1.1"] {
            assert_eq!(Command::read(other.as_bytes()), Command::Unknown, "{other}");
        }
    }
}
