//! Access keys: what a client of the HTTP endpoint signs its requests with. A key belongs to a role.
//!
//! The table `dynamo_internal.access_key` is the extension owner's alone and part of no dump. It names roles by oid, so
//! that a role made later under the same name does not inherit a key.

pub mod key_file;
pub mod seal;

use super::catalog::as_catalog_owner;
use super::spi::{self, Arg, Plan};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::spi::quote_identifier;
use pgrx::{PgLogLevel, PgSqlErrorCode, function_name, pg_sys};
use seal::Owner;
use std::ffi::CStr;

/// Whom the gateway logs in as; every role with a key is granted to it.
const GATEWAY: &str = "dynamo_gateway";

/// Shown once, when the key is made.
pub struct AccessKey {
    pub id: String,
    pub secret: String,
}

fn fail(code: PgSqlErrorCode, message: String, hint: &str) -> ! {
    let report = ErrorReport::new(code, message, function_name!());
    let report = if hint.is_empty() {
        report
    } else {
        report.set_hint(hint.to_owned())
    };
    report.report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}

/// Bytes of the operating system's random source.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        fail(
            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            format!("the operating system gives no random bytes: {error}"),
            "",
        );
    }
    bytes
}

/// The key of all secrets.
fn sealing_key() -> [u8; key_file::LENGTH] {
    key_file::read(&crate::guc::secret_key_file()).unwrap_or_else(|fault| {
        fail(
            PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
            fault.message(),
            fault.hint(),
        )
    })
}

/// 20 characters like AWS's own: a prefix that tells what it is, and 80 random bits in base 32.
fn new_id() -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = random::<10>()
        .iter()
        .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let digits = (0..16).rev().map(|at| {
        let digit = (bits >> (5 * at)) & 31;
        char::from(DIGITS[digit as usize])
    });
    std::iter::once("PGDK".to_owned())
        .chain(digits.map(String::from))
        .collect()
}

/// 40 characters of base64, as AWS's are.
fn new_secret() -> String {
    STANDARD.encode(random::<30>())
}

fn name_of(role: pg_sys::Oid) -> Option<String> {
    // SAFETY: a syscache look-up that answers a palloc'ed C string, or null for an oid without a role.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

/// The current role has ADMIN OPTION on `role`, as a superuser has on all.
fn demand_admin(role: pg_sys::Oid) {
    // SAFETY: both read catalogs and this backend's state.
    if unsafe { pg_sys::is_admin_of_role(pg_sys::GetUserId(), role) } {
        return;
    }
    let message = name_of(role).map_or_else(
        || "must be superuser to manage the access key of a role that is gone".to_owned(),
        |name| format!("must have admin option on role \"{name}\""),
    );
    fail(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        message,
        "Access keys are made and managed by superusers and by roles with ADMIN OPTION on the key's role.",
    );
}

/// The gateway becomes a member of every role that has a key, and through it of what that role is a member of. So no
/// key is for a superuser, for who may become one, or for a role that may read secrets.
fn demand_ordinary(role: pg_sys::Oid, name: &str) {
    let reserved = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles AS r \
             WHERE (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) 'dynamo_gateway' \
                    OR r.rolname OPERATOR(pg_catalog.=) 'dynamo_gateway_keys') \
               AND pg_catalog.pg_has_role($1::pg_catalog.oid, r.oid, 'MEMBER') \
             ORDER BY r.oid OPERATOR(pg_catalog.<>) $1::pg_catalog.oid LIMIT 1",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Int8(i64::from(role.to_u32()))], false);
        spi::text_value(0, 1)
    });
    let Some(reserved) = reserved else { return };
    let why = if reserved != name {
        format!("role \"{name}\" cannot have access keys, because it is a member of \"{reserved}\"")
    } else {
        format!("role \"{name}\" cannot have access keys")
    };
    fail(
        PgSqlErrorCode::ERRCODE_INVALID_ROLE_SPECIFICATION,
        why,
        "Neither superusers nor the gateway's own roles have access keys. Make a role for the application.",
    );
}

/// Makes a key for the role of that name.
pub fn create(role_name: &CStr) -> AccessKey {
    // SAFETY: a syscache look-up by a C string.
    let role = unsafe { pg_sys::get_role_oid(role_name.as_ptr(), true) };
    let role_name = role_name.to_string_lossy();
    if role == pg_sys::InvalidOid {
        no_such_role(&role_name);
    }
    demand_admin(role);
    demand_ordinary(role, &role_name);
    let key = AccessKey {
        id: new_id(),
        secret: new_secret(),
    };
    let owner = Owner {
        access_key_id: &key.id,
        role: role.to_u32(),
    };
    let Some(sealed) = seal::seal(&sealing_key(), random(), owner, &key.secret) else {
        pgrx::error!("the secret cannot be encrypted");
    };
    as_catalog_owner(|| {
        spi::connected(|| {
            lock();
            // Waiting may have taken long enough for the name to become another role's.
            let Some(name) = name_of(role) else {
                no_such_role(&role_name);
            };
            let granted = grant(role, &name);
            insert(owner, &sealed, granted);
        })
    });
    key
}

fn no_such_role(name: &str) -> ! {
    fail(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("role \"{name}\" does not exist"),
        "",
    )
}

