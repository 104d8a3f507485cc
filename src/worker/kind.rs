//! The kinds of workers that a database may have, at most one of each at a time.

use super::process;
use crate::storage::spi::Plan;
use pgrx::pg_sys;
use std::ffi::CStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Builds and removes secondary indexes (`index_build`).
    IndexBuild,
    /// Deletes expired items (`sweep`).
    TimeToLive,
    /// Makes backups, restores tables, keeps histories short (`backup`).
    Backup,
    /// Captures the changes of tables with a stream (`stream::capture`).
    Stream,
}

impl Kind {
    pub const ALL: [Kind; 4] = [
        Kind::IndexBuild,
        Kind::TimeToLive,
        Kind::Backup,
        Kind::Stream,
    ];

    /// What `pg_stat_activity` shows as its type.
    pub fn name(self) -> &'static CStr {
        match self {
            Kind::IndexBuild => c"pg_dynamo index builds",
            Kind::TimeToLive => c"pg_dynamo time to live",
            Kind::Backup => c"pg_dynamo backups",
            Kind::Stream => c"pg_dynamo streams",
        }
    }

    /// The exported function that the postmaster calls, with the database's OID.
    pub fn entry(self) -> &'static CStr {
        match self {
            Kind::IndexBuild => c"pg_dynamo_index_worker",
            Kind::TimeToLive => c"pg_dynamo_time_to_live_worker",
            Kind::Backup => c"pg_dynamo_backup_worker",
            Kind::Stream => c"pg_dynamo_stream_worker",
        }
    }

    /// What is not done when no worker can be started.
    pub fn purpose(self) -> &'static str {
        match self {
            Kind::IndexBuild => "build secondary indexes",
            Kind::TimeToLive => "delete expired items",
            Kind::Backup => "make backups",
            Kind::Stream => "capture streams",
        }
    }

    /// A statement that has a row when a worker would have something to do. Anybody may execute it.
    fn work(self) -> &'static str {
        match self {
            Kind::IndexBuild => {
                "SELECT 1::pg_catalog.int8 FROM dynamo.index_builds \
                 WHERE phase OPERATOR(pg_catalog.<>) 'failed' LIMIT 1"
            }
            Kind::TimeToLive => {
                "SELECT 1::pg_catalog.int8 FROM dynamo.table_definition \
                 WHERE definition::pg_catalog.text OPERATOR(pg_catalog.~) '\"time_to_live\":\\{' LIMIT 1"
            }
            Kind::Backup => {
                "SELECT 1::pg_catalog.int8 FROM dynamo_internal.backup_state \
                 WHERE phase OPERATOR(pg_catalog.<>) 'failed' LIMIT 1"
            }
            Kind::Stream => "SELECT one FROM dynamo_internal.stream_work LIMIT 1",
        }
    }

    /// Whether there is something to do in this database. Needs SPI connected.
    pub fn has_work(self) -> bool {
        Plan::prepare(self.work(), &[]).execute(&[], true) > 0
    }

    /// The lock that the one worker of this kind and database holds: an advisory lock of a class of our own, which
    /// survives the abort of a transaction and ends with the process.
    pub fn lock(self) -> pg_sys::LOCKTAG {
        /// Postgres's own advisory locks have classes 1 and 2.
        const CLASS: u16 = 0xd701;
        pg_sys::LOCKTAG {
            // SAFETY: the database of this backend.
            locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
            locktag_field2: self as u32,
            locktag_field3: 0,
            locktag_field4: CLASS,
            locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
            locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
        }
    }

    /// Whether the worker of this kind is alive in this database.
    pub fn is_running(self) -> bool {
        let tag = self.lock();
        let free = process::try_lock(&tag, pg_sys::ShareLock, false);
        if free {
            process::unlock(&tag, pg_sys::ShareLock, false);
        }
        !free
    }
}
