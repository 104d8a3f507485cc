//! How much of other people's data the process holds at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What a request costs beyond its body: its head and the tasks that carry it.
const PER_REQUEST: usize = 4096;
/// A body or an answer up to this size is small.
pub const SMALL: usize = 64 * 1024;

/// Bytes of request bodies and large answers, over all connections.
///
/// Nobody waits for memory: half-read bodies that wait for each other would wait for ever. What does not fit is
/// refused, and large bodies are refused earlier than small ones, so that a few large senders leave room for
/// everyone's small requests.
#[derive(Debug)]
pub struct Memory {
    used: AtomicUsize,
    limit: usize,
}

impl Memory {
    /// `limit` in bytes.
    pub fn new(limit: usize) -> Self {
        Memory {
            used: AtomicUsize::new(0),
            limit,
        }
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// For one request. None: there is no room.
    pub fn request(&self) -> Option<Charge<'_>> {
        let mut charge = Charge {
            memory: self,
            bytes: 0,
        };
        charge.grow(PER_REQUEST).then_some(charge)
    }

    /// Adds bytes that are there anyway, such as an answer; the caller gives them back by [`Memory::give_back`].
    pub fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The bytes one request holds; given back when dropped.
#[derive(Debug)]
pub struct Charge<'a> {
    memory: &'a Memory,
    bytes: usize,
}

impl Charge<'_> {
    /// False: there is no room, and nothing was added.
    pub fn grow(&mut self, by: usize) -> bool {
        let memory = self.memory;
        let limit = if self.bytes + by > SMALL + PER_REQUEST {
            memory.limit / 4 * 3
        } else {
            memory.limit
        };
        let before = memory.used.fetch_add(by, Ordering::Relaxed);
        if before + by > limit {
            memory.give_back(by);
            return false;
        }
        self.bytes += by;
        true
    }

    /// Gives all back: nothing is held any more.
    pub fn release(&mut self) {
        self.memory.give_back(std::mem::take(&mut self.bytes));
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn what_is_taken_is_given_back() {
        let memory = Memory::new(MIB);
        let mut charge = memory.request().unwrap();
        assert!(charge.grow(5000));
        assert_eq!(memory.used(), 5000 + PER_REQUEST);
        drop(charge);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn large_bodies_leave_room_for_small_ones() {
        let memory = Memory::new(MIB);
        let mut large = memory.request().unwrap();
        assert!(large.grow(700 * 1024));
        assert!(!large.grow(100 * 1024));
        let mut small = memory.request().unwrap();
        assert!(small.grow(SMALL));
        drop(large);
        assert_eq!(memory.used(), SMALL + PER_REQUEST);
    }

    #[test]
    fn a_full_memory_takes_no_request() {
        let memory = Memory::new(MIB);
        memory.add(MIB);
        assert!(memory.request().is_none());
        memory.give_back(MIB);
        assert!(memory.request().is_some());
        assert_eq!(memory.used(), 0);
    }
}
