//! Damage to vehicles: resisted with Body and armor, marked on a condition monitor of ten boxes, and repaired.

use proto::character::v1::{DamageVehicleRequest, DamageVehicleResponse};
use rules::shadowrun2::{
    DicePart, catalogue,
    condition::{Level, TRACK_BOXES},
    damage::{self, DamageCode, Staged},
    vehicles,
};
use serde_json::{Map, Value};
use tonic::Status;

use super::{Characters, RULES, attack, convert, edit::Edit, entries, refuse, roll, unknown};
use crate::{
    names,
    sheet::{Sheet, to_i32},
};

/// The key of a vehicle's boxes on the sheet.
const BOXES: &str = "damage";

/// Boxes of a vehicle of the sheet that are filled.
pub fn boxes(vehicle: &Map<String, Value>) -> u32 {
    let boxes = vehicle.get(BOXES).and_then(Value::as_u64).and_then(|boxes| u32::try_from(boxes).ok());
    boxes.unwrap_or_default().min(TRACK_BOXES)
}

/// Resists an attack with the vehicle, marks boxes outright, or repairs them.
pub async fn strike(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: DamageVehicleRequest,
) -> Result<DamageVehicleResponse, Status> {
    let own = edit
        .sheet
        .vehicles
        .iter()
        .position(|vehicle| names::is_same(entries::text(vehicle, "vehicle_name"), &request.vehicle_name));
    let mut answer = DamageVehicleResponse {
        character: edit.sheet.street_name.clone(),
        on_sheet: own.is_some(),
        rules: RULES.to_owned(),
        reason: request.reason.clone(),
        ..DamageVehicleResponse::default()
    };
    let before = own.map_or(0, |index| boxes(&edit.sheet.vehicles[index]));
    answer.vehicle = match own {
        Some(index) => entries::text(&edit.sheet.vehicles[index], "vehicle_name").to_owned(),
        None => listed(&edit.sheet, &request.vehicle_name)?.name.to_owned(),
    };
    let after = match (request.damage_code.as_deref(), request.boxes, request.repair) {
        (Some(code), None, None) => {
            let code: DamageCode = code.parse().map_err(|error: damage::DamageCodeError| refuse(error.to_string()))?;
            resist(edit, dice, &request, code, own, &mut answer).await?;
            (before + answer.boxes).min(TRACK_BOXES)
        }
        (None, Some(boxes), None) => {
            answer.boxes = boxes;
            answer.summary = format!("the {} takes {boxes} boxes", answer.vehicle);
            (before + boxes).min(TRACK_BOXES)
        }
        (None, None, Some(repaired)) => {
            answer.summary = format!("{} boxes of the {} are repaired", repaired.min(before), answer.vehicle);
            before.saturating_sub(repaired)
        }
        _ => return Err(refuse("give `damage_code`, or else `boxes` or `repair`")),
    };
    answer.damage = after;
    answer.condition = vehicles::condition(after).to_owned();
    answer.crash_test = before < after && Level::Serious.boxes() <= after;
    answer.summary += &format!("; it is {}, {after} of {TRACK_BOXES} boxes", answer.condition);
    if answer.crash_test {
        answer
            .notes
            .push("Serious damage: whoever drives makes a crash test (drive_vehicle with crash_speed)".to_owned());
    }
    match own {
        Some(index) if after != before => {
            edit.sheet.vehicles[index].insert(BOXES.to_owned(), after.into());
        }
        Some(_) => edit.changes_nothing(),
        None => {
            answer.notes.push(format!("the {} is not on the sheet: nothing is marked", answer.vehicle));
            edit.changes_nothing();
        }
    }
    edit.says(answer.summary.clone());
    answer.revision = edit.revision;
    Ok(answer)
}

/// The resistance test of the vehicle.
async fn resist(
    edit: &Edit,
    dice: &mut roll::Dice,
    request: &DamageVehicleRequest,
    code: DamageCode,
    own: Option<usize>,
    answer: &mut DamageVehicleResponse,
) -> Result<(), Status> {
    let attacker = request.attacker_successes.unwrap_or(1);
    if attacker == 0 {
        return Err(refuse("0 successes of the attacker are a miss: there is nothing to resist"));
    }
    let vehicle = own.map(|index| &edit.sheet.vehicles[index]);
    let catalogued = catalogue::find_vehicle(&answer.vehicle).ok();
    let figure = |key: &str, listed: Option<u32>| {
        let on_sheet = vehicle.and_then(|vehicle| vehicle.get(key)).and_then(Value::as_u64);
        on_sheet.and_then(|figure| u32::try_from(figure).ok()).or(listed)
    };
    let body = figure("body", catalogued.and_then(|listed| listed.body)).filter(|body| (1..=100).contains(body));
    let body = body.ok_or_else(|| {
        let name = &answer.vehicle;
        refuse(format!("no Body of the {name} is known: set it with update_vehicle, such as {{\"body\": 3}}"))
    })?;
    let armor = figure("armor", catalogued.and_then(|listed| listed.armor)).unwrap_or_default();
    let target = vehicles::resistance(code, armor);
    let cause = request.reason.clone().unwrap_or_else(|| format!("the {} resists {code}", answer.vehicle));
    let rolled = dice.test(body, target.target_number, &cause).await?;
    let successes = rolled.successes();
    let wound = match damage::stage(code.level, attacker, successes) {
        Staged::Wound(level) => Some(level),
        Staged::Miss | Staged::None => None,
    };
    let parts = vec![DicePart { source: "the vehicle's Body".to_owned(), dice: to_i32(body) }];
    answer.damage_code = code.to_string();
    answer.body = body;
    answer.armor = armor;
    answer.modifiers = convert::modifiers(&target.modifiers);
    answer.target_number = target.target_number;
    answer.dice_pool = body;
    answer.roll = Some(roll::plain(&rolled));
    answer.successes = successes;
    answer.wound_level = wound.map(|level| level.letter().to_string()).unwrap_or_default();
    answer.boxes = wound.map_or(0, Level::boxes);
    answer.breakdown = format!("{}; {}", attack::rolled_dice(&parts, body), target.breakdown());
    answer.summary = format!(
        "the {} resists {code}: {body} dice against {}, {}: {}",
        answer.vehicle,
        target.target_number,
        roll::count(successes),
        wound.map_or_else(|| "no damage".to_owned(), |level| format!("{level} damage"))
    );
    answer.notes.push(
        "that a vehicle resists with Body against Power less armor is our reading (source: unverified)".to_owned(),
    );
    Ok(())
}

/// A vehicle of the catalogue that the character does not own.
fn listed(sheet: &Sheet, name: &str) -> Result<&'static catalogue::Vehicle, Status> {
    catalogue::find_vehicle(name).map_err(|_| {
        let own = sheet.vehicles.iter().map(|vehicle| entries::text(vehicle, "vehicle_name").to_owned());
        let all: Vec<String> = own.chain(catalogue::VEHICLES.iter().map(|vehicle| vehicle.name.to_owned())).collect();
        unknown("vehicle", name, &all, &format!("the vehicles of {} and of the catalogue", sheet.street_name))
    })
}
