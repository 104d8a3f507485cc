//! Settings (`dynamo.*`).

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

static ACCOUNT_ID: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"000000000000"));
static CONSISTENT_GSI_READS: GucSetting<bool> = GucSetting::<bool>::new(false);
static REGION: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"local"));

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
    // SAFETY: a constant C string; misspelt settings of ours become errors from here on.
    unsafe { pgrx::pg_sys::MarkGUCPrefixReserved(c"dynamo".as_ptr()) };
}

fn text(setting: &GucSetting<Option<CString>>) -> String {
    setting
        .get()
        .map(|value| value.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The account and region of this database, as its ARNs name them.
pub fn account() -> pg_dynamo_core::table::Account {
    pg_dynamo_core::table::Account {
        account_id: text(&ACCOUNT_ID),
        region: text(&REGION),
    }
}

/// What Query and Scan may do that DynamoDB refuses.
pub fn read_options() -> pg_dynamo_core::request::ReadOptions {
    pg_dynamo_core::request::ReadOptions {
        allow_consistent_gsi: CONSISTENT_GSI_READS.get(),
    }
}
