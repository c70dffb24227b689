//! Skills: what a character rolls for one, by default where it is missing, and the test itself.

use proto::{
    character::v1::{GetCharacterSkillResponse, SkillDefault, TestSkillRequest, TestSkillResponse},
    structs,
};
use rules::shadowrun2::{
    DicePart, Modifier, TargetNumber, difficulty,
    magic::sustaining_penalty,
    range::CLASSES,
    skill_web,
    skills::{self, SkillDefault as Default},
};
use serde_json::json;
use tonic::Status;

use super::{RULES, convert, refuse, roll, unknown};
use crate::{
    names,
    sheet::{Attribute, ModifierType, Sheet, to_i32},
};

/// The dice for a test of a skill or an attribute.
pub struct SkillDice {
    /// What is rolled: the skill, or what stands in for it.
    pub rolled: String,
    /// How many.
    pub dice: u32,
    /// Where they come from.
    pub parts: Vec<DicePart>,
    /// The way to them, if the skill is missing.
    pub default: Option<Default>,
    /// Whether they are an attribute's.
    pub is_attribute: bool,
}

/// What a character rolls for a skill or attribute.
///
/// # Errors
///
/// `INVALID_INPUT` if there is no such skill, or no way to roll without it.
pub fn dice_for(sheet: &Sheet, name: &str) -> Result<SkillDice, Status> {
    if let Some((skill, rating)) = sheet.specialized(name) {
        let special = skill.specialization.as_deref().unwrap_or_default();
        let mut parts = sheet.skill_parts(skill);
        let rolled = format!("{} ({special})", skill.skill_name);
        if let Some(base) = parts.first_mut() {
            *base = DicePart { source: rolled.clone(), dice: to_i32(rating) };
        }
        let dice = (sheet.skill_rating(skill) + rating).saturating_sub(skill.base_rating);
        return Ok(SkillDice { rolled, dice, parts, default: None, is_attribute: false });
    }
    if let Some(skill) = sheet.skill(name) {
        let (dice, parts) = (sheet.skill_rating(skill), sheet.skill_parts(skill));
        return Ok(SkillDice { rolled: skill.skill_name.clone(), dice, parts, default: None, is_attribute: false });
    }
    if let Some(attribute) = attribute(name) {
        let dice = sheet.attribute(attribute);
        let parts = vec![DicePart { source: attribute.name().to_owned(), dice: to_i32(dice) }];
        return Ok(SkillDice { rolled: attribute.name().to_owned(), dice, parts, default: None, is_attribute: true });
    }
    if let Some(skill) = general(sheet, name) {
        return dice_for(sheet, skill);
    }
    let default = defaults(sheet, name)?.into_iter().next().ok_or_else(|| {
        refuse(format!(
            "{} has no {} and nothing the Skill Web lets him roll instead: the test is impossible",
            sheet.street_name,
            names::shown(name)
        ))
    })?;
    let parts = vec![DicePart { source: format!("{} (default)", default.rolled), dice: to_i32(default.rating) }];
    let is_attribute = Attribute::parse(&default.rolled).is_some();
    Ok(SkillDice { rolled: default.rolled.clone(), dice: default.rating, parts, default: Some(default), is_attribute })
}

impl SkillDice {
    /// What the way by default adds to the target number.
    pub fn default_modifier(&self) -> Option<Modifier> {
        let default = self.default.as_ref()?;
        let circles = default.path.circles;
        let plural = if circles == 1 { "" } else { "s" };
        let explanation = format!("rolls {} by default, {circles} circle{plural} of the Skill Web", default.rolled);
        Some(Modifier::new("default", default.modifier, explanation))
    }
}

/// An attribute by name; Perception is Intelligence.
fn attribute(name: &str) -> Option<Attribute> {
    if names::is_same(name, "Perception") { Some(Attribute::Intelligence) } else { Attribute::parse(name) }
}

/// The skill of the sheet that fires weapons of a kind ("Pistols", "Assault Rifles"), where the name is that of no skill
/// and no kind else.
fn general<'a>(sheet: &'a Sheet, name: &str) -> Option<&'a str> {
    if names::skill(name).is_some() {
        return None;
    }
    let kind = names::Letters::of(name.trim().trim_end_matches(['s', 'S']));
    let mut skills: Vec<&str> = CLASSES
        .iter()
        .filter(|class| kind.is_part_of(&names::Letters::of(class.name)))
        .map(|class| class.skill)
        .collect();
    skills.dedup();
    let [skill] = skills.as_slice() else { return None };
    sheet.skill(skill).map(|skill| skill.skill_name.as_str())
}

