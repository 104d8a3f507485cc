//! ListTables.
use super::fields::{number, string};
use super::{shape, table_shapes};
use crate::json::{Json, write_string};
use crate::{Result, limits};

#[derive(Debug)]
pub struct ListTablesRequest {
    /// Names after this one, in byte order; it need not exist.
    pub exclusive_start: Option<String>,
    /// 1 to 100.
    pub limit: usize,
}

impl ListTablesRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>) -> Result<Self> {
        shape::check(&table_shapes::LIST_TABLES, request)?;
        let limit = number(request, "Limit").and_then(|n| usize::try_from(n).ok());
        Ok(ListTablesRequest {
            exclusive_start: string(request, "ExclusiveStartTableName").map(str::to_owned),
            limit: limit.unwrap_or(limits::MAX_LISTED_TABLES),
        })
    }

    /// `names`: the first `limit + 1` names after `exclusive_start` in byte order (so that
    /// LastEvaluatedTableName is known); more are ignored.
    pub fn reply(&self, names: &[String]) -> String {
        let page = names.get(..self.limit).unwrap_or(names);
        let mut out = String::from("{");
        if let (Some(last), true) = (page.last(), names.len() > page.len()) {
            out.push_str("\"LastEvaluatedTableName\":");
            write_string(&mut out, last);
            out.push(',');
        }
        out.push_str("\"TableNames\":[");
        for (i, name) in page.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_string(&mut out, name);
        }
        out.push_str("]}");
        out
    }
}
