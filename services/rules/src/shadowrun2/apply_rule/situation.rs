//! The areas of whole situations, `ranged_tn` and `melee_tn`: from parameters or, without them, from words. The words
//! are what counts, so that they stand in for parameters of a name that is not known here.

use serde_json::{Value, json};

use super::RuleError;
use super::harm::INCAPACITATED;
use super::input::Input;
use super::words;
use crate::shadowrun2::condition::Wounds;
use crate::shadowrun2::melee::{self, melee_target_number};
use crate::shadowrun2::range::{RangeCategory, WeaponClass};
use crate::shadowrun2::ranged::{self, Cover, Movement, SMARTLINK_MODIFIER, ranged_target_number};
use crate::shadowrun2::visibility::{Origin, Visibility, Vision};

pub(super) fn ranged_tn(input: &Input<'_>) -> Result<Value, RuleError> {
    let in_words = |range| words::ranged(words_of(input)?, range).map_err(|error| input.refused(error));
    let (range, situation) = if input.has("parameters") {
        let keys = &["range", "attacker", "defender", "weapon", "situation"];
        let range = || RangeCategory::parse(input.part("parameters", "range")?.as_str()?).ok();
        input
            .object("parameters", keys)
            .and_then(|parameters| ranged_parameters(&parameters))
            .or_else(|error| if_unknown(error, || in_words(range())))?
    } else {
        in_words(None)?
    };
    let target = ranged_target_number(range, &situation);
    Ok(target.map_or_else(|_| json!(INCAPACITATED), |target| json!(target.target_number)))
}

/// What the words say where a parameter is not known; the error where they say it no better.
fn if_unknown<T>(error: RuleError, in_words: impl FnOnce() -> Result<T, RuleError>) -> Result<T, RuleError> {
    match error {
        RuleError::UnknownKey { .. } => in_words().map_err(|_| error),
        error => Err(error),
    }
}

fn words_of<'a>(input: &Input<'a>) -> Result<&'a str, RuleError> {
    match input.optional_text("situation")? {
        Some(words) if !words.trim().is_empty() => Ok(words),
        _ => Err(input.refused("give \"parameters\", or the \"situation\" in words such as \"short, 2nd target\"")),
    }
}

fn ranged_parameters(input: &Input<'_>) -> Result<(RangeCategory, ranged::Situation), RuleError> {
    let range = input.word("range", RangeCategory::parse)?;
    let attacker = input.object(
        "attacker",
        &["movement", "roughGround", "woundLevel", "strength", "vision", "skill", "smartlink", "smartGoggles"],
    )?;
    // Size and posture are known and count nothing.
    let defender = input.object("defender", &["movement", "size", "prone", "unconscious"])?;
    let weapon = input.object("weapon", &["class", "recoilComp", "gyroStabilization", "laserSight", "smart"])?;
    let circumstances = input.object(
        "situation",
        &[
            "recoil",
            "useStrengthRecoil",
            "calledShot",
            "lightLevel",
            "conditions",
            "furtherTargets",
            "aimActions",
            "cover",
            "opponentsInMelee",
            "secondFirearm",
        ],
    )?;
    let use_strength = circumstances.flag("useStrengthRecoil")?;
    let strength = if use_strength { Some(attacker.count_or_none("strength")?) } else { None };
    let class = weapon.optional_word("class", WeaponClass::parse)?;
    let covers = [("none", Cover::None), ("partial", Cover::Partial), ("full", Cover::Full)];
    let situation = ranged::Situation {
        recoil: circumstances.count_or_none("recoil")?,
        recoil_compensation: weapon.count_or_none("recoilComp")?,
        strength_recoil: strength,
        gyro_stabilisation: weapon.count_or_none("gyroStabilization")?,
        heavy_weapon: class.is_some_and(|class| class.row().heavy),
        attacker_movement: movement(&attacker)?,
        rough_ground: attacker.flag("roughGround")?,
        wounds: Wounds { physical: attacker.wound("woundLevel")?, stun: None },
        vision: vision(&attacker)?,
        visibility: visibility(&circumstances)?,
        opponents_in_melee: circumstances.count_or_none("opponentsInMelee")?,
        target_movement: movement(&defender)?,
        cover: if circumstances.has("cover") { circumstances.choice("cover", &covers)? } else { Cover::None },
        further_targets: circumstances.count_or_none("furtherTargets")?,
        smartlink: attacker.flag("smartlink")?.then_some(SMARTLINK_MODIFIER),
        smart_goggles: attacker.flag("smartGoggles")?,
        smart_weapon: weapon.flag("smart")?,
        laser_sight: weapon.flag("laserSight")?,
        second_firearm: circumstances.flag("secondFirearm")?,
        aim_actions: circumstances.count_or_none("aimActions")?,
        skill: if attacker.has("skill") { Some(attacker.count("skill")?) } else { None },
        called_shot: circumstances.flag("calledShot")?,
        ..ranged::Situation::default()
    };
    Ok((range, situation))
}

