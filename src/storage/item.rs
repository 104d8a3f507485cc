//! Rows: one statement each, prepared once per backend and table.

use super::catalog::{Privilege, Table, has_privileges};
use super::detoast::ItemDatum;
use super::pending::{Answer, Decision, Guard};
use super::read::{Keys, Read, by_primary_key};
use super::spi::{self, Arg, Plan};
use super::table::quoted;
use pg_dynamo_core::apply::Write;
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::value::{Item, ItemBuf};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::rc::Rc;

/// The prepared statements of one table.
#[derive(Default)]
pub struct Plans {
    get: OnceCell<Plan>,
    upsert: OnceCell<Plan>,
    replace: OnceCell<Plan>,
    update: OnceCell<Plan>,
    update_returning: OnceCell<Plan>,
    insert: OnceCell<Plan>,
    insert_returning: OnceCell<Plan>,
    delete: OnceCell<Plan>,
    pub expired: OnceCell<Plan>,
    share: OnceCell<Plan>,
    keep: OnceCell<Plan>,
    pub ranges: super::scan::RangePlans,
    pub batch: super::batch::Plans,
}

const KEY_IS: &str = "pk_hash OPERATOR(pg_catalog.=) $1 AND pk OPERATOR(pg_catalog.=) $2 AND sk OPERATOR(pg_catalog.=) $3";
const KEY_TYPES: [pg_sys::Oid; 3] = [pg_sys::INT8OID, pg_sys::BYTEAOID, pg_sys::BYTEAOID];

/// The cast makes sure of the type, which an owner may have changed: the datum is read as an item's.
const RETURNING_ITEM: &str = " RETURNING item::dynamo.item";

/// How one attempt at a write ended.
pub enum Attempt {
    /// A row was written or deleted.
    Done {
        old: Option<ItemBuf>,
        new: Option<ItemBuf>,
    },
    /// The item already is what the write would make of it.
    Unchanged {
        old: Option<ItemBuf>,
    },
    /// There is no such item.
    Missing,
    Refused(ApiError),
    /// The row appeared or vanished meanwhile: try again.
    Lost,
}

fn key_args(key: &StoredKey) -> [Arg<'_>; 3] {
    [
        Arg::Int8(key.pk_hash),
        Arg::Bytes(&key.pk),
        Arg::Bytes(&key.sk),
    ]
}

fn types(more: &[pg_sys::Oid]) -> Vec<pg_sys::Oid> {
    KEY_TYPES.iter().chain(more).copied().collect()
}

/// The type's OID; `dynamo.item` travels as bytea's layout but is declared as itself.
pub fn item_type() -> pg_sys::Oid {
    // SAFETY: a look-up by a constant, valid name; it raises an ERROR when the type is missing.
    pgrx::wrappers::regtypein("dynamo.item")
}

/// Reads the item under each key, one after the other, without a statement, as the caller's snapshot sees it, until `read`
/// breaks. False: this table is not to be read so, and nothing was.
pub fn get_directly(table: &Table, keys: &mut Keys<'_>, read: &mut Read<'_>) -> bool {
    !table.distributed
        && has_privileges(table.relid, &[Privilege::Select])
        && by_primary_key(table.relid, keys, read)
}

/// Reads one item, as the caller's snapshot sees it.
pub fn get<R>(table: &Table, key: &StoredKey, read: impl FnOnce(Option<ItemDatum>) -> R) -> R {
    let mut read = Some(read);
    let mut result = None;
    // Called once, whichever way the item is read.
    let mut once = |item| result = read.take().map(|read| read(item));
    let direct = get_directly(table, &mut std::iter::once(key), &mut |_, item| {
        once(item);
        ControlFlow::Break(())
    });
    if !direct {
        spi::connected(|| {
            let plan = table.plans.get.get_or_init(|| {
                let name = quoted(&table.definition.name);
                Plan::prepare_by_key(
                    &format!("SELECT item::dynamo.item FROM {name} WHERE {KEY_IS}"),
                    &KEY_TYPES,
                )
            });
            plan.execute(&key_args(key), true);
            // SAFETY: column 1 is dynamo.item, alive until SPI finishes after `read`.
            once(spi::value(0, 1).map(|datum| unsafe { ItemDatum::new(datum) }));
        });
    }
    result.unwrap_or_else(|| pgrx::error!("an item was not read"))
}

