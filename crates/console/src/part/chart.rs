//! Charts as SVG. Their numbers are attributes, so that the policy needs no inline style.

use super::html::{Html, escape};
use super::number::{Count, Share};

/// A day and what happened on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    /// The UTC day, `YYYY-MM-DD`.
    pub date: String,
    /// The number of sign-ups.
    pub count: Count,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns a day as people say it, "5 Nov 2026". What is no day stays as it is.
fn spoken(date: &str) -> String {
    let mut parts = date.splitn(3, '-').map(str::parse::<u16>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) = (parts.next(), parts.next(), parts.next()) else { return date.to_owned() };
    let name = MONTHS.get(usize::from(month).wrapping_sub(1));
    name.map_or_else(|| date.to_owned(), |name| format!("{day} {name} {year}"))
}

impl Day {
    /// Writes the day with its date in the markup. The script leaves it as it is, because it is a day of UTC everywhere.
    pub fn shown(&self) -> Html {
        Html::of(format!("<time datetime=\"{}\" data-local>{}</time>", escape(&self.date), escape(&spoken(&self.date))))
    }
}

/// Days in their order, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days(pub Vec<Day>);

impl Days {
    /// Returns the largest number of a day.
    pub fn max(&self) -> Count {
        self.0.iter().map(|day| day.count).max().unwrap_or_default()
    }

    /// Returns the number of all days.
    pub fn sum(&self) -> Count {
        Count(self.0.iter().map(|day| day.count.0).sum())
    }

    /// Writes the first day.
    pub fn first(&self) -> Html {
        self.0.first().map(Day::shown).unwrap_or_default()
    }

    /// Writes the last day.
    pub fn last(&self) -> Html {
        self.0.last().map(Day::shown).unwrap_or_default()
    }

    /// Returns the number of the last day.
    pub fn today(&self) -> Count {
        self.0.last().map(|day| day.count).unwrap_or_default()
    }

    /// Returns the days with sign-ups, newest first.
    pub fn busy(&self) -> Vec<&Day> {
        self.0.iter().rev().filter(|day| day.count.0 > 0).collect()
    }

    fn says(&self) -> String {
        let end = |day: Option<&Day>| day.map(|day| escape(&spoken(&day.date))).unwrap_or_default();
        format!("{} from {} to {}", self.sum().of("sign-up", "sign-ups"), end(self.0.first()), end(self.0.last()))
    }

    /// Draws a bar for each day, from zero.
    pub fn bars(&self) -> Html {
        let max = self.max().0.max(1);
        let width = self.0.len().max(1) * 10;
        let says = self.says();
        let mut svg =
            format!("<svg class=\"bars\" viewBox=\"0 0 {width} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{says}\">");
        for (index, day) in self.0.iter().enumerate() {
            let height = day.count.0 as f64 / max as f64 * 100.0;
            let last = if index + 1 == self.0.len() { " class=\"last\"" } else { "" };
            let (x, y, title) = (index * 10 + 1, 100.0 - height, format!("{}: {}", escape(&spoken(&day.date)), day.count));
            let rect = format!("<rect{last} x=\"{x}\" y=\"{y:.1}\" width=\"8\" height=\"{height:.1}\"><title>{title}</title></rect>");
            svg.push_str(&rect);
        }
        svg.push_str("</svg>");
        Html::of(svg)
    }

    /// Draws a small line.
    pub fn line(&self) -> Html {
        let max = self.max().0.max(1);
        let step = 100.0 / (self.0.len().max(2) - 1) as f64;
        let point =
            |(index, day): (usize, &Day)| format!("{:.1},{:.1}", index as f64 * step, 23.0 - day.count.0 as f64 / max as f64 * 21.0);
        let points: Vec<String> = self.0.iter().enumerate().map(point).collect();
        Html::of(format!(
            "<svg class=\"spark\" viewBox=\"0 0 100 24\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\"><polyline points=\"{}\"/></svg>",
            self.says(),
            points.join(" ")
        ))
    }
}

/// A row of numbers with its share as a bar.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bar {
    /// What is counted. `None` for what has no name.
    pub label: Option<String>,
    /// The query of the entries behind it, such as `referrer=News`.
    pub query: Option<String>,
    /// The number.
    pub count: Count,
    /// The part of the whole.
    pub share: Share,
}

impl Bar {
    /// Draws the share.
    pub fn bar(&self) -> Html {
        let width = self.share.0.clamp(0.0, 1.0) * 100.0;
        Html::of(format!(
            "<svg class=\"share\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"{width:.1}\" height=\"1\"/></svg>"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days() -> Days {
        let day = |(date, count): (&str, u64)| Day { date: date.into(), count: Count(count) };
        Days([("2026-11-01", 0), ("2026-11-02", 5), ("2026-11-03", 10)].map(day).to_vec())
    }

    #[test]
    fn bars_start_at_zero_and_the_largest_fills_the_height() {
        let svg = days().bars().to_string();
        assert!(svg.contains("aria-label=\"15 sign-ups from 1 Nov 2026 to 3 Nov 2026\""), "{svg}");
        assert!(svg.contains("y=\"100.0\" width=\"8\" height=\"0.0\"") && svg.contains("<rect class=\"last\" x=\"21\" y=\"0.0\""), "{svg}");
    }

    #[test]
    fn a_day_is_written_as_people_say_it() {
        assert_eq!(days().last().to_string(), "<time datetime=\"2026-11-03\" data-local>3 Nov 2026</time>");
        assert_eq!(["2026-01-31", "2026-13-01", "soon", ""].map(spoken), ["31 Jan 2026", "2026-13-01", "soon", ""]);
    }

    #[test]
    fn no_days_are_a_chart_too() {
        assert!(Days::default().bars().to_string().ends_with("</svg>"));
        assert!(days().line().to_string().contains("points=\"0.0,23.0 50.0,12.5 100.0,2.0\""));
    }
}
