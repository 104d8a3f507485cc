//! Keys of the greatest size, random so that nothing compresses them.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// `length` characters that no compression shortens much, different for each `seed`.
    fn noise(length: usize, seed: u64) -> String {
        const LETTERS: &[u8; 64] =
            b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/";
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(LETTERS[(state >> 58) as usize])
        };
        (0..length).map(|_| next()).collect()
    }

    /// `bytes` random bytes, in base64; `bytes` is brought to a multiple of three by a tail of fixed ones.
    fn binary(bytes: usize, seed: u64) -> String {
        let tail = ["", "AA==", "AAA="][bytes % 3];
        noise(bytes / 3 * 4, seed) + tail
    }

    fn value(kind: &str, bytes: usize, seed: u64) -> Value {
        match kind {
            "S" => json!({"S": noise(bytes, seed)}),
            _ => json!({"B": binary(bytes, seed)}),
        }
    }

    #[pg_test]
    fn maximum_keys_of_every_type_fit() {
        for (partition, sort) in [("S", "S"), ("S", "B"), ("B", "S"), ("B", "B")] {
            let table = format!("maximum_keys_{partition}_{sort}");
            run(&format!(
                "SELECT dynamo.create_table('{table}', 'p', '{partition}', 's', '{sort}')"
            ));
            let key =
                |p: u64, s: u64| json!({"p": value(partition, 2048, p), "s": value(sort, 1024, s)});
            for (p, s) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
                put(
                    &table,
                    &with(&key(p, s), &json!({"is": {"S": format!("{p} {s}")}})),
                );
            }
            for (p, s) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
                let item = get(&table, &key(p, s));
                assert_eq!(item["is"], json!({"S": format!("{p} {s}")}));
            }
            let update = json!({"TableName": table, "Key": key(1, 2), "UpdateExpression": "SET n = :n", "ReturnValues": "UPDATED_NEW",
                "ExpressionAttributeValues": {":n": {"N": "1"}}});
            assert_eq!(
                call("update_item", &update),
                json!({"Attributes": {"n": {"N": "1"}}})
            );
            call(
                "delete_item",
                &json!({"TableName": table, "Key": key(2, 1)}),
            );
            assert_eq!(
                count(&format!("SELECT count(*) FROM dynamo_tables.\"{table}\"")),
                3
            );
        }
    }

    #[pg_test]
    fn maximum_keys_one_byte_more_is_refused() {
        for kind in ["S", "B"] {
            let table = format!("maximum_keys_more_{kind}");
            run(&format!(
                "SELECT dynamo.create_table('{table}', 'p', '{kind}', 's', '{kind}')"
            ));
            let cases = [
                (
                    2049,
                    1,
                    "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
                ),
                (
                    1,
                    1025,
                    "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
                ),
            ];
            for (p, s, message) in cases {
                let key = json!({"p": value(kind, p, 1), "s": value(kind, s, 1)});
                expect_refusal(
                    "put_item",
                    &json!({"TableName": table, "Item": key}),
                    VALIDATION,
                    message,
                );
                for function in ["get_item", "update_item", "delete_item"] {
                    expect_refusal(
                        function,
                        &json!({"TableName": table, "Key": key}),
                        VALIDATION,
                        message,
                    );
                }
                let plain = failure_with(
                    &format!("INSERT INTO dynamo_tables.\"{table}\" (item) SELECT $1::dynamo.item"),
                    &key.to_string(),
                );
                assert_eq!(
                    plain.sqlstate, "DY001",
                    "plain SQL obeys the limits of keys"
                );
            }
        }
    }

    #[pg_test]
    fn maximum_keys_bytes_count_not_characters() {
        run("SELECT dynamo.create_table('maximum_keys_utf8', 'p', 'S', 's', 'S')");
        let key =
            |p: usize, s: usize| json!({"p": {"S": "é".repeat(p)}, "s": {"S": "é".repeat(s)}});
        put("maximum_keys_utf8", &key(1024, 512));
        for (p, s) in [(1025, 512), (1024, 513)] {
            let request = json!({"TableName": "maximum_keys_utf8", "Item": key(p, s)});
            assert_eq!(refusal("put_item", &request).sqlstate, "DY001");
        }
    }

    #[pg_test]
    fn maximum_keys_numbers_of_38_digits() {
        run("SELECT dynamo.create_table('maximum_keys_numbers', 'p', 'N', 's', 'N')");
        let digits = "9".repeat(38);
        let written = [
            format!("-{digits}E+88"),
            format!("-{digits}"),
            "-1E-130".to_owned(),
            "0".to_owned(),
            "1E-130".to_owned(),
            format!("0.{digits}"),
            digits.clone(),
            format!("{digits}E+88"),
        ];
        for p in &written {
            for s in &written {
                put(
                    "maximum_keys_numbers",
                    &json!({"p": {"N": p}, "s": {"N": s}, "sum": {"S": format!("{p} {s}")}}),
                );
            }
        }
        for p in &written {
            let key = json!({"p": {"N": p}, "s": {"N": p}});
            assert_eq!(
                get("maximum_keys_numbers", &key)["sum"],
                json!({"S": format!("{p} {p}")})
            );
        }
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.maximum_keys_numbers"),
            64
        );
        // The bytes of a sort key are in the order of the numbers.
        let order = "SELECT string_agg(item ->> 's', ' ' ORDER BY sk) FROM dynamo_tables.maximum_keys_numbers WHERE item ->> 'p' = '0'";
        let numeric = "SELECT string_agg(item ->> 's', ' ' ORDER BY (item -> 's')::numeric) FROM dynamo_tables.maximum_keys_numbers WHERE item ->> 'p' = '0'";
        assert_eq!(text(order), text(numeric));
    }
}
