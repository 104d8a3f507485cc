//! The actions of DynamoDB that a policy of a table may name, and the privileges they need.
use super::{malformed, matches, unenforceable};
use crate::Result;
use crate::operation::Operation;
use serde::{Deserialize, Serialize};

/// Privileges on a data table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Privileges {
    pub select: bool,
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
}

impl Privileges {
    const fn new(select: bool, insert: bool, update: bool, delete: bool) -> Privileges {
        Privileges {
            select,
            insert,
            update,
            delete,
        }
    }

    fn merged(self, other: Privileges, merge: impl Fn(bool, bool) -> bool) -> Privileges {
        Privileges {
            select: merge(self.select, other.select),
            insert: merge(self.insert, other.insert),
            update: merge(self.update, other.update),
            delete: merge(self.delete, other.delete),
        }
    }

    pub fn and(self, other: Privileges) -> Privileges {
        self.merged(other, |one, two| one || two)
    }

    pub fn without(self, other: Privileges) -> Privileges {
        self.merged(other, |one, two| one && !two)
    }

    pub fn common(self, other: Privileges) -> Privileges {
        self.merged(other, |one, two| one && two)
    }

    pub fn is_empty(self) -> bool {
        self == Privileges::default()
    }

    /// As GRANT names them: "SELECT, UPDATE". Empty when there are none.
    pub fn names(self) -> String {
        let named = [
            (self.select, "SELECT"),
            (self.insert, "INSERT"),
            (self.update, "UPDATE"),
            (self.delete, "DELETE"),
        ];
        let held: Vec<_> = named.into_iter().filter(|n| n.0).map(|n| n.1).collect();
        held.join(", ")
    }
}

/// An action on items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    BatchGetItem,
    BatchWriteItem,
    ConditionCheckItem,
    DeleteItem,
    GetItem,
    PartiQLDelete,
    PartiQLInsert,
    PartiQLSelect,
    PartiQLUpdate,
    PutItem,
    Query,
    Scan,
    UpdateItem,
}

const ON_ITEMS: &[(&str, Action)] = &[
    ("BatchGetItem", Action::BatchGetItem),
    ("BatchWriteItem", Action::BatchWriteItem),
    ("ConditionCheckItem", Action::ConditionCheckItem),
    ("DeleteItem", Action::DeleteItem),
    ("GetItem", Action::GetItem),
    ("PartiQLDelete", Action::PartiQLDelete),
    ("PartiQLInsert", Action::PartiQLInsert),
    ("PartiQLSelect", Action::PartiQLSelect),
    ("PartiQLUpdate", Action::PartiQLUpdate),
    ("PutItem", Action::PutItem),
    ("Query", Action::Query),
    ("Scan", Action::Scan),
    ("UpdateItem", Action::UpdateItem),
];

/// Everybody may: they need no privilege here.
const FREE: &[&str] = &[
    "DescribeContinuousBackups",
    "DescribeContributorInsights",
    "DescribeKinesisStreamingDestination",
    "DescribeTable",
    "DescribeTableReplicaAutoScaling",
    "DescribeTimeToLive",
    "GetResourcePolicy",
    "ListTagsOfResource",
];

/// Only the owner of a table may, and no privilege makes one.
const OWNERS: &[&str] = &[
    "CreateBackup",
    "CreateTableReplica",
    "DeleteResourcePolicy",
    "DeleteTable",
    "DeleteTableReplica",
    "DisableKinesisStreamingDestination",
    "EnableKinesisStreamingDestination",
    "ExportTableToPointInTime",
    "PutResourcePolicy",
    "ReadDataForReplication",
    "ReplicateSettings",
    "RestoreTableFromAwsBackup",
    "RestoreTableFromBackup",
    "RestoreTableToPointInTime",
    "StartAwsBackupJob",
    "StartBulkPutItems",
    "TagResource",
    "UntagResource",
    "UpdateContinuousBackups",
    "UpdateContributorInsights",
    "UpdateKinesisStreamingDestination",
    "UpdateTable",
    "UpdateTableReplicaAutoScaling",
    "UpdateTimeToLive",
    "WriteDataForReplication",
];

