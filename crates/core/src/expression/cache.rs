//! Parsed texts of this thread. A request's expressions are the same few texts again and again, with other
//! values; so a text is parsed once and its tree is resolved per request.

use super::ast::{Action, Logic, Path, Predicate};
use super::parse::{parse_condition, parse_projection, parse_update};
use crate::key::NameMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Texts kept per grammar, and their bytes: a tree takes some 20 to 30 times its text.
const MAX_ENTRIES: usize = 512;
const MAX_BYTES: usize = 256 * 1024;

struct Entry<T> {
    tree: Rc<T>,
    used: u64,
}
pub(crate) struct Cache<T> {
    entries: NameMap<Entry<T>>,
    bytes: usize,
    clock: u64,
}
impl<T> Default for Cache<T> {
    fn default() -> Self {
        Cache {
            entries: NameMap::default(),
            bytes: 0,
            clock: 0,
        }
    }
}
impl<T> Cache<T> {
    fn get(&mut self, text: &str) -> Option<Rc<T>> {
        self.clock += 1;
        let entry = self.entries.get_mut(text)?;
        entry.used = self.clock;
        Some(Rc::clone(&entry.tree))
    }

    fn put(&mut self, text: &str, tree: Rc<T>) {
        while self.entries.len() >= MAX_ENTRIES
            || (self.bytes + text.len() > MAX_BYTES && self.bytes > 0)
        {
            self.evict();
        }
        self.bytes += text.len();
        self.entries.insert(
            text.into(),
            Entry {
                tree,
                used: self.clock,
            },
        );
    }

    /// Drops the older half at once, so that a stream of texts that never come again costs little.
    fn evict(&mut self) {
        let mut ages: Vec<u64> = self.entries.values().map(|e| e.used).collect();
        ages.sort_unstable();
        let median = ages.get(ages.len() / 2).copied().unwrap_or(u64::MAX);
        self.entries.retain(|_, e| e.used > median);
        self.bytes = self.entries.keys().map(String::len).sum();
    }
}

thread_local! {
    static CONDITIONS: RefCell<Cache<Logic<Predicate>>> = RefCell::default();
    static UPDATES: RefCell<Cache<Vec<Action>>> = RefCell::default();
    static PROJECTIONS: RefCell<Cache<Vec<Path>>> = RefCell::default();
    static PARSES: Cell<u64> = const { Cell::new(0) };
}

/// Expressions this thread has run through a grammar so far; a text found in the cache is not one.
pub fn parses_done() -> u64 {
    PARSES.get()
}

/// The tree of a text, parsed unless it is kept. Faults are not kept.
pub(crate) fn cached<T, E>(
    cache: &'static std::thread::LocalKey<RefCell<Cache<T>>>,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Rc<T>, E> {
    if let Some(tree) = cache.with_borrow_mut(|c| c.get(text)) {
        return Ok(tree);
    }
    PARSES.set(PARSES.get() + 1);
    let tree = Rc::new(parse(text)?);
    cache.with_borrow_mut(|c| c.put(text, Rc::clone(&tree)));
    Ok(tree)
}

pub fn condition(text: &str) -> Result<Rc<Logic<Predicate>>, String> {
    cached(&CONDITIONS, text, parse_condition)
}
pub fn update(text: &str) -> Result<Rc<Vec<Action>>, String> {
    cached(&UPDATES, text, parse_update)
}
pub fn projection(text: &str) -> Result<Rc<Vec<Path>>, String> {
    cached(&PROJECTIONS, text, parse_projection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_once() {
        let before = parses_done();
        for _ in 0..10 {
            condition("a_text_parsed_once = :v").unwrap();
        }
        assert_eq!(parses_done(), before + 1);
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        for i in 0..5_000 {
            condition("kept = :v").unwrap();
            condition(&format!("a{i} = :v")).unwrap();
        }
        let long = "x".repeat(4_000);
        for i in 0..500 {
            condition(&format!("{long}{i} = :v")).unwrap();
        }
        CONDITIONS.with_borrow(|c| {
            assert!(c.entries.len() <= MAX_ENTRIES);
            assert!(c.bytes <= MAX_BYTES);
            assert_eq!(c.bytes, c.entries.keys().map(String::len).sum::<usize>());
        });
        let before = parses_done();
        for i in 0..100 {
            condition("kept again = :v").unwrap_err();
            condition("kept = :v").unwrap();
            condition(&format!("b{i} = :v")).unwrap();
        }
        assert!(
            parses_done() - before <= 202,
            "errors are not kept, the used text is"
        );
    }
}
