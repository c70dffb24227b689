//! Those the players meet who have no sheet: what kinds there are, with their figures, and what a scene knows of them.
//!
//! The figures are ours, in the measure of the rule book's archetypes; weapons are the rule book's own.

use rules::shadowrun2::{
    condition::{Level, Wounds},
    damage::{Armor, DamageCode},
    range::range_category,
    ranged::{Movement, Situation, ranged_target_number},
    visibility::Visibility,
    weapons::find_weapon,
};
use serde_json::{Map, Value};

use super::{phrases::capital, words};

/// Boxes of a track; with all of them filled one is out of the fight.
pub(super) const TRACK: u32 = 10;
/// Metres to a foe whose distance nobody has named. Ours: across a room.
pub(super) const USUAL_DISTANCE_M: u32 = 10;

/// How one fights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Arm {
    /// With a gun of the rule book.
    Gun(&'static str),
    /// Hand to hand, with this weapon of the rule book.
    Melee(&'static str),
}

/// A kind of foe.
#[derive(Debug, PartialEq)]
pub(super) struct Kind {
    /// One, and several.
    pub(super) names: &'static [&'static str],
    pub(super) body: u32,
    pub(super) strength: u32,
    pub(super) willpower: u32,
    pub(super) reaction: u32,
    pub(super) initiative_dice: u32,
    /// Dice with his arm.
    pub(super) skill: u32,
    pub(super) arm: Arm,
    pub(super) armor: Armor,
}

const fn armor(ballistic: u32, impact: u32) -> Armor {
    Armor { ballistic, impact }
}

/// Somebody of whom nothing more is known.
const SOMEBODY: Kind = Kind {
    names: &[],
    body: 3,
    strength: 3,
    willpower: 3,
    reaction: 3,
    initiative_dice: 1,
    skill: 3,
    arm: Arm::Gun("Colt L36"),
    armor: armor(0, 0),
};

/// Every kind, by its names in singular and plural.
const KINDS: &[Kind] = &[
    Kind { names: &["ganger", "gangers", "punk", "punks"], armor: armor(3, 0), ..SOMEBODY },
    Kind { names: &["thug", "thugs", "goon", "goons", "bouncer", "bouncers"], body: 4, strength: 4, ..SOMEBODY },
    Kind {
        names: &["guard", "guards", "cop", "cops", "officer", "officers", "sec guard", "security guard"],
        body: 4,
        reaction: 4,
        skill: 4,
        arm: Arm::Gun("Ares Predator"),
        armor: armor(5, 3),
        ..SOMEBODY
    },
    Kind {
        names: &["soldier", "soldiers", "mercenary", "mercenaries", "merc", "mercs", "trooper", "troopers"],
        body: 5,
        strength: 4,
        willpower: 4,
        reaction: 5,
        initiative_dice: 2,
        skill: 5,
        arm: Arm::Gun("AK-97"),
        armor: armor(6, 4),
    },
    Kind {
        names: &["samurai", "razorguy", "razorguys", "razorboy", "yakuza", "assassin", "assassins", "boss"],
        body: 6,
        strength: 5,
        willpower: 4,
        reaction: 6,
        initiative_dice: 2,
        skill: 6,
        arm: Arm::Gun("Ares Predator"),
        armor: armor(5, 3),
    },
    Kind {
        names: &["sniper", "snipers"],
        body: 4,
        reaction: 5,
        skill: 6,
        arm: Arm::Gun("Ranger Arms SM-3"),
        armor: armor(5, 3),
        ..SOMEBODY
    },
    Kind {
        names: &["troll", "trolls"],
        body: 8,
        strength: 8,
        skill: 4,
        arm: Arm::Gun("Defiance T-250"),
        armor: armor(5, 3),
        ..SOMEBODY
    },
    Kind {
        names: &["ork", "orks", "orc", "orcs"],
        body: 5,
        strength: 5,
        skill: 4,
        arm: Arm::Gun("Ares Predator"),
        armor: armor(3, 0),
        ..SOMEBODY
    },
    Kind {
        names: &["mage", "mages", "shaman", "shamans", "wizard", "wizards"],
        willpower: 6,
        reaction: 4,
        armor: armor(3, 0),
        ..SOMEBODY
    },
    Kind {
        names: &["ghoul", "ghouls"],
        body: 7,
        strength: 6,
        willpower: 5,
        reaction: 4,
        initiative_dice: 2,
        skill: 5,
        arm: Arm::Melee("Unarmed"),
        armor: armor(0, 0),
    },
    Kind {
        names: &["hell hound", "hell hounds", "hellhound", "hellhounds", "dog", "dogs", "devil rat", "devil rats"],
        body: 4,
        strength: 4,
        reaction: 5,
        initiative_dice: 2,
        skill: 4,
        arm: Arm::Melee("Unarmed"),
        ..SOMEBODY
    },
    Kind { names: &["drone", "drones"], willpower: 6, arm: Arm::Gun("Uzi III"), armor: armor(6, 6), ..SOMEBODY },
];

