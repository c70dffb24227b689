//! Which function answers which RPC, and how: a line each.
//!
//! - `read`: from the sheet alone.
//! - `edit`: changes the sheet and rolls nothing; made again if another change was faster.
//! - `ruled`: the same where house rules count.
//! - `roll`: rolls and changes the sheet.
//! - `call`: changes something else, or more than one sheet.
//! - `ask`: reads something else.

use proto::character::v1::{
    self, battle_service_server::BattleService, campaign_service_server::CampaignService,
    combat_service_server::CombatService, conjuring_service_server::ConjuringService, gear_service_server::GearService,
    lookup_service_server::LookupService, machine_service_server::MachineService, magic_service_server::MagicService,
    sheet_service_server::SheetService,
};
use tonic::{Request, Response, Status, codegen::BoxStream};

use super::{
    Characters, accessories, ammunition, audit, campaign, combat, conjuring, creation, damage, edit::Edit, gear,
    grenade, healing, info, karma, lookup, machines, magic, melee, modifiers, people, pools, read, roll::Dice, skills,
    surprise, sustaining, vehicle_damage, vehicles, ware,
};
use crate::store::Call;

macro_rules! answer {
    (read, $service:ident, $request:ident, $answer:ident, $sent:ident, $handler:path) => {{
        let request: v1::$request = $sent.into_inner();
        let record = $service.find(&request.character_name).await?;
        $handler(&record, request)
    }};
    (ask, $service:ident, $request:ident, $answer:ident, $sent:ident, $handler:path) => {{ $handler($service, $sent.into_inner()).await }};
    (edit, $service:ident, $request:ident, $answer:ident, $sent:ident, $handler:path) => {{
        let call = Call::of(stringify!($request), stringify!($answer), &$sent)?;
        let request: v1::$request = $sent.into_inner();
        let call = call.because(request.reason.as_deref());
        match $service.store.answered(&call).await? {
            Some(answer) => Ok(answer),
            None => $service.edited(&call, &request.character_name, |edit| $handler(edit, request.clone())).await,
        }
    }};
    (ruled, $service:ident, $request:ident, $answer:ident, $sent:ident, $handler:path) => {{
        let call = Call::of(stringify!($request), stringify!($answer), &$sent)?;
        let request: v1::$request = $sent.into_inner();
        let call = call.because(request.reason.as_deref());
        match $service.store.answered(&call).await? {
            Some(answer) => Ok(answer),
            None => {
                let change = |edit: &mut Edit| $handler(edit, request.clone());
                $service.edited_with_rules(&call, &request.character_name, change).await
            }
        }
    }};
    (roll, $service:ident, $request:ident, $answer:ident, $sent:ident, $handler:path) => {{
        let call = Call::of(stringify!($request), stringify!($answer), &$sent)?;
        let request: v1::$request = $sent.into_inner();
        let call = call.because(request.reason.as_deref());
        match $service.store.answered(&call).await? {
            Some(answer) => Ok(answer),
            None => {
                let mut edit = $service.begin_with_rules(&request.character_name).await?;
                let mut dice = Dice::new(&$service.peers, &call);
                let answer = $handler($service, &mut edit, &mut dice, request).await?;
                $service.commit(&call, edit, answer).await.map_err(Status::from)
            }
        }
    }};
    (call, $service:ident, $request:ident, $answer:ident, $sent:ident, $handler:path) => {{
        let call = Call::of(stringify!($request), stringify!($answer), &$sent)?;
        let request: v1::$request = $sent.into_inner();
        let call = call.because(request.reason.as_deref());
        match $service.store.answered(&call).await? {
            Some(answer) => Ok(answer),
            None => $handler($service, &call, request).await,
        }
    }};
}

macro_rules! routes {
    ($service:ident { $($mode:ident $method:ident($request:ident) -> $answer:ident = $handler:path;)* } $(also { $($other:item)* })?) => {
        #[tonic::async_trait]
        impl $service for Characters {
            $(
                async fn $method(&self, sent: Request<v1::$request>) -> Result<Response<v1::$answer>, Status> {
                    let service = self;
                    let answer: Result<v1::$answer, Status> = answer!($mode, service, $request, $answer, sent, $handler);
                    answer.map(Response::new)
                }
            )*
            $($($other)*)?
        }
    };
}

