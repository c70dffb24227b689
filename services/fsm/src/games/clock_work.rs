//! Timers: one task per game sleeps until the next is due and sends it as an event like any other. The due time is in the
//! log, so a timer that came due while no process ran is sent when one does.

use std::{sync::Arc, time::Duration};

use service_kit::clock;

use super::{Cell, Games, Incoming, Live};
use crate::machine::Order;

/// How long a timer waits that could not be written down.
const RETRY: Duration = Duration::from_secs(1);

impl Games {
    /// Waits for the game's next timer, if it is not waited for already.
    pub(super) fn set_clock(self: &Arc<Self>, live: &mut Live, cell: &Cell) {
        let next = live.stored.game.next_timer().map(|timer| (timer.number, timer.due));
        if next == live.clock {
            return;
        }
        live.clock = next;
        let Some((number, due)) = next else { return };
        let (games, cell) = (self.clone(), cell.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = games.shutdown.cancelled() => {}
                () = games.ring(&cell, number, due) => {}
            }
        });
    }

    /// Sleeps until a timer is due, then sends it, unless it was cancelled or another is waited for.
    async fn ring(self: &Arc<Self>, cell: &Cell, number: u64, due: i64) {
        let wait = u64::try_from(due - clock::now_ms()).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        loop {
            let mut live = cell.lock().await;
            if live.clock != Some((number, due)) {
                return;
            }
            let Some(timer) = live.stored.game.next_timer().cloned() else { return };
            let incoming = Incoming {
                game_id: live.stored.id.clone(),
                event: if timer.event.is_empty() { "PAUSE_OVER".to_owned() } else { timer.event },
                data: Some(serde_json::Map::new()),
                is_host: true,
                cause: Some("timer".to_owned()),
                order: Some(Order::Timer { number }),
                ..Incoming::default()
            };
            match self.send_locked(&mut live, cell, incoming).await {
                Ok(_) => return,
                Err(error) => tracing::error!(game_id = live.stored.id, number, %error, "a timer could not be sent"),
            }
            drop(live);
            tokio::time::sleep(RETRY).await;
        }
    }
}
