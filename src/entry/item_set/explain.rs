//! EXPLAIN.

use super::execute::{Running, described};
use crate::entry::boundary::guarded;
use crate::storage::scan::index_name;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// # Safety
/// Called by EXPLAIN with a node of ours.
pub unsafe extern "C-unwind" fn explain(
    node: *mut pg_sys::CustomScanState,
    _ancestors: *mut pg_sys::List,
    state: *mut pg_sys::ExplainState,
) {
    // SAFETY: by the caller.
    unsafe {
        guarded(|| {
            let running = described(node);
            for (label, text) in lines(running) {
                show(label, &text, state);
            }
            if (*state).analyze {
                let rows = i64::try_from(running.rows_read()).unwrap_or(i64::MAX);
                let label = c"Items Read".as_ptr();
                pg_sys::ExplainPropertyInteger(label, std::ptr::null(), rows, state);
            }
        });
    }
}

/// What is known of the read, in the order in which it is shown.
fn lines(running: &Running) -> Vec<(&'static str, String)> {
    let Some(set) = &running.bound else {
        return vec![("Table", "known at execution".to_owned())];
    };
    let range = set.range(running.private.reversed);
    let mut lines = vec![
        ("Table", set.read.table().to_owned()),
        ("Index", index_name(&set.table, range.access)),
    ];
    let described = set.read.descriptions().into_iter();
    lines.extend(described.filter_map(|(label, text)| match label {
        // The plan may have turned it around.
        "Order" => None,
        // Postgres shows its own conditions under this name.
        "Filter" => Some(("Filter Expression", text)),
        _ => Some((label, text)),
    }));
    if !range.forward {
        lines.push(("Order", "backward".to_owned()));
    }
    if running.direct == Some(false) {
        lines.push(("Read by", "statement".to_owned()));
    }
    lines
}

/// # Safety
/// `state` is that of a running EXPLAIN.
unsafe fn show(label: &str, text: &str, state: *mut pg_sys::ExplainState) {
    let printable = |text: &str| -> CString {
        CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
    };
    let (label, text) = (printable(label), printable(text));
    let copy = |text: &CStr| {
        // SAFETY: a NUL-terminated string.
        unsafe { pg_sys::pstrdup(text.as_ptr()) }
    };
    // SAFETY: the copies live as long as the statement.
    unsafe { pg_sys::ExplainPropertyText(copy(&label), copy(&text), state) };
}
