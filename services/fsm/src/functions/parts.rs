//! Parts of Armies by choice, and what Saruman musters: lists of choices with the moves that carry each of them out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    GARRISON, MAX_CHOICES, STACK,
    armies::{SARUMAN, attacks_by, fights, in_order, leads, may_enter, strength, units_in},
    captures::has,
    fighter, forces, into_stronghold,
};
use crate::{
    board,
    map::{self, Kind},
};

const ORTHANC: i64 = 40;
/// Where the Shadow's figures wait that are not on the map.
const SHADOW_REINFORCEMENTS: i64 = 176;
/// Regulars in Orthanc that Saruman makes Elites at a time.
const ELITES: usize = 2;

/// Characters who go with Armies.
const CHARACTERS: [(i64, &str); 9] = [
    (240, "Gandalf"),
    (241, "Strider"),
    (242, "Legolas"),
    (243, "Gimli"),
    (244, "Boromir"),
    (245, "Merry"),
    (246, "Pippin"),
    (253, "the Witch-king"),
    (255, "the Mouth of Sauron"),
];

/// The pieces that are in an area and may still go: none that has `moved`, and not Saruman.
fn movable(all: &Value, from: i64, moved: &Value) -> Vec<i64> {
    let mut pieces = forces(all).find(|(area, _)| *area == from).map_or_else(Vec::new, |(_, pieces)| pieces);
    pieces.retain(|piece| *piece != SARUMAN && !has(moved, *piece));
    in_order(&mut pieces);
    pieces
}

/// `splits(forces, moved)`: the areas with an Army of which a part may go, `{from}`: two figures at least that have not
/// `moved`, a unit among them.
///
/// Source: the rules of Armies and movement: "a part may stay".
pub(super) fn splits(arguments: &[Value]) -> Value {
    let areas: BTreeSet<i64> = forces(&arguments[0]).map(|(area, _)| area).collect();
    let may_split = |from: &i64| {
        let pieces = movable(&arguments[0], *from, &arguments[1]);
        1 < pieces.len() && 0 < strength(&pieces)
    };
    areas.into_iter().filter(may_split).map(|from| json!({"from": from})).collect()
}

/// What a figure is called.
fn called(piece: i64) -> String {
    match map::unit(piece) {
        Some(unit) => match unit.kind {
            Kind::Regular => format!("a Regular of {}", unit.nation),
            Kind::Elite => format!("an Elite of {}", unit.nation),
            Kind::Leader => format!("a Leader of {}", unit.nation),
            Kind::Nazgul => "a Nazgûl".to_owned(),
        },
        None => CHARACTERS.iter().find(|(id, _)| *id == piece).map_or("somebody", |(_, name)| *name).to_owned(),
    }
}

/// `along(forces, from, group, moved, nations)`: who of the Army in `from` may go along with those of the `group`, of these Nations
/// or of none, the first figure of each kind: `{piece, what}`.
pub(super) fn along(arguments: &[Value]) -> Value {
    let [all, from, group, moved, nations] = arguments else { return json!([]) };
    let Some(from) = from.as_i64() else { return json!([]) };
    let mut kinds = BTreeSet::new();
    let may_go = |piece: &i64| !has(group, *piece) && fights(*piece, nations);
    let staying = movable(all, from, moved).into_iter().filter(may_go);
    let first = staying.filter(|piece| kinds.insert(called(*piece)));
    first.map(|piece| json!({"piece": piece, "what": called(piece)})).collect()
}

/// The region where the Army is, and those of the `group` who are of it, if they may go.
fn part(all: &Value, from: &Value, group: &Value) -> Option<(i64, Vec<i64>)> {
    let from = from.as_i64()?;
    let (_, army) = forces(all).find(|(area, _)| *area == from)?;
    let mut going: Vec<i64> = army.iter().copied().filter(|piece| has(group, *piece) && *piece != SARUMAN).collect();
    in_order(&mut going);
    // No Leader is left without units.
    let is_alone =
        |piece: &i64| map::unit(*piece).is_some_and(|unit| unit.kind == Kind::Leader) && !going.contains(piece);
    let leaves_some = strength(&going) < strength(&army);
    let may_go = 0 < strength(&going) && (leaves_some || !army.iter().any(is_alone));
    may_go.then_some((from, going))
}

