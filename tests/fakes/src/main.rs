//! All stand-ins at once, for people. They print the requests and the mails that they receive.

#![expect(clippy::unwrap_used, reason = "a tool of developers fails by panicking")]

use rally_fakes::{Envoi, Fake, FakeSmtp, Heimdall, SiteVerify, SmtpOptions};

/// The key that Envoi and Heimdall require, and the secret of siteverify.
const KEY: &str = "demo-key";

#[tokio::main]
async fn main() {
    let mut tokens = SiteVerify::new(KEY);
    // A person who tries the demo sends more than one token.
    for n in 1..=9 {
        tokens.tokens.insert(format!("human{n}"), tokens.tokens["human"].clone());
    }
    let mut heimdall = Heimdall::new(KEY);
    heimdall.page = 100;
    let envoi = Fake::start_on("127.0.0.1:8181", Envoi::new(KEY), say).await;
    let heimdall = Fake::start_on("127.0.0.1:8182", heimdall, say).await;
    let captcha = Fake::start_on("127.0.0.1:8183", tokens, say).await;
    let mail = FakeSmtp::start_on("127.0.0.1:8184", SmtpOptions { utf8: true, eight_bit: true, ..SmtpOptions::default() }, say).await;
    say(&format!("Envoi on {}, Heimdall on {}, siteverify on {}, mail on {}", envoi.base, heimdall.base, captcha.base, mail.url()));
    tokio::signal::ctrl_c().await.unwrap();
}

#[expect(clippy::print_stdout, reason = "what it is for")]
fn say(line: &str) {
    println!("{line}");
}
