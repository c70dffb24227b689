//! A future that, woken by itself while it is polled, is polled again at once.
//!
//! hyper hands a request's body to its handler within one task and so wakes itself twice a request; a connection of the Java
//! line does with each event that its game tells it of. The scheduler puts a task that has woken itself behind all others
//! and wakes a second thread to look for it, which costs more than a whole request.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicU8,
            Ordering::{AcqRel, Acquire},
        },
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// Polls in a row, after which others have their turn.
const IN_A_ROW: u32 = 8;

/// Nobody has called since the last poll.
const IDLE: u8 = 0;
/// It is being polled, and nobody has called.
const POLLED: u8 = 1;
/// Somebody has called; it will be polled.
const CALLED: u8 = 2;

/// Polls a future again at once if it was woken meanwhile.
pub struct Eager<F> {
    future: F,
    calls: Arc<Calls>,
    waker: Waker,
}

struct Calls {
    state: AtomicU8,
    task: AtomicWaker,
}

impl<F: Future + Unpin> Eager<F> {
    /// The same, polled on when it has woken itself.
    pub fn new(future: F) -> Eager<F> {
        let calls = Arc::new(Calls { state: AtomicU8::new(IDLE), task: AtomicWaker::new() });
        Eager { future, waker: calls.clone().into(), calls }
    }

    /// The future within.
    pub fn get_mut(&mut self) -> &mut F {
        &mut self.future
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // While it is polled, whoever polls it looks at the state afterwards.
        if self.state.swap(CALLED, AcqRel) == IDLE {
            self.task.wake();
        }
    }
}

impl<F: Future + Unpin> Future for Eager<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Eager { future, calls, waker } = &mut *self;
        calls.task.register(context.waker());
        for _ in 0..IN_A_ROW {
            calls.state.swap(POLLED, AcqRel);
            if let Poll::Ready(output) = Pin::new(&mut *future).poll(&mut Context::from_waker(waker)) {
                return Poll::Ready(output);
            }
            if calls.state.compare_exchange(POLLED, IDLE, AcqRel, Acquire).is_ok() {
                return Poll::Pending;
            }
        }
        calls.task.wake();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::atomic::AtomicU32, time::Duration};

    use tokio::sync::oneshot;

    use super::*;

    /// Counts how often a task was woken.
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, AcqRel);
        }
    }

    #[test]
    fn who_wakes_himself_is_polled_on_and_no_task_is_woken() {
        let mut polls = 0;
        let mut eager = Eager::new(poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        }));
        let task = Arc::new(Count(AtomicU32::new(0)));

        assert_eq!(Pin::new(&mut eager).poll(&mut Context::from_waker(&task.clone().into())), Poll::Ready(()));

        assert_eq!((polls, task.0.load(Acquire)), (3, 0));
    }

    #[test]
    fn who_wakes_himself_for_ever_lets_others_have_their_turn() {
        let mut eager = Eager::new(poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        let task = Arc::new(Count(AtomicU32::new(0)));

        for turn in 1..=2 {
            assert_eq!(Pin::new(&mut eager).poll(&mut Context::from_waker(&task.clone().into())), Poll::Pending);
            assert_eq!(task.0.load(Acquire), turn);
        }
    }

    #[tokio::test]
    async fn a_call_from_elsewhere_wakes_the_task() {
        for _ in 0..100 {
            let (send, receive) = oneshot::channel();
            let waiting = tokio::spawn(Eager::new(receive));
            std::thread::spawn(move || send.send(7)).join().unwrap().unwrap();
            let received = tokio::time::timeout(Duration::from_secs(60), waiting).await;
            assert_eq!(received.unwrap().unwrap(), Ok(7));
        }
    }
}
