//! What the roll log holds of a person, and how it goes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proto::dice::v1::{
    GetCommitmentRequest, GetRollRequest, ListRollsRequest, RevealSeedRequest, RollDiceRequest, VerifyRollRequest,
    dice_service_client::DiceServiceClient,
};
use service_kit::{Peers, Transport, testing::TestDatabase};
use tokio_util::sync::CancellationToken;
use tonic::Request;

type Client = DiceServiceClient<Transport>;

async fn start(database: &TestDatabase) -> Client {
    let routes =
        dice::start(dice::Config::default(), &database.config, Peers::none(), CancellationToken::new()).await.unwrap();
    DiceServiceClient::new(service_kit::client::in_process(routes))
}

async fn roll(dice: &mut Client, player: &str, reason: &str) -> String {
    let roll =
        RollDiceRequest { pool: Some(6), target_number: Some(4), reason: Some(reason.into()), ..Default::default() };
    let mut request = Request::new(roll);
    request.metadata_mut().insert("session-id", "s".parse().unwrap());
    request.metadata_mut().insert("player", player.parse().unwrap());
    dice.roll_dice(request).await.unwrap().into_inner().roll_id
}

#[tokio::test]
async fn a_person_who_is_erased_is_in_no_roll_and_the_chain_holds() {
    for database in TestDatabase::each().await {
        let mut dice = start(&database).await;
        let words = "I, Quentin, look around the warehouse";
        let his = roll(&mut dice, "Quentin", words).await;
        let about_him = roll(&mut dice, "Ann", "I heal Quentin").await;
        let hers = roll(&mut dice, "Ann", "I look around").await;
        let kept = dice::export_person(&database.config, "Quentin").await.unwrap();
        let kept: Vec<_> = kept.as_array().unwrap().iter().map(|roll| roll["id"].as_str().unwrap()).collect();
        assert_eq!(kept, [his.as_str(), about_him.as_str()]);

        let erased = dice::erase_person(&database.config, "Quentin").await.unwrap();

        assert_eq!(erased, 2);
        assert_eq!(dice::export_person(&database.config, "Quentin").await.unwrap(), serde_json::json!([]));
        let reveal = RevealSeedRequest { session: Some("s".into()), reason: None };
        dice.reveal_seed(reveal).await.unwrap();
        for (id, hash) in [(&his, "pending"), (&about_him, "pending"), (&hers, "passed")] {
            let found = dice.get_roll(GetRollRequest { roll_id: id.clone() }).await.unwrap().into_inner();
            let told = format!("{found:?}");
            assert!(!told.contains("Quentin") && !told.contains(&proto_hex("Quentin")), "{told}");
            let proof =
                dice.verify_roll(VerifyRollRequest { roll_id: id.clone(), around: None }).await.unwrap().into_inner();
            assert!(proof.verified && proof.faces_verified, "{proof:?}");
            let check = proof.checks.iter().find(|check| check.name == "hash").unwrap();
            assert_eq!(check.outcome, hash, "{check:?}");
        }
        for told in told_to_a_stranger(&mut dice).await {
            assert!(told.starts_with("ok: 4 entries") && told.contains("of 2 erased entries"), "{told}");
        }
    }
}

/// What a stranger's verifiers say of a session's first chain.
async fn told_to_a_stranger(dice: &mut Client) -> Vec<String> {
    let request = GetCommitmentRequest { session: Some("s".into()), rotation: Some(0) };
    let chain = dice.get_commitment(request).await.unwrap().into_inner();
    let request = ListRollsRequest { session: Some("s".into()), rotation: Some(0), ..Default::default() };
    let rolls = dice.list_rolls(request).await.unwrap().into_inner();
    let mut rolls = proto::frame::to_json("dicetower.dice.v1.ListRollsResponse", &rolls)["rolls"].clone();
    for roll in rolls.as_array_mut().unwrap() {
        roll.as_object_mut().unwrap().remove("result");
    }
    let chain = proto::frame::to_json("dicetower.dice.v1.GetCommitmentResponse", &chain);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), serde_json::json!({"chain": chain, "rolls": rolls}).to_string()).unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/verify");
    let verifiers = [("python3", "-B", "verify.py"), ("node", "--no-warnings", "verify.js")];
    let told = verifiers.map(|(program, option, script)| {
        let mut command = std::process::Command::new(program);
        let output = command.arg(option).arg(folder.join(script)).arg(file.path()).output().unwrap();
        (String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)).into_owned()
    });
    told.into()
}

fn proto_hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn all_replicas_on_one_database_sign_with_one_key() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let (one, other) = tokio::join!(start(&database), start(&database));
    let again = start(&database).await;

    let mut keys = std::collections::BTreeSet::new();
    for mut dice in [one, other, again] {
        let request = GetCommitmentRequest { session: Some("s".into()), rotation: None };
        let chain = dice.get_commitment(request).await.unwrap().into_inner();
        assert_eq!(chain.earlier_keys, Vec::<String>::new());
        keys.insert(chain.public_key);
    }

    assert_eq!(keys.len(), 1, "{keys:?}");
}
