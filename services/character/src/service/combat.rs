//! The initiative tracker: who acts at which phase of which turn.
//!
//! A fight is a document. Whoever has a sheet carries its id there, which is why his pool dice are counted in the fight
//! and are whole again when it is his turn. Who falls, on his sheet or by word of the game master, has no further action.

mod joining;
mod plane;

pub use joining::{join, leave, wound};

use proto::character::v1::{
    Action, CombatResponse, DelayActionRequest, EndCombatRequest, GetCombatRequest, Initiative, NextActorRequest,
    RollCharacterInitiativeRequest, RollCharacterInitiativeResponse, StartCombatRequest, TakeDelayedActionRequest,
};
use rules::shadowrun2::{
    condition::Wounds,
    house_rules::{HouseRule, HouseRules, NEUROSYNC_DICE},
    initiative::{self, SURPRISED_PHASES, Speed},
    vehicles,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::status::{self, ErrorCode};
use tonic::Status;

use self::plane::Plane;
use super::{Characters, convert, edit::Edit, entries, info, refuse, roll, unknown};
use crate::{
    names,
    sheet::{Attribute, PoolsSpent, Sheet},
    store::{Call, Document, Effects, Kind, Unkept},
};

/// Most who fight in one fight.
const MAX_FIGHTERS: usize = 50;
/// Times a change is tried on what others change, too.
const ATTEMPTS: u32 = 50;

/// Who fights, as the document keeps it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Fighter {
    name: String,
    /// Empty for somebody without a sheet.
    character_id: String,
    base_reaction: u32,
    natural_reaction: u32,
    initiative_dice: u32,
    physical: u32,
    stun: u32,
    reaction: i32,
    rolls: Vec<i32>,
    initiative: u32,
    phases: Vec<u32>,
    roll_id: String,
    note: String,
    /// The action that is held back: its phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back: Option<u32>,
    /// A delayed action that was taken: its phase, and how many had acted in the turn before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stepped_in: Option<(u32, usize)>,
    /// Whether he was surprised as the fight began.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    surprised: bool,
    plane: Plane,
}

/// A fight, as the document keeps it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Fight {
    name: String,
    running: bool,
    turn: u32,
    /// How many have acted in this turn, whoever acts now included.
    acted: usize,
    fighters: Vec<Fighter>,
}

impl Fighter {
    fn of(sheet: &Sheet) -> Fighter {
        let (fixed, dice) = sheet.initiative_parts();
        Fighter {
            name: sheet.street_name.clone(),
            character_id: sheet.id.clone(),
            base_reaction: fixed,
            natural_reaction: sheet.base_attribute(Attribute::Reaction),
            initiative_dice: dice,
            physical: sheet.condition_monitor.physical,
            stun: sheet.condition_monitor.stun,
            ..Fighter::default()
        }
    }

    /// Rolls for a turn; someone out of action or without Reaction does not act.
    async fn roll(&mut self, dice: &mut roll::Dice) -> Result<(), Status> {
        (self.held_back, self.stepped_in) = (None, None);
        self.rolls.clear();
        self.roll_id.clear();
        self.note.clear();
        (self.initiative, self.phases, self.reaction) = (0, Vec::new(), 0);
        match Wounds::of_boxes(self.physical, self.stun).modifiers() {
            Err(error) => self.note = error.to_string(),
            Ok(modifiers) => {
                let loss: i32 = modifiers.iter().map(|modifier| modifier.value).sum();
                self.reaction = i32::try_from(self.base_reaction).unwrap_or(i32::MAX) - loss;
                match u32::try_from(self.reaction) {
                    Ok(reaction @ 1..) => {
                        let cause = format!("{}: initiative", self.name);
                        let rolled = dice.initiative(self.initiative_dice, reaction, &cause).await?;
                        self.initiative = u32::try_from(rolled.initiative).unwrap_or_default();
                        self.phases = initiative::phases(self.initiative);
                        self.rolls = rolled.rolls;
                        self.roll_id = rolled.roll_id;
                    }
                    _ => self.note = "no Reaction is left after wounds: no action this turn".to_owned(),
                }
            }
        }
        Ok(())
    }

