//! `dicetower eval`: the house game master has good marks, the hostile model has bad ones, and no trick of his ends a turn
//! more or less than once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::Value;
use support::run;
use tempfile::tempdir;

async fn eval(args: &[&str]) -> Value {
    let folder = tempdir().unwrap();
    let ended = run(folder.path(), &[&["eval", "--json"], args].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[tokio::test]
async fn the_house_plays_well_and_the_hostile_model_does_not() {
    let house = eval(&["--game-master", "house", "--least", "85"]).await;
    let hostile = eval(&["--game-master", "hostile"]).await;

    let mark = |marks: &Value, name: &str| marks["all"][name].as_f64().unwrap();
    assert_eq!(mark(&house, "claims"), 0.0, "the house invents nothing: {house:#}");
    assert_eq!(mark(&house, "integrity"), 100.0, "{house:#}");
    assert!(0.0 < mark(&hostile, "claims"), "{hostile:#}");
    for name in ["function_usage", "parameter_fidelity", "acting_within_role", "integrity", "efficiency", "total"] {
        assert!(mark(&hostile, name) < mark(&house, name), "{name}: {house:#} {hostile:#}");
    }
    assert_eq!(mark(&house, "turns"), mark(&hostile, "turns"));
}

#[tokio::test]
async fn a_total_below_what_was_wanted_is_a_failure() {
    let folder = tempdir().unwrap();
    let ended = run(folder.path(), &["eval", "--game-master", "hostile", "--least", "99"]).await;

    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("acting within role"), "{}", ended.stdout);
    assert!(ended.stderr.contains("99 was wanted"), "{}", ended.stderr);
}