routes! { SheetService {
    call create_character(CreateCharacterRequest) -> ChangeResponse = creation::create;
    edit update_character_info(UpdateCharacterInfoRequest) -> ChangeResponse = info::update;
    edit update_derived_stats(UpdateDerivedStatsRequest) -> ChangeResponse = info::update_derived;
    edit delete_character(DeleteCharacterRequest) -> ChangeResponse = creation::delete;
    call restore_character(RestoreCharacterRequest) -> ChangeResponse = creation::restore;
    read export_character(ExportCharacterRequest) -> ExportCharacterResponse = creation::export;
    call import_character(ImportCharacterRequest) -> ChangeResponse = creation::import;
    ask get_audit_log(GetAuditLogRequest) -> GetAuditLogResponse = audit::log;
    ask get_ledger(GetLedgerRequest) -> GetLedgerResponse = audit::ledger;
    edit update_attribute(UpdateAttributeRequest) -> ChangeResponse = skills::update_attribute;
    read get_skills(GetSkillsRequest) -> GetSkillsResponse = skills::get;
    edit add_skill(AddSkillRequest) -> ChangeResponse = skills::add;
    edit improve_skill(ImproveSkillRequest) -> ChangeResponse = skills::improve;
    edit add_specialization(AddSpecializationRequest) -> ChangeResponse = skills::specialize;
    edit remove_skill(RemoveSkillRequest) -> ChangeResponse = skills::remove;
    edit add_karma(AddKarmaRequest) -> KarmaResponse = karma::add;
    edit spend_karma(SpendKarmaRequest) -> KarmaResponse = karma::spend;
    edit update_karma_pool(UpdateKarmaPoolRequest) -> KarmaResponse = karma::update_pool;
    edit set_karma(SetKarmaRequest) -> KarmaResponse = karma::set;
    roll use_karma(UseKarmaRequest) -> UseKarmaResponse = karma::use_pool;
    edit add_nuyen(AddNuyenRequest) -> NuyenResponse = karma::add_nuyen;
    edit spend_nuyen(SpendNuyenRequest) -> NuyenResponse = karma::spend_nuyen;
    read get_contacts(GetContactsRequest) -> GetContactsResponse = people::contacts;
    edit add_contact(AddContactRequest) -> ChangeResponse = people::add_contact;
    edit update_contact_loyalty(UpdateContactLoyaltyRequest) -> ChangeResponse = people::update_loyalty;
    read get_edges_flaws(GetEdgesFlawsRequest) -> GetEdgesFlawsResponse = people::edges_flaws;
    edit add_edge_flaw(AddEdgeFlawRequest) -> ChangeResponse = people::add_edge_flaw;
    read get_relationships(GetRelationshipsRequest) -> GetRelationshipsResponse = people::relationships;
    edit add_relationship(AddRelationshipRequest) -> ChangeResponse = people::add_relationship;
    read get_active_effects(GetActiveEffectsRequest) -> GetActiveEffectsResponse = modifiers::effects;
    edit add_active_effect(AddActiveEffectRequest) -> ChangeResponse = modifiers::add_effect;
    edit update_effect_duration(UpdateEffectDurationRequest) -> ChangeResponse = modifiers::update_duration;
    edit remove_active_effect(RemoveActiveEffectRequest) -> ChangeResponse = modifiers::remove_effect;
    read get_modifiers(GetModifiersRequest) -> GetModifiersResponse = modifiers::get;
    edit add_modifier(AddModifierRequest) -> ChangeResponse = modifiers::add;
    edit update_modifier(UpdateModifierRequest) -> ChangeResponse = modifiers::update;
    edit remove_modifier(RemoveModifierRequest) -> ChangeResponse = modifiers::remove;
} also {
        async fn read_sheet(
            &self,
            request: Request<v1::ReadSheetRequest>,
        ) -> Result<Response<v1::ReadSheetResponse>, Status> {
            let as_of = self.store.as_of();
            let mut answer = Response::new(read::sheet(self, request.into_inner()).await?);
            // Whoever shares this process need not ask again as long as it is now.
            if let Some(as_of) = as_of {
                answer.extensions_mut().insert(as_of);
            }
            Ok(answer)
        }

        async fn watch_character(
            &self,
            request: Request<v1::WatchCharacterRequest>,
        ) -> Result<Response<BoxStream<v1::CharacterChange>>, Status> {
            audit::watch(self, request.into_inner()).await.map(Response::new)
        }
} }

