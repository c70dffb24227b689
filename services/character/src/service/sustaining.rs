//! Sustained spells: who holds which on whom, what they change on sheets meanwhile, and how they end.
//!
//! A spell stands on its caster's sheet. What it changes is a modifier on its target's sheet that names the spell and
//! its caster; the two are kept together, and go together.

use proto::character::v1::{
    ChangeResponse, DropSpellRequest, DropSpellResponse, GetSustainedSpellsRequest, GetSustainedSpellsResponse,
    SustainSpellRequest,
};
use rules::shadowrun2::{
    magic::{self, sustaining_penalty},
    spells::{self, Duration, Figure, FoundSpell, SustainedEffect},
};
use serde_json::json;
use tonic::Status;

use super::{
    Characters,
    aim::{Aim, Target},
    convert,
    edit::Edit,
    entries, refuse,
};
use crate::{
    names,
    sheet::{Attribute, HeldSpell, KnownSpell, ModifierType, Sheet, SheetModifier, Sustained, new_id},
    store::{Call, Record},
};

/// The source type of modifiers that a sustained spell brings.
const SPELL: &str = "spell";

/// What a character sustains.
pub fn get(record: &Record, _request: GetSustainedSpellsRequest) -> Result<GetSustainedSpellsResponse, Status> {
    let sheet = &record.sheet;
    Ok(GetSustainedSpellsResponse {
        sustained_spells: sheet.sustained_spells.iter().map(convert::sustained).collect(),
        sustaining_penalty: sustaining_penalty(sheet.sustained_count()),
        character: sheet.street_name.clone(),
    })
}

/// Notes that a spell is sustained.
pub async fn sustain(
    service: &Characters,
    call: &Call,
    request: SustainSpellRequest,
) -> Result<ChangeResponse, Status> {
    let caster = service.find(&request.character_name).await?.sheet;
    let target = service.target(&caster, request.target_name.as_deref()).await?;
    service.edited(call, &request.character_name, |edit| hold(edit, &request, &target)).await
}

fn hold(edit: &mut Edit, request: &SustainSpellRequest, target: &Target) -> Result<ChangeResponse, Status> {
    let sheet = &edit.sheet;
    let index =
        entries::find(&sheet.spells, "spell", &request.spell_name, &sheet.street_name, |spell| &spell.spell_name)?;
    let known = sheet.spells[index].clone();
    let force = request.force.unwrap_or(known.learned_force);
    magic::check_force(force, Some(known.learned_force)).map_err(|error| refuse(error.to_string()))?;
    let found = spells::find_spell(&known.spell_name).ok();
    if found.as_ref().is_some_and(|found| found.spell.duration != Duration::Sustained) {
        return Err(refuse(format!("{} is not a sustained spell", known.spell_name)));
    }
    if sheet.condition() != "acting" {
        return Err(refuse(format!("{} is {}: he sustains nothing", sheet.street_name, sheet.condition())));
    }
    let aim = match &found {
        Some(found) => Aim::take(sheet, target, found.spell),
        None => Aim::at(target),
    };
    let rule_name = found.as_ref().map_or(known.spell_name.as_str(), |found| found.spell.name);
    if let Some(lock) = aim.sheet.as_ref().and_then(|target| target.lock_of(&known.spell_name, rule_name)) {
        return Err(refuse(held_already(&known.spell_name, &aim.name, lock)));
    }
    let held = held(sheet, &known.spell_name, force, &aim);
    check(sheet, &known, Some(&held))?;
    let on = if aim.name.is_empty() { String::new() } else { format!(" on {}", aim.name) };
    let message = format!("{} sustains {} at Force {force}{on}", sheet.street_name, known.spell_name);
    let entry = json!(held);
    let effect = found.as_ref().and_then(FoundSpell::sustained_effect).filter(|_| aim.sheet.is_some());
    let told_lock = held.held_by.as_deref().map(in_lock);
    begin(edit, held, effect);
    let harder = || format!("other tests are {} harder", sustaining_penalty(edit.sheet.sustained_count()));
    let note = told_lock.unwrap_or_else(harder);
    edit.notes.push(note);
    if let Some(effect) = effect {
        edit.notes.push(told(&aim.name, effect));
    }
    Ok(edit.done(message, Some(entry)))
}

/// A spell that is sustained from now on: by a spell lock that was bonded for it, or else by the caster himself.
pub fn held(caster: &Sheet, spell_name: &str, force: u32, aim: &Aim) -> Sustained {
    let mut held = Sustained::new(spell_name, force, &aim.name, aim.character_id());
    let is_again = |old: &&Sustained| is_again(old, &held) && old.held_by.is_some();
    let before = caster.sustained_spells.iter().find(is_again).and_then(|old| old.held_by.clone());
    held.held_by = before.or_else(|| caster.free_lock(spell_name).map(|lock| lock.focus_name.clone()));
    held
}

