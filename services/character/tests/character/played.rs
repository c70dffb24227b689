//! Examples that a player would work by hand, played through the tools: the figures stand here as the book gives them,
//! and what the dice showed is staged anew.

use serde_json::{Value, json};
use service_kit::status::ErrorCode::InvalidInput;

use crate::common::{Table, value_of};

pub fn of(name: &str, mut more: Value) -> Value {
    more["character_name"] = name.into();
    more
}

/// A table with people whose figures are easy to count with: Combat Pool 7, Reaction 5; a mage of Magic 6.
pub async fn company() -> Table {
    let table = Table::start().await;
    let gunner = json!({"street_name": "Gunner", "archetype": "Mercenary",
        "attributes": {"body": 5, "quickness": 6, "strength": 5, "charisma": 3, "intelligence": 4, "willpower": 5},
        "skills": {"Firearms": 6, "Gunnery": 4, "Armed Combat": 5, "Throwing Weapons": 4}});
    let mage = json!({"street_name": "Mage", "archetype": "Mage", "tradition": "hermetic",
        "attributes": {"body": 3, "quickness": 3, "strength": 3, "charisma": 5, "intelligence": 5, "willpower": 6},
        "skills": {"Sorcery": 6, "Conjuring": 5, "Magical Theory": 4, "Biotech": 5}});
    let troll = json!({"street_name": "Troll", "archetype": "Bouncer", "metatype": "troll",
        "attributes": {"body": 8, "quickness": 3, "strength": 8, "charisma": 2, "intelligence": 2, "willpower": 3},
        "skills": {"Armed Combat": 5, "Firearms": 3}});
    let dwarf = json!({"street_name": "Dwarf", "archetype": "Guard", "metatype": "dwarf", "skills": {"Firearms": 5}});
    let elf = json!({"street_name": "Elf", "archetype": "Guard", "metatype": "elf", "skills": {"Firearms": 5}});
    for person in [gunner, mage, troll, dwarf, elf] {
        table.call("create_character", person).await;
    }
    table.call("update_derived_stats", of("Mage", json!({"updates": {"magic": 6}}))).await;
    for (spell, force) in [
        ("Power Dart", 4),
        ("Fireball", 5),
        ("Mana Bolt", 8),
        ("Flamethrower", 4),
        ("Heal", 5),
        ("Increase Strength +2", 4),
        ("Ram", 4),
        ("Armor", 3),
    ] {
        table.call("add_spell", of("Mage", json!({"spell_name": spell, "learned_force": force}))).await;
    }
    table
}

/// Fills so many boxes of each track, whatever was filled before.
pub async fn hurt(table: &Table, name: &str, physical: u32, stun: u32) {
    let before = table.sheet(name).await["condition_monitor"].clone();
    for (track, boxes) in [("physical", physical), ("stun", stun)] {
        if before[track] != 0 {
            table.call("heal", of(name, json!({"damage_type": track, "boxes": 100}))).await;
        }
        if boxes > 0 {
            table.call("apply_damage", of(name, json!({"damage_type": track, "boxes": boxes}))).await;
        }
    }
}

const LEVELS: [&str; 4] = ["L", "M", "S", "D"];

/// A level moved by so many: nothing below Light, nothing above Deadly.
pub fn moved(level: &str, by: i64) -> &'static str {
    let at = LEVELS.iter().position(|known| *known == level).unwrap() as i64 + by;
    if at < 0 { "" } else { LEVELS[at.min(3) as usize] }
}

fn level_of(code: &Value) -> String {
    code.as_str().unwrap().trim_end_matches(" Stun").chars().next_back().unwrap().to_string()
}

pub fn boxes(level: &str) -> u64 {
    match level {
        "L" => 1,
        "M" => 3,
        "S" => 6,
        "D" => 10,
        _ => 0,
    }
}

/// Weapon, boxes filled of each track, what is said of the shot; its target number, dice, damage code.
type Shot = (&'static str, (u32, u32), Value, u32, u32, &'static str);

