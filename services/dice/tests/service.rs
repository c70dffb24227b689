//! The dice service over its port: what it rolls, refuses and remembers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proto::dice::v1::{
    AvoidDisasterRequest, Combatant, RerollFailuresRequest, RollActionDiceRequest, RollCombatDiceRequest,
    RollDiceRequest, RollHuntRequest, RollInitiativeRequest, TrackInitiativeRequest,
    dice_service_client::DiceServiceClient,
};
use service_kit::{
    Peers, Transport,
    status::{ErrorCode, Failure},
    testing::TestDatabase,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

/// The service on an empty database.
async fn start() -> (DiceServiceClient<Transport>, TestDatabase) {
    let database = TestDatabase::sqlite();
    (serve(&database).await, database)
}

async fn serve(database: &TestDatabase) -> DiceServiceClient<Transport> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = dice::Config { seed: Some(1), ..dice::Config::default() };
    let routes = dice::start(config, &database.config, Peers::none(), CancellationToken::new()).await.unwrap();
    tokio::spawn(service_kit::serve(routes, listener, CancellationToken::new()));
    DiceServiceClient::new(service_kit::client::connect(&url).unwrap())
}

fn pool(pool: u32, target_number: i32) -> RollDiceRequest {
    RollDiceRequest { pool: Some(pool), target_number: Some(target_number), ..Default::default() }
}

fn notation(notation: &str) -> RollDiceRequest {
    RollDiceRequest { notation: Some(notation.into()), ..Default::default() }
}

fn keyed<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

#[track_caller]
fn refused(status: Status, code: ErrorCode, text: &str) {
    let failure = Failure::from(&status);
    assert_eq!(failure.code, code, "{status}");
    assert!(failure.message.contains(text), "{}", failure.message);
}

#[tokio::test]
async fn a_success_test_counts_the_dice_that_reach_the_target_number() {
    let (mut dice, _database) = start().await;

    let roll = dice.roll_dice(pool(20, 4)).await.unwrap().into_inner();

    let reached = roll.rolls.iter().filter(|total| 4 <= **total).count();
    assert_eq!((roll.rolls.len(), roll.successes), (20, Some(u32::try_from(reached).unwrap())));
    assert!(roll.dice.iter().all(|die| die.values.len() == 1), "no six is rolled again against 4");
    assert_eq!(roll.result.as_deref(), Some("success"));
}

#[tokio::test]
async fn a_target_number_below_two_counts_as_two() {
    let (mut dice, _database) = start().await;

    let roll = dice.roll_dice(pool(10, -3)).await.unwrap().into_inner();

    assert_eq!(roll.target_number, 2);
}

#[tokio::test]
async fn a_notation_adds_up_its_dice_and_its_modifier() {
    let (mut dice, _database) = start().await;

    let roll = dice.roll_dice(notation("3d6+4")).await.unwrap().into_inner();

    let sum = roll.rolls.iter().map(|face| i64::from(*face)).sum::<i64>();
    assert_eq!((roll.sum, roll.modifier, roll.total), (Some(sum), Some(4), Some(sum + 4)));
    assert_eq!((roll.notation.as_deref(), roll.successes), (Some("3d6+4"), None));
}

#[tokio::test]
async fn one_form_is_wanted_and_exactly_one() {
    let (mut dice, _database) = start().await;
    let both = RollDiceRequest { notation: Some("2d6".into()), ..pool(2, 4) };
    for request in [RollDiceRequest::default(), both, RollDiceRequest { target_number: None, ..pool(2, 4) }] {
        let status = dice.roll_dice(request).await.unwrap_err();
        refused(status, ErrorCode::InvalidInput, "give either `pool` and `target_number`, or `notation` alone");
    }
}

#[tokio::test]
async fn what_is_no_roll_is_refused_with_the_reason() {
    let (mut dice, _database) = start().await;
    for (text, reason) in
        [("0d6", "1 to 1000 dice"), ("2d0", "1 to 1000 sides"), ("-2d6", "not with a sign"), ("1d1!", "")]
    {
        let status = dice.roll_dice(notation(text)).await.unwrap_err();
        refused(status, ErrorCode::InvalidInput, reason);
    }
    let status = dice.roll_dice(pool(0, 4)).await.unwrap_err();
    refused(status, ErrorCode::InvalidInput, "`pool` must be 1 to 100, not 0");
    let status = dice.roll_dice(pool(101, 4)).await.unwrap_err();
    refused(status, ErrorCode::InvalidInput, "`pool` must be 1 to 100, not 101");
}

#[tokio::test]
async fn initiative_never_explodes_and_names_the_phases() {
    let (mut dice, _database) = start().await;
    let request = RollInitiativeRequest { notation: "4d6!+27".into(), reason: None };

    let roll = dice.roll_initiative(request).await.unwrap().into_inner();

    let total = 27 + roll.rolls.iter().map(|face| i64::from(*face)).sum::<i64>();
    assert_eq!((roll.rolls.len(), roll.initiative), (4, total));
    assert_eq!(i64::from(roll.phases[0]), total);
    assert!(roll.phases.is_sorted_by(|earlier, later| *earlier == later + 10) && roll.phases.last() <= Some(&10));
}

