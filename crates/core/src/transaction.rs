//! Transactions bound to their tables: what is written or read, why one is cancelled, and the replies.
//!
//! A transaction is judged first: every action is applied to the item that is there ([`TransactWrite::judge`]).
//! Only when none is refused is anything written.

mod read;
mod reasons;
mod token;
mod write;

pub use read::{TableGets, TransactRead, TransactReply};
pub use reasons::Reasons;
pub use token::Token;
pub use write::TransactWrite;

use crate::limits::MAX_TRANSACTION_SIZE;
use crate::{ApiError, Result};

/// Two actions on one item. The words are the service's.
pub(crate) fn duplicates() -> ApiError {
    ApiError::validation("Transaction request cannot include multiple operations on one item")
}

/// Refuses items that are larger together than a transaction may be. `size`: as DynamoDB counts.
pub(crate) fn check_size(size: usize) -> Result<()> {
    if size > MAX_TRANSACTION_SIZE {
        return Err(ApiError::validation(
            "The aggregate size of the items in the transaction cannot exceed 4 MB",
        ));
    }
    Ok(())
}
