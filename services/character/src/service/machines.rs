//! Riggers at the wheel and deckers in the Matrix.

use proto::character::v1::{DriveVehicleRequest, DriveVehicleResponse, RunProgramRequest, RunProgramResponse};
use rules::shadowrun2::{
    DicePart, Modifier, TargetNumber, catalogue,
    condition::TRACK_BOXES,
    pools,
    vehicles::{self, Terrain},
};
use serde_json::{Map, Value};
use tonic::Status;

use super::{Characters, RULES, attack, convert, edit::Edit, entries, refuse, roll, skill, unknown, vehicle_damage};
use crate::{
    names,
    sheet::{Cyberdeck, Pool, Sheet, to_i32},
};

/// Which skill drives which kind of vehicle: a word of the kind, and the skill.
const SKILLS: &[(&str, &str)] = &[
    ("bike", "Bike"),
    ("hover", "Hovercraft"),
    ("sail", "Sailboat"),
    ("boat", "Motorboat"),
    ("rotor", "Rotor"),
    ("heli", "Rotor"),
    ("vector", "Vectored Thrust"),
    ("wing", "Winged"),
    ("plane", "Winged"),
];
/// The skill for everything else that rolls.
const CAR: &str = "Car";

/// A vehicle that is driven.
struct Driven {
    name: String,
    kind: String,
    handling: u32,
    on_sheet: bool,
}

/// Makes a driver's test.
pub async fn drive(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: DriveVehicleRequest,
) -> Result<DriveVehicleResponse, Status> {
    let sheet = &edit.sheet;
    let name = sheet.street_name.clone();
    let mut notes = Vec::new();
    let vehicle = find_vehicle(sheet, &request.vehicle_name, request.off_road.unwrap_or_default(), &mut notes)?;
    let fitting = || {
        let kind = vehicle.kind.to_lowercase();
        SKILLS.iter().find(|(word, _)| kind.contains(word)).map_or(CAR, |(_, skill)| *skill).to_owned()
    };
    let skill = skill::dice_for(sheet, &request.skill_name.clone().unwrap_or_else(fitting))?;
    let rating = if skill.is_attribute { 0 } else { skill.dice };
    let control = pools::control_pool_for_test(sheet.pool_left(Pool::Control), rating)
        .check(request.control_pool.unwrap_or_default())
        .map_err(|error| refuse(error.to_string()))?;
    let pool = skill.dice + control;
    if pool == 0 {
        return Err(refuse(format!("{name} has no dice for {}", skill.rolled)));
    }
    let terrain = match request.terrain.as_deref() {
        Some("open") => Terrain::Open,
        Some("restricted") => Terrain::Restricted,
        Some("tight") => Terrain::Tight,
        _ => Terrain::Normal,
    };
    let rule = vehicles::position_test(vehicle.handling, terrain);
    let mut modifiers = rule.modifiers;
    modifiers.extend(skill.default_modifier());
    modifiers.extend(common(sheet, &skill.rolled, request.modifier, request.modifier_reason.clone())?);
    let target = TargetNumber::new(rule.base, rule.base_explanation, modifiers);

    let cause = request.reason.clone().unwrap_or_else(|| format!("{name} drives the {}", vehicle.name));
    let rolled = dice.test(pool, target.target_number, &cause).await?;
    let successes = rolled.successes();
    let mut parts = skill.parts;
    if control > 0 {
        parts.push(DicePart { source: "Control Pool".to_owned(), dice: to_i32(control) });
    }
    let crash_at = request.crash_speed.filter(|_| successes == 0);
    let crash = crash_at.and_then(|speed| vehicles::crash_damage(speed, request.cruise_speed));
    if crash.is_some() && request.cruise_speed.is_none() {
        notes.push(
            "the Power is a tenth of the speed: give cruise_speed, whose tenth it is by the rule book".to_owned(),
        );
    }
    let outcome = match (&crash, successes) {
        (Some(damage), _) => format!("it crashes; each occupant resists {damage} against impact armor"),
        (None, 0) => "out of control for the moment".to_owned(),
        (None, _) if request.crash_speed.is_some() => "no crash".to_owned(),
        (None, _) => "under control".to_owned(),
    };
    let summary = format!(
        "{name} drives the {}: {pool} dice of {} against {}, {}: {outcome}",
        vehicle.name,
        skill.rolled,
        target.target_number,
        roll::count(successes)
    );
    spend(edit, Pool::Control, control, &summary);
    Ok(DriveVehicleResponse {
        character: name,
        vehicle: vehicle.name,
        on_sheet: vehicle.on_sheet,
        handling: vehicle.handling,
        modifiers: convert::modifiers(&target.modifiers),
        target_number: target.target_number,
        control_pool: control,
        dice_pool: pool,
        dice_parts: convert::parts(&parts),
        roll: Some(roll::plain(&rolled)),
        successes,
        success: successes > 0,
        crashed: crash.is_some(),
        crash_damage: crash.map(|damage| damage.to_string()).unwrap_or_default(),
        breakdown: format!("{}; {}", attack::rolled_dice(&parts, pool), target.breakdown()),
        summary,
        rules: RULES.to_owned(),
        notes,
        revision: edit.revision,
        reason: request.reason,
    })
}

