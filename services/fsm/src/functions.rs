//! Functions that expressions may call beside those of CEL: what the map and the units of War of the Ring allow, and lists
//! of choices. They are pure, and answer an empty list where their arguments make no sense.

mod armies;
mod captures;
mod faces;
mod parts;

use std::collections::{BTreeMap, BTreeSet};

use rules::war_of_the_ring::casualties::{self, Force, Loss};
use serde_json::{Value, json};

use crate::{
    board::{self, Side},
    map::{self, Kind},
};

/// A function: its name, how many arguments it has, and what it does with them.
pub struct Function {
    pub name: &'static str,
    pub arity: usize,
    pub call: fn(&[Value]) -> Value,
}

/// All of them.
pub const FUNCTIONS: &[Function] = &[
    Function { name: "reach", arity: 2, call: reach },
    Function { name: "combinations", arity: 2, call: combinations },
    Function { name: "losses", arity: 4, call: losses },
    Function { name: "reductions", arity: 3, call: reductions },
    Function { name: "nations", arity: 1, call: nations },
    Function { name: "elites", arity: 2, call: elites },
    Function { name: "endurance", arity: 1, call: captures::endurance },
    Function { name: "origins", arity: 3, call: captures::origins },
    Function { name: "strength", arity: 1, call: captures::strength },
    Function { name: "leadership", arity: 1, call: captures::leadership },
    Function { name: "armies_of", arity: 2, call: armies_of },
    Function { name: "attackers", arity: 4, call: attackers },
    Function { name: "advanced", arity: 2, call: advanced },
    Function { name: "retreats", arity: 6, call: retreats },
    Function { name: "garrison", arity: 3, call: garrison },
    Function { name: "garrisons", arity: 3, call: parts::garrisons },
    Function { name: "strongholds_passed", arity: 4, call: strongholds_passed },
    Function { name: "marches", arity: 5, call: armies::marches },
    Function { name: "attacks", arity: 4, call: armies::attacks },
    Function { name: "recruits", arity: 7, call: armies::recruits },
    Function { name: "ways", arity: 3, call: armies::ways },
    Function { name: "groups", arity: 3, call: armies::groups },
    Function { name: "flyers", arity: 2, call: armies::flyers },
    Function { name: "landings", arity: 5, call: armies::landings },
    Function { name: "splits", arity: 2, call: parts::splits },
    Function { name: "along", arity: 5, call: parts::along },
    Function { name: "marches_of", arity: 6, call: parts::marches_of },
    Function { name: "attacks_of", arity: 6, call: parts::attacks_of },
    Function { name: "saruman_musters", arity: 5, call: parts::saruman_musters },
    Function { name: "freed", arity: 2, call: parts::freed },
    Function { name: "moved", arity: 3, call: captures::moved },
    Function { name: "placed", arity: 2, call: captures::placed },
    Function { name: "counted", arity: 1, call: captures::counted },
    Function { name: "led", arity: 1, call: captures::led },
    Function { name: "captures", arity: 4, call: captures::captures },
    Function { name: "overstacked", arity: 2, call: captures::overstacked },
    Function { name: "faces", arity: 4, call: faces::faces },
];

/// Lists of choices end here; nobody looks through more.
const MAX_CHOICES: usize = 200;

/// `reach(region, steps)`: the regions that are at most so many steps away, the region itself first, the nearest before the
/// others.
fn reach(arguments: &[Value]) -> Value {
    let [Some(region), Some(steps)] = [0, 1].map(|index| arguments[index].as_i64()) else { return json!([]) };
    let mut near: Vec<(u32, i64)> = (0..)
        .take(map::REGIONS)
        .filter_map(|other| Some((map::distance(region, other)?, other)))
        .filter(|(distance, _)| i64::from(*distance) <= steps)
        .collect();
    near.sort_unstable();
    near.into_iter().map(|(_, region)| region).collect()
}

/// `combinations(list, count)`: the lists of so many different items, in the order in which they stand.
fn combinations(arguments: &[Value]) -> Value {
    let (Some(items), Some(count)) = (arguments[0].as_array(), arguments[1].as_u64()) else { return json!([]) };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 || items.len() < count {
        return json!([]);
    }
    let mut chosen: Vec<usize> = (0..count).collect();
    let mut lists = Vec::new();
    loop {
        lists.push(chosen.iter().map(|index| items[*index].clone()).collect());
        // The last index that can still go on does, and those behind it follow at once.
        let movable = (0..count).rev().find(|place| chosen[*place] < items.len() - count + place);
        let Some(place) = movable.filter(|_| lists.len() < MAX_CHOICES) else { return Value::Array(lists) };
        chosen[place] += 1;
        for next in place + 1..count {
            chosen[next] = chosen[next - 1] + 1;
        }
    }
}

