//! Whom a spell is aimed at, and the figures of his that count.

use std::sync::Arc;

use proto::character::v1::CastSpellRequest;
use rules::shadowrun2::{
    magic,
    spells::{FoundSpell, Reach, Spell, SpellTarget, TargetFigures},
};

use crate::sheet::{Attribute, Sheet};

/// Rating taken for an attribute of a target that has no sheet. Ours: that of an average person.
pub const AVERAGE_ATTRIBUTE: u32 = 3;
/// Essence taken for a target that has no sheet.
const FULL_ESSENCE: f64 = 6.0;
/// Figure taken for a toxin, a disease or the light if none is given. Ours.
const AVERAGE_FIGURE: u32 = 4;
/// Object resistance taken if nothing is said: a thing of low technology.
const LOW_TECH: u32 = 5;

/// Whom a spell is cast at.
pub enum Target {
    /// Nobody in particular; for many spells that is the caster.
    None,
    /// A character with a sheet.
    Character(Arc<Sheet>),
    /// Somebody or something without one.
    Stranger(String),
}

/// Whom the spell is aimed at, after "nobody" has become the caster where the spell is for people.
pub struct Aim {
    /// Empty for nobody.
    pub name: String,
    /// Of somebody without one, none.
    pub sheet: Option<Sheet>,
}

impl Aim {
    /// At whom a spell is aimed: where nobody is named, at the caster if it is for people.
    pub fn take(caster: &Sheet, target: &Target, spell: &Spell) -> Aim {
        let is_for_people = matches!(spell.reach, Reach::Touch | Reach::Caster) && !spell.resisted;
        let is_needed = !matches!(spell.target, SpellTarget::Fixed(_) | SpellTarget::Object | SpellTarget::Light);
        match target {
            Target::None if is_for_people && (is_needed || spell.reach == Reach::Caster) => {
                Aim { name: caster.street_name.clone(), sheet: Some(caster.clone()) }
            }
            target => Aim::at(target),
        }
    }

    /// At whoever is named.
    pub fn at(target: &Target) -> Aim {
        match target {
            Target::Character(sheet) => Aim { name: sheet.street_name.clone(), sheet: Some(sheet.as_ref().clone()) },
            Target::Stranger(name) => Aim { name: name.clone(), sheet: None },
            Target::None => Aim { name: String::new(), sheet: None },
        }
    }

    /// The id of his sheet.
    pub fn character_id(&self) -> Option<String> {
        self.sheet.as_ref().map(|sheet| sheet.id.clone())
    }

    /// Whether it is a thing.
    pub fn is_object(&self, request: &CastSpellRequest) -> bool {
        self.sheet.is_none() && request.object_category.is_some()
    }
}

/// The figures of the target, each from the request, from the sheet, or taken for want of both.
pub fn target_figures(
    aim: &Aim,
    found: &FoundSpell,
    request: &CastSpellRequest,
    notes: &mut Vec<String>,
) -> TargetFigures {
    let sheet = aim.sheet.as_ref();
    let given = |attribute: Attribute| match attribute {
        Attribute::Body => request.target_body,
        Attribute::Willpower => request.target_willpower,
        Attribute::Intelligence => request.target_intelligence,
        Attribute::Reaction => request.target_reaction,
        Attribute::Quickness | Attribute::Strength | Attribute::Charisma => None,
    };
    let rating = |attribute: Attribute| given(attribute).or(sheet.map(|sheet| sheet.attribute(attribute)));
    let other = match &request.object_category {
        Some(category) if found.spell.target == SpellTarget::Object => magic::object_resistance(category).ok(),
        _ => request.target_figure,
    };
    let mut known = TargetFigures {
        body: rating(Attribute::Body),
        willpower: rating(Attribute::Willpower),
        intelligence: rating(Attribute::Intelligence),
        reaction: rating(Attribute::Reaction),
        essence: request.target_essence.or(sheet.map(Sheet::essence)),
        attribute: found.attribute.and_then(Attribute::parse).and_then(rating),
        other,
    };
    let who = if aim.name.is_empty() { "the target" } else { &aim.name };
    let (what, taken, field) = match found.spell.target {
        SpellTarget::Body => ("Body", take(&mut known.body, AVERAGE_ATTRIBUTE), "target_body"),
        SpellTarget::Willpower => ("Willpower", take(&mut known.willpower, AVERAGE_ATTRIBUTE), "target_willpower"),
        SpellTarget::Intelligence => {
            ("Intelligence", take(&mut known.intelligence, AVERAGE_ATTRIBUTE), "target_intelligence")
        }
        SpellTarget::TwiceReaction => ("Reaction", take(&mut known.reaction, AVERAGE_ATTRIBUTE), "target_reaction"),
        SpellTarget::TwiceAttribute => ("the Attribute", take(&mut known.attribute, AVERAGE_ATTRIBUTE), "a target"),
        SpellTarget::LessEssence(_) => ("Essence", take(&mut known.essence, FULL_ESSENCE), "target_essence"),
        SpellTarget::Object => ("the make of the object", take(&mut known.other, LOW_TECH), "object_category"),
        SpellTarget::Affliction => {
            ("the strength of the toxin or disease", take(&mut known.other, AVERAGE_FIGURE), "target_figure")
        }
        SpellTarget::Light => ("the light at the place", take(&mut known.other, AVERAGE_FIGURE), "target_figure"),
        SpellTarget::Fixed(_) => ("", None, ""),
    };
    if let Some(taken) = taken {
        notes.push(format!("{what} ({who}) is not known: {taken} was taken; give {field}"));
    }
    known
}

/// Puts a figure where there is none, and answers with it then.
fn take<T: Copy + ToString>(figure: &mut Option<T>, value: T) -> Option<String> {
    if figure.is_some() {
        return None;
    }
    *figure = Some(value);
    Some(value.to_string())
}
