//! Instants in UTC, in whole milliseconds. Rally shows the same instant that it stores.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Serialize, Serializer};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::{datetime, format_description};
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use crate::error::Invalid;

const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// The years with four digits, so that a date can be shown as `YYYY-MM-DD`.
const YEARS: RangeInclusive<i32> = 0..=9999;

/// The first and the last instant of these years.
const ENDS: (OffsetDateTime, OffsetDateTime) = (datetime!(0000-01-01 00:00 UTC), datetime!(9999-12-31 23:59:59.999 UTC));

fn out_of_range() -> Invalid {
    Invalid::new("must be an instant of the years 0 to 9999")
}

/// An instant in UTC in whole milliseconds. It is shown as RFC 3339 with three digits and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// Creates an instant and drops all digits below the millisecond. An instant outside the years 0 to 9999 becomes the nearest of them.
    pub fn new(instant: OffsetDateTime) -> Self {
        let utc = instant.clamp(ENDS.0, ENDS.1).to_offset(UtcOffset::UTC);
        Self(utc.replace_nanosecond(utc.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(utc))
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(self) -> i64 {
        self.0.unix_timestamp() * 1000 + i64::from(self.0.millisecond())
    }

    /// Creates an instant from the milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// If the instant is outside the years 0 to 9999.
    pub fn from_unix_millis(millis: i64) -> Result<Self, Invalid> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
            .ok()
            .filter(|instant| YEARS.contains(&instant.year()))
            .map(Self)
            .ok_or_else(out_of_range)
    }

    /// Reads RFC 3339 with any offset, and drops all digits below the millisecond.
    ///
    /// # Errors
    /// If the text is not an RFC 3339 date-time, or is outside the years 0 to 9999 in UTC.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| Invalid::new("must be an RFC 3339 date-time such as 2026-01-31T09:00:00Z"))
            .and_then(|instant| {
                // A local time in the years 0 to 9999 may be outside them in UTC.
                let utc = instant.checked_to_offset(UtcOffset::UTC).filter(|utc| YEARS.contains(&utc.year()));
                utc.ok_or_else(out_of_range)
            })
            .map(Self::new)
    }

    /// Returns the instant as a value of `time`, in UTC.
    pub fn instant(self) -> OffsetDateTime {
        self.0
    }

    /// Returns the UTC day of the instant.
    pub fn day(self) -> Date {
        self.0.date()
    }

    /// Adds a duration, which may be negative. The result stops at the ends of the years 0 to 9999.
    pub fn plus(self, duration: Duration) -> Self {
        Self::new(self.0.saturating_add(duration).clamp(ENDS.0, ENDS.1))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(FORMAT).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_instant_is_shown_with_three_digits_in_utc() {
        let at = |text| Timestamp::parse(text).map(|t| t.to_string());
        assert_eq!(at("2026-01-31T09:00:00Z").as_deref(), Ok("2026-01-31T09:00:00.000Z"));
        assert_eq!(at("2026-01-31T09:00:00.1239+02:00").as_deref(), Ok("2026-01-31T07:00:00.123Z"));
        assert!(at("2026-01-31").is_err());
        assert!(at("2026-02-30T09:00:00Z").is_err());
    }

    #[test]
    fn an_instant_has_a_year_of_four_digits_in_utc() {
        for (given, shown) in [
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
            ("0000-01-01T01:00:00+01:00", "0000-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::parse(given).unwrap().to_string(), shown);
        }
        for bad in ["0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "-0001-12-31T00:00:00Z", "+10000-01-01T00:00:00Z"] {
            assert!(Timestamp::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_instant_of_another_year_becomes_the_nearest_one() {
        let (first, last) = (Timestamp::new(ENDS.0), Timestamp::new(ENDS.1));
        for (given, kept) in [
            (datetime!(9999-12-31 23:59:59 -01:00), last),
            (datetime!(-0005-06-01 00:00 UTC), first),
            (datetime!(0000-01-01 00:30 +01:00), first),
        ] {
            assert_eq!(Timestamp::new(given), kept);
        }
    }

    #[test]
    fn a_sum_stops_at_the_ends_of_the_years() {
        let at = |text| Timestamp::parse(text).unwrap();
        let (first, last) = (at("0000-01-01T00:00:00Z"), at("9999-12-31T23:59:59.999Z"));
        for far in [Duration::MILLISECOND, Duration::days(400), Duration::MAX] {
            assert_eq!((first.plus(-far), last.plus(far)), (first, last), "{far}");
        }
        assert_eq!((first.plus(Duration::MIN), last.plus(Duration::MIN), first.plus(Duration::MAX)), (first, first, last));
        assert_eq!(at("2026-01-31T09:00:00Z").plus(Duration::hours(-10)), at("2026-01-30T23:00:00Z"));
    }

    proptest! {
        #[test]
        fn an_instant_reads_back_as_it_is_shown(millis in -62_000_000_000_000_i64..250_000_000_000_000) {
            let shown = Timestamp::from_unix_millis(millis).unwrap();
            prop_assert_eq!(shown.unix_millis(), millis);
            prop_assert_eq!(Timestamp::parse(&shown.to_string()), Ok(shown));
        }

        #[test]
        fn any_text_parses_or_is_refused_without_a_panic(text in ".*") {
            if let Ok(instant) = Timestamp::parse(&text) {
                prop_assert_eq!(Timestamp::parse(&instant.to_string()), Ok(instant));
            }
        }
    }
}
