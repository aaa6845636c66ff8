//! An imitation of a name server, on this machine, over UDP (RFC 1035). It knows some domains, and says of all others that they do not
//! exist.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// What a domain has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// A mail server.
    Mail,
    /// The statement that it takes no mail: `MX 0 .` (RFC 7505).
    NullMail,
    /// An address, and no mail server.
    Address,
    /// Neither.
    Empty,
    /// A name server that fails.
    Broken,
    /// A name server that never answers.
    Silent,
}

/// A name server.
pub struct FakeDns {
    address: SocketAddr,
    questions: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FakeDns {
    /// Starts one that knows these domains.
    pub async fn start(zones: &[(&str, Zone)]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("a bound socket");
        let zones: Vec<(Vec<u8>, Zone)> = zones.iter().map(|(domain, zone)| (encode(domain), *zone)).collect();
        let questions = Arc::new(AtomicUsize::new(0));
        let counter = questions.clone();
        let task = tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, asker)) = socket.recv_from(&mut question).await {
                counter.fetch_add(1, Ordering::SeqCst);
                if let Some(reply) = answer(&question[..length], &zones)
                    && socket.send_to(&reply, asker).await.is_err()
                {
                    break;
                }
            }
        });
        Self { address, questions, task }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many questions it got.
    pub fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

impl Drop for FakeDns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A name as labels, each after its length.
fn encode(domain: &str) -> Vec<u8> {
    let label = |label: &str| [&[label.len() as u8], label.as_bytes()].concat();
    let mut name: Vec<u8> = domain.split('.').flat_map(label).collect();
    name.push(0);
    name
}

const A: u8 = 1;
const MX: u8 = 15;

/// Returns the reply to a question, or none if the name server is silent.
fn answer(question: &[u8], zones: &[(Vec<u8>, Zone)]) -> Option<Vec<u8>> {
    let end = 12 + question.get(12..)?.iter().position(|byte| *byte == 0)? + 1;
    let name = question[12..end].to_ascii_lowercase();
    let kind = *question.get(end + 1)?;
    let zone = zones.iter().find(|(domain, _)| *domain == name).map(|(_, zone)| *zone);
    // Codes of RFC 1035, section 4.1.1: no error, server failure, no such name.
    let (code, data): (u8, Option<Vec<u8>>) = match zone {
        Some(Zone::Silent) => return None,
        Some(Zone::Broken) => (2, None),
        None => (3, None),
        Some(Zone::Mail) if kind == MX => (0, Some([&[0, 10][..], &encode("server.mail.example")].concat())),
        Some(Zone::NullMail) if kind == MX => (0, Some(vec![0, 0, 0])),
        Some(Zone::Address | Zone::NullMail) if kind == A => (0, Some(vec![192, 0, 2, 1])),
        Some(_) => (0, None),
    };
    let mut reply = question.get(..end + 4)?.to_vec();
    reply[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
    if let Some(data) = data {
        reply.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
        reply.extend(data);
    }
    Some(reply)
}
