//! How much models may write and cost: reserved before a turn, settled after it.

use std::{
    collections::HashMap,
    ops::AddAssign,
    sync::{Mutex, PoisonError},
};

use proto::orchestrator::v1::{GetUsageResponse, Limit, Usage};
use service_kit::{
    clock,
    db::{DbError, Row, Statement},
};

use crate::{
    config::{Config, ModelPrice},
    store::Store,
};

const SELECT: &str = "SELECT tokens, prompt_tokens, micros FROM usage WHERE day = $1 AND scope = $2";
const SELECT_TOTAL: &str = "SELECT CAST(COALESCE(SUM(tokens), 0) AS BIGINT), CAST(COALESCE(SUM(prompt_tokens), 0) AS BIGINT), \
     CAST(COALESCE(SUM(micros), 0) AS BIGINT) FROM usage WHERE scope = $1";
const ADD: &str = "INSERT INTO usage (day, scope, tokens, prompt_tokens, micros) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (day, scope) DO UPDATE SET tokens = usage.tokens + excluded.tokens, \
     prompt_tokens = usage.prompt_tokens + excluded.prompt_tokens, micros = usage.micros + excluded.micros";

/// Bytes that count as one token where a model does not tell its own count.
pub(crate) const BYTES_PER_TOKEN: u64 = 4;
/// The scope of the whole server.
const ALL: &str = "all";

/// What models have read and written, and what it cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Millionths of a US dollar.
    pub micros: u64,
}

/// What one answer takes: as its model tells it, and else as it is estimated.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Tokens of what was asked, estimated; 0 for a game master who is no model.
    pub will_read: u64,
    /// Whether the model has had it to read.
    pub was_asked: bool,
    /// Bytes that have come.
    pub bytes: u64,
    /// Tokens read and written, as the model tells them; until its end they are not the whole.
    pub reported: Option<(u64, u64)>,
    pub is_whole: bool,
    /// Whether it was asked twice, and the other answer let go.
    pub is_hedged: bool,
}

/// What a model costs, in US dollars for a million tokens, which is millionths of a dollar for one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Price {
    pub read: f64,
    pub written: f64,
}

/// Limits of one day; none: any amount.
#[derive(Debug, Clone, Copy, Default)]
struct Most {
    session: Option<u64>,
    player: Option<u64>,
    day: Option<u64>,
}

/// The limits, and what the turns that run have reserved of them.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    tokens: Most,
    /// In millionths of a US dollar.
    money: Most,
    money_per_turn: Option<u64>,
    tokens_per_turn: u64,
    prices: Vec<ModelPrice>,
    reserved: Mutex<HashMap<String, Spent>>,
}

/// What a turn may write, and what that may cost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grant {
    pub tokens: u64,
    /// What a player is told when they are used up, where it is not one turn's limit that is.
    pub tokens_of: Option<String>,
    /// Millionths of a US dollar, and what a player is told when they are used up; none: any amount.
    pub money: Option<(u64, String)>,
}

/// What a turn has reserved, and for whom.
#[derive(Debug)]
pub(crate) struct Reservation {
    day: String,
    scopes: Vec<String>,
    grant: Grant,
}

/// A limit that is used up.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// With a text that a player can read.
    UsedUp(String),
    Store(DbError),
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Spent) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.micros += other.micros;
    }
}

impl Meter {
    /// Tokens written so far, estimated.
    pub fn written(&self) -> u64 {
        self.bytes / BYTES_PER_TOKEN
    }

    /// Tokens read and written so far.
    pub fn tokens(&self) -> (u64, u64) {
        let (read, written) = self.reported.unwrap_or_default();
        let read = if read == 0 { self.will_read } else { read };
        let is_told = self.is_whole && 0 < written;
        let written = if is_told { written } else { written.max(self.written()) };
        // The answer that was let go had read the same.
        (if self.is_hedged { 2 * read } else { read }, written)
    }

    pub fn is_estimated(&self) -> bool {
        self.reported.is_none() || !self.is_whole || self.is_hedged
    }
}

