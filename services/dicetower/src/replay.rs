//! Plays a backup again: its data goes into a folder that nobody else sees, the services start on it, every session and
//! every game is folded from its log, and the proof of every roll is checked.

use std::{collections::HashMap, fmt, path::Path};

use anyhow::Context as _;
use proto::{
    character::v1::ListCharactersRequest,
    dice::v1::{ListRollsRequest, VerifyRollRequest},
    fsm::v1::{GetGameRequest, ListGameHistoryRequest, ListGamesRequest},
    orchestrator::v1::{ListEventsRequest, ListSessionsRequest},
};
use service_kit::{Peers, backup, client::in_process, db::DatabaseConfig};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::backup::SCHEMAS;

/// Entries asked for at once.
const PAGE: u32 = 500;

/// What was played again.
pub(crate) struct Replayed {
    characters: usize,
    sessions: usize,
    events: usize,
    games: usize,
    moves: usize,
    rolls: usize,
}

impl fmt::Display for Replayed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replayed { characters, sessions, events, games, moves, rolls } = self;
        write!(
            formatter,
            "Played again: {sessions} sessions with {events} events, {games} games with {moves} moves; {characters} \
             characters read, {rolls} rolls verified."
        )
    }
}

/// Plays the backup `file` again.
///
/// # Errors
///
/// A log has a gap, a session or a game cannot be folded, the proof of a roll fails.
pub(crate) async fn replay(file: &Path) -> anyhow::Result<Replayed> {
    let scratch = tempfile::tempdir().context("make a temporary folder")?;
    let database = DatabaseConfig::Folder { path: scratch.path().into(), fsync: false };
    backup::restore(file, &database, &SCHEMAS).await?;
    let shutdown = CancellationToken::new();
    let _stop = shutdown.clone().drop_guard();
    let peers = start(&database, &shutdown).await?;

    let (rolls, characters) = (rolls(&peers).await?, characters(&peers).await?);
    let (games, moves) = games(&peers).await?;
    let (sessions, events) = sessions(&peers).await?;
    Ok(Replayed { characters, sessions, events, games, moves, rolls })
}

/// The services on that data, with the game master of the house: no model is called.
async fn start(database: &DatabaseConfig, shutdown: &CancellationToken) -> anyhow::Result<Peers> {
    let dice = dice::start(dice::Config::default(), database, Peers::none(), shutdown.clone()).await?;
    let peers = Peers::none().with_dice(in_process(dice));
    let routes = character::start(character::Config::default(), database, peers.clone(), shutdown.clone()).await?;
    let peers = peers.with_character(in_process(routes));
    let routes = fsm::start(fsm::Config::default(), database, peers.clone(), shutdown.clone()).await?;
    let peers = peers.with_fsm(in_process(routes));
    let routes =
        orchestrator::start(orchestrator::Config::default(), database, peers.clone(), shutdown.clone()).await?;
    Ok(peers.with_orchestrator(in_process(routes)))
}

async fn rolls(peers: &Peers) -> anyhow::Result<usize> {
    let mut dice = peers.dice();
    let (mut count, mut after) = (0, None);
    // Each roll beside the one before it, and a chain as a whole by its last.
    let mut lasts = HashMap::new();
    let verify = async |roll_id: &str, around: Option<u32>| {
        let request = VerifyRollRequest { roll_id: roll_id.to_owned(), around };
        let proof = peers.dice().verify_roll(request).await.map_err(said)?.into_inner();
        anyhow::ensure!(proof.verified, "the roll {roll_id}: {}", proof.summary);
        anyhow::Ok(())
    };
    loop {
        let request = ListRollsRequest { after: after.take(), limit: Some(PAGE), ..Default::default() };
        let page = dice.list_rolls(request).await.map_err(said)?.into_inner();
        for roll in &page.rolls {
            if roll.hash.is_empty() {
                // From before rolls were provable.
                continue;
            }
            verify(&roll.roll_id, Some(1)).await?;
            let last = lasts.entry((roll.session.clone(), roll.rotation)).or_insert((roll.nonce, String::new()));
            if last.0 <= roll.nonce {
                *last = (roll.nonce, roll.roll_id.clone());
            }
        }
        count += page.rolls.len();
        match page.rolls.last() {
            Some(last) if page.more => after = Some(last.roll_id.clone()),
            _ => break,
        }
    }
    for (_, last) in lasts.values() {
        verify(last, None).await?;
    }
    Ok(count)
}

async fn characters(peers: &Peers) -> anyhow::Result<usize> {
    let answer = peers.character().list_characters(ListCharactersRequest::default()).await.map_err(said)?;
    Ok(answer.into_inner().characters.len())
}

async fn games(peers: &Peers) -> anyhow::Result<(usize, usize)> {
    let mut fsm = peers.fsm();
    let games = fsm.list_games(ListGamesRequest { limit: Some(PAGE) }).await.map_err(said)?.into_inner().games;
    let mut moves = 0;
    for game in &games {
        let game_id = Some(game.game_id.clone());
        fsm.get_game(GetGameRequest { game_id: game_id.clone() }).await.map_err(said)?;
        let mut after_sequence = 0;
        loop {
            let request = ListGameHistoryRequest { game_id: game_id.clone(), after_sequence, limit: Some(PAGE) };
            let page = fsm.list_game_history(request).await.map_err(said)?.into_inner();
            for entry in &page.entries {
                let (is, due) = (entry.sequence, after_sequence + 1);
                anyhow::ensure!(is == due, "the log of the game {} has {is} where {due} is due", game.game_id);
                after_sequence = is;
                moves += 1;
            }
            if !page.more {
                break;
            }
        }
    }
    Ok((games.len(), moves))
}

async fn sessions(peers: &Peers) -> anyhow::Result<(usize, usize)> {
    let mut orchestrator = peers.orchestrator();
    let request = ListSessionsRequest { include_archived: Some(true) };
    let sessions = orchestrator.list_sessions(request).await.map_err(said)?.into_inner().sessions;
    let mut events = 0;
    for session in &sessions {
        let session_id = session.session_id.clone();
        let mut after_seq = 0;
        loop {
            let request =
                ListEventsRequest { session_id: session_id.clone(), after_seq: Some(after_seq), limit: Some(PAGE) };
            let page = orchestrator.list_events(request).await.map_err(said)?.into_inner();
            for event in &page.events {
                // The parts of one narration share their number.
                let (is, last) = (event.seq, after_seq);
                anyhow::ensure!(
                    is == last || is == last + 1,
                    "the log of the session {session_id} has {is} after {last}"
                );
                after_seq = is;
                events += 1;
            }
            if page.events.is_empty() {
                let end = page.last_seq;
                anyhow::ensure!(
                    after_seq == end,
                    "the log of the session {session_id} ends at {after_seq}, not at {end}"
                );
                break;
            }
        }
    }
    Ok((sessions.len(), events))
}

fn said(status: Status) -> anyhow::Error {
    anyhow::Error::msg(status.message().to_owned())
}
