//! How a call is run, in process and behind a port alike: within its deadline, its panic caught, and to its end.

use std::{panic::AssertUnwindSafe, pin::Pin, thread, time::Duration};

use futures_util::FutureExt as _;
use http::HeaderMap;
use tokio::runtime::Handle;
use tonic::Status;

use crate::trace::Trace;

/// Longest time a call may take when its caller sets no deadline.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(60);
/// Shorter than every deadline that is set often.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// Runs a call so that a caller who goes away does not cancel it half-way, and its panic does not cross over.
///
/// # Errors
///
/// `DEADLINE_EXCEEDED` when `deadline` has passed, `INTERNAL` when the call panicked.
pub async fn detached<T: Send + 'static>(
    deadline: Duration,
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Status> {
    let mut call = ToItsEnd::new(call);
    match tokio::time::timeout(deadline, call.answer()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => {
            tracing::error!("a call panicked");
            Err(Status::internal("internal error"))
        }
        Err(_) => Err(Status::deadline_exceeded(format!("no answer within {} ms", deadline.as_millis()))),
    }
}

/// A call that runs in its caller's task, which costs nothing, and gets one of its own when nobody waits any more.
struct ToItsEnd<T: Send + 'static> {
    call: Option<Pin<Box<dyn Future<Output = thread::Result<T>> + Send>>>,
    trace: Trace,
}

impl<T: Send + 'static> ToItsEnd<T> {
    fn new(call: impl Future<Output = T> + Send + 'static) -> ToItsEnd<T> {
        ToItsEnd { call: Some(Box::pin(AssertUnwindSafe(call).catch_unwind())), trace: Trace::current() }
    }

    async fn answer(&mut self) -> thread::Result<T> {
        let call = self.call.as_mut().expect("it is asked once");
        let answer = call.await;
        self.call = None;
        answer
    }
}

impl<T: Send + 'static> Drop for ToItsEnd<T> {
    fn drop(&mut self) {
        // Without a runtime the process ends, and the call with it.
        if let (Some(call), Ok(runtime)) = (self.call.take(), Handle::try_current()) {
            let trace = self.trace.clone();
            runtime.spawn(async move { drop(trace.run(call).await) });
        }
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

/// The deadline of a gRPC call.
pub fn deadline(headers: &HeaderMap) -> Duration {
    grpc_timeout(headers).unwrap_or(DEFAULT_DEADLINE)
}

/// What the `grpc-timeout` header says: up to eight digits and a unit.
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
    use tokio::sync::oneshot;

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

    #[tokio::test]
    async fn a_call_whose_caller_goes_away_runs_to_its_end() {
        let (go_on, waits) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let call = async move {
            waits.await.unwrap();
            tell.send(()).unwrap();
        };

        let answer = detached(DEFAULT_DEADLINE, call).now_or_never();

        assert!(answer.is_none());
        go_on.send(()).unwrap();
        told.await.unwrap();
    }

    #[tokio::test]
    async fn a_call_that_is_late_runs_to_its_end() {
        let (go_on, waits) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let call = async move {
            waits.await.unwrap();
            tell.send(()).unwrap();
        };

        let refusal = detached(Duration::ZERO, call).await.unwrap_err();

        assert_eq!(refusal.code(), tonic::Code::DeadlineExceeded);
        go_on.send(()).unwrap();
        told.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_the_calls_own() {
        let call = async { panic!("a test's") };

        let refusal = detached::<()>(DEFAULT_DEADLINE, call).await.unwrap_err();

        assert_eq!(refusal.code(), tonic::Code::Internal);
    }
}
