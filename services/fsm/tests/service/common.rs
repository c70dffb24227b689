//! A service of its own for each test, and whoever attaches to it.

use std::{path::Path, time::Duration};

use proto::fsm::v1::{
    AttachRequest, Game, GameUpdate, GetGameRequest, Greeting, ListDecisionsRequest, ListGameHistoryRequest,
    ListGamesRequest, Output, Reaction, SendEventRequest, SendEventResponse, fsm_service_client::FsmServiceClient,
    game_update::Update, output,
};
use service_kit::{Peers, Transport, client::in_process, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

/// The service over a data folder, which outlives it.
pub struct Server {
    pub client: FsmServiceClient<Transport>,
    pub shutdown: CancellationToken,
}

pub async fn start_with(folder: &Path, config: fsm::Config) -> Server {
    let database = DatabaseConfig::Folder { path: folder.into(), fsync: false };
    let shutdown = CancellationToken::new();
    let dice = dice::Config { seed: Some(7), ..dice::Config::default() };
    let dice = dice::start(dice, &database, Peers::none(), shutdown.clone()).await.unwrap();
    let peers = Peers::none().with_dice(in_process(dice));
    let routes = fsm::start(config, &database, peers, shutdown.clone()).await.unwrap();
    Server { client: FsmServiceClient::new(in_process(routes)), shutdown }
}

pub fn config(folder: &Path) -> fsm::Config {
    fsm::Config { wotr_db: folder.join("wotr_game.db"), ..fsm::Config::default() }
}

pub async fn start(folder: &Path) -> Server {
    start_with(folder, config(folder)).await
}

impl Server {
    pub async fn attach(&self) -> Player {
        self.attach_as(AttachRequest::default()).await
    }

    pub async fn attach_as(&self, request: AttachRequest) -> Player {
        let updates = self.client.clone().attach(request).await.unwrap().into_inner();
        Player::greeted(self.client.clone(), updates).await
    }

    pub async fn send(&self, event: &str) -> SendEventResponse {
        let request = SendEventRequest { event: event.to_owned(), ..SendEventRequest::default() };
        self.client.clone().send_event(request).await.unwrap().into_inner()
    }

    pub async fn game(&self, game_id: &str) -> Game {
        let request = GetGameRequest { game_id: Some(game_id.to_owned()) };
        self.client.clone().get_game(request).await.unwrap().into_inner().game.unwrap()
    }

    pub async fn history(&self, game_id: &str) -> Vec<Reaction> {
        let request = ListGameHistoryRequest { game_id: Some(game_id.to_owned()), ..ListGameHistoryRequest::default() };
        self.client.clone().list_game_history(request).await.unwrap().into_inner().entries
    }

    pub async fn ids(&self) -> Vec<String> {
        let games = self.client.clone().list_games(ListGamesRequest::default()).await.unwrap().into_inner().games;
        let mut ids: Vec<String> = games.into_iter().map(|game| game.game_id).collect();
        ids.sort();
        ids
    }
}

/// Somebody attached.
pub struct Player {
    pub client: FsmServiceClient<Transport>,
    pub updates: Streaming<GameUpdate>,
    pub greeting: Greeting,
}

impl Player {
    pub async fn greeted(client: FsmServiceClient<Transport>, mut updates: Streaming<GameUpdate>) -> Player {
        match updates.message().await.unwrap().unwrap() {
            GameUpdate { number: 1, update: Some(Update::Greeting(greeting)) } => Player { client, updates, greeting },
            other => panic!("{other:?}"),
        }
    }

    pub async fn next(&mut self) -> Update {
        self.updates.message().await.unwrap().expect("the stream goes on").update.unwrap()
    }

    pub async fn reaction(&mut self) -> Reaction {
        match self.next().await {
            Update::Reaction(reaction) => reaction,
            other => panic!("{other:?}"),
        }
    }

    pub async fn send(&mut self, event: &str) -> SendEventResponse {
        self.send_json(event, None).await
    }

    pub async fn send_json(&mut self, event: &str, data: Option<&str>) -> SendEventResponse {
        let request = SendEventRequest {
            event: event.to_owned(),
            data_json: data.map(str::to_owned),
            attachment_id: Some(self.greeting.attachment_id.clone()),
            ..SendEventRequest::default()
        };
        self.client.send_event(request).await.unwrap().into_inner()
    }
}

pub fn valid_events(outputs: &[Output]) -> Vec<String> {
    let events = |output: &Output| match &output.kind {
        Some(output::Kind::ValidEvents(valid)) => Some(valid.events.clone()),
        _ => None,
    };
    outputs.iter().find_map(events).expect("they are always told")
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Goes through the timers that are due, one at a time.
pub async fn pass(time: Duration) {
    tokio::time::advance(time).await;
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Until the game looks as it should; the database answers in its own time, not in the paused one.
pub async fn until(server: &Server, game_id: &str, wanted: impl Fn(&Game) -> bool) -> Game {
    loop {
        let game = server.game(game_id).await;
        if wanted(&game) {
            return game;
        }
        tokio::task::yield_now().await;
    }
}

pub async fn decisions(server: &Server) -> Vec<proto::fsm::v1::Decision> {
    server.client.clone().list_decisions(ListDecisionsRequest::default()).await.unwrap().into_inner().decisions
}