routes! { GearService {
    read get_gear(GetGearRequest) -> GetGearResponse = gear::get;
    edit add_gear(AddGearRequest) -> ChangeResponse = gear::add;
    edit update_gear_quantity(UpdateGearQuantityRequest) -> ChangeResponse = gear::update_quantity;
    edit remove_gear(RemoveGearRequest) -> ChangeResponse = gear::remove;
    read get_cyberware(GetCyberwareRequest) -> GetCyberwareResponse = ware::cyberware;
    read get_bioware(GetBiowareRequest) -> GetBiowareResponse = ware::bioware;
    ruled wear_armor(WearArmorRequest) -> ChangeResponse = gear::wear;
    edit mount_accessory(MountAccessoryRequest) -> ChangeResponse = accessories::mount;
    edit remove_accessory(RemoveAccessoryRequest) -> ChangeResponse = accessories::remove;
    ruled add_cyberware(AddCyberwareRequest) -> ChangeResponse = ware::add_cyberware;
    edit add_bioware(AddBiowareRequest) -> ChangeResponse = ware::add_bioware;
    edit update_cyberware(UpdateCyberwareRequest) -> ChangeResponse = ware::update_cyberware;
    edit remove_cyberware(RemoveCyberwareRequest) -> ChangeResponse = ware::remove_cyberware;
    edit remove_bioware(RemoveBiowareRequest) -> ChangeResponse = ware::remove_bioware;
    read get_vehicles(GetVehiclesRequest) -> GetVehiclesResponse = vehicles::get;
    edit add_vehicle(AddVehicleRequest) -> ChangeResponse = vehicles::add;
    edit update_vehicle(UpdateVehicleRequest) -> ChangeResponse = vehicles::update;
    edit remove_vehicle(RemoveVehicleRequest) -> ChangeResponse = vehicles::remove;
    read get_cyberdecks(GetCyberdecksRequest) -> GetCyberdecksResponse = vehicles::decks;
    edit add_cyberdeck(AddCyberdeckRequest) -> ChangeResponse = vehicles::add_deck;
} }

routes! { MagicService {
    read get_spells(GetSpellsRequest) -> GetSpellsResponse = magic::spells;
    edit add_spell(AddSpellRequest) -> ChangeResponse = magic::add_spell;
    edit update_spell(UpdateSpellRequest) -> ChangeResponse = magic::update_spell;
    edit remove_spell(RemoveSpellRequest) -> ChangeResponse = magic::remove_spell;
    call sustain_spell(SustainSpellRequest) -> ChangeResponse = sustaining::sustain;
    read get_spirits(GetSpiritsRequest) -> GetSpiritsResponse = magic::spirits;
    edit add_spirit(AddSpiritRequest) -> ChangeResponse = magic::add_spirit;
    edit update_spirit_services(UpdateSpiritServicesRequest) -> ChangeResponse = magic::update_services;
    read get_foci(GetFociRequest) -> GetFociResponse = magic::foci;
    edit add_focus(AddFocusRequest) -> ChangeResponse = magic::add_focus;
    read get_powers(GetPowersRequest) -> GetPowersResponse = magic::powers;
    edit add_power(AddPowerRequest) -> ChangeResponse = magic::add_power;
    edit update_power_level(UpdatePowerLevelRequest) -> ChangeResponse = magic::update_power_level;
} }

routes! { CombatService {
    read get_combat_pool(GetCombatPoolRequest) -> GetCombatPoolResponse = pools::get;
    edit allocate_pool(AllocatePoolRequest) -> AllocatePoolResponse = pools::allocate;
    edit refresh_pools(RefreshPoolsRequest) -> ChangeResponse = pools::refresh;
    roll ranged_combat(RangedCombatRequest) -> CalculateRangedAttackResponse = melee::ranged;
    roll melee_combat(MeleeCombatRequest) -> MeleeCombatResponse = melee::strike;
    roll resist_damage(ResistDamageRequest) -> ResistDamageResponse = damage::resist;
    edit apply_damage(ApplyDamageRequest) -> ApplyDamageResponse = damage::apply;
    roll heal(HealRequest) -> HealResponse = healing::heal;
    roll first_aid(FirstAidRequest) -> FirstAidResponse = healing::first_aid;
    edit spend_ammo(SpendAmmoRequest) -> AmmoResponse = ammunition::spend;
    edit reload(ReloadRequest) -> AmmoResponse = ammunition::reload;
    roll roll_character_initiative(RollCharacterInitiativeRequest) -> RollCharacterInitiativeResponse = combat::roll_one;
    call start_combat(StartCombatRequest) -> CombatResponse = combat::start;
    call next_actor(NextActorRequest) -> CombatResponse = combat::next;
    ask get_combat(GetCombatRequest) -> CombatResponse = combat::get;
    call end_combat(EndCombatRequest) -> CombatResponse = combat::end;
} }

