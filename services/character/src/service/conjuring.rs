//! Calling spirits and their services, and learning spells.

use proto::{
    character::v1::{
        ChangeResponse, ConjureSpiritRequest, ConjureSpiritResponse, Drain, LearnSpellRequest, LearnSpellResponse,
        UseSpiritServiceRequest,
    },
    structs,
};
use rules::shadowrun2::{
    DicePart, DicePool, TargetNumber,
    condition::Level,
    conjuring::{self, ELEMENTAL_NUYEN_PER_FORCE},
    magic::{self, DamageType},
    spells,
    success_test::task_time,
    totems,
};
use serde_json::{Map, Value, json};
use tonic::Status;

use super::{Characters, RULES, attack, convert, damage, edit::Edit, entries, refuse, roll, skill, spell};
use crate::{
    names,
    sheet::{Attribute, KnownFetish, KnownSpell, Sheet, to_i32},
};

/// What a nature spirit says of its time; by it those called for a time are known from those bound for good.
const UNTIL_SUNSET: &str = "Leaves at the next sunrise or sunset.";

/// Calls a spirit.
pub async fn conjure(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: ConjureSpiritRequest,
) -> Result<ConjureSpiritResponse, Status> {
    let sheet = &edit.sheet;
    let name = sheet.street_name.clone();
    let force = request.force;
    entries::check_text("spirit type", &request.spirit_type)?;
    let is_elemental = names::is_part("elemental", &request.spirit_type);
    if sheet.spell_magic() == 0 {
        return Err(refuse(format!("{name} has no Magic and calls no spirits")));
    }
    check_kind(sheet, is_elemental)?;
    let skill = skill::dice_for(sheet, "Conjuring")?;
    let mut notes = Vec::new();
    let totem = totem_dice(sheet, &request.spirit_type, &mut notes);
    let focus = focus_dice(sheet, &request.spirit_type);
    let mut parts = skill.parts.clone();
    for (source, more) in [("totem", totem), ("spirit focus", focus)] {
        if more > 0 {
            parts.push(DicePart { source: source.to_owned(), dice: to_i32(more) });
        }
    }
    let pool = skill.dice + totem + focus;
    if pool == 0 {
        return Err(refuse(format!("{name} has no dice for {}", skill.rolled)));
    }
    let rule = conjuring::conjuring_test(force);
    let modifiers = [
        skill.default_modifier().into_iter().collect(),
        sheet.wounds().modifiers().map_err(|error| refuse(error.to_string()))?,
        skill::sustained_modifier(sheet).into_iter().collect(),
        skill::sheet_modifiers(sheet, &skill.rolled),
        skill::given_modifier(request.modifier, request.modifier_reason.clone()).into_iter().collect(),
    ]
    .concat();
    let target = TargetNumber::new(rule.base, rule.base_explanation, modifiers);
    let price = if is_elemental { force * ELEMENTAL_NUYEN_PER_FORCE } else { 0 };
    if price > 0 {
        edit.pay_nuyen(price, &format!("material for a {} of Force {force}", request.spirit_type))?;
    }

    let cause = request.reason.clone().unwrap_or_else(|| format!("{name} calls a {}", request.spirit_type));
    let rolled = dice.test(pool, target.target_number, &cause).await?;
    let services = rolled.successes();
    let drain = drain(&edit.sheet, force, dice, &cause).await?;
    damage::mark(&mut edit.sheet, drain.damage_taken, drain.damage_type == "stun");

    let mut spirit = None;
    if services > 0 {
        let asked = request.spirit_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let called = free_name(&edit.sheet, asked.unwrap_or(&request.spirit_type))?;
        let stay = if is_elemental { "Bound until its services are used." } else { UNTIL_SUNSET };
        let entry = json!({
            "spirit_name": called, "spirit_type": request.spirit_type, "force": force, "services": services,
            "special_abilities": [], "notes": stay,
        });
        edit.sheet.spirits.push(entries::map(entry.clone()));
        spirit = Some(structs::from_json(entry));
    } else if is_elemental {
        notes.push("the material is used up, though nothing came".to_owned());
    }
    notes.push("the Magic Pool never helps to conjure".to_owned());
    let outcome = match services {
        0 => "nothing comes".to_owned(),
        1 => "it owes 1 service".to_owned(),
        services => format!("it owes {services} services"),
    };
    let hours = if force == 1 { "1 hour".to_owned() } else { format!("{force} hours") };
    let summary = format!(
        "{name} calls a {} of Force {force}: {pool} dice against {}, {}: {outcome}; drain: {}",
        request.spirit_type,
        target.target_number,
        roll::count(services),
        if drain.damage_taken == 0 {
            "resisted".to_owned()
        } else {
            format!("{} boxes of {} damage", drain.damage_taken, drain.damage_type)
        }
    );
    if drain.damage_taken == 0 && services == 0 && price == 0 {
        edit.changes_nothing();
    }
    edit.says(summary.clone());
    Ok(ConjureSpiritResponse {
        character: name,
        spirit_type: request.spirit_type,
        kind: if is_elemental { "elemental" } else { "nature" }.to_owned(),
        force,
        target_number: target.target_number,
        modifiers: convert::modifiers(&target.modifiers),
        dice_pool: pool,
        dice_parts: convert::parts(&parts),
        roll: Some(roll::plain(&rolled)),
        successes: services,
        services,
        drain: Some(drain),
        spirit,
        nuyen_spent: price,
        time: if is_elemental { hours } else { "a Complex Action".to_owned() },
        condition: Some(damage::condition(&edit.sheet)),
        breakdown: format!("{}; {}", attack::rolled_dice(&parts, pool), target.breakdown()),
        summary,
        rules: RULES.to_owned(),
        notes,
        revision: edit.revision,
        reason: request.reason,
    })
}

