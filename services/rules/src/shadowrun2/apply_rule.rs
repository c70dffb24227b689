//! Any single rule by the name of its area: JSON in, JSON out.
//!
//! [`AREAS`] lists every area with its keys; the answers are in the files beside this one, the rules themselves in
//! the modules of [`super`]. A key that is missing means that its circumstance is absent, where that has a meaning.

mod character;
mod combat;
mod harm;
mod input;
mod magic;
mod situation;
mod tests_and_tools;
mod words;

use serde_json::Value;

use crate::UnknownName;
use crate::names::same_name;
use input::Input;

/// A rule that can be asked for by name.
pub struct Area {
    /// Its name.
    pub name: &'static str,
    /// The keys of its input.
    pub keys: &'static [&'static str],
    /// What it answers, in a sentence.
    pub about: &'static str,
    answer: fn(&Input<'_>) -> Result<Value, RuleError>,
}

/// A question that could not be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No area has this name.
    #[error(transparent)]
    UnknownArea(#[from] UnknownName),
    /// The input, or a part of it, is not an object.
    #[error("{place} must be an object with the keys {}", keys.join(", "))]
    NotAnObject {
        /// The area, or the key within it.
        place: String,
        /// Keys it may have.
        keys: &'static [&'static str],
    },
    /// A key that means nothing here.
    #[error("{place} has no key {key:?}; allowed are {}", keys.join(", "))]
    UnknownKey {
        /// The area, or the key within it.
        place: String,
        /// The key, cut to 64 characters.
        key: String,
        /// Keys it may have.
        keys: &'static [&'static str],
    },
    /// A key that must be there.
    #[error("{place} needs {key:?}: {expected}")]
    Missing {
        /// The area, or the key within it.
        place: String,
        /// The key.
        key: &'static str,
        /// What its value is.
        expected: String,
    },
    /// A value of the wrong kind, or out of bounds.
    #[error("{place}: {key:?} must be {expected}, not {found}")]
    Wrong {
        /// The area, or the key within it.
        place: String,
        /// The key.
        key: &'static str,
        /// What its value is.
        expected: String,
        /// What was given, cut to 64 characters.
        found: String,
    },
    /// A word that is none of those allowed.
    #[error("{place}, {key:?}: {unknown}")]
    UnknownWord {
        /// The area, or the key within it.
        place: String,
        /// The key.
        key: &'static str,
        /// The word and those allowed.
        unknown: Box<UnknownName>,
    },
    /// The rule refuses what was asked.
    #[error("{place}: {reason}")]
    Refused {
        /// The area.
        place: String,
        /// Why.
        reason: String,
    },
}

/// Answers the rule of this area for this input.
///
/// # Errors
///
/// [`RuleError`], with the areas, keys or values that are allowed.
pub fn apply_rule(area: &str, input: &Value) -> Result<Value, RuleError> {
    let Some(found) = AREAS.iter().find(|known| same_name(known.name, area)) else {
        return Err(UnknownName::new("area", area, AREAS.iter().map(|known| known.name)).into());
    };
    let input = Input::new(found.name, found.keys, input)?;
    (found.answer)(&input)
}

const fn area(
    name: &'static str,
    keys: &'static [&'static str],
    answer: fn(&Input<'_>) -> Result<Value, RuleError>,
    about: &'static str,
) -> Area {
    Area { name, keys, about, answer }
}

