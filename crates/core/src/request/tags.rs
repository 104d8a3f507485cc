//! Tags: what they may be, and the operations on them.
//!
//! Rules: "Tagging restrictions" of the developer guide. A request is refused as a whole, always with
//! ValidationException.
use super::fields::{list, string};
use super::shape::{self, Structure, TEXT, member, optional};
use super::table_shapes::TAG_LIST;
use crate::arn::{Asker, Resource};
use crate::json::{Json, write_string};
use crate::operation::Operation;
use crate::table::{Account, TableDefinition};
use crate::{ApiError, Result, limits};
use std::collections::BTreeMap;

pub type Tags = BTreeMap<String, String>;

const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// Tags of CreateTable.
pub fn of_creation(request: &Json<'_>) -> Result<Tags> {
    given(request)
}

fn given(request: &Json<'_>) -> Result<Tags> {
    let mut tags = Tags::new();
    for tag in list(request, "Tags") {
        let key = checked_key(string(tag, "Key"))?;
        let value = string(tag, "Value");
        let Some(value) = value.filter(|value| is_allowed(value, MAX_VALUE)) else {
            return Err(ApiError::validation(format!(
                "The Tag Value provided is invalid, Value: {}",
                value.unwrap_or("null")
            )));
        };
        if key.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("aws:")) {
            return Err(ApiError::validation(format!(
                "Tag Key cannot be prefixed with aws:, Key: {key}"
            )));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(ApiError::validation(format!(
                "Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}"
            )));
        }
    }
    check_count(tags.len())?;
    Ok(tags)
}

fn checked_key(key: Option<&str>) -> Result<&str> {
    key.filter(|key| !key.is_empty() && is_allowed(key, MAX_KEY))
        .ok_or_else(|| {
            ApiError::validation(format!(
                "The Tag Key provided is invalid, Key: {}",
                key.unwrap_or("null")
            ))
        })
}

/// Letters and digits of any script, spaces, and `+ - = . _ : / @`; `longest` in characters.
fn is_allowed(text: &str, longest: usize) -> bool {
    let allowed = |c: char| {
        c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "+-=._:/@".contains(c)
    };
    text.chars().count() <= longest && text.chars().all(allowed)
}

fn check_count(count: usize) -> Result<()> {
    if count > limits::MAX_TAGS {
        return Err(ApiError::validation(
            "Number of Tags exceed the current limit for the provided ResourceArn",
        ));
    }
    Ok(())
}

const ARN: shape::Member = optional("ResourceArn", &TEXT);

const TAG_RESOURCE: Structure = Structure {
    class: "TagResourceInput",
    members: &[ARN, optional("Tags", &TAG_LIST)],
};
const UNTAG_RESOURCE: Structure = Structure {
    class: "UntagResourceInput",
    members: &[ARN, optional("TagKeys", &shape::list(&TEXT, 0, usize::MAX))],
};
const LIST_TAGS_OF_RESOURCE: Structure = Structure {
    class: "ListTagsOfResourceInput",
    members: &[ARN, optional("NextToken", &TEXT)],
};

/// The table whose tags they are.
#[derive(Clone, Debug)]
pub struct Tagged {
    arn: String,
    resource: Resource,
}

impl Tagged {
    fn of_request(request: &Json<'_>, account: &Account, operation: Operation) -> Result<Tagged> {
        let arn = string(request, "ResourceArn").unwrap_or_default();
        // The role is not known here; whoever asks is a user of this account.
        let denied = || {
            ApiError::access_denied(format!(
                "User is not authorized to perform: dynamodb:{} on resource: {arn}",
                operation.name()
            ))
        };
        Ok(Tagged {
            resource: Resource::parse(arn, account, Asker::Tags, denied)?,
            arn: arn.to_owned(),
        })
    }

    /// Its name. Err: it is a stream, and no table has one.
    pub fn table(&self) -> Result<&str> {
        match &self.resource {
            Resource::Table(name) => Ok(name),
            Resource::Stream { .. } => Err(self.missing()),
        }
    }

