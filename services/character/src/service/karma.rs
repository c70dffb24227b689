//! Karma and nuyen: earned, spent, set outright, and the uses of the Karma Pool.

use proto::character::v1::{
    AddKarmaRequest, AddNuyenRequest, KarmaResponse, NuyenResponse, SetKarmaRequest, SpendKarmaRequest,
    SpendNuyenRequest, UpdateKarmaPoolRequest, UseKarmaRequest, UseKarmaResponse,
};
use rules::shadowrun2::karma::{self, BoughtSuccesses};
use tonic::Status;

use super::{Characters, edit::Edit, refuse, roll};

/// Most Karma and nuyen a sheet can hold; ours.
const MOST_KARMA: u32 = 1_000_000;
const MOST_NUYEN: i64 = 1_000_000_000_000;

/// Awards Karma: a tenth to the pool.
pub fn add(edit: &mut Edit, request: AddKarmaRequest) -> Result<KarmaResponse, Status> {
    let AddKarmaRequest { character_name: _, amount, reason } = request;
    let split = karma::split(amount);
    let sheet = &mut edit.sheet;
    let total = sheet.karma_total.saturating_add(amount);
    if total > MOST_KARMA {
        return Err(refuse(format!("Karma would be {total}; at most {MOST_KARMA} is kept")));
    }
    sheet.karma_total = total;
    sheet.karma_available = sheet.karma_available.saturating_add(split.good_karma);
    sheet.karma_pool = sheet.karma_pool.saturating_add(split.karma_pool);
    let message = format!(
        "{} earns {amount} Karma: {} to the Karma Pool, {} Good Karma",
        sheet.street_name, split.karma_pool, split.good_karma
    );
    Ok(answer(edit, i64::from(amount), message, reason))
}

/// Spends Good Karma.
pub fn spend(edit: &mut Edit, request: SpendKarmaRequest) -> Result<KarmaResponse, Status> {
    let SpendKarmaRequest { character_name: _, amount, reason } = request;
    edit.pay_karma(amount, "this")?;
    let message = format!("{} spends {amount} Good Karma", edit.sheet.street_name);
    Ok(answer(edit, -i64::from(amount), message, reason))
}

/// Sets the Karma Pool outright.
pub fn update_pool(edit: &mut Edit, request: UpdateKarmaPoolRequest) -> Result<KarmaResponse, Status> {
    let UpdateKarmaPoolRequest { character_name: _, new_pool, reason } = request;
    let sheet = &mut edit.sheet;
    let message = format!("{}: Karma Pool {} becomes {new_pool}", sheet.street_name, sheet.karma_pool);
    sheet.karma_pool = new_pool;
    sheet.karma_pool_spent = sheet.karma_pool_spent.min(new_pool);
    Ok(answer(edit, 0, message, reason))
}

/// Sets Karma outright.
pub fn set(edit: &mut Edit, request: SetKarmaRequest) -> Result<KarmaResponse, Status> {
    let SetKarmaRequest { character_name: _, total, available, reason } = request;
    if available > total {
        return Err(refuse(format!("{available} Good Karma cannot be left of {total} ever earned")));
    }
    let sheet = &mut edit.sheet;
    let added = i64::from(total) - i64::from(sheet.karma_total);
    sheet.karma_total = total;
    sheet.karma_available = available;
    let message = format!("{}: Karma set to {total}, {available} of it Good Karma to spend", sheet.street_name);
    Ok(answer(edit, added, message, reason))
}

fn answer(edit: &mut Edit, karma_added: i64, message: String, reason: Option<String>) -> KarmaResponse {
    edit.says(message.clone());
    let sheet = &edit.sheet;
    KarmaResponse {
        character: sheet.street_name.clone(),
        karma_added,
        karma_total: sheet.karma_total,
        karma_available: sheet.karma_available,
        karma_pool: sheet.karma_pool,
        karma_pool_left: sheet.karma_pool_left(),
        message,
        revision: edit.revision,
        reason,
    }
}

