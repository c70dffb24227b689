//! Melee: an exchange of blows; and the ranged attack under the older names of its parameters.

use proto::character::v1::{
    CalculateRangedAttackRequest, CalculateRangedAttackResponse, Damage, MeleeCombatRequest, MeleeCombatResponse,
    MeleeSide, RangedCombatRequest,
};
use rules::shadowrun2::{
    DicePart, TargetNumber, creation,
    damage::{self, DamageCode},
    melee::{self, Blow, MELEE_WEAPONS, Situation},
    pools,
};
use tonic::Status;

use super::{Characters, RULES, attack, check_name, convert, edit::Edit, refuse, roll, skill, unknown};
use crate::{
    names,
    sheet::{Attribute, Pool, Sheet, to_i32},
};

/// Strength of an opponent without a sheet. Ours: that of an average person.
const AVERAGE_STRENGTH: u32 = 3;

/// A ranged attack with the older names.
pub async fn ranged(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: RangedCombatRequest,
) -> Result<CalculateRangedAttackResponse, Status> {
    let RangedCombatRequest {
        character_name,
        weapon_name,
        distance,
        target_name,
        target_size,
        target_moving,
        target_prone,
        light_level,
        conditions,
        magnification,
        called_shot,
        combat_pool,
        reason,
    } = request;
    let request = CalculateRangedAttackRequest {
        character_name,
        weapon_name,
        target_distance: distance,
        target_description: target_name,
        target_size,
        target_moving,
        target_prone,
        light_level,
        environment: conditions,
        magnification,
        called_shot,
        combat_pool,
        reason,
        ..CalculateRangedAttackRequest::default()
    };
    attack::shoot(edit, request, dice).await
}

/// What somebody fights with.
struct Arm {
    name: String,
    code: DamageCode,
    reach: u32,
    skill: String,
}

/// One who fights.
struct Fighter {
    name: String,
    arm: Arm,
    /// What is rolled, before pool dice.
    rolled: String,
    dice: u32,
    parts: Vec<DicePart>,
    pool: u32,
    target: TargetNumber,
}

