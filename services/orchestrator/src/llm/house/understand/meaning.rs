//! What a message means: an action, and everything that was said about it.

use crate::llm::house::lexicon::{Section, WeaponKind};

/// A message, understood.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Understanding {
    /// What he wants.
    pub(crate) action: Action,
    /// Everything he said about it.
    pub(crate) details: Details,
    /// The active character he named as the one who acts or is asked about.
    pub(crate) actor: Option<String>,
    /// A name he gave that no active character has: "Raven" in "Raven's sheet".
    pub(crate) stranger: Option<String>,
    /// Whether he speaks as his character: "I", "my".
    pub(crate) is_first_person: bool,
    /// Whether everybody at the table is meant.
    pub(crate) is_for_all: bool,
    /// Whether he says little more than a name: the answer to "who?".
    pub(crate) is_name: bool,
}

/// What a player wants.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Action {
    /// A shot.
    Attack,
    /// Close combat, with the skill it takes.
    Melee(String),
    /// A spell.
    Cast,
    /// To let go of a sustained spell.
    DropSpell,
    /// To know what a deed would need, without doing it.
    Asked(Box<Action>),
    /// To know which spells are sustained.
    Sustained,
    /// A test of a skill.
    SkillTest(String),
    /// A test of an attribute, by its name on the sheet.
    AttributeTest(String),
    /// First aid.
    FirstAid,
    /// Combat Pool dice are kept to resist damage.
    Defend,
    /// An attack told of by the player is resisted.
    Resist,
    /// A wound is marked as it is told.
    Wound,
    /// Something is bought.
    Buy(Purchase),
    /// Money goes.
    Spend,
    /// A skill is raised to a rating.
    Improve(Option<String>),
    /// The Karma Pool helps, in the way that `use_karma` calls it.
    Karma(&'static str),
    /// A spirit is called, of the kind that is named.
    Conjure(Option<String>),
    /// A vehicle is driven, by its name.
    Drive {
        /// Its name.
        vehicle: String,
        /// The terrain, as `drive_vehicle` calls it.
        terrain: Option<&'static str>,
    },
    /// A grenade is thrown, of the kind that is named.
    Grenade(Option<&'static str>),
    /// To know who acts when.
    Order,
    /// To know how a foe stands.
    FoeStands(String),
    /// A fresh clip.
    Reload,
    /// To sleep and heal.
    Rest,
    /// A fight begins.
    StartFight,
    /// Whoever has the move lets it go by.
    Pass,
    /// A fight is over.
    EndFight,
    /// Foes come into the scene.
    Foes,
    /// To speak to somebody.
    Talk(String),
    /// To be given a job.
    Job,
    /// What the campaign is after.
    Objective(String),
    /// What the campaign has reached.
    Milestone(String),
    /// Somebody the campaign is to remember.
    Npc(String),
    /// Plain dice.
    Roll,
    /// Initiative.
    Initiative,
    /// Something on a sheet.
    Sheet(Question),
    /// Who is at the table.
    Party,
    /// Which characters exist.
    Characters,
    /// How the scene stands.
    TellScene,
    /// The scene changes; nothing else.
    Scene,
    /// Something that no rule of his decides: "I reload", "I talk to the bartender".
    Free,
    /// A question about the rules themselves.
    Rules,
    /// What a difficulty means in target numbers.
    TargetNumber,
    /// "ok", "yes", "no".
    Nod,
    /// The same as before.
    Again,
    /// To do nothing: "I don't shoot".
    Hold,
    /// To bend the rules: "give me 20 successes".
    Plea,
    /// Something beyond this game master, with the nearest thing he can do.
    Unsupported(&'static str),
    /// Good evening.
    Greeting,
    /// What can you do?
    Help,
    /// Thank you.
    Thanks,
    /// Only details: an answer to a question, perhaps.
    Fragment,
    /// Nothing he knows.
    #[default]
    Nothing,
}

impl Action {
    /// Whether it is a deed of a character, which may be done again by saying so.
    pub(crate) fn is_deed(&self) -> bool {
        matches!(
            self,
            Action::Attack
                | Action::Melee(_)
                | Action::Cast
                | Action::DropSpell
                | Action::SkillTest(_)
                | Action::AttributeTest(_)
                | Action::Roll
                | Action::Initiative
                | Action::FirstAid
                | Action::Reload
                | Action::Buy(_)
                | Action::Spend
                | Action::Improve(_)
                | Action::Karma(_)
                | Action::Conjure(_)
                | Action::Drive { .. }
                | Action::Grenade(_)
        )
    }

    /// Whether something is done, rather than told or looked up.
    pub(crate) fn acts(&self) -> bool {
        let changes = matches!(
            self,
            Action::Defend
                | Action::Resist
                | Action::Wound
                | Action::Rest
                | Action::StartFight
                | Action::Pass
                | Action::EndFight
                | Action::Foes
                | Action::Objective(_)
                | Action::Milestone(_)
                | Action::Npc(_)
                | Action::Scene
                | Action::Again
        );
        changes || self.is_deed()
    }
}

/// What is asked of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Question {
    /// A section of it.
    Section(Section),
    /// One skill.
    Skill(String),
    /// One attribute, by its name on the sheet.
    Attribute(String),
    /// Whether something is on it: "do I have a smartlink?".
    Item(String),
}

/// What somebody buys.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Purchase {
    /// Its name; empty if none was given.
    pub(crate) thing: String,
    /// How many.
    pub(crate) count: u32,
}

