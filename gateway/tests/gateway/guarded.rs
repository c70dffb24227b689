//! A gateway that asks who is there, with a token for each kind of caller.

use service_kit::{
    Gate, Wakes,
    auth::{AuthConfig, Grant, Mode, Role},
    client::in_process,
    db::Db,
};
use tokio_util::sync::CancellationToken;

use crate::support::{Gateway, database, dice};

/// The gateway, and tokens: of a player who owns Platinum, of a game master, of the operator.
pub struct Guarded {
    pub gateway: Gateway,
    pub gate: Gate,
    pub player: String,
    pub gm: String,
    pub operator: String,
    /// Tokens and the audit log.
    pub db: Db,
}

/// A table behind `--auth token`.
pub async fn guarded() -> Guarded {
    guarded_with(gateway::Config::default()).await
}

/// The same with another configuration.
pub async fn guarded_with(config: gateway::Config) -> Guarded {
    let (folder, database) = database();
    let none = CancellationToken::new();
    let auth = AuthConfig { auth: Mode::Token, ..AuthConfig::default() };
    let gate = Gate::start(&auth, &database, &Wakes::default(), none.clone()).await.unwrap();
    let peers = dice(&database).await.with_gate(gate.clone());
    let routes = character::start(character::Config::default(), &database, peers.clone(), none.clone()).await.unwrap();
    let peers = peers.with_character(in_process(routes));
    let routes =
        orchestrator::start(orchestrator::Config::default(), &database, peers.clone(), none.clone()).await.unwrap();
    let peers = peers.with_orchestrator(in_process(routes));
    let routes = fsm::start(fsm::Config::default(), &database, peers.clone(), none).await.unwrap();
    let db = service_kit::auth::open(&database).await.unwrap();
    let gateway = Gateway::serve(config, peers.with_fsm(in_process(routes)), folder).await;
    let (player, gm, operator) = Default::default();
    let mut guarded = Guarded { gateway, gate, player, gm, operator, db };
    guarded.player = guarded.token(Grant { characters: vec!["Platinum".into()], ..grant("Anna", Role::Player) }).await;
    guarded.gm = guarded.token(grant("Gerd", Role::Gm)).await;
    guarded.operator = guarded.token(grant("Olga", Role::Operator)).await;
    guarded
}

/// What a token allows that is for every session.
pub fn grant(name: &str, role: Role) -> Grant {
    Grant { name: name.into(), role, session_id: None, seat: None, characters: Vec::new(), lifetime: None }
}

impl Guarded {
    pub async fn token(&self, grant: Grant) -> String {
        self.made(grant).await.1
    }

    /// The id and the token.
    pub async fn made(&self, grant: Grant) -> (String, String) {
        self.gate.tokens().unwrap().make(grant).await.unwrap()
    }
}
