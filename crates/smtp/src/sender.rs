//! The default sender, as `RALLY_SMTP_FROM` names it.

use rally_domain::email::Email;
use rally_domain::error::Invalid;
use rally_domain::mail::Sender;

/// The most characters of a sender's name.
const MAX_NAME: usize = 200;

/// Reads a sender: `Name <address>`, `"Name" <address>` or `address`.
///
/// In quotation marks, a backslash stands before `"` and `\`.
///
/// # Errors
/// If the text has another form, names more than one address, or the name is too long or has control characters.
pub fn parse_sender(text: &str) -> Result<Sender, Invalid> {
    let text = text.trim();
    let Some((name, address)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) else {
        return Ok(Sender { name: None, address: Email::parse(text)? });
    };
    let name = match name.trim() {
        quoted if quoted.starts_with('"') => unquote(quoted)?,
        plain if plain.contains(['"', '<', '>', '@', '\\']) => {
            return Err(Invalid::new("must have the name in quotation marks if it has one of the characters \" < > @ \\"));
        }
        plain => plain.to_owned(),
    };
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Invalid::new(format!("must have a name of at most {MAX_NAME} characters, without control characters")));
    }
    Ok(Sender { name: (!name.is_empty()).then_some(name), address: Email::parse(address)? })
}

fn unquote(quoted: &str) -> Result<String, Invalid> {
    let mut name = String::new();
    let mut characters = quoted.chars().skip(1);
    loop {
        match characters.next() {
            Some('"') if characters.next().is_none() => return Ok(name.trim().to_owned()),
            Some('\\') => name.extend(characters.next()),
            None | Some('"') => return Err(Invalid::new("must have the whole name in quotation marks")),
            Some(c) => name.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_name_and_an_address() {
        for (text, name, address) in [
            ("Acme <hello@acme.example>", Some("Acme"), "hello@acme.example"),
            ("  Acme, Inc.   <Hello@Acme.Example> ", Some("Acme, Inc."), "hello@acme.example"),
            (r#""Acme \"the\" <best> \\o/" <a@b.example>"#, Some(r#"Acme "the" <best> \o/"#), "a@b.example"),
            ("Bücher & Söhne 😀 <a@bücher.example>", Some("Bücher & Söhne 😀"), "a@xn--bcher-kva.example"),
            ("hello@acme.example", None, "hello@acme.example"),
            ("<hello@acme.example>", None, "hello@acme.example"),
            ("\"\" <hello@acme.example>", None, "hello@acme.example"),
        ] {
            let sender = parse_sender(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((sender.name.as_deref(), sender.address.as_str()), (name, address), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_sender() {
        let long = format!("{} <a@b.example>", "x".repeat(201));
        for bad in [
            "",
            "Acme",
            "Acme <>",
            "Acme <hello>",
            "Acme hello@acme.example",
            "<a@b.example>, Acme <c@d.example>",
            "a@b.example, c@d.example",
            "a@b.example <c@d.example>",
            "\"Acme <a@b.example>",
            "\"Acme\" Inc <a@b.example>",
            "\"Acme\\\" <a@b.example>",
            "Ac\"me <a@b.example>",
            "Acme\r\nBcc: x@y.example <a@b.example>",
            "\"Acme\0\" <a@b.example>",
            "Acme <a@b.example\r\nBcc: x@y.example>",
            &long,
        ] {
            assert!(parse_sender(bad).is_err(), "{bad:?}");
        }
    }
}