/// Every area, in the order of the alphabet.
pub const AREAS: &[Area] = &[
    area(
        "ammo",
        &["damage", "ammo", "ballistic", "impact", "constant"],
        combat::ammo,
        "damage of flechette, explosive or gel rounds, and the target number to resist it",
    ),
    area(
        "barrier",
        &["adjusted_rating", "power", "firing_through_rating", "armor"],
        combat::barrier,
        "what a blow does to a barrier, or what a barrier takes off a shot through it",
    ),
    area(
        "base_time",
        &["base_time", "successes"],
        tests_and_tools::base_time,
        "time a task takes with these successes",
    ),
    area("base_tn", &["range_category"], combat::base_tn, "target number of a range before modifiers"),
    area("called_shot", &["damage"], combat::called_shot, "damage and modifier of a called shot"),
    area(
        "combat_pool",
        &["quickness", "intelligence", "willpower", "name"],
        character::combat_pool,
        "Combat Pool before armor",
    ),
    area(
        "combat_pool_armor",
        &["pool", "heavy_armor_ballistic", "quickness"],
        character::combat_pool_armor,
        "Combat Pool in heavy armor",
    ),
    area(
        "combat_pool_cap",
        &["skill", "pool_available", "test"],
        character::combat_pool_cap,
        "most Combat Pool dice for an attack or to resist damage",
    ),
    area(
        "complete_miss",
        &["attacker_successes", "defender_combat_pool_successes"],
        combat::complete_miss,
        "whether pool dice alone avoid the attack",
    ),
    area("concentration", &["skill_points"], character::concentration, "ratings after taking a concentration"),
    area("condition_level", &["boxes"], harm::condition_level, "wound level of a track with these boxes filled"),
    area("conjuring_drain", &["charisma", "spirit_force"], magic::conjuring_drain, "drain of calling a spirit"),
    area("control_pool", &["reaction", "vcr_level"], character::control_pool, "a rigger's Control Pool"),
    area("damage_boxes", &["level"], harm::damage_boxes, "boxes a wound fills"),
    area("damage_cumulative", &["wounds"], harm::damage_cumulative, "boxes and level of several wounds on one track"),
    area(
        "damage_overflow",
        &["track", "stun_boxes", "physical_boxes", "new_boxes", "natural_body", "overflow_boxes"],
        harm::damage_overflow,
        "what becomes of damage a track cannot hold",
    ),
    area(
        "damage_staging",
        &["base_level", "attacker_successes", "defender_successes"],
        combat::damage_staging,
        "wound level after successes of both sides",
    ),
    area(
        "dice_test",
        &["dice", "target_number", "faces_by_die"],
        tests_and_tools::dice_test,
        "a success test with given faces",
    ),
    area("drain_power", &["formula", "force", "spells"], magic::drain_power, "power and level of drain"),
    area(
        "drain_resistance",
        &["drain_power", "level", "successes", "willpower"],
        magic::drain_resistance,
        "drain left after resistance",
    ),
    area("drain_test", &["formula", "force", "magic"], magic::drain_test, "target number, level and kind of drain"),
    area("firearm_mode", &["damage", "mode", "rounds"], combat::firearm_mode, "damage of a burst"),
    area("first_aid_tn", &["wound"], harm::first_aid, "target number and minutes of first aid"),
    area("focus_bonding_karma", &["focus", "rating"], magic::focus_bonding_karma, "Good Karma to bond a focus"),
    area("grenade_blast", &["type", "distance_m"], combat::grenade_blast, "damage of a grenade at a distance"),
    area("hacking_pool", &["computer_skill", "reaction"], character::hacking_pool, "a decker's Hacking Pool"),
    area("heal_spell_tn", &["spell", "essence"], harm::heal_spell, "target number of Treat or Heal"),
    area("heal_unaided_tn", &["wound"], harm::heal_unaided, "target number to heal without help"),
    area("healing_stage", &["level"], harm::healing_stage, "target number and times of healing a level"),
    area("initiative_actions", &["initiative_total"], tests_and_tools::initiative_actions, "actions in a turn"),
    area("initiative_phases", &["initiative_total"], tests_and_tools::initiative_phases, "phases with an action"),
    area("initiative_tie", &["a", "b"], tests_and_tools::initiative_tie, "who declares first and who acts first"),
    area("initiative_total", &["notation", "dice"], tests_and_tools::initiative_total, "total of an initiative roll"),
    area("karma_avoid_disaster", &["all_ones"], character::karma_avoid_disaster, "Karma Pool to avoid a disaster"),
    area(
        "karma_buy_dice",
        &["skill", "buy", "max_allowed"],
        character::karma_buy_dice,
        "Karma Pool for extra dice, if they are allowed",
    ),
    area("karma_buy_success", &["natural_successes", "buy"], character::karma_buy_success, "Karma Pool for successes"),
    area("karma_cost", &["improve", "new_rating"], character::karma_cost, "Good Karma for an improvement"),
    area(
        "karma_reroll",
        &["failed_dice", "target_number", "faces_in_order"],
        tests_and_tools::karma_reroll,
        "failed dice rolled again with given faces",
    ),
    area(
        "karma_reroll_cost",
        &["reroll_number_on_this_test"],
        character::karma_reroll_cost,
        "Karma Pool to roll failures again",
    ),
    area("karma_split", &["earned"], character::karma_split, "earned Karma to Karma Pool and Good Karma"),
    area("knockdown", &["power", "wound"], combat::knockdown, "the test against being knocked down by a shot"),
    area("learn_spell", &["force"], magic::learn_spell, "test, days and Karma to learn a spell"),
    area("magic_pool", &["sorcery", "power_focus"], character::magic_pool, "Magic Pool without totem"),
    area(
        "magic_pool_cap",
        &["magic", "pool", "test"],
        character::magic_pool_cap,
        "most Magic Pool dice for a spell's success or to resist drain",
    ),
    area(
        "magnification",
        &["weapon_class", "distance_m", "magnification"],
        combat::magnification,
        "range through image magnification",
    ),
    area("melee_tn", &["situation", "parameters"], situation::melee_tn, "target number in melee"),
    area("movement", &["race", "quickness"], character::movement, "metres a phase"),
    area(
        "notice_spellcasting_tn",
        &["force", "magic"],
        magic::notice_spellcasting,
        "target number to notice that a spell is cast",
    ),
    area("object_resistance", &["category"], magic::object_resistance, "target number of a spell on a thing"),
    area("range_bracket", &["weapon_class", "distance_m"], combat::range_bracket, "range of a distance"),
    area(
        "range_limits_strength",
        &["weapon_class", "strength"],
        combat::range_limits_strength,
        "ranges of weapons that go by Strength",
    ),
    area("ranged_tn", &["situation", "parameters"], situation::ranged_tn, "target number of a shot"),
    area("reaction", &["quickness", "intelligence"], character::reaction, "natural Reaction"),
    area("resist_tn", &["power", "armor"], combat::resist_tn, "target number to resist damage"),
    area("skill_web", &["from", "to"], character::skill_web, "modifier for defaulting through the Skill Web"),
    area("specialization", &["skill_points"], character::specialization, "ratings after taking a specialization"),
    area("spell_catalog", &["spell"], magic::spell_catalog, "type, duration and drain of a spell"),
    area(
        "spell_result",
        &["caster_successes", "target_successes", "base_level"],
        magic::spell_result,
        "wound level of a combat spell",
    ),
    area(
        "spell_test",
        &["force", "magic_pool", "target_body", "caster_wound"],
        magic::spell_test,
        "dice and target numbers of a physical spell at someone alive",
    ),
    area("surprise_tn", &["role"], tests_and_tools::surprise, "target number of the surprise test"),
    area("sustaining_penalty", &["sustained_spells"], magic::sustaining_penalty, "modifier for sustained spells"),
    area(
        "tool_calculate_dice_pool",
        &["skill_rating", "attribute_rating", "modifiers"],
        tests_and_tools::dice_pool,
        "dice of a skill test, by the web contract and by the book",
    ),
    area(
        "tool_calculate_target_number",
        &["situation", "difficulty"],
        tests_and_tools::target_number,
        "target number of a difficulty, by the web contract",
    ),
    area(
        "totem_vs_drain",
        &["formula", "force", "totem_dice"],
        magic::totem_vs_drain,
        "that totem dice do not change drain",
    ),
    area("visibility", &["condition", "vision"], combat::visibility, "modifier of darkness, smoke and the like"),
    area("wound_initiative_modifier", &["level"], harm::wound_initiative_modifier, "what a wound takes off Reaction"),
    area("wound_modifier", &["level"], harm::wound_modifier, "what a wound adds to target numbers"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    fn refusal(area: &str, input: Value) -> String {
        apply_rule(area, &input).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_area_is_told_the_nearest() {
        assert_eq!(refusal("knockdwn", json!({})), "unknown area \"knockdwn\"; nearest names: knockdown");
        assert!(refusal("xyzzy", json!({})).contains("allowed are ammo, barrier, base_time"));
    }

    #[test]
    fn malformed_input_is_told_what_is_allowed() {
        assert_eq!(refusal("reaction", json!([])), "reaction must be an object with the keys quickness, intelligence");
        assert_eq!(
            refusal("reaction", json!({"quickness": 3, "inteligence": 4})),
            "reaction has no key \"inteligence\"; allowed are quickness, intelligence"
        );
        assert_eq!(
            refusal("reaction", json!({"quickness": 3})),
            "reaction needs \"intelligence\": a whole number from 0 to 1000000"
        );
        assert_eq!(
            refusal("reaction", json!({"quickness": "fast", "intelligence": 4})),
            "reaction: \"quickness\" must be a whole number from 0 to 1000000, not \"fast\""
        );
        assert_eq!(
            refusal("damage_boxes", json!({"level": "X"})),
            "damage_boxes, \"level\": unknown wound level \"X\"; allowed are L, M, S, D, light, moderate, serious, deadly"
        );
        assert_eq!(
            refusal("ranged_tn", json!({"parameters": {"range": "short", "weapon": {"recoil": 3}}})),
            "ranged_tn parameters weapon has no key \"recoil\"; allowed are class, recoilComp, gyroStabilization, \
             laserSight, smart"
        );
    }

    #[test]
    fn whole_numbers_may_come_as_floats() {
        assert_eq!(apply_rule("reaction", &json!({"quickness": 5.0, "intelligence": 4.0})), Ok(json!(4)));
        assert!(apply_rule("reaction", &json!({"quickness": 5.5, "intelligence": 4})).is_err());
    }

    #[test]
    fn what_has_no_meaning_at_0_is_refused_there() {
        for (area, input) in [
            ("conjuring_drain", json!({"charisma": 5, "spirit_force": 0})),
            ("focus_bonding_karma", json!({"focus": "power focus", "rating": 0})),
            ("karma_cost", json!({"improve": "attribute", "new_rating": 0})),
            ("karma_reroll_cost", json!({"reroll_number_on_this_test": 0})),
            ("barrier", json!({"adjusted_rating": 0, "power": 5})),
        ] {
            let refused = refusal(area, input);
            assert!(refused.contains("must be a whole number from 1 to"), "{refused}");
        }
    }

    #[test]
    fn figures_beyond_what_there_is_are_refused_and_power_ends_at_0() {
        assert!(refusal("control_pool", json!({"reaction": 5, "vcr_level": 4})).contains("from 0 to 3, not 4"));
        let far = json!({"weapon_class": "smg", "distance_m": 90, "magnification": 4});
        assert!(refusal("magnification", far).contains("from 0 to 3, not 4"));
        let gel = apply_rule("ammo", &json!({"damage": "1L", "ammo": "gel"})).unwrap();
        assert_eq!(gel, json!({"damage": "0L Stun", "resist_tn": 2}));
    }

    #[test]
    fn words_for_the_same_are_known() {
        let burst =
            |mode: &str| apply_rule("firearm_mode", &json!({"damage": "6M", "mode": mode, "rounds": 3})).unwrap();
        assert_eq!((burst("Full Auto"), burst("burst fire")), (burst("FA"), burst("BF")));
        assert_eq!(apply_rule("karma_cost", &json!({"improve": "New skill", "new_rating": 1})), Ok(json!(1)));
        let prone = json!({"parameters": {"attacker": {"prone": true}}});
        assert_eq!(apply_rule("melee_tn", &prone), Ok(json!(4)));
    }

    #[test]
    fn words_stand_in_for_a_parameter_that_is_not_known() {
        let shot = |situation: &str, more: Value| {
            let mut parameters = json!({"range": "long"});
            parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            apply_rule("ranged_tn", &json!({"situation": situation, "parameters": parameters}))
        };
        assert_eq!(shot("smartlink", json!({"weapon": {"hasSmartlink": true}})), Ok(json!(4)));
        // What is known is told better by the parameters.
        assert_eq!(shot("called shot", json!({"situation": {"calledShot": false}})), Ok(json!(6)));
        let refused = shot("with a banana", json!({"banana": 1})).unwrap_err().to_string();
        assert!(refused.contains("has no key \"banana\""), "{refused}");
        let blow = json!({"situation": "superior position", "parameters": {"defender": {"below": true}}});
        assert_eq!(apply_rule("melee_tn", &blow), Ok(json!(3)));
    }

    #[test]
    fn a_test_without_a_die_needs_no_faces() {
        let none = json!({"rolls": [], "successes": 0, "all_ones": false});
        assert_eq!(apply_rule("dice_test", &json!({"dice": -2, "target_number": 4})), Ok(none));
    }

    #[test]
    fn spelling_does_not_matter_where_the_meaning_is_sure() {
        let answer = |area, input| apply_rule(area, &input).unwrap();
        assert_eq!(answer("Reaction", json!({"Quickness": "5", "intelligence": " 4 "})), json!(4));
        assert_eq!(answer("range bracket", json!({"weaponClass": "Heavy_Pistol", "distance-m": 20})), json!("medium"));
        let pool = json!({"skill": 5, "pool_available": 9, "test": "Damage_Resistance"});
        assert_eq!(answer("combat_pool_cap", pool), json!(9));
        assert_eq!(answer("karma_avoid_disaster", json!({"all_ones": "True"})), json!(1));
        assert_eq!(answer("heal_spell_tn", json!({"spell": "HEAL", "essence": "2.55"})), json!(8));
        // A key as it is counts before one that is like it.
        assert_eq!(answer("learn_spell", json!({"Force": 9, "force": 2}))["karma"], json!(2));
        assert!(apply_rule("reaction", &json!({"quickness": "5 or so", "intelligence": 4})).is_err());
    }

    #[test]
    fn areas_are_in_order_and_each_has_one_name() {
        assert!(AREAS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let words = prop::sample::select(vec![
            "L",
            "D",
            "light",
            "deadly",
            "9M",
            "7M Stun",
            "BF",
            "FA",
            "gel",
            "stun",
            "physical",
            "(F/2)S",
            "short",
            "DARK",
            "heavy pistol",
            "bow",
            "2d6+5",
            "attack",
            "attribute",
            "human",
            "QUICKNESS",
            "Heal",
            "running",
            "natural",
            "2nd target",
            "extreme, 3 aim actions",
            "6 more friends",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-12_i64..120).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            words.prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key(), inner), 0..6)
                    .prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    fn key() -> impl Strategy<Value = String> {
        let keys = [
            "range",
            "attacker",
            "defender",
            "weapon",
            "situation",
            "movement",
            "woundLevel",
            "vision",
            "lowLight",
            "recoil",
            "recoilComp",
            "lightLevel",
            "conditions",
            "smoke",
            "total",
            "adjusted_reaction",
            "friends",
        ];
        prop_oneof![prop::sample::select(keys.to_vec()).prop_map(str::to_owned), ".{0,4}".prop_map(String::from)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_input_makes_a_rule_panic(area in 0..AREAS.len(), values in prop::collection::vec(any_json(), 6)) {
            let area = &AREAS[area];
            let input: Map<String, Value> =
                area.keys.iter().zip(values).map(|(key, value)| ((*key).to_owned(), value)).collect();
            if let Err(error) = apply_rule(area.name, &Value::from(input)) {
                prop_assert!(!error.to_string().is_empty());
            }
        }

        #[test]
        fn no_json_at_all_makes_a_rule_panic(area in 0..AREAS.len(), input in any_json()) {
            if let Err(error) = apply_rule(AREAS[area].name, &input) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
