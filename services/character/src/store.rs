//! What is kept: sheets, sustained spells, and the answers given under idempotency keys.

use prost::Message;
use service_kit::{
    clock,
    db::{DatabaseConfig, Db, DbError, Row, Statement},
    status::{self, ErrorCode},
};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::{names, sheet::Sheet};

const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/character/0001_characters.sql")];

const COUNT: &str = "SELECT COUNT(*) FROM characters";
const SEED: &str = "INSERT INTO characters (id, street_name_key, name_key, sheet, revision, created_at, updated_at)
     VALUES ($1, $2, $3, $4, 1, $5, $5) ON CONFLICT DO NOTHING";
const ALL: &str = "SELECT sheet FROM characters ORDER BY street_name_key";
const BY_NAME: &str = "SELECT sheet, street_name_key FROM characters
     WHERE street_name_key = $1 OR name_key = $1 ORDER BY street_name_key";

const SUSTAINED: &str = "SELECT id, spell_name, force, target_name, target_character_id, cast_at FROM sustained_spells
     WHERE character_id = $1 ORDER BY cast_at, id";
const SUSTAIN: &str =
    "INSERT INTO sustained_spells (id, character_id, spell_name, force, target_name, target_character_id, cast_at)
     SELECT $1, $2, $3, $4, $5, $6, $7
     WHERE (SELECT COUNT(*) FROM sustained_spells WHERE character_id = $2) < $8";
const DROP: &str = "DELETE FROM sustained_spells WHERE id = $1";

const ANSWERED: &str = "SELECT kind, request, answer FROM answers WHERE idempotency_key = $1";
const ANSWER: &str = "INSERT INTO answers (idempotency_key, kind, request, answer, at) VALUES ($1, $2, $3, $4, $5)";
const FORGET: &str = "DELETE FROM answers WHERE at < $1";

/// How long an answer is kept under its key, in milliseconds: 7 days.
const KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// Longest idempotency key of a caller, in characters; inner calls append to it.
const MAX_KEY: usize = 180;

/// The service's database.
pub struct Store {
    db: Db,
}

/// A spell that is sustained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sustained {
    pub id: String,
    pub spell_name: String,
    pub force: u32,
    /// Empty if there is none.
    pub target_name: String,
    pub target_character_id: Option<String>,
    /// Unix milliseconds.
    pub cast_at: i64,
}

/// A call that rolls or changes something: what was asked, and the caller's key for it.
pub struct Call {
    /// The RPC, such as `CastSpell`.
    kind: &'static str,
    /// The request as JSON; empty without a key.
    request: String,
    /// The key, under which the same answer is given again.
    pub key: Option<String>,
}

impl Call {
    /// The call of a request; its message is `<kind>Request` of the contract.
    ///
    /// # Errors
    ///
    /// `INVALID_INPUT` for a key that is empty or too long.
    pub fn of<M: Message>(kind: &'static str, request: &Request<M>) -> Result<Call, Status> {
        let key = match request.metadata().get("idempotency-key") {
            None => None,
            Some(key) => {
                Some(key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY).ok_or_else(|| {
                    status::error(
                        ErrorCode::InvalidInput,
                        format!("an idempotency key has 1 to {MAX_KEY} ASCII characters"),
                    )
                })?)
            }
        };
        // Without a key nobody asks what the request was.
        let request = key.map(|_| proto::frame::to_json(&full_name(kind, "Request"), request.get_ref()).to_string());
        Ok(Call { kind, request: request.unwrap_or_default(), key: key.map(str::to_owned) })
    }
}

impl Store {
    /// Opens the store.
    pub async fn open(database: &DatabaseConfig) -> anyhow::Result<Store> {
        Ok(Store { db: Db::open(database, "character", MIGRATIONS).await? })
    }

    /// Puts sheets into a store that has none.
    pub async fn seed(&self, sheets: &[Sheet]) -> anyhow::Result<()> {
        let there = self.db.fetch(COUNT, Vec::new()).await?.first().map(|row| row.integer(0)).unwrap_or_default();
        if there > 0 {
            return Ok(());
        }
        let mut inserts = Vec::new();
        for sheet in sheets {
            let args = vec![
                sheet.id.as_str().into(),
                names::folded(&sheet.street_name).into(),
                names::folded(&sheet.name).into(),
                serde_json::to_string(sheet)?.into(),
                clock::now_ms().into(),
            ];
            inserts.push(Statement::new(SEED, args));
        }
        self.db.write(inserts).await?;
        tracing::info!(characters = sheets.len(), "sample characters made");
        Ok(())
    }

    /// Every sheet, ordered by street name.
    pub async fn all(&self) -> Result<Vec<Sheet>, Status> {
        let rows = self.db.fetch(ALL, Vec::new()).await.map_err(|error| status::database(&error))?;
        rows.iter().map(read_sheet).collect()
    }

    /// The sheets that a name fits: the one with that street name, else all with that given name.
    pub async fn named(&self, name: &str) -> Result<Vec<Sheet>, Status> {
        let key = names::folded(name);
        let rows = self.db.fetch(BY_NAME, vec![key.as_str().into()]).await.map_err(|error| status::database(&error))?;
        let street = rows.iter().find(|row| row.text(1) == key);
        match street {
            Some(row) => Ok(vec![read_sheet(row)?]),
            None => rows.iter().map(read_sheet).collect(),
        }
    }