#[tokio::test]
async fn shots_in_many_circumstances() {
    let table = company().await;
    let far = json!({"target_distance": 100, "firing_mode": "FA", "rounds": 10, "recoil_compensation": 6});
    let sums: Vec<Shot> = vec![
        // Medium 5, burst 3, light wound 1, partial light 2, running target 2.
        (
            "AK-97",
            (1, 0),
            json!({"target_distance": 30, "firing_mode": "BF", "light_level": "PARTIAL", "target_movement": "running",
                "combat_pool": 4}),
            13,
            10,
            "11S",
        ),
        // The second burst of the phase at a second target: 6 rounds less 3 points, 2 for the target.
        (
            "AK-97",
            (0, 0),
            json!({"target_distance": 10, "firing_mode": "BF", "shots_before": 3, "further_targets": 1,
                "recoil_compensation": 3}),
            9,
            6,
            "11S",
        ),
        ("Defiance T-250", (0, 0), json!({"target_distance": 15, "firing_mode": "SA", "shots_before": 1}), 7, 6, "10S"),
        // A heavy weapon: 4 rounds beyond the tripod count twice; Power +10, three levels.
        ("Medium Machine Gun", (0, 0), far, 13, 4, "19D"),
        (
            "Ares Predator",
            (0, 0),
            json!({"target_distance": 5, "called_shot": true, "aim_actions": 3, "target_movement": "stationary"}),
            4,
            6,
            "9S",
        ),
        ("Ares Predator", (0, 0), json!({"target_distance": 5, "aim_actions": 5}), 2, 6, "9M"),
        (
            "Ares Predator",
            (0, 0),
            json!({"target_distance": 5, "second_firearm": true, "laser_sight": true}),
            6,
            6,
            "9M",
        ),
        ("Ares Predator", (0, 0), json!({"target_distance": 50, "laser_sight": true}), 8, 6, "9M"),
        ("Ares Predator", (0, 0), json!({"target_distance": 51, "laser_sight": true}), 9, 6, "9M"),
        (
            "Ares Predator",
            (0, 0),
            json!({"target_distance": 5, "cover": "partial", "conditions": ["heavy_smoke"], "laser_sight": true}),
            14,
            6,
            "9M",
        ),
        (
            "Ares Predator",
            (0, 0),
            json!({"target_distance": 5, "opponents_in_melee": 2, "attacker_movement": "running", "rough_ground": true}),
            14,
            6,
            "9M",
        ),
        // Recoil 3 and running 4, of which the gyro takes 5.
        (
            "Uzi III",
            (0, 0),
            json!({"target_distance": 10, "firing_mode": "BF", "attacker_movement": "running", "gyro_stabilisation": 5}),
            6,
            6,
            "9S",
        ),
        ("HK227", (0, 0), json!({"target_distance": 40, "firing_mode": "FA", "rounds": 6}), 11, 6, "13D"),
        ("Ranger Arms SM-3", (0, 0), json!({"target_distance": 250, "magnification": 2}), 5, 6, "14S"),
        ("Ares Predator", (0, 0), json!({"target_distance": 5, "smart_goggles": true}), 4, 6, "9M"),
        ("Ares Predator", (3, 3), json!({"target_distance": 5}), 8, 6, "9M"),
        ("Ares Predator", (6, 1), json!({"target_distance": 5}), 8, 6, "9M"),
        ("AK-97", (0, 0), json!({"target_distance": 10, "firing_mode": "BF", "rounds": 2}), 6, 6, "10M"),
        ("AK-97", (0, 0), json!({"target_distance": 10, "firing_mode": "BF", "rounds": 1}), 4, 6, "8M"),
        ("AK-97", (0, 0), json!({"target_distance": 10, "firing_mode": "BF", "called_shot": true}), 11, 6, "11D"),
        (
            "Ares Predator",
            (0, 0),
            json!({"target_distance": 5, "light_level": "DARK", "conditions": ["glare"]}),
            12,
            6,
            "9M",
        ),
        ("Ares Predator", (0, 0), json!({"target_distance": 5, "cover": "full"}), 12, 6, "9M"),
        ("Remington 950", (0, 0), json!({"target_distance": 60, "target_movement": "walking"}), 5, 6, "9S"),
        (
            "Ares Predator",
            (0, 0),
            json!({"target_distance": 5, "attacker_movement": "walking", "rough_ground": true,
            "gyro_stabilisation": 6}),
            4,
            6,
            "9M",
        ),
    ];
    for (weapon, (physical, stun), mut arguments, target_number, dice, code) in sums {
        hurt(&table, "Gunner", physical, stun).await;
        arguments["weapon_name"] = weapon.into();
        let shot = table.call("calculate_ranged_attack", of("Gunner", arguments)).await;
        let shown = (&shot["final_tn"], &shot["dice_pool_breakdown"]["total"], &shot["damage"]["code"]);
        assert_eq!(shown, (&json!(target_number), &json!(dice), &json!(code)), "{}", shot["breakdown"]);
        let successes = shot["successes"].as_i64().unwrap();
        let unresisted = if successes == 0 { "" } else { moved(&level_of(&shot["damage"]["code"]), successes / 2) };
        assert_eq!(shot["damage"]["unresisted_level"], unresisted, "{shot}");
    }
}

