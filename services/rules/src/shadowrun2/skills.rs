//! Skills: the list, concentrations and specializations, and what is rolled without one.
//!
//! Source: *Shadowrun, Second Edition*, "Skills".

use serde::Serialize;

use super::skill_web::{self, WebPath};
use crate::UnknownName;
use crate::names::same_name;

/// Highest rating a skill may start with.
pub const MAX_STARTING_RATING: u32 = 6;

/// The families of skills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkillCategory {
    /// Weapons and fighting.
    Combat,
    /// Athletics and Stealth.
    Physical,
    /// Dealing with people.
    Social,
    /// Biotech, Computer, Electronics.
    Technical,
    /// Driving, sailing, flying.
    Vehicle,
    /// Sorcery and Conjuring.
    Magical,
    /// Theory and sciences.
    Knowledge,
}

/// A skill of the book. To build or repair things is a skill of its own, written with `(B/R)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Skill {
    /// The rules' name.
    pub name: &'static str,
    /// Its family.
    pub category: SkillCategory,
}

const fn skill(name: &'static str, category: SkillCategory) -> Skill {
    Skill { name, category }
}

/// Every general skill but languages and special skills, which are free.
pub const SKILLS: &[Skill] = &[
    skill("Armed Combat", SkillCategory::Combat),
    skill("Demolitions", SkillCategory::Combat),
    skill("Firearms", SkillCategory::Combat),
    skill("Gunnery", SkillCategory::Combat),
    skill("Projectile Weapons", SkillCategory::Combat),
    skill("Throwing Weapons", SkillCategory::Combat),
    skill("Unarmed Combat", SkillCategory::Combat),
    skill("Athletics", SkillCategory::Physical),
    skill("Stealth", SkillCategory::Physical),
    skill("Etiquette", SkillCategory::Social),
    skill("Interrogation", SkillCategory::Social),
    skill("Leadership", SkillCategory::Social),
    skill("Negotiation", SkillCategory::Social),
    skill("Biotech", SkillCategory::Technical),
    skill("Computer", SkillCategory::Technical),
    skill("Electronics", SkillCategory::Technical),
    skill("Bike", SkillCategory::Vehicle),
    skill("Car", SkillCategory::Vehicle),
    skill("Hovercraft", SkillCategory::Vehicle),
    skill("Motorboat", SkillCategory::Vehicle),
    skill("Sailboat", SkillCategory::Vehicle),
    skill("Rotor", SkillCategory::Vehicle),
    skill("Vectored Thrust", SkillCategory::Vehicle),
    skill("Winged", SkillCategory::Vehicle),
    skill("Conjuring", SkillCategory::Magical),
    skill("Sorcery", SkillCategory::Magical),
    skill("Biology", SkillCategory::Knowledge),
    skill("Computer Theory", SkillCategory::Knowledge),
    skill("Cybertechnology", SkillCategory::Knowledge),
    skill("Magical Theory", SkillCategory::Knowledge),
    skill("Military Theory", SkillCategory::Knowledge),
    skill("Physical Sciences", SkillCategory::Knowledge),
    skill("Psychology", SkillCategory::Knowledge),
    skill("Sociology", SkillCategory::Knowledge),
];

/// The skill of this name; a plural `s` does no harm ("Computers").
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find_skill(name: &str) -> Result<&'static Skill, UnknownName> {
    let singular = name.strip_suffix('s').unwrap_or(name);
    let is_named = |skill: &&Skill| same_name(skill.name, name) || same_name(skill.name, singular);
    SKILLS.iter().find(is_named).ok_or_else(|| UnknownName::new("skill", name, SKILLS.iter().map(|skill| skill.name)))
}

/// What a character rolls who lacks a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkillDefault {
    /// The attribute or known skill that is rolled.
    pub rolled: String,
    /// Its rating: the dice.
    pub rating: u32,
    /// Added to the target number.
    pub modifier: i32,
    /// The way through the web.
    pub path: WebPath,
}

/// Every way to roll a wanted skill by default, the easiest first (fewest circles, then most dice).
///
/// `known` are the character's attributes and general skills with their ratings; names the web does not have are
/// passed over, and so is what has no dice. Empty: the test is impossible for this character.
///
/// # Errors
///
/// [`UnknownName`] if the web has no such skill as the wanted one.
pub fn defaults<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = (&'a str, u32)>,
) -> Result<Vec<SkillDefault>, UnknownName> {
    let wanted = skill_web::find(wanted)?;
    let mut defaults = Vec::new();
    for (name, rating) in known {
        let Ok(node) = skill_web::find(name) else { continue };
        if rating == 0 || node == wanted {
            continue;
        }
        let is_attribute = skill_web::ATTRIBUTES.contains(&node);
        let (from, to) = if is_attribute { (node, wanted) } else { (wanted, node) };
        if let Some(path) = skill_web::trace(from, to)? {
            defaults.push(SkillDefault { rolled: name.to_owned(), rating, modifier: path.modifier, path });
        }
    }
    defaults.sort_by_key(|default| (default.modifier, std::cmp::Reverse(default.rating)));
    Ok(defaults)
}

/// Ratings after a general skill is narrowed, at creation only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Narrowed {
    /// Rating within the specialization, if there is one.
    pub specialization: Option<i64>,
    /// Rating within the concentration.
    pub concentration: i64,
    /// Rating of what is left of the general skill.
    pub general: i64,
}

/// Takes a concentration: it gains a point, the general skill loses one.
pub fn concentrated(skill_points: u32) -> Narrowed {
    let points = i64::from(skill_points);
    Narrowed { specialization: None, concentration: points + 1, general: (points - 1).max(0) }
}

/// Takes a specialization: it gains two points, its concentration keeps the rating, the general skill loses two.
pub fn specialized(skill_points: u32) -> Narrowed {
    let points = i64::from(skill_points);
    Narrowed { specialization: Some(points + 2), concentration: points, general: (points - 2).max(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_skill_of_the_list_is_in_the_web() {
        for skill in SKILLS {
            assert!(skill_web::find(skill.name).is_ok(), "{}", skill.name);
        }
    }

    #[test]
    fn a_plural_finds_the_skill() {
        assert_eq!(find_skill("computers").unwrap().name, "Computer");
        assert_eq!(find_skill("Demolitions").unwrap().name, "Demolitions");
        assert_eq!(find_skill("Fire arms").unwrap().name, "Firearms");
    }

    #[test]
    fn the_easiest_default_comes_first() {
        let known = [("Quickness", 5), ("Gunnery", 3), ("Basket Weaving", 6), ("Charisma", 6)];
        let defaults = defaults("Firearms", known).unwrap();
        let shown: Vec<_> = defaults.iter().map(|default| (default.rolled.as_str(), default.modifier)).collect();
        assert_eq!(shown, [("Gunnery", 2), ("Quickness", 4)]);
    }

    #[test]
    fn narrowing_moves_points() {
        assert_eq!(concentrated(5), Narrowed { specialization: None, concentration: 6, general: 4 });
        assert_eq!(specialized(5), Narrowed { specialization: Some(7), concentration: 5, general: 3 });
    }
}
