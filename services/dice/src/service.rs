//! gRPC on the outside, the rules inside: each method asks the rules, keeps the roll, and answers it.

mod answers;
mod karma;
mod proofs;

use std::sync::Arc;

use prost::Message;
use proto::dice::v1::{dice_service_server::DiceService, *};
use rules::{
    dice::{Dialect, Notation},
    shadowrun2::{self, initiative, success_test},
    war_of_the_ring::{Side, action_dice, battle, hunt},
};
use service_kit::{
    Wakes,
    clock::now,
    status::{self, ErrorCode},
};
use tokio::sync::watch;
use tonic::{Request, Response, Status, codegen::BoxStream};

use crate::{
    chances::Chances,
    keys::Keys,
    ledger::{Change, Face, Scope},
    log::{Cause, RollLog},
};

/// The service.
pub struct Dice {
    log: Arc<RollLog>,
    keys: Keys,
    chances: Arc<Chances>,
    others: Others,
}

/// What other replicas keep.
pub struct Others {
    /// The way to them.
    pub wakes: Wakes,
    /// Changes with what they keep.
    pub elsewhere: watch::Receiver<u64>,
}

impl Dice {
    pub fn new(log: RollLog, keys: Keys, others: Others) -> Dice {
        Dice { log: Arc::new(log), keys, chances: Arc::default(), others }
    }

    /// Rolls, keeps the roll, and answers it; or answers what was rolled before under the same idempotency key.
    /// Where the roll stands in its chain, `GetRoll` tells.
    async fn roll<Q: Message, A: Message + Default + 'static>(
        &self,
        kind: &'static str,
        request: &Request<Q>,
        reason: Option<String>,
        mut roll: impl FnMut(String, &mut Face<'_>) -> Result<A, Status> + Send + 'static,
    ) -> Result<Response<A>, Status> {
        let scope = Scope::of(request, None)?;
        let cause = Cause::of(kind, request, reason)?;
        let make = move |id: &str, _: &crate::ledger::Chain, face: &mut Face<'_>| roll(id.to_owned(), face);
        self.log.keep(scope, cause, Change::None, make).await.map(Response::new)
    }
}

/// What a `RollDice` request asks for; exactly one form.
#[derive(Clone)]
enum Form {
    SuccessTest { pool: u32, target_number: u32 },
    Notation(Notation),
}

#[tonic::async_trait]
impl DiceService for Dice {
    async fn roll_dice(&self, request: Request<RollDiceRequest>) -> Result<Response<RollDiceResponse>, Status> {
        let form = form(request.get_ref())?;
        let reason = request.get_ref().reason.clone();
        self.roll_form("RollDice", &request, form, reason).await
    }

    async fn roll(&self, request: Request<RollRequest>) -> Result<Response<RollDiceResponse>, Status> {
        let RollRequest { notation, dialect, reason } = request.get_ref().clone();
        let form = Form::Notation(read(&notation, dialect.as_deref())?);
        self.roll_form("Roll", &request, form, reason).await
    }

    async fn roll_pool(&self, request: Request<RollPoolRequest>) -> Result<Response<RollDiceResponse>, Status> {
        let RollPoolRequest { pool, target_number, reason } = request.get_ref().clone();
        let form = Form::SuccessTest { pool, target_number: u32::try_from(target_number).unwrap_or_default() };
        self.roll_form("RollPool", &request, form, reason).await
    }

    async fn roll_many(&self, request: Request<RollManyRequest>) -> Result<Response<RollManyResponse>, Status> {
        let RollManyRequest { notations, dialect, reason } = request.get_ref().clone();
        let notations: Vec<Notation> =
            notations.iter().map(|text| read(text, dialect.as_deref())).collect::<Result<_, _>>()?;
        let chances = self.chances.clone();
        self.roll("RollMany", &request, reason, move |roll_id, face| {
            let results: Vec<NotationRoll> =
                notations.iter().map(|notation| answers::notation_roll(notation, &chances, face)).collect();
            let total = results.iter().map(|roll| roll.total).sum();
            Ok(RollManyResponse { roll_id, results, total, timestamp: now() })
        })
        .await
    }

