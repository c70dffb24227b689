//! An HTTP/2 connection and its requests as one task.
//!
//! hyper starts a task for each request, and the two wake each other several times until it is answered; each time the
//! scheduler wakes a second thread to look for work, which costs more than many a request. Polled together they wake
//! nobody. So the requests of one connection share a thread, as those of HTTP/1 do.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use hyper::rt::Executor;

type Request = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The requests of a connection that are not polled yet.
#[derive(Clone, Default)]
pub(super) struct Requests(Arc<Mutex<Vec<Request>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Requests {
    fn execute(&self, request: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(request));
    }
}

/// A connection with its requests.
pub(super) struct Together<C> {
    connection: C,
    begun: Requests,
    running: FuturesUnordered<Request>,
}

impl<C> Together<C> {
    /// A connection that starts its requests with `begun`.
    pub(super) fn new(connection: C, begun: Requests) -> Together<C> {
        Together { connection, begun, running: FuturesUnordered::new() }
    }

    pub(super) fn connection(&mut self) -> &mut C {
        &mut self.connection
    }
}

impl<C: Future + Unpin> Future for Together<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        if let Poll::Ready(ended) = Pin::new(&mut self.connection).poll(context) {
            return Poll::Ready(ended);
        }
        let begun = mem::take(&mut *self.begun.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.running.extend(begun);
        // What they have to send, the connection is woken for.
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(context) {}
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_request_is_polled_with_its_connection_until_it_has_ended() {
        let requests = Requests::default();
        let (go_on, waits) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        requests.execute(async move {
            waits.await.unwrap();
            tell.send(7).unwrap();
        });
        let task = tokio::spawn(Together::new(std::future::pending::<()>(), requests));

        go_on.send(()).unwrap();

        assert_eq!(told.await, Ok(7));
        task.abort();
    }

    #[test]
    fn requests_end_with_their_connection() {
        let requests = Requests::default();
        let (held, mut dropped) = oneshot::channel::<()>();
        requests.execute(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        let mut together = Together::new(Box::pin(std::future::ready(())), requests);

        assert!(Pin::new(&mut together).poll(&mut Context::from_waker(Waker::noop())).is_ready());
        drop(together);

        assert_eq!(dropped.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}
