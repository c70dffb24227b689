//! Rolls of the dice service on behalf of a call: each with its cause, and a key that follows from the call's own.

use proto::{
    character::v1::{Roll, SpellRoll},
    dice::v1::{
        RollDiceRequest, RollDiceResponse, RollInitiativeRequest, RollInitiativeResponse,
        dice_service_client::DiceServiceClient,
    },
};
use service_kit::{
    Peers, Transport,
    status::{self, ErrorCode},
};
use tonic::{Extensions, Request, Status, metadata::MetadataMap};

use crate::{sheet::to_i32, store::Call};

/// The dice of one call.
pub struct Dice {
    client: DiceServiceClient<Transport>,
    scope: MetadataMap,
    key: Option<String>,
    rolls: u32,
}

impl Dice {
    pub fn new(peers: &Peers, call: &Call) -> Dice {
        Dice { client: peers.dice(), scope: call.scope.clone(), key: call.key.clone(), rolls: 0 }
    }

    /// Rolls a success test. The pool must have a die.
    ///
    /// # Errors
    ///
    /// What the dice service says.
    pub async fn test(&mut self, pool: u32, target_number: u32, reason: &str) -> Result<RollDiceResponse, Status> {
        let request = self.keyed(RollDiceRequest {
            pool: Some(pool),
            target_number: Some(to_i32(target_number)),
            notation: None,
            reason: Some(reason.chars().take(MAX_REASON).collect()),
            ..RollDiceRequest::default()
        })?;
        Ok(self.client.roll_dice(request).await?.into_inner())
    }

    /// Rolls initiative: so many dice, added to Reaction.
    ///
    /// # Errors
    ///
    /// What the dice service says.
    pub async fn initiative(
        &mut self,
        dice: u32,
        reaction: u32,
        reason: &str,
    ) -> Result<RollInitiativeResponse, Status> {
        let request = self.keyed(RollInitiativeRequest {
            notation: format!("{dice}d6+{reaction}"),
            reason: Some(reason.chars().take(MAX_REASON).collect()),
        })?;
        Ok(self.client.roll_initiative(request).await?.into_inner())
    }

    /// Rolls so many dice to add up: their faces, and the roll's id.
    ///
    /// # Errors
    ///
    /// What the dice service says.
    pub async fn sum(&mut self, dice: u32, reason: &str) -> Result<(Vec<i32>, String), Status> {
        let request = self.keyed(RollDiceRequest {
            notation: Some(format!("{dice}d6")),
            reason: Some(reason.chars().take(MAX_REASON).collect()),
            ..RollDiceRequest::default()
        })?;
        let rolled = self.client.roll_dice(request).await?.into_inner();
        Ok((rolled.rolls, rolled.roll_id))
    }

    /// The request of the call's next roll.
    fn keyed<M>(&mut self, message: M) -> Result<Request<M>, Status> {
        self.rolls += 1;
        let mut request = Request::from_parts(self.scope.clone(), Extensions::default(), message);
        if let Some(key) = &self.key {
            let key = format!("{key}/{}", self.rolls);
            let key =
                key.parse().map_err(|_| status::error(ErrorCode::InvalidInput, "the idempotency key is no text"))?;
            request.metadata_mut().insert("idempotency-key", key);
        }
        Ok(request)
    }
}

/// Longest cause of a roll, in characters.
const MAX_REASON: usize = 500;

/// A roll as attacks and skill tests answer it.
pub fn plain(roll: &RollDiceResponse) -> Roll {
    Roll {
        rolls: roll.rolls.clone(),
        dice: roll.dice.clone(),
        successes: roll.successes(),
        all_ones: roll.all_ones(),
        roll_id: roll.roll_id.clone(),
        target_number: u32::try_from(roll.target_number).unwrap_or_default(),
    }
}

/// A roll as spells answer it.
pub fn of_spell(roll: &RollDiceResponse) -> SpellRoll {
    SpellRoll {
        rolls: roll.rolls.clone(),
        successes: roll.successes(),
        result: roll.result().to_owned(),
        dice: roll.dice.clone(),
        all_ones: roll.all_ones(),
        roll_id: roll.roll_id.clone(),
        target_number: u32::try_from(roll.target_number).unwrap_or_default(),
    }
}

/// `1 success`, `2 successes`.
pub fn count(successes: u32) -> String {
    if successes == 1 { "1 success".to_owned() } else { format!("{successes} successes") }
}
