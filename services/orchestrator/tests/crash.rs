//! Crashes: the process dies at every write of a scripted turn, and the next one ends the turn with every effect once.
//!
//! A process here is a runtime with all services in it. It dies before a chosen row of the session log: from there on the
//! database takes no more of the log, as if the machine had stopped, and then the runtime is torn down.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use common::{Frames, MIGRATIONS, Table, config, of};
use fake_model::{Asked, FakeModel, Reply};
use proto::orchestrator::v1::{JoinRequest, SubscribeRequest};
use serde_json::{Value, json};
use service_kit::{
    Transport,
    db::{DatabaseConfig, Db, Statement},
    testing::TestDatabase,
};
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// Points of death in an ordinary run; `DICETOWER_DEEP=1` tries every one.
const POINTS: usize = 20;
/// Rows of a message that is taken in, which are written together.
const TAKEN_IN: usize = 2;

/// The idempotency keys under which dice were asked for.
type Keys = Arc<Mutex<BTreeSet<String>>>;

/// A turn of three steps: a spell that is sustained, rolls, and changes of the scene, with words between them.
fn script(asked: &Asked) -> Reply {
    let answered = asked.messages().iter().filter(|message| message["role"] == "tool").count();
    let cast = json!({"caster_name": "Oak", "spell_name": "Barrier", "force": 1});
    let roll = json!({"pool": 6, "target_number": 4});
    match answered {
        0 => Reply::new()
            .text("Oak raises ")
            .text("his hands. ")
            .call(0, Some("a"), Some("cast_spell"), &cast.to_string())
            .call(1, Some("b"), Some("update_scene"), r#"{"target": "ganger"}"#)
            .call(2, Some("c"), Some("update_scene"), r#"{"target": "troll"}"#)
            .end("tool_calls"),
        3 => Reply::new()
            .text("Dice fall. ")
            .call(0, Some("d"), Some("roll_dice"), &roll.to_string())
            .call(1, Some("e"), Some("update_scene"), r#"{"light_level": "DIM"}"#)
            .end("tool_calls"),
        _ => Reply::saying(["The air ", "shimmers, ", "and the troll ", "stops."]),
    }
}

/// One process: the table in it, and what its client reads.
struct Life {
    runtime: Runtime,
    table: Option<Table>,
}

impl Life {
    fn begin(database: TestDatabase, model: &FakeModel, keys: &Keys) -> Life {
        let runtime = Runtime::new().unwrap();
        let table = runtime.block_on(async {
            let peers = common::peers_by(&database, |dice| counted(dice, keys.clone())).await;
            Table::among(peers, database, config(model)).await
        });
        Life { runtime, table: Some(table) }
    }

    fn run<T>(&self, work: impl AsyncFnOnce(&Table) -> T) -> T {
        self.runtime.block_on(work(self.table.as_ref().unwrap()))
    }

    /// The process dies: what is torn down first cannot be mourned in the log by what is torn down last.
    fn end(mut self) -> TestDatabase {
        let database = self.table.take().unwrap().database;
        self.runtime.block_on(async { die_before(&database.config, rows(&database.config).await).await });
        self.runtime.shutdown_timeout(common::PATIENCE);
        Runtime::new().unwrap().block_on(live_again(&database.config));
        database
    }
}

/// Notes the key of every call.
fn counted(dice: Transport, keys: Keys) -> Transport {
    Transport::new(tower::service_fn(move |request: http::Request<tonic::body::Body>| {
        if let Some(key) = request.headers().get("idempotency-key") {
            keys.lock().unwrap().insert(key.to_str().unwrap().to_owned());
        }
        dice.clone().oneshot(request)
    }))
}

/// From its row number `rows` on, the log cannot be written.
async fn die_before(config: &DatabaseConfig, rows: usize) {
    let db = Db::open(config, "orchestrator", MIGRATIONS).await.unwrap();
    let rows = i64::try_from(rows).unwrap();
    let write = |sql, args| Statement::new(sql, args);
    let statements = vec![
        write("DROP TRIGGER IF EXISTS death", vec![]),
        write("CREATE TABLE IF NOT EXISTS death (at_row BIGINT)", vec![]),
        write("DELETE FROM death", vec![]),
        write("INSERT INTO death VALUES ($1)", vec![rows.into()]),
        write(
            "CREATE TRIGGER death BEFORE INSERT ON events \
             WHEN (SELECT count(*) FROM events) >= (SELECT at_row FROM death) \
             BEGIN SELECT RAISE(ABORT, 'dead'); END",
            vec![],
        ),
    ];
    db.write(statements).await.unwrap();
}

/// How many rows the log has.
async fn rows(config: &DatabaseConfig) -> usize {
    let db = Db::open(config, "orchestrator", MIGRATIONS).await.unwrap();
    db.fetch("SELECT seq FROM events", vec![]).await.unwrap().len()
}

async fn live_again(config: &DatabaseConfig) {
    let db = Db::open(config, "orchestrator", MIGRATIONS).await.unwrap();
    db.write(vec![Statement::new("DROP TRIGGER IF EXISTS death", vec![])]).await.unwrap();
}

/// What a client knows: each logged frame by its number, text joined, without what was withdrawn.
#[derive(Default, Debug, PartialEq)]
struct Transcript {
    lines: BTreeMap<u64, Value>,
}

impl Transcript {
    fn take(&mut self, frame: &Value) {
        let Some(seq) = frame["seq"].as_u64() else { return };
        if let Some(retracted) = frame["retracted_seq"].as_u64() {
            self.lines.remove(&retracted);
        }
        let mut line = frame.clone();
        line.as_object_mut().unwrap().remove("at");
        if frame["type"] != "narrative" {
            assert!(self.lines.insert(seq, line).is_none(), "{seq} came twice");
            return;
        }
        let piece = frame["content"].as_str().unwrap();
        let known = self.lines.entry(seq).or_insert_with(|| {
            line["content"] = "".into();
            line.as_object_mut().unwrap().remove("offset");
            line
        });
        let text = known["content"].as_str().unwrap().to_owned();
        assert_eq!(frame["offset"], text.chars().count(), "a gap or a duplicate in {seq}: {frame}");
        known["content"] = (text + piece).into();
    }

    /// The last number, and the characters of it that are known where it is text.
    fn position(&self) -> (u64, Option<u64>) {
        let Some((seq, line)) = self.lines.last_key_value() else { return (0, None) };
        let length = line["content"].as_str().unwrap_or_default().chars().count() as u64;
        (*seq, (line["type"] == "narrative").then_some(length))
    }

    async fn until_complete(&mut self, frames: &mut Frames) {
        frames.all_until("complete").await.iter().for_each(|frame| self.take(frame));
    }
}

/// Plays the turn with a death before row `at`, if any; answers how many rows the log has at the end.
fn play(at: Option<usize>) -> usize {
    let world = Runtime::new().unwrap();
    let model = world.block_on(FakeModel::answering(script));
    let keys = Keys::default();
    let mut client = Transcript::default();

    let life = Life::begin(TestDatabase::sqlite(), &model, &keys);
    life.run(async |table| {
        table.add_character("Oak").await.unwrap();
        let begun = rows(&table.database.config).await;
        if let Some(at) = at {
            die_before(&table.database.config, begun + at).await;
        }
        let mut frames = table.resume(0, None).await;
        let said = table.say(common::said()).await;
        if at.is_none_or(|at| TAKEN_IN <= at) {
            said.unwrap();
            client.until_complete(&mut frames).await;
        } else {
            assert!(said.is_err(), "it was told to be taken, and is not in the log");
        }
    });
    let database = life.end();
    if let Some(at) = at {
        // Rows that are written together die together.
        let written = world.block_on(rows(&database.config));
        assert!(written <= at + 1, "the process outlived row {at}");
    }

    // A slow machine writes told text in more pieces: a turn that took fewer rows than the first one was over before.
    let is_over = client.lines.values().any(|line| line["type"] == "complete");
    let life = Life::begin(database, &model, &keys);
    let total = life.run(async |table| {
        if at.is_some_and(|at| at < TAKEN_IN) {
            // The player was told that it was not taken, and says it again.
            table.chat("Hello").await;
        }
        let (seq, offset) = client.position();
        let mut frames = table.resume(seq, offset).await;
        if !is_over {
            client.until_complete(&mut frames).await;
        }
        check(table, &client, at).await;
        rows(&table.database.config).await
    });
    // Three rolls of the spell and the one asked for: those of the script, and none besides.
    let keys = keys.lock().unwrap();
    let turns: BTreeSet<&str> = keys.iter().map(|key| key.split('/').next().unwrap()).collect();
    assert_eq!(turns.len(), 1, "{keys:?}");
    assert!(keys.iter().filter(|key| key.ends_with("/2/0")).count() == 1, "{keys:?}");
    drop(life.end());
    total
}

/// The log as a program finds it that knows nothing else.
async fn check(table: &Table, client: &Transcript, at: Option<usize>) {
    let log = table.log().await;
    let mut written = Transcript::default();
    log.iter().for_each(|frame| written.take(frame));
    assert_eq!(*client, written, "died before row {at:?}");

    assert_eq!(of(&log, "complete").len(), 1, "died before row {at:?}");
    assert!(of(&log, "error").is_empty(), "{:?}", of(&log, "error"));
    let ids: Vec<_> = of(&log, "tool_result").iter().map(|frame| frame["call_id"].clone()).collect();
    assert_eq!(ids, ["a", "b", "c", "d", "e"], "died before row {at:?}");
    let scenes: Vec<_> = of(&log, "scene").iter().map(|frame| frame["call_id"].clone()).collect();
    assert_eq!(scenes.len(), 3, "died before row {at:?}: {scenes:?}");
    let told: String = written
        .lines
        .values()
        .filter_map(|line| line["content"].as_str().filter(|_| line["type"] == "narrative"))
        .collect();
    assert_eq!(
        told, "Oak raises his hands. Dice fall. The air shimmers, and the troll stops.",
        "died before row {at:?}"
    );

    let cast = of(&log, "tool_result")[0]["result"].clone();
    let held = table.call_tool("get_sustained_spells", json!({"character_name": "Oak"})).await.unwrap();
    let expected = usize::from(cast["sustained"] == true);
    assert_eq!(held["sustained_spells"].as_array().unwrap().len(), expected, "died before row {at:?}");
}

#[test]
fn wherever_the_process_dies_the_turn_is_ended_with_every_effect_once() {
    let total = play(None) - 1;
    assert!(POINTS < total, "{total}");
    let is_deep = std::env::var_os("DICETOWER_DEEP").is_some();
    let step = if is_deep { 1 } else { total.div_ceil(POINTS) };
    for at in (0..total).step_by(step) {
        play(Some(at));
    }
}

#[test]
fn a_turn_that_keeps_taking_the_server_down_is_given_up() {
    let world = Runtime::new().unwrap();
    let gate = fake_model::Gate::new();
    let model = world.block_on(FakeModel::answering(move |_| Reply::new().text("Boo").gate(&gate)));
    let keys = Keys::default();
    let mut database = TestDatabase::sqlite();
    for life in 0..3 {
        let process = Life::begin(database, &model, &keys);
        process.run(async |table| {
            if life == 0 {
                table.chat("Hello").await;
            }
            let mut frames = table.resume(0, None).await;
            for _ in 0..=life {
                frames.until("processing").await;
            }
            frames.until("narrative").await;
        });
        database = process.end();
    }

    let process = Life::begin(database, &model, &keys);
    process.run(async |table| {
        let frames = table.resume(0, None).await.until("complete").await;
        assert_eq!(of(&frames, "error").len(), 1);
        assert_eq!(of(&frames, "processing").len(), 4);
        assert_eq!(of(&frames, "retract").len(), 3);
        assert_eq!(table.session().await.message_count, 1);
    });
    drop(process.end());
}

#[tokio::test]
async fn who_never_asked_for_the_log_is_told_in_a_sentence_that_text_is_told_again() {
    let gate = fake_model::Gate::new();
    let shut = gate.clone();
    let model = FakeModel::answering(move |_| Reply::new().text("Boo").gate(&shut).end("stop")).await;
    let table = Table::with(&model).await;
    let mut frames = table.listen().await;
    table.chat("Hello").await;
    frames.until("narrative").await;

    let table = table.restarted(config(&model)).await;
    let mut resumed = table.resume(0, None).await;
    let withdrawn = resumed.until("retract").await;
    resumed.until("processing").await;
    let request = SubscribeRequest { session_id: "s".into(), ..Default::default() };
    let first = table.subscribe(request).await.next().await;
    gate.open();

    assert_eq!((&first["type"], &first["content"]), (&json!("system"), &json!("The last passage is told again")));
    let narrative = of(&withdrawn, "narrative")[0];
    assert_eq!(withdrawn.last().unwrap()["retracted_seq"], narrative["seq"]);
    resumed.until("complete").await;
}

#[test]
fn a_call_that_waited_for_a_person_is_refused_with_its_reason_when_he_is_gone() {
    let world = Runtime::new().unwrap();
    let delete = Reply::calling([("a", "delete_character", json!({"character_name": "Oak"}))]);
    let model = world.block_on(FakeModel::start([delete, Reply::saying(["He stays."])]));
    let keys = Keys::default();
    let process = Life::begin(TestDatabase::sqlite(), &model, &keys);
    // He sits there until the end.
    let gerd = process.run(async |table| {
        table.add_character("Oak").await.unwrap();
        let gerd = || "Gerd".to_owned();
        let (session_id, connection_id) = ("s".to_owned(), Some(gerd()));
        let mut frames =
            table.subscribe(SubscribeRequest { session_id, connection_id, ..SubscribeRequest::default() }).await;
        let (session_id, seat) = ("s".to_owned(), Some("game_master".to_owned()));
        let request = JoinRequest { session_id, connection_id: gerd(), name: gerd(), seat, character: None };
        table.client.clone().join(request).await.unwrap();
        table.chat("Away with him").await;
        frames.until("approval_requested").await;
        frames
    });
    let database = process.end();
    drop(gerd);

    let process = Life::begin(database, &model, &keys);
    process.run(async |table| {
        let frames = table.resume(0, None).await.until("complete").await;
        let refusal = of(&frames, "tool_result")[0]["result"]["error"].to_string();
        assert!(refusal.contains("has not come back since the server was restarted"), "{refusal}");
    });
    drop(process.end());
}
