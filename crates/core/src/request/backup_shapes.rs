//! The shapes of the operations on backups, transcribed from the service model.
use super::shape::{
    Member, Shape, Structure, TableNameRule, name, one_of, optional, required, text,
};
use super::table_shapes::{
    BILLING_MODES, ENCRYPTION_SHAPE, GLOBAL_INDEXES, LOCAL_INDEXES, ON_DEMAND, THROUGHPUT,
};
use crate::limits;

const TABLE_NAME: Member = required("TableName", &Shape::TableName(TableNameRule::Table));
const BACKUP_ARN: Member = required("BackupArn", &text(37, 1024));
const TARGET: Member = required("TargetTableName", &name(3, 255));
/// Epoch seconds, with or without a fraction.
const TIMESTAMP: Shape = Shape::Number("Date", i64::MIN, i64::MAX);

pub const CREATE_BACKUP: Structure = Structure {
    class: "CreateBackupInput",
    members: &[TABLE_NAME, required("BackupName", &name(3, 255))],
};

/// DescribeBackup and DeleteBackup.
pub const BACKUP_ALONE: Structure = Structure {
    class: "DescribeBackupInput",
    members: &[BACKUP_ARN],
};

pub const LIST_BACKUPS: Structure = Structure {
    class: "ListBackupsInput",
    members: &[
        optional("TableName", &text(1, 1024)),
        optional(
            "Limit",
            &Shape::Number("Integer", 1, limits::MAX_LISTED_BACKUPS),
        ),
        optional("TimeRangeLowerBound", &TIMESTAMP),
        optional("TimeRangeUpperBound", &TIMESTAMP),
        optional("ExclusiveStartBackupArn", &text(37, 1024)),
        optional(
            "BackupType",
            &one_of(&["USER", "SYSTEM", "AWS_BACKUP", "ALL"]),
        ),
    ],
};

const BILLING: Member = optional("BillingModeOverride", &BILLING_MODES);
const GLOBAL: Member = optional("GlobalSecondaryIndexOverride", &GLOBAL_INDEXES);
const LOCAL: Member = optional("LocalSecondaryIndexOverride", &LOCAL_INDEXES);
const PROVISIONED: Member = optional("ProvisionedThroughputOverride", &THROUGHPUT);
const BOUNDS: Member = optional("OnDemandThroughputOverride", &ON_DEMAND);
const ENCRYPTION: Member = optional("SSESpecificationOverride", &ENCRYPTION_SHAPE);

pub const RESTORE_FROM_BACKUP: Structure = Structure {
    class: "RestoreTableFromBackupInput",
    members: &[
        TARGET,
        BACKUP_ARN,
        BILLING,
        GLOBAL,
        LOCAL,
        PROVISIONED,
        BOUNDS,
        ENCRYPTION,
    ],
};

pub const RESTORE_TO_POINT_IN_TIME: Structure = Structure {
    class: "RestoreTableToPointInTimeInput",
    members: &[
        optional("SourceTableArn", &text(1, 1024)),
        optional("SourceTableName", &name(3, 255)),
        TARGET,
        optional("UseLatestRestorableTime", &Shape::Boolean),
        optional("RestoreDateTime", &TIMESTAMP),
        BILLING,
        GLOBAL,
        LOCAL,
        PROVISIONED,
        BOUNDS,
        ENCRYPTION,
    ],
};

pub const UPDATE_CONTINUOUS_BACKUPS: Structure = Structure {
    class: "UpdateContinuousBackupsInput",
    members: &[
        TABLE_NAME,
        required(
            "PointInTimeRecoverySpecification",
            &Shape::Structure(&Structure {
                class: "PointInTimeRecoverySpecification",
                members: &[
                    required("PointInTimeRecoveryEnabled", &Shape::Boolean),
                    optional(
                        "RecoveryPeriodInDays",
                        &Shape::Number("Integer", 1, limits::MAX_RECOVERY_DAYS),
                    ),
                ],
            }),
        ),
    ],
};

/// DescribeContinuousBackups.
pub const TABLE_ALONE: Structure = Structure {
    class: "DescribeContinuousBackupsInput",
    members: &[TABLE_NAME],
};

/// What a request may override, in the order of the model, and what CreateTable calls it.
pub const OVERRIDES: &[(&str, &str)] = &[
    ("BillingModeOverride", "BillingMode"),
    ("GlobalSecondaryIndexOverride", "GlobalSecondaryIndexes"),
    ("LocalSecondaryIndexOverride", "LocalSecondaryIndexes"),
    ("ProvisionedThroughputOverride", "ProvisionedThroughput"),
    ("OnDemandThroughputOverride", "OnDemandThroughput"),
    ("SSESpecificationOverride", "SSESpecification"),
];
