//! Envoi's adapter keeps the promises of its ports.

use std::sync::Arc;

use async_trait::async_trait;
use rally_contracts::doubles::FrozenClock;
use rally_contracts::remote::{
    DEADLINE, MailerFixture, Misbehaviour, PENDING_DOMAIN, RECEIVING_DOMAIN, RemoteFixture, TemplateServiceFixture,
};
use rally_domain::mail::{Content, Rendered};
use rally_domain::port::{Mailer, SenderDirectory};
use rally_envoi::EnvoiMailer;
use rally_fakes::{Domain, Envoi, Fake};

struct Fixture {
    fake: Fake<Envoi>,
    mailer: Arc<EnvoiMailer>,
}

#[async_trait]
impl RemoteFixture for Fixture {
    async fn fresh() -> Self {
        let mut envoi = Envoi::new("key");
        for (id, intent, status) in [(PENDING_DOMAIN, "both", "pending"), (RECEIVING_DOMAIN, "receive", "active")] {
            let domain = Domain { fqdn: "acme.example".to_owned(), intent, status };
            envoi.domains.insert(("*".to_owned(), id.to_string()), domain);
        }
        envoi.suppressed.extend(["suppressed@example.com", "unwanted@example.com"].map(str::to_owned));
        let fake = Fake::start(envoi).await;
        let clock = Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"));
        let deadline = DEADLINE.try_into().expect("short");
        let mailer = EnvoiMailer::new(fake.base.parse().expect("a URL"), "key".to_owned().into(), deadline, clock);
        Self { fake, mailer: Arc::new(mailer.expect("TLS roots")) }
    }

    fn misbehave(&self, how: Option<Misbehaviour>) {
        self.fake.misbehave(how);
    }

    fn requests(&self) -> usize {
        self.fake.requests().len()
    }
}

impl MailerFixture for Fixture {
    fn mailer(&self) -> Arc<dyn Mailer> {
        self.mailer.clone()
    }

    fn content(&self) -> Content {
        Content::Template { name: "welcome".to_owned(), data: "{}".to_owned() }
    }

    fn other_content(&self) -> Content {
        Content::Rendered(Rendered { subject: "Welcome".to_owned(), text: "Hello".to_owned(), html: None })
    }

    fn taken(&self) -> Vec<String> {
        self.fake.state().sent.iter().map(|sent| sent.key.clone()).collect()
    }
}

impl TemplateServiceFixture for Fixture {
    fn senders(&self) -> Arc<dyn SenderDirectory> {
        self.mailer.clone()
    }
}

rally_contracts::remote_contract!(mailer: Fixture);
rally_contracts::remote_contract!(template_service: Fixture);

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_an_error() {
    use rally_domain::id::WorkspaceId;
    let clock = Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"));
    let mailer = EnvoiMailer::new("http://127.0.0.1:1".parse().expect("a URL"), "key".to_owned().into(), time::Duration::SECOND, clock);
    let outcome = mailer.expect("TLS roots").has_template(WorkspaceId::new(uuid::Uuid::nil()), "welcome").await;
    assert!(outcome.is_err());
}
