//! Table definitions: the catalog table `dynamo.table_definition` and its per-backend cache.

use super::pg_error::{catching, raw};
use super::spi::{self, Arg, Plan};
use pg_dynamo_core::key::NameMap;
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::CString;
use std::rc::Rc;

pub const DATA_SCHEMA: &str = "dynamo_tables";
/// Version of the JSON in `definition`.
const FORMAT_VERSION: i64 = 1;

/// A data table as this backend knows it.
pub struct Table {
    pub relid: pg_sys::Oid,
    pub definition: Rc<TableDefinition>,
    /// Rows may live on other servers: statements only.
    pub distributed: bool,
    pub plans: super::item::Plans,
    /// Whether it may be written without statements; asked at the first write.
    pub plain: OnceCell<Option<super::plain::Plain>>,
    /// Which of its indexes may be read without statements; asked at the first read of each.
    pub verdicts: super::scan::Verdicts,
    valid: Cell<bool>,
}

impl Table {
    /// Whether nothing has changed about it since it was opened.
    pub fn is_current(&self) -> bool {
        self.valid.get()
    }
}

type Cache = RefCell<NameMap<Rc<Table>>>;

thread_local! {
    // Leaked on purpose: plans must not be freed by a thread-local destructor after Postgres has shut down.
    static TABLES: &'static Cache = Box::leak(Box::default());
    /// How many invalidations this backend has received. One that arrives while a definition is being read
    /// finds nothing in the cache to mark, so [`load`] compares.
    static INVALIDATIONS: Cell<u64> = const { Cell::new(0) };
}

/// A relation changed (ALTER, DROP, our own UpdateTable): forget what we knew of it.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relid: pg_sys::Oid) {
    INVALIDATIONS.set(INVALIDATIONS.get().wrapping_add(1));
    TABLES.with(|tables| {
        // Never borrowed across a call into Postgres, so this always succeeds.
        if let Ok(tables) = tables.try_borrow() {
            for table in tables
                .values()
                .filter(|t| relid == pg_sys::InvalidOid || t.relid == relid)
            {
                table.valid.set(false);
            }
        }
    });
}

/// How many changes of relations this backend has been told of: the same number again, and nobody has altered a table or
/// replaced a definition that this backend's snapshot could show.
pub fn invalidations() -> u64 {
    INVALIDATIONS.get()
}

pub fn register_invalidation() {
    // SAFETY: a static function with the signature Postgres expects, registered once per process.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::from(0_usize))
    };
}

/// How strongly a table is held until the end of the transaction.
#[derive(Clone, Copy)]
pub enum Hold {
    /// To read; other operations go on.
    Share,
    /// To write, as INSERT, UPDATE and DELETE hold it.
    Write,
    /// Nobody writes, and the triggers may be changed.
    NoWrites,
    /// Nobody else may use it: DeleteTable after its rights were checked, and new columns.
    Exclusive,
}

impl Hold {
    fn lock_mode(self) -> i32 {
        match self {
            Hold::Share => pg_sys::AccessShareLock as i32,
            Hold::Write => pg_sys::RowExclusiveLock as i32,
            Hold::NoWrites => pg_sys::ShareRowExclusiveLock as i32,
            Hold::Exclusive => pg_sys::AccessExclusiveLock as i32,
        }
    }
}

/// The table `name`, locked so that it cannot vanish in this transaction. None when there is none.
pub fn open(name: &str, hold: Hold) -> Result<Option<Rc<Table>>> {
    loop {
        let Some(table) = peek(name)? else {
            return Ok(None);
        };
        // SAFETY: a plain lock call; it accepts pending invalidations, which may clear `valid`.
        unsafe { catching(|| raw::LockRelationOid(table.relid, hold.lock_mode())) };
        if table.valid.get() {
            return Ok(Some(table));
        }
        // SAFETY: taken just above; the relation it names may be gone, which releasing does not mind.
        unsafe { pg_sys::UnlockRelationOid(table.relid, hold.lock_mode()) };
    }
}

/// The table `name` as this backend knows it, without a lock: enough to ask whether a lock may be taken.
pub fn peek(name: &str) -> Result<Option<Rc<Table>>> {
    cached(name).map_or_else(|| load(name), |table| Ok(Some(table)))
}

fn cached(name: &str) -> Option<Rc<Table>> {
    TABLES.with(|tables| {
        tables
            .borrow()
            .get(name)
            .filter(|table| table.valid.get())
            .cloned()
    })
}

