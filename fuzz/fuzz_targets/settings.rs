//! Settings of a waitlist: accepted settings are shown in a form that is accepted again and means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rally_domain::settings::Settings;

fuzz_target!(|bytes: &[u8]| {
    let Ok(serde_json::Value::Object(patch)) = serde_json::from_slice(bytes) else { return };
    if let Ok(settings) = Settings::default().merge(&patch) {
        let again = Settings::default().merge(&settings.to_document());
        assert_eq!(again.as_ref(), Ok(&settings));
    }
});
