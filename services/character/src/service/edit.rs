//! A change of one sheet: read, changed in memory, kept with its audit entry, its bookings and its answer in one go.
//!
//! In one process the changes of a sheet wait for each other; between processes its revision guards it, and a change
//! that came too late is made again on the sheet as it is then.

use std::{
    collections::{VecDeque, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use proto::{character::v1::ChangeResponse, structs};
use rules::shadowrun2::house_rules::HouseRules;
use serde_json::Value;
use service_kit::status::{self, ErrorCode};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tonic::Status;

use super::{Characters, refuse, sustaining};
use crate::{
    sheet::{FULL_ESSENCE, Sheet},
    store::{self, Call, Change, Difference, Effects, Record, Subject, Unkept},
};

/// Times a change is tried on a sheet that others change, too.
const ATTEMPTS: u32 = 200;
/// Sheets that are changed at the same time without waiting for each other, at the most.
const TURNS: usize = 64;
/// Largest sheet that is kept, in bytes of JSON.
const MAX_SHEET: usize = 512 * 1024;
/// Most entries in any list of a sheet.
pub const MAX_ENTRIES: usize = 500;

/// Whose turn it is to change a sheet.
#[derive(Clone)]
pub struct Turns {
    places: Arc<[Arc<Mutex<()>>; TURNS]>,
    /// Changes made here, of any sheet; each is counted before its turn ends.
    changes: Arc<AtomicU64>,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns { places: Arc::new(std::array::from_fn(|_| Arc::default())), changes: Arc::default() }
    }
}

impl Turns {
    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    async fn of(&self, id: &str) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default();
        self.places[index].clone().lock_owned().await
    }
}

/// A change of another sheet; it is made again on that sheet as it is then, if that has changed meanwhile.
type Beside = Arc<dyn Fn(&mut Edit) + Send + Sync>;

/// The sheet that was read, and its own from the first change on: many calls look at much and change little.
pub struct Draft(Arc<Sheet>);

impl Deref for Draft {
    type Target = Sheet;

    fn deref(&self) -> &Sheet {
        &self.0
    }
}

impl DerefMut for Draft {
    fn deref_mut(&mut self) -> &mut Sheet {
        Arc::make_mut(&mut self.0)
    }
}

/// A sheet that is being changed.
pub struct Edit {
    /// The sheet; whatever is done to it is kept.
    pub sheet: Draft,
    /// Its revision after the change.
    pub revision: u64,
    /// House rules that hold for the character.
    pub rules: HouseRules,
    /// What else the answer says.
    pub notes: Vec<String>,
    original: Arc<Sheet>,
    summary: String,
    karma_spent: u32,
    nuyen_spent: u32,
    is_unchanged: bool,
    is_deleted: bool,
    /// Sheets of others that change with this one, and how.
    beside: Vec<(String, Beside)>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Edit {
    fn of(record: Record, rules: HouseRules, turn: Option<OwnedMutexGuard<()>>) -> Edit {
        Edit {
            sheet: Draft(record.sheet.clone()),
            original: record.sheet,
            revision: record.revision + 1,
            rules,
            notes: Vec::new(),
            summary: String::new(),
            karma_spent: 0,
            nuyen_spent: 0,
            is_unchanged: false,
            is_deleted: false,
            beside: Vec::new(),
            _turn: turn,
        }
    }

    /// The change in a sentence, for the audit log.
    pub fn says(&mut self, summary: impl Into<String>) {
        self.summary = summary.into();
    }

    /// Adds to the change's sentence.
    pub fn says_also(&mut self, more: &str) {
        if !self.summary.is_empty() {
            self.summary += "; ";
        }
        self.summary += more;
    }

    /// Nothing is kept but the answer; the revision stays.
    pub fn changes_nothing(&mut self) {
        if !self.is_unchanged {
            self.is_unchanged = true;
            self.revision -= 1;
        }
    }

    /// Changes the sheet of another character in the same transaction.
    pub fn also(&mut self, id: &str, change: impl Fn(&mut Edit) + Send + Sync + 'static) {
        self.beside.push((id.to_owned(), Arc::new(change)));
    }

    /// The character is deleted with this change.
    pub fn deletes(&mut self) {
        self.is_deleted = true;
    }

    /// The plain answer to a change.
    pub fn done(&mut self, message: impl Into<String>, entry: Option<Value>) -> ChangeResponse {
        let message = message.into();
        self.summary.clone_from(&message);
        ChangeResponse {
            success: true,
            character: self.sheet.street_name.clone(),
            message,
            revision: self.revision,
            entry: entry.map(structs::from_json),
            karma_spent: self.karma_spent,
            karma_available: self.sheet.karma_available,
            nuyen_spent: self.nuyen_spent,
            notes: self.notes.clone(),
        }
    }

    /// Spends Good Karma.
    ///
    /// # Errors
    ///
    /// `INVALID_INPUT` if there is too little.
    pub fn pay_karma(&mut self, price: u32, what: &str) -> Result<(), Status> {
        let has = self.sheet.karma_available;
        let left = has.checked_sub(price).ok_or_else(|| {
            refuse(format!("{what} costs {price} Good Karma, and {} has {has}", self.sheet.street_name))
        })?;
        self.sheet.karma_available = left;
        self.karma_spent += price;
        Ok(())
    }

    /// Spends nuyen.
    ///
    /// # Errors
    ///
    /// `INVALID_INPUT` if there are too few.
    pub fn pay_nuyen(&mut self, price: u32, what: &str) -> Result<(), Status> {
        let has = self.sheet.nuyen;
        if has < i64::from(price) {
            return Err(refuse(format!("{what} costs {price} nuyen, and {} has {has}", self.sheet.street_name)));
        }
        self.sheet.nuyen -= i64::from(price);
        self.nuyen_spent += price;
        Ok(())
    }
}

impl Characters {
    /// Begins a change of a character's sheet.
    pub async fn begin(&self, name: &str) -> Result<Edit, Status> {
        let changes = self.turns.changes();
        let mut record = self.find(name).await?;
        let turn = self.turns.of(&record.sheet.id).await;
        if self.turns.changes() != changes {
            // As the one before left it; renamed or deleted meanwhile, it is looked for again.
            record = match self.store.by_id(&record.sheet.id).await? {
                Some(record) => record,
                None => self.find(name).await?,
            };
        }
        Ok(Edit::of(record, HouseRules::default(), Some(turn)))
    }

