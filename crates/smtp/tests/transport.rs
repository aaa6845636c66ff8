//! What a mailer does with a mail server: as it should be, and failing at each step.

use std::time::{Duration, Instant};

use rally_domain::email::Email;
use rally_domain::error::Fault;
use rally_domain::id::{MailId, WorkspaceId};
use rally_domain::mail::{Content, MailOutcome, MailReport, Message, Rendered, Sender};
use rally_domain::port::Mailer;
use rally_domain::timestamp::Timestamp;
use rally_fakes::{FakeSmtp, SmtpAct, SmtpOptions, SmtpStep, SmtpTls};
use rally_smtp::{SmtpMailer, SmtpServer};
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

fn mailer_within(fake: &FakeSmtp, deadline: Duration) -> SmtpMailer {
    let server = SmtpServer::parse(&fake.url()).expect("a URL");
    SmtpMailer::new(server, std::slice::from_ref(&fake.root), deadline.try_into().expect("short")).expect("TLS roots")
}

fn mailer(fake: &FakeSmtp) -> SmtpMailer {
    mailer_within(fake, DEADLINE)
}

fn message(id: u128, to: &str) -> Message {
    Message {
        id: MailId::new(Uuid::from_u128(id)),
        workspace_id: WorkspaceId::new(Uuid::from_u128(1)),
        from: Sender { name: Some("Bücher, Inc.".to_owned()), address: Email::parse("hello@acme.example").expect("an address") },
        reply_to: None,
        to: Email::parse(to).expect("an address"),
        content: Content::Rendered(Rendered {
            subject: "Grüße".to_owned(),
            text: ".\r\nHello\n.\n北京".to_owned(),
            html: Some("<p>Hello</p>".to_owned()),
        }),
        unsubscribe_url: Some("https://rally.example/unsubscribe/x".to_owned()),
        written_at: Timestamp::parse("2026-01-31T09:00:00Z").expect("a time"),
    }
}

fn protected(tls: SmtpTls) -> SmtpOptions {
    SmtpOptions { tls, login: Some(("ada".to_owned(), "secret".to_owned())), ..SmtpOptions::default() }
}

fn say(line: &str) -> SmtpAct {
    SmtpAct::Say(line.to_owned())
}

