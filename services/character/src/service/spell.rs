//! Casting a spell: the success test, the target's resistance, drain, and what is sustained from then on.

use proto::character::v1::{CastSpellRequest, CastSpellResponse, Resistance};
use rules::shadowrun2::{
    DicePool,
    condition::Level,
    damage::{Staged, resistance_target_number, stage},
    healing,
    house_rules::{HouseRule, HouseRules},
    magic::{self, Restrictions, SpellDice, SpellOutcome, SpellSituation, sustaining_penalty},
    pools,
    spells::{self, Changes, DrainLevel, Duration, FoundSpell, Spell, SpellTarget, SpellType, TargetFigures},
    success_test::task_time,
    totems,
};
use tonic::Status;

use super::{
    RULES,
    aim::{AVERAGE_ATTRIBUTE, Aim, Target, target_figures},
    attack, convert, damage,
    drain::{self, Hardships, Resisting},
    edit::Edit,
    healing as body, refuse, roll, skill, sustaining, unknown,
};
use crate::{
    conditions, names,
    sheet::{Attribute, KnownFetish, KnownSpell, Pool, Sheet, Sustained, to_i32},
};

/// Grade of a wound, toxin or disease taken if none is given: moderate. Ours.
const AVERAGE_GRADE: u32 = 2;

