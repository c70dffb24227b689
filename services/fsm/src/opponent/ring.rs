//! The Ring: what the Fellowship does and what hunts it. Each choice is tried out in the race that follows it.

use super::{
    Strength,
    plan::{Plan, counted},
    position::{CORRUPTION_COUNTER, FELLOWSHIP_BOX, GATES, GUIDE_BOX, PROGRESS_COUNTER, Position, TRACK},
    race::Race,
};
use crate::{board::Side, map};

/// Corruption at which the Ring-bearer falls.
const FALLEN: i64 = 12;
/// A victory in points of a plan's worth.
const VICTORY: f64 = 10.0;
/// Corruption from which on healing is worth a stop.
const HEAL_FROM: i64 = 5;
/// Corruption with which Mordor may be entered.
const ENTER_WITH: i64 = 5;

/// The Fellowship's side of a game.
pub struct Ring<'a> {
    position: &'a Position<'a>,
    strength: Strength,
    seed: u64,
}

impl<'a> Ring<'a> {
    pub fn new(position: &'a Position<'a>, strength: Strength, seed: u64) -> Ring<'a> {
        Ring { position, strength, seed }
    }

    /// The race as it stands.
    fn race(&self) -> Race {
        let position = self.position;
        let dice = position.number("FP_DICE_REMAINING");
        let pools = (position.list("FP_POOL").len(), position.list("SP_POOL").len());
        let pool = |size: usize, least: i64| i64::try_from(size).unwrap_or(least).max(least);
        let mut companions: Vec<i64> = position.companions().iter().map(|(_, _, level)| *level).collect();
        companions.sort_unstable();
        let turn = position.number("TURN").max(1);
        let points = position.number("SHADOW_VP");
        Race {
            steps: position.steps_to_go(),
            corruption: position.number("CORRUPTION"),
            is_revealed: position.is("FELLOWSHIP_REVEALED"),
            companions,
            hunt_dice: position.number("HUNT_DICE").max(position.number("HUNT_LEVEL")),
            walked: position.number("HUNT_FP_DICE"),
            rerolls: position.number("HUNT_REROLLS"),
            dice,
            pools: (pool(pools.0, 4), pool(pools.1, 7)),
            points: f64::from(i32::try_from(points).unwrap_or_default()),
            // What it has taken a turn so far, and the usual pace while nothing has fallen yet.
            pace: (f64::from(i32::try_from(points).unwrap_or_default()) / f64::from(i32::try_from(turn).unwrap_or(1)))
                .clamp(0.8, 3.0),
        }
    }

    /// What a position is worth to the Free Peoples.
    fn worth(&self, race: &Race) -> f64 {
        VICTORY * race.chance(self.strength.trials(), self.seed)
    }

    /// What `changed` is worth to the Free Peoples above things as they are.
    fn gain(&self, changed: &Race) -> f64 {
        // The same seed for both: they meet the same luck.
        self.worth(changed) - self.worth(&self.race())
    }

    /// A step of the Fellowship, if it may move.
    pub fn step(&self) -> Plan {
        let position = self.position;
        if position.is("FELLOWSHIP_REVEALED") {
            return Plan::new(-VICTORY, "who is revealed cannot move");
        }
        let race = self.race();
        let danger = expected_damage(race.hunt_dice, race.walked, race.rerolls, position.is_on_mordor_track());
        let plan = |worth, why: String| Plan::new(worth, why);
        if position.is_on_mordor_track() {
            let fatal = FALLEN <= race.corruption + 3;
            let worth = if race.steps <= 1 { VICTORY } else { 4.0 - danger - if fatal { 2.0 } else { 0.0 } };
            // The figure steps after its tile, and the machine sees to it.
            return plan(
                worth,
                format!("{} to the Cracks of Doom, {danger:.1} damage expected", counted(race.steps, "step", "steps")),
            );
        }
        let progress = position.number("FELLOWSHIP_PROGRESS");
        // The first step of a turn below level 4, a second below 2, a third almost never.
        let advised = match race.walked {
            0 => 3,
            1 => 1,
            _ => 0,
        };
        let mut worth = 2.6 - 2.0 * danger + if race.hunt_dice <= advised { 0.6 } else { -0.6 };
        if FALLEN - 3 <= race.corruption {
            worth -= 1.5;
        }
        // The searched part: the race with the step taken, its danger on average.
        let stepped = Race {
            steps: (race.steps - 1).max(0),
            corruption: race.corruption + round(danger),
            walked: race.walked + 1,
            ..race.clone()
        };
        worth += self.gain(&stepped).clamp(-2.0, 2.0);
        let from = TRACK + progress;
        plan(worth, format!("Hunt level {}, {danger:.1} damage expected", race.hunt_dice)).moving(
            &[PROGRESS_COUNTER],
            from,
            (from + 1).min(TRACK + 12),
        )
    }

    /// Hiding a revealed Fellowship.
    pub fn hide(&self) -> Plan {
        if self.position.is("FELLOWSHIP_REVEALED") {
            Plan::new(2.2, "revealed it cannot move")
        } else {
            Plan::new(-VICTORY, "it is hidden")
        }
    }

    /// Declaring in a region: to heal, to activate a Nation, or at the gate of Mordor; else progress runs on.
    pub fn declare(&self, to: i64) -> Plan {
        let position = self.position;
        let (area, progress) = (position.number("FELLOWSHIP_AREA"), position.number("FELLOWSHIP_PROGRESS"));
        let corruption = position.number("CORRUPTION");
        if GATES.contains(&to) {
            let worth = if to == area { -0.5 } else { 4.0 };
            return Plan::new(worth, "the gate of Mordor");
        }
        let is_haven = map::settlement(to)
            .is_some_and(|place| 0 < place.points && map::side_of(place.nation) == Side::FreePeoples)
            && position.holder(to) == Some(Side::FreePeoples);
        if !is_haven || corruption == 0 {
            return Plan::new(-0.5, "progress may run on");
        }
        let lost = to_gate(to) - (to_gate(area) - progress);
        let heals = if HEAL_FROM <= corruption { 1.6 } else { 0.2 };
        let worth = heals - 0.5 * f64::from(i32::try_from(lost).unwrap_or(99));
        Plan::new(worth, format!("it heals where it is safe, at corruption {corruption}"))
    }

    /// Onto the Mordor Track.
    pub fn enter_mordor(&self) -> Plan {
        let corruption = self.position.number("CORRUPTION");
        let worth = if corruption <= ENTER_WITH { 5.0 } else { 1.5 };
        Plan::new(worth, format!("it enters Mordor with corruption {corruption}"))
    }

    /// Where a revealed Fellowship is to stand: as near to Mordor as it may, out of the Shadow's Strongholds.
    pub fn stand(&self, region: i64) -> Plan {
        let held = map::settlement(region).is_some_and(|place| place.is_stronghold)
            && self.position.holder(region) == Some(Side::Shadow)
            && !GATES.contains(&region);
        let steps = to_gate(region);
        let worth = -f64::from(i32::try_from(steps).unwrap_or(99)) - if held { 1.5 } else { 0.0 };
        Plan::new(worth, format!("{} from the gate of Mordor", counted(steps, "step", "steps")))
    }

    /// Healing one corruption.
    pub fn heal(&self) -> Plan {
        let corruption = self.position.number("CORRUPTION");
        let healed = (corruption - 1).max(0);
        Plan::new(3.0, format!("corruption {corruption} becomes {healed}")).moving(
            &[CORRUPTION_COUNTER],
            TRACK + corruption,
            TRACK + healed,
        )
    }

    /// Activating the Nation where the Fellowship is.
    pub fn activate(&self) -> Plan {
        Plan::new(2.0, "a Nation that is active may go to war")
    }

    /// Whether there is to be another Guide: only where he is of a higher Level than the one there is.
    pub fn change_guide(&self) -> Plan {
        let position = self.position;
        let companions = position.companions();
        let guide = companions.iter().find(|(_, name, _)| *name == position.text("GUIDE"));
        let highest = companions.iter().map(|(_, _, level)| *level).max().unwrap_or_default();
        if guide.is_some_and(|(_, _, level)| *level == highest) || companions.is_empty() {
            return Plan::new(-VICTORY, "the Guide is as good as any");
        }
        Plan::new(1.5, format!("a Companion of level {highest} may guide"))
    }

    /// Another Guide.
    pub fn guide(&self, name: &str) -> Plan {
        let position = self.position;
        let companions = position.companions();
        let level = companions.iter().find(|(_, there, _)| *there == name).map_or(0, |(_, _, level)| *level);
        let mut plan = Plan::new(
            // Strider hides the Fellowship with any die.
            f64::from(i32::try_from(level).unwrap_or_default()) + if name == "Strider" { 0.5 } else { 0.0 },
            format!("{name} is of level {level}"),
        );
        for (piece, there, _) in companions {
            if there == name && position.area(piece) == Some(FELLOWSHIP_BOX) {
                plan = plan.moving(&[piece], FELLOWSHIP_BOX, GUIDE_BOX);
            } else if there != name && position.area(piece) == Some(GUIDE_BOX) {
                plan = plan.moving(&[piece], GUIDE_BOX, FELLOWSHIP_BOX);
            }
        }
        plan
    }

    /// So many dice into the Hunt Box.
    pub fn allocate(&self, dice: i64) -> Plan {
        let position = self.position;
        let race = self.race();
        let at_home = position.number("FELLOWSHIP_AREA") == 27 && position.number("FELLOWSHIP_PROGRESS") == 0;
        let near = 5 <= position.number("FELLOWSHIP_PROGRESS") || 6 <= race.corruption;
        let advised = match () {
            () if position.is_on_mordor_track() => position.number("MAX_HUNT_DICE"),
            () if at_home => 0,
            () if near => 2,
            () => 1,
        };
        // A die in the box is an action less; a turn of seven dice takes `pace` points.
        let fewer = Race {
            hunt_dice: dice + (race.pools.1 - dice) / 6,
            dice: race.pools.0,
            pace: race.pace * f64::from(i32::try_from((7 - dice).max(1)).unwrap_or(1)) / 7.0,
            ..race
        };
        let searched = VICTORY - self.worth(&fewer);
        let off = f64::from(i32::try_from((dice - advised).abs()).unwrap_or_default());
        Plan::new(searched - off, format!("{advised} are advised here"))
    }

    /// Damage borne by the Ring-bearer.
    pub fn bear(&self) -> Plan {
        let position = self.position;
        let (corruption, damage) = (position.number("CORRUPTION"), position.number("HUNT_DAMAGE_TO_ASSIGN"));
        let after = (corruption + damage).min(FALLEN);
        let worth = if FALLEN <= after { -VICTORY } else { self.worth(&Race { corruption: after, ..self.race() }) };
        Plan::new(worth, format!("corruption {corruption} becomes {after}"))
    }

    /// Damage that is 1 less, at a price.
    pub fn lessened(&self, why: &str, price: f64) -> Plan {
        let position = self.position;
        let (corruption, damage) = (position.number("CORRUPTION"), position.number("HUNT_DAMAGE_TO_ASSIGN"));
        let after = (corruption + damage - 1).min(FALLEN);
        let worth = if FALLEN <= after { -VICTORY } else { self.worth(&Race { corruption: after, ..self.race() }) };
        Plan::new(worth - price, format!("{why}, corruption becomes {after}"))
    }

    /// Damage for which one of these Companions falls, each as likely as the others.
    pub fn sacrifice(&self, names: &[&str]) -> Plan {
        let position = self.position;
        let (corruption, damage) = (position.number("CORRUPTION"), position.number("HUNT_DAMAGE_TO_ASSIGN"));
        let companions = position.companions();
        let falling = companions.iter().filter(|(_, name, _)| names.contains(name));
        let mut levels: Vec<i64> = falling.map(|(_, _, level)| *level).collect();
        levels.sort_unstable();
        let count = i64::try_from(levels.len()).unwrap_or(i64::MAX);
        if count == 0 {
            return Plan::new(-VICTORY, "nobody is there who could fall");
        }
        let level = levels.iter().sum::<i64>() / count;
        let after = (corruption + (damage - level).max(0)).min(FALLEN);
        let mut left: Vec<i64> = companions.iter().map(|(_, _, level)| *level).collect();
        left.sort_unstable();
        if let Some(index) = left.iter().position(|other| *other == levels[levels.len() / 2]) {
            left.remove(index);
        }
        let race = Race { corruption: after, companions: left, ..self.race() };
        // A Companion is worth something beside what he absorbs.
        let price = 0.25 * f64::from(i32::try_from(level).unwrap_or_default());
        let worth = if FALLEN <= after { -VICTORY } else { self.worth(&race) - price };
        let who = if let [name] = names { (*name).to_owned() } else { "one of them".to_owned() };
        Plan::new(worth, format!("{who} absorbs {level}, corruption becomes {after}"))
    }
}

