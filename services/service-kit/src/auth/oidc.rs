//! Tokens of an identity provider (OpenID Connect): signed claims, checked with the provider's published keys.
//!
//! The signature check itself is ring's. What is decided here: which algorithms count, that a key fits its algorithm,
//! and that the claims are for us, now. A key that is not known is asked for again, since providers rotate them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;
use tonic::Status;

use super::{Caller, Role, parse_role, unauthenticated};
use crate::{
    clock,
    status::{self, ErrorCode},
};

/// Time in which the provider must answer.
const FETCH_DEADLINE: Duration = Duration::from_secs(5);
/// The least time between two looks at the provider's keys, so that made-up key ids are no lever.
const FETCH_EVERY: Duration = Duration::from_secs(10);
/// How old known keys may become: one that the provider has withdrawn ends within it.
const KEYS_AGE: Duration = Duration::from_secs(15 * 60);
/// Largest answer of the provider, in bytes.
const MAX_ANSWER: usize = 512 * 1024;
/// How far the clocks may differ, in seconds.
const LEEWAY: i64 = 30;

/// The identity provider.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct OidcConfig {
    /// The issuer, as tokens name it: https://id.example/realm.
    #[arg(long, env = "DICETOWER_OIDC_ISSUER", value_name = "URL", global = true)]
    pub oidc_issuer: Option<String>,
    /// Whom tokens must be for.
    #[arg(long, env = "DICETOWER_OIDC_AUDIENCE", value_name = "NAME", global = true)]
    pub oidc_audience: Option<String>,
    /// Where the issuer's keys are; left out, its discovery document says so.
    #[arg(long, env = "DICETOWER_OIDC_JWKS", value_name = "URL", global = true)]
    pub oidc_jwks: Option<String>,
    /// The algorithms that count, of RS256, RS384, RS512, PS256, ES256, ES384 and EdDSA.
    #[arg(
        long,
        env = "DICETOWER_OIDC_ALGORITHMS",
        value_delimiter = ',',
        default_value = "RS256,ES256,EdDSA",
        value_name = "NAMES",
        global = true
    )]
    pub oidc_algorithms: Vec<String>,
    /// The claim that tells the role: player, gm or operator; without it a player.
    #[arg(
        long,
        env = "DICETOWER_OIDC_ROLE_CLAIM",
        default_value = "dicetower_role",
        value_name = "CLAIM",
        global = true
    )]
    pub oidc_role_claim: String,
}

/// How a token may be signed. Whatever is not here, `none` and shared secrets first of all, is refused.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

const ALGORITHMS: [(&str, Algorithm); 7] = [
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("PS256", Algorithm::Ps256),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("EdDSA", Algorithm::EdDsa),
];

fn algorithm(name: &str) -> Option<Algorithm> {
    ALGORITHMS.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
}

/// A key that the provider has published.
#[derive(Debug)]
enum Key {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

type Keys = Arc<HashMap<String, Key>>;

/// An identity provider whose tokens let callers in.
pub(super) struct Provider {
    issuer: String,
    audience: String,
    jwks: Option<String>,
    allowed: Vec<Algorithm>,
    role_claim: String,
    client: reqwest::Client,
    keys: RwLock<(Option<Instant>, Keys)>,
    /// When the provider was last asked; whoever holds it is asking.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    kty: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

impl Provider {
    pub fn new(config: &OidcConfig) -> anyhow::Result<Provider> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let issuer = given(&config.oidc_issuer).context("--oidc-issuer is missing")?;
        let audience =
            given(&config.oidc_audience).context("--oidc-audience is missing: tokens for others must not do")?;
        let jwks = given(&config.oidc_jwks);
        for url in [Some(&issuer), jwks.as_ref()].into_iter().flatten() {
            anyhow::ensure!(is_safe(url), "{url} must begin with https:// (on this machine http:// will do)");
        }
        let mut allowed = Vec::new();
        for name in &config.oidc_algorithms {
            allowed.push(algorithm(name.trim()).with_context(|| {
                let known: Vec<_> = ALGORITHMS.iter().map(|(name, _)| *name).collect();
                format!("{name:?} is not an algorithm that can be allowed; {} are", known.join(", "))
            })?);
        }
        anyhow::ensure!(!allowed.is_empty(), "--oidc-algorithms allows none");
        let mut client = reqwest::Client::builder()
            .timeout(FETCH_DEADLINE)
            // A provider that sends us elsewhere is not the one that was named.
            .redirect(reqwest::redirect::Policy::none());
        if issuer.starts_with("http://") {
            // On a host without certificates the client could not be made at all.
            client = client.tls_certs_only(std::iter::empty());
        }
        let client = client.build().context("make a client for the identity provider")?;
        let role_claim = config.oidc_role_claim.clone();
        let (keys, asked) = (RwLock::default(), tokio::sync::Mutex::default());
        Ok(Provider { issuer, audience, jwks, allowed, role_claim, client, keys, asked })
    }

