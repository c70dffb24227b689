//! Statecharts in our own format: order of entry and exit, events within, time, sub-machines.

use serde_json::{Map, Value, json};

use crate::{
    board::Figures,
    definition::Machine,
    machine::{self, Event, Game, Order, OutputKind, Reaction, Refusal, Stop},
};

/// A game of a chart; what actions say is what a test looks at.
struct Play {
    machine: Machine,
    game: Game,
    now: i64,
    /// Every event with what came of it.
    log: Vec<(Event, Game)>,
}

impl Play {
    #[track_caller]
    fn new(text: &str) -> Play {
        let machine = Machine::load("chart", text).unwrap_or_else(|error| panic!("{error}")).machine;
        let game = machine::begin(&machine, Some(&Figures::none()), &[], true, 0).unwrap();
        Play { machine, game, now: 0, log: Vec::new() }
    }

    fn event(&mut self, name: &str, order: Option<Order>) -> Result<Vec<String>, Refusal> {
        let event = Event {
            name: name.to_owned(),
            data: Map::new(),
            sender: String::new(),
            is_host: true,
            players: Vec::new(),
            assist: true,
            at: self.now,
            remarks: Vec::new(),
            order,
        };
        match machine::react(&self.machine, &self.game, &event, Some(&Figures::none()), &[]) {
            Ok(reaction) => {
                self.game = reaction.game.clone();
                self.log.push((event, self.game.clone()));
                Ok(told(&reaction))
            }
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(stop) => panic!("{stop:?}"),
        }
    }

    #[track_caller]
    fn send(&mut self, name: &str) -> String {
        self.event(name, None).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}")).join(" ")
    }

    /// Lets time pass, and what is due happen.
    fn wait(&mut self, seconds: i64) {
        self.now += seconds * 1_000;
        while let Some(timer) = self.game.next_timer().filter(|timer| timer.due <= self.now).cloned() {
            self.event(&timer.event, Some(Order::Timer { number: timer.number })).unwrap();
        }
    }

    fn variable(&self, name: &str) -> &Value {
        &self.game.variables[name]
    }
}

fn told(reaction: &Reaction) -> Vec<String> {
    let text = |output: &machine::Output| match &output.kind {
        OutputKind::Text(text) => Some(text.clone()),
        _ => None,
    };
    reaction.outputs.iter().filter_map(text).collect()
}

const NESTED: &str = "
machine: nested
initial: A
states:
  A:
    entry: [{ say: +A }]
    exit: [{ say: -A }]
    on:
      - { event: OUT, target: B, do: [{ say: out }] }
      - { event: INWARD, target: A2, internal: true }
      - { event: AGAIN, target: A2 }
      - { event: SELF, target: A }
      - { event: SAY, do: [{ say: said }] }
      - { event: SAME, target: B }
    states:
      A1:
        entry: [{ say: +A1 }]
        exit: [{ say: -A1 }]
        on:
          - { event: NEXT, target: A2 }
          - { event: SAME, target: A2 }
      A2:
        entry: [{ say: +A2 }]
        exit: [{ say: -A2 }]
  B:
    entry: [{ say: +B }]
    exit: [{ say: -B }]
    on:
      - { event: BACK, target: A }
";

#[track_caller]
fn check(events: &[&str], state: &str, last: &str) {
    let mut play = Play::new(NESTED);
    let mut said = String::new();
    for event in events {
        said = play.send(event);
    }
    assert_eq!((play.game.state.as_str(), said.as_str()), (state, last));
}

#[test]
fn a_state_is_entered_with_the_one_in_it_the_outer_one_first_and_left_in_reverse() {
    check(&["OUT"], "B", "-A1 -A out +B");
    check(&["OUT", "BACK"], "A1", "-B +A +A1");
}

#[test]
fn a_transition_between_states_within_a_state_does_not_leave_it() {
    check(&["NEXT"], "A2", "-A1 +A2");
}

#[test]
fn an_internal_transition_does_not_leave_its_state_and_an_external_one_does() {
    check(&["INWARD"], "A2", "-A1 +A2");
    check(&["AGAIN"], "A2", "-A1 -A +A +A2");
    check(&["NEXT", "SELF"], "A1", "-A2 -A +A +A1");
}

#[test]
fn a_transition_without_a_target_leaves_nothing() {
    check(&["NEXT", "SAY"], "A2", "said");
}

#[test]
fn the_inner_state_is_asked_first() {
    check(&["SAME"], "A2", "-A1 +A2");
    check(&["NEXT", "SAME"], "B", "-A2 -A +B");
}

#[test]
fn what_inner_and_outer_states_accept_is_valid() {
    let play = Play::new(NESTED);
    let view = machine::view(&play.machine, &play.game, &[], Some(&Figures::none()), true).unwrap();
    assert_eq!(view.valid_events.host, ["NEXT", "SAME", "OUT", "INWARD", "AGAIN", "SELF", "SAY"]);
}

