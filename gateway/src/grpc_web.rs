//! gRPC-Web: browsers and programs behind proxies call the tools as gRPC methods by HTTP/1.1, too. A call is read, made at
//! the desk like any other, and answered in one frame of data and one of trailers.

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use service_kit::status::{self, ErrorCode};
use tonic::Status;

use crate::{
    Gateway,
    answer::Problem,
    desk::{Call, Door},
    door::Who,
    extract::{self, Metadata, text_header},
};

/// The flag of a frame that holds trailers.
const TRAILERS: u8 = 0x80;
/// Bytes before a message: a flag, and the length in four bytes.
const HEAD: usize = 5;

/// Calls a method.
pub(crate) async fn call(
    gateway: Gateway,
    Who(caller): Who,
    Metadata(metadata): Metadata,
    request: Request,
) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let body = match extract::body(request, &gateway).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let kind = text_header(&headers, "content-type").unwrap_or_default();
    let Some(form) = kind.strip_prefix("application/grpc-web") else {
        let message = "methods are called here as gRPC, with the content type application/grpc, or as gRPC-Web, with \
                       application/grpc-web+proto";
        return Problem::invalid(message).into_response();
    };
    let is_text = form.starts_with("-text");
    let answer = async {
        let tool = gateway.toolbox.catalogue().iter().find(|tool| tool.path == uri.path());
        let tool = tool.ok_or_else(|| {
            let text = "there is no such method that may be called from outside; those of the tools may";
            Status::unimplemented(text)
        })?;
        let message = message_of(&body, is_text)?;
        let unreadable = || status::error(ErrorCode::InvalidToolParams, "the message is not one of this method");
        let arguments = tool.decode_request(&message).ok_or_else(unreadable)?;
        let session_id = text_header(&headers, "x-session-id").map(str::to_owned);
        if let Some(session_id) = &session_id {
            extract::session_id(session_id)?;
        }
        let call = Call { door: Door::Grpc, caller: &caller, name: &tool.name, arguments, metadata, session_id };
        let result = gateway.call_tool(call).await?;
        tool.encode_response(result).ok_or_else(|| status::error(ErrorCode::InternalError, "internal error"))
    };
    respond(answer.await, is_text)
}

/// The one message of a body.
fn message_of(body: &[u8], is_text: bool) -> Result<Vec<u8>, Status> {
    let invalid = |text: &str| status::error(ErrorCode::InvalidRequest, text);
    let decoded =
        if is_text { STANDARD.decode(body).map_err(|_| invalid("the body is not base64"))? } else { body.to_vec() };
    match decoded.split_at_checked(HEAD) {
        Some(([0, length @ ..], message)) if u32::from_be_bytes(length_of(length)) as usize == message.len() => {
            Ok(message.to_vec())
        }
        Some(([1, ..], _)) => Err(Status::unimplemented("compressed messages are not read here")),
        _ => Err(invalid("the body is not one frame with one message")),
    }
}

fn length_of(bytes: &[u8]) -> [u8; 4] {
    let mut length = [0; 4];
    length.copy_from_slice(bytes);
    length
}

fn respond(answer: Result<Vec<u8>, Status>, is_text: bool) -> Response {
    let mut body = Vec::new();
    let status = match answer {
        Ok(message) => {
            frame(&mut body, 0, &message);
            Status::ok("")
        }
        Err(status) => status,
    };
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        trailers.insert("grpc-status", HeaderValue::from_static("13"));
    }
    if !trailers.contains_key("grpc-status") {
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
    }
    let mut text = Vec::new();
    for (name, value) in &trailers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    frame(&mut body, TRAILERS, &text);
    let kind = if is_text { "application/grpc-web-text+proto" } else { "application/grpc-web+proto" };
    let body = if is_text { Body::from(STANDARD.encode(body)) } else { Body::from(body) };
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
}

fn frame(body: &mut Vec<u8>, flag: u8, content: &[u8]) {
    body.push(flag);
    body.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_frame_or_refused() {
        assert_eq!(message_of(&[0, 0, 0, 0, 2, 7, 8], false).unwrap(), [7, 8]);
        assert_eq!(message_of(b"AAAAAAIHCA==", true).unwrap(), [7, 8]);
        for wrong in [&b""[..], &[0], &[0, 0, 0, 0, 9, 7], &[1, 0, 0, 0, 1, 7], &[0, 255, 255, 255, 255], b"AAAA"] {
            assert!(message_of(wrong, false).is_err(), "{wrong:?}");
        }
        assert!(message_of(b"~~~", true).is_err());
    }
}
