//! A character's sheet: what is stored, and the figures that follow from it.
//!
//! Base values and modifiers are stored; a current value is the base and every modifier on it, so that each difference
//! has a source. The figures of the rules (Reaction, pools) are asked of `rules`.

use rules::shadowrun2::{
    armor::{self, Layer},
    condition::{Condition, Monitor, Wounds},
    initiative,
    magic::Fetish,
    modifier::DicePart,
    pools,
    visibility::{Origin, Vision},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_kit::clock;
use uuid::Uuid;

use crate::names;

/// Essence of someone without ware.
pub const FULL_ESSENCE: f64 = 6.0;

/// What is stored of a character.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sheet {
    pub id: String,
    /// The given name.
    pub name: String,
    pub street_name: String,
    pub character_type: String,
    pub archetype: String,
    pub metatype: String,
    pub sex: Option<String>,
    pub age: Option<String>,
    pub height: Option<String>,
    pub weight: Option<String>,
    pub hair: Option<String>,
    pub eyes: Option<String>,
    pub skin: Option<String>,
    /// Unaugmented ratings; Reaction follows from them.
    pub base_attributes: Attributes,
    pub base_magic: u32,
    /// Points of Magic that feed adept powers and cast no spells.
    pub adept_magic: u32,
    /// What the ware does not explain of the difference between 6 and the sheet's Essence.
    pub essence_adjustment: f64,
    pub essence_hole: f64,
    pub body_index_max: f64,
    pub power_points_total: f64,
    pub power_points_used: f64,
    pub initiate_level: u32,
    pub totem: Option<String>,
    pub tradition: Option<String>,
    pub magical_group: Option<String>,
    pub metamagics: Vec<String>,
    pub nuyen: i64,
    pub karma_pool: u32,
    pub karma_total: u32,
    pub karma_available: u32,
    pub lifestyle: Option<String>,
    pub lifestyle_cost: u32,
    pub lifestyle_months_prepaid: u32,
    /// Level of the vehicle control rig; 0 for none.
    pub vehicle_control_rig: u32,
    pub condition_monitor: Monitor,
    /// Whether first aid has stopped the bleeding of someone near death.
    pub stabilised: bool,
    /// Minutes bled since the last box of overflow.
    pub bled_minutes: u32,
    /// Modifiers that no ware brings: edges, foci, and what is "as on the sheet".
    pub modifiers: Vec<SheetModifier>,
    /// Initiative in other places and shapes: matrix, rigged, an animal's form.
    pub initiatives: Vec<InitiativeLine>,
    /// Shapes of a shape-changer, free in form.
    pub forms: Vec<Value>,
    pub skills: Vec<Skill>,
    pub cyberware: Vec<Ware>,
    pub bioware: Vec<Ware>,
    pub gear: Vec<Gear>,
    pub vehicles: Vec<Map<String, Value>>,
    pub cyberdecks: Vec<Cyberdeck>,
    pub spells: Vec<KnownSpell>,
    pub foci: Vec<Focus>,
    pub spirits: Vec<Map<String, Value>>,
    pub powers: Vec<Map<String, Value>>,
    pub contacts: Vec<Map<String, Value>>,
    pub edges_flaws: Vec<EdgeFlaw>,
    pub relationships: Vec<Map<String, Value>>,
    pub active_effects: Vec<Map<String, Value>>,
    /// Spells sustained now, oldest first.
    pub sustained_spells: Vec<Sustained>,
    /// Pool dice spent in this action.
    pub pools_spent: PoolsSpent,
    /// Points of the Karma Pool spent in this scene.
    pub karma_pool_spent: u32,
    /// The campaign whose house rules hold for him.
    pub campaign_id: Option<String>,
    /// The fight he is in, by the initiative tracker.
    pub combat_id: Option<String>,
    pub background: String,
    pub notes: String,
}

/// A spell that is sustained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sustained {
    /// By which what it changes is found.
    #[serde(default)]
    pub id: String,
    pub spell_name: String,
    pub force: u32,
    /// Empty if there is none.
    #[serde(default)]
    pub target_name: String,
    #[serde(default)]
    pub target_character_id: Option<String>,
    /// Unix milliseconds.
    #[serde(default)]
    pub cast_at: i64,
}