/// Refuses a kind of spirit that the tradition does not call, one nature spirit beside another, and more elementals
/// than Charisma.
fn check_kind(sheet: &Sheet, is_elemental: bool) -> Result<(), Status> {
    let name = &sheet.street_name;
    match (sheet.tradition.as_deref(), is_elemental) {
        (Some("shamanic"), true) => {
            return Err(refuse(format!("{name} is a shaman: shamans call nature spirits, not elementals")));
        }
        (Some("hermetic"), false) => {
            return Err(refuse(format!("{name} is a mage: mages call elementals (such as fire elemental)")));
        }
        _ => {}
    }
    let held: Vec<&str> = sheet
        .spirits
        .iter()
        .filter(|spirit| match is_elemental {
            true => names::is_part("elemental", entries::text(spirit, "spirit_type")),
            false => entries::text(spirit, "notes") == UNTIL_SUNSET,
        })
        .filter(|spirit| spirit.get("services").and_then(Value::as_i64) != Some(0))
        .map(|spirit| entries::text(spirit, "spirit_name"))
        .collect();
    if !is_elemental && !held.is_empty() {
        return Err(refuse(format!(
            "{name} has a nature spirit: {}; there is only one at a time \
             (update_spirit_services with 0 when it has left)",
            held.join(", ")
        )));
    }
    let charisma = sheet.attribute(Attribute::Charisma);
    if is_elemental && held.len() >= charisma as usize {
        let count = held.len();
        return Err(refuse(format!("{name} has {count} elementals, as many as Charisma {charisma} allows")));
    }
    Ok(())
}

/// Dice of the totem for this kind of spirit.
fn totem_dice(sheet: &Sheet, spirit_type: &str, notes: &mut Vec<String>) -> u32 {
    let Some(totem) = sheet.totem.as_deref().and_then(|totem| totems::find_totem(totem).ok()) else { return 0 };
    if !totem.note.is_empty() {
        notes.push(format!("totem {}: {}", totem.name, totem.note));
    }
    let domain = |text: &str| -> Vec<String> {
        let words = text.split_whitespace().map(|word| word.to_lowercase());
        words.filter(|word| !["spirit", "spirits", "of", "the", "a"].contains(&word.as_str())).collect()
    };
    let asked = domain(spirit_type);
    let is_favoured = totem.spirits.iter().any(|spirits| domain(spirits).iter().any(|word| asked.contains(word)));
    if is_favoured { totems::SPIRIT_DICE } else { 0 }
}

/// Dice of bonded spirit foci; one for a kind of its own helps with that kind only.
fn focus_dice(sheet: &Sheet, spirit_type: &str) -> u32 {
    let helps = |focus: &&crate::sheet::Focus| {
        let fits = focus.specific_spell.as_deref().is_none_or(|kind| names::is_part(kind, spirit_type));
        focus.bonded && names::is_same(&focus.focus_type, "spirit focus") && fits
    };
    sheet.foci.iter().filter(helps).map(|focus| focus.force).sum()
}

