//! Resource policies as privileges on data tables.
//!
//! A policy gives each of its roles the privileges that the allowed actions need and remembers which of them the role did
//! not have before; those it takes back when it is replaced or deleted. Privileges are coarser than actions: who may
//! GetItem may SELECT, in SQL. A server in front therefore also asks [`permits`], which knows the actions.

use super::catalog::{self, Privilege, Table};
use super::spi::{self, Arg, Plan};
use super::table::quoted;
use pg_dynamo_core::Result;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::policy::{Privileges, ResourcePolicy, Roles, invalid_principal};
use pgrx::pg_sys;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};

/// Notes which roles the policy names. Err: ValidationException when one does not exist.
pub fn identify(policy: &mut ResourcePolicy) -> Result<()> {
    let mut oids = BTreeMap::new();
    for role in policy.allowed.keys() {
        let Some(oid) = role_of(role) else {
            pgrx::debug1!("a resource policy names role \"{role}\", which does not exist");
            return Err(invalid_principal());
        };
        oids.insert(role.clone(), oid.to_u32());
    }
    let cluster = cluster();
    policy.roles = Roles { cluster, oids };
    Ok(())
}

/// Brings the grants on table `name` in line with `new`, whose roles are identified, as the caller, who owns it, and notes
/// in it what it grants. `old`: the policy before this one.
///
/// The owner's privileges are his own: nothing is granted to him or taken from him.
pub fn enforce(name: &str, old: Option<&ResourcePolicy>, new: Option<&mut ResourcePolicy>) {
    // Given before and wanted now.
    let mut roles = BTreeMap::<u32, (Privileges, Privileges)>::new();
    if let Some(old) = old {
        for (role, given) in &old.granted {
            if let Some(oid) = meant(old, role) {
                roles.entry(oid.to_u32()).or_default().0 = *given;
            }
        }
    }
    if let Some(new) = &new {
        for (role, allowed) in &new.allowed {
            if let Some(oid) = meant(new, role) {
                roles.entry(oid.to_u32()).or_default().1 = allowed.privileges();
            }
        }
    }
    let mut gifts = BTreeMap::new();
    for (oid, (given, wanted)) in roles {
        let role = pg_sys::Oid::from(oid);
        let Some(has) = direct_privileges(name, role) else {
            continue;
        };
        // Gone since; its privileges went with it.
        let Some(role) = name_of(role) else { continue };
        let superfluous = given.without(wanted).common(has);
        let lacking = wanted.without(has);
        change(name, "REVOKE", superfluous, "FROM", &role);
        change(name, "GRANT", lacking, "TO", &role);
        gifts.insert(oid, given.common(wanted).and(lacking));
    }
    if let Some(new) = new {
        let gift = |role: &String| gifts.get(&meant(new, role)?.to_u32()).copied();
        let granted = new.allowed.keys();
        let granted = granted.filter_map(|role| Some((role.clone(), gift(role)?)));
        new.granted = granted.filter(|(_, gift)| !gift.is_empty()).collect();
    }
}

/// The role that `name` meant when the policy was put; it may be gone.
fn meant(policy: &ResourcePolicy, name: &str) -> Option<pg_sys::Oid> {
    match policy.roles.oids.get(name) {
        Some(oid) if policy.roles.cluster == cluster() => Some(pg_sys::Oid::from(*oid)),
        _ => role_of(name),
    }
}

/// Tells this cluster from others, whose OIDs mean something else.
fn cluster() -> u64 {
    // SAFETY: reads a variable that is set before a session's first statement.
    unsafe { pg_sys::GetSystemIdentifier() }
}

/// `verb` and `preposition`: GRANT TO, REVOKE FROM.
fn change(name: &str, verb: &str, what: Privileges, preposition: &str, role: &str) {
    if what.is_empty() {
        return;
    }
    let (table, role) = (quoted(name), pgrx::spi::quote_identifier(role));
    let what = what.names();
    let statement = format!("{verb} {what} ON TABLE {table} {preposition} {role}");
    spi::connected(|| spi::run(&statement));
}

fn role_of(name: &str) -> Option<pg_sys::Oid> {
    // Postgres would cut a longer one to a name that may be another role's.
    let name = (name.len() < pg_sys::NAMEDATALEN as usize).then(|| CString::new(name).ok())??;
    // SAFETY: a syscache look-up by a C string that lives through the call.
    let oid = unsafe { pg_sys::get_role_oid(name.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

fn name_of(role: pg_sys::Oid) -> Option<String> {
    // SAFETY: a syscache look-up, which tells a role that is gone by a null; the name is a copy of this request's memory.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

/// What the table's own list grants to the role itself, not as a member of others. None: it is the owner.
fn direct_privileges(name: &str, role: pg_sys::Oid) -> Option<Privileges> {
    let bits = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT (SELECT coalesce(pg_catalog.bit_or(CASE a.privilege_type WHEN 'SELECT' THEN 1 WHEN 'INSERT' THEN 2 \
                WHEN 'UPDATE' THEN 4 WHEN 'DELETE' THEN 8 ELSE 0 END), 0)::pg_catalog.int8 \
                FROM pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) AS a \
                WHERE a.grantee OPERATOR(pg_catalog.=) $2::pg_catalog.oid) \
             FROM pg_catalog.pg_class AS c \
             WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass \
               AND c.relowner OPERATOR(pg_catalog.<>) $2::pg_catalog.oid",
            &[pg_sys::TEXTOID, pg_sys::INT8OID],
        );
        let role = Arg::Int8(i64::from(role.to_u32()));
        plan.execute(&[Arg::Text(&quoted(name)), role], false);
        spi::int_value(0, 1)
    })?;
    Some(Privileges {
        select: bits & 1 != 0,
        insert: bits & 2 != 0,
        update: bits & 4 != 0,
        delete: bits & 8 != 0,
    })
}

