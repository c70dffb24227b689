//! What a character sheet says, in words: a section, an attribute, a thing, or the whole in short.

use serde_json::Value;

use super::{
    lexicon::{self, Section},
    narrate::{MAX_ENTRIES, sentence},
    phrases::{and_list, capital},
    plan::Table,
    sheet::{self, list, plain, text},
    understand::{Action, Question},
    words::squash,
};

/// Part of a sheet, or a short view of it.
pub(super) fn character(table: &Table<'_>, sheet: &Value) -> String {
    let name = text(sheet, "character").or_else(|| text(sheet, "street_name")).or_else(|| text(sheet, "name"));
    let name = name.unwrap_or_else(|| "The character".to_owned());
    match &table.meaning.action {
        Action::Sheet(Question::Attribute(attribute)) => attribute_line(sheet, &name, attribute),
        Action::Sheet(Question::Item(item)) => item_text(sheet, &name, item),
        Action::Sheet(Question::Section(section)) => section_text(sheet, &name, *section),
        _ => section_text(sheet, &name, Section::Whole),
    }
}

/// Whether something is on the sheet, wherever it stands there.
fn item_text(character: &Value, name: &str, item: &str) -> String {
    const LISTS: &[&str] = &[
        "weapons",
        "armor",
        "equipment",
        "gear",
        "cyberware",
        "bioware",
        "vehicles",
        "cyberdecks",
        "spells",
        "foci",
        "spirits",
        "powers",
        "contacts",
        "edges",
        "flaws",
        "skills",
    ];
    const NAMES: &[&str] =
        &["name", "gear_name", "spell_name", "skill_name", "vehicle_name", "deck_name", "focus_name"];
    let wanted = squash(item.trim_end_matches('s'));
    let mut found: Vec<String> = Vec::new();
    for key in LISTS {
        let flat = character.get("data").and_then(|data| data.get(key)).and_then(Value::as_array);
        for entry in list(character, key).iter().chain(flat.into_iter().flatten()) {
            let Some(entry_name) = NAMES.iter().find_map(|key| text(entry, key)) else { continue };
            if !wanted.is_empty() && squash(&entry_name).contains(&wanted) && !found.contains(&entry_name) {
                found.push(entry_name);
            }
        }
    }
    if found.is_empty() {
        return format!("I find no {item} on {name}'s sheet.");
    }
    found.truncate(MAX_ENTRIES);
    format!("{name} has {}.", and_list(&found))
}

fn attribute_line(character: &Value, name: &str, attribute: &str) -> String {
    let Some(current) = sheet::attribute(character, attribute) else {
        return format!("{name}'s sheet does not show {}.", capital(attribute));
    };
    let base = sheet::base_attribute(character, attribute).filter(|base| *base != current);
    let base = base.map(|base| format!(" (base {base})")).unwrap_or_default();
    format!("{name}'s {} is {current}{base}.", capital(attribute))
}

