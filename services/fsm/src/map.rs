//! The map of the base game and its units, neighbours, settlements, who a piece is.

use std::{
    collections::{HashMap, VecDeque},
    sync::LazyLock,
};

use crate::board::Side;

const AREAS: &str = include_str!("../machines/areas.tsv");
const NEIGHBOURS: &str = include_str!("../machines/neighbours.tsv");
const UNITS: &str = include_str!("../machines/units.tsv");

/// Regions are the areas 0 to 104.
pub const REGIONS: usize = 105;

static MAP: LazyLock<Map> = LazyLock::new(Map::read);

struct Map {
    /// By name.
    areas: HashMap<&'static str, i64>,
    neighbours: Vec<Vec<i64>>,
    /// Steps from region to region.
    distances: Vec<Vec<u32>>,
    settlements: Vec<Option<Settlement>>,
    /// The Nation of each region.
    lands: Vec<Option<&'static str>>,
    /// By number of the piece.
    units: Vec<Option<Unit>>,
}

/// A place that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// Whose it is in the beginning.
    pub nation: &'static str,
    /// Whether it has walls within which a siege is held.
    pub is_stronghold: bool,
    /// What holding it counts: 2 for a Stronghold, 1 for a City, 0 for a Town.
    pub points: i64,
}

/// What a piece is in an Army.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Takes one hit.
    Regular,
    /// Takes two.
    Elite,
    /// Leads, and falls with the last unit.
    Leader,
    /// Leads, and flies.
    Nazgul,
}

/// A piece of an Army.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Its nation.
    pub nation: &'static str,
    /// What it is.
    pub kind: Kind,
}

impl Unit {
    /// Whose it is.
    pub fn side(self) -> Side {
        side_of(self.nation)
    }
}

/// The side of a nation.
pub fn side_of(nation: &str) -> Side {
    match nation {
        "Isengard" | "Sauron" | "Southrons and Easterlings" => Side::Shadow,
        _ => Side::FreePeoples,
    }
}

/// The regions next to one.
pub fn neighbours(region: i64) -> &'static [i64] {
    usize::try_from(region).ok().and_then(|region| MAP.neighbours.get(region)).map_or(&[], Vec::as_slice)
}

/// Steps between two regions; `None` where one of them is none.
pub fn distance(from: i64, to: i64) -> Option<u32> {
    MAP.distances.get(usize::try_from(from).ok()?)?.get(usize::try_from(to).ok()?).copied()
}

/// Whether an area is a region of the map.
pub fn is_region(area: i64) -> bool {
    usize::try_from(area).is_ok_and(|area| area < REGIONS)
}

/// The Nation whose land a region is; `None` where it is nobody's.
pub fn nation(region: i64) -> Option<&'static str> {
    *MAP.lands.get(usize::try_from(region).ok()?)?
}

/// The settlement of a region.
pub fn settlement(region: i64) -> Option<Settlement> {
    *MAP.settlements.get(usize::try_from(region).ok()?)?
}

/// The area of that name.
pub fn area(name: &str) -> Option<i64> {
    MAP.areas.get(name).copied()
}

/// The name of an area; a dash where there is none.
pub fn name(area: i64) -> &'static str {
    MAP.areas.iter().find(|(_, other)| **other == area).map_or("–", |(name, _)| name)
}

/// All settlements, with their regions.
pub fn settlements() -> impl Iterator<Item = (i64, Settlement)> {
    (0..).zip(&MAP.settlements).filter_map(|(region, settlement)| Some((region, (*settlement)?)))
}

/// What a piece is in an Army; `None` for all others.
pub fn unit(piece: i64) -> Option<Unit> {
    *MAP.units.get(usize::try_from(piece).ok()?)?
}

/// All pieces of Armies.
#[cfg(test)]
fn units() -> impl Iterator<Item = (i64, Unit)> {
    (0..).zip(&MAP.units).filter_map(|(piece, unit)| Some((piece, (*unit)?)))
}

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

