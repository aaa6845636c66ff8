//! The stand-in of a mail server (RFC 5321): as strict as a server on the internet, and able to fail at each step.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Address, MessageParser};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::Tell;

/// The most bytes of a command line with its CRLF (RFC 5321, section 4.5.3.1.4).
const MAX_COMMAND: usize = 512;
/// The most bytes of a line of a message with its CRLF (RFC 5321, section 4.5.3.1.6).
const MAX_TEXT: usize = 1000;

/// How connections are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SmtpTls {
    /// They are not.
    #[default]
    None,
    /// TLS from the first byte.
    Implicit,
    /// TLS after STARTTLS, without which no mail is taken.
    StartTls,
}

/// What a server offers and requires.
#[derive(Debug, Clone, Default)]
pub struct SmtpOptions {
    /// How connections are protected.
    pub tls: SmtpTls,
    /// The user and the password, if a login is required.
    pub login: Option<(String, String)>,
    /// Whether only the mechanism LOGIN is offered.
    pub only_login: bool,
    /// Whether 8BITMIME is offered.
    pub eight_bit: bool,
    /// Whether SMTPUTF8 is offered.
    pub utf8: bool,
    /// Whether PIPELINING is offered. Without it, a command that comes before the answer to the one before ends the connection.
    pub pipelining: bool,
    /// Whether a second EHLO of a session is refused.
    pub one_ehlo: bool,
}

/// A step of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmtpStep {
    /// The greeting.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// The end of the message.
    Message,
    /// RSET.
    Rset,
}

impl SmtpStep {
    /// All steps of a mail over a protected connection with a login, in order.
    pub const ALL: [Self; 8] = [Self::Greeting, Self::Ehlo, Self::StartTls, Self::Auth, Self::Mail, Self::Rcpt, Self::Data, Self::Message];
}

/// What a server does in place of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmtpAct {
    /// Answers with that line.
    Say(String),
    /// Answers with that line, in whatever encoding.
    SayBytes(Vec<u8>),
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
    /// Never answers.
    Hang,
    /// Does the step, and never answers.
    Lose,
    /// Does the step, and closes the connection.
    LoseAndClose,
    /// Begins an answer and goes on a byte at a time.
    Drip,
    /// Sends an answer without an end.
    Flood,
    /// Sends a part of an answer and closes the connection.
    BreakOff,
    /// Does the step after that long.
    Late(Duration),
    /// Does the step, and sends those bytes after the answer.
    Append(String),
}

/// A mail that was taken.
#[derive(Debug, Clone)]
pub struct Received {
    /// The sender in the envelope.
    pub from: String,
    /// The recipient in the envelope.
    pub to: String,
    /// The user that logged in.
    pub user: Option<String>,
    /// Whether the connection was protected.
    pub tls: bool,
    /// The parameters of MAIL.
    pub parameters: Vec<String>,
    /// The message, without doubled dots.
    pub raw: String,
    /// The headers in order, unfolded but not decoded.
    pub headers: Vec<(String, String)>,
    /// The decoded subject.
    pub subject: String,
    /// The decoded plain text.
    pub text: String,
    /// The decoded HTML, if there is any.
    pub html: Option<String>,
}

impl Received {
    /// The value of a header, if there is exactly one.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        if found.next().is_some() { None } else { value }
    }
}

#[derive(Default)]
struct State {
    acts: HashMap<SmtpStep, SmtpAct>,
    recipients: HashMap<String, String>,
    received: Vec<Received>,
    commands: Vec<String>,
    connections: usize,
    unanswered: usize,
}

/// A mail server on a port of its own.
pub struct FakeSmtp {
    /// Its address.
    pub address: SocketAddr,
    /// The root that signed its certificate, in DER.
    pub root: Vec<u8>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    options: SmtpOptions,
    acceptor: TlsAcceptor,
    state: Mutex<State>,
    /// Its value is how often all connections were closed.
    closed: watch::Sender<u64>,
    tell: Tell,
}

impl FakeSmtp {
    /// Starts a server on a free port.
    pub async fn start(options: SmtpOptions) -> Self {
        Self::start_on("127.0.0.1:0", options, |_| ()).await
    }

