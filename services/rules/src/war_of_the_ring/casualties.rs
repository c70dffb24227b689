//! Casualties: the ways in which an Army may take its hits.
//!
//! Source: *War of the Ring, Second Edition*, "Battles", "Removing Casualties". One hit removes a Regular, or turns an
//! Elite into a Regular with a figure from the casualties or the reinforcements; where there is none the Elite falls.

/// Ways that are offered at the most; the cheapest in Elites come first. The rules set no limit: this one keeps a choice
/// that somebody can look through.
pub const MAX_WAYS: usize = 60;

/// The units of one nation in an Army.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Force<'a> {
    /// The nation.
    pub nation: &'a str,
    /// Its Regulars.
    pub regulars: u32,
    /// Its Elites, each of which takes two hits.
    pub elites: u32,
    /// Figures of its Regulars that lie beside the map, for Elites that become Regulars.
    pub spare: u32,
}

/// What one nation loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss<'a> {
    /// Elites that fall.
    pub elites: u32,
    /// Elites that become Regulars.
    pub reduced: u32,
    /// Regulars that fall, those that were Elites not among them.
    pub regulars: u32,
    /// The nation.
    pub nation: &'a str,
}

impl Loss<'_> {
    fn is_nothing(&self) -> bool {
        (self.elites, self.reduced, self.regulars) == (0, 0, 0)
    }
}

/// The ways to take so many hits, each as what the nations lose that lose anything; the cheapest in Elites first, at most
/// [`MAX_WAYS`]. Hits that nobody is left to take are lost. No hits can be taken in no way.
pub fn ways<'a>(army: &[Force<'a>], hits: u32) -> Vec<Vec<Loss<'a>>> {
    let all = army.iter().map(|force| force.regulars + 2 * force.elites).sum::<u32>();
    if hits == 0 || all == 0 {
        return Vec::new();
    }
    let mut ways = Vec::new();
    if hits < all {
        add(army, hits, &mut Vec::new(), &mut ways);
    }
    if ways.is_empty() {
        let falls = |force: &Force<'a>| Loss {
            elites: force.elites,
            reduced: 0,
            regulars: force.regulars,
            nation: force.nation,
        };
        ways.push(army.iter().map(falls).filter(|loss| !loss.is_nothing()).collect());
    }
    ways.sort_by_key(|way: &Vec<Loss>| {
        let sum = |what: fn(&Loss) -> u32| way.iter().map(what).sum::<u32>();
        (sum(|loss| loss.elites), sum(|loss| loss.reduced))
    });
    ways.truncate(MAX_WAYS);
    ways
}

/// Adds all ways in which the forces take exactly these hits, behind what others have lost before them.
fn add<'a>(army: &[Force<'a>], hits: u32, lost: &mut Vec<Loss<'a>>, ways: &mut Vec<Vec<Loss<'a>>>) {
    let Some((force, others)) = army.split_first() else {
        if hits == 0 {
            ways.push(lost.iter().copied().filter(|loss| !loss.is_nothing()).collect());
        }
        return;
    };
    for regulars in 0..=force.regulars.min(hits) {
        for hurt in 0..=force.elites.min(hits - regulars) {
            // A Regular that falls leaves its figure to an Elite.
            let figures = force.spare + regulars;
            let reduced = hurt.min(figures);
            let fallen_at_once = hurt - reduced;
            let most = if figures == 0 { 0 } else { (force.elites - hurt).min((hits - regulars - hurt) / 2) };
            for killed in 0..=most {
                let elites = killed + fallen_at_once;
                lost.push(Loss { elites, reduced, regulars, nation: force.nation });
                add(others, hits - regulars - hurt - 2 * killed, lost, ways);
                lost.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn force(nation: &str, regulars: u32, elites: u32, spare: u32) -> Force<'_> {
        Force { nation, regulars, elites, spare }
    }

    /// The ways as `nation: Regulars that fall/Elites reduced/Elites that fall`.
    #[track_caller]
    fn check(army: &[Force], hits: u32, expected: &[&str]) {
        let loss = |loss: &Loss| format!("{}: {}/{}/{}", loss.nation, loss.regulars, loss.reduced, loss.elites);
        let way = |way: &Vec<Loss>| way.iter().map(loss).collect::<Vec<_>>().join(", ");
        assert_eq!(ways(army, hits).iter().map(way).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_hit_removes_a_regular_or_reduces_an_elite() {
        check(&[force("Gondor", 2, 1, 3)], 1, &["Gondor: 1/0/0", "Gondor: 0/1/0"]);
    }

    #[test]
    fn an_elite_takes_two_hits() {
        check(&[force("Gondor", 1, 1, 3)], 2, &["Gondor: 1/1/0", "Gondor: 0/0/1"]);
    }

    #[test]
    fn an_elite_without_a_figure_to_become_falls_at_once() {
        check(&[force("Elves", 0, 2, 0)], 1, &["Elves: 0/0/1"]);
    }

    #[test]
    fn a_fallen_regulars_figure_serves_an_elite() {
        check(&[force("Elves", 1, 2, 0)], 2, &["Elves: 1/1/0", "Elves: 0/0/2"]);
    }

    #[test]
    fn nations_share_the_hits_in_every_way() {
        check(&[force("Sauron", 1, 0, 0), force("Isengard", 1, 0, 0)], 1, &["Isengard: 1/0/0", "Sauron: 1/0/0"]);
    }

    #[test]
    fn hits_beyond_an_army_take_all_of_it_and_no_hits_nothing() {
        check(&[force("Rohan", 1, 1, 9), force("Gondor", 0, 0, 9)], 5, &["Rohan: 1/0/1"]);
        check(&[force("Rohan", 1, 1, 9)], 0, &[]);
        check(&[], 3, &[]);
    }

    #[test]
    fn the_ways_are_not_too_many_and_each_takes_the_hits() {
        let army = ["Sauron", "Isengard", "Southrons and Easterlings"].map(|nation| force(nation, 5, 3, 9));
        let ways = ways(&army, 5);
        assert_eq!(ways.len(), MAX_WAYS);
        let taken = |loss: &Loss| loss.regulars + loss.reduced + 2 * loss.elites;
        assert!(ways.iter().all(|way| way.iter().map(taken).sum::<u32>() == 5));
    }
}
