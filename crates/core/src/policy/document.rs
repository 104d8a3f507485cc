//! The JSON of a policy: read in the service's order of faults, written in its canonical form.
use super::{Policy, Principal, Statement, actions, invalid, malformed, matches, unenforceable};
use crate::json::{Json, write_string};
use crate::table::Account;
use crate::{ApiError, Result};
use std::collections::BTreeSet;

pub fn parse(text: &str, account: &Account, table_arn: &str) -> Result<Policy> {
    let json = Json::parse(text).map_err(|_| malformed("This policy contains invalid Json"))?;
    let members = match &json {
        Json::Object(members) => members,
        Json::Array(_) => return Err(malformed("This policy contains invalid Json")),
        _ => return Err(malformed("This text appears not to be a policy")),
    };
    check_names(
        members.iter().map(|m| &*m.0),
        &["Version", "Id", "Statement"],
    )?;
    let version = text_member(&json, "Version")?.unwrap_or("2008-10-17");
    if !["2008-10-17", "2012-10-17"].contains(&version) {
        return Err(malformed(format_args!(
            "The policy version {version} is unknown"
        )));
    }
    let statements: &[Json<'_>] = match json.get("Statement") {
        None => return Err(malformed("Missing required field Statement")),
        Some(Json::Array(statements)) => statements,
        Some(one) => std::slice::from_ref(one),
    };
    if statements.is_empty() {
        return Err(malformed("Could not parse the policy: Statement is empty!"));
    }
    let statements = statements
        .iter()
        .map(|s| statement(s, account, table_arn))
        .collect::<Result<Vec<_>>>()?;
    let mut sids = BTreeSet::new();
    if !statements
        .iter()
        .filter_map(|s| s.sid.as_deref())
        .all(|sid| sids.insert(sid))
    {
        return Err(malformed("The Statement Ids in the policy are not unique"));
    }
    Ok(Policy {
        version: version.to_owned(),
        id: text_member(&json, "Id")?.map(str::to_owned),
        statements,
    })
}

fn check_names<'n>(names: impl Iterator<Item = &'n str>, known: &[&str]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !known.contains(&name) || !seen.insert(name) {
            return Err(syntax(name));
        }
    }
    Ok(())
}

/// The service tells line and column, which a parsed tree no longer knows.
fn syntax(element: &str) -> ApiError {
    malformed(format_args!("Syntax error at element {element}"))
}

fn text_member<'j>(json: &'j Json<'_>, name: &str) -> Result<Option<&'j str>> {
    match json.get(name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(syntax(name)),
    }
}

