//! The state machine service: definitions as data, games as logs.
//!
//! The core does no I/O: `definition` reads a machine, `expression` computes over facts, `board` makes figures of pieces,
//! `machine` says what an event brings about, `opponent` what the built-in opponent would choose; `draw` and
//! `simulate` are for people who write machines. Around it, `database` reads the client's board, `chance` has dice rolled,
//! `store` keeps the logs, `games` has the locks, the leases, the attachments, the clocks and who decides, `watch` reads along,
//! `service` answers gRPC.

mod board;
mod catalogue;
mod chance;
mod convert;
mod database;
mod definition;
mod draw;
mod expression;
mod functions;
mod games;
mod machine;
mod machines;
mod map;
mod opponent;
mod service;
mod simulate;
mod store;
mod text;
mod watch;

use std::{path::PathBuf, time::Duration};

use proto::fsm::v1::fsm_service_server::FsmServiceServer;
use service_kit::{
    Peers, compressed,
    db::DatabaseConfig,
    forward::{Forward, Others},
    replicas::{self, Replicas},
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use draw::{Drawing, Report, machine_check, machine_check_text, machine_draw};
pub use simulate::machine_run;
pub use store::SCHEMA;

/// How the state machine service is set up.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)] // In the one binary several of these stand side by side.
pub struct Config {
    /// The Java client's database, read only, opened when it appears; `{game}` in the path stands for the game's id.
    #[arg(long, env = "WOTR_DB", default_value = "wotr_game.db")]
    pub wotr_db: PathBuf,
    /// The machine of games that name none: war-of-the-ring, document, or a file in either format.
    #[arg(long, env = "DICETOWER_MACHINE", default_value = "war-of-the-ring")]
    pub machine: String,
    /// Speak as documented and no more: roll no dice, show nothing twice, take the client's faces.
    #[arg(long, env = "DICETOWER_STRICT")]
    pub strict: bool,
    /// Who decides in a new game, such as shadow=middle,free_peoples=autopilot:5: a side (free_peoples, shadow, table) and
    /// person, easy, middle, hard, model or autopilot, with seconds to wait for the last two. Sides left out are people's.
    #[arg(long, env = "DICETOWER_DECIDERS", value_delimiter = ',', value_parser = opponent::parse_decider)]
    pub decider: Vec<opponent::SideDecider>,
    /// Seed of the built-in opponent, for games that can be repeated; unset, it plays each game differently.
    #[arg(long, env = "DICETOWER_OPPONENT_SEED")]
    pub opponent_seed: Option<u64>,
    /// Address at which other replicas of this service reach this one, such as http://10.0.0.6:50054. Calls for a game that
    /// this one holds are sent on to it; unset, they are refused there.
    #[arg(id = "fsm_advertise", long = "fsm-advertise", env = "DICETOWER_FSM_ADVERTISE", value_name = "URL",
        value_parser = service_kit::client::parse_address)]
    pub advertise: Option<String>,
    /// Time without a sign of life after which another replica takes over what this one holds.
    #[arg(skip = LEASE)]
    pub lease: Duration,
}

/// A holder is gone after so long without a beat.
const LEASE: Duration = Duration::from_secs(2);

impl Default for Config {
    fn default() -> Config {
        Config {
            wotr_db: "wotr_game.db".into(),
            machine: "war-of-the-ring".to_owned(),
            strict: false,
            decider: Vec::new(),
            opponent_seed: None,
            advertise: None,
            lease: LEASE,
        }
    }
}

