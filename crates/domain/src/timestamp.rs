//! Instants in UTC, to the millisecond: what Rally stores is what it shows.

use std::fmt;

use serde::{Serialize, Serializer};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use crate::error::Invalid;

const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// An instant in UTC, whole milliseconds, shown as RFC 3339 with three digits and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// The instant, cut down to the millisecond it lies in.
    pub fn new(instant: OffsetDateTime) -> Self {
        let utc = instant.to_offset(UtcOffset::UTC);
        Self(utc.replace_nanosecond(utc.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(utc))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(self) -> i64 {
        self.0.unix_timestamp() * 1000 + i64::from(self.0.millisecond())
    }

    /// The instant that many milliseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// When it lies outside the years 0 to 9999.
    pub fn from_unix_millis(millis: i64) -> Result<Self, Invalid> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
            .ok()
            .filter(|instant| (0..=9999).contains(&instant.year()))
            .map(Self)
            .ok_or_else(|| Invalid::new("must be an instant of the years 0 to 9999"))
    }

    /// Reads RFC 3339 with any offset; digits below the millisecond are cut off.
    ///
    /// # Errors
    /// When the text is not an RFC 3339 date-time.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| Invalid::new("must be an RFC 3339 date-time such as 2026-01-31T09:00:00Z"))
            .and_then(|instant| {
                // A local time at the edge of the calendar may have no UTC counterpart.
                instant.checked_to_offset(UtcOffset::UTC).ok_or_else(|| Invalid::new("is out of range"))
            })
            .map(Self::new)
    }

    /// The instant as `time` knows it, in UTC.
    pub fn instant(self) -> OffsetDateTime {
        self.0
    }

    /// The UTC day the instant lies in.
    pub fn day(self) -> Date {
        self.0.date()
    }

    /// The instant that much later (or earlier, when negative), held at the ends of the calendar.
    pub fn plus(self, duration: Duration) -> Self {
        Self::new(self.0.saturating_add(duration))
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

    proptest! {
        #[test]
        fn what_is_shown_reads_back(millis in -62_000_000_000_000_i64..250_000_000_000_000) {
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
