//! The sample characters, who are there on the first start.

use anyhow::Context as _;

use crate::sheet::Sheet;

const SHEETS: &[(&str, &str)] = &[
    ("Platinum", include_str!("../sheets/platinum.json")),
    ("Block", include_str!("../sheets/block.json")),
    ("Manticore", include_str!("../sheets/manticore.json")),
    ("Axel", include_str!("../sheets/axel.json")),
    ("Oak", include_str!("../sheets/oak.json")),
];

/// The sheets of the sample characters.
///
/// # Errors
///
/// A file in `sheets/` is not a sheet; the tests read them all.
pub fn sheets() -> anyhow::Result<Vec<Sheet>> {
    let read = |(name, json): &(&str, &str)| {
        serde_json::from_str(json).with_context(|| format!("read the sample sheet of {name}"))
    };
    SHEETS.iter().map(read).collect()
}

#[cfg(test)]
pub fn sheet(street_name: &str) -> Sheet {
    sheets().unwrap().into_iter().find(|sheet| sheet.street_name == street_name).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Attribute;

    /// Body to Willpower, Reaction, Essence, Magic, initiative, and the Combat, Magic, Hacking and Control Pools.
    #[track_caller]
    fn check(name: &str, attributes: [u32; 7], essence: f64, magic: u32, initiative: &str, pools: [u32; 4]) {
        let sheet = sheet(name);
        assert_eq!(Attribute::ALL.map(|attribute| sheet.attribute(attribute)), attributes, "{name}");
        assert_eq!((sheet.essence(), sheet.magic()), (essence, magic), "{name}");
        assert_eq!(sheet.initiative(), initiative, "{name}");
        let own = [sheet.combat_pool(), sheet.magic_pool(), sheet.hacking_pool(), sheet.control_pool()];
        assert_eq!(own, pools, "{name}");
    }

    #[test]
    fn the_samples_have_the_figures_of_the_table() {
        check("Platinum", [10, 15, 14, 4, 12, 9, 27], 2.55, 0, "27+4D6", [17, 0, 0, 0]);
        check("Manticore", [5, 4, 6, 10, 9, 6, 7], 1.7, 0, "7+1D6", [9, 0, 17, 0]);
        check("Axel", [3, 6, 3, 3, 9, 6, 5], 2.1, 0, "7+1D6", [10, 0, 0, 9]);
        check("Block", [6, 2, 5, 4, 5, 5, 3], 6.0, 9, "3+4D6", [4, 7, 0, 0]);
        check("Oak", [6, 3, 4, 10, 7, 10, 3], 6.0, 9, "3+4D6", [8, 10, 0, 0]);
    }

    #[test]
    fn platinum_has_his_base_values_and_body_index() {
        let sheet = sheet("Platinum");
        assert_eq!(Attribute::ALL.map(|attribute| sheet.base_attribute(attribute)), [9, 10, 9, 4, 9, 9, 9]);
        assert_eq!((sheet.body_index(), sheet.body_index_max), (8.35, 9.0));
        assert_eq!(sheet.rating("Firearms"), 9);
    }

    #[test]
    fn every_spell_is_in_the_directory() {
        for sheet in sheets().unwrap() {
            for spell in &sheet.spells {
                assert!(rules::shadowrun2::spells::find_spell(&spell.spell_name).is_ok(), "{}", spell.spell_name);
            }
        }
    }

    #[test]
    fn every_weapon_has_a_class_and_a_code_the_rules_know() {
        for weapon in sheets().unwrap().iter().flat_map(|sheet| &sheet.gear).filter(|gear| gear.gear_type == "weapon") {
            let class = weapon.weapon_stats.as_ref().and_then(|stats| stats.class.as_deref());
            assert!(class.is_none_or(|class| rules::shadowrun2::range::WeaponClass::parse(class).is_ok()), "{class:?}");
            let code = weapon.damage.as_deref();
            assert!(code.is_none_or(|code| code.parse::<rules::shadowrun2::damage::DamageCode>().is_ok()), "{code:?}");
        }
    }
}
