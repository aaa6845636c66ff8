//! The adapter of siteverify keeps the promises of its port.

use std::sync::Arc;

use async_trait::async_trait;
use rally_captcha::SiteVerify;
use rally_contracts::doubles::FrozenClock;
use rally_contracts::remote::{DEADLINE, HumanFixture, Misbehaviour, RemoteFixture};
use rally_domain::error::Fault;
use rally_domain::port::HumanCheck;
use rally_fakes::Fake;

struct Fixture {
    fake: Fake<rally_fakes::SiteVerify>,
    humans: Arc<SiteVerify>,
}

async fn fixture(secret: &str) -> Fixture {
    let fake = Fake::start(rally_fakes::SiteVerify::new("secret")).await;
    let clock = Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"));
    let url = format!("{}/siteverify", fake.base).parse().expect("a URL");
    let humans = SiteVerify::new(url, secret.to_owned().into(), 0.5, DEADLINE.try_into().expect("short"), clock);
    Fixture { fake, humans: Arc::new(humans.expect("TLS roots")) }
}

#[async_trait]
impl RemoteFixture for Fixture {
    async fn fresh() -> Self {
        fixture("secret").await
    }

    fn misbehave(&self, how: Option<Misbehaviour>) {
        self.fake.misbehave(how);
    }

    fn requests(&self) -> usize {
        self.fake.requests().len()
    }
}

impl HumanFixture for Fixture {
    fn humans(&self) -> Arc<dyn HumanCheck> {
        self.humans.clone()
    }
}

rally_contracts::remote_contract!(humans: Fixture);

#[tokio::test]
async fn a_wrong_secret_is_a_fault_of_this_server() {
    let fixture = fixture("wrong").await;
    let outcome = fixture.humans.check("human", None).await;
    assert!(matches!(outcome, Err(Fault::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn the_address_of_a_person_is_sent_in_its_plain_form() {
    let fixture = fixture("secret").await;
    fixture.humans.check("human", Some("2001:db8::7".parse().expect("an address"))).await.expect("an answer");
    assert_eq!(fixture.fake.requests()[0].body, "secret=secret&response=human&remoteip=2001%3Adb8%3A%3A7");
}