/// Spends the Karma Pool on a test.
pub async fn use_pool(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: UseKarmaRequest,
) -> Result<UseKarmaResponse, Status> {
    let name = edit.sheet.street_name.clone();
    let count = request.count.unwrap_or(1);
    let needed = |figure: Option<u32>, field: &str| {
        figure.ok_or_else(|| refuse(format!("`{field}` is needed for {}", request.r#use)))
    };
    let (cost, rolled, permanent, what) = match request.r#use.as_str() {
        "reroll_failures" => {
            needed(request.count, "count")?;
            needed(request.target_number, "target_number")?;
            (
                karma::reroll_cost(request.iteration.unwrap_or(1)),
                true,
                false,
                format!("rolls {count} failed dice again"),
            )
        }
        "buy_dice" => {
            let skill = needed(request.skill, "skill")?;
            needed(request.target_number, "target_number")?;
            let cost = karma::buy_dice(skill, count).map_err(|error| refuse(error.to_string()))?;
            (cost, true, false, format!("rolls {count} dice more"))
        }
        "buy_successes" => {
            let natural = needed(request.natural_successes, "natural_successes")?;
            let BoughtSuccesses { karma_cost, permanent, .. } =
                karma::buy_successes(natural, count).map_err(|error| refuse(error.to_string()))?;
            (karma_cost, false, permanent, format!("buys {}", roll::count(count)))
        }
        _ => (karma::avoid_disaster_cost(true), false, false, "avoids a disaster: it is a plain failure".to_owned()),
    };
    let left = edit.sheet.karma_pool_left();
    if cost > left {
        return Err(refuse(format!(
            "this costs {cost} of the Karma Pool, and {name} has {left} left; nothing was rolled"
        )));
    }
    let roll = if rolled {
        let target_number = request.target_number.unwrap_or_default();
        let cause = request.reason.clone().unwrap_or_else(|| format!("{name} {what} (Karma Pool)"));
        Some(roll::plain(&dice.test(count, target_number, &cause).await?))
    } else {
        None
    };
    if permanent {
        edit.sheet.karma_pool -= cost;
    } else {
        edit.sheet.karma_pool_spent += cost;
    }
    let bought = if permanent { count } else { 0 };
    let message = format!("{name} {what} for {cost} of the Karma Pool");
    edit.says(message.clone());
    Ok(UseKarmaResponse {
        character: name,
        r#use: request.r#use,
        karma_cost: cost,
        karma_pool: edit.sheet.karma_pool,
        karma_pool_left: edit.sheet.karma_pool_left(),
        successes: roll.as_ref().map_or(bought, |roll| roll.successes),
        roll,
        permanent,
        message,
        revision: edit.revision,
    })
}

/// Gives money.
pub fn add_nuyen(edit: &mut Edit, request: AddNuyenRequest) -> Result<NuyenResponse, Status> {
    let AddNuyenRequest { character_name: _, amount, reason } = request;
    let sum = edit.sheet.nuyen.saturating_add(i64::from(amount));
    if sum > MOST_NUYEN {
        return Err(refuse(format!("nuyen would be {sum}; at most {MOST_NUYEN} are kept")));
    }
    edit.sheet.nuyen = sum;
    let message = format!("{} gets {amount} nuyen and has {sum}", edit.sheet.street_name);
    Ok(money(edit, i64::from(amount), message, reason))
}

/// Spends money.
pub fn spend_nuyen(edit: &mut Edit, request: SpendNuyenRequest) -> Result<NuyenResponse, Status> {
    let SpendNuyenRequest { character_name: _, amount, reason } = request;
    edit.pay_nuyen(amount, "this")?;
    let message = format!("{} spends {amount} nuyen and has {}", edit.sheet.street_name, edit.sheet.nuyen);
    Ok(money(edit, -i64::from(amount), message, reason))
}

fn money(edit: &mut Edit, amount: i64, message: String, reason: Option<String>) -> NuyenResponse {
    edit.says(message.clone());
    NuyenResponse {
        character: edit.sheet.street_name.clone(),
        nuyen: edit.sheet.nuyen,
        amount,
        message,
        revision: edit.revision,
        reason,
    }
}
