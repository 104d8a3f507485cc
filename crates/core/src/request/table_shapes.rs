//! The shapes of the table operations, transcribed from the service model. Members stand in the order
//! in which DynamoDB reports their faults, values of enumerations in the order in which it lists them.
use super::shape::{
    Member, Shape, Structure, TEXT, TableNameRule, list, name, one_of, optional, required, text,
};
use crate::limits;

const ANY: usize = usize::MAX;
const TABLE_NAME: Member = required("TableName", &Shape::TableName(TableNameRule::Table));
const KEY_NAME: Shape = text(1, limits::MAX_KEY_NAME);
const INDEX_NAME: Member = required("IndexName", &name(3, 255));
const REGION: Member = required("RegionName", &TEXT);

const LONG: Shape = Shape::Number("Long", i64::MIN, i64::MAX);
const POSITIVE: Shape = Shape::Number("Long", 1, i64::MAX);

pub(super) const ATTRIBUTE_DEFINITIONS: Shape = list(
    &Shape::Structure(&Structure {
        class: "AttributeDefinition",
        members: &[
            required("AttributeName", &KEY_NAME),
            required("AttributeType", &one_of(&["B", "N", "S"])),
        ],
    }),
    0,
    ANY,
);

const KEY_ELEMENT: Shape = Shape::Structure(&Structure {
    class: "KeySchemaElement",
    members: &[
        required("AttributeName", &KEY_NAME),
        required("KeyType", &one_of(&["HASH", "RANGE"])),
    ],
});
pub(super) const TABLE_KEY_SCHEMA: Shape = list(&KEY_ELEMENT, 1, 2);
/// A global index may have several partition and several sort attributes.
const GLOBAL_KEY_SCHEMA: Shape = list(&KEY_ELEMENT, 1, 2 * limits::MAX_INDEX_KEY_PARTS);

const PROJECTION: Shape = Shape::Structure(&Structure {
    class: "Projection",
    members: &[
        optional("ProjectionType", &one_of(&["ALL", "INCLUDE", "KEYS_ONLY"])),
        optional(
            "NonKeyAttributes",
            &list(&text(1, 255), 1, limits::MAX_NON_KEY_ATTRIBUTES),
        ),
    ],
});

pub(super) const THROUGHPUT: Shape = Shape::Structure(&Structure {
    class: "ProvisionedThroughput",
    members: &[
        required("WriteCapacityUnits", &POSITIVE),
        required("ReadCapacityUnits", &POSITIVE),
    ],
});
pub(super) const ON_DEMAND: Shape = Shape::Structure(&Structure {
    class: "OnDemandThroughput",
    members: &[
        optional("MaxReadRequestUnits", &LONG),
        optional("MaxWriteRequestUnits", &LONG),
    ],
});
const WARM: Shape = Shape::Structure(&Structure {
    class: "WarmThroughput",
    members: &[
        optional("ReadUnitsPerSecond", &LONG),
        optional("WriteUnitsPerSecond", &LONG),
    ],
});

pub const LOCAL_INDEXES: Shape = list(
    &Shape::Structure(&Structure {
        class: "LocalSecondaryIndex",
        members: &[
            INDEX_NAME,
            required("KeySchema", &TABLE_KEY_SCHEMA),
            required("Projection", &PROJECTION),
        ],
    }),
    0,
    ANY,
);
const GLOBAL_INDEX: Structure = Structure {
    class: "GlobalSecondaryIndex",
    members: &[
        INDEX_NAME,
        required("KeySchema", &GLOBAL_KEY_SCHEMA),
        required("Projection", &PROJECTION),
        optional("ProvisionedThroughput", &THROUGHPUT),
        optional("OnDemandThroughput", &ON_DEMAND),
        optional("WarmThroughput", &WARM),
    ],
};

pub(super) const GLOBAL_INDEXES: Shape = list(&Shape::Structure(&GLOBAL_INDEX), 0, ANY);

pub(super) const BILLING_MODE: Member = optional("BillingMode", &BILLING_MODES);
pub(super) const BILLING_MODES: Shape = one_of(&["PROVISIONED", "PAY_PER_REQUEST"]);
const STREAM: Member = optional(
    "StreamSpecification",
    &Shape::Structure(&Structure {
        class: "StreamSpecification",
        members: &[
            required("StreamEnabled", &Shape::Boolean),
            optional(
                "StreamViewType",
                &one_of(&["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"]),
            ),
        ],
    }),
);
pub(super) const ENCRYPTION_SHAPE: Shape = Shape::Structure(&Structure {
    class: "SSESpecification",
    members: &[
        optional("Enabled", &Shape::Boolean),
        optional("SSEType", &one_of(&["AES256", "KMS"])),
        optional("KMSMasterKeyId", &TEXT),
    ],
});
pub(super) const ENCRYPTION: Member = optional("SSESpecification", &ENCRYPTION_SHAPE);
/// What is wrong with a tag is told in words of its own; see `tags.rs`.
pub(super) const TAG_LIST: Shape = list(
    &Shape::Structure(&Structure {
        class: "Tag",
        members: &[optional("Key", &TEXT), optional("Value", &TEXT)],
    }),
    0,
    ANY,
);
const TAGS: Member = optional("Tags", &TAG_LIST);
const TABLE_CLASS: Member = optional(
    "TableClass",
    &one_of(&["STANDARD", "STANDARD_INFREQUENT_ACCESS"]),
);
const REPLICATION_MODE: Member = optional(
    "GlobalTableSettingsReplicationMode",
    &one_of(&["ENABLED", "DISABLED", "ENABLED_WITH_OVERRIDES"]),
);

