//! How much models may write in a day: reserved before a turn, settled after it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use service_kit::{clock, db::DbError};

use crate::{config::Config, store::Store};

/// The day's limits, and what the turns that run have reserved of them.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    per_session: Option<u64>,
    per_player: Option<u64>,
    per_day: Option<u64>,
    reserved: Mutex<HashMap<String, u64>>,
}

/// What a turn may write, and for whom.
#[derive(Debug)]
pub(crate) struct Reservation {
    day: String,
    scopes: Vec<String>,
    tokens: u64,
}

/// A limit that is used up.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// With a text that a player can read.
    UsedUp(String),
    Store(DbError),
}

impl Budget {
    pub fn new(config: &Config) -> Budget {
        Budget {
            per_session: config.tokens_per_session,
            per_player: config.tokens_per_player,
            per_day: config.tokens_per_day,
            reserved: Mutex::default(),
        }
    }

    /// Reserves `tokens` for a turn of a session and a player. As long as anything is left a turn may begin; it is
    /// given what is left.
    pub async fn reserve(
        &self,
        store: &Store,
        session_id: &str,
        player: Option<&str>,
        tokens: u64,
    ) -> Result<Reservation, Refusal> {
        let day: String = clock::now().chars().take(10).collect();
        let mut scopes = vec![("all".to_owned(), self.per_day, "this server")];
        scopes.push((format!("session/{session_id}"), self.per_session, "this table"));
        if let Some(player) = player {
            scopes.push((format!("player/{}", player.to_lowercase()), self.per_player, "you"));
        }
        let mut granted = tokens;
        for (scope, limit, whom) in &scopes {
            let Some(limit) = limit else { continue };
            let used = store.usage(&day, scope).await.map_err(Refusal::Store)?;
            let reserved = self.lock().get(scope).copied().unwrap_or_default();
            let left = limit.saturating_sub(used + reserved);
            if left == 0 {
                let text = format!(
                    "The game master has said all that he may say for {whom} today ({limit} tokens). Tomorrow he goes on."
                );
                return Err(Refusal::UsedUp(text));
            }
            granted = granted.min(left);
        }
        let scopes: Vec<String> = scopes.into_iter().map(|(scope, ..)| scope).collect();
        let mut reserved = self.lock();
        for scope in &scopes {
            *reserved.entry(scope.clone()).or_default() += granted;
        }
        drop(reserved);
        Ok(Reservation { day, scopes, tokens: granted })
    }

    /// Gives a reservation back and notes what was written.
    pub async fn settle(&self, store: &Store, reservation: Reservation, tokens: u64) -> Result<(), DbError> {
        {
            let mut reserved = self.lock();
            for scope in &reservation.scopes {
                if let Some(held) = reserved.get_mut(scope) {
                    *held = held.saturating_sub(reservation.tokens);
                }
            }
        }
        self.lock().retain(|_, held| 0 < *held);
        if tokens == 0 {
            return Ok(());
        }
        store.add_usage(&reservation.day, &reservation.scopes, tokens).await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Tokens that the turn may write.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }
}
