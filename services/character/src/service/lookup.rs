//! Look-ups: an index in memory over the rules' catalogues and our own summaries of the rules.

use std::{collections::BTreeSet, sync::LazyLock};

use proto::{
    character::v1::{
        CompareGearRequest, CompareGearResponse, GetGearDetailsRequest, GetGearDetailsResponse, LookupEntry,
        LookupGearRequest, LookupGearResponse, QueryShadowrunRequest, QueryShadowrunResponse,
    },
    structs,
};
use rules::shadowrun2::{
    AREAS,
    armor::{ARMOR, Layer},
    barriers::BARRIERS,
    catalogue::{self, IMPLANTS, UNVERIFIED, VEHICLES, WareKind},
    creation::METATYPES,
    house_rules::HOUSE_RULES,
    magic::FOCI,
    melee::MELEE_WEAPONS,
    skill_web,
    skills::SKILLS,
    spells::{HOUSE_SPELLS, SPELLS},
    totems::TOTEMS,
    weapons::{ACCESSORIES, WEAPONS},
};
use serde_json::{Map, Value, json};
use tonic::Status;

use super::{Characters, refuse, unknown};
use crate::{names, summaries::SUMMARIES};

/// Results if nothing is said.
const USUAL_LIMIT: usize = 10;
/// Kinds of things that are carried.
const GEAR: &[&str] =
    &["weapon", "melee_weapon", "armor", "accessory", "ammunition", "grenade", "cyberware", "bioware", "vehicle"];
/// The book all figures are from.
const BOOK: &str = "Shadowrun, Second Edition";

/// Something that can be found.
struct Entry {
    name: String,
    category: &'static str,
    text: String,
    data: Value,
    source: &'static str,
    /// Words of the name, and of the rest.
    name_words: Vec<String>,
    words: BTreeSet<String>,
}

impl Entry {
    fn new(category: &'static str, name: &str, mut text: String, mut data: Value, source: &'static str) -> Entry {
        // A price is from memory, and says so.
        if GEAR.contains(&category)
            && let Some(nuyen) = catalogue::price(name)
        {
            data["nuyen"] = nuyen.into();
            unverified(&mut data, &["nuyen"]);
            text += &format!("; {nuyen} nuyen (source: {UNVERIFIED})");
        }
        let name_words = words(name);
        let mut all: BTreeSet<String> = words(&text).into_iter().collect();
        all.extend(words(category));
        Entry { name: name.to_owned(), category, text, data, source, name_words, words: all }
    }

    fn to_proto(&self) -> LookupEntry {
        LookupEntry {
            name: self.name.clone(),
            category: self.category.to_owned(),
            text: self.text.clone(),
            data: Some(structs::from_json(self.data.clone())),
            source: self.source.to_owned(),
        }
    }

    /// How well it fits: words of its name count most, parts of words least. `None` if a word is not there at all.
    fn score(&self, wanted: &[String]) -> Option<u32> {
        let mut score = 0;
        for word in wanted {
            score += if self.name_words.contains(word) {
                8
            } else if self.name_words.iter().any(|own| own.starts_with(word.as_str())) {
                5
            } else if self.words.contains(word) {
                3
            } else if 3 < word.len() && self.words.iter().any(|own| own.starts_with(word.as_str())) {
                1
            } else {
                return None;
            };
        }
        // Of two that fit as well, the one whose name was said whole is meant.
        let is_whole = self.name_words.iter().all(|own| wanted.contains(own));
        Some(score * 2 + u32::from(is_whole))
    }
}

/// Names figures that no source gives.
fn unverified(data: &mut Value, figures: &[&str]) {
    if !figures.is_empty() {
        data["unverified"] = json!(figures);
        data["source"] = UNVERIFIED.into();
    }
}

/// Words in lower case, without a plural's s.
fn words(text: &str) -> Vec<String> {
    let split = text.split(|char: char| !char.is_alphanumeric() && char != '+').filter(|word| !word.is_empty());
    split
        .map(|word| {
            let word = word.to_lowercase();
            match word.strip_suffix('s') {
                Some(stem) if 3 < stem.chars().count() && !stem.ends_with('s') => stem.to_owned(),
                _ => word,
            }
        })
        .collect()
}

