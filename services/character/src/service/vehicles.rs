//! Vehicles, drones and cyberdecks.

use proto::character::v1::{
    AddCyberdeckRequest, AddVehicleRequest, ChangeResponse, GetCyberdecksRequest, GetCyberdecksResponse,
    GetVehiclesRequest, GetVehiclesResponse, RemoveVehicleRequest, UpdateVehicleRequest,
};
use rules::shadowrun2::catalogue;
use serde_json::{Map, Value, json};
use tonic::Status;

use super::{edit::Edit, entries, refuse};
use crate::{
    shapes,
    sheet::{Cyberdeck, Sheet},
    store::Record,
};

/// Every vehicle.
pub fn get(record: &Record, _request: GetVehiclesRequest) -> Result<GetVehiclesResponse, Status> {
    let vehicles = entries::structs(shapes::vehicles(&record.sheet));
    Ok(GetVehiclesResponse { character: record.sheet.street_name.clone(), vehicles })
}

/// Gives a vehicle.
pub fn add(edit: &mut Edit, request: AddVehicleRequest) -> Result<ChangeResponse, Status> {
    let AddVehicleRequest {
        vehicle_name,
        vehicle_type,
        handling,
        speed,
        body,
        armor,
        signature,
        pilot,
        modifications,
        notes,
        price,
        ..
    } = request;
    let taken = edit.sheet.vehicles.iter().map(|vehicle| entries::text(vehicle, "vehicle_name"));
    entries::check_new("vehicle", &vehicle_name, &edit.sheet.street_name, taken)?;
    if let Some(price) = price {
        edit.pay_nuyen(price, &vehicle_name)?;
    }
    let listed = catalogue::find_vehicle(&vehicle_name).ok();
    if let Some(listed) = listed {
        let source = if listed.unverified { format!(" (source: {})", catalogue::UNVERIFIED) } else { String::new() };
        edit.notes.push(format!("what was left out is as the catalogue has the {}{source}", listed.name));
    }
    let handling = handling.or(listed.map(|listed| listed.handling.to_owned()).filter(|handling| !handling.is_empty()));
    let [speed, body, armor] = [
        (speed, listed.and_then(|listed| listed.speed)),
        (body, listed.and_then(|listed| listed.body)),
        (armor, listed.and_then(|listed| listed.armor)),
    ]
    .map(|(given, listed)| given.or(listed));
    let vehicle = json!({
        "vehicle_name": vehicle_name, "vehicle_type": vehicle_type, "handling": handling, "speed": speed, "body": body,
        "armor": armor, "signature": signature, "pilot": pilot, "modifications": entries::object(modifications)?,
        "notes": notes,
    });
    edit.sheet.vehicles.push(entries::map(vehicle.clone()));
    let message = format!("{} has the {vehicle_name}", edit.sheet.street_name);
    Ok(edit.done(message, Some(vehicle)))
}

fn find(sheet: &Sheet, name: &str) -> Result<usize, Status> {
    let of = |vehicle: &Map<String, Value>| entries::text(vehicle, "vehicle_name").to_owned();
    let all: Vec<String> = sheet.vehicles.iter().map(of).collect();
    entries::find(&all, "vehicle", name, &sheet.street_name, |name| name)
}

