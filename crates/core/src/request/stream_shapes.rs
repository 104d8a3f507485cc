//! The shapes of the operations of DynamoDB Streams, transcribed from its service model. A stream's ARN has no bounds
//! here: the service answers a short one as it answers any that is malformed.
use super::shape::{Member, Shape, Structure, TEXT, name, one_of, optional, required, text};

const STREAM_ARN: Member = required("StreamArn", &TEXT);
const SHARD_ID: Shape = text(28, 65);
const UP_TO_100: Shape = Shape::Number("Integer", 1, 100);

pub const LIST_STREAMS: Structure = Structure {
    class: "ListStreamsInput",
    members: &[
        optional("TableName", &name(3, 255)),
        optional("Limit", &UP_TO_100),
        optional("ExclusiveStartStreamArn", &TEXT),
    ],
};

pub const DESCRIBE_STREAM: Structure = Structure {
    class: "DescribeStreamInput",
    members: &[
        STREAM_ARN,
        optional("Limit", &UP_TO_100),
        optional("ExclusiveStartShardId", &SHARD_ID),
        optional(
            "ShardFilter",
            &Shape::Structure(&Structure {
                class: "ShardFilter",
                // Optional in the model; without both there is nothing to filter by.
                members: &[
                    required("Type", &one_of(&["CHILD_SHARDS"])),
                    required("ShardId", &SHARD_ID),
                ],
            }),
        ),
    ],
};

pub const GET_SHARD_ITERATOR: Structure = Structure {
    class: "GetShardIteratorInput",
    members: &[
        STREAM_ARN,
        required("ShardId", &SHARD_ID),
        required(
            "ShardIteratorType",
            &one_of(&[
                "AFTER_SEQUENCE_NUMBER",
                "LATEST",
                "AT_TIMESTAMP",
                "AT_SEQUENCE_NUMBER",
                "TRIM_HORIZON",
            ]),
        ),
        optional("SequenceNumber", &text(21, 40)),
        optional("Timestamp", &Shape::Number("Date", i64::MIN, i64::MAX)),
    ],
};

pub const GET_RECORDS: Structure = Structure {
    class: "GetRecordsInput",
    members: &[
        required("ShardIterator", &text(1, 2048)),
        optional("Limit", &Shape::Number("Integer", 1, 1000)),
    ],
};
