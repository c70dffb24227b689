//! Definitions for people: a report of a check, a drawing.

mod picture;

use std::{fmt, path::Path};

use anyhow::Context;

use crate::{
    catalogue::AUTO,
    definition::{BUILT_IN, Machine, Problem, Transition, Way},
};
pub use picture::svg;

/// What a check of a definition found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Number of states; 0 if the definition cannot be played.
    pub states: usize,
    /// Number of transitions; likewise.
    pub transitions: usize,
    /// What keeps it from running, line by line.
    pub errors: Vec<String>,
    /// What is only odd.
    pub warnings: Vec<String>,
}

impl Report {
    /// Whether a game can run it.
    pub fn is_playable(&self) -> bool {
        self.errors.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(formatter, "error: {error}")?;
        }
        for warning in &self.warnings {
            writeln!(formatter, "warning: {warning}")?;
        }
        if self.is_playable() {
            write!(
                formatter,
                "states: {}, transitions: {}, warnings: {}",
                self.states,
                self.transitions,
                self.warnings.len()
            )
        } else {
            write!(formatter, "errors: {}, warnings: {}", self.errors.len(), self.warnings.len())
        }
    }
}

/// Checks a definition: a file, or the name of a built-in one.
///
/// # Errors
///
/// The file cannot be read.
pub fn machine_check(path: impl AsRef<Path>) -> anyhow::Result<Report> {
    let (name, text) = read(path.as_ref())?;
    Ok(machine_check_text(&name, &text))
}

/// Checks a definition's text; `name` is said where its lines are.
pub fn machine_check_text(name: &str, text: &str) -> Report {
    let lines = |problems: &[Problem]| problems.iter().map(|problem| placed(name, problem)).collect();
    match Machine::load(name, text) {
        Ok(loaded) => Report {
            states: loaded.machine.states.len(),
            transitions: loaded.machine.states.iter().map(|state| state.transitions.len()).sum(),
            errors: Vec::new(),
            warnings: lines(&loaded.warnings),
        },
        Err(error) => Report { states: 0, transitions: 0, errors: lines(&error.0), warnings: Vec::new() },
    }
}

/// A problem with its file and line, as editors and terminals know them.
fn placed(file: &str, Problem { line, reason }: &Problem) -> String {
    match line {
        Some(line) => format!("{file}:{line}: {reason}"),
        None => format!("{file}: {reason}"),
    }
}

/// How a definition is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Drawing {
    /// A Mermaid state diagram.
    #[default]
    Mermaid,
    /// An SVG picture.
    Svg,
}

/// Draws a definition, a file or the name of a built-in one, with a state marked if one is named.
///
/// # Errors
///
/// The file cannot be read, holds no definition that can run, or has no such state.
pub fn machine_draw(path: impl AsRef<Path>, drawing: Drawing, marked: Option<&str>) -> anyhow::Result<String> {
    let (name, text) = read(path.as_ref())?;
    let machine = Machine::load(&name, &text)?.machine;
    if let Some(state) = marked.filter(|state| machine.state_index(state).is_none()) {
        anyhow::bail!("{name} has no state {state:?}");
    }
    Ok(match drawing {
        Drawing::Mermaid => mermaid(&machine, marked),
        Drawing::Svg => svg(&machine, marked),
    })
}

pub(crate) fn read(path: &Path) -> anyhow::Result<(String, String)> {
    let name = path.to_string_lossy().into_owned();
    if let Some((_, text)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        return Ok((name, (*text).to_owned()));
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("read {name}"))?;
    Ok((name, text))
}

