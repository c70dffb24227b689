//! Rolls that can be proved: the chain as a stranger verifies it, its fences, and what the log tells.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use dice::proof::{self, Entry};
use proto::dice::v1::{
    AddClientSeedRequest, AvoidDisasterRequest, BuyDiceRequest, BuySuccessesRequest, Combatant, GetCommitmentRequest,
    GetLuckRequest, GetOddsRequest, GetRollRequest, ListRollsRequest, Pool, RerollFailuresRequest, RevealSeedRequest,
    RollDiceRequest, RollManyRequest, RollOpposedRequest, RollTwiceRequest, RollWithPoolsRequest,
    RollWithTargetNumberRequest, StreamRollsRequest, TrackInitiativeRequest, VerifyRollRequest,
    dice_service_client::DiceServiceClient,
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use service_kit::{
    Peers, Transport,
    db::{Db, Statement},
    testing::TestDatabase,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

type Client = DiceServiceClient<Transport>;

async fn start(database: &TestDatabase) -> Client {
    start_as(database, false).await
}

async fn start_as(database: &TestDatabase, plain: bool) -> Client {
    let config = dice::Config { seed: Some(1), plain, ..dice::Config::default() };
    let routes = dice::start(config, &database.config, Peers::none(), CancellationToken::new()).await.unwrap();
    DiceServiceClient::new(service_kit::client::in_process(routes))
}

fn in_session<T>(message: T, session: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("session-id", session.parse().unwrap());
    request.metadata_mut().insert("player", "Ann".parse().unwrap());
    request
}

fn notation(text: &str) -> RollDiceRequest {
    RollDiceRequest { notation: Some(text.into()), ..Default::default() }
}

async fn roll(dice: &mut Client, text: &str, session: &str) -> proto::dice::v1::RollDiceResponse {
    dice.roll_dice(in_session(notation(text), session)).await.unwrap().into_inner()
}

/// The chain of a session as the verifiers read it.
async fn file(dice: &mut Client, session: &str, rotation: u64) -> Value {
    let request = GetCommitmentRequest { session: Some(session.into()), rotation: Some(rotation) };
    let chain = dice.get_commitment(request).await.unwrap().into_inner();
    let request = ListRollsRequest {
        session: Some(session.into()),
        rotation: Some(rotation),
        limit: Some(500),
        ..Default::default()
    };
    let rolls = dice.list_rolls(request).await.unwrap().into_inner();
    let rolls = proto::frame::to_json("dicetower.dice.v1.ListRollsResponse", &rolls);
    json!({
        "chain": proto::frame::to_json("dicetower.dice.v1.GetCommitmentResponse", &chain),
        "rolls": rolls["rolls"],
    })
}

/// What both verifiers say: whether they accept the file, and in which words.
fn verifiers(file: &Value) -> Vec<(bool, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/verify");
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), file.to_string()).unwrap();
    [("python3", "-B", "verify.py"), ("node", "--no-warnings", "verify.js")]
        .iter()
        .map(|(program, option, script)| {
            let output =
                Command::new(program).arg(option).args([folder.join(script), path.path().to_owned()]).output().unwrap();
            let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            (output.status.success(), told.trim().to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_stranger_verifies_every_face_once_the_seed_is_revealed() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;
    let committed = dice
        .get_commitment(GetCommitmentRequest { session: Some("s".into()), rotation: None })
        .await
        .unwrap()
        .into_inner();
    roll(&mut dice, "8d6!+1d20", "s").await;
    let seed = AddClientSeedRequest { session: Some("s".into()), seed: "luck-7".into(), player: Some("Ann".into()) };
    dice.add_client_seed(seed).await.unwrap();
    let last = roll(&mut dice, "100d7", "s").await;

    let secret = file(&mut dice, "s", 0).await;
    for (accepted, told) in verifiers(&secret) {
        assert!(accepted && told.contains("the seed is secret"), "{told}");
    }
    let request = RevealSeedRequest { session: Some("s".into()), reason: None };
    let revealed = dice.reveal_seed(request).await.unwrap().into_inner();
    assert_eq!((revealed.commitment, revealed.length), (committed.commitment, 4));

    let open = file(&mut dice, "s", 0).await;
    for (accepted, told) in verifiers(&open) {
        assert!(accepted && told.contains("4 entries") && told.contains("every face follows"), "{told}");
    }
    let verified =
        dice.verify_roll(VerifyRollRequest { roll_id: last.roll_id, around: None }).await.unwrap().into_inner();
    assert!(verified.verified && verified.faces_verified, "{verified:?}");
    let next = roll(&mut dice, "1d6", "s").await;
    let next = dice.get_roll(GetRollRequest { roll_id: next.roll_id }).await.unwrap().into_inner().roll.unwrap();
    assert_eq!((next.rotation, next.nonce, next.client_seeds.as_str()), (1, 0, ""));
}

#[tokio::test]
async fn a_dropped_changed_or_rerolled_die_shows() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;
    for _ in 0..4 {
        roll(&mut dice, "3d6", "s").await;
    }
    dice.reveal_seed(RevealSeedRequest { session: Some("s".into()), reason: None }).await.unwrap();
    let honest = file(&mut dice, "s", 0).await;

    let tampered = |change: &dyn Fn(&mut Value)| {
        let mut file = honest.clone();
        change(&mut file);
        file
    };
    let files = [
        (tampered(&|file| file["rolls"][1]["faces"][0] = json!(6)), "changed"),
        (tampered(&|file| drop(file["rolls"].as_array_mut().unwrap().remove(2))), "missing"),
        (tampered(&|file| drop(file["rolls"].as_array_mut().unwrap().pop())), "head"),
        (tampered(&|file| file["chain"]["length"] = json!(6)), "head"),
        (tampered(&|file| file["chain"]["server_seed"] = json!("00".repeat(32))), "committed"),
        (tampered(&|file| file["chain"]["signature"] = json!("00".repeat(64))), "signed"),
    ];
    for (file, reason) in files {
        for (accepted, told) in verifiers(&file) {
            assert!(!accepted && told.contains(reason), "{reason}: {told}");
        }
    }
}

/// The entries of a file as a server tells them that chose what they say: each follows on the one before, shows the faces
/// that the seed gives, and the head is signed.
fn forged(honest: &Value, change: &dyn Fn(&mut Vec<Value>)) -> Value {
    let mut file = honest.clone();
    let seed = proof::from_hex(honest["chain"]["server_seed"].as_str().unwrap()).unwrap();
    let rolls = file["rolls"].as_array_mut().unwrap();
    change(rolls);
    let mut head = honest["chain"]["genesis"].as_str().unwrap().to_owned();
    for (nonce, roll) in rolls.iter_mut().enumerate() {
        let text = |name: &str| roll[name].as_str().unwrap().to_owned();
        let mut entry = Entry {
            id: text("roll_id"),
            at: roll["at_ms"].as_i64().unwrap(),
            kind: text("kind"),
            cause: text("cause"),
            chain: text("session"),
            rotation: roll["rotation"].as_u64().unwrap(),
            nonce: nonce as u64,
            player: text("player"),
            client_seeds: text("client_seeds"),
            sides: roll["sides"].to_string(),
            request: text("request"),
            answer: text("answer"),
            previous_hash: head,
            ..Entry::default()
        };
        let faces = proof::faces_of(&entry, &seed);
        entry.faces = proof::list(&faces);
        head = entry.hash();
        roll["nonce"] = json!(nonce);
        roll["faces"] = json!(faces);
        roll["previous_hash"] = json!(entry.previous_hash);
        roll["hash"] = json!(head);
    }
    let length = rolls.len() as u64;
    let key = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let chain = &mut file["chain"];
    let text = proof::head_text("s", 0, length, &head, chain["commitment"].as_str().unwrap());
    chain["length"] = json!(length);
    chain["head"] = json!(head);
    chain["public_key"] = json!(proof::to_hex(key.public_key().as_ref()));
    chain["signature"] = json!(proof::to_hex(key.sign(text.as_bytes()).as_ref()));
    file
}

#[tokio::test]
async fn seeds_of_players_that_the_server_chose_itself_show() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;
    roll(&mut dice, "3d6", "s").await;
    for seed in ["alice", "bob"] {
        let request = AddClientSeedRequest { session: Some("s".into()), seed: seed.into(), player: None };
        dice.add_client_seed(request).await.unwrap();
    }
    roll(&mut dice, "3d6", "s").await;
    dice.reveal_seed(RevealSeedRequest { session: Some("s".into()), reason: None }).await.unwrap();
    let honest = file(&mut dice, "s", 0).await;

    for (accepted, told) in verifiers(&forged(&honest, &|_| {})) {
        assert!(accepted && told.contains("5 entries"), "{told}");
    }
    let depends_on =
        |nonce: usize, seeds: &'static str| forged(&honest, &|rolls| rolls[nonce]["client_seeds"] = json!(seeds));
    let files = [
        (depends_on(0, "gN"), "client seeds"),
        (depends_on(3, ""), "client seeds"),
        (depends_on(3, "mallory"), "client seeds"),
        (depends_on(3, "bob,alice"), "client seeds"),
        (depends_on(1, "mallory"), "client seeds"),
        (forged(&honest, &|rolls| rolls.swap(3, 4)), "after the seed was revealed"),
        (forged(&honest, &|rolls| drop(rolls.pop())), "does not reveal it"),
    ];
    for (file, reason) in files {
        for (accepted, told) in verifiers(&file) {
            assert!(!accepted && told.contains(reason), "{reason}: {told}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_none_is_wrong_and_no_crash() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;
    roll(&mut dice, "3d6", "s").await;
    let honest = file(&mut dice, "s", 0).await;
    let with = |part: &str, name: &str, value: Value| {
        let mut file = honest.clone();
        file.pointer_mut(part).unwrap()[name] = value;
        file
    };
    let files = [
        json!([]),
        json!({"chain": null}),
        json!({"rolls": null}),
        json!({"chain": {}, "rolls": []}),
        with("", "rolls", json!([null])),
        with("/chain", "public_key", json!(null)),
        with("/chain", "server_seed", json!(5)),
        with("/rolls/0", "sides", json!([0])),
        with("/rolls/0", "request", json!(7)),
        with("/rolls/0", "nonce", json!("0")),
    ];
    for file in files {
        for (accepted, told) in verifiers(&file) {
            assert!(!accepted && told.starts_with("wrong: ") && told.lines().count() == 1, "{file}: {told}");
        }
    }
}

/// Somebody at the database.
async fn tamper(database: &TestDatabase, sql: &'static str, values: &[&str]) {
    let db = Db::open(&database.config, "dice", dice::SCHEMA.migrations).await.unwrap();
    let values = values.iter().map(|value| (*value).into()).collect();
    db.write(vec![Statement::new(sql, values)]).await.unwrap();
}

#[tokio::test]
async fn the_service_verifies_that_nobody_but_players_added_seeds() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;
    let roll_id = roll(&mut dice, "3d6", "s").await.roll_id;
    let logged = dice.get_roll(GetRollRequest { roll_id: roll_id.clone() }).await.unwrap().into_inner().roll.unwrap();
    let entry = Entry {
        id: logged.roll_id,
        at: logged.at_ms,
        kind: logged.kind,
        chain: logged.session,
        player: logged.player,
        client_seeds: "gN".into(),
        sides: proof::list(&logged.sides),
        faces: proof::list(&logged.faces),
        request: logged.request,
        answer: logged.answer,
        previous_hash: logged.previous_hash,
        ..Entry::default()
    };
    tamper(&database, "UPDATE rolls SET client_seeds = 'gN', hash = $1", &[&entry.hash()]).await;

    let proof = dice.verify_roll(VerifyRollRequest { roll_id, around: None }).await.unwrap().into_inner();

    let failing = proof.checks.iter().filter(|check| check.outcome == "failed");
    let failing: Vec<&str> = failing.map(|check| check.detail.as_str()).collect();
    let chosen = "the entry with the nonce 0 depends on other seeds of players than were added before it";
    assert_eq!((failing, proof.verified), (vec![chosen], false));
}

/// The checks of the last of twelve rolls that fail, with what they say, after somebody was at the database.
async fn failing(sql: &'static str) -> Vec<String> {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;
    let mut last = String::new();
    for round in 0..12 {
        if round == 5 {
            let request = AddClientSeedRequest { session: Some("s".into()), seed: "alice".into(), player: None };
            dice.add_client_seed(request).await.unwrap();
        }
        last = roll(&mut dice, "3d6", "s").await.roll_id;
    }
    dice.reveal_seed(RevealSeedRequest { session: Some("s".into()), reason: None }).await.unwrap();
    tamper(&database, sql, &[]).await;

    let proof = dice.verify_roll(VerifyRollRequest { roll_id: last, around: None }).await.unwrap().into_inner();

    let failing = proof.checks.iter().filter(|check| check.outcome == "failed");
    let failing: Vec<String> = failing.map(|check| format!("{}: {}", check.name, check.detail)).collect();
    assert_eq!(proof.verified, failing.is_empty());
    failing
}

#[tokio::test]
async fn what_was_done_to_the_log_shows_at_every_roll_of_the_chain() {
    let none: [&str; 0] = [];
    assert_eq!(failing("UPDATE rolls SET trace_id = ''").await, none);
    let other_seed =
        "UPDATE chains SET server_seed = '0707070707070707070707070707070707070707070707070707070707070707'
        WHERE rotation = 0";
    let expected = ["commitment: the seed is not the one that was committed to", "faces: the seed gives other faces"];
    assert_eq!(failing(other_seed).await, expected);
    let both = "UPDATE chains SET server_seed = '0707070707070707070707070707070707070707070707070707070707070707',
        commitment = '4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0' WHERE rotation = 0";
    let expected = [
        "link: the entry with the nonce 0 does not follow on what stands before it",
        "client_seeds: the chain breaks before it, so its seeds of players are unknown",
        "faces: the seed gives other faces",
    ];
    assert_eq!(failing(both).await, expected);
    let gap = ["link: the entry with the nonce 2 is missing"];
    assert_eq!(failing("DELETE FROM rolls WHERE nonce BETWEEN 2 AND 9").await[..1], gap);
    let changed = ["link: the entry with the nonce 3 was changed"];
    assert_eq!(failing("UPDATE rolls SET faces = '[6,6,6]' WHERE nonce = 3").await[..1], changed);
    assert_eq!(failing("DELETE FROM rolls WHERE nonce = 13").await, ["link: the entry with the nonce 13 is missing"]);
    let previous = ["link: the chain does not go on from the seed before it"];
    assert_eq!(failing("UPDATE chains SET previous_head = 'x' WHERE rotation = 0").await[..1], previous);
}

#[tokio::test]
async fn where_nothing_is_committed_to_nothing_is_proved_and_nothing_revealed() {
    let database = TestDatabase::sqlite();
    let mut dice = start_as(&database, true).await;
    let rolled = roll(&mut dice, "3d6", "s").await;

    let proof =
        dice.verify_roll(VerifyRollRequest { roll_id: rolled.roll_id, around: None }).await.unwrap().into_inner();
    assert!(proof.verified && !proof.faces_verified && proof.summary.contains("cannot be proved"), "{}", proof.summary);
    let reveal = RevealSeedRequest { session: Some("s".into()), reason: None };
    let add = AddClientSeedRequest { session: Some("s".into()), seed: "alice".into(), player: None };
    for status in [dice.reveal_seed(reveal).await.unwrap_err(), dice.add_client_seed(add).await.unwrap_err()] {
        assert!(status.code() == Code::InvalidArgument && status.message().contains("not provable"), "{status}");
    }
    for (accepted, told) in verifiers(&file(&mut dice, "s", 0).await) {
        assert!(accepted && told.contains("nothing was committed to"), "{told}");
    }
}

#[tokio::test]
async fn two_replicas_share_a_chain_without_gap_or_double() {
    for database in TestDatabase::each().await {
        let replicas = [start(&database).await, start(&database).await];
        let calls = (0..60).map(|call| {
            let mut dice = replicas[call % 2].clone();
            tokio::spawn(async move { roll(&mut dice, "2d6", "shared").await.roll_id })
        });
        let mut ids = BTreeSet::new();
        for call in calls.collect::<Vec<_>>() {
            ids.insert(call.await.unwrap());
        }

        let mut dice = replicas[0].clone();
        let file = file(&mut dice, "shared", 0).await;
        let mut nonces: Vec<u64> =
            file["rolls"].as_array().unwrap().iter().map(|roll| roll["nonce"].as_u64().unwrap()).collect();
        nonces.sort_unstable();
        assert_eq!((ids.len(), nonces), (60, (0..60).collect()));
    }
}

#[tokio::test]
async fn a_reveal_by_one_replica_ends_the_seed_for_the_other() {
    let database = TestDatabase::sqlite();
    let (mut one, mut other) = (start(&database).await, start(&database).await);
    roll(&mut one, "1d6", "s").await;
    other.reveal_seed(RevealSeedRequest { session: Some("s".into()), reason: None }).await.unwrap();

    let after = roll(&mut one, "1d6", "s").await;

    let after = one.get_roll(GetRollRequest { roll_id: after.roll_id }).await.unwrap().into_inner().roll.unwrap();
    assert_eq!((after.rotation, after.nonce), (1, 0));
}

#[tokio::test]
async fn a_fixed_seed_never_repeats_rolls_after_a_restart() {
    for plain in [false, true] {
        let database = TestDatabase::sqlite();
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            let config = dice::Config { seed: Some(1), plain, ..dice::Config::default() };
            let routes = dice::start(config, &database.config, Peers::none(), CancellationToken::new()).await.unwrap();
            let mut dice = DiceServiceClient::new(service_kit::client::in_process(routes));
            assert!(seen.insert(roll(&mut dice, "20d1000", "s").await.rolls), "the same dice again");
        }
    }
}

#[tokio::test]
async fn a_roll_tells_the_chance_of_its_result_or_a_better_one() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;

    let one = roll(&mut dice, "1d20", "s").await;
    assert_eq!(one.chance, Some(f64::from(21 - one.rolls[0]) / 20.0));
    assert_eq!(roll(&mut dice, "1000d1000", "s").await.chance, None);

    let request =
        GetOddsRequest { notation: "4d6k3".into(), at_least: Some(18), distribution: Some(true), ..Default::default() };
    let odds = dice.get_odds(request).await.unwrap().into_inner();
    assert_eq!((odds.notation.as_str(), odds.chance_exact.as_deref()), ("4d6kh3", Some("7/432")));
    assert_eq!((odds.outcomes.len(), odds.reading.len()), (16, 1));
}

#[tokio::test]
async fn the_log_is_listed_by_session_cause_and_player_and_streams() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;
    let because = RollDiceRequest { reason: Some("the 100% shot".into()), ..notation("1d6") };
    dice.roll_dice(in_session(because, "a")).await.unwrap();
    roll(&mut dice, "1d6", "a").await;
    roll(&mut dice, "1d6", "b").await;

    let list = |request: ListRollsRequest| {
        let mut dice = dice.clone();
        async move { dice.list_rolls(request).await.unwrap().into_inner() }
    };
    let cause = ListRollsRequest { cause: Some("100%".into()), ..Default::default() };
    assert_eq!(list(cause).await.rolls.len(), 1);
    assert_eq!(list(ListRollsRequest { player: Some("Ann".into()), ..Default::default() }).await.rolls.len(), 3);
    let page = list(ListRollsRequest { session: Some("a".into()), limit: Some(1), ..Default::default() }).await;
    assert!(page.more && page.rolls.len() == 1);

    let request = StreamRollsRequest { session: Some("a".into()), rotation: Some(0), nonce: Some(1) };
    let mut stream = dice.clone().stream_rolls(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().roll.unwrap().nonce, 1);
    roll(&mut dice, "1d6", "a").await;
    assert_eq!(stream.message().await.unwrap().unwrap().roll.unwrap().nonce, 2);

    let luck = dice.get_luck(GetLuckRequest { player: Some("Ann".into()), session: None }).await.unwrap().into_inner();
    assert_eq!((luck.rolls, luck.dice), (4, 4));
}

