//! The adapter of mail servers keeps the promises of its port.

use std::sync::Arc;

use async_trait::async_trait;
use rally_contracts::remote::{DEADLINE, MailerFixture, Misbehaviour, RemoteFixture};
use rally_domain::mail::{Content, Rendered};
use rally_domain::port::Mailer;
use rally_fakes::{FakeSmtp, SmtpAct, SmtpOptions, SmtpStep};
use rally_smtp::{SmtpMailer, SmtpServer};

struct Fixture {
    fake: FakeSmtp,
    mailer: Arc<SmtpMailer>,
}

#[async_trait]
impl RemoteFixture for Fixture {
    async fn fresh() -> Self {
        let fake = FakeSmtp::start(SmtpOptions::default()).await;
        fake.answer_recipient("unwanted@example.com", "550 5.7.1 no mail from you");
        let server = SmtpServer::parse(&fake.url()).expect("a URL");
        let mailer = SmtpMailer::new(server, &[], DEADLINE.try_into().expect("short")).expect("no TLS");
        Self { fake, mailer: Arc::new(mailer) }
    }

    /// Where a failure says nothing of the mail, the server fails at the greeting; else in place of the last answer.
    fn misbehave(&self, how: Option<Misbehaviour>) {
        self.fake.behave();
        self.fake.close_connections();
        let say = |line: &str| SmtpAct::Say(line.to_owned());
        let (step, act) = match how {
            None => return,
            Some(Misbehaviour::Reset) => (SmtpStep::Message, SmtpAct::Reset),
            Some(Misbehaviour::Hang) => (SmtpStep::Message, SmtpAct::Hang),
            Some(Misbehaviour::Lose) => (SmtpStep::Message, SmtpAct::Lose),
            Some(Misbehaviour::Garbage) => (SmtpStep::Message, say("HTTP/1.1 200 OK")),
            Some(Misbehaviour::WrongPage) => (SmtpStep::Data, say("200 <html>")),
            Some(Misbehaviour::Drip) => (SmtpStep::Message, SmtpAct::Drip),
            Some(Misbehaviour::Flood) => (SmtpStep::Message, SmtpAct::Flood),
            Some(Misbehaviour::BreakOff) => (SmtpStep::Message, SmtpAct::BreakOff),
            Some(Misbehaviour::Status(status)) => (SmtpStep::Greeting, say(&format!("{status} 5.3.2 no service"))),
            Some(Misbehaviour::TooMany(_)) => (SmtpStep::Mail, say("450 4.7.1 too many")),
            Some(Misbehaviour::Late(delay)) => (SmtpStep::Message, SmtpAct::Late(delay)),
        };
        self.fake.act(step, act);
    }

    fn requests(&self) -> usize {
        self.fake.connections()
    }
}

impl MailerFixture for Fixture {
    fn mailer(&self) -> Arc<dyn Mailer> {
        self.mailer.clone()
    }

    fn content(&self) -> Content {
        Content::Rendered(Rendered { subject: "Welcome".to_owned(), text: "Hello".to_owned(), html: None })
    }

    fn other_content(&self) -> Content {
        Content::Template { name: "welcome".to_owned(), data: "{}".to_owned() }
    }

    fn taken(&self) -> Vec<String> {
        self.fake.received().iter().map(|mail| mail.header("Message-ID").expect("one Message-ID").to_owned()).collect()
    }
}

rally_contracts::remote_contract!(mailer: Fixture);
