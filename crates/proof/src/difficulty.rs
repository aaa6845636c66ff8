//! How much work a challenge asks for.

/// The iterations of one key (PBKDF2). Chromium derives about 1200 such keys in a second.
const COST: u32 = 5000;

/// The fewest and the most keys that a solution takes while a list takes few sign-ups: about 0.2 s in Chromium.
const FEWEST: u32 = 100;
const MOST: u32 = 300;

/// How many sign-ups in a moment double the work, each time.
const STEPS: [u64; 4] = [20, 50, 200, 1000];

/// How much work a challenge asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difficulty {
    factor: u32,
}

impl Difficulty {
    /// The work that a list asks for which takes that many sign-ups in a moment. The more it takes, the more it asks for.
    pub fn of(taken: u64) -> Self {
        Self { factor: STEPS.iter().filter(|step| taken >= **step).fold(1, |factor, _| factor * 2) }
    }

    /// The iterations of one key.
    pub const fn cost(self) -> u32 {
        COST
    }

    /// Draws the counter of the solution.
    pub fn counter(self, chance: u64) -> u32 {
        let (fewest, most) = (FEWEST * self.factor, MOST * self.factor);
        fewest + u32::try_from(chance % u64::from(most - fewest + 1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_grows_with_what_a_list_takes() {
        for (taken, fewest, most) in [(0, 100, 300), (19, 100, 300), (20, 200, 600), (200, 800, 2400), (u64::MAX, 1600, 4800)] {
            let difficulty = Difficulty::of(taken);
            assert_eq!(difficulty.counter(0), fewest, "{taken}");
            assert_eq!(difficulty.counter(u64::from(most - fewest)), most, "{taken}");
            assert_eq!(difficulty.counter(u64::from(most - fewest) + 1), fewest, "{taken}");
        }
    }
}
