//! Settings (`dynamo.*`).

pub mod gateway;
mod streams;
pub mod time_to_live;

pub use streams::{
    stream_max_retained_wal, stream_notify, stream_read_wait, stream_retention, stream_shard_age,
    stream_shards,
};

use pg_dynamo_core::table::Account;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::rc::Rc;
use std::time::Duration;

static ACCOUNT_ID: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"000000000000"));
static CONSISTENT_GSI_READS: GucSetting<bool> = GucSetting::<bool>::new(false);
/// Settings that only a restart changes exist only with the library preloaded.
static STAT_OPERATIONS_MAX: GucSetting<i32> = GucSetting::<i32>::new(5000);
static ENFORCE_THROUGHPUT: GucSetting<bool> = GucSetting::<bool>::new(false);
static INSIGHTS_SAMPLE: GucSetting<i32> = GucSetting::<i32>::new(16);
static INSIGHTS_MAX: GucSetting<i32> = GucSetting::<i32>::new(64);
/// Minutes.
static HISTORY_SEGMENT: GucSetting<i32> = GucSetting::<i32>::new(1440);
static REGION: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"local"));
static TRANSACT_WAIT: GucSetting<i32> = GucSetting::<i32>::new(1000);
static SECRET_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));

pub fn register() {
    GucRegistry::define_string_guc(
        c"dynamo.account_id",
        c"AWS account id that stands in the ARNs of this database's tables.",
        c"Twelve digits. One database is one account.",
        &ACCOUNT_ID,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"dynamo.region",
        c"AWS region that stands in the ARNs of this database's tables.",
        c"One database is one region.",
        &REGION,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"dynamo.allow_consistent_gsi_reads",
        c"Accepts ConsistentRead on global secondary indexes.",
        c"DynamoDB refuses it, because its indexes lag behind. Here every read of an index sees the last commit.",
        &CONSISTENT_GSI_READS,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"dynamo.transact_wait",
        c"How long TransactWriteItems waits for items that other transactions hold.",
        c"Then it is cancelled, with the reason TransactionConflict. 0: it does not wait.",
        &TRANSACT_WAIT,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_string_guc(
        c"dynamo.secret_key_file",
        c"File with the key under which the secrets of access keys are stored.",
        c"An absolute path; 32 random bytes in base64 or hex. Only the server's operating system user may read it.",
        &SECRET_KEY_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_int_guc(
        c"dynamo.history_segment_minutes",
        c"Minutes after which the history of a table with point-in-time recovery goes on in another relation.",
        c"What is older than the recovery period is dropped by the relation.",
        &HISTORY_SEGMENT,
        1,
        100_000,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"dynamo.enforce_throughput",
        c"Refuses requests beyond the throughput that tables and indexes are provisioned with.",
        c"Also the upper bounds of on-demand tables. Needs pg_dynamo in shared_preload_libraries.",
        &ENFORCE_THROUGHPUT,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"dynamo.contributor_insights_sample",
        c"One of how many requests is counted for dynamo.contributor_insights.",
        c"Of tables and indexes with Contributor Insights enabled. 1 counts every request.",
        &INSIGHTS_SAMPLE,
        1,
        100_000,
        GucContext::Suset,
        GucFlags::default(),
    );
    gateway::register();
    time_to_live::register();
    streams::register();
    // SAFETY: a flag of this process.
    if unsafe { pgrx::pg_sys::process_shared_preload_libraries_in_progress } {
        GucRegistry::define_int_guc(
            c"dynamo.stat_operations_max",
            c"Pairs of a table and an operation that dynamo.stat_operations counts.",
            c"When there are more, the one that was used longest ago gives way.",
            &STAT_OPERATIONS_MAX,
            100,
            1_000_000,
            GucContext::Postmaster,
            GucFlags::default(),
        );
        GucRegistry::define_int_guc(
            c"dynamo.contributor_insights_max",
            c"Tables and indexes whose most frequent keys are known at once.",
            c"When there are more, the one that was counted longest ago gives way. 20 kB each.",
            &INSIGHTS_MAX,
            1,
            10_000,
            GucContext::Postmaster,
            GucFlags::default(),
        );
    }
    // SAFETY: a constant C string; misspelt settings of ours become errors from here on.
    unsafe { pgrx::pg_sys::MarkGUCPrefixReserved(c"dynamo".as_ptr()) };
}

fn text(setting: &'static GucSetting<Option<CString>>) -> Cow<'static, str> {
    String::from_utf8_lossy(bytes(setting))
}

fn bytes(setting: &'static GucSetting<Option<CString>>) -> &'static [u8] {
    // SAFETY: null or a C string that lives until the setting changes, which nothing does while it is read here.
    unsafe {
        let value = *setting.as_ptr();
        if value.is_null() {
            return &[];
        }
        CStr::from_ptr(value).to_bytes()
    }
}

/// Path of the file with the key of the access keys' secrets; empty when there is none.
pub fn secret_key_file() -> String {
    text(&SECRET_KEY_FILE).into_owned()
}

/// How long a transaction waits for others.
pub fn transact_wait() -> Duration {
    Duration::from_millis(u64::try_from(TRANSACT_WAIT.get()).unwrap_or(0))
}

/// Minutes after which a segment of history is closed.
pub fn history_segment_minutes() -> i32 {
    HISTORY_SEGMENT.get()
}

/// How many pairs of table and operation are counted.
pub fn counted_operations() -> i32 {
    STAT_OPERATIONS_MAX.get()
}

/// Whether throughput is enforced.
pub fn enforce_throughput() -> bool {
    ENFORCE_THROUGHPUT.get()
}

/// One of how many requests Contributor Insights count, 1 or more.
pub fn insights_sample() -> u64 {
    u64::try_from(INSIGHTS_SAMPLE.get()).unwrap_or(1).max(1)
}

/// How many tables and indexes Contributor Insights know at once.
pub fn insights_max() -> usize {
    usize::try_from(INSIGHTS_MAX.get()).unwrap_or(1).max(1)
}

/// What Query and Scan may do that DynamoDB refuses.
pub fn read_options() -> pg_dynamo_core::request::ReadOptions {
    pg_dynamo_core::request::ReadOptions {
        allow_consistent_gsi: CONSISTENT_GSI_READS.get(),
    }
}

/// The account and region of this database, as its ARNs name them. The last answer is kept: every operation asks.
pub fn account() -> Rc<Account> {
    thread_local! {
        static LAST: RefCell<Option<Rc<Account>>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| match last {
        Some(account)
            if account.account_id.as_bytes() == bytes(&ACCOUNT_ID)
                && account.region.as_bytes() == bytes(&REGION) =>
        {
            Rc::clone(account)
        }
        _ => Rc::clone(last.insert(Rc::new(Account {
            account_id: text(&ACCOUNT_ID).into_owned(),
            region: text(&REGION).into_owned(),
        }))),
    })
}