impl Sustained {
    /// A spell that is sustained from now on.
    pub fn new(spell_name: &str, force: u32, target_name: &str, target_character_id: Option<String>) -> Sustained {
        Sustained {
            id: new_id(),
            spell_name: spell_name.to_owned(),
            force,
            target_name: target_name.to_owned(),
            target_character_id,
            cast_at: clock::now_ms(),
        }
    }
}

/// Pool dice spent since the character's last action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolsSpent {
    pub combat: u32,
    pub magic: u32,
    pub hacking: u32,
    pub control: u32,
    /// Of the Magic Pool's spent dice, those set aside as Spell Defense and not used yet.
    pub spell_defense: u32,
}

/// A dice pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    Combat,
    Magic,
    Hacking,
    Control,
}

impl Pool {
    /// All of them.
    pub const ALL: [Pool; 4] = [Pool::Combat, Pool::Magic, Pool::Hacking, Pool::Control];

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Pool::Combat => "combat",
            Pool::Magic => "magic",
            Pool::Hacking => "hacking",
            Pool::Control => "control",
        }
    }

    /// The pool of this word.
    pub fn parse(word: &str) -> Option<Pool> {
        Pool::ALL.into_iter().find(|pool| pool.word() == word)
    }
}

/// The six attributes that are bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    pub body: u32,
    pub quickness: u32,
    pub strength: u32,
    pub charisma: u32,
    pub intelligence: u32,
    pub willpower: u32,
}

/// An attribute with whole ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    Body,
    Quickness,
    Strength,
    Charisma,
    Intelligence,
    Willpower,
    Reaction,
}

impl Attributes {
    /// Sets the rating of a bought attribute; Reaction is not bought and stays.
    pub fn set(&mut self, attribute: Attribute, rating: u32) {
        let own = match attribute {
            Attribute::Body => &mut self.body,
            Attribute::Quickness => &mut self.quickness,
            Attribute::Strength => &mut self.strength,
            Attribute::Charisma => &mut self.charisma,
            Attribute::Intelligence => &mut self.intelligence,
            Attribute::Willpower => &mut self.willpower,
            Attribute::Reaction => return,
        };
        *own = rating;
    }
}

impl Attribute {
    /// Those that are bought, in the order of the rule book's tables.
    pub const BOUGHT: [Attribute; 6] = [
        Attribute::Body,
        Attribute::Quickness,
        Attribute::Strength,
        Attribute::Charisma,
        Attribute::Intelligence,
        Attribute::Willpower,
    ];
    /// All of them, in the order of a sheet.
    pub const ALL: [Attribute; 7] = [
        Attribute::Body,
        Attribute::Quickness,
        Attribute::Strength,
        Attribute::Charisma,
        Attribute::Intelligence,
        Attribute::Willpower,
        Attribute::Reaction,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Attribute::Body => "Body",
            Attribute::Quickness => "Quickness",
            Attribute::Strength => "Strength",
            Attribute::Charisma => "Charisma",
            Attribute::Intelligence => "Intelligence",
            Attribute::Willpower => "Willpower",
            Attribute::Reaction => "Reaction",
        }
    }

    /// The key it has on sheets.
    pub fn key(self) -> String {
        self.name().to_ascii_lowercase()
    }

    /// The attribute of this name, in any case.
    pub fn parse(name: &str) -> Option<Attribute> {
        Attribute::ALL.into_iter().find(|attribute| attribute.name().eq_ignore_ascii_case(name.trim()))
    }
}

/// What changes a value of the sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SheetModifier {
    /// By which it is changed and removed.
    #[serde(default)]
    pub id: String,
    pub modifier_type: ModifierType,
    /// What it changes: an attribute's key, a skill, a pool, …
    pub target_name: String,
    pub modifier_value: i32,
    /// What it comes from; a piece of ware names itself.
    #[serde(default)]
    pub source: String,
    /// cyberware, bioware, edge, focus, natural, spell, or sheet for what is not explained there.
    #[serde(default)]
    pub source_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The sustained spell with which it comes and goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spell: Option<HeldSpell>,
}

