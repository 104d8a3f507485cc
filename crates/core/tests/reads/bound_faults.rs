//! What the table's keys and indexes refuse, and which fault comes first.
use crate::fixtures::{account, hash_table, json};
use crate::store::{books, query, refused, scan};
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::request::{QueryRequest, ReadOptions};
use pg_dynamo_core::table::{IndexState, TableDefinition};

const INVALID_KEY: &str = "The provided starting key is invalid";
const MISMATCH: &str = "The provided key element does not match the schema";

fn ask(members: &str) -> String {
    format!(r#"{{"TableName":"Books",{members}}}"#)
}

/// A key condition with `:p` a string, `:n` a number, `:b` binary and `:l` a long string.
fn condition(text: &str) -> String {
    let long = "x".repeat(1025);
    let mut values = vec![
        ":p={\"S\":\"p\"}".to_owned(),
        ":n={\"N\":\"1\"}".to_owned(),
        ":m={\"N\":\"2\"}".to_owned(),
        ":b={\"B\":\"AA==\"}".to_owned(),
        ":e={\"S\":\"\"}".to_owned(),
        format!(":l={{\"S\":\"{long}\"}}"),
        format!(":h={{\"S\":\"{long}{long}\"}}"),
    ];
    values.retain(|v| {
        let name = v.split('=').next().unwrap();
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':')
            .any(|word| word == name)
    });
    let values: Vec<String> = values
        .iter()
        .map(|v| {
            let (name, value) = v.split_once('=').unwrap();
            format!("\"{name}\":{value}")
        })
        .collect();
    format!(
        r#""KeyConditionExpression":"{text}","ExpressionAttributeValues":{{{}}}"#,
        values.join(",")
    )
}

fn says(table: &TableDefinition, members: &str, expected: &str) {
    let error = refused(query(table, &ask(members)));
    assert_eq!(error.message, expected, "{members}");
    assert_eq!(error.kind, ErrorKind::Validation);
}

#[test]
fn key_conditions_must_fit_the_keys() {
    let table = books();
    let missed = |name: &str| format!("Query condition missed key schema element: {name}");
    let unsupported = "Query key condition not supported".to_owned();
    let mismatch = "One or more parameter values were invalid: Condition parameter type does not match schema type";
    let cases = [
        ("", "sk = :p", missed("pk")),
        ("", "pk = :p AND x = :p", missed("sk")),
        ("", "pk > :p", unsupported.clone()),
        ("", "pk = :n", mismatch.to_owned()),
        ("", "pk = :p AND sk > :n", mismatch.to_owned()),
        ("", "pk = :p AND sk BETWEEN :n AND :m", mismatch.to_owned()),
        ("", "pk > :n", mismatch.to_owned()),
        ("ByYear", "pk = :p AND sk = :p", missed("Year")),
        ("Genre", "Genre = :p AND pk = :p", unsupported.clone()),
        ("GenreYear", "pk = :p", missed("Genre")),
        ("GenreYear", "begins_with(Genre, :p)", unsupported.clone()),
        ("Shelf", "Genre = :p", missed("Room")),
        ("Shelf", "Genre = :p AND Room > :n", unsupported.clone()),
        (
            "Shelf",
            "Room = :n AND Genre = :p AND #c = :n",
            missed("Row"),
        ),
        (
            "Shelf",
            "Genre = :p AND Room = :n AND #r = :p AND Tag = :b",
            missed("Column"),
        ),
        (
            "Shelf",
            "Genre = :p AND Room = :n AND #r > :p AND #c = :n",
            unsupported.clone(),
        ),
        (
            "Shelf",
            "Genre = :p AND Room = :n AND #r = :p AND #c = :p",
            mismatch.to_owned(),
        ),
        (
            "Shelf",
            "Genre = :p AND Room = :n AND #r = :p AND #c = :n AND Tag = :b AND pk = :p",
            unsupported,
        ),
    ];
    for (index, text, expected) in cases {
        let mut members = condition(text);
        if !index.is_empty() {
            members.push_str(&format!(",\"IndexName\":\"{index}\""));
        }
        let names = [("#r", "Row"), ("#c", "Column")].map(|(p, n)| (text.contains(p), p, n));
        let names: Vec<String> = names
            .iter()
            .filter(|n| n.0)
            .map(|n| format!("\"{}\":\"{}\"", n.1, n.2))
            .collect();
        if !names.is_empty() {
            members.push_str(&format!(
                ",\"ExpressionAttributeNames\":{{{}}}",
                names.join(",")
            ));
        }
        says(&table, &members, &expected);
    }
}