#[tokio::test]
async fn the_dice_operations_answer_with_their_keys() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;

    let many = RollManyRequest { notations: vec!["2d6+3".into(), "1d20".into()], ..Default::default() };
    assert_eq!(dice.roll_many(many).await.unwrap().into_inner().results.len(), 2);
    let twice = RollTwiceRequest { notation: "1d20+5".into(), reason: None };
    let advantage = dice.roll_with_advantage(twice).await.unwrap().into_inner();
    let totals = [advantage.roll1.unwrap().total, advantage.roll2.unwrap().total];
    assert_eq!(Some(&advantage.result), totals.iter().max());
    let target = RollWithTargetNumberRequest { notation: "8d6!".into(), target_number: 5, reason: None };
    let target = dice.roll_with_target_number(target).await.unwrap().into_inner();
    assert_eq!(target.failure_count + target.successes, 8);
    let opposed = RollOpposedRequest {
        notation1: "8d6".into(),
        target_number1: 4,
        notation2: "2d6".into(),
        target_number2: 5,
        reason: None,
    };
    let opposed = dice.roll_opposed(opposed).await.unwrap().into_inner();
    let net = i64::from(opposed.roll1.unwrap().successes) - i64::from(opposed.roll2.unwrap().successes);
    assert_eq!(opposed.net_successes, net);
    let combatant = |name: &str, notation: &str| Combatant { name: name.into(), notation: notation.into() };
    let characters = vec![combatant("slow", "1d6+1"), combatant("fast", "3d6+20")];
    let turn = TrackInitiativeRequest { characters, reason: None };
    let turn = dice.track_initiative(turn).await.unwrap().into_inner();
    assert_eq!(
        (turn.characters[0].name.as_str(), turn.phase_order[0].actors.as_slice()),
        ("fast", &["fast".into()][..])
    );
    let pool = |name: &str, notation: &str| Pool { name: name.into(), notation: notation.into() };
    let pools = vec![pool("Firearms", "6d6"), pool("Combat Pool", "4d6")];
    let pools = RollWithPoolsRequest { pools, target_number: 4, reason: None };
    assert_eq!(dice.roll_with_pools(pools).await.unwrap().into_inner().pool, 10);
}

