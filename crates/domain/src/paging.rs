//! Pages of a list, by key and not by offset. Rows that are added or deleted meanwhile make no other row appear twice or not at all.

use std::num::NonZeroU16;

use crate::error::Invalid;
use crate::id::{AuditId, MailId, ReferralId, RequestId, SuppressionId, WaitlistId};
use crate::timestamp::Timestamp;

/// The most rows of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(NonZeroU16);

impl Limit {
    /// The rows of a page if the client asks for no number.
    pub const DEFAULT: u16 = 20;
    /// The most rows that a client may ask for.
    pub const MAX: u16 = 100;

    /// Takes a number of rows between 1 and `max`.
    ///
    /// # Errors
    /// If the number is outside.
    pub fn new(rows: u64, max: u16) -> Result<Self, Invalid> {
        u16::try_from(rows)
            .ok()
            .filter(|rows| *rows <= max)
            .and_then(NonZeroU16::new)
            .map(Self)
            .ok_or_else(|| Invalid::new(format!("must be an integer from 1 to {max}")))
    }

    /// Returns a number of rows that is known when the program is compiled.
    pub const fn of<const ROWS: u16>() -> Self {
        Self(const { NonZeroU16::new(ROWS).expect("a page has a row") })
    }

    /// Reads decimal digits as a number of rows between 1 and `max`.
    ///
    /// # Errors
    /// If the text is anything else.
    pub fn parse(text: &str, max: u16) -> Result<Self, Invalid> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        Self::new(if digits { text.parse().unwrap_or(u64::MAX) } else { 0 }, max)
    }

    /// Returns the number of rows.
    pub const fn rows(self) -> usize {
        self.0.get() as usize
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::of::<{ Self::DEFAULT }>()
    }
}

/// One page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// The key of the last row, if more rows follow. The next page starts after it.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Makes a page of rows that were fetched with one row more than the limit. The extra row shows that another page follows.
    pub fn from_overfetch(mut items: Vec<T>, limit: Limit, key: impl FnOnce(&T) -> K) -> Self {
        let more = items.len() > limit.rows();
        items.truncate(limit.rows());
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }
}

/// The row of a list of waitlists, newest first, after which the next page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitlistKey {
    /// When the row was created.
    pub created_at: Timestamp,
    /// The id of the row. It orders rows of the same millisecond.
    pub id: WaitlistId,
}

/// The row of a list of suppressions, newest first, after which the next page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuppressionKey {
    /// When the row was created.
    pub created_at: Timestamp,
    /// The id of the row. It orders rows of the same millisecond.
    pub id: SuppressionId,
}

/// The row of a list of sign-up requests, oldest first, after which the next page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey {
    /// When the person signed up.
    pub requested_at: Timestamp,
    /// The id of the row. It orders rows of the same millisecond.
    pub id: RequestId,
}

/// The row of a list of mails, newest first, after which the next page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailKey {
    /// When the row was created.
    pub created_at: Timestamp,
    /// The id of the row. It orders rows of the same millisecond.
    pub id: MailId,
}

/// The row of a list of referrals, newest first, after which the next page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferralKey {
    /// When the friend signed up.
    pub created_at: Timestamp,
    /// The id of the row. It orders rows of the same millisecond.
    pub id: ReferralId,
}

/// The row of the audit log, newest first, after which the next page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditKey {
    /// When the change was made.
    pub at: Timestamp,
    /// The id of the row. It orders rows of the same millisecond.
    pub id: AuditId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_one_to_the_maximum() {
        for (text, rows) in [("1", 1), ("20", 20), ("100", 100), ("007", 7)] {
            assert_eq!(Limit::parse(text, Limit::MAX).unwrap().rows(), rows);
        }
        for bad in ["", "0", "101", "-1", "+1", "1.0", "ten", "99999999999999999999999"] {
            assert!(Limit::parse(bad, Limit::MAX).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_extra_row_shows_that_more_rows_follow() {
        let limit = Limit::new(2, Limit::MAX).unwrap();
        let page = |rows: &[i32]| Page::from_overfetch(rows.to_vec(), limit, |row| *row);
        assert_eq!(page(&[1, 2, 3]), Page { items: vec![1, 2], next: Some(2) });
        assert_eq!(page(&[1, 2]), Page { items: vec![1, 2], next: None });
        assert_eq!(page(&[]), Page { items: vec![], next: None });
    }
}