/// The kind that a name ends in: "two gangers", "ganger 2" and "the big ganger" are gangers.
pub(super) fn kind(name: &str) -> &'static Kind {
    known_kind(name).unwrap_or(&SOMEBODY)
}

/// The same, where the name tells one.
pub(super) fn known_kind(name: &str) -> Option<&'static Kind> {
    let name = name.to_lowercase();
    let name = name.trim_end_matches(|char: char| char.is_ascii_digit() || char == ' ');
    let fits = |word: &&&str| name == **word || name.ends_with(&format!(" {word}"));
    KINDS.iter().find(|kind| kind.names.iter().any(|word| fits(&word)))
}

/// The name with a slip in its kind mended: "gaurd" is a guard.
pub(super) fn without_slip(name: &str) -> String {
    let (lead, last) = name.rsplit_once(' ').map_or(("", name), |(lead, last)| (lead, last));
    let lower = last.to_lowercase();
    let mut kinds = KINDS.iter().flat_map(|kind| kind.names).filter(|kind| !kind.contains(' '));
    if known_kind(name).is_some() {
        return name.to_owned();
    }
    match kinds.find(|kind| words::swapped(&lower, kind) || words::alike(&lower, kind)) {
        Some(kind) => format!("{lead} {kind}").trim_start().to_owned(),
        None => name.to_owned(),
    }
}

/// "gangers" is several of "ganger".
pub(super) fn singular(name: &str) -> String {
    let lower = name.to_lowercase();
    let bare = |text: &str| KINDS.iter().any(|kind| kind.names.contains(&text));
    let last = lower.rsplit(' ').next().unwrap_or_default();
    let is_plural = |stem: &&str| bare(stem) && bare(last);
    match last.strip_suffix('s').filter(is_plural) {
        Some(stem) => format!("{}{stem}", &name[..name.len() - last.len()]),
        None => name.to_owned(),
    }
}

/// A foe of the scene.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Foe {
    pub(super) name: String,
    /// Boxes.
    pub(super) physical: u32,
    /// Boxes.
    pub(super) stun: u32,
    /// What else the scene says of him.
    pub(super) note: String,
}

/// Notes of those who fight no more.
pub(super) const FLED: &str = "has fled";
/// The same.
pub(super) const SURRENDERED: &str = "has surrendered";

/// What stands in the note of a foe who has a distance of his own.
const AWAY: &str = " metres away";

/// The note of a foe who stands apart from the others.
pub(super) fn distance_note(metres: u32) -> String {
    format!("{metres}{AWAY}")
}

impl Foe {
    /// Metres to him, if he stands apart from the others.
    pub(super) fn distance_m(&self) -> Option<u32> {
        self.note.strip_suffix(AWAY)?.parse().ok()
    }

    pub(super) fn new(name: &str) -> Foe {
        Foe { name: name.to_owned(), physical: 0, stun: 0, note: String::new() }
    }

    pub(super) fn kind(&self) -> &'static Kind {
        kind(&self.name)
    }

    /// Whether he still fights.
    pub(super) fn is_up(&self) -> bool {
        self.physical < TRACK && self.stun < TRACK && self.note != FLED && self.note != SURRENDERED
    }

    /// Whether a wound so bad is marked that he thinks of his own skin.
    pub(super) fn is_shaken(&self) -> bool {
        Level::Serious.boxes() <= self.physical.max(self.stun)
    }

    /// Stun that overflows becomes Physical.
    pub(super) fn hurt(&mut self, boxes: u32, is_stun: bool) {
        if is_stun {
            let stun = self.stun + boxes;
            self.stun = stun.min(TRACK);
            self.physical = (self.physical + stun.saturating_sub(TRACK)).min(TRACK);
        } else {
            self.physical = (self.physical + boxes).min(TRACK);
        }
    }

    /// What his shot needs: the target number, or nothing if he cannot shoot so far.
    pub(super) fn target_number(&self, gun: &str, distance_m: Option<u32>, light: Option<&str>) -> Option<u32> {
        let weapon = find_weapon(gun).ok()?;
        let range = range_category(weapon.class, distance_m.unwrap_or(USUAL_DISTANCE_M), 0).ok()?;
        let visibility = match light {
            Some("PARTIAL") => vec![Visibility::PartialLight],
            Some("DIM") => vec![Visibility::MinimalLight],
            Some("DARK") => vec![Visibility::FullDarkness],
            _ => Vec::new(),
        };
        let wounds = Wounds::of_boxes(self.physical, self.stun);
        let situation =
            Situation { visibility, wounds, target_movement: Some(Movement::Walking), ..Situation::default() };
        ranged_target_number(range, &situation).ok().map(|target| target.target_number)
    }
}

/// What a gun does.
pub(super) fn gun_damage(gun: &str) -> Option<DamageCode> {
    find_weapon(gun).ok().map(|weapon| weapon.damage)
}

