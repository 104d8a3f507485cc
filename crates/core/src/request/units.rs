//! Provisioned, on-demand and warm throughput of tables and indexes.
use super::fields::number;
use super::key_schema::invalid;
use super::shape::member;
use crate::json::Json;
use crate::table::{BillingMode, Throughput, Units};
use crate::{ApiError, Result, limits};

/// Whose units they are, for the error texts.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'n> {
    Table,
    Index(&'n str),
}

impl Owner<'_> {
    /// As texts about warm throughput name it.
    fn name(&self) -> String {
        match self {
            Owner::Index(name) => format!("index {name}"),
            Owner::Table => "table".to_owned(),
        }
    }
}

/// ProvisionedThroughput of a table or index. Err: ValidationException beyond all limits.
pub fn throughput(owner: &Json<'_>) -> Result<Option<Throughput>> {
    let units = provisioned(owner);
    units.as_ref().map(check_provisioned).transpose()?;
    Ok(units)
}

/// ProvisionedThroughput before [`check_provisioned`].
pub fn provisioned(owner: &Json<'_>) -> Option<Throughput> {
    let given = member(owner, "ProvisionedThroughput")?;
    Some(Throughput {
        read: number(given, "ReadCapacityUnits").unwrap_or_default(),
        write: number(given, "WriteCapacityUnits").unwrap_or_default(),
        ..Throughput::default()
    })
}

pub fn check_provisioned(units: &Throughput) -> Result<()> {
    for (name, value) in [
        ("ReadCapacityUnits", units.read),
        ("WriteCapacityUnits", units.write),
    ] {
        if value > limits::MAX_THROUGHPUT {
            return Err(ApiError::validation(format!(
                "Given value {value} for {name} is out of bounds"
            )));
        }
    }
    Ok(())
}

/// OnDemandThroughput of a new table or index: upper bounds. One without members is none.
pub fn on_demand(
    request: &Json<'_>,
    owner: Owner<'_>,
    billing: BillingMode,
) -> Result<Option<Units>> {
    let Some(units) = on_demand_units(request) else {
        return Ok(None);
    };
    if billing == BillingMode::Provisioned {
        let index = match owner {
            Owner::Index(name) => format!(" for index: {name}"),
            _ => String::new(),
        };
        return invalid(format_args!(
            "{} for OnDemandThroughput{index} cannot be specified when table BillingMode is PROVISIONED.",
            first_member(&units)
        ));
    }
    check_bounds(&units, owner, |value| value >= 1)?;
    Ok(Some(units))
}

/// OnDemandThroughput of UpdateTable, before [`check_on_demand_change`].
pub fn on_demand_units(owner: &Json<'_>) -> Option<Units> {
    let given = member(owner, "OnDemandThroughput")?;
    let units = Units {
        read: number(given, "MaxReadRequestUnits"),
        write: number(given, "MaxWriteRequestUnits"),
    };
    (units.read.is_some() || units.write.is_some()).then_some(units)
}

/// An update may also remove a bound, by -1. `billing`: the table's mode after the update.
pub fn check_on_demand_change(units: &Units, owner: Owner<'_>, billing: BillingMode) -> Result<()> {
    if billing == BillingMode::Provisioned {
        let index = match owner {
            Owner::Index(name) => format!(" for index : {name}"),
            _ => String::new(),
        };
        return invalid(format_args!(
            "{} for OnDemandThroughput{index} cannot be specified when the table BillingMode is PROVISIONED",
            first_member(units)
        ));
    }
    check_bounds(units, owner, |value| value >= 1 || value == -1)
}

fn first_member(units: &Units) -> &'static str {
    match units.read {
        Some(_) => "MaxReadRequestUnits",
        None => "MaxWriteRequestUnits",
    }
}

fn check_bounds(units: &Units, owner: Owner<'_>, allowed: impl Fn(i64) -> bool) -> Result<()> {
    for (name, value) in [
        ("MaxReadRequestUnits", units.read),
        ("MaxWriteRequestUnits", units.write),
    ] {
        if value.is_some_and(|v| !allowed(v) || v > limits::MAX_THROUGHPUT) {
            let owner = match owner {
                Owner::Index(name) => format!("index : {name}"),
                _ => "table".to_owned(),
            };
            return invalid(format_args!(
                "Requested {name} for OnDemandThroughput for {owner} is outside of valid range"
            ));
        }
    }
    Ok(())
}

/// `old` with the bounds that `change` has.
pub fn merged(old: Option<Units>, change: Units) -> Units {
    Units {
        read: change.read.or(old.and_then(|o| o.read)),
        write: change.write.or(old.and_then(|o| o.write)),
    }
}

/// WarmThroughput of an update of a table or index.
pub fn warm(request: &Json<'_>, owner: Owner<'_>) -> Result<Option<Units>> {
    let Some(units) = warm_units(request)? else {
        return Ok(None);
    };
    if units.read.is_none() && units.write.is_none() {
        return match owner {
            Owner::Table => invalid(
                "At least one of ReadUnitsPerSecond and WriteUnitsPerSecond must be specified",
            ),
            Owner::Index(name) => invalid(format_args!(
                "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond \
                 specified for index: {name}"
            )),
        };
    }
    if let Some(value) = [units.read, units.write]
        .into_iter()
        .flatten()
        .find(|v| *v < 1)
    {
        return out_of_bounds(value);
    }
    Ok(Some(units))
}

