//! A second request to a model that is slow to begin: the first to answer is heard, the other one is let go.
//!
//! It is off unless a delay is configured, since each hedge reads the whole conversation twice and is paid for twice.

use std::{sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    future::{self, Either},
    stream::{self, BoxStream},
};

use super::{ModelError, ModelEvent, ModelRequest, Provider};
use crate::metrics;

/// A provider that is asked a second time if its answer has not begun after a while.
struct Hedged {
    provider: Arc<dyn Provider>,
    after: Duration,
}

/// An answer with its first piece.
type Begun = Result<(ModelEvent, BoxStream<'static, Result<ModelEvent, ModelError>>), ModelError>;

/// The provider with a second request `after` a while; without one it is as it was.
pub(crate) fn hedged(provider: Arc<dyn Provider>, after: Option<Duration>) -> Arc<dyn Provider> {
    match after {
        Some(after) => Arc::new(Hedged { provider, after }),
        None => provider,
    }
}

impl Hedged {
    async fn begin(&self, request: ModelRequest) -> Begun {
        let mut answer = self.provider.ask(request).await?;
        let first = answer.next().await.unwrap_or(Err(ModelError::Cut))?;
        Ok((first, answer))
    }

    /// The first of two answers to begin. What is dropped with the other one ends its request.
    async fn race(&self, request: ModelRequest) -> (Begun, bool) {
        let first = Box::pin(self.begin(request.clone()));
        let wait = Box::pin(tokio::time::sleep(self.after));
        let first = match future::select(first, wait).await {
            Either::Left((begun, _)) => return (begun, false),
            Either::Right(((), first)) => first,
        };
        metrics::MODEL_HEDGES.with(self.provider.model()).inc();
        let second = Box::pin(self.begin(request));
        let (begun, other) = match future::select(first, second).await {
            Either::Left((begun, second)) => (begun, Either::Left(second)),
            Either::Right((begun, first)) => (begun, Either::Right(first)),
        };
        match begun {
            Ok(begun) => (Ok(begun), true),
            // One has failed: the other one may still answer.
            Err(_) => (other.await, true),
        }
    }
}

#[async_trait::async_trait]
impl Provider for Hedged {
    fn name(&self) -> &'static str {
        self.provider.name()
    }

    fn model(&self) -> &str {
        self.provider.model()
    }

    fn server(&self) -> Option<(&str, u16)> {
        self.provider.server()
    }

    fn takes_tools(&self) -> bool {
        self.provider.takes_tools()
    }

    async fn ask(
        &self,
        request: ModelRequest,
    ) -> Result<BoxStream<'static, Result<ModelEvent, ModelError>>, ModelError> {
        let (begun, is_hedged) = self.race(request).await;
        let (first, rest) = begun?;
        let head = is_hedged.then_some(ModelEvent::Hedged).into_iter().chain([first]).map(Ok);
        Ok(stream::iter(head).chain(rest).boxed())
    }
}
