//! The scene of a table: where it is, the target, the light.

use proto::{
    catalogue::Tool,
    orchestrator::v1::{Foe, UpdateSceneRequest},
};
use serde_json::{Map, Value, json};
use service_kit::{
    status::{self, ErrorCode},
    tools,
};
use tonic::Status;

use crate::{
    events,
    session::{Origin, Session},
};

/// Every key a scene may have.
const KEYS: [&str; 8] =
    ["location", "target", "target_distance", "light_level", "target_movement", "description", "foes", "combat_id"];
/// Foes that a scene holds. The limit is ours.
const MAX_FOES: usize = 50;

/// Calls a tool of this service at a table. The table is the caller's own, whatever the arguments say.
pub(crate) async fn call(
    session: &Session,
    origin: &Origin,
    tool: &Tool,
    arguments: Map<String, Value>,
) -> Result<Value, Status> {
    let mut arguments = arguments;
    arguments.remove("session_id");
    let forgotten: Vec<Value> =
        KEYS.iter().filter(|key| arguments.get(**key) == Some(&Value::Null)).map(|key| json!(key)).collect();
    let bytes = tool.encode_request(Value::Object(arguments)).map_err(|error| tools::refuse(&error))?;
    let scene = match tool.name.as_str() {
        "update_scene" => {
            let request: Result<UpdateSceneRequest, _> = prost::Message::decode(bytes.as_slice());
            let mut request = request.map_err(|error| status::internal(&error))?;
            request.forget.extend(forgotten.iter().filter_map(|key| key.as_str().map(str::to_owned)));
            update(session, origin, request).await?
        }
        _ => session.lock().await.state.row.scene.clone(),
    };
    Ok(json!({"scene": scene}))
}

/// Sets parts of the scene and answers the whole. A change is logged and told; no change is not. A call that has set it
/// before a restart is answered what it set.
///
/// # Errors
///
/// A key to forget is none of a scene's, or the database fails.
pub(crate) async fn update(
    session: &Session,
    origin: &Origin,
    request: UpdateSceneRequest,
) -> Result<Map<String, Value>, Status> {
    let UpdateSceneRequest {
        session_id: _,
        location,
        target,
        target_distance,
        light_level,
        target_movement,
        forget,
        description,
        foes,
        combat_id,
    } = request;
    if let Some(unknown) = forget.iter().find(|key| !KEYS.contains(&key.as_str())) {
        let text = format!("`forget` cannot contain {unknown:?}; a scene has {}", KEYS.join(", "));
        return Err(status::error(ErrorCode::InvalidInput, text));
    }
    let given = [
        ("location", location.map(Value::from)),
        ("target", target.map(Value::from)),
        ("target_distance", target_distance.map(Value::from)),
        ("light_level", light_level.map(Value::from)),
        ("target_movement", target_movement.map(Value::from)),
        ("description", description.map(Value::from)),
        ("combat_id", combat_id.map(Value::from)),
    ];

    let mut inner = session.lock().await;
    if let Some(scene) = inner.state.scene_set_by(&origin.turn_id, &origin.call_id) {
        return Ok(scene);
    }
    let mut scene = inner.state.row.scene.clone();
    scene.retain(|key, _| !forget.contains(key));
    for (key, value) in given {
        if let Some(value) = value {
            scene.insert(key.to_owned(), value);
        }
    }
    set_foes(&mut scene, foes)?;
    if scene != inner.state.row.scene {
        let event = events::scene(scene.clone(), Some(origin.call_id.as_str()).filter(|id| !id.is_empty()));
        let appended = session.append_locked(&mut inner, origin, vec![event], None).await;
        appended.map_err(|error| status::database(&error))?;
    }
    Ok(scene)
}

/// Adds foes to a scene, or changes those of the same name in any case.
fn set_foes(scene: &mut Map<String, Value>, foes: Vec<Foe>) -> Result<(), Status> {
    if foes.is_empty() {
        return Ok(());
    }
    let mut known = match scene.remove("foes") {
        Some(Value::Array(known)) => known,
        _ => Vec::new(),
    };
    for Foe { name, physical, stun, note } in foes {
        let is_he =
            |foe: &&mut Value| foe["name"].as_str().is_some_and(|known| known.to_lowercase() == name.to_lowercase());
        if known.iter_mut().find(is_he).is_none() {
            known.push(json!({"name": name, "physical": 0, "stun": 0}));
        }
        let Some(foe) = known.iter_mut().find(is_he) else { continue };
        let given =
            [("physical", physical.map(Value::from)), ("stun", stun.map(Value::from)), ("note", note.map(Value::from))];
        for (key, value) in given {
            if let Some(value) = value {
                foe[key] = value;
            }
        }
    }
    if MAX_FOES < known.len() {
        let text = format!("a scene has room for {MAX_FOES} foes; forget some first");
        return Err(status::error(ErrorCode::InvalidInput, text));
    }
    scene.insert("foes".to_owned(), Value::Array(known));
    Ok(())
}