/// `marches_of(forces, enemy_units, at_war, led, from, group)`: where those of the `group` may go from their Army's region, all of
/// them: as `marches`.
pub(super) fn marches_of(arguments: &[Value]) -> Value {
    let [all, enemies, at_war, led, from, group] = arguments else { return json!([]) };
    let Some((from, going)) = part(all, from, group) else { return json!([]) };
    if *led == true && !leads(&going) {
        return json!([]);
    }
    let armies: BTreeMap<i64, Vec<i64>> = forces(all).collect();
    let is_open = |to: &&i64| {
        let there = armies.get(*to).map_or(0, |pieces| strength(pieces));
        units_in(enemies, **to) == 0
            && there + strength(&going) <= STACK
            && going.iter().all(|piece| may_enter(*piece, **to, at_war))
    };
    let march = |to: &i64| {
        json!({
            "to": to, "pieces": going, "units": strength(&going),
            "moves": [{"pieces": going, "from": from, "to": to}],
        })
    };
    map::neighbours(from).iter().filter(is_open).map(march).collect()
}

/// `attacks_of(forces, enemy_units, at_war, led, from, group)`: what those of the `group` may attack from their Army's region, all of
/// them: as `attacks`.
pub(super) fn attacks_of(arguments: &[Value]) -> Value {
    let [all, enemies, at_war, led, from, group] = arguments else { return json!([]) };
    let Some((from, going)) = part(all, from, group) else { return json!([]) };
    if !going.iter().all(|piece| fights(*piece, at_war)) {
        return json!([]);
    }
    let army = forces(all).find(|(area, _)| *area == from).map_or_else(Vec::new, |(_, army)| army);
    Value::Array(attacks_by(from, &army, &going, enemies, *led == true))
}

/// `garrisons(pieces, region, box)`: the ways in which an Army of more units than find room goes into a Stronghold's box, by how
/// many of each kind do: `{id, text, moves}`; all who lead go in, and the other units to the reinforcements.
pub(super) fn garrisons(arguments: &[Value]) -> Value {
    let (Some(pieces), Some(from), Some(inside)) =
        (arguments[0].as_array(), arguments[1].as_i64(), arguments[2].as_i64())
    else {
        return json!([]);
    };
    let (units, leaders): (Vec<i64>, Vec<i64>) =
        pieces.iter().filter_map(Value::as_i64).partition(|piece| fighter(*piece).is_some());
    if units.len() <= GARRISON {
        return json!([]);
    }
    let mut kinds: BTreeMap<(Kind, &str), Vec<i64>> = BTreeMap::new();
    for piece in units {
        if let Some(unit) = map::unit(piece) {
            kinds.entry((unit.kind, unit.nation)).or_default().push(piece);
        }
    }
    let ways = shares(&kinds.values().map(Vec::len).collect::<Vec<_>>(), GARRISON).into_iter().take(MAX_CHOICES);
    let way = |counts: Vec<usize>| {
        let (mut going, mut surplus) = (leaders.clone(), Vec::new());
        let (mut ids, mut texts) = (Vec::new(), Vec::new());
        for (((kind, nation), of_kind), count) in kinds.iter().zip(counts) {
            going.extend(&of_kind[..count]);
            surplus.extend(&of_kind[count..]);
            let word = if *kind == Kind::Elite { "Elite" } else { "Regular" };
            if 0 < count {
                ids.push(format!("{}-{count}-{}", nation.to_lowercase().replace(' ', "-"), word.to_lowercase()));
                texts.push(format!("{count} {word}{} of {nation}", if count == 1 { "" } else { "s" }));
            }
        }
        let moves = into_stronghold(going, surplus, from, inside);
        json!({"id": ids.join("_"), "text": texts.join(", "), "moves": moves})
    };
    ways.map(way).collect()
}

