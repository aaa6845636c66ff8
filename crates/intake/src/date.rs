//! Dates as exports write them. A date without an offset is in UTC.

use rally_domain::error::Invalid;
use rally_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month, PrimitiveDateTime, Time, UtcOffset};

/// From which number of seconds since 1970 on a number counts milliseconds. As seconds it would be in the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// What comes first in dates such as `01/02/2024`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DateOrder {
    /// The day, because the file has a date such as `31/12/2024`.
    DayFirst,
    /// The month, because the file has a date such as `12/31/2024`.
    MonthFirst,
    /// The file has both kinds. A date that may be either is refused.
    Mixed,
}

/// What the dates of a column say about their order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evidence {
    day_first: bool,
    month_first: bool,
}

impl Evidence {
    /// Looks at a cell, which may be no date.
    pub(crate) fn see(&mut self, cell: &str) {
        if !cell.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return;
        }
        if let Some((first, second, _)) = short_date(cell.split([' ', 'T', ',']).next().unwrap_or(cell)) {
            self.day_first |= first > 12 && second <= 12;
            self.month_first |= second > 12 && first <= 12;
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self { day_first: self.day_first || other.day_first, month_first: self.month_first || other.month_first }
    }

    /// Returns the order, or `None` if no date tells.
    pub(crate) const fn order(self) -> Option<DateOrder> {
        match (self.day_first, self.month_first) {
            (true, true) => Some(DateOrder::Mixed),
            (true, false) => Some(DateOrder::DayFirst),
            (false, true) => Some(DateOrder::MonthFirst),
            (false, false) => None,
        }
    }
}

/// Reads an instant:
///
/// - RFC 3339, with `T`, a space or `_` before the time, and without seconds, fraction or offset if need be. An offset may be `+0200` too,
///   and a name of a zone may follow it, as Go prints them.
/// - a number of seconds or milliseconds since 1970;
/// - a date with `/`, `-` or `.`, the day or the month first, with a time of 24 or 12 hours or without. With `.` the day is first;
/// - a date with the name of its month in English, the day or the month first: `Mar 1, 2024`, `Fri, 01 Mar 2024 09:00:00 GMT`;
/// - a date alone, which means its first instant: `2024-03-01`, `2024/03/01`, `20240301`.
///
/// A date of zeros, which some databases write for none, is `None`. So is the first instant of the year 1, which Go writes for none.
///
/// # Errors
/// If the text is none of these, or if nothing tells whether its day is first.
pub(crate) fn parse(text: &str, order: DateOrder) -> Result<Option<Timestamp>, Invalid> {
    let text = text.trim();
    if text.starts_with("0000-00-00") || text.starts_with("0001-01-01") {
        return Ok(None);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.bytes().filter(|byte| *byte == b'.').count() < 2 {
        return number(text).map(Some);
    }
    let (date, rest) = match named_date(text) {
        Some(found) => found,
        None => {
            let split = text.find(['T', 't', ' ', '_', ',']).unwrap_or(text.len());
            let (date, rest) = text.split_at(split);
            (calendar_date(date, order)?, rest)
        }
    };
    let rest = rest.trim_start_matches(['T', 't', ' ', '_', ',']);
    let (time, offset) = if rest.is_empty() { (Time::MIDNIGHT, UtcOffset::UTC) } else { clock(rest).ok_or_else(unreadable)? };
    let instant = PrimitiveDateTime::new(date, time).assume_offset(offset);
    Timestamp::from_unix_millis(i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).map_err(|_| unreadable())?).map(Some)
}

fn unreadable() -> Invalid {
    Invalid::new("must be a date such as 2024-03-01T09:00:00Z, 2024-03-01 09:00:00, 01/03/2024 or a number of seconds since 1970")
}