/// Whether the current role, which has the privileges `needed`, may do `operation`: because the table's policy allows the
/// action, or because it would have them without the policy.
pub fn permits(table: &Table, operation: Operation, needed: &[Privilege]) -> bool {
    let Some(policy) = &table.definition.policy else {
        return true;
    };
    // SAFETY: a plain variable of this backend.
    let user = unsafe { pg_sys::GetUserId() };
    policy.granted.is_empty()
        || allows(policy, operation, user)
        || has_otherwise(table, policy, user, catalog::acl_mode(needed))
}

fn allows(policy: &ResourcePolicy, operation: Operation, user: pg_sys::Oid) -> bool {
    let permitted = policy.allowed.iter().filter(|(_, a)| a.permits(operation));
    permitted
        .filter_map(|(role, _)| meant(policy, role))
        // SAFETY: look-ups by the role of the session; nobody is a member of a role that is gone.
        .any(|role| unsafe { pg_sys::has_privs_of_role(user, role) })
}

/// Whether the role has the privileges by what is granted apart from the policy.
fn has_otherwise(
    table: &Table,
    policy: &ResourcePolicy,
    user: pg_sys::Oid,
    needed: pg_sys::AclMode,
) -> bool {
    let reads = pg_sys::AclMode::from(pg_sys::ACL_SELECT);
    // SAFETY: the relation is locked by the caller, or was just seen: without its catalog row there are no grants. The list
    // is a copy, which is changed and freed with the memory of the request. Roles and the owner exist.
    unsafe {
        if pg_sys::superuser() {
            return true;
        }
        let is_member = |role: u32| pg_sys::has_privs_of_role(user, role.into());
        let mut needed = needed;
        if needed & reads != 0 && is_member(pg_sys::ROLE_PG_READ_ALL_DATA) {
            needed &= !reads;
        }
        if needed & !reads != 0 && is_member(pg_sys::ROLE_PG_WRITE_ALL_DATA) {
            needed &= reads;
        }
        if needed == 0 {
            return true;
        }
        let Some((owner, mut acl)) = grants(table.relid) else {
            return false;
        };
        for (role, given) in &policy.granted {
            let Some(grantee) = meant(policy, role).filter(|role| *role != owner) else {
                continue;
            };
            let item = pg_sys::AclItem {
                ai_grantee: grantee,
                ai_grantor: owner,
                ai_privs: catalog::acl_mode(&privileges(*given)),
            };
            acl = pg_sys::aclupdate(
                acl,
                &item,
                pg_sys::ACL_MODECHG_DEL as i32,
                owner,
                pg_sys::DropBehavior::DROP_CASCADE,
            );
        }
        let how = pg_sys::AclMaskHow::ACLMASK_ALL;
        pg_sys::aclmask(acl, user, owner, needed, how) == needed
    }
}

fn privileges(given: Privileges) -> Vec<Privilege> {
    let named = [
        (given.select, Privilege::Select),
        (given.insert, Privilege::Insert),
        (given.update, Privilege::Update),
        (given.delete, Privilege::Delete),
    ];
    named.into_iter().filter(|n| n.0).map(|n| n.1).collect()
}

/// The owner of a relation and a copy of its list of grants, the default one where it has none of its own. None: the
/// relation is gone.
///
/// # Safety
/// The relation is locked.
unsafe fn grants(relid: pg_sys::Oid) -> Option<(pg_sys::Oid, *mut pg_sys::Acl)> {
    // SAFETY: by the caller; the row is released after its values were taken.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::RELOID as i32;
        let row = pg_sys::SearchSysCache1(cache, relid.into());
        if row.is_null() {
            return None;
        }
        let class = pg_sys::GETSTRUCT(row).cast::<pg_sys::FormData_pg_class>();
        let owner = (*class).relowner;
        let mut null = false;
        let attribute = pg_sys::Anum_pg_class_relacl as i16;
        let acl = pg_sys::SysCacheGetAttr(cache, row, attribute, &mut null);
        let acl = if null {
            pg_sys::acldefault(pg_sys::ObjectType::OBJECT_TABLE, owner)
        } else {
            pg_sys::pg_detoast_datum_copy(acl.cast_mut_ptr()).cast()
        };
        pg_sys::ReleaseSysCache(row);
        Some((owner, acl))
    }
}