/// `losses(pieces, area, spare, hits)`: the ways in which the Army of these pieces takes so many hits where it stands. `spare`
/// has the areas of figures beside the map, by piece. Each way is `{id, text, moves, fallen, raised}`: `moves` carries it out on
/// the board; `fallen` are the pieces that leave the Army and `raised` those that come to it.
fn losses(arguments: &[Value]) -> Value {
    let (Some(army), Some(hits)) = (Army::read(arguments), arguments[3].as_u64()) else { return json!([]) };
    let forces: Vec<Force> = army.nations().map(|nation| army.force(nation)).collect();
    let hits = u32::try_from(hits).unwrap_or(u32::MAX);
    casualties::ways(&forces, hits).iter().map(|way| army.way(way)).collect()
}

/// `reductions(pieces, area, spare)`: the ways in which one Elite of the Army becomes a Regular, one for each nation.
fn reductions(arguments: &[Value]) -> Value {
    let Some(army) = Army::read(arguments) else { return json!([]) };
    let with_elites = army.nations().filter(|nation| 0 < army.of(nation, Kind::Elite).count());
    let way = |nation| {
        let has_figure = 0 < army.force(nation).spare;
        let reduced = u32::from(has_figure);
        army.way(&[Loss { nation, regulars: 0, reduced, elites: 1 - reduced }])
    };
    with_elites.map(way).collect()
}

/// `nations(pieces)`: whose units and leaders the pieces are, in alphabetical order.
fn nations(arguments: &[Value]) -> Value {
    let pieces = arguments[0].as_array().into_iter().flatten().filter_map(Value::as_i64);
    pieces.filter_map(map::unit).map(|unit| unit.nation).collect::<BTreeSet<_>>().into_iter().collect()
}

/// `elites(pieces, nation)`: how many of the pieces are Elites of the nation.
fn elites(arguments: &[Value]) -> Value {
    let pieces = arguments[0].as_array().into_iter().flatten().filter_map(Value::as_i64);
    let units = pieces.filter_map(map::unit).filter(|unit| unit.kind == Kind::Elite);
    Value::from(units.filter(|unit| arguments[1] == unit.nation).count())
}

/// Pieces by area, as the figures of the board have them.
fn forces(value: &Value) -> impl Iterator<Item = (i64, Vec<i64>)> {
    let areas = value.as_object().into_iter().flatten();
    areas.filter_map(|(area, pieces)| {
        Some((area.parse().ok()?, pieces.as_array()?.iter().filter_map(Value::as_i64).collect()))
    })
}

/// Whose unit a piece is; `None` for leaders and all others.
fn fighter(piece: i64) -> Option<&'static str> {
    map::unit(piece).filter(|unit| matches!(unit.kind, Kind::Regular | Kind::Elite)).map(|unit| unit.nation)
}