impl Action {
    /// What the operation asks of its caller. Every write reads the item that it meets.
    pub fn needs(self) -> Privileges {
        match self {
            Action::BatchGetItem
            | Action::GetItem
            | Action::PartiQLSelect
            | Action::Query
            | Action::Scan => Privileges::new(true, false, false, false),
            Action::PutItem | Action::UpdateItem | Action::PartiQLInsert => {
                Privileges::new(true, true, true, false)
            }
            // A check holds the row, for which SELECT alone is not enough.
            Action::PartiQLUpdate | Action::ConditionCheckItem => {
                Privileges::new(true, false, true, false)
            }
            Action::DeleteItem | Action::PartiQLDelete => Privileges::new(true, false, false, true),
            Action::BatchWriteItem => Privileges::new(true, true, true, true),
        }
    }

    /// Statements are executed as the operations they stand for; each item of a transaction needs its own action.
    pub fn permits(self, operation: Operation) -> bool {
        let wanted: &[Action] = match operation {
            Operation::GetItem => &[Action::GetItem, Action::PartiQLSelect],
            Operation::Query => &[Action::Query, Action::PartiQLSelect],
            Operation::Scan => &[Action::Scan, Action::PartiQLSelect],
            Operation::PutItem => &[Action::PutItem, Action::PartiQLInsert],
            Operation::UpdateItem => &[Action::UpdateItem, Action::PartiQLUpdate],
            Operation::DeleteItem => &[Action::DeleteItem, Action::PartiQLDelete],
            Operation::BatchGetItem => &[Action::BatchGetItem],
            Operation::BatchWriteItem => &[Action::BatchWriteItem],
            Operation::TransactGetItems => &[Action::GetItem],
            // Of its checks; for its other actions the single operations are asked.
            Operation::TransactWriteItems => &[Action::ConditionCheckItem],
            _ => &[],
        };
        wanted.contains(&self)
    }
}

/// The name in "dynamodb:GetItem", which may have wildcards; "*" is every action of every service.
fn name_in(pattern: &str) -> Option<&str> {
    if pattern == "*" {
        return Some("*");
    }
    let (service, name) = pattern.split_once(':')?;
    service.eq_ignore_ascii_case("dynamodb").then_some(name)
}

fn names<'p>(pattern: &'p str) -> impl Fn(&str) -> bool + 'p {
    let wanted = name_in(pattern).map(str::to_ascii_lowercase);
    move |name| {
        wanted
            .as_deref()
            .is_some_and(|wanted| matches(wanted, &name.to_ascii_lowercase()))
    }
}

/// The actions on items that `pattern` names.
pub fn on_items(pattern: &str) -> impl Iterator<Item = Action> + use<'_> {
    let named = names(pattern);
    let known = ON_ITEMS.iter();
    known.filter_map(move |(name, action)| named(name).then_some(*action))
}

/// Whether every one of `patterns` names an action, and none names one that needs ownership. What has wildcards
/// may also match those: it stands for what can be granted.
pub fn check(patterns: &[String]) -> Result<()> {
    let known = |pattern: &&String| {
        let named = names(pattern);
        let every = ON_ITEMS.iter().map(|(name, _)| *name);
        every.chain(FREE.iter().chain(OWNERS).copied()).any(named)
    };
    let unknown: Vec<String> = patterns
        .iter()
        .filter(|p| !known(p))
        .map(|p| format!("\"{p}\""))
        .collect();
    if !unknown.is_empty() {
        return Err(malformed(format_args!(
            "The following action names are invalid: {}",
            unknown.join(", ")
        )));
    }
    let owners = |pattern: &&String| {
        let named = names(pattern);
        !ON_ITEMS.iter().any(|(name, _)| named(name))
            && !FREE.iter().any(|name| named(name))
            && OWNERS.iter().any(|name| named(name))
    };
    match patterns.iter().find(owners) {
        Some(pattern) => Err(unenforceable(format_args!(
            "{pattern} needs the ownership of a table, which none of them gives"
        ))),
        None => Ok(()),
    }
}
