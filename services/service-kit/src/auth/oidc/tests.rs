//! A provider on a free port of this machine, and tokens that it has signed or that somebody would like it to have.

use std::sync::Mutex;

use axum::{Json, Router, extract::State, routing::get};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::json;

use super::*;

/// A provider that publishes what a test puts there.
struct Issuer {
    url: String,
    published: Arc<Mutex<Value>>,
}

async fn issuer() -> Issuer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let published = Arc::new(Mutex::new(json!({"keys": []})));
    let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(move || async move { Json(discovery) }))
        .route("/keys", get(|State(keys): State<Arc<Mutex<Value>>>| async move { Json(keys.lock().unwrap().clone()) }))
        .with_state(published.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Issuer { url, published }
}

impl Issuer {
    fn provider(&self) -> Provider {
        Provider::new(&OidcConfig {
            oidc_issuer: Some(self.url.clone()),
            oidc_audience: Some("dicetower".into()),
            oidc_jwks: None,
            oidc_algorithms: vec!["RS256".into(), "ES256".into(), "EdDSA".into()],
            oidc_role_claim: "dicetower_role".into(),
        })
        .unwrap()
    }

    fn publish(&self, key: &Ed25519KeyPair, kid: &str) {
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        *self.published.lock().unwrap() = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x}]});
    }

    fn claims(&self) -> Value {
        let exp = clock::now_ms() / 1000 + 600;
        json!({"iss": self.url, "aud": ["dicetower", "other"], "exp": exp, "sub": "anna", "dicetower_role": "gm"})
    }
}

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn signed(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let text = unsigned(header, claims);
    let signature = URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).as_ref());
    format!("{text}.{signature}")
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[expect(clippy::disallowed_methods, reason = "a key pair is no die")]
fn entropy() -> impl ring::rand::SecureRandom {
    ring::rand::SystemRandom::new()
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": "one"})
}

async fn refusal(provider: &Provider, token: &str) -> String {
    provider.admit(token).await.unwrap_err().message().to_owned()
}

#[tokio::test]
async fn a_signed_token_says_who_it_is_and_in_which_role() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");

    let caller = issuer.provider().admit(&signed(&key(1), &header(), &issuer.claims())).await.unwrap();

    assert_eq!((caller.name.as_str(), caller.role), ("anna", Role::Gm));
    assert!(caller.check().is_ok());
}

#[tokio::test]
async fn a_token_without_a_role_is_a_players() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");
    let mut claims = issuer.claims();
    for role in [json!(null), json!("emperor"), json!(7), json!(["emperor"])] {
        claims["dicetower_role"] = role;
        let caller = issuer.provider().admit(&signed(&key(1), &header(), &claims)).await.unwrap();
        assert_eq!(caller.role, Role::Player);
    }
}

#[tokio::test]
async fn the_algorithm_none_is_refused() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");
    let provider = issuer.provider();
    for alg in ["none", "None", "NONE", "", "HS256", "RS1", "ES512"] {
        let token = format!("{}.", unsigned(&json!({"alg": alg, "kid": "one"}), &issuer.claims()));
        assert!(refusal(&provider, &token).await.contains("algorithm is not allowed"), "{alg}");
    }
}

#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");
    let text = unsigned(&json!({"alg": "HS256", "kid": "one"}), &issuer.claims());
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key(1).public_key().as_ref());
    let forged = format!("{text}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&secret, text.as_bytes()).as_ref()));

    assert!(refusal(&issuer.provider(), &forged).await.contains("algorithm is not allowed"));
}

#[tokio::test]
async fn a_token_signed_with_another_key_is_refused() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");

    let token = signed(&key(2), &header(), &issuer.claims());

    assert!(refusal(&issuer.provider(), &token).await.contains("signature is wrong"));
}

#[tokio::test]
async fn a_key_of_another_kind_than_the_algorithm_verifies_nothing() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");
    let random = entropy();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let other = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
    let text = unsigned(&json!({"alg": "ES256", "kid": "one"}), &issuer.claims());
    let signature = other.sign(&random, text.as_bytes()).unwrap();
    let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));

    assert!(refusal(&issuer.provider(), &token).await.contains("signature is wrong"));

    let point = other.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    *issuer.published.lock().unwrap() =
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "one", "x": x, "y": y, "use": "sig"}]});
    assert_eq!(issuer.provider().admit(&token).await.unwrap().name, "anna");
}

