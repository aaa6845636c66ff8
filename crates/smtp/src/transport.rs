//! One attempt to give a mail to the server.

use std::error::Error as _;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use rally_domain::error::Fault;
use rally_domain::mail::{Content, MailOutcome, MailReport, Message};
use rally_domain::port::Mailer;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::message::Letter;
use crate::outcome::{Stage, outcome};
use crate::pool::{Connection, Pool};
use crate::tls;
use crate::url::{Security, SmtpServer};
use crate::wire::{Lent, Wire};

/// The most connections at a time. Another mail waits for one of them.
pub const MAX_CONNECTIONS: usize = 4;
/// The status of a mail that the server cannot take because it does not offer SMTPUTF8 (RFC 6531, section 3.5).
const NO_UTF8: u16 = 553;
/// What an operator learns whose URL begins with `smtps` and names a port without TLS.
const NO_TLS: &str = "the server does not begin with TLS at this port: smtp:// may be meant, which turns it on by STARTTLS";
/// How long the answers to the rest may take after a refusal.
const REST: Duration = Duration::from_secs(2);

/// Gives mail to a mail server.
///
/// At most 4 connections are open at a time. They are used again, and closed when they have waited for 30 s. A server that offers
/// PIPELINING (RFC 2920) is told sender and recipient, and that a message follows, at once.
pub struct SmtpMailer {
    server: SmtpServer,
    hello: ClientId,
    tls: Option<TlsConnector>,
    deadline: Duration,
    places: Semaphore,
    pool: Arc<Pool>,
}

/// Why an attempt ended before the server accepted the mail.
struct Trouble {
    reply: Option<(u16, String)>,
    words: String,
    /// Whether the server expects something else next than another mail.
    ends: bool,
}

impl Trouble {
    fn new(words: impl Into<String>) -> Self {
        Self { reply: None, words: words.into(), ends: false }
    }

    fn status(&self) -> Option<u16> {
        self.reply.as_ref().map(|(status, _)| *status)
    }

    /// Whether the server has answered, and does not close the connection.
    fn is_refusal(&self) -> bool {
        self.status().is_some_and(|status| status != 421)
    }