/// Casts the spell: drain is marked on the caster's sheet, and what is sustained stands on it.
///
/// # Errors
///
/// `INVALID_INPUT` if it cannot be cast (nothing is rolled then), or what the dice service says.
pub async fn cast(
    edit: &mut Edit,
    target: &Target,
    request: CastSpellRequest,
    dice: &mut roll::Dice,
) -> Result<CastSpellResponse, Status> {
    let (sheet, rules) = (&edit.sheet, &edit.rules);
    let mut notes = Vec::new();
    let mut house = Vec::new();
    let (known, found) = find_spell(sheet, &request.spell_name)?;
    let spell = found.spell;
    let name = known.spell_name.clone();
    house.extend(check_house(spell, rules)?);
    let force =
        magic::check_force(request.force, Some(known.learned_force)).map_err(|error| refuse(error.to_string()))?;
    let restrictions = Restrictions { exclusive: known.exclusive, fetish: known.fetish.map(Into::into) };
    let effective_force = restrictions.effective_force(force);
    let sustains = spell.duration == Duration::Sustained && request.sustain.unwrap_or(true);
    let aim = Aim::take(sheet, target, spell);
    let locked = aim.sheet.as_ref().and_then(|target| target.lock_of(&name, spell.name)).map(str::to_owned);
    let to_hold = (sustains && locked.is_none()).then(|| sustaining::held(sheet, &name, force, &aim));
    sustaining::check(sheet, known, to_hold.as_ref())?;

    let (spell_pool, drain_pool, pool_remaining) =
        pool_dice(sheet, request.spell_pool_dice(), request.drain_pool_dice())?;
    let totem = request.totem_dice.unwrap_or_else(|| totem_dice(sheet, spell, &mut notes));
    let focus = focus_dice(sheet, spell, &known.spell_name);
    let focus_for_drain = request.focus_drain_dice();
    let focus = focus
        .checked_sub(focus_for_drain)
        .ok_or_else(|| refuse(format!("foci give {focus} dice for {name}, not {focus_for_drain} against drain")))?;
    let force_dice = request.force_dice.unwrap_or(effective_force);
    if force_dice > effective_force {
        return Err(refuse(format!("{name} has {effective_force} dice of its Force to split, not {force_dice}")));
    }
    let spell_dice = SpellDice { force: force_dice, magic_pool: spell_pool, totem, focus }.pool();
    if spell_dice.total == 0 {
        return Err(refuse(format!("{} has no dice for {name}", sheet.street_name)));
    }

    check_target(spell, &aim)?;
    check_defense(spell, &aim, request.target_pool_dice())?;
    let figures = target_figures(&aim, &found, &request, &mut notes);
    let grade = grade(&found, &aim, &mut notes);
    let formula = spell.drain(grade).map_err(|error| refuse(error.to_string()))?;
    let base = spell.target.figure(&figures).map_err(|error| refuse(error.to_string()))?;
    let situation = SpellSituation {
        wounds: sheet.wounds(),
        sustained_spells: sheet.sustained_count(),
        cover: request.cover.as_deref().and_then(conditions::cover).unwrap_or_default(),
        vision: sheet.vision(),
        visibility: attack::sight(request.light_level.as_deref(), &request.conditions),
        barrier: request.barrier(),
        other: [
            skill::sheet_modifiers(sheet, "Sorcery"),
            skill::given_modifier(request.modifier, request.modifier_reason.clone()).into_iter().collect(),
        ]
        .concat(),
    };
    let target_number = situation
        .target_number(base, spell.target.explanation())
        .map_err(|error| refuse(format!("{}: {error}", sheet.street_name)))?;

    let cause = request.reason.clone().unwrap_or_else(|| format!("{} casts {name}", sheet.street_name));
    let rolled = dice.test(spell_dice.total, target_number.target_number, &cause).await?;
    let successes = rolled.successes();
    let is_blow = spell.is_damaging_manipulation();
    let resists = (spell.resisted || is_blow) && successes > 0 && !aim.is_object(&request);
    let resistance = if resists {
        let against = if is_blow {
            let armor = half_armor(&aim, &request, &mut notes);
            notes.push(format!("{effective_force}M is resisted with Body against Force less half the impact armor"));
            resistance_target_number(to_i32(effective_force), armor)
        } else {
            let against = rules.spell_resistance(effective_force);
            house.extend(against.rule);
            against.value
        };
        Some(resist(&found, &aim, &figures, against, &request, &mut notes, dice).await?)
    } else {
        None
    };
    let resisted =
        resistance.as_ref().map_or(0, |resistance| resistance.roll.as_ref().map_or(0, |roll| roll.successes));
    let wound = spell.damage.and_then(|(level, _)| match stage(level, successes, resisted) {
        _ if !is_blow => magic::combat_spell_wound(level, successes, resisted),
        Staged::Wound(level) => Some(level),
        Staged::Miss | Staged::None => None,
    });
    let outcome = match magic::spell_outcome(successes, resisted) {
        _ if is_blow && wound.is_none() => SpellOutcome::NoEffect,
        SpellOutcome::NoEffect if is_blow => SpellOutcome::Minimum,
        outcome => outcome,
    };
    let takes_effect = outcome != SpellOutcome::NoEffect;
    let full = rules.drain_base(force);
    house.extend(full.rule);
    let hardships = Hardships { all_ones: rolled.all_ones(), stacked: request.stacked_spells() };
    let resisting = Resisting { magic_pool: drain_pool, focus: focus_for_drain };
    let drain = drain::resist(sheet, &formula, force, full, resisting, hardships, &name, dice).await?;

    let mut own = None;
    let to_hold = to_hold.filter(|_| takes_effect && !drain::knocks_out(sheet, &drain, &mut notes));
    let sustained = to_hold.is_some();
    notes.extend(to_hold.as_ref().and_then(|held| held.held_by.as_deref()).map(sustaining::in_lock));
    notes.extend(locked.filter(|_| sustains).map(|lock| sustaining::held_already(&name, &aim.name, &lock)));
    if spell.area {
        notes.push(format!("it fills an area of {} m radius", sheet.spell_magic()));
    }
    let mut held = sheet.sustained_spells.clone();
    if let Some(new) = &to_hold {
        held.retain(|old| !sustaining::is_again(old, new));
        held.push(new.clone());
    }
    let changes =
        found.sustained_effect().filter(|_| sustained && aim.sheet.is_some() && request.apply.unwrap_or(true));
    if let Some(changes) = changes {
        notes.push(sustaining::told(&aim.name, changes));
        notes.extend(sustaining::ware_note(&found, aim.sheet.as_ref()));
    }
    let is_fight = sheet.combat_id.is_some() && spell_pool + drain_pool > 0;
    if known.exclusive {
        notes.push("exclusive spell: nothing else is cast or sustained meanwhile".to_owned());
    }
    let fetish = known.fetish.and_then(|fetish| fetish_used(sheet, fetish, &mut notes));
    if sheet.adept_magic > 0 {
        notes.push(format!("of Magic {}, {} feeds adept powers and casts no spells", sheet.magic(), sheet.adept_magic));
    }
    let (target_boxes, holding_turns) = done_to_target(spell, grade, wound, successes, &request, &aim, &mut notes);
    let defense = if resists { request.target_pool_dice() } else { 0 };
    let defending = if is_blow { Pool::Combat } else { Pool::Magic };
    let effect = effect_text(spell, outcome, wound, sustained);
    let summary = format!(
        "{} casts {name} at Force {force}{}: {} dice against {}, {}: {effect}; drain: {}",
        sheet.street_name,
        if aim.name.is_empty() { String::new() } else { format!(" on {}", aim.name) },
        spell_dice.total,
        target_number.target_number,
        roll::count(successes),
        if drain.damage_taken == 0 {
            "resisted".to_owned()
        } else {
            let boxes = if drain.damage_taken == 1 { "box" } else { "boxes" };
            format!("{} {boxes} of {} damage", drain.damage_taken, drain.damage_type)
        },
    );
    let answer = CastSpellResponse {
        caster: sheet.street_name.clone(),
        spell: name,
        spell_category: spell.category.word().to_owned(),
        force,
        target: aim.name.clone(),
        magic_rating: sheet.spell_magic(),
        spell_pool_dice: spell_pool,
        drain_pool_dice: drain_pool,
        pool_remaining,
        totem_bonus: totem,
        focus_bonus: focus,
        spell_dice_pool: spell_dice.total,
        dice_parts: convert::parts(&spell_dice.parts),
        base_tn: target_number.base,
        modifiers: convert::modifiers(&target_number.modifiers),
        total_modifier: target_number.total_modifier,
        target_number: target_number.target_number,
        spell_roll: Some(roll::of_spell(&rolled)),
        drain: Some(drain),
        resistance,
        net_successes: successes.saturating_sub(resisted),
        takes_effect,
        wound_level: wound.map(|level| level.letter().to_string()).unwrap_or_default(),
        spell_type: match spell.spell_type {
            SpellType::Physical => "physical",
            SpellType::Mana => "mana",
        }
        .to_owned(),
        duration: match spell.duration {
            Duration::Instant => "instant",
            Duration::Sustained => "sustained",
            Duration::Permanent => "permanent",
        }
        .to_owned(),
        sustained,
        sustaining_penalty: sustaining_penalty(by_himself(&held)),
        sustained_spells: held.iter().map(convert::sustained).collect(),
        breakdown: format!("{}; {}", spell_dice.breakdown(), target_number.breakdown()),
        summary,
        rules: RULES.to_owned(),
        notes,
        reason: request.reason,
        house_rules: convert::house_rules(&house),
        revision: 0,
        target_boxes,
        holding_turns,
    };
    let is_stun = spell.damage.is_some_and(|(_, stun)| stun);
    let does =
        if spell.damage.is_some() { Done::Hurts { boxes: target_boxes, is_stun } } else { Done::Heals(target_boxes) };
    let by = edit.sheet.street_name.clone();
    if let Some(sheet) = aim.sheet.filter(|sheet| sheet.id != edit.sheet.id) {
        let is_fight = sheet.combat_id.is_some() && defense > 0;
        if target_boxes > 0 || is_fight {
            let told = format!("{by} casts {}", answer.spell);
            edit.also(&sheet.id, move |other| {
                does.apply(&mut other.sheet);
                if is_fight {
                    defend(&mut other.sheet, defending, defense);
                }
                other.says(told.clone());
            });
        }
    } else if target_boxes > 0 && !answer.target.is_empty() {
        // On himself: with the drain, below.
        own = Some(does);
    }
    edit.says(answer.summary.clone());
    let drained = answer.drain.as_ref().map_or(0, |drain| drain.damage_taken);
    if let Some(index) = fetish {
        use_up(&mut edit.sheet, index);
    } else if !is_fight && !answer.sustained && own.is_none() && drained == 0 {
        edit.changes_nothing();
    }
    let is_stun = answer.drain.as_ref().is_some_and(|drain| drain.damage_type == "stun");
    damage::mark(&mut edit.sheet, drained, is_stun);
    if let Some(own) = own {
        own.apply(&mut edit.sheet);
    }
    if let Some(new) = to_hold {
        sustaining::begin(edit, new, changes);
    }
    if is_fight {
        edit.sheet.spend_pool(Pool::Magic, spell_pool + drain_pool);
    }
    Ok(CastSpellResponse { revision: edit.revision, ..answer })
}