/// Makes the exchange.
pub async fn strike(
    service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: MeleeCombatRequest,
) -> Result<MeleeCombatResponse, Status> {
    let opponent = match request.target_name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => {
            check_name(name)?;
            let mut found = service.store.named(name).await?;
            if found.len() == 1 { Some(found.remove(0).sheet) } else { None }
        }
        None => None,
    };
    if opponent.as_ref().is_some_and(|opponent| opponent.id == edit.sheet.id) {
        return Err(refuse("nobody fights himself"));
    }
    let mut notes = Vec::new();
    let sheet = &edit.sheet;
    let attacker = attacker(sheet, opponent.as_deref(), &request)?;
    let defender = defender(sheet, opponent.as_deref(), &attacker, &request, &mut notes)?;

    let cause = request.reason.clone();
    let because = |text: String| cause.clone().unwrap_or(text);
    let reason = because(format!("{} attacks {} with {}", attacker.name, defender.name, attacker.arm.name));
    let first = dice.test(attacker.dice.max(1), attacker.target.target_number, &reason).await?;
    let second = if defender.dice == 0 {
        None
    } else {
        let reason = because(format!("{} fights back", defender.name));
        Some(dice.test(defender.dice, defender.target.target_number, &reason).await?)
    };
    let (successes, against) = (first.successes(), second.as_ref().map_or(0, |roll| roll.successes()));
    let blow = if request.full_defence.unwrap_or_default() {
        match (successes, against) {
            (0, _) => Blow::Nobody,
            // Pool dice of a full defence only get out of the way.
            (successes, against) if damage::is_complete_miss(successes, against) => Blow::Nobody,
            (successes, _) => Blow::Attacker(successes),
        }
    } else {
        melee::blow(successes, against)
    };

    let mut house = Vec::new();
    let (winner, net, damaged, hurt) = match blow {
        Blow::Attacker(net) => ("attacker", net, defender.name.clone(), Some(&attacker.arm)),
        Blow::Defender(net) => ("defender", net, attacker.name.clone(), Some(&defender.arm)),
        Blow::Nobody => ("nobody", 0, String::new(), None),
    };
    let called = request.called_shot.unwrap_or_default() && winner == "attacker";
    let damage = hurt.map(|arm| {
        let ruled = edit.rules.melee_power(u32::try_from(arm.code.power).unwrap_or_default());
        house.extend(ruled.rule);
        let mut code = DamageCode { power: to_i32(ruled.value), ..arm.code };
        if called {
            code = damage::called_shot_damage(code);
        }
        Damage {
            code: code.to_string(),
            power: code.power,
            level: code.level.letter().to_string(),
            r#type: if code.stun { "stun" } else { "physical" }.to_owned(),
            weapon_code: arm.code.to_string(),
            unresisted_level: melee::blow_level(code.level, net).letter().to_string(),
            resist_target_number: None,
        }
    });
    let outcome = match (winner, &damage) {
        ("nobody", _) | (_, None) => "nobody hits".to_owned(),
        (winner, Some(damage)) => {
            let who = if winner == "attacker" { &attacker.name } else { &defender.name };
            format!(
                "{who} hits with {} net: {damaged} resists {} against impact armor (resist_damage with melee, \
                 attacker_successes {net})",
                roll::count(net),
                damage.code
            )
        }
    };
    let summary = format!(
        "{} attacks {} with {}: {} against {}: {outcome}",
        attacker.name,
        defender.name,
        attacker.arm.name,
        roll::count(successes),
        roll::count(against)
    );
    if let Some(opponent) = opponent.filter(|opponent| defender.pool > 0 && opponent.combat_id.is_some()) {
        let (dice, told) = (defender.pool, format!("{} fights back against {}", defender.name, attacker.name));
        edit.also(&opponent.id, move |other| {
            other.sheet.spend_pool(Pool::Combat, dice);
            other.says(told.clone());
        });
        notes.push(format!("{dice} Combat Pool dice of {} are spent", defender.name));
    }
    if attacker.pool > 0 && edit.sheet.combat_id.is_some() {
        edit.sheet.spend_pool(Pool::Combat, attacker.pool);
    } else {
        edit.changes_nothing();
    }
    edit.says(summary.clone());
    let breakdown = format!("{}; {}", attack::rolled_dice(&attacker.parts, attacker.dice), attacker.target.breakdown());
    Ok(MeleeCombatResponse {
        character: attacker.name.clone(),
        weapon: attacker.arm.name.clone(),
        winner: winner.to_owned(),
        net_successes: net,
        hit: winner == "attacker",
        damage,
        damaged,
        roll_explanation: format!("more successes hit, a tie goes to the attacker: {successes} against {against}"),
        breakdown,
        summary,
        rules: RULES.to_owned(),
        house_rules: convert::house_rules(&house),
        notes,
        reason: request.reason,
        attacker: Some(side(attacker, Some(first))),
        defender: Some(side(defender, second)),
    })
}

fn side(fighter: Fighter, rolled: Option<proto::dice::v1::RollDiceResponse>) -> MeleeSide {
    MeleeSide {
        name: fighter.name,
        weapon: fighter.arm.name,
        skill: fighter.rolled,
        target_number: fighter.target.target_number,
        modifiers: convert::modifiers(&fighter.target.modifiers),
        dice_pool: fighter.dice,
        dice_parts: convert::parts(&fighter.parts),
        successes: rolled.as_ref().map_or(0, |roll| roll.successes()),
        roll: rolled.as_ref().map(roll::plain),
        breakdown: fighter.target.breakdown(),
    }
}

fn own_reach(sheet: &Sheet) -> u32 {
    creation::find_metatype(&sheet.metatype).map_or(0, |metatype| metatype.reach)
}

