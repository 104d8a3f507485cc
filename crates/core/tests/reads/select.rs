//! What a reply shows of the items: Select, projections, and what an index holds.
use crate::store::{Pieces, Store, books, item_text, items_of, query, refused, scan};
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::value::ItemBuf;

const DUNE: &str = r#"{"pk":{"S":"p"},"sk":{"S":"a"},"Genre":{"S":"Novel"},"Year":{"N":"1965"},"Place":{"S":"Arrakis"},"Note":{"M":{"x":{"S":"sand"},"y":{"L":[{"N":"1"},{"N":"2"}]}}},"Body":{"S":"long"}}"#;

fn store() -> Store {
    Store::new(
        books(),
        &[
            DUNE,
            r#"{"pk":{"S":"p"},"sk":{"S":"b"},"Genre":{"S":"Novel"},"Body":{"S":"short"}}"#,
        ],
    )
}

const BY_PK: &str =
    r#""KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"p"}}"#;
const BY_GENRE: &str =
    r#""KeyConditionExpression":"Genre = :p","ExpressionAttributeValues":{":p":{"S":"Novel"}}"#;

fn ask(members: &str, more: &str) -> String {
    match more {
        "" => format!(r#"{{"TableName":"Books",{members}}}"#),
        more => format!(r#"{{"TableName":"Books",{members},{more}}}"#),
    }
}

/// The names of the attributes of the first item shown.
fn shown(reply: &str) -> Vec<String> {
    let item = crate::fixtures::item(&items_of(reply)[0]);
    item.as_item()
        .to_attributes()
        .unwrap()
        .into_keys()
        .collect()
}

#[test]
fn a_table_shows_whole_items_and_an_index_what_it_holds() {
    let store = store();
    let keys = ["Genre", "pk", "sk"];
    for (request, expected) in [
        (
            ask(BY_PK, ""),
            &["Body", "Genre", "Note", "Place", "Year", "pk", "sk"][..],
        ),
        (
            ask(BY_PK, r#""Select":"ALL_ATTRIBUTES""#),
            &["Body", "Genre", "Note", "Place", "Year", "pk", "sk"],
        ),
        (
            ask(BY_PK, r#""IndexName":"ByYear""#),
            &["Body", "Genre", "Note", "Place", "Year", "pk", "sk"],
        ),
        (
            ask(BY_PK, r#""IndexName":"ByPlace""#),
            &["Note", "Place", "pk", "sk"],
        ),
        (
            ask(
                BY_PK,
                r#""IndexName":"ByPlace","Select":"ALL_PROJECTED_ATTRIBUTES""#,
            ),
            &["Note", "Place", "pk", "sk"],
        ),
        (
            ask(BY_PK, r#""IndexName":"ByPlace","Select":"ALL_ATTRIBUTES""#),
            &["Body", "Genre", "Note", "Place", "Year", "pk", "sk"],
        ),
        (
            ask(
                BY_PK,
                r#""IndexName":"ByPlace","ProjectionExpression":"Genre, Note.x""#,
            ),
            &["Genre", "Note"],
        ),
        (ask(BY_GENRE, r#""IndexName":"Genre""#), &keys),
        (
            ask(BY_GENRE, r#""IndexName":"GenreYear""#),
            &["Genre", "Note", "Year", "pk", "sk"],
        ),
        (
            ask(
                BY_GENRE,
                r#""IndexName":"GenreYear","ProjectionExpression":"Note.y[1], sk""#,
            ),
            &["Note", "sk"],
        ),
    ] {
        assert_eq!(shown(&store.query(&request)), expected, "{request}");
    }
    let request = r#"{"TableName":"Books","IndexName":"Genre"}"#;
    assert_eq!(shown(&store.scan(request)), keys);
    let request = r#"{"TableName":"Books","AttributesToGet":["sk"]}"#;
    assert_eq!(shown(&store.scan(request)), ["sk"]);
}

#[test]
fn nested_parts_keep_their_shape() {
    let store = store();
    let reply = store.query(&ask(
        BY_PK,
        r#""ProjectionExpression":"Note.y[1], Note.x, Nowhere, sk""#,
    ));
    assert_eq!(
        items_of(&reply),
        [
            r#"{"Note":{"M":{"x":{"S":"sand"},"y":{"L":[{"N":"2"}]}}},"sk":{"S":"a"}}"#,
            r#"{"sk":{"S":"b"}}"#
        ]
    );
}

#[test]
fn count_shows_no_items_and_counts_behind_the_filter() {
    let store = store();
    let filter = r#""FilterExpression":"attribute_exists(Note)""#;
    assert_eq!(
        store.query(&ask(BY_PK, &format!(r#"{filter},"Select":"COUNT""#))),
        r#"{"Count":1,"ScannedCount":2}"#
    );
    assert_eq!(
        store
            .scan(&format!(
                r#"{{"TableName":"Books",{filter},"Select":"COUNT","Limit":1}}"#
            ))
            .split(",\"Last")
            .next()
            .unwrap(),
        r#"{"Count":1,"ScannedCount":1"#
    );
}

#[test]
fn a_global_index_is_not_asked_for_what_it_lacks() {
    let table = books();
    let says = |more: &str, expected: &str| {
        let error = refused(query(&table, &ask(BY_GENRE, more)));
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Validation, expected)
        );
    };
    says(
        r#""IndexName":"Genre","ProjectionExpression":"sk, Note.x, Body""#,
        "One or more parameter values were invalid: Global secondary index Genre does not project [Body, Note]",
    );
    says(
        r#""IndexName":"GenreYear","Select":"ALL_ATTRIBUTES""#,
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global \
         secondary index GenreYear because its projection type is not ALL",
    );
    says(
        r#""IndexName":"Genre","FilterExpression":"attribute_exists(Body)""#,
        "One or more parameter values were invalid: Secondary index Genre does not project one or more filter \
         attributes: [Body]",
    );
    let request = r#"{"TableName":"Books","IndexName":"Genre","AttributesToGet":["Body"]}"#;
    assert_eq!(
        refused(scan(&table, request)).message,
        "One or more parameter values were invalid: Global secondary index Genre does not project [Body]"
    );
    query(
        &table,
        &ask(
            BY_GENRE,
            r#""IndexName":"GenreYear","ProjectionExpression":"Note.x, pk""#,
        ),
    )
    .unwrap();
}

#[test]
fn a_filter_of_a_scan_sees_what_the_index_holds() {
    let store = store();
    let ask = |index: &str, test: &str, more: &str| {
        format!(
            r#"{{"TableName":"Books","IndexName":"{index}","FilterExpression":"{test}"{more}}}"#
        )
    };
    let count =
        |request: &str| store.scan(request).split("\"Count\":").nth(1).unwrap()[..1].to_owned();
    assert_eq!(count(&ask("Genre", "attribute_exists(Body)", "")), "0");
    assert_eq!(
        count(&ask(
            "Genre",
            "attribute_not_exists(Note) AND attribute_exists(sk)",
            ""
        )),
        "2"
    );
    assert_eq!(count(&ask("ByPlace", "attribute_exists(Genre)", "")), "0");
    // What is fetched for the reply is seen, too.
    assert_eq!(
        count(&ask(
            "ByPlace",
            "attribute_exists(Genre)",
            r#","Select":"ALL_ATTRIBUTES""#
        )),
        "1"
    );
}

#[test]
fn contradictions_of_select_are_told_in_the_words_of_the_operation() {
    let table = books();
    let prefix = "1 validation error detected: ";
    let index = r#","IndexName":"Genre""#;
    let project = r#","ProjectionExpression":"sk""#;
    let get = r#","AttributesToGet":["sk"]"#;
    for (select, more, expected) in [
        (
            "SPECIFIC_ATTRIBUTES",
            "",
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            "ALL_PROJECTED_ATTRIBUTES",
            "",
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (
            "COUNT",
            project,
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            "ALL_ATTRIBUTES",
            project,
            "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES",
        ),
        (
            "ALL_ATTRIBUTES",
            get,
            "Cannot specify the AttributesToGet when choosing to get ALL_ATTRIBUTES",
        ),
        (
            "ALL_PROJECTED_ATTRIBUTES",
            &format!("{index}{project}"),
            "Cannot specify the ProjectionExpression when choosing to get ALL_PROJECTED_ATTRIBUTES",
        ),
    ] {
        let members = format!(r#""TableName":"Books","Select":"{select}"{more}"#);
        assert_eq!(
            refused(scan(&table, &format!("{{{members}}}"))).message,
            expected
        );
        let key = r#""KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}}"#;
        let request = format!("{{{members},{key}}}");
        assert_eq!(
            refused(query(&table, &request)).message,
            format!("{prefix}{expected}")
        );
    }
}

#[test]
fn rows_of_sql_are_filtered_and_projected_without_a_page() {
    let store = store();
    let items: Vec<ItemBuf> = store.items.clone();
    let read = query(
        &store.table,
        &ask(
            BY_PK,
            r#""FilterExpression":"attribute_exists(Note)","ProjectionExpression":"sk","Limit":1"#,
        ),
    )
    .unwrap();
    let rows: Vec<Option<String>> = items
        .iter()
        .map(|item| {
            read.select_item(&item.as_item())
                .unwrap()
                .map(|i| item_text(&i))
        })
        .collect();
    assert_eq!(rows, [Some(r#"{"sk":{"S":"a"}}"#.to_owned()), None]);
    assert!(!read.shows_whole_items());
    let read = query(&store.table, &ask(BY_PK, "")).unwrap();
    assert!(read.shows_whole_items() && !read.has_filter());
    assert_eq!(
        read.select_item(&items[0].as_item()).unwrap().unwrap(),
        items[0]
    );
}

#[test]
fn of_a_large_item_only_what_is_asked_for_is_fetched() {
    let table = books();
    let item = crate::fixtures::item(DUNE);
    for (more, attributes, wholes) in [
        (r#""Select":"COUNT""#, 0, 0),
        (r#""ProjectionExpression":"sk""#, 1, 0),
        (
            r#""FilterExpression":"attribute_exists(Note)","Select":"COUNT""#,
            1,
            0,
        ),
        (r#""FilterExpression":"attribute_exists(Nowhere)""#, 1, 0),
        ("", 0, 1),
    ] {
        let read = query(&table, &ask(BY_PK, more)).unwrap();
        let mut page = read.page(String::new());
        let pieces = Pieces::new(&item);
        let _ = page.offer(&pieces).unwrap();
        assert_eq!(
            (pieces.attributes.get(), pieces.wholes.get()),
            (attributes, wholes),
            "{more}"
        );
    }
}
