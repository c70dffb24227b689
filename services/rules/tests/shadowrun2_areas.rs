//! Every area of `apply_rule` against a table of cases, a file an area.
//!
//! A line that begins with `:` names columns, inputs before `=>` and results after it; the lines below it are cases.
//! A cell is JSON, or else a word. `*` as a column means that the result is the cell itself, `<text>` any text. In
//! the column `parameters` a cell is a list of `path=value`, or `-` for none. In areas of tools further keys are
//! allowed.

use rules::shadowrun2::{AREAS, apply_rule};
use serde_json::{Map, Value};

/// A test an area, named after it, and a list of their tables.
macro_rules! areas {
    ($($area:ident)*) => {
        mod the_area_answers_its_table {
            $(#[test]
            fn $area() {
                super::check(stringify!($area), include_str!(concat!("shadowrun2/", stringify!($area), ".txt")));
            })*
        }

        const TABLES: &[&str] = &[$(stringify!($area)),*];
    };
}

areas! {
    ammo
    barrier
    base_time
    base_tn
    called_shot
    combat_pool
    combat_pool_armor
    combat_pool_cap
    complete_miss
    concentration
    condition_level
    conjuring_drain
    control_pool
    damage_boxes
    damage_cumulative
    damage_overflow
    damage_staging
    dice_test
    drain_power
    drain_resistance
    drain_test
    firearm_mode
    first_aid_tn
    focus_bonding_karma
    grenade_blast
    hacking_pool
    heal_spell_tn
    heal_unaided_tn
    healing_stage
    initiative_actions
    initiative_phases
    initiative_tie
    initiative_total
    karma_avoid_disaster
    karma_buy_dice
    karma_buy_success
    karma_cost
    karma_reroll
    karma_reroll_cost
    karma_split
    knockdown
    learn_spell
    magic_pool
    magic_pool_cap
    magnification
    melee_tn
    movement
    notice_spellcasting_tn
    object_resistance
    range_bracket
    range_limits_strength
    ranged_tn
    reaction
    resist_tn
    skill_web
    specialization
    spell_catalog
    spell_result
    spell_test
    surprise_tn
    sustaining_penalty
    tool_calculate_dice_pool
    tool_calculate_target_number
    totem_vs_drain
    visibility
    wound_initiative_modifier
    wound_modifier
}

#[test]
fn every_area_has_a_table() {
    let areas: Vec<&str> = AREAS.iter().map(|area| area.name).collect();
    assert_eq!(areas, TABLES);
}

fn check(area: &str, table: &str) {
    let mut columns: Option<(Vec<&str>, Vec<&str>)> = None;
    let mut cases = 0;
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(header) = line.strip_prefix(':') {
            columns = Some(halves(header));
            continue;
        }
        let (inputs, results) = columns.as_ref().expect("a table begins with its columns");
        let (input_cells, result_cells) = halves(line);
        let input = Value::Object(inputs.iter().zip(input_cells).map(|(name, cell)| input(name, cell)).collect());
        let answer = apply_rule(area, &input).unwrap_or_else(|error| panic!("{line}: {error}"));
        let is_tool = area.starts_with("tool_");
        assert!(fits(&answer, results, &result_cells, is_tool), "{line}\nanswered {answer}");
        cases += 1;
    }
    assert!(cases > 0, "{area} has no case");
}

/// The cells on either side of the arrow.
fn halves(line: &str) -> (Vec<&str>, Vec<&str>) {
    let (inputs, results) = line.split_once("=>").expect("a line has an arrow");
    (inputs.split('|').map(str::trim).collect(), results.split('|').map(str::trim).collect())
}

fn input(name: &str, cell: &str) -> (String, Value) {
    let value = if name == "parameters" { parameters(cell) } else { value(cell) };
    (name.to_owned(), value)
}

/// `attacker.movement=running weapon.gyro=6` as nested objects.
fn parameters(cell: &str) -> Value {
    let mut root = Map::new();
    for pair in cell.split_whitespace().filter(|pair| *pair != "-") {
        let (path, text) = pair.split_once('=').expect("a parameter has a value");
        let mut object = &mut root;
        let (parents, key) = path.rsplit_once('.').map_or((None, path), |(parents, key)| (Some(parents), key));
        for parent in parents.into_iter().flat_map(|parents| parents.split('.')) {
            let child = object.entry(parent).or_insert_with(|| Value::Object(Map::new()));
            object = child.as_object_mut().expect("a parent is an object");
        }
        object.insert(key.to_owned(), value(text));
    }
    Value::Object(root)
}

fn value(cell: &str) -> Value {
    serde_json::from_str(cell).unwrap_or_else(|_| Value::from(cell))
}

fn fits(answer: &Value, names: &[&str], cells: &[&str], further_keys: bool) -> bool {
    let same = |answer: &Value, cell: &str| match cell {
        "<text>" => answer.as_str().is_some_and(|text| !text.is_empty()),
        _ => *answer == value(cell),
    };
    if names == ["*"] {
        return same(answer, cells[0]);
    }
    let Some(object) = answer.as_object() else { return false };
    let all_there = names.iter().zip(cells).all(|(name, cell)| object.get(*name).is_some_and(|it| same(it, cell)));
    all_there && (further_keys || object.len() == names.len())
}