/// What a spell lock does.
pub fn in_lock(lock: &str) -> String {
    format!("the spell lock {lock} holds it: no test is harder for it")
}

/// What is said of a spell that a lock has held on its target ever since: it changes nothing twice.
pub fn held_already(spell: &str, target: &str, lock: &str) -> String {
    format!("{spell} is on {target} already ({lock}): it adds nothing more and is not sustained")
}

/// Refuses what sustained spells forbid; `new` is what is to be sustained with this casting, if it is.
///
/// # Errors
///
/// `INVALID_INPUT` if an exclusive spell is in the way, or Sorcery allows no more.
pub fn check(sheet: &Sheet, known: &KnownSpell, new: Option<&Sustained>) -> Result<(), Status> {
    let held: Vec<&str> = sheet.sustained_by_himself().map(|spell| spell.spell_name.as_str()).collect();
    if known.exclusive && !held.is_empty() {
        let message = format!("{} is exclusive: first drop {}", known.spell_name, held.join(", "));
        return Err(refuse(message));
    }
    let is_exclusive =
        |name: &&str| sheet.spells.iter().any(|own| own.exclusive && names::is_same(&own.spell_name, name));
    if let Some(exclusive) = held.iter().copied().find(|name| is_exclusive(name)) {
        return Err(refuse(format!(
            "{exclusive} is exclusive and sustained: nothing else can be cast before it is dropped"
        )));
    }
    let most = sheet.rating("Sorcery");
    let Some(new) = new.filter(|new| new.held_by.is_none()) else { return Ok(()) };
    let stay = sheet.sustained_by_himself().filter(|spell| !is_again(spell, new)).count();
    if most as usize <= stay {
        return Err(refuse(format!(
            "{} sustains {} spells, as many as Sorcery {most} allows: first drop one of {}",
            sheet.street_name,
            held.len(),
            held.join(", ")
        )));
    }
    Ok(())
}

/// Whether a spell is cast again on whom it is sustained on: the new casting takes the place of the old.
pub fn is_again(old: &Sustained, new: &Sustained) -> bool {
    old.target_character_id.is_some()
        && old.target_character_id == new.target_character_id
        && names::is_same(&old.spell_name, &new.spell_name)
}

/// A spell is sustained from now on; its effect stands on the sheet of its target.
pub fn begin(edit: &mut Edit, held: Sustained, effect: Option<SustainedEffect>) {
    end(edit, |old| is_again(old, &held));
    if let (Some(effect), Some(target)) = (effect, held.target_character_id.clone()) {
        let brought = modifier(&edit.sheet, &held, effect);
        if target == edit.sheet.id {
            edit.sheet.modifiers.push(brought);
        } else {
            edit.also(&target, move |other| {
                other.sheet.modifiers.push(brought.clone());
                let name = other.sheet.street_name.clone();
                other.says(format!("{}: {}", brought.source, told(&name, effect)));
            });
        }
    }
    edit.sheet.sustained_spells.push(held);
}

fn modifier(caster: &Sheet, held: &Sustained, effect: SustainedEffect) -> SheetModifier {
    let (modifier_type, target_name) = match effect.figure {
        Figure::Attribute(name) => (ModifierType::Attribute, name.to_lowercase()),
        Figure::InitiativeDice => (ModifierType::Initiative, "initiative_dice".to_owned()),
    };
    SheetModifier {
        id: new_id(),
        modifier_type,
        target_name,
        modifier_value: effect.change,
        source: format!("{} ({})", held.spell_name, caster.street_name),
        source_type: SPELL.to_owned(),
        notes: None,
        spell: Some(HeldSpell {
            sustained_id: held.id.clone(),
            spell_name: held.spell_name.clone(),
            force: held.force,
            caster_id: caster.id.clone(),
            caster_name: caster.street_name.clone(),
        }),
    }
}

/// `Axel: Body +2 while it is sustained`.
pub fn told(name: &str, effect: SustainedEffect) -> String {
    let figure = match effect.figure {
        Figure::Attribute(attribute) => attribute,
        Figure::InitiativeDice => "initiative dice",
    };
    format!("{name}: {figure} {:+} while it is sustained", effect.change)
}

