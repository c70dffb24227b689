//! Names as people write them: when two are the same, and what was meant by one that is not there.

pub use rules::same_name as is_same;
use rules::{
    nearest,
    shadowrun2::{skill_web, skills},
};

/// Longest name of a character, in characters.
pub const MAX_NAME: usize = 100;

/// The key under which a character's name is looked up: lower case, single spaces.
pub fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded.to_lowercase()
}

/// Whether `name` is a part of `whole` but for case, spaces and punctuation; never for fewer than 3 letters.
pub fn is_part(name: &str, whole: &str) -> bool {
    Letters::of(name).is_part_of(&Letters::of(whole))
}

/// A name without case, spaces and punctuation, to be compared with many.
pub struct Letters(String);

impl Letters {
    pub fn of(name: &str) -> Letters {
        Letters(rules::letters(name).collect())
    }

    /// Whether it is a part of another; never for fewer than 3 letters.
    pub fn is_part_of(&self, whole: &Letters) -> bool {
        whole.0.contains(&self.0) && 3 <= self.0.chars().count()
    }
}

/// The rules' own spelling of a skill, if it is one of theirs.
pub fn skill(name: &str) -> Option<&'static str> {
    if let Ok(skill) = skills::find_skill(name) {
        return Some(skill.name);
    }
    let node = skill_web::find(name).ok()?;
    let ours = skill_web::OTHER_NAMES.iter().find(|(_, web)| *web == node);
    Some(ours.map_or(node, |(rules, _)| *rules))
}

/// What may be said about a name that is not there: the nearest names, and what there is.
pub fn help(name: &str, all: &[String], what: &str) -> String {
    let near = nearest(name, all.iter().map(String::as_str));
    let mut text = String::new();
    if !near.is_empty() {
        text += &format!("; nearest: {}", near.join(", "));
    }
    if !all.is_empty() {
        text += &format!("; {what}: {}", all.join(", "));
    }
    text
}

/// A name as it may be repeated to whoever sent it.
pub fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_punctuation_make_no_difference() {
        assert!(is_same("Ares  Predator", "ares-predator"));
        assert!(!is_same("Increase Reflexes +1", "Increase Reflexes 1"));
        assert_eq!(folded("  RILEY   O'Connor "), "riley o'connor");
    }

    #[test]
    fn a_skill_has_the_rules_spelling() {
        assert_eq!(skill("computers"), Some("Computer"));
        assert_eq!(skill("throwing"), Some("Throwing Weapons"));
        assert_eq!(skill("Monowhip"), None);
    }
}
