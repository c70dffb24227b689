//! Where Armies, recruits, Companions and Nazgûl may go: what the rules leave to choose, as lists of choices with the moves that
//! carry each of them out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{STACK, captures::has, fighter, forces};
use crate::{
    board::{self, Side},
    map::{self, Kind},
};

/// Never leaves Orthanc.
pub(super) const SARUMAN: i64 = 254;
const WITCH_KING: i64 = 253;
/// Goes three regions at a time.
const MOUTH: i64 = 255;
/// Strongholds of Sauron, where his Nazgûl come into play.
const SAURON_STRONGHOLDS: [i64; 6] = [35, 44, 63, 86, 91, 96];

pub(super) fn units_in(counts: &Value, area: i64) -> i64 {
    counts.get(area.to_string()).and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn strength(pieces: &[i64]) -> i64 {
    i64::try_from(pieces.iter().filter(|piece| fighter(**piece).is_some()).count()).unwrap_or(i64::MAX)
}

/// Elites before Regulars, whoever leads last.
pub(super) fn in_order(pieces: &mut [i64]) {
    let rank = |piece: &i64| match map::unit(*piece).map(|unit| unit.kind) {
        Some(Kind::Elite) => 0,
        Some(Kind::Regular) => 1,
        _ => 2,
    };
    pieces.sort_by_key(|piece| (rank(piece), *piece));
}

/// `marches(forces, enemy_units, at_war, led, moved)`: the moves of whole Armies to regions next to them, without the
/// pieces that have `moved` already: `{id, from, to, pieces, units, moves}`. Whoever is not at war stays out of the lands of
/// other Nations; where there is no room for all, the strongest go; nobody who leads is left alone. With `led` only Armies
/// with somebody who leads them move.
///
/// Source: the rules of Armies and movement.
pub(super) fn marches(arguments: &[Value]) -> Value {
    let [all, enemies, at_war, led, moved] = arguments else { return json!([]) };
    let mut marches = Vec::new();
    let armies: BTreeMap<i64, Vec<i64>> = forces(all).filter(|(area, _)| map::is_region(*area)).collect();
    for (&from, pieces) in &armies {
        for &to in map::neighbours(from) {
            if 0 < units_in(enemies, to) {
                continue;
            }
            let mut going: Vec<i64> = pieces.iter().copied().filter(|piece| !has(moved, *piece)).collect();
            going.retain(|piece| *piece != SARUMAN && may_enter(*piece, to, at_war));
            in_order(&mut going);
            let there = armies.get(&to).map_or(0, |pieces| strength(pieces));
            let room = usize::try_from((STACK - there).max(0)).unwrap_or_default();
            let (fighters, leaders): (Vec<i64>, Vec<i64>) =
                going.into_iter().partition(|piece| fighter(*piece).is_some());
            let staying_units = strength(pieces) > strength(&fighters[..fighters.len().min(room)]);
            let left_alone = pieces.iter().any(|piece| {
                let is_leader = map::unit(*piece).is_some_and(|unit| unit.kind == Kind::Leader);
                is_leader && !staying_units && !leaders.contains(piece)
            });
            if fighters.is_empty() || room == 0 || left_alone || (*led == true && leaders.is_empty()) {
                continue;
            }
            let going: Vec<i64> = fighters.into_iter().take(room).chain(leaders).collect();
            marches.push(json!({
                "id": format!("{from}-{to}"), "from": from, "to": to, "pieces": going, "units": strength(&going),
                "moves": [{"pieces": going, "from": from, "to": to}],
            }));
        }
    }
    Value::Array(marches)
}

/// Whether a piece may go to a region: units and Leaders whose Nation is not at war only to its own and to nobody's.
pub(super) fn may_enter(piece: i64, region: i64, at_war: &Value) -> bool {
    let Some(unit) = map::unit(piece) else { return true };
    let is_at_war = at_war.as_array().is_some_and(|list| list.iter().any(|nation| *nation == unit.nation));
    is_at_war || unit.kind == Kind::Nazgul || map::nation(region).is_none_or(|nation| nation == unit.nation)
}

/// Whether a piece may attack: units and Leaders whose Nation is at war, and all others but Saruman.
pub(super) fn fights(piece: i64, at_war: &Value) -> bool {
    let is_at_war = |nation: &str| at_war.as_array().is_some_and(|list| list.iter().any(|other| *other == nation));
    let unit = map::unit(piece);
    piece != SARUMAN && unit.is_none_or(|unit| unit.kind == Kind::Nazgul || is_at_war(unit.nation))
}

/// Whether there is somebody among them who leads.
pub(super) fn leads(pieces: &[i64]) -> bool {
    pieces.iter().any(|piece| fighter(*piece).is_none())
}

/// `attacks(forces, enemy_units, at_war, led)`: what may be attacked from where: `{id, from, region, within, pieces, units,
/// enemies, moves, rearguard}`; the enemies are `within` the region or its Stronghold. Units that are not at war stay behind. An
/// assault on the Stronghold that the Army besieges and a sortie from one move nobody: whoever stays is the `rearguard`.
///
/// Source: the rules of battle.
pub(super) fn attacks(arguments: &[Value]) -> Value {
    let [all, enemies, at_war, led] = arguments else { return json!([]) };
    let mut attacks = Vec::new();
    for (area, army) in forces(all).collect::<BTreeMap<_, _>>() {
        let mut going: Vec<i64> = army.iter().copied().filter(|piece| fights(*piece, at_war)).collect();
        in_order(&mut going);
        attacks.extend(attacks_by(area, &army, &going, enemies, *led == true));
    }
    Value::Array(attacks)
}

/// What those of an Army in an area who are `going` may attack.
pub(super) fn attacks_by(area: i64, army: &[i64], going: &[i64], enemies: &Value, led: bool) -> Vec<Value> {
    if strength(going) == 0 || (led && !leads(going)) {
        return Vec::new();
    }
    let attack = |region: i64, within: i64| {
        let goes = region != area && within == region && board::region_of_box(area).is_none();
        let rearguard: Vec<i64> = army.iter().copied().filter(|piece| !goes && !going.contains(piece)).collect();
        json!({
            "id": format!("{area}-{within}"), "from": area, "region": region, "within": within, "pieces": going,
            "units": strength(going), "enemies": units_in(enemies, within), "rearguard": rearguard,
            "moves": if goes { json!([{"pieces": going, "from": area, "to": region}]) } else { json!([]) },
        })
    };
    let targets: Vec<(i64, i64)> = match board::region_of_box(area) {
        Some(region) => vec![(region, region)],
        None => {
            let near = map::neighbours(area).iter().map(|next| (*next, *next));
            board::stronghold_box(area).map(|inside| (area, inside)).into_iter().chain(near).collect()
        }
    };
    let held = targets.into_iter().filter(|(_, within)| 0 < units_in(enemies, *within));
    held.map(|(region, within)| attack(region, within)).collect()
}

/// `recruits(reserve, forces, enemy_units, at_war, lost, besieged, moved)`: who of the reserve, but none that has `moved`, may
/// come into play where, the first figure of each kind for each Settlement: `{id, kind, what, nation, region, piece, moves}`.
/// The Settlement is its Nation's own, neither `lost` nor besieged, and free of enemies; units need room, Leaders units beside
/// them, Nazgûl a Stronghold of Sauron.
///
/// Source: the rules of muster, "Recruit".
pub(super) fn recruits(arguments: &[Value]) -> Value {
    let [reserve, all, enemies, at_war, lost, besieged, moved] = arguments else { return json!([]) };
    let Some(reserve) = reserve.as_object() else { return json!([]) };
    let mut waiting: Vec<(i64, i64)> =
        reserve.iter().filter_map(|(piece, area)| Some((piece.parse().ok()?, area.as_i64()?))).collect();
    waiting.retain(|(piece, _)| !has(moved, *piece));
    // Whoever has not fallen yet comes first.
    waiting.sort_by_key(|(piece, area)| (*area, *piece));
    let armies: BTreeMap<i64, Vec<i64>> = forces(all).collect();
    let mut recruits = Vec::new();
    for (region, place) in map::settlements() {
        let is_at_war = at_war.as_array().is_some_and(|list| list.iter().any(|nation| *nation == place.nation));
        if !is_at_war || has(lost, region) || has(besieged, region) || 0 < units_in(enemies, region) {
            continue;
        }
        let there = armies.get(&region).map_or(0, |pieces| strength(pieces));
        for (kind, word, what) in [
            (Kind::Elite, "elite", "an Elite"),
            (Kind::Regular, "regular", "a Regular"),
            (Kind::Leader, "leader", "a Leader"),
            (Kind::Nazgul, "nazgul", "a Nazgûl"),
        ] {
            let fits = match kind {
                Kind::Elite | Kind::Regular => there < STACK,
                Kind::Leader => 0 < there,
                Kind::Nazgul => SAURON_STRONGHOLDS.contains(&region),
            };
            let is_one = |(piece, _): &&(i64, i64)| {
                map::unit(*piece).is_some_and(|unit| unit.nation == place.nation && unit.kind == kind)
            };
            if let Some((piece, from)) = waiting.iter().find(is_one).filter(|_| fits) {
                recruits.push(json!({
                    "id": format!("{word}-{region}"), "kind": word, "what": what, "nation": place.nation, "region": region, "piece": piece,
                    "moves": [{"pieces": [piece], "from": from, "to": region}],
                }));
            }
        }
    }
    Value::Array(recruits)
}

/// `ways(from, steps, stops)`: the regions that somebody reaches in so many steps who goes no farther from one of `stops` that he
/// enters, the nearest first.
///
/// Source: the rules of the Fellowship, "Separate" and "Later moves".
pub(super) fn ways(arguments: &[Value]) -> Value {
    let [Some(from), Some(steps)] = [0, 1].map(|index| arguments[index].as_i64()) else { return json!([]) };
    if !map::is_region(from) {
        return json!([]);
    }
    let mut reached = vec![from];
    let mut seen = BTreeSet::from([from]);
    let mut edge = vec![from];
    for _ in 0..steps.clamp(0, 20) {
        let open = edge.iter().filter(|region| **region == from || !has(&arguments[2], **region));
        let next: BTreeSet<i64> = open.flat_map(|region| map::neighbours(*region)).copied().collect();
        edge = next.into_iter().filter(|region| seen.insert(*region)).collect();
        reached.extend(&edge);
    }
    Value::from(reached)
}

/// `groups(characters, levels, moved)`: the Companions on the map, each by himself and all who stand together, without those
/// who have `moved` already: `{id, pieces, from, steps}`. `levels` has the Level of each Companion by his piece; a group goes
/// as far as its highest.
pub(super) fn groups(arguments: &[Value]) -> Value {
    let [characters, levels, moved] = arguments else { return json!([]) };
    let level = |piece: i64| levels.get(piece.to_string()).and_then(Value::as_i64);
    let mut standing: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (piece, area) in characters.as_object().into_iter().flatten() {
        let Some((piece, area)) = piece.parse::<i64>().ok().zip(area.as_i64()) else { continue };
        if map::is_region(area) && level(piece).is_some() && !has(moved, piece) {
            standing.entry(area).or_default().push(piece);
        }
    }
    let mut groups = Vec::new();
    for (from, pieces) in standing {
        let together = Some(pieces.clone()).filter(|pieces| 1 < pieces.len());
        for group in pieces.iter().map(|piece| vec![*piece]).chain(together) {
            let id: Vec<String> = group.iter().map(i64::to_string).collect();
            let steps = group.iter().filter_map(|piece| level(*piece)).max();
            groups.push(json!({"id": id.join("-"), "pieces": group, "from": from, "steps": steps}));
        }
    }
    Value::Array(groups)
}

/// `flyers(forces, moved)`: the Nazgûl and Minions on the map who may be moved, one Nazgûl for each area: `{piece, from, steps}`;
/// who flies has no end of steps.
pub(super) fn flyers(arguments: &[Value]) -> Value {
    let mut flyers = Vec::new();
    for (from, pieces) in forces(&arguments[0]).collect::<BTreeMap<_, _>>() {
        let mut rest = pieces.into_iter().filter(|piece| !has(&arguments[1], *piece)).collect::<Vec<_>>();
        rest.sort_unstable();
        let is_nazgul = |piece: &&i64| map::unit(**piece).is_some_and(|unit| unit.kind == Kind::Nazgul);
        let nazgul = rest.iter().find(is_nazgul).map(|piece| (*piece, 99));
        let minions = rest.iter().filter_map(|piece| match *piece {
            WITCH_KING => Some((WITCH_KING, 99)),
            MOUTH if map::is_region(from) => Some((MOUTH, 3)),
            _ => None,
        });
        flyers.extend(
            nazgul
                .into_iter()
                .chain(minions)
                .map(|(piece, steps)| json!({"piece": piece, "from": from, "steps": steps})),
        );
    }
    Value::Array(flyers)
}

/// `landings(from, steps, shadow_conquests, fp_conquests, besieged)`: where a Nazgûl or Minion may go: anywhere but into a
/// Stronghold that the Free Peoples hold and nobody besieges.
///
/// Source: the rules of Armies and movement, "Nazgûl".
pub(super) fn landings(arguments: &[Value]) -> Value {
    let [from, steps, shadow_conquests, fp_conquests, besieged] = arguments else { return json!([]) };
    let [Some(from), Some(steps)] = [from.as_i64(), steps.as_i64()] else { return json!([]) };
    let start = board::region_of_box(from).unwrap_or(from);
    let is_closed = |region: i64| {
        let place = map::settlement(region).filter(|place| place.is_stronghold);
        let is_theirs = place.is_some_and(|place| match map::side_of(place.nation) {
            Side::FreePeoples => !has(shadow_conquests, region),
            Side::Shadow => has(fp_conquests, region),
        });
        is_theirs && !has(besieged, region)
    };
    let within = |region: &i64| map::distance(start, *region).is_some_and(|distance| i64::from(distance) <= steps);
    let regions = (0..).take(map::REGIONS).filter(within);
    regions.filter(|region| *region != from && !is_closed(*region)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::call;

    fn ids(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
    }

    fn march(forces: Value, enemies: Value, at_war: Value, led: bool, moved: Value) -> Value {
        call("marches", json!([forces, enemies, at_war, led, moved]))
    }

    #[test]
    fn an_army_goes_to_what_lies_next_to_it_and_not_where_enemies_are() {
        // Orcs in Minas Morgul, beside South Ithilien (75) and others.
        let forces = json!({"86": [7, 35]});
        let free = march(forces.clone(), json!({}), json!(["Sauron"]), false, json!([]));
        assert_eq!(free.as_array().unwrap().len(), crate::map::neighbours(86).len());
        assert_eq!(free[0]["pieces"], json!([35, 7]), "the strongest first");
        let beside = crate::map::neighbours(86)[0];
        let held = march(forces.clone(), json!({beside.to_string(): 1}), json!(["Sauron"]), false, json!([]));
        assert!(!ids(&held).contains(&format!("86-{beside}").as_str()));
        assert_eq!(march(forces.clone(), json!({}), json!(["Sauron"]), true, json!([])), json!([]), "nobody leads it");
        assert_eq!(march(forces, json!({}), json!(["Sauron"]), false, json!([7, 35])), json!([]), "it has moved");
    }

    #[test]
    fn whoever_is_not_at_war_stays_at_home_and_in_lands_of_nobody() {
        // Gondor in Minas Tirith: Osgiliath is nobody's, Lossarnach Gondor's, Druadan Forest Rohan's or nobody's.
        let forces = json!({"46": [75]});
        let peace = march(forces.clone(), json!({}), json!([]), false, json!([]));
        let war = march(forces, json!({}), json!(["Gondor"]), false, json!([]));
        let foreign = |list: &Value| {
            let to = list.as_array().unwrap().iter().map(|one| one["to"].as_i64().unwrap());
            to.filter(|to| crate::map::nation(*to).is_some_and(|nation| nation != "Gondor")).count()
        };
        assert_eq!(foreign(&peace), 0);
        assert!(ids(&peace).len() <= ids(&war).len() && !ids(&peace).is_empty());
    }

    #[test]
    fn ten_units_are_all_that_a_region_holds() {
        let forces = json!({"86": [7, 8, 35], "75": [9, 10, 11, 12, 13, 14, 15, 16]});
        let marches = march(forces, json!({}), json!(["Sauron"]), false, json!([]));
        let to = marches.as_array().unwrap().iter().find(|one| one["id"] == "86-75").unwrap();
        assert_eq!((&to["pieces"], &to["units"]), (&json!([35, 7]), &json!(2)));
        let full = json!({"86": [7], "75": [9, 10, 11, 12, 13, 14, 15, 16, 17, 18]});
        assert!(!ids(&march(full, json!({}), json!(["Sauron"]), false, json!([]))).contains(&"86-75"));
    }

    #[test]
    fn saruman_stays_and_no_leader_is_left_alone() {
        let marches = march(json!({"40": [0, 254]}), json!({}), json!(["Isengard"]), false, json!([]));
        assert_eq!(marches[0]["pieces"], json!([0]));
        assert_eq!(march(json!({"40": [0, 254]}), json!({}), json!(["Isengard"]), true, json!([])), json!([]));
        // A captain of Gondor with Elves only may not follow them abroad.
        let mixed = march(json!({"74": [86, 85]}), json!({}), json!(["Elves"]), false, json!([]));
        let abroad = mixed
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| crate::map::nation(one["to"].as_i64().unwrap()).is_some_and(|nation| nation != "Gondor"));
        assert_eq!(abroad.count(), 0);
    }

    #[test]
    fn an_attack_takes_those_along_who_are_at_war() {
        let attacks = |forces: Value, enemies: Value, at_war: Value, led: bool| {
            call("attacks", json!([forces, enemies, at_war, led]))
        };
        let forces = json!({"86": [7, 41, 37]});
        let one = attacks(forces.clone(), json!({"75": 2}), json!(["Sauron"]), true);
        assert_eq!(one[0]["moves"], json!([{"pieces": [7, 37], "from": 86, "to": 75}]));
        assert_eq!(attacks(json!({"86": [7]}), json!({"75": 2}), json!(["Sauron"]), true), json!([]));
        assert_eq!(attacks(forces, json!({"75": 2}), json!([]), false), json!([]));
        let assault = attacks(json!({"74": [7]}), json!({"111": 2}), json!(["Sauron"]), false);
        assert_eq!((&assault[0]["region"], &assault[0]["moves"]), (&json!(74), &json!([])));
        let sortie = attacks(json!({"111": [75]}), json!({"74": 2}), json!(["Gondor"]), false);
        assert_eq!((&sortie[0]["id"], &sortie[0]["moves"]), (&json!("111-74"), &json!([])));
        assert_eq!(sortie[0]["rearguard"], json!([]));
        let sortie = attacks(json!({"111": [75, 18]}), json!({"74": 2}), json!(["Gondor"]), false);
        assert_eq!((&sortie[0]["units"], &sortie[0]["rearguard"]), (&json!(1), &json!([18])), "not at war");
    }

    #[test]
    fn recruits_come_where_they_are_at_home_and_free() {
        let recruits = |reserve: Value, forces: Value, enemies: Value, lost: Value| {
            call("recruits", json!([reserve, forces, enemies, ["Gondor", "Sauron"], lost, [], []]))
        };
        let gondor =
            recruits(json!({"277": 174, "273": 174, "270": 174}), json!({"74": [75]}), json!({"48": 1}), json!([52]));
        let here = ids(&gondor);
        assert!(here.contains(&"elite-74") && here.contains(&"regular-42") && here.contains(&"leader-74"));
        assert!(!here.contains(&"leader-42"), "a Leader needs units beside him");
        assert!(!here.iter().any(|id| id.ends_with("-48") || id.ends_with("-52")), "enemies, and lost: {here:?}");
        let sauron = recruits(json!({"318": 176, "8": 177, "337": 176}), json!({}), json!({}), json!([]));
        assert!(ids(&sauron).contains(&"nazgul-86") && !ids(&sauron).contains(&"nazgul-14"));
        let regular = sauron.as_array().unwrap().iter().find(|one| one["kind"] == "regular").unwrap();
        assert_eq!(regular["piece"], 337, "whoever has fallen comes last");
        let full: Vec<i64> = (7..=16).collect();
        assert!(
            !ids(&recruits(json!({"337": 176}), json!({"86": full}), json!({}), json!([]))).contains(&"regular-86")
        );
    }

    #[test]
    fn whoever_enters_a_stronghold_of_the_shadow_goes_no_farther() {
        let ways = |steps: i64, stops: Value| call("ways", json!([27, steps, stops])).as_array().unwrap().len();
        assert_eq!(ways(0, json!([])), 1);
        assert!(ways(4, json!([35])) <= ways(4, json!([])));
        let through = call("ways", json!([35, 1, [35]]));
        assert_eq!(through.as_array().unwrap().len(), 1 + crate::map::neighbours(35).len(), "he may leave one");
    }

    #[test]
    fn companions_go_alone_or_together() {
        let levels = json!({"241": 3, "243": 2, "245": 1});
        let groups = call("groups", json!([{"241": 37, "245": 37, "243": 115}, levels, []]));
        assert_eq!(ids(&groups), ["241", "245", "241-245"]);
        assert_eq!((&groups[2]["steps"], &groups[1]["steps"]), (&json!(3), &json!(1)));
        assert_eq!(ids(&call("groups", json!([{"241": 37, "245": 37}, levels, [241]]))), ["245"]);
    }

    #[test]
    fn nazgul_fly_anywhere_but_to_free_strongholds() {
        let flyers = call("flyers", json!([{"86": [37, 38, 253], "91": [255, 7]}, [37]]));
        let pieces: Vec<&Value> = flyers.as_array().unwrap().iter().map(|one| &one["piece"]).collect();
        assert_eq!(pieces, [&json!(38), &json!(253), &json!(255)]);
        let landings = |steps: i64, besieged: Value| call("landings", json!([86, steps, [], [40], besieged]));
        let has = |list: &Value, region: i64| list.as_array().unwrap().contains(&json!(region));
        assert!(!has(&landings(99, json!([])), 74) && has(&landings(99, json!([74])), 74));
        assert!(has(&landings(99, json!([])), 0) && !has(&landings(3, json!([])), 0));
        assert!(
            !has(&landings(99, json!([])), 40) && has(&landings(99, json!([])), 44),
            "the Free Peoples have taken Orthanc"
        );
    }
}
