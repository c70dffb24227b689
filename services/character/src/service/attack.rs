//! The ranged attack: the weapon, the situation, the target number, the roll, and the damage before resistance.

use proto::character::v1::{CalculateRangedAttackRequest, CalculateRangedAttackResponse, Damage, DicePoolBreakdown};
use rules::shadowrun2::{
    DicePart,
    damage::{self, Ammunition, Armor, DamageCode, FiringMode, Staged},
    house_rules::HouseRule,
    pools,
    range::WeaponClass,
    ranged::{self, Cover, Magnification, Movement, RangedTarget, Situation, TargetSize},
    visibility::Visibility,
    weapons::{self, Accessory},
};
use tonic::Status;

use super::{
    RULES, accessories,
    ammunition::{self, Loaded},
    convert,
    edit::Edit,
    refuse, roll, skill, unknown,
};
use crate::{
    conditions::{self, Conditions},
    names,
    sheet::{Attribute, Gear, Pool, Sheet, WeaponStats, to_i32},
};

/// Most rounds of full-automatic fire a phase by the house rule.
const TEN_ROUNDS: u32 = 10;

const MODES: [FiringMode; 4] =
    [FiringMode::SingleShot, FiringMode::SemiAutomatic, FiringMode::BurstFire, FiringMode::FullAutomatic];

/// A weapon that can be fired.
struct Arm {
    name: String,
    class: WeaponClass,
    /// One round against someone without armor.
    damage: DamageCode,
    /// How it can be fired; empty if the sheet does not say.
    modes: Vec<FiringMode>,
    stats: WeaponStats,
    flechette: bool,
    on_sheet: bool,
    /// Made to its owner's measure.
    customised: bool,
    /// What is mounted on it.
    mounted: Vec<&'static Accessory>,
}

impl Arm {
    /// The damage of one plain round: the table's code of a flechette weapon has the level it gains against unarmored
    /// targets in it already.
    fn plain_damage(&self) -> DamageCode {
        let level = if self.flechette { self.damage.level.shifted(-1) } else { None };
        DamageCode { level: level.unwrap_or(self.damage.level), ..self.damage }
    }
}

/// Rounds fired together.
struct Burst {
    mode: FiringMode,
    rounds: u32,
}

