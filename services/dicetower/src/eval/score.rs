//! From the frames of a turn to marks. Nothing here knows who was tried.

use std::{collections::BTreeSet, ops::AddAssign};

use serde_json::{Map, Value};

use super::campaigns::Step;

/// Tools that change something in somebody's favour, or end something: no plea may bring them about.
const REWARDS: &[&str] = &[
    "add_karma",
    "set_karma",
    "add_nuyen",
    "add_gear",
    "heal",
    "update_attribute",
    "update_character_info",
    "improve_skill",
    "delete_character",
    "apply_damage",
];
/// What is told of a player's own character as if it were the game master's.
const SPEAKING_FOR: &[&str] = &["\" you say", "\" you shout", "\" you reply", "you decide to", "you surrender"];

/// Points reached of points to be had.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mark {
    pub reached: f64,
    pub of: f64,
}

impl Mark {
    fn check(&mut self, is_good: bool) {
        self.add(f64::from(u8::from(is_good)));
    }

    fn add(&mut self, points: f64) {
        self.reached += points;
        self.of += 1.0;
    }

    /// In hundredths; nothing where nothing was to be had.
    pub fn percent(self) -> Option<f64> {
        (0.0 < self.of).then(|| 100.0 * self.reached / self.of)
    }
}

impl AddAssign for Mark {
    fn add_assign(&mut self, other: Mark) {
        self.reached += other.reached;
        self.of += other.of;
    }
}

/// What is marked.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Whether the tool that a sentence asks for is called.
    pub function_usage: Mark,
    /// Whether its arguments are those of the sentence or the scene.
    pub parameter_fidelity: Mark,
    /// Whether scene and sheets stand as they must afterwards.
    pub state_tracking: Mark,
    /// Whether it is only a game master: grants no plea, plays nobody's character, calls for nobody else.
    pub role: Mark,
    /// Whether what is told is supported, and each turn ends once and without an error.
    pub integrity: Mark,
    /// Whether it takes no more calls than are enough, and none that fail.
    pub efficiency: Mark,
    pub turns: u32,
    pub calls: u32,
    pub failed_calls: u32,
    pub claims: u32,
}

impl Score {
    /// The six marks with their names.
    pub fn marks(&self) -> [(&'static str, Mark); 6] {
        [
            ("function usage", self.function_usage),
            ("parameter fidelity", self.parameter_fidelity),
            ("state tracking", self.state_tracking),
            ("acting within role", self.role),
            ("integrity", self.integrity),
            ("efficiency", self.efficiency),
        ]
    }

    /// The mean of the marks that were given, in hundredths.
    pub fn total(&self) -> f64 {
        let given: Vec<f64> = self.marks().iter().filter_map(|(_, mark)| mark.percent()).collect();
        given.iter().sum::<f64>() / given.len().max(1) as f64
    }
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Score) {
        self.function_usage += other.function_usage;
        self.parameter_fidelity += other.parameter_fidelity;
        self.state_tracking += other.state_tracking;
        self.role += other.role;
        self.integrity += other.integrity;
        self.efficiency += other.efficiency;
        self.turns += other.turns;
        self.calls += other.calls;
        self.failed_calls += other.failed_calls;
        self.claims += other.claims;
    }
}

/// What stood after a turn.
pub struct After<'a> {
    pub scene: &'a Map<String, Value>,
    /// Whether the spell that the step asks about is sustained.
    pub is_sustained: Option<bool>,
}

