//! The WebSocket's own protocol (RFC 6455), byte by byte: what may come torn or mixed is read, and what may not come at
//! all closes the line with the code that says why.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Gateway, PATIENCE, table};

const PING: &[u8] = br#"{"type":"ping"}"#;
const PONG: &[u8] = br#"{"type":"pong"}"#;

/// A frame of a client; `head` is its first byte. The mask is zero, which masks nothing.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let length = match payload.len() {
        length @ 0..126 => vec![0x80 | u8::try_from(length).unwrap()],
        length => [&[0x80 | 126][..], &u16::try_from(length).unwrap().to_be_bytes()].concat(),
    };
    [&[head][..], &length, &[0; 4], payload].concat()
}

fn close(code: u16) -> Vec<u8> {
    frame(0x88, &code.to_be_bytes())
}

/// What a line is answered to these bytes, as opcode and payload: the first frame that tells of nothing at the table.
async fn answer(gateway: &Gateway, bytes: &[u8]) -> (u8, Vec<u8>) {
    tokio::time::timeout(PATIENCE, answer_unhurried(gateway, bytes)).await.expect("an answer within the time")
}

async fn answer_unhurried(gateway: &Gateway, bytes: &[u8]) -> (u8, Vec<u8>) {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let request = "GET /game/s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    let _ = stream.write_all(bytes).await;
    loop {
        let (opcode, payload) = read(&mut stream).await;
        if opcode != 1 || payload == PONG {
            return (opcode, payload);
        }
    }
}

async fn read(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let head = stream.read_u8().await.unwrap();
    let length = match stream.read_u8().await.unwrap() {
        126 => stream.read_u16().await.unwrap().into(),
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.unwrap();
    (head & 15, payload)
}

#[tokio::test]
async fn frames_in_fragments_with_pings_between_them_are_read() {
    let gateway = table(gateway::Config::default()).await;
    for bytes in [
        [frame(0x01, &PING[..3]), frame(0x00, &PING[3..7]), frame(0x80, &PING[7..])].concat(),
        [frame(0x01, b""), frame(0x00, b""), frame(0x80, PING)].concat(),
        [frame(0x8a, b"nobody asked"), frame(0x81, PING)].concat(),
        [frame(0x01, "{\"type\":\"ping\",\"x\":\"\u{fc}".as_bytes().split_last().unwrap().1), frame(0x80, b"\xbc\"}")]
            .concat(),
    ] {
        assert_eq!(answer(&gateway, &bytes).await, (1, PONG.to_vec()));
    }
    let between = [frame(0x01, &PING[..3]), frame(0x89, b"hi"), frame(0x80, &PING[3..])].concat();
    assert_eq!(answer(&gateway, &between).await, (10, b"hi".to_vec()));
    assert_eq!(answer(&gateway, &frame(0x89, &[b'x'; 125])).await, (10, vec![b'x'; 125]));
}

#[tokio::test]
async fn what_may_not_come_closes_the_line_with_its_code() {
    let gateway = table(gateway::Config::default()).await;
    let unmasked = [&[0x81, 15], PING].concat();
    let endless = [&[0x81, 0x80 | 127][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    for (bytes, expected, name) in [
        (frame(0x89, &[b'x'; 126]), 1002, "a ping that is too long"),
        (frame(0x09, b"x"), 1002, "a ping in fragments"),
        (frame(0xc1, PING), 1002, "the first reserved bit"),
        (frame(0xa1, PING), 1002, "the second reserved bit"),
        (frame(0x91, PING), 1002, "the third reserved bit"),
        (frame(0x83, b""), 1002, "an unknown opcode"),
        (frame(0x8f, b""), 1002, "an unknown opcode of control"),
        (frame(0x80, PING), 1002, "a continuation of nothing"),
        ([frame(0x01, b"{"), frame(0x81, PING)].concat(), 1002, "a text within a text"),
        (unmasked, 1002, "a frame without a mask"),
        (frame(0x81, b"\xce\xba\xff"), 1007, "bytes that are no text"),
        (frame(0x81, b"\xed\xa0\x80"), 1007, "half a character of UTF-16"),
        (frame(0x81, b"\xc0\xaf"), 1007, "a character written too long"),
        ([frame(0x01, b"\xce"), frame(0x80, b"\xff")].concat(), 1007, "fragments that are no text"),
        (endless, 1009, "a frame beyond measure"),
        (frame(0x88, b"\x03"), 1002, "half a code"),
        (frame(0x88, b"\x03\xe8\xff\xfe"), 1007, "a reason that is no text"),
    ] {
        let (opcode, payload) = answer(&gateway, &bytes).await;
        assert_eq!((opcode, payload.get(..2)), (8, Some(u16::to_be_bytes(expected).as_slice())), "{name}");
    }
}

#[tokio::test]
async fn a_farewell_is_returned_and_one_that_may_not_be_sent_refused() {
    let gateway = table(gateway::Config::default()).await;
    assert_eq!(answer(&gateway, &frame(0x88, b"")).await, (8, Vec::new()));
    for code in [1000, 1001, 1003, 1007, 1011, 3000, 4999] {
        assert_eq!(answer(&gateway, &close(code)).await, (8, code.to_be_bytes().to_vec()), "{code}");
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, u16::MAX] {
        let (opcode, payload) = answer(&gateway, &close(code)).await;
        assert_eq!((opcode, &payload[..2]), (8, &1002_u16.to_be_bytes()[..]), "{code}");
    }
}
