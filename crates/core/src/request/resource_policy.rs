//! PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy, and the ResourcePolicy of CreateTable.
use super::fields::string;
use super::shape::{self, Structure, TEXT, optional, required, text};
use crate::arn::{Asker, Resource};
use crate::json::{Json, write_string};
use crate::policy::{Allowed, Policy, ResourcePolicy, Roles};
use crate::stream::StreamName;
use crate::table::{Account, TableDefinition};
use crate::{ApiError, Result};
use std::collections::BTreeMap;

const ARN: shape::Member = required("ResourceArn", &text(1, 1283));
const EXPECTED: shape::Member = optional("ExpectedRevisionId", &text(1, 255));

const PUT: Structure = Structure {
    class: "PutResourcePolicyInput",
    members: &[
        ARN,
        required("Policy", &TEXT),
        EXPECTED,
        optional("ConfirmRemoveSelfResourceAccess", &shape::Shape::Boolean),
    ],
};
const GET: Structure = Structure {
    class: "GetResourcePolicyInput",
    members: &[ARN],
};
const DELETE: Structure = Structure {
    class: "DeleteResourcePolicyInput",
    members: &[ARN, EXPECTED],
};

/// ExpectedRevisionId of a resource without a policy.
const NO_POLICY: &str = "NO_POLICY";

/// The resource of a request.
#[derive(Clone, Debug)]
pub struct Governed {
    arn: String,
    resource: Resource,
}

impl Governed {
    fn of_request(request: &Json<'_>, account: &Account) -> Result<Governed> {
        let arn = string(request, "ResourceArn").unwrap_or_default();
        let denied = || ApiError::access_denied("");
        Ok(Governed {
            resource: Resource::parse(arn, account, Asker::Policies, denied)?,
            arn: arn.to_owned(),
        })
    }

    /// The table, or the table whose stream it is.
    pub fn table(&self) -> &str {
        self.resource.table()
    }

    /// Whether it is a stream. `exists` is asked about that. Err: ResourceNotFoundException when it does not.
    pub fn is_stream(&self, exists: impl FnOnce(&StreamName) -> Result<bool>) -> Result<bool> {
        let Resource::Stream { table, label } = &self.resource else {
            return Ok(false);
        };
        let name = StreamName {
            table: table.clone(),
            label: label.clone(),
        };
        if exists(&name)? {
            return Ok(true);
        }
        Err(ApiError::resource_not_found(format!(
            "Requested resource not found: Stream: {label} not found for Table: {table}"
        )))
    }

    fn not_found(&self, why: impl std::fmt::Display) -> ApiError {
        ApiError::policy_not_found(format!(
            "Resource-based policy not found for the provided ResourceArn: {why}"
        ))
    }

    fn check_revision(&self, expected: Option<&str>, table: &TableDefinition) -> Result<()> {
        let name = &table.name;
        match (expected, &table.policy) {
            (None, _) | (Some(NO_POLICY), None) => Ok(()),
            (Some(NO_POLICY), Some(policy)) => Err(self.not_found(format_args!(
                "Requested policy update expecting none to be present for table {name}, but a policy exists with \
                 revision id {}.",
                policy.revision
            ))),
            (Some(expected), None) => Err(self.not_found(format_args!(
                "Requested update for policy with revision id {expected}, but table {name} has no associated policy."
            ))),
            (Some(expected), Some(policy)) if policy.revision.to_string() != expected => {
                Err(self.not_found(format_args!(
                    "Requested update for policy with revision id {expected}, but the policy associated to target \
                     table {name} has revision id {}.",
                    policy.revision
                )))
            }
            _ => Ok(()),
        }
    }
}

fn revision_reply(revision: i64) -> String {
    format!("{{\"RevisionId\":\"{revision}\"}}")
}

#[derive(Debug)]
pub struct PutResourcePolicyRequest {
    pub governed: Governed,
    policy: NewPolicy,
    expected: Option<String>,
}