#[test]
fn the_end_of_a_state_within_is_an_event_of_the_one_around_it() {
    let mut play = Play::new(
        "
machine: ends
initial: WORK
states:
  WORK:
    on: [{ event: done.state.WORK, target: REST }]
    states:
      BUSY: { on: [{ event: GO, target: READY }] }
      READY: { final: true }
  REST: { final: true }
",
    );
    play.send("GO");
    assert_eq!(play.game.state, "REST");
    let rest = play.machine.state_index("REST").unwrap();
    assert!(play.machine.is_over(rest) && !play.machine.is_over(play.machine.state_index("READY").unwrap()));
}

#[test]
fn what_an_action_raises_is_taken_after_automatic_moves_and_in_order() {
    let mut play = Play::new(
        "
machine: queue
initial: A
library:
  variables: { LOG: '' }
states:
  A:
    on: [{ event: GO, target: B, do: [{ raise: FIRST }, { raise: SECOND }] }]
  B:
    on:
      - { target: C, do: [{ set: { LOG: \"LOG + 'auto '\" } }] }
      - { event: FIRST, target: A }
  C:
    on:
      - { event: FIRST, do: [{ set: { LOG: \"LOG + 'first '\" } }] }
      - { event: SECOND, do: [{ set: { LOG: \"LOG + 'second'\" } }] }
",
    );
    play.send("GO");
    assert_eq!((play.game.state.as_str(), play.variable("LOG")), ("C", &json!("auto first second")));
}

#[test]
fn a_machine_that_never_comes_to_rest_is_stopped_and_nothing_has_happened() {
    let mut play = Play::new(
        "
machine: round
initial: A
library: { variables: { N: 1 } }
states:
  A: { on: [{ event: GO, target: B }] }
  B: { on: [{ target: C, guard: N > 0 }, { event: STOP, target: A }] }
  C: { on: [{ target: B, guard: N > 0 }, { event: STOP, target: A }] }
",
    );
    assert_eq!(play.event("GO", None), Err(Refusal::Transition));
    assert_eq!(play.game.state, "A");
}

const TIMED: &str = "
machine: timed
initial: IDLE
library: { variables: { BELLS: 0 } }
states:
  IDLE:
    on:
      - { event: START, target: BUSY }
      - { event: BELL, do: [{ set: { BELLS: BELLS + 1 } }] }
      - { event: LATER, do: [{ send: { event: BELL, after: '90', id: bell } }] }
      - { event: NEVER, do: [{ cancel: bell }] }
      - { event: PAUSE, target: PAUSED, do: [{ wait: '5' }] }
  PAUSED:
    on:
      - { target: IDLE }
      - { event: START, target: BUSY }
  BUSY:
    timeouts: [{ after: '30', event: TOO_LATE }]
    on:
      - { event: TOO_LATE, target: LATE }
      - { event: DONE, target: IDLE }
  LATE:
    final: true
";

#[test]
fn a_state_that_is_not_left_in_time_sends_its_event_and_one_that_is_left_does_not() {
    let mut play = Play::new(TIMED);
    play.send("START");
    play.wait(29);
    play.send("DONE");
    play.wait(60);
    assert_eq!((play.game.state.as_str(), play.game.memory.timers.len()), ("IDLE", 0));
    play.send("START");
    play.wait(30);
    assert_eq!(play.game.state, "LATE");
}

#[test]
fn a_delayed_event_comes_in_its_time_and_can_be_cancelled() {
    let mut play = Play::new(TIMED);
    play.send("LATER");
    play.wait(89);
    assert_eq!(play.variable("BELLS"), 0);
    play.wait(1);
    assert_eq!(play.variable("BELLS"), 1);
    play.send("LATER");
    play.send("NEVER");
    play.wait(1_000);
    assert_eq!(play.variable("BELLS"), 1);
}

#[test]
fn a_pause_holds_automatic_moves_until_it_is_over_and_an_event_goes_on_all_the_same() {
    let mut play = Play::new(TIMED);
    play.send("PAUSE");
    assert_eq!(play.game.state, "PAUSED");
    play.wait(5);
    assert_eq!(play.game.state, "IDLE");
    play.send("PAUSE");
    play.send("START");
    assert_eq!((play.game.state.as_str(), play.game.memory.timers.len()), ("BUSY", 1), "its own time-out alone");
}

#[test]
fn a_timer_fires_once() {
    let mut play = Play::new(TIMED);
    play.send("LATER");
    let number = play.game.next_timer().unwrap().number;
    play.now = 90_000;
    play.event("BELL", Some(Order::Timer { number })).unwrap();
    assert_eq!(play.event("BELL", Some(Order::Timer { number })), Err(Refusal::Transition));
    assert_eq!(play.variable("BELLS"), 1);
}

const CALLED: &str = "
machine: called
initial: DAY
states:
  DAY:
    on:
      - { event: FIGHT, target: DUEL, back: EVENING }
      - { event: REST, target: NIGHT }
  EVENING:
    on: [{ event: REST, target: NIGHT }]
  NIGHT:
    on:
      - { event: FIGHT, target: DUEL, back: DAY }
  DUEL:
    on:
      - { event: WON, target: RETURN }
      - { event: FIGHT, target: DUEL, back: DUEL }
";

#[test]
fn a_sub_machine_returns_to_where_it_was_called_from() {
    let mut play = Play::new(CALLED);
    play.send("FIGHT");
    play.send("WON");
    assert_eq!(play.game.state, "EVENING");
    play.send("REST");
    play.send("FIGHT");
    play.send("FIGHT");
    play.send("WON");
    assert_eq!((play.game.state.as_str(), play.game.memory.calls.len()), ("DUEL", 1), "one within the other");
    play.send("WON");
    assert_eq!((play.game.state.as_str(), play.game.memory.calls.len()), ("DAY", 0));
}

#[test]
fn sub_machines_within_each_other_are_bounded() {
    let mut play = Play::new(CALLED);
    for _ in 0..32 {
        play.send("FIGHT");
    }
    assert_eq!(play.event("FIGHT", None), Err(Refusal::Transition));
}

/// Every sequence of events, whatever it is, replays to the same game: states within states, timers, calls, pauses.
#[test]
fn a_replay_equals_the_state_whatever_the_events() {
    let runs = if std::env::var_os("DICETOWER_DEEP").is_some() { 20_000 } else { 200 };
    for text in [NESTED, TIMED, CALLED] {
        for seed in 0..runs {
            let mut play = Play::new(text);
            let events: Vec<String> = play.machine.events.iter().cloned().collect();
            let mut number = seed * 2_654_435_761_u64 + 1;
            for _ in 0..20 {
                // A generator of Lehmer's: any sequence will do, and the same seed gives the same.
                number = number * 48_271 % 2_147_483_647;
                let index = usize::try_from(number).unwrap();
                if index % 5 == 0 {
                    play.wait(i64::try_from(index % 50).unwrap());
                } else {
                    let _ = play.event(&events[index % events.len()], None);
                }
            }
            let mut game = machine::begin(&play.machine, Some(&Figures::none()), &[], true, 0).unwrap();
            for (event, after) in &play.log {
                game = machine::react(&play.machine, &game, event, Some(&Figures::none()), &[]).unwrap().game;
                assert_eq!(&game, after, "seed {seed}");
            }
            assert_eq!(game, play.game);
        }
    }
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = Machine::load("chart", text).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn what_is_wrong_in_a_chart_is_told_with_its_line() {
    refused(
        "machine: m\ninitial: A\nstates:\n  A:\n    initial: B\n    states:\n      C: { final: true }\n  B: { final: true }\n",
        "line 4: state \"A\" begins with \"B\", which is not in it",
    );
    refused(
        "machine: m\ninitial: A\nstates:\n  A: { on: [{ event: GO, target: NOWHERE }] }\n",
        "line 4: state \"A\" goes to \"NOWHERE\"",
    );
    refused(
        "machine: m\ninitial: A\nuses: chess\nstates:\n  A: { final: true }\n",
        "there is no game \"chess\" to use",
    );
    refused("machine: m\ninitial: A\nstates:\n  A: { final: true, colour: red }\n", "unknown field `colour`");
}

#[track_caller]
fn warned(text: &str, expected: &str) {
    let warnings = Machine::load("chart", text).unwrap_or_else(|error| panic!("{error}")).warnings;
    let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|warning| warning.contains(expected)), "{said:?}");
}

#[test]
fn what_is_only_odd_in_a_chart_is_told_with_its_line_and_stops_nothing() {
    let guarded = |first: &str, second: &str| {
        format!(
            "machine: m\ninitial: A\nlibrary: {{ variables: {{ N: 0 }} }}\nstates:\n  A: {{ on: [{{ event: GO, target: B, do: [{{ set: {{ N: N + 1 }} }}] }}] }}\n  B:\n    on:\n      - {{ target: C, guard: \"{first}\" }}\n      - {{ target: A, guard: \"{second}\" }}\n  C: {{ final: true }}\n"
        )
    };
    warned(&guarded("N > 5", "N > 3"), "the guards \"N > 5\" and \"N > 3\" may hold together");
    warned(&guarded("N > 5", "N < 5"), "line 6: state \"B\": its guards leave a hole");
    warned(
        "machine: m\ninitial: A\nstates:\n  A: { on: [{ event: done.state.A, target: B }, { event: GO, target: B }] }\n  B: { final: true }\n",
        "waits for \"done.state.A\", which nobody can send",
    );
    warned(
        "machine: m\ninitial: A\nlibrary:\n  prompts: { HELLO: hello }\nstates:\n  A: { final: true }\n",
        "line 4: prompt \"HELLO\" is never said",
    );
}
