//! `dicetower mcp`: the Model Context Protocol on standard input and output, for clients that start their servers.

use std::io::{Read, Write};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// Bytes on their way between a pipe and the server.
const BUFFER: usize = 64 * 1024;

/// Standard input and output as the server reads and writes them. A thread each waits for them, since nothing can be
/// asked whether it has something to read.
///
/// # Errors
///
/// The operating system gives no thread.
pub fn pipes() -> std::io::Result<(DuplexStream, DuplexStream)> {
    let (mut stdin, input) = duplex(BUFFER);
    let (output, mut stdout) = duplex(BUFFER);
    let handle = tokio::runtime::Handle::current();
    let reading = handle.clone();
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut buffer = vec![0; BUFFER];
        while let Ok(read @ 1..) = std::io::stdin().lock().read(&mut buffer) {
            if reading.block_on(stdin.write_all(&buffer[..read])).is_err() {
                return;
            }
        }
    })?;
    std::thread::Builder::new().name("stdout".into()).spawn(move || {
        let mut buffer = vec![0; BUFFER];
        while let Ok(read @ 1..) = handle.block_on(stdout.read(&mut buffer)) {
            let mut out = std::io::stdout().lock();
            if out.write_all(&buffer[..read]).and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    })?;
    Ok((input, output))
}
