//! Drives the fuzz bodies on stable Rust: a corpus and seeded mutations of it, FUZZ_SECONDS
//! (default 2) for each target. FUZZ_SEED repeats a run.
use pg_dynamo_core::fuzz;
use pg_dynamo_core::json::Json;
use pg_dynamo_core::stream::{Position, ShardIterator, Start, StreamName};
use pg_dynamo_core::table::Account;
use pg_dynamo_core::value::{ItemBuf, Number, json};
use std::time::{Duration, Instant};

/// xorshift64*: small, seeded, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound.max(1)
    }
}

/// One to four edits: a byte flipped, set, inserted, removed, a stretch repeated or cut, or a piece
/// of another entry spliced in.
fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut data = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(data.len() + 1);
        let byte = random.next() as u8;
        match random.below(7) {
            0 if at < data.len() => data[at] ^= 1 << (byte & 7),
            1 if at < data.len() => data[at] = byte,
            2 => data.insert(at, byte),
            3 if at < data.len() => drop(data.remove(at)),
            4 => data.truncate(at),
            5 => {
                let end = (at + random.below(16)).min(data.len());
                let piece = data[at..end].to_vec();
                data.splice(at..at, piece);
            }
            _ => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len());
                let to = (from + random.below(16)).min(other.len());
                data.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    data
}

fn seconds() -> Duration {
    let text = std::env::var("FUZZ_SECONDS").unwrap_or_default();
    Duration::from_secs_f64(text.parse().unwrap_or(2.0))
}

fn drive(name: &str, body: fn(&[u8]), corpus: Vec<Vec<u8>>) {
    let text = std::env::var("FUZZ_SEED").unwrap_or_default();
    let seed = text.parse().unwrap_or(0x9E37_79B9_7F4A_7C15_u64).max(1);
    let mut random = Random(seed);
    corpus.iter().for_each(|entry| body(entry));
    let (start, limit) = (Instant::now(), seconds());
    let mut iterations = 0u64;
    while start.elapsed() < limit {
        let data = mutate(&mut random, &corpus);
        if std::panic::catch_unwind(|| body(&data)).is_err() {
            panic!("{name}, seed {seed}, iteration {iterations}: {data:?}");
        }
        iterations += 1;
    }
    println!("fuzz {name}: {iterations} iterations, seed {seed}");
    assert!(iterations > 0, "{name} did not run");
}

fn account() -> Account {
    Account {
        account_id: "123456789012".into(),
        region: "eu-west-1".into(),
    }
}

