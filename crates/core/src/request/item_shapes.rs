//! The shapes of the item operations, transcribed from the service model. Members stand in the order
//! in which DynamoDB reports their faults, values of enumerations in the order in which it lists them.
use super::shape::{
    Member, Shape, Structure, TEXT, TableNameRule, Tables, list, one_of, optional, required,
};
use crate::limits;

pub(super) const TABLE_NAME: Member = required("TableName", &Shape::TableName(TableNameRule::Item));
pub(super) const RETURN_CONSUMED_CAPACITY: Member = optional(
    "ReturnConsumedCapacity",
    &one_of(&["INDEXES", "TOTAL", "NONE"]),
);
const RETURN_VALUES: Member = optional(
    "ReturnValues",
    &one_of(&["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]),
);
pub(super) const RETURN_ITEM_COLLECTION_METRICS: Member =
    optional("ReturnItemCollectionMetrics", &one_of(&["SIZE", "NONE"]));
pub(super) const RETURN_VALUES_ON_FAILURE: Member = optional(
    "ReturnValuesOnConditionCheckFailure",
    &one_of(&["ALL_OLD", "NONE"]),
);
pub(super) const CONDITIONAL_OPERATOR: Member =
    optional("ConditionalOperator", &one_of(&["OR", "AND"]));
pub(super) const CONDITION_EXPRESSION: Member = optional("ConditionExpression", &TEXT);
pub(super) const NAMES: Member = optional(
    "ExpressionAttributeNames",
    &Shape::Map(&TEXT, "java.lang.String"),
);
pub(super) const VALUES: Member = optional("ExpressionAttributeValues", &Shape::Attributes);
pub(super) const KEY: Member = required("Key", &Shape::Attributes);

/// `ComparisonOperator` of `Expected` and of the legacy filters.
pub const COMPARISON_OPERATOR: Shape = one_of(&[
    "IN",
    "NULL",
    "BETWEEN",
    "LT",
    "NOT_CONTAINS",
    "EQ",
    "GT",
    "NOT_NULL",
    "NE",
    "LE",
    "BEGINS_WITH",
    "GE",
    "CONTAINS",
]);

const EXPECTED_ATTRIBUTE: Structure = Structure {
    class: "ExpectedAttributeValue",
    members: &[
        optional(
            "AttributeValueList",
            &list(&Shape::AttributeValue, 0, usize::MAX),
        ),
        optional("ComparisonOperator", &COMPARISON_OPERATOR),
        optional("Exists", &Shape::Boolean),
        optional("Value", &Shape::AttributeValue),
    ],
};
const EXPECTED: Member = optional(
    "Expected",
    &Shape::Map(
        &Shape::Structure(&EXPECTED_ATTRIBUTE),
        "com.amazonaws.dynamodb.v20120810.ExpectedAttributeValue",
    ),
);
const ATTRIBUTE_UPDATE: Structure = Structure {
    class: "AttributeValueUpdate",
    members: &[
        optional("Action", &one_of(&["ADD", "DELETE", "PUT"])),
        optional("Value", &Shape::AttributeValue),
    ],
};

pub const PUT_ITEM: Structure = Structure {
    class: "PutItemInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        TABLE_NAME,
        required("Item", &Shape::Attributes),
        CONDITIONAL_OPERATOR,
        EXPECTED,
        RETURN_VALUES,
        RETURN_ITEM_COLLECTION_METRICS,
        CONDITION_EXPRESSION,
        VALUES,
        NAMES,
        RETURN_VALUES_ON_FAILURE,
    ],
};

pub const UPDATE_ITEM: Structure = Structure {
    class: "UpdateItemInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        TABLE_NAME,
        RETURN_ITEM_COLLECTION_METRICS,
        RETURN_VALUES,
        KEY,
        CONDITIONAL_OPERATOR,
        EXPECTED,
        optional(
            "AttributeUpdates",
            &Shape::Map(
                &Shape::Structure(&ATTRIBUTE_UPDATE),
                "com.amazonaws.dynamodb.v20120810.AttributeValueUpdate",
            ),
        ),
        CONDITION_EXPRESSION,
        optional("UpdateExpression", &TEXT),
        VALUES,
        NAMES,
        RETURN_VALUES_ON_FAILURE,
    ],
};

pub const DELETE_ITEM: Structure = Structure {
    class: "DeleteItemInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        TABLE_NAME,
        RETURN_VALUES,
        RETURN_ITEM_COLLECTION_METRICS,
        KEY,
        CONDITIONAL_OPERATOR,
        EXPECTED,
        CONDITION_EXPRESSION,
        VALUES,
        NAMES,
        RETURN_VALUES_ON_FAILURE,
    ],
};

pub const GET_ITEM: Structure = Structure {
    class: "GetItemInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        optional("AttributesToGet", &list(&TEXT, 1, 255)),
        TABLE_NAME,
        KEY,
        optional("ConsistentRead", &Shape::Boolean),
        optional("ProjectionExpression", &TEXT),
        NAMES,
    ],
};

const KEYS_AND_ATTRIBUTES: Structure = Structure {
    class: "KeysAndAttributes",
    members: &[
        // Too many keys are refused in words of their own.
        required("Keys", &list(&Shape::Attributes, 1, usize::MAX)),
        optional("AttributesToGet", &list(&TEXT, 1, 255)),
        optional("ConsistentRead", &Shape::Boolean),
        optional("ProjectionExpression", &TEXT),
        NAMES,
    ],
};

pub const BATCH_GET_ITEM: Structure = Structure {
    class: "BatchGetItemInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        required(
            "RequestItems",
            &Shape::Tables(Tables {
                operation: "BatchGetItem",
                request: &Shape::Structure(&KEYS_AND_ATTRIBUTES),
                class: "com.amazonaws.dynamodb.v20120810.KeysAndAttributes",
                lengths: None,
            }),
        ),
    ],
};

const WRITE_REQUEST: Structure = Structure {
    class: "WriteRequest",
    members: &[
        optional(
            "DeleteRequest",
            &Shape::Structure(&Structure {
                class: "DeleteRequest",
                members: &[KEY],
            }),
        ),
        optional(
            "PutRequest",
            &Shape::Structure(&Structure {
                class: "PutRequest",
                members: &[required("Item", &Shape::Attributes)],
            }),
        ),
    ],
};

pub const BATCH_WRITE_ITEM: Structure = Structure {
    class: "BatchWriteItemInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        RETURN_ITEM_COLLECTION_METRICS,
        required(
            "RequestItems",
            &Shape::Tables(Tables {
                operation: "BatchWriteItem",
                request: &list(&Shape::Structure(&WRITE_REQUEST), 0, usize::MAX),
                class: "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>",
                lengths: Some((1, limits::MAX_BATCH_WRITES)),
            }),
        ),
    ],
};
