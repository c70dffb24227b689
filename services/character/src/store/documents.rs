//! Campaigns, NPCs, house rules and fights: a JSON document each, with its revision and its audit log.

use serde_json::Value;
use service_kit::{
    clock,
    db::{Row, Statement},
    status::{self, ErrorCode},
};
use tonic::Status;
use uuid::Uuid;

use super::{Call, Change, Difference, Store, Subject};
use crate::names;

const INSERT: &str = "INSERT INTO documents (id, kind, scope, name_key, document, revision, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, 1, $6, $6)";
const UPDATE: &str = "UPDATE documents SET name_key = $2, document = $3, revision = $4, updated_at = $5
     WHERE id = $1 AND revision = $6";
const BY_ID: &str = "SELECT id, scope, document, revision, created_at, updated_at FROM documents
     WHERE kind = $1 AND id = $2";
const BY_NAME: &str = "SELECT id, scope, document, revision, created_at, updated_at FROM documents
     WHERE kind = $1 AND name_key = $2 ORDER BY created_at, id";
const ALL: &str = "SELECT id, scope, document, revision, created_at, updated_at FROM documents
     WHERE kind = $1 ORDER BY name_key, id LIMIT 2000";
const IN_SCOPE: &str = "SELECT id, scope, document, revision, created_at, updated_at FROM documents
     WHERE kind = $1 AND scope = $2 ORDER BY name_key, id LIMIT 2000";
const LATEST: &str = "SELECT id, scope, document, revision, created_at, updated_at FROM documents
     WHERE kind = $1 ORDER BY created_at DESC, id DESC LIMIT 1";

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Campaign,
    Npc,
    HouseRule,
    Combat,
}

impl Kind {
    /// The word, in the database and the audit log.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Campaign => "campaign",
            Kind::Npc => "npc",
            Kind::HouseRule => "house_rule",
            Kind::Combat => "combat",
        }
    }
}

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    pub kind: Kind,
    pub id: String,
    /// The campaign it belongs to; empty for none.
    pub scope: String,
    pub name: String,
    pub content: Value,
    /// 0 for one that is not kept yet.
    pub revision: u64,
    /// Unix milliseconds.
    pub created_at: i64,
    pub updated_at: i64,
}

impl Document {
    /// A new document.
    pub fn new(kind: Kind, scope: &str, name: &str, content: Value) -> Document {
        let now = clock::now_ms();
        Document {
            kind,
            id: Uuid::now_v7().to_string(),
            scope: scope.to_owned(),
            name: name.to_owned(),
            content,
            revision: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// The effect of keeping it as it is now, after it was `before`; it must not have changed since.
    pub fn statements(&self, call: &Call, before: &Value, summary: &str) -> Vec<Statement> {
        let revision = self.revision + 1;
        let key = names::folded(&self.name);
        // The name stands in the document under the key `name`.
        let mut content = self.content.clone();
        content["name"] = self.name.as_str().into();
        let text = content.to_string();
        let difference = Difference::of(&before.to_string(), &text);
        let now = clock::now_ms();
        let own = if self.revision == 0 {
            let args = vec![
                self.id.as_str().into(),
                self.kind.word().into(),
                self.scope.as_str().into(),
                key.into(),
                text.into(),
                now.into(),
            ];
            Statement::new(INSERT, args)
        } else {
            let args = vec![
                self.id.as_str().into(),
                key.into(),
                text.into(),
                revision.into(),
                now.into(),
                self.revision.into(),
            ];
            Statement::new(UPDATE, args).affecting(1)
        };
        let subject = Subject { kind: self.kind.word(), id: self.id.clone(), name: self.name.clone() };
        let mut statements = vec![own];
        statements.extend(Change::statements(call, subject, &difference, revision, summary));
        statements
    }
}

impl Store {
    /// The document of this id.
    pub async fn document(&self, kind: Kind, id: &str) -> Result<Option<Document>, Status> {
        self.documents_by(kind, BY_ID, Some(id)).await.map(|mut found| found.pop())
    }

    /// All documents of this name.
    pub async fn documents_named(&self, kind: Kind, name: &str) -> Result<Vec<Document>, Status> {
        self.documents_by(kind, BY_NAME, Some(&names::folded(name))).await
    }

    /// All documents of a kind, or those of a campaign (of none, if it is empty), by name; at most 2,000.
    pub async fn documents(&self, kind: Kind, scope: Option<&str>) -> Result<Vec<Document>, Status> {
        match scope {
            Some(scope) => self.documents_by(kind, IN_SCOPE, Some(scope)).await,
            None => self.documents_by(kind, ALL, None).await,
        }
    }

    /// The document that was made last.
    pub async fn latest_document(&self, kind: Kind) -> Result<Option<Document>, Status> {
        self.documents_by(kind, LATEST, None).await.map(|mut found| found.pop())
    }

    async fn documents_by(
        &self,
        kind: Kind,
        sql: &'static str,
        argument: Option<&str>,
    ) -> Result<Vec<Document>, Status> {
        let mut args = vec![kind.word().into()];
        args.extend(argument.map(Into::into));
        self.fetch(sql, args).await?.iter().map(|row| read(kind, row)).collect()
    }
}

fn read(kind: Kind, row: &Row) -> Result<Document, Status> {
    let content: Value = serde_json::from_str(&row.text(2)).map_err(|error| {
        tracing::error!(%error, kind = kind.word(), "a document cannot be read");
        status::error(ErrorCode::InternalError, "internal error")
    })?;
    Ok(Document {
        kind,
        id: row.text(0),
        scope: row.text(1),
        name: content["name"].as_str().unwrap_or_default().to_owned(),
        content,
        revision: row.unsigned(3),
        created_at: row.integer(4),
        updated_at: row.integer(5),
    })
}
