//! Connections, with TLS as the URL asks for it, in the words of libpq (its documentation, section "SSL Support").
//!
//! - `sslmode` is `disable`, `prefer` (the default: TLS if the server has it), `require` (TLS with any server), `verify-ca` or
//!   `verify-full`. `allow` is read as `prefer`.
//! - `sslrootcert` names a file of certificates to trust instead of the system's. With it, `require` means `verify-ca`.
//! - `sslrootcert=system` means the system's certificates. It implies `verify-full` and allows no other mode.
//!
//! A Unix socket never has TLS.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use rally_domain::error::Fault;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a host may leave sent data unacknowledged, and after how much silence a keepalive is sent. The URL replaces them with
/// `tcp_user_timeout` and `keepalives`.
const SILENCE: Duration = Duration::from_secs(10);

/// How to connect to a database.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    /// Reads a URL.
    ///
    /// # Errors
    /// If it is not a valid URL, or its certificates cannot be read.
    pub(crate) fn new(url: &str) -> Result<Self, Fault> {
        let (plain, mode, roots) = split(url)?;
        let mut config: Config = plain.parse().map_err(|error: tokio_postgres::Error| {
            // The cause names a parameter, and no value.
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            Fault::unexpected(format!("the URL of the database cannot be read: {cause}"))
        })?;
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let says = |what: &str| url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name.starts_with(what));
        if !says("tcp_user_timeout") {
            config.tcp_user_timeout(SILENCE);
        }
        if !says("keepalives") {
            config.keepalives_idle(SILENCE).keepalives_interval(SILENCE).keepalives_retries(3);
        }
        let tls = if mode == Mode::Disable { None } else { Some(MakeRustlsConnect::new(client_config(mode, roots.as_deref())?)) };
        Ok(Self { config, tls })
    }

    /// Opens a connection for other statements than the store's.
    pub(crate) async fn client(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    /// Opens a connection. Its driver runs on the runtime that calls this.
    pub(crate) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        // An operator needs the causes, which the error's Display leaves out.
        let failed = |error: tokio_postgres::Error| ConnectionError::BadConnection(explain(&error));
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await.map_err(failed)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        }
    }
}

fn explain(error: &tokio_postgres::Error) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Splits a URL into the part that the driver knows, the mode, and the file of root certificates.
fn split(url: &str) -> Result<(String, Mode, Option<String>), Fault> {
    let Some((address, query)) = url.split_once('?') else { return Ok((url.to_owned(), Mode::Prefer, None)) };
    let (mut mode, mut roots) = (None, None);
    let mut rest = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "sslmode" => mode = Some(parse_mode(&value)?),
            "sslrootcert" => roots = Some(value.into_owned()),
            // libpq names it so.
            "keepalives_count" => {
                rest.append_pair("keepalives_retries", &value);
            }
            _ => {
                rest.append_pair(&name, &value);
            }
        }
    }
    let rest = rest.finish().replace('+', "%20");
    let plain = if rest.is_empty() { address.to_owned() } else { format!("{address}?{rest}") };
    let (mode, roots) = match (mode, roots) {
        (None | Some(Mode::VerifyFull), Some(roots)) if roots == "system" => (Mode::VerifyFull, None),
        (Some(_), Some(roots)) if roots == "system" => {
            return Err(Fault::unexpected(
                "sslrootcert=system needs sslmode=verify-full: anybody can have a certificate of the system's roots",
            ));
        }
        (Some(Mode::Require), Some(roots)) => (Mode::VerifyCa, Some(roots)),
        (mode, roots) => (mode.unwrap_or(Mode::Prefer), roots),
    };
    Ok((plain, mode, roots))
}

fn parse_mode(text: &str) -> Result<Mode, Fault> {
    match text {
        "disable" => Ok(Mode::Disable),
        "allow" | "prefer" => Ok(Mode::Prefer),
        "require" => Ok(Mode::Require),
        "verify-ca" => Ok(Mode::VerifyCa),
        "verify-full" => Ok(Mode::VerifyFull),
        _ => Err(Fault::unexpected("sslmode must be disable, prefer, require, verify-ca or verify-full")),
    }
}

fn client_config(mode: Mode, roots: Option<&str>) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match mode {
        Mode::Disable | Mode::Prefer | Mode::Require => Arc::new(Anybody(provider.clone())),
        Mode::VerifyCa => Arc::new(AnyName(trust(roots, &provider)?)),
        Mode::VerifyFull => trust(roots, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(Fault::unexpected)?;
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// A verifier that trusts the certificates of a file, or the system's.
fn trust(roots: Option<&str>, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Fault> {
    let Some(path) = roots else {
        return Ok(Arc::new(rustls_platform_verifier::Verifier::new(provider.clone()).map_err(Fault::unexpected)?));
    };
    let failed = |error: String| Fault::unexpected(format!("sslrootcert {path}: {error}"));
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(Path::new(path)).map_err(|error| failed(error.to_string()))? {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        store.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build();
    Ok(verifier.map_err(|error| failed(error.to_string()))?)
}

/// Accepts any certificate: the connection is encrypted, but the server is not authenticated.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Accepts the certificates that another verifier accepts, for any host name.
#[derive(Debug)]
struct AnyName(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_tls_is_taken_out_and_the_rest_stays() {
        for (url, plain, mode, roots) in [
            ("postgres://a:b@h/d", "postgres://a:b@h/d", Mode::Prefer, None),
            ("postgres://h/d?sslmode=disable", "postgres://h/d", Mode::Disable, None),
            ("postgres://h/d?sslmode=require&connect_timeout=3", "postgres://h/d?connect_timeout=3", Mode::Require, None),
            ("postgres://h/d?sslrootcert=%2Fetc%2Fca.pem&sslmode=require", "postgres://h/d", Mode::VerifyCa, Some("/etc/ca.pem")),
            ("postgres://h/d?sslmode=verify-full&sslrootcert=system", "postgres://h/d", Mode::VerifyFull, None),
            ("postgres://h/d?sslrootcert=system", "postgres://h/d", Mode::VerifyFull, None),
            ("postgres://h/d?options=-c%20a%3Db", "postgres://h/d?options=-c%20a%3Db", Mode::Prefer, None),
        ] {
            assert_eq!(split(url).unwrap(), (plain.to_owned(), mode, roots.map(str::to_owned)), "{url}");
        }
        for bad in [
            "sslmode=maybe",
            "sslrootcert=system&sslmode=require",
            "sslmode=verify-ca&sslrootcert=system",
            "sslmode=disable&sslrootcert=system",
        ] {
            assert!(split(&format!("postgres://h/d?{bad}")).is_err(), "{bad}");
        }
    }
}