/// Words of a question that say nothing.
const FILLERS: &[&str] = &[
    "a", "an", "the", "of", "for", "in", "on", "to", "is", "are", "do", "does", "how", "what", "which", "show", "list",
    "me", "all", "and", "work", "there", "rule",
];

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut entries = Vec::new();
    for (name, text) in SUMMARIES {
        entries.push(Entry::new("rule", name, (*text).to_owned(), json!({}), BOOK));
    }
    for area in AREAS {
        let text = format!("{} (apply_rule {} with {})", area.about, area.name, area.keys.join(", "));
        entries.push(Entry::new(
            "rule",
            &area.name.replace('_', " "),
            text,
            json!({"area": area.name, "keys": area.keys}),
            BOOK,
        ));
    }
    for weapon in WEAPONS {
        let modes: Vec<&str> = weapon.modes.iter().map(|mode| mode.letters()).collect();
        let text = format!(
            "{}, {}, {} rounds, {}{}",
            weapon.class.name(),
            weapon.damage,
            weapon.ammunition,
            modes.join("/"),
            if weapon.flechette { ", flechette" } else { "" }
        );
        let mut data = json!(weapon);
        data["class"] = weapon.class.name().into();
        data["modes"] = json!(modes);
        data["ranges"] = json!(ranges(weapon.class.row()));
        data["skill"] = weapon.class.row().skill.into();
        entries.push(Entry::new("weapon", weapon.name, text, data, BOOK));
    }
    for weapon in MELEE_WEAPONS {
        let text = format!("melee weapon, {}, reach {}, {}", weapon.damage_text(), weapon.reach, weapon.skill);
        let mut data = json!(weapon);
        data["damage"] = weapon.damage_text().into();
        entries.push(Entry::new("melee_weapon", weapon.name, text, data, BOOK));
    }
    for piece in ARMOR {
        let layer = match piece.layer {
            Layer::Body => "only the highest rating of worn armor counts",
            Layer::HeavyBody => "heavy: a ballistic rating above Quickness costs Combat Pool",
            Layer::Added => "adds to other armor",
        };
        let text = format!("armor, ballistic {}, impact {}; {layer}", piece.ballistic, piece.impact);
        entries.push(Entry::new("armor", piece.name, text, json!(piece), BOOK));
    }
    for accessory in ACCESSORIES {
        entries.push(Entry::new("accessory", accessory.name, accessory.effect.to_owned(), json!(accessory), BOOK));
    }
    for spell in SPELLS {
        let text = format!(
            "{} spell, {}, {}, drain {}; target number: {}{}{}",
            spell.category.word(),
            json!(spell.spell_type).as_str().unwrap_or_default(),
            json!(spell.duration).as_str().unwrap_or_default(),
            spell.drain_text(),
            spell.target.explanation(),
            if spell.resisted { ", resisted" } else { "" },
            if spell.area { ", area" } else { "" }
        );
        let damage = spell.damage.map(|(level, stun)| format!("{}{}", level.letter(), if stun { " Stun" } else { "" }));
        let data = json!({
            "category": spell.category, "spell_type": spell.spell_type, "duration": spell.duration,
            "drain": spell.drain_text(), "resisted": spell.resisted, "area": spell.area, "damage": damage,
        });
        entries.push(Entry::new("spell", spell.name, text, data, BOOK));
    }
    for skill in SKILLS {
        let paths = skill_web::from_attributes(skill.name).unwrap_or_default();
        let ways: Vec<String> = paths.iter().map(|path| format!("{} {:+}", path.from, path.modifier)).collect();
        let category = json!(skill.category).as_str().unwrap_or_default().to_owned();
        let text = format!(
            "{category} skill; by default: {}",
            if ways.is_empty() { "impossible".to_owned() } else { ways.join(", ") }
        );
        entries.push(Entry::new("skill", skill.name, text, json!({"category": category, "defaults": ways}), BOOK));
    }
    for totem in TOTEMS {
        let spells: Vec<String> =
            totem.spells.iter().map(|(category, dice)| format!("{} {dice:+}", category.word())).collect();
        let text =
            format!("totem; spells: {}; spirits: {}; {}", spells.join(", "), totem.spirits.join(", "), totem.note);
        entries.push(Entry::new("totem", totem.name, text, json!({"spells": spells, "spirits": totem.spirits}), BOOK));
    }
    for metatype in METATYPES {
        let text = format!(
            "metatype; maxima of Body, Quickness, Strength, Charisma, Intelligence, Willpower: {:?}; changes {:?}; eyes: {}",
            metatype.maxima, metatype.changes, metatype.vision
        );
        entries.push(Entry::new("metatype", metatype.name, text, json!(metatype), BOOK));
    }
    for (name, effect) in catalogue::ROUNDS {
        entries.push(Entry::new("ammunition", name, (*effect).to_owned(), json!({"effect": effect}), BOOK));
    }
    for (name, code, effect) in catalogue::GRENADES {
        let data = json!({"damage": code, "effect": effect});
        entries.push(Entry::new("grenade", name, format!("{code}, {effect}"), data, BOOK));
    }
    for implant in IMPLANTS {
        entries.push(implant_entry(implant));
    }
    for vehicle in VEHICLES {
        let figure = |figure: Option<u32>| figure.map_or_else(|| "unknown".to_owned(), |figure| figure.to_string());
        let text = format!(
            "{}, handling {}, speed {}, body {}, armor {}{}",
            vehicle.kind,
            if vehicle.handling.is_empty() { "unknown" } else { vehicle.handling },
            figure(vehicle.speed),
            figure(vehicle.body),
            figure(vehicle.armor),
            if vehicle.unverified { " (source: unverified)" } else { "" }
        );
        let source = if vehicle.unverified { UNVERIFIED } else { BOOK };
        entries.push(Entry::new("vehicle", vehicle.name, text, json!(vehicle), source));
    }
    for (name, rating) in BARRIERS {
        let text = format!("barrier of rating {rating}; counts twice against blows");
        entries.push(Entry::new("barrier", name, text, json!({"rating": rating}), BOOK));
    }
    for spell in HOUSE_SPELLS {
        let text = format!(
            "spell of the house, {}, sustained, drain {}; type and target number: source {UNVERIFIED}",
            spell.category.word(),
            spell.drain_text()
        );
        entries.push(Entry::new("spell", spell.name, text, json!({"drain": spell.drain_text()}), "house"));
    }
    for (_, name, description, source) in HOUSE_RULES {
        entries.push(Entry::new("house_rule", name, (*description).to_owned(), json!({}), source));
    }
    for (name, karma) in FOCI {
        let text = format!("focus; bonding costs {karma} Good Karma for each point of its rating");
        entries.push(Entry::new("focus", name, text, json!({"karma_per_rating": karma}), BOOK));
    }
    entries
});

