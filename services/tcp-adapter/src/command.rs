//! Reads a line that came from a client.

/// Longest id of a game, and longest name or id that a numbered client gives.
const MAX_ID: usize = 64;
/// Stands for data that is no UTF-8: it is no JSON either, and fsm says so.
const UNREADABLE: &str = "\u{fffd}";

/// What a line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Nothing: the line is blank.
    Blank,
    /// `EVENT:NAME` or `EVENT:NAME {json}`, on a numbered line also `EVENT:NAME {json} @id`.
    Event {
        /// The event's name, possibly empty.
        name: String,
        /// What stands after the first blank.
        data: Option<String>,
        /// Under which it is to be answered.
        id: Option<String>,
    },
    /// `GAME ID`: to leave the game one is in and go to this one.
    Game(String),
    /// `AUTH TOKEN`: who one is.
    Auth(String),
    /// `HELLO 2`, perhaps with the name of a client whose ids are its own: from now on lines are numbered.
    Hello(Option<String>),
    /// `RESUME event.line` or `RESUME event`: to hear what came after; none if it cannot be read.
    Resume(Option<Position>),
    /// None of ours.
    Unknown,
    /// A line that is too long.
    TooLong,
    /// Not a line: an event that came with others could not be taken, and its sender is to hear of it in its turn.
    Failed,
}

/// A place in what a game tells: which entry of its log, and which line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Sequence number of the entry, 0 before the first.
    pub event: u64,
    /// From 1; 0 is before the first.
    pub line: u32,
}

impl Position {
    /// The end of an entry, however many lines it has.
    pub fn end_of(event: u64) -> Position {
        Position { event, line: u32::MAX }
    }

    fn read(text: &str) -> Option<Position> {
        match text.split_once('.') {
            Some((event, line)) => Some(Position { event: number(event)?, line: number(line)? }),
            None => Some(Position::end_of(number(text)?)),
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "#{}.{}", self.event, self.line)
    }
}

impl Command {
    /// Reads a line without its end; blanks around it do not count. What `HELLO 2` brings is known only on a line that is
    /// `numbered`.
    pub fn read(line: &[u8], numbered: bool) -> Command {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Command::Blank;
        }
        if let Some(event) = line.strip_prefix(b"EVENT:") {
            let (event, id) = if numbered { split_off_id(event) } else { (event, None) };
            let (name, data) = split_at_blank(event);
            let data = (!data.is_empty()).then(|| std::str::from_utf8(data).unwrap_or(UNREADABLE).to_owned());
            return Command::Event { name: String::from_utf8_lossy(name).into_owned(), data, id };
        }
        match std::str::from_utf8(line).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>()).as_deref() {
            Ok(["GAME", id]) if is_game_id(id) => Command::Game((*id).to_owned()),
            Ok(["AUTH", token]) => Command::Auth((*token).to_owned()),
            Ok(["HELLO", "2"]) => Command::Hello(None),
            Ok(["HELLO", "2", client]) if is_id(client) => Command::Hello(Some((*client).to_owned())),
            Ok(["RESUME", position]) if numbered => Command::Resume(Position::read(position)),
            _ => Command::Unknown,
        }
    }
}

/// Whether a text can be a game's id: 1 to 64 letters, digits, "-" and "_".
pub fn is_game_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a text can be the id of an event, or the name of a client: a game's id may be one, and "." and ":" are allowed.
fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(allowed)
}

/// Parts an event from the `@id` at its end, if there is one.
fn split_off_id(event: &[u8]) -> (&[u8], Option<String>) {
    let begins = event.iter().rposition(u8::is_ascii_whitespace).unwrap_or(0);
    let (event_alone, last) = event.split_at(begins);
    let id = last.trim_ascii().strip_prefix(b"@").and_then(|id| std::str::from_utf8(id).ok()).filter(|id| is_id(id));
    match id {
        Some(id) => (event_alone.trim_ascii_end(), Some(id.to_owned())),
        None => (event, None),
    }
}

fn split_at_blank(text: &[u8]) -> (&[u8], &[u8]) {
    let blank = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (name, data) = text.split_at(blank);
    (name, data.trim_ascii())
}

/// A number in digits alone.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[u8]) -> Command {
        Command::read(line, false)
    }

    #[track_caller]
    fn event(line: &[u8], name: &str, data: Option<&str>) {
        let expected = Command::Event { name: name.to_owned(), data: data.map(str::to_owned), id: None };
        assert_eq!(read(line), expected);
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
        assert_eq!(read(b"\xff\xfe"), Command::Unknown);
        assert_eq!(read(b"GAME \xff"), Command::Unknown);
    }

    #[test]
    fn a_game_is_named_by_its_id() {
        assert_eq!(read(b"GAME friday-2_b"), Command::Game("friday-2_b".to_owned()));
        for bad in ["GAME", "GAME a b", "GAME a/b", "GAME \u{e9}", "game a", &format!("GAME {}", "x".repeat(65))] {
            assert_eq!(read(bad.as_bytes()), Command::Unknown, "{bad}");
        }
    }

    #[test]
    fn a_blank_line_asks_for_nothing() {
        for blank in ["", " ", "\t \r"] {
            assert_eq!(read(blank.as_bytes()), Command::Blank);
        }
    }

    #[test]
    fn all_else_is_no_command() {
        for other in ["event:X", "HELLO", "HELLO 1", "HELLO 2 a/b", "<auto> rolls", "F7", "EVENT", "GET / HTTP/1.1"] {
            assert_eq!(read(other.as_bytes()), Command::Unknown, "{other}");
        }
    }

    #[test]
    fn a_numbered_line_knows_ids_and_places() {
        let numbered = |line: &str| Command::read(line.as_bytes(), true);
        let event = |data: Option<&str>, id: Option<&str>| Command::Event {
            name: "X".to_owned(),
            data: data.map(str::to_owned),
            id: id.map(str::to_owned),
        };
        assert_eq!(numbered("EVENT:X @7"), event(None, Some("7")));
        assert_eq!(numbered("EVENT:X {\"a\": 1} @m-1.2"), event(Some("{\"a\": 1}"), Some("m-1.2")));
        assert_eq!(numbered("EVENT:X {\"a\": \"b @c\"}"), event(Some("{\"a\": \"b @c\"}"), None));
        assert_eq!(numbered("EVENT:X @"), event(Some("@"), None));
        assert_eq!(read(b"EVENT:X @7"), event(Some("@7"), None), "nobody has said HELLO");
        assert_eq!(numbered("RESUME 12.3"), Command::Resume(Some(Position { event: 12, line: 3 })));
        assert_eq!(numbered("RESUME 12"), Command::Resume(Some(Position::end_of(12))));
        for bad in ["RESUME x", "RESUME 1.", "RESUME .1", "RESUME -1", "RESUME 99999999999999999999"] {
            assert_eq!(numbered(bad), Command::Resume(None), "{bad}");
        }
        assert_eq!(read(b"RESUME 12"), Command::Unknown);
        assert_eq!(read(b"HELLO 2"), Command::Hello(None));
        assert_eq!(read(b"HELLO 2 ann"), Command::Hello(Some("ann".to_owned())));
        assert_eq!(read(b"AUTH a.b.c"), Command::Auth("a.b.c".to_owned()));
    }
}