    /// The spells a character sustains, oldest first.
    pub async fn sustained(&self, character_id: &str) -> Result<Vec<Sustained>, Status> {
        let rows =
            self.db.fetch(SUSTAINED, vec![character_id.into()]).await.map_err(|error| status::database(&error))?;
        let spell = |row: &Row| Sustained {
            id: row.text(0),
            spell_name: row.text(1),
            force: u32::try_from(row.integer(2)).unwrap_or_default(),
            target_name: row.text(3),
            target_character_id: row.optional_text(4),
            cast_at: row.integer(5),
        };
        Ok(rows.iter().map(spell).collect())
    }

    /// The answer that was given before under the call's key.
    ///
    /// # Errors
    ///
    /// `CONFLICT` if the key belongs to another request.
    pub async fn answered<M: Message + Default>(&self, call: &Call) -> Result<Option<M>, Status> {
        let Some(key) = &call.key else { return Ok(None) };
        let rows =
            self.db.fetch(ANSWERED, vec![key.as_str().into()]).await.map_err(|error| status::database(&error))?;
        let Some(row) = rows.first() else { return Ok(None) };
        if row.text(0) != call.kind || row.text(1) != call.request {
            let message = format!("the idempotency key {key:?} belongs to another request");
            return Err(status::error(ErrorCode::Conflict, message));
        }
        let answer = proto::frame::from_json(&full_name(call.kind, "Response"), &row.text(2));
        answer.map(Some).map_err(|error| status::internal(&error))
    }

    /// Keeps the effects of a call and, under its key, its answer, together. When it returns, the answer may be told; if
    /// another call with the same key was faster, that one's answer is given and these effects never were.
    ///
    /// # Errors
    ///
    /// `CONFLICT` if what the effects are for has changed meanwhile.
    pub async fn keep<M: Message + Default>(
        &self,
        call: &Call,
        answer: M,
        mut effects: Vec<Statement>,
    ) -> Result<M, Status> {
        if let Some(key) = &call.key {
            let now = clock::now_ms();
            let json = proto::frame::to_json(&full_name(call.kind, "Response"), &answer).to_string();
            let args =
                vec![key.as_str().into(), call.kind.into(), call.request.as_str().into(), json.into(), now.into()];
            let oldest = now.saturating_sub(KEPT_MS);
            // The key first: where it is taken, nothing else is tried.
            effects.insert(0, Statement::new(ANSWER, args));
            effects.push(Statement::new(FORGET, vec![oldest.into()]));
        }
        if effects.is_empty() {
            return Ok(answer);
        }
        match self.db.write(effects).await {
            Ok(()) => Ok(answer),
            Err(DbError::Unique) => {
                let faster = self.answered(call).await?;
                faster.ok_or_else(|| status::error(ErrorCode::Conflict, "this was done meanwhile by another call"))
            }
            Err(DbError::Conflict) => Err(status::error(
                ErrorCode::Conflict,
                "the character has changed meanwhile: read what is sustained, then try again",
            )),
            Err(error) => Err(status::database(&error)),
        }
    }
}

/// The effect of sustaining one spell more, as long as fewer than `most` are sustained.
pub fn sustain(character_id: &str, spell: &Sustained, most: u32) -> Statement {
    let args = vec![
        spell.id.as_str().into(),
        character_id.into(),
        spell.spell_name.as_str().into(),
        i64::from(spell.force).into(),
        spell.target_name.as_str().into(),
        spell.target_character_id.clone().into(),
        spell.cast_at.into(),
        i64::from(most).into(),
    ];
    Statement::new(SUSTAIN, args).affecting(1)
}

/// The effect of sustaining a spell no longer.
pub fn drop_spell(spell: &Sustained) -> Statement {
    Statement::new(DROP, vec![spell.id.as_str().into()]).affecting(1)
}

impl Sustained {
    /// A spell that is sustained from now on.
    pub fn new(spell_name: &str, force: u32, target_name: &str, target_character_id: Option<String>) -> Sustained {
        Sustained {
            id: Uuid::now_v7().to_string(),
            spell_name: spell_name.to_owned(),
            force,
            target_name: target_name.to_owned(),
            target_character_id,
            cast_at: clock::now_ms(),
        }
    }
}

fn read_sheet(row: &Row) -> Result<Sheet, Status> {
    serde_json::from_str(&row.text(0)).map_err(|error| {
        tracing::error!(%error, "a sheet cannot be read");
        status::error(ErrorCode::CharacterLoadFailed, "the sheet cannot be read; the log says why")
    })
}

fn full_name(kind: &str, suffix: &str) -> String {
    format!("dicetower.character.v1.{kind}{suffix}")
}

#[cfg(test)]
mod tests {
    use proto::character::v1::{DropSpellRequest, DropSpellResponse};

    use super::*;
    use crate::samples;

