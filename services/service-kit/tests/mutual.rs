//! Mutual TLS between services: who shows no good certificate is not let in, and who is called must show one too.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use service_kit::{
    Server,
    auth::{Credentials, Mutual, MutualConfig, SharedSecret},
    client::{connect, connect_with},
    server::serve_with,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// An authority, and the folder in which the files of its certificates lie.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        // Two of the same name would be taken for each other, and only their signatures tell them apart.
        params.distinguished_name.push(DnType::CommonName, uuid::Uuid::new_v4().to_string());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A service's certificate for these names, good until `end`, and where its files are.
    fn certificate(&self, name: &str, names: &[&str], end: i32) -> MutualConfig {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(end, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |kind: &str| self.folder.path().join(format!("{name}.{kind}"));
        fs::write(file("pem"), certificate.pem()).unwrap();
        fs::write(file("key"), key.serialize_pem()).unwrap();
        MutualConfig {
            service_cert: Some(file("pem")),
            service_key: Some(file("key")),
            service_ca: Some(self.ca()),
            service_name: None,
        }
    }

    /// Credentials that every service of this authority accepts at 127.0.0.1.
    fn credentials(&self) -> Credentials {
        credentials(&self.certificate("service", &["127.0.0.1", "dice"], 3000))
    }
}

fn credentials(config: &MutualConfig) -> Credentials {
    Credentials { certificates: Mutual::read(config).unwrap(), secret: None }
}

/// A service that asks for these credentials.
async fn service(credentials: &Credentials) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let credentials = credentials.clone();
    tokio::spawn(async move {
        serve_with(Server::new("test").routes(), listener, &credentials, CancellationToken::new()).await
    });
    address
}

/// Asks a service whether it is well.
async fn ask(url: &str, credentials: &Credentials) -> Result<(), Status> {
    let mut client = HealthClient::new(connect_with(url, credentials).unwrap());
    let asked = timeout(PATIENCE, client.check(HealthCheckRequest::default())).await.expect("an answer comes");
    asked.map(drop)
}

/// What is written to the log of this thread from now on.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn begin() -> (Log, tracing::subscriber::DefaultGuard) {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// Waits until a line holds all of these.
    async fn expect(&self, parts: &[&str]) {
        let seen = async {
            loop {
                let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
                if text.lines().any(|line| parts.iter().all(|part| line.contains(part))) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let text = || String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        assert!(timeout(PATIENCE, seen).await.is_ok(), "{parts:?} in:\n{}", text());
    }
}

#[tokio::test]
async fn services_of_one_authority_speak_to_each_other_also_where_the_address_says_http() {
    let credentials = Authority::new().credentials();
    let address = service(&credentials).await;

    ask(&format!("https://{address}"), &credentials).await.unwrap();
    ask(&format!("http://{address}"), &credentials).await.unwrap();
}

#[tokio::test]
async fn who_shows_no_certificate_is_refused_and_the_log_says_so() {
    let authority = Authority::new();
    let address = service(&authority.credentials()).await;
    let (log, _guard) = Log::begin();

    let roots = rustls::RootCertStore::from_iter([webpki_anchor(&authority.ca())]);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
    // With TLS 1.3 the client's side is done before the server has looked at the certificate that is missing.
    let refused = async {
        let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: dice\r\n\r\n").await?;
        stream.read_u8().await
    };
    assert!(timeout(PATIENCE, refused).await.unwrap().is_err());

    log.expect(&["WARN", "a connection without a good certificate was refused", "peer sent no certificates"]).await;
}

fn webpki_anchor(ca: &Path) -> rustls::pki_types::TrustAnchor<'static> {
    use rustls::pki_types::pem::PemObject;
    let mut store = rustls::RootCertStore::empty();
    store.add(rustls::pki_types::CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    store.roots.remove(0)
}

#[tokio::test]
async fn who_speaks_no_tls_is_refused() {
    let address = service(&Authority::new().credentials()).await;
    let (log, _guard) = Log::begin();

    let mut client = HealthClient::new(connect(&format!("http://{address}")).unwrap());
    client.check(HealthCheckRequest::default()).await.unwrap_err();

    log.expect(&["WARN", "a connection without a good certificate was refused"]).await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_and_the_log_says_so() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let address = service(&ours.credentials()).await;
    let (log, _guard) = Log::begin();

    // Theirs, but trusting us, so that it is our side alone that refuses.
    let stranger = theirs.certificate("stranger", &["127.0.0.1"], 3000);
    fs::write(theirs.ca(), [fs::read(theirs.ca()).unwrap(), fs::read(ours.ca()).unwrap()].concat()).unwrap();
    ask(&format!("https://{address}"), &credentials(&stranger)).await.unwrap_err();

    log.expect(&["WARN", "a connection without a good certificate was refused", "UnknownIssuer"]).await;
}

#[tokio::test]
async fn a_service_that_another_authority_vouches_for_is_not_spoken_to() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let address = service(&theirs.credentials()).await;
    let (log, _guard) = Log::begin();

    let refusal = ask(&format!("https://{address}"), &ours.credentials()).await.unwrap_err();

    assert_eq!(refusal.code(), Code::Unavailable, "{refusal}");
    log.expect(&["WARN", "TLS with a service failed", "UnknownIssuer"]).await;
}

