//! A game of two people, each at a line of his own: they choose of what is listed, say it as events, and come to an end.

use prost_types::value::Kind;
use proto::fsm::v1::{Choice, Decision, ListDecisionsRequest};
use serde_json::{Map, Value};

use crate::{
    harness::{Client, Server},
    opponent::{FAR_GONE, Obedient, at_a_board},
};

/// Most choices of a game; one that takes more has no end.
const MAX_CHOICES: usize = 1_200;
/// What their whims begin with.
const SEED: u64 = 1;

/// Numbers that look random.
struct Whim(u64);

impl Whim {
    fn pick<T>(&mut self, mut list: Vec<T>) -> T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = usize::try_from(self.0 >> 33).unwrap() % list.len();
        list.swap_remove(index)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "areas, pieces and counts are small whole numbers")]
fn value(kind: Option<Kind>) -> Value {
    match kind {
        Some(Kind::NumberValue(number)) => Value::from(number as i64),
        Some(Kind::StringValue(text)) => Value::from(text),
        Some(Kind::BoolValue(flag)) => Value::from(flag),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(|item| value(item.kind)).collect(),
        Some(Kind::StructValue(fields)) => object(fields).into(),
        Some(Kind::NullValue(_)) | None => Value::Null,
    }
}

fn object(fields: prost_types::Struct) -> Map<String, Value> {
    fields.fields.into_iter().map(|(name, field)| (name, value(field.kind))).collect()
}

/// The host at the board of both, who has the Free Peoples, and the Shadow at a line alone.
struct Two {
    server: Server,
    host: Obedient,
    guest: Client,
    whim: Whim,
    /// What both were told, and what only one of them was.
    heard: [Vec<String>; 2],
}

impl Two {
    /// A choice that does something, if there is one.
    async fn choice(&mut self) -> Option<(Decision, Choice)> {
        let request = ListDecisionsRequest { game_id: None };
        let decisions = self.server.fsm.clone().list_decisions(request).await.unwrap().into_inner().decisions;
        if decisions.is_empty() {
            return None;
        }
        let mut decision = self.whim.pick(decisions);
        let choices = std::mem::take(&mut decision.choices);
        let idle = |choice: &Choice| ["back", "skip", "pass", "board"].contains(&choice.choice_id.as_str());
        let (idle, busy): (Vec<Choice>, Vec<Choice>) = choices.into_iter().partition(idle);
        let choice = self.whim.pick(if busy.is_empty() { idle } else { busy });
        Some((decision, choice))
    }

    /// Says it on the line of whoever decides, and has the board follow.
    async fn say(&mut self, side: &str, line: &str) {
        let is_guest = side == "shadow";
        let told = if is_guest { self.guest.answers(line).await } else { Vec::new() };
        self.keep(1, told);
        let mut told = self.host.client.answers(if is_guest { "" } else { line }).await;
        while !told.is_empty() {
            for line in &told {
                self.host.carry_out(line).await;
            }
            self.keep(0, told);
            told = self.host.client.answers("").await;
        }
        let told = self.guest.answers("").await;
        self.keep(1, told);
    }

    fn keep(&mut self, who: usize, told: Vec<String>) {
        let wrong = told.iter().find(|line| line.starts_with("ERROR"));
        let last = || self.heard[who].iter().rev().take(20).collect::<Vec<_>>();
        assert_eq!(wrong, None, "seed {SEED}, after {:?}", last());
        self.heard[who].extend(told);
    }
}

/// What is told to everybody.
fn common(heard: &[String]) -> Vec<&String> {
    heard.iter().filter(|line| line.starts_with("<state>") || line.starts_with("<auto>")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_play_of_what_is_listed_to_an_end_and_are_told_the_same() {
    let (server, host) = at_a_board("", &FAR_GONE).await;
    let guest = server.client().await;
    let mut two = Two { server, host, guest, whim: Whim(SEED), heard: [Vec::new(), Vec::new()] };
    let mut choices = 0;
    while let Some((decision, choice)) = two.choice().await {
        choices += 1;
        assert!(
            choices < MAX_CHOICES,
            "seed {SEED}: no end after {:?}",
            two.heard[0].iter().rev().take(30).collect::<Vec<_>>()
        );
        let data = Value::Object(object(choice.data.unwrap_or_default()));
        two.say(&decision.decider.unwrap().side, &format!("EVENT:{} {data}", choice.event)).await;
    }
    let [host, guest] = &two.heard;
    let end = host.iter().rev().find_map(|line| line.strip_prefix("<state> ")).unwrap();
    assert!(end.starts_with("GAME_END_"), "seed {SEED}: nothing is asked in {end}");
    assert_eq!(common(host), common(guest), "seed {SEED}");
    assert!(guest.iter().all(|line| !line.starts_with('$') && !line.starts_with("<fsm>")), "seed {SEED}");
}
