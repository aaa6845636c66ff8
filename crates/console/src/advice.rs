//! What is to be done about an error, in place of what the API says to programs.

/// Messages of the API that are always the same, and what they mean to a person at a form.
const KNOWN: [(&str, &str); 23] = [
    ("is required", "Fill this in"),
    ("must not be empty", "Fill this in"),
    ("must be an integer of at least 1, or null", "Enter a whole number from 1 on, or leave the field empty"),
    ("must be an integer of at least 1", "Enter a whole number from 1 on"),
    ("must be 1 to 64 characters of a-z, 0-9 and -", "Use 1 to 64 characters: a-z, 0-9 and hyphens"),
    ("must be 1 to 64 characters of a-z, 0-9 and _", "Use 1 to 64 characters: a-z, 0-9 and _"),
    ("must not start or end with a hyphen or hold two in a row", "Begin and end with a letter or a digit, and put single hyphens between"),
    ("must be an e-mail address", "Enter an e-mail address like name@example.com"),
    ("must be a colour such as #1A2B3C", "Enter a colour such as #1A2B3C"),
    ("must be an absolute https URL", "Enter an address that begins with https://"),
    ("must be an absolute http or https URL, such as https://example.com/page", "Enter a whole address, such as https://example.com/page"),
    (
        "must be an origin such as https://example.com: a scheme, a host, and no path",
        "Enter the address of a site without a path, such as https://example.com",
    ),
    ("must be a BCP 47 language tag such as en or pt-BR", "Enter a language tag such as en or pt-BR"),
    ("must be an RFC 3339 date-time such as 2026-01-31T09:00:00Z", "Enter a day and a time"),
    ("must be unique", "Enter another one: this one is there already"),
    ("must be given for a select", "Enter at least one option"),
    ("must name one or more events, each once", "Choose at least one event"),
    ("must not contain a user name or password", "Enter an address without a user name and a password"),
    ("must not contain a fragment", "Enter an address without # and what follows it"),
    ("must not contain white space or control characters", "Enter an address without spaces"),
    ("must not contain control characters or bidirectional overrides", "Take out characters that cannot be seen"),
    ("choose a file that is not empty", "Choose a file that is not empty"),
    ("write column = field in each line", "Write column = field in each line"),
];

/// Messages with numbers or names in them: what they begin with, and what stands there instead.
const BEGINNINGS: [(&str, &str); 6] = [
    ("must be an integer from ", "Enter a whole number from "),
    ("must be at most ", "Use at most "),
    ("must have at most ", "Keep at most "),
    ("must be an address at ", "Enter an address at "),
    ("must be one of ", "Choose one of "),
    ("must be 1 to ", "Enter 1 to "),
];

/// Returns what is to be done about an error. A message that is not known stays as it is.
pub(crate) fn advice(message: &str) -> String {
    if let Some((_, advice)) = KNOWN.iter().find(|(known, _)| *known == message) {
        return (*advice).to_owned();
    }
    if let Some((number, error)) = message.strip_prefix("has a bad item ").and_then(|rest| rest.split_once(", which ")) {
        return format!("Line {number}: {}", advice(error));
    }
    let begun = BEGINNINGS.iter().find_map(|(begin, advice)| Some(format!("{advice}{}", message.strip_prefix(begin)?)));
    begun.unwrap_or_else(|| message.to_owned())
}

#[cfg(test)]
mod tests {
    use rally_domain::settings::Settings;
    use rally_domain::slug::Slug;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_says_what_to_do() {
        let patch = json!({"max_entries": "many", "referral_fraud_threshold": 0, "allowed_origins": ["https://a.example", "x"]});
        let errors = Settings::default().merge(patch.as_object().unwrap()).unwrap_err();
        let told: Vec<String> = errors.iter().map(|error| advice(&error.message.to_string())).collect();
        for expected in [
            "Enter a whole number from 1 on, or leave the field empty",
            "Enter a whole number from 1 to 100",
            "Line 2: Enter the address of a site without a path, such as https://example.com",
        ] {
            assert!(told.iter().any(|told| told == expected), "{expected} is not in {told:?}");
        }
        assert_eq!(advice(&Slug::parse("Not a slug").unwrap_err().to_string()), "Use 1 to 64 characters: a-z, 0-9 and hyphens");
        assert_eq!(advice("must be at most 80 characters"), "Use at most 80 characters");
        assert_eq!(advice("Line 3: end the loop with endfor"), "Line 3: end the loop with endfor");
    }
}
