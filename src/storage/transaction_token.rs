//! ClientRequestTokens of the last ten minutes: what was asked for under them, and that it was done.
//!
//! A token is written in the transaction it tells of, so both are there or neither. Two sessions with the same one meet at
//! a lock: the second waits for the first to end.

use super::catalog::as_role;
use super::key_locks::{self, Held};
use super::snapshot;
use super::spi::{self, Arg, Plan};
use pg_dynamo_core::key::stable_hash;
use pg_dynamo_core::transaction::Token;
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::cell::{Cell, OnceCell};

/// How many tokens a session records between two looks for expired ones, and how many of those it then removes at most.
const RECORDS_BETWEEN: u32 = 16;

/// What is known of a token.
pub enum Known {
    Nothing,
    /// The same was asked for and done; sizes of the items then.
    Done(Vec<i64>),
}

thread_local! {
    static PLANS: Plans = const { Plans { find: OnceCell::new(), record: OnceCell::new(), clean: OnceCell::new() } };
    /// Not from 0 in every session: none of many short ones would ever get to look.
    static RECORDED: Cell<u32> = Cell::new(first());
}

fn first() -> u32 {
    // SAFETY: set before a session's first statement.
    unsafe { pg_sys::MyProcPid }.unsigned_abs() % RECORDS_BETWEEN
}

struct Plans {
    find: OnceCell<Plan>,
    record: OnceCell<Plan>,
    clean: OnceCell<Plan>,
}

/// The role whose token it is.
fn role() -> i64 {
    // SAFETY: reads this backend's state.
    i64::from(unsafe { pg_sys::GetUserId() }.to_u32())
}

/// No other session has to do with this token until the end of the transaction. Waits for one that has.
pub fn hold(token: &Token) {
    let named = format!("{} {} {}", role(), token.operation().name(), token.text());
    key_locks::take(&Held::token(stable_hash(named.as_bytes(), 0)));
}

/// Err: IdempotentParameterMismatchException, when something else was asked for.
pub fn find(token: &Token) -> Result<Known> {
    let role = role();
    as_owner(|| {
        spi::connected(|| {
            PLANS.with(|plans| {
                let plan = plans.find.get_or_init(|| {
                    Plan::prepare_by_key(
                        "SELECT fingerprint, sizes FROM dynamo_internal.transaction_token \
                         WHERE role OPERATOR(pg_catalog.=) $1::pg_catalog.oid \
                         AND operation OPERATOR(pg_catalog.=) $2 AND token OPERATOR(pg_catalog.=) $3 \
                         AND expires OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()",
                        &[pg_sys::INT8OID, pg_sys::TEXTOID, pg_sys::TEXTOID],
                    )
                });
                let (operation, text) = (token.operation().name(), token.text());
                if plan.execute(&[Arg::Int8(role), Arg::Text(operation), Arg::Text(text)], false) == 0 {
                    return Ok(Known::Nothing);
                }
                if spi::bytes_value(0, 1).as_deref() != Some(token.fingerprint().as_slice()) {
                    return Err(ApiError::idempotent_parameter_mismatch(
                        "The client request token was used before, with other parameters",
                    ));
                }
                Ok(Known::Done(spi::int8s_value(0, 2)))
            })
        })
    })
}

/// The transaction of this token is done. `sizes`: of its items, in the order of its actions.
pub fn record(token: &Token, sizes: &[i64]) {
    let role = role();
    as_owner(|| {
        spi::connected(|| {
            PLANS.with(|plans| {
                insert(plans, role, token, sizes);
                let recorded = RECORDED.get().wrapping_add(1);
                RECORDED.set(recorded);
                if recorded.is_multiple_of(RECORDS_BETWEEN) {
                    remove_expired(plans);
                }
            });
        });
    });
}

/// An expired one of the same name gives way.
fn insert(plans: &Plans, role: i64, token: &Token, sizes: &[i64]) {
    let plan = plans.record.get_or_init(|| {
        Plan::prepare_by_key(
            "INSERT INTO dynamo_internal.transaction_token (role, operation, token, fingerprint, sizes, expires) \
             VALUES ($1::pg_catalog.oid, $2, $3, $4, $5, \
                     pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) '10 minutes'::pg_catalog.interval) \
             ON CONFLICT (role, operation, token) DO UPDATE \
             SET fingerprint = excluded.fingerprint, sizes = excluded.sizes, expires = excluded.expires",
            &[
                pg_sys::INT8OID,
                pg_sys::TEXTOID,
                pg_sys::TEXTOID,
                pg_sys::BYTEAOID,
                pg_sys::INT8ARRAYOID,
            ],
        )
    });
    plan.execute(
        &[
            Arg::Int8(role),
            Arg::Text(token.operation().name()),
            Arg::Text(token.text()),
            Arg::Bytes(token.fingerprint()),
            Arg::Int8s(sizes),
        ],
        false,
    );
}

/// Some of those that have expired. Nobody waits for anybody here.
fn remove_expired(plans: &Plans) {
    if snapshot::is_fixed() {
        // A row that another session removes would be an error.
        return;
    }
    let plan = plans.clean.get_or_init(|| {
        Plan::prepare_by_key(
            "DELETE FROM dynamo_internal.transaction_token WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY( \
                 SELECT ctid FROM dynamo_internal.transaction_token \
                 WHERE expires OPERATOR(pg_catalog.<) pg_catalog.now() ORDER BY expires LIMIT 64 FOR UPDATE SKIP LOCKED))",
            &[],
        )
    });
    plan.execute(&[], false);
}

/// Runs `body` as the owner of the table, who alone may read and write it.
fn as_owner<R>(body: impl FnOnce() -> R) -> R {
    const SHARE: i32 = pg_sys::AccessShareLock as i32;
    // SAFETY: look-ups by constant names; a relation that is gone is an ERROR. What is opened is closed, or, when an ERROR
    // unwinds, by the resource owner.
    let owner = unsafe {
        let schema = pg_sys::get_namespace_oid(c"dynamo_internal".as_ptr(), false);
        let table = pg_sys::get_relname_relid(c"transaction_token".as_ptr(), schema);
        let table = pg_sys::table_open(table, SHARE);
        let owner = (*(*table).rd_rel).relowner;
        pg_sys::table_close(table, SHARE);
        owner
    };
    as_role(owner, body)
}
