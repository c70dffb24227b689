//! What moves make of the Armies on the board, and what they have taken thereby.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{GARRISON, STACK, forces};
use crate::{
    board::{self, Side},
    map::{self, Kind},
};

/// Pieces that moves take from one area to another, with the areas.
fn told(moves: &Value) -> impl Iterator<Item = (i64, i64)> {
    moves.as_array().into_iter().flatten().flat_map(|one| {
        let to = one.get("to").and_then(Value::as_i64);
        let pieces = one.get("pieces").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64);
        pieces.filter_map(move |piece| Some((piece, to?)))
    })
}

/// `moved(forces, side, moves)`: the pieces of a side's Armies by area once these moves are carried out.
pub(super) fn moved(arguments: &[Value]) -> Value {
    let mut areas: BTreeMap<i64, i64> = BTreeMap::new();
    for (area, pieces) in forces(&arguments[0]) {
        areas.extend(pieces.into_iter().map(|piece| (piece, area)));
    }
    if arguments[0].as_object().is_none() {
        return json!([]);
    }
    for (piece, to) in told(&arguments[2]) {
        if board::army_side(piece).is_some_and(|side| arguments[1] == side.word()) {
            areas.remove(&piece);
            if board::holds_armies(to) {
                areas.insert(piece, to);
            }
        }
    }
    let mut after: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (piece, area) in areas {
        after.entry(area).or_default().push(piece);
    }
    after.into_iter().map(|(area, pieces)| (area.to_string(), Value::from(pieces))).collect::<Map<_, _>>().into()
}

/// `placed(areas, moves)`: the areas of some pieces, by piece, once these moves are carried out.
pub(super) fn placed(arguments: &[Value]) -> Value {
    let Some(areas) = arguments[0].as_object() else { return json!([]) };
    let mut areas = areas.clone();
    for (piece, to) in told(&arguments[1]) {
        if let Some(area) = areas.get_mut(&piece.to_string()) {
            *area = Value::from(to);
        }
    }
    Value::Object(areas)
}

fn by_area(arguments: &[Value], count: impl Fn(i64) -> i64) -> Value {
    if !arguments[0].is_object() {
        return json!([]);
    }
    let counts = forces(&arguments[0]).map(|(area, pieces)| (area, pieces.into_iter().map(&count).sum::<i64>()));
    let counts: BTreeMap<i64, i64> = counts.filter(|(_, count)| 0 < *count).collect();
    board::by_region(&counts)
}

/// `strength(pieces)`: how many of the pieces are units.
pub(super) fn strength(arguments: &[Value]) -> Value {
    sum(&arguments[0], is_unit)
}

/// `endurance(pieces)`: how many hits the pieces take before the last unit has fallen; an Elite takes two.
pub(super) fn endurance(arguments: &[Value]) -> Value {
    let is_elite = |piece| map::unit(piece).is_some_and(|unit| unit.kind == Kind::Elite);
    sum(&arguments[0], |piece| is_unit(piece) + i64::from(is_elite(piece)))
}

/// `origins(before, pieces, region)`: the regions but this one where the pieces were before, of most of them first.
pub(super) fn origins(arguments: &[Value]) -> Value {
    let [before, pieces, region] = arguments else { return json!([]) };
    let count = |army: &[i64]| army.iter().filter(|piece| has(pieces, **piece)).count();
    let areas = forces(before).filter(|(area, _)| map::is_region(*area) && *region != *area);
    let mut origins: Vec<(usize, i64)> = areas.map(|(area, army)| (count(&army), area)).collect();
    origins.retain(|(count, _)| 0 < *count);
    origins.sort_by_key(|(count, area)| (std::cmp::Reverse(*count), *area));
    origins.into_iter().map(|(_, area)| area).collect()
}

/// `leadership(pieces)`: the Leadership of the pieces.
pub(super) fn leadership(arguments: &[Value]) -> Value {
    sum(&arguments[0], points)
}

fn sum(pieces: &Value, count: impl Fn(i64) -> i64) -> Value {
    Value::from(pieces.as_array().into_iter().flatten().filter_map(Value::as_i64).map(count).sum::<i64>())
}

fn is_unit(piece: i64) -> i64 {
    i64::from(board::unit_side(piece).is_some())
}

fn points(piece: i64) -> i64 {
    board::leadership(piece).map_or(0, |(_, points)| points)
}

/// `counted(forces)`: the units of Armies by area.
pub(super) fn counted(arguments: &[Value]) -> Value {
    by_area(arguments, is_unit)
}

/// `led(forces)`: the Leadership of Armies by area.
pub(super) fn led(arguments: &[Value]) -> Value {
    by_area(arguments, points)
}