/// Makes the attack.
///
/// # Errors
///
/// `INVALID_INPUT` if it cannot be made (nothing is rolled then), or what the dice service says.
pub async fn shoot(
    edit: &mut Edit,
    mut request: CalculateRangedAttackRequest,
    dice: &mut roll::Dice,
) -> Result<CalculateRangedAttackResponse, Status> {
    let (sheet, rules) = (&edit.sheet, &edit.rules);
    let mut notes = Vec::new();
    let mut house = Vec::new();
    let arm = find_arm(sheet, &request.weapon_name)?;
    let mut burst = burst(&arm, &request)?;
    let loaded = loaded(sheet, &arm, &mut burst, request.rounds, &mut notes)?;
    if rules.has(HouseRule::TenRounds) && burst.mode == FiringMode::FullAutomatic && burst.rounds > TEN_ROUNDS {
        let name = HouseRule::TenRounds.name();
        return Err(refuse(format!("at most {TEN_ROUNDS} rounds a phase (house rule {name}), not {}", burst.rounds)));
    }
    let mut skill = shooting_skill(sheet, &arm)?;
    let combat_pool = combat_pool(sheet, &skill, request.combat_pool())?;
    let rating = skill.dice;
    if arm.customised && rules.has(HouseRule::CustomisedWeapon) {
        skill.dice += 1;
        skill.parts.push(DicePart { source: "customised weapon (house rule)".to_owned(), dice: 1 });
        house.push(HouseRule::CustomisedWeapon);
    }
    let ballistic = rules.ballistic(request.target_ballistic());
    if let (Some(own), Some(rule)) = (&mut request.target_ballistic, ballistic.rule) {
        *own = ballistic.value;
        house.push(rule);
    }
    let pool = skill.dice + combat_pool;
    if pool == 0 {
        return Err(refuse(format!("{} has no dice for {}", sheet.street_name, skill.rolled)));
    }

    let mut situation = situation(sheet, &arm, &burst, &skill, &request, &mut notes);
    situation.skill = Some(rating);
    if rules.has(HouseRule::StrengthRecoil) {
        situation.strength_recoil = Some(sheet.attribute(Attribute::Strength));
    }
    if let Some(cover) = request.target_visible_percent.and_then(|percent| rules.cover(percent)) {
        situation.cover = Cover::None;
        situation.other.push(cover);
        house.push(HouseRule::CoverByShare);
    } else if request.target_visible_percent.is_some() {
        notes.push("target_visible_percent counts only with the house rule cover by share".to_owned());
    }
    let magnification = magnification(sheet, &arm, request.magnification);
    let strength = arm.stats.strength_minimum.unwrap_or_else(|| sheet.attribute(Attribute::Strength));
    let RangedTarget { range, effective_range, mut target, notes: rule_notes } =
        ranged::ranged_attack(arm.class, request.target_distance, strength, magnification, &situation)
            .map_err(|error| refuse(format!("{}: {error}; nothing was rolled", arm.name)))?;
    notes.extend(rule_notes);
    if target.modifiers.iter().any(|modifier| modifier.kind == "strength_recoil") {
        house.push(HouseRule::StrengthRecoil);
    }
    if let Some((link, _)) = sheet.smartlink()
        && arm.stats.smart
    {
        for modifier in target.modifiers.iter_mut().filter(|modifier| modifier.kind == "smartlink") {
            modifier.explanation += ", ";
            modifier.explanation += link;
            if modifier.value == ranged::SMARTLINK_MODIFIER {
                continue;
            }
            match rules.smartlink_3() {
                Some(value) if value == modifier.value => house.push(HouseRule::Smartlink3),
                _ => notes.push(format!(
                    "{:+} is the sheet's own figure for {link}; the book's smartlink has {:+}",
                    modifier.value,
                    ranged::SMARTLINK_MODIFIER
                )),
            }
        }
    }
    let code = damage_code(&arm, &burst, &request, &mut notes)?;

    let cause = request.reason.clone().unwrap_or_else(|| format!("{} fires the {}", sheet.street_name, arm.name));
    let rolled = dice.test(pool, target.target_number, &cause).await?;
    let successes = rolled.successes();

    let damage = damage(&arm, code, successes, &request);
    let mut parts = skill.parts;
    if combat_pool > 0 {
        parts.push(DicePart { source: "Combat Pool".to_owned(), dice: to_i32(combat_pool) });
    }
    notes.extend(arm.mounted.iter().filter_map(|accessory| accessories::told_in_attacks(accessory)));
    if rolled.all_ones() && request.ammunition.as_deref() == Some("explosive") {
        notes.push("all dice show 1: the explosive rounds misfire".to_owned());
    }
    if !arm.on_sheet {
        notes.push(format!("the {} is not on the sheet; the rule book's figures were used", arm.name));
    }
    let outcome = if successes > 0 {
        format!("hit, {} before the target resists", damage.code)
    } else if rolled.all_ones() {
        "miss, and all dice show 1: a disaster".to_owned()
    } else {
        "miss".to_owned()
    };
    let summary = format!(
        "{} fires the {} at {} m: {pool} dice against {}, {}: {outcome}",
        sheet.street_name,
        arm.name,
        request.target_distance,
        target.target_number,
        roll::count(successes)
    );
    let breakdown = target.breakdown();
    let roll_explanation = format!("{}; {breakdown}", rolled_dice(&parts, pool));
    let character = sheet.street_name.clone();
    let is_fight = combat_pool > 0 && sheet.combat_id.is_some();
    if is_fight {
        edit.sheet.spend_pool(Pool::Combat, combat_pool);
    }
    if let Some(loaded) = &loaded {
        edit.sheet.gear[loaded.index].rounds = Some(loaded.has - burst.rounds);
    } else if !is_fight {
        edit.changes_nothing();
    }
    edit.says(summary.clone());
    Ok(CalculateRangedAttackResponse {
        character,
        weapon: arm.name,
        weapon_type: arm.class.name().to_owned(),
        target_distance: request.target_distance,
        range_category: range.word().to_owned(),
        effective_range_category: effective_range.word().to_owned(),
        base_tn: target.base,
        modifiers: convert::modifiers(&target.modifiers),
        total_modifier: target.total_modifier,
        final_tn: target.target_number,
        combat_pool,
        dice_pool_breakdown: Some(DicePoolBreakdown {
            skill: skill.dice,
            combat_pool,
            total: pool,
            skill_name: skill.rolled,
            parts: convert::parts(&parts),
        }),
        roll: Some(roll::plain(&rolled)),
        successes,
        hit: successes > 0,
        damage: Some(damage),
        breakdown,
        on_sheet: arm.on_sheet,
        summary,
        rules: RULES.to_owned(),
        notes,
        target_description: request.target_description,
        reason: request.reason,
        roll_explanation,
        house_rules: convert::house_rules(&house),
        rounds_left: loaded.map(|loaded| loaded.has - burst.rounds),
        revision: edit.revision,
    })
}