/// A spell that somebody sustains, as it stands on the sheet of its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSpell {
    /// Its id among the sustained spells of its caster.
    pub sustained_id: String,
    pub spell_name: String,
    pub force: u32,
    pub caster_id: String,
    pub caster_name: String,
}

/// What kind of value a modifier changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModifierType {
    /// An attribute's rating, or `magic`.
    Attribute,
    /// A skill's rating.
    Skill,
    /// A pool's size.
    Pool,
    /// `initiative` (its fixed part) or `initiative_dice`.
    Initiative,
    /// `low_light`, `thermographic`, or `magnification` with its rating.
    Vision,
    /// `smartlink`: its modifier with a smart weapon.
    Combat,
    /// Target numbers of tests with a skill.
    TargetNumber,
}

/// Initiative beside that of the body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InitiativeLine {
    pub name: String,
    pub initiative: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// A skill on the sheet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Skill {
    pub skill_name: String,
    pub base_rating: u32,
    #[serde(default)]
    pub skill_type: SkillType,
    #[serde(default)]
    pub specialization: Option<String>,
    /// Dice of the specialization before ware; none where it rolls as the skill does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialization_rating: Option<u32>,
}

/// Where a skill stands on the sheet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SkillType {
    #[default]
    Active,
    Knowledge,
    Language,
}

impl SkillType {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            SkillType::Active => "active",
            SkillType::Knowledge => "knowledge",
            SkillType::Language => "language",
        }
    }
}

/// A piece of cyberware or bioware.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ware {
    /// By which it is changed and removed.
    pub id: String,
    pub name: String,
    pub essence_cost: Option<f64>,
    pub body_index_cost: Option<f64>,
    pub rating: Option<u32>,
    pub grade: Option<String>,
    /// What it does, in words, beside its modifiers.
    pub effects: Vec<String>,
    pub modifiers: Vec<SheetModifier>,
    pub notes: Option<String>,
}

/// A weapon, armor, or anything else that is carried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Gear {
    pub gear_name: String,
    pub gear_type: String,
    #[serde(default = "one")]
    pub quantity: u32,
    /// Damage code of one round or blow.
    #[serde(default)]
    pub damage: Option<String>,
    #[serde(default)]
    pub conceal: Option<String>,
    #[serde(default)]
    pub ammo_capacity: Option<String>,
    #[serde(default)]
    pub ballistic_rating: Option<u32>,
    #[serde(default)]
    pub impact_rating: Option<u32>,
    #[serde(default)]
    pub weapon_stats: Option<WeaponStats>,
    #[serde(default)]
    pub modifications: Map<String, Value>,
    /// Rounds in a weapon; full where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// Of armor: whether it is worn.
    #[serde(default)]
    pub worn: bool,
    #[serde(default)]
    pub notes: Option<String>,
}

fn one() -> u32 {
    1
}

impl Gear {
    /// How a piece of armor counts beside others: as the rule book says or, where it does not know the piece, as its
    /// name and notes say.
    pub fn armor_layer(&self) -> Layer {
        if let Ok(piece) = armor::find_armor(&self.gear_name) {
            return piece.layer;
        }
        let text = format!("{} {}", self.gear_name, self.notes.as_deref().unwrap_or_default()).to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&["helmet", "guard", "shield"]) {
            Layer::Added
        } else if has(&["heavy armor", "hardened military"]) {
            Layer::HeavyBody
        } else {
            Layer::Body
        }
    }

    /// Whether it is armor whose ballistic rating above Quickness costs Combat Pool.
    pub fn is_heavy_armor(&self) -> bool {
        self.gear_type == "armor" && self.armor_layer() == Layer::HeavyBody
    }
}

/// The figures of a weapon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeaponStats {
    /// Class of a ranged weapon, which sets ranges and skill; none for a melee weapon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How it can be fired: SS, SA, BF, FA.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<String>,
    /// Whether it is a smart weapon.
    pub smart: bool,
    pub recoil_compensation: u32,
    pub gyro_stabilisation: u32,
    pub laser_sight: bool,
    /// Rating of a scope.
    pub scope: u32,
    /// Reach of a melee weapon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<u32>,
    /// Strength minimum of a bow or crossbow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength_minimum: Option<u32>,
}

