//! The time to live of a plain table: a column more, and perhaps its btree.

use super::text;
use crate::storage::table::columns;
use crate::storage::time_to_live;
use pg_dynamo_core::time_to_live::ExpirySchema;
use pgrx::pg_sys;

pub struct Expiry {
    /// Position of the column, from 0.
    pub column: usize,
    /// None: nobody maintains the column, it stays as it is.
    pub schema: Option<ExpirySchema>,
    /// None: it is not there yet, or no more.
    pub btree: Option<pg_sys::Oid>,
}

/// Whether `column` is the column of a time to live, as it was added to the table.
pub fn is_column(column: &pg_sys::FormData_pg_attribute) -> bool {
    // SAFETY: a name is a C string within its array.
    let name = unsafe { text(column.attname.data.as_ptr()) };
    !column.attisdropped
        && name == Some(time_to_live::COLUMN)
        && column.atttypid == pg_sys::INT8OID
        && !column.attnotnull
        && !column.atthasdef
        && column.attidentity == 0
        && column.attgenerated == 0
}

/// None: the table has indexes that are neither its primary key's nor that of its time to live, or the trigger maintains a
/// column that is not there. `schema`: what the trigger maintains it by.
///
/// # Safety
/// `table` is open and locked as writers lock it, and plain otherwise.
pub unsafe fn examine(
    table: pg_sys::Relation,
    primary: pg_sys::Oid,
    schema: Option<ExpirySchema>,
) -> Option<Option<Expiry>> {
    // SAFETY: by the caller.
    unsafe {
        let column = columns((*table).rd_att).iter().position(is_column);
        let others = indexes_besides(table, primary);
        let Some(column) = column else {
            return (schema.is_none() && others.is_empty()).then_some(None);
        };
        let btree = match others[..] {
            [] => None,
            [btree] if is_ours(btree, column) => Some(btree),
            _ => return None,
        };
        Some(Some(Expiry {
            column,
            schema,
            btree,
        }))
    }
}

/// # Safety
/// `table` is open.
unsafe fn indexes_besides(table: pg_sys::Relation, primary: pg_sys::Oid) -> Vec<pg_sys::Oid> {
    // SAFETY: the list is a copy made for us, of as many OIDs as it says.
    unsafe {
        let list = pg_sys::RelationGetIndexList(table);
        let count = list.as_ref().map_or(0, |list| list.length);
        let all = (0..count).map(|at| (*(*list).elements.offset(at as isize)).oid_value);
        let others = all.filter(|oid| *oid != primary).collect();
        pg_sys::list_free(list);
        others
    }
}

/// Whether it is a btree on (column, pk_hash, pk, sk), of the rows whose column is not null, that takes entries and
/// forbids none.
///
/// # Safety
/// An index of a table that is locked.
unsafe fn is_ours(btree: pg_sys::Oid, column: usize) -> bool {
    const SHARE: i32 = pg_sys::AccessShareLock as i32;
    const WIDTH: usize = 4;
    let Ok(number) = i16::try_from(column + 1) else {
        return false;
    };
    // SAFETY: by the caller; an open index has its catalog row, and a list of expression nodes, each read as what its tag
    // says.
    unsafe {
        let index = pg_sys::index_open(btree, SHARE);
        let row = &*(*index).rd_index;
        let is_plain = (*(*index).rd_rel).relam == pg_sys::BTREE_AM_OID
            && !row.indisunique
            && !row.indisexclusion
            && row.indisready
            && usize::try_from(row.indnatts) == Ok(WIDTH)
            && usize::try_from(row.indnkeyatts) == Ok(WIDTH)
            && row.indkey.values.as_slice(WIDTH) == [number, 1, 2, 3];
        let predicate = pg_sys::RelationGetIndexPredicate(index);
        let is_partial = is_plain && predicate.as_ref().is_some_and(|list| list.length == 1) && {
            let test = (*(*predicate).elements)
                .ptr_value
                .cast::<pg_sys::NullTest>();
            pgrx::nodes::is_a(test.cast(), pg_sys::NodeTag::T_NullTest)
                && (*test).nulltesttype == pg_sys::NullTestType::IS_NOT_NULL
                && pgrx::nodes::is_a((*test).arg.cast(), pg_sys::NodeTag::T_Var)
                && (*(*test).arg.cast::<pg_sys::Var>()).varattno == number
        };
        pg_sys::index_close(index, SHARE);
        is_partial
    }
}
