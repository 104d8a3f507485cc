//! Names of streams: `arn:aws:dynamodb:eu-west-1:123456789012:table/Music/stream/2026-11-21T19:50:45.123`.
use crate::table::{Account, is_name};
use crate::{ApiError, Result, limits};

const MILLIS_A_DAY: i64 = 86_400_000;

/// A stream within its account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName {
    pub table: String,
    /// When the stream was enabled; one table never has two streams with one label.
    pub label: String,
}

impl StreamName {
    pub fn arn(&self, account: &Account) -> String {
        format!("{}/stream/{}", account.table_arn(&self.table), self.label)
    }

    /// Err: ValidationException for what is no ARN of a stream, ResourceNotFoundException for one of another account
    /// or region: it is not here.
    pub fn parse(arn: &str, account: &Account) -> Result<StreamName> {
        let invalid = || ApiError::validation("Invalid StreamArn");
        if arn.len() > limits::MAX_STREAM_ARN {
            return Err(invalid());
        }
        let mut parts = arn.splitn(6, ':');
        let mut part = || parts.next().ok_or_else(invalid);
        let (scheme, _partition, service, _region, _owner, resource) =
            (part()?, part()?, part()?, part()?, part()?, part()?);
        if scheme != "arn" || service != "dynamodb" {
            return Err(invalid());
        }
        let name = resource.strip_prefix("table/").and_then(|rest| {
            let (table, label) = rest.split_once("/stream/")?;
            let named = (1..=limits::MAX_TABLE_NAME).contains(&table.len()) && is_name(table);
            (named && !label.is_empty() && !label.contains('/')).then(|| StreamName {
                table: table.to_owned(),
                label: label.to_owned(),
            })
        });
        let name = name.ok_or_else(invalid)?;
        if name.arn(account) != arn {
            return Err(ApiError::no_such_stream(arn));
        }
        Ok(name)
    }
}

/// The label of a stream that is enabled at `millis` (epoch milliseconds): "2026-11-21T19:50:45.123", in UTC.
pub fn label(millis: i64) -> String {
    let (day, of_day) = (
        millis.div_euclid(MILLIS_A_DAY),
        millis.rem_euclid(MILLIS_A_DAY),
    );
    let (year, month, date) = civil(day);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Year, month and day of the Gregorian calendar; `days` since 1970-01-01. Years are counted from the 1st of March, so
/// that the leap day is the last of its year; 400 of them have 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_TO_1970: i64 = 719_468;
    const DAYS_OF_ERA: i64 = 146_097;
    let days = days + DAYS_TO_1970;
    let (era, of_era) = (days.div_euclid(DAYS_OF_ERA), days.rem_euclid(DAYS_OF_ERA));
    let year_of_era =
        (of_era - of_era / 1_460 + of_era / 36_524 - of_era / (DAYS_OF_ERA - 1)) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months of 31 and 30 days from March on follow a line: 153 days in five.
    let from_march = (5 * of_year + 2) / 153;
    let date = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, date)
}
