//! The Skill Web: what someone without a skill rolls instead, and how much harder that is.
//!
//! A path is traced in the direction of the arrows; each circle entered adds 2 to the target number. The listing of
//! a further skill may lie on the path: that is how Sorcery, Conjuring, Computer, Electronics and Biotech are
//! reached from an attribute.
//!
//! Source: *Shadowrun, Second Edition*, "The Skill Web".

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::UnknownName;
use crate::names::same_name;

/// Added to the target number for each circle entered.
pub const MODIFIER_PER_CIRCLE: i32 = 2;

/// The attributes of the web, as it spells them.
pub const ATTRIBUTES: &[&str] = &["BODY", "QUICKNESS", "STRENGTH", "CHARISMA", "INTELLIGENCE", "WILLPOWER", "REACTION"];

/// Names of the rules for what the web spells otherwise: (rules, web).
pub const OTHER_NAMES: &[(&str, &str)] = &[
    ("Throwing Weapons", "Throwing"),
    ("Throwing Weapons (B/R)", "Throwing (B/R)"),
    ("Projectile Weapons", "Projectile"),
    ("Projectile Weapons (B/R)", "Projectile (B/R)"),
    ("Sailboat", "SailBoats"),
    ("Vectored Thrust", "Vector Thrust"),
];

/// Every node and where its arrows lead. A circle is a letter (p physical, m mental, g vehicles) and a number; all
/// others are attributes and skills. No arrow leads into an attribute.
const WEB: &[(&str, &[&str])] = &[
    // Attributes.
    ("BODY", &["p15"]),
    ("QUICKNESS", &["p1", "p2", "p4", "p7", "p13"]),
    ("STRENGTH", &["p14"]),
    ("CHARISMA", &["m34"]),
    ("INTELLIGENCE", &["m1"]),
    ("WILLPOWER", &["m6"]),
    ("REACTION", &["g1", "g2", "g3"]),
    // Skills.
    ("Aircraft (B/R)", &["g7"]),
    ("Armed Combat", &["p12", "p7"]),
    ("Armed Combat (B/R)", &["p12"]),
    ("Athletics", &["p1"]),
    ("Bike", &["g8"]),
    ("Biology", &["m26"]),
    ("Biotech", &["m30", "m31"]),
    ("Biotech (B/R)", &["m31"]),
    ("Boats (B/R)", &["g6"]),
    ("Car", &["g8"]),
    ("Computer", &["m28", "m33"]),
    ("Computer (B/R)", &["m33"]),
    ("Computer Theory", &["m25", "m21"]),
    ("Conjuring", &["m14"]),
    ("Cybertechnology", &["m20", "m26", "m27"]),
    ("Demolitions", &["m3"]),
    ("Electronics", &["m28", "m32"]),
    ("Electronics (B/R)", &["m32"]),
    ("Enchanting", &["m39"]),
    ("Etiquette", &["m35"]),
    ("Firearms", &["p5", "p8"]),
    ("Firearms (B/R)", &["p8"]),
    ("Ground Vehicles (B/R)", &["g5"]),
    ("Gunnery", &["p5", "p9"]),
    ("Gunnery (B/R)", &["p9"]),
    ("Hovercraft", &["g8"]),
    ("Interrogation", &["m36"]),
    ("Leadership", &["m35"]),
    ("Magical Theory", &["m12", "m13"]),
    ("Military Theory", &["m16"]),
    ("Motorboat", &["g9"]),
    ("Negotiation", &["m36"]),
    ("Physical Sciences", &["m10", "m23"]),
    ("Projectile", &["p6", "p10"]),
    ("Projectile (B/R)", &["p10"]),
    ("Psychology", &["m8", "m17"]),
    ("Rotor", &["g10"]),
    ("SailBoats", &["g9"]),
    ("Sociology", &["m18", "m37"]),
    ("Sorcery", &["m15"]),
    ("Stealth", &["p3"]),
    ("Throwing", &["p6", "p11"]),
    ("Throwing (B/R)", &["p11"]),
    ("Unarmed Combat", &["p13"]),
    ("Vector Thrust", &["g10"]),
    ("Winged", &["g10"]),
    // Circles: p physical, m mental, g vehicles.
    ("g1", &["g2", "g3", "g4"]),
    ("g2", &["g1", "g3", "g5", "g8"]),
    ("g3", &["g1", "g2", "g6", "g9"]),
    ("g4", &["g1", "g7", "g10"]),
    ("g5", &["Ground Vehicles (B/R)"]),
    ("g6", &["Boats (B/R)"]),
    ("g7", &["Aircraft (B/R)"]),
    ("g8", &["Hovercraft", "Bike", "Car", "g2"]),
    ("g9", &["Motorboat", "SailBoats", "g3"]),
    ("g10", &["Winged", "Rotor", "Vector Thrust", "g4"]),
    ("m1", &["m2", "m4", "m9", "m10"]),
    ("m2", &["m3"]),
    ("m3", &["Demolitions"]),
    ("m4", &["m5"]),
    ("m5", &["m7", "m11"]),
    ("m6", &["m7", "m11"]),
    ("m7", &["m8", "m11"]),
    ("m8", &["m37", "m38", "Psychology"]),
    ("m9", &["m19", "m20"]),
    ("m10", &["m21", "m22"]),
    ("m11", &["m7", "m12"]),
    ("m12", &["Magical Theory", "m11"]),
    ("m13", &["m14", "m15", "m39", "Magical Theory"]),
    ("m14", &["m13", "m15", "Conjuring"]),
    ("m15", &["m13", "m14", "Sorcery"]),
    ("m16", &["Military Theory"]),
    ("m17", &["m18", "m34", "Psychology"]),
    ("m18", &["m17", "Sociology"]),
    ("m19", &["Biology", "m9"]),
    ("m20", &["m9", "m21", "Cybertechnology"]),
    ("m21", &["Computer Theory", "m10", "m20"]),
    ("m22", &["Physical Sciences", "m10"]),
    ("m23", &["Physical Sciences", "m24"]),
    ("m24", &["m23", "m28"]),
    ("m25", &["m33", "Computer", "Computer Theory"]),
    ("m26", &["Biology", "m10", "m27"]),
    ("m27", &["Cybertechnology", "m26", "Biology"]),
    ("m28", &["m24", "m29", "Computer", "Electronics"]),
    ("m29", &["m24", "m30"]),
    ("m30", &["m29", "Biotech"]),
    ("m31", &["Biotech", "Biotech (B/R)"]),
    ("m32", &["Electronics (B/R)", "Electronics"]),
    ("m33", &["Computer (B/R)", "Computer"]),
    ("m34", &["m35"]),
    ("m35", &["Leadership", "Etiquette", "m34", "m36"]),
    ("m36", &["Negotiation", "m35", "Interrogation"]),
    ("m37", &["Sociology", "m8"]),
    ("m38", &["m8", "m16"]),
    ("m39", &["Enchanting", "m13"]),
    ("p1", &["Athletics", "p2"]),
    ("p2", &["p1", "p3"]),
    ("p3", &["Stealth", "p2"]),
    ("p4", &["p1", "p2", "p5", "p6", "p7", "p13"]),
    ("p5", &["Firearms", "Gunnery", "p4"]),
    ("p6", &["Projectile", "Throwing", "p4"]),
    ("p7", &["Armed Combat", "p12", "p13"]),
    ("p8", &["Firearms", "Firearms (B/R)"]),
    ("p9", &["Gunnery", "Gunnery (B/R)"]),
    ("p10", &["Projectile", "Projectile (B/R)"]),
    ("p11", &["Throwing", "Throwing (B/R)"]),
    ("p12", &["Armed Combat", "Armed Combat (B/R)"]),
    ("p13", &["Unarmed Combat", "p7"]),
    ("p14", &["p7", "p13"]),
    ("p15", &["p16"]),
    ("p16", &["p7", "p13"]),
];