/// The house rule by which a spell of the house can be cast; none for the book's.
///
/// # Errors
///
/// `INVALID_INPUT` if that rule is off.
pub fn check_house(spell: &Spell, rules: &HouseRules) -> Result<Option<HouseRule>, Status> {
    let rule = HouseRule::HouseSpells;
    match spell.is_of_the_house() {
        false => Ok(None),
        true if rules.has(rule) => Ok(Some(rule)),
        true => {
            Err(refuse(format!("{} is a spell of the house: switch on the house rule {}", spell.name, rule.name())))
        }
    }
}

/// The spell on the sheet that is meant, and what the directory says of it.
fn find_spell<'a>(sheet: &'a Sheet, name: &str) -> Result<(&'a KnownSpell, FoundSpell), Status> {
    if sheet.spells.is_empty() || sheet.spell_magic() == 0 {
        return Err(refuse(format!("{} casts no spells", sheet.street_name)));
    }
    let asked = spells::find_spell(name).ok();
    let exact = || sheet.spells.iter().find(|known| names::is_same(&known.spell_name, name));
    // "Heal Serious Wound" is Heal; "Increase Reflexes" is the one grade that was learned.
    let same_spell = || {
        let asked = asked.as_ref()?;
        let is_meant = |known: &&KnownSpell| {
            spells::find_spell(&known.spell_name).is_ok_and(|found| {
                let fits = |own: Option<u32>, asked: Option<u32>| own.is_none() || asked.is_none() || own == asked;
                found.spell == asked.spell
                    && fits(found.grade, asked.grade)
                    && (asked.attribute.is_none() || found.attribute == asked.attribute)
            })
        };
        let mut meant = sheet.spells.iter().filter(is_meant);
        meant.next().filter(|_| meant.next().is_none())
    };
    let by_part = || {
        let mut meant = sheet.spells.iter().filter(|known| names::is_part(name, &known.spell_name));
        meant.next().filter(|_| meant.next().is_none())
    };
    let known = exact().or_else(same_spell).or_else(by_part).ok_or_else(|| {
        let all: Vec<String> = sheet.spells.iter().map(|known| known.spell_name.clone()).collect();
        unknown("spell", name, &all, &format!("the spells of {}", sheet.street_name))
    })?;
    let mut found = spells::find_spell(&known.spell_name).map_err(|error| refuse(error.to_string()))?;
    if let Some(asked) = asked.filter(|asked| asked.spell == found.spell) {
        found.grade = found.grade.or(asked.grade);
    }
    Ok((known, found))
}

