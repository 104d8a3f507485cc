//! Which of the orders a query asks for its items already have.
//!
//! A Query reads one partition in the order of its sort key. So `ORDER BY item -> 'SongTitle'` needs no sort, nor
//! does `ORDER BY item -> 'Artist', item -> 'SongTitle'`, for the partition key is the same everywhere.

use super::node::elements;
use pg_dynamo_core::table::TableDefinition;
use pgrx::nodes::is_a;
use pgrx::pg_sys;
use std::ffi::CStr;

/// The attributes whose order a Query's items have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOrder {
    /// The same in every item.
    constant: Vec<String>,
    /// Most significant first.
    sorted: Vec<String>,
}

impl KeyOrder {
    /// Of a query of the table, or of one of its indexes. None: there is no such index.
    pub fn of(definition: &TableDefinition, index: Option<&str>) -> Option<KeyOrder> {
        let schema = &definition.key_schema;
        let names = |keys: &[pg_dynamo_core::table::KeyAttribute]| -> Vec<String> {
            keys.iter().map(|key| key.name.clone()).collect()
        };
        let Some(name) = index else {
            return Some(KeyOrder {
                constant: vec![schema.partition.name.clone()],
                sorted: schema.sort.iter().map(|key| key.name.clone()).collect(),
            });
        };
        let index = definition.index(name)?;
        let mut sorted = names(index.sort());
        // Entries of a local index with equal index keys follow the table's sort key; those of a global one follow
        // the hash of the table's partition key, which nobody asks for.
        if !index.is_global() {
            sorted.extend(schema.sort.iter().map(|key| key.name.clone()));
        }
        Some(KeyOrder {
            constant: names(index.partition(definition)),
            sorted,
        })
    }

    /// What a plan that promises an order remembers, to see whether the table still has it.
    pub fn fingerprint(&self) -> String {
        format!("{:?} {:?}", self.constant, self.sorted)
    }

    /// A projection may leave out an attribute by which later ones are ordered: then only the first counts.
    pub fn keep_first(&mut self) {
        self.sorted.truncate(1);
    }
}

/// An order that a scan can promise: the first so many of the query's pathkeys.
pub struct Promise {
    pub count: usize,
    /// The index is to be read against the direction that was asked for.
    pub reversed: bool,
}

/// What is promised of `pathkeys`, as many of them as possible. `ascending`: the direction that was asked for;
/// `reversible`: the other one would do as well.
///
/// # Safety
/// `pathkeys` are the canonical pathkeys of the query that is being planned.
pub unsafe fn promise(
    order: &KeyOrder,
    pathkeys: *mut pg_sys::List,
    relation: pg_sys::Index,
    ascending: bool,
    reversible: bool,
) -> Promise {
    // SAFETY: by the caller.
    let asked = unsafe { satisfied(order, pathkeys, relation, ascending) };
    let other = if reversible {
        // SAFETY: by the caller.
        unsafe { satisfied(order, pathkeys, relation, !ascending) }
    } else {
        0
    };
    Promise {
        count: asked.max(other),
        reversed: other > asked,
    }
}

/// How many of the first pathkeys hold when the index is read in this direction.
///
/// # Safety
/// As `promise`.
unsafe fn satisfied(
    order: &KeyOrder,
    pathkeys: *mut pg_sys::List,
    relation: pg_sys::Index,
    ascending: bool,
) -> usize {
    let mut next = 0;
    // SAFETY: a list of PathKeys.
    let keys = unsafe { elements::<pg_sys::PathKey>(pathkeys) };
    keys.iter()
        .take_while(|key| {
            // SAFETY: as above.
            let (names, key_ascending) = unsafe { attributes(**key, relation) };
            if names.iter().any(|name| order.constant.contains(name)) {
                return true;
            }
            let wanted = order.sorted.get(next);
            let matches = key_ascending == Some(ascending)
                && wanted.is_some_and(|wanted| names.contains(wanted));
            next += usize::from(matches);
            matches
        })
        .count()
}

