//! Spells and spirits that a player would work by hand, played through the tools.

use serde_json::{Value, json};
use service_kit::status::ErrorCode::InvalidInput;

use crate::played::{boxes, company, hurt, moved, of};

/// A spell and what is said of its casting; dice and target number, and of the drain target number, level, kind and dice.
type Casting = (&'static str, Value, u32, u32, (u32, &'static str, &'static str, u32));

#[tokio::test]
async fn spells_and_their_drain() {
    let table = company().await;
    hurt(&table, "Mage", 1, 0).await;
    let sums: Vec<Casting> = vec![
        // The book's: Force 4 and 6 pool dice against Body 5 and a light wound; half of 4, and 1.
        ("Power Dart", json!({"force": 4, "target_name": "Gunner", "spell_pool_dice": 6}), 10, 6, (3, "L", "stun", 6)),
        ("Fireball", json!({"force": 5, "target_name": "Gunner", "drain_pool_dice": 6}), 5, 6, (5, "D", "stun", 12)),
        ("Mana Bolt", json!({"force": 8, "target_name": "Gunner", "cover": "partial"}), 8, 10, (4, "S", "physical", 6)),
        ("Mana Bolt", json!({"force": 1, "target_name": "Gunner", "spell_pool_dice": 6}), 7, 6, (2, "S", "stun", 6)),
        (
            "Mana Bolt",
            json!({"force": 6, "target_name": "Gunner", "force_dice": 3, "stacked_spells": 2, "conditions": ["mist"]}),
            3,
            8,
            (7, "S", "stun", 6),
        ),
        ("Ram", json!({"force": 4, "object_category": "high-tech manufactured"}), 4, 9, (3, "S", "stun", 6)),
        (
            "Increase Strength +2",
            json!({"force": 4, "target_name": "Gunner", "sustain": false}),
            4,
            11,
            (3, "M", "stun", 6),
        ),
        ("Heal", json!({"force": 5, "target_name": "Gunner"}), 5, 5, (2, "M", "stun", 6)),
    ];
    for (spell, mut arguments, dice, target_number, (drain_number, level, kind, drain_dice)) in sums {
        hurt(&table, "Mage", 1, 0).await;
        hurt(&table, "Gunner", if spell == "Heal" { 3 } else { 0 }, 0).await;
        arguments["caster_name"] = "Mage".into();
        arguments["spell_name"] = spell.into();
        let cast = table.call("cast_spell", arguments).await;
        let shown = (&cast["spell_dice_pool"], &cast["target_number"]);
        assert_eq!(shown, (&json!(dice), &json!(target_number)), "{spell}: {}", cast["breakdown"]);
        let drain = &cast["drain"];
        let all_ones = if cast["spell_roll"]["all_ones"] == true { 2 } else { 0 };
        assert_eq!(
            (&drain["target_number"], &drain["level"], &drain["damage_type"], &drain["resist_dice"]),
            (&json!(drain_number + all_ones), &json!(level), &json!(kind), &json!(drain_dice)),
            "{spell}"
        );
        let left = moved(level, -(drain["resist_roll"]["successes"].as_i64().unwrap() / 2));
        assert_eq!((&drain["damage_level"], &drain["damage_taken"]), (&json!(left), &json!(boxes(left))), "{spell}");
    }
}

#[tokio::test]
async fn a_damaging_manipulation_is_resisted_against_half_the_impact_armor() {
    let table = company().await;
    table.call("add_gear", of("Gunner", json!({"gear_name": "Armor Jacket"}))).await;
    let fire = json!({"caster_name": "Mage", "spell_name": "Flamethrower", "force": 4, "target_name": "Gunner",
        "spell_pool_dice": 6, "target_pool_dice": 7, "modifier": -2});
    table
        .refuses(
            "cast_spell",
            json!({"caster_name": "Mage", "spell_name": "Flamethrower", "force": 4,
            "target_name": "Gunner", "target_pool_dice": 8}),
            InvalidInput,
            "has 7 Combat Pool dice",
        )
        .await;
    let cast = table.call("cast_spell", fire).await;
    assert_eq!((&cast["spell_dice_pool"], &cast["base_tn"]), (&json!(10), &json!(4)));
    let successes = cast["spell_roll"]["successes"].as_i64().unwrap();
    assert!(successes > 0, "ten dice against 2: {cast}");
    // Force 4 less half of 3; Body 5 and 7 dice of the Combat Pool.
    let resistance = &cast["resistance"];
    assert_eq!((&resistance["target_number"], &resistance["dice"]), (&json!(3), &json!(12)), "{cast}");
    let net = successes - resistance["roll"]["successes"].as_i64().unwrap();
    let level = moved("M", net / 2);
    assert_eq!((&cast["wound_level"], &cast["target_boxes"]), (&json!(level), &json!(boxes(level))));
    assert_eq!(cast["takes_effect"], !level.is_empty());
}

#[tokio::test]
async fn no_spell_heals_the_dead_and_none_for_things_hits_a_person() {
    let table = company().await;
    let cast = |spell: &str| json!({"caster_name": "Mage", "spell_name": spell, "force": 4, "target_name": "Gunner"});

    table.refuses("cast_spell", cast("Ram"), InvalidInput, "works on things only").await;
    table.call("apply_damage", of("Gunner", json!({"boxes": 17}))).await;
    table.refuses("cast_spell", cast("Heal"), InvalidInput, "is dead: no spell heals the dead").await;

    assert_eq!(table.sheet("Mage").await["condition_monitor"]["stun"], 0, "nothing was cast");
}

#[tokio::test]
async fn a_focus_may_be_named_by_the_sheets_own_word() {
    let table = company().await;
    let kinds = [
        ("spell", json!({"specific_spell": "Heal"}), "specific spell focus", 2),
        ("spell", json!({"spell_category": "combat"}), "spell category focus", 6),
        ("power", json!({}), "power focus", 10),
        ("spirit", json!({}), "spirit focus", 4),
        ("sustaining", json!({}), "spell lock", 1),
    ];
    for (index, (word, mut arguments, kind, karma)) in kinds.into_iter().enumerate() {
        let given = json!({"focus_name": format!("Ring {index}"), "focus_type": word, "force": 2});
        arguments.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let focus = table.call("add_focus", of("Mage", arguments)).await["entry"].clone();
        assert_eq!((&focus["focus_type"], &focus["karma_cost"]), (&json!(kind), &json!(karma)), "{focus}");
    }
}

#[tokio::test]
async fn a_spell_that_a_lock_holds_is_not_on_him_twice() {
    let table = company().await;
    let initiative = async || table.call("get_character", of("Oak", json!({}))).await["initiative"].clone();
    assert_eq!(initiative().await, "3+4D6");
    for _ in 0..6 {
        let cast = json!({"caster_name": "Oak", "spell_name": "Increase Reflexes +3", "force": 3, "spell_pool_dice": 9,
            "modifier": -10});
        let cast = table.call("cast_spell", cast).await;
        assert_eq!((&cast["target"], &cast["sustained"]), (&json!("Oak"), &json!(false)), "{cast}");
        assert!(cast["notes"].to_string().contains("is on Oak already"), "{cast}");
        hurt(&table, "Oak", 0, 0).await;
    }
    assert_eq!(initiative().await, "3+4D6");
    let again = of("Oak", json!({"spell_name": "Increase Reflexes +3", "target_name": "Oak"}));
    table.refuses("sustain_spell", again, InvalidInput, "is on Oak already").await;
}

#[tokio::test]
async fn spirits_and_what_they_cost() {
    let table = company().await;
    table.call("add_nuyen", of("Mage", json!({"amount": 20_000}))).await;
    // Charisma 5: below half Light, up to it Moderate, above Serious and Physical, above twice Deadly.
    for (force, level, kind) in [(2, "L", "stun"), (3, "M", "stun"), (6, "S", "physical")] {
        let call = of("Mage", json!({"spirit_type": "fire elemental", "force": force}));
        let called = table.call("conjure_spirit", call).await;
        let drain = &called["drain"];
        assert_eq!((&called["target_number"], &called["dice_pool"]), (&json!(force), &json!(5)));
        assert_eq!(
            (&drain["target_number"], &drain["level"], &drain["damage_type"], &drain["resist_dice"]),
            (&json!(force), &json!(level), &json!(kind), &json!(5)),
            "{called}"
        );
        assert_eq!(called["nuyen_spent"], force * 1000);
        hurt(&table, "Mage", 0, 0).await;
    }
}
