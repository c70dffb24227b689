//! Texts of small expressions from a fixed seed.

/// A stream of numbers from a fixed seed (SplitMix64), for texts and faces that are the same in every run.
pub struct Stream(pub u64);

impl Stream {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn choose<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// An expression of few small dice.
    pub fn expression(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 5 } else { 12 }) {
            0..=4 => self.dice(),
            5 | 6 => {
                let (left, sign, right) =
                    (self.expression(depth - 1), self.choose(&["+", "-", "*"]), self.expression(depth - 1));
                format!("({left}){sign}({right})")
            }
            7 => format!("{}({})", self.choose(&["floor", "ceil", "round", "abs"]), self.expression(depth - 1)),
            8 => {
                let (left, right) = (self.expression(depth - 1), self.expression(depth - 1));
                format!("{}({left},{right})", self.choose(&["min", "max"]))
            }
            9 => {
                let (left, right) = (self.expression(depth - 1), self.expression(depth - 1));
                format!("{{{left},{right}}}{}", self.choose(&["kh1", "kl1", "dl1", ">=4", ">=5f<=2", ""]))
            }
            10 => format!("{}{}", self.expression(depth - 1), self.choose(&["+3", "-2", "*2", "/2", "/3", "[fire]"])),
            _ => format!("(1d{})d{}", 1 + self.below(3), 2 + self.below(3)),
        }
    }

    fn dice(&mut self) -> String {
        let count = 1 + self.below(4);
        let sides = self.choose(&["2", "3", "4", "6", "F", "F.1", "5"]);
        let per_die = self.choose(&[
            "", "", "", "", "!l1", "!l2>=2", "!!l2", "!pl1", "!!pl2", "ro1", "ro<3", "min2", "max3", "min2max3",
            "ro=1!l1", "u",
        ]);
        let filter = self.choose(&[
            "", "", "", "kh1", "kl1", "kh2", "dl1", "dh1", "dl1dh1", "kh3kl2", "k>=2", "p=1", "kh1|l1", "dl1|h1",
        ]);
        let count_of = self.choose(&["", "", "", ">=3", "=2", ">=2f1", "even", "sd"]);
        format!("{count}d{sides}{per_die}{filter}{count_of}")
    }
}
