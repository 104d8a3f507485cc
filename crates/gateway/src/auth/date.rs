//! Times as signatures carry them: ISO 8601 in its basic format, `20260131T235959Z`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01 UTC.
pub(super) type Timestamp = i64;

const DAY: i64 = 86_400;

/// The time a clock shows; a clock before 1970 shows 0.
pub(super) fn seconds(time: SystemTime) -> Timestamp {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// The other way. `timestamp` is not negative: `parse` takes no year before 1970.
pub(super) fn system_time(timestamp: Timestamp) -> SystemTime {
    UNIX_EPOCH + std::time::Duration::from_secs(timestamp.max(0).unsigned_abs())
}

/// None unless `text` is exactly `YYYYMMDDTHHMMSSZ` and a time that exists, from 1970 on.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let b: &[u8; 16] = text.as_bytes().try_into().ok()?;
    if b[8] != b'T' || b[15] != b'Z' {
        return None;
    }
    let (year, month, day) = (digits(&b[..4])?, digits(&b[4..6])?, digits(&b[6..8])?);
    let (hour, minute, second) = (digits(&b[9..11])?, digits(&b[11..13])?, digits(&b[13..15])?);
    let exists = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    exists.then(|| days_since_1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

pub(super) fn basic_format(timestamp: Timestamp) -> String {
    let (year, month, day) = date_of(timestamp.div_euclid(DAY));
    let second = timestamp.rem_euclid(DAY);
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |value, b| {
        b.is_ascii_digit().then(|| value * 10 + i64::from(b - b'0'))
    })
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar. Years begin in March, so that a leap day is a year's last day; 719,468
/// days lie between 0000-03-01 and 1970-01-01.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 1
        - 719_468
}

/// The inverse of `days_since_1970`: an estimate of the year that is at most one too high, then a walk through its months.
fn date_of(days: i64) -> (i64, i64, i64) {
    let mut year = 1970 + (days + 366).div_euclid(365);
    while days_since_1970(year, 1, 1) > days {
        year -= 1;
    }
    let mut month = 1;
    let mut day = days - days_since_1970(year, 1, 1) + 1;
    while day > days_in(year, month) {
        day -= days_in(year, month);
        month += 1;
    }
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times_are_read() {
        assert_eq!(parse("19700101T000000Z"), Some(0));
        assert_eq!(parse("20000229T235959Z"), Some(951_868_799));
        assert_eq!(parse("20261121T160000Z"), Some(1_795_276_800));
        assert_eq!(parse("99991231T235959Z"), Some(253_402_300_799));
    }

    #[test]
    fn times_that_do_not_exist_or_are_written_otherwise_are_refused() {
        for text in [
            "",
            "20261121",
            "20261121T160000",
            "20261121t160000z",
            "2026-11-21T16:00:00Z",
            "20261121T160000Z ",
            "20261321T160000Z",
            "20260229T160000Z",
            "19000229T160000Z",
            "20261121T240000Z",
            "20261121T166000Z",
            "20261121T160060Z",
            "+0261121T160000Z",
            "19691231T235959Z",
            "Sat, 21 Nov 2026",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_second_survives_writing_and_reading(t in 0i64..253_402_300_800) {
            prop_assert_eq!(parse(&basic_format(t)), Some(t));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,20}") {
            if let Some(t) = parse(&text) {
                prop_assert_eq!(basic_format(t), text);
            }
        }
    }
}