impl PutResourcePolicyRequest {
    /// Err: SerializationException or ValidationException, also for what privileges cannot express.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&PUT, request)?;
        let governed = Governed::of_request(request, account)?;
        let text = string(request, "Policy").unwrap_or_default();
        Ok(PutResourcePolicyRequest {
            policy: NewPolicy::parse(text, account, governed.table())?,
            governed,
            expected: string(request, "ExpectedRevisionId").map(str::to_owned),
        })
    }

    /// The policy to store, which grants nothing yet: the document that the table has already keeps its revision.
    /// `now_millis`: epoch milliseconds.
    /// Err: PolicyNotFoundException when another revision was expected.
    pub fn apply(&self, table: &TableDefinition, now_millis: i64) -> Result<ResourcePolicy> {
        self.governed
            .check_revision(self.expected.as_deref(), table)?;
        Ok(self.policy.after(table.policy.as_ref(), now_millis))
    }

    pub fn reply(&self, policy: &ResourcePolicy) -> String {
        revision_reply(policy.revision)
    }

    /// What a privilege cannot express: there is none on a stream.
    pub fn refusal_of_streams() -> ApiError {
        ApiError::validation(
            "One or more parameter values were invalid: Resource-based policies of streams are not supported: whoever may \
             SELECT the whole table may read its stream",
        )
    }
}

#[derive(Debug)]
pub struct GetResourcePolicyRequest {
    pub governed: Governed,
}

impl GetResourcePolicyRequest {
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&GET, request)?;
        let governed = Governed::of_request(request, account)?;
        Ok(GetResourcePolicyRequest { governed })
    }

    /// Err: PolicyNotFoundException.
    pub fn reply(&self, table: &TableDefinition) -> Result<String> {
        let Some(policy) = &table.policy else {
            return Err(self.governed.not_found(&self.governed.arn));
        };
        let mut out = String::from("{\"Policy\":");
        write_string(&mut out, &policy.document);
        out.push_str(&format!(",\"RevisionId\":\"{}\"}}", policy.revision));
        Ok(out)
    }
}

#[derive(Debug)]
pub struct DeleteResourcePolicyRequest {
    pub governed: Governed,
    expected: Option<String>,
}

impl DeleteResourcePolicyRequest {
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&DELETE, request)?;
        Ok(DeleteResourcePolicyRequest {
            governed: Governed::of_request(request, account)?,
            expected: string(request, "ExpectedRevisionId").map(str::to_owned),
        })
    }

    /// Whether there is a policy to delete; that of a table without one is an idempotent success.
    /// Err: PolicyNotFoundException when another revision was expected.
    pub fn check(&self, table: &TableDefinition) -> Result<bool> {
        self.governed
            .check_revision(self.expected.as_deref(), table)?;
        Ok(table.policy.is_some())
    }

    /// `deleted`: the policy that was there.
    pub fn reply(&self, deleted: Option<&ResourcePolicy>) -> String {
        match deleted {
            Some(policy) => revision_reply(policy.revision),
            None => "{}".to_owned(),
        }
    }
}

/// A policy that a request brings.
#[derive(Debug)]
pub struct NewPolicy {
    document: String,
    allowed: BTreeMap<String, Allowed>,
}

impl NewPolicy {
    /// `table`: its name.
    fn parse(text: &str, account: &Account, table: &str) -> Result<NewPolicy> {
        let arn = account.table_arn(table);
        let policy = Policy::parse(text, account, &arn)?;
        Ok(NewPolicy {
            document: policy.canonical(account),
            allowed: policy.allowed(&arn),
        })
    }

    /// ResourcePolicy of CreateTable.
    pub(super) fn of_creation(
        request: &Json<'_>,
        account: &Account,
        table: &str,
    ) -> Result<Option<NewPolicy>> {
        string(request, "ResourcePolicy")
            .map(|text| NewPolicy::parse(text, account, table))
            .transpose()
    }

    /// As the one that follows `old`; it grants nothing yet.
    pub fn after(&self, old: Option<&ResourcePolicy>, now_millis: i64) -> ResourcePolicy {
        ResourcePolicy {
            document: self.document.clone(),
            revision: match old {
                None => now_millis,
                Some(old) if old.document == self.document => old.revision,
                Some(old) => now_millis.max(old.revision + 1),
            },
            allowed: self.allowed.clone(),
            granted: BTreeMap::new(),
            roles: Roles::default(),
        }
    }
}
