//! What Query and Scan share: one page of a range.

use super::ItemSet;
use pg_dynamo_core::Result;

/// Reads as far as the page goes, and no row further.
pub fn reply(set: &ItemSet) -> Result<String> {
    let mut page = set.read.page(String::new());
    set.open(false).each(|item| page.offer(item))?;
    page.finish()
}
