//! `dicetower token`: makes, lists and revokes tokens. A server that runs hears of it within a second.

use std::time::Duration;

use clap::{Args, Subcommand};
use service_kit::{
    auth::{self, Grant, Role, Tokens},
    clock,
    db::DatabaseConfig,
};

/// What to do with tokens.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Makes a token and shows it, this once.
    Make(MakeArgs),
    /// Lists the tokens, without their secrets.
    List,
    /// Revokes a token. What is open with it ends within a second.
    Revoke {
        /// The id that the list shows.
        id: String,
    },
}

/// What the new token allows.
#[derive(Args, Debug)]
pub struct MakeArgs {
    /// Who holds it.
    #[arg(long)]
    pub name: String,
    /// What he may do: player, gm or operator.
    #[arg(long, default_value = "player", value_parser = auth::parse_role)]
    pub role: Role,
    /// The only session it opens; left out, all.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// The only seat it may take: player, spectator or game_master; left out, any that the role allows.
    #[arg(long, value_parser = ["player", "spectator", "game_master"])]
    pub seat: Option<String>,
    /// A character that its holder may change, beside those a game master gives him; may be given several times.
    #[arg(long = "character", value_name = "NAME")]
    pub characters: Vec<String>,
    /// Days until it expires, at most a hundred years; 0 means never.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(..=36_500))]
    pub days: u32,
}

/// Runs the command.
///
/// # Errors
///
/// The database cannot be opened, or there is no such token.
pub async fn run(command: &TokenCommand, database: &DatabaseConfig) -> anyhow::Result<()> {
    let tokens = Tokens::new(auth::open(database).await?);
    match command {
        TokenCommand::Make(args) => {
            let lifetime = (0 < args.days).then(|| Duration::from_secs(u64::from(args.days) * 24 * 60 * 60));
            let grant = Grant {
                name: args.name.clone(),
                role: args.role,
                session_id: args.session.clone(),
                seat: args.seat.clone(),
                characters: args.characters.clone(),
                lifetime,
            };
            let (_, token) = tokens.make(grant).await?;
            crate::tell(&token)
        }
        TokenCommand::List => {
            for token in tokens.list().await? {
                crate::tell(&line(&token))?;
            }
            Ok(())
        }
        TokenCommand::Revoke { id } => Ok(tokens.revoke(id).await?),
    }
}

fn line(token: &auth::Listed) -> String {
    let caller = &token.caller;
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", clock::rfc3339(at)),
        (None, Some(at)) if at <= clock::now_ms() => format!("expired {}", clock::rfc3339(at)),
        (None, Some(at)) => format!("until {}", clock::rfc3339(at)),
        (None, None) => "for good".to_owned(),
    };
    let session = caller.session_id.as_deref().unwrap_or("every session");
    format!("{}  {}  {}  {session}  {state}", token.id, caller.role.as_str(), caller.name)
}