/// What makes every test harder or easier: wounds, sustained spells, the sheet, the game master.
fn common(sheet: &Sheet, rolled: &str, given: Option<i32>, why: Option<String>) -> Result<Vec<Modifier>, Status> {
    Ok([
        sheet.wounds().modifiers().map_err(|error| refuse(error.to_string()))?,
        skill::sustained_modifier(sheet).into_iter().collect(),
        skill::sheet_modifiers(sheet, rolled),
        skill::given_modifier(given, why).into_iter().collect(),
    ]
    .concat())
}

/// Marks pool dice as spent in a fight; elsewhere nothing changes.
fn spend(edit: &mut Edit, pool: Pool, dice: u32, summary: &str) {
    if dice > 0 && edit.sheet.combat_id.is_some() {
        edit.sheet.spend_pool(pool, dice);
    } else {
        edit.changes_nothing();
    }
    edit.says(summary);
}

/// The vehicle of this name: on the sheet, or in the catalogue.
fn find_vehicle(sheet: &Sheet, name: &str, off_road: bool, notes: &mut Vec<String>) -> Result<Driven, Status> {
    let of = |vehicle: &Map<String, Value>| entries::text(vehicle, "vehicle_name").to_owned();
    let own = sheet.vehicles.iter().find(|vehicle| names::is_same(&of(vehicle), name));
    let (shown, kind, handling, on_sheet) = match own {
        Some(vehicle) if vehicle_damage::boxes(vehicle) == TRACK_BOXES => {
            return Err(refuse(format!("the {} is wrecked: damage_vehicle repairs it", of(vehicle))));
        }
        Some(vehicle) => {
            let mut handling = match vehicle.get("handling") {
                Some(Value::Number(number)) => number.to_string(),
                _ => entries::text(vehicle, "handling").to_owned(),
            };
            if handling.is_empty()
                && let Ok(listed) = catalogue::find_vehicle(&of(vehicle))
            {
                handling = listed.handling.to_owned();
                notes.push(format!("the sheet gives no Handling; the catalogue's of the {} was used", listed.name));
            }
            (of(vehicle), entries::text(vehicle, "vehicle_type").to_owned(), handling, true)
        }
        None => {
            let Ok(listed) = catalogue::find_vehicle(name) else {
                let own = sheet.vehicles.iter().map(of);
                let listed = catalogue::VEHICLES.iter().map(|vehicle| vehicle.name.to_owned());
                let all: Vec<String> = own.chain(listed).collect();
                let what = format!("the vehicles of {} and of the catalogue", sheet.street_name);
                return Err(unknown("vehicle", name, &all, &what));
            };
            notes.push(format!("the {} is not on the sheet; the catalogue's figures were used", listed.name));
            if listed.unverified {
                notes.push("source: unverified".to_owned());
            }
            (listed.name.to_owned(), listed.kind.to_owned(), listed.handling.to_owned(), false)
        }
    };
    let (road, ground) = handling.split_once('/').unwrap_or((&handling, &handling));
    let figure = if off_road { ground } else { road };
    let handling = figure.trim().parse().map_err(|_| {
        refuse(format!(
            "no Handling of the {shown} is known: set it with update_vehicle, such as {{\"handling\": \"3/8\"}}"
        ))
    })?;
    Ok(Driven { name: shown, kind, handling, on_sheet })
}

