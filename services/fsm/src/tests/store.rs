//! The store keeps the same contract on every database there is.

use std::sync::Arc;

use serde_json::{Map, json};
use service_kit::{db::DbError, testing::TestDatabase};

use crate::{
    machine::{Event, Game, Move, Variables},
    store::{Entry, Idempotency, Store, StoredEntry, StoredGame},
};

#[tokio::test]
async fn every_store_keeps_the_same_contract() {
    for database in TestDatabase::each().await {
        let store = Store::open(&database.config).await.unwrap();
        a_game_is_found_by_its_id(&store).await;
        a_log_grows_by_one_and_never_forks(&store).await;
        an_idempotency_key_belongs_to_one_entry(&store).await;
        variables_are_what_they_were_whether_they_have_changed_or_not(&store).await;
        an_archived_game_keeps_its_log_and_leaves_its_id(&store).await;
        a_definition_is_kept_as_it_was_first(&store).await;
        drop(store);
        let again = Store::open(&database.config).await.unwrap();
        assert_eq!(again.find("alpha").await.unwrap().unwrap().sequence, 2);
    }
}

async fn a_game_is_found_by_its_id(store: &Store) {
    assert!(store.find("alpha").await.unwrap().is_none());
    store.create(&game("key-a", "alpha", 1), None).await.unwrap();
    assert!(matches!(store.create(&game("key-b", "alpha", 2), None).await, Err(DbError::Unique)));
    let found = store.find("alpha").await.unwrap().unwrap();
    assert_eq!((found.key.as_str(), found.sequence, found.game.variables["TURN"].clone()), ("key-a", 0, json!(3)));
    assert!(store.history("key-a", 0, 10).await.unwrap().is_empty(), "the beginning is no event");
}

async fn a_log_grows_by_one_and_never_forks(store: &Store) {
    store.append(vec![Store::entry("key-a", &entry(1, "GO"), &state("B"), None)]).await.unwrap();
    let other = store.append(vec![Store::entry("key-a", &entry(1, "STOP"), &state("C"), None)]).await;
    assert!(matches!(other, Err(DbError::Unique)), "{other:?}");
    assert_eq!(store.find("alpha").await.unwrap().unwrap().game.state, "B");
    assert_eq!(store.history("key-a", 0, 10).await.unwrap(), [entry(1, "GO")]);
}

async fn an_idempotency_key_belongs_to_one_entry(store: &Store) {
    let key = |request: &str| Some(Idempotency { key: "turn/1".to_owned(), request: request.to_owned() });
    store.append(vec![Store::entry("key-a", &entry(2, "GO"), &state("B"), key("go"))]).await.unwrap();
    assert!(matches!(
        store.append(vec![Store::entry("key-a", &entry(3, "GO"), &state("B"), key("go"))]).await,
        Err(DbError::Unique)
    ));
    assert_eq!(store.entry_by_key("turn/1").await.unwrap(), Some((entry(2, "GO"), "go".to_owned())));
    assert_eq!(store.entry_by_key("turn/2").await.unwrap(), None);
}

async fn variables_are_what_they_were_whether_they_have_changed_or_not(store: &Store) {
    let mut old = game("key-v", "variables", 3);
    old.game.variables.extend([("KEPT".to_owned(), json!([1, 2])), ("CHANGED".to_owned(), json!({}))]);
    old.game.variables = old.game.variables.as_beginning();
    store.create(&old, None).await.unwrap();
    let mut now = Game { state: "B".to_owned(), ..old.game.clone() };
    now.variables.extend([("CHANGED".to_owned(), json!({"210": "event"})), ("NEW".to_owned(), json!(true))]);
    store.append(vec![Store::entry(&old.key, &entry(1, "GO"), &now, None)]).await.unwrap();

    let found = store.find("variables").await.unwrap().unwrap();
    assert_eq!((&found.game, found.game.variables.beginning()), (&now, old.game.variables.beginning()));
    assert_eq!(found.game.variables.changed(), now.variables.changed());
    now.variables.insert("CHANGED".to_owned(), json!({}));
    store.append(vec![Store::entry(&found.key, &entry(2, "GO"), &now, None)]).await.unwrap();
    assert_eq!(store.find("variables").await.unwrap().unwrap().game, now, "it is again as it was");
}

async fn an_archived_game_keeps_its_log_and_leaves_its_id(store: &Store) {
    let old = game("key-d", "default", 5);
    store.create(&old, None).await.unwrap();
    let earlier = StoredEntry { created_at: 9, ..entry(1, "GO") };
    store.append(vec![Store::entry(&old.key, &earlier, &state("B"), None)]).await.unwrap();

    store.archive(&old, "default-1", Some(&game("key-e", "default", 6))).await.unwrap();

    assert_eq!(store.find("default").await.unwrap().unwrap().key, "key-e");
    let archived = store.find("default-1").await.unwrap().unwrap();
    assert_eq!(
        (archived.key.as_str(), archived.archived_from.as_deref(), archived.sequence),
        ("key-d", Some("default"), 1)
    );
    assert_eq!(store.count_archived("default").await.unwrap(), 1);
    let twice = store.archive(&old, "default-2", Some(&game("key-f", "default", 7))).await;
    assert!(matches!(twice, Err(DbError::Conflict)), "{twice:?}");
    let ids: Vec<String> = store.list(10).await.unwrap().into_iter().map(|game| game.id).collect();
    assert_eq!(ids, ["variables", "alpha", "default-1", "default"], "the latest changed first");
}

async fn a_definition_is_kept_as_it_was_first(store: &Store) {
    store.keep_definition("mine", "one").await.unwrap();
    store.keep_definition("mine", "two").await.unwrap();
    assert_eq!(store.definition("mine").await.unwrap().as_deref(), Some("one"));
    assert_eq!(store.definition("yours").await.unwrap(), None);
}

fn game(key: &str, id: &str, created_at: i64) -> StoredGame {
    StoredGame {
        key: key.to_owned(),
        id: id.to_owned(),
        board_id: id.to_owned(),
        machine: "document".to_owned(),
        archived_from: None,
        created_at,
        sequence: 0,
        updated_at: created_at,
        game: state("A"),
        snapshot: None,
    }
}

fn state(state: &str) -> Game {
    let variables = Map::from_iter([("TURN".to_owned(), json!(3))]);
    Game { state: state.to_owned(), variables: Variables::new(Arc::new(variables)), ..Game::default() }
}

fn entry(sequence: u64, event: &str) -> StoredEntry {
    let event = Event {
        name: event.to_owned(),
        data: Map::new(),
        sender: "somebody".to_owned(),
        is_host: true,
        players: Vec::new(),
        assist: true,
        at: 0,
        remarks: Vec::new(),
        order: None,
    };
    let moves = vec![Move { from: "A".to_owned(), to: "B".to_owned(), event: event.name.clone() }];
    let entry = Entry {
        event,
        alias_of: String::new(),
        cause: "client".to_owned(),
        trace_id: String::new(),
        moves,
        facts: Map::new(),
        rolls: Vec::new(),
        outputs: Vec::new(),
    };
    StoredEntry { sequence, created_at: 10, state: "B".to_owned(), entry }
}