    /// There is no such table.
    pub fn missing(&self) -> ApiError {
        ApiError::resource_not_found(format!(
            "Requested resource not found: ResourceArn: {} not found",
            self.arn
        ))
    }
}

/// Shape and ResourceArn.
fn check(structure: &Structure, request: &Json<'_>) -> Result<()> {
    shape::check(structure, request)?;
    match string(request, "ResourceArn") {
        Some(_) => Ok(()),
        None => Err(ApiError::validation("Invalid TableArn")),
    }
}

/// Refuses a list that is absent (in the words of the service's model) or empty.
fn check_given(request: &Json<'_>, name: &str, what: &str) -> Result<()> {
    match member(request, name) {
        None => Err(ApiError::validation(format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
            lower_first(name)
        ))),
        Some(Json::Array(elements)) if elements.is_empty() => Err(ApiError::validation(format!(
            "Atleast one {what} needs to be provided as Input."
        ))),
        Some(_) => Ok(()),
    }
}

fn lower_first(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_ascii_lowercase())
}

#[derive(Debug)]
pub struct TagResourceRequest {
    pub tagged: Tagged,
    tags: Tags,
}

impl TagResourceRequest {
    /// Err: SerializationException, ValidationException, or AccessDeniedException for what is not this account's.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        check(&TAG_RESOURCE, request)?;
        let tagged = Tagged::of_request(request, account, Operation::TagResource)?;
        check_given(request, "Tags", "Tag")?;
        let tags = given(request)?;
        Ok(TagResourceRequest { tagged, tags })
    }

    /// The definition with the tags added; those that were there have new values.
    /// Err: ValidationException for more than 50 together.
    pub fn apply(&self, table: &TableDefinition) -> Result<TableDefinition> {
        let mut new = table.clone();
        new.tags.extend(self.tags.clone());
        check_count(new.tags.len())?;
        Ok(new)
    }
}

#[derive(Debug)]
pub struct UntagResourceRequest {
    pub tagged: Tagged,
    keys: Vec<String>,
}

impl UntagResourceRequest {
    /// As [`TagResourceRequest::parse`].
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        check(&UNTAG_RESOURCE, request)?;
        let tagged = Tagged::of_request(request, account, Operation::UntagResource)?;
        check_given(request, "TagKeys", "Tag Key")?;
        let keys = list(request, "TagKeys").iter();
        let keys = keys.map(|key| checked_key(key.as_str()).map(str::to_owned));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        check_count(keys.len())?;
        Ok(UntagResourceRequest { tagged, keys })
    }

    /// The definition without the tags; those that it does not have are no fault.
    pub fn apply(&self, table: &TableDefinition) -> TableDefinition {
        let mut new = table.clone();
        new.tags.retain(|key, _| !self.keys.contains(key));
        new
    }
}

#[derive(Debug)]
pub struct ListTagsOfResourceRequest {
    pub tagged: Tagged,
}

impl ListTagsOfResourceRequest {
    /// As [`TagResourceRequest::parse`]. All tags fit one page, so no NextToken was ever given: any is refused.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        check(&LIST_TAGS_OF_RESOURCE, request)?;
        let tagged = Tagged::of_request(request, account, Operation::ListTagsOfResource)?;
        if member(request, "NextToken").is_some() {
            return Err(ApiError::validation("Invalid NextToken"));
        }
        Ok(ListTagsOfResourceRequest { tagged })
    }

    /// `{"Tags":[{"Key":"team","Value":"blue"}]}`
    pub fn reply(&self, table: &TableDefinition) -> String {
        let mut out = String::from("{\"Tags\":[");
        for (i, (key, value)) in table.tags.iter().enumerate() {
            out.push_str(if i > 0 { ",{\"Key\":" } else { "{\"Key\":" });
            write_string(&mut out, key);
            out.push_str(",\"Value\":");
            write_string(&mut out, value);
            out.push('}');
        }
        out.push_str("]}");
        out
    }
}
