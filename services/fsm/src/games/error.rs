//! The ways in which a request to the games fails, each of which a caller can tell from the others.

use service_kit::db::DbError;
use tonic::Status;

use super::{MAX_ROLLS, attachments::MAX_ATTACHMENTS};

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refuses or cannot be reached.
    #[error(transparent)]
    Database(#[from] DbError),
    /// No game has this id.
    #[error("there is no game {0:?}")]
    NoGame(String),
    /// No attachment has this id.
    #[error("there is no attachment {0:?}; it may have ended")]
    NoAttachment(String),
    /// No machine has this name.
    #[error("there is no machine {0:?}")]
    NoMachine(String),
    /// The game's machine is gone, or no longer has the game's state.
    #[error("game {0:?} runs a machine that is not there any more")]
    Unusable(String),
    /// The id belongs to a game.
    #[error("there is a game {0:?} already")]
    Taken(String),
    /// The idempotency key belongs to another request.
    #[error("the idempotency key was used for another request")]
    KeyUsed,
    /// Too many are attached.
    #[error("game {0:?} has {MAX_ATTACHMENTS} attachments, more are not allowed")]
    Full(String),
    /// Another process has written to the game.
    #[error("game {0:?} has been changed elsewhere; try again")]
    Elsewhere(String),
    /// Another replica holds the game, at this address if it has told one.
    #[error("another server holds game {0:?}; ask there, or again in a moment")]
    Held(String, Option<String>),
    /// The dice service failed.
    #[error("the dice service does not answer as it should")]
    Dice(#[source] Box<Status>),
    /// The game is not where the caller thinks it is.
    #[error("the game's last entry is {sequence}, not {expected} as expected")]
    MovedOn {
        /// What the caller expects.
        expected: u64,
        /// What it is.
        sequence: u64,
    },
    /// There is nothing to take back, or no such entry.
    #[error("{0}")]
    NoWayBack(String),
    /// The decision was taken, or its game has moved on, or it never was.
    #[error("the decision {0:?} is not open: it was taken, or the game has moved on")]
    NotOpen(String),
    /// The decision has no such choice now.
    #[error("{0:?} is no choice now; there are: {1}")]
    NoChoice(String, String),
    /// The machine has no such side.
    #[error("{0:?} is no side of this game; there are: {1}")]
    NoSide(String, String),
    /// The machine wants more rolls than anyone may.
    #[error("the machine wants more than {MAX_ROLLS} rolls for one event")]
    TooManyRolls,
}