    fn speed(&self) -> Speed {
        Speed {
            total: i64::from(self.initiative),
            adjusted_reaction: i64::from(self.reaction),
            natural_reaction: i64::from(self.natural_reaction),
        }
    }
}

impl Fight {
    /// Everybody's actions in this turn, in order.
    fn actions(&self) -> Vec<(u32, &Fighter)> {
        let mut actions: Vec<(u32, &Fighter)> = Vec::new();
        for fighter in &self.fighters {
            actions.extend(fighter.phases.iter().map(|phase| (*phase, fighter)));
        }
        // At the same phase the plane decides, then Reaction, not who had the higher total ten phases ago.
        let reaction = |fighter: &Fighter| (fighter.reaction, fighter.natural_reaction);
        actions.sort_by(|(phase, first), (other, second)| {
            let by_plane = || first.plane.cmp(&second.plane);
            other.cmp(phase).then_with(by_plane).then_with(|| reaction(second).cmp(&reaction(first)))
        });
        // A delayed action stands where it was taken, before whoever acted then.
        let mut stepped_in: Vec<_> =
            self.fighters.iter().filter_map(|fighter| fighter.stepped_in.map(|place| (place, fighter))).collect();
        stepped_in.sort_by_key(|((_, before), _)| *before);
        for ((phase, before), fighter) in stepped_in {
            actions.insert(before.min(actions.len()), (phase, fighter));
        }
        actions
    }

    /// Whoever acts now.
    fn acting(&self) -> Option<(u32, &Fighter)> {
        self.acted.checked_sub(1).and_then(|index| self.actions().into_iter().nth(index)).filter(|_| self.running)
    }

    /// Whoever is surprised has no action in the first ten phases of the fight.
    fn hold_surprised(&mut self) {
        let first = self.fighters.iter().map(|fighter| fighter.initiative).max().unwrap_or_default();
        for fighter in self.fighters.iter_mut().filter(|fighter| fighter.surprised) {
            fighter.phases.retain(|phase| phase + SURPRISED_PHASES <= first);
            fighter.note = format!("surprised: no action in the first {SURPRISED_PHASES} phases");
        }
    }

    /// Who has fallen or left has no further action: reads the sheets, and takes the phases that have not come.
    async fn drop_fallen(&mut self, service: &Characters) -> Result<(), Status> {
        let mut fallen = Vec::new();
        for (index, fighter) in self.fighters.iter_mut().enumerate() {
            if !fighter.character_id.is_empty() {
                match service.store.by_id(&fighter.character_id).await? {
                    Some(record) => {
                        let monitor = record.sheet.condition_monitor;
                        (fighter.physical, fighter.stun) = (monitor.physical, monitor.stun);
                    }
                    None => {
                        fighter.note = "is no longer there".to_owned();
                        fallen.push(index);
                        continue;
                    }
                }
            }
            if let Err(error) = Wounds::of_boxes(fighter.physical, fighter.stun).modifiers() {
                fighter.note = error.to_string();
                fallen.push(index);
            }
        }
        for index in fallen {
            let acted = self.acted_phases(index);
            let fighter = &mut self.fighters[index];
            fighter.held_back = None;
            let stepped_in = fighter.stepped_in.map(|(phase, _)| phase);
            fighter.phases.retain(|phase| acted.contains(phase) && Some(*phase) != stepped_in);
        }
        Ok(())
    }

    /// The phases in which somebody has acted in this turn.
    fn acted_phases(&self, index: usize) -> Vec<u32> {
        let name = &self.fighters[index].name;
        let acted = self.actions().into_iter().take(self.acted).filter(|(_, fighter)| fighter.name == *name);
        acted.map(|(phase, _)| phase).collect()
    }

    /// Goes on to whoever acts next, into a new turn if nobody is left in this one.
    async fn go_on(&mut self, service: &Characters, dice: &mut roll::Dice) -> Result<(), Status> {
        if self.acted > self.actions().len() {
            self.new_turn(service, dice).await?;
        }
        Ok(())
    }

