//! Where faces come from: ChaCha, seeded by the operating system.

use std::sync::{Mutex, PoisonError};

use rand::{RngExt, SeedableRng, rngs::ChaCha12Rng};

/// The generator, shared by all calls.
pub struct Chance(Mutex<ChaCha12Rng>);

impl Chance {
    /// A generator from the operating system's entropy, or from a fixed seed.
    pub fn new(seed: Option<u64>) -> Chance {
        let rng = match seed {
            Some(seed) => ChaCha12Rng::seed_from_u64(seed),
            None => from_entropy(),
        };
        Chance(Mutex::new(rng))
    }

    /// Draws faces for one roll: `roll` gets a function that yields a face from 1 to the given number of sides. Answers
    /// its result and every face in the order drawn.
    pub fn draw<T>(&self, roll: impl FnOnce(&mut dyn FnMut(u32) -> u32) -> T) -> (T, Vec<u32>) {
        // The generator stays sound whatever a roll does; only the roll that panicked is lost.
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faces = Vec::new();
        let result = roll(&mut |sides| {
            let face = rng.random_range(1..=sides.max(1));
            faces.push(face);
            face
        });
        (result, faces)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place where chance enters")]
fn from_entropy() -> ChaCha12Rng {
    rand::make_rng()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faces(seed: Option<u64>) -> Vec<u32> {
        Chance::new(seed).draw(|face| (0..1000).map(|_| face(6)).collect()).0
    }

    #[test]
    fn the_same_seed_draws_the_same_faces() {
        assert_eq!(faces(Some(7)), faces(Some(7)));
        assert_ne!(faces(Some(7)), faces(Some(8)));
        assert_ne!(faces(None), faces(None));
    }

    #[test]
    fn every_face_of_a_die_comes_up_and_no_other() {
        let mut seen = faces(Some(1));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    }
}