/// The attributes of our items that a pathkey stands for, and its direction when it is that of attribute values.
///
/// # Safety
/// `key` is a canonical pathkey.
unsafe fn attributes(
    key: *const pg_sys::PathKey,
    relation: pg_sys::Index,
) -> (Vec<String>, Option<bool>) {
    // SAFETY: nodes of the planner, each read as what it is.
    unsafe {
        let key = &*key;
        let mut class = key.pk_eclass;
        while !(*class).ec_merged.is_null() {
            class = (*class).ec_merged;
        }
        if (*class).ec_has_volatile {
            return (Vec::new(), None);
        }
        let mut names = Vec::new();
        let mut value_type = pg_sys::InvalidOid;
        for &member in elements::<pg_sys::EquivalenceMember>((*class).ec_members) {
            if (*member).em_is_child || may_be_null_extended(member) {
                continue;
            }
            if let Some(name) = attribute((*member).em_expr.cast(), relation) {
                names.push(name);
                value_type = (*member).em_datatype;
            }
        }
        if names.is_empty() {
            return (names, None);
        }
        let family =
            pg_sys::get_opclass_family(pg_sys::GetDefaultOpClass(value_type, pg_sys::BTREE_AM_OID));
        #[cfg(not(feature = "pg18"))]
        let strategy = key.pk_strategy;
        #[cfg(feature = "pg18")]
        let strategy = key.pk_cmptype as i32;
        let direction = if key.pk_opfamily != family {
            None
        } else if strategy == pg_sys::BTLessStrategyNumber as i32 {
            Some(true)
        } else {
            (strategy == pg_sys::BTGreaterStrategyNumber as i32).then_some(false)
        };
        (names, direction)
    }
}

/// Above an outer join the attribute may be NULL where the item is missing: another value, with another order.
///
/// # Safety
/// `member` is a member of an equivalence class.
unsafe fn may_be_null_extended(member: *const pg_sys::EquivalenceMember) -> bool {
    #[cfg(feature = "pg15")]
    // SAFETY: by the caller.
    return unsafe { !(*member).em_nullable_relids.is_null() };
    // From 16 on the Var itself says so.
    #[cfg(not(feature = "pg15"))]
    {
        let _ = member;
        false
    }
}

/// `item -> 'Name'` on the items of `relation`: the name.
///
/// # Safety
/// `expression` is an expression tree.
unsafe fn attribute(expression: *mut pg_sys::Node, relation: pg_sys::Index) -> Option<String> {
    // SAFETY: nodes are read as what their tags say.
    unsafe {
        if !is_a(expression, pg_sys::NodeTag::T_OpExpr) {
            return None;
        }
        let operator = &*expression.cast::<pg_sys::OpExpr>();
        let [item, name] = elements::<pg_sys::Node>(operator.args)[..] else {
            return None;
        };
        if !is_a(item, pg_sys::NodeTag::T_Var) || !is_a(name, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let item = &*item.cast::<pg_sys::Var>();
        let name = &*name.cast::<pg_sys::Const>();
        #[cfg(not(feature = "pg15"))]
        if !item.varnullingrels.is_null() {
            return None;
        }
        #[allow(clippy::unnecessary_cast, reason = "unsigned up to 15, signed since")]
        let ours = item.varno as u32 == relation && item.varattno == 1 && item.varlevelsup == 0;
        if !ours || name.constisnull || name.consttype != pg_sys::TEXTOID || !is_arrow(operator) {
            return None;
        }
        <String as pgrx::FromDatum>::from_datum(name.constvalue, false)
    }
}

/// Whether the operator is our `->`, by the function behind it.
///
/// # Safety
/// `operator` is an operator's expression.
unsafe fn is_arrow(operator: &pg_sys::OpExpr) -> bool {
    // SAFETY: syscache look-ups; the names live in the current memory context.
    unsafe {
        let function = pg_sys::get_opcode(operator.opno);
        let name = pg_sys::get_func_name(function);
        let schema = pg_sys::get_namespace_name(pg_sys::get_func_namespace(function));
        !name.is_null()
            && !schema.is_null()
            && CStr::from_ptr(name) == c"item_get"
            && CStr::from_ptr(schema) == c"dynamo_internal"
    }
}
