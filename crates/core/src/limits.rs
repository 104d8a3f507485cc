//! Limits of the service, each with its source: "Quotas in Amazon DynamoDB" of the developer guide
//! unless another is named.

/// An item, names included, as DynamoDB counts it.
pub const MAX_ITEM_SIZE: usize = 400 * 1024;
pub const MAX_PARTITION_KEY: usize = 2048;
pub const MAX_SORT_KEY: usize = 1024;
/// Levels of nesting of an attribute value.
pub const MAX_DEPTH: usize = 32;
/// Bytes of one expression text.
pub const MAX_EXPRESSION: usize = 4096;
/// Bytes of all ExpressionAttributeNames and values together.
pub const MAX_EXPRESSION_SUBSTITUTIONS: usize = 2 * 1024 * 1024;
/// Bytes of a placeholder such as #name or :value.
pub const MAX_PLACEHOLDER: usize = 255;
/// Keys of one BatchGetItem, of all tables together.
pub const MAX_BATCH_KEYS: usize = 100;
/// Puts and deletes of one BatchWriteItem, of all tables together.
pub const MAX_BATCH_WRITES: usize = 25;
/// Actions of one transaction ("Constraints" of the developer guide), and bytes of its items together.
pub const MAX_TRANSACTION_ACTIONS: usize = 100;
pub const MAX_TRANSACTION_SIZE: usize = 4 * 1024 * 1024;
/// Characters of a ClientRequestToken.
pub const MAX_CLIENT_TOKEN: usize = 36;
/// Bytes of the items that one BatchGetItem reads.
pub const MAX_BATCH_RESPONSE: usize = 16 * 1024 * 1024;
/// Bytes of a request's body.
pub const MAX_REQUEST: usize = 16 * 1024 * 1024;
/// Bytes of one PartiQL statement (the service model's PartiQLStatement).
pub const MAX_STATEMENT: usize = 8192;
/// Statements of one BatchExecuteStatement (service model).
pub const MAX_BATCH_STATEMENTS: usize = 25;
/// Values of one IN.
pub const MAX_IN_OPERANDS: usize = 100;
/// Reads that one SELECT is taken apart into ("Too many decomposed read operations for a given query").
pub const MAX_DECOMPOSED_READS: usize = 50;
pub const MIN_TABLE_NAME: usize = 3;
pub const MAX_TABLE_NAME: usize = 255;
/// Bytes of the name of a table's or an index's key attribute.
pub const MAX_KEY_NAME: usize = 255;
/// Bytes of the name of any other attribute.
pub const MAX_ATTRIBUTE_NAME: usize = 65_535;
pub const MAX_LOCAL_INDEXES: usize = 5;
pub const MAX_GLOBAL_INDEXES: usize = 20;
/// NonKeyAttributes of one index.
pub const MAX_NON_KEY_ATTRIBUTES: usize = 20;
/// NonKeyAttributes of all indexes of a table together.
pub const MAX_PROJECTED_ATTRIBUTES: usize = 100;
/// HASH attributes, and RANGE attributes, of a global index with a multi-attribute key.
pub const MAX_INDEX_KEY_PARTS: usize = 4;
/// Bytes of a stored sort key of several attributes (see `index.rs` for its form). Each attribute may have
/// [`MAX_SORT_KEY`]; the bound is ours: with it, an index row of the longest keys fits a btree's 2,704 bytes.
pub const MAX_COMPOSITE_SORT_KEY: usize = 1100;
pub const MAX_TAGS: usize = 50;
/// Units of one table or index; the default quota of an account is lower, but adjustable.
pub const MAX_THROUGHPUT: i64 = 1_000_000_000_000;
/// Units of all tables of an account, for reads and for writes, and of one table: the quotas of a new account,
/// which AWS raises on request.
pub const ACCOUNT_THROUGHPUT: i64 = 80_000;
pub const TABLE_THROUGHPUT: i64 = 40_000;
/// Tables in one answer of ListTables.
pub const MAX_LISTED_TABLES: usize = 100;
/// Decreases of throughput that a day grants at once; later ones one an hour, 27 at most.
pub const DECREASES_AT_ONCE: u32 = 4;
pub const MAX_DECREASES_A_DAY: u32 = 27;
/// Bytes of one read capacity unit.
pub const READ_UNIT: usize = 4096;
/// Bytes of one write capacity unit.
pub const WRITE_UNIT: usize = 1024;
/// Bytes of the items that one page of a Query or Scan looks at.
pub const MAX_PAGE: usize = 1024 * 1024;
/// Numbers of the vector of a SearchVectors.
pub const MAX_VECTOR: usize = 4096;
/// Segments of a parallel Scan.
pub const MAX_SEGMENTS: i64 = 1_000_000;
/// Backups in one answer of ListBackups.
pub const MAX_LISTED_BACKUPS: i64 = 100;
/// Days of point-in-time recovery, at most and by default.
pub const MAX_RECOVERY_DAYS: i64 = 35;
/// Characters of a stream's ARN.
pub const MAX_STREAM_ARN: usize = 1024;
/// Streams, or shards, in one answer of ListStreams and DescribeStream.
pub const MAX_LISTED_STREAMS: usize = 100;
/// Records of one GetRecords, and bytes of them as SizeBytes counts.
pub const MAX_RECORDS: usize = 1000;
pub const MAX_RECORDS_SIZE: usize = 1024 * 1024;
