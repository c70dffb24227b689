//! What is kept: sheets with every change of them, bookings, documents, and the answers given under idempotency keys.
//!
//! A change is one transaction: the sheet under its next revision, the entry of the audit log, the bookings of Karma and
//! nuyen, and the answer under the caller's key. What is deleted stays, and so does its name.

mod changes;
mod documents;

use std::{collections::HashMap, sync::Arc};

use prost::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::{
    clock,
    db::{AsOf, DatabaseConfig, Db, DbError, Row, Schema, Statement},
    recent::Recent,
    status::{self, ErrorCode},
};
use tonic::{Request, Status, metadata::MetadataMap};

pub use changes::{Account, Booking, Change, Difference, Entry, Subject};
pub use documents::{Document, Kind};

use crate::{names, sheet::Sheet};

/// The tables, for backups.
pub const SCHEMA: Schema = Schema { service: "character", migrations: MIGRATIONS };

pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/character/0001_characters.sql"),
    include_str!("../../../migrations/character/0002_changes.sql"),
    include_str!("../../../migrations/character/0003_listed.sql"),
];

const COUNT: &str = "SELECT COUNT(*) FROM characters";
const SEED: &str = "INSERT INTO characters
         (id, street_name_key, name_key, sheet, revision, created_at, updated_at, listed)
     VALUES ($1, $2, $3, $4, 1, $5, $5, $6) ON CONFLICT DO NOTHING";
const CREATE: &str = "INSERT INTO characters
         (id, street_name_key, name_key, sheet, revision, created_at, updated_at, listed)
     VALUES ($1, $2, $3, $4, 1, $5, $5, $6)";
const REPLACE: &str = "UPDATE characters
     SET street_name_key = $2, name_key = $3, sheet = $4, revision = $5, updated_at = $6, deleted_at = $7, listed = $9
     WHERE id = $1 AND revision = $8";
const ALL: &str = "SELECT listed FROM characters WHERE deleted_at IS NULL ORDER BY street_name_key";
const UNLISTED: &str = "SELECT id, sheet FROM characters WHERE listed = ''";
const LIST: &str = "UPDATE characters SET listed = $2 WHERE id = $1 AND listed = ''";
const BY_NAME: &str = "SELECT id, revision, street_name_key FROM characters
     WHERE (street_name_key = $1 OR name_key = $1) AND deleted_at IS NULL ORDER BY street_name_key";
const BY_ID: &str = "SELECT sheet, revision FROM characters WHERE id = $1 AND deleted_at IS NULL";
const REVISION: &str = "SELECT revision FROM characters WHERE id = $1 AND deleted_at IS NULL";
const DELETED: &str = "SELECT sheet, revision FROM characters WHERE deleted_at IS NOT NULL ORDER BY street_name_key";
const TAKEN: &str = "SELECT 1 FROM characters WHERE street_name_key = $1";
const IS_THERE: &str = "SELECT 1 FROM characters WHERE id = $1";
const UNRECORDED: &str = "SELECT sheet, revision FROM characters
     WHERE NOT EXISTS (SELECT 1 FROM changes WHERE changes.subject_id = characters.id)";

const ANSWERED: &str = "SELECT kind, request, answer FROM answers WHERE idempotency_key = $1";
const ANSWER: &str = "INSERT INTO answers (idempotency_key, kind, request, answer, at) VALUES ($1, $2, $3, $4, $5)";
const FORGET: &str = "DELETE FROM answers WHERE at < $1";

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Longest idempotency key of a caller, in characters; inner calls append to it.
const MAX_KEY: usize = 180;
/// Longest name of whoever changes something, in characters.
const MAX_ACTOR: usize = 200;

/// Sheets that are kept ready to be read, at the most.
const READ: usize = 128;

/// The service's database.
pub struct Store {
    db: Db,
    /// Sheets as they were read or written last, by id: to read one from its text takes longer than all else in a call.
    read: Recent<Record>,
    /// How long an answer is kept under its key, in milliseconds.
    kept_ms: i64,
}

/// A sheet and the number of changes that made it what it is.
#[derive(Debug, Clone)]
pub struct Record {
    pub sheet: Arc<Sheet>,
    pub revision: u64,
}

