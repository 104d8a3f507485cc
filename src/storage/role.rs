//! Running a call as another role, for a server in front that acts for many.
//!
//! SET ROLE is not enough: a user's trigger could RESET it. `SECURITY_LOCAL_USERID_CHANGE` is what a SECURITY DEFINER
//! function runs under: inside it neither role nor session user can be changed. What users' code may do besides is
//! the business of `leftovers`.

use super::leftovers;
use pgrx::pg_sys::{self, GucAction, GucContext, GucSource};
use pgrx::{PgLogLevel, PgSqlErrorCode, ereport};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::time::Duration;

/// Milliseconds for which requests that share a call wait for a row: the one that waits can then be sent on its
/// own way, and the others go on without it.
const SHARED_LOCK_TIMEOUT: (i32, &CStr) = (50, c"50");

/// What a name without a schema means while a call runs as another role.
const SEARCH_PATH: &CStr = c"pg_catalog, pg_temp";

thread_local! {
    /// Roles that the session user may act as, by name; forgotten when any role or membership changes.
    static KNOWN: RefCell<HashMap<CString, pg_sys::Oid>> = RefCell::default();
    /// Whom that was found out for.
    static KNOWN_FOR: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
    static INVALIDATIONS: Cell<u64> = const { Cell::new(0) };
}

/// A role or a membership changed.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn roles_changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    INVALIDATIONS.set(INVALIDATIONS.get().wrapping_add(1));
    // Never borrowed across a call into Postgres, so this always succeeds.
    KNOWN.with(|known| {
        if let Ok(mut known) = known.try_borrow_mut() {
            known.clear();
        }
    });
}

pub fn register_invalidation() {
    const CACHES: [pg_sys::SysCacheIdentifier::Type; 2] = [
        pg_sys::SysCacheIdentifier::AUTHOID,
        pg_sys::SysCacheIdentifier::AUTHMEMMEMROLE,
    ];
    for cache in CACHES {
        // SAFETY: a static function with the signature Postgres expects, registered once per process.
        unsafe {
            pg_sys::CacheRegisterSyscacheCallback(
                cache as i32,
                Some(roles_changed),
                pg_sys::Datum::from(0_usize),
            );
        }
    }
}

/// The role called `name`, when the session user may act as it: the rule of SET ROLE. Neither may be a superuser.
fn permitted(name: &CStr) -> pg_sys::Oid {
    // SAFETY: plain look-ups; a role that does not exist is an ERROR.
    unsafe {
        let session = pg_sys::GetSessionUserId();
        if KNOWN_FOR.replace(session) != session {
            KNOWN.with_borrow_mut(HashMap::clear);
        }
        if let Some(role) = KNOWN.with_borrow(|known| known.get(name).copied()) {
            return role;
        }
        let before = INVALIDATIONS.get();
        let role = pg_sys::get_role_oid(name.as_ptr(), false);
        if pg_sys::superuser_arg(session) || pg_sys::superuser_arg(role) {
            refuse("requests run neither for a superuser's session nor as a superuser");
        }
        #[cfg(feature = "pg15")]
        let member = pg_sys::is_member_of_role_nosuper(session, role);
        #[cfg(not(feature = "pg15"))]
        let member = pg_sys::member_can_set_role(session, role);
        if !member {
            let name = name.to_string_lossy();
            refuse(format!(
                "permission denied to run requests as role \"{name}\""
            ));
        }
        if before == INVALIDATIONS.get() {
            KNOWN.with_borrow_mut(|known| known.insert(name.to_owned(), role));
        }
        role
    }
}

fn refuse(message: impl Into<String>) -> ! {
    ereport!(
        ERROR,
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        message.into()
    );
}

/// For whom, and under which settings, the requests of a call run.
pub struct Actor {
    /// User and security context of the caller, when the requests run as another.
    caller: Option<(pg_sys::Oid, i32)>,
    /// Settings made from this level on end with the call; those from the next one on with each request.
    settings: Option<i32>,
}

