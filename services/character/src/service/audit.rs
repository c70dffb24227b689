//! The audit log, the ledger, and the stream of a character's changes.

use std::time::Duration;

use proto::{
    character::v1::{
        AuditEntry, CharacterChange, GetAuditLogRequest, GetAuditLogResponse, GetLedgerRequest, GetLedgerResponse,
        LedgerEntry, WatchCharacterRequest,
    },
    structs,
};
use service_kit::clock;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, codegen::BoxStream};

use super::{Characters, refuse};
use crate::{
    shapes,
    store::{Account, Booking, Entry},
};

/// Entries answered if nothing is said.
const USUAL_LIMIT: u32 = 100;
/// Changes read at once for a watcher.
const PAGE: u32 = 50;
/// How often a watcher looks for changes that another process made, unless it is woken.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The latest changes.
pub async fn log(service: &Characters, request: GetAuditLogRequest) -> Result<GetAuditLogResponse, Status> {
    let limit = request.limit.unwrap_or(USUAL_LIMIT);
    let entries = match &request.character_name {
        Some(name) => {
            let id = match service.find(name).await {
                Ok(record) => record.sheet.id.clone(),
                // What a deleted character was is still to be read.
                Err(status) => service.deleted_named(name).await?.ok_or(status)?.sheet.id.clone(),
            };
            let before = request.before_revision.unwrap_or(i64::MAX as u64);
            service.store.changes(Some((&id, before)), limit).await?
        }
        None if request.before_revision.is_some() => {
            return Err(refuse("before_revision counts for one character: give character_name"));
        }
        None => service.store.changes(None, limit).await?,
    };
    Ok(GetAuditLogResponse { entries: entries.into_iter().map(entry).collect() })
}

fn entry(entry: Entry) -> AuditEntry {
    AuditEntry {
        at: clock::rfc3339(entry.at),
        kind: entry.kind,
        subject: entry.subject,
        subject_id: entry.subject_id,
        revision: entry.revision,
        operation: entry.operation,
        actor: entry.actor,
        session_id: entry.session_id,
        reason: entry.reason,
        summary: entry.summary,
        before: Some(structs::from_json(entry.before)),
        after: Some(structs::from_json(entry.after)),
        trace_id: entry.trace_id,
    }
}

/// The bookings of an account.
pub async fn ledger(service: &Characters, request: GetLedgerRequest) -> Result<GetLedgerResponse, Status> {
    let sheet = service.find(&request.character_name).await?.sheet;
    let account = Account::parse(&request.account).ok_or_else(|| refuse("there is no such account"))?;
    let (bookings, balance) = service.store.bookings(&sheet.id, account, request.limit.unwrap_or(USUAL_LIMIT)).await?;
    let to_proto = |booking: Booking| LedgerEntry {
        at: clock::rfc3339(booking.at),
        amount: booking.amount,
        balance: booking.balance,
        operation: booking.operation,
        reason: booking.reason,
        revision: booking.revision,
    };
    Ok(GetLedgerResponse {
        character: sheet.street_name.clone(),
        account: request.account,
        balance,
        entries: bookings.into_iter().map(to_proto).collect(),
    })
}

/// A character's changes, as they are made.
pub async fn watch(service: &Characters, request: WatchCharacterRequest) -> Result<BoxStream<CharacterChange>, Status> {
    // Whatever happens from here on is heard.
    let mut heard = service.changed.subscribe();
    let record = service.find(&request.character_name).await?;
    let id = record.sheet.id.clone();
    let mut known = request.after_revision.unwrap_or(record.revision);
    let service = service.clone();
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        loop {
            match next(&service, &id, &mut known, &sender).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(status) => {
                    // The watcher may be gone; then there is nobody to tell.
                    let _ = sender.send(Err(status)).await;
                    return;
                }
            }
            tokio::select! {
                () = sender.closed() => return,
                // One that was too slow to hear everything looks, too.
                _ = heard.recv() => {}
                () = tokio::time::sleep(service.peers.wakes().pause(LOOK_AGAIN)) => {}
            }
        }
    });
    Ok(Box::pin(ReceiverStream::new(receiver)))
}

/// Sends the next changes; whether there were any.
async fn next(
    service: &Characters,
    id: &str,
    known: &mut u64,
    sender: &mpsc::Sender<Result<CharacterChange, Status>>,
) -> Result<bool, Status> {
    let changes = service.store.changes_after(id, *known, PAGE).await?;
    if changes.is_empty() {
        return Ok(false);
    }
    let record = service.store.by_id(id).await?;
    let sheet = record.map(|record| structs::from_json(shapes::of(&record.sheet, record.revision).into()));
    for change in changes {
        *known = change.revision;
        let change = CharacterChange { change: Some(entry(change)), sheet: sheet.clone() };
        if sender.send(Ok(change)).await.is_err() {
            // Nobody listens any more; the loop will see it.
            return Ok(false);
        }
    }
    Ok(true)
}
