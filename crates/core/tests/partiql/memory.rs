//! What a statement takes of memory is in proportion to its text and parameters, however its conditions are taken
//! apart and put together.
use crate::store::Store;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    TAKEN.set(TAKEN.get().wrapping_add(bytes));
}

// SAFETY: the system's allocator does the work. The counter is a constant without a destructor, so it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise goes on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Nearly the 2 MB that all parameters may have.
const LARGE: usize = 2_000_000;

/// Bytes that are asked for while the statement runs over an empty table, given back or not.
fn taken(condition: &str) -> usize {
    let parameters = format!(r#""Parameters":[{{"S":"{}"}}]"#, "x".repeat(LARGE));
    let statement = format!("SELECT * FROM T WHERE {condition}");
    let mut store = Store::of(&[]);
    let before = TAKEN.get();
    store
        .with(&statement, &parameters)
        .unwrap_or_else(|error| panic!("{condition}: {error}"));
    TAKEN.get().wrapping_sub(before)
}

#[test]
fn conditions_compared_with_one_another_share_their_values() {
    let mut nested = "a = ?".to_owned();
    for name in ["b", "c", "d", "e", "f", "g", "h"] {
        nested = format!("({nested}) = {name}");
    }
    let members: Vec<_> = (0..100).map(|n| format!("m{n}")).collect();
    let plain = taken("a = ?");
    for condition in [nested, format!("(a = ?) IN [{}]", members.join(","))] {
        let more = taken(&condition) - plain;
        assert!(more < LARGE, "{more} bytes more for {condition}");
    }
}

#[test]
fn alternatives_share_the_conditions_that_all_of_them_have() {
    let partitions: Vec<_> = (0..50).map(|n| format!("'{n}'")).collect();
    let others = " AND a=1".repeat(900);
    let condition = format!("pk IN [{}] AND a = ?{others}", partitions.join(","));
    let more = taken(&condition) - taken("a = ?");
    assert!(more < 50 * LARGE, "{more} bytes more");
}
