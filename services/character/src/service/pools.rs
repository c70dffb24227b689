//! Dice pools: what is in them, setting dice aside, making them whole again.

use proto::character::v1::{
    AllocatePoolRequest, AllocatePoolResponse, ChangeResponse, GetCombatPoolRequest, GetCombatPoolResponse, PoolState,
    RefreshPoolsRequest,
};
use serde_json::json;
use tonic::Status;

use super::{edit::Edit, refuse};
use crate::{
    sheet::{Attribute, ModifierType, Pool, PoolsSpent, Sheet},
    store::Record,
};

/// Every pool.
pub fn get(record: &Record, _request: GetCombatPoolRequest) -> Result<GetCombatPoolResponse, Status> {
    let sheet = &record.sheet;
    let mut pools: Vec<PoolState> = Pool::ALL
        .into_iter()
        .filter(|pool| *pool == Pool::Combat || sheet.pool(*pool) > 0)
        .map(|pool| PoolState {
            pool: pool.word().to_owned(),
            size: sheet.pool(pool),
            spent: sheet.pool_spent(pool).min(sheet.pool(pool)),
            left: sheet.pool_left(pool),
            breakdown: breakdown(sheet, pool),
        })
        .collect();
    pools.push(PoolState {
        pool: "karma".to_owned(),
        size: sheet.karma_pool,
        spent: sheet.karma_pool_spent.min(sheet.karma_pool),
        left: sheet.karma_pool_left(),
        breakdown: "a tenth of the Karma earned".to_owned(),
    });
    Ok(GetCombatPoolResponse {
        character: sheet.street_name.clone(),
        combat_pool: sheet.combat_pool(),
        magic_pool: sheet.magic_pool(),
        hacking_pool: sheet.hacking_pool(),
        control_pool: sheet.control_pool(),
        karma_pool: sheet.karma_pool,
        pools,
    })
}

fn breakdown(sheet: &Sheet, pool: Pool) -> String {
    let rating = |attribute: Attribute| sheet.attribute(attribute);
    let mut text = match pool {
        Pool::Combat => format!(
            "half of Quickness {} + Intelligence {} + Willpower {}",
            rating(Attribute::Quickness),
            rating(Attribute::Intelligence),
            rating(Attribute::Willpower)
        ),
        Pool::Magic => format!("Sorcery {} + power foci {}", sheet.rating("Sorcery"), sheet.power_foci()),
        Pool::Hacking => format!("Computer {} + Reaction with the deck's response increase", sheet.rating("Computer")),
        Pool::Control => {
            format!("natural Reaction + 2 for each level of the control rig, {}", sheet.vehicle_control_rig)
        }
    };
    if let (Pool::Combat, Some((armor, dice))) = (pool, sheet.heavy_armor_loss()) {
        text += &format!(" -{dice} ({} is above Quickness)", armor.gear_name);
    }
    for (source, _, modifier) in sheet.modifiers_on(ModifierType::Pool, &format!("{}_pool", pool.word())) {
        text += &format!(" {:+} ({source})", modifier.modifier_value);
    }
    text
}

/// Sets dice aside.
pub fn allocate(edit: &mut Edit, request: AllocatePoolRequest) -> Result<AllocatePoolResponse, Status> {
    let AllocatePoolRequest { character_name: _, pool, dice, purpose, reason: _ } = request;
    let kind = Pool::parse(&pool).ok_or_else(|| refuse("there is no such pool"))?;
    let left = edit.sheet.pool_left(kind);
    let name = edit.sheet.street_name.clone();
    if dice > left {
        return Err(refuse(format!("{dice} dice are more than the {left} left in the {pool} pool of {name}")));
    }
    edit.sheet.spend_pool(kind, dice);
    let is_defense = purpose.as_deref().is_some_and(|purpose| purpose.to_lowercase().contains("defen"));
    if kind == Pool::Magic && is_defense {
        edit.sheet.pools_spent.spell_defense += dice;
    }
    let what = purpose.map(|purpose| format!(" for {purpose}")).unwrap_or_default();
    let message = format!("{name} sets {dice} dice of the {pool} pool aside{what}");
    edit.says(message.clone());
    Ok(AllocatePoolResponse {
        character: name,
        pool,
        dice,
        pool_remaining: edit.sheet.pool_left(kind),
        message,
        revision: edit.revision,
    })
}

/// Makes the pools whole again.
pub fn refresh(edit: &mut Edit, request: RefreshPoolsRequest) -> Result<ChangeResponse, Status> {
    edit.sheet.pools_spent = PoolsSpent::default();
    let scene = request.scene.unwrap_or_default();
    if scene {
        edit.sheet.karma_pool_spent = 0;
    }
    let karma = if scene { " and the Karma Pool" } else { "" };
    let message = format!("the dice pools{karma} of {} are whole again", edit.sheet.street_name);
    let sheet = &edit.sheet;
    let entry = json!({
        "combat_pool": sheet.combat_pool(), "magic_pool": sheet.magic_pool(), "hacking_pool": sheet.hacking_pool(),
        "control_pool": sheet.control_pool(), "karma_pool_left": sheet.karma_pool_left(),
    });
    Ok(edit.done(message, Some(entry)))
}