/// Takes every table that was invalidated out of the cache: a session that makes and drops tables without end
/// would keep the plans of all of them. They are freed after the borrow, which no call into Postgres crosses.
fn forget_invalidated() {
    let forgotten: Vec<_> = TABLES.with(|tables| {
        let mut tables = tables.borrow_mut();
        tables.extract_if(|_, table| !table.valid.get()).collect()
    });
    drop(forgotten);
}

/// Reads a definition into the cache.
fn load(name: &str) -> Result<Option<Rc<Table>>> {
    forget_invalidated();
    let before = INVALIDATIONS.get();
    let Some(definition) = read_definition(name)? else {
        return Ok(None);
    };
    let relid = relation_of(&relation_name(name));
    if relid == pg_sys::InvalidOid {
        return Ok(None);
    }
    let table = Rc::new(Table {
        relid,
        definition: Rc::new(definition),
        distributed: super::read::may_be_distributed(),
        plans: super::item::Plans::default(),
        plain: OnceCell::new(),
        verdicts: super::scan::Verdicts::default(),
        valid: Cell::new(before == INVALIDATIONS.get()),
    });
    TABLES.with(|tables| {
        tables
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&table))
    });
    Ok(Some(table))
}

fn parse_definition(json: &str) -> Result<TableDefinition> {
    serde_json::from_str(json).map_err(|_| ApiError::corrupt("table definition"))
}

/// The committed definition, whatever the isolation level: like a system catalog, and because what an old
/// snapshot shows must not stay in the cache when its transaction is over.
fn read_definition(name: &str) -> Result<Option<TableDefinition>> {
    let json = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT definition::pg_catalog.text FROM dynamo.table_definition \
             WHERE table_name OPERATOR(pg_catalog.=) $1",
            &[pg_sys::TEXTOID],
        );
        // SAFETY: a fresh snapshot (no system catalog has the invalid OID, so none is reused), popped below;
        // when an ERROR unwinds past, the abort of the (sub)transaction pops it.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetCatalogSnapshot(pg_sys::InvalidOid)) };
        plan.execute(&[Arg::Text(name)], true);
        let json = spi::text_value(0, 1);
        // SAFETY: pushed above.
        unsafe { pg_sys::PopActiveSnapshot() };
        json
    });
    json.map(|json| parse_definition(&json)).transpose()
}

/// Name of the data table: the table's own, or, over 63 bytes, its beginning and a hash of the whole.
pub fn relation_name(table_name: &str) -> String {
    shortened(table_name, "")
}

/// `name` plus `suffix` within 63 bytes. DynamoDB's names are ASCII. A suffix with a character that no
/// table name may have keeps names of indexes apart from names of tables.
pub fn shortened(name: &str, suffix: &str) -> String {
    const LIMIT: usize = 63;
    if name.len() + suffix.len() <= LIMIT {
        return format!("{name}{suffix}");
    }
    let digest = format!(
        "~{:016x}",
        pg_dynamo_core::key::stable_hash(name.as_bytes(), 0)
    );
    let keep = LIMIT - suffix.len() - digest.len();
    let head: String = name.chars().take(keep).collect();
    format!("{head}{digest}{suffix}")
}

/// Whether a relation, the data table or an index or view of a user's own, has the name of the data table.
///
/// Rows of another session's commit are seen a moment before its invalidations arrive. `expected` is what the
/// definitions let us expect; an answer that contradicts them is read once more from the catalog itself, or a
/// table just made would count as gone, and one just dropped as there.
pub fn name_taken(table_name: &str, expected: bool) -> bool {
    let relation = relation_name(table_name);
    let taken = || relation_of(&relation) != pg_sys::InvalidOid;
    // SAFETY: takes in what other sessions have committed meanwhile, as taking any lock does.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    if taken() == expected {
        return expected;
    }
    // SAFETY: what accepting invalidations does by itself when too many have arrived.
    unsafe { pg_sys::InvalidateSystemCaches() };
    taken()
}

/// The data table of a DynamoDB table; InvalidOid when there is none.
pub fn relid_of(table_name: &str) -> pg_sys::Oid {
    relation_of(&relation_name(table_name))
}

fn relation_of(relation: &str) -> pg_sys::Oid {
    let (Ok(schema), Ok(relation)) = (CString::new(DATA_SCHEMA), CString::new(relation)) else {
        return pg_sys::InvalidOid;
    };
    // SAFETY: syscache look-ups by C strings that live through the calls.
    unsafe {
        let namespace = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        if namespace == pg_sys::InvalidOid {
            return namespace;
        }
        pg_sys::get_relname_relid(relation.as_ptr(), namespace)
    }
}