#[track_caller]
fn is_later(report: &MailReport, status: Option<u16>) {
    assert_eq!(report.outcome, MailOutcome::Failed { status, retry_after: None }, "{report:?}");
    assert!(report.error.as_ref().is_some_and(|words| !words.contains("secret")), "{report:?}");
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written_over_every_protection() {
    let protections = [SmtpTls::None, SmtpTls::StartTls, SmtpTls::Implicit];
    for (tls, pipelining) in protections.into_iter().flat_map(|tls| [(tls, false), (tls, true)]) {
        let options = if tls == SmtpTls::None { SmtpOptions::default() } else { protected(tls) };
        let fake = FakeSmtp::start(SmtpOptions { pipelining, ..options }).await;
        let mailer = mailer(&fake);
        for id in 1..=3 {
            assert_eq!(mailer.send(&message(id, "ada@example.com")).await.expect("tried"), MailReport::accepted(), "{tls:?}");
        }
        let received = fake.received();
        assert_eq!((received.len(), fake.connections()), (3, 1), "{tls:?}");
        let mail = &received[0];
        assert_eq!((mail.from.as_str(), mail.to.as_str()), ("hello@acme.example", "ada@example.com"));
        assert_eq!((mail.tls, mail.user.as_deref()), (tls != SmtpTls::None, (tls != SmtpTls::None).then_some("ada")));
        assert_eq!((mail.subject.as_str(), mail.html.as_deref()), ("Grüße", Some("<p>Hello</p>")));
        assert_eq!(mail.text.replace("\r\n", "\n").trim_end(), ".\nHello\n.\n北京");
        assert_eq!(mail.header("List-Unsubscribe"), Some("<https://rally.example/unsubscribe/x>"));
        assert!(mail.raw.is_ascii() && mail.parameters.is_empty(), "{mail:?}");
    }
}

#[tokio::test]
async fn a_server_that_offers_only_the_login_of_that_name_is_used() {
    let fake = FakeSmtp::start(SmtpOptions { only_login: true, ..protected(SmtpTls::Implicit) }).await;
    assert_eq!(mailer(&fake).send(&message(1, "ada@example.com")).await.expect("tried"), MailReport::accepted());
}

#[tokio::test]
async fn nothing_is_said_to_a_server_whose_certificate_is_not_trusted() {
    for tls in [SmtpTls::StartTls, SmtpTls::Implicit] {
        let fake = FakeSmtp::start(protected(tls)).await;
        let other = FakeSmtp::start(protected(tls)).await;
        let deadline = DEADLINE.try_into().expect("short");
        let stranger = SmtpMailer::new(SmtpServer::parse(&fake.url()).expect("a URL"), std::slice::from_ref(&other.root), deadline);
        is_later(&stranger.expect("roots").send(&message(1, "ada@example.com")).await.expect("tried"), None);
        let by_address = SmtpServer::parse(&fake.url().replace("localhost", "127.0.0.1")).expect("a URL");
        let misnamed = SmtpMailer::new(by_address, std::slice::from_ref(&fake.root), deadline).expect("roots");
        is_later(&misnamed.send(&message(1, "ada@example.com")).await.expect("tried"), None);
        let said = fake.commands();
        assert!(said.iter().all(|command| command.starts_with("EHLO") || command == "STARTTLS"), "{said:?}");
    }
}

#[tokio::test]
async fn nothing_is_said_without_tls_where_it_is_required() {
    let fake = FakeSmtp::start(SmtpOptions { login: Some(("ada".to_owned(), "secret".to_owned())), ..SmtpOptions::default() }).await;
    let url = format!("smtp://ada:secret@localhost:{}", fake.address.port());
    let server = SmtpServer::parse(&url).expect("a URL");
    let mailer = SmtpMailer::new(server, std::slice::from_ref(&fake.root), DEADLINE.try_into().expect("short")).expect("roots");
    is_later(&mailer.send(&message(1, "ada@example.com")).await.expect("tried"), None);
    assert!(fake.commands().iter().all(|command| command.starts_with("EHLO")), "{:?}", fake.commands());
}

#[tokio::test]
async fn an_answer_that_was_put_before_tls_ends_the_connection() {
    let fake = FakeSmtp::start(protected(SmtpTls::StartTls)).await;
    fake.act(SmtpStep::StartTls, SmtpAct::Append("250-evil\r\n250 AUTH PLAIN\r\n".to_owned()));
    let report = mailer(&fake).send(&message(1, "ada@example.com")).await.expect("tried");
    is_later(&report, None);
    assert!(report.error.as_ref().is_some_and(|words| words.contains("more than it was asked")), "{report:?}");
}

#[tokio::test]
async fn a_refused_login_is_tried_later() {
    let fake = FakeSmtp::start(protected(SmtpTls::Implicit)).await;
    for status in [454, 535] {
        fake.act(SmtpStep::Auth, say(&format!("{status} 5.7.8 no")));
        is_later(&mailer(&fake).send(&message(1, "ada@example.com")).await.expect("tried"), Some(status));
    }
    fake.behave();
    let wrong = SmtpServer::parse(&fake.url().replace(":secret", ":wrong")).expect("a URL");
    let mailer = SmtpMailer::new(wrong, std::slice::from_ref(&fake.root), DEADLINE.try_into().expect("short")).expect("roots");
    is_later(&mailer.send(&message(1, "ada@example.com")).await.expect("tried"), Some(535));
}

#[tokio::test]
async fn a_refusal_at_each_step_means_what_it_says() {
    for pipelining in [false, true] {
        refusals(SmtpOptions { pipelining, ..protected(SmtpTls::StartTls) }).await;
    }
}

async fn refusals(options: SmtpOptions) {
    use MailOutcome::{Bounced, Refused};
    let fake = FakeSmtp::start(options).await;
    let mailer = mailer(&fake);
    for step in SmtpStep::ALL {
        fake.behave();
        fake.close_connections();
        fake.act(step, say("451 4.3.0 later"));
        is_later(&mailer.send(&message(1, "ada@example.com")).await.expect("tried"), Some(451));
        fake.act(step, say("421 4.3.2 closing"));
        is_later(&mailer.send(&message(1, "ada@example.com")).await.expect("tried"), Some(421));
        fake.act(step, say("550 5.1.1 no such user"));
        let report = mailer.send(&message(1, "ada@example.com")).await.expect("tried");
        match step {
            SmtpStep::Rcpt => assert_eq!(report.outcome, Bounced(550)),
            SmtpStep::Mail | SmtpStep::Data | SmtpStep::Message => assert_eq!(report.outcome, Refused(550), "{step:?}"),
            _ => is_later(&report, Some(550)),
        }
        assert!(report.error.is_some_and(|words| words.contains("550 5.1.1 no such user")), "{step:?}");
    }
    fake.behave();
    fake.answer_recipient("full@example.com", "552 5.2.2 full");
    let report = mailer.send(&message(1, "full@example.com")).await.expect("tried");
    assert_eq!(report, MailReport::failed(Refused(552), "RCPT TO: 552 5.2.2 full"));
    assert!(fake.received().is_empty());
}

#[tokio::test]
async fn a_server_that_goes_away_at_any_step_is_asked_later() {
    for pipelining in [false, true] {
        let fake = FakeSmtp::start(SmtpOptions { pipelining, ..protected(SmtpTls::StartTls) }).await;
        let mailer = mailer(&fake);
        for step in SmtpStep::ALL {
            for act in [SmtpAct::Close, SmtpAct::Reset, SmtpAct::BreakOff, SmtpAct::LoseAndClose] {
                fake.behave();
                fake.close_connections();
                fake.act(step, act);
                is_later(&mailer.send(&message(1, "ada@example.com")).await.expect("tried"), None);
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_is_greeted_once_takes_mail() {
    let fake = FakeSmtp::start(SmtpOptions { one_ehlo: true, pipelining: true, ..protected(SmtpTls::StartTls) }).await;
    assert_eq!(mailer(&fake).send(&message(1, "ada@example.com")).await.expect("tried"), MailReport::accepted());
    assert_eq!(fake.unanswered(), 0);
}

#[tokio::test]
async fn a_refusal_counts_though_the_server_says_no_more() {
    let fake = FakeSmtp::start(SmtpOptions { pipelining: true, ..SmtpOptions::default() }).await;
    let mailer = mailer(&fake);
    for act in [SmtpAct::Hang, SmtpAct::Close, say("421 4.3.2 closing"), say("354 go on")] {
        fake.behave();
        assert_eq!(mailer.send(&message(1, "ada@example.com")).await.expect("tried"), MailReport::accepted(), "{act:?}");
        fake.act(SmtpStep::Rcpt, say("550 5.1.1 no such user"));
        fake.act(SmtpStep::Data, act.clone());
        // On the connection that was used before, and on a new one.
        let before = fake.connections();
        for made in [0, 1] {
            assert_eq!(mailer.send(&message(2, "none@example.com")).await.expect("tried").outcome, MailOutcome::Bounced(550), "{act:?}");
            assert_eq!(fake.connections(), before + made, "{act:?}");
        }
    }
}

#[tokio::test]
async fn a_mail_is_begun_in_one_go_where_the_server_takes_that() {
    for pipelining in [false, true] {
        let fake = FakeSmtp::start(SmtpOptions { pipelining, ..SmtpOptions::default() }).await;
        assert_eq!(mailer(&fake).send(&message(1, "ada@example.com")).await.expect("tried"), MailReport::accepted());
        assert_eq!(fake.unanswered(), if pipelining { 2 } else { 0 });
    }
}

#[tokio::test]
async fn a_server_that_waits_for_a_message_without_a_recipient_gets_none() {
    let fake = FakeSmtp::start(SmtpOptions { pipelining: true, ..SmtpOptions::default() }).await;
    let mailer = mailer(&fake);
    fake.act(SmtpStep::Rcpt, say("550 5.1.1 no such user"));
    fake.act(SmtpStep::Data, say("354 go on"));
    assert_eq!(mailer.send(&message(1, "none@example.com")).await.expect("tried").outcome, MailOutcome::Bounced(550));
    fake.behave();
    assert_eq!(mailer.send(&message(2, "ada@example.com")).await.expect("tried"), MailReport::accepted());
    assert_eq!((fake.received().len(), fake.connections()), (1, 2));
}

#[tokio::test]
async fn a_server_that_hangs_at_any_step_keeps_nobody_longer_than_the_deadline() {
    let fake = FakeSmtp::start(protected(SmtpTls::StartTls)).await;
    for step in SmtpStep::ALL {
        for act in [SmtpAct::Hang, SmtpAct::Drip] {
            fake.behave();
            fake.act(step, act);
            let started = Instant::now();
            is_later(&mailer_within(&fake, SHORT).send(&message(1, "ada@example.com")).await.expect("tried"), None);
            assert!(started.elapsed() < SHORT + Duration::from_secs(2), "{step:?}: {:?}", started.elapsed());
        }
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_for_ever() {
    let fake = FakeSmtp::start(SmtpOptions::default()).await;
    for step in [SmtpStep::Greeting, SmtpStep::Ehlo, SmtpStep::Message] {
        fake.behave();
        fake.act(step, SmtpAct::Flood);
        let report = mailer(&fake).send(&message(1, "ada@example.com")).await.expect("tried");
        is_later(&report, None);
        assert!(report.error.is_some_and(|words| words.contains("too long")), "{step:?}");
    }
}

#[tokio::test]
async fn a_waiting_connection_that_died_costs_no_attempt() {
    let fake = FakeSmtp::start(SmtpOptions::default()).await;
    let mailer = mailer_within(&fake, Duration::from_secs(4));
    assert_eq!(mailer.send(&message(1, "ada@example.com")).await.expect("tried"), MailReport::accepted());
    fake.close_connections();
    assert_eq!(mailer.send(&message(2, "ada@example.com")).await.expect("tried"), MailReport::accepted());
    assert_eq!((fake.received().len(), fake.connections()), (2, 2));
}

#[tokio::test]
async fn a_refused_mail_leaves_the_connection_to_the_next() {
    for pipelining in [false, true] {
        let fake = FakeSmtp::start(SmtpOptions { pipelining, ..SmtpOptions::default() }).await;
        fake.answer_recipient("none@example.com", "550 5.1.1 no such user");
        let mailer = mailer(&fake);
        for id in 0..3 {
            assert_eq!(mailer.send(&message(id, "none@example.com")).await.expect("tried").outcome, MailOutcome::Bounced(550));
            assert_eq!(mailer.send(&message(9, "ada@example.com")).await.expect("tried"), MailReport::accepted());
        }
        assert_eq!((fake.received().len(), fake.connections()), (3, 1), "{pipelining}");
    }
}

#[tokio::test]
async fn four_connections_are_open_at_most() {
    let fake = FakeSmtp::start(SmtpOptions::default()).await;
    fake.act(SmtpStep::Message, SmtpAct::Late(Duration::from_millis(20)));
    let mailer = std::sync::Arc::new(mailer(&fake));
    let sends: Vec<_> = (0..12)
        .map(|id| {
            let mailer = mailer.clone();
            tokio::spawn(async move { mailer.send(&message(id, "ada@example.com")).await })
        })
        .collect();
    for send in sends {
        assert_eq!(send.await.expect("no panic").expect("tried"), MailReport::accepted());
    }
    assert_eq!((fake.received().len(), fake.connections()), (12, 4));
}

/// A mail that finds no connection was not tried, and so has not failed.
#[tokio::test]
async fn waiting_for_a_connection_is_no_attempt() {
    let fake = FakeSmtp::start(SmtpOptions::default()).await;
    fake.act(SmtpStep::Message, SmtpAct::Late(Duration::from_secs(7)));
    let mailer = std::sync::Arc::new(mailer_within(&fake, Duration::from_secs(12)));
    let sends: Vec<_> = (0..6)
        .map(|id| {
            let mailer = mailer.clone();
            tokio::spawn(async move { mailer.send(&message(id, "ada@example.com")).await })
        })
        .collect();
    let (mut sent, mut waited) = (0, 0);
    for send in sends {
        match send.await.expect("no panic") {
            Ok(report) => sent += usize::from(report == MailReport::accepted()),
            Err(Fault::Unavailable(_)) => waited += 1,
            Err(Fault::Unexpected(cause)) => panic!("{cause}"),
        }
    }
    assert_eq!((sent, waited, fake.received().len()), (4, 2, 4));
}

/// A client goes by the code of an answer, whatever its text is (RFC 5321, section 4.2).
#[tokio::test]
async fn an_answer_counts_whatever_its_text_is() {
    for tls in [SmtpTls::None, SmtpTls::Implicit, SmtpTls::StartTls] {
        let fake = FakeSmtp::start(SmtpOptions { tls, ..SmtpOptions::default() }).await;
        let mailer = mailer(&fake);
        for (number, (step, line, outcome)) in [
            (SmtpStep::Message, &b"250"[..], None),
            (SmtpStep::Message, b"250 2.0.0 re\xe7u", None),
            (SmtpStep::Rcpt, b"550 5.1.1 unbekannter Empf\xe4nger", Some(MailOutcome::Bounced(550))),
            (SmtpStep::Mail, b"451", Some(MailOutcome::Failed { status: Some(451), retry_after: None })),
        ]
        .into_iter()
        .enumerate()
        {
            fake.act(step, SmtpAct::SayBytes(line.to_vec()));
            let report = mailer.send(&message(number as u128, "ada@example.com")).await.expect("tried");
            assert_eq!(report.outcome, outcome.unwrap_or(MailOutcome::Accepted), "{tls:?}: {report:?}");
            fake.behave();
        }
        assert_eq!(mailer.send(&message(9, "ada@example.com")).await.expect("tried"), MailReport::accepted());
    }
}

#[tokio::test]
async fn an_address_outside_ascii_needs_a_server_that_offers_it() {
    for (utf8, eight_bit) in [(false, true), (true, true)] {
        let fake = FakeSmtp::start(SmtpOptions { utf8, eight_bit, ..SmtpOptions::default() }).await;
        let mailer = mailer(&fake);
        let report = mailer.send(&message(1, "ünal@example.com")).await.expect("tried");
        if utf8 {
            assert_eq!(report, MailReport::accepted());
            assert_eq!(fake.received()[0].to, "ünal@example.com");
        } else {
            assert_eq!(report.outcome, MailOutcome::Refused(553));
            assert!(report.error.is_some_and(|words| words.contains("recipient") && words.contains("SMTPUTF8")));
            assert!(fake.commands().iter().all(|command| command.starts_with("EHLO")));
        }
        let reply_to = Some(Email::parse("rück@acme.example").expect("an address"));
        let report = mailer.send(&Message { reply_to, ..message(3, "bob@example.com") }).await.expect("tried");
        assert_eq!(report, MailReport::accepted());
        // The server of the recipient may not offer it, so the address for replies stays out of the mail.
        assert!(fake.received().last().is_some_and(|mail| mail.header("Reply-To").is_none()));
        assert_eq!(fake.commands().iter().filter(|command| command.contains("SMTPUTF8")).count(), usize::from(utf8));
        assert_eq!(mailer.send(&message(2, "ada@bücher.example")).await.expect("tried"), MailReport::accepted());
        assert_eq!(fake.received().last().map(|mail| mail.to.as_str()), Some("ada@xn--bcher-kva.example"));
        assert_eq!(fake.connections(), 1);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_later() {
    let nobody = tokio::net::TcpSocket::new_v4().expect("a socket");
    nobody.bind(([127, 0, 0, 1], 0).into()).expect("a port on which nobody listens");
    let free = nobody.local_addr().expect("an address");
    for url in [format!("smtp://{free}?tls=none"), format!("smtps://{free}"), "smtp://none.invalid?tls=none".to_owned()] {
        let mailer = SmtpMailer::new(SmtpServer::parse(&url).expect("a URL"), &[], DEADLINE.try_into().expect("short"));
        is_later(&mailer.expect("roots").send(&message(1, "ada@example.com")).await.expect("tried"), None);
    }
}

#[tokio::test]
async fn a_waiting_connection_that_is_silent_or_ends_costs_no_attempt() {
    let fake = FakeSmtp::start(SmtpOptions::default()).await;
    fake.answer_recipient("none@example.com", "550 5.1.1 no such user");
    let answers = ["421 4.4.2 too long idle", "452 4.5.3 too many mails", "502 5.5.1 no RSET", "503 5.5.1 log in"].map(say);
    for act in answers.into_iter().chain([SmtpAct::Hang, SmtpAct::Close]) {
        fake.behave();
        let mailer = mailer_within(&fake, 4 * SHORT);
        let before = fake.connections();
        // After a refusal, the next mail on the connection begins with RSET, and no mail on a new connection does.
        assert_eq!(mailer.send(&message(1, "none@example.com")).await.expect("tried").outcome, MailOutcome::Bounced(550));
        fake.act(SmtpStep::Rset, act.clone());
        assert_eq!(mailer.send(&message(2, "ada@example.com")).await.expect("tried"), MailReport::accepted(), "{act:?}");
        assert_eq!(fake.connections(), before + 2, "{act:?}");
    }
}