/// The name, or the name with the first number that no other spirit has.
fn free_name(sheet: &Sheet, name: &str) -> Result<String, Status> {
    entries::check_text("spirit", name)?;
    let is_taken = |name: &str| {
        let taken =
            |spirit: &Map<String, Value>| names::folded(entries::text(spirit, "spirit_name")) == names::folded(name);
        sheet.spirits.iter().any(taken)
    };
    let numbered = (2..).map(|number| format!("{name} {number}"));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    candidates.find(|name| !is_taken(name)).ok_or_else(|| refuse("there are too many spirits of that name"))
}

/// Drain of calling a spirit, resisted with Charisma.
async fn drain(sheet: &Sheet, force: u32, dice: &mut roll::Dice, cause: &str) -> Result<Drain, Status> {
    let charisma = sheet.attribute(Attribute::Charisma);
    let rule = conjuring::conjuring_drain(charisma, force);
    let pool = DicePool::new([("Charisma", to_i32(charisma))]);
    let rolled = dice.test(pool.total.max(1), rule.target_number, &format!("{cause}: drain")).await?;
    let left = magic::resisted_drain(rule.level, rolled.successes());
    let damage_type = match rule.damage_type {
        DamageType::Stun => "stun",
        DamageType::Physical => "physical",
    };
    Ok(Drain {
        code: format!("Force {force} against Charisma {charisma}"),
        level: rule.level.letter().to_string(),
        target_number: rule.target_number,
        resist_dice: pool.total,
        resist_roll: Some(roll::of_spell(&rolled)),
        damage_taken: left.map_or(0, Level::boxes),
        damage_type: damage_type.to_owned(),
        damage_level: left.map(|level| level.letter().to_string()).unwrap_or_default(),
        resist_parts: convert::parts(&pool.parts),
        modifiers: Vec::new(),
        breakdown: format!("{}; base {} (the spirit's Force)", pool.breakdown(), rule.target_number),
        marked: true,
    })
}

/// Uses services of a spirit.
pub fn use_service(edit: &mut Edit, request: UseSpiritServiceRequest) -> Result<ChangeResponse, Status> {
    let sheet = &mut edit.sheet;
    let of = |spirit: &Map<String, Value>| entries::text(spirit, "spirit_name").to_owned();
    let all: Vec<String> = sheet.spirits.iter().map(of).collect();
    let index = entries::find(&all, "spirit", &request.spirit_name, &sheet.street_name, |name| name)?;
    let name = &all[index];
    let asked = i64::from(request.services.unwrap_or(1));
    let owed = sheet.spirits[index].get("services").and_then(Value::as_i64).unwrap_or_default();
    let what = request.service.map(|service| format!(" for {service}")).unwrap_or_default();
    if owed < 0 {
        let entry = Value::Object(sheet.spirits[index].clone());
        let message = format!("{name} serves {}{what}; it is bound for good", sheet.street_name);
        edit.changes_nothing();
        return Ok(edit.done(message, Some(entry)));
    }
    let left = owed - asked;
    if left < 0 {
        return Err(refuse(format!("{name} owes {owed} services, not {asked}")));
    }
    sheet.spirits[index].insert("services".into(), left.into());
    let entry = Value::Object(sheet.spirits[index].clone());
    let message = if left == 0 {
        sheet.spirits.remove(index);
        format!("{name} serves {}{what} and leaves: it owes nothing any more", sheet.street_name)
    } else {
        format!("{name} serves {}{what}; it owes {left} more", sheet.street_name)
    };
    Ok(edit.done(message, Some(entry)))
}

