//! gRPC on the outside, the rules inside: each method asks the rules, keeps the roll, and answers it.

use prost::Message;
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
    war_of_the_ring::{Side, action_dice, battle, hunt},
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

    /// Rolls, keeps the roll, and answers it; or answers what was rolled before under the same idempotency key.
    async fn roll<Q: Message, A: Message + Default>(
        &self,
        kind: &'static str,
        request: &Request<Q>,
        reason: Option<String>,
        roll: impl FnOnce(String, &mut dyn FnMut(u32) -> u32) -> Result<A, Status>,
    ) -> Result<Response<A>, Status> {
        let cause = Cause::of(kind, request, reason)?;
        if let Some(answer) = self.log.answered(&cause).await? {
            return Ok(Response::new(answer));
        }
        let roll_id = Uuid::now_v7();
        let (answer, faces) = self.chance.draw(|face| roll(roll_id.to_string(), face));
        self.log.keep(roll_id, &cause, &faces, answer?).await.map(Response::new)
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
        let form = form(request.get_ref())?;
        let reason = request.get_ref().reason.clone();
        self.roll("RollDice", &request, reason.clone(), |roll_id, face| {
            let answer = match &form {
                Form::SuccessTest { pool, target_number } => success_test(*pool, *target_number, face)?,
                Form::Notation(notation) => notation_roll(notation, face),
            };
            Ok(RollDiceResponse { roll_id, timestamp: now(), reason, ..answer })
        })
        .await
    }

    async fn roll_initiative(
        &self,
        request: Request<RollInitiativeRequest>,
    ) -> Result<Response<RollInitiativeResponse>, Status> {
        let RollInitiativeRequest { notation, reason } = request.get_ref().clone();
        let notation = Notation::parse(&notation).map_err(|error| refuse(&error))?.without_explosions();
        self.roll("RollInitiative", &request, reason, |roll_id, face| {
            let roll = notation.roll(face);
            let initiative = whole(roll.total);
            let total = u32::try_from(initiative.max(0)).unwrap_or(u32::MAX);
            Ok(RollInitiativeResponse {
                roll_id,
                notation: notation.to_string(),
                rolls: roll.rolls().iter().map(|roll| narrow(*roll)).collect(),
                modifier: whole(notation.modifier()),
                initiative,
                phases: initiative::phases(total),
                timestamp: now(),
            })
        })
        .await
    }

    async fn roll_action_dice(
        &self,
        request: Request<RollActionDiceRequest>,
    ) -> Result<Response<RollActionDiceResponse>, Status> {
        let RollActionDiceRequest { side, count, reason } = request.get_ref().clone();
        // Our words are the rules' with an underscore for the space.
        let side = Side::parse(&side.replace('_', " ")).map_err(|error| refuse(&error))?;
        self.roll("RollActionDice", &request, reason, |roll_id, face| {
            let roll = action_dice::roll_action_dice(side, count, || face(6)).map_err(|error| refuse(&error))?;
            let faces = roll.faces.iter().map(|face| face.name().to_lowercase().replace([' ', '/'], "_")).collect();
            Ok(RollActionDiceResponse { roll_id, faces, timestamp: now() })
        })
        .await
    }

    async fn roll_combat_dice(
        &self,
        request: Request<RollCombatDiceRequest>,
    ) -> Result<Response<RollCombatDiceResponse>, Status> {
        let RollCombatDiceRequest { count, target, rerolls, reason } = request.get_ref().clone();
        self.roll("RollCombatDice", &request, reason, |roll_id, face| {
            let roll = battle::roll_battle(count, target, 0, rerolls.unwrap_or_default(), || face(6))
                .map_err(|error| refuse(&error))?;
            Ok(RollCombatDiceResponse {
                roll_id,
                rolls: roll.dice.iter().map(|die| to_i32(die.face)).collect(),
                rerolled: roll.dice.iter().filter_map(|die| die.rerolled.map(to_i32)).collect(),
                hits: roll.hits,
                timestamp: now(),
            })
        })
        .await
    }

    async fn roll_hunt(&self, request: Request<RollHuntRequest>) -> Result<Response<RollHuntResponse>, Status> {
        let RollHuntRequest { hunt_level, free_peoples_dice, rerolls, reason } = request.get_ref().clone();
        let free_peoples_dice = free_peoples_dice.unwrap_or_default();
        self.roll("RollHunt", &request, reason, |roll_id, face| {
            let roll = hunt::roll_hunt(hunt_level, free_peoples_dice, rerolls.unwrap_or_default(), || face(6))
                .map_err(|error| refuse(&error))?;
            Ok(RollHuntResponse {
                roll_id,
                rolls: roll.dice.iter().map(|die| to_i32(die.face)).collect(),
                rerolled: roll.dice.iter().filter_map(|die| die.rerolled.map(to_i32)).collect(),
                successes: roll.successes,
                // A natural 1 fails, so nothing below 2 is ever needed.
                target: hunt::HUNT_TARGET.saturating_sub(free_peoples_dice).max(2),
                timestamp: now(),
            })
        })
        .await
    }
}

fn success_test(pool: u32, target_number: u32, face: &mut dyn FnMut(u32) -> u32) -> Result<RollDiceResponse, Status> {
    let test = shadowrun2::success_test(pool, target_number, || face(6)).map_err(|error| refuse(&error))?;
    Ok(RollDiceResponse {
        pool,
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

fn notation_roll(notation: &Notation, face: &mut dyn FnMut(u32) -> u32) -> RollDiceResponse {
    let roll = notation.roll(face);
    let (total, modifier) = (whole(roll.total), whole(notation.modifier()));
    RollDiceResponse {
        pool: notation.dice_count(),
        rolls: roll.rolls().iter().map(|roll| narrow(*roll)).collect(),
        dice: to_lists(&roll.faces()),
        notation: Some(notation.to_string()),
        sum: Some(total - modifier),
        modifier: Some(modifier),
        total: Some(total),
        exploding: Some(notation.exploding()),
        ..RollDiceResponse::default()
    }
}

fn form(request: &RollDiceRequest) -> Result<Form, Status> {
    let RollDiceRequest { pool, target_number, notation, reason: _, dialect: _ } = request;
    match (pool, target_number, notation) {
        // A target number below 2 counts as 2; the rules see to that.
        (Some(pool), Some(target_number), None) => {
            Ok(Form::SuccessTest { pool: *pool, target_number: u32::try_from(*target_number).unwrap_or_default() })
        }
        (None, None, Some(notation)) => Notation::parse(notation).map(Form::Notation).map_err(|error| refuse(&error)),
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

fn to_lists<T: Copy + Into<serde_json::Value>>(faces: &[Vec<T>]) -> Vec<prost_types::ListValue> {
    faces.iter().map(|die| structs::list_from_json(die.iter().map(|face| (*face).into()).collect())).collect()
}

/// A total, rounded down.
fn whole(value: rules::dice::Value) -> i64 {
    value.floor().numerator()
}

/// Totals of dice are far below the limit.
fn narrow(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
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