    /// Whether the connection may be used again.
    fn leaves_the_connection(&self) -> bool {
        self.is_refusal() && !self.ends
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        match error.status() {
            Some(code) => Self { reply: Some((code.into(), cause.clone())), words: format!("{code} {cause}"), ends: false },
            None => Self::new(error.to_string()),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// The result of an attempt that came to an end within its deadline.
enum Attempt {
    Accepted,
    /// The server offers too little for the mail.
    NoUtf8,
    Failed(Trouble),
}

impl SmtpMailer {
    /// Creates a mailer for a server, with one deadline for each attempt. Beside the roots of the system it trusts `roots`, certificates
    /// in DER.
    ///
    /// # Errors
    /// If this machine has no TLS roots, or one of `roots` is no certificate.
    pub fn new(server: SmtpServer, roots: &[Vec<u8>], deadline: time::Duration) -> Result<Self, SmtpError> {
        let tls = if server.security == Security::Plain { None } else { Some(tls::connector(roots).map_err(SmtpError)?) };
        let places = Semaphore::new(MAX_CONNECTIONS);
        Ok(Self { server, hello: hello(None), tls, deadline: deadline.unsigned_abs(), places, pool: Arc::default() })
    }

    /// Greets the server as this host, if the name of the machine is not that of a host on the internet.
    #[must_use]
    pub fn greeting_as(self, host: &str) -> Self {
        Self { hello: hello(Some(host)), ..self }
    }

    async fn attempt(&self, letter: &Letter, stage: &mut Stage) -> Attempt {
        if let Some(mut waiting) = self.pool.take() {
            *stage = Stage::Sender;
            // The server may have closed a connection that waited, or a router forgotten it. A refusal before the recipient is named may be
            // due to the connection too: it has carried too many mails, or its login has expired. Until the message is sent, another
            // connection can take its place, and nobody gets the mail twice.
            let begun = tokio::time::timeout(self.deadline / 4, begin(&mut waiting, letter, stage)).await;
            match begun {
                Ok(Ok(true)) => return self.finish(waiting, letter, stage).await,
                Ok(Ok(false)) => {
                    self.pool.put(waiting);
                    return Attempt::NoUtf8;
                }
                Ok(Err(trouble)) if trouble.is_refusal() && *stage != Stage::Sender => return self.refused(waiting, trouble),
                Ok(Err(_)) | Err(_) => drop(waiting),
            }
        }
        *stage = Stage::Open;
        let mut fresh = match self.connect(stage).await {
            Ok(fresh) => fresh,
            Err(trouble) => return Attempt::Failed(trouble),
        };
        match begin(&mut fresh, letter, stage).await {
            Ok(true) => self.finish(fresh, letter, stage).await,
            Ok(false) => {
                self.pool.put(fresh);
                Attempt::NoUtf8
            }
            Err(trouble) => self.refused(fresh, trouble),
        }
    }

    /// Sends the message, after the server has agreed to read it.
    async fn finish(&self, mut connection: Connection, letter: &Letter, stage: &mut Stage) -> Attempt {
        *stage = Stage::Message;
        let answer = connection.smtp.command(letter.to_data()).await.map_err(Trouble::from).and_then(completed);
        match answer {
            Ok(()) => {
                connection.is_begun = false;
                connection.mails += 1;
                self.pool.put(connection);
                Attempt::Accepted
            }
            Err(trouble) => self.refused(connection, trouble),
        }
    }

    fn refused(&self, connection: Connection, trouble: Trouble) -> Attempt {
        if trouble.leaves_the_connection() {
            self.pool.put(connection);
        }
        Attempt::Failed(trouble)
    }

    async fn connect(&self, stage: &mut Stage) -> Result<Connection, Trouble> {
        let addresses: Vec<_> = tokio::net::lookup_host((self.server.name(), self.server.port)).await?.collect();
        self.server.check(&addresses).map_err(|error| Trouble::new(error.to_string()))?;
        // One address that does not answer leaves time for the next.
        let share = self.deadline / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let mut last = Trouble::new("no address answers");
        for address in addresses {
            match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let smtp = self.open(stream, address, stage).await?;
                    return self.prepare(smtp, stage).await;
                }
                Ok(Err(error)) => last = error.into(),
                Err(_) => last = Trouble::new("no answer from an address of the server"),
            }
        }
        Err(last)
    }

    /// Protects a connection as the URL says, and greets.
    async fn open(&self, stream: TcpStream, peer: SocketAddr, stage: &mut Stage) -> Result<AsyncSmtpConnection, Trouble> {
        let Some(tls) = &self.tls else { return self.greet(Wire::new(stream, peer)).await };
        let name = ServerName::try_from(self.server.name()).map_err(|_| Trouble::new("the name of the server is none of TLS"))?;
        if self.server.security == Security::Tls {
            return match tls.connect(name, stream).await.map_err(Trouble::from) {
                Ok(stream) => self.greet(Wire::new(stream, peer)).await,
                Err(trouble) if trouble.words.contains("InvalidContentType") => Err(Trouble::new(NO_TLS)),
                Err(trouble) => Err(trouble),
            };
        }
        let lent = Lent::new(stream);
        let mut plain = self.greet(Wire::new(lent.clone(), peer)).await?;
        *stage = Stage::StartTls;
        if !plain.server_info().supports_feature(Extension::StartTls) {
            return Err(Trouble::new("the server does not offer STARTTLS, and nothing is sent without TLS"));
        }
        plain.command(Starttls).await.map_err(Trouble::from).and_then(completed)?;
        // What lettre has read before TLS goes with it.
        drop(plain);
        let stream = lent.take_back().ok_or_else(|| Trouble::new("the connection is in use"))?;
        self.greet(Wire::greeted(tls.connect(name, stream).await?, peer)).await
    }

    /// Reads the greeting, and says EHLO.
    async fn greet<S>(&self, wire: Wire<S>) -> Result<AsyncSmtpConnection, Trouble>
    where
        S: AsyncRead + AsyncWrite + Send + Sync + Unpin + Debug + 'static,
    {
        Ok(AsyncSmtpConnection::connect_with_transport(Box::new(wire), &self.hello).await?)
    }

    /// Learns what the server offers, and logs in.
    async fn prepare(&self, mut smtp: AsyncSmtpConnection, stage: &mut Stage) -> Result<Connection, Trouble> {
        // Before the login, because some servers forget it when they are greeted again.
        let pipelines = self.may_pipeline(&mut smtp).await;
        self.log_in(&mut smtp, stage).await?;
        Ok(Connection { smtp, mails: 0, is_begun: false, pipelines })
    }

    /// Asks once more what the server offers. lettre keeps only what it uses by itself. Some servers refuse to say it twice.
    async fn may_pipeline(&self, smtp: &mut AsyncSmtpConnection) -> bool {
        let answer = smtp.command(Ehlo::new(self.hello.clone())).await;
        answer.is_ok_and(|answer| answer.message().any(|line| line.eq_ignore_ascii_case("PIPELINING")))
    }

    async fn log_in(&self, smtp: &mut AsyncSmtpConnection, stage: &mut Stage) -> Result<(), Trouble> {
        let Some(login) = &self.server.login else { return Ok(()) };
        *stage = Stage::LogIn;
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        if smtp.server_info().get_auth_mechanism(&mechanisms).is_none() {
            tracing::error!(host = %self.server.host, "the mail server offers neither the login PLAIN nor LOGIN");
            return Err(Trouble::new("the server offers neither PLAIN nor LOGIN"));
        }
        let credentials = Credentials::new(login.user.expose_secret().to_owned(), login.password.expose_secret().to_owned());
        let answer = smtp.auth(&mechanisms, &credentials).await.map_err(Trouble::from).and_then(completed);
        if let Err(trouble) = &answer
            && let Some(status @ 500..) = trouble.status()
        {
            tracing::error!(host = %self.server.host, status, "the mail server refuses the login of RALLY_SMTP_URL");
        }
        answer
    }
}

/// A command, and the stage that it leads to.
type Command = (Stage, String);

/// Names sender and recipient, and asks to send the message. `false` if the server offers too little for the mail.
async fn begin(connection: &mut Connection, letter: &Letter, stage: &mut Stage) -> Result<bool, Trouble> {
    *stage = Stage::Sender;
    let smtp = &mut connection.smtp;
    let mut parameters = Vec::new();
    if letter.needs_utf8 {
        if !smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Ok(false);
        }
        parameters.push(MailParameter::SmtpUtfEight);
        // The addresses stand in headers too.
        if smtp.server_info().supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
    }
    let mut commands: Vec<Command> = Vec::new();
    if connection.is_begun {
        commands.push((Stage::Sender, Rset.to_string()));
    }
    connection.is_begun = true;
    commands.push((Stage::Sender, Mail::new(Some(letter.from.clone()), parameters).to_string()));
    commands.push((Stage::Recipient, Rcpt::new(letter.to.clone(), Vec::new()).to_string()));
    commands.push((Stage::Data, Data.to_string()));
    let at_once = if connection.pipelines { commands.len() } else { 1 };
    for commands in commands.chunks(at_once) {
        say(smtp, commands, stage).await?;
    }
    Ok(true)
}

