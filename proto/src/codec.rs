//! How messages become bytes on the way: as prost writes them, into buffers of the size that they need.
//!
//! tonic's own begin with 8 KiB for each direction of each call. Most messages have a few hundred bytes, and a reader of
//! a table keeps his buffer for as long as he listens.

use std::marker::PhantomData;

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

/// Bytes that a buffer begins with.
const BUFFER: usize = 512;
/// Bytes of a stream's messages that are sent together at the most; tonic's own.
const TOGETHER: usize = 32 * 1024;

fn settings() -> BufferSettings {
    BufferSettings::new(BUFFER, TOGETHER)
}

/// Writes messages of one type and reads those of another.
#[derive(Debug)]
pub struct Codec<W, R>(PhantomData<(W, R)>);

impl<W, R> Default for Codec<W, R> {
    fn default() -> Self {
        Codec(PhantomData)
    }
}

impl<W: Message + 'static, R: Message + Default + 'static> tonic::codec::Codec for Codec<W, R> {
    type Encode = W;
    type Decode = R;
    type Encoder = Codec<W, R>;
    type Decoder = Codec<W, R>;

    fn encoder(&mut self) -> Codec<W, R> {
        Codec::default()
    }

    fn decoder(&mut self) -> Codec<W, R> {
        Codec::default()
    }
}

impl<W: Message, R> Encoder for Codec<W, R> {
    type Item = W;
    type Error = Status;

    fn encode(&mut self, message: W, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.encoded_len());
        message.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        settings()
    }
}

impl<W, R: Message + Default> Decoder for Codec<W, R> {
    type Item = R;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<R>, Status> {
        R::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        settings()
    }
}
