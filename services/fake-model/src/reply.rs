//! What the fake model answers: a status, and a body piece by piece.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::Gate;

/// An answer in the making. Without [`Reply::end`] its body just stops, as a broken connection's does.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Bytes(Bytes),
    Gate(Gate),
    /// The connection breaks.
    Cut,
}

impl Default for Reply {
    fn default() -> Reply {
        let headers = vec![("content-type".into(), "text/event-stream".into())];
        Reply { status: 200, headers, pieces: Vec::new() }
    }
}

impl Reply {
    /// An answer that has not said anything yet.
    pub fn new() -> Reply {
        Reply::default()
    }

    /// A whole answer of text, in these pieces.
    pub fn saying<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Reply {
        pieces.into_iter().fold(Reply::new(), Reply::text).end("stop")
    }

    /// A whole answer that calls these tools: (id, name, arguments).
    pub fn calling<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str, Value)>) -> Reply {
        let reply = (0..).zip(calls).fold(Reply::new(), |reply, (index, (id, name, arguments))| {
            reply.call(index, Some(id), Some(name), &arguments.to_string())
        });
        reply.end("tool_calls")
    }

    /// A refusal.
    pub fn refusing(status: u16, content_type: &str, body: &str) -> Reply {
        let headers = vec![("content-type".into(), content_type.into())];
        Reply { status, headers, pieces: vec![Piece::Bytes(Bytes::from(body.to_owned()))] }
    }

    /// The same with another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The next piece of text.
    #[must_use]
    pub fn text(self, text: &str) -> Reply {
        self.delta(json!({"content": text}))
    }

    /// A fragment of a tool call.
    #[must_use]
    pub fn call(self, index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> Reply {
        let mut call = json!({"index": index, "function": {"arguments": arguments}});
        if let Some(id) = id {
            call["id"] = id.into();
            call["type"] = "function".into();
        }
        if let Some(name) = name {
            call["function"]["name"] = name.into();
        }
        self.delta(json!({"tool_calls": [call]}))
    }

    /// A chunk with this delta.
    #[must_use]
    pub fn delta(self, delta: Value) -> Reply {
        self.chunk(json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake",
            "choices": [{"index": 0, "delta": delta, "finish_reason": null}],
        }))
    }

    /// A chunk as it is.
    #[must_use]
    pub fn chunk(self, chunk: Value) -> Reply {
        self.raw(format!("data: {chunk}\n\n"))
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Reply {
        self.pieces.push(Piece::Bytes(Bytes::copy_from_slice(bytes.as_ref())));
        self
    }

    /// Stops until the gate is opened.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Reply {
        self.pieces.push(Piece::Gate(gate.clone()));
        self
    }

    /// Breaks the connection.
    #[must_use]
    pub fn cut(mut self) -> Reply {
        self.pieces.push(Piece::Cut);
        self
    }

    /// What the answer cost, in a chunk without choices.
    #[must_use]
    pub fn usage(self, prompt_tokens: u64, completion_tokens: u64) -> Reply {
        let usage = json!({"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens});
        self.chunk(json!({"choices": [], "usage": usage}))
    }

    /// The reason to finish.
    #[must_use]
    pub fn finish(self, reason: &str) -> Reply {
        self.chunk(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
    }

    /// The line that ends an answer.
    #[must_use]
    pub fn done(self) -> Reply {
        self.raw("data: [DONE]\n\n")
    }

    /// The regular end: a reason, the usage, `[DONE]`.
    #[must_use]
    pub fn end(self, reason: &str) -> Reply {
        self.finish(reason).usage(100, 20).done()
    }
}