fn attacker(sheet: &Sheet, opponent: Option<&Sheet>, request: &MeleeCombatRequest) -> Result<Fighter, Status> {
    let arm = find_arm(sheet, &request.weapon_name)?;
    let skill = skill::dice_for(sheet, &arm.skill)?;
    let pool = attack::combat_pool(sheet, &skill, request.combat_pool.unwrap_or_default())?;
    let theirs = opponent_arm(opponent, request)?;
    let situation = Situation {
        reach: arm.reach + own_reach(sheet),
        opponent_reach: theirs.reach + opponent.map_or(0, own_reach),
        friends: request.friends.unwrap_or_default(),
        opponent_friends: request.opponent_friends.unwrap_or_default(),
        superior_position: request.superior_position.unwrap_or_default(),
        opponent_prone: request.target_prone.unwrap_or_default(),
        further_targets: request.further_targets.unwrap_or_default(),
        subduing: request.subduing.unwrap_or_default(),
        wounds: sheet.wounds(),
        sustained_spells: sheet.sustained_count(),
        vision: sheet.vision(),
        visibility: attack::sight(request.light_level.as_deref(), &[]),
        called_shot: request.called_shot.unwrap_or_default(),
        other: [
            skill.default_modifier().into_iter().collect(),
            skill::sheet_modifiers(sheet, &skill.rolled),
            skill::given_modifier(request.modifier, request.modifier_reason.clone()).into_iter().collect(),
        ]
        .concat(),
    };
    let target = melee::melee_target_number(&situation)
        .map_err(|error| refuse(format!("{}: {error}; nothing was rolled", sheet.street_name)))?;
    let (dice, parts) = with_pool(skill.dice, skill.parts, pool);
    if dice == 0 {
        return Err(refuse(format!("{} has no dice for {}", sheet.street_name, skill.rolled)));
    }
    Ok(Fighter { name: sheet.street_name.clone(), arm, rolled: skill.rolled, dice, parts, pool, target })
}

fn with_pool(skill: u32, mut parts: Vec<DicePart>, pool: u32) -> (u32, Vec<DicePart>) {
    if pool > 0 {
        parts.push(DicePart { source: "Combat Pool".to_owned(), dice: to_i32(pool) });
    }
    (skill + pool, parts)
}

fn opponent_arm(opponent: Option<&Sheet>, request: &MeleeCombatRequest) -> Result<Arm, Status> {
    let name = request.target_weapon.as_deref().unwrap_or("Unarmed");
    match opponent {
        Some(sheet) => find_arm(sheet, name),
        None => listed_arm(name, request.target_strength.unwrap_or(AVERAGE_STRENGTH)),
    }
}

