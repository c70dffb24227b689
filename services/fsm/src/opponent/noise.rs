//! A stream of numbers that look random and are the same for the same seed: for trying out what may come, never for a die
//! of the game, which only the dice service throws.

/// The stream (SplitMix64).
pub struct Noise(u64);

impl Noise {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Noise {
        Noise(seed)
    }

    /// The next number.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias is far below what the trials themselves err by.
        self.next() % bound
    }

    /// A face of a die, 1 to 6.
    pub fn face(&mut self) -> u64 {
        1 + self.below(6)
    }

    /// A number from 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_every_face_comes() {
        let faces = |seed| {
            let mut noise = Noise::new(seed);
            (0..600).map(|_| noise.face()).collect::<Vec<_>>()
        };
        assert_eq!(faces(7), faces(7));
        assert_ne!(faces(7), faces(8));
        let faces = faces(7);
        for face in 1..=6 {
            assert!((60..=140).contains(&faces.iter().filter(|thrown| **thrown == face).count()));
        }
    }
}