impl Spent {
    /// So many tokens at a price.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "tokens are far below 2^52, prices are not negative, and the cast saturates"
    )]
    pub fn of(prompt_tokens: u64, completion_tokens: u64, price: Price) -> Spent {
        let micros = prompt_tokens as f64 * price.read + completion_tokens as f64 * price.written;
        Spent { prompt_tokens, completion_tokens, micros: micros.ceil() as u64 }
    }

    pub fn dollars(self) -> f64 {
        dollars(self.micros)
    }

    /// As it is told; none if nothing was read or written.
    pub fn to_usage(self) -> Option<Usage> {
        (self != Spent::default()).then(|| self.usage())
    }

    fn usage(self) -> Usage {
        Usage { prompt_tokens: self.prompt_tokens, completion_tokens: self.completion_tokens, cost: self.dollars() }
    }
}

impl Budget {
    pub fn new(config: &Config) -> Budget {
        let micros = |dollars: Option<f64>| dollars.map(to_micros);
        Budget {
            tokens: Most {
                session: config.tokens_per_session,
                player: config.tokens_per_player,
                day: config.tokens_per_day,
            },
            money: Most {
                session: micros(config.dollars_per_session),
                player: micros(config.dollars_per_player),
                day: micros(config.dollars_per_day),
            },
            money_per_turn: micros(config.dollars_per_turn),
            tokens_per_turn: config.tokens_per_turn,
            prices: config.llm_prices.clone(),
            reserved: Mutex::default(),
        }
    }

    /// What a model costs; one that has no price costs nothing.
    pub fn price(&self, model: &str) -> Price {
        self.prices.iter().find(|price| price.model == model).map(|price| price.price).unwrap_or_default()
    }

    /// Reserves `tokens`, and what a turn may cost, for a turn of a session and a player. As long as anything is left a
    /// turn may begin; it is given what is left.
    pub async fn reserve(
        &self,
        store: &Store,
        session_id: &str,
        player: Option<&str>,
        tokens: u64,
    ) -> Result<Reservation, Refusal> {
        let day: String = clock::now().chars().take(10).collect();
        let mut scopes = vec![(ALL.to_owned(), self.tokens.day, self.money.day, "this server")];
        scopes.push((format!("session/{session_id}"), self.tokens.session, self.money.session, "this table"));
        if let Some(player) = player {
            let scope = format!("player/{}", player.to_lowercase());
            scopes.push((scope, self.tokens.player, self.money.player, "you"));
        }
        let mut grant = Grant { tokens, ..Grant::default() };
        if let Some(most) = self.money_per_turn {
            let text = format!("The game master has used up what one turn may cost (${:.2}).", dollars(most));
            grant.money = Some((most, text));
        }
        for (scope, most_tokens, most_money, whom) in &scopes {
            if most_tokens.is_none() && most_money.is_none() {
                continue;
            }
            let mut used = store.usage(&day, scope).await.map_err(Refusal::Store)?;
            used += self.lock().get(scope).copied().unwrap_or_default();
            if let Some(most) = most_tokens {
                let left = most.saturating_sub(used.completion_tokens);
                let text = format!(
                    "The game master has said all that he may say for {whom} today ({most} tokens). Tomorrow he goes on."
                );
                if left == 0 {
                    return Err(Refusal::UsedUp(text));
                }
                if left < grant.tokens {
                    (grant.tokens, grant.tokens_of) = (left, Some(text));
                }
            }
            if let Some(most) = most_money {
                let left = most.saturating_sub(used.micros);
                let text = format!(
                    "The game master has used up what he may cost for {whom} today (${:.2}). Tomorrow he goes on.",
                    dollars(*most)
                );
                if left == 0 {
                    return Err(Refusal::UsedUp(text));
                }
                if grant.money.as_ref().is_none_or(|(granted, _)| left < *granted) {
                    grant.money = Some((left, text));
                }
            }
        }
        let scopes: Vec<String> = scopes.into_iter().map(|(scope, ..)| scope).collect();
        let held = held(&grant);
        let mut reserved = self.lock();
        for scope in &scopes {
            *reserved.entry(scope.clone()).or_default() += held;
        }
        drop(reserved);
        Ok(Reservation { day, scopes, grant })
    }

    /// Gives a reservation back. Answers what notes in the database what was spent.
    pub fn release(&self, reservation: Reservation, spent: Spent) -> Vec<Statement> {
        let held = held(&reservation.grant);
        let mut reserved = self.lock();
        for scope in &reservation.scopes {
            if let Some(all) = reserved.get_mut(scope) {
                all.completion_tokens = all.completion_tokens.saturating_sub(held.completion_tokens);
                all.micros = all.micros.saturating_sub(held.micros);
            }
        }
        reserved.retain(|_, held| *held != Spent::default());
        if spent == Spent::default() {
            return Vec::new();
        }
        reservation.scopes.iter().map(|scope| add(&reservation.day, scope, spent)).collect()
    }

