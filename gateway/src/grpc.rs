//! gRPC at the gateway's own port (HTTP/2, without TLS by prior knowledge): a client in any language needs one address.
//!
//! A tool is called at the desk, as through any other door. Streams that tell players what other doors tell them, too, are
//! theirs; every other method of our services is the operator's. Reflection and health are beside them.

mod health;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, Version};
use prost_reflect::{DynamicMessage, MethodDescriptor, prost::Message};
use proto::catalogue::{Role, Tool};
use service_kit::{
    Caller, Transport, call,
    raw::Raw,
    status::{self, ErrorCode},
};
use tonic::{Code, Status, client, codec::CompressionEncoding::Gzip, metadata::MetadataMap, server};
use tonic_health::pb::health_server::HealthServer;
use tonic_reflection::server::Builder;

use crate::{
    Gateway, Shares,
    answer::Problem,
    desk::{self, Call, Door},
    door::Who,
    extract::{self, Metadata, text_header},
    grpc_web,
    streams::OpenStream,
};

/// Where health is asked for; anybody may.
pub(crate) const HEALTH: &str = "/grpc.health.v1.Health/{method}";
/// Streams that players may open: what they tell is told at other doors, too.
const STREAMS: [&str; 4] = [
    "/dicetower.orchestrator.v1.OrchestratorService/Subscribe",
    "/dicetower.character.v1.SheetService/WatchCharacter",
    "/dicetower.dice.v1.DiceService/StreamRolls",
    "/dicetower.fsm.v1.FsmService/Watch",
];
/// The field that says whose doing something is, and whom a whisper reaches: nobody's word is taken for it.
const CONNECTION: &str = "connection_id";
const NO_METHOD: &str = "there is no such method; reflection tells which there are";
/// Largest answer of a service, in bytes; a sheet may be large.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Adds the methods of all services, reflection and health.
pub(crate) fn add_routes(routes: Router<Gateway>, gateway: &Gateway) -> Router<Gateway> {
    let mut services: Vec<String> = gateway.toolbox.catalogue().iter().map(Tool::service).collect();
    services.extend(proto::POOL.services().map(|service| service.full_name().to_owned()));
    services.sort();
    services.dedup();
    let routes = services
        .iter()
        .fold(routes, |routes, service| routes.route(&format!("/{service}/{{method}}"), post(call_method)));
    let routes = routes.route_service(HEALTH, HealthServer::new(health::Health::new(gateway.clone(), services)));
    let foreign = descriptors(gateway);
    let (now, before) = match (builder(&foreign).build_v1(), builder(&foreign).build_v1alpha()) {
        (Ok(now), Ok(before)) => (now, before),
        (Err(error), _) | (_, Err(error)) => {
            // Those of somebody else's service may be anything.
            tracing::warn!(%error, "the gateway has no reflection");
            return routes;
        }
    };
    routes
        .route_service("/grpc.reflection.v1.ServerReflection/{method}", now)
        .route_service("/grpc.reflection.v1alpha.ServerReflection/{method}", before)
}

/// The descriptors of services of others.
fn descriptors(gateway: &Gateway) -> Vec<Vec<u8>> {
    let mut services = Vec::new();
    let mut descriptors = Vec::new();
    for tool in gateway.peers.foreign_tools().iter() {
        if !services.contains(&tool.service()) {
            services.push(tool.service());
            descriptors.push(tool.pool().encode_to_vec());
        }
    }
    descriptors
}

/// Reflection over our services and those of others.
fn builder(foreign: &[Vec<u8>]) -> Builder<'_> {
    let ours = [proto::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let all = ours.into_iter().chain(foreign.iter().map(Vec::as_slice));
    all.fold(Builder::configure(), Builder::register_encoded_file_descriptor_set)
}

/// Whether a request is one of gRPC itself, not of gRPC-Web.
pub(crate) fn is_native(headers: &HeaderMap) -> bool {
    let kind = text_header(headers, "content-type").unwrap_or_default();
    kind.strip_prefix("application/grpc").is_some_and(|form| form.is_empty() || form.starts_with(['+', ';']))
}

/// A problem in the form of gRPC.
pub(crate) fn refusal(problem: &Problem, headers: &HeaderMap) -> Response {
    let status = Status::from(problem);
    let mut response = status.into_http::<tonic::body::Body>().into_response();
    let kept = headers.iter().filter(|(name, _)| !matches!(name.as_str(), "content-type" | "content-length"));
    response.headers_mut().extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    response
}