fn number(text: &str) -> Result<Timestamp, Invalid> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() == 8 && fraction.is_empty() {
        let (year, rest) = whole.split_at(4);
        return date(year, &rest[..2], &rest[2..])
            .and_then(|date| Timestamp::parse(&format!("{date}T00:00:00Z")).ok())
            .ok_or_else(unreadable);
    }
    let number: i64 = whole.parse().map_err(|_| unreadable())?;
    if whole.len() < 9 {
        return Err(unreadable());
    }
    let millis = if number >= MILLISECONDS_FROM {
        number
    } else {
        let digits: i64 = format!("{fraction:0<3.3}").parse().map_err(|_| unreadable())?;
        number * 1000 + digits
    };
    Timestamp::from_unix_millis(millis)
}

fn calendar_date(text: &str, order: DateOrder) -> Result<Date, Invalid> {
    if let Some((first, second, year)) = short_date(text) {
        let day_first = match order {
            _ if text.contains('.') => true,
            _ if first > 12 => true,
            _ if second > 12 => false,
            _ if first == second => true,
            DateOrder::DayFirst => true,
            DateOrder::MonthFirst => false,
            DateOrder::Mixed => {
                return Err(Invalid::new("may start with the day or the month, because the file has both; write it as 2024-03-01"));
            }
        };
        let (day, month) = if day_first { (first, second) } else { (second, first) };
        return month_of(month).and_then(|month| Date::from_calendar_date(year, month, day).ok()).ok_or_else(unreadable);
    }
    let mut parts = text.split(['-', '/']);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day), None) => date(year, month, day).ok_or_else(unreadable),
        _ => Err(unreadable()),
    }
}

/// Reads a date with the name of its month, and returns what follows it.
fn named_date(text: &str) -> Option<(Date, &str)> {
    let (mut first, mut rest) = word(text)?;
    if number_of(first, &WEEKDAYS).is_some() {
        (first, rest) = word(rest)?;
    }
    let (second, rest) = word(rest)?;
    let (year, rest) = word(rest)?;
    let (day, month) = match number_of(first, &MONTHS) {
        Some(month) => (second, month),
        None => (first, number_of(second, &MONTHS)?),
    };
    let ordinal = ["st", "nd", "rd", "th"].into_iter().find_map(|suffix| day.strip_suffix(suffix));
    let day = u8::try_from(digits(ordinal.unwrap_or(day))?).ok()?;
    let year = match (year.len(), digits(year)?) {
        (4, year) => year,
        (2, year) => 2000 + year,
        _ => return None,
    };
    Some((Date::from_calendar_date(i32::try_from(year).ok()?, month_of(month)?, day).ok()?, rest))
}

/// Returns the next word of letters and digits, and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', ',', '-', '.']);
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Returns the number of a name in a list, from 1 on. Three letters or more are enough.
fn number_of(text: &str, names: &[&str]) -> Option<u8> {
    let text = text.to_ascii_lowercase();
    let found = names.iter().position(|name| text.len() >= 3 && name.starts_with(&text))?;
    u8::try_from(found + 1).ok()
}

/// Reads the numbers of a date that ends with its year: two of a day and a month in either order, and the year.
fn short_date(text: &str) -> Option<(u8, u8, i32)> {
    let separator = text.bytes().find(|byte| !byte.is_ascii_digit()).filter(|byte| matches!(byte, b'/' | b'-' | b'.'))?;
    let mut parts = text.split(char::from(separator));
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || first.len() > 2 {
        return None;
    }
    let year = match (year.len(), digits(year)?) {
        (4, year) => year,
        (2, year) => 2000 + year,
        _ => return None,
    };
    Some((u8::try_from(digits(first)?).ok()?, u8::try_from(digits(second)?).ok()?, i32::try_from(year).ok()?))
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    if year.len() != 4 {
        return None;
    }
    let month = month_of(u8::try_from(digits(month)?).ok()?)?;
    Date::from_calendar_date(i32::try_from(digits(year)?).ok()?, month, u8::try_from(digits(day)?).ok()?).ok()
}

fn month_of(number: u8) -> Option<Month> {
    Month::try_from(number).ok()
}

