//! Access keys for the HTTP endpoint.

use super::boundary::export;
use super::datum::Row;
use crate::storage::access_key;
use pgrx::IntoDatum;
use std::ffi::CStr;

fn create_access_key(role: &CStr) -> Row {
    let key = access_key::create(role);
    Row(vec![key.id.into_datum(), key.secret.into_datum()])
}

fn enable_access_key(access_key_id: &str) {
    access_key::set_enabled(access_key_id, true);
}

fn disable_access_key(access_key_id: &str) {
    access_key::set_enabled(access_key_id, false);
}

fn drop_access_key(access_key_id: &str) {
    access_key::drop(access_key_id);
}

fn open_access_key_secret(access_key_id: &str, role: i64, sealed: &[u8]) -> Option<String> {
    let role = u32::try_from(role).ok()?;
    Some(access_key::open(access_key_id, role, sealed))
}

export!(
    create_access_key,
    enable_access_key,
    disable_access_key,
    drop_access_key,
    open_access_key_secret,
);
