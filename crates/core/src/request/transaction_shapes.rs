//! The shapes of the transactions, transcribed from the service model.
use super::item_shapes::{
    CONDITION_EXPRESSION, KEY, NAMES, RETURN_CONSUMED_CAPACITY, RETURN_ITEM_COLLECTION_METRICS,
    RETURN_VALUES_ON_FAILURE, TABLE_NAME, VALUES,
};
use super::shape::{Shape, Structure, TEXT, list, optional, required, text};
use crate::limits::{MAX_CLIENT_TOKEN, MAX_TRANSACTION_ACTIONS};

const CONDITION_CHECK: Structure = Structure {
    class: "ConditionCheck",
    members: &[
        KEY,
        TABLE_NAME,
        required("ConditionExpression", &TEXT),
        NAMES,
        VALUES,
        RETURN_VALUES_ON_FAILURE,
    ],
};

const PUT: Structure = Structure {
    class: "Put",
    members: &[
        required("Item", &Shape::Attributes),
        TABLE_NAME,
        CONDITION_EXPRESSION,
        NAMES,
        VALUES,
        RETURN_VALUES_ON_FAILURE,
    ],
};

const DELETE: Structure = Structure {
    class: "Delete",
    members: &[
        KEY,
        TABLE_NAME,
        CONDITION_EXPRESSION,
        NAMES,
        VALUES,
        RETURN_VALUES_ON_FAILURE,
    ],
};

const UPDATE: Structure = Structure {
    class: "Update",
    members: &[
        KEY,
        required("UpdateExpression", &TEXT),
        TABLE_NAME,
        CONDITION_EXPRESSION,
        NAMES,
        VALUES,
        RETURN_VALUES_ON_FAILURE,
    ],
};

const TRANSACT_WRITE_ITEM: Structure = Structure {
    class: "TransactWriteItem",
    members: &[
        optional("ConditionCheck", &Shape::Structure(&CONDITION_CHECK)),
        optional("Put", &Shape::Structure(&PUT)),
        optional("Delete", &Shape::Structure(&DELETE)),
        optional("Update", &Shape::Structure(&UPDATE)),
    ],
};

pub const TRANSACT_WRITE_ITEMS: Structure = Structure {
    class: "TransactWriteItemsInput",
    members: &[
        required(
            "TransactItems",
            &list(
                &Shape::Structure(&TRANSACT_WRITE_ITEM),
                1,
                MAX_TRANSACTION_ACTIONS,
            ),
        ),
        RETURN_CONSUMED_CAPACITY,
        RETURN_ITEM_COLLECTION_METRICS,
        optional("ClientRequestToken", &text(1, MAX_CLIENT_TOKEN)),
    ],
};

const GET: Structure = Structure {
    class: "Get",
    members: &[
        KEY,
        TABLE_NAME,
        optional("ProjectionExpression", &TEXT),
        NAMES,
    ],
};

const TRANSACT_GET_ITEM: Structure = Structure {
    class: "TransactGetItem",
    members: &[required("Get", &Shape::Structure(&GET))],
};

pub const TRANSACT_GET_ITEMS: Structure = Structure {
    class: "TransactGetItemsInput",
    members: &[
        required(
            "TransactItems",
            &list(
                &Shape::Structure(&TRANSACT_GET_ITEM),
                1,
                MAX_TRANSACTION_ACTIONS,
            ),
        ),
        RETURN_CONSUMED_CAPACITY,
    ],
};