    /// Lets in whoever shows a good token.
    pub async fn admit(&self, token: &str) -> Result<Caller, Status> {
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(refused("it is not a signed token of three parts"));
        };
        let signed = &token.as_bytes()[..header.len() + 1 + claims.len()];
        let header: Header = decode(header).ok_or_else(|| refused("its header cannot be read"))?;
        let algorithm = algorithm(&header.alg).filter(|algorithm| self.allowed.contains(algorithm));
        let algorithm = algorithm.ok_or_else(|| refused("its algorithm is not allowed"))?;
        if header.crit.is_some() {
            return Err(refused("it demands an extension that is not known"));
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| refused("its signature cannot be read"))?;

        let keys = self.keys_with(&header.kid).await?;
        let key = keys.get(&header.kid).ok_or_else(|| refused("the issuer has no such key"))?;
        if !key.verifies(algorithm, signed, &signature) {
            return Err(refused("its signature is wrong"));
        }
        let claims: Value = decode(claims).ok_or_else(|| refused("its claims cannot be read"))?;
        self.caller(&claims)
    }

    /// Who it is by signed claims, if they are for us and now.
    fn caller(&self, claims: &Value) -> Result<Caller, Status> {
        if claims["iss"].as_str() != Some(self.issuer.as_str()) {
            return Err(refused("it is of another issuer"));
        }
        let is_ours = match &claims["aud"] {
            Value::String(audience) => *audience == self.audience,
            Value::Array(audiences) => audiences.iter().any(|audience| audience.as_str() == Some(&self.audience)),
            _ => false,
        };
        if !is_ours {
            return Err(refused("it is for another audience"));
        }
        let now = clock::now_ms() / 1000;
        let time = |claim: &str| claims[claim].as_f64().map(|seconds| seconds as i64);
        let expires = time("exp").ok_or_else(|| refused("it does not say when it expires"))?;
        if expires.saturating_add(LEEWAY) <= now {
            return Err(unauthenticated("the token has expired"));
        }
        if time("nbf").is_some_and(|begins| now < begins.saturating_sub(LEEWAY)) {
            return Err(refused("it is not good yet"));
        }
        let name = claims["sub"].as_str().filter(|name| !name.is_empty() && name.len() <= 255);
        let name = name.ok_or_else(|| refused("it does not say whose it is"))?;
        let role = match &claims[&self.role_claim] {
            Value::String(role) => parse_role(role).ok(),
            Value::Array(roles) => {
                roles.iter().filter_map(|role| role.as_str().and_then(|role| parse_role(role).ok())).max()
            }
            _ => None,
        };
        Ok(Caller {
            name: name.to_owned(),
            role: role.unwrap_or(Role::Player),
            session_id: None,
            seat: None,
            characters: Vec::new(),
            address: None,
            expires_at: Some(expires.saturating_add(LEEWAY).saturating_mul(1000)),
            revoked: None,
        })
    }

