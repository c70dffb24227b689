//! Services that show each other certificates, each in a process of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use support::{http, run, start_service};
use tempfile::tempdir;

/// Writes an authority's certificate, and that of all services with its key.
fn write_certificates(folder: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
    fs::write(folder.join("service.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("service.key"), key.serialize_pem()).unwrap();
}

const CERTIFICATES: [(&str, &str); 3] = [
    ("DICETOWER_SERVICE_CERT", "service.pem"),
    ("DICETOWER_SERVICE_KEY", "service.key"),
    ("DICETOWER_SERVICE_CA", "ca.pem"),
];

#[tokio::test]
async fn services_with_certificates_speak_to_each_other_and_to_nobody_else() {
    let folder = tempdir().unwrap();
    write_certificates(folder.path());
    let dice = ["dice", "--listen", "127.0.0.1:0", "--data", "data"];
    let (_dice, dice) = start_service(&folder, &dice, &CERTIFICATES).await;
    let dice = format!("http://{dice}");
    let gateway = ["gateway", "--http", "127.0.0.1:0", "--dice-url", &dice];
    let (_known, known) = start_service(&folder, &gateway, &CERTIFICATES).await;
    let (_stranger, stranger) = start_service(&folder, &gateway, &[]).await;
    let roll = async |gateway: &str| {
        let url = format!("http://{gateway}/api/tools/roll_dice");
        let answer = http().post(url).json(&json!({"pool": 3, "target_number": 4})).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };

    let (status, rolled) = roll(&known).await;
    assert_eq!((status, rolled["rolls"].as_array().map(Vec::len)), (200, Some(3)), "{rolled}");
    assert!(500 <= roll(&stranger).await.0);

    let flags = ["--service-cert", "service.pem", "--service-key", "service.key", "--service-ca", "ca.pem"];
    let healthy = run(folder.path(), &[&["health", &dice][..], &flags].concat()).await;
    assert_eq!(healthy.code, Some(0), "{}", healthy.stderr);
    assert_eq!(run(folder.path(), &["health", &dice]).await.code, Some(1));
}

#[tokio::test]
async fn one_of_three_files_alone_is_refused() {
    let folder = tempdir().unwrap();
    let ended = run(folder.path(), &["dice", "--service-cert", "service.pem"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--service-key") && ended.stderr.contains("--service-ca"), "{}", ended.stderr);
}
