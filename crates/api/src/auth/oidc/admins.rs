//! Who may sign in through the identity provider, as the setting names them.

use rally_domain::email::Email;
use rally_domain::slug::Slug;

/// The addresses that may sign in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admins(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    who: Who,
    /// The workspace. `None` means all of them.
    workspace: Option<Slug>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// One address.
    Address(Email),
    /// All addresses of a domain.
    Domain(String),
}

impl Admins {
    /// Reads addresses with commas between: `ada@acme.example`, `*@acme.example`, each maybe with `=` and the slug of a workspace.
    ///
    /// # Errors
    /// The first one that cannot be read or comes twice, with the reason.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut rules: Vec<Rule> = Vec::new();
        for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let rule = Rule::parse(text)?;
            if rules.iter().any(|other| other.who == rule.who) {
                return Err(format!("{text:?} is there twice"));
            }
            rules.push(rule);
        }
        Ok(Self(rules))
    }

    /// Whether nobody may sign in.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The workspace of an address, where `None` stands for all of them. An address by itself goes before its domain.
    pub fn find(&self, email: &Email) -> Option<Option<&Slug>> {
        let named = |rule: &&Rule| matches!(&rule.who, Who::Address(address) if address == email);
        let of_domain = |rule: &&Rule| matches!(&rule.who, Who::Domain(domain) if domain == email.domain());
        let rule = self.0.iter().find(named).or_else(|| self.0.iter().find(of_domain))?;
        Some(rule.workspace.as_ref())
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is not an address such as ada@acme.example, *@acme.example or ada@acme.example=acme");
        // A local part may have the sign that comes before a workspace.
        let at = text.rfind('@').ok_or_else(bad)?;
        let (address, slug) = match text[at..].split_once('=') {
            Some((domain, slug)) => (&text[..at + domain.len()], Some(slug.trim())),
            None => (text, None),
        };
        let email = Email::parse(address).map_err(|_| bad())?;
        let who = if address.starts_with("*@") { Who::Domain(email.domain().to_owned()) } else { Who::Address(email) };
        Ok(Self { who, workspace: slug.map(Slug::parse).transpose().map_err(|_| bad())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &str, address: &str) -> Option<Option<String>> {
        let admins = Admins::parse(list).unwrap();
        admins.find(&Email::parse(address).unwrap()).map(|slug| slug.map(ToString::to_string))
    }

    #[test]
    fn an_address_is_found_by_itself_and_by_its_domain() {
        let list = "Ada@Acme.example , *@acme.example=acme,bob@acme.example = beta,a=b@c.example,*@bücher.example";
        let acme = Some(Some("acme".to_owned()));
        for (address, expected) in [
            ("ada@acme.example", Some(None)),
            ("ADA@ACME.EXAMPLE", Some(None)),
            ("eve@acme.example", acme.clone()),
            ("*@acme.example", acme),
            ("bob@acme.example", Some(Some("beta".to_owned()))),
            ("a=b@c.example", Some(None)),
            ("x@xn--bcher-kva.example", Some(None)),
            ("ada@other.example", None),
            ("eve@sub.acme.example", None),
            ("eve@notacme.example", None),
            ("ada+x@c.example", None),
        ] {
            assert_eq!(found(list, address), expected, "{address}");
        }
        assert_eq!(found("", "ada@acme.example"), None);
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_named() {
        for bad in ["ada", "@acme.example", "*", "*@", "**@acme.example=", "ada@acme.example=Not A Slug", "ada@acme.example=", "*@*"] {
            let error = Admins::parse(&format!("bob@acme.example,{bad}")).unwrap_err();
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
        assert!(Admins::parse("ada@acme.example,ADA@acme.example=acme").unwrap_err().contains("twice"));
        assert!(Admins::parse(" , ").unwrap().is_empty());
    }
}
