//! Spells that change a sheet while they are sustained: on whom, how much, until when.

use serde_json::{Value, json};
use service_kit::status::ErrorCode::InvalidInput;

use crate::{common::Table, random::rebuilt};

/// Castings after which a spell of many dice has taken hold.
const TRIES: u32 = 50;

async fn with_spell(caster: &str, spell: &str) -> Table {
    let table = Table::start().await;
    learn(&table, caster, spell).await;
    table
}

async fn learn(table: &Table, caster: &str, spell: &str) {
    table.call("add_spell", json!({"character_name": caster, "spell_name": spell, "learned_force": 3})).await;
}

async fn sustain(table: &Table, caster: &str, spell: &str, target: &str) -> Value {
    let arguments = json!({"character_name": caster, "spell_name": spell, "target_name": target});
    table.call("sustain_spell", arguments).await
}

async fn shown(table: &Table, name: &str) -> Value {
    table.call("get_character", json!({"character_name": name})).await
}

async fn attribute(table: &Table, name: &str, attribute: &str) -> Value {
    shown(table, name).await["attributes"][attribute].clone()
}

async fn held(table: &Table, name: &str) -> Vec<String> {
    let held = table.call("get_sustained_spells", json!({"character_name": name})).await;
    let spells = held["sustained_spells"].as_array().unwrap();
    spells.iter().map(|spell| format!("{} on {}", spell["spell_name"], spell["target_name"]).replace('"', "")).collect()
}

/// The audit log rebuilds each sheet, as it does whatever is done.
async fn rebuild(table: &Table) {
    for name in ["Axel", "Block", "Oak"] {
        let export = table.call("export_character", json!({"character_name": name})).await;
        let (sheet, revision) = rebuilt(table, name).await;
        assert_eq!((&Value::Object(sheet), &json!(revision)), (&export["sheet"], &export["revision"]), "{name}");
    }
}

#[tokio::test]
async fn a_spell_that_takes_hold_raises_its_targets_attribute_until_it_is_dropped() {
    let table = Table::start().await;
    let arguments = json!({
        "caster_name": "Block", "spell_name": "Increase Body", "force": 3, "target_name": "Axel", "spell_pool_dice": 6,
    });
    for _ in 0..TRIES {
        let cast = table.call("cast_spell", arguments.clone()).await;
        assert_eq!((&cast["base_tn"], &cast["target"]), (&json!(6), &json!("Axel")));
        if cast["sustained"] == true {
            assert!(
                cast["notes"].as_array().unwrap().contains(&json!("Axel: Body +2 while it is sustained")),
                "{cast}"
            );
            break;
        }
        // Whatever the drain was.
        table.change("Block", |sheet| sheet["condition_monitor"] = json!({})).await;
    }

    let axel = shown(&table, "Axel").await;
    assert_eq!((&axel["attributes"]["body"], &axel["attributes"]["body_base"]), (&json!(5), &json!(3)));
    let modifiers = table.call("get_modifiers", json!({"character_name": "Axel"})).await;
    let modifiers = modifiers["modifiers"].as_array().unwrap();
    let brought = modifiers.iter().find(|modifier| modifier["source_type"] == "spell").unwrap();
    assert_eq!((&brought["target_name"], &brought["modifier_value"]), (&json!("body"), &json!(2)));
    assert_eq!(
        (&brought["source"], &brought["sustained_by"], &brought["spell_force"], &brought["is_sustained"]),
        (&json!("Increase Body +2 (Block)"), &json!("Block"), &json!(3), &json!(true))
    );
    let effects = table.call("get_active_effects", json!({"character_name": "Axel"})).await;
    let effect = &effects["active_effects"][0];
    assert_eq!((&effect["effect_name"], &effect["caster"]), (&json!("Increase Body +2"), &json!("Block")));
    assert_eq!(axel["data"]["active_effects"][0], *effect);
    // His resistance has the dice.
    let resist = json!({"character_name": "Axel", "damage_code": "6L", "armor": 0, "apply": false});
    assert_eq!(table.call("resist_damage", resist).await["dice_pool"], 5);

    let id = brought["modifier_id"].clone();
    let text = "which Block sustains: drop_spell ends it";
    table.refuses("remove_modifier", json!({"character_name": "Axel", "modifier_id": id}), InvalidInput, text).await;
    let update = json!({"character_name": "Axel", "modifier_id": id, "updates": {"modifier_value": 9}});
    table.refuses("update_modifier", update, InvalidInput, text).await;
    let remove = json!({"character_name": "Axel", "effect_name": "Increase Body +2"});
    table.refuses("remove_active_effect", remove, InvalidInput, text).await;

    table.call("drop_spell", json!({"character_name": "Block", "spell_name": "Increase Body +2"})).await;
    assert_eq!(attribute(&table, "Axel", "body").await, 3);
    let log = table.call("get_audit_log", json!({"character_name": "Axel", "limit": 2})).await;
    assert_eq!(log["entries"][0]["summary"], "Increase Body +2 of Block ends");
    assert_eq!(log["entries"][1]["summary"], "Increase Body +2 (Block): Axel: Body +2 while it is sustained");
    rebuild(&table).await;
}