    async fn roll_with_advantage(
        &self,
        request: Request<RollTwiceRequest>,
    ) -> Result<Response<RollTwiceResponse>, Status> {
        self.roll_twice("RollWithAdvantage", &request, true).await
    }

    async fn roll_with_disadvantage(
        &self,
        request: Request<RollTwiceRequest>,
    ) -> Result<Response<RollTwiceResponse>, Status> {
        self.roll_twice("RollWithDisadvantage", &request, false).await
    }

    async fn roll_with_target_number(
        &self,
        request: Request<RollWithTargetNumberRequest>,
    ) -> Result<Response<RollWithTargetNumberResponse>, Status> {
        let RollWithTargetNumberRequest { notation, target_number, reason } = request.get_ref().clone();
        let dice = answers::TargetDice::read(&notation, target_number)?;
        self.roll("RollWithTargetNumber", &request, reason, move |roll_id, face| {
            let TargetRoll {
                notation,
                target_number,
                rolls,
                dice,
                successes,
                failures,
                failure_count,
                all_ones,
                exploding,
            } = dice.roll(face);
            Ok(RollWithTargetNumberResponse {
                roll_id,
                notation,
                target_number,
                rolls,
                dice,
                successes,
                failures,
                failure_count,
                all_ones,
                exploding,
                timestamp: now(),
            })
        })
        .await
    }

    async fn roll_opposed(
        &self,
        request: Request<RollOpposedRequest>,
    ) -> Result<Response<RollOpposedResponse>, Status> {
        let RollOpposedRequest { notation1, target_number1, notation2, target_number2, reason } =
            request.get_ref().clone();
        let first = answers::TargetDice::read(&notation1, target_number1)?;
        let second = answers::TargetDice::read(&notation2, target_number2)?;
        self.roll("RollOpposed", &request, reason, move |roll_id, face| {
            let (roll1, roll2) = (first.roll(face), second.roll(face));
            let (winner, net_successes) = success_test::opposed(roll1.successes, roll2.successes);
            let winner = answers::winner(winner);
            Ok(RollOpposedResponse {
                roll_id,
                roll1: Some(roll1),
                roll2: Some(roll2),
                net_successes,
                winner,
                timestamp: now(),
            })
        })
        .await
    }

    async fn roll_initiative(
        &self,
        request: Request<RollInitiativeRequest>,
    ) -> Result<Response<RollInitiativeResponse>, Status> {
        let RollInitiativeRequest { notation, reason } = request.get_ref().clone();
        let notation = read_initiative(&notation)?;
        self.roll("RollInitiative", &request, reason, move |roll_id, face| {
            let roll = notation.roll(face);
            let initiative = answers::whole(roll.total);
            Ok(RollInitiativeResponse {
                roll_id,
                notation: notation.to_string(),
                rolls: answers::narrow_all(&roll.rolls()),
                modifier: answers::whole(notation.modifier()),
                initiative,
                phases: phases(initiative),
                timestamp: now(),
            })
        })
        .await
    }

    async fn track_initiative(
        &self,
        request: Request<TrackInitiativeRequest>,
    ) -> Result<Response<TrackInitiativeResponse>, Status> {
        let TrackInitiativeRequest { characters, reason } = request.get_ref().clone();
        let mut combatants = Vec::with_capacity(characters.len());
        for Combatant { name, notation } in characters {
            combatants.push((name, read_initiative(&notation)?));
        }
        self.roll("TrackInitiative", &request, reason, move |roll_id, face| {
            let mut characters: Vec<CombatantInitiative> = combatants
                .iter()
                .map(|(name, notation)| {
                    let roll = notation.roll(&mut *face);
                    let initiative = answers::whole(roll.total);
                    CombatantInitiative {
                        name: name.clone(),
                        notation: notation.to_string(),
                        rolls: answers::narrow_all(&roll.rolls()),
                        modifier: answers::whole(notation.modifier()),
                        initiative,
                        phases: phases(initiative),
                    }
                })
                .collect();
            characters.sort_by_key(|character| std::cmp::Reverse((character.initiative, character.modifier)));
            let phase_order = answers::phase_order(&characters);
            let turn_summary = answers::turn_summary(&characters);
            Ok(TrackInitiativeResponse { roll_id, characters, phase_order, turn_summary, timestamp: now() })
        })
        .await
    }