/// The foes of a scene, in its order.
pub(super) fn of_scene(scene: &Map<String, Value>) -> Vec<Foe> {
    let listed = scene.get("foes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let boxes = |foe: &Value, key: &str| {
        let boxes = foe.get(key).and_then(Value::as_f64).unwrap_or_default();
        (0..=TRACK).rev().find(|count| f64::from(*count) <= boxes).unwrap_or_default()
    };
    let read = |foe: &Value| {
        let name = foe.get("name")?.as_str()?.to_owned();
        let note = foe.get("note").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Foe { name, physical: boxes(foe, "physical"), stun: boxes(foe, "stun"), note })
    };
    listed.iter().filter_map(read).collect()
}

/// The foe that is meant: by his whole name, or the first of that kind who is still up.
pub(super) fn find<'f>(foes: &'f [Foe], said: &str) -> Option<&'f Foe> {
    let said = singular(bare(said)).to_lowercase();
    let is_named = |foe: &&Foe| foe.name.to_lowercase() == said;
    let is_such =
        |foe: &&Foe| foe.name.to_lowercase().trim_end_matches(|c: char| c.is_ascii_digit()).trim_end() == said;
    foes.iter()
        .find(is_named)
        .or_else(|| foes.iter().filter(is_such).find(|foe| foe.is_up()))
        .or_else(|| foes.iter().find(is_such))
}

/// Names for so many of a kind, beside those whom the scene has: "ganger", or "ganger 1" and "ganger 2".
pub(super) fn name_all(known: &[Foe], kind: &str, count: u32) -> Vec<String> {
    let kind = singular(bare(kind));
    let is_such = |foe: &&Foe| foe.name.to_lowercase().starts_with(&kind.to_lowercase());
    let taken = known.iter().filter(is_such).count();
    if taken == 0 && count == 1 {
        return vec![kind];
    }
    (1..=count as usize).map(|number| format!("{kind} {}", taken + number)).collect()
}

/// The name without its article.
pub(super) fn bare(name: &str) -> &str {
    let name = name.trim();
    let articles = ["the ", "a ", "an ", "another ", "both ", "all ", "every "];
    articles
        .iter()
        .find_map(|article| {
            name.get(..article.len()).filter(|lead| lead.eq_ignore_ascii_case(article)).map(|lead| &name[lead.len()..])
        })
        .unwrap_or(name)
}

/// "a ganger", or "ganger 2".
pub(super) fn one(name: &str) -> String {
    let is_name = name.starts_with(char::is_uppercase) || name.ends_with(|char: char| char.is_ascii_digit());
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    if is_name { name.to_owned() } else { format!("{article} {}", bare(name)) }
}

/// "The ganger", or "Ganger 2".
pub(super) fn subject(name: &str) -> String {
    let is_name = name.starts_with(char::is_uppercase) || name.ends_with(|char: char| char.is_ascii_digit());
    if is_name { capital(name) } else { format!("The {}", bare(name)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_is_known_by_the_last_word_of_a_name() {
        for name in ["ganger", "Ganger 2", "the big gangers"] {
            assert_eq!(kind(name).names[0], "ganger", "{name}");
        }
        assert_eq!(kind("Mr Johnson"), &SOMEBODY);
        assert_eq!(singular("two gangers"), "two ganger");
        assert_eq!(singular("boss"), "boss");
    }

    #[test]
    fn every_kind_has_a_weapon_of_the_rule_book() {
        for kind in KINDS {
            if let Arm::Gun(gun) = kind.arm {
                assert!(gun_damage(gun).is_some(), "{gun}");
            }
        }
    }

    #[test]
    fn of_several_the_first_who_is_up_is_meant() {
        let scene = json!({"foes": [{"name": "ganger 1", "physical": 10}, {"name": "ganger 2", "stun": 3}, 7]});
        let foes = of_scene(scene.as_object().unwrap());

        assert_eq!(find(&foes, "the ganger").map(|foe| foe.name.as_str()), Some("ganger 2"));
        assert_eq!(find(&foes, "ganger 1").map(Foe::is_up), Some(false));
        assert_eq!(find(&foes, "troll"), None);
        assert_eq!(name_all(&foes, "gangers", 2), ["ganger 3", "ganger 4"]);
        assert_eq!(name_all(&foes, "a troll", 1), ["troll"]);
    }

    #[test]
    fn a_foe_shoots_by_range_light_and_wounds() {
        let mut foe = Foe::new("guard");
        assert_eq!(foe.target_number("Ares Predator", Some(5), None), Some(4));
        assert_eq!(foe.target_number("Ares Predator", Some(15), Some("PARTIAL")), Some(7));
        foe.hurt(3, false);
        assert_eq!(foe.target_number("Ares Predator", Some(5), None), Some(6));
        assert_eq!(foe.target_number("Ares Predator", Some(500), None), None);
    }

    #[test]
    fn stun_beyond_ten_boxes_is_physical() {
        let mut foe = Foe::new("ganger");
        foe.hurt(6, true);
        assert!(foe.is_up() && foe.is_shaken());
        foe.hurt(6, true);
        assert_eq!((foe.stun, foe.physical, foe.is_up()), (10, 2, false));
    }
}
