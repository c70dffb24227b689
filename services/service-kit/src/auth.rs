//! Who may come in: the gate at every door to the outside, and the caller it lets through.
//!
//! `tokens` keeps tokens of our own, `oidc` checks those of an identity provider, `audit` writes down who did what,
//! `erasing` takes a person out of what was written down, and `mutual` holds the certificates that services show each other. A door
//! asks [`Gate::admit`] once, and the caller it gets then before each thing he does: [`Caller::check`] costs no more than
//! a look at a flag and the clock.

pub mod audit;
pub mod erasing;
pub mod mutual;
mod oidc;
mod owners;
mod tokens;

use std::{net::IpAddr, str::FromStr, sync::Arc, time::Duration};

use anyhow::Context as _;
pub use proto::catalogue::Role;
use tokio_util::sync::CancellationToken;
use tonic::Status;

pub use self::{
    audit::{Audit, Entry},
    mutual::{Mutual, MutualConfig},
    oidc::OidcConfig,
    tokens::{Grant, Listed, TokenError, Tokens},
};
use crate::{
    clock,
    db::{DatabaseConfig, Db, Schema},
    status::{self, ErrorCode},
    wake::Wakes,
};

/// The tables, for backups.
pub const SCHEMA: Schema = Schema { service: "access", migrations: MIGRATIONS };

const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/access/0001_tokens.sql")];

/// How callers say who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Nobody is asked. For this machine alone.
    #[default]
    None,
    /// By a token that `dicetower token` has made.
    Token,
    /// By a token of an identity provider (OpenID Connect).
    Oidc,
}

/// Who may come in.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct AuthConfig {
    /// How callers say who they are.
    #[arg(long, env = "DICETOWER_AUTH", value_enum, default_value_t, global = true)]
    pub auth: Mode,
    /// The identity provider, with --auth oidc.
    #[command(flatten)]
    pub oidc: OidcConfig,
    /// What services on several machines show each other, the same for all of them; 16 to 512 visible characters. With
    /// it a service's gRPC port lets nobody else in and may be open.
    #[arg(long, env = "DICETOWER_SERVICE_SECRET", hide_env_values = true, value_name = "SECRET", global = true)]
    pub service_secret: Option<SharedSecret>,
    /// The certificates that they show each other.
    #[command(flatten)]
    pub mutual: MutualConfig,
    /// Days for which it is kept who did what, and tokens that are over; 0 keeps both for ever.
    #[arg(long, env = "DICETOWER_KEEP_AUDIT_DAYS", value_name = "DAYS", default_value_t = 0, global = true)]
    pub keep_audit_days: u32,
}

impl AuthConfig {
    /// Whether callers must say who they are.
    pub fn is_required(&self) -> bool {
        self.auth != Mode::None
    }

    /// What this service shows to others, and asks of them.
    ///
    /// # Errors
    ///
    /// The certificates cannot be read or are no good.
    pub fn credentials(&self) -> anyhow::Result<Credentials> {
        let certificates = Mutual::read(&self.mutual).context("set up the certificates between services")?;
        Ok(Credentials { secret: self.service_secret.clone(), certificates })
    }
}

/// What services on several machines show each other: a secret, certificates, both, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The secret that stands in each call.
    pub secret: Option<SharedSecret>,
    /// The certificates of each connection.
    pub certificates: Option<Mutual>,
}

impl Credentials {
    /// Whether they keep strangers out.
    pub fn are_asked_for(&self) -> bool {
        self.secret.is_some() || self.certificates.is_some()
    }
}

/// The gate: lets callers in or turns them away. Without a word it is open.
#[derive(Clone)]
pub struct Gate {
    kind: Kind,
    db: Option<Db>,
    audit: Option<Audit>,
}

#[derive(Clone)]
enum Kind {
    Open,
    Tokens(Tokens),
    Oidc(Arc<oidc::Provider>),
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::open()
    }
}

impl Gate {
    /// The gate at which nobody is asked who he is.
    pub fn open() -> Gate {
        Gate { kind: Kind::Open, db: None, audit: None }
    }