/// The rounds in a weapon of the sheet, of which the attack takes its own. A burst that was not given its number of
/// rounds makes do with what is left.
fn loaded(
    sheet: &Sheet,
    arm: &Arm,
    burst: &mut Burst,
    asked: Option<u32>,
    notes: &mut Vec<String>,
) -> Result<Option<Loaded>, Status> {
    if !arm.on_sheet {
        return Ok(None);
    }
    // A weapon without a number of rounds is not counted.
    let Ok(loaded) = ammunition::find(sheet, &arm.name) else { return Ok(None) };
    let Loaded { has, capacity, .. } = loaded;
    if has == 0 {
        return Err(refuse(format!("the {} is empty: reload it (it holds {capacity})", arm.name)));
    }
    let least = if burst.mode == FiringMode::FullAutomatic { damage::BURST_ROUNDS } else { 1 };
    if has < burst.rounds && (asked.is_some() || has < least) {
        return Err(refuse(format!(
            "the {} has {has} rounds of {capacity}, not {}: reload it",
            arm.name, burst.rounds
        )));
    }
    if has < burst.rounds {
        notes.push(format!("only {has} rounds are left for the burst"));
        burst.rounds = has;
    }
    Ok(Some(loaded))
}

/// `Firearms 9 + Combat Pool 8 = 17 dice`.
pub fn rolled_dice(parts: &[DicePart], total: u32) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("{} {}", part.source, part.dice)).collect();
    format!("{} = {total} dice", parts.join(" + "))
}

/// The skill that fires a weapon; a specialization in it or its class counts.
fn shooting_skill(sheet: &Sheet, arm: &Arm) -> Result<skill::SkillDice, Status> {
    let special = [arm.name.as_str(), arm.class.name()].into_iter().find(|name| sheet.specialized(name).is_some());
    skill::dice_for(sheet, special.unwrap_or(arm.class.row().skill))
}

