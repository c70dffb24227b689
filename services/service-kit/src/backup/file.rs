//! The file of a backup: lines of JSON, and at the end what they must add up to.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use anyhow::Context as _;
use data_encoding::HEXLOWER;
use ring::digest::{self, Digest, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Contents, FORMAT, Sum};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Line {
    Head { dicetower_backup: u64, taken_at: String, schemas: std::collections::BTreeMap<String, usize> },
    Table(Table),
    Row(Vec<Json>),
    File { name: String, text: String },
    End { rows: u64, sha256: String },
}

/// A table and its columns, in the order in which its rows have them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// `service.table`.
    #[serde(rename = "table")]
    pub name: String,
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    pub name: String,
    pub kind: Kind,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Text,
    Integer,
}

impl Table {
    pub fn service(&self) -> &str {
        self.name.split_once('.').map_or("", |(service, _)| service)
    }

    pub fn table(&self) -> &str {
        self.name.split_once('.').map_or("", |(_, table)| table)
    }
}

impl Line {
    pub fn head(format: u64, contents: &Contents) -> Line {
        let Contents { taken_at, schemas, .. } = contents.clone();
        Line::Head { dicetower_backup: format, taken_at, schemas }
    }
}

impl Sum {
    /// Adds a row. Every row has a key, so that no two are alike and a sum cannot hide one.
    pub(super) fn add(&mut self, row: &[Json]) {
        let text = serde_json::to_string(row).unwrap_or_default();
        let hash = digest::digest(&SHA256, text.as_bytes());
        for (sum, half) in self.digest.iter_mut().zip(hash.as_ref().chunks_exact(16)) {
            let half: [u8; 16] = half.try_into().expect("chunks of 16 bytes");
            *sum = sum.wrapping_add(u128::from_be_bytes(half));
        }
        self.rows += 1;
    }
}

/// Writes a backup.
pub(super) struct Writer {
    file: BufWriter<File>,
    sum: digest::Context,
}

impl Writer {
    pub fn create(path: &Path) -> io::Result<Writer> {
        // It holds the seeds of rolls to come and what people said: nobody else's to read.
        let file = private().truncate(true).open(path)?;
        Ok(Writer { file: BufWriter::new(file), sum: digest::Context::new(&SHA256) })
    }

    pub fn line(&mut self, line: &Line) -> io::Result<()> {
        self.write(&serde_json::to_string(line)?)
    }

    pub fn row(&mut self, row: &[Json]) -> io::Result<()> {
        self.write(&serde_json::to_string(row)?)
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        for bytes in [line.as_bytes(), b"\n"] {
            self.sum.update(bytes);
            self.file.write_all(bytes)?;
        }
        Ok(())
    }

    /// Writes the last line and waits until the disk has everything.
    pub fn finish(mut self, rows: u64) -> io::Result<()> {
        let end = Line::End { rows, sha256: hex(&self.sum.clone().finish()) };
        writeln!(self.file, "{}", serde_json::to_string(&end)?)?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

/// Reads a backup, and refuses it if its last line is not what the others add up to.
pub(super) struct Reader {
    lines: io::Lines<BufReader<File>>,
    sum: digest::Context,
    rows: u64,
}

impl Reader {
    pub fn open(path: &Path) -> anyhow::Result<Reader> {
        let file = File::open(path).with_context(|| format!("open the backup {}", path.display()))?;
        Ok(Reader { lines: BufReader::new(file).lines(), sum: digest::Context::new(&SHA256), rows: 0 })
    }

    /// The first line.
    pub fn head(&mut self) -> anyhow::Result<Contents> {
        let Ok(Some(Line::Head { dicetower_backup, taken_at, schemas })) = self.next() else {
            anyhow::bail!("this is no backup of Dicetower");
        };
        anyhow::ensure!(
            dicetower_backup == FORMAT,
            "the backup's form is version {dicetower_backup}, and this program reads version {FORMAT}"
        );
        Ok(Contents { taken_at, schemas, ..Contents::default() })
    }

    /// The next line; `None` after the last, if everything adds up.
    pub fn next(&mut self) -> anyhow::Result<Option<Line>> {
        let text = self.lines.next().context("the backup is cut short: its last line is missing")?;
        let text = text.context("read the backup")?;
        let line: Line = serde_json::from_str(&text).context("the backup is damaged: a line cannot be read")?;
        if let Line::End { rows, sha256 } = &line {
            let is_whole = *rows == self.rows && *sha256 == hex(&self.sum.clone().finish());
            anyhow::ensure!(is_whole, "the backup is damaged: its checksum is not that of its lines");
            anyhow::ensure!(self.lines.next().is_none(), "the backup is damaged: something follows its last line");
            return Ok(None);
        }
        self.sum.update(text.as_bytes());
        self.sum.update(b"\n");
        self.rows += u64::from(matches!(line, Line::Row(_)));
        Ok(Some(line))
    }
}

/// Writes a file that nobody else may read.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    private().truncate(true).open(path)?.write_all(text.as_bytes())
}

fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn hex(digest: &Digest) -> String {
    HEXLOWER.encode(digest.as_ref())
}
