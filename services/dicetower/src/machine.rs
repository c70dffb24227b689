//! `dicetower machine`: checks and draws state machine definitions.

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
    /// Writes a definition as a Mermaid state diagram.
    Draw {
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
        MachineCommand::Draw { file } => crate::tell(&fsm::machine_draw(file)?),
    }
}