#[tokio::test]
async fn shots_that_cannot_be_made() {
    let table = company().await;
    let shot = |weapon: &str, more: Value| {
        let mut shot = of("Gunner", json!({"weapon_name": weapon, "target_distance": 10}));
        shot.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        shot
    };
    for (weapon, more, why) in [
        ("Ares Predator", json!({"target_distance": 61}), "at most 60 m"),
        ("Ares Predator", json!({"firing_mode": "BF"}), "it has SA"),
        ("HK227", json!({"firing_mode": "FA", "called_shot": true}), "cannot be called in full automatic"),
        ("HK227", json!({"firing_mode": "FA", "rounds": 2}), "allowed are 3 to"),
        ("Ares Predator", json!({"combat_pool": 7}), "at most 6 (the skill's rating 6)"),
    ] {
        table.refuses("calculate_ranged_attack", shot(weapon, more), InvalidInput, why).await;
    }
    hurt(&table, "Gunner", 0, 10).await;
    table.refuses("calculate_ranged_attack", shot("HK227", json!({})), InvalidInput, "out of action").await;
}

#[tokio::test]
async fn rounds_against_armor() {
    let table = company().await;
    for (weapon, ammunition, ballistic, impact, code, resist) in [
        ("Ares Predator", json!("gel"), 5, 3, "7M Stun", 4),
        ("Ares Predator", json!("explosive"), 5, 3, "10M", 5),
        ("Ares Predator", json!("flechette"), 5, 3, "9M", 3),
        ("Ares Predator", json!("flechette"), 0, 0, "9S", 9),
        ("Ares Viper Slivergun", Value::Null, 5, 3, "9M", 3),
        ("Ares Viper Slivergun", Value::Null, 0, 0, "9S", 9),
    ] {
        let arguments = json!({"weapon_name": weapon, "target_distance": 5, "ammunition": ammunition,
            "target_ballistic": ballistic, "target_impact": impact});
        let shot = table.call("calculate_ranged_attack", of("Gunner", arguments)).await;
        let damage = &shot["damage"];
        assert_eq!((&damage["code"], &damage["resist_target_number"]), (&json!(code), &json!(resist)), "{shot}");
    }
    // The same of a Slivergun on the sheet.
    table.call("add_gear", of("Gunner", json!({"gear_name": "Slivergun"}))).await;
    let arguments =
        json!({"weapon_name": "Slivergun", "target_distance": 5, "target_ballistic": 5, "target_impact": 3});
    let shot = table.call("calculate_ranged_attack", of("Gunner", arguments)).await;
    assert_eq!((&shot["on_sheet"], &shot["damage"]["code"]), (&json!(true), &json!("9M")));
}

