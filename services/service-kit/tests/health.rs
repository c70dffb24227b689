//! A service whose database goes away and comes back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{net::SocketAddr, time::Duration};

use service_kit::{
    Server, Transport,
    client::in_process,
    db::{DatabaseConfig, Db},
    health::LIVE,
    testing::TestDatabase,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

/// Longest time until what has happened is told.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to a server, which is there as long as the task runs.
fn way(listener: TcpListener, server: String) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let server = server.clone();
            connections.spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                // One that is cut off has ended.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    })
}

async fn listen(address: SocketAddr) -> TcpListener {
    loop {
        // The port may be in use for a moment by connections that end.
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn asked(service: &Transport, name: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: name.to_owned() };
    HealthClient::new(service.clone()).check(request).await.unwrap().into_inner().status()
}

async fn until(service: &Transport, status: ServingStatus) {
    let told = async {
        while asked(service, "").await != status {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("it never is {status:?}"));
}

#[tokio::test]
async fn a_service_is_well_as_long_as_its_database_answers() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let (user, place) = database.url().unwrap().split_once('@').unwrap();
    let (server, name) = place.split_once('/').unwrap();
    let listener = listen("127.0.0.1:0".parse().unwrap()).await;
    let address = listener.local_addr().unwrap();
    let open = way(listener, server.to_owned());
    let config = DatabaseConfig::Postgres(format!("{user}@{address}/{name}").into());
    let db = Db::open(&config, "kit_test", &[]).await.unwrap();
    let service = in_process(Server::new("test").on(&db).routes());
    until(&service, ServingStatus::Serving).await;

    open.abort();
    until(&service, ServingStatus::NotServing).await;
    assert_eq!(asked(&service, LIVE).await, ServingStatus::Serving, "to start it again would help nobody");

    let open = way(listen(address).await, server.to_owned());
    until(&service, ServingStatus::Serving).await;
    open.abort();
}

#[tokio::test]
async fn a_service_that_ends_is_not_well_any_more() {
    let database = TestDatabase::sqlite();
    let db = Db::open(&database.config, "kit_test", &[]).await.unwrap();
    let shutdown = CancellationToken::new();
    let service = in_process(Server::new("test").on(&db).until(shutdown.clone()).routes());
    until(&service, ServingStatus::Serving).await;

    shutdown.cancel();

    until(&service, ServingStatus::NotServing).await;
}
