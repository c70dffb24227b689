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