/// The answer to a path that is no method's.
pub(crate) fn no_such_method() -> Response {
    Status::unimplemented(NO_METHOD).into_http::<tonic::body::Body>().into_response()
}

/// Calls a method, in either form of gRPC.
async fn call_method(
    State(gateway): Shares,
    who: Who,
    metadata: Metadata,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if !is_native(request.headers()) {
        return grpc_web::call(gateway, who, metadata, request).await;
    }
    if request.version() != Version::HTTP_2 {
        return Problem::invalid("gRPC needs HTTP/2; by HTTP/1.1 there is gRPC-Web").into_response();
    }
    let path = request.uri().path().to_owned();
    let mut wire = server::Grpc::new(Raw)
        .accept_compressed(Gzip)
        .send_compressed(Gzip)
        .max_decoding_message_size(gateway.body_limit);
    let visit = Arc::new(Visit { gateway, caller: who.0, metadata: metadata.0, headers: request.headers().clone() });
    if let Some(name) = visit.tool(&path) {
        let call = tower::service_fn(move |message| call_tool(visit.clone(), name.clone(), message));
        return wire.unary(call, request).await.into_response();
    }
    let method = match visit.method(&path) {
        Ok(method) => Arc::new(method),
        Err(refusal) => return refusal.into_http::<tonic::body::Body>().into_response(),
    };
    if method.descriptor.is_server_streaming() {
        let call = tower::service_fn(move |message| open_stream(visit.clone(), method.clone(), address, message));
        return wire.server_streaming(call, request).await.into_response();
    }
    let call = tower::service_fn(move |message| pass_on(visit.clone(), method.clone(), message));
    wire.unary(call, request).await.into_response()
}

/// Somebody who has come with a call.
struct Visit {
    gateway: Gateway,
    caller: Caller,
    /// Travels with the call.
    metadata: MetadataMap,
    headers: HeaderMap,
}

/// A method that is no tool.
struct Method {
    descriptor: MethodDescriptor,
    transport: Transport,
    path: http::uri::PathAndQuery,
}

type Answer<T> = Result<tonic::Response<T>, Status>;

impl Visit {
    /// The name of the tool with this path.
    fn tool(&self, path: &str) -> Option<String> {
        let tool = self.gateway.toolbox.catalogue().iter().find(|tool| tool.path == path)?;
        Some(tool.name.clone())
    }

    /// The method with this path, if he may call it.
    fn method(&self, path: &str) -> Result<Method, Status> {
        let unknown = || Status::unimplemented(NO_METHOD);
        let (service, name) = path.trim_start_matches('/').split_once('/').ok_or_else(unknown)?;
        let service = proto::POOL.get_service_by_name(service).ok_or_else(unknown)?;
        let descriptor = service.methods().find(|method| method.name() == name).ok_or_else(unknown)?;
        let role = if STREAMS.contains(&path) { Role::Player } else { Role::Operator };
        let allowed = self.caller.check().and_then(|()| self.caller.must_be(role, descriptor.name()));
        if role == Role::Operator || allowed.is_err() {
            let refusal = allowed.as_ref().err();
            self.gateway.note(Door::Grpc.as_str(), &self.caller, descriptor.name(), String::new(), refusal);
        }
        allowed?;
        let missing = || status::error(ErrorCode::ApiError, "the service of this method is not configured here");
        let transport = self.gateway.peers.transport(service.package_name()).ok_or_else(missing)?;
        let path = path.parse().map_err(|_| unknown())?;
        Ok(Method { descriptor, transport, path })
    }

    /// The message that goes on to a service: only an operator may say which connection he is, and nobody enters a session
    /// that is not his.
    fn checked(&self, method: &MethodDescriptor, message: Bytes) -> Result<Bytes, Status> {
        if self.caller.role == Role::Operator {
            return Ok(message);
        }
        let unreadable = |_| status::error(ErrorCode::InvalidRequest, "the message is not one of this method");
        let mut message = DynamicMessage::decode(method.input(), message).map_err(unreadable)?;
        message.clear_field_by_name(CONNECTION);
        for field in desk::SESSIONS {
            let session_id = message.get_field_by_name(field);
            if let Some(session_id) = session_id.as_deref().and_then(prost_reflect::Value::as_str) {
                self.caller.may_enter(session_id)?;
            }
        }
        Ok(message.encode_to_vec().into())
    }

