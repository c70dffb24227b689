//! What is to be written and the reader has not taken yet, guarded line by line.

use std::{collections::VecDeque, io};

use crate::{
    command::Position,
    connection::Closed,
    guard::{self, Line},
    socket::Socket,
};

/// Bytes that a reader may leave lying before its connection is closed.
const LIMIT: usize = 1024 * 1024;

/// Bytes that wait for the reader.
#[derive(Default)]
pub struct Unread(VecDeque<u8>);

impl Unread {
    /// Adds a line, as far as the guard admits it, with its number if it has one.
    pub fn push(&mut self, kind: Line, line: &str, number: Option<Position>) {
        let Some(line) = guard::admit(kind, line) else {
            tracing::warn!(line, "a line was withheld: the Java client could not bear it");
            return;
        };
        if let Some(number) = number {
            self.0.extend(format!("{number} ").as_bytes());
        }
        self.0.extend(line.as_bytes());
        self.0.push_back(b'\n');
    }

    /// Whether the reader has taken everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes as much as the socket takes.
    ///
    /// # Errors
    ///
    /// The socket is broken, or its reader has fallen too far behind.
    pub fn write(&mut self, socket: &mut Socket) -> Result<(), Closed> {
        while !self.0.is_empty() {
            match socket.try_write(self.0.make_contiguous()) {
                Ok(count) => drop(self.0.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        if self.0.is_empty() {
            // An idle connection holds no buffer.
            self.0 = VecDeque::new();
        }
        if LIMIT < self.0.len() { Err(Closed::FellBehind(self.0.len())) } else { Ok(()) }
    }
}