/// Whether the current role may act as the owner of the relation. None when there is no such relation.
pub fn owned_by_caller(relid: pg_sys::Oid) -> Option<bool> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT pg_catalog.pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class \
             WHERE oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Int8(i64::from(relid.to_u32()))], false);
        spi::int_value(0, 1).map(|value| value & 1 == 1)
    })
}

/// Privileges on a data table that item operations ask for.
#[derive(Clone, Copy)]
pub enum Privilege {
    Select,
    Insert,
    Update,
    Delete,
}

impl Privilege {
    fn bit(self) -> pg_sys::AclMode {
        pg_sys::AclMode::from(match self {
            Privilege::Select => pg_sys::ACL_SELECT,
            Privilege::Insert => pg_sys::ACL_INSERT,
            Privilege::Update => pg_sys::ACL_UPDATE,
            Privilege::Delete => pg_sys::ACL_DELETE,
        })
    }
}

/// `privileges` as Postgres's bits.
pub fn acl_mode(privileges: &[Privilege]) -> pg_sys::AclMode {
    privileges
        .iter()
        .fold(0, |bits, privilege| bits | privilege.bit())
}

/// Whether the current role holds all of `privileges` on the whole table. (Postgres's own check decides when a
/// statement runs; this one lets a server answer AccessDeniedException without a failed transaction.)
pub fn has_privileges(relid: pg_sys::Oid, privileges: &[Privilege]) -> bool {
    let wanted = acl_mode(privileges);
    // SAFETY: the relation is locked by the caller, so its catalog row exists.
    unsafe {
        let how = pg_sys::AclMaskHow::ACLMASK_ALL;
        pg_sys::pg_class_aclmask(relid, pg_sys::GetUserId(), wanted, how) == wanted
    }
}

/// The same of one privilege.
pub fn has_privilege(relid: pg_sys::Oid, privilege: Privilege) -> bool {
    has_privileges(relid, &[privilege])
}

/// Name of the role whose privileges decide.
pub fn current_role() -> String {
    spi::connected(|| {
        Plan::prepare("SELECT current_user::pg_catalog.text", &[]).execute(&[], true);
        spi::text_value(0, 1).unwrap_or_default()
    })
}

/// Runs `body` as the owner of the catalog. Only after the caller's own rights were checked.
pub fn as_catalog_owner<R>(body: impl FnOnce() -> R) -> R {
    let owner = spi::connected(|| {
        let plan = Plan::kept(
            "SELECT relowner::pg_catalog.int8 FROM pg_catalog.pg_class \
             WHERE oid OPERATOR(pg_catalog.=) 'dynamo.table_definition'::pg_catalog.regclass",
            &[],
        );
        plan.execute(&[], false);
        spi::int_value(0, 1)
    });
    let owner = owner
        .and_then(|oid| u32::try_from(oid).ok())
        .map_or(pg_sys::InvalidOid, pg_sys::Oid::from);
    as_role(owner, body)
}

/// Runs `body` as `role`: rights that were checked, or that somebody had when the statement began.
pub fn as_role<R>(role: pg_sys::Oid, body: impl FnOnce() -> R) -> R {
    let (mut caller, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: the pair is restored below; when an ERROR unwinds past, (sub)transaction abort restores it.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut caller, &mut context);
        if caller == role {
            return body();
        }
        pg_sys::SetUserIdAndSecContext(role, context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
    }
    let result = body();
    // SAFETY: values read above.
    unsafe { pg_sys::SetUserIdAndSecContext(caller, context) };
    result
}

/// True when `body`'s single statement touched a row, as the owner of the catalog.
fn change(sql: &str, types: &[pg_sys::Oid], args: &[Arg<'_>]) -> bool {
    as_catalog_owner(|| spi::connected(|| Plan::prepare(sql, types).execute(args, false) > 0))
}

fn definition_json(definition: &TableDefinition) -> Result<String> {
    serde_json::to_string(definition).map_err(|_| ApiError::corrupt("table definition"))
}

/// Whether the current role may create tables.
pub fn may_create() -> bool {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT pg_catalog.has_schema_privilege('dynamo_tables', 'CREATE')",
            &[],
        );
        plan.execute(&[], false);
        spi::int_value(0, 1).is_some_and(|value| value & 1 == 1)
    })
}

