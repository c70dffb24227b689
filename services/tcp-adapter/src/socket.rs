//! The socket of a connection, with TLS or without: both are read and written without waiting, by one task.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use anyhow::Context as _;
use rustls::{
    ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{Interest, Ready},
    net::TcpStream,
};

/// A socket, and its TLS session if it has one.
pub struct Socket {
    tcp: TcpStream,
    tls: Option<Box<ServerConnection>>,
}

/// Reads certificate chain and key from PEM files.
///
/// # Errors
///
/// A file cannot be read, or holds no certificate or no key, or one that does not fit the other.
pub fn tls_config(certificates: &std::path::Path, key: &std::path::Path) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("read the certificate {}", certificates.display()))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("read the key {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choose the versions of TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("use the certificate with the key")?;
    Ok(Arc::new(config))
}

impl Socket {
    /// A socket that has just been accepted.
    ///
    /// # Errors
    ///
    /// The TLS session cannot be begun.
    pub fn new(tcp: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Socket> {
        let tls = tls.map(|config| ServerConnection::new(config).map(Box::new)).transpose();
        Ok(Socket { tcp, tls: tls.map_err(invalid)? })
    }

    /// Whether the TLS session is not agreed upon yet: nothing may be told before.
    pub fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Whether TLS has bytes to write, handed over or of its own.
    pub fn wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Waits until the socket can be read or written.
    ///
    /// # Errors
    ///
    /// The socket is broken.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        self.tcp.ready(interest).await
    }

    /// What has come in; 0 is the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: nothing is there yet. Else the socket is broken, or what came is no TLS.
    pub fn try_read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.tcp.try_read(bytes) };
        loop {
            match tls.reader().read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A peer that goes without a farewell has gone; only whole lines count anyway.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if tls.read_tls(&mut Wire(&self.tcp))? == 0 {
                return Ok(0);
            }
            if let Err(error) = tls.process_new_packets() {
                // The alert that says why, as far as the peer takes it.
                let _ = tls.write_tls(&mut Wire(&self.tcp));
                return Err(invalid(error));
            }
        }
    }

    /// Writes what the socket takes, and tells how many bytes that were.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: the socket takes nothing now. Else it is broken.
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.tls.is_none() {
            return self.tcp.try_write(bytes);
        }
        self.flush()?;
        let Some(tls) = &mut self.tls else { return Ok(0) };
        let count = tls.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ if count == 0 && !bytes.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(count),
        }
    }

    /// Writes what TLS holds back.
    ///
    /// # Errors
    ///
    /// As [`Socket::try_write`].
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            tls.write_tls(&mut Wire(&self.tcp))?;
        }
        Ok(())
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The bytes on the wire, which TLS reads and writes.
struct Wire<'a>(&'a TcpStream);

impl Read for Wire<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(bytes)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