impl Actor {
    /// Begins to run `requests` requests as `run_as`, or as the caller. An ERROR on the way ends it: the abort of
    /// the (sub)transaction restores user, context and settings.
    pub fn enter(run_as: Option<&CStr>, requests: usize) -> Actor {
        let role = run_as.map(permitted);
        // SAFETY: plain variables of this backend's only thread, and settings under a level of their own.
        unsafe {
            let (mut user, mut context) = (pg_sys::InvalidOid, 0);
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            // Inside a function of another role, or a request of one, there is no way to a third.
            if context != 0 && role.is_some_and(|role| role != user) {
                refuse("requests of a role cannot run inside a function that runs as another");
            }
            let role = role.filter(|_| context == 0);
            let shared = requests > 1
                && (pg_sys::LockTimeout == 0 || pg_sys::LockTimeout > SHARED_LOCK_TIMEOUT.0);
            let level = (shared || role.is_some()).then(|| pg_sys::NewGUCNestLevel());
            if shared {
                set(c"lock_timeout", SHARED_LOCK_TIMEOUT.1);
            }
            if let Some(role) = role {
                leftovers::begin();
                // What the caller has deferred runs as the caller.
                leftovers::run_deferred();
                if CStr::from_ptr(pg_sys::namespace_search_path) != SEARCH_PATH {
                    set(c"search_path", SEARCH_PATH);
                }
                pg_sys::SetUserIdAndSecContext(role, pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
                pg_sys::NewGUCNestLevel();
            }
            Actor {
                caller: role.map(|_| (user, context)),
                settings: level,
            }
        }
    }

    /// Undoes the settings that the last request's triggers and the like have made.
    pub fn next_request(&self) {
        if let (Some(level), Some(_)) = (self.settings, self.caller)
            && leftovers::statements_ran()
        {
            // SAFETY: `enter` began this level.
            unsafe {
                pg_sys::AtEOXact_GUC(false, level + 1);
                pg_sys::NewGUCNestLevel();
            }
        }
    }

    /// Ends it.
    pub fn leave(self) {
        if self.caller.is_some() {
            leftovers::run_deferred();
            leftovers::clean();
        }
        // SAFETY: what `enter` found and began.
        unsafe {
            if let Some(level) = self.settings {
                pg_sys::AtEOXact_GUC(false, level);
            }
            if let Some((user, context)) = self.caller {
                pg_sys::SetUserIdAndSecContext(user, context);
            }
        }
    }
}

/// How long the locks that are waited for from here on are waited for: to the end of the running (sub)transaction, or
/// shorter, where the session has said so.
pub fn limit_lock_waits(limit: Duration) {
    // SAFETY: a plain variable of this backend's only thread.
    let before = unsafe { pg_sys::LockTimeout };
    // 0 would be without end.
    let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1);
    if before != 0 && before <= limit {
        return;
    }
    if let Ok(value) = CString::new(limit.to_string()) {
        set(c"lock_timeout", &value);
    }
}

/// Runs `body`, which nobody asked for, as the owner of a table: in a security-restricted operation, so that his triggers
/// gain nothing, and past the policies that he may have put over himself. What is set in it ends with it. Triggers that
/// are deferred to the commit, when another role is the current one, fire at once in the rest of this transaction. (Postgres
/// itself refuses what would outlast such an operation, but for advisory locks of the session.)
pub fn as_owner<R>(relid: pg_sys::Oid, body: impl FnOnce() -> R) -> R {
    const CONTEXT: u32 = pg_sys::SECURITY_RESTRICTED_OPERATION | pg_sys::SECURITY_NOFORCE_RLS;
    let (mut user, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: the relation is locked by the caller. What is changed here is restored below, or by the abort of the
    // (sub)transaction.
    unsafe {
        let relation = pg_sys::table_open(relid, pg_sys::NoLock as i32);
        let owner = (*(*relation).rd_rel).relowner;
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        leftovers::run_deferred();
        let settings = pg_sys::NewGUCNestLevel();
        pg_sys::SetUserIdAndSecContext(owner, context | CONTEXT as i32);
        let result = body();
        pg_sys::AtEOXact_GUC(false, settings);
        pg_sys::SetUserIdAndSecContext(user, context);
        result
    }
}

fn set(name: &CStr, value: &CStr) {
    // SAFETY: C strings; a value that Postgres refuses is an ERROR.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            GucContext::PGC_USERSET,
            GucSource::PGC_S_SESSION,
            GucAction::GUC_ACTION_SAVE,
            true,
            PgLogLevel::ERROR as i32,
            false,
        );
    }
}
