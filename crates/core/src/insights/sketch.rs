//! The most frequent of many keys in little memory: the space-saving algorithm (Metwally, Agrawal, El Abbadi 2005).
//!
//! A key that has a counter adds to it. Another one takes over the smallest counter and its count: so a count is never
//! too small, too large by [`Counter::error`] at most, and a key asked for more often than one time in [`COUNTERS`] is
//! always there.

/// Keys that are followed.
pub const COUNTERS: usize = 32;
/// Bytes of a key that are kept to be shown.
const SHOWN: usize = 118;

/// All zero bytes are a free counter.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// Of the whole key: equal keys are told by it.
    hash: u64,
    count: u64,
    error: u64,
    length: u16,
    text: [u8; SHOWN],
}

/// Plain memory without pointers, for memory that processes share. All zero bytes are an empty sketch.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Sketch {
    counters: [Counter; COUNTERS],
}

impl Default for Sketch {
    fn default() -> Sketch {
        let free = Counter {
            hash: 0,
            count: 0,
            error: 0,
            length: 0,
            text: [0; SHOWN],
        };
        Sketch {
            counters: [free; COUNTERS],
        }
    }
}

impl Counter {
    /// How often the key was seen, at most.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// By how much `count` may be too large.
    pub fn error(&self) -> u64 {
        self.error
    }

    /// The key as it was given, or its beginning and "…".
    pub fn key(&self) -> String {
        let kept = self
            .text
            .get(..usize::from(self.length))
            .unwrap_or_default();
        String::from_utf8_lossy(kept).into_owned()
    }
}

impl Sketch {
    /// Counts a key `times` times.
    pub fn add(&mut self, key: &str, times: u64) {
        let hash = crate::key::stable_hash(key.as_bytes(), 0);
        let same = |c: &&mut Counter| c.count > 0 && c.hash == hash;
        if let Some(counter) = self.counters.iter_mut().find(same) {
            counter.count = counter.count.saturating_add(times);
            return;
        }
        // Free ones count nothing, so they go first.
        if let Some(counter) = self.counters.iter_mut().min_by_key(|c| c.count) {
            counter.error = counter.count;
            counter.count = counter.count.saturating_add(times);
            counter.hash = hash;
            counter.write_key(key);
        }
    }

    /// The keys that were seen, most frequent first.
    pub fn top(&self) -> Vec<Counter> {
        let mut found: Vec<_> = self
            .counters
            .iter()
            .filter(|c| c.count > 0)
            .copied()
            .collect();
        found.sort_by_key(|c| std::cmp::Reverse(c.count));
        found
    }
}

impl Counter {
    fn write_key(&mut self, key: &str) {
        const CUT: &str = "…";
        let mut length = 0;
        if key.len() <= SHOWN {
            length = key.len();
            self.text[..length].copy_from_slice(key.as_bytes());
        } else {
            let fits = |c: &char| {
                let after = length + c.len_utf8();
                let fits = after <= SHOWN - CUT.len();
                if fits {
                    length = after;
                }
                fits
            };
            let kept = key
                .chars()
                .take_while(fits)
                .map(char::len_utf8)
                .sum::<usize>();
            self.text[..kept].copy_from_slice(&key.as_bytes()[..kept]);
            self.text[kept..kept + CUT.len()].copy_from_slice(CUT.as_bytes());
            length = kept + CUT.len();
        }
        self.length = length as u16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_while_every_key_has_a_counter() {
        let mut sketch = Sketch::default();
        for (key, times) in [("a", 3), ("b", 1), ("c", 2), ("a", 4)] {
            sketch.add(key, times);
        }
        let top: Vec<_> = sketch
            .top()
            .iter()
            .map(|c| (c.key(), c.count(), c.error()))
            .collect();
        assert_eq!(
            top,
            [("a".into(), 7, 0), ("c".into(), 2, 0), ("b".into(), 1, 0)]
        );
    }

    #[test]
    fn a_frequent_key_is_found_among_many_rare_ones() {
        let mut sketch = Sketch::default();
        for round in 0..2000 {
            sketch.add(&format!("rare {round}"), 1);
            if round % 10 == 0 {
                sketch.add("hot", 1);
            }
        }
        let top = sketch.top();
        assert_eq!(top.len(), COUNTERS);
        assert_eq!(top[0].key(), "hot");
        // Seen 200 times: never told too few, and too many by its error at most.
        assert!(top[0].count() >= 200 && top[0].count() - top[0].error() <= 200);
    }

    #[test]
    fn long_keys_are_cut_between_characters_and_stay_apart() {
        let mut sketch = Sketch::default();
        let long = "ü".repeat(100);
        sketch.add(&format!("{long}1"), 2);
        sketch.add(&format!("{long}2"), 1);
        let top = sketch.top();
        assert_eq!(top.iter().map(|c| c.count()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(top[0].key(), format!("{}…", "ü".repeat(57)));
    }
}
