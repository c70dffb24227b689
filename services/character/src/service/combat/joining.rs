//! Who comes into a fight that goes on, who leaves it, and the wounds of those without a sheet.

use proto::character::v1::{CombatResponse, JoinCombatRequest, LeaveCombatRequest, Participant, WoundFighterRequest};
use tonic::Status;

use super::{Fight, Fighter, MAX_FIGHTERS, find, keep, line, plane::Plane, running};
use crate::{
    names,
    service::{Characters, entries, refuse, roll},
    sheet::{PoolsSpent, Sheet},
    store::Call,
};

/// Reaction of somebody without a sheet. Ours: that of an average person.
const AVERAGE_REACTION: u32 = 3;

/// Who is to fight: a character, or somebody without a sheet.
pub(super) async fn fighter(service: &Characters, participant: Participant) -> Result<Fighter, Status> {
    let Participant { name, reaction, initiative_dice, physical, stun, surprised, plane } = participant;
    let surprised = surprised.unwrap_or_default();
    let plane = Plane::of(plane.as_deref());
    let mut found = service.store.named(&name).await?;
    if found.len() == 1 {
        return Ok(Fighter { surprised, ..on_plane(service, &found.remove(0).sheet, plane).await? });
    }
    entries::check_text("participant", &name)?;
    let base_reaction = reaction.unwrap_or(AVERAGE_REACTION);
    Ok(Fighter {
        name,
        base_reaction,
        natural_reaction: base_reaction,
        initiative_dice: initiative_dice.unwrap_or(1),
        physical: physical.unwrap_or_default(),
        stun: stun.unwrap_or_default(),
        surprised,
        plane,
        ..Fighter::default()
    })
}

/// Who has a sheet, where he acts: in the Matrix his deck sets his initiative, if he has one.
pub(super) async fn on_plane(service: &Characters, sheet: &Sheet, plane: Plane) -> Result<Fighter, Status> {
    let mut fighter = Fighter { plane, ..Fighter::of(sheet) };
    if plane == Plane::Matrix {
        let rules = service.rules_for(sheet).await?;
        if let Ok(matrix) = line(sheet, &rules, plane.word(), &mut Vec::new()) {
            (fighter.base_reaction, fighter.initiative_dice) = matrix;
        }
    }
    Ok(fighter)
}

/// Lets others into a fight; they act in the phases that are still to come.
pub async fn join(service: &Characters, call: &Call, request: JoinCombatRequest) -> Result<CombatResponse, Status> {
    let JoinCombatRequest { participants, combat_id, reason: _ } = request;
    let (document, mut fight) = find(service, combat_id.as_deref()).await?;
    running(&fight)?;
    let most = MAX_FIGHTERS.saturating_sub(fight.fighters.len());
    if participants.is_empty() || most < participants.len() {
        return Err(refuse(format!(
            "1 to {MAX_FIGHTERS} participants can fight: {} are in it and {} would come",
            fight.fighters.len(),
            participants.len()
        )));
    }
    let mut dice = roll::Dice::new(&service.peers, call);
    let now = fight.acting().map(|(phase, _)| phase);
    let (mut joined, mut ids) = (Vec::new(), Vec::new());
    for participant in participants {
        let mut new = fighter(service, participant).await?;
        if fight.fighters.iter().any(|other| names::folded(&other.name) == names::folded(&new.name)) {
            return Err(refuse(format!("{} is in the fight already", new.name)));
        }
        new.roll(&mut dice).await?;
        new.phases.retain(|phase| now.is_none_or(|now| *phase < now));
        joined.push(new.name.clone());
        ids.extend(Some(new.character_id.clone()).filter(|id| !id.is_empty()));
        fight.fighters.push(new);
    }
    fight.drop_fallen(service).await?;
    let message = format!("{} joins; {}", joined.join(", "), fight.now());
    let id = document.id.clone();
    keep(service, call, document, &fight, message, &ids, |edit| {
        edit.sheet.combat_id = Some(id.clone());
        edit.sheet.pools_spent = PoolsSpent::default();
        edit.says("joins a fight");
    })
    .await
}

/// Takes somebody out of a fight; if it was his action, it is the next one's. With the last of them it is over.
pub async fn leave(service: &Characters, call: &Call, request: LeaveCombatRequest) -> Result<CombatResponse, Status> {
    let LeaveCombatRequest { name, combat_id, reason: _ } = request;
    let (document, mut fight) = find(service, combat_id.as_deref()).await?;
    running(&fight)?;
    let index = named(&fight, &name)?;
    fight.drop_fallen(service).await?;
    let leaver = fight.fighters[index].clone();
    let order: Vec<String> = fight.actions().into_iter().map(|(_, fighter)| fighter.name.clone()).collect();
    let before = |place: usize| order.iter().take(place).filter(|name| **name == leaver.name).count();
    let is_acting = fight.acting().is_some_and(|(_, fighter)| fighter.name == leaver.name);
    let acted = fight.acted - before(fight.acted);
    for fighter in &mut fight.fighters {
        if let Some((_, place)) = &mut fighter.stepped_in {
            *place -= before(*place);
        }
    }
    fight.acted = if is_acting { acted + 1 } else { acted.max(1) };
    fight.fighters.remove(index);
    fight.running = !fight.fighters.is_empty();
    if fight.running {
        fight.go_on(service, &mut roll::Dice::new(&service.peers, call)).await?;
    }
    let then = if fight.running { fight.now() } else { format!("{} is over", fight.name) };
    let message = format!("{} leaves the fight; {then}", leaver.name);
    let ids: Vec<String> = Some(leaver.character_id).filter(|id| !id.is_empty()).into_iter().collect();
    let id = document.id.clone();
    keep(service, call, document, &fight, message, &ids, |edit| {
        if edit.sheet.combat_id.as_ref() == Some(&id) {
            edit.sheet.combat_id = None;
            edit.sheet.pools_spent = PoolsSpent::default();
            edit.says("leaves the fight");
        } else {
            edit.changes_nothing();
        }
    })
    .await
}

/// Marks the wounds of somebody without a sheet: with ten boxes he has no further action.
pub async fn wound(service: &Characters, call: &Call, request: WoundFighterRequest) -> Result<CombatResponse, Status> {
    let WoundFighterRequest { name, physical, stun, combat_id, reason: _ } = request;
    let (document, mut fight) = find(service, combat_id.as_deref()).await?;
    running(&fight)?;
    let index = named(&fight, &name)?;
    let fighter = &mut fight.fighters[index];
    if !fighter.character_id.is_empty() {
        return Err(refuse(format!("{} has a sheet: apply_damage and resist_damage mark his wounds", fighter.name)));
    }
    if physical.is_none() && stun.is_none() {
        return Err(refuse("give `physical` or `stun`: the boxes that are filled now"));
    }
    fighter.physical = physical.unwrap_or(fighter.physical);
    fighter.stun = stun.unwrap_or(fighter.stun);
    let (name, physical, stun) = (fighter.name.clone(), fighter.physical, fighter.stun);
    fight.drop_fallen(service).await?;
    let message = format!("{name}: {physical} boxes Physical, {stun} Stun; {}", fight.now());
    keep(service, call, document, &fight, message, &[], |_| {}).await
}

fn named(fight: &Fight, name: &str) -> Result<usize, Status> {
    entries::find(&fight.fighters, "fighter", name, "the fight", |fighter| &fighter.name)
}