fn statement(json: &Json<'_>, account: &Account, table_arn: &str) -> Result<Statement> {
    let Json::Object(members) = json else {
        return Err(syntax("Statement"));
    };
    const KNOWN: &[&str] = &[
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    check_names(members.iter().map(|m| &*m.0), KNOWN)?;
    let effect = required(text_member(json, "Effect")?, "Effect")?;
    let allow = match effect.to_ascii_lowercase().as_str() {
        "allow" => true,
        "deny" => false,
        _ => return Err(syntax("Effect")),
    };
    for (name, instead) in [
        ("NotPrincipal", "Principal"),
        ("NotAction", "Action"),
        ("NotResource", "Resource"),
    ] {
        if json.get(name).is_some() {
            return Err(unenforceable(format_args!(
                "{name} is none of them: say {instead}"
            )));
        }
    }
    let actions = texts(required(json.get("Action"), "Action")?, "Action")?;
    let resources = texts(required(json.get("Resource"), "Resource")?, "Resource")?;
    let given = required(json.get("Principal"), "Principal")?;
    actions::check(&actions)?;
    check_resources(&resources, table_arn)?;
    if !allow {
        return Err(unenforceable(
            "what they do not allow is denied: Deny cannot be said",
        ));
    }
    if json.get("Condition").is_some() {
        return Err(unenforceable("they have no conditions"));
    }
    Ok(Statement {
        sid: text_member(json, "Sid")?.map(str::to_owned),
        principals: principals(given, account)?,
        actions,
        resources,
    })
}

fn required<T>(value: Option<T>, name: &str) -> Result<T> {
    value.ok_or_else(|| malformed(format_args!("Missing required field {name}")))
}

/// One text or a list of them, not empty.
fn texts(json: &Json<'_>, name: &str) -> Result<Vec<String>> {
    let elements = match json {
        Json::Array(elements) if !elements.is_empty() => elements,
        Json::String(_) => std::slice::from_ref(json),
        _ => return Err(syntax(name)),
    };
    let text = |e: &Json<'_>| e.as_str().map(str::to_owned).ok_or_else(|| syntax(name));
    elements.iter().map(text).collect()
}

fn check_resources(resources: &[String], table_arn: &str) -> Result<()> {
    for resource in resources {
        if resource != "*" && !resource.starts_with("arn:") {
            return Err(malformed(format_args!(
                "Resource {resource} must be in ARN format or \"*\"."
            )));
        }
        if resource.contains("${") {
            return Err(unenforceable("they have no variables"));
        }
    }
    let about = |arn: &str| resources.iter().any(|r| matches(r, arn));
    let index = format!("{table_arn}/index/");
    if !about(table_arn) && resources.iter().any(|r| r.starts_with(&index)) {
        return Err(unenforceable(
            "none of them is on an index alone: name its table, too",
        ));
    }
    Ok(())
}

fn principals(json: &Json<'_>, account: &Account) -> Result<Vec<Principal>> {
    let unbounded = || {
        ApiError::validation(
            "Resource-based policy grants unbounded access in one or more elements. Please revise the policy to \
             ensure least-privilege form of access",
        )
    };
    let members = match json {
        Json::String(all) if all == "*" => return Err(unbounded()),
        Json::Object(members) if !members.is_empty() => members,
        _ => return Err(syntax("Principal")),
    };
    let mut found = BTreeSet::new();
    for (kind, named) in members {
        match &**kind {
            "AWS" => {}
            "Service" => return Err(malformed("Policy contains invalid service principal")),
            "Federated" | "CanonicalUser" => return Err(invalid_principal()),
            other => return Err(syntax(other)),
        }
        for text in texts(named, "Principal")? {
            if text == "*" {
                return Err(unbounded());
            }
            found.insert(principal(&text, account).ok_or_else(invalid_principal)?);
        }
    }
    Ok(found.into_iter().collect())
}

/// Also: there is no such role.
pub fn invalid_principal() -> ApiError {
    invalid("Invalid principal in policy document.")
}

fn principal(text: &str, account: &Account) -> Option<Principal> {
    if text == account.account_id {
        return Some(Principal::Account);
    }
    let prefix = format!("arn:{}:iam::{}:", account.partition(), account.account_id);
    let resource = text.strip_prefix(&prefix)?;
    if resource == "root" {
        return Some(Principal::Account);
    }
    let (kind, path) = resource.split_once('/')?;
    // The name of an IAM role or user may stand behind a path.
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    ["role", "user"].contains(&kind).then(|| Principal::Role {
        name: name.to_owned(),
        arn: text.to_owned(),
    })
}

pub fn write(policy: &Policy, account: &Account) -> String {
    let mut out = String::from("{\"Version\":");
    write_string(&mut out, &policy.version);
    if let Some(id) = &policy.id {
        out.push_str(",\"Id\":");
        write_string(&mut out, id);
    }
    out.push_str(",\"Statement\":[");
    for (i, statement) in policy.statements.iter().enumerate() {
        out.push_str(if i > 0 { ",{" } else { "{" });
        if let Some(sid) = &statement.sid {
            out.push_str("\"Sid\":");
            write_string(&mut out, sid);
            out.push(',');
        }
        out.push_str("\"Effect\":\"Allow\",\"Principal\":{\"AWS\":");
        let root = format!(
            "arn:{}:iam::{}:root",
            account.partition(),
            account.account_id
        );
        let shown = statement.principals.iter().map(|p| match p {
            Principal::Account => root.as_str(),
            Principal::Role { arn, .. } => arn,
        });
        write_texts(&mut out, &shown.collect::<Vec<_>>());
        out.push_str("},\"Action\":");
        write_texts(&mut out, &statement.actions);
        out.push_str(",\"Resource\":");
        write_texts(&mut out, &statement.resources);
        out.push('}');
    }
    out.push_str("]}");
    out
}

fn write_texts(out: &mut String, texts: &[impl AsRef<str>]) {
    if let [only] = texts {
        return write_string(out, only.as_ref());
    }
    let mut before = '[';
    for text in texts {
        out.push(before);
        before = ',';
        write_string(out, text.as_ref());
    }
    out.push(']');
}