#[tokio::test]
async fn eyes_of_each_kind_in_the_dark() {
    let table = company().await;
    for (name, light, conditions, modifier) in [
        ("Dwarf", "DARK", json!([]), 2),
        ("Dwarf", "DIM", json!([]), 2),
        ("Dwarf", "PARTIAL", json!([]), 1),
        ("Dwarf", "DARK", json!(["heavy_smoke"]), 2),
        ("Dwarf", "NORMAL", json!(["light_thermal_smoke"]), 4),
        ("Elf", "DARK", json!([]), 8),
        ("Elf", "DIM", json!([]), 2),
        ("Elf", "PARTIAL", json!([]), 0),
        ("Elf", "PARTIAL", json!(["heavy_smoke"]), 4),
        ("Gunner", "DIM", json!(["mist"]), 6),
    ] {
        let arguments = json!({"weapon_name": "Ares Predator", "target_distance": 5, "light_level": light, "conditions": conditions});
        let shot = table.call("calculate_ranged_attack", of(name, arguments)).await;
        assert_eq!(value_of(&shot["modifiers"], "visibility").unwrap_or(0), modifier, "{name}: {}", shot["breakdown"]);
    }
}

#[tokio::test]
async fn damage_is_resisted_and_staged() {
    let table = company().await;
    for (arguments, target_number, dice) in [
        (json!({"damage_code": "9M", "attacker_successes": 5, "armor": 5}), 4, 5),
        (json!({"damage_code": "6L", "attacker_successes": 1, "armor": 7, "combat_pool": 7}), 2, 12),
        (json!({"damage_code": "14S", "attacker_successes": 4, "armor": 3, "barrier": 4}), 7, 5),
    ] {
        hurt(&table, "Gunner", 0, 0).await;
        let hit = table.call("resist_damage", of("Gunner", arguments.clone())).await;
        assert_eq!((&hit["target_number"], &hit["dice_pool"]), (&json!(target_number), &json!(dice)), "{hit}");
        let net = arguments["attacker_successes"].as_i64().unwrap() - hit["successes"].as_i64().unwrap();
        let level = moved(&level_of(&arguments["damage_code"]), net / 2);
        let level = if hit["complete_miss"] == true { "" } else { level };
        assert_eq!((&hit["wound_level"], &hit["boxes"]), (&json!(level), &json!(boxes(level))), "{hit}");
        assert_eq!(hit["condition"]["physical"], boxes(level));
    }
}

#[tokio::test]
async fn armor_that_is_worn_counts_by_what_hits_it() {
    let table = company().await;
    table.call("add_gear", of("Gunner", json!({"gear_name": "Armor Jacket"}))).await;
    table.call("wear_armor", of("Gunner", json!({"armor_name": "Armor Jacket"}))).await;
    for (arguments, armor, target_number) in [
        (json!({"damage_code": "9M"}), 5, 4),
        (json!({"damage_code": "9M", "armor_type": "impact"}), 3, 6),
        (json!({"damage_code": "7M", "melee": true}), 3, 4),
        (json!({"damage_code": "7M Stun", "gel": true}), 3, 4),
        (json!({"damage_code": "9M", "flechette": true}), 6, 3),
    ] {
        let hit = table.call("resist_damage", of("Gunner", arguments)).await;
        assert_eq!((&hit["armor"], &hit["target_number"]), (&json!(armor), &json!(target_number)), "{hit}");
        hurt(&table, "Gunner", 0, 0).await;
    }
    // Gel knocks down with its full Power, a plain round with half of it.
    for (gel, knockdown) in [(true, 9), (false, 4)] {
        let hit = json!({"damage_code": "9D", "attacker_successes": 20, "gel": gel});
        let hit = table.call("resist_damage", of("Gunner", hit)).await;
        assert_eq!(
            (&hit["knockdown"]["target_number"], &hit["knockdown"]["always"]),
            (&json!(knockdown), &json!(true))
        );
        hurt(&table, "Gunner", 0, 0).await;
    }
}