#[tokio::test]
async fn a_spell_without_a_target_works_on_its_caster() {
    let table = with_spell("Block", "Increase Reflexes +3").await;
    let reflexes = json!({"character_name": "Block", "spell_name": "Increase Reflexes +3"});
    let answer = table.call("sustain_spell", reflexes.clone()).await;
    assert_eq!(answer["notes"][1], "Block: initiative dice +3 while it is sustained");
    assert_eq!(shown(&table, "Block").await["initiative"], "3+7D6");
    table.call("remove_spell", reflexes).await;
    assert_eq!(shown(&table, "Block").await["initiative"], "3+4D6");
    rebuild(&table).await;
}

#[tokio::test]
async fn pools_and_initiative_follow_what_a_spell_changes() {
    let table = with_spell("Oak", "Increase Quickness +2").await;
    learn(&table, "Oak", "Increase Reaction +3").await;
    let before = shown(&table, "Axel").await;
    assert_eq!((&before["combat_pool"], &before["initiative"]), (&json!(10), &json!("7+1D6")));
    sustain(&table, "Oak", "Increase Quickness +2", "Axel").await;
    let quick = shown(&table, "Axel").await;
    // Quickness 8, Intelligence 9, Willpower 6; Reaction by the first two.
    assert_eq!((&quick["combat_pool"], &quick["attributes"]["quickness"]), (&json!(11), &json!(8)));
    assert_eq!(quick["initiative"], "8+1D6");
    sustain(&table, "Oak", "Increase Reaction +3", "Axel").await;
    assert_eq!(shown(&table, "Axel").await["initiative"], "11+1D6");
    table.call("drop_spell", json!({"character_name": "Oak", "spell_name": "Increase Quickness +2"})).await;
    assert_eq!(shown(&table, "Axel").await["initiative"], "10+1D6");
    rebuild(&table).await;
}

#[tokio::test]
async fn a_lowered_attribute_resists_with_its_own_dice() {
    let table = with_spell("Oak", "Decrease Strength -2").await;
    // Strength 3; 10 less Essence 2.1 is 8 rounded up.
    let arguments = json!({
        "caster_name": "Oak", "spell_name": "Decrease Strength -2", "force": 3, "target_name": "Axel",
        "spell_pool_dice": 7,
    });
    for _ in 0..TRIES {
        let cast = table.call("cast_spell", arguments.clone()).await;
        assert_eq!(cast["base_tn"], 8);
        if let Some(resistance) = cast["resistance"].as_object() {
            assert_eq!((&resistance["attribute"], &resistance["dice"]), (&json!("Strength"), &json!(3)));
        }
        if cast["sustained"] == true {
            break;
        }
        table.change("Oak", |sheet| sheet["condition_monitor"] = json!({})).await;
    }
    assert_eq!(attribute(&table, "Axel", "strength").await, 1);
}

