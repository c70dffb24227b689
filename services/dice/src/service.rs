//! gRPC on the outside, the rules inside: each method asks the rules, keeps the roll, and answers it.

use proto::{
    dice::v1::{
        RollActionDiceRequest, RollActionDiceResponse, RollCombatDiceRequest, RollCombatDiceResponse, RollDiceRequest,
        RollDiceResponse, RollHuntRequest, RollHuntResponse, RollInitiativeRequest, RollInitiativeResponse,
        dice_service_server::DiceService,
    },
    structs,
};
use rules::{
    dice::Notation,
    shadowrun2::{self, initiative},
};
use service_kit::status::{self, ErrorCode};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    chance::Chance,
    log::{Cause, RollLog},
};

/// The service.
pub struct Dice {
    chance: Chance,
    log: RollLog,
}

impl Dice {
    pub fn new(chance: Chance, log: RollLog) -> Dice {
        Dice { chance, log }
    }
}

/// What a `RollDice` request asks for; exactly one form.
enum Form {
    SuccessTest { pool: u32, target_number: u32 },
    Notation(Notation),
}

#[tonic::async_trait]
impl DiceService for Dice {
    async fn roll_dice(&self, request: Request<RollDiceRequest>) -> Result<Response<RollDiceResponse>, Status> {
        let reason = request.get_ref().reason.clone();
        let cause = Cause::of("RollDice", "RollDiceRequest", &request, reason.as_ref())?;
        if let Some(answer) = self.log.answered(&cause, "RollDiceResponse").await? {
            return Ok(Response::new(answer));
        }
        let form = form(request.into_inner())?;
        let roll_id = Uuid::now_v7();
        let (answer, faces) = self.chance.draw(|face| match &form {
            Form::SuccessTest { pool, target_number } => {
                let test = shadowrun2::success_test(*pool, *target_number, || face(6)).map_err(|error| refuse(&error))?;
                Ok(RollDiceResponse {
                    pool: *pool,
                    target_number: to_i32(test.target_number),
                    rolls: to_i32s(&test.rolls()),
                    dice: to_lists(&test.faces()),
                    successes: Some(test.successes),
                    result: Some(if test.successes == 0 { "failure" } else { "success" }.to_owned()),
                    all_ones: Some(test.all_ones),
                    critical_glitch: Some(test.all_ones),
                    ..RollDiceResponse::default()
                })
            }
            Form::Notation(notation) => {
                let roll = rules::dice::roll(notation, face);
                Ok(RollDiceResponse {
                    pool: notation.dice_count(),
                    rolls: to_i32s(&roll.rolls()),
                    dice: to_lists(&roll.faces()),
                    notation: Some(notation.to_string()),
                    sum: Some(roll.sum),
                    modifier: Some(roll.modifier),
                    total: Some(roll.total),
                    exploding: Some(notation.exploding()),
                    ..RollDiceResponse::default()
                })
            }
        });
        let answer = RollDiceResponse { roll_id: roll_id.to_string(), timestamp: now(), reason, ..answer? };
        let answer = self.log.keep(roll_id, &cause, &faces, "RollDiceResponse", answer).await?;
        Ok(Response::new(answer))
    }

    async fn roll_initiative(
        &self,
        request: Request<RollInitiativeRequest>,
    ) -> Result<Response<RollInitiativeResponse>, Status> {
        let reason = request.get_ref().reason.clone();
        let cause = Cause::of("RollInitiative", "RollInitiativeRequest", &request, reason.as_ref())?;
        if let Some(answer) = self.log.answered(&cause, "RollInitiativeResponse").await? {
            return Ok(Response::new(answer));
        }
        let RollInitiativeRequest { notation, reason: _ } = request.into_inner();
        let notation = Notation::parse(&notation).map_err(|error| refuse(&error))?.without_explosions();
        let roll_id = Uuid::now_v7();
        let (roll, faces) = self.chance.draw(|face| rules::dice::roll(&notation, face));
        let answer = RollInitiativeResponse {
            roll_id: roll_id.to_string(),
            notation: notation.to_string(),
            rolls: to_i32s(&roll.rolls()),
            modifier: roll.modifier,
            initiative: roll.total,
            phases: initiative::phases(u32::try_from(roll.total.max(0)).unwrap_or(u32::MAX)),
            timestamp: now(),
        };
        let answer = self.log.keep(roll_id, &cause, &faces, "RollInitiativeResponse", answer).await?;
        Ok(Response::new(answer))
    }
}

fn form(request: RollDiceRequest) -> Result<Form, Status> {
    let RollDiceRequest { pool, target_number, notation, reason: _ } = request;
    match (pool, target_number, notation) {
        // A target number below 2 counts as 2; the rules see to that.
        (Some(pool), Some(target_number), None) => {
            Ok(Form::SuccessTest { pool, target_number: u32::try_from(target_number).unwrap_or_default() })
        }
        (None, None, Some(notation)) => Notation::parse(&notation).map(Form::Notation).map_err(|error| refuse(&error)),
        _ => Err(status::error(
            ErrorCode::InvalidInput,
            "give either `pool` and `target_number`, or `notation` alone, such as {\"pool\": 6, \"target_number\": 5} or \
             {\"notation\": \"2d6+3\"}",
        )),
    }
}

fn refuse(error: &dyn std::error::Error) -> Status {
    status::error(ErrorCode::InvalidInput, error.to_string())
}

fn to_lists(faces: &[Vec<u32>]) -> Vec<prost_types::ListValue> {
    faces.iter().map(|die| structs::list_from_json(die.iter().map(|face| (*face).into()).collect())).collect()
}

/// Faces and totals are far below the limit: at most 100 explosions of at most 1,000 sides.
fn to_i32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn to_i32s(numbers: &[u32]) -> Vec<i32> {
    numbers.iter().map(|number| to_i32(*number)).collect()
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}
