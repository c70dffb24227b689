//! The events every machine knows: those of the Java line's document, and the names that stand for others.

/// Events that tell what has happened and are accepted in every state. They move a machine only where it says so.
pub const RECORDED: &[&str] = &[
    "HUNT_RESOLVED",
    "FELLOWSHIP_MOVED",
    "ARMY_MOVED",
    "CARD_PLAYED",
    "POLITICAL_ADVANCED",
    "PHASE_ADVANCED",
    "GAME_OVER",
    "DICE_ROLLED",
];

/// Events of the document and of the clients' buttons beyond [`RECORDED`].
const DOCUMENTED: &[&str] = &[
    PHASE_COMPLETE,
    PIECE_MOVED,
    "ACTION_COMPLETE",
    "COMBAT_RESOLVED",
    "DIE_SELECTED",
    "START_GAME",
    "READY_TO_ROLL",
    "FP_FELLOWSHIP_DECISIONS_READY",
    "SKIP_PHASE",
    "SHADOW_CONFIRMS_HUNT_ALLOCATION",
    "START_NEXT_TURN",
];

/// The person has done what the state waits for: stands for the state's own "done" event.
pub const PHASE_COMPLETE: &str = "PHASE_COMPLETE";
/// The client's only event of its own: a piece was moved, and the row is in its database.
pub const PIECE_MOVED: &str = "PIECE_MOVED";
/// A person has chosen a die by its number in the pool.
pub const DIE_SELECTED: &str = "DIE_SELECTED";
/// Event of a transition that the machine takes by itself.
pub const AUTO: &str = "AUTO";

/// Names that stand for others: the first of these that the state has a transition for.
const ALIASES: &[(&str, &[&str])] = &[
    ("START_GAME", &["GAME_OPTIONS_CONFIRMED"]),
    ("SHADOW_CONFIRMS_HUNT_ALLOCATION", &["SP_HUNT_ALLOCATION_DONE"]),
    ("ACTION_COMPLETE", &["ACTION_SELECTED"]),
    ("COMBAT_RESOLVED", &["COMBAT_BATTLE_OVER", "ATTACKER_STOPS_OR_NO_ELITE"]),
    (DIE_SELECTED, &[PIECE_MOVED]),
    ("SKIP_PHASE", &[PHASE_COMPLETE]),
];

const EXECUTE_ACTION: &str = "EXECUTE_ACTION_";
/// Highest die number of `EXECUTE_ACTION_n`; no pool has more dice.
const MAX_DIE: u32 = 20;

/// Whether the document or the clients know the event.
pub fn is_documented(event: &str) -> bool {
    RECORDED.contains(&event) || DOCUMENTED.contains(&event) || die_of_execute_action(event).is_some()
}

/// What the event may stand for, best first; empty if it is no alias.
pub fn alias_targets(event: &str) -> &'static [&'static str] {
    ALIASES.iter().find(|(alias, _)| *alias == event).map_or(&[], |(_, targets)| targets)
}

/// The `n` of `EXECUTE_ACTION_n`, from 1.
pub fn die_of_execute_action(event: &str) -> Option<u32> {
    let digits = event.strip_prefix(EXECUTE_ACTION)?;
    let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && (1..=MAX_DIE).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn execute_action_names_its_die() {
        assert_eq!(die_of_execute_action("EXECUTE_ACTION_1"), Some(1));
        assert_eq!(die_of_execute_action("EXECUTE_ACTION_20"), Some(20));
        for other in
            ["EXECUTE_ACTION_", "EXECUTE_ACTION_0", "EXECUTE_ACTION_01", "EXECUTE_ACTION_21", "EXECUTE_ACTION_+1"]
        {
            assert_eq!(die_of_execute_action(other), None, "{other}");
        }
    }
}
