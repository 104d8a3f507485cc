//! Expressions and the legacy parameters: answers, faults, which of several faults is reported, and bounds.

mod bounds;
mod condition;
mod condition_faults;
mod key_condition;
mod legacy;
mod projection;
mod support;
mod update;
mod update_faults;