fn section_text(sheet: &Value, name: &str, section: Section) -> String {
    match section {
        Section::Whole => whole(sheet, name),
        Section::Attributes => {
            let told = |attribute: &&str| {
                let current = sheet::attribute(sheet, attribute)?;
                let base = sheet::base_attribute(sheet, attribute).filter(|base| *base != current);
                let base = base.map(|base| format!(" ({base})")).unwrap_or_default();
                Some(format!("{} {current}{base}", capital(attribute)))
            };
            let attributes: Vec<String> = lexicon::ATTRIBUTES.iter().filter_map(told).collect();
            entries(name, "attributes", attributes)
        }
        Section::Skills => entries(
            name,
            "skills",
            sheet::skills(sheet).into_iter().filter_map(|(kind, skill)| skill_entry(kind, skill)).collect(),
        ),
        Section::Spells => entries(
            name,
            "spells",
            all(
                sheet,
                "spells",
                &["spell_name", "name"],
                &[("learned_force", "Force "), ("force", "Force ")],
                &["spell_category"],
            ),
        ),
        Section::Weapons => entries(name, "weapons", weapons(sheet)),
        Section::Ammo => entries(name, "ammunition", ammo(sheet)),
        Section::Armor => entries(name, "armour", gear(sheet, "armor")),
        Section::Equipment => {
            let carried = [
                ("weapons", weapons(sheet)),
                ("armour", gear(sheet, "armor")),
                ("equipment", gear(sheet, "equipment")),
            ];
            let told = carried.into_iter().filter(|(_, list)| !list.is_empty());
            let lines: Vec<String> = told.map(|(what, list)| entries(name, what, list)).collect();
            if lines.is_empty() { entries(name, "gear", Vec::new()) } else { lines.join("\n") }
        }
        Section::Contacts => entries(
            name,
            "contacts",
            all(
                sheet,
                "contacts",
                &["name"],
                &[("connection", "connection "), ("loyalty", "loyalty ")],
                &["archetype"],
            ),
        ),
        Section::Vehicles => entries(
            name,
            "vehicles",
            all(
                sheet,
                "vehicles",
                &["vehicle_name", "name"],
                &[("handling", "handling "), ("speed", "speed "), ("body", "body "), ("armor", "armour ")],
                &["vehicle_type"],
            ),
        ),
        Section::Cyberware => {
            entries(name, "cyberware", all(sheet, "cyberware", &["name"], &[("essence_cost", "Essence ")], &[]))
        }
        Section::Bioware => {
            entries(name, "bioware", all(sheet, "bioware", &["name"], &[("body_index_cost", "body index ")], &[]))
        }
        Section::Cyberdecks => entries(
            name,
            "cyberdecks",
            all(
                sheet,
                "cyberdecks",
                &["deck_name", "name"],
                &[
                    ("mpcp", "MPCP "),
                    ("hardening", "hardening "),
                    ("memory", "memory "),
                    ("storage", "storage "),
                    ("response_increase", "response increase "),
                ],
                &[],
            ),
        ),
        Section::EdgesAndFlaws => {
            let edges = all(sheet, "edges", &["name"], &[], &[]);
            let flaws = all(sheet, "flaws", &["name"], &[], &[]);
            format!("{} {}", entries(name, "edges", edges), entries(name, "flaws", flaws))
        }
        Section::Spirits => entries(
            name,
            "bound spirits",
            all(
                sheet,
                "spirits",
                &["spirit_name", "name"],
                &[("force", "Force "), ("services", "services ")],
                &["spirit_type"],
            ),
        ),
        Section::Foci => {
            entries(name, "foci", all(sheet, "foci", &["focus_name", "name"], &[("force", "rating ")], &["focus_type"]))
        }
        Section::Powers => {
            entries(name, "adept powers", all(sheet, "powers", &["power_name", "name"], &[("level", "level ")], &[]))
        }
        Section::Nuyen => match text(sheet, "nuyen") {
            Some(nuyen) => format!("{name} has {nuyen} nuyen."),
            None => format!("{name}'s sheet shows no nuyen."),
        },
        Section::Karma => scalars(
            sheet,
            name,
            "karma",
            &[
                ("karma_pool", "Karma Pool"),
                ("karma_available", "Good Karma available"),
                ("karma_total", "Karma earned in all"),
            ],
        ),
        Section::Pools => scalars(
            sheet,
            name,
            "dice pools",
            &[
                ("combat_pool", "Combat Pool"),
                ("magic_pool", "Magic Pool"),
                ("spell_pool", "Spell Pool"),
                ("hacking_pool", "Hacking Pool"),
                ("task_pool", "Task Pool"),
                ("karma_pool", "Karma Pool"),
            ],
        ),
        Section::Initiative => match text(sheet, "initiative") {
            Some(initiative) => format!("{name}'s initiative is {initiative}."),
            None => attribute_line(sheet, name, "reaction"),
        },
        Section::Lifestyle => scalars(
            sheet,
            name,
            "lifestyle",
            &[
                ("lifestyle", "lifestyle"),
                ("lifestyle_cost", "nuyen a month"),
                ("lifestyle_months_prepaid", "months prepaid"),
            ],
        ),
        Section::Condition => condition(sheet, name),
        Section::Background => scalars(sheet, name, "background", &[("background", "background"), ("notes", "notes")]),
    }
}

fn whole(sheet: &Value, name: &str) -> String {
    let mut sections = vec![Section::Skills, Section::Weapons, Section::Spells];
    let mut lines = Vec::new();
    if let Some(summary) = text(sheet, "summary") {
        lines.push(sentence(&summary));
    } else {
        let kind: Vec<String> = ["metatype", "archetype"].iter().filter_map(|key| text(sheet, key)).collect();
        lines.push(if kind.is_empty() { format!("{name}.") } else { format!("{name}: {}.", kind.join(" ")) });
        sections.splice(0..0, [Section::Attributes, Section::Pools, Section::Initiative]);
    }
    let told = sections.into_iter().map(|section| section_text(sheet, name, section));
    lines.extend(told.filter(|text| !text.contains("shows no")));
    lines.push("Ask for gear, ware, contacts, vehicles, karma or nuyen, and I read on.".to_owned());
    lines.join("\n")
}

fn skill_entry(kind: &str, skill: &Value) -> Option<String> {
    let name = text(skill, "skill_name")?;
    let rating =
        ["current_rating", "rating", "base_rating"].iter().find_map(|key| text(skill, key)).unwrap_or_default();
    let specialization = text(skill, "specialization").map(|special| format!(" ({special})")).unwrap_or_default();
    let kind = if kind == "active" { String::new() } else { format!(" ({kind})") };
    Some(format!("{name}{specialization} {rating}{kind}"))
}

