//! What the actions of the Hunt and of battles do: rows as in `effects`.

use serde_json::json;

use super::effects::Row;

/// The Hunt.
pub(super) fn hunt() -> Vec<Row> {
    vec![
        ("PROMPT_HUNT_START", json!({}), &["the Hunt begins"]),
        (
            "CALCULATE_HUNT_LEVEL",
            json!({"FELLOWSHIP_MOVED_FLAG": true, "HUNT_ROLLED": true, "HUNT_SUCCESSES": 2, "HUNT_TILE": 214, "HUNT_TILE_KNOWN": true, "HUNT_REVEALS": true, "HUNT_DAMAGE_TO_ASSIGN": 3, "HUNT_LEVEL": 2}),
            &[
                "FELLOWSHIP_MOVED_FLAG = false",
                "HUNT_ROLLED = false",
                "HUNT_SUCCESSES = 0",
                "HUNT_TILE = 0",
                "HUNT_TILE_KNOWN = false",
                "HUNT_REVEALS = false",
                "HUNT_DAMAGE_TO_ASSIGN = 0",
                "HUNT_FIRST_TILE = true",
                "Hunt level 2",
            ],
        ),
        ("PROMPT_HUNT_ROLL", json!({}), &["The Hunt is rolled"]),
        (
            "ROLL_HUNT_DICE",
            json!({"HUNT_LEVEL": 2, "HUNT_SUCCESSES": 4}),
            &[
                r#"HUNT_RESULT = {"rerolled":[],"rolls":[2,2],"successes":0}"#,
                "HUNT_SUCCESSES = 0",
                "HUNT_ROLLED = true",
            ],
        ),
        (
            "ROLL_HUNT_DICE",
            json!({"FELLOWSHIP_AREA": 190, "HUNT_LEVEL": 2, "HUNT_FP_DICE": 1}),
            &["HUNT_SUCCESSES = 3", "HUNT_ROLLED = true"],
        ),
        (
            "APPLY_HUNT_MODIFIERS_AND_REROLLS",
            json!({"HUNT_LEVEL": 2, "HUNT_RESULT": {"rolls": [2, 6], "rerolled": [5], "successes": 1}}),
            &["Rolled 2 6, once more 5"],
        ),
        ("COMPUTE_HUNT_SUCCESSES", json!({"HUNT_ROLLED": true, "HUNT_SUCCESSES": 2}), &["Successes: 2"]),
        ("COMPUTE_HUNT_SUCCESSES", json!({"HUNT_ROLLED": false}), &["tell the result (DICE_ROLLED)"]),
        (
            "PROMPT_HUNT_NO_SUCCESS",
            json!({"HUNT_OF_DIE": true, "SELECTED_NUMBER": 1, "SELECTED_DIE": 210}),
            &[
                "HUNT_OF_DIE = false",
                "HUNT_FP_DICE = 1",
                "record $FSM moves 210 from Current Action to The Hunt For The Ring ",
            ],
        ),
        ("PROMPT_HUNT_DRAW_TILE", json!({}), &["A Hunt tile is drawn"]),
        (
            "DRAW_HUNT_TILE",
            json!({"HUNT_POOL": [225, 227]}),
            &["command Ctrl+H", "HUNT_TILE = 225", "record $FSM moves 225 from Hunt Pool to Used Hunt Tiles "],
        ),
        (
            "CLASSIFY_HUNT_TILE",
            json!({"HUNT_TILE": 218, "HUNT_POOL": [218, 227]}),
            &[
                "HUNT_TILE_KNOWN = true",
                "HUNT_REVEALS = true",
                "HUNT_DAMAGE_TO_ASSIGN = 2",
                "HUNT_POOL = [227]",
                "HUNT_USED = [218]",
                "2 and reveal. Damage 2",
            ],
        ),
        (
            "CLASSIFY_HUNT_TILE",
            json!({"HUNT_TILE": 219, "HUNT_SUCCESSES": 3, "HUNT_POOL": [219, 227]}),
            &[
                "HUNT_TILE_KNOWN = true",
                "HUNT_REVEALS = true",
                "HUNT_DAMAGE_TO_ASSIGN = 3",
                "HUNT_POOL = [227]",
                "HUNT_USED = [219]",
                "Eye. Damage 3",
            ],
        ),
        (
            "CLASSIFY_HUNT_TILE",
            json!({"HUNT_TILE": 237, "HUNT_POOL": [237, 227]}),
            &[
                "HUNT_TILE_KNOWN = true",
                "HUNT_TILE_ROLL = 1",
                "HUNT_DAMAGE_TO_ASSIGN = 1",
                "HUNT_POOL = [227]",
                "HUNT_USED = [237]",
                "HUNT_STOPS = true",
                "Shelob's Lair. Damage 1",
            ],
        ),
        ("CLASSIFY_HUNT_TILE", json!({"HUNT_TILE": 0}), &["tell its damage (HUNT_RESOLVED)"]),
        (
            "UPDATE_CORRUPTION_FROM_TILE",
            json!({"CORRUPTION": 3, "HUNT_DAMAGE_TO_ASSIGN": -2}),
            &[
                "CORRUPTION = 1",
                "HUNT_DAMAGE_TO_ASSIGN = 0",
                "record $FSM moves 252 from Fellowship Track 3 to Fellowship Track 1 ",
            ],
        ),
        ("UPDATE_CORRUPTION_FROM_TILE", json!({"CORRUPTION": 3, "HUNT_DAMAGE_TO_ASSIGN": 2}), &[]),
        (
            "UPDATE_FELLOWSHIP_REVEAL_AND_POSITION_IF_NEEDED",
            json!({"HUNT_REVEALS": true, "FELLOWSHIP_PROGRESS": 2}),
            &[
                "FELLOWSHIP_REVEALED = true",
                "FELLOWSHIP_PROGRESS = 0",
                "REVEALED_STEPS = 2",
                "REVEALED_PENDING = true",
                "record $FSM moves 248 from Fellowship Track 2 to Fellowship Track 0 ",
                "record $FSM flips 248 ",
                "its figure goes on from Rivendell, at most so many regions: 2",
                "ask revealed",
                "The Fellowship is revealed",
            ],
        ),
        (
            "UPDATE_FELLOWSHIP_REVEAL_AND_POSITION_IF_NEEDED",
            json!({"HUNT_REVEALS": true, "FELLOWSHIP_AREA": 189}),
            &["FELLOWSHIP_REVEALED = true", "record $FSM flips 248 ", "The Fellowship is revealed"],
        ),
        ("UPDATE_FELLOWSHIP_REVEAL_AND_POSITION_IF_NEEDED", json!({"HUNT_REVEALS": false}), &[]),
        (
            "PROMPT_FP_ASSIGN_HUNT_DAMAGE",
            json!({"HUNT_DAMAGE_TO_ASSIGN": 2}),
            &[r#"GUIDE_AT_DAMAGE = "Gandalf the Grey""#, "ask damage", "2 damage"],
        ),
        (
            "APPLY_FP_HUNT_DAMAGE_CHOICE",
            json!({"HUNT_DAMAGE_TO_ASSIGN": 3, "EVENT": {"absorbed": 2}}),
            &["HUNT_DAMAGE_TO_ASSIGN = 1"],
        ),
        (
            "APPLY_FP_HUNT_DAMAGE_CHOICE",
            json!({"HUNT_DAMAGE_TO_ASSIGN": 3, "COMPANIONS": ["Strider", "Legolas"], "GUIDE": "Strider", "EVENT": {"absorbed": 3, "casualty": "Strider"}}),
            &[
                "HUNT_DAMAGE_TO_ASSIGN = 0",
                "CASUALTY_TAKEN = true",
                r#"FALLEN_COMPANION = "Strider""#,
                r#"GUIDE = "Legolas""#,
                r#"COMPANIONS = ["Legolas"]"#,
                "record $FSM moves 241 from Guide Of The Fellowship to FP Casualties ",
                "record $FSM moves 242 from Fellowship Of The Ring to Guide Of The Fellowship ",
                "Strider falls and absorbs 3",
            ],
        ),
        (
            "UPDATE_CORRUPTION_FROM_DAMAGE",
            json!({"CORRUPTION": 10, "HUNT_DAMAGE_TO_ASSIGN": 3}),
            &[
                "CORRUPTION = 12",
                "HUNT_DAMAGE_TO_ASSIGN = 0",
                "record $FSM moves 252 from Fellowship Track 10 to Fellowship Track 12 ",
                "Corruption: 12/12",
            ],
        ),
        (
            "UPDATE_CORRUPTION_FROM_DAMAGE",
            json!({"CORRUPTION": 1, "HUNT_DAMAGE_TO_ASSIGN": 3, "EVENT": {"absorbed": 0}}),
            &[
                "CORRUPTION = 4",
                "HUNT_DAMAGE_TO_ASSIGN = 0",
                "record $FSM moves 252 from Fellowship Track 1 to Fellowship Track 4 ",
                "Corruption: 4/12",
            ],
        ),
        ("PROMPT_HUNT_COMPLETE", json!({}), &["The Hunt is over"]),
        (
            "CLEAR_HUNT_FLAGS",
            json!({"HUNT_ROLLED": true, "HUNT_TILE_KNOWN": true, "HUNT_REVEALS": true, "HUNT_OF_DIE": true, "HUNT_FP_DICE": 1}),
            &[
                "HUNT_OF_DIE = false",
                "HUNT_ROLLED = false",
                "HUNT_TILE_KNOWN = false",
                "HUNT_REVEALS = false",
                "HUNT_FP_DICE = 2",
            ],
        ),
        ("CLEAR_HUNT_FLAGS", json!({"HUNT_ROLLED": true, "LAST_ACTOR": "SP"}), &["HUNT_ROLLED = false"]),
    ]
}

/// Battles.
pub(super) fn combat() -> Vec<Row> {
    vec![
        (
            "PROMPT_COMBAT_START",
            json!({"LAST_ACTOR": "SP", "COMBAT_REGION": 74}),
            &["Battle in Minas Tirith: the Shadow against the Free Peoples"],
        ),
        (
            "INIT_COMBAT_CONTEXT",
            json!({"COMBAT_FLAG": true, "COMBAT_ROUND": 2, "ATTACK_RESULT": {"rolls": [6]}, "DEFENCE_RESULT": {"rolls": [6]}}),
            &["COMBAT_FLAG = false", "COMBAT_ROUND = 0", "ATTACK_RESULT = {}", "DEFENCE_RESULT = {}"],
        ),
        (
            "DETERMINE_COMBAT_TYPE",
            json!({"COMBAT_REGION": 74, "BESIEGED_REGIONS": [74], "LAST_ACTOR": "SP", "SP_UNITS": {"74": 5}, "FP_UNITS": {"111": 2}}),
            &[r#"COMBAT_TYPE = "SIEGE""#, "SIEGE in Minas Tirith, units: the Shadow 5, the Free Peoples 2"],
        ),
        (
            "DETERMINE_COMBAT_TYPE",
            json!({"COMBAT_REGION": 74, "ACTION": "sortie"}),
            &[r#"COMBAT_TYPE = "SORTIE""#, "SORTIE"],
        ),
        ("DETERMINE_COMBAT_TYPE", json!({"COMBAT_REGION": 75}), &[r#"COMBAT_TYPE = "FIELD""#, "FIELD"]),
        (
            "PROMPT_BOTH_PLAYERS_SELECT_COMBAT_CARDS",
            json!({"COMBAT_ROUND": 1, "ATTACKER_CARD": "106", "DEFENDER_CARD": "none"}),
            &[
                "COMBAT_ROUND = 2",
                r#"ATTACKER_CARD = """#,
                r#"DEFENDER_CARD = """#,
                "ask attacker_card",
                "ask defender_card",
                "Round 2",
            ],
        ),
        ("REVEAL_COMBAT_CARDS", json!({}), &["Both cards are shown"]),
        (
            "ATTACKER_ROLL_COMBAT_DICE",
            json!({"LAST_ACTOR": "SP", "COMBAT_REGION": 75, "SP_UNITS": {"75": 3}}),
            &[r#"ATTACK_RESULT = {"rerolled":[],"rolls":[2,2,2],"successes":0}"#, "Attack on 5+: 2 2 2"],
        ),
        (
            "ATTACKER_ROLL_COMBAT_DICE",
            json!({"LAST_ACTOR": "SP", "COMBAT_REGION": 75}),
            &["the attacker throws up to five dice"],
        ),
        (
            "DEFENDER_ROLL_COMBAT_DICE",
            json!({"LAST_ACTOR": "SP", "COMBAT_REGION": 74, "COMBAT_TYPE": "SIEGE", "FP_UNITS": {"111": 2}}),
            &[r#"DEFENCE_RESULT = {"rerolled":[],"rolls":[2,2],"successes":0}"#, "Defence on 5+: 2 2"],
        ),
        (
            "COMPUTE_HITS_BOTH_SIDES",
            json!({"ATTACKER_TOOK_HITS": true, "DEFENDER_TOOK_HITS": true}),
            &["ATTACKER_TOOK_HITS = false", "DEFENDER_TOOK_HITS = false"],
        ),
        ("PROMPT_ATTACKER_ASSIGN_HITS", json!({}), &["ask attacker_casualties", "Attacker takes the casualties first"]),
        ("PROMPT_DEFENDER_ASSIGN_HITS", json!({}), &["ask defender_casualties", "Defender takes the casualties next"]),
        (
            "APPLY_LEADER_REROLLS",
            json!({"ATTACK_RESULT": {"rolls": [6]}, "DEFENCE_RESULT": {"rolls": [6]}}),
            &["ATTACK_RESULT = {}", "DEFENCE_RESULT = {}", "ask siege"],
        ),
        (
            "PROMPT_DEFENDER_RETREAT_OR_CONTINUE",
            json!({"ATTACKER_GOES_ON": true}),
            &["ATTACKER_GOES_ON = false", "ask attack_on", "stop or go on"],
        ),
        ("DOWNGRADE_ATTACKER_ELITE_UNIT", json!({}), &["One Elite of the attacker becomes a Regular"]),
        ("PROMPT_COMBAT_END_SUMMARY", json!({"COMBAT_REGION": 74}), &["The battle in Minas Tirith is over"]),
        (
            "CHECK_MILITARY_VP_TOTALS",
            json!({"SP_UNITS": {"48": 1}, "CONTROL_MARKERS": {"411": 176}}),
            &[
                "The Shadow has taken Pelargir",
                "record $FSM moves 411 from SA Reinforcements to Pelargir ",
                "CONQUERED_REGIONS = [48]",
                r#"CONTROL_MARKERS = {"411":48}"#,
                "record $FSM moves 423 from Victory Points 0 to Victory Points 1 ",
                "SHADOW_VP = 1",
                "SHADOW_VP_BEFORE = 1",
            ],
        ),
        (
            "CLEAR_COMBAT_CONTEXT",
            json!({"COMBAT_TYPE": "FIELD", "COMBAT_REGION": 74, "COMBAT_ROUND": 2}),
            &[r#"COMBAT_TYPE = """#, "COMBAT_REGION = -1", "COMBAT_ROUND = 0"],
        ),
    ]
}
