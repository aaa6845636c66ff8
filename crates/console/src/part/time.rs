//! Instants as people read them.

use std::fmt;

use askama::filters::HtmlSafe;
use rally_domain::timestamp::Timestamp;

/// An instant, shown in UTC. The script shows it in the viewer's time zone; UTC stays in the title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl HtmlSafe for Time {}

impl From<Timestamp> for Time {
    fn from(instant: Timestamp) -> Self {
        Self(instant)
    }
}

impl Time {
    /// Returns the instant as text: "26 Nov 2026, 13:05".
    fn text(self) -> String {
        let utc = self.0.instant();
        let month = utc.month().to_string();
        format!("{} {} {}, {:02}:{:02}", utc.day(), month.get(..3).unwrap_or(&month), utc.year(), utc.hour(), utc.minute())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let second = self.0.instant().second();
        write!(f, "<time datetime=\"{}\" title=\"{text}:{second:02} UTC\">{text} UTC</time>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_its_exact_time_at_hand() {
        let shown = Time(Timestamp::parse("2026-03-05T09:07:08Z").unwrap()).to_string();
        let markup = "<time datetime=\"2026-03-05T09:07:08.000Z\" title=\"5 Mar 2026, 09:07:08 UTC\">5 Mar 2026, 09:07 UTC</time>";
        assert_eq!(shown, markup);
    }
}
