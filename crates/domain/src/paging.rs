//! Pages of a list, by key and never by offset, so that rows added or deleted meanwhile repeat and hide nothing.

use std::num::NonZeroU16;

use crate::error::Invalid;
use crate::id::WaitlistId;
use crate::timestamp::Timestamp;

/// How many rows a page holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(NonZeroU16);

impl Limit {
    /// Rows in a page when nothing was asked for.
    pub const DEFAULT: u16 = 20;
    /// The most rows in a page.
    pub const MAX: u16 = 100;

    /// Takes a number of rows between 1 and `max`.
    ///
    /// # Errors
    /// When it lies outside.
    pub fn new(rows: u64, max: u16) -> Result<Self, Invalid> {
        u16::try_from(rows)
            .ok()
            .filter(|rows| *rows <= max)
            .and_then(NonZeroU16::new)
            .map(Self)
            .ok_or_else(|| Invalid::new(format!("must be an integer from 1 to {max}")))
    }

    /// Reads decimal digits as a number of rows between 1 and `max`.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str, max: u16) -> Result<Self, Invalid> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        Self::new(if digits { text.parse().unwrap_or(u64::MAX) } else { 0 }, max)
    }

    /// The number of rows.
    pub const fn rows(self) -> usize {
        self.0.get() as usize
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(const { NonZeroU16::new(Self::DEFAULT).expect("the default is not zero") })
    }
}

/// One page and the key after which the next one starts, `None` on the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// The key of the last row, when more rows follow it.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Makes a page of rows fetched with one row more than the limit: the extra row says that another page follows.
    pub fn from_overfetch(mut items: Vec<T>, limit: Limit, key: impl FnOnce(&T) -> K) -> Self {
        let more = items.len() > limit.rows();
        items.truncate(limit.rows());
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }
}

/// Where a list of waitlists, newest first, goes on: after this row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitlistKey {
    /// When the row was created.
    pub created_at: Timestamp,
    /// The row itself, to tell rows of one millisecond apart.
    pub id: WaitlistId,
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
    fn the_extra_row_tells_that_more_follows() {
        let limit = Limit::new(2, Limit::MAX).unwrap();
        let page = |rows: &[i32]| Page::from_overfetch(rows.to_vec(), limit, |row| *row);
        assert_eq!(page(&[1, 2, 3]), Page { items: vec![1, 2], next: Some(2) });
        assert_eq!(page(&[1, 2]), Page { items: vec![1, 2], next: None });
        assert_eq!(page(&[]), Page { items: vec![], next: None });
    }
}
