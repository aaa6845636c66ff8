//! A port for a program that a test starts.

use tokio::net::TcpSocket;

/// A port of 127.0.0.1 for a program that cannot choose one itself.
///
/// The system gives it to nobody else while this lives, also while no program listens on it. Connections are refused until one does. The
/// program must set `SO_REUSEADDR`, as servers do.
pub struct Port {
    number: u16,
    _held: TcpSocket,
}

impl Port {
    /// Takes a free port.
    ///
    /// # Panics
    /// If there is none.
    pub fn take() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        held.set_reuseaddr(true).expect("an option of sockets");
        held.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        Self { number: held.local_addr().expect("an address").port(), _held: held }
    }

    /// Returns its number.
    pub const fn number(&self) -> u16 {
        self.number
    }
}