    /// The same, with the house rules that hold for the character.
    pub async fn begin_with_rules(&self, name: &str) -> Result<Edit, Status> {
        let mut edit = self.begin(name).await?;
        edit.rules = self.rules_for(&edit.sheet).await?;
        Ok(edit)
    }

    /// Begins a change without waiting for others; its revision alone guards it.
    pub fn begin_beside(record: Record) -> Edit {
        Edit::of(record, HouseRules::default(), None)
    }

    /// Adds a change and whatever follows from it on the sheets of others.
    ///
    /// # Errors
    ///
    /// `INVALID_INPUT` for a sheet that must not be.
    pub async fn add(&self, call: &Call, effects: &mut Effects, edit: &Edit) -> Result<(), Status> {
        if !edit.is_unchanged {
            note(call, effects, edit)?;
        }
        let mut waiting: VecDeque<(String, Beside)> = edit.beside.iter().cloned().collect();
        while let Some((id, change)) = waiting.pop_front() {
            let record = match effects.sheets.get(&id) {
                Some(record) => Some(record.clone()),
                None => self.store.by_id(&id).await?,
            };
            // Deleted meanwhile, nothing of it changes.
            let Some(record) = record else { continue };
            let mut other = Characters::begin_beside(record);
            change(&mut other);
            sustaining::end_if_out_of_action(&mut other);
            if !other.is_unchanged {
                note(call, effects, &other)?;
            }
            waiting.extend(other.beside);
        }
        Ok(())
    }

    /// Keeps a change, those of other sheets that belong to it, and the answer, all together.
    ///
    /// # Errors
    ///
    /// [`Unkept::Conflict`] if the sheet has changed meanwhile.
    pub async fn commit<M>(&self, call: &Call, mut edit: Edit, mut answer: M) -> Result<M, Unkept>
    where
        M: prost::Message + Default + Clone,
    {
        if !edit.is_unchanged {
            sustaining::end_if_out_of_action(&mut edit);
        }
        for _ in 0..ATTEMPTS {
            let mut effects = Effects::default();
            self.add(call, &mut effects, &edit).await.map_err(Unkept::Refused)?;
            let changed: Vec<String> = effects.sheets.keys().cloned().collect();
            // Only a change of others' sheets, too, is tried again, and needs its answer again.
            let may_repeat = !edit.beside.is_empty();
            let told = if may_repeat { answer.clone() } else { std::mem::take(&mut answer) };
            match self.store.keep(call, told, effects).await {
                // Another's sheet may have changed; this one must not have.
                Err(Unkept::Conflict) if may_repeat && self.is_as_read(&edit).await? => {}
                Err(unkept) => return Err(unkept),
                Ok(answer) => {
                    changed.iter().for_each(|id| self.tell(id));
                    return Ok(answer);
                }
            }
        }
        Err(Unkept::Conflict)
    }

