//! Mutual TLS between services: each side of a connection shows a certificate that the same authority has signed, and
//! looks at the other's.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Context as _;
use futures_util::Stream;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

/// Time in which both sides must have shown their certificates.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at once; whoever comes later waits for one to end.
const HANDSHAKES: usize = 256;
/// How long is waited after the operating system has refused a connection, for want of file handles as a rule.
const PAUSE: Duration = Duration::from_millis(100);

/// The certificates that services on several machines show each other.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct MutualConfig {
    /// PEM file of this service's certificate, its chain behind it. With it, its key and the authority services speak
    /// TLS with each other, and none is let in without a certificate. It is shown on both sides, and carries the names
    /// under which this service is reached.
    #[arg(
        long,
        env = "DICETOWER_SERVICE_CERT",
        value_name = "FILE",
        requires_all = ["service_key", "service_ca"],
        global = true
    )]
    pub service_cert: Option<PathBuf>,
    /// PEM file of the certificate's key.
    #[arg(long, env = "DICETOWER_SERVICE_KEY", value_name = "FILE", requires = "service_cert", global = true)]
    pub service_key: Option<PathBuf>,
    /// PEM file of the authority, or several, that has signed the certificates of all services.
    #[arg(long, env = "DICETOWER_SERVICE_CA", value_name = "FILE", requires = "service_cert", global = true)]
    pub service_ca: Option<PathBuf>,
    /// The name that the certificates of all services carry, where they are reached under others, such as addresses of
    /// pods. Left out, each carries the name under which it is reached.
    #[arg(
        long,
        env = "DICETOWER_SERVICE_NAME",
        value_name = "NAME",
        value_parser = server_name,
        requires = "service_cert",
        global = true
    )]
    pub service_name: Option<ServerName<'static>>,
}

fn server_name(text: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(text.to_owned()).map_err(|_| format!("{text:?} is no name such as dice.example"))
}

/// Both sides of mutual TLS, as one service takes part in it.
#[derive(Clone)]
pub struct Mutual {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    /// What all others are called.
    name: Option<ServerName<'static>>,
}

impl std::fmt::Debug for Mutual {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Mutual(…)")
    }
}

impl Mutual {
    /// Reads the files of a configuration, if it names any.
    ///
    /// # Errors
    ///
    /// One of three is missing or cannot be read, the key is another certificate's, or the certificate is one that no
    /// other service would accept: expired, or of another authority.
    pub fn read(config: &MutualConfig) -> anyhow::Result<Option<Mutual>> {
        let (cert, key, ca) = match (&config.service_cert, &config.service_key, &config.service_ca) {
            (None, None, None) => return Ok(None),
            (Some(cert), Some(key), Some(ca)) => (cert, key, ca),
            _ => anyhow::bail!("--service-cert, --service-key and --service-ca belong together"),
        };
        let chain = certificates(cert)?;
        let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("read the key {}", key.display()))?;
        let roots = Arc::new(authorities(ca)?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
            .build()
            .with_context(|| format!("use the authority {}", ca.display()))?;
        // Better told here than by every other service.
        let (own, intermediates) = chain.split_first().context("a certificate")?;
        verifier.verify_client_cert(own, intermediates, UnixTime::now()).with_context(|| {
            format!("no service would accept the certificate {} for {}", cert.display(), ca.display())
        })?;
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())
            .context("use the certificate with the key")?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut client = client.with_root_certificates(roots).with_client_auth_cert(chain, key)?;
        client.alpn_protocols = vec![b"h2".to_vec()];
        let name = config.service_name.clone();
        Ok(Some(Mutual { server: Arc::new(server), client: Arc::new(client), name }))
    }

    /// The connections of a listener whose other side has shown a good certificate, until `shutdown`. Whoever has not is
    /// told to the log.
    pub(crate) fn accept(
        &self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> impl Stream<Item = io::Result<Secured>> + use<> {
        let (sender, mut receiver) = mpsc::channel(HANDSHAKES);
        let acceptor = TlsAcceptor::from(self.server.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, acceptor, sender) => {}
                () = shutdown.cancelled() => {}
            }
        });
        futures_util::stream::poll_fn(move |context| receiver.poll_recv(context).map(|stream| stream.map(Ok)))
    }

    /// Connects to a service, which must show a good certificate for its name.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<client::TlsStream<TcpStream>> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = match &self.name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned()).map_err(io::Error::other)?,
        };
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let shaken = TlsConnector::from(self.client.clone()).connect(name, stream).await;
        shaken.inspect_err(|error| tracing::warn!(host, port, %error, "TLS with a service failed"))
    }
}

/// Certificates in a PEM file, of which there is at least one.
fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.with_context(|| format!("read the certificate {}", file.display()))?;
    anyhow::ensure!(!found.is_empty(), "there is no certificate in {}", file.display());
    Ok(found)
}

fn authorities(file: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).with_context(|| format!("use the authority {}", file.display()))?;
    }
    Ok(roots)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, sender: mpsc::Sender<Secured>) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let permit = handshakes.clone().acquire_owned().await;
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        tokio::spawn(async move {
            let shaken = async {
                stream.set_nodelay(true)?;
                acceptor.accept(stream).await
            };
            match tokio::time::timeout(HANDSHAKE, shaken).await {
                Ok(Ok(stream)) => {
                    let _ = sender.send(Secured(stream)).await;
                }
                // Whoever only looks whether the port is open says nothing.
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    tracing::debug!(%address, "a connection was closed before it began");
                }
                Ok(Err(error)) => {
                    tracing::warn!(%address, %error, "a connection without a good certificate was refused")
                }
                Err(_) => tracing::warn!(%address, "a connection that showed no certificate in time was refused"),
            }
            drop(permit);
        });
    }
}

/// A connection whose other side has shown a good certificate.
pub(crate) struct Secured(server::TlsStream<TcpStream>);

impl Connected for Secured {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