    async fn roll_with_pools(
        &self,
        request: Request<RollWithPoolsRequest>,
    ) -> Result<Response<RollWithPoolsResponse>, Status> {
        let RollWithPoolsRequest { pools, target_number, reason } = request.get_ref().clone();
        let pools = answers::Pools::read(&pools, target_number)?;
        self.roll("RollWithPools", &request, reason, move |roll_id, face| {
            let PoolsRoll { pools, target_number, pool, rolls, successes, all_ones } = pools.roll(face)?;
            Ok(RollWithPoolsResponse {
                roll_id,
                pools,
                target_number,
                pool,
                rolls,
                successes,
                result: answers::result(successes),
                all_ones,
                timestamp: now(),
            })
        })
        .await
    }

    async fn roll_opposed_pools(
        &self,
        request: Request<RollOpposedPoolsRequest>,
    ) -> Result<Response<RollOpposedPoolsResponse>, Status> {
        let RollOpposedPoolsRequest { pools1, target_number1, pools2, target_number2, reason } =
            request.get_ref().clone();
        let first = answers::Pools::read(&pools1, target_number1)?;
        let second = answers::Pools::read(&pools2, target_number2)?;
        self.roll("RollOpposedPools", &request, reason, move |roll_id, face| {
            let (side1, side2) = (first.roll(face)?, second.roll(face)?);
            let (winner, net_successes) = success_test::opposed(side1.successes, side2.successes);
            let winner = answers::winner(winner);
            let (side1, side2) = (Some(side1), Some(side2));
            Ok(RollOpposedPoolsResponse { roll_id, side1, side2, net_successes, winner, timestamp: now() })
        })
        .await
    }

    async fn reroll_failures(
        &self,
        request: Request<RerollFailuresRequest>,
    ) -> Result<Response<RerollFailuresResponse>, Status> {
        self.karma_reroll(&request).await
    }

    async fn avoid_disaster(
        &self,
        request: Request<AvoidDisasterRequest>,
    ) -> Result<Response<AvoidDisasterResponse>, Status> {
        karma::avoid_disaster(request.get_ref()).map(Response::new)
    }

    async fn buy_dice(&self, request: Request<BuyDiceRequest>) -> Result<Response<BuyDiceResponse>, Status> {
        self.karma_dice(&request).await
    }

    async fn buy_successes(
        &self,
        request: Request<BuySuccessesRequest>,
    ) -> Result<Response<BuySuccessesResponse>, Status> {
        karma::buy_successes(request.get_ref()).map(Response::new)
    }