fn defender(
    attacking: &Sheet,
    opponent: Option<&Sheet>,
    attacker: &Fighter,
    request: &MeleeCombatRequest,
    notes: &mut Vec<String>,
) -> Result<Fighter, Status> {
    let arm = opponent_arm(opponent, request)?;
    let mut situation = Situation {
        reach: arm.reach + opponent.map_or(0, own_reach),
        opponent_reach: attacker.arm.reach + own_reach(attacking),
        friends: request.opponent_friends.unwrap_or_default(),
        opponent_friends: request.friends.unwrap_or_default(),
        visibility: attack::sight(request.light_level.as_deref(), &[]),
        ..Situation::default()
    };
    let asked = request.target_combat_pool.unwrap_or_default();
    let is_full = request.full_defence.unwrap_or_default();
    let (name, rolled, skill_dice, skill_parts, pool) = match opponent {
        Some(sheet) => {
            situation.wounds = sheet.wounds();
            situation.sustained_spells = sheet.sustained_count();
            situation.vision = sheet.vision();
            let skill = skill::dice_for(sheet, &arm.skill)?;
            situation.other = [
                skill.default_modifier().into_iter().collect::<Vec<_>>(),
                skill::sheet_modifiers(sheet, &skill.rolled),
            ]
            .concat();
            let pool = if is_full {
                let all = pools::combat_pool_for_resistance(sheet.pool_left(Pool::Combat));
                all.check(asked).map_err(|error| refuse(format!("{}: {error}", sheet.street_name)))?
            } else {
                attack::combat_pool(sheet, &skill, asked)?
            };
            (sheet.street_name.clone(), skill.rolled, skill.dice, skill.parts, pool)
        }
        None => {
            let name = request.target_name.clone().unwrap_or_else(|| "the opponent".to_owned());
            let skill = request
                .target_skill
                .ok_or_else(|| refuse(format!("{name} has no sheet: give target_skill, his dice in melee")))?;
            if request.target_strength.is_none() {
                notes.push(format!(
                    "Strength of {name} is not known: {AVERAGE_STRENGTH} was taken; give target_strength"
                ));
            }
            if asked > skill && !is_full {
                return Err(refuse(format!("{asked} pool dice of {name} are too many: at most his skill, {skill}")));
            }
            let parts = vec![DicePart { source: arm.skill.clone(), dice: to_i32(skill) }];
            (name, arm.skill.clone(), skill, parts, asked)
        }
    };
    let (dice, parts) = if is_full { with_pool(0, Vec::new(), pool) } else { with_pool(skill_dice, skill_parts, pool) };
    // Someone out of action does not fight back.
    let (dice, target) = match melee::melee_target_number(&situation) {
        Ok(target) => (dice, target),
        Err(error) => {
            notes.push(format!("{name}: {error}"));
            (0, TargetNumber::new(melee::BASE_TARGET_NUMBER, "melee", Vec::new()))
        }
    };
    Ok(Fighter { name, arm, rolled, dice, parts, pool, target })
}

/// The melee weapon of this name: on the sheet, or in the rule book's table.
fn find_arm(sheet: &Sheet, name: &str) -> Result<Arm, Status> {
    let strength = sheet.attribute(Attribute::Strength);
    let carried: Vec<_> = sheet
        .gear
        .iter()
        .filter(|gear| {
            gear.gear_type == "weapon" && gear.weapon_stats.as_ref().is_none_or(|stats| stats.class.is_none())
        })
        .collect();
    let Some(gear) = carried.iter().find(|gear| names::is_same(&gear.gear_name, name)) else {
        if sheet.gear.iter().any(|gear| names::is_same(&gear.gear_name, name)) {
            return Err(refuse(format!("the {} of {} is no melee weapon", names::shown(name), sheet.street_name)));
        }
        return listed_arm(name, strength).map_err(|_| {
            let own = carried.iter().map(|gear| gear.gear_name.clone());
            let all: Vec<String> = own.chain(MELEE_WEAPONS.iter().map(|weapon| weapon.name.to_owned())).collect();
            unknown("melee weapon", name, &all, &format!("those of {} and of the rule book", sheet.street_name))
        });
    };
    let listed = melee::find_melee_weapon(&gear.gear_name).ok();
    let own = gear.damage.as_deref().and_then(|code| code.parse().ok());
    let code = own
        .or_else(|| listed.map(|weapon| weapon.damage(strength)))
        .ok_or_else(|| refuse(format!("the sheet gives no damage for the {}", gear.gear_name)))?;
    let reach = gear.weapon_stats.as_ref().and_then(|stats| stats.reach);
    // A skill of the weapon's own name comes before the general one.
    let skill = if sheet.skill(&gear.gear_name).is_some() {
        gear.gear_name.clone()
    } else {
        listed.map_or("Armed Combat", |weapon| weapon.skill).to_owned()
    };
    let reach = reach.or(listed.map(|weapon| weapon.reach)).unwrap_or_default();
    Ok(Arm { name: gear.gear_name.clone(), code, reach, skill })
}

fn listed_arm(name: &str, strength: u32) -> Result<Arm, Status> {
    let weapon = melee::find_melee_weapon(name).map_err(|error| refuse(error.to_string()))?;
    Ok(Arm {
        name: weapon.name.to_owned(),
        code: weapon.damage(strength),
        reach: weapon.reach,
        skill: weapon.skill.to_owned(),
    })
}