/// Until the end of the transaction no other session makes or drops keys, so that the last key of a role is known.
/// Needs SPI, as the owner.
fn lock() {
    spi::run("LOCK TABLE ONLY dynamo_internal.access_key IN SHARE ROW EXCLUSIVE MODE");
    // What has been left by roles that are gone opens nothing; and an oid can come back, some day.
    spi::run(
        "DELETE FROM dynamo_internal.access_key AS k WHERE NOT EXISTS \
         (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid OPERATOR(pg_catalog.=) k.role)",
    );
}

/// Makes the gateway a member of the role. False when somebody else has made it one.
fn grant(role: pg_sys::Oid, role_name: &str) -> bool {
    let oid = Arg::Int8(i64::from(role.to_u32()));
    let member = Plan::prepare(
        "SELECT coalesce((SELECT pg_catalog.bool_or(k.granted) FROM dynamo_internal.access_key AS k \
                          WHERE k.role OPERATOR(pg_catalog.=) $1::pg_catalog.oid), false)::pg_catalog.int4::pg_catalog.int8 \
         FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS g ON g.oid OPERATOR(pg_catalog.=) m.member \
         WHERE m.roleid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND g.rolname OPERATOR(pg_catalog.=) 'dynamo_gateway' \
         LIMIT 1",
        &[pg_sys::INT8OID],
    );
    if member.execute(&[oid], false) > 0 {
        return spi::int_value(0, 1) == Some(1);
    }
    spi::run(&format!(
        "GRANT {} TO {GATEWAY}",
        quote_identifier(role_name)
    ));
    true
}

fn insert(owner: Owner<'_>, sealed: &[u8], granted: bool) {
    let plan = Plan::prepare(
        "INSERT INTO dynamo_internal.access_key (access_key_id, role, secret, granted) \
         VALUES ($1, $2::pg_catalog.oid, $3, $4 OPERATOR(pg_catalog.=) 1)",
        &[
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
            pg_sys::BYTEAOID,
            pg_sys::INT8OID,
        ],
    );
    plan.execute(
        &[
            Arg::Text(owner.access_key_id),
            Arg::Int8(i64::from(owner.role)),
            Arg::Bytes(sealed),
            Arg::Int8(i64::from(granted)),
        ],
        false,
    );
}

/// The role of a key that the current role may manage. None when that role is gone.
fn managed(access_key_id: &str) -> Option<pg_sys::Oid> {
    let role = as_catalog_owner(|| {
        spi::connected(|| {
            let plan = Plan::prepare(
                "SELECT role::pg_catalog.int8 FROM dynamo_internal.access_key \
                 WHERE access_key_id OPERATOR(pg_catalog.=) $1",
                &[pg_sys::TEXTOID],
            );
            plan.execute(&[Arg::Text(access_key_id)], false);
            spi::int_value(0, 1)
        })
    });
    let Some(role) = role.and_then(|oid| u32::try_from(oid).ok()) else {
        fail(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("access key \"{access_key_id}\" does not exist"),
            "",
        );
    };
    let role = pg_sys::Oid::from(role);
    demand_admin(role);
    name_of(role).map(|_| role)
}

/// Takes a key into use again, or out of use.
pub fn set_enabled(access_key_id: &str, enabled: bool) {
    managed(access_key_id);
    as_catalog_owner(|| {
        spi::connected(|| {
            let plan = Plan::prepare(
                "UPDATE dynamo_internal.access_key SET enabled = ($2 OPERATOR(pg_catalog.=) 1) \
                 WHERE access_key_id OPERATOR(pg_catalog.=) $1",
                &[pg_sys::TEXTOID, pg_sys::INT8OID],
            );
            plan.execute(
                &[Arg::Text(access_key_id), Arg::Int8(i64::from(enabled))],
                false,
            );
        })
    });
}

/// Removes a key; with the last of a role the gateway's membership, if a key brought it.
pub fn drop(access_key_id: &str) {
    let role = managed(access_key_id);
    as_catalog_owner(|| {
        spi::connected(|| {
            lock();
            let plan = Plan::prepare(
                "DELETE FROM dynamo_internal.access_key AS k WHERE k.access_key_id OPERATOR(pg_catalog.=) $1 \
                 RETURNING (k.granted AND NOT EXISTS (SELECT FROM dynamo_internal.access_key AS o \
                     WHERE o.role OPERATOR(pg_catalog.=) k.role \
                       AND o.access_key_id OPERATOR(pg_catalog.<>) k.access_key_id))::pg_catalog.int4::pg_catalog.int8",
                &[pg_sys::TEXTOID],
            );
            plan.execute(&[Arg::Text(access_key_id)], false);
            let revoke = spi::int_value(0, 1) == Some(1);
            if let Some(name) = role.and_then(name_of).filter(|_| revoke) {
                spi::run(&format!("REVOKE {} FROM {GATEWAY}", quote_identifier(name)));
            }
        })
    });
}

/// The secret of a row of the table.
pub fn open(access_key_id: &str, role: u32, sealed: &[u8]) -> String {
    let owner = Owner {
        access_key_id,
        role,
    };
    seal::open(&sealing_key(), owner, sealed).unwrap_or_else(|| {
        fail(
            PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
            format!("the secret of access key \"{access_key_id}\" cannot be decrypted"),
            "The file of dynamo.secret_key_file holds another key than when the access key was made, or its row was \
             changed. Bring the old file back, or drop the access key and create a new one.",
        )
    })
}
