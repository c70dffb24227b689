//! Our own format: states within states, entered and left in order, with time-outs, sub-machines and actions in place.

use super::{
    Machine, State, Timeout, Transition, Way,
    compile::Compiler,
    source::{Chart, ChartAction, ChartState, ChartTimeout, ChartTransition, Pairs},
};

/// How deep states may lie within each other.
const MAX_DEPTH: usize = 16;

/// A state as it is written, with its place.
struct Placed {
    id: String,
    parent: Option<usize>,
    phase: String,
    children: Vec<String>,
    state: ChartState,
}

impl Compiler<'_> {
    pub(super) fn chart(&mut self, name: &str, chart: Chart) -> Option<Machine> {
        let mut machine = Machine::empty(name);
        machine.grace = self.grace(chart.grace);
        match chart.uses.as_deref() {
            None => {}
            Some("war_of_the_ring") => self.war_of_the_ring(&mut machine),
            Some(other) => {
                let line = self.line(&[other]);
                self.error(line, format!("there is no game {other:?} to use: war_of_the_ring is there"));
            }
        }
        self.library(&mut machine, chart.library);
        let mut placed = Vec::new();
        self.place(chart.states, None, "", 0, &mut placed);
        let ids: Vec<String> = placed.iter().map(|state| state.id.clone()).collect();
        machine.initial = self.ids(&ids, &chart.initial)?;
        for state in placed {
            let state = self.chart_state(&mut machine, &ids, state);
            machine.states.push(state);
        }
        Some(machine)
    }

    /// Lists the states, each before those within it.
    fn place(
        &mut self,
        states: Pairs<ChartState>,
        parent: Option<usize>,
        phase: &str,
        depth: usize,
        into: &mut Vec<Placed>,
    ) {
        for (id, mut state) in states.0 {
            if depth == MAX_DEPTH {
                let line = self.state_line(&id);
                self.error(line, format!("state {id:?} lies deeper than {MAX_DEPTH} states"));
                return;
            }
            let within = std::mem::take(&mut state.states);
            let children = within.0.iter().map(|(id, _)| id.clone()).collect();
            let phase = state.phase.clone().unwrap_or_else(|| phase.to_owned());
            let index = into.len();
            into.push(Placed { id, parent, phase: phase.clone(), children, state });
            self.place(within, Some(index), &phase, depth + 1, into);
        }
    }

    fn chart_state(&mut self, machine: &mut Machine, ids: &[String], placed: Placed) -> State {
        let Placed { id, parent, phase, children, state } = placed;
        let initial = match (&state.initial, children.first()) {
            (Some(initial), _) if !children.contains(initial) => {
                let line = self.state_line(&id);
                self.error(line, format!("state {id:?} begins with {initial:?}, which is not in it"));
                None
            }
            (Some(initial), _) => self.target(ids, &id, None, initial),
            (None, Some(first)) => self.target(ids, &id, None, first),
            (None, None) => None,
        };
        if state.is_final && !children.is_empty() {
            let line = self.state_line(&id);
            self.error(line, format!("state {id:?} is final and has states in it"));
        }
        let entry = self.chart_actions(machine, &format!("{id} on entering"), state.entry);
        let exit = self.chart_actions(machine, &format!("{id} on leaving"), state.exit);
        let mut timeouts = Vec::new();
        for ChartTimeout { after, event } in state.timeouts {
            if let Some(after) = self.expression(&after, || format!("a time-out of state {id:?}")) {
                timeouts.push(Timeout { after, event });
            }
        }
        let mut transitions = Vec::new();
        let mut valid_events: Vec<String> = Vec::new();
        for (number, transition) in state.on.into_iter().enumerate() {
            let of_timer = timeouts.iter().any(|timeout| Some(&timeout.event) == transition.event.as_ref());
            let is_internal = transition.event.as_ref().is_some_and(|event| event.starts_with("done.state."));
            let announced = transition.event.iter().filter(|event| !valid_events.contains(event)).cloned();
            if !transition.quiet && !of_timer && !is_internal {
                let announced: Vec<_> = announced.collect();
                valid_events.extend(announced);
            }
            let place = format!("{id} by way {}", number + 1);
            transitions.extend(self.chart_transition(machine, ids, &id, &place, transition));
        }
        valid_events.extend(state.also_valid);
        State {
            label: state.label.unwrap_or_else(|| id.clone()),
            description: state.description.unwrap_or_default(),
            phase,
            parent,
            initial,
            is_final: state.is_final,
            timeouts,
            prompt: state.prompt,
            exit_prompt: state.exit_prompt,
            entry,
            exit,
            transitions,
            valid_events,
            done: state.done,
            ..State::named(id)
        }
    }

    fn chart_transition(
        &mut self,
        machine: &mut Machine,
        ids: &[String],
        id: &str,
        place: &str,
        transition: ChartTransition,
    ) -> Option<Transition> {
        let ChartTransition { event, target, back, internal, description: _, guard, actions, quiet } = transition;
        let (way, target) = match &target {
            Some(target) => self.way(ids, id, event.as_deref(), (target, back.as_deref(), internal))?,
            None => (Way::Stay, self.target(ids, id, event.as_deref(), id)?),
        };
        let guard = match guard {
            Some(guard) => Some(self.expression(&guard, || format!("a guard of state {id:?}"))?),
            None => None,
        };
        let actions = self.chart_actions(machine, place, actions);
        Some(Transition { event, way, target, guard, actions, commands: Vec::new(), quiet })
    }

    /// The names of actions; a step that stands in place is an action named after it.
    fn chart_actions(&mut self, machine: &mut Machine, place: &str, actions: Vec<ChartAction>) -> Vec<String> {
        let mut names = Vec::new();
        for (number, action) in actions.into_iter().enumerate() {
            match action {
                ChartAction::Named(name) => names.push(name),
                ChartAction::Step(operation) => {
                    let name = format!("{place}, step {}", number + 1);
                    let steps = self.steps(&name, vec![*operation]);
                    machine.actions.insert(name.clone(), steps);
                    names.push(name);
                }
            }
        }
        names
    }
}