routes! { BattleService {
    call test_surprise(TestSurpriseRequest) -> TestSurpriseResponse = surprise::test;
    roll throw_grenade(ThrowGrenadeRequest) -> ThrowGrenadeResponse = grenade::throw;
    ask attack_barrier(AttackBarrierRequest) -> AttackBarrierResponse = grenade::barrier;
    edit pass_time(PassTimeRequest) -> PassTimeResponse = surprise::pass_time;
    call delay_action(DelayActionRequest) -> CombatResponse = combat::delay;
    call take_delayed_action(TakeDelayedActionRequest) -> CombatResponse = combat::take_delayed;
    call join_combat(JoinCombatRequest) -> CombatResponse = combat::join;
    call leave_combat(LeaveCombatRequest) -> CombatResponse = combat::leave;
    call wound_fighter(WoundFighterRequest) -> CombatResponse = combat::wound;
} }

routes! { ConjuringService {
    roll conjure_spirit(ConjureSpiritRequest) -> ConjureSpiritResponse = conjuring::conjure;
    edit use_spirit_service(UseSpiritServiceRequest) -> ChangeResponse = conjuring::use_service;
    roll learn_spell(LearnSpellRequest) -> LearnSpellResponse = conjuring::learn;
    roll notice_spellcasting(NoticeSpellcastingRequest) -> NoticeSpellcastingResponse = surprise::notice;
} }

routes! { MachineService {
    roll drive_vehicle(DriveVehicleRequest) -> DriveVehicleResponse = machines::drive;
    roll damage_vehicle(DamageVehicleRequest) -> DamageVehicleResponse = vehicle_damage::strike;
    roll run_program(RunProgramRequest) -> RunProgramResponse = machines::run;
} }

routes! { CampaignService {
    call create_campaign(CreateCampaignRequest) -> CampaignResponse = campaign::create;
    ask list_campaigns(ListCampaignsRequest) -> ListCampaignsResponse = campaign::list;
    ask get_campaign(GetCampaignRequest) -> CampaignResponse = campaign::get;
    call update_campaign_state(UpdateCampaignStateRequest) -> CampaignResponse = campaign::update_state;
    call add_campaign_milestone(AddCampaignMilestoneRequest) -> CampaignResponse = campaign::add_milestone;
    call join_campaign(JoinCampaignRequest) -> CampaignResponse = campaign::join;
    call leave_campaign(LeaveCampaignRequest) -> CampaignResponse = campaign::leave;
    call register_npc(RegisterNpcRequest) -> NpcResponse = campaign::register_npc;
    call update_npc(UpdateNpcRequest) -> NpcResponse = campaign::update_npc;
    ask get_campaign_npcs(GetCampaignNpcsRequest) -> GetCampaignNpcsResponse = campaign::npcs;
    call add_campaign_npc(AddCampaignNpcRequest) -> NpcResponse = campaign::add_npc;
    call update_campaign_npc(UpdateCampaignNpcRequest) -> NpcResponse = campaign::update_named_npc;
    ask get_house_rules(GetHouseRulesRequest) -> GetHouseRulesResponse = campaign::house_rules;
    call add_house_rule(AddHouseRuleRequest) -> HouseRuleResponse = campaign::add_house_rule;
    call toggle_house_rule(ToggleHouseRuleRequest) -> HouseRuleResponse = campaign::toggle_house_rule;
} }

routes! { LookupService {
    ask query_shadowrun(QueryShadowrunRequest) -> QueryShadowrunResponse = lookup::query;
    ask lookup_gear(LookupGearRequest) -> LookupGearResponse = lookup::gear;
    ask compare_gear(CompareGearRequest) -> CompareGearResponse = lookup::compare;
    ask get_gear_details(GetGearDetailsRequest) -> GetGearDetailsResponse = lookup::details;
} }