    async fn new_turn(&mut self, service: &Characters, dice: &mut roll::Dice) -> Result<(), Status> {
        self.turn += 1;
        self.acted = 1;
        for fighter in &mut self.fighters {
            if !fighter.character_id.is_empty() {
                let Some(record) = service.store.by_id(&fighter.character_id).await? else {
                    fighter.phases.clear();
                    continue;
                };
                *fighter = joining::on_plane(service, &record.sheet, fighter.plane).await?;
            }
            fighter.surprised = false;
            fighter.roll(dice).await?;
        }
        Ok(())
    }

    fn answer(&self, document: &Document, message: String, revision: u64) -> CombatResponse {
        let mut order: Vec<&Fighter> = self.fighters.iter().collect();
        order.sort_by(|first, second| second.speed().compare(&first.speed()));
        let to_proto = |fighter: &Fighter| Initiative {
            name: fighter.name.clone(),
            character_id: fighter.character_id.clone(),
            reaction: fighter.reaction,
            rolls: fighter.rolls.clone(),
            initiative: fighter.initiative,
            phases: fighter.phases.clone(),
            roll_id: fighter.roll_id.clone(),
            note: fighter.note.clone(),
            plane: fighter.plane.word().to_owned(),
        };
        let acting = self.acting();
        let upcoming = self.actions().into_iter().skip(self.acted).filter(|_| self.running);
        CombatResponse {
            combat_id: document.id.clone(),
            name: self.name.clone(),
            running: self.running,
            turn: self.turn,
            phase: acting.map_or(0, |(phase, _)| phase),
            actor: acting.map(|(_, fighter)| fighter.name.clone()).unwrap_or_default(),
            order: order.into_iter().map(to_proto).collect(),
            upcoming: upcoming.map(|(phase, fighter)| Action { phase, name: fighter.name.clone() }).collect(),
            message,
            revision,
        }
    }

    fn now(&self) -> String {
        match self.acting() {
            Some((phase, fighter)) => format!("turn {}, phase {phase}: {} acts", self.turn, fighter.name),
            None => format!("turn {}: nobody is able to act", self.turn),
        }
    }
}

/// Rolls one character's initiative, beside any fight.
pub async fn roll_one(
    _service: &Characters,
    edit: &mut Edit,
    dice: &mut roll::Dice,
    request: RollCharacterInitiativeRequest,
) -> Result<RollCharacterInitiativeResponse, Status> {
    edit.changes_nothing();
    let sheet = &edit.sheet;
    let mut fighter = Fighter::of(sheet);
    let mut house_rules = Vec::new();
    if let Some(wanted) = &request.line {
        (fighter.base_reaction, fighter.initiative_dice) = line(sheet, &edit.rules, wanted, &mut house_rules)?;
    }
    let modifiers = sheet.wounds().modifiers().map_err(|error| refuse(error.to_string()))?;
    let reaction = fighter.base_reaction;
    fighter.roll(dice).await?;
    let name = sheet.street_name.clone();
    let phases: Vec<String> = fighter.phases.iter().map(u32::to_string).collect();
    let summary = if phases.is_empty() {
        format!("{name}: {}", fighter.note)
    } else {
        format!("{name}: initiative {}, acts in phase {}", fighter.initiative, phases.join(", "))
    };
    let less =
        |modifier: rules::shadowrun2::Modifier| rules::shadowrun2::Modifier { value: -modifier.value, ..modifier };
    Ok(RollCharacterInitiativeResponse {
        character: name,
        reaction,
        modifiers: convert::modifiers(&modifiers.into_iter().map(less).collect::<Vec<_>>()),
        dice: fighter.initiative_dice,
        rolls: fighter.rolls,
        initiative: fighter.initiative,
        phases: fighter.phases,
        roll_id: fighter.roll_id,
        summary,
        house_rules: convert::house_rules(&house_rules),
    })
}