    /// What was spent for a session, or by the whole server, beside the limits.
    pub async fn report(&self, store: &Store, session_id: Option<&str>) -> Result<GetUsageResponse, DbError> {
        let scope = session_id.map_or_else(|| ALL.to_owned(), |id| format!("session/{id}"));
        let day: String = clock::now().chars().take(10).collect();
        let total = store.usage_in_all(&scope).await?;
        let today = store.usage(&day, &scope).await?;
        let server = store.usage(&day, ALL).await?;
        let mut limits = Vec::new();
        let mut add = |scope: &str, unit: &str, most: Option<f64>, used: f64| {
            limits.extend(most.map(|most| Limit { scope: scope.into(), unit: unit.into(), most, used }));
        };
        let tokens = |most: Option<u64>| most.map(to_f64);
        let money = |most: Option<u64>| most.map(dollars);
        add("turn", "tokens", tokens(Some(self.tokens_per_turn)), 0.0);
        add("turn", "dollars", money(self.money_per_turn), 0.0);
        if session_id.is_some() {
            add("session", "tokens", tokens(self.tokens.session), to_f64(today.completion_tokens));
            add("session", "dollars", money(self.money.session), today.dollars());
        }
        add("day", "tokens", tokens(self.tokens.day), to_f64(server.completion_tokens));
        add("day", "dollars", money(self.money.day), server.dollars());
        Ok(GetUsageResponse { total: Some(total.usage()), today: Some(today.usage()), limits })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Spent>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// What the turn may write, and what that may cost.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }
}

impl Store {
    /// What was spent on a day for a scope.
    async fn usage(&self, day: &str, scope: &str) -> Result<Spent, DbError> {
        let rows = self.db().fetch(SELECT, vec![day.into(), scope.into()]).await?;
        Ok(rows.first().map(to_spent).unwrap_or_default())
    }

    /// What was spent for a scope since the beginning.
    async fn usage_in_all(&self, scope: &str) -> Result<Spent, DbError> {
        let rows = self.db().fetch(SELECT_TOTAL, vec![scope.into()]).await?;
        Ok(rows.first().map(to_spent).unwrap_or_default())
    }
}

/// Adds what was spent to a scope of a day.
fn add(day: &str, scope: &str, spent: Spent) -> Statement {
    let args =
        vec![day.into(), scope.into(), spent.completion_tokens.into(), spent.prompt_tokens.into(), spent.micros.into()];
    Statement::new(ADD, args)
}

/// What of a grant is held until it is settled.
fn held(grant: &Grant) -> Spent {
    let micros = grant.money.as_ref().map_or(0, |(micros, _)| *micros);
    Spent { prompt_tokens: 0, completion_tokens: grant.tokens, micros }
}

fn to_spent(row: &Row) -> Spent {
    Spent { completion_tokens: row.unsigned(0), prompt_tokens: row.unsigned(1), micros: row.unsigned(2) }
}

fn dollars(micros: u64) -> f64 {
    to_f64(micros) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be positive; the cast saturates"
)]
fn to_micros(dollars: f64) -> u64 {
    (dollars * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_does_not_tell_is_estimated() {
        let meter = |reported, is_whole| Meter { will_read: 50, bytes: 400, reported, is_whole, ..Meter::default() };

        assert_eq!(meter(None, false).tokens(), (50, 100));
        assert_eq!(meter(Some((70, 90)), true).tokens(), (70, 90));
        // It told how it began, and broke off.
        assert_eq!(meter(Some((70, 1)), false).tokens(), (70, 100));
        assert_eq!(meter(Some((0, 90)), true).tokens(), (50, 90));
        assert_eq!(Meter { is_hedged: true, ..meter(None, true) }.tokens(), (100, 100));
    }

    #[test]
    fn tokens_cost_what_their_model_costs() {
        let price = Price { read: 3.0, written: 15.0 };

        assert_eq!(Spent::of(1000, 200, price).micros, 6000);
        assert_eq!(Spent::of(1000, 200, price).dollars(), 0.006);
        assert_eq!(Spent::of(1000, 200, Price::default()).micros, 0);
    }
}