#[tokio::test]
async fn blows_and_their_wounds() {
    let table = company().await;
    let blow = json!({"weapon_name": "Sword", "target_name": "Troll", "target_weapon": "Club", "light_level": "PARTIAL",
        "friends": 2, "opponent_friends": 1, "combat_pool": 3});
    let blow = table.call("melee_combat", of("Gunner", blow)).await;
    // Reach 1 against club and troll, 2; half of the light; one friend more. The troll sees heat: half of 1 is 0.
    assert_eq!((&blow["attacker"]["target_number"], &blow["attacker"]["dice_pool"]), (&json!(5), &json!(8)), "{blow}");
    assert_eq!((&blow["defender"]["target_number"], &blow["defender"]["dice_pool"]), (&json!(4), &json!(5)), "{blow}");
    let (own, theirs) =
        (blow["attacker"]["successes"].as_i64().unwrap(), blow["defender"]["successes"].as_i64().unwrap());
    match (own, theirs) {
        (0, 0) => assert_eq!(blow["winner"], "nobody"),
        (own, theirs) if own >= theirs => {
            assert_eq!((&blow["winner"], &blow["damage"]["code"]), (&json!("attacker"), &json!("7M")));
            assert_eq!(blow["damage"]["unresisted_level"], moved("M", (own - theirs) / 2));
        }
        (own, theirs) => {
            assert_eq!((&blow["winner"], &blow["damage"]["code"]), (&json!("defender"), &json!("9M Stun")));
            assert_eq!(blow["damage"]["unresisted_level"], moved("M", (theirs - own) / 2));
        }
    }
    // Net successes raise the level by themselves; a tie hits with none.
    for net in [0, 1, 3] {
        hurt(&table, "Gunner", 0, 0).await;
        let hit =
            json!({"damage_code": "7M", "attacker_successes": net, "melee": true, "armor": 3, "attacker_strength": 5});
        let hit = table.call("resist_damage", of("Gunner", hit)).await;
        assert_eq!((&hit["target_number"], &hit["dice_pool"]), (&json!(4), &json!(5)));
        let level = moved("M", net / 2 - hit["successes"].as_i64().unwrap() / 2);
        assert_eq!(hit["wound_level"], level, "{hit}");
        if !level.is_empty() {
            assert_eq!(hit["knockdown"]["target_number"], 5);
        }
    }
    // What Strength drives follows it.
    table.call("add_gear", of("Gunner", json!({"gear_name": "Katana"}))).await;
    let code = async || {
        let blow = json!({"weapon_name": "Katana", "target_skill": 1, "modifier": -20, "combat_pool": 5});
        table.call("melee_combat", of("Gunner", blow)).await["damage"]["code"].clone()
    };
    assert_eq!(code().await, "8M");
    let raised = json!({"modifier_name": "strength", "modifier_type": "attribute", "modifier_value": 2});
    table.call("add_modifier", of("Gunner", raised)).await;
    assert_eq!(code().await, "10M");
    let troll = table.call("resist_damage", of("Troll", json!({"damage_code": "9M", "armor": 0}))).await;
    assert_eq!(troll["dice_pool"], 9, "Body 8 and his hide");
}

#[tokio::test]
async fn damage_beyond_the_boxes() {
    let table = company().await;
    let apply = async |boxes: u32, kind: &str| {
        let applied = table.call("apply_damage", of("Gunner", json!({"boxes": boxes, "damage_type": kind}))).await;
        let condition = &applied["condition"];
        [&condition["physical"], &condition["stun"], &condition["overflow"], &condition["state"]].map(Value::clone)
    };
    assert_eq!(apply(9, "stun").await, [json!(0), json!(9), json!(0), json!("acting")]);
    assert_eq!(apply(3, "stun").await, [json!(2), json!(10), json!(0), json!("unconscious")]);
    assert_eq!(apply(10, "stun").await, [json!(10), json!(10), json!(2), json!("near_death")]);
    // Body 5: five boxes of overflow are near death, the sixth is death.
    assert_eq!(apply(3, "physical").await, [json!(10), json!(10), json!(5), json!("near_death")]);
    assert_eq!(apply(1, "physical").await, [json!(10), json!(10), json!(6), json!("dead")]);
}

