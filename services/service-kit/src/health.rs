//! Whether a service is well: as long as its database answers and it is not ending.
//!
//! The database is asked in the background, so that a question costs nothing however often it comes. That the process
//! runs at all is another question, which has a name of its own: whoever starts a process again because its database is
//! away makes nothing better.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

use crate::db::Pulse;

/// The name under which is asked whether the process runs.
pub const LIVE: &str = "live";
/// How often the database is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Time in which it must answer.
const ANSWER: Duration = Duration::from_secs(2);

/// The health service of `name`, which stands on these databases.
pub(crate) fn start(
    name: &'static str,
    databases: Vec<Pulse>,
    shutdown: CancellationToken,
) -> HealthServer<HealthService> {
    let health = HealthReporter::new();
    let service = HealthServer::new(HealthService::from_health_reporter(health.clone()));
    tokio::spawn(async move {
        health.set_service_status(LIVE, ServingStatus::Serving).await;
        shutdown.run_until_cancelled(watch(&health, name, &databases)).await;
        health.set_service_status("", ServingStatus::NotServing).await;
    });
    service
}

/// Asks the databases again and again, until nobody has them open.
async fn watch(health: &HealthReporter, name: &'static str, databases: &[Pulse]) {
    if databases.is_empty() {
        return std::future::pending().await;
    }
    let mut is_well = true;
    let mut questions = tokio::time::interval(ASK_EVERY);
    questions.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        questions.tick().await;
        let mut fault = None;
        for database in databases {
            match timeout(ANSWER, database.ping()).await {
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(error))) => fault = Some(error.to_string()),
                Ok(None) => return,
                Err(_) => fault = Some(format!("no answer within {} seconds", ANSWER.as_secs())),
            }
        }
        if is_well == fault.is_none() {
            continue;
        }
        is_well = fault.is_none();
        match fault {
            None => tracing::info!(service = name, "the database answers again"),
            Some(error) => tracing::error!(service = name, error, "not ready: the database does not answer"),
        }
        let status = if is_well { ServingStatus::Serving } else { ServingStatus::NotServing };
        health.set_service_status("", status).await;
    }
}