/// A cyberdeck.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cyberdeck {
    pub deck_name: String,
    pub mpcp: Option<u32>,
    pub hardening: Option<u32>,
    pub memory: Option<u32>,
    pub storage: Option<u32>,
    pub io_speed: Option<u32>,
    pub response_increase: Option<u32>,
    pub persona_programs: Map<String, Value>,
    pub utilities: Map<String, Value>,
    pub ai_companions: Vec<Value>,
    pub notes: Option<String>,
}

/// A spell the character knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownSpell {
    /// Its name; what the rule book's directory says of it is not repeated.
    pub spell_name: String,
    pub learned_force: u32,
    /// Category, type and drain of a spell that is not in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spell_category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spell_type: Option<String>,
    #[serde(default)]
    pub exclusive: bool,
    /// reusable or expendable.
    #[serde(default)]
    pub fetish: Option<KnownFetish>,
    /// `house` if it is not in the sources of the character.
    #[serde(default)]
    pub source: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub notes: Option<String>,
}

/// A fetish that a spell needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownFetish {
    Reusable,
    Expendable,
}

impl From<KnownFetish> for Fetish {
    fn from(fetish: KnownFetish) -> Fetish {
        match fetish {
            KnownFetish::Reusable => Fetish::Reusable,
            KnownFetish::Expendable => Fetish::Expendable,
        }
    }
}

/// A focus.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Focus {
    pub focus_name: String,
    /// As the rules name it: power focus, specific spell focus, spell category focus, spell lock, …
    pub focus_type: String,
    pub force: u32,
    pub spell_category: Option<String>,
    pub specific_spell: Option<String>,
    pub bonus_dice: i32,
    pub tn_modifier: i32,
    pub bonded: bool,
    pub karma_cost: u32,
    pub description: Option<String>,
    pub notes: Option<String>,
}

/// An edge or a flaw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EdgeFlaw {
    pub name: String,
    /// edge or flaw.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub cost: i32,
}

impl Sheet {
    /// Gives an id to every modifier and piece of ware that has none.
    pub fn complete(&mut self) {
        let fresh = |id: &mut String| {
            if id.is_empty() {
                *id = new_id();
            }
        };
        self.modifiers.iter_mut().for_each(|modifier| fresh(&mut modifier.id));
        for piece in self.cyberware.iter_mut().chain(&mut self.bioware) {
            fresh(&mut piece.id);
            piece.modifiers.iter_mut().for_each(|modifier| fresh(&mut modifier.id));
        }
    }

    /// Spells sustained, which make other tests harder.
    pub fn sustained_count(&self) -> u32 {
        u32::try_from(self.sustained_spells.len()).unwrap_or(u32::MAX)
    }

    /// Size of a pool.
    pub fn pool(&self, pool: Pool) -> u32 {
        match pool {
            Pool::Combat => self.combat_pool(),
            Pool::Magic => self.magic_pool(),
            Pool::Hacking => self.hacking_pool(),
            Pool::Control => self.control_pool(),
        }
    }

    /// Dice of a pool spent in this action.
    pub fn pool_spent(&self, pool: Pool) -> u32 {
        match pool {
            Pool::Combat => self.pools_spent.combat,
            Pool::Magic => self.pools_spent.magic,
            Pool::Hacking => self.pools_spent.hacking,
            Pool::Control => self.pools_spent.control,
        }
    }

    /// Dice of a pool that are left.
    pub fn pool_left(&self, pool: Pool) -> u32 {
        self.pool(pool).saturating_sub(self.pool_spent(pool))
    }

    /// Spends dice of a pool, whatever is left of it.
    pub fn spend_pool(&mut self, pool: Pool, dice: u32) {
        let spent = match pool {
            Pool::Combat => &mut self.pools_spent.combat,
            Pool::Magic => &mut self.pools_spent.magic,
            Pool::Hacking => &mut self.pools_spent.hacking,
            Pool::Control => &mut self.pools_spent.control,
        };
        *spent = spent.saturating_add(dice);
    }