fn texts(corpus: &[&str]) -> Vec<Vec<u8>> {
    corpus.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const ITEMS: [&str; 6] = [
    r#"{"a":{"S":"x"},"b":{"N":"-1.5"},"c":{"B":"AP8="}}"#,
    r#"{"a":{"BOOL":true},"b":{"NULL":true},"c":{"SS":["a","b"]}}"#,
    r#"{"a":{"NS":["1","2.5"]},"b":{"BS":["YQ==","Yg=="]}}"#,
    r#"{"a":{"M":{"b":{"L":[{"S":""},{"M":{}},{"L":[]}]}}},"é":{"N":"0"}}"#,
    r#"{"L":[{"N":"9.9999999999999999999999999999999999999E+125"}]}"#,
    r#"{}"#,
];

#[test]
fn numbers() {
    let mut corpus = texts(&[
        "0",
        "-1.5e-3 1",
        "9.9999999999999999999999999999999999999E+125 1E-130",
        "1.0e100000000",
        "+.5 -5.",
        "99999999999999999999999999999999999999 1",
        "1E38 -1",
        "0e1000",
        "-0.00100",
    ]);
    for text in ["1", "-12.5", "1E125", "-1E-130"] {
        let mut key = Vec::new();
        Number::parse(text).unwrap().write_key(&mut key);
        corpus.push(key);
    }
    drive("number", fuzz::number, corpus);
}

#[test]
fn item_bytes() {
    let mut corpus = Vec::new();
    for text in ITEMS {
        let json = Json::parse(text).unwrap();
        if let Ok(attributes) = json::parse_attributes(&json) {
            corpus.push(ItemBuf::from_attributes(&attributes).into_bytes());
        }
        if let Ok(value) = json::parse_value(&json) {
            corpus.push(value.encode().into_bytes());
        }
    }
    drive("item_bytes", fuzz::item_bytes, corpus);
}

#[test]
fn item_json() {
    let mut corpus = texts(&ITEMS);
    corpus.extend(texts(&[
        r#"{"$serde_json::private::Number":"1"}"#,
        r#"[1,"a",null,true,{"b":1e400}]"#,
        r#"{"M":{"a":{"M":{"a":{"M":{"a":{"S":"\ud83d\ude00\u0000"}}}}}}}"#,
    ]));
    drive("item_json", fuzz::item_json, corpus);
}

const CONDITIONS: [&str; 14] = [
    "a = :n AND NOT (b <> :s OR c < :n)",
    "(#a.b[0] BETWEEN :n AND :n) or size(c) >= b",
    "((a).b)[1] IN (:s, :n, (c)) and attribute_not_exists(q)",
    "begins_with(c, :s) AND contains(s, :s) AND attribute_type(s, :t)",
    "not not attribute_exists(#l[1][0])",
    "( ( ( size ( #a )) < #b ) AND ( c > :s ) )",
    "((a = :n))",
    "((((((((((a = :n))))))))))",
    "a < :m OR a = a",
    "f(g(h(a, b), :n)) = size(size(a))",
    "a = :n AND sk BETWEEN :n AND",
    "status = :undefined",
    "a[99999999999999999999] = #undefined",
    "NOT NOT NOT NOT NOT NOT a=:n",
];

#[test]
fn conditions() {
    drive("condition", fuzz::condition, texts(&CONDITIONS));
}

#[test]
fn key_conditions() {
    let mut corpus = texts(&CONDITIONS);
    corpus.extend(texts(&[
        "a = :n AND b > :n",
        ":n = (a) and begins_with(b, :s)",
        "(a = :n) AND (b BETWEEN :n AND :n)",
    ]));
    drive("key_condition", fuzz::key_condition, corpus);
}

#[test]
fn read_requests() {
    let corpus = texts(&[
        r#"{"TableName":"Books","KeyConditionExpression":"pk = :p AND sk > :n","ExpressionAttributeValues":{":p":{"S":"x"},":n":{"N":"1"}},"Limit":1}"#,
        r#"{"TableName":"Books","IndexName":"Global","KeyConditionExpression":"a = :p AND b = :n AND c BETWEEN :b AND :b","ExpressionAttributeValues":{":p":{"S":"x"},":n":{"N":"1"},":b":{"B":"AP8="}},"ScanIndexForward":false}"#,
        r#"{"TableName":"Books","KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}},"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"}}}"#,
        r#"{"TableName":"Books","Segment":1,"TotalSegments":3,"FilterExpression":"a <> b","Select":"COUNT","ReturnConsumedCapacity":"INDEXES"}"#,
        r#"{"TableName":"Books","IndexName":"Local","ProjectionExpression":"a, q.r[0]","ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"},"a":{"S":"x"}}}"#,
        r#"{"TableName":"Books","ScanFilter":{"a":{"ComparisonOperator":"NOT_NULL"}},"AttributesToGet":["a"]}"#,
    ]);
    drive("read_request", fuzz::read_request, corpus);
}

#[test]
fn stream_texts() {
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Books/stream/2026-11-21T19:50:45.123";
    let iterator = ShardIterator {
        stream: StreamName::parse(arn, &account()).unwrap(),
        shard: 8,
        start: Start::After(Position::after_commit(7, 99)),
        issued_at: 1_700_000_000_123,
    };
    let mut corpus = texts(&[
        arn,
        &iterator.encode(&account()),
        "10000000100000000000000000050000000001",
        "99999999992233720368547758074294967295",
        "shardId-00000001700000000123-00000008",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Bücher/stream/|1|",
    ]);
    // Version, kind, shard, epoch, lsn, ordinal, time.
    for kind in 0..4 {
        let mut fields = vec![1, kind, 0, 0, 0, 8, 0, 0, 0, 7];
        fields.extend([0_u64.to_be_bytes(), 5_u64.to_be_bytes()].concat());
        fields.extend([0, 0, 0, 9]);
        corpus.push(fields);
    }
    drive("stream_texts", fuzz::stream_texts, corpus);
}

#[test]
fn updates() {
    let corpus = texts(&[
        "SET a.b[0] = a.b[0] + :n, q = if_not_exists(q, :l) REMOVE l[1], c",
        "set l[7] = :s, l[1][0] = (b - (:n)) add s :x, b :n delete a.b[2] :x",
        "SET l = list_append(if_not_exists(l, :l), :l), #a.x = :m",
        "ADD q :x DELETE s :x",
        "REMOVE #a.b[0], #a.b[1], #a.b[2], q.r",
        "SET a = :n SET a.b = :n, a[0] = b",
        "SET a = list_append(list_append(a, b), :l)",
        "SET a = if_not_exists(if_not_exists(a, :n), f(b))",
    ]);
    drive("update", fuzz::update, corpus);
}

#[test]
fn projections() {
    let corpus = texts(&[
        "a.b[1], #a.b[0], c, l[1][0]",
        "a, a.b",
        "a.b, a[0]",
        "#undefined, status",
        "l[0],l[1],l[2],q",
        "a . b [ 2 ] , s",
    ]);
    drive("projection", fuzz::projection, corpus);
}

#[test]
fn statements() {
    let corpus = texts(&[
        "SELECT * FROM Books WHERE pk = 'k' AND sk BETWEEN 1 AND ?",
        "SELECT m.k, l[1][0], \"a\" FROM \"Books\".\"Local\" WHERE pk IN ['k', 'x'] AND a > 'a' ORDER BY pk DESC, a",
        "SELECT * FROM Books WHERE pk = ? AND (sk < 1 OR sk IN (?, 7) OR sk > 9) AND NOT begins_with(a, 'z')",
        "SELECT pk FROM Books WHERE pk = 'k' AND NOT sk = 1 OR pk = 'k' AND sk = 3",
        "SELECT * FROM Books WHERE (attribute_exists(a) = ?) IN [true, false] OR size(l) >= - -1 AND s = <<'x','y'>>",
        "SELECT * FROM Books WHERE a IS MISSING OR m IS NOT NULL AND l IS LIST AND contains(s, 'x') -- note",
        "INSERT INTO Books VALUE {'pk': ?, 'sk': -1.5e3, 'x': [1, {'k': <<1, 2>>}, 'it''s', null, true]}",
        "UPDATE Books SET n = n + 1 - 2, l = list_append(l, [?]), m.k = 'v' SET s = set_add(s, ?) REMOVE l[0] WHERE pk = 'k' AND sk = 3 AND a = 'x' RETURNING MODIFIED NEW *",
        "FROM Books WHERE pk = ? AND sk = ? SET s = set_delete(s, <<'x'>>) REMOVE a RETURNING ALL OLD *",
        "DELETE FROM Books WHERE (pk = 'k' AND sk = 3) AND (a = 'y' OR NOT NOT b <> 5) RETURNING ALL OLD *;",
        "EXISTS(SELECT * FROM Books WHERE pk = 'k' AND sk = 3 AND a IS MISSING) /* c */",
        "SELECT * FROM Books WHERE ((((((((((a = 1))))))))))",
        "SELECT * FROM Books WHERE a = [[[[{'x': {'y': <<<<1>>>>}}]]]]",
        "SELECT COUNT(*) FROM Books t WHERE a = 1e99999999999",
    ]);
    drive("statement", fuzz::statement, corpus);
}
