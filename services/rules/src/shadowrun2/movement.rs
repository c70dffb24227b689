//! Movement in metres a phase.
//!
//! Source: *Shadowrun, Second Edition*, "Movement".

use serde::Serialize;

use super::creation::Metatype;

/// How far someone comes in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// Metres walking.
    pub walk_m: u32,
    /// Metres running, in one phase of a turn only.
    pub run_m: u32,
}

/// The pace of a metatype: walking Quickness in metres, running two or three times that.
pub fn pace(metatype: &Metatype, quickness: u32) -> Pace {
    Pace { walk_m: quickness, run_m: quickness.saturating_mul(metatype.run_multiplier) }
}

#[cfg(test)]
mod tests {
    use super::super::creation::find_metatype;
    use super::*;

    #[test]
    fn trolls_run_at_twice_their_quickness() {
        assert_eq!(pace(find_metatype("troll").unwrap(), 4), Pace { walk_m: 4, run_m: 8 });
    }
}
