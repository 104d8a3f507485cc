//! What statements on data tables call.

use super::boundary::export;
use super::datum::Detoasted;
use super::report::OrRaise;
use crate::storage::catalog;
use crate::storage::detoast::ItemDatum;
use crate::storage::pending;

fn decide(request: i64, item: ItemDatum) -> bool {
    item.whole()
        .and_then(|item| pending::decide(request, item))
        .or_raise()
}

fn decide_batch(request: i64, pk_hash: i64, pk: Detoasted, sk: Detoasted, item: ItemDatum) -> bool {
    item.whole()
        .and_then(|item| pending::decide_batch(request, (pk_hash, &pk, &sk), item))
        .or_raise()
}

fn image(request: i64) -> Vec<u8> {
    pending::image(request).or_raise()
}

fn relation_name(table_name: &str) -> String {
    catalog::relation_name(table_name)
}

export!(decide, decide_batch, image, relation_name,);