/// Runs a program.
pub async fn run(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: RunProgramRequest,
) -> Result<RunProgramResponse, Status> {
    let sheet = &edit.sheet;
    let name = sheet.street_name.clone();
    let (deck, program, rating) = find_program(sheet, &request)?;
    let hacking = pools::hacking_pool_for_test(sheet.pool_left(Pool::Hacking), rating)
        .check(request.hacking_pool.unwrap_or_default())
        .map_err(|error| refuse(error.to_string()))?;
    let pool = rating + hacking;
    if pool == 0 {
        return Err(refuse(format!("{program} has a rating of 0: there are no dice")));
    }
    let modifiers = common(sheet, "Computer", request.modifier, request.modifier_reason.clone())?;
    let target = TargetNumber::new(to_i32(request.target_number), "of the system", modifiers);
    let mut parts = vec![DicePart { source: program.clone(), dice: to_i32(rating) }];
    if hacking > 0 {
        parts.push(DicePart { source: "Hacking Pool".to_owned(), dice: to_i32(hacking) });
    }

    let cause = request.reason.clone().unwrap_or_else(|| format!("{name} runs {program}"));
    let rolled = dice.test(pool, target.target_number, &cause).await?;
    let successes = rolled.successes();
    let summary = format!(
        "{name} runs {program} on the {deck}: {pool} dice against {}, {}",
        target.target_number,
        roll::count(successes)
    );
    spend(edit, Pool::Hacking, hacking, &summary);
    Ok(RunProgramResponse {
        character: name,
        deck,
        program,
        rating,
        modifiers: convert::modifiers(&target.modifiers),
        target_number: target.target_number,
        hacking_pool: hacking,
        dice_pool: pool,
        dice_parts: convert::parts(&parts),
        roll: Some(roll::plain(&rolled)),
        successes,
        success: successes > 0,
        breakdown: format!("{}; {}", attack::rolled_dice(&parts, pool), target.breakdown()),
        summary,
        rules: RULES.to_owned(),
        notes: vec!["that a program rolls its rating is our reading (source: unverified)".to_owned()],
        revision: edit.revision,
        reason: request.reason,
    })
}

/// The deck, the program as it spells it, and its rating. The MPCP is a program, too.
fn find_program(sheet: &Sheet, request: &RunProgramRequest) -> Result<(String, String, u32), Status> {
    let whose = &sheet.street_name;
    if sheet.cyberdecks.is_empty() {
        return Err(refuse(format!("{whose} has no cyberdeck")));
    }
    let decks: Vec<&Cyberdeck> = match &request.deck_name {
        Some(name) => {
            let index = entries::find(&sheet.cyberdecks, "cyberdeck", name, whose, |deck| &deck.deck_name)?;
            vec![&sheet.cyberdecks[index]]
        }
        None => sheet.cyberdecks.iter().collect(),
    };
    let mut all = Vec::new();
    for deck in decks {
        let mpcp = deck.mpcp.map(|rating| ("MPCP".to_owned(), rating));
        let programs = deck.persona_programs.iter().chain(&deck.utilities);
        let rated = programs.filter_map(|(name, rating)| {
            let rating = u32::try_from(rating.as_u64()?).ok()?;
            Some((name.clone(), rating))
        });
        for (name, rating) in mpcp.into_iter().chain(rated) {
            if names::is_same(&name, &request.program) {
                return Ok((deck.deck_name.clone(), name, rating));
            }
            all.push(name);
        }
    }
    Err(unknown("program", &request.program, &all, &format!("the programs of {whose}")))
}