fn implant_entry(implant: &catalogue::Implant) -> Entry {
    let (category, unit) = match implant.kind {
        WareKind::Cyberware => ("cyberware", "Essence"),
        WareKind::Bioware => ("bioware", "body index"),
    };
    let mark = |figure: &str| if implant.unverified.contains(&figure) { " (source: unverified)" } else { "" };
    let mut text = format!("{category}, {unit} {}{}", implant.cost, mark("cost"));
    for (target, value) in implant.modifiers {
        text += &format!(", {} {value:+}{}", target.replace('_', " "), mark("modifiers"));
    }
    if !implant.effect.is_empty() {
        text += &format!("; {}", implant.effect);
    }
    if let Some(rule) = implant.house_rule {
        text += &format!("; of the house: house rule {}", rule.name());
    }
    if let Some(nuyen) = implant.nuyen {
        text += &format!("; {nuyen} nuyen{}", mark("nuyen"));
    }
    let mut data = json!(implant);
    unverified(&mut data, implant.unverified);
    Entry::new(category, implant.name, text, data, if implant.house_rule.is_some() { "house" } else { BOOK })
}

/// Range limits in metres; for those that go by Strength, times Strength.
fn ranges(row: &rules::shadowrun2::range::ClassRow) -> Value {
    let [short, medium, long, extreme] = row.limits;
    let unit = if row.per_strength { "times Strength, in metres" } else { "metres" };
    json!({"short": short, "medium": medium, "long": long, "extreme": extreme, "minimum": row.minimum, "unit": unit})
}

/// The entries that hold all the words, the best first; where none holds all, those that hold most of them.
fn search(query: &str, is_meant: impl Fn(&Entry) -> bool) -> Vec<&'static Entry> {
    let mut wanted = words(query);
    wanted.retain(|word| !FILLERS.contains(&word.as_str()));
    wanted.truncate(12);
    let pool: Vec<&Entry> = ENTRIES.iter().filter(|entry| is_meant(entry)).collect();
    let mut found: Vec<(u32, &Entry)> =
        pool.iter().filter_map(|entry| entry.score(&wanted).map(|score| (score, *entry))).collect();
    if found.is_empty() {
        let of_words = |entry: &Entry| wanted.iter().filter_map(|word| entry.score(std::slice::from_ref(word))).sum();
        found = pool.iter().map(|entry| (of_words(entry), *entry)).filter(|(score, _)| *score > 0).collect();
    }
    found
        .sort_by(|(first, one), (second, other)| second.cmp(first).then_with(|| one.name.len().cmp(&other.name.len())));
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// Anything, by words.
pub async fn query(_service: &Characters, request: QueryShadowrunRequest) -> Result<QueryShadowrunResponse, Status> {
    let QueryShadowrunRequest { query, category, limit } = request;
    let found = search(&query, |entry| category.as_ref().is_none_or(|category| entry.category == category));
    let limit = limit.map_or(USUAL_LIMIT, |limit| limit as usize);
    let total = found.len();
    let shown = names::shown(&query);
    let summary = match found.first() {
        None => format!("nothing is found for '{shown}'"),
        Some(best) => format!("{total} found for '{shown}'; best: {} ({}): {}", best.name, best.category, best.text),
    };
    Ok(QueryShadowrunResponse {
        results: found.into_iter().take(limit).map(Entry::to_proto).collect(),
        total: u32::try_from(total).unwrap_or(u32::MAX),
        summary,
    })
}