    /// The same facts on SQLite, and on PostgreSQL where the test run offers one.
    async fn stores() -> Vec<(Store, Option<tempfile::TempDir>)> {
        let folder = tempfile::tempdir().unwrap();
        let config = DatabaseConfig::Folder { path: folder.path().into(), fsync: false };
        let mut stores = vec![(Store::open(&config).await.unwrap(), Some(folder))];
        match std::env::var("DICETOWER_TEST_POSTGRES") {
            Ok(url) => stores.push((Store::open(&DatabaseConfig::Postgres(url.into())).await.unwrap(), None)),
            Err(_) => assert!(std::env::var_os("CI").is_none(), "the CI must offer PostgreSQL"),
        }
        for (store, _) in &stores {
            let clear = ["DELETE FROM sustained_spells", "DELETE FROM characters", "DELETE FROM answers"];
            store.db.write(clear.map(|sql| Statement::new(sql, Vec::new())).into()).await.unwrap();
        }
        stores
    }

    #[tokio::test]
    async fn every_store_keeps_the_same_contract() {
        for (store, _folder) in stores().await {
            samples_are_there_once(&store).await;
            a_street_name_comes_before_a_given_name(&store).await;
            spells_are_sustained_up_to_a_limit(&store).await;
            an_answer_and_its_effects_are_kept_together(&store).await;
        }
    }

    async fn samples_are_there_once(store: &Store) {
        let sheets = samples::sheets().unwrap();
        store.seed(&sheets).await.unwrap();
        store.seed(&sheets).await.unwrap();
        let names: Vec<String> = store.all().await.unwrap().into_iter().map(|sheet| sheet.street_name).collect();
        assert_eq!(names, ["Axel", "Block", "Manticore", "Oak", "Platinum"]);
    }

    async fn a_street_name_comes_before_a_given_name(store: &Store) {
        let named = |id: &str, name: &str, street_name: &str| Sheet {
            id: id.to_owned(),
            name: name.to_owned(),
            street_name: street_name.to_owned(),
            ..Sheet::default()
        };
        for sheet in [named("a", "Axel", "Wedge"), named("b", "John Doe", "Ghost"), named("c", "John Doe", "Chrome")] {
            let args = vec![
                sheet.id.as_str().into(),
                names::folded(&sheet.street_name).into(),
                names::folded(&sheet.name).into(),
                serde_json::to_string(&sheet).unwrap().into(),
                0i64.into(),
            ];
            store.db.write(vec![Statement::new(SEED, args)]).await.unwrap();
        }
        let found = |name: &'static str| async move {
            store.named(name).await.unwrap().into_iter().map(|sheet| sheet.street_name).collect::<Vec<_>>()
        };
        assert_eq!(found("AXEL").await, ["Axel"]);
        assert_eq!(found("john  doe").await, ["Chrome", "Ghost"]);
        assert_eq!(found("Chrom").await, [""; 0]);
    }

    async fn spells_are_sustained_up_to_a_limit(store: &Store) {
        let oak = samples::sheet("Oak").id;
        let call = Call { kind: "CastSpell", request: "{}".into(), key: None };
        let held = Sustained::new("Barrier", 5, "", Some(oak.clone()));
        store.keep(&call, (), vec![sustain(&oak, &held, 1)]).await.unwrap();
        assert_eq!(store.sustained(&oak).await.unwrap(), std::slice::from_ref(&held));

        let more = store.keep(&call, (), vec![sustain(&oak, &Sustained::new("Light", 1, "", None), 1)]).await;
        assert_eq!(more.unwrap_err().code(), tonic::Code::AlreadyExists);

        store.keep(&call, (), vec![drop_spell(&held)]).await.unwrap();
        assert!(store.sustained(&oak).await.unwrap().is_empty());
    }

    async fn an_answer_and_its_effects_are_kept_together(store: &Store) {
        let oak = samples::sheet("Oak").id;
        let mut request = Request::new(DropSpellRequest { spell_name: "Barrier".into(), ..Default::default() });
        request.metadata_mut().insert("idempotency-key", "turn/1/1".parse().unwrap());
        let call = Call::of("DropSpell", &request).unwrap();
        let answer = |message: &str| DropSpellResponse { message: message.to_owned(), ..Default::default() };
        assert_eq!(store.answered::<DropSpellResponse>(&call).await.unwrap(), None);

        let effect = || vec![sustain(&oak, &Sustained::new("Barrier", 5, "", None), 7)];
        let first = store.keep(&call, answer("first"), effect()).await.unwrap();
        let second = store.keep(&call, answer("second"), effect()).await.unwrap();

        assert_eq!((first.message.as_str(), second.message.as_str()), ("first", "first"));
        assert_eq!(store.sustained(&oak).await.unwrap().len(), 1);
        let other = Call { request: "{}".into(), ..call };
        let status = store.answered::<DropSpellResponse>(&other).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::AlreadyExists);
    }

    #[test]
    fn a_key_is_short_text() {
        let mut request = Request::new(DropSpellRequest::default());
        request.metadata_mut().insert("idempotency-key", "x".repeat(MAX_KEY + 1).parse().unwrap());
        assert!(Call::of("DropSpell", &request).is_err());
    }
}