/// Starts the service: loads the machine, opens the games and answers with the routes. It calls `dice`.
///
/// # Errors
///
/// The machine cannot run or has no such side, or the database cannot be opened.
pub async fn start(
    config: Config,
    database: &DatabaseConfig,
    peers: Peers,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let store = store::Store::open(database).await?;
    let machines = machines::Machines::default();
    let machine = machines.configured(&config.machine, &store).await?;
    let databases = database::ClientDatabases::new(&config.wotr_db);
    for opponent::SideDecider { side, .. } in &config.decider {
        let sides = machine.sides.join(", ");
        anyhow::ensure!(machine.sides.contains(side), "--decider: the machine has no side {side:?}, but: {sides}");
    }
    let deciders = config.decider.into_iter().map(|of| (of.side, of.decider)).collect();
    let settings = games::Settings { assist: !config.strict, deciders, opponent_seed: config.opponent_seed };
    let replica = replicas::Settings {
        service: "fsm",
        // A folder of files is used by one process alone; its lock is taken by whoever starts it.
        is_alone: matches!(database, DatabaseConfig::Folder { .. }),
        address: config.advertise,
        lease: config.lease,
        wakes: peers.wakes().clone(),
    };
    let others = Others::new(peers.credentials(), shutdown.clone());
    let server = service_kit::Server::new("fsm").on(store.db()).until(shutdown.clone());
    let replicas = Replicas::start(store.db().clone(), replica).await?;
    let sources =
        games::Sources { store, machines, machine, databases, dice: peers.dice(), replicas: replicas.clone() };
    let games = games::Games::open(sources, settings, shutdown.clone()).await?;
    tokio::spawn(games::hold(std::sync::Arc::downgrade(&games), replicas.gone(), config.lease, shutdown.clone()));
    tokio::spawn(replicas.live(shutdown.clone()));
    let service = compressed!(FsmServiceServer::new(service::Fsm::new(games, shutdown)));
    Ok(server.add_service(Forward::new(service, others)).routes())
}

/// For `benches/`, which sees of this crate what everybody sees.
#[cfg(feature = "bench")]
pub mod bench {
    use serde_json::json;

    use crate::{
        definition::Machine,
        machine::{self, Event},
        opponent::{Strength, fixture::Table, policy},
    };

    /// Two states that lead to each other.
    pub const PLAIN: &str = "
machine: swing
initial: LEFT
states:
  LEFT: { on: [{ event: SWING, target: RIGHT }] }
  RIGHT: { on: [{ event: SWING, target: LEFT }] }
";
    /// The same with a guard over a variable.
    pub const GUARDED: &str = "
machine: swing
initial: LEFT
library: { variables: { SWINGS: 1 } }
states:
  LEFT: { on: [{ event: SWING, target: RIGHT, guard: SWINGS > 0 }] }
  RIGHT: { on: [{ event: SWING, target: LEFT, guard: SWINGS > 0 }] }
";

    /// One transition after the other of a machine that swings.
    ///
    /// # Panics
    ///
    /// The machine cannot run, or does not swing.
    pub fn transition(definition: &str) -> impl FnMut() {
        let machine = Machine::load("swing", definition).expect("it can run").machine;
        let event = json!({
            "name": "SWING", "data": {}, "sender": "", "is_host": true, "players": [], "assist": false, "at": 0,
        });
        let event: Event = serde_json::from_value(event).expect("an event");
        let mut game = machine::begin(&machine, None, &[], false, 0).expect("nothing is rolled");
        move || game = machine::react(&machine, &game, &event, None, &[]).expect("it swings").game
    }

    /// The strengths of the built-in opponent.
    pub const STRENGTHS: [&str; 3] = ["easy", "middle", "hard"];

    /// One decision of the first turn, by its name in the machine, as often as it is wanted.
    ///
    /// # Panics
    ///
    /// The first turn has no such decision.
    pub fn question(name: &str, strength: &str) -> impl Fn() -> usize {
        let strength = match strength {
            "easy" => Strength::Easy,
            "hard" => Strength::Hard,
            _ => Strength::Middle,
        };
        let mut table = Table::new(true, 1);
        let question = loop {
            let decision = table.decisions().into_iter().next().expect("the game goes on");
            if decision.id.ends_with(name) {
                break table.question(decision, 1);
            }
            table.play(Strength::Easy);
        };
        let policy = policy(strength);
        move || policy.weigh(&question).len()
    }
}

#[cfg(test)]
mod tests;
