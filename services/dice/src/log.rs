//! The roll log: every roll with its faces, its cause and its trace, kept before anybody is told.

use prost::Message;
use service_kit::{
    db::{DatabaseConfig, Db, DbError, Statement},
    status::{self, ErrorCode},
    telemetry, trace,
};
use tonic::{Request, Status};
use uuid::Uuid;

const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/dice/0001_rolls.sql")];
const INSERT: &str = "INSERT INTO rolls (id, at, kind, cause, trace_id, faces, request, answer, idempotency_key)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const BY_KEY: &str = "SELECT kind, request, answer FROM rolls WHERE idempotency_key = $1";

/// Longest idempotency key, in characters.
const MAX_KEY: usize = 200;

/// The log in the service's database.
pub struct RollLog {
    db: Db,
}

/// What a roll is, and what it was asked for.
pub struct Cause {
    /// The RPC, such as `RollDice`.
    pub kind: &'static str,
    /// Why the dice are rolled, or empty.
    pub reason: String,
    /// The request as JSON.
    pub request: String,
    /// The caller's key, under which the same roll is answered again.
    pub key: Option<String>,
}

impl Cause {
    /// The cause of a request to the RPC `kind`.
    ///
    /// # Errors
    ///
    /// The idempotency key is not one.
    pub fn of<M: Message>(kind: &'static str, request: &Request<M>, reason: Option<String>) -> Result<Cause, Status> {
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
        Ok(Cause {
            kind,
            reason: reason.unwrap_or_default(),
            request: proto::frame::to_json(&request_name(kind), request.get_ref()).to_string(),
            key: key.map(str::to_owned),
        })
    }
}

impl RollLog {
    /// Opens the log.
    pub async fn open(database: &DatabaseConfig) -> anyhow::Result<RollLog> {
        Ok(RollLog { db: Db::open(database, "dice", MIGRATIONS).await? })
    }

    /// The answer that was given before under the cause's key.
    ///
    /// # Errors
    ///
    /// `CONFLICT` if the key belongs to another request.
    pub async fn answered<M: Message + Default>(&self, cause: &Cause) -> Result<Option<M>, Status> {
        let Some(key) = &cause.key else { return Ok(None) };
        let rows = self.db.fetch(BY_KEY, vec![key.as_str().into()]).await.map_err(|error| status::database(&error))?;
        let Some(row) = rows.first() else { return Ok(None) };
        if row.text(0) != cause.kind || row.text(1) != cause.request {
            let message = format!("the idempotency key {key:?} belongs to another request");
            return Err(status::error(ErrorCode::Conflict, message));
        }
        proto::frame::from_json(&response_name(cause.kind), &row.text(2))
            .map(Some)
            .map_err(|error| status::internal(&error))
    }

    /// Keeps a roll. When it returns, the roll may be told; if another call with the same key was faster, it answers
    /// that one's roll, and this one's faces were never seen.
    pub async fn keep<M: Message + Default>(
        &self,
        roll_id: Uuid,
        cause: &Cause,
        faces: &[u32],
        answer: M,
    ) -> Result<M, Status> {
        let insert = Statement::new(
            INSERT,
            vec![
                roll_id.to_string().into(),
                telemetry::now_ms().into(),
                cause.kind.into(),
                cause.reason.as_str().into(),
                trace::current_id_text().into(),
                format!("{faces:?}").into(),
                cause.request.as_str().into(),
                proto::frame::to_json(&response_name(cause.kind), &answer).to_string().into(),
                cause.key.clone().into(),
            ],
        );
        match self.db.write(vec![insert]).await {
            Ok(()) => Ok(answer),
            Err(DbError::Unique) => {
                let faster = self.answered(cause).await?;
                faster.ok_or_else(|| status::error(ErrorCode::Conflict, "the roll's id is taken"))
            }
            Err(error) => Err(status::database(&error)),
        }
    }
}

fn request_name(kind: &str) -> String {
    format!("dicetower.dice.v1.{kind}Request")
}

fn response_name(kind: &str) -> String {
    format!("dicetower.dice.v1.{kind}Response")
}