#[tokio::test]
async fn an_initiative_is_a_total_for_which_there_are_phases() {
    let (mut dice, _database) = start().await;
    for (text, reason) in [
        ("1d1+1005", "initiative is at most 1000; \"1d1+1005\" may come to 1006"),
        ("1d20 vs 5", "\"1d20 vs 5\" counts successes"),
    ] {
        let request = RollInitiativeRequest { notation: text.into(), reason: None };
        refused(dice.roll_initiative(request).await.unwrap_err(), ErrorCode::InvalidInput, reason);
        let characters = vec![Combatant { name: "Ann".into(), notation: text.into() }];
        let request = TrackInitiativeRequest { characters, reason: None };
        refused(dice.track_initiative(request).await.unwrap_err(), ErrorCode::InvalidInput, reason);
    }
}

#[tokio::test]
async fn karma_is_for_dice_that_were_rolled_and_failed() {
    let (mut dice, _database) = start().await;
    for (failed, reason) in [
        (vec![3, 5], "a die that shows 5 has not failed against the target number 5"),
        (vec![0, -3], "a die shows 1 or more, not 0"),
    ] {
        let request = RerollFailuresRequest { failed, target_number: 5, ..Default::default() };
        refused(dice.reroll_failures(request).await.unwrap_err(), ErrorCode::InvalidInput, reason);
    }
    let request = AvoidDisasterRequest { rolls: vec![0], reason: None };
    let status = dice.avoid_disaster(request).await.unwrap_err();
    refused(status, ErrorCode::InvalidInput, "a die shows 1 or more, not 0");
}

#[tokio::test]
async fn action_dice_show_the_faces_of_their_side() {
    let (mut dice, _database) = start().await;
    for (side, never) in [("free_peoples", "eye"), ("shadow", "will_of_the_west")] {
        let request = RollActionDiceRequest { side: side.into(), count: 6, reason: None };
        let roll = dice.roll_action_dice(request).await.unwrap().into_inner();
        assert_eq!(roll.faces.len(), 6);
        assert!(roll.faces.iter().all(|face| face != never), "{:?}", roll.faces);
    }
    let request = RollActionDiceRequest { side: "sauron".into(), count: 1, reason: None };
    let status = dice.roll_action_dice(request).await.unwrap_err();
    refused(status, ErrorCode::InvalidInput, "must be one of free_peoples, shadow");
}

#[tokio::test]
async fn a_battle_hits_on_its_target_and_rolls_failures_once_more() {
    let (mut dice, _database) = start().await;
    let request = RollCombatDiceRequest { count: 5, target: 5, rerolls: Some(5), reason: None };

    let roll = dice.roll_combat_dice(request).await.unwrap().into_inner();

    let hits = |faces: &[i32]| faces.iter().filter(|face| 5 <= **face).count();
    assert_eq!(roll.rerolled.len(), 5 - hits(&roll.rolls));
    assert_eq!(roll.hits as usize, hits(&roll.rolls) + hits(&roll.rerolled));
}

#[tokio::test]
async fn the_hunt_rolls_five_dice_at_most() {
    let (mut dice, _database) = start().await;
    let request = RollHuntRequest { hunt_level: 8, free_peoples_dice: Some(2), ..Default::default() };

    let roll = dice.roll_hunt(request).await.unwrap().into_inner();

    assert_eq!((roll.rolls.len(), roll.target), (5, 4));
    assert_eq!(roll.successes as usize, roll.rolls.iter().filter(|face| 4 <= **face).count());
}

#[tokio::test]
async fn the_same_key_answers_the_same_roll_also_after_a_restart() {
    for database in TestDatabase::each().await {
        let mut dice = serve(&database).await;
        let first = dice.roll_dice(keyed(pool(6, 5), "turn/1/1")).await.unwrap().into_inner();
        let again = dice.roll_dice(keyed(pool(6, 5), "turn/1/1")).await.unwrap().into_inner();
        let after = serve(&database).await.roll_dice(keyed(pool(6, 5), "turn/1/1")).await.unwrap().into_inner();

        assert_eq!((&first, &first), (&again, &after));
        let status = dice.roll_dice(keyed(pool(7, 5), "turn/1/1")).await.unwrap_err();
        refused(status, ErrorCode::Conflict, "belongs to another request");
    }
}

#[tokio::test]
async fn one_key_at_the_same_time_is_one_roll() {
    for database in TestDatabase::each().await {
        let dice = serve(&database).await;
        let calls = (0..20).map(|_| {
            let mut dice = dice.clone();
            tokio::spawn(async move { dice.roll_dice(keyed(pool(30, 5), "race")).await.unwrap().into_inner() })
        });
        let mut rolls = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            rolls.push(call.await.unwrap());
        }

        assert!(rolls.iter().all(|roll| *roll == rolls[0]));
    }
}