#[tokio::test]
async fn wounds_heal_by_the_tables() {
    let table = company().await;
    // Moderate 6, Body 5 -1, no medkit +4; the healer has a light Stun wound, +1.
    hurt(&table, "Gunner", 3, 0).await;
    hurt(&table, "Mage", 0, 1).await;
    let aid = json!({"healer_name": "Mage", "no_medkit": true});
    let aid = table.call("first_aid", of("Gunner", aid)).await;
    assert_eq!((&aid["target_number"], &aid["dice_pool"]), (&json!(10), &json!(5)), "{aid}");
    let healed = if aid["successes"] == 0 { 0 } else { 2 };
    assert_eq!((&aid["healed"], &aid["condition"]["physical"]), (&json!(healed), &json!(3 - healed)));
    // A magician is harder to treat: Serious 8 +2, his own wound hampers the healer alone.
    hurt(&table, "Mage", 6, 0).await;
    table.call("add_skill", of("Gunner", json!({"skill_name": "Biotech", "base_rating": 3}))).await;
    hurt(&table, "Gunner", 0, 0).await;
    let aid = table.call("first_aid", of("Mage", json!({"healer_name": "Gunner"}))).await;
    assert_eq!(aid["target_number"], 10);

    for (physical, target_number, days, least) in [(6, 8, 20, 2), (3, 6, 10, 1)] {
        hurt(&table, "Gunner", physical, 0).await;
        let heal = table.call("heal", of("Gunner", json!({}))).await;
        assert_eq!((&heal["target_number"], &heal["dice_pool"]), (&json!(target_number), &json!(5)));
        let successes = heal["successes"].as_u64().unwrap();
        if successes > 0 {
            let days = ((2 * days + successes) / (2 * successes)).max(least);
            assert_eq!(heal["time"], format!("{days} day{}", if days == 1 { "" } else { "s" }));
        }
    }
    // Stun: Body or Willpower against 2 and both wounds.
    hurt(&table, "Gunner", 1, 6).await;
    let heal = table.call("heal", of("Gunner", json!({"damage_type": "stun"}))).await;
    assert_eq!((&heal["target_number"], &heal["dice_pool"]), (&json!(6), &json!(5)));
}

#[tokio::test]
async fn karma_and_what_it_buys() {
    let table = company().await;
    table.call("set_karma", of("Gunner", json!({"total": 100, "available": 100}))).await;
    let spent =
        async |tool: &str, arguments: Value| table.call(tool, of("Gunner", arguments)).await["karma_spent"].clone();
    assert_eq!(spent("improve_skill", json!({"skill_name": "Firearms", "new_rating": 7})).await, 14);
    assert_eq!(spent("update_attribute", json!({"attribute_name": "Body", "new_value": 6})).await, 6);
    // Above the racial maximum of 6.
    assert_eq!(spent("update_attribute", json!({"attribute_name": "Body", "new_value": 7})).await, 14);
    assert_eq!(spent("add_specialization", json!({"skill_name": "Firearms", "specialization": "Pistols"})).await, 8);
    assert_eq!(spent("improve_skill", json!({"skill_name": "Pistols", "new_rating": 9})).await, 9);
    let language = json!({"skill_name": "Japanese", "base_rating": 3, "skill_type": "language", "pay_karma": true});
    assert_eq!(spent("add_skill", language).await, 6);
    let tested = table.call("test_skill", of("Gunner", json!({"skill_name": "Pistols"}))).await;
    assert_eq!(tested["dice_pool"], 9);
    let too_much = of("Gunner", json!({"skill_name": "Gunnery", "new_rating": 9}));
    table.refuses("improve_skill", too_much, InvalidInput, "costs 70 Good Karma").await;

    let earned = table.call("add_karma", of("Gunner", json!({"amount": 37}))).await;
    // One to begin with, and a tenth rounded up.
    assert_eq!((&earned["karma_pool"], &earned["karma_available"]), (&json!(5), &json!(76)));
    let left =
        async |arguments: Value| table.call("use_karma", of("Gunner", arguments)).await["karma_pool_left"].clone();
    assert_eq!(left(json!({"use": "reroll_failures", "count": 3, "target_number": 5, "iteration": 2})).await, 3);
    assert_eq!(left(json!({"use": "avoid_disaster"})).await, 2);
    let bought = json!({"use": "buy_successes", "count": 2, "natural_successes": 1});
    assert_eq!(left(bought).await, 0);
    let all = table.call("refresh_pools", of("Gunner", json!({"scene": true}))).await;
    assert_eq!(all["entry"]["karma_pool_left"], 3, "two are gone for good");
    let dice = of("Gunner", json!({"use": "buy_dice", "count": 7, "skill": 6, "target_number": 4}));
    table.refuses("use_karma", dice, InvalidInput, "at most as many as the skill or attribute has, 6").await;
}