/// What a call writes.
#[derive(Default)]
pub struct Effects {
    pub statements: Vec<Statement>,
    /// The sheets it changes, by id, as they are then.
    pub sheets: HashMap<String, Record>,
}

impl From<Vec<Statement>> for Effects {
    fn from(statements: Vec<Statement>) -> Effects {
        Effects { statements, ..Effects::default() }
    }
}

/// Why a write was not made.
pub enum Unkept {
    /// What it was for has changed meanwhile: it may be tried again.
    Conflict,
    /// What the caller is told.
    Refused(Status),
}

impl From<Unkept> for Status {
    fn from(unkept: Unkept) -> Status {
        match unkept {
            Unkept::Refused(status) => status,
            Unkept::Conflict => {
                status::error(ErrorCode::Conflict, "it was changed meanwhile by another call: read it, then try again")
            }
        }
    }
}

/// A call that rolls or changes something: what was asked, by whom, why, and the caller's key for it.
pub struct Call {
    /// The RPC, such as `CastSpell`.
    kind: &'static str,
    /// The message it answers with.
    answer: &'static str,
    /// The request as JSON; empty without a key.
    request: String,
    /// The key, under which the same answer is given again.
    pub key: Option<String>,
    /// Who calls.
    pub actor: String,
    /// At which table; empty if at none.
    pub session_id: String,
    /// The metadata `session-id` and `player` as they came: its rolls stand in that session's chain.
    pub scope: MetadataMap,
    /// Why; empty if nothing was said.
    pub reason: String,
}