/// What may be rolled for a missing skill, the easiest first.
fn defaults(sheet: &Sheet, name: &str) -> Result<Vec<Default>, Status> {
    let known = sheet.known_ratings();
    let wanted = names::skill(name).unwrap_or(name);
    skills::defaults(wanted, known.iter().map(|(name, rating)| (name.as_str(), *rating))).map_err(|_| {
        let own = sheet.skills.iter().map(|skill| skill.skill_name.clone());
        let all: Vec<String> = own.chain(skills::SKILLS.iter().map(|skill| skill.name.to_owned())).collect();
        unknown("skill", name, &all, &format!("the skills of {} and of the rule book", sheet.street_name))
    })
}

/// The skill as the sheet has it, or the way to do without.
///
/// # Errors
///
/// `INVALID_INPUT` if there is no such skill.
pub fn get(sheet: &Sheet, name: &str) -> Result<GetCharacterSkillResponse, Status> {
    if sheet.skill(name).is_none()
        && let Some(skill) = general(sheet, name)
    {
        let mut answer = get(sheet, skill)?;
        answer.notes.push(format!("{} is no skill of the sheet: {skill} is the skill for it", names::shown(name)));
        return Ok(answer);
    }
    let character = sheet.street_name.clone();
    let attribute = linked_attribute(name);
    let mut answer = GetCharacterSkillResponse {
        character: character.clone(),
        attribute: Some(structs::value_from_json(json!(attribute.map(|attribute| attribute.key())))),
        attribute_rating: Some(structs::value_from_json(json!(attribute.map(|attribute| sheet.attribute(attribute))))),
        specialization: Some(structs::value_from_json(json!(null))),
        skill_type: Some(structs::value_from_json(json!(null))),
        rules: RULES.to_owned(),
        notes: vec!["Second Edition rolls the skill alone; no attribute is added".to_owned()],
        ..GetCharacterSkillResponse::default()
    };
    if let Some(skill) = sheet.skill(name) {
        let rating = sheet.skill_rating(skill);
        let special = skill.specialization.as_ref().map(|special| format!(" ({special})")).unwrap_or_default();
        let parts = sheet.skill_parts(skill);
        let mut summary = format!("{character} has {}{special} {rating}: {rating} dice", skill.skill_name);
        if parts.len() > 1 {
            let why = parts.iter().map(|part| format!("{} {}", part.source, part.dice)).collect::<Vec<_>>();
            summary += &format!(" ({})", why.join(" + "));
        }
        answer.skill = skill.skill_name.clone();
        answer.skill_rating = rating;
        answer.current_rating = rating;
        answer.base_rating = skill.base_rating;
        answer.specialization = Some(structs::value_from_json(json!(skill.specialization)));
        answer.skill_type = Some(structs::value_from_json(json!(skill.skill_type.word())));
        answer.on_sheet = true;
        answer.rating_parts = convert::parts(&parts);
        answer.summary = summary;
        return Ok(answer);
    }
    let defaults = defaults(sheet, name)?;
    let skill = names::skill(name).map_or_else(|| names::shown(name), str::to_owned);
    answer.summary = match defaults.first() {
        Some(Default { rolled, rating, modifier, .. }) => {
            format!("{character} has no {skill}: rolls {rolled} {rating} by default, target number {modifier:+}")
        }
        None => format!("{character} has no {skill} and no way to roll without it"),
    };
    answer.skill = skill;
    answer.defaults = defaults.into_iter().map(to_proto).collect();
    Ok(answer)
}

fn to_proto(default: Default) -> SkillDefault {
    SkillDefault {
        rolled: default.rolled,
        rating: default.rating,
        modifier: default.modifier,
        // The circles between have numbers that say nothing.
        path: default.path.path.into_iter().filter(|node| skill_web::find(node).is_ok()).map(str::to_owned).collect(),
    }
}

/// The attribute from which the web reaches a skill with the fewest circles.
fn linked_attribute(name: &str) -> Option<Attribute> {
    let paths = skill_web::from_attributes(names::skill(name)?).ok()?;
    let nearest = paths.into_iter().min_by_key(|path| path.modifier)?;
    Attribute::parse(nearest.from)
}

