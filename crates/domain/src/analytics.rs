//! Analytics: the counters of a waitlist, by UTC days and by weeks that start on Monday.

use std::collections::BTreeMap;

use time::{Date, Duration};

use crate::email::Email;
use crate::entry::{Entry, Leader};
use crate::error::Invalid;
use crate::id::{EntryId, VariantId};
use crate::locale::Locale;
use crate::referral::{Position, ReferralCode};
use crate::text::{PersonName, Referrer};
use crate::timestamp::Timestamp;
use crate::variant::VariantKind;

/// The most rows of each top list.
pub const TOP: usize = 10;

/// The counters of a waitlist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Entries that wait for a review.
    pub pending: u64,
    /// Approved entries.
    pub approved: u64,
    /// Rejected entries.
    pub rejected: u64,
    /// Entries that have a referrer.
    pub referred: u64,
}

impl Counters {
    /// Returns the number of all entries.
    pub const fn total(&self) -> u64 {
        self.pending + self.approved + self.rejected
    }
}

/// A referrer in the analytics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopReferral {
    /// The id of the entry.
    pub id: EntryId,
    /// The address of the person.
    pub email: Email,
    /// The person's name.
    pub name: PersonName,
    /// The entry's own referral code.
    pub referral_code: ReferralCode,
    /// Referrals that count.
    pub referral_count: u64,
    /// The position of the entry.
    pub position: Position,
}

impl TopReferral {
    /// Returns the top referrers among some entries: at most [`TOP`], in the order of the leaderboard.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Self> {
        let mut leaders: Vec<(Leader, &Entry)> = entries.into_iter().filter_map(|entry| Some((Leader::of(entry)?, entry))).collect();
        leaders.sort_by(|(one, _), (other, _)| one.cmp(other));
        let row = |(_, entry): (Leader, &Entry)| Self {
            id: entry.id,
            email: entry.profile.email.clone(),
            name: entry.profile.name.clone(),
            referral_code: entry.referral_code.clone(),
            referral_count: entry.referral_count,
            position: entry.position,
        };
        leaders.into_iter().take(TOP).map(row).collect()
    }
}

/// The number of sign-ups of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantSignups {
    /// The variant, deleted or not. `None` means sign-ups without a variant.
    pub variant: Option<VariantLabel>,
    /// Sign-ups.
    pub signups: u64,
}

/// Identifies a variant for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantLabel {
    /// The id of the variant.
    pub id: VariantId,
    /// Its kind.
    pub kind: VariantKind,
    /// Its locale.
    pub locale: Locale,
}

/// All numbers that a store keeps about a waitlist, as of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analytics {
    /// Entries by status, and entries with a referrer.
    pub counters: Counters,
    /// Sign-ups by UTC day, from [`first_day_needed`] on. Days without any are left out.
    pub recent_days: BTreeMap<Date, u64>,
    /// The most frequent sources, at most [`TOP`]. `None` means that no source was given.
    pub top_referrers: Vec<(Option<Referrer>, u64)>,
    /// The top referrers that are not rejected, at most [`TOP`].
    pub top_referrals: Vec<TopReferral>,
    /// Sign-ups by variant.
    ///
    /// The existing variants come first, in the order they were created. Then come deleted variants with sign-ups. The row of sign-ups
    /// without a variant is the last.
    pub by_variant: Vec<VariantSignups>,
}

/// Returns the first day whose sign-ups the numbers of today, this week and this month need.
pub fn first_day_needed(today: Date) -> Date {
    monday(today).min(first_of_month(today))
}

impl Analytics {
    /// Sign-ups of a day.
    pub fn signups_today(&self, today: Date) -> u64 {
        self.signups_since(today)
    }

    /// Sign-ups since the Monday of the week of a day.
    pub fn signups_this_week(&self, today: Date) -> u64 {
        self.signups_since(monday(today))
    }

    /// Sign-ups since the first day of the month of a day.
    pub fn signups_this_month(&self, today: Date) -> u64 {
        self.signups_since(first_of_month(today))
    }

    /// Entries with a referrer, divided by all entries. It is 0 for an empty list.
    pub fn viral_coefficient(&self) -> f64 {
        share(self.counters.referred, self.counters.total())
    }

    fn signups_since(&self, first: Date) -> u64 {
        self.recent_days.range(first..).map(|(_, signups)| signups).sum()
    }
}

/// Divides a part by the whole. Returns 0 if the whole is 0.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn monday(day: Date) -> Date {
    day.saturating_sub(Duration::days(i64::from(day.weekday().number_days_from_monday())))
}

fn first_of_month(day: Date) -> Date {
    day.replace_day(1).unwrap_or(day)
}

/// The UTC days that a span of time touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySpan {
    first: Date,
    last: Date,
}

