//! Why a transaction is cancelled: one reason for each action, in the order of the actions (documentation of
//! TransactionCanceledException in the service model).
use crate::json::write_string;
use crate::{ApiError, ErrorKind, Result};

/// Reasons so far.
#[derive(Debug, Default)]
pub struct Reasons {
    /// None: nothing speaks against the action.
    all: Vec<Option<Reason>>,
}

#[derive(Debug)]
struct Reason {
    code: &'static str,
    message: String,
    /// JSON of the item that failed a condition, when it was asked for.
    item: Option<String>,
}

impl Reasons {
    /// The next action may be done.
    pub fn push_none(&mut self) {
        self.all.push(None);
    }

    /// The next action is refused. Err: `error` itself, when it is no reason but a failure.
    pub fn push(&mut self, error: ApiError) -> Result<()> {
        let Some(code) = code(error.kind) else {
            return Err(error);
        };
        let item = error.extra.into_iter().find(|(name, _)| *name == "Item");
        self.all.push(Some(Reason {
            code,
            message: error.message,
            item: item.map(|(_, json)| json),
        }));
        Ok(())
    }

    /// Err: TransactionCanceledException, when an action was refused.
    pub fn check(&self) -> Result<()> {
        if self.all.iter().all(Option::is_none) {
            return Ok(());
        }
        Err(self.canceled())
    }

    /// One action of `count`, the one at `place`, met an item that another transaction holds.
    pub fn conflict(place: usize, count: usize) -> ApiError {
        let reason = |at| {
            (at == place).then(|| Reason {
                code: "TransactionConflict",
                message: "Transaction is ongoing for the item".to_owned(),
                item: None,
            })
        };
        Reasons {
            all: (0..count).map(reason).collect(),
        }
        .canceled()
    }

    fn canceled(&self) -> ApiError {
        let code = |reason: &Option<Reason>| reason.as_ref().map_or("None", |reason| reason.code);
        let codes: Vec<&str> = self.all.iter().map(code).collect();
        let mut json = String::from("[");
        for (i, reason) in self.all.iter().enumerate() {
            if i > 0 {
                json.push(',');
            }
            json.push_str("{\"Code\":");
            write_string(&mut json, code(reason));
            if let Some(Reason { message, item, .. }) = reason {
                if let Some(item) = item {
                    json.push_str(",\"Item\":");
                    json.push_str(item);
                }
                json.push_str(",\"Message\":");
                write_string(&mut json, message);
            }
            json.push('}');
        }
        json.push(']');
        ApiError::transaction_canceled(
            format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                codes.join(", ")
            ),
            json,
        )
    }
}

/// The code of an error of a single action. None: it is no fault of the action.
fn code(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::ConditionalCheckFailed => "ConditionalCheckFailed",
        ErrorKind::Validation => "ValidationError",
        ErrorKind::TransactionConflict => "TransactionConflict",
        ErrorKind::DuplicateItem => "DuplicateItem",
        // Of ExecuteTransaction only: to the others it is a fault of the request.
        ErrorKind::ResourceNotFound => "ResourceNotFound",
        ErrorKind::ItemCollectionSizeLimitExceeded => "ItemCollectionSizeLimitExceeded",
        ErrorKind::ProvisionedThroughputExceeded => "ProvisionedThroughputExceeded",
        ErrorKind::Throttling => "ThrottlingError",
        _ => return None,
    })
}
