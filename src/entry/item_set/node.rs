//! Lists and nodes of the planner.

use pgrx::pg_sys;
use std::ffi::{CStr, CString, c_void};

/// The pointers in a list; none for NIL.
///
/// # Safety
/// `list` is NIL or a list of pointers to `T` that outlives the result.
pub unsafe fn elements<'a, T>(list: *mut pg_sys::List) -> &'a [*mut T] {
    if list.is_null() {
        return &[];
    }
    // SAFETY: by the caller; a cell is as large as a pointer.
    unsafe {
        let count = usize::try_from((*list).length).unwrap_or(0);
        std::slice::from_raw_parts((*list).elements.cast(), count)
    }
}

/// A list of these nodes, in the current memory context.
pub fn list<T>(nodes: impl IntoIterator<Item = *mut T>) -> *mut pg_sys::List {
    let append = |list, node: *mut T| {
        // SAFETY: a list of pointers, or NIL.
        unsafe { pg_sys::lappend(list, node.cast::<c_void>()) }
    };
    nodes.into_iter().fold(std::ptr::null_mut(), append)
}

/// What a plan carries to its execution, as nodes that can be copied with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    /// The SQL function in whose place the node stands.
    pub function: pg_sys::Oid,
    /// The index is to be read against the direction that was asked for.
    pub reversed: bool,
    /// The whole row is asked for as a record, beside the item: row marks do.
    pub whole_row: bool,
    /// The data table and the fingerprint of its order, when the plan promises an order.
    pub promised: Option<(pg_sys::Oid, String)>,
}

impl Private {
    pub fn to_list(&self) -> *mut pg_sys::List {
        let integer = |value: i32| -> *mut pg_sys::Node {
            // SAFETY: a fresh node.
            unsafe { pg_sys::makeInteger(value).cast() }
        };
        let oid = |oid: pg_sys::Oid| integer(oid.to_u32().cast_signed());
        let mut nodes = vec![
            oid(self.function),
            integer(self.reversed.into()),
            integer(self.whole_row.into()),
        ];
        if let Some((relation, fingerprint)) = &self.promised
            && let Ok(text) = CString::new(fingerprint.as_str())
        {
            nodes.push(oid(*relation));
            // SAFETY: a copy of the text in a fresh node.
            nodes.push(unsafe { pg_sys::makeString(pg_sys::pstrdup(text.as_ptr())).cast() });
        }
        list(nodes)
    }

    /// # Safety
    /// `list` was made by `to_list`.
    pub unsafe fn from_list(list: *mut pg_sys::List) -> Private {
        // SAFETY: by the caller: three integers, and perhaps an integer and a string.
        unsafe {
            let nodes = elements::<pg_sys::Node>(list);
            let integer = |position: usize| {
                nodes
                    .get(position)
                    .map_or(0, |node| (*node.cast::<pg_sys::Integer>()).ival)
            };
            let oid = |position| pg_sys::Oid::from(integer(position).cast_unsigned());
            let text = nodes.get(4).map(|node| {
                CStr::from_ptr((*node.cast::<pg_sys::String>()).sval)
                    .to_string_lossy()
                    .into_owned()
            });
            Private {
                function: oid(0),
                reversed: integer(1) != 0,
                whole_row: integer(2) != 0,
                promised: text.map(|text| (oid(3), text)),
            }
        }
    }
}
