//! A mail server that costs almost nothing: it accepts every mail (RFC 5321) and keeps none.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Takes mail at an address until the process ends.
///
/// # Errors
/// If the address cannot be listened on.
pub(crate) async fn take(bind: &str) -> io::Result<()> {
    let listener = TcpListener::bind(bind).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A client that breaks off ends only its own conversation.
        tokio::spawn(async move { drop(talk(stream).await) });
    }
}

async fn talk(stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 localhost ESMTP\r\n").await?;
    let (mut line, mut answers, mut in_mail) = (Vec::new(), Vec::new(), false);
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match line.get(..4).map(<[u8]>::to_ascii_uppercase).as_deref() {
            _ if in_mail && line != b".\r\n" => continue,
            _ if in_mail => {
                in_mail = false;
                b"250 2.0.0 Ok\r\n"
            }
            Some(b"EHLO") => b"250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n",
            Some(b"DATA") => {
                in_mail = true;
                b"354 Go on\r\n"
            }
            Some(b"QUIT") => b"221 2.0.0 Bye\r\n",
            _ => b"250 2.0.0 Ok\r\n",
        };
        answers.extend_from_slice(answer);
        // Commands that came together are answered together (RFC 2920, section 3.2).
        if stream.buffer().is_empty() {
            stream.write_all(&answers).await?;
            answers.clear();
        }
    }
}