/// Changes a vehicle.
pub fn update(edit: &mut Edit, request: UpdateVehicleRequest) -> Result<ChangeResponse, Status> {
    let UpdateVehicleRequest { character_name: _, vehicle_name, updates, reason: _ } = request;
    let index = find(&edit.sheet, &vehicle_name)?;
    let texts = ["vehicle_name", "vehicle_type", "handling", "notes"];
    let figures = ["speed", "body", "armor", "signature", "pilot"];
    let mut updates = entries::updates(updates, &[&texts[..], &figures, &["modifications", "damage"]].concat())?;
    for (key, value) in &mut updates {
        if let Some(figure) = entries::whole(value).filter(|_| figures.contains(&key.as_str())) {
            *value = figure.into();
        } else if let (true, Value::Number(number)) = (texts.contains(&key.as_str()), &*value) {
            *value = number.to_string().into();
        }
        let fits = match key.as_str() {
            "vehicle_name" | "vehicle_type" => value.as_str().is_some_and(|text| !text.trim().is_empty()),
            key if texts.contains(&key) => value.is_string() || value.is_null(),
            key if figures.contains(&key) => value.is_null() || value.as_u64().is_some_and(|figure| figure <= 10_000),
            "modifications" => value.is_object(),
            _ => true,
        };
        if !fits {
            return Err(refuse(format!("`{key}` of a vehicle cannot be {value}")));
        }
    }
    if let Some(new) = updates.get("vehicle_name").and_then(Value::as_str) {
        let others = edit.sheet.vehicles.iter().enumerate().filter(|(at, _)| *at != index);
        let taken = others.map(|(_, vehicle)| entries::text(vehicle, "vehicle_name"));
        entries::check_new("vehicle", new, &edit.sheet.street_name, taken)?;
    }
    let vehicle = &mut edit.sheet.vehicles[index];
    vehicle.extend(updates);
    let entry = Value::Object(vehicle.clone());
    let message = format!(
        "{}: {} is changed",
        edit.sheet.street_name,
        entries::text(&edit.sheet.vehicles[index], "vehicle_name")
    );
    Ok(edit.done(message, Some(entry)))
}

/// Takes a vehicle off the sheet.
pub fn remove(edit: &mut Edit, request: RemoveVehicleRequest) -> Result<ChangeResponse, Status> {
    let index = find(&edit.sheet, &request.vehicle_name)?;
    let vehicle = edit.sheet.vehicles.remove(index);
    let message = format!("{} has no {} any more", edit.sheet.street_name, entries::text(&vehicle, "vehicle_name"));
    Ok(edit.done(message, Some(Value::Object(vehicle))))
}

/// Every cyberdeck.
pub fn decks(record: &Record, _request: GetCyberdecksRequest) -> Result<GetCyberdecksResponse, Status> {
    let sheet = &record.sheet;
    Ok(GetCyberdecksResponse {
        character: sheet.street_name.clone(),
        cyberdecks: entries::structs(sheet.cyberdecks.iter().map(|deck| json!(deck))),
        hacking_pool: sheet.hacking_pool(),
    })
}

/// Gives a cyberdeck.
pub fn add_deck(edit: &mut Edit, request: AddCyberdeckRequest) -> Result<ChangeResponse, Status> {
    let taken = edit.sheet.cyberdecks.iter().map(|deck| deck.deck_name.as_str());
    entries::check_new("cyberdeck", &request.deck_name, &edit.sheet.street_name, taken)?;
    let persona_programs = programs(&request.persona_programs)?;
    let above = persona_programs.iter().find(|(_, rating)| rating.as_u64() > request.mpcp.map(u64::from));
    if let (Some((name, rating)), Some(mpcp)) = (above, request.mpcp) {
        return Err(refuse(format!("{name} {rating} is above the MPCP of {mpcp}")));
    }
    if let Some(price) = request.price {
        edit.pay_nuyen(price, &request.deck_name)?;
    }
    let deck = Cyberdeck {
        deck_name: request.deck_name,
        mpcp: request.mpcp,
        hardening: request.hardening,
        memory: request.memory,
        storage: request.storage,
        io_speed: request.io_speed,
        response_increase: request.response_increase,
        persona_programs,
        utilities: programs(&request.utilities)?,
        ai_companions: request.ai_companions.into_iter().map(Value::String).collect(),
        notes: request.notes,
    };
    let message = format!("{} has the cyberdeck {}", edit.sheet.street_name, deck.deck_name);
    let entry = json!(deck);
    edit.sheet.cyberdecks.push(deck);
    Ok(edit.done(message, Some(entry)))
}

/// Programs by name, each written with its rating behind it.
fn programs(list: &[String]) -> Result<Map<String, Value>, Status> {
    let mut programs = Map::new();
    for text in list {
        let (name, rating) = match text.trim().rsplit_once([' ', ':']) {
            Some((name, rating)) if rating.parse::<u32>().is_ok() => (name.trim(), rating.parse::<u32>().ok()),
            _ => (text.trim(), None),
        };
        if name.is_empty() {
            return Err(refuse("a program is a name and a rating, such as Bod 6"));
        }
        if programs.insert(name.to_owned(), json!(rating)).is_some() {
            return Err(refuse(format!("the program {name} is given twice")));
        }
    }
    Ok(programs)
}
