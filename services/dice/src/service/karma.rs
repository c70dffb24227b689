//! The Karma Pool at a test: rerolls, dice and successes that are bought, a disaster that is avoided.

use proto::dice::v1::{
    AvoidDisasterRequest, AvoidDisasterResponse, BuyDiceRequest, BuyDiceResponse, BuySuccessesRequest,
    BuySuccessesResponse, RerollFailuresRequest, RerollFailuresResponse,
};
use rules::shadowrun2::{MAX_POOL, karma};
use service_kit::{
    clock::now,
    status::{self, ErrorCode},
};
use tonic::{Request, Response, Status};

use super::{
    Dice, LEAST,
    answers::{chance_of_test, to_i32, to_i32s, to_lists},
    refuse,
};

impl Dice {
    pub(super) async fn karma_reroll(
        &self,
        request: &Request<RerollFailuresRequest>,
    ) -> Result<Response<RerollFailuresResponse>, Status> {
        let RerollFailuresRequest { failed, original, target_number, iteration, reason } = request.get_ref().clone();
        let target_number = u32::try_from(target_number).unwrap_or_default().max(LEAST);
        let reaches = |total: &&i32| u32::try_from(**total).unwrap_or_default() >= target_number;
        shown(failed.iter().chain(&original))?;
        if let Some(total) = failed.iter().find(reaches) {
            let message = format!("a die that shows {total} has not failed against the target number {target_number}");
            return Err(status::error(ErrorCode::InvalidInput, message));
        }
        let kept = original.iter().filter(reaches).count();
        let dice = match (failed.is_empty(), original.is_empty()) {
            (false, true) => failed.len(),
            (true, false) => original.len() - kept,
            _ => {
                let message = "give either `failed`, the dice that failed, or `original`, all dice of the test";
                return Err(status::error(ErrorCode::InvalidInput, message));
            }
        };
        if dice == 0 {
            return Err(status::error(ErrorCode::InvalidInput, "no die failed: there is nothing to roll again"));
        }
        let all = !original.is_empty();
        let iteration = iteration.unwrap_or(1);
        let chances = self.chances.clone();
        self.roll("RerollFailures", request, reason, move |roll_id, face| {
            let test =
                karma::reroll_failures(dice as u32, target_number, || face(6)).map_err(|error| refuse(&error))?;
            Ok(RerollFailuresResponse {
                roll_id,
                dice_rerolled: dice as u32,
                rolls: to_i32s(&test.rolls()),
                dice: to_lists(&test.faces()),
                new_successes: test.successes,
                total_successes: all.then_some(kept as u32 + test.successes),
                karma_cost: karma::reroll_cost(iteration),
                iteration,
                timestamp: now(),
                target_number: to_i32(test.target_number),
                chance: chance_of_test(dice as u32, &test, &chances),
            })
        })
        .await
    }

    pub(super) async fn karma_dice(
        &self,
        request: &Request<BuyDiceRequest>,
    ) -> Result<Response<BuyDiceResponse>, Status> {
        let BuyDiceRequest { count, skill_level, target_number, reason } = request.get_ref().clone();
        let karma_cost = karma::buy_dice(skill_level.unwrap_or(MAX_POOL), count).map_err(|error| refuse(&error))?;
        let bought =
            BuyDiceResponse { dice_bought: count, max_allowed: skill_level, karma_cost, ..BuyDiceResponse::default() };
        let Some(target_number) = target_number else {
            return Ok(Response::new(BuyDiceResponse { timestamp: now(), ..bought }));
        };
        let target_number = u32::try_from(target_number).unwrap_or_default();
        let chances = self.chances.clone();
        self.roll("BuyDice", request, reason, move |roll_id, face| {
            let test = rules::shadowrun2::success_test(count, target_number, || face(6)).map_err(|e| refuse(&e))?;
            Ok(BuyDiceResponse {
                roll_id: Some(roll_id),
                rolls: to_i32s(&test.rolls()),
                successes: Some(test.successes),
                timestamp: now(),
                target_number: Some(to_i32(test.target_number)),
                chance: chance_of_test(count, &test, &chances),
                ..bought.clone()
            })
        })
        .await
    }
}

/// Refuses what no die shows.
fn shown<'a>(totals: impl IntoIterator<Item = &'a i32>) -> Result<(), Status> {
    match totals.into_iter().find(|total| **total < 1) {
        None => Ok(()),
        Some(total) => Err(status::error(ErrorCode::InvalidInput, format!("a die shows 1 or more, not {total}"))),
    }
}

/// A disaster that becomes a plain failure.
pub fn avoid_disaster(request: &AvoidDisasterRequest) -> Result<AvoidDisasterResponse, Status> {
    shown(&request.rolls)?;
    let was_disaster = request.rolls.iter().all(|face| *face == 1);
    Ok(AvoidDisasterResponse {
        was_disaster,
        karma_cost: karma::avoid_disaster_cost(was_disaster),
        result: if was_disaster { "failure" } else { "unchanged" }.to_owned(),
    })
}

/// Successes on top of one that was rolled.
pub fn buy_successes(request: &BuySuccessesRequest) -> Result<BuySuccessesResponse, Status> {
    let bought =
        karma::buy_successes(u32::from(request.has_natural_success), request.n).map_err(|error| refuse(&error))?;
    Ok(BuySuccessesResponse { successes_bought: request.n, karma_cost: bought.karma_cost, permanent: bought.permanent })
}