impl Call {
    /// The call of a request; `message` and `answer` are the names of both messages in the contract.
    ///
    /// # Errors
    ///
    /// `INVALID_INPUT` for a key that is empty or too long.
    pub fn of<M: Message>(message: &'static str, answer: &'static str, request: &Request<M>) -> Result<Call, Status> {
        let kind = message.strip_suffix("Request").unwrap_or(message);
        let metadata = request.metadata();
        let key = match metadata.get("idempotency-key") {
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
        let text = |name: &str| {
            let value = metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            value.chars().take(MAX_ACTOR).collect::<String>()
        };
        let session_id = text("session-id");
        let mut scope = MetadataMap::new();
        for name in ["session-id", "player"] {
            if let Some(value) = metadata.get(name) {
                scope.insert(name, value.clone());
            }
        }
        let mut actor = text("actor");
        if actor.is_empty() {
            actor = if session_id.is_empty() { "direct call".to_owned() } else { format!("table {session_id}") };
        }
        // Without a key nobody asks what the request was.
        let request = key.map(|_| proto::frame::to_text(&full_name(message), request.get_ref()));
        Ok(Call {
            kind,
            answer,
            request: request.unwrap_or_default(),
            key: key.map(str::to_owned),
            actor,
            session_id,
            scope,
            reason: String::new(),
        })
    }

    /// The same call with its reason.
    #[must_use]
    pub fn because(mut self, reason: Option<&str>) -> Call {
        self.reason = reason.unwrap_or_default().to_owned();
        self
    }

    /// The tool's name.
    pub fn operation(&self) -> String {
        let mut name = String::new();
        for char in self.kind.chars() {
            if char.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(char.to_ascii_lowercase());
        }
        name
    }

    /// The call of the service itself when it starts.
    fn own(kind: &'static str, reason: &str) -> Call {
        Call {
            kind,
            answer: "",
            request: String::new(),
            key: None,
            actor: "character service".to_owned(),
            session_id: String::new(),
            scope: MetadataMap::new(),
            reason: reason.to_owned(),
        }
    }
}

impl Store {
    /// Opens the store. Sheets that an older version kept begin their audit log and ledger here.
    pub async fn open(database: &DatabaseConfig, keep_keys_days: u32) -> anyhow::Result<Store> {
        let db = Db::open(database, "character", MIGRATIONS).await?;
        let store = Store { db, read: Recent::new(READ), kept_ms: i64::from(keep_keys_days) * DAY_MS };
        store.record_older_sheets().await?;
        store.list_older_sheets().await?;
        Ok(store)
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// This moment, for what will be read from now on; `None` where others write, too.
    pub fn as_of(&self) -> Option<AsOf> {
        self.db.as_of()
    }

    /// Puts sheets into a store that has none.
    pub async fn seed(&self, sheets: &[Sheet]) -> anyhow::Result<()> {
        let there = self.db.fetch(COUNT, Vec::new()).await?.first().map(|row| row.integer(0)).unwrap_or_default();
        if there > 0 {
            return Ok(());
        }
        let mut inserts = Vec::new();
        for sheet in sheets {
            inserts.push(Statement::new(SEED, columns(sheet, text(sheet))));
        }
        // A second process that starts at once finds them there, or records them as this one does.
        self.db.write(inserts).await?;
        self.record_older_sheets().await?;
        tracing::info!(characters = sheets.len(), "sample characters made");
        Ok(())
    }

    /// Begins the audit log and the ledger of every sheet that has none.
    async fn record_older_sheets(&self) -> anyhow::Result<()> {
        for row in self.db.fetch(UNRECORDED, Vec::new()).await? {
            // One that cannot be read stays as it is; whoever asks for it is told.
            let Ok(Record { sheet, revision }) = read(&row) else { continue };
            let mut sheet = Arc::unwrap_or_clone(sheet);
            sheet.complete();
            let call = Call::own("Begin", "the first entry of this sheet");
            let text = text(&sheet);
            let mut statements = Change::first(&call, Subject::character(&sheet), &text, revision);
            statements.insert(0, replace(&sheet, text, revision, revision, false));
            match self.db.write(statements).await {
                // Another process has just done the same.
                Ok(()) | Err(DbError::Unique | DbError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Writes what a list tells of the sheets that an older version kept.
    async fn list_older_sheets(&self) -> anyhow::Result<()> {
        for row in self.db.fetch(UNLISTED, Vec::new()).await? {
            // One that cannot be read is listed by nobody.
            let Ok(sheet) = serde_json::from_str::<Sheet>(&row.text(1)) else { continue };
            let args = vec![row.text(0).into(), listed(&sheet).into()];
            self.db.write(vec![Statement::new(LIST, args)]).await?;
        }
        Ok(())
    }

    /// What a list tells of every character, ordered by street name.
    pub async fn all(&self) -> Result<Vec<Listed>, Status> {
        let rows = self.fetch(ALL, Vec::new()).await?;
        // What is not written yet cannot be read either.
        Ok(rows.iter().filter_map(|row| serde_json::from_str(&row.text(0)).ok()).collect())
    }

    /// Every deleted sheet, ordered by street name.
    pub async fn deleted(&self) -> Result<Vec<Record>, Status> {
        self.fetch(DELETED, Vec::new()).await?.iter().map(read).collect()
    }

    /// The sheets that a name fits: the one with that street name, else all with that given name.
    pub async fn named(&self, name: &str) -> Result<Vec<Record>, Status> {
        let mut found = Vec::new();
        for (id, revision) in self.tags(name).await? {
            // Deleted meanwhile, it is none of them.
            found.extend(self.at(&id, revision).await?);
        }
        Ok(found)
    }

    /// Id and revision of the one sheet that a name fits, if one does.
    pub async fn tag(&self, name: &str) -> Result<Option<(String, u64)>, Status> {
        let mut tags = self.tags(name).await?;
        Ok(if tags.len() == 1 { tags.pop() } else { None })
    }

    /// Ids and revisions of the sheets that a name fits.
    async fn tags(&self, name: &str) -> Result<Vec<(String, u64)>, Status> {
        let key = names::folded(name);
        let rows = self.fetch(BY_NAME, vec![key.as_str().into()]).await?;
        let street = rows.iter().position(|row| row.text(2) == key);
        let rows = street.map_or(rows.as_slice(), |index| &rows[index..=index]);
        Ok(rows.iter().map(|row| (row.text(0), row.unsigned(1))).collect())
    }

    /// The sheet of this id, unless it is deleted.
    pub async fn by_id(&self, id: &str) -> Result<Option<Record>, Status> {
        match self.fetch(REVISION, vec![id.into()]).await?.first() {
            Some(row) => self.at(id, row.unsigned(0)).await,
            None => Ok(None),
        }
    }

    /// The sheet of this id, of this revision or a later one, unless it is deleted.
    async fn at(&self, id: &str, revision: u64) -> Result<Option<Record>, Status> {
        if let Some(record) = self.read.get(id).filter(|record| record.revision == revision) {
            return Ok(Some(record));
        }
        let record = self.fetch(BY_ID, vec![id.into()]).await?.first().map(read).transpose()?;
        if let Some(record) = &record {
            self.read.put(id.to_owned(), record.clone());
        }
        Ok(record)
    }

    /// Whether a character, deleted or not, has this street name.
    pub async fn is_taken(&self, street_name: &str) -> Result<bool, Status> {
        let rows = self.fetch(TAKEN, vec![names::folded(street_name).into()]).await?;
        Ok(!rows.is_empty())
    }

    /// Whether a character, deleted or not, has this id.
    pub async fn has_id(&self, id: &str) -> Result<bool, Status> {
        Ok(!self.fetch(IS_THERE, vec![id.into()]).await?.is_empty())
    }

    /// The answer that was given before under the call's key.
    ///
    /// # Errors
    ///
    /// `CONFLICT` if the key belongs to another request.
    pub async fn answered<M: Message + Default>(&self, call: &Call) -> Result<Option<M>, Status> {
        let Some(key) = &call.key else { return Ok(None) };
        let rows = self.fetch(ANSWERED, vec![key.as_str().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        if row.text(0) != call.kind || row.text(1) != call.request {
            let message = format!("the idempotency key {key:?} belongs to another request");
            return Err(status::error(ErrorCode::Conflict, message));
        }
        let answer = proto::frame::from_json(&full_name(call.answer), &row.text(2));
        answer.map(Some).map_err(|error| status::internal(&error))
    }

    /// Keeps the effects of a call and, under its key, its answer, together. When it returns, the answer may be told; if
    /// another call with the same key was faster, that one's answer is given and these effects never were.
    ///
    /// # Errors
    ///
    /// [`Unkept::Conflict`] if what the effects are for has changed meanwhile; `CONFLICT` if a name is taken.
    pub async fn keep<M: Message + Default>(
        &self,
        call: &Call,
        answer: M,
        effects: impl Into<Effects>,
    ) -> Result<M, Unkept> {
        let Effects { mut statements, sheets } = effects.into();
        if let Some(key) = &call.key {
            let now = clock::now_ms();
            let json = proto::frame::to_text(&full_name(call.answer), &answer);
            let args =
                vec![key.as_str().into(), call.kind.into(), call.request.as_str().into(), json.into(), now.into()];
            let oldest = now.saturating_sub(self.kept_ms);
            // The key first: where it is taken, nothing else is tried.
            statements.insert(0, Statement::new(ANSWER, args));
            statements.push(Statement::new(FORGET, vec![oldest.into()]));
        }
        if statements.is_empty() {
            return Ok(answer);
        }
        match self.db.write(statements).await {
            Ok(()) => {
                sheets.into_iter().for_each(|(id, record)| self.read.put(id, record));
                Ok(answer)
            }
            Err(DbError::Unique) => match self.answered(call).await.map_err(Unkept::Refused)? {
                Some(faster) => Ok(faster),
                None => Err(Unkept::Refused(status::error(
                    ErrorCode::Conflict,
                    "the name is taken (names are the same whatever their case; a deleted character keeps his)",
                ))),
            },
            Err(DbError::Conflict) => Err(Unkept::Conflict),
            Err(error) => Err(Unkept::Refused(status::database(&error))),
        }
    }

    async fn fetch(&self, sql: &'static str, args: Vec<service_kit::db::Value>) -> Result<Vec<Row>, Status> {
        self.db.fetch(sql, args).await.map_err(|error| status::database(&error))
    }
}

/// The effect of a new character.
pub fn create(sheet: &Sheet, text: String) -> Statement {
    Statement::new(CREATE, columns(sheet, text))
}

/// The effect of a sheet that is another now; it must not have changed since revision `from`.
pub fn replace(sheet: &Sheet, text: String, from: u64, to: u64, deleted: bool) -> Statement {
    let columns = columns(sheet, text);
    let [id, street_name, name, text, now, listed] = <[_; 6]>::try_from(columns).expect("a sheet has six columns");
    let deleted_at = deleted.then(clock::now_ms);
    let args = vec![id, street_name, name, text, to.into(), now, deleted_at.into(), from.into(), listed];
    Statement::new(REPLACE, args).affecting(1)
}

fn columns(sheet: &Sheet, text: String) -> Vec<service_kit::db::Value> {
    vec![
        sheet.id.as_str().into(),
        names::folded(&sheet.street_name).into(),
        names::folded(&sheet.name).into(),
        text.into(),
        clock::now_ms().into(),
        listed(sheet).into(),
    ]
}

/// What a list tells of a character.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    pub id: String,
    pub name: String,
    pub street_name: String,
    pub character_type: String,
    pub archetype: String,
    pub metatype: String,
    /// The campaign he is in.
    pub campaign_id: Option<String>,
}

fn listed(sheet: &Sheet) -> String {
    let listed = Listed {
        id: sheet.id.clone(),
        name: sheet.name.clone(),
        street_name: sheet.street_name.clone(),
        character_type: sheet.character_type.clone(),
        archetype: sheet.archetype.clone(),
        metatype: sheet.metatype.clone(),
        campaign_id: sheet.campaign_id.clone(),
    };
    serde_json::to_string(&listed).expect("texts are JSON")
}

/// A sheet as it is kept.
pub fn text(sheet: &Sheet) -> String {
    serde_json::to_string(sheet).expect("a sheet has string keys and finite numbers")
}

/// A sheet as JSON.
pub fn json(sheet: &Sheet) -> Value {
    serde_json::to_value(sheet).expect("a sheet has string keys and finite numbers")
}

fn read(row: &Row) -> Result<Record, Status> {
    let sheet = serde_json::from_str(&row.text(0)).map_err(|error| {
        tracing::error!(%error, "a sheet cannot be read");
        status::error(ErrorCode::CharacterLoadFailed, "the sheet cannot be read; the log says why")
    })?;
    Ok(Record { sheet: Arc::new(sheet), revision: row.unsigned(1) })
}

fn full_name(message: &str) -> String {
    format!("dicetower.character.v1.{message}")
}

#[cfg(test)]
mod tests {
    use proto::character::v1::{DropSpellRequest, DropSpellResponse};
    use service_kit::testing::TestDatabase;

    use super::*;
    use crate::samples;

    #[tokio::test]
    async fn every_store_keeps_the_same_contract() {
        for database in TestDatabase::each().await {
            let store = Store::open(&database.config, 7).await.unwrap();
            samples_are_there_once_with_their_first_entry(&store).await;
            what_an_older_version_kept_is_listed(&store).await;
            a_street_name_comes_before_a_given_name(&store).await;
            a_change_is_kept_with_its_entry_once(&store).await;
            an_answer_and_its_effects_are_kept_together(&store).await;
        }
    }

    async fn samples_are_there_once_with_their_first_entry(store: &Store) {
        let sheets = samples::sheets().unwrap();
        store.seed(&sheets).await.unwrap();
        store.seed(&sheets).await.unwrap();
        let all = store.all().await.unwrap();
        let names: Vec<&str> = all.iter().map(|sheet| sheet.street_name.as_str()).collect();
        assert_eq!(names, ["Axel", "Block", "Manticore", "Oak", "Platinum"]);
        for listed in &all {
            let sheet = store.by_id(&listed.id).await.unwrap().unwrap().sheet;
            let changes = store.changes_after(&sheet.id, 0, 10).await.unwrap();
            assert_eq!(changes.len(), 1, "{}", sheet.street_name);
            assert_eq!(changes[0].after, json(&sheet));
            let (_, balance) = store.bookings(&sheet.id, Account::Nuyen, 10).await.unwrap();
            assert_eq!(balance, sheet.nuyen);
        }
    }

    async fn what_an_older_version_kept_is_listed(store: &Store) {
        store.db.write(vec![Statement::new("UPDATE characters SET listed = ''", Vec::new())]).await.unwrap();
        assert_eq!(store.all().await.unwrap().len(), 0);
        store.list_older_sheets().await.unwrap();
        assert_eq!(store.all().await.unwrap().len(), 5);
    }

    async fn a_street_name_comes_before_a_given_name(store: &Store) {
        let named = |id: &str, name: &str, street_name: &str| Sheet {
            id: id.to_owned(),
            name: name.to_owned(),
            street_name: street_name.to_owned(),
            ..Sheet::default()
        };
        for sheet in [named("a", "Axel", "Wedge"), named("b", "John Doe", "Ghost"), named("c", "John Doe", "Chrome")] {
            store.db.write(vec![create(&sheet, text(&sheet))]).await.unwrap();
        }
        let found = |name: &'static str| async move {
            let found = store.named(name).await.unwrap();
            found.into_iter().map(|record| record.sheet.street_name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found("AXEL").await, ["Axel"]);
        assert_eq!(found("john  doe").await, ["Chrome", "Ghost"]);
        assert_eq!(found("Chrom").await, [""; 0]);
    }

    /// The effects of giving a character a nuyen.
    fn a_nuyen_more(call: &Call, record: &Record) -> Vec<Statement> {
        let mut sheet = Sheet::clone(&record.sheet);
        sheet.nuyen += 1;
        let (from, to) = (record.revision, record.revision + 1);
        let text = text(&sheet);
        let difference = Difference::of(&super::text(&record.sheet), &text);
        let mut effects = vec![replace(&sheet, text, from, to, false)];
        effects.extend(Change::statements(call, Subject::character(&sheet), &difference, to, "a nuyen more"));
        effects
    }

    async fn a_change_is_kept_with_its_entry_once(store: &Store) {
        let call = Call { answer: "DropSpellResponse", ..Call::own("Test", "for the test") };
        let record = store.named("Oak").await.unwrap().remove(0);
        let effects = || a_nuyen_more(&call, &record);
        assert!(store.keep(&call, (), effects()).await.is_ok());

        assert!(matches!(store.keep(&call, (), effects()).await, Err(Unkept::Conflict)));

        let now = store.by_id(&record.sheet.id).await.unwrap().unwrap();
        assert_eq!((now.sheet.nuyen, now.revision), (record.sheet.nuyen + 1, record.revision + 1));
        let latest = &store.changes(Some((&record.sheet.id, u64::MAX)), 1).await.unwrap()[0];
        assert_eq!((latest.reason.as_str(), latest.summary.as_str()), ("for the test", "a nuyen more"));
        assert_eq!(latest.before, serde_json::json!({"nuyen": record.sheet.nuyen}));
        let (bookings, balance) = store.bookings(&record.sheet.id, Account::Nuyen, 10).await.unwrap();
        assert_eq!((bookings.len(), bookings[0].amount, balance), (2, 1, now.sheet.nuyen));
    }

    async fn an_answer_and_its_effects_are_kept_together(store: &Store) {
        let mut request = Request::new(DropSpellRequest { spell_name: "Barrier".into(), ..Default::default() });
        request.metadata_mut().insert("idempotency-key", "turn/1/1".parse().unwrap());
        let call = Call::of("DropSpellRequest", "DropSpellResponse", &request).unwrap();
        let answer = |message: &str| DropSpellResponse { message: message.to_owned(), ..Default::default() };
        assert_eq!(store.answered::<DropSpellResponse>(&call).await.unwrap(), None);

        let record = store.named("Oak").await.unwrap().remove(0);
        let first = store.keep(&call, answer("first"), a_nuyen_more(&call, &record)).await.ok().unwrap();
        let record = store.named("Oak").await.unwrap().remove(0);
        let second = store.keep(&call, answer("second"), a_nuyen_more(&call, &record)).await.ok().unwrap();

        assert_eq!((first.message.as_str(), second.message.as_str()), ("first", "first"));
        assert_eq!(store.named("Oak").await.unwrap()[0].revision, record.revision);
        let other = Call { request: "{}".into(), ..call };
        let status = store.answered::<DropSpellResponse>(&other).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::AlreadyExists);
    }

    #[test]
    fn a_key_is_short_text() {
        let mut request = Request::new(DropSpellRequest::default());
        request.metadata_mut().insert("idempotency-key", "x".repeat(MAX_KEY + 1).parse().unwrap());
        assert!(Call::of("DropSpellRequest", "DropSpellResponse", &request).is_err());
    }

    #[test]
    fn an_operation_has_the_tools_name() {
        assert_eq!(Call::own("AddKarma", "").operation(), "add_karma");
    }
}
