//! Contacts, edges and flaws, relationships.

use proto::character::v1::{
    AddContactRequest, AddEdgeFlawRequest, AddRelationshipRequest, ChangeResponse, GetContactsRequest,
    GetContactsResponse, GetEdgesFlawsRequest, GetEdgesFlawsResponse, GetRelationshipsRequest,
    GetRelationshipsResponse, UpdateContactLoyaltyRequest,
};
use serde_json::{Value, json};
use tonic::Status;

use super::{edit::Edit, entries};
use crate::{names, shapes, sheet::EdgeFlaw, store::Record};

/// Every contact.
pub fn contacts(record: &Record, _request: GetContactsRequest) -> Result<GetContactsResponse, Status> {
    let sheet = &record.sheet;
    let contacts = entries::structs(sheet.contacts.iter().cloned().map(Value::Object));
    Ok(GetContactsResponse { character: sheet.street_name.clone(), contacts })
}

/// Gives a contact.
pub fn add_contact(edit: &mut Edit, request: AddContactRequest) -> Result<ChangeResponse, Status> {
    let AddContactRequest { name, archetype, loyalty, connection, notes, .. } = request;
    let sheet = &mut edit.sheet;
    let taken = sheet.contacts.iter().map(|contact| entries::text(contact, "name"));
    entries::check_new("contact", &name, &sheet.street_name, taken)?;
    let contact = json!({
        "name": name, "archetype": archetype, "loyalty": loyalty.unwrap_or(1),
        "connection": connection.unwrap_or(1), "notes": notes,
    });
    sheet.contacts.push(entries::map(contact.clone()));
    let message = format!("{} knows {name}", sheet.street_name);
    Ok(edit.done(message, Some(contact)))
}

/// Changes a contact's loyalty.
pub fn update_loyalty(edit: &mut Edit, request: UpdateContactLoyaltyRequest) -> Result<ChangeResponse, Status> {
    let UpdateContactLoyaltyRequest { character_name: _, contact_name, loyalty, reason: _ } = request;
    let sheet = &mut edit.sheet;
    let of = |contact: &serde_json::Map<String, Value>| entries::text(contact, "name").to_owned();
    let all: Vec<String> = sheet.contacts.iter().map(of).collect();
    let index = entries::find(&all, "contact", &contact_name, &sheet.street_name, |name| name)?;
    sheet.contacts[index].insert("loyalty".into(), loyalty.into());
    let entry = Value::Object(sheet.contacts[index].clone());
    let message = format!("{}: loyalty of {} is {loyalty}", sheet.street_name, all[index]);
    Ok(edit.done(message, Some(entry)))
}

/// Every edge and flaw.
pub fn edges_flaws(record: &Record, _request: GetEdgesFlawsRequest) -> Result<GetEdgesFlawsResponse, Status> {
    let sheet = &record.sheet;
    Ok(GetEdgesFlawsResponse {
        character: sheet.street_name.clone(),
        edges: entries::structs(shapes::edges_or_flaws(sheet, "edge")),
        flaws: entries::structs(shapes::edges_or_flaws(sheet, "flaw")),
        total_count: u32::try_from(sheet.edges_flaws.len()).unwrap_or(u32::MAX),
    })
}

/// Gives an edge or a flaw.
pub fn add_edge_flaw(edit: &mut Edit, request: AddEdgeFlawRequest) -> Result<ChangeResponse, Status> {
    let AddEdgeFlawRequest { name, r#type, description, cost, .. } = request;
    let sheet = &mut edit.sheet;
    let taken = sheet.edges_flaws.iter().map(|entry| entry.name.as_str());
    entries::check_new(&r#type, &name, &sheet.street_name, taken)?;
    let message = format!("{} has the {} {name}", sheet.street_name, r#type);
    let added =
        EdgeFlaw { name, kind: r#type, description: description.unwrap_or_default(), cost: cost.unwrap_or_default() };
    let entry = json!(added);
    sheet.edges_flaws.push(added);
    Ok(edit.done(message, Some(entry)))
}

/// Every relationship.
pub fn relationships(record: &Record, _request: GetRelationshipsRequest) -> Result<GetRelationshipsResponse, Status> {
    let sheet = &record.sheet;
    let relationships = entries::structs(sheet.relationships.iter().cloned().map(Value::Object));
    Ok(GetRelationshipsResponse { character: sheet.street_name.clone(), relationships })
}

/// Notes a relationship.
pub fn add_relationship(edit: &mut Edit, request: AddRelationshipRequest) -> Result<ChangeResponse, Status> {
    let AddRelationshipRequest { relationship_type, relationship_name, data, notes, .. } = request;
    let sheet = &mut edit.sheet;
    entries::check_text("relationship type", &relationship_type)?;
    let of_type = sheet
        .relationships
        .iter()
        .filter(|entry| names::is_same(entries::text(entry, "relationship_type"), &relationship_type))
        .map(|entry| entries::text(entry, "relationship_name"));
    entries::check_new(&relationship_type, &relationship_name, &sheet.street_name, of_type)?;
    let entry = json!({
        "relationship_type": relationship_type, "relationship_name": relationship_name,
        "data": entries::object(data)?, "notes": notes,
    });
    sheet.relationships.push(entries::map(entry.clone()));
    let message = format!("{}: {relationship_type} {relationship_name}", sheet.street_name);
    Ok(edit.done(message, Some(entry)))
}
