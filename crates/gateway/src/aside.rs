//! Work that takes milliseconds, such as hashing or reading a large body.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Bytes of a body that are dealt with where it arrived.
const AT_ONCE: usize = 256 * 1024;

/// Does work on a body of `bytes` while this thread's other requests are handed to another thread.
///
/// The work never waits for anything: with all threads waiting nobody would be left to end it.
pub fn aside<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let has_others = || {
        Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    if bytes > AT_ONCE && has_others() {
        block_in_place(work)
    } else {
        work()
    }
}