/// A way to roll without the skill itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebPath {
    /// The attribute that is rolled instead; or, between skills, the skill that is wanted.
    pub from: &'static str,
    /// The skill that is wanted; or, between skills, the one that is known and rolled.
    pub to: &'static str,
    /// Added to the target number.
    pub modifier: i32,
    /// Circles entered.
    pub circles: usize,
    /// Every node from one end to the other, both included.
    pub path: Vec<&'static str>,
}

/// The path with the fewest circles from one node to another; `None` if the arrows lead to no such path.
///
/// To default to an attribute, trace from the attribute to the wanted skill; to default to a related skill, trace
/// from the wanted skill to the known one. Case, spaces and the rules' own spelling do not matter.
///
/// # Errors
///
/// [`UnknownName`] if a name is neither an attribute nor a skill of the web, with the nearest ones.
pub fn trace(from: &str, to: &str) -> Result<Option<WebPath>, UnknownName> {
    let (from, to) = (find(from)?, find(to)?);
    let mut reached_from: BTreeMap<&str, (usize, Option<&'static str>)> = BTreeMap::from([(from, (0, None))]);
    let mut queue = VecDeque::from([(from, 0)]);
    while let Some((node, circles)) = queue.pop_front() {
        if reached_from.get(node).is_some_and(|(fewest, _)| *fewest < circles) {
            continue;
        }
        for &next in arrows(node) {
            let next_circles = circles + usize::from(is_circle(next));
            if reached_from.get(next).is_some_and(|(fewest, _)| *fewest <= next_circles) {
                continue;
            }
            reached_from.insert(next, (next_circles, Some(node)));
            if is_circle(next) {
                queue.push_back((next, next_circles));
            } else {
                queue.push_front((next, next_circles));
            }
        }
    }
    let Some(&(circles, _)) = reached_from.get(to) else {
        return Ok(None);
    };
    let mut path = vec![to];
    let mut node = to;
    while let Some(&(_, Some(previous))) = reached_from.get(node) {
        path.push(previous);
        node = previous;
    }
    path.reverse();
    Ok(Some(WebPath { from, to, modifier: circles as i32 * MODIFIER_PER_CIRCLE, circles, path }))
}

/// Every way to default from an attribute to this skill, the easiest first; empty if there is none.
///
/// # Errors
///
/// [`UnknownName`] if the web has no such skill.
pub fn from_attributes(skill: &str) -> Result<Vec<WebPath>, UnknownName> {
    let mut paths = Vec::new();
    for attribute in ATTRIBUTES {
        paths.extend(trace(attribute, skill)?);
    }
    paths.sort_by_key(|path| path.circles);
    Ok(paths)
}

/// The node of this name, as the web spells it.
///
/// # Errors
///
/// [`UnknownName`], with the nearest names.
pub fn find(name: &str) -> Result<&'static str, UnknownName> {
    let other = OTHER_NAMES.iter().find(|(rules, _)| same_name(rules, name)).map(|(_, web)| *web);
    let node = names().find(|node| same_name(node, other.unwrap_or(name)));
    node.ok_or_else(|| UnknownName::new("attribute or skill", name, names()))
}

