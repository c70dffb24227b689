//! The built-in game master: rules instead of a language model, through the very same turns.

use futures_util::{StreamExt, stream, stream::BoxStream};

use super::{ModelError, ModelEvent, ModelRequest, Provider};

/// The built-in game master.
#[derive(Debug, Default)]
pub struct House;

#[async_trait::async_trait]
impl Provider for House {
    fn name(&self) -> &'static str {
        "house"
    }

    fn model(&self) -> &str {
        "house"
    }

    async fn ask(
        &self,
        _request: ModelRequest,
    ) -> Result<BoxStream<'static, Result<ModelEvent, ModelError>>, ModelError> {
        let text = ModelEvent::Text("The game master nods.".into());
        Ok(stream::iter([Ok(text), Ok(ModelEvent::End)]).boxed())
    }
}