/// What the book's two spells for the same Attribute are for, where the wrong one was cast; it still takes hold.
pub fn ware_note(found: &FoundSpell, target: Option<&Sheet>) -> Option<String> {
    let attribute = found.attribute.and_then(Attribute::parse)?;
    let mut modifiers = target?.modifiers_on(ModifierType::Attribute, attribute.name());
    let is_raised = modifiers.any(|(_, source_type, _)| source_type == "cyberware");
    match found.spell.name {
        "Increase Attribute" if is_raised => {
            Some(format!("{} is raised by cyberware: Increase Cybered Attribute is for that", attribute.name()))
        }
        _ => None,
    }
}

/// Ends what is sustained and meant, and what it changes, here and on the sheets of others; answers with it.
pub fn end(edit: &mut Edit, is_meant: impl Fn(&Sustained) -> bool) -> Vec<Sustained> {
    let (ended, left): (Vec<_>, Vec<_>) =
        std::mem::take(&mut edit.sheet.sustained_spells).into_iter().partition(|spell| is_meant(spell));
    edit.sheet.sustained_spells = left;
    for spell in &ended {
        lift(&mut edit.sheet, &spell.id);
        let Some(target) = spell.target_character_id.as_ref().filter(|target| **target != edit.sheet.id) else {
            continue;
        };
        let (id, text) = (spell.id.clone(), format!("{} of {} ends", spell.spell_name, edit.sheet.street_name));
        edit.also(target, move |other| {
            if lift(&mut other.sheet, &id) {
                other.says(text.clone());
            } else {
                other.changes_nothing();
            }
        });
    }
    ended
}

/// Takes what a sustained spell changes off a sheet; whether there was anything.
fn lift(sheet: &mut Sheet, sustained_id: &str) -> bool {
    let before = sheet.modifiers.len();
    let is_of_it = |modifier: &SheetModifier| {
        modifier.spell.as_ref().is_some_and(|spell| !sustained_id.is_empty() && spell.sustained_id == sustained_id)
    };
    sheet.modifiers.retain(|modifier| !is_of_it(modifier));
    sheet.modifiers.len() < before
}

/// Who is unconscious, near death or dead sustains nothing, though his spell locks do; says what has ended by that.
pub fn end_if_out_of_action(edit: &mut Edit) -> Option<String> {
    if edit.sheet.sustained_count() == 0 || edit.sheet.condition() == "acting" {
        return None;
    }
    let ended = end(edit, |spell| spell.held_by.is_none());
    let names: Vec<&str> = ended.iter().map(|spell| spell.spell_name.as_str()).collect();
    let text = format!("{} no longer sustains {}", edit.sheet.street_name, names.join(", "));
    edit.says_also(&text);
    Some(text)
}

/// Ends what a character sustains, and what others sustain on him: he leaves.
pub fn part(edit: &mut Edit) {
    end(edit, |_| true);
    let on_him: Vec<HeldSpell> = edit.sheet.modifiers.iter().filter_map(|modifier| modifier.spell.clone()).collect();
    edit.sheet.modifiers.retain(|modifier| modifier.spell.is_none());
    for spell in on_him {
        let text = format!("{} on {} ends", spell.spell_name, edit.sheet.street_name);
        edit.also(&spell.caster_id, move |caster| {
            caster.sheet.sustained_spells.retain(|held| held.id != spell.sustained_id);
            caster.says(text.clone());
        });
    }
}

/// Ends what is sustained of this name.
pub fn drop_spell(edit: &mut Edit, request: DropSpellRequest) -> Result<DropSpellResponse, Status> {
    let DropSpellRequest { character_name: _, spell_name, target_name, reason: _ } = request;
    let dropped = end(edit, |spell| {
        names::is_same(&spell.spell_name, &spell_name)
            && target_name.as_ref().is_none_or(|target| names::is_same(&spell.target_name, target))
    });
    let sheet = &edit.sheet;
    let left = &sheet.sustained_spells;
    let message = match dropped.as_slice() {
        [] if left.is_empty() => format!("{} sustains no spell", sheet.street_name),
        [] => {
            let held: Vec<&str> = left.iter().map(|spell| spell.spell_name.as_str()).collect();
            let asked = names::shown(&spell_name);
            format!("{} does not sustain '{asked}' but {}", sheet.street_name, held.join(", "))
        }
        [spell] => format!("{} drops {}", sheet.street_name, spell.spell_name),
        [spell, ..] => format!("{} drops {} on {} targets", sheet.street_name, spell.spell_name, dropped.len()),
    };
    let answer = DropSpellResponse {
        success: !dropped.is_empty(),
        message: message.clone(),
        sustaining_penalty: sustaining_penalty(sheet.sustained_count()),
        sustained_spells: left.iter().map(convert::sustained).collect(),
    };
    if answer.success {
        edit.says(message);
    } else {
        edit.changes_nothing();
    }
    Ok(answer)
}