    async fn roll_action_dice(
        &self,
        request: Request<RollActionDiceRequest>,
    ) -> Result<Response<RollActionDiceResponse>, Status> {
        let RollActionDiceRequest { side, count, reason } = request.get_ref().clone();
        // Our words are the rules' with an underscore for the space.
        let side = Side::parse(&side.replace('_', " ")).map_err(|error| refuse(&error))?;
        self.roll("RollActionDice", &request, reason, move |roll_id, face| {
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
        self.roll("RollCombatDice", &request, reason, move |roll_id, face| {
            let roll = battle::roll_battle(count, target, 0, rerolls.unwrap_or_default(), || face(6))
                .map_err(|error| refuse(&error))?;
            Ok(RollCombatDiceResponse {
                roll_id,
                rolls: roll.dice.iter().map(|die| answers::to_i32(die.face)).collect(),
                rerolled: roll.dice.iter().filter_map(|die| die.rerolled.map(answers::to_i32)).collect(),
                hits: roll.hits,
                timestamp: now(),
            })
        })
        .await
    }

    async fn roll_hunt(&self, request: Request<RollHuntRequest>) -> Result<Response<RollHuntResponse>, Status> {
        let RollHuntRequest { hunt_level, free_peoples_dice, rerolls, reason } = request.get_ref().clone();
        let free_peoples_dice = free_peoples_dice.unwrap_or_default();
        self.roll("RollHunt", &request, reason, move |roll_id, face| {
            let roll = hunt::roll_hunt(hunt_level, free_peoples_dice, rerolls.unwrap_or_default(), || face(6))
                .map_err(|error| refuse(&error))?;
            Ok(RollHuntResponse {
                roll_id,
                rolls: roll.dice.iter().map(|die| answers::to_i32(die.face)).collect(),
                rerolled: roll.dice.iter().filter_map(|die| die.rerolled.map(answers::to_i32)).collect(),
                successes: roll.successes,
                // A natural 1 fails, so nothing below 2 is ever needed.
                target: hunt::HUNT_TARGET.saturating_sub(free_peoples_dice).max(2),
                timestamp: now(),
            })
        })
        .await
    }

    async fn get_odds(&self, request: Request<GetOddsRequest>) -> Result<Response<GetOddsResponse>, Status> {
        let GetOddsRequest { notation, dialect, at_least, distribution } = request.into_inner();
        let notation = read(&notation, dialect.as_deref())?;
        let odds = crate::chances::compute(notation.clone()).await.map_err(|error| refuse(&error))?;
        Ok(Response::new(answers::odds(&notation, &odds, at_least, distribution.unwrap_or_default())))
    }

    async fn get_roll(&self, request: Request<GetRollRequest>) -> Result<Response<GetRollResponse>, Status> {
        let roll = self.entry(&request.get_ref().roll_id).await?;
        Ok(Response::new(GetRollResponse { roll: Some(proofs::to_proto(&roll)) }))
    }

    async fn list_rolls(&self, request: Request<ListRollsRequest>) -> Result<Response<ListRollsResponse>, Status> {
        self.listed(request.into_inner()).await.map(Response::new)
    }

    async fn stream_rolls(
        &self,
        request: Request<StreamRollsRequest>,
    ) -> Result<Response<BoxStream<StreamRollsResponse>>, Status> {
        let stream = self.streamed(&request).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    async fn get_commitment(
        &self,
        request: Request<GetCommitmentRequest>,
    ) -> Result<Response<GetCommitmentResponse>, Status> {
        self.commitment(&request).await.map(Response::new)
    }

    async fn add_client_seed(
        &self,
        request: Request<AddClientSeedRequest>,
    ) -> Result<Response<AddClientSeedResponse>, Status> {
        self.added_seed(&request).await.map(Response::new)
    }

    async fn reveal_seed(&self, request: Request<RevealSeedRequest>) -> Result<Response<RevealSeedResponse>, Status> {
        self.revealed(&request).await.map(Response::new)
    }

    async fn verify_roll(&self, request: Request<VerifyRollRequest>) -> Result<Response<VerifyRollResponse>, Status> {
        let VerifyRollRequest { roll_id, around } = request.into_inner();
        let entry = self.entry(&roll_id).await?;
        self.verified(entry, around).await.map(Response::new)
    }

    async fn get_luck(&self, request: Request<GetLuckRequest>) -> Result<Response<GetLuckResponse>, Status> {
        let GetLuckRequest { player, session } = request.into_inner();
        let faces = self.log.faces(&player.unwrap_or_default(), &session.unwrap_or_default()).await?;
        Ok(Response::new(crate::luck::luck(&faces)))
    }
}

impl Dice {
    async fn roll_form<Q: Message>(
        &self,
        kind: &'static str,
        request: &Request<Q>,
        form: Form,
        reason: Option<String>,
    ) -> Result<Response<RollDiceResponse>, Status> {
        let chances = self.chances.clone();
        self.roll(kind, request, reason.clone(), move |roll_id, face| {
            let answer = match &form {
                Form::SuccessTest { pool, target_number } => {
                    answers::success_test(*pool, *target_number, &chances, face)?
                }
                Form::Notation(notation) => answers::dice_roll(notation, &chances, face),
            };
            Ok(RollDiceResponse { roll_id, timestamp: now(), reason: reason.clone(), ..answer })
        })
        .await
    }

    async fn roll_twice(
        &self,
        kind: &'static str,
        request: &Request<RollTwiceRequest>,
        higher: bool,
    ) -> Result<Response<RollTwiceResponse>, Status> {
        let RollTwiceRequest { notation, reason } = request.get_ref().clone();
        let notation = read(&notation, None)?;
        let chances = self.chances.clone();
        self.roll(kind, request, reason, move |roll_id, face| {
            let roll1 = answers::notation_roll(&notation, &chances, face);
            let roll2 = answers::notation_roll(&notation, &chances, face);
            let first = if higher { roll1.total >= roll2.total } else { roll1.total <= roll2.total };
            let (selected, result) = if first { ("roll1", roll1.total) } else { ("roll2", roll2.total) };
            let selected = selected.to_owned();
            Ok(RollTwiceResponse {
                roll_id,
                roll1: Some(roll1),
                roll2: Some(roll2),
                selected,
                result,
                timestamp: now(),
            })
        })
        .await
    }
}

fn form(request: &RollDiceRequest) -> Result<Form, Status> {
    let RollDiceRequest { pool, target_number, notation, reason: _, dialect } = request;
    match (pool, target_number, notation) {
        // A target number below 2 counts as 2; the rules see to that.
        (Some(pool), Some(target_number), None) => {
            Ok(Form::SuccessTest { pool: *pool, target_number: u32::try_from(*target_number).unwrap_or_default() })
        }
        (None, None, Some(notation)) => read(notation, dialect.as_deref()).map(Form::Notation),
        _ => Err(status::error(
            ErrorCode::InvalidInput,
            "give either `pool` and `target_number`, or `notation` alone, such as {\"pool\": 6, \"target_number\": 5} or \
             {\"notation\": \"2d6+3\"}",
        )),
    }
}

/// Reads a notation in a dialect, the standard one if none is given.
fn read(text: &str, dialect: Option<&str>) -> Result<Notation, Status> {
    let dialect = match dialect {
        None => Dialect::Standard,
        Some(name) => name.parse().map_err(|error: rules::UnknownName| refuse(&error))?,
    };
    Notation::parse_as(text, dialect).map_err(|error| refuse(&error))
}

/// Reads the dice of an initiative: a total for which there are phases.
fn read_initiative(text: &str) -> Result<Notation, Status> {
    let notation = read(text, None)?.without_explosions();
    if notation.counts_successes() {
        let message = format!("initiative is a total, as of 3d6+9; {text:?} counts successes");
        return Err(status::error(ErrorCode::InvalidInput, message));
    }
    let highest = notation.bound().high.saturating_mul(notation.repeats().into());
    if highest > i64::from(initiative::MAX_INITIATIVE) {
        let most = initiative::MAX_INITIATIVE;
        let message = format!("initiative is at most {most}; {text:?} may come to {highest}");
        return Err(status::error(ErrorCode::InvalidInput, message));
    }
    Ok(notation)
}

fn phases(initiative: i64) -> Vec<u32> {
    initiative::phases(u32::try_from(initiative.max(0)).unwrap_or(u32::MAX))
}

fn refuse(error: &dyn std::error::Error) -> Status {
    status::error(ErrorCode::InvalidInput, error.to_string())
}

/// The least target number there is.
const LEAST: u32 = shadowrun2::MIN_TARGET_NUMBER;