    /// Points of the Karma Pool that are left in this scene.
    pub fn karma_pool_left(&self) -> u32 {
        self.karma_pool.saturating_sub(self.karma_pool_spent)
    }

    /// Every modifier, with its source and the source's type: the sheet's own, and those of each piece of ware.
    fn sourced_modifiers(&self) -> impl Iterator<Item = (&str, &str, &SheetModifier)> {
        let own = self.modifiers.iter().map(|own| (own.source.as_str(), own.source_type.as_str(), own));
        let cyberware = self.cyberware.iter().map(|piece| (piece, "cyberware"));
        let bioware = self.bioware.iter().map(|piece| (piece, "bioware"));
        let of_ware = cyberware.chain(bioware).flat_map(|(piece, source_type)| {
            piece.modifiers.iter().map(move |modifier| (piece.name.as_str(), source_type, modifier))
        });
        own.chain(of_ware)
    }

    /// The modifiers of this type on this target.
    fn sourced_modifiers_on<'a>(
        &'a self,
        modifier_type: ModifierType,
        target: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a SheetModifier)> {
        self.sourced_modifiers().filter(move |(_, _, modifier)| {
            modifier.modifier_type == modifier_type && names::is_same(&modifier.target_name, target)
        })
    }

    /// Every modifier; those of ware carry its name.
    pub fn all_modifiers(&self) -> Vec<SheetModifier> {
        self.sourced_modifiers().map(with_source).collect()
    }

    /// The modifiers of this type on this target; those of ware carry its name.
    pub fn modifiers_on(&self, modifier_type: ModifierType, target: &str) -> Vec<SheetModifier> {
        self.sourced_modifiers_on(modifier_type, target).map(with_source).collect()
    }

    fn total(&self, modifier_type: ModifierType, target: &str) -> i32 {
        self.sourced_modifiers_on(modifier_type, target).map(|(_, _, modifier)| modifier.modifier_value).sum()
    }

    /// The rating without ware, magic or anything else.
    pub fn base_attribute(&self, attribute: Attribute) -> u32 {
        let base = &self.base_attributes;
        match attribute {
            Attribute::Body => base.body,
            Attribute::Quickness => base.quickness,
            Attribute::Strength => base.strength,
            Attribute::Charisma => base.charisma,
            Attribute::Intelligence => base.intelligence,
            Attribute::Willpower => base.willpower,
            Attribute::Reaction => initiative::reaction(base.quickness, base.intelligence),
        }
    }

    /// The rating that tests use.
    pub fn attribute(&self, attribute: Attribute) -> u32 {
        let unmodified = match attribute {
            Attribute::Reaction => self.raised_reaction(),
            bought => self.base_attribute(bought),
        };
        plus(unmodified, self.total(ModifierType::Attribute, attribute.name()))
    }

    /// Reaction by the current Quickness and Intelligence, before what raises Reaction itself.
    pub fn raised_reaction(&self) -> u32 {
        initiative::reaction(self.attribute(Attribute::Quickness), self.attribute(Attribute::Intelligence))
    }

    /// Essence after ware, to the hundredth.
    pub fn essence(&self) -> f64 {
        let ware: f64 = self.cyberware.iter().filter_map(|piece| piece.essence_cost).sum();
        hundredths(FULL_ESSENCE - ware + self.essence_adjustment)
    }

    /// Body index taken up by bioware.
    pub fn body_index(&self) -> f64 {
        hundredths(self.bioware.iter().filter_map(|piece| piece.body_index_cost).sum())
    }

    /// Magic, adept powers included.
    pub fn magic(&self) -> u32 {
        plus(self.base_magic, self.total(ModifierType::Attribute, "magic"))
    }

    /// The Magic that limits spells.
    pub fn spell_magic(&self) -> u32 {
        self.magic().saturating_sub(self.adept_magic)
    }

    /// The skill of this name, its specialization in brackets or not; spellings of the rules and a plural are one.
    pub fn skill(&self, name: &str) -> Option<&Skill> {
        let exact = self.skills.iter().find(|skill| {
            let full = skill.specialization.as_ref().map(|special| format!("{} {special}", skill.skill_name));
            names::is_same(&skill.skill_name, name) || full.is_some_and(|full| names::is_same(&full, name))
        });
        let wanted = names::skill(name);
        exact.or_else(|| self.skills.iter().find(|skill| wanted.is_some() && names::skill(&skill.skill_name) == wanted))
    }

    /// The current rating of a skill: the dice of a test.
    pub fn skill_rating(&self, skill: &Skill) -> u32 {
        plus(skill.base_rating, self.total(ModifierType::Skill, &skill.skill_name))
    }

    /// The specialization that a name means, if it has dice of its own: the skill and they, before ware.
    pub fn specialized(&self, name: &str) -> Option<(&Skill, u32)> {
        self.skills.iter().find_map(|skill| {
            let (special, rating) = (skill.specialization.as_ref()?, skill.specialization_rating?);
            let full = format!("{} {special}", skill.skill_name);
            (names::is_same(special, name) || names::is_same(&full, name)).then_some((skill, rating))
        })
    }

    /// The rating of a skill and what it is made of.
    pub fn skill_parts(&self, skill: &Skill) -> Vec<DicePart> {
        let base = DicePart { source: skill.skill_name.clone(), dice: to_i32(skill.base_rating) };
        let modifiers = self.modifiers_on(ModifierType::Skill, &skill.skill_name).into_iter();
        let raised = modifiers.map(|modifier| DicePart { source: modifier.source, dice: modifier.modifier_value });
        std::iter::once(base).chain(raised).collect()
    }

    /// The rating of a skill by name; 0 without it.
    pub fn rating(&self, name: &str) -> u32 {
        self.skill(name).map_or(0, |skill| self.skill_rating(skill))
    }

    /// Attributes and skills with their ratings: what may be rolled when a skill is missing.
    pub fn known_ratings(&self) -> Vec<(String, u32)> {
        let attributes =
            Attribute::ALL.into_iter().map(|attribute| (attribute.name().to_owned(), self.attribute(attribute)));
        let skills = self.skills.iter().map(|skill| {
            let name = names::skill(&skill.skill_name).map_or_else(|| skill.skill_name.clone(), str::to_owned);
            (name, self.skill_rating(skill))
        });
        attributes.chain(skills).collect()
    }

    /// Initiative in the body, such as `27+4D6`.
    pub fn initiative(&self) -> String {
        let (fixed, dice) = self.initiative_parts();
        format!("{fixed}+{dice}D6")
    }

    /// Initiative in the body: its fixed part, and the dice.
    pub fn initiative_parts(&self) -> (u32, u32) {
        let fixed = plus(self.attribute(Attribute::Reaction), self.total(ModifierType::Initiative, "initiative"));
        let dice = plus(1, self.total(ModifierType::Initiative, "initiative_dice"));
        (fixed, dice.max(1))
    }

    /// Dice of the task pool, which no rule computes.
    pub fn task_pool(&self) -> u32 {
        plus(0, self.total(ModifierType::Pool, "task_pool"))
    }

    /// Combat Pool: the rule's, and what the sheet says instead; heavy armor that is worn costs dice of it.
    pub fn combat_pool(&self) -> u32 {
        let pool = plus(self.combat_pool_by_rule(), self.total(ModifierType::Pool, "combat_pool"));
        pool.saturating_sub(self.heavy_armor_loss().map_or(0, |(_, dice)| dice))
    }

    /// Heavy armor that is worn and costs Combat Pool, and how many dice.
    pub fn heavy_armor_loss(&self) -> Option<(&Gear, u32)> {
        let quickness = self.attribute(Attribute::Quickness);
        let pool = plus(self.combat_pool_by_rule(), self.total(ModifierType::Pool, "combat_pool"));
        let worn = self.gear.iter().filter(|gear| gear.worn && gear.is_heavy_armor());
        let heaviest = worn.max_by_key(|gear| gear.ballistic_rating)?;
        let ballistic = heaviest.ballistic_rating.unwrap_or_default();
        let lost = pool - pools::combat_pool_in_armor(pool, ballistic, quickness);
        (lost > 0).then_some((heaviest, lost))
    }

    /// Combat Pool by the rule alone.
    pub fn combat_pool_by_rule(&self) -> u32 {
        let [quickness, intelligence, willpower] =
            [Attribute::Quickness, Attribute::Intelligence, Attribute::Willpower]
                .map(|attribute| self.attribute(attribute));
        pools::combat_pool(quickness, intelligence, willpower)
    }

    /// Magic Pool; 0 without Sorcery or Magic.
    pub fn magic_pool(&self) -> u32 {
        let sorcery = self.rating("Sorcery");
        if sorcery == 0 || self.spell_magic() == 0 {
            return 0;
        }
        let pool = pools::magic_pool(sorcery, self.power_foci());
        plus(pool.total, self.total(ModifierType::Pool, "magic_pool"))
    }

    /// Ratings of bonded power foci, added up.
    pub fn power_foci(&self) -> u32 {
        let power = self.foci.iter().filter(|focus| focus.bonded && names::is_same(&focus.focus_type, "power focus"));
        power.map(|focus| focus.force).sum()
    }

    /// Hacking Pool; 0 without a deck.
    pub fn hacking_pool(&self) -> u32 {
        let Some(response) = self.cyberdecks.iter().map(|deck| deck.response_increase.unwrap_or_default()).max() else {
            return 0;
        };
        let reaction =
            self.base_attribute(Attribute::Reaction) + response * rules::shadowrun2::pools::RESPONSE_REACTION;
        let pool = pools::hacking_pool(self.rating("Computer"), reaction);
        plus(pool.total, self.total(ModifierType::Pool, "hacking_pool"))
    }

    /// Control Pool; 0 without a vehicle control rig.
    pub fn control_pool(&self) -> u32 {
        let pool = pools::control_pool(self.base_attribute(Attribute::Reaction), self.vehicle_control_rig);
        plus(pool.total, self.total(ModifierType::Pool, "control_pool"))
    }

    /// Whether the owner can act: acting, unconscious, near_death or dead.
    pub fn condition(&self) -> &'static str {
        match self.condition_monitor.condition(self.base_attribute(Attribute::Body)) {
            Condition::Acting => "acting",
            Condition::Unconscious => "unconscious",
            Condition::NearDeath => "near_death",
            Condition::Dead => "dead",
        }
    }

    /// Wound levels by the condition monitor.
    pub fn wounds(&self) -> Wounds {
        self.condition_monitor.wounds()
    }

    /// The eyes.
    pub fn vision(&self) -> Vision {
        let origin = |target: &str| {
            let modifiers = self.modifiers_on(ModifierType::Vision, target);
            let natural = modifiers.iter().any(|modifier| modifier.source_type == "natural");
            let found = !modifiers.is_empty();
            found.then_some(if natural { Origin::Natural } else { Origin::Cybernetic })
        };
        Vision { low_light: origin("low_light"), thermographic: origin("thermographic") }
    }

    /// Rating of image magnification in the eyes.
    pub fn magnification(&self) -> u32 {
        let ratings = self.modifiers_on(ModifierType::Vision, "magnification").into_iter();
        ratings.map(|modifier| u32::try_from(modifier.modifier_value).unwrap_or_default()).max().unwrap_or_default()
    }

    /// The smartlink's modifier with a smart weapon; the best, if there are several.
    pub fn smartlink(&self) -> Option<SheetModifier> {
        let links = self.modifiers_on(ModifierType::Combat, "smartlink").into_iter();
        links.min_by_key(|link| link.modifier_value)
    }
}

fn with_source((source, source_type, modifier): (&str, &str, &SheetModifier)) -> SheetModifier {
    SheetModifier { source: source.to_owned(), source_type: source_type.to_owned(), ..modifier.clone() }
}

/// A rating and a modifier, never below 0.
fn plus(rating: u32, modifier: i32) -> u32 {
    rating.saturating_add_signed(modifier)
}

/// The id of something new.
pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// To the hundredth, as Essence and body index are counted.
pub fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Ratings are small; one that is not counts as the largest there is.
pub fn to_i32(rating: u32) -> i32 {
    i32::try_from(rating).unwrap_or(i32::MAX)
}
