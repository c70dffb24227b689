//! A connection's hold on a game: an open `Attach` stream of the fsm service.

use std::time::Duration;

use http::uri::PathAndQuery;
use proto::fsm::v1::{
    AttachRequest, Audience, GameUpdate, Greeting, ListGameHistoryRequest, Output, Reaction,
    fsm_service_client::FsmServiceClient, game_update::Update,
};
use service_kit::{Peers, Transport, trace};
use tonic::{
    Request, Status, Streaming,
    codec::{BufferSettings, Codec},
};
use tonic_prost::{ProstDecoder, ProstEncoder};
use tracing::Instrument;

/// Time in which a game must greet.
const GREETING_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before the first attempt to find a lost game again; it doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The role of the connection whose database is read.
const HOST: &str = "host";

const PACKAGE: &str = "dicetower.fsm.v1";
const ATTACH: &str = "/dicetower.fsm.v1.FsmService/Attach";
/// Bytes that an idle stream of updates holds; it grows with an update that is larger. tonic's own 8 KiB are too much
/// for a thousand connections that only wait.
const STREAM_BUFFER: usize = 512;
/// Bytes of updates that are read at once.
const READ_AHEAD: usize = 32 * 1024;

/// The way to the fsm service.
#[derive(Clone)]
pub struct Fsm {
    transport: Transport,
}

impl Fsm {
    /// The way there, if there is one among the peers.
    pub fn of(peers: &Peers) -> Option<Fsm> {
        peers.transport(PACKAGE).map(|transport| Fsm { transport })
    }

    /// The client for calls with one answer.
    pub fn client(&self) -> FsmServiceClient<Transport> {
        FsmServiceClient::new(self.transport.clone())
    }

    /// Opens a stream of updates as [`FsmServiceClient::attach`] does, but with small buffers.
    async fn attach(&self, request: AttachRequest) -> Result<Streaming<GameUpdate>, Status> {
        let mut grpc = tonic::client::Grpc::new(self.transport.clone());
        grpc.ready().await?;
        let path = PathAndQuery::from_static(ATTACH);
        Ok(grpc.server_streaming(Request::new(request), path, SmallBuffers).await?.into_inner())
    }
}

/// The codec of an `Attach` stream.
struct SmallBuffers;

impl Codec for SmallBuffers {
    type Encode = AttachRequest;
    type Decode = GameUpdate;
    type Encoder = ProstEncoder<AttachRequest>;
    type Decoder = ProstDecoder<GameUpdate>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::new(STREAM_BUFFER, READ_AHEAD))
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(BufferSettings::new(STREAM_BUFFER, READ_AHEAD))
    }
}

/// An open attachment.
pub struct Attachment {
    pub id: String,
    pub game_id: String,
    pub is_host: bool,
    /// Sequence number of the last entry of the game's log that has been told.
    pub sequence: u64,
    /// Number of the last update that has been told.
    pub number: u64,
    updates: Streaming<GameUpdate>,
}

/// How far a connection had come when it lost its game.
pub struct Progress {
    pub game_id: String,
    pub sequence: u64,
}

/// An attachment that has just come about, and what there is to tell.
pub struct Greeted {
    pub attachment: Box<Attachment>,
    pub outputs: Vec<Output>,
}

impl Attachment {
    /// The next update, or why there are no more.
    pub async fn next(&mut self) -> Result<Update, Status> {
        loop {
            let ended = || Status::unavailable("the stream of the game has ended");
            let GameUpdate { number, update } = self.updates.message().await?.ok_or_else(ended)?;
            self.number = number;
            match &update {
                Some(Update::Reaction(reaction)) => self.sequence = reaction.sequence,
                Some(Update::RoleChange(change)) => self.is_host = change.role == HOST,
                _ => {}
            }
            if let Some(update) = update {
                return Ok(update);
            }
        }
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress { game_id: self.game_id.clone(), sequence: self.sequence }
    }

    /// Whether something that is for this audience is for it.
    pub fn hears(&self, audience: Audience) -> bool {
        match audience {
            Audience::Unspecified => true,
            Audience::Host => self.is_host,
            Audience::Clients => !self.is_host,
        }
    }
}

/// Attaches to a game, the default game if `game` is not given, and waits for its greeting. `leaves` is the id of an
/// attachment that is given up in the same step.
pub async fn attach(fsm: Fsm, game: Option<String>, leaves: Option<String>) -> Result<Greeted, Status> {
    let (span, _) = trace::begin("tcp-adapter", "ATTACH", None, None);
    let greeted = async move {
        let request = AttachRequest { game_id: game, create: true, observe: false, leaves };
        let mut updates = fsm.attach(request).await?;
        let first = updates.message().await?;
        let Some(GameUpdate { number, update: Some(Update::Greeting(greeting)) }) = first else {
            return Err(Status::internal("the game did not greet"));
        };
        let Greeting { attachment_id, role, game_id, sequence, outputs } = greeting;
        tracing::debug!(game_id, role, sequence, "attached");
        let is_host = role == HOST;
        let attachment = Attachment { id: attachment_id, game_id, is_host, sequence, number, updates };
        Ok(Greeted { attachment: Box::new(attachment), outputs })
    };
    let greeted = tokio::time::timeout(GREETING_TIMEOUT, greeted.instrument(span)).await;
    greeted.unwrap_or_else(|_| Err(Status::deadline_exceeded("the game did not greet in time")))
}

/// The same until it succeeds.
pub async fn attach_patiently(fsm: Fsm, game: Option<String>) -> Greeted {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        match attach(fsm.clone(), game.clone(), None).await {
            Ok(greeted) => return greeted,
            Err(status) => tracing::debug!(%status, "the game is still lost"),
        }
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Entries of a game's log after a sequence number, oldest first, at most `limit`.
pub async fn history(fsm: Fsm, game_id: String, after_sequence: u64, limit: u32) -> Result<Vec<Reaction>, Status> {
    let request = ListGameHistoryRequest { game_id: Some(game_id), after_sequence, limit: Some(limit) };
    Ok(fsm.client().list_game_history(request).await?.into_inner().entries)
}

/// Number of the lines that an entry of a game's log told, whoever heard them.
pub async fn lines_of(fsm: Fsm, game_id: String, sequence: u64) -> Result<u32, Status> {
    let Some(before) = sequence.checked_sub(1) else { return Ok(0) };
    let entries = history(fsm, game_id, before, 1).await?;
    Ok(entries.first().map_or(0, |entry| u32::try_from(entry.outputs.len()).unwrap_or(u32::MAX)))
}
