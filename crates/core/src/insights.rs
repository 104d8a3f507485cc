//! Contributor Insights: which keys of a table or global index are asked for most.
use serde::{Deserialize, Serialize};

mod sketch;
pub use sketch::{COUNTERS, Counter, Sketch};

/// Contributor Insights of a table or index that had them enabled at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insights {
    pub enabled: bool,
    pub mode: Mode,
    /// Epoch milliseconds of the last change.
    pub changed_at: i64,
    /// Epoch milliseconds of the last ENABLE: part of the names of rules.
    pub enabled_at: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    #[default]
    AccessedAndThrottledKeys,
    ThrottledKeys,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::AccessedAndThrottledKeys => "ACCESSED_AND_THROTTLED_KEYS",
            Mode::ThrottledKeys => "THROTTLED_KEYS",
        }
    }

    pub fn from_name(name: &str) -> Option<Mode> {
        [Mode::AccessedAndThrottledKeys, Mode::ThrottledKeys]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

impl Insights {
    /// Whether requests that succeed are counted.
    pub fn counts_accesses(&self) -> bool {
        self.enabled && self.mode == Mode::AccessedAndThrottledKeys
    }
}