/// Steps from a region to the gate of Mordor.
fn to_gate(region: i64) -> i64 {
    i64::from(GATES.iter().filter_map(|gate| map::distance(region, *gate)).min().unwrap_or(99))
}

/// Damage that a step costs on average.
fn expected_damage(hunt_dice: i64, walked: i64, rerolls: i64, in_mordor: bool) -> f64 {
    let small = |number: i64| f64::from(i32::try_from(number).unwrap_or(i32::MAX));
    let mean = |successes: f64| (19.0 + 4.0 * successes) / 16.0;
    if in_mordor {
        return mean(small(hunt_dice + walked));
    }
    let chance = small((1 + walked).min(5)) / 6.0;
    let dice = small(hunt_dice.min(5));
    let thrown = dice + small(rerolls).min(dice);
    let hit = 1.0 - (1.0 - chance).powf(thrown);
    hit * mean((chance * thrown).max(1.0))
}

#[expect(clippy::cast_possible_truncation, reason = "damage is small")]
fn round(damage: f64) -> i64 {
    damage.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_damage_of_a_step_is_that_of_the_rules() {
        let check = |level, walked, expected: f64| {
            let damage = expected_damage(level, walked, 0, false);
            assert!((damage - expected).abs() < 0.05, "level {level}, {walked}: {damage} is not {expected}");
        };
        check(0, 0, 0.0);
        // The first step of a turn at level 3, a second one at levels 1 and 2.
        check(3, 0, 0.61);
        check(1, 1, 0.48);
        check(2, 1, 0.80);
    }
}