fn digits(text: &str) -> Option<u32> {
    (!text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads a time of day and its offset.
fn clock(text: &str) -> Option<(Time, UtcOffset)> {
    let bytes = text.as_bytes();
    // GetWaitlist writes 18-34-28.
    let dashed = bytes.get(2) == Some(&b'-') && bytes.get(5) == Some(&b'-');
    let text = if dashed { format!("{}:{}:{}", text.get(..2)?, text.get(3..5)?, text.get(6..)?) } else { text.to_owned() };
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(text.len());
    let (time, rest) = text.split_at(end);
    let parts: Vec<&str> = time.split(':').collect();
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (digits(hour)?, digits(minute)?, "0"),
        [hour, minute, second] => (digits(hour)?, digits(minute)?, second),
        _ => return None,
    };
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim();
    let (hour, rest) = match rest.get(..2).map(str::to_ascii_uppercase).as_deref() {
        Some("AM") if (1..=12).contains(&hour) => (hour % 12, rest[2..].trim()),
        Some("PM") if (1..=12).contains(&hour) => (hour % 12 + 12, rest[2..].trim()),
        _ => (hour, rest),
    };
    let millis: u16 = format!("{fraction:0<3.3}").parse().ok()?;
    // A leap second is the last instant of its minute.
    let second = Some(digits(second)?).map(|second| if second == 60 { 59 } else { second })?;
    let [hour, minute, second] = [hour, minute, second].map(u8::try_from);
    Some((Time::from_hms_milli(hour.ok()?, minute.ok()?, second.ok()?, millis).ok()?, offset(rest)?))
}

/// Reads an offset such as `Z`, `+02:00`, `+0200`, `+02`, `UTC`, or `+0200 CEST`.
fn offset(text: &str) -> Option<UtcOffset> {
    if matches!(text.to_ascii_uppercase().as_str(), "" | "Z" | "UTC" | "GMT") {
        return Some(UtcOffset::UTC);
    }
    let (sign, rest) = match text.as_bytes()[0] {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (number, zone) = rest.split_once(' ').unwrap_or((rest, ""));
    if !zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-')) {
        return None;
    }
    let number = number.replace(':', "");
    let (hours, minutes) = match number.len() {
        2 => (digits(&number)?, 0),
        4 => (digits(&number)? / 100, digits(&number)? % 100),
        _ => return None,
    };
    if minutes > 59 {
        return None;
    }
    let length = Duration::minutes(i64::from(hours * 60 + minutes) * sign);
    UtcOffset::from_whole_seconds(i32::try_from(length.whole_seconds()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, order: DateOrder) -> Option<String> {
        parse(text, order).ok().flatten().map(|at| at.to_string())
    }

    #[test]
    fn a_date_is_read_as_exports_write_it() {
        for (text, at) in [
            ("2024-03-01T09:00:00Z", "2024-03-01T09:00:00.000Z"),
            ("2024-03-01T09:00:00.5+02:00", "2024-03-01T07:00:00.500Z"),
            ("2025-07-15T14:29:23-04:00", "2025-07-15T18:29:23.000Z"),
            ("2024-03-01t09:00", "2024-03-01T09:00:00.000Z"),
            ("2024-03-01 09:00:00", "2024-03-01T09:00:00.000Z"),
            ("2024-03-01 09:00:00 UTC", "2024-03-01T09:00:00.000Z"),
            ("2024-03-01 09:00:00 +0000 UTC", "2024-03-01T09:00:00.000Z"),
            ("2024-03-01 09:00:00.123456 +0100 CET", "2024-03-01T08:00:00.123Z"),
            ("2024-03-01 09:00:00 -0330 -0330", "2024-03-01T12:30:00.000Z"),
            ("2022-04-10_18-34-28", "2022-04-10T18:34:28.000Z"),
            ("2024/03/01", "2024-03-01T00:00:00.000Z"),
            (" 2024-03-01 ", "2024-03-01T00:00:00.000Z"),
            ("20240301", "2024-03-01T00:00:00.000Z"),
            ("1682345678", "2023-04-24T14:14:38.000Z"),
            ("1682345678.9", "2023-04-24T14:14:38.900Z"),
            ("1682345678901", "2023-04-24T14:14:38.901Z"),
            ("31.12.2024", "2024-12-31T00:00:00.000Z"),
            ("1.2.24 08:05", "2024-02-01T08:05:00.000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
            ("Mar 1, 2024", "2024-03-01T00:00:00.000Z"),
            ("March 4th, 2024 9:00 AM", "2024-03-04T09:00:00.000Z"),
            ("1 March 2024 09:00", "2024-03-01T09:00:00.000Z"),
            ("01-Mar-2024", "2024-03-01T00:00:00.000Z"),
            ("Fri, 01 Mar 2024 09:00:00 GMT", "2024-03-01T09:00:00.000Z"),
            ("Fri, 1 Sept 2023 09:00:00 +0200", "2023-09-01T07:00:00.000Z"),
        ] {
            for order in [DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::Mixed] {
                assert_eq!(read(text, order).as_deref(), Some(at), "{text}");
            }
        }
        for nothing in ["0000-00-00 00:00:00", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +0000 UTC"] {
            assert_eq!(parse(nothing, DateOrder::Mixed), Ok(None));
        }
    }

    #[test]
    fn the_file_decides_whether_the_day_is_first() {
        use DateOrder::{DayFirst, Mixed, MonthFirst};
        for (text, order, day) in [
            ("02/03/2024", DayFirst, Some("2024-03-02")),
            ("02/03/2024", MonthFirst, Some("2024-02-03")),
            ("02-03-24", MonthFirst, Some("2024-02-03")),
            ("02/03/2024", Mixed, None),
            ("03/03/2024", Mixed, Some("2024-03-03")),
            ("31/12/2024", Mixed, Some("2024-12-31")),
            ("12/31/2024", Mixed, Some("2024-12-31")),
            ("31/12/2024", MonthFirst, Some("2024-12-31")),
        ] {
            assert_eq!(read(text, order).map(|at| at[..10].to_owned()).as_deref(), day, "{text} {order:?}");
        }
        assert_eq!(read("3/1/2024 9:05 PM", MonthFirst).as_deref(), Some("2024-03-01T21:05:00.000Z"));
        assert_eq!(read("3/1/2024, 12:05:01 am", MonthFirst).as_deref(), Some("2024-03-01T00:05:01.000Z"));
        for (cells, order) in [
            (&["02/03/2024", "text", "31/12/2024 10:00"][..], Some(DayFirst)),
            (&["12/31/2024", "1/1/24"], Some(MonthFirst)),
            (&["12/31/2024", "31/12/2024"], Some(Mixed)),
            (&["2024-12-31", "01/02/2024", "31/31/2024", "1/2/3/4", ""], None),
        ] {
            let mut evidence = Evidence::default();
            cells.iter().for_each(|cell| evidence.see(cell));
            assert_eq!(evidence.order(), order, "{cells:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_date_is_refused() {
        for bad in [
            "",
            "soon",
            "2024",
            "45352",
            "1.68E+12",
            "2024-13-01",
            "2024-02-30",
            "32/01/2024",
            "1/2",
            "1/2/3",
            "2024-03-01T25:00",
            "2024-03-01 9",
            "99:99",
            "2024-03-01 09:00:00 PST",
            "2024-03-01 09:00 +1",
            "2024-03-01 13:00 PM",
            "99999999999999999999",
            "2024-03-01 09:00:00:00",
            "Mar 2024",
            "Ma 1, 2024",
            "31 Feb 2024",
            "Mar 1, 2024 soon",
            "1 2 Mar 2024",
            "٢٠٢٤-٠٣-٠١",
        ] {
            let read = parse(bad, DateOrder::DayFirst);
            assert!(read.is_err(), "{bad} {read:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,30}", near in "[0-9TZ:/. +_apmUTC,Mardi-]{0,30}") {
            for text in [text, near] {
                parse(&text, DateOrder::DayFirst).ok();
                Evidence::default().see(&text);
            }
        }

        #[test]
        fn an_instant_reads_back(millis in 0_i64..250_000_000_000_000) {
            let at = Timestamp::from_unix_millis(millis).unwrap();
            prop_assert_eq!(parse(&at.to_string(), DateOrder::Mixed), Ok(Some(at)));
        }
    }
}