#[test]
fn key_values_are_not_empty_and_not_too_long() {
    let table = books();
    let empty = |name: &str| {
        format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
             an empty string value. Key: {name}"
        )
    };
    says(&table, &condition("pk = :e"), &empty("pk"));
    says(&table, &condition("pk = :p AND sk >= :e"), &empty("sk"));
    says(
        &table,
        &condition("pk = :p AND begins_with(sk, :e)"),
        &empty("sk"),
    );
    says(
        &table,
        &condition("pk = :h"),
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
    );
    says(
        &table,
        &condition("pk = :p AND sk < :l"),
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
    );
}

#[test]
fn an_index_must_be_there_and_complete() {
    let mut table = books();
    let ask = |name: &str| format!("{},\"IndexName\":\"{name}\"", condition("Genre = :p"));
    says(
        &table,
        &ask("None"),
        "The table does not have the specified index: None",
    );
    let backfilling = "Cannot read from backfilling global secondary index: Genre";
    for (state, expected) in [
        (IndexState::Creating, backfilling),
        (IndexState::Backfilling, backfilling),
        (
            IndexState::Deleting,
            "The table does not have the specified index: Genre",
        ),
    ] {
        table.global_indexes[0].state = state;
        says(&table, &ask("Genre"), expected);
        let request = r#"{"TableName":"Books","IndexName":"Genre"}"#;
        assert_eq!(refused(scan(&table, request)).message, expected);
    }
}

#[test]
fn a_global_index_is_read_consistently_only_where_the_server_allows_it() {
    let table = books();
    let members = format!(
        "{},\"IndexName\":\"Genre\",\"ConsistentRead\":true",
        condition("Genre = :p")
    );
    let text = "Consistent reads are not supported on global secondary indexes";
    says(&table, &members, text);
    let request = r#"{"TableName":"Books","IndexName":"Genre","ConsistentRead":true}"#;
    assert_eq!(refused(scan(&table, request)).message, text);
    let allowed = ReadOptions {
        allow_consistent_gsi: true,
    };
    let text = ask(&members);
    let request = QueryRequest::parse(&json(&text), &account()).unwrap();
    assert!(request.bind(&table, allowed).unwrap().consistent());
    let local = format!(
        "{},\"IndexName\":\"ByYear\",\"ConsistentRead\":true",
        condition("pk = :p")
    );
    query(&table, &ask(&local)).unwrap();
}

fn start(index: &str, text: &str, key: &str) -> String {
    let index = match index {
        "" => String::new(),
        name => format!(",\"IndexName\":\"{name}\""),
    };
    format!("{},\"ExclusiveStartKey\":{key}{index}", condition(text))
}

