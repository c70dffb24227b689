//! The war: Armies, recruits, Nations, and battles that have begun. What an Army may do is looked for on the board;
//! attacks are tried out before they are advised.

use super::{
    Strength,
    battle::{Force, Ground, Odds, odds},
    plan::{Plan, counted},
    position::{AT_WAR, Army, CURRENT_ACTION, NATION_MARKERS, Position, SARUMAN, boxes, enemy},
};
use serde_json::Value;

use crate::{
    board::{self, Side, die_side},
    map::{self, Kind},
};

/// Dice that are thrown in a round at the most.
const DICE: usize = 5;
/// Units that a region may hold.
const STACK: usize = 10;
/// What it is worth to join a siege, in points.
const REINFORCED: f64 = 0.3;
/// What an Army is worth per hit, in points.
const HIT: f64 = 0.18;

/// The war as one side sees it.
pub struct War<'a> {
    position: &'a Position<'a>,
    side: Side,
    strength: Strength,
    seed: u64,
}

impl<'a> War<'a> {
    pub fn new(position: &'a Position<'a>, side: Side, strength: Strength, seed: u64) -> War<'a> {
        War { position, side, strength, seed }
    }

    fn units_limit(&self, army: &Army, at: usize) -> Vec<i64> {
        let room = STACK.saturating_sub(at);
        let fighters = army.elites.iter().chain(&army.regulars).copied().take(room);
        let fighters: Vec<i64> = fighters.collect();
        if fighters.is_empty() { fighters } else { [&fighters[..], &army.leaders].concat() }
    }

    fn force(&self, army: &Army) -> Force {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Force {
            strength: number(army.strength()),
            hits: number(army.hits()),
            leadership: self.position.leadership(army),
        }
    }

    fn ground(&self, region: i64) -> Ground {
        match map::settlement(region) {
            Some(place) if self.position.holder(region) != Some(self.side) => match place {
                place if place.is_stronghold => Ground::Siege,
                place if place.points == 1 => Ground::Walls,
                _ => Ground::Open,
            },
            _ => Ground::Open,
        }
    }

    fn odds(&self, attacker: &Army, defender: &Army, ground: Ground) -> Odds {
        let trials = self.strength.trials().min(200);
        odds(self.force(attacker), self.force(defender), ground, trials, self.seed)
    }

    /// What holding a settlement is worth to this side.
    fn prize(&self, region: i64) -> f64 {
        let Some(place) = map::settlement(region) else { return 0.0 };
        if self.position.holder(region) == Some(self.side) {
            return 0.0;
        }
        if self.is_besieged(region) {
            return REINFORCED;
        }
        let counts = map::side_of(place.nation) != self.side;
        // Four points win for the Free Peoples, ten for the Shadow.
        let each = if self.side == Side::Shadow { 1.0 } else { 2.0 };
        let points = f64::from(i32::try_from(place.points).unwrap_or_default());
        if counts { each * points + 0.2 } else { points + 0.5 }
    }

    /// Regions that are worth going to, each with its prize.
    fn goals(&self) -> Vec<(i64, f64)> {
        let goals = map::settlements().map(|(region, _)| (region, self.prize(region)));
        goals.filter(|(_, prize)| 0.0 < *prize).collect()
    }

    /// The pull of all goals on a region: near and rich ones pull hard, well defended ones less.
    fn pull(&self, region: i64) -> f64 {
        let towards = |(goal, prize): &(i64, f64)| {
            let steps = map::distance(region, *goal)?;
            let defenders = self.position.army(enemy(self.side), *goal).hits();
            let hard = 1.0 + 0.3 * f64::from(u32::try_from(defenders).unwrap_or(99));
            Some(prize / hard / f64::from(steps + 1))
        };
        self.goals().iter().filter_map(towards).fold(0.0, f64::max)
    }

    /// What an Army of these pieces gains by going from one region to another.
    fn worth_of_march(&self, pieces: &[i64], from: i64, to: i64) -> f64 {
        // Whoever leaves a siege ends it.
        if self.is_besieged(from) {
            return -2.0;
        }
        let position = self.position;
        let (before, there) = (position.army(self.side, from), position.army(self.side, to));
        let army = before.only(pieces);
        let mut worth = self.prize(to) + 0.8 * (self.pull(to) - self.pull(from)) * army_weight(&army);
        if 0 < there.strength() {
            worth += 0.1;
        }
        // What it leaves behind must not be easy prey.
        let leaves_all = before.strength() == army.strength();
        if leaves_all && position.holder(from) == Some(self.side) && self.is_threatened(from) {
            worth -= self.value_of(from);
        }
        worth
    }

    /// An Army's move that is offered.
    pub fn offered_march(&self, moves: &[Value]) -> Plan {
        let (pieces, from, to) = first(moves);
        let worth = self.worth_of_march(&pieces, from, to);
        Plan::new(worth, told_march(&pieces, from, to))
    }

    /// Moves of Armies, the best of them: what a die for them is worth.
    pub fn march(&self) -> Plan {
        let position = self.position;
        if !position.has_board() {
            return Plan::new(0.2, "where the Armies stand is not known here");
        }
        let mut best = Plan::new(-0.2, "no Army has a better place to be");
        for from in position.armies(self.side) {
            let army = position.warriors(self.side, from);
            for &to in map::neighbours(from) {
                let there = position.army(self.side, to).strength();
                let is_free = position.army(enemy(self.side), to).strength() == 0;
                if !is_free || army.strength() == 0 || STACK <= there {
                    continue;
                }
                let pieces = self.units_limit(&army, there);
                let worth = self.worth_of_march(&pieces, from, to);
                if best.worth < worth {
                    best = Plan::new(worth, told_march(&pieces, from, to));
                }
            }
        }
        best
    }

    /// What a settlement of one's own is worth to the enemy.
    fn value_of(&self, region: i64) -> f64 {
        map::settlement(region).map_or(0.0, |place| f64::from(i32::try_from(place.points).unwrap_or_default()) + 0.3)
    }

    fn is_threatened(&self, region: i64) -> bool {
        let threat = |near: &i64| 0 < self.position.army(enemy(self.side), *near).strength();
        map::neighbours(region).iter().any(threat)
    }

    /// Attacks, the best of them: what a die for them is worth.
    pub fn attack(&self) -> Plan {
        let position = self.position;
        if !position.has_board() {
            return Plan::new(-0.5, "where the Armies stand is not known here");
        }
        let mut best = Plan::new(-0.5, "no attack is worth its losses");
        for from in position.armies(self.side) {
            let army = position.warriors(self.side, from);
            if army.strength() == 0 {
                continue;
            }
            if self.is_besieged(from) {
                best = best.or(self.assault(from, &army));
                continue;
            }
            for &to in map::neighbours(from) {
                if 0 < position.army(enemy(self.side), to).strength() {
                    best = best.or(self.onslaught(&army, to));
                }
            }
        }
        best
    }

    /// An attack that is offered: an assault or a sortie, or one from another region.
    pub fn offered_attack(&self, from: i64, region: i64) -> Plan {
        let army = self.position.warriors(self.side, from);
        if from == region { self.assault(region, &army) } else { self.onslaught(&army, region) }
    }

    /// The attack of an Army on another in the field.
    fn onslaught(&self, army: &Army, region: i64) -> Plan {
        let defender = self.position.army(enemy(self.side), region);
        // A defender with walls may withdraw behind them.
        let odds = self.odds(army, &defender, self.ground(region));
        let worth =
            odds.won * self.prize(region) + HIT * (odds.inflicted - odds.lost) - if odds.won < 0.5 { 1.0 } else { 0.0 };
        let why = format!(
            "{} against {} in {}: {:.0} % to win, {:.1} hits lost, {:.1} inflicted",
            army.strength(),
            defender.strength(),
            map::name(region),
            100.0 * odds.won,
            odds.lost,
            odds.inflicted
        );
        Plan::new(worth, why)
    }

    /// The assault on a Stronghold that the Army besieges.
    fn assault(&self, region: i64, army: &Army) -> Plan {
        let inside = board::stronghold_box(region).unwrap_or(region);
        let defender = self.position.army(enemy(self.side), inside);
        let odds = self.odds(army, &defender, Ground::Siege);
        let points = map::settlement(region).map_or(0.0, |place| f64::from(i32::try_from(place.points).unwrap_or(0)));
        let worth = odds.won * (points + 0.5) + HIT * (odds.inflicted - odds.lost);
        let why = format!(
            "an assault, {} against {} in {}: {:.0} % to win",
            army.strength(),
            defender.strength(),
            map::name(region),
            100.0 * odds.won
        );
        Plan::new(worth, why)
    }

    fn one_step_on(&self, plan: Plan, nation: &str) -> Plan {
        let steps = self.position.steps(nation);
        let marker = NATION_MARKERS.into_iter().find(|(name, _)| *name == nation);
        match marker.filter(|_| 0 < steps) {
            Some((_, marker)) => plan.moving(&[marker], AT_WAR - steps, AT_WAR - steps + 1),
            None => plan,
        }
    }

    /// Whether the enemy holds out in the Stronghold of a region.
    fn is_besieged(&self, region: i64) -> bool {
        board::stronghold_box(region).is_some_and(|inside| 0 < self.position.army(enemy(self.side), inside).strength())
    }

    /// One step of a Nation towards war.
    pub fn advance(&self, nation: &str) -> Plan {
        let steps = self.position.steps(nation);
        let why = format!("{nation} is {} from war", counted(steps, "step", "steps"));
        let plan = Plan::new(self.worth_of_advance(nation, steps), why);
        self.one_step_on(plan, nation)
    }

    fn worth_of_advance(&self, nation: &str, steps: i64) -> f64 {
        if steps <= 0 {
            return -1.0;
        }
        let closeness = 1.0 / f64::from(i32::try_from(steps).unwrap_or(1));
        match self.side {
            Side::Shadow => 2.2 + closeness + if nation == "Isengard" { 0.3 } else { 0.0 },
            Side::FreePeoples => {
                let own = map::settlements().filter(|(_, place)| place.nation == nation);
                let threats = own.filter(|(region, _)| self.is_threatened(*region)).count();
                0.9 + 0.6 * closeness + 0.3 * f64::from(u32::try_from(threats).unwrap_or_default())
            }
        }
    }

    /// What recruits are needed for in a settlement.
    fn need_in(&self, region: i64) -> f64 {
        match self.side {
            Side::Shadow => self.pull(region),
            Side::FreePeoples if self.is_threatened(region) => 0.3 + 0.4 * self.value_of(region),
            Side::FreePeoples => 0.1,
        }
    }

    /// Recruits where they are needed most: what a die for them is worth.
    pub fn recruit(&self) -> Plan {
        let position = self.position;
        if !position.has_board() {
            return Plan::new(0.3, "what can be recruited is not known here");
        }
        let pool = boxes(self.side).reinforcements;
        let mut best = Plan::new(-0.5, "there is nobody to recruit, or nowhere");
        for (region, place) in map::settlements() {
            let at_home = map::side_of(place.nation) == self.side && position.holder(region) == Some(self.side);
            let is_free = position.army(enemy(self.side), region).strength() == 0;
            let waits = |piece: i64| map::unit(piece).is_some_and(|unit| unit.nation == place.nation);
            let worth = 0.7 + self.need_in(region);
            let may_come =
                at_home && is_free && position.is_at_war(place.nation) && position.pieces_in(pool).any(waits);
            if may_come && best.worth < worth {
                best = Plan::new(worth, format!("{} are strengthened in {}", place.nation, map::name(region)));
            }
        }
        best
    }

    /// A recruit that is offered; the first of two is worth as much as an Elite alone.
    pub fn offered_recruit(&self, id: &str, moves: &[Value]) -> Plan {
        let (_, _, region) = first(moves);
        let leads = id.contains("leader") || id.contains("nazgul");
        let there = self.position.army(self.side, region).leaders.len();
        // One who leads is enough where nobody does.
        let kind = if leads && 0 < there { -0.4 } else { 0.0 };
        Plan::new(0.7 + kind + self.need_in(region), format!("{} is strengthened", map::name(region)))
    }

    /// Saruman has a Regular come to each Settlement of Isengard, while he is in Orthanc.
    pub fn saruman_musters(&self) -> Plan {
        const ORTHANC: i64 = 40;
        let position = self.position;
        if self.side != Side::Shadow || position.area(SARUMAN) != Some(ORTHANC) {
            return Plan::new(-1.0, "Saruman is not in Orthanc");
        }
        let pool = boxes(self.side).reinforcements;
        let is_regular =
            |piece: &i64| map::unit(*piece).is_some_and(|unit| unit.nation == "Isengard" && unit.kind == Kind::Regular);
        let is_open = |region: &i64| {
            position.holder(*region) == Some(self.side)
                && position.army(enemy(self.side), *region).strength() == 0
                && position.army(self.side, *region).strength() < STACK
        };
        let homes = map::settlements().filter(|(_, place)| place.nation == "Isengard").map(|(region, _)| region);
        coming(position.pieces_in(pool).filter(is_regular).zip(homes.filter(is_open)).count())
    }

    /// What Saruman does, as it is offered: Regulars come, or Elites are made of them.
    pub fn offered_muster(&self, id: &str, moves: &[Value]) -> Plan {
        if id == "saruman-elites" {
            let (rising, _, _) = first(moves);
            let count = u32::try_from(rising.len()).unwrap_or_default();
            return Plan::new(0.6 + 0.3 * f64::from(count), format!("{} to be", counted(count, "Elite", "Elites")));
        }
        let is_new = |one: &&Value| one.get("to").and_then(Value::as_i64).is_some_and(map::is_region);
        coming(moves.iter().filter(is_new).count())
    }

    /// The used die leaves the current action for where used dice lie.
    pub fn with_used_die(&self, plan: Plan) -> Plan {
        match self.position.selected_die() {
            Some(die) if die_side(die) == Some(self.side) && self.position.has_board() => {
                plan.moving(&[die], CURRENT_ACTION, boxes(self.side).casualties)
            }
            _ => plan,
        }
    }

    /// The region of the battle that is under way, with both Armies where they stand: whoever is besieged is in the
    /// Stronghold's box.
    fn battle(&self) -> (i64, Army, Army) {
        let position = self.position;
        let area = |side: Side| match side {
            Side::FreePeoples => position.number("FP_BATTLE_AREA"),
            Side::Shadow => position.number("SP_BATTLE_AREA"),
        };
        let army = |side: Side| position.army(side, area(side));
        (position.number("COMBAT_REGION"), army(self.side), army(enemy(self.side)))
    }

    /// Casualties, by what the battle is like with the Army that they leave.
    pub fn casualties(&self, moves: &[Value]) -> Plan {
        let (region, army, enemy) = self.battle();
        let attacks = self.position.text("ATTACKING_SIDE") == self.side.word();
        let left = army.after(moves);
        let lost = army.hits().saturating_sub(left.hits());
        let odds = if attacks {
            self.odds(&left, &enemy, self.ground(region)).won
        } else {
            1.0 - self.odds(&enemy, &left, Ground::Open).won
        };
        // A die more in the next round counts, and so does what the Army is worth afterwards.
        let dice = f64::from(u32::try_from(left.strength().min(DICE)).unwrap_or_default());
        Plan::new(
            2.0 * odds + HIT * dice - HIT * f64::from(u32::try_from(lost).unwrap_or(99)),
            format!(
                "left {} that take {}, {:.0} % to win",
                counted(left.strength(), "unit", "units"),
                counted(left.hits(), "hit", "hits"),
                100.0 * odds
            ),
        )
    }

    /// The attack ends where it stands: as a victory if nobody is left.
    pub fn stop(&self) -> Plan {
        let (region, army, defender) = self.battle();
        if defender.strength() == 0 {
            return Plan::new(9.0, "nobody is left to fight");
        }
        if army.strength() == 0 {
            return Plan::new(1.0, "nobody is left to attack");
        }
        let odds = self.odds(&army, &defender, self.ground(region));
        // Armies that stay beside each other are for people to sort out.
        Plan::new(-1.0 - 2.0 * odds.won, format!("{:.0} % to win", 100.0 * odds.won))
    }

    /// The attack ends, and its Army goes to another region.
    pub fn fall_back(&self, moves: &[Value]) -> Plan {
        let (region, army, defender) = self.battle();
        let odds = self.odds(&army, &defender, self.ground(region));
        let worth = 1.0 - 2.0 * odds.won + self.welcome(destination(moves));
        Plan::new(worth, format!("{:.0} % to win", 100.0 * odds.won))
    }

    /// An assault ends, and the siege goes on.
    pub fn besiege(&self) -> Plan {
        let (_, army, defender) = self.battle();
        if defender.strength() == 0 {
            return Plan::new(9.0, "nobody is left within");
        }
        let odds = self.odds(&army, &defender, Ground::Siege);
        Plan::new(1.0 - 2.0 * odds.won, format!("{:.0} % to take it", 100.0 * odds.won))
    }

    /// The defender goes into his Stronghold.
    pub fn inside(&self) -> Plan {
        let (_, army, attacker) = self.battle();
        let open = self.odds(&attacker, &army, Ground::Open).won;
        let walls = self.odds(&attacker, &army, Ground::Siege).won;
        Plan::new(
            3.0 * (open - walls) - 0.3,
            format!("{:.0} % to be beaten in the open, {:.0} % behind walls", 100.0 * open, 100.0 * walls),
        )
    }

    /// How good a region is to go to: best beside one's own, worst beside the enemy.
    fn welcome(&self, region: i64) -> f64 {
        let own = self.position.army(self.side, region).strength();
        let room = 0.05 * f64::from(u32::try_from(own).unwrap_or_default());
        room - if self.is_threatened(region) { 0.2 } else { 0.0 }
    }

    /// The attack goes on.
    pub fn go_on(&self) -> Plan {
        let (region, army, defender) = self.battle();
        if army.strength() == 0 || defender.strength() == 0 {
            return Plan::new(-9.0, "there is nobody to fight");
        }
        let odds = self.odds(&army, &defender, self.ground(region));
        let worth = 2.0 * odds.won - 1.0 + HIT * (odds.inflicted - odds.lost);
        Plan::new(worth, format!("{:.0} % to win", 100.0 * odds.won))
    }

    /// The defender stands.
    pub fn stand(&self) -> Plan {
        let (region, army, attacker) = self.battle();
        let odds = self.odds(&attacker, &army, Ground::Open);
        Plan::new(self.value_of(region) - 1.5 * odds.won, format!("{:.0} % to be beaten", 100.0 * odds.won))
    }

    /// The defender leaves.
    pub fn retreat(&self, moves: &[Value]) -> Plan {
        let (region, army, attacker) = self.battle();
        let odds = self.odds(&attacker, &army, Ground::Open);
        let worth =
            HIT * f64::from(u32::try_from(army.hits()).unwrap_or_default()) * odds.won - self.value_of(region) * 0.7;
        Plan::new(worth + self.welcome(destination(moves)), format!("{:.0} % to be beaten", 100.0 * odds.won))
    }

    /// Another round of a siege costs an Elite.
    pub fn press(&self, moves: &[Value]) -> Plan {
        let (_, army, defender) = self.battle();
        let left = army.after(moves);
        let odds = self.odds(&left, &defender, Ground::Siege);
        Plan::new(2.0 * odds.won - 1.0, format!("{:.0} % to take it", 100.0 * odds.won))
    }
}

fn told_march(pieces: &[i64], from: i64, to: i64) -> String {
    format!("{} from {} to {}", counted(pieces.len(), "figure", "figures"), map::name(from), map::name(to))
}

/// So many Regulars whom Saruman has come.
fn coming(count: usize) -> Plan {
    let worth = if count == 0 { -0.5 } else { 0.8 + 0.4 * f64::from(u32::try_from(count).unwrap_or(9)) };
    Plan::new(worth, format!("{} to come", counted(count, "Regular", "Regulars")))
}

/// The first of these moves: its pieces, and the areas from where to where.
fn first(moves: &[Value]) -> (Vec<i64>, i64, i64) {
    let told = |key: &str| moves.first().and_then(|one| one.get(key));
    let pieces = told("pieces").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64);
    let area = |key: &str| told(key).and_then(Value::as_i64).unwrap_or(-1);
    (pieces.collect(), area("from"), area("to"))
}

/// Where the first of these moves leads.
fn destination(moves: &[Value]) -> i64 {
    first(moves).2
}

/// A large Army is worth moving more than a small one.
fn army_weight(army: &Army) -> f64 {
    f64::from(u32::try_from(army.hits()).unwrap_or(99)).min(12.0) / 4.0
}