/// Reaction and dice of an initiative beside that of the body: as the sheet has it or, in the Matrix and in a vehicle,
/// by the rule.
fn line(sheet: &Sheet, rules: &HouseRules, wanted: &str, house: &mut Vec<HouseRule>) -> Result<(u32, u32), Status> {
    let own = sheet.initiatives.iter().find(|line| names::is_same(&line.name, wanted));
    let has_neurosync = sheet.cyberware.iter().any(|piece| names::is_part("NeuroSync Processor", &piece.name));
    let is_matrix = names::is_same(wanted, "matrix");
    if is_matrix && has_neurosync && rules.has(HouseRule::NeuroSync) {
        house.push(HouseRule::NeuroSync);
    }
    if let Some(line) = own {
        let text = &line.initiative;
        return info::initiative(text)
            .ok_or_else(|| refuse(format!("the sheet's initiative '{text}' cannot be rolled")));
    }
    let response = sheet.cyberdecks.iter().map(|deck| deck.response_increase.unwrap_or_default()).max();
    if let (true, Some(response)) = (is_matrix, response) {
        let (reaction, dice) = initiative::matrix_initiative(sheet.base_attribute(Attribute::Reaction), response);
        return Ok((reaction, if house.is_empty() { dice } else { dice + NEUROSYNC_DICE }));
    }
    if names::is_same(wanted, "rigged") && sheet.vehicle_control_rig > 0 {
        let reaction = sheet.base_attribute(Attribute::Reaction);
        return Ok(vehicles::rigger_initiative(reaction, sheet.vehicle_control_rig));
    }
    let all: Vec<String> = sheet.initiatives.iter().map(|line| line.name.clone()).collect();
    Err(unknown("initiative", wanted, &all, &format!("{} has", sheet.street_name)))
}

/// Starts a fight.
pub async fn start(service: &Characters, call: &Call, request: StartCombatRequest) -> Result<CombatResponse, Status> {
    let StartCombatRequest { participants, name, campaign_id, reason: _ } = request;
    if !(1..=MAX_FIGHTERS).contains(&participants.len()) {
        return Err(refuse(format!("1 to {MAX_FIGHTERS} participants can fight, not {}", participants.len())));
    }
    let scope = match campaign_id {
        Some(campaign) => service.campaign(&campaign).await?.id,
        None => String::new(),
    };
    let mut fighters: Vec<Fighter> = Vec::new();
    for participant in participants {
        let fighter = joining::fighter(service, participant).await?;
        if fighters.iter().any(|other| names::folded(&other.name) == names::folded(&fighter.name)) {
            return Err(refuse(format!("{} is among the participants twice", fighter.name)));
        }
        fighters.push(fighter);
    }
    let mut fight = Fight { running: true, turn: 1, acted: 1, fighters, ..Fight::default() };
    let mut document = Document::new(Kind::Combat, &scope, "", json!({}));
    // A fight needs no name of its own; its id makes one.
    fight.name = name.unwrap_or_else(|| "Combat".to_owned());
    document.name = format!("{} {}", fight.name, document.id);
    let mut dice = roll::Dice::new(&service.peers, call);
    for fighter in &mut fight.fighters {
        fighter.roll(&mut dice).await?;
    }
    fight.hold_surprised();
    let ids = ids(&fight);
    let id = document.id.clone();
    let message = format!("{} begins; {}", fight.name, fight.now());
    keep(service, call, document, &fight, message, &ids, |edit| {
        edit.sheet.combat_id = Some(id.clone());
        edit.sheet.pools_spent = PoolsSpent::default();
        edit.says("a fight begins");
    })
    .await
}

fn ids(fight: &Fight) -> Vec<String> {
    fight.fighters.iter().map(|fighter| fighter.character_id.clone()).filter(|id| !id.is_empty()).collect()
}

