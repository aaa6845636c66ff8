//! Admin tokens: no text is accepted that nobody signed.
#![no_main]

use std::sync::{Arc, LazyLock};

use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use rally_api::auth::Authenticator;
use rally_api::boot::system::SystemClock;

static AUTH: LazyLock<Authenticator> = LazyLock::new(|| {
    let secret = "the key of a fuzzer, 32 bytes long".to_owned().into();
    Authenticator::new(secret, None, Arc::new(SystemClock)).expect("no network is needed")
});

fuzz_target!(|text: &str| {
    // Without an identity provider the verification never waits.
    let verdict = AUTH.verify(text).now_or_never();
    assert!(verdict.is_some_and(|verdict| verdict.is_err()));
});
