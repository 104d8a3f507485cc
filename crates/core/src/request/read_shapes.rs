//! The shapes of Query and Scan; see `item_shapes` for their order.
use super::item_shapes::{
    COMPARISON_OPERATOR, CONDITIONAL_OPERATOR, NAMES, RETURN_CONSUMED_CAPACITY, TABLE_NAME, VALUES,
};
use super::shape::{Member, Shape, Structure, TEXT, list, name, one_of, optional, required};
use crate::limits::MAX_SEGMENTS;

const CONDITION: Structure = Structure {
    class: "Condition",
    members: &[
        optional(
            "AttributeValueList",
            &list(&Shape::AttributeValue, 0, usize::MAX),
        ),
        required("ComparisonOperator", &COMPARISON_OPERATOR),
    ],
};
const CONDITIONS: Shape = Shape::Map(
    &Shape::Structure(&CONDITION),
    "com.amazonaws.dynamodb.v20120810.Condition",
);
const SELECT: Member = optional(
    "Select",
    &one_of(&[
        "SPECIFIC_ATTRIBUTES",
        "COUNT",
        "ALL_ATTRIBUTES",
        "ALL_PROJECTED_ATTRIBUTES",
    ]),
);
const INDEX_NAME: Member = optional("IndexName", &name(3, 255));
const EXCLUSIVE_START_KEY: Member = optional("ExclusiveStartKey", &Shape::Attributes);

pub const QUERY: Structure = Structure {
    class: "QueryInput",
    members: &[
        SELECT,
        INDEX_NAME,
        RETURN_CONSUMED_CAPACITY,
        optional("QueryFilter", &CONDITIONS),
        TABLE_NAME,
        CONDITIONAL_OPERATOR,
        optional("AttributesToGet", &list(&TEXT, 1, 255)),
        optional("Limit", &Shape::QueryLimit),
        optional("KeyConditions", &CONDITIONS),
        EXCLUSIVE_START_KEY,
        optional("ConsistentRead", &Shape::Boolean),
        optional("ScanIndexForward", &Shape::Boolean),
        optional("KeyConditionExpression", &TEXT),
        optional("FilterExpression", &TEXT),
        optional("ProjectionExpression", &TEXT),
        VALUES,
        NAMES,
    ],
};

pub const SCAN: Structure = Structure {
    class: "ScanInput",
    members: &[
        SELECT,
        INDEX_NAME,
        optional("TotalSegments", &Shape::Number("Integer", 1, MAX_SEGMENTS)),
        RETURN_CONSUMED_CAPACITY,
        TABLE_NAME,
        CONDITIONAL_OPERATOR,
        optional("ScanFilter", &CONDITIONS),
        optional("Segment", &Shape::Number("Integer", 0, MAX_SEGMENTS - 1)),
        optional("Limit", &Shape::Number("Integer", 1, i64::MAX)),
        optional("AttributesToGet", &list(&TEXT, 1, 255)),
        EXCLUSIVE_START_KEY,
        optional("ConsistentRead", &Shape::Boolean),
        optional("FilterExpression", &TEXT),
        optional("ProjectionExpression", &TEXT),
        VALUES,
        NAMES,
    ],
};
