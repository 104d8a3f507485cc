//! ARNs of resources, as the requests about tags and policies name them.
use crate::table::{Account, is_name};
use crate::{ApiError, Result};

/// What an ARN of this account and region names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The table's name.
    Table(String),
    /// A stream of a table. `label`: when it began.
    Stream { table: String, label: String },
}

/// Whose words tell what is wrong with an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// TagResource, UntagResource, ListTagsOfResource.
    Tags,
    /// The operations on resource policies.
    Policies,
}

/// `arn:partition:service:region:account:resource`
struct Arn<'a> {
    text: &'a str,
    partition: &'a str,
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

fn invalid(message: impl std::fmt::Display) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: {message}"
    ))
}

impl<'a> Arn<'a> {
    fn parse(text: &'a str) -> Result<Arn<'a>> {
        let rest = text
            .strip_prefix("arn:")
            .ok_or_else(|| invalid(format_args!("ARNs must start with 'arn:': {text}")))?;
        let mut parts = rest.splitn(5, ':');
        let mut next = |missing: &str| {
            parts
                .next()
                .ok_or_else(|| invalid(format_args!("{missing} not found: {text}")))
        };
        Ok(Arn {
            text,
            partition: next("First colon")?,
            service: next("Second colon partition")?,
            region: next("Third colon vendor")?,
            account: next("Fourth colon (region/namespace delimiter)")?,
            resource: next("Fifth colon (namespace/relative-id delimiter)")?,
        })
    }

    fn resource(&self) -> Result<Resource> {
        let foreign = || {
            invalid(format_args!(
                "Provided Arn is not a DynamoDB resource arn: {}",
                self.text
            ))
        };
        let named = self.resource.strip_prefix("table/").ok_or_else(foreign)?;
        let mut parts = named.splitn(3, '/');
        let table = parts.next().filter(|name| is_table_name(name));
        match (table, parts.next(), parts.next()) {
            (Some(table), None, _) => Ok(Resource::Table(table.to_owned())),
            (Some(table), Some("stream"), Some(label)) => Ok(Resource::Stream {
                table: table.to_owned(),
                label: label.to_owned(),
            }),
            (Some(_), Some("index"), Some(_)) => Err(invalid(format_args!(
                "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {}",
                self.text
            ))),
            _ => Err(foreign()),
        }
    }
}

fn is_table_name(name: &str) -> bool {
    (3..=255).contains(&name.len()) && is_name(name)
}

impl Resource {
    /// What `text` names. Whether it exists is not asked.
    ///
    /// Err: ValidationException; for tags AccessDeniedException, when it is another service's or another account's.
    /// `denied`: that error.
    pub fn parse(
        text: &str,
        account: &Account,
        asker: Asker,
        denied: impl Fn() -> ApiError,
    ) -> Result<Resource> {
        let arn = Arn::parse(text)?;
        if arn.service != "dynamodb" {
            return Err(match asker {
                Asker::Tags => denied(),
                Asker::Policies => invalid(format_args!(
                    "Provided Arn is not a DynamoDB resource arn: {text}"
                )),
            });
        }
        let resource = arn.resource()?;
        // The account comes first: who asks about another one does not learn which regions there are.
        if arn.account != account.account_id {
            return Err(match asker {
                Asker::Tags => denied(),
                Asker::Policies => ApiError::validation(
                    "This action is only supported by accounts that match the resource owner\u{2019}s account.",
                ),
            });
        }
        if arn.region != account.region || arn.partition != account.partition() {
            return Err(match asker {
                Asker::Tags => ApiError::validation(format!(
                    "Invalid TableArn: Invalid ResourceArn provided as input {text}"
                )),
                Asker::Policies => invalid(format_args!("Invalid resource Arn: {text}")),
            });
        }
        Ok(resource)
    }

    /// The name of the table, or of the table whose stream it is.
    pub fn table(&self) -> &str {
        match self {
            Resource::Table(table) | Resource::Stream { table, .. } => table,
        }
    }
}