#[tokio::test]
async fn a_service_under_a_name_that_is_not_its_own_is_not_spoken_to() {
    let authority = Authority::new();
    let elsewhere = credentials(&authority.certificate("elsewhere", &["character"], 3000));
    let address = service(&elsewhere).await;
    let (log, _guard) = Log::begin();

    ask(&format!("https://{address}"), &authority.credentials()).await.unwrap_err();

    log.expect(&["WARN", "TLS with a service failed", "not valid for name"]).await;
}

#[tokio::test]
async fn services_that_share_one_name_are_spoken_to_wherever_they_are() {
    let authority = Authority::new();
    let config = authority.certificate("shared", &["dicetower"], 3000);
    let name = rustls::pki_types::ServerName::try_from("dicetower").unwrap();
    let shared = credentials(&MutualConfig { service_name: Some(name), ..config });
    let address = service(&shared).await;

    ask(&format!("https://{address}"), &shared).await.unwrap();
    ask(&format!("https://{address}"), &authority.credentials()).await.unwrap_err();
}

#[tokio::test]
async fn a_certificate_that_no_other_service_would_accept_is_told_at_the_start() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let read = |config: &MutualConfig| format!("{:#}", Mutual::read(config).unwrap_err());

    let expired = read(&ours.certificate("expired", &["dice"], 2001));
    assert!(expired.contains("expired.pem") && expired.contains("certificate expired"), "{expired}");

    let foreign = MutualConfig { service_ca: Some(ours.ca()), ..theirs.certificate("foreign", &["dice"], 3000) };
    assert!(read(&foreign).contains("UnknownIssuer"), "{}", read(&foreign));

    let (one, other) = (ours.certificate("one", &["dice"], 3000), ours.certificate("other", &["dice"], 3000));
    let mixed = MutualConfig { service_key: other.service_key, ..one.clone() };
    assert!(read(&mixed).contains("use the certificate with the key"), "{}", read(&mixed));

    let missing = MutualConfig { service_ca: None, ..one };
    assert!(read(&missing).contains("belong together"), "{}", read(&missing));
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_the_log_says_so() {
    let authority = Authority::new();
    let address = service(&authority.credentials()).await;
    let (log, _guard) = Log::begin();

    // It was good when its service began; no service begins with it now, so the client is one of our own making.
    let expired = authority.certificate("expired", &["dice"], 2001);
    let config = expired_client(&expired, webpki_anchor(&authority.ca()));
    let stream = TcpStream::connect(address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
    let refused = async {
        let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        stream.read_u8().await
    };
    assert!(timeout(PATIENCE, refused).await.unwrap().is_err());

    log.expect(&["WARN", "a connection without a good certificate was refused", "certificate expired"]).await;
}

fn expired_client(files: &MutualConfig, anchor: rustls::pki_types::TrustAnchor<'static>) -> rustls::ClientConfig {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let certificate = CertificateDer::from_pem_file(files.service_cert.as_ref().unwrap()).unwrap();
    let key = PrivateKeyDer::from_pem_file(files.service_key.as_ref().unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let roots = rustls::RootCertStore::from_iter([anchor]);
    config.with_root_certificates(roots).with_client_auth_cert(vec![certificate], key).unwrap()
}

#[tokio::test]
async fn a_secret_is_asked_for_beside_the_certificate() {
    let certificates = Authority::new().credentials().certificates;
    let secret: SharedSecret = "0123456789abcdef".parse().unwrap();
    let both = Credentials { secret: Some(secret), certificates: certificates.clone() };
    let address = service(&both).await;
    let reflect = |credentials: &Credentials| {
        let transport = connect_with(&format!("https://{address}"), credentials).unwrap();
        let mut client = tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(transport);
        async move { client.server_reflection_info(futures_util::stream::empty()).await.map(drop) }
    };

    let refusal = reflect(&Credentials { secret: None, certificates }).await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unauthenticated);
    reflect(&both).await.unwrap();
}

#[test]
fn https_without_certificates_is_refused_with_what_is_missing() {
    let error = connect("https://dice:50051").err().unwrap();
    assert!(error.to_string().contains("--service-cert"), "{error}");
}