#[tokio::test]
async fn the_same_spell_on_two_targets_ends_on_one_alone() {
    let table = with_spell("Oak", "Increase Body +2").await;
    sustain(&table, "Oak", "Increase Body +2", "Axel").await;
    sustain(&table, "Oak", "Increase Body +2", "Block").await;
    sustain(&table, "Block", "Increase Body +2", "Axel").await;
    assert_eq!(
        (attribute(&table, "Axel", "body").await, attribute(&table, "Block", "body").await),
        (json!(7), json!(8))
    );
    let drop = json!({"character_name": "Oak", "spell_name": "Increase Body +2", "target_name": "Axel"});
    table.call("drop_spell", drop).await;
    assert_eq!(
        (attribute(&table, "Axel", "body").await, attribute(&table, "Block", "body").await),
        (json!(5), json!(8))
    );
    assert_eq!(held(&table, "Oak").await, ["Increase Body +2 on Block"]);
    table.call("drop_spell", json!({"character_name": "Oak", "spell_name": "Increase Body +2"})).await;
    assert_eq!(attribute(&table, "Block", "body").await, 6);
    rebuild(&table).await;
}

#[tokio::test]
async fn a_spell_cast_again_on_the_same_target_takes_the_place_of_the_first() {
    let table = Table::start().await;
    sustain(&table, "Block", "Increase Body +2", "Axel").await;
    sustain(&table, "Block", "Increase Body +2", "axel").await;
    assert_eq!(held(&table, "Block").await, ["Increase Body +2 on Axel"]);
    assert_eq!(attribute(&table, "Axel", "body").await, 5);
    rebuild(&table).await;
}

#[tokio::test]
async fn who_is_knocked_out_sustains_nothing_any_more() {
    let table = Table::start().await;
    sustain(&table, "Block", "Increase Body +2", "Axel").await;
    sustain(&table, "Block", "Increase Body +2", "Block").await;
    assert_eq!(attribute(&table, "Block", "body").await, 8);
    let hurt = json!({"character_name": "Block", "boxes": 10, "damage_type": "stun"});
    let answer = table.call("apply_damage", hurt).await;
    let text = "Block no longer sustains Increase Body +2, Increase Body +2";
    assert!(answer["message"].as_str().unwrap().ends_with(text), "{answer}");
    assert!(held(&table, "Block").await.is_empty());
    assert_eq!(
        (attribute(&table, "Axel", "body").await, attribute(&table, "Block", "body").await),
        (json!(3), json!(6))
    );
    let again = json!({"character_name": "Block", "spell_name": "Increase Body +2"});
    table.refuses("sustain_spell", again, InvalidInput, "Block is unconscious: he sustains nothing").await;
    rebuild(&table).await;
}

#[tokio::test]
async fn whoever_knocks_out_the_caster_of_a_spell_on_himself_loses_it() {
    let table = with_spell("Oak", "Increase Body +2").await;
    sustain(&table, "Oak", "Increase Body +2", "Block").await;
    table.call("apply_damage", json!({"character_name": "Oak", "boxes": 9, "damage_type": "stun"})).await;
    let sleep = json!({
        "caster_name": "Block", "spell_name": "Sleep", "force": 4, "target_name": "Oak", "target_willpower": 1,
        "spell_pool_dice": 6,
    });
    for _ in 0..TRIES {
        if table.call("cast_spell", sleep.clone()).await["target_boxes"] != 0 {
            break;
        }
        table.change("Block", |sheet| sheet["condition_monitor"] = json!({})).await;
    }
    assert_eq!(shown(&table, "Oak").await["condition_monitor"]["state"], "unconscious");
    assert!(held(&table, "Oak").await.is_empty());
    assert_eq!(attribute(&table, "Block", "body").await, 6);
    rebuild(&table).await;
}

#[tokio::test]
async fn with_a_deleted_character_end_the_spells_he_sustains_and_those_on_him() {
    let table = Table::start().await;
    sustain(&table, "Block", "Increase Body +2", "Axel").await;
    table.call("delete_character", json!({"character_name": "Axel"})).await;
    assert!(held(&table, "Block").await.is_empty());
    table.call("restore_character", json!({"character_name": "Axel"})).await;
    assert_eq!(attribute(&table, "Axel", "body").await, 3);

    sustain(&table, "Block", "Increase Body +2", "Axel").await;
    table.call("delete_character", json!({"character_name": "Block"})).await;
    assert_eq!(attribute(&table, "Axel", "body").await, 3);
    table.call("restore_character", json!({"character_name": "Block"})).await;
    assert!(held(&table, "Block").await.is_empty());
    rebuild(&table).await;
}

