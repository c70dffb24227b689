//! Loss of all watchers, and what a restart leaves.

use std::time::Duration;

use proto::fsm::v1::{AttachRequest, output};

use crate::common::{config, folder, pass, start, start_with, until};

#[tokio::test]
async fn the_default_game_starts_anew_when_nobody_has_come_back_and_the_old_one_can_be_taken_up() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    host.send("GAME_OPTIONS_CONFIRMED").await;
    drop(host);
    until(&server, "default", |game| game.attached == 0).await;

    tokio::time::pause();
    pass(Duration::from_secs(29)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.state, "PHASE_2_FELLOWSHIP_START");

    tokio::time::pause();
    pass(Duration::from_secs(2)).await;
    tokio::time::resume();
    let anew = until(&server, "default", |game| game.sequence == 0).await;
    assert_eq!(anew.state, "SETUP_GAME_OPTIONS");
    assert_eq!(server.ids().await, ["default", "default-1"]);

    let old =
        server.attach_as(AttachRequest { game_id: Some("default-1".to_owned()), ..AttachRequest::default() }).await;
    assert!(
        matches!(&old.greeting.outputs[0].kind, Some(output::Kind::State(state)) if state == "PHASE_2_FELLOWSHIP_START")
    );
    assert_eq!(server.history("default-1").await.len(), 1);
    assert_eq!(server.game("default-1").await.archived_from, "default");
}

#[tokio::test]
async fn coming_back_within_the_grace_finds_the_game_as_it_was() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    host.send("GAME_OPTIONS_CONFIRMED").await;
    drop(host);
    until(&server, "default", |game| game.attached == 0).await;
    tokio::time::pause();
    pass(Duration::from_secs(29)).await;
    tokio::time::resume();
    let host = server.attach().await;
    assert_eq!((host.greeting.role.as_str(), host.greeting.sequence), ("host", 1));
    tokio::time::pause();
    pass(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.state, "PHASE_2_FELLOWSHIP_START");
}

#[tokio::test]
async fn an_observer_keeps_the_game() {
    let folder = folder();
    let server = start(folder.path()).await;
    let _observer = server.attach_as(AttachRequest { observe: true, ..AttachRequest::default() }).await;
    let mut host = server.attach().await;
    host.send("GAME_OPTIONS_CONFIRMED").await;
    drop(host);
    until(&server, "default", |game| game.attached == 1).await;
    tokio::time::pause();
    pass(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.sequence, 1);
}

#[tokio::test]
async fn leaving_for_another_game_starts_no_grace() {
    let folder = folder();
    let server = start(folder.path()).await;
    let mut host = server.attach().await;
    host.send("GAME_OPTIONS_CONFIRMED").await;
    let leaves = Some(host.greeting.attachment_id.clone());
    let other = server
        .attach_as(AttachRequest {
            game_id: Some("alpha".to_owned()),
            create: true,
            leaves,
            ..AttachRequest::default()
        })
        .await;
    assert_eq!((other.greeting.role.as_str(), other.greeting.game_id.as_str()), ("host", "alpha"));
    drop(host);
    until(&server, "default", |game| game.attached == 0).await;
    tokio::time::pause();
    pass(Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.sequence, 1);
}

#[tokio::test]
async fn after_a_restart_the_grace_waits_for_the_first_connection() {
    let folder = folder();
    let server = start(folder.path()).await;
    server.send("GAME_OPTIONS_CONFIRMED").await;
    server.shutdown.cancel();
    drop(server);

    let server = start(folder.path()).await;
    tokio::time::pause();
    pass(Duration::from_secs(600)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.sequence, 1);
}

#[tokio::test]
async fn grace_never_keeps_the_game() {
    let folder = folder();
    let file = folder.path().join("kept.json");
    std::fs::write(&file, r#"{"initial_state": "A", "grace": "never", "states": {"A": {"valid_events": ["GO"], "transitions": {"GO": "A"}}}}"#).unwrap();
    let server =
        start_with(folder.path(), fsm::Config { machine: file.display().to_string(), ..config(folder.path()) }).await;
    let mut host = server.attach().await;
    host.send("GO").await;
    drop(host);
    until(&server, "default", |game| game.attached == 0).await;
    tokio::time::pause();
    pass(Duration::from_secs(100_000)).await;
    tokio::time::resume();
    assert_eq!(server.game("default").await.sequence, 1);
}
