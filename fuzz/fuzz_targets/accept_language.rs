//! Accept-Language and language tags: every locale that is found parses again to the same value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rally_domain::locale::{Locale, parse_accept_language};

fuzz_target!(|text: &str| {
    for locale in parse_accept_language(text) {
        assert_eq!(Locale::parse(locale.as_str()), Ok(locale.clone()));
    }
});