#[tokio::test]
async fn a_cast_that_is_not_kept_up_or_not_marked_changes_nothing_on_the_target() {
    let table = Table::start().await;
    for more in ["sustain", "apply"] {
        let mut arguments = json!({
            "caster_name": "Block", "spell_name": "Increase Body", "force": 3, "target_name": "Axel",
            "spell_pool_dice": 6,
        });
        arguments[more] = json!(false);
        for _ in 0..TRIES {
            if table.call("cast_spell", arguments.clone()).await["takes_effect"] == true {
                break;
            }
            table.change("Block", |sheet| sheet["condition_monitor"] = json!({})).await;
        }
        assert_eq!(attribute(&table, "Axel", "body").await, 3, "{more}");
    }
}

#[tokio::test]
async fn a_spell_lock_holds_its_spell_in_the_casters_place() {
    let table = Table::start().await;
    let lock = json!({"character_name": "Block", "focus_name": "Ring", "focus_type": "Spell Lock",
        "specific_spell": "Increase Body +2"});
    table.call("add_focus", lock).await;
    let spell =
        |target: &str| json!({"character_name": "Block", "spell_name": "Increase Body +2", "target_name": target});
    let locked = table.call("sustain_spell", spell("Axel")).await;
    assert_eq!(locked["entry"]["held_by"], "Ring");
    assert!(locked["notes"][0].as_str().unwrap().contains("the spell lock Ring holds it"), "{locked}");
    let held = table.call("get_sustained_spells", json!({"character_name": "Block"})).await;
    assert_eq!((&held["sustaining_penalty"], &held["sustained_spells"][0]["held_by"]), (&json!(0), &json!("Ring")));

    // A lock holds one spell.
    let own = table.call("sustain_spell", spell("Block")).await;
    assert_eq!(own["entry"].get("held_by").filter(|lock| !lock.is_null()), None);
    let held = table.call("get_sustained_spells", json!({"character_name": "Block"})).await;
    assert_eq!(held["sustaining_penalty"], 2);

    // Knocked out, he sustains nothing himself; the lock does.
    table.call("apply_damage", json!({"character_name": "Block", "level": "D", "damage_type": "stun"})).await;
    assert_eq!(
        (attribute(&table, "Axel", "body").await, attribute(&table, "Block", "body").await),
        (json!(5), json!(6))
    );
    table.call("drop_spell", json!({"character_name": "Block", "spell_name": "Increase Body +2"})).await;
    assert_eq!(attribute(&table, "Axel", "body").await, 3);
    rebuild(&table).await;
}

#[tokio::test]
async fn a_spell_that_needs_an_expendable_fetish_uses_it_up() {
    let table = Table::start().await;
    let oak = |mut more: Value| {
        more["character_name"] = "Oak".into();
        more
    };
    let spell = json!({"spell_name": "Manaball", "learned_force": 2, "fetish": "expendable"});
    table.call("add_spell", oak(spell)).await;
    table.call("add_gear", oak(json!({"gear_name": "Expendable Fetish", "quantity": 1}))).await;
    let cast = json!({"caster_name": "Oak", "spell_name": "Manaball", "force": 2, "target_willpower": 3});
    let first = table.call("cast_spell", cast.clone()).await;
    assert_eq!(first["spell_dice_pool"], 4);
    assert!(first["notes"].to_string().contains("one Expendable Fetish is used up, 0 left"), "{first}");
    let gear = table.call("get_gear", oak(json!({}))).await["gear"].to_string();
    assert!(!gear.contains("Fetish"), "{gear}");
    let second = table.call("cast_spell", cast).await;
    assert!(second["notes"].to_string().contains("one is taken to be at hand"), "{second}");
}