    /// Whether a sheet still is what its change was made on.
    async fn is_as_read(&self, edit: &Edit) -> Result<bool, Unkept> {
        let now = self.store.by_id(&edit.sheet.id).await.map_err(Unkept::Refused)?;
        let read = if edit.is_unchanged { edit.revision } else { edit.revision - 1 };
        Ok(now.is_some_and(|record| record.revision == read))
    }

    /// Tells whoever watches that something has changed.
    pub fn tell(&self, id: &str) {
        self.turns.changes.fetch_add(1, Ordering::Release);
        // Nobody may be watching.
        let _ = self.changed.send(id.to_owned());
        self.peers.wakes().wake(super::CHANGED, Bytes::copy_from_slice(id.as_bytes()));
    }

    /// Makes a change that rolls no dice, again if another was faster.
    pub async fn edited<M>(
        &self,
        call: &Call,
        name: &str,
        change: impl Fn(&mut Edit) -> Result<M, Status>,
    ) -> Result<M, Status>
    where
        M: prost::Message + Default + Clone,
    {
        self.edited_as(call, name, false, change).await
    }

    /// The same where house rules count.
    pub async fn edited_with_rules<M>(
        &self,
        call: &Call,
        name: &str,
        change: impl Fn(&mut Edit) -> Result<M, Status>,
    ) -> Result<M, Status>
    where
        M: prost::Message + Default + Clone,
    {
        self.edited_as(call, name, true, change).await
    }

    async fn edited_as<M>(
        &self,
        call: &Call,
        name: &str,
        with_rules: bool,
        change: impl Fn(&mut Edit) -> Result<M, Status>,
    ) -> Result<M, Status>
    where
        M: prost::Message + Default + Clone,
    {
        for _ in 0..ATTEMPTS {
            let mut edit = if with_rules { self.begin_with_rules(name).await? } else { self.begin(name).await? };
            let answer = change(&mut edit)?;
            match self.commit(call, edit, answer).await {
                Err(Unkept::Conflict) => {}
                Err(Unkept::Refused(status)) => return Err(status),
                Ok(answer) => return Ok(answer),
            }
        }
        Err(Unkept::Conflict.into())
    }
}

/// Notes a change among those that are kept together.
fn note(call: &Call, effects: &mut Effects, edit: &Edit) -> Result<(), Status> {
    let (sheet, revision) = (&edit.sheet, edit.revision);
    let text = store::text(sheet);
    let difference = Difference::of(&store::text(&edit.original), &text);
    check(sheet, text.len(), &difference)?;
    effects.statements.push(store::replace(sheet, text, revision - 1, revision, edit.is_deleted));
    let subject = Subject::character(sheet);
    effects.statements.extend(Change::statements(call, subject, &difference, revision, &edit.summary));
    effects.sheets.insert(sheet.id.clone(), Record { sheet: sheet.0.clone(), revision });
    Ok(())
}

/// Refuses a sheet of `size` bytes that must not be; `difference` is what has changed of it.
pub fn check(sheet: &Sheet, size: usize, difference: &Difference) -> Result<(), Status> {
    if size > MAX_SHEET {
        let message = format!("the sheet would have {size} bytes; at most {MAX_SHEET} are kept");
        return Err(status::error(ErrorCode::TooLarge, message));
    }
    let is_long = |value: &Value| value.as_array().is_some_and(|list| list.len() > MAX_ENTRIES);
    if let Some((part, _)) = difference.new.iter().find(|(_, value)| is_long(value)) {
        return Err(refuse(format!("a sheet has at most {MAX_ENTRIES} {part}")));
    }
    if sheet.nuyen < 0 {
        return Err(refuse(format!("nuyen would be {}; they are never below 0", sheet.nuyen)));
    }
    let essence = sheet.essence();
    if !(0.0..=FULL_ESSENCE).contains(&essence) {
        return Err(refuse(format!("Essence would be {essence}; it is 0 to {FULL_ESSENCE}")));
    }
    let monitor = sheet.condition_monitor;
    if monitor.physical > 10 || monitor.stun > 10 {
        return Err(refuse("a track of the condition monitor has at most 10 boxes"));
    }
    Ok(())
}
