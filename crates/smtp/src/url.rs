//! The mail server, as `RALLY_SMTP_URL` names it.

use std::net::{IpAddr, SocketAddr};

use percent_encoding::percent_decode_str;
use rally_domain::error::Invalid;
use secrecy::SecretString;
use url::{Host, Url};

/// The mail server that mail is given to.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) login: Option<Login>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS after the command STARTTLS, which is required (RFC 3207).
    StartTls,
    /// None.
    Plain,
}

/// The user and the password for the server. Both are printed in no form.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: SecretString,
    pub(crate) password: SecretString,
}

impl SmtpServer {
    /// Reads a URL: `smtps://user:password@host[:465]`, `smtp://user:password@host[:587]` or `smtp://host[:25]?tls=none`.
    ///
    /// User and password are percent-decoded. Both may be absent. With `tls=none` both must be absent, and an address must be
    /// loopback or private. A name is checked when a connection is made.
    ///
    /// # Errors
    /// If the text has another form. The message repeats no part of the URL that may be secret.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let url = Url::parse(text).map_err(|_| not_a_url())?;
        let mut security = match url.scheme() {
            "smtps" => Security::Tls,
            "smtp" => Security::StartTls,
            _ => return Err(Invalid::new("must begin with smtps:// or smtp://")),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(not_a_url());
        }
        // The scheme is none that the URL standard knows. Therefore the host has to be read again.
        let host = url.host_str().and_then(|host| Host::parse(host).ok()).ok_or_else(|| Invalid::new("must name a host"))?;
        for (key, value) in url.query_pairs() {
            if key != "tls" {
                return Err(Invalid::new("must have no other parameter than tls"));
            }
            if value != "none" || security != Security::StartTls {
                return Err(Invalid::new("must have the parameter tls only as smtp://host?tls=none"));
            }
            security = Security::Plain;
        }
        let login = login(&url)?;
        if security == Security::Plain {
            if login.is_some() {
                return Err(Invalid::new("must have no user and no password with tls=none, because anyone on the way could read them"));
            }
            if address(&host).is_some_and(|address| !is_private(address)) {
                return Err(not_private());
            }
        }
        let port = url.port().unwrap_or(match security {
            Security::Tls => 465,
            Security::StartTls => 587,
            Security::Plain => 25,
        });
        if port == 0 {
            return Err(Invalid::new("must name a port from 1 to 65535"));
        }
        Ok(Self { host, port, security, login })
    }

    /// Whether the server is on this machine: its host is a loopback address or `localhost`.
    pub fn is_local(&self) -> bool {
        match &self.host {
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name == "localhost" || name.ends_with(".localhost")
            }
            Host::Ipv4(_) | Host::Ipv6(_) => address(&self.host).is_some_and(|address| address.is_loopback()),
        }
    }

    /// The name or address that connections go to, which the server's certificate must have.
    pub(crate) fn name(&self) -> String {
        match address(&self.host) {
            Some(address) => address.to_string(),
            None => self.host.to_string(),
        }
    }

    /// Checks the addresses that the host has now.
    ///
    /// # Errors
    /// If there are none, or the connection would be unprotected and one of them is neither loopback nor private.
    pub(crate) fn check(&self, addresses: &[SocketAddr]) -> Result<(), Invalid> {
        if addresses.is_empty() {
            return Err(Invalid::new("the name of the mail server has no address"));
        }
        if self.security == Security::Plain && addresses.iter().any(|address| !is_private(address.ip().to_canonical())) {
            return Err(not_private());
        }
        Ok(())
    }
}

fn login(url: &Url) -> Result<Option<Login>, Invalid> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let password = url.password().unwrap_or_default();
    if url.username().is_empty() || password.is_empty() {
        return Err(Invalid::new("must have both a user and a password, or neither"));
    }
    Ok(Some(Login { user: decode(url.username())?, password: decode(password)? }))
}

fn decode(text: &str) -> Result<SecretString, Invalid> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| Invalid::new("must have user and password in UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("must have no control characters in user and password"));
    }
    Ok(text.into_owned().into())
}

fn not_a_url() -> Invalid {
    Invalid::new(
        "must be a URL such as smtps://user:password@mail.example.com, with characters such as / # ? @ of user and password percent-encoded",
    )
}

fn not_private() -> Invalid {
    Invalid::new("must lead to loopback or private addresses with tls=none")
}

fn address(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some(IpAddr::from(*address).to_canonical()),
    }
}