#[tokio::test]
async fn karma_costs_what_the_rules_say() {
    let database = TestDatabase::sqlite();
    let mut dice = start(&database).await;

    let reroll =
        RerollFailuresRequest { original: vec![1, 5, 2], target_number: 4, iteration: Some(2), ..Default::default() };
    let reroll = dice.reroll_failures(reroll).await.unwrap().into_inner();
    assert_eq!((reroll.dice_rerolled, reroll.karma_cost), (2, 2));
    assert_eq!(reroll.total_successes, Some(1 + reroll.new_successes));
    let avoid = AvoidDisasterRequest { rolls: vec![1, 1], reason: None };
    assert_eq!(dice.avoid_disaster(avoid).await.unwrap().into_inner().karma_cost, 1);
    let buy = BuyDiceRequest { count: 7, skill_level: Some(6), ..Default::default() };
    assert_eq!(dice.buy_dice(buy).await.unwrap_err().code(), Code::InvalidArgument);
    let buy = BuySuccessesRequest { n: 2, has_natural_success: false, reason: None };
    assert_eq!(dice.buy_successes(buy).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn every_method_of_the_contract_is_there() {
    let database = TestDatabase::sqlite();
    let config = dice::Config { seed: Some(1), ..dice::Config::default() };
    let routes = dice::start(config, &database.config, Peers::none(), CancellationToken::new()).await.unwrap();
    let mut service = tonic::client::Grpc::new(service_kit::client::in_process(routes));
    let contract = proto::POOL.get_service_by_name("dicetower.dice.v1.DiceService").unwrap();
    for method in contract.methods().filter(|method| !method.is_server_streaming()) {
        let path = format!("/dicetower.dice.v1.DiceService/{}", method.name());
        service.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<RollDiceRequest, RollDiceRequest>::default();
        let answer = service.unary(Request::new(RollDiceRequest::default()), path.parse().unwrap(), codec).await;
        assert_ne!(answer.err().map(|status| status.code()), Some(Code::Unimplemented), "{path}");
    }
}
