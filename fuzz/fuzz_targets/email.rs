//! E-mail addresses: an accepted address is in its one form, and masking shows at most the first character of the local part.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rally_domain::email::Email;

fuzz_target!(|text: &str| {
    if let Ok(email) = Email::parse(text) {
        assert!(email.as_str().len() <= 254);
        assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
        assert!(email.masked().to_string().ends_with(&format!("***@{}", email.domain())));
    }
});
