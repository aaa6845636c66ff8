//! Numbers as people read them.

use std::fmt;

use askama::filters::HtmlSafe;

/// A whole number, shown with separators: 1,204.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl HtmlSafe for Count {}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.char_indices() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

impl Count {
    /// Writes the number with its noun: "1 entry", "1,204 entries".
    pub fn of(self, one: &str, many: &str) -> String {
        if self.0 == 1 { format!("1 {one}") } else { format!("{self} {many}") }
    }

    /// Returns a text for one thing, or that for several.
    pub(crate) const fn either(self, one: &'static str, many: &'static str) -> &'static str {
        if self.0 == 1 { one } else { many }
    }

    /// Whether the number is 0.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// A part of a whole, from 0 to 1, shown in percent: 12.5%.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share(pub f64);

impl HtmlSafe for Share {}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}%", self.0.clamp(0.0, 1.0) * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let shown = [0, 12, 999, 1204, 1_000_000].map(|number| Count(number).to_string());
        assert_eq!(shown, ["0", "12", "999", "1,204", "1,000,000"]);
        assert_eq!((Count(1).of("entry", "entries"), Count(2).of("entry", "entries")), ("1 entry".into(), "2 entries".into()));
        assert_eq!(Share(0.1254).to_string(), "12.5%");
    }
}