fn weapons(sheet: &Value) -> Vec<String> {
    let told = |weapon: sheet::Weapon| {
        let about: Vec<String> = [weapon.class, weapon.damage].into_iter().filter(|text| !text.is_empty()).collect();
        if about.is_empty() { weapon.name } else { format!("{} ({})", weapon.name, about.join(", ")) }
    };
    sheet::weapons(sheet).into_iter().map(told).collect()
}

/// The rounds in each weapon; one that was not fired yet is full.
fn ammo(sheet: &Value) -> Vec<String> {
    let told = |weapon: &Value| {
        let (name, capacity) = (text(weapon, "gear_name")?, text(weapon, "ammo_capacity")?);
        let rounds = text(weapon, "rounds").map(|rounds| format!("{rounds} of ")).unwrap_or_default();
        Some(format!("{name} {rounds}{capacity}"))
    };
    let is_weapon = |gear: &&Value| gear.get("gear_type").and_then(Value::as_str) == Some("weapon");
    list(sheet, "gear").iter().filter(is_weapon).filter_map(told).collect()
}

fn gear(sheet: &Value, kind: &str) -> Vec<String> {
    let nested = list(sheet, kind).iter();
    let is_kind = |gear: &&Value| gear.get("gear_type").and_then(Value::as_str) == Some(kind);
    let flat: Vec<&Value> = list(sheet, "gear").iter().filter(is_kind).collect();
    let source: Vec<&Value> = if flat.is_empty() { nested.collect() } else { flat };
    let told = |gear: &Value| {
        let name = text(gear, "gear_name").or_else(|| text(gear, "name"))?;
        let quantity = text(gear, "quantity")
            .filter(|quantity| quantity != "1")
            .map(|count| format!(", {count} of them"))
            .unwrap_or_default();
        let ratings = (text(gear, "ballistic_rating"), text(gear, "impact_rating"));
        let ratings = match ratings {
            (Some(ballistic), Some(impact)) => format!(" {ballistic}/{impact}"),
            _ => String::new(),
        };
        Some(format!("{name}{ratings}{quantity}"))
    };
    source.into_iter().filter_map(told).collect()
}

/// The entries of a list: a name, words and figures in brackets.
fn all(sheet: &Value, key: &str, names: &[&str], figures: &[(&str, &str)], words: &[&str]) -> Vec<String> {
    let told = |entry: &Value| {
        let name = names.iter().find_map(|name| text(entry, name)).or_else(|| plain(entry))?;
        let mut inside: Vec<String> = words.iter().filter_map(|word| text(entry, word)).collect();
        for (figure, label) in figures {
            let Some(value) = text(entry, figure) else { continue };
            let line = format!("{label}{value}");
            if !inside.iter().any(|told| told.starts_with(label)) {
                inside.push(line);
            }
        }
        Some(if inside.is_empty() { name } else { format!("{name} ({})", inside.join(", ")) })
    };
    list(sheet, key).iter().filter_map(told).collect()
}

fn entries(name: &str, what: &str, entries: Vec<String>) -> String {
    if entries.is_empty() {
        return format!("{name}'s sheet shows no {what}.");
    }
    let is_cut = MAX_ENTRIES < entries.len();
    let shown: Vec<String> = entries.into_iter().take(MAX_ENTRIES).collect();
    let end = if is_cut { ", and more on the sheet" } else { "" };
    format!("{}: {}{end}.", capital(&format!("{name}'s {what}")), shown.join(", "))
}

fn scalars(sheet: &Value, name: &str, what: &str, fields: &[(&str, &str)]) -> String {
    let told: Vec<String> =
        fields.iter().filter_map(|(key, label)| Some(format!("{label} {}", text(sheet, key)?))).collect();
    entries(name, what, told)
}

fn condition(character: &Value, name: &str) -> String {
    let monitor =
        ["condition", "condition_monitor"].iter().find_map(|key| sheet::field(character, key)).unwrap_or(character);
    let told: Vec<String> = [
        ("physical", "physical"),
        ("stun", "stun"),
        ("overflow", "overflow"),
        ("physical_damage", "physical"),
        ("stun_damage", "stun"),
    ]
    .iter()
    .filter_map(|(key, label)| Some(format!("{label} {}", text(monitor, key)?)))
    .collect();
    if told.iter().all(|line| line.ends_with(" 0")) {
        return format!("{name} is unhurt, as far as the sheet tells.");
    }
    format!("{name}'s condition monitor, in boxes: {}.", told.join(", "))
}