    /// A message on its way to a service.
    fn request(&self, message: Bytes) -> tonic::Request<Bytes> {
        let mut metadata = self.metadata.clone();
        let deadline = text_header(&self.headers, "grpc-timeout").and_then(|deadline| deadline.parse().ok());
        if let Some(deadline) = deadline {
            metadata.insert("grpc-timeout", deadline);
        }
        tonic::Request::from_parts(metadata, tonic::Extensions::default(), message)
    }
}

/// Calls a tool at the desk; one that names a session in `x-session-id` is called at that table.
async fn call_tool(visit: Arc<Visit>, name: String, message: tonic::Request<Bytes>) -> Answer<Bytes> {
    call::detached(call::deadline(&visit.headers), async move {
        let tool = visit.gateway.toolbox.find(&name)?;
        let unreadable = || status::error(ErrorCode::InvalidToolParams, "the message is not one of this method");
        let arguments = tool.decode_request(message.get_ref()).ok_or_else(unreadable)?;
        let session_id = text_header(&visit.headers, "x-session-id").map(str::to_owned);
        if let Some(session_id) = &session_id {
            extract::session_id(session_id)?;
        }
        let metadata = visit.request(Bytes::new()).into_parts().0;
        let call = Call { door: Door::Grpc, caller: &visit.caller, name: &name, arguments, metadata, session_id };
        let result = visit.gateway.call_tool(call).await.map_err(told)?;
        let answer =
            tool.encode_response(result).ok_or_else(|| status::error(ErrorCode::InternalError, "internal error"))?;
        Ok(tonic::Response::new(answer.into()))
    })
    .await?
}

/// Calls a method that is no tool.
async fn pass_on(visit: Arc<Visit>, method: Arc<Method>, message: tonic::Request<Bytes>) -> Answer<Bytes> {
    let message = visit.checked(&method.descriptor, message.into_inner())?;
    let answer = client(&method).await?.unary(visit.request(message), method.path.clone(), Raw).await.map_err(told)?;
    Ok(tonic::Response::new(answer.into_inner()))
}

/// Opens a stream, which counts as one of the address's as long as it lives.
async fn open_stream(
    visit: Arc<Visit>,
    method: Arc<Method>,
    address: SocketAddr,
    message: tonic::Request<Bytes>,
) -> Answer<impl Stream<Item = Result<Bytes, Status>> + Send + 'static> {
    let message = visit.checked(&method.descriptor, message.into_inner())?;
    let open = visit.gateway.streams.open(address.ip()).map_err(|problem| Status::from(&problem))?;
    let request = visit.request(message);
    let answer = client(&method).await?.server_streaming(request, method.path.clone(), Raw).await.map_err(told)?;
    let open = Open { messages: answer.into_inner(), visit, _open: open };
    Ok(tonic::Response::new(stream::unfold(Some(open), |open| async move {
        let mut open = open?;
        let message = open.next().await?;
        // An error is the last of it.
        let rest = message.is_ok().then_some(open);
        Some((message, rest))
    })))
}

/// A stream that is read by somebody.
struct Open {
    messages: tonic::Streaming<Bytes>,
    visit: Arc<Visit>,
    _open: OpenStream,
}

impl Open {
    /// The next message; an error if he may read no further.
    async fn next(&mut self) -> Option<Result<Bytes, Status>> {
        tokio::select! {
            status = self.visit.caller.ended() => Some(Err(status)),
            () = self.visit.gateway.shutdown.cancelled() => {
                Some(Err(status::error(ErrorCode::ApiError, "the server is shutting down; call again in a moment")))
            }
            message = self.messages.next() => message.map(|message| message.map_err(told)),
        }
    }
}

async fn client(method: &Method) -> Result<client::Grpc<Transport>, Status> {
    let mut client = client::Grpc::new(method.transport.clone()).max_decoding_message_size(MAX_ANSWER);
    client.ready().await?;
    Ok(client)
}

/// What a caller is told of a failure; the text of one that is ours was not written for him.
fn told(status: Status) -> Status {
    match status.code() {
        Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable => Status::from(&Problem::from(status)),
        _ => Status::with_details(status.code(), status.message(), Bytes::copy_from_slice(status.details())),
    }
}
