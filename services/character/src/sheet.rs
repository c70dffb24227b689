//! A character's sheet: what is stored, and the figures that follow from it.
//!
//! Base values and modifiers are stored; a current value is the base and every modifier on it, so that each difference
//! has a source. The figures of the rules (Reaction, pools) are asked of `rules`.

mod attributes;
mod magic;
mod modifiers;
mod pools;
mod possessions;

use rules::shadowrun2::{
    condition::{Condition, Monitor, Wounds},
    initiative,
    modifier::DicePart,
    pools as pool_rules,
    visibility::{Origin, Vision},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use self::{
    attributes::{Attribute, Attributes},
    magic::{Focus, HeldSpell, KnownFetish, KnownSpell, Sustained},
    modifiers::{ModifierType, SheetModifier},
    pools::{Pool, PoolsSpent},
    possessions::{Cyberdeck, Gear, Ware, WeaponStats},
};
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
    /// Whether first aid can no longer help with the Physical wounds there are: it has, or they began to heal by rest.
    pub first_aid_over: bool,
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

    /// Spells the character sustains himself, which make other tests harder.
    pub fn sustained_by_himself(&self) -> impl Iterator<Item = &Sustained> {
        self.sustained_spells.iter().filter(|spell| spell.held_by.is_none())
    }

    /// How many they are.
    pub fn sustained_count(&self) -> u32 {
        u32::try_from(self.sustained_by_himself().count()).unwrap_or(u32::MAX)
    }

    /// The lock that has held this spell, or one of its kind, on him ever since: a modifier of a focus that names it.
    pub fn lock_of(&self, spell_name: &str, rule_name: &str) -> Option<&str> {
        let of_foci = self.modifiers.iter().filter(|modifier| modifier.source_type == "focus");
        let names_it = |source: &&str| names::is_part(spell_name, source) || names::is_part(rule_name, source);
        of_foci.map(|modifier| modifier.source.as_str()).find(names_it)
    }

    /// A bonded spell lock for this spell that holds none yet.
    pub fn free_lock(&self, spell_name: &str) -> Option<&Focus> {
        if self.lock_of(spell_name, spell_name).is_some() {
            return None;
        }
        let is_taken = |lock: &Focus| {
            let mut held = self.sustained_spells.iter().filter_map(|spell| spell.held_by.as_ref());
            held.any(|held_by| names::is_same(held_by, &lock.focus_name))
        };
        self.foci.iter().find(|focus| {
            let is_for_it = focus.specific_spell.as_deref().is_some_and(|own| names::is_same(own, spell_name));
            focus.bonded && names::is_same(&focus.focus_type, "spell lock") && is_for_it && !is_taken(focus)
        })
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

    /// The modifiers of this type on this target, each with its source and the source's type.
    pub fn modifiers_on<'a>(
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

    fn total(&self, modifier_type: ModifierType, target: &str) -> i32 {
        self.modifiers_on(modifier_type, target).map(|(_, _, modifier)| modifier.modifier_value).sum()
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
        exact.or_else(|| {
            let wanted = names::skill(name)?;
            self.skills.iter().find(|skill| names::skill(&skill.skill_name) == Some(wanted))
        })
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
            // A skill that has been raised beyond its specialization is as good there.
            let rating = rating.max(skill.base_rating);
            (names::is_same(special, name) || names::is_same(&full, name)).then_some((skill, rating))
        })
    }

    /// The rating of a skill and what it is made of.
    pub fn skill_parts(&self, skill: &Skill) -> Vec<DicePart> {
        let base = DicePart { source: skill.skill_name.clone(), dice: to_i32(skill.base_rating) };
        let modifiers = self.modifiers_on(ModifierType::Skill, &skill.skill_name);
        let raised = modifiers
            .map(|(source, _, modifier)| DicePart { source: source.to_owned(), dice: modifier.modifier_value });
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
        self.combat_pool_unarmored().saturating_sub(self.heavy_armor_loss().map_or(0, |(_, dice)| dice))
    }

    fn combat_pool_unarmored(&self) -> u32 {
        plus(self.combat_pool_by_rule(), self.total(ModifierType::Pool, "combat_pool"))
    }

    /// Heavy armor that is worn and costs Combat Pool, and how many dice.
    pub fn heavy_armor_loss(&self) -> Option<(&Gear, u32)> {
        let worn = self.gear.iter().filter(|gear| gear.worn && gear.is_heavy_armor());
        let heaviest = worn.max_by_key(|gear| gear.ballistic_rating)?;
        let ballistic = heaviest.ballistic_rating.unwrap_or_default();
        let pool = self.combat_pool_unarmored();
        let lost = pool - pool_rules::combat_pool_in_armor(pool, ballistic, self.attribute(Attribute::Quickness));
        (lost > 0).then_some((heaviest, lost))
    }

    /// Combat Pool by the rule alone.
    pub fn combat_pool_by_rule(&self) -> u32 {
        let [quickness, intelligence, willpower] =
            [Attribute::Quickness, Attribute::Intelligence, Attribute::Willpower]
                .map(|attribute| self.attribute(attribute));
        pool_rules::combat_pool(quickness, intelligence, willpower)
    }

    /// Magic Pool; 0 without Sorcery or Magic.
    pub fn magic_pool(&self) -> u32 {
        let sorcery = self.rating("Sorcery");
        if sorcery == 0 || self.spell_magic() == 0 {
            return 0;
        }
        let pool = pool_rules::magic_pool(sorcery, self.power_foci());
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
        let reaction = self.base_attribute(Attribute::Reaction) + response * pool_rules::RESPONSE_REACTION;
        let pool = pool_rules::hacking_pool(self.rating("Computer"), reaction);
        plus(pool.total, self.total(ModifierType::Pool, "hacking_pool"))
    }

    /// Control Pool; 0 without a vehicle control rig.
    pub fn control_pool(&self) -> u32 {
        let pool = pool_rules::control_pool(self.base_attribute(Attribute::Reaction), self.vehicle_control_rig);
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
            let mut types = modifiers.map(|(_, source_type, _)| source_type).peekable();
            types.peek()?;
            let natural = types.any(|source_type| source_type == "natural");
            Some(if natural { Origin::Natural } else { Origin::Cybernetic })
        };
        Vision { low_light: origin("low_light"), thermographic: origin("thermographic") }
    }

    /// Rating of image magnification in the eyes.
    pub fn magnification(&self) -> u32 {
        let ratings = self.modifiers_on(ModifierType::Vision, "magnification");
        let ratings = ratings.map(|(_, _, modifier)| u32::try_from(modifier.modifier_value).unwrap_or_default());
        ratings.max().unwrap_or_default()
    }

    /// The smartlink and its modifier with a smart weapon; the best, if there are several.
    pub fn smartlink(&self) -> Option<(&str, i32)> {
        let links = self.modifiers_on(ModifierType::Combat, "smartlink");
        links.map(|(source, _, link)| (source, link.modifier_value)).min_by_key(|(_, modifier)| *modifier)
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
    // The sum of nothing is -0.0, which would be shown as such.
    (value * 100.0).round() / 100.0 + 0.0
}

/// Ratings are small; one that is not counts as the largest there is.
pub fn to_i32(rating: u32) -> i32 {
    i32::try_from(rating).unwrap_or(i32::MAX)
}