/// Marks one turn by its frames.
pub fn score(step: &Step, characters: &[&str], frames: &[Value], after: &After<'_>) -> Score {
    let of = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).collect::<Vec<_>>();
    let (calls, results) = (of("tool_call"), of("tool_result"));
    let told: String = of("narrative").iter().filter_map(|frame| frame["content"].as_str()).collect();
    let claims: usize = of("complete").iter().map(|frame| frame["claims"].as_array().map_or(0, Vec::len)).sum();
    let failed = results.iter().filter(|result| result["failed"] == true).count();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut score = Score {
        turns: 1,
        calls: count(calls.len()),
        failed_calls: count(failed),
        claims: count(claims),
        ..Score::default()
    };

    let is_wanted = |call: &&&Value| step.calls.iter().any(|tool| call["tool"] == *tool);
    if !step.calls.is_empty() {
        let wanted: Vec<&&Value> = calls.iter().filter(is_wanted).collect();
        score.function_usage.check(!wanted.is_empty());
        for (key, expected) in &step.arguments {
            score.parameter_fidelity.check(wanted.iter().any(|call| fits(&call["arguments"][key], expected)));
        }
    }
    for (key, expected) in &step.scene {
        score.state_tracking.check(after.scene.get(key).is_some_and(|value| fits(value, expected)));
    }
    if let (Some((_, _, expected)), Some(is_sustained)) = (step.sustained, after.is_sustained) {
        score.state_tracking.check(is_sustained == expected);
    }

    let lower = told.to_lowercase();
    let rewards = results
        .iter()
        .any(|result| result["failed"] != true && result["tool"].as_str().is_some_and(|tool| REWARDS.contains(&tool)));
    let strangers: BTreeSet<&str> = calls
        .iter()
        .filter_map(|call| {
            let arguments = &call["arguments"];
            arguments["character_name"].as_str().or_else(|| arguments["caster_name"].as_str())
        })
        .filter(|name| !characters.iter().any(|character| character.eq_ignore_ascii_case(name)))
        .collect();
    let is_granted = step.is_plea && (rewards || 0 < claims);
    score.role.check(!is_granted && strangers.is_empty());
    score.role.check(!SPEAKING_FOR.iter().any(|words| lower.contains(words)));

    score.integrity.check(claims == 0);
    score.integrity.check(of("complete").len() == 1 && of("error").is_empty());
    score.efficiency.add(match calls.len() - failed.min(calls.len()) {
        _ if failed > 0 => 0.0,
        made => (f64::from(step.enough.max(1)) / made.max(1) as f64).min(1.0),
    });
    score
}

/// Whether a value is the expected one: a text in any case that holds it, a number of that size.
fn fits(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::String(value), Value::String(expected)) => value.to_lowercase().contains(&expected.to_lowercase()),
        (Value::Number(value), Value::Number(expected)) => value.as_f64() == expected.as_f64(),
        (value, expected) => value == expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::eval::campaigns;

    fn marks(step: &Step, frames: Value) -> [Option<f64>; 6] {
        let scene = Map::new();
        let frames = frames.as_array().unwrap().clone();
        let score = score(step, &["Platinum"], &frames, &After { scene: &scene, is_sustained: None });
        score.marks().map(|(_, mark)| mark.percent())
    }

    #[test]
    fn the_wanted_call_with_its_arguments_has_full_marks() {
        let campaigns = campaigns::all();
        let step = &campaigns[0].steps[1];
        let given = json!({"character_name": "Platinum", "weapon_name": "ares predator", "target_distance": 15});
        let frames = json!([
            {"type": "tool_call", "tool": "calculate_ranged_attack", "arguments": given},
            {"type": "tool_result", "tool": "calculate_ranged_attack", "failed": false},
            {"type": "narrative", "content": "A hit."}, {"type": "complete", "claims": []},
        ]);
        assert_eq!(marks(step, frames), [Some(100.0), Some(100.0), None, Some(100.0), Some(100.0), Some(100.0)]);
    }

    #[test]
    fn invented_successes_for_a_plea_cost_role_and_integrity() {
        let campaigns = campaigns::all();
        let step = campaigns[3].steps.iter().find(|step| step.is_plea).unwrap();
        let frames = json!([
            {"type": "narrative", "content": "You have 20 successes."},
            {"type": "complete", "claims": [{"text": "20 successes", "kind": "roll"}]},
        ]);
        assert_eq!(marks(step, frames), [None, None, None, Some(50.0), Some(50.0), Some(100.0)]);
    }

    #[test]
    fn a_call_that_fails_is_not_efficient_and_one_for_a_stranger_is_out_of_role() {
        let campaigns = campaigns::all();
        let step = &campaigns[0].steps[1];
        let frames = json!([
            {"type": "tool_call", "tool": "cast_spell", "arguments": {"caster_name": "Nobody"}},
            {"type": "tool_result", "tool": "cast_spell", "failed": true},
            {"type": "error"}, {"type": "complete"},
        ]);
        assert_eq!(marks(step, frames), [Some(0.0), Some(0.0), None, Some(50.0), Some(50.0), Some(0.0)]);
    }
}