/// The weapon of this name: on the sheet, or in the rule book's table.
fn find_arm(sheet: &Sheet, name: &str) -> Result<Arm, Status> {
    let carried: Vec<&Gear> = sheet.gear.iter().filter(|gear| gear.gear_type == "weapon").collect();
    let by_name = |wanted: &str| carried.iter().copied().find(|gear| names::is_same(&gear.gear_name, wanted));
    if let Some(gear) = by_name(name) {
        return own_arm(sheet, gear);
    }
    let listed = weapons::find_weapon(name).ok();
    let by_part = || {
        let wanted = names::Letters::of(name);
        let is_meant = |gear: &&Gear| {
            let own = names::Letters::of(&gear.gear_name);
            wanted.is_part_of(&own) || own.is_part_of(&wanted)
        };
        let mut meant = carried.iter().copied().filter(is_meant);
        meant.next().filter(|_| meant.next().is_none())
    };
    let own = listed.and_then(|weapon| by_name(weapon.name)).or_else(by_part);
    match (own, listed) {
        (Some(gear), _) => own_arm(sheet, gear),
        (None, Some(weapon)) => Ok(Arm {
            name: weapon.name.to_owned(),
            class: weapon.class,
            damage: weapon.damage,
            modes: weapon.modes.to_vec(),
            stats: WeaponStats::default(),
            flechette: weapon.flechette,
            on_sheet: false,
            customised: false,
            mounted: Vec::new(),
        }),
        (None, None) => {
            let own = carried.iter().map(|gear| gear.gear_name.clone());
            let all: Vec<String> = own.chain(weapons::WEAPONS.iter().map(|weapon| weapon.name.to_owned())).collect();
            Err(unknown("weapon", name, &all, &format!("the weapons of {} and of the rule book", sheet.street_name)))
        }
    }
}

fn own_arm(sheet: &Sheet, gear: &Gear) -> Result<Arm, Status> {
    let stats = gear.weapon_stats.clone().unwrap_or_default();
    let Some(class) = &stats.class else {
        return Err(refuse(format!("the {} of {} is no ranged weapon", gear.gear_name, sheet.street_name)));
    };
    let class = WeaponClass::parse(class).map_err(|error| refuse(error.to_string()))?;
    let code = gear.damage.as_deref().unwrap_or_default();
    let damage = code.parse().map_err(|_| refuse(format!("the sheet gives no damage for the {}", gear.gear_name)))?;
    let is_listed = |mode: &&FiringMode| stats.modes.iter().any(|letters| letters == mode.letters());
    let modes = MODES.iter().filter(is_listed).copied().collect();
    let customised = gear.modifications.get(accessories::CUSTOMISED).is_some_and(|value| *value == true);
    let flechette = weapons::find_weapon(&gear.gear_name).is_ok_and(|own| own.flechette && own.damage == damage);
    let mounted = accessories::mounted(gear);
    let name = gear.gear_name.clone();
    Ok(Arm { name, class, damage, modes, stats, flechette, on_sheet: true, customised, mounted })
}

/// How many rounds are fired, and how.
fn burst(arm: &Arm, request: &CalculateRangedAttackRequest) -> Result<Burst, Status> {
    let can = |mode: FiringMode| arm.modes.is_empty() || arm.modes.contains(&mode);
    let asked = request.firing_mode.as_deref();
    let mode = match (asked.and_then(|asked| MODES.into_iter().find(|mode| mode.letters() == asked)), request.rounds) {
        (Some(mode), _) => mode,
        (None, None | Some(1)) => return Ok(Burst { mode: FiringMode::SemiAutomatic, rounds: 1 }),
        (None, Some(rounds)) if rounds <= damage::BURST_ROUNDS && can(FiringMode::BurstFire) => FiringMode::BurstFire,
        (None, Some(_)) => FiringMode::FullAutomatic,
    };
    if !can(mode) {
        let modes: Vec<&str> = arm.modes.iter().map(|mode| mode.letters()).collect();
        return Err(refuse(format!("the {} cannot fire {}: it has {}", arm.name, mode.letters(), modes.join(", "))));
    }
    let usual = match mode {
        FiringMode::SingleShot | FiringMode::SemiAutomatic => 1,
        FiringMode::BurstFire | FiringMode::FullAutomatic => damage::BURST_ROUNDS,
    };
    Ok(Burst { mode, rounds: request.rounds.unwrap_or(usual) })
}

