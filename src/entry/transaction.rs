//! Transactions for people writing SQL.

use super::api;
use super::boundary::export;
use pg_dynamo_core::json::write_string;
use pg_dynamo_core::operation::Operation;

/// `actions`: JSON, as `dynamo.transact_put` and its like make it.
fn transact_write_items_named(token: Option<&str>, actions: Option<Vec<Option<String>>>) {
    let mut request = String::from("{\"TransactItems\":[");
    let actions = actions.unwrap_or_default();
    for (i, action) in actions.iter().enumerate() {
        if i > 0 {
            request.push(',');
        }
        request.push_str(action.as_deref().unwrap_or("null"));
    }
    request.push(']');
    if let Some(token) = token {
        request.push_str(",\"ClientRequestToken\":");
        write_string(&mut request, token);
    }
    request.push('}');
    api::run(Operation::TransactWriteItems, &request);
}

export!(transact_write_items_named);