/// Magic Pool dice for success and for drain, within their limits, and what is left.
fn pool_dice(sheet: &Sheet, for_spell: u32, for_drain: u32) -> Result<(u32, u32, u32), Status> {
    let pool = sheet.pool_left(Pool::Magic);
    let limit = pools::magic_pool_for_success(pool, sheet.spell_magic());
    let for_spell = limit.check(for_spell).map_err(|error| refuse(error.to_string()))?;
    let left = pool - for_spell;
    let for_drain = pools::magic_pool_for_drain(left).check(for_drain).map_err(|error| refuse(error.to_string()))?;
    Ok((for_spell, for_drain, left - for_drain))
}

/// Dice the totem gives or takes for this kind of spell.
pub fn totem_dice(sheet: &Sheet, spell: &Spell, notes: &mut Vec<String>) -> i32 {
    let Some(totem) = sheet.totem.as_deref().and_then(|totem| totems::find_totem(totem).ok()) else { return 0 };
    if !totem.note.is_empty() {
        notes.push(format!("totem {}: {}", totem.name, totem.note));
    }
    totem.spell_dice(spell.category)
}

/// Dice of foci for this spell or its category. Power foci are in the Magic Pool.
fn focus_dice(sheet: &Sheet, spell: &Spell, name: &str) -> u32 {
    let helps = |focus: &&crate::sheet::Focus| {
        let for_spell = names::is_same(&focus.focus_type, "specific spell focus")
            && focus.specific_spell.as_deref().is_some_and(|own| names::is_same(own, name));
        let for_category = names::is_same(&focus.focus_type, "spell category focus")
            && focus.spell_category.as_deref().is_some_and(|own| names::is_same(own, spell.category.word()));
        focus.bonded && (for_spell || for_category)
    };
    sheet.foci.iter().filter(helps).map(|focus| focus.force).sum()
}