#[tokio::test]
async fn claims_that_were_changed_after_signing_are_refused() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");
    let good = signed(&key(1), &header(), &issuer.claims());
    let mut claims = issuer.claims();
    claims["dicetower_role"] = json!("operator");
    let signature = good.rsplit_once('.').unwrap().1;
    let forged = format!("{}.{signature}", unsigned(&header(), &claims));

    assert!(refusal(&issuer.provider(), &forged).await.contains("signature is wrong"));
}

#[tokio::test]
async fn a_token_for_somebody_else_or_another_time_is_refused() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");
    let provider = issuer.provider();
    let now = clock::now_ms() / 1000;
    for (claim, value, expected) in [
        ("iss", json!("https://elsewhere.example"), "another issuer"),
        ("iss", json!(null), "another issuer"),
        ("aud", json!("other"), "another audience"),
        ("aud", json!(["other"]), "another audience"),
        ("aud", json!(null), "another audience"),
        ("exp", json!(now - 60), "has expired"),
        ("exp", json!(null), "when it expires"),
        ("exp", json!("never"), "when it expires"),
        ("nbf", json!(now + 600), "not good yet"),
        ("sub", json!(""), "whose it is"),
        ("sub", json!(7), "whose it is"),
    ] {
        let mut claims = issuer.claims();
        claims[claim] = value;
        let refusal = refusal(&provider, &signed(&key(1), &header(), &claims)).await;
        assert!(refusal.contains(expected), "{claim}: {refusal}");
    }
}

#[tokio::test]
async fn whatever_is_no_token_is_refused() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");
    let provider = issuer.provider();
    let good = signed(&key(1), &header(), &issuer.claims());
    let torn = format!("{good}x");
    let critical = signed(&key(1), &json!({"alg": "EdDSA", "kid": "one", "crit": ["b64"]}), &issuer.claims());
    for token in ["", ".", "..", "...", "a.b.c", "e30.e30.e30", &torn, &format!("{good}.{good}"), &critical] {
        let status = provider.admit(token).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unauthenticated, "{token}");
    }
}

#[tokio::test]
async fn a_rotated_key_is_found_and_a_made_up_one_is_no_lever() {
    let issuer = issuer().await;
    issuer.publish(&key(1), "one");
    let provider = issuer.provider();
    provider.admit(&signed(&key(1), &header(), &issuer.claims())).await.unwrap();
    issuer.publish(&key(2), "two");
    let rotated = signed(&key(2), &json!({"alg": "EdDSA", "kid": "two"}), &issuer.claims());

    // Within the least time between two looks the provider is left in peace.
    assert!(refusal(&provider, &rotated).await.contains("no such key"));

    *provider.asked.lock().await = None;
    assert_eq!(provider.admit(&rotated).await.unwrap().name, "anna");
    assert!(refusal(&provider, &signed(&key(1), &header(), &issuer.claims())).await.contains("no such key"));
}

#[test]
fn a_provider_is_described_whole_or_not_at_all() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = |issuer: &str, audience: Option<&str>, algorithms: &[&str]| OidcConfig {
        oidc_issuer: Some(issuer.into()),
        oidc_audience: audience.map(Into::into),
        oidc_algorithms: algorithms.iter().map(|name| (*name).into()).collect(),
        ..OidcConfig::default()
    };
    for config in [
        config("http://id.example", Some("us"), &["RS256"]),
        config("http://127.0.0.1:1", None, &["RS256"]),
        config("http://127.0.0.1:1", Some("us"), &["none"]),
        config("http://127.0.0.1:1", Some("us"), &["HS256"]),
        config("http://127.0.0.1:1", Some("us"), &[]),
        config("", Some("us"), &["RS256"]),
    ] {
        assert!(Provider::new(&config).is_err(), "{config:?}");
    }
}
