//! How a call is run, in process and behind a port alike: in a task of its own, within its deadline, its panic caught.

use std::time::Duration;

use http::HeaderMap;
use tonic::Status;
use tracing::Instrument;

/// Longest time a call may take when its caller sets no deadline.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(60);
/// Shorter than every deadline that is set often.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// Runs a call so that a caller who goes away does not cancel it half-way, and its panic does not cross over.
///
/// # Errors
///
/// `DEADLINE_EXCEEDED` when the `grpc-timeout` of `headers` has passed, `INTERNAL` when the call panicked.
pub async fn detached<T: Send + 'static>(
    headers: &HeaderMap,
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Status> {
    let deadline = grpc_timeout(headers).unwrap_or(DEFAULT_DEADLINE);
    let call = tokio::spawn(call.instrument(tracing::Span::current()));
    match tokio::time::timeout(deadline, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => {
            tracing::error!("a call panicked");
            Err(Status::internal("internal error"))
        }
        Err(_) => Err(Status::deadline_exceeded(format!("no answer within {} ms", deadline.as_millis()))),
    }
}

/// Keeps a timer that is due soon, as long as the process runs. A timer that is due before all others wakes the thread
/// that waits for the next one; a call's deadline, set with every call and a minute away, would be the first each time.
pub async fn heartbeat() {
    let mut beats = tokio::time::interval(HEARTBEAT);
    loop {
        beats.tick().await;
    }
}

/// The deadline of a gRPC call, as its `grpc-timeout` header gives it: up to eight digits and a unit.
fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = Some(digits).filter(|digits| digits.len() <= 8)?.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<Duration>) {
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static("grpc-timeout"), header.parse().unwrap())]);
        assert_eq!(grpc_timeout(&headers), expected);
    }

    #[test]
    fn a_deadline_is_read_in_every_unit() {
        check("2S", Some(Duration::from_secs(2)));
        check("100m", Some(Duration::from_millis(100)));
        check("5u", Some(Duration::from_micros(5)));
        check("1H", Some(Duration::from_secs(3600)));
    }

    #[test]
    fn nonsense_is_no_deadline() {
        check("", None);
        check("S", None);
        check("123456789S", None);
        check("2x", None);
        check("-2S", None);
    }
}
