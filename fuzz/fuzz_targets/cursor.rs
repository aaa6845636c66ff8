//! Cursors: no text opens that this server did not encrypt.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rally_api::http::cursor::Cursors;
use rally_domain::referral::Position;

fuzz_target!(|text: &str| {
    assert!(Cursors::new([7; 32], None).open::<Position>("list", text).is_err());
});
