//! Before a connection is in: TLS is agreed upon, and where tokens are asked for, one has been shown.

use std::{pin::Pin, time::Duration};

use tokio::time::{Sleep, sleep};

/// Time in which a connection must be in.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tokens that may be wrong before the connection is closed.
const ATTEMPTS: u32 = 3;

/// A connection's stay before the door.
pub struct Admission {
    over: Pin<Box<Sleep>>,
    wrong: u32,
}

impl Admission {
    /// The stay begins.
    pub fn begin() -> Admission {
        Admission { over: Box::pin(sleep(PATIENCE)), wrong: 0 }
    }

    /// A token was wrong.
    pub fn count_wrong_token(&mut self) {
        self.wrong += 1;
    }

    /// Whether too many tokens were wrong.
    pub fn is_hopeless(&self) -> bool {
        ATTEMPTS <= self.wrong
    }

    /// Until it has taken too long.
    pub async fn over(&mut self) {
        self.over.as_mut().await;
    }
}
