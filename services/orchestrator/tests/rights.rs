//! For whom a game master may act, whatever a model has been told.

mod common;

use common::{Table, of};
use fake_model::{FakeModel, Reply};
use serde_json::{Value, json};

#[tokio::test]
async fn a_game_master_changes_the_characters_of_his_own_table() {
    let pay = |name: &str| json!({"character_name": name, "amount": 5, "reason": "found"});
    let calls = [("a", "add_nuyen", pay("Block")), ("b", "add_nuyen", pay("oak")), ("c", "add_nuyen", pay("Nobody"))];
    let model = FakeModel::start([
        Reply::calling([("x", "add_nuyen", pay("Block"))]),
        Reply::saying(["Paid."]),
        Reply::calling(calls),
        Reply::saying(["Paid."]),
    ])
    .await;
    let table = Table::with(&model).await;

    let without = table.play("Pay").await;
    table.add_character("Oak").await.unwrap();
    let frames = table.play("Pay them all").await;

    assert_eq!(of(&without, "tool_result")[0]["failed"], false);
    let results: Vec<_> = of(&frames, "tool_result").iter().map(|frame| frame["result"]["code"].clone()).collect();
    assert_eq!(results, [json!(6002), Value::Null, json!(2001)]);
    let refusal = &of(&frames, "tool_result")[0]["result"]["error"];
    assert_eq!(refusal, "add_nuyen: Block is not at this table; there are Oak");
}

