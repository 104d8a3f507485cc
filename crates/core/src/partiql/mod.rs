//! PartiQL: statements of ExecuteStatement, BatchExecuteStatement and ExecuteTransaction.
//!
//! A text is parsed once per thread and kept ([`ast`]). With the request's parameters and the table's definition it
//! becomes the requests that the other operations make: reads of ranges ([`select`]), PutItem, UpdateItem and
//! DeleteItem ([`write`]). Conditions become the trees of [`crate::expression`].

use crate::expression::cache::{Cache, cached};
use crate::{ApiError, Result};
use ast::Statement;
use std::cell::RefCell;
use std::rc::Rc;

pub mod ast;
mod batch;
mod columns;
mod condition;
mod keys;
mod page;
mod parse;
mod scan;
mod select;
mod token;
mod write;

pub use batch::StatementBatch;
pub use columns::Columns;
pub use page::StatementPage;
pub use select::{Branch, SelectPlan};

pub(crate) use condition::Bound;
pub(crate) use select::SelectOptions;
pub(crate) use token::{Binding, mismatch as token_mismatch};
pub(crate) use write::{
    KeyRule, delete_request, exists_parts, insert_request, only_key, update_request,
};

thread_local! {
    static STATEMENTS: RefCell<Cache<Statement>> = RefCell::new(Cache::default());
}

/// The tree of a statement's text. Err: ValidationException with DynamoDB's text for the first fault.
pub fn parse(text: &str) -> Result<Rc<Statement>> {
    cached(&STATEMENTS, text, parse::parse)
}

/// A text that is no statement.
fn malformed(detail: &str) -> ApiError {
    ApiError::validation(format!(
        "Statement wasn't well formed, can't be processed: {detail}"
    ))
}

fn too_deep() -> ApiError {
    ApiError::validation("Nesting Levels have exceeded supported limits")
}