fn warm_units(request: &Json<'_>) -> Result<Option<Units>> {
    let Some(given) = member(request, "WarmThroughput") else {
        return Ok(None);
    };
    let units = Units {
        read: number(given, "ReadUnitsPerSecond"),
        write: number(given, "WriteUnitsPerSecond"),
    };
    let values = [units.read, units.write].into_iter().flatten();
    match values.into_iter().find(|v| *v > limits::MAX_THROUGHPUT) {
        Some(value) => out_of_bounds(value),
        None => Ok(Some(units)),
    }
}

fn out_of_bounds<T>(value: i64) -> Result<T> {
    Err(ApiError::validation(format!(
        "Given value {value} for WarmThroughput is out of bounds"
    )))
}

/// WarmThroughput of a new table, or of an index that is created with it. `throughput`: its provisioned units.
pub fn new_warm(
    request: &Json<'_>,
    owner: Owner<'_>,
    billing: BillingMode,
    throughput: &Throughput,
) -> Result<Option<Units>> {
    match warm_units(request)? {
        Some(units) => initial_warm(units, owner, billing, throughput),
        None => Ok(None),
    }
}

/// What a new table or index is warm for: what it has by itself, or `wanted` where that is more. None: nothing is
/// wanted. Err: ValidationException where less is.
pub fn initial_warm(
    wanted: Units,
    owner: Owner<'_>,
    billing: BillingMode,
    throughput: &Throughput,
) -> Result<Option<Units>> {
    if wanted.read.is_none() && wanted.write.is_none() {
        return Ok(None);
    }
    let by_itself = billing.warm(throughput);
    let units = merged(Some(by_itself), wanted);
    for (name, capacity, wanted, by_itself) in [
        (
            "ReadUnitsPerSecond",
            "ReadCapacityUnits",
            units.read,
            by_itself.read,
        ),
        (
            "WriteUnitsPerSecond",
            "WriteCapacityUnits",
            units.write,
            by_itself.write,
        ),
    ] {
        if wanted < by_itself {
            let least = match billing {
                BillingMode::PayPerRequest => {
                    format!("initial throughput for OnDemand. See: {INITIAL_THROUGHPUT}")
                }
                BillingMode::Provisioned => format!("{capacity} of ProvisionedThroughput"),
            };
            return invalid(format_args!(
                "Requested {name} for WarmThroughput for {} is lower than {least}",
                owner.name()
            ));
        }
    }
    Ok(Some(units))
}

const INITIAL_THROUGHPUT: &str = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/\
     on-demand-capacity-mode.html#on-demand-capacity-mode-initial";

/// Warm throughput only ever grows.
pub fn warmer(current: Units, wanted: Units, owner: Owner<'_>) -> Result<Units> {
    let units = merged(Some(current), wanted);
    for (name, new, old) in [
        ("ReadUnitsPerSecond", units.read, current.read),
        ("WriteUnitsPerSecond", units.write, current.write),
    ] {
        if new < old {
            return invalid(format_args!(
                "Requested {name} for WarmThroughput for {} is lower than current \
                 WarmThroughput, decreasing WarmThroughput is not supported",
                owner.name()
            ));
        }
    }
    Ok(units)
}

/// The warm throughput to remember when the billing mode or the provisioned units changed to `billing` and `new`: it
/// never drops, so what was warm `before` stays. None: mode and units say it all.
pub fn kept_warm(before: Units, billing: BillingMode, new: &Throughput) -> Option<Units> {
    let by_itself = billing.warm(new);
    let kept = Units {
        read: before.read.max(by_itself.read),
        write: before.write.max(by_itself.write),
    };
    (kept != by_itself).then_some(kept)
}

const HOUR: i64 = 3_600_000;

/// `old` after an update to other units. `now`: epoch milliseconds.
/// Err: ValidationException when nothing changes, LimitExceededException for one decrease too many.
pub fn changed_throughput(
    old: &Throughput,
    wanted: &Throughput,
    owner: Owner<'_>,
    now: i64,
) -> Result<Throughput> {
    if old.read == wanted.read && old.write == wanted.write {
        let (of, at) = match owner {
            Owner::Index(name) => (format!("the index {name}"), format!("index {name}")),
            _ => ("the table".to_owned(), "the table".to_owned()),
        };
        return Err(ApiError::validation(format!(
            "The provisioned throughput for {of} will not change. The requested value equals \
             the current value. Current ReadCapacityUnits provisioned for {at}: {}. Requested \
             ReadCapacityUnits: {}. Current WriteCapacityUnits provisioned for {at}: {}. \
             Requested WriteCapacityUnits: {}. Refer to the Amazon DynamoDB Developer Guide for \
             current limits and how to request higher limits.",
            old.read, wanted.read, old.write, wanted.write
        )));
    }
    let mut new = Throughput {
        read: wanted.read,
        write: wanted.write,
        decreases_today: old.decreases_on(now),
        ..*old
    };
    if wanted.read > old.read || wanted.write > old.write {
        new.last_increase = Some(now);
    }
    if wanted.read < old.read || wanted.write < old.write {
        check_decreases(&new, now)?;
        new.last_decrease = Some(now);
        new.decreases_today += 1;
    }
    Ok(new)
}

/// Four decreases a UTC day at once, then one an hour, 27 at most ("Service quotas").
fn check_decreases(today: &Throughput, now: i64) -> Result<()> {
    let waited = today.last_decrease.is_none_or(|then| now - then >= HOUR);
    if today.decreases_today < limits::DECREASES_AT_ONCE
        || (waited && today.decreases_today < limits::MAX_DECREASES_A_DAY)
    {
        return Ok(());
    }
    Err(ApiError::limit_exceeded(format!(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC \
         day. After the first 4 decreases, each subsequent decrease in the same UTC day can be \
         performed at most once every 3600 seconds. Number of decreases today: {}.",
        today.decreases_today
    )))
}