pub const CREATE_TABLE: Structure = Structure {
    class: "CreateTableInput",
    members: &[
        required("AttributeDefinitions", &ATTRIBUTE_DEFINITIONS),
        TABLE_NAME,
        BILLING_MODE,
        optional("ProvisionedThroughput", &THROUGHPUT),
        required("KeySchema", &TABLE_KEY_SCHEMA),
        optional("LocalSecondaryIndexes", &LOCAL_INDEXES),
        optional("GlobalSecondaryIndexes", &GLOBAL_INDEXES),
        STREAM,
        ENCRYPTION,
        TAGS,
        TABLE_CLASS,
        optional("DeletionProtectionEnabled", &Shape::Boolean),
        optional("WarmThroughput", &WARM),
        optional("ResourcePolicy", &TEXT),
        optional("OnDemandThroughput", &ON_DEMAND),
        optional("GlobalTableSourceArn", &text(1, 1024)),
        REPLICATION_MODE,
    ],
};

const UPDATE_INDEX: Structure = Structure {
    class: "UpdateGlobalSecondaryIndexAction",
    members: &[
        INDEX_NAME,
        optional("ProvisionedThroughput", &THROUGHPUT),
        optional("OnDemandThroughput", &ON_DEMAND),
        optional("WarmThroughput", &WARM),
    ],
};
const CREATE_INDEX: Structure = Structure {
    class: "CreateGlobalSecondaryIndexAction",
    members: GLOBAL_INDEX.members,
};
const INDEX_UPDATES: Shape = list(
    &Shape::Structure(&Structure {
        class: "GlobalSecondaryIndexUpdate",
        members: &[
            optional("Update", &Shape::Structure(&UPDATE_INDEX)),
            optional("Create", &Shape::Structure(&CREATE_INDEX)),
            optional(
                "Delete",
                &Shape::Structure(&Structure {
                    class: "DeleteGlobalSecondaryIndexAction",
                    members: &[INDEX_NAME],
                }),
            ),
        ],
    }),
    0,
    ANY,
);
/// Replicas are refused whatever they say, so only the region is looked at.
const REPLICA_UPDATES: Shape = list(
    &Shape::Structure(&Structure {
        class: "ReplicationGroupUpdate",
        members: &[
            optional(
                "Create",
                &Shape::Structure(&Structure {
                    class: "CreateReplicationGroupMemberAction",
                    members: &[REGION],
                }),
            ),
            optional(
                "Update",
                &Shape::Structure(&Structure {
                    class: "UpdateReplicationGroupMemberAction",
                    members: &[REGION],
                }),
            ),
            optional(
                "Delete",
                &Shape::Structure(&Structure {
                    class: "DeleteReplicationGroupMemberAction",
                    members: &[REGION],
                }),
            ),
        ],
    }),
    1,
    ANY,
);
const WITNESS_UPDATES: Shape = list(
    &Shape::Structure(&Structure {
        class: "GlobalTableWitnessGroupUpdate",
        members: &[
            optional(
                "Create",
                &Shape::Structure(&Structure {
                    class: "CreateGlobalTableWitnessGroupMemberAction",
                    members: &[REGION],
                }),
            ),
            optional(
                "Delete",
                &Shape::Structure(&Structure {
                    class: "DeleteGlobalTableWitnessGroupMemberAction",
                    members: &[REGION],
                }),
            ),
        ],
    }),
    1,
    1,
);

pub const UPDATE_TABLE: Structure = Structure {
    class: "UpdateTableInput",
    members: &[
        optional("AttributeDefinitions", &ATTRIBUTE_DEFINITIONS),
        TABLE_NAME,
        optional("ProvisionedThroughput", &THROUGHPUT),
        BILLING_MODE,
        optional("GlobalSecondaryIndexUpdates", &INDEX_UPDATES),
        STREAM,
        ENCRYPTION,
        optional("ReplicaUpdates", &REPLICA_UPDATES),
        TABLE_CLASS,
        optional("DeletionProtectionEnabled", &Shape::Boolean),
        optional("MultiRegionConsistency", &one_of(&["EVENTUAL", "STRONG"])),
        optional("GlobalTableWitnessUpdates", &WITNESS_UPDATES),
        optional("OnDemandThroughput", &ON_DEMAND),
        optional("WarmThroughput", &WARM),
        REPLICATION_MODE,
    ],
};

/// DescribeTable and DeleteTable.
pub const TABLE_ALONE: Structure = Structure {
    class: "DescribeTableInput",
    members: &[TABLE_NAME],
};

pub const DESCRIBE_LIMITS: Structure = Structure {
    class: "DescribeLimitsInput",
    members: &[],
};

pub const LIST_TABLES: Structure = Structure {
    class: "ListTablesInput",
    members: &[
        optional("Limit", &Shape::Number("Integer", 1, 100)),
        optional("ExclusiveStartTableName", &name(3, 255)),
    ],
};
