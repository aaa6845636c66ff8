//! Durations as people write them: `15m`.

use time::Duration;

/// Parses `500ms`, `90s`, `15m`, `12h` or `30d`: from 1 ms to 100 years of 366 days.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let total = number.parse::<i64>().ok()?.checked_mul(unit)?;
    (1..=100 * 366 * 86_400_000).contains(&total).then(|| Duration::milliseconds(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, millis) in [("5ms", 5), ("1s", 1000), ("15m", 900_000), ("12h", 43_200_000), ("30d", 2_592_000_000)] {
            assert_eq!(parse_duration(text), Some(Duration::milliseconds(millis)));
        }
        for bad in ["", "d", "30", "-1d", "+1d", "1.5h", "0s", "1w", "é", "99999999999999999999d", "99999999d"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
