//! The end of a line: with which code and reason it is closed.

use std::error::Error;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use tokio_tungstenite::tungstenite::Error as WireError;

/// Closes the line, and waits until the client has closed it too.
pub(super) async fn say_goodbye(socket: &mut WebSocket, code: u16, reason: String) {
    let farewell = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    if socket.send(farewell).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

/// The code for what a client must not send (RFC 6455, 7.4.1).
pub(super) fn code_of(error: &axum::Error) -> u16 {
    match error.source().and_then(|source| source.downcast_ref::<WireError>()) {
        Some(WireError::Utf8(_)) => close_code::INVALID,
        Some(WireError::Capacity(_)) => close_code::SIZE,
        _ => close_code::PROTOCOL,
    }
}

/// A reason for closing has at most 123 bytes.
pub(super) fn shortened(reason: String) -> String {
    reason
        .chars()
        .take_while({
            let mut bytes = 0;
            move |char| {
                bytes += char.len_utf8();
                bytes <= 120
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_a_close_frame_and_is_not_cut_within_a_character() {
        assert_eq!(shortened("\u{1F3B2}".repeat(100)).len(), 120);
        assert_eq!(shortened("short".into()), "short");
    }
}