/// The expendable fetish of the sheet that a casting uses up, by its place among the gear.
fn fetish_used(sheet: &Sheet, fetish: KnownFetish, notes: &mut Vec<String>) -> Option<usize> {
    let at = sheet.gear.iter().position(|gear| names::is_part("fetish", &gear.gear_name) && gear.quantity > 0);
    match (fetish, at) {
        (KnownFetish::Reusable, _) => {
            notes.push("the spell needs its fetish: Force counts 1 higher".to_owned());
            None
        }
        (KnownFetish::Expendable, None) => {
            notes.push("no expendable fetish is on the sheet: one is taken to be at hand and is used up".to_owned());
            None
        }
        (KnownFetish::Expendable, Some(index)) => {
            let gear = &sheet.gear[index];
            notes.push(format!("one {} is used up, {} left", gear.gear_name, gear.quantity - 1));
            Some(index)
        }
    }
}

/// Takes one of a thing off the sheet.
fn use_up(sheet: &mut Sheet, index: usize) {
    if let Some(gear) = sheet.gear.get_mut(index) {
        gear.quantity = gear.quantity.saturating_sub(1);
    }
    sheet.gear.retain(|gear| gear.quantity > 0);
}

/// How many of these the caster sustains himself.
fn by_himself(held: &[Sustained]) -> u32 {
    u32::try_from(held.iter().filter(|spell| spell.held_by.is_none()).count()).unwrap_or(u32::MAX)
}

/// The attribute that resists a spell: the one it lowers or is cast against, else Body against physical and Willpower
/// against mana.
fn resisting(found: &FoundSpell) -> Attribute {
    let lowered = found.attribute.filter(|_| found.spell.changes == Some(Changes::LowersAttribute));
    if let Some(lowered) = lowered.and_then(Attribute::parse) {
        return lowered;
    }
    match (found.spell.target, found.spell.spell_type) {
        (SpellTarget::Intelligence, _) => Attribute::Intelligence,
        (SpellTarget::Body, _) | (_, SpellType::Physical) => Attribute::Body,
        (_, SpellType::Mana) => Attribute::Willpower,
    }
}