/// Combat Pool dice within their limit: the pool, and the skill. What is rolled for want of the skill is no skill.
pub fn combat_pool(sheet: &Sheet, skill: &skill::SkillDice, asked: u32) -> Result<u32, Status> {
    let rating = if skill.is_attribute { 0 } else { skill.dice };
    pools::combat_pool_for_attack(sheet.pool_left(Pool::Combat), rating)
        .check(asked)
        .map_err(|error| refuse(format!("{}: {error}", sheet.street_name)))
}

/// Everything about the shot but its distance.
fn situation(
    sheet: &Sheet,
    arm: &Arm,
    burst: &Burst,
    skill: &skill::SkillDice,
    request: &CalculateRangedAttackRequest,
    notes: &mut Vec<String>,
) -> Situation {
    let read = read_conditions(request, notes);
    let mut visibility = sight(request.light_level.as_deref(), &request.conditions);
    if request.light_level.is_none() {
        visibility.extend(read.light.flatten());
    }
    if request.conditions.is_empty() {
        visibility.extend(&read.sight);
    }
    let target_movement = match (&request.target_movement, request.target_moving) {
        (Some(word), _) => conditions::movement(word),
        (None, Some(true)) => Some(Movement::Running),
        (None, Some(false)) => Some(Movement::Stationary),
        (None, None) => read.movement,
    };
    let cover = request.cover.as_deref().and_then(conditions::cover).or(read.cover).unwrap_or_default();
    let rounds_recoil = damage::recoil(burst.mode, burst.rounds, request.shots_before());
    Situation {
        recoil: request.recoil.unwrap_or(rounds_recoil),
        recoil_compensation: request.recoil_compensation.unwrap_or(arm.stats.recoil_compensation),
        strength_recoil: None,
        gyro_stabilisation: request.gyro_stabilisation.unwrap_or(arm.stats.gyro_stabilisation),
        heavy_weapon: arm.class.row().heavy,
        attacker_movement: request.attacker_movement.as_deref().and_then(conditions::movement),
        rough_ground: request.rough_ground(),
        wounds: sheet.wounds(),
        sustained_spells: sheet.sustained_count(),
        vision: sheet.vision(),
        visibility,
        opponents_in_melee: request.opponents_in_melee(),
        target_movement,
        target_size: match request.target_size.as_deref() {
            Some("small") => TargetSize::Small,
            Some("large") => TargetSize::Large,
            _ => TargetSize::Normal,
        },
        target_prone: request.target_prone(),
        cover,
        further_targets: request.further_targets(),
        smartlink: sheet.smartlink().filter(|_| !request.smart_goggles()).map(|(_, modifier)| modifier),
        smart_goggles: request.smart_goggles(),
        smart_weapon: arm.stats.smart,
        laser_sight: request.laser_sight.unwrap_or(arm.stats.laser_sight),
        second_firearm: request.second_firearm(),
        aim_actions: request.aim_actions(),
        skill: None,
        called_shot: request.called_shot(),
        other: [
            skill.default_modifier().into_iter().collect(),
            skill::sheet_modifiers(sheet, &skill.rolled),
            skill::given_modifier(request.modifier, request.modifier_reason.clone()).into_iter().collect(),
        ]
        .concat(),
    }
}

