//! Checks a compiled machine as a whole: names that nothing defines, states nobody reaches or leaves, loops.

use std::collections::BTreeSet;

use super::{Choice, Decision, Line, Machine, Problem, RETURN, State, Step, Transition, Verb, Way, locate};
use crate::{expression::Expression, text::Template};

/// Longest name of an event, in characters: the Java line looks up no longer one.
const MAX_EVENT_NAME: usize = 200;

/// Adds what keeps the machine from running to the errors, and what is only odd to the warnings.
pub fn machine(machine: &Machine, text: &str, errors: &mut Vec<Problem>, warnings: &mut Vec<Problem>) {
    let mut check = Check { machine, text, errors, warnings };
    check.facts();
    check.actions();
    check.prompts();
    check.exits();
    check.reachability();
    check.loops();
}

struct Check<'a> {
    machine: &'a Machine,
    text: &'a str,
    errors: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn error(&mut self, line: Option<usize>, reason: String) {
        self.errors.push(Problem { line, reason });
    }

    fn warn(&mut self, line: Option<usize>, reason: String) {
        self.warnings.push(Problem { line, reason });
    }

    /// A guard over a fact nobody knows could never be true; a text with one would show a dash.
    fn facts(&mut self) {
        let machine = self.machine;
        for state in &machine.states {
            for timeout in &state.timeouts {
                self.expression(&timeout.after, &format!("a time-out of state {:?}", state.id));
            }
            for guard in state.transitions.iter().filter_map(|transition| transition.guard.as_ref()) {
                for fact in guard.facts().iter().filter(|fact| !machine.has_fact(fact)) {
                    let line = locate::transition(self.text, &state.id, guard.source());
                    self.error(
                        line,
                        format!(
                            "state {:?} has the guard {:?}, and nothing defines {fact:?}",
                            state.id,
                            guard.source()
                        ),
                    );
                }
            }
        }
        for (name, expression) in machine.computed.iter().chain(&machine.recorded) {
            self.expression(expression, &format!("{name:?}"));
        }
        for (name, steps) in machine.actions.iter().chain(&machine.on_event) {
            for step in steps {
                self.step(name, step);
            }
        }
        for (name, lines) in &machine.menus {
            for Line { when, text } in lines {
                let place = format!("menu {name:?}");
                when.iter().for_each(|when| self.expression(when, &place));
                text.iter().for_each(|text| self.template(text, &place));
            }
        }
        for (name, decision) in &machine.decisions {
            self.decision(decision, &format!("decision {name:?}"));
        }
        for (id, template) in &machine.prompts {
            for fact in template.facts().filter(|fact| !machine.has_fact(fact)) {
                let line = locate::words(self.text, &[id]);
                self.warn(line, format!("prompt {id:?} shows {fact:?}, and nothing defines it"));
            }
        }
        for name in machine.computed.keys() {
            if self.depends_on_itself(name, name, &mut BTreeSet::new()) {
                self.error(locate::words(self.text, &[name]), format!("{name:?} depends on itself"));
            }
        }
    }

    fn decision(&mut self, decision: &Decision, place: &str) {
        self.expression(&decision.side, place);
        self.template(&decision.question, place);
        for Choice { id, text, event, data, when, each } in &decision.choices {
            let expressions = data.iter().map(|(_, value)| value).chain(when).chain(each);
            let facts = expressions.flat_map(|expression| expression.facts().iter().map(String::as_str));
            for fact in facts.chain(id.facts()).chain(text.facts()) {
                if !self.machine.has_fact(fact) {
                    let line = locate::words(self.text, &[fact]);
                    self.error(line, format!("{place} reads {fact:?}, and nothing defines it"));
                }
            }
            self.event(event, place);
        }
    }

    /// The library speaks of events that a smaller definition need not have.
    fn event(&mut self, event: &str, place: &str) {
        if !self.machine.knows(event)
            && let Some(line) = locate::words(self.text, &[event])
        {
            self.warn(Some(line), format!("{place} names {event:?}, which no state has a transition for"));
        }
    }

    fn depends_on_itself<'a>(&'a self, wanted: &str, name: &'a str, seen: &mut BTreeSet<&'a str>) -> bool {
        let Some(expression) = self.machine.computed.get(name) else { return false };
        expression
            .facts()
            .iter()
            .any(|fact| fact == wanted || (seen.insert(fact) && self.depends_on_itself(wanted, fact, seen)))
    }

    fn expression(&mut self, expression: &Expression, place: &str) {
        for fact in expression.facts().iter().filter(|fact| !self.machine.has_fact(fact)) {
            let line = locate::words(self.text, &[expression.source()]);
            self.error(line, format!("{place} reads {fact:?}, and nothing defines it"));
        }
    }

    fn template(&mut self, template: &Template, place: &str) {
        for fact in template.facts().filter(|fact| !self.machine.has_fact(fact)) {
            self.error(None, format!("{place} shows {fact:?}, and nothing defines it"));
        }
    }

    fn variable(&mut self, name: &str, place: &str) {
        if !self.machine.variables.contains_key(name) {
            self.error(locate::words(self.text, &[name]), format!("{place} sets {name:?}, which is no variable"));
        }
    }

    fn step(&mut self, action: &str, step: &Step) {
        let place = format!("action {action:?}");
        step.each.iter().chain(&step.when).for_each(|part| self.expression(part, &place));
        match &step.verb {
            Verb::Prompt(id) if !self.machine.prompts.contains_key(id) => {
                self.error(None, format!("{place} says prompt {id:?}, which is not there"));
            }
            Verb::Menu(name) if !self.machine.menus.contains_key(name) => {
                self.error(None, format!("{place} says menu {name:?}, which is not there"));
            }
            Verb::Run(name) if !self.machine.actions.contains_key(name) => {
                self.error(None, format!("{place} runs {name:?}, which is not there"));
            }
            Verb::Ask(name) if !self.machine.decisions.contains_key(name) => {
                self.error(None, format!("{place} asks for the decision {name:?}, which is not there"));
            }
            Verb::Raise(event) => self.event(event, &place),
            Verb::Send { event, after, .. } => {
                self.event(event, &place);
                self.expression(after, &place);
            }
            Verb::Wait(after) => self.expression(after, &place),
            Verb::Cancel(_) => {}
            Verb::Prompt(_) | Verb::Menu(_) | Verb::Run(_) | Verb::Ask(_) => {}
            Verb::Say(text) | Verb::Show(text) | Verb::Command(text) | Verb::Record(text) => {
                self.template(text, &place)
            }
            Verb::Set(assignments) | Verb::Foresee(assignments) => {
                for (name, value) in assignments {
                    self.variable(name, &place);
                    self.expression(value, &place);
                }
            }
            Verb::Pair { keys, values, into } => {
                self.variable(into, &place);
                [keys, values].into_iter().for_each(|part| self.expression(part, &place));
            }
            Verb::RollActionDice { dice: from, into, .. } | Verb::Pick { from, into } => {
                self.variable(into, &place);
                self.expression(from, &place);
            }
            Verb::RollHunt { level: a, free_peoples_dice: b, rerolls: c, into }
            | Verb::RollCombat { count: a, target: b, rerolls: c, into } => {
                self.variable(into, &place);
                [a, b, c].into_iter().for_each(|part| self.expression(part, &place));
            }
        }
    }

    /// An action nobody defines does nothing, so the machine can run without it.
    fn actions(&mut self) {
        let machine = self.machine;
        let mut told = BTreeSet::new();
        for state in &machine.states {
            let of_transitions = state.transitions.iter().flat_map(|transition| &transition.actions);
            for action in state.entry.iter().chain(&state.exit).chain(of_transitions) {
                let is_prompt = action.strip_prefix("PROMPT_").is_some_and(|id| machine.prompts.contains_key(id));
                if !machine.actions.contains_key(action) && !is_prompt && told.insert(action) {
                    let line = locate::transition(self.text, &state.id, action);
                    self.warn(line, format!("state {:?} has the action {action:?}, and nothing defines it", state.id));
                }
            }
        }
    }

    fn prompts(&mut self) {
        for state in &self.machine.states {
            for id in state.prompt.iter().chain(&state.exit_prompt) {
                if !self.machine.prompts.contains_key(id) {
                    let line = locate::transition(self.text, &state.id, id);
                    self.error(line, format!("state {:?} says prompt {id:?}, which is not there", state.id));
                }
            }
        }
    }

    fn exits(&mut self) {
        for (index, state) in self.machine.states.iter().enumerate() {
            let line = locate::state(self.text, &state.id);
            let id = &state.id;
            if state.is_final {
                if !state.transitions.is_empty() {
                    self.error(line, format!("state {id:?} is final and has transitions"));
                }
                continue;
            }
            // A state leads out where one around it does; one that holds others is never rested in.
            let leads_out = |index: usize| !self.machine.states[index].transitions.is_empty();
            if state.initial.is_none() && !self.machine.lineage(index).any(leads_out) && state.valid_events.is_empty() {
                self.error(line, format!("state {id:?} is a dead end: nothing leads out of it, and it is not final"));
            }
            let events: BTreeSet<&String> =
                state.transitions.iter().filter_map(|way| way.event.as_ref()).chain(&state.valid_events).collect();
            for event in events.into_iter().filter(|event| !is_event_name(event)) {
                self.error(
                    line,
                    format!(
                        "state {id:?} waits for {event:?}: an event has 1 to {MAX_EVENT_NAME} characters, no blank or comma among them"
                    ),
                );
            }
            let waits = state.transitions.iter().any(|way| way.event.is_some()) || !state.valid_events.is_empty();
            let always = state.transitions.iter().any(|transition| transition.guard.is_none());
            if !waits && !always && !state.transitions.is_empty() && state.parent.is_none() && state.initial.is_none() {
                self.warn(
                    line,
                    format!(
                        "state {id:?} may stand still: it waits for no event, and each of its ways out has a guard"
                    ),
                );
            }
            if let Some(done) = &state.done
                && !state.transitions.iter().any(|transition| transition.event.as_ref() == Some(done))
            {
                self.error(line, format!("state {id:?} is done by {done:?}, for which it has no transition"));
            }
            for (index, transition) in state.transitions.iter().enumerate() {
                let earlier = &state.transitions[..index];
                let same = |other: &&super::Transition| {
                    other.event == transition.event
                        && (other.guard.is_none()
                            || other.guard.as_ref().map(Expression::source)
                                == transition.guard.as_ref().map(Expression::source))
                };
                if earlier.iter().any(|other| same(&other)) {
                    let target = target_name(self.machine, transition);
                    let line = locate::transition(self.text, id, target);
                    let event = transition.event.as_deref().unwrap_or("AUTO");
                    self.warn(
                        line,
                        format!(
                            "state {id:?} never goes to {target:?} on {event}: an earlier transition is always taken"
                        ),
                    );
                }
            }
        }
    }

    fn reachability(&mut self) {
        let states = &self.machine.states;
        let mut reached = BTreeSet::from([self.machine.initial]);
        let mut open = vec![self.machine.initial];
        while let Some(index) = open.pop() {
            let targets = states[index].transitions.iter().flat_map(|transition| match transition.way {
                Way::Call { back } => vec![transition.target, back],
                _ => vec![transition.target],
            });
            let inside = states[index].initial;
            let around = states[index].parent;
            open.extend(targets.chain(inside).chain(around).filter(|target| reached.insert(*target)));
        }
        for (_, state) in states.iter().enumerate().filter(|(index, _)| !reached.contains(index)) {
            self.warn(locate::state(self.text, &state.id), format!("state {:?} is never reached", state.id));
        }
    }

    /// A ring of automatic moves that always holds never rests; one with guards on it may.
    fn loops(&mut self) {
        let states = &self.machine.states;
        let always = |state: &State| {
            let first = state.transitions.iter().find(|transition| transition.event.is_none())?;
            (first.guard.is_none() && first.way != Way::Return).then_some(first.target)
        };
        let mut told = BTreeSet::new();
        for (start, first) in states.iter().enumerate() {
            let mut ring = vec![start];
            let mut next = always(first);
            while let Some(index) = next.filter(|index| !ring.contains(index)) {
                ring.push(index);
                next = always(&states[index]);
            }
            let mut members = ring.clone();
            members.sort_unstable();
            if next == Some(start) && told.insert(members) {
                let names: Vec<_> = ring.iter().map(|&index| states[index].id.as_str()).collect();
                let line = locate::state(self.text, names[0]);
                self.error(line, format!("automatic moves go round for ever: {}", names.join(" → ")));
            }
        }
        self.guarded_loops();
    }

    fn guarded_loops(&mut self) {
        let states = &self.machine.states;
        let reached: Vec<BTreeSet<usize>> =
            (0..states.len()).map(|start| automatically_reached(states, start)).collect();
        for (index, state) in states.iter().enumerate() {
            // Told once, at the ring's first state.
            let in_ring = |other: &&usize| reached[**other].contains(&index);
            if reached[index].contains(&index) && reached[index].iter().filter(in_ring).all(|other| index <= *other) {
                let line = locate::state(self.text, &state.id);
                self.warn(line, format!("automatic moves may go round from state {:?}", state.id));
            }
        }
    }
}

/// Where a transition goes, by name.
pub(super) fn target_name<'a>(machine: &'a Machine, transition: &Transition) -> &'a str {
    match transition.way {
        Way::Return => RETURN,
        _ => &machine.states[transition.target].id,
    }
}

/// The states that automatic moves may lead to.
fn automatically_reached(states: &[State], start: usize) -> BTreeSet<usize> {
    let automatic = |index: usize| {
        states[index]
            .transitions
            .iter()
            .filter(|way| way.event.is_none() && way.way != Way::Return)
            .map(|way| way.target)
    };
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = automatic(start).collect();
    while let Some(index) = open.pop() {
        if reached.insert(index) {
            open.extend(automatic(index));
        }
    }
    reached
}

/// Whether a client can send the event by this name: blanks and commas part the words of the lines it is told in.
fn is_event_name(event: &str) -> bool {
    let parts = |letter: char| letter == ',' || letter.is_whitespace() || letter.is_control();
    !event.is_empty() && event.chars().nth(MAX_EVENT_NAME).is_none() && !event.contains(parts)
}