/// The grade that sets the drain: in the spell's name, or the target's own wound, or a moderate one.
fn grade(found: &FoundSpell, aim: &Aim, notes: &mut Vec<String>) -> Option<u32> {
    if let Some(grade) = found.grade {
        let level = grade.checked_sub(1).and_then(|index| Level::ALL.get(index as usize));
        if let (DrainLevel::Wound, Some(level)) = (found.spell.drain_level, level) {
            notes.push(format!("cast for a {level} wound"));
        }
        return found.grade;
    }
    if matches!(found.spell.drain_level, DrainLevel::Fixed(_)) {
        return None;
    }
    let wound = aim.sheet.as_ref().and_then(|sheet| Level::of_boxes(sheet.condition_monitor.physical));
    match (found.spell.drain_level, wound) {
        (DrainLevel::Wound, Some(level)) => Some(level as u32 + 1),
        (DrainLevel::Wound, None) => {
            notes.push(format!(
                "no wound is named: a moderate one was taken, as in {} Moderate Wound",
                found.spell.name
            ));
            Some(AVERAGE_GRADE)
        }
        _ if found.spell.target == SpellTarget::Affliction => {
            notes.push("no strength is named: a moderate toxin or disease was taken".to_owned());
            Some(AVERAGE_GRADE)
        }
        // Points gained or lost: whoever learned the spell learned it for so many.
        _ => None,
    }
}

/// Half of the impact armor that counts against a damaging manipulation.
fn half_armor(aim: &Aim, request: &CastSpellRequest, notes: &mut Vec<String>) -> u32 {
    let worn = || aim.sheet.as_ref().map(|sheet| damage::armor_on(sheet, notes).impact);
    request.target_impact.or_else(worn).unwrap_or_default() / 2
}

/// The target's test against the spell.
async fn resist(
    found: &FoundSpell,
    aim: &Aim,
    figures: &TargetFigures,
    target_number: u32,
    request: &CastSpellRequest,
    notes: &mut Vec<String>,
    dice: &mut roll::Dice,
) -> Result<Resistance, Status> {
    let attribute = resisting(found);
    let who = if aim.name.is_empty() { "the target" } else { &aim.name };
    let rating = match attribute {
        Attribute::Body => figures.body,
        Attribute::Intelligence => figures.intelligence,
        Attribute::Willpower => figures.willpower,
        _ => figures.attribute,
    };
    let rating = rating.unwrap_or_else(|| {
        notes.push(format!("{} of {who} is not known: {AVERAGE_ATTRIBUTE} dice were taken", attribute.name()));
        AVERAGE_ATTRIBUTE
    });
    let dice_of_pool =
        if found.spell.is_damaging_manipulation() { "Combat Pool" } else { "Magic Pool or Spell Defense" };
    let pool = DicePool::new([(attribute.name(), to_i32(rating)), (dice_of_pool, to_i32(request.target_pool_dice()))]);
    let roll = dice.test(pool.total.max(1), target_number, &format!("{who} resists {}", found.spell.name)).await?;
    Ok(Resistance {
        attribute: attribute.name().to_owned(),
        dice: pool.total,
        target_number: u32::try_from(roll.target_number).unwrap_or_default(),
        roll: Some(roll::of_spell(&roll)),
        parts: convert::parts(&pool.parts),
    })
}

fn effect_text(spell: &Spell, outcome: SpellOutcome, wound: Option<Level>, sustained: bool) -> String {
    let kind = if spell.damage.is_some_and(|(_, stun)| stun) { " Stun" } else { "" };
    match (outcome, wound) {
        (SpellOutcome::NoEffect, _) => "no effect".to_owned(),
        (_, Some(level)) => format!("a {level}{kind} wound"),
        (SpellOutcome::Minimum, None) => "it takes hold, barely".to_owned(),
        (SpellOutcome::Net(_), None) if sustained => "it takes hold and is sustained".to_owned(),
        (SpellOutcome::Net(_), None) => "it takes hold".to_owned(),
    }
}

