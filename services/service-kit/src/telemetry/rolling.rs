//! A log file that begins anew when it is full, and keeps its last predecessors.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

/// Bytes after which a file is full.
const FULL: u64 = 10 * 1024 * 1024;
/// Predecessors kept, as `.1` (the youngest) to `.5`.
const BACKUPS: u32 = 5;

/// A file with its predecessors beside it.
pub struct RollingFile {
    path: PathBuf,
    file: File,
    size: u64,
    full: u64,
}

impl RollingFile {
    /// Opens the file at `path`, after what it already holds; its folder is made if it is not there.
    pub fn open(path: PathBuf) -> io::Result<RollingFile> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let size = file.metadata()?.len();
        Ok(RollingFile { path, file, size, full: FULL })
    }

    fn roll(&mut self) -> io::Result<()> {
        let backup = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..BACKUPS).rev() {
            if backup(number).exists() {
                fs::rename(backup(number), backup(number + 1))?;
            }
        }
        fs::rename(&self.path, backup(1))?;
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Write for RollingFile {
    /// Writes a whole line; a line is never torn between two files.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if 0 < self.size && self.full < self.size + line.len() as u64 {
            self.roll()?;
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_becomes_the_first_of_five_backups() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.log");
        let mut file = RollingFile::open(path.clone()).unwrap();
        file.full = 10;

        for line in 0..9 {
            writeln!(file, "line {line}").unwrap();
        }

        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("all.log"), "line 8\n");
        assert_eq!(read("all.log.1"), "line 7\n");
        assert_eq!(read("all.log.5"), "line 3\n");
        assert!(!folder.path().join("all.log.6").exists());
    }

    #[test]
    fn a_file_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.log");
        writeln!(RollingFile::open(path.clone()).unwrap(), "one").unwrap();
        writeln!(RollingFile::open(path.clone()).unwrap(), "two").unwrap();

        assert_eq!(fs::read_to_string(path).unwrap(), "one\ntwo\n");
    }
}