fn is_gear(entry: &Entry) -> bool {
    GEAR.contains(&entry.category)
}

/// What is bought, by words.
pub async fn gear(_service: &Characters, request: LookupGearRequest) -> Result<LookupGearResponse, Status> {
    let LookupGearRequest { query, category } = request;
    let is_meant =
        |entry: &Entry| is_gear(entry) && category.as_ref().is_none_or(|category| entry.category == category);
    let found = search(&query.unwrap_or_default(), is_meant);
    let total = u32::try_from(found.len()).unwrap_or(u32::MAX);
    Ok(LookupGearResponse { results: found.into_iter().map(Entry::to_proto).collect(), total })
}

fn find(name: &str) -> Result<&'static Entry, Status> {
    let own = |entry: &&Entry| is_gear(entry) && names::is_same(&entry.name, name);
    let exact = ENTRIES.iter().find(own);
    let also = || {
        let weapon = rules::shadowrun2::weapons::find_weapon(name).ok()?;
        ENTRIES.iter().find(|entry| entry.category == "weapon" && entry.name == weapon.name)
    };
    exact.or_else(also).ok_or_else(|| {
        let all: Vec<String> = ENTRIES.iter().filter(|entry| is_gear(entry)).map(|entry| entry.name.clone()).collect();
        unknown("thing", name, &all, "the catalogue has")
    })
}

/// Things beside each other.
pub async fn compare(_service: &Characters, request: CompareGearRequest) -> Result<CompareGearResponse, Status> {
    let names = request.gear_names;
    if !(2..=10).contains(&names.len()) {
        return Err(refuse(format!("2 to 10 things can be compared, not {}", names.len())));
    }
    let items = names.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
    let keys: BTreeSet<&String> = items
        .iter()
        .filter_map(|item| item.data.as_object())
        .flat_map(Map::keys)
        .filter(|key| *key != "name")
        .collect();
    let mut differences = Map::new();
    for key in keys {
        let value = |item: &&Entry| item.data.get(key).cloned().unwrap_or_default();
        let values: Vec<Value> = items.iter().map(value).collect();
        if values.windows(2).any(|pair| pair[0] != pair[1]) {
            let by_name = items.iter().zip(values).map(|(item, value)| (item.name.clone(), value));
            differences.insert(key.clone(), by_name.collect::<Map<_, _>>().into());
        }
    }
    let lines: Vec<String> = items.iter().map(|item| format!("{}: {}", item.name, item.text)).collect();
    Ok(CompareGearResponse {
        items: items.iter().map(|item| item.to_proto()).collect(),
        differences: Some(structs::from_json(differences.into())),
        summary: lines.join("; "),
    })
}

/// One thing.
pub async fn details(_service: &Characters, request: GetGearDetailsRequest) -> Result<GetGearDetailsResponse, Status> {
    Ok(GetGearDetailsResponse { item: Some(find(&request.gear_name)?.to_proto()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn first(query: &str, expected: &str) {
        let found = search(query, |_| true);
        assert_eq!(found.first().map(|entry| entry.name.as_str()), Some(expected), "{query}");
    }

    #[test]
    fn what_players_ask_for_is_found_first() {
        first("Mana Bolt", "Mana Bolt");
        first("show me the ares predator", "Ares Predator");
        first("how does staging work", "Staging");
        first("recoil compensation", "Recoil");
        first("wolf totem", "Wolf");
    }

    #[test]
    fn a_class_lists_its_weapons() {
        let found = search("heavy pistols", |entry| entry.category == "weapon");
        assert!(found.iter().all(|entry| entry.text.contains("heavy pistol")), "others among them");
        assert!(4 < found.len());
    }

    #[test]
    fn what_is_like_nothing_finds_nothing() {
        assert!(search("xyzzy", |_| true).is_empty());
    }
}