#[tokio::test]
async fn priorities_at_their_edges() {
    let table = Table::start().await;
    let made = |name: &str, metatype: &str, letters: &str, attributes: [u32; 6]| {
        let letter = |at: usize| letters[at..=at].to_owned();
        let [body, quickness, strength, charisma, intelligence, willpower] = attributes;
        json!({"street_name": name, "archetype": "Runner", "metatype": metatype,
            "priorities": {"race": letter(0), "magic": letter(1), "attributes": letter(2), "skills": letter(3),
                "resources": letter(4)},
            "attributes": {"body": body, "quickness": quickness, "strength": strength, "charisma": charisma,
                "intelligence": intelligence, "willpower": willpower}})
    };
    for (name, metatype, letters, attributes, magic, nuyen) in [
        ("One", "human", "EABCD", [4, 4, 4, 4, 4, 4], 6, 5_000),
        ("Two", "human", "EBACD", [5, 5, 5, 5, 5, 5], 6, 5_000),
        ("Three", "human", "ECABD", [5, 5, 5, 5, 5, 5], 0, 5_000),
        ("Four", "elf", "ABCDE", [3, 3, 3, 6, 3, 2], 6, 500),
        ("Five", "troll", "ACBED", [6, 2, 6, 3, 3, 4], 6, 5_000),
        ("Six", "ork", "ADEBC", [3, 3, 3, 2, 2, 2], 0, 90_000),
    ] {
        table.call("create_character", made(name, metatype, letters, attributes)).await;
        let sheet = table.call("get_character", of(name, json!({}))).await;
        assert_eq!((&sheet["attributes"]["magic"], &sheet["nuyen"]), (&json!(magic), &json!(nuyen)), "{name}");
    }
    let mut adept = made("Seven", "human", "EBACD", [5; 6]);
    adept["archetype"] = "Physical Adept".into();
    table.call("create_character", adept).await;
    let powers = table.call("get_powers", of("Seven", json!({}))).await;
    assert_eq!(powers["power_points_available"], 6);
    let troll = table.call("get_character", of("Five", json!({}))).await;
    assert_eq!((&troll["attributes"]["body"], &troll["attributes"]["strength"]), (&json!(11), &json!(10)));
    for (metatype, letters, attributes, why) in [
        ("dwarf", "BACDE", [3; 6], "takes race as priority A"),
        ("human", "AACDE", [3; 6], "B is not"),
        ("human", "ABCDE", [4, 4, 4, 4, 4, 1], "attributes take 21 points; priority C has 20"),
        ("troll", "ADBCE", [4, 4, 4, 4, 4, 2], ""),
        ("elf", "ADBCE", [4, 4, 4, 7, 3, 2], "Charisma would be 9"),
        ("troll", "ADBCE", [4, 4, 4, 2, 4, 4], "Charisma would be 0"),
    ] {
        let character = made("Edge", metatype, letters, attributes);
        if why.is_empty() {
            table.call("create_character", character).await;
            table.call("delete_character", of("Edge", json!({}))).await;
            continue;
        }
        table.refuses("create_character", character, InvalidInput, why).await;
    }
}