/// One attempt with `plan`: five parameters are key, item and request, four are key and request.
fn attempt(plan: &Plan, write: &Rc<Write>, item: Option<Item<'_>>) -> Result<Attempt> {
    let guard = Guard::push(std::slice::from_ref(write));
    let [hash, pk, sk] = key_args(write.key());
    let id = Arg::Int8(guard.id());
    let rows = match item {
        Some(item) => plan.execute(&[hash, pk, sk, Arg::Bytes(item.bytes()), id], false),
        None => plan.execute(&[hash, pk, sk, id], false),
    };
    let Some(Answer { decision, old }) = guard.take().pop() else {
        return Err(ApiError::internal("a write without an answer"));
    };
    let returned = returned_item()?;
    match (decision, rows) {
        (Decision::Failed(error), _) => Err(error),
        (Decision::Refused(error), 0) => Ok(Attempt::Refused(error)),
        (Decision::Unchanged, 0) => Ok(Attempt::Unchanged { old }),
        (Decision::NotAsked, 0) => Ok(Attempt::Missing),
        (Decision::Store(_) | Decision::Delete, 0) => Ok(Attempt::Lost),
        (Decision::Store(new), _) => Ok(Attempt::Done {
            old,
            new: returned.or(Some(new)),
        }),
        (Decision::Delete, _) => Ok(Attempt::Done { old, new: None }),
        (_, _) => Ok(Attempt::Done {
            old: None,
            new: returned,
        }),
    }
}

/// What RETURNING gave back, triggers included.
fn returned_item() -> Result<Option<ItemBuf>> {
    // SAFETY: statements with a result return one column of type dynamo.item.
    spi::value(0, 1)
        .map(|datum| {
            Ok(ItemBuf::from_bytes(
                unsafe { ItemDatum::new(datum) }.whole()?.bytes().to_vec(),
            ))
        })
        .transpose()
}

/// Whether row-level security policies hold for the current role. Then [`upsert`] will not do: not every release of
/// Postgres asks the policies about the row in the way before it decides on it, and a decision tells about the row.
pub fn under_policies(table: &Table) -> bool {
    // SAFETY: the relation is locked by the caller; the current role; no ERROR where a policy holds.
    let state = unsafe { pg_sys::check_enable_rls(table.relid, pg_sys::InvalidOid, true) };
    state == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
}

/// Puts an item whose condition allows that there is none: inserts, or decides on the row in the way.
pub fn upsert(table: &Table, write: &Rc<Write>, item: Item<'_>) -> Result<Attempt> {
    spi::connected(|| {
        let plan = table.plans.upsert.get_or_init(|| {
            let name = quoted(&table.definition.name);
            Plan::prepare_by_key(
                &format!(
                    "INSERT INTO {name} AS t (pk_hash, pk, sk, item) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (pk_hash, pk, sk) DO UPDATE SET item = excluded.item \
                     WHERE dynamo_internal.decide($5, t.item)"
                ),
                &types(&[item_type(), pg_sys::INT8OID]),
            )
        });
        // Postgres itself repeats an upsert that loses a race, and it decides on a row that is locked. So no
        // row means that a trigger took it away.
        Ok(match attempt(plan, write, Some(item))? {
            Attempt::Missing | Attempt::Lost => suppressed(table),
            other => other,
        })
    })
}

/// Puts an item whose condition cannot hold when there is none.
pub fn replace(table: &Table, write: &Rc<Write>, item: Item<'_>) -> Result<Attempt> {
    spi::connected(|| {
        let plan = table.plans.replace.get_or_init(|| {
            let name = quoted(&table.definition.name);
            Plan::prepare_by_key(
                &format!("UPDATE {name} SET item = $4 WHERE {KEY_IS} AND dynamo_internal.decide($5, item)"),
                &types(&[item_type(), pg_sys::INT8OID]),
            )
        });
        attempt(plan, write, Some(item))
    })
}

