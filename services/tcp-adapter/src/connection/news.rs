//! What comes to a connection from elsewhere: answers to what it asked for, and what its game tells.

use proto::fsm::v1::{Outcome, Output, Reaction, SendEventResponse, SendEventsResponse, game_update::Update};
use service_kit::auth::Caller;
use tonic::{Code, Response, Status};

use super::{BUSY, CONNECTED, Closed, Connection, Errand, Link, NOT_AUTHORISED, News, Numbered, Numbering, Progressed};
use crate::{
    attachment::{Attachment, Greeted, Progress, attach_patiently, lines_of},
    command::{Command, Position},
    resume::Replay,
};

impl Connection {
    pub(super) fn take_progress(&mut self, progressed: Progressed) {
        match (progressed, self.errand.take()) {
            (Progressed::Admitted(answer), _) => self.take_admission(answer),
            (Progressed::Sent(answer), Some(Errand::Send { event, .. })) => self.take_answer(&event, answer),
            (Progressed::SentAll(answer), Some(Errand::SendAll { events, .. })) => self.take_answers(events, answer),
            (Progressed::Switched(greeted), Some(Errand::Switch { to, .. })) => self.arrive(to, greeted),
            (Progressed::Numbered(lines), Some(Errand::Number { then, .. })) => self.take_number(then, lines),
            (Progressed::Page(page), Some(Errand::Replay(replay))) => self.take_page(replay, page),
            // An errand's steps are its own.
            _ => {}
        }
    }

    pub(super) fn take_admission(&mut self, answer: Result<Caller, Status>) {
        match answer {
            Ok(caller) => {
                tracing::info!(caller = caller.name, role = caller.role.as_str(), "let in");
                self.caller = Some(Box::new(caller));
                self.enter();
            }
            Err(status) => {
                tracing::info!(%status, "not let in");
                if let Link::Outside(admission) = &mut self.link {
                    admission.count_wrong_token();
                }
                self.tell(NOT_AUTHORISED);
            }
        }
    }

    pub(super) fn take_answer(&mut self, event: &str, answer: Result<Response<SendEventResponse>, Status>) {
        match answer {
            // What it brought about, or why it was refused, comes as an update.
            Ok(answer) => {
                let answer = answer.into_inner();
                let refused = !matches!(answer.outcome(), Outcome::Accepted | Outcome::Ignored);
                self.awaited = answer.update_number;
                if refused && answer.update_number == 0 {
                    self.refuse(&answer.message);
                }
            }
            // The id was another event's.
            Err(status) if status.code() == Code::AlreadyExists => {
                self.refuse(&format!("Malformed data for event '{event}'"));
            }
            Err(status) => {
                tracing::warn!(%status, "an event could not be sent");
                self.refuse("Busy");
            }
        }
    }

    pub(super) fn take_answers(
        &mut self,
        mut events: Vec<(String, Option<String>)>,
        answer: Result<Response<SendEventsResponse>, Status>,
    ) {
        match answer.map(Response::into_inner) {
            Ok(SendEventsResponse { handled, failed, update_number }) => {
                self.awaited = update_number;
                let taken = usize::try_from(handled).unwrap_or(usize::MAX).saturating_add(usize::from(failed));
                // One at least is done with, whatever the answer says.
                self.go_back(events.split_off(taken.clamp(1, events.len())));
                if failed {
                    self.waiting.push_front(Command::Failed);
                }
            }
            Err(status) => {
                tracing::warn!(%status, "events could not be sent");
                for _ in events {
                    self.refuse("Busy");
                }
            }
        }
    }

    pub(super) fn take_news(&mut self, news: News) -> Result<(), Closed> {
        match news {
            News::Update(Ok(Update::Greeting(greeting))) => self.tell_outputs(0, greeting.outputs),
            News::Update(Ok(Update::Reaction(reaction))) => self.tell_outputs(reaction.sequence, reaction.outputs),
            News::Update(Ok(Update::RoleChange(change))) => self.tell_outputs(0, change.outputs),
            News::Update(Ok(Update::Refusal(refusal))) => self.refuse(&refusal.message),
            News::Update(Err(status)) => {
                tracing::warn!(%status, "a connection lost its game");
                if let Link::Attached(attachment) = &self.link {
                    self.lost = Some(attachment.progress());
                }
                self.enter();
            }
            News::Attached(Ok(greeted)) => self.greet(greeted),
            News::Attached(Err(status)) => {
                tracing::warn!(%status, "a game could not be attached to");
                self.link = Link::Lost(Box::pin(attach_patiently(self.fsm.clone(), self.game.clone())));
            }
            News::TooLate => return Err(Closed::NotLetIn),
        }
        Ok(())
    }