    /// The gate that the configuration describes.
    ///
    /// # Errors
    ///
    /// The database of tokens cannot be opened, or the identity provider is not described well.
    pub async fn start(
        config: &AuthConfig,
        database: &DatabaseConfig,
        wakes: &Wakes,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Gate> {
        if !config.is_required() {
            return Ok(Gate::open());
        }
        let db = open(database).await?;
        let audit = Some(Audit::start(db.clone(), config.keep_audit_days));
        let kind = match config.auth {
            Mode::Oidc => Kind::Oidc(Arc::new(oidc::Provider::new(&config.oidc).context("set up --auth oidc")?)),
            _ => Kind::Tokens(Tokens::start(db.clone(), wakes.clone(), shutdown).await?),
        };
        Ok(Gate { kind, db: Some(db), audit })
    }

    /// Whether callers must say who they are.
    pub fn is_required(&self) -> bool {
        !matches!(self.kind, Kind::Open)
    }

    /// Lets a caller in by the token he shows.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`: there is no token, or it is unknown, expired or revoked. The text never repeats it.
    pub async fn admit(&self, token: Option<&str>) -> Result<Caller, Status> {
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        match (&self.kind, token) {
            (Kind::Open, _) => Ok(Caller::anyone()),
            (_, None) => Err(unauthenticated("a token is needed; show it as `Authorization: Bearer …`")),
            (_, Some(token)) if MAX_TOKEN < token.len() => Err(unauthenticated("the token is too long to be one")),
            (Kind::Tokens(tokens), Some(token)) => tokens.admit(token).await,
            (Kind::Oidc(provider), Some(token)) => provider.admit(token).await,
        }
    }

    /// The tokens of our own, where they are in use.
    pub fn tokens(&self) -> Option<&Tokens> {
        match &self.kind {
            Kind::Tokens(tokens) => Some(tokens),
            _ => None,
        }
    }

    /// Whether a caller may change a character: his token grants it, or it was given to him. At an open gate and above a
    /// player everybody may.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn owns(&self, caller: &Caller, character: &str) -> Result<bool, Status> {
        match &self.db {
            Some(db) if caller.role == Role::Player && !caller.is_granted(character) => {
                owners::owns(db, caller, character).await.map_err(|error| status::database(&error))
            }
            _ => Ok(true),
        }
    }

    /// Gives a character to whoever has this name. At an open gate everybody may change every character, and nothing is
    /// kept.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn own(&self, name: &str, character: &str) -> Result<(), Status> {
        let Some(db) = &self.db else { return Ok(()) };
        owners::own(db, name, character).await.map_err(|error| status::database(&error))
    }

    /// The database of tokens and of the audit log; an open gate has none.
    pub fn database(&self) -> Option<&Db> {
        self.db.as_ref()
    }

    /// Where it is written down who did what; nobody is named at an open gate.
    pub fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }
}

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// Opens the database of tokens and of the audit log. Several processes may have it open.
///
/// # Errors
///
/// It cannot be opened.
pub async fn open(database: &DatabaseConfig) -> anyhow::Result<Db> {
    Db::open(database, "access", MIGRATIONS).await.context("open the database of tokens")
}

/// Somebody who has been let in.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who he is; empty at an open gate.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// The only session he may take part in; none means any.
    pub session_id: Option<String>,
    /// The only seat he may take; none means any that his role allows.
    pub seat: Option<String>,
    /// Characters that his token lets him change, beside those that were given to him.
    pub characters: Vec<String>,
    /// Where he calls from; none if that is not known, as of somebody on this machine's own input.
    pub address: Option<IpAddr>,
    /// Unix milliseconds.
    expires_at: Option<i64>,
    revoked: Option<CancellationToken>,
}

impl Caller {
    /// Whoever comes in where nobody is asked: he may do everything that can be done at this door.
    pub fn anyone() -> Caller {
        Caller {
            name: String::new(),
            role: Role::Operator,
            session_id: None,
            seat: None,
            characters: Vec::new(),
            address: None,
            expires_at: None,
            revoked: None,
        }
    }

    /// The same caller with no more than this role.
    #[must_use]
    pub fn at_most(mut self, role: Role) -> Caller {
        self.role = self.role.min(role);
        self
    }

    /// The same caller at this address.
    #[must_use]
    pub fn at(mut self, address: Option<IpAddr>) -> Caller {
        self.address = address;
        self
    }

    /// Whether he may still do something: a token may expire or be revoked while a line is open.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, and which of both it is.
    pub fn check(&self) -> Result<(), Status> {
        if self.revoked.as_ref().is_some_and(CancellationToken::is_cancelled) {
            return Err(unauthenticated("the token has been revoked"));
        }
        if self.expires_at.is_some_and(|expires_at| expires_at <= clock::now_ms()) {
            return Err(unauthenticated("the token has expired"));
        }
        Ok(())
    }

