//! Two orchestrators on one database: one writer for each session, and none for ever.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::Duration;

use common::{Table, config, of, told};
use fake_model::{FakeModel, Gate, Reply};
use orchestrator::Config;
use service_kit::{
    db::DatabaseConfig,
    status::{ErrorCode, Failure},
    testing::TestDatabase,
};
use tokio_util::sync::CancellationToken;

/// A table on somebody else's database.
async fn beside(other: &Table, config: Config) -> Table {
    let peers = common::peers(&other.database).await;
    let DatabaseConfig::Postgres(url) = &other.database.config else { panic!("replicas share PostgreSQL") };
    let shutdown = CancellationToken::new();
    let database = DatabaseConfig::Postgres(url.clone());
    let routes = orchestrator::start(config.clone(), &database, peers, shutdown.clone()).await.unwrap();
    let client = proto::orchestrator::v1::orchestrator_service_client::OrchestratorServiceClient::new(
        service_kit::client::in_process(routes),
    );
    Table { client, database: TestDatabase::sqlite(), shutdown, config }
}

#[tokio::test]
async fn a_replica_that_starts_takes_no_turn_of_one_that_lives() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let gate = Gate::new();
    let model = FakeModel::start([Reply::new().text("Once").gate(&gate).text(" more.").end("stop")]).await;
    // On a slow machine a beat may come late: the lease is long enough for that.
    let config = Config { lease: Duration::from_secs(8), ..config(&model) };
    let first = Table::on(database, config.clone()).await;
    let mut frames = first.listen().await;
    first.chat("Hello").await;
    frames.until("narrative").await;

    let second = beside(&first, config).await;
    let refused = second.say(common::said()).await.unwrap_err();
    gate.open();

    let rest = frames.until("complete").await;
    assert_eq!((told(&rest).as_str(), of(&rest, "error").len()), (" more.", 0));
    assert_eq!(Failure::from(&refused).code, ErrorCode::ApiError);
    assert!(refused.message().contains("another server holds this session"), "{refused}");
    assert_eq!(of(&first.log().await, "processing").len(), 1);
}

#[tokio::test]
async fn when_a_replica_dies_in_mid_turn_the_other_one_ends_its_turn() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let gate = Gate::new();
    let shut = gate.clone();
    let mut asked = 0;
    let model = FakeModel::answering(move |_| {
        asked += 1;
        if asked == 1 { Reply::new().text("Once").gate(&shut) } else { Reply::saying(["Twice."]) }
    })
    .await;
    let config = Config { lease: Duration::from_millis(400), ..config(&model) };
    let first = Table::on(database, config.clone()).await;
    let mut frames = first.listen().await;
    first.chat("Hello").await;
    frames.until("narrative").await;
    let second = beside(&first, config).await;

    // With its last caller it beats no more, as if it were dead.
    drop(first.client);
    let log = loop {
        let log = second.log_or_none().await.unwrap_or_default();
        if !of(&log, "complete").is_empty() {
            break log;
        }
        tokio::task::yield_now().await;
    };

    assert_eq!((of(&log, "processing").len(), of(&log, "retract").len(), of(&log, "complete").len()), (2, 1, 1));
    assert!(log.iter().any(|frame| frame["content"] == "Twice."), "{log:?}");
}

#[tokio::test]
async fn a_call_for_a_session_that_another_replica_holds_is_sent_on_to_it() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let model = FakeModel::answering(|_| Reply::saying(["Here."])).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let advertise = Some(format!("http://{}", listener.local_addr().unwrap()));
    let config = Config { lease: Duration::from_secs(8), ..config(&model) };
    let holder = Config { advertise, ..config.clone() };
    let peers = common::peers(&database).await;
    let shutdown = CancellationToken::new();
    let routes = orchestrator::start(holder.clone(), &database.config, peers, shutdown.clone()).await.unwrap();
    let served = tokio::spawn(service_kit::server::serve(routes.clone(), listener, shutdown.clone()));
    let client = proto::orchestrator::v1::orchestrator_service_client::OrchestratorServiceClient::new(
        service_kit::client::in_process(routes),
    );
    let first = Table { client, database, shutdown, config: holder };
    first.play("Hello").await;
    let second = beside(&first, config).await;

    let frames = second.play("Hello again").await;

    assert_eq!(told(&frames), "Here.");
    assert_eq!(of(&first.log().await, "complete").len(), 2);
    assert_eq!(first.session().await.message_count, 4);
    first.shutdown.cancel();
    served.abort();
}

#[tokio::test]
async fn who_reads_along_is_told_to_connect_again_once_the_holder_can_be_called() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let model = FakeModel::answering(|_| Reply::saying(["Here."])).await;
    let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let config = Config { lease: Duration::from_secs(30), ..config(&model) };
    let holder = Config { advertise: Some(format!("http://{address}")), ..config.clone() };
    let peers = common::peers(&database).await;
    let shutdown = CancellationToken::new();
    let routes = orchestrator::start(holder.clone(), &database.config, peers, shutdown.clone()).await.unwrap();
    let client = proto::orchestrator::v1::orchestrator_service_client::OrchestratorServiceClient::new(
        service_kit::client::in_process(routes.clone()),
    );
    let first = Table { client, database, shutdown, config: holder };
    first.play("Hello").await;
    let second = beside(&first, config).await;

    // Nobody listens there yet.
    let mut frames = second.resume(0, None).await;
    frames.until("complete").await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let served = tokio::spawn(service_kit::server::serve(routes, listener, first.shutdown.clone()));
    let end = frames.end().await.unwrap();

    assert!(end.message().contains("connect again"), "{end}");
    assert_eq!(told(&second.play("Hello again").await), "Here.");
    first.shutdown.cancel();
    served.abort();
}

#[tokio::test]
async fn who_reads_through_a_replica_that_ends_is_let_go_at_once() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let model = FakeModel::answering(|_| Reply::saying(["Here."])).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let advertise = Some(format!("http://{}", listener.local_addr().unwrap()));
    let config = Config { lease: Duration::from_secs(30), ..config(&model) };
    let holder = Config { advertise, ..config.clone() };
    let peers = common::peers(&database).await;
    let shutdown = CancellationToken::new();
    let routes = orchestrator::start(holder.clone(), &database.config, peers, shutdown.clone()).await.unwrap();
    let served = tokio::spawn(service_kit::server::serve(routes.clone(), listener, shutdown.clone()));
    let client = proto::orchestrator::v1::orchestrator_service_client::OrchestratorServiceClient::new(
        service_kit::client::in_process(routes),
    );
    let first = Table { client, database, shutdown, config: holder };
    first.play("Hello").await;
    let second = beside(&first, config).await;
    let mut frames = second.resume(0, None).await;
    frames.until("complete").await;

    second.shutdown.cancel();

    let end = tokio::time::timeout(Duration::from_secs(5), frames.end()).await.expect("before anything is cut off");
    assert!(end.is_none(), "{end:?}");
    first.shutdown.cancel();
    served.abort();
}
