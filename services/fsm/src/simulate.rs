//! A definition tried out line by line, without a database, a dice service or a log.

use std::{
    io::{BufRead, Write},
    path::Path,
};

use serde_json::{Map, Value, json};

use crate::{
    board::Figures,
    definition::Machine,
    draw,
    machine::{self, Event, Order, OutputKind, Reaction, Roll, Rolled, Stop},
};

/// Most rolls for one event.
const MAX_ROLLS: usize = 40;

/// Runs a definition, a file or the name of a built-in one: each line read is an event, with its data as JSON behind a
/// blank, or `wait SECONDS`, which lets that time pass; each line written is what the host would hear. Dice always show the
/// same, since chance is the dice service's.
///
/// # Errors
///
/// The file cannot be read, holds no definition that can run, or the streams fail.
pub fn machine_run(path: impl AsRef<Path>, input: impl BufRead, mut output: impl Write) -> anyhow::Result<()> {
    let (name, text) = draw::read(path.as_ref())?;
    let machine = Machine::load(&name, &text)?.machine;
    let board = Figures::none();
    let mut rolls = Vec::new();
    let mut game = loop {
        match machine::begin(&machine, Some(&board), &rolls, true, 0) {
            Ok(game) => break game,
            Err(Stop::Roll(roll)) if rolls.len() < MAX_ROLLS => rolls.push(rolled(roll)),
            Err(stop) => anyhow::bail!("{name} cannot begin: {stop:?}"),
        }
    };
    let mut now = 0;
    writeln!(output, "<state> {}", game.state)?;
    let view = machine::view(&machine, &game, &[], Some(&board), true).ok();
    writeln!(output, "<valid_events> {}", view.map(|view| view.valid_events.host.join(",")).unwrap_or_default())?;
    for line in input.lines() {
        let line = line?;
        let line = line.trim();
        let line = line.strip_prefix("EVENT:").unwrap_or(line);
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut due = Vec::new();
        if word.is_empty() {
            continue;
        } else if word == "wait" {
            let seconds: u32 = rest.trim().parse().unwrap_or_default();
            now += i64::from(seconds) * 1_000;
            while let Some(timer) = game.next_timer().filter(|timer| timer.due <= now).cloned() {
                let event = event(&timer.event, Map::new(), timer.due, Some(Order::Timer { number: timer.number }));
                match react(&machine, &game, &event, &board) {
                    Ok(reaction) => {
                        game = reaction.game.clone();
                        due.push(reaction);
                    }
                    Err(_) => break,
                }
            }
        } else {
            let data = match rest.trim() {
                "" => Some(Map::new()),
                text => serde_json::from_str(text).ok(),
            };
            let Some(data) = data else {
                writeln!(output, "ERROR: Malformed data for event '{word}'")?;
                continue;
            };
            match react(&machine, &game, &event(word, data, now, None), &board) {
                Ok(reaction) => {
                    game = reaction.game.clone();
                    due.push(reaction);
                }
                Err(Stop::Refused(refusal)) => writeln!(output, "ERROR: {}", refusal.message(word, &game.state))?,
                Err(stop) => anyhow::bail!("{word} cannot be answered: {stop:?}"),
            }
        }
        for reaction in due {
            tell(&reaction, &mut output)?;
        }
    }
    Ok(())
}

fn event(name: &str, data: Map<String, Value>, at: i64, order: Option<Order>) -> Event {
    Event {
        name: name.to_owned(),
        data,
        sender: "controller".to_owned(),
        is_host: true,
        players: vec!["controller".to_owned()],
        assist: true,
        at,
        remarks: Vec::new(),
        order,
    }
}

fn react(machine: &Machine, game: &machine::Game, event: &Event, board: &Figures) -> Result<Reaction, Stop> {
    let mut rolls = Vec::new();
    loop {
        match machine::react(machine, game, event, Some(board), &rolls) {
            Err(Stop::Roll(roll)) if rolls.len() < MAX_ROLLS => rolls.push(rolled(roll)),
            done => return done,
        }
    }
}

/// A roll that always shows the same: Events, twos, the first thing.
fn rolled(roll: Roll) -> Rolled {
    let result = match &roll {
        Roll::ActionDice { count, .. } => vec!["event"; *count as usize].into(),
        Roll::Hunt { level, .. } => json!({"rolls": vec![2; (*level).min(5) as usize], "rerolled": [], "successes": 0}),
        Roll::Combat { count, .. } => json!({"rolls": vec![2; *count as usize], "rerolled": [], "successes": 0}),
        Roll::Pick { .. } => json!(1),
    };
    Rolled { id: String::new(), roll, result }
}

fn tell(reaction: &Reaction, output: &mut impl Write) -> std::io::Result<()> {
    for told in &reaction.outputs {
        match &told.kind {
            OutputKind::State(state) => writeln!(output, "<state> {state}")?,
            OutputKind::Text(text) => writeln!(output, "{}", format!("<auto> {text}").trim_end())?,
            OutputKind::Command(line) | OutputKind::Record(line) => writeln!(output, "{line}")?,
            OutputKind::ValidEvents(events) => writeln!(output, "<valid_events> {}", events.join(","))?,
            // It repeats a text.
            OutputKind::Shown(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, lines: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut output = Vec::new();
        machine_run(file.path(), lines.as_bytes(), &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn events_are_lines_and_so_is_what_comes_of_them() {
        let told = run(
            "machine: lamp\ninitial: OFF\nstates:\n  OFF: { on: [{ event: PUSH, target: ON }] }\n  ON: { on: [{ event: PUSH, target: OFF }] }\n",
            "PUSH\nPULL\nPUSH {\n",
        );
        assert_eq!(
            told,
            "<state> OFF\n<valid_events> PUSH\n<state> ON\n<valid_events> PUSH\nERROR: Unknown event 'PULL'\nERROR: Malformed data for event 'PUSH'\n"
        );
    }

    #[test]
    fn time_passes_when_it_is_told_to() {
        let told = run(
            "machine: lamp\ninitial: ON\nstates:\n  ON: { timeouts: [{ after: \"30\", event: DARK }], on: [{ event: DARK, target: OFF }] }\n  OFF: { final: true }\n",
            "wait 29\nwait 1\n",
        );
        assert_eq!(told, "<state> ON\n<valid_events> \n<state> OFF\n<valid_events> \n");
    }
}