#[tokio::test]
async fn accessories_count_in_every_later_attack() {
    let table = company().await;
    table.call("add_gear", of("Gunner", json!({"gear_name": "AK-97"}))).await;
    table.call("add_nuyen", of("Gunner", json!({"amount": 1_200}))).await;
    let mount = |accessory: &str| of("Gunner", json!({"weapon_name": "AK-97", "accessory": accessory}));
    let burst = async || {
        let burst = json!({"weapon_name": "AK-97", "target_distance": 10, "firing_mode": "BF"});
        table.call("calculate_ranged_attack", of("Gunner", burst)).await
    };
    assert_eq!(burst().await["final_tn"], 7);
    assert_eq!(table.call("mount_accessory", mount("Gas Vent III")).await["nuyen_spent"], 0);
    assert_eq!(burst().await["final_tn"], 4);
    assert_eq!(table.call("mount_accessory", mount("laser")).await["nuyen_spent"], 500);
    table.call("mount_accessory", mount("Silencer")).await;
    let shot = burst().await;
    assert_eq!(shot["final_tn"], 3);
    assert!(shot["notes"].to_string().contains("Silencer: +4 to notice the shot"), "{shot}");
    table.refuses("mount_accessory", mount("Gas Vent II"), InvalidInput, "has a Gas Vent III already").await;
    table.refuses("mount_accessory", mount("Sound Suppressor"), InvalidInput, "has a Silencer already").await;
    table.refuses("mount_accessory", mount("Smart Goggles"), InvalidInput, "are worn, not mounted").await;
    table.refuses("mount_accessory", mount("Bayonet"), InvalidInput, "unknown accessory").await;
    table.refuses("mount_accessory", mount("Scope 3"), InvalidInput, "costs 1200 nuyen").await;

    // What comes off is kept, and used again for nothing.
    table.call("remove_accessory", mount("Laser Sight")).await;
    assert_eq!(burst().await["final_tn"], 4);
    let again = table.call("mount_accessory", mount("Laser Sight")).await;
    assert_eq!(again["nuyen_spent"], 0);
    assert_eq!(table.sheet("Gunner").await["gear"].as_array().unwrap().len(), 1);

    let smart = table.call("mount_accessory", mount("Internal Smartgun")).await;
    assert_eq!((&smart["nuyen_spent"], &smart["entry"]["weapon_stats"]["smart"]), (&json!(700), &json!(true)));
    table.refuses("remove_accessory", mount("Internal Smartgun"), InvalidInput, "is built into the AK-97").await;
    table.call("mount_accessory", mount("Customisation")).await;
    assert_eq!(burst().await["dice_pool_breakdown"]["total"], 6);
    table.call("toggle_house_rule", json!({"rule_name": "customised weapon", "is_active": true})).await;
    assert_eq!(burst().await["dice_pool_breakdown"]["total"], 7);
}

#[tokio::test]
async fn the_astral_act_before_the_matrix_and_the_matrix_before_the_body() {
    let table = company().await;
    // So many that some of each act in the same phase.
    let planes = ["astral", "matrix", "physical"];
    let fighters = (1..=45).map(|number| {
        let plane = planes[number % 3];
        json!({"name": format!("{plane} {number}"), "reaction": 20, "plane": plane})
    });
    let participants: Vec<Value> = fighters.collect();
    let fight = table.call("start_combat", json!({"participants": participants})).await;
    let rank = |name: &Value| planes.iter().position(|plane| name.as_str().unwrap().starts_with(plane)).unwrap();
    let mut actions = vec![(fight["phase"].as_u64().unwrap(), rank(&fight["actor"]))];
    for action in fight["upcoming"].as_array().unwrap() {
        actions.push((action["phase"].as_u64().unwrap(), rank(&action["name"])));
    }
    for pair in actions.windows(2) {
        assert!(pair[0].0 > pair[1].0 || pair[0].0 == pair[1].0 && pair[0].1 <= pair[1].1, "{actions:?}");
    }
    assert!(planes.iter().any(|plane| fight["order"][0]["plane"] == *plane), "{fight}");
    // In the Matrix a deck is as fast as the sheet says.
    let fight = table.call("start_combat", json!({"participants": [{"name": "Manticore", "plane": "matrix"}]})).await;
    let decker = &fight["order"][0];
    assert_eq!((&decker["reaction"], decker["rolls"].as_array().unwrap().len()), (&json!(13), 6), "{fight}");
    let noticed = json!({"force": 1, "caster_magic": 6, "astral": true});
    let noticed = table.call("notice_spellcasting", of("Mage", noticed)).await;
    assert_eq!((&noticed["noticed"], &noticed["dice_pool"]), (&json!(true), &json!(0)));
}