    /// The way to another game has ended, there or where it began.
    pub(super) fn arrive(&mut self, to: String, greeted: Result<Greeted, Status>) {
        match greeted {
            Ok(greeted) => {
                self.game = Some(to);
                self.lost = None;
                self.greet(greeted);
            }
            Err(status) => {
                tracing::warn!(%status, "another game could not be attached to");
                self.tell(BUSY);
            }
        }
    }

    /// A game is there: it greets, after what it did while it was lost.
    pub(super) fn greet(&mut self, greeted: Greeted) {
        let Greeted { attachment, outputs } = greeted;
        self.awaited = 0;
        match &self.lost {
            Some(lost) if lost.game_id == attachment.game_id => {
                let mut replay = Box::new(Replay::new(Position::end_of(lost.sequence), &attachment));
                if replay.is_over() {
                    self.welcome(outputs, false, &attachment);
                } else {
                    replay.greeting = Some(outputs);
                    self.errand = Some(Errand::Replay(replay));
                }
            }
            lost => {
                let is_new = lost.is_none();
                self.welcome(outputs, is_new, &attachment);
            }
        }
        self.link = Link::Attached(attachment);
    }

    /// Tells a greeting; on a numbered line its numbers must be known first.
    pub(super) fn welcome(&mut self, outputs: Vec<Output>, is_new: bool, attachment: &Attachment) {
        if self.numbering.is_some() {
            let lines = Box::pin(lines_of(self.fsm.clone(), attachment.game_id.clone(), attachment.sequence));
            self.errand = Some(Errand::Number { then: Numbered::Greeting { outputs, is_new }, lines });
            return;
        }
        if is_new {
            self.tell(CONNECTED);
        }
        self.tell_outputs(0, outputs);
    }

    pub(super) fn take_number(&mut self, then: Numbered, lines: Result<u32, Status>) {
        let sequence = match &self.link {
            Link::Attached(attachment) => attachment.sequence,
            _ => 0,
        };
        let line = lines.unwrap_or_else(|status| {
            tracing::warn!(%status, "the last entry of a game's log could not be read");
            0
        });
        let position = Position { event: sequence, line };
        match (then, &mut self.numbering) {
            (Numbered::Hello(client), numbering) => {
                // Whoever says it again goes on counting.
                let position = numbering.as_ref().map_or(position, |before| position.max(before.position));
                *numbering = Some(Box::new(Numbering { client, position, id: None }));
                self.tell("OK HELLO 2");
            }
            (Numbered::Greeting { outputs, is_new }, numbering) => {
                if let Some(numbering) = numbering {
                    // Lines beside the log have counted on from the entry's last.
                    let goes_on = numbering.position.event == position.event;
                    numbering.position = if goes_on { position.max(numbering.position) } else { position };
                }
                if is_new {
                    self.tell(CONNECTED);
                }
                self.tell_outputs(0, outputs);
            }
        }
    }

    pub(super) fn take_page(&mut self, mut replay: Box<Replay>, page: Result<Vec<Reaction>, Status>) {
        let Link::Attached(attachment) = &self.link else { return };
        let page = match page {
            Ok(page) => page,
            Err(status) if replay.greeting.is_some() => {
                tracing::warn!(%status, "a connection lost its game again");
                self.lost = Some(Progress { game_id: attachment.game_id.clone(), sequence: replay.told() });
                return self.enter();
            }
            Err(status) => {
                tracing::warn!(%status, "a game's log could not be read");
                return self.tell(BUSY);
            }
        };
        for (sequence, outputs) in replay.take(page, attachment) {
            self.tell_outputs(sequence, outputs);
        }
        if !replay.is_over() {
            self.errand = Some(Errand::Replay(replay));
        } else if let Some(outputs) = replay.greeting.take() {
            self.tell_outputs(0, outputs);
        }
    }
}
