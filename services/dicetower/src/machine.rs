//! `dicetower machine`: checks, draws and tries out state machine definitions.

use std::path::PathBuf;

use clap::Subcommand;

/// What to do with a definition.
#[derive(Subcommand, Debug)]
pub enum MachineCommand {
    /// Says whether a definition can be played, and what is wrong with it line by line.
    Check {
        /// The definition, or the name of a built-in one: war-of-the-ring, document.
        file: PathBuf,
    },
    /// Draws a definition.
    Draw {
        /// The definition, or the name of a built-in one: war-of-the-ring, document.
        file: PathBuf,
        /// As a Mermaid state diagram, or as an SVG picture.
        #[arg(long, value_enum, default_value = "mermaid")]
        format: fsm::Drawing,
        /// The state to mark.
        #[arg(long)]
        state: Option<String>,
    },
    /// Tries a definition out: each line read is an event, such as `NAME {"key": "value"}`, or `wait SECONDS`; each line
    /// written is what a client would hear. Dice always show the same.
    Run {
        /// The definition, or the name of a built-in one: war-of-the-ring, document.
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
///
/// The definition cannot be read or cannot be played.
pub fn run(command: &MachineCommand) -> anyhow::Result<()> {
    match command {
        MachineCommand::Check { file } => {
            let report = fsm::machine_check(file)?;
            crate::tell(&report.to_string())?;
            anyhow::ensure!(report.is_playable(), "{} cannot be played", file.display());
            Ok(())
        }
        MachineCommand::Draw { file, format, state } => {
            crate::tell(&fsm::machine_draw(file, *format, state.as_deref())?)
        }
        MachineCommand::Run { file } => fsm::machine_run(file, std::io::stdin().lock(), std::io::stdout().lock()),
    }
}