impl DaySpan {
    /// The most days between the ends of a span. It touches one more if it begins within a day.
    pub const MAX: i64 = 3660;

    /// Returns the days that `[since, until)` touches.
    ///
    /// # Errors
    /// If `until` is not after `since`, or more than [`MAX`](Self::MAX) days after it.
    pub fn new(since: Timestamp, until: Timestamp) -> Result<Self, Invalid> {
        if until <= since {
            return Err(Invalid::new("must be after since"));
        }
        if until.instant() - since.instant() > Duration::days(Self::MAX) {
            return Err(Invalid::new(format!("must be at most {} days after since", Self::MAX)));
        }
        Ok(Self { first: since.day(), last: until.plus(Duration::milliseconds(-1)).day() })
    }

    /// Returns the first day.
    pub const fn first_day(&self) -> Date {
        self.first
    }

    /// Returns the last day, which is part of the span.
    pub const fn last_day(&self) -> Date {
        self.last
    }

    fn len(&self) -> i64 {
        (self.last - self.first).whole_days() + 1
    }

    /// Returns each day of the span with its count, oldest first. A day without a count gets 0.
    pub fn fill(&self, counts: &BTreeMap<Date, u64>) -> Vec<(Date, u64)> {
        let days = (0..self.len()).map(|n| self.first.saturating_add(Duration::days(n)));
        days.map(|day| (day, counts.get(&day).copied().unwrap_or(0))).collect()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn analytics(days: &[(Date, u64)]) -> Analytics {
        Analytics {
            counters: Counters { pending: 3, approved: 1, rejected: 0, referred: 1 },
            recent_days: days.iter().copied().collect(),
            top_referrers: Vec::new(),
            top_referrals: Vec::new(),
            by_variant: Vec::new(),
        }
    }

    #[test]
    fn weeks_start_on_monday_and_months_on_the_first() {
        // A Sunday. Its week began in February, and its month on this day.
        let today = date!(2026 - 03 - 01);
        let analytics = analytics(&[(date!(2026 - 02 - 22), 1), (date!(2026 - 02 - 23), 2), (date!(2026 - 02 - 28), 4), (today, 8)]);
        assert_eq!(first_day_needed(today), date!(2026 - 02 - 23));
        assert_eq!(analytics.signups_today(today), 8);
        assert_eq!(analytics.signups_this_week(today), 14);
        assert_eq!(analytics.signups_this_month(today), 8);
        assert_eq!(first_day_needed(date!(2026 - 03 - 31)), date!(2026 - 03 - 01));
        assert_eq!(analytics.viral_coefficient(), 0.25);
        assert_eq!(share(0, 0), 0.0);
    }

    #[test]
    fn a_span_has_every_day_it_touches() {
        let at = |text| Timestamp::parse(text).unwrap();
        let days = |since, until| {
            let span = DaySpan::new(at(since), at(until)).unwrap();
            span.fill(&BTreeMap::from([(date!(2024 - 02 - 29), 7)])).into_iter().map(|(day, n)| (day.to_string(), n)).collect::<Vec<_>>()
        };
        let day = |text: &str, n| (text.to_owned(), n);
        assert_eq!(days("2024-02-28T23:59:59.999Z", "2024-03-01T00:00:00Z"), [day("2024-02-28", 0), day("2024-02-29", 7)]);
        assert_eq!(days("2024-02-29T00:00:00Z", "2024-03-01T00:00:00.001Z"), [day("2024-02-29", 7), day("2024-03-01", 0)]);
        assert_eq!(days("2025-12-31T12:00:00Z", "2026-01-01T12:00:00Z"), [day("2025-12-31", 0), day("2026-01-01", 0)]);
        assert_eq!(days("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z"), [day("2026-01-01", 0)]);
    }

    #[test]
    fn a_span_is_neither_empty_nor_endless() {
        let at = |text| Timestamp::parse(text).unwrap();
        let first = at("2020-01-01T00:00:00Z");
        assert!(DaySpan::new(first, first).is_err());
        assert!(DaySpan::new(first, at("2019-12-31T00:00:00Z")).is_err());
        let longest = first.plus(Duration::days(DaySpan::MAX));
        assert!(DaySpan::new(first, longest).is_ok());
        assert!(DaySpan::new(first, longest.plus(Duration::milliseconds(1))).is_err());
        let at_noon = (first.plus(Duration::hours(12)), longest.plus(Duration::hours(12)));
        assert_eq!(DaySpan::new(at_noon.0, at_noon.1).unwrap().len(), DaySpan::MAX + 1);
        assert!(DaySpan::new(at("0000-01-01T00:00:00Z"), at("9999-12-31T23:59:59Z")).is_err());
    }
}
