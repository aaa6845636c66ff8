//! Domains of a name server on this machine.

use std::time::{Duration, Instant};

use rally_domain::port::{MailDomain, MailDomains};
use rally_fakes::{FakeDns, Zone};
use rally_mx::DnsMailDomains;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_takes_mail_if_it_has_a_server_or_an_address() {
    let dns = FakeDns::start(&[
        ("mail.example", Zone::Mail),
        ("null.example", Zone::NullMail),
        ("address.example", Zone::Address),
        ("empty.example", Zone::Empty),
        ("broken.example", Zone::Broken),
    ])
    .await;
    let domains = DnsMailDomains::of_server(dns.address());
    for (domain, expected) in [
        ("mail.example", MailDomain::Takes),
        ("address.example", MailDomain::Takes),
        ("null.example", MailDomain::TakesNone),
        ("empty.example", MailDomain::TakesNone),
        ("nothing.example", MailDomain::TakesNone),
        ("broken.example", MailDomain::Unknown),
    ] {
        assert_eq!(domains.find(domain).await, expected, "{domain}");
    }
    // Answers are kept for a while.
    let asked = dns.questions();
    assert_eq!(domains.find("mail.example").await, MailDomain::Takes);
    assert_eq!(dns.questions(), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_name_server_says_nothing_of_a_domain() {
    let dns = FakeDns::start(&[("silent.example", Zone::Silent)]).await;
    let begun = Instant::now();
    assert_eq!(DnsMailDomains::of_server(dns.address()).find("silent.example").await, MailDomain::Unknown);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
