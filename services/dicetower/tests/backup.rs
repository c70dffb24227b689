//! Data that is backed up, destroyed and restored is what it was, and moves from SQLite to PostgreSQL without loss.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::Value;
use service_kit::testing::TestDatabase;
use support::{Line, Tower, chat, get, run, start_with, succeed};
use tempfile::{TempDir, tempdir};

const PORTS: [&str; 4] = ["--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0"];
/// What a person sees of all that is kept.
const PAGES: [&str; 5] =
    ["/api/sessions", "/api/sessions/evening/events", "/api/characters", "/api/character/Platinum", "/api/games"];

async fn pages(tower: &Tower) -> Vec<Value> {
    let mut pages = Vec::new();
    for path in PAGES {
        let mut page = get(tower, path).await;
        for game in page["games"].as_array_mut().into_iter().flatten() {
            // Who looks on is not kept.
            game.as_object_mut().unwrap().remove("watchers");
        }
        pages.push(page);
    }
    pages
}

/// A turn at the table, rolls, and a move in a board game.
async fn play(tower: &Tower) {
    chat(tower).await;
    let mut line = Line::connect(&tower.tcp).await;
    line.until("<valid_events>").await;
    line.send("EVENT:GAME_OPTIONS_CONFIRMED").await;
    line.until("<valid_events>").await;
}

async fn start_on(folder: &TempDir, database: &[&str]) -> Tower {
    start_with(folder, &[&PORTS, database].concat()).await
}

#[tokio::test]
async fn what_was_destroyed_is_restored_as_it_was() {
    let folder = tempdir().unwrap();
    let tower = start_on(&folder, &[]).await;
    play(&tower).await;
    let before = pages(&tower).await;

    // While everything runs.
    let told = succeed(folder.path(), &["backup", "evening.backup"]).await;
    assert!(told.contains("1 sessions") && told.contains("1 games"), "{told}");
    tower.kill().await;
    std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    let told = succeed(folder.path(), &["restore", "evening.backup"]).await;
    assert!(told.starts_with("Restored "), "{told}");

    let tower = start_on(&folder, &[]).await;
    assert_eq!(pages(&tower).await, before);
    // And it goes on.
    chat(&tower).await;
}

#[tokio::test]
async fn a_folder_moves_to_postgresql_without_loss() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let url = database.url().unwrap().to_owned();
    let folder = tempdir().unwrap();
    let tower = start_on(&folder, &[]).await;
    play(&tower).await;
    let before = pages(&tower).await;
    let refused = run(folder.path(), &["import", "data", "--database-url", &url]).await;
    assert!(refused.stderr.contains("another dicetower is at work"), "{}", refused.stderr);
    assert_eq!(tower.terminate().await, Some(0));

    let told = succeed(folder.path(), &["import", "data", "--database-url", &url]).await;

    assert!(told.contains("are in PostgreSQL now") && told.contains("--dice-signing-keys"), "{told}");
    let tower = start_on(&folder, &["--database-url", &url]).await;
    assert_eq!(pages(&tower).await, before);
}

#[tokio::test]
async fn a_restore_does_not_touch_what_is_there() {
    let folder = tempdir().unwrap();
    let tower = start_on(&folder, &[]).await;
    succeed(folder.path(), &["backup", "first.backup"]).await;

    let refused = run(folder.path(), &["restore", "first.backup"]).await;
    assert!(refused.stderr.contains("another dicetower is at work"), "{}", refused.stderr);
    assert_eq!(tower.terminate().await, Some(0));
    let refused = run(folder.path(), &["restore", "first.backup"]).await;

    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("already; restore into an empty place"), "{}", refused.stderr);
}

#[tokio::test]
async fn a_backup_that_was_changed_is_refused() {
    let folder = tempdir().unwrap();
    start_on(&folder, &[]).await.terminate().await;
    succeed(folder.path(), &["backup", "first.backup"]).await;
    let file = folder.path().join("first.backup");
    let changed = std::fs::read_to_string(&file).unwrap().replacen("Platinum", "Plutonium", 1);
    std::fs::write(&file, changed).unwrap();

    let refused = run(folder.path(), &["restore", "first.backup", "--data", "elsewhere"]).await;

    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("the backup is damaged"), "{}", refused.stderr);
    assert!(!folder.path().join("elsewhere/character.db").exists());
}