/// Says some commands at once, and reads the answer to each. The first refusal counts.
async fn say(smtp: &mut AsyncSmtpConnection, commands: &[Command], stage: &mut Stage) -> Result<(), Trouble> {
    let words: String = commands.iter().map(|(_, words)| words.as_str()).collect();
    let mut refusal: Option<Trouble> = None;
    for (number, (at, _)) in commands.iter().enumerate() {
        if refusal.is_none() {
            *stage = *at;
        }
        // What has been refused is known, whatever becomes of the answers to the rest.
        let longest = if refusal.is_none() { Duration::MAX } else { REST };
        let answer =
            tokio::time::timeout(longest, async { if number == 0 { smtp.command(&words).await } else { smtp.read_response().await } });
        let answer = answer.await.map_err(|_| Trouble::new("no answer")).and_then(|answer| Ok(answer?));
        let answer = answer.and_then(if *at == Stage::Data { awaited } else { completed });
        match (answer, &mut refusal) {
            (Err(trouble), None) if trouble.is_refusal() => refusal = Some(trouble),
            (Err(trouble), None) => return Err(trouble),
            (Err(trouble), Some(refusal)) if !trouble.is_refusal() => {
                refusal.ends = true;
                break;
            }
            // The server waits for a message that it could only refuse.
            (Ok(()), Some(refusal)) if *at == Stage::Data => refusal.ends = true,
            (Ok(()) | Err(_), _) => {}
        }
    }
    refusal.map_or(Ok(()), Err)
}

