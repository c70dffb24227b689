//! Who sits at a table: names, seats and characters, by connection.
//!
//! A seat lasts as long as its connection listens. One name is one person, however many connections he has; he is gone
//! when the last of them is.

use std::collections::HashMap;

use service_kit::status::{self, ErrorCode};
use tonic::Status;

/// People at one table.
const MAX_PEOPLE: usize = 100;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Speaks, and plays a character.
    Player,
    /// Only listens.
    Spectator,
    /// Sees everything, and has the last word.
    GameMaster,
}

impl Kind {
    /// The kind that a client names; nothing named is a player.
    pub fn from_text(text: Option<&str>) -> Kind {
        match text {
            Some("spectator") => Kind::Spectator,
            Some("game_master") => Kind::GameMaster,
            _ => Kind::Player,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Player => "player",
            Kind::Spectator => "spectator",
            Kind::GameMaster => "game_master",
        }
    }
}

/// A person's place at the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seat {
    pub name: String,
    pub kind: Kind,
    /// The character that he plays.
    pub character: Option<String>,
}

/// The seats of a table, by connection.
#[derive(Debug, Default)]
pub(crate) struct Seats(HashMap<String, Seat>);

impl Seats {
    pub fn get(&self, connection_id: &str) -> Option<&Seat> {
        self.0.get(connection_id)
    }

    /// Whether somebody sits in the game master's seat.
    pub fn has_game_master(&self) -> bool {
        self.0.values().any(|seat| seat.kind == Kind::GameMaster)
    }

    /// The name of a person who is there, in his own spelling.
    pub fn find_name(&self, name: &str) -> Option<&str> {
        let wanted = name.trim().to_lowercase();
        self.0.values().map(|seat| seat.name.as_str()).find(|name| name.to_lowercase() == wanted)
    }

    /// The seat that a person of this name has by another connection, in any case.
    pub fn other_of(&self, connection_id: &str, name: &str) -> Option<&Seat> {
        let wanted = name.to_lowercase();
        self.0
            .iter()
            .find(|(id, seat)| *id != connection_id && seat.name.to_lowercase() == wanted)
            .map(|(_, seat)| seat)
    }

    /// Every name, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.values().map(|seat| seat.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Who plays whom: names of players, and of their characters.
    pub fn players(&self) -> Vec<(String, String)> {
        let players = self.0.values().filter(|seat| seat.kind == Kind::Player);
        players.filter_map(|seat| Some((seat.name.clone(), seat.character.clone()?))).collect()
    }

    /// Whether a seat may be taken.
    ///
    /// # Errors
    ///
    /// `CONFLICT` if somebody else is the game master, `RATE_LIMITED` if the table is full.
    pub fn check(&self, connection_id: &str, seat: &Seat) -> Result<(), Status> {
        let is_other = |other: &&Seat| other.kind == Kind::GameMaster && other.name != seat.name;
        if let Some(other) = self.0.values().find(is_other).filter(|_| seat.kind == Kind::GameMaster) {
            let text = format!("{} sits in the game master's seat", other.name);
            return Err(status::error(ErrorCode::Conflict, text));
        }
        if MAX_PEOPLE <= self.0.len() && !self.0.contains_key(connection_id) {
            return Err(status::error(ErrorCode::RateLimited, format!("a table has room for {MAX_PEOPLE} people")));
        }
        Ok(())
    }

    /// Takes a seat; answers the one that the connection had.
    pub fn take(&mut self, connection_id: &str, seat: Seat) -> Option<Seat> {
        self.0.insert(connection_id.to_owned(), seat)
    }

    /// Gives a seat up; answers it if nobody else bears its name.
    pub fn leave(&mut self, connection_id: &str) -> Option<Seat> {
        let seat = self.0.remove(connection_id)?;
        self.0.values().all(|other| other.name != seat.name).then_some(seat)
    }

    /// Whether a connection may see what only `names` may see.
    pub fn may_see(&self, connection_id: &str, names: &[String]) -> bool {
        let Some(seat) = self.0.get(connection_id) else { return names.is_empty() };
        names.is_empty() || seat.kind == Kind::GameMaster || names.contains(&seat.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(name: &str, kind: Kind) -> Seat {
        Seat { name: name.into(), kind, character: None }
    }

    #[test]
    fn a_person_is_gone_with_his_last_connection() {
        let mut seats = Seats::default();
        seats.take("a", seat("Anna", Kind::Player));
        seats.take("b", seat("Anna", Kind::Player));

        assert_eq!(seats.leave("a"), None);
        assert_eq!(seats.leave("b").map(|seat| seat.name), Some("Anna".into()));
        assert_eq!(seats.leave("b"), None);
    }

    #[test]
    fn the_game_masters_seat_is_one_persons() {
        let mut seats = Seats::default();
        seats.take("a", seat("Anna", Kind::GameMaster));

        assert!(seats.check("b", &seat("Bert", Kind::GameMaster)).is_err());
        assert!(seats.check("b", &seat("Anna", Kind::GameMaster)).is_ok());
        assert!(seats.check("b", &seat("Bert", Kind::Player)).is_ok());
    }

    #[test]
    fn what_is_private_is_seen_by_those_it_is_for_and_by_the_game_master() {
        let mut seats = Seats::default();
        seats.take("a", seat("Anna", Kind::Player));
        seats.take("b", seat("Bert", Kind::Player));
        seats.take("g", seat("Gerd", Kind::GameMaster));
        let private = ["Anna".to_owned()];

        let seen: Vec<bool> = ["a", "b", "g", "nobody"].iter().map(|id| seats.may_see(id, &private)).collect();

        assert_eq!(seen, [true, false, true, false]);
        assert!(seats.may_see("nobody", &[]));
    }
}
