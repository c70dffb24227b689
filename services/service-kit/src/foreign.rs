//! Services of others: a gRPC service in any language whose operations become tools beside ours.
//!
//! Its descriptors come from its own reflection or from a file. What it may do is what the configuration grants it, not
//! what it declares: all its tools have the role that stands there.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, time::Duration};

use anyhow::Context as _;
use prost_reflect::DescriptorPool;
use proto::catalogue::{Catalogue, Role};
use tonic_reflection::pb::v1alpha::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::{
    Transport, auth,
    client::{self, Peers},
};

/// Time in which a service must tell its descriptors.
const DEADLINE: Duration = Duration::from_secs(10);
/// Files of one service's descriptors.
const MAX_FILES: usize = 500;
/// Packages of gRPC itself, whose operations are no tools.
const GRPC: &str = "grpc.";

/// A service of somebody's own, as the command line names it: `name=url[,descriptors=FILE][,role=ROLE]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignService {
    name: String,
    url: String,
    descriptors: Option<PathBuf>,
    role: Role,
}

impl FromStr for ForeignService {
    type Err = String;

    fn from_str(text: &str) -> Result<ForeignService, String> {
        let usage = || "a service is name=url[,descriptors=FILE][,role=player|gm|operator]".to_owned();
        let (name, rest) = text.split_once('=').ok_or_else(usage)?;
        let mut parts = rest.split(',');
        let url = parts.next().filter(|url| url.starts_with("http://") || url.starts_with("https://"));
        let url = url.ok_or_else(|| format!("{}; its url begins with http:// or https://", usage()))?.to_owned();
        let is_name = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
        if name.is_empty() || 32 < name.len() || !name.chars().all(is_name) {
            return Err("a service's name has 1 to 32 characters of a-z, 0-9 and _".into());
        }
        let mut service = ForeignService { name: name.to_owned(), url, descriptors: None, role: Role::Gm };
        for part in parts {
            match part.split_once('=') {
                Some(("descriptors", file)) => service.descriptors = Some(file.into()),
                Some(("role", role)) => service.role = auth::parse_role(role)?,
                _ => return Err(usage()),
            }
        }
        Ok(service)
    }
}

/// The same peers with services of others among them, and their tools in the catalogue.
///
/// # Errors
///
/// A service does not answer or its file cannot be read, or one of its tools has a name that is taken.
pub async fn add(mut peers: Peers, services: &[ForeignService]) -> anyhow::Result<Peers> {
    for service in services {
        let transport = client::connect(&service.url)?;
        let pool = match &service.descriptors {
            Some(file) => read_file(file).await,
            None => {
                let reflected = tokio::time::timeout(DEADLINE, reflect(transport.clone())).await;
                reflected.context("it does not answer").and_then(|pool| pool)
            }
        };
        let pool =
            pool.with_context(|| format!("learn what the service {} at {} offers", service.name, service.url))?;
        let is_theirs = |package: &str| !package.starts_with(GRPC) && !package.starts_with("dicetower.");
        let tools = Catalogue::granted(&pool, &service.name, service.role, is_theirs)?;
        anyhow::ensure!(tools.iter().next().is_some(), "the service {} offers no unary operation", service.name);
        tracing::info!(service = service.name, tools = tools.iter().count(), "a service of one's own joins");
        peers = peers.with_foreign(transport, tools)?;
    }
    Ok(peers)
}

async fn read_file(file: &PathBuf) -> anyhow::Result<DescriptorPool> {
    let bytes = tokio::fs::read(file).await.with_context(|| format!("read {}", file.display()))?;
    DescriptorPool::decode(bytes.as_slice()).with_context(|| format!("{} is no descriptor set", file.display()))
}

/// Asks a service for its descriptors.
async fn reflect(transport: Transport) -> anyhow::Result<DescriptorPool> {
    let mut client = ServerReflectionClient::new(transport);
    let listed = ask(&mut client, MessageRequest::ListServices(String::new())).await?;
    let MessageResponse::ListServicesResponse(listed) = listed else { anyhow::bail!("it does not list its services") };
    let mut files = BTreeMap::new();
    for service in listed.service.iter().filter(|service| !service.name.starts_with(GRPC)) {
        let wanted = MessageRequest::FileContainingSymbol(service.name.clone());
        keep(&mut files, ask(&mut client, wanted).await?)?;
    }
    // What they import, until nothing is missing.
    loop {
        let missing: Vec<String> = files
            .values()
            .flat_map(|(_, imports): &(Vec<u8>, Vec<String>)| imports.clone())
            .filter(|import| !files.contains_key(import))
            .collect();
        let Some(import) = missing.into_iter().next() else { break };
        keep(&mut files, ask(&mut client, MessageRequest::FileByFilename(import.clone())).await?)?;
        anyhow::ensure!(files.contains_key(&import), "it does not tell {import}");
        anyhow::ensure!(files.len() <= MAX_FILES, "it has more than {MAX_FILES} files of descriptors");
    }
    pool_of(files)
}

/// The files in an order in which each comes after what it imports.
fn pool_of(mut files: BTreeMap<String, (Vec<u8>, Vec<String>)>) -> anyhow::Result<DescriptorPool> {
    let mut pool = DescriptorPool::new();
    while !files.is_empty() {
        let ready = files
            .iter()
            .find(|(_, (_, imports))| imports.iter().all(|import| !files.contains_key(import)))
            .map(|(name, _)| name.clone());
        let name = ready.context("its files import each other")?;
        if let Some((bytes, _)) = files.remove(&name) {
            pool.decode_file_descriptor_proto(bytes.as_slice()).with_context(|| format!("read {name}"))?;
        }
    }
    Ok(pool)
}

type Client = ServerReflectionClient<Transport>;

async fn ask(client: &mut Client, request: MessageRequest) -> anyhow::Result<MessageResponse> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut answers = client.server_reflection_info(futures_util::stream::iter([request])).await?.into_inner();
    let answer = answers.message().await?.and_then(|answer| answer.message_response).context("it answers nothing")?;
    match answer {
        MessageResponse::ErrorResponse(error) => anyhow::bail!("it answers: {}", error.error_message),
        answer => Ok(answer),
    }
}

fn keep(files: &mut BTreeMap<String, (Vec<u8>, Vec<String>)>, answer: MessageResponse) -> anyhow::Result<()> {
    use prost_reflect::prost::Message as _;
    let MessageResponse::FileDescriptorResponse(answer) = answer else { anyhow::bail!("it tells no descriptors") };
    for bytes in answer.file_descriptor_proto {
        let file = prost_reflect::prost_types::FileDescriptorProto::decode(bytes.as_slice())?;
        files.insert(file.name().to_owned(), (bytes, file.dependency));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_with_its_address_and_what_it_may() {
        let service: ForeignService = "weather=http://127.0.0.1:5000,role=player".parse().unwrap();
        assert_eq!(
            (service.name.as_str(), service.url.as_str(), service.role),
            ("weather", "http://127.0.0.1:5000", Role::Player)
        );
        let service: ForeignService = "weather=https://a:1,descriptors=/tmp/x.bin".parse().unwrap();
        assert_eq!((service.descriptors, service.role), (Some("/tmp/x.bin".into()), Role::Gm));
        for wrong in [
            "",
            "weather",
            "=http://a",
            "Weather=http://a",
            "weather=a:1",
            "weather=http://a,role=king",
            "weather=http://a,x=y",
        ] {
            assert!(wrong.parse::<ForeignService>().is_err(), "{wrong}");
        }
    }
}
