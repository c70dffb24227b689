//! Sheets through REST: their tags, and the stream of their changes.

use futures_util::StreamExt as _;
use gateway::Config;
use serde_json::{Value, json};

use crate::support::{self, header, json as json_of};

const PLATINUM: &str = "/api/character/Platinum";

#[tokio::test]
async fn a_sheet_is_what_the_tool_answers() {
    let gateway = support::table(Config::default()).await;

    let sheet = json_of(gateway.get(PLATINUM), 200).await;

    let tool = gateway.post("/api/tools/get_character", &json!({"character_name": "platinum"}));
    assert_eq!(sheet, json_of(tool, 200).await);
    assert_eq!((&sheet["character"], &sheet["data"]["current_reaction"]), (&json!("Platinum"), &json!(27)));
}

#[tokio::test]
async fn a_sheet_that_the_client_has_is_not_sent_again_until_it_changes() {
    let gateway = support::table(Config::default()).await;
    let first = gateway.get(PLATINUM).send().await.unwrap();
    let tag = header(&first, "etag").to_owned();
    assert_eq!(header(&first, "cache-control"), "no-cache");

    let again = gateway.get(PLATINUM).header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag.as_str()));
    assert!(again.bytes().await.unwrap().is_empty());

    let add = gateway.post("/api/tools/add_nuyen", &json!({"character_name": "Platinum", "amount": 1}));
    json_of(add, 200).await;
    let changed = gateway.get(PLATINUM).header("If-None-Match", &tag).send().await.unwrap();
    assert_ne!(header(&changed, "etag"), tag);
    let changed: Value = serde_json::from_slice(&changed.bytes().await.unwrap()).unwrap();
    assert_eq!((&changed["revision"], &changed["nuyen"]), (&json!(2), &json!(498_149)));
}

#[tokio::test]
async fn a_sheet_shows_each_change_as_soon_as_it_is_acknowledged() {
    let gateway = support::table(Config::default()).await;
    let add = json!({"character_name": "Platinum", "amount": 1});

    for change in 1..=50 {
        let before = json_of(gateway.get(PLATINUM), 200).await;
        assert_eq!(before, json_of(gateway.get(PLATINUM), 200).await);
        json_of(gateway.post("/api/tools/add_nuyen", &add), 200).await;
        let after = json_of(gateway.get(PLATINUM), 200).await;
        assert_eq!(after["nuyen"].as_i64(), before["nuyen"].as_i64().map(|nuyen| nuyen + 1), "change {change}");
    }
}

#[tokio::test]
async fn a_sheet_of_nobody_is_answered_with_those_there_are() {
    let gateway = support::table(Config::default()).await;

    let answer = json_of(gateway.get("/api/character/Nobody"), 404).await;

    assert_eq!(answer["code"], 2001);
    assert_eq!(answer["error"]["details"]["available_characters"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn whoever_watches_a_sheet_is_told_of_each_change() {
    let gateway = support::table(Config::default()).await;
    let watched = gateway.get("/api/character/Oak/watch").send().await.unwrap();
    assert_eq!(header(&watched, "content-type"), "text/event-stream");
    let mut events = watched.bytes_stream();

    let damage = gateway.post("/api/tools/apply_damage", &json!({"character_name": "Oak", "boxes": 2}));
    json_of(damage, 200).await;

    // A comment may show meanwhile that the stream lives.
    let told: Value = loop {
        let event = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
        if let Some(data) = event.trim().strip_prefix("data: ") {
            break serde_json::from_str(data).unwrap();
        }
    };
    assert_eq!((&told["revision"], &told["operation"]), (&json!(2), &json!("apply_damage")));
    assert_eq!(json_of(gateway.get("/api/character/Nobody/watch"), 404).await["code"], 2001);
}
