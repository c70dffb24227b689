//! What must hold for every input of the parsers that strangers reach; the fuzz targets and tests/gateway/fuzz.rs run it.

use std::sync::LazyLock;

use proto::catalogue::{Catalogue, Tool};
use service_kit::auth::{SharedSecret, bearer};

// The parser itself: the gateway shows nothing but how it is started.
#[allow(dead_code, clippy::allow_attributes, reason = "of the frames only the parser is tried here")]
#[path = "../src/socket/request.rs"]
mod request;

// The Java line's, likewise.
#[allow(dead_code, clippy::allow_attributes, reason = "of the line only its parsers are tried here")]
#[path = "../../services/tcp-adapter/src/command.rs"]
mod command;
#[path = "../../services/tcp-adapter/src/guard.rs"]
mod guard;
#[allow(dead_code, clippy::allow_attributes, reason = "of the line only its parsers are tried here")]
#[path = "../../services/tcp-adapter/src/lines.rs"]
mod lines;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::ours);
static TOOLS: LazyLock<Vec<&'static Tool>> = LazyLock::new(|| CATALOGUE.iter().collect());

/// A frame of a WebSocket is read, or refused with a text that fits one.
pub fn frames(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match request::parse(text) {
        Ok(frame) => assert!(request::TYPES.contains(&frame.request.name())),
        Err(failure) => assert!(!failure.message.is_empty() && failure.message.len() < 2000, "{}", failure.message),
    }
}

/// A tool's arguments are encoded, and read back as they were meant, or refused with a text.
pub fn arguments(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(arguments) = serde_json::from_slice::<serde_json::Value>(rest) else { return };
    let tool = TOOLS[usize::from(*first) % TOOLS.len()];
    match tool.encode_request(arguments) {
        Ok(bytes) => {
            let read = tool.decode_request(&bytes).expect("what was encoded can be read");
            let again = tool.encode_request(read.into()).expect("what was taken once is taken again");
            assert_eq!(tool.decode_request(&again), tool.decode_request(&bytes), "{}", tool.name);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    // As bytes off the wire it is read or not, and nothing else.
    let _ = tool.decode_request(rest);
}

/// A header with a token, and a secret, are taken apart without a stumble.
pub fn tokens(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(token) = bearer(text) {
        assert!(text.contains(token) && token.trim() == token);
    }
    if let Ok(secret) = text.parse::<SharedSecret>() {
        assert!(secret.is(text) && !format!("{secret:?}").contains(text));
    }
}

/// What a socket delivers is cut into the same lines wherever it is torn; each is a command or none; and what leaves is
/// one line that passes the guard as it is.
pub fn lines(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let read = |segments: &[&[u8]]| -> Vec<lines::Received> {
        let mut lines = lines::Lines::default();
        let mut all = Vec::new();
        for segment in segments {
            lines.push(segment);
            all.extend(std::iter::from_fn(|| lines.next()));
        }
        all
    };
    let (before, after) = rest.split_at(usize::from(*first).min(rest.len()));
    let all = read(&[rest]);
    assert_eq!(all, read(&[before, after]));
    for received in all {
        let lines::Received::Line(line) = received else { continue };
        for numbered in [false, true] {
            let command = command::Command::read(&line, numbered);
            assert_eq!(command == command::Command::Blank, line.trim_ascii().is_empty());
        }
        let text = String::from_utf8_lossy(&line);
        for kind in [guard::Line::Told, guard::Line::Record] {
            if let Some(admitted) = guard::admit(kind, &text) {
                assert!(!admitted.contains(char::is_control), "{admitted:?}");
                assert_eq!(guard::admit(kind, &admitted).as_deref(), Some(&*admitted), "{kind:?} {text:?}");
            }
        }
    }
}

/// A definition is loaded, or told what is wrong with it.
pub fn definitions(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let report = fsm::machine_check_text("fuzzed.yaml", text);
    assert!(report.errors.is_empty() != (report.states == 0), "{} states: {:?}", report.states, report.errors);
}
