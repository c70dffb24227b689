//! The key that signs the heads of chains.
//!
//! A file holds one secret a line, 32 bytes in hexadecimal: the last signs, those before it stay known as signers of
//! older heads. To rotate, a line is added and the service started again. Where there is no file, the database keeps the
//! secret, so that all replicas sign with one key, also after they are started again.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ring::{
    rand::SecureRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use service_kit::{
    clock,
    db::{DatabaseConfig, Db, Statement},
};

use crate::proof::{SEED_BYTES, from_hex, to_hex};

/// The name of the file in the data folder.
const FILE: &str = "dice-signing.keys";

const SHARED: &str = "SELECT secret FROM signing_secrets WHERE place = 0";
/// Of replicas that start at once the first gives the secret.
const SHARE: &str =
    "INSERT INTO signing_secrets (place, secret, since) VALUES (0, $1, $2) ON CONFLICT (place) DO NOTHING";

/// The signing key, and the public keys of those before it.
pub struct Keys {
    pair: Ed25519KeyPair,
    earlier: Vec<String>,
}

impl Keys {
    /// Reads the file given, or that in the data folder. Without either, the secret is in the database, or is made: in
    /// the data folder if there is one, else in the database.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written, the database fails, or either holds what is no key.
    pub async fn open(file: Option<&Path>, database: &DatabaseConfig, db: &Db) -> anyhow::Result<Keys> {
        let (path, may_create): (PathBuf, bool) = match (file, database) {
            (Some(file), _) => (file.to_owned(), false),
            (None, DatabaseConfig::Folder { path, .. }) => (path.join(FILE), true),
            (None, DatabaseConfig::Postgres(_)) => return Keys::shared(db).await,
        };
        if may_create && !path.exists() {
            // Data that has come from PostgreSQL has its key with it.
            if is_shared(db).await? {
                return Keys::shared(db).await;
            }
            create(&path, &fresh_secret()?).with_context(|| format!("write the signing key {}", path.display()))?;
        }
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("read the signing keys {}", path.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let secrets: Option<Vec<Vec<u8>>> = lines.map(from_hex).collect();
        let secrets = secrets.filter(|secrets| !secrets.is_empty());
        let secrets = secrets.with_context(|| {
            format!("{} must hold one key a line, {SEED_BYTES} bytes in hexadecimal", path.display())
        })?;
        Keys::of(&secrets).with_context(|| format!("read the signing keys {}", path.display()))
    }

    /// The key that the database keeps; it is made if there is none.
    async fn shared(db: &Db) -> anyhow::Result<Keys> {
        if !is_shared(db).await? {
            let secret = to_hex(&fresh_secret()?);
            db.write(vec![Statement::new(SHARE, vec![secret.into(), clock::now_ms().into()])])
                .await
                .context("keep the signing key")?;
        }
        let rows = db.fetch(SHARED, Vec::new()).await.context("read the signing key")?;
        let secret = rows.first().and_then(|row| from_hex(&row.text(0)));
        Keys::of(&[secret.context("the database holds what is no signing key")?])
    }

    fn of(secrets: &[Vec<u8>]) -> anyhow::Result<Keys> {
        let mut pairs = Vec::with_capacity(secrets.len());
        for secret in secrets {
            let pair = Ed25519KeyPair::from_seed_unchecked(secret)
                .map_err(|_| anyhow::anyhow!("a signing key has {SEED_BYTES} bytes, not {}", secret.len()))?;
            pairs.push(pair);
        }
        let pair = pairs.pop().context("there is no signing key")?;
        Ok(Keys { pair, earlier: pairs.iter().map(public_key).collect() })
    }

    /// Signs a text; hexadecimal.
    pub fn sign(&self, text: &str) -> String {
        to_hex(self.pair.sign(text.as_bytes()).as_ref())
    }

    /// Whether a signature of the text, hexadecimal, verifies with a public key.
    pub fn verifies(public_key: &str, text: &str, signature: &str) -> bool {
        let (Some(key), Some(signature)) = (from_hex(public_key), from_hex(signature)) else { return false };
        UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).is_ok()
    }

    /// The key that verifies what is signed now; hexadecimal.
    pub fn public_key(&self) -> String {
        public_key(&self.pair)
    }

    /// The keys that signed before.
    pub fn earlier(&self) -> &[String] {
        &self.earlier
    }
}

async fn is_shared(db: &Db) -> anyhow::Result<bool> {
    Ok(!db.fetch(SHARED, Vec::new()).await.context("read the signing key")?.is_empty())
}

fn public_key(pair: &Ed25519KeyPair) -> String {
    to_hex(pair.public_key().as_ref())
}

/// A secret from the operating system's entropy.
///
/// # Errors
///
/// The operating system gives none.
#[expect(clippy::disallowed_methods, reason = "this is the one source of chance")]
pub fn fresh_secret() -> anyhow::Result<Vec<u8>> {
    let mut secret = vec![0; SEED_BYTES];
    ring::rand::SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| anyhow::anyhow!("the operating system gives no entropy"))?;
    Ok(secret)
}

/// Writes the first key, which only its owner may read. If another process is faster, its key stays.
fn create(path: &Path, secret: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => writeln!(file, "{}", to_hex(secret)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