fn units(counts: &Value, area: i64) -> i64 {
    counts.get(area.to_string()).and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn has(list: &Value, region: i64) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|there| *there == region))
}

/// `captures(fp_units, sp_units, shadow_conquests, fp_conquests)`: the settlements in which an Army stands though its enemy
/// holds them by their markers and has nobody there, also not besieged: `{region, nation, side, points, home}`; `side` has
/// taken it, and `home` means that it was its own before.
///
/// Source: the rules of battle, "Capture".
pub(super) fn captures(arguments: &[Value]) -> Value {
    let [fp_units, sp_units, shadow_conquests, fp_conquests] = arguments else { return json!([]) };
    let count = |side: Side, area| units(if side == Side::FreePeoples { fp_units } else { sp_units }, area);
    let taken = |(region, place): (i64, map::Settlement)| {
        let owner = map::side_of(place.nation);
        let is_lost = has(if owner == Side::FreePeoples { shadow_conquests } else { fp_conquests }, region);
        let holder = if is_lost { owner.other() } else { owner };
        let holds_out = board::stronghold_box(region).is_some_and(|inside| 0 < count(holder, inside));
        let is_taken = 0 < count(holder.other(), region) && count(holder, region) == 0 && !holds_out;
        is_taken.then(|| {
            let (side, points) = (holder.other().word(), place.points);
            json!({"region": region, "nation": place.nation, "side": side, "points": points, "home": is_lost})
        })
    };
    map::settlements().filter_map(taken).collect()
}

/// `overstacked(fp_units, sp_units)`: the areas that hold more units than they may, each with its units and how many may
/// stay: `{area, units, limit}`.
///
/// Source: the rules of Armies, "Stacking".
pub(super) fn overstacked(arguments: &[Value]) -> Value {
    let garrison = i64::try_from(GARRISON).unwrap_or(i64::MAX);
    let sides = arguments.iter().filter_map(Value::as_object).flatten();
    let armies = sides.filter_map(|(area, units)| Some((area.parse::<i64>().ok()?, units.as_i64()?)));
    let limited = armies.map(|(area, units)| {
        let limit = if board::region_of_box(area).is_some() { garrison } else { STACK };
        (area, units, limit)
    });
    let over = limited.filter(|(_, units, limit)| limit < units);
    over.map(|(area, units, limit)| json!({"area": area, "units": units, "limit": limit})).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::call;

    #[test]
    fn moves_take_pieces_from_army_to_army_and_off_the_map() {
        let forces = json!({"86": [7, 37], "91": [8]});
        let moves = json!([{"pieces": [7, 37], "from": 86, "to": 75}, {"pieces": [8], "from": 91, "to": 177}, {"pieces": [9, 76], "from": 176, "to": 86}]);
        let after = call("moved", json!([forces, "shadow", moves]));
        assert_eq!(after, json!({"75": [7, 37], "86": [9]}), "Gondor's Regular is not the Shadow's");
        assert_eq!(call("counted", json!([after])), json!({"75": 1, "86": 1}));
        assert_eq!(call("led", json!([after])), json!({"75": 1}));
        assert_eq!(
            call("placed", json!([{"241": 115}, [{"pieces": [241, 242], "from": 115, "to": 27}]])),
            json!({"241": 27})
        );
    }

    #[test]
    fn an_empty_settlement_is_taken_and_one_where_somebody_holds_out_is_not() {
        let captures = |fp: serde_json::Value, sp: serde_json::Value| call("captures", json!([fp, sp, [45], []]));
        let taken = captures(json!({}), json!({"48": 2}));
        assert_eq!(taken, json!([{"region": 48, "nation": "Gondor", "side": "shadow", "points": 1, "home": false}]));
        assert_eq!(captures(json!({"48": 1}), json!({"48": 2})), json!([]));
        assert_eq!(captures(json!({"111": 1}), json!({"74": 2})), json!([]), "Minas Tirith is besieged");
        assert_eq!(captures(json!({}), json!({"45": 2})), json!([]), "it has it already");
        assert_eq!(captures(json!({"45": 1}), json!({}))[0]["home"], true, "it is Rohan's again");
        assert_eq!(captures(json!({"14": 1}), json!({}))[0]["side"], "free_peoples");
    }

    #[test]
    fn ten_units_are_room_enough_and_five_in_a_siege() {
        let over = call("overstacked", json!([{"74": 10, "111": 6}, {"86": 11}]));
        assert_eq!(over, json!([{"area": 111, "units": 6, "limit": 5}, {"area": 86, "units": 11, "limit": 10}]));
    }
}
