//! `dynamo.query` and `dynamo.scan` as sets of items.
//!
//! A set-returning function in FROM is computed whole before its first row is used, whatever LIMIT says. So the
//! planner is given a node of our own in its place, which reads as far as it is asked to (`plan`, `execute`,
//! `explain`). Where there is no such place (WITH ORDINALITY, ROWS FROM of several functions, in a SELECT list)
//! the function itself answers the same rows, materialised (`function`).

mod arguments;
mod execute;
mod explain;
mod function;
mod node;
mod order;
mod plan;

pub use function::materialized;
pub use plan::register;