/// Checks that an answer is of the class 2.
fn completed(answer: Response) -> Result<(), Trouble> {
    if matches!(u16::from(answer.code()), 200..=299) { Ok(()) } else { Err(unexpected(&answer)) }
}

/// Checks that the server waits for the message.
fn awaited(answer: Response) -> Result<(), Trouble> {
    if u16::from(answer.code()) == 354 { Ok(()) } else { Err(unexpected(&answer)) }
}

/// An answer that belongs to another command. What the server says next would belong to another one too, so that the connection ends.
fn unexpected(answer: &Response) -> Trouble {
    Trouble::new(format!("the server answers {}, which does not fit", answer.code()))
}

/// The name that this machine greets with: its own, else that of the server's pages, else an address (RFC 5321, section 4.1.4). A name
/// without a dot is that of no host on the internet (section 2.3.5), and some servers take no mail from it.
fn hello(host: Option<&str>) -> ClientId {
    let own = match ClientId::default() {
        ClientId::Domain(name) => Some(name),
        _ => None,
    };
    let name = own.into_iter().chain(host.map(str::to_owned)).find(|name| is_host(name));
    name.map_or_else(|| ClientId::Ipv4([127, 0, 0, 1].into()), ClientId::Domain)
}

/// Whether a name is that of a host on the internet.
fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(fits) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253 && name.contains('.') && name.split('.').all(is_label) && !name.rsplit('.').next().is_some_and(is_number)
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, message: &Message) -> Result<MailReport, Fault> {
        let Content::Rendered(content) = &message.content else {
            return Ok(MailReport::failed(MailOutcome::Refused(400), "a mail server is given only rendered messages"));
        };
        let letter = match Letter::write(message, content) {
            Ok(letter) => letter,
            Err(words) => return Ok(MailReport::failed(MailOutcome::Refused(NO_UTF8), words)),
        };
        let begun = Instant::now();
        // Half of the time is left for the attempt. A server that is cut off too early may send the mail, and get it once more.
        let Ok(Ok(_place)) = tokio::time::timeout(self.deadline / 2, self.places.acquire()).await else {
            return Err(Fault::unavailable("other mails take all connections to the mail server"));
        };
        let mut stage = Stage::Open;
        let until = begun + self.deadline;
        let attempt = tokio::time::timeout_at(until, self.attempt(&letter, &mut stage)).await;
        let trouble = match attempt {
            Ok(Attempt::Accepted) => return Ok(MailReport::accepted()),
            Ok(Attempt::NoUtf8) => {
                let words =
                    format!("the address of the {} is not in ASCII, and the mail server does not offer SMTPUTF8", letter.beyond_ascii());
                return Ok(MailReport::failed(MailOutcome::Refused(NO_UTF8), &words));
            }
            Ok(Attempt::Failed(trouble)) => trouble,
            Err(_) => Trouble::new(format!("no answer within {} s", self.deadline.as_secs_f64())),
        };
        let outcome = outcome(stage, trouble.reply.as_ref().map(|(status, text)| (*status, text.as_str())));
        // The words may repeat an address. They stand in the log of mails, not here.
        tracing::debug!(mail = %message.id, stage = stage.words(), status = outcome.status(), "mail not sent");
        Ok(MailReport::failed(outcome, &format!("{}: {}", stage.words(), trouble.words)))
    }
}

/// Why a mailer cannot be created.
#[derive(Debug)]
pub struct SmtpError(rustls::Error);

impl std::fmt::Display for SmtpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TLS for the mail server cannot be set up")
    }
}

impl std::error::Error for SmtpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_dot_is_that_of_no_host() {
        for host in ["mail.example.com", "rally.example", "a-1.b2.c"] {
            assert!(is_host(host), "{host}");
        }
        for other in ["vm", "localhost", "", ".", "a..b", "-a.example", "a_b.example", "192.0.2.1", "[::1]"] {
            assert!(!is_host(other), "{other}");
        }
        assert!(matches!(hello(Some("rally.example")), ClientId::Domain(name) if is_host(&name)));
    }
}
