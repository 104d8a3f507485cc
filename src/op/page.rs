//! What Query and Scan share: one page of a range.

use super::{ItemSet, Reply, Session, traffic};
use pg_dynamo_core::Result;
use pg_dynamo_core::capacity::Consumed;

/// Ten items of some hundred bytes fit, so that most replies are never moved while they grow.
const USUAL_REPLY: usize = 8 * 1024;

/// Reads as far as the page goes, and no row further.
pub fn reply(session: &Session, set: &ItemSet) -> Result<Reply> {
    traffic::admit_page(session, &set.table, &set.read)?;
    let mut page = set.read.page(String::with_capacity(USUAL_REPLY));
    set.open(false).each(|item| page.offer(item))?;
    let consumed = Consumed::of_read(page.consumed());
    traffic::charge_read(&set.table, set.read.global_index(), consumed.read);
    let json = page.finish()?;
    Ok(Reply { json, consumed })
}