pub(super) fn melee_tn(input: &Input<'_>) -> Result<Value, RuleError> {
    let in_words = || words::melee(words_of(input)?).map_err(|error| input.refused(error));
    let situation = if input.has("parameters") {
        let keys = &["attacker", "defender", "attackerWeapon", "defenderWeapon", "situation"];
        input
            .object("parameters", keys)
            .and_then(|parameters| melee_parameters(&parameters))
            .or_else(|error| if_unknown(error, in_words))?
    } else {
        in_words()?
    };
    let target = melee_target_number(&situation);
    Ok(target.map_or_else(|_| json!(INCAPACITATED), |target| json!(target.target_number)))
}

fn melee_parameters(input: &Input<'_>) -> Result<melee::Situation, RuleError> {
    // How he himself lies is known and counts nothing.
    let attacker = input.object("attacker", &["woundLevel", "vision", "prone"])?;
    let defender = input.object("defender", &["prone", "unconscious"])?;
    let weapon = input.object("attackerWeapon", &["reach"])?;
    let opponents_weapon = input.object("defenderWeapon", &["reach"])?;
    let circumstances = input.object(
        "situation",
        &[
            "lightLevel",
            "conditions",
            "calledShot",
            "friends",
            "opponentFriends",
            "superiorPosition",
            "furtherTargets",
            "subduing",
        ],
    )?;
    Ok(melee::Situation {
        reach: weapon.count_or_none("reach")?,
        opponent_reach: opponents_weapon.count_or_none("reach")?,
        friends: circumstances.count_or_none("friends")?,
        opponent_friends: circumstances.count_or_none("opponentFriends")?,
        superior_position: circumstances.flag("superiorPosition")?,
        opponent_prone: defender.flag("prone")?,
        further_targets: circumstances.count_or_none("furtherTargets")?,
        subduing: circumstances.flag("subduing")?,
        wounds: Wounds { physical: attacker.wound("woundLevel")?, stun: None },
        vision: vision(&attacker)?,
        visibility: visibility(&circumstances)?,
        called_shot: circumstances.flag("calledShot")?,
        ..melee::Situation::default()
    })
}

fn movement(input: &Input<'_>) -> Result<Option<Movement>, RuleError> {
    if !input.has("movement") {
        return Ok(None);
    }
    let movements = [Movement::Stationary, Movement::Walking, Movement::Running].map(|how| (how.word(), how));
    input.choice("movement", &movements).map(Some)
}

fn vision(attacker: &Input<'_>) -> Result<Vision, RuleError> {
    let eyes = attacker.object("vision", &["lowLight", "thermographic"])?;
    let origin = |key| {
        let origins = [("natural", Origin::Natural), ("cybernetic", Origin::Cybernetic)];
        if eyes.has(key) { eyes.choice(key, &origins).map(Some) } else { Ok(None) }
    };
    Ok(Vision { low_light: origin("lowLight")?, thermographic: origin("thermographic")? })
}

/// The light, or one condition in its place; full darkness is never replaced.
fn visibility(circumstances: &Input<'_>) -> Result<Vec<Visibility>, RuleError> {
    let levels = [
        ("NORMAL", None),
        ("PARTIAL", Some(Visibility::PartialLight)),
        ("DIM", Some(Visibility::MinimalLight)),
        ("DARK", Some(Visibility::FullDarkness)),
    ];
    let light = if circumstances.has("lightLevel") { circumstances.choice("lightLevel", &levels)? } else { None };
    let conditions = circumstances.object("conditions", &["smoke", "mist", "glare"])?;
    let mut found = Vec::new();
    if conditions.has("smoke") {
        let densities =
            [("none", None), ("light", Some(Visibility::LightSmoke)), ("heavy", Some(Visibility::HeavySmoke))];
        found.extend(conditions.choice("smoke", &densities)?);
    }
    if conditions.flag("mist")? {
        found.push(Visibility::Mist);
    }
    if conditions.flag("glare")? {
        found.push(Visibility::Glare);
    }
    let stays = found.is_empty() || light == Some(Visibility::FullDarkness);
    found.extend(light.filter(|_| stays));
    Ok(found)
}
