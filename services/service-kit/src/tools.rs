//! Tools by name: JSON in, JSON out, whatever service owns them.

use bytes::Bytes;
use proto::catalogue::{ArgumentError, Catalogue, Tool};
use serde_json::{Map, Value, json};
use tonic::{Request, Status, client::Grpc, metadata::MetadataMap};

use crate::{
    client::Peers,
    raw::Raw,
    server::Checked,
    status::{self, ErrorCode},
};

/// The catalogue, and the services that its tools belong to.
#[derive(Clone)]
pub struct Toolbox {
    catalogue: std::sync::Arc<Catalogue>,
    peers: Peers,
}

impl Toolbox {
    /// The tools of this contract that the peers offer.
    pub fn new(peers: Peers) -> Toolbox {
        let catalogue = Catalogue::ours().with(peers.foreign_tools().clone()).expect("they were looked at on joining");
        Toolbox { catalogue: std::sync::Arc::new(catalogue), peers }
    }

    /// All tools.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Calls the tool `name` with JSON arguments. `metadata` travels with the call: `idempotency-key`, a deadline.
    ///
    /// # Errors
    ///
    /// `TOOL_NOT_FOUND` with the nearest names, `INVALID_TOOL_PARAMS` with what is allowed, or what the service says.
    pub async fn call(&self, name: &str, arguments: Value, metadata: MetadataMap) -> Result<Value, Status> {
        self.answer(name, arguments, metadata, Tool::decode_response).await
    }

    /// Calls a tool like [`Toolbox::call`] for one who only passes the JSON text on.
    ///
    /// # Errors
    ///
    /// Those of [`Toolbox::call`].
    pub async fn call_for_text(&self, name: &str, arguments: Value, metadata: MetadataMap) -> Result<String, Status> {
        self.answer(name, arguments, metadata, Tool::response_text).await
    }

    async fn answer<T>(
        &self,
        name: &str,
        arguments: Value,
        metadata: MetadataMap,
        read: fn(&Tool, &[u8]) -> Option<T>,
    ) -> Result<T, Status> {
        let tool = self.find(name)?;
        let request = tool.encode_request(arguments).map_err(|error| refuse(&error))?;
        let package = tool.path.trim_start_matches('/').rsplit_once('.').map_or("", |(package, _)| package);
        let transport = self.peers.transport(package).or_else(|| self.peers.foreign_transport(&tool.service()));
        let transport = transport.ok_or_else(|| {
            status::error(ErrorCode::ApiError, format!("the service of {name} is not configured here"))
        })?;
        let mut client = Grpc::new(transport);
        client.ready().await?;
        let path = tool.path.parse().map_err(|_| status::error(ErrorCode::InternalError, "internal error"))?;
        let mut extensions = tonic::Extensions::default();
        extensions.insert(Checked);
        let request = Request::from_parts(metadata, extensions, Bytes::from(request));
        let answer = client.unary(request, path, Raw).await?.into_inner();
        read(tool, &answer).ok_or_else(|| status::error(ErrorCode::InternalError, "internal error"))
    }

    /// The tool of that name.
    ///
    /// # Errors
    ///
    /// `TOOL_NOT_FOUND` with the names that are like it.
    pub fn find(&self, name: &str) -> Result<&Tool, Status> {
        self.catalogue.get(name).ok_or_else(|| {
            let mut details = Map::new();
            let similar = similar_names(name, self.catalogue.names());
            let hint = if similar.is_empty() { String::new() } else { format!("; similar: {}", similar.join(", ")) };
            details.insert("similar_tools".into(), json!(similar));
            let shown: String = name.chars().take(64).collect();
            status::error_with(ErrorCode::ToolNotFound, format!("no tool is named {shown:?}{hint}"), details)
        })
    }
}

/// The status of arguments that do not fit a tool.
pub fn refuse(error: &ArgumentError) -> Status {
    let code = match error {
        ArgumentError::Missing { .. } => ErrorCode::MissingRequiredField,
        ArgumentError::Shape { .. } | ArgumentError::Rule(_) => ErrorCode::InvalidToolParams,
    };
    status::error(code, error.to_string())
}

/// How like a name must be to the one asked for, of 1.
const LIKE: f64 = 0.8;
/// Similar names told at the most.
const TOLD: usize = 5;

/// The names most like the one asked for, the likest first.
fn similar_names<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_ascii_lowercase();
    let mut similar: Vec<_> = names.map(|name| (strsim::jaro_winkler(&wanted, name), name)).collect();
    similar.retain(|(likeness, _)| LIKE < *likeness);
    similar.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    similar.into_iter().take(TOLD).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_name_is_told_first() {
        let names = ["roll_action_dice", "roll_dice", "get_roll", "cast_spell"];
        assert_eq!(similar_names("roll_dices", names.into_iter())[0], "roll_dice");
        assert_eq!(similar_names("castspell", names.into_iter()), ["cast_spell"]);
        assert!(similar_names("\u{1f3b2}", names.into_iter()).is_empty());
    }
}
