//! The five ways in which people write dice, and where they disagree.

use std::fmt;
use std::str::FromStr;

use crate::UnknownName;

/// A way of writing dice. It decides what a text means that others would read otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Dialect {
    /// What most libraries and players write: `4d6k3` keeps the highest, `>` is strictly above, modifiers work in a
    /// fixed order.
    #[default]
    Standard,
    /// Roll20: `>5` means 5 or more, `<3` means 3 or less.
    Roll20,
    /// Foundry VTT: `x` explodes, `r` rerolls once, `cs>=5` counts, modifiers work in the order written.
    Foundry,
    /// Avrae: `k3` keeps the dice that show 3, `rr` rerolls, `e` explodes, `mi` and `ma` bound, `>=` after the dice
    /// compares the total, modifiers work in the order written.
    Avrae,
    /// Shadowrun, Second Edition: `8d6 vs 5` and `8d6 t5` are success tests.
    Shadowrun,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Dialect; 5] =
        [Dialect::Standard, Dialect::Roll20, Dialect::Foundry, Dialect::Avrae, Dialect::Shadowrun];

    /// Its name: `standard`, `roll20`, `foundry`, `avrae` or `shadowrun`.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Standard => "standard",
            Dialect::Roll20 => "roll20",
            Dialect::Foundry => "foundry",
            Dialect::Avrae => "avrae",
            Dialect::Shadowrun => "shadowrun",
        }
    }

    /// Whether `>5` counts 5 as well.
    pub(super) fn above_includes(self) -> bool {
        self == Dialect::Roll20
    }

    /// Whether modifiers work in the order written, not in a fixed one.
    pub(super) fn keeps_written_order(self) -> bool {
        matches!(self, Dialect::Foundry | Dialect::Avrae)
    }

    /// Whether a roll may begin with a sign.
    pub(super) fn takes_leading_sign(self) -> bool {
        !matches!(self, Dialect::Standard | Dialect::Shadowrun)
    }

    /// What may stand before a roll and is passed over.
    pub(super) fn commands(self) -> &'static [&'static str] {
        match self {
            Dialect::Standard | Dialect::Shadowrun => &[],
            Dialect::Roll20 | Dialect::Foundry => &["/roll ", "/r "],
            Dialect::Avrae => &["!roll ", "!r "],
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dialect {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|dialect| dialect.name().eq_ignore_ascii_case(name.trim()));
        found.ok_or_else(|| UnknownName::new("dialect", name, Self::ALL.iter().map(|dialect| dialect.name())))
    }
}