impl Map {
    fn read() -> Map {
        let mut settlements = vec![None; REGIONS];
        let mut lands = vec![None; REGIONS];
        for row in rows(AREAS).take(REGIONS) {
            let Some(region) = row[0].parse::<usize>().ok().filter(|region| *region < REGIONS) else { continue };
            lands[region] = row.get(2).copied();
            if let (Some(&nation), Some(kind)) = (row.get(2), row.get(3)) {
                let points = match *kind {
                    "stronghold" => 2,
                    "city" => 1,
                    _ => 0,
                };
                settlements[region] = Some(Settlement { nation, is_stronghold: *kind == "stronghold", points });
            }
        }
        let neighbours: Vec<Vec<i64>> = rows(NEIGHBOURS)
            .map(|row| row.get(1).map_or_else(Vec::new, |list| list.split(' ').flat_map(str::parse).collect()))
            .collect();
        let distances = (0..neighbours.len()).map(|from| distances(&neighbours, from)).collect();
        let mut units = Vec::new();
        for row in rows(UNITS) {
            let [first, last, nation, kind] = row[..] else { continue };
            let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else { continue };
            let kind = match kind {
                "regular" => Kind::Regular,
                "elite" => Kind::Elite,
                "leader" => Kind::Leader,
                _ => Kind::Nazgul,
            };
            units.resize(units.len().max(last + 1), None);
            units[first..=last].fill(Some(Unit { nation, kind }));
        }
        let area = |row: Vec<&'static str>| Some((*row.get(1)?, row[0].parse().ok()?));
        let areas = rows(AREAS).filter_map(area).collect();
        Map { areas, neighbours, distances, settlements, lands, units }
    }
}

fn distances(neighbours: &[Vec<i64>], from: usize) -> Vec<u32> {
    let mut steps = vec![u32::MAX; neighbours.len()];
    let mut queue = VecDeque::from([from]);
    steps[from] = 0;
    while let Some(region) = queue.pop_front() {
        for next in neighbours[region].iter().filter_map(|next| usize::try_from(*next).ok()) {
            if steps[next] == u32::MAX {
                steps[next] = steps[region] + 1;
                queue.push_back(next);
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_mutual_and_every_region_can_be_reached() {
        for region in 0..i64::try_from(REGIONS).unwrap() {
            assert!(!neighbours(region).is_empty(), "{region} has no neighbours");
            assert!(neighbours(region).iter().all(|next| neighbours(*next).contains(&region)), "{region}");
            assert!(distance(27, region).unwrap() < 30);
        }
    }

    #[test]
    fn the_ways_are_as_long_as_the_printed_board_has_them() {
        let (rivendell, lorien, morannon, minas_morgul) = (27, 37, 91, 86);
        assert_eq!(distance(rivendell, morannon), Some(10));
        assert_eq!(distance(rivendell, minas_morgul), Some(10));
        assert_eq!(distance(rivendell, lorien), Some(5));
        assert_eq!(distance(lorien, morannon), Some(6));
    }

    #[test]
    fn the_points_on_the_map_are_those_of_the_rules() {
        let points = |side| {
            let of_side = settlements().filter(|(_, place)| side_of(place.nation) == side);
            of_side.map(|(_, place)| place.points).sum::<i64>()
        };
        assert_eq!(points(Side::FreePeoples), 20);
        assert_eq!(points(Side::Shadow), 18);
    }

    #[test]
    fn units_are_known_by_their_numbers() {
        assert_eq!(units().filter(|(_, unit)| unit.kind == Kind::Regular).count(), 117);
        assert_eq!(units().filter(|(_, unit)| unit.kind == Kind::Nazgul).count(), 8);
        assert_eq!(unit(247), None);
        assert_eq!(unit(75).map(|unit| (unit.nation, unit.kind)), Some(("Gondor", Kind::Regular)));
    }
}