/// Goes on to whoever acts next.
pub async fn next(service: &Characters, call: &Call, request: NextActorRequest) -> Result<CombatResponse, Status> {
    let (document, mut fight) = find(service, request.combat_id.as_deref()).await?;
    running(&fight)?;
    fight.drop_fallen(service).await?;
    fight.acted += 1;
    fight.go_on(service, &mut roll::Dice::new(&service.peers, call)).await?;
    let message = fight.now();
    let refreshed = refreshed(service, &fight).await?;
    keep(service, call, document, &fight, message, &refreshed, refresh).await
}

/// Holds back the action of whoever acts now.
pub async fn delay(service: &Characters, call: &Call, request: DelayActionRequest) -> Result<CombatResponse, Status> {
    let (document, mut fight) = find(service, request.combat_id.as_deref()).await?;
    running(&fight)?;
    check_delays(service, &document).await?;
    let acting = fight.acting().map(|(phase, fighter)| (phase, fighter.name.clone()));
    let (phase, name) = acting.ok_or_else(|| refuse("nobody acts now: there is nothing to hold back"))?;
    let fighter = fight.fighters.iter_mut().find(|fighter| fighter.name == name);
    let fighter = fighter.ok_or_else(|| refuse("nobody acts now"))?;
    if fighter.held_back.is_some() || fighter.stepped_in.is_some() {
        return Err(refuse(format!("{name} has delayed an action in this turn already")));
    }
    fighter.phases.retain(|own| *own != phase);
    fighter.held_back = Some(phase);
    // Whoever came next stands where he stood.
    fight.drop_fallen(service).await?;
    fight.go_on(service, &mut roll::Dice::new(&service.peers, call)).await?;
    let message = format!("{name} holds back the action of phase {phase}; {}", fight.now());
    let refreshed = refreshed(service, &fight).await?;
    keep(service, call, document, &fight, message, &refreshed, refresh).await
}

/// Takes an action that was held back.
pub async fn take_delayed(
    service: &Characters,
    call: &Call,
    request: TakeDelayedActionRequest,
) -> Result<CombatResponse, Status> {
    let (document, mut fight) = find(service, request.combat_id.as_deref()).await?;
    running(&fight)?;
    check_delays(service, &document).await?;
    fight.drop_fallen(service).await?;
    let phase = fight.acting().map(|(phase, _)| phase).ok_or_else(|| refuse("no phase has come: nobody acts now"))?;
    let before = fight.acted.saturating_sub(1);
    let all: Vec<String> = fight.fighters.iter().map(|fighter| fighter.name.clone()).collect();
    let index = entries::find(&all, "fighter", &request.name, "the fight", |name| name)?;
    let acted: Vec<u32> = fight
        .actions()
        .into_iter()
        .take(before)
        .filter(|(_, fighter)| fighter.name == all[index])
        .map(|(phase, _)| phase)
        .collect();
    let fighter = &mut fight.fighters[index];
    if fighter.held_back.take().is_none() {
        return Err(refuse(format!("{} has held back no action (delay_action)", fighter.name)));
    }
    fighter.stepped_in = Some((phase, before));
    // The next action is ten phases after this one, and not before the total allows.
    let total = fighter.phases.iter().copied().find(|own| !acted.contains(own)).unwrap_or_default();
    let next = initiative::action_after_delay(phase, total).unwrap_or_default();
    fighter.phases = [acted, initiative::phases(next)].concat();
    let name = fighter.name.clone();
    let message = format!("{name} steps in at phase {phase}; {}", fight.now());
    let refreshed = refreshed(service, &fight).await?;
    keep(service, call, document, &fight, message, &refreshed, refresh).await
}

/// Refuses delayed actions where the house does not play with them.
async fn check_delays(service: &Characters, document: &Document) -> Result<(), Status> {
    let rule = HouseRule::DelayedActions;
    let rules = service.rules_of(Some(document.scope.as_str()).filter(|scope| !scope.is_empty())).await?;
    if rules.has(rule) {
        return Ok(());
    }
    Err(refuse(format!("actions are not delayed here: switch on the house rule {}", rule.name())))
}

