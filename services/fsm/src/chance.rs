//! Rolls, made by the dice service and told in the machine's words.

use proto::dice::v1::{
    RollActionDiceRequest, RollCombatDiceRequest, RollDiceRequest, RollHuntRequest,
    dice_service_client::DiceServiceClient,
};
use serde_json::{Value, json};
use service_kit::Transport;
use tonic::{Request, Status, metadata::MetadataValue};

use crate::machine::{Roll, Rolled};

/// Has a roll made. `key` makes that roll answer again, should the same event come again.
///
/// # Errors
///
/// What the dice service answers; no roll counts then.
pub async fn roll(
    mut dice: DiceServiceClient<Transport>,
    roll: Roll,
    game_id: &str,
    key: Option<String>,
) -> Result<Rolled, Status> {
    let reason = |what: &str| Some(format!("{what} in game {game_id}"));
    let (id, result) = match roll.clone() {
        Roll::ActionDice { side, count } => {
            let request = RollActionDiceRequest { side, count, reason: reason("Action roll") };
            let answer = dice.roll_action_dice(at_table(request, game_id, key)).await?.into_inner();
            (answer.roll_id, Value::from(answer.faces))
        }
        Roll::Hunt { level, free_peoples_dice, rerolls } => {
            let reason = reason("Hunt roll");
            let request = RollHuntRequest {
                hunt_level: level,
                free_peoples_dice: Some(free_peoples_dice),
                rerolls: Some(rerolls),
                reason,
            };
            let answer = dice.roll_hunt(at_table(request, game_id, key)).await?.into_inner();
            (answer.roll_id, json!({"rolls": answer.rolls, "rerolled": answer.rerolled, "successes": answer.successes}))
        }
        Roll::Combat { count, target, rerolls } => {
            let request =
                RollCombatDiceRequest { count, target, rerolls: Some(rerolls), reason: reason("Combat roll") };
            let answer = dice.roll_combat_dice(at_table(request, game_id, key)).await?.into_inner();
            (answer.roll_id, json!({"rolls": answer.rolls, "rerolled": answer.rerolled, "successes": answer.hits}))
        }
        Roll::Pick { count: 1 } => (String::new(), Value::from(1)),
        Roll::Pick { count } => {
            let notation = Some(format!("1d{count}"));
            let request = RollDiceRequest { notation, reason: reason("Draw"), ..RollDiceRequest::default() };
            let answer = dice.roll_dice(at_table(request, game_id, key)).await?.into_inner();
            (answer.roll_id, Value::from(answer.total.unwrap_or(1)))
        }
    };
    Ok(Rolled { id, roll, result })
}

/// A request whose roll stands in the game's chain.
fn at_table<T>(message: T, game_id: &str, key: Option<String>) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = [("session-id", Some(game_id.to_owned())), ("idempotency-key", key)];
    for (name, text) in metadata {
        if let Some(value) = text.and_then(|text| MetadataValue::try_from(text).ok()) {
            request.metadata_mut().insert(name, value);
        }
    }
    request
}