    /// Starts a server on an address, with a function for a text about each mail.
    pub async fn start_on(address: &str, options: SmtpOptions, tell: Tell) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (acceptor, root) = certificate();
        let shared = Arc::new(Shared { options, acceptor, state: Mutex::default(), closed: watch::Sender::new(0), tell });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Self { address, root, shared, task }
    }

    /// The URL of the server, as `RALLY_SMTP_URL` takes it.
    pub fn url(&self) -> String {
        let options = &self.shared.options;
        let login = options.login.as_ref().map(|(user, password)| format!("{user}:{password}@")).unwrap_or_default();
        match options.tls {
            SmtpTls::None => format!("smtp://{}?tls=none", self.address),
            SmtpTls::Implicit => format!("smtps://{login}localhost:{}", self.address.port()),
            SmtpTls::StartTls => format!("smtp://{login}localhost:{}", self.address.port()),
        }
    }

    /// Makes the server do something in place of a step from now on.
    pub fn act(&self, step: SmtpStep, act: SmtpAct) {
        self.state().acts.insert(step, act);
    }

    /// Makes the server do every step as it should.
    pub fn behave(&self) {
        self.state().acts.clear();
    }

    /// Makes the server answer so to a recipient.
    pub fn answer_recipient(&self, address: &str, answer: &str) {
        self.state().recipients.insert(address.to_owned(), answer.to_owned());
    }

    /// Closes all connections.
    pub fn close_connections(&self) {
        self.shared.closed.send_modify(|times| *times += 1);
    }

    /// The mails that were taken.
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// All commands so far.
    pub fn commands(&self) -> Vec<String> {
        self.state().commands.clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// How many commands came together with the one before, which was not answered yet.
    pub fn unanswered(&self) -> usize {
        self.state().unanswered
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

impl Drop for FakeSmtp {
    fn drop(&mut self) {
        self.task.abort();
        self.close_connections();
    }
}

fn certificate() -> (TlsAcceptor, Vec<u8>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = names.signed_by(&key, &authority).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.der().to_vec())
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = shared.clone();
        let mut closed = shared.closed.subscribe();
        tokio::spawn(async move {
            shared.state.lock().unwrap().connections += 1;
            stream.set_nodelay(true).unwrap();
            tokio::select! {
                // An error is the end of the connection, which is the client's matter.
                _ = serve(stream, &shared) => (),
                _ = closed.changed() => (),
            }
        });
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    if shared.options.tls == SmtpTls::Implicit {
        let stream = shared.acceptor.accept(stream).await?;
        return Session::new(stream, shared, true).run(true).await.map(drop);
    }
    let Some(stream) = Session::new(stream, shared, false).run(true).await? else { return Ok(()) };
    let stream = shared.acceptor.accept(stream).await?;
    Session::new(stream, shared, true).run(false).await.map(drop)
}

/// An error that ends the connection.
fn end() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

struct Session<'a, S> {
    stream: BufReader<S>,
    shared: &'a Shared,
    tls: bool,
    greeted: bool,
    user: Option<String>,
    from: Option<(String, Vec<String>)>,
    to: Option<String>,
}

/// A connection that can be reset: closed without a goodbye.
trait Resets {
    fn reset(&self);
}

impl Resets for TcpStream {
    fn reset(&self) {
        self.set_zero_linger().unwrap();
    }
}

impl Resets for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().0.reset();
    }
}