/// Whoever acts now, if he has pool dice to come back.
async fn refreshed(service: &Characters, fight: &Fight) -> Result<Vec<String>, Status> {
    let mut refreshed = Vec::new();
    if let Some((_, fighter)) = fight.acting()
        && let Some(record) = service.store.by_id(&fighter.character_id).await?
        && record.sheet.pools_spent != PoolsSpent::default()
    {
        refreshed.push(record.sheet.id.clone());
    }
    Ok(refreshed)
}

fn refresh(edit: &mut Edit) {
    edit.sheet.pools_spent = PoolsSpent::default();
    edit.says("the dice pools are whole again: it is his action");
}

/// The fight as it stands.
pub async fn get(service: &Characters, request: GetCombatRequest) -> Result<CombatResponse, Status> {
    let (document, mut fight) = find(service, request.combat_id.as_deref()).await?;
    if fight.running {
        fight.drop_fallen(service).await?;
    }
    let message = if fight.running { fight.now() } else { format!("{} is over", fight.name) };
    Ok(fight.answer(&document, message, document.revision))
}

/// Ends a fight.
pub async fn end(service: &Characters, call: &Call, request: EndCombatRequest) -> Result<CombatResponse, Status> {
    let (document, mut fight) = find(service, request.combat_id.as_deref()).await?;
    running(&fight)?;
    fight.running = false;
    let mut leaving = Vec::new();
    for id in ids(&fight) {
        if let Some(record) = service.store.by_id(&id).await?
            && record.sheet.combat_id.as_ref() == Some(&document.id)
        {
            leaving.push(id);
        }
    }
    let message = format!("{} is over after turn {}", fight.name, fight.turn);
    keep(service, call, document, &fight, message, &leaving, |edit| {
        edit.sheet.combat_id = None;
        edit.sheet.pools_spent = PoolsSpent::default();
        edit.says("the fight is over");
    })
    .await
}

fn running(fight: &Fight) -> Result<(), Status> {
    if fight.running { Ok(()) } else { Err(refuse(format!("{} is over; start_combat begins another", fight.name))) }
}

async fn find(service: &Characters, id: Option<&str>) -> Result<(Document, Fight), Status> {
    let document = match id {
        Some(id) => service.store.document(Kind::Combat, id).await?,
        None => service.store.latest_document(Kind::Combat).await?,
    };
    let document = document
        .ok_or_else(|| status::error(ErrorCode::NotFound, "there is no such fight; start_combat begins one"))?;
    let fight = serde_json::from_value(document.content["fight"].clone()).map_err(|error| status::internal(&error))?;
    Ok((document, fight))
}

/// Keeps a fight and the sheets it touches, in one transaction.
async fn keep(
    service: &Characters,
    call: &Call,
    mut document: Document,
    fight: &Fight,
    message: String,
    sheets: &[String],
    change: impl Fn(&mut Edit),
) -> Result<CombatResponse, Status> {
    let before = if document.revision == 0 { json!({}) } else { document.content.clone() };
    let whole = serde_json::to_value(fight).map_err(|error| status::internal(&error))?;
    document.content = json!({"name": document.name, "fight": Value::Null});
    document.content["fight"] = whole;
    let answer = fight.answer(&document, message.clone(), document.revision + 1);
    for _ in 0..ATTEMPTS {
        let mut effects = Effects::from(document.statements(call, &before, &message));
        for id in sheets {
            let Some(record) = service.store.by_id(id).await? else { continue };
            let mut edit = Characters::begin_beside(record);
            change(&mut edit);
            service.add(call, &mut effects, &edit).await?;
        }
        match service.store.keep(call, answer.clone(), effects).await {
            Ok(answer) => {
                sheets.iter().for_each(|id| service.tell(id));
                return Ok(answer);
            }
            Err(Unkept::Refused(status)) => return Err(status),
            // A sheet may have changed; the fight itself must not have.
            Err(Unkept::Conflict) => {
                let now = service.store.document(Kind::Combat, &document.id).await?;
                if now.map_or(0, |now| now.revision) != document.revision {
                    return Err(Unkept::Conflict.into());
                }
            }
        }
    }
    Err(Unkept::Conflict.into())
}