/// The ways to take so many in all, of each no more than there are.
fn shares(available: &[usize], count: usize) -> Vec<Vec<usize>> {
    let Some((first, others)) = available.split_first() else {
        return if count == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    let most = count.min(*first);
    let taking =
        |taken: usize| shares(others, count - taken).into_iter().map(move |rest| [&[taken], &rest[..]].concat());
    (0..=most).rev().flat_map(taking).collect()
}

/// `saruman_musters(reserve, forces, enemy_units, lost, besieged)`: what Saruman may do in Orthanc: a Regular comes to each free
/// Settlement of Isengard, to so many of them as there are figures for, or two Regulars in Orthanc become Elites:
/// `{id, text, moves}`.
///
/// Source: the rules of the Fellowship, table of characters.
pub(super) fn saruman_musters(arguments: &[Value]) -> Value {
    let [reserve, all, enemies, lost, besieged] = arguments else { return json!([]) };
    let Some(reserve) = reserve.as_object() else { return json!([]) };
    let armies: BTreeMap<i64, Vec<i64>> = forces(all).collect();
    let waiting = |kind: Kind| {
        let pieces = reserve.iter().filter_map(|(piece, area)| Some((area.as_i64()?, piece.parse::<i64>().ok()?)));
        let mut pieces: Vec<(i64, i64)> = pieces.filter(|(_, piece)| is_of_isengard(*piece, kind)).collect();
        // Whoever has not fallen yet comes first.
        pieces.sort_unstable();
        pieces
    };
    let is_free = |region: &i64| {
        let there = armies.get(region).map_or(0, |pieces| strength(pieces));
        !has(lost, *region) && !has(besieged, *region) && units_in(enemies, *region) == 0 && there < STACK
    };
    let homes = map::settlements().filter(|(_, place)| place.nation == "Isengard").map(|(region, _)| region);
    let places: Vec<i64> = homes.filter(is_free).collect();
    let regulars = waiting(Kind::Regular);
    let mut musters: Vec<Value> =
        subsets(&places, regulars.len().min(places.len())).iter().map(|to| coming(&regulars, to)).collect();
    musters.extend(rising(&armies, &waiting(Kind::Elite)));
    Value::Array(musters)
}

fn is_of_isengard(piece: i64, kind: Kind) -> bool {
    map::unit(piece).is_some_and(|unit| unit.nation == "Isengard" && unit.kind == kind)
}

/// The lists of so many of the places, in their order.
fn subsets(places: &[i64], count: usize) -> Vec<Vec<i64>> {
    let lists = (1..1_u32 << places.len().min(8)).map(|mask| {
        let chosen = places.iter().enumerate().filter(|(index, _)| (mask >> index) & 1 == 1);
        chosen.map(|(_, place)| *place).collect::<Vec<_>>()
    });
    lists.filter(|list| list.len() == count).collect()
}

fn coming(regulars: &[(i64, i64)], to: &[i64]) -> Value {
    let ids: Vec<String> = to.iter().map(i64::to_string).collect();
    let names: Vec<&str> = to.iter().map(|region| map::name(*region)).collect();
    let moves = regulars.iter().zip(to).map(|((from, piece), to)| json!({"pieces": [piece], "from": from, "to": to}));
    json!({
        "id": format!("saruman-regulars-{}", ids.join("-")),
        "text": format!("Saruman musters a Regular in {}", names.join(", another in ")),
        "moves": moves.collect::<Vec<_>>(),
    })
}

/// Regulars that become Elites where Saruman is: in Orthanc, or within its walls.
fn rising(armies: &BTreeMap<i64, Vec<i64>>, elites: &[(i64, i64)]) -> Option<Value> {
    let (area, army) = armies.iter().find(|(_, pieces)| pieces.contains(&SARUMAN))?;
    if *area != ORTHANC && board::region_of_box(*area) != Some(ORTHANC) {
        return None;
    }
    let regulars: Vec<i64> = army.iter().copied().filter(|piece| is_of_isengard(*piece, Kind::Regular)).collect();
    let count = ELITES.min(regulars.len()).min(elites.len());
    if count == 0 {
        return None;
    }
    let mut moves = vec![json!({"pieces": regulars[..count], "from": area, "to": SHADOW_REINFORCEMENTS})];
    moves.extend(elites[..count].iter().map(|(from, piece)| json!({"pieces": [piece], "from": from, "to": area})));
    let text = if count == 1 { "a Regular in Orthanc an Elite" } else { "two Regulars in Orthanc Elites" };
    Some(json!({"id": "saruman-elites", "text": format!("Saruman makes {text}"), "moves": moves}))
}

/// `freed(forces, enemy_units)`: the Armies in the boxes of Strongholds before which no enemy stands, with the way out of each:
/// `{pieces, from, to, region}`.
///
/// Source: the rules of battle: a siege "ends when the besiegers leave".
pub(super) fn freed(arguments: &[Value]) -> Value {
    let armies: BTreeMap<i64, Vec<i64>> = forces(&arguments[0]).collect();
    let is_free = |(area, pieces): (&i64, &Vec<i64>)| {
        let region = board::region_of_box(*area).filter(|region| units_in(&arguments[1], *region) == 0)?;
        let holds_out = pieces.iter().any(|piece| fighter(*piece).is_some());
        holds_out.then(|| json!({"pieces": pieces, "from": area, "to": region, "region": region}))
    };
    armies.iter().filter_map(is_free).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::call;

    fn of(list: &Value, key: &str) -> Vec<Value> {
        list.as_array().unwrap().iter().map(|one| one[key].clone()).collect()
    }

    #[test]
    fn an_army_of_two_figures_may_be_parted_and_one_alone_may_not() {
        let forces = json!({"86": [7, 35], "91": [8], "96": [9, 10], "111": [75, 76], "63": [37, 38]});
        assert_eq!(of(&call("splits", json!([forces, [9]])), "from"), [json!(86), json!(111)]);
    }

    #[test]
    fn one_of_each_kind_is_offered_to_go_along() {
        let forces = json!({"40": [2, 3, 6, 254, 253, 37]});
        let along = call("along", json!([forces, 40, [2], [], ["Isengard"]]));
        assert_eq!(of(&along, "piece"), [json!(6), json!(3), json!(37), json!(253)], "and Saruman stays");
        assert_eq!(along[0]["what"], "an Elite of Isengard");
        assert_eq!(of(&call("along", json!([forces, 40, [2, 3, 6], [37], []])), "piece"), [json!(253)]);
        assert_eq!(of(&call("along", json!([forces, 40, [], [], []])), "piece"), [json!(37), json!(253)], "peace");
    }

    #[test]
    fn a_part_goes_where_all_of_it_may() {
        let forces = json!({"74": [81, 82, 85, 86], "73": [79]});
        let marches = |led: bool, group: Value, at_war: Value| {
            let list = call("marches_of", json!([forces, {}, at_war, led, 74, group]));
            of(&list, "to").iter().map(|to| to.as_i64().unwrap()).collect::<Vec<_>>()
        };
        let near = crate::map::neighbours(74);
        assert_eq!(marches(false, json!([81]), json!(["Gondor"])), near);
        assert!(marches(false, json!([81, 86]), json!([])).iter().all(|to| crate::map::nation(*to).is_none()));
        assert!(marches(true, json!([81]), json!(["Gondor"])).is_empty(), "nobody leads it");
        assert_eq!(marches(true, json!([81, 85]), json!(["Gondor"])), near);
        assert!(marches(false, json!([85]), json!(["Gondor"])).is_empty(), "a Leader alone");
        assert!(marches(false, json!([81, 82, 86]), json!(["Gondor", "Elves"])).is_empty(), "it leaves a Leader alone");
        assert!(marches(false, json!([79]), json!(["Gondor"])).is_empty(), "he is elsewhere");
    }

    #[test]
    fn a_part_attacks_with_those_who_are_at_war() {
        let attacks = |group: Value| {
            call("attacks_of", json!([{"86": [7, 41, 37]}, {"75": 2, "74": 1}, ["Sauron"], false, 86, group]))
        };
        assert_eq!(attacks(json!([7]))[0]["moves"], json!([{"pieces": [7], "from": 86, "to": 75}]));
        assert_eq!(attacks(json!([7, 41])), json!([]));
        assert_eq!(attacks(json!([37])), json!([]), "no unit is among them");
    }

    #[test]
    fn five_units_of_an_army_find_room_behind_walls_and_their_player_says_which() {
        // Four Regulars and an Elite of Gondor with their captain, an Elite and a Regular of the Elves.
        let army = json!([79, 81, 82, 83, 84, 85, 86, 89]);
        let ways = call("garrisons", json!([army, 74, 111]));
        let ids = of(&ways, "id");
        assert!(ids.contains(&json!("gondor-4-regular_gondor-1-elite")), "{ids:?}");
        assert!(ids.contains(&json!("elves-1-regular_gondor-2-regular_elves-1-elite_gondor-1-elite")), "{ids:?}");
        let one = ways.as_array().unwrap().iter().find(|way| way["id"] == "gondor-4-regular_gondor-1-elite").unwrap();
        assert_eq!(
            one["moves"],
            json!([
                {"pieces": [79, 81, 82, 83, 84, 85], "from": 74, "to": 111},
                {"pieces": [86, 89], "from": 74, "to": 174},
            ])
        );
        assert_eq!(call("garrisons", json!([[81, 82, 85], 74, 111])), json!([]), "there is room for all");
    }

    #[test]
    fn saruman_musters_at_home_or_makes_elites() {
        let musters = |reserve: Value, forces: Value, enemies: Value| {
            call("saruman_musters", json!([reserve, forces, enemies, [], []]))
        };
        let three =
            musters(json!({"327": 176, "328": 176, "329": 176, "322": 176}), json!({"40": [2, 3, 254]}), json!({}));
        assert_eq!(of(&three, "id"), ["saruman-regulars-26-30-40", "saruman-elites"]);
        assert_eq!(
            three[1]["moves"],
            json!([{"pieces": [2], "from": 40, "to": 176}, {"pieces": [322], "from": 176, "to": 40}])
        );
        let one = musters(json!({"327": 177}), json!({"40": [254]}), json!({"26": 1}));
        assert_eq!(of(&one, "id"), ["saruman-regulars-30", "saruman-regulars-40"], "where, is a choice");
        assert_eq!(one[0]["moves"], json!([{"pieces": [327], "from": 177, "to": 30}]));
        assert_eq!(musters(json!({}), json!({"40": [2, 254]}), json!({})), json!([]));
    }

    #[test]
    fn whoever_is_besieged_no_more_comes_out() {
        let freed = |enemies: Value| call("freed", json!([{"111": [75, 85], "74": [76], "112": [98]}, enemies]));
        assert_eq!(freed(json!({"74": 2})), json!([]));
        assert_eq!(freed(json!({})), json!([{"pieces": [75, 85], "from": 111, "to": 74, "region": 74}]));
    }
}
