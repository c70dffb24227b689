//! Surprise, noticing a spell, and what time does to the dying.

use proto::character::v1::{
    NoticeSpellcastingRequest, NoticeSpellcastingResponse, PassTimeRequest, PassTimeResponse, SurpriseParticipant,
    SurpriseResult, TestSurpriseRequest, TestSurpriseResponse,
};
use rules::shadowrun2::{
    TargetNumber,
    condition::{self, Condition},
    house_rules::HouseRule,
    initiative::{self, SURPRISED_PHASES},
    magic,
};
use tonic::Status;

use super::{Characters, RULES, convert, damage, edit::Edit, entries, refuse, roll, skill};
use crate::{
    names,
    sheet::{Attribute, Sheet},
    store::Call,
};

/// Most who are tested together.
const MOST: usize = 50;
/// Reaction of somebody without a sheet. Ours: that of an average person.
const AVERAGE_REACTION: u32 = 3;

/// Rolls surprise for everybody.
pub async fn test(
    service: &Characters,
    call: &Call,
    request: TestSurpriseRequest,
) -> Result<TestSurpriseResponse, Status> {
    let TestSurpriseRequest { participants, reason } = request;
    if !(2..=MOST).contains(&participants.len()) {
        return Err(refuse(format!("2 to {MOST} participants can be surprised, not {}", participants.len())));
    }
    let mut dice = roll::Dice::new(&service.peers, call);
    let mut notes = Vec::new();
    let mut results: Vec<SurpriseResult> = Vec::new();
    for participant in participants {
        let result = one(service, participant, &mut dice, &mut notes).await?;
        if results.iter().any(|other| names::folded(&other.name) == names::folded(&result.name)) {
            return Err(refuse(format!("{} is among the participants twice", result.name)));
        }
        results.push(result);
    }
    for index in 0..results.len() {
        let own = &results[index];
        let against: Vec<&SurpriseResult> =
            results.iter().filter(|other| names::folded(&other.side) != names::folded(&own.side)).collect();
        let theirs: Vec<u32> = against.iter().map(|other| other.successes).collect();
        let outcome = initiative::surprise_outcome(own.successes, &theirs);
        let beaten: Vec<String> = outcome.may_act_against.iter().map(|&index| against[index].name.clone()).collect();
        let result = &mut results[index];
        result.may_act_against = beaten;
        result.surprised = outcome.surprised;
        result.phases_lost = if outcome.surprised { SURPRISED_PHASES } else { 0 };
    }
    let told: Vec<String> = results
        .iter()
        .map(|result| {
            let fate = match (result.surprised, result.may_act_against.as_slice()) {
                (true, _) => "surprised, no action for ten phases".to_owned(),
                (false, []) => "may act against nobody".to_owned(),
                (false, beaten) => format!("may act against {}", beaten.join(", ")),
            };
            format!("{} ({}): {fate}", result.name, roll::count(result.successes))
        })
        .collect();
    let answer = TestSurpriseResponse { summary: told.join("; "), results, rules: RULES.to_owned(), notes, reason };
    Ok(service.store.keep(call, answer, Vec::new()).await?)
}

async fn one(
    service: &Characters,
    participant: SurpriseParticipant,
    dice: &mut roll::Dice,
    notes: &mut Vec<String>,
) -> Result<SurpriseResult, Status> {
    let SurpriseParticipant { name, side, lies_in_wait, reaction } = participant;
    entries::check_text("participant", &name)?;
    let sheet = service.sheet_named(&name).await?;
    let rule = initiative::surprise_target_number(lies_in_wait.unwrap_or_default());
    let mut modifiers = rule.modifiers;
    let (name, pool) = match &sheet {
        Some(sheet) => {
            match sheet.wounds().modifiers() {
                Ok(wounds) => modifiers.extend(wounds),
                Err(error) => {
                    notes.push(format!("{}: {error}", sheet.street_name));
                    let result = SurpriseResult { name: sheet.street_name.clone(), ..SurpriseResult::default() };
                    return Ok(SurpriseResult { side: side.unwrap_or_else(|| result.name.clone()), ..result });
                }
            }
            modifiers.extend(skill::sustained_modifier(sheet));
            (sheet.street_name.clone(), sheet.attribute(Attribute::Reaction))
        }
        None => {
            if reaction.is_none() {
                notes.push(format!("{name} has no sheet: Reaction {AVERAGE_REACTION} was taken; give reaction"));
            }
            (name, reaction.unwrap_or(AVERAGE_REACTION))
        }
    };
    let target = TargetNumber::new(rule.base, rule.base_explanation, modifiers);
    let mut result = SurpriseResult {
        side: side.unwrap_or_else(|| name.clone()),
        dice_pool: pool,
        target_number: target.target_number,
        modifiers: convert::modifiers(&target.modifiers),
        ..SurpriseResult::default()
    };
    if pool > 0 {
        let rolled = dice.test(pool, target.target_number, &format!("{name}: surprise")).await?;
        result.successes = rolled.successes();
        result.roll = Some(roll::plain(&rolled));
    }
    result.name = name;
    Ok(result)
}

