//! From what is written to a machine: names become indices, texts templates, guards expressions.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{
    Choice, DEFAULT_GRACE, Decision, Line, MAX_GRACE_SECONDS, MAX_SIZE, MAX_STATES, Machine, Problem, RETURN, State,
    Step, Transition, Verb, WAR_OF_THE_RING_LIBRARY, Way, locate, source,
    source::{FlatTransition, Grace, Library, MenuLine, Operation},
};
use crate::{board, catalogue::AUTO, expression::Expression, text::Template};

/// Turns what is written into a machine, collecting what is wrong on the way.
pub(super) struct Compiler<'a> {
    pub(super) text: &'a str,
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl Compiler<'_> {
    pub(super) fn machine(&mut self, name: &str) -> Option<Machine> {
        if MAX_SIZE < self.text.len() {
            self.error(None, format!("the definition has {} bytes, {MAX_SIZE} are allowed", self.text.len()));
            return None;
        }
        let keys: Map<String, Value> = self.parse()?;
        if keys.contains_key("modules") {
            let modules = self.parse()?;
            self.modules(name, modules)
        } else if keys.contains_key("machine") && keys.contains_key("states") {
            let chart = self.parse()?;
            self.chart(name, chart)
        } else if keys.contains_key("states") {
            let flat = self.parse()?;
            self.flat(name, flat)
        } else {
            self.error(None, "neither `modules` nor `states` is there: one of the formats is needed".to_owned());
            None
        }
    }

    /// JSON has a parser of its own: it may hold tabs, which YAML does not allow.
    fn parse<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        if self.text.trim_start().starts_with('{') {
            match serde_json::from_str(self.text) {
                Ok(value) => return Some(value),
                Err(error) => self.error(Some(error.line()), error.to_string()),
            }
        } else {
            match serde_norway::from_str(self.text) {
                Ok(value) => return Some(value),
                Err(error) => self.error(error.location().map(|place| place.line()), error.to_string()),
            }
        }
        None
    }

    pub(super) fn error(&mut self, line: Option<usize>, reason: String) {
        self.errors.push(Problem { line, reason });
    }

    fn modules(&mut self, name: &str, modules: source::Modules) -> Option<Machine> {
        let mut machine = Machine::empty(name);
        machine.grace = self.grace(modules.config.grace);
        machine.constants.insert("HAND_LIMIT".to_owned(), Value::from(modules.config.hand_limit));
        for (id, text) in &modules.prompts {
            machine.prompts.insert(id.clone(), Template::parse(text));
        }
        if modules.game == "war_of_the_ring" {
            self.war_of_the_ring(&mut machine);
        }
        self.library(&mut machine, modules.library);

        let mut states = Vec::new();
        for module in modules.modules {
            match module.kind.as_str() {
                "phase_group" | "subsystem" => {}
                other => {
                    let line = self.line(&[&module.id]);
                    self.error(
                        line,
                        format!("module {:?} is of type {other:?}: phase_group or subsystem is allowed", module.id),
                    );
                }
            }
            states.extend(module.states.into_iter().map(|state| (module.id.clone(), state)));
            for phase in module.phases {
                states.extend(phase.states.into_iter().map(|state| (phase.id.clone(), state)));
            }
        }
        let ids: Vec<String> = states.iter().map(|(_, state)| state.id.clone()).collect();
        machine.initial = self.ids(&ids, &modules.config.initial_state)?;
        for (phase, state) in states {
            let state = self.state(&ids, phase, state);
            machine.states.push(state);
        }
        Some(machine)
    }

    /// What the names of War of the Ring mean.
    pub(super) fn war_of_the_ring(&mut self, machine: &mut Machine) {
        machine.constants.extend(board::area_constants());
        for part in WAR_OF_THE_RING_LIBRARY {
            match serde_norway::from_str(part) {
                Ok(library) => self.library(machine, library),
                Err(error) => self.error(None, format!("the game's library: {error}")),
            }
        }
    }

    fn flat(&mut self, name: &str, flat: source::Flat) -> Option<Machine> {
        let mut machine = Machine::empty(name);
        machine.flat = true;
        machine.grace = self.grace(flat.grace);
        Arc::make_mut(&mut machine.variables).insert("TURN".to_owned(), Value::from(0));
        let ids: Vec<String> = flat.states.0.iter().map(|(id, _)| id.clone()).collect();
        machine.initial = self.ids(&ids, &flat.initial_state)?;
        for (id, state) in flat.states.0 {
            let commands = state.on_enter.map(|calls| self.commands(&id, &calls)).unwrap_or_default();
            let mut transitions = Vec::new();
            for (event, transition) in state.transitions.0 {
                let (target, calls) = match transition {
                    FlatTransition::Target(target) => (target, None),
                    FlatTransition::WithCalls { target, calls } => (target, Some(calls)),
                };
                let commands = calls.map(|calls| self.commands(&id, &calls)).unwrap_or_default();
                let event = Some(event).filter(|event| event != AUTO);
                let Some(target) = self.target(&ids, &id, event.as_deref(), &target) else { continue };
                transitions.push(Transition {
                    event,
                    way: Way::External,
                    target,
                    guard: None,
                    actions: Vec::new(),
                    commands,
                    quiet: false,
                });
            }
            machine.states.push(State {
                // The format has no final states: one with nothing at all in it is the end.
                is_final: transitions.is_empty() && state.valid_events.is_empty(),
                commands,
                transitions,
                valid_events: state.valid_events,
                ..State::named(id)
            });
        }
        Some(machine)
    }

    fn state(&mut self, ids: &[String], phase: String, state: source::State) -> State {
        let id = state.id;
        let is_final = match state.kind.as_deref() {
            None | Some("normal") => false,
            Some("final") => true,
            Some(other) => {
                let line = self.state_line(&id);
                self.error(line, format!("state {id:?} is of kind {other:?}: normal or final is allowed"));
                false
            }
        };
        let mut transitions = Vec::new();
        let mut valid_events: Vec<String> = Vec::new();
        for transition in state.transitions {
            let event = Some(transition.event).filter(|event| event != AUTO);
            let announced = event.iter().filter(|event| !transition.quiet && !valid_events.contains(event));
            let announced: Vec<_> = announced.cloned().collect();
            valid_events.extend(announced);
            let way = (transition.target.as_str(), transition.back.as_deref(), transition.internal);
            let Some((way, target)) = self.way(ids, &id, event.as_deref(), way) else { continue };
            let guard =
                transition.guard.and_then(|guard| self.expression(&guard, || format!("a guard of state {id:?}")));
            let (actions, quiet) = (transition.actions, transition.quiet);
            transitions.push(Transition { event, way, target, guard, actions, commands: Vec::new(), quiet });
        }
        valid_events.extend(state.also_valid);
        // What leaves the state whatever the board says is what "done" means, unless the definition says otherwise.
        let own_index = ids.iter().position(|other| *other == id);
        let leaves = |transition: &&Transition| {
            transition.guard.is_none() && transition.event.is_some() && Some(transition.target) != own_index
        };
        let done = state.done.or_else(|| transitions.iter().find(leaves).and_then(|way| way.event.clone()));
        State {
            label: state.label.unwrap_or_else(|| id.clone()),
            description: state.description.unwrap_or_default(),
            phase,
            is_final,
            prompt: state.ui.on_enter_prompt_id,
            exit_prompt: state.ui.on_exit_prompt_id,
            entry: state.entry_actions,
            exit: state.exit_actions,
            transitions,
            valid_events,
            done,
            ..State::named(id)
        }
    }

    pub(super) fn library(&mut self, machine: &mut Machine, library: Library) {
        Arc::make_mut(&mut machine.variables).extend(library.variables);
        machine.constants.extend(library.constants);
        machine.host_only.extend(library.host_only);
        for (name, text) in library.computed.iter().chain(&library.guards) {
            if let Some(expression) = self.expression(text, || format!("{name:?}")) {
                machine.computed.insert(name.clone(), expression);
            }
        }
        for (name, text) in &library.recorded {
            if let Some(expression) = self.expression(text, || format!("`recorded` of {name:?}")) {
                machine.recorded.insert(name.clone(), expression);
            }
        }
        for (name, operations) in library.actions {
            let steps = self.steps(&name, operations);
            machine.actions.insert(name, steps);
        }
        for (name, operations) in library.events {
            let steps = self.steps(&name, operations);
            machine.on_event.insert(name, steps);
        }
        for (name, lines) in library.menus {
            let lines = lines.into_iter().map(|line| self.menu_line(&name, line)).collect();
            machine.menus.insert(name, lines);
        }
        for (name, decision) in library.decisions {
            if let Some(decision) = self.decision(&name, decision) {
                machine.decisions.insert(name, decision);
            }
        }
        machine.sides.extend(library.sides);
        machine.needs.extend(library.needs);
        for (id, text) in library.prompts {
            machine.prompts.entry(id).or_insert_with(|| Template::parse(&text));
        }
    }

    fn decision(&mut self, name: &str, decision: source::Decision) -> Option<Decision> {
        let source::Decision { kind, side, question, choices } = decision;
        let place = || format!("decision {name:?}");
        let side = self.expression(&side, place)?;
        let mut compiled = Vec::new();
        for source::Choice { id, text, event, data, when, each } in choices {
            let mut pairs = Vec::new();
            for (key, text) in data.0 {
                pairs.push((key, self.expression(&text, place)?));
            }
            let mut optional = |text: Option<String>| match text {
                Some(text) => self.expression(&text, place).map(Some),
                None => Some(None),
            };
            let (when, each) = (optional(when)?, optional(each)?);
            let (id, text) = (Template::parse(&id), Template::parse(&text));
            compiled.push(Choice { id, text, event, data: pairs, when, each });
        }
        let kind = kind.unwrap_or_else(|| name.to_owned());
        Some(Decision { kind, side, question: Template::parse(&question), choices: compiled })
    }

    fn menu_line(&mut self, menu: &str, line: MenuLine) -> Line {
        let (text, when) = match line {
            MenuLine::Always(text) => (text, None),
            MenuLine::Sometimes { text, when } => (text, Some(when)),
        };
        Line {
            when: when.and_then(|when| self.expression(&when, || format!("a condition of menu {menu:?}"))),
            text: (text != "ruler").then(|| Template::parse(&text)),
        }
    }

    pub(super) fn steps(&mut self, action: &str, operations: Vec<Operation>) -> Vec<Step> {
        operations.into_iter().filter_map(|operation| self.step(action, operation)).collect()
    }

    fn step(&mut self, action: &str, operation: Operation) -> Option<Step> {
        let Operation {
            each,
            when,
            prompt,
            menu,
            say,
            show,
            command,
            record,
            set,
            foresee,
            pair,
            roll,
            raise,
            send,
            cancel,
            wait,
            ask,
            run,
        } = operation;
        let place = || format!("action {action:?}");
        let when = match when {
            Some(when) => Some(self.expression(&when, place)?),
            None => None,
        };
        let each = match each {
            Some(each) => Some(self.expression(&each, place)?),
            None => None,
        };
        let mut verbs = Vec::new();
        verbs.extend(prompt.map(Verb::Prompt));
        verbs.extend(menu.map(Verb::Menu));
        verbs.extend(say.map(|text| Verb::Say(Template::parse(&text))));
        verbs.extend(show.map(|text| Verb::Show(Template::parse(&text))));
        verbs.extend(command.map(|text| Verb::Command(Template::parse(&text))));
        verbs.extend(record.map(|text| Verb::Record(Template::parse(&text))));
        verbs.extend(raise.map(Verb::Raise));
        verbs.extend(cancel.map(Verb::Cancel));
        if let Some(source::Send { event, after, id }) = send {
            verbs.push(Verb::Send { event, after: self.expression(&after, place)?, id: id.unwrap_or_default() });
        }
        if let Some(after) = wait {
            verbs.push(Verb::Wait(self.expression(&after, place)?));
        }
        verbs.extend(ask.map(Verb::Ask));
        verbs.extend(run.map(Verb::Run));
        for (assignments, verb) in [(set, Verb::Set as fn(_) -> _), (foresee, Verb::Foresee)] {
            if let Some(assignments) = assignments {
                let assign = |(name, text): (String, String)| Some((name, self.expression(&text, place)?));
                verbs.push(verb(assignments.0.into_iter().filter_map(assign).collect()));
            }
        }
        if let Some(source::Pair { keys, values, into }) = pair {
            verbs.push(Verb::Pair {
                keys: self.expression(&keys, place)?,
                values: self.expression(&values, place)?,
                into,
            });
        }
        if let Some(roll) = roll {
            verbs.push(self.roll(action, roll)?);
        }
        match verbs.pop() {
            Some(verb) if verbs.is_empty() => Some(Step { each, when, verb }),
            _ => {
                let line = self.line(&[action]);
                self.error(line, format!("a step of action {action:?} must have exactly one verb"));
                None
            }
        }
    }

    fn roll(&mut self, action: &str, roll: source::Roll) -> Option<Verb> {
        let place = || format!("a roll of action {action:?}");
        Some(match roll {
            source::Roll::ActionDice { side, dice, into } => {
                if side != "free_peoples" && side != "shadow" {
                    let line = self.line(&[action]);
                    self.error(line, format!("{} is for side {side:?}: free_peoples or shadow is allowed", place()));
                    return None;
                }
                Verb::RollActionDice { side, dice: self.expression(&dice, place)?, into }
            }
            source::Roll::Hunt { level, free_peoples_dice, rerolls, into } => Verb::RollHunt {
                level: self.expression(&level, place)?,
                free_peoples_dice: self.expression(&free_peoples_dice, place)?,
                rerolls: self.expression(&rerolls, place)?,
                into,
            },
            source::Roll::Combat { count, target, rerolls, into } => Verb::RollCombat {
                count: self.expression(&count, place)?,
                target: self.expression(&target, place)?,
                rerolls: self.expression(&rerolls, place)?,
                into,
            },
            source::Roll::Pick { from, into } => Verb::Pick { from: self.expression(&from, place)?, into },
        })
    }

    pub(super) fn expression(&mut self, text: &str, place: impl Fn() -> String) -> Option<Expression> {
        match Expression::compile(text) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let line = self.line(&[text]);
                self.error(line, format!("{}: {error}", place()));
                None
            }
        }
    }

    /// The commands in calls such as `send_command('F7'); send_command('F8')`.
    fn commands(&mut self, state: &str, calls: &str) -> Vec<String> {
        let mut commands = Vec::new();
        for call in calls.split(';').map(str::trim).filter(|call| !call.is_empty()) {
            let argument = call.strip_prefix("send_command(").and_then(|rest| rest.strip_suffix(')')).map(str::trim);
            let quoted = |text: &&str| {
                ['\'', '"'].iter().any(|&quote| 2 < text.len() && text.starts_with(quote) && text.ends_with(quote))
            };
            match argument.filter(quoted) {
                Some(text) => commands.push(text[1..text.len() - 1].to_owned()),
                None => {
                    let line = self.state_line(state);
                    self.error(line, format!("state {state:?} calls {call:?}: send_command('LINE') is allowed"));
                }
            }
        }
        commands
    }

    /// Checks the names of the states and finds the initial one.
    pub(super) fn ids(&mut self, ids: &[String], initial: &str) -> Option<usize> {
        if ids.is_empty() || MAX_STATES < ids.len() {
            self.error(None, format!("the definition has {} states, 1 to {MAX_STATES} are allowed", ids.len()));
        }
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(id) {
                let line = locate::second(self.text, id).or_else(|| self.state_line(id));
                self.error(line, format!("state {id:?} is there twice"));
            }
        }
        let found = ids.iter().position(|id| id == initial);
        if found.is_none() {
            let line = self.line(&["initial_state"]);
            self.error(line, format!("the initial state {initial:?} is not there"));
        }
        found
    }

    pub(super) fn target(&mut self, ids: &[String], state: &str, event: Option<&str>, target: &str) -> Option<usize> {
        let found = ids.iter().position(|id| id == target);
        if found.is_none() {
            let line = locate::transition(self.text, state, target);
            let event = event.unwrap_or(AUTO);
            self.error(line, format!("state {state:?} goes to {target:?} on {event}, which is not there"));
        }
        found
    }

    /// How a transition goes, and where: its target, the state that the sub-machine it enters returns to, and whether it
    /// stays inside its state.
    pub(super) fn way(
        &mut self,
        ids: &[String],
        state: &str,
        event: Option<&str>,
        (target, back, is_internal): (&str, Option<&str>, bool),
    ) -> Option<(Way, usize)> {
        if target == RETURN {
            return Some((Way::Return, self.target(ids, state, event, state)?));
        }
        let way = match back {
            Some(back) => Way::Call { back: self.target(ids, state, event, back)? },
            None if is_internal => Way::Internal,
            None => Way::External,
        };
        Some((way, self.target(ids, state, event, target)?))
    }

    pub(super) fn grace(&mut self, grace: Option<Grace>) -> Option<Duration> {
        match grace {
            None => Some(DEFAULT_GRACE),
            Some(Grace::Seconds(seconds)) if seconds <= MAX_GRACE_SECONDS => Some(Duration::from_secs(seconds)),
            Some(Grace::Word(word)) if word == "never" => None,
            Some(_) => {
                let line = self.line(&["grace"]);
                self.error(line, format!("grace is 0 to {MAX_GRACE_SECONDS} seconds, or never"));
                None
            }
        }
    }

    pub(super) fn line(&self, words: &[&str]) -> Option<usize> {
        locate::words(self.text, words)
    }

    pub(super) fn state_line(&self, id: &str) -> Option<usize> {
        locate::state(self.text, id)
    }
}