/// Records a new table. False when the name is taken; a session creating the same name is waited for.
pub fn record(definition: &TableDefinition) -> Result<bool> {
    Ok(change(
        "INSERT INTO dynamo.table_definition (table_name, relation_name, format_version, definition) \
         VALUES ($1, $2, $3::pg_catalog.int4, $4) ON CONFLICT DO NOTHING",
        &[
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
            pg_sys::JSONOID,
        ],
        &[
            Arg::Text(&definition.name),
            Arg::Text(&relation_name(&definition.name)),
            Arg::Int8(FORMAT_VERSION),
            Arg::Text(&definition_json(definition)?),
        ],
    ))
}

/// The definition as it stands now, its row locked until the end of the transaction.
pub fn lock_definition(name: &str) -> Result<Option<TableDefinition>> {
    let json = as_catalog_owner(|| {
        spi::connected(|| {
            let plan = Plan::prepare(
                "SELECT definition::pg_catalog.text FROM dynamo.table_definition \
                 WHERE table_name OPERATOR(pg_catalog.=) $1 FOR UPDATE",
                &[pg_sys::TEXTOID],
            );
            plan.execute(&[Arg::Text(name)], false);
            spi::text_value(0, 1)
        })
    });
    json.map(|json| parse_definition(&json)).transpose()
}

/// The committed definitions whose JSON matches a regular expression, by name. For workers, which look for what is left
/// to do without knowing any table.
pub fn matching(pattern: &str) -> Result<Vec<TableDefinition>> {
    let definitions = spi::connected(|| {
        let plan = Plan::kept(
            &format!(
                "SELECT definition::pg_catalog.text FROM dynamo.table_definition \
                 WHERE definition::pg_catalog.text OPERATOR(pg_catalog.~) '{pattern}' ORDER BY table_name"
            ),
            &[],
        );
        let count = plan.execute(&[], false);
        (0..count as usize)
            .filter_map(|row| spi::text_value(row, 1))
            .collect::<Vec<_>>()
    });
    definitions
        .iter()
        .map(|json| parse_definition(json))
        .collect()
}

/// Replaces a definition and tells every backend.
pub fn replace(relid: pg_sys::Oid, definition: &TableDefinition) -> Result<()> {
    change(
        "UPDATE dynamo.table_definition SET definition = $2 WHERE table_name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID, pg_sys::JSONOID],
        &[
            Arg::Text(&definition.name),
            Arg::Text(&definition_json(definition)?),
        ],
    );
    // SAFETY: queues an invalidation that is sent when this transaction commits.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relid) };
    Ok(())
}

/// Forgets a table's definition. The event trigger on drops does the same for a plain DROP TABLE.
pub fn forget(name: &str) {
    change(
        "DELETE FROM dynamo.table_definition WHERE table_name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
        &[Arg::Text(name)],
    );
}

/// A fresh UUID.
pub fn new_id() -> String {
    spi::connected(|| {
        Plan::prepare("SELECT pg_catalog.gen_random_uuid()::pg_catalog.text", &[])
            .execute(&[], true);
        spi::text_value(0, 1).unwrap_or_default()
    })
}

/// The wall clock in milliseconds since 1970.
pub fn now_millis() -> i64 {
    now_micros() / 1000
}

/// The wall clock in microseconds since 1970.
pub fn now_micros() -> i64 {
    const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() + POSTGRES_EPOCH }
}

/// Names after `after`, in byte order, at most `limit`.
pub fn names(after: Option<&str>, limit: usize) -> Vec<String> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT table_name FROM dynamo.table_definition \
             WHERE table_name OPERATOR(pg_catalog.>) $1 ORDER BY table_name LIMIT $2",
            &[pg_sys::TEXTOID, pg_sys::INT8OID],
        );
        let found = plan.execute(
            &[
                Arg::Text(after.unwrap_or("")),
                Arg::Int8(i64::try_from(limit).unwrap_or(i64::MAX)),
            ],
            true,
        );
        (0..found as usize)
            .filter_map(|row| spi::text_value(row, 1))
            .collect()
    })
}

/// Definitions from table `first` on, in byte order, of tables that had Contributor Insights at some time.
pub fn with_insights(first: Option<&str>) -> Result<Vec<TableDefinition>> {
    let found: Vec<String> = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT definition::pg_catalog.text FROM dynamo.table_definition \
             WHERE table_name OPERATOR(pg_catalog.>=) $1 \
               AND definition::pg_catalog.text OPERATOR(pg_catalog.~~) '%\"insights\":{\"%' ORDER BY table_name",
            &[pg_sys::TEXTOID],
        );
        let count = plan.execute(&[Arg::Text(first.unwrap_or(""))], true);
        (0..count as usize)
            .filter_map(|row| spi::text_value(row, 1))
            .collect()
    });
    found.iter().map(|json| parse_definition(json)).collect()
}