/// What a spell does to the condition monitor of its target.
#[derive(Clone, Copy)]
enum Done {
    Hurts { boxes: u32, is_stun: bool },
    Heals(u32),
}

impl Done {
    fn apply(self, sheet: &mut Sheet) {
        match self {
            Done::Hurts { boxes, is_stun } => damage::mark(sheet, boxes, is_stun),
            Done::Heals(boxes) => body::clear(sheet, boxes, false),
        }
    }
}

/// Boxes that a combat spell fills or a healing spell clears on a target with a sheet, and the turns that a permanent
/// health spell must be held.
fn done_to_target(
    spell: &Spell,
    grade: Option<u32>,
    wound: Option<Level>,
    successes: u32,
    request: &CastSpellRequest,
    aim: &Aim,
    notes: &mut Vec<String>,
) -> (u32, u32) {
    let is_marked = request.apply.unwrap_or(true);
    if spell.damage.is_some() {
        let boxes = wound.map_or(0, Level::boxes);
        return (if is_marked && aim.sheet.is_some() { boxes } else { 0 }, 0);
    }
    if spell.duration != Duration::Permanent || successes == 0 {
        return (0, 0);
    }
    let speed = request.speed_successes().min(successes);
    let level = grade.and_then(|grade| grade.checked_sub(1)).and_then(|index| Level::ALL.get(index as usize).copied());
    let turns = level.and_then(|level| task_time(healing::holding_turns(level).into(), speed.max(1).into()));
    let turns = turns.and_then(|turns| u32::try_from(turns.max(1)).ok()).unwrap_or_default();
    let heals = matches!(spell.drain_level, DrainLevel::Wound);
    let (Some(sheet), true) = (&aim.sheet, heals) else { return (0, turns) };
    let monitor = sheet.condition_monitor;
    let boxes = (successes - speed).min(monitor.physical + monitor.overflow);
    notes.push(format!("held for {turns} turns; each success not kept for speed heals a box"));
    (if is_marked { boxes } else { 0 }, turns)
}

/// Refuses a target that the spell does nothing to: healing brings nobody back, and some spells are for things only.
fn check_target(spell: &Spell, aim: &Aim) -> Result<(), Status> {
    let Some(sheet) = &aim.sheet else { return Ok(()) };
    let name = &sheet.street_name;
    if matches!(spell.drain_level, DrainLevel::Wound) && sheet.condition() == "dead" {
        return Err(refuse(format!("{name} is dead: no spell heals the dead")));
    }
    if spell.target == SpellTarget::Object && spell.damage.is_some() {
        return Err(refuse(format!("{} works on things only, and {name} is a character", spell.name)));
    }
    Ok(())
}

/// Refuses more dice of the target's than he has: those set aside as Spell Defense, and what is left of his Magic Pool;
/// against a damaging manipulation what is left of his Combat Pool.
fn check_defense(spell: &Spell, aim: &Aim, asked: u32) -> Result<(), Status> {
    let Some(sheet) = &aim.sheet else { return Ok(()) };
    let (has, pool) = if spell.is_damaging_manipulation() {
        (sheet.pool_left(Pool::Combat), "Combat")
    } else {
        (sheet.pools_spent.spell_defense + sheet.pool_left(Pool::Magic), "Magic")
    };
    if asked > has {
        return Err(refuse(format!(
            "{} has {has} {pool} Pool dice to resist a spell with, not {asked}",
            sheet.street_name
        )));
    }
    Ok(())
}

/// Spends dice to resist a spell: first those that were set aside for it, which are out of the pool already.
fn defend(sheet: &mut Sheet, pool: Pool, dice: u32) {
    let set_aside = if pool == Pool::Magic { dice.min(sheet.pools_spent.spell_defense) } else { 0 };
    sheet.pools_spent.spell_defense -= set_aside;
    sheet.spend_pool(pool, dice - set_aside);
}