/// Makes the test to learn a spell.
pub async fn learn(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: LearnSpellRequest,
) -> Result<LearnSpellResponse, Status> {
    let sheet = &edit.sheet;
    let name = sheet.street_name.clone();
    let force = request.force;
    if sheet.spell_magic() == 0 {
        return Err(refuse(format!("{name} has no Magic that casts spells")));
    }
    let found = spells::find_spell(&request.spell_name).map_err(|error| refuse(error.to_string()))?;
    spell::check_house(found.spell, &edit.rules)?;
    let known = sheet.spells.iter().position(|own| names::is_same(&own.spell_name, &request.spell_name));
    if let Some(own) = known.map(|index| &sheet.spells[index]).filter(|own| own.learned_force >= force) {
        return Err(refuse(format!("{name} knows {} at Force {} already", own.spell_name, own.learned_force)));
    }
    if let Some(library) = request.library.filter(|library| *library < force) {
        return Err(refuse(format!(
            "a library or lodge of {library} is too small: Force {force} needs one of {force}"
        )));
    }
    let rule = magic::learn_spell(force).map_err(|error| refuse(error.to_string()))?;
    // What a success costs must be there before anything is rolled.
    if sheet.karma_available < rule.karma {
        let has = sheet.karma_available;
        return Err(refuse(format!("learning Force {force} costs {} Good Karma, and {name} has {has}", rule.karma)));
    }
    let sorcery = skill::dice_for(sheet, "Sorcery")?;
    let mut parts = sorcery.parts.clone();
    if let Some(theory) = sheet.skill("Magical Theory") {
        parts.extend(sheet.skill_parts(theory));
    }
    let mut notes = Vec::new();
    let totem = if sheet.tradition.as_deref() == Some("hermetic") {
        0
    } else {
        spell::totem_dice(sheet, found.spell, &mut notes)
    };
    if totem != 0 {
        parts.push(DicePart { source: "totem".to_owned(), dice: totem });
    }
    let pool: i32 = parts.iter().map(|part| part.dice).sum();
    let pool = u32::try_from(pool).ok().filter(|pool| *pool > 0);
    let pool = pool.ok_or_else(|| refuse(format!("{name} has no dice to learn with")))?;
    let modifiers = [
        sorcery.default_modifier().into_iter().collect(),
        sheet.wounds().modifiers().map_err(|error| refuse(error.to_string()))?,
        skill::sustained_modifier(sheet).into_iter().collect(),
        skill::sheet_modifiers(sheet, "Sorcery"),
        skill::given_modifier(request.modifier, request.modifier_reason.clone()).into_iter().collect(),
    ]
    .concat();
    let target = TargetNumber::new(to_i32(rule.target_number), "twice the Force", modifiers);
    let nuyen = if request.teacher.unwrap_or_default() { rule.teacher_nuyen } else { 0 };
    if nuyen > 0 {
        edit.pay_nuyen(nuyen, "a teacher")?;
    }
    if request.library.is_none() {
        notes.push(format!("a library (mage) or lodge (shaman) of {force} is taken to be there; give library"));
    }

    let cause = request.reason.clone().unwrap_or_else(|| format!("{name} learns {}", request.spell_name));
    let rolled = dice.test(pool, target.target_number, &cause).await?;
    let successes = rolled.successes();
    let learned = successes > 0;
    let days = task_time(u64::from(rule.base_days), u64::from(successes.max(1))).unwrap_or_default().max(1);
    let days = u32::try_from(days).unwrap_or(u32::MAX);
    if learned {
        edit.pay_karma(rule.karma, &format!("{} at Force {force}", request.spell_name))?;
        keep(&mut edit.sheet, known, &request);
    } else if nuyen == 0 {
        edit.changes_nothing();
    }
    let karma_spent = if learned { rule.karma } else { 0 };
    let outcome = if learned {
        format!("learned in {days} day{} for {karma_spent} Good Karma", if days == 1 { "" } else { "s" })
    } else {
        format!("not learned; {days} days are lost")
    };
    let summary = format!(
        "{name} studies {} at Force {force}: {pool} dice against {}, {}: {outcome}",
        request.spell_name,
        target.target_number,
        roll::count(successes)
    );
    edit.says(summary.clone());
    Ok(LearnSpellResponse {
        character: name,
        spell: request.spell_name,
        force,
        target_number: target.target_number,
        modifiers: convert::modifiers(&target.modifiers),
        dice_pool: pool,
        dice_parts: convert::parts(&parts),
        roll: Some(roll::plain(&rolled)),
        successes,
        learned,
        days,
        karma_spent,
        karma_available: edit.sheet.karma_available,
        nuyen_spent: nuyen,
        breakdown: format!("{}; {}", attack::rolled_dice(&parts, pool), target.breakdown()),
        summary,
        rules: RULES.to_owned(),
        notes,
        revision: edit.revision,
        reason: request.reason,
    })
}

/// Puts the learned spell on the sheet; learned anew, its restrictions stay as they were chosen.
fn keep(sheet: &mut Sheet, known: Option<usize>, request: &LearnSpellRequest) {
    if let Some(index) = known {
        sheet.spells[index].learned_force = request.force;
        return;
    }
    sheet.spells.push(KnownSpell {
        spell_name: request.spell_name.clone(),
        learned_force: request.force,
        spell_category: None,
        spell_type: None,
        exclusive: request.exclusive.unwrap_or_default(),
        fetish: match request.fetish.as_deref() {
            Some("reusable") => Some(KnownFetish::Reusable),
            Some("expendable") => Some(KnownFetish::Expendable),
            _ => None,
        },
        source: None,
        description: None,
        notes: None,
    });
}
