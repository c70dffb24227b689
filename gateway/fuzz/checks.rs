//! What must hold for every input of the parsers that strangers reach; tests/gateway/fuzz.rs runs it.

use std::sync::LazyLock;

use proto::catalogue::{Catalogue, Tool};
use service_kit::auth::{SharedSecret, bearer};

// The parser itself: the gateway shows nothing but how it is started.
#[allow(dead_code, clippy::allow_attributes, reason = "of the frames only the parser is tried here")]
#[path = "../src/socket/request.rs"]
mod request;

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
