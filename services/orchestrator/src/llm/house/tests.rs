use super::understand::*;

fn summary(text: &str, names: &[&str]) -> String {
    let understanding = understand(text, names);
    let Details {
        weapon, target, distance, light, movement, own_movement, location, air, firing_mode, rounds, ammunition, cover,
        aim_actions, is_called_shot, combat_pool, spell, force, spell_pool, drain_pool, dice, notation, target_number,
        difficulty, is_again, number,
    } = understanding.details;
    let mut line = match understanding.action {
        Action::Unsupported(_) => "Unsupported".to_owned(),
        action => format!("{action:?}"),
    };
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            line.push_str(&format!(" {key}={value}"));
        }
    };
    put("actor", understanding.actor);
    put("stranger", understanding.stranger);
    put("weapon", weapon.map(|weapon| match weapon {
        WeaponSaid::Named(name) => name,
        WeaponSaid::Kind(kind, _) => format!("<{kind:?}>"),
    }));
    put("target", target);
    put("m", distance.map(|number| number.to_string()));
    put("light", light);
    put("moves", movement);
    put("own", own_movement);
    put("at", location);
    put("air", air);
    put("mode", firing_mode);
    put("rounds", rounds.map(|number| number.to_string()));
    put("ammo", ammunition);
    put("cover", cover);
    put("aim", aim_actions.map(|number| number.to_string()));
    put("called", is_called_shot.then(|| "yes".to_owned()));
    put("pool", combat_pool.map(|number| number.to_string()));
    put("spell", spell);
    put("force", force.map(|number| number.to_string()));
    put("spell_pool", spell_pool.map(|number| number.to_string()));
    put("drain", drain_pool.map(|number| number.to_string()));
    put("dice", dice.map(|number| number.to_string()));
    put("notation", notation);
    put("tn", target_number.map(|number| number.to_string()));
    put("hard", difficulty);
    put("again", is_again.then(|| "yes".to_owned()));
    put("number", number.map(|number| number.to_string()));
    line
}

#[test]
fn dump() {
    for line in std::fs::read_to_string("/tmp/sentences.txt").unwrap().lines() {
        println!("{line}\n    {}", summary(line, &["Platinum", "Oak", "Block", "Axel", "Manticore"]));
    }
}
