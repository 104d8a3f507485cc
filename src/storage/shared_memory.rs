//! Memory that all sessions share, of sizes that are known when the server starts.

use pgrx::pg_sys;
use std::ffi::{CStr, c_void};
use std::sync::OnceLock;

/// A piece of shared memory.
pub struct Area {
    /// Its name, and that of its lock.
    pub name: &'static CStr,
    /// Bytes.
    pub size: fn() -> usize,
    /// Learns where it is, in the postmaster before any session. All bytes are zero.
    pub start: fn(memory: *mut c_void, lock: *mut pg_sys::LWLock),
}

type Hook = Option<unsafe extern "C-unwind" fn()>;

struct Registered {
    areas: &'static [Area],
    request: Hook,
    start: Hook,
}

static REGISTERED: OnceLock<Registered> = OnceLock::new();

/// Only once, while the postmaster preloads the library.
pub fn register(areas: &'static [Area]) {
    // SAFETY: in the postmaster, which has one thread; the hooks found are called by ours.
    unsafe {
        let registered = Registered {
            areas,
            request: pg_sys::shmem_request_hook,
            start: pg_sys::shmem_startup_hook,
        };
        if REGISTERED.set(registered).is_ok() {
            pg_sys::shmem_request_hook = Some(request_memory);
            pg_sys::shmem_startup_hook = Some(start);
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn request_memory() {
    let Some(registered) = REGISTERED.get() else {
        return;
    };
    // SAFETY: Postgres calls the hook when requests are welcome.
    unsafe {
        if let Some(next) = registered.request {
            next();
        }
        for area in registered.areas {
            pg_sys::RequestAddinShmemSpace((area.size)());
            pg_sys::RequestNamedLWLockTranche(area.name.as_ptr(), 1);
        }
    }
}

/// Once in the postmaster, before any session; again after it has restarted its processes.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn start() {
    let Some(registered) = REGISTERED.get() else {
        return;
    };
    // SAFETY: Postgres calls the hook when shared memory is there; nobody else uses it yet, and each piece is as long
    // as it was asked for.
    unsafe {
        if let Some(next) = registered.start {
            next();
        }
        for area in registered.areas {
            let (size, mut found) = ((area.size)(), false);
            let memory = pg_sys::ShmemInitStruct(area.name.as_ptr(), size, &mut found);
            if !found {
                memory.cast::<u8>().write_bytes(0, size);
            }
            let lock = &raw mut (*pg_sys::GetNamedLWLockTranche(area.name.as_ptr())).lock;
            (area.start)(memory, lock);
        }
    }
}
