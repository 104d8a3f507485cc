//! Rust's allocator: malloc, with small blocks kept for the next request.
//!
//! A request makes a hundred small allocations and gives all of them back: a tree of its JSON, names, values. malloc keeps
//! seven of a size at hand and merges and splits the others, which took a tenth of the time of an operation. Here every
//! size has a list of free blocks, so that taking and giving back is a few instructions. Blocks come from malloc one
//! by one and go back to it when a list is full: at most half a megabyte per backend is kept.
//!
//! Every thread has lists of its own (a backend has one thread).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;

/// Sizes are multiples of this; also the alignment of blocks, which is malloc's.
const STEP: usize = 32;
const ALIGN: usize = 16;
/// Larger ones are malloc's alone.
const LARGEST: usize = 1024;
/// Bytes that the list of one size keeps.
const KEPT: usize = 16 * 1024;

pub struct Recycling;

/// A free block, which holds the next.
struct Block {
    next: *mut Block,
}

struct Free {
    first: Cell<*mut Block>,
    count: Cell<usize>,
}

thread_local! {
    static FREE: [Free; LARGEST / STEP] = const {
        [const { Free { first: Cell::new(null_mut()), count: Cell::new(0) } }; LARGEST / STEP]
    };
}

/// The list for a size; None: malloc's alone. No allocation has no bytes.
fn class(layout: Layout) -> Option<usize> {
    let small = layout.align() <= ALIGN && (1..=LARGEST).contains(&layout.size());
    small.then(|| (layout.size() - 1) / STEP)
}

fn block_layout(class: usize) -> Layout {
    const BIGGEST: Layout = match Layout::from_size_align(LARGEST, ALIGN) {
        Ok(layout) => layout,
        Err(_) => panic!("a layout"),
    };
    Layout::from_size_align((class + 1) * STEP, ALIGN).unwrap_or(BIGGEST)
}

// SAFETY: blocks are malloc's, of at least the size that is asked for, and in one list at most: alloc takes a block
// out of its list and dealloc puts it there. A block's class is found from its layout, both times the same; after a
// `realloc` in place too, which stays within the class.
unsafe impl GlobalAlloc for Recycling {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: forwarded from the caller.
        unsafe {
            let Some(class) = class(layout) else {
                return System.alloc(layout);
            };
            FREE.with(|lists| {
                let list = &lists[class];
                let block = list.first.get();
                if block.is_null() {
                    return System.alloc(block_layout(class));
                }
                list.first.set((*block).next);
                list.count.set(list.count.get() - 1);
                block.cast()
            })
        }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: forwarded from the caller.
        unsafe {
            let Some(class) = class(layout) else {
                return System.dealloc(memory, layout);
            };
            FREE.with(|lists| {
                let list = &lists[class];
                let count = list.count.get();
                if count * (class + 1) * STEP >= KEPT {
                    return System.dealloc(memory, block_layout(class));
                }
                let block = memory.cast::<Block>();
                (*block).next = list.first.replace(block);
                list.count.set(count + 1);
            });
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: forwarded from the caller; a block is as large as it was asked for.
        unsafe {
            if class(layout).is_none() {
                return System.alloc_zeroed(layout);
            }
            let memory = self.alloc(layout);
            if !memory.is_null() {
                memory.write_bytes(0, layout.size());
            }
            memory
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: forwarded from the caller, who vouches for a size that fits.
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            match (class(layout), class(wanted)) {
                (None, None) => return System.realloc(memory, layout, size),
                (before, after) if before == after => return memory,
                _ => {}
            }
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(memory, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            moved
        }
    }
}