/// Every attribute and skill of the web.
pub fn names() -> impl Iterator<Item = &'static str> {
    WEB.iter().map(|(node, _)| *node).filter(|node| !is_circle(node))
}

fn arrows(node: &str) -> &'static [&'static str] {
    WEB.iter().find(|(name, _)| *name == node).map_or(&[], |(_, arrows)| arrows)
}

fn is_circle(node: &str) -> bool {
    node.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, modifier: Option<i32>) {
        assert_eq!(trace(from, to).unwrap().map(|path| path.modifier), modifier, "{from} to {to}");
    }

    #[test]
    fn every_arrow_leads_to_a_node_and_none_into_an_attribute() {
        for (node, arrows) in WEB {
            for arrow in *arrows {
                assert!(WEB.iter().any(|(name, _)| name == arrow), "{node} leads to {arrow}");
                assert!(!ATTRIBUTES.contains(arrow), "{node} leads to {arrow}");
            }
        }
    }

    #[test]
    fn attributes_lead_to_skills() {
        check("QUICKNESS", "Armed Combat (B/R)", Some(4));
        check("STRENGTH", "Armed Combat (B/R)", Some(6));
        check("BODY", "Armed Combat (B/R)", Some(8));
        check("QUICKNESS", "Athletics", Some(2));
        check("QUICKNESS", "Firearms", Some(4));
        check("BODY", "Unarmed Combat", Some(6));
        check("INTELLIGENCE", "Computer Theory", Some(6));
        check("INTELLIGENCE", "Magical Theory", Some(10));
        check("INTELLIGENCE", "Sociology", Some(12));
        check("INTELLIGENCE", "Military Theory", Some(14));
        check("WILLPOWER", "Psychology", Some(6));
        check("WILLPOWER", "Military Theory", Some(10));
        check("CHARISMA", "Interrogation", Some(6));
        check("REACTION", "Vectored Thrust", Some(6));
        check("CHARISMA", "Firearms", None);
    }

    #[test]
    fn some_skills_are_reached_through_another_only() {
        for skill in ["Sorcery", "Conjuring", "Computer", "Electronics", "Biotech"] {
            assert!(!from_attributes(skill).unwrap().is_empty(), "{skill}");
        }
    }

    #[test]
    fn a_related_skill_is_traced_from_the_wanted_one() {
        check("Firearms (B/R)", "Firearms", Some(2));
        check("throwing weapons", "Projectile", Some(2));
    }

    #[test]
    fn the_path_names_its_circles() {
        let path = trace("quickness", "firearms").unwrap().unwrap();
        assert_eq!(path.path, ["QUICKNESS", "p4", "p5", "Firearms"]);
    }

    #[test]
    fn an_unknown_skill_is_told_the_nearest() {
        assert_eq!(trace("QUICKNESS", "Firarms").unwrap_err().nearest, ["Firearms", "Firearms (B/R)"]);
    }
}
