//! Who sits behind a socket: what his token allows him to send, and how often.

use service_kit::{
    auth::{Caller, Role},
    status::{self, ErrorCode},
};
use tonic::Status;

use super::request::Request;
use crate::{
    Gateway,
    limits::{Keys, Kind},
};

/// What a spectator may send.
const GAME_MASTER: &str = "game_master";
const SPECTATOR: &str = "spectator";

/// Somebody behind a socket.
pub(super) struct Person {
    gateway: Gateway,
    caller: Caller,
    session_id: String,
    connection_id: String,
    /// Under whom his frames and his turns are counted.
    by_frame: Keys,
    by_turn: Keys,
    shown: u32,
}

impl Person {
    pub fn new(gateway: Gateway, caller: Caller, session_id: &str, connection_id: &str) -> Person {
        Person {
            gateway,
            session_id: session_id.to_owned(),
            connection_id: connection_id.to_owned(),
            by_frame: Keys::of_connection(&caller, Some(session_id), connection_id),
            by_turn: Keys::of(&caller, Some(session_id)),
            caller,
            shown: 0,
        }
    }

    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// How many tokens he has shown since he came in.
    pub fn shown(&self) -> u32 {
        self.shown
    }

    /// The name that his token gives him.
    pub fn name(&self) -> Option<String> {
        Some(self.caller.name.chars().take(40).collect()).filter(|name: &String| !name.is_empty())
    }

    /// The only seat that he may take.
    pub fn fixed_seat(&self) -> Option<String> {
        self.caller.seat.clone().filter(|_| !self.caller.name.is_empty())
    }

    /// Counts a frame.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` if his token is no longer good, `RATE_LIMITED`.
    pub fn count_frame(&self) -> Result<(), Status> {
        self.caller.check()?;
        self.gateway.limits.check(Kind::Frame, &self.by_frame)
    }

    /// What he wants, as far as he may; his name is that of his token.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, `FORBIDDEN`, `RATE_LIMITED`.
    pub async fn allow(&mut self, request: Request) -> Result<Request, Status> {
        let action = request.name();
        let allowed = self.check(request).await;
        let counts = matches!(&allowed, Ok(request) if request.has_effect());
        if counts || allowed.is_err() {
            self.gateway.note("socket", &self.caller, action, self.session_id.clone(), allowed.as_ref().err());
        }
        allowed
    }

    async fn check(&mut self, mut request: Request) -> Result<Request, Status> {
        match &mut request {
            Request::Join { name, seat, character, token } => {
                if let Some(token) = token.take() {
                    self.show(&token).await?;
                }
                if let Some(own) = self.name() {
                    *name = own;
                }
                self.may_sit(seat)?;
                if let Some(character) = character {
                    self.may_play(character).await?;
                }
            }
            Request::AddCharacter { character } | Request::RemoveCharacter { character } => {
                self.may_play(character).await?;
            }
            Request::Chat { .. } => self.gateway.limits.check(Kind::Turn, &self.by_turn)?,
            Request::Approve { .. } | Request::Override { .. } | Request::TakeOver { .. } => {
                self.caller.must_be(Role::Gm, "this")?;
            }
            Request::Whisper { .. }
            | Request::GetSessionInfo
            | Request::Cancel
            | Request::Resume { .. }
            | Request::Ping => {}
        }
        if request.has_effect() && self.caller.seat.as_deref() == Some(SPECTATOR) {
            let message = "this token is a spectator's: he listens";
            return Err(status::error(ErrorCode::Forbidden, message));
        }
        Ok(request)
    }

    /// Lets him in anew by another token. What he was before, he is no more.
    async fn show(&mut self, token: &str) -> Result<(), Status> {
        let caller = self.gateway.admit(Some(token)).await?;
        caller.may_enter(&self.session_id)?;
        self.caller = caller.at(self.caller.address);
        self.by_frame = Keys::of_connection(&self.caller, Some(&self.session_id), &self.connection_id);
        self.by_turn = Keys::of(&self.caller, Some(&self.session_id));
        self.shown += 1;
        Ok(())
    }

    fn may_sit(&self, seat: &mut Option<String>) -> Result<(), Status> {
        if let Some(own) = &self.caller.seat {
            match seat {
                Some(wanted) if wanted != own => {
                    let message = format!("this token is for the seat {own}");
                    return Err(status::error(ErrorCode::Forbidden, message));
                }
                _ => *seat = Some(own.clone()),
            }
        }
        match seat.as_deref() {
            Some(GAME_MASTER) => self.caller.must_be(Role::Gm, "the game master's seat"),
            _ => Ok(()),
        }
    }

    async fn may_play(&self, character: &str) -> Result<(), Status> {
        if self.gateway.peers.gate().owns(&self.caller, character).await? {
            return Ok(());
        }
        let character: String = character.chars().take(100).collect();
        let message = format!("{character} is not your character; ask the game master to give it to you");
        Err(status::error(ErrorCode::Forbidden, message))
    }
}
