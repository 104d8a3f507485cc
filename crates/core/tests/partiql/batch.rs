//! BatchExecuteStatement as far as it needs no table.
use crate::fixtures::{account, json};
use pg_dynamo_core::Result;
use pg_dynamo_core::request::{BatchExecuteStatementRequest, ReadOptions};
use pg_dynamo_core::table::TableDefinition;

fn parse(statements: &[&str]) -> Result<BatchExecuteStatementRequest> {
    let members: Vec<String> = statements
        .iter()
        .map(|text| {
            let mut out = String::from("{\"Statement\":");
            pg_dynamo_core::json::write_string(&mut out, text);
            out.push('}');
            out
        })
        .collect();
    let request = format!(r#"{{"Statements":[{}]}}"#, members.join(","));
    BatchExecuteStatementRequest::parse(&json(&request), &account())
}

#[test]
fn a_batch_reads_or_writes() {
    let select = "SELECT * FROM T WHERE pk = 'a' AND sk = '1'";
    let delete = "DELETE FROM T WHERE pk = 'a' AND sk = '1'";
    assert_eq!(
        parse(&[select, delete]).unwrap_err().message,
        "Read and write requests together in the same batch is not supported."
    );
    assert!(parse(&[select, select]).is_ok() && parse(&[delete, delete]).is_ok());
    assert!(
        parse(&[])
            .unwrap_err()
            .message
            .contains("length greater than or equal to 1")
    );
    assert!(
        parse(&vec![select; 26])
            .unwrap_err()
            .message
            .contains("length less than or equal to 25")
    );
}

#[test]
fn a_fault_of_a_statement_is_its_own() {
    let batch = parse(&[
        "SELECTT",
        "DELETE FROM T WHERE pk = 'a' RETURNING ALL NEW *",
        "DELETE FROM T",
    ])
    .unwrap();
    let faults: Vec<bool> = batch.statements.iter().map(Result::is_err).collect();
    assert_eq!(faults, [true, true, false]);
}

fn one_item(table: &TableDefinition, statement: &str) -> Result<()> {
    let request = parse(&[statement])?;
    let statement = request.statements.into_iter().next().unwrap()?;
    statement
        .bind_one_item(table, ReadOptions::default(), "BatchExecuteStatement")
        .map(drop)
}

#[test]
fn a_select_of_a_batch_names_a_key_and_nothing_else() {
    let table = crate::store::table_t();
    for statement in [
        "SELECT * FROM T WHERE pk = 'a' AND sk = '1'",
        "SELECT n, m.x FROM T WHERE pk IN ['a'] AND sk = '1' AND pk = 'a'",
    ] {
        assert_eq!(one_item(&table, statement), Ok(()), "{statement}");
    }
    for statement in [
        "SELECT * FROM T WHERE pk = 'a'",
        "SELECT * FROM T",
        "SELECT * FROM T WHERE pk = 'a' AND sk = '1' AND n = 1",
        "SELECT * FROM T WHERE pk = 'a' AND sk = '1' AND pk = 'b'",
        "SELECT * FROM T WHERE pk = 'a' AND sk IN ['1', '2']",
        "SELECT * FROM T.Keys WHERE g = 'G'",
    ] {
        assert_eq!(
            one_item(&table, statement).unwrap_err().message,
            "Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
            "{statement}"
        );
    }
}