/// `armies_of(forces, nation)`: the areas where an Army has a unit of the nation, in ascending order.
fn armies_of(arguments: &[Value]) -> Value {
    let is_of_nation = |piece: &i64| fighter(*piece).is_some_and(|nation| arguments[1] == nation);
    let areas = forces(&arguments[0]).filter(|(_, pieces)| pieces.iter().any(is_of_nation)).map(|(area, _)| area);
    areas.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `attackers(forces, enemy_units, at_war, led)`: the areas, in ascending order, from which an Army may attack: it has units of
/// a nation that is at war, somebody who leads them where that is asked for, and an enemy within reach: next to it, in the
/// Stronghold that it besieges, or before the one that it holds.
fn attackers(arguments: &[Value]) -> Value {
    let is_enemy_in = |area: i64| arguments[1].get(area.to_string()).is_some();
    let is_at_war =
        |nation: &str| arguments[2].as_array().is_some_and(|list| list.iter().any(|other| *other == nation));
    let must_be_led = arguments[3] == true;
    let reaches_enemy = |area: i64| match board::region_of_box(area) {
        Some(region) => is_enemy_in(region),
        None => {
            map::neighbours(area).iter().any(|next| is_enemy_in(*next))
                || board::stronghold_box(area).is_some_and(is_enemy_in)
        }
    };
    let may = |(area, pieces): &(i64, Vec<i64>)| {
        let fights = pieces.iter().any(|piece| fighter(*piece).is_some_and(is_at_war));
        let is_led = pieces.iter().any(|piece| fighter(*piece).is_none());
        fights && (is_led || !must_be_led) && reaches_enemy(*area)
    };
    forces(&arguments[0]).filter(may).map(|(area, _)| area).collect::<BTreeSet<_>>().into_iter().collect()
}

/// `advanced(steps, nations)`: steps to war by nation, one less for each of these nations.
fn advanced(arguments: &[Value]) -> Value {
    let (Some(steps), Some(nations)) = (arguments[0].as_object(), arguments[1].as_array()) else { return json!([]) };
    let after = |(nation, steps): (&String, &Value)| {
        let goes_on = nations.iter().any(|other| other == nation);
        let left = steps.as_i64().unwrap_or_default();
        (nation.clone(), Value::from(if goes_on { (left - 1).max(0) } else { left }))
    };
    Value::Object(steps.iter().map(after).collect())
}

/// Units that a region may hold, and a Stronghold under siege.
const STACK: i64 = 10;
const GARRISON: usize = 5;
/// The Fellowship Track ends here.
const MAX_STEPS: i64 = 12;

/// `retreats(region, side, fp_units, sp_units, shadow_conquests, fp_conquests)`: the regions next to one into which the Army of
/// a side may retreat: free of the enemy's Armies and of settlements that are his, with room for all of it.
fn retreats(arguments: &[Value]) -> Value {
    let (Some(region), Some(side)) = (arguments[0].as_i64(), arguments[1].as_str()) else { return json!([]) };
    let units = |side: Side, region: i64| {
        let of_side = if side == Side::FreePeoples { &arguments[2] } else { &arguments[3] };
        of_side.get(region.to_string()).and_then(Value::as_i64).unwrap_or_default()
    };
    let is_taken = |region: i64| {
        let has = |list: &Value| list.as_array().is_some_and(|list| list.iter().any(|taken| *taken == region));
        arguments[4..].iter().any(has)
    };
    let (side, enemy) = match side {
        "shadow" => (Side::Shadow, Side::FreePeoples),
        _ => (Side::FreePeoples, Side::Shadow),
    };
    let is_hostile = |region: i64| {
        map::settlement(region).is_some_and(|place| (map::side_of(place.nation) == enemy) != is_taken(region))
    };
    let leaving = units(side, region);
    let fits = |next: &&i64| {
        units(enemy, **next) == 0 && !is_hostile(**next) && 0 < leaving && units(side, **next) + leaving <= STACK
    };
    map::neighbours(region).iter().filter(fits).copied().collect()
}

/// `garrison(pieces, region, box)`: the moves by which an Army goes into the Stronghold's box. Five units find room, the
/// strongest first, with all who lead them; the others go to the reinforcements.
fn garrison(arguments: &[Value]) -> Value {
    let (Some(pieces), Some(from), Some(inside)) =
        (arguments[0].as_array(), arguments[1].as_i64(), arguments[2].as_i64())
    else {
        return json!([]);
    };
    let is_unit = |piece: &i64| map::unit(*piece).is_some_and(|unit| matches!(unit.kind, Kind::Regular | Kind::Elite));
    let (mut units, mut staying): (Vec<i64>, Vec<i64>) = pieces.iter().filter_map(Value::as_i64).partition(is_unit);
    units.sort_by_key(|piece| (map::unit(*piece).map(|unit| unit.kind == Kind::Regular), *piece));
    let surplus = units.split_off(units.len().min(GARRISON));
    staying.extend(units);
    into_stronghold(staying, surplus, from, inside)
}

/// The moves by which some go into a Stronghold's box and the others to the reinforcements.
fn into_stronghold(mut going: Vec<i64>, surplus: Vec<i64>, from: i64, inside: i64) -> Value {
    let side = going.iter().find_map(|piece| map::unit(*piece)).map(map::Unit::side);
    let reinforcements = if side == Some(Side::Shadow) { 176 } else { 174 };
    going.sort_unstable();
    let moves = [(going, inside), (surplus, reinforcements)];
    let moves = moves.into_iter().filter(|(pieces, _)| !pieces.is_empty());
    moves.map(|(pieces, to)| json!({"pieces": pieces, "from": from, "to": to})).collect()
}

/// `strongholds_passed(from, to, steps, held)`: how many of the Strongholds `held` a figure leaves, enters or stays in that goes
/// from one region to another in at most so many steps, by the way that passes the fewest.
///
/// Source: the rules of the Fellowship, "Revealed".
fn strongholds_passed(arguments: &[Value]) -> Value {
    let [Some(from), Some(to), Some(steps)] = [0, 1, 2].map(|index| arguments[index].as_i64()) else { return json!(0) };
    let held: BTreeSet<i64> = arguments[3].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
    let cost = |region: i64| i64::from(held.contains(&region));
    // Fewest Strongholds to each region after so many steps.
    let mut fewest = BTreeMap::from([(from, cost(from))]);
    for _ in 0..steps.clamp(0, MAX_STEPS) {
        let mut next = fewest.clone();
        for (region, passed) in &fewest {
            for near in map::neighbours(*region) {
                let here = passed + cost(*near);
                next.entry(*near).and_modify(|least| *least = here.min(*least)).or_insert(here);
            }
        }
        fewest = next;
    }
    // A figure that has gone farther than it may has at least been in both places.
    json!(fewest.get(&to).copied().unwrap_or_else(|| cost(from) + cost(to)))
}

/// An Army where it stands.
struct Army {
    pieces: Vec<i64>,
    area: i64,
    /// Areas of the figures beside the map, by piece.
    spare: BTreeMap<i64, i64>,
}

impl Army {
    fn read(arguments: &[Value]) -> Option<Army> {
        let pieces = arguments[0].as_array()?.iter().filter_map(Value::as_i64).collect();
        let spare = arguments[2].as_object()?.iter();
        let spare = spare.filter_map(|(piece, area)| Some((piece.parse().ok()?, area.as_i64()?))).collect();
        Some(Army { pieces, area: arguments[1].as_i64()?, spare })
    }

    /// The nations of its units, in alphabetical order.
    fn nations(&self) -> impl Iterator<Item = &'static str> {
        let fights = |piece: &i64| map::unit(*piece).filter(|unit| matches!(unit.kind, Kind::Regular | Kind::Elite));
        let nations: BTreeSet<&str> = self.pieces.iter().filter_map(fights).map(|unit| unit.nation).collect();
        nations.into_iter()
    }

    fn of(&self, nation: &'static str, kind: Kind) -> impl Iterator<Item = i64> {
        let fits = move |piece: &i64| map::unit(*piece).is_some_and(|unit| unit.nation == nation && unit.kind == kind);
        self.pieces.iter().copied().filter(fits)
    }

    /// Figures of a nation's Regulars beside the map.
    fn figures(&self, nation: &'static str) -> impl Iterator<Item = (i64, i64)> {
        let regular =
            move |piece: i64| map::unit(piece).is_some_and(|unit| unit.nation == nation && unit.kind == Kind::Regular);
        self.spare.iter().map(|(piece, area)| (*piece, *area)).filter(move |(piece, _)| regular(*piece))
    }

    fn force(&self, nation: &'static str) -> Force<'static> {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Force {
            nation,
            regulars: number(self.of(nation, Kind::Regular).count()),
            elites: number(self.of(nation, Kind::Elite).count()),
            spare: number(self.figures(nation).count()),
        }
    }

    /// A way as a choice.
    fn way(&self, losses: &[Loss<'static>]) -> Value {
        let mut fallen = Vec::new();
        let mut raised: BTreeMap<i64, i64> = BTreeMap::new();
        let mut ids = Vec::new();
        let mut texts = Vec::new();
        for Loss { elites, reduced, regulars, nation } in losses {
            let take = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
            let falling: Vec<i64> = self.of(nation, Kind::Regular).take(take(*regulars)).collect();
            fallen.extend(self.of(nation, Kind::Elite).take(take(elites + reduced)));
            // Where no figure lies beside the map a fallen Regular's serves: it stays.
            let spare: Vec<(i64, i64)> = self.figures(nation).take(take(*reduced)).collect();
            let stay = take(*reduced) - spare.len();
            fallen.extend(&falling[stay.min(falling.len())..]);
            raised.extend(spare);
            let word = nation.to_lowercase().replace(' ', "-");
            for (count, what) in [(*regulars, "regular"), (*reduced, "reduced"), (*elites, "elite")] {
                if 0 < count {
                    ids.push(format!("{word}-{count}-{what}"));
                }
            }
            texts.extend(said(*regulars, "Regular", nation, "falls", "fall"));
            texts.extend(said(*elites, "Elite", nation, "falls", "fall"));
            texts.extend(said(*reduced, "Elite", nation, "becomes a Regular", "become Regulars"));
        }
        let units = self
            .pieces
            .iter()
            .filter(|piece| map::unit(**piece).is_some_and(|unit| matches!(unit.kind, Kind::Regular | Kind::Elite)));
        if raised.is_empty() && units.count() <= fallen.len() {
            // Whoever leads falls with the last unit.
            fallen.clone_from(&self.pieces);
        }
        json!({
            "id": ids.join("_"),
            "text": texts.join(", "),
            "moves": self.moves(&fallen, &raised),
            "fallen": fallen,
            "raised": raised.into_keys().collect::<Vec<_>>(),
        })
    }

    fn moves(&self, fallen: &[i64], raised: &BTreeMap<i64, i64>) -> Vec<Value> {
        // Casualties of the Free Peoples and of the Shadow.
        let side = self.pieces.iter().find_map(|piece| map::unit(*piece)).map(map::Unit::side);
        let casualties = if side == Some(Side::Shadow) { 177 } else { 175 };
        let mut moves = Vec::new();
        if !fallen.is_empty() {
            moves.push(json!({"pieces": fallen, "from": self.area, "to": casualties}));
        }
        let mut by_area: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (piece, area) in raised {
            by_area.entry(*area).or_default().push(*piece);
        }
        moves.extend(by_area.iter().map(|(from, pieces)| json!({"pieces": pieces, "from": from, "to": self.area})));
        moves
    }
}

fn said(count: u32, unit: &str, nation: &str, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {unit} of {nation} {one}")),
        count => Some(format!("{count} {unit}s of {nation} {many}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a function answers.
    pub(super) fn call(name: &str, arguments: Value) -> Value {
        let function = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        let arguments = arguments.as_array().unwrap();
        assert_eq!(arguments.len(), function.arity);
        (function.call)(arguments)
    }

    #[test]
    fn what_is_near_comes_first() {
        let near = call("reach", json!([27, 1]));
        assert_eq!(near[0], 27);
        assert!(
            near.as_array().unwrap()[1..].iter().all(|region| map::distance(27, region.as_i64().unwrap()) == Some(1))
        );
        assert_eq!(call("reach", json!([27, 0])), json!([27]));
        assert_eq!(call("reach", json!([190, 3])), json!([]), "the Mordor Track is no region");
        assert_eq!(call("reach", json!([27, 99])).as_array().unwrap().len(), map::REGIONS);
    }

    #[test]
    fn combinations_are_in_order_and_not_too_many() {
        assert_eq!(call("combinations", json!([[1, 2, 3], 2])), json!([[1, 2], [1, 3], [2, 3]]));
        assert_eq!(call("combinations", json!([[1, 2], 2])), json!([[1, 2]]));
        assert_eq!(call("combinations", json!([[1, 2], 3])), json!([]));
        assert_eq!(call("combinations", json!([[1, 2], 0])), json!([]));
        let hand: Vec<u32> = (0..20).collect();
        assert_eq!(call("combinations", json!([hand, 10])).as_array().unwrap().len(), MAX_CHOICES);
    }

    #[test]
    fn losses_say_which_pieces_go_and_which_come() {
        // Two Regulars and an Elite of Gondor in Minas Tirith, with their captain.
        let ways = call("losses", json!([[75, 76, 84, 85], 74, {"277": 174}, 1]));
        assert_eq!(
            ways,
            json!([
                {
                    "id": "gondor-1-regular", "text": "1 Regular of Gondor falls", "fallen": [75], "raised": [],
                    "moves": [{"pieces": [75], "from": 74, "to": 175}],
                },
                {
                    "id": "gondor-1-reduced", "text": "1 Elite of Gondor becomes a Regular", "fallen": [84], "raised": [277],
                    "moves": [{"pieces": [84], "from": 74, "to": 175}, {"pieces": [277], "from": 174, "to": 74}],
                },
            ])
        );
    }

    #[test]
    fn whoever_is_at_war_and_near_an_enemy_may_attack() {
        // Orcs with a Nazgûl in Minas Morgul, Southrons in Umbar, Orcs before Minas Tirith.
        let forces = json!({"86": [7, 37], "49": [41], "74": [8]});
        let attack = |enemy: Value, at_war: Value, led: bool| call("attackers", json!([forces, enemy, at_war, led]));
        let near = json!({"75": 2, "73": 1});
        assert_eq!(attack(near.clone(), json!(["Sauron"]), true), json!([86]), "only those who are led");
        assert_eq!(attack(near, json!(["Sauron"]), false), json!([74, 86]));
        assert_eq!(attack(json!({"75": 2}), json!([]), false), json!([]), "nobody is at war");
        assert_eq!(attack(json!({"111": 2}), json!(["Sauron"]), false), json!([74]), "it besieges Minas Tirith");
        assert_eq!(call("armies_of", json!([forces, "Sauron"])), json!([74, 86]));
        assert_eq!(call("attackers", json!([{"111": [75]}, {"74": 1}, ["Gondor"], false])), json!([111]), "a sortie");
    }

    #[test]
    fn a_nation_goes_one_step_on_and_not_beyond_war() {
        let steps = json!({"Gondor": 2, "Rohan": 0});
        assert_eq!(call("advanced", json!([steps, ["Gondor", "Rohan"]])), json!({"Gondor": 1, "Rohan": 0}));
        assert_eq!(call("elites", json!([[6, 7, 35], "Isengard"])), 1);
    }

    #[test]
    fn leaders_fall_with_the_last_unit() {
        let ways = call("losses", json!([[75, 84, 85], 74, {}, 3]));
        assert_eq!(ways[0]["fallen"], json!([75, 84, 85]));
        assert_eq!(ways.as_array().unwrap().len(), 1);
        let shadow = call("losses", json!([[7, 37], 86, {}, 1]));
        assert_eq!(shadow[0]["moves"], json!([{"pieces": [7, 37], "from": 86, "to": 177}]));
    }

    #[test]
    fn a_fallen_regular_stays_as_the_figure_of_an_elite() {
        let ways = call("losses", json!([[75, 84], 74, {}, 2]));
        assert_eq!(ways[0]["text"], "1 Regular of Gondor falls, 1 Elite of Gondor becomes a Regular");
        assert_eq!((&ways[0]["fallen"], &ways[0]["raised"]), (&json!([84]), &json!([])));
    }

    #[test]
    fn a_round_more_costs_an_elite_of_any_nation() {
        let ways = call("reductions", json!([[6, 35, 36, 7], 74, {"8": 177}]));
        let ids: Vec<_> = ways.as_array().unwrap().iter().map(|way| way["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["isengard-1-elite", "sauron-1-reduced"]);
    }

    #[test]
    fn a_retreat_leads_into_no_settlement_of_the_enemy() {
        // From South Ithilien, beside Minas Morgul and Osgiliath.
        let retreats = |side: &str, conquests: Value| {
            let units = json!({"75": 3});
            call("retreats", json!([75, side, units, {}, [], conquests]))
        };
        let free = retreats("free_peoples", json!([]));
        assert!(free.as_array().unwrap().contains(&json!(73)) && !free.as_array().unwrap().contains(&json!(86)));
        assert!(retreats("free_peoples", json!([86])).as_array().unwrap().contains(&json!(86)), "they have taken it");
        assert_eq!(retreats("shadow", json!([])), json!([]), "nobody of the Shadow is there");
    }

    #[test]
    fn a_figure_passes_as_few_strongholds_as_it_can() {
        let passed = |from, to, steps, held| call("strongholds_passed", json!([from, to, steps, held]));
        let (moria, lorien, rivendell) = (35, 37, 27);
        assert_eq!(passed(moria, moria, 3, json!([moria])), 1, "it stays in one");
        let (through, around) = (map::distance(moria, lorien).unwrap() + map::distance(rivendell, moria).unwrap(), 12);
        assert_eq!(passed(rivendell, lorien, through, json!([moria])), 1, "there is no time for another way");
        assert_eq!(passed(rivendell, lorien, around, json!([moria])), 0, "it goes around");
        assert_eq!(passed(moria, lorien, 5, json!([moria, lorien])), 2, "left and entered");
        assert_eq!(passed(rivendell, moria, 0, json!([moria])), 1, "whoever goes too far was there all the same");
    }

    #[test]
    fn what_makes_no_sense_is_an_empty_list() {
        for function in FUNCTIONS {
            let nothing = vec![Value::Null; function.arity];
            let answer = (function.call)(&nothing);
            assert!(answer == json!([]) || answer == json!(0), "{}", function.name);
        }
    }
}