#[test]
fn starting_keys_of_a_query_have_the_attributes_of_table_and_index() {
    let table = books();
    let (pk, sk, year) = (
        r#""pk":{"S":"p"}"#,
        r#""sk":{"S":"a"}"#,
        r#""Year":{"N":"1"}"#,
    );
    let genre = r#""Genre":{"S":"p"}"#;
    let own = format!("{INVALID_KEY}: {MISMATCH}");
    let cases = [
        ("", "pk = :p", "{}".to_owned(), INVALID_KEY),
        ("", "pk = :p", format!("{{{pk}}}"), INVALID_KEY),
        ("", "pk = :p", format!("{{{pk},{sk},{year}}}"), INVALID_KEY),
        ("", "pk = :p", format!("{{{pk},{year}}}"), INVALID_KEY),
        (
            "",
            "pk = :p",
            format!(r#"{{{pk},"sk":{{"N":"1"}}}}"#),
            MISMATCH,
        ),
        (
            "",
            "pk = :p",
            format!(r#"{{"pk":{{"B":"AA=="}},{sk}}}"#),
            MISMATCH,
        ),
        ("ByYear", "pk = :p", format!("{{{pk},{sk}}}"), INVALID_KEY),
        (
            "ByYear",
            "pk = :p",
            format!(r#"{{{pk},{sk},"Year":{{"S":"1"}}}}"#),
            MISMATCH,
        ),
        (
            "ByYear",
            "pk = :p",
            format!(r#"{{{pk},"sk":{{"N":"1"}},{year}}}"#),
            &own,
        ),
        (
            "ByYear",
            "pk = :p",
            format!(r#"{{{pk},"x":{{"S":"1"}},{year}}}"#),
            &own,
        ),
        (
            "GenreYear",
            "Genre = :p",
            format!("{{{pk},{sk},{genre}}}"),
            INVALID_KEY,
        ),
        (
            "GenreYear",
            "Genre = :p",
            format!(r#"{{"pk":{{"N":"1"}},{sk},{genre},{year}}}"#),
            &own,
        ),
        (
            "Genre",
            "Genre = :p",
            format!(r#"{{{pk},{sk},"Genre":{{"N":"1"}}}}"#),
            MISMATCH,
        ),
    ];
    for (index, text, key, expected) in cases {
        says(&table, &start(index, text, &key), expected);
    }
}

#[test]
fn starting_keys_of_a_query_lie_within_it() {
    let table = books();
    let outside =
        "The provided starting key is outside query boundaries based on provided conditions";
    let predicate = "The provided starting key does not match the range key predicate";
    let one_row = "The query can return at most one row and cannot be restarted";
    let key = |pk: &str, sk: &str| format!(r#"{{"pk":{{"S":"{pk}"}},"sk":{{"S":"{sk}"}}}}"#);
    let genre = |genre: &str, year: u8| {
        format!(
            r#"{{"pk":{{"S":"p"}},"sk":{{"S":"a"}},"Genre":{{"S":"{genre}"}},"Year":{{"N":"{year}"}}}}"#
        )
    };
    for (index, text, key, expected) in [
        ("", "pk = :p", key("q", "a"), outside),
        ("", "pk = :p AND sk > :p", key("p", "a"), predicate),
        ("", "pk = :p AND sk > :p", key("q", "a"), predicate),
        ("", "pk = :p AND sk < :p", key("q", "a"), one_row),
        ("", "pk = :p AND sk = :p", key("p", "p"), one_row),
        ("GenreYear", "Genre = :p", genre("q", 1), outside),
        (
            "GenreYear",
            "Genre = :p AND #y > :n",
            genre("p", 1),
            predicate,
        ),
        (
            "GenreYear",
            "Genre = :p AND #y = :n",
            genre("q", 1),
            one_row,
        ),
    ] {
        let mut members = start(index, text, &key);
        if text.contains("#y") {
            members.push_str(r##","ExpressionAttributeNames":{"#y":"Year"}"##);
        }
        says(&table, &members, expected);
    }
    // On an index more than one row may be equal in all its keys.
    let again = start("GenreYear", "Genre = :p AND #y = :n", &genre("p", 1))
        + r##","ExpressionAttributeNames":{"#y":"Year"}"##;
    query(&table, &ask(&again)).unwrap();
}

#[test]
fn a_query_of_a_table_without_sort_key_does_not_go_on() {
    let request = r#"{"TableName":"Hash","KeyConditionExpression":"pk = :p",
        "ExpressionAttributeValues":{":p":{"S":"a"}},"ExclusiveStartKey":{"pk":{"S":"a"}}}"#;
    assert_eq!(
        refused(query(&hash_table(), request)).message,
        "The provided exclusive start key is invalid: ExclusiveStartKey: {pk=AttributeValue: {S:a}}"
    );
}

#[test]
fn starting_keys_of_a_scan() {
    let table = books();
    let own = format!("{INVALID_KEY}: {MISMATCH}");
    for (index, key, expected) in [
        ("", "{}", own.as_str()),
        ("", r#"{"pk":{"S":"p"}}"#, &own),
        ("", r#"{"pk":{"S":"p"},"sk":{"N":"1"}}"#, &own),
        (
            "",
            r#"{"pk":{"S":"p"},"sk":{"S":"a"},"Year":{"N":"1"}}"#,
            &own,
        ),
        ("Genre", r#"{"pk":{"S":"p"},"sk":{"S":"a"}}"#, INVALID_KEY),
        (
            "Genre",
            r#"{"pk":{"S":"p"},"sk":{"S":"a"},"Genre":{"N":"1"}}"#,
            MISMATCH,
        ),
        (
            "Genre",
            r#"{"pk":{"S":"p"},"sk":{"N":"1"},"Genre":{"S":"a"}}"#,
            &own,
        ),
        (
            "Genre",
            r#"{"pk":{"S":""},"sk":{"S":"a"},"Genre":{"S":"a"}}"#,
            "The provided starting key is invalid: One or more parameter values are not valid. The AttributeValue \
             for a key attribute cannot contain an empty string value. Key: pk",
        ),
    ] {
        let index = match index {
            "" => String::new(),
            name => format!(",\"IndexName\":\"{name}\""),
        };
        let request = format!(r#"{{"TableName":"Books","ExclusiveStartKey":{key}{index}}}"#);
        assert_eq!(
            refused(scan(&table, &request)).message,
            expected,
            "{request}"
        );
    }
}

#[test]
fn a_filter_of_a_query_leaves_the_keys_alone() {
    let table = books();
    let text =
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: ";
    for (index, key, filter, name) in [
        ("", "pk = :p", "attribute_exists(Note) AND sk > :p", "sk"),
        ("", "pk = :p", "pk.x = :p", "pk"),
        ("ByYear", "pk = :p", "attribute_exists(#y)", "Year"),
        ("Genre", "Genre = :p", "size(Genre) > :n", "Genre"),
    ] {
        let mut members =
            condition(&format!("{key} {filter}")).replacen(&format!(" {filter}"), "", 1);
        members.push_str(&format!(",\"FilterExpression\":\"{filter}\""));
        if !index.is_empty() {
            members.push_str(&format!(",\"IndexName\":\"{index}\""));
        }
        if filter.contains("#y") {
            members.push_str(r##","ExpressionAttributeNames":{"#y":"Year"}"##);
        }
        says(&table, &members, &format!("{text}{name}"));
    }
    // The table's own keys are no keys of the index, and a Scan may ask for all.
    let members = condition("Genre = :p") + r#","IndexName":"Genre","FilterExpression":"sk = :p""#;
    query(&table, &ask(&members)).unwrap();
    let request = r#"{"TableName":"Books","FilterExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"p"}}}"#;
    scan(&table, request).unwrap();
    let legacy = r#""KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}},
        "QueryFilter":{"sk":{"ComparisonOperator":"NOT_NULL"}}"#;
    says(
        &table,
        legacy,
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk",
    );
}

#[test]
fn expressions_do_not_look_into_keys() {
    let table = books();
    let text = |kind: &str, name: &str| {
        format!(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {kind}: {name}"
        )
    };
    let project = |path: &str| {
        format!(
            "{},\"ProjectionExpression\":\"{path}\"",
            condition("pk = :p")
        )
    };
    says(&table, &project("sk.x"), &text("Key", "sk"));
    says(
        &table,
        &project("Note, Genre[0]"),
        &text("IndexKey", "Genre"),
    );
    let filter = condition("pk = :p") + r#","FilterExpression":"attribute_exists(Genre.a)""#;
    says(&table, &filter, &text("IndexKey", "Genre"));
    let request = r#"{"TableName":"Books","FilterExpression":"attribute_exists(pk.a)"}"#;
    assert_eq!(refused(scan(&table, request)).message, text("Key", "pk"));
}

/// Each request has all faults from its place on; the first must be the one that is told.
#[test]
fn a_query_reports_index_consistency_start_key_condition_boundaries_filter_select() {
    let table = books();
    let faults = [
        (
            "The table does not have",
            r#""IndexName":"None""#,
            r#""IndexName":"GenreYear""#,
        ),
        (
            "Consistent reads",
            r#""ConsistentRead":true"#,
            r#""ConsistentRead":false"#,
        ),
        (
            INVALID_KEY,
            r#""ExclusiveStartKey":{}"#,
            r#""ExclusiveStartKey":{"pk":{"S":"p"},"sk":{"S":"a"},"Genre":{"S":"q"},"Year":{"N":"1"}}"#,
        ),
        (
            "Query key condition",
            r#""KeyConditionExpression":"Genre > :p""#,
            r#""KeyConditionExpression":"Genre = :p""#,
        ),
        (
            "outside query boundaries",
            "",
            r#""ExclusiveStartKey":{"pk":{"S":"p"},"sk":{"S":"a"},"Genre":{"S":"p"},"Year":{"N":"1"}}"#,
        ),
        (
            "Filter Expression can only",
            r#""FilterExpression":"attribute_exists(Genre)""#,
            r#""FilterExpression":"attribute_exists(Elsewhere)""#,
        ),
        (
            "Select type ALL_ATTRIBUTES",
            r#""Select":"ALL_ATTRIBUTES""#,
            "",
        ),
        (
            "does not project one or more filter attributes",
            "",
            r#""FilterExpression":"attribute_exists(pk.a)""#,
        ),
        ("Key attributes must be scalars", "", ""),
    ];
    let name = |member: &str| member.split(':').next().unwrap().to_owned();
    for i in 0..faults.len() {
        let mut members = vec![
            r#""TableName":"Books""#.to_owned(),
            r#""ExpressionAttributeValues":{":p":{"S":"p"}}"#.to_owned(),
        ];
        let mut put = |member: &str, over: bool| {
            let place = members.iter().position(|m| name(m) == name(member));
            match place {
                _ if member.is_empty() => {}
                Some(place) if over => members[place] = member.to_owned(),
                Some(_) => {}
                None => members.push(member.to_owned()),
            }
        };
        for (_, _, right) in &faults[..i] {
            put(right, true);
        }
        for (_, wrong, _) in &faults[i..] {
            put(wrong, false);
        }
        let request = format!("{{{}}}", members.join(","));
        let error = refused(query(&table, &request)).message;
        assert!(error.contains(faults[i].0), "{i}: {error:?} for {request}");
    }
}
