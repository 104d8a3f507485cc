//! Many rows of one table in one pass or one statement, which meets them in the order of their keys.

use super::catalog::Table;
use super::detoast::ItemDatum;
use super::item::{get_directly, item_type, suppressed};
use super::pending::{Answer, Decision, Guard};
use super::read::Read;
use super::spi::{self, Arg, Plan};
use super::table::quoted;
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Outcome, Write};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::value::ItemBuf;
use pgrx::pg_sys;
use std::cell::OnceCell;
use std::rc::Rc;

/// The prepared statements of one table.
#[derive(Default)]
pub struct Plans {
    get: OnceCell<Plan>,
    put: OnceCell<Plan>,
    delete: OnceCell<Plan>,
}

const KEY_TYPES: [pg_sys::Oid; 3] = [
    pg_sys::INT8ARRAYOID,
    pg_sys::BYTEAARRAYOID,
    pg_sys::BYTEAARRAYOID,
];
const KEYS: &str =
    "ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3))";
const KEY_IS: &str = "t.pk_hash OPERATOR(pg_catalog.=) k.pk_hash AND t.pk OPERATOR(pg_catalog.=) k.pk AND t.sk OPERATOR(pg_catalog.=) k.sk";

/// Columns of keys, as arguments of a statement borrow them.
struct Columns<'a> {
    pk_hash: Vec<i64>,
    pk: Vec<&'a [u8]>,
    sk: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn of(keys: impl Iterator<Item = &'a StoredKey> + Clone) -> Columns<'a> {
        Columns {
            pk_hash: keys.clone().map(|key| key.pk_hash).collect(),
            pk: keys.clone().map(|key| key.pk.as_slice()).collect(),
            sk: keys.map(|key| key.sk.as_slice()).collect(),
        }
    }

    fn args(&self) -> [Arg<'_>; 3] {
        [
            Arg::Int8s(&self.pk_hash),
            Arg::Varlenas(pg_sys::BYTEAOID, &self.pk),
            Arg::Varlenas(pg_sys::BYTEAOID, &self.sk),
        ]
    }
}

fn types(more: &[pg_sys::Oid]) -> Vec<pg_sys::Oid> {
    KEY_TYPES.iter().chain(more).copied().collect()
}

/// Reads the item under each key, in their order, as the caller's snapshot sees them, until `read` breaks.
pub fn get(table: &Table, keys: &[StoredKey], read: &mut Read<'_>) {
    if keys.is_empty() || get_directly(table, &mut keys.iter(), read) {
        return;
    }
    spi::connected(|| {
        let plan = table.plans.batch.get.get_or_init(|| {
            let name = quoted(&table.definition.name);
            Plan::prepare_by_key(
                &format!(
                    "SELECT k.place, t.item::dynamo.item FROM {KEYS} WITH ORDINALITY AS k (pk_hash, pk, sk, place) \
                     JOIN {name} AS t ON {KEY_IS}"
                ),
                &KEY_TYPES,
            )
        });
        let rows = plan.execute(&Columns::of(keys.iter()).args(), true);
        let mut found = vec![None; keys.len()];
        for row in 0..usize::try_from(rows).unwrap_or(0) {
            let place = spi::int_value(row, 1).and_then(|place| usize::try_from(place - 1).ok());
            if let Some(entry) = place.and_then(|place| found.get_mut(place)) {
                // SAFETY: column 2 is dynamo.item, alive until SPI finishes after `read`.
                *entry = spi::value(row, 2).map(|datum| unsafe { ItemDatum::new(datum) });
            }
        }
        for (place, item) in found.into_iter().enumerate() {
            if read(place, item).is_break() {
                break;
            }
        }
    });
}

/// Puts items that have no condition: inserts each, or decides on the row in its way.
pub fn put(table: &Table, writes: &[Rc<Write>]) -> Result<Vec<Outcome>> {
    let items: Vec<&[u8]> = writes
        .iter()
        .filter_map(|write| write.proposed())
        .map(|item| item.bytes())
        .collect();
    let (rows, answers) = spi::connected(|| {
        let plan = table.plans.batch.put.get_or_init(|| {
            let name = quoted(&table.definition.name);
            // SAFETY: a look-up; a type has an array type.
            let items = unsafe { pg_sys::get_array_type(item_type()) };
            Plan::prepare_by_key(
                &format!(
                    "INSERT INTO {name} AS t (pk_hash, pk, sk, item) \
                     SELECT pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4) \
                     ON CONFLICT (pk_hash, pk, sk) DO UPDATE SET item = excluded.item \
                     WHERE dynamo_internal.decide_batch($5, t.pk_hash, t.pk, t.sk, t.item)"
                ),
                &types(&[items, pg_sys::INT8OID]),
            )
        });
        let keys = Columns::of(writes.iter().map(|write| write.key()));
        let [hash, pk, sk] = keys.args();
        let guard = Guard::push(writes);
        let items = Arg::Varlenas(item_type(), &items);
        let rows = plan.execute(&[hash, pk, sk, items, Arg::Int8(guard.id())], false);
        (rows, guard.take())
    });
    let mut left_alone = 0;
    let mut outcomes = Vec::with_capacity(writes.len());
    for Answer { decision, old } in answers {
        outcomes.push(match decision {
            Decision::Failed(error) | Decision::Refused(error) => return Err(error),
            Decision::Unchanged => {
                left_alone += 1;
                Outcome {
                    new: old.clone(),
                    old,
                }
            }
            // Inserted: there was nothing to decide on.
            Decision::NotAsked | Decision::Store(_) | Decision::Delete => {
                Outcome { old, new: None }
            }
        });
    }
    // As for one item: Postgres repeats what loses a race, so a row too few means that a trigger took it away.
    if rows + left_alone < writes.len() as u64 {
        suppressed(table);
    }
    Ok(outcomes)
}

/// One attempt at deleting items that have no condition.
pub struct Deleted {
    /// What was there.
    pub old: Vec<Option<ItemBuf>>,
    /// A row vanished meanwhile, or something keeps it: try again.
    pub lost: bool,
}

pub fn delete(table: &Table, writes: &[Rc<Write>]) -> Result<Deleted> {
    let (rows, answers) = spi::connected(|| {
        let plan = table.plans.batch.delete.get_or_init(|| {
            let name = quoted(&table.definition.name);
            Plan::prepare_by_key(
                &format!(
                    "DELETE FROM {name} AS t USING {KEYS} AS k (pk_hash, pk, sk) \
                     WHERE {KEY_IS} AND dynamo_internal.decide_batch($4, t.pk_hash, t.pk, t.sk, t.item)"
                ),
                &types(&[pg_sys::INT8OID]),
            )
        });
        let keys = Columns::of(writes.iter().map(|write| write.key()));
        let [hash, pk, sk] = keys.args();
        let guard = Guard::push(writes);
        let rows = plan.execute(&[hash, pk, sk, Arg::Int8(guard.id())], false);
        (rows, guard.take())
    });
    let mut decided = 0;
    let mut old = Vec::with_capacity(writes.len());
    for answer in answers {
        match answer.decision {
            Decision::Failed(error) | Decision::Refused(error) => return Err(error),
            Decision::Delete => decided += 1,
            _ => {}
        }
        old.push(answer.old);
    }
    Ok(Deleted {
        old,
        lost: rows < decided,
    })
}
