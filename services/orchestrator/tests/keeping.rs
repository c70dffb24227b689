//! What is kept of a session and what is not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::Duration;

use common::{MIGRATIONS, Table, config, said};
use fake_model::{FakeModel, Reply};
use orchestrator::Config;
use proto::orchestrator::v1::{ChatRequest, CreateSessionRequest, PinFactRequest, TakeBackRequest};
use serde_json::{Value, json};
use service_kit::{
    db::{DatabaseConfig, Db, Statement},
    status::{ErrorCode, Failure},
    testing::{TestDatabase, metric},
};

async fn write(config: &DatabaseConfig, sql: &'static str) {
    let db = Db::open(config, "orchestrator", MIGRATIONS).await.unwrap();
    db.write(vec![Statement::new(sql, vec![])]).await.unwrap();
}

/// Plays an evening, restarts, and answers what the model is then asked.
async fn asked_after_an_evening(model: &FakeModel, database: TestDatabase, snapshot_events: u64) -> Value {
    let config = Config { snapshot_events, ..config(model) };
    let table = Table::on(database, config.clone()).await;
    table.add_character("Oak").await.unwrap();
    table.call_tool("update_scene", json!({"location": "the docks"})).await.unwrap();
    let pin = PinFactRequest { session_id: Some("s".into()), text: "Mister J lies".into(), by: None };
    table.client.clone().pin_fact(pin).await.unwrap();
    for turn in 0..18 {
        table.play(&format!("message {turn}")).await;
    }
    if snapshot_events < 100 {
        // What the snapshot holds need not be read any more.
        write(&table.database.config, "DELETE FROM events WHERE seq <= 20").await;
    }
    let table = table.restarted(config).await;
    table.play("Good morning").await;
    let asked = model.requests().pop().unwrap().body;

    let request = TakeBackRequest { session_id: "s".into(), again: None };
    table.client.clone().take_back(request.clone()).await.unwrap();
    table.client.clone().take_back(request).await.unwrap();
    assert_eq!(table.session().await.message_count, 34);
    asked
}

#[tokio::test]
async fn a_session_that_is_read_from_its_snapshot_is_the_same() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    for database in TestDatabase::each().await {
        let from_snapshot = asked_after_an_evening(&model, database, 30).await;
        let from_log = asked_after_an_evening(&model, TestDatabase::sqlite(), 100_000).await;
        assert_eq!(from_snapshot["messages"], from_log["messages"]);
    }
}

#[tokio::test]
async fn a_person_who_is_erased_is_in_no_snapshot() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    for database in TestDatabase::each().await {
        let table = Table::on(database, Config { snapshot_events: 1, ..config(&model) }).await;
        let mut frames = table.listen().await;
        let hello = ChatRequest { message: "Hello".into(), name: Some("Ann".into()), ..said() };
        table.say(hello).await.unwrap();
        frames.until("complete").await;
        let db = Db::open(&table.database.config, "orchestrator", MIGRATIONS).await.unwrap();
        let snapshots = async || db.fetch("SELECT state FROM snapshots", vec![]).await.unwrap().len();
        common::until(async || 0 < snapshots().await).await;

        let lease = Config::default().lease;
        let erase = async || orchestrator::erase_person(&table.database.config, "Ann", lease).await;

        if table.database.url().is_some() {
            // Of a folder its lock tells.
            let refused = erase().await.unwrap_err();
            assert!(refused.to_string().contains("is at work on this database"), "{refused}");
            assert_eq!(snapshots().await, 1);
        }
        table.shutdown.cancel();
        drop(frames);
        common::until(async || db.fetch("SELECT replica_id FROM replicas", vec![]).await.unwrap().is_empty()).await;

        assert!(0 < erase().await.unwrap());
        assert_eq!(erase().await.unwrap(), 0);
        assert_eq!(snapshots().await, 0);
    }
}

#[tokio::test]
async fn a_session_in_which_nothing_was_said_for_long_is_deleted() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    for database in TestDatabase::each().await {
        let keeping = Config { keep_sessions_days: Some(30), ..config(&model) };
        let table = Table::on(database, keeping.clone()).await;
        table.play("Hello").await;
        let table = table.restarted(keeping.clone()).await;
        assert_eq!(table.session().await.message_count, 2);

        write(&table.database.config, "UPDATE sessions SET touched_at = 5, created_at = 5").await;
        let table = table.restarted(keeping).await;

        common::until(async || {
            table.log_or_none().await.is_err_and(|status| Failure::from(&status).code == ErrorCode::NotFound)
        })
        .await;
    }
}

#[tokio::test]
async fn a_session_that_nobody_needs_leaves_memory_and_nothing_else() {
    let model = FakeModel::answering(|_| Reply::saying(["Yes."])).await;
    for database in TestDatabase::each().await {
        let table = Table::on(database, Config { forget_after: Duration::from_millis(20), ..config(&model) }).await;
        let mut frames = table.listen().await;
        let other = CreateSessionRequest { session_id: Some("other".into()) };
        table.client.clone().create_session(other).await.unwrap();

        // Somebody listens to the one.
        common::until(async || metric("dicetower_sessions_in_memory") == Some(1.0)).await;
        table.chat("Hello").await;
        frames.until("complete").await;
        drop(frames);
        common::until(async || metric("dicetower_sessions_in_memory") == Some(0.0)).await;

        let told = table.play("Are you there?").await;
        assert_eq!(common::of(&told, "complete").len(), 1);
        assert_eq!(table.session().await.message_count, 4);
    }
}
