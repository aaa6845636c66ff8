//! Rates as people write them: `30/1m`.

use std::num::NonZeroU32;

use rally_domain::mail::MailBudget;

use crate::duration::parse_duration;

/// A number of requests in a period: at once as a burst, and evenly afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub(super) count: NonZeroU32,
    pub(super) period: std::time::Duration,
}

impl Rate {
    /// Parses `30/1m`.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, period) = text.split_once('/')?;
        let count = count.trim().parse().ok().filter(|count: &NonZeroU32| count.get() <= 1_000_000)?;
        let period = parse_duration(period.trim())?.unsigned_abs();
        // Each request needs at least a nanosecond.
        (period / count.get() > std::time::Duration::ZERO).then_some(Self { count, period })
    }

    /// Returns the number as mails in the period, all of which may come at once.
    pub fn budget(self) -> Option<MailBudget> {
        Some(MailBudget { mails: self.count.get(), period: self.period.try_into().ok()? })
    }

    /// 120 requests in a minute to whatever tokens open.
    pub(super) const fn of_links() -> Self {
        Self { count: NonZeroU32::MIN.saturating_add(119), period: std::time::Duration::from_secs(60) }
    }

    /// 60 changes at once of what one person's link opens, and one more every twelve minutes. Each leaves an event for a month.
    pub(super) const fn of_changes() -> Self {
        Self { count: NonZeroU32::MIN.saturating_add(59), period: std::time::Duration::from_secs(12 * 3600) }
    }

    /// Five tries in an hour to sign up with one e-mail address.
    pub(super) const fn of_email() -> Self {
        Self { count: NonZeroU32::MIN.saturating_add(4), period: std::time::Duration::from_secs(3600) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_time() {
        for (text, count, millis) in [("30/1m", 30, 60_000), (" 1 / 500ms ", 1, 500), ("1000000/1d", 1_000_000, 86_400_000)] {
            let period = std::time::Duration::from_millis(millis);
            assert_eq!(Rate::parse(text), Some(Rate { count: NonZeroU32::new(count).unwrap(), period }), "{text}");
        }
        for bad in ["", "30", "0/1m", "-1/1m", "30/m", "30/0s", "1000001/1m", "30/1m/1m", "1.5/1s"] {
            assert_eq!(Rate::parse(bad), None, "{bad}");
        }
    }
}
