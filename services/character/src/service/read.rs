//! A sheet as the bytes that clients get, written once for each revision.

use bytes::Bytes;
use proto::{
    character::v1::{ReadSheetRequest, ReadSheetResponse},
    structs,
};
use service_kit::recent::Recent;
use tonic::Status;

use super::{Characters, check_name};
use crate::shapes;

/// Sheets whose bytes are kept at the most.
const MOST: usize = 256;

/// Bytes of sheets, each under its id with the revision they are of.
pub struct Written(Recent<(u64, Bytes)>);

impl Default for Written {
    fn default() -> Written {
        Written(Recent::new(MOST))
    }
}

impl Written {
    fn get(&self, id: &str, revision: u64) -> Option<Bytes> {
        self.0.get(id).filter(|(of, _)| *of == revision).map(|(_, bytes)| bytes)
    }
}

/// The tag of a sheet's revision.
fn tag(id: &str, revision: u64) -> String {
    format!("\"{id}-{revision}\"")
}

/// Whether a list of tags has this one; `*` has every one, and a weak tag is as good as a strong one.
fn is_among(tag: &str, known: &str) -> bool {
    let mut known = known.split(',').map(|known| known.trim());
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// The sheet of a name, unless the caller has it.
pub async fn sheet(service: &Characters, request: ReadSheetRequest) -> Result<ReadSheetResponse, Status> {
    let ReadSheetRequest { character_name, known_tags } = request;
    check_name(&character_name)?;
    if let Some((id, revision)) = service.store.tag(&character_name).await? {
        let tag = tag(&id, revision);
        if is_among(&tag, &known_tags) {
            return Ok(ReadSheetResponse { tag, sheet: Bytes::new(), unchanged: true });
        }
        if let Some(sheet) = service.written.get(&id, revision) {
            return Ok(ReadSheetResponse { tag, sheet, unchanged: false });
        }
    }
    let record = service.find(&character_name).await?;
    // As the tool answers it: whole numbers are whole.
    let json = structs::to_json(structs::from_json(shapes::of(&record.sheet, record.revision).into()));
    let bytes = Bytes::from(json.to_string());
    service.written.0.put(record.sheet.id.clone(), (record.revision, bytes.clone()));
    Ok(ReadSheetResponse { tag: tag(&record.sheet.id, record.revision), sheet: bytes, unchanged: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_strong() {
        let own = tag("a", 7);
        assert!(is_among(&own, "\"b-1\", W/\"a-7\"") && is_among(&own, "*"));
        assert!(!is_among(&own, "") && !is_among(&own, "\"a-8\""));
    }
}