/// Whether an address is of this machine or of a network that is not the internet.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn parse(text: &str) -> SmtpServer {
        SmtpServer::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_url_says_how_to_connect() {
        for (text, security, host, port) in [
            ("smtps://u:p@mail.example.com", Security::Tls, "mail.example.com", 465),
            ("smtps://u:p@mail.example.com:4650/", Security::Tls, "mail.example.com", 4650),
            ("smtps://mail.example.com", Security::Tls, "mail.example.com", 465),
            ("smtp://u:p@Mail.Example.com", Security::StartTls, "mail.example.com", 587),
            ("SMTP://u:p@bücher.example:25", Security::StartTls, "xn--bcher-kva.example", 25),
            ("smtp://localhost?tls=none", Security::Plain, "localhost", 25),
            ("smtp://10.1.2.3:1025/?tls=none", Security::Plain, "10.1.2.3", 1025),
            ("smtp://[::1]:1025?tls=none", Security::Plain, "::1", 1025),
            ("smtp://[::ffff:10.0.0.1]?tls=none", Security::Plain, "10.0.0.1", 25),
            ("smtp://mailpit:1025?tls=none", Security::Plain, "mailpit", 1025),
            ("smtp://u:p@192.0.2.1", Security::StartTls, "192.0.2.1", 587),
        ] {
            let server = parse(text);
            assert_eq!((server.security, server.name().as_str(), server.port), (security, host, port), "{text}");
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_never_printed() {
        let server = parse("smtps://ada%40example.com:p%3A%2F%23%20+%E2%82%AC%25@mail.example.com");
        let login = server.login.as_ref().unwrap();
        assert_eq!(login.user.expose_secret(), "ada@example.com");
        assert_eq!(login.password.expose_secret(), "p:/# +€%");
        let printed = format!("{server:?}");
        assert!(!printed.contains("ada") && !printed.contains("p:/"), "{printed}");
    }

    #[test]
    fn anything_else_is_refused_without_a_word_of_the_password() {
        for bad in [
            "",
            "mail.example.com",
            "mail.example.com:secret",
            "https://u:secret@mail.example.com",
            "smtp:mail.example.com",
            "smtp://",
            "smtp://u:secret@",
            "smtps://u:sec/ret@mail.example.com",
            "smtps://u:sec#ret@mail.example.com",
            "smtps://u:sec?ret@mail.example.com",
            "smtps://user@mail.example.com",
            "smtps://user:@mail.example.com",
            "smtps://:secret@mail.example.com",
            "smtps://u:secret@mail.example.com:0",
            "smtps://u:secret@mail.example.com:70000",
            "smtps://u:secret@mail.example.com/path",
            "smtps://u:secret@mail.example.com#secret",
            "smtps://u:secret@mail.example.com?tls=none",
            "smtps://u:secret@mail.example.com?secret=1",
            "smtp://u:secret@localhost?tls=none",
            "smtp://localhost?tls=off",
            "smtp://localhost?tls=none&tls=none",
            "smtp://localhost?tls=none&starttls=1",
            "smtp://u:secret%00@mail.example.com",
            "smtp://u:secret%0D%0A@mail.example.com",
            "smtp://u:secret%FF@mail.example.com",
            "smtp://192.0.2.1?tls=none",
            "smtp://100.64.0.1?tls=none",
            "smtp://0.0.0.0?tls=none",
            "smtp://134744072?tls=none",
            "smtp://[2001:4860:4860::8888]?tls=none",
            "smtp://[::ffff:8.8.8.8]?tls=none",
            "smtp://exa mple?tls=none",
        ] {
            let error = SmtpServer::parse(bad).expect_err(bad).to_string();
            assert!(!error.contains("sec") || error.contains("such as"), "{bad}: {error}");
        }
    }

    #[test]
    fn loopback_is_local_and_nothing_else() {
        for local in
            ["smtp://localhost?tls=none", "smtp://mail.localhost.", "smtps://127.1.2.3", "smtp://[::1]", "smtp://[::ffff:127.0.0.1]"]
        {
            assert!(parse(local).is_local(), "{local}");
        }
        for remote in ["smtp://localhost.example", "smtp://10.0.0.1?tls=none", "smtp://mailpit?tls=none", "smtp://[fe80::1]"] {
            assert!(!parse(remote).is_local(), "{remote}");
        }
    }

    #[test]
    fn a_name_without_tls_leads_to_private_addresses_alone() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 25)).collect::<Vec<_>>();
        let plain = parse("smtp://mailpit?tls=none");
        assert!(plain.check(&addresses(&["10.0.0.1", "fd00::1", "::1", "169.254.1.1", "::ffff:192.168.1.1"])).is_ok());
        for refused in [&["8.8.8.8"][..], &["10.0.0.1", "8.8.8.8"], &["::ffff:8.8.8.8"], &["2001:4860:4860::8888"], &["0.0.0.0"], &[]] {
            assert!(plain.check(&addresses(refused)).is_err(), "{refused:?}");
        }
        assert!(parse("smtp://mail.example.com").check(&addresses(&["8.8.8.8"])).is_ok());
    }
}
