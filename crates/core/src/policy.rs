//! Resource policies, and what of them privileges of PostgreSQL can say.
//!
//! A policy is an IAM document attached to a table. It is stored in the service's canonical form
//! ([`Policy::canonical`]) and enforced by GRANTs on the data table ([`Policy::allowed`]), so a document that
//! grants cannot express is refused as a whole:
//!
//! - Effect Allow only, without Condition, NotPrincipal, NotAction and NotResource.
//! - Principal: `arn:aws:iam::<account>:role/<role>` or `user/<role>` of this account, its last part being the name
//!   of a PostgreSQL role; or the account itself, which leaves it to what roles are granted otherwise.
//! - Action: operations on items, for which a role is granted the privileges they need; operations that read
//!   definitions, for which none is needed. Those that need ownership cannot be granted.
//! - Resource: anything that matches the table itself. Indexes go with their table. A statement about other
//!   resources is kept and grants nothing.
use crate::operation::Operation;
use crate::table::Account;
use crate::{ApiError, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod actions;
mod document;

pub use document::invalid_principal;

use actions::Action;
pub use actions::Privileges;

/// Bytes of a document, white space included ("Resource-based policy considerations").
pub const MAX_POLICY: usize = 20_480;

/// A policy as the catalog keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePolicy {
    /// Canonical JSON.
    pub document: String,
    /// RevisionId: epoch milliseconds, rising.
    pub revision: i64,
    /// What it allows each role.
    #[serde(default)]
    pub allowed: BTreeMap<String, Allowed>,
    /// The privileges that the policy gave each role: those it had of its own are not among them, and stay when
    /// the policy goes.
    #[serde(default)]
    pub granted: BTreeMap<String, Privileges>,
    /// Whom its names meant when it was put.
    #[serde(default)]
    pub roles: Roles,
}

/// Roles by the names that a policy has for them: a role that is renamed stays the one that was meant, and another one
/// that takes its name does not become it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// The system identifier of the cluster whose OIDs these are; in another one, after a dump, names decide.
    pub cluster: u64,
    pub oids: BTreeMap<String, u32>,
}

/// Who a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Principal {
    /// The account: its roles have what they are granted otherwise.
    Account,
    /// A role of PostgreSQL, and the ARN as it was given.
    Role { name: String, arn: String },
}

#[derive(Debug, PartialEq, Eq)]
struct Statement {
    sid: Option<String>,
    principals: Vec<Principal>,
    /// As given; each matches some known action.
    actions: Vec<String>,
    resources: Vec<String>,
}

/// A document that can be enforced.
#[derive(Debug, PartialEq, Eq)]
pub struct Policy {
    version: String,
    id: Option<String>,
    statements: Vec<Statement>,
}

/// The actions on items that a policy allows a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed(BTreeSet<Action>);

impl Allowed {
    /// What a role needs for all of them.
    pub fn privileges(&self) -> Privileges {
        self.0
            .iter()
            .fold(Privileges::default(), |sum, action| sum.and(action.needs()))
    }

    /// Whether `operation` is one of them, or what one of them becomes.
    pub fn permits(&self, operation: Operation) -> bool {
        self.0.iter().any(|action| action.permits(operation))
    }
}

impl Policy {
    /// `text`: the document of a policy on the table of that ARN. Err: ValidationException, also for what cannot
    /// be enforced.
    pub fn parse(text: &str, account: &Account, table_arn: &str) -> Result<Policy> {
        if text.len() > MAX_POLICY {
            return Err(invalid(format_args!(
                "Maximum policy size of {MAX_POLICY} bytes exceeded"
            )));
        }
        document::parse(text, account, table_arn)
    }

    /// What the policy allows on the table, by the name of the role.
    pub fn allowed(&self, table_arn: &str) -> BTreeMap<String, Allowed> {
        let mut allowed = BTreeMap::<String, Allowed>::new();
        for statement in self.statements.iter().filter(|s| s.is_about(table_arn)) {
            for principal in &statement.principals {
                if let Principal::Role { name, .. } = principal {
                    let patterns = statement.actions.iter();
                    let actions = patterns.flat_map(|p| actions::on_items(p));
                    allowed.entry(name.clone()).or_default().0.extend(actions);
                }
            }
        }
        allowed
    }

    /// The document as the service gives it back: without white space, members in its order, lists of one element
    /// as that element, an account as its root.
    pub fn canonical(&self, account: &Account) -> String {
        document::write(self, account)
    }
}

impl Statement {
    /// Whether one of its resources is the table itself.
    fn is_about(&self, table_arn: &str) -> bool {
        self.resources.iter().any(|r| matches(r, table_arn))
    }
}

fn invalid(message: impl std::fmt::Display) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: {message}"
    ))
}

/// The document breaks the policy language.
fn malformed(message: impl std::fmt::Display) -> ApiError {
    invalid(format_args!("Invalid policy document: {message}"))
}

/// The document says what privileges cannot.
fn unenforceable(message: impl std::fmt::Display) -> ApiError {
    invalid(format_args!(
        "Invalid policy document: pg_dynamo enforces policies by privileges of PostgreSQL roles, and {message}"
    ))
}

/// Whether `text` matches `pattern`, in which `*` is any text and `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when the last `*` takes one character more.
    let mut again = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                again = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match again {
                Some((after, taken)) => {
                    again = Some((after, taken + 1));
                    (p, t) = (after, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_policies() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbc", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b", "abc", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "a", false),
            ("abc", "abc", true),
            ("ab", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