impl<'a, S: AsyncRead + AsyncWrite + Resets + Unpin> Session<'a, S> {
    fn new(stream: S, shared: &'a Shared, tls: bool) -> Self {
        Self { stream: BufReader::new(stream), shared, tls, greeted: false, user: None, from: None, to: None }
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    /// Reads a line without its CRLF. A line that is too long, or has a CR or LF of its own, ends the connection.
    async fn line(&mut self, most: usize) -> io::Result<String> {
        let mut bytes = Vec::new();
        if self.stream.read_until(b'\n', &mut bytes).await? == 0 {
            return Err(end());
        }
        let length = bytes.len();
        let line = bytes.strip_suffix(b"\r\n").filter(|line| length <= most && !line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        let line = line.and_then(|line| std::str::from_utf8(line).ok().map(str::to_owned));
        if line.is_none() {
            self.say("500 5.5.2 line too long, or without CRLF, or with bytes that are no text").await?;
        }
        line.ok_or_else(end)
    }

    /// Does the requested action in place of a step. `false` if the step is to be done and nothing was said.
    async fn act(&mut self, step: SmtpStep) -> io::Result<Act> {
        let act = self.shared.state.lock().unwrap().acts.get(&step).cloned();
        match act {
            None => return Ok(Act::Do),
            Some(SmtpAct::Lose) => return Ok(Act::DoSilently),
            Some(SmtpAct::LoseAndClose) => return Ok(Act::DoAndClose),
            Some(SmtpAct::Append(text)) => return Ok(Act::DoAndAppend(text)),
            Some(SmtpAct::Late(delay)) => {
                tokio::time::sleep(delay).await;
                return Ok(Act::Do);
            }
            Some(SmtpAct::Say(line)) => {
                self.say(&line).await?;
                return Ok(Act::Done);
            }
            Some(SmtpAct::SayBytes(line)) => {
                self.stream.write_all(&[&line, &b"\r\n"[..]].concat()).await?;
                self.stream.flush().await?;
                return Ok(Act::Done);
            }
            Some(SmtpAct::Hang) => std::future::pending().await,
            Some(SmtpAct::Close) => {}
            Some(SmtpAct::Reset) => self.stream.get_ref().reset(),
            Some(SmtpAct::BreakOff) => self.stream.write_all(b"250-2.1").await?,
            Some(SmtpAct::Drip) => loop {
                self.stream.write_all(b"2").await?;
                self.stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            },
            Some(SmtpAct::Flood) => loop {
                self.stream.write_all(&[b'2'; 65_536]).await?;
            },
        }
        self.stream.flush().await?;
        Err(end())
    }

    /// Serves a connection until it must be protected (then the stream is returned) or has ended.
    async fn run(mut self, greets: bool) -> io::Result<Option<S>> {
        if greets {
            match self.act(SmtpStep::Greeting).await? {
                Act::Do => self.say("220 mail.example ESMTP").await?,
                Act::Done => {}
                silent => self.answer(silent, "220 mail.example ESMTP").await?,
            }
        }
        loop {
            let line = self.line(MAX_COMMAND).await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            let kept = if verb == "AUTH" { "AUTH".to_owned() } else { line.clone() };
            self.shared.state.lock().unwrap().commands.push(kept);
            let step = match verb.as_str() {
                "EHLO" => SmtpStep::Ehlo,
                "STARTTLS" => SmtpStep::StartTls,
                "AUTH" => SmtpStep::Auth,
                "MAIL" => SmtpStep::Mail,
                "RCPT" => SmtpStep::Rcpt,
                "DATA" => SmtpStep::Data,
                "RSET" => SmtpStep::Rset,
                "NOOP" => {
                    self.say("250 2.0.0 ok").await?;
                    continue;
                }
                "QUIT" => {
                    self.say("221 2.0.0 bye").await?;
                    return Ok(None);
                }
                _ => {
                    self.say("502 5.5.1 no such command").await?;
                    continue;
                }
            };
            if !self.stream.buffer().is_empty() && step != SmtpStep::StartTls {
                self.shared.state.lock().unwrap().unanswered += 1;
                if !self.shared.options.pipelining {
                    return Err(end());
                }
            }
            let act = self.act(step).await?;
            if matches!(act, Act::Done) {
                continue;
            }
            let answer = match step {
                SmtpStep::Ehlo => self.hello(rest),
                SmtpStep::StartTls if self.shared.options.tls != SmtpTls::StartTls || self.tls => "503 5.5.1 not offered".to_owned(),
                SmtpStep::StartTls => {
                    self.answer(act, "220 2.0.0 go ahead").await?;
                    // What was sent in the clear must not be taken for protected.
                    return if self.stream.buffer().is_empty() { Ok(Some(self.stream.into_inner())) } else { Err(end()) };
                }
                SmtpStep::Auth => self.auth(rest).await?,
                SmtpStep::Mail => self.mail(rest),
                SmtpStep::Rcpt => self.rcpt(rest),
                SmtpStep::Data if self.to.is_none() => "503 5.5.1 RCPT first".to_owned(),
                SmtpStep::Data => {
                    self.answer(act, "354 go on").await?;
                    self.message().await?;
                    continue;
                }
                SmtpStep::Rset | SmtpStep::Greeting | SmtpStep::Message => {
                    (self.from, self.to) = (None, None);
                    "250 2.0.0 ok".to_owned()
                }
            };
            self.answer(act, &answer).await?;
        }
    }

    /// Sends the answer to a step, or loses it.
    async fn answer(&mut self, act: Act, answer: &str) -> io::Result<()> {
        match act {
            Act::Do | Act::Done => self.say(answer).await,
            Act::DoSilently => std::future::pending().await,
            Act::DoAndClose => Err(end()),
            Act::DoAndAppend(text) => self.say(&format!("{answer}\r\n{}", text.trim_end())).await,
        }
    }

    fn hello(&mut self, name: &str) -> String {
        if name.is_empty() || name.contains(' ') || !name.is_ascii() {
            return "501 5.5.4 name yourself".to_owned();
        }
        let options = &self.shared.options;
        if options.one_ehlo && self.greeted {
            return "503 5.5.1 you already said that".to_owned();
        }
        // Some servers forget the login too.
        (self.greeted, self.user, self.from, self.to) = (true, None, None, None);
        let mut lines = vec!["mail.example greets you", "SIZE 10485760"];
        if options.eight_bit {
            lines.push("8BITMIME");
        }
        if options.utf8 {
            lines.push("SMTPUTF8");
        }
        let may_log_in = self.tls || options.tls == SmtpTls::None;
        if may_log_in && options.login.is_some() {
            lines.push(if options.only_login { "AUTH LOGIN" } else { "AUTH PLAIN LOGIN" });
        }
        if options.tls == SmtpTls::StartTls && !self.tls {
            lines.push("STARTTLS");
        }
        if options.pipelining {
            lines.push("PIPELINING");
        }
        lines.push("ENHANCEDSTATUSCODES");
        let last = lines.len() - 1;
        let lines = lines.iter().enumerate().map(|(n, line)| format!("250{}{line}", if n == last { ' ' } else { '-' }));
        lines.collect::<Vec<_>>().join("\r\n")
    }

    async fn auth(&mut self, rest: &str) -> io::Result<String> {
        let options = &self.shared.options;
        let Some((user, password)) = &options.login else { return Ok("503 5.5.1 not offered".to_owned()) };
        if !self.greeted || self.user.is_some() || (options.tls != SmtpTls::None && !self.tls) {
            return Ok("503 5.5.1 not now".to_owned());
        }
        let decode = |text: &str| STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let given = match rest.split_once(' ').unwrap_or((rest, "")) {
            ("PLAIN", initial) if !options.only_login => {
                let initial = if initial.is_empty() {
                    self.say("334 ").await?;
                    self.line(MAX_COMMAND).await?
                } else {
                    initial.to_owned()
                };
                let decoded = decode(&initial);
                let mut parts = decoded.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            ("LOGIN", "") => {
                self.say("334 VXNlcm5hbWU6").await?;
                let user = self.line(MAX_COMMAND).await?;
                self.say("334 UGFzc3dvcmQ6").await?;
                (decode(&user), decode(&self.line(MAX_COMMAND).await?))
            }
            _ => return Ok("504 5.5.4 no such mechanism".to_owned()),
        };
        if given != (user.clone(), password.clone()) {
            return Ok("535 5.7.8 who are you".to_owned());
        }
        self.user = Some(user.clone());
        Ok("235 2.7.0 welcome".to_owned())
    }

    fn mail(&mut self, rest: &str) -> String {
        let options = &self.shared.options;
        if !self.greeted {
            return "503 5.5.1 EHLO first".to_owned();
        }
        if options.tls == SmtpTls::StartTls && !self.tls {
            return "530 5.7.0 STARTTLS first".to_owned();
        }
        if options.login.is_some() && self.user.is_none() {
            return "530 5.7.0 AUTH first".to_owned();
        }
        if self.from.is_some() {
            return "503 5.5.1 one mail at a time".to_owned();
        }
        let Some((address, parameters)) = path(rest, "FROM:") else { return "501 5.5.4 MAIL FROM:<address>".to_owned() };
        for parameter in &parameters {
            let known = match parameter.to_ascii_uppercase().as_str() {
                "SMTPUTF8" => options.utf8,
                "BODY=8BITMIME" | "BODY=7BIT" => options.eight_bit,
                other => other.starts_with("SIZE="),
            };
            if !known {
                return format!("555 5.5.4 {parameter} was not offered");
            }
        }
        if !address.is_ascii() && !parameters.iter().any(|parameter| parameter == "SMTPUTF8") {
            return "553 5.6.7 not in ASCII".to_owned();
        }
        self.from = Some((address, parameters));
        "250 2.1.0 ok".to_owned()
    }

    fn rcpt(&mut self, rest: &str) -> String {
        let Some((_, parameters)) = &self.from else { return "503 5.5.1 MAIL first".to_owned() };
        if self.to.is_some() {
            return "452 4.5.3 one recipient at a time".to_owned();
        }
        let Some((address, of_rcpt)) = path(rest, "TO:") else { return "501 5.5.4 RCPT TO:<address>".to_owned() };
        if !of_rcpt.is_empty() {
            return "555 5.5.4 no parameters were offered".to_owned();
        }
        if !address.is_ascii() && !parameters.iter().any(|parameter| parameter == "SMTPUTF8") {
            return "553 5.6.7 not in ASCII".to_owned();
        }
        if let Some(answer) = self.shared.state.lock().unwrap().recipients.get(&address) {
            return answer.clone();
        }
        self.to = Some(address);
        "250 2.1.5 ok".to_owned()
    }

    async fn message(&mut self) -> io::Result<()> {
        let mut raw = String::new();
        loop {
            let line = self.line(MAX_TEXT).await?;
            if line == "." {
                break;
            }
            raw.push_str(line.strip_prefix('.').unwrap_or(&line));
            raw.push_str("\r\n");
        }
        let act = self.act(SmtpStep::Message).await?;
        let (from, to) = (self.from.take(), self.to.take());
        if matches!(act, Act::Done) {
            return Ok(());
        }
        let ((from, parameters), to) = from.zip(to).ok_or_else(end)?;
        match read(raw, from, to, parameters) {
            Err(refusal) => self.say(&refusal).await,
            Ok(received) => {
                let received = Received { user: self.user.clone(), tls: self.tls, ..received };
                let Received { from, to, subject, text, .. } = &received;
                (self.shared.tell)(&format!("mail from {from} to {to}: {subject}\n{text}"));
                self.shared.state.lock().unwrap().received.push(received);
                self.answer(act, "250 2.0.0 taken").await
            }
        }
    }
}

/// The rest of the work of a step.
enum Act {
    Do,
    Done,
    DoSilently,
    DoAndClose,
    DoAndAppend(String),
}

/// Reads `FROM:<address> parameters`.
fn path(text: &str, keyword: &str) -> Option<(String, Vec<String>)> {
    let start = text.get(..keyword.len()).filter(|start| start.eq_ignore_ascii_case(keyword))?;
    let (address, parameters) = text[start.len()..].strip_prefix('<')?.split_once('>')?;
    let is_address = address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && domain.is_ascii());
    let fits = is_address && !address.contains(|c: char| c.is_whitespace() || c.is_control());
    let has_space = parameters.is_empty() || parameters.starts_with(' ');
    (fits && has_space).then(|| (address.to_owned(), parameters.split_whitespace().map(str::to_owned).collect()))
}

/// Reads a message as a mail program does, and refuses an invalid one.
fn read(raw: String, from: String, to: String, parameters: Vec<String>) -> Result<Received, String> {
    let is_declared = |wanted: &str| parameters.iter().any(|parameter| parameter == wanted);
    if !raw.is_ascii() && !is_declared("SMTPUTF8") && !is_declared("BODY=8BITMIME") {
        return Err("554 5.6.1 not in ASCII".to_owned());
    }
    let (head, _) = raw.split_once("\r\n\r\n").ok_or("554 5.6.0 no end of the headers")?;
    if !head.is_ascii() && !is_declared("SMTPUTF8") {
        return Err("554 5.6.7 headers not in ASCII".to_owned());
    }
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut headers = Vec::new();
    for line in unfolded.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("554 5.6.0 a line that is no header")?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("554 5.6.0 a name that is none".to_owned());
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    for name in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version"] {
        if headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name)).count() != 1 {
            return Err(format!("554 5.6.0 not exactly one {name}"));
        }
    }
    let message = MessageParser::new().parse(&raw).ok_or("554 5.6.0 no message")?;
    let single = |addresses: Option<&Address<'_>>| match addresses {
        Some(Address::List(list)) if list.len() == 1 => list[0].address.as_deref().map(str::to_owned),
        _ => None,
    };
    if single(message.from()).as_ref() != Some(&from) || single(message.to()).as_ref() != Some(&to) {
        return Err("554 5.6.0 From and To are not those of the envelope".to_owned());
    }
    let subject = message.subject().unwrap_or_default().to_owned();
    let text = message.body_text(0).map(|text| text.into_owned()).unwrap_or_default();
    let has_html = message.html_bodies().any(|part| part.is_text_html());
    let html = if has_html { message.body_html(0).map(|html| html.into_owned()) } else { None };
    drop(message);
    Ok(Received { from, to, user: None, tls: false, parameters, raw, headers, subject, text, html })
}
