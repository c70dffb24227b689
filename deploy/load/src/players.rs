//! What many players take of the processor at a person's pace, and what of it is tracing.

use std::{path::Path, time::Duration};

use fake_model::FakeModel;
use futures_util::future::try_join_all;

use crate::{
    chat,
    process::processor_time,
    stats::median,
    target::{Sampling, Target},
};

/// How often each of them says something.
const PACE: Duration = Duration::from_secs(10);
/// How often each kind of sampling has its turn: whatever else the machine does weighs on all alike.
const ROUNDS: usize = 3;

/// The shares of one processor that a server takes for so many players: as shipped, with every trace recorded, and with
/// none.
pub async fn shares(binary: &Path, model: &FakeModel, players: usize) -> anyhow::Result<[f64; 3]> {
    let mut taken = [(); 3].map(|()| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for (sampling, taken) in
            [Sampling::AsShipped, Sampling::Everything, Sampling::Nothing].into_iter().zip(&mut taken)
        {
            taken.push(taken_by(binary, model, players, sampling).await?);
        }
    }
    Ok(taken.map(|times| median(times).as_secs_f64() / PACE.as_secs_f64()))
}

/// The processor time in which each player has had a turn, one after another over the time of a pace.
async fn taken_by(binary: &Path, model: &FakeModel, players: usize, sampling: Sampling) -> anyhow::Result<Duration> {
    let target = Target::start(binary, sampling, Some(&model.url), &[]).await?;
    let mut sockets = Vec::with_capacity(players);
    for player in 0..players {
        sockets.push(chat::open(&target, &format!("player-{player}")).await?);
    }
    let before = processor_time(target.id()?)?;
    let begun = tokio::time::Instant::now();
    let turns = sockets.iter_mut().enumerate().map(|(player, socket)| async move {
        let share = player as f64 / players as f64;
        tokio::time::sleep_until(begun + PACE.mul_f64(share)).await; // A person's pace is what is measured.
        chat::turn(socket).await
    });
    try_join_all(turns).await?;
    tokio::time::sleep_until(begun + PACE).await;
    let taken = processor_time(target.id()?)?.saturating_sub(before);
    target.stop().await?;
    Ok(taken)
}
