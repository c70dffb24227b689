//! What is counted of turns and models, for whoever runs the server.

use std::sync::LazyLock;

use service_kit::{
    metrics::{self, By, Counter, Gauge, Latency},
    status::ErrorCode,
};

/// What a model's failure is called.
const MODEL_FAILURES: [ErrorCode; 4] =
    [ErrorCode::GrokRateLimit, ErrorCode::GrokTimeout, ErrorCode::GrokApiError, ErrorCode::GrokInvalidResponse];

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $metric:literal, $help:literal $(, by $label:literal)?;)*) => {
        $($(#[$doc])* pub(crate) static $name: LazyLock<counters!(@type $($label)?)> =
            LazyLock::new(|| counters!(@make $metric, $help $(, $label)?));)*
    };
    (@type) => { Counter };
    (@type $label:literal) => { By<Counter> };
    (@make $metric:literal, $help:literal) => { metrics::counter($metric, $help) };
    (@make $metric:literal, $help:literal, $label:literal) => { metrics::counters($metric, $help, $label) };
}

counters! {
    /// finished, cancelled, shut down, failed or not written down.
    TURNS = "turns", "Turns that have ended, by how", by "end";
    /// What was waited for: a connection, the first piece, the next piece, the turn, a summary.
    MODEL_TIMEOUTS = "model_timeouts", "Times that a model was waited for in vain", by "wait";
    /// Because it was too busy, failed, or could not be reached.
    MODEL_RETRIES = "model_retries", "Requests that were sent to a model again before its first word", by "reason";
    MODEL_HEDGES = "model_hedges", "Models that were slow to begin and were asked a second time", by "model";
    MODEL_RESTARTS = "model_restarts", "Answers that broke off and were asked for again", by "model";
    MODEL_FALLBACKS = "model_fallbacks", "Models in whose place another one went on", by "model";
    MODEL_ERRORS = "model_errors", "Answers of models that failed, by error", by "error";
    TOOL_TIMEOUTS = "tool_timeouts", "Tools that did not answer in time", by "tool";
    CONSENT_TIMEOUTS = "consent_timeouts", "Calls for which nobody said yes or no in time";
    /// roll, damage, money, name, dead or puppet.
    CLAIM_KINDS = "claim_kinds", "Claims of narrations that no event supports, by kind", by "kind";
    CLAIMS = "claims", "Claims of narrations that no event supports, by model", by "model";
    CORRECTIONS = "corrections", "Narrations that were sent back", by "model";
    BUDGET_REFUSALS = "budget_refusals", "Turns that a limit of tokens or money refused or ended";
    TOKENS_READ = "model_tokens_read", "Tokens that models have read", by "model";
    TOKENS_WRITTEN = "model_tokens_written", "Tokens that models have written", by "model";
    COST = "model_cost_microdollars", "What models have cost, in millionths of a US dollar", by "model";
}

/// From the question to the first piece of the answer.
pub(crate) static FIRST_WORD: LazyLock<By<Latency>> =
    LazyLock::new(|| metrics::latencies("model_first_piece", "Time to the first piece of a model's answer", "model"));

pub(crate) static SESSIONS_IN_MEMORY: LazyLock<Gauge> =
    LazyLock::new(|| metrics::gauge("sessions_in_memory", "Sessions in memory, with and without somebody in them"));

/// Begins what operators are woken by and look at with 0: of a counter that begins with its first failure, Prometheus sees
/// no increase.
pub(crate) fn begin(models: &[&str]) {
    let known: [(&By<Counter>, &[&str]); 5] = [
        (&TURNS, &["finished", "cancelled", "shut down", "failed", "not written down"]),
        (&MODEL_TIMEOUTS, &["a connection", "the first piece", "the next piece", "the turn", "a summary"]),
        (&MODEL_RETRIES, &["too many requests", "not reached", "failed"]),
        (&MODEL_ERRORS, &MODEL_FAILURES.map(ErrorCode::name)),
        (&CLAIM_KINDS, &["roll", "damage", "money", "name", "dead", "puppet"]),
    ];
    for (counters, values) in known {
        values.iter().for_each(|value| drop(counters.with(value)));
    }
    let of_models =
        [&MODEL_HEDGES, &MODEL_RESTARTS, &MODEL_FALLBACKS, &CLAIMS, &CORRECTIONS, &TOKENS_READ, &TOKENS_WRITTEN, &COST];
    for model in models {
        of_models.iter().for_each(|counters| drop(counters.with(model)));
        drop(FIRST_WORD.with(model));
    }
    LazyLock::force(&BUDGET_REFUSALS);
    LazyLock::force(&CONSENT_TIMEOUTS);
    LazyLock::force(&SESSIONS_IN_MEMORY);
}