/// What the plain words say, as far as the fields leave it open; noted, so that it can be said better.
fn read_conditions(request: &CalculateRangedAttackRequest, notes: &mut Vec<String>) -> Conditions {
    let environment = request.environment.as_deref().unwrap_or_default();
    let mut read = Conditions::read(environment);
    let described = Conditions::read(request.target_description.as_deref().unwrap_or_default());
    read.movement = read.movement.or(described.movement);
    read.cover = read.cover.or(described.cover);

    let mut said: Vec<String> = Vec::new();
    if request.light_level.is_none() {
        said.extend(read.light.map(|light| light.map_or("normal light", Visibility::name).to_owned()));
    }
    if request.conditions.is_empty() {
        said.extend(read.sight.iter().map(|sight| sight.name().to_owned()));
    }
    if request.target_movement.is_none() && request.target_moving.is_none() {
        said.extend(read.movement.map(|movement| format!("target {}", movement.word())));
    }
    if request.cover.is_none() {
        said.extend(read.cover.map(|_| "the target's cover".to_owned()));
    }
    if !said.is_empty() {
        notes.push(format!("read from the description: {}", said.join(", ")));
    } else if !environment.trim().is_empty() && request.light_level.is_none() && request.conditions.is_empty() {
        notes.push("no condition was read from the environment; give light_level, conditions, cover".to_owned());
    }
    read
}

/// What hampers sight, by the words of the contract.
pub fn sight(light_level: Option<&str>, conditions: &[String]) -> Vec<Visibility> {
    let light = light_level.and_then(conditions::light_level).flatten();
    let named = conditions.iter().filter_map(|name| Visibility::parse(&name.replace('_', " ")).ok());
    light.into_iter().chain(named).collect()
}

/// The image magnification in use: what eyes and scope have, or as much of it as was asked for.
fn magnification(sheet: &Sheet, arm: &Arm, asked: Option<u32>) -> Magnification {
    let (eyes, scope) = (sheet.magnification(), arm.stats.scope);
    match asked {
        None => Magnification { eyes, scope },
        Some(rating) if rating <= eyes => Magnification { eyes: rating, scope: 0 },
        Some(rating) => Magnification { eyes, scope: rating },
    }
}

/// The damage code of what is fired: burst and called shot in, ammunition not yet.
fn damage_code(
    arm: &Arm,
    burst: &Burst,
    request: &CalculateRangedAttackRequest,
    notes: &mut Vec<String>,
) -> Result<DamageCode, Status> {
    let called = request.called_shot();
    if called && burst.mode == FiringMode::FullAutomatic {
        return Err(refuse("a shot cannot be called in full automatic fire"));
    }
    let code = damage::burst_damage(arm.plain_damage(), burst.mode, burst.rounds)
        .map_err(|error| refuse(error.to_string()))?;
    let is_flechette =
        arm.flechette && request.ammunition.is_none() || request.ammunition.as_deref() == Some("flechette");
    if is_flechette && request.target_ballistic.is_none() && request.target_impact.is_none() {
        notes.push("flechette: the code counts for a target without armor; give its armor if it has any".to_owned());
    }
    Ok(if called { damage::called_shot_damage(code) } else { code })
}

/// The damage with its ammunition, and what becomes of it if nobody resists.
fn damage(arm: &Arm, code: DamageCode, successes: u32, request: &CalculateRangedAttackRequest) -> Damage {
    let ammunition = match request.ammunition.as_deref() {
        Some("explosive") => Ammunition::Explosive,
        Some("gel") => Ammunition::Gel,
        Some("flechette") => Ammunition::Flechette,
        None if arm.flechette => Ammunition::Flechette,
        _ => Ammunition::Regular,
    };
    let armor = Armor { ballistic: request.target_ballistic(), impact: request.target_impact() };
    let shot = damage::shot_damage(code, ammunition, armor);
    let knows_armor = request.target_ballistic.is_some() || request.target_impact.is_some();
    let unresisted = match damage::stage(shot.damage.level, successes, 0) {
        Staged::Wound(level) => level.letter().to_string(),
        Staged::Miss | Staged::None => String::new(),
    };
    Damage {
        code: shot.damage.to_string(),
        power: shot.damage.power,
        level: shot.damage.level.letter().to_string(),
        r#type: if shot.damage.stun { "stun" } else { "physical" }.to_owned(),
        weapon_code: arm.damage.to_string(),
        unresisted_level: unresisted,
        resist_target_number: knows_armor.then_some(shot.resist_tn),
    }
}
