//! Two orchestrators on one database that can only reach each other over NATS: one table for all, with NATS and without.

mod common;

use std::time::Duration;

use common::{Frames, Table, config, of, told};
use fake_model::{FakeModel, Gate, Reply};
use orchestrator::Config;
use service_kit::{
    Wakes,
    db::DatabaseConfig,
    testing::{TestDatabase, TestNats},
};

/// On a slow machine a beat may come late: nobody is to be taken for dead.
const LEASE: Duration = Duration::from_secs(30);

/// A table, and another replica for it.
async fn tables(config: Config, wakes: [Wakes; 2]) -> Option<[Table; 2]> {
    let database = TestDatabase::postgres().await?;
    let DatabaseConfig::Postgres(url) = &database.config else { panic!("replicas share PostgreSQL") };
    let beside = TestDatabase::again(DatabaseConfig::Postgres(url.clone()));
    let config = Config { lease: LEASE, ..config };
    let [here, there] = wakes;
    let peers = common::peers(&database).await.with_wakes(here);
    let first = Table::among(peers, database, config.clone()).await;
    // With this the first one holds the session.
    first.play("Hello").await;
    let peers = common::peers(&beside).await.with_wakes(there);
    Some([first, Table::among(peers, beside, config).await])
}

/// What a follower hears up to the end of a turn, telemetry included.
async fn turn(first: &Table, frames: &mut Frames) -> Vec<serde_json::Value> {
    first.chat("And then?").await;
    frames.all_until("complete").await
}

#[tokio::test]
async fn what_is_only_told_and_never_logged_is_heard_on_the_other_replica() {
    let Some(nats) = TestNats::start() else { return };
    let model = FakeModel::answering(|_| Reply::saying(["Once ", "upon ", "a ", "time."])).await;
    let wakes = [nats.wakes().await, nats.wakes().await];
    let Some([first, second]) = tables(config(&model), wakes).await else { return };
    let mut frames = second.listen().await;

    // The first turn may be over before NATS knows of the listener; then the log told of it.
    let heard = loop {
        let heard = turn(&first, &mut frames).await;
        if heard.iter().any(|frame| frame["type"] == "telemetry") {
            break heard;
        }
    };

    assert_eq!(told(&heard), "Once upon a time.");
    assert_eq!(of(&heard, "complete").len(), 1);
}

#[tokio::test]
async fn when_nats_is_lost_in_mid_turn_all_still_comes_and_when_it_is_back_wakes_come_again() {
    let Some(mut nats) = TestNats::start() else { return };
    let gate = Gate::new();
    let shut = gate.clone();
    let mut asked = 0;
    let model = FakeModel::answering(move |_| {
        asked += 1;
        if asked == 2 {
            Reply::new().text("Once").gate(&shut).text(" more.").end("stop")
        } else {
            Reply::saying(["So."])
        }
    })
    .await;
    let (here, there) = (nats.wakes().await, nats.wakes().await);
    let Some([first, second]) = tables(config(&model), [here.clone(), there.clone()]).await else { return };
    let mut frames = second.listen().await;

    first.chat("And then?").await;
    let begun = frames.until("narrative").await;
    nats.lose();
    TestNats::until(&here, false).await;
    gate.open();
    let rest = frames.until("complete").await;
    assert_eq!(told(&begun) + &told(&rest), "Once more.");

    assert!(nats.go_on());
    TestNats::until(&here, true).await;
    TestNats::until(&there, true).await;
    loop {
        let heard = turn(&first, &mut frames).await;
        assert_eq!(told(&heard), "So.");
        if heard.iter().any(|frame| frame["type"] == "telemetry") {
            break;
        }
    }
}

#[tokio::test]
async fn without_nats_a_follower_reads_the_log_whole_and_in_order() {
    let model = FakeModel::answering(|_| Reply::saying(["Once ", "upon ", "a ", "time."])).await;
    let Some([first, second]) = tables(config(&model), [Wakes::default(), Wakes::default()]).await else { return };
    let mut frames = second.resume(0, None).await;
    first.play("And then?").await;

    let heard = [frames.until("complete").await, frames.until("complete").await].concat();

    assert_eq!(told(&heard), "Once upon a time.Once upon a time.");
    let places: Vec<_> = heard.iter().map(|frame| (frame["seq"].as_u64(), frame["offset"].as_u64())).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test]
async fn a_follower_of_a_session_whose_holder_ends_is_told_to_connect_again() {
    let Some(nats) = TestNats::start() else { return };
    let model = FakeModel::answering(|_| Reply::saying(["So."])).await;
    let wakes = [nats.wakes().await, nats.wakes().await];
    let Some([first, second]) = tables(config(&model), wakes).await else { return };
    let mut frames = second.listen().await;

    first.shutdown.cancel();
    let end = frames.end().await.unwrap();

    assert!(end.message().contains("connect again"), "{end}");
    let frames = second.play("Are you there?").await;
    assert_eq!(told(&frames), "So.");
}