/// Makes the test of somebody who may notice a spell.
pub async fn notice(
    service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: NoticeSpellcastingRequest,
) -> Result<NoticeSpellcastingResponse, Status> {
    edit.changes_nothing();
    let magic = match (&request.caster_name, request.caster_magic) {
        (Some(caster), None) => service.find(caster).await?.sheet.spell_magic(),
        (None, Some(magic)) => magic,
        _ => return Err(refuse("give either `caster_name` or `caster_magic`")),
    };
    let (sheet, rules) = (&edit.sheet, &edit.rules);
    let name = sheet.street_name.clone();
    if request.astral.unwrap_or_default() {
        sheet.wounds().modifiers().map_err(|error| refuse(error.to_string()))?;
        return Ok(NoticeSpellcastingResponse {
            summary: format!("{name} perceives astrally and notices the spell without a test"),
            character: name,
            noticed: true,
            breakdown: "no test: astral".to_owned(),
            rules: RULES.to_owned(),
            reason: request.reason,
            ..NoticeSpellcastingResponse::default()
        });
    }
    let rule = magic::notice_spellcasting(request.force, magic);
    let mut modifiers = sheet.wounds().modifiers().map_err(|error| refuse(error.to_string()))?;
    modifiers.extend(skill::sustained_modifier(sheet));
    let mut house = Vec::new();
    if let Some(modifier) = rules.observant_magician().filter(|_| sheet.magic() > 0) {
        modifiers.push(modifier);
        house.push(HouseRule::ObservantMagician);
    }
    modifiers.extend(skill::given_modifier(request.modifier, request.modifier_reason));
    let explanation = format!("twice what Magic {magic} exceeds Force {}", request.force);
    // A Force above Magic is as easy to notice as can be, before what makes the test harder.
    let target = TargetNumber::new(rule.base.max(2), explanation, modifiers);
    let pool = sheet.attribute(Attribute::Intelligence);
    let cause = request.reason.clone().unwrap_or_else(|| format!("{name} may notice a spell"));
    let rolled = dice.test(pool.max(1), target.target_number, &cause).await?;
    let successes = rolled.successes();
    let noticed = successes > 0;
    let outcome = if noticed { "the spell is noticed" } else { "nothing is noticed" };
    Ok(NoticeSpellcastingResponse {
        summary: format!(
            "{name} rolls {pool} dice of Intelligence against {}, {}: {outcome}",
            target.target_number,
            roll::count(successes)
        ),
        character: name,
        base_tn: target.base,
        modifiers: convert::modifiers(&target.modifiers),
        target_number: target.target_number,
        dice_pool: pool,
        roll: Some(roll::plain(&rolled)),
        successes,
        noticed,
        breakdown: target.breakdown(),
        rules: RULES.to_owned(),
        house_rules: convert::house_rules(&house),
        notes: vec!["whoever perceives astrally notices without a test: say astral".to_owned()],
        reason: request.reason,
    })
}

/// Lets the dying bleed.
pub fn pass_time(edit: &mut Edit, request: PassTimeRequest) -> Result<PassTimeResponse, Status> {
    let sheet = &mut edit.sheet;
    let minutes = request.minutes;
    let body = sheet.base_attribute(Attribute::Body);
    let mut boxes = 0;
    let dying = |sheet: &Sheet| sheet.condition_monitor.condition(body) == Condition::NearDeath && !sheet.stabilised;
    if dying(sheet) {
        let bled = sheet.bled_minutes + minutes;
        boxes = (bled / condition::BLEEDING_MINUTES).min(body + 1 - sheet.condition_monitor.overflow.min(body));
        sheet.bled_minutes = bled % condition::BLEEDING_MINUTES;
        sheet.condition_monitor.overflow += boxes;
        if !dying(sheet) {
            sheet.bled_minutes = 0;
        }
    } else {
        edit.changes_nothing();
    }
    let condition = damage::condition(&edit.sheet);
    let name = &edit.sheet.street_name;
    let message = match condition.state.as_str() {
        "dead" if boxes > 0 => format!("{name} bleeds to death: overflow {} is above Body {body}", condition.overflow),
        "near_death" if edit.sheet.stabilised => {
            format!("{name} is stabilised: {minutes} minutes pass and change nothing")
        }
        "near_death" => format!(
            "{name} bleeds for {minutes} minutes: {boxes} boxes more, overflow {} of Body {body}",
            condition.overflow
        ),
        state => format!("{name} is not bleeding ({state}): {minutes} minutes pass"),
    };
    edit.says(message.clone());
    Ok(PassTimeResponse {
        character: edit.sheet.street_name.clone(),
        minutes,
        boxes,
        condition: Some(condition),
        stabilised: edit.sheet.stabilised,
        message,
        revision: edit.revision,
    })
}
