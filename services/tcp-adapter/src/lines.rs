//! Cuts what a socket delivers into lines, and bounds them.

/// Longest line in bytes, its end not counted.
pub const MAX_LINE: usize = 64 * 1024;
/// A buffer larger than this is given back when it is empty, so that an idle connection holds next to nothing.
const KEPT_CAPACITY: usize = 512;

/// What has come in.
#[derive(Debug, PartialEq)]
pub enum Received {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line that is longer than [`MAX_LINE`]; what follows up to its end is skipped.
    TooLong,
}

/// Bytes that have come in and are not yet lines.
///
/// Only the end of a line is looked for: a character that two segments share is whole again by then.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no end of line.
    searched: usize,
    skipping: bool,
}

impl Lines {
    /// Takes up what the socket delivered.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line, if its end has come. What is left over when the peer goes is no line.
    pub fn next(&mut self) -> Option<Received> {
        loop {
            let Some(offset) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') else {
                return self.fragment();
            };
            let end = self.searched + offset;
            let line = without_return(&self.buffer[self.start..end]);
            let received = if line.len() > MAX_LINE { Received::TooLong } else { Received::Line(line.to_vec()) };
            self.start = end + 1;
            self.searched = self.start;
            if !std::mem::take(&mut self.skipping) {
                return Some(received);
            }
        }
    }

    /// Nothing but the beginning of a line is there.
    fn fragment(&mut self) -> Option<Received> {
        let too_long = without_return(&self.buffer[self.start..]).len() > MAX_LINE;
        if too_long || self.skipping {
            self.start = self.buffer.len();
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        self.searched = self.buffer.len();
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_CAPACITY {
            self.buffer = Vec::new();
        }
        let begins = too_long && !self.skipping;
        self.skipping |= too_long;
        begins.then_some(Received::TooLong)
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(segments: &[&[u8]]) -> Vec<Received> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for segment in segments {
            lines.push(segment);
            all.extend(std::iter::from_fn(|| lines.next()));
        }
        all
    }

    fn line(text: &str) -> Received {
        Received::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_end_in_lf_or_crlf() {
        assert_eq!(read(&[b"a\nb\r\n\nc"]), [line("a"), line("b"), line("")]);
    }

    #[test]
    fn a_character_may_be_split_between_segments() {
        assert_eq!(read(&[b"\xe2", b"\x95", b"\x90\n"]), [line("\u{2550}")]);
    }

    #[test]
    fn a_line_may_come_byte_by_byte() {
        let segments: Vec<&[u8]> = b"EVENT:X\r\nY\n".chunks(1).collect();
        assert_eq!(read(&segments), [line("EVENT:X"), line("Y")]);
    }

    #[test]
    fn the_longest_line_is_accepted_with_either_end() {
        let longest = vec![b'x'; MAX_LINE];
        assert_eq!(read(&[&longest, b"\n"]), [Received::Line(longest.clone())]);
        assert_eq!(read(&[&longest, b"\r", b"\n"]), [Received::Line(longest)]);
    }

    #[test]
    fn a_longer_line_is_told_once_and_skipped_to_its_end() {
        let long = vec![b'x'; MAX_LINE + 1];
        assert_eq!(read(&[&long, b"more", b"and more\nnext\n"]), [Received::TooLong, line("next")]);
        let whole = [&long[..], b"\nnext\n"].concat();
        assert_eq!(read(&[&whole]), [Received::TooLong, line("next")]);
    }

    #[test]
    fn megabytes_without_an_end_are_not_kept() {
        let mut lines = Lines::default();
        let mut told = 0;
        for _ in 0..1024 {
            lines.push(&[b'x'; 8192]);
            told += std::iter::from_fn(|| lines.next()).count();
        }
        assert_eq!(told, 1);
        assert!(lines.buffer.capacity() <= 2 * MAX_LINE);
    }

    #[test]
    fn an_idle_connection_holds_no_buffer() {
        let mut lines = Lines::default();
        lines.push(&[b'x'; 8000]);
        lines.push(b"\n");
        assert!(lines.next().is_some());
        assert_eq!(lines.next(), None);
        assert!(lines.buffer.capacity() <= KEPT_CAPACITY);
    }
}
