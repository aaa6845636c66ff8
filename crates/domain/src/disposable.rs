//! Throw-away domains: mailboxes there are made for one use, by anybody.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::email::Email;
use crate::error::Invalid;

/// The domains that are known to every server.
const BUILT_IN: &str = include_str!("../data/disposable_domains.txt");

static BUILT_IN_DOMAINS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| lines(BUILT_IN).collect());

/// Services that forward mail to a real mailbox. Their addresses reach a person for as long as the person wants.
const RELAYS: [&str; 20] = [
    "33mail.com",
    "8alias.com",
    "8shield.net",
    "addy.io",
    "aleeas.com",
    "anonaddy.com",
    "anonaddy.me",
    "dralias.com",
    "duck.com",
    "erine.email",
    "mozmail.com",
    "passinbox.com",
    "passmail.com",
    "passmail.net",
    "privaterelay.appleid.com",
    "silomails.com",
    "simplelogin.co",
    "simplelogin.com",
    "simplelogin.fr",
    "slmail.me",
];

/// The throw-away domains that a server knows: those that are built in, and those of its operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisposableDomains {
    added: HashSet<String>,
    exempt: HashSet<String>,
}

impl DisposableDomains {
    /// Adds the domains of a file: one in each line, `!` before one that is exempt with its subdomains, `#` before a comment.
    ///
    /// # Errors
    /// If a line is no domain. The error tells its number.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut domains = Self::default();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (set, name) = match line.strip_prefix('!') {
                Some(name) => (&mut domains.exempt, name.trim()),
                None => (&mut domains.added, line),
            };
            let address = Email::parse(&format!("x@{}", name.trim_end_matches('.')));
            let address = address.map_err(|_| Invalid::new(format!("line {} is no domain", number + 1)))?;
            set.insert(address.domain().to_owned());
        }
        Ok(domains)
    }

    /// Whether an address is of a throw-away domain or a subdomain of one.
    pub fn has(&self, email: &Email) -> bool {
        let any = |is_one: &dyn Fn(&str) -> bool| parents(email.domain()).any(is_one);
        if any(&|name| self.exempt.contains(name)) {
            return false;
        }
        let is_built_in = || !any(&|name| RELAYS.contains(&name)) && any(&|name| BUILT_IN_DOMAINS.contains(name));
        any(&|name| self.added.contains(name)) || is_built_in()
    }
}

/// The lines of the built-in list that are domains.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A domain, and the domains that it is a subdomain of.
fn parents(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, parent)| parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(domains: &DisposableDomains, domain: &str) -> bool {
        domains.has(&Email::parse(&format!("ada@{domain}")).unwrap())
    }

    #[test]
    fn throw_away_domains_and_their_subdomains_are_known() {
        let domains = DisposableDomains::default();
        for listed in ["mailinator.com", "MAILINATOR.com", "a.b.mailinator.com"] {
            assert!(has(&domains, listed), "{listed}");
        }
        for other in ["example.com", "gmail.com", "mailinators.example", "mailinator.com.example", "duck.com", "ada.mozmail.com"] {
            assert!(!has(&domains, other), "{other}");
        }
        assert!(lines(BUILT_IN).count() > 5000);
        for domain in lines(BUILT_IN) {
            assert!(Email::parse(&format!("x@{domain}")).is_ok_and(|email| email.domain() == domain), "{domain}");
        }
    }

    #[test]
    fn an_operator_adds_domains_and_exempts_others() {
        let file = "\u{feff}# ours\r\n\r\nThrow.Example  # since May\n!mailinator.com\nBÜCHER.example.\n! fine.throw.example\nduck.com\n";
        let domains = DisposableDomains::parse(file).unwrap();
        for listed in ["throw.example", "x.throw.example", "xn--bcher-kva.example", "yopmail.com", "duck.com"] {
            assert!(has(&domains, listed), "{listed}");
        }
        for exempt in ["mailinator.com", "x.mailinator.com", "fine.throw.example", "x.fine.throw.example"] {
            assert!(!has(&domains, exempt), "{exempt}");
        }
        assert_eq!(DisposableDomains::parse("a.example\nno domain\n").unwrap_err().to_string(), "line 2 is no domain");
        assert!(DisposableDomains::parse("").is_ok());
        assert!(DisposableDomains::parse("!").is_err());
    }
}
