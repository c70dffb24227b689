//! Two replicas of the service on one database: one game for all, and one that writes it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use proto::fsm::v1::{
    AttachRequest, GameUpdate, GetGameRequest, ListGameHistoryRequest, Reaction, SendEventRequest,
    fsm_service_client::FsmServiceClient, game_update::Update,
};
use service_kit::{
    Peers, Transport, Wakes,
    client::in_process,
    db::{DatabaseConfig, Db, Statement},
    testing::{TestDatabase, TestNats},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

/// Longest time that a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    client: FsmServiceClient<Transport>,
    shutdown: CancellationToken,
}

/// A replica that listens, and tells the others where.
async fn start(database: &DatabaseConfig, lease: Duration, wakes: Wakes) -> Server {
    let shutdown = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dice = dice::start(dice::Config::default(), database, Peers::none(), shutdown.clone()).await.unwrap();
    let peers = Peers::none().with_dice(in_process(dice)).with_wakes(wakes);
    let config = fsm::Config { advertise: Some(url), lease, ..fsm::Config::default() };
    let routes = fsm::start(config, database, peers, shutdown.clone()).await.unwrap();
    tokio::spawn(service_kit::serve(routes.clone(), listener, shutdown.clone()));
    Server { client: FsmServiceClient::new(in_process(routes)), shutdown }
}

impl Server {
    async fn attach(&self) -> Streaming<GameUpdate> {
        let mut updates = self.client.clone().attach(AttachRequest::default()).await.unwrap().into_inner();
        assert!(matches!(next(&mut updates).await, Update::Greeting(_)));
        updates
    }

    async fn send(&self, event: &str) -> Result<u64, tonic::Status> {
        let request = SendEventRequest { event: event.to_owned(), ..SendEventRequest::default() };
        Ok(self.client.clone().send_event(request).await?.into_inner().reaction.unwrap().sequence)
    }

    async fn history(&self) -> Vec<Reaction> {
        let request = ListGameHistoryRequest::default();
        self.client.clone().list_game_history(request).await.unwrap().into_inner().entries
    }
}

async fn next(updates: &mut Streaming<GameUpdate>) -> Update {
    let next = tokio::time::timeout(PATIENCE, updates.message()).await.expect("an update within the time");
    next.unwrap().expect("the stream goes on").update.unwrap()
}

async fn reaction(updates: &mut Streaming<GameUpdate>) -> Reaction {
    loop {
        if let Update::Reaction(reaction) = next(updates).await {
            return reaction;
        }
    }
}

#[tokio::test]
async fn a_client_of_each_replica_is_in_the_same_game() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let lease = Duration::from_secs(30);
    let first = start(&database.config, lease, Wakes::default()).await;
    let mut host = first.attach().await;
    let second = start(&database.config, lease, Wakes::default()).await;
    let mut client = second.attach().await;

    assert_eq!(second.send("TOGGLE_LOME").await.unwrap(), 1);
    assert_eq!(first.send("TOGGLE_WOME").await.unwrap(), 2);

    for updates in [&mut host, &mut client] {
        assert_eq!(reaction(updates).await.sequence, 1);
        assert_eq!(reaction(updates).await.sequence, 2);
    }
    let game = second.client.clone().get_game(GetGameRequest::default()).await.unwrap().into_inner().game.unwrap();
    assert_eq!((game.sequence, game.attached), (2, 2));
}

#[tokio::test]
async fn when_a_holder_ends_the_other_replica_goes_on_with_its_game() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let Some(nats) = TestNats::start() else { return };
    // Longer than the test may take: it is the wake by which the other one knows.
    let lease = Duration::from_secs(600);
    let first = start(&database.config, lease, nats.wakes().await).await;
    assert_eq!(first.send("TOGGLE_LOME").await.unwrap(), 1);
    let second = start(&database.config, lease, nats.wakes().await).await;

    first.shutdown.cancel();
    let sent = async {
        loop {
            match second.send("TOGGLE_WOME").await {
                Ok(sequence) => return sequence,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let sequence = tokio::time::timeout(PATIENCE, sent).await.expect("the other one takes over");

    assert_eq!(sequence, 2);
    assert_eq!(second.history().await.len(), 2);
}

#[tokio::test]
async fn who_was_taken_for_dead_lets_its_clients_go() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let first = start(&database.config, Duration::from_millis(400), Wakes::default()).await;
    let mut host = first.attach().await;
    assert_eq!(first.send("TOGGLE_LOME").await.unwrap(), 1);

    let db = Db::open(&database.config, fsm::SCHEMA.service, fsm::SCHEMA.migrations).await.unwrap();
    let taken = Statement::new("UPDATE games SET holder = $1", vec!["another replica".into()]);
    db.write(vec![taken]).await.unwrap();
    let end = async { while let Ok(Some(_)) = host.message().await {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the client is let go");

    // The other one has gone again without a word.
    let mut host = first.attach().await;
    assert_eq!(first.send("TOGGLE_WOME").await.unwrap(), 2);
    assert_eq!(reaction(&mut host).await.sequence, 2);
}