/// Makes the test.
///
/// # Errors
///
/// `INVALID_INPUT` if the test cannot be made, or what the dice service says.
pub async fn test(
    sheet: &Sheet,
    request: TestSkillRequest,
    dice: &mut roll::Dice,
) -> Result<TestSkillResponse, Status> {
    let TestSkillRequest {
        character_name: _,
        skill_name,
        target_number,
        difficulty,
        modifier,
        modifier_reason,
        reason,
    } = request;
    let skill = dice_for(sheet, &skill_name)?;
    let (base, explanation) = base(target_number, difficulty)?;

    let mut modifiers = Vec::new();
    modifiers.extend(skill.default_modifier());
    modifiers.extend(sheet.wounds().modifiers().map_err(|error| refuse(error.to_string()))?);
    modifiers.extend(sustained_modifier(sheet));
    modifiers.extend(sheet_modifiers(sheet, &skill.rolled));
    modifiers.extend(given_modifier(modifier, modifier_reason));
    let target = TargetNumber::new(base, explanation, modifiers);
    if skill.dice == 0 {
        return Err(refuse(format!("{} has no dice for {}", sheet.street_name, skill.rolled)));
    }

    let asked = names::skill(&skill_name).map_or_else(|| names::shown(&skill_name), str::to_owned);
    let cause = reason.clone().unwrap_or_else(|| format!("{}: {asked}", sheet.street_name));
    let rolled = dice.test(skill.dice, target.target_number, &cause).await?;
    let successes = rolled.successes();
    let mut summary = format!(
        "{} rolls {} dice of {} against {}: {}",
        sheet.street_name,
        skill.dice,
        skill.rolled,
        target.target_number,
        roll::count(successes)
    );
    if rolled.all_ones() {
        summary += "; all dice show 1: a disaster";
    }
    Ok(TestSkillResponse {
        character: sheet.street_name.clone(),
        skill: asked,
        defaulted: skill.default.is_some(),
        rolled: skill.rolled,
        base_tn: u32::try_from(target.base).unwrap_or_default(),
        modifiers: convert::modifiers(&target.modifiers),
        total_modifier: target.total_modifier,
        final_tn: target.target_number,
        dice_pool: skill.dice,
        dice_parts: convert::parts(&skill.parts),
        roll: Some(roll::plain(&rolled)),
        successes,
        success: successes > 0,
        result: rolled.result().to_owned(),
        breakdown: target.breakdown(),
        summary,
        rules: RULES.to_owned(),
        notes: vec!["Second Edition rolls the skill alone; no attribute is added".to_owned()],
        reason,
    })
}

/// The target number before modifiers, and why it is that.
fn base(target_number: Option<u32>, difficulty: Option<String>) -> Result<(i32, String), Status> {
    match (target_number, difficulty) {
        (Some(_), Some(_)) => Err(refuse("give either `target_number` or `difficulty`, not both")),
        (Some(target_number), None) => Ok((to_i32(target_number), "as the game master says".to_owned())),
        (None, difficulty) => {
            let name = difficulty.as_deref().unwrap_or(difficulty::DEFAULT_DIFFICULTY);
            let found = difficulty::find_difficulty(name).map_err(|error| refuse(error.to_string()))?;
            let target = difficulty::target_number(found, Vec::new());
            Ok((target.base, target.base_explanation))
        }
    }
}

/// What sustained spells add to every other test.
pub fn sustained_modifier(sheet: &Sheet) -> Option<Modifier> {
    let penalty = sustaining_penalty(sheet.sustained_count());
    let spells: Vec<&str> = sheet.sustained_by_himself().map(|spell| spell.spell_name.as_str()).collect();
    (penalty > 0).then(|| Modifier::new("sustained_spells", penalty, format!("sustains {}", spells.join(", "))))
}

/// What the sheet adds to target numbers of tests with a skill: aptitudes and the like.
pub fn sheet_modifiers(sheet: &Sheet, skill: &str) -> Vec<Modifier> {
    let modifiers = sheet.modifiers_on(ModifierType::TargetNumber, skill);
    modifiers.map(|(source, kind, modifier)| Modifier::new(kind, modifier.modifier_value, source)).collect()
}

/// What the game master adds.
pub fn given_modifier(value: Option<i32>, reason: Option<String>) -> Option<Modifier> {
    let reason = reason.unwrap_or_else(|| "the game master's judgement".to_owned());
    value.filter(|value| *value != 0).map(|value| Modifier::new("game_master", value, reason))
}