#[tokio::test]
async fn the_dead_do_not_act_but_may_be_looked_at_and_healed() {
    let oak = |key: &str, more: Value| {
        let mut arguments = json!({key: "Oak"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let calls = [
        ("a", "cast_spell", oak("caster_name", json!({"spell_name": "Barrier", "force": 1}))),
        ("b", "test_skill", oak("character_name", json!({"skill_name": "Sorcery", "target_number": 4}))),
        ("c", "first_aid", json!({"character_name": "Block", "healer_name": "Oak"})),
        ("d", "get_character", oak("character_name", json!({}))),
        ("e", "heal", oak("character_name", json!({"boxes": 1, "damage_type": "physical"}))),
    ];
    let model = FakeModel::start([Reply::calling(calls), Reply::saying(["He lies still."])]).await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.unwrap();
    table.add_character("Block").await.unwrap();
    let wound = json!({"character_name": "Oak", "boxes": 10, "damage_type": "physical"});
    table.call_tool("apply_damage", wound).await.unwrap();

    let frames = table.play("Oak, get up!").await;

    let results = of(&frames, "tool_result");
    let codes: Vec<_> = results.iter().map(|frame| frame["result"]["code"].clone()).collect();
    assert_eq!(codes, [json!(6002), json!(6002), json!(6002), Value::Null, Value::Null], "{results:?}");
    assert_eq!(results[0]["result"]["error"], "cast_spell was not run: Oak is dying and does not act");
}

#[tokio::test]
async fn a_fallen_foe_of_the_scene_does_not_act() {
    let call = json!({"name": "Ganger 1"});
    let model = FakeModel::start([Reply::calling([("a", "take_delayed_action", call)]), Reply::saying(["No."])]).await;
    let table = Table::with(&model).await;
    let foes = json!([{"name": "Ganger 1", "physical": 10, "stun": 0}]);
    table.call_tool("update_scene", json!({"foes": foes})).await.unwrap();

    let frames = table.play("And the ganger?").await;

    let refusal = &of(&frames, "tool_result")[0]["result"]["error"];
    assert_eq!(refusal, "take_delayed_action was not run: Ganger 1 is out of action and does not act");
}

#[tokio::test]
async fn a_model_renames_nobody_and_the_table_follows_a_player_who_does() {
    let rename = |key: &str, name: &str| json!({"character_name": "Oak", "updates": {key: name}});
    let calls = [
        ("a", "update_character_info", rename("street_name", "Twig")),
        ("b", "update_character_info", rename("name", "Twig")),
        ("c", "update_character_info", rename("hair", "grey")),
    ];
    let model = FakeModel::start([Reply::calling(calls), Reply::saying(["His hair turns grey."])]).await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.unwrap();

    let frames = table.play("Call him Twig").await;
    let results = of(&frames, "tool_result");
    let codes: Vec<_> = results.iter().map(|frame| frame["result"]["code"].clone()).collect();
    assert_eq!(codes, [json!(6002), json!(6002), Value::Null], "{results:?}");

    table.call_tool("update_character_info", rename("street_name", "Old Oak")).await.unwrap();
    assert_eq!(table.session().await.characters, ["Old Oak"]);
}

/// A campaign and somebody in it: its id, and his.
async fn campaign(table: &Table, title: &str, person: &str) -> (String, String) {
    let campaign = table.call_tool("create_campaign", json!({"title": title})).await.expect("a campaign");
    let id = campaign["campaign_id"].as_str().expect("its id").to_owned();
    let person = json!({
        "campaign_id": id, "name": person, "role": "fixer", "location": "a bar", "relevance": "current",
    });
    let person = table.call_tool("register_npc", person).await.expect("a person");
    (id, person["npc_id"].as_str().expect("his id").to_owned())
}

/// The codes and errors of a turn's results.
fn errors(frames: &[Value]) -> Vec<(Value, String)> {
    let told = |frame: &&Value| {
        let result = &frame["result"];
        (result["code"].clone(), result["error"].as_str().unwrap_or_default().to_owned())
    };
    of(frames, "tool_result").iter().map(told).collect()
}

#[tokio::test]
async fn a_game_master_keeps_to_the_campaign_of_his_table() {
    let house = || json!({"rule_name": "No luck", "rule_type": "dice", "description": "None."});
    let model = FakeModel::answering({
        let mut calls = None;
        move |asked| {
            let said = asked.messages().last().expect("words")["content"].as_str().unwrap_or_default().to_owned();
            let ids: Vec<&str> = said.split(' ').collect();
            match ids.as_slice() {
                [mine, other, dodger, razor] if calls.is_none() => {
                    calls = Some(());
                    let situation = |id: &str| json!({"campaign_id": id, "current_situation": "It burns"});
                    let status = |id: &str| json!({"npc_id": id, "status": "inactive"});
                    Reply::calling([
                        ("a", "get_campaign", json!({"campaign_id": other})),
                        ("b", "update_campaign_state", situation("rain")),
                        ("c", "update_npc", status(razor)),
                        ("d", "get_audit_log", json!({})),
                        ("e", "join_campaign", json!({"campaign_id": other, "character_name": "Oak"})),
                        ("f", "get_campaign", json!({"campaign_id": mine})),
                        ("g", "update_npc", status(dodger)),
                        ("h", "add_house_rule", house()),
                        ("i", "get_campaign_npcs", json!({})),
                    ])
                }
                _ => Reply::saying(["Done."]),
            }
        }
    })
    .await;
    let table = Table::with(&model).await;
    table.add_character("Oak").await.expect("Oak is there");
    let (mine, dodger) = campaign(&table, "Fire", "Dodger").await;
    let (other, razor) = campaign(&table, "Rain", "Razor").await;
    table.call_tool("join_campaign", json!({"campaign_id": mine, "character_name": "Oak"})).await.expect("he joins");

    let frames = table.play(&format!("{mine} {other} {dodger} {razor}")).await;

    let errors = errors(&frames);
    let codes: Vec<&Value> = errors.iter().map(|(code, _)| code).collect();
    let (no, yes) = (&json!(6002), &Value::Null);
    assert_eq!(codes, [no, no, no, no, no, yes, yes, yes, yes], "{errors:?}");
    assert!(errors[1].1.contains("\"rain\" is not this table's campaign"), "{errors:?}");
    assert!(errors[4].1.contains("the game master's seat must agree to it (Rain"), "{errors:?}");
    let results = of(&frames, "tool_result");
    assert_eq!(results[7]["result"]["house_rule"]["campaign_id"], json!(mine));
    let people = results[8]["result"]["npcs"].as_array().expect("people");
    assert_eq!((people.len(), &people[0]["name"]), (1, &json!("Dodger")));
}

#[tokio::test]
async fn the_dead_come_back_only_if_a_person_agrees() {
    let wound = json!({"character_name": "Oak", "boxes": 40, "damage_type": "physical"});
    let calls = [
        ("a", "heal", json!({"character_name": "Oak", "boxes": 40})),
        ("b", "update_scene", json!({"foes": [{"name": "Ganger 1", "physical": 0}]})),
        ("c", "update_scene", json!({"forget": ["foes"]})),
        ("d", "update_npc", json!({"npc_id": "Dodger", "status": "active"})),
        ("e", "update_campaign_npc", json!({"npc_name": "Dodger", "updates": {"status": "active"}})),
        ("f", "spend_nuyen", json!({"character_name": "Oak", "amount": 1})),
        ("g", "heal", json!({"character_name": "Block", "boxes": 1})),
    ];
    let leave = json!({"location": "The docks", "forget": ["foes"]});
    let leave = Reply::calling([("h", "update_scene", leave)]);
    let model = FakeModel::start([Reply::calling(calls), leave, Reply::saying(["They stay where they are."])]).await;
    let table = Table::with(&model).await;
    let (mine, _) = campaign(&table, "Fire", "Dodger").await;
    for name in ["Oak", "Block"] {
        table.add_character(name).await.expect("they are there");
        table.call_tool("join_campaign", json!({"campaign_id": mine, "character_name": name})).await.expect("he joins");
    }
    table.call_tool("apply_damage", wound).await.expect("he dies");
    table.call_tool("apply_damage", json!({"character_name": "Block", "boxes": 3})).await.expect("he is hurt");
    table.call_tool("update_npc", json!({"npc_id": "Dodger", "status": "deceased"})).await.expect("he dies");
    let foes = json!([{"name": "Ganger 1", "physical": 10}]);
    table.call_tool("update_scene", json!({"location": "An alley", "foes": foes})).await.expect("a scene");

    let frames = table.play("They rise!").await;

    let errors = errors(&frames);
    let codes: Vec<&Value> = errors.iter().map(|(code, _)| code).collect();
    let (no, yes) = (&json!(6002), &Value::Null);
    assert_eq!(codes, [no, no, no, no, no, no, yes, yes], "{errors:?}");
    assert!(errors[0].1.contains("(Oak is dead, and it brings him back), and nobody sits there"), "{errors:?}");
    assert!(errors[3].1.contains("Dodger is dead, and it makes him active"), "{errors:?}");
}
