//! What a game told while its connection was not there: read from the game's log, a page at a time, as fast as the
//! reader takes it.

use futures_util::future::BoxFuture;
use proto::fsm::v1::{Output, Reaction};
use tonic::Status;

use crate::{
    attachment::{Attachment, Fsm, history},
    command::Position,
};

/// Entries read at once.
const PAGE: u32 = 50;

/// Entries of a game's log that are being told again.
pub struct Replay {
    /// What has been told.
    after: Position,
    /// The last entry that is to be told.
    upto: u64,
    page: Option<BoxFuture<'static, Result<Vec<Reaction>, Status>>>,
    /// What is told at the end, if it is because a lost game was found again.
    pub greeting: Option<Vec<Output>>,
}

impl Replay {
    /// All that was told after a place, up to where the attachment begins.
    pub fn new(after: Position, attachment: &Attachment) -> Replay {
        Replay { after, upto: attachment.sequence, page: None, greeting: None }
    }

    /// Asks for the next page, if one is needed and not asked for.
    pub fn proceed(&mut self, fsm: &Fsm, attachment: &Attachment) {
        if self.page.is_none() {
            // An entry that was told in part comes again, without that part.
            let sequence =
                if self.after.line == u32::MAX { self.after.event } else { self.after.event.saturating_sub(1) };
            self.page = Some(Box::pin(history(fsm.clone(), attachment.game_id.clone(), sequence, PAGE)));
        }
    }

    /// The next page; none comes before it was asked for.
    pub async fn page(&mut self) -> Result<Vec<Reaction>, Status> {
        match &mut self.page {
            Some(page) => {
                let answer = page.await;
                self.page = None;
                answer
            }
            None => std::future::pending().await,
        }
    }

    /// What of a page is to be told, entry by entry. An empty page is the end.
    pub fn take(&mut self, entries: Vec<Reaction>, attachment: &Attachment) -> Vec<(u64, Vec<Output>)> {
        let begins = self.after;
        let last = entries.last().map_or(self.upto, |entry| entry.sequence);
        self.after = Position::end_of(last);
        let wanted = entries.into_iter().filter(|entry| entry.sequence <= self.upto).map(|mut entry| {
            entry.outputs.retain(|output| {
                let place = Position { event: entry.sequence, line: output.line };
                begins < place && attachment.hears(output.audience())
            });
            (entry.sequence, entry.outputs)
        });
        wanted.collect()
    }

    /// Whether everything was told.
    pub fn is_over(&self) -> bool {
        self.upto <= self.after.event && self.after.line == u32::MAX
    }

    /// The last entry that was told whole.
    pub fn told(&self) -> u64 {
        if self.after.line == u32::MAX { self.after.event } else { self.after.event.saturating_sub(1) }
    }
}