    /// The provider's keys; asked for anew if this one is not among them or they are old.
    async fn keys_with(&self, kid: &str) -> Result<Keys, Status> {
        let known = |fresh: bool| {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            let is_young = keys.0.is_some_and(|read| read.elapsed() < KEYS_AGE);
            (!fresh || is_young && keys.1.contains_key(kid)).then(|| keys.1.clone())
        };
        if let Some(keys) = known(true) {
            return Ok(keys);
        }
        let mut asked = self.asked.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(keys) = known(true) {
            return Ok(keys);
        }
        if asked.is_none_or(|asked| FETCH_EVERY <= asked.elapsed()) {
            *asked = Some(Instant::now());
            match self.fetch_keys().await {
                Ok(keys) => {
                    let keys = Arc::new(keys);
                    *self.keys.write().unwrap_or_else(PoisonError::into_inner) = (Some(Instant::now()), keys.clone());
                    return Ok(keys);
                }
                Err(error) => tracing::error!(error = format!("{error:#}"), "the keys of the issuer cannot be read"),
            }
        }
        let keys = known(false).unwrap_or_default();
        match keys.is_empty() {
            true => Err(status::error(ErrorCode::ApiError, "the identity provider does not answer; try again")),
            false => Ok(keys),
        }
    }

    async fn fetch_keys(&self) -> anyhow::Result<HashMap<String, Key>> {
        let url = match &self.jwks {
            Some(url) => url.clone(),
            None => {
                let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
                let discovery: Discovery = self.fetch(&url).await?;
                anyhow::ensure!(discovery.issuer == self.issuer, "{url} names another issuer: {}", discovery.issuer);
                anyhow::ensure!(is_safe(&discovery.jwks_uri), "{} must be https", discovery.jwks_uri);
                discovery.jwks_uri
            }
        };
        let set: KeySet = self.fetch(&url).await?;
        let keys = set.keys.into_iter().filter(|key| key.r#use.as_deref().is_none_or(|purpose| purpose == "sig"));
        Ok(keys.filter_map(|key| Some((key.kid.clone(), key.read()?))).collect())
    }

    async fn fetch<T: serde::de::DeserializeOwned>(&self, url: &str) -> anyhow::Result<T> {
        let mut answer = self.client.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            anyhow::ensure!(body.len() + chunk.len() <= MAX_ANSWER, "{url} answers more than {MAX_ANSWER} bytes");
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).with_context(|| format!("read {url}"))
    }
}

impl PublishedKey {
    /// The key, if it is of a kind that is known.
    fn read(&self) -> Option<Key> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok().filter(|it| !it.is_empty());
        let point = |size: usize| {
            let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
            (x.len() == size && y.len() == size).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
        };
        match (self.kty.as_str(), self.crv.as_str()) {
            ("RSA", _) => Some(Key::Rsa { n: bytes(&self.n)?, e: bytes(&self.e)? }),
            ("EC", "P-256") => Some(Key::P256(point(32)?)),
            ("EC", "P-384") => Some(Key::P384(point(48)?)),
            ("OKP", "Ed25519") => Some(Key::Ed25519(bytes(&self.x)?)),
            _ => None,
        }
    }
}

impl Key {
    /// Whether a signature is right. A key of another kind than the algorithm's verifies nothing.
    fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let plain = |kind: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(kind, key).verify(signed, signature).is_ok()
        };
        match (self, algorithm) {
            (Key::Rsa { n, e }, _) => {
                let kind = match algorithm {
                    Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
                    Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return false,
                };
                RsaPublicKeyComponents { n, e }.verify(kind, signed, signature).is_ok()
            }
            (Key::P256(key), Algorithm::Es256) => plain(&ECDSA_P256_SHA256_FIXED, key),
            (Key::P384(key), Algorithm::Es384) => plain(&ECDSA_P384_SHA384_FIXED, key),
            (Key::Ed25519(key), Algorithm::EdDsa) => plain(&ED25519, key),
            _ => false,
        }
    }
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn refused(reason: &str) -> Status {
    unauthenticated(&format!("the token is refused: {reason}"))
}

/// Keys that anybody on the way could change would be none.
fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let is_here = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    uri.scheme_str() == Some("https") || uri.scheme_str() == Some("http") && is_here
}

#[cfg(test)]
mod tests;
