//! A running character service, as the model and REST call it: tools by name.

use proto::catalogue::{Catalogue, Tool};
use serde_json::{Value, json};
use service_kit::{
    Peers, client,
    db::{DatabaseConfig, Db, Statement},
    status::{ErrorCode, Failure},
    testing::TestDatabase,
    tools::Toolbox,
};
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;

const MIGRATIONS: &[&str] = &[
    include_str!("../../../../migrations/character/0001_characters.sql"),
    include_str!("../../../../migrations/character/0002_changes.sql"),
    include_str!("../../../../migrations/character/0003_listed.sql"),
];

/// A database, and the services on it.
pub struct Table {
    pub tools: Toolbox,
    pub peers: Peers,
    database: TestDatabase,
}

impl Table {
    /// On SQLite.
    pub async fn start() -> Table {
        Table::on(TestDatabase::sqlite()).await
    }

    pub async fn on(database: TestDatabase) -> Table {
        let peers = peers(&database.config).await;
        Table { tools: Toolbox::new(peers.clone()), peers, database }
    }

    /// The tools of a second process on the same database.
    pub async fn beside(&self) -> Toolbox {
        Toolbox::new(peers(&self.database.config).await)
    }

    pub async fn restarted(self) -> Table {
        let Table { tools, peers, database } = self;
        drop((tools, peers));
        Table::on(database).await
    }

    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.tools.call(tool, arguments.clone(), MetadataMap::new()).await;
        answer.unwrap_or_else(|status| panic!("{tool} {arguments}: {}", status.message()))
    }

    pub async fn keyed(&self, tool: &str, arguments: Value, key: &str) -> Result<Value, Failure> {
        let mut metadata = MetadataMap::new();
        metadata.insert("idempotency-key", key.parse().unwrap());
        self.tools.call(tool, arguments, metadata).await.map_err(|status| Failure::from(&status))
    }

    /// Changes a sheet behind the service's back, where no tool would.
    pub async fn change(&self, street_name: &str, change: impl FnOnce(&mut Value)) {
        let db = Db::open(&self.database.config, "character", MIGRATIONS).await.unwrap();
        let key = street_name.to_lowercase();
        let read = "SELECT sheet FROM characters WHERE street_name_key = $1";
        let mut sheet =
            serde_json::from_str(&db.fetch(read, vec![key.as_str().into()]).await.unwrap()[0].text(0)).unwrap();
        change(&mut sheet);
        let update = "UPDATE characters SET sheet = $2 WHERE street_name_key = $1";
        let args = vec![key.into(), sheet.to_string().into()];
        db.write(vec![Statement::new(update, args).affecting(1)]).await.unwrap();
    }

    pub async fn refusal(&self, tool: &str, arguments: Value) -> Failure {
        match self.tools.call(tool, arguments.clone(), MetadataMap::new()).await {
            Err(status) => Failure::from(&status),
            Ok(answer) => panic!("{tool} {arguments} is answered with {answer}"),
        }
    }

    pub async fn refuses(&self, tool: &str, arguments: Value, code: ErrorCode, text: &str) {
        let failure = self.refusal(tool, arguments.clone()).await;
        assert_eq!(failure.code, code, "{tool} {arguments}: {failure:?}");
        assert!(failure.message.contains(text), "{tool} {arguments}: {}", failure.message);
    }

    /// A sheet as it is kept.
    pub async fn sheet(&self, name: &str) -> Value {
        self.call("export_character", json!({"character_name": name})).await["sheet"].clone()
    }
}

async fn peers(config: &DatabaseConfig) -> Peers {
    let stop = CancellationToken::new();
    let seed = dice::Config { seed: Some(7), ..dice::Config::default() };
    let dice = dice::start(seed, config, Peers::none(), stop.clone()).await.unwrap();
    let peers = Peers::none().with_dice(client::in_process(dice));
    let characters = character::start(character::Config::default(), config, peers.clone(), stop).await.unwrap();
    peers.with_character(client::in_process(characters))
}

/// Every tool of the character service.
pub fn own_tools() -> Vec<Tool> {
    let catalogue = Catalogue::ours();
    let own = catalogue.iter().filter(|tool| tool.path.starts_with("/dicetower.character.v1."));
    own.cloned().collect()
}

#[track_caller]
pub fn has_keys(json: &Value, keys: &[&str]) {
    for key in keys {
        assert!(json.get(key).is_some(), "{key} is missing in {json}");
    }
}

pub fn value_of(modifiers: &Value, kind: &str) -> Option<i64> {
    let found = modifiers.as_array().unwrap().iter().find(|modifier| modifier["type"] == kind);
    found.map(|modifier| modifier["value"].as_i64().unwrap())
}