    /// Waits until he may do nothing any more; for ever, if nothing ends it.
    pub async fn ended(&self) -> Status {
        let revoked = async {
            match &self.revoked {
                Some(revoked) => revoked.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let expired = async {
            let Some(expires_at) = self.expires_at else { return std::future::pending().await };
            let left = expires_at.saturating_sub(clock::now_ms());
            tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0))).await;
        };
        tokio::select! {
            () = revoked => {}
            () = expired => {}
        }
        self.check().err().unwrap_or_else(|| unauthenticated("the token has expired"))
    }

    /// Whether his role allows something.
    ///
    /// # Errors
    ///
    /// `FORBIDDEN`, naming both roles.
    pub fn must_be(&self, role: Role, what: &str) -> Result<(), Status> {
        if role <= self.role {
            return Ok(());
        }
        let message = format!("{what} is for the role {}, and yours is {}", role.as_str(), self.role.as_str());
        Err(status::error(ErrorCode::Forbidden, message))
    }

    /// Whether he may take part in a session.
    ///
    /// # Errors
    ///
    /// `FORBIDDEN`: his token is for another one.
    pub fn may_enter(&self, session_id: &str) -> Result<(), Status> {
        match &self.session_id {
            Some(own) if own != session_id => {
                Err(status::error(ErrorCode::Forbidden, format!("this token is for the session {own} only")))
            }
            _ => Ok(()),
        }
    }

    /// Whether his token names a character as his.
    pub fn is_granted(&self, character: &str) -> bool {
        let character = character.trim().to_lowercase();
        self.characters.iter().any(|own| own.trim().to_lowercase() == character)
    }
}

/// The refusal of somebody whom we do not know.
pub(crate) fn unauthenticated(message: &str) -> Status {
    status::error(ErrorCode::Unauthenticated, message)
}

/// A role by its word.
///
/// # Errors
///
/// The words there are.
pub fn parse_role(text: &str) -> Result<Role, String> {
    [Role::Player, Role::Gm, Role::Operator].into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
        format!("{:?} is not a role: player, gm and operator are", text.chars().take(40).collect::<String>())
    })
}

/// The token of an `Authorization` header: `Bearer` and the token.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A secret that both sides of a call know, compared in a time that does not tell how much of it is right.
#[derive(Clone)]
pub struct SharedSecret(Arc<str>);

impl FromStr for SharedSecret {
    type Err = String;

    fn from_str(text: &str) -> Result<SharedSecret, String> {
        let is_fit =
            (MIN_SECRET..=MAX_SECRET).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        match is_fit {
            true => Ok(SharedSecret(text.into())),
            false => Err(format!("a secret has {MIN_SECRET} to {MAX_SECRET} visible ASCII characters")),
        }
    }
}

/// Shortest secret between services, in characters: as much as 16 random bytes in hexadecimal have half of.
const MIN_SECRET: usize = 16;
const MAX_SECRET: usize = 512;

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SharedSecret(…)")
    }
}

impl SharedSecret {
    /// Whether a text is the secret.
    pub fn is(&self, text: &str) -> bool {
        let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        // Digests of random secrets tell nothing, however long their comparison takes.
        digest(&self.0).as_ref() == digest(text).as_ref()
    }

    /// The secret itself, for the header of a call.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret: SharedSecret = "0123456789abcdef".parse().unwrap();

        assert_eq!(format!("{secret:?}"), "SharedSecret(…)");
        assert!(secret.is("0123456789abcdef") && !secret.is("0123456789abcdeg") && !secret.is(""));
        assert!("short".parse::<SharedSecret>().is_err());
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }

    #[test]
    fn roles_rise_from_player_to_operator() {
        let caller = Caller { role: Role::Gm, ..Caller::anyone() };

        assert!(caller.must_be(Role::Player, "it").is_ok() && caller.must_be(Role::Gm, "it").is_ok());
        assert_eq!(caller.must_be(Role::Operator, "it").unwrap_err().code(), tonic::Code::PermissionDenied);
        assert_eq!(Caller::anyone().at_most(Role::Player).role, Role::Player);
    }

    #[test]
    fn a_token_for_one_session_opens_no_other() {
        let caller = Caller { session_id: Some("a".into()), ..Caller::anyone() };

        assert!(caller.may_enter("a").is_ok());
        assert!(caller.may_enter("b").is_err());
    }
}
