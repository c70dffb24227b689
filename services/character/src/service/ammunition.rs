//! Rounds in a weapon: fired, and loaded again.

use proto::character::v1::{AmmoResponse, ReloadRequest, SpendAmmoRequest};
use tonic::Status;

use super::{edit::Edit, entries, refuse};
use crate::sheet::{Attribute, Sheet};

/// Takes rounds out of a weapon.
pub fn spend(edit: &mut Edit, request: SpendAmmoRequest) -> Result<AmmoResponse, Status> {
    let rounds = request.rounds.unwrap_or(1);
    let Loaded { index, has, capacity, feed } = find(&edit.sheet, &request.weapon_name)?;
    let gear = &mut edit.sheet.gear[index];
    let left = has
        .checked_sub(rounds)
        .ok_or_else(|| refuse(format!("the {} has {has} rounds, not {rounds}", gear.gear_name)))?;
    gear.rounds = Some(left);
    let message = format!("the {} has {left} of {capacity} rounds", gear.gear_name);
    Ok(answer(edit, index, capacity, feed.actions(0), message))
}

/// Loads a weapon.
pub fn reload(edit: &mut Edit, request: ReloadRequest) -> Result<AmmoResponse, Status> {
    let Loaded { index, has, capacity, feed } = find(&edit.sheet, &request.weapon_name)?;
    let mut needed = capacity.saturating_sub(has);
    if needed == 0 {
        return Err(refuse(format!("the {} is full: {capacity} rounds", edit.sheet.gear[index].gear_name)));
    }
    let mut used = String::new();
    if let Some(name) = &request.ammunition {
        let sheet = &mut edit.sheet;
        let stock = entries::find(&sheet.gear, "ammunition", name, &sheet.street_name, |gear| &gear.gear_name)?;
        if stock == index {
            return Err(refuse("a weapon is not loaded with itself"));
        }
        let there = sheet.gear[stock].quantity;
        needed = needed.min(there);
        if needed == 0 {
            return Err(refuse(format!("there is no {} left", sheet.gear[stock].gear_name)));
        }
        sheet.gear[stock].quantity = there - needed;
        used = format!(", {} of {} left", there - needed, sheet.gear[stock].gear_name);
    }
    let gear = &mut edit.sheet.gear[index];
    let now = has + needed;
    gear.rounds = Some(now);
    let message = format!("the {} is loaded with {needed} rounds: {now} of {capacity}{used}", gear.gear_name);
    let quickness = edit.sheet.attribute(Attribute::Quickness);
    let actions = feed.actions(needed.div_ceil(feed.per_action(quickness).max(1)));
    Ok(answer(edit, index, capacity, actions, message))
}

fn answer(edit: &mut Edit, index: usize, capacity: u32, actions: String, message: String) -> AmmoResponse {
    edit.says(format!("{}: {message}", edit.sheet.street_name));
    let gear = &edit.sheet.gear[index];
    AmmoResponse {
        character: edit.sheet.street_name.clone(),
        weapon: gear.gear_name.clone(),
        rounds: gear.rounds.unwrap_or(capacity),
        capacity,
        actions,
        message,
        revision: edit.revision,
    }
}

/// How rounds are held, by the letters behind the capacity: `15(c)`.
#[derive(Clone, Copy)]
enum Feed {
    Clip,
    Break,
    Single,
}

impl Feed {
    fn of(capacity: &str) -> Feed {
        let letters = capacity.split_once('(').map_or("", |(_, letters)| letters.trim_end_matches(')'));
        match letters {
            "b" => Feed::Break,
            "m" | "cy" => Feed::Single,
            _ => Feed::Clip,
        }
    }

    /// Rounds that go in with one Complex Action; a clip is changed whole.
    fn per_action(self, quickness: u32) -> u32 {
        match self {
            Feed::Clip => u32::MAX,
            Feed::Break => 2,
            Feed::Single => quickness,
        }
    }

    fn actions(self, complex: u32) -> String {
        match (self, complex) {
            (_, 0) => String::new(),
            (Feed::Clip, _) => "2 Simple Actions: clip out, clip in".to_owned(),
            (_, 1) => "1 Complex Action".to_owned(),
            (_, complex) => format!("{complex} Complex Actions"),
        }
    }
}

/// A weapon on the sheet that holds rounds.
pub struct Loaded {
    /// Where it stands among the gear.
    pub index: usize,
    /// Rounds in it.
    pub has: u32,
    /// Rounds it holds when full.
    pub capacity: u32,
    feed: Feed,
}

/// The weapon of this name, if the sheet says how many rounds it holds.
pub fn find(sheet: &Sheet, name: &str) -> Result<Loaded, Status> {
    let index = entries::find(&sheet.gear, "weapon", name, &sheet.street_name, |gear| &gear.gear_name)?;
    let gear = &sheet.gear[index];
    let text = gear.ammo_capacity.as_deref().unwrap_or_default();
    let digits: String = text.trim_start_matches("belt ").chars().take_while(char::is_ascii_digit).collect();
    let capacity: u32 = digits
        .parse()
        .map_err(|_| refuse(format!("the sheet does not say how many rounds the {} holds", gear.gear_name)))?;
    Ok(Loaded { index, has: gear.rounds.unwrap_or(capacity).min(capacity), capacity, feed: Feed::of(text) })
}