/// A weapon, as far as it was named.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WeaponSaid {
    /// By name.
    Named(String),
    /// By kind: "my pistol".
    Kind(WeaponKind, String),
}

/// What was said about an action. Distances in metres.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Details {
    pub(crate) weapon: Option<WeaponSaid>,
    pub(crate) target: Option<String>,
    /// Targets beside the first.
    pub(crate) also: Vec<String>,
    /// Foes who are told of, each kind with how many of it there are.
    pub(crate) foes: Vec<(String, u32)>,
    /// A weapon for close combat, as the rule book calls it.
    pub(crate) arm: Option<String>,
    pub(crate) distance: Option<u32>,
    /// A range by its name, such as "medium".
    pub(crate) range: Option<String>,
    pub(crate) light: Option<String>,
    pub(crate) movement: Option<String>,
    pub(crate) own_movement: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) air: Option<String>,
    pub(crate) firing_mode: Option<String>,
    pub(crate) rounds: Option<u32>,
    pub(crate) ammunition: Option<String>,
    pub(crate) cover: Option<String>,
    pub(crate) aim_actions: Option<u32>,
    pub(crate) is_called_shot: bool,
    pub(crate) combat_pool: Option<u32>,
    /// Whether he wants "all" or "half" of a pool, whose size only the sheet knows.
    pub(crate) is_pool_vague: bool,
    pub(crate) spell: Option<String>,
    pub(crate) force: Option<u32>,
    pub(crate) spell_pool: Option<u32>,
    pub(crate) drain_pool: Option<u32>,
    pub(crate) dice: Option<u32>,
    pub(crate) notation: Option<String>,
    pub(crate) target_number: Option<u32>,
    pub(crate) difficulty: Option<String>,
    pub(crate) is_again: bool,
    /// Whether a rest takes days.
    pub(crate) is_long: bool,
    /// What is to be looked up.
    pub(crate) query: Option<String>,
    /// Shots in one go: "twice".
    pub(crate) shots: Option<u32>,
    /// Combat Pool dice kept to resist damage.
    pub(crate) defence_pool: Option<u32>,
    /// A damage code, such as "6M".
    pub(crate) damage: Option<String>,
    /// Successes behind it.
    pub(crate) successes: Option<u32>,
    /// Boxes of a wound, or its level; and whether it is Stun.
    pub(crate) boxes: Option<u32>,
    pub(crate) wound: Option<String>,
    pub(crate) is_stun: bool,
    /// A sum of money.
    pub(crate) nuyen: Option<u32>,
    /// A number that stands alone: the answer to "at what Force?".
    pub(crate) number: Option<u32>,
}

impl Details {
    /// These details, completed by earlier ones where they say nothing.
    pub(crate) fn or(self, earlier: Details) -> Details {
        Details {
            weapon: self.weapon.or(earlier.weapon),
            target: self.target.or(earlier.target),
            also: if self.also.is_empty() { earlier.also } else { self.also },
            foes: if self.foes.is_empty() { earlier.foes } else { self.foes },
            arm: self.arm.or(earlier.arm),
            distance: self.distance.or(earlier.distance),
            range: self.range.or(earlier.range),
            light: self.light.or(earlier.light),
            movement: self.movement.or(earlier.movement),
            own_movement: self.own_movement.or(earlier.own_movement),
            location: self.location.or(earlier.location),
            air: self.air.or(earlier.air),
            firing_mode: self.firing_mode.or(earlier.firing_mode),
            rounds: self.rounds.or(earlier.rounds),
            ammunition: self.ammunition.or(earlier.ammunition),
            cover: self.cover.or(earlier.cover),
            aim_actions: self.aim_actions.or(earlier.aim_actions),
            is_called_shot: self.is_called_shot || earlier.is_called_shot,
            combat_pool: self.combat_pool.or(earlier.combat_pool),
            is_pool_vague: self.is_pool_vague || earlier.is_pool_vague,
            spell: self.spell.or(earlier.spell),
            force: self.force.or(earlier.force),
            spell_pool: self.spell_pool.or(earlier.spell_pool),
            drain_pool: self.drain_pool.or(earlier.drain_pool),
            dice: self.dice.or(earlier.dice),
            notation: self.notation.or(earlier.notation),
            target_number: self.target_number.or(earlier.target_number),
            difficulty: self.difficulty.or(earlier.difficulty),
            is_again: self.is_again || earlier.is_again,
            is_long: self.is_long || earlier.is_long,
            query: self.query.or(earlier.query),
            shots: self.shots.or(earlier.shots),
            defence_pool: self.defence_pool.or(earlier.defence_pool),
            damage: self.damage.or(earlier.damage),
            successes: self.successes.or(earlier.successes),
            boxes: self.boxes.or(earlier.boxes),
            wound: self.wound.or(earlier.wound),
            is_stun: self.is_stun || earlier.is_stun,
            nuyen: self.nuyen.or(earlier.nuyen),
            number: self.number.or(earlier.number),
        }
    }

    /// Whether something of the scene was said.
    pub(super) fn tells_scene(&self) -> bool {
        let has_place = self.location.is_some() || self.light.is_some();
        has_place || self.movement.is_some() || self.distance.is_some()
    }
}