/// Updates an existing item. `returning`: the answer needs the item as stored, triggers included.
pub fn update(table: &Table, write: &Rc<Write>, returning: bool) -> Result<Attempt> {
    spi::connected(|| {
        let cell = if returning {
            &table.plans.update_returning
        } else {
            &table.plans.update
        };
        let plan = cell.get_or_init(|| {
            let name = quoted(&table.definition.name);
            let returning = if returning { RETURNING_ITEM } else { "" };
            Plan::prepare_by_key(
                &format!(
                    "UPDATE {name} SET item = dynamo_internal.image($4) \
                     WHERE {KEY_IS} AND dynamo_internal.decide($4, item){returning}"
                ),
                &types(&[pg_sys::INT8OID]),
            )
        });
        attempt(plan, write, None)
    })
}

/// Inserts an item that was not there a moment ago; a row that has appeared meanwhile loses nothing.
pub fn insert(table: &Table, write: &Write, item: Item<'_>, returning: bool) -> Result<Attempt> {
    spi::connected(|| {
        let cell = if returning {
            &table.plans.insert_returning
        } else {
            &table.plans.insert
        };
        let plan = cell.get_or_init(|| {
            let name = quoted(&table.definition.name);
            let returning = if returning { RETURNING_ITEM } else { "" };
            Plan::prepare_by_key(
                &format!(
                    "INSERT INTO {name} (pk_hash, pk, sk, item) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (pk_hash, pk, sk) DO NOTHING{returning}"
                ),
                &types(&[item_type()]),
            )
        });
        let [hash, pk, sk] = key_args(write.key());
        if plan.execute(&[hash, pk, sk, Arg::Bytes(item.bytes())], false) == 0 {
            return Ok(Attempt::Lost);
        }
        let proposed = || ItemBuf::from_bytes(item.bytes().to_vec());
        Ok(Attempt::Done {
            old: None,
            new: Some(returned_item()?.unwrap_or_else(proposed)),
        })
    })
}

pub fn delete(table: &Table, write: &Rc<Write>) -> Result<Attempt> {
    spi::connected(|| {
        let plan = table.plans.delete.get_or_init(|| {
            let name = quoted(&table.definition.name);
            Plan::prepare_by_key(
                &format!("DELETE FROM {name} WHERE {KEY_IS} AND dynamo_internal.decide($4, item)"),
                &types(&[pg_sys::INT8OID]),
            )
        });
        attempt(plan, write, None)
    })
}

/// How a row is held until the end of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RowLock {
    /// Nobody changes it; others may hold it so, too.
    Share,
    /// As an update holds it.
    Update,
}

/// Locks a row and answers its newest version. None: there is no such row.
pub fn lock(table: &Table, key: &StoredKey, how: RowLock) -> Result<Option<ItemBuf>> {
    spi::connected(|| {
        let (cell, clause) = match how {
            RowLock::Share => (&table.plans.share, "FOR SHARE"),
            RowLock::Update => (&table.plans.keep, "FOR NO KEY UPDATE"),
        };
        let plan = cell.get_or_init(|| {
            let name = quoted(&table.definition.name);
            Plan::prepare_by_key(
                &format!("SELECT item::dynamo.item FROM {name} WHERE {KEY_IS} {clause}"),
                &KEY_TYPES,
            )
        });
        plan.execute(&key_args(key), false);
        returned_item()
    })
}

/// Raises Postgres's own permission error, for a write that matches a row and never changes one. An ERROR in
/// `dynamo.handle` too, where an answer would commit what triggers did in every attempt.
pub fn suppressed(table: &Table) -> ! {
    pgrx::ereport!(
        ERROR,
        pgrx::PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!(
            "a trigger or a row-level security policy of table {} suppresses the write",
            table.definition.name
        )
    );
}