/// A Mermaid state diagram, with a state marked.
pub fn mermaid(machine: &Machine, marked: Option<&str>) -> String {
    let mut lines = vec!["stateDiagram-v2".to_owned()];
    let mut phases: Vec<&str> = Vec::new();
    for state in &machine.states {
        if !phases.contains(&state.phase.as_str()) {
            phases.push(&state.phase);
        }
    }
    for phase in phases {
        let indent = if phase.is_empty() { 1 } else { 2 };
        if !phase.is_empty() {
            // A group may not be called like a state in it.
            lines.push(format!("    state \"{}\" as group_{} {{", plain(phase), identifier(phase)));
        }
        for (index, _) in
            machine.states.iter().enumerate().filter(|(_, state)| state.phase == phase && state.parent.is_none())
        {
            mermaid_state(machine, index, indent, &mut lines);
        }
        if !phase.is_empty() {
            lines.push("    }".to_owned());
        }
    }
    lines.push(format!("    [*] --> {}", identifier(&machine.states[machine.initial].id)));
    for state in &machine.states {
        for transition in &state.transitions {
            let label = plain(&label(transition));
            match target(machine, transition) {
                Some(target) => {
                    let target = identifier(&machine.states[target].id);
                    lines.push(format!("    {} --> {target} : {label}", identifier(&state.id)));
                }
                None => lines.push(format!("    {} --> RETURN : {label}", identifier(&state.id))),
            }
        }
        if state.is_final && state.parent.is_none() {
            lines.push(format!("    {} --> [*]", identifier(&state.id)));
        }
    }
    if let Some(marked) = marked {
        lines.push("    classDef current fill:#d8a657,stroke:#333,stroke-width:3px,color:#111".to_owned());
        lines.push(format!("    class {} current", identifier(marked)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn mermaid_state(machine: &Machine, index: usize, indent: usize, lines: &mut Vec<String>) {
    let state = &machine.states[index];
    let blanks = "    ".repeat(indent);
    lines.push(format!("{blanks}{} : {}", identifier(&state.id), plain(&state.label)));
    let Some(initial) = state.initial else { return };
    lines.push(format!("{blanks}state {} {{", identifier(&state.id)));
    lines.push(format!("{blanks}    [*] --> {}", identifier(&machine.states[initial].id)));
    for (inner, _) in machine.states.iter().enumerate().filter(|(_, state)| state.parent == Some(index)) {
        mermaid_state(machine, inner, indent + 1, lines);
    }
    lines.push(format!("{blanks}}}"));
}

/// What a transition is taken by, and when.
pub(crate) fn label(transition: &Transition) -> String {
    let event = transition.event.as_deref().unwrap_or(AUTO);
    let guard = transition.guard.as_ref().map(|guard| format!(" [{}]", guard.source())).unwrap_or_default();
    format!("{event}{guard}")
}

/// The state a transition leads to; `None` if that depends on where its sub-machine was called from.
pub(crate) fn target(machine: &Machine, transition: &Transition) -> Option<usize> {
    (transition.way != Way::Return).then(|| machine.leaf(transition.target))
}

fn identifier(text: &str) -> String {
    text.chars().map(|letter| if letter.is_alphanumeric() || letter == '_' { letter } else { '_' }).collect()
}

/// Without what ends a statement or a quotation in a diagram.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(['"', ';', '#'], "'").replace(':', "∶")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_has_every_state_and_transition() {
        let drawing = machine_draw("document", Drawing::Mermaid, None).unwrap();
        assert!(drawing.starts_with("stateDiagram-v2\n"));
        assert!(drawing.contains("    GAME_START --> FP_ACTION_ROLL : START_GAME\n"), "{drawing}");
        assert_eq!(machine_draw("war-of-the-ring", Drawing::Mermaid, None).unwrap().matches("--> [*]").count(), 4);
    }

    #[test]
    fn a_report_tells_lines_and_reasons() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "{\n \"initial_state\": \"A\",\n \"states\": {\"A\": {\"transitions\": {\"GO\": \"B\"}}}}",
        )
        .unwrap();
        let report = machine_check(file.path()).unwrap();
        assert!(!report.is_playable());
        assert_eq!(
            report.to_string(),
            format!(
                "error: {}:3: state \"A\" goes to \"B\" on GO, which is not there\nerrors: 1, warnings: 0",
                file.path().display()
            )
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        assert!(machine_check("nowhere.yaml").unwrap_err().to_string().contains("nowhere.yaml"));
    }
}
