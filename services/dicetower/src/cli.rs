//! The command line. Every flag has an environment twin; `.env` is read first.

use std::path::PathBuf;

use clap::{
    Arg, Args, Command as CommandLine, CommandFactory, FromArgMatches, Parser, Subcommand, builder::Resettable,
};
use service_kit::{auth::AuthConfig, telemetry::TelemetryConfig, wake::WakeConfig};

use crate::{database::DatabaseArgs, eval::EvalArgs, machine::MachineCommand, roles::PeerArgs, token::TokenCommand};

/// A tabletop-game backend: a game master that cannot invent a die, a turn keeper that cannot lose a turn.
///
/// Without a command every service runs in this process: open http://127.0.0.1:8001 and play.
#[derive(Parser, Debug)]
#[command(name = "dicetower", version)]
pub struct Cli {
    /// One service or task; left out, every service runs in this process.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The services of the one process.
    #[command(flatten)]
    pub tower: TowerConfig,
    /// Where the data lies.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// What is measured.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// Where the other services are.
    #[command(flatten)]
    pub peers: PeerArgs,
    /// Who may come in.
    #[command(flatten)]
    pub auth: AuthConfig,
    /// Listen beyond this machine although nobody is asked who he is. For private networks such as compose's.
    #[arg(long, env = "DICETOWER_ALLOW_OPEN", global = true)]
    pub allow_open: bool,
}

impl Cli {
    /// Reads the command line and the environment; what cannot be understood ends the process with a text. A variable that
    /// is empty is as good as none, as compose hands on what nobody has set.
    pub fn read() -> Cli {
        let matches = without_empty(Cli::command()).get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

fn without_empty(command: CommandLine) -> CommandLine {
    let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg }).mut_subcommands(without_empty)
}

/// Every service, as the one process runs it.
#[derive(Args, Clone, Debug, Default)]
pub struct TowerConfig {
    /// The dice service.
    #[command(flatten)]
    pub dice: dice::Config,
    /// The character service.
    #[command(flatten)]
    pub character: character::Config,
    /// The orchestrator.
    #[command(flatten)]
    pub orchestrator: orchestrator::Config,
    /// The state machine service.
    #[command(flatten)]
    pub fsm: fsm::Config,
    /// The gateway.
    #[command(flatten)]
    pub gateway: gateway::Config,
    /// The Java client's line protocol.
    #[command(flatten)]
    pub tcp_adapter: tcp_adapter::Config,
    /// Who wakes the other replicas.
    #[command(flatten)]
    pub wakes: WakeConfig,
}

/// One service, or a task that ends by itself.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// The dice service: the only source of chance.
    Dice(Role<dice::Config, 50051>),
    /// The character service: sheets, and what a character can do.
    Character(Role<character::Config, 50052>),
    /// The orchestrator: sessions, turns, the game master.
    Orchestrator(Box<Role<orchestrator::Config, 50053>>),
    /// The state machine service: board games, turn by turn.
    Fsm(Role<fsm::Config, 50054>),
    /// The gateway: web page, REST, WebSocket.
    Gateway(gateway::Config),
    /// The TCP adapter: the Java client's line protocol.
    TcpAdapter(Role<tcp_adapter::Config, 50055>),
    /// Every service in this process for one client of the Model Context Protocol, on standard input and output.
    Mcp {
        /// The session in whose log the client's calls stand.
        #[arg(long, value_name = "ID")]
        session: Option<String>,
    },
    /// Writes all that is kept of a person as JSON; no orchestrator may be running.
    Export {
        /// His name, as tokens and tables have it.
        name: String,
    },
    /// Erases a person: revokes his tokens, and takes his name and words out of logs; no orchestrator may be running.
    Erase {
        /// His name, as tokens and tables have it.
        name: String,
    },
    /// Makes, lists and revokes tokens, for --auth token.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Asks a running service whether it is well, its database too; exits with 0 if it is.
    Health {
        /// A gRPC service such as http://127.0.0.1:50051, or a page such as http://127.0.0.1:8001/health/ready.
        url: String,
        /// Ask no more than whether the process runs: one whose database is away is not well, but to start it again
        /// makes nothing better. Of a page ask for /health/live instead.
        #[arg(long)]
        live: bool,
    },
    /// Plays scripted campaigns with a game master and marks it: how well it calls, remembers, keeps to its role and to
    /// the truth.
    Eval(Box<EvalArgs>),
    /// Backs up all data, while everything runs, into one file with a checksum, and plays it again to prove it.
    Backup {
        /// The file to write; it must not be there yet.
        file: PathBuf,
    },
    /// Restores a backup into the empty folder or database that is configured.
    Restore {
        /// The file that `backup` wrote.
        file: PathBuf,
    },
    /// Copies the SQLite files of a folder into the empty PostgreSQL database that is configured.
    Import {
        /// The folder, in which nobody may be at work.
        folder: PathBuf,
    },
    /// Checks, draws or tries out a state machine definition.
    #[command(subcommand)]
    Machine(MachineCommand),
}

/// A service whose gRPC port says whether it is well, and answers its calls.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Role<C: Args, const PORT: u16> {
    /// Where the service listens.
    #[arg(long, env = "DICETOWER_LISTEN", default_value_t = format!("127.0.0.1:{PORT}"))]
    pub listen: String,
    /// The service's own settings.
    #[command(flatten)]
    pub config: C,
}

impl Command {
    /// The name under which the process is known to the collector.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Dice(_) => "dice",
            Command::Character(_) => "character",
            Command::Orchestrator(_) => "orchestrator",
            Command::Fsm(_) => "fsm",
            Command::Gateway(_) => "gateway",
            Command::TcpAdapter(_) => "tcp-adapter",
            Command::Mcp { .. } => "mcp",
            Command::Export { .. } => "export",
            Command::Erase { .. } => "erase",
            Command::Token(_) => "token",
            Command::Health { .. } => "health",
            Command::Eval(_) => "eval",
            Command::Backup { .. } => "backup",
            Command::Restore { .. } => "restore",
            Command::Import { .. } => "import",
            Command::Machine(_) => "machine",
        }
    }
}
