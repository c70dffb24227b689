//! Data of an earlier version is brought up to date by this one, on either database, and the games go on.
//!
//! `fixtures/earlier.backup` was played on a server whose schemas were a version or two older: two sessions, the sample
//! characters of whom one sustains a spell, a board game.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::Value;
use service_kit::{backup, db::Schema, testing::TestDatabase};
use support::{Line, chat, get, start_with, succeed};
use tempfile::tempdir;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/earlier.backup");
const SCHEMAS: [Schema; 5] =
    [service_kit::auth::SCHEMA, orchestrator::SCHEMA, fsm::SCHEMA, character::SCHEMA, dice::SCHEMA];

fn types(log: &Value) -> Vec<&str> {
    log["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_evening_of_an_earlier_version_goes_on() {
    for database in TestDatabase::each().await {
        let folder = tempdir().unwrap();
        let on: Vec<&str> = database.url().map_or(Vec::new(), |url| vec!["--database-url", url]);
        succeed(folder.path(), &[&["restore", FIXTURE], on.as_slice()].concat()).await;
        let tower =
            start_with(&folder, &[&["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"], on.as_slice()].concat()).await;

        let sessions = get(&tower, "/api/sessions").await;
        let ids: Vec<_> =
            sessions["sessions"].as_array().unwrap().iter().map(|session| &session["session_id"]).collect();
        assert_eq!(ids, ["morning", "evening"]);
        let evening = get(&tower, "/api/sessions/evening/events").await;
        assert_eq!(evening["last_seq"], 22);
        assert_eq!(types(&evening).iter().filter(|kind| **kind == "complete").count(), 2);
        let spells = get(&tower, "/api/sustained_spells/Oak").await;
        assert_eq!(spells["sustained_spells"][0]["spell_name"], "Invisibility");
        let games = get(&tower, "/api/games").await;
        assert_eq!(games["games"][0]["state"], "PHASE_2_FELLOWSHIP_START");

        chat(&tower).await;
        let after = get(&tower, "/api/sessions/evening/events").await;
        assert_eq!(types(&after)[..types(&evening).len()], types(&evening));
        assert_eq!(types(&after).iter().filter(|kind| **kind == "complete").count(), 3);
        let mut line = Line::connect(&tower.tcp).await;
        line.until("<valid_events>").await;
        line.send("EVENT:PHASE_COMPLETE").await;
        line.until("<valid_events>").await;
        assert_ne!(get(&tower, "/api/games").await["games"][0]["state"], "PHASE_2_FELLOWSHIP_START");
    }
}

#[test]
fn the_evening_is_of_an_earlier_version() {
    let contents = backup::check(FIXTURE.as_ref(), &SCHEMAS).unwrap();
    for schema in SCHEMAS.iter().filter(|schema| schema.service != "access") {
        let version = contents.schemas[schema.service];
        assert!(version < schema.migrations.len(), "{} is of version {version}", schema.service);
    }
}
